/* SPDX-License-Identifier: MIT */
/*
 * Headers of PDUs: each kind is decoded from bytes made by hand after the RFC's pictures and
 * encoded back to the same bytes; what is wrong by itself is refused with its reason; additional
 * segments are read and never past their end.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "lib/base/bytes.h"
#include "target/iscsi/pdu.h"

struct vector {
	const char *name;
	uint8_t bytes[PDU_BHS_SIZE];
	struct pdu pdu;
};

#define LUN_BYTES 0x00, 0x02, 0, 0, 0, 0, 0, 0
#define LUN_VALUE 0x0002000000000000ull
#define FOUR(n)	  (n) >> 24 & 0xff, (n) >> 16 & 0xff, (n) >> 8 & 0xff, (n) & 0xff
#define ZERO4	  0, 0, 0, 0
#define NUMBERS	  FOUR(0x21222324u), FOUR(0x31323334u), FOUR(0x41424344u)

/* clang-format off */
static const struct vector vectors[] = {
	{"NOP-Out", {0x40, 0x80, 0, 0, 0, 0, 0, 5, LUN_BYTES, FOUR(0x01020304u), FOUR(0xffffffffu),
		FOUR(7u), FOUR(9u), ZERO4, ZERO4, ZERO4, ZERO4},
	 {.opcode = PDU_NOP_OUT, .immediate = true, .flags = 0x80, .data_length = 5, .lun = LUN_VALUE,
	  .itt = 0x01020304, .transfer_tag = PDU_NO_TAG, .cmd_sn = 7, .exp_stat_sn = 9}},
	{"SCSI Command", {0x01, 0xa1, 0, 0, 2, 0x01, 0x02, 0x03, LUN_BYTES, FOUR(0x11121314u),
		FOUR(0x00040000u), FOUR(0xfffffffeu), FOUR(3u),
		0x0a, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x99},
	 {.opcode = PDU_COMMAND, .flags = 0xa1, .ahs_length = 8, .data_length = 0x010203,
	  .lun = LUN_VALUE, .itt = 0x11121314, .expected_length = 0x40000, .cmd_sn = 0xfffffffe,
	  .exp_stat_sn = 3, .cdb = {0x0a, 0, 4, [15] = 0x99}}},
	{"Task Management Request", {0x42, 0x81, 0, 0, 0, 0, 0, 0, LUN_BYTES, FOUR(5u), FOUR(6u),
		FOUR(7u), FOUR(8u), FOUR(9u), FOUR(10u), ZERO4, ZERO4},
	 {.opcode = PDU_TASK_REQUEST, .immediate = true, .flags = 0x81, .function = 1,
	  .lun = LUN_VALUE, .itt = 5, .referenced_tag = 6, .cmd_sn = 7, .exp_stat_sn = 8,
	  .ref_cmd_sn = 9, .exp_data_sn = 10}},
	{"Login Request", {0x43, 0x87, 0x01, 0x00, 0, 0, 1, 0, 0x80, 1, 2, 3, 4, 5, 0x12, 0x34,
		FOUR(1u), 0x56, 0x78, 0, 0, FOUR(7u), FOUR(8u), ZERO4, ZERO4, ZERO4, ZERO4},
	 {.opcode = PDU_LOGIN_REQUEST, .immediate = true, .flags = 0x87, .version_max = 1,
	  .data_length = 256, .isid = {0x80, 1, 2, 3, 4, 5}, .tsih = 0x1234, .itt = 1, .cid = 0x5678,
	  .cmd_sn = 7, .exp_stat_sn = 8}},
	{"Text Request", {0x04, 0x40, 0, 0, 0, 0, 0, 16, LUN_BYTES, FOUR(3u), FOUR(0xcafeu), FOUR(4u),
		FOUR(5u), ZERO4, ZERO4, ZERO4, ZERO4},
	 {.opcode = PDU_TEXT_REQUEST, .flags = 0x40, .data_length = 16, .lun = LUN_VALUE, .itt = 3,
	  .transfer_tag = 0xcafe, .cmd_sn = 4, .exp_stat_sn = 5}},
	{"Data-Out", {0x05, 0x80, 0, 0, 0, 0, 0x20, 0, LUN_BYTES, FOUR(3u), FOUR(0xbeefu), ZERO4,
		FOUR(5u), ZERO4, FOUR(6u), FOUR(0x2000u), ZERO4},
	 {.opcode = PDU_DATA_OUT, .flags = 0x80, .data_length = 0x2000, .lun = LUN_VALUE, .itt = 3,
	  .transfer_tag = 0xbeef, .exp_stat_sn = 5, .data_sn = 6, .buffer_offset = 0x2000}},
	{"Logout Request", {0x46, 0x81, 0, 0, 0, 0, 0, 0, ZERO4, ZERO4, FOUR(3u), 0x00, 0x09, 0, 0,
		FOUR(4u), FOUR(5u), ZERO4, ZERO4, ZERO4, ZERO4},
	 {.opcode = PDU_LOGOUT_REQUEST, .immediate = true, .flags = 0x81, .function = 1, .itt = 3,
	  .cid = 9, .cmd_sn = 4, .exp_stat_sn = 5}},
	{"SNACK Request", {0x10, 0x82, 0, 0, 0, 0, 0, 0, LUN_BYTES, FOUR(3u), FOUR(4u), ZERO4,
		FOUR(5u), ZERO4, ZERO4, FOUR(6u), FOUR(7u)},
	 {.opcode = PDU_SNACK, .flags = 0x82, .function = 2, .lun = LUN_VALUE, .itt = 3,
	  .transfer_tag = 4, .exp_stat_sn = 5, .begin_run = 6, .run_length = 7}},
	{"NOP-In", {0x20, 0x80, 0, 0, 0, 0, 0, 0, LUN_BYTES, FOUR(0xffffffffu), FOUR(0x77u), NUMBERS,
		ZERO4, ZERO4, ZERO4},
	 {.opcode = PDU_NOP_IN, .flags = 0x80, .lun = LUN_VALUE, .itt = PDU_NO_TAG,
	  .transfer_tag = 0x77, .stat_sn = 0x21222324, .exp_cmd_sn = 0x31323334,
	  .max_cmd_sn = 0x41424344}},
	{"SCSI Response", {0x21, 0x82, 0x00, 0x02, 0, 0, 0, 20, ZERO4, ZERO4, FOUR(3u), ZERO4, NUMBERS,
		FOUR(2u), FOUR(0x51u), FOUR(0x200u)},
	 {.opcode = PDU_RESPONSE, .flags = 0x82, .status = 2, .data_length = 20, .itt = 3,
	  .stat_sn = 0x21222324, .exp_cmd_sn = 0x31323334, .max_cmd_sn = 0x41424344,
	  .exp_data_sn_out = 2, .bidi_residual = 0x51, .residual = 0x200}},
	{"Task Management Response", {0x22, 0x80, 0x05, 0, 0, 0, 0, 0, ZERO4, ZERO4, FOUR(3u), ZERO4,
		NUMBERS, ZERO4, ZERO4, ZERO4},
	 {.opcode = PDU_TASK_RESPONSE, .flags = 0x80, .response = 5, .itt = 3, .stat_sn = 0x21222324,
	  .exp_cmd_sn = 0x31323334, .max_cmd_sn = 0x41424344}},
	{"Login Response", {0x23, 0x87, 0, 0, 0, 0, 0, 9, 0x80, 1, 2, 3, 4, 5, 0x12, 0x34, FOUR(3u),
		ZERO4, NUMBERS, 0x02, 0x0b, 0, 0, ZERO4, ZERO4},
	 {.opcode = PDU_LOGIN_RESPONSE, .flags = 0x87, .data_length = 9, .isid = {0x80, 1, 2, 3, 4, 5},
	  .tsih = 0x1234, .itt = 3, .stat_sn = 0x21222324, .exp_cmd_sn = 0x31323334,
	  .max_cmd_sn = 0x41424344, .response = 2, .status = 0x0b}},
	{"Text Response", {0x24, 0x40, 0, 0, 0, 0, 0, 9, LUN_BYTES, FOUR(3u), FOUR(4u), NUMBERS, ZERO4,
		ZERO4, ZERO4},
	 {.opcode = PDU_TEXT_RESPONSE, .flags = 0x40, .data_length = 9, .lun = LUN_VALUE, .itt = 3,
	  .transfer_tag = 4, .stat_sn = 0x21222324, .exp_cmd_sn = 0x31323334,
	  .max_cmd_sn = 0x41424344}},
	{"Data-In", {0x25, 0x83, 0, 0x00, 0, 0, 1, 0, LUN_BYTES, FOUR(3u), FOUR(0xffffffffu), NUMBERS,
		FOUR(6u), FOUR(0x3000u), FOUR(0x11u)},
	 {.opcode = PDU_DATA_IN, .flags = 0x83, .data_length = 256, .lun = LUN_VALUE, .itt = 3,
	  .transfer_tag = PDU_NO_TAG, .stat_sn = 0x21222324, .exp_cmd_sn = 0x31323334,
	  .max_cmd_sn = 0x41424344, .data_sn = 6, .buffer_offset = 0x3000, .residual = 0x11}},
	{"Logout Response", {0x26, 0x80, 0x02, 0, 0, 0, 0, 0, ZERO4, ZERO4, FOUR(3u), ZERO4, NUMBERS,
		ZERO4, 0x00, 0x02, 0x00, 0x14, ZERO4},
	 {.opcode = PDU_LOGOUT_RESPONSE, .flags = 0x80, .response = 2, .itt = 3, .stat_sn = 0x21222324,
	  .exp_cmd_sn = 0x31323334, .max_cmd_sn = 0x41424344, .parameter = {2, 20}}},
	{"Ready To Transfer", {0x31, 0x80, 0, 0, 0, 0, 0, 0, LUN_BYTES, FOUR(3u), FOUR(4u), NUMBERS,
		FOUR(1u), FOUR(0x10000u), FOUR(0x40000u)},
	 {.opcode = PDU_R2T, .flags = 0x80, .lun = LUN_VALUE, .itt = 3, .transfer_tag = 4,
	  .stat_sn = 0x21222324, .exp_cmd_sn = 0x31323334, .max_cmd_sn = 0x41424344, .r2t_sn = 1,
	  .buffer_offset = 0x10000, .desired_length = 0x40000}},
	{"Asynchronous Message", {0x32, 0x80, 0, 0, 0, 0, 0, 0, LUN_BYTES, FOUR(0xffffffffu), ZERO4,
		NUMBERS, 0x01, 0x02, 0x00, 0x03, 0x00, 0x04, 0x00, 0x05, ZERO4},
	 {.opcode = PDU_ASYNC, .flags = 0x80, .lun = LUN_VALUE, .itt = PDU_NO_TAG,
	  .stat_sn = 0x21222324, .exp_cmd_sn = 0x31323334, .max_cmd_sn = 0x41424344, .response = 1,
	  .async_vcode = 2, .parameter = {3, 4, 5}}},
	{"Reject", {0x3f, 0x80, 0x09, 0, 0, 0, 0, 48, ZERO4, ZERO4, FOUR(0xffffffffu), ZERO4, NUMBERS,
		FOUR(4u), ZERO4, ZERO4},
	 {.opcode = PDU_REJECT, .flags = 0x80, .response = REJECT_INVALID_FIELD, .data_length = 48,
	  .itt = PDU_NO_TAG, .stat_sn = 0x21222324, .exp_cmd_sn = 0x31323334,
	  .max_cmd_sn = 0x41424344, .data_sn = 4}},
};
/* clang-format on */
#define VECTORS (sizeof(vectors) / sizeof(vectors[0]))

static void assert_same_pdu(const struct pdu *a, const struct pdu *b)
{
	uint8_t one[PDU_BHS_SIZE], other[PDU_BHS_SIZE];
	pdu_encode(a, one);
	pdu_encode(b, other);
	assert_memory_equal(one, other, sizeof(one));
	assert_int_equal(a->function, b->function);
	assert_int_equal(a->immediate, b->immediate);
	assert_int_equal(a->data_length, b->data_length);
}

static void every_pdu_is_what_its_bytes_say(void **state)
{
	(void)state;
	for (size_t i = 0; i < VECTORS; i++) {
		struct pdu pdu;
		uint8_t bytes[PDU_BHS_SIZE];
		print_message("%s\n", vectors[i].name);
		assert_int_equal(pdu_decode(vectors[i].bytes, &pdu), 0);
		assert_same_pdu(&pdu, &vectors[i].pdu);
		pdu_encode(&vectors[i].pdu, bytes);
		assert_memory_equal(bytes, vectors[i].bytes, sizeof(bytes));
		assert_string_equal(pdu_name(pdu.opcode), vectors[i].name);
	}
}

/* The vectors are bytes of the RFC's pictures; so a field that is decoded to the wrong member is
 * seen only if decoding is compared by members. */
static void decoding_fills_the_members(void **state)
{
	(void)state;
	for (size_t i = 0; i < VECTORS; i++) {
		struct pdu pdu, wanted = vectors[i].pdu;
		assert_int_equal(pdu_decode(vectors[i].bytes, &pdu), 0);
		assert_int_equal(pdu.opcode, wanted.opcode);
		assert_int_equal(pdu.itt, wanted.itt);
		assert_true(pdu.lun == wanted.lun);
		assert_int_equal(pdu.cmd_sn, wanted.cmd_sn);
		assert_int_equal(pdu.exp_stat_sn, wanted.exp_stat_sn);
		assert_int_equal(pdu.transfer_tag, wanted.transfer_tag);
		assert_int_equal(pdu.expected_length, wanted.expected_length);
		assert_int_equal(pdu.data_sn, wanted.data_sn);
		assert_int_equal(pdu.buffer_offset, wanted.buffer_offset);
		assert_int_equal(pdu.referenced_tag, wanted.referenced_tag);
		assert_int_equal(pdu.ref_cmd_sn, wanted.ref_cmd_sn);
		assert_int_equal(pdu.exp_data_sn, wanted.exp_data_sn);
		assert_int_equal(pdu.begin_run, wanted.begin_run);
		assert_int_equal(pdu.run_length, wanted.run_length);
		assert_int_equal(pdu.tsih, wanted.tsih);
		assert_int_equal(pdu.cid, wanted.cid);
		assert_int_equal(pdu.version_max, wanted.version_max);
		assert_int_equal(pdu.stat_sn, wanted.stat_sn);
		assert_int_equal(pdu.exp_cmd_sn, wanted.exp_cmd_sn);
		assert_int_equal(pdu.max_cmd_sn, wanted.max_cmd_sn);
		assert_int_equal(pdu.response, wanted.response);
		assert_int_equal(pdu.status, wanted.status);
		assert_int_equal(pdu.residual, wanted.residual);
		assert_int_equal(pdu.desired_length, wanted.desired_length);
		assert_int_equal(pdu.r2t_sn, wanted.r2t_sn);
		assert_memory_equal(pdu.parameter, wanted.parameter, sizeof(pdu.parameter));
		assert_memory_equal(pdu.cdb, wanted.cdb, sizeof(pdu.cdb));
		assert_memory_equal(pdu.isid, wanted.isid, sizeof(pdu.isid));
	}
}

static void only_known_opcodes_are_decoded(void **state)
{
	(void)state;
	for (unsigned opcode = 0; opcode < 0x40; opcode++) {
		uint8_t bytes[PDU_BHS_SIZE] = {(uint8_t)opcode, 0x80, [4] = 1, [7] = 9, [19] = 1};
		struct pdu pdu;
		bool known = false;
		for (size_t i = 0; i < VECTORS; i++)
			known |= vectors[i].pdu.opcode == opcode;
		int reject = pdu_decode(bytes, &pdu);
		if (known)
			assert_int_not_equal(reject, REJECT_NOT_SUPPORTED);
		else
			assert_int_equal(reject, REJECT_NOT_SUPPORTED);
		assert_int_equal(pdu.ahs_length, 4);
		assert_int_equal(pdu.data_length, 9);
	}
}

static void reserved_bit_of_the_opcode_is_ignored(void **state)
{
	(void)state;
	uint8_t bytes[PDU_BHS_SIZE] = {0xc0, 0x80};
	struct pdu pdu;
	assert_int_equal(pdu_decode(bytes, &pdu), 0);
	assert_int_equal(pdu.opcode, PDU_NOP_OUT);
	assert_true(pdu.immediate);
}

struct wrong {
	const char *what;
	struct pdu pdu;
	int reject;
};

/* clang-format off */
static const struct wrong wrongs[] = {
	{"a command with neither F nor W", {.opcode = PDU_COMMAND, .flags = 0x40}, REJECT_INVALID_FIELD},
	{"data with a command that does not write", {.opcode = PDU_COMMAND, .flags = 0xc0,
		.data_length = 4}, REJECT_INVALID_FIELD},
	{"a task attribute that is none", {.opcode = PDU_COMMAND, .flags = 0xa5}, REJECT_INVALID_FIELD},
	{"ACA, the last attribute", {.opcode = PDU_COMMAND, .flags = 0xa4}, 0},
	{"a write whose data is to come", {.opcode = PDU_COMMAND, .flags = 0x20}, 0},
	{"a command without a tag", {.opcode = PDU_COMMAND, .flags = 0x80, .itt = PDU_NO_TAG},
		REJECT_INVALID_FIELD},
	{"a ping that wants no answer", {.opcode = PDU_NOP_OUT, .flags = 0x80, .itt = PDU_NO_TAG}, 0},
	{"segments on what is no command", {.opcode = PDU_TEXT_REQUEST, .flags = 0x80, .ahs_length = 8},
		REJECT_INVALID_FIELD},
	{"F and C in text", {.opcode = PDU_TEXT_REQUEST, .flags = 0xc0}, REJECT_INVALID_FIELD},
	{"F and C in login is the login's", {.opcode = PDU_LOGIN_REQUEST, .flags = 0xc0}, 0},
	{"data with task management", {.opcode = PDU_TASK_REQUEST, .flags = 0x81, .data_length = 1},
		REJECT_INVALID_FIELD},
	{"data with logout", {.opcode = PDU_LOGOUT_REQUEST, .flags = 0x80, .data_length = 1},
		REJECT_INVALID_FIELD},
	{"a reason of logout that is none", {.opcode = PDU_LOGOUT_REQUEST, .flags = 0x83},
		REJECT_INVALID_FIELD},
	{"a kind of SNACK that is none", {.opcode = PDU_SNACK, .flags = 0x84}, REJECT_SNACK},
	{"data-out without a tag", {.opcode = PDU_DATA_OUT, .itt = PDU_NO_TAG}, REJECT_INVALID_FIELD},
};
/* clang-format on */

static void wrong_headers_are_refused_with_their_reason(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(wrongs) / sizeof(wrongs[0]); i++) {
		uint8_t bytes[PDU_BHS_SIZE];
		struct pdu pdu;
		print_message("%s\n", wrongs[i].what);
		pdu_encode(&wrongs[i].pdu, bytes);
		assert_int_equal(pdu_decode(bytes, &pdu), wrongs[i].reject);
		assert_int_equal(pdu.itt, wrongs[i].pdu.itt);
		assert_int_equal(pdu.data_length, wrongs[i].pdu.data_length);
	}
}

static const struct pdu command = {.opcode = PDU_COMMAND, .flags = 0x80, .cdb = {0x7f, [15] = 0xee}};

static int parse(const uint8_t *bytes, size_t size, struct pdu_ahs *ahs)
{
	/* A copy of the exact size, so that a sanitizer sees a read past the end. */
	uint8_t *copy = test_malloc(size ? size : 1);
	struct pdu pdu = command;
	memcpy(copy, bytes, size);
	pdu.ahs_length = (uint16_t)size;
	int reject = pdu_parse_ahs(&pdu, copy, ahs);
	test_free(copy);
	return reject;
}

static void extended_cdb_follows_the_first_16_bytes(void **state)
{
	(void)state;
	/* A CDB of 32 bytes: AHSLength is 32 - 15. */
	uint8_t bytes[20] = {0, 17, 1, 0};
	struct pdu_ahs ahs;
	for (unsigned i = 0; i < 16; i++)
		bytes[4 + i] = (uint8_t)(0xa0 + i);
	assert_int_equal(parse(bytes, sizeof(bytes), &ahs), 0);
	assert_int_equal(ahs.cdb_size, 32);
	assert_int_equal(ahs.cdb[0], 0x7f);
	assert_int_equal(ahs.cdb[15], 0xee);
	assert_memory_equal(ahs.cdb + 16, bytes + 4, 16);
	assert_int_equal(ahs.cdb[32], 0);
	assert_false(ahs.bidirectional);
}

static void both_kinds_of_segments_come_together(void **state)
{
	(void)state;
	/* 18 bytes of CDB (padded), then the bidirectional read length. */
	const uint8_t bytes[] = {0, 3, 1, 0, 0xaa, 0xbb, 0, 0, 0, 5, 2, 0, 0, 1, 0, 0};
	struct pdu_ahs ahs;
	assert_int_equal(parse(bytes, sizeof(bytes), &ahs), 0);
	assert_int_equal(ahs.cdb_size, 18);
	assert_int_equal(ahs.cdb[17], 0xbb);
	assert_true(ahs.bidirectional);
	assert_int_equal(ahs.read_length, 0x10000);
}

static void without_segments_the_cdb_has_16_bytes(void **state)
{
	(void)state;
	struct pdu_ahs ahs;
	assert_int_equal(parse((const uint8_t *)"", 0, &ahs), 0);
	assert_int_equal(ahs.cdb_size, 16);
	assert_memory_equal(ahs.cdb, command.cdb, 16);
}

static void largest_cdb_fits_and_no_larger(void **state)
{
	(void)state;
	uint8_t bytes[252] = {0, 245, 1, 0};
	struct pdu_ahs ahs;
	assert_int_equal(parse(bytes, 248, &ahs), 0);
	assert_int_equal(ahs.cdb_size, PDU_CDB_MAX);
	bytes[1] = 246;
	assert_int_equal(parse(bytes, 252, &ahs), REJECT_INVALID_FIELD);
}

static void malformed_segments_are_refused(void **state)
{
	(void)state;
	static const struct {
		uint8_t bytes[16];
		size_t size;
	} cases[] = {
		{{0, 0, 1, 0}, 4},			  /* no length */
		{{0, 1, 1, 0}, 4},			  /* an extended CDB of nothing */
		{{0, 9, 1, 0, 1, 2, 3, 4}, 8},		  /* longer than what is there */
		{{0xff, 0xff, 1, 0}, 4},
		{{0, 5, 3, 0, 1, 2, 3, 4}, 8},		  /* a type that is none */
		{{0, 4, 2, 0, 1, 2, 3, 0}, 8},		  /* bidirectional of the wrong length */
		{{0, 5, 2, 0, 0, 0, 0, 1, 0, 5, 2, 0, 0, 0, 0, 1}, 16}, /* twice */
		{{0, 5, 1, 0, 0, 0, 0, 1, 0, 5, 1, 0, 0, 0, 0, 1}, 16},
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct pdu_ahs ahs;
		assert_int_equal(parse(cases[i].bytes, cases[i].size, &ahs), REJECT_INVALID_FIELD);
	}
}

static void serial_numbers_wrap(void **state)
{
	(void)state;
	assert_true(serial_before(1, 2));
	assert_false(serial_before(2, 2));
	assert_true(serial_before(0xffffffff, 0));
	assert_false(serial_before(0, 0xffffffff));
	assert_true(pdu_is_request(PDU_SNACK));
	assert_false(pdu_is_request(PDU_NOP_IN));
	assert_false(pdu_is_request(PDU_R2T));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_pdu_is_what_its_bytes_say),
		cmocka_unit_test(decoding_fills_the_members),
		cmocka_unit_test(only_known_opcodes_are_decoded),
		cmocka_unit_test(reserved_bit_of_the_opcode_is_ignored),
		cmocka_unit_test(wrong_headers_are_refused_with_their_reason),
		cmocka_unit_test(extended_cdb_follows_the_first_16_bytes),
		cmocka_unit_test(both_kinds_of_segments_come_together),
		cmocka_unit_test(without_segments_the_cdb_has_16_bytes),
		cmocka_unit_test(largest_cdb_fits_and_no_larger),
		cmocka_unit_test(malformed_segments_are_refused),
		cmocka_unit_test(serial_numbers_wrap),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
