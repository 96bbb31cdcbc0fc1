/* SPDX-License-Identifier: MIT */
/*
 * From raw regions to a pack on the disk. Each region is a task; the task that
 * compresses the last one of a closed pack also writes it: room is allotted in
 * the current segment, then header, directory and regions go out in one piece.
 *
 * A host without room is no failure: the pack stays in memory, readable, and
 * the committer tries again. Any other error fails the store for good.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#include "fs/store/store_private.h"
#include "lib/base/assert.h"
#include "lib/base/cleanup.h"
#include "lib/base/clock.h"
#include "lib/base/mem.h"

static const uint8_t pack_padding[PACK_ALIGN];

static void flow_move(struct store *store, uint64_t in, uint64_t out)
{
	struct store_flow *flow = &store->flow;
	LOCK_SCOPE(&flow->lock);
	ASSERT(flow->bytes + in >= out);
	flow->bytes = flow->bytes + in - out;
	pthread_cond_broadcast(&flow->moved);
}

static void flow_stick(struct store *store, int packs)
{
	struct store_flow *flow = &store->flow;
	LOCK_SCOPE(&flow->lock);
	flow->stuck += (unsigned)packs;
	pthread_cond_broadcast(&flow->moved);
}

/* ---- writing ---- */

/* Lays the regions out behind the directory; the pack's whole length, with padding. */
static uint64_t pack_lay_out(struct pack *pack)
{
	struct pack_directory *d = &pack->directory;
	/* Readers copy region entries meanwhile. */
	LOCK_SCOPE(&pack->lock);
	uint64_t end = PACK_HEADER_SIZE + pack_directory_size(d->regions, d->slots);
	for (uint32_t i = 0; i < d->regions; i++) {
		d->region[i].offset = (uint32_t)end;
		end += d->region[i].stored;
	}
	return (end + PACK_ALIGN - 1) / PACK_ALIGN * PACK_ALIGN;
}

static uint8_t *pack_make_head(const struct store *store, const struct pack *pack, uint64_t length,
			       size_t *size)
{
	const struct pack_directory *d = &pack->directory;
	size_t directory_size = pack_directory_size(d->regions, d->slots);
	uint8_t *head = mem_try_alloc(1, PACK_HEADER_SIZE + directory_size);
	if (!head)
		return NULL;
	pack_directory_encode(d, head + PACK_HEADER_SIZE);
	struct pack_header header = {
		.pack = pack->number,
		.version = pack->version,
		.kind = pack->kind,
		.regions = d->regions,
		.slots = d->slots,
		.directory_size = (uint32_t)directory_size,
		.length = length,
		.created = clock_real_ns(),
		.directory_checksum = XXH3_64bits(head + PACK_HEADER_SIZE, directory_size),
	};
	for (uint32_t i = 0; i < d->regions; i++)
		header.raw += d->region[i].raw;
	pack_header_encode(&header, store->sb.uuid, head);
	*size = PACK_HEADER_SIZE + directory_size;
	return head;
}

int pack_write_parts(struct store *store, struct pack *pack)
{
	uint64_t length = pack_lay_out(pack);
	uint32_t regions = pack->directory.regions;
	size_t head_size = 0;
	CLEANUP_FREE uint8_t *head = pack_make_head(store, pack, length, &head_size);
	CLEANUP_FREE struct iovec *parts = mem_try_zalloc(regions + 2u, sizeof(*parts));
	if (!head || !parts)
		return -ENOMEM;
	uint64_t done = head_size;
	parts[0] = (struct iovec){head, head_size};
	for (uint32_t i = 0; i < regions; i++) {
		parts[i + 1] = (struct iovec){pack->work[i]->stored->data, pack->directory.region[i].stored};
		done += pack->directory.region[i].stored;
	}
	parts[regions + 1] = (struct iovec){(void *)(uintptr_t)pack_padding, length - done};
	if (!pack->placed) {
		int error = segments_allocate(store->segments, length, &pack->place);
		if (error)
			return error;
		pack->placed = true;
	}
	return segments_write(store->segments, &pack->place, parts, (int)regions + 2);
}

void pack_drop_work_locked(struct pack *pack)
{
	for (uint32_t i = 0; i < pack->directory.regions; i++) {
		buffer_release(&pack->work[i]->stored);
		free(pack->work[i]);
	}
	free(TAKE(pack->work));
}

static uint64_t pack_stored_bytes(const struct pack *pack)
{
	uint64_t bytes = 0;
	for (uint32_t i = 0; i < pack->directory.regions; i++)
		bytes += pack->directory.region[i].stored;
	return bytes;
}

/* The caller has set pack->writing, so the directory is this thread's alone to lay out. */
static void pack_write(struct store *store, struct pack *pack)
{
	uint64_t stored = pack_stored_bytes(pack);
	int error = store_failed(store) ? -EROFS : pack_write_parts(store, pack);
	if (error == -ENOSPC && store_release_reserve(store))
		error = pack_write_parts(store, pack);
	bool retry = error == -ENOSPC || error == -ENOMEM;
	if (error && !retry && error != -EROFS)
		store_fail(store, error, "write a pack");
	uint64_t raw = pack->raw, length = pack->place.length;
	pthread_mutex_lock(&pack->lock);
	pack->writing = false;
	pack->error = error;
	if (!error) {
		pack->state = PACK_STATE_WRITTEN;
		pack_drop_work_locked(pack);
	}
	pthread_mutex_unlock(&pack->lock);
	/* From here on the pack may be gone: its delta may have been committed. */
	if (!error) {
		space_written(store->space, raw, length);
		flow_move(store, 0, stored);
	} else if (retry) {
		flow_stick(store, 1);
	} else {
		flow_move(store, 0, 0);
	}
}

void pack_write_again(struct store *store, struct pack *pack)
{
	pthread_mutex_lock(&pack->lock);
	bool mine = pack->state == PACK_STATE_CLOSED && !pack->writing && pack->error != 0 &&
		    pack->busy == 0;
	if (mine) {
		pack->writing = true;
		pack->error = 0;
	}
	pthread_mutex_unlock(&pack->lock);
	if (mine) {
		flow_stick(store, -1);
		pack_write(store, pack);
	}
}

/* ---- compressing ---- */

/* Region bytes as they will be stored. Without memory they are stored as they are. */
struct buffer *region_compress(struct store *store, struct buffer *raw, enum codec *codec)
{
	CLEANUP_SCRATCH struct scratch *scratch = scratch_take(store->scratch, raw->size);
	*codec = CODEC_RAW;
	if (!scratch)
		return buffer_hold(raw);
	size_t size = compressor_pack(scratch->compressor, store->compression, raw->data, raw->size,
				      scratch->room, scratch->room_size, codec);
	struct buffer *stored = *codec == CODEC_RAW ? NULL : buffer_pool_take(store->stored_buffers, size);
	if (!stored) {
		*codec = CODEC_RAW;
		return buffer_hold(raw);
	}
	memcpy(stored->data, scratch->room, size);
	stored->size = size;
	return stored;
}

static void pack_work_run(void *argument)
{
	struct pack_work *work = argument;
	struct store *store = work->store;
	struct pack *pack = work->pack;
	enum codec codec;
	struct buffer *stored = region_compress(store, work->raw, &codec);
	uint64_t checksum = XXH3_64bits(stored->data, stored->size);
	uint64_t raw_size = work->raw->size, stored_size = stored->size;

	pthread_mutex_lock(&pack->lock);
	struct pack_region *region = &pack->directory.region[work->region];
	region->codec = (uint8_t)codec;
	region->stored = (uint32_t)stored_size;
	region->checksum = checksum;
	work->stored = stored;
	struct buffer *raw = TAKE(work->raw);
	pack->busy--;
	bool last = pack->state == PACK_STATE_CLOSED && pack->busy == 0;
	pack->writing = last;
	pthread_mutex_unlock(&pack->lock);

	buffer_release(&raw);
	__atomic_fetch_add(&store->counters.regions_raw, raw_size, __ATOMIC_RELAXED);
	__atomic_fetch_add(&store->counters.regions_stored, stored_size, __ATOMIC_RELAXED);
	flow_move(store, stored_size, raw_size);
	if (last)
		pack_write(store, pack);
}

void pack_work_submit(struct pack_work *work)
{
	flow_move(work->store, work->raw->size, 0);
	work->task = (struct pool_task){.run = pack_work_run, .argument = work};
	pool_submit(work->store->pool, POOL_WRITE, &work->task);
}

void pack_close(struct store *store, struct pack *pack)
{
	pthread_mutex_lock(&pack->lock);
	ASSERT(pack->state == PACK_STATE_OPEN);
	pack->state = PACK_STATE_CLOSED;
	bool last = pack->busy == 0 && pack->directory.slots > 0;
	pack->writing = last;
	/* One in which nothing came to be has nothing to write. */
	if (pack->directory.slots == 0)
		pack->state = PACK_STATE_WRITTEN;
	pthread_mutex_unlock(&pack->lock);
	if (last)
		pack_write(store, pack);
}
