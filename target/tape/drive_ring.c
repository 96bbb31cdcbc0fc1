/* SPDX-License-Identifier: MIT */
/*
 * Write-behind. Pieces go in at the tail, the flusher takes as many from the
 * head as make a large append, and counts them out when the cartridge has them.
 *
 * Invariants: while a piece is in the ring, or taken and not yet appended, the
 * cartridge is the flusher's; `pieces`, `bytes` and `objects` count both.
 * After a failure the ring is empty and takes nothing more until the next load:
 * what was in it is lost, and somebody has been told: the command that waits
 * (`watched`), or the writer by a deferred error.
 *
 * A host without room is no failure yet: the ring is `full`, keeps what it has,
 * takes nothing more, and tries again every RING_AGAIN_NS. Only a command that needs
 * all of it on the cartridge makes a last try, piece by piece, and what that leaves
 * is lost (ring_finish).
 *
 *   open -> full    [an append found no room]
 *   full -> open    [a later one did]
 *   full -> failed  [the last try]      open -> failed [any other error]
 *   failed -> open  [ring_begin]
 *
 * The flusher lets blocks gather: it begins at RING_GATHER bytes, or
 * RING_DELAY_MS after the first, or when a command waits.
 */
#include "target/tape/drive_ring.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/assert.h"
#include "lib/base/cleanup.h"
#include "lib/base/clock.h"
#include "lib/base/fault.h"
#include "lib/base/log.h"
#include "lib/base/mem.h"

#define RING_PIECES   4096u
#define RING_BATCH    CARTRIDGE_LIST_MAX
#define RING_GATHER   (4u << 20) /* bytes, or a quarter of the ring: wake-ups cost more than appends */
/* Bytes of an append, but for one large piece: as much as a request of FUSE takes, and as stays in a
 * cache from the copy to the checksum. */
#define RING_APPEND   (1u << 20)
#define RING_DELAY_MS 20u
/* Other writers fill the host as well: how old a measurement of what is left may be. Asking is a
 * request of its own where the host is a mount. */
#define RING_MEASURE_NS (50ull * 1000000)
#define RING_SCARCE	(1ull << 30) /* bytes left from which on every append measures */
#define RING_AGAIN_NS (1000ull * 1000000) /* between two tries of a ring that is full */
#define RING_SHARE    64u /* of the host's free space: drives that may write at once */

struct drive_ring {
	pthread_mutex_t lock;
	pthread_cond_t work, done; /* for the flusher; for who waits */
	pthread_t thread;
	struct drive *drive;
	/* lock */
	struct drive_piece pieces[RING_PIECES];
	unsigned head, count, taken; /* taken: of the count, by the flusher */
	size_t bytes, limit;	     /* of memory */
	size_t gather;		     /* bytes that are worth a wake-up */
	uint64_t objects, payload;   /* in it */
	uint64_t space;		     /* of the host when last measured, without what was in it then */
	uint64_t measured_at;	     /* clock_monotonic_ns() of that */
	uint64_t promised;	     /* bytes after those on the cartridge that the host keeps room for */
	unsigned promised_partition;
	int error;
	struct ring_loss loss; /* with `error` */
	bool full, last_try;
	uint64_t again_at;     /* full: clock_monotonic_ns() of the next try */
	bool watched, stopping;
	char barcode[CARTRIDGE_BARCODE_MAX + 1];
	char end_reached[CARTRIDGE_BARCODE_MAX + 1]; /* cartridge whose end is to be told; "" none */
};

/* All drives of a library may have their share of what the host has left and nothing acknowledged is
 * without its place. */
static size_t limit_locked(const struct drive_ring *ring)
{
	uint64_t share = ring->space / RING_SHARE;
	return share < ring->limit ? (size_t)share : ring->limit;
}

/* What is acknowledged has its place on the disk, where the host sets places aside. */
static bool has_promise_locked(const struct drive_ring *ring, size_t bytes)
{
	if (ring->promised == UINT64_MAX || !bytes)
		return true;
	return ring->promised_partition == ring->drive->partition &&
	       ring->payload + bytes <= ring->promised;
}

static bool has_room_locked(const struct drive_ring *ring, size_t bytes)
{
	size_t limit = limit_locked(ring);
	if (ring->full || ring->count >= RING_PIECES || !has_promise_locked(ring, bytes))
		return false;
	return ring->count == 0 || (ring->bytes <= limit && bytes <= limit - ring->bytes);
}

bool ring_has_room(struct drive *drive, size_t bytes)
{
	LOCK_SCOPE(&drive->ring->lock);
	return has_room_locked(drive->ring, bytes);
}

static int failure_locked(const struct drive_ring *ring)
{
	return ring->error ? ring->error : ring->full ? -ENOSPC : 0;
}

int ring_wait_room(struct drive *drive, size_t bytes)
{
	struct drive_ring *ring = drive->ring;
	LOCK_SCOPE(&ring->lock);
	ring->watched = true;
	pthread_cond_signal(&ring->work);
	while (!ring->error && !ring->full && ring->count && !has_room_locked(ring, bytes))
		pthread_cond_wait(&ring->done, &ring->lock);
	ring->watched = false;
	return failure_locked(ring);
}

int ring_wait_empty(struct drive *drive)
{
	struct drive_ring *ring = drive->ring;
	LOCK_SCOPE(&ring->lock);
	ring->watched = true;
	if (ring->count)
		pthread_cond_signal(&ring->work);
	while (ring->count && !ring->full)
		pthread_cond_wait(&ring->done, &ring->lock);
	ring->watched = false;
	return failure_locked(ring);
}

int ring_finish(struct drive *drive)
{
	struct drive_ring *ring = drive->ring;
	LOCK_SCOPE(&ring->lock);
	ring->watched = true;
	while (ring->count) {
		if (ring->full) {
			ring->full = false;
			ring->last_try = true;
		}
		pthread_cond_signal(&ring->work);
		pthread_cond_wait(&ring->done, &ring->lock);
	}
	ring->watched = ring->last_try = false;
	return ring->error;
}

bool ring_is_full(struct drive *drive)
{
	LOCK_SCOPE(&drive->ring->lock);
	return drive->ring->full;
}

int ring_error(struct drive *drive)
{
	LOCK_SCOPE(&drive->ring->lock);
	return drive->ring->error;
}

struct ring_loss ring_loss(struct drive *drive)
{
	LOCK_SCOPE(&drive->ring->lock);
	return drive->ring->loss;
}

void ring_barcode(struct drive *drive, char barcode[CARTRIDGE_BARCODE_MAX + 1])
{
	LOCK_SCOPE(&drive->ring->lock);
	memcpy(barcode, drive->ring->barcode, sizeof(drive->ring->barcode));
}

int ring_add(struct drive *drive, struct drive_piece *piece)
{
	struct drive_ring *ring = drive->ring;
	LOCK_SCOPE(&ring->lock);
	if (failure_locked(ring))
		return failure_locked(ring);
	ASSERT(ring->count < RING_PIECES);
	/* The flusher sleeps when there is nothing, and until there is enough. */
	bool wake = !ring->count ||
		    (ring->bytes < ring->gather && ring->bytes + piece->cost >= ring->gather);
	ring->pieces[(ring->head + ring->count) % RING_PIECES] = *piece;
	piece->buffer = NULL;
	ring->count++;
	ring->bytes += piece->cost;
	ring->objects += piece->count + piece->filemarks;
	ring->payload += (uint64_t)piece->block_size * piece->count;
	if (wake)
		pthread_cond_signal(&ring->work);
	return 0;
}

void drive_buffered(struct drive *drive, uint64_t *objects, uint64_t *bytes)
{
	LOCK_SCOPE(&drive->ring->lock);
	*objects = drive->ring->objects;
	*bytes = drive->ring->payload;
}

uint64_t ring_space(struct drive *drive)
{
	struct drive_ring *ring = drive->ring;
	LOCK_SCOPE(&ring->lock);
	return !ring->full && ring->space > ring->payload ? ring->space - ring->payload : 0;
}

static uint64_t space_of(struct drive *drive)
{
	uint64_t space = 0;
	int error = drive->cartridge ? cartridge_space(drive->cartridge, &space) : -ENOMEDIUM;
	/* Not knowing is no end of the tape: an append says so itself. */
	return error ? UINT64_MAX : space;
}

/* What the host keeps for the drive from now on: as much as goes into the ring, with a large block. */
static uint64_t promise_of(struct drive *drive)
{
	uint64_t promised = 0, bytes = drive->ring->limit + CARTRIDGE_BLOCK_MAX;
	if (!drive->cartridge || !drive->modified)
		return 0;
	return cartridge_reserve(drive->cartridge, drive->partition, bytes, RING_PIECES, &promised)
		       ? 0
		       : promised;
}

void ring_measure(struct drive *drive)
{
	struct drive_ring *ring = drive->ring;
	uint64_t promised = promise_of(drive);
	uint64_t space = space_of(drive);
	LOCK_SCOPE(&ring->lock);
	ring->space = space;
	ring->measured_at = clock_monotonic_ns();
	ring->promised = promised;
	ring->promised_partition = drive->partition;
}

void ring_begin(struct drive *drive)
{
	struct drive_ring *ring = drive->ring;
	uint64_t space = space_of(drive);
	LOCK_SCOPE(&ring->lock);
	ASSERT(!ring->count);
	ring->error = 0;
	ring->loss = (struct ring_loss){0};
	memcpy(ring->barcode, drive->media.barcode, sizeof(ring->barcode));
	ring->space = space;
	ring->measured_at = clock_monotonic_ns();
	ring->promised = 0; /* until the first write */
}

void ring_tell_full(struct drive *drive)
{
	struct drive_ring *ring = drive->ring;
	LOCK_SCOPE(&ring->lock);
	memcpy(ring->end_reached, ring->barcode, sizeof(ring->end_reached));
	pthread_cond_signal(&ring->work);
}

/* ---- the flusher ---------------------------------------------------------------------------- */

static void pop_locked(struct drive_ring *ring)
{
	struct drive_piece *piece = &ring->pieces[ring->head];
	ring->bytes -= piece->cost;
	ring->objects -= piece->count + piece->filemarks;
	ring->payload -= (uint64_t)piece->block_size * piece->count;
	ring->head = (ring->head + 1) % RING_PIECES;
	ring->count--;
	if (piece->buffer)
		scsi_buffer_release(&piece->buffer);
}

/* Blocks from the head on that go into one append, or the filemarks there. */
static unsigned batch_locked(const struct drive_ring *ring, struct cartridge_blocks *blocks)
{
	unsigned count = 0;
	size_t bytes = 0;
	unsigned most = ring->last_try ? 1 : RING_BATCH; /* as much as still finds room */
	while (count < ring->count && count < most) {
		const struct drive_piece *piece = &ring->pieces[(ring->head + count) % RING_PIECES];
		size_t size = (size_t)piece->block_size * piece->count;
		if (!piece->buffer || (count && bytes + size > RING_APPEND))
			break;
		blocks[count++] = (struct cartridge_blocks){
			.data = piece->buffer->data,
			.block_size = piece->block_size,
			.count = piece->count,
		};
		bytes += size;
	}
	return count;
}

static uint64_t bytes_of(const struct cartridge_blocks *blocks, unsigned count)
{
	uint64_t bytes = 0;
	for (unsigned i = 0; i < count; i++)
		bytes += (uint64_t)blocks[i].block_size * blocks[i].count;
	return bytes;
}

/* After an append of that many bytes, with nothing held. */
static uint64_t space_after(struct drive_ring *ring, uint64_t bytes)
{
	uint64_t now = clock_monotonic_ns();
	if (ring->space == UINT64_MAX || ring->space < RING_SCARCE ||
	    now - ring->measured_at > RING_MEASURE_NS) {
		ring->measured_at = now;
		return space_of(ring->drive);
	}
	return ring->space > bytes ? ring->space - bytes : 0;
}

static void lose_locked(struct drive_ring *ring, int error)
{
	ring->error = error;
	ring->loss = (struct ring_loss){
		.objects = ring->objects, .bytes = ring->payload, .told = !ring->watched};
	while (ring->count)
		pop_locked(ring);
}

/* What has found no room waits for some. */
static void keep_locked(struct drive_ring *ring)
{
	ring->full = true;
	ring->again_at = clock_monotonic_ns() + RING_AGAIN_NS;
}

/* Returns the failure that the writer is to be told, if no command waits for it. */
static int ring_flush_locked(struct drive_ring *ring)
{
	struct cartridge_blocks blocks[RING_BATCH];
	struct drive *drive = ring->drive;
	bool keeps = !ring->last_try && !ring->stopping;
	unsigned count = batch_locked(ring, blocks);
	uint64_t filemarks = count ? 0 : ring->pieces[ring->head].filemarks;

	pthread_mutex_unlock(&ring->lock);
	int error = fault_hit("drive-flush") ? -EIO : 0;
	if (!error)
		error = count ? cartridge_append_list(drive->cartridge, drive->partition, blocks, count)
			      : cartridge_append_filemarks(drive->cartridge, drive->partition, filemarks);
	uint64_t space = error ? 0 : space_after(ring, bytes_of(blocks, count));
	uint64_t promised = error ? 0 : promise_of(drive);
	pthread_mutex_lock(&ring->lock);

	if (error == -ENOSPC && keeps) {
		keep_locked(ring);
		error = 0;
	} else if (error) {
		lose_locked(ring, error);
	} else {
		ring->full = false;
		ring->again_at = 0;
		ring->space = space;
		ring->promised = promised;
		ring->promised_partition = drive->partition;
		for (unsigned i = 0; i < (count ? count : 1); i++)
			pop_locked(ring);
	}
	pthread_cond_broadcast(&ring->done);
	return ring->watched ? 0 : error;
}

/* Waits until it pays to write. */
static void gather_locked(struct drive_ring *ring)
{
	struct timespec until = clock_deadline_ms(RING_DELAY_MS);
	while (!ring->stopping && !ring->watched && !ring->again_at && ring->bytes < ring->gather &&
	       ring->count < RING_PIECES / 2)
		if (pthread_cond_timedwait(&ring->work, &ring->lock, &until) == ETIMEDOUT)
			return;
}

static void tell_full(struct drive *drive, const char *barcode)
{
	if (drive->settings.event)
		drive->settings.event(drive->settings.context, drive, "full", barcode);
}

/* There is something to write, and it is time to. */
static bool may_flush_locked(const struct drive_ring *ring)
{
	if (!ring->count)
		return false;
	return !ring->full || ring->stopping || clock_monotonic_ns() >= ring->again_at;
}

static void wait_locked(struct drive_ring *ring)
{
	if (!ring->full) {
		pthread_cond_wait(&ring->work, &ring->lock);
		return;
	}
	struct timespec until = clock_deadline_ms(RING_AGAIN_NS / 1000000);
	(void)pthread_cond_timedwait(&ring->work, &ring->lock, &until);
}

/* Nobody waits for what is told here, and none of the locks is held. */
static void tell(struct drive *drive, int error, bool kept, const char *end_reached)
{
	if (kept)
		log_warning("drive %s: no room on the host's disk: what was written waits in memory",
			    drive->settings.identity.serial);
	if (error)
		drive_defer(drive, error);
	if (end_reached[0])
		tell_full(drive, end_reached);
}

static void *ring_thread(void *argument)
{
	struct drive_ring *ring = argument;
	pthread_mutex_lock(&ring->lock);
	while (!ring->stopping || ring->count) {
		int error = 0;
		char barcode[sizeof(ring->end_reached)];
		memcpy(barcode, ring->end_reached, sizeof(barcode));
		bool was_full = ring->full || ring->again_at, kept = false;
		ring->end_reached[0] = '\0';
		if (may_flush_locked(ring)) {
			gather_locked(ring);
			error = ring_flush_locked(ring);
			kept = ring->full && !was_full;
		} else if (!barcode[0]) {
			wait_locked(ring);
		}
		if (!error && !kept && !barcode[0])
			continue;
		pthread_mutex_unlock(&ring->lock);
		tell(ring->drive, error, kept, barcode);
		pthread_mutex_lock(&ring->lock);
	}
	pthread_mutex_unlock(&ring->lock);
	return NULL;
}

int ring_new(struct drive *drive)
{
	struct drive_ring *ring = mem_try_zalloc(1, sizeof(*ring));
	if (!ring)
		return -ENOMEM;
	pthread_mutex_init(&ring->lock, NULL);
	clock_cond_init(&ring->work);
	clock_cond_init(&ring->done);
	ring->drive = drive;
	ring->limit = drive->settings.buffer;
	ring->gather = ring->limit / 4 < RING_GATHER ? ring->limit / 4 : RING_GATHER;
	ring->space = UINT64_MAX;
	drive->ring = ring;
	if (pthread_create(&ring->thread, NULL, ring_thread, ring)) {
		pthread_cond_destroy(&ring->done);
		pthread_cond_destroy(&ring->work);
		pthread_mutex_destroy(&ring->lock);
		free(TAKE(drive->ring));
		return -EAGAIN;
	}
	return 0;
}

void ring_stop(struct drive *drive)
{
	struct drive_ring *ring = drive->ring;
	if (!ring)
		return;
	pthread_mutex_lock(&ring->lock);
	ring->stopping = true;
	pthread_cond_signal(&ring->work);
	pthread_mutex_unlock(&ring->lock);
	pthread_join(ring->thread, NULL);
}

void ring_free(struct drive *drive)
{
	struct drive_ring *ring = TAKE(drive->ring);
	if (!ring)
		return;
	pthread_cond_destroy(&ring->done);
	pthread_cond_destroy(&ring->work);
	pthread_mutex_destroy(&ring->lock);
	free(ring);
}
