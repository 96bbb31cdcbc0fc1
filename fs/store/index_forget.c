/* SPDX-License-Identifier: MIT */
/*
 * Packs that have been dropped. Looking through the tables for each would cost
 * milliseconds a pack, so their numbers are kept and answers that name one are
 * left out; when there are many, one pass over the tables clears them all.
 */
#include <stdlib.h>

#include "fs/store/index_internal.h"
#include "lib/base/cleanup.h"
#include "lib/base/mem.h"

#define FORGOTTEN_MIN   64u
#define FORGOTTEN_SWEEP 65536u /* numbers after which the tables are gone through */

static size_t pack_position(uint64_t pack, size_t mask)
{
	return (size_t)((pack * UINT64_C(0x9e3779b97f4a7c15)) >> 32) & mask;
}

static bool pack_set_has(const void *context, uint64_t pack)
{
	const struct index_pack_set *set = context;
	if (set->count == 0)
		return false;
	for (size_t at = pack_position(pack, set->mask);; at = (at + 1) & set->mask) {
		if (set->packs[at] == pack)
			return true;
		if (set->packs[at] == 0)
			return false;
	}
}

static void pack_set_put(struct index_pack_set *set, uint64_t pack)
{
	size_t at = pack_position(pack, set->mask);
	while (set->packs[at] != 0 && set->packs[at] != pack)
		at = (at + 1) & set->mask;
	set->count += set->packs[at] == 0;
	set->packs[at] = pack;
}

/* Keeps the set at most half full; false without memory. */
static bool pack_set_grow(struct index_pack_set *set)
{
	size_t slots = set->packs ? set->mask + 1 : 0;
	if (2 * (set->count + 1) <= slots)
		return true;
	size_t grown = slots ? 2 * slots : FORGOTTEN_MIN;
	struct index_pack_set larger = {.mask = grown - 1};
	larger.packs = mem_try_zalloc(grown, sizeof(*larger.packs));
	if (!larger.packs)
		return false;
	for (size_t i = 0; i < slots; i++) {
		if (set->packs[i])
			pack_set_put(&larger, set->packs[i]);
	}
	free(set->packs);
	*set = larger;
	return true;
}

bool index_forgotten_locked(const struct index *index, uint64_t pack)
{
	return pack_set_has(&index->forgotten, pack);
}

void index_forgotten_clear_locked(struct index *index)
{
	free(index->forgotten.packs);
	index->forgotten = (struct index_pack_set){0};
}

void index_forget_pack(struct index *index, uint64_t pack)
{
	LOCK_SCOPE(&index->lock);
	if (pack == 0)
		return;
	/* A frozen table is read without the lock: it is not swept, and the set stays. */
	if (index->forgotten.count >= FORGOTTEN_SWEEP && !index->frozen) {
		index_recent_sweep(index->recent, pack_set_has, &index->forgotten);
		index_table_sweep(index->active, pack_set_has, &index->forgotten);
		index_forgotten_clear_locked(index);
	}
	/* Without memory the entries stay: the caller verifies what it is told. */
	if (pack_set_grow(&index->forgotten))
		pack_set_put(&index->forgotten, pack);
}
