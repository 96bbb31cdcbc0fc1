/* SPDX-License-Identifier: MIT */
/*
 * The end of a pack whose beginning is good: the tail and the header's copy.
 * Nothing reads it while the beginning is good, so damage there shows only when
 * somebody looks.
 */
#ifndef FS_STORE_PACK_END_H
#define FS_STORE_PACK_END_H

#include <stddef.h>
#include <stdint.h>

#include "fs/store/pack_rebuild.h"

/* What the last bytes of the pack should be. */
struct pack_end {
	uint8_t *data;
	size_t size;
	uint64_t offset; /* in the pack */
};

/* Compares the pack's end with what its header and `directory` say. 0: as it should be, or the
 * header at the beginning is bad, so that the end is what the directory was read from; 1: it is
 * not, or does not read, and *end is proven to be what was there; -EBADMSG: it is not, and what
 * it was is not known; -ENOMEM; an error of reading the header. */
int pack_end_check(const struct pack_source *source, const struct pack_directory *directory,
		   struct pack_end *end);
void pack_end_clear(struct pack_end *end);
#define CLEANUP_PACK_END __attribute__((cleanup(pack_end_clear)))

#endif
