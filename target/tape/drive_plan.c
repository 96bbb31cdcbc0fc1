/* SPDX-License-Identifier: MIT */
/*
 * What a READ or VERIFY will do, from the cartridge's index alone: how many blocks, which bytes, and
 * what ends it early (a filemark, the end of data, a block of another length).
 */
#include <errno.h>

#include "lib/base/bytes.h"
#include "target/tape/drive_read.h"

struct read_request read_request_of(struct drive *drive, const struct scsi_task *task)
{
	enum guard_method guard = drive_guard_of(drive, task->nexus).read;
	return (struct read_request){
		.fixed = task->cdb[1] & 1,
		.silent = task->cdb[1] & 2,
		.length = be_get24(task->cdb + 2),
		.guard = guard,
		.guard_size = guard ? GUARD_SIZE : 0,
	};
}

uint32_t read_plain_size(const struct cartridge_place *place)
{
	if (!(place->flags & CARTRIDGE_ENCRYPTED))
		return place->block_size;
	return place->block_size > DRIVE_SEAL_SIZE ? place->block_size - DRIVE_SEAL_SIZE : 0;
}

static void plan_start(struct read_plan *plan, const struct cartridge_place *place)
{
	plan->place = *place;
	plan->offset = place->offset;
	plan->size = read_plain_size(place);
	plan->stored = place->flags & CARTRIDGE_ENCRYPTED ? place->block_size : 0;
}

static void plan_variable(const struct read_request *request, const struct cartridge_place *place,
			  struct read_plan *plan)
{
	plan_start(plan, place);
	plan->actual = plan->size + request->guard_size;
	plan->blocks = 1;
	plan->give = plan->actual < request->length ? plan->actual : request->length;
	plan->bytes = plan->size;
	if (!plan->stored && plan->bytes > plan->give)
		plan->bytes = plan->give;
	plan->end = plan->actual == request->length ? READ_COMPLETE : READ_LENGTH;
}

/* Adds the run to a plan in fixed blocks; true: it goes on after it. */
static bool plan_run(struct read_plan *plan, const struct cartridge_place *place, uint32_t block_size,
		     const struct read_request *request)
{
	uint32_t size = read_plain_size(place), length = request->length;
	uint32_t stored = place->flags & CARTRIDGE_ENCRYPTED ? place->block_size : 0;
	if (size + request->guard_size != block_size) {
		plan->end = READ_LENGTH;
		plan->actual = size + request->guard_size;
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
	plan->bytes = (uint64_t)plan->good * size;
	plan->give = (uint64_t)plan->good * block_size;
	plan->end = READ_COMPLETE;
	return plan->good < length;
}

int read_plan(const struct drive *drive, const struct read_request *request, uint64_t object,
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
		if (!plan_run(plan, &place, drive->mode.block_size, request))
			return 0;
	}
}

bool read_request_valid(const struct drive *drive, struct scsi_task *task,
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

struct read_request read_first_blocks(const struct read_request *request, uint32_t step)
{
	struct read_request part = *request;
	if (part.fixed && part.length > step)
		part.length = step;
	return part;
}
