/* SPDX-License-Identifier: MIT */
/*
 * Cleaning: which chunks are alive, and giving the space of the others back.
 *
 * Marks. A bitmap over the slots of the packs that were committed at its
 * beginning, or of a range of them where memory does not suffice for all. From
 * store_marks_begin() on every chunk that store_put() finds or brings counts as
 * alive by itself. Puts that were under way are waited for, so the order is:
 *   store_marks_begin(), then a commit, then store_mark() for every reference
 *   that this commit's files, maps and open files hold;
 * whatever has been referred to since then came from there or from a put.
 */
#ifndef FS_STORE_SWEEP_H
#define FS_STORE_SWEEP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "fs/store/store.h"

struct store_marks;

/* Covers packs from `first` on, as many as `memory` bytes allow; one at a time per store.
 * 0, -EBUSY, -ENOMEM, -EIO. */
int store_marks_begin(struct store *store, uint64_t first, size_t memory, struct store_marks **marks);
/* Ends it; nothing counts as alive by itself any more. */
void store_marks_end(struct store *store, struct store_marks **marks);
/* The packs covered: [*first, *end); *more: there are packs from *end on for another pass. */
void store_marks_range(const struct store_marks *marks, uint64_t *first, uint64_t *end, bool *more);
/* Marks a chunk, and its good copy if it has been healed. True if it was marked before; false
 * for what this pass does not cover. Any thread. */
bool store_mark(struct store *store, struct store_marks *marks, struct chunk_ref ref);

#endif
