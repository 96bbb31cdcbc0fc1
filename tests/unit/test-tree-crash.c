/* SPDX-License-Identifier: MIT */
/* After a crash the tree is what one commit made it: everything synced, nothing half. And what
 * cannot be stored is refused or kept, never lost in silence. */
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/fault.h"
#include "lib/base/log.h"
#include "tests/unit/tree-util.h"

#define REGULAR (S_IFREG | 0644)
#define MIB     (1u << 20)

/*
 * A writer makes generation after generation: directory "gN" with files whose contents are N,
 * and the file "current" which says N and is replaced by rename. One that sees "current" at N
 * must see all of gN, since that was made before.
 */
struct writer {
	struct tree *tree;
	pthread_t thread;
	_Atomic bool stop;
	_Atomic unsigned made, limit;
	_Atomic unsigned synced; /* the generation that a sync has returned for */
};

/* So that it does not fill the disk while the rest of the test waits for the processor. */
#define AHEAD 50

static void writer_go_on(struct writer *w)
{
	w->limit = w->made + AHEAD;
}

#define FILES 20

static size_t generation_size(unsigned generation, unsigned file)
{
	return (generation * 7919u + file * 104729u) % 30000u + 1;
}

static void make_generation(struct tree *t, unsigned generation)
{
	static uint8_t data[30000];
	char name[32];
	snprintf(name, sizeof(name), "g%u", generation);
	uint64_t directory = test_make(t, TREE_ROOT, name, S_IFDIR | 0755);
	for (unsigned i = 0; i < FILES; i++) {
		snprintf(name, sizeof(name), "f%u", i);
		uint64_t file = test_make(t, directory, name, REGULAR);
		size_t size = generation_size(generation, i);
		test_random(data, size, generation * 1000 + i);
		assert_int_equal(tree_open_file(t, file, 0), 0);
		test_write(t, file, 0, data, size / 2);
		test_write(t, file, size / 2, data + size / 2, size - size / 2);
		tree_release_file(t, file);
	}
	uint64_t new = test_make(t, TREE_ROOT, "new", REGULAR);
	test_write(t, new, 0, &generation, sizeof(generation));
	assert_int_equal(tree_rename(t, TREE_ROOT, "new", TREE_ROOT, "current", 0), 0);
}

static void remove_generation(struct tree *t, unsigned generation)
{
	char name[32], child[32];
	snprintf(name, sizeof(name), "g%u", generation);
	uint64_t directory = test_find(t, TREE_ROOT, name);
	for (unsigned i = 0; i < FILES; i++) {
		snprintf(child, sizeof(child), "f%u", i);
		assert_int_equal(tree_unlink(t, directory, child), 0);
	}
	assert_int_equal(tree_rmdir(t, TREE_ROOT, name), 0);
}

static void *writer_main(void *argument)
{
	struct writer *w = argument;
	for (unsigned n = 1; !w->stop; n++) {
		while (w->made >= w->limit && !w->stop)
			usleep(1000);
		make_generation(w->tree, n);
		w->made = n;
		if (n > 5)
			remove_generation(w->tree, n - 5);
		if (n % 7 == 0) {
			assert_int_equal(tree_commit(w->tree, 0), 0);
			w->synced = n;
		}
	}
	return NULL;
}

static void check_generation(struct tree *t, unsigned generation)
{
	static uint8_t expected[30000], found[30000 + 1];
	char name[32];
	snprintf(name, sizeof(name), "g%u", generation);
	uint64_t directory = test_find(t, TREE_ROOT, name);
	assert_int_not_equal(directory, 0);
	for (unsigned i = 0; i < FILES; i++) {
		snprintf(name, sizeof(name), "f%u", i);
		uint64_t file = test_find(t, directory, name);
		size_t size = generation_size(generation, i);
		assert_int_not_equal(file, 0);
		test_random(expected, size, generation * 1000 + i);
		assert_int_equal(test_read(t, file, 0, found, sizeof(found)), size);
		assert_memory_equal(found, expected, size);
	}
}

static void check_crash(const struct tree_test *test, unsigned synced)
{
	struct tree_test copy;
	unsigned current = 0;
	tree_test_crash_copy(test, &copy);
	uint64_t file = test_find(copy.tree, TREE_ROOT, "current");
	if (file) {
		assert_int_equal(test_read(copy.tree, file, 0, &current, sizeof(current)),
				 sizeof(current));
		check_generation(copy.tree, current);
	}
	assert_true(current >= synced);
	tree_test_close(&copy);
	tree_test_remove(&copy);
}

static void test_crash_at_any_moment(void **state)
{
	struct tree_test *test = *state;
	struct writer w = {.tree = test->tree};
	uint64_t seed = (uint64_t)getpid();
	print_message("seed %llu\n", (unsigned long long)seed);
	assert_int_equal(pthread_create(&w.thread, NULL, writer_main, &w), 0);
	for (unsigned i = 0; i < 10 || !w.synced; i++) {
		writer_go_on(&w);
		usleep((useconds_t)(test_next(&seed) % 150000));
		writer_go_on(&w);
		unsigned synced = w.synced;
		check_crash(test, synced);
	}
	w.stop = true;
	pthread_join(w.thread, NULL);
}

static void test_fsync_of_one_file_is_enough(void **state)
{
	struct tree_test *test = *state, copy;
	test->options.commit_seconds = 1000;
	tree_test_reopen(test);
	uint64_t file = test_make(test->tree, TREE_ROOT, "f", REGULAR);
	test_write(test->tree, file, 0, "kept", 4);
	assert_int_equal(tree_commit(test->tree, file), 0);
	struct tree_stats before, after;
	tree_get_stats(test->tree, &before);
	/* Nothing has changed: no other commit. */
	assert_int_equal(tree_commit(test->tree, file), 0);
	uint64_t other = test_make(test->tree, TREE_ROOT, "g", REGULAR);
	assert_int_equal(tree_commit(test->tree, file), 0);
	tree_get_stats(test->tree, &after);
	assert_int_equal(before.commits, after.commits);
	test_write(test->tree, other, 0, "lost", 4);
	tree_test_crash_copy(test, &copy);
	char out[8];
	assert_int_equal(test_find(copy.tree, TREE_ROOT, "g"), 0);
	assert_int_equal(test_read(copy.tree, test_find(copy.tree, TREE_ROOT, "f"), 0, out, 8), 4);
	assert_memory_equal(out, "kept", 4);
	tree_test_close(&copy);
	tree_test_remove(&copy);
}

static void test_background_commit_comes_by_itself(void **state)
{
	struct tree_test *test = *state;
	struct tree_stats before, after;
	tree_get_stats(test->tree, &before);
	test_make(test->tree, TREE_ROOT, "f", REGULAR);
	for (unsigned i = 0; i < 600; i++) {
		usleep(100000);
		tree_get_stats(test->tree, &after);
		if (after.commits > before.commits && after.dirty_inodes == 0)
			return;
	}
	fail_msg("no commit within a minute");
}

/* ---- failures ---- */

static void test_io_error_makes_everything_fail(void **state)
{
	struct tree_test *test = *state;
	struct tree_entry entry;
	char out[8];
	log_set_level(LOG_LEVEL_ERROR);
	uint64_t file = test_make(test->tree, TREE_ROOT, "f", REGULAR);
	test_write(test->tree, file, 0, "before", 6);
	test_commit(test->tree);
	test_write(test->tree, file, 0, "after!", 6);
	fault_set("fdatasync:1+");
	assert_int_not_equal(tree_commit(test->tree, file), 0);
	fault_set(NULL);
	/* Not retried into success. */
	assert_int_not_equal(tree_commit(test->tree, file), 0);
	assert_int_not_equal(tree_commit(test->tree, 0), 0);
	assert_int_equal(tree_make(test->tree, TREE_ROOT, "g", REGULAR, 0, NULL, &test_caller, &entry),
			 -EROFS);
	assert_int_not_equal(tree_write(test->tree, file, 0, "x", 1), 0);
	assert_int_not_equal(tree_close(&test->tree), 0);
	store_close(&test->store);
	tree_test_open(test);
	assert_int_equal(test_read(test->tree, test_find(test->tree, TREE_ROOT, "f"), 0, out, 8), 6);
	assert_memory_equal(out, "before", 6);
}

static void test_full_store_refuses_writes_and_lets_delete(void **state)
{
	struct tree_test *test = *state;
	uint8_t data[4096];
	test_random(data, sizeof(data), 1);
	uint64_t file = test_make(test->tree, TREE_ROOT, "f", REGULAR);
	test_write(test->tree, file, 0, data, sizeof(data));
	fault_set("space_full:1+");
	usleep(250000); /* the free space is asked for now and then */
	assert_int_equal(tree_write(test->tree, file, 4096, data, sizeof(data)), -ENOSPC);
	assert_int_equal(tree_unlink(test->tree, TREE_ROOT, "f"), 0);
	test_commit(test->tree);
	fault_set(NULL);
	usleep(250000);
	file = test_make(test->tree, TREE_ROOT, "g", REGULAR);
	test_write(test->tree, file, 0, data, sizeof(data));
	test_commit(test->tree);
}

/* Each N-th allocation fails: an operation may fail, nothing else may happen. */
static void test_no_memory_breaks_nothing(void **state)
{
	struct tree_test *test = *state;
	uint8_t *data = malloc(3 * MIB), *out = malloc(3 * MIB);
	char name[32], spec[32];
	test_random(data, 3 * MIB, 3);
	unsigned complete = 0;
	for (unsigned n = 1; n < 120; n++) {
		struct tree_entry entry;
		snprintf(name, sizeof(name), "f%u", n);
		snprintf(spec, sizeof(spec), "mem:%u", n);
		fault_set(spec);
		int error = tree_make(test->tree, TREE_ROOT, name, REGULAR, 0, NULL, &test_caller, &entry);
		size_t size = n % 3 ? 5000 : 3 * MIB;
		if (!error)
			error = tree_write(test->tree, entry.inode, 0, data, size);
		bool written = error == 0;
		if (!error)
			error = tree_setxattr(test->tree, entry.inode, "user.a", "b", 1, 0);
		int synced = tree_commit(test->tree, 0);
		assert_true(synced == 0 || synced == -ENOMEM);
		fault_set(NULL);
		/* One that began before may still fail, for this caller too. */
		for (unsigned i = 0; i < 1000 && tree_commit(test->tree, 0); i++)
			usleep(10000);
		test_commit(test->tree);
		if (!written)
			continue;
		complete++;
		assert_int_equal(test_read(test->tree, entry.inode, 0, out, size), size);
		assert_memory_equal(out, data, size);
	}
	assert_true(complete > 50);
	tree_test_reopen(test);
	for (unsigned n = 1; n < 120; n++) {
		snprintf(name, sizeof(name), "f%u", n);
		uint64_t file = test_find(test->tree, TREE_ROOT, name);
		if (!file)
			continue;
		size_t size = test_read(test->tree, file, 0, out, 3 * MIB);
		assert_memory_equal(out, data, size);
	}
	free(data);
	free(out);
}

#define CASE(function) cmocka_unit_test_setup_teardown(function, tree_test_setup, tree_test_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(test_crash_at_any_moment),
		CASE(test_fsync_of_one_file_is_enough),
		CASE(test_background_commit_comes_by_itself),
		CASE(test_io_error_makes_everything_fail),
		CASE(test_full_store_refuses_writes_and_lets_delete),
		CASE(test_no_memory_breaks_nothing),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
