/* SPDX-License-Identifier: MIT */
/* Finds the packs that are in the segment files, without the catalogue. */
#ifndef FS_TOOL_SCAN_H
#define FS_TOOL_SCAN_H

#include <stddef.h>
#include <stdint.h>

#include "fs/tool/packs.h"

struct scan_segment {
	uint64_t number;
	uint64_t end;  /* of the last good pack in it */
	uint64_t used; /* bytes of packs that count */
};

struct scan {
	struct pack_list packs; /* the highest version of each number */
	struct scan_segment *segments;
	size_t segment_count, segment_capacity;
	uint64_t damaged; /* places that look like a pack and are none */
};

/* Reads all headers and directories; packs whose directory is damaged do not count. */
int scan_store(const char *store_path, const uint8_t uuid[16], struct scan *scan);
void scan_clear(struct scan *scan);

#endif
