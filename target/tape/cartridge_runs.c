/* SPDX-License-Identifier: MIT */
/*
 * Runs in one array, sums before every RUNS_GROUP-th of them in another.
 *
 * Invariants: no run is empty; bases[n] are the sums over all runs before
 * n * RUNS_GROUP, and there is one for every group begun; no sum passes 2^62.
 */
#include "target/tape/cartridge_runs.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>

#include "lib/base/assert.h"
#include "lib/base/mem.h"

#define RUN_SIZE_BITS 24u
#define RUN_SIZE_MASK ((1u << RUN_SIZE_BITS) - 1)
#define RUNS_SUM_MAX  (UINT64_C(1) << 62)

static_assert(CARTRIDGE_STORED_MAX <= RUN_SIZE_MASK, "a block's size has 24 bits");
static_assert(sizeof(struct run) == 12, "runs are kept compact");

void runs_free(struct run_list *list)
{
	free(list->runs);
	free(list->bases);
	*list = (struct run_list){0};
}

static uint32_t run_size(const struct run *run)
{
	return run->size & RUN_SIZE_MASK;
}

/* Adds `count` objects of the run to the sums. */
static void extent_add(struct cartridge_extent *sums, const struct run *run, uint64_t count)
{
	sums->objects += count;
	if (run_size(run) == 0)
		sums->filemarks += count;
	else
		sums->bytes += count * run_size(run);
}

int runs_reserve(struct run_list *list, size_t more)
{
	size_t need = list->count + more, groups = need / RUNS_GROUP + 1;
	int error = mem_reserve(&list->runs, &list->room, need, sizeof(*list->runs));
	if (error)
		return error;
	return mem_reserve(&list->bases, &list->base_room, groups, sizeof(*list->bases));
}

static int runs_push(struct run_list *list, const struct run *run)
{
	int error = runs_reserve(list, 1);
	if (error)
		return error;
	if (list->count % RUNS_GROUP == 0)
		list->bases[list->count / RUNS_GROUP] = list->end;
	list->runs[list->count++] = *run;
	return 0;
}

/* How many of `count` the last run takes as well. */
static uint32_t runs_extend(struct run_list *list, const struct run *like, uint64_t count)
{
	struct run *last = list->count ? &list->runs[list->count - 1] : NULL;
	if (!last || last->size != like->size || last->extra != like->extra)
		return 0;
	uint32_t left = UINT32_MAX - last->count;
	uint32_t taken = count < left ? (uint32_t)count : left;
	last->count += taken;
	return taken;
}

int runs_add(struct run_list *list, uint32_t block_size, uint32_t flags, uint32_t extra,
	     uint64_t count)
{
	struct run run = {.size = block_size | flags << RUN_SIZE_BITS, .extra = extra};
	if (block_size > RUN_SIZE_MASK || flags > 0xff || count > RUNS_SUM_MAX ||
	    list->end.objects + count > RUNS_SUM_MAX ||
	    (block_size && count > (RUNS_SUM_MAX - list->end.bytes) / block_size))
		return -EOVERFLOW;
	uint32_t taken = runs_extend(list, &run, count);
	extent_add(&list->end, &run, taken);
	for (count -= taken; count > 0; count -= run.count) {
		run.count = count < UINT32_MAX ? (uint32_t)count : UINT32_MAX;
		int error = runs_push(list, &run);
		if (error)
			return error;
		extent_add(&list->end, &run, run.count);
	}
	return 0;
}

/* ---- searching ------------------------------------------------------------------------- */

enum runs_key { RUNS_BY_OBJECT, RUNS_BY_FILEMARK, RUNS_BY_BYTE };

static uint64_t extent_key(const struct cartridge_extent *sums, enum runs_key key)
{
	switch (key) {
	case RUNS_BY_OBJECT:
		return sums->objects;
	case RUNS_BY_FILEMARK:
		return sums->filemarks;
	case RUNS_BY_BYTE:
		return sums->bytes;
	}
	return 0;
}

/* The run in which the sum goes past `value`, which it does, and the sums before that run. */
static size_t runs_search(const struct run_list *list, enum runs_key key, uint64_t value,
			  struct cartridge_extent *before)
{
	size_t low = 0, high = (list->count - 1) / RUNS_GROUP + 1;
	while (high - low > 1) {
		size_t middle = low + (high - low) / 2;
		if (extent_key(&list->bases[middle], key) <= value)
			low = middle;
		else
			high = middle;
	}
	size_t at = low * RUNS_GROUP;
	*before = list->bases[low];
	for (;; at++) {
		struct cartridge_extent after = *before;
		ASSERT(at < list->count);
		extent_add(&after, &list->runs[at], list->runs[at].count);
		if (extent_key(&after, key) > value)
			return at;
		*before = after;
	}
}

int runs_find(const struct run_list *list, uint64_t object, struct cartridge_place *place)
{
	struct cartridge_extent before;
	if (object > list->end.objects)
		return -ENXIO;
	if (object == list->end.objects) {
		*place = (struct cartridge_place){
			.kind = CARTRIDGE_END,
			.object = object,
			.offset = list->end.bytes,
			.filemarks = list->end.filemarks,
		};
		return 0;
	}
	const struct run *run = &list->runs[runs_search(list, RUNS_BY_OBJECT, object, &before)];
	uint64_t skipped = object - before.objects;
	extent_add(&before, run, skipped);
	*place = (struct cartridge_place){
		.kind = run_size(run) ? CARTRIDGE_BLOCKS : CARTRIDGE_FILEMARKS,
		.object = object,
		.count = run->count - skipped,
		.block_size = run_size(run),
		.offset = before.bytes,
		.filemarks = before.filemarks,
		.flags = run->size >> RUN_SIZE_BITS,
		.extra = run->extra,
	};
	return 0;
}

int runs_find_filemark(const struct run_list *list, uint64_t filemark, uint64_t *object)
{
	struct cartridge_extent before;
	if (filemark >= list->end.filemarks)
		return -ENXIO;
	runs_search(list, RUNS_BY_FILEMARK, filemark, &before);
	*object = before.objects + (filemark - before.filemarks);
	return 0;
}

int runs_find_flags(const struct run_list *list, uint64_t object, uint32_t flags, uint64_t *found)
{
	struct cartridge_extent before;
	if (object >= list->end.objects)
		return -ENXIO;
	for (size_t at = runs_search(list, RUNS_BY_OBJECT, object, &before); at < list->count; at++) {
		const struct run *run = &list->runs[at];
		if (run_size(run) && run->size >> RUN_SIZE_BITS == flags) {
			*found = before.objects > object ? before.objects : object;
			return 0;
		}
		extent_add(&before, run, run->count);
	}
	return -ENXIO;
}

int runs_find_offset(const struct run_list *list, uint64_t offset, uint64_t *object)
{
	struct cartridge_extent before;
	if (offset >= list->end.bytes)
		return -ENXIO;
	const struct run *run = &list->runs[runs_search(list, RUNS_BY_BYTE, offset, &before)];
	*object = before.objects + (offset - before.bytes) / run_size(run);
	return 0;
}

/* ---- the end --------------------------------------------------------------------------- */

void runs_truncate(struct run_list *list, uint64_t object)
{
	struct cartridge_extent before;
	ASSERT(object <= list->end.objects);
	if (object == list->end.objects)
		return;
	size_t at = runs_search(list, RUNS_BY_OBJECT, object, &before);
	struct run *run = &list->runs[at];
	uint64_t kept = object - before.objects;
	extent_add(&before, run, kept);
	run->count = (uint32_t)kept;
	list->count = at + (kept > 0);
	list->end = before;
}

uint64_t runs_last_block_end(const struct run_list *list)
{
	uint64_t end = list->end.objects;
	for (size_t n = list->count; n > 0 && run_size(&list->runs[n - 1]) == 0; n--)
		end -= list->runs[n - 1].count;
	return end;
}
