/* SPDX-License-Identifier: MIT */
/*
 * Reservations: which commands they stand against (SPC-5 table 72), and RESERVE
 * and RELEASE as SPC-2 has them. The two kinds exclude each other: while somebody
 * is registered RESERVE conflicts, while a RESERVE stands persistent ones do.
 */
#include "target/scsi/reserve.h"

#include <string.h>

#include "lib/base/cleanup.h"

size_t registration_of(const struct scsi_reservation *reservation, const struct scsi_ports *ports)
{
	for (size_t i = 0; i < reservation->count; i++)
		if (scsi_ports_equal(&reservation->registrations[i].ports, ports))
			return i;
	return NOT_REGISTERED;
}

bool reservation_is_all_registrants(uint8_t type)
{
	return type == PR_WRITE_EXCLUSIVE_ALL || type == PR_EXCLUSIVE_ACCESS_ALL;
}

bool reservation_type_exists(uint8_t type)
{
	static const bool types[16] = {
		[PR_WRITE_EXCLUSIVE] = true,		  [PR_EXCLUSIVE_ACCESS] = true,
		[PR_WRITE_EXCLUSIVE_REGISTRANTS] = true,  [PR_EXCLUSIVE_ACCESS_REGISTRANTS] = true,
		[PR_WRITE_EXCLUSIVE_ALL] = true,	  [PR_EXCLUSIVE_ACCESS_ALL] = true,
	};
	return type < sizeof(types) && types[type];
}

static bool is_write_exclusive(uint8_t type)
{
	return type == PR_WRITE_EXCLUSIVE || type == PR_WRITE_EXCLUSIVE_REGISTRANTS ||
	       type == PR_WRITE_EXCLUSIVE_ALL;
}

static bool persistent_conflicts(const struct scsi_reservation *reservation,
				 const struct scsi_task *task)
{
	unsigned flags = task->row->flags;
	size_t own = registration_of(reservation, &task->nexus->ports);
	if (flags & SCSI_IF_PERSISTENT)
		return false;
	if (flags & SCSI_IF_WRITE_EXCLUSIVE && is_write_exclusive(reservation->type))
		return false;
	if (reservation->type >= PR_WRITE_EXCLUSIVE_REGISTRANTS)
		return own == NOT_REGISTERED;
	return own != reservation->owner;
}

bool reservation_conflicts_locked(const struct scsi_lu *lu, const struct scsi_task *task)
{
	const struct scsi_reservation *reservation = &lu->unit->reservation;
	const struct scsi_opcode *row = task->row;
	if (row->flags & SCSI_IF_RESERVED &&
	    (task->cdb[row->reserved_byte] & row->reserved_bits) == row->reserved_bits)
		return false;
	/* PREVENT ALLOW MEDIUM REMOVAL that allows. */
	if (task->cdb[0] == 0x1e && !(task->cdb[4] & 3))
		return false;
	if (reservation->holder)
		return reservation->holder != task->nexus;
	return reservation->type && persistent_conflicts(reservation, task);
}

void reserve_run(struct scsi_lu *lu, struct scsi_task *task)
{
	struct scsi_reservation *reservation = &lu->unit->reservation;
	LOCK_SCOPE(&lu->lock);
	if (reservation->count || (reservation->holder && reservation->holder != task->nexus)) {
		task->status = SCSI_RESERVATION_CONFLICT;
		return;
	}
	/* A session that ends has looked at the unit already, or will. */
	if (!scsi_nexus_is_closing_locked(task->nexus))
		reservation->holder = task->nexus;
}

void release_run(struct scsi_lu *lu, struct scsi_task *task)
{
	struct scsi_reservation *reservation = &lu->unit->reservation;
	LOCK_SCOPE(&lu->lock);
	if (reservation->count)
		task->status = SCSI_RESERVATION_CONFLICT;
	else if (reservation->holder == task->nexus)
		reservation->holder = NULL;
}
