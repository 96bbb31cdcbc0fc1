/* SPDX-License-Identifier: MIT */
/* Duplicates that lie alone in old regions are stored anew: which, at what price, and only once. */
#include "tests/unit/store_support.h"

#include <stdlib.h>
#include <string.h>

#include "fs/store/capping.h"
#include "fs/store/store_private.h"

#define OLD  500u /* chunks of the first stream */
#define SIZE 4096u

static const struct capping_place none;

static struct capping_place place(uint64_t pack, uint32_t region)
{
	return (struct capping_place){pack, region, SIZE};
}

/* The least used go first, until the credit is spent; what is used more stays. */
static void test_choice(void **state)
{
	const struct capping_place places[] = {
		place(1, 1), place(1, 1), place(1, 1), place(1, 1), /* a run */
		none,	     place(2, 1), place(2, 1),		    /* two */
		none,	     place(1, 2),			    /* alone */
		none,	     place(3, 3),			    /* the end */
	};
	bool anew[11];
	uint64_t credit = 100 * SIZE;
	(void)state;
	capping_choose(places, 11, none, 3 * SIZE, &credit, anew);
	static const bool both[11] = {[5] = true, [6] = true, [8] = true};
	assert_memory_equal(anew, both, sizeof(both));
	assert_int_equal(credit, 97 * SIZE);

	credit = 2 * SIZE;
	capping_choose(places, 11, none, 3 * SIZE, &credit, anew);
	static const bool lonely[11] = {[8] = true};
	assert_memory_equal(anew, lonely, sizeof(lonely));
	assert_int_equal(credit, SIZE);

	credit = 100 * SIZE;
	capping_choose(places, 11, place(1, 2), 3 * SIZE, &credit, anew);
	static const bool pair[11] = {[5] = true, [6] = true};
	assert_memory_equal(anew, pair, sizeof(pair));
}

static void test_choice_of_nothing(void **state)
{
	struct capping_place places[CAPPING_BATCH] = {{0}};
	bool anew[CAPPING_BATCH];
	uint64_t credit = SIZE;
	(void)state;
	capping_choose(places, CAPPING_BATCH, none, 3 * SIZE, &credit, anew);
	capping_choose(places, 0, none, 3 * SIZE, &credit, anew);
	for (size_t i = 0; i < CAPPING_BATCH; i++)
		assert_false(anew[i]);
	assert_int_equal(credit, SIZE);
}

/* Puts chunks of the given seeds as one batch. */
static struct store_put_result put_seeds(struct store *store, const uint64_t *seeds, size_t count,
					 struct chunk_ref *refs)
{
	struct store_put_result result = {0};
	struct fingerprint_input chunks[CAPPING_BATCH];
	uint8_t *data = malloc(count * CHUNK);
	assert_non_null(data);
	for (size_t i = 0; i < count; i++) {
		fill(data + i * CHUNK, CHUNK, seeds[i]);
		chunks[i] = (struct fingerprint_input){data + i * CHUNK, CHUNK};
	}
	struct store_stream *stream = store_stream_new(store, PACK_DATA);
	assert_int_equal(store_put(store, stream, chunks, count, refs, &result), 0);
	store_stream_free(&stream);
	free(data);
	return result;
}

/* New chunks with old ones between them: three alone, a run of eight, one at the end. */
static size_t mix(uint64_t *seeds)
{
	size_t n = 0;
	for (uint64_t i = 0; i < 100; i++) {
		if (i == 20 || i == 40 || i == 60)
			seeds[n++] = 1 + i * 2;
		if (i == 80)
			for (uint64_t k = 0; k < 8; k++)
				seeds[n++] = 305 + k; /* of one region */
		seeds[n++] = 10000 + i;
	}
	seeds[n++] = 400;
	return n;
}

static void test_lonely_ones_are_stored_anew_once(void **state)
{
	struct fixture *f = *state;
	uint64_t seeds[CAPPING_BATCH];
	struct chunk_ref old[OLD], refs[CAPPING_BATCH], again[CAPPING_BATCH];
	size_t n = mix(seeds);
	struct store_stream *stream = store_stream_new(f->store, PACK_DATA);
	put_many(f->store, stream, 1, OLD, old);
	store_stream_free(&stream);
	assert_int_equal(commit(f->store), 0);

	struct store_put_result r = put_seeds(f->store, seeds, n, refs);
	assert_int_equal(r.new_chunks, 103);
	assert_int_equal(r.rewritten_bytes, 3 * CHUNK);
	assert_int_equal(r.duplicate_chunks, 9);
	for (size_t i = 0; i < n; i++) {
		check_many(f->store, seeds[i], 1, &refs[i]);
		bool run = seeds[i] >= 305 && seeds[i] <= 400;
		if (seeds[i] <= OLD)
			assert_int_equal(chunk_ref_equal(refs[i], old[seeds[i] - 1]), run);
	}
	assert_int_equal(commit(f->store), 0);

	/* The same again costs nothing, and finds the copies, also after a restart. */
	for (int round = 0; round < 2; round++) {
		assert_int_equal(put_seeds(f->store, seeds, n, again).new_chunks, 0);
		for (size_t i = 0; i < n; i++)
			assert_true(chunk_ref_equal(refs[i], again[i]));
		fixture_close(f);
		fixture_open(f);
	}
	check_many(f->store, 1, OLD, old);
}

/* Old chunks in whatever order, with nothing new between them, stay where they are. */
static void test_known_data_stays(void **state)
{
	struct fixture *f = *state;
	uint64_t seeds[CAPPING_BATCH];
	struct chunk_ref old[OLD], refs[CAPPING_BATCH];
	struct store_stream *stream = store_stream_new(f->store, PACK_DATA);
	put_many(f->store, stream, 1, OLD, old);
	store_stream_free(&stream);
	assert_int_equal(commit(f->store), 0);
	for (uint64_t i = 0; i < CAPPING_BATCH; i++)
		seeds[i] = 1 + i * 73 % OLD;
	assert_int_equal(put_seeds(f->store, seeds, CAPPING_BATCH, refs).new_chunks, 0);
	for (size_t i = 0; i < CAPPING_BATCH; i++)
		assert_true(chunk_ref_equal(refs[i], old[seeds[i] - 1]));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_choice),
		cmocka_unit_test(test_choice_of_nothing),
		cmocka_unit_test_setup_teardown(test_lonely_ones_are_stored_anew_once,
						fixture_setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(test_known_data_stays, fixture_setup,
						fixture_teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
