/* SPDX-License-Identifier: MIT */
/*
 * Which state of the model does a folder show? The folder is read once; then
 * the model goes on operation by operation, and only what an operation has
 * touched is compared again. A shared mapping is written back page by page, so
 * while the operation that is next is one, each of its pages may be old or new.
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

/* Every page of the files is as before the mapped write or as after it. */
static bool view_between(const struct model *m, const struct view *v, const struct model_op *op)
{
	const struct model_file *file = m->names[op->name];
	CLEANUP_FREE uint8_t *after = mem_alloc(m->limit);
	memcpy(after, file->data, m->limit);
	model_fill(op, after + op->offset, op->length);
	for (unsigned i = 0; i < MODEL_NAMES; i++) {
		const struct seen *seen = &v->names[i];
		if (m->names[i] != file) {
			if (!v->same[i])
				return false;
			continue;
		}
		if (seen->data == NULL || seen->size != file->size)
			return false;
		for (uint64_t page = 0; page < file->size; page += 4096) {
			uint64_t n = file->size - page < 4096 ? file->size - page : 4096;
			if (memcmp(seen->data + page, file->data + page, n) != 0 &&
			    memcmp(seen->data + page, after + page, n) != 0)
				return false;
		}
	}
	return true;
}

static void tell_difference(const struct model *m, const struct view *v)
{
	for (unsigned i = 0; i < MODEL_NAMES; i++) {
		const struct model_file *file = m->names[i];
		const struct seen *seen = &v->names[i];
		char path[MODEL_PATH];
		if (v->same[i])
			continue;
		model_path(i, path);
		if (file == NULL || seen->data == NULL) {
			fprintf(stderr, "model:   %s is %s\n", path,
				file == NULL ? "there and should not be" : "missing");
			continue;
		}
		uint64_t at = 0;
		while (at < file->size && at < seen->size && file->data[at] == seen->data[at])
			at++;
		uint64_t word = 0;
		if (at / 8 * 8 + 8 <= m->limit)
			memcpy(&word, seen->data + at / 8 * 8, 8);
		fprintf(stderr,
			"model:   %s: size %llu (model %llu), links %u (%u), differs from byte "
			"%llu on, where the word is %016llx\n",
			path, (unsigned long long)seen->size, (unsigned long long)file->size,
			(unsigned)seen->links, file->links, (unsigned long long)at,
			(unsigned long long)word);
	}
}

int model_match(struct model *m, int folder, uint64_t last)
{
	struct view v;
	uint64_t first = m->done, best = first;
	int error = view_read(&v, folder, m->limit);
	unsigned differ = error == 0 ? view_compare(m, &v, NULL) : 0, least = differ;
	while (error == 0 && differ > 0) {
		struct model_op op;
		if (m->done == last) {
			error = -1;
			break;
		}
		uint64_t before = m->random;
		model_next(m, &op);
		if (op.kind == MODEL_MMAP && view_between(m, &v, &op)) {
			m->random = before;
			error = 1;
			break;
		}
		model_apply(m, &op);
		differ = view_compare(m, &v, &op);
		if (differ < least) {
			least = differ;
			best = m->done;
		}
	}
	if (error == -1) {
		fprintf(stderr,
			"model: no state from operation %llu to %llu fits; the nearest, %llu, "
			"differs in %u names; against the last one:\n",
			(unsigned long long)first, (unsigned long long)last,
			(unsigned long long)best, least);
		tell_difference(m, &v);
	}
	view_free(&v);
	return error;
}
