/* SPDX-License-Identifier: MIT */
/*
 * Files: whole reads and writes, atomic replacement, locks. Every function
 * returns 0 (or what it says) or -errno, and logs nothing.
 */
#ifndef LIB_BASE_FILE_H
#define LIB_BASE_FILE_H

#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>
#include <sys/types.h>

/* Reads exactly `size` bytes; -ENODATA where the file ends before. Fault point "pread". */
int file_pread(int fd, void *buffer, size_t size, uint64_t offset);
/* Writes exactly `size` bytes. Fault point "pwrite". */
int file_pwrite(int fd, const void *buffer, size_t size, uint64_t offset);
/* The same from several pieces, which are used up: what they say changes. */
int file_pwritev(int fd, struct iovec *pieces, size_t count, uint64_t offset);
/* fdatasync. Fault point "fdatasync". The caller never tries again after a failure. */
int file_sync(int fd);
/* fsync of a directory, so that names created or removed in it are durable. */
int file_sync_directory(const char *path);
/* openat() for folders that others can write to as well: follows no link (as the last part of the
 * name), waits for no FIFO, and touches nothing but a regular file. The handle, or -errno: -EBADMSG
 * for whatever else has the name. */
int file_open_regular(int folder, const char *name, int flags, mode_t mode);
/* The whole file, with a NUL after the last byte (not counted in *size). *data is the
 * caller's to free. -EFBIG over `limit` bytes. */
int file_read_all(const char *path, size_t limit, char **data, size_t *size);
/* The same of a file of such a folder. */
int file_read_regular(int folder, const char *name, size_t limit, char **data, size_t *size);
/* Writes PATH.new, syncs it, renames it over `path` and syncs the folder. */
int file_replace(const char *path, const void *data, size_t size, mode_t mode);
/* mkdir unless it is there; -ENOTDIR if something else is. */
int file_make_directory(const char *path, mode_t mode);
/* Opens or creates `path` and takes an exclusive lock that ends with the process.
 * *fd is the caller's; -EWOULDBLOCK when another process holds it. */
int file_lock(const char *path, int *fd);
/* Bytes that the host's filesystem can still take, for an ordinary user. */
int file_space(int directory_fd, uint64_t *free_bytes, uint64_t *total_bytes);

#endif
