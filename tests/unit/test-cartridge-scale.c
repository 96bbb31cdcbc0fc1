/* SPDX-License-Identifier: MIT */
/*
 * Runs are found as a plain list of objects would find them; a tape with a million filemarks loads
 * quickly, and is searched in far less than a millisecond.
 */
#include "tests/unit/cartridge_support.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "lib/base/mem.h"
#include "target/tape/cartridge_runs.h"

#define PLAIN_MAX 20000u

/* Sizes of objects, 0 for filemarks: what a run list must say about them. */
struct plain {
	uint32_t size[PLAIN_MAX];
	unsigned count;
};

static uint64_t dice = 88172645463325252u;

static uint64_t roll(uint64_t below)
{
	dice ^= dice << 13;
	dice ^= dice >> 7;
	dice ^= dice << 17;
	return (dice >> 9) % below;
}

static void check_against(const struct run_list *list, const struct plain *plain)
{
	uint64_t offset = 0, filemarks = 0, object, blocks_end = 0;
	struct cartridge_place place;
	for (unsigned n = 0; n < plain->count; n++) {
		assert_int_equal(runs_find(list, n, &place), 0);
		assert_int_equal(place.block_size, plain->size[n]);
		assert_int_equal(place.kind, plain->size[n] ? CARTRIDGE_BLOCKS : CARTRIDGE_FILEMARKS);
		assert_int_equal(place.offset, offset);
		assert_int_equal(place.filemarks, filemarks);
		assert_true(n + place.count <= plain->count);
		assert_int_equal(plain->size[n + place.count - 1], plain->size[n]);
		if (plain->size[n] == 0) {
			assert_int_equal(runs_find_filemark(list, filemarks++, &object), 0);
		} else {
			assert_int_equal(runs_find_offset(list, offset + roll(plain->size[n]), &object), 0);
			blocks_end = n + 1;
		}
		assert_int_equal(object, n);
		offset += plain->size[n];
	}
	assert_int_equal(runs_find_filemark(list, filemarks, &object), -ENXIO);
	assert_int_equal(runs_find_offset(list, offset, &object), -ENXIO);
	assert_int_equal(runs_find(list, plain->count, &place), 0);
	assert_int_equal(place.kind, CARTRIDGE_END);
	assert_int_equal(runs_find(list, plain->count + 1, &place), -ENXIO);
	assert_int_equal(runs_last_block_end(list), blocks_end);
}

static void test_runs(void **state)
{
	static struct plain plain;
	struct run_list list = {0};
	(void)state;
	for (unsigned round = 0; round < 60; round++) {
		while (plain.count < PLAIN_MAX - 8 && roll(400) > 0) {
			uint32_t size = roll(3) ? (uint32_t)roll(5) : CARTRIDGE_BLOCK_MAX, count = 1 + (uint32_t)roll(4);
			assert_int_equal(runs_add(&list, size, 0, 0, count), 0);
			while (count-- > 0)
				plain.size[plain.count++] = size;
		}
		check_against(&list, &plain);
		plain.count = (unsigned)roll(plain.count + 1);
		runs_truncate(&list, plain.count);
		check_against(&list, &plain);
	}
	runs_free(&list);
}

/* Sums and counts beyond 32 bits. */
static void test_long_runs(void **state)
{
	struct run_list list = {0};
	struct cartridge_place place;
	uint64_t object;
	(void)state;
	assert_int_equal(runs_add(&list, CARTRIDGE_BLOCK_MAX, 0, 0, 10000000000), 0);
	assert_int_equal(runs_add(&list, 0, 0, 0, 5000000000), 0);
	assert_int_equal(runs_find(&list, 9999999999, &place), 0);
	assert_int_equal(place.offset, UINT64_C(9999999999) * CARTRIDGE_BLOCK_MAX);
	assert_int_equal(runs_find_filemark(&list, 4999999999, &object), 0);
	assert_int_equal(object, 14999999999);
	runs_truncate(&list, 9000000000);
	assert_int_equal(list.end.bytes, UINT64_C(9000000000) * CARTRIDGE_BLOCK_MAX);
	assert_int_equal(runs_add(&list, CARTRIDGE_BLOCK_MAX, 0, 0, UINT64_C(1) << 41), -EOVERFLOW);
	assert_int_equal(runs_add(&list, 1, 0, 0, UINT64_MAX), -EOVERFLOW);
	assert_int_equal(runs_add(&list, 1u << 24, 0, 0, 1), -EOVERFLOW);
	runs_free(&list);
}

static double cpu_seconds(void)
{
	struct timespec ts;
	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

#define FILES 1000000u

static void test_million_filemarks(void **state)
{
	struct scene *s = *state;
	struct cartridge_place place;
	struct cartridge_blocks blocks = {.data = "abc", .count = 1};
	uint64_t object, sum = 0;
	for (unsigned n = 0; n < FILES; n++) {
		blocks.block_size = 1 + n % 3;
		assert_int_equal(cartridge_append(s->c, 0, &blocks), 0);
		assert_int_equal(cartridge_append_filemarks(s->c, 0, 1), 0);
	}
	assert_int_equal(cartridge_close(&s->c), 0);
	double start = cpu_seconds();
	assert_int_equal(cartridge_open(s->path, CARTRIDGE_READ, &s->c), 0);
	double load = cpu_seconds() - start;
	start = cpu_seconds();
	for (unsigned n = 0; n < 100000; n++) {
		assert_int_equal(cartridge_find_filemark(s->c, 0, roll(FILES), &object), 0);
		assert_int_equal(cartridge_find(s->c, 0, roll(2 * FILES), &place), 0);
		sum += object & place.object;
	}
	double locate = (cpu_seconds() - start) / 100000;
	print_message("index %llu bytes, load %.3f s, locate %.3f us (%llx)\n",
		      (unsigned long long)scene_size(s, "p0.idx"), load, locate * 1e6,
		      (unsigned long long)sum);
	assert_true(load < 5.0);
	assert_true(locate < 0.0005);
	assert_int_equal(cartridge_find_filemark(s->c, 0, 777777, &object), 0);
	assert_int_equal(object, 2 * 777777 + 1);
	check_extent(s->c, 0, 2 * FILES, FILES, FILES * 2 - 1);
}

/* ---- a reader beside the writer ---------------------------------------------------------- */

struct beside {
	struct cartridge *c;
	_Atomic uint64_t written; /* bytes */
	_Atomic bool stop;
	_Atomic unsigned reads;
};

#define BESIDE_BLOCK 30000u

static void *read_beside(void *context)
{
	struct beside *beside = context;
	uint8_t *wanted = mem_alloc(BESIDE_BLOCK), *found = mem_alloc(BESIDE_BLOCK);
	uint64_t random = 12345;
	while (!atomic_load(&beside->stop)) {
		uint64_t blocks = atomic_load(&beside->written) / BESIDE_BLOCK;
		random = random * 6364136223846793005u + 1442695040888963407u;
		uint64_t block = blocks ? (random >> 33) % blocks : 0;
		if (blocks == 0)
			continue;
		fill_bytes(wanted, BESIDE_BLOCK, (uint32_t)block);
		if (cartridge_pread(beside->c, 0, found, BESIDE_BLOCK, block * BESIDE_BLOCK, true) != 0 ||
		    memcmp(wanted, found, BESIDE_BLOCK) != 0)
			abort();
		atomic_fetch_add(&beside->reads, 1);
	}
	free(wanted);
	free(found);
	return NULL;
}

static void test_reader_beside_writer(void **state)
{
	struct scene *s = *state;
	struct beside beside = {.c = s->c};
	pthread_t thread;
	assert_int_equal(pthread_create(&thread, NULL, read_beside, &beside), 0);
	for (uint32_t n = 0; n < 400 || (atomic_load(&beside.reads) < 50 && n < 2000); n++) {
		assert_int_equal(append_blocks(s->c, 0, BESIDE_BLOCK, 1, n), 0);
		atomic_store(&beside.written, (n + 1) * (uint64_t)BESIDE_BLOCK);
		if (n % 50 == 49)
			assert_int_equal(cartridge_sync(s->c), 0);
	}
	while (!atomic_load(&beside.reads))
		usleep(1000);
	atomic_store(&beside.stop, true);
	pthread_join(thread, NULL);
}

/* ---- one who opens it while it is written ------------------------------------------------ */

struct opener {
	const char *path;
	_Atomic bool stop;
	_Atomic unsigned opened;
};

static void *open_beside(void *context)
{
	struct opener *opener = context;
	while (!atomic_load(&opener->stop)) {
		struct cartridge *c = NULL;
		struct cartridge_check check;
		if (cartridge_open(opener->path, CARTRIDGE_READ, &c) != 0 ||
		    cartridge_verify(c, 0, NULL, NULL, &check) != 0 || check.data_missing ||
		    check.index_damaged)
			abort();
		cartridge_close(&c);
		atomic_fetch_add(&opener->opened, 1);
	}
	return NULL;
}

/* A reader never takes what is being written for damage of the tape. */
static void test_opened_while_overwritten(void **state)
{
	struct scene *s = *state;
	struct opener opener = {.path = s->path};
	pthread_t thread;
	assert_int_equal(pthread_create(&thread, NULL, open_beside, &opener), 0);
	for (uint32_t n = 0; n < 600 || (atomic_load(&opener.opened) < 50 && n < 5000); n++) {
		if (n % 4 == 0)
			assert_int_equal(cartridge_truncate(s->c, 0, 0), 0);
		assert_int_equal(append_blocks(s->c, 0, 3000, 1 + n % 5, n), 0);
		assert_int_equal(cartridge_append_filemarks(s->c, 0, 1), 0);
		assert_int_equal(n % 50 == 49 ? cartridge_compact(s->c) : cartridge_sync(s->c), 0);
	}
	while (!atomic_load(&opener.opened))
		usleep(1000);
	atomic_store(&opener.stop, true);
	pthread_join(thread, NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_runs),
		cmocka_unit_test(test_long_runs),
		cmocka_unit_test_setup_teardown(test_million_filemarks, scene_setup, scene_teardown),
		cmocka_unit_test_setup_teardown(test_reader_beside_writer, scene_setup, scene_teardown),
		cmocka_unit_test_setup_teardown(test_opened_while_overwritten, scene_setup, scene_teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
