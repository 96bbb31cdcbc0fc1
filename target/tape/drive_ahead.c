/* SPDX-License-Identifier: MIT */
/*
 * Read-ahead. The window is a list of chunks without gaps, of which the thread
 * fills one at a time; a command takes slices of those that are filled.
 *
 * A first read loads little more than it asks for; each further one that goes on
 * where the window is doubles how far the thread reads ahead. So a LOCATE with
 * one READ costs one small read, a stream has AHEAD_MOST of lead. One chunk
 * before the position is kept: programs space back over a block and read it again.
 *
 * Invariants: chunks[i + 1] begins where chunks[i] ends; `next` is the end of the
 * last; a buffer in the list has no writer but while its chunk is LOADING. While
 * `loading`, one thread (this or a command's) is in cartridge_pread().
 */
#include "target/tape/drive_ahead.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/assert.h"
#include "lib/base/cleanup.h"
#include "lib/base/mem.h"

#define AHEAD_CHUNKS	  64u
#define AHEAD_CHUNK_LEAST (256u << 10)
#define AHEAD_CHUNK_MOST  (4u << 20)
#define AHEAD_MOST	  (16u << 20)
#define AHEAD_ALIGN	  (1u << 20) /* large chunks end where a stretch with a checksum does */

enum chunk_state { CHUNK_LOADING, CHUNK_READY, CHUNK_FAILED };

struct ahead_chunk {
	struct scsi_buffer *buffer;
	uint64_t offset;
	size_t size;
	enum chunk_state state;
};

struct drive_ahead {
	pthread_mutex_t lock;
	pthread_cond_t work, loaded;
	pthread_t thread;
	struct drive *drive;
	/* lock */
	struct ahead_chunk chunks[AHEAD_CHUNKS];
	unsigned count;
	unsigned partition;
	uint64_t next;	/* the first byte that no chunk has */
	uint64_t at;	/* where the host reads */
	uint64_t need;	/* the end of what a command waits for */
	uint64_t limit; /* of the partition's bytes */
	size_t depth, most; /* bytes to read ahead; at most */
	bool loading, stopping;
};

static void drop_locked(struct drive_ahead *ahead, unsigned count)
{
	for (unsigned i = 0; i < count; i++)
		if (ahead->chunks[i].buffer)
			scsi_buffer_release(&ahead->chunks[i].buffer);
	ahead->count -= count;
	memmove(ahead->chunks, ahead->chunks + count, ahead->count * sizeof(ahead->chunks[0]));
}

static void restart_locked(struct drive_ahead *ahead, unsigned partition, uint64_t offset)
{
	drop_locked(ahead, ahead->count);
	ahead->partition = partition;
	ahead->next = ahead->at = ahead->need = offset;
	ahead->depth = 0;
}

static bool wants_locked(const struct drive_ahead *ahead)
{
	return !ahead->loading && ahead->next < ahead->limit && ahead->count < AHEAD_CHUNKS &&
	       (ahead->next < ahead->need || ahead->next - ahead->at < ahead->depth);
}

/* ---- the thread ------------------------------------------------------------------------------- */

static size_t next_size_locked(const struct drive_ahead *ahead)
{
	size_t size = ahead->depth / 4;
	uint64_t need = ahead->need > ahead->next ? ahead->need - ahead->next : 0;
	if (size < need)
		size = need < AHEAD_CHUNK_MOST ? (size_t)need : AHEAD_CHUNK_MOST;
	if (size < AHEAD_CHUNK_LEAST)
		size = AHEAD_CHUNK_LEAST;
	if (size > AHEAD_CHUNK_MOST)
		size = AHEAD_CHUNK_MOST;
	if (size > AHEAD_ALIGN)
		size -= (ahead->next + size) % AHEAD_ALIGN;
	return size < ahead->limit - ahead->next ? size : (size_t)(ahead->limit - ahead->next);
}

/* The chunk that was being loaded, if the window still has it. */
static struct ahead_chunk *find_loading_locked(struct drive_ahead *ahead)
{
	for (unsigned i = 0; i < ahead->count; i++)
		if (ahead->chunks[i].state == CHUNK_LOADING)
			return &ahead->chunks[i];
	return NULL;
}

static int load(struct drive *drive, unsigned partition, uint64_t offset, size_t size,
		struct scsi_buffer **buffer)
{
	struct scsi_buffer *b = scsi_buffer_get(drive->settings.pool, size);
	if (!b)
		return -ENOMEM;
	int error = cartridge_pread(drive->cartridge, partition, b->data, size, offset, true);
	if (error) {
		scsi_buffer_release(&b);
		return error;
	}
	b->size = size;
	*buffer = b;
	return 0;
}

static void load_next_locked(struct drive_ahead *ahead)
{
	struct ahead_chunk mine = {
		.offset = ahead->next,
		.size = next_size_locked(ahead),
		.state = CHUNK_LOADING,
	};
	unsigned partition = ahead->partition;
	ahead->chunks[ahead->count++] = mine;
	ahead->next += mine.size;
	ahead->loading = true;
	pthread_mutex_unlock(&ahead->lock);
	struct scsi_buffer *buffer = NULL;
	int error = load(ahead->drive, partition, mine.offset, mine.size, &buffer);
	pthread_mutex_lock(&ahead->lock);
	ahead->loading = false;
	/* No other chunk was begun meanwhile: one that is LOADING is this one. */
	struct ahead_chunk *chunk = find_loading_locked(ahead);
	if (chunk) {
		chunk->buffer = TAKE(buffer);
		chunk->state = error ? CHUNK_FAILED : CHUNK_READY;
	}
	if (buffer)
		scsi_buffer_release(&buffer);
	pthread_cond_broadcast(&ahead->loaded);
}

static void *ahead_thread(void *argument)
{
	struct drive_ahead *ahead = argument;
	pthread_mutex_lock(&ahead->lock);
	while (!ahead->stopping) {
		if (wants_locked(ahead))
			load_next_locked(ahead);
		else
			pthread_cond_wait(&ahead->work, &ahead->lock);
	}
	pthread_mutex_unlock(&ahead->lock);
	return NULL;
}

/* ---- the commands ---------------------------------------------------------------------------- */

enum cover { COVER_NONE, COVER_FAILED, COVER_READY };

/* What the window has of the bytes; the chunks are [*first, *end). */
static enum cover cover_locked(const struct drive_ahead *ahead, unsigned partition, uint64_t offset,
			       size_t size, unsigned *first, unsigned *end)
{
	if (partition != ahead->partition || !ahead->count || offset < ahead->chunks[0].offset ||
	    offset + size > ahead->next)
		return COVER_NONE;
	unsigned i = 0;
	while (ahead->chunks[i].offset + ahead->chunks[i].size <= offset)
		i++;
	*first = i;
	enum cover cover = COVER_READY;
	for (; i < ahead->count && ahead->chunks[i].offset < offset + size; i++) {
		if (ahead->chunks[i].state == CHUNK_FAILED)
			return COVER_FAILED;
		if (ahead->chunks[i].state == CHUNK_LOADING)
			cover = COVER_NONE;
	}
	*end = i;
	return cover;
}

bool ahead_has(struct drive *drive, unsigned partition, uint64_t offset, size_t size)
{
	unsigned first, end;
	LOCK_SCOPE(&drive->ahead->lock);
	return !size || cover_locked(drive->ahead, partition, offset, size, &first, &end) == COVER_READY;
}

/* The host reads there now: the window follows. */
static void move_locked(struct drive_ahead *ahead, unsigned partition, uint64_t offset, size_t size,
			uint64_t limit)
{
	unsigned before = 0;
	if (partition != ahead->partition || !ahead->count || offset < ahead->chunks[0].offset ||
	    offset > ahead->next || ahead->count > AHEAD_CHUNKS / 2) {
		restart_locked(ahead, partition, offset);
	} else {
		ahead->depth = ahead->depth ? ahead->depth * 2 : AHEAD_CHUNK_LEAST * 4;
		if (ahead->depth > ahead->most)
			ahead->depth = ahead->most;
	}
	while (before < ahead->count &&
	       ahead->chunks[before].offset + ahead->chunks[before].size <= offset &&
	       ahead->chunks[before].state != CHUNK_LOADING)
		before++;
	if (before > 1)
		drop_locked(ahead, before - 1);
	ahead->at = offset;
	ahead->need = offset + size;
	ahead->limit = limit;
}

static int read_locked(struct drive_ahead *ahead, unsigned partition, uint64_t offset, size_t size,
		       struct scsi_buffer **buffer)
{
	while (ahead->loading)
		pthread_cond_wait(&ahead->loaded, &ahead->lock);
	ahead->loading = true;
	pthread_mutex_unlock(&ahead->lock);
	int error = load(ahead->drive, partition, offset, size, buffer);
	pthread_mutex_lock(&ahead->lock);
	ahead->loading = false;
	pthread_cond_broadcast(&ahead->loaded);
	pthread_cond_signal(&ahead->work);
	return error;
}

int ahead_read(struct drive *drive, unsigned partition, uint64_t offset, size_t size,
	       struct scsi_buffer **buffer)
{
	LOCK_SCOPE(&drive->ahead->lock);
	return read_locked(drive->ahead, partition, offset, size, buffer);
}

static int give_direct_locked(struct drive_ahead *ahead, struct scsi_task *task, unsigned partition,
			      uint64_t offset, size_t size)
{
	struct scsi_buffer *buffer = NULL;
	int error = read_locked(ahead, partition, offset, size, &buffer);
	if (error)
		return error;
	scsi_reply_slice(task, buffer, 0, size);
	scsi_buffer_release(&buffer);
	return 0;
}

static void give_slices_locked(struct drive_ahead *ahead, struct scsi_task *task, uint64_t offset,
			       size_t size, unsigned first)
{
	for (unsigned i = first; size; i++) {
		const struct ahead_chunk *chunk = &ahead->chunks[i];
		size_t skip = (size_t)(offset - chunk->offset);
		size_t part = chunk->size - skip < size ? chunk->size - skip : size;
		scsi_reply_slice(task, chunk->buffer, skip, part);
		offset += part;
		size -= part;
	}
}

int ahead_give(struct drive *drive, struct scsi_task *task, unsigned partition, uint64_t offset,
	       size_t size, uint64_t limit)
{
	struct drive_ahead *ahead = drive->ahead;
	unsigned first = 0, end = 0;
	if (!size)
		return 0;
	if (offset > limit || size > limit - offset)
		return -EIO;
	LOCK_SCOPE(&ahead->lock);
	move_locked(ahead, partition, offset, size, limit);
	enum cover cover;
	while ((cover = cover_locked(ahead, partition, offset, size, &first, &end)) == COVER_NONE) {
		pthread_cond_signal(&ahead->work);
		pthread_cond_wait(&ahead->loaded, &ahead->lock);
	}
	if (cover == COVER_FAILED || end - first > AHEAD_SLICES_MAX) {
		restart_locked(ahead, partition, offset);
		return give_direct_locked(ahead, task, partition, offset, size);
	}
	give_slices_locked(ahead, task, offset, size, first);
	if (wants_locked(ahead))
		pthread_cond_signal(&ahead->work);
	return 0;
}

void ahead_stop(struct drive *drive)
{
	struct drive_ahead *ahead = drive->ahead;
	LOCK_SCOPE(&ahead->lock);
	restart_locked(ahead, 0, 0);
	ahead->limit = 0;
	while (ahead->loading)
		pthread_cond_wait(&ahead->loaded, &ahead->lock);
}

int ahead_new(struct drive *drive)
{
	struct drive_ahead *ahead = mem_try_zalloc(1, sizeof(*ahead));
	if (!ahead)
		return -ENOMEM;
	pthread_mutex_init(&ahead->lock, NULL);
	pthread_cond_init(&ahead->work, NULL);
	pthread_cond_init(&ahead->loaded, NULL);
	ahead->drive = drive;
	ahead->most = drive->settings.buffer < AHEAD_MOST ? drive->settings.buffer : AHEAD_MOST;
	drive->ahead = ahead;
	if (pthread_create(&ahead->thread, NULL, ahead_thread, ahead)) {
		pthread_cond_destroy(&ahead->loaded);
		pthread_cond_destroy(&ahead->work);
		pthread_mutex_destroy(&ahead->lock);
		free(TAKE(drive->ahead));
		return -EAGAIN;
	}
	return 0;
}

void ahead_free(struct drive *drive)
{
	struct drive_ahead *ahead = TAKE(drive->ahead);
	if (!ahead)
		return;
	pthread_mutex_lock(&ahead->lock);
	restart_locked(ahead, 0, 0);
	ahead->stopping = true;
	pthread_cond_signal(&ahead->work);
	pthread_mutex_unlock(&ahead->lock);
	pthread_join(ahead->thread, NULL);
	pthread_cond_destroy(&ahead->loaded);
	pthread_cond_destroy(&ahead->work);
	pthread_mutex_destroy(&ahead->lock);
	free(ahead);
}
