/* SPDX-License-Identifier: MIT */
/*
 * Segments: the append-only files in which packs are.
 *
 * Room for a pack is allotted at the end of the current segment under the lock;
 * its bytes are written outside of it. A segment is full when the next pack does
 * not fit, and sealed when it is full and every pack in it has been committed.
 *
 * What the catalogue says of a segment (size, freed, state) follows its packs:
 * segments_record_*() collect what a transaction changes and write the rows,
 * segments_settle() makes that true in memory, or forgets it. These are the
 * committer's.
 *
 * Thread-safe but for that. The lock is the store's "segment lock".
 */
#ifndef FS_STORE_SEGMENT_H
#define FS_STORE_SEGMENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

#include "fs/store/catalogue.h"

struct segments;

/* Where a pack is. */
struct segment_place {
	uint64_t segment;
	uint64_t offset;
	uint64_t length;
};

struct segments_options {
	const char *store_path;
	const uint8_t *uuid;
	uint64_t segment_size;
	bool read_only;
	bool salvage; /* go on although files are missing or short */
};

/* Reads the table and checks that every file is there and long enough. Unless read-only, what
 * a crash has left is removed: bytes behind the committed end, files that no row names.
 * Logs each refusal; -EBADMSG for missing or short files, -EIO and the like. */
int segments_open(const struct segments_options *options, struct catalogue *catalogue,
		  struct segments **segments);
void segments_close(struct segments **segments);

/* Allots room, making a new segment when the current one is full. 0 or -errno of creating it. */
int segments_allocate(struct segments *s, uint64_t length, struct segment_place *place);
/* Gives back room that was allotted and will not be committed. */
void segments_discard(struct segments *s, const struct segment_place *place);
/* Before that: its blocks, too. Not when a commit may have named it that failed by an I/O error:
 * what the disk has of that commit is not known. */
void segments_give_back(struct segments *s, const struct segment_place *place);
int segments_write(struct segments *s, const struct segment_place *place, const struct iovec *parts,
		   int count);
/* -EIO for a segment or bytes that are not there or do not read, also not at a second try;
 * -ENOMEM for want of memory or descriptors. */
int segments_read(struct segments *s, uint64_t segment, uint64_t offset, void *data, size_t size);
/* Has the host fetch these bytes in the background; no more than a hint. */
void segments_will_read(struct segments *s, uint64_t segment, uint64_t offset, size_t size);
/* Makes what has been written to the segments of these places durable, and their names. */
int segments_sync(struct segments *s, const struct segment_place *places, size_t count);

/* ---- the committer's ---- */
void segments_record_new(struct segments *s, const struct segment_place *place);
void segments_record_free(struct segments *s, const struct segment_place *place);
/* Writes the rows of all that was collected. */
int segments_record_write(struct segments *s, struct catalogue *catalogue);
void segments_settle(struct segments *s, bool committed);
/* Sealed segments in which nothing is left, though no transaction has emptied them: a restored
 * catalogue names such. The next record drops them once they have been noted. */
bool segments_have_empty(struct segments *s);
void segments_record_empty(struct segments *s);
/* After the commit that freed it: gives the place's blocks to the host. */
void segments_punch(struct segments *s, const struct segment_place *place);

struct segments_totals {
	uint64_t segments;
	uint64_t bytes; /* committed sizes */
	uint64_t freed; /* of these, dead */
	bool punching;  /* the host takes back the middle of a file, as far as is known */
};
void segments_get_totals(struct segments *s, struct segments_totals *totals);
/* The number of a full segment of which at least `percent` are dead, from `after` on; 0: none. */
uint64_t segments_find_sparse(struct segments *s, uint64_t after, unsigned percent);

#endif
