/* SPDX-License-Identifier: MIT */
/*
 * Attributes of the medium auxiliary memory (SPC-5 7.4) that a drive knows: one table.
 * Those with `live` are made when they are read; the others are what the cartridge keeps.
 */
#ifndef TARGET_TAPE_DRIVE_MAM_H
#define TARGET_TAPE_DRIVE_MAM_H

#include "target/tape/drive_info.h"

#define MAM_CAPACITY	     (16u << 10) /* bytes for host attributes; the cartridge's limit */
#define MAM_ENTRY_SIZE	     6u		 /* that an attribute costs besides its value */
#define MAM_ALERTS	     0x0002u
#define MAM_LOAD_COUNT	     0x0003u
#define MAM_CHANGE_REFERENCE 0x0009u
#define MAM_LAST_DRIVE	     0x020au
#define MAM_DRIVE_SIZE	     40u
#define MAM_TOTALS	     0x0c00u /* struct volume_totals; hosts do not see it */
#define MAM_HOST_VENDOR	     0x1400u /* to 17FFh: whatever hosts want to keep */
#define MAM_HOST_VENDOR_LAST 0x17ffu

enum mam_format { MAM_BINARY, MAM_ASCII, MAM_TEXT };

enum mam_flags {
	MAM_HOST = 1 << 0,	/* WRITE ATTRIBUTE may change and delete it */
	MAM_VARIABLE = 1 << 1,	/* any length up to `length` */
	MAM_PARTITION = 1 << 2, /* each partition has its own */
};

struct mam_row {
	uint16_t id, length; /* bytes */
	uint8_t format, flags;
	/* `value` has `length` zeros. */
	void (*live)(const struct drive *drive, unsigned partition, uint8_t *value);
};

/* By identifier; the rows of the vendor range of hosts are one. NULL: not an attribute of ours. */
const struct mam_row *mam_find(uint16_t id);
/* Bytes that host attributes take. In a command, drained. */
size_t mam_used(const struct drive *drive);
/* Byte 7 of both CDBs, checked; false: the sense is set. */
bool mam_addressed(struct drive *drive, struct scsi_task *task, unsigned *partition);

void mam_run_read(struct scsi_lu *lu, struct scsi_task *task);
void mam_run_write(struct scsi_lu *lu, struct scsi_task *task);

#endif
