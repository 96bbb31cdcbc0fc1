/* SPDX-License-Identifier: MIT */
/*
 * The order in which a unit's commands run.
 *
 * `busy` is the unit: who sets it, under queue_lock, runs one command or job. The
 * thread that submits takes it when nothing is before its command and the command
 * will not wait; else the command is queued and the worker takes it in its turn.
 * Commands marked SCSI_WHILE_BUSY run at once, beside whatever has the unit.
 *
 *   submitted -> running -> answered            [inline, or beside]
 *   submitted -> queued -> running -> answered  [worker]
 *                  \-> aborted [manage.c]   \-> answered early, still running
 */
#include <string.h>

#include "lib/base/assert.h"
#include "lib/base/cleanup.h"
#include "target/scsi/unit.h"

/* With the target's lock: the runner is entered, and the unit stays until unit_leave(). */
static void unit_enter(struct scsi_lu *lu, struct scsi_runner *runner)
{
	struct scsi_unit *unit = lu->unit;
	LOCK_SCOPE(&unit->queue_lock);
	runner->serial = unit->serial++;
	TAILQ_INSERT_TAIL(&unit->runners, runner, link);
}

void unit_leave(struct scsi_lu *lu, struct scsi_runner *runner)
{
	struct scsi_unit *unit = lu->unit;
	struct scsi_waiter_list done = TAILQ_HEAD_INITIALIZER(done);
	pthread_mutex_lock(&unit->queue_lock);
	TAILQ_REMOVE(&unit->runners, runner, link);
	if (runner->aborted)
		unit_collect_waiters_locked(unit, &done);
	if (unit->stopping)
		pthread_cond_broadcast(&unit->changed);
	/* With the lock given back the unit may be freed. */
	pthread_mutex_unlock(&unit->queue_lock);
	operation_end_waiters(&done);
}

/* The task is the transport's from here on. */
static void runner_answer(struct scsi_lu *lu, struct scsi_runner *runner, bool had_unit)
{
	struct scsi_unit *unit = lu->unit;
	pthread_mutex_lock(&unit->queue_lock);
	struct scsi_task *task = TAKE(runner->task);
	if (had_unit) {
		unit->busy = false;
		if (!TAILQ_EMPTY(&unit->queue))
			pthread_cond_broadcast(&unit->changed);
	}
	pthread_mutex_unlock(&unit->queue_lock);
	struct scsi_nexus *nexus = task->nexus;
	if (runner->task_aborted_status)
		task->status = SCSI_TASK_ABORTED;
	task->done(task);
	nexus_put(nexus);
}

/* Gives the task to the worker. */
static void unit_queue_locked(struct scsi_unit *unit, struct scsi_task *task,
			      struct scsi_runner *runner, bool first)
{
	TAILQ_REMOVE(&unit->runners, runner, link);
	if (first)
		TAILQ_INSERT_HEAD(&unit->queue, task, link);
	else
		TAILQ_INSERT_TAIL(&unit->queue, task, link);
	unit->queued++;
	pthread_cond_broadcast(&unit->changed);
}

enum turn { TURN_NOW, TURN_QUEUED, TURN_NEVER };

/* With TURN_NOW the unit is the caller's; with TURN_QUEUED the task is no longer. */
static enum turn unit_take_turn(struct scsi_lu *lu, struct scsi_task *task,
				struct scsi_runner *runner)
{
	struct scsi_unit *unit = lu->unit;
	pthread_mutex_lock(&unit->queue_lock);
	enum turn turn = TURN_NOW;
	if (scsi_is_aborted(task)) {
		turn = TURN_NEVER;
	} else if (!unit->busy && TAILQ_EMPTY(&unit->queue)) {
		unit->busy = true;
	} else if (unit->queued >= SCSI_QUEUE_MAX) {
		task->status = SCSI_TASK_SET_FULL;
		turn = TURN_NEVER;
	} else {
		unit_queue_locked(unit, task, runner, task->attribute == SCSI_HEAD_OF_QUEUE);
		turn = TURN_QUEUED;
	}
	pthread_mutex_unlock(&unit->queue_lock);
	if (turn != TURN_NOW || !task->row->waits || !task->row->waits(lu, task))
		return turn;
	LOCK_SCOPE(&unit->queue_lock);
	unit->busy = false;
	if (scsi_is_aborted(task)) {
		pthread_cond_broadcast(&unit->changed);
		return TURN_NEVER;
	}
	unit_queue_locked(unit, task, runner, true);
	return TURN_QUEUED;
}

static void submit_to_unit(struct scsi_lu *lu, struct scsi_task *task, struct scsi_runner *runner)
{
	bool had_unit = false;
	if (command_accept(lu, task)) {
		if (!(task->row->flags & SCSI_WHILE_BUSY)) {
			enum turn turn = unit_take_turn(lu, task, runner);
			if (turn == TURN_QUEUED)
				return;
			had_unit = turn == TURN_NOW;
		}
		if (had_unit || task->row->flags & SCSI_WHILE_BUSY)
			command_run(lu, task);
	}
	runner_answer(lu, runner, had_unit);
	unit_leave(lu, runner);
}

void scsi_submit(struct scsi_task *task)
{
	struct scsi_nexus *nexus = task->nexus;
	struct scsi_target *target = nexus->target;
	struct scsi_runner runner = {.task = task, .nexus = nexus};
	ASSERT_OBJECT(nexus, SCSI_NEXUS_MAGIC);
	if (task->out && scsi_brings_secret(task->cdb))
		task->out->secret = true;
	nexus_hold(nexus);
	task->status = SCSI_GOOD;
	pthread_mutex_lock(&target->lock);
	task->lu = target_find_locked(target, task->lun);
	if (task->lu)
		unit_enter(task->lu, &runner);
	pthread_mutex_unlock(&target->lock);
	if (task->lu) {
		submit_to_unit(task->lu, task, &runner);
		return;
	}
	command_run_missing(task);
	task->done(task);
	nexus_put(nexus);
}

/* ---- the worker ------------------------------------------------------------------------ */

static void task_copy_request(struct scsi_task *copy, struct scsi_task *task)
{
	copy->nexus = task->nexus;
	copy->lun = task->lun;
	copy->tag = task->tag;
	copy->attribute = task->attribute;
	memcpy(copy->cdb, task->cdb, sizeof(copy->cdb));
	copy->cdb_size = task->cdb_size;
	copy->out = TAKE(task->out);
	copy->in_room = task->in_room;
	copy->lu = task->lu;
	copy->row = task->row;
	copy->original = task;
	copy->status = SCSI_GOOD;
}

static void task_move_answer(struct scsi_task *task, struct scsi_task *copy)
{
	task->out = TAKE(copy->out);
	task->status = copy->status;
	task->sense = copy->sense;
	task->sense_descriptor = copy->sense_descriptor;
	memcpy(task->in, copy->in, copy->in_count * sizeof(*copy->in));
	task->in_count = copy->in_count;
	task->in_size = copy->in_size;
	task->in_wanted = copy->in_wanted;
	task->out_wanted = copy->out_wanted;
	task->out_taken = copy->out_taken;
	__atomic_store_n(&task->aborted, scsi_is_aborted(copy), __ATOMIC_RELEASE);
	copy->in_count = 0;
	copy->in_size = 0;
}

/* Answers the original; NULL: that has been done. */
static void worker_answer(struct scsi_task *copy, struct scsi_task *original,
			  bool task_aborted_status)
{
	if (!original)
		return;
	struct scsi_nexus *nexus = copy->nexus;
	task_move_answer(original, copy);
	if (task_aborted_status)
		original->status = SCSI_TASK_ABORTED;
	original->done(original);
	nexus_put(nexus);
}

bool scsi_finish_early(struct scsi_task *task)
{
	if (!task->original)
		return false;
	struct scsi_unit *unit = task->lu->unit;
	pthread_mutex_lock(&unit->queue_lock);
	unit->worker_runner->task = NULL;
	bool task_aborted_status = unit->worker_runner->task_aborted_status;
	struct scsi_task *original = TAKE(task->original);
	pthread_mutex_unlock(&unit->queue_lock);
	scsi_good(task);
	worker_answer(task, original, task_aborted_status);
	task->in_room = 0;
	return true;
}

/* queue_lock is held, and is given up meanwhile; the unit is the worker's. */
static void worker_run_locked(struct scsi_lu *lu, struct scsi_task *task)
{
	struct scsi_unit *unit = lu->unit;
	struct scsi_task *copy = &unit->copy;
	task_copy_request(copy, task);
	struct scsi_runner runner = {.task = copy, .nexus = task->nexus, .serial = unit->serial++};
	TAILQ_INSERT_TAIL(&unit->runners, &runner, link);
	unit->worker_runner = &runner;
	pthread_mutex_unlock(&unit->queue_lock);

	command_run(lu, copy);

	pthread_mutex_lock(&unit->queue_lock);
	runner.task = NULL;
	unit->worker_runner = NULL;
	unit->busy = false;
	struct scsi_task *original = TAKE(copy->original);
	pthread_mutex_unlock(&unit->queue_lock);
	/* Nobody can abort it any more. */
	if (original && copy->status == SCSI_CHECK_CONDITION && copy->tells_earlier && scsi_is_aborted(copy))
		scsi_deferred(lu, copy->nexus, &copy->sense);
	worker_answer(copy, original, runner.task_aborted_status);
	scsi_task_clear(copy);
	unit_leave(lu, &runner);
	pthread_mutex_lock(&unit->queue_lock);
}

static void worker_job_locked(struct scsi_lu *lu, struct scsi_job *job)
{
	struct scsi_unit *unit = lu->unit;
	pthread_mutex_unlock(&unit->queue_lock);
	job->run(lu, job); /* the job may be gone now */
	pthread_mutex_lock(&unit->queue_lock);
	unit->busy = false;
}

void *unit_worker(void *context)
{
	struct scsi_lu *lu = context;
	struct scsi_unit *unit = lu->unit;
	pthread_mutex_lock(&unit->queue_lock);
	for (;;) {
		struct scsi_task *task = TAILQ_FIRST(&unit->queue);
		if (unit->busy || !task) {
			if (unit->stopping && !task && TAILQ_EMPTY(&unit->runners))
				break;
			pthread_cond_wait(&unit->changed, &unit->queue_lock);
			continue;
		}
		TAILQ_REMOVE(&unit->queue, task, link);
		unit->busy = true;
		if (task->job) {
			worker_job_locked(lu, task->job);
		} else {
			unit->queued--;
			worker_run_locked(lu, task);
		}
	}
	pthread_mutex_unlock(&unit->queue_lock);
	return NULL;
}

void unit_add_job(struct scsi_lu *lu, struct scsi_job *job, bool first)
{
	struct scsi_unit *unit = lu->unit;
	job->task.job = job;
	LOCK_SCOPE(&unit->queue_lock);
	if (first)
		TAILQ_INSERT_HEAD(&unit->queue, &job->task, link);
	else
		TAILQ_INSERT_TAIL(&unit->queue, &job->task, link);
	pthread_cond_broadcast(&unit->changed);
}

/* ---- calls ------------------------------------------------------------------------------- */

struct call {
	struct scsi_job job;
	int (*function)(struct scsi_lu *lu, void *context);
	void *context;
	pthread_mutex_t lock;
	pthread_cond_t ended;
	bool has_ended; /* lock */
	int result;
};

static void call_run(struct scsi_lu *lu, struct scsi_job *job)
{
	struct call *call = (struct call *)((char *)job - offsetof(struct call, job));
	int result = call->function(lu, call->context);
	LOCK_SCOPE(&call->lock);
	call->result = result;
	call->has_ended = true;
	pthread_cond_signal(&call->ended);
}

int scsi_lu_call(struct scsi_lu *lu, int (*job)(struct scsi_lu *lu, void *context), void *context)
{
	if (pthread_equal(pthread_self(), lu->unit->worker))
		return job(lu, context); /* a command of this unit calls: it is in turn */
	struct call call = {.job.run = call_run,
			    .function = job,
			    .context = context,
			    .lock = PTHREAD_MUTEX_INITIALIZER,
			    .ended = PTHREAD_COND_INITIALIZER};
	unit_add_job(lu, &call.job, false);
	pthread_mutex_lock(&call.lock);
	while (!call.has_ended)
		pthread_cond_wait(&call.ended, &call.lock);
	pthread_mutex_unlock(&call.lock);
	pthread_cond_destroy(&call.ended);
	pthread_mutex_destroy(&call.lock);
	return call.result;
}
