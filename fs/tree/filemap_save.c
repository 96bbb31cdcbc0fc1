/* SPDX-License-Identifier: MIT */
/*
 * Storing a file map: a new tree is built beside the old one, from left to right, one open
 * node a level. Extents of dirty leaves are fed in one by one and nodes end where their
 * content says (node.h); a clean subtree is taken over whole as soon as no node below it is
 * open. So a change costs its own nodes and those up to the next border that old and new
 * cut have in common, and equal extents give equal nodes however they came about.
 *
 * The old tree stays until all is stored; both hold the nodes they share.
 */
#include <errno.h>
#include <stdlib.h>

#include "fs/tree/filemap_impl.h"
#include "lib/base/assert.h"
#include "lib/base/mem.h"

/* One level's open node. Its last entry is not counted yet: it may still grow. */
struct open_node {
	struct node *node;
	struct node_cursor cursor;
	size_t size;
	size_t counted;
};

struct builder {
	struct filemap *map;
	struct open_node open[NODE_LEVEL_MAX + 2];
	uint8_t bytes[NODE_SIZE_MAX];
};

static int builder_add_child(struct builder *b, unsigned level, const struct child *child);

static int builder_open(struct builder *b, unsigned level)
{
	struct open_node *o = &b->open[level];
	if (level > NODE_LEVEL_MAX)
		return -EFBIG;
	if (!o->node) {
		struct node *node = node_new(level, &b->map->memory);
		if (!node)
			return -ENOMEM;
		node->stamp = b->map->stamp;
		*o = (struct open_node){.node = node, .size = NODE_HEADER_MAX};
	}
	return node_reserve(o->node, o->node->count + 1, &b->map->memory);
}

/* Takes the open node out, as a dirty child. */
static struct child builder_take(struct builder *b, unsigned level)
{
	struct child child = {.node = b->open[level].node};
	node_sum(child.node, 0, &child.length, &child.allocated);
	b->open[level] = (struct open_node){0};
	return child;
}

/* Stores the open node and hands it to the level above. */
static int builder_close(struct builder *b, unsigned level, struct child *closed)
{
	const struct filemap_io *io = &b->map->io;
	int size = node_encode(b->open[level].node, b->bytes, sizeof(b->bytes));
	ASSERT(size > 0);
	struct chunk_ref ref;
	int rc = io->put(io->context, b->bytes, (size_t)size, &ref);
	if (rc)
		return rc;
	*closed = builder_take(b, level);
	closed->ref = ref;
	return 0;
}

static int builder_close_up(struct builder *b, unsigned level)
{
	struct child closed;
	int rc = builder_close(b, level, &closed);
	if (rc)
		return rc;
	rc = builder_add_child(b, level + 1, &closed);
	node_release(closed.node, &b->map->memory);
	return rc;
}

/* Counts the last entry, which is complete now; does the node end after it? */
static bool builder_settle(struct open_node *o)
{
	struct node *node = o->node;
	if (!node || o->counted == node->count)
		return false;
	o->counted = node->count;
	if (node->level) {
		const struct child *c = &node->children[node->count - 1];
		o->size += node_child_size(c, &o->cursor);
		return node_ends_at_child(c, node->count, o->size);
	}
	const struct extent *e = &node->extents[node->count - 1];
	o->size += node_extent_size(e, &o->cursor);
	return node_ends_at_extent(e, node->count, o->size);
}

/* The child becomes held by the new tree too. */
static int builder_add_child(struct builder *b, unsigned level, const struct child *child)
{
	if (builder_settle(&b->open[level])) {
		int rc = builder_close_up(b, level);
		if (rc)
			return rc;
	}
	int rc = builder_open(b, level);
	if (rc)
		return rc;
	struct node *node = b->open[level].node;
	node->children[node->count++] = *child;
	if (child->node)
		child->node->holders++;
	return 0;
}

static int builder_add_extent(struct builder *b, const struct extent *extent)
{
	struct open_node *o = &b->open[0];
	if (o->node && o->counted < o->node->count &&
	    extent_continues(&o->node->extents[o->node->count - 1], extent)) {
		o->node->extents[o->node->count - 1].length += extent->length;
		return 0;
	}
	if (builder_settle(o)) {
		int rc = builder_close_up(b, 0);
		if (rc)
			return rc;
	}
	int rc = builder_open(b, 0);
	if (rc)
		return rc;
	o->node->extents[o->node->count++] = *extent;
	return 0;
}

/* Can a stored node of this level stand here? Closes what ends here. */
static int builder_at_border(struct builder *b, unsigned level, bool *border)
{
	*border = false;
	for (unsigned i = 0; i <= level; i++) {
		struct open_node *o = &b->open[i];
		if (!o->node)
			continue;
		/* An entry that was counted without an end is inside its node. */
		if (!builder_settle(o))
			return 0;
		int rc = builder_close_up(b, i);
		if (rc)
			return rc;
	}
	*border = true;
	return 0;
}

static int builder_visit(struct builder *b, struct child *child, unsigned level)
{
	bool border = false;
	int rc = 0;
	if (!chunk_ref_is_none(child->ref)) {
		rc = builder_at_border(b, level, &border);
		if (!rc && border)
			return builder_add_child(b, level + 1, child);
		if (!rc)
			rc = child_load(b->map, child, level);
	}
	for (size_t i = 0; !rc && i < child->node->count; i++)
		rc = level ? builder_visit(b, &child->node->children[i], level - 1)
			   : builder_add_extent(b, &child->node->extents[i]);
	return rc;
}

static bool builder_empty_above(const struct builder *b, unsigned level)
{
	for (unsigned i = level + 1; i <= NODE_LEVEL_MAX; i++)
		if (b->open[i].node)
			return false;
	return true;
}

/* A leaf that is the whole map and small enough for the blob is not stored. */
static bool builder_stays_inline(struct builder *b)
{
	const struct node *node = b->open[0].node;
	return node->count <= FILEMAP_INLINE_EXTENTS &&
	       node_encode(node, b->bytes, FILEMAP_BLOB_MAX - 1) > 0;
}

/* Closes what is open, from the leaves up; the last node is the root. */
static int builder_finish(struct builder *b, bool final, struct child *root, unsigned *root_level)
{
	for (unsigned level = 0; level <= NODE_LEVEL_MAX; level++) {
		struct node *node = b->open[level].node;
		if (!node)
			continue;
		bool top = builder_empty_above(b, level);
		*root_level = level;
		if (top && level > 0 && node->count == 1) {
			*root = node->children[0];
			--*root_level;
			node->count = 0;
			node_release(builder_take(b, level).node, &b->map->memory);
			return 0;
		}
		if (top && (!final || (level == 0 && builder_stays_inline(b)))) {
			*root = builder_take(b, level);
			return 0;
		}
		if (top)
			return builder_close(b, level, root);
		struct child child = {0};
		int rc = 0;
		if (final)
			rc = builder_close(b, level, &child);
		else
			child = builder_take(b, level);
		if (!rc)
			rc = builder_add_child(b, level + 1, &child);
		node_release(child.node, &b->map->memory);
		if (rc)
			return rc;
	}
	*root = (struct child){0};
	*root_level = 0;
	return 0;
}

int filemap_store(struct filemap *map, bool final)
{
	struct child root = {0};
	unsigned level = 0;
	if (!map->dirty || map->root.length == 0 || !chunk_ref_is_none(map->root.ref))
		return 0;
	struct builder *b = mem_try_zalloc(1, sizeof(*b));
	if (!b)
		return -ENOMEM;
	b->map = map;
	int rc = builder_visit(b, &map->root, map->level);
	if (!rc)
		rc = builder_finish(b, final, &root, &level);
	if (!rc) {
		ASSERT(root.length == map->root.length && root.allocated == map->root.allocated);
		node_release(map->root.node, &map->memory);
		map->root = root;
		map->level = level;
		map->storable = 0;
	}
	for (unsigned i = 0; i <= NODE_LEVEL_MAX; i++)
		node_release(b->open[i].node, &map->memory);
	free(b);
	return rc;
}
