/* SPDX-License-Identifier: MIT */
/*
 * Which files have damaged data: quarantined chunks that have not healed, looked for in the
 * maps of all files of the last commit.
 *
 * Two passes, for files share leaves: the first reads every leaf once and notes those that
 * have damage in them; the second goes to these leaves alone, in every file.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "fs/store/scrub.h"
#include "fs/tree/damaged.h"
#include "fs/tree/internal.h"
#include "fs/tree/job.h"
#include "fs/tree/ref_set.h"
#include "fs/tree/scan.h"

struct damaged_file {
	uint64_t inode, bytes;
};

struct damaged_search {
	struct tree *tree;
	struct job *job;          /* NULL: nobody waits for a chance to end it */
	sqlite3 *snapshot;
	struct ref_set *chunks;   /* quarantined, not healed */
	struct ref_set *packs;    /* (pack, 0): nothing in the pack can be read */
	struct ref_set *visited;  /* nodes: first pass */
	struct ref_set *leaves;   /* nodes to go to again */
	struct chunk_ref leaf;    /* the one that is being read; none: in the blob */
	bool second;
	int error;
	struct damaged_file file; /* the one that is being walked */
	struct damaged_file *files;
	size_t count, capacity;
};

static bool damaged_chunk(const struct damaged_search *s, struct chunk_ref ref)
{
	return ref_set_has(s->chunks, ref) ||
	       ref_set_has(s->packs, (struct chunk_ref){.pack = ref.pack});
}

static void search_note(void *context, struct chunk_ref ref)
{
	struct damaged_search *s = context;
	bool whole = ref.slot >= PACK_SLOTS_MAX;
	if (whole)
		ref.slot = 0;
	int rc = ref_set_add(whole ? s->packs : s->chunks, ref);
	if (rc < 0)
		s->error = rc;
}

static int search_load(struct damaged_search *s)
{
	int rc = store_damage_each(s->tree->store, search_note, s);
	return rc ? rc : s->error;
}

/* ---- the visitor ---- */

static int search_node(void *context, struct chunk_ref ref, unsigned level)
{
	struct damaged_search *s = context;
	if (level == 0)
		s->leaf = ref;
	if (!s->second)
		return ref_set_add(s->visited, ref);
	return level > 0 || ref_set_has(s->leaves, ref);
}

static int search_extent(void *context, uint64_t offset, const struct extent *extent)
{
	struct damaged_search *s = context;
	(void)offset;
	if (!damaged_chunk(s, extent->chunk))
		return 0;
	if (s->second || chunk_ref_is_none(s->leaf)) {
		s->file.bytes += extent->length;
		return 0;
	}
	int rc = ref_set_add(s->leaves, s->leaf);
	return rc < 0 ? rc : 0;
}

/* A node that cannot be read: all that it covers cannot. */
static int search_broken(void *context, struct chunk_ref ref, uint64_t offset, uint64_t length,
			 int error)
{
	struct damaged_search *s = context;
	(void)offset;
	(void)error;
	if (s->second) {
		s->file.bytes += length;
		return 0;
	}
	int rc = ref_set_add(s->leaves, ref);
	return rc < 0 ? rc : 0;
}

static int search_file(void *context, const struct scan_file *file)
{
	struct damaged_search *s = context;
	const struct filemap_visitor visitor = {search_node, search_extent, search_broken, s};
	int rc = s->job ? job_breathe_or_leave(s->job) : 0;
	if (rc)
		return rc;
	s->leaf = (struct chunk_ref){0};
	s->file = (struct damaged_file){.inode = file->inode};
	rc = filemap_walk(&s->tree->io, file->map, file->map_size, &visitor);
	if (rc == -EBADMSG) { /* the blob itself makes no sense */
		s->file.bytes = file->allocated;
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

static void search_end(struct damaged_search *s)
{
	ref_set_free(&s->chunks);
	ref_set_free(&s->packs);
	ref_set_free(&s->visited);
	ref_set_free(&s->leaves);
	free(s->files);
	catalogue_snapshot_close(s->tree->catalogue, &s->snapshot);
}

static int search_run(struct damaged_search *s)
{
	s->chunks = ref_set_new();
	s->packs = ref_set_new();
	s->visited = ref_set_new();
	s->leaves = ref_set_new();
	if (!s->chunks || !s->packs || !s->visited || !s->leaves)
		return -ENOMEM;
	int rc = catalogue_snapshot_open(s->tree->catalogue, &s->snapshot);
	if (!rc)
		rc = search_load(s);
	if (!rc && ref_set_count(s->chunks) + ref_set_count(s->packs) == 0)
		return 0;
	if (!rc)
		rc = scan_files(s->tree, s->snapshot, search_file, s);
	s->second = true;
	if (!rc)
		rc = scan_files(s->tree, s->snapshot, search_file, s);
	return rc;
}

int damaged_count(struct tree *t, struct job *job, uint64_t *files)
{
	struct damaged_search s = {.tree = t, .job = job};
	int rc = search_run(&s);
	if (!rc)
		*files = s.count;
	search_end(&s);
	return rc;
}

struct damaged_emit {
	const struct damaged_search *search;
	void (*emit)(void *, const char *path, uint64_t bytes);
	void *context;
};

static void damaged_path(void *context, size_t which, const char *path)
{
	const struct damaged_emit *e = context;
	e->emit(e->context, path, e->search->files[which].bytes);
}

int tree_damaged_paths(struct tree *t, void (*emit)(void *, const char *path, uint64_t bytes),
		       void *context)
{
	struct damaged_search s = {.tree = t};
	struct damaged_emit e = {&s, emit, context};
	uint64_t *inodes = NULL;
	int rc = search_run(&s);
	if (!rc && s.count) {
		inodes = mem_try_alloc(s.count, sizeof(*inodes));
		rc = inodes ? 0 : -ENOMEM;
	}
	for (size_t i = 0; !rc && i < s.count; i++)
		inodes[i] = s.files[i].inode;
	if (!rc)
		rc = scan_paths(t, s.snapshot, inodes, s.count, damaged_path, &e);
	free(inodes);
	search_end(&s);
	return rc;
}
