/* SPDX-License-Identifier: MIT */
/*
 * A partition: pN.data, pN.idx, and what they say, in memory.
 *
 * Invariants
 *  - `runs` is what readers see; runs up to `logged` objects and `stretches_logged` checksums
 *    have been given to the log, the rest is when partition_sync() makes a commit of it.
 *  - `committed` is what the last durable commit says. Bytes below committed.bytes are not
 *    overwritten and not cut off before a commit that does without them is durable.
 *  - The file has at least runs.end.bytes bytes, or the cartridge can write no more.
 */
#ifndef TARGET_TAPE_CARTRIDGE_PARTITION_H
#define TARGET_TAPE_CARTRIDGE_PARTITION_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "target/tape/cartridge.h"
#include "target/tape/cartridge_data.h"
#include "target/tape/cartridge_log.h"
#include "target/tape/cartridge_runs.h"

#define STRETCH_SIZE	 (1u << 20) /* bytes of pN.data that have one checksum */
#define DESCRIPTIONS_MAX (1u << 20)
#define RUN_RECORD	 8u /* bytes that a run takes in the index, more or less */

struct stretches {
	uint32_t *checksums; /* of whole stretches */
	size_t count, room;
	uint32_t tail; /* of the bytes after them */
};

struct description {
	uint8_t *data; /* NULL: no longer there */
	uint32_t size;
	bool kept; /* made since opening: a run may yet refer to it */
};

struct descriptions {
	struct description *list; /* number 1 is the first */
	size_t count, room;
};

struct partition {
	unsigned number;
	struct data_file data;
	int index;
	bool writable;
	struct run_list runs;
	struct descriptions descriptions;
	struct page_log log;
	uint64_t logged;
	size_t stretches_logged;
	struct cartridge_extent committed;
	uint64_t data_size; /* of the file */
	bool dirty;	    /* there is something to commit */
	bool data_dirty;    /* there are bytes that no fdatasync has covered */
	bool shortened;	    /* the file was shorter than the commit said */
	bool damaged;	    /* the index is, behind its last readable commit */
	bool unfinished;    /* behind it is a page that is not whole: power went, or it was the last good one */
	size_t runs_logged; /* about as many runs have been given to the log */
	uint64_t written_back; /* bytes whose writing to the disk has been started */
	uint64_t compact_at;   /* bytes of the index */

	pthread_mutex_t lock; /* of `stretches`, and of changes of runs.end.bytes, for readers beside */
	struct stretches stretches;
	uint64_t verified; /* stretch that was checked last, plus one */
	uint64_t verified_size;
};

struct partition_identity {
	uint8_t uuid[16];
	uint64_t epoch;
};

/* Makes an empty index of that identity, and the data file where there is none; durable but for names. */
int partition_create(int folder, unsigned number, const struct partition_identity *identity);
/* -ESTALE when the index is of an older epoch: the partition is empty. */
int partition_open(int folder, unsigned number, const struct partition_identity *identity,
		   bool writable, struct partition *p);
void partition_close(struct partition *p);

/* Blocks, filemarks behind what is there; in the index with the next partition_sync(). 0 or -errno. */
int partition_append(struct partition *p, const struct cartridge_blocks *list, unsigned count);
/* Of bytes to come, in at most `runs` runs, how many have their place on the disk; UINT64_MAX where the
 * host does not tell. */
uint64_t partition_reserve(struct partition *p, uint64_t bytes, unsigned runs);
/* Bytes that are set aside and not written. */
uint64_t partition_reserved(const struct partition *p);
int partition_append_filemarks(struct partition *p, uint64_t count);
/* What is from this object on is no more. Likewise. */
int partition_truncate(struct partition *p, uint64_t object);
/* What must be durable before, then everything in one commit. */
int partition_sync(struct partition *p);
/* The index anew; what is committed, and nothing else, is in memory before. */
int partition_compact(int folder, struct partition *p, const struct partition_identity *identity);
bool partition_is_bloated(const struct partition *p);

/* *number is what runs name it by: that of a late one that is alike, where there is one. -EINVAL: too long,
 * -ENOSPC: too many, -ENOMEM. */
int partition_add_description(struct partition *p, const void *data, size_t size, uint32_t *number);
/* The partition's. NULL: no such number. */
const struct description *partition_description(const struct partition *p, uint32_t number);

/* Checks the stretches that have these bytes, which have been read already. -EIO where one does not match. */
int partition_verify(struct partition *p, const void *data, uint64_t offset, size_t size);
/* The stretch's checksum, its bytes that count, or 0 when there is no such stretch. */
uint32_t stretch_length(struct partition *p, uint64_t stretch, uint32_t *checksum);

/* ---- between the partition's files ----------------------------------------------------- */

void stretches_free(struct stretches *stretches);
int stretches_reserve(struct stretches *stretches, uint64_t more_bytes);
/* `bytes` are in already. */
void stretches_add(struct stretches *stretches, uint64_t bytes, const void *data, size_t size);
/* Ends them at `bytes` of `old_bytes`: reads the part that stays of a stretch that is cut through. */
int stretches_truncate(struct stretches *stretches, struct data_file *data, uint64_t old_bytes,
		       uint64_t bytes);

int descriptions_add(struct descriptions *descriptions, uint32_t number, const void *data,
		     size_t size);
void descriptions_free(struct descriptions *descriptions);

/* The index's records as they are given to a log. */
void records_put_file(struct page_log *log, unsigned partition,
		      const struct partition_identity *identity);
void records_put_runs(struct page_log *log, const struct run_list *runs, uint64_t from);
void records_put_truncate(struct page_log *log, uint64_t object);
void records_put_checksums(struct page_log *log, const struct stretches *stretches, size_t from);
void records_put_description(struct page_log *log, uint32_t number,
			     const struct description *description);
void records_put_commit(struct page_log *log, const struct cartridge_extent *end, uint32_t tail);
/* Reads the index into an empty partition: runs, stretches, descriptions, committed. */
int records_load(int fd, struct partition *p, const struct partition_identity *identity,
		 struct page_range *range);

#endif
