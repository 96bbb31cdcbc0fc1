/* SPDX-License-Identifier: MIT */
/*
 * The login phase on a connection: requests go through the login machine; the last
 * answer makes the session, when the one before it of the same initiator port has
 * ended.
 */
#include <errno.h>
#include <string.h>

#include "lib/base/log.h"
#include "target/iscsi/connection.h"

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

static int login_finish_pdu(struct connection *connection)
{
	struct receive *receive = &connection->receive;
	const struct pdu *request = &receive->pdu;
	struct pdu answer = {0};
	const void *text = NULL;
	size_t size = 0;
	if (!connection->stat_sn) {
		connection->stat_sn = 1;
		connection->exp_cmd_sn = request->cmd_sn;
		connection->max_cmd_sn = request->cmd_sn - 1;
		connection->cid = request->cid;
		memcpy(connection->isid, request->isid, sizeof(connection->isid));
	}
	login_step(connection->login, request, receive->buffer_held ? receive->buffer_held->data : NULL,
		   request->data_length, &answer, &text, &size);
	if (login_has_failed(connection->login)) {
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

const struct request login_request = {
	.begin = login_begin_pdu,
	.finish = login_finish_pdu,
};
