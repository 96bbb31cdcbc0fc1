/* SPDX-License-Identifier: MIT */
/*
 * A logical unit's life: made with its worker, put into a target, taken out of
 * it, freed when nothing of it runs any more.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/assert.h"
#include "lib/base/cleanup.h"
#include "lib/base/clock.h"
#include "lib/base/mem.h"
#include "target/scsi/mode.h"
#include "target/scsi/unit.h"

static void unit_free(struct scsi_unit *unit)
{
	if (!unit)
		return;
	mode_table_free(unit);
	alert_readers_free(unit);
	free(unit->rows);
	free(unit->reservation.registrations);
	pthread_cond_destroy(&unit->changed);
	pthread_mutex_destroy(&unit->queue_lock);
	free(unit);
}

static int unit_new(const struct scsi_class *class, struct scsi_unit **result)
{
	struct scsi_unit *unit = mem_try_zalloc(1, sizeof(*unit));
	if (!unit)
		return -ENOMEM;
	unit->magic = SCSI_UNIT_MAGIC;
	unit->made_ns = clock_monotonic_ns();
	pthread_mutex_init(&unit->queue_lock, NULL);
	pthread_cond_init(&unit->changed, NULL);
	TAILQ_INIT(&unit->queue);
	TAILQ_INIT(&unit->runners);
	TAILQ_INIT(&unit->waiters);
	TAILQ_INIT(&unit->alert_readers);
	int error = command_table_new(class, &unit->rows, &unit->row_count);
	if (!error)
		error = mode_table_new(class, unit);
	if (error) {
		unit_free(unit);
		return error;
	}
	*result = unit;
	return 0;
}

int scsi_lu_new(const struct scsi_class *class, const struct scsi_identity *identity, void *device,
		struct scsi_lu **result)
{
	struct scsi_lu *lu = mem_try_zalloc(1, sizeof(*lu));
	if (!lu)
		return -ENOMEM;
	lu->class = class;
	lu->identity = *identity;
	lu->device = device;
	pthread_mutex_init(&lu->lock, NULL);
	int error = unit_new(class, &lu->unit);
	if (!error)
		error = -pthread_create(&lu->unit->worker, NULL, unit_worker, lu);
	if (error) {
		unit_free(lu->unit);
		pthread_mutex_destroy(&lu->lock);
		free(lu);
		return error;
	}
	*result = lu;
	return 0;
}

void scsi_lu_free(struct scsi_lu **lu)
{
	struct scsi_lu *old = TAKE(*lu);
	if (!old)
		return;
	struct scsi_unit *unit = old->unit;
	ASSERT_OBJECT(unit, SCSI_UNIT_MAGIC);
	ASSERT(!old->target);
	pthread_mutex_lock(&unit->queue_lock);
	unit->stopping = true;
	pthread_cond_broadcast(&unit->changed);
	pthread_mutex_unlock(&unit->queue_lock);
	pthread_join(unit->worker, NULL);
	unit_free(unit);
	pthread_mutex_destroy(&old->lock);
	free(old);
}
