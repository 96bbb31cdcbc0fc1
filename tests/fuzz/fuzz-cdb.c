/* SPDX-License-Identifier: MIT */
/*
 * Any commands against a unit: each is answered once, with no more data than there
 * is room for, and nobody crashes. A command is 16 bytes of CDB (32 where byte 0 is
 * 7Fh), a byte that says nexus, LUN and attribute, a byte for the room, a byte for
 * the size of the parameter list, and the list.
 */
#include <pthread.h>
#include <string.h>

#include "lib/base/assert.h"
#include "lib/base/cleanup.h"
#include "target/scsi/log_page.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define COMMANDS_MAX 64u

struct command {
	struct scsi_task task;
	pthread_mutex_t lock;
	pthread_cond_t ended;
	unsigned done; /* lock */
};

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

static void command_done(struct scsi_task *task)
{
	struct command *command = (struct command *)((char *)task - offsetof(struct command, task));
	LOCK_SCOPE(&command->lock);
	command->done++;
	pthread_cond_signal(&command->ended);
}

static void command_check(const struct scsi_task *task)
{
	uint8_t sense[SENSE_SIZE_MAX];
	size_t size = 0;
	for (unsigned i = 0; i < task->in_count; i++) {
		const struct scsi_slice *slice = &task->in[i];
		ASSERT(slice->offset + slice->size <= slice->buffer->size);
		size += slice->size;
	}
	ASSERT(size == task->in_size && size <= task->in_room && size <= task->in_wanted);
	ASSERT(sense_encode(&task->sense, task->sense_descriptor, sense, sizeof(sense)) >= 8);
}

static void command_run(struct command *command)
{
	scsi_submit(&command->task);
	pthread_mutex_lock(&command->lock);
	while (!command->done)
		pthread_cond_wait(&command->ended, &command->lock);
	ASSERT(command->done == 1);
	pthread_mutex_unlock(&command->lock);
	command_check(&command->task);
	scsi_task_clear(&command->task);
}

static struct scsi_nexus *nexus_open(struct scsi_target *target, const char *initiator)
{
	struct scsi_nexus *nexus;
	struct scsi_port port = {.initiator = initiator, .portal_group = 1};
	ASSERT(scsi_nexus_open(target, &port, &nexus) == 0);
	return nexus;
}

/* A worker may still have to let go of the nexus when its command has been answered. */
static void nexus_closed(void *context)
{
	command_done(context);
}

static void nexus_close(struct scsi_nexus *nexus)
{
	struct command wait = {.lock = PTHREAD_MUTEX_INITIALIZER,
			       .ended = PTHREAD_COND_INITIALIZER};
	scsi_nexus_close(nexus, nexus_closed, &wait.task);
	pthread_mutex_lock(&wait.lock);
	while (!wait.done)
		pthread_cond_wait(&wait.ended, &wait.lock);
	pthread_mutex_unlock(&wait.lock);
}

/* Takes a command from the input; false: there is none left. */
static bool command_read(struct command *command, struct scsi_buffer_pool *pool,
			 struct scsi_nexus *const nexuses[2], const uint8_t **data, size_t *size)
{
	struct scsi_task *task = &command->task;
	size_t cdb = *size && (*data)[0] == 0x7f ? 32 : 16;
	if (*size < cdb + 3)
		return false;
	memset(command, 0, sizeof(*command));
	pthread_mutex_init(&command->lock, NULL);
	pthread_cond_init(&command->ended, NULL);
	memcpy(task->cdb, *data, cdb);
	task->cdb_size = cdb;
	uint8_t how = (*data)[cdb];
	size_t list = (*data)[cdb + 2];
	task->nexus = nexuses[how & 1];
	task->lun = (uint64_t)(how >> 1 & 1) << 48;
	task->attribute = (enum scsi_attribute)(how >> 2 & 3);
	task->in_room = (size_t)(*data)[cdb + 1] * 32;
	task->done = command_done;
	*data += cdb + 3;
	*size -= cdb + 3;
	if (list > *size)
		list = *size;
	if (list) {
		task->out = scsi_buffer_get(pool, list);
		ASSERT(task->out);
		memcpy(task->out->data, *data, list);
		task->out->size = list;
	}
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
	struct scsi_nexus *nexuses[2] = {nexus_open(target, "a"), nexus_open(target, "b")};
	struct command command;
	for (unsigned i = 0; i < COMMANDS_MAX; i++) {
		if (!command_read(&command, pool, nexuses, &data, &size))
			break;
		command_run(&command);
		pthread_cond_destroy(&command.ended);
		pthread_mutex_destroy(&command.lock);
	}
	for (unsigned i = 0; i < 2; i++)
		nexus_close(nexuses[i]);
	scsi_target_remove(target, 0);
	scsi_lu_free(&lu);
	scsi_buffer_pool_free(&pool);
	scsi_target_free(&target);
	return 0;
}
