/* SPDX-License-Identifier: MIT */
/*
 * The full feature phase but for SCSI: which PDU goes where, CmdSN, NOP, text,
 * logout, SNACK, Reject.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/log.h"
#include "target/iscsi/connection.h"

enum logout_response { LOGOUT_CLOSED = 0, LOGOUT_NO_CID = 1, LOGOUT_NO_RECOVERY = 2 };
enum logout_reason { LOGOUT_SESSION = 0, LOGOUT_CONNECTION = 1, LOGOUT_RECOVERY = 2 };

/* ---- numbers ------------------------------------------------------------------------------ */

static void advance_number(struct connection *connection)
{
	connection->exp_cmd_sn++;
	while (connection->skipped[connection->exp_cmd_sn % COMMAND_WINDOW]) {
		connection->skipped[connection->exp_cmd_sn % COMMAND_WINDOW] = false;
		connection->exp_cmd_sn++;
	}
}

int connection_take_number(struct connection *connection)
{
	const struct pdu *pdu = &connection->receive.pdu;
	if (pdu->immediate)
		return 0;
	if (serial_before(pdu->cmd_sn, connection->exp_cmd_sn) ||
	    serial_before(connection->max_cmd_sn, pdu->cmd_sn)) {
		connection->receive.ignored = true; /* RFC 7143 4.2.2.1 */
		return 0;
	}
	if (pdu->cmd_sn != connection->exp_cmd_sn) {
		/* One connection, no recovery: what is missing cannot come any more. */
		log_warning("iSCSI %s: CmdSN %u, expected %u", connection->peer_text, pdu->cmd_sn,
			    connection->exp_cmd_sn);
		return -EPROTO;
	}
	advance_number(connection);
	return 0;
}

void connection_skip_number(struct connection *connection, uint32_t cmd_sn)
{
	if (cmd_sn == connection->exp_cmd_sn)
		advance_number(connection);
	else
		connection->skipped[cmd_sn % COMMAND_WINDOW] = true;
}

int connection_hold_data(struct connection *connection)
{
	struct receive *receive = &connection->receive;
	if (!receive->pdu.data_length)
		return 0;
	receive->buffer_held = scsi_buffer_get(connection->network->pool, receive->pdu.data_length);
	if (!receive->buffer_held)
		return REJECT_RESOURCES;
	receive->data = receive->buffer_held->data;
	return 0;
}

/* ---- Reject ------------------------------------------------------------------------------- */

int connection_reject(struct connection *connection, uint8_t reason)
{
	struct outgoing *outgoing = outgoing_new(connection, PDU_REJECT);
	if (!outgoing)
		return -ENOMEM;
	counter_add(&connection->server->stats.rejects, 1);
	outgoing->pdu.response = reason;
	memcpy(outgoing->data, connection->receive.header, PDU_BHS_SIZE);
	outgoing->size = PDU_BHS_SIZE;
	outgoing_queue(connection, outgoing);
	return 0;
}

/* ---- NOP ---------------------------------------------------------------------------------- */

static int nop_begin(struct connection *connection, const uint8_t *segments)
{
	(void)segments;
	const struct pdu *pdu = &connection->receive.pdu;
	if (pdu->itt == PDU_NO_TAG) {
		/* The answer to a ping, or a sign of life. */
		connection->receive.ignored = pdu->immediate;
		return pdu->immediate ? 0 : REJECT_PROTOCOL;
	}
	return connection_hold_data(connection);
}

static int nop_finish(struct connection *connection)
{
	struct receive *receive = &connection->receive;
	struct outgoing *outgoing = outgoing_new(connection, PDU_NOP_IN);
	if (!outgoing)
		return -ENOMEM;
	outgoing->pdu.itt = receive->pdu.itt;
	outgoing->pdu.lun = receive->pdu.lun;
	outgoing->size = receive->pdu.data_length;
	if (outgoing->size > connection->parameters.max_send)
		outgoing->size = connection->parameters.max_send;
	outgoing->buffer = receive->buffer_held;
	receive->buffer_held = NULL;
	outgoing_queue_urgent(connection, outgoing);
	return 0;
}

void connection_ping(struct connection *connection)
{
	struct outgoing *outgoing = outgoing_new(connection, PDU_NOP_IN);
	if (!outgoing)
		return;
	outgoing->pdu.transfer_tag = connection->session->next_transfer_tag++ & 0x7fffffff;
	outgoing->numbered = false;
	outgoing_queue_urgent(connection, outgoing);
}

/* ---- text --------------------------------------------------------------------------------- */

static int text_begin(struct connection *connection, const uint8_t *segments)
{
	(void)segments;
	return connection_hold_data(connection);
}

static int text_finish(struct connection *connection)
{
	struct receive *receive = &connection->receive;
	const void *text = NULL;
	size_t size = 0;
	struct outgoing *outgoing = outgoing_new(connection, PDU_TEXT_RESPONSE);
	if (!outgoing)
		return -ENOMEM;
	int reject = text_exchange_step(connection->text, &receive->pdu,
					receive->buffer_held ? receive->buffer_held->data : NULL,
					receive->pdu.data_length, &outgoing->pdu, &text, &size);
	outgoing->pdu.opcode = PDU_TEXT_RESPONSE;
	outgoing->pdu.itt = receive->pdu.itt;
	outgoing->pdu.lun = receive->pdu.lun;
	if (!reject && size) {
		outgoing->buffer = scsi_buffer_get(connection->network->pool, size);
		if (outgoing->buffer)
			memcpy(outgoing->buffer->data, text, size);
		else
			reject = REJECT_RESOURCES;
	}
	if (reject) {
		free(outgoing);
		return reject;
	}
	outgoing->size = (uint32_t)size;
	session_refresh_info(connection->session);
	outgoing_queue(connection, outgoing);
	return 0;
}

/* ---- logout ------------------------------------------------------------------------------- */

static int no_data_begin(struct connection *connection, const uint8_t *segments)
{
	(void)connection, (void)segments;
	return 0;
}

static int logout_finish(struct connection *connection)
{
	const struct pdu *pdu = &connection->receive.pdu;
	struct outgoing *outgoing = outgoing_new(connection, PDU_LOGOUT_RESPONSE);
	if (!outgoing)
		return -ENOMEM;
	outgoing->pdu.itt = pdu->itt;
	outgoing->pdu.parameter[0] = (uint16_t)connection->parameters.time2wait;
	outgoing->pdu.parameter[1] = (uint16_t)connection->parameters.time2retain;
	outgoing->pdu.response = LOGOUT_CLOSED;
	if (pdu->function == LOGOUT_RECOVERY)
		outgoing->pdu.response = LOGOUT_NO_RECOVERY;
	else if (pdu->function == LOGOUT_CONNECTION && pdu->cid != connection->cid)
		outgoing->pdu.response = LOGOUT_NO_CID;
	if (outgoing->pdu.response == LOGOUT_CLOSED)
		session_close(connection->session);
	outgoing_queue(connection, outgoing);
	if (outgoing->pdu.response == LOGOUT_CLOSED)
		connection_end(connection);
	return 0;
}

/* Recovery within a command or a connection is not offered (ErrorRecoveryLevel 0). */
static int snack_finish(struct connection *connection)
{
	(void)connection;
	return REJECT_SNACK;
}

/* A second login, or another thing of the login phase. */
static int login_again(struct connection *connection)
{
	(void)connection;
	return REJECT_PROTOCOL;
}

/* ---- where a PDU goes --------------------------------------------------------------------- */

const struct request *full_request(uint8_t opcode)
{
	static const struct request nop = {nop_begin, nop_finish, .numbered = true};
	static const struct request text = {text_begin, text_finish, .numbered = true};
	static const struct request logout = {no_data_begin, logout_finish, .numbered = true};
	static const struct request snack = {no_data_begin, snack_finish};
	static const struct request login = {no_data_begin, login_again};
	static const struct request *const table[] = {
		[PDU_NOP_OUT] = &nop,
		[PDU_COMMAND] = &command_request,
		[PDU_TASK_REQUEST] = &task_request,
		[PDU_LOGIN_REQUEST] = &login,
		[PDU_TEXT_REQUEST] = &text,
		[PDU_DATA_OUT] = &data_out_request,
		[PDU_LOGOUT_REQUEST] = &logout,
		[PDU_SNACK] = &snack,
	};
	return opcode < sizeof(table) / sizeof(table[0]) ? table[opcode] : NULL;
}
