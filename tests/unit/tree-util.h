/* SPDX-License-Identifier: MIT */
/* A tree on a store in a folder of its own, for the unit tests of fs/tree. */
#ifndef TESTS_UNIT_TREE_UTIL_H
#define TESTS_UNIT_TREE_UTIL_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "fs/store/store.h"
#include "fs/tree/tree.h"

struct tree_test {
	char folder[64];
	char path[96];
	struct store *store;
	struct tree *tree;
	struct tree_options options;
	struct store_options store_options;
};

extern const struct tree_caller test_caller;

/* cmocka fixtures: a new store with an open tree in *state. */
int tree_test_setup(void **state);
int tree_test_teardown(void **state);
/* Closes (everything is committed) and opens again. */
void tree_test_reopen(struct tree_test *test);
void tree_test_open(struct tree_test *test);
void tree_test_close(struct tree_test *test);
/* A copy of the store's folder as it is now, as after a crash, opened in *copy. */
void tree_test_crash_copy(const struct tree_test *test, struct tree_test *copy);
void tree_test_remove(struct tree_test *test);

/* Each asserts success. They keep no kernel reference. */
uint64_t test_make(struct tree *t, uint64_t parent, const char *name, mode_t mode);
uint64_t test_find(struct tree *t, uint64_t parent, const char *name); /* 0: not there */
void test_write(struct tree *t, uint64_t inode, uint64_t offset, const void *data, size_t size);
/* Returns the bytes read. */
size_t test_read(struct tree *t, uint64_t inode, uint64_t offset, void *data, size_t size);
struct stat test_stat(struct tree *t, uint64_t inode);
void test_commit(struct tree *t);
/* Bytes that look random, the same for the same seed. */
void test_random(uint8_t *data, size_t size, uint64_t seed);
uint64_t test_next(uint64_t *seed);

#endif
