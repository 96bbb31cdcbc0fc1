/* SPDX-License-Identifier: MIT */
/*
 * Every regular file of one commit, in the order of inode numbers: what marking and the
 * search for damaged files go through. Files that have no name any more are among them.
 */
#ifndef FS_TREE_SCAN_H
#define FS_TREE_SCAN_H

#include <stddef.h>
#include <stdint.h>

#include <sqlite3.h>

#include "fs/store/chunk_ref.h"

struct tree;

struct scan_file {
	uint64_t inode, container;
	uint64_t allocated;
	const void *map; /* valid until the call returns */
	size_t map_size;
};

/* Calls file() for each; what is not 0 ends the scan and is returned. */
int scan_files(struct tree *t, sqlite3 *snapshot, int (*file)(void *context, const struct scan_file *file),
	       void *context);
/* Sum of their allocated bytes: what a scan has before it. */
int scan_total(struct tree *t, sqlite3 *snapshot, uint64_t *allocated);
/* The last copy of the catalogue that this commit knows of (fs/tree/backup.h), or none. */
int scan_anchor(struct tree *t, sqlite3 *snapshot, struct chunk_ref *anchor);
/* Calls emit() with each path of each inode in the sorted list, relative to the root. An inode
 * without a name is "inode NUMBER". */
int scan_paths(struct tree *t, sqlite3 *snapshot, const uint64_t *inodes, size_t count,
	       void (*emit)(void *context, size_t which, const char *path), void *context);

#endif
