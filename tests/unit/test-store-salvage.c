/* SPDX-License-Identifier: MIT */
/*
 * A pack of which both ends are damaged: what the data proves of the one or the other is there.
 * What repairs one end does not touch the other before that is done.
 */
#include "tests/unit/store_subject.h"

#include <errno.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "fs/store/store_private.h"
#include "lib/base/fault.h"

/* Of the first pack. */
#define AT_FIRST 48u

static bool live_all(unsigned i)
{
	return i < COUNT;
}

static bool live_even_at_first(unsigned i)
{
	return i % 2 == 0 || i >= AT_FIRST;
}

static bool live_odd_at_first(unsigned i)
{
	return i % 2 == 1 || i >= AT_FIRST;
}

/* With both headers damaged the pack is lost, and no other. */
static void test_both_headers(void **state)
{
	struct fixture *f = *state;
	struct chunk_ref refs[COUNT], again[COUNT];
	struct subject s = put_subject(f, refs);
	flip_bit(f, &s, 40);
	flip_bit(f, &s, s.place.length - 5);
	reopen(f);
	assert_int_equal(get_error(f->store, refs[0]), -EIO);
	assert_int_equal(get_error(f->store, refs[COUNT - 1]), 0);
	assert_true(store_is_damaged(f->store, refs[0]));
	struct store_scrub_result result = scrub(f);
	check_result(&result, 1, 0, in_pack(refs), 0);
	struct store_put_result r =
		put_many(f->store, store_shared_stream(f->store, PACK_DATA), 1, COUNT, again);
	assert_int_equal(r.new_chunks, in_pack(refs));
	check_many(f->store, 1, COUNT, again);
	free(s.good.data);
}

/* Damage to different things at the two ends: what the one has lost the other still says. */
static void test_both_ends_complete_each_other(void **state)
{
	struct fixture *f = *state;
	struct chunk_ref refs[COUNT];
	struct subject s = put_subject(f, refs);
	flip_bit(f, &s, PACK_HEADER_SIZE + 40);                /* a region */
	flip_bit(f, &s, s.place.length - PACK_HEADER_SIZE - 5); /* a slot */
	check_repaired(f, &s, refs);
	flip_bit(f, &s, PACK_HEADER_SIZE + 8);
	flip_bit(f, &s, s.place.length - 40); /* the header */
	flip_bit(f, &s, pack_tail_offset(&s.header) + REGION_ENTRY_SIZE);
	check_repaired(f, &s, refs);
	free(s.good.data);
}

/* Where both have lost a chunk that chunk is lost, and no other; cleaning does not take it for one
 * that was emptied, until nobody refers to it. */
static void test_both_ends_lose_a_chunk(void **state)
{
	struct fixture *f = *state;
	struct chunk_ref refs[COUNT];
	struct store_stats stats;
	struct subject s = put_subject(f, refs);
	flip_bit(f, &s, fingerprint_place(&s, refs[6].slot));
	flip_bit(f, &s, s.place.length - PACK_HEADER_SIZE - 5);
	reopen(f);
	for (int round = 0; round < 2; round++) {
		for (unsigned i = 0; i < COUNT; i++)
			assert_int_equal(get_error(f->store, refs[i]), i == 6 ? -EIO : 0);
		struct store_scrub_result result = scrub(f);
		check_result(&result, 1, 0, 1, 0);
		assert_true(store_is_damaged(f->store, refs[6]));
		assert_false(store_is_damaged(f->store, refs[7]));
		sweep(f, refs, live_even_at_first);
		assert_int_equal(commit(f->store), 0);
		reopen(f);
	}
	sweep(f, refs, live_odd_at_first);
	assert_int_equal(commit(f->store), 0);
	reopen(f);
	check_fingerprints(f, refs, live_odd_at_first);
	struct store_scrub_result result = scrub(f);
	check_result(&result, 0, 0, 0, 0);
	store_get_stats(f->store, &stats);
	assert_int_equal(stats.damaged_chunks, 0);
	free(s.good.data);
}

/* Whatever is damaged of the two ends: a chunk reads as it was, or it does not read. */
static void test_both_ends_at_random(void **state)
{
	struct fixture *f = *state;
	struct chunk_ref refs[COUNT];
	struct subject s = put_subject(f, refs);
	uint64_t seed = (uint64_t)getpid() * 977 + (uint64_t)time(NULL);
	unsigned got = 0;
	print_message("seed %llu\n", (unsigned long long)seed);
	srandom((unsigned)seed);
	for (int round = 0; round < 30; round++) {
		uint64_t end = PACK_HEADER_SIZE + s.header.directory_size;
		uint64_t tail = pack_tail_offset(&s.header);
		fixture_close(f);
		write_pack(f, &s, s.good.data, s.good.size, 0);
		for (int hits = 1 << random() % 5; hits > 0; hits--) {
			uint8_t noise[64] = {0};
			uint64_t some = (uint64_t)random() % sizeof(noise) + 1;
			uint64_t room = s.place.length - tail - some;
			for (uint64_t i = 0; random() % 2 && i < some; i++)
				noise[i] = (uint8_t)random();
			write_pack(f, &s, noise, some, (uint64_t)random() % (end - some));
			write_pack(f, &s, noise, some, tail + (uint64_t)random() % room);
		}
		fixture_open(f);
		for (unsigned i = 0; i < COUNT; i++) {
			int error = get_error(f->store, refs[i]);
			assert_true(error == 0 || error == -EIO);
			if (!error)
				check_many(f->store, 1 + i, 1, &refs[i]);
			got += i < in_pack(refs) && !error;
		}
		scrub(f);
		sweep(f, refs, live_all);
	}
	assert_true(got > 0);
	free(s.good.data);
}

/* What did not read for a while does as soon as scrubbing has seen it well; so do slots of chunks that
 * have gone since, of which nothing is left to be seen. */
static void test_both_ends_read_again(void **state)
{
	struct fixture *f = *state;
	struct chunk_ref refs[COUNT];
	struct store_stats stats;
	struct subject before = put_subject(f, refs);
	sweep(f, refs, live_even_at_first);
	assert_int_equal(commit(f->store), 0);
	struct subject s = find_subject(f, refs);
	flip_bit(f, &s, fingerprint_place(&s, refs[6].slot));
	flip_bit(f, &s, s.place.length - PACK_HEADER_SIZE - 5);
	reopen(f);
	assert_int_equal(get_error(f->store, refs[6]), -EIO);
	write_pack(f, &s, s.good.data, s.good.size, 0);
	struct store_scrub_result result = scrub(f);
	check_result(&result, 0, 0, 1, 1);
	assert_int_equal(get_error(f->store, refs[6]), 0);
	check_fingerprints(f, refs, live_even_at_first);
	store_get_stats(f->store, &stats);
	assert_int_equal(stats.damaged_chunks, 0);
	free(before.good.data);
	free(s.good.data);
}

/* While the beginning cannot be written the end stays as it is: a power cut may have both. */
static void test_one_end_at_a_time(void **state)
{
	struct fixture *f = *state;
	struct chunk_ref refs[COUNT];
	struct subject s = put_subject(f, refs);
	fixture_close(f);
	flip_bit(f, &s, PACK_HEADER_SIZE + 40);
	flip_bit(f, &s, s.place.length - 5);
	fixture_open(f);
	struct subject damaged = find_subject(f, refs);
	fault_set("pwrite:1");
	struct store_scrub_result result = scrub(f);
	fault_set(NULL);
	check_result(&result, 1, 0, 0, 0);
	assert_true(is_as_it_was(f, &damaged));
	check_repaired(f, &s, refs);
	free(damaged.good.data);
	free(s.good.data);
}

/* The disk tells once that it has lost something of a segment. Whom it tells is the repair: what
 * others have written there must not be called durable after that. */
static void test_sync_error_of_a_repair_is_for_good(void **state)
{
	struct fixture *f = *state;
	struct chunk_ref refs[COUNT], more[COUNT];
	struct subject s = put_subject(f, refs);
	flip_bit(f, &s, PACK_HEADER_SIZE + 40);
	reopen(f);
	put_many(f->store, store_shared_stream(f->store, PACK_DATA), 9000, COUNT, more);
	fault_set("fdatasync:1");
	struct store_scrub_result result = scrub(f);
	fault_set(NULL);
	assert_int_equal(result.repaired_packs, 0);
	assert_int_equal(store_failed(f->store), -EIO);
	assert_int_equal(commit(f->store), -EIO);
	check_many(f->store, 1, COUNT, refs);
	reopen(f);
	check_many(f->store, 1, COUNT, refs);
	free(s.good.data);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define STORE_TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)
		STORE_TEST(test_both_headers),
		STORE_TEST(test_both_ends_complete_each_other),
		STORE_TEST(test_both_ends_lose_a_chunk),
		STORE_TEST(test_both_ends_at_random),
		STORE_TEST(test_both_ends_read_again),
		STORE_TEST(test_one_end_at_a_time),
		STORE_TEST(test_sync_error_of_a_repair_is_for_good),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
