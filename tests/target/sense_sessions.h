/* SPDX-License-Identifier: MIT */
/*
 * What commands are answered with after resets, lost connections, logouts, reinstatement, and errors
 * that come to light later: steps as in sense_steps.h, for two hosts whose ports stay the same.
 */
#ifndef TESTS_TARGET_SENSE_SESSIONS_H
#define TESTS_TARGET_SENSE_SESSIONS_H

#include "tests/target/sense_steps.h"

#define DOES(HOST, DEED)      HOST, .does = (DEED), .flags = ""
#define RESET(HOST, LUN, HOW) HOST, LUN, .does = DEED_MANAGE, .function = (HOW), .flags = ""
#define ON_CHANGER(HOST)      HOST, 0, {0x00}
#define REWIND_OF(HOST)	      HOST, 1, {0x01}

/* Task management (RFC 7143 11.5.1), and a response to it. */
enum { ABORT_SET = 2, CLEAR_SET = 4, LUN_RESET = 5, WARM_RESET = 6, COLD_RESET = 7 };
enum { NO_LUN = 2, NOT_SUPPORTED = 5 };

/* clang-format off */
static const struct step steps_sessions[] = {
	{"load", MOVE(SLOT, 0, DRIVE, 0), FINE},
	{"load is told to a", READY('a'), TOLD(6, 0x2800)},
	{"b hears first of mode parameters that a has changed before", READY('b'), TOLD(6, 0x2a01)},
	{"load is told to b", READY('b'), TOLD(6, 0x2800)},

	{"b prevents", 'b', 1, {0x1e, 0, 0, 0, 1}, FINE},
	{"prevented", MOVE(DRIVE, 0, SLOT, 0), TOLD(5, 0x5302)},
	{"b logs out", DOES('b', DEED_LOGOUT)},
	{"PREVENT goes with the session", MOVE(DRIVE, 0, SLOT, 0), FINE},
	{"load again", MOVE(SLOT, 0, DRIVE, 0), FINE},
	{"load again is told", READY('a'), TOLD(6, 0x2800)},
	{"b comes back", DOES('b', DEED_LOGIN)},
	{"b hears of the loss of its nexus", READY('b'), TOLD(6, 0x2907)},
	{"b hears of it once", READY('b'), FINE},
	{"b hears of it from each unit", ON_CHANGER('b'), TOLD(6, 0x2907)},
	{"a does not hear of it", READY('a'), FINE},

	{"b reserves", 'b', 1, {0x16}, FINE},
	{"reserved", READY('a'), TOLD(TOLD_CONFLICT, 0)},
	{"b's connection is cut", DOES('b', DEED_DROP)},
	{"b connects again", DOES('b', DEED_LOGIN)},
	{"RESERVE went with the nexus", READY('a'), FINE},
	{"b hears that its nexus was lost", READY('b'), TOLD(6, 0x2907)},

	{"b prevents once more", 'b', 1, {0x1e, 0, 0, 0, 1}, FINE},
	{"b logs in while it is", DOES('b', DEED_REPLACE)},
	{"PREVENT goes with the old session", MOVE(DRIVE, 0, SLOT, 0), FINE},
	{"load a third time", MOVE(SLOT, 0, DRIVE, 0), FINE},
	{"load a third time is told", READY('a'), TOLD(6, 0x2800)},
	{"reinstatement is a loss, too", READY('b'), TOLD(6, 0x2907)},
	{"and b has seen the tape come", READY('b'), TOLD(6, 0x2800)},

	{"b registers", KEEP('b', 0, 0, "\0", "b"), FINE},
	{"b reserves for itself", KEEP('b', 1, 3, "b", "\0"), FINE},
	{"b's connection is cut again", DOES('b', DEED_DROP)},
	{"the reservation is the port's", REWIND, TOLD(TOLD_CONFLICT, 0)},
	{"b is there again", DOES('b', DEED_LOGIN)},
	{"b hears of that loss", READY('b'), TOLD(6, 0x2907)},
	{"b holds it still", REWIND_OF('b'), FINE},
	{"a does not", REWIND, TOLD(TOLD_CONFLICT, 0)},
	{"a reset leaves it", RESET('a', 1, LUN_RESET)},
	{"a hears of the reset", READY('a'), TOLD(6, 0x2903)},
	{"b hears of the reset", READY('b'), TOLD(6, 0x2903)},
	{"a is shut out after the reset", REWIND, TOLD(TOLD_CONFLICT, 0)},
	{"b clears", KEEP('b', 3, 0, "b", "\0"), FINE},
	{"a is let in", REWIND, FINE_AT(0)},

	{"two blocks", WRITE(BLOCK), .times = 2, FINE_AT(2)},
	{"blocks of 512 bytes", 'a', 1, {0x15, 0x10, 0, 0, 12}, BLOCKS_OF_512, FINE_AT(2)},
	{"b hears of the block length", READY('b'), TOLD(6, 0x2a01)},
	{"b reserves before the reset", 'b', 1, {0x16}, FINE},
	{"b prevents before the reset", 'b', 1, {0x1e, 0, 0, 0, 1}, FINE},
	{"reset of the drive", RESET('a', 1, LUN_RESET)},
	{"the reset comes before what it has ended", READY('a'), TOLD(6, 0x2903)},
	{"RESERVE went with the reset", READY('a'), FINE_AT(2)},
	{"the block length went with it", WRITE_FIXED(1), SAYS(5, 0x2400, "", NOTHING, 2), .residual = BLOCK, .field = 1},
	{"b hears of it", READY('b'), TOLD(6, 0x2903)},
	{"b hears of it once", READY('b'), FINE},
	{"the changer was not reset", ON_CHANGER('a'), FINE},
	{"nor for b", ON_CHANGER('b'), TOLD(6, 0x2907)},
	{"what was written is there", 'a', 1, {0x11, 0, 0xff, 0xff, 0xff}, FINE_AT(1)},
	{"PREVENT went with the reset", MOVE(DRIVE, 0, SLOT, 0), FINE},

	{"reset of the target by b", RESET('b', 0, WARM_RESET)},
	{"a hears of the target's reset", READY('a'), TOLD(6, 0x2902)},
	{"from the changer as well", ON_CHANGER('a'), TOLD(6, 0x2902)},
	{"and so does b, who asked for it", READY('b'), TOLD(6, 0x2902)},
	{"from both", ON_CHANGER('b'), TOLD(6, 0x2902)},
	{"no tape after it", READY('b'), TOLD(2, 0x3a00)},

	{"nothing to abort", RESET('a', 1, ABORT_SET)},
	{"nothing to clear", RESET('a', 1, CLEAR_SET)},
	{"nobody hears of nothing", READY('b'), TOLD(2, 0x3a00)},
	{"a unit that is not there", RESET('a', 5, LUN_RESET), .response = NO_LUN},
	{"CLEAR ACA", RESET('a', 1, 3), .response = NOT_SUPPORTED},

	{"the coldest reset", RESET('a', 0, COLD_RESET)},
	{"a is shown out", DOES('a', DEED_DROP)},
	{"b is shown out", DOES('b', DEED_DROP)},
	{"a comes again", DOES('a', DEED_LOGIN)},
	{"b comes again", DOES('b', DEED_LOGIN)},
	{"a has lost its nexus", READY('a'), TOLD(6, 0x2907)},
	{"b has lost its nexus", READY('b'), TOLD(6, 0x2907)},
	{"a may go on", ON_CHANGER('a'), TOLD(6, 0x2907)},
	{"the tape is in its slot", MOVE(SLOT, 0, DRIVE, 0), FINE},
	{"and back", MOVE(DRIVE, 0, SLOT, 0), FINE},
};

/* With a cartridge that takes no data: of the daemon's first flush. */
static const struct step steps_deferred[] = {
	{"load", MOVE(SLOT, 0, DRIVE, 0), FINE},
	{"load is told to a", READY('a'), TOLD(6, 0x2800)},
	{"load is told to b", READY('b'), TOLD(6, 0x2800)},
	{"a block that is buffered", WRITE(BLOCK), FINE},
	{"the error that comes later", READY('a'), .does = DEED_AWAIT, .key = 3, .code = 0x0c00, .flags = "D",
	 .information = BLOCK, .at = ANYWHERE},
	{"it is told once", READY('a'), FINE_AT(0)},
	{"it is told to the writer alone", READY('b'), FINE},
	{"no more is taken", WRITE(BLOCK), SAYS(3, 0x0c00, "", BLOCK, 0), .residual = BLOCK},
	{"nothing is durable", MARKS(0), SAYS(3, 0x0c00, "", 0, 0)},
	{"unload", MOVE(DRIVE, 0, SLOT, 0), FINE},
	{"load anew", MOVE(SLOT, 0, DRIVE, 0), FINE},
	{"load anew is told", READY('a'), TOLD(6, 0x2800)},
	{"it takes data now", WRITE(BLOCK), FINE_AT(1)},
	{"and keeps it", MARKS(1), FINE_AT(2)},
	{"unload at the end", MOVE(DRIVE, 0, SLOT, 0), FINE},
};
/* clang-format on */

#endif
