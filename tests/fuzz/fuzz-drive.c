/* SPDX-License-Identifier: MIT */
/*
 * Any commands against a drive that encrypts and has a tape in it: pages, attributes, keys,
 * blocks. Each is answered once, with no more data than there is room for. A command is 16
 * bytes of CDB, one for the nexus, one for the room, one for the size of its list, and the list.
 */
#include <ftw.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "lib/base/assert.h"
#include "lib/base/cleanup.h"
#include "lib/base/log.h"
#include "target/tape/drive.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define COMMANDS_MAX 48u
#define HEADER	     19u /* CDB and three bytes */
#define ROOM_UNIT    64u

struct wait {
	struct scsi_task task;
	pthread_mutex_t lock;
	pthread_cond_t ended;
	unsigned done; /* lock */
};

struct bench {
	char folder[64], path[96];
	struct scsi_buffer_pool *pool;
	struct scsi_target *target;
	struct drive *drive;
	struct scsi_nexus *nexuses[2];
};

static void wait_end(void *context)
{
	struct wait *wait = context;
	LOCK_SCOPE(&wait->lock);
	wait->done++;
	pthread_cond_signal(&wait->ended);
}

static void task_done(struct scsi_task *task)
{
	wait_end((char *)task - offsetof(struct wait, task));
}

static void wait_for(struct wait *wait)
{
	LOCK_SCOPE(&wait->lock);
	while (!wait->done)
		pthread_cond_wait(&wait->ended, &wait->lock);
	ASSERT(wait->done == 1);
}

static void answer_check(const struct scsi_task *task)
{
	uint8_t sense[SENSE_SIZE_MAX];
	size_t size = 0;
	for (unsigned i = 0; i < task->in_count; i++) {
		ASSERT(task->in[i].offset + task->in[i].size <= task->in[i].buffer->capacity);
		size += task->in[i].size;
	}
	ASSERT(size == task->in_size && size <= task->in_room);
	ASSERT(sense_encode(&task->sense, task->sense_descriptor, sense, sizeof(sense)) >= 8);
}

/* Runs one command of the input; how many bytes of it that took, 0 at its end. */
static size_t command_run(struct bench *bench, const uint8_t *data, size_t size)
{
	struct wait *wait;
	if (size < HEADER)
		return 0;
	size_t list = data[18] < size - HEADER ? data[18] : size - HEADER;
	wait = calloc(1, sizeof(*wait));
	ASSERT(wait);
	pthread_mutex_init(&wait->lock, NULL);
	pthread_cond_init(&wait->ended, NULL);
	struct scsi_task *task = &wait->task;
	memcpy(task->cdb, data, 16);
	task->cdb_size = 16;
	task->nexus = bench->nexuses[data[16] & 1];
	task->in_room = (size_t)data[17] * ROOM_UNIT;
	task->done = task_done;
	if (list) {
		task->out = scsi_buffer_get(bench->pool, list);
		ASSERT(task->out);
		memcpy(task->out->data, data + HEADER, list);
		task->out->size = list;
	}
	scsi_submit(task);
	wait_for(wait);
	answer_check(task);
	scsi_task_clear(task);
	pthread_cond_destroy(&wait->ended);
	pthread_mutex_destroy(&wait->lock);
	free(wait);
	return HEADER + list;
}

/* ---- the bench -------------------------------------------------------------------------------- */

static struct scsi_nexus *nexus_open(struct scsi_target *target, const char *initiator)
{
	struct scsi_nexus *nexus;
	struct scsi_port port = {.initiator = initiator, .portal_group = 1};
	ASSERT(scsi_nexus_open(target, &port, &nexus) == 0);
	return nexus;
}

static void nexus_close(struct scsi_nexus *nexus)
{
	struct wait wait = {.lock = PTHREAD_MUTEX_INITIALIZER, .ended = PTHREAD_COND_INITIALIZER};
	scsi_nexus_close(nexus, wait_end, &wait);
	wait_for(&wait);
}

static void bench_start(struct bench *bench)
{
	static const uint8_t uuid[16];
	struct cartridge_info info = {.barcode = "F00001L8", .medium = "LTO-8", .capacity = 64u << 20,
				      .partitions = 1, .partition_size = {64u << 20}};
	const char *base = getenv("TMPDIR");
	log_set_level(LOG_LEVEL_ERROR);
	snprintf(bench->folder, sizeof(bench->folder), "%.40s/fuzz.XXXXXX", base ? base : "/tmp");
	ASSERT(mkdtemp(bench->folder));
	ASSERT(cartridge_create(bench->folder, &info) == 0);
	snprintf(bench->path, sizeof(bench->path), "%s/F00001L8", bench->folder);
	bench->pool = scsi_buffer_pool_new(1 << 20);
	bench->target = scsi_target_new("iqn.2026-01.org.granary:fuzz", uuid);
	struct drive_settings settings = {
		.identity = {"IBM", "ULT3580-TD8", "K4K1", "FUZZ000001", {0x60}, {0}},
		.generation = 8, .element = 500, .buffer = 1 << 20, .pool = bench->pool, .encryption = true};
	ASSERT(drive_new(&settings, &bench->drive) == 0);
	ASSERT(scsi_target_add(bench->target, 0, drive_lu(bench->drive)) == 0);
	ASSERT(drive_load(bench->drive, bench->path) == 0);
	bench->nexuses[0] = nexus_open(bench->target, "a");
	bench->nexuses[1] = nexus_open(bench->target, "b");
}

static int remove_one(const char *path, const struct stat *stat, int kind, struct FTW *walk)
{
	(void)stat, (void)kind, (void)walk;
	return remove(path);
}

static void bench_stop(struct bench *bench)
{
	for (unsigned i = 0; i < 2; i++)
		nexus_close(bench->nexuses[i]);
	scsi_target_remove(bench->target, 0);
	drive_free(&bench->drive);
	scsi_target_free(&bench->target);
	scsi_buffer_pool_free(&bench->pool);
	nftw(bench->folder, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct bench bench;
	bench_start(&bench);
	for (unsigned i = 0; i < COMMANDS_MAX; i++) {
		size_t used = command_run(&bench, data, size);
		if (!used)
			break;
		data += used;
		size -= used;
	}
	bench_stop(&bench);
	return 0;
}
