/* SPDX-License-Identifier: MIT */
/*
 * A tape drive (SSC-5) as the rest of the target sees it: a logical unit, and a
 * slot that takes a cartridge. What it answers to CDBs is in the files beside.
 */
#ifndef TARGET_TAPE_DRIVE_H
#define TARGET_TAPE_DRIVE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "target/scsi/scsi.h"
#include "target/tape/cartridge.h"

struct drive;

struct drive_settings {
	struct scsi_identity identity;
	uint8_t generation;	/* LTO: 4..9 */
	uint16_t element;	/* address in the library, for VPD B4h */
	size_t buffer;		/* bytes for write-behind, and for read-ahead; 0: 64 MiB */
	struct scsi_buffer_pool *pool;
	bool encryption;	/* offers SECURITY PROTOCOL 20h */
	/* Told on the drive's worker; may be NULL. `full`: the cartridge has reached its end. */
	void (*event)(void *context, struct drive *drive, const char *event, const char *barcode);
	void *context;
};

/* 0, -ENOMEM, -EAGAIN. */
int drive_new(const struct drive_settings *settings, struct drive **drive);
/* Unloads (flushing) and ends. */
void drive_free(struct drive **drive);
struct scsi_lu *drive_lu(struct drive *drive);

/* The library that it is in: the serial number that its changer tells, for VPD B3h. */
void drive_set_automation(struct drive *drive, const char *serial);

/* The robot's hand. Both may wait (they run in turn with the drive's commands); called from another
 * unit's worker or a service thread, never from the network's. Load: 0; -EMEDIUMTYPE when this drive
 * does not take the medium, -EBUSY with a cartridge in it, or what cartridge_open() says. A unit
 * attention 28h/00h follows. */
int drive_load(struct drive *drive, const char *cartridge_path);
/* Flushes, rewinds and lets go. -EPERM while removal is prevented (unless `force`), -ENOMEDIUM. An
 * error of the flush is returned after the cartridge is out. */
int drive_unload(struct drive *drive, bool force);
/* Has the initiator unloaded it (LOAD UNLOAD): the cartridge sits in the drive, not threaded. */
struct drive_state {
	bool present, loaded, write_protected, prevented, encrypting;
	char barcode[CARTRIDGE_BARCODE_MAX + 1];
	uint64_t object, file;		 /* position */
	unsigned partition;
	uint64_t written, read, mounts;	 /* bytes by hosts since load; loads of the drive's life */
	const char *activity;		 /* "idle", "writing", "reading", "locating", "flushing"... */
	uint64_t alerts;		 /* TapeAlert flags 1..64 that are raised, bit n-1, read or not */
};
/* Never waits. */
void drive_get_state(struct drive *drive, struct drive_state *state);

#endif
