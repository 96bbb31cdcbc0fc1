/* SPDX-License-Identifier: MIT */
/*
 * Capping: which duplicates of a batch are better stored anew.
 *
 * A region is read and decoded whole. Where a stream uses a chunk or two of an
 * old region, every restore pays for the region; a second copy of the chunks,
 * beside their neighbours in the stream, costs little space once. (The idea:
 * Lillibridge, Eshghi, Bhagwat, "Improving restore speed for backup systems
 * that use inline chunk-based deduplication", FAST 2013.)
 */
#ifndef FS_STORE_CAPPING_H
#define FS_STORE_CAPPING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CAPPING_BATCH 128u
/* Of a region of 16 parts, this many used by a batch are too few. */
#define CAPPING_PARTS	  16u
#define CAPPING_FEW_PARTS 3u
/* Of the bytes that are new, the part that may be spent on copies, and what is kept of it. */
#define CAPPING_CREDIT_PART 8u
#define CAPPING_CREDIT_MAX  (4u << 20)

/* Where a chunk lies; pack 0 is a chunk that is new, or that stays where it is. */
struct capping_place {
	uint64_t pack;
	uint32_t region;
	uint32_t size; /* bytes of the chunk */
};

static inline bool capping_same_region(const struct capping_place *a, const struct capping_place *b)
{
	return a->pack == b->pack && a->region == b->region;
}

/*
 * Sets anew[i] for the chunks of those regions of which the batch uses at most `few` bytes, the
 * least used first, while *credit (bytes) lasts, and takes what they cost from it. `kept` is a
 * region that is left alone: the one that the batch before ended in; and so is the one that
 * this batch ends in, because more of it may come. At most CAPPING_BATCH places.
 */
void capping_choose(const struct capping_place *places, size_t count, struct capping_place kept,
		    uint32_t few, uint64_t *credit, bool *anew);

#endif
