/* SPDX-License-Identifier: MIT */
/*
 * Logical block protection: which hosts send four bytes of protection information behind each block,
 * or want them (mode page 0Ah/F0h). An initiator port asks for itself alone; blocks are stored without
 * them, and they are made anew for whoever reads them.
 */
#ifndef TARGET_TAPE_DRIVE_GUARD_H
#define TARGET_TAPE_DRIVE_GUARD_H

#include "target/tape/drive_private.h"
#include "target/tape/guard.h"

#define GUARD_PAGE_SIZE 32u

/* What a nexus has asked for: GUARD_NONE where its blocks come and go alone. */
struct drive_guard {
	enum guard_method write, read;
};

/* Drives that can, by their generation. */
bool drive_guards(const struct drive *drive);
/* The last of the methods that it has. */
enum guard_method drive_guard_last(const struct drive *drive);
/* In a command. Costs a look where no nexus has asked. */
struct drive_guard drive_guard_of(struct drive *drive, const struct scsi_nexus *nexus);
/* Checks the blocks of a WRITE in its data-out, each `size` bytes and their protection information, and
 * puts them side by side without it. Returns how many of the first are right, *task->out's now. */
uint32_t drive_guard_strip(struct scsi_task *task, enum guard_method method, uint32_t size, uint32_t count);
/* CHECK CONDITION with INFORMATION; noted for the log pages. */
void drive_guard_failed(struct drive *drive, struct scsi_task *task, int64_t information);
/* All settings are forgotten: at a reset, and at the end, when there is no unit any more. */
void drive_guard_reset(struct drive *drive);
void drive_guard_free(struct drive *drive);
/* The session ends; lu->lock held. */
void drive_guard_lost_locked(struct drive *drive, const struct scsi_nexus *nexus);

/* ---- mode page 0Ah/F0h ---- */
extern const uint8_t guard_page_defaults[GUARD_PAGE_SIZE], guard_page_changeable[GUARD_PAGE_SIZE];
int guard_page_check(struct scsi_lu *lu, const uint8_t *page);
int guard_page_changed(struct scsi_lu *lu, const struct scsi_nexus *nexus, const uint8_t *page);
void guard_page_refresh(struct scsi_lu *lu, const struct scsi_nexus *nexus, uint8_t *page);

#endif
