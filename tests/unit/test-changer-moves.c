/* SPDX-License-Identifier: MIT */
/*
 * Moves are exact: what a host asks for is done wholly or not at all, refused
 * with the sense that says why, and saved before it is answered; random moves
 * with failing drives and failing disks keep the inventory true to a model.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "lib/base/log.h"
#include "tests/unit/changer_support.h"

static struct reply reply;

/* A move to a drive loads it, is saved once, and the drive's element knows where it came from. */
static void test_load_and_unload(void **state)
{
	struct rig *rig = *state;

	rig_move(rig, 1000, 500, &reply);
	assert_int_equal(reply_code(&reply), 0);
	assert_string_equal(rig->drives[0].barcode, "GRN000L8");
	assert_string_equal(rig_element(rig, 500).barcode, "GRN000L8");
	assert_int_equal(rig_element(rig, 500).source, 1000);
	assert_string_equal(rig_element(rig, 1000).barcode, "");
	assert_int_equal(rig->saves, 1);
	rig_assert_consistent(rig);

	/* From drive to drive the slot is still known; the hosts' mtx unloads to it. */
	rig_move(rig, 500, 501, &reply);
	assert_int_equal(reply_code(&reply), 0);
	assert_int_equal(rig_element(rig, 501).source, 1000);
	assert_string_equal(rig->drives[0].barcode, "");
	rig_move(rig, 501, 1000, &reply);
	assert_int_equal(reply_code(&reply), 0);
	assert_string_equal(rig_element(rig, 1000).barcode, "GRN000L8");
	rig_assert_consistent(rig);
	assert_string_equal(rig->hooks,
			    "load GRN000L8 1000>500;unload GRN000L8 500>501;"
			    "load GRN000L8 500>501;unload GRN000L8 501>1000;");
}

/* A cartridge moved onto itself stays, and its drive is left alone. */
static void test_same_place(void **state)
{
	struct rig *rig = *state;

	rig_move(rig, 1000, 1000, &reply);
	assert_int_equal(reply_code(&reply), 0);
	rig_move(rig, 1000, 500, &reply);
	rig_move(rig, 500, 500, &reply);
	assert_int_equal(reply_code(&reply), 0);
	assert_int_equal(rig->drives[0].unloads, 0);
	assert_int_equal(rig->saves, 1);
	rig_move(rig, 1003, 1003, &reply);
	assert_int_equal(reply_code(&reply), 0x053b0e);
}

/* Import clears ImpExp, export does not set it. */
static void test_import_export(void **state)
{
	struct rig *rig = *state;

	assert_true(rig_element(rig, 10).imported);
	rig_move(rig, 10, 1003, &reply);
	assert_int_equal(reply_code(&reply), 0);
	assert_false(rig_element(rig, 1003).imported);
	assert_int_equal(rig_element(rig, 1003).source, 10);
	rig_move(rig, 1003, 11, &reply);
	assert_int_equal(reply_code(&reply), 0);
	assert_false(rig_element(rig, 11).imported);
	assert_string_equal(rig->hooks, "eject GRN010LY 1003>11;");
	rig_assert_consistent(rig);
}

/* A drive's refusal says which one it was, and the cartridge is where it was. */
static void test_load_failures(void **state)
{
	static const struct {
		int error;
		uint32_t code;
	} rows[] = {
		{ -EMEDIUMTYPE, 0x053000 }, { -EIO, 0x045300 },	    { -EBADMSG, 0x035300 },
		{ -ENOENT, 0x035300 },	    { -EBUSY, 0x045300 },   { -ENOMEM, 0x0b5503 },
		{ -EPROTONOSUPPORT, 0x033001 },
	};
	struct rig *rig = *state;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		rig->drives[0].load_error = rows[i].error;
		rig_move(rig, 1000, 500, &reply);
		assert_int_equal(reply_code(&reply), rows[i].code);
		assert_string_equal(rig_element(rig, 1000).barcode, "GRN000L8");
		assert_int_equal(rig->saves, 0);
		rig_assert_consistent(rig);
	}
	rig->drives[0].load_error = 0;
	rig->missing = "GRN000L8";
	rig_move(rig, 1000, 500, &reply);
	assert_int_equal(reply_code(&reply), 0x035300);
	rig_assert_consistent(rig);
	/* Nothing has come into a drive. */
	rig->missing = NULL;
	rig->save_failures = 1;
	rig->save_error = -EIO;
	rig_move(rig, 1000, 500, &reply);
	assert_int_equal(reply_code(&reply), 0x044400);
	assert_string_equal(rig->hooks, "");
}

/* A cartridge that the second drive does not take goes back into the first. */
static void test_load_failure_goes_back(void **state)
{
	struct rig *rig = *state;

	rig_move(rig, 1000, 500, &reply);
	rig->drives[1].generation = 6;
	rig_move(rig, 500, 501, &reply);
	assert_int_equal(reply_code(&reply), 0x053000);
	assert_string_equal(rig->drives[0].barcode, "GRN000L8");
	assert_int_equal(rig_element(rig, 500).source, 1000);
	rig_assert_consistent(rig);
}

/* Removal that a host prevents is 53/02, and nothing moves. */
static void test_prevented(void **state)
{
	struct rig *rig = *state;

	rig_move(rig, 1000, 500, &reply);
	rig->drives[0].prevented = true;
	rig_move(rig, 500, 1000, &reply);
	assert_int_equal(reply_code(&reply), 0x055302);
	rig_exchange(rig, 1001, 500, 1000, &reply);
	assert_int_equal(reply_code(&reply), 0x055302);
	rig_assert_consistent(rig);
	rig->drives[0].prevented = false;
	rig_move(rig, 500, 1000, &reply);
	assert_int_equal(reply_code(&reply), 0);
}

/* An inventory that cannot be saved undoes the move: 44/00, and the drives as before. */
static void test_save_failure(void **state)
{
	struct rig *rig = *state;

	rig->save_error = -EIO;
	rig->save_failures = 1;
	rig_move(rig, 1000, 500, &reply);
	assert_int_equal(reply_code(&reply), 0x044400);
	assert_string_equal(rig->drives[0].barcode, "");
	/* What was saved before is saved again: the failed one may have reached the disk. */
	assert_int_equal(rig->saves, 2);
	rig_assert_consistent(rig);

	rig_move(rig, 1000, 500, &reply);
	assert_int_equal(reply_code(&reply), 0);
	rig->save_failures = 2;
	rig_move(rig, 500, 1003, &reply);
	assert_int_equal(reply_code(&reply), 0x044400);
	assert_string_equal(rig->drives[0].barcode, "GRN000L8");
	rig_assert_consistent(rig);
}

/* Data that a drive could not write on the way out: the tape is moved, and the host is told. */
static void test_flush_failure(void **state)
{
	struct rig *rig = *state;

	rig_move(rig, 1000, 500, &reply);
	rig->drives[0].unload_error = -EIO;
	rig_move(rig, 500, 1000, &reply);
	assert_int_equal(reply_code(&reply), 0x030c00);
	assert_string_equal(rig_element(rig, 1000).barcode, "GRN000L8");
	rig_assert_consistent(rig);
}

/* A drive that does not take its own cartridge back leaves it in its element, marked; it can be
 * moved out of there. */
static void test_stranded(void **state)
{
	struct rig *rig = *state;

	rig_move(rig, 1000, 500, &reply);
	rig->drives[0].load_error = -EIO;
	rig->drives[1].load_error = -EIO;
	rig_move(rig, 500, 501, &reply);
	assert_int_equal(reply_code(&reply), 0x045300);
	assert_string_equal(rig_element(rig, 500).barcode, "GRN000L8");
	assert_string_equal(rig->drives[0].barcode, "");
	rig_command(rig, 0, CDB(0xb8, 0x04, 0x01, 0xf4, 0, 1, 0, 0, 1, 0, 0, 0), &reply);
	assert_int_equal(reply_code(&reply), 0);
	assert_int_equal(reply.data[18], 0x0d);
	assert_int_equal(reply.data[20], 0x53);
	/* TapeAlert: drive trouble is in the library's log page. */
	rig_command(rig, 0, CDB(0x4d, 0, 0x6e, 0, 0, 0, 0, 2, 0, 0), &reply);
	assert_int_equal(reply_code(&reply), 0);
	assert_int_equal(reply.size, 4 + 5 * 64);
	assert_int_equal(reply.data[4 + 5 * 23 + 4], 1);
	rig_command(rig, 0, CDB(0x4d, 0, 0x6e, 0, 0, 0, 0, 2, 0, 0), &reply);
	assert_int_equal(reply.data[4 + 5 * 23 + 4], 0);

	rig_move(rig, 500, 1003, &reply);
	assert_int_equal(reply_code(&reply), 0);
	assert_string_equal(rig_element(rig, 1003).barcode, "GRN000L8");
	rig_assert_consistent(rig);
	rig_command(rig, 0, CDB(0xb8, 0x04, 0x01, 0xf4, 0, 1, 0, 0, 1, 0, 0, 0), &reply);
	assert_int_equal(reply.data[18], 0x08);
}

/* A hook that says no keeps the tape in its slot, or in its drive. */
static void test_eject_hook(void **state)
{
	struct rig *rig = *state;
	char message[256];

	rig->eject_error = 1;
	rig_move(rig, 1000, 11, &reply);
	assert_int_equal(reply_code(&reply), 0x055302);
	rig_move(rig, 1000, 500, &reply);
	rig_move(rig, 500, 11, &reply);
	assert_int_equal(reply_code(&reply), 0x055302);
	assert_int_equal(rig->drives[0].unloads, 0);
	assert_int_equal(changer_move(rig->changer, 1001, 11, message), -EPERM);
	assert_string_equal(message, "the eject hook keeps GRN001L8 in slot 1001");
	assert_int_equal(changer_take(rig->changer, 1001, message), -EPERM);
	assert_string_equal(message, "the eject hook keeps GRN001L8 in slot 1001");
	rig_assert_consistent(rig);
}

/* EXCHANGE MEDIUM: the drive's tape to its slot and the next one in, or neither. */
static void test_exchange(void **state)
{
	struct rig *rig = *state;

	rig_move(rig, 1000, 500, &reply);
	rig_exchange(rig, 1001, 500, 1000, &reply);
	assert_int_equal(reply_code(&reply), 0);
	assert_string_equal(rig->drives[0].barcode, "GRN001L8");
	assert_int_equal(rig_element(rig, 500).source, 1001);
	assert_string_equal(rig_element(rig, 1000).barcode, "GRN000L8");
	assert_string_equal(rig_element(rig, 1001).barcode, "");
	assert_int_equal(rig->saves, 2);

	/* The second destination may be the source: the two change places. */
	rig_exchange(rig, 1000, 500, 1000, &reply);
	assert_int_equal(reply_code(&reply), 0);
	assert_string_equal(rig->drives[0].barcode, "GRN000L8");
	assert_string_equal(rig_element(rig, 1000).barcode, "GRN001L8");
	rig_assert_consistent(rig);

	rig->drives[0].generation = 6;
	rig_exchange(rig, 1000, 500, 1003, &reply);
	assert_int_equal(reply_code(&reply), 0x053000);
	assert_string_equal(rig_element(rig, 1000).barcode, "GRN001L8");
	assert_string_equal(rig_element(rig, 500).barcode, "GRN000L8");
	assert_string_equal(rig_element(rig, 1003).barcode, "");
}

static void test_exchange_refusals(void **state)
{
	static const struct {
		uint16_t from, first, second;
		uint32_t code;
	} rows[] = {
		{ 1003, 1000, 1001, 0x053b0e }, { 1000, 1003, 1001, 0x053b0e },
		{ 1000, 1001, 1002, 0x053b0d }, { 1000, 1000, 1003, 0x052101 },
		{ 1000, 1001, 1001, 0x053b0d }, { 1000, 1001, 77, 0x052101 },
		{ 1000, 77, 1003, 0x052101 },	{ 77, 1000, 1003, 0x052101 },
		{ 1, 1000, 1003, 0x052101 },
	};
	struct rig *rig = *state;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		rig_exchange(rig, rows[i].from, rows[i].first, rows[i].second, &reply);
		assert_int_equal(reply_code(&reply), rows[i].code);
	}
	assert_int_equal(rig->saves, 0);
	rig_assert_consistent(rig);
}

/* ---- the operator ------------------------------------------------------------------------- */

static uint32_t attention(struct rig *rig, unsigned host)
{
	rig_command(rig, host, CDB(0, 0, 0, 0, 0, 0), &reply);
	return reply_code(&reply);
}

/* Every host hears of what the operator's hand did, each once. */
static void test_operator_attentions(void **state)
{
	struct rig *rig = *state;
	uint16_t address = 11;
	char message[256];

	assert_int_equal(changer_put(rig->changer, "NEW001L8", &address, message), 0);
	assert_true(rig_element(rig, 11).imported);
	for (unsigned host = 0; host < 2; host++) {
		assert_int_equal(attention(rig, host), 0x062801);
		assert_int_equal(attention(rig, host), 0);
	}
	address = 0;
	assert_int_equal(changer_put(rig->changer, "NEW002L8", &address, message), 0);
	assert_int_equal(address, 1003);
	assert_false(rig_element(rig, 1003).imported);
	assert_int_equal(attention(rig, 0), 0x062800);
	assert_int_equal(attention(rig, 1), 0x062800);
	assert_int_equal(changer_take(rig->changer, 11, message), 0);
	assert_int_equal(attention(rig, 0), 0x062801);
	assert_int_equal(attention(rig, 1), 0x062801);
	assert_int_equal(changer_move(rig->changer, 1003, 500, message), 0);
	assert_string_equal(rig->drives[0].barcode, "NEW002L8");
	assert_int_equal(attention(rig, 0), 0x062800);
	assert_int_equal(attention(rig, 1), 0x062800);
	rig_assert_consistent(rig);
}

static void test_operator_refusals(void **state)
{
	struct rig *rig = *state;
	uint16_t address = 0;
	char message[256];

	assert_int_equal(changer_move(rig->changer, 77, 1000, message), -ENOENT);
	assert_string_equal(message, "there is no element 77");
	assert_int_equal(changer_move(rig->changer, 1003, 500, message), -ENOENT);
	assert_string_equal(message, "slot 1003 is empty");
	assert_int_equal(changer_move(rig->changer, 1000, 1001, message), -EEXIST);
	assert_string_equal(message, "slot 1001 holds GRN001L8");
	rig->drives[0].generation = 6;
	assert_int_equal(changer_move(rig->changer, 1000, 500, message), -EMEDIUMTYPE);
	assert_string_equal(message,
			    "GRN000L8 does not load in drive 500: the drive does not take this kind of medium");
	assert_int_equal(changer_take(rig->changer, 500, message), -EINVAL);
	assert_int_equal(changer_take(rig->changer, 1003, message), -ENOENT);
	assert_int_equal(changer_take(rig->changer, 77, message), -ENOENT);
	assert_int_equal(changer_put(rig->changer, "GRN000L8", &address, message), -EEXIST);
	assert_string_equal(message, "GRN000L8 is in slot 1000 already");
	assert_int_equal(changer_put(rig->changer, "", &address, message), -EINVAL);
	assert_int_equal(changer_put(rig->changer, "012345678901234567890123456789012", &address,
				     message),
			 -EINVAL);
	address = 1000;
	assert_int_equal(changer_put(rig->changer, "NEW001L8", &address, message), -EEXIST);
	address = 500;
	assert_int_equal(changer_put(rig->changer, "NEW001L8", &address, message), -EINVAL);
	address = 77;
	assert_int_equal(changer_put(rig->changer, "NEW001L8", &address, message), -ENOENT);
	address = 0;
	assert_int_equal(changer_put(rig->changer, "NEW001L8", &address, message), 0);
	address = 0;
	assert_int_equal(changer_put(rig->changer, "NEW002L8", &address, message), -ENOSPC);
	assert_string_equal(message, "the library is full: no slot is free");
	rig->save_error = -ENOSPC;
	rig->save_failures = 1;
	assert_int_equal(changer_take(rig->changer, 1003, message), -ENOSPC);
	assert_string_equal(message, "the inventory cannot be saved: No space left on device");
	assert_string_equal(rig_element(rig, 1003).barcode, "NEW001L8");
	rig_assert_consistent(rig);
}

/* A tape that is put in anywhere leaves those in drives their slots; into a slot of its own it goes. */
static void test_operator_spares_homes(void **state)
{
	struct rig *rig = *state;
	uint16_t address = 0;
	char message[256];

	assert_int_equal(changer_move(rig->changer, 1000, 500, message), 0);
	assert_int_equal(changer_put(rig->changer, "NEW001L8", &address, message), 0);
	assert_int_equal(address, 1003);
	address = 0;
	assert_int_equal(changer_put(rig->changer, "NEW002L8", &address, message), -ENOSPC);
	assert_string_equal(message, "every free slot is kept for a tape that is in a drive: name one to "
				     "take it all the same");
	assert_int_equal(changer_move(rig->changer, 500, 1000, message), 0);
	assert_int_equal(changer_take(rig->changer, 1001, message), 0);
	assert_int_equal(changer_move(rig->changer, 1000, 501, message), 0);
	address = 1000;
	assert_int_equal(changer_put(rig->changer, "NEW002L8", &address, message), 0);
	address = 0;
	assert_int_equal(changer_put(rig->changer, "NEW003L8", &address, message), 0);
	assert_int_equal(address, 1001);
	rig_assert_consistent(rig);
	rig_settle(rig);
}

/* PREVENT on the changer keeps the operator's hand out of the import/export slots; hosts go on. */
static void test_operator_prevented(void **state)
{
	struct rig *rig = *state;
	uint16_t address = 11;
	char message[256];

	rig_command(rig, 1, CDB(0x1e, 0, 0, 0, 1, 0), &reply);
	assert_int_equal(reply_code(&reply), 0);
	assert_int_equal(changer_put(rig->changer, "NEW001L8", &address, message), -EPERM);
	assert_string_equal(message, "a host prevents access to import/export slot 11");
	assert_int_equal(changer_take(rig->changer, 10, message), -EPERM);
	assert_int_equal(changer_take(rig->changer, 1000, message), -EPERM);
	rig_move(rig, 1000, 11, &reply);
	assert_int_equal(reply_code(&reply), 0);
	rig_command(rig, 1, CDB(0x1e, 0, 0, 0, 0, 0), &reply);
	assert_int_equal(changer_take(rig->changer, 11, message), 0);
	rig_settle(rig);
}

/* What a restart finds: tapes that were in drives are loaded again, and what cannot be is marked. */
static void test_restart(void **state)
{
	static const struct element elements[] = {
		{ .address = 1, .type = ELEMENT_TRANSPORT },
		{ .address = 500, .type = ELEMENT_DRIVE, .barcode = "GRN000L8", .source = 1000 },
		{ .address = 501, .type = ELEMENT_DRIVE, .barcode = "GRN001L6", .source = 1001 },
		{ .address = 1000, .type = ELEMENT_STORAGE },
		{ .address = 1001, .type = ELEMENT_STORAGE },
	};
	struct rig *rig = rig_new(personality_find("stk-l700"), elements, 5);

	(void)state;
	assert_string_equal(rig->drives[0].barcode, "GRN000L8");
	assert_string_equal(rig->drives[1].barcode, "");
	rig_command(rig, 0, CDB(0xb8, 0x04, 0x01, 0xf5, 0, 1, 0, 0, 1, 0, 0, 0), &reply);
	assert_int_equal(reply.data[18], 0x0d);
	rig_move(rig, 501, 1001, &reply);
	assert_int_equal(reply_code(&reply), 0);
	rig_free(&rig);
}

/* ---- random moves -------------------------------------------------------------------------- */

enum { MODEL_ELEMENTS = 14, MODEL_ROUNDS = 4000 };

struct model {
	uint16_t address[MODEL_ELEMENTS];
	char barcode[MODEL_ELEMENTS][BARCODE_MAX + 1];
};

static const struct element model_elements[MODEL_ELEMENTS] = {
	{ .address = 2, .type = ELEMENT_IMPORT_EXPORT },
	{ .address = 3, .type = ELEMENT_IMPORT_EXPORT, .barcode = "AAA003L8", .imported = true },
	{ .address = 20, .type = ELEMENT_DRIVE },
	{ .address = 21, .type = ELEMENT_DRIVE },
	{ .address = 22, .type = ELEMENT_DRIVE },
	{ .address = 40, .type = ELEMENT_STORAGE, .barcode = "AAA040L8" },
	{ .address = 41, .type = ELEMENT_STORAGE, .barcode = "AAA041L8" },
	{ .address = 42, .type = ELEMENT_STORAGE, .barcode = "AAA042L6" },
	{ .address = 43, .type = ELEMENT_STORAGE, .barcode = "AAA043L8" },
	{ .address = 44, .type = ELEMENT_STORAGE, .barcode = "CLN044L1" },
	{ .address = 45, .type = ELEMENT_STORAGE },
	{ .address = 47, .type = ELEMENT_STORAGE, .barcode = "AAA047LY", .disabled = true },
	{ .address = 48, .type = ELEMENT_STORAGE },
	{ .address = 50, .type = ELEMENT_TRANSPORT },
};

static bool model_is_drive(size_t n)
{
	return model_elements[n].type == ELEMENT_DRIVE;
}

/* Why a move of one cartridge is refused before anything moves; 0: it is not. */
static uint32_t model_check(const struct model *model, size_t from, size_t to)
{
	if (model_elements[from].type == ELEMENT_TRANSPORT ||
	    model_elements[to].type == ELEMENT_TRANSPORT)
		return 0x052101;
	if (model_elements[from].disabled || model_elements[to].disabled)
		return 0x053b11;
	if (model->barcode[from][0] == '\0')
		return 0x053b0e;
	if (from != to && model->barcode[to][0] != '\0')
		return 0x053b0d;
	return 0;
}

static bool model_loads(const struct model *model, size_t from)
{
	return strstr(model->barcode[from], "L6") == NULL;
}

static void model_round(struct rig *rig, struct model *model, unsigned *seed, unsigned kinds[4])
{
	size_t from = (size_t)rand_r(seed) % MODEL_ELEMENTS;
	size_t to = (size_t)rand_r(seed) % MODEL_ELEMENTS;
	uint32_t expected = model_check(model, from, to);
	bool moves = expected == 0 && from != to;

	rig->save_failures = rand_r(seed) % 5 == 0;
	for (size_t i = 0; i < rig->drive_count; i++) {
		rig->drives[i].prevented = rand_r(seed) % 8 == 0;
		/* Only drives that are empty now fail to load: a way back always works. */
		rig->drives[i].load_error =
			rig->drives[i].barcode[0] == '\0' && rand_r(seed) % 4 == 0 ? -EIO : 0;
	}
	if (moves && model_is_drive(from) && rig->drives[from - 2].prevented)
		expected = 0x055302;
	else if (moves && model_is_drive(to) && !model_loads(model, from))
		expected = 0x053000;
	else if (moves && model_is_drive(to) && rig->drives[to - 2].load_error != 0)
		expected = 0x045300;
	else if (moves && rig->save_failures > 0)
		expected = 0x044400;
	rig_move(rig, model->address[from], model->address[to], &reply);
	assert_int_equal(reply_code(&reply), expected);
	kinds[expected == 0 ? 0 : expected == 0x044400 ? 1 : expected == 0x045300 ? 2 : 3]++;
	if (expected == 0 && from != to) {
		memcpy(model->barcode[to], model->barcode[from], sizeof(model->barcode[to]));
		model->barcode[from][0] = '\0';
	}
	rig->save_failures = 0;
	rig->hooks[0] = '\0';
}

static void test_random_moves(void **state)
{
	struct rig *rig = rig_new(personality_find("stk-l700"), model_elements, MODEL_ELEMENTS);
	struct model model;
	unsigned seed = 20260101, kinds[4] = { 0 };

	(void)state;
	rig->save_error = -EIO;
	for (size_t i = 0; i < MODEL_ELEMENTS; i++) {
		model.address[i] = model_elements[i].address;
		memcpy(model.barcode[i], model_elements[i].barcode, sizeof(model.barcode[i]));
	}
	for (unsigned round = 0; round < MODEL_ROUNDS; round++) {
		model_round(rig, &model, &seed, kinds);
		for (size_t i = 0; i < MODEL_ELEMENTS; i++)
			assert_string_equal(rig->saved[i].barcode, model.barcode[i]);
		rig_assert_consistent(rig);
	}
	/* Each kind of end was reached often enough to mean something. */
	for (unsigned i = 0; i < 4; i++)
		assert_true(kinds[i] > 10);
	rig_free(&rig);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_load_and_unload, rig_setup, rig_teardown),
		cmocka_unit_test_setup_teardown(test_same_place, rig_setup, rig_teardown),
		cmocka_unit_test_setup_teardown(test_import_export, rig_setup, rig_teardown),
		cmocka_unit_test_setup_teardown(test_load_failures, rig_setup, rig_teardown),
		cmocka_unit_test_setup_teardown(test_load_failure_goes_back, rig_setup, rig_teardown),
		cmocka_unit_test_setup_teardown(test_prevented, rig_setup, rig_teardown),
		cmocka_unit_test_setup_teardown(test_save_failure, rig_setup, rig_teardown),
		cmocka_unit_test_setup_teardown(test_flush_failure, rig_setup, rig_teardown),
		cmocka_unit_test_setup_teardown(test_stranded, rig_setup, rig_teardown),
		cmocka_unit_test_setup_teardown(test_eject_hook, rig_setup, rig_teardown),
		cmocka_unit_test_setup_teardown(test_exchange, rig_setup, rig_teardown),
		cmocka_unit_test_setup_teardown(test_exchange_refusals, rig_setup, rig_teardown),
		cmocka_unit_test_setup_teardown(test_operator_attentions, rig_setup, rig_teardown),
		cmocka_unit_test_setup_teardown(test_operator_refusals, rig_setup, rig_teardown),
		cmocka_unit_test_setup_teardown(test_operator_spares_homes, rig_setup, rig_teardown),
		cmocka_unit_test_setup_teardown(test_operator_prevented, rig_setup, rig_teardown),
		cmocka_unit_test(test_restart),
		cmocka_unit_test(test_random_moves),
	};

	log_set_level(LOG_LEVEL_ERROR);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
