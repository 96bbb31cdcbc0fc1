/* SPDX-License-Identifier: MIT */
/* What must hold at the edges: small caches, endless writers, tiny writes, copies at the end. */
#include "tests/unit/tree-util.h"

#include <errno.h>
#include <malloc.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fs/store/catalogue.h"
#include "lib/base/clock.h"

#define REGULAR   (S_IFREG | 0644)
#define DIRECTORY (S_IFDIR | 0755)

/* ---- a writer that does not stop ---- */

struct writer {
	struct tree *tree;
	uint64_t file;
	atomic_bool stop;
	int error;
};

static void *writer_main(void *argument)
{
	struct writer *w = argument;
	const size_t size = 1u << 20;
	uint8_t *data = malloc(size);
	test_random(data, size, 1);
	for (uint64_t i = 0; !atomic_load(&w->stop) && !w->error; i++) {
		memcpy(data, &i, sizeof(i));
		w->error = tree_write(w->tree, w->file, i * size, data, size);
	}
	free(data);
	return NULL;
}

static void test_commit_does_not_wait_for_a_writer(void **state)
{
	struct tree_test *test = *state;
	struct writer w = {.tree = test->tree};
	pthread_t thread;
	w.file = test_make(test->tree, TREE_ROOT, "stream", REGULAR);
	assert_int_equal(pthread_create(&thread, NULL, writer_main, &w), 0);
	uint64_t until = clock_monotonic_ns() + UINT64_C(1000000000);
	unsigned commits = 0;
	do {
		test_make(test->tree, TREE_ROOT, commits % 2 ? "a" : "b", REGULAR);
		test_commit(test->tree);
		assert_int_equal(tree_unlink(test->tree, TREE_ROOT, commits % 2 ? "a" : "b"), 0);
		commits++;
	} while (clock_monotonic_ns() < until);
	atomic_store(&w.stop, true);
	pthread_join(thread, NULL);
	assert_int_equal(w.error, 0);
}

/* ---- many small buffers ---- */

static void test_tiny_writes_take_little_memory(void **state)
{
	struct tree_test *test = *state;
	test->options.commit_seconds = 60;
	tree_test_reopen(test);
	uint64_t file = test_make(test->tree, TREE_ROOT, "f", REGULAR);
	size_t before = mallinfo2().uordblks, most = 0;
	for (uint64_t i = 0; i < 60000; i++) {
		test_write(test->tree, file, i * 8192, "x", 1);
		if (i % 512 == 0) {
			size_t now = mallinfo2().uordblks;
			most = now > before && now - before > most ? now - before : most;
		}
	}
	assert_true(most < test->options.memory);
}

/* ---- what dirty inodes hold beside buffers ---- */

struct most {
	size_t before, most;
};

static void most_note(struct most *m)
{
	struct mallinfo2 now = mallinfo2();
	size_t bytes = now.uordblks + now.hblkhd;
	if (!m->before)
		m->before = bytes;
	if (bytes > m->before && bytes - m->before > m->most)
		m->most = bytes - m->before;
}

static void test_large_attributes_are_committed_early(void **state)
{
	struct tree_test *test = *state;
	static uint8_t value[60000], out[60000];
	struct most m = {0};
	char name[32];
	test->options.memory = 1; /* 8 MiB for what is written */
	test->options.commit_seconds = 1000;
	tree_test_reopen(test);
	most_note(&m);
	/* Fewer inodes than make a commit start. */
	for (unsigned i = 0; i < 1600; i++) {
		snprintf(name, sizeof(name), "f%u", i / 16);
		uint64_t file = i % 16 ? test_find(test->tree, TREE_ROOT, name)
				       : test_make(test->tree, TREE_ROOT, name, REGULAR);
		snprintf(name, sizeof(name), "user.%u", i % 16);
		test_random(value, sizeof(value), i);
		assert_int_equal(tree_setxattr(test->tree, file, name, value, sizeof(value), 0), 0);
		most_note(&m);
	}
	print_message("%zu bytes at most for 96 MB of attributes\n", m.most);
	assert_true(m.most < 40u << 20);
	for (unsigned i = 0; i < 1600; i += 77) {
		snprintf(name, sizeof(name), "f%u", i / 16);
		uint64_t file = test_find(test->tree, TREE_ROOT, name);
		snprintf(name, sizeof(name), "user.%u", i % 16);
		test_random(value, sizeof(value), i);
		assert_int_equal(tree_getxattr(test->tree, file, name, out, sizeof(out)), sizeof(out));
		assert_memory_equal(out, value, sizeof(out));
	}
}

static void test_tails_of_open_files_take_little_memory(void **state)
{
	struct tree_test *test = *state;
	const size_t size = 30000;
	const unsigned files = 3000;
	uint8_t *data = malloc(2 * size), *out = malloc(2 * size);
	uint64_t *file = malloc(files * sizeof(*file));
	struct most m = {0};
	struct tree_stats stats;
	char name[32];
	test->options.memory = 1;
	test->options.commit_seconds = 1000;
	tree_test_reopen(test);
	for (unsigned i = 0; i < files; i++) {
		snprintf(name, sizeof(name), "f%u", i);
		file[i] = test_make(test->tree, TREE_ROOT, name, REGULAR);
		assert_int_equal(tree_open_file(test->tree, file[i], 0), 0);
	}
	test_commit(test->tree);
	most_note(&m);
	for (unsigned half = 0; half < 2; half++)
		for (unsigned i = 0; i < files; i++) {
			test_random(data, 2 * size, i);
			test_write(test->tree, file[i], half * size, data + half * size, size);
			most_note(&m);
		}
	test_commit(test->tree);
	tree_get_stats(test->tree, &stats);
	print_message("%zu bytes at most, %llu in the end\n", m.most,
		      (unsigned long long)stats.memory_bytes);
	/* Of 8 MiB a quarter may be tails when all is committed; inodes and entries are 900 bytes each. */
	assert_true(stats.memory_bytes < (3u << 20) + files * 1000);
	for (unsigned i = 0; i < files; i++) {
		tree_release_file(test->tree, file[i]);
		test_random(data, 2 * size, i);
		if (i % 50)
			continue;
		assert_int_equal(test_read(test->tree, file[i], 0, out, 2 * size), 2 * size);
		assert_memory_equal(out, data, 2 * size);
	}
	free(data);
	free(out);
	free(file);
}

/* Of those that are clean, too. */
static void test_long_targets_take_little_memory(void **state)
{
	struct tree_test *test = *state;
	static char target[4096];
	struct tree_entry entry;
	struct tree_stats stats;
	struct most m = {0};
	char name[32];
	const unsigned links = 5000;
	test->store_options.memory = 16u << 20;
	test->options.memory = 8u << 20;
	test->options.commit_seconds = 1000;
	tree_test_reopen(test);
	memset(target, 't', sizeof(target) - 1);
	for (unsigned i = 0; i < links; i++) {
		snprintf(name, sizeof(name), "l%u", i);
		assert_int_equal(tree_make(test->tree, TREE_ROOT, name, S_IFLNK | 0777, 0, target, &test_caller,
					   &entry), 0);
		tree_forget(test->tree, entry.inode, 1);
	}
	/* Read, and so given a new time of access; then once more, clean. */
	for (unsigned turn = 0; turn < 2; turn++) {
		tree_test_reopen(test);
		m = (struct most){0};
		most_note(&m);
		for (unsigned i = 0; i < links; i++) {
			snprintf(name, sizeof(name), "l%u", i);
			char *got = NULL;
			assert_int_equal(tree_readlink(test->tree, test_find(test->tree, TREE_ROOT, name), &got), 0);
			assert_string_equal(got, target);
			free(got);
			most_note(&m);
		}
		tree_get_stats(test->tree, &stats);
		print_message("%zu bytes at most for 20 MB of targets, %llu counted\n", m.most,
			      (unsigned long long)stats.memory_bytes);
		assert_true(m.most < 17u << 20);
	}
}

/* ---- the kernel's references ---- */

static void test_references_outlive_the_cache(void **state)
{
	struct tree_test *test = *state;
	struct tree_entry entry, other;
	struct stat st;
	char name[32];
	test->options.memory = 1;
	tree_test_reopen(test);
	struct tree *t = test->tree;
	assert_int_equal(tree_make(t, TREE_ROOT, "kept", REGULAR, 0, NULL, &test_caller, &entry), 0);
	test_commit(t);
	for (unsigned i = 0; i < 2000; i++) {
		snprintf(name, sizeof(name), "f%u", i);
		assert_int_equal(tree_make(t, TREE_ROOT, name, REGULAR, 0, NULL, &test_caller, &other), 0);
		if (i % 500 == 499)
			test_commit(t);
	}
	assert_int_equal(tree_unlink(t, TREE_ROOT, "kept"), 0);
	test_commit(t);
	assert_int_equal(tree_getattr(t, entry.inode, &st), 0);
	assert_int_equal(st.st_nlink, 0);
	tree_forget(t, entry.inode, 1);
	assert_int_equal(tree_getattr(t, entry.inode, &st), -ESTALE);
}

/* ---- copies of the catalogue ---- */

static int64_t anchor_of(struct tree_test *test)
{
	int64_t pack = 0, slot = 0;
	assert_int_equal(catalogue_get_meta(store_catalogue(test->store), "anchor_pack", &pack), 0);
	assert_int_equal(catalogue_get_meta(store_catalogue(test->store), "anchor_slot", &slot), 0);
	return pack << 12 | slot;
}

static void test_last_copy_holds_the_last_change(void **state)
{
	struct tree_test *test = *state;
	test->options.commit_seconds = 60;
	tree_test_reopen(test);
	test_make(test->tree, TREE_ROOT, "a", REGULAR);
	test_commit(test->tree);
	test_make(test->tree, TREE_ROOT, "b", REGULAR);
	/* "b" is in the commit that carries the anchor, but not in the copy. */
	assert_int_equal(tree_backup_catalogue(test->tree), 0);
	int64_t before = anchor_of(test);
	tree_test_reopen(test);
	int64_t after = anchor_of(test);
	assert_true(after != before);
	tree_test_reopen(test);
	assert_true(anchor_of(test) == after); /* nothing has changed */
}

/* While the store stays mounted, a copy is made from time to time if there was a change. */
static void test_copies_are_made_while_mounted(void **state)
{
	struct tree_test *test = *state;
	test->options.backup_seconds = 1;
	tree_test_reopen(test);
	int64_t before = anchor_of(test), after = before;
	test_make(test->tree, TREE_ROOT, "a", REGULAR);
	test_commit(test->tree);
	for (int tries = 0; tries < 1200 && after == before; tries++) {
		usleep(50000);
		after = anchor_of(test);
	}
	assert_true(after != before);
}

static void test_copy_is_made_up_for_after_a_crash(void **state)
{
	struct tree_test *test = *state, copy;
	test_make(test->tree, TREE_ROOT, "a", REGULAR);
	test_commit(test->tree);
	tree_test_crash_copy(test, &copy);
	int64_t before = anchor_of(&copy);
	tree_test_reopen(&copy);
	assert_true(anchor_of(&copy) != before);
	tree_test_close(&copy);
	tree_test_remove(&copy);
}

/* ---- accounts ---- */

static uint64_t files_of(struct tree *t, const char *name)
{
	struct tree_container *list;
	uint64_t files = UINT64_MAX;
	ssize_t count = tree_containers(t, &list);
	assert_true(count > 0);
	for (ssize_t i = 0; i < count; i++)
		if (strcmp(list[i].name, name) == 0) {
			assert_true(files == UINT64_MAX);
			files = list[i].files;
		}
	free(list);
	return files;
}

static void move_with_links(struct tree_test *test, bool remount)
{
	struct tree_entry entry;
	struct tree *t = test->tree;
	uint64_t a = test_make(t, TREE_ROOT, "a", DIRECTORY);
	uint64_t b = test_make(t, TREE_ROOT, "b", DIRECTORY);
	uint64_t f = test_make(t, a, "f", REGULAR);
	assert_int_equal(tree_link(t, f, b, "g", &entry), 0);
	tree_forget(t, f, 1);
	assert_int_equal(tree_unlink(t, a, "f"), 0); /* b/g is still charged to a */
	assert_int_equal(tree_rename(t, TREE_ROOT, "a", b, "a", 0), 0);
	if (remount)
		tree_test_reopen(test);
	t = test->tree;
	assert_int_equal(tree_rename(t, b, "a", TREE_ROOT, "a", 0), 0);
	if (remount)
		tree_test_reopen(test);
	t = test->tree;
	assert_int_equal(tree_unlink(t, b, "g"), 0);
	assert_int_equal(files_of(t, ""), 0);
	assert_int_equal(files_of(t, "a"), 0);
	assert_int_equal(files_of(t, "b"), 0);
	assert_int_equal(tree_rmdir(t, TREE_ROOT, "a"), 0);
	assert_int_equal(tree_rmdir(t, TREE_ROOT, "b"), 0);
}

static void test_accounts_of_links_that_stay_behind(void **state)
{
	move_with_links(*state, false);
	move_with_links(*state, true);
}

/* ---- the end after a failure ---- */

static void test_close_waits_for_what_is_under_way(void **state)
{
	struct tree_test *test = *state;
	const size_t size = 1u << 20;
	uint8_t *data = malloc(size);
	char name[32];
	for (uint64_t i = 0; i < 12; i++) {
		snprintf(name, sizeof(name), "f%u", (unsigned)i);
		uint64_t file = test_make(test->tree, TREE_ROOT, name, REGULAR);
		test_random(data, size, i);
		test_write(test->tree, file, 0, data, size);
		assert_int_equal(tree_flush(test->tree, file), 0);
	}
	store_fail(test->store, -EIO, "a test");
	assert_int_equal(tree_close(&test->tree), -EIO);
	store_close(&test->store);
	tree_test_open(test);
	free(data);
}

/* Nothing will ever be written again, so reading must not pile up times to be written. */
static void test_failed_store_marks_no_times(void **state)
{
	struct tree_test *test = *state;
	struct tree_stats stats;
	char out[4];
	uint64_t file = test_make(test->tree, TREE_ROOT, "f", REGULAR);
	test_write(test->tree, file, 0, "data", 4);
	test_commit(test->tree);
	store_fail(test->store, -EIO, "a test");
	assert_int_equal(test_read(test->tree, file, 0, out, 4), 4);
	tree_get_stats(test->tree, &stats);
	assert_int_equal(stats.dirty_inodes, 0);
	assert_int_equal(tree_close(&test->tree), -EIO);
	store_close(&test->store);
	tree_test_open(test);
}

#define CASE(function) cmocka_unit_test_setup_teardown(function, tree_test_setup, tree_test_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(test_commit_does_not_wait_for_a_writer), CASE(test_tiny_writes_take_little_memory),
		CASE(test_large_attributes_are_committed_early),
		CASE(test_tails_of_open_files_take_little_memory),
		CASE(test_long_targets_take_little_memory),
		CASE(test_references_outlive_the_cache), CASE(test_last_copy_holds_the_last_change),
		CASE(test_copies_are_made_while_mounted),
		CASE(test_copy_is_made_up_for_after_a_crash), CASE(test_accounts_of_links_that_stay_behind),
		CASE(test_close_waits_for_what_is_under_way), CASE(test_failed_store_marks_no_times),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
