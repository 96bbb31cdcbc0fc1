/* SPDX-License-Identifier: MIT */
/* A set of chunk references: half a kilobyte for each pack, found by its number. */
#include "fs/tree/ref_set.h"

#include <errno.h>
#include <stdlib.h>

#define HASH_NONFATAL_OOM 1
#include <uthash.h>

#include "lib/base/assert.h"
#include "lib/base/cleanup.h"
#include "lib/base/mem.h"

struct ref_page {
	uint64_t pack;
	UT_hash_handle hh;
	uint64_t bits[PACK_SLOTS_MAX / 64];
};

struct ref_set {
	struct ref_page *pages;
	struct ref_page *last; /* references come in runs */
	size_t count;
};

struct ref_set *ref_set_new(void)
{
	return mem_try_zalloc(1, sizeof(struct ref_set));
}

void ref_set_free(struct ref_set **pointer)
{
	struct ref_set *set = TAKE(*pointer);
	struct ref_page *page, *next;
	if (!set)
		return;
	HASH_ITER(hh, set->pages, page, next)
	{
		HASH_DELETE(hh, set->pages, page);
		free(page);
	}
	free(set);
}

static struct ref_page *ref_page_find(const struct ref_set *set, uint64_t pack)
{
	struct ref_page *page = set->last;
	if (!page || page->pack != pack)
		HASH_FIND(hh, set->pages, &pack, sizeof(pack), page);
	return page;
}

int ref_set_add(struct ref_set *set, struct chunk_ref ref)
{
	ASSERT(ref.slot < PACK_SLOTS_MAX);
	struct ref_page *page = ref_page_find(set, ref.pack);
	if (!page) {
		page = mem_try_zalloc(1, sizeof(*page));
		if (!page)
			return -ENOMEM;
		page->pack = ref.pack;
		HASH_ADD(hh, set->pages, pack, sizeof(page->pack), page);
		if (!page->hh.tbl) {
			free(page);
			return -ENOMEM;
		}
	}
	set->last = page;
	uint64_t bit = UINT64_C(1) << ref.slot % 64;
	if (page->bits[ref.slot / 64] & bit)
		return 0;
	page->bits[ref.slot / 64] |= bit;
	set->count++;
	return 1;
}

bool ref_set_has(const struct ref_set *set, struct chunk_ref ref)
{
	const struct ref_page *page = ref_page_find(set, ref.pack);
	return page && ref.slot < PACK_SLOTS_MAX &&
	       (page->bits[ref.slot / 64] >> ref.slot % 64 & 1);
}

size_t ref_set_packs(const struct ref_set *set)
{
	return HASH_COUNT(set->pages);
}

size_t ref_set_count(const struct ref_set *set)
{
	return set->count;
}
