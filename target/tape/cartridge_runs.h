/* SPDX-License-Identifier: MIT */
/*
 * The objects of a partition as runs: equal blocks, or filemarks, one after
 * another. Twelve bytes a run, and 24 bytes for each RUNS_GROUP of them that say what
 * lies before the group; a search is a binary search over groups and a walk in one.
 */
#ifndef TARGET_TAPE_CARTRIDGE_RUNS_H
#define TARGET_TAPE_CARTRIDGE_RUNS_H

#include <stddef.h>
#include <stdint.h>

#include "target/tape/cartridge.h"

#define RUNS_GROUP 64u

struct run {
	uint32_t size;	/* bytes of a block, below 2^24, 0: filemarks; flags above */
	uint32_t count; /* objects, never 0 */
	uint32_t extra;
};

struct run_list {
	struct run *runs;
	size_t count, room;
	struct cartridge_extent *bases; /* before run n * RUNS_GROUP */
	size_t base_room;
	struct cartridge_extent end;
};

void runs_free(struct run_list *list);
/* Room for `more` calls of runs_add() that cannot fail then. 0 or -ENOMEM. */
int runs_reserve(struct run_list *list, size_t more);
/* Appends; objects like the last ones extend its run. -ENOMEM, -EOVERFLOW. */
int runs_add(struct run_list *list, uint32_t block_size, uint32_t flags, uint32_t extra,
	     uint64_t count);
/* Ends the list before `object`, which is not past the end. */
void runs_truncate(struct run_list *list, uint64_t object);

/* As cartridge_find(), cartridge_find_filemark(). */
int runs_find(const struct run_list *list, uint64_t object, struct cartridge_place *place);
int runs_find_filemark(const struct run_list *list, uint64_t filemark, uint64_t *object);
/* The first block from `object` on with these flags; -ENXIO: there is none. Walks over runs. */
int runs_find_flags(const struct run_list *list, uint64_t object, uint32_t flags, uint64_t *found);
/* The block that has the byte; -ENXIO past the last. */
int runs_find_offset(const struct run_list *list, uint64_t offset, uint64_t *object);
/* The first of the filemarks that the list ends with; its end when it ends with a block. */
uint64_t runs_last_block_end(const struct run_list *list);

#endif
