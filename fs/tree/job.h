/* SPDX-License-Identifier: MIT */
/*
 * Background jobs of a tree: cleaning and scrubbing, each on a thread of its own at low
 * priority. A job's state and cursor are one JSON object in the catalogue's table `job`; they
 * follow with the next commit.
 *
 *   IDLE -> RUNNING [start]     RUNNING <-> PAUSED [pause, resume]
 *   RUNNING, PAUSED -> IDLE [stop]     RUNNING -> IDLE [the end]
 *   RUNNING, PAUSED -> FAILED [an error]
 *   FAILED -> RUNNING [start]
 *
 * When the tree is closed a job's thread ends but its state is kept: it goes on from its
 * cursor when the tree is opened again.
 *
 * Locks: a job's own lock is a leaf.
 */
#ifndef FS_TREE_JOB_H
#define FS_TREE_JOB_H

#include <jansson.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "fs/store/scrub.h"
#include "fs/tree/tree.h"

#define JOB_COUNT 2

enum job_state { JOB_IDLE, JOB_RUNNING, JOB_PAUSED, JOB_FAILED };

struct job;

/* What a kind of job does. run() works until it is done (0), told to stop (-ECANCELED from
 * job_breathe()) or has failed. */
struct job_kind {
	const char *name;
	const char *phase; /* the first one */
	int (*run)(struct job *job);
};
extern const struct job_kind clean_job_kind, scrub_job_kind;

/* The jobs of a tree, t->jobs. A read-only tree has none: NULL, which all of these take. */
struct jobs;
/* The last step of opening a tree: jobs that were running go on. After a failure too
 * jobs_stop() and jobs_free() are due. */
int jobs_open(struct tree *t);
/* Ends the threads; what they have noted is for the commit after it. */
void jobs_stop(struct tree *t);
void jobs_free(struct tree *t);
/* Something of theirs waits for a commit. */
bool jobs_want_commit(struct tree *t);

/* ---- the committer's ---- */
/* Inside its transaction, which may be done again; and after it. */
int jobs_record(struct jobs *jobs, struct catalogue *catalogue);
void jobs_settle(struct jobs *jobs, bool committed);
/* Between the two: does the transaction move packs? */
bool jobs_have_recorded_sweep(struct jobs *jobs);

/* ---- for the jobs ---- */
/* Has a step of a sweep committed, and waits. After an error the step is undone. */
struct store_sweep;
int jobs_commit_sweep(struct tree *t, struct store_sweep *sweep);
struct tree *job_tree(struct job *job);
/* Called often: waits while paused, makes way for others; -ECANCELED ends the job. */
int job_breathe(struct job *job);
/* The same for who holds what must not be held for long, such as a snapshot of the catalogue,
 * which keeps its log growing: -EAGAIN instead of waiting through a pause. */
int job_breathe_or_leave(struct job *job);
/* The name is shown to people and must be a constant. */
void job_set_phase(struct job *job, const char *phase, uint64_t total);
void job_set_done(struct job *job, uint64_t done);
/* Bytes freed so far and to be freed in all. */
void job_set_freed(struct job *job, uint64_t freed, uint64_t will_free);
void job_set_damage(struct job *job, const struct store_scrub_result *result, uint64_t files);
/* Cursors are integers with a name; 0 when not set. They are kept with the next commit, and
 * forgotten when the job starts anew. */
int64_t job_get_cursor(struct job *job, const char *name);
void job_set_cursor(struct job *job, const char *name, int64_t value);

#endif
