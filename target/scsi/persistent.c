/* SPDX-License-Identifier: MIT */
/*
 * The service actions of PERSISTENT RESERVE OUT (SPC-5 5.14, 6.17). Registrations
 * belong to an initiator port (iSCSI name and ISID) with a target port, so that
 * they outlive sessions. The locks of target and unit are held throughout, for the
 * unit attentions of the others.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "lib/base/bytes.h"
#include "lib/base/cleanup.h"
#include "lib/base/mem.h"
#include "target/scsi/persistent.h"

static void conflict(struct persistent_request *request)
{
	request->task->status = SCSI_RESERVATION_CONFLICT;
}

/* ---- telling the others -------------------------------------------------------------------- */

static void tell(struct persistent_request *request, size_t index, enum sense_code code, bool abort)
{
	const struct scsi_registration *registration = &request->reservation->registrations[index];
	struct scsi_nexus *nexus;
	TAILQ_FOREACH(nexus, &request->target->nexuses, link) {
		if (nexus == request->task->nexus || !scsi_ports_equal(&nexus->ports, &registration->ports))
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
	request->own = registration_of(reservation, &request->task->nexus->ports);
	if (ends)
		reservation_end(request);
	else if (reservation->type && !all && reservation->owner > index)
		reservation->owner--;
}

/* The index of the new one, or NOT_REGISTERED: there is no room. */
static size_t registration_add(struct persistent_request *request, const struct scsi_registration *port)
{
	struct scsi_reservation *reservation = request->reservation;
	if (reservation->count == SCSI_REGISTRATIONS_MAX ||
	    mem_reserve(&reservation->registrations, &reservation->capacity,
			reservation->count + 1, sizeof(*reservation->registrations))) {
		scsi_check(request->task, SENSE_ILLEGAL_REQUEST,
			   ASC_INSUFFICIENT_REGISTRATION_RESOURCES);
		return NOT_REGISTERED;
	}
	reservation->registrations[reservation->count] = *port;
	return reservation->count++;
}

static void registration_add_own(struct persistent_request *request)
{
	struct scsi_registration own = {
		.ports = request->task->nexus->ports,
		.key = request->action_key,
	};
	request->reservation->generation += registration_add(request, &own) != NOT_REGISTERED;
}

/* ---- service actions --------------------------------------------------------------------------- */

static void register_key(struct persistent_request *request)
{
	struct scsi_reservation *reservation = request->reservation;
	if (request->own == NOT_REGISTERED) {
		if (request->action_key)
			registration_add_own(request);
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
	bool exists = reservation_type_exists(request->type);
	if (request->scope)
		scsi_invalid_cdb(request->task, 2, 7);
	else if (!exists)
		scsi_invalid_cdb(request->task, 2, 3);
	return !request->scope && exists;
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
	bool others_own = reservation->owner != request->own;
	size_t count = reservation->count;
	reservation->type = 0; /* what is removed now does not release it */
	(void)preempt_registrations(request, key, true);
	request->taken = reservation_is_all_registrants(before) ? reservation->count < count : others_own;
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

/* A target port that somebody uses, or has registered with. */
static bool port_exists(const struct persistent_request *request, uint16_t portal_group)
{
	const struct scsi_nexus *nexus;
	TAILQ_FOREACH(nexus, &request->target->nexuses, link)
		if (nexus->ports.portal_group == portal_group)
			return true;
	for (size_t i = 0; i < request->reservation->count; i++)
		if (request->reservation->registrations[i].ports.portal_group == portal_group)
			return true;
	return false;
}

/* SPC-5 5.14.8: who holds the reservation registers another one, and hands it over. */
static void action_move(struct persistent_request *request)
{
	struct scsi_reservation *reservation = request->reservation;
	struct scsi_registration to = {
		.ports.portal_group = be_get16(request->list + 18),
		.key = request->action_key,
	};
	if (!to.key) {
		scsi_invalid_parameter(request->task, 8, 7);
		return;
	}
	if (!port_exists(request, to.ports.portal_group)) {
		scsi_invalid_parameter(request->task, 18, 7);
		return;
	}
	if (!transport_id_parse(request->list + PERSISTENT_LIST_SIZE, request->size - PERSISTENT_LIST_SIZE,
				&to.ports) ||
	    registration_of(reservation, &to.ports) == request->own) {
		scsi_invalid_parameter(request->task, PERSISTENT_LIST_SIZE, 7);
		return;
	}
	if (reservation_is_all_registrants(reservation->type)) {
		conflict(request);
		return;
	}
	if (!reservation->type || reservation->owner != request->own) {
		scsi_invalid_cdb(request->task, 1, 4);
		return;
	}
	size_t index = registration_of(reservation, &to.ports);
	if (index == NOT_REGISTERED)
		index = registration_add(request, &to);
	if (index == NOT_REGISTERED)
		return;
	reservation->registrations[index].key = to.key;
	reservation->owner = index;
	reservation->generation++;
	if (request->list[17] & 0x02) /* UNREG */
		registration_remove(request, request->own);
}

const struct persistent_service persistent_actions[] = {
	[ACTION_REGISTER] = {.run = action_register, .unregistered = true, .keep_byte = 20},
	[ACTION_RESERVE] = {.run = action_reserve},
	[ACTION_RELEASE] = {.run = action_release},
	[ACTION_CLEAR] = {.run = action_clear},
	[ACTION_PREEMPT] = {.run = action_preempt},
	[ACTION_PREEMPT_ABORT] = {.run = action_preempt, .abort = true},
	[ACTION_REGISTER_IGNORE] = {.run = register_key, .unregistered = true, .keep_byte = 20},
	[ACTION_MOVE] = {.run = action_move, .keep_byte = 17},
};
