/* SPDX-License-Identifier: MIT */
/* Clocks. Intervals use the monotonic one; only timestamps of files use real time. */
#ifndef LIB_BASE_CLOCK_H
#define LIB_BASE_CLOCK_H

#include <stdint.h>
#include <time.h>

uint64_t clock_monotonic_ns(void);
/* Nanoseconds since 1970-01-01 UTC; the form in which inode times are kept. */
int64_t clock_real_ns(void);
int64_t clock_from_timespec(const struct timespec *ts);
struct timespec clock_to_timespec(int64_t ns);
/* A CLOCK_MONOTONIC deadline `ms` from now, for condition variables made by clock_cond_init(). */
struct timespec clock_deadline_ms(unsigned ms);
void clock_cond_init(void *pthread_cond);

#endif
