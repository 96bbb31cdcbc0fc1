/* SPDX-License-Identifier: MIT */
/* Chunks come back as they went in: before a commit, after it, after a restart; what is there
 * already is not stored again; what was not committed is gone after a crash. */
#include "tests/unit/store_support.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "fs/store/store_private.h"
#include "lib/base/fault.h"

#define COUNT 500u

static void check_same(const struct chunk_ref *a, const struct chunk_ref *b, size_t count)
{
	for (size_t i = 0; i < count; i++)
		assert_true(chunk_ref_equal(a[i], b[i]));
}

/* A chunk can be read from the moment that store_put() has returned. */
static void test_put_is_readable_at_once(void **state)
{
	struct fixture *f = *state;
	struct chunk_ref refs[COUNT];
	struct store_stream *stream = store_stream_new(f->store, PACK_DATA);
	struct store_put_result r = put_many(f->store, stream, 1, COUNT, refs);
	assert_int_equal(r.new_chunks, COUNT);
	assert_int_equal(r.new_bytes, COUNT * CHUNK);
	check_many(f->store, 1, COUNT, refs);
	store_stream_free(&stream);
}

/* What was committed is there after a restart, through several packs and segments. */
static void test_committed_survives_reopen(void **state)
{
	struct fixture *f = *state;
	struct chunk_ref refs[COUNT];
	struct store_stream *stream = store_stream_new(f->store, PACK_DATA);
	put_many(f->store, stream, 1, COUNT, refs);
	assert_true(refs[COUNT - 1].pack > refs[0].pack + 3);
	assert_true(store_wants_commit(f->store));
	assert_int_equal(commit(f->store), 0);
	assert_false(store_wants_commit(f->store));
	check_many(f->store, 1, COUNT, refs);
	store_stream_free(&stream);
	fixture_close(f);
	fixture_open(f);
	check_many(f->store, 1, COUNT, refs);
	struct store_stats stats;
	store_get_stats(f->store, &stats);
	assert_true(stats.packs >= COUNT * CHUNK / f->sb.pack_size);
	assert_true(stats.bytes_stored < COUNT * CHUNK);
}

/* The same data is found again: in the same batch, uncommitted, committed, after a restart. */
static void test_duplicates_are_found(void **state)
{
	struct fixture *f = *state;
	struct chunk_ref refs[COUNT], again[COUNT];
	struct store_stream *a = store_stream_new(f->store, PACK_DATA);
	struct store_stream *b = store_stream_new(f->store, PACK_DATA);
	put_many(f->store, a, 1, COUNT, refs);
	assert_int_equal(put_many(f->store, b, 1, COUNT, again).new_chunks, 0);
	check_same(refs, again, COUNT);
	assert_int_equal(commit(f->store), 0);
	assert_int_equal(put_many(f->store, b, 1, COUNT, again).new_chunks, 0);
	store_stream_free(&a);
	store_stream_free(&b);
	fixture_close(f);
	fixture_open(f);
	b = store_stream_new(f->store, PACK_DATA);
	assert_int_equal(put_many(f->store, b, 1, COUNT, again).duplicate_chunks, COUNT);
	check_same(refs, again, COUNT);
	store_stream_free(&b);

	struct store_put_result r = {0};
	uint8_t data[CHUNK];
	fill(data, CHUNK, 77777);
	struct fingerprint_input twice[2] = {{data, CHUNK}, {data, CHUNK}};
	assert_int_equal(store_put(f->store, store_shared_stream(f->store, PACK_DATA), twice, 2, refs, &r), 0);
	assert_int_equal(r.new_chunks, 1);
	assert_int_equal(r.duplicate_chunks, 1);
	assert_true(chunk_ref_equal(refs[0], refs[1]));
}

/* A stream of known data is followed through the directories: the index is hardly asked. */
static void test_known_stream_is_followed(void **state)
{
	struct fixture *f = *state;
	struct chunk_ref refs[COUNT], again[COUNT];
	struct store_stats before, after;
	struct store_stream *stream = store_stream_new(f->store, PACK_DATA);
	put_many(f->store, stream, 1, COUNT, refs);
	assert_int_equal(commit(f->store), 0);
	store_stream_free(&stream);
	stream = store_stream_new(f->store, PACK_DATA);
	store_get_stats(f->store, &before);
	put_many(f->store, stream, 1, COUNT, again);
	store_get_stats(f->store, &after);
	assert_in_range(after.index.lookups - before.index.lookups, 1, COUNT / 4);
	store_stream_free(&stream);
}

/* A power cut: what was committed is there, what was not is not, and the store goes on. */
static void test_crash_keeps_the_commit(void **state)
{
	struct fixture *f = *state;
	struct chunk_ref refs[COUNT], lost[COUNT], more[COUNT];
	struct store_stream *stream = store_stream_new(f->store, PACK_DATA);
	put_many(f->store, stream, 1, COUNT, refs);
	assert_int_equal(commit(f->store), 0);
	put_many(f->store, stream, 5000, COUNT, lost);
	struct store_delta *delta = NULL;
	assert_int_equal(store_freeze(f->store, &delta), 0);
	assert_int_equal(store_delta_sync(f->store, delta), 0);
	const char *copy = fixture_copy(f, "copy");
	store_delta_done(f->store, &delta, false);
	store_stream_free(&stream);
	fixture_close(f);

	struct store *store;
	assert_int_equal(store_open(copy, &f->options, &store), 0);
	check_many(store, 1, COUNT, refs);
	assert_int_equal(get_error(store, lost[COUNT - 1]), -ENOENT);
	stream = store_stream_new(store, PACK_DATA);
	assert_int_equal(put_many(store, stream, 5000, COUNT, more).new_chunks, COUNT);
	assert_int_equal(commit(store), 0);
	check_many(store, 5000, COUNT, more);
	check_many(store, 1, COUNT, refs);
	store_stream_free(&stream);
	store_close(&store);
	assert_int_equal(store_open(copy, &f->options, &store), 0);
	check_many(store, 5000, COUNT, more);
	store_close(&store);
}

/* After a crash the fingerprints of committed packs come back into the index by themselves. */
static void test_crash_refills_the_index(void **state)
{
	struct fixture *f = *state;
	struct chunk_ref refs[COUNT], again[COUNT];
	struct store *store;
	struct store_stream *stream = store_stream_new(f->store, PACK_DATA);
	put_many(f->store, stream, 1, COUNT, refs);
	assert_int_equal(commit(f->store), 0);
	const char *copy = fixture_copy(f, "copy");
	store_stream_free(&stream);
	assert_int_equal(store_open(copy, &f->options, &store), 0);
	for (int tries = 0; !store_recovery_is_done(store) && tries < 6000; tries++)
		usleep(10000);
	assert_true(store_recovery_is_done(store));
	stream = store_stream_new(store, PACK_DATA);
	assert_int_equal(put_many(store, stream, 1, COUNT, again).new_chunks, 0);
	check_same(refs, again, COUNT);
	store_stream_free(&stream);
	store_close(&store);
}

/* A delta has what was put before its freeze; what comes later is in the next one. */
static void test_freeze_cuts(void **state)
{
	struct fixture *f = *state;
	struct chunk_ref early[10], late[10];
	struct store_delta *delta = NULL;
	struct store_stream *stream = store_stream_new(f->store, PACK_DATA);
	put_many(f->store, stream, 1, 10, early);
	assert_int_equal(store_freeze(f->store, &delta), 0);
	put_many(f->store, stream, 100, 10, late);
	assert_int_not_equal(early[9].pack, late[0].pack);
	assert_int_equal(store_delta_sync(f->store, delta), 0);
	assert_int_equal(catalogue_begin(store_catalogue(f->store)), 0);
	assert_int_equal(store_delta_record(f->store, delta), 0);
	assert_int_equal(catalogue_commit(store_catalogue(f->store)), 0);
	store_delta_done(f->store, &delta, true);
	const char *copy = fixture_copy(f, "copy");
	struct store *store;
	assert_int_equal(store_open(copy, &f->options, &store), 0);
	check_many(store, 1, 10, early);
	assert_int_equal(get_error(store, late[0]), -ENOENT);
	store_close(&store);
	assert_int_equal(commit(f->store), 0);
	check_many(f->store, 100, 10, late);
	store_stream_free(&stream);
}

/* A commit that did not happen gives its packs to the next one. */
static void test_failed_commit_is_taken_again(void **state)
{
	struct fixture *f = *state;
	struct chunk_ref refs[20];
	put_many(f->store, store_shared_stream(f->store, PACK_DATA), 1, 20, refs);
	fault_set("catalogue_full:1");
	assert_int_equal(commit(f->store), -ENOSPC);
	assert_int_equal(store_failed(f->store), 0);
	check_many(f->store, 1, 20, refs);
	fault_set(NULL);
	assert_int_equal(commit(f->store), 0);
	fixture_close(f);
	fixture_open(f);
	check_many(f->store, 1, 20, refs);
}

/* A commit of one small chunk costs little more than the chunk. */
static void test_small_commit_is_small(void **state)
{
	struct fixture *f = *state;
	struct chunk_ref ref;
	struct store_stats before, after;
	struct store_put_result r = {0};
	uint8_t data[4096];
	unsigned seed = 7;
	for (size_t i = 0; i < sizeof(data); i++)
		data[i] = (uint8_t)rand_r(&seed);
	put_many(f->store, store_shared_stream(f->store, PACK_DATA), 1, 1, &ref);
	assert_int_equal(commit(f->store), 0);
	store_get_stats(f->store, &before);
	struct fingerprint_input chunk = {data, sizeof(data)};
	assert_int_equal(store_put(f->store, store_shared_stream(f->store, PACK_DATA), &chunk, 1, &ref, &r), 0);
	assert_int_equal(commit(f->store), 0);
	store_get_stats(f->store, &after);
	assert_in_range(after.bytes_stored - before.bytes_stored, 4096, 4608);
}

/* A chunk larger than a region and a pack has both for itself. */
static void test_large_chunks(void **state)
{
	struct fixture *f = *state;
	size_t size = 600u << 10;
	uint8_t *data = malloc(3 * size);
	struct chunk_ref refs[3];
	struct store_put_result r = {0};
	struct fingerprint_input chunks[3];
	for (size_t i = 0; i < 3; i++) {
		fill(data + i * size, size, i + 1);
		chunks[i] = (struct fingerprint_input){data + i * size, i == 1 ? 5 : size};
	}
	assert_int_equal(store_put(f->store, store_shared_stream(f->store, PACK_DATA), chunks, 3, refs, &r), 0);
	assert_int_equal(commit(f->store), 0);
	fixture_close(f);
	fixture_open(f);
	for (size_t i = 0; i < 3; i++) {
		struct store_view view;
		assert_int_equal(store_get(f->store, refs[i], &view), 0);
		assert_int_equal(view.size, chunks[i].size);
		assert_memory_equal(view.data, chunks[i].data, view.size);
		store_view_release(&view);
	}
	free(data);
}

/* References that name nothing are told from damage. */
static void test_unknown_references(void **state)
{
	struct fixture *f = *state;
	struct chunk_ref ref;
	struct fingerprint fingerprint;
	uint32_t raw, stored;
	put_many(f->store, store_shared_stream(f->store, PACK_DATA), 1, 1, &ref);
	assert_int_equal(store_chunk_info(f->store, ref, &raw, &stored, &fingerprint), 0);
	assert_int_equal(raw, CHUNK);
	assert_int_equal(commit(f->store), 0);
	assert_int_equal(store_chunk_info(f->store, ref, &raw, &stored, &fingerprint), 0);
	assert_in_range(stored, 1, CHUNK - 1);
	assert_int_equal(get_error(f->store, (struct chunk_ref){ref.pack, 1}), -ENOENT);
	assert_int_equal(get_error(f->store, (struct chunk_ref){999, 0}), -ENOENT);
	assert_int_equal(get_error(f->store, (struct chunk_ref){0, 0}), -ENOENT);
	assert_true(store_prefetch(f->store, ref));
	assert_true(store_prefetch(f->store, (struct chunk_ref){999, 0}));
}

/* Reading a region in several threads, ahead and directly, loads it once. */
static void test_prefetch_fills_the_cache(void **state)
{
	struct fixture *f = *state;
	struct chunk_ref refs[10];
	struct store_stats stats;
	put_many(f->store, store_shared_stream(f->store, PACK_DATA), 1, 10, refs);
	assert_int_equal(commit(f->store), 0);
	for (int i = 0; i < 10; i++)
		store_prefetch(f->store, refs[i]);
	check_many(f->store, 1, 10, refs);
	store_get_stats(f->store, &stats);
	assert_int_equal(stats.region_misses, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define STORE_TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)
		STORE_TEST(test_put_is_readable_at_once),
		STORE_TEST(test_committed_survives_reopen),
		STORE_TEST(test_duplicates_are_found),
		STORE_TEST(test_known_stream_is_followed),
		STORE_TEST(test_crash_keeps_the_commit),
		STORE_TEST(test_crash_refills_the_index),
		STORE_TEST(test_freeze_cuts),
		STORE_TEST(test_failed_commit_is_taken_again),
		STORE_TEST(test_small_commit_is_small),
		STORE_TEST(test_large_chunks),
		STORE_TEST(test_unknown_references),
		STORE_TEST(test_prefetch_fills_the_cache),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
