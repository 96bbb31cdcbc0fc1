/* SPDX-License-Identifier: MIT */
/* The fingerprint index under streams: what a second backup finds with little memory, and
 * many threads at once. */
#include "tests/unit/index-cmocka.h"

#include <pthread.h>
#include <stdatomic.h>

#include "tests/unit/index-stream.h"

#define BACKUP 200000u /* chunks of the first backup */

static void make_backup(const struct index_options *options)
{
	struct index *index = open_index(options);
	insert_range(index, 0, BACKUP);
	index_set_committed(index, util_ref(BACKUP - 1).pack + 1);
	assert_int_equal(index_flush(index), 0);
	index_close(&index);
}

static struct stream second_backup(const struct index_options *options)
{
	struct index *index = open_index(options);
	struct stream s = {.index = index, .chunks = BACKUP, .stretch_average = 300,
			   .change_largest = 16, .jump = 4, .random = 4711, .fresh = UINT64_C(1) << 40};
	assert_int_equal(stream_run(&s, BACKUP / STREAM_BATCH), 0);
	assert_int_equal(s.wrong, 0);
	assert_true(s.duplicates > BACKUP / 2);
	index_close(&index);
	return s;
}

/* Exact: every duplicate is found. */
static void test_exact_stream(void **state)
{
	(void)state;
	struct index_options options = util_options(folder, (size_t)8 << 20);
	make_backup(&options);
	struct stream s = second_backup(&options);
	assert_int_equal(s.found, s.duplicates);
}

/* Sparse: at least 97 % are found, with filters of less than half a byte a chunk. */
static void test_sparse_stream(void **state)
{
	(void)state;
	struct index_options options = util_options(folder, (size_t)2 << 20);
	struct index_stats stats, empty;
	options.sparse = true;
	struct index *index = open_index(&options);
	index_get_stats(index, &empty);
	index_close(&index);
	make_backup(&options);
	index = open_index(&options);
	index_get_stats(index, &stats);
	assert_int_equal(stats.entries, BACKUP);
	assert_true((stats.memory_bytes - empty.memory_bytes) * 2 < BACKUP);
	/* It is sparse: far from all are known without their neighbours. */
	assert_in_range(count_known(index, 0, 20000), 20000 / 10, 20000 / 6);
	index_close(&index);
	struct stream s = second_backup(&options);
	print_message("%.2f %% of the duplicates found\n", 100.0 * s.found / s.duplicates);
	assert_true(s.found * 1000 >= s.duplicates * 970);
	/* About one load of each directory, not one a chunk. */
	assert_true(s.directories < 6 * BACKUP / UTIL_PACK_CHUNKS);
}

/* Over the memory budget the filters give way, and a stream still finds 97 %. */
static void test_over_budget(void **state)
{
	(void)state;
	struct index_options options = util_options(folder, SMALL);
	struct index_stats stats;
	make_backup(&options);
	struct index *index = open_index(&options);
	index_get_stats(index, &stats);
	assert_in_range(stats.memory_bytes, SMALL / 4, SMALL);
	index_close(&index);
	struct stream s = second_backup(&options);
	print_message("%.2f %% of the duplicates found\n", 100.0 * s.found / s.duplicates);
	assert_true(s.found * 1000 >= s.duplicates * 970);
}

/* ---- threads ---- */

#define THREADS_CHUNKS 30000u

struct shared {
	struct index *index;
	atomic_uint_least64_t inserted; /* chunks below this are in the index */
	atomic_bool over;
	atomic_uint_least64_t wrong, missing, errors, asked;
};

static void *thread_lookup(void *argument)
{
	struct shared *shared = argument;
	struct fingerprint fingerprints[100];
	struct chunk_ref refs[100];
	uint64_t random = (uint64_t)(uintptr_t)&random;
	while (!atomic_load(&shared->over)) {
		uint64_t numbers[100], inserted = atomic_load(&shared->inserted);
		for (unsigned i = 0; i < 100; i++) {
			numbers[i] = util_mix(random++) % THREADS_CHUNKS;
			fingerprints[i] = util_fingerprint(numbers[i]);
		}
		if (index_lookup(shared->index, fingerprints, 100, refs))
			atomic_fetch_add(&shared->errors, 1);
		for (unsigned i = 0; i < 100; i++) {
			bool none = chunk_ref_is_none(refs[i]);
			if (!none && !chunk_ref_equal(refs[i], util_ref(numbers[i])))
				atomic_fetch_add(&shared->wrong, 1);
			if (none && numbers[i] < inserted)
				atomic_fetch_add(&shared->missing, 1);
		}
		atomic_fetch_add(&shared->asked, 100);
	}
	return NULL;
}

static void *thread_meddle(void *argument)
{
	struct shared *shared = argument;
	struct fingerprint fingerprints[UTIL_PACK_CHUNKS];
	struct index_stats stats;
	for (uint64_t i = 0; !atomic_load(&shared->over); i++) {
		uint64_t pack = i % 50;
		for (uint64_t j = 0; j < UTIL_PACK_CHUNKS; j++)
			fingerprints[j] = util_fingerprint(pack * UTIL_PACK_CHUNKS + j);
		index_note_directory(shared->index, pack + 1, fingerprints, UTIL_PACK_CHUNKS);
		index_forget_pack(shared->index, 100000 + i);
		index_get_stats(shared->index, &stats);
		if (stats.lookups < stats.recent_hits)
			atomic_fetch_add(&shared->errors, 1);
		if (i % 16 == 0 && index_flush(shared->index))
			atomic_fetch_add(&shared->errors, 1);
		(void)index_covered(shared->index);
	}
	return NULL;
}

/* Lookups, inserts, flushes and merges at the same time: what is in is always found. */
static void test_threads(void **state)
{
	(void)state;
	struct index_options options = util_options(folder, SMALL * 4);
	struct shared shared = {.index = open_index(&options)};
	pthread_t threads[4];
	for (unsigned i = 0; i < 4; i++)
		assert_int_equal(pthread_create(&threads[i], NULL,
						i < 3 ? thread_lookup : thread_meddle, &shared), 0);
	for (uint64_t i = 0; i < THREADS_CHUNKS; i++) {
		insert_range(shared.index, i, i + 1);
		atomic_store(&shared.inserted, i + 1);
		index_set_committed(shared.index, util_ref(i).pack);
	}
	while (atomic_load(&shared.asked) < 1000)
		usleep(1000);
	atomic_store(&shared.over, true);
	for (unsigned i = 0; i < 4; i++)
		pthread_join(threads[i], NULL);
	assert_int_equal(shared.wrong, 0);
	assert_int_equal(shared.missing, 0);
	assert_int_equal(shared.errors, 0);
	assert_known(shared.index, 0, THREADS_CHUNKS);
	index_close(&shared.index);
}

/* A reset in the midst of inserts and merges leaves a working index. */
static void test_reset_under_load(void **state)
{
	(void)state;
	struct index_options options = util_options(folder, SMALL);
	struct shared shared = {.index = open_index(&options)};
	pthread_t thread;
	assert_int_equal(pthread_create(&thread, NULL, thread_lookup, &shared), 0);
	for (uint64_t round = 0; round < 10; round++) {
		insert_range(shared.index, 0, 5000 + round * 500);
		assert_int_equal(index_reset(shared.index), 0);
	}
	atomic_store(&shared.over, true);
	pthread_join(thread, NULL);
	assert_int_equal(shared.wrong, 0);
	assert_int_equal(shared.errors, 0);
	assert_unknown(shared.index, 0, 1000);
	insert_range(shared.index, 0, 1000);
	assert_known(shared.index, 0, 1000);
	index_close(&shared.index);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_exact_stream), TEST(test_sparse_stream), TEST(test_over_budget),
		TEST(test_threads), TEST(test_reset_under_load),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
