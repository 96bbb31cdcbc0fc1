/* SPDX-License-Identifier: MIT */
#include "tests/unit/tree-util.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

#include "fs/store/catalogue.h"
#include "lib/base/cleanup.h"
#include "lib/base/log.h"
#include "lib/base/mem.h"

const struct tree_caller test_caller = {.uid = 1000, .gid = 1000};

void tree_test_open(struct tree_test *test)
{
	assert_int_equal(store_open(test->path, &test->store_options, &test->store), 0);
	assert_int_equal(tree_open(test->store, &test->options, &test->tree), 0);
}

void tree_test_close(struct tree_test *test)
{
	assert_int_equal(tree_close(&test->tree), 0);
	store_close(&test->store);
}

void tree_test_reopen(struct tree_test *test)
{
	tree_test_close(test);
	tree_test_open(test);
}

static void test_folder(struct tree_test *test)
{
	const char *base = getenv("TMPDIR");
	snprintf(test->folder, sizeof(test->folder), "%.40s/granary-tree-XXXXXX", base ? base : "/tmp");
	assert_non_null(mkdtemp(test->folder));
	snprintf(test->path, sizeof(test->path), "%s/store", test->folder);
}

int tree_test_setup(void **state)
{
	struct tree_test *test = mem_zalloc(sizeof(*test));
	struct superblock sb;
	log_set_level(LOG_LEVEL_ERROR);
	test_folder(test);
	superblock_init(&sb);
	sb.reserve = 1u << 20;
	assert_int_equal(superblock_create_store(test->path, &sb), 0);
	test->options = (struct tree_options){.memory = 64u << 20, .commit_seconds = 1, .atime = true};
	test->store_options = (struct store_options){.memory = 128u << 20, .compression = -1};
	assert_int_equal(store_open(test->path, &test->store_options, &test->store), 0);
	assert_int_equal(tree_create_root(test->store, 0, 0, 0755), 0);
	assert_int_equal(tree_open(test->store, &test->options, &test->tree), 0);
	*state = test;
	return 0;
}

void tree_test_remove(struct tree_test *test)
{
	char *command = mem_printf("rm -rf '%s'", test->folder);
	assert_int_equal(system(command), 0);
	free(command);
}

int tree_test_teardown(void **state)
{
	struct tree_test *test = *state;
	if (test->tree)
		tree_test_close(test);
	tree_test_remove(test);
	free(test);
	return 0;
}

/* The head of the catalogue's log: another one where the log was begun anew. */
static void log_head(const struct tree_test *test, uint8_t head[32])
{
	CLEANUP_FREE char *path = mem_printf("%s/catalogue.sqlite-wal", test->path);
	CLEANUP_FD int fd = open(path, O_RDONLY | O_CLOEXEC);
	memset(head, 0, 32);
	if (fd >= 0)
		assert_true(read(fd, head, 32) >= 0);
}

void tree_test_crash_copy(const struct tree_test *test, struct tree_test *copy)
{
	uint8_t before[32], after[32];
	bool torn = true;
	sqlite3 *snapshot = NULL;
	*copy = (struct tree_test){.options = test->options, .store_options = test->store_options};
	test_folder(copy);
	/* The catalogue first: what it refers to is in the segments before it is. */
	CLEANUP_FREE char *command = mem_printf("rm -rf '%s' && mkdir '%s' && cp '%s'/catalogue.sqlite* '%s' && "
						"cp -rn '%s'/. '%s' && rm -f '%s/lock'",
						copy->path, copy->path, test->path, copy->path, test->path,
						copy->path, copy->path);
	/* No crash leaves what is copied file by file while the log begins anew, which it does once at most
	 * beside a snapshot, or while files go. */
	assert_int_equal(catalogue_snapshot_open(store_catalogue(test->store), &snapshot), 0);
	for (unsigned i = 0; torn && i < 10; i++) {
		log_head(test, before);
		torn = system(command) != 0;
		log_head(test, after);
		torn = torn || memcmp(before, after, sizeof(before)) != 0;
	}
	catalogue_snapshot_close(store_catalogue(test->store), &snapshot);
	assert_false(torn);
	tree_test_open(copy);
}

uint64_t test_make(struct tree *t, uint64_t parent, const char *name, mode_t mode)
{
	struct tree_entry entry;
	const char *target = S_ISLNK(mode) ? "some/where" : NULL;
	assert_int_equal(tree_make(t, parent, name, mode, 0, target, &test_caller, &entry), 0);
	tree_forget(t, entry.inode, 1);
	return entry.inode;
}

uint64_t test_find(struct tree *t, uint64_t parent, const char *name)
{
	struct tree_entry entry;
	int error = tree_lookup(t, parent, name, &entry);
	if (error == -ENOENT)
		return 0;
	assert_int_equal(error, 0);
	tree_forget(t, entry.inode, 1);
	return entry.inode;
}

void test_write(struct tree *t, uint64_t inode, uint64_t offset, const void *data, size_t size)
{
	assert_int_equal(tree_write(t, inode, offset, data, size), 0);
}

size_t test_read(struct tree *t, uint64_t inode, uint64_t offset, void *data, size_t size)
{
	struct tree_read read;
	size_t at = 0;
	assert_int_equal(tree_read(t, inode, offset, size, &read), 0);
	for (int i = 0; i < read.count; i++) {
		assert_true(at + read.iov[i].iov_len <= size);
		memcpy((uint8_t *)data + at, read.iov[i].iov_base, read.iov[i].iov_len);
		at += read.iov[i].iov_len;
	}
	assert_int_equal(at, read.size);
	tree_read_release(&read);
	return at;
}

struct stat test_stat(struct tree *t, uint64_t inode)
{
	struct stat st;
	assert_int_equal(tree_getattr(t, inode, &st), 0);
	return st;
}

void test_commit(struct tree *t)
{
	assert_int_equal(tree_commit(t, 0), 0);
}

uint64_t test_next(uint64_t *seed)
{
	/* splitmix64 */
	uint64_t z = *seed += UINT64_C(0x9e3779b97f4a7c15);
	z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
	return z ^ z >> 31;
}

void test_random(uint8_t *data, size_t size, uint64_t seed)
{
	for (size_t i = 0; i < size; i += 8) {
		uint64_t r = test_next(&seed);
		memcpy(data + i, &r, size - i < 8 ? size - i : 8);
	}
}
