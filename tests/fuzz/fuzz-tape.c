/* SPDX-License-Identifier: MIT */
/*
 * Any commands against a tape drive with a small cartridge in it: each is answered
 * once, with no more data than there is room for, the position stays within the
 * tape, and what is left is a cartridge. A command is 16 bytes of CDB, a byte that
 * says which nexus (bit 0) and whether the robot reloads before it (bit 7), a byte
 * for the room, a byte for the size of data-out in the unit of bits 1-2 of the first,
 * and as many bytes of data as there are, repeated.
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/assert.h"
#include "lib/base/bytes.h"
#include "lib/base/cleanup.h"
#include "lib/base/log.h"
#include "target/scsi/scsi.h"
#include "target/tape/drive.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define COMMANDS_MAX 48u
#define HEADER_SIZE  19u
#define TAPE_SIZE    (3u << 20)

struct scene {
	char folder[40], path[64];
	struct scsi_buffer_pool *pool;
	struct scsi_target *target;
	struct scsi_nexus *nexuses[2];
	struct drive *drive;
};

struct call {
	struct scsi_task task;
	pthread_mutex_t lock;
	pthread_cond_t ended;
	unsigned done; /* lock */
};

static void call_end(struct call *call)
{
	LOCK_SCOPE(&call->lock);
	call->done++;
	pthread_cond_signal(&call->ended);
}

static void call_wait(struct call *call)
{
	LOCK_SCOPE(&call->lock);
	while (!call->done)
		pthread_cond_wait(&call->ended, &call->lock);
	ASSERT(call->done == 1);
}

static void task_done(struct scsi_task *task)
{
	call_end((struct call *)((char *)task - offsetof(struct call, task)));
}

static void nexus_closed(void *context)
{
	call_end(context);
}

/* ---- the scene ---------------------------------------------------------------------------------- */

static void scene_open(struct scene *s)
{
	struct cartridge_info info = {.barcode = "FUZZ01L8", .medium = "LTO-8", .capacity = TAPE_SIZE,
				      .partitions = 1, .partition_size = {TAPE_SIZE}};
	struct drive_settings settings = {
		.identity = {.vendor = "IBM", .product = "ULT3580-TD8", .revision = "H990",
			     .serial = "1013000101", .naa = {0x50, 1, 2, 3, 4, 5, 6, 7}},
		.generation = 8, .buffer = 1u << 20, .encryption = true,
	};
	log_set_level(LOG_LEVEL_ERROR);
	strcpy(s->folder, access("/dev/shm", W_OK) ? "/tmp/fuzz-tape-XXXXXX" : "/dev/shm/fuzz-tape-XXXXXX");
	ASSERT(mkdtemp(s->folder));
	snprintf(s->path, sizeof(s->path), "%s/%s", s->folder, info.barcode);
	ASSERT(cartridge_create(s->folder, &info) == 0);
	s->pool = settings.pool = scsi_buffer_pool_new(1u << 20);
	ASSERT(drive_new(&settings, &s->drive) == 0);
	s->target = scsi_target_new("iqn.2024-01.example:fuzz", (uint8_t[16]){1});
	ASSERT(scsi_target_add(s->target, 0, drive_lu(s->drive)) == 0);
	for (uint8_t i = 0; i < 2; i++) {
		struct scsi_port port = {.initiator = "iqn.2024-01.example:host", .portal_group = 1,
					 .isid = {0x80, 0, 0, 0, 0, i}};
		ASSERT(scsi_nexus_open(s->target, &port, &s->nexuses[i]) == 0);
	}
	ASSERT(drive_load(s->drive, s->path) == 0);
}

static void scene_close(struct scene *s)
{
	char line[64];
	for (unsigned i = 0; i < 2; i++) {
		struct call wait = {.lock = PTHREAD_MUTEX_INITIALIZER, .ended = PTHREAD_COND_INITIALIZER};
		scsi_nexus_close(s->nexuses[i], nexus_closed, &wait);
		call_wait(&wait);
	}
	scsi_target_remove(s->target, 0);
	drive_free(&s->drive);
	scsi_target_free(&s->target);
	scsi_buffer_pool_free(&s->pool);
	struct cartridge *cartridge = NULL;
	ASSERT(cartridge_open(s->path, CARTRIDGE_READ, &cartridge) == 0);
	ASSERT(cartridge_close(&cartridge) == 0);
	snprintf(line, sizeof(line), "rm -rf %s", s->folder);
	ASSERT(system(line) == 0);
}

/* ---- commands ------------------------------------------------------------------------------------- */

static void check(const struct scsi_task *task)
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

/* The list of a command, `size` bytes made of those that there are. */
static void give_out(struct scene *s, struct scsi_task *task, size_t size, const uint8_t *data, size_t have)
{
	if (!size)
		return;
	task->out = scsi_buffer_get(s->pool, size);
	ASSERT(task->out);
	for (size_t i = 0; i < size; i++)
		task->out->data[i] = have ? data[i % have] : (uint8_t)i;
	task->out->size = size;
}

static void reload(struct scene *s)
{
	int error = drive_unload(s->drive, true);
	ASSERT(error == 0);
	ASSERT(drive_load(s->drive, s->path) == 0);
}

/* Bytes that it has used. */
static size_t command(struct scene *s, const uint8_t *data, size_t size)
{
	static const uint16_t units[4] = {1, 16, 257, 4096};
	struct call call = {.lock = PTHREAD_MUTEX_INITIALIZER, .ended = PTHREAD_COND_INITIALIZER};
	uint8_t how = data[16];
	size_t out = (size_t)data[18] * units[how >> 1 & 3];
	size_t have = size - HEADER_SIZE < 64 ? size - HEADER_SIZE : 64;
	if (have > out)
		have = out;
	if (how & 0x80)
		reload(s);
	memcpy(call.task.cdb, data, 16);
	call.task.cdb_size = 16;
	call.task.nexus = s->nexuses[how & 1];
	call.task.in_room = (size_t)data[17] * 1031;
	call.task.done = task_done;
	give_out(s, &call.task, out, data + HEADER_SIZE, have);
	scsi_submit(&call.task);
	call_wait(&call);
	check(&call.task);
	scsi_task_clear(&call.task);
	return HEADER_SIZE + have;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct scene scene = {0};
	scene_open(&scene);
	for (unsigned i = 0; i < COMMANDS_MAX && size >= HEADER_SIZE; i++) {
		size_t used = command(&scene, data, size);
		struct drive_state state;
		drive_get_state(scene.drive, &state);
		ASSERT(state.file <= state.object && state.present);
		data += used;
		size -= used;
	}
	scene_close(&scene);
	return 0;
}
