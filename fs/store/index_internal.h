/* SPDX-License-Identifier: MIT */
/*
 * The fingerprint index from inside, shared by index*.c.
 *
 * One lock, `lock`, guards everything that is not said to be the worker's. It is
 * never held over I/O but in index_reset(). The worker is the index's thread: it
 * alone makes runs, changes the list of runs and writes the manifest.
 *
 * The tables go round: active (inserts) -> frozen (being written into a run, still
 * looked up) -> spare (empty). An insert that finds the active table full and no
 * spare one waits.
 */
#ifndef FS_STORE_INDEX_INTERNAL_H
#define FS_STORE_INDEX_INTERNAL_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "fs/store/index.h"
#include "fs/store/index_manifest.h"
#include "fs/store/index_recent.h"
#include "fs/store/index_run.h"
#include "fs/store/index_table.h"

/* A merged run stands beside its inputs for a moment. */
#define INDEX_RUNS_MAX (INDEX_MANIFEST_RUNS_MAX + 1)

/* From so many runs on no more are made before some have been merged. */
#define INDEX_RUNS_HIGH 40u

/* A list of runs, the newest first. It never changes: a changed list is a new one, and a
 * lookup keeps the one that it began with. Each list holds a reference to its runs. */
struct index_run_list {
	unsigned references;
	size_t count;
	struct index_run *runs[INDEX_RUNS_MAX];
};

/* Packs that have been dropped: open addressing, 0 is free. */
struct index_pack_set {
	uint64_t *packs;
	size_t count, mask;
};

#define INDEX_MAGIC 0x49445821u

struct index {
	uint32_t magic;
	/* Fixed after index_open(). */
	char *folder;
	struct index_options options;
	size_t filter_budget;
	size_t table_bytes, table_limit; /* of one table; entries that it takes */
	pthread_t thread;
	bool thread_started;

	pthread_mutex_t lock;
	pthread_cond_t work; /* the worker waits for a frozen table, damage, stop */
	pthread_cond_t done; /* others wait for a spare table, a flush, an idle worker */
	struct index_recent *recent;
	struct index_table *active, *frozen, *spare;
	struct index_run_list *runs;
	struct index_pack_set forgotten;
	uint64_t committed;        /* as the caller said */
	uint64_t frozen_committed; /* the same when the frozen table was frozen */
	uint64_t floor;            /* coverage cannot pass this: entries from here on were lost */
	atomic_uint_least64_t covered;
	uint64_t next_run;
	uint64_t freezes, flushes; /* counted, to wait for one */
	int flush_error;           /* of the last flush */
	bool manifest_dirty, stop, cancel, busy;
	struct index_stats stats;  /* the counters */

	/* The worker's. */
	size_t merge_failed_count; /* runs when a merge failed; 0 none did */
	bool flush_failed;         /* the last flush did, and the log says so */
};

/* ---- index_runs.c ---- */
struct index_run_list *index_runs_hold(struct index *index);
void index_runs_release(struct index *index, struct index_run_list **list);
void index_runs_hold_locked(struct index_run_list *list);
void index_runs_release_locked(struct index_run_list **list);
/* Adds `fresh` (may be NULL) before the first of the `count` runs at `leaving` (at the front
 * if there are none). With `drop` these leave. The caller's reference to fresh is taken. */
void index_runs_change_locked(struct index *index, struct index_run *fresh,
			      struct index_run *const *leaving, size_t count, bool drop);
/* Writes the manifest as the list is now, with this coverage. The worker's. */
int index_runs_write_manifest(struct index *index, uint64_t covered);
/* Lowers the coverage for a run in which a page was found bad, once. */
void index_runs_note_damage_locked(struct index *index, struct index_run *run);

/* ---- index_budget.c ---- */
/* The filter level that `fresh` can have within the memory budget, given that the runs at
 * `leaving` go; larger filters of others may be lowered for it. The worker's. */
unsigned index_budget_level(struct index *index, struct index_run *fresh,
			    struct index_run *const *leaving, size_t count);

/* ---- index_forget.c ---- */
bool index_forgotten_locked(const struct index *index, uint64_t pack);
void index_forgotten_clear_locked(struct index *index);

/* ---- index_worker.c, index_merge.c ---- */
void *index_worker_run(void *index);
/* There must be a spare table. */
void index_worker_freeze_locked(struct index *index);
/* Writes the frozen table out if there is one. The worker's. */
void index_worker_flush(struct index *index);
/* Merges some runs if there are enough of a size. False: nothing to do. The worker's. */
bool index_merge(struct index *index);

/* ---- index_open.c ---- */
int index_load_runs(struct index *index);

#endif
