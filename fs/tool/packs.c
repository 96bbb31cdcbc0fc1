/* SPDX-License-Identifier: MIT */
/* The catalogue's packs in memory. */
#include "fs/tool/packs.h"

#include <errno.h>
#include <stdlib.h>

#include "fs/tool/fsck.h"
#include "lib/base/mem.h"

#define HEAL_HOPS 16 /* as the store follows */

static int pack_list_add(struct pack_list *list, sqlite3_stmt *s)
{
	if (mem_reserve(&list->rows, &list->capacity, list->count + 1, sizeof(*list->rows)))
		return -ENOMEM;
	list->rows[list->count++] = (struct pack_row){
		.pack = (uint64_t)sqlite3_column_int64(s, 0),
		.version = (uint32_t)sqlite3_column_int64(s, 1),
		.kind = (uint8_t)sqlite3_column_int64(s, 2),
		.segment = (uint64_t)sqlite3_column_int64(s, 3),
		.offset = (uint64_t)sqlite3_column_int64(s, 4),
		.length = (uint64_t)sqlite3_column_int64(s, 5),
		.slots = (uint32_t)sqlite3_column_int64(s, 6),
		.raw = (uint64_t)sqlite3_column_int64(s, 7),
	};
	return 0;
}

static int pack_list_add_damage(struct fsck *f, sqlite3_stmt *s)
{
	struct pack_list *list = &f->packs;
	uint64_t number = (uint64_t)sqlite3_column_int64(s, 0);
	int64_t slot = sqlite3_column_int64(s, 1);
	struct chunk_ref good = {(uint64_t)sqlite3_column_int64(s, 2),
				 (uint32_t)sqlite3_column_int64(s, 3)};
	struct pack_row *row = pack_list_find(list, number);

	if (!row)
		return 0;
	if (!chunk_ref_is_none(good) && slot >= 0) {
		if (mem_reserve(&list->heals, &list->heal_capacity, list->heal_count + 1,
				sizeof(*list->heals)))
			return -ENOMEM;
		list->heals[list->heal_count++] =
			(struct pack_heal){{number, (uint32_t)slot}, good};
		return 0;
	}
	f->suspect = true;
	if (slot < 0)
		row->lost = true;
	else if (pack_row_set(row, &row->bad, (uint32_t)slot) < 0)
		return -ENOMEM;
	return 0;
}

/* What is quarantined. */
static int pack_list_load_damage(struct fsck *f)
{
	CLEANUP_STATEMENT sqlite3_stmt *s = NULL;
	int more, error;

	error = db_prepare(f, "SELECT pack, slot, heal_pack, heal_slot FROM damage"
			   " ORDER BY pack, slot", &s);
	if (error)
		return error;
	while ((more = db_step(f, s)) == 1)
		if (pack_list_add_damage(f, s))
			return -ENOMEM;
	return more;
}

int pack_list_load(struct fsck *f)
{
	CLEANUP_STATEMENT sqlite3_stmt *s = NULL;
	int more, error;

	error = db_prepare(f,
			   "SELECT pack, version, kind, segment, offset, length, slots, raw"
			   " FROM pack ORDER BY pack",
			   &s);
	if (error)
		return error;
	while ((more = db_step(f, s)) == 1)
		if (pack_list_add(&f->packs, s))
			return -ENOMEM;
	return more < 0 ? more : pack_list_load_damage(f);
}

void pack_list_clear(struct pack_list *list)
{
	for (size_t i = 0; i < list->count; i++) {
		free(list->rows[i].bad);
		free(list->rows[i].seen);
	}
	free(list->rows);
	free(list->heals);
	*list = (struct pack_list){0};
}

struct pack_row *pack_list_find(const struct pack_list *list, uint64_t pack)
{
	size_t low = 0, high = list->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (list->rows[middle].pack == pack)
			return &list->rows[middle];
		if (list->rows[middle].pack < pack)
			low = middle + 1;
		else
			high = middle;
	}
	return NULL;
}

int pack_row_set(const struct pack_row *row, uint64_t **bitmap, uint32_t slot)
{
	uint64_t bit = UINT64_C(1) << (slot % 64);
	bool was;

	if (slot >= row->slots)
		return 0;
	if (!*bitmap)
		*bitmap = mem_try_zalloc(row->slots / 64 + 1, sizeof(**bitmap));
	if (!*bitmap)
		return -ENOMEM;
	was = (*bitmap)[slot / 64] & bit;
	(*bitmap)[slot / 64] |= bit;
	return was;
}

static int by_damaged(const void *a, const void *b)
{
	const struct chunk_ref *x = a;
	const struct chunk_ref *y = &((const struct pack_heal *)b)->damaged;

	if (x->pack != y->pack)
		return x->pack < y->pack ? -1 : 1;
	return x->slot < y->slot ? -1 : x->slot > y->slot;
}

struct chunk_ref pack_list_healed(const struct pack_list *list, struct chunk_ref ref)
{
	/* A good copy may have been damaged and healed in its turn. */
	for (int hops = 0; list->heal_count && hops < HEAL_HOPS; hops++) {
		const struct pack_heal *heal =
			bsearch(&ref, list->heals, list->heal_count, sizeof(*heal), by_damaged);

		if (!heal)
			break;
		ref = heal->good;
	}
	return ref;
}

const char *pack_list_judge(const struct pack_list *list, struct chunk_ref ref, uint8_t kind)
{
	const struct pack_row *row;

	ref = pack_list_healed(list, ref);
	row = pack_list_find(list, ref.pack);
	if (!row)
		return "the pack does not exist";
	if (row->kind != kind)
		return "the pack is of another kind";
	if (ref.slot >= row->slots)
		return "the pack has no such slot";
	if (row->lost)
		return "the pack is lost";
	if (row->bad && row->bad[ref.slot / 64] >> (ref.slot % 64) & 1)
		return "the chunk is damaged";
	return NULL;
}
