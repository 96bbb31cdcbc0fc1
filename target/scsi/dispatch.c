/* SPDX-License-Identifier: MIT */
/*
 * The way of one command: is its opcode known, does the CDB set only bits that
 * mean something, has the initiator to be told something else first, does a
 * reservation stand against it; then it runs.
 */
#include <errno.h>
#include <stdlib.h>

#include "lib/base/bytes.h"
#include "lib/base/cleanup.h"
#include "lib/base/mem.h"
#include "target/scsi/unit.h"

#define USAGE_BYTES sizeof(((struct scsi_opcode *)0)->usage)

/* ---- tables ---------------------------------------------------------------------------- */

static int row_compare(const void *a, const void *b)
{
	const struct scsi_opcode *left = *(const struct scsi_opcode *const *)a;
	const struct scsi_opcode *right = *(const struct scsi_opcode *const *)b;
	if (left->opcode != right->opcode)
		return left->opcode - right->opcode;
	return left->action - right->action;
}

static size_t table_count(const struct scsi_opcode *rows)
{
	size_t count = 0;
	while (rows && rows[count].run)
		count++;
	return count;
}

static bool class_has(const struct scsi_opcode *rows, const struct scsi_opcode *row)
{
	for (; rows && rows->run; rows++)
		if (rows->opcode == row->opcode &&
		    (!rows->has_action || !row->has_action || rows->action == row->action))
			return true;
	return false;
}

int command_table_new(const struct scsi_class *class, const struct scsi_opcode ***rows, size_t *count)
{
	size_t room = table_count(class->opcodes) + table_count(scsi_common_opcodes), used = 0;
	const struct scsi_opcode **table = mem_try_zalloc(room, sizeof(const struct scsi_opcode *));
	if (!table)
		return -ENOMEM;
	for (const struct scsi_opcode *row = class->opcodes; row && row->run; row++)
		table[used++] = row;
	for (const struct scsi_opcode *row = scsi_common_opcodes; row->run; row++)
		if (!class_has(class->opcodes, row))
			table[used++] = row;
	qsort(table, used, sizeof(const struct scsi_opcode *), row_compare);
	*rows = table;
	*count = used;
	return 0;
}

static unsigned cdb_action(const uint8_t *cdb)
{
	return cdb[0] == 0x7f ? be_get16(cdb + 8) : cdb[1] & 0x1fu;
}

const struct scsi_opcode *command_find(const struct scsi_opcode *const *rows, size_t count,
				       const uint8_t *cdb, bool *known)
{
	size_t low = 0, high = count;
	*known = false;
	while (low < high) {
		size_t middle = (low + high) / 2;
		if (rows[middle]->opcode < cdb[0])
			low = middle + 1;
		else
			high = middle;
	}
	for (; low < count && rows[low]->opcode == cdb[0]; low++) {
		*known = true;
		if (!rows[low]->has_action || rows[low]->action == cdb_action(cdb))
			return rows[low];
	}
	return NULL;
}

/* ---- checks ---------------------------------------------------------------------------- */

static bool cdb_is_valid(struct scsi_task *task, const struct scsi_opcode *row)
{
	if (task->cdb_size < row->length) {
		scsi_invalid_cdb(task, (unsigned)task->cdb_size, 8);
		return false;
	}
	for (unsigned i = 1; i < row->length && i < USAGE_BYTES; i++) {
		unsigned allowed = row->usage[i];
		if (i == 1 && row->has_action)
			allowed |= 0x1f;
		/* Drivers that are older than SCSI-3 put the LUN there (ch, mtx). */
		if (i == 1 && row->length <= 12)
			allowed |= 0xe0;
		unsigned bad = task->cdb[i] & ~allowed & 0xff;
		if (!bad)
			continue;
		scsi_invalid_cdb(task, i, 31u - (unsigned)__builtin_clz(bad));
		return false;
	}
	return true;
}

bool command_accept(struct scsi_lu *lu, struct scsi_task *task)
{
	struct scsi_unit *unit = lu->unit;
	bool known;
	task->sense_descriptor = __atomic_load_n(&unit->sense_descriptor, __ATOMIC_RELAXED);
	task->row = command_find(unit->rows, unit->row_count, task->cdb, &known);
	if (task->row)
		return cdb_is_valid(task, task->row);
	if (known)
		scsi_invalid_cdb(task, task->cdb[0] == 0x7f ? 8 : 1, task->cdb[0] == 0x7f ? 7 : 4);
	else
		scsi_check(task, SENSE_ILLEGAL_REQUEST, ASC_INVALID_OPCODE);
	return false;
}

static bool unit_is_removed(struct scsi_unit *unit)
{
	LOCK_SCOPE(&unit->queue_lock);
	return unit->removed;
}

/* False: the task has been answered by one of the checks. */
static bool command_may_run(struct scsi_lu *lu, struct scsi_task *task)
{
	struct sense sense;
	if (unit_is_removed(lu->unit)) {
		scsi_check(task, SENSE_ILLEGAL_REQUEST, ASC_LUN_NOT_SUPPORTED);
		return false;
	}
	LOCK_SCOPE(&lu->lock);
	if (!(task->row->flags & SCSI_KEEPS_ATTENTION) &&
	    attention_take_locked(lu, itl_of(task), &sense)) {
		scsi_check_sense(task, &sense);
		return false;
	}
	if (reservation_conflicts_locked(lu, task)) {
		task->status = SCSI_RESERVATION_CONFLICT;
		return false;
	}
	return true;
}

void command_run(struct scsi_lu *lu, struct scsi_task *task)
{
	if (command_may_run(lu, task))
		task->row->run(lu, task);
	/* MODE SELECT may have changed it. */
	task->sense_descriptor = __atomic_load_n(&lu->unit->sense_descriptor, __ATOMIC_RELAXED);
}

void command_run_missing(struct scsi_task *task)
{
	task->row = NULL;
	for (const struct scsi_opcode *row = scsi_common_opcodes; row->run; row++)
		if (row->opcode == task->cdb[0] && row->flags & SCSI_NO_LU)
			task->row = row;
	if (!task->row)
		scsi_check(task, SENSE_ILLEGAL_REQUEST, ASC_LUN_NOT_SUPPORTED);
	else if (cdb_is_valid(task, task->row))
		task->row->run(NULL, task);
}
