/* SPDX-License-Identifier: MIT */
/*
 * Opening and closing the fingerprint index. What is damaged or another store's is
 * taken out of the manifest before anything else happens, with the coverage
 * lowered for it, and files that the manifest does not name are removed.
 */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "fs/store/index_internal.h"
#include "lib/base/assert.h"
#include "lib/base/cleanup.h"
#include "lib/base/file.h"
#include "lib/base/log.h"
#include "lib/base/mem.h"

#define RECENT_BYTES_MIN ((size_t)64 << 10)
#define RECENT_BYTES_MAX ((size_t)8 << 20)

/* Errors that say something of the files, not of this process. */
static bool open_is_damage(int error)
{
	return error == -EBADMSG || error == -ENOENT || error == -EIO || error == -ENODATA;
}

static size_t open_table_slots(size_t memory)
{
	size_t slots = INDEX_TABLE_SLOTS_MIN;
	while (slots < INDEX_TABLE_SLOTS_MAX && 2 * slots * INDEX_ENTRY_SIZE <= memory / 8)
		slots *= 2;
	return slots;
}

static int open_tables(struct index *index)
{
	size_t memory = index->options.memory;
	size_t recent = memory / 16;
	size_t slots = open_table_slots(memory);
	if (recent < RECENT_BYTES_MIN)
		recent = RECENT_BYTES_MIN;
	if (recent > RECENT_BYTES_MAX)
		recent = RECENT_BYTES_MAX;
	index->recent = index_recent_new(recent);
	index->active = index_table_new(slots);
	index->spare = index_table_new(slots);
	if (!index->recent || !index->active || !index->spare)
		return -ENOMEM;
	index->table_bytes = index_table_bytes(index->active);
	index->table_limit = index_table_limit(slots);
	size_t used = index_recent_bytes(index->recent) + 2 * index->table_bytes;
	index->filter_budget = memory > used ? memory - used : 0;
	return 0;
}

static int open_run(struct index *index, const struct index_run_record *record)
{
	struct index_run *run;
	int error = index_run_open(index->folder, index->options.store_uuid, record, &run);
	if (error)
		return error;
	error = index_run_open_filter(run);
	if (!error) {
		unsigned level = index_budget_level(index, run, NULL, 0);
		error = index_filter_load(run->filter, level, &run->bits);
	}
	if (error == -EBADMSG) {
		/* The filter's blocks are damaged: once more, from the run. */
		index_filter_free(&run->filter);
		unlink(run->filter_path);
		error = index_run_open_filter(run);
		if (!error)
			error = index_filter_load(run->filter,
						  index_budget_level(index, run, NULL, 0),
						  &run->bits);
	}
	if (error) {
		index_run_free(&run);
		return error;
	}
	LOCK_SCOPE(&index->lock);
	index_runs_change_locked(index, run, NULL, 0, false);
	return 0;
}

static int open_manifest(struct index *index, struct index_manifest *manifest, bool *changed)
{
	int error = index_manifest_read(index->folder, index->options.store_uuid, manifest);
	if (error == 0)
		return 0;
	if (!open_is_damage(error))
		return error;
	if (error != -ENOENT)
		log_warning("%s/manifest: damaged or of another store, the index begins anew",
			    index->folder);
	*changed = error != -ENOENT;
	*manifest = (struct index_manifest){.next_run = 1};
	return 0;
}

static int open_runs(struct index *index, const struct index_manifest *manifest, bool *changed)
{
	uint64_t covered = manifest->covered;
	index->next_run = manifest->next_run;
	/* The oldest first: each goes before those that are there. */
	for (size_t i = manifest->count; i-- > 0;) {
		const struct index_run_record *record = &manifest->runs[i];
		int error = open_run(index, record);
		if (error && !open_is_damage(error))
			return error;
		if (!error)
			continue;
		CLEANUP_FREE char *path = index_run_path(index->folder, record->number);
		log_warning("%s: set aside: %s", path, strerror(-error));
		covered = covered < record->pack_min ? covered : record->pack_min;
		*changed = true;
	}
	atomic_store(&index->covered, covered);
	index->committed = covered;
	return 0;
}

static bool open_names_file(const struct index *index, const char *name)
{
	for (size_t i = 0; i < index->runs->count; i++) {
		const struct index_run *run = index->runs->runs[i];
		if (strcmp(strrchr(run->path, '/') + 1, name) == 0 ||
		    strcmp(strrchr(run->filter_path, '/') + 1, name) == 0)
			return true;
	}
	return false;
}

/* Removes runs that no manifest names: leftovers of a crash, or set aside. */
static void open_sweep_folder(const struct index *index)
{
	DIR *folder = opendir(index->folder);
	if (!folder)
		return;
	for (struct dirent *entry; (entry = readdir(folder));) {
		if (strncmp(entry->d_name, "run-", 4) == 0 &&
		    !open_names_file(index, entry->d_name))
			unlinkat(dirfd(folder), entry->d_name, 0);
	}
	closedir(folder);
}

int index_load_runs(struct index *index)
{
	struct index_manifest *manifest = mem_zalloc(sizeof(*manifest));
	bool changed = false;
	int error = open_manifest(index, manifest, &changed);
	if (!error)
		error = open_runs(index, manifest, &changed);
	free(manifest);
	if (!error && changed)
		error = index_runs_write_manifest(index, atomic_load(&index->covered));
	if (!error)
		open_sweep_folder(index);
	return error;
}

static void index_init(struct index *index, const struct index_options *options)
{
	index->magic = INDEX_MAGIC;
	index->options = *options;
	index->folder = mem_strdup(options->folder);
	index->options.folder = index->folder;
	pthread_mutex_init(&index->lock, NULL);
	pthread_cond_init(&index->work, NULL);
	pthread_cond_init(&index->done, NULL);
	index->runs = mem_zalloc(sizeof(*index->runs));
	index->runs->references = 1;
	index->floor = UINT64_MAX;
	atomic_init(&index->covered, 0);
}

int index_open(const struct index_options *options, struct index **index)
{
	struct index *opened = mem_try_zalloc(1, sizeof(*opened));
	*index = NULL;
	if (!opened)
		return -ENOMEM;
	index_init(opened, options);
	int error = file_make_directory(opened->folder, 0700);
	if (!error)
		error = open_tables(opened);
	if (!error)
		error = index_load_runs(opened);
	if (!error)
		error = -pthread_create(&opened->thread, NULL, index_worker_run, opened);
	opened->thread_started = !error;
	if (error)
		index_close(&opened);
	*index = opened;
	return error;
}

static void index_stop(struct index *index)
{
	pthread_mutex_lock(&index->lock);
	index->stop = true;
	pthread_cond_signal(&index->work);
	pthread_mutex_unlock(&index->lock);
	pthread_join(index->thread, NULL);
}

void index_close(struct index **index)
{
	struct index *i = TAKE(*index);
	if (!i)
		return;
	ASSERT_OBJECT(i, INDEX_MAGIC);
	if (i->thread_started)
		index_stop(i);
	index_runs_release(i, &i->runs);
	index_recent_free(&i->recent);
	index_table_free(&i->active);
	index_table_free(&i->frozen);
	index_table_free(&i->spare);
	index_forgotten_clear_locked(i);
	pthread_cond_destroy(&i->work);
	pthread_cond_destroy(&i->done);
	pthread_mutex_destroy(&i->lock);
	free(i->folder);
	i->magic = 0;
	free(i);
}
