/* SPDX-License-Identifier: MIT */
/*
 * Buffers of data on the way between socket and cartridge. One owner fills a
 * buffer; from the moment that it is shared nobody writes to it any more. The
 * last reference gives it back to the pool that it came from.
 *
 * A WRITE's data is received into one, queued by the drive and written from
 * there; a READ's data is read ahead into one and sent from there. So a byte is
 * copied by the kernel alone.
 */
#ifndef TARGET_SCSI_BUFFER_H
#define TARGET_SCSI_BUFFER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct scsi_buffer_pool;

struct scsi_buffer {
	uint8_t *data;	 /* page-aligned */
	size_t capacity; /* bytes */
	size_t size;	 /* bytes that are valid */
	bool secret;	 /* what it holds is wiped out before anybody else has it */
	unsigned references; /* atomic */
	struct scsi_buffer_pool *pool;
	struct scsi_buffer *next; /* the pool's */
};

/* Keeps at most `keep` bytes of free buffers for those to come. Any thread. */
struct scsi_buffer_pool *scsi_buffer_pool_new(size_t keep);
/* Buffers that are still referenced stay valid; the pool goes with the last of them. */
void scsi_buffer_pool_free(struct scsi_buffer_pool **pool);
/* At least `capacity` bytes, one reference; NULL without memory. Not zeroed: who hands bytes on
 * to a peer has written them. */
struct scsi_buffer *scsi_buffer_get(struct scsi_buffer_pool *pool, size_t capacity);
struct scsi_buffer *scsi_buffer_hold(struct scsi_buffer *buffer);
void scsi_buffer_release(struct scsi_buffer **buffer);

/* A run of bytes of a buffer; holds a reference. */
struct scsi_slice {
	struct scsi_buffer *buffer;
	size_t offset, size; /* bytes */
};

#endif
