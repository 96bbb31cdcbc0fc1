/* SPDX-License-Identifier: MIT */
/*
 * Space: what the host can still take, what has been promised to writers, and
 * the reserve, a file that is really allotted so that a full store can still
 * delete, commit and clean.
 *
 * available = host's free - slack - promised - accepted but not written yet
 *             - written since the host was last asked - the reserve while it is
 *             given away: commits and cleaning may have it, writers may not
 */
#ifndef FS_STORE_SPACE_H
#define FS_STORE_SPACE_H

#include <stdbool.h>
#include <stdint.h>

struct space;

/* STORE/reserve of `wanted` bytes, at most 2 % of the host's free space (on a small host an eighth, up to 32 MiB), allotted. */
int space_create_reserve(const char *store_path, uint64_t wanted);

int space_open(const char *store_path, uint64_t reserve, bool read_only, struct space **space);
void space_free(struct space **space);

/* 0 or -ENOSPC. */
int space_reserve(struct space *s, uint64_t bytes);
void space_unreserve(struct space *s, uint64_t bytes);
/* The store has taken in `accepted` bytes that are not on the disk yet... */
void space_accept(struct space *s, uint64_t accepted);
/* ...which now are, as `written` bytes. */
void space_written(struct space *s, uint64_t accepted, uint64_t written);
/* Bytes that writers can still have. 0 or -errno. */
int space_available(struct space *s, uint64_t *available);
/* The reserve's blocks go to the filesystem; false when they have gone before. */
bool space_release(struct space *s);
/* Takes the reserve back if it was given away and there is room for it again. */
void space_restore(struct space *s);

#endif
