/* SPDX-License-Identifier: MIT */
/*
 * Persistent reservations that outlive the daemon (APTPL): of each library a file
 * STATE/libraries/NAME.reservations, replaced atomically before the command that
 * changes one is answered. Units are told by their serial numbers.
 */
#ifndef TARGET_SERVICE_RESERVATIONS_H
#define TARGET_SERVICE_RESERVATIONS_H

#include "target/scsi/scsi.h"

struct reservations;

/* What the file beside NAME.conf has; none where there is none. -errno after a logged sentence. */
int reservations_open(const char *config_path, struct reservations **reservations);
void reservations_close(struct reservations **reservations);
/* The unit gets what was kept of it, and keeps from now on. Before it is in a target. -errno, logged. */
int reservations_attach(struct reservations *reservations, struct scsi_lu *lu);
/* The library is gone, or is to begin without. */
void reservations_delete(const char *config_path);

#endif
