/* SPDX-License-Identifier: MIT */
/*
 * Who serves a folder of cartridges. FOLDER/.served says it for people to read, and is locked
 * (flock) by that library until it is closed: neither another library nor another daemon, of
 * another state folder or on another host, takes the folder meanwhile. Where a filesystem knows no
 * locks, or cannot be written to, the library is served all the same, with a warning.
 */
#ifndef TARGET_SERVICE_FOLDER_H
#define TARGET_SERVICE_FOLDER_H

#include <stdbool.h>

#include "target/service/library.h"

/* `who` is a line about the library. *fd is the caller's, by folder_release(): -1 where locks do not
 * work. -EBUSY and a sentence that says who has it. */
int folder_hold(const char *folder, const char *who, int *fd, char message[LIBRARY_MESSAGE]);
/* Takes .served away; nothing for -1. */
void folder_release(const char *folder, int *fd);
/* True while somebody else holds it. */
bool folder_is_held(const char *folder);

#endif
