/* SPDX-License-Identifier: MIT */
/* Contents: what is written comes back, whatever is done to a file and whenever a commit or a
 * remount comes between; the same bytes are stored once, however they were written. */
#include <errno.h>
#include <fcntl.h>
#include <linux/falloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/unit/tree-util.h"

#define REGULAR (S_IFREG | 0644)
#define MIB     (1u << 20)

/* ---- random operations against a model ---- */

#define MODEL_FILES 3
#define MODEL_SIZE  (3u * MIB)

struct model {
	struct tree_test *test;
	uint64_t seed;
	uint64_t inode[MODEL_FILES];
	uint8_t *data[MODEL_FILES];
	size_t size[MODEL_FILES];
	uint8_t *scratch;
};

static size_t model_below(struct model *m, size_t limit)
{
	return limit ? (size_t)(test_next(&m->seed) % limit) : 0;
}

/* Mostly small, sometimes large, often aligned. */
static size_t model_length(struct model *m)
{
	static const size_t limits[] = {16, 5000, 70000, MIB};
	size_t n = model_below(m, limits[model_below(m, 4)]) + 1;
	return model_below(m, 3) ? n : (n + 4095) / 4096 * 4096;
}

static void model_write(struct model *m, unsigned f)
{
	size_t length = model_length(m);
	size_t offset = model_below(m, 3) ? model_below(m, m->size[f] + 1) : m->size[f];
	if (model_below(m, 8) == 0)
		offset = model_below(m, MODEL_SIZE);
	if (offset + length > MODEL_SIZE)
		return;
	if (model_below(m, 6) == 0)
		memset(m->scratch, 0, length);
	else /* few seeds, so that data comes again */
		test_random(m->scratch, length, model_below(m, 40));
	test_write(m->test->tree, m->inode[f], offset, m->scratch, length);
	memcpy(m->data[f] + offset, m->scratch, length);
	if (offset + length > m->size[f])
		m->size[f] = offset + length;
}

static void model_truncate(struct model *m, unsigned f)
{
	size_t size = model_below(m, model_below(m, 2) ? m->size[f] + 1 : MODEL_SIZE);
	struct stat st = {.st_size = (off_t)size};
	assert_int_equal(tree_setattr(m->test->tree, m->inode[f], TREE_SET_SIZE, &st), 0);
	if (size < m->size[f])
		memset(m->data[f] + size, 0, m->size[f] - size);
	m->size[f] = size;
}

static void model_punch(struct model *m, unsigned f)
{
	size_t offset = model_below(m, MODEL_SIZE / 2), length = model_length(m);
	bool zero = model_below(m, 2);
	int mode = zero ? FALLOC_FL_ZERO_RANGE : FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE;
	assert_int_equal(tree_fallocate(m->test->tree, m->inode[f], mode, offset, length), 0);
	if (zero && offset + length > m->size[f])
		m->size[f] = offset + length;
	if (offset < m->size[f])
		memset(m->data[f] + offset, 0,
		       offset + length < m->size[f] ? length : m->size[f] - offset);
}

static void model_copy(struct model *m, unsigned from)
{
	unsigned to = (unsigned)model_below(m, MODEL_FILES);
	size_t from_offset = model_below(m, m->size[from] + 1), length = model_length(m);
	size_t to_offset = model_below(m, MODEL_SIZE / 2);
	ssize_t n = tree_copy_range(m->test->tree, m->inode[from], from_offset, m->inode[to], to_offset,
				    length);
	size_t expected = m->size[from] - from_offset < length ? m->size[from] - from_offset : length;
	if (from == to && expected && from_offset < to_offset + expected &&
	    to_offset < from_offset + expected) {
		assert_int_equal(n, -EINVAL);
		return;
	}
	assert_int_equal(n, expected);
	memmove(m->data[to] + to_offset, m->data[from] + from_offset, expected);
	if (expected && to_offset + expected > m->size[to])
		m->size[to] = to_offset + expected;
}

static void model_check(struct model *m, unsigned f, size_t offset, size_t length)
{
	size_t expected = offset < m->size[f] ? m->size[f] - offset : 0;
	if (expected > length)
		expected = length;
	size_t n = test_read(m->test->tree, m->inode[f], offset, m->scratch, length);
	assert_int_equal(n, expected);
	assert_memory_equal(m->scratch, m->data[f] + offset, n);
}

static void model_seek(struct model *m, unsigned f)
{
	uint64_t at = model_below(m, MODEL_SIZE), found;
	struct tree *t = m->test->tree;
	int error = tree_lseek(t, m->inode[f], at, SEEK_DATA, &found);
	if (at >= m->size[f]) {
		assert_int_equal(error, -ENXIO);
		return;
	}
	/* What is skipped must be zeros. */
	uint64_t end = error == -ENXIO ? m->size[f] : found;
	assert_true(error == 0 || error == -ENXIO);
	for (uint64_t i = at; i < end; i++)
		assert_int_equal(m->data[f][i], 0);
	assert_int_equal(tree_lseek(t, m->inode[f], at, SEEK_HOLE, &found), 0);
	assert_true(found >= at && found <= m->size[f]);
}

static void model_step(struct model *m)
{
	unsigned f = (unsigned)model_below(m, MODEL_FILES), what = (unsigned)model_below(m, 100);
	if (what < 50)
		model_write(m, f);
	else if (what < 58)
		model_truncate(m, f);
	else if (what < 65)
		model_punch(m, f);
	else if (what < 72)
		model_copy(m, f);
	else if (what < 90)
		model_check(m, f, model_below(m, MODEL_SIZE), model_length(m));
	else if (what < 95)
		model_seek(m, f);
	else if (what < 98)
		assert_int_equal(tree_commit(m->test->tree, m->inode[f]), 0);
	else if (what == 98)
		assert_int_equal(tree_flush(m->test->tree, m->inode[f]), 0);
	else if (model_below(m, 4) == 0)
		tree_test_reopen(m->test);
}

static void model_run(struct tree_test *test, uint64_t seed, unsigned steps)
{
	struct model m = {.test = test, .seed = seed, .scratch = malloc(2 * MODEL_SIZE)};
	char name[16];
	print_message("seed %llu\n", (unsigned long long)seed);
	for (unsigned f = 0; f < MODEL_FILES; f++) {
		snprintf(name, sizeof(name), "m%u", f);
		m.inode[f] = test_make(test->tree, TREE_ROOT, name, REGULAR);
		m.data[f] = calloc(1, 2 * MODEL_SIZE);
	}
	if (seed & 1)
		assert_int_equal(tree_setxattr(test->tree, m.inode[0], "user.granary.layout", "fixed", 5, 0),
				 0);
	for (unsigned i = 0; i < steps; i++)
		model_step(&m);
	for (unsigned f = 0; f < MODEL_FILES; f++)
		model_check(&m, f, 0, MODEL_SIZE);
	tree_test_reopen(test);
	for (unsigned f = 0; f < MODEL_FILES; f++) {
		model_check(&m, f, 0, MODEL_SIZE);
		free(m.data[f]);
	}
	free(m.scratch);
}

static uint64_t model_seed(uint64_t seed)
{
	const char *text = getenv("GRANARY_SEED");
	return text ? strtoull(text, NULL, 10) : seed;
}

static void test_random_operations_stream(void **state)
{
	model_run(*state, model_seed(2), 2500);
}

static void test_random_operations_fixed(void **state)
{
	model_run(*state, model_seed(3), 2500);
}

/* ---- storing once ---- */

static uint64_t stored_bytes(struct tree_test *test)
{
	struct store_stats stats;
	store_get_stats(test->store, &stats);
	return stats.bytes_new;
}

struct shared_names {
	char text[256];
	uint64_t bytes;
};

static void shared_note(void *context, const char *path, uint64_t bytes)
{
	struct shared_names *names = context;
	size_t used = strlen(names->text);
	snprintf(names->text + used, sizeof(names->text) - used, "%s ", path);
	names->bytes += bytes;
}

/* Whoever has chunks of a file is found: a copy, one that has half of it; the file itself and a
 * stranger are not. Of many, those with most are named. */
static void test_explain_names_who_shares(void **state)
{
	struct tree_test *test = *state;
	enum { SIZE = 4 * MIB };
	uint8_t *data = malloc(2 * SIZE);
	test_random(data, 2 * SIZE, 23);
	static const struct {
		const char *name;
		size_t from, size;
	} files[] = {{"whole", 0, SIZE}, {"half", 0, SIZE / 2}, {"copy", 0, SIZE}, {"other", SIZE, SIZE}};
	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		uint64_t file = test_make(test->tree, TREE_ROOT, files[i].name, REGULAR);
		test_write(test->tree, file, 0, data + files[i].from, files[i].size);
		/* What is ingested at the same moment may be stored twice. */
		test_commit(test->tree);
	}
	struct shared_names names = {0};
	uint64_t count = 0;
	assert_int_equal(tree_explain_shared(test->tree, "whole", 9, &count, shared_note, &names), 0);
	assert_int_equal(count, 2);
	assert_true(strstr(names.text, "half ") && strstr(names.text, "copy "));
	assert_true(names.bytes <= SIZE + SIZE / 2 && names.bytes > SIZE + SIZE / 2 - (256 << 10));
	names = (struct shared_names){0};
	assert_int_equal(tree_explain_shared(test->tree, "whole", 1, &count, shared_note, &names), 0);
	assert_int_equal(count, 2);
	assert_string_equal(names.text, "copy ");
	names = (struct shared_names){0};
	assert_int_equal(tree_explain_shared(test->tree, "other", 9, &count, shared_note, &names), 0);
	assert_int_equal(count, 0);
	assert_string_equal(names.text, "");
	assert_int_equal(tree_explain_shared(test->tree, "none", 9, &count, shared_note, &names), -ENOENT);
	free(data);
}

static void test_second_file_costs_nearly_nothing(void **state)
{
	struct tree_test *test = *state;
	enum { SIZE = 8 * MIB };
	uint8_t *data = malloc(SIZE);
	test_random(data, SIZE, 7);
	uint64_t a = test_make(test->tree, TREE_ROOT, "a", REGULAR);
	uint64_t b = test_make(test->tree, TREE_ROOT, "b", REGULAR);
	for (size_t at = 0; at < SIZE; at += MIB)
		test_write(test->tree, a, at, data + at, MIB);
	test_commit(test->tree);
	uint64_t before = stored_bytes(test);
	assert_true(before >= SIZE);
	for (size_t at = 0; at < SIZE; at += 128 << 10)
		test_write(test->tree, b, at, data + at, 128 << 10);
	test_commit(test->tree);
	assert_true(stored_bytes(test) - before < SIZE / 100);
	struct tree_explain explain;
	assert_int_equal(tree_explain(test->tree, "b", &explain), 0);
	assert_int_equal(explain.size, SIZE);
	assert_int_equal(explain.allocated, SIZE);
	assert_true(explain.chunks > SIZE / (64 << 10));
	free(data);
}

/* Portions, order, commits and pauses make no difference to the cuts. */
static void test_same_cuts_however_written(void **state)
{
	struct tree_test *test = *state;
	enum { SIZE = 3 * MIB + 12345 };
	uint8_t *data = malloc(SIZE);
	/* No commits but those that are counted below: each cuts a tail short. */
	test->options.commit_seconds = 100000;
	tree_test_reopen(test);
	test_random(data, SIZE, 11);
	uint64_t a = test_make(test->tree, TREE_ROOT, "a", REGULAR), b;
	for (size_t at = 0; at < SIZE; at += MIB)
		test_write(test->tree, a, at, data + at, SIZE - at < MIB ? SIZE - at : MIB);
	test_commit(test->tree);
	static const struct {
		size_t portion;
		unsigned commit_every, reopen_every;
		bool swapped;
	} ways[] = {{777, 0, 0, false}, {100000, 1, 0, false}, {65536, 3, 7, false}, {131072, 0, 0, true}};
	for (unsigned w = 0; w < sizeof(ways) / sizeof(ways[0]); w++) {
		char name[8];
		uint64_t seed = w;
		snprintf(name, sizeof(name), "w%u", w);
		b = test_make(test->tree, TREE_ROOT, name, REGULAR);
		unsigned i = 0;
		uint64_t before = stored_bytes(test), extra = 0;
		for (size_t at = 0; at < SIZE; at += ways[w].portion, i++) {
			/* Neighbours change places now and then, as a kernel's write-back does. */
			size_t n = ways[w].portion, from = at;
			if (ways[w].swapped && (test_next(&seed) & 1) && at + 2 * n <= SIZE) {
				test_write(test->tree, b, at + n, data + at + n, n);
				test_write(test->tree, b, at, data + at, n);
				at += n;
				continue;
			}
			test_write(test->tree, b, from, data + from, SIZE - from < n ? SIZE - from : n);
			if (ways[w].commit_every && i % ways[w].commit_every == 0) {
				test_commit(test->tree);
				extra += 64 << 10; /* the tail, cut short */
			}
			if (ways[w].reopen_every && i % ways[w].reopen_every == 0) {
				extra += 1 << 20; /* the catalogue's copy; counters start anew */
				tree_test_reopen(test);
				before = 0;
			}
		}
		test_commit(test->tree);
		assert_true(stored_bytes(test) - before <= extra + 4096);
		struct tree_explain x, y;
		assert_int_equal(tree_explain(test->tree, "a", &x), 0);
		assert_int_equal(tree_explain(test->tree, name, &y), 0);
		assert_int_equal(x.chunks, y.chunks);
		assert_int_equal(x.packs, y.packs);
	}
	free(data);
}

static void test_zeros_are_holes(void **state)
{
	struct tree_test *test = *state;
	uint8_t *zeros = calloc(1, 4 * MIB);
	uint64_t found, file = test_make(test->tree, TREE_ROOT, "z", REGULAR);
	memcpy(zeros + 2 * MIB, "data", 4);
	test_write(test->tree, file, 0, zeros, 4 * MIB);
	assert_true(test_stat(test->tree, file).st_blocks > 0);
	test_commit(test->tree);
	assert_true(test_stat(test->tree, file).st_blocks <= 2 * 65536 / 512);
	assert_int_equal(tree_lseek(test->tree, file, 0, SEEK_DATA, &found), 0);
	assert_true(found > MIB && found <= 2 * MIB);
	assert_int_equal(tree_lseek(test->tree, file, 0, SEEK_HOLE, &found), 0);
	assert_int_equal(found, 0);
	assert_int_equal(tree_lseek(test->tree, file, 3 * MIB, SEEK_DATA, &found), -ENXIO);
	free(zeros);
}

/* A copy that asks for each few zeros is slower than one that reads them. */
static void test_seek_passes_small_holes_by(void **state)
{
	const size_t kib = 1024, small = 100 * kib, large = 300 * kib, size = 600 * kib;
	struct tree_test *test = *state;
	uint8_t *data = malloc(size);
	uint64_t found, file = test_make(test->tree, TREE_ROOT, "p", REGULAR);
	memset(data, 'x', size);
	memset(data + small, 0, 16 * kib);
	memset(data + large, 0, 128 * kib);
	test_write(test->tree, file, 0, data, size);
	test_commit(test->tree);
	assert_int_equal(test_stat(test->tree, file).st_blocks, (size - 144 * kib) / 512);
	assert_int_equal(tree_lseek(test->tree, file, 0, SEEK_HOLE, &found), 0);
	assert_int_equal(found, large);
	assert_int_equal(tree_lseek(test->tree, file, small + kib, SEEK_DATA, &found), 0);
	assert_int_equal(found, small + kib);
	assert_int_equal(tree_lseek(test->tree, file, small + kib, SEEK_HOLE, &found), 0);
	assert_int_equal(found, large);
	assert_int_equal(tree_lseek(test->tree, file, large, SEEK_DATA, &found), 0);
	assert_int_equal(found, large + 128 * kib);
	assert_int_equal(tree_lseek(test->tree, file, found, SEEK_HOLE, &found), 0);
	assert_int_equal(found, size);
	free(data);
}

static void test_huge_offsets(void **state)
{
	struct tree_test *test = *state;
	char out[16];
	uint64_t file = test_make(test->tree, TREE_ROOT, "h", REGULAR), far = UINT64_C(7) << 40, found;
	test_write(test->tree, file, far, "end", 3);
	assert_int_equal(tree_write(test->tree, file, INT64_MAX, "x", 1), -EFBIG);
	tree_test_reopen(test);
	assert_int_equal(test_stat(test->tree, file).st_size, far + 3);
	assert_int_equal(test_read(test->tree, file, far, out, 16), 3);
	assert_memory_equal(out, "end", 3);
	assert_int_equal(test_read(test->tree, file, far / 2, out, 16), 16);
	assert_int_equal(out[3], 0);
	assert_int_equal(tree_lseek(test->tree, file, 0, SEEK_DATA, &found), 0);
	assert_int_equal(found, far);
}

static void test_open_truncates(void **state)
{
	struct tree_test *test = *state;
	uint64_t file = test_make(test->tree, TREE_ROOT, "f", REGULAR);
	test_write(test->tree, file, 0, "something", 9);
	test_commit(test->tree);
	assert_int_equal(tree_open_file(test->tree, file, O_WRONLY | O_TRUNC), 0);
	assert_int_equal(test_stat(test->tree, file).st_size, 0);
	test_write(test->tree, file, 0, "new", 3);
	tree_release_file(test->tree, file);
	tree_test_reopen(test);
	char out[16];
	assert_int_equal(test_read(test->tree, file, 0, out, 16), 3);
	assert_memory_equal(out, "new", 3);
}

/* Writes may pass the kernel's cache by while nobody else has the file open; who comes later is
 * noticed for as long as such a writer is there. */
static void test_direct_handles_are_granted_to_lone_writers(void **state)
{
	struct tree *t = ((struct tree_test *)*state)->tree;
	uint64_t file = test_make(t, TREE_ROOT, "f", REGULAR);
	const int direct = O_WRONLY | O_DIRECT;
	assert_int_equal(tree_open_file(t, file, O_WRONLY), 0);
	assert_int_equal(tree_open_file(t, file, direct), 0);
	tree_release_file(t, file);
	tree_release_file(t, file);
	assert_int_equal(tree_open_file(t, file, direct), 1);
	assert_int_equal(tree_open_file(t, file, direct), 1);
	assert_false(tree_is_mixed(t, file));
	assert_int_equal(tree_open_file(t, file, O_RDONLY), 0);
	assert_true(tree_is_mixed(t, file));
	tree_release_file(t, file);
	tree_release_direct(t, file);
	assert_true(tree_is_mixed(t, file));
	tree_release_direct(t, file);
	assert_int_equal(tree_open_file(t, file, direct), 1);
	assert_false(tree_is_mixed(t, file));
	tree_release_direct(t, file);
}

/* ---- clones, containers, quotas ---- */

static void test_clone_shares_everything(void **state)
{
	struct tree_test *test = *state;
	enum { SIZE = 2 * MIB };
	uint8_t *data = malloc(SIZE), *out = malloc(SIZE);
	test_random(data, SIZE, 5);
	uint64_t top = test_make(test->tree, TREE_ROOT, "src", S_IFDIR | 0750);
	uint64_t sub = test_make(test->tree, top, "sub", S_IFDIR | 0755);
	uint64_t file = test_make(test->tree, sub, "file", REGULAR);
	test_make(test->tree, sub, "link", S_IFLNK | 0777);
	test_write(test->tree, file, 0, data, SIZE);
	assert_int_equal(tree_setxattr(test->tree, file, "user.x", "y", 1, 0), 0);
	test_commit(test->tree);
	uint64_t before = stored_bytes(test);
	assert_int_equal(tree_clone(test->tree, "src", "src/sub/copy"), 0);
	assert_int_equal(tree_clone(test->tree, "src", "src/sub/copy"), -EEXIST);
	assert_int_equal(tree_clone(test->tree, "none", "other"), -ENOENT);
	test_commit(test->tree);
	assert_int_equal(stored_bytes(test), before);
	/* The source changes, the clone does not. */
	test_write(test->tree, file, 100, "changed", 7);
	tree_test_reopen(test);
	uint64_t copy = test_find(test->tree, sub, "copy");
	assert_int_equal(test_stat(test->tree, copy).st_mode, S_IFDIR | 0750);
	uint64_t copy_sub = test_find(test->tree, copy, "sub");
	assert_int_equal(test_find(test->tree, copy_sub, "copy"), 0);
	uint64_t copy_file = test_find(test->tree, copy_sub, "file");
	assert_int_equal(test_read(test->tree, copy_file, 0, out, SIZE), SIZE);
	assert_memory_equal(out, data, SIZE);
	assert_int_equal(tree_getxattr(test->tree, copy_file, "user.x", out, 8), 1);
	char *target;
	assert_int_equal(tree_readlink(test->tree, test_find(test->tree, copy_sub, "link"), &target), 0);
	assert_string_equal(target, "some/where");
	free(target);
	free(data);
	free(out);
}

static struct tree_container container_of_name(struct tree *t, const char *name)
{
	struct tree_container *list, found = {0};
	ssize_t n = tree_containers(t, &list);
	assert_true(n >= 1);
	for (ssize_t i = 0; i < n; i++)
		if (strcmp(list[i].name, name) == 0)
			found = list[i];
	free(list);
	return found;
}

static void test_quota_refuses_at_the_write(void **state)
{
	struct tree_test *test = *state;
	uint8_t *data = malloc(2 * MIB);
	test_random(data, 2 * MIB, 9);
	uint64_t top = test_make(test->tree, TREE_ROOT, "top", S_IFDIR | 0755);
	uint64_t file = test_make(test->tree, top, "f", REGULAR);
	assert_int_equal(tree_set_quota(test->tree, "top", MIB), 0);
	assert_int_equal(tree_set_quota(test->tree, "top/f", MIB), -ENOTDIR);
	assert_int_equal(tree_set_quota(test->tree, "none", MIB), -ENOENT);
	test_write(test->tree, file, 0, data, MIB / 2);
	assert_int_equal(tree_write(test->tree, file, MIB / 2, data, MIB), -EDQUOT);
	test_write(test->tree, file, MIB / 2, data + MIB / 2, MIB / 2);
	assert_int_equal(tree_write(test->tree, file, MIB, data, 1), -EDQUOT);
	test_write(test->tree, file, 0, data, MIB / 4); /* nothing more than before */
	tree_test_reopen(test);
	struct tree_container c = container_of_name(test->tree, "top");
	assert_int_equal(c.quota, MIB);
	assert_int_equal(c.logical, MIB);
	assert_int_equal(c.files, 1);
	assert_true(c.deduplicated >= MIB);
	assert_int_equal(tree_write(test->tree, file, MIB, data, 1), -EDQUOT);
	/* Elsewhere it does not hold, and what is there cannot come in. */
	uint64_t other = test_make(test->tree, TREE_ROOT, "other", S_IFDIR | 0755);
	uint64_t in = test_make(test->tree, other, "in", S_IFDIR | 0755);
	uint64_t big = test_make(test->tree, in, "big", REGULAR);
	test_write(test->tree, big, 0, data, 2 * MIB);
	assert_int_equal(tree_rename(test->tree, other, "in", top, "in", 0), -EDQUOT);
	assert_int_equal(tree_unlink(test->tree, top, "f"), 0);
	assert_int_equal(container_of_name(test->tree, "top").logical, 0);
	assert_int_equal(tree_set_quota(test->tree, "top", 4 * MIB), 0);
	test_commit(test->tree);
	assert_int_equal(tree_rename(test->tree, other, "in", top, "in", 0), 0);
	assert_int_equal(container_of_name(test->tree, "top").logical, 2 * MIB);
	assert_int_equal(container_of_name(test->tree, "top").files, 1);
	assert_int_equal(container_of_name(test->tree, "other").logical, 0);
	/* Up into the root: a container of its own; and gone with the directory. */
	assert_int_equal(tree_rename(test->tree, top, "in", TREE_ROOT, "in", 0), 0);
	assert_int_equal(container_of_name(test->tree, "in").logical, 2 * MIB);
	assert_int_equal(tree_rename(test->tree, TREE_ROOT, "in", top, "in", 0), 0);
	assert_int_equal(container_of_name(test->tree, "in").inode, 0);
	tree_test_reopen(test);
	assert_int_equal(container_of_name(test->tree, "top").logical, 2 * MIB);
	assert_int_equal(container_of_name(test->tree, "in").inode, 0);
	free(data);
}

static void test_fallocate_modes(void **state)
{
	struct tree *t = ((struct tree_test *)*state)->tree;
	uint64_t file = test_make(t, TREE_ROOT, "f", REGULAR);
	assert_int_equal(tree_fallocate(t, file, 0, 0, 1000), 0);
	assert_int_equal(test_stat(t, file).st_size, 1000);
	assert_int_equal(tree_fallocate(t, file, FALLOC_FL_KEEP_SIZE, 0, 5000), 0);
	assert_int_equal(test_stat(t, file).st_size, 1000);
	assert_int_equal(tree_fallocate(t, file, FALLOC_FL_COLLAPSE_RANGE, 0, 4096), -EOPNOTSUPP);
	assert_int_equal(tree_fallocate(t, file, FALLOC_FL_PUNCH_HOLE, 0, 4096), -EOPNOTSUPP);
	assert_int_equal(tree_fallocate(t, file, 0, 0, 0), -EINVAL);
	assert_int_equal(tree_fallocate(t, file, 0, INT64_MAX, 10), -EFBIG);
	assert_int_equal(tree_fallocate(t, TREE_ROOT, 0, 0, 10), -EISDIR);
}

#define CASE(function) cmocka_unit_test_setup_teardown(function, tree_test_setup, tree_test_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(test_random_operations_stream),
		CASE(test_random_operations_fixed),
		CASE(test_second_file_costs_nearly_nothing),
		CASE(test_explain_names_who_shares),
		CASE(test_same_cuts_however_written),
		CASE(test_zeros_are_holes),
		CASE(test_seek_passes_small_holes_by),
		CASE(test_huge_offsets),
		CASE(test_open_truncates),
		CASE(test_direct_handles_are_granted_to_lone_writers),
		CASE(test_clone_shares_everything),
		CASE(test_quota_refuses_at_the_write),
		CASE(test_fallocate_modes),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
