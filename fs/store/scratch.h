/* SPDX-License-Identifier: MIT */
/*
 * Working memory of the threads that compress and decompress: a compressor and
 * room for a region's stored bytes, lent out and given back, so that there are
 * as many as threads at work at the same time and no more.
 */
#ifndef FS_STORE_SCRATCH_H
#define FS_STORE_SCRATCH_H

#include <stddef.h>
#include <stdint.h>

#include "fs/chunk/compress.h"

struct scratch_pool;

struct scratch {
	struct compressor *compressor;
	uint8_t *room;
	size_t room_size;
	struct scratch_pool *pool;
	struct scratch *next;
};

struct scratch_pool *scratch_pool_new(void);
void scratch_pool_free(struct scratch_pool **pool);
/* With at least `room` bytes; NULL without memory. */
struct scratch *scratch_take(struct scratch_pool *pool, size_t room);
void scratch_give(struct scratch **scratch);

#define CLEANUP_SCRATCH __attribute__((cleanup(scratch_give)))

#endif
