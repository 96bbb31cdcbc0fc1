/* SPDX-License-Identifier: MIT */
/* Segment files; see segment_file.h and fs/format.h. */
#include "fs/store/segment_file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <xxhash.h>

#include "fs/format.h"
#include "fs/store/superblock.h"
#include "lib/base/assert.h"
#include "lib/base/cleanup.h"
#include "lib/base/clock.h"
#include "lib/base/fault.h"
#include "lib/base/file.h"
#include "lib/base/log.h"
#include "lib/base/mem.h"
#include "lib/base/wire.h"

#define SEGMENT_CHECKED_SIZE (SEGMENT_HEADER_SIZE - 8u)
#define SEGMENT_PARTS_MAX    512
#define SEGMENT_READ_AGAIN_US 20000

static char *segment_file_folder(const char *store_path, uint64_t number)
{
	return mem_printf("%s/segments/%02u", store_path, (unsigned)(number % SEGMENT_FOLDERS));
}

char *segment_file_path(const char *store_path, uint64_t number)
{
	return mem_printf("%s/segments/%02u/%010" PRIu64 ".seg", store_path,
			  (unsigned)(number % SEGMENT_FOLDERS), number);
}

void segment_header_encode(const uint8_t uuid[16], uint64_t number, uint8_t data[SEGMENT_HEADER_SIZE])
{
	struct wire w;
	wire_writer(&w, data, SEGMENT_HEADER_SIZE);
	wire_put_u64(&w, SEGMENT_MAGIC);
	wire_put_u32(&w, SUPERBLOCK_FORMAT);
	wire_put_u32(&w, 0);
	wire_put_u64(&w, number);
	wire_put_bytes(&w, uuid, 16);
	wire_put_u64(&w, (uint64_t)clock_real_ns());
	wire_put_zeros(&w, SEGMENT_CHECKED_SIZE - w.position);
	wire_put_u64(&w, XXH3_64bits(data, SEGMENT_CHECKED_SIZE));
	ASSERT(!w.error);
}

bool segment_header_is_good(const uint8_t data[SEGMENT_HEADER_SIZE], const uint8_t uuid[16],
			    uint64_t number)
{
	struct wire w;
	wire_reader(&w, data, SEGMENT_HEADER_SIZE);
	uint64_t magic = wire_get_u64(&w);
	uint32_t format = wire_get_u32(&w);
	wire_get_u32(&w);
	uint64_t stated = wire_get_u64(&w);
	const uint8_t *owner = wire_get_bytes(&w, 16);
	wire_get_bytes(&w, SEGMENT_CHECKED_SIZE - w.position);
	uint64_t checksum = wire_get_u64(&w);
	return magic == SEGMENT_MAGIC && format == SUPERBLOCK_FORMAT && stated == number &&
	       memcmp(owner, uuid, 16) == 0 && checksum == XXH3_64bits(data, SEGMENT_CHECKED_SIZE);
}

int segment_file_create(const char *store_path, const uint8_t uuid[16], uint64_t number, int *fd)
{
	CLEANUP_FREE char *folder = segment_file_folder(store_path, number);
	CLEANUP_FREE char *path = segment_file_path(store_path, number);
	uint8_t header[SEGMENT_HEADER_SIZE];
	int error = file_make_directory(folder, 0755);
	if (error)
		return error;
	/* O_TRUNC: a file of this number that no transaction refers to is a crash's remains. */
	CLEANUP_FD int opened = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	if (opened < 0)
		return -errno;
	segment_header_encode(uuid, number, header);
	error = file_pwrite(opened, header, sizeof(header), 0);
	if (error) {
		unlink(path);
		return error;
	}
	*fd = TAKE_FD(opened);
	return 0;
}

int segment_file_check(const char *store_path, const uint8_t uuid[16], uint64_t number)
{
	CLEANUP_FREE char *path = segment_file_path(store_path, number);
	uint8_t header[SEGMENT_HEADER_SIZE];
	CLEANUP_FD int fd = open(path, O_RDONLY | O_CLOEXEC);
	int error = fd < 0 ? -errno : file_pread(fd, header, sizeof(header), 0);
	if (error == -ENODATA || (!error && !segment_header_is_good(header, uuid, number)))
		error = -EBADMSG;
	return error;
}

int segment_file_open(const char *store_path, const uint8_t uuid[16], uint64_t number,
		      bool read_only, int *fd)
{
	CLEANUP_FREE char *path = segment_file_path(store_path, number);
	uint8_t header[SEGMENT_HEADER_SIZE];
	CLEANUP_FD int opened = open(path, (read_only ? O_RDONLY : O_RDWR) | O_CLOEXEC);
	int error = opened < 0 ? -errno : 0;
	int unread = error ? 0 : file_pread(opened, header, sizeof(header), 0);
	if (unread == -ENODATA)
		error = -EBADMSG;
	if (error) {
		log_error("%s: %s", path, error == -EBADMSG ? "the segment's header is cut off" : strerror(-error));
		return error;
	}
	/* Every pack says itself whose it is, with checksums: a bad block here costs no data. */
	if (unread)
		log_warning("%s: the segment's header does not read: %s", path, strerror(-unread));
	else if (!segment_header_is_good(header, uuid, number))
		log_warning("%s: the segment's header is damaged", path);
	*fd = TAKE_FD(opened);
	return 0;
}

int segment_file_sync_name(const char *store_path, uint64_t number)
{
	CLEANUP_FREE char *folder = segment_file_folder(store_path, number);
	CLEANUP_FREE char *above = mem_printf("%s/segments", store_path);
	int error = file_sync_directory(folder);
	return error ? error : file_sync_directory(above);
}

static void segment_parts_advance(struct iovec **parts, int *count, size_t done)
{
	while (*count > 0 && done >= (*parts)->iov_len) {
		done -= (*parts)->iov_len;
		(*parts)++;
		(*count)--;
	}
	if (*count > 0) {
		(*parts)->iov_base = (char *)(*parts)->iov_base + done;
		(*parts)->iov_len -= done;
	}
}

int segment_file_write(int fd, const struct iovec *parts, int count, uint64_t offset)
{
	struct iovec left[SEGMENT_PARTS_MAX];
	uint64_t start = offset;
	if (fault_hit("pwrite"))
		return -EIO;
	if (fault_hit("segment_full"))
		return -ENOSPC;
	while (count > 0) {
		struct iovec *next = left;
		int some = count < SEGMENT_PARTS_MAX ? count : SEGMENT_PARTS_MAX;
		memcpy(left, parts, (size_t)some * sizeof(*parts));
		parts += some;
		count -= some;
		while (some > 0) {
			ssize_t n = pwritev(fd, next, some, (off_t)offset);
			if (n < 0 && errno == EINTR)
				continue;
			if (n < 0)
				return -errno;
			offset += (uint64_t)n;
			segment_parts_advance(&next, &some, (size_t)n);
		}
	}
	/* So that the sync of the commit finds little left to do. Not a promise, hence no check. */
	sync_file_range(fd, (off_t)start, (off_t)(offset - start), SYNC_FILE_RANGE_WRITE);
	return 0;
}

int segment_file_read(int fd, void *data, size_t size, uint64_t offset)
{
	if (fault_hit("segment_read"))
		return -EIO;
	int error = file_pread(fd, data, size, offset);
	if (!error || error == -ENODATA || error == -ENOMEM)
		return error;
	usleep(SEGMENT_READ_AGAIN_US);
	return file_pread(fd, data, size, offset);
}

static int segment_folder_each(const char *folder, unsigned group,
			       int (*found)(void *context, uint64_t number), void *context)
{
	DIR *dir = opendir(folder);
	int error = 0;
	if (!dir)
		return errno == ENOENT ? 0 : -errno;
	for (struct dirent *e; !error && (e = readdir(dir));) {
		uint64_t number = 0;
		int length = 0;
		if (sscanf(e->d_name, "%10" SCNu64 ".seg%n", &number, &length) == 1 && length == 14 &&
		    e->d_name[14] == 0 && number % SEGMENT_FOLDERS == group)
			error = found(context, number);
	}
	closedir(dir);
	return error;
}

int segment_file_each(const char *store_path, int (*found)(void *context, uint64_t number),
		      void *context)
{
	int error = 0;
	for (unsigned group = 0; group < SEGMENT_FOLDERS && !error; group++) {
		CLEANUP_FREE char *folder = segment_file_folder(store_path, group);
		error = segment_folder_each(folder, group, found, context);
	}
	return error;
}
