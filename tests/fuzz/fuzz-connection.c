/* SPDX-License-Identifier: MIT */
/*
 * Any PDUs on a connection of a server with one unit that reads and writes, over a socket: the server's
 * answers are whole PDUs of a target, with digests that are right, in the order of StatSN and no longer
 * than was agreed on, and when the initiator is gone so is its connection.
 *
 * The first byte says what the login offers. Then each PDU is a byte that says what is made right about it,
 * its 48 bytes of header, two bytes for the size of its segments and data, and those: its lengths are those
 * that it has. R2Ts may be answered as they want it, so that what is behind them is reached.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "lib/base/assert.h"
#include "lib/base/bytes.h"
#include "lib/base/crc32c.h"
#include "lib/base/log.h"
#include "lib/base/mem.h"
#include "target/iscsi/iscsi.h"
#include "target/iscsi/pdu.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define TARGET "iqn.2026-01.org.granary:fuzz"

enum { HEADER_DIGEST = 1, DATA_DIGEST = 2, UNSOLICITED = 4, SMALL = 8, DISCOVERY = 16, NO_LOGIN = 32 };
enum { NUMBERED = 1, ANSWERS_R2T = 2, WAITS = 4, DAMAGED = 8, LIES = 16 };
enum { PDUS_MAX = 48, RECORD = 51, SEND_MAX = 8192, QUIET_MS = 2, FILL_MAX = 65536 };

/* ---- the unit ------------------------------------------------------------------------------- */

static bool unit_waits(struct scsi_lu *lu, const struct scsi_task *task)
{
	(void)lu;
	return task->cdb[1] & 1;
}

static void unit_read(struct scsi_lu *lu, struct scsi_task *task)
{
	size_t size = be_get24(task->cdb + 2), room = size < task->in_room ? size : task->in_room;
	struct scsi_buffer *buffer = scsi_buffer_get(lu->device, room ? room : 1);
	if (!buffer) {
		scsi_check(task, SENSE_HARDWARE_ERROR, ASC_INSUFFICIENT_RESOURCES);
		return;
	}
	memset(buffer->data, 0x11, room);
	buffer->size = room;
	scsi_good(task);
	scsi_reply_slice(task, buffer, 0, room);
	task->in_wanted = size;
	if (task->cdb[1] & 2)
		scsi_check(task, SENSE_MEDIUM_ERROR, ASC_UNRECOVERED_READ_ERROR);
	scsi_buffer_release(&buffer);
}

static void unit_write(struct scsi_lu *lu, struct scsi_task *task)
{
	(void)lu;
	uint8_t sum = 0;
	for (size_t i = 0; task->out && i < task->out->size; i += 61)
		sum ^= task->out->data[i];
	task->out_wanted = be_get24(task->cdb + 2);
	scsi_good(task);
	if (task->cdb[1] & 2)
		scsi_check(task, SENSE_MEDIUM_ERROR, sum & 1 ? ASC_WRITE_ERROR : ASC_NONE);
}

static const struct scsi_opcode opcodes[] = {
	{.opcode = 0x08, .length = 6, .usage = {0x08, 0x03, 0xff, 0xff, 0xff}, .name = "READ(6)",
	 .run = unit_read, .waits = unit_waits},
	{.opcode = 0x0a, .length = 6, .usage = {0x0a, 0x03, 0xff, 0xff, 0xff}, .name = "WRITE(6)",
	 .run = unit_write, .waits = unit_waits},
	{0},
};
static const struct scsi_vpd_page vpd_pages[] = {{0}};
static const struct scsi_mode_page mode_pages[] = {{0}};
static const struct scsi_log_page log_pages[] = {{0}};
static const struct scsi_class class = {.device_type = 1, .opcodes = opcodes, .vpd_pages = vpd_pages,
					.mode_pages = mode_pages, .log_pages = log_pages};

/* ---- the initiator -------------------------------------------------------------------------- */

struct initiator {
	int fd;
	uint8_t offers;
	bool header_digest, data_digest, logged_in, ended;
	uint32_t cmd_sn, exp_stat_sn;
	struct pdu r2t; /* the one that is to be answered; desired_length 0: none */
	uint32_t answered;
	uint8_t bytes[PDU_BHS_SIZE + 4 + SEND_MAX + 8]; /* the answer that comes */
	size_t have;
};

static void put_all(struct initiator *i, const uint8_t *data, size_t size)
{
	while (size && !i->ended) {
		ssize_t sent = send(i->fd, data, size, MSG_NOSIGNAL | MSG_DONTWAIT);
		if (sent < 0 && errno == EAGAIN)
			return; /* it does not read on before its answers are taken: the rest is lost */
		if (sent < 0)
			i->ended = true;
		else
			data += sent, size -= (size_t)sent;
	}
}

static void put_crc(uint8_t *at, uint32_t crc, uint8_t damage)
{
	for (unsigned n = 0; n < 4; n++)
		at[n] = (uint8_t)(crc >> 8 * n);
	at[0] ^= damage;
}

/* `bhs` with its segments, and the data. */
static void put_pdu(struct initiator *i, const uint8_t *header, size_t header_size, const uint8_t *data,
		    size_t size, uint8_t how)
{
	size_t padded = (size + 3) & ~(size_t)3, at = header_size;
	uint8_t *bytes = mem_zalloc(header_size + padded + 8), damage = how & DAMAGED ? 1 : 0;
	memcpy(bytes, header, header_size);
	if (!(how & LIES)) {
		bytes[4] = (uint8_t)((header_size - PDU_BHS_SIZE) / 4);
		be_put24(bytes + 5, (uint32_t)size);
	}
	if (i->header_digest) {
		put_crc(bytes + at, crc32c(0, bytes, at), i->data_digest && size ? 0 : damage);
		at += 4;
	}
	if (size) {
		memcpy(bytes + at, data, size);
		at += padded;
		if (i->data_digest) {
			put_crc(bytes + at, crc32c(0, bytes + at - padded, padded), damage);
			at += 4;
		}
	}
	put_all(i, bytes, at);
	free(bytes);
}

/* ---- the server's answers --------------------------------------------------------------------- */

static uint32_t get_crc(const uint8_t *at)
{
	return (uint32_t)at[3] << 24 | (uint32_t)at[2] << 16 | (uint32_t)at[1] << 8 | at[0];
}

static void check_numbers(struct initiator *i, const struct pdu *pdu)
{
	bool ping = pdu->opcode == PDU_NOP_IN && pdu->itt == PDU_NO_TAG;
	ASSERT(!serial_before(pdu->max_cmd_sn + 1, pdu->exp_cmd_sn));
	if (pdu->opcode == PDU_R2T || (pdu->opcode == PDU_DATA_IN && !(pdu->flags & PDU_STATUS)))
		return;
	ASSERT(!i->exp_stat_sn || pdu->stat_sn == i->exp_stat_sn);
	i->exp_stat_sn = pdu->stat_sn + !ping;
}

static void check_answer(struct initiator *i, const uint8_t *data, size_t size)
{
	struct pdu pdu;
	ASSERT(pdu_decode(i->bytes, &pdu) == 0 && pdu.opcode & 0x20 && !pdu.ahs_length);
	check_numbers(i, &pdu);
	if (pdu.opcode == PDU_LOGIN_RESPONSE && !pdu.response && pdu.flags & PDU_FINAL && (pdu.flags & 3) == 3) {
		i->logged_in = true;
		i->header_digest = memmem(data, size, "HeaderDigest=CRC32C", 19);
		i->data_digest = memmem(data, size, "DataDigest=CRC32C", 17);
	}
	if (pdu.opcode == PDU_REJECT)
		ASSERT(size == PDU_BHS_SIZE && pdu.response >= REJECT_DATA_DIGEST);
	if (pdu.opcode != PDU_R2T)
		return;
	ASSERT(pdu.desired_length && pdu.transfer_tag != PDU_NO_TAG && size == 0);
	i->r2t = pdu;
	i->answered = 0;
}

/* Bytes of the answer that is there, 0: not all of it is. */
static size_t take_answer(struct initiator *i)
{
	size_t header = PDU_BHS_SIZE + (i->header_digest ? 4 : 0);
	if (i->have < header)
		return 0;
	size_t size = be_get24(i->bytes + 5), padded = (size + 3) & ~(size_t)3;
	ASSERT(size <= SEND_MAX);
	size_t whole = header + padded + (padded && i->data_digest ? 4 : 0);
	if (i->have < whole)
		return 0;
	if (i->header_digest)
		ASSERT(get_crc(i->bytes + PDU_BHS_SIZE) == crc32c(0, i->bytes, PDU_BHS_SIZE));
	if (padded && i->data_digest)
		ASSERT(get_crc(i->bytes + header + padded) == crc32c(0, i->bytes + header, padded));
	check_answer(i, i->bytes + header, size);
	return whole;
}

/* What comes within so long; true: something has. */
static bool take_answers(struct initiator *i, int ms)
{
	struct pollfd wait = {.fd = i->fd, .events = POLLIN};
	if (i->ended || poll(&wait, 1, ms) <= 0)
		return false;
	ssize_t got = recv(i->fd, i->bytes + i->have, sizeof(i->bytes) - i->have, MSG_DONTWAIT);
	if (got <= 0)
		i->ended = true;
	else
		i->have += (size_t)got;
	for (size_t whole; (whole = take_answer(i)) > 0;) {
		i->have -= whole;
		memmove(i->bytes, i->bytes + whole, i->have);
	}
	return got > 0;
}

/* ---- its part of the conversation -------------------------------------------------------------- */

static void log_in(struct initiator *i)
{
	struct pdu pdu = {.opcode = PDU_LOGIN_REQUEST, .immediate = true, .flags = PDU_FINAL | 1 << 2 | 3,
			  .isid = {0x40}, .cid = 1, .cmd_sn = i->cmd_sn};
	uint8_t bhs[PDU_BHS_SIZE];
	char text[512] = {0};
	size_t size = 0;
#define OFFER(when, pair) \
	if (when) \
		size += (size_t)(stpcpy(text + size, pair) - (text + size)) + 1
	OFFER(true, "InitiatorName=iqn.2026-01.org.granary:a");
	OFFER(i->offers & DISCOVERY, "SessionType=Discovery");
	OFFER(!(i->offers & DISCOVERY), "TargetName=" TARGET);
	OFFER(i->offers & HEADER_DIGEST, "HeaderDigest=CRC32C");
	OFFER(i->offers & DATA_DIGEST, "DataDigest=CRC32C");
	OFFER(i->offers & UNSOLICITED, "InitialR2T=No");
	OFFER(i->offers & SMALL, "FirstBurstLength=1024");
	OFFER(i->offers & SMALL, "MaxBurstLength=2048");
#undef OFFER
	pdu_encode(&pdu, bhs);
	put_pdu(i, bhs, sizeof(bhs), (const uint8_t *)text, size, 0);
	while (!i->logged_in && !i->ended)
		ASSERT(take_answers(i, 60000) || i->ended);
}

/* The next piece of what an R2T has asked for. */
static void answer_r2t(struct initiator *i, const uint8_t *data, size_t have, uint8_t how)
{
	static uint8_t fill[FILL_MAX];
	uint8_t bhs[PDU_BHS_SIZE];
	uint32_t left = i->r2t.desired_length - i->answered, size = left < FILL_MAX ? left : FILL_MAX;
	struct pdu pdu = {.opcode = PDU_DATA_OUT, .flags = size == left ? PDU_FINAL : 0, .itt = i->r2t.itt,
			  .lun = i->r2t.lun, .transfer_tag = i->r2t.transfer_tag,
			  .data_sn = i->answered / FILL_MAX, .buffer_offset = i->r2t.buffer_offset + i->answered};
	memcpy(fill, data, have < size ? have : size);
	pdu_encode(&pdu, bhs);
	put_pdu(i, bhs, sizeof(bhs), fill, size, how);
	i->answered += size;
	if (i->answered == i->r2t.desired_length)
		i->r2t.desired_length = 0;
}

/* Bytes that it has used. */
static size_t send_record(struct initiator *i, const uint8_t *data, size_t size)
{
	uint8_t header[PDU_BHS_SIZE + 1020], how = data[0];
	size_t have = (size_t)(data[49] | data[50] << 8), segments = (size_t)data[5] * 4;
	const uint8_t *body = data + RECORD;
	if (have > size - RECORD)
		have = size - RECORD;
	if (segments > have)
		segments = have & ~(size_t)3;
	while (take_answers(i, how & WAITS ? QUIET_MS : 0))
		;
	if (how & ANSWERS_R2T && i->r2t.desired_length) {
		answer_r2t(i, body, have, how);
		return RECORD + have;
	}
	memcpy(header, data + 1, PDU_BHS_SIZE);
	memcpy(header + PDU_BHS_SIZE, body, segments);
	if (how & NUMBERED) {
		be_put32(header + 24, i->cmd_sn);
		/* Data-Out and SNACK have no CmdSN, immediate ones do not use it up. */
		i->cmd_sn += !(header[0] & 0x50) && (header[0] & 0x3f) != PDU_DATA_OUT;
	}
	put_pdu(i, header, PDU_BHS_SIZE + segments, body + segments, have - segments, how);
	return RECORD + have;
}

static void converse(uint16_t port, const uint8_t *data, size_t size)
{
	struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port),
				      .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	struct linger reset = {.l_onoff = 1}; /* no connection stays behind in TIME-WAIT */
	struct initiator *i = mem_zalloc(sizeof(*i));
	i->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	i->offers = data[0];
	i->cmd_sn = 1;
	ASSERT(i->fd >= 0 && connect(i->fd, (struct sockaddr *)&address, sizeof(address)) == 0);
	setsockopt(i->fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
	if (!(i->offers & NO_LOGIN))
		log_in(i);
	data++, size--;
	for (unsigned n = 0; n < PDUS_MAX && size >= RECORD && !i->ended; n++) {
		size_t used = send_record(i, data, size);
		data += used;
		size -= used;
	}
	while (take_answers(i, QUIET_MS))
		;
	close(i->fd);
	free(i);
}

/* Waited for longer than any machine is slow. */
static void expect_no_connections(struct iscsi_server *server)
{
	struct iscsi_stats stats = {.connections = 1};
	for (unsigned tries = 0; stats.connections || stats.sessions; tries++) {
		ASSERT(tries < 600000);
		nanosleep(&(struct timespec){.tv_nsec = tries ? 100000 : 0}, NULL);
		iscsi_get_stats(server, &stats);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct scsi_identity identity = {"FUZZ", "UNIT", "1", "SERIAL", {0}, {0}};
	const struct iscsi_settings settings = {.threads = 1};
	struct scsi_buffer_pool *pool = scsi_buffer_pool_new(1 << 20);
	struct scsi_target *target = scsi_target_new(TARGET, (const uint8_t[16]){1});
	struct iscsi_server *server;
	struct scsi_lu *lu;
	uint16_t port;
	log_set_level(LOG_LEVEL_ERROR);
	ASSERT(scsi_lu_new(&class, &identity, pool, &lu) == 0);
	ASSERT(scsi_target_add(target, 0, lu) == 0);
	ASSERT(iscsi_server_new(&settings, &server) == 0);
	ASSERT(iscsi_target_add(server, target, NULL, 0) == 0);
	ASSERT(iscsi_portal_add(server, "127.0.0.1:0", NULL, 1, &port) == 0);
	if (size > 0) {
		converse(port, data, size);
		expect_no_connections(server);
	}
	iscsi_server_free(&server);
	scsi_target_remove(target, 0);
	scsi_lu_free(&lu);
	scsi_target_free(&target);
	scsi_buffer_pool_free(&pool);
	return 0;
}
