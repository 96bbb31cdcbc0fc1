/* SPDX-License-Identifier: MIT */
/*
 * A clone has every block and filemark of its source, both partitions and the MAM, under an identity of
 * its own; one that fails leaves nothing.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "lib/base/cleanup.h"
#include "lib/base/fault.h"
#include "lib/base/mem.h"
#include "target/tape/cartridge.h"

#define BLOCK 4096u
#define COUNT 300u

static char folder[64];

static int make_folder(void **state)
{
	(void)state;
	strcpy(folder, "/tmp/granary-clone.XXXXXX");
	return mkdtemp(folder) ? 0 : -1;
}

static int remove_folder(void **state)
{
	CLEANUP_FREE char *command = mem_printf("rm -rf %s", folder);

	(void)state;
	fault_set(NULL);
	return system(command);
}

static void fill(uint8_t *data, unsigned seed)
{
	for (size_t i = 0; i < (size_t)BLOCK * COUNT; i++)
		data[i] = (uint8_t)(i * 2654435761u >> 13 ^ i >> 12 ^ seed);
}

static char *make_source(uint8_t *data)
{
	struct cartridge_info info = {.barcode = "A00001L8", .medium = "LTO-8", .partitions = 2,
				      .capacity = 64 << 20, .partition_size = {32 << 20, 32 << 20},
				      .created = 1700000000};
	const uint8_t note[] = "a note";
	const struct cartridge_attribute attribute = {.id = 0x0803, .format = 1, .length = 6,
						      .value = note};
	char *path = mem_printf("%s/A00001L8", folder);
	struct cartridge *c;

	assert_int_equal(cartridge_create(folder, &info), 0);
	assert_int_equal(cartridge_open(path, CARTRIDGE_WRITE, &c), 0);
	for (unsigned p = 0; p < 2; p++) {
		const struct cartridge_blocks blocks = {.data = data, .block_size = BLOCK,
							.count = COUNT / (p + 1)};

		assert_int_equal(cartridge_append(c, p, &blocks), 0);
		assert_int_equal(cartridge_append_filemarks(c, p, 2), 0);
	}
	assert_int_equal(cartridge_set_attribute(c, 0, &attribute), 0);
	assert_int_equal(cartridge_sync(c), 0);
	info = *cartridge_info(c);
	info.locked_until = time(NULL) + 1000;
	assert_int_equal(cartridge_set_info(c, &info), 0);
	assert_int_equal(cartridge_close(&c), 0);
	return path;
}

static void check_clone(const char *path, const uint8_t *data, uint8_t uuid[16])
{
	CLEANUP_FREE uint8_t *read = mem_alloc((size_t)BLOCK * COUNT);
	struct cartridge_attribute attribute;
	struct cartridge_check check;
	struct cartridge *c;

	assert_int_equal(cartridge_open(path, CARTRIDGE_WRITE, &c), 0);
	memcpy(uuid, cartridge_info(c)->uuid, 16);
	assert_string_equal(cartridge_info(c)->medium, "LTO-8");
	for (unsigned p = 0; p < 2; p++) {
		struct cartridge_extent extent = cartridge_extent(c, p);
		size_t bytes = (size_t)BLOCK * (COUNT / (p + 1));

		assert_int_equal(extent.objects, COUNT / (p + 1) + 2);
		assert_int_equal(extent.filemarks, 2);
		assert_int_equal(extent.bytes, bytes);
		assert_int_equal(cartridge_pread(c, p, read, bytes, 0, true), 0);
		assert_memory_equal(read, data, bytes);
		assert_int_equal(cartridge_verify(c, p, NULL, NULL, &check), 0);
		assert_int_equal(check.damaged, 0);
	}
	assert_int_equal(cartridge_attribute(c, 0, 0x0803, &attribute), 0);
	assert_int_equal(attribute.length, 6);
	assert_memory_equal(attribute.value, "a note", 6);
	assert_int_equal(cartridge_close(&c), 0);
}

static void test_clone(void **state)
{
	CLEANUP_FREE uint8_t *data = mem_alloc((size_t)BLOCK * COUNT);
	CLEANUP_FREE char *source = NULL;
	CLEANUP_FREE char *clone = mem_printf("%s/B00001L8", folder);
	struct cartridge_blocks more = {.data = data, .block_size = BLOCK, .count = 10};
	struct cartridge_info info;
	struct cartridge *c;
	uint8_t first[16], second[16];

	(void)state;
	fill(data, 1);
	source = make_source(data);
	assert_int_equal(cartridge_clone(source, folder, "B00001L8", NULL, NULL), 0);
	assert_int_equal(cartridge_clone(source, folder, "B00001L8", NULL, NULL), -EEXIST);
	check_clone(clone, data, second);
	assert_int_equal(cartridge_read_info(clone, &info), 0);
	assert_string_equal(info.barcode, "B00001L8");
	assert_int_equal(info.locked_until, 0);

	/* What is written to one does not come to the other. */
	assert_int_equal(cartridge_open(clone, CARTRIDGE_WRITE, &c), 0);
	assert_int_equal(cartridge_truncate(c, 0, 0), 0);
	assert_int_equal(cartridge_append(c, 0, &more), 0);
	assert_int_equal(cartridge_close(&c), 0);
	check_clone(source, data, first);
	assert_memory_not_equal(first, second, 16);
}

static int stop(void *context, uint64_t done, uint64_t total)
{
	(void)context;
	return done > total / 2;
}

static void check_nothing(const char *barcode)
{
	CLEANUP_FREE char *path = mem_printf("%s/%s", folder, barcode);
	CLEANUP_FREE char *unfinished = mem_printf("%s/.new-%s", folder, barcode);

	assert_int_equal(access(path, F_OK), -1);
	assert_int_equal(access(unfinished, F_OK), -1);
}

static void test_fails(void **state)
{
	CLEANUP_FREE uint8_t *data = mem_alloc((size_t)BLOCK * COUNT);
	CLEANUP_FREE char *source = NULL;
	CLEANUP_FREE char *none = mem_printf("%s/none", folder);
	struct cartridge *c;

	(void)state;
	fill(data, 2);
	source = make_source(data);
	assert_int_equal(cartridge_clone(none, folder, "B00002L8", NULL, NULL), -ENOENT);
	assert_int_equal(cartridge_clone(source, none, "B00002L8", NULL, NULL), -ENOENT);
	assert_int_equal(cartridge_clone(source, folder, "B00002L8", stop, NULL), -ECANCELED);
	check_nothing("B00002L8");
	for (unsigned n = 1; n < 6; n++) {
		char spec[32];

		snprintf(spec, sizeof(spec), "fdatasync:%u", n);
		fault_set(spec);
		assert_int_equal(cartridge_clone(source, folder, "B00002L8", NULL, NULL), -EIO);
		fault_set(NULL);
		check_nothing("B00002L8");
	}
	assert_int_equal(cartridge_open(source, CARTRIDGE_WRITE, &c), 0);
	assert_int_equal(cartridge_clone(source, folder, "B00002L8", NULL, NULL), -EBUSY);
	assert_int_equal(cartridge_close(&c), 0);
	assert_int_equal(cartridge_clone(source, folder, "B00002L8", NULL, NULL), 0);
}

/* What lacks data gives no clone that seems whole. */
static void test_lacks(void **state)
{
	CLEANUP_FREE uint8_t *data = mem_alloc((size_t)BLOCK * COUNT);
	CLEANUP_FREE char *source = NULL;

	(void)state;
	fill(data, 3);
	source = make_source(data);
	CLEANUP_FREE char *file = mem_printf("%s/p0.data", source);

	assert_int_equal(truncate(file, BLOCK), 0);
	assert_int_equal(cartridge_clone(source, folder, "B00003L8", NULL, NULL), -ENODATA);
	check_nothing("B00003L8");
	assert_int_equal(unlink(file), 0);
	assert_int_equal(cartridge_clone(source, folder, "B00003L8", NULL, NULL), -ENODATA);
	check_nothing("B00003L8");
}

/* Who removes left-overs passes over what somebody is at work in. */
static int sweep(void *context, uint64_t done, uint64_t total)
{
	(void)context;
	(void)done;
	(void)total;
	cartridge_work_sweep(folder, NULL, NULL);
	return 0;
}

static void test_sweep(void **state)
{
	CLEANUP_FREE uint8_t *data = mem_alloc((size_t)BLOCK * COUNT);
	CLEANUP_FREE char *source = NULL;
	CLEANUP_FREE char *clone = mem_printf("%s/B00004L8", folder);
	CLEANUP_FREE char *left = mem_printf("%s/.new-B00004L8", folder);
	CLEANUP_FREE char *inside = mem_printf("%s/p0.data", left);
	uint8_t uuid[16];

	(void)state;
	fill(data, 4);
	source = make_source(data);
	/* Of one that was killed. */
	assert_int_equal(mkdir(left, 0700), 0);
	assert_int_equal(mkdir(inside, 0700), 0);
	assert_int_equal(cartridge_clone(source, folder, "B00004L8", sweep, NULL), 0);
	check_clone(clone, data, uuid);
	assert_int_equal(mkdir(left, 0700), 0);
	cartridge_work_sweep(folder, NULL, NULL);
	assert_int_equal(access(left, F_OK), -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_clone, make_folder, remove_folder),
		cmocka_unit_test_setup_teardown(test_fails, make_folder, remove_folder),
		cmocka_unit_test_setup_teardown(test_lacks, make_folder, remove_folder),
		cmocka_unit_test_setup_teardown(test_sweep, make_folder, remove_folder),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
