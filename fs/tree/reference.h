/* SPDX-License-Identifier: MIT */
/*
 * The kernel's references on inodes that are not in memory: 16 bytes each, so that an inode
 * can be dropped from memory and still be known to be in use. Guarded by the caller.
 */
#ifndef FS_TREE_REFERENCE_H
#define FS_TREE_REFERENCE_H

#include <stddef.h>
#include <stdint.h>

struct reference {
	uint64_t inode, count; /* inode 0: free */
};

struct references {
	struct reference *slots;
	size_t capacity, used; /* a power of two, or 0 */
};

void references_free(struct references *r);
/* Notes `count` of an inode that has none noted; -ENOMEM. */
int references_put(struct references *r, uint64_t inode, uint64_t count);
/* What was noted of it, which is then forgotten. */
uint64_t references_take(struct references *r, uint64_t inode);
/* Takes `count` off what was noted of it, if anything was. */
void references_drop(struct references *r, uint64_t inode, uint64_t count);

#endif
