/* SPDX-License-Identifier: MIT */
/* Mode page 11h, medium partitions (SSC-5 8.5.5): what FORMAT MEDIUM is to make. */
#ifndef TARGET_TAPE_DRIVE_PARTITIONS_H
#define TARGET_TAPE_DRIVE_PARTITIONS_H

#include "target/tape/drive_info.h"

#define PARTITION_PAGE_SIZE 12u

extern const uint8_t partition_page_defaults[PARTITION_PAGE_SIZE];
extern const uint8_t partition_page_changeable[PARTITION_PAGE_SIZE];
int partition_page_check(struct scsi_lu *lu, const uint8_t *page);
void partition_page_changed(struct scsi_lu *lu, const uint8_t *page);
void partition_page_refresh(struct scsi_lu *lu, uint8_t *page);

#endif
