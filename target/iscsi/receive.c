/* SPDX-License-Identifier: MIT */
/*
 * From the socket to requests. Headers, and what little data came with them, are
 * read into a small buffer; the rest of a data segment is read to where it is to
 * be in the end, and the same system call brings what comes after it:
 *
 *   readv: [rest of the data -> command's buffer] [padding, digest, next headers -> small buffer]
 *
 *   HEADER -> DATA -> TRAILER (padding, digest) -> HEADER
 *
 * A data digest is computed piece by piece, while the bytes are still in the cache.
 */
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/base/assert.h"
#include "lib/base/crc32c.h"
#include "lib/base/log.h"
#include "target/iscsi/connection.h"

/* What one event may read, so that the others of the thread have their turn. */
#define ROUNDS 16
#define DIGEST_SIZE 4u

static bool header_digest(const struct connection *connection)
{
	return connection->state == CONNECTION_FULL && connection->parameters.header_digest;
}

static bool data_digest(const struct connection *connection)
{
	return connection->state == CONNECTION_FULL && connection->parameters.data_digest;
}

/* CRC32C goes over the wire with its lowest byte first (RFC 7143 13.1). */
static uint32_t digest_get(const uint8_t *p)
{
	return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

static uint32_t data_limit(const struct connection *connection)
{
	return connection->state == CONNECTION_FULL ? connection->parameters.max_receive : LOGIN_DATA_MAX;
}

static void trace(const struct connection *connection, int reject)
{
	log_debug("iSCSI %s: %s refused, reason %02xh", connection->peer_text,
		  pdu_name(connection->receive.pdu.opcode), reject);
}

/* What to do with the PDU whose header is there. */
static int request_begin(struct connection *connection, int reject, const uint8_t *segments)
{
	struct receive *receive = &connection->receive;
	receive->request = &login_request;
	if (connection->state == CONNECTION_FULL)
		receive->request = full_request(receive->pdu.opcode);
	else if (connection->state != CONNECTION_LOGIN)
		return -EPROTO; /* the answer to the last request is still to come */
	if (!receive->request)
		reject = REJECT_NOT_SUPPORTED;
	else if (receive->request->numbered && connection_take_number(connection))
		return -EPROTO;
	if (!reject && !receive->ignored)
		reject = receive->request->begin(connection, segments);
	if (reject < 0)
		return reject;
	receive->reject = reject;
	return 0;
}

/* 1: went on; 0: there is not enough yet; -errno. */
static int receive_header(struct connection *connection)
{
	struct receive *receive = &connection->receive;
	const uint8_t *at = receive->buffer + receive->start;
	size_t have = receive->end - receive->start;
	if (have < PDU_BHS_SIZE)
		return 0;
	struct pdu pdu;
	int reject = pdu_decode(at, &pdu);
	/* Nothing is waited for from those who do not talk iSCSI. */
	if (connection->state != CONNECTION_FULL && (pdu.opcode != PDU_LOGIN_REQUEST || reject))
		return -EPROTO;
	size_t size = PDU_BHS_SIZE + pdu.ahs_length;
	size_t digest = header_digest(connection) ? DIGEST_SIZE : 0;
	if (have < size + digest)
		return 0;
	if (digest && crc32c(0, at, size) != digest_get(at + size)) {
		counter_add(&connection->server->stats.digest_errors, 1);
		log_warning("iSCSI %s: header digest error", connection->peer_text);
		return -EPROTO;
	}
	if (pdu.data_length > data_limit(connection)) {
		log_warning("iSCSI %s: a data segment of %u bytes", connection->peer_text, pdu.data_length);
		return -EPROTO;
	}
	receive->pdu = pdu;
	memcpy(receive->header, at, PDU_BHS_SIZE);
	receive->data = NULL;
	receive->left = pdu.data_length;
	receive->crc = 0;
	receive->ignored = receive->bad_digest = receive->secret = false;
	receive->reject = 0;
	receive->command = NULL;
	receive->start += size + digest;
	receive->step = pdu.data_length ? RECEIVE_DATA : RECEIVE_TRAILER;
	int error = request_begin(connection, reject, at + PDU_BHS_SIZE);
	return error ? error : 1;
}

static void data_arrived(struct connection *connection, const uint8_t *data, size_t size)
{
	struct receive *receive = &connection->receive;
	if (data_digest(connection))
		receive->crc = crc32c(receive->crc, data, size);
	if (receive->data)
		receive->data += size;
	receive->left -= size;
}

static int receive_data(struct connection *connection)
{
	struct receive *receive = &connection->receive;
	size_t have = receive->end - receive->start;
	size_t size = have < receive->left ? have : receive->left;
	const uint8_t *from = receive->buffer + receive->start;
	if (receive->data)
		memcpy(receive->data, from, size);
	data_arrived(connection, from, size);
	if (receive->secret) {
		explicit_bzero(receive->buffer + receive->start, size);
		/* What an earlier memmove() has left there. */
		explicit_bzero(receive->buffer + receive->end, sizeof(receive->buffer) - receive->end);
	}
	receive->start += size;
	if (receive->left)
		return 0;
	receive->step = RECEIVE_TRAILER;
	return 1;
}

static int request_finish(struct connection *connection)
{
	struct receive *receive = &connection->receive;
	int reject = receive->reject;
	if (receive->ignored)
		return 0;
	if (receive->bad_digest && !reject) {
		counter_add(&connection->server->stats.digest_errors, 1);
		log_warning("iSCSI %s: data digest error", connection->peer_text);
		int error = connection_reject(connection, REJECT_DATA_DIGEST);
		if (error || !receive->request->survives_bad_digest)
			return error;
	}
	if (!reject)
		reject = receive->request->finish(connection);
	if (reject <= 0)
		return reject;
	trace(connection, reject);
	return connection_reject(connection, (uint8_t)reject);
}

static int receive_trailer(struct connection *connection)
{
	struct receive *receive = &connection->receive;
	size_t padding = -receive->pdu.data_length & 3;
	size_t digest = receive->pdu.data_length && data_digest(connection) ? DIGEST_SIZE : 0;
	if (receive->end - receive->start < padding + digest)
		return 0;
	const uint8_t *at = receive->buffer + receive->start;
	if (digest)
		receive->bad_digest = crc32c(receive->crc, at, padding) != digest_get(at + padding);
	receive->start += padding + digest;
	receive->step = RECEIVE_HEADER;
	int error = request_finish(connection);
	if (receive->buffer_held)
		scsi_buffer_release(&receive->buffer_held);
	return error ? error : 1;
}

static int receive_process(struct connection *connection)
{
	static int (*const steps[])(struct connection *connection) = {
		[RECEIVE_HEADER] = receive_header,
		[RECEIVE_DATA] = receive_data,
		[RECEIVE_TRAILER] = receive_trailer,
	};
	int result;
	do
		result = steps[connection->receive.step](connection);
	while (result > 0 && connection->state < CONNECTION_ENDING);
	return result < 0 ? result : 0;
}

/* Bytes that came, of *asked; 0: the peer has closed; -errno. */
static ssize_t receive_some(struct connection *connection, size_t *asked)
{
	struct receive *receive = &connection->receive;
	if (receive->start) {
		memmove(receive->buffer, receive->buffer + receive->start, receive->end - receive->start);
		receive->end -= receive->start;
		receive->start = 0;
	}
	struct iovec vectors[2] = {
		{.iov_base = receive->data, .iov_len = receive->left},
		{.iov_base = receive->buffer + receive->end, .iov_len = RECEIVE_BUFFER - receive->end},
	};
	bool data = receive->step == RECEIVE_DATA;
	bool waste = data && !receive->data;
	if (waste) {
		vectors[0].iov_base = connection->network->waste;
		if (vectors[0].iov_len > NETWORK_WASTE)
			vectors[0].iov_len = NETWORK_WASTE;
	}
	unsigned first = data ? 0 : 1;
	/* The small buffer may not be filled before all of the data is there. */
	unsigned count = data && vectors[0].iov_len < receive->left ? 1 : 2 - first;
	*asked = vectors[1].iov_len * (first + count > 1) + (data ? vectors[0].iov_len : 0);
	ssize_t got = readv(connection->fd, vectors + first, (int)count);
	if (got <= 0)
		return got ? -errno : 0;
	size_t to_data = 0;
	if (data) {
		to_data = (size_t)got < vectors[0].iov_len ? (size_t)got : vectors[0].iov_len;
		data_arrived(connection, vectors[0].iov_base, to_data);
		if (!receive->left)
			receive->step = RECEIVE_TRAILER;
	}
	receive->end += (size_t)got - to_data;
	return got;
}

int connection_receive(struct connection *connection)
{
	for (int round = 0; round < ROUNDS && connection->state < CONNECTION_ENDING; round++) {
		size_t asked;
		ssize_t got = receive_some(connection, &asked);
		if (got == -EAGAIN || got == -EINTR)
			return 0;
		if (got <= 0)
			return got ? (int)got : -EPIPE;
		connection->heard = connection->network->now;
		if (connection->session)
			counter_add(&connection->session->bytes_in, (uint64_t)got);
		counter_add(&connection->server->stats.bytes_in, (uint64_t)got);
		int error = receive_process(connection);
		if (error)
			return error;
		error = connection_send(connection);
		if (error && error != -EAGAIN)
			return error;
		if (connection->transmit.replies > REPLIES_MAX)
			return 0;
		if ((size_t)got < asked && connection->receive.step != RECEIVE_DATA)
			return 0;
	}
	return 0;
}
