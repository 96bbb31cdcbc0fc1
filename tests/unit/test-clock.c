/* SPDX-License-Identifier: MIT */
/* Times survive the way to nanoseconds and back, also before 1970; deadlines are monotonic. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <pthread.h>

#include "lib/base/clock.h"

static void check_round(int64_t seconds, long nanoseconds)
{
	struct timespec in = {.tv_sec = seconds, .tv_nsec = nanoseconds};
	struct timespec out = clock_to_timespec(clock_from_timespec(&in));
	assert_int_equal(out.tv_sec, seconds);
	assert_int_equal(out.tv_nsec, nanoseconds);
}

static void times_survive_the_round_trip(void **state)
{
	(void)state;
	check_round(0, 0);
	check_round(1, 999999999);
	check_round(-1, 1);
	check_round(-1, 999999999);
	check_round(-2147483648LL, 0);
	check_round(4294967296LL, 5);
	check_round(9223372035LL, 0);
}

static void times_out_of_range_are_capped(void **state)
{
	struct timespec late = {.tv_sec = INT64_MAX}, early = {.tv_sec = INT64_MIN};
	(void)state;
	assert_true(clock_from_timespec(&late) == INT64_MAX);
	assert_true(clock_from_timespec(&early) == INT64_MIN);
}

static void clocks_go_on(void **state)
{
	(void)state;
	uint64_t before = clock_monotonic_ns();
	assert_true(clock_monotonic_ns() >= before);
	/* 2020 to 2200 */
	assert_true(clock_real_ns() > INT64_C(1577836800) * 1000000000);
	assert_true(clock_real_ns() < INT64_C(7258118400) * 1000000000);
}

static void a_deadline_ends_a_wait(void **state)
{
	pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
	pthread_cond_t cond;
	int error = 0;
	(void)state;
	clock_cond_init(&cond);
	uint64_t before = clock_monotonic_ns();
	struct timespec deadline = clock_deadline_ms(50);
	pthread_mutex_lock(&lock);
	while (error == 0)
		error = pthread_cond_timedwait(&cond, &lock, &deadline);
	pthread_mutex_unlock(&lock);
	assert_int_equal(error, ETIMEDOUT);
	assert_true(clock_monotonic_ns() - before >= 50000000);
	pthread_cond_destroy(&cond);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(times_survive_the_round_trip),
		cmocka_unit_test(times_out_of_range_are_capped),
		cmocka_unit_test(clocks_go_on),
		cmocka_unit_test(a_deadline_ends_a_wait),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
