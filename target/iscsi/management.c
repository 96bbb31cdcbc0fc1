/* SPDX-License-Identifier: MIT */
/*
 * Task management (RFC 7143 11.5, 11.6). What the SCSI layer does not know yet,
 * because its data is still coming, is dropped here; the rest is the SCSI layer's.
 * The response comes after the answers of tasks that had been done before.
 */
#include <errno.h>
#include <stdlib.h>

#include "lib/base/assert.h"
#include "lib/base/cleanup.h"
#include "lib/base/mem.h"
#include "target/iscsi/connection.h"

enum iscsi_function { FUNCTION_REASSIGN = 8 };
enum iscsi_response { RESPONSE_NO_REASSIGN = 4 };

struct management {
	struct message message;
	struct scsi_management_request request;
	struct session *session;
	uint32_t itt;
	enum scsi_response response;
};

static int respond(struct connection *connection, uint32_t itt, uint8_t response)
{
	struct outgoing *outgoing = outgoing_new(connection, PDU_TASK_RESPONSE);
	if (!outgoing)
		return -ENOMEM;
	outgoing->pdu.itt = itt;
	outgoing->pdu.response = response;
	outgoing_queue(connection, outgoing);
	return 0;
}

/* All sessions of the target end (RFC 7143 11.5.1). */
static void cold_reset(struct session *session)
{
	connection_end(session->connection);
	LOCK_SCOPE(&session->server->lock);
	sessions_leave_locked(session->server, session->offer, true);
}

static void management_run(struct message *message)
{
	struct management *management = (struct management *)message;
	struct session *session = management->session;
	struct connection *connection = session->connection;
	if (connection && connection->state == CONNECTION_FULL) {
		respond(connection, management->itt, (uint8_t)management->response);
		if (management->request.function == SCSI_TARGET_COLD_RESET &&
		    management->response == SCSI_FUNCTION_COMPLETE)
			cold_reset(session);
	}
	session->managements--;
	free(management);
	session_put(session);
}

/* Always through the inbox: the tasks that it has ended are there before. */
static void management_done(struct scsi_management_request *request, enum scsi_response response)
{
	struct management *management = request->context;
	management->response = response;
	network_post(management->session->network, &management->message);
}

static int manage(struct connection *connection, const struct pdu *pdu)
{
	struct session *session = connection->session;
	struct management *management = mem_try_zalloc(1, sizeof(*management));
	if (!management)
		return REJECT_RESOURCES;
	*management = (struct management){
		.message.run = management_run,
		.session = session,
		.itt = pdu->itt,
		.request = {
			.nexus = session->nexus,
			.function = (enum scsi_management)pdu->function,
			.lun = pdu->lun,
			.tag = pdu->referenced_tag,
			.done = management_done,
			.context = management,
		},
	};
	session->managements++;
	scsi_manage(&management->request);
	return 0;
}

/* A task that is not there: never come, or over (RFC 7143 11.6.1, Function Complete and 1). */
static uint8_t missing_task(struct connection *connection, const struct pdu *pdu)
{
	if (serial_before(pdu->ref_cmd_sn, connection->exp_cmd_sn) ||
	    serial_before(connection->max_cmd_sn, pdu->ref_cmd_sn) ||
	    !serial_before(pdu->ref_cmd_sn, pdu->cmd_sn))
		return SCSI_NO_TASK;
	connection_skip_number(connection, pdu->ref_cmd_sn);
	return SCSI_FUNCTION_COMPLETE;
}

static int abort_task(struct connection *connection, const struct pdu *pdu)
{
	struct command *command = session_find_command(connection->session, pdu->referenced_tag);
	if (!command)
		return respond(connection, pdu->itt, missing_task(connection, pdu));
	switch (command->state) {
	case COMMAND_COLLECTING:
	case COMMAND_READY:
		command_free(command);
		return respond(connection, pdu->itt, SCSI_FUNCTION_COMPLETE);
	case COMMAND_ANSWERING:
		return respond(connection, pdu->itt, SCSI_NO_TASK);
	case COMMAND_SUBMITTED:
		break;
	}
	return manage(connection, pdu);
}

static int set_function(struct connection *connection, const struct pdu *pdu)
{
	session_drop_commands(connection->session, &pdu->lun);
	return manage(connection, pdu);
}

static int target_function(struct connection *connection, const struct pdu *pdu)
{
	session_drop_commands(connection->session, NULL);
	return manage(connection, pdu);
}

static int refuse_reassign(struct connection *connection, const struct pdu *pdu)
{
	return respond(connection, pdu->itt, RESPONSE_NO_REASSIGN);
}

static int task_begin(struct connection *connection, const uint8_t *segments)
{
	(void)segments;
	const struct session *session = connection->session;
	if (!session->nexus)
		return REJECT_PROTOCOL;
	return session->managements >= IMMEDIATE_MAX ? REJECT_TOO_MANY_IMMEDIATE : 0;
}

static int task_finish(struct connection *connection)
{
	static int (*const functions[])(struct connection *connection, const struct pdu *pdu) = {
		[SCSI_ABORT_TASK] = abort_task,
		[SCSI_ABORT_TASK_SET] = set_function,
		[SCSI_CLEAR_TASK_SET] = set_function,
		[SCSI_LU_RESET] = set_function,
		[SCSI_TARGET_WARM_RESET] = target_function,
		[SCSI_TARGET_COLD_RESET] = target_function,
		[FUNCTION_REASSIGN] = refuse_reassign,
	};
	const struct pdu *pdu = &connection->receive.pdu;
	if (pdu->function >= sizeof(functions) / sizeof(functions[0]) || !functions[pdu->function])
		return respond(connection, pdu->itt, SCSI_NOT_SUPPORTED);
	return functions[pdu->function](connection, pdu);
}

const struct request task_request = {
	.begin = task_begin,
	.finish = task_finish,
	.numbered = true,
};
