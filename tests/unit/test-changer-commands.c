/* SPDX-License-Identifier: MIT */
/*
 * Every command of a medium changer answers as SMC-3 says: the right CDB is
 * taken, each wrong one is refused with its sense and the field that is wrong;
 * volume tags are found by templates; pages tell what the library is made of.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "lib/base/bytes.h"
#include "lib/base/fault.h"
#include "lib/base/log.h"
#include "target/changer/internal.h"
#include "target/scsi/unit.h"
#include "tests/unit/changer_support.h"

static struct reply reply;

/* ---- CDBs ----------------------------------------------------------------------------------- */

static const struct {
	const char *what;
	uint8_t cdb[12];
	uint32_t code;
	int byte, bit; /* field pointer; byte 0: none */
} rows[] = {
	{ "test unit ready", { 0x00 }, 0, 0, 0 },
	{ "initialize", { 0x07 }, 0, 0, 0 },
	{ "initialize, LUN in byte 1", { 0x07, 0xe0 }, 0, 0, 0 },
	{ "initialize, reserved bit", { 0x07, 0x01 }, 0x052400, 1, 0 },
	{ "initialize, reserved byte", { 0x07, 0, 0, 0, 0x80 }, 0x052400, 4, 7 },
	{ "range of all", { 0x37, 0 }, 0, 0, 0 },
	{ "range from a slot", { 0x37, 1, 0x03, 0xe8, 0, 0, 0, 4 }, 0, 0, 0 },
	{ "range from a slot on", { 0x37, 1, 0x03, 0xe8 }, 0, 0, 0 },
	{ "range, fast", { 0x37, 3, 0x03, 0xe8, 0, 0, 0, 1 }, 0, 0, 0 },
	{ "range from nowhere", { 0x37, 1, 0x01, 0x00, 0, 0, 0, 1 }, 0x052101, 0, 0 },
	{ "range past the end", { 0x37, 1, 0x03, 0xe8, 0, 0, 0, 5 }, 0x052101, 0, 0 },
	{ "old range", { 0xe7, 1, 0x03, 0xe8, 0, 0, 0, 4 }, 0, 0, 0 },
	{ "old range past the end", { 0xe7, 1, 0x03, 0xeb, 0, 0, 0xff, 0xff }, 0x052101, 0, 0 },
	{ "position to a slot", { 0x2b, 0, 0, 1, 0x03, 0xe8 }, 0, 0, 0 },
	{ "position, default transport", { 0x2b, 0, 0, 0, 0x01, 0xf4 }, 0, 0, 0 },
	{ "position to nowhere", { 0x2b, 0, 0, 1, 0x03, 0x00 }, 0x052101, 0, 0 },
	{ "position of no transport", { 0x2b, 0, 0, 10, 0x03, 0xe8 }, 0x052101, 0, 0 },
	{ "position, inverted", { 0x2b, 0, 0, 1, 0x03, 0xe8, 0, 0, 1 }, 0x052400, 8, 0 },
	{ "move by no transport", { 0xa5, 0, 0, 2, 0x03, 0xe8, 0x01, 0xf4 }, 0x052101, 0, 0 },
	{ "move by a slot", { 0xa5, 0, 0x03, 0xe8, 0x03, 0xe8, 0x01, 0xf4 }, 0x052101, 0, 0 },
	{ "move from nowhere", { 0xa5, 0, 0, 1, 0x04, 0xe8, 0x01, 0xf4 }, 0x052101, 0, 0 },
	{ "move to nowhere", { 0xa5, 0, 0, 1, 0x03, 0xe8, 0x01, 0xff }, 0x052101, 0, 0 },
	{ "move to address 0", { 0xa5, 0, 0, 1, 0x03, 0xe8, 0, 0 }, 0x052101, 0, 0 },
	{ "move into the transport", { 0xa5, 0, 0, 1, 0x03, 0xe8, 0, 1 }, 0x052101, 0, 0 },
	{ "move out of the transport", { 0xa5, 0, 0, 1, 0, 1, 0x03, 0xe8 }, 0x052101, 0, 0 },
	{ "move of nothing", { 0xa5, 0, 0, 1, 0x03, 0xeb, 0x01, 0xf4 }, 0x053b0e, 0, 0 },
	{ "move to a full slot", { 0xa5, 0, 0, 1, 0x03, 0xe8, 0x03, 0xe9 }, 0x053b0d, 0, 0 },
	{ "move, inverted", { 0xa5, 0, 0, 1, 0x03, 0xe8, 0x01, 0xf4, 0, 0, 1 }, 0x052400, 10, 0 },
	{ "move, NACA", { 0xa5, 0, 0, 1, 0x03, 0xe8, 0x01, 0xf4, 0, 0, 0, 4 }, 0x052400, 11, 2 },
	{ "move as mtx eepos does", { 0xa5, 0, 0, 1, 0x03, 0xe8, 0x03, 0xe8, 0, 0, 0, 0xc0 }, 0, 0, 0 },
	{ "exchange, inverted", { 0xa6, 0, 0, 1, 0x03, 0xe8, 0x03, 0xe9, 0x03, 0xeb, 2 }, 0x052400, 10, 1 },
	{ "exchange by no transport", { 0xa6, 0, 0, 2, 0x03, 0xe8, 0x03, 0xe9, 0x03, 0xeb }, 0x052101, 0, 0 },
	{ "status of a strange type", { 0xb8, 0x05, 0, 0, 0, 1, 0, 0, 1 }, 0x052400, 1, 3 },
	{ "status, reserved bit", { 0xb8, 0, 0, 0, 0, 1, 4, 0, 1 }, 0x052400, 6, 2 },
	{ "status, CURDATA and DVCID", { 0xb8, 0, 0, 0, 0, 1, 3, 0, 1 }, 0, 0, 0 },
	{ "found volumes without a search", { 0xb5, 0, 0, 0, 0, 1, 0, 0, 1 }, 0x052c00, 0, 0 },
	{ "found volumes of a strange type", { 0xb5, 0x07, 0, 0, 0, 1, 0, 0, 1 }, 0x052400, 1, 3 },
	{ "search without a template", { 0xb6, 0, 0, 0, 0, 5, 0, 0, 0, 0 }, 0x051a00, 0, 0 },
	{ "search with a part of one", { 0xb6, 0, 0, 0, 0, 5, 0, 0, 0, 39 }, 0x051a00, 0, 0 },
	{ "search that says 40 and sends none", { 0xb6, 0, 0, 0, 0, 5, 0, 0, 0, 40 }, 0x051a00, 0, 0 },
	{ "search of a strange type", { 0xb6, 0x0f, 0, 0, 0, 5, 0, 0, 0, 40 }, 0x052400, 1, 3 },
	{ "writing a tag", { 0xb6, 0, 0, 0, 0, 8, 0, 0, 0, 40 }, 0x052400, 5, 4 },
	{ "search in alternate tags", { 0xb6, 0, 0, 0, 0, 6, 0, 0, 0, 40 }, 0x052400, 5, 4 },
	{ "prevent", { 0x1e, 0, 0, 0, 1 }, 0, 0, 0 },
	{ "allow", { 0x1e }, 0, 0, 0 },
	{ "open a door", { 0x1b, 0, 0, 10, 0 }, 0, 0, 0 },
	{ "close a door", { 0x1b, 0, 0, 10, 1 }, 0, 0, 0 },
	{ "open a slot's door", { 0x1b, 0, 0x03, 0xe8, 0 }, 0x052101, 0, 0 },
	{ "half open a door", { 0x1b, 0, 0, 10, 2 }, 0x052400, 4, 4 },
	{ "read of a tape", { 0x08, 0, 0, 2 }, 0x052000, 0, 0 },
	{ "rewind", { 0x01 }, 0x052000, 0, 0 },
	{ "mode page of a tape", { 0x1a, 0, 0x0f, 0, 0xff }, 0x052400, 2, 5 },
	{ "VPD page of a tape", { 0x12, 1, 0xb1, 0, 0xff }, 0x052400, 2, 7 },
};

/* Nothing of this changes anything, and each answer is exact. */
static void test_cdbs(void **state)
{
	struct rig *rig = *state;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		rig_command(rig, 0, rows[i].cdb, sizeof(rows[i].cdb), &reply);
		if (reply_code(&reply) != rows[i].code)
			fail_msg("%s: %06x, not %06x", rows[i].what, reply_code(&reply),
				 rows[i].code);
		if (rows[i].code != 0)
			assert_int_equal(reply.size, 0);
		if (reply.sense.field_valid != (rows[i].byte != 0))
			fail_msg("%s: field pointer", rows[i].what);
		if (rows[i].byte == 0)
			continue;
		assert_true(reply.sense.field_in_cdb);
		if (reply.sense.field_byte != rows[i].byte || reply.sense.field_bit != rows[i].bit)
			fail_msg("%s: field %u.%u", rows[i].what, reply.sense.field_byte,
				 reply.sense.field_bit);
	}
	assert_int_equal(rig->saves, 0);
	rig_assert_consistent(rig);
}

/* PREVENT keeps the doors shut. */
static void test_door_prevented(void **state)
{
	rig_command(*state, 1, CDB(0x1e, 0, 0, 0, 1, 0), &reply);
	rig_command(*state, 0, CDB(0x1b, 0, 0, 10, 0, 0), &reply);
	assert_int_equal(reply_code(&reply), 0x055302);
	rig_command(*state, 0, CDB(0x1b, 0, 0, 10, 1, 0), &reply);
	assert_int_equal(reply_code(&reply), 0);
}

/* Whatever bytes a CDB of a known opcode has, the library answers and stays whole. */
static void test_random_cdbs(void **state)
{
	static const uint8_t opcodes[] = { 0x07, 0x2b, 0x37, 0xa5, 0xa6, 0xb5, 0xb6, 0xb8, 0xe7,
					   0x1a, 0x4d };
	static const uint16_t addresses[] = { 0, 1, 10, 11, 500, 501, 1000, 1001, 1002, 1003, 9999 };
	struct rig *rig = *state;
	unsigned seed = 7, good = 0;

	for (unsigned n = 0; n < 40000; n++) {
		uint8_t cdb[12], out[40];

		for (size_t i = 0; i < sizeof(cdb); i++)
			cdb[i] = rand_r(&seed) % 24 != 0 ? 0 : (uint8_t)rand_r(&seed);
		for (size_t i = 0; i < sizeof(out); i++)
			out[i] = (uint8_t)("*?GRN0018L \0"[rand_r(&seed) % 12]);
		cdb[0] = opcodes[(size_t)rand_r(&seed) % sizeof(opcodes)];
		for (size_t i = 2; i < 10; i += 2)
			if (rand_r(&seed) % 3 != 0)
				be_put16(cdb + i, addresses[rand_r(&seed) % 11]);
		rig_send(rig, n % 2, cdb, sizeof(cdb), out, sizeof(out),
			 (size_t)rand_r(&seed) % 2000, &reply);
		assert_true(reply.status == SCSI_GOOD || reply.status == SCSI_CHECK_CONDITION);
		good += reply.status == SCSI_GOOD;
		rig->hooks[0] = '\0';
	}
	assert_in_range(good, 5000, 35000);
	assert_true(rig->saves > 50);
	rig_assert_consistent(rig);
}

/* ---- volume tags ------------------------------------------------------------------------------- */

static void search(struct rig *rig, unsigned host, uint8_t type, uint16_t start, uint8_t action,
		   const char *pattern)
{
	uint8_t cdb[12] = { 0xb6, type, [5] = action, [9] = 40 }, parameters[40];

	memset(parameters, ' ', 32);
	memset(parameters + 32, 0, 8);
	memcpy(parameters, pattern, strlen(pattern));
	be_put16(cdb + 2, start);
	rig_send(rig, host, cdb, sizeof(cdb), parameters, sizeof(parameters), 0, &reply);
}

/* The elements that were found, in their order: "10 1000 ". */
static const char *found(struct rig *rig, unsigned host, uint8_t type, uint16_t start)
{
	static char text[256];
	uint8_t cdb[12] = { 0xb5, type, [4] = 0xff, [5] = 0xff, [8] = 0xff };
	size_t at = 8;

	be_put16(cdb + 2, start);
	rig_command(rig, host, cdb, sizeof(cdb), &reply);
	assert_int_equal(reply_code(&reply), 0);
	assert_int_equal(be_get24(reply.data + 5), reply.size - 8);
	text[0] = '\0';
	while (at < reply.size) {
		size_t each = be_get16(reply.data + at + 2);
		size_t end = at + 8 + be_get24(reply.data + at + 5);

		for (at += 8; at < end; at += each)
			snprintf(text + strlen(text), sizeof(text) - strlen(text), "%u ",
				 be_get16(reply.data + at));
		assert_int_equal(at, end);
	}
	return text;
}

static void test_search(void **state)
{
	static const struct {
		const char *pattern, *found;
	} searches[] = {
		{ "GRN000L8", "1000 " },
		{ "GRN000L", "" },
		{ "GRN000L8X", "" },
		{ "GRN*", "10 1000 1001 " },
		{ "*", "10 1000 1001 1002 " },
		{ "**", "10 1000 1001 1002 " },
		{ "GRN00?L8", "1000 1001 " },
		{ "????????", "10 1000 1001 1002 " },
		{ "???????", "" },
		{ "*2L8", "1002 " },
		{ "*L?", "10 1000 1001 1002 " },
		{ "*0*0*", "10 1000 1001 1002 " },
		{ "G*N*1*", "10 1001 " },
		{ "", "" },
		{ "*********************************************************" /* cut at 32 */, "10 1000 1001 1002 " },
	};
	struct rig *rig = *state;

	for (size_t i = 0; i < sizeof(searches) / sizeof(searches[0]); i++) {
		char pattern[33];

		snprintf(pattern, sizeof(pattern), "%s", searches[i].pattern);
		search(rig, 0, 0, 0, 5, pattern);
		assert_int_equal(reply_code(&reply), 0);
		if (strcmp(found(rig, 0, 0x10, 0), searches[i].found) != 0)
			fail_msg("%s finds %s", pattern, found(rig, 0, 0x10, 0));
		assert_int_equal(reply.data[4], 5);
	}
}

/* The search's type and start, and those of the asking, both count; tags come with VOLTAG. */
static void test_search_parts(void **state)
{
	struct rig *rig = *state;

	search(rig, 0, 2, 0, 4, "*");
	assert_string_equal(found(rig, 0, 0, 0), "1000 1001 1002 ");
	assert_string_equal(found(rig, 0, 0, 1001), "1001 1002 ");
	assert_string_equal(found(rig, 0, 3, 0), "");
	search(rig, 0, 0, 1002, 0, "*");
	assert_string_equal(found(rig, 0, 0x10, 0), "1002 ");
	assert_int_equal(reply.data[4], 0);
	assert_int_equal(reply.data[9], 0x80);
	assert_memory_equal(reply.data + 16 + 12, "CLN002L8 ", 9);
	/* Nothing after a move is stale: it is looked up when it is asked for. */
	search(rig, 0, 0, 0, 5, "GRN000L8");
	rig_move(rig, 1000, 500, &reply);
	assert_string_equal(found(rig, 0, 0, 0), "500 ");
}

/* Each host has a search of its own, and it ends with a reset. */
static void test_search_is_the_hosts(void **state)
{
	struct rig *rig = *state;

	search(rig, 0, 0, 0, 5, "GRN000L8");
	search(rig, 1, 0, 0, 5, "GRN001L8");
	assert_string_equal(found(rig, 0, 0, 0), "1000 ");
	assert_string_equal(found(rig, 1, 0, 0), "1001 ");
	scsi_target_reset(rig->target);
	rig_settle(rig);
	rig_command(rig, 0, CDB(0xb5, 0, 0, 0, 0, 9, 0, 0, 1, 0, 0, 0), &reply);
	assert_int_equal(reply_code(&reply), 0x052c00);
}

/* Sequence numbers are 0: a range above finds nothing, and one that runs backwards is refused. */
/* A command that runs when its session ends goes on, and keeps nothing for it. */
static void test_search_of_a_session_that_ends(void **state)
{
	struct rig *rig = *state;
	struct scsi_port port = { .initiator = "iqn.2026-01.test:next", .isid = { 0x80 }, .portal_group = 1 };
	struct scsi_lu *lu = changer_lu(rig->changer);
	struct scsi_nexus *nexus = rig->hosts[1];
	struct scsi_task task = {
		.nexus = nexus,
		.lu = lu,
		.cdb = { 0xb6, [5] = 5, [9] = 40 },
		.cdb_size = 16,
		.out = scsi_buffer_get(rig->pool, 40),
	};

	assert_non_null(task.out);
	memset(task.out->data, 0, 40);
	task.out->data[0] = '*';
	task.out->size = 40;
	nexus_hold(nexus); /* as the command has it */
	scsi_nexus_close(nexus, NULL, NULL);
	tags_send(lu, &task);
	scsi_task_clear(&task);
	nexus_put(nexus);
	assert_true(TAILQ_EMPTY(&rig->changer->searches));
	assert_int_equal(scsi_nexus_open(rig->target, &port, &rig->hosts[1]), 0);
	rig_settle(rig);
	rig_command(rig, 1, CDB(0xb5, 0, 0, 0, 0, 9, 0, 0, 1, 0, 0, 0), &reply);
	assert_int_equal(reply_code(&reply), 0x052c00);
}

static void test_search_sequence(void **state)
{
	struct rig *rig = *state;
	uint8_t parameters[40] = "*";

	be_put16(parameters + 34, 1);
	be_put16(parameters + 38, 9);
	rig_send(rig, 0, CDB(0xb6, 0, 0, 0, 0, 1, 0, 0, 0, 40, 0, 0), parameters, 40, 0, &reply);
	assert_int_equal(reply_code(&reply), 0);
	assert_string_equal(found(rig, 0, 0, 0), "");
	be_put16(parameters + 38, 0);
	rig_send(rig, 0, CDB(0xb6, 0, 0, 0, 0, 1, 0, 0, 0, 40, 0, 0), parameters, 40, 0, &reply);
	assert_int_equal(reply_code(&reply), 0x052600);
	assert_int_equal(reply.sense.field_byte, 34);
	rig_send(rig, 0, CDB(0xb6, 0, 0, 0, 0, 5, 0, 0, 0, 40, 0, 0), parameters, 40, 0, &reply);
	assert_int_equal(reply_code(&reply), 0);
	assert_string_equal(found(rig, 0, 0, 0), "10 1000 1001 1002 ");
}

/* ---- pages --------------------------------------------------------------------------------------- */

static void test_mode_pages(void **state)
{
	/* clang-format off */
	static const uint8_t geometry[] = { 0x1e, 2, 0, 0 };
	static const uint8_t capabilities[] = {
		0x1f, 0x12, 0x0e, 0, 0, 0x0e, 0x0e, 0x0e, 0, 0, 0, 0, 0, 0x0e, 0x0e, 0x0e, 0, 0, 0, 0,
	};
	/* clang-format on */
	struct rig *rig = *state;
	uint8_t zeros[20] = { 0x1d, 0x12 };

	rig_command(rig, 0, CDB(0x1a, 0, 0x1e, 0, 0xff, 0), &reply);
	assert_int_equal(reply.size, 4 + sizeof(geometry));
	assert_memory_equal(reply.data + 4, geometry, sizeof(geometry));
	rig_command(rig, 0, CDB(0x5a, 0, 0x1f, 0, 0, 0, 0, 0, 0xff, 0), &reply);
	assert_int_equal(reply.size, 8 + sizeof(capabilities));
	assert_int_equal(be_get16(reply.data), 6 + sizeof(capabilities));
	assert_memory_equal(reply.data + 8, capabilities, sizeof(capabilities));
	/* Default values are the current ones; none can be changed. */
	rig_command(rig, 0, CDB(0x1a, 8, 0x9d, 0, 0xff, 0), &reply);
	assert_int_equal(be_get16(reply.data + 4 + 6), 1000);
	rig_command(rig, 0, CDB(0x1a, 8, 0x5d, 0, 0xff, 0), &reply);
	assert_memory_equal(reply.data + 4, zeros, sizeof(zeros));
	rig_command(rig, 0, CDB(0x1a, 8, 0xdd, 0, 0xff, 0), &reply);
	assert_int_equal(reply_code(&reply), 0x053900);
	/* All pages: the changer's are among them, in order, once each. */
	rig_command(rig, 0, CDB(0x1a, 8, 0x3f, 0, 0xff, 0), &reply);
	assert_int_equal(reply_code(&reply), 0);
	assert_memory_equal(reply.data + reply.size - 20, capabilities, 20);
	assert_memory_equal(reply.data + reply.size - 24, geometry, 4);
}

static void test_mode_select_changes_nothing(void **state)
{
	struct rig *rig = *state;
	/* clang-format off */
	uint8_t list[24] = {
		0, 0, 0, 0,
		0x1d, 0x12, 0, 1, 0, 1, 0x03, 0xe8, 0, 4, 0, 10, 0, 2, 0x01, 0xf4, 0, 2, 0, 0,
	};
	/* clang-format on */
	rig_send(rig, 0, CDB(0x15, 0x10, 0, 0, 24, 0), list, sizeof(list), 0, &reply);
	assert_int_equal(reply_code(&reply), 0);
	list[4 + 9] = 5;
	rig_send(rig, 0, CDB(0x15, 0x10, 0, 0, 24, 0), list, sizeof(list), 0, &reply);
	assert_int_equal(reply_code(&reply), 0x052600);
}

static void test_log_pages(void **state)
{
	static const uint8_t pages[] = { 0, 0, 0, 4, 0, 0x0d, 0x10, 0x2e };
	struct rig *rig = *state;

	rig_command(rig, 0, CDB(0x4d, 0, 0x40, 0, 0, 0, 0, 2, 0, 0), &reply);
	assert_int_equal(reply_code(&reply), 0);
	assert_int_equal(reply.size, sizeof(pages));
	assert_memory_equal(reply.data + 2, pages + 2, 5);
	rig_command(rig, 0, CDB(0x4d, 0, 0x4d, 0, 0, 0, 0, 2, 0, 0), &reply);
	assert_int_equal(reply.size, 4 + 12);
	assert_int_equal(reply.data[4 + 5], 0xff); /* nothing measures it */
	assert_int_equal(reply.data[4 + 11], 0xff);
	rig_command(rig, 0, CDB(0x4d, 0, 0x6e, 0, 0, 0, 0, 2, 0, 0), &reply);
	assert_int_equal(reply.size, 4 + 64 * 5);
	for (unsigned n = 0; n < 64; n++) {
		assert_int_equal(be_get16(reply.data + 4 + 5 * n), n + 1);
		assert_int_equal(reply.data[4 + 5 * n + 3], 1);
		assert_int_equal(reply.data[4 + 5 * n + 4], 0);
	}
	rig_command(rig, 0, CDB(0x4d, 0, 0x6e, 0, 0, 0, 64, 2, 0, 0), &reply);
	assert_int_equal(reply.size, 4 + 5);
	rig_command(rig, 0, CDB(0x4d, 0, 0x57, 0, 0, 0, 0, 2, 0, 0), &reply);
	assert_int_equal(reply_code(&reply), 0x052400);
}

/* REPORT SUPPORTED OPCODES knows each of them, with the CDB's length and bits. */
static void test_supported_opcodes(void **state)
{
	static const struct {
		uint8_t opcode, length, byte, usage;
	} known[] = {
		{ 0x07, 6, 1, 0 },     { 0x2b, 10, 5, 0xff }, { 0x37, 10, 1, 0x03 },
		{ 0xa5, 12, 10, 0 },   { 0xa6, 12, 9, 0xff }, { 0xb5, 12, 1, 0x1f },
		{ 0xb6, 12, 5, 0x1f }, { 0xb8, 12, 6, 0x03 }, { 0xe7, 10, 7, 0xff },
	};
	struct rig *rig = *state;

	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		rig_command(rig, 0, CDB(0xa3, 0x0c, 1, known[i].opcode, 0, 0, 0, 0, 1, 0, 0, 0), &reply);
		assert_int_equal(reply_code(&reply), 0);
		assert_int_equal(reply.data[1] & 7, 3);
		assert_int_equal(be_get16(reply.data + 2), known[i].length);
		assert_int_equal(reply.data[4], known[i].opcode);
		assert_int_equal(reply.data[4 + known[i].byte], known[i].usage);
	}
}

/* Under another host's reservation nothing moves; where things are is still told to CURDATA. */
static void test_reserved(void **state)
{
	static const uint8_t conflicts[][12] = {
		{ 0x07 }, { 0x2b, 0, 0, 1, 0x03, 0xe8 }, { 0x37 },
		{ 0xa5, 0, 0, 1, 0x03, 0xe8, 0x01, 0xf4 },
		{ 0xa6, 0, 0, 1, 0x03, 0xe8, 0x03, 0xe9, 0x03, 0xeb },
		{ 0xb5, 0, 0, 0, 0, 9, 0, 0, 9 }, { 0xb6, 0, 0, 0, 0, 5, 0, 0, 0, 40 },
		{ 0xb8, 0x12, 0, 0, 0, 9, 0, 0, 9 },
	};
	struct rig *rig = *state;

	rig_command(rig, 1, CDB(0x16, 0, 0, 0, 0, 0), &reply);
	assert_int_equal(reply_code(&reply), 0);
	for (size_t i = 0; i < sizeof(conflicts) / sizeof(conflicts[0]); i++) {
		rig_command(rig, 0, conflicts[i], 12, &reply);
		assert_int_equal(reply.status, SCSI_RESERVATION_CONFLICT);
	}
	rig_command(rig, 0, CDB(0xb8, 0x12, 0, 0, 0, 9, 2, 0, 9, 0, 0, 0), &reply);
	assert_int_equal(reply_code(&reply), 0);
	rig_command(rig, 1, CDB(0xb8, 0x12, 0, 0, 0, 9, 0, 0, 9, 0, 0, 0), &reply);
	assert_int_equal(reply_code(&reply), 0);
	rig_command(rig, 1, CDB(0x17, 0, 0, 0, 0, 0), &reply);
	rig_move(rig, 1000, 500, &reply);
	assert_int_equal(reply_code(&reply), 0);
}

/* Without memory a command says so (0B 55/03) and moves nothing. */
static void test_no_memory(void **state)
{
	struct rig *rig = *state;
	unsigned refused = 0;

	for (unsigned n = 1; n < 6; n++) {
		char fault[16];

		snprintf(fault, sizeof(fault), "mem:%u", n);
		fault_set(fault);
		rig_move(rig, n % 2 == 1 ? 1000 : 500, n % 2 == 1 ? 500 : 1000, &reply);
		if (reply.status != SCSI_GOOD && reply_code(&reply) != 0x053b0e)
			assert_int_equal(reply_code(&reply), 0x0b5503);
		refused += reply.status != SCSI_GOOD;
		fault_set(fault);
		rig_command(rig, 0, CDB(0xb8, 0, 0, 0, 0, 9, 0, 0, 9, 0, 0, 0), &reply);
		assert_true(reply_code(&reply) == 0 || reply_code(&reply) == 0x0b5503);
		refused += reply.status != SCSI_GOOD;
		fault_set(fault);
		search(rig, 0, 0, 0, 5, "*");
		assert_true(reply_code(&reply) == 0 || reply_code(&reply) == 0x0b5503);
		refused += reply.status != SCSI_GOOD;
		fault_set(NULL);
		rig_assert_consistent(rig);
	}
	assert_true(refused >= 3);
}

/* ---- what a library cannot be made of --------------------------------------------------------------- */

static void test_bad_settings(void **state)
{
	static const struct element bad[][3] = {
		{ { .address = 1, .type = ELEMENT_STORAGE }, { .address = 2, .type = ELEMENT_STORAGE },
		  { .address = 3, .type = ELEMENT_STORAGE } },
		{ { .address = 1, .type = ELEMENT_TRANSPORT }, { .address = 3, .type = ELEMENT_STORAGE },
		  { .address = 3, .type = ELEMENT_STORAGE } },
		{ { .address = 1, .type = ELEMENT_TRANSPORT }, { .address = 3, .type = ELEMENT_STORAGE },
		  { .address = 2, .type = ELEMENT_STORAGE } },
		{ { .address = 1, .type = ELEMENT_STORAGE }, { .address = 2, .type = ELEMENT_TRANSPORT },
		  { .address = 3, .type = ELEMENT_STORAGE } },
		{ { .address = 0, .type = ELEMENT_STORAGE }, { .address = 2, .type = ELEMENT_TRANSPORT },
		  { .address = 3, .type = ELEMENT_IMPORT_EXPORT } },
		{ { .address = 1, .type = ELEMENT_TRANSPORT, .barcode = "GRN000L8" },
		  { .address = 2, .type = ELEMENT_STORAGE }, { .address = 3, .type = ELEMENT_STORAGE } },
		{ { .address = 1, .type = ELEMENT_TRANSPORT }, { .address = 2, .type = 5 },
		  { .address = 3, .type = ELEMENT_STORAGE } },
		{ { .address = 1, .type = ELEMENT_TRANSPORT }, { .address = 2, .type = ELEMENT_DRIVE },
		  { .address = 3, .type = ELEMENT_STORAGE } },
	};
	struct changer_settings settings = {
		.personality = personality_at(0),
		.element_count = 3,
	};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct changer *changer = NULL;

		settings.elements = bad[i];
		assert_int_equal(changer_new(&settings, &changer), -EINVAL);
		assert_null(changer);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_cdbs, rig_setup, rig_teardown),
		cmocka_unit_test_setup_teardown(test_door_prevented, rig_setup, rig_teardown),
		cmocka_unit_test_setup_teardown(test_random_cdbs, rig_setup, rig_teardown),
		cmocka_unit_test_setup_teardown(test_search, rig_setup, rig_teardown),
		cmocka_unit_test_setup_teardown(test_search_parts, rig_setup, rig_teardown),
		cmocka_unit_test_setup_teardown(test_search_is_the_hosts, rig_setup, rig_teardown),
		cmocka_unit_test_setup_teardown(test_search_of_a_session_that_ends, rig_setup, rig_teardown),
		cmocka_unit_test_setup_teardown(test_search_sequence, rig_setup, rig_teardown),
		cmocka_unit_test_setup_teardown(test_mode_pages, rig_setup, rig_teardown),
		cmocka_unit_test_setup_teardown(test_mode_select_changes_nothing, rig_setup, rig_teardown),
		cmocka_unit_test_setup_teardown(test_log_pages, rig_setup, rig_teardown),
		cmocka_unit_test_setup_teardown(test_supported_opcodes, rig_setup, rig_teardown),
		cmocka_unit_test_setup_teardown(test_reserved, rig_setup, rig_teardown),
		cmocka_unit_test_setup_teardown(test_no_memory, rig_setup, rig_teardown),
		cmocka_unit_test(test_bad_settings),
	};

	log_set_level(LOG_LEVEL_ERROR);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
