/* SPDX-License-Identifier: MIT */
/*
 * Log pages of a drive (SSC-5 8.3, SPC-5 7.3): all of them are made when they are read, out of
 * what the drive counts. Counters run for the drive's life; LOG SELECT with PCR sets them to 0
 * by remembering where they were.
 *
 * What a virtual drive has no true answer for is not told: no page of head wear, no invented
 * temperature. HP drives add those pages of that make that are in drive_log_events.c.
 */
#include "target/tape/drive_log.h"

#include <string.h>

#include "lib/base/bytes.h"
#include "lib/base/cleanup.h"

#define MEGABYTE UINT64_C(1000000)

/* What has been counted since the last reset. */
static struct drive_counters counted(const struct drive *drive)
{
	LOCK_SCOPE(&drive->lu->lock);
	const struct drive_counters *now = &drive->life, *base = &drive->info->log_base;
	return (struct drive_counters){
		.written_bytes = now->written_bytes - base->written_bytes,
		.written_blocks = now->written_blocks - base->written_blocks,
		.read_bytes = now->read_bytes - base->read_bytes,
		.read_blocks = now->read_blocks - base->read_blocks,
		.write_errors = now->write_errors - base->write_errors,
		.read_errors = now->read_errors - base->read_errors,
		.stored_bytes = now->stored_bytes - base->stored_bytes,
	};
}

static void reset_writes(struct scsi_lu *lu)
{
	LOCK_SCOPE(&lu->lock);
	struct drive *drive = drive_of(lu);
	struct drive_counters *base = &drive->info->log_base;
	base->written_bytes = drive->life.written_bytes;
	base->written_blocks = drive->life.written_blocks;
	base->stored_bytes = drive->life.stored_bytes;
	base->write_errors = drive->life.write_errors;
}

static void reset_reads(struct scsi_lu *lu)
{
	LOCK_SCOPE(&lu->lock);
	struct drive *drive = drive_of(lu);
	struct drive_counters *base = &drive->info->log_base;
	base->read_bytes = drive->life.read_bytes;
	base->read_blocks = drive->life.read_blocks;
	base->read_errors = drive->life.read_errors;
}

static void reset_both(struct scsi_lu *lu)
{
	reset_writes(lu);
	reset_reads(lu);
}

/* ---- 02h, 03h: errors; 0Ch: sequential access ------------------------------------------------ */

/* Nothing is corrected: what fails is the host's folder, and that is counted as unrecovered. */
static void build_errors(struct scsi_log *log, uint64_t bytes, uint64_t errors)
{
	for (uint16_t code = 0; code < 5; code++)
		scsi_log_number(log, code, LOG_COUNTER, 8, 0);
	scsi_log_number(log, 5, LOG_COUNTER, 8, bytes);
	scsi_log_number(log, 6, LOG_COUNTER, 8, errors);
}

static void build_write_errors(struct scsi_lu *lu, struct scsi_log *log)
{
	struct drive_counters c = counted(drive_of(lu));
	build_errors(log, c.written_bytes, c.write_errors);
}

static void build_read_errors(struct scsi_lu *lu, struct scsi_log *log)
{
	struct drive_counters c = counted(drive_of(lu));
	build_errors(log, c.read_bytes, c.read_errors);
}

static void build_sequential(struct scsi_lu *lu, struct scsi_log *log)
{
	const struct drive *drive = drive_of(lu);
	struct drive_counters c = counted(drive);
	scsi_log_number(log, 0x0000, LOG_COUNTER, 8, c.written_bytes); /* from hosts */
	scsi_log_number(log, 0x0001, LOG_COUNTER, 8, c.stored_bytes);  /* to the tape */
	scsi_log_number(log, 0x0002, LOG_COUNTER, 8, c.read_bytes);    /* from the tape */
	scsi_log_number(log, 0x0003, LOG_COUNTER, 8, c.read_bytes);    /* to hosts */
	if (drive->phase == DRIVE_LOADED) {
		LOCK_SCOPE(&lu->lock);
		unsigned partition = drive->partition;
		uint64_t size = drive_partition_size(drive, partition);
		uint64_t warning = drive_warning_at(drive, partition);
		scsi_log_number(log, 0x0004, LOG_COUNTER, 8, drive_used(drive, partition) / MEGABYTE);
		scsi_log_number(log, 0x0005, LOG_COUNTER, 8, warning / MEGABYTE);
		scsi_log_number(log, 0x0006, LOG_COUNTER, 8, (size - warning) / MEGABYTE);
	}
	scsi_log_number(log, 0x0008, LOG_COUNTER, 8, drive->settings.buffer / MEGABYTE);
	scsi_log_number(log, 0x0100, LOG_COUNTER, 8, 0); /* cleaning is never asked for */
}

/* ---- 11h: DT device status (SSC-5 8.3.3) ----------------------------------------------------------- */

static uint8_t activity_code(const char *activity)
{
	static const struct {
		const char *name;
		uint8_t code;
	} activities[] = {
		{"cleaning", 0x01}, {"loading", 0x02}, {"unloading", 0x03}, {"reading", 0x05},
		{"writing", 0x06}, {"flushing", 0x06}, {"locating", 0x07}, {"rewinding", 0x08},
		{"erasing", 0x09}, {"formatting", 0x0a}, {"verifying", 0x05},
	};
	for (size_t i = 0; i < sizeof(activities) / sizeof(activities[0]); i++)
		if (strcmp(activity, activities[i].name) == 0)
			return activities[i].code;
	return 0x00;
}

static void put_status(struct scsi_lu *lu, const struct scsi_nexus *nexus, uint8_t *at)
{
	struct drive_state state;
	struct drive *drive = drive_of(lu);
	drive_get_state(drive, &state);
	LOCK_SCOPE(&lu->lock);
	bool ready = drive_not_ready_locked(drive) == ASC_NONE;
	/* PAMR, MACC, CMPR, WRTP, DINIT */
	at[0] = (uint8_t)(state.prevented << 7 | ready << 5 | drive->mode.compression << 4 |
			  (state.loaded && state.write_protected) << 3 | 1);
	/* RAA: the robot may take it; MPRSNT, MTHRD, MOUNTED */
	at[1] = (uint8_t)((state.present && !state.loaded) << 5 | state.present << 4 |
			  state.loaded << 1 | state.loaded);
	at[2] = activity_code(state.activity);
	at[3] = scsi_alerts_of_locked(lu, nexus) != 0; /* TAFC */
}

static void build_status(struct scsi_lu *lu, struct scsi_log *log)
{
	uint8_t *at = scsi_log_add(log, 0x0000, LOG_BINARY, 4);
	if (at)
		put_status(lu, log->nexus, at);
	scsi_log_number(log, 0x0001, LOG_BINARY, 2, 100); /* ms between two polls of it */
}

/* ---- 12h: TapeAlert response; 13h: recovery ------------------------------------------------------------ */

static void build_alert_response(struct scsi_lu *lu, struct scsi_log *log)
{
	uint8_t *at = scsi_log_add(log, 0x0000, LOG_BINARY, 8);
	LOCK_SCOPE(&lu->lock);
	if (at)
		drive_put_alerts(at, scsi_alerts_of_locked(lu, log->nexus));
}

/* No recovery is asked for. */
static void build_recovery(struct scsi_lu *lu, struct scsi_log *log)
{
	(void)lu;
	scsi_log_number(log, 0x0000, LOG_BINARY, 1, 0);
}

/* ---- 14h: device statistics ------------------------------------------------------------------------- */

static void build_device(struct scsi_lu *lu, struct scsi_log *log)
{
	const struct drive *drive = drive_of(lu);
	LOCK_SCOPE(&lu->lock);
	scsi_log_number(log, 0x0000, LOG_COUNTER, 8, drive->mounts);
	scsi_log_number(log, 0x0001, LOG_COUNTER, 8, drive->info->cleanings);
	scsi_log_number(log, 0x0002, LOG_COUNTER, 8, drive_hours(drive)); /* since the target was started */
	scsi_log_number(log, 0x000e, LOG_COUNTER, 8, drive->life.write_errors);
	scsi_log_number(log, 0x000f, LOG_COUNTER, 8, drive->life.read_errors);
	scsi_log_text(log, 0x0040, 32, drive->settings.identity.serial);
	scsi_log_text(log, 0x0041, 32, drive->settings.identity.serial);
	scsi_log_number(log, 0x0080, LOG_BINARY, 1, scsi_removal_prevented_locked(lu));
}

/* ---- 1Bh, 32h: compression; 31h: capacity; 30h, 38h of IBM -------------------------------------------- */

/* Parts of the bytes that went one way: whole megabytes and the rest. */
static void add_amount(struct scsi_log *log, uint16_t code, uint64_t bytes)
{
	scsi_log_number(log, code, LOG_COUNTER, 4, bytes / MEGABYTE);
	scsi_log_number(log, (uint16_t)(code + 1), LOG_COUNTER, 4, bytes % MEGABYTE);
}

/* Ratios times 100. The drive does not compress: what is stored is what came. */
static void build_compression(struct scsi_lu *lu, struct scsi_log *log)
{
	const struct drive *drive = drive_of(lu);
	struct drive_counters c = counted(drive);
	scsi_log_number(log, 0x0000, LOG_COUNTER, 2, 100);
	scsi_log_number(log, 0x0001, LOG_COUNTER, 2, 100);
	add_amount(log, 0x0002, c.read_bytes);	   /* to hosts */
	add_amount(log, 0x0004, c.read_bytes);	   /* from the tape */
	add_amount(log, 0x0006, c.written_bytes); /* from hosts */
	add_amount(log, 0x0008, c.stored_bytes);  /* to the tape */
	scsi_log_number(log, 0x0100, LOG_BINARY, 1, drive->mode.compression);
}

/* MiB, as the drives of both vendors have it. */
static void build_capacity(struct scsi_lu *lu, struct scsi_log *log)
{
	const struct drive *drive = drive_of(lu);
	uint64_t left[2] = {0}, all[2] = {0};
	LOCK_SCOPE(&lu->lock);
	if (drive->phase == DRIVE_LOADED)
		for (unsigned i = 0; i < drive->media.partitions; i++) {
			left[i] = drive_remaining(drive, i) / DRIVE_MEBIBYTE;
			all[i] = drive_partition_size(drive, i) / DRIVE_MEBIBYTE;
		}
	scsi_log_number(log, 1, LOG_COUNTER, 4, left[0]);
	scsi_log_number(log, 2, LOG_COUNTER, 4, left[1]);
	scsi_log_number(log, 3, LOG_COUNTER, 4, all[0]);
	scsi_log_number(log, 4, LOG_COUNTER, 4, all[1]);
}

/* Tape usage: of the cartridge's life. */
static void build_usage(struct scsi_lu *lu, struct scsi_log *log)
{
	const struct drive *drive = drive_of(lu);
	if (drive->phase != DRIVE_LOADED)
		return;
	LOCK_SCOPE(&lu->lock);
	struct volume_totals totals = drive_volume_totals(drive);
	scsi_log_number(log, 0x0001, LOG_COUNTER, 4, drive->info->loads);
	scsi_log_number(log, 0x0002, LOG_COUNTER, 8, totals.written_blocks);
	scsi_log_number(log, 0x0003, LOG_COUNTER, 4, 0); /* retries */
	scsi_log_number(log, 0x0004, LOG_COUNTER, 2, totals.write_errors);
	scsi_log_number(log, 0x0005, LOG_COUNTER, 2, 0); /* suspended writes */
	scsi_log_number(log, 0x0006, LOG_COUNTER, 2, 0); /* fatal ones */
	scsi_log_number(log, 0x0007, LOG_COUNTER, 8, totals.read_blocks);
	scsi_log_number(log, 0x0008, LOG_COUNTER, 4, 0);
	scsi_log_number(log, 0x0009, LOG_COUNTER, 2, totals.read_errors);
}

#define COMMON_PAGES                                                                               \
	{0x02, 0, build_write_errors, reset_writes},                                               \
	{0x03, 0, build_read_errors, reset_reads},                                                 \
	{0x0c, 0, build_sequential, reset_both},                                                   \
	{0x0d, 0, scsi_log_no_temperature, NULL},                                                        \
	{0x11, 0, build_status, NULL},                                                             \
	{0x12, 0, build_alert_response, scsi_alerts_reset},                                             \
	{0x13, 0, build_recovery, NULL},                                                           \
	{0x14, 0, build_device, NULL},                                                             \
	{0x16, 0, log_build_diagnostic, NULL},                                                     \
	{0x17, 0, log_build_volume, NULL},                                                         \
	{0x1b, 0, build_compression, reset_both},                                                  \
	{0x2e, 0, scsi_alerts_build, scsi_alerts_reset, scsi_alerts_told},				   \
	{0x30, 0, build_usage, NULL},                                                              \
	{0x31, 0, build_capacity, NULL},                                                           \
	{0x32, 0, build_compression, reset_both}

const struct scsi_log_page drive_log_pages_ibm[] = {
	COMMON_PAGES,
	{0, 0, NULL, NULL},
};

const struct scsi_log_page drive_log_pages_hp[] = {
	COMMON_PAGES,
	{0x15, 0, log_build_service_buffers, NULL},
	{0x33, 0, log_build_wellness, NULL},
	{0x3e, 0, log_build_status_bits, NULL},
	{0, 0, NULL, NULL},
};
