/* SPDX-License-Identifier: MIT */
/*
 * The rows of background jobs: a JSON object each, with the job's state, the figures of its
 * status and its cursor. They are written by whatever commit comes next.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "fs/store/catalogue_sql.h"
#include "fs/store/sweep.h"
#include "fs/tree/job_impl.h"

const char *const job_state_names[] = {
	[JOB_IDLE] = "idle",
	[JOB_RUNNING] = "running",
	[JOB_PAUSED] = "paused",
	[JOB_FAILED] = "failed",
};

/* The row's figures: name and place in struct tree_job_status. */
struct job_field {
	const char *name;
	size_t offset;
};
static const struct job_field job_fields[] = {
	{"done", offsetof(struct tree_job_status, done)},
	{"total", offsetof(struct tree_job_status, total)},
	{"freed", offsetof(struct tree_job_status, freed)},
	{"will_free", offsetof(struct tree_job_status, will_free)},
	{"damaged_chunks", offsetof(struct tree_job_status, damaged_chunks)},
	{"damaged_files", offsetof(struct tree_job_status, damaged_files)},
	{"healed_chunks", offsetof(struct tree_job_status, healed_chunks)},
	{"damaged_packs", offsetof(struct tree_job_status, damaged_packs)},
	{"repaired_packs", offsetof(struct tree_job_status, repaired_packs)},
	{"started", offsetof(struct tree_job_status, started_ns)},
	{"finished", offsetof(struct tree_job_status, finished_ns)},
};
#define JOB_FIELDS (sizeof(job_fields) / sizeof(job_fields[0]))

/* No errno is larger. */
#define JOB_ERROR_MAX 4095

static void job_take(struct job *job, json_t *row)
{
	const char *state = json_string_value(json_object_get(row, "state"));
	for (int i = 0; state && i <= JOB_FAILED; i++)
		if (strcmp(state, job_state_names[i]) == 0)
			job->state = (enum job_state)i;
	for (size_t i = 0; i < JOB_FIELDS; i++) {
		int64_t value = json_integer_value(json_object_get(row, job_fields[i].name));
		memcpy((char *)&job->status + job_fields[i].offset, &value, sizeof(value));
	}
	json_int_t error = json_integer_value(json_object_get(row, "error"));
	job->status.error = error < 0 && error >= -JOB_ERROR_MAX ? (int)error : 0;
	json_t *cursor = json_object_get(row, "cursor");
	if (json_is_object(cursor)) {
		json_decref(job->cursor);
		job->cursor = json_incref(cursor);
	}
}

char *job_format_locked(struct job *job)
{
	json_t *row = json_object();
	int bad = json_object_set_new(row, "state", json_string(job_state_names[job->state]));
	for (size_t i = 0; i < JOB_FIELDS; i++) {
		int64_t value;
		memcpy(&value, (char *)&job->status + job_fields[i].offset, sizeof(value));
		bad |= json_object_set_new(row, job_fields[i].name, json_integer(value));
	}
	bad |= json_object_set_new(row, "error", json_integer(job->status.error));
	bad |= json_object_set(row, "cursor", job->cursor);
	char *text = bad ? NULL : json_dumps(row, JSON_COMPACT);
	json_decref(row);
	return text;
}

void job_parse(struct job *job, const char *text, size_t size)
{
	json_t *row = json_loadb(text, size, 0, NULL);
	/* A row that makes no sense is as good as none: the job is started anew. */
	if (json_is_object(row))
		job_take(job, row);
	json_decref(row);
}

int job_load(struct job *job)
{
	struct catalogue *c = job->tree->catalogue;
	catalogue_read_lock(c);
	sqlite3_stmt *s = catalogue_statement(c, SQL_JOB_GET);
	sqlite3_bind_text(s, 1, job->kind->name, -1, SQLITE_STATIC);
	int code = sqlite3_step(s);
	const char *text = code == SQLITE_ROW ? (const char *)sqlite3_column_text(s, 0) : NULL;
	if (text)
		job_parse(job, text, (size_t)sqlite3_column_bytes(s, 0));
	sqlite3_reset(s);
	int rc = catalogue_errno(c, code, "job");
	catalogue_read_unlock(c);
	return rc;
}

static int job_record(struct job *job, struct catalogue *catalogue)
{
	CLEANUP_FREE char *text = NULL;
	{
		LOCK_SCOPE(&job->lock);
		if (!job->changed && !job->recording)
			return 0;
		text = job_format_locked(job);
		if (!text)
			return -ENOMEM;
		job->changed = false;
		job->recording = true;
	}
	sqlite3_stmt *s = catalogue_statement(catalogue, SQL_JOB_PUT);
	sqlite3_bind_text(s, 1, job->kind->name, -1, SQLITE_STATIC);
	sqlite3_bind_text(s, 2, text, -1, SQLITE_STATIC);
	return catalogue_run(catalogue, s, "job");
}

static int jobs_record_sweep(struct jobs *jobs)
{
	LOCK_SCOPE(&jobs->lock);
	if (!jobs->sweep)
		return 0;
	jobs->sweep_recorded = true;
	return store_sweep_record(jobs->sweep);
}

int jobs_record(struct jobs *jobs, struct catalogue *catalogue)
{
	int rc = 0;
	for (int i = 0; jobs && !rc && i < JOB_COUNT; i++)
		rc = job_record(&jobs->job[i], catalogue);
	return jobs && !rc ? jobs_record_sweep(jobs) : rc;
}

bool jobs_have_recorded_sweep(struct jobs *jobs)
{
	if (!jobs)
		return false;
	LOCK_SCOPE(&jobs->lock);
	return jobs->sweep_recorded;
}

static void jobs_settle_sweep(struct jobs *jobs, bool committed)
{
	LOCK_SCOPE(&jobs->lock);
	if (!jobs->sweep_recorded)
		return;
	store_sweep_done(jobs->sweep, committed);
	jobs->sweep_recorded = false;
	jobs->sweep = NULL;
	pthread_cond_broadcast(&jobs->settled);
}

int jobs_commit_sweep(struct tree *t, struct store_sweep *sweep)
{
	struct jobs *jobs = t->jobs;
	pthread_mutex_lock(&jobs->lock);
	ASSERT(!jobs->sweep);
	jobs->sweep = sweep;
	pthread_mutex_unlock(&jobs->lock);
	int rc = commit_now(t);
	LOCK_SCOPE(&jobs->lock);
	/* An error may be of an earlier commit, and the next one has begun. */
	while (jobs->sweep_recorded)
		pthread_cond_wait(&jobs->settled, &jobs->lock);
	if (jobs->sweep) {
		/* No transaction came as far as this: the step is undone. */
		jobs->sweep = NULL;
		store_sweep_done(sweep, false);
	}
	return rc;
}

void jobs_settle(struct jobs *jobs, bool committed)
{
	for (int i = 0; jobs && i < JOB_COUNT; i++) {
		struct job *job = &jobs->job[i];
		LOCK_SCOPE(&job->lock);
		if (job->recording && !committed)
			job->changed = true;
		job->recording = false;
	}
	if (jobs)
		jobs_settle_sweep(jobs, committed);
}
