/* SPDX-License-Identifier: MIT */
/*
 * From answers to the socket. What is to be sent waits in two lists: what may
 * overtake data (R2T, NOP-In), and what keeps its order (data with its status,
 * responses, so that the response to task management comes after the tasks').
 *
 * PDUs get their numbers and headers when a batch is made of them: one sendmsg()
 * over headers, data where it lies, padding and digests. A batch that the socket
 * did not take as a whole goes on where it stopped; the buffers that it points
 * into are kept until then.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "lib/base/assert.h"
#include "lib/base/crc32c.h"
#include "lib/base/mem.h"
#include "target/iscsi/connection.h"

/* Batches of one event, so that the other connections of the thread have their turn. */
#define TURNS 8

struct outgoing *outgoing_new(struct connection *connection, uint8_t opcode)
{
	struct outgoing *outgoing = mem_try_zalloc(1, sizeof(*outgoing));
	if (!outgoing) {
		connection_break(connection);
		return NULL;
	}
	outgoing->pdu.opcode = opcode;
	outgoing->pdu.flags = PDU_FINAL;
	outgoing->pdu.itt = PDU_NO_TAG;
	outgoing->pdu.transfer_tag = PDU_NO_TAG;
	outgoing->numbered = true;
	return outgoing;
}

static void outgoing_free(struct connection *connection, struct outgoing *outgoing)
{
	if (outgoing->command) {
		command_free(outgoing->command);
		return;
	}
	connection->transmit.replies--;
	if (outgoing->buffer) {
		connection->reply_bytes -= outgoing->buffer->capacity;
		scsi_buffer_release(&outgoing->buffer);
	}
	free(outgoing);
}

static void outgoing_count(struct connection *connection, const struct outgoing *outgoing)
{
	if (outgoing->command)
		return;
	connection->transmit.replies++;
	if (outgoing->buffer)
		connection->reply_bytes += outgoing->buffer->capacity;
}

void outgoing_queue(struct connection *connection, struct outgoing *outgoing)
{
	outgoing_count(connection, outgoing);
	TAILQ_INSERT_TAIL(&connection->transmit.ordered, outgoing, link);
	connection_mark(connection);
}

void outgoing_queue_urgent(struct connection *connection, struct outgoing *outgoing)
{
	outgoing_count(connection, outgoing);
	TAILQ_INSERT_TAIL(&connection->transmit.urgent, outgoing, link);
	connection_mark(connection);
}

static void digest_put(uint8_t *p, uint32_t crc)
{
	for (int i = 0; i < 4; i++)
		p[i] = (uint8_t)(crc >> 8 * i);
}

/* The header of a PDU: its sequence numbers are those of now. */
static void batch_header(struct connection *connection, struct pdu *pdu, bool numbered, bool plain)
{
	struct batch *batch = &connection->transmit.batch;
	uint8_t *header = batch->headers[batch->pdus];
	size_t size = PDU_BHS_SIZE;
	/* Data-In without status has no StatSN (RFC 7143 11.7.3). */
	if (numbered || pdu->opcode != PDU_DATA_IN)
		pdu->stat_sn = connection->stat_sn;
	if (numbered)
		connection->stat_sn++;
	uint32_t max = connection->exp_cmd_sn - 1 + COMMAND_WINDOW - connection->outstanding;
	if (serial_before(connection->max_cmd_sn, max))
		connection->max_cmd_sn = max;
	pdu->exp_cmd_sn = connection->exp_cmd_sn;
	pdu->max_cmd_sn = connection->max_cmd_sn;
	pdu_encode(pdu, header);
	if (connection->parameters.header_digest && !plain) {
		digest_put(header + size, crc32c(0, header, size));
		size += 4;
	}
	batch->vectors[batch->count++] = (struct iovec){.iov_base = header, .iov_len = size};
	batch->bytes += size;
}

/* After the data's vectors, from `first_data` on. */
static void batch_trailer(struct connection *connection, unsigned first_data, uint32_t data, bool plain)
{
	struct batch *batch = &connection->transmit.batch;
	uint8_t *trailer = batch->trailers[batch->pdus++];
	size_t padding = -data & 3, size = padding;
	batch->bytes += data;
	memset(trailer, 0, padding);
	if (data && connection->parameters.data_digest && !plain) {
		uint32_t crc = 0;
		for (unsigned i = first_data; i < batch->count; i++)
			crc = crc32c(crc, batch->vectors[i].iov_base, batch->vectors[i].iov_len);
		digest_put(trailer + padding, crc32c(crc, trailer, padding));
		size += 4;
	}
	if (!size)
		return;
	batch->vectors[batch->count++] = (struct iovec){.iov_base = trailer, .iov_len = size};
	batch->bytes += size;
}

static void batch_add(struct connection *connection, struct outgoing *outgoing)
{
	struct batch *batch = &connection->transmit.batch;
	outgoing->pdu.data_length = outgoing->size;
	batch_header(connection, &outgoing->pdu, outgoing->numbered, outgoing->plain);
	unsigned first = batch->count;
	if (outgoing->size) {
		uint8_t *data = outgoing->buffer ? outgoing->buffer->data : outgoing->data;
		batch->vectors[batch->count++] =
			(struct iovec){.iov_base = data, .iov_len = outgoing->size};
	}
	batch_trailer(connection, first, outgoing->size, outgoing->plain);
}

/* One PDU of the command; true when it was the last. */
static bool batch_add_command(struct connection *connection, struct command *command)
{
	struct batch *batch = &connection->transmit.batch;
	if (command->sent == command->task.in_size) {
		command_told(command);
		batch_add(connection, &command->answer);
		return true;
	}
	struct pdu pdu;
	uint32_t size;
	bool last = command_next_data(command, &pdu, &size);
	if (last)
		command_told(command);
	pdu.data_length = size;
	batch_header(connection, &pdu, last, false);
	unsigned first = batch->count;
	batch->count += command_vectors(command, size, batch->vectors + first);
	batch_trailer(connection, first, size, false);
	return last;
}

static bool batch_has_room(const struct batch *batch)
{
	return batch->pdus < BATCH_PDUS && batch->bytes < BATCH_BYTES &&
	       batch->count + SCSI_SLICES + 2 <= BATCH_VECTORS;
}

static void batch_fill(struct connection *connection)
{
	struct transmit *transmit = &connection->transmit;
	struct batch *batch = &transmit->batch;
	struct outgoing *outgoing;
	while (batch_has_room(batch) && (outgoing = TAILQ_FIRST(&transmit->urgent))) {
		TAILQ_REMOVE(&transmit->urgent, outgoing, link);
		batch_add(connection, outgoing);
		TAILQ_INSERT_TAIL(&batch->done, outgoing, link);
	}
	while (batch_has_room(batch) && (outgoing = TAILQ_FIRST(&transmit->ordered))) {
		if (outgoing->command && !batch_add_command(connection, outgoing->command))
			continue;
		if (!outgoing->command)
			batch_add(connection, outgoing);
		TAILQ_REMOVE(&transmit->ordered, outgoing, link);
		TAILQ_INSERT_TAIL(&batch->done, outgoing, link);
	}
}

static void batch_finish(struct connection *connection)
{
	struct batch *batch = &connection->transmit.batch;
	struct outgoing *outgoing;
	while ((outgoing = TAILQ_FIRST(&batch->done))) {
		TAILQ_REMOVE(&batch->done, outgoing, link);
		outgoing_free(connection, outgoing);
	}
	batch->first = batch->count = batch->pdus = 0;
	batch->bytes = 0;
}

static void batch_advance(struct batch *batch, size_t sent)
{
	while (batch->first < batch->count && sent >= batch->vectors[batch->first].iov_len)
		sent -= batch->vectors[batch->first++].iov_len;
	if (!sent)
		return;
	struct iovec *vector = &batch->vectors[batch->first];
	vector->iov_base = (uint8_t *)vector->iov_base + sent;
	vector->iov_len -= sent;
}

static bool nothing_waits(const struct transmit *transmit)
{
	return TAILQ_EMPTY(&transmit->urgent) && TAILQ_EMPTY(&transmit->ordered);
}

static int batch_send(struct connection *connection)
{
	struct batch *batch = &connection->transmit.batch;
	int flags = MSG_NOSIGNAL | MSG_DONTWAIT | (nothing_waits(&connection->transmit) ? 0 : MSG_MORE);
	while (batch->first < batch->count) {
		struct msghdr message = {
			.msg_iov = batch->vectors + batch->first,
			.msg_iovlen = batch->count - batch->first,
		};
		ssize_t sent = sendmsg(connection->fd, &message, flags);
		if (sent < 0 && errno == EINTR)
			continue;
		if (sent < 0)
			return -errno;
		if (connection->session)
			counter_add(&connection->session->bytes_out, (uint64_t)sent);
		counter_add(&connection->server->stats.bytes_out, (uint64_t)sent);
		batch_advance(batch, (size_t)sent);
	}
	return 0;
}

int connection_send(struct connection *connection)
{
	for (int turn = 0;; turn++) {
		int error = batch_send(connection);
		if (error)
			return error;
		batch_finish(connection);
		if (nothing_waits(&connection->transmit))
			break;
		batch_fill(connection);
		if (turn == TURNS)
			return -EAGAIN;
	}
	if (connection->session)
		session_submit(connection->session);
	/* What that has answered at once is sent at the end of this event. */
	return 0;
}

bool connection_is_sent(const struct connection *connection)
{
	const struct transmit *transmit = &connection->transmit;
	return nothing_waits(transmit) && transmit->batch.first == transmit->batch.count;
}

static void list_clear(struct connection *connection, struct outgoing_list *list)
{
	struct outgoing *outgoing;
	while ((outgoing = TAILQ_FIRST(list))) {
		TAILQ_REMOVE(list, outgoing, link);
		outgoing_free(connection, outgoing);
	}
}

void transmit_clear(struct connection *connection)
{
	list_clear(connection, &connection->transmit.batch.done);
	list_clear(connection, &connection->transmit.urgent);
	list_clear(connection, &connection->transmit.ordered);
}
