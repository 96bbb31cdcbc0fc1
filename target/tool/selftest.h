/* SPDX-License-Identifier: MIT */
/* Self test: the rows that are sent to each unit of a library, and the steps on a scratch tape. */
#ifndef TARGET_TOOL_SELFTEST_H
#define TARGET_TOOL_SELFTEST_H

#include "target/tool/initiator.h"

enum selftest_unit { UNIT_CHANGER = 1, UNIT_DRIVE = 2, UNIT_BOTH = 3 };
/* Of commands that may not be sent to a unit that others use, only the list is looked at. */
enum selftest_manner { MANNER_SEND, MANNER_SEND_MEDIUM, MANNER_LIST };

struct selftest_row {
	const char *name;
	enum selftest_unit unit;
	enum selftest_manner manner;
	bool mandatory;
	bool has_action; /* of byte 1 */
	uint8_t cdb[16];
	uint8_t cdb_size;
	uint16_t in; /* bytes */
};
extern const struct selftest_row selftest_rows[]; /* ends with a NULL name */
/* The name of a command that has no row; "other" of one that is not known. An action of -1 is none. */
const char *selftest_other(uint8_t opcode, int action, enum selftest_unit unit);

/* A step on the scratch tape, and the one answer that is right. */
struct selftest_step {
	const char *name;
	uint8_t cdb[16];
	uint8_t cdb_size;
	uint16_t in, out; /* bytes */
	uint8_t status, key, asc, ascq;
	bool filemark, ili;
	int32_t information; /* where ili */
};
extern const struct selftest_step selftest_steps[];

struct selftest {
	struct initiator *initiator;
	bool json;
	unsigned failed, sent, lines; /* lines of the unit that is shown */
	unsigned reserved;	      /* units that were not tested */
};

/* One line of the report: "failed" where `why` is not NULL. */
struct selftest_line {
	uint8_t opcode;
	int action; /* -1: none */
	const char *name, *need, *answer, *why;
};
void selftest_show(struct selftest *t, const struct selftest_line *line);
/* Sends it, once more after a unit attention. */
int selftest_send(struct selftest *t, const struct initiator_command *command,
		  struct initiator_answer *answer);
/* The methods of logical block protection that the drive offers, on the tape that is in it. 0, or -errno. */
int selftest_guard(struct selftest *t);
/* Brings the tape into a drive, runs the steps, brings it back. 0, or -errno after a complaint. */
int selftest_tape(struct selftest *t, const char *barcode, const int *luns, unsigned count);

#endif
