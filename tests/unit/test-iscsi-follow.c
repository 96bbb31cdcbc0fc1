/* SPDX-License-Identifier: MIT */
/*
 * A thread of the network goes to the CPU of an initiator on this host that takes turns with it, and
 * to no other's.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <dirent.h>
#include <sched.h>
#include <stdlib.h>
#include <unistd.h>

#include "lib/base/clock.h"
#include "target/iscsi/follow.h"
#include "tests/unit/initiator.h"

#define MANY (8 * FOLLOW_STREAK) /* commands after which it would have gone */

static struct scene scene;
static struct initiator initiator, other;
static cpu_set_t home;

static void run_on(int cpu)
{
	cpu_set_t only;
	CPU_ZERO(&only);
	CPU_SET(cpu, &only);
	assert_int_equal(sched_setaffinity(0, sizeof(only), &only), 0);
}

/* The first CPU from that one on which this process may use; -1. */
static int next_cpu(int from)
{
	for (int cpu = from; cpu < CPU_SETSIZE; cpu++)
		if (CPU_ISSET(cpu, &home))
			return cpu;
	return -1;
}

/* The CPU that a thread is kept on, this one aside; -1: all are free. */
static int kept_on(void)
{
	DIR *tasks = opendir("/proc/self/task");
	struct dirent *entry;
	int found = -1;
	assert_non_null(tasks);
	while ((entry = readdir(tasks))) {
		cpu_set_t may;
		pid_t thread = atoi(entry->d_name);
		if (thread <= 0 || thread == getpid() || sched_getaffinity(thread, sizeof(may), &may) < 0)
			continue;
		for (int cpu = 0; CPU_COUNT(&may) == 1 && cpu < CPU_SETSIZE; cpu++)
			if (CPU_ISSET(cpu, &may))
				found = cpu;
	}
	closedir(tasks);
	return found;
}

static int start(void **state)
{
	(void)state;
	const struct iscsi_settings settings = {.threads = 1};
	assert_int_equal(sched_getaffinity(0, sizeof(home), &home), 0);
	scene_start(&scene, &settings);
	initiator_init(&initiator, 1);
	initiator_init(&other, 2);
	initiator_enter(&initiator, &scene, KEYS(""));
	initiator_settle(&initiator);
	run_on(next_cpu(0));
	return 0;
}

static int stop(void **state)
{
	(void)state;
	assert_int_equal(sched_setaffinity(0, sizeof(home), &home), 0);
	initiator_free(&initiator);
	initiator_free(&other);
	scene_stop(&scene);
	return 0;
}

static uint32_t send_command(struct initiator *from)
{
	static const uint8_t ready[6];
	return initiator_command(from, PDU_FINAL, ready, sizeof(ready), 0, NULL, 0);
}

static void one_command(struct initiator *from)
{
	initiator_expect_good(from, send_command(from));
}

static uint64_t deadline(void)
{
	return clock_monotonic_ns() + 6ull * SCENE_MS * 1000000;
}

static void expect_comes_to(int cpu)
{
	for (uint64_t until = deadline(); kept_on() != cpu;) {
		assert_true(clock_monotonic_ns() < until);
		for (unsigned i = 0; i < FOLLOW_STREAK; i++)
			one_command(&initiator);
	}
}

static void need_two_cpus(void)
{
	if (CPU_COUNT(&home) < 2)
		skip();
}

static void comes_to_the_initiator_and_leaves(void **state)
{
	(void)state;
	need_two_cpus();
	int first = next_cpu(0), second = next_cpu(first + 1);
	expect_comes_to(first);
	run_on(second);
	expect_comes_to(second);
	run_on(first);
	expect_comes_to(first);
	for (uint64_t until = deadline(); kept_on() >= 0; usleep(10000))
		assert_true(clock_monotonic_ns() < until);
}

static void leaves_who_waits_for_no_answer(void **state)
{
	(void)state;
	need_two_cpus();
	expect_comes_to(next_cpu(0));
	for (unsigned i = 0; i < MANY; i++) {
		uint32_t first = send_command(&initiator), second = send_command(&initiator);
		initiator_expect_good(&initiator, first);
		initiator_expect_good(&initiator, second);
		assert_int_equal(kept_on(), -1);
	}
}

static void leaves_when_two_initiators_share_it(void **state)
{
	(void)state;
	need_two_cpus();
	expect_comes_to(next_cpu(0));
	initiator_enter(&other, &scene, KEYS(""));
	initiator_settle(&other);
	for (unsigned i = 0; i < MANY; i++) {
		one_command(i % 2 ? &initiator : &other);
		assert_int_equal(kept_on(), -1);
	}
}

/* An address of this host that is not the portal's stands for another host's. */
static void comes_to_no_other_host(void **state)
{
	(void)state;
	need_two_cpus();
	initiator_connect_from(&other, scene.port, 0x7f000002);
	assert_int_equal(initiator_login(&other, KEYS("TargetName=" SCENE_TARGET "\0")), 0);
	initiator_settle(&other);
	for (unsigned i = 0; i < MANY; i++) {
		one_command(&other);
		assert_int_equal(kept_on(), -1);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(comes_to_the_initiator_and_leaves, start, stop),
		cmocka_unit_test_setup_teardown(leaves_who_waits_for_no_answer, start, stop),
		cmocka_unit_test_setup_teardown(leaves_when_two_initiators_share_it, start, stop),
		cmocka_unit_test_setup_teardown(comes_to_no_other_host, start, stop),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
