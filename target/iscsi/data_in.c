/* SPDX-License-Identifier: MIT */
/*
 * What a command answers with: Data-In PDUs out of the slices that the device has
 * given, and status. Status GOOD goes with the last of them (S); everything else,
 * and every command without data, ends with a SCSI Response.
 */
#include <string.h>

#include "lib/base/assert.h"
#include "lib/base/bytes.h"
#include "target/iscsi/connection.h"

/* The bytes that the command would have moved, had there been room for them (RFC 7143 11.4.5): more
 * than expected is an overflow. A command that did not end well has moved what the initiator gets, or
 * what the device has used: what was sent in vain is in the residual. */
static uint64_t bytes_moved(const struct command *command)
{
	const struct scsi_task *task = &command->task;
	uint64_t wanted = task->in_wanted > task->out_wanted ? task->in_wanted : task->out_wanted;
	if (wanted > command->expected || (task->status == SCSI_GOOD && !command->reads))
		return wanted;
	return command->reads ? task->in_size : task->out_taken;
}

static void residual_set(const struct command *command, struct pdu *pdu)
{
	uint64_t wanted = bytes_moved(command);
	if (wanted > command->expected) {
		uint64_t over = wanted - command->expected;
		pdu->flags |= PDU_OVERFLOW;
		pdu->residual = over > UINT32_MAX ? UINT32_MAX : (uint32_t)over;
	} else if (wanted < command->expected) {
		pdu->flags |= PDU_UNDERFLOW;
		pdu->residual = command->expected - (uint32_t)wanted;
	}
}

static void sense_set(struct command *command)
{
	struct outgoing *answer = &command->answer;
	size_t size = sense_encode(&command->task.sense, command->task.sense_descriptor,
				   answer->data + 2, SENSE_SIZE_MAX);
	be_put16(answer->data, (uint16_t)size);
	answer->size = (uint32_t)size + 2;
}

/* The task is done: queues its answer. */
void command_answer(struct command *command)
{
	struct connection *connection = command->session->connection;
	struct scsi_task *task = &command->task;
	struct outgoing *answer = &command->answer;
	ASSERT(task->in_size <= command->expected || !task->in_size);
	if (!command->reads)
		task->in_size = 0;
	command->state = COMMAND_ANSWERING;
	*answer = (struct outgoing){.command = command, .numbered = true};
	answer->pdu = (struct pdu){
		.opcode = PDU_RESPONSE,
		.flags = PDU_FINAL,
		.itt = command->itt,
		.status = (uint8_t)task->status,
	};
	residual_set(command, &answer->pdu);
	if (task->status == SCSI_CHECK_CONDITION)
		sense_set(command);
	if (command->writes)
		answer->pdu.exp_data_sn_out = command->r2t_sn;
	outgoing_queue(connection, answer);
}

/* Data up to the end of a PDU and of a burst. */
static uint32_t next_size(const struct command *command)
{
	const struct iscsi_parameters *parameters = &command->session->connection->parameters;
	uint32_t left = (uint32_t)command->task.in_size - command->sent;
	uint32_t burst = parameters->max_burst - command->sent % parameters->max_burst;
	uint32_t size = parameters->max_send;
	if (size > left)
		size = left;
	return size > burst ? burst : size;
}

bool command_next_data(struct command *command, struct pdu *pdu, uint32_t *size)
{
	const struct iscsi_parameters *parameters = &command->session->connection->parameters;
	const struct outgoing *answer = &command->answer;
	*size = next_size(command);
	bool last = command->sent + *size == command->task.in_size;
	bool with_status = last && command->task.status == SCSI_GOOD;
	*pdu = (struct pdu){
		.opcode = PDU_DATA_IN,
		.itt = command->itt,
		.transfer_tag = PDU_NO_TAG,
		.data_sn = command->in_sn++,
		.buffer_offset = command->sent,
	};
	command->sent += *size;
	command->answer.pdu.exp_data_sn_out = command->in_sn;
	if (last || command->sent % parameters->max_burst == 0)
		pdu->flags |= PDU_FINAL;
	if (with_status) {
		pdu->flags |= PDU_STATUS | (answer->pdu.flags & (PDU_OVERFLOW | PDU_UNDERFLOW));
		pdu->residual = answer->pdu.residual;
		pdu->status = (uint8_t)command->task.status;
	}
	return with_status;
}

unsigned command_vectors(struct command *command, uint32_t size, struct iovec *vectors)
{
	unsigned count = 0;
	while (size) {
		ASSERT(command->slice < command->task.in_count);
		const struct scsi_slice *slice = &command->task.in[command->slice];
		size_t part = slice->size - command->slice_offset;
		if (part > size)
			part = size;
		if (part)
			vectors[count++] = (struct iovec){
				.iov_base = slice->buffer->data + slice->offset + command->slice_offset,
				.iov_len = part,
			};
		command->slice_offset += part;
		size -= (uint32_t)part;
		if (command->slice_offset == slice->size) {
			command->slice++;
			command->slice_offset = 0;
		}
	}
	return count;
}
