/* SPDX-License-Identifier: MIT */
/*
 * A writer that ends at any of its writes, in the middle of it, leaves a cartridge in a state at
 * or after the last sync that was acknowledged, with every byte of it.
 *
 * The linker has pwrite(), ftruncate(), rename()... come here (--wrap): from the chosen one on
 * nothing reaches the files, as if the process had been killed.
 */
#include "tests/unit/cartridge_support.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/types.h>
#include <unistd.h>

#include "lib/base/log.h"
#include "tests/unit/cartridge_model.h"

static unsigned long calls, dies_at; /* 0: never */

/* Is the process dead? `last`: this is the call in which it dies. */
static bool dead(bool *last)
{
	calls++;
	*last = dies_at && calls == dies_at;
	return dies_at && calls >= dies_at;
}

ssize_t __real_pwrite64(int fd, const void *data, size_t size, off_t offset);
ssize_t __wrap_pwrite64(int fd, const void *data, size_t size, off_t offset);
ssize_t __wrap_pwrite64(int fd, const void *data, size_t size, off_t offset)
{
	bool last;
	if (!dead(&last))
		return __real_pwrite64(fd, data, size, offset);
	size_t part = last ? size * (calls % 5) / 4 : 0;
	if (part > 0)
		(void)!__real_pwrite64(fd, data, part, offset);
	errno = EIO;
	return -1;
}

#define WRAPPED(name, parameters, arguments)                                                       \
	int __real_##name parameters;                                                              \
	int __wrap_##name parameters;                                                              \
	int __wrap_##name parameters                                                               \
	{                                                                                          \
		bool last;                                                                         \
		if (!dead(&last) || (last && calls % 2))                                           \
			return __real_##name arguments;                                            \
		errno = EIO;                                                                       \
		return -1;                                                                         \
	}
WRAPPED(ftruncate64, (int fd, off_t size), (fd, size))
WRAPPED(rename, (const char *from, const char *to), (from, to))
WRAPPED(renameat, (int folder, const char *from, int other, const char *to), (folder, from, other, to))
WRAPPED(unlinkat, (int folder, const char *name, int flags), (folder, name, flags))
WRAPPED(fdatasync, (int fd), (fd))
WRAPPED(fallocate64, (int fd, int mode, off_t offset, off_t size), (fd, mode, offset, size))

static unsigned committed_later;

static void check_partitions(struct scene *s, struct model *m, unsigned run)
{
	assert_true(model_match_memory(m, s->c));
	for (unsigned n = 0; n < cartridge_info(s->c)->partitions; n++) {
		struct cartridge_check check;
		int state = model_match(m, s->c, n);
		if (state < 0)
			print_error("run %u: partition %u is in no state that it may be in\n", run, n);
		assert_true(state >= 0);
		model_continue(m, n, state);
		committed_later += state > 0;
		assert_int_equal(cartridge_verify(s->c, n, NULL, NULL, &check), 0);
		assert_int_equal(check.damaged, 0);
	}
}

/* Operations until the process "dies", then what is there. */
static void crash_once(struct scene *s, struct model *m, unsigned run)
{
	calls = 0;
	dies_at = 1 + model_random(m, 60);
	for (unsigned steps = 0; steps < 200 && calls < dies_at; steps++)
		(void)model_step(m, s->c);
	cartridge_close(&s->c);
	dies_at = 0;
	assert_int_equal(cartridge_open(s->path, run % 2 ? CARTRIDGE_WRITE : CARTRIDGE_READ, &s->c), 0);
	check_partitions(s, m, run);
	scene_reopen(s, CARTRIDGE_WRITE);
}

static void test_crashes(void **state)
{
	struct scene *s = *state;
	const char *runs = getenv("CRASHES"), *seed = getenv("CRASH_SEED");
	struct model *m = model_new(seed ? strtoull(seed, NULL, 0) : 4711);
	const uint64_t sizes[2] = {1000000, 1000000};
	log_set_level(LOG_LEVEL_ERROR - 1);
	assert_int_equal(cartridge_format(s->c, 2, sizes), 0);
	for (unsigned run = 0; run < (runs ? (unsigned)atoi(runs) : 300); run++)
		crash_once(s, m, run);
	/* Some died after the commit and before its acknowledgement. */
	assert_true(committed_later > 0);
	model_free(&m);
}

/* Formatting makes both partitions empty at one instant, or changes nothing. */
static void test_crash_in_format(void **state)
{
	struct scene *s = *state;
	const uint64_t sizes[2] = {5000, 6000};
	log_set_level(LOG_LEVEL_ERROR - 1);
	for (unsigned long at = 1, done = 0; !done; at++) {
		for (unsigned from = 1; from <= 2; from++) {
			assert_int_equal(cartridge_format(s->c, from, sizes), 0);
			for (unsigned n = 0; n < from; n++)
				assert_int_equal(append_blocks(s->c, n, 100, 3, n), 0);
			assert_int_equal(cartridge_sync(s->c), 0);
			calls = 0;
			dies_at = at;
			int error = cartridge_format(s->c, 3 - from, sizes);
			done = calls < at;
			cartridge_close(&s->c);
			dies_at = 0;
			assert_int_equal(cartridge_open(s->path, at % 2 ? CARTRIDGE_WRITE : CARTRIDGE_READ, &s->c), 0);
			unsigned now = cartridge_info(s->c)->partitions;
			if (now == from)
				assert_int_not_equal(error, 0);
			for (unsigned n = 0; n < now; n++)
				check_extent(s->c, n, now == from ? 3 : 0, 0, now == from ? 300 : 0);
			if (now == from)
				check_blocks(s->c, 0, 0, 100, 3, 0);
			scene_reopen(s, CARTRIDGE_WRITE);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_crashes, scene_setup, scene_teardown),
		cmocka_unit_test_setup_teardown(test_crash_in_format, scene_setup, scene_teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
