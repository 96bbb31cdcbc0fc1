/* SPDX-License-Identifier: MIT */
/*
 * A hash table with linear probing. Invariant: between an inode's own slot and the one where
 * it stands no slot is free, also after others have been taken out.
 */
#include "fs/tree/reference.h"

#include <errno.h>
#include <stdlib.h>

#include "lib/base/assert.h"
#include "lib/base/cleanup.h"
#include "lib/base/mem.h"

#define REFERENCES_LEAST 256u

static size_t slot_of(const struct references *r, uint64_t inode)
{
	return (size_t)(inode * UINT64_C(0x9e3779b97f4a7c15) >> 32) & (r->capacity - 1);
}

/* Where the inode stands, or the free slot where it would. */
static struct reference *slot_find(const struct references *r, uint64_t inode)
{
	size_t i = slot_of(r, inode);
	while (r->slots[i].inode && r->slots[i].inode != inode)
		i = (i + 1) & (r->capacity - 1);
	return &r->slots[i];
}

static int references_grow(struct references *r)
{
	struct references grown = {.capacity = r->capacity ? 2 * r->capacity : REFERENCES_LEAST};
	grown.slots = mem_try_zalloc(grown.capacity, sizeof(*grown.slots));
	if (!grown.slots)
		return -ENOMEM;
	for (size_t i = 0; i < r->capacity; i++)
		if (r->slots[i].inode)
			*slot_find(&grown, r->slots[i].inode) = r->slots[i];
	grown.used = r->used;
	free(r->slots);
	*r = grown;
	return 0;
}

/* Frees a slot, and moves up what would not be found any more. */
static void slot_clear(struct references *r, size_t hole)
{
	size_t mask = r->capacity - 1;
	for (size_t i = (hole + 1) & mask; r->slots[i].inode; i = (i + 1) & mask) {
		size_t own = slot_of(r, r->slots[i].inode);
		if (((i - own) & mask) < ((i - hole) & mask))
			continue;
		r->slots[hole] = r->slots[i];
		hole = i;
	}
	r->slots[hole] = (struct reference){0};
	r->used--;
}

void references_free(struct references *r)
{
	free(TAKE(r->slots));
	r->capacity = r->used = 0;
}

int references_put(struct references *r, uint64_t inode, uint64_t count)
{
	ASSERT(inode && count);
	if (r->used >= r->capacity / 4 * 3 && references_grow(r))
		return -ENOMEM;
	struct reference *slot = slot_find(r, inode);
	ASSERT(!slot->inode);
	*slot = (struct reference){inode, count};
	r->used++;
	return 0;
}

uint64_t references_take(struct references *r, uint64_t inode)
{
	struct reference *slot = r->used ? slot_find(r, inode) : NULL;
	if (!slot || !slot->inode)
		return 0;
	uint64_t count = slot->count;
	slot_clear(r, (size_t)(slot - r->slots));
	return count;
}

void references_drop(struct references *r, uint64_t inode, uint64_t count)
{
	struct reference *slot = r->used ? slot_find(r, inode) : NULL;
	if (!slot || !slot->inode)
		return;
	if (slot->count > count)
		slot->count -= count;
	else
		slot_clear(r, (size_t)(slot - r->slots));
}
