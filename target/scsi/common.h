/* SPDX-License-Identifier: MIT */
/* The commands that every unit has; their rows are in common.c. */
#ifndef TARGET_SCSI_COMMON_H
#define TARGET_SCSI_COMMON_H

#include "target/scsi/unit.h"

void inquiry_run(struct scsi_lu *lu, struct scsi_task *task);
void report_luns_run(struct scsi_lu *lu, struct scsi_task *task);

#endif
