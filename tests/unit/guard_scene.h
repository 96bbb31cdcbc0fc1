/* SPDX-License-Identifier: MIT */
/*
 * A host that protects its blocks.
 */
#ifndef TESTS_UNIT_GUARD_SCENE_H
#define TESTS_UNIT_GUARD_SCENE_H

#include "target/tape/guard.h"
#include "tests/unit/drive_scene.h"

#define NONE GUARD_NONE
#define RS   GUARD_REED_SOLOMON
#define CRC  GUARD_CRC32C
enum { W = 0x80, R = 0x40, WR = 0xc0 };

/* Mode page 0Ah/F0h. */
void guard_page_of(uint8_t page[32], unsigned method, unsigned length, unsigned flags);
void guard_protect(struct drive_scene *s, struct scsi_nexus *nexus, unsigned method, unsigned flags);
/* Block `seed` of `size` bytes, and its protection information; the length of both. */
size_t guard_block(uint8_t *to, size_t size, unsigned seed, enum guard_method method);
/* WRITE of one, by host a. */
void guard_write(struct drive_scene *s, size_t size, unsigned seed, enum guard_method method);
void guard_rewind(struct drive_scene *s, struct scsi_nexus *nexus);

#endif
