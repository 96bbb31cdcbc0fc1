/* SPDX-License-Identifier: MIT */
/* Protection, WORM, locks, partitions, attributes, descriptions, compaction, media. */
#include "tests/unit/cartridge_support.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "lib/base/fault.h"
#include "lib/base/file.h"
#include "target/tape/media.h"

static void test_write_protection(void **state)
{
	struct scene *s = *state;
	struct cartridge_info info = *cartridge_info(s->c);
	const uint64_t size = 1000;
	assert_int_equal(append_blocks(s->c, 0, 100, 2, 1), 0);
	info.write_protected = true;
	assert_int_equal(cartridge_set_info(s->c, &info), 0);
	scene_reopen(s, CARTRIDGE_WRITE);
	assert_true(cartridge_info(s->c)->write_protected);
	assert_int_equal(append_blocks(s->c, 0, 100, 1, 1), -EROFS);
	assert_int_equal(cartridge_append_filemarks(s->c, 0, 1), -EROFS);
	assert_int_equal(cartridge_truncate(s->c, 0, 0), -EROFS);
	assert_int_equal(cartridge_format(s->c, 1, &size), -EROFS);
	info.write_protected = false;
	assert_int_equal(cartridge_set_info(s->c, &info), 0);
	assert_int_equal(append_blocks(s->c, 0, 100, 1, 3), 0);
	check_blocks(s->c, 0, 0, 100, 3, 1);
}

/* Blocks are there for good; filemarks that the tape ends with may be overwritten on WORM media. */
static void check_kept_blocks(struct scene *s, bool filemarks_kept)
{
	const uint64_t size = 1000;
	assert_int_equal(append_blocks(s->c, 0, 100, 2, 1), 0);
	assert_int_equal(cartridge_append_filemarks(s->c, 0, 2), 0);
	assert_int_equal(cartridge_truncate(s->c, 0, 1), -EPERM);
	assert_int_equal(cartridge_truncate(s->c, 0, 0), -EPERM);
	assert_int_equal(cartridge_truncate(s->c, 0, 3), filemarks_kept ? -EPERM : 0);
	assert_int_equal(append_blocks(s->c, 0, 100, 1, 3), 0);
	assert_int_equal(cartridge_truncate(s->c, 0, 2), -EPERM);
	assert_int_equal(cartridge_format(s->c, 1, &size), -EPERM);
	scene_reopen(s, CARTRIDGE_WRITE);
	uint64_t end = filemarks_kept ? 5 : 4;
	check_extent(s->c, 0, end, end - 3, 300);
	assert_int_equal(cartridge_truncate(s->c, 0, end - 1), -EPERM);
	assert_int_equal(cartridge_truncate(s->c, 0, end), 0);
}

static void test_worm(void **state)
{
	struct scene *s = *state;
	struct cartridge_info info = scene_info("W00001LY", "LTO-8-WORM");
	const uint64_t sizes[2] = {1000, 1000};
	assert_int_equal(cartridge_create(s->folder, &info), 0);
	assert_int_equal(cartridge_close(&s->c), 0);
	snprintf(s->path, sizeof(s->path), "%s/W00001LY", s->folder);
	assert_int_equal(cartridge_open(s->path, CARTRIDGE_WRITE, &s->c), 0);
	/* Empty, it may still be partitioned. */
	assert_int_equal(cartridge_format(s->c, 2, sizes), 0);
	check_kept_blocks(s, false);
	info = *cartridge_info(s->c);
	info.worm = false;
	assert_int_equal(cartridge_set_info(s->c, &info), -EPERM);
}

static void test_locked(void **state)
{
	struct scene *s = *state;
	struct cartridge_info info = *cartridge_info(s->c);
	info.locked_until = time(NULL) + 1000;
	assert_int_equal(cartridge_set_info(s->c, &info), 0);
	check_kept_blocks(s, true);
	info.locked_until--;
	assert_int_equal(cartridge_set_info(s->c, &info), -EPERM);
	info.locked_until += 2;
	assert_int_equal(cartridge_set_info(s->c, &info), 0);
	info.locked_until = 0;
	assert_int_equal(cartridge_set_info(s->c, &info), -EPERM);
}

static void test_lock_that_has_ended(void **state)
{
	struct scene *s = *state;
	struct cartridge_info info = *cartridge_info(s->c);
	assert_int_equal(append_blocks(s->c, 0, 100, 2, 1), 0);
	info.locked_until = time(NULL) - 1;
	assert_int_equal(cartridge_set_info(s->c, &info), 0);
	assert_int_equal(cartridge_truncate(s->c, 0, 0), 0);
	info.locked_until = 0;
	assert_int_equal(cartridge_set_info(s->c, &info), 0);
}

static void test_set_info_refuses(void **state)
{
	struct scene *s = *state;
	struct cartridge_info info = *cartridge_info(s->c);
	info.uuid[0] ^= 1;
	assert_int_equal(cartridge_set_info(s->c, &info), -EINVAL);
	info = *cartridge_info(s->c);
	info.partitions = 2;
	assert_int_equal(cartridge_set_info(s->c, &info), -EINVAL);
	info = *cartridge_info(s->c);
	snprintf(info.medium, sizeof(info.medium), "LTO-9");
	assert_int_equal(cartridge_set_info(s->c, &info), -EINVAL);
	info = *cartridge_info(s->c);
	info.cleanings = 7;
	assert_int_equal(cartridge_set_info(s->c, &info), 0);
	scene_reopen(s, CARTRIDGE_READ);
	assert_int_equal(cartridge_info(s->c)->cleanings, 7);
	assert_int_equal(cartridge_set_info(s->c, &info), -EROFS);
}

static void test_partitions(void **state)
{
	struct scene *s = *state;
	const uint64_t sizes[2] = {5000000, 600000};
	assert_int_equal(append_blocks(s->c, 0, 100, 2, 1), 0);
	assert_int_equal(append_blocks(s->c, 1, 100, 2, 1), -EINVAL);
	assert_int_equal(cartridge_format(s->c, 2, sizes), 0);
	assert_int_equal(cartridge_info(s->c)->partition_size[1], 600000);
	check_extent(s->c, 0, 0, 0, 0);
	assert_int_equal(append_blocks(s->c, 0, 100, 2, 10), 0);
	assert_int_equal(append_blocks(s->c, 1, 3000, 4, 20), 0);
	assert_int_equal(cartridge_append_filemarks(s->c, 1, 1), 0);
	scene_reopen(s, CARTRIDGE_WRITE);
	check_blocks(s->c, 0, 0, 100, 2, 10);
	check_blocks(s->c, 1, 0, 3000, 4, 20);
	check_extent(s->c, 1, 5, 1, 12000);
	assert_int_equal(cartridge_truncate(s->c, 0, 0), 0);
	scene_reopen(s, CARTRIDGE_WRITE);
	check_extent(s->c, 0, 0, 0, 0);
	check_blocks(s->c, 1, 0, 3000, 4, 20);
	assert_int_equal(cartridge_format(s->c, 1, sizes), 0);
	assert_int_equal(cartridge_format(s->c, 3, sizes), -EINVAL);
	assert_int_equal(access(scene_file(s, "p1.data"), F_OK), -1);
	assert_int_equal(append_blocks(s->c, 0, 100, 1, 1), 0);
	assert_int_equal(append_blocks(s->c, 1, 100, 1, 1), -EINVAL);
	scene_reopen(s, CARTRIDGE_READ);
	check_extent(s->c, 0, 1, 0, 100);
}

/* ---- medium auxiliary memory ------------------------------------------------------------- */

static int set_attribute(struct cartridge *c, unsigned partition, uint16_t id, const char *text,
			 size_t length)
{
	struct cartridge_attribute a = {.id = id, .format = 1, .length = (uint16_t)length,
					.value = (const uint8_t *)text};
	return cartridge_set_attribute(c, partition, &a);
}

static void check_attribute(struct cartridge *c, unsigned partition, uint16_t id, const char *text)
{
	struct cartridge_attribute a;
	assert_int_equal(cartridge_attribute(c, partition, id, &a), 0);
	assert_int_equal(a.length, strlen(text));
	assert_int_equal(a.format, 1);
	assert_memory_equal(a.value, text, a.length);
}

static void test_attributes(void **state)
{
	struct scene *s = *state;
	const uint64_t sizes[2] = {5000, 6000};
	struct cartridge_attribute a;
	assert_int_equal(cartridge_format(s->c, 2, sizes), 0);
	assert_int_equal(set_attribute(s->c, 0, 0x0801, "zero", 4), 0);
	assert_int_equal(set_attribute(s->c, 1, 0x0801, "one", 3), 0);
	assert_int_equal(set_attribute(s->c, 1, 0x0401, "whole", 5), 0);
	assert_int_equal(set_attribute(s->c, 0, 0x1400, "vendor", 6), 0);
	assert_int_equal(set_attribute(s->c, 2, 0x1400, "vendor", 6), -EINVAL);
	a = (struct cartridge_attribute){.id = 0x1401, .format = 3, .length = 1, .value = (const uint8_t *)"x"};
	assert_int_equal(cartridge_set_attribute(s->c, 0, &a), -EINVAL);
	for (unsigned turn = 0; turn < 2; turn++) {
		check_attribute(s->c, 0, 0x0801, "zero");
		check_attribute(s->c, 1, 0x0801, "one");
		check_attribute(s->c, 0, 0x0401, "whole");
		check_attribute(s->c, 1, 0x0401, "whole");
		scene_reopen(s, CARTRIDGE_WRITE);
	}
	const uint16_t order[] = {0x0401, 0x0801, 0x1400};
	uint16_t id = 0;
	for (unsigned n = 0; n < 3; n++) {
		assert_int_equal(cartridge_next_attribute(s->c, 1, id, &a), 0);
		assert_int_equal(a.id, order[n]);
		id = (uint16_t)(a.id + 1);
	}
	assert_int_equal(cartridge_next_attribute(s->c, 1, id, &a), -ENOENT);
	assert_int_equal(set_attribute(s->c, 1, 0x0801, "", 0), 0);
	assert_int_equal(cartridge_attribute(s->c, 1, 0x0801, &a), -ENOENT);
	check_attribute(s->c, 0, 0x0801, "zero");
	assert_int_equal(set_attribute(s->c, 1, 0x0801, "again", 5), 0);
	assert_int_equal(cartridge_format(s->c, 1, sizes), 0);
	check_attribute(s->c, 0, 0x0801, "zero");
	assert_int_equal(cartridge_format(s->c, 2, sizes), 0);
	assert_int_equal(cartridge_attribute(s->c, 1, 0x0801, &a), -ENOENT);
}

/* The host's attributes fill up without taking room from the drive's. */
static void test_attribute_space(void **state)
{
	struct scene *s = *state;
	char text[1000];
	unsigned stored = 0;
	memset(text, 'x', sizeof(text));
	while (set_attribute(s->c, 0, (uint16_t)(0x1400 + stored), text, sizeof(text)) == 0)
		stored++;
	assert_int_equal(stored, 16384 / 1006);
	assert_int_equal(set_attribute(s->c, 0, 0x0800, text, sizeof(text)), -ENOSPC);
	assert_int_equal(set_attribute(s->c, 0, 0x1400, text, 999), 0);
	assert_int_equal(set_attribute(s->c, 0, 0x0003, text, sizeof(text)), 0);
	scene_reopen(s, CARTRIDGE_READ);
	struct cartridge_attribute a;
	assert_int_equal(cartridge_attribute(s->c, 0, 0x1400, &a), 0);
	assert_int_equal(a.length, 999);
	assert_int_equal(set_attribute(s->c, 0, 0x1400, text, 1), -EROFS);
}

/* ---- descriptions ---------------------------------------------------------------------- */

static void check_description(struct cartridge *c, uint32_t number, const char *text)
{
	const void *data;
	size_t size;
	assert_int_equal(cartridge_description(c, 0, number, &data, &size), 0);
	assert_int_equal(size, strlen(text));
	assert_memory_equal(data, text, size);
}

static void test_descriptions(void **state)
{
	struct scene *s = *state;
	static uint8_t big[CARTRIDGE_DESCRIPTION_MAX + 1];
	struct cartridge_blocks blocks = {.data = "cipher", .block_size = 6, .count = 1,
					  .flags = CARTRIDGE_ENCRYPTED};
	struct cartridge_place place;
	uint32_t number, same;
	const void *data;
	size_t size;
	assert_int_equal(cartridge_add_description(s->c, 0, big, sizeof(big), &number), -EINVAL);
	assert_int_equal(cartridge_add_description(s->c, 0, big, sizeof(big) - 1, &number), 0);
	assert_int_equal(cartridge_add_description(s->c, 0, "first", 5, &number), 0);
	assert_int_equal(cartridge_add_description(s->c, 0, "first", 5, &same), 0);
	assert_int_equal(number, same);
	blocks.extra = number;
	assert_int_equal(cartridge_append(s->c, 0, &blocks), 0);
	assert_int_equal(cartridge_append(s->c, 0, &blocks), 0);
	assert_int_equal(cartridge_add_description(s->c, 0, "second", 6, &blocks.extra), 0);
	assert_int_equal(cartridge_append(s->c, 0, &blocks), 0);
	scene_reopen(s, CARTRIDGE_WRITE);
	assert_int_equal(cartridge_find(s->c, 0, 1, &place), 0);
	assert_int_equal(place.flags, CARTRIDGE_ENCRYPTED);
	assert_int_equal(place.extra, number);
	assert_int_equal(place.count, 1);
	check_description(s->c, number, "first");
	check_description(s->c, blocks.extra, "second");
	assert_int_equal(cartridge_description(s->c, 0, 0, &data, &size), -ENOENT);
	assert_int_equal(cartridge_description(s->c, 0, 99, &data, &size), -ENOENT);
	/* Compaction keeps what is referred to, and drops the rest. */
	assert_int_equal(cartridge_compact(s->c), 0);
	scene_reopen(s, CARTRIDGE_WRITE);
	check_description(s->c, number, "first");
	assert_int_equal(cartridge_description(s->c, 0, 1, &data, &size), -ENOENT);
	assert_int_equal(cartridge_find(s->c, 0, 2, &place), 0);
	check_description(s->c, place.extra, "second");
}

/* A compaction that fails drops no description whose number the index still has. */
static void test_descriptions_after_a_failure(void **state)
{
	struct scene *s = *state;
	uint32_t first, second;
	assert_int_equal(cartridge_add_description(s->c, 0, "never used", 10, &first), 0);
	scene_reopen(s, CARTRIDGE_WRITE);
	fault_set("fdatasync:1");
	assert_int_equal(cartridge_compact(s->c), -EIO);
	fault_set(NULL);
	assert_int_equal(access(scene_file(s, "p0.idx.new"), F_OK), -1);
	assert_int_equal(cartridge_add_description(s->c, 0, "another", 7, &second), 0);
	assert_int_not_equal(first, second);
	scene_reopen(s, CARTRIDGE_WRITE);
	check_description(s->c, first, "never used");
	check_description(s->c, second, "another");
}

/* ---- compaction ------------------------------------------------------------------------ */

static void test_index_stays_small(void **state)
{
	struct scene *s = *state;
	uint64_t largest = 0;
	/* Each of these commits takes a page. */
	for (unsigned n = 0; n < 1000; n++) {
		assert_int_equal(append_blocks(s->c, 0, 512, 1, n), 0);
		assert_int_equal(cartridge_append_filemarks(s->c, 0, 1), 0);
		assert_int_equal(cartridge_sync(s->c), 0);
		uint64_t size = scene_size(s, "p0.idx");
		largest = size > largest ? size : largest;
	}
	assert_true(largest < 400 << 10);
	assert_int_equal(cartridge_compact(s->c), 0);
	assert_true(scene_size(s, "p0.idx") <= 16 << 10);
	assert_int_equal(append_blocks(s->c, 0, 512, 1, 5000), 0);
	scene_reopen(s, CARTRIDGE_READ);
	check_extent(s->c, 0, 2001, 1000, 1001 * 512);
	check_blocks(s->c, 0, 1998, 512, 1, 999);
	check_blocks(s->c, 0, 2000, 512, 1, 5000);
	assert_int_equal(access(scene_file(s, "p0.idx.new"), F_OK), -1);
}

/* ---- media ----------------------------------------------------------------------------- */

static void test_media(void **state)
{
	(void)state;
	const struct medium *m = medium_find("LTO-8");
	assert_non_null(m);
	assert_int_equal(m->density, 0x5e);
	assert_int_equal(m->medium_type, 0x88);
	assert_true(m->capacity == UINT64_C(12000000000000));
	assert_ptr_equal(medium_of_barcode("A00001L8"), m);
	assert_string_equal(medium_of_barcode("W00001LY")->name, "LTO-8-WORM");
	assert_string_equal(medium_of_barcode("A00001M8")->name, "LTO-M8");
	assert_string_equal(medium_of_barcode("CLN001L1")->name, "CLEAN");
	assert_string_equal(medium_of_barcode("CLEAN1CU")->name, "CLEAN");
	assert_null(medium_of_barcode("L8"));
	assert_null(medium_of_barcode("A00001L3"));
	assert_null(medium_find("LTO-3"));
	unsigned count = 0;
	for (; (m = medium_at(count)); count++) {
		assert_ptr_equal(medium_find(m->name), m);
		assert_int_equal(m->worm, strstr(m->name, "WORM") != NULL);
		assert_int_equal(m->worm, m->medium_type % 16 == 12);
	}
	assert_int_equal(count, 14);
}

/* A row a drive: what it does with each generation's media from LTO-4 on, with LTO-M8, with cleaning. */
static void test_media_access(void **state)
{
	(void)state;
	static const char *const names[] = {"LTO-4", "LTO-5", "LTO-6", "LTO-7", "LTO-8", "LTO-9",
					    "LTO-M8", "CLEAN"};
	static const char *const drives[] = {"w------r", "ww-----r", "rww----r",
					     "-rww---r", "---ww-wr", "----ww-r"};
	for (unsigned drive = 0; drive < 6; drive++)
		for (unsigned n = 0; n < 8; n++) {
			enum medium_access a = medium_access((uint8_t)(drive + 4), medium_find(names[n]));
			assert_int_equal("-rw"[a], drives[drive][n]);
		}
	assert_int_equal(medium_access(8, medium_find("LTO-7-WORM")), MEDIUM_WRITE);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, scene_setup, scene_teardown)
int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_write_protection),
		TEST(test_worm),
		TEST(test_locked),
		TEST(test_lock_that_has_ended),
		TEST(test_set_info_refuses),
		TEST(test_partitions),
		TEST(test_attributes),
		TEST(test_attribute_space),
		TEST(test_descriptions),
		TEST(test_descriptions_after_a_failure),
		TEST(test_index_stays_small),
		cmocka_unit_test(test_media),
		cmocka_unit_test(test_media_access),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
