/* SPDX-License-Identifier: MIT */
/*
 * A drive's log pages say what holds now: counters that move and are reset, flags that are cleared
 * when they are read, errors that are remembered. Each make has its pages.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "lib/base/bytes.h"
#include "lib/base/fault.h"
#include "tests/unit/drive_scene.h"

static void log_sense(struct drive_scene *s, uint8_t code)
{
	RUN(&s->r, s->a, 0x4d, 0, (uint8_t)(0x40 | code), 0, 0, 0, 0, 0x20, 0);
	assert_good(&s->r);
	assert_int_equal(s->r.data[0] & 0x3f, code);
	assert_int_equal(be_get16(s->r.data + 2), s->r.size - 4);
}

/* A parameter's value as a number; the last LOG SENSE has it. */
static uint64_t log_value(struct drive_scene *s, uint16_t code)
{
	for (size_t at = 4; at + 4 <= s->r.size; at += 4u + s->r.data[at + 3]) {
		if (be_get16(s->r.data + at) != code)
			continue;
		uint64_t value = 0;
		for (unsigned i = 0; i < s->r.data[at + 3]; i++)
			value = value << 8 | s->r.data[at + 4 + i];
		return value;
	}
	fail_msg("no parameter %04x", code);
	return 0;
}

static void check_log_pages(struct drive_scene *s, const uint8_t *expected, size_t count)
{
	log_sense(s, 0x00);
	assert_int_equal(s->r.size, 4 + count);
	assert_memory_equal(s->r.data + 4, expected, count);
	/* Each of them is built with and without a tape, parameters ascending. */
	for (unsigned pass = 0; pass < 2; pass++) {
		for (size_t i = 1; i < count; i++) {
			int last = -1;
			log_sense(s, expected[i]);
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
	log_sense(s, 0x10);
	assert_int_equal(s->r.size, 4 + 20 * 20);
	for (uint16_t n = 1; n <= 20; n++)
		assert_int_equal(log_value(s, n), 0);
	RUN(&s->r, s->a, 0x1d, 0x04); /* the default one */
	assert_good(&s->r);
	RUN(&s->r, s->a, 0x1d, 0x40); /* extended, in the background */
	assert_good(&s->r);
	RUN(&s->r, s->a, 0x1d, 0x80); /* aborts what runs: nothing does */
	assert_good(&s->r);
	log_sense(s, 0x10);
	assert_memory_equal(s->r.data + 4, "\0\1\3\x10\x40\0\0\0\xff\xff\xff\xff\xff\xff\xff\xff\0\0\0\0", 20);
	assert_memory_equal(s->r.data + 24, "\0\2\3\x10\0\0\0\0\xff\xff\xff\xff\xff\xff\xff\xff\0\0\0\0", 20);
	assert_int_equal(log_value(s, 3), 0);
}

/* What the medium fails is remembered: 16h of all drives, 33h and 3Eh of HP's. */
static void test_errors_remembered(void **state)
{
	(void)state;
	struct drive_scene *s = drive_scene_new(&(struct drive_scene_options){.vendor = "HP"});
	log_sense(s, 0x16);
	assert_int_equal(s->r.size, 4);
	log_sense(s, 0x3e);
	assert_int_equal(log_value(s, 1), 0x00010000); /* no tape, a drive that is well */
	assert_int_equal(log_value(s, 2), 0);
	scene_load(s, "A00001L8", "LTO-8", 0);
	log_sense(s, 0x3e);
	assert_int_equal(log_value(s, 1), 0x00010100);
	assert_int_equal(log_value(s, 2), 1);
	scene_write(s, s->a, 4096, 1);
	fault_set("drive-flush:1");
	RUN(&s->r, s->a, 0x10); /* no marks: flushes */
	fault_set(NULL);
	assert_check(&s->r, SENSE_MEDIUM_ERROR, ASC_WRITE_ERROR);
	log_sense(s, 0x16);
	assert_int_equal(s->r.size, 4 + 72);
	const uint8_t *event = s->r.data + 4;
	assert_memory_equal(event, "\0\0\3\x44\0\0\x5e\x88", 8);
	assert_memory_equal(event + 13, "\3\x0c\0", 3);
	assert_memory_equal(event + 20, "N9M1", 4);
	assert_int_equal(event[28], 0x10);
	assert_memory_equal(event + 32, "A00001L8   ", 11);
	assert_int_equal(event[64], 3);
	log_sense(s, 0x33);
	assert_int_equal(s->r.size, 4 + 16);
	assert_memory_equal(s->r.data + 4, "\0\0\0\x0c", 4);
	assert_memory_equal(s->r.data + 16, "\3\x0c\0\0", 4);
	log_sense(s, 0x3e);
	assert_int_equal(log_value(s, 1), 0x00010300);
	log_sense(s, 0x14);
	assert_int_equal(log_value(s, 0x000e), 1);
	drive_scene_free(&s);
}

static void test_log_counters(void **state)
{
	struct drive_scene *s = *state;
	scene_load(s, "A00001L8", "LTO-8", UINT64_C(50) << 20);
	log_sense(s, 0x31);
	assert_int_equal(log_value(s, 1), 50);
	assert_int_equal(log_value(s, 3), 50);
	assert_int_equal(log_value(s, 2), 0);
	for (unsigned i = 0; i < 600; i++) {
		scene_write(s, s->a, 4096, i);
		assert_good(&s->r);
	}
	log_sense(s, 0x31);
	assert_int_equal(log_value(s, 1), 47); /* 2,457,600 bytes are there, maybe in the buffer still */
	scene_mark(s, s->a);
	log_sense(s, 0x02);
	assert_int_equal(log_value(s, 5), 2457600);
	assert_int_equal(log_value(s, 6), 0);
	scene_rewind(s, s->a);
	assert_true(scene_read(s, s->a, 4096, 0));
	log_sense(s, 0x03);
	assert_int_equal(log_value(s, 5), 4096);
	log_sense(s, 0x0c);
	assert_int_equal(log_value(s, 0), 2457600);
	assert_int_equal(log_value(s, 3), 4096);
	assert_int_equal(log_value(s, 4), 2); /* MB to the end of data */
	log_sense(s, 0x1b);
	assert_int_equal(log_value(s, 0x0006), 2);
	assert_int_equal(log_value(s, 0x0007), 457600);
	log_sense(s, 0x17);
	assert_int_equal(log_value(s, 0x0000), 1);
	assert_int_equal(log_value(s, 0x0001), 1);
	assert_int_equal(log_value(s, 0x000e), 2);
	/* Default thresholds: there are none. */
	RUN(&s->r, s->a, 0x4c, 0, 0x82);
	assert_good(&s->r);
	log_sense(s, 0x02);
	assert_int_equal(log_value(s, 5), 2457600);
	/* Parameters are never set, with PCR or without. */
	for (uint8_t pcr = 0; pcr <= 2; pcr += 2) {
		SEND(&s->r, s->a, "\x02\0\0\0", 4, 0x4c, pcr, 0x42, 0, 0, 0, 0, 0, 4);
		assert_field(&s->r, 7, 8);
	}
	/* LOG SELECT with PCR: only the page that it names. */
	SEND(&s->r, s->a, NULL, 0, 0x4c, 0x02, 0x42);
	assert_good(&s->r);
	log_sense(s, 0x02);
	assert_int_equal(log_value(s, 5), 0);
	log_sense(s, 0x03);
	assert_int_equal(log_value(s, 5), 4096);
	/* Default cumulative values are what they begin with. */
	RUN(&s->r, s->a, 0x4c, 0, 0xc3);
	assert_good(&s->r);
	log_sense(s, 0x03);
	assert_int_equal(log_value(s, 5), 0);
	/* Totals go with the tape and come back with it. */
	scene_unload(s);
	log_sense(s, 0x17);
	assert_int_equal(log_value(s, 0x0000), 0);
	scene_reload(s, "A00001L8");
	log_sense(s, 0x17);
	assert_int_equal(log_value(s, 0x0001), 2);
	assert_int_equal(log_value(s, 0x0010), 2);
	assert_int_equal(log_value(s, 0x000e), 0);
	log_sense(s, 0x30);
	assert_int_equal(log_value(s, 2), 600);
}

/* TapeAlert: all 64 are told; a real condition sets one; reading clears it. */
static void test_tape_alert(void **state)
{
	struct drive_scene *s = *state;
	struct cartridge_info info = {.capacity = 1 << 20, .partitions = 1, .partition_size = {1 << 20},
				      .barcode = "A00001L5", .medium = "LTO-5"};
	char path[128];
	log_sense(s, 0x2e);
	assert_int_equal(s->r.size, 4 + 64 * 5);
	for (uint16_t flag = 1; flag <= 64; flag++)
		assert_int_equal(log_value(s, flag), 0);
	/* A tape that the drive does not take. */
	assert_int_equal(cartridge_create(s->folder, &info), 0);
	snprintf(path, sizeof(path), "%s/A00001L5", s->folder);
	assert_int_equal(drive_load(s->drive, path), -EMEDIUMTYPE);
	log_sense(s, 0x12);
	assert_int_equal(log_value(s, 0), UINT64_C(1) << (64 - 12));
	log_sense(s, 0x11);
	assert_int_equal(log_value(s, 0) & 0xff, 1); /* TAFC */
	log_sense(s, 0x2e);
	assert_int_equal(log_value(s, 12), 1);
	log_sense(s, 0x2e);
	assert_int_equal(log_value(s, 12), 0);
	/* Flags below the parameter pointer are neither told nor cleared. */
	uint8_t page[12] = {0x1c, 0x0a, 0x04, 0, 0, 0, 0, 0, 0, 0, 0, 5};
	scene_mode_select(s, page, 12);
	assert_good(&s->r);
	RUN(&s->r, s->a, 0x4d, 0, 0x6e, 0, 0, 0, 6, 0x20, 0);
	assert_good(&s->r);
	assert_int_equal(be_get16(s->r.data + 4), 6);
	log_sense(s, 0x2e);
	assert_int_equal(log_value(s, 5), 1);
	/* The tests of page 1Ch: all, one back, and what is refused. */
	be_put32(page + 8, 32767);
	scene_mode_select(s, page, 12);
	be_put32(page + 8, (uint32_t)-7);
	scene_mode_select(s, page, 12);
	log_sense(s, 0x2e);
	assert_int_equal(log_value(s, 7), 0);
	assert_int_equal(log_value(s, 64), 1);
	be_put32(page + 8, 65);
	scene_mode_select(s, page, 12);
	assert_parameter(&s->r, 16);
	/* MRIE: none, and the one that PER holds back; the flags raised above are told of by nothing else. */
	static const struct {
		uint8_t mrie;
		bool taken;
	} methods[] = {{0, true}, {1, false}, {2, false}, {3, true}, {4, false}, {5, false}, {6, false}, {15, false}};
	be_put32(page + 8, 0);
	page[2] = 0;
	for (size_t i = 0; i < sizeof(methods) / sizeof(methods[0]); i++) {
		page[3] = methods[i].mrie;
		scene_mode_select(s, page, 12);
		if (methods[i].taken)
			assert_good(&s->r);
		else
			assert_parameter(&s->r, 11);
	}
	assert_int_equal(scene_mode_sense(s, 0x1c, 0, CURRENT)[3], 3);
	page[3] = 0;
	be_put32(page + 8, 65);
	page[2] = 0x0c; /* DEXCPT and TEST */
	scene_mode_select(s, page, 12);
	assert_parameter(&s->r, 10);
	assert_int_equal(scene_mode_sense(s, 0x1c, 0, CURRENT)[2] & 0x04, 0);
}

static void test_device_status(void **state)
{
	struct drive_scene *s = *state;
	log_sense(s, 0x11);
	assert_int_equal(log_value(s, 0), 0x11000000); /* CMPR, DINIT */
	scene_load(s, "A00001L8", "LTO-8", 0);
	log_sense(s, 0x11);
	assert_int_equal(log_value(s, 0), 0x31130000); /* MACC; MPRSNT, MTHRD, MOUNTED */
	RUN(&s->r, s->a, 0x1e, 0, 0, 0, 1);
	assert_good(&s->r);
	log_sense(s, 0x11);
	assert_int_equal(log_value(s, 0), 0xb1130000); /* PAMR */
	RUN(&s->r, s->a, 0x1b);
	assert_check(&s->r, SENSE_ILLEGAL_REQUEST, ASC_REMOVAL_PREVENTED);
	log_sense(s, 0x2e);
	assert_int_equal(log_value(s, 10), 1);
	RUN(&s->r, s->a, 0x1e);
	RUN(&s->r, s->a, 0x1b);
	assert_good(&s->r);
	log_sense(s, 0x11);
	assert_int_equal(log_value(s, 0), 0x11300000); /* RAA, MPRSNT */
}

#define CASE(test) cmocka_unit_test_setup_teardown(test, drive_scene_setup, drive_scene_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(test_log_pages_listed), CASE(test_log_counters), CASE(test_tape_alert),
		CASE(test_device_status),    CASE(test_self_tests),   cmocka_unit_test(test_errors_remembered),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
