/* SPDX-License-Identifier: MIT */
/*
 * What no row of the catalogue owns is given back at the next open, but never a
 * pack whose row is wrong; cleaning drops segments in which nothing is left.
 */
#include "tests/unit/store_support.h"

#include <errno.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fs/store/catalogue_vfs.h"
#include "fs/store/store_private.h"
#include "fs/store/sweep.h"

#define COUNT 500u

static void change_catalogue(struct fixture *f, const char *sql)
{
	char path[400];
	sqlite3 *db = NULL;
	snprintf(path, sizeof(path), "%s/catalogue.sqlite", f->path);
	assert_int_equal(catalogue_vfs_open(path, SQLITE_OPEN_READWRITE, &db), SQLITE_OK);
	assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
	sqlite3_close(db);
}

static void segment_path(struct fixture *f, char path[400], unsigned number)
{
	snprintf(path, 400, "%s/segments/%02u/%010u.seg", f->path, number % 100, number);
}

static int64_t blocks(struct fixture *f)
{
	char path[400];
	struct stat st;
	segment_path(f, path, 1);
	assert_int_equal(stat(path, &st), 0);
	return (int64_t)st.st_blocks * 512;
}

/* The first segment is full; which packs are in it is the threads' affair. */
static void put_first_segment(struct fixture *f, struct chunk_ref *refs)
{
	put_many(f->store, store_shared_stream(f->store, PACK_DATA), 1, COUNT, refs);
	assert_int_equal(commit(f->store), 0);
	put_many(f->store, store_shared_stream(f->store, PACK_DATA), 90000, 40, &refs[COUNT]);
	assert_int_equal(commit(f->store), 0);
	fixture_close(f);
	fixture_copy(f, "before");
}

/* Makes the open look for gaps, whatever the rows say. */
#define SEALED ";UPDATE segment SET state=1,freed=size-8192 WHERE segment=1"

/* Packs in the middle of it. */
#define SOME "(SELECT pack FROM pack WHERE segment=1 ORDER BY offset LIMIT 3 OFFSET 1)"

static void check_kept(struct fixture *f, const char *wrong)
{
	char path[400];
	int64_t before = blocks(f);
	shell("cp '%s/before/catalogue.sqlite' '%s/'", f->folder, f->path);
	change_catalogue(f, wrong);
	fixture_open(f);
	fixture_close(f);
	assert_int_equal(blocks(f), before);
	segment_path(f, path, 1);
	shell("cmp '%s' '%s/before/segments/01/0000000001.seg'", path, f->folder);
}

/* A row that leads elsewhere makes a gap of a living pack, which stays. */
static void test_packs_with_wrong_rows_stay(void **state)
{
	static const char *const wrong[] = {
		"UPDATE pack SET segment=2 WHERE pack IN" SOME SEALED,
		"UPDATE pack SET segment=99 WHERE pack IN" SOME SEALED,
		"UPDATE pack SET offset=offset+1024 WHERE pack IN" SOME SEALED,
		"UPDATE pack SET length=512 WHERE pack IN" SOME SEALED,
		"UPDATE pack SET version=9,segment=2,offset=4096 WHERE pack IN" SOME SEALED,
	};
	struct fixture *f = *state;
	struct chunk_ref refs[COUNT + 40];
	put_first_segment(f, refs);
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		check_kept(f, wrong[i]);
	shell("cp '%s/before/catalogue.sqlite' '%s/'", f->folder, f->path);
	fixture_open(f);
	check_many(f->store, 1, COUNT, refs);
}

static void sweep_all(struct fixture *f, const struct chunk_ref *refs)
{
	struct store_marks *marks = NULL;
	struct store_sweep *sweep = NULL;
	struct store_sweep_options options = {.step_packs = 100};
	assert_int_equal(store_marks_begin(f->store, 0, 1 << 20, &marks), 0);
	for (unsigned i = 0; i < COUNT; i++)
		store_mark(f->store, marks, refs[i]);
	assert_int_equal(store_sweep_begin(f->store, marks, &options, &sweep), 0);
	while (store_sweep_step(sweep) == 1) {
		if (!store_sweep_has_changes(sweep)) {
			store_sweep_done(sweep, true);
			continue;
		}
		assert_int_equal(catalogue_begin(store_catalogue(f->store)), 0);
		assert_int_equal(store_sweep_record(sweep), 0);
		assert_int_equal(catalogue_commit(store_catalogue(f->store)), 0);
		store_sweep_done(sweep, true);
	}
	store_sweep_end(&sweep);
	store_marks_end(f->store, &marks);
}

static uint64_t pack_of_first_segment(struct fixture *f, const struct chunk_ref *refs)
{
	for (unsigned i = COUNT / 2; i-- > 0;) {
		struct pack *pack = NULL;
		assert_int_equal(pack_table_get(f->store->packs, refs[i].pack, &pack), 0);
		bool there = pack->place.segment == 1;
		pack_release(&pack);
		if (there)
			return refs[i].pack;
	}
	fail();
	return 0;
}

/* Dead packs whose places a crash has left allotted are given back around the living. */
static void test_dead_packs_are_given_back(void **state)
{
	struct fixture *f = *state;
	struct chunk_ref refs[COUNT + 40];
	struct store_marks *marks = NULL;
	struct store_sweep *sweep = NULL;
	struct store_sweep_options options = {.step_packs = 100};
	put_first_segment(f, refs);
	fixture_open(f);
	uint64_t living = pack_of_first_segment(f, refs);
	assert_int_equal(store_marks_begin(f->store, 0, 1 << 20, &marks), 0);
	for (unsigned i = 0; i < COUNT; i++)
		if (refs[i].pack == living)
			store_mark(f->store, marks, refs[i]);
	assert_int_equal(store_sweep_begin(f->store, marks, &options, &sweep), 0);
	assert_int_equal(store_sweep_step(sweep), 1);
	assert_int_equal(catalogue_begin(store_catalogue(f->store)), 0);
	assert_int_equal(store_sweep_record(sweep), 0);
	assert_int_equal(catalogue_commit(store_catalogue(f->store)), 0);
	store_sweep_done(sweep, true);
	store_sweep_end(&sweep);
	store_marks_end(f->store, &marks);
	fixture_close(f);
	int64_t punched = blocks(f);
	char path[400];
	segment_path(f, path, 1);
	shell("dd if='%s/before/segments/01/0000000001.seg' of='%s' conv=notrunc status=none", f->folder, path);
	int64_t filled = blocks(f);
	if (filled <= punched)
		skip(); /* a host that cannot punch */
	fixture_open(f);
	assert_in_range(blocks(f), 1, punched + 65536);
	for (unsigned i = 0; i < COUNT; i++)
		if (refs[i].pack == living)
			check_many(f->store, 1 + i, 1, &refs[i]);
}

/* A restored catalogue names segments in which nothing is left: the next cleaning drops them, also
 * when it finds nothing else to do. */
static void test_cleaning_drops_empty_segments(void **state)
{
	struct fixture *f = *state;
	struct chunk_ref refs[COUNT + 40];
	char path[400];
	put_first_segment(f, refs);
	segment_path(f, path, 50);
	shell("mkdir -p '%s/segments/50' && cp '%s/segments/01/0000000001.seg' '%s'", f->path, f->path, path);
	change_catalogue(f, "INSERT INTO segment(segment,size,freed,state)"
			    " SELECT 50,size,size-4096,1 FROM segment WHERE segment=1");
	fixture_open(f);
	assert_int_equal(access(path, F_OK), 0);
	sweep_all(f, refs);
	assert_int_equal(access(path, F_OK), -1);
	check_many(f->store, 1, COUNT, refs);
	fixture_close(f);
	fixture_open(f);
	check_many(f->store, 1, COUNT, refs);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define STORE_TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)
		STORE_TEST(test_packs_with_wrong_rows_stay),
		STORE_TEST(test_dead_packs_are_given_back),
		STORE_TEST(test_cleaning_drops_empty_segments),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
