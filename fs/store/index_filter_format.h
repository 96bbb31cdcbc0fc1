/* SPDX-License-Identifier: MIT */
/*
 * Filter file, shared by its reader and its writer:
 *
 *   header, 64 bytes: magic u64, version u32, part bits u32, run u64, entries u64, pages u64,
 *                     table offset u64, xxh3-64 of table and fence u64,
 *                     xxh3-64 of the header so far u64
 *   parts, ascending, each with its levels one after another, in blocks of 32 bytes
 *   table: a part's offset u64, then for each level: blocks u32, xxh3-64 u64
 *   fence: for each page of the run the first 32 bits of its first fingerprint, u32
 *
 * A part is for the fingerprints that begin with its number (part bits). A fingerprint sets
 * eight bits in one block: the block is the rest of its first 64 bits scaled to the number of
 * blocks, bit i is in byte group i (4 bytes), numbered by bits 5i..5i+4 of its second 64 bits.
 * Level n's sample are the fingerprints whose second 64 bits have zeros in the bits from 40 on
 * (0, 1, 2, 3, 4, 6 bits). A part with 0 blocks lets everything through.
 */
#ifndef FS_STORE_INDEX_FILTER_FORMAT_H
#define FS_STORE_INDEX_FILTER_FORMAT_H

#include <stdint.h>

#include "fs/store/index_filter.h"

#define FILTER_MAGIC        UINT64_C(0x5254464e41524721) /* "!GRANFTR" */
#define FILTER_VERSION      1u
#define FILTER_HEADER_SIZE  64u
#define FILTER_PLACE_SIZE   (8u + 12u * INDEX_FILTER_LEVELS)
#define FILTER_BLOCK        32u
#define FILTER_PART_BITS_MAX 24u
/* Entries that a part is for, on average; it may hold twice that. */
#define FILTER_PART_ENTRIES 65536u

/* Where a part is in the file. */
struct filter_place {
	uint64_t offset;
	uint64_t checksum[INDEX_FILTER_LEVELS];
	uint32_t blocks[INDEX_FILTER_LEVELS];
};

static inline uint32_t filter_part_of(unsigned part_bits, uint64_t high)
{
	return part_bits ? (uint32_t)(high >> (64 - part_bits)) : 0;
}

static inline uint64_t filter_block_of(unsigned part_bits, uint64_t high, uint32_t blocks)
{
	return (uint64_t)(((unsigned __int128)(high << part_bits) * blocks) >> 64);
}

#endif
