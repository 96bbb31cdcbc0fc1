/* SPDX-License-Identifier: MIT */
/*
 * SCSI commands: from the PDU to the SCSI layer and back.
 *
 *   COLLECTING -> READY       [all of the data-out is there; command_advance]
 *   READY -> SUBMITTED        [nothing before it is still to be submitted; session_submit]
 *   SUBMITTED -> ANSWERING    [done]
 *   COLLECTING -> ANSWERING   [the transport has refused it; command_advance]
 *
 * Commands for one unit are submitted in the order of their CmdSN, though the data
 * of a later one may be there first. Immediate commands go at once.
 *
 * Memory: at most SESSION_BYTES of data of long commands at a time. A WRITE over
 * that keeps what comes unasked (at most FirstBurstLength) and is asked for the
 * rest when others are done; a READ over that is not submitted until then. NOPs and
 * short commands go on meanwhile.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/assert.h"
#include "lib/base/mem.h"
#include "target/iscsi/connection.h"

static struct command_list *tag_bucket(struct session *session, uint32_t itt)
{
	return &session->by_tag[(itt ^ itt >> 16) % TAG_BUCKETS];
}

struct command *session_find_command(struct session *session, uint32_t itt)
{
	struct command *command;
	TAILQ_FOREACH(command, tag_bucket(session, itt), tag_link)
		if (command->itt == itt)
			return command;
	return NULL;
}

/* ---- memory ------------------------------------------------------------------------------- */

static uint32_t weight(const struct command *command)
{
	return command->expected < EXPECTED_MAX ? command->expected : EXPECTED_MAX;
}

static bool fits(const struct session *session, const struct command *command)
{
	return !session->held || session->held + weight(command) <= SESSION_BYTES;
}

static void hold(struct command *command)
{
	ASSERT(!command->held);
	command->held = true;
	command->session->held += weight(command);
}

static void unhold(struct command *command)
{
	if (!command->held)
		return;
	command->held = false;
	ASSERT(command->session->held >= weight(command));
	command->session->held -= weight(command);
}

static bool is_long(const struct command *command)
{
	return command->expected > command->session->connection->parameters.first_burst;
}

/* 0, or -ENOMEM: also for an immediate command that finds no room. */
static int get_buffer(struct command *command)
{
	struct session *session = command->session;
	uint32_t size = command->expected;
	bool too_much = is_long(command) && !fits(session, command);
	if (command->immediate) {
		if (too_much)
			return -ENOMEM; /* it is not to wait */
	} else if (too_much || (is_long(command) && session->starving)) {
		command->starved = true;
		session->starving++;
		size = session->connection->parameters.first_burst;
	}
	if (is_long(command) && !command->starved)
		hold(command);
	command->task.out = scsi_buffer_get(session->network->pool, size);
	if (!command->task.out)
		return -ENOMEM;
	command->task.out->size = command->expected;
	command->task.out->secret = scsi_brings_secret(command->task.cdb);
	return 0;
}

static int feed(struct command *command)
{
	struct scsi_buffer *whole = scsi_buffer_get(command->session->network->pool, command->expected);
	if (!whole)
		return -ENOMEM;
	memcpy(whole->data, command->task.out->data, command->received);
	whole->size = command->expected;
	whole->secret = command->task.out->secret;
	scsi_buffer_release(&command->task.out);
	command->task.out = whole;
	command->starved = false;
	command->session->starving--;
	hold(command);
	return command->unsolicited ? 0 : command_solicit(command);
}

/* Buffers for those that starve, in their order. */
static void session_feed(struct session *session)
{
	struct command *command;
	TAILQ_FOREACH(command, &session->order, order_link) {
		if (!session->starving)
			return;
		if (!command->starved || command->failed)
			continue;
		/* In the middle of its data the buffer has to stay. */
		if (!fits(session, command) || session->connection->receive.command == command)
			return;
		if (feed(command)) {
			connection_break(session->connection);
			return;
		}
	}
}

static struct command *command_new(struct session *session, const struct pdu *pdu)
{
	struct command *command = mem_try_zalloc(1, sizeof(*command));
	if (!command)
		return NULL;
	command->session = session;
	command->itt = pdu->itt;
	command->immediate = pdu->immediate;
	TAILQ_INSERT_HEAD(tag_bucket(session, pdu->itt), command, tag_link);
	session->commands++;
	if (command->immediate) {
		session->immediates++;
	} else {
		TAILQ_INSERT_TAIL(&session->order, command, order_link);
		session->connection->outstanding++;
	}
	return command;
}

static bool in_order_list(const struct command *command)
{
	return !command->immediate &&
	       (command->state == COMMAND_COLLECTING || command->state == COMMAND_READY);
}

static void order_leave(struct command *command)
{
	if (in_order_list(command))
		TAILQ_REMOVE(&command->session->order, command, order_link);
}

void command_told(struct command *command)
{
	struct session *session = command->session;
	if (command->told)
		return;
	command->told = true;
	TAILQ_REMOVE(tag_bucket(session, command->itt), command, tag_link);
	session->immediates -= command->immediate;
	if (!command->immediate && session->connection)
		session->connection->outstanding--;
}

void command_free(struct command *command)
{
	struct session *session = command->session;
	order_leave(command);
	command_told(command);
	session->commands--;
	session->starving -= command->starved;
	unhold(command);
	scsi_task_clear(&command->task);
	free(command);
}

/* ---- the SCSI layer ----------------------------------------------------------------------- */

static void command_complete(struct command *command)
{
	struct connection *connection = command->session->connection;
	struct scsi_task *task = &command->task;
	ASSERT(command->state == COMMAND_SUBMITTED);
	if (!connection || connection->state != CONNECTION_FULL || command->session->closing ||
	    (task->aborted && task->status != SCSI_TASK_ABORTED)) {
		if (connection)
			connection_mark(connection);
		command_free(command);
		return;
	}
	if (command->writes) {
		/* For the next one, while it is still in the processor's cache. */
		if (task->out)
			scsi_buffer_release(&task->out);
		unhold(command);
	}
	command_answer(command);
}

static void complete_run(struct message *message)
{
	command_complete((struct command *)((uint8_t *)message - offsetof(struct command, message)));
}

static void task_done(struct scsi_task *task)
{
	struct command *command = (struct command *)((uint8_t *)task - offsetof(struct command, task));
	struct network *network = command->session->network;
	if (network_is_here(network)) {
		command_complete(command);
		return;
	}
	command->message.run = complete_run;
	network_post(network, &command->message);
}

static void command_submit(struct command *command)
{
	struct session *session = command->session;
	order_leave(command);
	command->state = COMMAND_SUBMITTED;
	if (command->reads && is_long(command) && !command->held)
		hold(command);
	counter_add(&session->command_count, 1);
	counter_add(&session->server->stats.commands, 1);
	scsi_submit(&command->task);
}

static uint64_t unit_bit(const struct command *command)
{
	return 1ull << (command->task.lun >> 48) % 64;
}

static bool may_go(const struct command *command)
{
	if (command->state != COMMAND_READY)
		return false;
	return !command->reads || command->held || !is_long(command) || fits(command->session, command);
}

void session_submit(struct session *session)
{
	struct command *command, *next;
	uint64_t blocked = 0;
	if (session->closing || TAILQ_EMPTY(&session->order))
		return;
	session_feed(session);
	for (command = TAILQ_FIRST(&session->order); command; command = next) {
		next = TAILQ_NEXT(command, order_link);
		if (!(blocked & unit_bit(command)) && may_go(command))
			command_submit(command);
		else
			blocked |= unit_bit(command);
	}
}

void session_drop_commands(struct session *session, const uint64_t *lun)
{
	for (unsigned i = 0; i < TAG_BUCKETS; i++) {
		struct command *command, *next;
		for (command = TAILQ_FIRST(&session->by_tag[i]); command; command = next) {
			next = TAILQ_NEXT(command, tag_link);
			bool here = command->state == COMMAND_COLLECTING || command->state == COMMAND_READY;
			if (here && (!lun || *lun == command->task.lun))
				command_free(command);
		}
	}
}

/* ---- from the PDU ------------------------------------------------------------------------- */

void command_fail(struct command *command, enum sense_key key, enum sense_code code)
{
	if (command->failed)
		return;
	command->failed = true;
	scsi_check(&command->task, key, code);
}

static bool sequences_open(const struct command *command)
{
	return command->unsolicited || command->r2t_count;
}

int command_advance(struct command *command)
{
	if (command->failed) {
		if (sequences_open(command))
			return 0;
		order_leave(command);
		command_answer(command);
		return 0;
	}
	if (command->received < command->expected && command->writes)
		return command->unsolicited ? 0 : command_solicit(command);
	command->state = COMMAND_READY;
	if (command->immediate) {
		command_submit(command);
		return 0;
	}
	session_submit(command->session);
	return 0;
}

static void set_task(struct command *command, const struct pdu *pdu, const struct pdu_ahs *ahs)
{
	static const enum scsi_attribute attributes[8] = {
		[2] = SCSI_ORDERED, [3] = SCSI_HEAD_OF_QUEUE, [4] = SCSI_ACA,
	};
	struct scsi_task *task = &command->task;
	static_assert(SCSI_CDB_MAX >= PDU_CDB_MAX, "every CDB finds room");
	command->writes = pdu->flags & PDU_WRITE;
	command->reads = (pdu->flags & PDU_READ) && !command->writes;
	command->expected = pdu->flags & (PDU_READ | PDU_WRITE) ? pdu->expected_length : 0;
	task->nexus = command->session->nexus;
	task->lun = pdu->lun;
	task->tag = pdu->itt;
	task->attribute = attributes[pdu->flags & PDU_ATTRIBUTE];
	memcpy(task->cdb, ahs->cdb, ahs->cdb_size);
	task->cdb_size = ahs->cdb_size;
	command->session->connection->receive.secret = scsi_brings_secret(task->cdb);
	task->in_room = command->reads ? command->expected : 0;
	task->done = task_done;
}

/* What comes unasked has to be what was agreed on (RFC 7143 13.10, 13.11, 13.14). */
static void check_unsolicited(struct command *command, const struct pdu *pdu)
{
	const struct iscsi_parameters *parameters = &command->session->connection->parameters;
	uint32_t most = parameters->first_burst < command->expected ? parameters->first_burst
								     : command->expected;
	bool too_much = pdu->data_length > most || (pdu->data_length && !parameters->immediate_data);
	if (too_much || (command->unsolicited && parameters->initial_r2t))
		command_fail(command, SENSE_ABORTED, ASC_UNEXPECTED_UNSOLICITED_DATA);
}

static int set_data_out(struct command *command, const struct pdu *pdu)
{
	struct connection *connection = command->session->connection;
	command->unsolicited = !(pdu->flags & PDU_FINAL);
	check_unsolicited(command, pdu);
	if (pdu->flags & PDU_READ)
		command_fail(command, SENSE_ILLEGAL_REQUEST, ASC_INVALID_OPCODE); /* no bidirectional ones */
	if (command->expected > EXPECTED_MAX)
		command_fail(command, SENSE_ILLEGAL_REQUEST, ASC_INSUFFICIENT_RESOURCES);
	if (command->failed || !command->expected)
		return 0;
	int error = get_buffer(command);
	if (error) {
		command_fail(command, SENSE_ABORTED, ASC_INSUFFICIENT_RESOURCES);
		return 0;
	}
	connection->receive.data = command->task.out->data;
	return 0;
}

/* From this host, when all commands before it have been answered and their answers have been seen. */
static bool comes_alone(const struct connection *connection)
{
	return connection->near && !connection->outstanding &&
	       connection->receive.pdu.exp_stat_sn == connection->stat_sn;
}

static int command_begin(struct connection *connection, const uint8_t *segments)
{
	const struct pdu *pdu = &connection->receive.pdu;
	struct session *session = connection->session;
	struct pdu_ahs ahs;
	follow_command(&connection->network->follow, connection, connection->fd, comes_alone(connection));
	if (!session->nexus || session_find_command(session, pdu->itt))
		return REJECT_PROTOCOL;
	if (pdu->immediate && session->immediates >= IMMEDIATE_MAX)
		return REJECT_TOO_MANY_IMMEDIATE;
	int reject = pdu_parse_ahs(pdu, segments, &ahs);
	if (reject)
		return reject;
	struct command *command = command_new(session, pdu);
	if (!command)
		return REJECT_RESOURCES;
	set_task(command, pdu, &ahs);
	connection->receive.command = command;
	return command->writes ? set_data_out(command, pdu) : 0;
}

static int command_finish(struct connection *connection)
{
	struct receive *receive = &connection->receive;
	struct command *command = receive->command;
	receive->command = NULL;
	if (receive->bad_digest)
		command_fail(command, SENSE_ABORTED, ASC_PROTOCOL_CRC_ERROR);
	command->received = receive->pdu.data_length;
	return command_advance(command);
}

const struct request command_request = {
	.begin = command_begin,
	.finish = command_finish,
	.numbered = true,
	.survives_bad_digest = true,
};
