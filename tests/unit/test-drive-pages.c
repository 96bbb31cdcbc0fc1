/* SPDX-License-Identifier: MIT */
/*
 * A drive's mode and VPD pages say what holds now: current, changeable and default values. Its log
 * pages are in test-drive-log.c.
 */
#include <stdio.h>
#include <string.h>

#include "lib/base/bytes.h"
#include "tests/unit/drive_scene.h"

#include "target/tape/drive_private.h"

/* ---- mode pages ---------------------------------------------------------------------------------- */

static const struct {
	uint8_t code, subpage;
	const char *current, *changeable, *defaults; /* hexadecimal; loaded with an LTO-8 tape */
} mode_table[] = {
	{0x01, 0, "010a00000000000000000000", "010a00000000000000000000", "010a00000000000000000000"},
	{0x02, 0, "020e0000000000000000000000000000", "020e0000000000000000000000000000",
	 "020e0000000000000000000000000000"},
	{0x0a, 0xf0, "4af0001c0000000000000000000000000000000000000000000000000000000000",
	 "4af0001cff3fc000000000000000000000000000000000000000000000000000",
	 "4af0001c0000000000000000000000000000000000000000000000000000000000"},
	{0x0f, 0, "0f0ec080000000010000000100000000", "0f0e8000000000000000000000000000",
	 "0f0ec080000000010000000100000000"},
	{0x10, 0, "100e0000000000964000180000000100", "100e000000000000000000000000ff00",
	 "100e0000000000964000180000000100"},
	{0x10, 1, "5001001c0002000000000000000000000000000000000000000000000000000000",
	 "5001001c00f0ffff00000000000000000000000000000000000000000000000000",
	 "5001001c0002000000000000000000000000000000000000000000000000000000"},
	{0x11, 0, "110a01001c03060000640000", "110a00fff8000f00ffffffff", "110a01001c030900ffff0000"},
	{0x18, 0, "1806050000000000", "1806000000000000", "1806050000000000"},
	{0x19, 0, "1906050000000000", "1906000000000000", "1906050000000000"},
	{0x1a, 0, "1a0a00000000000000000000", "1a0a00000000000000000000", "1a0a00000000000000000000"},
	{0x1c, 0, "1c0a08000000000000000000", "1c0a0c0f00000000ffffffff", "1c0a08000000000000000000"},
	{0x1d, 0, "1d1e000000", "1d1e000000", "1d1e000000"},
	{0x24, 0, "2406000000000000", "2406000000000000", "2406000000000000"},
};

/* The hexadecimal digits that are given are the first bytes of the page. */
static void check_hex(const uint8_t *data, const char *hex)
{
	char text[128] = "";
	size_t digits = strlen(hex) & ~(size_t)1;
	for (size_t i = 0; i < digits / 2; i++)
		snprintf(text + 2 * i, 3, "%02x", data[i]);
	assert_memory_equal(text, hex, digits);
}

static void test_mode_values(void **state)
{
	struct drive_scene *s = *state;
	scene_load(s, "A00001L8", "LTO-8", 0);
	for (size_t i = 0; i < sizeof(mode_table) / sizeof(mode_table[0]); i++) {
		uint8_t code = mode_table[i].code, subpage = mode_table[i].subpage;
		check_hex(scene_mode_sense(s, code, subpage, CURRENT), mode_table[i].current);
		check_hex(scene_mode_sense(s, code, subpage, CHANGEABLE), mode_table[i].changeable);
		check_hex(scene_mode_sense(s, code, subpage, DEFAULT), mode_table[i].defaults);
		RUN(&s->r, s->a, 0x5a, 8, (uint8_t)(SAVED << 6 | code), subpage, 0, 0, 0, 1, 0);
		assert_check(&s->r, SENSE_ILLEGAL_REQUEST, ASC_SAVING_NOT_SUPPORTED);
	}
	/* All pages fit MODE SENSE(6). */
	RUN(&s->r, s->a, 0x1a, 0, 0x3f, 0, 0xff);
	assert_good(&s->r);
}

/* What is not changeable is refused, and a page is sent back as it came without harm. */
static void test_mode_select(void **state)
{
	struct drive_scene *s = *state;
	uint8_t page[64];
	scene_load(s, "A00001L8", "LTO-8", 0);
	for (size_t i = 0; i < sizeof(mode_table) / sizeof(mode_table[0]); i++) {
		const uint8_t *now = scene_mode_sense(s, mode_table[i].code, mode_table[i].subpage, CURRENT);
		size_t header = mode_table[i].subpage ? 4 : 2;
		size_t size = mode_table[i].subpage ? 4u + be_get16(now + 2) : 2u + now[1];
		memcpy(page, now, size);
		scene_mode_select(s, page, size);
		assert_good(&s->r);
		const uint8_t *mask = scene_mode_sense(s, mode_table[i].code, mode_table[i].subpage, CHANGEABLE);
		for (size_t byte = header; byte < size; byte++) {
			if (mask[byte])
				continue;
			page[byte] ^= 0x01;
			scene_mode_select(s, page, size);
			page[byte] ^= 0x01;
			assert_check(&s->r, SENSE_ILLEGAL_REQUEST, ASC_INVALID_FIELD_IN_PARAMETERS);
			assert_int_equal(s->r.sense.field_byte, 8 + byte);
			mask = scene_mode_sense(s, mode_table[i].code, mode_table[i].subpage, CHANGEABLE);
		}
	}
}

/* 0Fh and 10h are two sides of one thing; the others are told of the change. */
static void test_mode_compression(void **state)
{
	struct drive_scene *s = *state;
	uint8_t page[16];
	memcpy(page, scene_mode_sense(s, 0x0f, 0, CURRENT), 16);
	page[2] &= 0x7f;
	scene_mode_select(s, page, 16);
	assert_good(&s->r);
	assert_int_equal(scene_mode_sense(s, 0x10, 0, CURRENT)[14], 0);
	RUN(&s->r, s->b, 0x00);
	assert_check(&s->r, SENSE_UNIT_ATTENTION, ASC_MODE_PARAMETERS_CHANGED);
	memcpy(page, scene_mode_sense(s, 0x10, 0, CURRENT), 16);
	page[14] = 1;
	scene_mode_select(s, page, 16);
	assert_good(&s->r);
	assert_int_equal(scene_mode_sense(s, 0x0f, 0, CURRENT)[2], 0xc0);
	page[14] = 2;
	scene_mode_select(s, page, 16);
	assert_check(&s->r, SENSE_ILLEGAL_REQUEST, ASC_INVALID_FIELD_IN_PARAMETERS);
}

static void test_mode_extension(void **state)
{
	struct drive_scene *s = *state;
	uint8_t page[32];
	memcpy(page, scene_mode_sense(s, 0x10, 1, CURRENT), 32);
	page[5] = 0x12;
	be_put16(page + 6, 40);
	scene_mode_select(s, page, 32);
	assert_good(&s->r);
	assert_int_equal(drive_of(drive_lu(s->drive))->mode.early_warning, 40);
	assert_true(drive_of(drive_lu(s->drive))->mode.append_only);
	assert_memory_equal(scene_mode_sense(s, 0x10, 1, CURRENT), page, 32);
	page[5] = 0x22;
	scene_mode_select(s, page, 32);
	assert_check(&s->r, SENSE_ILLEGAL_REQUEST, ASC_INVALID_FIELD_IN_PARAMETERS);
	/* A reset brings the defaults back. */
	scsi_target_reset(s->target);
	scene_quiet(s, s->a);
	assert_int_equal(scene_mode_sense(s, 0x10, 1, CURRENT)[5], 0x02);
	assert_int_equal(be_get16(scene_mode_sense(s, 0x10, 1, CURRENT) + 6), 0);
}

/* Header and block descriptor: density, medium type, WP, buffered mode, block length. */
static void test_mode_header(void **state)
{
	struct drive_scene *s = *state;
	static const uint8_t fixed[12] = {0, 0, 0x10, 8, 0, 0, 0, 0, 0, 0, 0x02, 0x00};
	static const uint8_t unbuffered[12] = {0, 0, 0x00, 8, 0x5e, 0, 0, 0, 0, 0, 0, 0};
	static const uint8_t wrong_density[12] = {0, 0, 0x10, 8, 0x46, 0, 0, 0, 0, 0, 0, 0};
	static const uint8_t too_long[12] = {0, 0, 0x10, 8, 0, 0, 0, 0, 0, 0x80, 0, 5};
	RUN(&s->r, s->a, 0x1a, 0, 0, 0, 12);
	assert_memory_equal(s->r.data, "\x0b\0\x10\x08\0\0\0\0\0\0\0\0", 12);
	scene_load(s, "A00001LY", "LTO-8-WORM", 0);
	RUN(&s->r, s->a, 0x1a, 0, 0, 0, 12);
	assert_memory_equal(s->r.data, "\x0b\x8c\x10\x08\x5e\0\0\0\0\0\0\0", 12);
	assert_int_equal(scene_mode_sense(s, 0x1d, 0, CURRENT)[2], 1);
	assert_int_equal(scene_mode_sense(s, 0x1d, 0, CURRENT)[5], 3);
	SEND(&s->r, s->a, fixed, 12, 0x15, 0x10, 0, 0, 12);
	assert_good(&s->r);
	RUN(&s->r, s->a, 0x1a, 0, 0, 0, 12);
	assert_memory_equal(s->r.data, "\x0b\x8c\x10\x08\x5e\0\0\0\0\0\x02\0", 12);
	SEND(&s->r, s->a, unbuffered, 12, 0x15, 0x10, 0, 0, 12);
	assert_good(&s->r);
	RUN(&s->r, s->a, 0x1a, 0, 0, 0, 12);
	assert_memory_equal(s->r.data, "\x0b\x8c\x00\x08\x5e\0\0\0\0\0\0\0", 12);
	SEND(&s->r, s->a, wrong_density, 12, 0x15, 0x10, 0, 0, 12);
	assert_parameter(&s->r, 4);
	SEND(&s->r, s->a, too_long, 12, 0x15, 0x10, 0, 0, 12);
	assert_parameter(&s->r, 9);
	/* An LTO-6 tape in an LTO-8 drive is not taken; LTO-7 is written. */
	scene_unload(s);
	scene_load(s, "A00002L7", "LTO-7", 0);
	RUN(&s->r, s->a, 0x1a, 0, 0, 0, 12);
	assert_memory_equal(s->r.data, "\x0b\x78\x00\x08\x5c\0\0\0\0\0\0\0", 12);
}

/* A tape that this drive only reads says so in the WP bit. */
static void test_mode_protected(void **state)
{
	(void)state;
	struct drive_scene *s = drive_scene_new(&(struct drive_scene_options){.generation = 7});
	scene_load(s, "A00001L5", "LTO-5", 0);
	RUN(&s->r, s->a, 0x1a, 0, 0, 0, 12);
	assert_memory_equal(s->r.data, "\x0b\x58\x90\x08\x58", 5);
	drive_scene_free(&s);
}

/* 11h: what was asked for is made by FORMAT MEDIUM, and told then. */
static void test_mode_partitions(void **state)
{
	struct drive_scene *s = *state;
	uint8_t page[12];
	scene_load(s, "A00001L8", "LTO-8", UINT64_C(12000000000000));
	memcpy(page, scene_mode_sense(s, 0x11, 0, CURRENT), 12);
	assert_int_equal(page[6], 9);
	assert_int_equal(be_get16(page + 8), 12000);
	/* As mkltfs asks: one more, 1 GB in partition 1, the rest in partition 0. */
	page[3] = 1;
	page[4] = 0x20 | (page[4] & 0x1f);
	page[6] = 9;
	be_put16(page + 8, 0xffff);
	be_put16(page + 10, 1);
	scene_mode_select(s, page, 12);
	assert_good(&s->r);
	assert_int_equal(scene_mode_sense(s, 0x11, 0, CURRENT)[3], 0);
	RUN(&s->r, s->a, 0x04, 0, 1);
	assert_good(&s->r);
	memcpy(page, scene_mode_sense(s, 0x11, 0, CURRENT), 12);
	assert_int_equal(page[3], 1);
	assert_int_equal(be_get16(page + 8), 11999);
	assert_int_equal(be_get16(page + 10), 1);
	static const struct {
		uint8_t count, flags, unit;
		uint16_t first, second;
		unsigned wrong; /* byte of the page; 0: accepted */
	} cases[] = {
		{2, 0x3c, 9, 0xffff, 1, 3},	  {1, 0x9c, 9, 0xffff, 1, 0}, {1, 0x5c, 9, 0, 0, 0},
		{1, 0xfc, 9, 0xffff, 1, 4},	  {1, 0x3c, 9, 1, 0xffff, 0}, {1, 0x3c, 9, 0xffff, 0xffff, 10},
		{1, 0x3c, 9, 0, 1, 8},		  {1, 0x3c, 9, 12000, 1, 10}, {1, 0x3c, 13, 0xffff, 1, 6},
		{1, 0x34, 0, 0xffff, 30000, 0},	  {0, 0x3c, 9, 0, 0, 0},
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		memcpy(page, scene_mode_sense(s, 0x11, 0, CURRENT), 12);
		page[3] = cases[i].count;
		page[4] = cases[i].flags;
		page[6] = cases[i].unit;
		be_put16(page + 8, cases[i].first);
		be_put16(page + 10, cases[i].second);
		scene_mode_select(s, page, 12);
		if (cases[i].wrong)
			assert_parameter(&s->r, 8 + cases[i].wrong);
		else
			assert_good(&s->r);
	}
}

/* ---- VPD, densities ----------------------------------------------------------------------------- */

static void check_vpd(struct drive_scene *s, uint8_t code, const void *bytes, size_t size)
{
	RUN(&s->r, s->a, 0x12, 1, code, 1, 0);
	assert_good(&s->r);
	assert_int_equal(s->r.data[1], code);
	assert_int_equal(be_get16(s->r.data + 2), size);
	assert_memory_equal(s->r.data + 4, bytes, size);
}

static void test_vpd(void **state)
{
	struct drive_scene *s = *state;
	check_vpd(s, 0xb0, "\x03\x00", 2);
	check_vpd(s, 0xb1, "GR00000001", 10);
	check_vpd(s, 0xb2, "\x2c\xf0\x84\x00\x00\x00\x00\x10", 8);
	RUN(&s->r, s->a, 0x12, 1, 0xb3, 1, 0); /* no changer */
	assert_field(&s->r, 2, 8);
	drive_set_automation(s->drive, "LIBRARY01_LL0");
	check_vpd(s, 0xb3, "LIBRARY01_LL0", 13);
	check_vpd(s, 0xb4, "\x01\xf4", 2);
	/* Sorted, and what is listed can be read. */
	RUN(&s->r, s->a, 0x12, 1, 0x00, 1, 0);
	assert_int_equal(s->r.size, 4 + 13);
	assert_memory_equal(s->r.data + 4, "\x00\x80\x83\x86\x87\xb0\xb1\xb2\xb3\xb4\xb5\xc0\xc1", 13);
	check_vpd(s, 0xc1, "GR00000001  GR00000001  ", 24);
	RUN(&s->r, s->a, 0x12, 1, 0xc0, 1, 0);
	assert_int_equal(be_get16(s->r.data + 2), 39);
	assert_memory_equal(s->r.data + 4, "N9M1", 4);
}

/* HP drives have none of IBM's pages. */
static void test_other_vendor(void **state)
{
	(void)state;
	struct drive_scene *s = drive_scene_new(&(struct drive_scene_options){.vendor = "HP"});
	RUN(&s->r, s->a, 0x12, 1, 0xc0, 1, 0);
	assert_field(&s->r, 2, 8);
	RUN(&s->r, s->a, 0x12, 1, 0x00, 1, 0);
	assert_null(memchr(s->r.data + 4, 0xc0, s->r.size - 4));
	RUN(&s->r, s->a, 0x1a, 8, 0x24, 0, 0xff);
	assert_field(&s->r, 2, 8);
	drive_scene_free(&s);
}

static void test_density(void **state)
{
	struct drive_scene *s = *state;
	static const struct {
		uint8_t code, flags;
		uint32_t bits, tracks, megabytes;
	} expected[] = {
		{0x5c, 0x80, 19107, 3584, 6000000}, /* LTO-7 */
		{0x5d, 0x80, 19107, 5376, 9000000}, /* LTO-M8 */
		{0x5e, 0xa0, 20669, 6656, 12000000},
	};
	RUN(&s->r, s->a, 0x44, 0, 0, 0, 0, 0, 0, 0x10, 0);
	assert_good(&s->r);
	assert_int_equal(s->r.size, 4 + 3 * 52);
	assert_int_equal(be_get16(s->r.data), 2 + 3 * 52);
	for (unsigned i = 0; i < 3; i++) {
		const uint8_t *d = s->r.data + 4 + i * 52;
		assert_int_equal(d[0], expected[i].code);
		assert_int_equal(d[1], expected[i].code);
		assert_int_equal(d[2], expected[i].flags);
		assert_int_equal(be_get24(d + 5), expected[i].bits);
		assert_int_equal(be_get16(d + 8), 127);
		assert_int_equal(be_get16(d + 10), expected[i].tracks);
		assert_int_equal(be_get32(d + 12), expected[i].megabytes);
		assert_memory_equal(d + 16, "LTO-CVE ", 8);
	}
	RUN(&s->r, s->a, 0x44, 1, 0, 0, 0, 0, 0, 0x10, 0);
	assert_check(&s->r, SENSE_NOT_READY, ASC_NO_MEDIUM);
	RUN(&s->r, s->a, 0x44, 2, 0, 0, 0, 0, 0, 0x10, 0);
	assert_int_equal(s->r.size, 4 + 5 * 56); /* LTO-7 and -8 with their WORM ones, M8 */
	scene_load(s, "A00001LY", "LTO-8-WORM", 0);
	RUN(&s->r, s->a, 0x44, 1, 0, 0, 0, 0, 0, 0x10, 0);
	assert_int_equal(s->r.size, 4 + 52);
	assert_int_equal(s->r.data[4], 0x5e);
	RUN(&s->r, s->a, 0x44, 3, 0, 0, 0, 0, 0, 0x10, 0);
	assert_int_equal(s->r.size, 4 + 56);
	assert_memory_equal(s->r.data + 4, "\x8c\x00\x00\x34\x01\x5e", 6);
	/* The length is of all, whatever the allocation length cuts. */
	RUN(&s->r, s->a, 0x44, 0, 0, 0, 0, 0, 0, 0, 4);
	assert_int_equal(s->r.size, 4);
	assert_int_equal(be_get16(s->r.data), 2 + 3 * 52);
}

#define CASE(test) cmocka_unit_test_setup_teardown(test, drive_scene_setup, drive_scene_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(test_mode_values),	    CASE(test_mode_select),	CASE(test_mode_compression),
		CASE(test_mode_extension),  CASE(test_mode_header),	CASE(test_mode_partitions),
		CASE(test_vpd),		    CASE(test_density),		cmocka_unit_test(test_mode_protected),
		cmocka_unit_test(test_other_vendor),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
