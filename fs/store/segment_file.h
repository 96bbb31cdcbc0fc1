/* SPDX-License-Identifier: MIT */
/* The files under STORE/segments: names, headers, whole writes. No state. */
#ifndef FS_STORE_SEGMENT_FILE_H
#define FS_STORE_SEGMENT_FILE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/uio.h>

#include "fs/format.h"

#define SEGMENT_FOLDERS    100u
#define SEGMENT_NUMBER_MAX UINT64_C(9999999999)

/* STORE/segments/NN/NNNNNNNNNN.seg; the caller's to free. */
char *segment_file_path(const char *store_path, uint64_t number);
void segment_header_encode(const uint8_t uuid[16], uint64_t number, uint8_t data[SEGMENT_HEADER_SIZE]);
/* It is whole, and that of this segment of this store. */
bool segment_header_is_good(const uint8_t data[SEGMENT_HEADER_SIZE], const uint8_t uuid[16], uint64_t number);
/* Creates the file and writes its header; nothing is synced yet. *fd is the caller's. */
int segment_file_create(const char *store_path, const uint8_t uuid[16], uint64_t number, int *fd);
/* 0, or -EBADMSG for a header that is not what it should be. */
int segment_file_check(const char *store_path, const uint8_t uuid[16], uint64_t number);
/* Opens it. A damaged header is logged and no reason to refuse the packs behind it, which say
 * themselves what they are; -EBADMSG (logged) for a file that is shorter than its header. */
int segment_file_open(const char *store_path, const uint8_t uuid[16], uint64_t number,
		      bool read_only, int *fd);
/* Makes the file's name durable: its folder and the folder above. */
int segment_file_sync_name(const char *store_path, uint64_t number);
/* Writes all of the parts at `offset`, and starts the host's write-back of them.
 * Fault points "pwrite" (-EIO) and "segment_full" (-ENOSPC). */
int segment_file_write(int fd, const struct iovec *parts, int count, uint64_t offset);
/* -ENODATA behind the end of the file. What the disk refuses is asked for once more, a moment
 * later: the error may have been a passing one. Fault points "pread" (-EIO for one of the two) and
 * "segment_read" (-EIO for both). */
int segment_file_read(int fd, void *data, size_t size, uint64_t offset);
/* Calls found() for every segment file there is; < 0 from it ends the walk. */
int segment_file_each(const char *store_path, int (*found)(void *context, uint64_t number), void *context);

#endif
