/* SPDX-License-Identifier: MIT */
/*
 * A drive's log pages say what holds now: counters that move and are reset, errors that are
 * remembered. Each make has its pages.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "lib/base/bytes.h"
#include "lib/base/fault.h"
#include "tests/unit/drive_scene.h"

static void check_log_pages(struct drive_scene *s, const uint8_t *expected, size_t count)
{
	scene_log_sense(s, s->a, 0x00);
	assert_int_equal(s->r.size, 4 + count);
	assert_memory_equal(s->r.data + 4, expected, count);
	/* Each of them is built with and without a tape, parameters ascending. */
	for (unsigned pass = 0; pass < 2; pass++) {
		for (size_t i = 1; i < count; i++) {
			int last = -1;
			scene_log_sense(s, s->a, expected[i]);
			size_t at = 4;
			for (; at + 4 <= s->r.size; at += 4u + s->r.data[at + 3]) {
				assert_true((int)be_get16(s->r.data + at) > last);
				last = be_get16(s->r.data + at);
			}
			assert_int_equal(at, s->r.size);
		}
		if (!pass)
			scene_load(s, "A00001L8", "LTO-8", 0);
	}
}

static void test_log_pages_listed(void **state)
{
	static const uint8_t ibm[] = {0x00, 0x02, 0x03, 0x0c, 0x0d, 0x10, 0x11, 0x12, 0x13,
				      0x14, 0x16, 0x17, 0x1b, 0x2e, 0x30, 0x31, 0x32};
	static const uint8_t hp[] = {0x00, 0x02, 0x03, 0x0c, 0x0d, 0x10, 0x11, 0x12, 0x13, 0x14,
				     0x15, 0x16, 0x17, 0x1b, 0x2e, 0x30, 0x31, 0x32, 0x33, 0x3e};
	check_log_pages(*state, ibm, sizeof(ibm));
	struct drive_scene *s = drive_scene_new(&(struct drive_scene_options){.vendor = "HP"});
	check_log_pages(s, hp, sizeof(hp));
	drive_scene_free(&s);
}

/* The tests of the drive itself: the latest first, twenty in all. */
static void test_self_tests(void **state)
{
	struct drive_scene *s = *state;
	scene_log_sense(s, s->a, 0x10);
	assert_int_equal(s->r.size, 4 + 20 * 20);
	for (uint16_t n = 1; n <= 20; n++)
		assert_int_equal(scene_log_value(s, n), 0);
	RUN(&s->r, s->a, 0x1d, 0x04); /* the default one */
	assert_good(&s->r);
	RUN(&s->r, s->a, 0x1d, 0x40); /* extended, in the background */
	assert_good(&s->r);
	RUN(&s->r, s->a, 0x1d, 0x80); /* aborts what runs: nothing does */
	assert_good(&s->r);
	scene_log_sense(s, s->a, 0x10);
	assert_memory_equal(s->r.data + 4, "\0\1\3\x10\x40\0\0\0\xff\xff\xff\xff\xff\xff\xff\xff\0\0\0\0", 20);
	assert_memory_equal(s->r.data + 24, "\0\2\3\x10\0\0\0\0\xff\xff\xff\xff\xff\xff\xff\xff\0\0\0\0", 20);
	assert_int_equal(scene_log_value(s, 3), 0);
}

/* What the medium fails is remembered: 16h of all drives, 33h and 3Eh of HP's. */
static void test_errors_remembered(void **state)
{
	(void)state;
	struct drive_scene *s = drive_scene_new(&(struct drive_scene_options){.vendor = "HP"});
	scene_log_sense(s, s->a, 0x16);
	assert_int_equal(s->r.size, 4);
	scene_log_sense(s, s->a, 0x3e);
	assert_int_equal(scene_log_value(s, 1), 0x00010000); /* no tape, a drive that is well */
	assert_int_equal(scene_log_value(s, 2), 0);
	scene_load(s, "A00001L8", "LTO-8", 0);
	scene_log_sense(s, s->a, 0x3e);
	assert_int_equal(scene_log_value(s, 1), 0x00010100);
	assert_int_equal(scene_log_value(s, 2), 1);
	scene_write(s, s->a, 4096, 1);
	fault_set("drive-flush:1");
	RUN(&s->r, s->a, 0x10); /* no marks: flushes */
	fault_set(NULL);
	assert_check(&s->r, SENSE_MEDIUM_ERROR, ASC_WRITE_ERROR);
	scene_log_sense(s, s->a, 0x16);
	assert_int_equal(s->r.size, 4 + 72);
	const uint8_t *event = s->r.data + 4;
	assert_memory_equal(event, "\0\0\3\x44\0\0\x5e\x88", 8);
	assert_memory_equal(event + 13, "\3\x0c\0", 3);
	assert_memory_equal(event + 20, "N9M1", 4);
	assert_int_equal(event[28], 0x10);
	assert_memory_equal(event + 32, "A00001L8   ", 11);
	assert_int_equal(event[64], 3);
	scene_log_sense(s, s->a, 0x33);
	assert_int_equal(s->r.size, 4 + 16);
	assert_memory_equal(s->r.data + 4, "\0\0\0\x0c", 4);
	assert_memory_equal(s->r.data + 16, "\3\x0c\0\0", 4);
	scene_log_sense(s, s->a, 0x3e);
	assert_int_equal(scene_log_value(s, 1), 0x00010300);
	scene_log_sense(s, s->a, 0x14);
	assert_int_equal(scene_log_value(s, 0x000e), 1);
	drive_scene_free(&s);
}

/* 600 blocks of 4096 bytes on a tape of 50 MiB, then one that is read. */
static void write_and_read(struct drive_scene *s)
{
	scene_load(s, "A00001L8", "LTO-8", UINT64_C(50) << 20);
	for (unsigned i = 0; i < 600; i++) {
		scene_write(s, s->a, 4096, i);
		assert_good(&s->r);
	}
	scene_mark(s, s->a);
	scene_rewind(s, s->a);
	assert_true(scene_read(s, s->a, 4096, 0));
}

static void check_value(struct drive_scene *s, uint8_t page, uint16_t parameter, uint64_t expected)
{
	scene_log_sense(s, s->a, page);
	assert_int_equal(scene_log_value(s, parameter), expected);
}

static void test_capacity(void **state)
{
	struct drive_scene *s = *state;
	scene_load(s, "A00001L8", "LTO-8", UINT64_C(50) << 20);
	check_value(s, 0x31, 1, 50);
	check_value(s, 0x31, 3, 50);
	check_value(s, 0x31, 2, 0);
	for (unsigned i = 0; i < 600; i++)
		scene_write(s, s->a, 4096, i);
	check_value(s, 0x31, 1, 47); /* 2,457,600 bytes are there, maybe in the buffer still */
}

static void test_counters_move(void **state)
{
	static const struct {
		uint8_t page;
		uint16_t parameter;
		uint64_t value;
	} counters[] = {
		{0x02, 5, 2457600}, {0x02, 6, 0}, {0x03, 5, 4096}, {0x0c, 0, 2457600}, {0x0c, 3, 4096},
		{0x0c, 4, 2}, /* MB to the end of data */
		{0x1b, 6, 2}, {0x1b, 7, 457600}, {0x17, 0, 1}, {0x17, 1, 1}, {0x17, 0x000e, 2},
	};
	struct drive_scene *s = *state;
	write_and_read(s);
	for (size_t i = 0; i < sizeof(counters) / sizeof(counters[0]); i++)
		check_value(s, counters[i].page, counters[i].parameter, counters[i].value);
}

static void test_counters_are_reset(void **state)
{
	struct drive_scene *s = *state;
	write_and_read(s);
	/* Default thresholds: there are none. */
	RUN(&s->r, s->a, 0x4c, 0, 0x82);
	assert_good(&s->r);
	check_value(s, 0x02, 5, 2457600);
	/* Parameters are never set, with PCR or without. */
	for (uint8_t pcr = 0; pcr <= 2; pcr += 2) {
		SEND(&s->r, s->a, "\x02\0\0\0", 4, 0x4c, pcr, 0x42, 0, 0, 0, 0, 0, 4);
		assert_field(&s->r, 7, 8);
	}
	/* LOG SELECT with PCR: only the page that it names. */
	SEND(&s->r, s->a, NULL, 0, 0x4c, 0x02, 0x42);
	assert_good(&s->r);
	check_value(s, 0x02, 5, 0);
	check_value(s, 0x03, 5, 4096);
	/* Default cumulative values are what they begin with. */
	RUN(&s->r, s->a, 0x4c, 0, 0xc3);
	assert_good(&s->r);
	check_value(s, 0x03, 5, 0);
}

/* Totals go with the tape and come back with it. */
static void test_totals_stay_with_the_tape(void **state)
{
	struct drive_scene *s = *state;
	write_and_read(s);
	scene_unload(s);
	check_value(s, 0x17, 0x0000, 0);
	scene_reload(s, "A00001L8");
	check_value(s, 0x17, 0x0001, 2);
	check_value(s, 0x17, 0x0010, 2);
	check_value(s, 0x17, 0x000e, 0);
	check_value(s, 0x30, 2, 600);
}

static void test_device_status(void **state)
{
	struct drive_scene *s = *state;
	scene_log_sense(s, s->a, 0x11);
	assert_int_equal(scene_log_value(s, 0), 0x11000000); /* CMPR, DINIT */
	scene_load(s, "A00001L8", "LTO-8", 0);
	scene_log_sense(s, s->a, 0x11);
	assert_int_equal(scene_log_value(s, 0), 0x31130000); /* MACC; MPRSNT, MTHRD, MOUNTED */
	RUN(&s->r, s->a, 0x1e, 0, 0, 0, 1);
	assert_good(&s->r);
	scene_log_sense(s, s->a, 0x11);
	assert_int_equal(scene_log_value(s, 0), 0xb1130000); /* PAMR */
	RUN(&s->r, s->a, 0x1b);
	assert_check(&s->r, SENSE_ILLEGAL_REQUEST, ASC_REMOVAL_PREVENTED);
	scene_log_sense(s, s->a, 0x2e);
	assert_int_equal(scene_log_value(s, 10), 1);
	RUN(&s->r, s->a, 0x1e);
	RUN(&s->r, s->a, 0x1b);
	assert_good(&s->r);
	scene_log_sense(s, s->a, 0x11);
	assert_int_equal(scene_log_value(s, 0), 0x11300000); /* RAA, MPRSNT */
}

#define CASE(test) cmocka_unit_test_setup_teardown(test, drive_scene_setup, drive_scene_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(test_log_pages_listed), CASE(test_capacity), CASE(test_counters_move),
		CASE(test_counters_are_reset), CASE(test_totals_stay_with_the_tape),
		CASE(test_device_status),    CASE(test_self_tests),   cmocka_unit_test(test_errors_remembered),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
