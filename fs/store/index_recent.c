/* SPDX-License-Identifier: MIT */
/*
 * Recent table. The set of a fingerprint is its first 64 bits scaled to the
 * number of sets. The flags byte of a set's first way is the set's hand: the way
 * that the next entry replaces. An empty way has place 0 (the hand aside).
 */
#include "fs/store/index_recent.h"

#include <stdlib.h>
#include <string.h>

#include "fs/store/index_entry.h"
#include "lib/base/mem.h"

#define RECENT_WAYS 4

struct recent_way {
	uint64_t high, place;
};

struct recent_set {
	struct recent_way ways[RECENT_WAYS];
};

static_assert(sizeof(struct recent_set) == 64, "a set is a cache line");

struct index_recent {
	struct recent_set *sets;
	size_t count;
};

struct index_recent *index_recent_new(size_t bytes)
{
	size_t count = bytes / sizeof(struct recent_set);
	struct index_recent *recent = mem_try_zalloc(1, sizeof(*recent));
	if (!recent)
		return NULL;
	recent->count = count ? count : 1;
	recent->sets = mem_try_aligned(64, recent->count * sizeof(*recent->sets));
	if (!recent->sets) {
		free(recent);
		return NULL;
	}
	index_recent_clear(recent);
	return recent;
}

void index_recent_free(struct index_recent **recent)
{
	if (!*recent)
		return;
	free((*recent)->sets);
	free(*recent);
	*recent = NULL;
}

size_t index_recent_bytes(const struct index_recent *recent)
{
	return recent->count * sizeof(*recent->sets);
}

static struct recent_set *recent_set_of(const struct index_recent *recent, uint64_t high)
{
	return &recent->sets[(size_t)(((unsigned __int128)high * recent->count) >> 64)];
}

void index_recent_prefetch(const struct index_recent *recent, uint64_t high)
{
	__builtin_prefetch(recent_set_of(recent, high));
}

uint64_t index_recent_find(const struct index_recent *recent, uint64_t high)
{
	const struct recent_set *set = recent_set_of(recent, high);
	for (int i = 0; i < RECENT_WAYS; i++) {
		if (set->ways[i].high == high)
			return set->ways[i].place & INDEX_PLACE_MASK;
	}
	return 0;
}

void index_recent_put(struct index_recent *recent, uint64_t high, uint64_t place)
{
	struct recent_set *set = recent_set_of(recent, high);
	unsigned hand = (unsigned)(set->ways[0].place >> INDEX_PLACE_BITS) % RECENT_WAYS;
	unsigned way = hand;
	for (unsigned i = 0; i < RECENT_WAYS; i++) {
		if (set->ways[i].high == high)
			way = i;
	}
	set->ways[way].high = high;
	set->ways[way].place = place & INDEX_PLACE_MASK;
	if (way == hand)
		hand = (hand + 1) % RECENT_WAYS;
	set->ways[0].place =
		(set->ways[0].place & INDEX_PLACE_MASK) | (uint64_t)hand << INDEX_PLACE_BITS;
}

void index_recent_clear(struct index_recent *recent)
{
	memset(recent->sets, 0, index_recent_bytes(recent));
}

void index_recent_sweep(struct index_recent *recent, bool (*gone)(const void *, uint64_t pack),
			const void *context)
{
	for (size_t i = 0; i < recent->count; i++) {
		for (int j = 0; j < RECENT_WAYS; j++) {
			struct recent_way *way = &recent->sets[i].ways[j];
			uint64_t pack = index_place_pack(way->place);
			if (pack && gone(context, pack))
				way->place &= ~INDEX_PLACE_MASK;
		}
	}
}
