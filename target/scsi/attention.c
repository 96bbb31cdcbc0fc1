/* SPDX-License-Identifier: MIT */
/*
 * Unit attentions (SAM-6 5.14) and deferred errors (SPC-5 4.4.7): what a nexus is
 * told with the next command that it sends. One a command, the most important
 * first; a reset makes what came before it meaningless.
 */
#include <string.h>

#include "lib/base/assert.h"
#include "lib/base/cleanup.h"
#include "target/scsi/unit.h"

/* SAM-6 table 53: the lower the earlier. */
static unsigned attention_rank(uint16_t code)
{
	if (code == ASC_POWER_ON)
		return 0;
	if (code >> 8 == 0x29 && code != ASC_NEXUS_LOSS)
		return 1;
	if (code == ASC_NEXUS_LOSS)
		return 2;
	return 3;
}

static void attention_remove(struct scsi_itl *itl, unsigned index)
{
	itl->attention_count--;
	memmove(itl->attentions + index, itl->attentions + index + 1,
		(itl->attention_count - index) * sizeof(*itl->attentions));
}

void attention_forget_locked(struct scsi_itl *itl, enum sense_code code)
{
	for (unsigned i = 0; i < itl->attention_count; i++)
		if (itl->attentions[i] == code) {
			attention_remove(itl, i);
			return;
		}
}

void attention_add_locked(struct scsi_itl *itl, enum sense_code code)
{
	unsigned rank = attention_rank((uint16_t)code), place = 0;
	for (unsigned i = 0; i < itl->attention_count; i++)
		if (itl->attentions[i] == code)
			return;
	/* Power on says all that a reset or a nexus loss would, and so on down. */
	if (rank < 3 && itl->attention_count && attention_rank(itl->attentions[0]) <= rank)
		return;
	while (rank < 3 && itl->attention_count && attention_rank(itl->attentions[0]) < 3)
		attention_remove(itl, 0);
	if (itl->attention_count == SCSI_ATTENTIONS)
		itl->attention_count--;
	while (place < itl->attention_count && attention_rank(itl->attentions[place]) <= rank)
		place++;
	memmove(itl->attentions + place + 1, itl->attentions + place,
		(itl->attention_count - place) * sizeof(*itl->attentions));
	itl->attentions[place] = (uint16_t)code;
	itl->attention_count++;
}

bool attention_take_locked(struct scsi_lu *lu, struct scsi_itl *itl, struct sense *sense)
{
	struct scsi_unit *unit = lu->unit;
	if (itl->attention_count) {
		*sense = (struct sense){.key = SENSE_UNIT_ATTENTION, .code = itl->attentions[0]};
		attention_remove(itl, 0);
		return true;
	}
	if (itl->has_deferred) {
		*sense = itl->deferred;
		itl->has_deferred = false;
		return true;
	}
	if (unit->has_deferred) {
		*sense = unit->deferred;
		unit->has_deferred = false;
		return true;
	}
	return false;
}

struct scsi_itl *itl_of(const struct scsi_task *task)
{
	return &task->nexus->itl[task->lu->number];
}

struct scsi_target *lu_lock_target(struct scsi_lu *lu)
{
	pthread_mutex_lock(&lu->lock);
	struct scsi_target *target = lu->target;
	pthread_mutex_unlock(&lu->lock);
	if (!target)
		return NULL;
	pthread_mutex_lock(&target->lock);
	if (target->lus[lu->number] == lu)
		return target;
	pthread_mutex_unlock(&target->lock); /* it was taken out meanwhile */
	return NULL;
}

void scsi_attention(struct scsi_lu *lu, const struct scsi_nexus *except, enum sense_code code)
{
	struct scsi_target *target = lu_lock_target(lu);
	struct scsi_nexus *nexus;
	if (!target)
		return;
	pthread_mutex_lock(&lu->lock);
	TAILQ_FOREACH(nexus, &target->nexuses, link)
		if (nexus != except)
			attention_add_locked(&nexus->itl[lu->number], code);
	pthread_mutex_unlock(&lu->lock);
	pthread_mutex_unlock(&target->lock);
}

/* The first one is kept: what failed after it did so because of it. */
static void deferred_keep(bool *has, struct sense *kept, const struct sense *sense)
{
	if (*has)
		return;
	*has = true;
	*kept = *sense;
	kept->deferred = true;
}

void scsi_deferred(struct scsi_lu *lu, const struct scsi_nexus *wanted, const struct sense *sense)
{
	struct scsi_target *target = lu_lock_target(lu);
	struct scsi_nexus *nexus = NULL;
	if (target && wanted)
		TAILQ_FOREACH(nexus, &target->nexuses, link)
			if (nexus == wanted)
				break;
	pthread_mutex_lock(&lu->lock);
	if (nexus)
		deferred_keep(&nexus->itl[lu->number].has_deferred,
			      &nexus->itl[lu->number].deferred, sense);
	else
		deferred_keep(&lu->unit->has_deferred, &lu->unit->deferred, sense);
	pthread_mutex_unlock(&lu->lock);
	if (target)
		pthread_mutex_unlock(&target->lock);
}
