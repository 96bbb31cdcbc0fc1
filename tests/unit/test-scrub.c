/* SPDX-License-Identifier: MIT */
/*
 * Scrubbing finds what is damaged and says which files have it; the same data coming in again
 * heals them. Cleaning never guesses below a damaged map.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>

#include <cmocka.h>
#include <sqlite3.h>

#include "fs/format.h"
#include "tests/unit/tree_scene.h"

#define MIB (UINT64_C(1) << 20)

struct place {
	int64_t segment, offset, length, slots;
};

/* The first pack of this kind, while the store is closed. */
static struct place first_pack(const struct scene *s, int kind)
{
	char path[128];
	sqlite3 *db;
	sqlite3_stmt *statement;
	struct place place;
	snprintf(path, sizeof(path), "%s/catalogue.sqlite", s->path);
	assert_int_equal(sqlite3_open_v2(path, &db, SQLITE_OPEN_READONLY, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_prepare_v2(db, "SELECT segment,offset,length,slots FROM pack"
						" WHERE kind=?1 ORDER BY pack LIMIT 1",
					    -1, &statement, NULL),
			 SQLITE_OK);
	sqlite3_bind_int(statement, 1, kind);
	assert_int_equal(sqlite3_step(statement), SQLITE_ROW);
	place.segment = sqlite3_column_int64(statement, 0);
	place.offset = sqlite3_column_int64(statement, 1);
	place.length = sqlite3_column_int64(statement, 2);
	place.slots = sqlite3_column_int64(statement, 3);
	sqlite3_finalize(statement);
	sqlite3_close(db);
	return place;
}

/* Turns bits over at the start of the pack's first regions. */
static void hurt_pack(const struct scene *s, int kind)
{
	struct place place = first_pack(s, kind);
	char path[128];
	uint8_t bytes[64];
	snprintf(path, sizeof(path), "%s/segments/%02lld/%010lld.seg", s->path,
		 (long long)place.segment % 100, (long long)place.segment);
	int fd = open(path, O_RDWR);
	assert_true(fd >= 0);
	/* Behind the header and a directory with up to eight regions. */
	off_t at = place.offset + PACK_HEADER_SIZE + 8 * REGION_ENTRY_SIZE +
		   place.slots * SLOT_ENTRY_SIZE;
	assert_true(at + (off_t)sizeof(bytes) < place.offset + place.length);
	assert_int_equal(pread(fd, bytes, sizeof(bytes), at), sizeof(bytes));
	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] ^= 0x55;
	assert_int_equal(pwrite(fd, bytes, sizeof(bytes), at), sizeof(bytes));
	close(fd);
}

struct found {
	int count;
	char path[256];
	uint64_t bytes;
};

static void note_path(void *context, const char *path, uint64_t bytes)
{
	struct found *f = context;
	f->count++;
	f->bytes = bytes;
	snprintf(f->path, sizeof(f->path), "%s", path);
}

static struct found damaged(struct scene *s)
{
	struct found f = {0};
	assert_int_equal(tree_damaged_paths(s->tree, note_path, &f), 0);
	return f;
}

static void test_damage_is_found_named_and_healed(void **state)
{
	(void)state;
	struct scene s;
	scene_new(&s);
	uint64_t a = scene_make(&s, TREE_ROOT, "a", S_IFDIR | 0755);
	uint64_t b = scene_make(&s, a, "b", S_IFDIR | 0755);
	scene_file(&s, b, "hurt", 1, 3 * MIB);
	assert_int_equal(tree_commit(s.tree, 0), 0);
	scene_file(&s, a, "fine", 2, 3 * MIB);
	scene_close(&s);
	hurt_pack(&s, PACK_DATA);
	scene_open(&s);
	assert_int_equal(damaged(&s).count, 0); /* nobody has looked */

	struct tree_job_status status = scene_run(&s, TREE_JOB_SCRUB);
	assert_in_range(status.damaged_chunks, 1, 200);
	assert_int_equal(status.damaged_files, 1);
	assert_int_equal(status.done, status.total);
	struct found f = damaged(&s);
	assert_int_equal(f.count, 1);
	assert_string_equal(f.path, "a/b/hurt");
	assert_in_range(f.bytes, 2048, MIB);
	assert_int_equal(scene_try_read(&s, scene_lookup(&s, b, "hurt"), 1, 3 * MIB), -EIO);
	scene_check(&s, a, "fine", 2, 3 * MIB);

	/* A restart does not forget it, cleaning does not take it for dead. */
	scene_close(&s);
	scene_open(&s);
	assert_int_equal(damaged(&s).count, 1);
	scene_run(&s, TREE_JOB_CLEAN);
	assert_int_equal(damaged(&s).count, 1);

	scene_file(&s, TREE_ROOT, "again", 1, 3 * MIB);
	assert_int_equal(tree_commit(s.tree, 0), 0);
	assert_int_equal(damaged(&s).count, 0);
	scene_check(&s, b, "hurt", 1, 3 * MIB);
	assert_int_equal(tree_unlink(s.tree, TREE_ROOT, "again"), 0);
	for (int round = 0; round < 2; round++) {
		scene_run(&s, TREE_JOB_CLEAN);
		scene_check(&s, b, "hurt", 1, 3 * MIB);
		scene_close(&s);
		scene_open(&s);
	}
	status = scene_run(&s, TREE_JOB_SCRUB);
	assert_int_equal(status.damaged_files, 0);
	scene_check(&s, b, "hurt", 1, 3 * MIB);
	scene_end(&s);
}

static void test_a_damaged_map_stops_cleaning_until_the_file_is_gone(void **state)
{
	(void)state;
	struct scene s;
	scene_new(&s);
	scene_file(&s, TREE_ROOT, "big", 3, 4 * MIB);
	scene_file(&s, TREE_ROOT, "drop", 4, 4 * MIB);
	scene_close(&s);
	hurt_pack(&s, PACK_MAP);
	scene_open(&s);
	assert_int_equal(tree_unlink(s.tree, TREE_ROOT, "drop"), 0);
	uint64_t before = scene_used(&s);
	assert_int_equal(tree_job_command(s.tree, TREE_JOB_CLEAN, TREE_JOB_START), 0);
	struct tree_job_status status = scene_wait(&s, TREE_JOB_CLEAN);
	assert_string_equal(status.state, "failed");
	assert_int_equal(status.error, -EIO);
	assert_true(scene_used(&s) >= before);
	struct found f = damaged(&s);
	assert_int_equal(f.count, 1);
	assert_string_equal(f.path, "big");
	assert_int_equal(tree_unlink(s.tree, TREE_ROOT, "big"), 0);
	scene_run(&s, TREE_JOB_CLEAN);
	assert_in_range(scene_used(&s), 0, before - 7 * MIB);
	assert_int_equal(damaged(&s).count, 0);
	scene_end(&s);
}

static void test_scrubbing_goes_on_where_it_was(void **state)
{
	(void)state;
	struct scene s;
	scene_new(&s);
	scene_file(&s, TREE_ROOT, "f", 5, 6 * MIB);
	assert_int_equal(tree_commit(s.tree, 0), 0);
	assert_int_equal(tree_job_command(s.tree, TREE_JOB_SCRUB, TREE_JOB_START), 0);
	int rc = tree_job_command(s.tree, TREE_JOB_SCRUB, TREE_JOB_PAUSE);
	assert_true(rc == 0 || rc == -ESRCH);
	scene_close(&s);
	scene_open(&s);
	if (rc == 0) {
		assert_string_equal(scene_status(&s, TREE_JOB_SCRUB).state, "paused");
		assert_int_equal(tree_job_command(s.tree, TREE_JOB_SCRUB, TREE_JOB_RESUME), 0);
	}
	struct tree_job_status status = scene_wait(&s, TREE_JOB_SCRUB);
	assert_string_equal(status.state, "idle");
	assert_in_range(status.done, 6 * MIB, 8 * MIB);
	assert_int_equal(status.damaged_chunks, 0);
	scene_end(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_damage_is_found_named_and_healed),
		cmocka_unit_test(test_a_damaged_map_stops_cleaning_until_the_file_is_gone),
		cmocka_unit_test(test_scrubbing_goes_on_where_it_was),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
