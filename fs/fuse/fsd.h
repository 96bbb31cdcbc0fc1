/* SPDX-License-Identifier: MIT */
/* granary-fsd at run time: one store, its tree, one mount. daemon_data() is this. */
#ifndef FS_FUSE_FSD_H
#define FS_FUSE_FSD_H

#include "fs/fuse/mountpoint.h"
#include "fs/tree/tree.h"
#include "lib/daemon/daemon.h"

struct fsd {
	struct daemon *daemon;
	char *store_path, *dir; /* absolute */
	struct store *store;
	struct tree *tree;
	struct mountpoint *mountpoint;
	bool read_only;
};

extern const struct rpc_method fsd_methods[];
void fsd_status(struct daemon *d, json_t *object);
void fsd_metrics(struct daemon *d, json_t *object);

/* Statistics as JSON: rpc_stats.c */
json_t *fsd_stats(struct fsd *fsd);
json_t *fsd_containers(struct fsd *fsd, int *error);
json_t *fsd_space(struct fsd *fsd);
json_t *fsd_losses(struct fsd *fsd);

#endif
