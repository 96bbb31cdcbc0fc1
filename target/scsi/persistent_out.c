/* SPDX-License-Identifier: MIT */
/*
 * PERSISTENT RESERVE OUT, the command: its list, its service action under the locks
 * of target and unit (persistent.c), and what comes after it without them.
 *
 * With APTPL registrations outlive the process: the keeper has what has changed
 * before the command is answered, on the worker; what cannot be kept is taken back.
 * The last registration that says APTPL or not says it for all of them.
 */
#include <errno.h>

#include "lib/base/bytes.h"
#include "lib/base/cleanup.h"
#include "target/scsi/persistent.h"

#define CHECKED_BITS 0x0du /* SPEC_I_PT, ALL_TG_PT, APTPL of byte 20 */
#define APTPL	     0x01u

static const struct persistent_service *action_of(const struct scsi_task *task)
{
	return &persistent_actions[task->cdb[1] & 0x1f];
}

static bool asks_to_keep(const struct scsi_task *task, const uint8_t *list)
{
	uint8_t byte = action_of(task)->keep_byte;
	return byte && list[byte] & APTPL;
}

/* PREEMPT AND ABORT: no lock is held any more. */
static void abort_preempted(struct scsi_lu *lu, struct scsi_task *task)
{
	struct scsi_target *target = task->nexus->target;
	struct scsi_nexus *nexus;
	do {
		pthread_mutex_lock(&target->lock);
		pthread_mutex_lock(&lu->lock);
		TAILQ_FOREACH(nexus, &target->nexuses, link)
			if (nexus->itl[lu->number].preempted)
				break;
		if (nexus) {
			nexus->itl[lu->number].preempted = false;
			nexus_hold(nexus);
		}
		pthread_mutex_unlock(&lu->lock);
		pthread_mutex_unlock(&target->lock);
		if (nexus) {
			unit_abort_nexus(lu, nexus, task->nexus);
			nexus_put(nexus);
		}
	} while (nexus);
}

/* Tells the device when the reservation that stood before is no more, or another's. */
static void tell_device(struct persistent_request *request, uint8_t type)
{
	const struct scsi_reservation *now = request->reservation;
	unsigned action = request->task->cdb[1] & 0x1f;
	bool preempts = action == ACTION_PREEMPT || action == ACTION_PREEMPT_ABORT;
	if (!type || (now->type && !request->taken) || !request->lu->class->reservation_lost)
		return;
	enum sense_code code =
		request->lu->class->reservation_lost(request->lu, preempts || action == ACTION_CLEAR);
	struct scsi_nexus *nexus;
	TAILQ_FOREACH(nexus, &request->target->nexuses, link)
		if (code && nexus != request->task->nexus)
			attention_add_locked(&nexus->itl[request->lu->number], code);
}

/* ---- what is kept ------------------------------------------------------------------------------------ */

static bool is_kept(const struct scsi_task *task, const struct scsi_reservation *reservation,
		    const uint8_t *list)
{
	if (!reservation->count)
		return false;
	return action_of(task)->keep_byte ? asks_to_keep(task, list) : reservation->kept;
}

/* The reservation as it is now goes to the keeper; `before` comes back when that fails. */
static void keep(struct scsi_lu *lu, struct scsi_task *task, struct scsi_reservation *before)
{
	struct scsi_reservation *reservation = &lu->unit->reservation, now = {0}, given_up;
	int error;
	{
		LOCK_SCOPE(&lu->lock);
		error = reservation_copy(reservation, &now);
	}
	if (!error)
		error = reservation_save(lu, &now);
	reservation_clear(&now);
	if (!error)
		return;
	{
		LOCK_SCOPE(&lu->lock);
		given_up = *reservation;
		*reservation = *before;
	}
	*before = given_up;
	if (error == -ENOMEM)
		scsi_check(task, SENSE_ABORTED, ASC_INSUFFICIENT_RESOURCES);
	else
		scsi_check(task, SENSE_HARDWARE_ERROR, ASC_INTERNAL_FAILURE);
}

/* ---- the command --------------------------------------------------------------------------------------- */

static void act(struct persistent_request *request)
{
	struct scsi_task *task = request->task;
	const struct persistent_service *action = action_of(task);
	struct scsi_reservation *reservation = request->reservation;
	request->own = registration_of(reservation, &task->nexus->ports);
	bool allowed = action->unregistered ||
		       (request->own != NOT_REGISTERED &&
			reservation->registrations[request->own].key == request->key);
	if (reservation->holder || !allowed) {
		task->status = SCSI_RESERVATION_CONFLICT;
		return;
	}
	uint8_t type = reservation->type;
	action->run(request);
	if (task->status == SCSI_GOOD)
		reservation->kept = is_kept(task, reservation, request->list);
	tell_device(request, type);
}

static void persistent_act(struct scsi_lu *lu, struct scsi_task *task, const uint8_t *list, size_t size)
{
	struct persistent_request request = {
		.lu = lu,
		.task = task,
		.target = task->nexus->target,
		.reservation = &lu->unit->reservation,
		.list = list,
		.size = size,
		.key = be_get64(list),
		.action_key = be_get64(list + 8),
		.scope = task->cdb[2] >> 4,
		.type = task->cdb[2] & 0x0f,
		.abort = action_of(task)->abort,
	};
	struct scsi_reservation before = {0};
	bool saves = persistent_out_waits(lu, task);
	{
		LOCK_SCOPE(&request.target->lock);
		LOCK_SCOPE(&lu->lock);
		if (saves && reservation_copy(request.reservation, &before)) {
			scsi_check(task, SENSE_ABORTED, ASC_INSUFFICIENT_RESOURCES);
			return;
		}
		act(&request);
	}
	if (saves && task->status == SCSI_GOOD)
		keep(lu, task, &before);
	reservation_clear(&before);
}

/* What is not there is refused: REPORT CAPABILITIES says so too. */
static bool list_is_valid(const struct scsi_lu *lu, struct scsi_task *task, const uint8_t *list, size_t size)
{
	unsigned refused = list[20] & (lu->unit->keeper ? CHECKED_BITS & ~APTPL : CHECKED_BITS);
	if ((task->cdb[1] & 0x1f) == ACTION_MOVE) {
		if (be_get32(list + 20) != size - PERSISTENT_LIST_SIZE) {
			scsi_check(task, SENSE_ILLEGAL_REQUEST, ASC_PARAMETER_LIST_LENGTH);
			return false;
		}
		if (asks_to_keep(task, list) && !lu->unit->keeper) {
			scsi_invalid_parameter(task, 17, 0);
			return false;
		}
		return true;
	}
	if (size > PERSISTENT_LIST_SIZE && !(list[20] & 0x08)) {
		scsi_check(task, SENSE_ILLEGAL_REQUEST, ASC_PARAMETER_LIST_LENGTH);
		return false;
	}
	if (refused)
		scsi_invalid_parameter(task, 20, 31u - (unsigned)__builtin_clz(refused));
	return !refused;
}

bool persistent_out_waits(struct scsi_lu *lu, const struct scsi_task *task)
{
	if (!lu->unit->keeper)
		return false;
	if (lu->unit->reservation.kept)
		return true;
	return task->out && task->out->size >= PERSISTENT_LIST_SIZE && asks_to_keep(task, task->out->data);
}

void persistent_out_run(struct scsi_lu *lu, struct scsi_task *task)
{
	uint32_t size = be_get32(task->cdb + 5);
	task->out_wanted = size;
	const uint8_t *list = scsi_parameters(task, size < PERSISTENT_LIST_SIZE ? PERSISTENT_LIST_SIZE : size);
	if (!list)
		return;
	if (size < PERSISTENT_LIST_SIZE) {
		scsi_check(task, SENSE_ILLEGAL_REQUEST, ASC_PARAMETER_LIST_LENGTH);
		return;
	}
	if (!list_is_valid(lu, task, list, size))
		return;
	persistent_act(lu, task, list, size);
	if (action_of(task)->abort)
		abort_preempted(lu, task);
}
