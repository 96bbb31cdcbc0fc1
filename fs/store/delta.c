/* SPDX-License-Identifier: MIT */
/*
 * Deltas: what one commit makes durable. The list of uncommitted packs is in
 * order of number; freezing takes the closed ones, a commit removes them, a
 * commit that failed gives them back for the next one to try again.
 *
 * The rows that a commit writes may only refer to what was put before its
 * store_freeze(); that is all in closed packs of this delta, in earlier packs,
 * or in earlier deltas that were given back, which freezing takes as well.
 */
#include <errno.h>
#include <stdlib.h>

#include "fs/store/catalogue_sql.h"
#include "fs/store/store_private.h"
#include "lib/base/assert.h"
#include "lib/base/cleanup.h"
#include "lib/base/mem.h"

#define DELTA_MAGIC 0x44454c54u

struct store_delta {
	uint32_t magic;
	uint64_t damage_frozen;
	int64_t recorded; /* packs in the transaction under way */
	size_t count, capacity;
	struct pack **packs;           /* each held by the list of uncommitted packs */
	struct segment_place *places;  /* once they are written */
};

void store_close_packs(struct store *store)
{
	struct store_stream *stream;
	LOCK_SCOPE(&store->streams_lock);
	LIST_FOREACH(stream, &store->streams, link) {
		LOCK_SCOPE(&stream->lock);
		stream_close_pack_locked(stream);
	}
}

static bool pack_is_closed(struct pack *pack)
{
	LOCK_SCOPE(&pack->lock);
	return pack->state >= PACK_STATE_CLOSED;
}

static int delta_take_packs(struct store *store, struct store_delta *delta)
{
	struct pack *pack;
	LOCK_SCOPE(&store->delta_lock);
	TAILQ_FOREACH(pack, &store->uncommitted, delta_link) {
		if (pack->in_delta || !pack_is_closed(pack))
			continue;
		int error = mem_reserve(&delta->packs, &delta->capacity, delta->count + 1,
					sizeof(*delta->packs));
		if (error)
			return error;
		pack->in_delta = true;
		delta->packs[delta->count++] = pack;
	}
	return 0;
}

int store_freeze(struct store *store, struct store_delta **result)
{
	ASSERT_OBJECT(store, STORE_MAGIC);
	struct store_delta *delta = mem_try_zalloc(1, sizeof(*delta));
	if (!delta)
		return -ENOMEM;
	delta->magic = DELTA_MAGIC;
	/* First: a healing noted after this may lead to a chunk that is not in this delta. */
	delta->damage_frozen = damage_freeze(store->damage);
	store_close_packs(store);
	int error = delta_take_packs(store, delta);
	if (error)
		store_delta_done(store, &delta, false);
	else
		*result = delta;
	return error;
}

/* ---- waiting ---- */

static bool pack_is_settled(struct pack *pack, int *error)
{
	LOCK_SCOPE(&pack->lock);
	*error = pack->error;
	return pack->state >= PACK_STATE_WRITTEN || (pack->error && !pack->writing);
}

static int delta_wait_written(struct store *store, struct pack *pack)
{
	int error = 0;
	while (!pack_is_settled(pack, &error)) {
		if (pool_help(store->pool, POOL_WRITE))
			continue;
		pthread_mutex_lock(&store->flow.lock);
		/* Asked again under the lock that its end is told under: no wake-up is lost. */
		if (!pack_is_settled(pack, &error))
			pthread_cond_wait(&store->flow.moved, &store->flow.lock);
		pthread_mutex_unlock(&store->flow.lock);
	}
	return error;
}

static int delta_write_pack(struct store *store, struct pack *pack)
{
	int error = delta_wait_written(store, pack);
	if (error != -ENOSPC && error != -ENOMEM)
		return error;
	pack_write_again(store, pack);
	return delta_wait_written(store, pack);
}

int store_delta_sync(struct store *store, struct store_delta *delta)
{
	ASSERT_OBJECT(delta, DELTA_MAGIC);
	int error = store_failed(store);
	for (size_t i = 0; i < delta->count && !error; i++)
		error = delta_write_pack(store, delta->packs[i]);
	if (error)
		return store_failed(store) ? store_failed(store) : error;
	if (delta->count == 0)
		return 0;
	free(delta->places);
	delta->places = mem_try_zalloc(delta->count, sizeof(*delta->places));
	if (!delta->places)
		return -ENOMEM;
	size_t n = 0;
	for (size_t i = 0; i < delta->count; i++)
		if (delta->packs[i]->placed)
			delta->places[n++] = delta->packs[i]->place;
	error = segments_sync(store->segments, delta->places, n);
	if (error)
		store_fail(store, error, "sync segments");
	return error;
}

double store_delta_ratio(struct store *store, const struct store_delta *delta)
{
	ASSERT_OBJECT(delta, DELTA_MAGIC);
	uint64_t raw = 0, stored = 0;
	for (size_t i = 0; i < delta->count; i++) {
		const struct pack *pack = delta->packs[i];
		if (pack->kind != PACK_DATA || !pack->placed)
			continue;
		raw += pack->raw;
		stored += pack->place.length;
	}
	return raw ? (double)stored / (double)raw : store_compression_ratio(store);
}

/* ---- recording ---- */

int store_record_pack(struct store *store, const struct pack *pack)
{
	sqlite3_stmt *row = catalogue_statement(store->catalogue, SQL_PACK_PUT);
	sqlite3_bind_int64(row, 1, (int64_t)pack->number);
	sqlite3_bind_int64(row, 2, pack->version);
	sqlite3_bind_int(row, 3, pack->kind);
	sqlite3_bind_int64(row, 4, (int64_t)pack->place.segment);
	sqlite3_bind_int64(row, 5, (int64_t)pack->place.offset);
	sqlite3_bind_int64(row, 6, (int64_t)pack->place.length);
	sqlite3_bind_int64(row, 7, pack->directory.slots);
	sqlite3_bind_int64(row, 8, (int64_t)pack->raw);
	return catalogue_run(store->catalogue, row, "record a pack");
}

int store_record_counters(struct store *store, int64_t change)
{
	pthread_mutex_lock(&store->delta_lock);
	store->pack_count_change += change;
	int64_t next = (int64_t)store->next_pack;
	int64_t count = (int64_t)store->pack_count + store->pack_count_change;
	pthread_mutex_unlock(&store->delta_lock);
	int error = catalogue_set_meta(store->catalogue, "next_pack", next);
	return error ? error : catalogue_set_meta(store->catalogue, "packs", count);
}

void store_settle_counters(struct store *store, int64_t change, bool committed)
{
	LOCK_SCOPE(&store->delta_lock);
	store->pack_count_change -= change;
	if (committed)
		store->pack_count = (uint64_t)((int64_t)store->pack_count + change);
}

int store_delta_record(struct store *store, struct store_delta *delta)
{
	ASSERT_OBJECT(delta, DELTA_MAGIC);
	int error = damage_record(store->damage, store->catalogue, delta->damage_frozen);
	int64_t recorded = 0;
	for (size_t i = 0; i < delta->count && !error; i++) {
		const struct pack *pack = delta->packs[i];
		if (!pack->placed)
			continue;
		segments_record_new(store->segments, &pack->place);
		error = store_record_pack(store, pack);
		recorded++;
	}
	if (!error)
		error = segments_record_write(store->segments, store->catalogue);
	if (error || recorded == 0)
		return error;
	delta->recorded = recorded;
	return store_record_counters(store, recorded);
}

/* ---- the end ---- */

uint64_t store_committed_below(struct store *store)
{
	LOCK_SCOPE(&store->delta_lock);
	const struct pack *first = TAILQ_FIRST(&store->uncommitted);
	return first ? first->number : store->next_pack;
}

static void delta_settle_pack(struct store *store, struct pack *pack)
{
	pthread_mutex_lock(&store->delta_lock);
	TAILQ_REMOVE(&store->uncommitted, pack, delta_link);
	pthread_mutex_unlock(&store->delta_lock);
	pthread_mutex_lock(&pack->lock);
	pack->state = PACK_STATE_COMMITTED;
	pthread_mutex_unlock(&pack->lock);
	if (pack->placed)
		pack_table_settle(store->packs, pack);
	else
		pack_table_drop(store->packs, pack->number);
	pack_release(&pack);
}

void store_delta_done(struct store *store, struct store_delta **pointer, bool committed)
{
	struct store_delta *delta = TAKE(*pointer);
	if (!delta)
		return;
	ASSERT_OBJECT(delta, DELTA_MAGIC);
	segments_settle(store->segments, committed);
	damage_settle(store->damage, committed);
	store_settle_counters(store, delta->recorded, committed);
	for (size_t i = 0; i < delta->count; i++) {
		if (committed) {
			delta_settle_pack(store, delta->packs[i]);
			continue;
		}
		pthread_mutex_lock(&store->delta_lock);
		delta->packs[i]->in_delta = false;
		pthread_mutex_unlock(&store->delta_lock);
	}
	if (committed && delta->count && store_recovery_is_done(store))
		index_set_committed(store->index, store_committed_below(store));
	if (committed)
		space_restore(store->space);
	free(delta->packs);
	free(delta->places);
	delta->magic = 0;
	free(delta);
}
