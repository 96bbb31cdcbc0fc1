/* SPDX-License-Identifier: MIT */
/*
 * The parameters of log pages (SPC-5 7.3.2). A page is built with all the room that it may need, and
 * what the initiator has no room for is cut off afterwards, by LOG SENSE.
 */
#include "target/scsi/log_page.h"

#include <string.h>

#include "lib/base/assert.h"
#include "lib/base/bytes.h"

enum { HEADER = 4, NO_SENSOR = 0xff };

uint8_t *scsi_log_add(struct scsi_log *log, uint16_t code, enum scsi_log_kind kind, uint8_t length)
{
	/* DU, TSD and TMC 0; FORMAT AND LINKING: bounded counter, binary list, ASCII list. */
	static const uint8_t controls[] = {[LOG_COUNTER] = 0x00, [LOG_BINARY] = 0x03, [LOG_TEXT] = 0x01};
	if (code < log->first || log->room - log->size < (size_t)HEADER + length)
		return NULL;
	uint8_t *at = log->data + log->size;
	log->size += (size_t)HEADER + length;
	be_put16(at, code);
	at[2] = controls[kind];
	at[3] = length;
	memset(at + HEADER, 0, length);
	return at + HEADER;
}

void scsi_log_number(struct scsi_log *log, uint16_t code, enum scsi_log_kind kind, uint8_t length,
		     uint64_t number)
{
	ASSERT(length >= 1 && length <= 8);
	uint8_t bytes[8], *at = scsi_log_add(log, code, kind, length);
	if (!at)
		return;
	if (length < 8 && number >> 8 * length)
		number = (UINT64_C(1) << 8 * length) - 1;
	be_put64(bytes, number);
	memcpy(at, bytes + 8 - length, length);
}

void scsi_log_text(struct scsi_log *log, uint16_t code, uint8_t length, const char *text)
{
	uint8_t *at = scsi_log_add(log, code, LOG_TEXT, length);
	if (at)
		ascii_put(at, length, text);
}

/* SPC-5 7.3.21 */
void scsi_log_no_temperature(struct scsi_lu *lu, struct scsi_log *log)
{
	(void)lu;
	for (uint16_t code = 0; code < 2; code++)
		scsi_log_number(log, code, LOG_BINARY, 2, NO_SENSOR);
}
