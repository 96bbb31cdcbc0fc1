/* SPDX-License-Identifier: MIT */
/* The worker pool runs everything once, earlier stages first, and lets others help. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <pthread.h>
#include <stdatomic.h>

#include "fs/store/pool.h"

#define TASKS 200

static atomic_int ran;
static pthread_mutex_t gate = PTHREAD_MUTEX_INITIALIZER;

static void count(void *argument)
{
	(void)argument;
	atomic_fetch_add(&ran, 1);
}

static void wait_at_gate(void *argument)
{
	atomic_store((atomic_bool *)argument, true);
	pthread_mutex_lock(&gate);
	pthread_mutex_unlock(&gate);
}

static int order[8];
static atomic_int orders;

static void note(void *argument)
{
	order[atomic_fetch_add(&orders, 1)] = *(int *)argument;
}

/* Ending the pool runs what is queued. */
static void test_everything_runs(void **state)
{
	(void)state;
	struct pool_task tasks[TASKS];
	struct pool *pool = pool_new(3);
	atomic_store(&ran, 0);
	for (int i = 0; i < TASKS; i++) {
		tasks[i] = (struct pool_task){.run = count};
		pool_submit(pool, (enum pool_stage)(i % POOL_STAGES), &tasks[i]);
	}
	pool_free(&pool);
	assert_null(pool);
	assert_int_equal(atomic_load(&ran), TASKS);
}

/* Work under way goes first, whatever the order in which it came. */
static void test_stages_have_priority(void **state)
{
	(void)state;
	atomic_bool waiting = false;
	int stages[] = {POOL_BACKGROUND, POOL_INGEST, POOL_WRITE, POOL_READ};
	struct pool_task block = {.run = wait_at_gate, .argument = &waiting}, tasks[4];
	struct pool *pool = pool_new(1);
	atomic_store(&orders, 0);
	pthread_mutex_lock(&gate);
	pool_submit(pool, POOL_WRITE, &block);
	while (!atomic_load(&waiting))
		;
	for (int i = 0; i < 4; i++) {
		tasks[i] = (struct pool_task){.run = note, .argument = &stages[i]};
		pool_submit(pool, (enum pool_stage)stages[i], &tasks[i]);
	}
	assert_int_equal(pool_queued(pool, POOL_READ), 1);
	pthread_mutex_unlock(&gate);
	pool_free(&pool);
	for (int i = 0; i < 4; i++)
		assert_int_equal(order[i], i);
}

/* Helping runs one task of that stage and no other. */
static void test_help(void **state)
{
	(void)state;
	atomic_bool waiting = false;
	struct pool_task block = {.run = wait_at_gate, .argument = &waiting};
	struct pool_task write = {.run = count}, ingest = {.run = count};
	struct pool *pool = pool_new(1);
	atomic_store(&ran, 0);
	pthread_mutex_lock(&gate);
	pool_submit(pool, POOL_WRITE, &block);
	while (!atomic_load(&waiting))
		;
	pool_submit(pool, POOL_INGEST, &ingest);
	assert_false(pool_help(pool, POOL_WRITE));
	pool_submit(pool, POOL_WRITE, &write);
	assert_true(pool_help(pool, POOL_WRITE));
	assert_int_equal(atomic_load(&ran), 1);
	assert_false(pool_help(pool, POOL_WRITE));
	pthread_mutex_unlock(&gate);
	pool_free(&pool);
	assert_int_equal(atomic_load(&ran), 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_everything_runs),
		cmocka_unit_test(test_stages_have_priority),
		cmocka_unit_test(test_help),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
