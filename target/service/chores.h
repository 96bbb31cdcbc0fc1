/* SPDX-License-Identifier: MIT */
/*
 * What a service does by itself: it serves libraries whose folder has come back, and removes tapes that were
 * deleted long enough ago. On a thread of its own: terabytes, and folders that do not answer, take their time.
 */
#ifndef TARGET_SERVICE_CHORES_H
#define TARGET_SERVICE_CHORES_H

struct chores;
struct service;

/* -EAGAIN. */
int chores_start(struct service *service, struct chores **chores);
/* Waits for what is under way; it does not last once the daemon is stopping. NULL is nothing to be ended. */
void chores_end(struct chores **chores);

#endif
