/* SPDX-License-Identifier: MIT */
/* Reservations of a unit: what the files that keep them share. */
#ifndef TARGET_SCSI_RESERVE_H
#define TARGET_SCSI_RESERVE_H

#include "target/scsi/unit.h"

#define TRANSPORT_ID_ISCSI 0x45 /* format 01b: with the ISID; protocol 5h */
#define NOT_REGISTERED ((size_t)-1)

enum persistent_type { /* SPC-5 table 73 */
	PR_WRITE_EXCLUSIVE = 1, PR_EXCLUSIVE_ACCESS = 3, PR_WRITE_EXCLUSIVE_REGISTRANTS = 5,
	PR_EXCLUSIVE_ACCESS_REGISTRANTS = 6, PR_WRITE_EXCLUSIVE_ALL = 7, PR_EXCLUSIVE_ACCESS_ALL = 8,
};

/* The index of the ports' registration, or NOT_REGISTERED. lu->lock held. */
size_t registration_of(const struct scsi_reservation *reservation, const struct scsi_ports *ports);
/* Of a persistent reservation's type code. */
bool reservation_is_all_registrants(uint8_t type);
bool reservation_type_exists(uint8_t type);

/* RESERVE and RELEASE of SPC-2; PERSISTENT RESERVE IN. */
void reserve_run(struct scsi_lu *lu, struct scsi_task *task);
void release_run(struct scsi_lu *lu, struct scsi_task *task);
void persistent_in_run(struct scsi_lu *lu, struct scsi_task *task);
/* A copy without the holder of RESERVE. -ENOMEM. lu->lock held. */
int reservation_copy(const struct scsi_reservation *from, struct scsi_reservation *to);
void reservation_clear(struct scsi_reservation *reservation);
/* Gives it to the keeper. Waits. */
int reservation_save(struct scsi_lu *lu, const struct scsi_reservation *reservation);

/* Sets the initiator port that a TransportID names (SPC-5 7.6.4.6); false: none, or not one alone. */
bool transport_id_parse(const uint8_t *data, size_t size, struct scsi_ports *ports);

/* PERSISTENT RESERVE OUT; it waits where the keeper has to write. */
bool persistent_out_waits(struct scsi_lu *lu, const struct scsi_task *task);
void persistent_out_run(struct scsi_lu *lu, struct scsi_task *task);

#endif
