/* SPDX-License-Identifier: MIT */
/* Eight threads work on one tree at once, on their own files and on shared ones, while it commits:
 * every thread finds what it wrote, and the counts are right in the end. */
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>

#include "tests/unit/tree-util.h"

#define REGULAR (S_IFREG | 0644)
#define THREADS 8
#define ROUNDS  60
#define BLOCK   (96u << 10)

struct worker {
	struct tree *tree;
	pthread_t thread;
	unsigned number;
	uint64_t shared, directory;
	unsigned failures;
};

static bool emit_nothing(void *context, const char *name, uint64_t cookie, const struct tree_entry *e)
{
	(void)name;
	(void)cookie;
	if (e->inode)
		++*(unsigned *)context;
	return true;
}

static bool list(struct tree *t, uint64_t directory)
{
	struct tree_dir *dir;
	unsigned count = 0;
	if (tree_opendir(t, directory, &dir))
		return false;
	int error = tree_readdir(dir, 0, false, emit_nothing, &count);
	tree_closedir(&dir);
	return error == 0 && count >= 2;
}

static bool read_back(struct tree *t, uint64_t file, uint64_t offset, const uint8_t *data, size_t size)
{
	struct tree_read read;
	size_t at = 0;
	if (tree_read(t, file, offset, size, &read) || read.size != size)
		return false;
	bool same = true;
	for (int i = 0; i < read.count; i++) {
		same = same && memcmp(read.iov[i].iov_base, data + at, read.iov[i].iov_len) == 0;
		at += read.iov[i].iov_len;
	}
	tree_read_release(&read);
	return same;
}

/* Its own file grows; its own place in the shared one changes; names come, move and go. */
static bool worker_round(struct worker *w, unsigned round, uint64_t own, uint8_t *data)
{
	struct tree *t = w->tree;
	struct tree_entry entry;
	char name[32], other[32];
	test_random(data, BLOCK, w->number * 1000 + round);
	bool good = tree_write(t, own, (uint64_t)round * BLOCK, data, BLOCK) == 0 &&
		    tree_write(t, w->shared, (uint64_t)w->number * BLOCK, data, BLOCK) == 0 &&
		    read_back(t, w->shared, (uint64_t)w->number * BLOCK, data, BLOCK);
	snprintf(name, sizeof(name), "t%u-%u", w->number, round);
	snprintf(other, sizeof(other), "t%u", w->number);
	good = good && tree_make(t, w->directory, name, REGULAR, 0, NULL, &test_caller, &entry) == 0;
	if (!good)
		return false;
	good = tree_open_file(t, entry.inode, 0) == 0 && tree_write(t, entry.inode, 0, name, 8) == 0;
	tree_release_file(t, entry.inode);
	good = good && tree_rename(t, w->directory, name, w->directory, other, 0) == 0;
	tree_forget(t, entry.inode, 1);
	if (round % 5 == 0)
		good = good && list(t, w->directory);
	if (round % 9 == w->number)
		good = good && tree_commit(t, own) == 0;
	if (round % 16 == 3)
		good = good && read_back(t, own, (uint64_t)round * BLOCK, data, BLOCK);
	return good;
}

static void *worker_main(void *argument)
{
	struct worker *w = argument;
	struct tree_entry entry;
	uint8_t *data = malloc(BLOCK);
	char name[32];
	snprintf(name, sizeof(name), "own%u", w->number);
	if (tree_make(w->tree, TREE_ROOT, name, REGULAR, 0, NULL, &test_caller, &entry))
		w->failures++;
	for (unsigned round = 0; round < ROUNDS && !w->failures; round++)
		if (!worker_round(w, round, entry.inode, data))
			w->failures = round + 1;
	for (unsigned round = 0; round < ROUNDS && !w->failures; round++) {
		test_random(data, BLOCK, w->number * 1000 + round);
		if (!read_back(w->tree, entry.inode, (uint64_t)round * BLOCK, data, BLOCK))
			w->failures = 1000 + round;
	}
	tree_forget(w->tree, entry.inode, 1);
	free(data);
	return NULL;
}

static void test_eight_threads(void **state)
{
	struct tree_test *test = *state;
	struct worker workers[THREADS];
	uint64_t shared = test_make(test->tree, TREE_ROOT, "shared", REGULAR);
	uint64_t directory = test_make(test->tree, TREE_ROOT, "d", S_IFDIR | 0755);
	for (unsigned i = 0; i < THREADS; i++) {
		workers[i] = (struct worker){
			.tree = test->tree, .number = i, .shared = shared, .directory = directory};
		assert_int_equal(pthread_create(&workers[i].thread, NULL, worker_main, &workers[i]), 0);
	}
	for (unsigned i = 0; i < THREADS; i++) {
		pthread_join(workers[i].thread, NULL);
		assert_int_equal(workers[i].failures, 0);
	}
	tree_test_reopen(test);
	assert_int_equal(test_stat(test->tree, directory).st_size, THREADS);
	assert_int_equal(test_stat(test->tree, shared).st_size, THREADS * BLOCK);
	struct tree_container *containers;
	assert_int_equal(tree_containers(test->tree, &containers), 2);
	assert_int_equal(containers[0].files, THREADS + 1);
	assert_int_equal(containers[0].logical, (uint64_t)THREADS * BLOCK * (ROUNDS + 1));
	assert_int_equal(containers[1].files, THREADS);
	free(containers);
}

/* More is written than the buffers may hold: the writers wait, and memory stays bounded. */
static void test_writers_are_held_back(void **state)
{
	struct tree_test *test = *state;
	test->options.memory = 1; /* the smallest budget, 8 MiB */
	tree_test_reopen(test);
	uint8_t *data = malloc(1u << 20);
	struct tree_stats stats;
	char name[32];
	uint64_t most = 0;
	for (unsigned i = 0; i < 64; i++) {
		snprintf(name, sizeof(name), "f%u", i);
		uint64_t file = test_make(test->tree, TREE_ROOT, name, REGULAR);
		for (unsigned part = 0; part < 8; part++) {
			test_random(data, 128u << 10, i * 8 + part);
			test_write(test->tree, file, part * (128u << 10), data, 128u << 10);
		}
		tree_get_stats(test->tree, &stats);
		if (stats.dirty_bytes > most)
			most = stats.dirty_bytes;
	}
	assert_true(most <= (9u << 20));
	free(data);
}

#define CASE(function) cmocka_unit_test_setup_teardown(function, tree_test_setup, tree_test_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {CASE(test_eight_threads), CASE(test_writers_are_held_back)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
