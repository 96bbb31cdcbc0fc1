/* SPDX-License-Identifier: MIT */
/* Mode pages of a unit: the table of those that it has, with their current values. */
#ifndef TARGET_SCSI_MODE_H
#define TARGET_SCSI_MODE_H

#include "target/scsi/unit.h"

#define MODE_PAGE_MAX 256u /* bytes of a page with its header */

/* The class' pages and the common ones, with default values. 0, -ENOMEM. */
int mode_table_new(const struct scsi_class *class, struct scsi_unit *unit);
void mode_table_free(struct scsi_unit *unit);
/* Back to the defaults. */
void mode_reset_locked(struct scsi_lu *lu);
/* NULL: there is none. */
struct scsi_mode_value *mode_find(const struct scsi_unit *unit, uint8_t code, uint8_t subpage);
/* D_SENSE and TAS are looked at with every command. */
void mode_note_control_locked(struct scsi_lu *lu);

/* Asks the class for what is live, and what is this nexus' own. */
void mode_refresh(struct scsi_lu *lu, const struct scsi_nexus *nexus, struct scsi_mode_value *value);

/* MODE SENSE and MODE SELECT, both lengths. */
void mode_sense_run(struct scsi_lu *lu, struct scsi_task *task);
void mode_select_run(struct scsi_lu *lu, struct scsi_task *task);

#endif
