/* SPDX-License-Identifier: MIT */
/*
 * TapeAlert flags 1 to 64 of a unit (SSC-5 4.2.20, SMC-3 annex A), as masks: flag n is bit n - 1.
 *
 * A flag is raised for all initiators. Each of them has it until it has read it, or until it is
 * lowered for all: by the unit, by LOG SELECT, by a reset. Raised once more it is told once more.
 */
#ifndef TARGET_SCSI_ALERTS_H
#define TARGET_SCSI_ALERTS_H

#include "target/scsi/log_page.h"

#define SCSI_ALERTS_ALL UINT64_MAX
static inline uint64_t scsi_alert(unsigned flag)
{
	return UINT64_C(1) << (flag - 1);
}

/* lu->lock held. */
void scsi_alerts_raise_locked(struct scsi_lu *lu, uint64_t flags);
void scsi_alerts_lower_locked(struct scsi_lu *lu, uint64_t flags);
/* Those that are raised, whoever has read them. */
uint64_t scsi_alerts_locked(const struct scsi_lu *lu);
/* Those of them that this initiator has not read. */
uint64_t scsi_alerts_of_locked(const struct scsi_lu *lu, const struct scsi_nexus *nexus);

/* The functions of log page 2Eh, for a row of struct scsi_log_page. */
void scsi_alerts_build(struct scsi_lu *lu, struct scsi_log *log);
void scsi_alerts_told(struct scsi_lu *lu, const struct scsi_nexus *nexus, const uint8_t *data, size_t size);
void scsi_alerts_reset(struct scsi_lu *lu);

#endif
