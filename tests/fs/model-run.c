/* SPDX-License-Identifier: MIT */
/*
 * Performs the model's operations on a real folder, each as one system call
 * that is atomic on a filesystem with snapshot commits. Files are opened anew
 * or used through a descriptor that stays open, as chance will have it, so
 * that unlinked files are read too.
 *
 * Errors of the filesystem are returned. A wrong result (bytes, size, links)
 * ends the process with the operation, the place and what stands there.
 */
#include "tests/fs/model.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/assert.h"
#include "lib/base/cleanup.h"
#include "lib/base/file.h"
#include "lib/base/mem.h"

int model_prepare(int folder)
{
	for (unsigned i = 0; i < MODEL_FOLDERS; i++) {
		char name[16];
		snprintf(name, sizeof(name), "%u", i);
		if (mkdirat(folder, name, 0755) < 0)
			return -errno;
		CLEANUP_FD int fd = openat(folder, name, O_RDONLY | O_DIRECTORY);
		if (fd < 0 || fsync(fd) < 0)
			return -errno;
	}
	return fsync(folder) < 0 ? -errno : 0;
}

static int file_open(int folder, const struct model_op *op, int flags)
{
	char path[MODEL_PATH];
	model_path(op->name, path);
	int fd = openat(folder, path, flags, 0644);
	return fd < 0 ? -errno : fd;
}

/* A descriptor for the operation; *keep says that it is the file's own. */
static int file_descriptor(struct model *m, int folder, const struct model_op *op, bool *keep)
{
	struct model_file *file = m->names[op->name];
	int flags = O_RDWR | (op->kind == MODEL_APPEND ? O_APPEND : 0);
	*keep = file->fd >= 0 && op->kind != MODEL_APPEND && op->id % 4 != 0;
	if (*keep)
		return file->fd;
	int fd = file_open(folder, op, flags);
	if (fd >= 0 && file->fd < 0 && op->kind != MODEL_APPEND && op->id % 3 == 0) {
		file->fd = fd;
		*keep = true;
	}
	return fd;
}

void model_close_files(struct model *m)
{
	for (unsigned i = 0; i < MODEL_NAMES; i++) {
		if (m->names[i] == NULL || m->names[i]->fd < 0)
			continue;
		close(m->names[i]->fd);
		m->names[i]->fd = -1;
	}
}

_Noreturn static void model_wrong(const struct model_op *op, const char *what, uint64_t place)
{
	char text[256];
	fprintf(stderr, "model: %s at byte %llu after operation %s\n", what,
		(unsigned long long)place, model_describe(op, text, sizeof(text)));
	exit(1);
}

static int write_full(int fd, const struct model_op *op)
{
	CLEANUP_FREE uint8_t *data = mem_alloc(op->length);
	model_fill(op, data, op->length);
	ssize_t n = op->kind == MODEL_APPEND
			    ? write(fd, data, op->length)
			    : pwrite(fd, data, op->length, (off_t)op->offset);
	if (n < 0)
		return -errno;
	return (uint64_t)n == op->length ? 0 : -ENOSPC;
}

static int copy_full(int fd, int folder, const struct model_op *op)
{
	char path[MODEL_PATH];
	model_path(op->other, path);
	CLEANUP_FD int source = openat(folder, path, O_RDONLY);
	if (source < 0)
		return -errno;
	uint64_t copied = 0;
	while (copied < op->length) {
		off_t in = (off_t)(op->from + copied), out = (off_t)(op->offset + copied);
		ssize_t n = copy_file_range(source, &in, fd, &out, op->length - copied, 0);
		if (n < 0)
			return -errno;
		if (n == 0)
			model_wrong(op, "copy_file_range() gave up", copied);
		copied += (uint64_t)n;
	}
	return 0;
}

static int map_write(int fd, const struct model_op *op)
{
	uint64_t start = op->offset / 4096 * 4096;
	size_t size = op->offset + op->length - start;
	uint8_t *map = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, (off_t)start);
	if (map == MAP_FAILED)
		return -errno;
	model_fill(op, map + (op->offset - start), op->length);
	int error = msync(map, size, MS_SYNC) < 0 ? -errno : 0;
	munmap(map, size);
	return error;
}

static int execute_contents(int fd, int folder, const struct model_op *op)
{
	int mode = op->keep_size ? FALLOC_FL_KEEP_SIZE : 0, status = 0;
	switch (op->kind) {
	case MODEL_WRITE:
	case MODEL_APPEND:
		return write_full(fd, op);
	case MODEL_COPY:
		return copy_full(fd, folder, op);
	case MODEL_MMAP:
		return map_write(fd, op);
	case MODEL_TRUNCATE:
		status = ftruncate(fd, (off_t)op->length);
		break;
	case MODEL_PUNCH:
		mode |= FALLOC_FL_PUNCH_HOLE;
		status = fallocate(fd, mode, (off_t)op->offset, (off_t)op->length);
		break;
	case MODEL_ZERO:
		mode |= FALLOC_FL_ZERO_RANGE;
		status = fallocate(fd, mode, (off_t)op->offset, (off_t)op->length);
		break;
	case MODEL_ALLOCATE:
		status = fallocate(fd, mode, (off_t)op->offset, (off_t)op->length);
		break;
	case MODEL_FSYNC:
		status = fsync(fd);
		break;
	case MODEL_FDATASYNC:
		status = fdatasync(fd);
		break;
	default:
		ASSERT(op->kind <= MODEL_FDATASYNC);
	}
	return status < 0 ? -errno : 0;
}

/* ---- comparing ---- */

static int compare_range(int fd, const struct model_file *file, const struct model_op *op,
			 uint64_t offset, uint64_t length)
{
	CLEANUP_FREE uint8_t *data = mem_alloc(length + 1);
	uint64_t wanted = offset < file->size ? file->size - offset : 0, have = 0;
	if (wanted > length)
		wanted = length;
	while (have < length) {
		ssize_t n = pread(fd, data + have, length - have, (off_t)(offset + have));
		if (n < 0)
			return -errno;
		if (n == 0)
			break;
		have += (uint64_t)n;
	}
	if (have != wanted)
		model_wrong(op, "read ends too early or too late", offset + have);
	for (uint64_t i = 0; i < have; i++) {
		if (data[i] == file->data[offset + i])
			continue;
		uint64_t seen = 0, wanted_word = 0;
		memcpy(&seen, data + i, have - i < 8 ? have - i : 8);
		memcpy(&wanted_word, file->data + offset + i, have - i < 8 ? have - i : 8);
		fprintf(stderr, "model: bytes %016llx instead of %016llx\n",
			(unsigned long long)seen, (unsigned long long)wanted_word);
		model_wrong(op, "wrong byte", offset + i);
	}
	return 0;
}

static int compare_attributes(int fd, const struct model_file *file, const struct model_op *op)
{
	struct stat st;
	if (fstat(fd, &st) < 0)
		return -errno;
	if ((uint64_t)st.st_size != file->size)
		model_wrong(op, "wrong size", (uint64_t)st.st_size);
	if (st.st_nlink != file->links)
		model_wrong(op, "wrong number of links", st.st_nlink);
	return 0;
}

/* What is called a hole must be zeros. */
static int compare_hole(int fd, const struct model_file *file, const struct model_op *op)
{
	if (file->size == 0)
		return 0;
	off_t hole = lseek(fd, 0, SEEK_HOLE);
	if (hole < 0)
		return -errno;
	if ((uint64_t)hole > file->size)
		model_wrong(op, "SEEK_HOLE goes too far", (uint64_t)hole);
	off_t data = lseek(fd, hole, SEEK_DATA);
	if (data < 0 && errno != ENXIO)
		return -errno;
	uint64_t end = data < 0 ? file->size : (uint64_t)data;
	for (uint64_t i = (uint64_t)hole; i < end; i++) {
		if (file->data[i] != 0)
			model_wrong(op, "data in what SEEK_DATA skips", i);
	}
	return 0;
}

int model_probe(struct model *m, int folder, const struct model_op *op, uint64_t *random)
{
	struct model_op probe = *op;
	if (op->kind == MODEL_RENAME || op->kind == MODEL_EXCHANGE || op->kind == MODEL_LINK)
		probe.name = op->other;
	const struct model_file *file = m->names[probe.name];
	if (file == NULL || op->kind == MODEL_FSYNC_FOLDER)
		return 0;
	probe.id = model_random(random);
	CLEANUP_FD int own = -1;
	int fd = file->fd;
	if (fd < 0 || probe.id % 2 == 0)
		fd = own = file_open(folder, &probe, O_RDONLY);
	if (fd < 0)
		return fd;
	int error = compare_attributes(fd, file, op);
	if (error != 0)
		return error;
	uint64_t offset = model_random(random) % m->limit;
	uint64_t length = 1 + model_random(random) % 20000;
	switch (m->thorough ? 0 : model_random(random) % 4) {
	case 0:
		return compare_range(fd, file, op, 0, m->limit);
	case 1:
		return compare_hole(fd, file, op);
	default:
		return compare_range(fd, file, op, offset,
				     length < m->limit - offset ? length : m->limit - offset);
	}
}

/* ---- names ---- */

/* The file has lost its last name and is read through the descriptor that is left. */
static int file_orphaned(struct model *m, struct model_file *file, const struct model_op *op)
{
	if (file == NULL || file->fd < 0 || file->links > 1)
		return 0;
	struct model_file orphan = *file;
	orphan.links = 0;
	int error = compare_attributes(file->fd, &orphan, op);
	if (error == 0)
		error = compare_range(file->fd, &orphan, op, 0, m->limit);
	close(file->fd);
	file->fd = -1;
	return error;
}

static int execute_names(struct model *m, int folder, const struct model_op *op)
{
	struct model_file *file = m->names[op->name], *other = m->names[op->other];
	char path[MODEL_PATH], other_path[MODEL_PATH];
	model_path(op->name, path);
	model_path(op->other, other_path);
	int status;
	switch (op->kind) {
	case MODEL_CREATE:
		status = openat(folder, path, O_WRONLY | O_CREAT | O_EXCL, 0644);
		if (status >= 0)
			close(status);
		break;
	case MODEL_RENAME:
		status = renameat(folder, path, folder, other_path);
		if (status == 0 && file != other)
			return file_orphaned(m, other, op);
		break;
	case MODEL_EXCHANGE:
		status = renameat2(folder, path, folder, other_path, RENAME_EXCHANGE);
		break;
	case MODEL_LINK:
		status = linkat(folder, path, folder, other_path, 0);
		break;
	default:
		ASSERT(op->kind == MODEL_UNLINK);
		status = unlinkat(folder, path, 0);
		if (status == 0)
			return file_orphaned(m, file, op);
	}
	return status < 0 ? -errno : 0;
}

int model_execute(struct model *m, int folder, const struct model_op *op)
{
	if (op->kind == MODEL_CREATE || (op->kind >= MODEL_RENAME && op->kind <= MODEL_UNLINK))
		return execute_names(m, folder, op);
	if (op->kind == MODEL_FSYNC_FOLDER) {
		char name[16];
		snprintf(name, sizeof(name), "%u", op->name);
		CLEANUP_FD int fd = openat(folder, name, O_RDONLY | O_DIRECTORY);
		return fd < 0 || fsync(fd) < 0 ? -errno : 0;
	}
	bool keep;
	int fd = file_descriptor(m, folder, op, &keep);
	if (fd < 0)
		return fd;
	int error = execute_contents(fd, folder, op);
	if (!keep && close(fd) < 0 && error == 0)
		error = -errno;
	return error;
}
