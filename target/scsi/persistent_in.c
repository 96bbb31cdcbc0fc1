/* SPDX-License-Identifier: MIT */
/*
 * PERSISTENT RESERVE IN (SPC-5 6.16): who is registered, who has reserved, what can be done.
 */
#include <stdio.h>
#include <string.h>

#include "lib/base/bytes.h"
#include "lib/base/cleanup.h"
#include "lib/base/mem.h"
#include "target/scsi/reserve.h"

/* "name,i,0x" and twelve digits, NUL, to a multiple of four, after four bytes. */
#define TRANSPORT_ID_MAX (4u + SCSI_NAME_MAX + 24u)
#define STATUS_SIZE	 24u /* of a full status descriptor without its TransportID */

static size_t put_keys(const struct scsi_reservation *reservation, uint8_t *data)
{
	for (size_t i = 0; i < reservation->count; i++)
		be_put64(data + 8 * i, reservation->registrations[i].key);
	return 8 * reservation->count;
}

static size_t put_reservation(const struct scsi_reservation *reservation, uint8_t *data)
{
	if (!reservation->type)
		return 0;
	if (!reservation_is_all_registrants(reservation->type))
		be_put64(data, reservation->registrations[reservation->owner].key);
	data[13] = reservation->type;
	return 16;
}

static size_t put_transport_id(const struct scsi_registration *registration, uint8_t *data)
{
	const uint8_t *isid = registration->ports.isid;
	char name[TRANSPORT_ID_MAX] = {0};
	int length = snprintf(name, sizeof(name), "%s,i,0x%02x%02x%02x%02x%02x%02x",
			      registration->ports.initiator, isid[0], isid[1], isid[2], isid[3], isid[4],
			      isid[5]);
	size_t size = ((size_t)length + 4) / 4 * 4;
	data[0] = TRANSPORT_ID_ISCSI;
	be_put16(data + 2, (uint16_t)size);
	memcpy(data + 4, name, size);
	return 4 + size;
}

static size_t put_full_status(const struct scsi_reservation *reservation, uint8_t *data)
{
	bool all = reservation_is_all_registrants(reservation->type);
	size_t size = 0;
	for (size_t i = 0; i < reservation->count; i++) {
		const struct scsi_registration *registration = &reservation->registrations[i];
		uint8_t *status = data + size;
		be_put64(status, registration->key);
		if (reservation->type && (all || reservation->owner == i)) {
			status[12] = 0x01;
			status[13] = reservation->type;
		}
		be_put16(status + 18, registration->ports.portal_group);
		size_t id = put_transport_id(registration, status + STATUS_SIZE);
		be_put32(status + 20, (uint32_t)id);
		size += STATUS_SIZE + id;
	}
	return size;
}

static size_t (*const builders[])(const struct scsi_reservation *reservation, uint8_t *data) = {
	put_keys, put_reservation, NULL, put_full_status,
};

static void report_capabilities(struct scsi_task *task, const struct scsi_unit *unit, bool kept)
{
	/* PTPL_C; TMV, PTPL_A; all six types. No SIP_C, ATP_C, CRH. */
	const uint8_t data[8] = {0, 8, unit->keeper != NULL, 0x80 | kept, 0xea, 0x01};
	(void)scsi_reply(task, data, sizeof(data), be_get16(task->cdb + 7));
}

void persistent_in_run(struct scsi_lu *lu, struct scsi_task *task)
{
	const struct scsi_reservation *reservation = &lu->unit->reservation;
	unsigned action = task->cdb[1] & 0x1f;
	CLEANUP_FREE uint8_t *data = NULL;
	size_t size = 0;
	bool kept;
	{
		LOCK_SCOPE(&lu->lock);
		if (reservation->holder) {
			task->status = SCSI_RESERVATION_CONFLICT;
			return;
		}
		kept = reservation->kept;
		if (builders[action]) {
			size_t room = 8 + 16 + reservation->count * (STATUS_SIZE + TRANSPORT_ID_MAX);
			data = mem_try_zalloc(1, room);
		}
		if (data) {
			size = builders[action](reservation, data + 8);
			be_put32(data, reservation->generation);
			be_put32(data + 4, (uint32_t)size);
		}
	}
	if (!builders[action])
		report_capabilities(task, lu->unit, kept);
	else if (!data)
		scsi_check(task, SENSE_ABORTED, ASC_INSUFFICIENT_RESOURCES);
	else
		(void)scsi_reply(task, data, 8 + size, be_get16(task->cdb + 7));
}
