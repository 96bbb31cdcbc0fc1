/* SPDX-License-Identifier: MIT */
/*
 * Marks what is alive: chunks and map nodes of every file of one commit (orphans are among
 * the files), and the last copy of the catalogue. Nodes that files share are walked once.
 * What has been quarantined and healed is marked together with its good copy by the store.
 *
 * A map node that cannot be read ends it: the chunks below are not known, and what is not
 * known to be dead is not given away. Deleting the file that is named makes cleaning possible
 * again.
 */
#include "fs/tree/mark.h"

#include <errno.h>
#include <stdlib.h>

#include "fs/format.h"
#include "fs/tree/backup.h"
#include "fs/tree/internal.h"
#include "fs/tree/job.h"
#include "fs/tree/ref_set.h"
#include "fs/tree/scan.h"
#include "lib/base/log.h"

/* Nodes between two looks at whether the job is to stop. */
#define MARK_BREATH 64u

struct mark {
	struct job *job;
	struct tree *tree;
	struct store_marks *marks;
	struct mark_totals *totals;
	uint64_t first, end;     /* packs of this pass */
	sqlite3 *snapshot;
	struct ref_set *visited; /* nodes */
	struct mark_figures *owner; /* in totals; NULL: nobody */
	uint64_t inode;
	uint64_t done;
	unsigned nodes;
	int broken;
};

struct mark_figures *mark_totals_add(struct mark_totals *totals, uint64_t container)
{
	struct mark_figures *figures = mark_totals_find(totals, container);
	if (figures)
		return figures;
	figures = mem_try_zalloc(1, sizeof(*figures));
	if (!figures)
		return NULL;
	figures->container = container;
	HASH_ADD(hh, totals->figures, container, sizeof(container), figures);
	if (figures->hh.tbl)
		return figures;
	free(figures);
	return NULL;
}

struct mark_figures *mark_totals_find(const struct mark_totals *totals, uint64_t container)
{
	struct mark_figures *figures;
	HASH_FIND(hh, totals->figures, &container, sizeof(container), figures);
	return figures;
}

void mark_totals_clear(struct mark_totals *totals)
{
	struct mark_figures *figures, *next;
	HASH_ITER(hh, totals->figures, figures, next)
	{
		HASH_DELETE(hh, totals->figures, figures);
		free(figures);
	}
}

static int mark_node(void *context, struct chunk_ref ref, unsigned level)
{
	struct mark *m = context;
	(void)level;
	if (++m->nodes % MARK_BREATH == 0) {
		int rc = job_breathe_or_leave(m->job);
		if (rc)
			return rc;
	}
	store_mark(m->tree->store, m->marks, ref);
	return ref_set_add(m->visited, ref);
}

static int mark_extent(void *context, uint64_t offset, const struct extent *extent)
{
	struct mark *m = context;
	uint32_t raw, stored;
	struct fingerprint fingerprint;
	(void)offset;
	if (store_mark(m->tree->store, m->marks, extent->chunk) || !m->owner)
		return 0;
	if (extent->chunk.pack < m->first || extent->chunk.pack >= m->end)
		return 0; /* another pass counts it */
	/* A damaged directory costs the figures some bytes, no more. */
	int rc = store_chunk_info(m->tree->store, extent->chunk, &raw, &stored,
				  &fingerprint);
	if (rc)
		return rc == -ENOMEM ? rc : 0;
	m->owner->deduplicated += raw;
	m->owner->stored += stored + SLOT_ENTRY_SIZE;
	return 0;
}

static int mark_broken(void *context, struct chunk_ref ref, uint64_t offset, uint64_t length,
		       int error)
{
	struct mark *m = context;
	(void)ref;
	(void)offset;
	(void)length;
	m->broken = error;
	return -EIO;
}

static int mark_owner(struct mark *m, uint64_t container)
{
	if (m->owner && m->owner->container == container)
		return 0;
	m->owner = mark_totals_add(m->totals, container);
	return m->owner ? 0 : -ENOMEM;
}

static void mark_log_path(void *context, size_t which, const char *path)
{
	const struct mark *m = context;
	(void)which;
	log_error("%s: cleaning cannot go on: the map of \"%s\" is damaged; delete that file",
		  store_path(m->tree->store), path);
}

static int mark_map(struct mark *m, const void *map, size_t size)
{
	const struct filemap_visitor visitor = {mark_node, mark_extent, mark_broken, m};
	int rc = filemap_walk(&m->tree->io, map, size, &visitor);
	if (rc == -EBADMSG)
		m->broken = rc;
	return rc == -EBADMSG ? -EIO : rc;
}

static int mark_file(void *context, const struct scan_file *file)
{
	struct mark *m = context;
	m->inode = file->inode;
	int rc = job_breathe_or_leave(m->job);
	if (!rc)
		rc = mark_owner(m, file->container);
	if (!rc)
		rc = mark_map(m, file->map, file->map_size);
	m->done += file->allocated;
	job_set_done(m->job, m->done);
	return rc;
}

/* The copy of the catalogue that the commit knows of. One that cannot be read is of no use to
 * anybody and not kept. */
static int mark_backup(struct mark *m)
{
	struct tree *t = m->tree;
	struct store_view view;
	struct anchor anchor;
	struct chunk_ref ref;
	int rc = scan_anchor(t, m->snapshot, &ref);
	if (rc || chunk_ref_is_none(ref))
		return rc;
	m->owner = NULL;
	store_mark(t->store, m->marks, ref);
	rc = store_get(t->store, ref, &view);
	if (rc)
		return rc == -ENOMEM ? rc : 0;
	rc = anchor_parse(view.data, view.size, &anchor);
	if (!rc)
		rc = mark_map(m, anchor.blob, anchor.blob_size);
	store_view_release(&view);
	return rc == -EIO || rc == -EBADMSG ? 0 : rc;
}

static int mark_all(struct mark *m)
{
	uint64_t total = 0;
	int rc = scan_total(m->tree, m->snapshot, &total);
	if (!rc)
		rc = mark_backup(m);
	if (rc)
		return rc;
	job_set_phase(m->job, "marking", total);
	rc = scan_files(m->tree, m->snapshot, mark_file, m);
	if (rc == -EIO && m->broken)
		scan_paths(m->tree, m->snapshot, &m->inode, 1, mark_log_path, m);
	return rc;
}

int mark_run(struct job *job, struct store_marks *marks, struct mark_totals *totals)
{
	struct mark m = {
		.job = job,
		.tree = job_tree(job),
		.marks = marks,
		.totals = totals,
	};
	bool more;
	store_marks_range(marks, &m.first, &m.end, &more);
	m.visited = ref_set_new();
	if (!m.visited)
		return -ENOMEM;
	int rc = catalogue_snapshot_open(m.tree->catalogue, &m.snapshot);
	if (!rc)
		rc = mark_all(&m);
	catalogue_snapshot_close(m.tree->catalogue, &m.snapshot);
	ref_set_free(&m.visited);
	return rc;
}
