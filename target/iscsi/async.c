/* SPDX-License-Identifier: MIT */
/* Asynchronous messages (RFC 7143 11.9): the initiator is asked to leave, then shown out. */
#include "target/iscsi/connection.h"

enum async_event { ASYNC_LOGOUT_REQUEST = 1, ASYNC_DROP_SESSION = 3 };

#define SECOND 1000000000ull

void connection_ask_to_leave(struct connection *connection)
{
	if (connection->state < CONNECTION_FULL) {
		connection_break(connection);
		return;
	}
	if (connection->state != CONNECTION_FULL || connection->leaving)
		return;
	uint32_t grace = connection->server->settings.grace_seconds;
	struct outgoing *outgoing = outgoing_new(connection, PDU_ASYNC);
	if (!outgoing)
		return;
	outgoing->pdu.response = ASYNC_LOGOUT_REQUEST;
	outgoing->pdu.parameter[2] = (uint16_t)grace;
	outgoing_queue(connection, outgoing);
	connection->leaving = true;
	connection->deadline = connection->network->now + grace * SECOND;
}

void connection_tell_drop(struct connection *connection)
{
	struct outgoing *outgoing = outgoing_new(connection, PDU_ASYNC);
	if (!outgoing)
		return;
	outgoing->pdu.response = ASYNC_DROP_SESSION;
	outgoing->pdu.parameter[1] = (uint16_t)connection->parameters.time2wait;
	outgoing->pdu.parameter[2] = (uint16_t)connection->parameters.time2retain;
	outgoing_queue(connection, outgoing);
}
