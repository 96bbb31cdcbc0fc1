/* SPDX-License-Identifier: MIT */
/*
 * The drive's unit: made out of the tables of its files, freed, reset, and what
 * it says about itself without waiting.
 */
#include "target/tape/drive.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/assert.h"
#include "lib/base/cleanup.h"
#include "lib/base/clock.h"
#include "lib/base/log.h"
#include "lib/base/mem.h"
#include "target/scsi/alerts.h"
#include "target/tape/drive_ahead.h"
#include "target/tape/drive_guard.h"
#include "target/tape/drive_info.h"
#include "target/tape/drive_private.h"
#include "target/tape/drive_ring.h"

#define DRIVE_BUFFER_DEFAULT (64u << 20)
#define DRIVE_BUFFER_LEAST   (1u << 20)
#define DRIVE_IDLE_NS	     1000000000ull /* after the last block */

struct drive *drive_of(struct scsi_lu *lu)
{
	struct drive *drive = lu->device;
	ASSERT_OBJECT(drive, DRIVE_MAGIC);
	return drive;
}

void drive_set_automation(struct drive *drive, const char *serial)
{
	ASSERT_OBJECT(drive, DRIVE_MAGIC);
	LOCK_SCOPE(&drive->lu->lock);
	snprintf(drive->automation, sizeof(drive->automation), "%s", serial);
}

struct scsi_lu *drive_lu(struct drive *drive)
{
	return drive->lu;
}

/* ---- the class ------------------------------------------------------------------------------ */

static size_t join_opcodes(struct drive *drive, size_t count, const struct scsi_opcode *rows)
{
	for (; rows->run; rows++) {
		ASSERT(count < DRIVE_OPCODES_MAX - 1);
		drive->opcodes[count++] = *rows;
	}
	return count;
}

static void class_ready(struct scsi_lu *lu, struct scsi_task *task)
{
	enum sense_code code = drive_not_ready_locked(drive_of(lu));
	if (code)
		scsi_check(task, SENSE_NOT_READY, code);
}

static void class_reset(struct scsi_lu *lu, enum scsi_reset kind)
{
	struct drive *drive = drive_of(lu);
	if (drive->phase == DRIVE_LOADED) {
		int error = drive_drain(drive);
		if (error)
			drive_tell_flush(drive, error);
	}
	drive_info_reset(drive, kind);
	drive_guard_reset(drive);
	LOCK_SCOPE(&lu->lock);
	drive->mode.unbuffered = false;
	drive->mode.block_size = 0;
	drive->overwrite = DRIVE_OVERWRITE_NONE;
}

static void class_nexus_lost(struct scsi_lu *lu, struct scsi_nexus *nexus)
{
	struct drive *drive = drive_of(lu);
	if (drive->writer == nexus)
		drive->writer = NULL;
	drive_guard_lost_locked(drive, nexus);
	drive_info_nexus_lost(drive, nexus);
}

static enum sense_code class_reservation_lost(struct scsi_lu *lu, bool preempted)
{
	bool forgotten = drive_info_reservation_lost(drive_of(lu), preempted);
	return forgotten ? ASC_ENCRYPTION_PARAMETERS_CHANGED_BY_OTHER : ASC_NONE;
}

/* A drive with logical block protection: PROTECT, and in VPD page 86h its kind, SPT 001b. */
static void class_inquiry(struct scsi_lu *lu, uint8_t data[96])
{
	(void)lu;
	data[5] |= 0x01;
}

static void class_inquiry_extended(struct scsi_lu *lu, uint8_t data[60])
{
	(void)lu;
	data[0] |= 0x08;
}

static void drive_make_class(struct drive *drive)
{
	size_t count = join_opcodes(drive, 0, drive_read_opcodes);
	count = join_opcodes(drive, count, drive_verify_opcodes);
	count = join_opcodes(drive, count, drive_write_opcodes);
	count = join_opcodes(drive, count, drive_position_opcodes);
	count = join_opcodes(drive, count, drive_load_opcodes);
	count = join_opcodes(drive, count, drive_medium_opcodes);
	count = join_opcodes(drive, count, drive_info_opcodes);
	if (drive->settings.encryption)
		join_opcodes(drive, count, drive_crypt_opcodes);
	drive->class = (struct scsi_class){
		.device_type = 0x01,
		.removable = true,
		.opcodes = drive->opcodes,
		.vpd_pages = drive_info_vpd_pages,
		.mode_pages = drive_mode_pages(drive),
		.log_pages = drive_is_ibm(drive) ? drive_log_pages_ibm : drive_log_pages_hp,
		.versions = drive_versions,
		.ready = class_ready,
		.inquiry = drive_guards(drive) ? class_inquiry : NULL,
		.inquiry_extended = drive_guards(drive) ? class_inquiry_extended : NULL,
		.mode_header = drive_mode_header,
		.mode_descriptor = drive_mode_descriptor,
		.mode_device_specific = drive_mode_device_specific,
		.reset = class_reset,
		.nexus_lost = class_nexus_lost,
		.reservation_lost = class_reservation_lost,
	};
}

/* ---- making and freeing ------------------------------------------------------------------- */

static void drive_destroy(struct drive **drive)
{
	struct drive *d = TAKE(*drive);
	/* Its thread tells the unit's nexuses what fails. */
	ring_stop(d);
	if (d->lu)
		scsi_lu_free(&d->lu);
	ahead_free(d);
	ring_free(d);
	drive_guard_free(d);
	drive_info_free(d);
	d->magic = 0;
	free(d);
}

int drive_new(const struct drive_settings *settings, struct drive **drive)
{
	struct drive *d = mem_try_zalloc(1, sizeof(*d));
	if (!d)
		return -ENOMEM;
	d->magic = DRIVE_MAGIC;
	d->settings = *settings;
	if (!d->settings.buffer)
		d->settings.buffer = DRIVE_BUFFER_DEFAULT;
	if (d->settings.buffer < DRIVE_BUFFER_LEAST)
		d->settings.buffer = DRIVE_BUFFER_LEAST;
	d->activity = "idle";
	drive_make_class(d);
	int error = drive_info_new(d);
	if (!error)
		error = ring_new(d);
	if (!error)
		error = ahead_new(d);
	if (!error)
		error = scsi_lu_new(&d->class, &settings->identity, d, &d->lu);
	if (error) {
		drive_destroy(&d);
		return error;
	}
	*drive = d;
	return 0;
}

void drive_free(struct drive **drive)
{
	if (!*drive)
		return;
	ASSERT_OBJECT(*drive, DRIVE_MAGIC);
	int error = drive_unload(*drive, true);
	if (error && error != -ENOMEDIUM)
		log_error("drive %s: unloading at the end: %s", (*drive)->settings.identity.serial,
			  strerror(-error));
	drive_destroy(drive);
}

/* ---- state ----------------------------------------------------------------------------------- */

/* Cleaning ends by itself. */
static enum drive_phase drive_phase_locked(const struct drive *drive)
{
	bool cleaned = drive->phase == DRIVE_CLEANING && clock_monotonic_ns() >= drive->cleaning_until;
	return cleaned ? DRIVE_EJECTED : drive->phase;
}

enum sense_code drive_not_ready_locked(const struct drive *drive)
{
	if (drive->preparing)
		return drive->preparing;
	switch (drive_phase_locked(drive)) {
	case DRIVE_LOADED:
		return ASC_NONE;
	case DRIVE_HELD:
		return ASC_INITIALIZING_REQUIRED;
	case DRIVE_CLEANING:
		return ASC_CLEANING_CARTRIDGE_INSTALLED;
	case DRIVE_EMPTY:
	case DRIVE_EJECTED:
		break;
	}
	return ASC_NO_MEDIUM;
}

void drive_set_activity(struct drive *drive, const char *activity)
{
	LOCK_SCOPE(&drive->lu->lock);
	drive->activity = activity;
	drive->active_at = 0;
}

void drive_active_locked(struct drive *drive, const char *activity)
{
	drive->activity = activity;
	drive->active_at = clock_monotonic_ns();
}

static const char *activity_locked(const struct drive *drive)
{
	if (drive_phase_locked(drive) == DRIVE_CLEANING)
		return "cleaning";
	bool still = drive->active_at && clock_monotonic_ns() - drive->active_at > DRIVE_IDLE_NS;
	return still ? "idle" : drive->activity;
}

void drive_get_state(struct drive *drive, struct drive_state *state)
{
	struct scsi_lu *lu = drive->lu;
	LOCK_SCOPE(&lu->lock);
	*state = (struct drive_state){
		.present = drive->phase != DRIVE_EMPTY,
		.loaded = drive->phase == DRIVE_LOADED,
		.write_protected = drive->write_protected,
		.prevented = scsi_removal_prevented_locked(lu),
		.encrypting = drive->info->crypt && crypt_is_on(drive->info->crypt),
		.object = drive->object,
		.file = drive->file,
		.partition = drive->partition,
		.written = drive->load.written_bytes,
		.read = drive->load.read_bytes,
		.mounts = drive->mounts,
		.activity = activity_locked(drive),
		.alerts = scsi_alerts_locked(lu),
	};
	memcpy(state->barcode, drive->media.barcode, sizeof(state->barcode));
}
