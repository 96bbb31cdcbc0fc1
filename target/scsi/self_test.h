/* SPDX-License-Identifier: MIT */
/* Self-tests of a unit, and log page 10h. */
#ifndef TARGET_SCSI_SELF_TEST_H
#define TARGET_SCSI_SELF_TEST_H

#include "target/scsi/unit.h"

/* SEND DIAGNOSTIC's self-test has ended well. code: of its CDB; 0 with the SELFTEST bit. */
void self_test_done(struct scsi_lu *lu, unsigned code);
/* struct scsi_log_page's build(). */
void self_test_log(struct scsi_lu *lu, struct scsi_log *log);

#endif
