/* SPDX-License-Identifier: MIT */
/* What the tests and the bench of the fingerprint index share: a folder of their own, and
 * fingerprints that are a function of a number. */
#ifndef TESTS_UNIT_INDEX_UTIL_H
#define TESTS_UNIT_INDEX_UTIL_H

#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "fs/store/index.h"

#define UTIL_PACK_CHUNKS 512u

static inline uint64_t util_mix(uint64_t x)
{
	x += UINT64_C(0x9e3779b97f4a7c15);
	x = (x ^ x >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	x = (x ^ x >> 27) * UINT64_C(0x94d049bb133111eb);
	return x ^ x >> 31;
}

static inline struct fingerprint util_fingerprint(uint64_t number)
{
	struct fingerprint fingerprint;
	for (unsigned i = 0; i < 4; i++) {
		uint64_t word = util_mix(number * 4 + i);
		memcpy(fingerprint.bytes + (size_t)8 * i, &word, 8);
	}
	return fingerprint;
}

/* Chunk `number` lies in the packs in order; packs begin with 1. */
static inline struct chunk_ref util_ref(uint64_t number)
{
	return (struct chunk_ref){number / UTIL_PACK_CHUNKS + 1,
				  (uint32_t)(number % UTIL_PACK_CHUNKS)};
}

static inline void util_make_folder(char folder[64])
{
	const char *base = getenv("TMPDIR");
	snprintf(folder, 64, "%.40s/index-XXXXXX", base && strlen(base) < 40 ? base : "/tmp");
	if (!mkdtemp(folder)) {
		perror(folder);
		exit(1);
	}
}

static inline void util_remove_folder(const char *folder)
{
	DIR *dir = opendir(folder);
	for (struct dirent *entry; dir && (entry = readdir(dir));) {
		if (entry->d_name[0] != '.')
			unlinkat(dirfd(dir), entry->d_name, 0);
	}
	if (dir)
		closedir(dir);
	rmdir(folder);
}

static inline struct index_options util_options(const char *folder, size_t memory)
{
	return (struct index_options){
		.folder = folder, .memory = memory, .store_uuid = {1, 2, 3, 4}};
}

#endif
