/* SPDX-License-Identifier: MIT */
/*
 * Stretch: what lies between two filemarks of a cartridge, "file 3" to people, counted from 0; and
 * a reader that gives its blocks.
 */
#ifndef TARGET_TOOL_STRETCH_H
#define TARGET_TOOL_STRETCH_H

#include "target/tape/cartridge.h"

struct stretch {
	uint64_t number;
	uint64_t first, end; /* objects: end is its filemark, or the end of the data */
	uint64_t blocks, bytes;
	uint32_t smallest, largest; /* blocks, bytes */
	bool encrypted;		    /* some of them */
	bool ended;		    /* by a filemark */
};

/* -ENXIO where the tape has no such file; nothing after the last filemark is no file. */
int stretch_find(struct cartridge *c, unsigned partition, uint64_t number, struct stretch *stretch);
/* The file that an object is in. */
int stretch_number(struct cartridge *c, unsigned partition, uint64_t object, uint64_t *number);

struct stretch_reader {
	struct cartridge *cartridge;
	unsigned partition;
	uint64_t object, end; /* the next one; where it stops */
	uint8_t *buffer;
	size_t capacity;
	uint64_t failed; /* the object at which stretch_read() failed */
};

/* From object `first` to before `end`; the cartridge stays the caller's, and open. */
void stretch_reader_start(struct stretch_reader *r, struct cartridge *c, unsigned partition,
			  uint64_t first, uint64_t end);
void stretch_reader_end(struct stretch_reader *r);
#define CLEANUP_READER __attribute__((cleanup(stretch_reader_end)))

/* Some equal blocks one after another, verified. Borrowed until the next call. */
struct stretch_blocks {
	const uint8_t *data;
	uint32_t block_size;
	uint64_t count; /* 0: the end; filemarks where block_size is 0 */
};
/* At most about `most` bytes, and one block in any case. -EIO at a damaged block, -ENOKEY at an encrypted
 * one: reader->failed says which. */
int stretch_read(struct stretch_reader *r, size_t most, struct stretch_blocks *blocks);

#endif
