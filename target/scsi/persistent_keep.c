/* SPDX-License-Identifier: MIT */
/*
 * Registrations that outlive the process (APTPL, SPC-5 5.14.5), between a unit and
 * its keeper; and the initiator ports that TransportIDs name.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/assert.h"
#include "lib/base/bytes.h"
#include "lib/base/cleanup.h"
#include "lib/base/mem.h"
#include "target/scsi/persistent.h"

/* ---- copies ------------------------------------------------------------------------------- */

int reservation_copy(const struct scsi_reservation *from, struct scsi_reservation *to)
{
	size_t room = from->count ? from->count : 1;
	struct scsi_registration *registrations = mem_try_alloc(room, sizeof(*registrations));
	if (!registrations)
		return -ENOMEM;
	*to = *from;
	to->holder = NULL;
	to->registrations = registrations;
	to->capacity = room;
	if (from->count)
		memcpy(registrations, from->registrations, from->count * sizeof(*registrations));
	return 0;
}

void reservation_clear(struct scsi_reservation *reservation)
{
	free(reservation->registrations);
	*reservation = (struct scsi_reservation){0};
}

/* ---- the keeper ----------------------------------------------------------------------------- */

void scsi_lu_keep(struct scsi_lu *lu, const struct scsi_keeper *keeper)
{
	ASSERT(!lu->target);
	lu->unit->keeper = keeper;
}

int reservation_save(struct scsi_lu *lu, const struct scsi_reservation *reservation)
{
	struct scsi_kept kept = {0};
	if (reservation->kept) {
		bool owned = reservation->type && !reservation_is_all_registrants(reservation->type);
		kept = (struct scsi_kept){
			.registrations = reservation->registrations,
			.count = reservation->count,
			.type = reservation->type,
			.owner = owned ? reservation->owner : 0,
		};
	}
	return lu->unit->keeper->save(lu->unit->keeper->context, lu, &kept);
}

static bool kept_is_valid(const struct scsi_kept *kept)
{
	if (kept->count > SCSI_REGISTRATIONS_MAX || (kept->type && !reservation_type_exists(kept->type)) ||
	    (kept->type && kept->owner >= kept->count))
		return false;
	for (size_t i = 0; i < kept->count; i++) {
		const struct scsi_registration *registration = &kept->registrations[i];
		if (!registration->key || !memchr(registration->ports.initiator, 0, SCSI_NAME_MAX))
			return false;
	}
	return true;
}

int scsi_lu_restore(struct scsi_lu *lu, const struct scsi_kept *kept)
{
	struct scsi_reservation restored, wanted = {
		.count = kept->count,
		.type = kept->type,
		.owner = kept->type ? kept->owner : NOT_REGISTERED,
		.kept = kept->count > 0,
	};
	if (!kept_is_valid(kept))
		return -EINVAL;
	int error = reservation_copy(&(struct scsi_reservation){0}, &restored);
	if (!error)
		error = mem_reserve(&restored.registrations, &restored.capacity, kept->count,
				    sizeof(*restored.registrations));
	if (error) {
		reservation_clear(&restored);
		return error;
	}
	if (kept->count)
		memcpy(restored.registrations, kept->registrations,
		       kept->count * sizeof(*restored.registrations));
	wanted.registrations = restored.registrations;
	wanted.capacity = restored.capacity;
	LOCK_SCOPE(&lu->lock);
	reservation_clear(&lu->unit->reservation);
	lu->unit->reservation = wanted;
	return 0;
}

/* ---- TransportIDs ------------------------------------------------------------------------------ */

static int digit_of(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* "0x" and twelve digits. */
static bool isid_parse(const char *text, uint8_t isid[6])
{
	if (strlen(text) != 14 || text[0] != '0' || (text[1] != 'x' && text[1] != 'X'))
		return false;
	for (unsigned i = 0; i < 6; i++) {
		int high = digit_of(text[2 + 2 * i]), low = digit_of(text[3 + 2 * i]);
		if (high < 0 || low < 0)
			return false;
		isid[i] = (uint8_t)(high << 4 | low);
	}
	return true;
}

bool transport_id_parse(const uint8_t *data, size_t size, struct scsi_ports *ports)
{
	char text[SCSI_NAME_MAX + 24];
	if (size < 24 || data[0] != TRANSPORT_ID_ISCSI || 4u + be_get16(data + 2) != size)
		return false;
	size_t length = strnlen((const char *)data + 4, size - 4);
	if (length == size - 4 || length >= sizeof(text))
		return false;
	memcpy(text, data + 4, length + 1);
	char *separator = strstr(text, ",i,");
	if (!separator || separator == text || separator - text >= (int)SCSI_NAME_MAX ||
	    !isid_parse(separator + 3, ports->isid))
		return false;
	*separator = '\0';
	/* As names are kept: ASCII letters small. */
	for (char *c = text; *c; c++)
		if (*c >= 'A' && *c <= 'Z')
			*c = (char)(*c + 'a' - 'A');
	memcpy(ports->initiator, text, strlen(text) + 1);
	return true;
}
