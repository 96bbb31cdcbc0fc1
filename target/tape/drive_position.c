/* SPDX-License-Identifier: MIT */
/*
 * REWIND, SPACE(6)/(16), LOCATE(10)/(16), READ POSITION: where the tape is, and
 * where it goes. All of it is arithmetic on object numbers and searches in the
 * index of filemarks; nothing costs more than O(log runs), but for SPACE over
 * sequential filemarks.
 *
 * The table of SPACE's and LOCATE's sense is tests/unit/sense_rows.h: INFORMATION is what
 * is left of the count, as a magnitude; a filemark stops SPACE over blocks after it
 * (forward) or before it (in reverse).
 */
#include <errno.h>

#include "lib/base/bytes.h"
#include "lib/base/cleanup.h"
#include "target/tape/drive_private.h"
#include "target/tape/drive_ring.h"

/* Before the tape moves: what is buffered is made durable. */
static bool settle(struct drive *drive, struct scsi_task *task)
{
	if (!drive->dirty)
		return true;
	int error = drive_drain(drive);
	if (!error)
		return true;
	drive_check_flush(drive, task, error);
	return false;
}

/* The index is damaged, or the cartridge's files have gone. */
static void check_broken(struct drive *drive, struct scsi_task *task)
{
	scsi_check(task, SENSE_MEDIUM_ERROR, ASC_SEQUENTIAL_POSITIONING_ERROR);
	drive_note_error(drive, task, &task->sense);
}

static void go(struct drive *drive, uint64_t object, uint64_t file)
{
	drive_set_position(drive, drive->partition, object, file);
}

static void go_end(struct drive *drive)
{
	const struct cartridge_extent *end = &drive->end[drive->partition];
	go(drive, end->objects, end->filemarks);
}

/* ---- REWIND ---------------------------------------------------------------------------------- */

static void run_rewind(struct scsi_lu *lu, struct scsi_task *task)
{
	struct drive *drive = drive_of(lu);
	if (!drive_ready(drive, task))
		return;
	bool early = task->cdb[1] & 1 && drive->dirty && drive_early(drive, task, ASC_BECOMING_READY);
	if (settle(drive, task))
		go(drive, 0, 0);
	drive_early_end(drive, task, early);
}

/* ---- SPACE ------------------------------------------------------------------------------------ */

/* A count past the ends ends there; what is left of it goes into INFORMATION. */
static void space_beginning(struct drive *drive, struct scsi_task *task, uint64_t left)
{
	go(drive, 0, 0);
	drive_check(task, SENSE_NO_SENSE, ASC_BEGINNING_OF_MEDIUM, true, (int64_t)left);
}

static void space_end(struct drive *drive, struct scsi_task *task, uint64_t left)
{
	go_end(drive);
	drive_check(task, SENSE_BLANK_CHECK, ASC_END_OF_DATA, false, (int64_t)left);
}

static void space_blocks_forward(struct drive *drive, struct scsi_task *task, uint64_t count)
{
	const struct cartridge_extent *end = &drive->end[drive->partition];
	uint64_t stop = end->objects;
	bool filemark = drive->file < end->filemarks;
	if (filemark &&
	    cartridge_find_filemark(drive->cartridge, drive->partition, drive->file, &stop)) {
		check_broken(drive, task);
		return;
	}
	uint64_t room = stop - drive->object;
	if (count <= room) {
		go(drive, drive->object + count, drive->file);
	} else if (!filemark) {
		space_end(drive, task, count - room);
	} else {
		go(drive, stop + 1, drive->file + 1);
		drive_check(task, SENSE_NO_SENSE, ASC_FILEMARK, false, (int64_t)(count - room));
	}
}

static void space_blocks_back(struct drive *drive, struct scsi_task *task, uint64_t count)
{
	uint64_t first = 0; /* object that the blocks before the position begin with */
	if (drive->file) {
		if (cartridge_find_filemark(drive->cartridge, drive->partition, drive->file - 1,
					    &first)) {
			check_broken(drive, task);
			return;
		}
		first++;
	}
	uint64_t room = drive->object - first;
	if (count <= room) {
		go(drive, drive->object - count, drive->file);
	} else if (!drive->file) {
		space_beginning(drive, task, count - room);
	} else {
		go(drive, first - 1, drive->file - 1);
		drive_check(task, SENSE_NO_SENSE, ASC_FILEMARK, false, (int64_t)(count - room));
	}
}

static void space_filemarks(struct drive *drive, struct scsi_task *task, uint64_t count, bool back)
{
	uint64_t marks = drive->end[drive->partition].filemarks;
	uint64_t room = back ? drive->file : marks - drive->file;
	if (count > room) {
		if (back)
			space_beginning(drive, task, count - room);
		else
			space_end(drive, task, count - room);
		return;
	}
	uint64_t filemark = back ? drive->file - count : drive->file + count - 1;
	uint64_t object;
	if (cartridge_find_filemark(drive->cartridge, drive->partition, filemark, &object))
		check_broken(drive, task);
	else if (back)
		go(drive, object, filemark);
	else
		go(drive, object + 1, filemark + 1);
}

/* Looks for `count` filemarks one after another: the number of the first of them. -ENXIO. */
static int find_sequence(const struct drive *drive, uint64_t count, bool back, uint64_t *first)
{
	uint64_t marks = drive->end[drive->partition].filemarks;
	uint64_t run = 0, last = 0;
	for (uint64_t i = 0; i < (back ? drive->file : marks - drive->file); i++) {
		uint64_t mark = back ? drive->file - 1 - i : drive->file + i;
		uint64_t object;
		if (cartridge_find_filemark(drive->cartridge, drive->partition, mark, &object))
			return -EIO;
		run = run && object == (back ? last - 1 : last + 1) ? run + 1 : 1;
		last = object;
		if (run == count) {
			*first = back ? mark : mark + 1 - count;
			return 0;
		}
	}
	return -ENXIO;
}

static void space_sequential(struct drive *drive, struct scsi_task *task, uint64_t count, bool back)
{
	uint64_t first, object;
	int error = find_sequence(drive, count, back, &first);
	if (error == -ENXIO) {
		if (back)
			space_beginning(drive, task, count);
		else
			space_end(drive, task, count);
		return;
	}
	if (error || cartridge_find_filemark(drive->cartridge, drive->partition, first, &object))
		check_broken(drive, task);
	else if (back)
		go(drive, object, first);
	else
		go(drive, object + count, first + count);
}

static void space(struct drive *drive, struct scsi_task *task, unsigned code, int64_t signed_count)
{
	bool back = signed_count < 0;
	uint64_t count = back ? 0 - (uint64_t)signed_count : (uint64_t)signed_count;
	if (!drive_ready(drive, task) || !settle(drive, task))
		return;
	if (code == 3) {
		go_end(drive);
		return;
	}
	if (!count)
		return;
	if (code == 0 && !back)
		space_blocks_forward(drive, task, count);
	else if (code == 0)
		space_blocks_back(drive, task, count);
	else if (code == 1)
		space_filemarks(drive, task, count, back);
	else
		space_sequential(drive, task, count, back);
}

static void run_space6(struct scsi_lu *lu, struct scsi_task *task)
{
	unsigned code = task->cdb[1] & 0x0f;
	if (code > 3) { /* setmarks */
		scsi_invalid_cdb(task, 1, 3);
		return;
	}
	int32_t count = (int32_t)be_get24(task->cdb + 2);
	if (count & 0x800000)
		count -= 0x1000000;
	space(drive_of(lu), task, code, count);
}

static void run_space16(struct scsi_lu *lu, struct scsi_task *task)
{
	unsigned code = task->cdb[1] & 0x0f;
	if (code > 3) {
		scsi_invalid_cdb(task, 1, 3);
		return;
	}
	space(drive_of(lu), task, code, (int64_t)be_get64(task->cdb + 4));
}

/* The search for sequential filemarks may take long. */
static bool waits_space(struct scsi_lu *lu, const struct scsi_task *task)
{
	return drive_of(lu)->dirty || (task->cdb[1] & 0x0f) == 2;
}

/* ---- LOCATE ------------------------------------------------------------------------------------- */

enum locate_type { LOCATE_OBJECT = 0, LOCATE_FILE = 1, LOCATE_END = 3 };

struct locate {
	enum locate_type type;
	bool change, immediate;
	unsigned partition, partition_byte; /* where the CDB has it */
	uint64_t target;
};

static void locate_object(struct drive *drive, struct scsi_task *task, uint64_t object)
{
	uint64_t file;
	if (object > drive->end[drive->partition].objects) {
		go_end(drive);
		scsi_check(task, SENSE_BLANK_CHECK, ASC_END_OF_DATA);
	} else if (cartridge_count_filemarks(drive->cartridge, drive->partition, object, &file)) {
		check_broken(drive, task);
	} else {
		go(drive, object, file);
	}
}

/* A file begins after the filemark before it. */
static void locate_file(struct drive *drive, struct scsi_task *task, uint64_t file)
{
	uint64_t object = 0;
	if (file > drive->end[drive->partition].filemarks) {
		go_end(drive);
		scsi_check(task, SENSE_BLANK_CHECK, ASC_END_OF_DATA);
	} else if (file && cartridge_find_filemark(drive->cartridge, drive->partition, file - 1,
						   &object)) {
		check_broken(drive, task);
	} else {
		go(drive, file ? object + 1 : 0, file);
	}
}

static void locate_there(struct drive *drive, struct scsi_task *task, const struct locate *where)
{
	if (where->change && where->partition != drive->partition)
		drive_set_position(drive, where->partition, 0, 0);
	switch (where->type) {
	case LOCATE_OBJECT:
		locate_object(drive, task, where->target);
		break;
	case LOCATE_FILE:
		locate_file(drive, task, where->target);
		break;
	case LOCATE_END:
		go_end(drive);
		break;
	}
}

static void locate(struct drive *drive, struct scsi_task *task, const struct locate *where)
{
	if (!drive_ready(drive, task))
		return;
	if (where->change && where->partition >= drive->media.partitions) {
		scsi_invalid_cdb(task, where->partition_byte, 8);
		return;
	}
	bool early = where->immediate && drive->dirty && drive_early(drive, task, ASC_BECOMING_READY);
	if (settle(drive, task))
		locate_there(drive, task, where);
	drive_early_end(drive, task, early);
}

/* BT asks for a device-specific address: it is the object number, as READ POSITION gives it. */
static void run_locate10(struct scsi_lu *lu, struct scsi_task *task)
{
	const uint8_t *cdb = task->cdb;
	locate(drive_of(lu), task, &(struct locate){
		.type = LOCATE_OBJECT,
		.change = cdb[1] & 2,
		.immediate = cdb[1] & 1,
		.partition = cdb[8],
		.partition_byte = 8,
		.target = be_get32(cdb + 3),
	});
}

static void run_locate16(struct scsi_lu *lu, struct scsi_task *task)
{
	const uint8_t *cdb = task->cdb;
	unsigned type = cdb[1] >> 3 & 7;
	if (type != LOCATE_OBJECT && type != LOCATE_FILE && type != LOCATE_END) {
		scsi_invalid_cdb(task, 1, 5);
		return;
	}
	locate(drive_of(lu), task, &(struct locate){
		.type = (enum locate_type)type,
		.change = cdb[1] & 2,
		.immediate = cdb[1] & 1,
		.partition = cdb[3],
		.partition_byte = 3,
		.target = be_get64(cdb + 4),
	});
}

/* ---- READ POSITION -------------------------------------------------------------------------------- */

enum position_flag {
	POSITION_BOP = 0x80, POSITION_EOP = 0x40, POSITION_ERROR = 0x02, POSITION_BPEW = 0x01,
};

static uint8_t position_flags(const struct drive *drive)
{
	uint64_t offset = drive_offset(drive);
	uint64_t warning = drive_warning_at(drive, drive->partition);
	uint64_t early = (uint64_t)drive->mode.early_warning << 20;
	uint8_t flags = drive->object ? 0 : POSITION_BOP;
	if (offset >= warning)
		flags |= POSITION_EOP;
	if (early && offset >= (warning > early ? warning - early : 0))
		flags |= POSITION_BPEW;
	return flags;
}

static void position_short(struct drive *drive, struct scsi_task *task)
{
	uint8_t data[20] = {0};
	uint64_t objects, bytes;
	drive_buffered(drive, &objects, &bytes);
	data[0] = position_flags(drive);
	data[1] = (uint8_t)drive->partition;
	if (drive->object > UINT32_MAX) {
		data[0] |= POSITION_ERROR;
	} else {
		be_put32(data + 4, (uint32_t)drive->object);
		be_put32(data + 8, (uint32_t)(drive->object - objects));
		be_put24(data + 13, objects < 0xffffff ? (uint32_t)objects : 0xffffff);
		be_put32(data + 16, bytes < UINT32_MAX ? (uint32_t)bytes : UINT32_MAX);
	}
	scsi_reply(task, data, sizeof(data), sizeof(data));
}

static void position_long(struct drive *drive, struct scsi_task *task)
{
	uint8_t data[32] = {0};
	data[0] = position_flags(drive);
	be_put32(data + 4, drive->partition);
	be_put64(data + 8, drive->object);
	be_put64(data + 16, drive->file);
	scsi_reply(task, data, sizeof(data), sizeof(data));
}

static void position_extended(struct drive *drive, struct scsi_task *task)
{
	uint8_t data[32] = {0};
	uint64_t objects, bytes;
	drive_buffered(drive, &objects, &bytes);
	data[0] = position_flags(drive);
	data[1] = (uint8_t)drive->partition;
	be_put16(data + 2, sizeof(data) - 4);
	be_put24(data + 5, objects < 0xffffff ? (uint32_t)objects : 0xffffff);
	be_put64(data + 8, drive->object);
	be_put64(data + 16, drive->object - objects);
	be_put64(data + 24, bytes);
	scsi_reply(task, data, sizeof(data), be_get16(task->cdb + 7));
}

static void run_position(struct scsi_lu *lu, struct scsi_task *task)
{
	struct drive *drive = drive_of(lu);
	if (!drive_ready(drive, task))
		return;
	switch (task->cdb[1] & 0x1f) {
	case 0x06:
		position_long(drive, task);
		break;
	case 0x08:
		position_extended(drive, task);
		break;
	default:
		position_short(drive, task);
		break;
	}
}

#define POSITION_ROW(code, text)                                                                   \
	{                                                                                          \
		.opcode = 0x34, .has_action = true, .action = (code), .length = 10,                \
		.usage = {0x34, 0x1f, 0, 0, 0, 0, 0, 0xff, 0xff}, .timeout = 60,                    \
		.flags = SCSI_IF_RESERVED, .name = text, .run = run_position,                      \
	}

const struct scsi_opcode drive_position_opcodes[] = {
	{
		.opcode = 0x01, .length = 6, .usage = {0x01, 0x01}, .timeout = 1200,
		.name = "REWIND", .run = run_rewind, .waits = drive_waits_drain,
	},
	{
		.opcode = 0x11, .length = 6, .usage = {0x11, 0x0f, 0xff, 0xff, 0xff}, .timeout = 1200,
		.name = "SPACE(6)", .run = run_space6, .waits = waits_space,
	},
	{
		.opcode = 0x2b, .length = 10,
		.usage = {0x2b, 0x07, 0, 0xff, 0xff, 0xff, 0xff, 0, 0xff}, .timeout = 1200,
		.name = "LOCATE(10)", .run = run_locate10, .waits = drive_waits_drain,
	},
	POSITION_ROW(0x00, "READ POSITION"),
	POSITION_ROW(0x01, "READ POSITION"),
	POSITION_ROW(0x06, "READ POSITION"),
	POSITION_ROW(0x08, "READ POSITION"),
	{
		.opcode = 0x91, .length = 16,
		.usage = {0x91, 0x0f, 0, 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff},
		.timeout = 1200,
		.name = "SPACE(16)", .run = run_space16, .waits = waits_space,
	},
	{
		.opcode = 0x92, .length = 16,
		.usage = {0x92, 0x3b, 0x01, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff},
		.timeout = 1200,
		.name = "LOCATE(16)", .run = run_locate16, .waits = drive_waits_drain,
	},
	{0},
};
