/* SPDX-License-Identifier: MIT */
/*
 * PERSISTENT RESERVE OUT (SPC-5 5.14, 6.17). Registrations belong to an initiator
 * port (iSCSI name and ISID) with a target port, so that they outlive sessions.
 * They do not outlive the daemon: APTPL is refused. The locks of target and unit
 * are held throughout, for the unit attentions of the others.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "lib/base/bytes.h"
#include "lib/base/cleanup.h"
#include "lib/base/mem.h"
#include "target/scsi/reserve.h"

#define LIST_SIZE 24u

enum persistent_action {
	ACTION_REGISTER, ACTION_RESERVE, ACTION_RELEASE, ACTION_CLEAR, ACTION_PREEMPT,
	ACTION_PREEMPT_ABORT, ACTION_REGISTER_IGNORE,
};

struct persistent_request {
	struct scsi_lu *lu;
	struct scsi_task *task;
	struct scsi_target *target;
	struct scsi_reservation *reservation;
	uint64_t key, action_key; /* RESERVATION KEY, SERVICE ACTION RESERVATION KEY */
	uint8_t scope, type;
	size_t own; /* index of the nexus' registration, or NOT_REGISTERED */
	bool abort;
};

static void conflict(struct persistent_request *request)
{
	request->task->status = SCSI_RESERVATION_CONFLICT;
}

/* ---- telling the others -------------------------------------------------------------------- */

static bool nexus_has(const struct scsi_nexus *nexus, const struct scsi_registration *registration)
{
	return registration->portal_group == nexus->portal_group &&
	       !memcmp(registration->isid, nexus->isid, sizeof(nexus->isid)) &&
	       !strcmp(registration->initiator, nexus->initiator);
}

static void tell(struct persistent_request *request, size_t index, enum sense_code code, bool abort)
{
	const struct scsi_registration *registration = &request->reservation->registrations[index];
	struct scsi_nexus *nexus;
	TAILQ_FOREACH(nexus, &request->target->nexuses, link) {
		if (nexus == request->task->nexus || !nexus_has(nexus, registration))
			continue;
		attention_add_locked(&nexus->itl[request->lu->number], code);
		if (abort)
			nexus->itl[request->lu->number].preempted = true;
	}
}

static void tell_others(struct persistent_request *request, enum sense_code code)
{
	for (size_t i = 0; i < request->reservation->count; i++)
		if (i != request->own)
			tell(request, i, code, false);
}

/* ---- changing what there is ------------------------------------------------------------------ */

static void reservation_end(struct persistent_request *request)
{
	struct scsi_reservation *reservation = request->reservation;
	bool told = reservation->type >= PR_WRITE_EXCLUSIVE_REGISTRANTS;
	reservation->type = 0;
	reservation->owner = NOT_REGISTERED;
	if (told)
		tell_others(request, ASC_RESERVATIONS_RELEASED);
}

/* A reservation goes with the registration that holds it. */
static void registration_remove(struct persistent_request *request, size_t index)
{
	struct scsi_reservation *reservation = request->reservation;
	bool all = reservation_is_all_registrants(reservation->type);
	bool ends = reservation->type &&
		    (all ? reservation->count == 1 : reservation->owner == index);
	reservation->count--;
	memmove(&reservation->registrations[index], &reservation->registrations[index + 1],
		(reservation->count - index) * sizeof(*reservation->registrations));
	request->own = registration_of(reservation, request->task->nexus);
	if (ends)
		reservation_end(request);
	else if (reservation->type && !all && reservation->owner > index)
		reservation->owner--;
}

static void registration_add(struct persistent_request *request)
{
	struct scsi_reservation *reservation = request->reservation;
	const struct scsi_nexus *nexus = request->task->nexus;
	if (reservation->count == SCSI_REGISTRATIONS_MAX ||
	    mem_reserve(&reservation->registrations, &reservation->capacity,
			reservation->count + 1, sizeof(*reservation->registrations))) {
		scsi_check(request->task, SENSE_ILLEGAL_REQUEST,
			   ASC_INSUFFICIENT_REGISTRATION_RESOURCES);
		return;
	}
	struct scsi_registration *registration = &reservation->registrations[reservation->count++];
	memset(registration, 0, sizeof(*registration));
	(void)snprintf(registration->initiator, sizeof(registration->initiator), "%s",
		       nexus->initiator);
	memcpy(registration->isid, nexus->isid, sizeof(registration->isid));
	registration->portal_group = nexus->portal_group;
	registration->key = request->action_key;
	reservation->generation++;
}

/* ---- service actions --------------------------------------------------------------------------- */

static void register_key(struct persistent_request *request)
{
	struct scsi_reservation *reservation = request->reservation;
	if (request->own == NOT_REGISTERED) {
		if (request->action_key)
			registration_add(request);
		return;
	}
	reservation->generation++;
	if (request->action_key)
		reservation->registrations[request->own].key = request->action_key;
	else
		registration_remove(request, request->own);
}

static void action_register(struct persistent_request *request)
{
	uint64_t key = 0;
	if (request->own != NOT_REGISTERED)
		key = request->reservation->registrations[request->own].key;
	if (request->key != key)
		conflict(request);
	else
		register_key(request);
}

static bool type_is_valid(struct persistent_request *request)
{
	static const bool types[16] = {
		[PR_WRITE_EXCLUSIVE] = true,		  [PR_EXCLUSIVE_ACCESS] = true,
		[PR_WRITE_EXCLUSIVE_REGISTRANTS] = true,  [PR_EXCLUSIVE_ACCESS_REGISTRANTS] = true,
		[PR_WRITE_EXCLUSIVE_ALL] = true,	  [PR_EXCLUSIVE_ACCESS_ALL] = true,
	};
	if (request->scope)
		scsi_invalid_cdb(request->task, 2, 7);
	else if (!types[request->type])
		scsi_invalid_cdb(request->task, 2, 3);
	return !request->scope && types[request->type];
}

static bool is_holder(const struct persistent_request *request)
{
	const struct scsi_reservation *reservation = request->reservation;
	return reservation->type && (reservation_is_all_registrants(reservation->type) ||
				     reservation->owner == request->own);
}

static void action_reserve(struct persistent_request *request)
{
	struct scsi_reservation *reservation = request->reservation;
	if (!type_is_valid(request))
		return;
	if (!reservation->type) {
		reservation->type = request->type;
		reservation->owner = request->own;
	} else if (!is_holder(request) || reservation->type != request->type) {
		conflict(request);
	}
}

static void action_release(struct persistent_request *request)
{
	struct scsi_reservation *reservation = request->reservation;
	if (!type_is_valid(request) || !is_holder(request))
		return;
	if (reservation->type != request->type)
		scsi_check(request->task, SENSE_ILLEGAL_REQUEST, ASC_INVALID_RELEASE);
	else
		reservation_end(request);
}

static void action_clear(struct persistent_request *request)
{
	tell_others(request, ASC_RESERVATIONS_PREEMPTED);
	request->reservation->type = 0;
	request->reservation->owner = NOT_REGISTERED;
	request->reservation->count = 0;
	request->reservation->generation++;
}

/* Those with the key (0: all), but the nexus' own where `spare_own`. True: there was one. */
static bool preempt_registrations(struct persistent_request *request, uint64_t key, bool spare_own)
{
	struct scsi_reservation *reservation = request->reservation;
	bool found = false;
	for (size_t i = reservation->count; i-- > 0;) {
		if (key && reservation->registrations[i].key != key)
			continue;
		found = true;
		if (spare_own && i == request->own)
			continue;
		if (i != request->own)
			tell(request, i, ASC_REGISTRATIONS_PREEMPTED, request->abort);
		registration_remove(request, i);
	}
	return found;
}

static void preempt_reservation(struct persistent_request *request, uint64_t key)
{
	struct scsi_reservation *reservation = request->reservation;
	uint8_t before = reservation->type;
	if (!type_is_valid(request))
		return;
	reservation->type = 0; /* what is removed now does not release it */
	(void)preempt_registrations(request, key, true);
	reservation->type = request->type;
	reservation->owner = request->own;
	reservation->generation++;
	if (before != request->type)
		tell_others(request, ASC_RESERVATIONS_RELEASED);
}

static void action_preempt(struct persistent_request *request)
{
	struct scsi_reservation *reservation = request->reservation;
	bool all = reservation_is_all_registrants(reservation->type);
	uint64_t key = request->action_key;
	if (!key && !all) {
		scsi_invalid_parameter(request->task, 8, 7);
	} else if (reservation->type &&
		   (all ? !key : reservation->registrations[reservation->owner].key == key)) {
		preempt_reservation(request, key);
	} else if (preempt_registrations(request, key, false)) {
		reservation->generation++;
	} else {
		conflict(request);
	}
}

static const struct {
	void (*run)(struct persistent_request *request);
	bool unregistered; /* needs no registration, and looks at the key itself */
	bool abort;
} actions[] = {
	[ACTION_REGISTER] = {.run = action_register, .unregistered = true},
	[ACTION_RESERVE] = {.run = action_reserve},
	[ACTION_RELEASE] = {.run = action_release},
	[ACTION_CLEAR] = {.run = action_clear},
	[ACTION_PREEMPT] = {.run = action_preempt},
	[ACTION_PREEMPT_ABORT] = {.run = action_preempt, .abort = true},
	[ACTION_REGISTER_IGNORE] = {.run = register_key, .unregistered = true},
};

/* ---- the command ---------------------------------------------------------------------------------- */

static bool list_is_valid(struct scsi_task *task, const uint8_t *list)
{
	/* SPEC_I_PT, ALL_TG_PT, APTPL: REPORT CAPABILITIES says that there are none of them. */
	unsigned refused = list[20] & 0x0d;
	if (!refused)
		return true;
	scsi_invalid_parameter(task, 20, 31u - (unsigned)__builtin_clz(refused));
	return false;
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
static void tell_device(const struct persistent_request *request, uint8_t type, bool own)
{
	const struct scsi_reservation *now = request->reservation;
	unsigned action = request->task->cdb[1] & 0x1f;
	bool preempts = action == ACTION_PREEMPT || action == ACTION_PREEMPT_ABORT;
	bool taken = preempts && !own && now->type && now->owner == request->own;
	if (type && (!now->type || taken) && request->lu->class->reservation_lost)
		request->lu->class->reservation_lost(request->lu, preempts || action == ACTION_CLEAR);
}

static void persistent_act(struct scsi_lu *lu, struct scsi_task *task, const uint8_t *list)
{
	unsigned action = task->cdb[1] & 0x1f;
	struct persistent_request request = {
		.lu = lu,
		.task = task,
		.target = task->nexus->target,
		.reservation = &lu->unit->reservation,
		.key = be_get64(list),
		.action_key = be_get64(list + 8),
		.scope = task->cdb[2] >> 4,
		.type = task->cdb[2] & 0x0f,
		.abort = actions[action].abort,
	};
	struct scsi_reservation *reservation = request.reservation;
	LOCK_SCOPE(&request.target->lock);
	LOCK_SCOPE(&lu->lock);
	request.own = registration_of(reservation, task->nexus);
	bool allowed = actions[action].unregistered ||
		       (request.own != NOT_REGISTERED &&
			reservation->registrations[request.own].key == request.key);
	if (reservation->holder || !allowed) {
		conflict(&request);
		return;
	}
	uint8_t type = reservation->type;
	bool own = reservation->owner == request.own;
	actions[action].run(&request);
	tell_device(&request, type, own);
}

void persistent_out_run(struct scsi_lu *lu, struct scsi_task *task)
{
	uint32_t size = be_get32(task->cdb + 5);
	task->out_wanted = size;
	const uint8_t *list = scsi_parameters(task, LIST_SIZE);
	if (!list)
		return;
	if (size < LIST_SIZE || (size > LIST_SIZE && !(list[20] & 0x08))) {
		scsi_check(task, SENSE_ILLEGAL_REQUEST, ASC_PARAMETER_LIST_LENGTH);
		return;
	}
	if (!list_is_valid(task, list))
		return;
	persistent_act(lu, task, list);
	if (actions[task->cdb[1] & 0x1f].abort)
		abort_preempted(lu, task);
}
