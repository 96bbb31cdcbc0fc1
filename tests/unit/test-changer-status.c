/* SPDX-License-Identifier: MIT */
/*
 * READ ELEMENT STATUS is right to the byte: for a known library against bytes
 * written by hand, cut at every allocation length, for what mtx and the kernel's
 * ch really send, and for each personality's way to name its drives.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "lib/base/bytes.h"
#include "tests/unit/changer_support.h"

static struct reply reply;

/* The usual library with GRN000L8 in its first drive, all types, VolTag and DVCID. */
/* clang-format off */
#define NO_TAG 0,0,0,0,0,0,0,0, 0,0,0,0,0,0,0,0, 0,0,0,0,0,0,0,0, 0,0,0,0,0,0,0,0, 0,0,0,0
#define TAG(a, b, c, d, e, f, g, h) \
	a, b, c, d, e, f, g, h, ' ',' ',' ',' ',' ',' ',' ',' ', \
	' ',' ',' ',' ',' ',' ',' ',' ', ' ',' ',' ',' ',' ',' ',' ',' ', 0, 0, 0, 0
#define DRIVE(n) \
	2, 1, 0, 34, 'I','B','M',' ',' ',' ',' ',' ', \
	'U','L','T','3','5','8','0','-','T','D','8',' ',' ',' ',' ',' ', \
	'D','R','V','0','0','0','0','0','0', n
static const uint8_t known[] = {
	/* First element 1, 9 of them, 8 + 52 + 8 + 2 * 52 + 8 + 2 * 86 + 8 + 4 * 52 = 568 bytes. */
	0, 1, 0, 9, 0, 0x00, 0x02, 0x38,
	1, 0x80, 0, 52, 0, 0, 0, 52,
	0x00, 0x01, 0x00, 0, 0, 0, 0, 0, 0, 0x00, 0, 0, NO_TAG, 0, 0, 0, 0,
	3, 0x80, 0, 52, 0, 0, 0, 104,
	/* Put there by an operator: import, export, access, ImpExp, full; a WORM tape. */
	0x00, 0x0a, 0x3b, 0, 0, 0, 0, 0, 0, 0x04, 0, 0, TAG('G','R','N','0','1','0','L','Y'), 0, 0, 0, 0,
	0x00, 0x0b, 0x38, 0, 0, 0, 0, 0, 0, 0x00, 0, 0, NO_TAG, 0, 0, 0, 0,
	4, 0x80, 0, 86, 0, 0, 0, 172,
	/* From slot 1000: source valid, a data tape. */
	0x01, 0xf4, 0x09, 0, 0, 0, 0, 0, 0, 0x81, 0x03, 0xe8, TAG('G','R','N','0','0','0','L','8'), DRIVE('0'),
	0x01, 0xf5, 0x08, 0, 0, 0, 0, 0, 0, 0x00, 0, 0, NO_TAG, DRIVE('1'),
	2, 0x80, 0, 52, 0, 0, 0, 208,
	0x03, 0xe8, 0x08, 0, 0, 0, 0, 0, 0, 0x00, 0, 0, NO_TAG, 0, 0, 0, 0,
	0x03, 0xe9, 0x09, 0, 0, 0, 0, 0, 0, 0x01, 0, 0, TAG('G','R','N','0','0','1','L','8'), 0, 0, 0, 0,
	/* A cleaning tape. */
	0x03, 0xea, 0x09, 0, 0, 0, 0, 0, 0, 0x02, 0, 0, TAG('C','L','N','0','0','2','L','8'), 0, 0, 0, 0,
	0x03, 0xeb, 0x08, 0, 0, 0, 0, 0, 0, 0x00, 0, 0, NO_TAG, 0, 0, 0, 0,
};
/* clang-format on */

/* Where the answer may end: after the header, a page's header, a descriptor. */
static const size_t ends[] = { 8, 16, 68, 76, 128, 180, 188, 274, 360, 368, 420, 472, 524, 576 };

static int setup(void **state)
{
	struct rig *rig = rig_new_usual();

	rig_move(rig, 1000, 500, &reply);
	assert_int_equal(reply_code(&reply), 0);
	*state = rig;
	return 0;
}

static void test_bytes(void **state)
{
	assert_int_equal(sizeof(known), 576);
	rig_command(*state, 0, CDB(0xb8, 0x10, 0, 0, 0xff, 0xff, 1, 0, 0xff, 0xff, 0, 0), &reply);
	assert_int_equal(reply_code(&reply), 0);
	assert_int_equal(reply.size, sizeof(known));
	assert_memory_equal(reply.data, known, sizeof(known));
}

/* However little room the CDB gives: the counts stay, and no descriptor is cut. */
static void test_every_allocation(void **state)
{
	for (size_t allocation = 0; allocation <= sizeof(known) + 1; allocation++) {
		uint8_t cdb[12] = { 0xb8, 0x10, 0, 0, 0xff, 0xff, 1 };
		size_t expected = allocation < 8 ? allocation : 8;

		for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++)
			if (ends[i] <= allocation)
				expected = ends[i];
		be_put24(cdb + 7, (uint32_t)allocation);
		rig_command(*state, 0, cdb, sizeof(cdb), &reply);
		assert_int_equal(reply_code(&reply), 0);
		assert_int_equal(reply.size, expected);
		assert_memory_equal(reply.data, known, expected);
	}
}

/* However little room the initiator has, whatever the CDB says. */
static void test_every_room(void **state)
{
	for (size_t room = 0; room <= sizeof(known) + 1; room += 7) {
		rig_send(*state, 0, CDB(0xb8, 0x10, 0, 0, 0xff, 0xff, 1, 0, 0xff, 0xff, 0, 0), NULL,
			 0, room, &reply);
		assert_int_equal(reply_code(&reply), 0);
		assert_int_equal(reply.size, room < sizeof(known) ? room : sizeof(known));
		assert_int_equal(reply.wanted, sizeof(known));
		assert_memory_equal(reply.data, known, reply.size);
	}
}

/* Parts of the library: type, start and count, without tags and identifiers. */
static void test_parts(void **state)
{
	static const struct {
		uint8_t type;
		uint16_t start, limit;
		uint16_t first, count;
		uint32_t bytes;
	} rows[] = {
		{ 0, 0, 0xffff, 1, 9, 4 * 8 + 9 * 16 },
		{ 1, 0, 0xffff, 1, 1, 8 + 16 },
		{ 2, 0, 0xffff, 1000, 4, 8 + 4 * 16 },
		{ 2, 1002, 0xffff, 1002, 2, 8 + 2 * 16 },
		{ 2, 1000, 1, 1000, 1, 8 + 16 },
		{ 3, 0, 0xffff, 10, 2, 8 + 2 * 16 },
		{ 4, 0, 0xffff, 500, 2, 8 + 2 * 16 },
		{ 4, 501, 1, 501, 1, 8 + 16 },
		{ 0, 11, 3, 11, 3, 2 * 8 + 3 * 16 },
		{ 2, 2000, 5, 0, 0, 0 },
		{ 1, 2, 5, 0, 0, 0 },
		{ 0, 0, 0, 0, 0, 0 },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		uint8_t cdb[12] = { 0xb8, rows[i].type, [6] = 2, [8] = 0xff, [9] = 0xff };

		be_put16(cdb + 2, rows[i].start);
		be_put16(cdb + 4, rows[i].limit);
		rig_command(*state, 0, cdb, sizeof(cdb), &reply);
		assert_int_equal(reply_code(&reply), 0);
		assert_int_equal(be_get16(reply.data), rows[i].first);
		assert_int_equal(be_get16(reply.data + 2), rows[i].count);
		assert_int_equal(be_get24(reply.data + 5), rows[i].bytes);
		assert_int_equal(reply.size, 8 + rows[i].bytes);
	}
}

/* What ch sends when it attaches on LUN 3, with the LUN in byte 1 as it does. */
static void test_kernel_attach(void **state)
{
	/* clang-format off */
	static const uint8_t addresses[] = {
		0x1d, 0x12, 0, 1, 0, 1, 0x03, 0xe8, 0, 4, 0, 10, 0, 2, 0x01, 0xf4, 0, 2, 0, 0,
	};
	/* clang-format on */
	rig_command(*state, 0, CDB(0x1a, 0x60, 0x1d, 0, 0xff, 0), &reply);
	assert_int_equal(reply_code(&reply), 0);
	assert_int_equal(reply.size, 4 + sizeof(addresses));
	assert_int_equal(reply.data[0], 3 + sizeof(addresses));
	assert_int_equal(reply.data[3], 0); /* no block descriptor */
	assert_memory_equal(reply.data + 4, addresses, sizeof(addresses));
	rig_command(*state, 0, CDB(0x1a, 0x68, 0x1d, 0, 0xff, 0), &reply);
	assert_int_equal(reply_code(&reply), 0);
	assert_memory_equal(reply.data + 4, addresses, sizeof(addresses));

	rig_command(*state, 0, CDB(0xb8, 0x74, 0x01, 0xf4, 0, 1, 0, 0, 0, 0xff, 0, 0), &reply);
	assert_int_equal(reply_code(&reply), 0);
	assert_int_equal(reply.size, 8 + 8 + 52);
	assert_memory_equal(reply.data + 16, known + 188, 48);
	rig_command(*state, 0, CDB(0x07, 0x60, 0, 0, 0, 0), &reply);
	assert_int_equal(reply_code(&reply), 0);
	rig_command(*state, 0, CDB(0x2b, 0x60, 0, 1, 0x03, 0xe8, 0, 0, 0, 0), &reply);
	assert_int_equal(reply_code(&reply), 0);
	rig_command(*state, 0, CDB(0xa5, 0x60, 0, 0, 0x03, 0xe9, 0x01, 0xf5, 0, 0, 0, 0), &reply);
	assert_int_equal(reply_code(&reply), 0);
	rig_command(*state, 0, CDB(0xa6, 0x60, 0, 0, 0x03, 0xea, 0x01, 0xf5, 0x03, 0xe9, 0, 0),
		    &reply);
	assert_int_equal(reply_code(&reply), 0);
}

/* What mtx status sends: page 1Dh without block descriptors, then each type with its tags. */
static void test_mtx_status(void **state)
{
	rig_command(*state, 0, CDB(0x12, 0, 0, 0, 56, 0), &reply);
	assert_int_equal(reply_code(&reply), 0);
	assert_int_equal(reply.data[0], 0x08);
	assert_int_equal(reply.data[1], 0x80);
	assert_memory_equal(reply.data + 8, "STK     L700            550V", 28);
	rig_command(*state, 0, CDB(0x1a, 0x08, 0x1d, 0, 0x88, 0), &reply);
	assert_int_equal(reply_code(&reply), 0);
	assert_int_equal(be_get16(reply.data + 4 + 6), 1000);

	rig_command(*state, 0, CDB(0xb8, 0x12, 0x03, 0xe8, 0, 4, 0, 0, 1, 0, 0, 0), &reply);
	assert_int_equal(reply.size, 8 + 8 + 4 * 52);
	assert_memory_equal(reply.data, "\x03\xe8\0\4\0\0\0\xd8", 8);
	assert_memory_equal(reply.data + 16, known + 368, 4 * 52);
	rig_command(*state, 0, CDB(0xb8, 0x14, 0x01, 0xf4, 0, 2, 0, 0, 1, 0, 0, 0), &reply);
	assert_int_equal(reply.size, 8 + 8 + 2 * 52);
	assert_int_equal(reply.data[16 + 9], 0x81);
	assert_int_equal(be_get16(reply.data + 16 + 10), 1000);
	assert_memory_equal(reply.data + 16 + 12, "GRN000L8  ", 10);
	rig_command(*state, 0, CDB(0xb8, 0x11, 0, 1, 0, 1, 0, 0, 1, 0, 0, 0), &reply);
	assert_int_equal(reply.size, 8 + 8 + 52);
}

/* A library without import/export slots has no page for them, and an address all the same. */
static void test_missing_type(void **state)
{
	static const struct element elements[] = {
		{ .address = 1, .type = ELEMENT_TRANSPORT },
		{ .address = 500, .type = ELEMENT_DRIVE },
		{ .address = 1000, .type = ELEMENT_STORAGE, .barcode = "GRN000L8", .disabled = true },
		/* A gap: the range of page 1Dh reaches over it. */
		{ .address = 1005, .type = ELEMENT_STORAGE },
	};
	struct rig *rig = rig_new(personality_find("stk-l700"), elements, 4);

	(void)state;
	rig_command(rig, 0, CDB(0x1a, 0x08, 0x1d, 0, 0x88, 0), &reply);
	assert_memory_equal(reply.data + 4 + 6, "\x03\xe8\0\6\0\x0a\0\0\x01\xf4\0\1", 12);
	rig_command(rig, 0, CDB(0xb8, 0x03, 0, 0, 0xff, 0xff, 0, 0, 1, 0, 0, 0), &reply);
	assert_int_equal(reply.size, 8);
	assert_memory_equal(reply.data, "\0\0\0\0\0\0\0\0", 8);
	rig_command(rig, 0, CDB(0xb8, 0x00, 0, 0, 0xff, 0xff, 0, 0, 1, 0, 0, 0), &reply);
	assert_int_equal(reply.size, 8 + 3 * 8 + 4 * 16);
	/* A slot without access is abnormal, and says why. */
	assert_memory_equal(reply.data + 8 + 24 + 24 + 8, "\x03\xe8\x05\0\x3b\x11\0\0\0\1\0\0", 12);
	rig_move(rig, 1000, 500, &reply);
	assert_int_equal(reply_code(&reply), 0x053b11);
	rig_free(&rig);
}

/* The medium type of the element, with SVALID in bit 7. */
static uint8_t medium_type(struct rig *rig, uint16_t address)
{
	rig_command(rig, 0,
		    CDB(0xb8, 0x00, (uint8_t)(address >> 8), (uint8_t)address, 0, 1, 0, 0, 1, 0, 0, 0),
		    &reply);
	assert_int_equal(reply.size, 8 + 8 + 16);
	assert_int_equal(be_get16(reply.data + 16), address);
	return reply.data[16 + 9];
}

/* Hosts are told what a cartridge is by its own word, and by its barcode where it has none. */
static void test_medium_types(void **state)
{
	static const struct element elements[] = {
		{ .address = 1, .type = ELEMENT_TRANSPORT },
		{ .address = 500, .type = ELEMENT_DRIVE, .barcode = "SAYW01L8" },
		{ .address = 1000, .type = ELEMENT_STORAGE, .barcode = "SAYW02L8" },
		{ .address = 1001, .type = ELEMENT_STORAGE, .barcode = "SAYD03LY" },
		{ .address = 1002, .type = ELEMENT_STORAGE, .barcode = "GRN004LY" },
		{ .address = 1003, .type = ELEMENT_STORAGE, .barcode = "GRN005M8" },
		{ .address = 1004, .type = ELEMENT_STORAGE, .barcode = "GRN006CU" },
		{ .address = 1005, .type = ELEMENT_STORAGE, .barcode = "CLN007L8" },
		{ .address = 1006, .type = ELEMENT_STORAGE, .barcode = "X" },
		{ .address = 1007, .type = ELEMENT_STORAGE },
		{ .address = 1008, .type = ELEMENT_STORAGE },
	};
	static const uint8_t types[] = { 4, 1, 4, 1, 2, 2, 1, 0, 0 };
	struct rig *rig = rig_new(personality_find("stk-l700"), elements,
				  sizeof(elements) / sizeof(elements[0]));
	uint16_t address = 1008;
	char message[256];

	(void)state;
	assert_int_equal(medium_type(rig, 500), 4);
	for (uint16_t i = 0; i < sizeof(types); i++)
		assert_int_equal(medium_type(rig, 1000 + i), types[i]);
	/* It goes where the cartridge goes, and nothing of it stays. */
	rig_move(rig, 500, 1007, &reply);
	assert_int_equal(reply_code(&reply), 0);
	assert_int_equal(medium_type(rig, 500), 0);
	assert_int_equal(medium_type(rig, 1007), 4);
	rig_exchange(rig, 1003, 1000, 1003, &reply);
	assert_int_equal(reply_code(&reply), 0);
	assert_int_equal(medium_type(rig, 1003), 0x84);
	assert_int_equal(medium_type(rig, 1000), 0x81);
	assert_int_equal(changer_put(rig->changer, "SAYW08L8", &address, message), 0);
	rig_settle(rig);
	assert_int_equal(medium_type(rig, 1008), 4);
	rig_free(&rig);
}

/* ---- personalities ------------------------------------------------------------------------ */

static struct rig *rig_of(const struct personality *p)
{
	struct element elements[] = {
		{ .address = p->first_transport, .type = ELEMENT_TRANSPORT },
		{ .address = p->first_import_export, .type = ELEMENT_IMPORT_EXPORT },
		{ .address = p->first_drive, .type = ELEMENT_DRIVE },
		{ .address = p->first_storage, .type = ELEMENT_STORAGE, .barcode = "GRN000L8" },
	};

	for (size_t i = 0; i < 4; i++)
		for (size_t j = i + 1; j < 4; j++)
			if (elements[j].address < elements[i].address) {
				struct element e = elements[i];

				elements[i] = elements[j];
				elements[j] = e;
			}
	return rig_new(p, elements, 4);
}

/* The serial number that VPD page 80h of the changer ends with. */
static const struct {
	const char *name, *serial;
} serials[] = {
	{ "stk-l700", "LIB0000001" },	  { "ibm-3584", "LIB00000010400" },
	{ "ibm-3573", "LIB0000001_LL0" }, { "hp-msl", "LIB0000001" },
	{ "adic-scalar", "LIB0000001_LLA" },
};

static void check_serial(struct rig *rig, const struct personality *p)
{
	char t10[64];
	size_t size, i = 0;

	while (strcmp(serials[i].name, p->name) != 0)
		assert_true(++i < sizeof(serials) / sizeof(serials[0]));
	size = strlen(serials[i].serial);
	rig_command(rig, 0, CDB(0x12, 1, 0x80, 0, 0xff, 0), &reply);
	assert_int_equal(reply_code(&reply), 0);
	assert_int_equal(be_get16(reply.data + 2), size);
	assert_memory_equal(reply.data + 4, serials[i].serial, size);
	rig_command(rig, 0, CDB(0x12, 1, 0x83, 0, 0xff, 0), &reply);
	assert_int_equal(reply_code(&reply), 0);
	snprintf(t10, sizeof(t10), "%-8s%-16s%s", p->vendor, p->product, serials[i].serial);
	assert_memory_equal(reply.data + 4, "\2\1\0", 3);
	assert_int_equal(reply.data[7], strlen(t10));
	assert_memory_equal(reply.data + 8, t10, strlen(t10));
}

/* A drive's identifier in READ ELEMENT STATUS: byte for byte what the drive says of itself. */
static void check_identifier(struct rig *rig, const struct personality *p, bool asked)
{
	const struct drive_model *model = drive_model_find(p->drive);
	bool given = asked || p->identifier_always;
	uint8_t cdb[12] = { 0xb8, 0x04, [5] = 1, [6] = asked, [8] = 1 };
	char expected[64];
	size_t size = 0;

	if (p->identifier_is_serial)
		snprintf(expected, sizeof(expected), "DRV0000000");
	else
		snprintf(expected, sizeof(expected), "%-8s%-16sDRV0000000", model->vendor,
			 model->product);
	if (given)
		size = strlen(expected);
	rig_command(rig, 0, cdb, sizeof(cdb), &reply);
	assert_int_equal(reply_code(&reply), 0);
	assert_int_equal(reply.size, 8 + 8 + 16 + size);
	assert_int_equal(be_get16(reply.data + 10), 16 + size);
	assert_int_equal(reply.data[28], given ? 2 : 0);
	assert_int_equal(reply.data[29], given && !p->identifier_is_serial ? 1 : 0);
	assert_int_equal(reply.data[31], size);
	assert_memory_equal(reply.data + 32, expected, size);
}

static void test_personalities(void **state)
{
	const struct personality *p;
	unsigned n;

	(void)state;
	for (n = 0; (p = personality_at(n)) != NULL; n++) {
		struct rig *rig = rig_of(p);
		char inquiry[64];

		rig_command(rig, 0, CDB(0x12, 0, 0, 0, 96, 0), &reply);
		snprintf(inquiry, sizeof(inquiry), "%-8s%-16s%-4s", p->vendor, p->product,
			 p->revision);
		assert_memory_equal(reply.data + 8, inquiry, 28);
		assert_int_equal(reply.data[55], p->inquiry_barcode ? 1 : 0);
		check_serial(rig, p);
		check_identifier(rig, p, false);
		check_identifier(rig, p, true);
		rig_move(rig, p->first_storage, p->first_drive, &reply);
		assert_int_equal(reply_code(&reply), 0);
		assert_int_equal(rig_element(rig, p->first_drive).source, p->first_storage);
		rig_move(rig, p->first_drive, p->first_import_export, &reply);
		assert_int_equal(reply_code(&reply), 0);
		rig_assert_consistent(rig);
		rig_free(&rig);
	}
	assert_int_equal(n, sizeof(serials) / sizeof(serials[0]));
	assert_null(personality_find("none"));
	assert_string_equal(personality_at(0)->name, "stk-l700");
}

/* A library that leaves the medium out of its barcodes shows six characters, and finds by six. */
static void test_short_barcodes(void **state)
{
	struct personality p = *personality_find("stk-l700");
	uint8_t wanted[40] = "GRN000";
	struct rig *rig;

	(void)state;
	p.barcode_length = 6;
	rig = rig_of(&p);
	rig_command(rig, 0, CDB(0xb8, 0x12, 0, 0, 0, 1, 0, 0, 1, 0, 0, 0), &reply);
	assert_memory_equal(reply.data + 28, "GRN000    ", 10);
	rig_send(rig, 0, CDB(0xb6, 0, 0, 0, 0, 5, 0, 0, 0, 40, 0, 0), wanted, 40, 0, &reply);
	assert_int_equal(reply_code(&reply), 0);
	rig_command(rig, 0, CDB(0xb5, 0x10, 0, 0, 0, 9, 0, 0, 1, 0, 0, 0), &reply);
	assert_int_equal(be_get16(reply.data + 2), 1);
	rig_free(&rig);
}

/* Each drive model has a name of its own, and LTFS takes the IBM ones from LTO-5 on. */
static void test_drive_models(void **state)
{
	const struct drive_model *model;

	(void)state;
	for (unsigned n = 0; (model = drive_model_at(n)) != NULL; n++) {
		assert_ptr_equal(drive_model_find(model->name), model);
		assert_int_equal(strlen(model->revision), 4);
		assert_in_range(model->generation, 4, 9);
		assert_non_null(strchr(model->product, '0' + model->generation));
		if (strcmp(model->vendor, "IBM") == 0 && model->generation >= 8)
			assert_true(strcmp(model->revision, "HB81") >= 0);
		else if (strcmp(model->vendor, "IBM") == 0 && model->generation >= 5)
			assert_true(strcmp(model->revision, "B170") >= 0);
		if (strncmp(model->product, "Ultrium", 7) == 0)
			assert_string_equal(model->vendor, model->generation >= 8 ? "HPE" : "HP");
	}
	assert_null(drive_model_find("none"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_bytes, setup, rig_teardown),
		cmocka_unit_test_setup_teardown(test_every_allocation, setup, rig_teardown),
		cmocka_unit_test_setup_teardown(test_every_room, setup, rig_teardown),
		cmocka_unit_test_setup_teardown(test_parts, setup, rig_teardown),
		cmocka_unit_test_setup_teardown(test_kernel_attach, setup, rig_teardown),
		cmocka_unit_test_setup_teardown(test_mtx_status, setup, rig_teardown),
		cmocka_unit_test(test_missing_type),
		cmocka_unit_test(test_medium_types),
		cmocka_unit_test(test_personalities),
		cmocka_unit_test(test_short_barcodes),
		cmocka_unit_test(test_drive_models),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
