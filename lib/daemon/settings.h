/* SPDX-License-Identifier: MIT */
/* granary.conf: sets the options that the command line did not give. */
#ifndef LIB_DAEMON_SETTINGS_H
#define LIB_DAEMON_SETTINGS_H

#include "lib/daemon/options.h"

/* Reads `path` into the rows. The whole file is checked before anything is set. A missing file
 * is an error only if it is `required`. 0 or -errno, after one logged sentence. */
int settings_load(struct options *o, const char *path, bool required);

#endif
