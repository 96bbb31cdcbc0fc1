/* SPDX-License-Identifier: MIT */
/*
 * Initiator: a session with an iSCSI target through libiscsi, and commands over it, one at a time.
 * Credentials come from --auth-file or from the environment that libiscsi knows (LIBISCSI_CHAP_USERNAME,
 * LIBISCSI_CHAP_PASSWORD, LIBISCSI_CHAP_TARGET_USERNAME, LIBISCSI_CHAP_TARGET_PASSWORD), never from the
 * command line.
 */
#ifndef TARGET_TOOL_INITIATOR_H
#define TARGET_TOOL_INITIATOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "target/tool/tool.h"

struct initiator;

enum initiator_sense {
	SENSE_NOT_READY = 2,
	SENSE_ILLEGAL_REQUEST = 5,
	SENSE_UNIT_ATTENTION = 6,
	SENSE_BLANK_CHECK = 8,
	SENSE_VOLUME_OVERFLOW = 13,
};
#define STATUS_GOOD  0x00
#define STATUS_CHECK 0x02
#define STATUS_CONFLICT 0x18

struct initiator_command {
	const uint8_t *cdb;
	unsigned cdb_size;
	void *in; /* at most one of in and out */
	const void *out;
	uint32_t size; /* bytes of it */
};

struct initiator_answer {
	int status;
	unsigned key, asc, ascq; /* with STATUS_CHECK */
	bool filemark, eom, ili, valid;
	int32_t information;
	uint32_t received; /* bytes in `in`, or taken of `out` */
};

/* TOOL_DONE, or after a complaint TOOL_USAGE where `url` is none, TOOL_FAILED where --auth-file is, and
 * TOOL_UNREACHABLE. `url` has a LUN, unless `any_lun`: then LUN 0. */
enum tool_exit initiator_open(const struct tool_call *call, const char *url, bool any_lun,
			      struct initiator **initiator);
void initiator_close(struct initiator **i);
#define CLEANUP_INITIATOR __attribute__((cleanup(initiator_close)))

/* 0, or -EIO when the session is lost. A status other than good is no error here. */
int initiator_run(struct initiator *i, const struct initiator_command *command,
		  struct initiator_answer *answer);
/* Commands go to this LUN from now on. */
void initiator_set_lun(struct initiator *i, int lun);
/* What keeps the session while something else is waited for; it is `i`'s. */
const struct tool_session *initiator_session(struct initiator *i);
int initiator_lun(const struct initiator *i);
bool initiator_is_lost(const struct initiator *i);
const char *initiator_name(const struct initiator *i);

/* "NOT READY (2), 3A/00 ..." or the name of a status. */
void initiator_words(const struct initiator_answer *answer, char *words, size_t size);

#endif
