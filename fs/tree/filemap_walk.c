/* SPDX-License-Identifier: MIT */
/* Walks a stored map from its blob, node by node; at most one node a level is in memory. */
#include <errno.h>

#include "fs/tree/filemap_impl.h"

struct walk {
	const struct filemap_io *io;
	const struct filemap_visitor *visitor;
	size_t memory;
};

static int walk_child(struct walk *w, const struct child *child, unsigned level, uint64_t start);

static int walk_node(struct walk *w, const struct node *node, uint64_t start)
{
	int rc = 0;
	for (size_t i = 0; i < node->count && rc == 0; i++) {
		if (node->level) {
			rc = walk_child(w, &node->children[i], node->level - 1, start);
			start += node->children[i].length;
			continue;
		}
		const struct extent *e = &node->extents[i];
		if (e->kind == EXTENT_DATA && w->visitor->extent)
			rc = w->visitor->extent(w->visitor->context, start, e);
		start += e->length;
	}
	return rc;
}

static int walk_child(struct walk *w, const struct child *child, unsigned level, uint64_t start)
{
	const struct filemap_visitor *v = w->visitor;
	struct node *node;
	int rc = v->node ? v->node(v->context, child->ref, level) : 1;
	if (rc <= 0)
		return rc;
	rc = child_fetch(w->io, child, level, &w->memory, &node);
	if (rc == -ENOMEM || (rc && !v->broken))
		return rc;
	if (rc)
		return v->broken(v->context, child->ref, start, child->length, rc);
	rc = walk_node(w, node, start);
	node_release(node, &w->memory);
	return rc;
}

int filemap_walk(const struct filemap_io *io, const void *blob, size_t size,
		 const struct filemap_visitor *visitor)
{
	struct walk w = {.io = io, .visitor = visitor};
	struct child root;
	unsigned level;
	int rc = blob_decode(blob, size, &root, &level, &w.memory);
	if (rc || root.length == 0)
		return rc;
	if (!root.node)
		return walk_child(&w, &root, level, 0);
	rc = walk_node(&w, root.node, 0);
	node_release(root.node, &w.memory);
	return rc;
}
