/* SPDX-License-Identifier: MIT */
/*
 * READ(6), READ BLOCK LIMITS, and how a read ends.
 *
 * A read is planned first (drive_plan.c). Then its bytes are given; then the position moves.
 * So what a command that fails says about the position is true.
 *
 * What ends a read, with which sense, INFORMATION and position: tests/unit/sense_rows.h is the table.
 */
#include <errno.h>
#include <string.h>

#include "lib/base/bytes.h"
#include "lib/base/cleanup.h"
#include "lib/base/log.h"
#include "target/tape/drive_ahead.h"
#include "target/tape/drive_read.h"
#include "target/tape/drive_ring.h"

/* ---- bytes ---------------------------------------------------------------------------------- */

/* Opens sealed blocks one by one into one buffer. Sets the sense where it returns false. */
static bool unseal_all(struct drive *drive, struct scsi_task *task, const struct read_plan *plan,
		       const struct scsi_buffer *sealed, struct scsi_buffer *plain, uint64_t count)
{
	size_t size = plan->stored - DRIVE_SEAL_SIZE;
	struct cartridge_place place = plan->place;
	for (uint64_t i = 0; i < count; i++) {
		if (!drive_unseal(drive, task, &place, sealed->data + i * plan->stored, plan->stored,
				  plain->data + i * size))
			return false;
		place.object++;
		place.offset += plan->stored;
		place.count--;
	}
	return true;
}

/* The first `bytes` to `into`, which may be the task. */
static int give_sealed(struct drive *drive, struct scsi_task *task, struct scsi_task *into,
		       const struct read_plan *plan, uint64_t bytes)
{
	if (plan->stored <= DRIVE_SEAL_SIZE)
		return -EIO;
	size_t size = plan->stored - DRIVE_SEAL_SIZE;
	uint64_t count = (bytes + size - 1) / size;
	struct scsi_buffer *sealed = NULL;
	int error = ahead_read(drive, drive->partition, plan->offset, count * plan->stored, &sealed);
	if (error)
		return error;
	struct scsi_buffer *plain = scsi_buffer_get(drive->settings.pool, count * size);
	if (!plain) {
		scsi_buffer_release(&sealed);
		return -ENOMEM;
	}
	plain->size = count * size;
	error = -ECANCELED; /* the sense is set */
	if (unseal_all(drive, task, plan, sealed, plain, count)) {
		scsi_reply_slice(into, plain, 0, bytes);
		error = 0;
	}
	scsi_buffer_release(&plain);
	scsi_buffer_release(&sealed);
	return error;
}

/* What the initiator has no room for is not fetched; it counts as given. */
static uint64_t room_for(const struct scsi_task *task, uint64_t bytes)
{
	uint64_t room = task->in_room - task->in_size;
	return bytes < room ? bytes : room;
}

/* A read in many pieces has more slices than a task: what there is becomes one. */
static int join_slices(struct drive *drive, struct scsi_task *task)
{
	struct scsi_buffer *all = scsi_buffer_get(drive->settings.pool, task->in_size);
	size_t size = 0;
	if (!all)
		return -ENOMEM;
	for (unsigned i = 0; i < task->in_count; i++) {
		struct scsi_slice *slice = &task->in[i];
		memcpy(all->data + size, slice->buffer->data + slice->offset, slice->size);
		size += slice->size;
		scsi_buffer_release(&slice->buffer);
	}
	all->size = size;
	task->in[0] = (struct scsi_slice){.buffer = all, .size = size};
	task->in_count = 1;
	return 0;
}

static int give_plain(struct drive *drive, struct scsi_task *task, struct scsi_task *into,
		      const struct read_plan *plan, uint64_t bytes)
{
	if (!bytes)
		return 0;
	if (plan->stored)
		return give_sealed(drive, task, into, plan, bytes);
	return ahead_give(drive, into, drive->partition, plan->offset, (size_t)bytes,
			  drive->end[drive->partition].bytes);
}

/* Takes up to `size` bytes off the slices of `from`: how many. */
static size_t take_bytes(struct scsi_task *from, uint8_t *to, size_t size)
{
	size_t done = 0;
	for (unsigned i = 0; i < from->in_count && done < size; i++) {
		struct scsi_slice *slice = &from->in[i];
		size_t part = slice->size < size - done ? slice->size : size - done;
		memcpy(to + done, slice->buffer->data + slice->offset, part);
		slice->offset += part;
		slice->size -= part;
		done += part;
	}
	return done;
}

/* Blocks with their protection information behind each; `bytes` of them all. */
static int give_guarded(struct drive *drive, struct scsi_task *task, const struct read_plan *plan,
			enum guard_method guard, uint64_t bytes)
{
	size_t each = plan->size + GUARD_SIZE, rest = bytes % each;
	uint64_t plain = bytes / each * plan->size + (rest < plan->size ? rest : plan->size);
	struct scsi_task alone = {.in_room = plain};
	struct scsi_buffer *buffer = scsi_buffer_get(drive->settings.pool, bytes + GUARD_SIZE);
	int error = buffer ? give_plain(drive, task, &alone, plan, plain) : -ENOMEM;
	for (size_t at = 0; !error && at < bytes; at += each) {
		uint8_t *block = buffer->data + at;
		if (take_bytes(&alone, block, bytes - at < plan->size ? bytes - at : plan->size) == plan->size)
			guard_put(guard, block, plan->size, block + plan->size);
	}
	for (unsigned i = 0; i < alone.in_count; i++)
		scsi_buffer_release(&alone.in[i].buffer);
	if (!error) {
		buffer->size = bytes;
		scsi_reply_slice(task, buffer, 0, bytes);
	}
	if (buffer)
		scsi_buffer_release(&buffer);
	return error;
}

static int give(struct drive *drive, struct scsi_task *task, const struct read_plan *plan,
		enum guard_method guard)
{
	uint64_t bytes = room_for(task, plan->give);
	int error = task->in_count > SCSI_SLICES - AHEAD_SLICES_MAX ? join_slices(drive, task) : 0;
	if (error)
		return error;
	if (bytes > AHEAD_TRANSFER_MAX)
		error = -EMSGSIZE;
	else if (guard && bytes)
		error = give_guarded(drive, task, plan, guard, bytes);
	else
		error = give_plain(drive, task, task, plan, bytes);
	if (!error)
		task->in_wanted += plan->give - bytes;
	return error;
}
/* ---- the end ----------------------------------------------------------------------------------- */

void read_advance(struct drive *drive, const struct read_plan *plan, bool filemark, uint64_t bytes)
{
	LOCK_SCOPE(&drive->lu->lock);
	drive->object += plan->blocks + filemark;
	drive->file += filemark;
	drive->overwrite = DRIVE_OVERWRITE_NONE;
	drive->load.read_blocks += plan->blocks;
	drive->life.read_blocks += plan->blocks;
	drive->load.read_bytes += bytes;
	drive->life.read_bytes += bytes;
	drive->load.read_filemarks += filemark;
	drive->life.read_filemarks += filemark;
	drive_active_locked(drive, "reading");
}

void read_tell_length(struct scsi_task *task, int64_t information)
{
	scsi_check_sense(task, &(struct sense){
				       .key = SENSE_NO_SENSE,
				       .code = ASC_NONE,
				       .ili = true,
				       .information_valid = true,
				       .information = information,
			       });
}

void read_tell_end(const struct drive *drive, struct scsi_task *task,
		   const struct read_request *request, const struct read_plan *plan, int64_t left)
{
	switch (plan->end) {
	case READ_COMPLETE:
	case READ_BROKEN:
		return;
	case READ_FILEMARK:
		drive_check(task, SENSE_NO_SENSE, ASC_FILEMARK, false, left);
		return;
	case READ_END_OF_DATA:
		drive_check(task, SENSE_BLANK_CHECK, ASC_END_OF_DATA, false, left);
		return;
	case READ_LENGTH:
		break;
	}
	if (request->fixed) {
		read_tell_length(task, left);
		return;
	}
	int64_t difference = (int64_t)request->length - plan->actual;
	if (request->silent && (difference > 0 || !drive->mode.block_size))
		return;
	read_tell_length(task, difference);
}

/* The tape has moved over the block that it cannot read: the next command goes on behind it. */
static void leave_damaged(struct drive *drive)
{
	struct cartridge_place place;
	if (cartridge_find(drive->cartridge, drive->partition, drive->object, &place) ||
	    place.kind != CARTRIDGE_BLOCKS)
		return;
	LOCK_SCOPE(&drive->lu->lock);
	drive->object++;
	drive->overwrite = DRIVE_OVERWRITE_NONE;
}

void read_tell_failure(struct drive *drive, struct scsi_task *task, int error, int64_t left)
{
	if (error == -ECANCELED)
		return;
	if (error == -ENOMEM) {
		scsi_check(task, SENSE_ABORTED, ASC_INSUFFICIENT_RESOURCES);
		return;
	}
	if (error == -EMSGSIZE) {
		scsi_invalid_cdb(task, 2, 8);
		return;
	}
	log_error("drive %s: reading object %llu of cartridge %s: %s", drive->settings.identity.serial,
		  (unsigned long long)drive->object, drive->media.barcode, strerror(-error));
	pthread_mutex_lock(&drive->lu->lock);
	drive->load.read_errors++;
	drive->life.read_errors++;
	drive_alert_locked(drive, DRIVE_ALERT_HARD_ERROR);
	drive_alert_locked(drive, DRIVE_ALERT_READ_FAILURE);
	pthread_mutex_unlock(&drive->lu->lock);
	drive_check(task, SENSE_MEDIUM_ERROR, ASC_UNRECOVERED_READ_ERROR, false, left);
	drive_note_error(drive, task, &task->sense);
	leave_damaged(drive);
}
/* ---- READ ----------------------------------------------------------------------------------------- */

/* Reads until the request is done or ended; each round is one plan. Damage is closed in upon by
 * halves, so that the host gets the blocks before it. */
static void read_blocks(struct drive *drive, struct scsi_task *task, struct read_request request)
{
	uint32_t step = request.length;
	for (;;) {
		struct read_request part = read_first_blocks(&request, step);
		struct read_plan plan;
		int error = read_plan(drive, &part, drive->object, &plan);
		if (!error && plan.give) {
			if (!drive_may_read(drive, task, &plan.place))
				return;
			error = give(drive, task, &plan, request.guard);
		}
		if (error == -EIO && request.fixed && part.length > 1) {
			step = part.length / 2;
			continue;
		}
		if (error) {
			read_tell_failure(drive, task, error, request.length);
			return;
		}
		read_advance(drive, &plan, plan.end == READ_FILEMARK,
			     plan.give < plan.bytes ? plan.give : plan.bytes);
		request.length -= request.fixed ? plan.good : 0;
		if (plan.end == READ_COMPLETE && request.fixed && request.length)
			continue;
		read_tell_end(drive, task, &request, &plan, request.length);
		if (plan.end != READ_BROKEN)
			return;
	}
}

static void run_read(struct scsi_lu *lu, struct scsi_task *task)
{
	struct drive *drive = drive_of(lu);
	struct read_request request = read_request_of(drive, task);
	if (!drive_ready(drive, task) || !read_request_valid(drive, task, &request))
		return;
	if (drive->dirty) {
		int error = drive_drain(drive);
		if (error) {
			drive_check_flush(drive, task, error);
			return;
		}
	}
	if (!request.length)
		return;
	read_blocks(drive, task, request);
}

/* A read waits unless all of its bytes are in memory. */
static bool waits_read(struct scsi_lu *lu, const struct scsi_task *task)
{
	struct drive *drive = drive_of(lu);
	struct read_request request = read_request_of(drive, task);
	struct read_plan plan;
	if (drive->phase != DRIVE_LOADED || !request.length ||
	    (request.fixed && !drive->mode.block_size))
		return false;
	if (drive->dirty || request.guard)
		return true;
	if (read_plan(drive, &request, drive->object, &plan) || plan.stored || plan.end == READ_BROKEN)
		return true;
	uint64_t bytes = room_for(task, plan.give);
	return !ahead_has(drive, drive->partition, plan.offset, (size_t)bytes);
}
/* ---- READ BLOCK LIMITS ---------------------------------------------------------------------------- */

static void run_block_limits(struct scsi_lu *lu, struct scsi_task *task)
{
	(void)lu;
	uint8_t data[20] = {0};
	if (task->cdb[1] & 1) { /* MLOI: the largest object identifier */
		be_put64(data + 12, UINT64_MAX >> 1);
		scsi_reply(task, data, 20, 20);
		return;
	}
	be_put24(data + 1, CARTRIDGE_BLOCK_MAX);
	be_put16(data + 4, 1);
	scsi_reply(task, data, 6, 6);
}

const struct scsi_opcode drive_read_opcodes[] = {
	{
		.opcode = 0x05, .length = 6, .usage = {0x05, 0x01}, .timeout = 60,
		.flags = SCSI_IF_RESERVED,
		.name = "READ BLOCK LIMITS", .run = run_block_limits,
	},
	{
		.opcode = 0x08, .length = 6, .usage = {0x08, 0x03, 0xff, 0xff, 0xff}, .timeout = 1200,
		.flags = SCSI_IF_WRITE_EXCLUSIVE,
		.name = "READ(6)", .run = run_read, .waits = waits_read,
	},
	{0},
};
