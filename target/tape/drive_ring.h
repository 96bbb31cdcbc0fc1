/* SPDX-License-Identifier: MIT */
/*
 * Write-behind of a drive: blocks and filemarks that hosts were told are written, on their way to the
 * cartridge. One command at a time adds; one thread, the flusher, takes.
 */
#ifndef TARGET_TAPE_DRIVE_RING_H
#define TARGET_TAPE_DRIVE_RING_H

#include "target/tape/drive_private.h"

struct drive_piece {
	struct scsi_buffer *buffer; /* NULL: filemarks */
	uint32_t block_size, count; /* of blocks, from the buffer's begin on */
	uint64_t filemarks;
	size_t cost; /* bytes of memory */
};

/* 0, -ENOMEM, -EAGAIN. */
int ring_new(struct drive *drive);
/* Ends its thread: nothing of the drive is used by it afterwards. It is empty. */
void ring_stop(struct drive *drive);
void ring_free(struct drive *drive);
/* True when a piece of that many bytes goes in at once. */
bool ring_has_room(struct drive *drive, size_t bytes);
/* Waits until it goes in or the ring is empty; 0 or the -errno of a flush that failed (then nothing of it
 * is kept). */
int ring_wait_room(struct drive *drive, size_t bytes);
/* Takes the piece's buffer. There is room. 0 or -errno as above. */
int ring_add(struct drive *drive, struct drive_piece *piece);
/* Waits until it is empty and the flusher idle. 0 or -errno; -ENOSPC also where the host has no room and
 * what is in the ring stays there. */
int ring_wait_empty(struct drive *drive);
/* The same for who needs all of it on the cartridge: what has found no room before is tried once more, and
 * lost if it finds none now. */
int ring_finish(struct drive *drive);
/* What waits in it has found no room on the host's disk: nothing more goes in before it does. */
bool ring_is_full(struct drive *drive);
/* The failure that stopped the flusher, or 0. */
int ring_error(struct drive *drive);

struct ring_loss {
	uint64_t objects, bytes; /* that were in it when the flusher failed */
	bool told;		 /* the flusher has told the writer */
};
struct ring_loss ring_loss(struct drive *drive);
/* Of the cartridge that was there at the last ring_begin(). Any thread. */
void ring_barcode(struct drive *drive, char barcode[CARTRIDGE_BARCODE_MAX + 1]);
/* After a load: the failure is forgotten, and the host's free space measured. Empty. */
void ring_begin(struct drive *drive);
/* Bytes that the host has room for beyond what is in the ring. */
uint64_t ring_space(struct drive *drive);
/* Measures it again, and has the host set aside what the ring may take; empty, on the worker. */
void ring_measure(struct drive *drive);
/* Has the flusher call the drive's event: nobody waits for it. */
void ring_tell_full(struct drive *drive);

#endif
