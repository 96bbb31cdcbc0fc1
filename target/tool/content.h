/* SPDX-License-Identifier: MIT */
/* Content: what a stretch of tape looks like: an archive that libarchive reads, or a label. */
#ifndef TARGET_TOOL_CONTENT_H
#define TARGET_TOOL_CONTENT_H

#include "target/tool/stretch.h"

#define CONTENT_KIND_MAX 128

struct content_member {
	const char *path;
	int64_t size;	  /* bytes */
	int64_t modified; /* seconds since 1970 */
	char type;	  /* as ls has it: '-', 'd', 'l' */
};

/*
 * The kind in words: "tar", "tar, gzip", "Bacula label G00001L8", "data". With `member` it is called
 * for each member of an archive, and what stops the list before its end stands in *trouble (the
 * caller's to free; NULL otherwise). Returns what reading the cartridge returned.
 */
int content_look(struct cartridge *c, unsigned partition, const struct stretch *stretch,
		 char kind[CONTENT_KIND_MAX],
		 void (*member)(void *context, const struct content_member *member), void *context,
		 char **trouble);

#endif
