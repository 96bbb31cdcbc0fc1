/* SPDX-License-Identifier: MIT */
/*
 * WRITE ATTRIBUTE (SPC-5 6.56): all of a list or nothing of it. The list is checked whole first:
 * ascending, each attribute known, a host's, of its length and format; and there must be room.
 *
 * What was written is durable when GOOD is answered: the memory of a cartridge does not wait for
 * a filemark.
 */
#include "target/tape/drive_mam.h"

#include <errno.h>

#include "lib/base/bytes.h"

struct entry {
	uint16_t id, length;
	uint8_t format;
	const uint8_t *value;
	size_t at; /* in the parameter list */
	const struct mam_row *row;
};

/* The next one of the list; false at its end. What does not fit is 1Ah/00h, `task` is set then. */
static bool entry_next(struct scsi_task *task, const uint8_t *data, size_t size, size_t *at,
		       struct entry *entry)
{
	if (*at == size)
		return false;
	if (size - *at < 5 || size - *at - 5 < be_get16(data + *at + 3)) {
		scsi_check(task, SENSE_ILLEGAL_REQUEST, ASC_PARAMETER_LIST_LENGTH);
		return false;
	}
	*entry = (struct entry){
		.id = be_get16(data + *at),
		.format = data[*at + 2] & 3,
		.length = be_get16(data + *at + 3),
		.value = data + *at + 5,
		.at = *at,
		.row = mam_find(be_get16(data + *at)),
	};
	*at += 5u + entry->length;
	return true;
}

/* The offset of what is wrong, in the entry; 0 when nothing is (the id is named as byte 0 of it, so
 * the answer is that plus one). */
static unsigned entry_wrong(const struct entry *entry, int32_t previous)
{
	const struct mam_row *row = entry->row;
	if (!row || !(row->flags & MAM_HOST) || entry->id <= previous)
		return 1;
	bool vendor = row->id == MAM_HOST_VENDOR;
	if (entry->format == 3 || (!vendor && entry->length && entry->format != row->format))
		return 1 + 2;
	if (entry->length == 0)
		return 0;
	if (entry->length > row->length || (!(row->flags & MAM_VARIABLE) && entry->length != row->length))
		return 1 + 3;
	return 0;
}

/* Bytes that the cartridge's memory would hold after the list. */
static size_t entry_growth(const struct drive *drive, unsigned partition, const struct entry *entry,
			   size_t *freed)
{
	struct cartridge_attribute kept;
	if (!cartridge_attribute(drive->cartridge, partition, entry->id, &kept))
		*freed += kept.length + MAM_ENTRY_SIZE;
	return entry->length ? entry->length + MAM_ENTRY_SIZE : 0;
}

/* False: the sense is set, or there is nothing to do. */
static bool list_check(struct drive *drive, struct scsi_task *task, const uint8_t *data, size_t size,
		       unsigned partition)
{
	struct entry entry;
	struct cartridge_attribute kept;
	size_t at = 4, grown = mam_used(drive), freed = 0;
	int32_t previous = -1;
	bool locked = drive_is_locked(drive);
	while (entry_next(task, data, size, &at, &entry)) {
		unsigned wrong = entry_wrong(&entry, previous);
		if (wrong) {
			scsi_invalid_parameter(task, (unsigned)entry.at + wrong - 1, 8);
			return false;
		}
		if (locked && !cartridge_attribute(drive->cartridge, partition, entry.id, &kept)) {
			scsi_check(task, SENSE_DATA_PROTECT, ASC_WRITE_PROTECTED);
			return false;
		}
		previous = entry.id;
		grown += entry_growth(drive, partition, &entry, &freed);
	}
	if (task->status != SCSI_GOOD)
		return false;
	if (grown - freed > MAM_CAPACITY) {
		scsi_check(task, SENSE_ILLEGAL_REQUEST, ASC_MEMORY_OUT_OF_SPACE);
		return false;
	}
	return true;
}

/* No memory for an attribute is the task's end, and none of the tape's. */
static int list_write(struct drive *drive, struct scsi_task *task, const uint8_t *data, size_t size,
		      unsigned partition)
{
	struct entry entry;
	size_t at = 4;
	while (entry_next(task, data, size, &at, &entry)) {
		struct cartridge_attribute attribute = {
			.id = entry.id, .format = entry.format, .length = entry.length, .value = entry.value};
		int err = cartridge_set_attribute(drive->cartridge, partition, &attribute);
		if (err == -ENOMEM) {
			scsi_check(task, SENSE_ABORTED, ASC_INSUFFICIENT_RESOURCES);
			return 0;
		}
		if (err && !(err == -ENOENT && entry.length == 0))
			return err;
	}
	int err = cartridge_sync(drive->cartridge);
	return !err && cartridge_memory_waits(drive->cartridge) ? -ENOSPC : err;
}

static void write_failed(struct drive *drive, struct scsi_task *task, int err)
{
	if (err == -ENOSPC) {
		scsi_check(task, SENSE_ILLEGAL_REQUEST, ASC_MEMORY_OUT_OF_SPACE);
	} else if (err == -EROFS) {
		scsi_check(task, SENSE_DATA_PROTECT, ASC_WRITE_PROTECTED);
	} else {
		drive_fail(drive, err);
		drive_check_flush(drive, task, err);
	}
}

void mam_run_write(struct scsi_lu *lu, struct scsi_task *task)
{
	struct drive *drive = drive_of(lu);
	uint32_t length = be_get32(task->cdb + 10);
	unsigned partition;
	if (!mam_addressed(drive, task, &partition))
		return;
	task->out_wanted = length;
	if (length == 0)
		return;
	if (length < 4) {
		scsi_check(task, SENSE_ILLEGAL_REQUEST, ASC_PARAMETER_LIST_LENGTH);
		return;
	}
	const uint8_t *data = scsi_parameters(task, length);
	if (!data)
		return;
	if (drive->write_protected) {
		scsi_check(task, SENSE_DATA_PROTECT, ASC_WRITE_PROTECTED);
		return;
	}
	/* PARAMETER DATA LENGTH can make the list shorter, not longer: the standard has it ignored, and
	 * LTFS counts its own four bytes in. */
	size_t size = length;
	if (be_get32(data) < length - 4)
		size = 4 + (size_t)be_get32(data);
	if (!list_check(drive, task, data, size, partition))
		return;
	int err = list_write(drive, task, data, size, partition);
	if (err)
		write_failed(drive, task, err);
}
