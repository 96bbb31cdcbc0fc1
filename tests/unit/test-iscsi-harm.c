/* SPDX-License-Identifier: MIT */
/*
 * What peers send at random, and memory that is not there, ends connections at
 * worst: the server stays, and serves the next one.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/base/bytes.h"
#include "lib/base/fault.h"
#include "lib/base/log.h"
#include "tests/unit/initiator.h"

static struct scene scene;
static struct initiator initiator;
static uint8_t bytes[65536];
static unsigned seed;

static int start(void **state)
{
	(void)state;
	log_set_level(LOG_LEVEL_ERROR);
	scene_start(&scene, NULL);
	initiator_init(&initiator, 1);
	seed = 20261122;
	return 0;
}

static int stop(void **state)
{
	(void)state;
	initiator_free(&initiator);
	scene_stop(&scene);
	return 0;
}

static uint32_t any(uint32_t below)
{
	return (uint32_t)rand_r(&seed) % below;
}

/* A value that is often at an edge. */
static uint32_t edge(uint32_t near)
{
	static const uint32_t edges[] = {0, 1, 511, 512, 65535, 65536, 1u << 20, 1u << 24, INT32_MAX, UINT32_MAX};
	switch (any(3)) {
	case 0:
		return near + any(3) - 1;
	case 1:
		return edges[any(sizeof(edges) / sizeof(edges[0]))];
	default:
		return (uint32_t)rand_r(&seed);
	}
}

/* A PDU that is right, but for a few of its fields. */
static void send_random_pdu(void)
{
	static const uint8_t opcodes[] = {PDU_NOP_OUT, PDU_COMMAND, PDU_COMMAND, PDU_COMMAND, PDU_TASK_REQUEST,
					  PDU_LOGIN_REQUEST, PDU_TEXT_REQUEST, PDU_DATA_OUT, PDU_DATA_OUT,
					  PDU_SNACK};
	static const uint8_t cdbs[] = {0x2a, 0x28, 0x12, 0x00, DISK_RAW_READ, DISK_RAW_WRITE, 0x1a, 0xa0};
	struct pdu pdu = {
		.opcode = any(300) ? opcodes[any(sizeof(opcodes))] : PDU_LOGOUT_REQUEST,
		.immediate = !any(4),
		.flags = any(3) ? PDU_FINAL | (uint8_t)(any(4) << 5) : (uint8_t)any(256),
		.lun = (uint64_t)any(3) << 48,
		.itt = any(20) ? any(12) : PDU_NO_TAG,
		.cmd_sn = any(200) ? initiator.cmd_sn : edge(initiator.cmd_sn),
		.expected_length = any(2) ? 4096 * any(40) : edge(4096),
		.transfer_tag = any(2) ? PDU_NO_TAG : any(40),
		.data_sn = any(3),
		.buffer_offset = 512 * any(20),
		.function = (uint8_t)any(10),
		.referenced_tag = any(12),
		.ref_cmd_sn = initiator.cmd_sn - any(3),
		.cid = 1,
		.cdb = {cdbs[any(sizeof(cdbs))], [3] = (uint8_t)any(2), [4] = (uint8_t)any(256), [8] = (uint8_t)any(64)},
	};
	if (!pdu.immediate && pdu.opcode < PDU_DATA_OUT && pdu.opcode != PDU_LOGIN_REQUEST)
		initiator.cmd_sn++;
	if (pdu.opcode == PDU_COMMAND && !any(8))
		pdu.ahs_length = (uint16_t)(4 * any(20));
	size_t most = any(4) ? 4096 : sizeof(bytes) - 1024;
	initiator_send(&initiator, &pdu, bytes, any(2) ? any((uint32_t)most) : 0);
}

static bool has_ended(void)
{
	struct pollfd wait = {.fd = initiator.fd, .events = POLLIN};
	static uint8_t waste[65536];
	while (poll(&wait, 1, 0) > 0)
		if (recv(initiator.fd, waste, sizeof(waste), 0) <= 0)
			return true;
	return false;
}

/* Sessions that have ended may still have something to do: a reset, for one, which takes tasks of
 * others with it. */
static void sessions_are_gone(void)
{
	struct iscsi_session_info *list;
	size_t count = 1;
	initiator_close(&initiator);
	for (int ms = 0; count && ms < SCENE_MS; ms += 10) {
		assert_int_equal(iscsi_sessions(scene.server, &list, &count), 0);
		free(list);
		usleep(count ? 10000 : 0);
	}
	assert_int_equal(count, 0);
}

static void assert_alive(void)
{
	struct initiator next;
	sessions_are_gone();
	initiator_init(&next, 77);
	initiator_enter(&next, &scene, KEYS("InitialR2T=No\0ImmediateData=Yes\0"));
	initiator_settle(&next);
	initiator_expect_good(&next, initiator_write(&next, 0, 8, bytes, 4096, false));
	initiator_logout(&next);
	initiator_free(&next);
}

static void random_pdus_do_no_harm(void **state)
{
	(void)state;
	unsigned sent = 0;
	for (unsigned session = 0; session < 400; session++) {
		initiator.cmd_sn = any(2) ? 1 : UINT32_MAX - any(8);
		if (any(2))
			initiator_enter(&initiator, &scene,
					KEYS("InitialR2T=No\0ImmediateData=Yes\0FirstBurstLength=16384\0"));
		else
			initiator_enter(&initiator, &scene,
					KEYS("MaxRecvDataSegmentLength=512\0MaxBurstLength=1024\0"
					     "FirstBurstLength=1024\0MaxOutstandingR2T=8\0"));
		for (unsigned i = 0; i < 80 && !has_ended(); i++, sent++)
			send_random_pdu();
	}
	print_message("%u PDUs\n", sent);
	assert_true(sent > 1000);
	assert_alive();
}

static void random_bytes_do_no_harm(void **state)
{
	(void)state;
	for (unsigned round = 0; round < 200; round++) {
		bool inside = any(2);
		for (size_t i = 0; i < 2000; i++)
			bytes[i] = (uint8_t)rand_r(&seed);
		if (any(2))
			bytes[0] = inside ? PDU_COMMAND : PDU_LOGIN_REQUEST | 0x40;
		bytes[4] = bytes[5] = 0;
		bytes[6] %= 4;
		if (inside)
			initiator_enter(&initiator, &scene, KEYS(""));
		else
			initiator_connect(&initiator, scene.port);
		(void)send(initiator.fd, bytes, any(2000), MSG_NOSIGNAL);
		initiator_close(&initiator);
	}
	assert_alive();
}

/* One session's worth of everything; each step may end it. */
static void use_all(void)
{
	static const char keys[] = "TargetName=" SCENE_TARGET "\0InitialR2T=Yes\0ImmediateData=Yes";
	initiator_connect(&initiator, scene.port);
	initiator.tsih = 0;
	if (initiator_login(&initiator, keys, sizeof(keys)))
		return;
	initiator_write(&initiator, 0, 16, bytes, 4096, false);
	while (!initiator_receive(&initiator, 300))
		if (initiator.got.opcode == PDU_R2T)
			initiator_data_out(&initiator, initiator.got.itt, initiator.got.transfer_tag, 0, 4096,
					   bytes, 4096, true);
		else
			break;
	struct pdu text = {.opcode = PDU_TEXT_REQUEST, .immediate = true, .flags = PDU_FINAL, .itt = 100,
			   .transfer_tag = PDU_NO_TAG, .cmd_sn = initiator.cmd_sn};
	struct pdu nop = {.opcode = PDU_NOP_OUT, .immediate = true, .flags = PDU_FINAL, .itt = 101,
			  .transfer_tag = PDU_NO_TAG, .cmd_sn = initiator.cmd_sn};
	struct pdu reset = {.opcode = PDU_TASK_REQUEST, .immediate = true, .flags = PDU_FINAL, .itt = 102,
			    .function = SCSI_LU_RESET, .cmd_sn = initiator.cmd_sn};
	struct pdu logout = {.opcode = PDU_LOGOUT_REQUEST, .immediate = true, .flags = PDU_FINAL, .itt = 103,
			     .cid = 1, .cmd_sn = initiator.cmd_sn};
	initiator_send(&initiator, &text, "SendTargets=", 13);
	initiator_read(&initiator, 0, 16);
	initiator_send(&initiator, &nop, bytes, 100);
	initiator_send(&initiator, &reset, NULL, 0);
	initiator_send(&initiator, &logout, NULL, 0);
	while (!initiator_receive(&initiator, 300))
		;
}

/* Each allocation of a session's life fails once. */
static void missing_memory_does_no_harm(void **state)
{
	(void)state;
	unsigned n = 0;
	unsigned long passed;
#ifdef __SANITIZE_THREAD__
	skip(); /* faults are changed while the server's threads run */
#endif
	do {
		char spec[32];
		(void)snprintf(spec, sizeof(spec), "mem:%u", ++n);
		fault_set(spec);
		use_all();
		passed = fault_count("mem");
		fault_set(NULL);
		initiator_close(&initiator);
	} while (passed >= n && n < 300);
	print_message("%u allocations have failed\n", n - 1);
	assert_true(n > 15 && n < 300);
	assert_alive();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(random_pdus_do_no_harm, start, stop),
		cmocka_unit_test_setup_teardown(random_bytes_do_no_harm, start, stop),
		cmocka_unit_test_setup_teardown(missing_memory_does_no_harm, start, stop),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
