/* SPDX-License-Identifier: MIT */
/*
 * A second tape with the same contents. The files are copied by the host's
 * filesystem where it can share their blocks (copy_file_range: on a Granary mount
 * only metadata is written), into a folder whose name is no barcode; then the copy
 * gets an identity of its own, its index is written anew under that, and the
 * folder its name.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "lib/base/cleanup.h"
#include "lib/base/fault.h"
#include "lib/base/file.h"
#include "lib/base/mem.h"
#include "target/tape/cartridge_private.h"

#define CLONE_PIECE  (64u << 20) /* bytes between two looks at whether to stop */
#define CLONE_BUFFER (1u << 20)

struct clone {
	struct cartridge *source;
	struct cartridge_work work; /* FOLDER/.new-BARCODE; its handle is the lock */
	int (*progress)(void *context, uint64_t done, uint64_t total);
	void *context;
	uint64_t done, total;
};

/* Where copy_file_range(2) does not work: across some filesystems, on old ones. */
static ssize_t clone_by_hand(int from, int to, uint64_t offset, uint8_t *buffer)
{
	ssize_t got = pread(from, buffer, CLONE_BUFFER, (off_t)offset);

	if (got < 0)
		return -errno;
	int error = got ? file_pwrite(to, buffer, (size_t)got, offset) : 0;

	return error ? error : got;
}

static ssize_t clone_piece(int from, int to, uint64_t offset, size_t size, uint8_t **buffer)
{
	off_t in = (off_t)offset, out = (off_t)offset;
	ssize_t copied = *buffer ? -1 : copy_file_range(from, &in, to, &out, size, 0);

	if (copied >= 0)
		return copied;
	if (!*buffer && errno != EXDEV && errno != EINVAL && errno != ENOSYS && errno != EOPNOTSUPP)
		return -errno;
	if (!*buffer)
		*buffer = mem_try_alloc(1, CLONE_BUFFER);
	return *buffer ? clone_by_hand(from, to, offset, *buffer) : -ENOMEM;
}

static int clone_bytes(struct clone *clone, int from, int to, uint64_t size)
{
	CLEANUP_FREE uint8_t *buffer = NULL;

	for (uint64_t offset = 0; offset < size;) {
		size_t piece = size - offset < CLONE_PIECE ? (size_t)(size - offset) : CLONE_PIECE;
		ssize_t copied = fault_hit("cartridge-clone") ? -EIO
				: clone_piece(from, to, offset, piece, &buffer);

		if (copied < 0)
			return (int)copied;
		if (copied == 0)
			return -EIO; /* the file has become shorter */
		offset += (uint64_t)copied;
		clone->done += (uint64_t)copied;
		if (clone->progress && clone->progress(clone->context, clone->done, clone->total))
			return -ECANCELED;
	}
	return file_sync(to);
}

static int clone_file(struct clone *clone, const char *name)
{
	CLEANUP_FD int from = file_open_regular(clone->source->folder, name, O_RDONLY, 0);
	CLEANUP_FD int to = -1;
	struct stat st;

	if (from < 0)
		return from;
	if (fstat(from, &st) < 0)
		return -errno;
	to = openat(clone->work.lock, name, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0640);
	if (to < 0)
		return -errno;
	return clone_bytes(clone, from, to, (uint64_t)st.st_size);
}

/* A partition has its files, or the cartridge is no whole one; there may be no memory yet. */
static int clone_check(struct clone *clone)
{
	for (unsigned n = 0; n < clone->source->conf.info.partitions; n++)
		if (clone->source->partitions[n].shortened)
			return -ENODATA;
	return 0;
}

static bool clone_may_lack(const struct clone *clone, const char *name)
{
	unsigned partition = (unsigned)(name[1] - '0');
	return name[0] == 'm' || (name[0] == 'p' && partition >= clone->source->conf.info.partitions);
}

/* All files but the lock; nothing else belongs to a cartridge. */
static int clone_files(struct clone *clone)
{
	static const char *const names[] = {"p0.data", "p0.idx", "p1.data", "p1.idx", "mam.0", "mam.1",
					    "cartridge.conf"};
	struct stat st;

	for (unsigned pass = 0; pass < 2; pass++) {
		for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
			int error = 0;

			if (fstatat(clone->source->folder, names[i], &st, AT_SYMLINK_NOFOLLOW) < 0) {
				error = errno != ENOENT			   ? -errno
					: clone_may_lack(clone, names[i]) ? 0
									   : -ENODATA;
			} else if (pass == 0) {
				clone->total += (uint64_t)st.st_size;
			} else {
				error = clone_file(clone, names[i]);
			}
			if (error)
				return error;
		}
	}
	return file_sync_directory(clone->work.path);
}

/* The copy becomes a tape of its own: no other has its uuid, and it is not locked. */
static int clone_name(struct clone *clone, const char *barcode)
{
	struct cartridge *copy = NULL;
	struct cartridge_info *info;
	int error = cartridge_open(clone->work.path, CARTRIDGE_WRITE, &copy), closed;

	if (error)
		return error;
	for (unsigned n = 0; n < copy->open_partitions && !error; n++)
		error = copy->partitions[n].shortened ? -ENODATA : 0; /* less than the source had */
	if (error) {
		cartridge_close(&copy);
		return error;
	}
	info = &copy->conf.info;
	while (getrandom(info->uuid, sizeof(info->uuid), 0) != sizeof(info->uuid)) {
	}
	info->uuid[6] = (uint8_t)((info->uuid[6] & 0x0f) | 0x40);
	info->uuid[8] = (uint8_t)((info->uuid[8] & 0x3f) | 0x80);
	snprintf(info->barcode, sizeof(info->barcode), "%s", barcode);
	info->locked_until = 0;
	info->write_protected = false; /* the slider is the shell's */
	info->created = time(NULL);
	error = cartridge_compact(copy);
	if (!error)
		error = conf_write(clone->work.path, &copy->conf);
	closed = cartridge_close(&copy);
	return error ? error : closed;
}

static int clone_make(struct clone *clone, const char *folder, const char *barcode)
{
	CLEANUP_FREE char *path = mem_printf("%s/%s", folder, barcode);
	int error = clone_check(clone);

	if (error)
		return error;
	if (access(path, F_OK) == 0)
		return -EEXIST;
	error = cartridge_work_begin(folder, barcode, &clone->work);
	if (error)
		return error;
	error = clone_files(clone);
	if (!error)
		error = clone_name(clone, barcode);
	if (!error)
		error = cartridge_work_finish(&clone->work, path);
	if (!error)
		error = file_sync_directory(folder);
	cartridge_work_end(&clone->work);
	return error;
}

int cartridge_clone(const char *source, const char *folder, const char *barcode,
		    int (*progress)(void *context, uint64_t done, uint64_t total), void *context)
{
	struct clone clone = {.progress = progress, .context = context};
	/* Opened for writing, so that nobody writes to it meanwhile. */
	int error = cartridge_open(source, CARTRIDGE_WRITE, &clone.source);

	if (error)
		return error;
	error = clone_make(&clone, folder, barcode);
	int closed = cartridge_close(&clone.source);

	return error ? error : closed;
}
