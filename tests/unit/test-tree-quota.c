/* SPDX-License-Identifier: MIT */
/* A quota near its limit is decided by what is there, not by when buffers reach the maps. */
#include "tests/unit/tree-util.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define REGULAR   (S_IFREG | 0644)
#define DIRECTORY (S_IFDIR | 0755)
#define KIB       (UINT64_C(1) << 10)
#define MIB       (UINT64_C(1) << 20)

static uint8_t data[MIB], zeros[MIB];

static void resize(struct tree *t, uint64_t file, uint64_t size)
{
	struct stat attr = {.st_size = (off_t)size};
	assert_int_equal(tree_setattr(t, file, TREE_SET_SIZE, &attr), 0);
}

/* No commit comes by itself. In "top" lies "hole", 3 MiB of it; "beside" has 600 KiB of data. */
static uint64_t scene(struct tree_test *test, uint64_t *top, uint64_t *beside)
{
	test->options.commit_seconds = 1000;
	tree_test_reopen(test);
	test_random(data, sizeof(data), 1);
	*top = test_make(test->tree, TREE_ROOT, "top", DIRECTORY);
	uint64_t hole = test_make(test->tree, *top, "hole", REGULAR);
	uint64_t other = test_make(test->tree, TREE_ROOT, "other", DIRECTORY);
	*beside = test_make(test->tree, other, "beside", REGULAR);
	resize(test->tree, hole, 3 * MIB);
	test_write(test->tree, *beside, 0, data, 600 * KIB);
	test_commit(test->tree);
	return hole;
}

static void test_what_was_written_before_the_quota_is_written_over(void **state)
{
	struct tree_test *test = *state;
	uint64_t top, beside, hole = scene(test, &top, &beside);
	test_write(test->tree, hole, 0, data, 900 * KIB);
	assert_int_equal(tree_set_quota(test->tree, "top", 512 * KIB), 0);
	assert_int_equal(tree_write(test->tree, hole, 0, data, 900 * KIB), 0);
	assert_int_equal(tree_write(test->tree, hole, 900 * KIB, data, 1), -EDQUOT);
	/* Nor do bytes count when their file comes in from where there is none. */
	uint64_t in = test_make(test->tree, TREE_ROOT, "in", DIRECTORY);
	uint64_t moved = test_make(test->tree, in, "moved", REGULAR);
	resize(test->tree, moved, 3 * MIB);
	test_commit(test->tree);
	test_write(test->tree, moved, 0, data, 900 * KIB);
	assert_int_equal(tree_set_quota(test->tree, "top", 2 * MIB), 0);
	assert_int_equal(tree_rename(test->tree, in, "moved", top, "moved", 0), 0);
	test_write(test->tree, hole, 900 * KIB, data, 200 * KIB);
	assert_int_equal(tree_write(test->tree, moved, 0, data, 900 * KIB), 0);
}

static void test_overwrites_near_the_limit(void **state)
{
	struct tree_test *test = *state;
	uint64_t top, beside, hole = scene(test, &top, &beside), seed = 1;
	assert_int_equal(tree_set_quota(test->tree, "top", 2 * MIB), 0);
	test_write(test->tree, hole, 0, data, MIB);
	test_write(test->tree, hole, MIB, data, MIB);
	/* In no order, of no size in particular: in buffers, in the queue, carried, in the map. */
	for (int i = 0; i < 400; i++) {
		uint64_t at = test_next(&seed) % (2 * MIB), size = test_next(&seed) % (300 * KIB) + 1;
		if (size > 2 * MIB - at)
			size = 2 * MIB - at;
		assert_int_equal(tree_write(test->tree, hole, at, data, size), 0);
	}
	assert_int_equal(tree_write(test->tree, hole, 2 * MIB, data, 1), -EDQUOT);
}

/* Each call that a quota decides, with zeros in the buffers that will not count. */
static int by_copying(struct tree *t, uint64_t hole, uint64_t beside)
{
	ssize_t copied = tree_copy_range(t, beside, 0, hole, MIB, 600 * KIB);
	return copied < 0 ? (int)copied : 0;
}

static int by_allocating(struct tree *t, uint64_t hole, uint64_t beside)
{
	(void)beside;
	return tree_fallocate(t, hole, 0, MIB, 600 * KIB);
}

static int by_renaming(struct tree *t, uint64_t hole, uint64_t beside)
{
	(void)hole;
	(void)beside;
	return tree_rename(t, test_find(t, TREE_ROOT, "other"), "beside", test_find(t, TREE_ROOT, "top"),
			   "in", 0);
}

static int by_cloning(struct tree *t, uint64_t hole, uint64_t beside)
{
	(void)hole;
	(void)beside;
	return tree_clone(t, "other/beside", "top/clone");
}

static void refused_by_data_alone(struct tree_test *test,
				  int (*call)(struct tree *t, uint64_t hole, uint64_t beside))
{
	uint64_t top, beside, hole = scene(test, &top, &beside);
	/* In another file: what a call works on it has in the map anyway. */
	uint64_t zeroed = test_make(test->tree, top, "zeroed", REGULAR);
	assert_int_equal(tree_set_quota(test->tree, "top", MIB), 0);
	test_write(test->tree, zeroed, 0, zeros, 900 * KIB);
	assert_int_equal(call(test->tree, hole, beside), 0);
	test_commit(test->tree);
	/* Data does count. */
	uint64_t full = test_make(test->tree, top, "full", REGULAR);
	test_write(test->tree, full, 0, data, 300 * KIB);
	assert_int_equal(tree_fallocate(test->tree, hole, 0, 2 * MIB, 900 * KIB), -EDQUOT);
	assert_int_equal(tree_clone(test->tree, "other", "top/tree"), call == by_renaming ? 0 : -EDQUOT);
}

static void test_copying_is_refused_by_data_alone(void **state)
{
	refused_by_data_alone(*state, by_copying);
}

static void test_allocating_is_refused_by_data_alone(void **state)
{
	struct tree_test *test = *state;
	uint64_t top, beside, hole = scene(test, &top, &beside);
	uint64_t zeroed = test_make(test->tree, top, "zeroed", REGULAR);
	assert_int_equal(tree_set_quota(test->tree, "top", MIB), 0);
	test_write(test->tree, zeroed, 0, zeros, 900 * KIB);
	assert_int_equal(by_allocating(test->tree, hole, beside), 0);
	test_write(test->tree, zeroed, 0, data, 900 * KIB);
	assert_int_equal(by_allocating(test->tree, hole, beside), -EDQUOT);
}

static void test_renaming_is_refused_by_data_alone(void **state)
{
	refused_by_data_alone(*state, by_renaming);
}

static void test_cloning_is_refused_by_data_alone(void **state)
{
	refused_by_data_alone(*state, by_cloning);
}

#define TREE_TEST(name) cmocka_unit_test_setup_teardown(name, tree_test_setup, tree_test_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TREE_TEST(test_what_was_written_before_the_quota_is_written_over),
		TREE_TEST(test_overwrites_near_the_limit),
		TREE_TEST(test_copying_is_refused_by_data_alone),
		TREE_TEST(test_allocating_is_refused_by_data_alone),
		TREE_TEST(test_renaming_is_refused_by_data_alone),
		TREE_TEST(test_cloning_is_refused_by_data_alone),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
