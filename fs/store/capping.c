/* SPDX-License-Identifier: MIT */
/* Capping: the batch's duplicates by region, and the regions by how little of them is used. */
#include "fs/store/capping.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/assert.h"

struct use {
	struct capping_place place; /* size: bytes of the batch in this region */
	uint16_t first;		    /* chunk of the batch: decides between equals */
};

static int use_by_region(const void *a, const void *b)
{
	const struct use *x = a, *y = b;
	if (x->place.pack != y->place.pack)
		return x->place.pack < y->place.pack ? -1 : 1;
	if (x->place.region != y->place.region)
		return x->place.region < y->place.region ? -1 : 1;
	return (int)x->first - (int)y->first;
}

static int use_by_size(const void *a, const void *b)
{
	const struct use *x = a, *y = b;
	if (x->place.size != y->place.size)
		return x->place.size < y->place.size ? -1 : 1;
	return (int)x->first - (int)y->first;
}

/* Regions in use; two that differ by size only are one. */
static size_t uses_collect(const struct capping_place *places, size_t count, struct use *uses)
{
	size_t n = 0, regions = 0;
	for (size_t i = 0; i < count; i++)
		if (places[i].pack)
			uses[n++] = (struct use){places[i], (uint16_t)i};
	qsort(uses, n, sizeof(*uses), use_by_region);
	for (size_t i = 0; i < n; i++) {
		if (regions && capping_same_region(&uses[regions - 1].place, &uses[i].place))
			uses[regions - 1].place.size += uses[i].place.size;
		else
			uses[regions++] = uses[i];
	}
	return regions;
}

static const struct capping_place *last_place(const struct capping_place *places, size_t count)
{
	while (count && places[count - 1].pack == 0)
		count--;
	return count ? &places[count - 1] : NULL;
}

void capping_choose(const struct capping_place *places, size_t count, struct capping_place kept,
		    uint32_t few, uint64_t *credit, bool *anew)
{
	struct use uses[CAPPING_BATCH];
	ASSERT(count <= CAPPING_BATCH);
	memset(anew, 0, count * sizeof(*anew));
	const struct capping_place *last = last_place(places, count);
	if (!last)
		return;
	size_t regions = uses_collect(places, count, uses);
	qsort(uses, regions, sizeof(*uses), use_by_size);
	for (size_t r = 0;
	     r < regions && uses[r].place.size <= few && uses[r].place.size <= *credit; r++) {
		const struct capping_place *region = &uses[r].place;
		if (capping_same_region(region, last) || capping_same_region(region, &kept))
			continue;
		*credit -= region->size;
		for (size_t i = 0; i < count; i++)
			anew[i] |= places[i].pack && capping_same_region(&places[i], region);
	}
}
