/* SPDX-License-Identifier: MIT */
/* Every page of a catalogue has its checksum at all times, and no bit of one can turn over unseen. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <xxhash.h>

#include "fs/store/catalogue.h"
#include "fs/store/catalogue_vfs.h"
#include "lib/base/cleanup.h"

#define PAGE  4096
#define FLIPS 2400

static char folder[200], path[300];
static const uint8_t uuid[16] = "0123456789abcdef";

static int setup(void **state)
{
	const char *tmp = getenv("TMPDIR");
	(void)state;
	snprintf(folder, sizeof(folder), "%s/granary-pages.XXXXXX", tmp ? tmp : "/tmp");
	assert_non_null(mkdtemp(folder));
	snprintf(path, sizeof(path), "%s/catalogue.sqlite", folder);
	assert_int_equal(catalogue_create(path, uuid), 0);
	return 0;
}

static int teardown(void **state)
{
	char command[400];
	(void)state;
	snprintf(command, sizeof(command), "rm -rf '%s'", folder);
	return system(command);
}

static void run(const char *sql)
{
	sqlite3 *db = NULL;
	assert_int_equal(catalogue_vfs_open(path, SQLITE_OPEN_READWRITE, &db), SQLITE_OK);
	assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_close(db), SQLITE_OK);
}

/* Rows of all lengths, some with pages of their own behind them; no page is free. */
static void fill(int rows)
{
	char sql[1200];
	snprintf(sql, sizeof(sql),
		 "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM n WHERE i<%d)"
		 "INSERT INTO inode SELECT i,1,33188,1,0,0,0,i*1000,i*900,i,i,i,i,0,1,1,0,"
		 " CAST(printf('%%.*c',CASE WHEN i%%10 THEN i%%97 ELSE i*11 END,'m') AS BLOB) FROM n;"
		 "INSERT INTO entry SELECT 1,inode*7919,CAST('file '||inode AS BLOB),inode,8 FROM inode;"
		 "INSERT INTO pack SELECT inode,1,1,inode/8,inode*512,512,3,1000 FROM inode;",
		 rows);
	run(sql);
}

static size_t load(const char *file, uint8_t **bytes)
{
	struct stat st;
	CLEANUP_FD int fd = open(file, O_RDONLY | O_CLOEXEC);
	assert_true(fd >= 0);
	assert_int_equal(fstat(fd, &st), 0);
	*bytes = malloc((size_t)st.st_size + 1);
	assert_non_null(*bytes);
	assert_int_equal(read(fd, *bytes, (size_t)st.st_size), st.st_size);
	return (size_t)st.st_size;
}

/* As granary-format(5) has it, without the code that is tested. Number of pages. */
static size_t assert_sealed(const char *file)
{
	CLEANUP_FREE uint8_t *bytes = NULL;
	size_t size = load(file, &bytes);
	assert_true(size > 0);
	assert_int_equal(size % PAGE, 0);
	for (size_t page = 0; page < size / PAGE; page++) {
		uint64_t seal;
		memcpy(&seal, bytes + page * PAGE + PAGE - 8, 8);
		assert_int_equal(le64toh(seal),
				 XXH3_64bits_withSeed(bytes + page * PAGE, PAGE - 8, page + 1));
	}
	return size / PAGE;
}

static struct catalogue *open_it(const char *file)
{
	struct catalogue *c = NULL;
	assert_int_equal(catalogue_open(file, uuid, false, 1 << 20, &c), 0);
	return c;
}

static void ignore_finding(void *context, const char *finding)
{
	(void)context;
	(void)finding;
}

static void assert_sound(struct catalogue *c)
{
	assert_int_equal(catalogue_check(c, true, ignore_finding, NULL), 0);
}

static void commit_keys(struct catalogue *c, int round)
{
	char key[48];
	assert_int_equal(catalogue_begin(c), 0);
	for (int i = 0; i < 2000; i++) {
		snprintf(key, sizeof(key), "a key of some length %d-%d", i * 7919 % 2000, round);
		assert_int_equal(catalogue_set_meta(c, key, i), 0);
	}
	assert_int_equal(catalogue_commit(c), 0);
}

/* Through the log, its being moved into the file, a copy and opening again. */
static void test_checksums_are_kept(void **state)
{
	(void)state;
	char copy[400];
	assert_sealed(path);
	struct catalogue *c = open_it(path);
	for (int round = 0; round < 40; round++)
		commit_keys(c, round);
	assert_sound(c);
	snprintf(copy, sizeof(copy), "%s/copy", folder);
	assert_int_equal(catalogue_copy(c, copy), 0);
	size_t pages = assert_sealed(copy);
	catalogue_close(&c);
	assert_int_equal(assert_sealed(path), pages);
	run("DELETE FROM meta WHERE key LIKE '%7%'; PRAGMA wal_checkpoint(TRUNCATE)");
	assert_sealed(path);
	c = open_it(path);
	for (int round = 40; round < 50; round++)
		commit_keys(c, round);
	assert_sound(c);
	catalogue_close(&c);
	assert_sealed(path);
	run("VACUUM");
	assert_sealed(path);
	c = open_it(copy);
	assert_sound(c);
	commit_keys(c, 99);
	catalogue_close(&c);
	assert_sealed(copy);
}

/* ---- bits that turn over ---- */

static const char sum_sql[] =
	"SELECT group_concat(v,';') FROM (SELECT inode||','||size||','||hex(map) AS v FROM inode"
	" UNION ALL SELECT hash||','||hex(name)||','||inode FROM entry"
	" UNION ALL SELECT pack||','||segment||','||offset FROM pack NOT INDEXED"
	" UNION ALL SELECT segment||','||pack FROM pack INDEXED BY pack_segment"
	" UNION ALL SELECT key||','||hex(value) FROM meta)";

/* All that the rows say, as one number; false when they cannot be read. */
static bool sum_rows(struct catalogue *c, uint64_t *sum)
{
	sqlite3 *db = NULL;
	sqlite3_stmt *s = NULL;
	bool got = false;
	if (catalogue_snapshot_open(c, &db))
		return false;
	if (sqlite3_prepare_v2(db, sum_sql, -1, &s, NULL) == SQLITE_OK && sqlite3_step(s) == SQLITE_ROW) {
		*sum = XXH3_64bits(sqlite3_column_text(s, 0), (size_t)sqlite3_column_bytes(s, 0));
		got = true;
	}
	sqlite3_finalize(s);
	catalogue_snapshot_close(c, &db);
	return got;
}

static uint64_t sum_of_file(void)
{
	uint64_t sum = 0;
	struct catalogue *c = open_it(path);
	assert_true(sum_rows(c, &sum));
	catalogue_close(&c);
	return sum;
}

static void flip(int fd, size_t bit)
{
	uint8_t byte;
	assert_int_equal(pread(fd, &byte, 1, (off_t)(bit / 8)), 1);
	byte ^= (uint8_t)(1u << bit % 8);
	assert_int_equal(pwrite(fd, &byte, 1, (off_t)(bit / 8)), 1);
}

struct outcome {
	int refused, found, unseen, wrong, other_error;
};

static void look(struct outcome *o, bool read_only, uint64_t right)
{
	struct catalogue *c = NULL;
	uint64_t sum;
	int error = catalogue_open(path, uuid, read_only, 1 << 20, &c);
	if (error) {
		o->refused++;
		o->other_error += error != -EBADMSG;
		return;
	}
	int findings = catalogue_check(c, false, ignore_finding, NULL);
	o->found += findings > 0;
	o->unseen += findings == 0;
	o->other_error += findings < 0;
	if (sum_rows(c, &sum) && sum != right)
		o->wrong++;
	catalogue_close(&c);
}

static void test_no_bit_turns_over_unseen(void **state)
{
	(void)state;
	struct outcome o = {0};
	uint64_t random = 88172645463325252;
	fill(400);
	size_t bits = assert_sealed(path) * PAGE * 8;
	uint64_t right = sum_of_file();
	CLEANUP_FD int fd = open(path, O_RDWR | O_CLOEXEC);
	/* Each flip is logged, which is of no use here. */
	fflush(stderr);
	CLEANUP_FD int log = dup(2);
	CLEANUP_FD int null = open("/dev/null", O_WRONLY | O_CLOEXEC);
	assert_true(fd >= 0 && log >= 0 && null >= 0);
	dup2(null, 2);
	for (int i = 0; i < FLIPS; i++) {
		random ^= random << 13;
		random ^= random >> 7;
		random ^= random << 17;
		/* The file's header first, bit for bit, then anywhere. */
		size_t bit = i < 800 ? (size_t)i : random % bits;
		flip(fd, bit);
		look(&o, i % 2, right);
		flip(fd, bit);
	}
	dup2(log, 2);
	print_message("%d refused, %d found\n", o.refused, o.found);
	assert_int_equal(o.wrong, 0);
	assert_int_equal(o.unseen, 0);
	assert_int_equal(o.other_error, 0);
	assert_true(o.refused >= 800 && o.found > 0);
	/* Looking has changed nothing. */
	assert_int_equal(sum_of_file(), right);
	assert_int_equal(assert_sealed(path) * PAGE * 8, bits);
}

/* A sound page of another place, or of another time with the right number, is told apart as far
 * as one page can tell: the place. */
static void test_a_page_in_a_wrong_place(void **state)
{
	(void)state;
	CLEANUP_FREE uint8_t *bytes = NULL;
	fill(400);
	size_t pages = load(path, &bytes) / PAGE;
	CLEANUP_FD int fd = open(path, O_RDWR | O_CLOEXEC);
	assert_int_equal(pwrite(fd, bytes + (pages - 2) * PAGE, PAGE, (off_t)((pages - 1) * PAGE)), PAGE);
	struct catalogue *c = open_it(path);
	assert_true(catalogue_check(c, false, ignore_finding, NULL) > 0);
	catalogue_close(&c);
}

/* A file that was cut off does not read as zeros, whatever asks for it. */
static void test_parts_of_pages(void **state)
{
	(void)state;
	CLEANUP_FREE uint8_t *bytes = NULL;
	uint8_t part[6000];
	sqlite3 *db = NULL;
	sqlite3_file *file = NULL;
	fill(400);
	size_t pages = load(path, &bytes) / PAGE;
	CLEANUP_FD int fd = open(path, O_RDWR | O_CLOEXEC);
	flip(fd, (5 * PAGE + 77) * 8);
	assert_int_equal(ftruncate(fd, (off_t)((pages - 1) * PAGE)), 0);
	assert_int_equal(catalogue_vfs_open(path, SQLITE_OPEN_READWRITE, &db), SQLITE_OK);
	assert_int_equal(sqlite3_file_control(db, "main", SQLITE_FCNTL_FILE_POINTER, &file), SQLITE_OK);
	assert_true(file->pMethods->iVersion < 3); /* no memory mapping */
	assert_int_equal(file->pMethods->xRead(file, part, sizeof(part), 2 * PAGE + 30), SQLITE_OK);
	assert_memory_equal(part, bytes + 2 * PAGE + 30, sizeof(part));
	assert_int_equal(file->pMethods->xRead(file, part, 100, 5 * PAGE), SQLITE_IOERR_DATA);
	assert_int_equal(file->pMethods->xRead(file, part, 200, 4 * PAGE + 4000), SQLITE_IOERR_DATA);
	assert_int_equal(file->pMethods->xRead(file, part, PAGE, (off_t)((pages - 1) * PAGE)),
			 SQLITE_IOERR_DATA);
	/* Nor can anything be written past the checksums. */
	assert_int_equal(file->pMethods->xWrite(file, part, 100, 2 * PAGE), SQLITE_IOERR_WRITE);
	sqlite3_close(db);
}

/* A database without room for checksums is not taken for a catalogue. */
static void test_without_checksums(void **state)
{
	(void)state;
	struct catalogue *c = NULL;
	sqlite3 *db = NULL;
	unlink(path);
	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	assert_int_equal(sqlite3_exec(db, "PRAGMA application_id=0x4752414e; PRAGMA user_version=1;"
					  "CREATE TABLE meta(key TEXT PRIMARY KEY, value)",
				      NULL, NULL, NULL),
			 SQLITE_OK);
	sqlite3_close(db);
	assert_int_equal(catalogue_open(path, uuid, false, 0, &c), -EBADMSG);
	assert_int_equal(catalogue_open(path, uuid, true, 0, &c), -EBADMSG);
	assert_null(c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define PAGES_TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
		PAGES_TEST(test_checksums_are_kept),
		PAGES_TEST(test_no_bit_turns_over_unseen),
		PAGES_TEST(test_a_page_in_a_wrong_place),
		PAGES_TEST(test_parts_of_pages),
		PAGES_TEST(test_without_checksums),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
