/* SPDX-License-Identifier: MIT */
/* The catalogue's packs in memory, in the order of their numbers, and what is wrong with them. */
#ifndef FS_TOOL_PACKS_H
#define FS_TOOL_PACKS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "fs/store/chunk_ref.h"

struct pack_row {
	uint64_t pack, segment, offset, length, raw;
	uint32_t version, slots;
	uint8_t kind;
	bool lost;	/* not where it should be, or its directory is damaged */
	bool rebuilt;	/* its header or directory was damaged and it was read from its end */
	bool end_bad;	/* the copy of its header and directory at its end is damaged */
	bool partly;	/* found so, but not all of its fingerprints */
	uint64_t *bad;	/* bitmap of damaged slots; NULL: none */
	uint64_t *seen; /* bitmap of map nodes that have been visited */
};

/* A quarantined chunk of which there is a good copy. */
struct pack_heal {
	struct chunk_ref damaged, good;
};

struct pack_list {
	struct pack_row *rows;
	size_t count, capacity;
	struct pack_heal *heals;
	size_t heal_count, heal_capacity;
};

struct fsck;
/* Reads the tables pack and damage. */
int pack_list_load(struct fsck *f);
void pack_list_clear(struct pack_list *list);
struct pack_row *pack_list_find(const struct pack_list *list, uint64_t pack);
/* Sets the slot's bit in one of the bitmaps; says whether it was set already. -ENOMEM. */
int pack_row_set(const struct pack_row *row, uint64_t **bitmap, uint32_t slot);
/* Where the chunk is to be read: elsewhere if it has been healed. */
struct chunk_ref pack_list_healed(const struct pack_list *list, struct chunk_ref ref);
/* NULL, or what is wrong with the reference. */
const char *pack_list_judge(const struct pack_list *list, struct chunk_ref ref, uint8_t kind);

#endif
