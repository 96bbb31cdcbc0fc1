/* SPDX-License-Identifier: MIT */
/*
 * A drive's mode, log and VPD pages say what holds now: current, changeable and default values,
 * counters that move, flags that are cleared when they are read.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "lib/base/bytes.h"
#include "tests/unit/drive_scene.h"

#include "target/tape/drive_private.h"

/* ---- mode pages ---------------------------------------------------------------------------------- */

enum { CURRENT, CHANGEABLE, DEFAULT, SAVED };

/* The page's bytes by MODE SENSE(10) without block descriptor. */
static const uint8_t *mode_sense(struct drive_scene *s, unsigned code, unsigned subpage, unsigned control)
{
	RUN(&s->r, s->a, 0x5a, 0x08, (uint8_t)(control << 6 | code), (uint8_t)subpage, 0, 0, 0, 0x10, 0);
	assert_good(&s->r);
	assert_int_equal(be_get16(s->r.data), s->r.size - 2);
	return s->r.data + 8;
}

/* Sends a page back (its PS bit is off already). */
static void mode_select(struct drive_scene *s, const uint8_t *page, size_t size)
{
	uint8_t list[256] = {0};
	list[3] = 0x10;
	memcpy(list + 8, page, size);
	SEND(&s->r, s->a, list, 8 + size, 0x55, 0x10, 0, 0, 0, 0, 0, 0, (uint8_t)(8 + size));
}

static const struct {
	uint8_t code, subpage;
	const char *current, *changeable, *defaults; /* hexadecimal; loaded with an LTO-8 tape */
} mode_table[] = {
	{0x01, 0, "010a00000000000000000000", "010a00000000000000000000", "010a00000000000000000000"},
	{0x02, 0, "020e0000000000000000000000000000", "020e0000000000000000000000000000",
	 "020e0000000000000000000000000000"},
	{0x0a, 0xf0, "4af0001c0000000000000000000000000000000000000000000000000000000000",
	 "4af0001c0000000000000000000000000000000000000000000000000000000000",
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
	{0x1c, 0, "1c0a08000000000000000000", "1c0a0c0000000000ffffffff", "1c0a08000000000000000000"},
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
		check_hex(mode_sense(s, code, subpage, CURRENT), mode_table[i].current);
		check_hex(mode_sense(s, code, subpage, CHANGEABLE), mode_table[i].changeable);
		check_hex(mode_sense(s, code, subpage, DEFAULT), mode_table[i].defaults);
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
		const uint8_t *now = mode_sense(s, mode_table[i].code, mode_table[i].subpage, CURRENT);
		size_t header = mode_table[i].subpage ? 4 : 2;
		size_t size = mode_table[i].subpage ? 4u + be_get16(now + 2) : 2u + now[1];
		memcpy(page, now, size);
		mode_select(s, page, size);
		assert_good(&s->r);
		const uint8_t *mask = mode_sense(s, mode_table[i].code, mode_table[i].subpage, CHANGEABLE);
		for (size_t byte = header; byte < size; byte++) {
			if (mask[byte])
				continue;
			page[byte] ^= 0x01;
			mode_select(s, page, size);
			page[byte] ^= 0x01;
			assert_check(&s->r, SENSE_ILLEGAL_REQUEST, ASC_INVALID_FIELD_IN_PARAMETERS);
			assert_int_equal(s->r.sense.field_byte, 8 + byte);
			mask = mode_sense(s, mode_table[i].code, mode_table[i].subpage, CHANGEABLE);
		}
	}
}

/* 0Fh and 10h are two sides of one thing; the others are told of the change. */
static void test_mode_compression(void **state)
{
	struct drive_scene *s = *state;
	uint8_t page[16];
	memcpy(page, mode_sense(s, 0x0f, 0, CURRENT), 16);
	page[2] &= 0x7f;
	mode_select(s, page, 16);
	assert_good(&s->r);
	assert_int_equal(mode_sense(s, 0x10, 0, CURRENT)[14], 0);
	RUN(&s->r, s->b, 0x00);
	assert_check(&s->r, SENSE_UNIT_ATTENTION, ASC_MODE_PARAMETERS_CHANGED);
	memcpy(page, mode_sense(s, 0x10, 0, CURRENT), 16);
	page[14] = 1;
	mode_select(s, page, 16);
	assert_good(&s->r);
	assert_int_equal(mode_sense(s, 0x0f, 0, CURRENT)[2], 0xc0);
	page[14] = 2;
	mode_select(s, page, 16);
	assert_check(&s->r, SENSE_ILLEGAL_REQUEST, ASC_INVALID_FIELD_IN_PARAMETERS);
}

static void test_mode_extension(void **state)
{
	struct drive_scene *s = *state;
	uint8_t page[32];
	memcpy(page, mode_sense(s, 0x10, 1, CURRENT), 32);
	page[5] = 0x12;
	be_put16(page + 6, 40);
	mode_select(s, page, 32);
	assert_good(&s->r);
	assert_int_equal(drive_of(drive_lu(s->drive))->mode.early_warning, 40);
	assert_true(drive_of(drive_lu(s->drive))->mode.append_only);
	assert_memory_equal(mode_sense(s, 0x10, 1, CURRENT), page, 32);
	page[5] = 0x22;
	mode_select(s, page, 32);
	assert_check(&s->r, SENSE_ILLEGAL_REQUEST, ASC_INVALID_FIELD_IN_PARAMETERS);
	/* A reset brings the defaults back. */
	scsi_target_reset(s->target);
	scene_quiet(s, s->a);
	assert_int_equal(mode_sense(s, 0x10, 1, CURRENT)[5], 0x02);
	assert_int_equal(be_get16(mode_sense(s, 0x10, 1, CURRENT) + 6), 0);
}

/* Header and block descriptor: density, medium type, WP, buffered mode, block length. */
static void test_mode_header(void **state)
{
	struct drive_scene *s = *state;
	static const uint8_t fixed[12] = {0, 0, 0x10, 8, 0, 0, 0, 0, 0, 0, 0x02, 0x00};
	static const uint8_t unbuffered[12] = {0, 0, 0x00, 8, 0x5e, 0, 0, 0, 0, 0, 0, 0};
	static const uint8_t wrong_density[12] = {0, 0, 0x10, 8, 0x46, 0, 0, 0, 0, 0, 0, 0};
	static const uint8_t too_long[12] = {0, 0, 0x10, 8, 0, 0, 0, 0, 0, 0x80, 0, 1};
	RUN(&s->r, s->a, 0x1a, 0, 0, 0, 12);
	assert_memory_equal(s->r.data, "\x0b\0\x10\x08\0\0\0\0\0\0\0\0", 12);
	scene_load(s, "A00001LY", "LTO-8-WORM", 0);
	RUN(&s->r, s->a, 0x1a, 0, 0, 0, 12);
	assert_memory_equal(s->r.data, "\x0b\x8c\x10\x08\x5e\0\0\0\0\0\0\0", 12);
	assert_int_equal(mode_sense(s, 0x1d, 0, CURRENT)[2], 1);
	assert_int_equal(mode_sense(s, 0x1d, 0, CURRENT)[5], 3);
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
	memcpy(page, mode_sense(s, 0x11, 0, CURRENT), 12);
	assert_int_equal(page[6], 9);
	assert_int_equal(be_get16(page + 8), 12000);
	/* As mkltfs asks: one more, 1 GB in partition 1, the rest in partition 0. */
	page[3] = 1;
	page[4] = 0x20 | (page[4] & 0x1f);
	page[6] = 9;
	be_put16(page + 8, 0xffff);
	be_put16(page + 10, 1);
	mode_select(s, page, 12);
	assert_good(&s->r);
	assert_int_equal(mode_sense(s, 0x11, 0, CURRENT)[3], 0);
	RUN(&s->r, s->a, 0x04, 0, 1);
	assert_good(&s->r);
	memcpy(page, mode_sense(s, 0x11, 0, CURRENT), 12);
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
		memcpy(page, mode_sense(s, 0x11, 0, CURRENT), 12);
		page[3] = cases[i].count;
		page[4] = cases[i].flags;
		page[6] = cases[i].unit;
		be_put16(page + 8, cases[i].first);
		be_put16(page + 10, cases[i].second);
		mode_select(s, page, 12);
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
	check_vpd(s, 0xb4, "\x01\xf4", 2);
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

/* ---- log pages ------------------------------------------------------------------------------------ */

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

static void test_log_pages_listed(void **state)
{
	struct drive_scene *s = *state;
	static const uint8_t expected[] = {0x00, 0x02, 0x03, 0x0c, 0x0d, 0x11, 0x12, 0x13,
					   0x14, 0x17, 0x1b, 0x2e, 0x30, 0x31, 0x32};
	log_sense(s, 0x00);
	assert_int_equal(s->r.size, 4 + sizeof(expected));
	assert_memory_equal(s->r.data + 4, expected, sizeof(expected));
	/* Each of them is built with and without a tape, parameters ascending. */
	for (unsigned pass = 0; pass < 2; pass++) {
		for (size_t i = 1; i < sizeof(expected); i++) {
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
	/* LOG SELECT with PCR: only the page that it names. */
	SEND(&s->r, s->a, NULL, 0, 0x4c, 0x02, 0x42);
	assert_good(&s->r);
	log_sense(s, 0x02);
	assert_int_equal(log_value(s, 5), 0);
	log_sense(s, 0x03);
	assert_int_equal(log_value(s, 5), 4096);
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
	mode_select(s, page, 12);
	assert_good(&s->r);
	RUN(&s->r, s->a, 0x4d, 0, 0x6e, 0, 0, 0, 6, 0x20, 0);
	assert_good(&s->r);
	assert_int_equal(be_get16(s->r.data + 4), 6);
	log_sense(s, 0x2e);
	assert_int_equal(log_value(s, 5), 1);
	/* The tests of page 1Ch: all, one back, and what is refused. */
	be_put32(page + 8, 32767);
	mode_select(s, page, 12);
	be_put32(page + 8, (uint32_t)-7);
	mode_select(s, page, 12);
	log_sense(s, 0x2e);
	assert_int_equal(log_value(s, 7), 0);
	assert_int_equal(log_value(s, 64), 1);
	be_put32(page + 8, 65);
	mode_select(s, page, 12);
	assert_parameter(&s->r, 16);
	page[2] = 0x0c; /* DEXCPT and TEST */
	mode_select(s, page, 12);
	assert_parameter(&s->r, 10);
	assert_int_equal(mode_sense(s, 0x1c, 0, CURRENT)[2] & 0x04, 0);
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
		CASE(test_mode_values),	    CASE(test_mode_select),	CASE(test_mode_compression),
		CASE(test_mode_extension),  CASE(test_mode_header),	CASE(test_mode_partitions),
		CASE(test_vpd),		    CASE(test_density),		CASE(test_log_pages_listed),
		CASE(test_log_counters),    CASE(test_tape_alert),	CASE(test_device_status),
		cmocka_unit_test(test_mode_protected), cmocka_unit_test(test_other_vendor),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
