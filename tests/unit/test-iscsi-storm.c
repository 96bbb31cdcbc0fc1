/* SPDX-License-Identifier: MIT */
/*
 * Sessions of many threads at once: 64 that move data side by side, and others that
 * come and go, replace each other, abort, reset, and are cut off in the middle.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/bytes.h"
#include "lib/base/log.h"
#include "lib/base/mem.h"
#include "tests/unit/initiator.h"

#define SESSIONS 64u
#define BLOCKS	 64u /* of each session */
#define ROUNDS	 12u

static struct scene scene;
static pthread_barrier_t all_in;

/* cmocka's assertions are for the main thread: the others end the program. */
#define MUST(condition)                                                                            \
	do {                                                                                       \
		if (!(condition)) {                                                                \
			print_error("line %d: %s\n", __LINE__, #condition);                        \
			_exit(1);                                                                  \
		}                                                                                  \
	} while (0)

static void must_receive(struct initiator *initiator, uint8_t opcode)
{
	MUST(initiator_receive(initiator, 60000) == 0);
	MUST(initiator->got.opcode == opcode);
}

static void must_enter(struct initiator *initiator)
{
	static const char keys[] = "TargetName=" SCENE_TARGET "\0InitialR2T=No\0ImmediateData=Yes\0"
				   "HeaderDigest=CRC32C\0DataDigest=CRC32C\0MaxRecvDataSegmentLength=8192";
	initiator_connect(initiator, scene.port);
	initiator->tsih = 0;
	MUST(initiator_login(initiator, keys, sizeof(keys)) == 0);
}

static void must_settle(struct initiator *initiator)
{
	static const uint8_t ready[6];
	do {
		initiator_command(initiator, PDU_FINAL, ready, sizeof(ready), 0, NULL, 0);
		must_receive(initiator, PDU_RESPONSE);
	} while (initiator->got.status != SCSI_GOOD);
}

static void *stream(void *context)
{
	unsigned number = (unsigned)(uintptr_t)context;
	uint32_t block = number * BLOCKS, size = BLOCKS * DISK_BLOCK;
	struct initiator initiator;
	uint8_t *data = mem_alloc(size);
	initiator_init(&initiator, number);
	must_enter(&initiator);
	must_settle(&initiator);
	pthread_barrier_wait(&all_in);
	for (unsigned round = 0; round < ROUNDS; round++) {
		pattern_fill(data, size, number * ROUNDS + round);
		initiator_write(&initiator, block, BLOCKS, data, size, false);
		must_receive(&initiator, PDU_RESPONSE);
		MUST(initiator.got.status == SCSI_GOOD);
		initiator_read(&initiator, block, BLOCKS);
		for (uint32_t at = 0; at < size; at += initiator.size) {
			must_receive(&initiator, PDU_DATA_IN);
			MUST(initiator.got.buffer_offset == at);
			MUST(!memcmp(initiator.data, data + at, initiator.size));
		}
		MUST(initiator.got.flags & PDU_STATUS && initiator.got.status == SCSI_GOOD);
	}
	pthread_barrier_wait(&all_in);
	initiator_free(&initiator); /* without a logout: cut off */
	free(data);
	return NULL;
}

static void sixty_four_sessions_move_data(void **state)
{
	(void)state;
	pthread_t threads[SESSIONS];
	struct iscsi_stats stats;
	pthread_barrier_init(&all_in, NULL, SESSIONS + 1);
	for (unsigned i = 0; i < SESSIONS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, stream, (void *)(uintptr_t)i), 0);
	pthread_barrier_wait(&all_in);
	iscsi_get_stats(scene.server, &stats);
	assert_int_equal(stats.sessions, SESSIONS);
	pthread_barrier_wait(&all_in);
	for (unsigned i = 0; i < SESSIONS; i++)
		pthread_join(threads[i], NULL);
	pthread_barrier_destroy(&all_in);
}

/* ---- coming and going ---- */

static void send_sleep(struct initiator *initiator)
{
	uint8_t cdb[10] = {DISK_SLEEP, 0, 0, 20};
	initiator_command(initiator, PDU_FINAL, cdb, sizeof(cdb), 0, NULL, 0);
}

static void send_management(struct initiator *initiator, uint8_t function, uint32_t tag)
{
	struct pdu pdu = {.opcode = PDU_TASK_REQUEST, .immediate = true, .flags = PDU_FINAL,
			  .function = function, .itt = initiator->next_itt++, .referenced_tag = tag,
			  .ref_cmd_sn = initiator->cmd_sn - 1, .cmd_sn = initiator->cmd_sn};
	initiator_send(initiator, &pdu, NULL, 0);
}

/* Answers in any order and number: only that something comes, or the end, matters. */
static void take_what_comes(struct initiator *initiator, unsigned count)
{
	while (count-- && !initiator_receive(initiator, 2000))
		;
}

/* Initiator ports are shared by two threads each: they throw each other out all the time. */
static void *trouble(void *context)
{
	unsigned number = (unsigned)(uintptr_t)context, seed = number + 1;
	static const uint8_t data[4096];
	struct initiator initiator;
	initiator_init(&initiator, 1000 + number / 2);
	for (unsigned round = 0; round < ROUNDS; round++) {
		initiator_connect(&initiator, scene.port);
		initiator.tsih = 0;
		static const char keys[] = "TargetName=" SCENE_TARGET;
		if (initiator_login(&initiator, keys, sizeof(keys)))
			continue;
		send_sleep(&initiator);
		uint32_t itt = initiator_write(&initiator, 60000, 8, data, 0, false);
		switch (rand_r(&seed) % 6) {
		case 0:
			send_management(&initiator, SCSI_ABORT_TASK, itt - 1);
			break;
		case 1:
			send_management(&initiator, SCSI_ABORT_TASK_SET, PDU_NO_TAG);
			break;
		case 2:
			send_management(&initiator, SCSI_LU_RESET, PDU_NO_TAG);
			break;
		case 3:
			(void)iscsi_session_end(scene.server, initiator.tsih);
			break;
		case 4:
			initiator_close(&initiator);
			continue;
		default:
			break;
		}
		take_what_comes(&initiator, 1 + rand_r(&seed) % 3);
	}
	initiator_free(&initiator);
	return NULL;
}

static void *look(void *context)
{
	bool *done = context;
	while (!__atomic_load_n(done, __ATOMIC_ACQUIRE)) {
		struct iscsi_session_info *list;
		size_t count;
		MUST(!iscsi_sessions(scene.server, &list, &count));
		free(list);
		MUST(!iscsi_target_access(scene.server, SCENE_TARGET, NULL, 0));
		usleep(2000);
	}
	return NULL;
}

static void sessions_come_and_go(void **state)
{
	(void)state;
	enum { COUNT = 16 };
	pthread_t threads[COUNT], looker;
	bool done = false;
	struct iscsi_stats stats;
	assert_int_equal(pthread_create(&looker, NULL, look, &done), 0);
	for (unsigned i = 0; i < COUNT; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, trouble, (void *)(uintptr_t)i), 0);
	for (unsigned i = 0; i < COUNT; i++)
		pthread_join(threads[i], NULL);
	__atomic_store_n(&done, true, __ATOMIC_RELEASE);
	pthread_join(looker, NULL);
	iscsi_get_stats(scene.server, &stats);
	print_message("%u logins, %u reinstatements\n", (unsigned)stats.logins, (unsigned)stats.reinstatements);
	assert_true(stats.reinstatements > 0);
	/* Whoever comes afterwards finds all well. */
	struct initiator initiator;
	initiator_init(&initiator, 5000);
	initiator_enter(&initiator, &scene, KEYS(""));
	initiator_settle(&initiator);
	initiator_logout(&initiator);
	initiator_free(&initiator);
}

static int start(void **state)
{
	(void)state;
	const struct iscsi_settings settings = {.threads = 4};
	log_set_level(LOG_LEVEL_ERROR);
	scene_start(&scene, &settings);
	return 0;
}

static int stop(void **state)
{
	(void)state;
	scene_stop(&scene);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(sixty_four_sessions_move_data, start, stop),
		cmocka_unit_test_setup_teardown(sessions_come_and_go, start, stop),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
