/* SPDX-License-Identifier: MIT */
/* Log pages of a drive in files of their own: build() of struct scsi_log_page. */
#ifndef TARGET_TAPE_DRIVE_LOG_H
#define TARGET_TAPE_DRIVE_LOG_H

#include "target/scsi/alerts.h"
#include "target/tape/drive_info.h"

/* 17h volume statistics: drive_log_volume.c. */
void log_build_volume(struct scsi_lu *lu, struct scsi_log *log);

/* 16h; 33h, 3Eh and 15h of HP: drive_log_events.c. */
void log_build_diagnostic(struct scsi_lu *lu, struct scsi_log *log);
void log_build_wellness(struct scsi_lu *lu, struct scsi_log *log);
void log_build_status_bits(struct scsi_lu *lu, struct scsi_log *log);
void log_build_service_buffers(struct scsi_lu *lu, struct scsi_log *log);

#endif
