/* SPDX-License-Identifier: MIT */
/*
 * Login and text negotiation (RFC 7143 6, 12, 13) as a state machine without
 * sockets: it takes login requests with their text and gives login responses with
 * theirs. The connection calls it, and so do the unit tests and the fuzzers.
 *
 *   SECURITY -> OPERATIONAL -> FULL_FEATURE     [login_step, by CSG, NSG and T]
 *   any      -> FAILED                          [a status that is not 0]
 */
#ifndef TARGET_ISCSI_LOGIN_H
#define TARGET_ISCSI_LOGIN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "target/iscsi/iscsi.h"
#include "target/iscsi/pdu.h"

/* What has been agreed on. */
struct iscsi_parameters {
	char initiator[SCSI_NAME_MAX], target[SCSI_NAME_MAX], initiator_alias[256];
	char user[ISCSI_SECRET_MAX]; /* that CHAP has proven; "" */
	bool discovery;
	bool header_digest, data_digest;
	bool initial_r2t, immediate_data;
	bool data_pdu_in_order, data_sequence_in_order;
	uint32_t max_burst, first_burst;
	uint32_t max_send;    /* the initiator's MaxRecvDataSegmentLength */
	uint32_t max_receive; /* ours */
	uint32_t max_r2t, time2wait, time2retain, error_recovery;
};

enum login_status { /* class and detail, 11.13.5 */
	LOGIN_OK = 0x0000, LOGIN_INITIATOR_ERROR = 0x0200, LOGIN_AUTHENTICATION = 0x0201,
	LOGIN_AUTHORIZATION = 0x0202, LOGIN_NOT_FOUND = 0x0203, LOGIN_REMOVED = 0x0204,
	LOGIN_VERSION = 0x0205, LOGIN_TOO_MANY = 0x0206, LOGIN_MISSING = 0x0207,
	LOGIN_CANNOT_INCLUDE = 0x0208, LOGIN_SESSION_TYPE = 0x0209, LOGIN_NO_SESSION = 0x020a,
	LOGIN_INVALID_REQUEST = 0x020b, LOGIN_TARGET_ERROR = 0x0300, LOGIN_UNAVAILABLE = 0x0301,
	LOGIN_NO_RESOURCES = 0x0302,
};

/* What the machine asks the server. */
struct login_server {
	void *context;
	const struct iscsi_settings *settings;
	/* A status; on LOGIN_OK *access is a copy of the row that matches (all "" when open). */
	enum login_status (*authorize)(void *context, const char *initiator, const char *target,
				       bool discovery, struct iscsi_access *access);
	uint16_t portal_group;
	const char *peer; /* address, for log lines; or NULL */
};

struct login;
/* The struct is copied, what it points to stays the server's. NULL without memory. */
struct login *login_new(const struct login_server *server);
void login_free(struct login **login);

/* One request: `text` is its data segment. Fills the response (flags, stages, status, versions,
 * isid; not the sequence numbers) and its text (at most 8192 bytes; the login's until the next
 * step). Requests and answers that go over several PDUs (C) are put together here. */
void login_step(struct login *login, const struct pdu *request, const void *text, size_t size,
		struct pdu *response, const void **answer, size_t *answer_size);
bool login_is_done(const struct login *login);   /* full feature phase */
bool login_has_failed(const struct login *login);
/* The next request is to prove a secret: a step that fails then is a guess that was wrong. */
bool login_is_challenged(const struct login *login);
/* Whose secret that is, by the access row; "" when none is asked for. */
const char *login_user(const struct login *login);
/* Names are there once the first request has been answered, the rest when it is done. */
const struct iscsi_parameters *login_parameters(const struct login *login);
/* Turns the response of the last step into a refusal without text, for what only the server knows
 * (a TSIH that is none, too many connections). The reason is for the log. */
void login_refuse(struct login *login, enum login_status status, const char *reason,
		  struct pdu *response);

/* ---- text in the full feature phase ------------------------------------------------------ */

/* Where a SendTargets answer comes from; write key=value pairs with text_add(). */
struct text_buffer;
int text_add(struct text_buffer *text, const char *key, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* Negotiations of one session after login, one at a time; `parameters` are the session's and get
 * what has been agreed on, when it is. send_targets() tells TargetName and TargetAddress of one
 * target (a normalised name), or with NULL of all that the initiator may see: 0, -ENOENT when there
 * is no such target for it (the answer is empty then), -errno. NULL without memory. */
struct text_exchange;
struct text_exchange *text_exchange_new(struct iscsi_parameters *parameters,
	int (*send_targets)(void *context, const char *which, struct text_buffer *text), void *context);
void text_exchange_free(struct text_exchange **exchange);
/* One text request: gives the response's flags (F, C), tags, LUN and text, at most
 * parameters->max_send bytes of it; the rest follows when the initiator asks with an empty request.
 * The text is the exchange's until the next step. 0, or an enum pdu_reject: there is no response
 * then, and the negotiation is as if it had never begun. */
int text_exchange_step(struct text_exchange *exchange, const struct pdu *request, const void *text,
		       size_t size, struct pdu *response, const void **answer, size_t *answer_size);

#endif
