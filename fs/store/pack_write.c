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

/* Lays the regions out behind the directory; where they end. */
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
	return end;
}

/* What a pack is made of beside its regions. */
struct pack_frame {
	uint8_t *head; /* header and directory; the header also ends the pack */
	uint8_t *tail;
	size_t head_size, tail_size, padding;
	uint64_t length; /* of the whole pack */
};

static void pack_frame_clear(struct pack_frame *frame)
{
	free(frame->head);
	free(frame->tail);
}

#define CLEANUP_FRAME __attribute__((cleanup(pack_frame_clear)))

static void pack_frame_encode(const struct store *store, const struct pack *pack, struct pack_frame *frame)
{
	const struct pack_directory *d = &pack->directory;
	size_t directory_size = frame->head_size - PACK_HEADER_SIZE;
	pack_directory_encode(d, frame->head + PACK_HEADER_SIZE);
	struct pack_header header = {
		.pack = pack->number,
		.version = pack->version,
		.kind = pack->kind,
		.regions = d->regions,
		.slots = d->slots,
		.directory_size = (uint32_t)directory_size,
		.tail_size = (uint32_t)frame->tail_size,
		.length = frame->length,
		.created = clock_real_ns(),
		.tail_checksum = XXH3_64bits(frame->tail, frame->tail_size),
		.directory_checksum = XXH3_64bits(frame->head + PACK_HEADER_SIZE, directory_size),
	};
	for (uint32_t i = 0; i < d->regions; i++)
		header.raw += d->region[i].raw;
	pack_header_encode(&header, store->sb.uuid, frame->head);
}

static int pack_frame_make(const struct store *store, struct pack *pack, struct pack_frame *frame)
{
	const struct pack_directory *d = &pack->directory;
	uint64_t end = pack_lay_out(pack);
	frame->head_size = PACK_HEADER_SIZE + pack_directory_size(d->regions, d->slots);
	frame->head = mem_try_alloc(1, frame->head_size);
	frame->tail = mem_try_alloc(1, pack_tail_limit(d->regions, d->slots));
	if (!frame->head || !frame->tail)
		return -ENOMEM;
	frame->tail_size = pack_tail_encode(d, frame->tail);
	uint64_t full = end + frame->tail_size + PACK_HEADER_SIZE;
	frame->length = (full + PACK_ALIGN - 1) / PACK_ALIGN * PACK_ALIGN;
	frame->padding = (size_t)(frame->length - full);
	pack_frame_encode(store, pack, frame);
	return 0;
}

/* The whole pack: `regions` + 4 parts. */
static void pack_frame_assemble(const struct pack *pack, const struct pack_frame *frame, struct iovec *part)
{
	*part++ = (struct iovec){frame->head, frame->head_size};
	for (uint32_t i = 0; i < pack->directory.regions; i++)
		*part++ = (struct iovec){pack->work[i]->stored->data, pack->directory.region[i].stored};
	*part++ = (struct iovec){(void *)(uintptr_t)pack_padding, frame->padding};
	*part++ = (struct iovec){frame->tail, frame->tail_size};
	*part = (struct iovec){frame->head, PACK_HEADER_SIZE};
}

int pack_write_parts(struct store *store, struct pack *pack)
{
	int count = (int)pack->directory.regions + 4;
	CLEANUP_FRAME struct pack_frame frame = {0};
	CLEANUP_FREE struct iovec *parts = mem_try_zalloc((size_t)count, sizeof(*parts));
	int error = parts ? pack_frame_make(store, pack, &frame) : -ENOMEM;
	if (error)
		return error;
	pack_frame_assemble(pack, &frame, parts);
	if (!pack->placed) {
		error = segments_allocate(store->segments, frame.length, &pack->place);
		if (error)
			return error;
		pack->placed = true;
	}
	return segments_write(store->segments, &pack->place, parts, count);
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
