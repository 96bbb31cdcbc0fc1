/* SPDX-License-Identifier: MIT */
/*
 * Fingerprint index: fingerprint -> where a chunk with it may be.
 *
 * It is advice. The caller verifies every answer against the pack's directory
 * (full fingerprint); a wrong, stale or missing entry costs a read or some
 * space, never data. It holds 128 bits of each fingerprint.
 *
 * Looked at in this order: the recent table (fingerprints of directories that
 * the streams have just touched), the memory table (entries since the last
 * flush), then each sorted run on disk whose filter lets the fingerprint
 * through: one page read. In sparse mode, and over the memory budget, a filter
 * knows only a sample of its run's fingerprints (hooks; an eighth at first): a
 * hook's hit makes the caller load the directory, which then serves the
 * neighbours.
 *
 * So the caller, for a batch: look up; note the directory of each pack that was
 * hit and is not among the last few that the stream noted, and of the pack after it
 * when the hit is near the pack's end; if any was noted, look up once more what was
 * not found. Noting a directory costs some microseconds.
 *
 * On disk: FOLDER/manifest (replaced atomically) names the runs and says up to
 * which pack number everything is in them. Packs from there on are the caller's
 * to insert again after a start. The format is in granary-format.5.
 *
 * Thread-safe. Lock order: the index's lock is a leaf.
 */
#ifndef FS_STORE_INDEX_H
#define FS_STORE_INDEX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "fs/chunk/fingerprint.h"
#include "fs/store/chunk_ref.h"

struct index;

struct index_options {
	const char *folder;   /* created when missing */
	uint8_t store_uuid[16]; /* a manifest of another store is refused */
	size_t memory;        /* bytes for everything; over it filters give way to hooks */
	bool sparse;          /* hooks only, from the start */
	/* Asked while runs are merged, from the index's own thread and without its lock: false
	 * drops the entry (the pack is gone). Only for packs below index_set_committed()'s
	 * number. May be NULL. */
	bool (*pack_exists)(void *context, uint64_t pack);
	void *context;
};

struct index_stats {
	uint64_t entries;       /* in runs and memory table */
	uint64_t memory_bytes;  /* filters, fences, tables */
	uint64_t disk_bytes;
	uint64_t runs;
	uint64_t lookups, recent_hits, memory_hits, run_hits, filter_passes, page_reads;
};

/* Opens or makes the index. A damaged or foreign manifest or run is taken out with a warning,
 * and index_covered() tells from where the caller must insert again (0: everything).
 * -ENOMEM, -EIO and the like where the folder cannot be used at all. */
int index_open(const struct index_options *options, struct index **index);
/* Stops background work; does not flush. */
void index_close(struct index **index);

/* Candidates for `count` fingerprints; none is {0, 0}. 0 or -errno of a read, which the
 * caller may treat as "not found". */
int index_lookup(struct index *index, const struct fingerprint *fingerprints, size_t count,
		 struct chunk_ref *refs);
/* The candidate of the tables in memory alone: what has come since a lookup. No disk is read. */
struct chunk_ref index_lookup_memory(struct index *index, const struct fingerprint *fingerprint);
/* Adds an entry; it replaces what was known of the fingerprint. A full memory table is written
 * into a run in the background; waits when that one is not written yet. -EINVAL for a ref that
 * is none or does not fit the format. */
int index_insert(struct index *index, const struct fingerprint *fingerprint, struct chunk_ref ref);
/* Puts a directory's fingerprints into the recent table. */
void index_note_directory(struct index *index, uint64_t pack,
			  const struct fingerprint *fingerprints, size_t count);
/* A pack has been dropped: it is not answered any more. Its number must not be used again by
 * this process. */
void index_forget_pack(struct index *index, uint64_t pack);

/* Every pack with a number below this is in the runs. It rises with flushes; where a page is
 * found damaged it falls, and stays until the next index_open(). */
uint64_t index_covered(const struct index *index);
/* The caller states that all packs below `pack` have been inserted and are committed in the
 * catalogue; the next flush may record that. */
void index_set_committed(struct index *index, uint64_t pack);
/* Writes the memory table out now and records the coverage. For a clean unmount. -errno: it
 * was not written; what it held is forgotten and not covered. */
int index_flush(struct index *index);
/* Drops everything, for a rebuild. -errno of writing the manifest: nothing was dropped. */
int index_reset(struct index *index);
void index_get_stats(const struct index *index, struct index_stats *stats);

#endif
