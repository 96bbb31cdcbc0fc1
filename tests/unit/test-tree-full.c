/* SPDX-License-Identifier: MIT */
/* While commits fail for want of space, memory is bounded: what adds is refused, what takes away is not. */
#include "tests/unit/tree-util.h"

#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/fault.h"

#define REGULAR   (S_IFREG | 0644)
#define DIRECTORY (S_IFDIR | 0755)
#define FILES     300u  /* there already, to be worked on */
#define TRIES     60000u /* of each call: far more than what memory there is would take */
#define MOST      (40u << 20)

static struct tree_entry entry;

/* Many more than may be dirty at once. */
static int by_making(struct tree *t, uint64_t folder, unsigned i)
{
	char name[256];
	snprintf(name, sizeof(name), "made%0200u", i);
	return tree_make(t, folder, name, REGULAR, 0, NULL, &test_caller, &entry);
}

static int by_making_folders(struct tree *t, uint64_t folder, unsigned i)
{
	char name[32];
	snprintf(name, sizeof(name), "folder%u", i);
	return tree_make(t, folder, name, DIRECTORY, 0, NULL, &test_caller, &entry);
}

static int by_linking_softly(struct tree *t, uint64_t folder, unsigned i)
{
	static char target[4096];
	char name[32];
	memset(target, 't', sizeof(target) - 1);
	snprintf(name, sizeof(name), "soft%u", i);
	return tree_make(t, folder, name, S_IFLNK | 0777, 0, target, &test_caller, &entry);
}

static int by_linking(struct tree *t, uint64_t folder, unsigned i)
{
	char name[256];
	snprintf(name, sizeof(name), "hard%0200u", i);
	return tree_link(t, test_find(t, folder, "f0"), folder, name, &entry);
}

static int by_renaming(struct tree *t, uint64_t folder, unsigned i)
{
	char from[256], to[256];
	snprintf(from, sizeof(from), i ? "name%0200u" : "f1", i - 1);
	snprintf(to, sizeof(to), "name%0200u", i);
	return tree_rename(t, folder, from, folder, to, 0);
}

static int by_attributes(struct tree *t, uint64_t folder, unsigned i)
{
	static uint8_t value[60000];
	char name[32], attribute[32];
	snprintf(name, sizeof(name), "f%u", 10 + i / 16 % 200);
	snprintf(attribute, sizeof(attribute), "user.%u", i % 16);
	test_random(value, 8, i);
	return tree_setxattr(t, test_find(t, folder, name), attribute, value, sizeof(value), 0);
}

static int by_lists(struct tree *t, uint64_t folder, unsigned i)
{
	/* 500 users of one list: version, then tag, permissions, id */
	static uint8_t list[4 + 8 * 504];
	size_t at = 4;
	char name[32];
	memset(list, 0, sizeof(list));
	list[0] = 2;
	list[at] = 1, list[at + 2] = 6, at += 8;
	for (unsigned user = 0; user < 500; user++, at += 8) {
		list[at] = 2;
		list[at + 4] = (uint8_t)user;
		list[at + 5] = (uint8_t)(user >> 8);
	}
	for (unsigned tag = 4; tag <= 32; tag *= 2)
		if (tag != 8)
			list[at] = (uint8_t)tag, at += 8;
	snprintf(name, sizeof(name), "list%u", i);
	int error = tree_make(t, folder, name, REGULAR, 0, NULL, &test_caller, &entry);
	return error ? error : tree_setxattr(t, entry.inode, "system.posix_acl_access", list, at, 0);
}

static size_t allocated(void)
{
	struct mallinfo2 now = mallinfo2();
	return now.uordblks + now.hblkhd;
}

static void bounded(struct tree_test *test, int (*call)(struct tree *t, uint64_t folder, unsigned i))
{
	char name[32];
	test->options.memory = 1;
	test->options.commit_seconds = 1;
	tree_test_reopen(test);
	uint64_t folder = test_make(test->tree, TREE_ROOT, "d", DIRECTORY);
	for (unsigned i = 0; i < FILES; i++) {
		snprintf(name, sizeof(name), "f%u", i);
		test_make(test->tree, folder, name, REGULAR);
	}
	test_commit(test->tree);
	fault_set("catalogue_full:1+");
	test_make(test->tree, folder, "uncommitted", REGULAR);
	assert_int_equal(tree_commit(test->tree, 0), -ENOSPC);
	size_t before = allocated(), most = 0;
	int error = 0;
	for (unsigned i = 0; i < TRIES && !error; i++) {
		error = call(test->tree, folder, i);
		size_t now = allocated();
		most = now > before && now - before > most ? now - before : most;
	}
	print_message("%zu bytes at most\n", most);
	/* A name that comes and goes between two commits leaves nothing, so that may go on. */
	assert_true(error == -ENOSPC || (!error && call == by_renaming));
	assert_true(most < MOST);
	/* Less is always possible. */
	struct stat attr = {.st_size = 0};
	for (unsigned i = FILES / 2; i < FILES; i++) {
		snprintf(name, sizeof(name), "f%u", i);
		if (i % 2)
			assert_int_equal(tree_setattr(test->tree, test_find(test->tree, folder, name),
						      TREE_SET_SIZE, &attr), 0);
		assert_int_equal(tree_unlink(test->tree, folder, name), 0);
	}
	fault_set(NULL);
	/* One that began before may still fail, for this caller too. */
	while (tree_commit(test->tree, 0))
		usleep(10000);
	test_make(test->tree, folder, "after", REGULAR);
	tree_test_reopen(test);
	assert_int_not_equal(test_find(test->tree, TREE_ROOT, "d"), 0);
	assert_int_not_equal(test_find(test->tree, folder, "after"), 0);
	assert_int_equal(test_find(test->tree, folder, "f299"), 0);
}

static void test_making_files_is_bounded(void **state)
{
	bounded(*state, by_making);
}

static void test_making_folders_is_bounded(void **state)
{
	bounded(*state, by_making_folders);
}

static void test_symbolic_links_are_bounded(void **state)
{
	bounded(*state, by_linking_softly);
}

static void test_hard_links_are_bounded(void **state)
{
	bounded(*state, by_linking);
}

static void test_renaming_is_bounded(void **state)
{
	bounded(*state, by_renaming);
}

static void test_attributes_are_bounded(void **state)
{
	bounded(*state, by_attributes);
}

static void test_access_lists_are_bounded(void **state)
{
	bounded(*state, by_lists);
}

static int teardown(void **state)
{
	fault_set(NULL);
	return tree_test_teardown(state);
}

#define TREE_TEST(name) cmocka_unit_test_setup_teardown(name, tree_test_setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TREE_TEST(test_making_files_is_bounded),
		TREE_TEST(test_making_folders_is_bounded),
		TREE_TEST(test_symbolic_links_are_bounded),
		TREE_TEST(test_hard_links_are_bounded),
		TREE_TEST(test_renaming_is_bounded),
		TREE_TEST(test_attributes_are_bounded),
		TREE_TEST(test_access_lists_are_bounded),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
