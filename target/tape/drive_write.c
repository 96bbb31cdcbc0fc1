/* SPDX-License-Identifier: MIT */
/*
 * WRITE(6) and WRITE FILEMARKS(6).
 *
 * A write that finds room goes into the ring on the thread that submits it: the
 * task's own buffer, no copy. It runs on the worker when something has to be
 * waited for: room in the ring, the first change of a cartridge, a cut of what
 * follows the position, sealing, BUFFERED MODE 0, or a host folder that is
 * nearly full: from WRITE_CAREFUL bytes before its end on nothing is acknowledged
 * before the cartridge has it, so that a full folder loses nothing. That is for hosts
 * that set no space aside; on others what goes into the ring has its place on
 * the disk already, whoever fills the rest.
 *
 * Where a write ends the tape:
 *   size of the partition reached   VOLUME OVERFLOW, what fits is written
 *   in the early-warning zone       NO SENSE, EOM: written, all of it
 *   over the programmable warning   NO SENSE, EOM, 00h/07h: written, told once
 * The host folder has the same zones before its end.
 */
#include <errno.h>
#include <string.h>

#include "lib/base/bytes.h"
#include "lib/base/cleanup.h"
#include "lib/base/fault.h"
#include "target/tape/drive_guard.h"
#include "target/tape/drive_private.h"
#include "target/tape/drive_ring.h"

#define WRITE_CAREFUL	(256ull << 20) /* bytes */
#define WRITE_HOST_ZONE (64ull << 20)  /* of the early warning before the host folder's end, at most */

struct write_request {
	bool fixed;
	uint32_t length;     /* blocks, or bytes */
	uint32_t given_size; /* bytes that the host sends of each block */
	uint32_t block_size; /* without its protection information */
	uint32_t blocks;
	uint64_t bytes; /* that the host sends */
	enum guard_method guard;
	bool seals; /* asked once: what was sent to be encrypted is never written in the clear */
};

static struct write_request request_of(struct drive *drive, const struct scsi_task *task)
{
	struct write_request request = {
		.fixed = task->cdb[1] & 1,
		.length = be_get24(task->cdb + 2),
		.guard = drive_guard_of(drive, task->nexus).write,
	};
	request.given_size = request.fixed ? drive->mode.block_size : request.length;
	request.block_size = request.given_size;
	if (request.guard)
		request.block_size -= request.given_size > GUARD_SIZE ? GUARD_SIZE : request.given_size;
	request.blocks = request.fixed ? request.length : request.length != 0;
	request.bytes = (uint64_t)request.given_size * request.blocks;
	return request;
}

/* ---- where the tape ends ---------------------------------------------------------------------- */

static uint64_t warning_size(const struct drive *drive)
{
	return drive_partition_size(drive, drive->partition) -
	       drive_warning_at(drive, drive->partition);
}

static uint64_t host_zone(const struct drive *drive)
{
	uint64_t zone = warning_size(drive);
	return zone < WRITE_HOST_ZONE ? zone : WRITE_HOST_ZONE;
}

static uint64_t tape_left(const struct drive *drive)
{
	uint64_t size = drive_partition_size(drive, drive->partition);
	uint64_t used = drive_used(drive, drive->partition);
	return size > used ? size - used : 0;
}

/* Bytes that still go on the partition at the position. */
static uint64_t bytes_left(struct drive *drive)
{
	uint64_t tape = tape_left(drive), host = ring_space(drive);
	return tape < host ? tape : host;
}

static void tell_full(struct drive *drive)
{
	if (drive->full_told)
		return;
	drive->full_told = true;
	ring_tell_full(drive);
}

/* After a write: the warnings. `before`: what the partition had before it. */
static void tell_warning(struct drive *drive, struct scsi_task *task, uint64_t before)
{
	uint64_t after = drive_used(drive, drive->partition);
	uint64_t warning = drive_warning_at(drive, drive->partition);
	uint64_t early = (uint64_t)drive->mode.early_warning << 20;
	uint64_t programmable = warning > early ? warning - early : 0;
	if (after >= warning || ring_space(drive) < host_zone(drive)) {
		drive_check(task, SENSE_NO_SENSE, ASC_END_OF_MEDIUM, true, 0);
		tell_full(drive);
	} else if (early && before < programmable && after >= programmable) {
		drive_check(task, SENSE_NO_SENSE, ASC_PROGRAMMABLE_EARLY_WARNING, true, 0);
	}
}

static void tell_overflow(struct drive *drive, struct scsi_task *task, uint64_t left)
{
	drive_check(task, SENSE_VOLUME_OVERFLOW, ASC_END_OF_MEDIUM, true, (int64_t)left);
	tell_full(drive);
}

/* ---- blocks ------------------------------------------------------------------------------------- */

static void advance(struct drive *drive, uint32_t blocks, uint64_t bytes, uint64_t stored)
{
	LOCK_SCOPE(&drive->lu->lock);
	struct cartridge_extent *end = &drive->end[drive->partition];
	drive->object += blocks;
	end->objects += blocks;
	end->bytes += stored;
	drive->dirty = true;
	drive->pending_objects += blocks;
	drive->pending_bytes += bytes;
	drive->load.written_blocks += blocks;
	drive->life.written_blocks += blocks;
	drive->load.written_bytes += bytes;
	drive->life.written_bytes += bytes;
	drive->load.stored_bytes += stored;
	drive->life.stored_bytes += stored;
	drive_active_locked(drive, "writing");
}

static bool is_careful(struct drive *drive, uint64_t bytes)
{
	return ring_space(drive) < bytes + WRITE_CAREFUL;
}

/* Straight to the cartridge: 0 or -errno, nothing of it written then. On the worker, the ring empty. */
static int write_through(struct drive *drive, const struct cartridge_blocks *blocks)
{
	int error = fault_hit("drive-append") ? -ENOSPC : 0;
	if (!error)
		error = cartridge_append(drive->cartridge, drive->partition, blocks);
	ring_measure(drive);
	return error;
}

/* What was written before is not lost: it is on the cartridge, or waits in the ring for room. */
static bool is_overflow(struct drive *drive, int error)
{
	return (error == -ENOSPC || error == -EDQUOT) && !drive->failure && !ring_error(drive);
}

/* Sets the sense where it returns false: nothing was written. */
static bool write_failed(struct drive *drive, struct scsi_task *task, int error, int64_t left)
{
	if (is_overflow(drive, error)) {
		tell_overflow(drive, task, (uint64_t)left);
		return false;
	}
	if (error == -ENOKEY) { /* forgotten while the command waited; nothing is wrong with the tape */
		drive_check(task, SENSE_DATA_PROTECT, ASC_ENCRYPTION_NOT_USEABLE, false, left);
		return false;
	}
	drive_fail(drive, error);
	drive_check_flush(drive, task, error);
	task->sense.information_valid = true;
	/* A deferred error counts all that is lost. */
	task->sense.information = task->sense.deferred ? task->sense.information + left : left;
	return false;
}

static bool write_sealed(struct drive *drive, struct scsi_task *task,
			 const struct write_request *request, uint32_t blocks)
{
	size_t stored = (size_t)request->block_size + DRIVE_SEAL_SIZE;
	struct scsi_buffer *buffer = scsi_buffer_get(drive->settings.pool, stored);
	int error = buffer ? 0 : -ENOMEM;
	uint32_t done = 0;
	for (; !error && done < blocks; done++) {
		struct cartridge_blocks piece = {
			.block_size = (uint32_t)stored, .count = 1, .flags = CARTRIDGE_ENCRYPTED,
		};
		error = drive_seal(drive, task->nexus,
				   task->out->data + (size_t)done * request->block_size,
				   request->block_size, buffer->data, &piece.extra);
		piece.data = buffer->data;
		if (!error)
			error = write_through(drive, &piece);
		if (error)
			break;
		advance(drive, 1, request->block_size, stored);
	}
	if (buffer)
		scsi_buffer_release(&buffer);
	int64_t left = request->fixed ? (int64_t)request->blocks - done : (int64_t)request->bytes;
	return error ? write_failed(drive, task, error, left) : true;
}

static bool write_direct(struct drive *drive, struct scsi_task *task,
			 const struct write_request *request, uint32_t blocks)
{
	struct cartridge_blocks piece = {
		.data = task->out->data, .block_size = request->block_size, .count = blocks,
	};
	uint64_t bytes = (uint64_t)blocks * request->block_size;
	int error = write_through(drive, &piece);
	if (error)
		return write_failed(drive, task, error, request->length);
	advance(drive, blocks, bytes, bytes);
	return true;
}

static bool write_behind(struct drive *drive, struct scsi_task *task,
			 const struct write_request *request, uint32_t blocks)
{
	struct drive_piece piece = {
		.buffer = task->out,
		.block_size = request->block_size,
		.count = blocks,
		.cost = task->out->capacity,
	};
	uint64_t bytes = (uint64_t)blocks * request->block_size;
	int error = ring_add(drive, &piece);
	if (error)
		return write_failed(drive, task, error, request->length);
	task->out = NULL; /* the ring's now */
	advance(drive, blocks, bytes, bytes);
	return true;
}

/* True when the ring takes the data-out: it has memory for it, and the host a place. */
static bool room_behind(struct drive *drive, const struct scsi_task *task)
{
	size_t cost = task->out->capacity;
	if (ring_has_room(drive, cost))
		return true;
	if (ring_wait_room(drive, cost))
		return false;
	if (!ring_has_room(drive, cost) && !ring_wait_empty(drive))
		ring_measure(drive);
	return ring_has_room(drive, cost);
}

/* Blocks go on the tape at its end, as many as are given. */
static bool write_blocks(struct drive *drive, struct scsi_task *task,
			 const struct write_request *request, uint32_t blocks)
{
	bool seals = request->seals;
	bool careful = is_careful(drive, (uint64_t)blocks * request->block_size);
	if (!seals && !careful && !drive->mode.unbuffered && room_behind(drive, task))
		return write_behind(drive, task, request, blocks);
	int error = ring_wait_empty(drive);
	if (error)
		return write_failed(drive, task, error, request->length);
	bool done = seals ? write_sealed(drive, task, request, blocks)
			  : write_direct(drive, task, request, blocks);
	if (done && drive->mode.unbuffered) {
		error = drive_drain(drive);
		if (error)
			return write_failed(drive, task, error, request->length);
	}
	return done;
}

/* What fails later is told to one nexus: another's blocks are made durable first. */
static bool write_as(struct drive *drive, struct scsi_task *task, int64_t left)
{
	int error = drive_is_writer(drive, task->nexus) ? 0 : drive_drain(drive);
	if (error)
		return write_failed(drive, task, error, left);
	drive_set_writer(drive, task->nexus);
	return true;
}

/* ---- WRITE ---------------------------------------------------------------------------------------- */

static bool request_valid(const struct drive *drive, struct scsi_task *task,
			  const struct write_request *request)
{
	if (request->fixed && !drive->mode.block_size) {
		scsi_invalid_cdb(task, 1, 0);
		return false;
	}
	/* A block that the host gives in part is none that it could mean to write; nor is protection
	 * information of nothing. */
	if (request->block_size > CARTRIDGE_BLOCK_MAX || (request->bytes && !request->block_size) ||
	    request->bytes > (task->out ? task->out->size : 0)) {
		scsi_invalid_cdb(task, 2, 8);
		return false;
	}
	return true;
}

/* Blocks that the tape has room for. */
static uint32_t blocks_that_fit(struct drive *drive, const struct write_request *request)
{
	uint64_t each = request->block_size;
	if (request->seals)
		each += DRIVE_SEAL_SIZE;
	uint64_t fit = bytes_left(drive) / each;
	return fit < request->blocks ? (uint32_t)fit : request->blocks;
}

/* The tape as it is before blocks that are to be written here. A host that is nearly full has to give up first
 * what stood here: there is no other room. False: the sense is set. */
static bool write_over(struct drive *drive, struct scsi_task *task, const struct write_request *request)
{
	if (drive_at_end(drive))
		return true;
	if (!drive_cut(drive, task))
		return false;
	if (!is_careful(drive, request->bytes))
		return true;
	int error = drive_drain(drive);
	return !error || write_failed(drive, task, error, request->length);
}

static bool session_has_ended(struct drive *drive, const struct scsi_nexus *nexus)
{
	LOCK_SCOPE(&drive->lu->lock);
	return scsi_nexus_is_closing_locked(nexus);
}

static void write_tape(struct drive *drive, struct scsi_task *task, struct write_request request)
{
	if (!drive_ready(drive, task) || !request_valid(drive, task, &request) ||
	    !drive_may_write(drive, task, request.length) || !request.bytes)
		return;
	request.seals = drive_seals(drive, task->nexus);
	/* It had a key, perhaps, which has gone with the session. */
	if (!request.seals && session_has_ended(drive, task->nexus)) {
		(void)write_failed(drive, task, -ENOKEY, request.length);
		return;
	}
	uint32_t right = request.blocks;
	if (request.guard)
		right = drive_guard_strip(task, request.guard, request.block_size, request.blocks);
	if (!right) {
		drive_guard_failed(drive, task, request.length);
		return;
	}
	if (!write_as(drive, task, request.length) || !write_over(drive, task, &request))
		return;
	drive_modify(drive);
	uint64_t before = drive_used(drive, drive->partition);
	uint32_t fit = blocks_that_fit(drive, &request);
	if (fit > right)
		fit = right;
	if (fit && !write_blocks(drive, task, &request, fit))
		return;
	if (fit == request.blocks)
		tell_warning(drive, task, before);
	else if (fit == right)
		drive_guard_failed(drive, task, request.fixed ? request.blocks - fit : request.length);
	else
		tell_overflow(drive, task, request.fixed ? request.blocks - fit : request.bytes);
}

/* What is not on the tape: all of it, unless INFORMATION says how much. A deferred error's counts more. */
static uint64_t bytes_not_written(const struct scsi_task *task, const struct write_request *request)
{
	if (task->status == SCSI_GOOD)
		return 0;
	if (!task->sense.information_valid || task->sense.deferred)
		return request->bytes;
	return (uint64_t)task->sense.information * (request->fixed ? request->given_size : 1);
}

static void run_write(struct scsi_lu *lu, struct scsi_task *task)
{
	struct drive *drive = drive_of(lu);
	struct write_request request = request_of(drive, task);
	task->out_wanted = request.bytes;
	write_tape(drive, task, request);
	task->out_taken = request.bytes - bytes_not_written(task, &request);
}

static bool waits_write(struct scsi_lu *lu, const struct scsi_task *task)
{
	struct drive *drive = drive_of(lu);
	if (drive->phase != DRIVE_LOADED || drive->failure || drive->write_protected || !task->out)
		return false;
	return !drive->modified || !drive_at_end(drive) || drive->mode.unbuffered ||
	       drive_seals(drive, task->nexus) || is_careful(drive, task->out->size) ||
	       !drive_is_writer(drive, task->nexus) || drive_guard_of(drive, task->nexus).write ||
	       !ring_has_room(drive, task->out->capacity);
}

/* ---- WRITE FILEMARKS ---------------------------------------------------------------------------- */

static void advance_filemarks(struct drive *drive, uint32_t count)
{
	LOCK_SCOPE(&drive->lu->lock);
	struct cartridge_extent *end = &drive->end[drive->partition];
	drive->object += count;
	drive->file += count;
	end->objects += count;
	end->filemarks += count;
	drive->dirty = true;
	drive->pending_objects += count;
	drive->load.written_filemarks += count;
	drive->life.written_filemarks += count;
	drive_active_locked(drive, "writing");
}

static int add_filemarks(struct drive *drive, uint32_t count)
{
	struct drive_piece piece = {.filemarks = count};
	int error = 0;
	if (!ring_has_room(drive, 0))
		error = ring_wait_room(drive, 0);
	return error ? error : ring_add(drive, &piece);
}

/* Those that fit: *written of them. In a host folder that is full they have room: the reserve of
 * cartridge_space(). */
static bool write_filemarks(struct drive *drive, struct scsi_task *task, uint32_t count, uint32_t *written)
{
	if (!drive_may_write(drive, task, count) || !write_as(drive, task, count) ||
	    (!drive_at_end(drive) && !drive_cut(drive, task)))
		return false;
	drive_modify(drive);
	uint64_t fit = tape_left(drive) / DRIVE_FILEMARK_SIZE;
	*written = fit < count ? (uint32_t)fit : count;
	int error = ring_is_full(drive) ? drive_drain(drive) : 0;
	if (!error && *written)
		error = add_filemarks(drive, *written);
	if (error)
		return write_failed(drive, task, error, count);
	advance_filemarks(drive, *written);
	return true;
}

static void run_filemarks(struct scsi_lu *lu, struct scsi_task *task)
{
	struct drive *drive = drive_of(lu);
	uint32_t count = be_get24(task->cdb + 2);
	bool immediate = task->cdb[1] & 1;
	uint32_t written = 0;
	if (!drive_ready(drive, task) || !drive_writes(drive, task, count))
		return;
	if (immediate && count && drive->mode.unbuffered) { /* GOOD would say that they are on the tape */
		scsi_invalid_cdb(task, 1, 0);
		return;
	}
	if (count && !write_filemarks(drive, task, count, &written))
		return;
	if (!immediate || !count) {
		int error = drive_drain(drive);
		if (error) {
			write_failed(drive, task, error, count);
			return;
		}
	}
	if (written < count)
		tell_overflow(drive, task, count - written);
	else if (count)
		tell_warning(drive, task, drive_used(drive, drive->partition) -
						  (uint64_t)count * DRIVE_FILEMARK_SIZE);
}

static bool waits_filemarks(struct scsi_lu *lu, const struct scsi_task *task)
{
	struct drive *drive = drive_of(lu);
	bool immediate = task->cdb[1] & 1;
	if (drive->phase != DRIVE_LOADED || drive->failure)
		return false;
	if (!be_get24(task->cdb + 2))
		return drive->dirty;
	return !immediate || !drive->modified || !drive_at_end(drive) ||
	       !drive_is_writer(drive, task->nexus) || !ring_has_room(drive, 0);
}

const struct scsi_opcode drive_write_opcodes[] = {
	{
		.opcode = 0x0a, .length = 6, .usage = {0x0a, 0x01, 0xff, 0xff, 0xff}, .timeout = 1200,
		.name = "WRITE(6)", .run = run_write, .waits = waits_write,
	},
	{
		.opcode = 0x10, .length = 6, .usage = {0x10, 0x01, 0xff, 0xff, 0xff}, .timeout = 1200,
		.name = "WRITE FILEMARKS(6)", .run = run_filemarks, .waits = waits_filemarks,
	},
	{0},
};
