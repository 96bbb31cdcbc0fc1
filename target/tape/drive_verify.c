/* SPDX-License-Identifier: MIT */
/*
 * VERIFY(6): a READ whose bytes go nowhere. They are read all the same, so that the cartridge
 * compares them with their checksums.
 *
 * VBF verifies up to that many filemarks, VTE all up to the end of data, blocks of any length, or with
 * FIXED of the mode header's. What they say in INFORMATION where they fail is the files that are done, and
 * 0 (StorageTek T10000 Interface Reference, VERIFY). VLBPM asks whether blocks are protected with
 * the method of mode page 0Ah/F0h: they are, since the drive makes any of its methods from what it keeps.
 */
#include <errno.h>

#include "lib/base/cleanup.h"
#include "target/tape/drive_ahead.h"
#include "target/tape/drive_read.h"

#define VERIFY_PIECE (4u << 20)
#define VERIFY_STEP  (64u << 20) /* bytes between two looks at whether the command is still wanted */

/* Byte 1 of the CDB. */
#define FIXED  0x01
#define IMMED  0x04
#define VBF    0x08
#define VLBPM  0x10
#define VTE    0x20

/* A block of another length, with which fixed blocks end, is not among them. */
static int verify_bytes(struct drive *drive, const struct read_plan *plan)
{
	uint64_t blocks = plan->good ? plan->good : plan->blocks;
	uint64_t bytes = plan->stored ? blocks * plan->stored : plan->bytes;
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
	if (request.fixed && step > VERIFY_STEP / drive->mode.block_size + 1)
		step = VERIFY_STEP / drive->mode.block_size + 1;
	while (!scsi_is_aborted(task)) {
		struct read_request part = read_first_blocks(&request, step);
		struct read_plan plan;
		int error = read_plan(drive, &part, drive->object, &plan);
		if (!error)
			error = verify_bytes(drive, &plan);
		if (error == -EIO && request.fixed && part.length > 1) {
			step = part.length / 2;
			continue;
		}
		if (error) {
			read_tell_failure(drive, task, error, request.length);
			return;
		}
		read_advance(drive, &plan, plan.end == READ_FILEMARK, 0);
		request.length -= request.fixed ? plan.good : 0;
		if (plan.end == READ_COMPLETE && request.fixed && request.length)
			continue;
		read_tell_end(drive, task, &request, &plan, request.length);
		if (plan.end != READ_BROKEN)
			return;
	}
}

/* ---- up to filemarks, or the end ------------------------------------------------------------------ */

struct verify_way {
	bool to_end;	/* VTE, else VBF */
	uint32_t marks; /* that are asked for */
	uint32_t done;	/* of them */
	uint64_t step;	/* blocks at once, at most: less where reading more has failed */
	uint32_t fixed; /* bytes that each block has to have; 0: any */
	uint32_t guard_size; /* of which protection information is as many */
};

/* Goes over filemarks; true: that is all. */
static bool verify_marks(struct drive *drive, const struct cartridge_place *place, struct verify_way *way)
{
	uint64_t count = place->count;
	if (!way->to_end && count > way->marks - way->done)
		count = way->marks - way->done;
	way->done += way->to_end ? 0 : (uint32_t)count;
	{
		LOCK_SCOPE(&drive->lu->lock);
		drive->object += count;
		drive->file += count;
		drive->overwrite = DRIVE_OVERWRITE_NONE;
		drive->load.read_filemarks += count;
		drive->life.read_filemarks += count;
	}
	return !way->to_end && way->done == way->marks;
}

/* A piece of a run of blocks; false: it is not right, and the task says so. */
static bool verify_run(struct drive *drive, struct scsi_task *task, const struct cartridge_place *place,
		       struct verify_way *way)
{
	uint64_t count = VERIFY_STEP / place->block_size + 1;
	struct read_plan plan = {.end = READ_COMPLETE, .place = *place, .offset = place->offset};
	bool other = way->fixed && read_plain_size(place) + way->guard_size != way->fixed;
	if (count > place->count)
		count = place->count;
	if (count > way->step)
		count = way->step;
	plan.blocks = other ? 1 : count;
	plan.bytes = plan.blocks * place->block_size;
	int error = verify_bytes(drive, &plan);
	if (error == -EIO && plan.blocks > 1) {
		way->step = plan.blocks / 2;
		return true;
	}
	if (error) {
		read_tell_failure(drive, task, error, way->done);
		return false;
	}
	read_advance(drive, &plan, false, 0);
	if (other)
		read_tell_length(task, way->done);
	return !other;
}

static void verify_far(struct drive *drive, struct scsi_task *task, struct verify_way *way)
{
	while (!scsi_is_aborted(task)) {
		struct cartridge_place place;
		if (cartridge_find(drive->cartridge, drive->partition, drive->object, &place)) {
			read_tell_failure(drive, task, -EIO, way->done);
			return;
		}
		switch (place.kind) {
		case CARTRIDGE_END:
			if (!way->to_end)
				drive_check(task, SENSE_BLANK_CHECK, ASC_END_OF_DATA, false, way->done);
			return;
		case CARTRIDGE_FILEMARKS:
			if (verify_marks(drive, &place, way))
				return;
			break;
		case CARTRIDGE_BLOCKS:
			if (!verify_run(drive, task, &place, way))
				return;
			break;
		}
	}
}

/* ---- the command ---------------------------------------------------------------------------------- */

static bool verify_valid(const struct drive *drive, struct scsi_task *task)
{
	uint8_t how = task->cdb[1];
	if (how & VLBPM && !drive_guards(drive)) {
		scsi_invalid_cdb(task, 1, 4);
		return false;
	}
	if (how & VTE && how & VBF) {
		scsi_invalid_cdb(task, 1, 3);
		return false;
	}
	return true;
}

static void verify_tape(struct drive *drive, struct scsi_task *task, const struct read_request *request)
{
	uint8_t how = task->cdb[1];
	struct verify_way way = {
		.to_end = how & VTE,
		.marks = request->length,
		.step = UINT64_MAX,
		.fixed = request->fixed ? drive->mode.block_size : 0,
		.guard_size = request->guard_size,
	};
	if (!request->length && !way.to_end)
		return;
	drive_set_activity(drive, "verifying");
	if (how & (VTE | VBF))
		verify_far(drive, task, &way);
	else
		verify_blocks(drive, task, *request);
	drive_set_activity(drive, "idle");
}

/* BYTCMP, which would compare with data-out, is not offered. */
static void run_verify(struct scsi_lu *lu, struct scsi_task *task)
{
	struct drive *drive = drive_of(lu);
	struct read_request request = read_request_of(drive, task);
	request.silent = false;
	if (!drive_ready(drive, task) || !read_request_valid(drive, task, &request) ||
	    !verify_valid(drive, task))
		return;
	bool early = task->cdb[1] & IMMED && drive_early(drive, task, ASC_OPERATION_RUNNING);
	int error = drive_drain(drive);
	if (error)
		drive_check_flush(drive, task, error);
	else
		verify_tape(drive, task, &request);
	drive_early_end(drive, task, early);
}

const struct scsi_opcode drive_verify_opcodes[] = {
	{
		.opcode = 0x13, .length = 6, .usage = {0x13, VTE | VLBPM | VBF | IMMED | FIXED, 0xff, 0xff, 0xff}, .timeout = 1200,
		.flags = SCSI_IF_WRITE_EXCLUSIVE,
		.name = "VERIFY(6)", .run = run_verify, .waits = drive_waits,
	},
	{0},
};
