/* SPDX-License-Identifier: MIT */
/*
 * The manifest of the fingerprint index, FOLDER/manifest, replaced atomically:
 *
 *   magic u64, version u32, runs u32, store uuid [16], covered u64, next run number u64,
 *   then for each run, the newest first: number u64, entries u64, pages u32, flags u32 (1: a page
 *   is damaged), smallest pack u64, largest pack u64; xxh3-64 of all before
 */
#ifndef FS_STORE_INDEX_MANIFEST_H
#define FS_STORE_INDEX_MANIFEST_H

#include <stddef.h>
#include <stdint.h>

#include "fs/store/index_run.h"

#define INDEX_MANIFEST_RUNS_MAX 63u

struct index_manifest {
	uint8_t uuid[16];
	uint64_t covered;  /* packs below are in the runs */
	uint64_t next_run; /* above every run's number */
	size_t count;
	struct index_run_record runs[INDEX_MANIFEST_RUNS_MAX];
};

/* -EBADMSG for bytes that are no manifest. */
int index_manifest_parse(const void *data, size_t size, struct index_manifest *manifest);
/* -ENOENT, -EBADMSG (also when it is another store's), -EIO, -ENOMEM. */
int index_manifest_read(const char *folder, const uint8_t uuid[16],
			struct index_manifest *manifest);
int index_manifest_write(const char *folder, const struct index_manifest *manifest);

#endif
