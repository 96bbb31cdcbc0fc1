/* SPDX-License-Identifier: MIT */
/* The fs.* methods of the sample daemon: figures made up so that sums can be checked. */
#ifndef TESTS_SVC_SAMPLE_FS_H
#define TESTS_SVC_SAMPLE_FS_H

#include "lib/daemon/daemon.h"

/* The method of a name; a NULL name where there is none. */
extern const struct rpc_method sample_fs_methods[];

#endif
