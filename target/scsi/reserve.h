/* SPDX-License-Identifier: MIT */
/* Reservations of a unit: what the files that keep them share. */
#ifndef TARGET_SCSI_RESERVE_H
#define TARGET_SCSI_RESERVE_H

#include "target/scsi/unit.h"

#define NOT_REGISTERED ((size_t)-1)

enum persistent_type { /* SPC-5 table 73 */
	PR_WRITE_EXCLUSIVE = 1, PR_EXCLUSIVE_ACCESS = 3, PR_WRITE_EXCLUSIVE_REGISTRANTS = 5,
	PR_EXCLUSIVE_ACCESS_REGISTRANTS = 6, PR_WRITE_EXCLUSIVE_ALL = 7, PR_EXCLUSIVE_ACCESS_ALL = 8,
};

/* The index of the nexus' registration. lu->lock held. */
size_t registration_of(const struct scsi_reservation *reservation, const struct scsi_nexus *nexus);
bool reservation_is_all_registrants(uint8_t type);

void reserve_run(struct scsi_lu *lu, struct scsi_task *task);
void release_run(struct scsi_lu *lu, struct scsi_task *task);
void persistent_in_run(struct scsi_lu *lu, struct scsi_task *task);
void persistent_out_run(struct scsi_lu *lu, struct scsi_task *task);

#endif
