/* SPDX-License-Identifier: MIT */
/*
 * Cartridges in and out: the robot's hand (drive_load, drive_unload) and LOAD UNLOAD.
 *
 * A cartridge that is in the drive stays open and locked until the robot takes it; what LOAD UNLOAD
 * changes is whether it is threaded. A cleaning cartridge is opened only to count it down; it cleans
 * for some seconds and then waits to be taken.
 */
#include <errno.h>
#include <string.h>

#include "lib/base/cleanup.h"
#include "lib/base/clock.h"
#include "lib/base/log.h"
#include "target/scsi/alerts.h"
#include "target/tape/drive_ahead.h"
#include "target/tape/drive_info.h"
#include "target/tape/drive_private.h"
#include "target/tape/drive_ring.h"

#define CLEANING_NS (3ull * 1000000000)

/* ---- threading ---------------------------------------------------------------------------------- */

/* The cartridge is in: the drive begins anew with it. On the worker. */
static void thread_medium(struct drive *drive)
{
	pthread_mutex_lock(&drive->lu->lock);
	drive->partition = 0;
	drive->object = drive->file = 0;
	drive->modified = drive->dirty = drive->full_told = false;
	drive->failure = 0;
	drive->pending_objects = drive->pending_bytes = 0;
	drive->untold = false;
	drive->overwrite = DRIVE_OVERWRITE_NONE;
	drive->load = (struct drive_counters){0};
	drive->mounts++;
	drive->write_protected = drive->media.write_protected || drive->access != MEDIUM_WRITE;
	drive->phase = DRIVE_LOADED;
	drive->activity = "idle";
	pthread_mutex_unlock(&drive->lu->lock);
	drive_refresh_ends(drive);
	ring_begin(drive);
	drive_info_loaded(drive);
}

/* Everything is on the cartridge when this returns 0. */
static int unthread_medium(struct drive *drive, enum drive_phase phase)
{
	int error = drive_drain(drive);
	ahead_stop(drive);
	drive_info_unloading(drive);
	if (!drive->failure && !drive->write_protected) {
		int saved = cartridge_sync(drive->cartridge);
		if (!error)
			error = saved;
	}
	LOCK_SCOPE(&drive->lu->lock);
	drive->phase = phase;
	drive->object = drive->file = 0;
	drive->partition = 0;
	drive->dirty = false;
	drive->activity = "idle";
	return error;
}

/* ---- the robot's hand ----------------------------------------------------------------------------- */

static void alert(struct drive *drive, enum drive_alert flag)
{
	LOCK_SCOPE(&drive->lu->lock);
	drive_alert_locked(drive, flag);
}

/* A folder that cannot be written to is a protected cartridge: *access says what is left. */
static int open_medium(const char *path, enum medium_access *access, struct cartridge **cartridge)
{
	int error = -EROFS;
	if (*access == MEDIUM_WRITE)
		error = cartridge_open(path, CARTRIDGE_WRITE, cartridge);
	if (error != -EROFS && error != -EACCES)
		return error;
	*access = MEDIUM_READ;
	return cartridge_open(path, CARTRIDGE_READ, cartridge);
}

static void enter(struct drive *drive, struct cartridge *cartridge, const struct medium *medium,
		  enum drive_phase phase)
{
	LOCK_SCOPE(&drive->lu->lock);
	drive->cartridge = cartridge;
	drive->medium = medium;
	drive->media = *cartridge_info(cartridge);
	drive->phase = phase;
}

static int load_cleaning(struct drive *drive, struct cartridge *cartridge, const struct medium *medium)
{
	struct cartridge_info info = *cartridge_info(cartridge);
	bool expired = !info.cleanings;
	int error = 0;
	if (!expired) {
		info.cleanings--;
		error = cartridge_set_info(cartridge, &info);
	}
	if (error)
		return error;
	enter(drive, cartridge, medium, expired ? DRIVE_EJECTED : DRIVE_CLEANING);
	LOCK_SCOPE(&drive->lu->lock);
	drive->mounts++;
	drive->cleaning_until = clock_monotonic_ns() + CLEANING_NS;
	drive_alert_locked(drive, DRIVE_ALERT_CLEANING_MEDIA);
	if (expired) {
		drive_alert_locked(drive, DRIVE_ALERT_EXPIRED_CLEANING);
	} else {
		drive->info->cleanings++;
		scsi_alerts_lower_locked(drive->lu, scsi_alert(DRIVE_ALERT_CLEAN_NOW) |
							    scsi_alert(DRIVE_ALERT_CLEAN_PERIODIC));
	}
	return 0;
}

static int load_data(struct drive *drive, struct cartridge *cartridge, const struct medium *medium,
		     enum medium_access access)
{
	enter(drive, cartridge, medium, DRIVE_EJECTED);
	drive->access = access;
	thread_medium(drive);
	return 0;
}

static int load_job(struct scsi_lu *lu, void *context)
{
	struct drive *drive = drive_of(lu);
	const char *path = context;
	struct cartridge_info info;
	if (drive->phase != DRIVE_EMPTY)
		return -EBUSY;
	int error = cartridge_read_info(path, &info);
	if (error)
		return error;
	const struct medium *medium = medium_find(info.medium);
	enum medium_access access = medium ? medium_access(drive->settings.generation, medium)
					   : MEDIUM_NONE;
	if (medium && medium->cleaning)
		access = MEDIUM_WRITE;
	if (access == MEDIUM_NONE) {
		alert(drive, DRIVE_ALERT_UNSUPPORTED_FORMAT);
		return -EMEDIUMTYPE;
	}
	struct cartridge *cartridge = NULL;
	error = open_medium(path, &access, &cartridge);
	if (error)
		return error;
	error = medium->cleaning ? load_cleaning(drive, cartridge, medium)
				 : load_data(drive, cartridge, medium, access);
	if (error)
		cartridge_close(&cartridge);
	return error;
}

int drive_load(struct drive *drive, const char *cartridge_path)
{
	int error = scsi_lu_call(drive->lu, load_job, (void *)(uintptr_t)cartridge_path);
	if (!error)
		scsi_attention(drive->lu, NULL, ASC_MEDIUM_CHANGED);
	else
		log_warning("drive %s: loading %s: %s", drive->settings.identity.serial, cartridge_path,
			    strerror(-error));
	return error;
}

static void leave(struct drive *drive)
{
	LOCK_SCOPE(&drive->lu->lock);
	drive->phase = DRIVE_EMPTY;
	drive->medium = NULL;
	drive->access = MEDIUM_NONE;
	drive->media = (struct cartridge_info){0};
	drive->write_protected = drive->modified = drive->dirty = false;
	drive->failure = 0;
	memset(drive->end, 0, sizeof(drive->end));
	scsi_alerts_lower_locked(drive->lu, scsi_alert(DRIVE_ALERT_CLEANING_MEDIA) |
						    scsi_alert(DRIVE_ALERT_EXPIRED_CLEANING) |
						    scsi_alert(DRIVE_ALERT_UNSUPPORTED_FORMAT));
}

static bool is_prevented(struct drive *drive)
{
	LOCK_SCOPE(&drive->lu->lock);
	return scsi_removal_prevented_locked(drive->lu);
}

static int unload_job(struct scsi_lu *lu, void *context)
{
	struct drive *drive = drive_of(lu);
	const bool *force = context;
	if (drive->phase == DRIVE_EMPTY)
		return -ENOMEDIUM;
	if (!*force && is_prevented(drive))
		return -EPERM;
	int error = drive->phase == DRIVE_LOADED ? unthread_medium(drive, DRIVE_EJECTED) : 0;
	if (error)
		drive_tell_flush(drive, error);
	struct cartridge *cartridge = drive->cartridge;
	pthread_mutex_lock(&lu->lock);
	drive->cartridge = NULL;
	pthread_mutex_unlock(&lu->lock);
	int closed = cartridge_close(&cartridge);
	leave(drive);
	return error ? error : closed;
}

int drive_unload(struct drive *drive, bool force)
{
	return scsi_lu_call(drive->lu, unload_job, &force);
}

/* ---- LOAD UNLOAD ------------------------------------------------------------------------------------ */

enum load_bits { LOAD_LOAD = 0x01, LOAD_RETENSION = 0x02, LOAD_END = 0x04, LOAD_HOLD = 0x08 };

static void load_medium(struct drive *drive, struct scsi_task *task)
{
	if (drive->phase == DRIVE_LOADED) { /* again: a rewind to the very beginning */
		int error = drive_drain(drive);
		if (error)
			drive_check_flush(drive, task, error);
		else
			drive_set_position(drive, 0, 0, 0);
		return;
	}
	thread_medium(drive);
	scsi_attention(drive->lu, task->nexus, ASC_MEDIUM_CHANGED);
}

static void unload_medium(struct drive *drive, struct scsi_task *task, bool hold)
{
	enum drive_phase phase = hold ? DRIVE_HELD : DRIVE_EJECTED;
	if (drive->phase != DRIVE_LOADED) {
		LOCK_SCOPE(&drive->lu->lock);
		drive->phase = phase;
		return;
	}
	int error = unthread_medium(drive, phase);
	if (error)
		drive_check_flush(drive, task, error);
}

static bool load_unload_valid(struct drive *drive, struct scsi_task *task)
{
	uint8_t bits = task->cdb[4];
	if ((bits & LOAD_LOAD) && (bits & LOAD_END)) {
		scsi_invalid_cdb(task, 4, 2);
		return false;
	}
	pthread_mutex_lock(&drive->lu->lock);
	enum sense_code code = drive_not_ready_locked(drive);
	bool prevented = scsi_removal_prevented_locked(drive->lu);
	enum drive_phase phase = drive->phase;
	pthread_mutex_unlock(&drive->lu->lock);
	if (phase == DRIVE_EMPTY || phase == DRIVE_CLEANING ||
	    (drive->medium && drive->medium->cleaning)) {
		scsi_check(task, SENSE_NOT_READY, code);
		return false;
	}
	if (!(bits & LOAD_LOAD) && prevented) {
		alert(drive, DRIVE_ALERT_NO_REMOVAL);
		scsi_check(task, SENSE_ILLEGAL_REQUEST, ASC_REMOVAL_PREVENTED);
		return false;
	}
	return true;
}

static void run_load_unload(struct scsi_lu *lu, struct scsi_task *task)
{
	struct drive *drive = drive_of(lu);
	uint8_t bits = task->cdb[4];
	if (!load_unload_valid(drive, task))
		return;
	drive_set_activity(drive, "loading");
	drive_set_preparing(drive, ASC_BECOMING_READY);
	bool early = task->cdb[1] & 1 && drive_early(drive, task, ASC_BECOMING_READY);
	/* HOLD with LOAD: the cartridge is taken hold of and not threaded. */
	if ((bits & LOAD_LOAD) && !(bits & LOAD_HOLD))
		load_medium(drive, task);
	else
		unload_medium(drive, task, bits & LOAD_HOLD);
	drive_set_activity(drive, "idle");
	drive_early_end(drive, task, early);
}

const struct scsi_opcode drive_load_opcodes[] = {
	{
		.opcode = 0x1b, .length = 6, .usage = {0x1b, 0x01, 0, 0, 0x0f}, .timeout = 1200,
		.name = "LOAD UNLOAD", .run = run_load_unload, .waits = drive_waits,
	},
	{0},
};
