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
	uint64_t used; /* bytes of packs that were chosen */
};

struct scan_place {
	uint64_t segment, offset;
};

struct scan {
	struct pack_list packs; /* all, by number, newest first */
	struct scan_segment *segments;
	size_t segment_count, segment_capacity;
	struct scan_place *unreadable; /* the disk did not give them back */
	size_t unreadable_count, unreadable_capacity;
};

/* Reads all headers and directories; packs that read from neither end do not count. */
int scan_store(const char *store_path, const uint8_t uuid[16], struct scan *scan);
/* One pack of each number: the one that `known` has, if it was found, else the newest. A newer
 * one may be a copy that cleaning made and no commit took, without chunks that are alive.
 * What `known` has in an unreadable place stays there: it may read another time.
 * Counts what they use of the segments. 0 or -ENOMEM. */
int scan_choose(struct scan *scan, const struct pack_list *known, struct pack_list *chosen);
void scan_clear(struct scan *scan);

#endif
