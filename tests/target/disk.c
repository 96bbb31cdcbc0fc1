/* SPDX-License-Identifier: MIT */
/*
 * The disk of disk.h. Where the initiator expects less than the CDB transfers, what
 * it expects is read or written, and the residual tells the rest; where it expects
 * more, the CDB counts.
 */
#include "tests/target/disk.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "lib/base/bytes.h"
#include "lib/base/mem.h"

struct disk {
	struct scsi_buffer_pool *pool;
	struct scsi_buffer *bytes;
	uint32_t blocks;
	unsigned sleeps; /* atomic */
	bool woken;	 /* atomic */
};

/* Where a CDB has its address and its length, by its group (SBC-4 5). */
struct range {
	uint64_t first, count;
};

static struct range cdb_range(const uint8_t *cdb)
{
	switch (cdb[0] >> 5) {
	case 0:
		return (struct range){be_get24(cdb + 1) & 0x1fffff, cdb[4] ? cdb[4] : 256};
	case 1:
		return (struct range){be_get32(cdb + 2), be_get16(cdb + 7)};
	case 5:
		return (struct range){be_get32(cdb + 2), be_get32(cdb + 6)};
	default:
		return (struct range){be_get64(cdb + 2), be_get32(cdb + 10)};
	}
}

/* False: the task has its CHECK CONDITION. */
static bool take_range(const struct disk *disk, struct scsi_task *task, struct range *range)
{
	*range = cdb_range(task->cdb);
	if (range->first <= disk->blocks && range->count <= disk->blocks - range->first)
		return true;
	scsi_check(task, SENSE_ILLEGAL_REQUEST, 0x2100); /* LBA out of range */
	return false;
}

static void read_run(struct scsi_lu *lu, struct scsi_task *task)
{
	struct disk *disk = lu->device;
	struct range range;
	if (!take_range(disk, task, &range))
		return;
	/* A copy: the bytes of a slice do not change. */
	size_t size = (size_t)range.count * DISK_BLOCK;
	if (size > task->in_room)
		size = task->in_room;
	struct scsi_buffer *buffer = scsi_buffer_get(disk->pool, size ? size : 1);
	if (!buffer) {
		scsi_check(task, SENSE_HARDWARE_ERROR, ASC_INSUFFICIENT_RESOURCES);
		return;
	}
	memcpy(buffer->data, disk->bytes->data + range.first * DISK_BLOCK, size);
	scsi_good(task);
	scsi_reply_slice(task, buffer, 0, size);
	task->in_wanted = range.count * DISK_BLOCK;
	scsi_buffer_release(&buffer);
}

static void write_run(struct scsi_lu *lu, struct scsi_task *task)
{
	struct disk *disk = lu->device;
	struct range range;
	if (!take_range(disk, task, &range))
		return;
	size_t size = (size_t)range.count * DISK_BLOCK;
	size_t have = task->out ? task->out->size : 0;
	task->out_wanted = size;
	if (size > have)
		size = have;
	if (size)
		memcpy(disk->bytes->data + range.first * DISK_BLOCK, task->out->data, size);
	scsi_good(task);
}

static void nothing_run(struct scsi_lu *lu, struct scsi_task *task)
{
	(void)lu;
	scsi_good(task);
}

static void capacity_10_run(struct scsi_lu *lu, struct scsi_task *task)
{
	const struct disk *disk = lu->device;
	uint8_t data[8];
	be_put32(data, disk->blocks - 1);
	be_put32(data + 4, DISK_BLOCK);
	scsi_good(task);
	scsi_reply(task, data, sizeof(data), sizeof(data));
}

static void capacity_16_run(struct scsi_lu *lu, struct scsi_task *task)
{
	const struct disk *disk = lu->device;
	uint8_t data[32] = {0};
	be_put64(data, disk->blocks - 1);
	be_put32(data + 8, DISK_BLOCK);
	scsi_good(task);
	scsi_reply(task, data, sizeof(data), be_get32(task->cdb + 10));
}

static void sleep_run(struct scsi_lu *lu, struct scsi_task *task)
{
	struct disk *disk = lu->device;
	unsigned ms = be_get16(task->cdb + 2);
	__atomic_fetch_add(&disk->sleeps, 1, __ATOMIC_RELAXED);
	for (unsigned slept = 0; slept < ms && !scsi_is_aborted(task) &&
				 !__atomic_exchange_n(&disk->woken, false, __ATOMIC_RELAXED); slept += 5)
		nanosleep(&(struct timespec){.tv_nsec = 5000000}, NULL);
	scsi_good(task);
}

static bool always(struct scsi_lu *lu, const struct scsi_task *task)
{
	(void)lu, (void)task;
	return true;
}

static void raw_read_run(struct scsi_lu *lu, struct scsi_task *task)
{
	struct disk *disk = lu->device;
	size_t size = be_get32(task->cdb + 2);
	size_t most = (size_t)disk->blocks * DISK_BLOCK;
	scsi_good(task);
	scsi_reply_slice(task, disk->bytes, 0, size < most ? size : most);
	task->in_wanted = size;
	if (task->cdb[6]) {
		const struct sense sense = {.key = SENSE_NO_SENSE, .ili = true,
					    .information_valid = true, .information = -1};
		scsi_check_sense(task, &sense);
	}
}

static void raw_write_run(struct scsi_lu *lu, struct scsi_task *task)
{
	(void)lu;
	task->out_wanted = task->out ? task->out->size : 0;
	scsi_good(task);
}

#define BYTES4 0xff, 0xff, 0xff, 0xff
#define BYTES8 BYTES4, BYTES4

static const struct scsi_opcode opcodes[] = {
	{.opcode = 0x08, .length = 6, .usage = {0x08, 0x1f, 0xff, 0xff, 0xff}, .timeout = 30,
	 .name = "READ(6)", .run = read_run},
	{.opcode = 0x28, .length = 10, .usage = {0x28, 0x18, BYTES4, 0x1f, 0xff, 0xff}, .timeout = 30,
	 .name = "READ(10)", .run = read_run},
	{.opcode = 0xa8, .length = 12, .usage = {0xa8, 0x18, BYTES8, 0x1f}, .timeout = 30,
	 .name = "READ(12)", .run = read_run},
	{.opcode = 0x88, .length = 16, .usage = {0x88, 0x18, BYTES8, BYTES4, 0x1f}, .timeout = 30,
	 .name = "READ(16)", .run = read_run},
	{.opcode = 0x0a, .length = 6, .usage = {0x0a, 0x1f, 0xff, 0xff, 0xff}, .timeout = 30,
	 .name = "WRITE(6)", .run = write_run},
	{.opcode = 0x2a, .length = 10, .usage = {0x2a, 0x18, BYTES4, 0x1f, 0xff, 0xff}, .timeout = 30,
	 .name = "WRITE(10)", .run = write_run},
	{.opcode = 0xaa, .length = 12, .usage = {0xaa, 0x18, BYTES8, 0x1f}, .timeout = 30,
	 .name = "WRITE(12)", .run = write_run},
	{.opcode = 0x8a, .length = 16, .usage = {0x8a, 0x18, BYTES8, BYTES4, 0x1f}, .timeout = 30,
	 .name = "WRITE(16)", .run = write_run},
	{.opcode = 0x2e, .length = 10, .usage = {0x2e, 0x16, BYTES4, 0x1f, 0xff, 0xff}, .timeout = 30,
	 .name = "WRITE AND VERIFY(10)", .run = write_run},
	{.opcode = 0xae, .length = 12, .usage = {0xae, 0x16, BYTES8, 0x1f}, .timeout = 30,
	 .name = "WRITE AND VERIFY(12)", .run = write_run},
	{.opcode = 0x8e, .length = 16, .usage = {0x8e, 0x16, BYTES8, BYTES4, 0x1f}, .timeout = 30,
	 .name = "WRITE AND VERIFY(16)", .run = write_run},
	{.opcode = 0x35, .length = 10, .usage = {0x35, 0x02, BYTES4, 0x1f, 0xff, 0xff}, .timeout = 30,
	 .name = "SYNCHRONIZE CACHE(10)", .run = nothing_run, .waits = always},
	{.opcode = 0x91, .length = 16, .usage = {0x91, 0x02, BYTES8, BYTES4, 0x1f}, .timeout = 30,
	 .name = "SYNCHRONIZE CACHE(16)", .run = nothing_run, .waits = always},
	{.opcode = 0x25, .length = 10, .usage = {0x25, 0, BYTES4, 0, 0, 0x01}, .timeout = 30,
	 .name = "READ CAPACITY(10)", .run = capacity_10_run},
	{.opcode = 0x9e, .has_action = true, .action = 0x10, .length = 16,
	 .usage = {0x9e, 0x10, BYTES8, BYTES4, 0x01}, .timeout = 30,
	 .name = "READ CAPACITY(16)", .run = capacity_16_run},
	{.opcode = DISK_SLEEP, .length = 10, .usage = {DISK_SLEEP, 0, 0xff, 0xff}, .timeout = 300,
	 .name = "SLEEP", .run = sleep_run, .waits = always},
	{.opcode = DISK_RAW_READ, .length = 10, .usage = {DISK_RAW_READ, 0, BYTES4, 0x01}, .timeout = 30,
	 .name = "RAW READ", .run = raw_read_run},
	{.opcode = DISK_RAW_WRITE, .length = 10, .usage = {DISK_RAW_WRITE}, .timeout = 30,
	 .name = "RAW WRITE", .run = raw_write_run},
	{0},
};

/* The caching page: what disks are asked for. */
static const uint8_t caching[20] = {0x08, 0x12};
static const uint8_t caching_changeable[20] = {0x08, 0x12};
static const struct scsi_mode_page mode_pages[] = {
	{.code = 0x08, .length = sizeof(caching), .defaults = caching, .changeable = caching_changeable},
	{0},
};
static const struct scsi_vpd_page vpd_pages[] = {{0}};
static const struct scsi_log_page log_pages[] = {{0}};
static const uint16_t versions[] = {0x0960, 0x0460, 0x04c0, 0}; /* iSCSI, SPC-4, SBC-3 */

static const struct scsi_class disk_class = {
	.device_type = 0x00,
	.opcodes = opcodes,
	.vpd_pages = vpd_pages,
	.mode_pages = mode_pages,
	.log_pages = log_pages,
	.versions = versions,
};

int disk_new(uint32_t blocks, struct scsi_lu **lu)
{
	struct scsi_identity identity = {
		.vendor = "GRANARY",
		.product = "TEST DISK",
		.revision = "0001",
		.serial = "TESTDISK01",
		.naa = {0x50, 0x00, 0x00, 0x00, 0x12, 0x34, 0x56, 0x78},
	};
	struct disk *disk = mem_zalloc(sizeof(*disk));
	disk->blocks = blocks;
	disk->pool = scsi_buffer_pool_new(16u << 20);
	disk->bytes = scsi_buffer_get(disk->pool, (size_t)blocks * DISK_BLOCK);
	if (!disk->bytes)
		return -ENOMEM;
	memset(disk->bytes->data, 0, (size_t)blocks * DISK_BLOCK);
	disk->bytes->size = (size_t)blocks * DISK_BLOCK;
	return scsi_lu_new(&disk_class, &identity, disk, lu);
}

void disk_free(struct scsi_lu **lu)
{
	struct disk *disk = (*lu)->device;
	scsi_lu_free(lu);
	scsi_buffer_release(&disk->bytes);
	scsi_buffer_pool_free(&disk->pool);
	free(disk);
}

uint8_t *disk_data(struct scsi_lu *lu)
{
	return ((struct disk *)lu->device)->bytes->data;
}

unsigned disk_sleeps(struct scsi_lu *lu)
{
	return __atomic_load_n(&((struct disk *)lu->device)->sleeps, __ATOMIC_RELAXED);
}

void disk_wake(struct scsi_lu *lu)
{
	__atomic_store_n(&((struct disk *)lu->device)->woken, true, __ATOMIC_RELAXED);
}
