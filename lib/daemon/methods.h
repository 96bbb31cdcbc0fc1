/* SPDX-License-Identifier: MIT */
/* The methods that every daemon has. */
#ifndef LIB_DAEMON_METHODS_H
#define LIB_DAEMON_METHODS_H

#include "lib/daemon/daemon.h"

/* A common method or one of the class; NULL if there is none. */
const struct rpc_method *methods_find(const struct daemon *d, const char *name);

#endif
