/* SPDX-License-Identifier: MIT */
/*
 * READ(6), VERIFY(6), READ BLOCK LIMITS.
 *
 * A read is planned first, from the cartridge's index alone: how many blocks, which
 * bytes, and what ends it early (a filemark, the end of data, a block of another
 * length). Then its bytes are given; then the position moves. So what a command
 * that fails says about the position is true.
 *
 * Sense, INFORMATION and position: vtl.md 2.3 is the table that this follows.
 */
#include <errno.h>
#include <string.h>

#include "lib/base/bytes.h"
#include "lib/base/cleanup.h"
#include "lib/base/log.h"
#include "target/tape/drive_ahead.h"
#include "target/tape/drive_private.h"
#include "target/tape/drive_ring.h"

#define VERIFY_PIECE (4u << 20)

/* What a CDB asks for. */
struct read_request {
	bool fixed, silent; /* SILI */
	uint32_t length;    /* blocks, or bytes */
};

enum read_end { READ_COMPLETE, READ_FILEMARK, READ_END_OF_DATA, READ_LENGTH, READ_BROKEN };

struct read_plan {
	enum read_end end;
	uint64_t offset, bytes; /* of the partition: what is read */
	uint64_t give;		/* of them, what the host gets (a long block is cut) */
	uint64_t blocks;	/* that the position moves over */
	uint32_t good;		/* blocks of the right length */
	uint32_t actual;	/* bytes of the block of another length */
	uint32_t stored;	/* sealed blocks: bytes of each on the cartridge; 0: not sealed */
	struct cartridge_place place; /* of the first */
};

static struct read_request request_of(const uint8_t *cdb)
{
	return (struct read_request){
		.fixed = cdb[1] & 1,
		.silent = cdb[1] & 2,
		.length = be_get24(cdb + 2),
	};
}

/* Bytes of a block as the host wrote it. */
static uint32_t plain_size(const struct cartridge_place *place)
{
	if (!(place->flags & CARTRIDGE_ENCRYPTED))
		return place->block_size;
	return place->block_size > DRIVE_SEAL_SIZE ? place->block_size - DRIVE_SEAL_SIZE : 0;
}

static void plan_start(struct read_plan *plan, const struct cartridge_place *place)
{
	plan->place = *place;
	plan->offset = place->offset;
	plan->stored = place->flags & CARTRIDGE_ENCRYPTED ? place->block_size : 0;
}

static void plan_variable(const struct read_request *request, const struct cartridge_place *place,
			  struct read_plan *plan)
{
	plan_start(plan, place);
	plan->actual = plain_size(place);
	plan->blocks = 1;
	plan->bytes = plan->give = plan->actual;
	if (plan->give > request->length)
		plan->give = request->length;
	if (!plan->stored)
		plan->bytes = plan->give;
	plan->end = plan->actual == request->length ? READ_COMPLETE : READ_LENGTH;
}

/* Adds the run to a plan in fixed blocks; true: it goes on after it. */
static bool plan_run(struct read_plan *plan, const struct cartridge_place *place, uint32_t size,
		     uint32_t length)
{
	uint32_t actual = plain_size(place);
	uint32_t stored = place->flags & CARTRIDGE_ENCRYPTED ? place->block_size : 0;
	if (actual != size) {
		plan->end = READ_LENGTH;
		plan->actual = actual;
		plan->blocks++;
		return false;
	}
	if (!plan->good)
		plan_start(plan, place);
	else if (stored != plan->stored || place->offset != plan->offset + (uint64_t)plan->good *
								   (stored ? stored : size) ||
		 place->extra != plan->place.extra) {
		plan->end = READ_BROKEN; /* a piece for itself */
		return false;
	}
	uint64_t count = place->count < length - plan->good ? place->count : length - plan->good;
	plan->good += (uint32_t)count;
	plan->blocks += count;
	plan->bytes = plan->give = (uint64_t)plan->good * size;
	plan->end = READ_COMPLETE;
	return plan->good < length;
}

/* Plans from `object` on. 0 or -EIO. */
static int plan_read(const struct drive *drive, const struct read_request *request, uint64_t object,
		     struct read_plan *plan)
{
	*plan = (struct read_plan){.end = READ_COMPLETE};
	for (;;) {
		struct cartridge_place place;
		if (cartridge_find(drive->cartridge, drive->partition, object + plan->blocks, &place))
			return -EIO;
		if (place.kind == CARTRIDGE_END) {
			plan->end = READ_END_OF_DATA;
			return 0;
		}
		if (place.kind == CARTRIDGE_FILEMARKS) {
			plan->end = READ_FILEMARK;
			return 0;
		}
		if (!request->fixed) {
			plan_variable(request, &place, plan);
			return 0;
		}
		if (!plan_run(plan, &place, drive->mode.block_size, request->length))
			return 0;
	}
}

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

static int give_sealed(struct drive *drive, struct scsi_task *task, const struct read_plan *plan)
{
	if (plan->stored <= DRIVE_SEAL_SIZE)
		return -EIO;
	size_t size = plan->stored - DRIVE_SEAL_SIZE;
	uint64_t count = (plan->give + size - 1) / size;
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
		scsi_reply_slice(task, plain, 0, plan->give);
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

static int give(struct drive *drive, struct scsi_task *task, const struct read_plan *plan)
{
	struct read_plan cut = *plan;
	cut.give = room_for(task, plan->give);
	int error = task->in_count > SCSI_SLICES - AHEAD_SLICES_MAX ? join_slices(drive, task) : 0;
	if (error)
		return error;
	if (cut.give > AHEAD_TRANSFER_MAX)
		error = -EMSGSIZE;
	else if (cut.give && plan->stored)
		error = give_sealed(drive, task, &cut);
	else if (cut.give)
		error = ahead_give(drive, task, drive->partition, plan->offset, (size_t)cut.give,
				   drive->end[drive->partition].bytes);
	if (!error)
		task->in_wanted += plan->give - cut.give;
	return error;
}

/* ---- the end ----------------------------------------------------------------------------------- */

static void advance(struct drive *drive, const struct read_plan *plan, bool filemark, uint64_t bytes)
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

static void check_length(struct scsi_task *task, int64_t information)
{
	scsi_check_sense(task, &(struct sense){
				       .key = SENSE_NO_SENSE,
				       .code = ASC_NONE,
				       .ili = true,
				       .information_valid = true,
				       .information = information,
			       });
}

/* What the host is told about how the read has ended; `left`: blocks or bytes that it misses. */
static void tell_end(const struct drive *drive, struct scsi_task *task,
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
		check_length(task, left);
		return;
	}
	int64_t difference = (int64_t)request->length - plan->actual;
	if (request->silent && (difference > 0 || !drive->mode.block_size))
		return;
	check_length(task, difference);
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

static void tell_failure(struct drive *drive, struct scsi_task *task, int error, int64_t left)
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

static bool request_valid(const struct drive *drive, struct scsi_task *task,
			  const struct read_request *request)
{
	if (request->fixed && request->silent) {
		scsi_invalid_cdb(task, 1, 1);
		return false;
	}
	if (request->fixed && !drive->mode.block_size) {
		scsi_invalid_cdb(task, 1, 0);
		return false;
	}
	return true;
}

/* The first blocks of a request: all of those that are left, but where reading them together has
 * failed. */
static struct read_request first_blocks(const struct read_request *request, uint32_t step)
{
	struct read_request part = *request;
	if (part.fixed && part.length > step)
		part.length = step;
	return part;
}

/* Reads until the request is done or ended; each round is one plan. Damage is closed in upon by
 * halves, so that the host gets the blocks before it. */
static void read_blocks(struct drive *drive, struct scsi_task *task, struct read_request request)
{
	uint32_t step = request.length;
	for (;;) {
		struct read_request part = first_blocks(&request, step);
		struct read_plan plan;
		int error = plan_read(drive, &part, drive->object, &plan);
		if (!error && plan.give) {
			if (!drive_may_read(drive, task, &plan.place))
				return;
			error = give(drive, task, &plan);
		}
		if (error == -EIO && request.fixed && part.length > 1) {
			step = part.length / 2;
			continue;
		}
		if (error) {
			tell_failure(drive, task, error, request.length);
			return;
		}
		advance(drive, &plan, plan.end == READ_FILEMARK, plan.give);
		request.length -= request.fixed ? plan.good : 0;
		if (plan.end == READ_COMPLETE && request.fixed && request.length)
			continue;
		tell_end(drive, task, &request, &plan, request.length);
		if (plan.end != READ_BROKEN)
			return;
	}
}

static void run_read(struct scsi_lu *lu, struct scsi_task *task)
{
	struct drive *drive = drive_of(lu);
	struct read_request request = request_of(task->cdb);
	if (!drive_ready(drive, task) || !request_valid(drive, task, &request))
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
	struct read_request request = request_of(task->cdb);
	struct read_plan plan;
	if (drive->phase != DRIVE_LOADED || !request.length ||
	    (request.fixed && !drive->mode.block_size))
		return false;
	if (drive->dirty)
		return true;
	if (plan_read(drive, &request, drive->object, &plan) || plan.stored || plan.end == READ_BROKEN)
		return true;
	uint64_t bytes = room_for(task, plan.give);
	return !ahead_has(drive, drive->partition, plan.offset, (size_t)bytes);
}

/* ---- VERIFY ------------------------------------------------------------------------------------- */

static int verify_bytes(struct drive *drive, const struct read_plan *plan)
{
	uint64_t bytes = plan->stored ? plan->blocks * plan->stored : plan->bytes;
	for (uint64_t done = 0; done < bytes;) {
		size_t part = bytes - done < VERIFY_PIECE ? (size_t)(bytes - done) : VERIFY_PIECE;
		struct scsi_buffer *buffer = NULL;
		int error = ahead_read(drive, drive->partition, plan->offset + done, part, &buffer);
		if (error)
			return error;
		scsi_buffer_release(&buffer);
		done += part;
	}
	return 0;
}

static void verify_blocks(struct drive *drive, struct scsi_task *task, struct read_request request)
{
	uint32_t step = request.length;
	while (!scsi_is_aborted(task)) {
		struct read_request part = first_blocks(&request, step);
		struct read_plan plan;
		int error = plan_read(drive, &part, drive->object, &plan);
		if (!error)
			error = verify_bytes(drive, &plan);
		if (error == -EIO && request.fixed && part.length > 1) {
			step = part.length / 2;
			continue;
		}
		if (error) {
			tell_failure(drive, task, error, request.length);
			return;
		}
		advance(drive, &plan, plan.end == READ_FILEMARK, 0);
		request.length -= request.fixed ? plan.good : 0;
		if (plan.end == READ_COMPLETE && request.fixed && request.length)
			continue;
		tell_end(drive, task, &request, &plan, request.length);
		if (plan.end != READ_BROKEN)
			return;
	}
}

/* BYTCMP would compare with data-out, VTE and VBF choose where to stop: none is offered. */
static void run_verify(struct scsi_lu *lu, struct scsi_task *task)
{
	struct drive *drive = drive_of(lu);
	struct read_request request = request_of(task->cdb);
	request.silent = false;
	if (!drive_ready(drive, task) || !request_valid(drive, task, &request))
		return;
	bool early = task->cdb[1] & 0x04 && drive_early(drive, task, ASC_OPERATION_RUNNING);
	int error = drive_drain(drive);
	if (error) {
		drive_check_flush(drive, task, error);
	} else if (request.length) {
		drive_set_activity(drive, "verifying");
		verify_blocks(drive, task, request);
		drive_set_activity(drive, "idle");
	}
	drive_early_end(drive, task, early);
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
	{
		.opcode = 0x13, .length = 6, .usage = {0x13, 0x05, 0xff, 0xff, 0xff}, .timeout = 1200,
		.flags = SCSI_IF_WRITE_EXCLUSIVE,
		.name = "VERIFY(6)", .run = run_verify, .waits = drive_waits,
	},
	{0},
};
