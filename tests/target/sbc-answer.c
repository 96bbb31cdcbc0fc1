/* SPDX-License-Identifier: MIT */
/*
 * sbc-answer.so, to be preloaded into iscsi-test-cu: READ CAPACITY(10) and (16) are answered here,
 * as a disk of 1024 blocks would. Before its first test the program asks for them and ends where
 * they fail, which would keep its tests of what all devices have in common from tapes and changers.
 * Everything else goes to the target.
 */
#include <dlfcn.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <iscsi/iscsi.h>
#include <iscsi/scsi-lowlevel.h>

enum { READ_CAPACITY_10 = 0x25, SERVICE_ACTION_IN = 0x9e, READ_CAPACITY_16 = 0x10 };

static const unsigned char capacity10[8] = {0, 0, 3, 0xff, 0, 0, 2, 0};
static const unsigned char capacity16[32] = {0, 0, 0, 0, 0, 0, 3, 0xff, 0, 0, 2, 0};

static void answer(struct scsi_task *task, const unsigned char *data, int size)
{
	if (size > task->expxferlen)
		size = task->expxferlen;
	task->status = SCSI_STATUS_GOOD;
	task->residual_status =
		size < task->expxferlen ? SCSI_RESIDUAL_UNDERFLOW : SCSI_RESIDUAL_NO_RESIDUAL;
	task->residual = (size_t)(task->expxferlen - size);
	task->datain.data = malloc((size_t)size);
	if (task->datain.data)
		memcpy(task->datain.data, data, (size_t)size);
	task->datain.size = task->datain.data ? size : 0;
}

struct scsi_task *iscsi_scsi_command_sync(struct iscsi_context *iscsi, int lun,
					  struct scsi_task *task, struct iscsi_data *data)
{
	struct scsi_task *(*real)(struct iscsi_context *, int, struct scsi_task *,
				  struct iscsi_data *) =
		dlsym(RTLD_NEXT, "iscsi_scsi_command_sync");

	if (task->cdb[0] == READ_CAPACITY_10)
		answer(task, capacity10, sizeof(capacity10));
	else if (task->cdb[0] == SERVICE_ACTION_IN && (task->cdb[1] & 0x1f) == READ_CAPACITY_16)
		answer(task, capacity16, sizeof(capacity16));
	else
		return real(iscsi, lun, task, data);
	return task;
}
