/* SPDX-License-Identifier: MIT */
/*
 * Decoded regions, kept longest unused last within a bound of bytes. A region
 * that several threads miss at the same time is loaded once. The key has the
 * pack's version in it: what cleaning rewrites is another region.
 */
#ifndef FS_STORE_REGION_CACHE_H
#define FS_STORE_REGION_CACHE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "fs/store/buffer.h"

struct region_cache;

struct region_key {
	uint64_t pack;
	uint32_t version;
	uint32_t region;
};

/* Makes the region's bytes: 0 and a buffer whose reference is the cache's, or -errno. */
typedef int region_loader(void *context, const struct region_key *key, struct buffer **buffer);

struct region_cache *region_cache_new(size_t memory);
void region_cache_free(struct region_cache **cache);
/* The region, loaded with `load` if need be; the reference is the caller's. An error is not
 * remembered: the next one who asks tries again. */
int region_cache_get(struct region_cache *cache, const struct region_key *key, region_loader *load,
		     void *context, struct buffer **buffer);
/* It is there or on its way. */
bool region_cache_has(struct region_cache *cache, const struct region_key *key);

struct region_cache_stats {
	uint64_t hits, misses, bytes;
};
void region_cache_get_stats(struct region_cache *cache, struct region_cache_stats *stats);

#endif
