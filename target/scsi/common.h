/* SPDX-License-Identifier: MIT */
/* The commands that every unit has; their rows are in common.c. */
#ifndef TARGET_SCSI_COMMON_H
#define TARGET_SCSI_COMMON_H

#include "target/scsi/unit.h"

void inquiry_run(struct scsi_lu *lu, struct scsi_task *task);
void report_luns_run(struct scsi_lu *lu, struct scsi_task *task);
void log_select_run(struct scsi_lu *lu, struct scsi_task *task);
void log_sense_run(struct scsi_lu *lu, struct scsi_task *task);
void report_opcodes_run(struct scsi_lu *lu, struct scsi_task *task);
void report_functions_run(struct scsi_lu *lu, struct scsi_task *task);
void report_identifying_run(struct scsi_lu *lu, struct scsi_task *task);
void send_diagnostic_run(struct scsi_lu *lu, struct scsi_task *task);
void receive_diagnostic_run(struct scsi_lu *lu, struct scsi_task *task);
void read_buffer_run(struct scsi_lu *lu, struct scsi_task *task);
void write_buffer_run(struct scsi_lu *lu, struct scsi_task *task);
void report_timestamp_run(struct scsi_lu *lu, struct scsi_task *task);
void set_timestamp_run(struct scsi_lu *lu, struct scsi_task *task);

#endif
