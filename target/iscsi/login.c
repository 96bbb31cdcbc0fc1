/* SPDX-License-Identifier: MIT */
/*
 * The login machine (RFC 7143 6.3, 11.12, 11.13).
 *
 * A request passes four doors: its header is legal and of the same login as those before; its text
 * is whole (C gathers it); its keys are taken, the first time together with the names and the
 * server's word on who may log in; then the stage's own step, authentication or parameters, and the
 * change of stage if the initiator asks for it (T) and nothing is left to prove or to send.
 *
 *   SECURITY, OPERATIONAL -> the stage that NSG names    [stage_change]
 *   any                   -> FAILED                      [login_fail]
 *
 * No stage waits for an answer to what we have told unasked. After FAILED or FULL_FEATURE every
 * request is refused.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/assert.h"
#include "lib/base/log.h"
#include "lib/base/mem.h"
#include "lib/base/secret.h"
#include "target/iscsi/auth.h"
#include "target/iscsi/keys.h"
#include "target/iscsi/login.h"
#include "target/iscsi/names.h"

#define LOGIN_MAGIC    0x10916417u
#define ANSWER_MAX     8192u /* bytes of text in a response: what every initiator takes */
#define REQUESTS_MAX   128u  /* of one login */

enum login_stage {
	STAGE_SECURITY = 0, STAGE_OPERATIONAL = 1, STAGE_FULL_FEATURE = 3, /* as in CSG and NSG */
	STAGE_FAILED = 4,
};

struct login {
	uint32_t magic;
	struct login_server server;
	struct iscsi_parameters parameters;
	enum login_stage stage;
	unsigned requests;
	bool introduced; /* the names are known and let in */
	bool declared;	 /* our MaxRecvDataSegmentLength is told */
	uint8_t isid[6];
	uint16_t tsih, cid;
	uint32_t itt;
	struct text_input input;
	struct text_buffer output;
	struct negotiation negotiation;
	struct iscsi_access *access; /* in memory for secrets */
	struct auth auth;
	enum login_status status;
};

struct login *login_new(const struct login_server *server)
{
	struct login *login = mem_try_zalloc(1, sizeof(*login));
	if (!login)
		return NULL;
	login->access = secret_alloc(1, sizeof(*login->access));
	if (!login->access) {
		free(login);
		return NULL;
	}
	login->magic = LOGIN_MAGIC;
	login->server = *server;
	parameters_init(&login->parameters);
	login->negotiation = (struct negotiation){
		.settings = server->settings,
		.parameters = &login->parameters,
		.answer = &login->output,
	};
	return login;
}

void login_free(struct login **login_pointer)
{
	struct login *login = *login_pointer;
	if (!login)
		return;
	ASSERT_OBJECT(login, LOGIN_MAGIC);
	negotiation_free(&login->negotiation);
	text_input_free(&login->input);
	text_buffer_free(&login->output);
	secret_free(login->access);
	explicit_bzero(login, sizeof(*login));
	free(login);
	*login_pointer = NULL;
}

bool login_is_done(const struct login *login)
{
	ASSERT_OBJECT(login, LOGIN_MAGIC);
	return login->stage == STAGE_FULL_FEATURE;
}

bool login_has_failed(const struct login *login)
{
	ASSERT_OBJECT(login, LOGIN_MAGIC);
	return login->stage == STAGE_FAILED;
}

bool login_is_challenged(const struct login *login)
{
	ASSERT_OBJECT(login, LOGIN_MAGIC);
	return login->auth.state == AUTH_CHALLENGED && login->stage != STAGE_FAILED;
}

const char *login_user(const struct login *login)
{
	ASSERT_OBJECT(login, LOGIN_MAGIC);
	return login->access->user;
}

const struct iscsi_parameters *login_parameters(const struct login *login)
{
	ASSERT_OBJECT(login, LOGIN_MAGIC);
	return &login->parameters;
}

static enum login_status login_fail(struct login *login, enum login_status status,
				    const char *reason)
{
	const struct iscsi_parameters *parameters = &login->parameters;
	login->stage = STAGE_FAILED;
	login->status = status;
	log_warning("login of %s from %s to %s refused (status %04x): %s",
		    parameters->initiator[0] ? parameters->initiator : "an unknown initiator",
		    login->server.peer ? login->server.peer : "an unknown address",
		    parameters->discovery  ? "discovery"
		    : parameters->target[0] ? parameters->target
					    : "no target",
		    (unsigned)status, reason);
	return status;
}

static enum login_status login_fail_errno(struct login *login, int error, const char *reason)
{
	return error == -ENOMEM ? login_fail(login, LOGIN_NO_RESOURCES, "out of memory")
				: login_fail(login, LOGIN_INITIATOR_ERROR, reason);
}

/* ---- the header ----------------------------------------------------------------------------- */

static bool wants_change(const struct pdu *request)
{
	return request->flags & PDU_FINAL;
}

static enum login_stage request_stage(const struct pdu *request)
{
	return (enum login_stage)(request->flags >> 2 & 3);
}

static enum login_stage request_next(const struct pdu *request)
{
	return (enum login_stage)(request->flags & 3);
}

static bool flags_are_legal(const struct pdu *request)
{
	enum login_stage current = request_stage(request), next = request_next(request);
	if (current != STAGE_SECURITY && current != STAGE_OPERATIONAL)
		return false;
	if (!wants_change(request))
		return true;
	return !(request->flags & PDU_CONTINUE) && next > current &&
	       (next == STAGE_OPERATIONAL || next == STAGE_FULL_FEATURE);
}

/* What makes requests one login. */
static bool is_same_login(const struct login *login, const struct pdu *request)
{
	return !memcmp(login->isid, request->isid, sizeof(login->isid)) &&
	       login->tsih == request->tsih && login->cid == request->cid &&
	       login->itt == request->itt && login->stage == request_stage(request);
}

static void login_begin(struct login *login, const struct pdu *request)
{
	memcpy(login->isid, request->isid, sizeof(login->isid));
	login->tsih = request->tsih;
	login->cid = request->cid;
	login->itt = request->itt;
	login->stage = request_stage(request);
}

static enum login_status header_step(struct login *login, const struct pdu *request)
{
	if (request->opcode != PDU_LOGIN_REQUEST)
		return login_fail(login, LOGIN_INVALID_REQUEST, "a PDU that is no login request");
	if (login->stage == STAGE_FULL_FEATURE || login->stage == STAGE_FAILED)
		return login_fail(login, LOGIN_INVALID_REQUEST, "the login is over");
	if (request->version_min > 0)
		return login_fail(login, LOGIN_VERSION, "a version that is not supported");
	if (!flags_are_legal(request))
		return login_fail(login, LOGIN_INITIATOR_ERROR, "stages or flags that are none");
	if (login->requests == 0)
		login_begin(login, request);
	else if (!is_same_login(login, request))
		return login_fail(login, LOGIN_INITIATOR_ERROR, "a request of another login or stage");
	if (++login->requests > REQUESTS_MAX)
		return login_fail(login, LOGIN_INITIATOR_ERROR, "too many requests");
	return LOGIN_OK;
}

/* ---- the first text --------------------------------------------------------------------------- */

static enum login_status session_type(struct login *login)
{
	const char *type = negotiation_value(&login->negotiation, KEY_SESSION_TYPE);
	if (!type || !strcmp(type, "Normal"))
		return LOGIN_OK;
	if (strcmp(type, "Discovery") != 0)
		return login_fail(login, LOGIN_SESSION_TYPE, "a session type that is none");
	login->parameters.discovery = true;
	return LOGIN_OK;
}

static enum login_status names_step(struct login *login)
{
	struct iscsi_parameters *parameters = &login->parameters;
	const char *initiator = negotiation_value(&login->negotiation, KEY_INITIATOR_NAME);
	const char *target = negotiation_value(&login->negotiation, KEY_TARGET_NAME);
	if (!initiator)
		return login_fail(login, LOGIN_MISSING, "no InitiatorName");
	if (iscsi_name_normalise(initiator, parameters->initiator))
		return login_fail(login, LOGIN_INITIATOR_ERROR, "an InitiatorName that is none");
	enum login_status status = session_type(login);
	if (status)
		return status;
	if (!target && !parameters->discovery)
		return login_fail(login, LOGIN_MISSING, "no TargetName");
	if (target && iscsi_name_normalise(target, parameters->target))
		return login_fail(login, LOGIN_NOT_FOUND, "a TargetName that is none");
	return LOGIN_OK;
}

static void introduce_ourselves(struct login *login)
{
	const char *alias = login->server.settings->alias;
	if (login->parameters.discovery)
		return;
	if (alias && alias[0])
		text_add(&login->output, key_name(KEY_TARGET_ALIAS), "%s", alias);
	text_add(&login->output, key_name(KEY_TARGET_PORTAL_GROUP_TAG), "%u",
		 login->server.portal_group);
}

static enum login_status introduction_step(struct login *login)
{
	struct iscsi_parameters *parameters = &login->parameters;
	enum login_status status = names_step(login);
	if (status)
		return status;
	status = login->server.authorize(login->server.context, parameters->initiator,
					 parameters->target, parameters->discovery, login->access);
	if (status)
		return login_fail(login, status,
				  status == LOGIN_NOT_FOUND     ? "there is no such target"
				  : status == LOGIN_UNAVAILABLE ? "the target is not there now"
								: "the access list does not let it in");
	login->introduced = true;
	introduce_ourselves(login);
	return LOGIN_OK;
}

/* Names may come again, but only the same; the negotiation sees to that. One that comes late is
 * another matter. */
static bool names_come_late(const struct login *login)
{
	const struct negotiation *negotiation = &login->negotiation;
	const char *target = negotiation_value(negotiation, KEY_TARGET_NAME);
	const char *type = negotiation_value(negotiation, KEY_SESSION_TYPE);
	return (target && !login->parameters.target[0]) ||
	       (type && login->parameters.discovery != !strcmp(type, "Discovery"));
}

/* ---- stages ------------------------------------------------------------------------------------- */

static enum login_status security_step(struct login *login)
{
	const char *why = NULL;
	enum login_status status = auth_step(&login->auth, &login->negotiation, login->access, &why);
	if (status)
		return login_fail(login, status, why);
	if (login->auth.state == AUTH_DONE)
		memcpy(login->parameters.user, login->access->user, sizeof(login->parameters.user));
	return LOGIN_OK;
}

static enum login_status operational_step(struct login *login)
{
	if (!auth_is_enough(&login->auth, login->access))
		return login_fail(login, LOGIN_AUTHENTICATION, "it goes past authentication");
	negotiation_answer(&login->negotiation);
	if (!login->declared)
		negotiation_declare(&login->negotiation);
	login->declared = true;
	return LOGIN_OK;
}

static void alias_take(struct login *login)
{
	const char *alias = negotiation_value(&login->negotiation, KEY_INITIATOR_ALIAS);
	if (alias)
		iscsi_alias_copy(login->parameters.initiator_alias,
				 sizeof(login->parameters.initiator_alias), alias);
}

/* The text of a request is whole. */
static enum login_status text_step(struct login *login, const struct pdu *request)
{
	struct negotiation *negotiation = &login->negotiation;
	text_buffer_clear(&login->output);
	int error = text_input_split(&login->input);
	if (error)
		return login_fail_errno(login, error, "malformed text");
	negotiation->phase = login->stage == STAGE_SECURITY ? KEY_SECURITY : KEY_OPERATIONAL;
	error = negotiation_take(negotiation, login->input.pairs, login->input.count);
	if (error)
		return login_fail_errno(login, error, "a key that is out of place, too long, or "
						      "comes again with another value");
	enum login_status status = LOGIN_OK;
	if (!login->introduced)
		status = introduction_step(login);
	else if (names_come_late(login))
		return login_fail(login, LOGIN_INITIATOR_ERROR, "names after the first request");
	if (status)
		return status;
	alias_take(login);
	status = login->stage == STAGE_SECURITY ? security_step(login) : operational_step(login);
	if (!status && login->output.error)
		return login_fail_errno(login, login->output.error, "too long an answer");
	if (!status && wants_change(request) && login->auth.state == AUTH_START &&
	    !auth_is_enough(&login->auth, login->access))
		return login_fail(login, LOGIN_AUTHENTICATION, "it offers no AuthMethod");
	return status;
}

static enum login_status request_step(struct login *login, const struct pdu *request,
				      const void *text, size_t size)
{
	enum login_status status = header_step(login, request);
	if (status)
		return status;
	if (text_buffer_pending(&login->output))
		return size ? login_fail(login, LOGIN_INITIATOR_ERROR, "text while ours goes on")
			    : LOGIN_OK;
	int error = text_input_add(&login->input, text, size);
	if (error)
		return login_fail(login, LOGIN_NO_RESOURCES,
				  error == -EMSGSIZE ? "too much text" : "out of memory");
	if (request->flags & PDU_CONTINUE)
		return LOGIN_OK;
	status = text_step(login, request);
	text_input_clear(&login->input);
	memset(login->negotiation.fresh, 0, sizeof(login->negotiation.fresh));
	return status;
}

/* ---- responses ------------------------------------------------------------------------------------ */

static void response_begin(const struct pdu *request, struct pdu *response)
{
	*response = (struct pdu){
		.opcode = PDU_LOGIN_RESPONSE,
		.flags = (uint8_t)(request->flags & 0x0c),
		.itt = request->itt,
		.tsih = request->tsih,
		.cid = request->cid,
	};
	memcpy(response->isid, request->isid, sizeof(response->isid));
}

static void response_fail(const struct login *login, struct pdu *response)
{
	response->flags = 0;
	response->data_length = 0;
	response->response = (uint8_t)(login->status >> 8);
	response->status = (uint8_t)login->status;
}

static void stage_change(struct login *login, const struct pdu *request, struct pdu *response)
{
	enum login_stage next = request_next(request);
	ASSERT(login->stage < next && next <= STAGE_FULL_FEATURE);
	response->flags |= (uint8_t)(PDU_FINAL | next);
	login->stage = next;
}

void login_step(struct login *login, const struct pdu *request, const void *text, size_t size,
		struct pdu *response, const void **answer, size_t *answer_size)
{
	ASSERT_OBJECT(login, LOGIN_MAGIC);
	*answer = NULL;
	*answer_size = 0;
	response_begin(request, response);
	if (request_step(login, request, text, size)) {
		response_fail(login, response);
		return;
	}
	text_buffer_take(&login->output, ANSWER_MAX, answer, answer_size);
	response->data_length = (uint32_t)*answer_size;
	if (text_buffer_pending(&login->output))
		response->flags |= PDU_CONTINUE;
	else if (wants_change(request) && login->introduced &&
		 auth_is_enough(&login->auth, login->access))
		stage_change(login, request, response);
}

void login_refuse(struct login *login, enum login_status status, const char *reason,
		  struct pdu *response)
{
	ASSERT_OBJECT(login, LOGIN_MAGIC);
	ASSERT(status != LOGIN_OK);
	login_fail(login, status, reason);
	response_fail(login, response);
}
