/* SPDX-License-Identifier: MIT */
/*
 * The rows of the commands that every unit has (SPC-5), and the shortest of them.
 */
#include "target/scsi/common.h"

#include "lib/base/bytes.h"
#include "lib/base/cleanup.h"
#include "target/scsi/mode.h"
#include "target/scsi/reserve.h"

static void test_unit_ready_run(struct scsi_lu *lu, struct scsi_task *task)
{
	LOCK_SCOPE(&lu->lock);
	if (lu->class->ready)
		lu->class->ready(lu, task);
}

/* What is pending is data here, and told by it; else what TEST UNIT READY would say (SPC-5 6.39). */
static void request_sense_run(struct scsi_lu *lu, struct scsi_task *task)
{
	uint8_t data[SENSE_SIZE_MAX];
	struct sense sense = {.key = SENSE_NO_SENSE};
	if (!lu) {
		sense = (struct sense){.key = SENSE_ILLEGAL_REQUEST, .code = ASC_LUN_NOT_SUPPORTED};
	} else {
		LOCK_SCOPE(&lu->lock);
		if (!attention_take_locked(lu, itl_of(task), &sense) && lu->class->ready) {
			lu->class->ready(lu, task);
			if (task->status == SCSI_CHECK_CONDITION)
				sense = task->sense;
			scsi_good(task);
		}
	}
	size_t size = sense_encode(&sense, task->cdb[1] & 1, data, sizeof(data));
	(void)scsi_reply(task, data, size, task->cdb[4]);
}

#define BESIDE (SCSI_WHILE_BUSY | SCSI_KEEPS_ATTENTION | SCSI_IF_RESERVED)

const struct scsi_opcode scsi_common_opcodes[] = {
	{.opcode = 0x00, .length = 6, .timeout = 30, .name = "TEST UNIT READY",
	 .flags = SCSI_WHILE_BUSY | SCSI_IF_PERSISTENT, .run = test_unit_ready_run},
	{.opcode = 0x03, .length = 6, .timeout = 30, .name = "REQUEST SENSE",
	 .usage = {0x03, 0x01, 0, 0, 0xff}, .flags = BESIDE | SCSI_NO_LU, .run = request_sense_run},
	{.opcode = 0x12, .length = 6, .timeout = 30, .name = "INQUIRY",
	 .usage = {0x12, 0x01, 0xff, 0xff, 0xff}, .flags = BESIDE | SCSI_NO_LU, .run = inquiry_run},
	{.opcode = 0x16, .length = 6, .timeout = 30, .name = "RESERVE(6)",
	 .flags = SCSI_IF_RESERVED, .run = reserve_run},
	{.opcode = 0x17, .length = 6, .timeout = 30, .name = "RELEASE(6)",
	 .flags = SCSI_IF_RESERVED, .run = release_run},
	{.opcode = 0x56, .length = 10, .timeout = 30, .name = "RESERVE(10)",
	 .flags = SCSI_IF_RESERVED, .run = reserve_run},
	{.opcode = 0x57, .length = 10, .timeout = 30, .name = "RELEASE(10)",
	 .flags = SCSI_IF_RESERVED, .run = release_run},
	{.opcode = 0xa0, .length = 12, .timeout = 30, .name = "REPORT LUNS",
	 .usage = {0xa0, 0, 0xff, 0, 0, 0, 0xff, 0xff, 0xff, 0xff}, .flags = BESIDE | SCSI_NO_LU,
	 .run = report_luns_run},
	{0},
};
