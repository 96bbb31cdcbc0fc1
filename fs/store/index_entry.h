/* SPDX-License-Identifier: MIT */
/*
 * One entry of the fingerprint index, in memory: the first 128 bits of the
 * fingerprint as two big-endian numbers (so that they compare as the bytes do)
 * and the place, packed as it is on disk: pack 40 bits, slot 16, flags 8.
 */
#ifndef FS_STORE_INDEX_ENTRY_H
#define FS_STORE_INDEX_ENTRY_H

#include <assert.h>
#include <endian.h>
#include <stdint.h>
#include <string.h>

#include "fs/chunk/fingerprint.h"
#include "fs/store/chunk_ref.h"

struct index_entry {
	uint64_t high, low;
	uint64_t place; /* 0: nothing here */
};

#define INDEX_ENTRY_SIZE   24u
#define INDEX_PLACE_BITS   56 /* pack and slot; the flags are above */
#define INDEX_PLACE_MASK   ((UINT64_C(1) << INDEX_PLACE_BITS) - 1)
/* An entry that has been forgotten: its slot in a table stays in use. Not on disk. */
#define INDEX_PLACE_FORGOTTEN (UINT64_C(1) << INDEX_PLACE_BITS)

static_assert(sizeof(struct index_entry) == INDEX_ENTRY_SIZE, "as large as on disk");

static inline uint64_t index_place(struct chunk_ref ref)
{
	return (ref.pack & PACK_NUMBER_MAX) | (uint64_t)(ref.slot & 0xffff) << 40;
}

static inline uint64_t index_place_pack(uint64_t place)
{
	return place & PACK_NUMBER_MAX;
}

static inline struct chunk_ref index_place_ref(uint64_t place)
{
	if (index_place_pack(place) == 0)
		return (struct chunk_ref){0, 0};
	return (struct chunk_ref){place & PACK_NUMBER_MAX, (uint32_t)(place >> 40) & 0xffff};
}

static inline struct index_entry index_entry_of(const struct fingerprint *fingerprint)
{
	struct index_entry entry = {0};
	memcpy(&entry.high, fingerprint->bytes, 8);
	memcpy(&entry.low, fingerprint->bytes + 8, 8);
	entry.high = be64toh(entry.high);
	entry.low = be64toh(entry.low);
	return entry;
}

static inline int index_entry_compare(const struct index_entry *a, const struct index_entry *b)
{
	if (a->high != b->high)
		return a->high < b->high ? -1 : 1;
	if (a->low != b->low)
		return a->low < b->low ? -1 : 1;
	return 0;
}

#endif
