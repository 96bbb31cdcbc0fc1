/* SPDX-License-Identifier: MIT */
/*
 * Sessions that come and go with commands under way, while units are taken out and put
 * back, reset and reserved: nothing is lost, leaked or answered twice. And what happens
 * without memory: a status, never a crash.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/bytes.h"
#include "lib/base/cleanup.h"
#include "lib/base/fault.h"
#include "tests/unit/scsi-scene.h"

/* ---- sessions in several threads ----------------------------------------------------------- */

enum { ROUNDS = 40, DEPTH = 6 };

struct visitor {
	unsigned number;
	unsigned answered, good;
};

static const uint8_t visitor_cdbs[][16] = {
	{0x0a, 0, 0, 0, 4}, {0x08, 0, 0, 1, 0}, {0x19, 1}, {0x5e, 3, [8] = 255}, {0x16}, {0x17},
	{0x1e, 0, 0, 0, 1}, {0x00}, {0x12, 1, 0x83, 0, 255}, {0xa0, [9] = 255},
	{0x1a, 0, 0x3f, 0xff, 255}, {0x03, 0, 0, 0, 18}, {0x4d, 0, 0x6e, [8] = 255},
};
#define CDBS (sizeof(visitor_cdbs) / sizeof(*visitor_cdbs))

static void visit(struct visitor *visitor, unsigned round)
{
	static const uint8_t data[4];
	struct fake_command commands[DEPTH], persist;
	uint8_t list[24] = {[15] = (uint8_t)(visitor->number + 1)};
	char name[64];
	(void)snprintf(name, sizeof(name), "iqn.2026-01.org.granary:visitor-%u", visitor->number);
	struct scsi_nexus *nexus = scene_nexus(&scene, name, (uint8_t)round % 3);
	command_start(&persist, nexus, LUN(0), CDB(0x5f, 6, 0, 0, 0, 0, 0, 0, 24), list, 24, 0);
	for (unsigned i = 0; i < DEPTH; i++)
		command_start(&commands[i], nexus, LUN((round + i) % 2 ? 3 : 0),
			      visitor_cdbs[(round * 5 + i) % CDBS], 16, data, sizeof(data), 256);
	if (round % 4 == 0)
		(void)manage_wait(nexus, SCSI_CLEAR_TASK_SET, 3, 0);
	if (round % 11 == visitor->number)
		(void)manage_wait(nexus, SCSI_TARGET_WARM_RESET, 0, 0);
	scene_close(&nexus);
	command_end(&persist);
	for (unsigned i = 0; i < DEPTH; i++) {
		/* The session is over: all of its commands are. */
		assert_true(command_has_ended(&commands[i]));
		visitor->answered++;
		visitor->good += commands[i].task.status == SCSI_GOOD && !commands[i].task.aborted;
		command_end(&commands[i]);
	}
}

static void *visitor_run(void *context)
{
	for (unsigned round = 0; round < ROUNDS; round++)
		visit(context, round);
	return NULL;
}

static bool visits_are_over; /* atomic */

static void *unit_comes_and_goes(void *context)
{
	struct scsi_lu *lu = scene.fake[1].lu;
	(void)context;
	while (!__atomic_load_n(&visits_are_over, __ATOMIC_ACQUIRE)) {
		scsi_target_remove(scene.target, 3);
		scsi_attention(lu, NULL, ASC_MEDIUM_CHANGED);
		usleep(300);
		assert_int_equal(scsi_target_add(scene.target, 3, lu), 0);
		scsi_attention(lu, NULL, ASC_MEDIUM_CHANGED);
		usleep(300);
	}
	return NULL;
}

static void sessions_come_and_go(void **state)
{
	pthread_t threads[4], unit;
	struct visitor visitors[4];
	unsigned good = 0;
	(void)state;
	__atomic_store_n(&visits_are_over, false, __ATOMIC_RELEASE);
	assert_int_equal(pthread_create(&unit, NULL, unit_comes_and_goes, NULL), 0);
	for (unsigned i = 0; i < 4; i++) {
		visitors[i] = (struct visitor){.number = i};
		assert_int_equal(pthread_create(&threads[i], NULL, visitor_run, &visitors[i]), 0);
	}
	for (unsigned i = 0; i < 4; i++) {
		pthread_join(threads[i], NULL);
		assert_int_equal(visitors[i].answered, ROUNDS * DEPTH);
		good += visitors[i].good;
	}
	__atomic_store_n(&visits_are_over, true, __ATOMIC_RELEASE);
	pthread_join(unit, NULL);
	assert_true(good > 0);
	/* Nothing of them is left. */
	pthread_mutex_lock(&scene.fake[0].lu->lock);
	assert_false(scsi_removal_prevented_locked(scene.fake[0].lu));
	pthread_mutex_unlock(&scene.fake[0].lu->lock);
	do
		RUN(&answer, scene.a, 0x5e, 0, [8] = 255);
	while (answer.status == SCSI_CHECK_CONDITION);
	assert_good(&answer);
	assert_true(be_get32(answer.data + 4) <= 12 * 8); /* a registration for each port */
}

/* ---- many ports ------------------------------------------------------------------------------- */

static void ports_are_remembered_but_not_forever(void **state)
{
	char name[64];
	(void)state;
	for (unsigned i = 0; i < 1100; i++) {
		(void)snprintf(name, sizeof(name), "iqn.2026-01.org.granary:port-%u", i);
		struct scsi_nexus *nexus = scene_nexus(&scene, name, 1);
		scene_close(&nexus);
	}
	scene.c = scene_nexus(&scene, "iqn.2026-01.org.granary:port-1099", 1);
	RUN(&answer, scene.c, 0x00);
	assert_check(&answer, SENSE_UNIT_ATTENTION, ASC_NEXUS_LOSS);
	scene_close(&scene.c);
	scene.c = scene_nexus(&scene, "iqn.2026-01.org.granary:port-0", 1);
	RUN(&answer, scene.c, 0x00);
	assert_check(&answer, SENSE_UNIT_ATTENTION, ASC_POWER_ON);
}

/* ---- without memory ------------------------------------------------------------------------------ */

static void run_without_memory(const uint8_t cdb[16], const void *out, size_t out_size)
{
	char fault[32];
	for (unsigned i = 1; i < 8; i++) {
		struct fake_command command;
		command_prepare(&command, scene.a, LUN(0), cdb, 16, out, out_size, 8192);
		(void)snprintf(fault, sizeof(fault), "mem:%u", i);
		fault_set(fault);
		scsi_submit(&command.task);
		command_wait(&command);
		unsigned long passed = fault_count("mem");
		fault_set(NULL);
		if (passed >= i) {
			assert_int_equal(command.task.status, SCSI_CHECK_CONDITION);
			assert_true(command.task.sense.key == SENSE_ABORTED ||
				    command.task.sense.key == SENSE_ILLEGAL_REQUEST);
			assert_int_equal(command.task.in_size, 0);
		}
		command_end(&command);
		if (passed < i)
			return;
	}
}

static void without_memory_commands_fail_cleanly(void **state)
{
	static const uint8_t commands[][16] = {
		{0x12, 0, 0, 0, 255}, {0x12, 1, 0x83, 0, 255}, {0xa0, [8] = 255}, {0x03, 0, 0, 0, 255},
		{0x1a, 0, 0x3f, 0, 255}, {0x5a, 0, 0x3f, 0xff, [7] = 255}, {0x4d, 0, 0x6e, [7] = 255},
		{0x5e, 0, [7] = 255}, {0x5e, 2, [7] = 255}, {0x5e, 3, [7] = 255}, {0xa3, 0x0c, [8] = 255},
		{0xa3, 0x0c, 1, 0x12, [8] = 255}, {0xa3, 0x0d, [8] = 255}, {0xa3, 0x0f, [8] = 255},
		{0x1c, 1, 0, 0, 255}, {0x3c, 0x0b, [8] = 255},
	};
	uint8_t list[24] = {[15] = 1};
	(void)state;
	for (size_t i = 0; i < sizeof(commands) / sizeof(*commands); i++)
		run_without_memory(commands[i], NULL, 0);
	run_without_memory((const uint8_t[16]){0x3b, 0x0a, [8] = 4}, "echo", 4);
	run_without_memory((const uint8_t[16]){0x5f, 6, [8] = 24}, list, sizeof(list));

	fault_set("mem:1");
	assert_int_equal(manage_wait(scene.a, SCSI_LU_RESET, 0, 0), SCSI_REJECTED);
	struct scsi_nexus *nexus;
	struct scsi_port port = {.initiator = "iqn.2026-01.org.granary:new", .portal_group = 1};
	for (unsigned i = 1; i <= 2; i++) {
		fault_set(i == 1 ? "mem:1" : "mem:2");
		assert_int_equal(scsi_nexus_open(scene.target, &port, &nexus), -ENOMEM);
	}
	struct scsi_lu *lu;
	int error = -ENOMEM;
	char fault[32];
	for (unsigned i = 1; error; i++) {
		(void)snprintf(fault, sizeof(fault), "mem:%u", i);
		fault_set(fault);
		error = scsi_lu_new(&fake_class, &scene.fake[0].lu->identity, &scene.fake[0], &lu);
		assert_true(!error || error == -ENOMEM);
	}
	fault_set(NULL);
	scsi_lu_free(&lu);
}

#define IN(test) cmocka_unit_test_setup_teardown(test, start, stop)

int main(void)
{
	const struct CMUnitTest tests[] = {
		IN(sessions_come_and_go),
		IN(ports_are_remembered_but_not_forever),
		IN(without_memory_commands_fail_cleanly),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
