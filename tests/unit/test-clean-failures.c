/* SPDX-License-Identifier: MIT */
/*
 * Whatever happens while a store is cleaned - the process is killed, memory or space runs out,
 * a disk write fails - no file loses a byte, and cleaning again frees what is dead.
 */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/wait.h>
#include <time.h>

#include <cmocka.h>
#include <sqlite3.h>

#include "lib/base/fault.h"
#include "tests/unit/tree_scene.h"

#define MIB   (UINT64_C(1) << 20)
#define KEPT  5
#define SIZE  (MIB + 8192)

static void make_kept(struct scene *s)
{
	char name[16];
	for (int i = 0; i < KEPT; i++) {
		/* Dead data between the living, so that packs are rewritten. */
		snprintf(name, sizeof(name), "dead%d", i);
		scene_file(s, TREE_ROOT, name, 100 + (uint64_t)i, MIB / 2);
		snprintf(name, sizeof(name), "kept%d", i);
		scene_file(s, TREE_ROOT, name, (uint64_t)i, SIZE);
	}
	assert_int_equal(tree_commit(s->tree, 0), 0);
	for (int i = 0; i < KEPT; i++) {
		snprintf(name, sizeof(name), "dead%d", i);
		assert_int_equal(tree_unlink(s->tree, TREE_ROOT, name), 0);
	}
	assert_int_equal(tree_commit(s->tree, 0), 0);
}

static void check_kept(struct scene *s)
{
	char name[16];
	for (int i = 0; i < KEPT; i++) {
		snprintf(name, sizeof(name), "kept%d", i);
		scene_check(s, TREE_ROOT, name, (uint64_t)i, SIZE);
	}
}

/* A commit that something failed in may not have ended yet, and who waits for one fails with it. */
static void settle(struct scene *s)
{
	struct stat attr = {.st_mode = 0755};
	int error = -1;
	assert_int_equal(tree_setattr(s->tree, TREE_ROOT, TREE_SET_MODE, &attr), 0);
	for (unsigned i = 0; error && i < 1000; i++) {
		error = tree_commit(s->tree, 0);
		if (error)
			usleep(10000);
	}
	assert_int_equal(error, 0);
}

static void check_cleans(struct scene *s)
{
	settle(s);
	scene_run(s, TREE_JOB_CLEAN);
	check_kept(s);
	assert_int_equal(scene_run(s, TREE_JOB_SCRUB).damaged_chunks, 0);
	assert_in_range(scene_used(s), KEPT * SIZE, KEPT * SIZE + 3 * MIB);
}

/* ---- killed ---- */

/* Churns and cleans until it is killed. Never returns. */
static void child_run(struct scene *s, unsigned round)
{
	scene_open(s);
	tree_job_command(s->tree, TREE_JOB_CLEAN, TREE_JOB_START);
	for (unsigned i = 0;; i++) {
		uint64_t seed = 1000 + round * 10 + i % 3;
		uint64_t inode = scene_lookup(s, TREE_ROOT, "churn");
		if (inode)
			(void)tree_unlink(s->tree, TREE_ROOT, "churn");
		inode = scene_file(s, TREE_ROOT, "churn", seed, MIB);
		(void)tree_commit(s->tree, 0);
		if (scene_is_idle(s, TREE_JOB_CLEAN))
			tree_job_command(s->tree, TREE_JOB_CLEAN, TREE_JOB_START);
	}
}

/* What is there of the file that was in the works is whole or not committed. */
static void check_churn(struct scene *s)
{
	uint64_t inode = scene_lookup(s, TREE_ROOT, "churn");
	struct stat st;
	if (!inode)
		return;
	assert_int_equal(tree_getattr(s->tree, inode, &st), 0);
	struct tree_read r;
	for (uint64_t at = 0; at + 4096 <= (uint64_t)st.st_size; at += 4096) {
		assert_int_equal(tree_read(s->tree, inode, at, 4096, &r), 0);
		tree_read_release(&r);
	}
}

static void test_killed_at_any_moment(void **state)
{
	(void)state;
	struct scene s;
	uint64_t random = (uint64_t)time(NULL);
	const char *rounds = getenv("CLEAN_ROUNDS");
	printf("seed %llu\n", (unsigned long long)random);
	scene_new(&s);
	make_kept(&s);
	scene_close(&s);
	for (unsigned round = 0; round < (rounds ? strtoul(rounds, NULL, 0) : 12); round++) {
		fflush(NULL);
		pid_t child = fork();
		assert_true(child >= 0);
		if (child == 0)
			child_run(&s, round);
		random = scene_word(random, round);
		usleep((useconds_t)(20000 + random % 300000));
		assert_int_equal(kill(child, SIGKILL), 0);
		assert_int_equal(waitpid(child, NULL, 0), child);
		scene_open(&s);
		check_kept(&s);
		check_churn(&s);
		/* The job goes on by itself; stop it, so that the child starts its own. */
		(void)tree_job_command(s.tree, TREE_JOB_CLEAN, TREE_JOB_STOP);
		scene_close(&s);
	}
	scene_open(&s);
	uint64_t churn = scene_lookup(&s, TREE_ROOT, "churn");
	if (churn)
		assert_int_equal(tree_unlink(s.tree, TREE_ROOT, "churn"), 0);
	check_cleans(&s);
	scene_end(&s);
}

/* ---- failures to order ---- */

static void clean_with_fault(struct scene *s, const char *spec)
{
	fault_set(spec);
	int rc = tree_job_command(s->tree, TREE_JOB_CLEAN, TREE_JOB_START);
	if (rc == 0)
		scene_wait(s, TREE_JOB_CLEAN);
	fault_set(NULL);
}

static void test_no_memory(void **state)
{
	(void)state;
	struct scene s;
	char spec[32];
	scene_new(&s);
	make_kept(&s);
	for (int n = 1; n < 400; n += 1 + n / 12) {
		snprintf(spec, sizeof(spec), "mem:%d", n);
		clean_with_fault(&s, spec);
		check_kept(&s);
	}
	check_cleans(&s);
	scene_end(&s);
}

static void test_no_room_for_a_commit(void **state)
{
	(void)state;
	char spec[32];
	for (int n = 1; n <= 6; n++) {
		struct scene s;
		scene_new(&s);
		make_kept(&s);
		snprintf(spec, sizeof(spec), "catalogue_full:%d", n);
		clean_with_fault(&s, spec);
		check_kept(&s);
		check_cleans(&s);
		scene_close(&s);
		scene_open(&s);
		check_kept(&s);
		scene_end(&s);
	}
}

static void test_a_disk_that_fails(void **state)
{
	(void)state;
	static const char *const faults[] = {"pwrite", "fdatasync", "catalogue_io"};
	char spec[32];
	for (size_t i = 0; i < sizeof(faults) / sizeof(faults[0]); i++) {
		for (int n = 1; n <= 7; n += 2) {
			struct scene s;
			scene_new(&s);
			make_kept(&s);
			snprintf(spec, sizeof(spec), "%s:%d", faults[i], n);
			clean_with_fault(&s, spec);
			check_kept(&s); /* read-only or not */
			(void)tree_close(&s.tree);
			store_close(&s.store);
			scene_open(&s);
			check_kept(&s);
			(void)tree_job_command(s.tree, TREE_JOB_CLEAN, TREE_JOB_STOP);
			check_cleans(&s);
			scene_end(&s);
		}
	}
}

/* ---- blocks that a crash left ---- */

/* Where the first segment has its longest run of bytes that no pack owns. */
static void longest_gap(const struct scene *s, int64_t *from, int64_t *length)
{
	char path[128];
	sqlite3 *db;
	sqlite3_stmt *packs;
	int64_t position = 4096;
	snprintf(path, sizeof(path), "%s/catalogue.sqlite", s->path);
	assert_int_equal(sqlite3_open_v2(path, &db, SQLITE_OPEN_READONLY, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_prepare_v2(db, "SELECT offset,length FROM pack WHERE segment=1"
						" ORDER BY offset", -1, &packs, NULL),
			 SQLITE_OK);
	*length = 0;
	while (sqlite3_step(packs) == SQLITE_ROW) {
		int64_t offset = sqlite3_column_int64(packs, 0);
		if (offset - position > *length) {
			*from = position;
			*length = offset - position;
		}
		position = offset + sqlite3_column_int64(packs, 1);
	}
	sqlite3_finalize(packs);
	sqlite3_close(db);
}

static void test_blocks_that_a_crash_left_are_given_back(void **state)
{
	(void)state;
	struct scene s;
	char path[128];
	struct stat before, filled, after;
	int64_t from = 0, length;
	scene_new(&s);
	make_kept(&s);
	check_cleans(&s);
	scene_close(&s);
	snprintf(path, sizeof(path), "%s/segments/01/0000000001.seg", s.path);
	assert_int_equal(stat(path, &before), 0);
	longest_gap(&s, &from, &length);
	assert_true(length > (int64_t)MIB / 2);
	uint8_t *junk = malloc((size_t)length);
	memset(junk, 0xaa, (size_t)length);
	int fd = open(path, O_RDWR);
	assert_true(fd >= 0);
	assert_int_equal(pwrite(fd, junk, (size_t)length, from), length);
	assert_int_equal(fsync(fd), 0);
	close(fd);
	free(junk);
	assert_int_equal(stat(path, &filled), 0);
	if (filled.st_blocks == before.st_blocks)
		skip(); /* a host that cannot punch */
	scene_open(&s);
	check_kept(&s);
	assert_int_equal(stat(path, &after), 0);
	assert_true(after.st_blocks * 512 < filled.st_blocks * 512 - length + 65536);
	assert_int_equal(scene_run(&s, TREE_JOB_SCRUB).damaged_chunks, 0);
	scene_end(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_killed_at_any_moment),
		cmocka_unit_test(test_no_memory),
		cmocka_unit_test(test_no_room_for_a_commit),
		cmocka_unit_test(test_a_disk_that_fails),
		cmocka_unit_test(test_blocks_that_a_crash_left_are_given_back),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
