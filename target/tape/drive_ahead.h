/* SPDX-License-Identifier: MIT */
/*
 * Read-ahead of a drive: a window of a partition's bytes in buffers, filled by a thread from where
 * a host reads on. Since a partition's file has blocks and nothing else, the window knows only bytes.
 */
#ifndef TARGET_TAPE_DRIVE_AHEAD_H
#define TARGET_TAPE_DRIVE_AHEAD_H

#include "target/tape/drive_private.h"

/* Bytes of data-in of one command at most: what fits in a task's slices. */
#define AHEAD_TRANSFER_MAX (64u << 20)
/* Slices that ahead_give() makes at most. */
#define AHEAD_SLICES_MAX (SCSI_SLICES - 4)

/* 0, -ENOMEM, -EAGAIN. */
int ahead_new(struct drive *drive);
void ahead_free(struct drive *drive);
/* True when these bytes are in memory. */
bool ahead_has(struct drive *drive, unsigned partition, uint64_t offset, size_t size);
/* Gives the bytes to the task as slices and reads on behind them; waits if ahead_has() said no.
 * `limit`: where the partition's bytes end. -EIO, -ENOMEM: nothing is given. At most
 * AHEAD_TRANSFER_MAX. */
int ahead_give(struct drive *drive, struct scsi_task *task, unsigned partition, uint64_t offset,
	       size_t size, uint64_t limit);
/* Bytes past the window, into a buffer of their own. On the worker. */
int ahead_read(struct drive *drive, unsigned partition, uint64_t offset, size_t size,
	       struct scsi_buffer **buffer);
/* Forgets the window; no read runs when it returns. Before anything is cut off or closed. */
void ahead_stop(struct drive *drive);

#endif
