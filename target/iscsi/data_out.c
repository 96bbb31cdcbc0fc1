/* SPDX-License-Identifier: MIT */
/*
 * Data-Out: unsolicited data up to FirstBurstLength, then what R2Ts ask for, one
 * sequence after the other, each PDU at the offset that the last one has left
 * (DataPDUInOrder and DataSequenceInOrder are Yes).
 *
 * What breaks that order is no longer the data that was sent: the command fails,
 * the rest of its data is dropped, and it is answered when its last sequence has
 * ended (RFC 7143 7.7).
 */
#include <errno.h>

#include "target/iscsi/connection.h"

static int r2t_send(struct command *command, uint32_t length)
{
	struct session *session = command->session;
	struct outgoing *outgoing = outgoing_new(session->connection, PDU_R2T);
	if (!outgoing)
		return -ENOMEM;
	uint32_t tag = session->next_transfer_tag++ & 0x7fffffff;
	struct r2t *r2t = &command->r2t[(command->r2t_first + command->r2t_count++) % R2T_MAX];
	*r2t = (struct r2t){.tag = tag, .end = command->solicited + length};
	outgoing->pdu.itt = command->itt;
	outgoing->pdu.lun = command->task.lun;
	outgoing->pdu.transfer_tag = tag;
	outgoing->pdu.r2t_sn = command->r2t_sn++;
	outgoing->pdu.buffer_offset = command->solicited;
	outgoing->pdu.desired_length = length;
	outgoing->numbered = false;
	command->solicited = r2t->end;
	outgoing_queue_urgent(session->connection, outgoing);
	return 0;
}

int command_solicit(struct command *command)
{
	const struct iscsi_parameters *parameters = &command->session->connection->parameters;
	uint32_t most = parameters->max_r2t < R2T_MAX ? parameters->max_r2t : R2T_MAX;
	if (command->starved || command->failed)
		return 0;
	if (command->solicited < command->received)
		command->solicited = command->received;
	while (command->r2t_count < most && command->solicited < command->expected) {
		uint32_t length = command->expected - command->solicited;
		if (length > parameters->max_burst)
			length = parameters->max_burst;
		int error = r2t_send(command, length);
		if (error)
			return error;
	}
	return 0;
}

/* The sequence that a Data-Out PDU is of: where it ends, and its next DataSN. */
struct sequence {
	uint32_t end;
	uint32_t *data_sn;
};

static bool sequence_find(struct command *command, const struct pdu *pdu, struct sequence *sequence)
{
	if (pdu->transfer_tag == PDU_NO_TAG) {
		uint32_t first = command->session->connection->parameters.first_burst;
		sequence->end = first < command->expected ? first : command->expected;
		sequence->data_sn = &command->unsolicited_sn;
		return command->unsolicited;
	}
	struct r2t *r2t = &command->r2t[command->r2t_first];
	sequence->end = r2t->end;
	sequence->data_sn = &r2t->data_sn;
	return command->r2t_count && r2t->tag == pdu->transfer_tag && pdu->lun == command->task.lun;
}

static void sequence_close(struct command *command, const struct pdu *pdu)
{
	if (pdu->transfer_tag == PDU_NO_TAG) {
		command->unsolicited = false;
	} else {
		command->r2t_first = (command->r2t_first + 1) % R2T_MAX;
		command->r2t_count--;
	}
}

static bool in_order(const struct command *command, const struct pdu *pdu,
		     const struct sequence *sequence)
{
	uint32_t left = sequence->end - command->received;
	bool final = pdu->flags & PDU_FINAL;
	if (pdu->data_sn != *sequence->data_sn || pdu->buffer_offset != command->received ||
	    pdu->data_length > left)
		return false;
	/* An R2T is answered in full; F comes with the last byte that may come. */
	return pdu->data_length == left ? final : !final || pdu->transfer_tag == PDU_NO_TAG;
}

static int data_out_begin(struct connection *connection, const uint8_t *segments)
{
	(void)segments;
	struct receive *receive = &connection->receive;
	const struct pdu *pdu = &receive->pdu;
	struct command *command = session_find_command(connection->session, pdu->itt);
	struct sequence sequence;
	if (!command || command->state != COMMAND_COLLECTING) {
		receive->ignored = true; /* of a command that has been aborted meanwhile */
		return 0;
	}
	receive->command = command;
	receive->secret = scsi_brings_secret(command->task.cdb);
	if (!sequence_find(command, pdu, &sequence))
		command_fail(command, SENSE_ABORTED, ASC_UNEXPECTED_UNSOLICITED_DATA);
	else if (!in_order(command, pdu, &sequence))
		command_fail(command, SENSE_ABORTED, ASC_PROTOCOL_CRC_ERROR);
	if (!command->failed)
		receive->data = command->task.out->data + command->received;
	return 0;
}

static int data_out_finish(struct connection *connection)
{
	struct receive *receive = &connection->receive;
	const struct pdu *pdu = &receive->pdu;
	struct command *command = receive->command;
	struct sequence sequence;
	receive->command = NULL;
	if (receive->bad_digest)
		command_fail(command, SENSE_ABORTED, ASC_PROTOCOL_CRC_ERROR);
	if (sequence_find(command, pdu, &sequence)) {
		++*sequence.data_sn;
		if (!command->failed)
			command->received += pdu->data_length;
		if (pdu->flags & PDU_FINAL)
			sequence_close(command, pdu);
	}
	return command_advance(command);
}

const struct request data_out_request = {
	.begin = data_out_begin,
	.finish = data_out_finish,
	.survives_bad_digest = true,
};
