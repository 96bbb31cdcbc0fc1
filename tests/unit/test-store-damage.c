/* SPDX-License-Identifier: MIT */
/* Damage: never wrong bytes, never a dedup target, healed by the same data coming in again. */
#include "tests/unit/store_support.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "fs/store/scrub.h"
#include "fs/store/store_private.h"
#include "fs/store/sweep.h"

#define COUNT 100u

static void put_committed(struct fixture *f, struct chunk_ref *refs)
{
	put_many(f->store, store_shared_stream(f->store, PACK_DATA), 1, COUNT, refs);
	assert_int_equal(commit(f->store), 0);
	/* Nothing of it is in memory any more. */
	fixture_close(f);
	fixture_open(f);
}

/* A damaged region gives EIO for its chunks and nothing else, and that is remembered. */
static void test_damage_is_eio_and_remembered(void **state)
{
	struct fixture *f = *state;
	struct chunk_ref refs[COUNT];
	struct store_stats stats;
	put_committed(f, refs);
	damage_chunk(f, refs[0]);
	assert_int_equal(get_error(f->store, refs[0]), -EIO);
	assert_int_equal(get_error(f->store, refs[1]), -EIO);
	assert_int_equal(get_error(f->store, refs[COUNT - 1]), 0);
	assert_true(store_is_damaged(f->store, refs[0]));
	assert_true(store_wants_commit(f->store));
	store_get_stats(f->store, &stats);
	assert_int_equal(stats.damaged_chunks, f->sb.region_size / CHUNK);
	assert_int_equal(commit(f->store), 0);
	assert_false(store_wants_commit(f->store));
	fixture_close(f);
	fixture_open(f);
	assert_true(store_is_damaged(f->store, refs[0]));
	assert_int_equal(get_error(f->store, refs[0]), -EIO);
}

/* The next time the data comes in it is stored anew, and the old references read well, now and
 * after a restart. */
static void test_put_heals(void **state)
{
	struct fixture *f = *state;
	struct chunk_ref refs[COUNT], again[COUNT], third[COUNT];
	struct store_stats stats;
	put_committed(f, refs);
	damage_chunk(f, refs[0]);
	assert_int_equal(get_error(f->store, refs[0]), -EIO);
	struct store_put_result r =
		put_many(f->store, store_shared_stream(f->store, PACK_DATA), 1, COUNT, again);
	assert_int_equal(r.new_chunks, f->sb.region_size / CHUNK);
	assert_false(chunk_ref_equal(refs[0], again[0]));
	assert_true(chunk_ref_equal(refs[COUNT - 1], again[COUNT - 1]));
	check_many(f->store, 1, COUNT, refs);
	store_get_stats(f->store, &stats);
	assert_int_equal(stats.damaged_chunks, 0);
	assert_int_equal(stats.healed_chunks, f->sb.region_size / CHUNK);
	r = put_many(f->store, store_shared_stream(f->store, PACK_DATA), 1, COUNT, third);
	assert_int_equal(r.new_chunks, 0);
	assert_int_equal(commit(f->store), 0);
	fixture_close(f);
	fixture_open(f);
	check_many(f->store, 1, COUNT, refs);
	check_many(f->store, 1, COUNT, again);
}

/* Quarantine outlives a restart, and healing works after it: fingerprints are learnt again. */
static void test_put_heals_after_reopen(void **state)
{
	struct fixture *f = *state;
	struct chunk_ref refs[COUNT], again[COUNT];
	put_committed(f, refs);
	damage_chunk(f, refs[20]);
	assert_int_equal(get_error(f->store, refs[20]), -EIO);
	assert_int_equal(commit(f->store), 0);
	fixture_close(f);
	fixture_open(f);
	put_many(f->store, store_shared_stream(f->store, PACK_DATA), 1, COUNT, again);
	check_many(f->store, 1, COUNT, refs);
}

/* A good copy that is not there any more is no dedup target: the data is stored anew and heals. */
static void test_lost_good_copy_is_no_target(void **state)
{
	struct fixture *f = *state;
	struct chunk_ref refs[COUNT], again[COUNT];
	struct fingerprint fingerprint;
	uint32_t raw, stored;
	put_committed(f, refs);
	assert_int_equal(store_chunk_info(f->store, refs[0], &raw, &stored, &fingerprint), 0);
	damage_chunk(f, refs[0]);
	assert_int_equal(get_error(f->store, refs[0]), -EIO);
	struct chunk_ref gone = {refs[0].pack + 1000, 0};
	assert_int_equal(damage_heal(f->store->damage, &fingerprint, gone), 1);
	put_many(f->store, store_shared_stream(f->store, PACK_DATA), 1, COUNT, again);
	check_many(f->store, 1, COUNT, again);
	check_many(f->store, 1, COUNT, refs);
	assert_int_equal(commit(f->store), 0);
	fixture_close(f);
	fixture_open(f);
	check_many(f->store, 1, COUNT, again);
	check_many(f->store, 1, COUNT, refs);
}

/* A healing is not committed before the good copy is. */
static void test_healing_waits_for_its_chunk(void **state)
{
	struct fixture *f = *state;
	struct chunk_ref refs[COUNT], again[COUNT];
	struct store_delta *delta = NULL;
	struct store *store;
	put_committed(f, refs);
	damage_chunk(f, refs[0]);
	assert_int_equal(get_error(f->store, refs[0]), -EIO);
	assert_int_equal(store_freeze(f->store, &delta), 0);
	put_many(f->store, store_shared_stream(f->store, PACK_DATA), 1, COUNT, again);
	assert_int_equal(store_delta_sync(f->store, delta), 0);
	assert_int_equal(catalogue_begin(store_catalogue(f->store)), 0);
	assert_int_equal(store_delta_record(f->store, delta), 0);
	assert_int_equal(catalogue_commit(store_catalogue(f->store)), 0);
	store_delta_done(f->store, &delta, true);
	const char *copy = fixture_copy(f, "copy");
	assert_int_equal(store_open(copy, &f->options, &store), 0);
	assert_int_equal(get_error(store, refs[0]), -EIO);
	store_close(&store);
	assert_int_equal(commit(f->store), 0);
	check_many(f->store, 1, COUNT, refs);
}

/* Scrubbing finds what no reader has touched, and says how much. */
static void test_scrub_finds_damage(void **state)
{
	struct fixture *f = *state;
	struct chunk_ref refs[COUNT];
	struct store_scrub_result result = {0};
	uint64_t cursor = 0;
	put_committed(f, refs);
	while (store_scrub(f->store, &cursor, 1, &result) == 1)
		;
	assert_int_equal(result.damaged_chunks, 0);
	assert_int_equal(result.packs, refs[COUNT - 1].pack);
	damage_chunk(f, refs[COUNT - 1]);
	result = (struct store_scrub_result){0};
	cursor = 0;
	while (store_scrub(f->store, &cursor, 1, &result) == 1)
		;
	assert_true(result.damaged_chunks > 0);
	assert_true(store_is_damaged(f->store, refs[COUNT - 1]));
	assert_int_equal(get_error(f->store, refs[COUNT - 1]), -EIO);
	assert_int_equal(get_error(f->store, refs[0]), 0);
	/* The same byte flipped back: the disk had hiccups. */
	damage_chunk(f, refs[COUNT - 1]);
	result = (struct store_scrub_result){0};
	cursor = 0;
	while (store_scrub(f->store, &cursor, 100, &result) == 1)
		;
	assert_false(store_is_damaged(f->store, refs[COUNT - 1]));
	check_many(f->store, 1, COUNT, refs);
	assert_int_equal(commit(f->store), 0);
	fixture_close(f);
	fixture_open(f);
	assert_false(store_is_damaged(f->store, refs[COUNT - 1]));
}

static void sweep_all(struct fixture *f, struct store_marks **marks)
{
	struct store_sweep *sweep = NULL;
	struct store_sweep_options options = {.step_packs = 1};
	int more;
	assert_int_equal(store_sweep_begin(f->store, *marks, &options, &sweep), 0);
	while ((more = store_sweep_step(sweep)) == 1) {
		assert_int_equal(catalogue_begin(store_catalogue(f->store)), 0);
		assert_int_equal(store_sweep_record(sweep), 0);
		assert_int_equal(catalogue_commit(store_catalogue(f->store)), 0);
		store_sweep_done(sweep, true);
	}
	assert_int_equal(more, 0);
	store_sweep_end(&sweep);
	store_marks_end(f->store, marks);
}

static void scrub_all(struct fixture *f)
{
	struct store_scrub_result result = {0};
	uint64_t cursor = 0;
	while (store_scrub(f->store, &cursor, 100, &result) == 1)
		;
}

/* Cleaning puts healed chunks back in their place: the quarantine is empty afterwards. */
static void test_sweep_repairs(void **state)
{
	struct fixture *f = *state;
	struct chunk_ref refs[COUNT], again[COUNT];
	struct store_stats stats;
	struct store_marks *marks = NULL;
	put_committed(f, refs);
	damage_chunk(f, refs[0]);
	assert_int_equal(get_error(f->store, refs[0]), -EIO);
	put_many(f->store, store_shared_stream(f->store, PACK_DATA), 1, COUNT, again);
	assert_int_equal(commit(f->store), 0);
	assert_int_equal(store_marks_begin(f->store, 0, 1 << 20, &marks), 0);
	for (unsigned i = 0; i < COUNT; i++)
		store_mark(f->store, marks, refs[i]);
	sweep_all(f, &marks);
	check_many(f->store, 1, COUNT, refs);
	assert_int_equal(commit(f->store), 0);
	store_get_stats(f->store, &stats);
	assert_int_equal(stats.damaged_chunks + stats.healed_chunks, 0);
	fixture_close(f);
	fixture_open(f);
	check_many(f->store, 1, COUNT, refs);
	store_get_stats(f->store, &stats);
	assert_int_equal(stats.damaged_chunks + stats.healed_chunks, 0);
}

/* A dead copy that scrubbing has made a chunk's good one is not swept away. */
static void test_scrub_heals_while_cleaning(void **state)
{
	struct fixture *f = *state;
	struct chunk_ref refs[COUNT], again[COUNT];
	struct store_marks *marks = NULL;
	struct fingerprint fingerprint;
	uint32_t raw, stored;
	put_committed(f, refs);
	damage_chunk(f, refs[0]);
	assert_int_equal(get_error(f->store, refs[0]), -EIO);
	put_many(f->store, store_shared_stream(f->store, PACK_DATA), 1, COUNT, again);
	assert_int_equal(commit(f->store), 0);
	assert_false(chunk_ref_equal(refs[0], again[0]));
	/* Well again: now there are two copies. */
	damage_chunk(f, refs[0]);
	scrub_all(f);
	assert_int_equal(commit(f->store), 0);
	assert_int_equal(store_marks_begin(f->store, 0, 1 << 20, &marks), 0);
	for (unsigned i = 0; i < COUNT; i++) {
		if (i < COUNT / 3)
			store_mark(f->store, marks, again[i]);
		assert_int_equal(store_chunk_info(f->store, refs[i], &raw, &stored, &fingerprint), 0);
		assert_int_equal(index_insert(f->store->index, &fingerprint, refs[i]), 0);
	}
	damage_chunk(f, again[0]);
	scrub_all(f);
	assert_false(store_is_damaged(f->store, again[0]));
	sweep_all(f, &marks);
	assert_int_equal(commit(f->store), 0);
	fixture_close(f);
	fixture_open(f);
	check_many(f->store, 1, COUNT / 3, again);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define STORE_TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)
		STORE_TEST(test_damage_is_eio_and_remembered),
		STORE_TEST(test_put_heals),
		STORE_TEST(test_put_heals_after_reopen),
		STORE_TEST(test_healing_waits_for_its_chunk),
		STORE_TEST(test_lost_good_copy_is_no_target),
		STORE_TEST(test_scrub_finds_damage),
		STORE_TEST(test_sweep_repairs),
		STORE_TEST(test_scrub_heals_while_cleaning),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
