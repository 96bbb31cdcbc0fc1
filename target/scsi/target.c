/* SPDX-License-Identifier: MIT */
/*
 * Targets: which units they have, which nexuses there are, and which initiator
 * ports have been here before (so that power on is told once, and a nexus loss
 * only to whom it happened).
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/assert.h"
#include "lib/base/cleanup.h"
#include "lib/base/mem.h"
#include "target/scsi/unit.h"

#define REPLIES_KEPT (1u << 20) /* bytes of free buffers for answers made in memory */

struct scsi_target *scsi_target_new(const char *name, const uint8_t uuid[16])
{
	struct scsi_target *target = mem_zalloc(sizeof(*target));
	target->magic = SCSI_TARGET_MAGIC;
	pthread_mutex_init(&target->lock, NULL);
	(void)snprintf(target->name, sizeof(target->name), "%s", name);
	memcpy(target->uuid, uuid, sizeof(target->uuid));
	target->pool = scsi_buffer_pool_new(REPLIES_KEPT);
	TAILQ_INIT(&target->nexuses);
	TAILQ_INIT(&target->known);
	return target;
}

void scsi_target_free(struct scsi_target **target)
{
	struct scsi_target *old = TAKE(*target);
	if (!old)
		return;
	ASSERT_OBJECT(old, SCSI_TARGET_MAGIC);
	ASSERT(TAILQ_EMPTY(&old->nexuses));
	for (unsigned i = 0; i < SCSI_LUNS; i++)
		ASSERT(!old->lus[i]);
	struct scsi_known_port *port;
	while ((port = TAILQ_FIRST(&old->known))) {
		TAILQ_REMOVE(&old->known, port, link);
		free(port);
	}
	scsi_buffer_pool_free(&old->pool);
	pthread_mutex_destroy(&old->lock);
	free(old);
}

const char *scsi_target_name(const struct scsi_target *target)
{
	return target->name;
}

/* ---- units ------------------------------------------------------------------------------- */

/* SAM-6 4.7: single level, peripheral device addressing on bus 0, or flat space. */
struct scsi_lu *target_find_locked(struct scsi_target *target, uint64_t lun)
{
	unsigned method = (unsigned)(lun >> 62);
	unsigned number = (unsigned)(lun >> 48) & 0x3fff;
	if (lun & 0xffffffffffffull || method > 1 || number >= SCSI_LUNS)
		return NULL;
	return target->lus[number];
}

struct scsi_lu *scsi_target_lu(struct scsi_target *target, uint8_t number)
{
	LOCK_SCOPE(&target->lock);
	return number < SCSI_LUNS ? target->lus[number] : NULL;
}

static void itl_clear(struct scsi_itl *itl)
{
	free(itl->echo);
	memset(itl, 0, sizeof(*itl));
}

/* Every nexus hears from every unit but `except` that there are others now. */
static void target_tell_inventory_locked(struct scsi_target *target, const struct scsi_lu *except)
{
	struct scsi_nexus *nexus;
	for (unsigned i = 0; i < SCSI_LUNS; i++) {
		struct scsi_lu *lu = target->lus[i];
		if (!lu || lu == except)
			continue;
		LOCK_SCOPE(&lu->lock);
		TAILQ_FOREACH(nexus, &target->nexuses, link)
			attention_add_locked(&nexus->itl[i], ASC_REPORTED_LUNS_CHANGED);
	}
}

int scsi_target_add(struct scsi_target *target, uint8_t number, struct scsi_lu *lu)
{
	struct scsi_nexus *nexus;
	if (number >= SCSI_LUNS)
		return -EINVAL;
	LOCK_SCOPE(&target->lock);
	if (target->lus[number])
		return -EEXIST;
	pthread_mutex_lock(&lu->lock);
	lu->target = target;
	lu->number = number;
	TAILQ_FOREACH(nexus, &target->nexuses, link) {
		itl_clear(&nexus->itl[number]);
		attention_add_locked(&nexus->itl[number], ASC_POWER_ON);
	}
	pthread_mutex_unlock(&lu->lock);
	pthread_mutex_lock(&lu->unit->queue_lock);
	lu->unit->removed = false;
	pthread_mutex_unlock(&lu->unit->queue_lock);
	target->lus[number] = lu;
	target_tell_inventory_locked(target, lu);
	return 0;
}

void scsi_target_remove(struct scsi_target *target, uint8_t number)
{
	struct scsi_nexus *nexus;
	if (number >= SCSI_LUNS)
		return;
	LOCK_SCOPE(&target->lock);
	struct scsi_lu *lu = TAKE(target->lus[number]);
	if (!lu)
		return;
	/* What waits in its queue is answered as for a LUN that is not there. */
	pthread_mutex_lock(&lu->unit->queue_lock);
	lu->unit->removed = true;
	pthread_mutex_unlock(&lu->unit->queue_lock);
	pthread_mutex_lock(&lu->lock);
	TAILQ_FOREACH(nexus, &target->nexuses, link)
		itl_clear(&nexus->itl[number]);
	lu->unit->prevents = 0;
	lu->unit->reservation.holder = NULL;
	lu->target = NULL;
	pthread_mutex_unlock(&lu->lock);
	target_tell_inventory_locked(target, NULL);
}

/* ---- nexuses ----------------------------------------------------------------------------- */

bool scsi_ports_equal(const struct scsi_ports *a, const struct scsi_ports *b)
{
	return a->portal_group == b->portal_group && !memcmp(a->isid, b->isid, sizeof(a->isid)) &&
	       !strcmp(a->initiator, b->initiator);
}

/* 0: it has been here before; 1: it has not; -ENOMEM. */
static int target_remember_locked(struct scsi_target *target, const struct scsi_ports *ports)
{
	struct scsi_known_port *known;
	TAILQ_FOREACH(known, &target->known, link)
		if (scsi_ports_equal(&known->ports, ports))
			break;
	bool is_new = !known;
	if (known) {
		TAILQ_REMOVE(&target->known, known, link);
	} else if (target->known_count == SCSI_KNOWN_PORTS_MAX) {
		known = TAILQ_LAST(&target->known, scsi_known_port_list);
		TAILQ_REMOVE(&target->known, known, link);
	} else {
		known = mem_try_zalloc(1, sizeof(*known));
		if (!known)
			return -ENOMEM;
		target->known_count++;
	}
	known->ports = *ports;
	TAILQ_INSERT_HEAD(&target->known, known, link);
	return is_new;
}

int scsi_nexus_open(struct scsi_target *target, const struct scsi_port *port,
		    struct scsi_nexus **result)
{
	CLEANUP_FREE struct scsi_nexus *nexus = mem_try_zalloc(1, sizeof(*nexus));
	if (!nexus)
		return -ENOMEM;
	nexus->magic = SCSI_NEXUS_MAGIC;
	nexus->references = 1;
	nexus->target = target;
	(void)snprintf(nexus->ports.initiator, sizeof(nexus->ports.initiator), "%s", port->initiator);
	memcpy(nexus->ports.isid, port->isid, sizeof(nexus->ports.isid));
	nexus->ports.portal_group = port->portal_group;
	LOCK_SCOPE(&target->lock);
	int is_new = target_remember_locked(target, &nexus->ports);
	if (is_new < 0)
		return is_new;
	for (unsigned i = 0; i < SCSI_LUNS; i++)
		attention_add_locked(&nexus->itl[i], is_new ? ASC_POWER_ON : ASC_NEXUS_LOSS);
	TAILQ_INSERT_TAIL(&target->nexuses, nexus, link);
	*result = TAKE(nexus);
	return 0;
}

const struct scsi_ports *scsi_nexus_ports(const struct scsi_nexus *nexus)
{
	return &nexus->ports;
}

bool scsi_nexus_is_closing_locked(const struct scsi_nexus *nexus)
{
	return __atomic_load_n(&nexus->closing, __ATOMIC_ACQUIRE);
}

void nexus_hold(struct scsi_nexus *nexus)
{
	__atomic_fetch_add(&nexus->references, 1, __ATOMIC_RELAXED);
}

void nexus_put(struct scsi_nexus *nexus)
{
	unsigned before = __atomic_fetch_sub(&nexus->references, 1, __ATOMIC_ACQ_REL);
	ASSERT(before > 0);
	if (before > 1)
		return;
	void (*closed)(void *context) = nexus->closed;
	void *context = nexus->closed_context;
	for (unsigned i = 0; i < SCSI_LUNS; i++)
		free(nexus->itl[i].echo);
	nexus->magic = 0;
	free(nexus);
	if (closed)
		closed(context);
}

/* What the unit keeps for the nexus goes. */
static void lu_lose_nexus(struct scsi_lu *lu, struct scsi_nexus *nexus)
{
	struct scsi_itl *itl = &nexus->itl[lu->number];
	LOCK_SCOPE(&lu->lock);
	if (lu->unit->reservation.holder == nexus)
		lu->unit->reservation.holder = NULL;
	if (itl->prevents)
		lu->unit->prevents--;
	if (itl->has_deferred && !lu->unit->has_deferred) {
		lu->unit->has_deferred = true; /* somebody must hear of it */
		lu->unit->deferred = itl->deferred;
	}
	itl->prevents = false;
	itl->has_deferred = false;
	if (lu->class->nexus_lost)
		lu->class->nexus_lost(lu, nexus);
}

void scsi_nexus_close(struct scsi_nexus *nexus, void (*closed)(void *context), void *context)
{
	struct scsi_target *target = nexus->target;
	struct scsi_task_list aborted = TAILQ_HEAD_INITIALIZER(aborted);
	ASSERT_OBJECT(nexus, SCSI_NEXUS_MAGIC);
	nexus->closed = closed;
	nexus->closed_context = context;
	/* scsi_nexus_is_closing_locked() */
	__atomic_store_n(&nexus->closing, true, __ATOMIC_RELEASE);
	pthread_mutex_lock(&target->lock);
	TAILQ_REMOVE(&target->nexuses, nexus, link);
	for (unsigned i = 0; i < SCSI_LUNS; i++) {
		if (!target->lus[i])
			continue;
		unit_close_nexus(target->lus[i], nexus, &aborted);
		lu_lose_nexus(target->lus[i], nexus);
	}
	pthread_mutex_unlock(&target->lock);
	unit_end_aborted(&aborted);
	nexus_put(nexus);
}
