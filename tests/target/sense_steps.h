/* SPDX-License-Identifier: MIT */
/*
 * Commands one after another, what each is answered with, and where it leaves the tape. Elements of a
 * library are named by kind and number, since every product counts them from elsewhere: the host puts
 * the addresses in.
 *
 *   slot 0   a tape of 16 MiB           slot 2   one that is locked: what it has stays
 *   slot 1   another                    slot 3   WORM
 *   slot 4   empty                      slot 5   a tape that the drives cannot take
 *
 * The residual of a WRITE says in bytes what INFORMATION says in blocks, what is not on the tape: with
 * the early warning that is nothing. A parameter list that was looked at counts as transferred.
 */
#ifndef TESTS_TARGET_SENSE_STEPS_H
#define TESTS_TARGET_SENSE_STEPS_H

#include <stdint.h>

#include "tests/target/sense_host.h"

/* First bytes of an address; the second is the number. */
enum { SLOT = 0xe1, DRIVE, PORT, ROBOT };

#define BLOCK	 65536
#define ANYWHERE (-1)
#define NOTHING	 INT64_MIN /* INFORMATION is not valid */

/* What a step is: a command, or something else that a host does. */
enum deed {
	DEED_COMMAND,
	DEED_AWAIT,   /* the command, again and again until it is not answered with GOOD */
	DEED_LOGOUT,
	DEED_DROP,    /* the connection, without a word */
	DEED_LOGIN,
	DEED_REPLACE, /* a login while the session is there */
	DEED_MANAGE,  /* task management */
};

struct step {
	const char *what;
	char host; /* 'a' or 'b' */
	uint8_t lun;
	uint8_t cdb[16];
	uint32_t out, in; /* bytes that go along */
	const char *list; /* what goes out; NULL: zeroes */
	unsigned times;	  /* each with this answer; 0 is once */
	enum deed does;
	uint8_t function, response; /* of DEED_MANAGE */
	/* What is expected. */
	unsigned key;
	uint16_t code;
	const char *flags;
	int64_t information, residual;
	int64_t at; /* of host a, which hears of nothing by it */
	uint16_t field; /* that is wrong; 0: not told or not checked */
};

#define TOLD(KEY, CODE)	 .key = (KEY), .code = (CODE), .flags = "", .information = NOTHING, .at = ANYWHERE
#define FINE		 TOLD(TOLD_GOOD, 0)
#define FINE_AT(OBJECT)	 .key = TOLD_GOOD, .flags = "", .information = NOTHING, .at = (OBJECT)
#define SAYS(KEY, CODE, FLAGS, INFORMATION, OBJECT)                                                \
	.key = (KEY), .code = (CODE), .flags = (FLAGS), .information = (INFORMATION), .at = (OBJECT)

#define READY(HOST)	   HOST, 1, {0x00}
#define MOVE(FROM, F, TO, T) 'a', 0, {0xa5, 0, 0, 0, FROM, F, TO, T}
#define WRITE(BYTES)	   'a', 1, {0x0a, 0, (BYTES) >> 16, (BYTES) >> 8 & 0xff, (BYTES)&0xff}, .out = (BYTES)
#define WRITE_FIXED(N)	   'a', 1, {0x0a, 1, 0, (N) >> 8, (N)&0xff}, .out = (N) * BLOCK
#define MARKS(N)	   'a', 1, {0x10, 0, 0, 0, N}
#define REWIND		   'a', 1, {0x01}
#define SELECT(LIST)	   .out = sizeof(LIST) - 1, .list = LIST
#define VARIABLE	   SELECT("\0\0\x10\x08\0\0\0\0\0\0\0\0")
#define BLOCKS_OF_512	   SELECT("\0\0\x10\x08\0\0\0\0\0\0\2\0")
#define BLOCKS_OF_64K	   SELECT("\0\0\x10\x08\0\0\0\0\0\1\0\0")

/* PERSISTENT RESERVE OUT: a key and another, each one character. */
#define KEEP(HOST, ACTION, TYPE, KEY, OTHER) HOST, 1, {0x5f, ACTION, TYPE, [8] = 24},                \
	SELECT("\0\0\0\0\0\0\0" KEY "\0\0\0\0\0\0\0" OTHER "\0\0\0\0\0\0\0\0")

/* clang-format off */
static const struct step steps_attention[] = {
	{"INQUIRY before the attention", 'b', 1, {0x12, 0, 0, 0, 36}, .in = 36, FINE},
	{"REPORT LUNS", 'b', 0, {0xa0, [9] = 32}, .in = 32, FINE, .residual = 8},
	{"a new nexus", READY('a'), TOLD(6, 0x2900)},
	{"a new nexus, the other", READY('b'), TOLD(6, 0x2900)},
	{"a new nexus, the changer", 'a', 0, {0x00}, TOLD(6, 0x2900)},
	{"a new nexus, the changer, the other", 'b', 0, {0x00}, TOLD(6, 0x2900)},
};

static const struct step steps_begin[] = {
	{"no tape", READY('a'), TOLD(2, 0x3a00)},
	{"no tape: READ", 'a', 1, {0x08, 0, 0, 1}, .in = 256, TOLD(2, 0x3a00), .residual = 256},
	{"no tape: WRITE", WRITE(256), TOLD(2, 0x3a00), .residual = 256},
	{"no tape: WRITE FILEMARKS", MARKS(1), TOLD(2, 0x3a00)},
	{"no tape: REWIND", REWIND, TOLD(2, 0x3a00)},
	{"no tape: SPACE", 'a', 1, {0x11, 0, 0, 0, 1}, TOLD(2, 0x3a00)},
	{"no tape: LOCATE", 'a', 1, {0x92}, TOLD(2, 0x3a00)},
	{"no tape: READ POSITION", 'a', 1, {0x34, 6, [8] = 32}, .in = 32, TOLD(2, 0x3a00), .residual = 32},
	{"a tape too many generations away", MOVE(SLOT, 5, DRIVE, 0), TOLD(5, 0x3000)},
	{"load", MOVE(SLOT, 0, DRIVE, 0), FINE},
	{"a load is told", READY('a'), TOLD(6, 0x2800)},
	{"a load is told once", READY('a'), FINE_AT(0)},
	{"INQUIRY does not hear of the load", 'b', 1, {0x12, 0, 0, 0, 36}, .in = 36, FINE},
	{"a load is told to all", READY('b'), TOLD(6, 0x2800)},
	{"a load is told to all once", READY('b'), FINE},
	{"mode parameters", 'a', 1, {0x15, 0x10, 0, 0, 12}, BLOCKS_OF_512, FINE_AT(0)},
	{"mode parameters are told to others", READY('b'), TOLD(6, 0x2a01)},
	{"mode parameters are not told to who changed them", READY('a'), FINE},
	{"mode parameters back", 'a', 1, {0x15, 0x10, 0, 0, 12}, VARIABLE, FINE_AT(0)},
	{"mode parameters back are told", READY('b'), TOLD(6, 0x2a01)},
	{"unknown opcode", 'a', 1, {0x28}, .in = 512, TOLD(5, 0x2000), .residual = 512},
	{"unknown opcode of a changer", 'a', 0, {0x08, 0, 0, 1}, .in = 256, TOLD(5, 0x2000), .residual = 256},
	{"FIXED and SILI", 'a', 1, {0x08, 3, 0, 0, 1}, .in = 512, SAYS(5, 0x2400, "", NOTHING, 0),
	 .residual = 512, .field = 1},
	{"FIXED without a block length", 'a', 1, {0x0a, 1, 0, 0, 1}, .out = 512,
	 SAYS(5, 0x2400, "", NOTHING, 0), .residual = 512, .field = 1},
	{"setmarks", 'a', 1, {0x10, 2, 0, 0, 1}, SAYS(5, 0x2400, "", NOTHING, 0), .field = 1},
	{"SPACE over setmarks", 'a', 1, {0x11, 4, 0, 0, 1}, SAYS(5, 0x2400, "", NOTHING, 0), .field = 1},
	{"saved mode parameters", 'a', 1, {0x1a, 0, 0xca, 0, 64}, .in = 64, TOLD(5, 0x3900), .residual = 64},
	{"a page that is not there", 'a', 1, {0x1a, 0, 0x3e, 0, 64}, .in = 64, TOLD(5, 0x2400),
	 .residual = 64, .field = 2},
	{"a VPD page that is not there", 'a', 1, {0x12, 1, 0xb9, 0, 64}, .in = 64, TOLD(5, 0x2400),
	 .residual = 64, .field = 2},
	{"a list that is cut", 'a', 1, {0x15, 0x10, 0, 0, 11}, SELECT("\0\0\x10\x08\0\0\0\0\0\0\0"), TOLD(5, 0x1a00)},
	{"a density that is not there", 'a', 1, {0x15, 0x10, 0, 0, 12},
	 SELECT("\0\0\x10\x08\x13\0\0\0\0\0\0\0"), TOLD(5, 0x2600)},
	{"a unit that is not there", 'a', 5, {0x00}, TOLD(5, 0x2500)},
	{"RESERVE", 'a', 1, {0x16}, FINE},
	{"reserved", READY('b'), TOLD(TOLD_CONFLICT, 0)},
	{"reserved: INQUIRY", 'b', 1, {0x12, 0, 0, 0, 36}, .in = 36, FINE},
	{"reserved: RELEASE of another", 'b', 1, {0x17}, FINE},
	{"reserved still", READY('b'), TOLD(TOLD_CONFLICT, 0)},
	{"RELEASE", 'a', 1, {0x17}, FINE},
	{"released", READY('b'), FINE},
	{"register a", KEEP('a', 0, 0, "\0", "a"), FINE},
	{"register b", KEEP('b', 0, 0, "\0", "b"), FINE},
	{"a reserves for who is registered", KEEP('a', 1, 6, "a", "\0"), FINE},
	{"b is registered", 'b', 1, {0x01}, FINE},
	{"a wrong key", KEEP('a', 2, 6, "b", "\0"), TOLD(TOLD_CONFLICT, 0)},
	{"a releases", KEEP('a', 2, 6, "a", "\0"), FINE},
	{"the release is told", READY('b'), TOLD(6, 0x2a04)},
	{"the release is not told to who released", READY('a'), FINE},
	{"a reserves once more", KEEP('a', 1, 6, "a", "\0"), FINE},
	{"b preempts a", KEEP('b', 4, 6, "b", "a"), FINE},
	{"a is told of the preemption", READY('a'), TOLD(6, 0x2a05)},
	{"a may ask", READY('a'), FINE},
	{"a is not registered any more", REWIND, TOLD(TOLD_CONFLICT, 0)},
	{"a registers again", KEEP('a', 0, 0, "\0", "a"), FINE},
	{"a is registered", REWIND, FINE},
	{"b clears", KEEP('b', 3, 0, "b", "\0"), FINE},
	{"a is told of the clearing", READY('a'), TOLD(6, 0x2a03)},
	{"nothing is reserved", READY('a'), FINE},
	{"PREVENT", 'b', 1, {0x1e, 0, 0, 0, 1}, FINE},
	{"prevented: unload", 'a', 1, {0x1b}, TOLD(5, 0x5302)},
	{"prevented: move", MOVE(DRIVE, 0, SLOT, 0), TOLD(5, 0x5302)},
	{"ALLOW", 'b', 1, {0x1e}, FINE},
};

/* 16 MiB: the zone of early warning is 2 % of it, and block 250 is the first that ends in it. */
static const struct step steps_end[] = {
	{"unload", MOVE(DRIVE, 0, SLOT, 0), FINE},
	{"an unload is told as no tape", READY('a'), TOLD(2, 0x3a00)},
	{"load another", MOVE(SLOT, 1, DRIVE, 0), FINE},
	{"load is told", READY('a'), TOLD(6, 0x2800)},
	{"blank: READ", 'a', 1, {0x08, 0, 0, 1}, .in = 256, SAYS(8, 0x0005, "", 256, 0), .residual = 256},
	{"before the warning", WRITE(BLOCK), .times = 250, FINE_AT(250)},
	{"the first block in the zone", WRITE(BLOCK), SAYS(0, 0x0002, "E", 0, 251)},
	{"a filemark in the zone", MARKS(1), SAYS(0, 0x0002, "E", 0, 252)},
	{"a flush in the zone", MARKS(0), FINE_AT(252)},
	{"the last blocks", WRITE(BLOCK), .times = 4, SAYS(0, 0x0002, "E", 0, 256)},
	{"a block past the end", WRITE(BLOCK), SAYS(13, 0x0002, "E", BLOCK, 256), .residual = BLOCK},
	{"what the filemark has left of one", WRITE(BLOCK - 64), SAYS(0, 0x0002, "E", 0, 257)},
	{"filemarks past the end", MARKS(2), SAYS(13, 0x0002, "E", 2, 257)},
	{"READ at the end", 'a', 1, {0x08, 0, 0, 2}, .in = 512, SAYS(8, 0x0005, "", 512, 257), .residual = 512},
	{"rewind", REWIND, FINE_AT(0)},
	{"fixed blocks", 'a', 1, {0x15, 0x10, 0, 0, 12}, BLOCKS_OF_64K, FINE_AT(0)},
	{"before the warning, fixed", WRITE_FIXED(125), .times = 2, FINE_AT(250)},
	{"fixed blocks into the zone", WRITE_FIXED(4), SAYS(0, 0x0002, "E", 0, 254)},
	{"fixed blocks past the end", WRITE_FIXED(5), SAYS(13, 0x0002, "E", 3, 256), .residual = 3 * BLOCK},
	{"no fixed block more", WRITE_FIXED(1), SAYS(13, 0x0002, "E", 1, 256), .residual = BLOCK},
	{"rewind again", REWIND, FINE_AT(0)},
	{"variable blocks", 'a', 1, {0x15, 0x10, 0, 0, 12}, VARIABLE, FINE_AT(0)},
	{"device configuration extension: 2 MB before the warning", 'a', 1, {0x55, 0x10, [8] = 40},
	 SELECT("\0\0\0\x10\0\0\0\0\x50\1\0\x1c\0\2\0\2\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"), FINE_AT(0)},
	{"before the programmable warning", WRITE(BLOCK), .times = 218, FINE_AT(218)},
	{"the programmable warning", WRITE(BLOCK), SAYS(0, 0x0007, "E", 0, 219)},
	{"the programmable warning is told once", WRITE(BLOCK), .times = 31, FINE_AT(250)},
	{"the warning after it", WRITE(BLOCK), SAYS(0, 0x0002, "E", 0, 251)},
	{"unload by the drive", 'a', 1, {0x1b}, FINE},
	{"unloaded and still in the drive", READY('a'), TOLD(2, 0x3a00)},
	{"back to its slot", MOVE(DRIVE, 0, SLOT, 1), FINE},
};

static const struct step steps_protected[] = {
	{"load", MOVE(SLOT, 2, DRIVE, 0), FINE},
	{"load is told", READY('a'), TOLD(6, 0x2800)},
	{"locked: WRITE", WRITE(BLOCK), .times = 2, FINE_AT(2)},
	{"locked: rewind", REWIND, FINE_AT(0)},
	{"locked: overwrite", WRITE(BLOCK), SAYS(7, 0x2700, "", BLOCK, 0), .residual = BLOCK},
	{"locked: filemark over a block", MARKS(1), SAYS(7, 0x2700, "", 1, 0)},
	{"locked: ERASE", 'a', 1, {0x19}, SAYS(7, 0x2700, "", 0, 0)},
	{"locked: FORMAT MEDIUM", 'a', 1, {0x04}, SAYS(7, 0x2700, "", NOTHING, 0)},
	{"locked: READ", 'a', 1, {0x08, 0, 1}, .in = BLOCK, FINE_AT(1)},
	{"unload", MOVE(DRIVE, 0, SLOT, 2), FINE},
	{"load of WORM", MOVE(SLOT, 3, DRIVE, 0), FINE},
	{"load of WORM is told", READY('a'), TOLD(6, 0x2800)},
	{"WORM: WRITE", WRITE(BLOCK), .times = 2, FINE_AT(2)},
	{"WORM: a filemark", MARKS(1), FINE_AT(3)},
	{"WORM: back", 'a', 1, {0x11, 0, 0xff, 0xff, 0xff}, SAYS(0, 0x0001, "F", 1, 2)},
	{"WORM: a block instead of the last filemark", WRITE(BLOCK), FINE_AT(3)},
	{"WORM: rewind", REWIND, FINE_AT(0)},
	{"WORM: overwrite", WRITE(BLOCK), SAYS(7, 0x300c, "", BLOCK, 0), .residual = BLOCK},
	{"WORM: filemark over a block", MARKS(1), SAYS(7, 0x300c, "", 1, 0)},
	{"WORM: ERASE", 'a', 1, {0x19}, SAYS(7, 0x300c, "", 0, 0)},
	{"WORM: FORMAT MEDIUM", 'a', 1, {0x04}, SAYS(7, 0x300c, "", NOTHING, 0)},
	{"WORM: to the end", 'a', 1, {0x11, 3}, FINE_AT(3)},
	{"WORM: append", WRITE(BLOCK), FINE_AT(4)},
	{"unload of WORM", MOVE(DRIVE, 0, SLOT, 3), FINE},
};

static const struct step steps_changer[] = {
	{"from an empty slot", MOVE(SLOT, 4, DRIVE, 0), TOLD(5, 0x3b0e)},
	{"from an empty drive", MOVE(DRIVE, 0, SLOT, 4), TOLD(5, 0x3b0e)},
	{"to a full slot", MOVE(SLOT, 0, SLOT, 1), TOLD(5, 0x3b0d)},
	{"to no element", MOVE(SLOT, 0, 0xff, 0xf0), TOLD(5, 0x2101)},
	{"from no element", MOVE(0xff, 0xf0, SLOT, 4), TOLD(5, 0x2101)},
	{"onto itself", MOVE(SLOT, 0, SLOT, 0), FINE},
	{"turned over", 'a', 0, {0xa5, 0, 0, 0, SLOT, 0, SLOT, 4, [10] = 1}, TOLD(5, 0x2400), .field = 10},
	{"to the import/export slot", MOVE(SLOT, 0, PORT, 0), FINE},
	{"and back", MOVE(PORT, 0, SLOT, 0), FINE},
	{"exchange", 'a', 0, {0xa6, 0, 0, 0, SLOT, 0, SLOT, 1, SLOT, 0}, FINE},
	{"exchange back", 'a', 0, {0xa6, 0, 0, 0, SLOT, 0, SLOT, 1, SLOT, 0}, FINE},
	{"exchange with an empty slot", 'a', 0, {0xa6, 0, 0, 0, SLOT, 4, SLOT, 1, SLOT, 4}, TOLD(5, 0x3b0e)},
	{"exchange with no element", 'a', 0, {0xa6, 0, 0, 0, SLOT, 0, 0xff, 0xf0, SLOT, 0}, TOLD(5, 0x2101)},
	{"position", 'a', 0, {0x2b, 0, 0, 0, DRIVE, 0}, FINE},
	{"position to no element", 'a', 0, {0x2b, 0, 0, 0, 0xff, 0xf0}, TOLD(5, 0x2101)},
	{"element status", 'a', 0, {0xb8, 0x10, 0, 0, 0xff, 0xff, 0, 0, 0, 8}, .in = 8, FINE},
	{"element status of no kind", 'a', 0, {0xb8, 0x17, 0, 0, 0, 9, 0, 0, 0, 64}, .in = 64, TOLD(5, 0x2400),
	 .residual = 64, .field = 1},
	{"INITIALIZE ELEMENT STATUS", 'a', 0, {0x07}, FINE},
	{"reserved by a", 'a', 0, {0x16}, FINE},
	{"reserved: MOVE MEDIUM", 'b', 0, {0xa5, 0, 0, 0, SLOT, 0, SLOT, 4}, TOLD(TOLD_CONFLICT, 0)},
	{"released by a", 'a', 0, {0x17}, FINE},
};

/* clang-format on */

#endif
