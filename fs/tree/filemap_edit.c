/* SPDX-License-Identifier: MIT */
/*
 * Edits of a file map: extents or a subtree take the place of a range of bytes.
 *
 * Both put the new bytes in first and then take the old ones, which now follow, away: the
 * new ones lie in nodes that are loaded, and taking away needs no memory when the leaf at
 * its far end is loaded as well.
 */
#include <errno.h>
#include <string.h>

#include "fs/tree/filemap_impl.h"
#include "lib/base/assert.h"

/* ---- leaves ---- */

/* Joins entries of [first, last] that continue each other. */
static void leaf_join(struct node *leaf, size_t first, size_t last)
{
	size_t out = first;
	if (leaf->count == 0)
		return;
	if (last >= leaf->count)
		last = leaf->count - 1;
	for (size_t i = first + 1; i <= last; i++) {
		if (extent_continues(&leaf->extents[out], &leaf->extents[i]))
			leaf->extents[out].length += leaf->extents[i].length;
		else
			leaf->extents[++out] = leaf->extents[i];
	}
	if (out < last) {
		memmove(&leaf->extents[out + 1], &leaf->extents[last + 1],
			(leaf->count - last - 1) * sizeof(struct extent));
		leaf->count -= last - out;
	}
}

/* Room for count + 1 more entries has been reserved. */
static void leaf_insert(struct node *leaf, uint64_t total, uint64_t offset,
			const struct extent *extents, size_t count)
{
	size_t i = 0;
	if (leaf->count && offset > 0) {
		i = node_find_before(leaf, total, &offset);
		struct extent *e = &leaf->extents[i];
		if (offset < e->length) {
			memmove(e + 1, e, (leaf->count - i) * sizeof(*e));
			leaf->count++;
			e[1] = extent_part(&e[0], offset, e->length - offset);
			e[0] = extent_part(&e[0], 0, offset);
		}
		i++;
	}
	ASSERT(leaf->count + count <= leaf->capacity);
	memmove(&leaf->extents[i + count], &leaf->extents[i],
		(leaf->count - i) * sizeof(struct extent));
	if (count)
		memcpy(&leaf->extents[i], extents, count * sizeof(struct extent));
	leaf->count += count;
	leaf_join(leaf, i ? i - 1 : 0, i + count);
}

/* Takes [from, to) away; room for one more entry has been reserved. Bytes of data taken. */
static uint64_t leaf_remove(struct node *leaf, uint64_t from, uint64_t to)
{
	uint64_t at = 0, taken = 0;
	size_t i = 0;
	while (i < leaf->count && at + leaf->extents[i].length <= from)
		at += leaf->extents[i++].length;
	size_t out = i;
	struct extent left = {0}, right = {0};
	for (; i < leaf->count && at < to; i++) {
		const struct extent *e = &leaf->extents[i];
		uint64_t end = at + e->length;
		uint64_t cut = (end < to ? end : to) - (at > from ? at : from);
		if (at < from)
			left = extent_part(e, 0, from - at);
		if (end > to)
			right = extent_part(e, to - at, end - to);
		if (e->kind == EXTENT_DATA)
			taken += cut;
		at = end;
	}
	size_t keep = (left.length != 0) + (right.length != 0);
	size_t seam = out;
	ASSERT(leaf->count - (i - out) + keep <= leaf->capacity);
	memmove(&leaf->extents[out + keep], &leaf->extents[i],
		(leaf->count - i) * sizeof(struct extent));
	leaf->count = leaf->count - (i - out) + keep;
	if (left.length)
		leaf->extents[out++] = left;
	if (right.length)
		leaf->extents[out] = right;
	leaf_join(leaf, seam ? seam - 1 : 0, seam + 2);
	return taken;
}

/* ---- the tree ---- */

/* Takes [from, to) of a child away. Nodes that are cut, not dropped, are loaded. */
static void child_remove(struct filemap *map, struct child *child, uint64_t from, uint64_t to)
{
	struct node *node = child->node;
	ASSERT(node != NULL);
	child->ref = (struct chunk_ref){0};
	child->length -= to - from;
	if (node->level == 0) {
		child->allocated -= leaf_remove(node, from, to);
		return;
	}
	uint64_t at = 0;
	size_t out = 0;
	for (size_t i = 0; i < node->count; i++) {
		struct child *c = &node->children[i];
		uint64_t start = at, end = at + c->length;
		at = end;
		if (start >= from && end <= to) {
			child->allocated -= c->allocated;
			node_release(c->node, &map->memory);
			continue;
		}
		if (start < to && end > from) {
			uint64_t before = c->allocated;
			child_remove(map, c, (from > start ? from : start) - start,
				     (to < end ? to : end) - start);
			child->allocated -= before - c->allocated;
		}
		node->children[out++] = *c;
	}
	node->count = out;
}

static void filemap_remove(struct filemap *map, uint64_t from, uint64_t to)
{
	if (to > map->root.length)
		to = map->root.length;
	if (from >= to)
		return;
	map->dirty = true;
	if (to - from == map->root.length) {
		node_release(map->root.node, &map->memory);
		map->root = (struct child){0};
		map->level = 0;
		return;
	}
	child_remove(map, &map->root, from, to);
}

/* The new bytes are in the sums already when the way goes down. */
static void child_insert(struct filemap *map, struct child *child, uint64_t offset,
			 const struct extent *extents, size_t count, const struct child *sum)
{
	struct node *node = child->node;
	uint64_t total = child->length;
	ASSERT(node != NULL);
	child->ref = (struct chunk_ref){0};
	child->length += sum->length;
	child->allocated += sum->allocated;
	if (node->level == 0) {
		leaf_insert(node, total, offset, extents, count);
		return;
	}
	size_t i = node_find_before(node, total, &offset);
	child_insert(map, &node->children[i], offset, extents, count, sum);
}

/* Divides what has become overlong on the way to this byte. */
static void child_divide_path(struct filemap *map, struct child *child, uint64_t offset)
{
	struct node *node = child->node;
	if (!node || node->level == 0 || child->length == 0)
		return;
	if (offset >= child->length)
		offset = child->length - 1;
	size_t i = node_find(node, child->length, &offset);
	child_divide_path(map, &node->children[i], offset);
	if (node->children[i].node)
		child_divide(map, node, i);
}

static void filemap_tidy(struct filemap *map, uint64_t offset)
{
	child_divide_path(map, &map->root, offset);
	filemap_divide_root(map);
	filemap_flatten(map);
}

static int filemap_ensure_root(struct filemap *map)
{
	if (map->root.node || map->root.length)
		return 0;
	map->level = 0;
	map->root.node = node_new(0, &map->memory);
	return map->root.node ? 0 : -ENOMEM;
}

/* Loads the leaves at both ends of the change and makes room in the first. */
static int filemap_prepare(struct filemap *map, uint64_t from, uint64_t to, size_t count)
{
	struct node *leaf;
	int rc = filemap_ensure_root(map);
	if (rc)
		return rc;
	if (map->root.length) {
		rc = filemap_load_path(map, from ? from - 1 : 0, &leaf);
		if (!rc && to < map->root.length)
			rc = filemap_load_path(map, to, NULL);
	} else {
		leaf = map->root.node;
	}
	/* The extent at `from` may be split, and what follows may be split again. */
	if (!rc)
		rc = node_reserve(leaf, leaf->count + count + 3, &map->memory);
	return rc;
}

int filemap_replace(struct filemap *map, uint64_t from, uint64_t to, const struct extent *extents,
		    size_t count)
{
	struct child sum = {0};
	for (size_t i = 0; i < count; i++) {
		sum.length += extents[i].length;
		if (extents[i].kind == EXTENT_DATA)
			sum.allocated += extents[i].length;
	}
	ASSERT(from <= map->root.length && from <= to);
	if (from == 0 && to >= map->root.length && count == 0) {
		/* Needs no node, so a damaged file can be emptied. */
		filemap_remove(map, 0, to);
		return 0;
	}
	int rc = filemap_prepare(map, from, to, count);
	if (rc)
		return rc;
	if (map->root.length)
		filemap_dirty_path(map, from ? from - 1 : 0);
	child_insert(map, &map->root, from, extents, count, &sum);
	map->dirty = true;
	map->storable += count * sizeof(struct extent);
	filemap_remove(map, from + sum.length, to + sum.length);
	if (from + sum.length < map->root.length)
		filemap_dirty_path(map, from + sum.length);
	filemap_tidy(map, from + sum.length ? from + sum.length - 1 : 0);
	return 0;
}

/* ---- subtrees ---- */

/* Finds or makes the place for a child of `level` at `offset`: the node of the level above and
 * the index. The root is above the child's level. */
static int filemap_make_place(struct filemap *map, uint64_t offset, unsigned level,
			      struct node **place, size_t *index)
{
	struct child *child = &map->root;
	for (unsigned at = map->level;; at--) {
		int rc = child_load(map, child, at);
		if (rc)
			return rc;
		struct node *node = child->node;
		size_t i = node_find_before(node, child->length, &offset);
		if (at > level + 1) {
			child = &node->children[i];
			continue;
		}
		if (offset > 0 && offset < node->children[i].length)
			rc = child_split_at(map, node, i, offset);
		if (!rc)
			rc = node_reserve(node, node->count + 1, &map->memory);
		*place = node;
		*index = offset > 0 ? i + 1 : i;
		return rc;
	}
}

/* Adds to the sums on the way from the root to the node that is to get a child at `offset`. */
static void filemap_add_sums(struct filemap *map, uint64_t offset, const struct node *place,
			     const struct child *sum)
{
	struct child *child = &map->root;
	for (;;) {
		uint64_t total = child->length;
		child->length += sum->length;
		child->allocated += sum->allocated;
		child->ref = (struct chunk_ref){0};
		if (child->node == place)
			return;
		child = &child->node->children[node_find_before(child->node, total, &offset)];
	}
}

int filemap_replace_tree(struct filemap *map, uint64_t from, uint64_t to, struct child *child,
			 unsigned level)
{
	struct node *place;
	size_t index;
	int rc = 0;
	ASSERT(from <= map->root.length && from <= to);
	if (from == 0 && to >= map->root.length) {
		node_release(map->root.node, &map->memory);
		map->root = *child;
		map->level = level;
		map->dirty = true;
		return 0;
	}
	while (!rc && map->level <= level)
		rc = filemap_grow(map);
	if (!rc)
		rc = filemap_make_place(map, from, level, &place, &index);
	if (!rc && to < map->root.length)
		rc = filemap_load_path(map, to, NULL);
	if (rc) {
		filemap_flatten(map);
		return rc;
	}
	filemap_add_sums(map, from, place, child);
	memmove(&place->children[index + 1], &place->children[index],
		(place->count - index) * sizeof(struct child));
	place->children[index] = *child;
	place->count++;
	map->dirty = true;
	uint64_t end = from + child->length;
	filemap_remove(map, end, to + child->length);
	if (end < map->root.length)
		filemap_dirty_path(map, end);
	filemap_tidy(map, from);
	return 0;
}
