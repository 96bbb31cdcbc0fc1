/* SPDX-License-Identifier: MIT */
/*
 * Streams: a writer's open pack. A chunk is copied once, to the end of the open
 * region; it has its number and slot from then on and can be read from there. A
 * full region goes to the workers, a full pack is closed and writes itself when
 * its last region is compressed (pack_write.c).
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "fs/store/store_private.h"
#include "lib/base/assert.h"
#include "lib/base/cleanup.h"
#include "lib/base/clock.h"
#include "lib/base/mem.h"

struct store_stream *store_stream_new(struct store *store, enum pack_kind kind)
{
	ASSERT_OBJECT(store, STORE_MAGIC);
	struct store_stream *stream = mem_zalloc(sizeof(*stream));
	stream->magic = STORE_STREAM_MAGIC;
	stream->store = store;
	stream->kind = kind;
	pthread_mutex_init(&stream->lock, NULL);
	LOCK_SCOPE(&store->streams_lock);
	LIST_INSERT_HEAD(&store->streams, stream, link);
	return stream;
}

void store_stream_free(struct store_stream **pointer)
{
	struct store_stream *stream = TAKE(*pointer);
	if (!stream)
		return;
	ASSERT_OBJECT(stream, STORE_STREAM_MAGIC);
	struct store *store = stream->store;
	pthread_mutex_lock(&store->streams_lock);
	LIST_REMOVE(stream, link);
	pthread_mutex_unlock(&store->streams_lock);
	pthread_mutex_lock(&stream->lock);
	stream_close_pack_locked(stream);
	pack_release(&stream->follow);
	pthread_mutex_unlock(&stream->lock);
	pthread_mutex_destroy(&stream->lock);
	stream->magic = 0;
	free(stream);
}

struct store_stream *store_shared_stream(struct store *store, enum pack_kind kind)
{
	ASSERT(kind >= PACK_DATA && kind <= PACK_ANCHOR);
	return store->shared[kind];
}

/* ---- regions and packs ---- */

static void stream_close_region_locked(struct store_stream *stream)
{
	if (!stream->region)
		return;
	struct pack *pack = stream->pack;
	pthread_mutex_lock(&pack->lock);
	struct pack_work *work = pack->work[pack->directory.regions - 1];
	ASSERT(work->raw == stream->region);
	pack->directory.region[work->region].raw = (uint32_t)stream->region->size;
	pthread_mutex_unlock(&pack->lock);
	buffer_release(&stream->region);
	pack_work_submit(work);
}

void stream_close_pack_locked(struct store_stream *stream)
{
	if (!stream->pack)
		return;
	stream_close_region_locked(stream);
	pack_close(stream->store, stream->pack);
	pack_release(&stream->pack);
}

static int stream_open_pack_locked(struct store_stream *stream)
{
	struct store *store = stream->store;
	LOCK_SCOPE(&store->delta_lock);
	if (store->next_pack > PACK_NUMBER_MAX)
		return -ENOSPC;
	struct pack *pack = pack_new(store->next_pack, 1, (uint8_t)stream->kind);
	if (!pack)
		return -ENOMEM;
	store->next_pack++;
	pack_table_add(store->packs, pack);
	/* One reference for the list of uncommitted packs, one for the stream. */
	TAILQ_INSERT_TAIL(&store->uncommitted, pack, delta_link);
	stream->pack = pack_hold(pack);
	return 0;
}

static int pack_reserve_region_locked(struct pack *pack)
{
	struct pack_directory *d = &pack->directory;
	int error = mem_reserve(&d->region, &pack->region_capacity, d->regions + 1, sizeof(*d->region));
	return error ? error
		     : mem_reserve(&pack->work, &pack->work_capacity, d->regions + 1, sizeof(*pack->work));
}

static int stream_open_region_locked(struct store_stream *stream, size_t size)
{
	struct store *store = stream->store;
	struct pack *pack = stream->pack;
	size_t usual = store->sb.region_size;
	struct buffer *buffer = buffer_pool_take(store->raw_buffers, size > usual ? size : usual);
	struct pack_work *work = mem_try_zalloc(1, sizeof(*work));
	LOCK_SCOPE(&pack->lock);
	if (!buffer || !work || pack_reserve_region_locked(pack) < 0) {
		buffer_release(&buffer);
		free(work);
		return -ENOMEM;
	}
	*work = (struct pack_work){
		.store = store, .pack = pack, .region = pack->directory.regions, .raw = buffer};
	pack->work[work->region] = work;
	pack->directory.region[work->region] = (struct pack_region){0};
	pack->directory.regions++;
	pack->busy++;
	stream->region = buffer_hold(buffer);
	return 0;
}

/* Room for one more slot, taken before a region is opened: no region stays without a slot. */
static int pack_reserve_slot(struct pack *pack)
{
	struct pack_directory *d = &pack->directory;
	LOCK_SCOPE(&pack->lock);
	int error = mem_reserve(&d->slot, &pack->slot_capacity, d->slots + 1, sizeof(*d->slot));
	return error ? error
		     : mem_reserve(&d->fingerprint, &pack->fingerprint_capacity, d->slots + 1,
				   sizeof(*d->fingerprint));
}

/* Room in the open pack and region for one more chunk. */
static int stream_make_room_locked(struct store_stream *stream, size_t size)
{
	const struct superblock *sb = &stream->store->sb;
	struct pack *pack = stream->pack;
	if (pack && (pack->directory.slots >= PACK_SLOTS_MAX || pack->raw + size > sb->pack_size))
		stream_close_pack_locked(stream);
	if (!stream->pack) {
		int error = stream_open_pack_locked(stream);
		if (error)
			return error;
	}
	if (stream->region && stream->region->size + size > sb->region_size)
		stream_close_region_locked(stream);
	int error = pack_reserve_slot(stream->pack);
	if (!error && !stream->region)
		error = stream_open_region_locked(stream, size);
	return error;
}

static void pack_add_slot_locked(struct pack *pack, uint32_t offset, size_t size,
				const struct fingerprint *fingerprint)
{
	struct pack_directory *d = &pack->directory;
	d->slot[d->slots] = (struct pack_slot){d->regions - 1, offset, (uint32_t)size};
	d->fingerprint[d->slots] = *fingerprint;
	d->slots++;
	pack->raw += size;
}

int stream_append_locked(struct store_stream *stream, const struct fingerprint_input *chunk,
			 const struct fingerprint *fingerprint, struct chunk_ref *ref)
{
	int error = stream_make_room_locked(stream, chunk->size);
	if (error)
		return error;
	struct buffer *region = stream->region;
	struct pack *pack = stream->pack;
	ASSERT(region->capacity - region->size >= chunk->size);
	memcpy(region->data + region->size, chunk->data, chunk->size);
	LOCK_SCOPE(&pack->lock);
	pack_add_slot_locked(pack, (uint32_t)region->size, chunk->size, fingerprint);
	region->size += chunk->size;
	*ref = (struct chunk_ref){pack->number, pack->directory.slots - 1};
	space_accept(stream->store->space, chunk->size);
	return 0;
}

/* ---- back-pressure ---- */

/* ETIMEDOUT when nothing has moved for a while: what is over the limit is in open packs, of more
 * streams than there is memory for. */
static int throttle_wait(struct store *store)
{
	struct store_flow *flow = &store->flow;
	struct timespec deadline = clock_deadline_ms(100);
	int result = 0;
	LOCK_SCOPE(&flow->lock);
	if (flow->bytes > flow->limit && flow->stuck == 0 && store_failed(store) == 0)
		result = pthread_cond_timedwait(&flow->moved, &flow->lock, &deadline);
	return result;
}

int store_throttle(struct store *store)
{
	struct store_flow *flow = &store->flow;
	for (;;) {
		pthread_mutex_lock(&flow->lock);
		bool over = flow->bytes > flow->limit;
		bool stuck = flow->stuck > 0;
		pthread_mutex_unlock(&flow->lock);
		if (!store_can_write(store))
			return -EROFS;
		if (!over)
			return 0;
		if (stuck)
			return -ENOSPC;
		if (pool_help(store->pool, POOL_WRITE))
			continue;
		if (throttle_wait(store) == ETIMEDOUT)
			store_close_packs(store);
	}
}
