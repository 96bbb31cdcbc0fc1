/* SPDX-License-Identifier: MIT */
/*
 * What the commands of a drive have in common: is it ready, may it write, where
 * does the tape end, what becomes of a flush that failed.
 *
 * A failed flush loses what was in the ring. The writer is told, by the sense of
 * its command that waited or else by a deferred error, whoever had the ring
 * emptied and whatever became of that command. The drive writes no more until
 * another load, WRITE FILEMARKS fails until then, and the position is where the
 * cartridge really ends: reading shows what is there and nothing else.
 */
#include <errno.h>
#include <string.h>

#include "lib/base/assert.h"
#include "lib/base/cleanup.h"
#include "lib/base/clock.h"
#include "lib/base/log.h"
#include "target/tape/drive_ahead.h"
#include "target/tape/drive_private.h"
#include "target/tape/drive_ring.h"

void drive_check(struct scsi_task *task, enum sense_key key, enum sense_code code, bool eom,
		 int64_t information)
{
	scsi_check_sense(task, &(struct sense){
				       .key = key,
				       .code = (uint16_t)code,
				       .eom = eom,
				       .filemark = code == ASC_FILEMARK,
				       .information_valid = true,
				       .information = information,
			       });
}

/* ---- failures -------------------------------------------------------------------------------- */

/* What is lost, in what INFORMATION counts: blocks of a fixed size, or bytes. */
static int64_t lost_units(struct drive *drive)
{
	struct ring_loss loss = ring_loss(drive);
	LOCK_SCOPE(&drive->lu->lock);
	if (!loss.objects) { /* the commit has failed: nothing since the last one is safe */
		loss.objects = drive->pending_objects;
		loss.bytes = drive->pending_bytes;
	}
	return (int64_t)(drive->mode.block_size || !loss.bytes ? loss.objects : loss.bytes);
}

/* An overflow that is not deferred would say that all before the command is on the tape. */
static struct sense flush_sense(struct drive *drive, int error)
{
	bool full = error == -ENOSPC || error == -EDQUOT;
	int64_t lost = full ? lost_units(drive) : 0;
	return (struct sense){
		.key = full ? SENSE_VOLUME_OVERFLOW : SENSE_MEDIUM_ERROR,
		.code = full ? ASC_END_OF_MEDIUM : ASC_WRITE_ERROR,
		.eom = full,
		.deferred = lost,
		.information_valid = lost,
		.information = lost,
	};
}

static void note_flush(struct drive *drive, const struct scsi_task *task, const struct sense *sense, int error)
{
	char barcode[CARTRIDGE_BARCODE_MAX + 1];
	ring_barcode(drive, barcode);
	drive_note_error(drive, task, sense);
	log_error("drive %s: writing to cartridge %s: %s", drive->settings.identity.serial, barcode,
		  strerror(-error));
}

static const struct scsi_nexus *writer_of(struct drive *drive)
{
	LOCK_SCOPE(&drive->lu->lock);
	return drive->writer;
}

bool drive_is_writer(struct drive *drive, const struct scsi_nexus *nexus)
{
	LOCK_SCOPE(&drive->lu->lock);
	return !drive->dirty || drive->writer == nexus;
}

void drive_set_writer(struct drive *drive, const struct scsi_nexus *nexus)
{
	LOCK_SCOPE(&drive->lu->lock);
	drive->writer = scsi_nexus_is_closing_locked(nexus) ? NULL : nexus;
}

void drive_defer(struct drive *drive, int error)
{
	struct sense sense = flush_sense(drive, error);
	sense.deferred = true;
	sense.information_valid = true;
	sense.information = lost_units(drive);
	note_flush(drive, NULL, &sense, error);
	scsi_deferred(drive->lu, writer_of(drive), &sense);
}

void drive_tell_flush(struct drive *drive, int error)
{
	if (!drive->untold)
		return;
	drive->untold = false;
	drive_defer(drive, error);
}

void drive_check_flush(struct drive *drive, struct scsi_task *task, int error)
{
	struct sense sense = flush_sense(drive, error);
	const struct scsi_nexus *writer = writer_of(drive);
	if (writer && writer != task->nexus)
		drive_tell_flush(drive, error);
	else
		note_flush(drive, task, &sense, error);
	drive->untold = false;
	scsi_check_earlier(task, &sense);
}

void drive_set_preparing(struct drive *drive, enum sense_code code)
{
	LOCK_SCOPE(&drive->lu->lock);
	drive->preparing = code;
}

bool drive_early(struct drive *drive, struct scsi_task *task, enum sense_code code)
{
	drive_set_preparing(drive, code);
	return scsi_finish_early(task);
}

void drive_early_end(struct drive *drive, struct scsi_task *task, bool early)
{
	drive_set_preparing(drive, ASC_NONE);
	if (early && task->status == SCSI_CHECK_CONDITION)
		scsi_deferred(drive->lu, task->nexus, &task->sense);
}

void drive_refresh_ends(struct drive *drive)
{
	LOCK_SCOPE(&drive->lu->lock);
	for (unsigned i = 0; i < CARTRIDGE_PARTITIONS; i++)
		drive->end[i] = i < drive->media.partitions ? cartridge_extent(drive->cartridge, i)
							    : (struct cartridge_extent){0};
}

void drive_fail(struct drive *drive, int error)
{
	if (drive->failure)
		return;
	drive_refresh_ends(drive);
	struct ring_loss loss = ring_loss(drive);
	LOCK_SCOPE(&drive->lu->lock);
	const struct cartridge_extent *end = &drive->end[drive->partition];
	drive->failure = error;
	drive->untold = drive->pending_objects && !loss.told;
	drive->dirty = false;
	if (drive->object > end->objects) {
		drive->object = end->objects;
		drive->file = end->filemarks;
	}
	drive->load.write_errors++;
	drive->life.write_errors++;
	if (error != -ENOSPC && error != -EDQUOT) {
		drive_alert_locked(drive, DRIVE_ALERT_HARD_ERROR);
		drive_alert_locked(drive, DRIVE_ALERT_WRITE_FAILURE);
	}
}

int drive_drain(struct drive *drive)
{
	int error = ring_finish(drive);
	if (error && !drive->failure) {
		drive_fail(drive, error);
		return error;
	}
	if (error || !drive->dirty)
		return 0; /* it has been told, or there is nothing to do */
	drive_set_activity(drive, "flushing");
	error = cartridge_sync(drive->cartridge);
	if (error) {
		drive_fail(drive, error);
	} else {
		LOCK_SCOPE(&drive->lu->lock);
		drive->dirty = false;
		drive->pending_objects = drive->pending_bytes = 0;
		drive->load.flushes++;
		drive->life.flushes++;
	}
	ring_measure(drive);
	drive_set_activity(drive, "idle");
	return error;
}

bool drive_waits_drain(struct scsi_lu *lu, const struct scsi_task *task)
{
	(void)task;
	return drive_of(lu)->dirty;
}

bool drive_waits(struct scsi_lu *lu, const struct scsi_task *task)
{
	(void)lu;
	(void)task;
	return true;
}

bool drive_ready(struct drive *drive, struct scsi_task *task)
{
	pthread_mutex_lock(&drive->lu->lock);
	enum sense_code code = drive_not_ready_locked(drive);
	pthread_mutex_unlock(&drive->lu->lock);
	if (code) {
		scsi_check(task, SENSE_NOT_READY, code);
		return false;
	}
	int error = drive->dirty ? ring_error(drive) : 0;
	if (error)
		drive_fail(drive, error); /* the writer has its deferred error */
	return true;
}

/* ---- where it is, where it ends ----------------------------------------------------------- */

uint64_t drive_partition_size(const struct drive *drive, unsigned partition)
{
	return partition < drive->media.partitions ? drive->media.partition_size[partition] : 0;
}

uint64_t drive_whole_size(const struct drive *drive)
{
	uint64_t size = 0;
	for (unsigned i = 0; i < drive->media.partitions; i++)
		size += drive->media.partition_size[i];
	return size;
}

uint64_t drive_warning_at(const struct drive *drive, unsigned partition)
{
	uint64_t size = drive_partition_size(drive, partition);
	uint64_t zone = size / 50;
	return size - (zone < DRIVE_WARNING_MAX ? zone : DRIVE_WARNING_MAX);
}

uint64_t drive_used(const struct drive *drive, unsigned partition)
{
	const struct cartridge_extent *end = &drive->end[partition];
	return end->bytes + end->filemarks * DRIVE_FILEMARK_SIZE;
}

uint64_t drive_offset(const struct drive *drive)
{
	struct cartridge_place place;
	if (drive_at_end(drive) ||
	    cartridge_find(drive->cartridge, drive->partition, drive->object, &place))
		return drive_used(drive, drive->partition);
	return place.offset + place.filemarks * DRIVE_FILEMARK_SIZE;
}

void drive_set_position(struct drive *drive, unsigned partition, uint64_t object, uint64_t file)
{
	LOCK_SCOPE(&drive->lu->lock);
	drive->partition = partition;
	drive->object = object;
	drive->file = file;
	drive->overwrite = DRIVE_OVERWRITE_NONE;
}

/* ---- permission to write -------------------------------------------------------------------- */

static bool refuse(struct drive *drive, struct scsi_task *task, enum sense_code code,
		   enum drive_alert alert, int64_t information)
{
	pthread_mutex_lock(&drive->lu->lock);
	if (alert)
		drive_alert_locked(drive, alert);
	pthread_mutex_unlock(&drive->lu->lock);
	drive_check(task, SENSE_DATA_PROTECT, code, false, information);
	return false;
}

/* WORM: filemarks that the tape ends with may be overwritten, nothing else. */
static bool only_filemarks_follow(const struct drive *drive)
{
	const struct cartridge_extent *end = &drive->end[drive->partition];
	return end->objects - drive->object == end->filemarks - drive->file;
}

bool drive_is_locked(const struct drive *drive)
{
	return drive->media.locked_until > clock_real_ns() / 1000000000;
}

bool drive_writes(const struct drive *drive, struct scsi_task *task, int64_t information)
{
	if (!drive->failure)
		return true;
	drive_check(task, SENSE_MEDIUM_ERROR, ASC_WRITE_ERROR, false, information);
	return false;
}

bool drive_may_write(struct drive *drive, struct scsi_task *task, int64_t information)
{
	if (!drive_writes(drive, task, information))
		return false;
	if (drive->write_protected)
		return refuse(drive, task, ASC_WRITE_PROTECTED, DRIVE_ALERT_WRITE_PROTECT, information);
	if (drive_at_end(drive))
		return true;
	if (drive->media.worm && !only_filemarks_follow(drive))
		return refuse(drive, task, ASC_WORM_OVERWRITE, DRIVE_ALERT_WORM_OVERWRITE, information);
	if (drive_is_locked(drive))
		return refuse(drive, task, ASC_WRITE_PROTECTED, 0, information);
	if (drive->mode.append_only && !only_filemarks_follow(drive) &&
	    !(drive->overwrite == DRIVE_OVERWRITE_HERE && drive->overwrite_object == drive->object))
		return refuse(drive, task, ASC_WRITE_APPEND_POSITION, 0, information);
	return true;
}

void drive_modify(struct drive *drive)
{
	if (drive->modified)
		return;
	drive_info_modifying(drive);
	LOCK_SCOPE(&drive->lu->lock);
	drive->modified = true;
}

bool drive_cut(struct drive *drive, struct scsi_task *task)
{
	int error = drive_drain(drive);
	if (!error) {
		drive_modify(drive);
		ahead_stop(drive);
		error = cartridge_truncate(drive->cartridge, drive->partition, drive->object);
	}
	if (error == -EPERM) {
		scsi_check(task, SENSE_DATA_PROTECT, ASC_WRITE_PROTECTED);
		return false;
	}
	if (error) {
		drive_fail(drive, error);
		drive_check_flush(drive, task, error);
		return false;
	}
	drive_refresh_ends(drive);
	ring_measure(drive);
	LOCK_SCOPE(&drive->lu->lock);
	drive->dirty = true;
	drive->overwrite = DRIVE_OVERWRITE_NONE;
	return true;
}
