/* SPDX-License-Identifier: MIT */
/*
 * Source: a tape of another format, or in another library's drive, that is read from its beginning to
 * its end. A format is a row of source_classes and a file with its three functions. Nothing that a
 * source says is trusted: a block is at most CARTRIDGE_BLOCK_MAX bytes, and what is wrong is named
 * with its place.
 */
#ifndef TARGET_TOOL_SOURCE_H
#define TARGET_TOOL_SOURCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "target/tape/cartridge.h"

enum source_kind { SOURCE_BLOCK, SOURCE_FILEMARK, SOURCE_END };

struct source_item {
	enum source_kind kind;
	const uint8_t *data; /* borrowed until the next call */
	uint32_t size;	     /* of a block: 1 to CARTRIDGE_BLOCK_MAX */
};

struct source;

struct source_class {
	const char *name, *title;
	/* By the file's first bytes, which may be fewer than SOURCE_HEAD; NULL: never found so. */
	bool (*recognise)(const uint8_t *head, size_t size, uint64_t file_size);
	/* 0 or -errno, with source->trouble. start and end may be NULL. */
	int (*start)(struct source *s);
	int (*next)(struct source *s, struct source_item *item);
	void (*end)(struct source *s);
	/* Gives the new cartridge what hosts have written to the memory of the old one; *count of them. May be
	 * NULL. */
	int (*attributes)(struct source *s, struct cartridge *c, unsigned *count);
};

#define SOURCE_HEAD 2048u

struct source {
	const struct source_class *class;
	const char *name; /* as the user wrote it */
	FILE *file;	  /* of the formats that are one file */
	char *buffer;	  /* of that */
	uint64_t size;	  /* of the file, UINT64_MAX when not known */
	uint64_t offset;  /* of the next byte of the file */
	uint64_t blocks;  /* so far, filemarks included */
	uint8_t *data;
	size_t capacity;
	char trouble[256];
	void *state; /* the class's own */
	const struct tool_call *call;
};

extern const struct source_class source_simh, source_aws, source_tgt, source_mhvtl, source_drive;

/* Whether --format may be that; false after a complaint. */
bool source_is_format(const char *format);
/* Opens; -errno after a complaint. `format` may be NULL. */
int source_open(const struct tool_call *call, const char *name, const char *format,
		struct source *source);
/* The same for a file that is open already; takes it, also when it fails. */
int source_start(struct source *source, const struct source_class *class, FILE *file);
int source_next(struct source *source, struct source_item *item);
void source_close(struct source *source);

/* ---- for the classes ---- */

/* Room for a block in s->data. */
int source_fit(struct source *s, size_t size);
/* Exactly `size` bytes of the file; -EBADMSG where it ends before, -EIO. */
int source_read(struct source *s, void *data, size_t size);
/* The same, but *ended where not a single byte is left. */
int source_read_head(struct source *s, void *data, size_t size, bool *ended);
/* Writes source->trouble, returns -EBADMSG. */
__attribute__((format(printf, 2, 3))) int source_damaged(struct source *s, const char *format, ...);

static inline uint16_t le_get16(const uint8_t *p)
{
	return (uint16_t)(p[0] | p[1] << 8);
}

static inline uint32_t le_get32(const uint8_t *p)
{
	return le_get16(p) | (uint32_t)le_get16(p + 2) << 16;
}

static inline uint64_t le_get64(const uint8_t *p)
{
	return le_get32(p) | (uint64_t)le_get32(p + 4) << 32;
}

#endif
