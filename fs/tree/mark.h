/* SPDX-License-Identifier: MIT */
/*
 * Marking: everything that the last commit refers to is marked in the store, and what each
 * container alone has brought is added up on the way: the first file, in the order of inode
 * numbers, that refers to a chunk owns it.
 */
#ifndef FS_TREE_MARK_H
#define FS_TREE_MARK_H

#include <stdint.h>

#include "fs/store/sweep.h"
#include "fs/tree/internal.h" /* how hash tables hash */

struct job;

struct mark_figures {
	UT_hash_handle hh;
	uint64_t container;
	uint64_t deduplicated; /* raw bytes of the chunks that it owns */
	uint64_t stored;       /* their share of the packs */
};

struct mark_totals {
	struct mark_figures *figures; /* by container */
};
struct mark_figures *mark_totals_find(const struct mark_totals *totals, uint64_t container);
/* Finds or adds; NULL without memory. */
struct mark_figures *mark_totals_add(struct mark_totals *totals, uint64_t container);
void mark_totals_clear(struct mark_totals *totals);

/* Marks from a snapshot of the last commit; store_marks_begin() and a commit came before.
 * Adds to the totals. -EIO when a map cannot be read, for then nobody knows what is alive;
 * the file has been logged. -ECANCELED, -ENOMEM; -EAGAIN when the job is to pause. */
int mark_run(struct job *job, struct store_marks *marks, struct mark_totals *totals);

#endif
