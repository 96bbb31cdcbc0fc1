/* SPDX-License-Identifier: MIT */
/*
 * How a file is stored: a walk over its map. A chunk that the file refers to
 * more than once counts as repeated; what other files share takes a walk over all
 * of them, tree_explain_shared().
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "fs/tree/internal.h"
#include "fs/tree/ref_set.h"
#include "fs/tree/search.h"

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
			e->repeated_bytes += c->raw;
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

/* The file's map as it is now, *blob the caller's to free, and what the inode tells. */
static int explain_load(struct tree *t, const char *path, struct tree_explain *e, uint8_t **blob,
			size_t *size)
{
	CLEANUP_INODE struct inode *inode = NULL;
	int error = path_resolve(t, path, &inode);
	if (error)
		return error;
	if (!S_ISREG(inode->row.mode))
		return S_ISDIR(inode->row.mode) ? -EISDIR : -EINVAL;
	pthread_mutex_lock(&inode->lock);
	error = t->options.read_only ? 0 : ingest_drain_locked(inode);
	if (!error)
		error = content_save_locked(inode);
	if (!error && inode->map_size) {
		*blob = mem_try_alloc(inode->map_size, 1);
		if (*blob)
			memcpy(*blob, inode->map, inode->map_size);
		*size = inode->map_size;
		error = *blob ? 0 : -ENOMEM;
	}
	e->inode = inode->row.number;
	e->size = inode->row.size;
	e->allocated = inode->row.allocated;
	e->holes = e->size > e->allocated ? e->size - e->allocated : 0;
	e->fixed_layout = (inode->row.flags & INODE_FIXED) != 0;
	pthread_mutex_unlock(&inode->lock);
	return error;
}

static int explain_collect(struct explain_walk *walk, const uint8_t *blob, size_t size)
{
	struct filemap_visitor visitor = {explain_node, explain_extent, explain_broken, walk};
	return size ? filemap_walk(&walk->tree->io, blob, size, &visitor) : 0;
}

int tree_explain(struct tree *t, const char *path, struct tree_explain *explain)
{
	CLEANUP_FREE uint8_t *blob = NULL;
	size_t size = 0;
	struct tree_explain e = {0};
	struct explain_walk walk = {.tree = t, .explain = &e};
	int error = explain_load(t, path, &e, &blob, &size);
	if (!error)
		error = explain_collect(&walk, blob, size);
	if (!error)
		error = explain_count(&walk);
	free(walk.chunks);
	if (!error)
		*explain = e;
	return error;
}

/* ---- what is shared with whom ---- */

static int compare_shares(const void *a, const void *b)
{
	const struct search_file *x = a, *y = b;
	if (x->bytes != y->bytes)
		return x->bytes > y->bytes ? -1 : 1;
	return (x->inode > y->inode) - (x->inode < y->inode);
}

static int compare_inodes(const void *a, const void *b)
{
	const struct search_file *x = a, *y = b;
	return (x->inode > y->inode) - (x->inode < y->inode);
}

/* Keeps the `most` files with most bytes, and their order by inode number. */
static void explain_keep(struct search *s, size_t most)
{
	if (s->count <= most)
		return;
	qsort(s->files, s->count, sizeof(*s->files), compare_shares);
	s->count = most;
	qsort(s->files, s->count, sizeof(*s->files), compare_inodes);
}

static int explain_search(struct search *s, const struct explain_walk *walk)
{
	for (size_t i = 0; i < walk->count; i++) {
		struct chunk_ref ref = {walk->chunks[i].pack, walk->chunks[i].slot};
		int rc = ref_set_add(s->chunks, ref);
		if (rc < 0)
			return rc;
	}
	return search_run(s);
}

int tree_explain_shared(struct tree *t, const char *path, size_t most, uint64_t *files,
			void (*emit)(void *, const char *path, uint64_t bytes), void *context)
{
	CLEANUP_FREE uint8_t *blob = NULL;
	size_t size = 0;
	struct tree_explain e = {0};
	struct explain_walk walk = {.tree = t, .explain = &e};
	struct search s = {.tree = t};
	int error = explain_load(t, path, &e, &blob, &size);
	if (!error)
		error = explain_collect(&walk, blob, size);
	if (!error)
		error = search_begin(&s, t);
	s.except = e.inode;
	if (!error)
		error = explain_search(&s, &walk);
	free(walk.chunks);
	if (!error) {
		*files = s.count;
		explain_keep(&s, most);
		error = search_paths(&s, emit, context);
	}
	search_end(&s);
	return error;
}
