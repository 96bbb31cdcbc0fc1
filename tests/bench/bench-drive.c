/* SPDX-License-Identifier: MIT */
/*
 * What a tape drive alone costs: commands submitted one at a time, without a
 * network, to a drive whose cartridge is in FOLDER.
 *
 *   bench-drive FOLDER [MEBIBYTES]
 *
 * Prints a line for each block size and direction, small commands a second, and how long
 * LOCATE and a load take on a cartridge with a million filemarks.
 */
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/bytes.h"
#include "lib/base/clock.h"
#include "target/scsi/scsi.h"
#include "target/tape/drive.h"

#define MIB (1u << 20)

struct bench {
	struct scsi_buffer_pool *pool;
	struct scsi_target *target;
	struct scsi_nexus *nexus;
	struct drive *drive;
	char path[512];
	uint64_t check; /* of what was read: the bytes are looked at once */
};

struct call {
	struct scsi_task task;
	pthread_mutex_t lock;
	pthread_cond_t ended;
	bool done;
};

static void call_done(struct scsi_task *task)
{
	struct call *call = (struct call *)((char *)task - offsetof(struct call, task));
	pthread_mutex_lock(&call->lock);
	call->done = true;
	pthread_cond_signal(&call->ended);
	pthread_mutex_unlock(&call->lock);
}

/* The status; -1 ends the program's measurement. */
static int run(struct bench *bench, const uint8_t *cdb, size_t cdb_size, size_t out, size_t in)
{
	static struct call call = {.lock = PTHREAD_MUTEX_INITIALIZER, .ended = PTHREAD_COND_INITIALIZER};
	struct scsi_task *task = &call.task;
	call.done = false;
	task->nexus = bench->nexus;
	memcpy(task->cdb, cdb, cdb_size);
	task->cdb_size = cdb_size;
	task->in_room = in;
	task->done = call_done;
	if (out) {
		task->out = scsi_buffer_get(bench->pool, out);
		if (!task->out)
			return -1;
		task->out->size = out;
	}
	scsi_submit(task);
	pthread_mutex_lock(&call.lock);
	while (!call.done)
		pthread_cond_wait(&call.ended, &call.lock);
	pthread_mutex_unlock(&call.lock);
	for (unsigned i = 0; i < task->in_count; i++)
		bench->check += task->in[i].buffer->data[task->in[i].offset];
	int status = task->status;
	scsi_task_clear(task);
	return status;
}

static void expect(struct bench *bench, const uint8_t *cdb, size_t cdb_size, size_t out, size_t in)
{
	int status = run(bench, cdb, cdb_size, out, in);
	if (status == SCSI_GOOD)
		return;
	fprintf(stderr, "bench-drive: command %02x: status %d\n", cdb[0], status);
	exit(1);
}

static void streams(struct bench *bench, uint32_t size, uint64_t bytes)
{
	static const uint8_t rewind[6] = {0x01}, flush[6] = {0x10};
	uint8_t cdb[6] = {0x0a};
	uint64_t count = bytes / size;
	be_put24(cdb + 2, size);
	expect(bench, rewind, 6, 0, 0);
	uint64_t start = clock_monotonic_ns();
	for (uint64_t i = 0; i < count; i++)
		expect(bench, cdb, 6, size, 0);
	uint64_t written = clock_monotonic_ns() - start;
	expect(bench, flush, 6, 0, 0);
	uint64_t synced = clock_monotonic_ns() - start;
	expect(bench, rewind, 6, 0, 0);
	cdb[0] = 0x08;
	start = clock_monotonic_ns();
	for (uint64_t i = 0; i < count; i++)
		expect(bench, cdb, 6, 0, size);
	uint64_t read = clock_monotonic_ns() - start;
	double megabytes = (double)(count * size) / 1e6;
	printf("%7u  write %6.0f MB/s (with its flush %6.0f)  %7.1f us  read %6.0f MB/s  %7.1f us\n",
	       size, megabytes / ((double)written / 1e9), megabytes / ((double)synced / 1e9),
	       (double)written / (double)count / 1e3, megabytes / ((double)read / 1e9),
	       (double)read / (double)count / 1e3);
}

static void small(struct bench *bench)
{
	static const uint8_t ready[6] = {0}, position[10] = {0x34, 6};
	enum { COUNT = 200000 };
	uint64_t start = clock_monotonic_ns();
	for (int i = 0; i < COUNT; i++)
		expect(bench, ready, 6, 0, 0);
	uint64_t middle = clock_monotonic_ns();
	for (int i = 0; i < COUNT; i++)
		expect(bench, position, 10, 0, 32);
	uint64_t end = clock_monotonic_ns();
	printf("TEST UNIT READY %.0f/s  READ POSITION %.0f/s\n",
	       COUNT / ((double)(middle - start) / 1e9), COUNT / ((double)(end - middle) / 1e9));
}

static void filemarks(struct bench *bench)
{
	static const uint8_t rewind[6] = {0x01}, marks[6] = {0x10, 1, 0, 0, 1}, flush[6] = {0x10};
	static const uint8_t block[6] = {0x0a, 0, 0, 0, 64};
	enum { COUNT = 1000000, LOCATES = 20000 };
	expect(bench, rewind, 6, 0, 0);
	for (int i = 0; i < COUNT; i++) {
		expect(bench, block, 6, 64, 0);
		expect(bench, marks, 6, 0, 0);
	}
	expect(bench, flush, 6, 0, 0);
	uint64_t start = clock_monotonic_ns();
	if (drive_unload(bench->drive, true) || drive_load(bench->drive, bench->path))
		exit(1);
	uint64_t loaded = clock_monotonic_ns() - start;
	uint8_t locate[16] = {0x92, 1 << 3};
	run(bench, rewind, 6, 0, 0); /* the unit attention */
	start = clock_monotonic_ns();
	for (uint64_t i = 0; i < LOCATES; i++) {
		be_put64(locate + 4, i * 7919 * 104729 % COUNT);
		expect(bench, locate, 16, 0, 0);
	}
	uint64_t located = clock_monotonic_ns() - start;
	printf("a million filemarks: unload and load %.1f ms  LOCATE %.2f us\n", (double)loaded / 1e6,
	       (double)located / LOCATES / 1e3);
}

static int prepare(struct bench *bench, const char *folder)
{
	struct cartridge_info info = {.barcode = "BENCH1L8", .medium = "LTO-8",
				      .capacity = 12000000000000, .partitions = 1,
				      .partition_size = {12000000000000}};
	struct scsi_port port = {.initiator = "iqn.2024-01.example:bench", .portal_group = 1};
	struct drive_settings settings = {
		.identity = {.vendor = "IBM", .product = "ULT3580-TD8", .revision = "H990",
			     .serial = "1013000101", .naa = {0x50, 1, 2, 3, 4, 5, 6, 7}},
		.generation = 8, .element = 500,
	};
	bench->pool = settings.pool = scsi_buffer_pool_new(128u * MIB);
	snprintf(bench->path, sizeof(bench->path), "%s/%s", folder, info.barcode);
	int error = drive_new(&settings, &bench->drive);
	if (!error)
		error = cartridge_create(folder, &info);
	if (!error)
		error = drive_load(bench->drive, bench->path);
	if (error)
		return error;
	bench->target = scsi_target_new("iqn.2024-01.example:bench", (uint8_t[16]){1});
	error = scsi_target_add(bench->target, 0, drive_lu(bench->drive));
	if (!error)
		error = scsi_nexus_open(bench->target, &port, &bench->nexus);
	for (int i = 0; !error && i < 4; i++)
		run(bench, (const uint8_t[6]){0}, 6, 0, 0);
	return error;
}

static void closed(void *context)
{
	(void)context;
}

int main(int argc, char **argv)
{
	static const uint32_t sizes[] = {8192, 65536, 262144, 1048576};
	struct bench bench = {0};
	uint64_t mebibytes = argc > 2 ? strtoull(argv[2], NULL, 10) : 1024;
	if (argc < 2 || !mebibytes) {
		fprintf(stderr, "usage: bench-drive FOLDER [MEBIBYTES]\n");
		return 2;
	}
	int error = prepare(&bench, argv[1]);
	if (error) {
		fprintf(stderr, "bench-drive: %s: %s\n", argv[1], strerror(-error));
		return 1;
	}
	for (unsigned i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++)
		streams(&bench, sizes[i], mebibytes * MIB);
	small(&bench);
	filemarks(&bench);
	scsi_nexus_close(bench.nexus, closed, NULL);
	scsi_target_remove(bench.target, 0);
	drive_free(&bench.drive);
	scsi_target_free(&bench.target);
	scsi_buffer_pool_free(&bench.pool);
	return 0;
}
