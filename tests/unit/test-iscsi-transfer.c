/* SPDX-License-Identifier: MIT */
/*
 * Data goes both ways as it was agreed on, however it is cut; whatever breaks the
 * rules fails its command, and neither hangs nor writes.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/base/bytes.h"
#include "tests/unit/initiator.h"

#define KIB 1024u
#define MIB (1024u * 1024u)

static struct scene scene;
static struct initiator initiator;
static uint8_t pattern[8 * MIB];

static int start(void **state)
{
	(void)state;
	scene_start(&scene, NULL);
	initiator_init(&initiator, 1);
	pattern_fill(pattern, sizeof(pattern), 0x5a);
	return 0;
}

static int stop(void **state)
{
	(void)state;
	if (initiator.fd >= 0)
		initiator_logout(&initiator);
	initiator_free(&initiator);
	scene_stop(&scene);
	return 0;
}

#define ENTER(keys) (initiator_enter(&initiator, &scene, KEYS(keys)), initiator_settle(&initiator))

static void assert_disk(uint32_t block, const uint8_t *data, size_t size)
{
	assert_memory_equal(disk_data(scene.disk) + block * DISK_BLOCK, data, size);
}

/* Answers the R2T that has come, in pieces of `piece` bytes. */
static void answer_r2t(uint32_t piece)
{
	const struct pdu r2t = initiator.got;
	for (uint32_t at = 0, sn = 0; at < r2t.desired_length; at += piece, sn++) {
		uint32_t size = r2t.desired_length - at < piece ? r2t.desired_length - at : piece;
		initiator_data_out(&initiator, r2t.itt, r2t.transfer_tag, sn, r2t.buffer_offset + at,
				   pattern + r2t.buffer_offset + at, size, at + size == r2t.desired_length);
	}
}

static void immediate_data_is_written(void **state)
{
	(void)state;
	ENTER("InitialR2T=No\0ImmediateData=Yes\0FirstBurstLength=262144\0");
	for (uint32_t blocks = 1; blocks <= 512; blocks = blocks * 3 + 1) {
		uint32_t itt = initiator_write(&initiator, blocks, blocks, pattern, blocks * DISK_BLOCK, false);
		initiator_expect_good(&initiator, itt);
		assert_disk(blocks, pattern, blocks * DISK_BLOCK);
		assert_int_equal(initiator.got.flags, PDU_FINAL);
	}
}

static void unsolicited_data_follows_immediate_data(void **state)
{
	(void)state;
	ENTER("InitialR2T=No\0ImmediateData=Yes\0FirstBurstLength=65536\0");
	uint32_t itt = initiator_write(&initiator, 0, 128, pattern, 4 * KIB, true);
	for (uint32_t at = 4 * KIB, sn = 0; at < 64 * KIB; at += 12 * KIB, sn++)
		initiator_data_out(&initiator, itt, PDU_NO_TAG, sn, at, pattern + at, 12 * KIB,
				   at + 12 * KIB == 64 * KIB);
	initiator_expect_good(&initiator, itt);
	assert_disk(0, pattern, 64 * KIB);
}

/* Immediate, then unsolicited, then one R2T of MaxBurstLength after the other. */
static void the_rest_is_asked_for(void **state)
{
	(void)state;
	ENTER("InitialR2T=No\0ImmediateData=Yes\0FirstBurstLength=65536\0MaxBurstLength=262144\0"
	      "MaxOutstandingR2T=1\0");
	uint32_t itt = initiator_write(&initiator, 8, 2048, pattern, 16 * KIB, true);
	initiator_data_out(&initiator, itt, PDU_NO_TAG, 0, 16 * KIB, pattern + 16 * KIB, 48 * KIB, true);
	uint32_t at = 64 * KIB;
	for (uint32_t sn = 0; at < MIB; sn++) {
		initiator_expect(&initiator, PDU_R2T);
		assert_int_equal(initiator.got.itt, itt);
		assert_int_equal(initiator.got.r2t_sn, sn);
		assert_int_equal(initiator.got.buffer_offset, at);
		uint32_t left = MIB - at;
		assert_int_equal(initiator.got.desired_length, left < 256 * KIB ? left : 256 * KIB);
		at += initiator.got.desired_length;
		answer_r2t(100 * KIB);
	}
	initiator_expect_good(&initiator, itt);
	assert_int_equal(initiator.got.exp_data_sn_out, 4);
	assert_disk(8, pattern, MIB);
}

static void several_r2ts_may_be_outstanding(void **state)
{
	(void)state;
	ENTER("InitialR2T=Yes\0ImmediateData=No\0MaxBurstLength=65536\0MaxOutstandingR2T=4\0");
	uint32_t itt = initiator_write(&initiator, 0, 1024, NULL, 0, false);
	struct pdu r2ts[8];
	for (unsigned i = 0; i < 4; i++) {
		initiator_expect(&initiator, PDU_R2T);
		r2ts[i] = initiator.got;
	}
	initiator_expect_nothing(&initiator, 50);
	for (unsigned i = 0; i < 8; i++) {
		initiator.got = r2ts[i];
		answer_r2t(64 * KIB);
		if (i + 4 < 8) {
			initiator_expect(&initiator, PDU_R2T);
			r2ts[i + 4] = initiator.got;
			assert_int_equal(initiator.got.buffer_offset, (i + 4) * 64 * KIB);
		}
	}
	initiator_expect_good(&initiator, itt);
	assert_disk(0, pattern, 512 * KIB);
}

/* A write whose data is still coming is not overtaken by the next one to the same blocks, though
 * that has all of its data; a command for another unit goes on. */
static void writes_stay_in_order(void **state)
{
	(void)state;
	ENTER("InitialR2T=No\0ImmediateData=Yes\0");
	static uint8_t other[4096];
	pattern_fill(other, sizeof(other), 0x11);
	uint32_t first = initiator_write(&initiator, 0, 8, NULL, 0, false);
	initiator_expect(&initiator, PDU_R2T);
	const struct pdu r2t = initiator.got;
	uint32_t second = initiator_write(&initiator, 0, 8, other, sizeof(other), false);
	initiator_expect_nothing(&initiator, 50);
	struct pdu beside = {.opcode = PDU_COMMAND, .flags = PDU_FINAL, .lun = 1ull << 48,
			     .itt = initiator.next_itt++, .cmd_sn = initiator.cmd_sn++};
	initiator_send(&initiator, &beside, NULL, 0);
	initiator_expect(&initiator, PDU_RESPONSE);
	assert_int_equal(initiator.got.itt, beside.itt);
	initiator.got = r2t;
	answer_r2t(4096);
	initiator_expect_good(&initiator, first);
	initiator_expect_good(&initiator, second);
	assert_disk(0, other, sizeof(other));
}

/* ---- what breaks the rules ---- */

struct wrong {
	const char *name;
	uint32_t data_sn[2], offset[2];
	bool final[2];
	uint16_t code;
};

/* One R2T for 8 KiB, answered by two PDUs of 4 KiB. */
static void wrong_sequences_fail_their_command(void **state)
{
	static const struct wrong wrongs[] = {
		{"the same DataSN twice", {0, 0}, {0, 4096}, {false, true}, 0x4705},
		{"a DataSN too high", {27, 1}, {0, 4096}, {false, true}, 0x4705},
		{"a DataSN of -1", {UINT32_MAX, 0}, {0, 4096}, {false, true}, 0x4705},
		{"DataSNs in reverse", {1, 0}, {0, 4096}, {false, true}, 0x4705},
		{"offsets in reverse", {0, 1}, {4096, 0}, {false, true}, 0x4705},
		{"an offset outside", {0, 1}, {0, 8192}, {false, true}, 0x4705},
		{"a sequence that ends early", {0, 1}, {0, 4096}, {true, true}, 0x4705},
	};
	(void)state;
	static const uint8_t zeroes[8192];
	ENTER("InitialR2T=Yes\0ImmediateData=No\0");
	for (size_t i = 0; i < sizeof(wrongs) / sizeof(wrongs[0]); i++) {
		const struct wrong *wrong = &wrongs[i];
		print_message("%s\n", wrong->name);
		uint32_t itt = initiator_write(&initiator, 100, 16, NULL, 0, false);
		initiator_expect(&initiator, PDU_R2T);
		uint32_t tag = initiator.got.transfer_tag;
		for (unsigned n = 0; n < 2; n++)
			initiator_data_out(&initiator, itt, tag, wrong->data_sn[n], wrong->offset[n],
					   pattern, 4096, wrong->final[n]);
		initiator_expect_sense(&initiator, itt, SENSE_ABORTED, wrong->code);
		assert_disk(100, zeroes, sizeof(zeroes));
		initiator_settle(&initiator);
	}
}

static void unexpected_unsolicited_data_fails(void **state)
{
	(void)state;
	ENTER("InitialR2T=No\0ImmediateData=Yes\0FirstBurstLength=8192\0");
	/* More than FirstBurstLength, as immediate data and after it. */
	uint32_t itt = initiator_write(&initiator, 0, 64, pattern, 8192 + 512, false);
	initiator_expect_sense(&initiator, itt, SENSE_ABORTED, 0x0c0c);
	itt = initiator_write(&initiator, 0, 64, pattern, 4096, true);
	initiator_data_out(&initiator, itt, PDU_NO_TAG, 0, 4096, pattern, 8192, true);
	initiator_expect_sense(&initiator, itt, SENSE_ABORTED, 0x4705);
	/* More than the command is about. */
	itt = initiator_write(&initiator, 0, 1, pattern, 1024, false);
	initiator_expect_sense(&initiator, itt, SENSE_ABORTED, 0x0c0c);
	/* F was set: nothing may come any more but what is asked for. */
	itt = initiator_write(&initiator, 0, 64, pattern, 4096, false);
	initiator_expect(&initiator, PDU_R2T);
	uint32_t tag = initiator.got.transfer_tag;
	initiator_data_out(&initiator, itt, PDU_NO_TAG, 0, 4096, pattern, 512, true);
	initiator_expect_nothing(&initiator, 30);
	initiator_data_out(&initiator, itt, tag, 0, 4096, pattern, 28 * KIB, true);
	initiator_expect_sense(&initiator, itt, SENSE_ABORTED, 0x0c0c);
	/* Of a task that is not there: dropped. */
	initiator_data_out(&initiator, 0x7777, PDU_NO_TAG, 0, 0, pattern, 512, true);
	initiator_settle(&initiator);
}

static void data_that_was_not_agreed_on_fails(void **state)
{
	(void)state;
	ENTER("InitialR2T=Yes\0ImmediateData=No\0");
	uint32_t itt = initiator_write(&initiator, 0, 8, pattern, 4096, false);
	initiator_expect_sense(&initiator, itt, SENSE_ABORTED, 0x0c0c);
	itt = initiator_write(&initiator, 0, 8, NULL, 0, true);
	initiator_data_out(&initiator, itt, PDU_NO_TAG, 0, 0, pattern, 4096, true);
	initiator_expect_sense(&initiator, itt, SENSE_ABORTED, 0x0c0c);
	/* Without W, and with both. */
	static const uint8_t ready[6];
	initiator_command(&initiator, PDU_FINAL, ready, sizeof(ready), 4096, pattern, 512);
	initiator_expect_reject(&initiator, REJECT_INVALID_FIELD);
	itt = initiator_command(&initiator, PDU_FINAL | PDU_READ | PDU_WRITE, ready, sizeof(ready), 0, NULL, 0);
	initiator_expect_sense(&initiator, itt, SENSE_ILLEGAL_REQUEST, 0x2000);
	/* More than any command here has. */
	uint8_t write[10] = {DISK_RAW_WRITE};
	itt = initiator_command(&initiator, PDU_FINAL | PDU_WRITE, write, sizeof(write), 1u << 30, NULL, 0);
	initiator_expect_sense(&initiator, itt, SENSE_ILLEGAL_REQUEST, 0x5503);
	initiator_settle(&initiator);
}

/* ---- Data-In ---- */

/* All Data-In PDUs of a command; the last has the status unless `response` is to follow. */
static size_t collect(uint32_t itt, uint32_t max_send, uint32_t max_burst, uint8_t *into, bool response)
{
	size_t at = 0;
	for (uint32_t sn = 0;; sn++) {
		initiator_expect(&initiator, PDU_DATA_IN);
		const struct pdu *got = &initiator.got;
		assert_int_equal(got->itt, itt);
		assert_int_equal(got->data_sn, sn);
		assert_int_equal(got->buffer_offset, at);
		assert_true(initiator.size <= max_send);
		assert_true(at % max_burst + initiator.size <= max_burst);
		memcpy(into + at, initiator.data, initiator.size);
		at += initiator.size;
		if (at % max_burst == 0)
			assert_true(got->flags & PDU_FINAL);
		if (got->flags & PDU_STATUS || (response && got->flags & PDU_FINAL && at % max_burst))
			break;
	}
	assert_true(initiator.got.flags & PDU_FINAL);
	return at;
}

static void data_in_is_cut_as_agreed_on(void **state)
{
	(void)state;
	static uint8_t back[4 * MIB];
	memcpy(disk_data(scene.disk), pattern, sizeof(back));
	ENTER("MaxRecvDataSegmentLength=100000\0MaxBurstLength=262144\0");
	for (uint32_t blocks = 1; blocks <= 8192; blocks = blocks * 5 + 1) {
		uint32_t itt = initiator_read(&initiator, 0, blocks);
		memset(back, 0, sizeof(back));
		assert_int_equal(collect(itt, 100000, 262144, back, false), blocks * DISK_BLOCK);
		assert_int_equal(initiator.got.status, SCSI_GOOD);
		assert_memory_equal(back, pattern, blocks * DISK_BLOCK);
	}
}

/* Data first, then the response with sense: as a tape reads a block that is too short. */
static void sense_comes_after_the_data(void **state)
{
	(void)state;
	static uint8_t back[MIB];
	uint8_t cdb[10] = {DISK_RAW_READ};
	memcpy(disk_data(scene.disk), pattern, sizeof(back));
	ENTER("MaxRecvDataSegmentLength=65536\0");
	be_put32(cdb + 2, 100000);
	cdb[6] = 1;
	uint32_t itt = initiator_command(&initiator, PDU_FINAL | PDU_READ, cdb, sizeof(cdb), 131072, NULL, 0);
	assert_int_equal(collect(itt, 65536, 16 * MIB, back, true), 100000);
	assert_false(initiator.got.flags & PDU_STATUS);
	assert_memory_equal(back, pattern, 100000);
	initiator_expect_sense(&initiator, itt, SENSE_NO_SENSE, 0);
	assert_int_equal(initiator.data[2 + 2], 0x20); /* ILI */
	assert_true(initiator.got.flags & PDU_UNDERFLOW);
	assert_int_equal(initiator.got.residual, 31072);
	assert_int_equal(initiator.got.exp_data_sn_out, 2);
}

static void residuals_tell_what_was_not_moved(void **state)
{
	(void)state;
	uint8_t read[10] = {0x28, [8] = 2}, write[10] = {0x2a, [8] = 2};
	ENTER("InitialR2T=No\0ImmediateData=Yes\0");
	uint32_t itt = initiator_command(&initiator, PDU_FINAL | PDU_READ, read, sizeof(read), 512, NULL, 0);
	initiator_expect(&initiator, PDU_DATA_IN);
	assert_int_equal(initiator.got.itt, itt);
	assert_int_equal(initiator.size, 512);
	assert_int_equal(initiator.got.flags, PDU_FINAL | PDU_STATUS | PDU_OVERFLOW);
	assert_int_equal(initiator.got.residual, 512);
	initiator_command(&initiator, PDU_FINAL | PDU_READ, read, sizeof(read), 5000, NULL, 0);
	initiator_expect(&initiator, PDU_DATA_IN);
	assert_int_equal(initiator.size, 1024);
	assert_int_equal(initiator.got.flags, PDU_FINAL | PDU_STATUS | PDU_UNDERFLOW);
	assert_int_equal(initiator.got.residual, 5000 - 1024);
	itt = initiator_command(&initiator, PDU_FINAL | PDU_WRITE, write, sizeof(write), 512, pattern, 512);
	initiator_expect_good(&initiator, itt);
	assert_int_equal(initiator.got.flags, PDU_FINAL | PDU_OVERFLOW);
	assert_int_equal(initiator.got.residual, 512);
	itt = initiator_command(&initiator, PDU_FINAL | PDU_WRITE, write, sizeof(write), 1500, pattern, 1500);
	initiator_expect_good(&initiator, itt);
	assert_int_equal(initiator.got.flags, PDU_FINAL | PDU_UNDERFLOW);
	assert_int_equal(initiator.got.residual, 1500 - 1024);
	itt = initiator_command(&initiator, PDU_FINAL, read, sizeof(read), 0, NULL, 0);
	initiator_expect_good(&initiator, itt);
	assert_int_equal(initiator.got.flags, PDU_FINAL | PDU_OVERFLOW);
	assert_int_equal(initiator.got.residual, 1024);
}

/* ---- digests ---- */

#define DIGESTS "HeaderDigest=CRC32C\0DataDigest=CRC32C\0InitialR2T=No\0ImmediateData=Yes\0"

static void digests_cover_both_directions(void **state)
{
	(void)state;
	static uint8_t back[MIB];
	ENTER(DIGESTS "MaxRecvDataSegmentLength=262144\0FirstBurstLength=65536\0MaxBurstLength=1048576\0");
	assert_true(initiator.header_digest && initiator.data_digest);
	uint32_t itt = initiator_write(&initiator, 0, 1024, pattern, 64 * KIB, false);
	initiator_expect(&initiator, PDU_R2T);
	answer_r2t(33333);
	initiator_expect_good(&initiator, itt);
	assert_disk(0, pattern, 512 * KIB);
	itt = initiator_read(&initiator, 0, 1024);
	assert_int_equal(collect(itt, 262144, 16 * MIB, back, false), 512 * KIB);
	assert_memory_equal(back, pattern, 512 * KIB);
}

static void damaged_data_is_rejected_and_fails_the_command(void **state)
{
	(void)state;
	ENTER(DIGESTS);
	initiator.damage_data = true;
	uint32_t itt = initiator_write(&initiator, 0, 8, pattern, 4096, false);
	initiator_expect_reject(&initiator, REJECT_DATA_DIGEST);
	assert_int_equal(be_get32(initiator.data + 16), itt);
	initiator_expect_sense(&initiator, itt, SENSE_ABORTED, 0x4705);
	/* In the middle of a sequence: the answer comes after its last PDU. */
	itt = initiator_write(&initiator, 0, 16, NULL, 0, false);
	initiator_expect(&initiator, PDU_R2T);
	uint32_t tag = initiator.got.transfer_tag;
	initiator.damage_data = true;
	initiator_data_out(&initiator, itt, tag, 0, 0, pattern, 4096, false);
	initiator_expect_reject(&initiator, REJECT_DATA_DIGEST);
	initiator_expect_nothing(&initiator, 30);
	initiator_data_out(&initiator, itt, tag, 1, 4096, pattern, 4096, true);
	initiator_expect_sense(&initiator, itt, SENSE_ABORTED, 0x4705);
	struct iscsi_stats stats;
	iscsi_get_stats(scene.server, &stats);
	assert_int_equal(stats.digest_errors, 2);
	initiator_settle(&initiator);
}

static void a_damaged_header_ends_the_connection(void **state)
{
	(void)state;
	static const uint8_t ready[6];
	ENTER(DIGESTS);
	initiator.damage_header = true;
	initiator_command(&initiator, PDU_FINAL, ready, sizeof(ready), 0, NULL, 0);
	initiator_expect_end(&initiator);
}

/* ---- memory ---- */

/* Forty writes of 8 MiB at once: no more is asked for than the session may hold, NOPs are
 * answered meanwhile, and in the end all is written. */
static void long_writes_wait_for_memory(void **state)
{
	(void)state;
	enum { COUNT = 40, LENGTH = 8 * MIB };
	uint8_t write[10] = {DISK_RAW_WRITE};
	ENTER("InitialR2T=No\0ImmediateData=Yes\0FirstBurstLength=65536\0MaxBurstLength=16776192\0");
	for (unsigned i = 0; i < COUNT; i++)
		initiator_command(&initiator, PDU_FINAL | PDU_WRITE, write, sizeof(write), LENGTH, pattern, 65536);
	struct pdu nop = {.opcode = PDU_NOP_OUT, .immediate = true, .flags = PDU_FINAL, .itt = 0xabcdef,
			  .transfer_tag = PDU_NO_TAG, .cmd_sn = initiator.cmd_sn};
	initiator_send(&initiator, &nop, NULL, 0);
	struct pdu r2ts[COUNT];
	unsigned asked = 0, done = 0;
	for (;;) {
		assert_int_equal(initiator_receive(&initiator, SCENE_MS), 0);
		if (initiator.got.opcode == PDU_NOP_IN)
			break;
		assert_int_equal(initiator.got.opcode, PDU_R2T);
		r2ts[asked++] = initiator.got;
	}
	assert_true(asked >= 1 && asked <= 8);
	initiator_expect_nothing(&initiator, 50);
	while (done < COUNT) {
		assert_true(done < asked);
		initiator.got = r2ts[done++];
		answer_r2t(MIB);
		do {
			assert_int_equal(initiator_receive(&initiator, SCENE_MS), 0);
			if (initiator.got.opcode == PDU_R2T)
				r2ts[asked++] = initiator.got;
		} while (initiator.got.opcode != PDU_RESPONSE);
		assert_int_equal(initiator.got.status, SCSI_GOOD);
		while (asked < COUNT && asked <= done)
			initiator_expect(&initiator, PDU_R2T), r2ts[asked++] = initiator.got;
	}
}

/* Immediate commands do not wait, so those over the limit are refused. */
static void immediate_long_writes_are_refused_over_the_limit(void **state)
{
	(void)state;
	struct pdu pdu = {.opcode = PDU_COMMAND, .immediate = true, .flags = PDU_FINAL | PDU_WRITE,
			  .expected_length = 8 * MIB, .cdb = {DISK_RAW_WRITE}};
	ENTER("InitialR2T=Yes\0ImmediateData=No\0MaxBurstLength=16776192\0");
	pdu.cmd_sn = initiator.cmd_sn;
	for (unsigned i = 0; i < 8; i++) {
		pdu.itt = initiator.next_itt++;
		initiator_send(&initiator, &pdu, NULL, 0);
		initiator_expect(&initiator, PDU_R2T);
	}
	const struct pdu r2t = initiator.got;
	pdu.itt = initiator.next_itt++;
	initiator_send(&initiator, &pdu, NULL, 0);
	initiator_expect_sense(&initiator, pdu.itt, SENSE_ABORTED, 0x5503);
	initiator.got = r2t;
	answer_r2t(MIB);
	initiator_expect_good(&initiator, r2t.itt);
	pdu.itt = initiator.next_itt++;
	initiator_send(&initiator, &pdu, NULL, 0);
	initiator_expect(&initiator, PDU_R2T);
}

/* An initiator may use a tag again when it has the status, though what is sent with it is still on its way. */
static void a_tag_is_free_with_its_status(void **state)
{
	(void)state;
	const uint32_t blocks = (8u << 20) / DISK_BLOCK;
	int hold = 1, go = 0;
	ENTER("MaxRecvDataSegmentLength=16776192\0MaxBurstLength=16776192\0");
	/* Both come, and are answered, at once; the second answer is more than the sockets take. */
	setsockopt(initiator.fd, IPPROTO_TCP, TCP_CORK, &hold, sizeof(hold));
	uint32_t first = initiator_read(&initiator, 0, 1);
	uint32_t second = initiator_read(&initiator, 0, blocks);
	setsockopt(initiator.fd, IPPROTO_TCP, TCP_CORK, &go, sizeof(go));
	initiator_expect(&initiator, PDU_DATA_IN);
	assert_int_equal(initiator.got.itt, first);
	assert_true(initiator.got.flags & PDU_STATUS);
	uint32_t next = initiator.next_itt;
	initiator.next_itt = first;
	initiator_read(&initiator, 0, 2);
	initiator.next_itt = next;
	usleep(100000); /* so that it is looked at before the rest is out */
	initiator_expect(&initiator, PDU_DATA_IN);
	assert_int_equal(initiator.got.itt, second);
	assert_int_equal(initiator.size, blocks * DISK_BLOCK);
	initiator_expect(&initiator, PDU_DATA_IN);
	assert_int_equal(initiator.got.itt, first);
	assert_int_equal(initiator.size, 2 * DISK_BLOCK);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(immediate_data_is_written, start, stop),
		cmocka_unit_test_setup_teardown(unsolicited_data_follows_immediate_data, start, stop),
		cmocka_unit_test_setup_teardown(the_rest_is_asked_for, start, stop),
		cmocka_unit_test_setup_teardown(several_r2ts_may_be_outstanding, start, stop),
		cmocka_unit_test_setup_teardown(writes_stay_in_order, start, stop),
		cmocka_unit_test_setup_teardown(wrong_sequences_fail_their_command, start, stop),
		cmocka_unit_test_setup_teardown(unexpected_unsolicited_data_fails, start, stop),
		cmocka_unit_test_setup_teardown(data_that_was_not_agreed_on_fails, start, stop),
		cmocka_unit_test_setup_teardown(data_in_is_cut_as_agreed_on, start, stop),
		cmocka_unit_test_setup_teardown(a_tag_is_free_with_its_status, start, stop),
		cmocka_unit_test_setup_teardown(sense_comes_after_the_data, start, stop),
		cmocka_unit_test_setup_teardown(residuals_tell_what_was_not_moved, start, stop),
		cmocka_unit_test_setup_teardown(digests_cover_both_directions, start, stop),
		cmocka_unit_test_setup_teardown(damaged_data_is_rejected_and_fails_the_command, start, stop),
		cmocka_unit_test_setup_teardown(a_damaged_header_ends_the_connection, start, stop),
		cmocka_unit_test_setup_teardown(long_writes_wait_for_memory, start, stop),
		cmocka_unit_test_setup_teardown(immediate_long_writes_are_refused_over_the_limit, start, stop),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
