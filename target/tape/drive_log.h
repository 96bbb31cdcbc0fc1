/* SPDX-License-Identifier: MIT */
/* Writing log pages: parameters with their headers, from a first one on (SPC-5 7.3.2). */
#ifndef TARGET_TAPE_DRIVE_LOG_H
#define TARGET_TAPE_DRIVE_LOG_H

#include "target/tape/drive_info.h"

/* What struct scsi_log_page's build() has: parameters before `first` are left out, and so is
 * what has no room. */
struct log_writer {
	uint16_t first;
	uint8_t *data;
	size_t room, size;
};

enum log_kind { LOG_COUNTER, LOG_BINARY, LOG_TEXT };

/* NULL when the parameter is left out; else its `length` zeros. */
uint8_t *log_add(struct log_writer *log, uint16_t code, enum log_kind kind, uint8_t length);
/* A number of `length` (1 to 8) bytes; larger ones stay at the largest. */
void log_add_number(struct log_writer *log, uint16_t code, enum log_kind kind, uint8_t length,
		    uint64_t number);
void log_add_text(struct log_writer *log, uint16_t code, uint8_t length, const char *text);

/* 17h volume statistics: drive_log_volume.c. */
int log_build_volume(struct scsi_lu *lu, uint16_t first, uint8_t *data, size_t room);

/* 16h; 33h, 3Eh and 15h of HP: drive_log_events.c. */
int log_build_diagnostic(struct scsi_lu *lu, uint16_t first, uint8_t *data, size_t room);
int log_build_wellness(struct scsi_lu *lu, uint16_t first, uint8_t *data, size_t room);
int log_build_status_bits(struct scsi_lu *lu, uint16_t first, uint8_t *data, size_t room);
int log_build_service_buffers(struct scsi_lu *lu, uint16_t first, uint8_t *data, size_t room);

#endif
