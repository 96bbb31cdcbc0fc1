/* SPDX-License-Identifier: MIT */
/*
 * Aborts, exact: a task that waits in a queue is taken out and is as if it had
 * never come; one that runs is marked, and ends; the answer to the initiator goes
 * out when all of them have ended. Nothing waits here: who ends last answers.
 */
#include <stdlib.h>

#include "lib/base/assert.h"
#include "lib/base/cleanup.h"
#include "lib/base/mem.h"
#include "target/scsi/alerts.h"
#include "target/scsi/mode.h"
#include "target/scsi/unit.h"

/* What a unit has to do with an operation. */
struct operation_part {
	struct scsi_job job; /* the reset */
	struct scsi_waiter waiter;
	struct scsi_operation *operation;
};

struct scsi_operation {
	struct scsi_management_request *request;
	enum scsi_response response;
	unsigned pending; /* atomic: who ends before the answer */
	enum scsi_reset reset;
	size_t count;
	struct operation_part parts[];
};

struct abort_filter {
	const struct scsi_nexus *nexus; /* NULL: of all */
	const struct scsi_nexus *by;	/* whose own tasks end without a word */
	bool has_tag, early;		/* early: also what goes on after its status */
	uint64_t tag;
};

static void operation_put(struct scsi_operation *operation)
{
	unsigned before = __atomic_fetch_sub(&operation->pending, 1, __ATOMIC_ACQ_REL);
	ASSERT(before > 0);
	if (before > 1)
		return;
	struct scsi_management_request *request = operation->request;
	enum scsi_response response = operation->response;
	free(operation);
	request->done(request, response);
}

/* ---- waiting for what runs ---------------------------------------------------------------- */

static bool waiter_is_done(const struct scsi_unit *unit, const struct scsi_waiter *waiter)
{
	const struct scsi_runner *runner;
	TAILQ_FOREACH(runner, &unit->runners, link)
		if (runner->aborted && runner->serial < waiter->serial)
			return false;
	return true;
}

void unit_collect_waiters_locked(struct scsi_unit *unit, struct scsi_waiter_list *done)
{
	struct scsi_waiter *waiter, *next;
	for (waiter = TAILQ_FIRST(&unit->waiters); waiter; waiter = next) {
		next = TAILQ_NEXT(waiter, link);
		if (!waiter_is_done(unit, waiter))
			continue;
		TAILQ_REMOVE(&unit->waiters, waiter, link);
		TAILQ_INSERT_TAIL(done, waiter, link);
	}
}

void operation_end_waiters(struct scsi_waiter_list *done)
{
	struct scsi_waiter *waiter;
	while ((waiter = TAILQ_FIRST(done))) {
		TAILQ_REMOVE(done, waiter, link);
		operation_put(waiter->operation);
	}
}

/* ---- aborting in one unit ------------------------------------------------------------------ */

static bool filter_matches(const struct abort_filter *filter, const struct scsi_task *task)
{
	return (!filter->nexus || task->nexus == filter->nexus) &&
	       (!filter->has_tag || task->tag == filter->tag);
}

/* The unit's TAS bit says how others learn of it: by a status, or a unit attention later. */
static bool task_mark(const struct scsi_unit *unit, struct scsi_task *task,
		      const struct abort_filter *filter)
{
	__atomic_store_n(&task->aborted, true, __ATOMIC_RELEASE);
	if (!filter->by || task->nexus == filter->by)
		return false;
	if (__atomic_load_n(&unit->task_aborted_status, __ATOMIC_RELAXED))
		return true;
	itl_of(task)->cleared = true;
	return false;
}

static unsigned abort_queued_locked(struct scsi_unit *unit, const struct abort_filter *filter,
				    struct scsi_task_list *list)
{
	unsigned found = 0;
	struct scsi_task *task, *next;
	for (task = TAILQ_FIRST(&unit->queue); task; task = next) {
		next = TAILQ_NEXT(task, link);
		if (task->job || !filter_matches(filter, task))
			continue;
		TAILQ_REMOVE(&unit->queue, task, link);
		unit->queued--;
		task->status = task_mark(unit, task, filter) ? SCSI_TASK_ABORTED : SCSI_GOOD;
		TAILQ_INSERT_TAIL(list, task, link);
		found++;
	}
	return found;
}

static unsigned abort_running_locked(struct scsi_unit *unit, const struct abort_filter *filter)
{
	unsigned found = 0;
	struct scsi_runner *runner;
	TAILQ_FOREACH(runner, &unit->runners, link) {
		if (runner->task && filter_matches(filter, runner->task)) {
			if (task_mark(unit, runner->task, filter))
				runner->task_aborted_status = true;
		} else if (!runner->task && filter->early && runner == unit->worker_runner) {
			__atomic_store_n(&unit->copy.aborted, true, __ATOMIC_RELEASE);
		} else {
			continue;
		}
		runner->aborted = true;
		found++;
	}
	return found;
}

/* Tasks that waited go to `list`; `waiter` (may be NULL) waits for those that run. */
static unsigned unit_abort(struct scsi_lu *lu, const struct abort_filter *filter,
			   struct scsi_task_list *list, struct scsi_waiter *waiter)
{
	struct scsi_unit *unit = lu->unit;
	LOCK_SCOPE(&unit->queue_lock);
	unsigned queued = abort_queued_locked(unit, filter, list);
	unsigned running = abort_running_locked(unit, filter);
	if (running && waiter) {
		waiter->serial = unit->serial;
		__atomic_fetch_add(&waiter->operation->pending, 1, __ATOMIC_RELAXED);
		TAILQ_INSERT_TAIL(&unit->waiters, waiter, link);
	}
	return queued + running;
}

void unit_end_aborted(struct scsi_task_list *list)
{
	struct scsi_task *task;
	while ((task = TAILQ_FIRST(list))) {
		struct scsi_nexus *nexus = task->nexus;
		TAILQ_REMOVE(list, task, link);
		task->done(task);
		nexus_put(nexus);
	}
}

/* 2Fh/00h to whose tasks another nexus has ended without a status; a reset tells them by itself.
 * target->lock is held. */
static void lu_tell_cleared_locked(struct scsi_lu *lu, struct scsi_target *target, bool by_reset)
{
	struct scsi_nexus *nexus;
	LOCK_SCOPE(&lu->unit->queue_lock);
	LOCK_SCOPE(&lu->lock);
	TAILQ_FOREACH(nexus, &target->nexuses, link) {
		struct scsi_itl *itl = &nexus->itl[lu->number];
		if (itl->cleared && !by_reset)
			attention_add_locked(itl, ASC_COMMANDS_CLEARED);
		itl->cleared = false;
	}
}

void unit_close_nexus(struct scsi_lu *lu, const struct scsi_nexus *nexus, struct scsi_task_list *list)
{
	(void)unit_abort(lu, &(struct abort_filter){.nexus = nexus}, list, NULL);
}

void unit_abort_nexus(struct scsi_lu *lu, const struct scsi_nexus *nexus, struct scsi_nexus *by)
{
	struct scsi_target *target = by->target;
	struct scsi_task_list list = TAILQ_HEAD_INITIALIZER(list);
	(void)unit_abort(lu, &(struct abort_filter){.nexus = nexus, .by = by}, &list, NULL);
	pthread_mutex_lock(&target->lock);
	if (target->lus[lu->number] == lu)
		lu_tell_cleared_locked(lu, target, false);
	pthread_mutex_unlock(&target->lock);
	unit_end_aborted(&list);
}

/* ---- resets -------------------------------------------------------------------------------- */

/* What the SCSI layer keeps for the unit is as after power on, but for persistent reservations. */
static void lu_forget(struct scsi_lu *lu)
{
	struct scsi_target *target = lu_lock_target(lu);
	struct scsi_nexus *nexus;
	pthread_mutex_lock(&lu->lock);
	if (target)
		TAILQ_FOREACH(nexus, &target->nexuses, link) {
			nexus->itl[lu->number].prevents = false;
			nexus->itl[lu->number].echo_size = 0;
		}
	lu->unit->prevents = 0;
	lu->unit->reservation.holder = NULL;
	mode_reset_locked(lu);
	scsi_alerts_lower_locked(lu, SCSI_ALERTS_ALL);
	pthread_mutex_unlock(&lu->lock);
	if (target)
		pthread_mutex_unlock(&target->lock);
}

static void reset_run(struct scsi_lu *lu, struct scsi_job *job)
{
	struct operation_part *part =
		(struct operation_part *)((char *)job - offsetof(struct operation_part, job));
	struct scsi_operation *operation = part->operation;
	static const enum sense_code codes[] = {
		[SCSI_RESET_LU] = ASC_DEVICE_RESET,
		[SCSI_RESET_TARGET] = ASC_BUS_RESET,
		[SCSI_RESET_POWER_ON] = ASC_POWER_ON,
	};
	lu_forget(lu);
	if (lu->class->reset)
		lu->class->reset(lu, operation->reset);
	scsi_attention(lu, NULL, codes[operation->reset]);
	operation_put(operation);
}

/* ---- task management ------------------------------------------------------------------------- */

static const struct {
	bool target, reset, all, tag;
} functions[] = {
	[SCSI_ABORT_TASK] = {.tag = true},
	[SCSI_ABORT_TASK_SET] = {0},
	[SCSI_CLEAR_TASK_SET] = {.all = true},
	[SCSI_LU_RESET] = {.all = true, .reset = true},
	[SCSI_TARGET_WARM_RESET] = {.all = true, .reset = true, .target = true},
	[SCSI_TARGET_COLD_RESET] = {.all = true, .reset = true, .target = true},
};

/* target->lock is held: the units stay. */
static void operation_start(struct scsi_operation *operation, struct scsi_lu *lu,
			    struct scsi_task_list *list)
{
	struct scsi_management_request *request = operation->request;
	struct operation_part *part = &operation->parts[operation->count++];
	unsigned function = request->function;
	struct abort_filter filter = {
		.nexus = functions[function].all ? NULL : request->nexus,
		.by = request->nexus,
		.has_tag = functions[function].tag,
		.tag = request->tag,
		.early = functions[function].reset,
	};
	part->operation = operation;
	part->waiter.operation = operation;
	unsigned found = unit_abort(lu, &filter, list, &part->waiter);
	if (functions[function].tag && !found)
		operation->response = SCSI_NO_TASK;
	lu_tell_cleared_locked(lu, lu->target, functions[function].reset);
	if (!functions[function].reset)
		return;
	__atomic_fetch_add(&operation->pending, 1, __ATOMIC_RELAXED);
	part->job.run = reset_run;
	unit_add_job(lu, &part->job, true);
}

static struct scsi_operation *operation_new(struct scsi_management_request *request, size_t parts)
{
	struct scsi_operation *operation =
		mem_try_zalloc(1, sizeof(*operation) + parts * sizeof(*operation->parts));
	if (!operation)
		return NULL;
	operation->request = request;
	operation->pending = 1;
	operation->response = SCSI_FUNCTION_COMPLETE;
	operation->reset = request->function == SCSI_LU_RESET ? SCSI_RESET_LU : SCSI_RESET_TARGET;
	return operation;
}

static void manage(struct scsi_target *target, struct scsi_management_request *request)
{
	struct scsi_task_list list = TAILQ_HEAD_INITIALIZER(list);
	bool whole = functions[request->function].target;
	struct scsi_operation *operation = operation_new(request, whole ? SCSI_LUNS : 1);
	if (!operation) {
		request->done(request, SCSI_REJECTED);
		return;
	}
	pthread_mutex_lock(&target->lock);
	struct scsi_lu *lu = whole ? NULL : target_find_locked(target, request->lun);
	if (lu)
		operation_start(operation, lu, &list);
	else if (!whole)
		operation->response = SCSI_NO_LUN;
	for (unsigned i = 0; whole && i < SCSI_LUNS; i++)
		if (target->lus[i])
			operation_start(operation, target->lus[i], &list);
	pthread_mutex_unlock(&target->lock);
	unit_end_aborted(&list);
	operation_put(operation);
}

void scsi_manage(struct scsi_management_request *request)
{
	size_t count = sizeof(functions) / sizeof(*functions);
	if (request->function < SCSI_ABORT_TASK || request->function >= count ||
	    request->function == SCSI_CLEAR_ACA) {
		request->done(request, SCSI_NOT_SUPPORTED);
		return;
	}
	manage(request->nexus->target, request);
}

/* ---- the operator's reset ---------------------------------------------------------------------- */

struct reset_wait {
	struct scsi_management_request request;
	pthread_mutex_t lock;
	pthread_cond_t ended;
	bool has_ended; /* lock */
};

static void reset_done(struct scsi_management_request *request, enum scsi_response response)
{
	struct reset_wait *wait = request->context;
	(void)response;
	LOCK_SCOPE(&wait->lock);
	wait->has_ended = true;
	pthread_cond_signal(&wait->ended);
}

void scsi_target_reset(struct scsi_target *target)
{
	struct reset_wait wait = {
		.request = {.function = SCSI_TARGET_WARM_RESET, .done = reset_done},
		.lock = PTHREAD_MUTEX_INITIALIZER,
		.ended = PTHREAD_COND_INITIALIZER,
	};
	wait.request.context = &wait;
	manage(target, &wait.request);
	pthread_mutex_lock(&wait.lock);
	while (!wait.has_ended)
		pthread_cond_wait(&wait.ended, &wait.lock);
	pthread_mutex_unlock(&wait.lock);
	pthread_cond_destroy(&wait.ended);
	pthread_mutex_destroy(&wait.lock);
}
