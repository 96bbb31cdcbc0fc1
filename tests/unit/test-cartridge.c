/* SPDX-License-Identifier: MIT */
/* A cartridge gives back what was written, wherever it is looked for, and keeps what it must keep. */
#include "tests/unit/cartridge_support.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "lib/base/file.h"

static void test_create(void **state)
{
	struct scene *s = *state;
	struct cartridge_info info = scene_info("A00001L8", "LTO-8"), read;
	assert_int_equal(cartridge_create(s->folder, &info), -EEXIST);
	info = scene_info("../etc", "LTO-8");
	assert_int_equal(cartridge_create(s->folder, &info), -EINVAL);
	info = scene_info("A00002L8", "LTO-3");
	assert_int_equal(cartridge_create(s->folder, &info), -EINVAL);
	info = scene_info("A00002L8", "LTO-8");
	info.partitions = 3;
	assert_int_equal(cartridge_create(s->folder, &info), -EINVAL);
	info.partitions = 2;
	info.partition_size[1] = 1;
	assert_int_equal(cartridge_create(s->folder, &info), -EINVAL);
	info.partition_size[0] = 1000;
	assert_int_equal(cartridge_create(s->folder, &info), 0);
	char path[200];
	snprintf(path, sizeof(path), "%s/A00002L8", s->folder);
	assert_int_equal(cartridge_read_info(path, &read), 0);
	assert_memory_equal(&read, &info, sizeof(info));
	assert_true(read.created > 0);
	assert_int_not_equal(read.uuid[0] | read.uuid[1] | read.uuid[15], 0);
}

static void write_two_files(struct cartridge *c)
{
	assert_int_equal(append_blocks(c, 0, 1000, 3, 1), 0);
	assert_int_equal(cartridge_append_filemarks(c, 0, 1), 0);
	assert_int_equal(append_blocks(c, 0, 65536, 40, 100), 0);
	assert_int_equal(append_blocks(c, 0, 1, 1, 7), 0);
	assert_int_equal(cartridge_append_filemarks(c, 0, 2), 0);
}

static void check_two_files(struct cartridge *c)
{
	struct cartridge_place place;
	uint64_t value;
	check_extent(c, 0, 47, 3, 3000 + 40 * 65536 + 1);
	check_blocks(c, 0, 0, 1000, 3, 1);
	check_blocks(c, 0, 4, 65536, 40, 100);
	check_blocks(c, 0, 44, 1, 1, 7);
	assert_int_equal(cartridge_find(c, 0, 10, &place), 0);
	assert_int_equal(place.count, 34);
	assert_int_equal(place.offset, 3000 + 6 * 65536);
	assert_int_equal(place.filemarks, 1);
	assert_int_equal(cartridge_find(c, 0, 46, &place), 0);
	assert_int_equal(place.kind, CARTRIDGE_FILEMARKS);
	assert_int_equal(place.count, 1);
	assert_int_equal(place.filemarks, 2);
	assert_int_equal(cartridge_find(c, 0, 47, &place), 0);
	assert_int_equal(place.kind, CARTRIDGE_END);
	assert_int_equal(place.count, 0);
	assert_int_equal(place.filemarks, 3);
	assert_int_equal(cartridge_find(c, 0, 48, &place), -ENXIO);
	assert_int_equal(cartridge_find_filemark(c, 0, 0, &value), 0);
	assert_int_equal(value, 3);
	assert_int_equal(cartridge_find_filemark(c, 0, 2, &value), 0);
	assert_int_equal(value, 46);
	assert_int_equal(cartridge_find_filemark(c, 0, 3, &value), -ENXIO);
	assert_int_equal(cartridge_count_filemarks(c, 0, 3, &value), 0);
	assert_int_equal(value, 0);
	assert_int_equal(cartridge_count_filemarks(c, 0, 4, &value), 0);
	assert_int_equal(value, 1);
}

static void test_round_trip(void **state)
{
	struct scene *s = *state;
	struct cartridge_check check;
	write_two_files(s->c);
	check_two_files(s->c);
	scene_reopen(s, CARTRIDGE_WRITE);
	check_two_files(s->c);
	scene_reopen(s, CARTRIDGE_READ);
	check_two_files(s->c);
	/* The data file is the payload and nothing else. */
	assert_int_equal(scene_size(s, "p0.data"), 3000 + 40 * 65536 + 1);
	assert_int_equal(scene_size(s, "p0.idx") % 4096, 0);
	assert_int_equal(cartridge_verify(s->c, 0, NULL, NULL, &check), 0);
	assert_int_equal(check.blocks, 44);
	assert_int_equal(check.filemarks, 3);
	assert_int_equal(check.stretches, 3);
	assert_int_equal(check.damaged, 0);
	assert_int_equal(append_blocks(s->c, 0, 10, 1, 1), -EROFS);
	assert_int_equal(cartridge_append_filemarks(s->c, 0, 1), -EROFS);
	assert_int_equal(cartridge_truncate(s->c, 0, 0), -EROFS);
}

static void test_overwrite(void **state)
{
	struct scene *s = *state;
	write_two_files(s->c);
	assert_int_equal(cartridge_sync(s->c), 0);
	assert_int_equal(cartridge_truncate(s->c, 0, 20), 0);
	check_extent(s->c, 0, 20, 1, 3000 + 16 * 65536);
	assert_int_equal(append_blocks(s->c, 0, 777, 5, 500), 0);
	assert_int_equal(cartridge_truncate(s->c, 0, 26), -ENXIO);
	scene_reopen(s, CARTRIDGE_WRITE);
	check_extent(s->c, 0, 25, 1, 3000 + 16 * 65536 + 5 * 777);
	check_blocks(s->c, 0, 4, 65536, 16, 100);
	check_blocks(s->c, 0, 20, 777, 5, 500);
	assert_int_equal(scene_size(s, "p0.data"), 3000 + 16 * 65536 + 5 * 777);
	assert_int_equal(cartridge_truncate(s->c, 0, 0), 0);
	check_extent(s->c, 0, 0, 0, 0);
	scene_reopen(s, CARTRIDGE_WRITE);
	check_extent(s->c, 0, 0, 0, 0);
	assert_int_equal(scene_size(s, "p0.data"), 0);
}

static void test_misuse(void **state)
{
	struct scene *s = *state;
	static uint8_t byte;
	struct cartridge_blocks blocks = {.data = &byte, .block_size = 0, .count = 1};
	assert_int_equal(cartridge_append(s->c, 0, &blocks), -EINVAL);
	blocks.block_size = CARTRIDGE_BLOCK_MAX + 1;
	assert_int_equal(cartridge_append(s->c, 0, &blocks), -EINVAL);
	blocks = (struct cartridge_blocks){.data = &byte, .block_size = 1, .count = 0};
	assert_int_equal(cartridge_append(s->c, 0, &blocks), -EINVAL);
	blocks.count = 1;
	blocks.extra = 1;
	assert_int_equal(cartridge_append(s->c, 0, &blocks), -EINVAL);
	assert_int_equal(cartridge_append(s->c, 1, &blocks), -EINVAL);
	assert_int_equal(cartridge_pread(s->c, 0, &byte, 1, 0, false), -EINVAL);
	assert_int_equal(append_blocks(s->c, 0, 1, 1, 1), 0);
	assert_int_equal(cartridge_sync(s->c), 0);
}

static void test_lock(void **state)
{
	struct scene *s = *state;
	struct cartridge *second = NULL, *reader = NULL;
	assert_int_equal(cartridge_open(s->path, CARTRIDGE_WRITE, &second), -EBUSY);
	assert_null(second);
	/* A reader sees what is committed. */
	assert_int_equal(append_blocks(s->c, 0, 100, 2, 1), 0);
	assert_int_equal(cartridge_sync(s->c), 0);
	assert_int_equal(append_blocks(s->c, 0, 100, 1, 3), 0);
	assert_int_equal(cartridge_open(s->path, CARTRIDGE_READ, &reader), 0);
	check_extent(reader, 0, 2, 0, 200);
	assert_int_equal(cartridge_close(&reader), 0);
}

static void test_not_a_cartridge(void **state)
{
	struct scene *s = *state;
	struct cartridge *c = NULL;
	assert_int_equal(cartridge_open(s->folder, CARTRIDGE_READ, &c), -EBADMSG);
	assert_int_equal(cartridge_open(s->folder, CARTRIDGE_WRITE, &c), -EBADMSG);
	char path[200];
	snprintf(path, sizeof(path), "%s/lock", s->folder);
	assert_int_equal(access(path, F_OK), -1);
	assert_int_equal(cartridge_open("/nonexistent/A", CARTRIDGE_WRITE, &c), -ENOENT);
	assert_int_equal(unlink(scene_file(s, "p0.idx")), 0);
	assert_int_equal(cartridge_open(s->path, CARTRIDGE_READ, &c), -EBADMSG);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_create, scene_setup, scene_teardown),
		cmocka_unit_test_setup_teardown(test_round_trip, scene_setup, scene_teardown),
		cmocka_unit_test_setup_teardown(test_overwrite, scene_setup, scene_teardown),
		cmocka_unit_test_setup_teardown(test_misuse, scene_setup, scene_teardown),
		cmocka_unit_test_setup_teardown(test_lock, scene_setup, scene_teardown),
		cmocka_unit_test_setup_teardown(test_not_a_cartridge, scene_setup, scene_teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
