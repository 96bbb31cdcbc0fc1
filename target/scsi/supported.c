/* SPDX-License-Identifier: MIT */
/*
 * REPORT SUPPORTED OPERATION CODES (SPC-5 6.35) and TASK MANAGEMENT FUNCTIONS (6.36):
 * what the unit's own table of commands says. REPORT IDENTIFYING INFORMATION (6.33).
 */
#include <string.h>

#include "lib/base/bytes.h"
#include "lib/base/cleanup.h"
#include "lib/base/mem.h"
#include "target/scsi/common.h"

#define DESCRIPTOR_SIZE 8u
#define TIMEOUTS_SIZE	12u
#define USAGE_MAX	16u

enum reporting { REPORT_ALL, REPORT_OPCODE, REPORT_ACTION, REPORT_EITHER };
enum support { NOT_SUPPORTED = 1, SUPPORTED = 3 };

/* Nominal and recommended timeouts, in seconds. */
static size_t put_timeouts(const struct scsi_opcode *row, uint8_t *data)
{
	memset(data, 0, TIMEOUTS_SIZE);
	be_put16(data, TIMEOUTS_SIZE - 2);
	be_put32(data + 4, row->timeout / 2u);
	be_put32(data + 8, row->timeout);
	return TIMEOUTS_SIZE;
}

static size_t put_descriptor(const struct scsi_opcode *row, bool timeouts, uint8_t *data)
{
	memset(data, 0, DESCRIPTOR_SIZE);
	data[0] = row->opcode;
	if (row->has_action)
		be_put16(data + 2, row->action);
	data[5] = (uint8_t)((timeouts ? 0x02 : 0) | (row->has_action ? 0x01 : 0));
	be_put16(data + 6, row->length);
	return DESCRIPTOR_SIZE + (timeouts ? put_timeouts(row, data + DESCRIPTOR_SIZE) : 0);
}

static void report_all(struct scsi_lu *lu, struct scsi_task *task, bool timeouts)
{
	const struct scsi_unit *unit = lu->unit;
	size_t size = 4, room = 4 + unit->row_count * (DESCRIPTOR_SIZE + TIMEOUTS_SIZE);
	CLEANUP_FREE uint8_t *data = mem_try_alloc(1, room);
	if (!data) {
		scsi_check(task, SENSE_ABORTED, ASC_INSUFFICIENT_RESOURCES);
		return;
	}
	for (size_t i = 0; i < unit->row_count; i++)
		size += put_descriptor(unit->rows[i], timeouts, data + size);
	be_put32(data, (uint32_t)(size - 4));
	(void)scsi_reply(task, data, size, be_get32(task->cdb + 6));
}

static void report_one(struct scsi_task *task, const struct scsi_opcode *row, bool timeouts)
{
	uint8_t data[4 + USAGE_MAX + TIMEOUTS_SIZE] = {0};
	size_t size = 4;
	data[1] = row ? SUPPORTED : NOT_SUPPORTED;
	if (row) {
		size_t usage = row->length < USAGE_MAX ? row->length : USAGE_MAX;
		be_put16(data + 2, (uint16_t)usage);
		memcpy(data + size, row->usage, usage);
		data[size] = row->opcode;
		if (row->has_action && row->opcode != 0x7f)
			data[size + 1] = (uint8_t)((row->usage[1] & 0xe0) | row->action);
		size += usage;
	}
	if (row && timeouts) {
		data[1] |= 0x80;
		size += put_timeouts(row, data + size);
	}
	(void)scsi_reply(task, data, size, be_get32(task->cdb + 6));
}

/* The CDB that the request asks about; enough of it for command_find(). */
static void make_cdb(const struct scsi_task *task, uint8_t cdb[10])
{
	memset(cdb, 0, 10);
	cdb[0] = task->cdb[3];
	if (cdb[0] == 0x7f)
		be_put16(cdb + 8, be_get16(task->cdb + 4));
	else
		cdb[1] = task->cdb[5] & 0x1f;
}

void report_opcodes_run(struct scsi_lu *lu, struct scsi_task *task)
{
	const struct scsi_unit *unit = lu->unit;
	bool timeouts = task->cdb[2] & 0x80, known;
	unsigned option = task->cdb[2] & 0x07, action = be_get16(task->cdb + 4);
	uint8_t cdb[10];
	if (option == REPORT_ALL) {
		report_all(lu, task, timeouts);
		return;
	}
	if (option > REPORT_EITHER) {
		scsi_invalid_cdb(task, 2, 2);
		return;
	}
	make_cdb(task, cdb);
	const struct scsi_opcode *row = command_find(unit->rows, unit->row_count, cdb, &known);
	bool has_actions = known && (!row || row->has_action);
	if ((option == REPORT_OPCODE && has_actions) ||
	    (option == REPORT_ACTION && known && !has_actions)) {
		scsi_invalid_cdb(task, 2, 2);
		return;
	}
	/* What is asked for by a service action is not there under another one. */
	if (row && option != REPORT_OPCODE && action != row->action)
		row = NULL;
	report_one(task, row, timeouts);
}

void report_functions_run(struct scsi_lu *lu, struct scsi_task *task)
{
	/* ABORT TASK, ABORT TASK SET, CLEAR TASK SET, LOGICAL UNIT RESET, TARGET RESET. */
	uint8_t data[16] = {0x80 | 0x40 | 0x10 | 0x08 | 0x02};
	bool extended = task->cdb[2] & 0x80;
	(void)lu;
	if (extended)
		data[3] = sizeof(data) - 4;
	(void)scsi_reply(task, data, extended ? sizeof(data) : 4, be_get32(task->cdb + 6));
}

/* Nobody can set any, so that there is none: of the device, as text, of the kinds that can be set. */
void report_identifying_run(struct scsi_lu *lu, struct scsi_task *task)
{
	static const uint8_t none[4];
	unsigned type = task->cdb[10] >> 1;
	(void)lu;
	if (type != 0x00 && type != 0x02 && type != 0x7f)
		scsi_invalid_cdb(task, 10, 7);
	else
		(void)scsi_reply(task, none, sizeof(none), be_get32(task->cdb + 6));
}
