/* SPDX-License-Identifier: MIT */
/*
 * Which files refer to any of a set of chunks, looked for in the maps of all files of the last
 * commit.
 *
 * Two passes, for files share leaves: the first reads every leaf once and notes those that
 * have such a chunk in them; the second goes to these leaves alone, in every file.
 */
#include "fs/tree/search.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "fs/tree/internal.h"
#include "fs/tree/job.h"
#include "fs/tree/ref_set.h"
#include "fs/tree/scan.h"

static bool search_wanted(const struct search *s, struct chunk_ref ref)
{
	return ref_set_has(s->chunks, ref) ||
	       ref_set_has(s->packs, (struct chunk_ref){.pack = ref.pack});
}

/* ---- the visitor ---- */

static int search_node(void *context, struct chunk_ref ref, unsigned level)
{
	struct search *s = context;
	if (level == 0)
		s->leaf = ref;
	if (!s->second)
		return ref_set_add(s->visited, ref);
	return level > 0 || ref_set_has(s->leaves, ref);
}

static int search_extent(void *context, uint64_t offset, const struct extent *extent)
{
	struct search *s = context;
	(void)offset;
	if (!search_wanted(s, extent->chunk))
		return 0;
	if (s->second || chunk_ref_is_none(s->leaf)) {
		s->file.bytes += extent->length;
		return 0;
	}
	int rc = ref_set_add(s->leaves, s->leaf);
	return rc < 0 ? rc : 0;
}

/* A node that cannot be read: whoever looks for damage wants all that it covers. */
static int search_broken(void *context, struct chunk_ref ref, uint64_t offset, uint64_t length,
			 int error)
{
	struct search *s = context;
	(void)offset;
	(void)error;
	if (!s->broken)
		return 0;
	if (s->second) {
		s->file.bytes += length;
		return 0;
	}
	int rc = ref_set_add(s->leaves, ref);
	return rc < 0 ? rc : 0;
}

static int search_file(void *context, const struct scan_file *file)
{
	struct search *s = context;
	const struct filemap_visitor visitor = {search_node, search_extent, search_broken, s};
	int rc = s->job ? job_breathe_or_leave(s->job) : 0;
	if (rc)
		return rc;
	if (file->inode == s->except)
		return 0;
	s->leaf = (struct chunk_ref){0};
	s->file = (struct search_file){.inode = file->inode};
	rc = filemap_walk(&s->tree->io, file->map, file->map_size, &visitor);
	if (rc == -EBADMSG) { /* the blob itself makes no sense */
		s->file.bytes = s->broken ? file->allocated : 0;
		rc = 0;
	}
	if (rc || !s->second || s->file.bytes == 0)
		return rc;
	if (mem_reserve(&s->files, &s->capacity, s->count + 1, sizeof(*s->files)))
		return -ENOMEM;
	s->files[s->count++] = s->file;
	return 0;
}

/* ---- the search ---- */

int search_begin(struct search *s, struct tree *t)
{
	*s = (struct search){.tree = t};
	s->chunks = ref_set_new();
	s->packs = ref_set_new();
	s->visited = ref_set_new();
	s->leaves = ref_set_new();
	if (!s->chunks || !s->packs || !s->visited || !s->leaves)
		return -ENOMEM;
	return catalogue_snapshot_open(t->catalogue, &s->snapshot);
}

int search_run(struct search *s)
{
	if (ref_set_count(s->chunks) + ref_set_count(s->packs) == 0)
		return 0;
	int rc = scan_files(s->tree, s->snapshot, search_file, s);
	s->second = true;
	if (!rc)
		rc = scan_files(s->tree, s->snapshot, search_file, s);
	return rc;
}

struct search_emit {
	const struct search *search;
	void (*emit)(void *, const char *path, uint64_t bytes);
	void *context;
};

static void search_path(void *context, size_t which, const char *path)
{
	const struct search_emit *e = context;
	e->emit(e->context, path, e->search->files[which].bytes);
}

int search_paths(struct search *s, void (*emit)(void *, const char *path, uint64_t bytes),
		 void *context)
{
	struct search_emit e = {s, emit, context};
	if (s->count == 0)
		return 0;
	uint64_t *inodes = mem_try_alloc(s->count, sizeof(*inodes));
	if (!inodes)
		return -ENOMEM;
	for (size_t i = 0; i < s->count; i++)
		inodes[i] = s->files[i].inode;
	int rc = scan_paths(s->tree, s->snapshot, inodes, s->count, search_path, &e);
	free(inodes);
	return rc;
}

void search_end(struct search *s)
{
	ref_set_free(&s->chunks);
	ref_set_free(&s->packs);
	ref_set_free(&s->visited);
	ref_set_free(&s->leaves);
	free(s->files);
	if (s->snapshot)
		catalogue_snapshot_close(s->tree->catalogue, &s->snapshot);
}
