/* SPDX-License-Identifier: MIT */
/*
 * Recent table: what the directories that the streams have just touched say.
 * Sets of four, one cache line each; the oldest of a set goes first. It tells
 * fingerprints apart by 64 bits. The caller locks.
 */
#ifndef FS_STORE_INDEX_RECENT_H
#define FS_STORE_INDEX_RECENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct index_recent;

/* At most `bytes`, at least one set. NULL without memory. */
struct index_recent *index_recent_new(size_t bytes);
void index_recent_free(struct index_recent **recent);
size_t index_recent_bytes(const struct index_recent *recent);
void index_recent_prefetch(const struct index_recent *recent, uint64_t high);
/* The place, or 0. */
uint64_t index_recent_find(const struct index_recent *recent, uint64_t high);
void index_recent_put(struct index_recent *recent, uint64_t high, uint64_t place);
void index_recent_clear(struct index_recent *recent);
/* Drops the entries whose pack is gone. */
void index_recent_sweep(struct index_recent *recent, bool (*gone)(const void *, uint64_t pack),
			const void *context);

#endif
