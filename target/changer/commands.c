/* SPDX-License-Identifier: MIT */
/*
 * The commands of a medium changer (SMC-3 clause 6): each takes its CDB apart
 * and lets the robot, the element status or the volume tags do the work.
 *
 * MOVE MEDIUM and EXCHANGE MEDIUM wait for drives and files, so they run on the
 * unit's worker. Everything else answers from memory.
 */
#include "lib/base/bytes.h"
#include "lib/base/cleanup.h"
#include "lib/base/log.h"
#include "target/changer/internal.h"

enum { TYPE_MASK = 0x0f, VOLTAG = 0x10, CURDATA = 0x02, DVCID = 0x01, RANGE = 0x01 };
enum { DOOR_OPEN = 0, DOOR_CLOSE = 1 };

static bool robot_waits(struct scsi_lu *lu, const struct scsi_task *task)
{
	(void)lu;
	(void)task;
	return true;
}

/* Address 0 is the default transport. False: the task is answered. */
static bool transport_is_valid(struct changer *changer, struct scsi_task *task, uint16_t address)
{
	const struct element *e = inventory_find(&changer->inventory, address);

	if (address == 0 || (e != NULL && e->type == ELEMENT_TRANSPORT))
		return true;
	scsi_check(task, SENSE_ILLEGAL_REQUEST, ASC_INVALID_ADDRESS);
	return false;
}

static void answer(struct changer *changer, struct scsi_task *task, int error,
		   const struct refusal *refusal)
{
	if (error == 0) {
		scsi_good(task);
		return;
	}
	scsi_check(task, refusal->key, refusal->code);
	log_line(refusal->key == SENSE_ILLEGAL_REQUEST ? LOG_LEVEL_INFO : LOG_LEVEL_WARNING,
		 "changer %s: %s: %s", changer->lu->identity.serial, task->row->name,
		 refusal->text);
}

static void run_move(struct scsi_lu *lu, struct scsi_task *task)
{
	struct changer *changer = changer_of(lu);
	struct refusal refusal = { 0 };
	int error;

	if (!transport_is_valid(changer, task, be_get16(task->cdb + 2)))
		return;
	error = robot_move(changer, be_get16(task->cdb + 4), be_get16(task->cdb + 6), &refusal);
	answer(changer, task, error, &refusal);
}

static void run_exchange(struct scsi_lu *lu, struct scsi_task *task)
{
	struct changer *changer = changer_of(lu);
	struct refusal refusal = { 0 };
	int error;

	if (!transport_is_valid(changer, task, be_get16(task->cdb + 2)))
		return;
	error = robot_exchange(changer, be_get16(task->cdb + 4), be_get16(task->cdb + 6),
			       be_get16(task->cdb + 8), &refusal);
	answer(changer, task, error, &refusal);
}

static void run_position(struct scsi_lu *lu, struct scsi_task *task)
{
	struct changer *changer = changer_of(lu);

	if (!transport_is_valid(changer, task, be_get16(task->cdb + 2)))
		return;
	if (inventory_find(&changer->inventory, be_get16(task->cdb + 4)) == NULL)
		scsi_check(task, SENSE_ILLEGAL_REQUEST, ASC_INVALID_ADDRESS);
	else
		scsi_good(task);
}

/* The inventory is always known: there is nothing to look at. */
static void run_initialize(struct scsi_lu *lu, struct scsi_task *task)
{
	(void)lu;
	scsi_good(task);
}

static void run_initialize_range(struct scsi_lu *lu, struct scsi_task *task)
{
	const struct inventory *inventory = &changer_of(lu)->inventory;
	uint32_t start = be_get16(task->cdb + 2), count = be_get16(task->cdb + 6);
	uint32_t last = inventory->elements[inventory->count - 1].address;

	/* A count of 0 means all that follow. */
	if ((task->cdb[1] & RANGE) != 0 &&
	    (inventory_find(inventory, (uint16_t)start) == NULL ||
	     (count > 0 && start + count - 1 > last)))
		scsi_check(task, SENSE_ILLEGAL_REQUEST, ASC_INVALID_ADDRESS);
	else
		scsi_good(task);
}

static void run_status(struct scsi_lu *lu, struct scsi_task *task)
{
	struct status_request request = {
		.type = task->cdb[1] & TYPE_MASK,
		.start = be_get16(task->cdb + 2),
		.limit = be_get16(task->cdb + 4),
		.tags = (task->cdb[1] & VOLTAG) != 0,
		.identifiers = (task->cdb[6] & DVCID) != 0,
	};

	if ((task->cdb[1] & TYPE_MASK) > ELEMENT_DRIVE)
		scsi_invalid_cdb(task, 1, 3);
	else
		status_reply(changer_of(lu), task, &request, be_get24(task->cdb + 7));
}

/* The door of an import/export slot. There is none, but an open one would let cartridges out. */
static void run_open_close(struct scsi_lu *lu, struct scsi_task *task)
{
	const struct element *e =
		inventory_find(&changer_of(lu)->inventory, be_get16(task->cdb + 2));
	bool prevented;

	if (task->cdb[4] > DOOR_CLOSE) {
		scsi_invalid_cdb(task, 4, 4);
		return;
	}
	if (e == NULL || e->type != ELEMENT_IMPORT_EXPORT) {
		scsi_check(task, SENSE_ILLEGAL_REQUEST, ASC_INVALID_ADDRESS);
		return;
	}
	{
		LOCK_SCOPE(&lu->lock);
		prevented = scsi_removal_prevented_locked(lu);
	}
	if (prevented && task->cdb[4] == DOOR_OPEN)
		scsi_check(task, SENSE_ILLEGAL_REQUEST, ASC_REMOVAL_PREVENTED);
	else
		scsi_good(task);
}

/* Under somebody else's reservation only READ ELEMENT STATUS with CURDATA is answered (SMC-3
 * table 4), which tells where things are and never moves any. */
const struct scsi_opcode changer_opcodes[] = {
	{
		.opcode = 0x07,
		.length = 6,
		.usage = { 0x07 },
		.timeout = 60,
		.name = "INITIALIZE ELEMENT STATUS",
		.run = run_initialize,
	},
	{
		.opcode = 0x1b,
		.length = 6,
		.usage = { 0x1b, 0x00, 0xff, 0xff, 0x1f },
		.timeout = 60,
		.name = "OPEN/CLOSE IMPORT/EXPORT ELEMENT",
		.run = run_open_close,
	},
	{
		.opcode = 0x2b,
		.length = 10,
		.usage = { 0x2b, 0x00, 0xff, 0xff, 0xff, 0xff },
		.timeout = 60,
		.name = "POSITION TO ELEMENT",
		.run = run_position,
	},
	{
		.opcode = 0x37,
		.length = 10,
		.usage = { 0x37, 0x03, 0xff, 0xff, 0x00, 0x00, 0xff, 0xff },
		.timeout = 60,
		.name = "INITIALIZE ELEMENT STATUS WITH RANGE",
		.run = run_initialize_range,
	},
	{
		.opcode = 0xa5,
		.length = 12,
		/* The last byte's top bits are the vendor's: mtx eepos sets them. */
		.usage = { 0xa5, 0x00, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x00, 0x00, 0x00, 0xc0 },
		.timeout = 600,
		.name = "MOVE MEDIUM",
		.run = run_move,
		.waits = robot_waits,
	},
	{
		.opcode = 0xa6,
		.length = 12,
		.usage = { 0xa6, 0x00, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff },
		.timeout = 1200,
		.name = "EXCHANGE MEDIUM",
		.run = run_exchange,
		.waits = robot_waits,
	},
	{
		.opcode = 0xb5,
		.length = 12,
		.usage = { 0xb5, 0x1f, 0xff, 0xff, 0xff, 0xff, 0x00, 0xff, 0xff, 0xff },
		.timeout = 60,
		.name = "REQUEST VOLUME ELEMENT ADDRESS",
		.run = tags_request,
	},
	{
		.opcode = 0xb6,
		.length = 12,
		.usage = { 0xb6, 0x0f, 0xff, 0xff, 0x00, 0x1f, 0x00, 0x00, 0xff, 0xff },
		.timeout = 60,
		.name = "SEND VOLUME TAG",
		.run = tags_send,
	},
	{
		.opcode = 0xb8,
		.length = 12,
		.usage = { 0xb8, 0x1f, 0xff, 0xff, 0xff, 0xff, CURDATA | DVCID, 0xff, 0xff, 0xff },
		.timeout = 60,
		.flags = SCSI_IF_RESERVED,
		.name = "READ ELEMENT STATUS",
		.run = run_status,
		.reserved_byte = 6,
		.reserved_bits = CURDATA,
	},
	{
		/* What libraries called it before SMC-2 gave it a number. */
		.opcode = 0xe7,
		.length = 10,
		/* The last byte's top bit: without bar codes. */
		.usage = { 0xe7, 0x03, 0xff, 0xff, 0x00, 0x00, 0xff, 0xff, 0x00, 0x80 },
		.timeout = 60,
		.name = "INITIALIZE ELEMENT STATUS WITH RANGE (vendor)",
		.run = run_initialize_range,
	},
	{ 0 },
};
