/* SPDX-License-Identifier: MIT */
/* What the files of a drive's pages share: mode, log and VPD pages, MAM, encryption. */
#ifndef TARGET_TAPE_DRIVE_INFO_H
#define TARGET_TAPE_DRIVE_INFO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "target/tape/drive_private.h"

#define DRIVE_MEBIBYTE (UINT64_C(1) << 20)

struct crypt;

/* What a cartridge has been through until the load that runs; attribute 0C00h of its MAM, numbers of
 * eight bytes in this order. */
struct volume_totals {
	uint64_t written_bytes, read_bytes;
	uint64_t written_blocks, read_blocks;
	uint64_t write_errors, read_errors;
	uint64_t write_mounts;		       /* loads in which something was written */
	uint64_t last_written, last_read;      /* bytes of the load before this one */
	uint64_t formats;
};

#define DRIVE_EVENTS 16u

/* A command that the medium or the hardware has failed, for log pages. */
struct drive_event {
	uint32_t hours;		/* drive_hours() */
	uint64_t milliseconds;	/* of the clock, since 1970 */
	uint8_t opcode, action; /* of the command; action: its service action */
	uint8_t key;
	uint16_t code;
	uint8_t density, medium_type; /* 0: there was no tape */
	uint8_t uuid[16];
	char barcode[CARTRIDGE_BARCODE_MAX + 1];
};

/* lu->lock, but for what says otherwise. */
struct drive_info {
	uint64_t loads;		   /* of the cartridge, this one included */
	struct volume_totals past; /* of the cartridge, before this load */
	uint64_t raised_alerts;	   /* TapeAlert flags since the load, lowered or not; for the MAM */
	uint64_t cleanings;	   /* of the drive's life */
	uint64_t made_ns;	   /* clock_monotonic_ns() when the drive was made */
	struct drive_event events[DRIVE_EVENTS]; /* the latest first */
	unsigned event_count;
	struct drive_counters log_base;	  /* drive->life when LOG SELECT last reset the counters */
	bool partitions_asked;	   /* MODE SELECT of page 11h since the load */
	uint8_t partition_page[12];
	struct crypt *crypt;	   /* NULL without settings.encryption; its own lock */
};

/* True for drives that say that they are IBM's: they have the pages of that vendor. */
bool drive_is_ibm(const struct drive *drive);
/* Bytes that are left in a partition, and what it has. lu->lock held or in a command. */
uint64_t drive_remaining(const struct drive *drive, unsigned partition);
/* Bytes that hosts wrote and read, on this cartridge in its life. */
struct volume_totals drive_volume_totals(const struct drive *drive);
/* drive_alert_locked() of a mask. */
void drive_alerts_raise_locked(struct drive *drive, uint64_t flags);
/* TapeAlert flags as eight bytes of VPD, MAM and log pages: flag 1 is the first bit. */
void drive_put_alerts(uint8_t bytes[8], uint64_t alerts);
/* Full hours since the drive was made. */
uint32_t drive_hours(const struct drive *drive);

/* ---- encryption: drive_crypt.c ---- */
int crypt_new(struct crypt **crypt);
void crypt_free(struct crypt **crypt);
/* Forgets keys: the cartridge goes (those that are to go with it), or the drive is reset (all). */
void crypt_unloaded(struct crypt *crypt);
void crypt_reset(struct drive *drive);
void crypt_nexus_lost(struct crypt *crypt, const struct scsi_nexus *nexus);
/* True while what somebody writes is sealed. */
bool crypt_is_on(struct crypt *crypt);
/* A persistent reservation has ended; `preempted`: somebody else has seen to that. */
bool crypt_reservation_lost(struct crypt *crypt, bool preempted);

#endif
