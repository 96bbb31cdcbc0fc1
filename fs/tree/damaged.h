/* SPDX-License-Identifier: MIT */
/* Files with damaged data; their paths are tree_damaged_paths() of tree.h. */
#ifndef FS_TREE_DAMAGED_H
#define FS_TREE_DAMAGED_H

#include <stdint.h>

struct job;
struct tree;

/* How many files of the last commit have data that cannot be read. `job`, if any, can be told
 * to stop meanwhile (-ECANCELED) or to pause (-EAGAIN). */
int damaged_count(struct tree *t, struct job *job, uint64_t *files);

#endif
