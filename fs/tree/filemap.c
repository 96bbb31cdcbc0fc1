/* SPDX-License-Identifier: MIT */
/*
 * File map: life, blob, sizes and the edits that callers see. The tree is in
 * filemap_tree.c and filemap_edit.c, storing in filemap_save.c, looking in filemap_read.c.
 */
#include "fs/tree/filemap.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "fs/tree/filemap_impl.h"
#include "lib/base/assert.h"
#include "lib/base/cleanup.h"
#include "lib/base/mem.h"

/* Dirty leaves are stored to make room only when there is something to gain. */
#define SHRINK_WORTH (LEAF_MAX * sizeof(struct extent))

struct filemap *filemap_new(const struct filemap_io *io)
{
	struct filemap *map = mem_try_zalloc(1, sizeof(*map));
	if (!map)
		return NULL;
	map->magic = FILEMAP_OBJECT;
	map->io = *io;
	return map;
}

void filemap_free(struct filemap **map)
{
	if (!*map)
		return;
	ASSERT_OBJECT(*map, FILEMAP_OBJECT);
	node_release((*map)->root.node, &(*map)->memory);
	ASSERT((*map)->memory == 0);
	(*map)->magic = 0;
	free(*map);
	*map = NULL;
}

int filemap_load(const struct filemap_io *io, const void *blob, size_t size, struct filemap **out)
{
	struct filemap *map = filemap_new(io);
	if (!map)
		return -ENOMEM;
	int rc = blob_decode(blob, size, &map->root, &map->level, &map->memory);
	if (rc) {
		filemap_free(&map);
		return rc;
	}
	*out = map;
	return 0;
}

uint64_t filemap_length(const struct filemap *map)
{
	return map->root.length;
}

uint64_t filemap_allocated(const struct filemap *map)
{
	return map->root.allocated;
}

bool filemap_is_dirty(const struct filemap *map)
{
	return map->dirty;
}

size_t filemap_memory(const struct filemap *map)
{
	return sizeof(*map) + map->memory;
}

/* ---- memory ---- */

/* Lets go of stored subtrees that nobody has looked at since `stamp`, until `keep` is reached. */
static void child_drop(struct filemap *map, struct child *child, unsigned stamp, size_t keep)
{
	struct node *node = child->node;
	if (!node || filemap_memory(map) <= keep)
		return;
	for (size_t i = 0; node->level && i < node->count; i++)
		if (node->children[i].node)
			child_drop(map, &node->children[i], stamp, keep);
	if (!chunk_ref_is_none(child->ref) && node->stamp - stamp > UINT_MAX / 2 &&
	    filemap_memory(map) > keep) {
		node_release(node, &map->memory);
		child->node = NULL;
	}
}

int filemap_shrink(struct filemap *map, size_t keep)
{
	ASSERT_OBJECT(map, FILEMAP_OBJECT);
	int rc = 0;
	if (filemap_memory(map) > keep)
		child_drop(map, &map->root, map->stamp, keep);
	if (filemap_memory(map) > keep && map->storable >= SHRINK_WORTH)
		rc = filemap_store(map, false);
	if (filemap_memory(map) > keep)
		child_drop(map, &map->root, map->stamp + 1, keep);
	map->stamp++;
	return rc;
}

/* ---- edits ---- */

size_t extents_hole(struct extent *extents, uint64_t length)
{
	size_t n = 0;
	while (length) {
		uint64_t part = length < EXTENT_LENGTH_MAX ? length : EXTENT_LENGTH_MAX;
		extents[n++] = (struct extent){.length = part, .kind = EXTENT_HOLE};
		length -= part;
	}
	return n;
}

/* Holes with no chunk in them, nothing of no length, a hole of `gap` bytes first. All holes
 * together need at most HOLE_EXTENTS entries more than they had. */
static size_t extents_normalise(struct extent *to, uint64_t gap, const struct extent *from,
				size_t count)
{
	size_t n = extents_hole(to, gap);
	for (size_t i = 0; i < count; i++) {
		if (from[i].kind == EXTENT_HOLE)
			n += extents_hole(&to[n], from[i].length);
		else if (from[i].length)
			to[n++] = from[i];
	}
	return n;
}

int filemap_write(struct filemap *map, uint64_t offset, const struct extent *extents, size_t count)
{
	struct extent few[8];
	CLEANUP_FREE struct extent *many = NULL;
	struct extent *all = few;
	uint64_t end = offset;
	ASSERT_OBJECT(map, FILEMAP_OBJECT);
	for (size_t i = 0; i < count; i++)
		if (__builtin_add_overflow(end, extents[i].length, &end))
			return -EFBIG;
	if (end > FILEMAP_LENGTH_MAX)
		return -EFBIG;
	if (end == offset)
		return 0;
	if (count + HOLE_EXTENTS > sizeof(few) / sizeof(few[0])) {
		all = many = mem_try_alloc(count + HOLE_EXTENTS, sizeof(*many));
		if (!many)
			return -ENOMEM;
	}
	uint64_t length = map->root.length;
	uint64_t from = offset < length ? offset : length;
	count = extents_normalise(all, offset - from, extents, count);
	return filemap_replace(map, from, end, all, count);
}

int filemap_punch(struct filemap *map, uint64_t offset, uint64_t length)
{
	ASSERT_OBJECT(map, FILEMAP_OBJECT);
	if (offset >= map->root.length || length == 0)
		return 0;
	if (length > map->root.length - offset)
		length = map->root.length - offset;
	struct extent hole[HOLE_EXTENTS];
	return filemap_replace(map, offset, offset + length, hole, extents_hole(hole, length));
}

int filemap_truncate(struct filemap *map, uint64_t length)
{
	ASSERT_OBJECT(map, FILEMAP_OBJECT);
	if (length >= map->root.length)
		return 0;
	return filemap_replace(map, length, map->root.length, NULL, 0);
}
