/* SPDX-License-Identifier: MIT */
/*
 * Sense data in its two forms (SPC-5 4.4.2 descriptor, 4.4.3 fixed), and in words for logs.
 */
#include "target/scsi/sense.h"

#include <stdio.h>
#include <string.h>

#include "lib/base/bytes.h"

#define SENSE_FIXED_SIZE 18u

/* Fixed form has 32 bits, as a number with or without sign. */
static bool information_fits(int64_t information)
{
	return information >= INT32_MIN && information <= (int64_t)UINT32_MAX;
}

/* SPC-5 4.4.2.4.2: three bytes. */
static void encode_field(const struct sense *sense, uint8_t *data)
{
	data[0] = (uint8_t)(0x80 | (sense->field_in_cdb ? 0x40 : 0));
	if (sense->field_bit < 8)
		data[0] |= (uint8_t)(0x08 | sense->field_bit);
	be_put16(data + 1, sense->field_byte);
}

static uint8_t stream_bits(const struct sense *sense)
{
	return (uint8_t)((sense->filemark ? 0x80 : 0) | (sense->eom ? 0x40 : 0) |
			 (sense->ili ? 0x20 : 0));
}

static size_t encode_fixed(const struct sense *sense, uint8_t *data)
{
	data[0] = sense->deferred ? 0x71 : 0x70;
	if (sense->information_valid && information_fits(sense->information)) {
		data[0] |= 0x80;
		be_put32(data + 3, (uint32_t)sense->information);
	}
	data[2] = (uint8_t)(stream_bits(sense) | (unsigned)sense->key);
	data[7] = SENSE_FIXED_SIZE - 8;
	be_put16(data + 12, sense->code);
	if (sense->field_valid)
		encode_field(sense, data + 15);
	return SENSE_FIXED_SIZE;
}

static size_t encode_descriptors(const struct sense *sense, uint8_t *data)
{
	size_t size = 8;
	data[0] = sense->deferred ? 0x73 : 0x72;
	data[1] = (uint8_t)sense->key;
	be_put16(data + 2, sense->code);
	if (sense->information_valid) {
		data[size + 1] = 0x0a; /* type 00h */
		data[size + 2] = 0x80;
		be_put64(data + size + 4, (uint64_t)sense->information);
		size += 12;
	}
	if (sense->field_valid) {
		data[size] = 0x02;
		data[size + 1] = 0x06;
		encode_field(sense, data + size + 4);
		size += 8;
	}
	if (stream_bits(sense)) {
		data[size] = 0x04;
		data[size + 1] = 0x02;
		data[size + 3] = stream_bits(sense);
		size += 4;
	}
	data[7] = (uint8_t)(size - 8);
	return size;
}

size_t sense_encode(const struct sense *sense, bool descriptor, uint8_t *data, size_t room)
{
	uint8_t all[64] = {0};
	size_t size = descriptor ? encode_descriptors(sense, all) : encode_fixed(sense, all);
	if (size > room)
		size = room;
	memcpy(data, all, size);
	return size;
}

static const char *const sense_keys[16] = {
	[SENSE_NO_SENSE] = "NO SENSE",
	[SENSE_RECOVERED] = "RECOVERED ERROR",
	[SENSE_NOT_READY] = "NOT READY",
	[SENSE_MEDIUM_ERROR] = "MEDIUM ERROR",
	[SENSE_HARDWARE_ERROR] = "HARDWARE ERROR",
	[SENSE_ILLEGAL_REQUEST] = "ILLEGAL REQUEST",
	[SENSE_UNIT_ATTENTION] = "UNIT ATTENTION",
	[SENSE_DATA_PROTECT] = "DATA PROTECT",
	[SENSE_BLANK_CHECK] = "BLANK CHECK",
	[SENSE_ABORTED] = "ABORTED COMMAND",
	[SENSE_VOLUME_OVERFLOW] = "VOLUME OVERFLOW",
	[SENSE_MISCOMPARE] = "MISCOMPARE",
};

static const struct {
	uint16_t code;
	const char *text;
} sense_codes[] = {
	{ASC_FILEMARK, "filemark detected"},
	{ASC_END_OF_MEDIUM, "end of partition or medium"},
	{ASC_BEGINNING_OF_MEDIUM, "beginning of partition or medium"},
	{ASC_END_OF_DATA, "end of data"},
	{ASC_PROGRAMMABLE_EARLY_WARNING, "programmable early warning"},
	{ASC_OPERATION_IN_PROGRESS, "operation in progress"},
	{ASC_CLEANING_REQUESTED, "drive needs cleaning"},
	{ASC_NOT_READY, "not ready, cause not reportable"},
	{ASC_BECOMING_READY, "becoming ready"},
	{ASC_INITIALIZING_REQUIRED, "initializing command required"},
	{ASC_FORMAT_RUNNING, "not ready, format in progress"},
	{ASC_OPERATION_RUNNING, "not ready, operation in progress"},
	{ASC_WRITE_ERROR, "write error"},
	{ASC_UNEXPECTED_UNSOLICITED_DATA, "unexpected unsolicited data"},
	{ASC_NOT_ENOUGH_UNSOLICITED_DATA, "not enough unsolicited data"},
	{ASC_GUARD_CHECK_FAILED, "logical block guard check failed"},
	{ASC_UNRECOVERED_READ_ERROR, "unrecovered read error"},
	{ASC_PARAMETER_LIST_LENGTH, "parameter list length error"},
	{ASC_INVALID_OPCODE, "invalid command operation code"},
	{ASC_INVALID_ADDRESS, "invalid element address"},
	{ASC_INVALID_FIELD_IN_CDB, "invalid field in CDB"},
	{ASC_LUN_NOT_SUPPORTED, "logical unit not supported"},
	{ASC_INVALID_FIELD_IN_PARAMETERS, "invalid field in parameter list"},
	{ASC_INVALID_RELEASE, "invalid release of persistent reservation"},
	{ASC_WRITE_PROTECTED, "write protected"},
	{ASC_MEDIUM_CHANGED, "medium may have changed"},
	{ASC_IMPORT_EXPORT_ACCESSED, "import/export element accessed"},
	{ASC_POWER_ON, "power on or reset"},
	{ASC_BUS_RESET, "bus reset"},
	{ASC_DEVICE_RESET, "device reset"},
	{ASC_NEXUS_LOSS, "I_T nexus loss"},
	{ASC_MODE_PARAMETERS_CHANGED, "mode parameters changed"},
	{ASC_LOG_PARAMETERS_CHANGED, "log parameters changed"},
	{ASC_RESERVATIONS_PREEMPTED, "reservations preempted"},
	{ASC_RESERVATIONS_RELEASED, "reservations released"},
	{ASC_REGISTRATIONS_PREEMPTED, "registrations preempted"},
	{ASC_TIMESTAMP_CHANGED, "timestamp changed"},
	{ASC_ENCRYPTION_PARAMETERS_CHANGED_BY_OTHER, "encryption parameters changed by another"},
	{ASC_COMMANDS_CLEARED, "commands cleared by another initiator"},
	{ASC_COMMAND_SEQUENCE, "command sequence error"},
	{ASC_SAVING_NOT_SUPPORTED, "saving parameters not supported"},
	{ASC_INCOMPATIBLE_MEDIUM, "incompatible medium installed"},
	{ASC_UNKNOWN_FORMAT, "cannot read medium, unknown format"},
	{ASC_CLEANING_CARTRIDGE_INSTALLED, "cleaning cartridge installed"},
	{ASC_WRITE_APPEND_POSITION, "write append position error"},
	{ASC_WORM_OVERWRITE, "WORM medium, overwrite attempted"},
	{ASC_FORMAT_CORRUPTED, "medium format corrupted"},
	{ASC_NO_MEDIUM, "medium not present"},
	{ASC_SEQUENTIAL_POSITIONING_ERROR, "sequential positioning error"},
	{ASC_POSITION_PAST_BEGINNING, "position past beginning of medium"},
	{ASC_DESTINATION_FULL, "destination element full"},
	{ASC_SOURCE_EMPTY, "source element empty"},
	{ASC_MAGAZINE_NOT_ACCESSIBLE, "magazine not accessible"},
	{ASC_TARGET_CONDITIONS_CHANGED, "target operating conditions have changed"},
	{ASC_INQUIRY_CHANGED, "INQUIRY data has changed"},
	{ASC_REPORTED_LUNS_CHANGED, "reported LUNs data has changed"},
	{ASC_INTERNAL_FAILURE, "internal target failure"},
	{ASC_PROTOCOL_CRC_ERROR, "protocol service CRC error"},
	{ASC_INITIATOR_DETECTED_ERROR, "initiator detected error"},
	{ASC_OVERLAPPED_COMMANDS, "overlapped commands attempted"},
	{ASC_MECHANICAL_FAILURE, "media load or eject failed"},
	{ASC_REMOVAL_PREVENTED, "medium removal prevented"},
	{ASC_INSUFFICIENT_RESOURCES, "insufficient resources"},
	{ASC_INSUFFICIENT_REGISTRATION_RESOURCES, "insufficient registration resources"},
	{ASC_MEMORY_OUT_OF_SPACE, "auxiliary memory out of space"},
	{ASC_FAILURE_PREDICTED, "failure prediction threshold exceeded"},
	{ASC_SECURITY_ERROR, "security error"},
	{ASC_UNABLE_TO_DECRYPT, "unable to decrypt data"},
	{ASC_ENCRYPTION_MODE_MISMATCH, "encryption mode mismatch on read"},
	{ASC_DECRYPT_FAILED, "unable to decrypt"},
	{ASC_ENCRYPTION_NOT_USEABLE, "encryption parameters not useable"},
	{ASC_UNENCRYPTED_BLOCK, "unencrypted block while decrypting"},
	{ASC_INCORRECT_KEY, "incorrect data encryption key"},
	{ASC_INTEGRITY_CHECK_FAILED, "cryptographic integrity validation failed"},
};

const char *sense_text(const struct sense *sense, char *text, size_t size)
{
	const char *words = "";
	for (size_t i = 0; i < sizeof(sense_codes) / sizeof(*sense_codes); i++)
		if (sense_codes[i].code == sense->code)
			words = sense_codes[i].text;
	const char *key = sense_keys[sense->key & 15];
	(void)snprintf(text, size, "%s %02x/%02x%s%s%s%s%s%s", key ? key : "RESERVED",
		       sense->code >> 8, sense->code & 0xff, *words ? " " : "", words,
		       sense->filemark ? " FM" : "", sense->eom ? " EOM" : "",
		       sense->ili ? " ILI" : "", sense->deferred ? " (deferred)" : "");
	return text;
}
