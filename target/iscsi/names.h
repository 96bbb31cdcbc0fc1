/* SPDX-License-Identifier: MIT */
/* iSCSI names (RFC 7143 4.2.7). */
#ifndef TARGET_ISCSI_NAMES_H
#define TARGET_ISCSI_NAMES_H

#include <stdbool.h>
#include <stddef.h>

#include "target/scsi/scsi.h"

/* Checks a name and writes it as it is compared: ASCII letters small. 0, or -EINVAL: not iqn.,
 * eui. or naa., too long, or characters that no name has or that are not ASCII. */
int iscsi_name_normalise(const char *name, char normal[SCSI_NAME_MAX]);

/* An alias is for people: bytes that are no UTF-8 and control characters become '?', so that it
 * can be printed and put into JSON; what is over `room` is cut between characters. */
void iscsi_alias_copy(char *alias, size_t room, const char *value);

#endif
