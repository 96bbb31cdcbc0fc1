/* SPDX-License-Identifier: MIT */
/* Writing a log page: parameters with their headers, from a first one on (SPC-5 7.3.2). */
#ifndef TARGET_SCSI_LOG_PAGE_H
#define TARGET_SCSI_LOG_PAGE_H

#include "target/scsi/scsi.h"

/* What struct scsi_log_page's build() writes to, in ascending order of the parameters' codes. Those
 * below the first one that was asked for are left out, and so are those that have no room. */
struct scsi_log {
	const struct scsi_nexus *nexus; /* who reads the page */
	uint16_t first;
	uint8_t *data;
	size_t room, size;
};

enum scsi_log_kind { LOG_COUNTER, LOG_BINARY, LOG_TEXT };

/* A parameter's value: `length` zeros, to be filled in before the next call. NULL: it is left out. */
uint8_t *scsi_log_add(struct scsi_log *log, uint16_t code, enum scsi_log_kind kind, uint8_t length);
/* A number of `length` (1 to 8) bytes; larger ones stay at the largest. */
void scsi_log_number(struct scsi_log *log, uint16_t code, enum scsi_log_kind kind, uint8_t length,
		     uint64_t number);
/* ASCII, filled up with blanks. */
void scsi_log_text(struct scsi_log *log, uint16_t code, uint8_t length, const char *text);

/* build() of page 0Dh for units without a thermometer: no temperature, and no reference one. */
void scsi_log_no_temperature(struct scsi_lu *lu, struct scsi_log *log);

#endif
