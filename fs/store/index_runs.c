/* SPDX-License-Identifier: MIT */
/* The list of runs: counted references, changes as new lists, the manifest of one. */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

#include "fs/store/index_internal.h"
#include "lib/base/assert.h"
#include "lib/base/cleanup.h"
#include "lib/base/log.h"
#include "lib/base/mem.h"

void index_runs_hold_locked(struct index_run_list *list)
{
	list->references++;
}

struct index_run_list *index_runs_hold(struct index *index)
{
	LOCK_SCOPE(&index->lock);
	index_runs_hold_locked(index->runs);
	return index->runs;
}

void index_runs_release_locked(struct index_run_list **list)
{
	struct index_run_list *l = TAKE(*list);
	if (!l || --l->references > 0)
		return;
	for (size_t i = 0; i < l->count; i++) {
		if (--l->runs[i]->references == 0)
			index_run_free(&l->runs[i]);
	}
	free(l);
}

void index_runs_release(struct index *index, struct index_run_list **list)
{
	LOCK_SCOPE(&index->lock);
	index_runs_release_locked(list);
}

static bool runs_contain(struct index_run *const *runs, size_t count, const struct index_run *run)
{
	for (size_t i = 0; i < count; i++) {
		if (runs[i] == run)
			return true;
	}
	return false;
}

static void list_add(struct index_run_list *list, struct index_run *run)
{
	ASSERT(list->count < INDEX_RUNS_MAX);
	list->runs[list->count++] = run;
}

void index_runs_change_locked(struct index *index, struct index_run *fresh,
			      struct index_run *const *leaving, size_t count, bool drop)
{
	const struct index_run_list *before = index->runs;
	struct index_run_list *list = mem_zalloc(sizeof(*list));
	list->references = 1;
	if (fresh && count == 0)
		list_add(list, TAKE(fresh));
	for (size_t i = 0; i < before->count; i++) {
		struct index_run *run = before->runs[i];
		bool leaves = runs_contain(leaving, count, run);
		if (leaves && fresh)
			list_add(list, TAKE(fresh));
		if (leaves && drop)
			continue;
		run->references++;
		list_add(list, run);
	}
	ASSERT(fresh == NULL);
	struct index_run_list *old = index->runs;
	index->runs = list;
	index_runs_release_locked(&old);
}

static void runs_describe_locked(struct index *index, struct index_manifest *manifest)
{
	memcpy(manifest->uuid, index->options.store_uuid, sizeof(manifest->uuid));
	manifest->next_run = index->next_run;
	if (manifest->covered > index->floor)
		manifest->covered = index->floor;
	ASSERT(index->runs->count <= INDEX_MANIFEST_RUNS_MAX);
	manifest->count = index->runs->count;
	for (size_t i = 0; i < index->runs->count; i++) {
		manifest->runs[i] = index->runs->runs[i]->record;
		manifest->runs[i].damaged = index->runs->runs[i]->accounted;
	}
}

int index_runs_write_manifest(struct index *index, uint64_t covered)
{
	struct index_manifest *manifest = mem_zalloc(sizeof(*manifest));
	manifest->covered = covered;
	pthread_mutex_lock(&index->lock);
	runs_describe_locked(index, manifest);
	pthread_mutex_unlock(&index->lock);
	int error = index_manifest_write(index->folder, manifest);
	free(manifest);
	return error;
}

void index_runs_note_damage_locked(struct index *index, struct index_run *run)
{
	uint64_t from = run->record.pack_min;
	if (run->accounted)
		return;
	run->accounted = true;
	atomic_store(&run->damaged, true);
	log_warning("%s: a page is damaged and left out; packs from %" PRIu64
		    " on go into the index again at the next start", run->path, from);
	if (index->floor > from)
		index->floor = from;
	if (atomic_load(&index->covered) > from)
		atomic_store(&index->covered, from);
	index->manifest_dirty = true;
	pthread_cond_signal(&index->work);
}
