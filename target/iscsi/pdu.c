/* SPDX-License-Identifier: MIT */
/*
 * The 48 bytes of a basic header segment (RFC 7143 11). Each PDU is a row: its
 * opcode and a list of fields, each an offset in the header and a member of
 * struct pdu; decoding and encoding walk the same list. Bytes 0 to 7 and 16 to 19
 * are the same in all of them.
 *
 * A row also says what makes the header wrong by itself. Reserved bits are ignored,
 * as the RFC wants; reserved values are not.
 */
#include <string.h>

#include "lib/base/assert.h"
#include "lib/base/bytes.h"
#include "target/iscsi/pdu.h"

#define AHS_EXTENDED_CDB  1
#define AHS_BIDIRECTIONAL 2
#define CDB_SIZE	  16u

struct field {
	uint8_t at;    /* in the header */
	uint8_t width; /* bytes: an integer of 1, 2, 4 or 8, else bytes as they are; 0 ends the list */
	uint16_t member;
};

#define FIELD(place, name)                                                                         \
	{                                                                                          \
		.at = (place), .width = sizeof(((struct pdu *)NULL)->name),                        \
		.member = offsetof(struct pdu, name)                                               \
	}
#define LUN_FIELD	FIELD(8, lun)
#define REQUEST_NUMBERS FIELD(24, cmd_sn), FIELD(28, exp_stat_sn)
#define ANSWER_NUMBERS	FIELD(24, stat_sn), FIELD(28, exp_cmd_sn), FIELD(32, max_cmd_sn)

enum row_flags {
	HAS_TAG = 1 << 0, /* the initiator task tag is not PDU_NO_TAG */
	NO_DATA = 1 << 1, /* there is no data segment */
};

struct row {
	const char *name;
	uint8_t function_mask; /* bits of byte 1 that are `function` */
	uint8_t flags;
	int (*check)(const struct pdu *pdu);
	struct field fields[10]; /* the last one ends the list */
};

static int command_check(const struct pdu *pdu)
{
	if ((pdu->flags & PDU_ATTRIBUTE) > 4)
		return REJECT_INVALID_FIELD;
	if (pdu->flags & PDU_WRITE)
		return 0;
	/* Without W no data can follow, neither in this PDU nor after it. */
	return (pdu->flags & PDU_FINAL) && !pdu->data_length ? 0 : REJECT_INVALID_FIELD;
}

static int text_check(const struct pdu *pdu)
{
	bool both = (pdu->flags & PDU_FINAL) && (pdu->flags & PDU_CONTINUE);
	return both ? REJECT_INVALID_FIELD : 0;
}

static int logout_check(const struct pdu *pdu)
{
	return pdu->function > 2 ? REJECT_INVALID_FIELD : 0;
}

static int snack_check(const struct pdu *pdu)
{
	return pdu->function > 3 ? REJECT_SNACK : 0;
}

/* clang-format off */
static const struct row rows[0x40] = {
	[PDU_NOP_OUT] = {.name = "NOP-Out", .fields = {
		LUN_FIELD, FIELD(20, transfer_tag), REQUEST_NUMBERS}},
	[PDU_COMMAND] = {.name = "SCSI Command", .flags = HAS_TAG, .check = command_check, .fields = {
		LUN_FIELD, FIELD(20, expected_length), REQUEST_NUMBERS, FIELD(32, cdb)}},
	[PDU_TASK_REQUEST] = {.name = "Task Management Request", .flags = HAS_TAG | NO_DATA,
		.function_mask = 0x7f, .fields = {
		LUN_FIELD, FIELD(20, referenced_tag), REQUEST_NUMBERS, FIELD(32, ref_cmd_sn),
		FIELD(36, exp_data_sn)}},
	[PDU_LOGIN_REQUEST] = {.name = "Login Request", .fields = {
		FIELD(2, version_max), FIELD(3, version_min), FIELD(8, isid), FIELD(14, tsih),
		FIELD(20, cid), REQUEST_NUMBERS}},
	[PDU_TEXT_REQUEST] = {.name = "Text Request", .flags = HAS_TAG, .check = text_check, .fields = {
		LUN_FIELD, FIELD(20, transfer_tag), REQUEST_NUMBERS}},
	[PDU_DATA_OUT] = {.name = "Data-Out", .flags = HAS_TAG, .fields = {
		LUN_FIELD, FIELD(20, transfer_tag), FIELD(28, exp_stat_sn), FIELD(36, data_sn),
		FIELD(40, buffer_offset)}},
	[PDU_LOGOUT_REQUEST] = {.name = "Logout Request", .flags = HAS_TAG | NO_DATA,
		.function_mask = 0x7f, .check = logout_check, .fields = {
		FIELD(20, cid), REQUEST_NUMBERS}},
	[PDU_SNACK] = {.name = "SNACK Request", .flags = NO_DATA, .function_mask = 0x0f,
		.check = snack_check, .fields = {
		LUN_FIELD, FIELD(20, transfer_tag), FIELD(28, exp_stat_sn), FIELD(40, begin_run),
		FIELD(44, run_length)}},
	[PDU_NOP_IN] = {.name = "NOP-In", .fields = {
		LUN_FIELD, FIELD(20, transfer_tag), ANSWER_NUMBERS}},
	[PDU_RESPONSE] = {.name = "SCSI Response", .fields = {
		FIELD(2, response), FIELD(3, status), FIELD(20, transfer_tag), ANSWER_NUMBERS,
		FIELD(36, exp_data_sn_out), FIELD(40, bidi_residual), FIELD(44, residual)}},
	[PDU_TASK_RESPONSE] = {.name = "Task Management Response", .fields = {
		FIELD(2, response), ANSWER_NUMBERS}},
	[PDU_LOGIN_RESPONSE] = {.name = "Login Response", .fields = {
		FIELD(2, version_max), FIELD(3, version_min), FIELD(8, isid), FIELD(14, tsih),
		ANSWER_NUMBERS, FIELD(36, response), FIELD(37, status)}},
	[PDU_TEXT_RESPONSE] = {.name = "Text Response", .check = text_check, .fields = {
		LUN_FIELD, FIELD(20, transfer_tag), ANSWER_NUMBERS}},
	[PDU_DATA_IN] = {.name = "Data-In", .fields = {
		FIELD(3, status), LUN_FIELD, FIELD(20, transfer_tag), ANSWER_NUMBERS, FIELD(36, data_sn),
		FIELD(40, buffer_offset), FIELD(44, residual)}},
	[PDU_LOGOUT_RESPONSE] = {.name = "Logout Response", .fields = {
		FIELD(2, response), ANSWER_NUMBERS, FIELD(40, parameter[0]), FIELD(42, parameter[1])}},
	[PDU_R2T] = {.name = "Ready To Transfer", .fields = {
		LUN_FIELD, FIELD(20, transfer_tag), ANSWER_NUMBERS, FIELD(36, r2t_sn),
		FIELD(40, buffer_offset), FIELD(44, desired_length)}},
	[PDU_ASYNC] = {.name = "Asynchronous Message", .fields = {
		LUN_FIELD, ANSWER_NUMBERS, FIELD(36, response), FIELD(37, async_vcode),
		FIELD(38, parameter[0]), FIELD(40, parameter[1]), FIELD(42, parameter[2])}},
	[PDU_REJECT] = {.name = "Reject", .fields = {
		FIELD(2, response), ANSWER_NUMBERS, FIELD(36, data_sn)}},
};
/* clang-format on */

static void field_decode(const struct field *field, const uint8_t *bhs, struct pdu *pdu)
{
	const uint8_t *from = bhs + field->at;
	uint8_t *to = (uint8_t *)pdu + field->member;
	if (field->width == sizeof(uint16_t))
		memcpy(to, &(uint16_t){be_get16(from)}, sizeof(uint16_t));
	else if (field->width == sizeof(uint32_t))
		memcpy(to, &(uint32_t){be_get32(from)}, sizeof(uint32_t));
	else if (field->width == sizeof(uint64_t))
		memcpy(to, &(uint64_t){be_get64(from)}, sizeof(uint64_t));
	else
		memcpy(to, from, field->width);
}

static void field_encode(const struct field *field, const struct pdu *pdu, uint8_t *bhs)
{
	const uint8_t *from = (const uint8_t *)pdu + field->member;
	uint8_t *to = bhs + field->at;
	union {
		uint16_t u16;
		uint32_t u32;
		uint64_t u64;
	} value;
	ASSERT(field->at + field->width <= PDU_BHS_SIZE);
	memcpy(&value, from, field->width < sizeof(value) ? field->width : sizeof(value));
	if (field->width == sizeof(uint16_t))
		be_put16(to, value.u16);
	else if (field->width == sizeof(uint32_t))
		be_put32(to, value.u32);
	else if (field->width == sizeof(uint64_t))
		be_put64(to, value.u64);
	else
		memcpy(to, from, field->width);
}

static int row_check(const struct row *row, const struct pdu *pdu)
{
	if (pdu->ahs_length && pdu->opcode != PDU_COMMAND)
		return REJECT_INVALID_FIELD;
	if ((row->flags & HAS_TAG) && pdu->itt == PDU_NO_TAG)
		return REJECT_INVALID_FIELD;
	if ((row->flags & NO_DATA) && pdu->data_length)
		return REJECT_INVALID_FIELD;
	return row->check ? row->check(pdu) : 0;
}

int pdu_decode(const uint8_t bhs[PDU_BHS_SIZE], struct pdu *pdu)
{
	*pdu = (struct pdu){
		.opcode = bhs[0] & 0x3f,
		.immediate = bhs[0] & 0x40,
		.flags = bhs[1],
		.ahs_length = (uint16_t)(bhs[4] * 4),
		.data_length = be_get24(bhs + 5),
		.itt = be_get32(bhs + 16),
	};
	const struct row *row = &rows[pdu->opcode];
	if (!row->name)
		return REJECT_NOT_SUPPORTED;
	pdu->function = bhs[1] & row->function_mask;
	for (const struct field *field = row->fields; field->width; field++)
		field_decode(field, bhs, pdu);
	return row_check(row, pdu);
}

void pdu_encode(const struct pdu *pdu, uint8_t bhs[PDU_BHS_SIZE])
{
	ASSERT(pdu->opcode < sizeof(rows) / sizeof(rows[0]) && rows[pdu->opcode].name);
	ASSERT(pdu->ahs_length % 4 == 0 && pdu->ahs_length <= 4 * UINT8_MAX);
	ASSERT(pdu->data_length < 1u << 24);
	const struct row *row = &rows[pdu->opcode];
	memset(bhs, 0, PDU_BHS_SIZE);
	bhs[0] = (uint8_t)(pdu->opcode | (pdu->immediate ? 0x40 : 0));
	bhs[1] = (uint8_t)(pdu->flags | (pdu->function & row->function_mask));
	bhs[4] = (uint8_t)(pdu->ahs_length / 4);
	be_put24(bhs + 5, pdu->data_length);
	be_put32(bhs + 16, pdu->itt);
	for (const struct field *field = row->fields; field->width; field++)
		field_encode(field, pdu, bhs);
}

const char *pdu_name(uint8_t opcode)
{
	const char *name = rows[opcode & 0x3f].name;
	return name ? name : "unknown PDU";
}

/* One segment of `size` bytes: what comes after its length and type. */
static int segment_parse(uint8_t type, const uint8_t *data, size_t size, struct pdu_ahs *ahs)
{
	if (type == AHS_EXTENDED_CDB) {
		/* A reserved byte, then what the CDB has over 16 bytes. */
		size_t more = size - 1;
		if (ahs->cdb_size != CDB_SIZE || !more || more > PDU_CDB_MAX - CDB_SIZE)
			return REJECT_INVALID_FIELD;
		memcpy(ahs->cdb + CDB_SIZE, data + 1, more);
		ahs->cdb_size += more;
		return 0;
	}
	if (type == AHS_BIDIRECTIONAL) {
		if (ahs->bidirectional || size != 5)
			return REJECT_INVALID_FIELD;
		ahs->bidirectional = true;
		ahs->read_length = be_get32(data + 1);
		return 0;
	}
	return REJECT_INVALID_FIELD;
}

int pdu_parse_ahs(const struct pdu *command, const uint8_t *segments, struct pdu_ahs *ahs)
{
	size_t size = command->ahs_length;
	*ahs = (struct pdu_ahs){.cdb_size = CDB_SIZE};
	memcpy(ahs->cdb, command->cdb, CDB_SIZE);
	for (size_t at = 0; at < size;) {
		/* Two bytes of length and one of type; the length counts what comes after. */
		if (size - at < 4)
			return REJECT_INVALID_FIELD;
		size_t length = be_get16(segments + at);
		size_t whole = (3 + length + 3) / 4 * 4;
		if (!length || whole > size - at)
			return REJECT_INVALID_FIELD;
		int reject = segment_parse(segments[at + 2] & 0x3f, segments + at + 3, length, ahs);
		if (reject)
			return reject;
		at += whole;
	}
	return 0;
}
