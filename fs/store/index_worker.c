/* SPDX-License-Identifier: MIT */
/*
 * The index's thread. It writes the frozen table into a run, then the manifest
 * that names the run, and merges runs when nothing else waits:
 *
 *   run and filter written and synced -> folder synced -> manifest replaced -> covered raised
 *
 * A flush that fails loses nothing but dedup: its entries are dropped, and the
 * coverage stays where it is, so that the next start inserts those packs again.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "fs/store/index_internal.h"
#include "lib/base/assert.h"
#include "lib/base/cleanup.h"
#include "lib/base/log.h"

void index_worker_freeze_locked(struct index *index)
{
	ASSERT(index->spare && !index->frozen);
	index->frozen = index->active;
	index->active = TAKE(index->spare);
	index->frozen_committed = index->committed;
	index->freezes++;
	pthread_cond_signal(&index->work);
}

static int worker_write_table(struct index *index, const struct index_table *table, uint64_t number,
			      struct index_run **run)
{
	CLEANUP_FREE uint64_t *order = NULL;
	struct index_run_writer *writer = NULL;
	size_t count = 0;
	*run = NULL;
	if (index_table_count(table) == 0)
		return 0;
	int error = index_table_sort(table, &order, &count);
	if (!error)
		error = index_run_writer_new(index->folder, index->options.store_uuid, number,
					     count, &writer);
	for (size_t i = 0; i < count && !error; i++)
		error = index_run_writer_add(writer, index_table_at(table, order[i]));
	if (!error)
		error = index_run_writer_finish(writer, run);
	index_run_writer_free(&writer);
	return error;
}

static int worker_add_run(struct index *index, struct index_run *run)
{
	unsigned level = index_budget_level(index, run, NULL, 0);
	int error = index_filter_load(run->filter, level, &run->bits);
	pthread_mutex_lock(&index->lock);
	if (!error && index->runs->count == INDEX_MANIFEST_RUNS_MAX)
		error = -EOVERFLOW;
	if (!error)
		index_runs_change_locked(index, run, NULL, 0, false);
	pthread_mutex_unlock(&index->lock);
	if (error) {
		index_run_unlink(run);
		index_run_free(&run);
	}
	return error;
}

static int worker_flush_table(struct index *index, const struct index_table *table)
{
	struct index_run *run;
	pthread_mutex_lock(&index->lock);
	uint64_t number = index->next_run++;
	pthread_mutex_unlock(&index->lock);
	int error = worker_write_table(index, table, number, &run);
	if (!error && run)
		error = worker_add_run(index, run);
	if (error) {
		LOCK_SCOPE(&index->lock);
		uint64_t covered = atomic_load(&index->covered);
		if (index->floor > covered)
			index->floor = covered;
	}
	return error;
}

static int worker_raise_coverage(struct index *index)
{
	pthread_mutex_lock(&index->lock);
	uint64_t covered = atomic_load(&index->covered);
	uint64_t raised = index->frozen_committed;
	if (raised > index->floor)
		raised = index->floor;
	if (raised < covered)
		raised = covered;
	index->manifest_dirty = false;
	pthread_mutex_unlock(&index->lock);
	int error = index_runs_write_manifest(index, raised);
	LOCK_SCOPE(&index->lock);
	/* Damage found meanwhile has lowered the floor: the next manifest says so. */
	if (!error)
		atomic_store(&index->covered, raised < index->floor ? raised : index->floor);
	return error;
}

void index_worker_flush(struct index *index)
{
	pthread_mutex_lock(&index->lock);
	struct index_table *table = index->frozen;
	pthread_mutex_unlock(&index->lock);
	if (!table)
		return;
	int error = worker_flush_table(index, table);
	if (!error)
		error = worker_raise_coverage(index);
	if (error && !index->flush_failed)
		log_warning("%s: the index could not be written: %s", index->folder,
			    strerror(-error));
	index->flush_failed = error != 0;
	pthread_mutex_lock(&index->lock);
	index->frozen = NULL;
	pthread_mutex_unlock(&index->lock);
	index_table_clear(table);
	LOCK_SCOPE(&index->lock);
	index->spare = table;
	index->flushes++;
	index->flush_error = error;
	pthread_cond_broadcast(&index->done);
}

static void worker_write_manifest(struct index *index)
{
	int error = index_runs_write_manifest(index, atomic_load(&index->covered));
	if (error)
		log_warning("%s/manifest: %s", index->folder, strerror(-error));
}

/* False: there is nothing to do. With many runs merging goes first: inserts wait for it. */
static bool worker_work(struct index *index, bool flush, bool manifest, bool crowded)
{
	if (manifest)
		worker_write_manifest(index);
	else if (flush && !crowded)
		index_worker_flush(index);
	else if (!index_merge(index)) {
		if (flush)
			index_worker_flush(index);
		return flush;
	}
	return true;
}

/* One piece of work, with the lock given up meanwhile. */
static bool worker_step_locked(struct index *index)
{
	bool flush = index->frozen != NULL;
	bool manifest = index->manifest_dirty;
	bool crowded = index->runs->count >= INDEX_RUNS_HIGH && !index->cancel;
	if (!flush && !manifest && index->cancel)
		return false;
	index->busy = true;
	index->manifest_dirty = false;
	pthread_mutex_unlock(&index->lock);
	bool worked = worker_work(index, flush, manifest, crowded);
	pthread_mutex_lock(&index->lock);
	index->busy = false;
	pthread_cond_broadcast(&index->done);
	return worked;
}

void *index_worker_run(void *argument)
{
	struct index *index = argument;
	LOCK_SCOPE(&index->lock);
	while (!index->stop) {
		if (!worker_step_locked(index) && !index->stop && !index->frozen &&
		    !index->manifest_dirty)
			pthread_cond_wait(&index->work, &index->lock);
	}
	return NULL;
}
