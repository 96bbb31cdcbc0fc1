/* SPDX-License-Identifier: MIT */
/*
 * REPORT LUNS (SPC-5 6.33). There are no well-known logical units here.
 */
#include "lib/base/bytes.h"
#include "lib/base/cleanup.h"
#include "target/scsi/common.h"

#define SELECT_WELL_KNOWN 1
#define SELECT_MAX	  2
#define ALLOCATION_MIN	  16u

/* The initiator knows now; and is told of the next change again. */
static void forget_inventory_change_locked(struct scsi_target *target, struct scsi_nexus *nexus)
{
	for (unsigned i = 0; i < SCSI_LUNS; i++) {
		struct scsi_lu *lu = target->lus[i];
		if (!lu)
			continue;
		LOCK_SCOPE(&lu->lock);
		attention_forget_locked(&nexus->itl[i], ASC_REPORTED_LUNS_CHANGED);
	}
}

void report_luns_run(struct scsi_lu *lu, struct scsi_task *task)
{
	struct scsi_target *target = task->nexus->target;
	uint8_t data[8 + 8 * SCSI_LUNS] = {0};
	uint32_t allocation = be_get32(task->cdb + 6);
	size_t size = 8;
	(void)lu;
	if (task->cdb[2] > SELECT_MAX) {
		scsi_invalid_cdb(task, 2, 7);
		return;
	}
	if (allocation < ALLOCATION_MIN) {
		scsi_invalid_cdb(task, 6, 7);
		return;
	}
	pthread_mutex_lock(&target->lock);
	for (unsigned i = 0; task->cdb[2] != SELECT_WELL_KNOWN && i < SCSI_LUNS; i++) {
		if (!target->lus[i])
			continue;
		data[size + 1] = (uint8_t)i;
		size += 8;
	}
	forget_inventory_change_locked(target, task->nexus);
	pthread_mutex_unlock(&target->lock);
	be_put32(data, (uint32_t)(size - 8));
	(void)scsi_reply(task, data, size, allocation);
}
