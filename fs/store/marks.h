/* SPDX-License-Identifier: MIT */
/* What marks.c tells sweep.c. */
#ifndef FS_STORE_MARKS_H
#define FS_STORE_MARKS_H

#include "fs/store/sweep.h"

/* A covered pack that existed when marking began. */
bool marks_cover(const struct store_marks *marks, uint64_t pack);
bool marks_is_set(const struct store_marks *marks, struct chunk_ref ref);
/* Number of marked slots. */
uint32_t marks_count(const struct store_marks *marks, uint64_t pack);

#endif
