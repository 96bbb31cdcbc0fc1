/* SPDX-License-Identifier: MIT */
/* The initiator and the server of initiator.h. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/base/bytes.h"
#include "lib/base/clock.h"
#include "lib/base/crc32c.h"
#include "lib/base/mem.h"
#include "tests/unit/initiator.h"

/* ---- the server ---- */

void scene_start(struct scene *scene, const struct iscsi_settings *settings)
{
	const struct iscsi_settings none = {.threads = 2};
	*scene = (struct scene){.target = scsi_target_new(SCENE_TARGET, (const uint8_t[16]){3})};
	assert_int_equal(disk_new(SCENE_BLOCKS, &scene->disk), 0);
	assert_int_equal(disk_new(SCENE_BLOCKS, &scene->other), 0);
	assert_int_equal(scsi_target_add(scene->target, 0, scene->disk), 0);
	assert_int_equal(scsi_target_add(scene->target, 1, scene->other), 0);
	assert_int_equal(iscsi_server_new(settings ? settings : &none, &scene->server), 0);
	assert_int_equal(iscsi_target_add(scene->server, scene->target, NULL, 0), 0);
	assert_int_equal(iscsi_portal_add(scene->server, "127.0.0.1:0", NULL, 1, &scene->port), 0);
}

void scene_stop(struct scene *scene)
{
	iscsi_server_free(&scene->server);
	scsi_target_remove(scene->target, 0);
	scsi_target_remove(scene->target, 1);
	disk_free(&scene->disk);
	disk_free(&scene->other);
	scsi_target_free(&scene->target);
}

/* ---- bytes ---- */

void initiator_init(struct initiator *initiator, unsigned number)
{
	*initiator = (struct initiator){.fd = -1, .cmd_sn = 1, .next_itt = 1, .name = "iqn.2026-11.test:initiator"};
	initiator->isid[0] = 0x40;
	be_put32(initiator->isid + 2, number);
}

void initiator_close(struct initiator *initiator)
{
	if (initiator->fd >= 0)
		close(initiator->fd);
	initiator->fd = -1;
}

void initiator_free(struct initiator *initiator)
{
	initiator_close(initiator);
	free(initiator->data);
	initiator->data = NULL;
}

void initiator_connect(struct initiator *initiator, uint16_t port)
{
	initiator_connect_from(initiator, port, INADDR_LOOPBACK);
}

void initiator_connect_from(struct initiator *initiator, uint16_t port, uint32_t from)
{
	struct sockaddr_in own = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(from)};
	struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port),
				      .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	int one = 1;
	initiator_close(initiator);
	initiator->header_digest = initiator->data_digest = false;
	initiator->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_true(initiator->fd >= 0);
	setsockopt(initiator->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	if (from != INADDR_LOOPBACK)
		assert_int_equal(bind(initiator->fd, (struct sockaddr *)&own, sizeof(own)), 0);
	assert_int_equal(connect(initiator->fd, (struct sockaddr *)&address, sizeof(address)), 0);
}

static void put_all(int fd, const uint8_t *data, size_t size)
{
	while (size) {
		ssize_t sent = send(fd, data, size, MSG_NOSIGNAL);
		if (sent <= 0)
			return; /* the target has closed: the test sees it when it reads */
		data += sent;
		size -= (size_t)sent;
	}
}

static void put_crc(uint8_t *at, uint32_t crc, bool damage)
{
	for (int i = 0; i < 4; i++)
		at[i] = (uint8_t)(crc >> 8 * i);
	at[0] = (uint8_t)(at[0] ^ damage);
}

void initiator_send(struct initiator *initiator, struct pdu *pdu, const void *data, size_t size)
{
	size_t padded = (size + 3) / 4 * 4, at = PDU_BHS_SIZE + pdu->ahs_length;
	uint8_t *bytes = mem_zalloc(at + 4 + padded + 4);
	pdu->data_length = (uint32_t)size;
	pdu->exp_stat_sn = initiator->exp_stat_sn;
	pdu_encode(pdu, bytes);
	if (pdu->ahs_length) { /* `data` begins with the segments then */
		memcpy(bytes + PDU_BHS_SIZE, data, pdu->ahs_length);
		data = (const uint8_t *)data + pdu->ahs_length;
	}
	if (initiator->header_digest) {
		put_crc(bytes + at, crc32c(0, bytes, at), initiator->damage_header);
		at += 4;
	}
	if (size) {
		memcpy(bytes + at, data, size);
		if (initiator->data_digest)
			put_crc(bytes + at + padded, crc32c(0, bytes + at, padded), initiator->damage_data);
		at += padded + (initiator->data_digest ? 4 : 0);
	}
	initiator->damage_header = initiator->damage_data = false;
	put_all(initiator->fd, bytes, at);
	free(bytes);
}

static int get_all(int fd, uint8_t *data, size_t size, uint64_t until)
{
	while (size) {
		int64_t left = (int64_t)(until - clock_monotonic_ns()) / 1000000;
		struct pollfd wait = {.fd = fd, .events = POLLIN};
		if (poll(&wait, 1, left > 0 ? (int)left + 1 : 0) <= 0)
			return -ETIMEDOUT;
		ssize_t got = recv(fd, data, size, 0);
		if (got <= 0)
			return -EPIPE;
		data += got;
		size -= (size_t)got;
	}
	return 0;
}

static uint32_t get_crc(const uint8_t *at)
{
	return (uint32_t)at[3] << 24 | (uint32_t)at[2] << 16 | (uint32_t)at[1] << 8 | at[0];
}

static bool has_stat_sn(const struct pdu *pdu)
{
	return pdu->opcode != PDU_R2T && (pdu->opcode != PDU_DATA_IN || pdu->flags & PDU_STATUS);
}

static void note_numbers(struct initiator *initiator)
{
	const struct pdu *pdu = &initiator->got;
	bool ping = pdu->opcode == PDU_NOP_IN && pdu->itt == PDU_NO_TAG;
	initiator->exp_cmd_sn = pdu->exp_cmd_sn;
	if (serial_before(initiator->max_cmd_sn, pdu->max_cmd_sn))
		initiator->max_cmd_sn = pdu->max_cmd_sn;
	if (!has_stat_sn(pdu))
		return;
	/* StatSN goes up by one with each PDU that has one. */
	if (initiator->exp_stat_sn)
		assert_int_equal(pdu->stat_sn, initiator->exp_stat_sn);
	initiator->exp_stat_sn = pdu->stat_sn + !ping;
}

int initiator_receive(struct initiator *initiator, int ms)
{
	uint8_t header[PDU_BHS_SIZE + 4];
	uint64_t until = clock_monotonic_ns() + (uint64_t)ms * 1000000;
	size_t size = PDU_BHS_SIZE + (initiator->header_digest ? 4 : 0);
	int error = get_all(initiator->fd, header, size, until);
	if (error)
		return error;
	if (initiator->header_digest)
		assert_int_equal(get_crc(header + PDU_BHS_SIZE), crc32c(0, header, PDU_BHS_SIZE));
	assert_int_equal(pdu_decode(header, &initiator->got), 0);
	initiator->size = initiator->got.data_length;
	size_t padded = (initiator->size + 3) / 4 * 4;
	if (initiator->capacity < padded + 4) {
		free(initiator->data);
		initiator->capacity = 2 * padded + 4;
		initiator->data = mem_alloc(initiator->capacity);
	}
	if (padded) {
		size = padded + (initiator->data_digest ? 4 : 0);
		error = get_all(initiator->fd, initiator->data, size, until);
		if (error)
			return error;
		if (initiator->data_digest)
			assert_int_equal(get_crc(initiator->data + padded), crc32c(0, initiator->data, padded));
	}
	note_numbers(initiator);
	return 0;
}

void initiator_expect(struct initiator *initiator, uint8_t opcode)
{
	assert_int_equal(initiator_receive(initiator, SCENE_MS), 0);
	if (initiator->got.opcode != opcode)
		print_error("%s where %s should be\n", pdu_name(initiator->got.opcode), pdu_name(opcode));
	assert_int_equal(initiator->got.opcode, opcode);
}

void initiator_expect_nothing(struct initiator *initiator, int ms)
{
	assert_int_equal(initiator_receive(initiator, ms), -ETIMEDOUT);
}

void initiator_expect_end(struct initiator *initiator)
{
	int error;
	while (!(error = initiator_receive(initiator, SCENE_MS)))
		;
	assert_int_equal(error, -EPIPE);
	initiator_close(initiator);
}

/* ---- sessions ---- */

int initiator_login(struct initiator *initiator, const char *keys, size_t size)
{
	struct pdu pdu = {
		.opcode = PDU_LOGIN_REQUEST,
		.immediate = true,
		.flags = PDU_FINAL | 1 << 2 | 3,
		.itt = initiator->next_itt++,
		.tsih = initiator->tsih,
		.cid = 1,
		.cmd_sn = initiator->cmd_sn,
	};
	char text[4096];
	int length = snprintf(text, sizeof(text), "InitiatorName=%s", initiator->name) + 1;
	memcpy(text + length, keys, size);
	memcpy(pdu.isid, initiator->isid, sizeof(pdu.isid));
	initiator->exp_stat_sn = 0;
	initiator->max_cmd_sn = initiator->cmd_sn - 1;
	initiator_send(initiator, &pdu, text, (size_t)length + size);
	int error = initiator_receive(initiator, SCENE_MS);
	if (error)
		return error;
	assert_int_equal(initiator->got.opcode, PDU_LOGIN_RESPONSE);
	initiator->status = (uint16_t)(initiator->got.response << 8 | initiator->got.status);
	if (!initiator->status) {
		assert_int_equal(initiator->got.flags, PDU_FINAL | 1 << 2 | 3);
		initiator->tsih = initiator->got.tsih;
		assert_int_not_equal(initiator->tsih, 0);
		initiator->data[initiator->size] = 0;
		initiator->header_digest = memmem(initiator->data, initiator->size, "HeaderDigest=CRC32C", 19);
		initiator->data_digest = memmem(initiator->data, initiator->size, "DataDigest=CRC32C", 17);
	}
	return initiator->status;
}

void initiator_enter(struct initiator *initiator, const struct scene *scene, const char *keys, size_t size)
{
	char text[2048];
	int length = snprintf(text, sizeof(text), "TargetName=%s", SCENE_TARGET) + 1;
	memcpy(text + length, keys, size);
	initiator_connect(initiator, scene->port);
	initiator->tsih = 0;
	assert_int_equal(initiator_login(initiator, text, (size_t)length + size), 0);
}

void initiator_logout(struct initiator *initiator)
{
	struct pdu pdu = {.opcode = PDU_LOGOUT_REQUEST, .immediate = true, .flags = PDU_FINAL, .cid = 1,
			  .itt = initiator->next_itt++, .cmd_sn = initiator->cmd_sn};
	initiator_send(initiator, &pdu, NULL, 0);
	initiator_expect(initiator, PDU_LOGOUT_RESPONSE);
	assert_int_equal(initiator->got.itt, pdu.itt);
	assert_int_equal(initiator->got.response, 0);
	initiator_expect_end(initiator);
	initiator->tsih = 0;
}

/* ---- commands ---- */

uint32_t initiator_command(struct initiator *initiator, uint8_t flags, const uint8_t *cdb,
			   size_t cdb_size, uint32_t expected, const void *data, size_t size)
{
	struct pdu pdu = {.opcode = PDU_COMMAND, .flags = flags, .itt = initiator->next_itt++,
			  .expected_length = expected, .cmd_sn = initiator->cmd_sn++};
	memcpy(pdu.cdb, cdb, cdb_size);
	initiator_send(initiator, &pdu, data, size);
	return pdu.itt;
}

static uint32_t transfer(struct initiator *initiator, uint8_t opcode, uint8_t flags, uint32_t block,
			 uint32_t blocks, const void *data, size_t size)
{
	uint8_t cdb[10] = {opcode};
	be_put32(cdb + 2, block);
	be_put16(cdb + 7, (uint16_t)blocks);
	return initiator_command(initiator, flags, cdb, sizeof(cdb), blocks * DISK_BLOCK, data, size);
}

uint32_t initiator_write(struct initiator *initiator, uint32_t block, uint32_t blocks, const void *data,
			 size_t immediate, bool more)
{
	return transfer(initiator, 0x2a, (uint8_t)(PDU_WRITE | (more ? 0 : PDU_FINAL)), block, blocks, data,
			immediate);
}

uint32_t initiator_read(struct initiator *initiator, uint32_t block, uint32_t blocks)
{
	return transfer(initiator, 0x28, PDU_READ | PDU_FINAL, block, blocks, NULL, 0);
}

void initiator_data_out(struct initiator *initiator, uint32_t itt, uint32_t tag, uint32_t data_sn,
			uint32_t offset, const void *data, size_t size, bool final)
{
	struct pdu pdu = {.opcode = PDU_DATA_OUT, .flags = final ? PDU_FINAL : 0, .itt = itt,
			  .transfer_tag = tag, .data_sn = data_sn, .buffer_offset = offset};
	initiator_send(initiator, &pdu, data, size);
}

void initiator_expect_good(struct initiator *initiator, uint32_t itt)
{
	initiator_expect(initiator, PDU_RESPONSE);
	assert_int_equal(initiator->got.itt, itt);
	assert_int_equal(initiator->got.response, 0);
	assert_int_equal(initiator->got.status, SCSI_GOOD);
}

void initiator_expect_sense(struct initiator *initiator, uint32_t itt, uint8_t key, uint16_t code)
{
	initiator_expect(initiator, PDU_RESPONSE);
	assert_int_equal(initiator->got.itt, itt);
	assert_int_equal(initiator->got.status, SCSI_CHECK_CONDITION);
	assert_true(initiator->size >= 2 + 18);
	assert_int_equal(be_get16(initiator->data), initiator->size - 2);
	assert_int_equal(initiator->data[2 + 2] & 0x0f, key);
	assert_int_equal(be_get16(initiator->data + 2 + 12), code);
}

void initiator_expect_reject(struct initiator *initiator, uint8_t reason)
{
	initiator_expect(initiator, PDU_REJECT);
	assert_int_equal(initiator->got.response, reason);
	assert_int_equal(initiator->size, PDU_BHS_SIZE);
}

void initiator_settle(struct initiator *initiator)
{
	static const uint8_t ready[6];
	for (int tries = 0; tries < 8; tries++) {
		initiator_command(initiator, PDU_FINAL, ready, sizeof(ready), 0, NULL, 0);
		initiator_expect(initiator, PDU_RESPONSE);
		if (initiator->got.status == SCSI_GOOD)
			return;
	}
	fail_msg("the unit does not get ready");
}

void pattern_fill(uint8_t *data, size_t size, unsigned seed)
{
	for (size_t i = 0; i < size; i++)
		data[i] = (uint8_t)(i ^ i >> 8 ^ i >> 16 ^ seed);
}
