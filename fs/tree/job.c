/* SPDX-License-Identifier: MIT */
/*
 * Background jobs: their states, threads and commands. See job.h for the states; what
 * the jobs do is in clean.c and scrub_job.c.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "fs/tree/job_impl.h"
#include "lib/base/clock.h"
#include "lib/base/log.h"

/* A job steps back for as long as it has worked when others use the tree, up to this. */
#define JOB_REST_MAX_MS 1000u
/* linux/ioprio.h: class idle */
#define JOB_IOPRIO_IDLE (3 << 13)
#define JOB_IOPRIO_WHO  1
#define JOB_NICE        10

static const struct job_kind *const job_kinds[JOB_COUNT] = {
	[TREE_JOB_CLEAN] = &clean_job_kind,
	[TREE_JOB_SCRUB] = &scrub_job_kind,
};

/* ---- the thread ---- */

static void job_lower_priority(void)
{
	/* Only a courtesy: nothing depends on it. */
	(void)setpriority(PRIO_PROCESS, (id_t)syscall(SYS_gettid), JOB_NICE);
	(void)syscall(SYS_ioprio_set, JOB_IOPRIO_WHO, 0, JOB_IOPRIO_IDLE);
}

static void job_end_locked(struct job *job, int rc)
{
	job->ended = true;
	if (job->wish == WISH_QUIT && rc == -ECANCELED)
		return; /* goes on after the next start */
	job->changed = true;
	job->status.finished_ns = clock_real_ns();
	job->status.error = rc == -ECANCELED ? 0 : rc;
	job->state = job->status.error ? JOB_FAILED : JOB_IDLE;
	if (rc == 0)
		job->status.done = job->status.total;
	json_object_clear(job->cursor);
}

/* It is told to be paused, so it is: also one that has nothing left to do, which ends when it is
 * resumed, in a later mount perhaps. The tree may be closing before the thread comes here. */
static int job_wait_locked(struct job *job)
{
	while (job->wish == WISH_PAUSE)
		pthread_cond_wait(&job->wake, &job->lock);
	return job->state == JOB_PAUSED ? -ECANCELED : 0;
}

static void *job_main(void *argument)
{
	struct job *job = argument;
	job_lower_priority();
	job->worked_since = clock_monotonic_ns();
	int rc = job->kind->run(job);
	if (rc && rc != -ECANCELED)
		log_error("%s: %s: %s", store_path(job->tree->store), job->kind->name, strerror(-rc));
	pthread_mutex_lock(&job->lock);
	if (!rc)
		rc = job_wait_locked(job);
	job_end_locked(job, rc);
	pthread_mutex_unlock(&job->lock);
	commit_kick(job->tree);
	return NULL;
}

static void job_join_locked(struct job *job)
{
	if (!job->has_thread)
		return;
	pthread_t thread = job->thread;
	job->has_thread = false;
	pthread_mutex_unlock(&job->lock);
	pthread_join(thread, NULL);
	pthread_mutex_lock(&job->lock);
}

static int job_spawn_locked(struct job *job)
{
	job_join_locked(job); /* one that has ended */
	job->ended = false;
	job->phase = job->kind->phase;
	int rc = -pthread_create(&job->thread, NULL, job_main, job);
	job->has_thread = rc == 0;
	return rc;
}

static int job_breathe_some(struct job *job, bool waits)
{
	struct tree *t = job->tree;
	uint64_t worked = clock_monotonic_ns() - job->worked_since;
	uint64_t operations = atomic_load(&t->operations) + atomic_load(&t->bytes_read);
	unsigned rest = 0;
	if (operations != job->operations) {
		rest = worked / 1000000 < JOB_REST_MAX_MS ? (unsigned)(worked / 1000000)
							  : JOB_REST_MAX_MS;
		job->operations = operations;
	}
	struct timespec until = clock_deadline_ms(rest);
	int rc = store_failed(t->store);
	pthread_mutex_lock(&job->lock);
	while (rest && job->wish == WISH_RUN &&
	       pthread_cond_timedwait(&job->wake, &job->lock, &until) == 0)
		;
	while (waits && job->wish == WISH_PAUSE)
		pthread_cond_wait(&job->wake, &job->lock);
	if (job->wish == WISH_PAUSE)
		rc = rc ? rc : -EAGAIN;
	if (job->wish == WISH_STOP || job->wish == WISH_QUIT)
		rc = -ECANCELED;
	pthread_mutex_unlock(&job->lock);
	if (rest)
		job->worked_since = clock_monotonic_ns();
	return rc;
}

int job_breathe(struct job *job)
{
	return job_breathe_some(job, true);
}

int job_breathe_or_leave(struct job *job)
{
	return job_breathe_some(job, false);
}

struct tree *job_tree(struct job *job)
{
	return job->tree;
}

void job_set_phase(struct job *job, const char *phase, uint64_t total)
{
	LOCK_SCOPE(&job->lock);
	job->phase = phase;
	job->status.done = 0;
	job->status.total = total;
}

void job_set_done(struct job *job, uint64_t done)
{
	LOCK_SCOPE(&job->lock);
	job->status.done = done;
}

void job_set_freed(struct job *job, uint64_t freed, uint64_t will_free)
{
	LOCK_SCOPE(&job->lock);
	job->status.freed = freed;
	job->status.will_free = will_free;
}

void job_set_damage(struct job *job, const struct store_scrub_result *result, uint64_t files)
{
	LOCK_SCOPE(&job->lock);
	job->status.damaged_chunks = result->damaged_chunks;
	job->status.damaged_files = files;
	job->status.healed_chunks = result->healed_chunks;
	job->status.damaged_packs = result->damaged_packs;
	job->status.repaired_packs = result->repaired_packs;
}

int64_t job_get_cursor(struct job *job, const char *name)
{
	LOCK_SCOPE(&job->lock);
	return json_integer_value(json_object_get(job->cursor, name));
}

void job_set_cursor(struct job *job, const char *name, int64_t value)
{
	LOCK_SCOPE(&job->lock);
	/* Without memory the cursor stays where it was: some work is done twice. */
	(void)json_object_set_new(job->cursor, name, json_integer(value));
	job->changed = true;
}

/* ---- commands ---- */

static int job_start_locked(struct job *job)
{
	if (job->state == JOB_RUNNING || job->state == JOB_PAUSED)
		return -EALREADY;
	json_object_clear(job->cursor);
	job->status = (struct tree_job_status){.started_ns = clock_real_ns()};
	job->wish = WISH_RUN;
	int rc = job_spawn_locked(job);
	if (rc == 0)
		job->state = JOB_RUNNING;
	return rc;
}

static int job_pause_locked(struct job *job)
{
	if (job->state != JOB_RUNNING)
		return job->state == JOB_PAUSED ? 0 : -ESRCH;
	job->wish = WISH_PAUSE;
	job->state = JOB_PAUSED;
	return 0;
}

static int job_resume_locked(struct job *job)
{
	int rc = 0;
	if (job->state != JOB_PAUSED)
		return job->state == JOB_RUNNING ? 0 : -ESRCH;
	job->wish = WISH_RUN;
	if (!job->has_thread || job->ended)
		rc = job_spawn_locked(job); /* paused since before the tree was opened */
	if (rc == 0)
		job->state = JOB_RUNNING;
	return rc;
}

static int job_stop_locked(struct job *job)
{
	if (job->state != JOB_RUNNING && job->state != JOB_PAUSED)
		return -ESRCH;
	bool runs = job->has_thread && !job->ended;
	job->wish = WISH_STOP;
	pthread_cond_broadcast(&job->wake);
	job_join_locked(job);
	if (!runs)
		job_end_locked(job, 0);
	return 0;
}

static int (*const job_commands[])(struct job *job) = {
	[TREE_JOB_START] = job_start_locked,
	[TREE_JOB_PAUSE] = job_pause_locked,
	[TREE_JOB_RESUME] = job_resume_locked,
	[TREE_JOB_STOP] = job_stop_locked,
};

int tree_job_command(struct tree *t, enum tree_job which, enum tree_job_command command)
{
	if (!t->jobs)
		return -EROFS;
	struct job *job = &t->jobs->job[which];
	int rc = store_failed(t->store) && command == TREE_JOB_START ? -EROFS : 0;
	pthread_mutex_lock(&job->commands);
	pthread_mutex_lock(&job->lock);
	if (!rc)
		rc = job_commands[command](job);
	if (!rc)
		job->changed = true;
	pthread_cond_broadcast(&job->wake);
	pthread_mutex_unlock(&job->lock);
	pthread_mutex_unlock(&job->commands);
	if (!rc)
		commit_kick(t);
	return rc;
}

void tree_job_status(struct tree *t, enum tree_job which, struct tree_job_status *status)
{
	*status = (struct tree_job_status){.state = job_state_names[JOB_IDLE]};
	if (!t->jobs)
		return;
	struct job *job = &t->jobs->job[which];
	LOCK_SCOPE(&job->lock);
	*status = job->status;
	status->state = job->state == JOB_RUNNING ? job->phase : job_state_names[job->state];
}

/* ---- with the tree ---- */

static int job_open(struct job *job, struct tree *t, const struct job_kind *kind)
{
	job->tree = t;
	job->kind = kind;
	job->phase = kind->phase;
	job->cursor = json_object();
	pthread_mutex_init(&job->commands, NULL);
	pthread_mutex_init(&job->lock, NULL);
	clock_cond_init(&job->wake);
	int rc = job->cursor ? job_load(job) : -ENOMEM;
	job->wish = job->state == JOB_PAUSED ? WISH_PAUSE : WISH_RUN;
	return rc;
}

int jobs_open(struct tree *t)
{
	struct jobs *jobs = mem_try_zalloc(1, sizeof(*jobs));
	int rc = 0;
	if (!jobs)
		return -ENOMEM;
	for (int i = 0; i < JOB_COUNT; i++) {
		int error = job_open(&jobs->job[i], t, job_kinds[i]);
		rc = rc ? rc : error;
	}
	pthread_mutex_init(&jobs->lock, NULL);
	pthread_cond_init(&jobs->settled, NULL);
	t->jobs = jobs;
	for (int i = 0; !rc && i < JOB_COUNT; i++) {
		LOCK_SCOPE(&jobs->job[i].lock);
		if (jobs->job[i].state == JOB_RUNNING)
			rc = job_spawn_locked(&jobs->job[i]);
	}
	return rc;
}

void jobs_stop(struct tree *t)
{
	for (int i = 0; t->jobs && i < JOB_COUNT; i++) {
		struct job *job = &t->jobs->job[i];
		pthread_mutex_lock(&job->lock);
		job->wish = WISH_QUIT;
		pthread_cond_broadcast(&job->wake);
		job_join_locked(job);
		pthread_mutex_unlock(&job->lock);
	}
}

void jobs_free(struct tree *t)
{
	struct jobs *jobs = TAKE(t->jobs);
	for (int i = 0; jobs && i < JOB_COUNT; i++) {
		struct job *job = &jobs->job[i];
		ASSERT(!job->has_thread);
		json_decref(job->cursor);
		pthread_cond_destroy(&job->wake);
		pthread_mutex_destroy(&job->lock);
		pthread_mutex_destroy(&job->commands);
	}
	if (jobs) {
		pthread_cond_destroy(&jobs->settled);
		pthread_mutex_destroy(&jobs->lock);
	}
	free(jobs);
}

bool jobs_want_commit(struct tree *t)
{
	bool wants = false;
	for (int i = 0; t->jobs && i < JOB_COUNT; i++) {
		LOCK_SCOPE(&t->jobs->job[i].lock);
		wants |= t->jobs->job[i].changed;
	}
	return wants;
}
