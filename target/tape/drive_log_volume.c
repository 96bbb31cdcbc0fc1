/* SPDX-License-Identifier: MIT */
/*
 * Log page 17h, volume statistics (SSC-5 8.3.5): the cartridge in the drive, its life and this
 * load. Without one only parameter 0000h is there and says that nothing is valid.
 */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "lib/base/bytes.h"
#include "lib/base/cleanup.h"
#include "target/tape/drive_log.h"

#define MEGABYTE UINT64_C(1000000)

/* A partition record: its length after this byte, reserved, number, value in MB. */
#define RECORD_SIZE 8u

static void add_partitions(struct scsi_log *log, const struct drive *drive, uint16_t code,
			   uint64_t (*value)(const struct drive *drive, unsigned partition))
{
	unsigned count = drive->media.partitions;
	uint8_t *at = scsi_log_add(log, code, LOG_BINARY, (uint8_t)(count * RECORD_SIZE));
	for (unsigned i = 0; at && i < count; i++, at += RECORD_SIZE) {
		at[0] = RECORD_SIZE - 1;
		be_put16(at + 2, (uint16_t)i);
		be_put32(at + 4, (uint32_t)(value(drive, i) / MEGABYTE));
	}
}

static void add_life(struct scsi_log *log, const struct drive *drive, const struct volume_totals *totals)
{
	scsi_log_number(log, 0x0001, LOG_COUNTER, 4, drive->info->loads);
	scsi_log_number(log, 0x0002, LOG_COUNTER, 8, totals->written_blocks);
	scsi_log_number(log, 0x0003, LOG_COUNTER, 4, 0); /* retries: nothing is tried twice */
	scsi_log_number(log, 0x0004, LOG_COUNTER, 2, totals->write_errors);
	scsi_log_number(log, 0x0005, LOG_COUNTER, 2, 0);
	scsi_log_number(log, 0x0006, LOG_COUNTER, 2, 0);
	scsi_log_number(log, 0x0007, LOG_COUNTER, 8, totals->read_blocks);
	scsi_log_number(log, 0x0008, LOG_COUNTER, 4, 0);
	scsi_log_number(log, 0x0009, LOG_COUNTER, 2, totals->read_errors);
	scsi_log_number(log, 0x000c, LOG_COUNTER, 2, drive->load.write_errors);
	scsi_log_number(log, 0x000d, LOG_COUNTER, 2, drive->load.read_errors);
	scsi_log_number(log, 0x000e, LOG_COUNTER, 4, drive->load.written_bytes / MEGABYTE);
	scsi_log_number(log, 0x000f, LOG_COUNTER, 4, drive->load.read_bytes / MEGABYTE);
	scsi_log_number(log, 0x0010, LOG_COUNTER, 8, totals->written_bytes / MEGABYTE);
	scsi_log_number(log, 0x0011, LOG_COUNTER, 8, totals->read_bytes / MEGABYTE);
	scsi_log_number(log, 0x0012, LOG_COUNTER, 2, 100); /* compression ratios times 100 */
	scsi_log_number(log, 0x0013, LOG_COUNTER, 2, 100);
}

static uint64_t used_bytes(const struct drive *drive)
{
	uint64_t used = 0;
	for (unsigned i = 0; i < drive->media.partitions; i++)
		used += drive_used(drive, i);
	return used;
}

static void add_identity(struct scsi_log *log, const struct drive *drive)
{
	char text[33], date[32] = "";
	time_t created = (time_t)drive->media.created;
	struct tm tm;
	for (unsigned i = 0; i < 16; i++)
		snprintf(text + 2 * i, 3, "%02X", drive->media.uuid[i]);
	if (gmtime_r(&created, &tm))
		strftime(date, sizeof(date), "%Y%m%d", &tm);
	scsi_log_text(log, 0x0040, 32, text);
	scsi_log_text(log, 0x0042, 32, drive->media.barcode);
	scsi_log_text(log, 0x0043, 8, "GRANARY");
	scsi_log_text(log, 0x0044, 4, drive->medium->density_name);
	scsi_log_text(log, 0x0045, 9, drive->medium->description);
	scsi_log_text(log, 0x0046, 8, date);
}

void log_build_volume(struct scsi_lu *lu, struct scsi_log *log)
{
	const struct drive *drive = drive_of(lu);
	bool valid = drive->phase == DRIVE_LOADED;
	scsi_log_number(log, 0x0000, LOG_COUNTER, 1, valid);
	if (!valid)
		return;
	LOCK_SCOPE(&lu->lock);
	struct volume_totals totals = drive_volume_totals(drive);
	add_life(log, drive, &totals);
	scsi_log_number(log, 0x0016, LOG_COUNTER, 4, drive->media.capacity / MEGABYTE);
	scsi_log_number(log, 0x0017, LOG_COUNTER, 4, used_bytes(drive) / MEGABYTE);
	add_identity(log, drive);
	scsi_log_number(log, 0x0080, LOG_COUNTER, 1, drive->write_protected);
	scsi_log_number(log, 0x0081, LOG_COUNTER, 1, drive->media.worm);
	scsi_log_number(log, 0x0100, LOG_COUNTER, 4, totals.write_mounts);
	add_partitions(log, drive, 0x0202, drive_partition_size);
	add_partitions(log, drive, 0x0203, drive_used);
	add_partitions(log, drive, 0x0204, drive_remaining);
}
