/* SPDX-License-Identifier: MIT */
/*
 * ERASE, FORMAT MEDIUM, SET CAPACITY, ALLOW OVERWRITE: commands that take away
 * what is on the tape, or allow it; and MODE SELECT, which says how.
 *
 * WORM, write protection, a lock in time and the append-only mode hold for all of them.
 */
#include <errno.h>

#include "lib/base/bytes.h"
#include "lib/base/cleanup.h"
#include "lib/base/clock.h"
#include "target/tape/drive_ahead.h"
#include "target/tape/drive_info.h"
#include "target/tape/drive_private.h"
#include "target/tape/drive_ring.h"

/* A tape of less than this is none that a host could use. */
#define CAPACITY_LEAST (1ull << 20)

/* ---- ERASE ----------------------------------------------------------------------------------- */

/* Short and long come to the same: what was there cannot be read any more, and its space is free. */
static void run_erase(struct scsi_lu *lu, struct scsi_task *task)
{
	struct drive *drive = drive_of(lu);
	if (!drive_ready(drive, task) || !drive_may_write(drive, task, 0))
		return;
	bool early = task->cdb[1] & 2 && drive_early(drive, task, ASC_OPERATION_RUNNING);
	drive_set_activity(drive, "erasing");
	if (drive_at_end(drive) || drive_cut(drive, task)) {
		int error = drive_drain(drive);
		if (error)
			drive_check_flush(drive, task, error);
	}
	drive_set_activity(drive, "idle");
	drive_early_end(drive, task, early);
}

/* ---- FORMAT MEDIUM, SET CAPACITY ---------------------------------------------------------------- */

static bool is_empty(const struct drive *drive)
{
	for (unsigned i = 0; i < drive->media.partitions; i++)
		if (drive->end[i].objects)
			return false;
	return true;
}

/* At the beginning of the first partition, and nothing forbids to lose what is there. */
static bool may_format(struct drive *drive, struct scsi_task *task)
{
	if (!drive_ready(drive, task))
		return false;
	if (drive->object || drive->partition) {
		scsi_check(task, SENSE_ILLEGAL_REQUEST, ASC_POSITION_PAST_BEGINNING);
		return false;
	}
	if (drive->write_protected || (drive_is_locked(drive) && !is_empty(drive))) {
		scsi_check(task, SENSE_DATA_PROTECT, ASC_WRITE_PROTECTED);
		return false;
	}
	if (drive->media.worm) {
		scsi_check(task, SENSE_DATA_PROTECT, ASC_WORM_OVERWRITE);
		return false;
	}
	if (drive->mode.append_only && !is_empty(drive) &&
	    drive->overwrite != DRIVE_OVERWRITE_FORMAT) {
		scsi_check(task, SENSE_DATA_PROTECT, ASC_WRITE_APPEND_POSITION);
		return false;
	}
	return drive_writes(drive, task, 0);
}

static int format(struct drive *drive, unsigned partitions, const uint64_t *sizes)
{
	int error = drive_drain(drive);
	if (error)
		return error;
	drive_modify(drive);
	ahead_stop(drive);
	error = cartridge_format(drive->cartridge, partitions, sizes);
	if (error)
		return error;
	pthread_mutex_lock(&drive->lu->lock);
	drive->media = *cartridge_info(drive->cartridge);
	drive->partition = 0;
	drive->object = drive->file = 0;
	drive->overwrite = DRIVE_OVERWRITE_NONE;
	drive->dirty = true;
	drive->info->past.formats++;
	pthread_mutex_unlock(&drive->lu->lock);
	drive_refresh_ends(drive);
	ring_measure(drive);
	return drive_drain(drive);
}

static void format_and_tell(struct drive *drive, struct scsi_task *task, unsigned partitions,
			    const uint64_t *sizes)
{
	bool early = task->cdb[1] & 1 && drive_early(drive, task, ASC_FORMAT_RUNNING);
	drive_set_activity(drive, "formatting");
	int error = format(drive, partitions, sizes);
	drive_set_activity(drive, "idle");
	if (error) {
		drive_fail(drive, error);
		drive_check_flush(drive, task, error);
	}
	drive_early_end(drive, task, early);
}

static void run_format(struct scsi_lu *lu, struct scsi_task *task)
{
	struct drive *drive = drive_of(lu);
	unsigned how = task->cdb[2] & 0x0f;
	if (how > 2) {
		scsi_invalid_cdb(task, 2, 3);
		return;
	}
	if (!may_format(drive, task))
		return;
	uint64_t sizes[CARTRIDGE_PARTITIONS] = {drive_whole_size(drive)};
	unsigned partitions = how ? drive_partitions_wanted(drive, sizes) : 1;
	format_and_tell(drive, task, partitions, sizes);
}

static void run_set_capacity(struct scsi_lu *lu, struct scsi_task *task)
{
	struct drive *drive = drive_of(lu);
	if (!may_format(drive, task))
		return;
	uint64_t native = drive->media.capacity;
	uint16_t proportion = be_get16(task->cdb + 3);
	uint64_t size = proportion == 0xffff ? native : native / 0xffff * proportion;
	if (size < CAPACITY_LEAST)
		size = native < CAPACITY_LEAST ? native : CAPACITY_LEAST;
	format_and_tell(drive, task, 1, &size);
}

/* ---- ALLOW OVERWRITE -------------------------------------------------------------------------------- */

static void run_allow_overwrite(struct scsi_lu *lu, struct scsi_task *task)
{
	struct drive *drive = drive_of(lu);
	unsigned what = task->cdb[2] & 0x0f;
	if (what > 2) {
		scsi_invalid_cdb(task, 2, 3);
		return;
	}
	if (!drive_ready(drive, task))
		return;
	if (!drive->mode.append_only) {
		scsi_invalid_cdb(task, 2, 3);
		return;
	}
	uint64_t object = be_get64(task->cdb + 4);
	if (what == 1 && (task->cdb[3] != drive->partition || object != drive->object)) {
		scsi_check(task, SENSE_ILLEGAL_REQUEST, ASC_SEQUENTIAL_POSITIONING_ERROR);
		return;
	}
	LOCK_SCOPE(&lu->lock);
	drive->overwrite = what == 1   ? DRIVE_OVERWRITE_HERE
			   : what == 2 ? DRIVE_OVERWRITE_FORMAT
				       : DRIVE_OVERWRITE_NONE;
	drive->overwrite_object = object;
}

/* ---- MODE SELECT ------------------------------------------------------------------------------------ */

/* What was written under the old parameters is on the tape before the new ones hold. */
static void run_mode_select(struct scsi_lu *lu, struct scsi_task *task)
{
	struct drive *drive = drive_of(lu);
	int error = drive->dirty ? drive_drain(drive) : 0;
	if (error)
		drive_check_flush(drive, task, error);
	else
		scsi_mode_select(lu, task);
}

const struct scsi_opcode drive_medium_opcodes[] = {
	{
		.opcode = 0x04, .length = 6, .usage = {0x04, 0x03, 0x0f, 0xff, 0xff}, .timeout = 7200,
		.name = "FORMAT MEDIUM", .run = run_format, .waits = drive_waits,
	},
	{
		.opcode = 0x0b, .length = 6, .usage = {0x0b, 0x01, 0, 0xff, 0xff}, .timeout = 7200,
		.name = "SET CAPACITY", .run = run_set_capacity, .waits = drive_waits,
	},
	{
		.opcode = 0x15, .length = 6, .usage = {0x15, 0x10, 0, 0, 0xff}, .timeout = 1200,
		.name = "MODE SELECT(6)", .run = run_mode_select, .waits = drive_waits_drain,
	},
	{
		.opcode = 0x19, .length = 6, .usage = {0x19, 0x07}, .timeout = 7200,
		.name = "ERASE(6)", .run = run_erase, .waits = drive_waits,
	},
	{
		.opcode = 0x55, .length = 10, .usage = {0x55, 0x10, 0, 0, 0, 0, 0, 0xff, 0xff},
		.timeout = 1200,
		.name = "MODE SELECT(10)", .run = run_mode_select, .waits = drive_waits_drain,
	},
	{
		.opcode = 0x82, .length = 16,
		.usage = {0x82, 0, 0x0f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff},
		.timeout = 60,
		.name = "ALLOW OVERWRITE", .run = run_allow_overwrite,
	},
	{0},
};
