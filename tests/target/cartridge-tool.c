/* SPDX-License-Identifier: MIT */
/*
 * cartridge-tool: cartridges for the tests that are not programs themselves.
 *
 *   cartridge-tool make PATH BARCODE SEED STEPS   a cartridge in the folder PATH after random operations
 *   cartridge-tool list PATH	     every object: partition, number, kind, size, CRC32C
 *   cartridge-tool fill PATH BARCODE SIZE	     blocks of about that size and filemarks until the disk is
 *			     full; then all of it is committed, and read
 *   cartridge-tool power DISK IMAGES SEED CUTS    random operations on a cartridge on cutfs, which is
 *			     mounted on DISK; images of the disk at random moments, each checked
 */
#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/xattr.h>
#include <time.h>

#include "lib/base/cleanup.h"
#include "lib/base/crc32c.h"
#include "lib/base/mem.h"
#include "tests/unit/cartridge_model.h"

_Noreturn static void die(const char *what, int error)
{
	fprintf(stderr, "cartridge-tool: %s: %s\n", what, strerror(-error));
	exit(1);
}

static struct cartridge *open_cartridge(const char *folder, const char *barcode,
					enum cartridge_mode mode)
{
	CLEANUP_FREE char *path = mem_printf("%s/%s", folder, barcode);
	struct cartridge *c = NULL;
	int error = cartridge_open(path, mode, &c);
	if (error)
		die(path, error);
	return c;
}

static struct cartridge *make_cartridge(const char *folder, const char *barcode)
{
	struct cartridge_info info = {.medium = "LTO-7",
				      .capacity = UINT64_C(6000000000000),
				      .partitions = 2,
				      .partition_size = {UINT64_C(3000000000000), 1000000}};
	snprintf(info.barcode, sizeof(info.barcode), "%s", barcode);
	int error = cartridge_create(folder, &info);
	if (error)
		die(barcode, error);
	return open_cartridge(folder, barcode, CARTRIDGE_WRITE);
}

/* ---- make, list ------------------------------------------------------------------------ */

static void add_described_blocks(struct cartridge *c)
{
	struct cartridge_blocks blocks = {
		.data = "secret", .block_size = 6, .count = 1, .flags = CARTRIDGE_ENCRYPTED};
	struct cartridge_attribute attribute = {
		.id = 0x0801, .format = 1, .length = 4, .value = (const uint8_t *)"test"};
	int error = cartridge_add_description(c, 0, "key", 3, &blocks.extra);
	if (!error)
		error = cartridge_append(c, 0, &blocks);
	if (!error)
		error = cartridge_set_attribute(c, 1, &attribute);
	if (error)
		die("a described block", error);
}

static int command_make(char **arguments)
{
	struct cartridge *c = make_cartridge(arguments[0], arguments[1]);
	struct model *m = model_new(strtoull(arguments[2], NULL, 0));
	for (unsigned long n = strtoul(arguments[3], NULL, 0); n > 0; n--) {
		int error = model_step(m, c);
		if (error)
			die("an operation", error);
	}
	model_free(&m);
	add_described_blocks(c);
	int error = cartridge_close(&c);
	if (error)
		die("closing", error);
	return 0;
}

static void list_object(struct cartridge *c, unsigned partition, uint64_t object)
{
	struct cartridge_place place;
	int error = cartridge_find(c, partition, object, &place);
	if (error)
		die("finding", error);
	if (place.kind == CARTRIDGE_FILEMARKS) {
		printf("%u %" PRIu64 " filemark\n", partition, object);
		return;
	}
	CLEANUP_FREE uint8_t *data = mem_alloc(place.block_size);
	error = cartridge_pread(c, partition, data, place.block_size, place.offset, true);
	if (error)
		die("reading", error);
	printf("%u %" PRIu64 " block %u %08x %u %u\n", partition, object, place.block_size,
	       crc32c(0, data, place.block_size), place.flags, place.extra);
}

static int command_list(char **arguments)
{
	struct cartridge *c = NULL;
	struct cartridge_attribute a = {.length = 0};
	int error = cartridge_open(arguments[0], CARTRIDGE_READ, &c);
	if (error)
		die(arguments[0], error);
	for (unsigned n = 0; n < cartridge_info(c)->partitions; n++) {
		for (uint64_t object = 0; object < cartridge_extent(c, n).objects; object++)
			list_object(c, n, object);
		for (uint32_t id = 0; id <= UINT16_MAX &&
				      cartridge_next_attribute(c, n, (uint16_t)id, &a) == 0;
		     id = a.id + 1u)
			printf("%u attribute %04x %u %.*s\n", n, a.id, a.format, a.length, a.value);
	}
	cartridge_close(&c);
	return 0;
}

/* ---- fill ------------------------------------------------------------------------------ */

/* Blocks whose bytes cannot be compressed or found elsewhere; each has another size than the one before. */
static int fill_step(struct cartridge *c, uint32_t size, uint32_t number)
{
	struct cartridge_blocks blocks = {.block_size = size + number % 7, .count = 1};
	uint64_t x = number + 1;
	CLEANUP_FREE uint8_t *data = mem_alloc(blocks.block_size);
	for (uint32_t n = 0; n < blocks.block_size; n++) {
		x = x * 6364136223846793005u + 1442695040888963407u;
		data[n] = (uint8_t)(x >> 56);
	}
	blocks.data = data;
	int error = cartridge_append(c, 0, &blocks);
	if (!error && number % 10 == 9)
		error = cartridge_append_filemarks(c, 0, 1);
	return error;
}

static int command_fill(char **arguments)
{
	struct cartridge *c = make_cartridge(arguments[0], arguments[1]);
	uint32_t size = (uint32_t)strtoul(arguments[2], NULL, 0), number = 0;
	struct cartridge_extent before, after;
	struct cartridge_check check;
	static uint8_t wide[15000];
	int error = 0;
	while (!error) {
		before = cartridge_extent(c, 0);
		error = fill_step(c, size, number++);
	}
	after = cartridge_extent(c, 0);
	if (error != -ENOSPC || after.bytes < before.bytes)
		die("the end of the disk", error);
	struct cartridge_attribute attribute = {
		.id = 0x1400, .length = sizeof(wide), .value = wide};
	error = cartridge_set_attribute(c, 0, &attribute);
	if (!error)
		error = cartridge_sync(c);
	if (error)
		die("what is on a full disk cannot be committed", error);
	/* Full is full, again and again, and each time what was is kept. */
	while (fill_step(c, size, number++) == 0)
		after = cartridge_extent(c, 0);
	error = cartridge_close(&c);
	if (error)
		die("closing", error);
	c = open_cartridge(arguments[0], arguments[1], CARTRIDGE_READ);
	before = cartridge_extent(c, 0);
	error = cartridge_verify(c, 0, NULL, NULL, &check);
	if (error || check.damaged || before.objects < after.objects || before.bytes < after.bytes)
		die("what was written is not there", error ? error : -EIO);
	cartridge_close(&c);
	/* The start of the tape is written again: space comes back. */
	c = open_cartridge(arguments[0], arguments[1], CARTRIDGE_WRITE);
	error = cartridge_truncate(c, 0, before.objects / 2);
	if (!error)
		error = cartridge_truncate(c, 0, 0);
	if (!error)
		error = cartridge_sync(c);
	for (number = 0; !error && number < before.objects / 4; number++)
		error = fill_step(c, size, number);
	if (!error)
		error = cartridge_close(&c);
	if (error)
		die("a tape on a full disk cannot be overwritten", error);
	printf("%" PRIu64 " objects, %" PRIu64 " bytes\n", before.objects, before.bytes);
	return 0;
}

/* ---- power cuts ------------------------------------------------------------------------ */

static _Atomic bool stop;
static struct model *shared;

static bool nearly_full(struct model *m)
{
	LOCK_SCOPE(&m->lock);
	return m->held && (m->partitions[0].last + 4 >= MODEL_STATES ||
			   m->partitions[1].last + 4 >= MODEL_STATES);
}

static void pause_us(long us)
{
	struct timespec ts = {0, us * 1000};
	nanosleep(&ts, NULL);
}

static void *work(void *context)
{
	struct cartridge *c = context;
	while (!atomic_load(&stop)) {
		int error = 0;
		if (nearly_full(shared))
			pause_us(100);
		else
			error = model_step(shared, c);
		if (error)
			die("an operation", error);
	}
	return NULL;
}

/* An image, and what the cartridge in it must be. */
static void cut_once(const char *disk, const char *images, uint64_t number, uint64_t dice)
{
	unsigned synced[CARTRIDGE_PARTITIONS];
	CLEANUP_FREE char *image = mem_printf("%s/%" PRIu64, images, number);
	CLEANUP_FREE char *order = mem_printf("%s %" PRIu64, image, dice);
	model_hold(shared, synced);
	if (dice % 3)
		pause_us((long)(dice % 2000));
	if (setxattr(disk, "user.cutfs.cut", order, strlen(order), 0) < 0)
		die("no image of the disk", -errno);
	struct model *m = model_release(shared, synced);
	for (unsigned turn = 0; turn < 2; turn++) {
		struct cartridge *c = open_cartridge(image, "POWERL7", turn ? CARTRIDGE_WRITE : CARTRIDGE_READ);
		for (unsigned n = 0; n < CARTRIDGE_PARTITIONS; n++) {
			struct cartridge_check check;
			int error = cartridge_verify(c, n, NULL, NULL, &check);
			if (error || check.damaged)
				die("bytes are not what was written", error ? error : -EIO);
			if (model_match(m, c, n) < 0) {
				fprintf(stderr, "image %s, partition %u: not what was synced\n", image, n);
				exit(1);
			}
		}
		if (!model_match_memory(m, c))
			die("the memory is older than the last sync", -EIO);
		/* It can be written on. */
		if (turn && (cartridge_append_filemarks(c, 0, 1) || cartridge_sync(c)))
			die("the image's cartridge cannot be written", -EIO);
		cartridge_close(&c);
	}
	model_free(&m);
}

static int command_power(char **arguments)
{
	uint64_t seed = strtoull(arguments[2], NULL, 0), cuts = strtoull(arguments[3], NULL, 0);
	struct cartridge *c = make_cartridge(arguments[0], "POWERL7");
	struct model *dice = model_new(seed + 1);
	pthread_t worker;
	shared = model_new(seed);
	if (pthread_create(&worker, NULL, work, c) != 0)
		die("no thread", -EAGAIN);
	for (uint64_t n = 1; n <= cuts; n++) {
		pause_us((long)model_random(dice, 20000));
		cut_once(arguments[0], arguments[1], n, model_random(dice, UINT32_MAX));
	}
	atomic_store(&stop, true);
	pthread_join(worker, NULL);
	int error = cartridge_close(&c);
	if (error)
		die("closing", error);
	printf("%" PRIu64 " power cuts, %u blocks written\n", cuts, shared->seed);
	model_free(&shared);
	model_free(&dice);
	return 0;
}

/* ---- */

int main(int argc, char **argv)
{
	static const struct {
		const char *name;
		int arguments;
		int (*run)(char **arguments);
	} commands[] = {{"make", 4, command_make}, {"list", 1, command_list}, {"fill", 3, command_fill},
			{"power", 4, command_power}};
	for (size_t n = 0; argc > 1 && n < sizeof(commands) / sizeof(commands[0]); n++)
		if (strcmp(argv[1], commands[n].name) == 0 && argc == 2 + commands[n].arguments)
			return commands[n].run(argv + 2);
	fprintf(stderr, "usage: cartridge-tool make PATH BARCODE SEED STEPS\n"
			"       cartridge-tool list PATH\n"
			"       cartridge-tool fill PATH BARCODE SIZE\n"
			"       cartridge-tool power DISK IMAGES SEED CUTS\n");
	return 2;
}
