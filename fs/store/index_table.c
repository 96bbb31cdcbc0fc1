/* SPDX-License-Identifier: MIT */
/*
 * Memory table. A slot is empty when its place is 0; a forgotten entry keeps its
 * slot, so probing passes over it. Positions come from the fingerprint's second
 * half, multiplied, so that equal beginnings do not make long probes.
 */
#include "fs/store/index_table.h"

#include <errno.h>
#include <stdlib.h>

#include "lib/base/assert.h"
#include "lib/base/mem.h"

/* Sorting keeps a slot number in the low bits of what is sorted. */
#define ORDER_SLOT_BITS 20

static_assert(INDEX_TABLE_SLOTS_MAX <= 1u << ORDER_SLOT_BITS, "a slot number fits");

struct index_table {
	struct index_entry *slots;
	size_t mask, count, limit;
	unsigned shift;
};

size_t index_table_limit(size_t slots)
{
	return slots / 10 * 7;
}

struct index_table *index_table_new(size_t slots)
{
	ASSERT(slots >= INDEX_TABLE_SLOTS_MIN && slots <= INDEX_TABLE_SLOTS_MAX);
	ASSERT((slots & (slots - 1)) == 0);
	struct index_table *table = mem_try_zalloc(1, sizeof(*table));
	if (!table)
		return NULL;
	table->slots = mem_try_zalloc(slots, sizeof(*table->slots));
	if (!table->slots) {
		free(table);
		return NULL;
	}
	table->mask = slots - 1;
	table->limit = index_table_limit(slots);
	table->shift = 64 - (unsigned)__builtin_ctzll(slots);
	return table;
}

void index_table_free(struct index_table **table)
{
	if (!*table)
		return;
	free((*table)->slots);
	free(*table);
	*table = NULL;
}

size_t index_table_bytes(const struct index_table *table)
{
	return (table->mask + 1) * sizeof(*table->slots);
}

size_t index_table_count(const struct index_table *table)
{
	return table->count;
}

bool index_table_full(const struct index_table *table)
{
	return table->count >= table->limit;
}

static size_t table_position(const struct index_table *table, uint64_t low)
{
	return (size_t)((low * UINT64_C(0x9e3779b97f4a7c15)) >> table->shift);
}

void index_table_prefetch(const struct index_table *table, uint64_t low)
{
	__builtin_prefetch(&table->slots[table_position(table, low)]);
}

static struct index_entry *table_slot(const struct index_table *table,
				      const struct index_entry *key)
{
	size_t at = table_position(table, key->low);
	for (;; at = (at + 1) & table->mask) {
		struct index_entry *slot = &table->slots[at];
		if (slot->place == 0 || (slot->low == key->low && slot->high == key->high))
			return slot;
	}
}

uint64_t index_table_find(const struct index_table *table, const struct index_entry *key)
{
	uint64_t place = table_slot(table, key)->place;
	return index_place_pack(place) ? place : 0;
}

void index_table_put(struct index_table *table, const struct index_entry *entry)
{
	ASSERT(table->count < table->limit && index_place_pack(entry->place) != 0);
	struct index_entry *slot = table_slot(table, entry);
	if (slot->place == 0)
		table->count++;
	*slot = *entry;
}

void index_table_clear(struct index_table *table)
{
	memset(table->slots, 0, index_table_bytes(table));
	table->count = 0;
}

void index_table_sweep(struct index_table *table, bool (*gone)(const void *, uint64_t pack),
		       const void *context)
{
	for (size_t i = 0; i <= table->mask; i++) {
		uint64_t pack = index_place_pack(table->slots[i].place);
		if (pack && gone(context, pack))
			table->slots[i].place = INDEX_PLACE_FORGOTTEN;
	}
}

const struct index_entry *index_table_at(const struct index_table *table, uint64_t order)
{
	return &table->slots[order & ((1u << ORDER_SLOT_BITS) - 1)];
}

static int order_compare(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
	return (x > y) - (x < y);
}

/* The numbers carry 44 bits of the fingerprint: settle what these leave open. */
static void order_settle(const struct index_table *table, uint64_t *order, size_t count)
{
	for (size_t i = 1; i < count; i++) {
		uint64_t moving = order[i];
		size_t j = i;
		for (; j > 0; j--) {
			if ((order[j - 1] ^ moving) >> ORDER_SLOT_BITS)
				break;
			if (index_entry_compare(index_table_at(table, order[j - 1]),
						index_table_at(table, moving)) <= 0)
				break;
			order[j] = order[j - 1];
		}
		order[j] = moving;
	}
}

int index_table_sort(const struct index_table *table, uint64_t **order, size_t *count)
{
	uint64_t *numbers = mem_try_alloc(table->count, sizeof(*numbers));
	size_t n = 0;
	if (!numbers)
		return -ENOMEM;
	for (size_t i = 0; i <= table->mask; i++) {
		const struct index_entry *slot = &table->slots[i];
		if (index_place_pack(slot->place))
			numbers[n++] = (slot->high >> ORDER_SLOT_BITS << ORDER_SLOT_BITS) | i;
	}
	qsort(numbers, n, sizeof(*numbers), order_compare);
	order_settle(table, numbers, n);
	*order = numbers;
	*count = n;
	return 0;
}
