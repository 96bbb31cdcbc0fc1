/* SPDX-License-Identifier: MIT */
/*
 * What a tape drive is worth to an initiator: one command at a time through libiscsi,
 * to any target's drive that has a tape in it. tests/bench/tape.sh runs it.
 *
 *   bench-tape data FILE BYTES SEED           bytes of that seed, which compress to about half
 *   bench-tape full FOLDER BARCODE FILEMARKS  a cartridge that is full: small blocks, a filemark after each
 *   bench-tape write URL PID FILE SIZE        FILE from the beginning of the tape, in blocks of SIZE bytes
 *   bench-tape read URL PID FILE SIZE         the same back
 *   bench-tape small URL PID COUNT            TEST UNIT READY, and writes of 8 KiB
 *   bench-tape locate URL PID OBJECTS COUNT   LOCATE here and there among so many objects
 *   bench-tape load URL PID DRIVE SLOT COUNT  moves by the library's robot, between element addresses
 *
 * Prints rows of what, bytes (or commands) and seconds. What ends in -cpu are the seconds of
 * processor time that the target, process PID, used meanwhile: they say more than the clock does
 * on a machine that has other work.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <iscsi/iscsi.h>
#include <iscsi/scsi-lowlevel.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/bytes.h"
#include "lib/base/clock.h"
#include "lib/base/mem.h"
#include "target/tape/cartridge.h"

#define BLOCK_LIMIT (8u << 20)

struct bench {
	struct iscsi_context *iscsi;
	int lun;
	const char *pid;
	unsigned char *room; /* what is read comes here */
};

struct content {
	unsigned char *data;
	uint64_t size;
};

_Noreturn static void die(const char *what, const char *why)
{
	fprintf(stderr, "bench-tape: %s: %s\n", what, why);
	exit(1);
}

/* ---- commands -------------------------------------------------------------------------- */

enum way { WAY_NONE, WAY_OUT, WAY_IN };

/* The status; the bytes that moved are in data, which is not copied. */
static int command(const struct bench *bench, const uint8_t *cdb, int cdb_size, enum way way,
		   unsigned char *data, uint32_t size)
{
	static const int directions[] = {
		[WAY_NONE] = SCSI_XFER_NONE, [WAY_OUT] = SCSI_XFER_WRITE, [WAY_IN] = SCSI_XFER_READ};
	struct scsi_task *task =
		scsi_create_task(cdb_size, (unsigned char *)cdb, directions[way], (int)size);
	if (!task)
		die("a command", "no memory");
	if (way == WAY_IN)
		scsi_task_add_data_in_buffer(task, (int)size, data);
	struct iscsi_data out = {.size = size, .data = data};
	if (!iscsi_scsi_command_sync(bench->iscsi, bench->lun, task, way == WAY_OUT ? &out : NULL))
		die("a command", iscsi_get_error(bench->iscsi));
	int status = task->status;
	scsi_free_scsi_task(task);
	return status;
}

static void expect(const struct bench *bench, const uint8_t *cdb, int cdb_size, enum way way,
		   unsigned char *data, uint32_t size)
{
	if (command(bench, cdb, cdb_size, way, data, size) != SCSI_STATUS_GOOD)
		die("a command failed", iscsi_get_error(bench->iscsi));
}

/* REWIND, WRITE FILEMARKS, LOAD UNLOAD and their like: six bytes, of which two matter. */
static void simple(const struct bench *bench, uint8_t opcode, uint8_t last)
{
	uint8_t cdb[6] = {opcode, 0, 0, 0, last};
	expect(bench, cdb, 6, WAY_NONE, NULL, 0);
}

static void transfer(const struct bench *bench, enum way way, unsigned char *data, uint32_t size)
{
	uint8_t cdb[6] = {way == WAY_OUT ? 0x0a : 0x08};
	be_put24(cdb + 2, size);
	expect(bench, cdb, 6, way, data, size);
}

/* Unit attentions of the login are not what is measured. */
static void settle(const struct bench *bench)
{
	static const uint8_t ready[6] = {0};
	for (int i = 0; i < 10; i++)
		if (command(bench, ready, 6, WAY_NONE, NULL, 0) == SCSI_STATUS_GOOD)
			return;
	die("the drive", "not ready: is there a tape in it?");
}

static void log_in(struct bench *bench, const char *text)
{
	bench->iscsi = iscsi_create_context("iqn.2026-11.test:bench-initiator");
	struct iscsi_url *url = bench->iscsi ? iscsi_parse_full_url(bench->iscsi, text) : NULL;
	if (!url)
		die(text, "not an iSCSI URL");
	bench->lun = url->lun;
	iscsi_set_targetname(bench->iscsi, url->target);
	iscsi_set_session_type(bench->iscsi, ISCSI_SESSION_NORMAL);
	if (iscsi_full_connect_sync(bench->iscsi, url->portal, url->lun))
		die(text, iscsi_get_error(bench->iscsi));
	iscsi_destroy_url(url);
	bench->room = mem_zalloc(BLOCK_LIMIT);
	settle(bench);
}

/* ---- time ------------------------------------------------------------------------------ */

/* Seconds of processor time that the target has used: fields 14 and 15 of its line in /proc. */
static double target_seconds(const struct bench *bench)
{
	char path[64], line[1024];
	snprintf(path, sizeof(path), "/proc/%s/stat", bench->pid);
	FILE *file = fopen(path, "re");
	if (!file || !fgets(line, sizeof(line), file))
		die(path, strerror(errno));
	fclose(file);
	unsigned long user = 0, kernel = 0;
	const char *rest = strrchr(line, ')');
	if (!rest || sscanf(rest + 1, " %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu", &user, &kernel) != 2)
		die(path, "not understood");
	return (double)(user + kernel) / (double)sysconf(_SC_CLK_TCK);
}

struct stopwatch {
	uint64_t begin;
	double cpu;
};

static struct stopwatch stopwatch_start(const struct bench *bench)
{
	double cpu = target_seconds(bench);
	return (struct stopwatch){.begin = clock_monotonic_ns(), .cpu = cpu};
}

static double stopwatch_seconds(const struct stopwatch *watch)
{
	return (double)(clock_monotonic_ns() - watch->begin) / 1e9;
}

static void print_row(const char *what, uint64_t amount, double seconds)
{
	printf("%s %" PRIu64 " %.6f\n", what, amount, seconds);
}

static void print_both(const struct bench *bench, const struct stopwatch *watch, const char *what,
		       uint64_t amount, double seconds)
{
	char cpu[80];
	snprintf(cpu, sizeof(cpu), "%s-cpu", what);
	print_row(what, amount, seconds);
	print_row(cpu, amount, target_seconds(bench) - watch->cpu);
}

/* ---- verbs ----------------------------------------------------------------------------- */

static struct content content_map(const char *path)
{
	struct stat status;
	struct content content = {0};
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &status))
		die(path, strerror(errno));
	content.size = (uint64_t)status.st_size;
	content.data = mmap(NULL, content.size, PROT_READ, MAP_PRIVATE | MAP_POPULATE, fd, 0);
	if (content.data == MAP_FAILED)
		die(path, strerror(errno));
	close(fd);
	return content;
}

static void verb_write(const struct bench *bench, char **arguments)
{
	struct content content = content_map(arguments[0]);
	uint32_t size = (uint32_t)strtoul(arguments[1], NULL, 10);
	char what[64];
	simple(bench, 0x01, 0);
	struct stopwatch watch = stopwatch_start(bench);
	uint64_t done = 0;
	for (; done + size <= content.size; done += size)
		transfer(bench, WAY_OUT, content.data + done, size);
	double written = stopwatch_seconds(&watch);
	simple(bench, 0x10, 1);
	double durable = stopwatch_seconds(&watch);
	snprintf(what, sizeof(what), "write-%u", size);
	print_row(what, done, written);
	snprintf(what, sizeof(what), "durable-%u", size);
	print_both(bench, &watch, what, done, durable);
}

static void verb_read(const struct bench *bench, char **arguments)
{
	struct content content = content_map(arguments[0]);
	uint32_t size = (uint32_t)strtoul(arguments[1], NULL, 10);
	char what[64];
	simple(bench, 0x01, 0);
	struct stopwatch watch = stopwatch_start(bench);
	uint64_t done = 0;
	for (; done + size <= content.size; done += size) {
		transfer(bench, WAY_IN, bench->room, size);
		/* Enough to notice a wrong block, too little to be what is measured. */
		if (memcmp(bench->room, content.data + done, 64) ||
		    memcmp(bench->room + size - 64, content.data + done + size - 64, 64))
			die("read", "other bytes than were written");
	}
	double seconds = stopwatch_seconds(&watch);
	snprintf(what, sizeof(what), "read-%u", size);
	print_both(bench, &watch, what, done, seconds);
}

static void verb_small(const struct bench *bench, char **arguments)
{
	uint64_t count = strtoull(arguments[0], NULL, 10);
	struct stopwatch watch = stopwatch_start(bench);
	for (uint64_t i = 0; i < count; i++)
		simple(bench, 0x00, 0);
	print_both(bench, &watch, "ready", count, stopwatch_seconds(&watch));
	simple(bench, 0x01, 0);
	watch = stopwatch_start(bench);
	for (uint64_t i = 0; i < count; i++)
		transfer(bench, WAY_OUT, bench->room, 8192);
	print_both(bench, &watch, "write-8192", count, stopwatch_seconds(&watch));
	simple(bench, 0x10, 0);
}

static void verb_locate(const struct bench *bench, char **arguments)
{
	uint64_t objects = strtoull(arguments[0], NULL, 10), count = strtoull(arguments[1], NULL, 10);
	uint8_t cdb[16] = {0x92};
	struct stopwatch watch = stopwatch_start(bench);
	for (uint64_t i = 1; i <= count; i++) {
		be_put64(cdb + 4, i * UINT64_C(829348951) % objects);
		expect(bench, cdb, 16, WAY_NONE, NULL, 0);
	}
	print_both(bench, &watch, "locate", count, stopwatch_seconds(&watch));
}

/* The library's robot, LUN 0, moves the tape out and in; the time counts until the drive is ready. */
static void verb_load(const struct bench *bench, char **arguments)
{
	uint16_t drive = (uint16_t)atoi(arguments[0]), slot = (uint16_t)atoi(arguments[1]);
	uint64_t count = strtoull(arguments[2], NULL, 10);
	const struct bench robot = {.iscsi = bench->iscsi};
	double seconds = 0;
	settle(&robot);
	for (uint64_t i = 0; i < count; i++) {
		uint8_t move[12] = {0xa5};
		simple(bench, 0x1b, 0);
		be_put16(move + 4, drive);
		be_put16(move + 6, slot);
		expect(&robot, move, 12, WAY_NONE, NULL, 0);
		be_put16(move + 4, slot);
		be_put16(move + 6, drive);
		struct stopwatch watch = stopwatch_start(bench);
		expect(&robot, move, 12, WAY_NONE, NULL, 0);
		settle(bench);
		seconds += stopwatch_seconds(&watch);
	}
	print_row("load", count, seconds);
}

static void verb_data(char **arguments)
{
	uint64_t bytes = strtoull(arguments[1], NULL, 10);
	uint64_t x = strtoull(arguments[2], NULL, 10) * UINT64_C(0x9e3779b97f4a7c15) + 1;
	uint64_t words[8192];
	FILE *file = fopen(arguments[0], "we");
	if (!file)
		die(arguments[0], strerror(errno));
	for (uint64_t done = 0; done < bytes; done += sizeof(words)) {
		for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
			x ^= x << 13;
			x ^= x >> 7;
			x ^= x << 17;
			words[i] = x & UINT64_C(0x0f0f0f0f0f0f0f0f);
		}
		uint64_t part = bytes - done < sizeof(words) ? bytes - done : sizeof(words);
		if (fwrite(words, 1, part, file) != part)
			die(arguments[0], strerror(errno));
	}
	if (fclose(file))
		die(arguments[0], strerror(errno));
}

static void verb_full(char **arguments)
{
	enum { SIZE = 64 };
	static const unsigned char data[SIZE] = "a block";
	const struct cartridge_blocks block = {.data = data, .block_size = SIZE, .count = 1};
	uint64_t count = strtoull(arguments[2], NULL, 10);
	struct cartridge_info info = {
		.medium = "LTO-8", .capacity = count * SIZE, .partitions = 1, .partition_size = {count * SIZE}};
	struct cartridge *c = NULL;
	snprintf(info.barcode, sizeof(info.barcode), "%s", arguments[1]);
	char *path = mem_printf("%s/%s", arguments[0], arguments[1]);
	int error = cartridge_create(arguments[0], &info);
	if (!error)
		error = cartridge_open(path, CARTRIDGE_WRITE, &c);
	for (uint64_t i = 0; !error && i < count; i++) {
		error = cartridge_append(c, 0, &block);
		if (!error)
			error = cartridge_append_filemarks(c, 0, 1);
	}
	if (c) {
		int closed = cartridge_close(&c);
		error = error ? error : closed;
	}
	if (error)
		die(path, strerror(-error));
	free(path);
}

static const struct verb {
	const char *name;
	int arguments;
	void (*run)(char **arguments);				    /* without a drive */
	void (*measure)(const struct bench *bench, char **arguments); /* URL PID stand before these */
} verbs[] = {
	{.name = "data", .arguments = 3, .run = verb_data},
	{.name = "full", .arguments = 3, .run = verb_full},
	{.name = "write", .arguments = 4, .measure = verb_write},
	{.name = "read", .arguments = 4, .measure = verb_read},
	{.name = "small", .arguments = 3, .measure = verb_small},
	{.name = "locate", .arguments = 4, .measure = verb_locate},
	{.name = "load", .arguments = 5, .measure = verb_load},
};

static void measure(const struct verb *verb, char **arguments)
{
	struct bench bench = {.pid = arguments[1]};
	log_in(&bench, arguments[0]);
	verb->measure(&bench, arguments + 2);
	iscsi_logout_sync(bench.iscsi);
	iscsi_destroy_context(bench.iscsi);
	free(bench.room);
}

int main(int argc, char **argv)
{
	for (size_t i = 0; argc > 1 && i < sizeof(verbs) / sizeof(verbs[0]); i++) {
		if (strcmp(argv[1], verbs[i].name) || argc != verbs[i].arguments + 2)
			continue;
		if (verbs[i].run)
			verbs[i].run(argv + 2);
		else
			measure(&verbs[i], argv + 2);
		return 0;
	}
	fprintf(stderr, "usage: bench-tape data|full|write|read|small|locate|load ARGUMENT...\n");
	return 2;
}
