/* SPDX-License-Identifier: MIT */
/*
 * A pack whose header or directory is damaged, made whole from what is left:
 * the header's copy and the tail at its end say where its chunks are, and the
 * chunks themselves what their fingerprints are. It is whole when it has the
 * checksum that the lost directory had. Where the tail is damaged, too, what can be
 * proven of the directory is taken (pack_salvage.h).
 */
#ifndef FS_STORE_PACK_REBUILD_H
#define FS_STORE_PACK_REBUILD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "fs/store/pack.h"

/* Where a pack's bytes come from. */
struct pack_source {
	/* 0; -ENOMEM; -EBADMSG or -ENODATA for bytes that are not there; any other error for bytes
	 * that the disk does not give just now. Offsets are from the pack's start. */
	int (*read)(void *context, uint64_t offset, void *data, size_t size);
	void *context;
	const uint8_t *uuid; /* the store's */
	uint64_t length;     /* of the pack */
};

struct pack_rebuilt {
	struct pack_header header;
	struct pack_directory directory; /* fingerprints that are not known are zeros */
	uint8_t *head;    /* if whole, header and directory as the disk should have them */
	size_t head_size;
	bool whole;
	bool salvaged; /* not whole, and slots without a size are lost, not emptied */
	bool unread; /* not whole, and for some of it the disk gave an error: it may read later */
};

/* 0; -EBADMSG: nothing can be made of it, or it is no pack of this length; -ENOMEM; or why the
 * disk does not give what is needed. */
int pack_rebuild(const struct pack_source *source, struct pack_rebuilt *rebuilt);
void pack_rebuilt_clear(struct pack_rebuilt *rebuilt);
#define CLEANUP_REBUILT __attribute__((cleanup(pack_rebuilt_clear)))

#endif
