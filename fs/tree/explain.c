/* SPDX-License-Identifier: MIT */
/*
 * How a file is stored: a walk over its map. A chunk that the file refers to
 * more than once counts as shared; what other files share is not known without
 * a walk over all of them.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "fs/tree/internal.h"

struct explain_chunk {
	uint64_t pack;
	uint32_t slot;
	uint32_t raw;
};

struct explain_walk {
	struct tree *tree;
	struct tree_explain *explain;
	struct explain_chunk *chunks;
	size_t count, capacity;
};

static int explain_node(void *context, struct chunk_ref ref, unsigned level)
{
	(void)context;
	(void)ref;
	(void)level;
	return 1; /* every reference counts, shared leaves too */
}

static int explain_extent(void *context, uint64_t offset, const struct extent *extent)
{
	struct explain_walk *walk = context;
	(void)offset;
	if (extent->kind != EXTENT_DATA)
		return 0;
	if (mem_reserve(&walk->chunks, &walk->capacity, walk->count + 1, sizeof(*walk->chunks)))
		return -ENOMEM;
	walk->chunks[walk->count++] = (struct explain_chunk){
		.pack = extent->chunk.pack,
		.slot = extent->chunk.slot,
		.raw = (uint32_t)extent->length,
	};
	walk->explain->extents++;
	return 0;
}

static int explain_broken(void *context, struct chunk_ref ref, uint64_t offset, uint64_t length,
			  int error)
{
	(void)context;
	(void)ref;
	(void)offset;
	(void)length;
	return error;
}

static int compare_chunks(const void *a, const void *b)
{
	const struct explain_chunk *x = a, *y = b;
	if (x->pack != y->pack)
		return x->pack < y->pack ? -1 : 1;
	return x->slot < y->slot ? -1 : x->slot > y->slot;
}

static int explain_count(struct explain_walk *walk)
{
	struct tree_explain *e = walk->explain;
	if (walk->count)
		qsort(walk->chunks, walk->count, sizeof(*walk->chunks), compare_chunks);
	for (size_t i = 0; i < walk->count; i++) {
		const struct explain_chunk *c = &walk->chunks[i];
		e->chunks++;
		if (i && compare_chunks(c - 1, c) == 0) {
			e->shared_bytes += c->raw;
			continue;
		}
		struct chunk_ref ref = {c->pack, c->slot};
		struct fingerprint fingerprint;
		uint32_t raw, stored;
		int error = store_chunk_info(walk->tree->store, ref, &raw, &stored, &fingerprint);
		if (error)
			return error;
		e->unique_chunks++;
		e->raw_bytes += raw;
		e->stored_bytes += stored;
		if (i == 0 || c[-1].pack != c->pack)
			e->packs++;
	}
	return 0;
}

int tree_explain(struct tree *t, const char *path, struct tree_explain *explain)
{
	CLEANUP_INODE struct inode *inode = NULL;
	CLEANUP_FREE uint8_t *blob = NULL;
	size_t size = 0;
	int error = path_resolve(t, path, &inode);
	if (error)
		return error;
	if (!S_ISREG(inode->row.mode))
		return S_ISDIR(inode->row.mode) ? -EISDIR : -EINVAL;
	struct tree_explain e = {.inode = inode->row.number};
	pthread_mutex_lock(&inode->lock);
	error = t->options.read_only ? 0 : ingest_drain_locked(inode);
	if (!error)
		error = content_save_locked(inode);
	if (!error && inode->map_size) {
		blob = mem_try_alloc(inode->map_size, 1);
		if (blob)
			memcpy(blob, inode->map, inode->map_size);
		size = inode->map_size;
		error = blob ? 0 : -ENOMEM;
	}
	e.size = inode->row.size;
	e.allocated = inode->row.allocated;
	e.holes = e.size > e.allocated ? e.size - e.allocated : 0;
	e.fixed_layout = (inode->row.flags & INODE_FIXED) != 0;
	pthread_mutex_unlock(&inode->lock);
	struct explain_walk walk = {.tree = t, .explain = &e};
	struct filemap_visitor visitor = {explain_node, explain_extent, explain_broken, &walk};
	if (!error && size)
		error = filemap_walk(&t->io, blob, size, &visitor);
	if (!error)
		error = explain_count(&walk);
	free(walk.chunks);
	if (!error)
		*explain = e;
	return error;
}
