/* SPDX-License-Identifier: MIT */
/* The fingerprint index answers what was inserted, over flushes, merges and restarts. */
#include "tests/unit/index-cmocka.h"

/* An empty index knows nothing and covers nothing. */
static void test_empty(void **state)
{
	(void)state;
	struct index_options options = util_options(folder, SMALL);
	struct index *index = open_index(&options);
	assert_unknown(index, 0, 100);
	assert_int_equal(index_covered(index), 0);
	assert_int_equal(index_flush(index), 0);
	index_close(&index);
	assert_null(index);
}

/* A batch gives each fingerprint its own answer, across the borders of groups. */
static void test_batch(void **state)
{
	(void)state;
	struct index_options options = util_options(folder, SMALL);
	struct index *index = open_index(&options);
	struct fingerprint fingerprints[200];
	struct chunk_ref refs[200];
	for (uint64_t i = 0; i < 3000; i += 2)
		insert_range(index, i, i + 1);
	for (uint64_t i = 0; i < 200; i++)
		fingerprints[i] = util_fingerprint(i * 7);
	assert_int_equal(index_lookup(index, fingerprints, 200, refs), 0);
	for (uint64_t i = 0; i < 200; i++) {
		if (i * 7 % 2 == 0)
			assert_true(chunk_ref_equal(refs[i], util_ref(i * 7)));
		else
			assert_true(chunk_ref_is_none(refs[i]));
	}
	index_close(&index);
}

/* Refs that do not fit the format are refused. */
static void test_bad_ref(void **state)
{
	(void)state;
	struct index_options options = util_options(folder, SMALL);
	struct index *index = open_index(&options);
	struct fingerprint fingerprint = util_fingerprint(1);
	struct chunk_ref none = {0, 1}, pack = {PACK_NUMBER_MAX + 1, 0}, slot = {1, 65536};
	struct chunk_ref largest = {PACK_NUMBER_MAX, 65535}, ref;
	assert_int_equal(index_insert(index, &fingerprint, none), -EINVAL);
	assert_int_equal(index_insert(index, &fingerprint, pack), -EINVAL);
	assert_int_equal(index_insert(index, &fingerprint, slot), -EINVAL);
	assert_int_equal(index_insert(index, &fingerprint, largest), 0);
	assert_int_equal(index_flush(index), 0);
	assert_int_equal(index_lookup(index, &fingerprint, 1, &ref), 0);
	assert_true(chunk_ref_equal(ref, largest));
	index_close(&index);
}

/* What was flushed is there after a restart, and is covered. */
static void test_reopen_after_flush(void **state)
{
	(void)state;
	struct index_options options = util_options(folder, SMALL);
	struct index *index = open_index(&options);
	insert_range(index, 0, 5000);
	index_set_committed(index, 10);
	assert_int_equal(index_covered(index), 0);
	assert_int_equal(index_flush(index), 0);
	assert_int_equal(index_covered(index), 10);
	index_close(&index);
	index = open_index(&options);
	assert_int_equal(index_covered(index), 10);
	assert_known(index, 0, 5000);
	assert_unknown(index, 5000, 6000);
	index_close(&index);
}

/* Without a flush the coverage tells what is missing; inserting that completes the index. */
static void test_reopen_without_flush(void **state)
{
	(void)state;
	struct index_options options = util_options(folder, SMALL);
	struct index *index = open_index(&options);
	insert_range(index, 0, 512 * 4);
	index_set_committed(index, 5);
	assert_int_equal(index_flush(index), 0);
	insert_range(index, 512 * 4, 512 * 4 + 300);
	index_set_committed(index, 6);
	index_close(&index);
	index = open_index(&options);
	uint64_t covered = index_covered(index);
	assert_int_equal(covered, 5);
	assert_known(index, 0, 512 * (covered - 1));
	insert_range(index, 512 * (covered - 1), 512 * 5);
	assert_known(index, 0, 512 * 5);
	index_close(&index);
}

static size_t count_files(void)
{
	size_t files = 0;
	DIR *dir = opendir(folder);
	for (struct dirent *entry; (entry = readdir(dir));)
		files += strncmp(entry->d_name, "run-", 4) == 0;
	closedir(dir);
	return files;
}

/* Merging keeps every entry, once; runs stay few; their files go. */
static void test_merge(void **state)
{
	(void)state;
	struct index_options options = util_options(folder, MEDIUM);
	struct index *index = open_index(&options);
	struct index_stats stats;
	insert_range(index, 0, 200000);
	assert_known(index, 0, 2000);
	insert_range(index, 0, 5000); /* a second time: no second entry after merging */
	assert_int_equal(index_flush(index), 0);
	assert_known(index, 0, 200000);
	assert_unknown(index, 200000, 220000);
	for (int tries = 0; tries < 6000; tries++) {
		index_get_stats(index, &stats);
		if (stats.runs < 12)
			break;
		usleep(10000);
	}
	assert_true(stats.runs < 12);
	assert_in_range(stats.entries, 200000, 205000);
	index_close(&index);
	index = open_index(&options);
	index_get_stats(index, &stats);
	assert_int_equal(count_files(), 2 * stats.runs);
	assert_known(index, 0, 200000);
	index_close(&index);
}

/* Of two entries for a fingerprint the newer one is answered, wherever they are. */
static void test_newest_wins(void **state)
{
	(void)state;
	struct index_options options = util_options(folder, SMALL);
	struct index *index = open_index(&options);
	for (uint64_t round = 1; round <= 12; round++) {
		for (uint64_t i = 0; i < 100; i++) {
			struct fingerprint fingerprint = util_fingerprint(i);
			struct chunk_ref ref = {round, (uint32_t)i};
			assert_int_equal(index_insert(index, &fingerprint, ref), 0);
		}
		assert_int_equal(lookup_one(index, 5).pack, round);
		assert_int_equal(index_flush(index), 0);
		assert_int_equal(lookup_one(index, 6).pack, round);
		assert_int_equal(lookup_one(index, 6).slot, 6);
	}
	index_close(&index);
	index = open_index(&options);
	assert_int_equal(lookup_one(index, 7).pack, 12);
	index_close(&index);
}

static bool only_even_packs(void *context, uint64_t pack)
{
	(void)context;
	return pack % 2 == 0;
}

/* Merging drops the entries of packs that are gone, unless they are not committed yet. */
static void test_stale(void **state)
{
	(void)state;
	struct index_options options = util_options(folder, SMALL);
	struct index_stats stats;
	options.pack_exists = only_even_packs;
	struct index *index = open_index(&options);
	index_set_committed(index, 9);
	for (uint64_t part = 0; part < 4; part++) {
		insert_range(index, part * 1024, (part + 1) * 1024);
		insert_range(index, 100000 + part, 100001 + part); /* pack 196, not committed */
		assert_int_equal(index_flush(index), 0);
	}
	insert_range(index, 100195 * 512, 100195 * 512 + 5); /* pack 100196 */
	for (int tries = 0; tries < 6000; tries++) {
		index_get_stats(index, &stats);
		if (stats.runs <= 3)
			break;
		usleep(10000);
	}
	assert_int_equal(index_flush(index), 0);
	assert_known(index, 100000, 100004);
	for (uint64_t i = 0; i < 4096; i++) {
		struct chunk_ref ref = lookup_one(index, i);
		if (util_ref(i).pack % 2 == 0)
			assert_true(chunk_ref_equal(ref, util_ref(i)));
	}
	index_get_stats(index, &stats);
	/* At least one merge over four runs has taken place. */
	assert_true(stats.entries < 4096);
	index_close(&index);
}

/* A noted directory answers, until newer ones push it out. */
static void test_note_directory(void **state)
{
	(void)state;
	struct index_options options = util_options(folder, SMALL);
	struct index *index = open_index(&options);
	struct fingerprint fingerprints[UTIL_PACK_CHUNKS];
	struct index_stats stats;
	for (uint64_t i = 0; i < UTIL_PACK_CHUNKS; i++)
		fingerprints[i] = util_fingerprint(i);
	index_note_directory(index, 1, fingerprints, UTIL_PACK_CHUNKS);
	assert_known(index, 0, UTIL_PACK_CHUNKS);
	index_get_stats(index, &stats);
	assert_int_equal(stats.recent_hits, UTIL_PACK_CHUNKS);
	for (uint64_t pack = 1; pack < 40; pack++) {
		for (uint64_t i = 0; i < UTIL_PACK_CHUNKS; i++)
			fingerprints[i] = util_fingerprint(pack * UTIL_PACK_CHUNKS + i);
		index_note_directory(index, pack + 1, fingerprints, UTIL_PACK_CHUNKS);
	}
	assert_known(index, 39 * UTIL_PACK_CHUNKS, 40 * UTIL_PACK_CHUNKS);
	uint64_t left = 0;
	for (uint64_t i = 0; i < UTIL_PACK_CHUNKS; i++)
		left += !chunk_ref_is_none(lookup_one(index, i));
	assert_true(left < UTIL_PACK_CHUNKS / 4);
	index_close(&index);
}

/* A forgotten pack is not answered, from wherever it would have come. */
static void test_forget_pack(void **state)
{
	(void)state;
	struct index_options options = util_options(folder, SMALL);
	struct index *index = open_index(&options);
	struct fingerprint fingerprint = util_fingerprint(9999);
	insert_range(index, 0, 1024);
	assert_int_equal(index_flush(index), 0);
	insert_range(index, 1024, 1536);
	index_note_directory(index, 4, &fingerprint, 1);
	assert_int_equal(lookup_one(index, 9999).pack, 4);
	index_forget_pack(index, 1);
	index_forget_pack(index, 3);
	index_forget_pack(index, 4);
	assert_unknown(index, 0, 512);
	assert_known(index, 512, 1024);
	assert_unknown(index, 1024, 1536);
	assert_true(chunk_ref_is_none(lookup_one(index, 9999)));
	/* Many more: the tables are gone through, and the answer stays. */
	for (uint64_t pack = 1000; pack < 70000; pack++)
		index_forget_pack(index, pack);
	assert_unknown(index, 1024, 1536);
	assert_true(chunk_ref_is_none(lookup_one(index, 9999)));
	index_close(&index);
}

/* After a reset nothing is known, nothing is covered, no run file is left. */
static void test_reset(void **state)
{
	(void)state;
	struct index_options options = util_options(folder, SMALL);
	struct index *index = open_index(&options);
	insert_range(index, 0, 20000);
	index_set_committed(index, 40);
	assert_int_equal(index_flush(index), 0);
	insert_range(index, 20000, 20100);
	assert_int_equal(index_reset(index), 0);
	assert_int_equal(index_covered(index), 0);
	assert_unknown(index, 0, 20100);
	assert_int_equal(count_files(), 0);
	insert_range(index, 0, 3000);
	assert_known(index, 0, 3000);
	index_close(&index);
}

/* Fingerprints that share their beginnings are told apart: slower, but right. */
static void test_uneven_fingerprints(void **state)
{
	(void)state;
	struct index_options options = util_options(folder, SMALL);
	struct index *index = open_index(&options);
	struct fingerprint fingerprint = {{0}};
	struct chunk_ref ref;
	for (uint32_t i = 0; i < 20000; i++) {
		memcpy(fingerprint.bytes + 12, &i, 4);
		assert_int_equal(index_insert(index, &fingerprint, util_ref(i)), 0);
	}
	assert_int_equal(index_flush(index), 0);
	for (uint32_t i = 0; i < 20000; i++) {
		memcpy(fingerprint.bytes + 12, &i, 4);
		assert_int_equal(index_lookup(index, &fingerprint, 1, &ref), 0);
		assert_true(chunk_ref_equal(ref, util_ref(i)));
	}
	fingerprint.bytes[11] = 1;
	assert_int_equal(index_lookup(index, &fingerprint, 1, &ref), 0);
	assert_true(chunk_ref_is_none(ref));
	index_close(&index);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_empty), TEST(test_batch), TEST(test_bad_ref),
		TEST(test_reopen_after_flush), TEST(test_reopen_without_flush), TEST(test_merge),
		TEST(test_newest_wins), TEST(test_stale), TEST(test_note_directory),
		TEST(test_forget_pack), TEST(test_reset), TEST(test_uneven_fingerprints),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
