/* SPDX-License-Identifier: MIT */
/*
 * Memory table: entries that are not in a run yet. Open addressing, linear
 * probing, filled to seven tenths. The caller locks; a frozen table is read by
 * anyone until it is cleared.
 */
#ifndef FS_STORE_INDEX_TABLE_H
#define FS_STORE_INDEX_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "fs/store/index_entry.h"

#define INDEX_TABLE_SLOTS_MIN (1u << 10)
#define INDEX_TABLE_SLOTS_MAX (1u << 20)

struct index_table;

/* `slots` is a power of two within the limits. NULL without memory. */
struct index_table *index_table_new(size_t slots);
void index_table_free(struct index_table **table);
size_t index_table_bytes(const struct index_table *table);
size_t index_table_count(const struct index_table *table);
/* Entries that a table of so many slots takes. */
size_t index_table_limit(size_t slots);
bool index_table_full(const struct index_table *table);
void index_table_prefetch(const struct index_table *table, uint64_t low);
/* The place, or 0. */
uint64_t index_table_find(const struct index_table *table, const struct index_entry *key);
/* Adds or replaces; the table must not be full. */
void index_table_put(struct index_table *table, const struct index_entry *entry);
void index_table_clear(struct index_table *table);
void index_table_sweep(struct index_table *table, bool (*gone)(const void *, uint64_t pack),
		       const void *context);

/* The table's entries in ascending order. `order` numbers slots; free() it. -ENOMEM. */
int index_table_sort(const struct index_table *table, uint64_t **order, size_t *count);
const struct index_entry *index_table_at(const struct index_table *table, uint64_t order);

#endif
