/* SPDX-License-Identifier: MIT */
/*
 * The text keys (RFC 7143 13) as one table, and the negotiation that follows it. A negotiation
 * first takes all pairs of a request, so that what comes before a key in the request makes no
 * difference, and then answers them in the table's order. Keys that set no parameter by a rule
 * (names, authentication, SendTargets) are left to the caller: negotiation_value().
 */
#ifndef TARGET_ISCSI_KEYS_H
#define TARGET_ISCSI_KEYS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "target/iscsi/text.h"

/* In the order of answering: what a key depends on is before it. */
enum key_id {
	KEY_INITIATOR_NAME, KEY_INITIATOR_ALIAS, KEY_TARGET_NAME, KEY_SESSION_TYPE,
	KEY_TARGET_ALIAS, KEY_TARGET_ADDRESS, KEY_TARGET_PORTAL_GROUP_TAG,
	KEY_AUTH_METHOD, KEY_CHAP_A, KEY_CHAP_I, KEY_CHAP_C, KEY_CHAP_N, KEY_CHAP_R,
	KEY_HEADER_DIGEST, KEY_DATA_DIGEST,
	KEY_MAX_CONNECTIONS, KEY_INITIAL_R2T, KEY_IMMEDIATE_DATA, KEY_MAX_RECEIVE,
	KEY_MAX_BURST, KEY_FIRST_BURST, KEY_TIME2WAIT, KEY_TIME2RETAIN, KEY_MAX_R2T,
	KEY_DATA_PDU_IN_ORDER, KEY_DATA_SEQUENCE_IN_ORDER, KEY_ERROR_RECOVERY,
	KEY_TASK_REPORTING, KEY_PROTOCOL_LEVEL,
	KEY_IF_MARKER, KEY_OF_MARKER, KEY_IF_MARK_INT, KEY_OF_MARK_INT,
	KEY_SEND_TARGETS,
	KEY_COUNT,
};

enum key_phase {
	KEY_SECURITY = 1 << 0,
	KEY_OPERATIONAL = 1 << 1,
	KEY_FULL_FEATURE = 1 << 2,
};

struct negotiation {
	/* The caller's, set before the first request. */
	const struct iscsi_settings *settings;
	struct iscsi_parameters *parameters;
	struct text_buffer *answer;
	enum key_phase phase;

	const char *fresh[KEY_COUNT]; /* values of this request, in its text */
	char *seen[KEY_COUNT];	      /* copies of all that have come */
};

/* What holds before anything is negotiated. */
void parameters_init(struct iscsi_parameters *parameters);

/* Takes the pairs of a request; answers keys that are not in the table with NotUnderstood. 0 or
 * -ENOMEM; -EPROTO: a key that may not be sent now or by an initiator (in the full feature phase it
 * is answered with Reject instead), one with a value that is too long, or one that comes again with
 * another value. */
int negotiation_take(struct negotiation *negotiation, const struct text_pair *pairs, size_t count);
/* The value of a key in this request, or NULL. */
const char *negotiation_value(const struct negotiation *negotiation, enum key_id key);
/* Answers the keys that have a rule and sets the parameters. */
void negotiation_answer(struct negotiation *negotiation);
/* Tells our MaxRecvDataSegmentLength. */
void negotiation_declare(struct negotiation *negotiation);
void negotiation_free(struct negotiation *negotiation);

/* The key's name in the RFC. */
const char *key_name(enum key_id key);
/* True when the list, "a,b,c", has this very item. */
bool list_has(const char *list, const char *item);
/* A decimal or hexadecimal number of at most 64 bits. 0 or -EINVAL. */
int number_parse(const char *string, uint64_t *number);

#endif
