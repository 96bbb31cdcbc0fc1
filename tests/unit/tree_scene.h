/* SPDX-License-Identifier: MIT */
/* A small store with a tree in a folder of its own, and files with known contents. */
#ifndef TESTS_UNIT_TREE_SCENE_H
#define TESTS_UNIT_TREE_SCENE_H

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

#include "fs/store/store.h"
#include "fs/tree/tree.h"

struct scene {
	char path[64];
	struct store *store;
	struct tree *tree;
	struct tree_options options;
};

static inline int scene_remove_one(const char *path, const struct stat *st, int flag, struct FTW *ftw)
{
	(void)st;
	(void)flag;
	(void)ftw;
	return remove(path);
}

/* Opens what is in the folder; closes it. */
static inline void scene_open(struct scene *s)
{
	const struct store_options options = {.memory = 64 << 20, .threads = 2, .compression = -1};
	assert_int_equal(store_open(s->path, &options, &s->store), 0);
	assert_int_equal(tree_open(s->store, &s->options, &s->tree), 0);
}

static inline void scene_close(struct scene *s)
{
	assert_int_equal(tree_close(&s->tree), 0);
	store_close(&s->store);
}

static inline void scene_new(struct scene *s)
{
	struct superblock sb;
	*s = (struct scene){.options = {.memory = 32 << 20}};
	strcpy(s->path, "/tmp/granary-scene-XXXXXX");
	assert_non_null(mkdtemp(s->path));
	superblock_init(&sb);
	sb.pack_size = 1 << 20;
	sb.segment_size = 8 << 20;
	sb.reserve = 1 << 20;
	assert_int_equal(superblock_create_store(s->path, &sb), 0);
	const struct store_options options = {.memory = 64 << 20, .threads = 2, .compression = -1};
	assert_int_equal(store_open(s->path, &options, &s->store), 0);
	assert_int_equal(tree_create_root(s->store, getuid(), getgid(), 0755), 0);
	assert_int_equal(tree_open(s->store, &s->options, &s->tree), 0);
}

static inline void scene_end(struct scene *s)
{
	scene_close(s);
	assert_int_equal(nftw(s->path, scene_remove_one, 16, FTW_DEPTH | FTW_PHYS), 0);
}

/* ---- contents: incompressible, a function of seed and offset ---- */

static inline uint64_t scene_word(uint64_t seed, uint64_t n)
{
	uint64_t x = seed * UINT64_C(0xd1342543de82ef95) + n * UINT64_C(0x9e3779b97f4a7c15) + 1;
	x = (x ^ (x >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	x = (x ^ (x >> 27)) * UINT64_C(0x94d049bb133111eb);
	return x ^ (x >> 31);
}

/* Offset and size are multiples of 8. */
static inline void scene_fill(uint64_t seed, uint64_t offset, uint8_t *data, size_t size)
{
	for (size_t i = 0; i < size; i += 8) {
		uint64_t word = scene_word(seed, (offset + i) / 8);
		memcpy(data + i, &word, 8);
	}
}

static inline uint64_t scene_lookup(struct scene *s, uint64_t parent, const char *name)
{
	struct tree_entry e;
	int rc = tree_lookup(s->tree, parent, name, &e);
	if (rc == -ENOENT)
		return 0;
	assert_int_equal(rc, 0);
	tree_forget(s->tree, e.inode, 1);
	return e.inode;
}

static inline uint64_t scene_make(struct scene *s, uint64_t parent, const char *name, mode_t mode)
{
	struct tree_entry e;
	const struct tree_caller caller = {getuid(), getgid(), 0};
	assert_int_equal(tree_make(s->tree, parent, name, mode, 0, NULL, &caller, &e), 0);
	tree_forget(s->tree, e.inode, 1);
	return e.inode;
}

#define SCENE_STEP ((size_t)128 << 10)

static inline int scene_try_write(struct scene *s, uint64_t inode, uint64_t seed, uint64_t offset,
				  uint64_t size)
{
	uint8_t *data = malloc(SCENE_STEP);
	int rc = tree_open_file(s->tree, inode, O_RDWR);
	for (uint64_t at = 0, n; !rc && at < size; at += n) {
		n = size - at < SCENE_STEP ? size - at : SCENE_STEP;
		scene_fill(seed, offset + at, data, n);
		rc = tree_write(s->tree, inode, offset + at, data, n);
	}
	if (!rc)
		rc = tree_flush(s->tree, inode);
	tree_release_file(s->tree, inode);
	free(data);
	return rc;
}

/* Makes a file of `size` bytes of this seed. */
static inline uint64_t scene_file(struct scene *s, uint64_t parent, const char *name, uint64_t seed,
				  uint64_t size)
{
	uint64_t inode = scene_make(s, parent, name, S_IFREG | 0644);
	assert_int_equal(scene_try_write(s, inode, seed, 0, size), 0);
	return inode;
}

/* The first error of reading, or 0 after all bytes were right. */
static inline int scene_try_read(struct scene *s, uint64_t inode, uint64_t seed, uint64_t size)
{
	uint8_t *want = malloc(SCENE_STEP);
	int rc = 0;
	for (uint64_t at = 0, n; !rc && at < size; at += n) {
		struct tree_read r;
		n = size - at < SCENE_STEP ? size - at : SCENE_STEP;
		scene_fill(seed, at, want, n);
		rc = tree_read(s->tree, inode, at, n, &r);
		if (rc)
			break;
		assert_int_equal(r.size, n);
		size_t done = 0;
		for (int i = 0; i < r.count; i++) {
			assert_memory_equal(r.iov[i].iov_base, want + done, r.iov[i].iov_len);
			done += r.iov[i].iov_len;
		}
		assert_int_equal(done, n);
		tree_read_release(&r);
	}
	free(want);
	return rc;
}

static inline void scene_check(struct scene *s, uint64_t parent, const char *name, uint64_t seed,
			       uint64_t size)
{
	uint64_t inode = scene_lookup(s, parent, name);
	struct stat st;
	assert_true(inode != 0);
	assert_int_equal(tree_getattr(s->tree, inode, &st), 0);
	assert_int_equal(st.st_size, size);
	assert_int_equal(scene_try_read(s, inode, seed, size), 0);
}

static inline struct tree_job_status scene_status(struct scene *s, enum tree_job job)
{
	struct tree_job_status status;
	tree_job_status(s->tree, job, &status);
	return status;
}

static inline bool scene_is_idle(struct scene *s, enum tree_job job)
{
	const char *state = scene_status(s, job).state;
	return strcmp(state, "idle") == 0 || strcmp(state, "failed") == 0;
}

static inline struct tree_job_status scene_wait(struct scene *s, enum tree_job job)
{
	for (int i = 0; i < 30000 && !scene_is_idle(s, job); i++)
		usleep(10000);
	assert_true(scene_is_idle(s, job));
	return scene_status(s, job);
}

/* Runs a job to its end, which must be a good one. */
static inline struct tree_job_status scene_run(struct scene *s, enum tree_job job)
{
	assert_int_equal(tree_job_command(s->tree, job, TREE_JOB_START), 0);
	struct tree_job_status status = scene_wait(s, job);
	assert_string_equal(status.state, "idle");
	assert_int_equal(status.error, 0);
	return status;
}

/* Bytes in segments that are not known to be dead. */
static inline uint64_t scene_used(struct scene *s)
{
	struct store_space space;
	assert_int_equal(store_space(s->store, &space), 0);
	return space.segment_bytes - space.dead_bytes;
}

#endif
