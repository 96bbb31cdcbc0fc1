/* SPDX-License-Identifier: MIT */
/*
 * READ and WRITE ATTRIBUTE: what exists, who may change it, lengths, all of a list or nothing,
 * and the volume change reference that LTFS trusts.
 */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "lib/base/bytes.h"
#include "tests/unit/drive_scene.h"

#include "target/tape/drive_private.h"

/* READ ATTRIBUTE of an action, from `first` on, in a partition. */
static void read_attributes(struct drive_scene *s, unsigned action, unsigned partition, unsigned first)
{
	RUN(&s->r, s->a, 0x8c, (uint8_t)action, 0, 0, 0, 0, 0, (uint8_t)partition, (uint8_t)(first >> 8),
	    (uint8_t)first, 0, 0, 0x20, 0);
}

struct attribute {
	uint16_t id, length;
	bool read_only;
	uint8_t format;
	const uint8_t *value;
};

/* One attribute; false: there is none. */
static bool attribute_get(struct drive_scene *s, unsigned partition, uint16_t id, struct attribute *attribute)
{
	read_attributes(s, 0, partition, id);
	if (s->r.status != SCSI_GOOD) {
		assert_field(&s->r, 8, 8);
		return false;
	}
	const uint8_t *at = s->r.data + 4;
	*attribute = (struct attribute){be_get16(at), be_get16(at + 3), at[2] & 0x80, at[2] & 3, at + 5};
	assert_int_equal(attribute->id, id);
	return true;
}

static uint64_t attribute_number(struct drive_scene *s, unsigned partition, uint16_t id)
{
	struct attribute attribute;
	uint64_t value = 0;
	assert_true(attribute_get(s, partition, id, &attribute));
	for (unsigned i = 0; i < attribute.length; i++)
		value = value << 8 | attribute.value[i];
	return value;
}

/* WRITE ATTRIBUTE of a list of bytes without its length. */
static void write_list(struct drive_scene *s, unsigned partition, const void *bytes, size_t size)
{
	static uint8_t list[20000];
	assert_true(size + 4 <= sizeof(list));
	be_put32(list, (uint32_t)size);
	memcpy(list + 4, bytes, size);
	size += 4;
	SEND(&s->r, s->a, list, size, 0x8d, 0, 0, 0, 0, 0, 0, (uint8_t)partition, 0, 0, 0, 0,
	     (uint8_t)(size >> 8), (uint8_t)size);
}

static size_t put_attribute(uint8_t *at, uint16_t id, uint8_t format, const void *value, uint16_t length)
{
	be_put16(at, id);
	at[2] = format;
	be_put16(at + 3, length);
	if (length)
		memcpy(at + 5, value, length);
	return 5u + length;
}

static void write_one(struct drive_scene *s, unsigned partition, uint16_t id, uint8_t format,
		      const void *value, uint16_t length)
{
	uint8_t list[2048];
	write_list(s, partition, list, put_attribute(list, id, format, value, length));
}

/* ---- what every tape has ------------------------------------------------------------------------- */

static const struct {
	uint16_t id, length;
	uint8_t format;
	const char *text; /* of ASCII ones; NULL: not looked at */
} fresh[] = {
	{0x0000, 8, 0, NULL}, {0x0001, 8, 0, NULL}, {0x0002, 8, 0, "\0\0\0\0\0\0\0"},
	{0x0003, 8, 0, NULL}, {0x0004, 8, 0, NULL},
	{0x0005, 8, 1, "LTO-CVE "}, {0x0006, 1, 0, "\x5e"}, {0x0007, 2, 0, NULL},
	{0x0008, 32, 1, "A00001L8                        "}, {0x0009, 4, 0, NULL},
	{0x020a, 40, 1, "IBM     GR00000001                      "}, {0x0220, 8, 0, NULL},
	{0x0221, 8, 0, NULL}, {0x0222, 8, 0, NULL}, {0x0223, 8, 0, NULL},
	{0x0224, 8, 0, "\xff\xff\xff\xff\xff\xff\xff\xff"},
	{0x0225, 8, 0, "\xff\xff\xff\xff\xff\xff\xff\xff"}, {0x0340, 90, 0, NULL},
	{0x0400, 8, 1, "GRANARY "}, {0x0401, 32, 1, NULL}, {0x0402, 4, 0, NULL}, {0x0403, 4, 0, NULL},
	{0x0404, 8, 1, "LTO-CVE "}, {0x0405, 1, 0, "\x5e"}, {0x0406, 8, 1, NULL}, {0x0407, 8, 0, NULL},
	{0x0408, 1, 0, "\0"}, {0x0409, 2, 0, "\0"},
};
#define FRESH (sizeof(fresh) / sizeof(fresh[0]))

static void test_fresh_tape(void **state)
{
	struct drive_scene *s = *state;
	struct attribute attribute;
	scene_load(s, "A00001L8", "LTO-8", UINT64_C(50) << 20);
	/* The list is these, in this order. */
	read_attributes(s, 1, 0, 0);
	assert_good(&s->r);
	assert_int_equal(be_get32(s->r.data), 2 * FRESH);
	for (size_t i = 0; i < FRESH; i++)
		assert_int_equal(be_get16(s->r.data + 4 + 2 * i), fresh[i].id);
	for (size_t i = 0; i < FRESH; i++) {
		assert_true(attribute_get(s, 0, fresh[i].id, &attribute));
		assert_int_equal(attribute.length, fresh[i].length);
		assert_int_equal(attribute.format, fresh[i].format);
		assert_true(attribute.read_only);
		if (fresh[i].text)
			assert_memory_equal(attribute.value, fresh[i].text, fresh[i].length);
	}
	assert_int_equal(attribute_number(s, 0, 0x0000), 50);
	assert_int_equal(attribute_number(s, 0, 0x0001), 50);
	assert_int_equal(attribute_number(s, 0, 0x0003), 1);
	assert_int_equal(attribute_number(s, 0, 0x0402), 960);
	/* Those of hosts are supported, and not there yet. */
	for (uint16_t id = 0x0800; id <= 0x080c; id++)
		assert_false(attribute_get(s, 0, id, &attribute));
	read_attributes(s, 5, 0, 0x0800);
	assert_good(&s->r);
	assert_int_equal(be_get32(s->r.data), 2 * 15); /* 0800h-080Ch, 0820h, 0821h */
	read_attributes(s, 2, 0, 0);
	assert_memory_equal(s->r.data, "\0\2\0\1", 4);
	read_attributes(s, 3, 0, 0);
	assert_memory_equal(s->r.data, "\0\2\0\1", 4);
}

static void test_refused(void **state)
{
	struct drive_scene *s = *state;
	read_attributes(s, 0, 0, 0);
	assert_check(&s->r, SENSE_NOT_READY, ASC_NO_MEDIUM);
	write_one(s, 0, 0x0800, 1, "GRANARY ", 8);
	assert_check(&s->r, SENSE_NOT_READY, ASC_NO_MEDIUM);
	scene_load(s, "A00001L8", "LTO-8", 0);
	read_attributes(s, 4, 0, 0);
	assert_field(&s->r, 1, 8);
	read_attributes(s, 0, 1, 0); /* a partition that is not there */
	assert_field(&s->r, 7, 8);
	RUN(&s->r, s->a, 0x8c, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0x20, 0); /* a logical volume */
	assert_field(&s->r, 5, 8);
	/* The first attribute must exist: absent, unknown, of a drive, the drive's own. */
	static const uint16_t absent[] = {0x000a, 0x0226, 0x0341, 0x0800, 0x0c00, 0x1400, 0xffff};
	for (size_t i = 0; i < sizeof(absent) / sizeof(absent[0]); i++) {
		read_attributes(s, 0, 0, absent[i]);
		assert_field(&s->r, 8, 8);
	}
}

/* The length says what there is; the allocation length cuts, also inside an attribute. */
static void test_allocation(void **state)
{
	struct drive_scene *s = *state;
	scene_load(s, "A00001L8", "LTO-8", 0);
	read_attributes(s, 0, 0, 0x0400);
	uint32_t whole = be_get32(s->r.data);
	assert_int_equal(s->r.size, 4 + whole);
	for (uint8_t room = 0; room < 20; room++) {
		RUN(&s->r, s->a, 0x8c, 0, 0, 0, 0, 0, 0, 0, 0x04, 0x00, 0, 0, 0, room);
		assert_good(&s->r);
		assert_int_equal(s->r.size, room);
		if (room >= 4)
			assert_int_equal(be_get32(s->r.data), whole);
	}
}

/* ---- writing ---------------------------------------------------------------------------------------- */

static void test_write_and_delete(void **state)
{
	struct drive_scene *s = *state;
	struct attribute attribute;
	static const char text[] = "Granary's tape, kept";
	uint8_t label[160] = {0}, list[512];
	scene_load(s, "A00001L8", "LTO-8", 0);
	uint64_t space = attribute_number(s, 0, 0x0004);
	memcpy(label, text, sizeof(text));
	size_t size = put_attribute(list, 0x0800, 1, "GRANARY ", 8);
	size += put_attribute(list + size, 0x0803, 2, label, sizeof(label));
	size += put_attribute(list + size, 0x1623, 0, "\1", 1);
	write_list(s, 0, list, size);
	assert_good(&s->r);
	assert_true(attribute_get(s, 0, 0x0803, &attribute));
	assert_int_equal(attribute.format, 2);
	assert_false(attribute.read_only);
	assert_memory_equal(attribute.value, label, sizeof(label));
	assert_int_equal(attribute_number(s, 0, 0x1623), 1);
	assert_int_equal(attribute_number(s, 0, 0x0004), space - (8 + 6) - (160 + 6) - (1 + 6));
	/* They are the tape's: still there after the drive has let go of it. */
	scene_unload(s);
	scene_reload(s, "A00001L8");
	assert_true(attribute_get(s, 0, 0x0803, &attribute));
	assert_memory_equal(attribute.value, label, sizeof(label));
	/* A length of 0 deletes; what is not there may be deleted. */
	size = put_attribute(list, 0x0801, 1, "", 0);
	size += put_attribute(list + size, 0x0803, 2, "", 0);
	write_list(s, 0, list, size);
	assert_good(&s->r);
	assert_false(attribute_get(s, 0, 0x0803, &attribute));
	assert_int_equal(attribute_number(s, 0, 0x0004), space - (8 + 6) - (1 + 6));
}

static const struct {
	const char *what;
	uint8_t list[40];
	size_t size;
	unsigned byte; /* of the parameter list with its header; 0: 1Ah/00h */
} wrong_lists[] = {
	{"read only", {0x00, 0x03, 0, 0, 8}, 13, 4},
	{"of the medium", {0x04, 0x00, 1, 0, 8}, 13, 4},
	{"the drive's own", {0x0c, 0x00, 0, 0, 8}, 13, 4},
	{"unknown", {0x08, 0x30, 0, 0, 1}, 6, 4},
	{"too short", {0x08, 0x00, 1, 0, 7}, 12, 7},
	{"too long", {0x08, 0x05, 0, 0, 2}, 7, 7},
	{"other format", {0x08, 0x00, 0, 0, 8}, 13, 6},
	{"reserved format", {0x14, 0x00, 3, 0, 1}, 6, 6},
	{"twice", {0x08, 0x05, 0, 0, 1, 0, 0x08, 0x05, 0, 0, 1, 0}, 12, 10},
	{"descending", {0x08, 0x0a, 0, 0, 1, 0, 0x08, 0x05, 0, 0, 1, 0}, 12, 10},
	{"good, then read only", {0x08, 0x05, 0, 0, 1, 7, 0x10, 0x00, 0, 0, 1, 0}, 12, 10},
	{"cut in its header", {0x08, 0x05, 0}, 3, 0},
	{"cut in its value", {0x08, 0x00, 1, 0, 8, 'G'}, 6, 0},
};

/* Nothing of a list is done when a part of it is wrong. */
static void test_write_wrong(void **state)
{
	struct drive_scene *s = *state;
	struct attribute attribute;
	scene_load(s, "A00001L8", "LTO-8", 0);
	for (size_t i = 0; i < sizeof(wrong_lists) / sizeof(wrong_lists[0]); i++) {
		write_list(s, 0, wrong_lists[i].list, wrong_lists[i].size);
		if (wrong_lists[i].byte)
			assert_parameter(&s->r, wrong_lists[i].byte);
		else
			assert_check(&s->r, SENSE_ILLEGAL_REQUEST, ASC_PARAMETER_LIST_LENGTH);
		assert_false(attribute_get(s, 0, 0x0805, &attribute));
	}
	/* A list that is shorter than it says; a header that is cut; no list at all. */
	SEND(&s->r, s->a, "\0\0\0\x20\0", 5, 0x8d, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 5);
	assert_check(&s->r, SENSE_ILLEGAL_REQUEST, ASC_PARAMETER_LIST_LENGTH);
	SEND(&s->r, s->a, "\0\0\0", 3, 0x8d, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 3);
	assert_check(&s->r, SENSE_ILLEGAL_REQUEST, ASC_PARAMETER_LIST_LENGTH);
	SEND(&s->r, s->a, NULL, 0, 0x8d);
	assert_good(&s->r);
}

/* PARAMETER DATA LENGTH of LTFS says four too many; one that says less than was sent is obeyed. */
static void test_write_length(void **state)
{
	struct drive_scene *s = *state;
	uint8_t list[16] = {0, 0, 0, 10, 0x08, 0x05, 0, 0, 1, 7};
	scene_load(s, "A00001L8", "LTO-8", 0);
	SEND(&s->r, s->a, list, 10, 0x8d, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 10);
	assert_good(&s->r);
	assert_int_equal(attribute_number(s, 0, 0x0805), 7);
	list[3] = 6;
	list[9] = 8;
	SEND(&s->r, s->a, list, 16, 0x8d, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 16);
	assert_good(&s->r);
	assert_int_equal(attribute_number(s, 0, 0x0805), 8);
}

static void test_memory_full(void **state)
{
	struct drive_scene *s = *state;
	static uint8_t value[4096], list[3 * 4101 + 4096];
	struct attribute attribute;
	size_t size = 0;
	scene_load(s, "A00001L8", "LTO-8", 0);
	for (uint16_t i = 0; i < 3; i++)
		size += put_attribute(list + size, (uint16_t)(0x1400 + i), 0, value, sizeof(value));
	write_list(s, 0, list, size);
	assert_good(&s->r);
	assert_int_equal(attribute_number(s, 0, 0x0004), 16384 - 3 * (4096 + 6));
	write_one(s, 0, 0x1500, 0, value, 2000);
	assert_good(&s->r);
	size = put_attribute(list, 0x1500, 0, value, 100); /* smaller, and one that does not fit */
	size += put_attribute(list + size, 0x1501, 0, value, 4096);
	write_list(s, 0, list, size);
	assert_check(&s->r, SENSE_ILLEGAL_REQUEST, ASC_MEMORY_OUT_OF_SPACE);
	assert_true(attribute_get(s, 0, 0x1500, &attribute));
	assert_int_equal(attribute.length, 2000);
	size = put_attribute(list, 0x1400, 0, value, 0); /* one goes: then it fits */
	size += put_attribute(list + size, 0x1501, 0, value, 4096);
	write_list(s, 0, list, size);
	assert_good(&s->r);
}

static void test_write_protected(void **state)
{
	(void)state;
	struct drive_scene *s = drive_scene_new(&(struct drive_scene_options){.generation = 7});
	scene_load(s, "A00001L5", "LTO-5", 0);
	write_one(s, 0, 0x0800, 1, "GRANARY ", 8);
	assert_check(&s->r, SENSE_DATA_PROTECT, ASC_WRITE_PROTECTED);
	assert_int_equal(attribute_number(s, 0, 0x0006), 0x58);
	drive_scene_free(&s);
}

/* ---- what changes by itself ----------------------------------------------------------------------------- */

static void test_change_reference(void **state)
{
	struct drive_scene *s = *state;
	scene_load(s, "A00001L8", "LTO-8", 0);
	uint64_t first = attribute_number(s, 0, 0x0009);
	assert_int_not_equal(first, 0);
	/* Attributes and reading change nothing; the first block does, those after it no more. */
	write_one(s, 0, 0x0800, 1, "GRANARY ", 8);
	RUN(&s->r, s->a, 0x08, 0, 0, 0, 100);
	assert_int_equal(attribute_number(s, 0, 0x0009), first);
	scene_write(s, s->a, 100, 1);
	assert_int_equal(attribute_number(s, 0, 0x0009), first + 1);
	scene_write(s, s->a, 100, 2);
	scene_mark(s, s->a);
	assert_int_equal(attribute_number(s, 0, 0x0009), first + 1);
	/* A load alone does not change it; the next change after it does, if only a filemark. */
	scene_unload(s);
	scene_reload(s, "A00001L8");
	assert_int_equal(attribute_number(s, 0, 0x0009), first + 1);
	scene_mark(s, s->a);
	assert_int_equal(attribute_number(s, 0, 0x0009), first + 2);
}

static void test_life(void **state)
{
	struct drive_scene *s = *state;
	struct attribute attribute;
	scene_load(s, "A00001L8", "LTO-8", UINT64_C(50) << 20);
	for (unsigned i = 0; i < 512; i++)
		scene_write(s, s->a, 4096, i);
	assert_int_equal(attribute_number(s, 0, 0x0000), 48);
	assert_int_equal(attribute_number(s, 0, 0x0220), 2);
	assert_int_equal(attribute_number(s, 0, 0x0222), 2);
	scene_unload(s);
	scene_reload(s, "A00001L8");
	assert_int_equal(attribute_number(s, 0, 0x0003), 2);
	assert_int_equal(attribute_number(s, 0, 0x0000), 48);
	assert_int_equal(attribute_number(s, 0, 0x0220), 2);
	assert_int_equal(attribute_number(s, 0, 0x0222), 0);
	/* Usage history, with a count of retries behind each amount: this load 0, the one before 2, all 2;
	 * loads 2. */
	assert_true(attribute_get(s, 0, 0x0340, &attribute));
	assert_int_equal(be_get32(attribute.value + 2), 0);
	assert_int_equal(be_get32(attribute.value + 26), 2);
	assert_int_equal(be_get32(attribute.value + 50), 2);
	assert_int_equal(be_get32(attribute.value + 74), 2);
	/* The drives that had it: this one, and this one before. */
	assert_true(attribute_get(s, 0, 0x020b, &attribute));
	assert_memory_equal(attribute.value, "IBM     GR00000001 ", 19);
	assert_int_equal(attribute_number(s, 0, 0x0002), 0);
}

/* Volume coherency as LTFS writes it: 70 bytes, one for each partition. */
static void test_coherency(void **state)
{
	struct drive_scene *s = *state;
	uint8_t page[12] = {0x11, 0x0a, 1, 1, 0x3c, 3, 6, 0, 0xff, 0xff, 0, 5};
	uint8_t list[20] = {0}, coherency[70] = {4};
	struct attribute attribute;
	scene_load(s, "A00001L8", "LTO-8", 0);
	memcpy(list + 8, page, sizeof(page));
	SEND(&s->r, s->a, list, 20, 0x55, 0x10, 0, 0, 0, 0, 0, 0, 20);
	assert_good(&s->r);
	RUN(&s->r, s->a, 0x04, 0, 1);
	assert_good(&s->r);
	assert_int_equal(attribute_number(s, 1, 0x0001), 5000000 / 1048576);
	assert_int_equal(attribute_number(s, 0, 0x0001), 95000000 / 1048576);
	read_attributes(s, 3, 0, 0);
	assert_memory_equal(s->r.data, "\0\2\0\2", 4);
	be_put32(coherency + 1, (uint32_t)attribute_number(s, 0, 0x0009));
	write_one(s, 0, 0x080c, 0, coherency, sizeof(coherency));
	assert_good(&s->r);
	assert_false(attribute_get(s, 1, 0x080c, &attribute));
	coherency[0] = 5;
	write_one(s, 1, 0x080c, 0, coherency, sizeof(coherency));
	assert_good(&s->r);
	assert_true(attribute_get(s, 0, 0x080c, &attribute));
	assert_int_equal(attribute.length, 70);
	assert_int_equal(attribute.value[0], 4);
	assert_true(attribute_get(s, 1, 0x080c, &attribute));
	assert_int_equal(attribute.value[0], 5);
}

static void test_worm(void **state)
{
	struct drive_scene *s = *state;
	scene_load(s, "A00001LY", "LTO-8-WORM", 0);
	assert_int_equal(attribute_number(s, 0, 0x0408), 0x80);
	write_one(s, 0, 0x0800, 1, "GRANARY ", 8);
	assert_good(&s->r);
}

/* What hosts have said of a locked tape stays; what they have not said may be added. */
static void test_locked(void **state)
{
	struct drive_scene *s = *state;
	struct attribute attribute;
	struct cartridge *c;
	char path[256], first[160] = "first", other[160] = "other";
	scene_load(s, "A00001L8", "LTO-8", 0);
	write_one(s, 0, 0x0803, 2, first, sizeof(first));
	assert_good(&s->r);
	scene_unload(s);
	snprintf(path, sizeof(path), "%s/A00001L8", s->folder);
	assert_int_equal(cartridge_open(path, CARTRIDGE_WRITE, &c), 0);
	struct cartridge_info info = *cartridge_info(c);
	info.locked_until = time(NULL) + 900;
	assert_int_equal(cartridge_set_info(c, &info), 0);
	assert_int_equal(cartridge_close(&c), 0);
	scene_reload(s, "A00001L8");
	write_one(s, 0, 0x0803, 2, other, sizeof(other));
	assert_check(&s->r, SENSE_DATA_PROTECT, ASC_WRITE_PROTECTED);
	write_one(s, 0, 0x0803, 2, NULL, 0);
	assert_check(&s->r, SENSE_DATA_PROTECT, ASC_WRITE_PROTECTED);
	/* Not half of a list either. */
	uint8_t list[256];
	size_t size = put_attribute(list, 0x0801, 1, "PROGRAM                         ", 32);
	size += put_attribute(list + size, 0x0803, 2, other, sizeof(other));
	write_list(s, 0, list, size);
	assert_check(&s->r, SENSE_DATA_PROTECT, ASC_WRITE_PROTECTED);
	assert_false(attribute_get(s, 0, 0x0801, &attribute));
	assert_true(attribute_get(s, 0, 0x0803, &attribute));
	assert_memory_equal(attribute.value, "first", 5);
	write_one(s, 0, 0x0801, 1, "PROGRAM                         ", 32);
	assert_good(&s->r);
}

/* ---- where encryption begins and ends --------------------------------------------------------------- */

static void encrypt(struct drive_scene *s, bool on)
{
	uint8_t set[20 + 32] = {0, 0x10, 0, 48, 0x40, 0, on ? 2 : 0, on ? 2 : 0, 1};
	size_t size = on ? sizeof(set) : 20;
	set[3] = (uint8_t)(size - 4);
	set[19] = on ? 32 : 0;
	memset(set + 20, 7, 32);
	SEND(&s->r, s->a, set, size, 0xb5, 0x20, 0, 0x10, 0, 0, 0, 0, 0, (uint8_t)size);
	assert_good(&s->r);
}

static void assert_encrypted(struct drive_scene *s, unsigned partition, uint64_t first, uint64_t after)
{
	assert_int_equal(attribute_number(s, partition, 0x0224), first);
	assert_int_equal(attribute_number(s, partition, 0x0225), after);
}

/* Numbers of objects: filemarks count, and are neither. */
static void test_encrypted(void **state)
{
	struct drive_scene *s = *state;
	scene_load(s, "A00001L8", "LTO-8", 0);
	for (unsigned i = 0; i < 3; i++)
		scene_write(s, s->a, 512, i);
	RUN(&s->r, s->a, 0x10, 0, 0, 0, 1);
	assert_encrypted(s, 0, UINT64_MAX, UINT64_MAX);
	encrypt(s, true);
	scene_write(s, s->a, 512, 4);
	scene_write(s, s->a, 600, 5);
	assert_encrypted(s, 0, 4, UINT64_MAX);
	RUN(&s->r, s->a, 0x10, 0, 0, 0, 2);
	assert_encrypted(s, 0, 4, UINT64_MAX);
	encrypt(s, false);
	scene_write(s, s->a, 512, 6);
	scene_write(s, s->a, 512, 7);
	assert_encrypted(s, 0, 4, 8);
	/* What has been written over is gone. */
	RUN(&s->r, s->a, 0x2b, 0, 0, 0, 0, 0, 2);
	assert_good(&s->r);
	scene_write(s, s->a, 512, 8);
	assert_encrypted(s, 0, UINT64_MAX, UINT64_MAX);
	encrypt(s, true);
	scene_rewind(s, s->a);
	scene_write(s, s->a, 512, 9);
	assert_encrypted(s, 0, 0, UINT64_MAX);
}

#define CASE(test) cmocka_unit_test_setup_teardown(test, drive_scene_setup, drive_scene_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(test_fresh_tape),	 CASE(test_refused),	 CASE(test_allocation),
		CASE(test_write_and_delete), CASE(test_write_wrong), CASE(test_write_length), CASE(test_memory_full),
		CASE(test_change_reference), CASE(test_life),	 CASE(test_coherency),
		CASE(test_worm),	 CASE(test_locked),	 cmocka_unit_test(test_write_protected),
		cmocka_unit_test_setup_teardown(test_encrypted, drive_scene_setup_crypt, drive_scene_teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
