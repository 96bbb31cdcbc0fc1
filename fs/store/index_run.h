/* SPDX-License-Identifier: MIT */
/*
 * A sorted run: an immutable file of entries in ascending order, with a filter
 * file beside it (index_filter.h).
 *
 *   page 0: magic u64, version u32, page size u32, run number u64, entries u64, pages u64,
 *           smallest pack u64, largest pack u64, store uuid [16], zeros,
 *           xxh3-64 of all before in the last 8 bytes
 *   page 1..: index_page.h, numbered from 0, every one but the last is full
 */
#ifndef FS_STORE_INDEX_RUN_H
#define FS_STORE_INDEX_RUN_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "fs/store/index_entry.h"
#include "fs/store/index_filter.h"

#define INDEX_RUN_MAGIC   UINT64_C(0x4e5552504e415247) /* "GRANPRUN" */
#define INDEX_RUN_VERSION 1u

/* What the manifest says of a run. */
struct index_run_record {
	uint64_t number, entries;
	uint32_t pages;
	uint64_t pack_min, pack_max;
	bool damaged; /* a page has been found bad; the coverage was lowered for it */
};

struct index_run {
	struct index_run_record record; /* `damaged` is kept in the field below */
	atomic_bool damaged;
	int fd;
	char *path, *filter_path;
	struct index_filter *filter;
	uint64_t disk_bytes;
	/* The rest under the index's lock. */
	unsigned references;
	struct index_filter_bits *bits;
	bool accounted; /* the damage has lowered the coverage */
};

/* FOLDER/run-NUMBER and the filter's name; free() them. */
char *index_run_path(const char *folder, uint64_t number);
char *index_run_filter_path(const char *folder, uint64_t number);

/* Opens a run that the manifest names. The filter file is not looked at. -EBADMSG, -ENOENT,
 * -ENOMEM, -EIO. The run has one reference and no bits. */
int index_run_open(const char *folder, const uint8_t uuid[16],
		   const struct index_run_record *record, struct index_run **run);
/* Opens the filter file, and writes it anew from the run's pages when it is not good. */
int index_run_open_filter(struct index_run *run);
/* Closes; the files stay. */
void index_run_free(struct index_run **run);
void index_run_unlink(const struct index_run *run);

/* The key's place, 0 when it is not in the run. *reads counts pages. -EBADMSG for a damaged
 * page, -EIO. */
int index_run_find(const struct index_run *run, const struct index_entry *key, uint64_t *place,
		   uint64_t *reads);

/* ---- reading in order ---- */

struct index_run_reader;
int index_run_reader_new(struct index_run *run, struct index_run_reader **reader);
void index_run_reader_free(struct index_run_reader **reader);
/* 1 and the next entry, 0 at the end. What cannot be read or is damaged or out of order is
 * left out, and the run is marked. */
int index_run_reader_next(struct index_run_reader *reader, struct index_entry *entry);

/* ---- writing ---- */

struct index_run_writer;
/* At most `expected` entries will come. */
int index_run_writer_new(const char *folder, const uint8_t uuid[16], uint64_t number,
			 uint64_t expected, struct index_run_writer **writer);
/* Ascending, no key twice. */
int index_run_writer_add(struct index_run_writer *writer, const struct index_entry *entry);
/* Writes and syncs run, filter and folder, and opens it (no bits yet). *run is NULL when no
 * entry came. */
int index_run_writer_finish(struct index_run_writer *writer, struct index_run **run);
/* Removes what was not finished. */
void index_run_writer_free(struct index_run_writer **writer);

#endif
