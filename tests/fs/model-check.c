/* SPDX-License-Identifier: MIT */
/*
 * Which state of the model does a folder show? The folder is read once; then
 * the model goes on operation by operation, and only what an operation has
 * touched is compared again. The operation that is next may have been cut
 * through where the kernel makes several requests of it.
 */
#include "tests/fs/model.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/cleanup.h"
#include "lib/base/file.h"
#include "lib/base/mem.h"

struct seen {
	uint8_t *data; /* NULL: no such name */
	uint64_t size;
	ino_t inode;
	nlink_t links;
};

struct view {
	struct seen names[MODEL_NAMES];
	bool same[MODEL_NAMES];
};

static void view_free(struct view *v)
{
	for (unsigned i = 0; i < MODEL_NAMES; i++)
		free(v->names[i].data);
}

static int seen_read(struct seen *seen, int folder, const char *path, uint64_t limit)
{
	CLEANUP_FD int fd = openat(folder, path, O_RDONLY);
	if (fd < 0)
		return errno == ENOENT ? 0 : -errno;
	struct stat st;
	if (fstat(fd, &st) < 0)
		return -errno;
	if ((uint64_t)st.st_size > limit)
		return -EFBIG;
	seen->data = mem_zalloc(limit);
	seen->size = (uint64_t)st.st_size;
	seen->inode = st.st_ino;
	seen->links = st.st_nlink;
	return file_pread(fd, seen->data, seen->size, 0);
}

/* Names that no operation can have made are an error too. */
static int view_check_strangers(int folder)
{
	for (unsigned i = 0; i < MODEL_FOLDERS; i++) {
		char path[MODEL_PATH];
		snprintf(path, sizeof(path), "%u", i);
		int fd = openat(folder, path, O_RDONLY | O_DIRECTORY);
		if (fd < 0)
			return -errno;
		DIR *dir = fdopendir(fd);
		const struct dirent *entry;
		int error = 0;
		while (error == 0 && (entry = readdir(dir)) != NULL) {
			unsigned name = MODEL_NAMES;
			if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
				continue;
			if (sscanf(entry->d_name, "n%u", &name) != 1 || name >= MODEL_NAMES ||
			    name % MODEL_FOLDERS != i)
				error = -EEXIST;
			if (error != 0)
				fprintf(stderr, "model: a stranger: %s/%s\n", path, entry->d_name);
		}
		closedir(dir);
		if (error != 0)
			return error;
	}
	return 0;
}

static int view_read(struct view *v, int folder, uint64_t limit)
{
	memset(v, 0, sizeof(*v));
	for (unsigned i = 0; i < MODEL_NAMES; i++) {
		char path[MODEL_PATH];
		model_path(i, path);
		int error = seen_read(&v->names[i], folder, path, limit);
		if (error != 0) {
			fprintf(stderr, "model: %s cannot be read: %s\n", path, strerror(-error));
			return error;
		}
	}
	return view_check_strangers(folder);
}

static bool name_same(const struct model *m, const struct view *v, unsigned name)
{
	const struct model_file *file = m->names[name];
	const struct seen *seen = &v->names[name];
	if (file == NULL || seen->data == NULL)
		return file == NULL && seen->data == NULL;
	if (file->size != seen->size || file->links != seen->links)
		return false;
	for (unsigned i = 0; file->links > 1 && i < MODEL_NAMES; i++) {
		if (m->names[i] == file && v->names[i].inode != seen->inode)
			return false;
	}
	return memcmp(file->data, seen->data, file->size) == 0;
}

static unsigned view_compare(const struct model *m, struct view *v, const struct model_op *op)
{
	unsigned differ = 0;
	for (unsigned i = 0; i < MODEL_NAMES; i++) {
		const struct model_file *file = m->names[i];
		if (op == NULL || file == NULL || file->changed == op->id || !v->same[i])
			v->same[i] = name_same(m, v, i);
		differ += !v->same[i];
	}
	return differ;
}

/* Pages that the operation has not reached are as before it, the others as after it. */
static bool pages_between(const struct model_file *before, const uint8_t *after,
			  const struct seen *seen, const struct model_op *op)
{
	bool in_order = op->kind != MODEL_MMAP, stopped = false;
	for (uint64_t page = 0; page < seen->size; page += 4096) {
		uint64_t n = seen->size - page < 4096 ? seen->size - page : 4096;
		bool is_old = memcmp(seen->data + page, before->data + page, n) == 0;
		bool is_new = memcmp(seen->data + page, after + page, n) == 0;
		if (!is_old && (!is_new || stopped))
			return false;
		stopped |= in_order && !is_new;
	}
	return true;
}

/* The kernel gives a shared mapping to the filesystem page by page, and may cut write() at a page
 * into two requests: a crash can come in between. */
static bool view_between(const struct model *m, const struct view *v, const struct model_op *op)
{
	const struct model_file *file = m->names[op->name];
	if (op->kind != MODEL_MMAP && op->kind != MODEL_WRITE && op->kind != MODEL_APPEND)
		return false;
	CLEANUP_FREE uint8_t *after = mem_alloc(m->limit);
	memcpy(after, file->data, m->limit);
	model_fill(op, after + op->offset, op->length);
	uint64_t end = op->offset + op->length;
	for (unsigned i = 0; i < MODEL_NAMES; i++) {
		const struct seen *seen = &v->names[i];
		if (m->names[i] != file) {
			if (!v->same[i])
				return false;
			continue;
		}
		if (seen->data == NULL || seen->size < file->size)
			return false;
		if (seen->size > file->size && (seen->size > end || seen->size % 4096 != 0))
			return false;
		if (!pages_between(file, after, seen, op))
			return false;
	}
	return true;
}

static void tell_difference(FILE *out, const struct model *m, const struct view *v)
{
	for (unsigned i = 0; i < MODEL_NAMES; i++) {
		const struct model_file *file = m->names[i];
		const struct seen *seen = &v->names[i];
		char path[MODEL_PATH];
		if (v->same[i])
			continue;
		model_path(i, path);
		if (file == NULL || seen->data == NULL) {
			fprintf(out, "model:   %s is %s\n", path,
				file == NULL ? "there and should not be" : "missing");
			continue;
		}
		uint64_t at = 0;
		while (at < file->size && at < seen->size && file->data[at] == seen->data[at])
			at++;
		uint64_t word = 0, wanted = 0;
		if (at + 8 <= m->limit) {
			memcpy(&word, seen->data + at, 8);
			memcpy(&wanted, file->data + at, 8);
		}
		fprintf(out,
			"model:   %s: size %llu (model %llu), links %u (%u), differs from byte "
			"%llu on, where the word is %016llx instead of %016llx\n",
			path, (unsigned long long)seen->size, (unsigned long long)file->size,
			(unsigned)seen->links, file->links, (unsigned long long)at,
			(unsigned long long)word, (unsigned long long)wanted);
	}
}

/* The state that was nearest so far, and what was different there. */
struct nearest {
	uint64_t operation;
	unsigned differ;
	char *story;
};

static void nearest_note(struct nearest *n, const struct model *m, const struct view *v,
			 unsigned differ)
{
	size_t size;
	if (n->story != NULL && differ >= n->differ)
		return;
	free(n->story);
	n->operation = m->done;
	n->differ = differ;
	n->story = NULL;
	FILE *out = open_memstream(&n->story, &size);
	if (out == NULL)
		return;
	tell_difference(out, m, v);
	fclose(out);
}

int model_match(struct model *m, int folder, uint64_t last)
{
	struct view v;
	struct nearest nearest = {0, 0, NULL};
	uint64_t first = m->done;
	int error = view_read(&v, folder, m->limit);
	unsigned differ = error == 0 ? view_compare(m, &v, NULL) : 0;
	while (error == 0 && differ > 0) {
		struct model_op op;
		nearest_note(&nearest, m, &v, differ);
		if (m->done == last) {
			error = -1;
			break;
		}
		uint64_t before = m->random;
		model_next(m, &op);
		if (view_between(m, &v, &op)) {
			m->random = before;
			error = 1;
			break;
		}
		model_apply(m, &op);
		differ = view_compare(m, &v, &op);
	}
	if (error == -1)
		fprintf(stderr,
			"model: no state from operation %llu to %llu fits; the nearest, %llu, "
			"differs in %u names:\n%s",
			(unsigned long long)first, (unsigned long long)last,
			(unsigned long long)nearest.operation, nearest.differ, nearest.story);
	free(nearest.story);
	view_free(&v);
	return error;
}
