/* SPDX-License-Identifier: MIT */
/* What the cartridge's tests share: a folder of their own, a cartridge in it, bytes that can be told apart. */
#ifndef TESTS_UNIT_CARTRIDGE_SUPPORT_H
#define TESTS_UNIT_CARTRIDGE_SUPPORT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "target/tape/cartridge.h"

struct scene {
	char folder[64];
	char path[128]; /* of the cartridge */
	struct cartridge *c;
};

/* cmocka's: *state becomes a struct scene with A00001L8 open for writing. */
int scene_setup(void **state);
int scene_teardown(void **state);
void scene_reopen(struct scene *s, enum cartridge_mode mode);
/* A file of the cartridge; the string is of the last four calls. */
const char *scene_file(const struct scene *s, const char *name);
uint64_t scene_size(const struct scene *s, const char *name);

struct cartridge_info scene_info(const char *barcode, const char *medium);
/* `count` blocks whose bytes depend on `seed` and their place. */
int append_blocks(struct cartridge *c, unsigned partition, uint32_t size, uint32_t count,
		  uint32_t seed);
/* Are the blocks from `object` on those of append_blocks()? */
void check_blocks(struct cartridge *c, unsigned partition, uint64_t object, uint32_t size,
		  uint32_t count, uint32_t seed);
void fill_bytes(uint8_t *data, size_t size, uint32_t seed);
void check_extent(const struct cartridge *c, unsigned partition, uint64_t objects,
		  uint64_t filemarks, uint64_t bytes);
void remove_tree(const char *path);

#endif
