/* SPDX-License-Identifier: MIT */
/*
 * How a file is stored: a walk over its map. A chunk that the file refers to
 * more than once counts as repeated; what other files share takes a walk over all
 * of them, tree_explain_shared().
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "fs/format.h"
#include "fs/tree/internal.h"
#include "fs/tree/ref_set.h"
#include "fs/tree/search.h"

struct explain_walk {
	struct tree *tree;
	struct tree_explain *explain; /* NULL: the chunks alone are wanted */
	struct ref_set *chunks;
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
	struct tree_explain *e = walk->explain;
	struct fingerprint fingerprint;
	uint32_t raw, stored;
	(void)offset;
	int added = ref_set_add(walk->chunks, extent->chunk);
	if (added < 0 || !e)
		return added < 0 ? added : 0;
	e->extents++;
	e->chunks++;
	if (!added) {
		e->repeated_bytes += extent->length;
		return 0;
	}
	int error = store_chunk_info(walk->tree->store, extent->chunk, &raw, &stored, &fingerprint);
	if (error)
		return error;
	e->unique_chunks++;
	e->raw_bytes += raw;
	e->stored_bytes += stored + SLOT_ENTRY_SIZE;
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
		error = map_errno(content_save_locked(inode));
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
	return size ? map_errno(filemap_walk(&walk->tree->io, blob, size, &visitor)) : 0;
}

int tree_explain(struct tree *t, const char *path, struct tree_explain *explain)
{
	CLEANUP_FREE uint8_t *blob = NULL;
	size_t size = 0;
	struct tree_explain e = {0};
	struct explain_walk walk = {.tree = t, .explain = &e, .chunks = ref_set_new()};
	int error = walk.chunks ? explain_load(t, path, &e, &blob, &size) : -ENOMEM;
	if (!error)
		error = explain_collect(&walk, blob, size);
	if (!error) {
		e.packs = ref_set_packs(walk.chunks);
		*explain = e;
	}
	ref_set_free(&walk.chunks);
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

int tree_explain_shared(struct tree *t, const char *path, size_t most, uint64_t *files,
			void (*emit)(void *, const char *path, uint64_t bytes), void *context)
{
	CLEANUP_FREE uint8_t *blob = NULL;
	size_t size = 0;
	struct tree_explain e = {0};
	struct search s = {.tree = t};
	int error = explain_load(t, path, &e, &blob, &size);
	if (!error)
		error = search_begin(&s, t);
	struct explain_walk walk = {.tree = t, .chunks = s.chunks};
	s.except = e.inode;
	if (!error)
		error = explain_collect(&walk, blob, size);
	if (!error)
		error = search_run(&s);
	if (!error) {
		*files = s.count;
		explain_keep(&s, most);
		error = search_paths(&s, emit, context);
	}
	search_end(&s);
	return error;
}
