/* SPDX-License-Identifier: MIT */
/* The catalogue: what was committed is there, what was not is not; damage is told. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "fs/store/catalogue.h"
#include "fs/store/catalogue_sql.h"
#include "fs/store/catalogue_vfs.h"
#include "lib/base/fault.h"

static char folder[200], path[300];
static const uint8_t uuid[16] = "0123456789abcdef";

static int setup(void **state)
{
	const char *tmp = getenv("TMPDIR");
	(void)state;
	snprintf(folder, sizeof(folder), "%s/granary-catalogue.XXXXXX", tmp ? tmp : "/tmp");
	assert_non_null(mkdtemp(folder));
	/* Signs that mean something in a URI. */
	snprintf(path, sizeof(path), "%s/a?b#c%%20.sqlite", folder);
	assert_int_equal(catalogue_create(path, uuid), 0);
	return 0;
}

static int teardown(void **state)
{
	char command[400];
	(void)state;
	fault_set(NULL);
	snprintf(command, sizeof(command), "rm -rf '%s'", folder);
	return system(command);
}

static struct catalogue *open_it(bool read_only)
{
	struct catalogue *c = NULL;
	assert_int_equal(catalogue_open(path, uuid, read_only, 1 << 20, &c), 0);
	return c;
}

static void set_committed(struct catalogue *c, const char *key, int64_t value)
{
	assert_int_equal(catalogue_begin(c), 0);
	assert_int_equal(catalogue_set_meta(c, key, value), 0);
	assert_int_equal(catalogue_commit(c), 0);
}

static int64_t get(struct catalogue *c, const char *key)
{
	int64_t value = -1;
	assert_int_equal(catalogue_get_meta(c, key, &value), 0);
	return value;
}

static void test_commit_and_rollback(void **state)
{
	(void)state;
	struct catalogue *c = open_it(false);
	assert_int_equal(get(c, "a"), 0);
	assert_int_equal(catalogue_begin(c), 0);
	assert_int_equal(catalogue_set_meta(c, "a", 7), 0);
	assert_int_equal(get(c, "a"), 0); /* the reader sees the last commit */
	assert_int_equal(catalogue_commit(c), 0);
	assert_int_equal(get(c, "a"), 7);
	assert_int_equal(catalogue_begin(c), 0);
	assert_int_equal(catalogue_set_meta(c, "a", 8), 0);
	catalogue_rollback(c);
	assert_int_equal(get(c, "a"), 7);
	catalogue_close(&c);
	c = open_it(true);
	assert_int_equal(get(c, "a"), 7);
	catalogue_close(&c);
}

/* A commit without room leaves nothing behind and can be done again. */
static void test_failing_commits(void **state)
{
	(void)state;
	struct catalogue *c = open_it(false);
	set_committed(c, "a", 1);
	fault_set("catalogue_full:1,catalogue_io:2");
	assert_int_equal(catalogue_begin(c), 0);
	assert_int_equal(catalogue_set_meta(c, "a", 2), 0);
	assert_int_equal(catalogue_commit(c), -ENOSPC);
	assert_int_equal(get(c, "a"), 1);
	set_committed(c, "a", 3);
	assert_int_equal(catalogue_begin(c), 0);
	assert_int_equal(catalogue_set_meta(c, "a", 4), 0);
	assert_int_equal(catalogue_commit(c), -EIO);
	assert_int_equal(get(c, "a"), 3);
	catalogue_close(&c);
}

/* The write-ahead log stays small though nobody closes the catalogue. */
static void test_checkpoints(void **state)
{
	(void)state;
	struct catalogue *c = open_it(false);
	char key[32];
	for (int i = 0; i < 40; i++) {
		assert_int_equal(catalogue_begin(c), 0);
		for (int j = 0; j < 4000; j++) {
			snprintf(key, sizeof(key), "key-%d-%d", j * 7919 % 4000, i);
			assert_int_equal(catalogue_set_meta(c, key, i), 0);
		}
		assert_int_equal(catalogue_commit(c), 0);
	}
	assert_in_range(catalogue_size(c), 1 << 20, 40 << 20);
	assert_int_equal(get(c, "key-5-39"), 39);
	catalogue_close(&c);
}

static void test_copy(void **state)
{
	(void)state;
	char copy[300];
	struct catalogue *c = open_it(false);
	set_committed(c, "a", 5);
	snprintf(copy, sizeof(copy), "%s/copy", folder);
	assert_int_equal(catalogue_begin(c), 0);
	assert_int_equal(catalogue_set_meta(c, "a", 6), 0);
	assert_int_equal(catalogue_copy(c, copy), 0);
	assert_int_equal(catalogue_commit(c), 0);
	catalogue_close(&c);
	assert_int_equal(catalogue_open(copy, uuid, false, 0, &c), 0);
	assert_int_equal(get(c, "a"), 5);
	catalogue_close(&c);
}

static void count_findings(void *context, const char *finding)
{
	(void)finding;
	(*(int *)context)++;
}

static void test_check(void **state)
{
	(void)state;
	int findings = 0;
	struct catalogue *c = open_it(false);
	for (int i = 0; i < 2000; i++) {
		char key[32];
		snprintf(key, sizeof(key), "some longer key of row %d", i);
		if (i % 500 == 0)
			assert_int_equal(catalogue_begin(c), 0);
		assert_int_equal(catalogue_set_meta(c, key, i), 0);
		if (i % 500 == 499)
			assert_int_equal(catalogue_commit(c), 0);
	}
	assert_int_equal(catalogue_check(c, true, count_findings, &findings), 0);
	catalogue_close(&c);
	FILE *file = fopen(path, "r+");
	fseek(file, 0, SEEK_END);
	long middle = ftell(file) / 4096 / 2;
	for (long page = middle; page < middle + 2; page++) {
		fseek(file, page * 4096 + 3, SEEK_SET);
		fwrite("damage", 1, 6, file);
	}
	fclose(file);
	c = open_it(false);
	assert_true(catalogue_check(c, false, count_findings, &findings) > 0);
	assert_true(findings > 0);
	catalogue_close(&c);
}

static void test_refusals(void **state)
{
	(void)state;
	static const uint8_t other[16] = "fedcba9876543210";
	struct catalogue *c = NULL;
	assert_int_equal(catalogue_create(path, uuid), -EEXIST);
	assert_int_equal(catalogue_open(path, other, false, 0, &c), -EBADMSG);
	sqlite3 *db;
	assert_int_equal(catalogue_vfs_open(path, SQLITE_OPEN_READWRITE, &db), SQLITE_OK);
	assert_int_equal(sqlite3_exec(db, "PRAGMA user_version=99", NULL, NULL, NULL), SQLITE_OK);
	sqlite3_close(db);
	assert_int_equal(catalogue_open(path, uuid, false, 0, &c), -EPROTONOSUPPORT);
	assert_int_equal(catalogue_vfs_open(path, SQLITE_OPEN_READWRITE, &db), SQLITE_OK);
	assert_int_equal(sqlite3_exec(db, "PRAGMA application_id=99", NULL, NULL, NULL), SQLITE_OK);
	sqlite3_close(db);
	assert_int_equal(catalogue_open(path, uuid, false, 0, &c), -EBADMSG);
	FILE *file = fopen(path, "r+");
	fwrite("not a database at all", 1, 21, file);
	fclose(file);
	assert_int_equal(catalogue_open(path, uuid, false, 0, &c), -EBADMSG);
	unlink(path);
	assert_int_equal(catalogue_open(path, uuid, false, 0, &c), -EBADMSG);
	assert_null(c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define CATALOGUE_TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
		CATALOGUE_TEST(test_commit_and_rollback),
		CATALOGUE_TEST(test_failing_commits),
		CATALOGUE_TEST(test_checkpoints),
		CATALOGUE_TEST(test_copy),
		CATALOGUE_TEST(test_check),
		CATALOGUE_TEST(test_refusals),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
