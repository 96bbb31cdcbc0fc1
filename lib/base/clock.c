/* SPDX-License-Identifier: MIT */
#include "lib/base/clock.h"

#include <pthread.h>

#include "lib/base/assert.h"

#define NS_PER_SECOND 1000000000

static struct timespec clock_now(clockid_t id)
{
	struct timespec ts;
	int error = clock_gettime(id, &ts);
	ASSERT(error == 0);
	return ts;
}

uint64_t clock_monotonic_ns(void)
{
	struct timespec ts = clock_now(CLOCK_MONOTONIC);
	return (uint64_t)ts.tv_sec * NS_PER_SECOND + (uint64_t)ts.tv_nsec;
}

int64_t clock_real_ns(void)
{
	struct timespec ts = clock_now(CLOCK_REALTIME);
	return clock_from_timespec(&ts);
}

int64_t clock_from_timespec(const struct timespec *ts)
{
	int64_t ns;
	if (__builtin_mul_overflow((int64_t)ts->tv_sec, (int64_t)NS_PER_SECOND, &ns) ||
	    __builtin_add_overflow(ns, (int64_t)ts->tv_nsec, &ns))
		return ts->tv_sec < 0 ? INT64_MIN : INT64_MAX;
	return ns;
}

struct timespec clock_to_timespec(int64_t ns)
{
	struct timespec ts = {.tv_sec = ns / NS_PER_SECOND, .tv_nsec = ns % NS_PER_SECOND};
	if (ts.tv_nsec < 0) {
		ts.tv_nsec += NS_PER_SECOND;
		ts.tv_sec--;
	}
	return ts;
}

struct timespec clock_deadline_ms(unsigned ms)
{
	return clock_to_timespec((int64_t)clock_monotonic_ns() + (int64_t)ms * 1000000);
}

void clock_cond_init(void *pthread_cond)
{
	pthread_condattr_t attr;
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	int error = pthread_cond_init(pthread_cond, &attr);
	ASSERT(error == 0);
	pthread_condattr_destroy(&attr);
}
