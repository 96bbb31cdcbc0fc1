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

/*
 * Sweep, when everything that is alive has been marked. It goes through the
 * covered packs in order. A pack without living chunks is dropped; one of which
 * a large enough share is dead is copied forward: the same number and slots, the
 * next version, dead slots emptied, wholly living regions byte for byte, and
 * healed chunks put back in their place. On a host that cannot free the middle
 * of a file, packs are moved out of segments that are mostly dead.
 *
 *   store_sweep_begin(), then until a step returns 0:
 *   store_sweep_step()     decides, copies, makes the copies durable
 *   catalogue_begin()      -+ by the committer; may share a delta's transaction
 *   store_sweep_record()    |
 *   catalogue_commit()     -+
 *   store_sweep_done()     gives the old space back; not committed: the step is done again
 *
 * From a step until its done the packs that it looks at are no dedup targets.
 * Old bytes stay where they are until the commit, so a crash loses nothing.
 * Steps and records may be of different threads, one after the other. Done is the committer's
 * too, unless the step has not been recorded: one without changes, or one that is given up.
 */
struct store_sweep;

struct store_sweep_options {
	unsigned dead_percent; /* copy a pack forward from this share of dead bytes on; 0: 25 */
	unsigned step_packs;   /* packs a step looks at; 0: 16 */
};

struct store_sweep_progress {
	uint64_t packs_done, packs_total; /* numbers covered; a number may have no pack */
	uint64_t packs_dropped, packs_rewritten, packs_moved;
	uint64_t bytes_freed;  /* given back, less what copies take */
	uint64_t bytes_copied;
	uint64_t packs_skipped; /* no room for a copy, or damaged */
};

int store_sweep_begin(struct store *store, struct store_marks *marks,
		      const struct store_sweep_options *options, struct store_sweep **sweep);
/* 1: record it, then take another step. 0: nothing is left, nothing to record. -EROFS, -ENOMEM,
 * -EIO (the store has failed). */
int store_sweep_step(struct store_sweep *sweep);
/* True if the last step changes anything, so that a commit is needed for it. */
bool store_sweep_has_changes(const struct store_sweep *sweep);
int store_sweep_record(struct store_sweep *sweep);
/* After a record: by the committer, at the transaction's end. A step that was not recorded may
 * be ended by its own thread: `committed` if it had no changes, else it is undone. */
void store_sweep_done(struct store_sweep *sweep, bool committed);
void store_sweep_get_progress(const struct store_sweep *sweep, struct store_sweep_progress *progress);
void store_sweep_end(struct store_sweep **sweep);
/* What a sweep with these marks would free, from the number of marked slots. 0 or -errno. */
int store_sweep_estimate(struct store *store, const struct store_marks *marks, unsigned dead_percent,
			 uint64_t *bytes);

#endif
