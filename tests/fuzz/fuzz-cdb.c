/* SPDX-License-Identifier: MIT */
/*
 * Any commands against a unit: each is answered once, with no more data than there
 * is room for, and nobody crashes. A command is 16 bytes of CDB (32 where byte 0 is
 * 7Fh), a byte that says nexus, LUN and attribute, a byte for the room, a byte for
 * the size of the parameter list, and the list.
 */
#include <string.h>

#include "lib/base/assert.h"
#include "target/scsi/log_page.h"
#include "tests/fuzz/commands.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define COMMANDS_MAX 64u

/* ---- the device ---------------------------------------------------------------------------- */

static bool erase_waits(struct scsi_lu *lu, const struct scsi_task *task)
{
	(void)lu;
	return task->cdb[1] & 2;
}

static void erase_run(struct scsi_lu *lu, struct scsi_task *task)
{
	struct sense sense = {.key = SENSE_MEDIUM_ERROR, .code = ASC_WRITE_ERROR};
	struct scsi_nexus *nexus = task->nexus;
	if (task->cdb[1] & 1)
		scsi_finish_early(task);
	(void)scsi_reply(task, "too late?", 10, 10);
	scsi_deferred(lu, nexus, &sense);
}

static const struct scsi_opcode opcodes[] = {
	{.opcode = 0x19, .length = 6, .usage = {0x19, 0x03}, .name = "ERASE", .run = erase_run,
	 .waits = erase_waits},
	{0},
};

static int vpd_build(struct scsi_lu *lu, uint8_t *data, size_t room)
{
	(void)lu;
	memset(data, 0xb0, room < 60 ? room : 60);
	return room < 60 ? (int)room : 60;
}

/* More than there is room for. */
static void log_build(struct scsi_lu *lu, struct scsi_log *log)
{
	(void)lu;
	for (uint16_t code = 0; code < 200; code++)
		(void)scsi_log_add(log, code, LOG_BINARY, UINT8_MAX);
}

static int page_check(struct scsi_lu *lu, const uint8_t *page)
{
	(void)lu;
	return page[3] > 100 ? -3 - 1 : 0;
}

static const uint8_t page_defaults[8] = {0x20, 6};
static const uint8_t page_changeable[8] = {0, 0, 0xff, 0xff, 0x0f};
static const uint8_t subpage_defaults[8] = {0x60, 2, 0, 4};
static const struct scsi_mode_page mode_pages[] = {
	{0x20, 0, 8, page_defaults, page_changeable, page_check, NULL, NULL},
	{0x20, 2, 8, subpage_defaults, page_changeable, NULL, NULL, NULL},
	{0, 0, 6, page_defaults, page_changeable, NULL, NULL, NULL},
	{0},
};
static const struct scsi_vpd_page vpd_pages[] = {{0xb0, vpd_build}, {0, NULL}};
static const struct scsi_log_page log_pages[] = {{0x2e, 0, log_build, NULL}, {0}};

static void mode_header(struct scsi_lu *lu, uint8_t *medium_type, uint8_t *device_specific,
			uint8_t descriptor[8], size_t *descriptor_size)
{
	(void)lu;
	*medium_type = 0x58;
	*device_specific = 0x10;
	memset(descriptor, 0x11, 8);
	*descriptor_size = 8;
}

static int mode_descriptor(struct scsi_lu *lu, const uint8_t descriptor[8])
{
	(void)lu;
	return descriptor[7] ? -7 - 1 : 0;
}

static const struct scsi_class class = {
	.device_type = 1,
	.removable = true,
	.opcodes = opcodes,
	.vpd_pages = vpd_pages,
	.mode_pages = mode_pages,
	.log_pages = log_pages,
	.mode_header = mode_header,
	.mode_descriptor = mode_descriptor,
};

/* ---- the initiators ---------------------------------------------------------------------------- */

/* Takes a command from the input; false: there is none left. */
static bool command_read(struct fuzz_command *command, struct scsi_buffer_pool *pool,
			 struct scsi_nexus *const nexuses[2], const uint8_t **data, size_t *size)
{
	struct scsi_task *task = &command->task;
	size_t cdb = *size && (*data)[0] == 0x7f ? 32 : 16;
	if (*size < cdb + 3)
		return false;
	uint8_t how = (*data)[cdb];
	fuzz_command_init(command, nexuses[how & 1], *data, cdb);
	size_t list = (*data)[cdb + 2];
	task->lun = (uint64_t)(how >> 1 & 1) << 48;
	task->attribute = (enum scsi_attribute)(how >> 2 & 3);
	task->in_room = (size_t)(*data)[cdb + 1] * 32;
	*data += cdb + 3;
	*size -= cdb + 3;
	if (list > *size)
		list = *size;
	fuzz_command_give(command, pool, *data, list, list);
	*data += list;
	*size -= list;
	return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const uint8_t uuid[16];
	static const struct scsi_identity identity = {"FUZZ", "UNIT", "1", "SERIAL", {0}, {0}};
	struct scsi_target *target = scsi_target_new("iqn.2026-01.org.granary:fuzz", uuid);
	struct scsi_buffer_pool *pool = scsi_buffer_pool_new(1 << 20);
	struct scsi_lu *lu;
	ASSERT(scsi_lu_new(&class, &identity, NULL, &lu) == 0);
	ASSERT(scsi_target_add(target, 0, lu) == 0);
	struct scsi_nexus *nexuses[2] = {fuzz_nexus_open(target, "a"), fuzz_nexus_open(target, "b")};
	struct fuzz_command command;
	for (unsigned i = 0; i < COMMANDS_MAX; i++) {
		if (!command_read(&command, pool, nexuses, &data, &size))
			break;
		fuzz_command_run(&command);
		fuzz_command_end(&command);
	}
	for (unsigned i = 0; i < 2; i++)
		fuzz_nexus_close(nexuses[i]);
	scsi_target_remove(target, 0);
	scsi_lu_free(&lu);
	scsi_buffer_pool_free(&pool);
	scsi_target_free(&target);
	return 0;
}
