/* SPDX-License-Identifier: MIT */
/*
 * What a drive keeps for its pages, from load to unload: counts of the cartridge's life that
 * were in its MAM, what has happened since, and when it goes back there.
 *
 * The MAM is read once, at load; pages add what the drive has counted since. It is written at
 * load (count, who loaded it), before the first change (volume change reference) and at unload.
 * A cartridge that cannot be written to keeps what it has.
 */
#include "target/tape/drive_info.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/assert.h"
#include "lib/base/bytes.h"
#include "lib/base/cleanup.h"
#include "lib/base/clock.h"
#include "lib/base/log.h"
#include "lib/base/mem.h"
#include "target/scsi/alerts.h"
#include "target/tape/drive_mam.h"

#define NS_PER_HOUR  UINT64_C(3600000000000)
#define TOTALS_COUNT (sizeof(struct volume_totals) / sizeof(uint64_t))

bool drive_is_ibm(const struct drive *drive)
{
	return strcmp(drive->settings.identity.vendor, "IBM") == 0;
}

void drive_put_alerts(uint8_t bytes[8], uint64_t alerts)
{
	memset(bytes, 0, 8);
	for (unsigned flag = 0; flag < 64; flag++)
		if (alerts >> flag & 1)
			bytes[flag / 8] |= (uint8_t)(0x80 >> flag % 8);
}

void drive_alert_locked(struct drive *drive, enum drive_alert flag)
{
	drive_alerts_raise_locked(drive, scsi_alert(flag));
}

void drive_alerts_raise_locked(struct drive *drive, uint64_t flags)
{
	scsi_alerts_raise_locked(drive->lu, flags);
	drive->info->raised_alerts |= flags;
}

uint32_t drive_hours(const struct drive *drive)
{
	return (uint32_t)((clock_monotonic_ns() - drive->info->made_ns) / NS_PER_HOUR);
}

uint64_t drive_remaining(const struct drive *drive, unsigned partition)
{
	uint64_t size = drive_partition_size(drive, partition);
	uint64_t used = drive_used(drive, partition);
	return used < size ? size - used : 0;
}

struct volume_totals drive_volume_totals(const struct drive *drive)
{
	struct volume_totals totals = drive->info->past;
	totals.written_bytes += drive->load.written_bytes;
	totals.read_bytes += drive->load.read_bytes;
	totals.written_blocks += drive->load.written_blocks;
	totals.read_blocks += drive->load.read_blocks;
	totals.write_errors += drive->load.write_errors;
	totals.read_errors += drive->load.read_errors;
	totals.write_mounts += drive->modified;
	return totals;
}

/* ---- the MAM ---------------------------------------------------------------------------- */

static uint64_t mam_number(const struct cartridge *cartridge, uint16_t id, uint64_t missing)
{
	struct cartridge_attribute attribute;
	if (cartridge_attribute(cartridge, 0, id, &attribute) || attribute.length > 8)
		return missing;
	uint64_t value = 0;
	for (unsigned i = 0; i < attribute.length; i++)
		value = value << 8 | attribute.value[i];
	return value;
}

/* A failure costs a count, not data: it is said once in the log. */
static void mam_put(struct drive *drive, uint16_t id, uint8_t format, const uint8_t *value, size_t size)
{
	struct cartridge_attribute attribute = {
		.id = id, .format = format, .length = (uint16_t)size, .value = value};
	int err = cartridge_set_attribute(drive->cartridge, 0, &attribute);
	if (err && err != -EROFS)
		log_warning("%s: attribute %04x of the tape's memory was not written: %s",
			    drive->media.barcode, id, strerror(-err));
}

static void mam_put_number(struct drive *drive, uint16_t id, uint64_t number, size_t size)
{
	uint8_t value[8];
	be_put64(value, number);
	mam_put(drive, id, 0, value + 8 - size, size);
}

static void totals_read(const struct cartridge *cartridge, struct volume_totals *totals)
{
	uint64_t numbers[TOTALS_COUNT] = {0};
	struct cartridge_attribute attribute;
	if (!cartridge_attribute(cartridge, 0, MAM_TOTALS, &attribute))
		for (size_t i = 0; i < TOTALS_COUNT && 8 * (i + 1) <= attribute.length; i++)
			numbers[i] = be_get64(attribute.value + 8 * i);
	memcpy(totals, numbers, sizeof(*totals));
}

static void totals_write(struct drive *drive)
{
	struct volume_totals totals = drive_volume_totals(drive);
	uint64_t numbers[TOTALS_COUNT];
	uint8_t value[sizeof(numbers)];
	totals.last_written = drive->load.written_bytes;
	totals.last_read = drive->load.read_bytes;
	memcpy(numbers, &totals, sizeof(numbers));
	for (size_t i = 0; i < TOTALS_COUNT; i++)
		be_put64(value + 8 * i, numbers[i]);
	mam_put(drive, MAM_TOTALS, 0, value, sizeof(value));
}

/* The four drives that had it last: this one first, the others move on. */
static void mam_put_drives(struct drive *drive)
{
	struct cartridge_attribute attribute;
	uint8_t value[MAM_DRIVE_SIZE];
	for (uint16_t id = MAM_LAST_DRIVE + 3; id > MAM_LAST_DRIVE; id--) {
		if (cartridge_attribute(drive->cartridge, 0, (uint16_t)(id - 1), &attribute) ||
		    attribute.length != sizeof(value))
			continue;
		memcpy(value, attribute.value, sizeof(value));
		mam_put(drive, id, 1, value, sizeof(value));
	}
	ascii_put(value, 8, drive->settings.identity.vendor);
	ascii_put(value + 8, sizeof(value) - 8, drive->settings.identity.serial);
	mam_put(drive, MAM_LAST_DRIVE, 1, value, sizeof(value));
}

/* ---- from load to unload ------------------------------------------------------------------ */

int drive_info_new(struct drive *drive)
{
	struct drive_info *info = mem_try_zalloc(1, sizeof(*info));
	if (!info)
		return -ENOMEM;
	info->made_ns = clock_monotonic_ns();
	if (drive->settings.encryption) {
		int err = crypt_new(&info->crypt);
		if (err) {
			free(info);
			return err;
		}
	}
	drive->mode.compression = true;
	drive->info = info;
	return 0;
}

void drive_info_free(struct drive *drive)
{
	if (!drive->info)
		return;
	crypt_free(&drive->info->crypt);
	free(drive->info);
	drive->info = NULL;
}

void drive_info_loaded(struct drive *drive)
{
	struct drive_info *info = drive->info;
	struct volume_totals totals;
	uint64_t loads = mam_number(drive->cartridge, MAM_LOAD_COUNT, 0) + 1;
	totals_read(drive->cartridge, &totals);
	mam_put_number(drive, MAM_LOAD_COUNT, loads, 8);
	mam_put_drives(drive);
	if (mam_number(drive->cartridge, MAM_CHANGE_REFERENCE, 0) == 0)
		mam_put_number(drive, MAM_CHANGE_REFERENCE, 1, 4);

	struct cartridge_attribute attribute;
	if (cartridge_attribute(drive->cartridge, 0, MAM_ALERTS, &attribute))
		mam_put_number(drive, MAM_ALERTS, 0, 8);

	LOCK_SCOPE(&drive->lu->lock);
	info->loads = loads;
	info->past = totals;
	info->partitions_asked = false;
	/* Flags of the tape before do not stick to this one. */
	info->raised_alerts = 0;
	scsi_alerts_lower_locked(drive->lu, SCSI_ALERTS_ALL);
	if (drive->access == MEDIUM_READ)
		drive_alert_locked(drive, DRIVE_ALERT_READ_ONLY_FORMAT);
}

void drive_info_modifying(struct drive *drive)
{
	uint32_t reference = (uint32_t)mam_number(drive->cartridge, MAM_CHANGE_REFERENCE, 0) + 1;
	/* 0 means none, all ones that it is unknown (SPC-5, VOLUME CHANGE REFERENCE). */
	if (reference == 0 || reference == UINT32_MAX)
		reference = 1;
	mam_put_number(drive, MAM_CHANGE_REFERENCE, reference, 4);
}

void drive_info_unloading(struct drive *drive)
{
	totals_write(drive);
	uint8_t alerts[8];
	{
		LOCK_SCOPE(&drive->lu->lock);
		drive_put_alerts(alerts, drive->info->raised_alerts);
	}
	mam_put(drive, MAM_ALERTS, 0, alerts, sizeof(alerts));
	if (drive->info->crypt)
		crypt_unloaded(drive->info->crypt);
}

void drive_info_reset(struct drive *drive, enum scsi_reset kind)
{
	(void)kind; /* a reset of any kind brings the defaults back (SSC-5, hard reset and LU reset) */
	if (drive->info->crypt)
		crypt_reset(drive);
	LOCK_SCOPE(&drive->lu->lock);
	drive->info->partitions_asked = false;
	drive->mode = (struct drive_mode){.compression = true};
}

void drive_info_nexus_lost(struct drive *drive, struct scsi_nexus *nexus)
{
	if (drive->info->crypt)
		crypt_nexus_lost(drive->info->crypt, nexus);
}

bool drive_info_reservation_lost(struct drive *drive, bool preempted)
{
	return drive->info->crypt && crypt_reservation_lost(drive->info->crypt, preempted);
}
