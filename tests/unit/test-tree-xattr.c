/* SPDX-License-Identifier: MIT */
/* Extended attributes and POSIX ACLs: stored, checked, handed down, in step with the mode. */
#include <errno.h>
#include <string.h>
#include <sys/xattr.h>

#include "lib/base/wire.h"
#include "tests/unit/tree-util.h"

#define REGULAR (S_IFREG | 0644)

static void test_values_survive_remount(void **state)
{
	struct tree_test *test = *state;
	static char big[65536], out[65536];
	uint64_t file = test_make(test->tree, TREE_ROOT, "f", REGULAR);
	memset(big, 'b', sizeof(big));
	assert_int_equal(tree_setxattr(test->tree, file, "user.a", "one", 3, 0), 0);
	assert_int_equal(tree_setxattr(test->tree, file, "trusted.b", big, sizeof(big), 0), 0);
	assert_int_equal(tree_setxattr(test->tree, file, "security.c", "", 0, 0), 0);
	tree_test_reopen(test);
	struct tree *t = test->tree;
	assert_int_equal(tree_getxattr(t, file, "user.a", NULL, 0), 3);
	assert_int_equal(tree_getxattr(t, file, "user.a", out, 2), -ERANGE);
	assert_int_equal(tree_getxattr(t, file, "trusted.b", out, sizeof(out)), sizeof(out));
	assert_memory_equal(out, big, sizeof(out));
	assert_int_equal(tree_getxattr(t, file, "security.c", out, sizeof(out)), 0);
	assert_int_equal(tree_getxattr(t, file, "user.none", out, sizeof(out)), -ENODATA);
	assert_int_equal(tree_listxattr(t, file, NULL, 0), 7 + 10 + 11);
	assert_int_equal(tree_listxattr(t, file, out, 20), -ERANGE);
	assert_int_equal(tree_listxattr(t, file, out, sizeof(out)), 28);
	assert_int_equal(tree_removexattr(t, file, "trusted.b"), 0);
	assert_int_equal(tree_removexattr(t, file, "trusted.b"), -ENODATA);
	tree_test_reopen(test);
	assert_int_equal(tree_getxattr(test->tree, file, "trusted.b", out, sizeof(out)), -ENODATA);
	assert_int_equal(tree_getxattr(test->tree, file, "user.a", out, sizeof(out)), 3);
	assert_int_equal(tree_unlink(test->tree, TREE_ROOT, "f"), 0);
	tree_test_reopen(test);
	assert_int_not_equal(tree_listxattr(test->tree, file, NULL, 0), 0);
}

static void test_flags_and_names(void **state)
{
	struct tree *t = ((struct tree_test *)*state)->tree;
	uint64_t file = test_make(t, TREE_ROOT, "f", REGULAR);
	static char huge[65537];
	assert_int_equal(tree_setxattr(t, file, "user.a", "1", 1, XATTR_REPLACE), -ENODATA);
	assert_int_equal(tree_setxattr(t, file, "user.a", "1", 1, XATTR_CREATE), 0);
	assert_int_equal(tree_setxattr(t, file, "user.a", "2", 1, XATTR_CREATE), -EEXIST);
	assert_int_equal(tree_setxattr(t, file, "user.a", "2", 1, XATTR_REPLACE), 0);
	assert_int_equal(tree_setxattr(t, file, "user.a", "2", 1, 77), -EINVAL);
	assert_int_equal(tree_setxattr(t, file, "other.a", "2", 1, 0), -EOPNOTSUPP);
	assert_int_equal(tree_setxattr(t, file, "user.", "2", 1, 0), -EINVAL);
	assert_int_equal(tree_setxattr(t, file, "user.b", huge, sizeof(huge), 0), -E2BIG);
}

static void test_own_attributes(void **state)
{
	struct tree_test *test = *state;
	char out[32];
	uint64_t file = test_make(test->tree, TREE_ROOT, "f", REGULAR);
	assert_int_equal(tree_getxattr(test->tree, file, "user.granary.layout", out, sizeof(out)), 6);
	assert_memory_equal(out, "stream", 6);
	assert_int_equal(tree_setxattr(test->tree, file, "user.granary.layout", "fixed", 5, 0), 0);
	assert_int_equal(tree_setxattr(test->tree, file, "user.granary.layout", "round", 5, 0), -EINVAL);
	assert_int_equal(tree_setxattr(test->tree, file, "user.granary.other", "x", 1, 0), -EPERM);
	assert_int_equal(tree_removexattr(test->tree, file, "user.granary.layout"), -EPERM);
	tree_test_reopen(test);
	assert_int_equal(tree_getxattr(test->tree, file, "user.granary.layout", out, sizeof(out)), 5);
	assert_int_equal(tree_listxattr(test->tree, file, NULL, 0), 0);
}

/* ---- ACLs ---- */

struct entry {
	uint16_t tag, permissions;
	uint32_t id;
};

static size_t acl_bytes(uint8_t *out, const struct entry *entries, size_t count)
{
	struct wire w;
	wire_writer(&w, out, 1024);
	wire_put_u32(&w, 2);
	for (size_t i = 0; i < count; i++) {
		wire_put_u16(&w, entries[i].tag);
		wire_put_u16(&w, entries[i].permissions);
		wire_put_u32(&w, entries[i].id);
	}
	return w.position;
}

enum { USER_OBJ = 1, USER = 2, GROUP_OBJ = 4, GROUP = 8, MASK = 16, OTHER = 32 };
#define ACCESS  "system.posix_acl_access"
#define DEFAULT "system.posix_acl_default"

static const struct entry full[] = {
	{USER_OBJ, 7, 0}, {USER, 7, 1001}, {GROUP_OBJ, 5, 0}, {MASK, 7, 0}, {OTHER, 1, 0},
};

static void test_access_list_and_mode_follow_each_other(void **state)
{
	struct tree *t = ((struct tree_test *)*state)->tree;
	uint8_t acl[1024], out[1024];
	uint64_t file = test_make(t, TREE_ROOT, "f", REGULAR);
	size_t size = acl_bytes(acl, full, 5);
	assert_int_equal(tree_setxattr(t, file, ACCESS, acl, size, 0), 0);
	assert_int_equal(test_stat(t, file).st_mode, S_IFREG | 0771);
	struct stat st = {.st_mode = 0640};
	assert_int_equal(tree_setattr(t, file, TREE_SET_MODE, &st), 0);
	assert_int_equal(tree_getxattr(t, file, ACCESS, out, sizeof(out)), size);
	static const struct entry after[] = {
		{USER_OBJ, 6, 0}, {USER, 7, 1001}, {GROUP_OBJ, 5, 0}, {MASK, 4, 0}, {OTHER, 0, 0},
	};
	acl_bytes(acl, after, 5);
	assert_memory_equal(out, acl, size);
	/* Three entries say what the mode says, and are not kept. */
	static const struct entry small[] = {{USER_OBJ, 4, 0}, {GROUP_OBJ, 2, 0}, {OTHER, 1, 0}};
	size = acl_bytes(acl, small, 3);
	assert_int_equal(tree_setxattr(t, file, ACCESS, acl, size, 0), 0);
	assert_int_equal(test_stat(t, file).st_mode, S_IFREG | 0421);
	assert_int_equal(tree_getxattr(t, file, ACCESS, out, sizeof(out)), -ENODATA);
}

static void test_bad_lists_are_refused(void **state)
{
	struct tree *t = ((struct tree_test *)*state)->tree;
	uint8_t acl[1024];
	uint64_t file = test_make(t, TREE_ROOT, "f", REGULAR);
	static const struct {
		size_t count;
		struct entry entries[6];
	} bad[] = {
		{2, {{USER_OBJ, 7, 0}, {OTHER, 7, 0}}},
		{3, {{USER_OBJ, 8, 0}, {GROUP_OBJ, 7, 0}, {OTHER, 7, 0}}},
		{4, {{USER_OBJ, 7, 0}, {USER, 7, 1}, {GROUP_OBJ, 7, 0}, {OTHER, 7, 0}}},
		{4, {{USER_OBJ, 7, 0}, {USER_OBJ, 7, 0}, {GROUP_OBJ, 7, 0}, {OTHER, 7, 0}}},
		{6, {{USER_OBJ, 7, 0}, {USER, 7, 1}, {USER, 6, 1}, {GROUP_OBJ, 7, 0}, {MASK, 7, 0},
		     {OTHER, 7, 0}}},
		{4, {{USER_OBJ, 7, 0}, {GROUP_OBJ, 7, 0}, {OTHER, 7, 0}, {64, 7, 0}}},
	};
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		size_t size = acl_bytes(acl, bad[i].entries, bad[i].count);
		assert_int_equal(tree_setxattr(t, file, ACCESS, acl, size, 0), -EINVAL);
	}
	size_t size = acl_bytes(acl, full, 5);
	assert_int_equal(tree_setxattr(t, file, ACCESS, acl, size - 1, 0), -EINVAL);
	acl[0] = 9;
	assert_int_equal(tree_setxattr(t, file, ACCESS, acl, size, 0), -EINVAL);
	acl[0] = 2;
	assert_int_equal(tree_setxattr(t, file, DEFAULT, acl, size, 0), -EACCES);
}

static void test_default_list_is_handed_down(void **state)
{
	struct tree_test *test = *state;
	struct tree *t = test->tree;
	uint8_t acl[1024], out[1024];
	struct tree_entry entry;
	struct tree_caller caller = {.uid = 1, .gid = 1, .umask = 077};
	uint64_t directory = test_make(t, TREE_ROOT, "d", S_IFDIR | 0755);
	/* Without a list the umask holds. */
	assert_int_equal(tree_make(t, directory, "plain", S_IFREG | 0666, 0, NULL, &caller, &entry), 0);
	assert_int_equal(entry.attr.st_mode, S_IFREG | 0600);
	size_t size = acl_bytes(acl, full, 5);
	assert_int_equal(tree_setxattr(t, directory, DEFAULT, acl, size, 0), 0);
	tree_test_reopen(test);
	t = test->tree;
	/* With one it does not; mode and list limit each other. */
	assert_int_equal(tree_make(t, directory, "file", S_IFREG | 0666, 0, NULL, &caller, &entry), 0);
	assert_int_equal(entry.attr.st_mode, S_IFREG | 0660);
	assert_int_equal(tree_getxattr(t, entry.inode, ACCESS, out, sizeof(out)), size);
	static const struct entry inherited[] = {
		{USER_OBJ, 6, 0}, {USER, 7, 1001}, {GROUP_OBJ, 5, 0}, {MASK, 6, 0}, {OTHER, 0, 0},
	};
	acl_bytes(acl, inherited, 5);
	assert_memory_equal(out, acl, size);
	assert_int_equal(tree_getxattr(t, entry.inode, DEFAULT, out, sizeof(out)), -ENODATA);
	assert_int_equal(tree_make(t, directory, "sub", S_IFDIR | 0777, 0, NULL, &caller, &entry), 0);
	assert_int_equal(tree_getxattr(t, entry.inode, DEFAULT, out, sizeof(out)), size);
	acl_bytes(acl, full, 5);
	assert_memory_equal(out, acl, size);
}

static void test_set_group_id_is_handed_down(void **state)
{
	struct tree *t = ((struct tree_test *)*state)->tree;
	uint64_t directory = test_make(t, TREE_ROOT, "d", S_IFDIR | 0755);
	struct stat st = {.st_mode = 02775, .st_gid = 77};
	assert_int_equal(tree_setattr(t, directory, TREE_SET_MODE | TREE_SET_GID, &st), 0);
	uint64_t file = test_make(t, directory, "f", REGULAR);
	uint64_t sub = test_make(t, directory, "s", S_IFDIR | 0755);
	assert_int_equal(test_stat(t, file).st_gid, 77);
	assert_int_equal(test_stat(t, file).st_mode & S_ISGID, 0);
	assert_int_equal(test_stat(t, sub).st_gid, 77);
	assert_int_equal(test_stat(t, sub).st_mode & S_ISGID, S_ISGID);
}

#define CASE(function) cmocka_unit_test_setup_teardown(function, tree_test_setup, tree_test_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(test_values_survive_remount),
		CASE(test_flags_and_names),
		CASE(test_own_attributes),
		CASE(test_access_list_and_mode_follow_each_other),
		CASE(test_bad_lists_are_refused),
		CASE(test_default_list_is_handed_down),
		CASE(test_set_group_id_is_handed_down),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
