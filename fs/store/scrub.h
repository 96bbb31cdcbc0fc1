/* SPDX-License-Identifier: MIT */
/*
 * Scrubbing: reads packs as they are on the disk, past every cache, and checks
 * header, directory and regions against their checksums, the end against the
 * beginning, and every chunk against its fingerprint. What fails is quarantined,
 * and healed at once where the store has another good copy; what was quarantined
 * and reads well again (a disk that had hiccups) is let out. A beginning or an end
 * that is damaged is written again where the rest of the pack is there.
 */
#ifndef FS_STORE_SCRUB_H
#define FS_STORE_SCRUB_H

#include <stdbool.h>
#include <stdint.h>

#include "fs/store/store.h"

struct store_scrub_result {
	uint64_t packs, bytes; /* read */
	/* Packs whose header, directory or end was damaged. That alone costs no chunk. */
	uint64_t damaged_packs;
	uint64_t repaired_packs; /* of these, those that are as they were again */
	/* Chunks that do not read or are not what they were, and those that were quarantined. Of a
	 * pack that is lost, as many as it had when it was written; of one that is lost in part, all
	 * that cannot be found in it. */
	uint64_t damaged_chunks;
	uint64_t healed_chunks; /* of these, redirected to a good copy or well again */
};

/* Checks up to `count` packs from *cursor on (0: from the start) and moves it. *result is added
 * to. 1: there is more; 0: that was the last; -errno of the catalogue or -ENOMEM. */
int store_scrub(struct store *store, uint64_t *cursor, unsigned count,
		struct store_scrub_result *result);
/* The bytes of all packs, for progress. */
uint64_t store_scrub_total(struct store *store);
/* Calls each() for every quarantined chunk without a good copy; slot UINT32_MAX: the whole pack.
 * 0 or -ENOMEM. */
int store_damage_each(struct store *store, void (*each)(void *context, struct chunk_ref ref),
		      void *context);
/* Whether a chunk is quarantined and has no good copy. */
bool store_is_damaged(struct store *store, struct chunk_ref ref);

#endif
