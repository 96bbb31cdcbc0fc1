/* SPDX-License-Identifier: MIT */
/*
 * What READ and VERIFY have in common: a request is planned from the cartridge's index
 * (drive_plan.c), its bytes are given or only looked at, and then its end is told.
 */
#ifndef TARGET_TAPE_DRIVE_READ_H
#define TARGET_TAPE_DRIVE_READ_H

#include "target/tape/drive_guard.h"
#include "target/tape/drive_private.h"

/* What a CDB asks for. */
struct read_request {
	bool fixed, silent; /* SILI */
	uint32_t length;    /* blocks, or bytes */
	enum guard_method guard; /* the host gets protection information with each block */
	uint32_t guard_size;	 /* bytes of it; counted in lengths */
};

enum read_end { READ_COMPLETE, READ_FILEMARK, READ_END_OF_DATA, READ_LENGTH, READ_BROKEN };

struct read_plan {
	enum read_end end;
	uint64_t offset, bytes; /* of the partition: what is read, where blocks are not sealed */
	uint64_t give;		/* of them, what the host gets (a long block is cut) */
	uint64_t blocks;	/* that the position moves over */
	uint32_t good;		/* blocks of the right length */
	uint32_t size;		/* bytes of each block, its protection information not counted */
	uint32_t actual;	/* bytes of the block of another length, with it */
	uint32_t stored;	/* sealed blocks: bytes of each on the cartridge; 0: not sealed */
	struct cartridge_place place; /* of the first */
};

/* What a READ or VERIFY asks for, by its CDB and the mode pages. */
struct read_request read_request_of(struct drive *drive, const struct scsi_task *task);
/* Else the sense is set. */
bool read_request_valid(const struct drive *drive, struct scsi_task *task,
			const struct read_request *request);
/* The first blocks of a request: all of those that are left, but where reading them together has
 * failed. */
struct read_request read_first_blocks(const struct read_request *request, uint32_t step);
/* Bytes of each block of a run, as a host has written it. */
uint32_t read_plain_size(const struct cartridge_place *place);
/* Plans from `object` on. 0 or -EIO. */
int read_plan(const struct drive *drive, const struct read_request *request, uint64_t object,
	      struct read_plan *plan);
/* The position moves over what was planned; `bytes`: that the host got. */
void read_advance(struct drive *drive, const struct read_plan *plan, bool filemark, uint64_t bytes);
/* What the host is told about how the read has ended; `left`: blocks or bytes that it misses. */
void read_tell_end(const struct drive *drive, struct scsi_task *task,
		   const struct read_request *request, const struct read_plan *plan, int64_t left);
/* A block of another length: ILI. */
void read_tell_length(struct scsi_task *task, int64_t information);
/* The same where it has failed. -ECANCELED: the sense is set already. */
void read_tell_failure(struct drive *drive, struct scsi_task *task, int error, int64_t left);

#endif
