/* SPDX-License-Identifier: MIT */
/* Names: making, finding, linking, removing, renaming and reading directories, now and after a
 * commit and a remount, as POSIX says. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/tree-util.h"

#define DIRECTORY (S_IFDIR | 0755)
#define REGULAR   (S_IFREG | 0644)

static void test_kinds_and_attributes_survive_remount(void **state)
{
	struct tree_test *test = *state;
	struct tree_entry entry;
	static const mode_t modes[] = {S_IFREG | 0640, S_IFDIR | 0711, S_IFLNK | 0777, S_IFIFO | 0600,
				       S_IFSOCK | 0666, S_IFCHR | 0660, S_IFBLK | 0660};
	char name[16];
	struct stat before[7];
	uint64_t generation[7];
	for (unsigned i = 0; i < 7; i++) {
		snprintf(name, sizeof(name), "kind%u", i);
		assert_int_equal(tree_make(test->tree, TREE_ROOT, name, modes[i], 0x1234,
					   S_ISLNK(modes[i]) ? "a/b" : NULL, &test_caller, &entry), 0);
		before[i] = entry.attr;
		generation[i] = entry.generation;
		tree_forget(test->tree, entry.inode, 1);
	}
	tree_test_reopen(test);
	for (unsigned i = 0; i < 7; i++) {
		snprintf(name, sizeof(name), "kind%u", i);
		assert_int_equal(tree_lookup(test->tree, TREE_ROOT, name, &entry), 0);
		assert_int_equal(entry.attr.st_mode, modes[i]);
		assert_int_equal(entry.attr.st_ino, before[i].st_ino);
		assert_int_equal(entry.attr.st_uid, 1000);
		assert_int_equal(entry.attr.st_nlink, S_ISDIR(modes[i]) ? 2 : 1);
		assert_int_equal(entry.attr.st_rdev, S_ISCHR(modes[i]) || S_ISBLK(modes[i]) ? 0x1234 : 0);
		assert_memory_equal(&entry.attr.st_mtim, &before[i].st_mtim, sizeof(struct timespec));
		assert_int_equal(entry.generation, generation[i]);
		tree_forget(test->tree, entry.inode, 1);
	}
	char *target;
	assert_int_equal(tree_readlink(test->tree, test_find(test->tree, TREE_ROOT, "kind2"), &target), 0);
	assert_string_equal(target, "a/b");
	free(target);
	assert_int_equal(tree_readlink(test->tree, TREE_ROOT, &target), -EINVAL);
	assert_int_equal(test_stat(test->tree, TREE_ROOT).st_nlink, 3);
}

static void test_names_are_checked(void **state)
{
	struct tree_test *test = *state;
	struct tree *t = test->tree;
	struct tree_entry entry;
	char name[300];
	memset(name, 'x', sizeof(name));
	name[256] = 0;
	assert_int_equal(tree_make(t, TREE_ROOT, name, REGULAR, 0, NULL, &test_caller, &entry),
			 -ENAMETOOLONG);
	assert_int_equal(tree_lookup(t, TREE_ROOT, name, &entry), -ENAMETOOLONG);
	name[255] = 0;
	uint64_t file = test_make(t, TREE_ROOT, name, REGULAR);
	assert_int_equal(test_find(t, TREE_ROOT, name), file);
	assert_int_equal(tree_make(t, TREE_ROOT, name, REGULAR, 0, NULL, &test_caller, &entry), -EEXIST);
	assert_int_equal(tree_make(t, file, "x", REGULAR, 0, NULL, &test_caller, &entry), -ENOTDIR);
	assert_int_equal(tree_lookup(t, file, "x", &entry), -ENOTDIR);
	assert_int_equal(tree_lookup(t, 4711, "x", &entry), -ENOENT);
	assert_int_equal(tree_unlink(t, TREE_ROOT, "none"), -ENOENT);
	assert_int_equal(tree_rmdir(t, TREE_ROOT, name), -ENOTDIR);
	uint64_t directory = test_make(t, TREE_ROOT, "d", DIRECTORY);
	assert_int_equal(tree_unlink(t, TREE_ROOT, "d"), -EISDIR);
	test_make(t, directory, "f", REGULAR);
	assert_int_equal(tree_rmdir(t, TREE_ROOT, "d"), -ENOTEMPTY);
	assert_int_equal(tree_link(t, directory, TREE_ROOT, "l", &entry), -EPERM);
	assert_int_equal(tree_unlink(t, directory, "f"), 0);
	assert_int_equal(tree_rmdir(t, TREE_ROOT, "d"), 0);
	assert_int_equal(test_find(t, TREE_ROOT, "d"), 0);
	assert_int_equal(tree_lookup(t, TREE_ROOT, "..", &entry), 0);
	assert_int_equal(entry.inode, TREE_ROOT);
	tree_forget(t, TREE_ROOT, 1);
}

static void test_removed_directory_takes_no_names(void **state)
{
	struct tree_test *test = *state;
	struct tree *t = test->tree;
	struct tree_entry entry, other;
	assert_int_equal(tree_make(t, TREE_ROOT, "d", DIRECTORY, 0, NULL, &test_caller, &entry), 0);
	assert_int_equal(tree_rmdir(t, TREE_ROOT, "d"), 0);
	assert_int_equal(tree_make(t, entry.inode, "x", REGULAR, 0, NULL, &test_caller, &other), -ENOENT);
	uint64_t file = test_make(t, TREE_ROOT, "f", REGULAR);
	assert_int_equal(tree_link(t, file, entry.inode, "l", &other), -ENOENT);
	assert_int_equal(tree_rename(t, TREE_ROOT, "f", entry.inode, "f", 0), -ENOENT);
	assert_int_equal(test_stat(t, entry.inode).st_nlink, 0);
	tree_forget(t, entry.inode, 1);
	struct stat st;
	assert_int_not_equal(tree_getattr(t, entry.inode, &st), 0);
}

static void test_hard_links_count(void **state)
{
	struct tree_test *test = *state;
	struct tree_entry entry;
	uint64_t file = test_make(test->tree, TREE_ROOT, "a", REGULAR);
	uint64_t directory = test_make(test->tree, TREE_ROOT, "d", DIRECTORY);
	assert_int_equal(tree_link(test->tree, file, directory, "b", &entry), 0);
	tree_forget(test->tree, file, 1);
	assert_int_equal(entry.attr.st_nlink, 2);
	assert_int_equal(tree_link(test->tree, file, directory, "b", &entry), -EEXIST);
	tree_test_reopen(test);
	assert_int_equal(test_find(test->tree, directory, "b"), file);
	assert_int_equal(tree_unlink(test->tree, TREE_ROOT, "a"), 0);
	assert_int_equal(test_stat(test->tree, file).st_nlink, 1);
	assert_int_equal(tree_unlink(test->tree, directory, "b"), 0);
	struct stat st;
	assert_int_not_equal(tree_getattr(test->tree, file, &st), 0);
}

/* The errors of rename(2), each with what it is asked. */
static void test_rename_refuses(void **state)
{
	struct tree_test *test = *state;
	struct tree *t = test->tree;
	uint64_t a = test_make(t, TREE_ROOT, "a", DIRECTORY);
	uint64_t b = test_make(t, a, "b", DIRECTORY);
	uint64_t full = test_make(t, TREE_ROOT, "full", DIRECTORY);
	test_make(t, full, "x", REGULAR);
	test_make(t, TREE_ROOT, "f", REGULAR);
	test_make(t, TREE_ROOT, "g", REGULAR);
	const struct {
		uint64_t from;
		const char *name;
		uint64_t to;
		const char *new_name;
		unsigned flags;
		int error;
	} cases[] = {
		{TREE_ROOT, "none", TREE_ROOT, "x", 0, -ENOENT},
		{TREE_ROOT, "a", b, "x", 0, -EINVAL},
		{TREE_ROOT, "a", a, "x", 0, -EINVAL},
		{a, "b", TREE_ROOT, "a", 0, -ENOTEMPTY},
		{a, "b", TREE_ROOT, "a", RENAME_EXCHANGE, -EINVAL},
		{TREE_ROOT, "a", a, "b", RENAME_EXCHANGE, -EINVAL},
		{TREE_ROOT, "f", TREE_ROOT, "a", 0, -EISDIR},
		{TREE_ROOT, "a", TREE_ROOT, "f", 0, -ENOTDIR},
		{TREE_ROOT, "a", TREE_ROOT, "full", 0, -ENOTEMPTY},
		{TREE_ROOT, "f", TREE_ROOT, "g", RENAME_NOREPLACE, -EEXIST},
		{TREE_ROOT, "f", TREE_ROOT, "none", RENAME_EXCHANGE, -ENOENT},
		{TREE_ROOT, "f", TREE_ROOT, "g", RENAME_EXCHANGE | RENAME_NOREPLACE, -EINVAL},
		{TREE_ROOT, "f", TREE_ROOT, "g", RENAME_WHITEOUT, -EINVAL},
		{TREE_ROOT, ".", TREE_ROOT, "x", 0, -EBUSY},
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		assert_int_equal(tree_rename(t, cases[i].from, cases[i].name, cases[i].to,
					     cases[i].new_name, cases[i].flags), cases[i].error);
	assert_int_equal(test_find(t, TREE_ROOT, "a"), a);
	assert_int_equal(test_find(t, a, "b"), b);
}

static void test_rename_moves_replaces_exchanges(void **state)
{
	struct tree_test *test = *state;
	struct tree *t = test->tree;
	struct tree_entry entry;
	uint64_t a = test_make(t, TREE_ROOT, "a", DIRECTORY);
	uint64_t b = test_make(t, TREE_ROOT, "b", DIRECTORY);
	uint64_t c = test_make(t, a, "c", DIRECTORY);
	uint64_t f = test_make(t, c, "f", REGULAR);
	uint64_t g = test_make(t, b, "g", REGULAR);
	test_commit(t);
	assert_int_equal(tree_rename(t, a, "c", b, "c2", 0), 0);
	assert_int_equal(test_stat(t, a).st_nlink, 2);
	assert_int_equal(test_stat(t, b).st_nlink, 3);
	assert_int_equal(tree_lookup(t, c, "..", &entry), 0);
	assert_int_equal(entry.inode, b);
	tree_forget(t, b, 1);
	assert_int_equal(tree_rename(t, c, "f", b, "g", 0), 0);
	struct stat st;
	assert_int_not_equal(tree_getattr(t, g, &st), 0);
	assert_int_equal(tree_rename(t, b, "g", TREE_ROOT, "a", RENAME_EXCHANGE), 0);
	tree_test_reopen(test);
	t = test->tree;
	assert_int_equal(test_find(t, TREE_ROOT, "a"), f);
	assert_int_equal(test_find(t, b, "g"), a);
	assert_int_equal(test_stat(t, b).st_nlink, 4);
	assert_int_equal(test_stat(t, TREE_ROOT).st_nlink, 3);
	assert_int_equal(test_find(t, b, "c2"), c);
	assert_int_equal(test_stat(t, c).st_size, 0);
	assert_int_equal(tree_rename(t, b, "c2", b, "g", 0), 0); /* onto an empty directory */
	assert_int_equal(test_find(t, b, "g"), c);
	assert_int_equal(test_stat(t, b).st_nlink, 3);
}

static void test_unlinked_open_file_lives_until_release(void **state)
{
	struct tree_test *test = *state;
	struct tree *t = test->tree;
	char out[8];
	struct stat st;
	uint64_t file = test_make(t, TREE_ROOT, "f", REGULAR);
	assert_int_equal(tree_open_file(t, file, 0), 0);
	test_write(t, file, 0, "content", 7);
	assert_int_equal(tree_unlink(t, TREE_ROOT, "f"), 0);
	test_commit(t);
	assert_int_equal(test_read(t, file, 0, out, 8), 7);
	test_write(t, file, 7, "!", 1);
	assert_int_equal(test_stat(t, file).st_nlink, 0);
	tree_release_file(t, file);
	assert_int_not_equal(tree_getattr(t, file, &st), 0);
	struct tree_entry entry;
	assert_int_equal(tree_lookup(t, file, ".", &entry), -ENOENT); /* by a handle */
	test_commit(t);
	assert_int_not_equal(tree_getattr(t, file, &st), 0);
}

static void test_orphans_are_freed_at_the_next_mount(void **state)
{
	struct tree_test *test = *state, copy;
	struct stat st;
	uint64_t file = test_make(test->tree, TREE_ROOT, "f", REGULAR);
	assert_int_equal(tree_open_file(test->tree, file, 0), 0);
	test_write(test->tree, file, 0, "content", 7);
	assert_int_equal(tree_unlink(test->tree, TREE_ROOT, "f"), 0);
	test_commit(test->tree);
	tree_test_crash_copy(test, &copy);
	assert_int_not_equal(tree_getattr(copy.tree, file, &st), 0);
	tree_test_reopen(&copy);
	assert_int_not_equal(tree_getattr(copy.tree, file, &st), 0);
	struct tree_entry entry;
	/* Numbers are not given twice. */
	assert_int_equal(tree_make(copy.tree, TREE_ROOT, "n", REGULAR, 0, NULL, &test_caller, &entry), 0);
	assert_true(entry.inode > file);
	tree_test_close(&copy);
	tree_test_remove(&copy);
	tree_release_file(test->tree, file);
}

/* ---- reading directories ---- */

struct listing {
	unsigned char *seen; /* by the number in the name "eN" */
	size_t room, count, limit;
	uint64_t cookie;
	unsigned dots;
};

static bool listing_emit(void *context, const char *name, uint64_t cookie,
			 const struct tree_entry *entry)
{
	struct listing *l = context;
	if (l->count == l->limit)
		return false;
	l->cookie = cookie;
	assert_int_not_equal(entry->inode, 0);
	l->count++;
	if (name[0] == '.') {
		l->dots++;
		return true;
	}
	unsigned n = (unsigned)atoi(name + 1);
	assert_true(n < l->room);
	l->seen[n]++;
	return true;
}

static void make_many(struct tree *t, uint64_t directory, unsigned from, unsigned to)
{
	char name[16];
	for (unsigned i = from; i < to; i++) {
		snprintf(name, sizeof(name), "e%u", i);
		test_make(t, directory, name, REGULAR);
	}
}

static void test_readdir_is_exact_while_things_change(void **state)
{
	struct tree_test *test = *state;
	struct tree *t = test->tree;
	enum { KEPT = 1500, ADDED = 3000 };
	unsigned char seen[ADDED] = {0};
	uint64_t directory = test_make(t, TREE_ROOT, "d", DIRECTORY);
	make_many(t, directory, 0, KEPT / 2);
	test_commit(t);
	make_many(t, directory, KEPT / 2, KEPT);
	struct tree_dir *dir;
	struct listing l = {.seen = seen, .room = ADDED, .limit = 100};
	assert_int_equal(tree_opendir(t, directory, &dir), 0);
	for (unsigned round = 0;; round++) {
		size_t before = l.count;
		l.limit = before + 100;
		assert_int_equal(tree_readdir(dir, l.cookie, round & 1, listing_emit, &l), 0);
		if (l.count == before)
			break;
		char name[16];
		/* Entries come and go, commits happen; those below KEPT / 3 * 3 + 1 stay. */
		snprintf(name, sizeof(name), "e%u", KEPT + round);
		test_make(t, directory, name, REGULAR);
		if (round % 3 == 0)
			test_commit(t);
		snprintf(name, sizeof(name), "e%u", round * 3 + 2);
		assert_int_equal(tree_unlink(t, directory, name), 0);
		snprintf(name, sizeof(name), "x%u", round * 3 + 2);
		test_make(t, directory, name, REGULAR);
		assert_int_equal(tree_unlink(t, directory, name), 0);
	}
	tree_closedir(&dir);
	assert_int_equal(l.dots, 2);
	unsigned removed = 0;
	for (unsigned i = 0; i < KEPT; i++) {
		assert_true(seen[i] <= 1);
		if (!seen[i]) {
			removed++;
			assert_int_equal(i % 3, 2);
			assert_true(i < 90);
		}
	}
	assert_true(removed < 30);
	for (unsigned i = KEPT; i < ADDED; i++)
		assert_true(seen[i] <= 1);
}

static void test_large_directory(void **state)
{
	struct tree_test *test = *state;
	enum { COUNT = 20000 };
	unsigned char *seen = calloc(COUNT, 1);
	uint64_t directory = test_make(test->tree, TREE_ROOT, "d", DIRECTORY);
	make_many(test->tree, directory, 0, COUNT);
	tree_test_reopen(test);
	struct tree_dir *dir;
	struct listing l = {.seen = seen, .room = COUNT, .limit = SIZE_MAX};
	assert_int_equal(test_stat(test->tree, directory).st_size, COUNT);
	assert_int_equal(tree_opendir(test->tree, directory, &dir), 0);
	assert_int_equal(tree_readdir(dir, 0, false, listing_emit, &l), 0);
	assert_int_equal(l.count, COUNT + 2);
	for (unsigned i = 0; i < COUNT; i++)
		assert_int_equal(seen[i], 1);
	char name[16];
	for (unsigned i = 0; i < COUNT; i++) {
		snprintf(name, sizeof(name), "e%u", i);
		assert_int_equal(tree_unlink(test->tree, directory, name), 0);
	}
	l.count = l.dots = 0;
	assert_int_equal(tree_readdir(dir, 0, true, listing_emit, &l), 0);
	assert_int_equal(l.count, 2);
	tree_closedir(&dir);
	assert_int_equal(tree_rmdir(test->tree, TREE_ROOT, "d"), 0);
	free(seen);
}

static void test_small_caches_lose_nothing(void **state)
{
	struct tree_test *test = *state;
	test->options.memory = 1; /* the caches' smallest size */
	tree_test_reopen(test);
	enum { COUNT = 3000 };
	char name[16];
	uint64_t directory = test_make(test->tree, TREE_ROOT, "d", DIRECTORY);
	make_many(test->tree, directory, 0, COUNT);
	test_commit(test->tree);
	for (unsigned i = 0; i < COUNT; i++) {
		snprintf(name, sizeof(name), "e%u", i);
		assert_int_not_equal(test_find(test->tree, directory, name), 0);
		snprintf(name, sizeof(name), "n%u", i);
		assert_int_equal(test_find(test->tree, directory, name), 0);
	}
	struct tree_stats stats;
	tree_get_stats(test->tree, &stats);
	assert_true(stats.inodes_cached < COUNT / 2);
}

static void test_attributes_change(void **state)
{
	struct tree_test *test = *state;
	struct tree *t = test->tree;
	uint64_t file = test_make(t, TREE_ROOT, "f", REGULAR);
	struct stat st = {.st_mode = 04711, .st_uid = 5, .st_gid = 6,
			  .st_atim = {-5, 999999999}, .st_mtim = {1234567890, 123456789}};
	assert_int_equal(tree_setattr(t, file, TREE_SET_MODE | TREE_SET_UID | TREE_SET_GID |
				      TREE_SET_ATIME | TREE_SET_MTIME, &st), 0);
	tree_test_reopen(test);
	st = test_stat(test->tree, file);
	assert_int_equal(st.st_mode, S_IFREG | 04711);
	assert_int_equal(st.st_uid, 5);
	assert_int_equal(st.st_gid, 6);
	assert_int_equal(st.st_atim.tv_sec, -5);
	assert_int_equal(st.st_atim.tv_nsec, 999999999);
	assert_int_equal(st.st_mtim.tv_nsec, 123456789);
	st.st_size = 1;
	assert_int_equal(tree_setattr(test->tree, TREE_ROOT, TREE_SET_SIZE, &st), -EISDIR);
}

static void test_read_only_tree_changes_nothing(void **state)
{
	struct tree_test *test = *state;
	struct tree_entry entry;
	struct stat st = {0};
	uint64_t file = test_make(test->tree, TREE_ROOT, "f", REGULAR);
	test->options.read_only = test->store_options.read_only = true;
	tree_test_reopen(test);
	assert_int_equal(test_find(test->tree, TREE_ROOT, "f"), file);
	assert_int_equal(tree_make(test->tree, TREE_ROOT, "g", REGULAR, 0, NULL, &test_caller, &entry),
			 -EROFS);
	assert_int_equal(tree_unlink(test->tree, TREE_ROOT, "f"), -EROFS);
	assert_int_equal(tree_setattr(test->tree, file, TREE_SET_MODE, &st), -EROFS);
	assert_int_equal(tree_rename(test->tree, TREE_ROOT, "f", TREE_ROOT, "g", 0), -EROFS);
	assert_int_equal(tree_commit(test->tree, 0), 0);
	test->options.read_only = test->store_options.read_only = false;
	tree_test_reopen(test);
}

#define CASE(function) cmocka_unit_test_setup_teardown(function, tree_test_setup, tree_test_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(test_kinds_and_attributes_survive_remount),
		CASE(test_names_are_checked),
		CASE(test_removed_directory_takes_no_names),
		CASE(test_hard_links_count),
		CASE(test_rename_refuses),
		CASE(test_rename_moves_replaces_exchanges),
		CASE(test_unlinked_open_file_lives_until_release),
		CASE(test_orphans_are_freed_at_the_next_mount),
		CASE(test_readdir_is_exact_while_things_change),
		CASE(test_large_directory),
		CASE(test_small_caches_lose_nothing),
		CASE(test_attributes_change),
		CASE(test_read_only_tree_changes_nothing),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
