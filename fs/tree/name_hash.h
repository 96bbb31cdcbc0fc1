/* SPDX-License-Identifier: MIT */
/* Where a name stands in its directory, if no other is there already; granary-format.5. */
#ifndef FS_TREE_NAME_HASH_H
#define FS_TREE_NAME_HASH_H

#include <stddef.h>
#include <stdint.h>
#include <xxhash.h>

#define ENTRY_PROBES   8u /* places from there on where a name may stand */
#define ENTRY_HASH_MAX ((uint64_t)INT64_MAX - 64) /* room for probes and cookies */

static inline uint64_t name_hash(uint64_t seed, const char *name, size_t length)
{
	uint64_t hash = XXH3_64bits_withSeed(name, length, seed) >> 1;
	if (hash > ENTRY_HASH_MAX)
		hash -= 64;
	return hash ? hash : 1;
}

#endif
