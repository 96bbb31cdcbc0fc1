/* SPDX-License-Identifier: MIT */
/* Cleaning frees what nobody marked and nothing else, whatever happens meanwhile. */
#include "tests/unit/store_support.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "fs/store/catalogue_sql.h"
#include "fs/store/store_private.h"
#include "fs/store/sweep.h"
#include "lib/base/fault.h"

#define COUNT 512u

static void put_committed(struct fixture *f, struct chunk_ref *refs)
{
	struct store_stream *stream = store_stream_new(f->store, PACK_DATA);
	put_many(f->store, stream, 1, COUNT, refs);
	store_stream_free(&stream);
	assert_int_equal(commit(f->store), 0);
}

static int record(struct fixture *f, struct store_sweep *sweep)
{
	int error = catalogue_begin(store_catalogue(f->store));
	if (!error) {
		error = store_sweep_record(sweep);
		if (error)
			catalogue_rollback(store_catalogue(f->store));
		else
			error = catalogue_commit(store_catalogue(f->store));
	}
	store_sweep_done(sweep, error == 0);
	return error;
}

static struct store_marks *begin(struct fixture *f)
{
	struct store_marks *marks = NULL;
	assert_int_equal(store_marks_begin(f->store, 0, 1 << 20, &marks), 0);
	return marks;
}

static struct store_sweep_progress sweep_all(struct fixture *f, struct store_marks *marks)
{
	struct store_sweep *sweep = NULL;
	struct store_sweep_options options = {.step_packs = 3};
	struct store_sweep_progress progress;
	int more;
	assert_int_equal(store_sweep_begin(f->store, marks, &options, &sweep), 0);
	while ((more = store_sweep_step(sweep)) == 1)
		assert_int_equal(record(f, sweep), 0);
	assert_int_equal(more, 0);
	store_sweep_get_progress(sweep, &progress);
	store_sweep_end(&sweep);
	return progress;
}

static uint64_t stored(struct fixture *f)
{
	struct store_stats stats;
	store_get_stats(f->store, &stats);
	return stats.bytes_stored;
}

/* Blocks that the host has given to segment files. */
static uint64_t host_blocks(struct fixture *f)
{
	char command[700];
	unsigned long long kib = 0;
	snprintf(command, sizeof(command), "du -sk '%s/segments'", f->path);
	FILE *out = popen(command, "r");
	assert_non_null(out);
	assert_int_equal(fscanf(out, "%llu", &kib), 1);
	pclose(out);
	return kib << 10;
}

/* Every third run of 40 chunks lives. */
static bool lives(unsigned i)
{
	return i / 40 % 3 == 0;
}

static void check_living(struct fixture *f, const struct chunk_ref *refs)
{
	for (unsigned i = 0; i < COUNT; i++) {
		if (lives(i))
			check_many(f->store, 1 + i, 1, &refs[i]);
	}
}

/* Living chunks keep their references, dead ones are gone, the host has its blocks back. */
static void test_sweep_frees_the_dead(void **state)
{
	struct fixture *f = *state;
	struct chunk_ref refs[COUNT];
	uint64_t estimate = 0;
	put_committed(f, refs);
	uint64_t before = stored(f), blocks = host_blocks(f);
	struct store_marks *marks = begin(f);
	for (unsigned i = 0; i < COUNT; i++)
		if (lives(i))
			assert_false(store_mark(f->store, marks, refs[i]));
	assert_true(store_mark(f->store, marks, refs[0]));
	assert_int_equal(store_sweep_estimate(f->store, marks, 0, &estimate), 0);
	struct store_sweep_progress progress = sweep_all(f, marks);
	store_marks_end(f->store, &marks);
	assert_true(progress.packs_rewritten > 0);
	assert_int_equal(progress.packs_done, progress.packs_total);
	assert_in_range(before - stored(f), estimate * 3 / 4, estimate * 5 / 4);
	/* Headers of files that are gone come on top. */
	assert_in_range(before - stored(f), progress.bytes_freed,
			progress.bytes_freed + 8 * SEGMENT_HEADER_SIZE);
	assert_true(blocks - host_blocks(f) > progress.bytes_freed / 2);
	check_living(f, refs);
	assert_int_equal(get_error(f->store, refs[41]), -ENOENT);
	fixture_close(f);
	fixture_open(f);
	check_living(f, refs);
	assert_int_equal(get_error(f->store, refs[41]), -ENOENT);
}

/* With nothing alive nothing is left, not even files, but for the one that is being filled. */
static void test_sweep_drops_everything(void **state)
{
	struct fixture *f = *state;
	struct chunk_ref refs[COUNT], again[COUNT];
	struct store_stats stats;
	put_committed(f, refs);
	assert_true(store_pack_exists(f->store, refs[0].pack));
	struct store_marks *marks = begin(f);
	struct store_sweep_progress progress = sweep_all(f, marks);
	store_marks_end(f->store, &marks);
	assert_true(progress.packs_dropped > 3);
	store_get_stats(f->store, &stats);
	assert_int_equal(stats.packs, 0);
	assert_in_range(stats.bytes_stored, 0, 2 * SEGMENT_HEADER_SIZE);
	assert_int_equal(get_error(f->store, refs[0]), -ENOENT);
	assert_false(store_pack_exists(f->store, refs[0].pack));
	assert_true(store_pack_exists(f->store, refs[COUNT - 1].pack + 100));
	/* What comes again is new. */
	assert_int_equal(
		put_many(f->store, store_shared_stream(f->store, PACK_DATA), 1, COUNT, again).new_chunks, COUNT);
	assert_int_equal(commit(f->store), 0);
	fixture_close(f);
	fixture_open(f);
	check_many(f->store, 1, COUNT, again);
}

/* A chunk that a put finds while marking is under way is alive though nobody marked it. */
static void test_put_during_marking_keeps(void **state)
{
	struct fixture *f = *state;
	struct chunk_ref refs[COUNT], again[COUNT];
	put_committed(f, refs);
	struct store_marks *marks = begin(f);
	put_many(f->store, store_shared_stream(f->store, PACK_DATA), 1, COUNT / 2, again);
	assert_true(chunk_ref_equal(refs[0], again[0]));
	sweep_all(f, marks);
	store_marks_end(f->store, &marks);
	check_many(f->store, 1, COUNT / 2, refs);
	assert_int_equal(get_error(f->store, refs[COUNT - 1]), -ENOENT);
}

/* A pack that a step has decided about is no dedup target until the step is done. */
static void test_swept_pack_is_no_target(void **state)
{
	struct fixture *f = *state;
	struct chunk_ref refs[COUNT], again[COUNT];
	struct store_sweep *sweep = NULL;
	struct store_sweep_options options = {.step_packs = 1};
	put_committed(f, refs);
	struct store_marks *marks = begin(f);
	assert_int_equal(store_sweep_begin(f->store, marks, &options, &sweep), 0);
	assert_int_equal(store_sweep_step(sweep), 1);
	put_many(f->store, store_shared_stream(f->store, PACK_DATA), 1, COUNT, again);
	assert_int_not_equal(again[0].pack, refs[0].pack);
	assert_int_equal(again[COUNT - 1].pack, refs[COUNT - 1].pack);
	assert_int_equal(record(f, sweep), 0);
	while (store_sweep_step(sweep) == 1)
		assert_int_equal(record(f, sweep), 0);
	store_sweep_end(&sweep);
	store_marks_end(f->store, &marks);
	check_many(f->store, 1, COUNT, again);
	assert_int_equal(commit(f->store), 0);
	check_many(f->store, 1, COUNT, again);
}

/* A step whose commit did not happen has changed nothing, and is done again. */
static void test_failed_record_changes_nothing(void **state)
{
	struct fixture *f = *state;
	struct chunk_ref refs[COUNT];
	struct store_sweep *sweep = NULL;
	struct store_sweep_options options = {.step_packs = 100};
	put_committed(f, refs);
	struct store_marks *marks = begin(f);
	for (unsigned i = 0; i < COUNT; i++)
		if (lives(i))
			store_mark(f->store, marks, refs[i]);
	assert_int_equal(store_sweep_begin(f->store, marks, &options, &sweep), 0);
	assert_int_equal(store_sweep_step(sweep), 1);
	fault_set("catalogue_full:1");
	assert_int_equal(record(f, sweep), -ENOSPC);
	fault_set(NULL);
	check_many(f->store, 1, COUNT, refs);
	/* A crash between the copies and the commit. */
	assert_int_equal(store_sweep_step(sweep), 1);
	const char *copy = fixture_copy(f, "copy");
	struct store *store;
	assert_int_equal(store_open(copy, &f->options, &store), 0);
	check_many(store, 1, COUNT, refs);
	store_close(&store);
	assert_int_equal(record(f, sweep), 0);
	assert_int_equal(store_sweep_step(sweep), 0);
	store_sweep_end(&sweep);
	store_marks_end(f->store, &marks);
	check_living(f, refs);
}

/* Where the host cannot free the middle of a file, sparse segments are emptied and removed. */
static void test_evacuation_without_punching(void **state)
{
	struct fixture *f = *state;
	struct chunk_ref refs[COUNT];
	fault_set("punch:1+");
	put_committed(f, refs);
	uint64_t blocks = host_blocks(f);
	struct store_marks *marks = begin(f);
	for (unsigned i = 0; i < 10; i++)
		store_mark(f->store, marks, refs[i]);
	struct store_sweep_progress progress = sweep_all(f, marks);
	store_marks_end(f->store, &marks);
	assert_true(progress.packs_dropped > 0);
	assert_true(host_blocks(f) < blocks / 2);
	check_many(f->store, 1, 10, refs);
	fixture_close(f);
	fixture_open(f);
	check_many(f->store, 1, 10, refs);
}

/* Marks that do not fit into memory cover a range; the rest is for another pass. */
static void test_marks_in_passes(void **state)
{
	struct fixture *f = *state;
	struct chunk_ref refs[COUNT];
	struct store_marks *marks = NULL, *second = NULL;
	uint64_t first = 0, end = 0, passes = 0;
	bool more = true;
	put_committed(f, refs);
	for (; more; passes++) {
		assert_int_equal(store_marks_begin(f->store, end, 40, &marks), 0);
		assert_int_equal(store_marks_begin(f->store, end, 40, &second), -EBUSY);
		store_marks_range(marks, &first, &end, &more);
		for (unsigned i = 0; i < COUNT; i++)
			if (lives(i))
				store_mark(f->store, marks, refs[i]);
		sweep_all(f, marks);
		store_marks_end(f->store, &marks);
	}
	assert_in_range(passes, 3, 20);
	check_living(f, refs);
	assert_int_equal(get_error(f->store, refs[41]), -ENOENT);
	assert_int_equal(get_error(f->store, refs[COUNT - 1 - 40]), lives(COUNT - 41) ? 0 : -ENOENT);
}

static void change_catalogue(struct fixture *f, const char *sql)
{
	struct catalogue *c = store_catalogue(f->store);
	assert_int_equal(catalogue_begin(c), 0);
	sqlite3 *db = sqlite3_db_handle(catalogue_statement(c, SQL_PACK_PUT));
	assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
	assert_int_equal(catalogue_commit(c), 0);
}

/* Row of a dead pack that bits have been flipped in: what others have there is not taken from them. */
static void check_bad_row(struct fixture *f, const char *sql)
{
	struct chunk_ref refs[COUNT];
	put_committed(f, refs);
	fixture_close(f);
	fixture_open(f);
	assert_int_equal(refs[0].pack, 1);
	change_catalogue(f, sql);
	struct store_marks *marks = begin(f);
	for (unsigned i = 0; i < COUNT; i++)
		if (refs[i].pack > 1)
			store_mark(f->store, marks, refs[i]);
	sweep_all(f, marks);
	store_marks_end(f->store, &marks);
	fixture_close(f);
	fixture_open(f);
	for (unsigned i = 0; i < COUNT; i++)
		if (refs[i].pack > 1)
			check_many(f->store, 1 + i, 1, &refs[i]);
}

static void test_bad_row_frees_no_other_pack(void **state)
{
	check_bad_row(*state, "UPDATE pack SET (segment, offset, length) ="
			      " (SELECT segment, offset, length FROM pack WHERE pack = 2) WHERE pack = 1");
}

static void test_bad_length_removes_no_segment(void **state)
{
	check_bad_row(*state, "UPDATE pack SET length = 1 << 30 WHERE pack = 1");
}

/* What a step has written and no commit has taken is the host's again at once: on a full one the
 * commit that failed could never succeed otherwise. */
static void test_given_up_copies_leave_no_blocks(void **state)
{
	struct fixture *f = *state;
	struct chunk_ref refs[COUNT];
	struct store_sweep *sweep = NULL;
	struct store_sweep_options options = {.step_packs = 100};
	put_committed(f, refs);
	struct store_marks *marks = begin(f);
	for (unsigned i = 0; i < COUNT; i++)
		if (lives(i))
			store_mark(f->store, marks, refs[i]);
	uint64_t before = host_blocks(f);
	assert_int_equal(store_sweep_begin(f->store, marks, &options, &sweep), 0);
	assert_int_equal(store_sweep_step(sweep), 1);
	assert_true(host_blocks(f) > before + (128u << 10));
	fault_set("catalogue_full:1");
	assert_int_equal(record(f, sweep), -ENOSPC);
	fault_set(NULL);
	assert_in_range(host_blocks(f), 0, before + (64u << 10));
	store_sweep_end(&sweep);
	store_marks_end(f->store, &marks);
	check_many(f->store, 1, COUNT, refs);
	fixture_close(f);
	fixture_open(f);
	check_many(f->store, 1, COUNT, refs);
}

/* Numbers that no pack has any more take no memory, however many there are. */
static void test_marks_skip_unused_numbers(void **state)
{
	struct fixture *f = *state;
	struct chunk_ref refs[COUNT];
	uint64_t first, end;
	bool more;
	f->store->next_pack = UINT64_C(1) << 36;
	put_committed(f, refs);
	struct store_marks *marks = begin(f);
	store_marks_range(marks, &first, &end, &more);
	assert_int_equal(first, refs[0].pack);
	assert_int_equal(end, refs[COUNT - 1].pack + 1);
	assert_false(more);
	store_marks_end(f->store, &marks);
}

struct reader {
	struct fixture *f;
	const struct chunk_ref *refs;
	atomic_bool stop;
	atomic_uint reads, errors;
};

static void *read_on(void *argument)
{
	struct reader *r = argument;
	uint8_t expected[CHUNK];
	for (unsigned i = 0; !atomic_load(&r->stop); i = (i + 7) % COUNT) {
		struct store_view view;
		if (!lives(i))
			continue;
		fill(expected, CHUNK, 1 + i);
		int error = store_get(r->f->store, r->refs[i], &view);
		if (error || memcmp(view.data, expected, CHUNK) != 0)
			atomic_fetch_add(&r->errors, 1);
		if (!error)
			store_view_release(&view);
		atomic_fetch_add(&r->reads, 1);
	}
	return NULL;
}

/* Readers never notice that packs are rewritten under them. */
static void test_readers_during_sweep(void **state)
{
	struct fixture *f = *state;
	struct chunk_ref refs[COUNT];
	struct store_stats stats;
	pthread_t thread;
	put_committed(f, refs);
	fixture_close(f);
	f->options.memory = 16u << 20;
	fixture_open(f);
	struct reader reader = {.f = f, .refs = refs};
	assert_int_equal(pthread_create(&thread, NULL, read_on, &reader), 0);
	while (atomic_load(&reader.reads) < 100)
		;
	struct store_marks *marks = begin(f);
	for (unsigned i = 0; i < COUNT; i++)
		if (lives(i))
			store_mark(f->store, marks, refs[i]);
	sweep_all(f, marks);
	store_marks_end(f->store, &marks);
	unsigned now = atomic_load(&reader.reads);
	while (atomic_load(&reader.reads) < now + 100)
		;
	atomic_store(&reader.stop, true);
	pthread_join(thread, NULL);
	assert_int_equal(atomic_load(&reader.errors), 0);
	store_get_stats(f->store, &stats);
	assert_int_equal(stats.damaged_chunks, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define STORE_TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)
		STORE_TEST(test_sweep_frees_the_dead),
		STORE_TEST(test_sweep_drops_everything),
		STORE_TEST(test_put_during_marking_keeps),
		STORE_TEST(test_swept_pack_is_no_target),
		STORE_TEST(test_failed_record_changes_nothing),
		STORE_TEST(test_evacuation_without_punching),
		STORE_TEST(test_marks_in_passes),
		STORE_TEST(test_marks_skip_unused_numbers),
		STORE_TEST(test_bad_row_frees_no_other_pack),
		STORE_TEST(test_bad_length_removes_no_segment),
		STORE_TEST(test_given_up_copies_leave_no_blocks),
		STORE_TEST(test_readers_during_sweep),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
