/* SPDX-License-Identifier: MIT */
/*
 * Cleaning: the space of what nothing refers to any more is given back, while everything goes on.
 *
 * One pass, or several where the marks of all packs do not fit in memory:
 *
 *   begin marks   from now on what store_put() finds or brings counts as alive
 *   commit        whatever was put before is in the catalogue now
 *   backup        the catalogue's copy in the segments refers to nothing that goes below
 *   mark          all that this commit or a later one refers to (mark.c)
 *   sweep         batches of packs; each is committed by the tree's committer
 *
 * The cursor is the first pack of the pass under way; marks are not kept, so a restart marks
 * again. Only a run from the first pack on knows the containers' figures.
 */
#include <errno.h>

#include "fs/store/sweep.h"
#include "fs/tree/internal.h"
#include "fs/tree/job.h"
#include "fs/tree/mark.h"
#include "lib/base/log.h"

#define CLEAN_MEMORY_SHARE 8 /* of the tree's memory goes into marks */
/* A step's copies are on the host beside what they replace until the commit. */
#define CLEAN_STEP_PACKS   8u
#define CLEAN_SWEEPS_MAX   4u

struct clean {
	struct job *job;
	struct tree *tree;
	struct store_marks *marks;
	struct store_sweep *sweep;
	struct mark_totals totals;
	struct mark_totals base;     /* what containers had when marking began */
	uint64_t freed, will_free;   /* by the passes before */
};

/* ---- containers ---- */

static int clean_note_base(struct clean *clean)
{
	struct tree *t = clean->tree;
	LOCK_SCOPE(&t->accounts);
	struct container *c, *next;
	HASH_ITER(hh, t->containers, c, next)
	{
		struct mark_figures *base = mark_totals_add(&clean->base, c->inode);
		if (!base)
			return -ENOMEM;
		base->deduplicated = c->deduplicated;
		base->stored = container_stored_bytes(t, c);
	}
	return 0;
}

/* What was marked, and what has been added to the figure since. */
static uint64_t figure_renew(uint64_t now, uint64_t base, uint64_t marked)
{
	return marked + (now > base ? now - base : 0);
}

static void clean_renew_containers(struct clean *clean)
{
	static const struct mark_figures none;
	struct tree *t = clean->tree;
	pthread_mutex_lock(&t->accounts);
	struct container *c, *next;
	HASH_ITER(hh, t->containers, c, next)
	{
		const struct mark_figures *base = mark_totals_find(&clean->base, c->inode);
		const struct mark_figures *marked = mark_totals_find(&clean->totals, c->inode);
		base = base ? base : &none;
		marked = marked ? marked : &none;
		c->deduplicated = figure_renew(c->deduplicated, base->deduplicated,
					       marked->deduplicated);
		uint64_t fresh = container_stored_bytes(t, c) - c->stored;
		uint64_t stored = figure_renew(c->stored + fresh, base->stored, marked->stored);
		c->stored = stored > fresh ? stored - fresh : 0;
		c->dirty = true;
	}
	pthread_mutex_unlock(&t->accounts);
	commit_kick(t);
}

/* ---- one pass ---- */

static size_t clean_memory(const struct tree *t)
{
	return t->options.clean_memory ? t->options.clean_memory
				       : (size_t)(t->options.memory / CLEAN_MEMORY_SHARE);
}

static int clean_backup(struct tree *t)
{
	int rc = tree_backup_catalogue(t);
	if (rc != -ENOSPC)
		return rc;
	/* On a full host space comes first: the catalogue itself is there. */
	log_warning("%s: cleaning goes on without a fresh copy of the catalogue",
		    store_path(t->store));
	return 0;
}

static int clean_begin(struct clean *clean, uint64_t first)
{
	struct tree *t = clean->tree;
	/* No copy of the catalogue is half put when the marks begin. */
	pthread_mutex_lock(&t->backup);
	int rc = store_marks_begin(t->store, first, clean_memory(t), &clean->marks);
	pthread_mutex_unlock(&t->backup);
	if (!rc)
		rc = commit_now(t);
	if (!rc && first == 0)
		rc = clean_note_base(clean);
	if (rc)
		return rc;
	return clean_backup(t);
}

static void clean_report(struct clean *clean)
{
	struct store_sweep_progress progress;
	store_sweep_get_progress(clean->sweep, &progress);
	job_set_done(clean->job, progress.packs_done);
	job_set_freed(clean->job, clean->freed + progress.bytes_freed, clean->will_free);
}

static int clean_sweep_all(struct clean *clean)
{
	int rc;
	while ((rc = job_breathe(clean->job)) == 0) {
		rc = store_sweep_step(clean->sweep);
		if (rc <= 0)
			return rc;
		if (store_sweep_has_changes(clean->sweep))
			rc = jobs_commit_sweep(clean->tree, clean->sweep);
		else
			store_sweep_done(clean->sweep, true);
		if (rc < 0)
			return rc;
		clean_report(clean);
	}
	return rc;
}

/* *again: packs were left out, perhaps for want of room for their copy, and there is more now. */
static int clean_sweep_once(struct clean *clean, bool *again)
{
	const struct store_sweep_options options = {.step_packs = CLEAN_STEP_PACKS};
	struct store_sweep_progress progress;
	int rc = store_sweep_begin(clean->tree->store, clean->marks, &options, &clean->sweep);
	if (rc)
		return rc;
	store_sweep_get_progress(clean->sweep, &progress);
	job_set_phase(clean->job, "sweeping", progress.packs_total);
	job_set_freed(clean->job, clean->freed, clean->will_free);
	rc = clean_sweep_all(clean);
	store_sweep_get_progress(clean->sweep, &progress);
	clean->freed += progress.bytes_freed;
	*again = progress.packs_skipped && progress.bytes_freed;
	store_sweep_end(&clean->sweep);
	job_set_freed(clean->job, clean->freed, clean->will_free);
	return rc;
}

static int clean_sweep(struct clean *clean)
{
	uint64_t estimate;
	bool again = true;
	int rc = store_sweep_estimate(clean->tree->store, clean->marks, 0, &estimate);
	if (rc)
		return rc;
	clean->will_free += estimate;
	for (unsigned i = 0; !rc && again && i < CLEAN_SWEEPS_MAX; i++)
		rc = clean_sweep_once(clean, &again);
	return rc;
}

static int clean_pass(struct clean *clean, uint64_t first, uint64_t *end, bool *more)
{
	int rc = clean_begin(clean, first);
	if (!rc)
		rc = mark_run(clean->job, clean->marks, &clean->totals);
	if (!rc)
		rc = clean_sweep(clean);
	if (!rc)
		store_marks_range(clean->marks, &first, end, more);
	store_marks_end(clean->tree->store, &clean->marks);
	return rc;
}

static int clean_run(struct job *job)
{
	struct clean clean = {.job = job, .tree = job_tree(job)};
	uint64_t first = (uint64_t)job_get_cursor(job, "pack");
	bool whole = first == 0, more = true;
	int rc = 0;
	while (more && !rc) {
		uint64_t end;
		rc = clean_pass(&clean, first, &end, &more);
		if (rc == -EAGAIN) { /* paused while marking: from the start of the pass */
			mark_totals_clear(&clean.totals);
			whole = first == 0;
			rc = job_breathe(job);
			continue;
		}
		if (rc)
			break;
		first = end;
		job_set_cursor(job, "pack", (int64_t)first);
	}
	if (!rc && whole)
		clean_renew_containers(&clean);
	if (!rc && clean.freed)
		rc = clean_backup(clean.tree); /* that knows where the packs are now */
	mark_totals_clear(&clean.totals);
	mark_totals_clear(&clean.base);
	return rc;
}

const struct job_kind clean_job_kind = {
	.name = "clean",
	.phase = "marking",
	.run = clean_run,
};
