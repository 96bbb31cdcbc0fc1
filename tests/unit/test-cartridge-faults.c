/* SPDX-License-Identifier: MIT */
/* A full disk, errors of the disk, damage: nothing acknowledged is lost, nothing wrong is shown. */
#include "tests/unit/cartridge_support.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/fault.h"
#include "lib/base/file.h"
#include "lib/base/log.h"

static int quiet_setup(void **state)
{
	int error = scene_setup(state);
	log_set_level(LOG_LEVEL_ERROR - 1);
	return error;
}

/* ---- a full disk ----------------------------------------------------------------------- */

static void test_enospc(void **state)
{
	struct scene *s = *state;
	assert_int_equal(append_blocks(s->c, 0, 5000, 3, 1), 0);
	fault_set("cartridge-enospc:1");
	assert_int_equal(append_blocks(s->c, 0, 5000, 3, 50), -ENOSPC);
	assert_int_equal(scene_size(s, "p0.data"), 15000);
	check_extent(s->c, 0, 3, 0, 15000);
	/* What came before can be finished, and committed. */
	assert_int_equal(cartridge_append_filemarks(s->c, 0, 1), 0);
	assert_int_equal(cartridge_sync(s->c), 0);
	assert_int_equal(append_blocks(s->c, 0, 100, 1, 60), 0);
	scene_reopen(s, CARTRIDGE_READ);
	check_extent(s->c, 0, 5, 1, 15100);
	check_blocks(s->c, 0, 0, 5000, 3, 1);
	check_blocks(s->c, 0, 4, 100, 1, 60);
}

static void test_enospc_of_the_index(void **state)
{
	struct scene *s = *state;
	assert_int_equal(append_blocks(s->c, 0, 5000, 3, 1), 0);
	assert_int_equal(cartridge_sync(s->c), 0);
	/* Blocks are refused before they are written when a commit of them might not fit. */
	fault_set("cartridge-index-space:1+");
	unsigned accepted = 0;
	int error = 0;
	while (!error && accepted < 1000000) {
		error = append_blocks(s->c, 0, 1 + accepted % 2, 1, 1);
		accepted += !error;
	}
	assert_int_equal(error, -ENOSPC);
	assert_true(accepted > 0);
	check_extent(s->c, 0, 3 + accepted, 0, 15000 + accepted + accepted / 2);
	uint64_t before = scene_size(s, "p0.idx");
	struct stat st;
	assert_int_equal(stat(scene_file(s, "p0.idx"), &st), 0);
	assert_int_equal(cartridge_sync(s->c), 0);
	/* And what was kept was enough. */
	if (fault_count("cartridge-index-space") > 0 && (uint64_t)st.st_blocks * 512 > before)
		assert_true(scene_size(s, "p0.idx") <= (uint64_t)st.st_blocks * 512);
	scene_reopen(s, CARTRIDGE_READ);
	check_extent(s->c, 0, 3 + accepted, 0, 15000 + accepted + accepted / 2);
}

/* ---- errors ---------------------------------------------------------------------------- */

static void test_write_error(void **state)
{
	struct scene *s = *state;
	assert_int_equal(append_blocks(s->c, 0, 5000, 3, 1), 0);
	fault_set("cartridge-data-write:1");
	assert_int_equal(append_blocks(s->c, 0, 5000, 3, 50), -EIO);
	/* It stays, but what was written before is committed. */
	assert_int_equal(append_blocks(s->c, 0, 5000, 1, 50), -EIO);
	assert_int_equal(cartridge_append_filemarks(s->c, 0, 1), -EIO);
	assert_int_equal(cartridge_truncate(s->c, 0, 0), -EIO);
	check_extent(s->c, 0, 3, 0, 15000);
	scene_reopen(s, CARTRIDGE_WRITE);
	check_extent(s->c, 0, 3, 0, 15000);
	assert_int_equal(append_blocks(s->c, 0, 5000, 1, 4), 0);
	check_blocks(s->c, 0, 0, 5000, 4, 1);
}

static void check_sync_error(struct scene *s, const char *fault)
{
	assert_int_equal(append_blocks(s->c, 0, 5000, 3, 1), 0);
	assert_int_equal(cartridge_append_filemarks(s->c, 0, 1), 0);
	assert_int_equal(cartridge_sync(s->c), 0);
	assert_int_equal(append_blocks(s->c, 0, 700, 2, 9), 0);
	fault_set(fault);
	assert_int_equal(cartridge_sync(s->c), -EIO);
	fault_set(NULL);
	/* Never again, though the next would succeed. */
	assert_int_equal(cartridge_sync(s->c), -EIO);
	assert_int_equal(append_blocks(s->c, 0, 5000, 1, 50), -EIO);
	check_blocks(s->c, 0, 4, 700, 2, 9);
	assert_int_equal(cartridge_close(&s->c), -EIO);
	assert_null(s->c);
	assert_int_equal(cartridge_open(s->path, CARTRIDGE_WRITE, &s->c), 0);
	check_blocks(s->c, 0, 0, 5000, 3, 1);
	assert_true(cartridge_extent(s->c, 0).objects >= 4);
}

static void test_sync_error_of_data(void **state)
{
	check_sync_error(*state, "cartridge-data-sync:1");
	check_extent(((struct scene *)*state)->c, 0, 4, 1, 15000);
}

static void test_sync_error_of_index(void **state)
{
	check_sync_error(*state, "cartridge-index-sync:1");
}

static void test_write_error_of_index(void **state)
{
	check_sync_error(*state, "cartridge-index-write:1");
	check_extent(((struct scene *)*state)->c, 0, 4, 1, 15000);
}

static void test_sync_error_of_memory(void **state)
{
	struct scene *s = *state;
	struct cartridge_attribute a = {.id = 0x0801, .length = 3, .value = (const uint8_t *)"abc"};
	assert_int_equal(cartridge_set_attribute(s->c, 0, &a), 0);
	fault_set("fdatasync:1");
	assert_int_equal(cartridge_sync(s->c), -EIO);
	assert_int_equal(cartridge_sync(s->c), -EIO);
	fault_set(NULL);
}

/* Without memory an operation fails and leaves everything as it was. */
static void test_no_memory(void **state)
{
	struct scene *s = *state;
	char spec[32];
	assert_int_equal(append_blocks(s->c, 0, 5000, 3, 1), 0);
	for (unsigned n = 1; n < 50; n++) {
		struct cartridge *c = NULL;
		snprintf(spec, sizeof(spec), "mem:%u", n);
		assert_int_equal(cartridge_close(&s->c), 0);
		fault_set(spec);
		int error = cartridge_open(s->path, CARTRIDGE_WRITE, &c);
		bool reached = fault_count("mem") >= n;
		fault_set(NULL);
		assert_int_equal(error, reached ? -ENOMEM : 0);
		if (error)
			assert_int_equal(cartridge_open(s->path, CARTRIDGE_WRITE, &c), 0);
		s->c = c;
		struct cartridge_extent before = cartridge_extent(c, 0);
		fault_set(spec);
		error = append_blocks(c, 0, 200000, 6, 1);
		fault_set(NULL);
		assert_true(error == 0 || error == -ENOMEM);
		if (error)
			check_extent(c, 0, before.objects, 0, before.bytes);
	}
	struct cartridge_check check;
	assert_int_equal(cartridge_verify(s->c, 0, NULL, NULL, &check), 0);
	assert_int_equal(check.damaged, 0);
}

/* ---- damage ---------------------------------------------------------------------------- */

static void damage(struct scene *s, const char *name, uint64_t offset)
{
	int fd = open(scene_file(s, name), O_RDWR);
	uint8_t byte;
	assert_true(fd >= 0);
	assert_int_equal(pread(fd, &byte, 1, (off_t)offset), 1);
	byte ^= 0x10;
	assert_int_equal(pwrite(fd, &byte, 1, (off_t)offset), 1);
	close(fd);
}

static void test_damaged_data(void **state)
{
	struct scene *s = *state;
	struct cartridge_check check;
	static uint8_t buffer[4 << 20];
	assert_int_equal(append_blocks(s->c, 0, 65536, 40, 1), 0);
	assert_int_equal(cartridge_sync(s->c), 0);
	damage(s, "p0.data", (1 << 20) + 5);
	assert_int_equal(cartridge_verify(s->c, 0, NULL, NULL, &check), 0);
	assert_int_equal(check.stretches, 3);
	assert_int_equal(check.damaged, 1);
	assert_int_equal(check.first_damaged, 16);
	assert_int_equal(cartridge_pread(s->c, 0, buffer, 65536, 0, true), 0);
	assert_int_equal(cartridge_pread(s->c, 0, buffer, 100, 20 * 65536, true), -EIO);
	assert_int_equal(cartridge_pread(s->c, 0, buffer, 2 << 20, 0, true), -EIO);
	assert_int_equal(cartridge_pread(s->c, 0, buffer, 2 << 20, 0, false), 0);
	assert_int_equal(cartridge_pread(s->c, 0, buffer, 65536, 2 << 20, true), 0);
	/* Cutting the tape in the damaged stretch does not make what stays of it good. */
	assert_int_equal(cartridge_truncate(s->c, 0, 24), 0);
	assert_int_equal(append_blocks(s->c, 0, 65536, 20, 300), 0);
	scene_reopen(s, CARTRIDGE_READ);
	assert_int_equal(cartridge_verify(s->c, 0, NULL, NULL, &check), 0);
	assert_int_equal(check.damaged, 1);
	assert_int_equal(check.first_damaged, 16);
}

static void test_short_data(void **state)
{
	struct scene *s = *state;
	struct cartridge_check check;
	assert_int_equal(append_blocks(s->c, 0, 1000, 5, 1), 0);
	assert_int_equal(cartridge_append_filemarks(s->c, 0, 1), 0);
	assert_int_equal(append_blocks(s->c, 0, 1000, 5, 6), 0);
	assert_int_equal(cartridge_append_filemarks(s->c, 0, 1), 0);
	assert_int_equal(cartridge_close(&s->c), 0);
	assert_int_equal(truncate(scene_file(s, "p0.data"), 7500), 0);
	assert_int_equal(cartridge_open(s->path, CARTRIDGE_READ, &s->c), 0);
	check_extent(s->c, 0, 8, 1, 7000);
	check_blocks(s->c, 0, 6, 1000, 2, 6);
	assert_int_equal(cartridge_verify(s->c, 0, NULL, NULL, &check), 0);
	assert_true(check.data_missing && check.damaged == 0);
	assert_int_equal(scene_size(s, "p0.data"), 7500);
	/* Opening alone changes nothing; writing goes on at what is there. */
	scene_reopen(s, CARTRIDGE_WRITE);
	scene_reopen(s, CARTRIDGE_WRITE);
	assert_int_equal(scene_size(s, "p0.data"), 7500);
	assert_int_equal(cartridge_append_filemarks(s->c, 0, 60), 0);
	assert_int_equal(append_blocks(s->c, 0, 300, 1, 70), 0);
	scene_reopen(s, CARTRIDGE_READ);
	check_extent(s->c, 0, 69, 61, 7300);
	check_blocks(s->c, 0, 6, 1000, 2, 6);
	check_blocks(s->c, 0, 68, 300, 1, 70);
	assert_int_equal(scene_size(s, "p0.data"), 7300);
	/* No data at all. */
	assert_int_equal(cartridge_close(&s->c), 0);
	assert_int_equal(truncate(scene_file(s, "p0.data"), 0), 0);
	assert_int_equal(cartridge_open(s->path, CARTRIDGE_READ, &s->c), 0);
	check_extent(s->c, 0, 0, 0, 0);
}

/* A page that was good once is not taken for one that was being written. */
static void test_damaged_index(void **state)
{
	struct scene *s = *state;
	struct cartridge_check check;
	for (unsigned n = 0; n < 5; n++) {
		assert_int_equal(append_blocks(s->c, 0, 100, 1, n), 0);
		assert_int_equal(cartridge_sync(s->c), 0);
	}
	assert_int_equal(cartridge_close(&s->c), 0);
	damage(s, "p0.idx", 3 * 4096 + 40);
	assert_int_equal(cartridge_open(s->path, CARTRIDGE_WRITE, &s->c), 0);
	check_extent(s->c, 0, 2, 0, 200);
	check_blocks(s->c, 0, 0, 100, 2, 0);
	assert_int_equal(cartridge_verify(s->c, 0, NULL, NULL, &check), 0);
	assert_true(check.index_damaged && !check.data_missing);
	assert_int_equal(append_blocks(s->c, 0, 100, 1, 1), -EIO);
	assert_int_equal(cartridge_truncate(s->c, 0, 0), -EIO);
	assert_int_equal(cartridge_close(&s->c), -EIO);
	assert_int_equal(scene_size(s, "p0.data"), 500);
	/* The page is mended, and everything is there. */
	damage(s, "p0.idx", 3 * 4096 + 40);
	assert_int_equal(cartridge_open(s->path, CARTRIDGE_WRITE, &s->c), 0);
	check_extent(s->c, 0, 5, 0, 500);
	assert_int_equal(cartridge_verify(s->c, 0, NULL, NULL, &check), 0);
	assert_false(check.index_unfinished || check.index_damaged);
	/* The last commit alone may be one that never became durable. */
	assert_int_equal(cartridge_close(&s->c), 0);
	damage(s, "p0.idx", 5 * 4096 + 40);
	assert_int_equal(cartridge_open(s->path, CARTRIDGE_WRITE, &s->c), 0);
	check_extent(s->c, 0, 4, 0, 400);
	assert_int_equal(cartridge_verify(s->c, 0, NULL, NULL, &check), 0);
	assert_true(check.index_unfinished && !check.index_damaged);
	assert_int_equal(append_blocks(s->c, 0, 100, 1, 4), 0);
	assert_int_equal(cartridge_close(&s->c), 0);
	damage(s, "p0.idx", 40);
	assert_int_equal(cartridge_open(s->path, CARTRIDGE_READ, &s->c), -EBADMSG);
}

static void test_damaged_conf_and_memory(void **state)
{
	struct scene *s = *state;
	struct cartridge_attribute a = {.id = 0x0801, .length = 3, .value = (const uint8_t *)"abc"};
	assert_int_equal(cartridge_set_attribute(s->c, 0, &a), 0);
	assert_int_equal(cartridge_sync(s->c), 0);
	a.value = (const uint8_t *)"def";
	assert_int_equal(cartridge_set_attribute(s->c, 0, &a), 0);
	assert_int_equal(cartridge_close(&s->c), 0);
	/* Generations 1 and 2 are of its making. */
	damage(s, "mam.0", 35);
	assert_int_equal(cartridge_open(s->path, CARTRIDGE_WRITE, &s->c), 0);
	assert_int_equal(cartridge_attribute(s->c, 0, 0x0801, &a), 0);
	assert_memory_equal(a.value, "abc", 3);
	assert_int_equal(cartridge_close(&s->c), 0);
	damage(s, "mam.1", 35);
	assert_int_equal(cartridge_open(s->path, CARTRIDGE_WRITE, &s->c), 0);
	assert_int_equal(cartridge_attribute(s->c, 0, 0x0801, &a), -ENOENT);
	assert_int_equal(cartridge_close(&s->c), 0);
	damage(s, "cartridge.conf", 60);
	assert_int_equal(cartridge_open(s->path, CARTRIDGE_READ, &s->c), -EBADMSG);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, quiet_setup, scene_teardown)
int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_enospc),
		TEST(test_enospc_of_the_index),
		TEST(test_write_error),
		TEST(test_sync_error_of_data),
		TEST(test_sync_error_of_index),
		TEST(test_write_error_of_index),
		TEST(test_sync_error_of_memory),
		TEST(test_no_memory),
		TEST(test_damaged_data),
		TEST(test_short_data),
		TEST(test_damaged_index),
		TEST(test_damaged_conf_and_memory),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
