/* SPDX-License-Identifier: MIT */
/*
 * Copying between file maps. A map of its own is built from the source's range, out of
 * references to stored subtrees where they lie in the range whole, and of extents
 * elsewhere; it then takes the place of the target's range in one step. So the source may
 * be the target, and a failure leaves the target as it was.
 */
#include <errno.h>

#include "fs/tree/filemap_impl.h"
#include "lib/base/assert.h"

struct copy {
	struct filemap *source;
	struct filemap *part;
	uint64_t from, to; /* of the source */
};

/* The part of a source's leaf that lies in the range, as a leaf of its own. */
static int copy_extents(struct copy *c, const struct node *leaf, uint64_t start)
{
	struct child child = {.node = node_new(0, &c->part->memory)};
	if (!child.node)
		return -ENOMEM;
	int rc = node_reserve(child.node, leaf->count, &c->part->memory);
	for (size_t i = 0; !rc && i < leaf->count && start < c->to; i++) {
		const struct extent *e = &leaf->extents[i];
		uint64_t end = start + e->length;
		if (end > c->from) {
			uint64_t from = c->from > start ? c->from : start;
			uint64_t to = c->to < end ? c->to : end;
			child.node->extents[child.node->count++] =
				extent_part(e, from - start, to - from);
		}
		start = end;
	}
	node_sum(child.node, 0, &child.length, &child.allocated);
	uint64_t length = c->part->root.length;
	if (!rc)
		rc = filemap_replace_tree(c->part, length, length, &child, 0);
	if (rc)
		node_release(child.node, &c->part->memory);
	return rc;
}

static int copy_visit(struct copy *c, struct child *child, unsigned level, uint64_t start)
{
	uint64_t end = start + child->length;
	if (end <= c->from || start >= c->to)
		return 0;
	if (start >= c->from && end <= c->to && !chunk_ref_is_none(child->ref)) {
		struct child share = *child;
		share.node = NULL;
		uint64_t length = c->part->root.length;
		return filemap_replace_tree(c->part, length, length, &share, level);
	}
	int rc = child_load(c->source, child, level);
	if (rc)
		return rc;
	if (level == 0)
		return copy_extents(c, child->node, start);
	for (size_t i = 0; i < child->node->count; i++) {
		struct child *below = &child->node->children[i];
		rc = copy_visit(c, below, level - 1, start);
		if (rc)
			return rc;
		start += below->length;
	}
	return 0;
}

static int part_add_hole(struct filemap *part, uint64_t length)
{
	struct extent hole[HOLE_EXTENTS];
	if (length == 0)
		return 0;
	return filemap_replace(part, part->root.length, part->root.length, hole,
			       extents_hole(hole, length));
}

/* The leaves at the seams are cut anew when the target is saved. */
static int part_touch(struct filemap *part, uint64_t byte)
{
	int rc = filemap_load_path(part, byte, NULL);
	if (!rc)
		filemap_dirty_path(part, byte);
	return rc;
}

static int part_put(struct filemap *part, struct filemap *target, uint64_t from, uint64_t to)
{
	const struct child *root = &part->root;
	int rc = 0;
	if (part->level == 0 && chunk_ref_is_none(root->ref))
		return filemap_replace(target, from, to, root->node->extents, root->node->count);
	if (from > 0)
		rc = part_touch(part, 0);
	if (!rc && from > 0)
		rc = filemap_load_path(target, from - 1, NULL);
	if (!rc && to < target->root.length)
		rc = part_touch(part, root->length - 1);
	if (!rc)
		rc = filemap_replace_tree(target, from, to, &part->root, part->level);
	if (rc)
		return rc;
	if (from > 0)
		filemap_dirty_path(target, from - 1);
	/* The nodes are the target's now. */
	target->memory += part->memory;
	target->storable += part->storable;
	part->memory = 0;
	part->root = (struct child){0};
	return 0;
}

int filemap_copy(struct filemap *source, uint64_t offset, uint64_t length, struct filemap *target,
		 uint64_t target_offset)
{
	ASSERT_OBJECT(source, FILEMAP_OBJECT);
	ASSERT_OBJECT(target, FILEMAP_OBJECT);
	if (length > FILEMAP_LENGTH_MAX || target_offset > FILEMAP_LENGTH_MAX - length)
		return -EFBIG;
	if (length == 0)
		return 0;
	struct filemap *part = filemap_new(&source->io);
	if (!part)
		return -ENOMEM;
	uint64_t have = source->root.length > offset ? source->root.length - offset : 0;
	struct copy c = {source, part, offset, offset + (have < length ? have : length)};
	uint64_t end = target->root.length;
	uint64_t from = target_offset < end ? target_offset : end;
	uint64_t to = target_offset + length;
	int rc = 0;
	if (have)
		rc = part_add_hole(part, target_offset - from);
	if (!rc && have)
		rc = copy_visit(&c, &source->root, source->level, 0);
	/* Beyond the source's end there are zeros; beyond the target's they need not be said. */
	uint64_t said = from + part->root.length;
	if (!rc && have < length && said < end)
		rc = part_add_hole(part, (to < end ? to : end) - said);
	if (!rc && part->root.length)
		rc = part_put(part, target, from, to);
	filemap_free(&part);
	return rc;
}
