/* SPDX-License-Identifier: MIT */
/*
 * The login phase on a connection: requests go through the login machine; the last
 * answer makes the session, when the one before it of the same initiator port has
 * ended. A proof that comes from where wrong ones came from waits first (guess.h).
 */
#include <errno.h>
#include <string.h>

#include "lib/base/log.h"
#include "target/iscsi/connection.h"
#include "target/iscsi/guess.h"

static void queue_answer(struct connection *connection, const struct pdu *answer, const void *text,
			 size_t size)
{
	struct outgoing *outgoing = outgoing_new(connection, PDU_LOGIN_RESPONSE);
	if (!outgoing)
		return;
	outgoing->pdu = *answer;
	outgoing->plain = true;
	if (size) {
		outgoing->buffer = scsi_buffer_get(connection->network->pool, size);
		if (outgoing->buffer)
			memcpy(outgoing->buffer->data, text, size);
		else
			connection_break(connection);
		outgoing->size = outgoing->buffer ? (uint32_t)size : 0;
	}
	outgoing_queue(connection, outgoing);
}

static void queue_refusal(struct connection *connection, const struct pdu *answer)
{
	counter_add(&connection->server->stats.login_failures, 1);
	queue_answer(connection, answer, NULL, 0);
	connection_end(connection);
}

static void refuse(struct connection *connection, enum login_status status, struct pdu *answer)
{
	const char *reason = status == LOGIN_NO_SESSION	  ? "there is no such session"
			     : status == LOGIN_TOO_MANY	  ? "a session has one connection"
			     : status == LOGIN_NOT_FOUND  ? "the target has left"
			     : status == LOGIN_UNAVAILABLE ? "the target is not there now"
							  : "no room for another session";
	login_refuse(connection->login, status, reason, answer);
	queue_refusal(connection, answer);
}

static int enter_full(struct connection *connection)
{
	connection->text = text_exchange_new(&connection->parameters, server_send_targets, connection);
	if (!connection->text)
		return -ENOMEM;
	const struct iscsi_session_info *info = &connection->session->info;
	connection->login_answer.tsih = info->tsih;
	queue_answer(connection, &connection->login_answer, connection->login_text,
		     connection->login_text_size);
	if (connection->state != CONNECTION_BROKEN)
		connection_enter_full(connection);
	login_free(&connection->login);
	log_info("iSCSI %s: session %u of %s with %s", connection->peer_text, info->tsih, info->initiator,
		 info->discovery ? "discovery" : info->target);
	return 0;
}

/* What the login machine has let in: a session, now or later. */
static int finish(struct connection *connection)
{
	int status = session_begin(connection);
	if (status == -EAGAIN) {
		connection_wait(connection);
		return 0;
	}
	if (status) {
		refuse(connection, (enum login_status)status, &connection->login_answer);
		return 0;
	}
	return enter_full(connection);
}

void connection_retry_login(struct connection *connection)
{
	if (finish(connection))
		connection_break(connection);
}

/* One connection a session: whoever names a session gets an error (RFC 7143 6.3.1, 11.13.5). */
static enum login_status check_tsih(struct connection *connection, const struct pdu *request, const char *initiator)
{
	if (!request->tsih)
		return LOGIN_OK;
	switch (session_known(connection, request->tsih, initiator)) {
	case 0:
		return LOGIN_NO_SESSION;
	case 1:
		return LOGIN_TOO_MANY;
	default:
		/* Another's: told only to who has proven to be its initiator. */
		return initiator ? LOGIN_NO_SESSION : LOGIN_OK;
	}
}

static int login_begin_pdu(struct connection *connection, const uint8_t *segments)
{
	(void)segments;
	return connection_hold_data(connection) ? -ENOMEM : 0;
}

static int take_request(struct connection *connection, const struct pdu *request,
			const struct scsi_buffer *data)
{
	struct pdu answer = {0};
	const void *text = NULL;
	size_t size = 0;
	bool proof = login_is_challenged(connection->login);
	login_step(connection->login, request, data ? data->data : NULL, request->data_length, &answer,
		   &text, &size);
	if (login_has_failed(connection->login)) {
		if (proof)
			guess_failed(connection->server->guesses, &connection->peer,
				     login_user(connection->login), connection->network->now);
		queue_refusal(connection, &answer);
		return 0;
	}
	bool done = login_is_done(connection->login);
	if (done)
		connection->parameters = *login_parameters(connection->login);
	enum login_status status =
		check_tsih(connection, request, done ? connection->parameters.initiator : NULL);
	if (status) {
		refuse(connection, status, &answer);
		return 0;
	}
	if (!done) {
		queue_answer(connection, &answer, text, size);
		return 0;
	}
	connection->login_answer = answer;
	connection->login_text = text;
	connection->login_text_size = size;
	return finish(connection);
}

void connection_login_delayed(struct connection *connection)
{
	struct scsi_buffer *text = connection->delayed_text;
	connection->delayed_text = NULL;
	connection_go_on(connection);
	if (take_request(connection, &connection->delayed, text))
		connection_break(connection);
	connection_mark(connection);
	if (text)
		scsi_buffer_release(&text);
}

/* True: it is not looked at now. */
static bool is_delayed(struct connection *connection)
{
	struct receive *receive = &connection->receive;
	struct guess_source *source;
	uint64_t until;
	if (!login_is_challenged(connection->login))
		return false;
	if (guess_arrive(connection->server->guesses, &connection->peer, login_user(connection->login),
			 connection->network->now, &until, &source)) {
		struct pdu answer = {
			.opcode = PDU_LOGIN_RESPONSE,
			.itt = receive->pdu.itt,
			.tsih = receive->pdu.tsih,
		};
		memcpy(answer.isid, receive->pdu.isid, sizeof(answer.isid));
		login_refuse(connection->login, LOGIN_UNAVAILABLE, "too many secrets from its address",
			     &answer);
		queue_refusal(connection, &answer);
		return true;
	}
	if (!until)
		return false;
	connection->delayed = receive->pdu;
	connection->delayed_text = receive->buffer_held;
	receive->buffer_held = NULL;
	connection_delay(connection, until, source);
	return true;
}

static int login_finish_pdu(struct connection *connection)
{
	const struct receive *receive = &connection->receive;
	const struct pdu *request = &receive->pdu;
	if (!connection->stat_sn) {
		connection->stat_sn = 1;
		connection->exp_cmd_sn = request->cmd_sn;
		connection->max_cmd_sn = request->cmd_sn - 1;
		connection->cid = request->cid;
		memcpy(connection->isid, request->isid, sizeof(connection->isid));
	}
	return is_delayed(connection) ? 0 : take_request(connection, request, receive->buffer_held);
}

const struct request login_request = {
	.begin = login_begin_pdu,
	.finish = login_finish_pdu,
};
