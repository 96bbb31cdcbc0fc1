/* SPDX-License-Identifier: MIT */
#include "lib/base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "lib/base/cleanup.h"
#include "lib/base/fault.h"
#include "lib/base/mem.h"

int file_pread(int fd, void *buffer, size_t size, uint64_t offset)
{
	char *p = buffer;
	if (fault_hit("pread"))
		return -EIO;
	while (size > 0) {
		ssize_t n = pread(fd, p, size, (off_t)offset);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (n == 0)
			return -ENODATA;
		p += n;
		size -= (size_t)n;
		offset += (uint64_t)n;
	}
	return 0;
}

int file_pwrite(int fd, const void *buffer, size_t size, uint64_t offset)
{
	const char *p = buffer;
	if (fault_hit("pwrite"))
		return -EIO;
	while (size > 0) {
		ssize_t n = pwrite(fd, p, size, (off_t)offset);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		p += n;
		size -= (size_t)n;
		offset += (uint64_t)n;
	}
	return 0;
}

/* Takes off what has been written. */
static void pieces_advance(struct iovec **pieces, size_t *count, size_t size)
{
	while (*count && size >= (*pieces)->iov_len) {
		size -= (*pieces)->iov_len;
		(*pieces)++;
		(*count)--;
	}
	if (*count) {
		(*pieces)->iov_base = (char *)(*pieces)->iov_base + size;
		(*pieces)->iov_len -= size;
	}
}

int file_pwritev(int fd, struct iovec *pieces, size_t count, uint64_t offset)
{
	if (fault_hit("pwrite"))
		return -EIO;
	pieces_advance(&pieces, &count, 0);
	while (count > 0) {
		int most = count < IOV_MAX ? (int)count : IOV_MAX;
		ssize_t n = pwritev(fd, pieces, most, (off_t)offset);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		offset += (uint64_t)n;
		pieces_advance(&pieces, &count, (size_t)n);
	}
	return 0;
}

int file_sync(int fd)
{
	if (fault_hit("fdatasync"))
		return -EIO;
	return fdatasync(fd) < 0 ? -errno : 0;
}

int file_sync_directory(const char *path)
{
	CLEANUP_FD int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	return fsync(fd) < 0 ? -errno : 0;
}

int file_open_regular(int folder, const char *name, int flags, mode_t mode)
{
	struct stat st;
	/* Opening may already do harm (a tape rewinds, O_TRUNC empties): looks first. Who puts another
	 * file there in between finds the link refused, and what is no file before it is used. */
	if (fstatat(folder, name, &st, AT_SYMLINK_NOFOLLOW) == 0 && !S_ISREG(st.st_mode))
		return -EBADMSG;
	CLEANUP_FD int fd = openat(folder, name, flags | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, mode);
	if (fd < 0)
		return errno == ELOOP || errno == ENXIO ? -EBADMSG : -errno;
	int now = fcntl(fd, F_GETFL);
	if (fstat(fd, &st) < 0 || now < 0 || fcntl(fd, F_SETFL, now & ~O_NONBLOCK) < 0)
		return -errno;
	return S_ISREG(st.st_mode) ? TAKE_FD(fd) : -EBADMSG;
}

static int read_whole(int fd, size_t limit, char **data, size_t *size)
{
	struct stat st;
	if (fstat(fd, &st) < 0)
		return -errno;
	if (!S_ISREG(st.st_mode))
		return -EINVAL;
	if ((uint64_t)st.st_size > limit)
		return -EFBIG;
	CLEANUP_FREE char *buffer = malloc((size_t)st.st_size + 1);
	if (!buffer)
		return -ENOMEM;
	int error = file_pread(fd, buffer, (size_t)st.st_size, 0);
	if (error)
		return error;
	buffer[st.st_size] = 0;
	*size = (size_t)st.st_size;
	*data = TAKE(buffer);
	return 0;
}

int file_read_all(const char *path, size_t limit, char **data, size_t *size)
{
	CLEANUP_FD int fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	return fd < 0 ? -errno : read_whole(fd, limit, data, size);
}

int file_read_regular(int folder, const char *name, size_t limit, char **data, size_t *size)
{
	CLEANUP_FD int fd = file_open_regular(folder, name, O_RDONLY, 0);
	return fd < 0 ? fd : read_whole(fd, limit, data, size);
}

static int file_write_new(const char *path, const void *data, size_t size, mode_t mode)
{
	CLEANUP_FD int fd = file_open_regular(AT_FDCWD, path, O_WRONLY | O_CREAT | O_TRUNC, mode);
	if (fd < 0)
		return fd;
	int error = file_pwrite(fd, data, size, 0);
	return error ? error : file_sync(fd);
}

int file_replace(const char *path, const void *data, size_t size, mode_t mode)
{
	CLEANUP_FREE char *fresh = mem_printf("%s.new", path);
	CLEANUP_FREE char *folder = mem_strdup(path);
	int error = file_write_new(fresh, data, size, mode);
	if (error) {
		unlink(fresh);
		return error;
	}
	if (rename(fresh, path) < 0)
		return -errno;
	return file_sync_directory(dirname(folder));
}

int file_make_directory(const char *path, mode_t mode)
{
	struct stat st;
	if (mkdir(path, mode) == 0)
		return 0;
	if (errno != EEXIST)
		return -errno;
	if (stat(path, &st) < 0)
		return -errno;
	return S_ISDIR(st.st_mode) ? 0 : -ENOTDIR;
}

int file_lock(const char *path, int *fd)
{
	CLEANUP_FD int opened = file_open_regular(AT_FDCWD, path, O_RDWR | O_CREAT, 0600);
	if (opened < 0)
		return opened;
	if (flock(opened, LOCK_EX | LOCK_NB) < 0)
		return -errno;
	*fd = TAKE_FD(opened);
	return 0;
}

int file_space(int directory_fd, uint64_t *free_bytes, uint64_t *total_bytes)
{
	struct statvfs sv;
	if (fstatvfs(directory_fd, &sv) < 0)
		return -errno;
	*free_bytes = (uint64_t)sv.f_bavail * sv.f_frsize;
	*total_bytes = (uint64_t)sv.f_blocks * sv.f_frsize;
	return 0;
}
