/* SPDX-License-Identifier: MIT */
/*
 * Log pages of what has gone wrong: 16h tape diagnostic data (SSC-4 8.3.6) of all drives; of HP
 * drives 33h device wellness, 3Eh device status, and 15h service buffers.
 *
 * The drive remembers the last 16 commands that the medium or the hardware has failed, since the
 * target was started; the latest is parameter 0000h. A virtual drive has no service buffers, no
 * thermometer, and no heads whose hours could be counted: those fields say so.
 */
#include <string.h>

#include "lib/base/bytes.h"
#include "lib/base/cleanup.h"
#include "lib/base/clock.h"
#include "target/tape/drive_log.h"

#define NS_PER_MS    UINT64_C(1000000)
#define OPCODE_WRITE 0x0a /* of what was flushed behind hosts' backs */

enum { MEDIUM_NUMBER_SIZE = 32, DIAGNOSTIC_SIZE = 68, WELLNESS_SIZE = 12 };
enum { TIMESTAMP_OTHER = 3 }; /* the host's clock (SPC-5 table 232) */

void drive_note_error(struct drive *drive, const struct scsi_task *task, const struct sense *sense)
{
	if (sense->key != SENSE_MEDIUM_ERROR && sense->key != SENSE_HARDWARE_ERROR)
		return;
	LOCK_SCOPE(&drive->lu->lock);
	struct drive_event *events = drive->info->events;
	memmove(events + 1, events, (DRIVE_EVENTS - 1) * sizeof(*events));
	events[0] = (struct drive_event){
		.hours = drive_hours(drive),
		.milliseconds = (uint64_t)clock_real_ns() / NS_PER_MS,
		.opcode = task ? task->cdb[0] : OPCODE_WRITE,
		.action = task && task->row && task->row->has_action ? (uint8_t)task->row->action : 0,
		.key = (uint8_t)sense->key,
		.code = sense->code,
	};
	if (drive->info->event_count < DRIVE_EVENTS)
		drive->info->event_count++;
	if (!drive->medium)
		return;
	events[0].density = drive->medium->density;
	events[0].medium_type = drive->medium->medium_type;
	memcpy(events[0].uuid, drive->media.uuid, sizeof(events[0].uuid));
	memcpy(events[0].barcode, drive->media.barcode, sizeof(events[0].barcode));
}

/* Byte numbers of the standard's table less the four of the header. */
static void put_diagnostic(const struct drive *drive, const struct drive_event *event, uint8_t *at)
{
	at[2] = event->density;
	at[3] = event->medium_type;
	at[9] = event->key;
	be_put16(at + 10, event->code);
	ascii_put(at + 16, 4, drive->settings.identity.revision);
	at[24] = event->opcode;
	at[25] = event->action;
	ascii_put(at + 28, MEDIUM_NUMBER_SIZE, event->barcode);
	at[60] = TIMESTAMP_OTHER;
	be_put16(at + 62, (uint16_t)(event->milliseconds >> 32));
	be_put32(at + 64, (uint32_t)event->milliseconds);
}

void log_build_diagnostic(struct scsi_lu *lu, struct scsi_log *log)
{
	const struct drive *drive = drive_of(lu);
	LOCK_SCOPE(&lu->lock);
	for (uint16_t code = 0; code < drive->info->event_count; code++) {
		uint8_t *at = scsi_log_add(log, code, LOG_BINARY, DIAGNOSTIC_SIZE);
		if (at)
			put_diagnostic(drive, &drive->info->events[code], at);
	}
}

/* Hours, a number for the medium, sense key and codes. */
void log_build_wellness(struct scsi_lu *lu, struct scsi_log *log)
{
	const struct drive *drive = drive_of(lu);
	LOCK_SCOPE(&lu->lock);
	for (uint16_t code = 0; code < drive->info->event_count; code++) {
		const struct drive_event *event = &drive->info->events[code];
		uint8_t *at = scsi_log_add(log, code, LOG_COUNTER, WELLNESS_SIZE);
		if (!at)
			continue;
		be_put32(at, event->hours);
		memcpy(at + 4, event->uuid, 4);
		at[8] = event->key;
		be_put16(at + 9, event->code);
	}
}

/* ---- 3Eh -------------------------------------------------------------------------------------------- */

enum { STATUS_UNKNOWN, STATUS_OK, STATUS_DEGRADED, STATUS_FAILED };

/* No product number (0004h): HP has one for each model and kind of port, and none for iSCSI. */
void log_build_status_bits(struct scsi_lu *lu, struct scsi_log *log)
{
	const struct drive *drive = drive_of(lu);
	LOCK_SCOPE(&lu->lock);
	scsi_log_number(log, 0x0000, LOG_BINARY, 4, 0); /* device type: obsolete */
	uint8_t *at = scsi_log_add(log, 0x0001, LOG_BINARY, 4);
	if (at) {
		at[0] = (scsi_alerts_locked(lu) & scsi_alert(DRIVE_ALERT_EXPIRED_CLEANING)) != 0;
		at[1] = STATUS_OK;
		if (drive->phase == DRIVE_LOADED)
			at[2] = drive->failure ? STATUS_FAILED : STATUS_OK;
	}
	scsi_log_number(log, 0x0002, LOG_COUNTER, 4, drive->mounts);
	scsi_log_number(log, 0x0003, LOG_BINARY, 4, UINT32_MAX); /* uses of a cleaning tape: unknown */
}

void log_build_service_buffers(struct scsi_lu *lu, struct scsi_log *log)
{
	(void)lu, (void)log;
}
