/* SPDX-License-Identifier: MIT */
/*
 * Packs in memory.
 *
 *   OPEN -> CLOSED [pack_close] -> WRITTEN [pack_write_done] -> COMMITTED [store_delta_done]
 *
 * An open pack grows at its end; chunks that are in it never move. From CLOSED
 * on its slots do not change, from WRITTEN on nothing does but the state. Packs
 * that are not committed are held by a stream, the list of unsettled packs or a
 * delta, so they are never dropped; committed ones are a cache of directories,
 * dropped longest unused first. A pack that cleaning has rewritten or moved is
 * a new struct; the old one is `superseded` and whoever still holds it looks
 * the number up again.
 */
#ifndef FS_STORE_PACK_TABLE_H
#define FS_STORE_PACK_TABLE_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>
#include <uthash.h>

#include "fs/store/buffer.h"
#include "fs/store/pack.h"
#include "fs/store/pool.h"
#include "fs/store/segment.h"

#define PACK_OBJECT_MAGIC 0x5041434bu

enum pack_state { PACK_STATE_OPEN, PACK_STATE_CLOSED, PACK_STATE_WRITTEN, PACK_STATE_COMMITTED };

struct pack;
struct pack_table;
struct store;

/* A region on its way to the disk. */
struct pack_work {
	struct pool_task task;
	struct store *store;
	struct pack *pack;
	uint32_t region;
	struct buffer *raw;    /* until it is compressed */
	struct buffer *stored; /* from then on until the pack is written */
};

struct pack {
	uint32_t magic;
	uint64_t number;
	uint32_t version;
	uint8_t kind; /* enum pack_kind */

	pthread_mutex_t lock; /* all of this block until the state is WRITTEN */
	struct pack_directory directory;
	size_t region_capacity, slot_capacity, fingerprint_capacity, work_capacity;
	struct pack_work **work; /* one a region; NULL once written */
	uint32_t busy;           /* regions that are not compressed yet */
	uint64_t raw;
	enum pack_state state;
	int error;               /* -ENOSPC: not written, may be tried again; others: the store failed */
	bool writing;
	struct segment_place place;
	bool placed; /* room in a segment has been allotted */
	bool rebuilt; /* its directory did not read and was made again from its end */
	bool salvaged; /* and its slots without a size are lost, or were emptied */
	uint8_t *restored; /* of a rewritten pack: slots that were taken from their good copy, or NULL */

	bool superseded; /* atomic */

	/* The table's lock. */
	struct pack_table *table; /* set when it is put in, and kept */
	bool in_table;
	unsigned references;
	size_t charge;
	UT_hash_handle hh;
	TAILQ_ENTRY(pack) idle_link;
	/* Unsettled packs and deltas: the store's delta lock. */
	TAILQ_ENTRY(pack) delta_link;
	bool in_delta;
};
TAILQ_HEAD(pack_list, pack);

/* Fetches a committed pack's directory: 0, -ENOENT, -EIO (damage), -ENOMEM. */
typedef int pack_loader(void *context, uint64_t number, struct pack **pack);

struct pack_table *pack_table_new(size_t memory, pack_loader *load, void *context);
void pack_table_free(struct pack_table **table);

/* A pack that is in no table, with one reference. NULL without memory. */
struct pack *pack_new(uint64_t number, uint32_t version, uint8_t kind);
/* Puts a new pack in. */
void pack_table_add(struct pack_table *table, struct pack *pack);
/* The pack with this number, loaded if need be; the reference is the caller's. */
int pack_table_get(struct pack_table *table, uint64_t number, struct pack **pack);
/* The same, but only if it is in memory; NULL if not. */
struct pack *pack_table_peek(struct pack_table *table, uint64_t number);
struct pack *pack_hold(struct pack *pack);
void pack_release(struct pack **pack);
/* The pack's rewritten form takes its place, or nothing does. */
void pack_table_replace(struct pack_table *table, struct pack *fresh);
void pack_table_drop(struct pack_table *table, uint64_t number);
/* A pack has been committed: from now on it can be dropped when nobody holds it. */
void pack_table_settle(struct pack_table *table, struct pack *pack);
size_t pack_table_memory(struct pack_table *table);
/* What pack_table_new() was given. */
void *pack_table_context(const struct pack_table *table);

static inline bool pack_is_superseded(const struct pack *pack)
{
	return __atomic_load_n(&pack->superseded, __ATOMIC_ACQUIRE);
}

#endif
