/* SPDX-License-Identifier: MIT */
/*
 * The tree under a file map: loading, finding, dividing nodes. Nothing here changes
 * what the map says.
 */
#include <errno.h>
#include <string.h>

#include "fs/tree/filemap_impl.h"
#include "lib/base/assert.h"

int child_fetch(const struct filemap_io *io, const struct child *child, unsigned level,
		size_t *memory, struct node **out)
{
	const uint8_t *data;
	size_t size;
	void *hold = NULL;
	struct node *node;
	uint64_t length, allocated;
	int rc = io->get(io->context, child->ref, &data, &size, &hold);
	if (rc)
		return rc == -ENOENT ? -EIO : rc;
	rc = node_decode(data, size, memory, &node);
	io->drop(io->context, hold);
	if (rc)
		return rc;
	node_sum(node, 0, &length, &allocated);
	if (node->level != level || length != child->length || allocated != child->allocated) {
		node_release(node, memory);
		return -EBADMSG;
	}
	*out = node;
	return 0;
}

int child_load(struct filemap *map, struct child *child, unsigned level)
{
	if (!child->node) {
		ASSERT(!chunk_ref_is_none(child->ref));
		int rc = child_fetch(&map->io, child, level, &map->memory, &child->node);
		if (rc)
			return rc;
	}
	child->node->stamp = map->stamp;
	return 0;
}

static uint64_t entry_length(const struct node *node, size_t index)
{
	return node->level ? node->children[index].length : node->extents[index].length;
}

size_t node_find(const struct node *node, uint64_t total, uint64_t *offset)
{
	/* Files mostly grow at their end. */
	uint64_t last = total - entry_length(node, node->count - 1);
	ASSERT(*offset < total);
	if (*offset >= last) {
		*offset -= last;
		return node->count - 1;
	}
	size_t i = 0;
	while (*offset >= entry_length(node, i))
		*offset -= entry_length(node, i++);
	return i;
}

size_t node_find_before(const struct node *node, uint64_t total, uint64_t *offset)
{
	if (*offset == 0)
		return 0;
	--*offset;
	size_t i = node_find(node, total, offset);
	++*offset;
	return i;
}

int filemap_load_path(struct filemap *map, uint64_t byte, struct node **leaf)
{
	struct child *child = &map->root;
	for (unsigned level = map->level;; level--) {
		int rc = child_load(map, child, level);
		if (rc)
			return rc;
		if (level == 0)
			break;
		child = &child->node->children[node_find(child->node, child->length, &byte)];
	}
	if (leaf)
		*leaf = child->node;
	return 0;
}

/* A leaf becomes dirty: from now on it is worth storing. */
static void filemap_count_dirty(struct filemap *map, const struct child *leaf)
{
	if (!chunk_ref_is_none(leaf->ref))
		map->storable += sizeof(*leaf->node) + leaf->node->count * sizeof(struct extent);
}

void filemap_dirty_path(struct filemap *map, uint64_t byte)
{
	struct child *child = &map->root;
	for (unsigned level = map->level;; level--) {
		ASSERT(child->node != NULL);
		if (level == 0)
			filemap_count_dirty(map, child);
		child->ref = (struct chunk_ref){0};
		if (level == 0)
			break;
		child = &child->node->children[node_find(child->node, child->length, &byte)];
	}
	map->dirty = true;
}

int filemap_grow(struct filemap *map)
{
	if (map->level == NODE_LEVEL_MAX)
		return -EFBIG;
	struct node *node = node_new(map->level + 1, &map->memory);
	if (!node)
		return -ENOMEM;
	if (node_reserve(node, 1, &map->memory)) {
		node_release(node, &map->memory);
		return -ENOMEM;
	}
	node->children[0] = map->root;
	node->count = 1;
	map->root.ref = (struct chunk_ref){0};
	map->root.node = node;
	map->level++;
	return 0;
}

/* Moves entries [first, count) of an inner node's child to a new child beside it. */
static int child_cut(struct filemap *map, struct node *parent, size_t index, size_t first)
{
	struct node *left = parent->children[index].node;
	size_t move = left->count - first;
	if (node_reserve(parent, parent->count + 1, &map->memory))
		return -ENOMEM;
	struct node *right = node_new(left->level, &map->memory);
	if (!right || node_reserve(right, move, &map->memory)) {
		node_release(right, &map->memory);
		return -ENOMEM;
	}
	if (left->level)
		memcpy(right->children, left->children + first, move * sizeof(struct child));
	else
		memcpy(right->extents, left->extents + first, move * sizeof(struct extent));
	right->count = move;
	right->stamp = left->stamp;
	left->count = first;
	struct child *c = &parent->children[index];
	memmove(c + 1, c, (parent->count - index) * sizeof(*c));
	parent->count++;
	c[1] = (struct child){.node = right};
	node_sum(right, 0, &c[1].length, &c[1].allocated);
	c[0].length -= c[1].length;
	c[0].allocated -= c[1].allocated;
	c[0].ref = (struct chunk_ref){0};
	return 0;
}

void child_divide(struct filemap *map, struct node *parent, size_t index)
{
	while (parent->children[index].node->count > NODE_SPLIT_COUNT) {
		size_t count = parent->children[index].node->count;
		/* An overlong node does no harm: without memory it stays. */
		if (child_cut(map, parent, index, count - NODE_SPLIT_COUNT / 2))
			return;
	}
}

void filemap_divide_root(struct filemap *map)
{
	while (map->root.node && map->root.node->count > NODE_SPLIT_COUNT) {
		if (filemap_grow(map))
			return;
		child_divide(map, map->root.node, 0);
		if (map->root.node->count == 1)
			return;
	}
}

void filemap_flatten(struct filemap *map)
{
	while (map->level > 0 && map->root.node && map->root.node->count == 1 &&
	       chunk_ref_is_none(map->root.ref)) {
		struct node *old = map->root.node;
		map->root = old->children[0];
		map->level--;
		old->count = 0;
		node_release(old, &map->memory);
	}
}

/* Makes `offset` the border between two entries of a loaded leaf; the left one's index + 1. */
static int leaf_split_at(struct filemap *map, struct node *leaf, uint64_t total, uint64_t offset,
			 size_t *border)
{
	if (node_reserve(leaf, leaf->count + 1, &map->memory))
		return -ENOMEM;
	size_t i = node_find_before(leaf, total, &offset);
	struct extent *e = &leaf->extents[i];
	*border = i + 1;
	if (offset == e->length)
		return 0;
	memmove(e + 1, e, (leaf->count - i) * sizeof(*e));
	leaf->count++;
	e[1] = extent_part(&e[0], offset, e->length - offset);
	e[0] = extent_part(&e[0], 0, offset);
	return 0;
}

int child_split_at(struct filemap *map, struct node *parent, size_t index, uint64_t offset)
{
	struct child *child = &parent->children[index];
	unsigned level = parent->level - 1;
	size_t border;
	ASSERT(offset > 0 && offset < child->length);
	int rc = child_load(map, child, level);
	if (rc)
		return rc;
	struct node *node = child->node;
	if (level == 0) {
		rc = leaf_split_at(map, node, child->length, offset, &border);
	} else {
		uint64_t inside = offset;
		border = node_find_before(node, child->length, &inside);
		if (inside < node->children[border].length)
			rc = child_split_at(map, node, border, inside);
		border++;
	}
	/* From here on the node is not what is stored, if it ever was. */
	if (rc == 0)
		rc = child_cut(map, parent, index, border);
	if (rc)
		return rc;
	if (level == 0)
		map->storable += node->count * sizeof(struct extent);
	return 0;
}
