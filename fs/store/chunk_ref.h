/* SPDX-License-Identifier: MIT */
/* Where a chunk is: a pack's number, which never changes, and a slot in its directory. */
#ifndef FS_STORE_CHUNK_REF_H
#define FS_STORE_CHUNK_REF_H

#include <stdbool.h>
#include <stdint.h>

#define PACK_NUMBER_MAX ((UINT64_C(1) << 40) - 1) /* 40 bits on disk; 0 is no pack */
#define PACK_SLOTS_MAX  4096u

struct chunk_ref {
	uint64_t pack;
	uint32_t slot;
};

static inline bool chunk_ref_is_none(struct chunk_ref ref)
{
	return ref.pack == 0;
}

static inline bool chunk_ref_equal(struct chunk_ref a, struct chunk_ref b)
{
	return a.pack == b.pack && a.slot == b.slot;
}

#endif
