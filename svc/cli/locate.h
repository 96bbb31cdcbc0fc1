/* SPDX-License-Identifier: MIT */
/* From a store's folder, a mount point or a path inside a mount to the store. */
#ifndef SVC_CLI_LOCATE_H
#define SVC_CLI_LOCATE_H

#include <stddef.h>

struct location {
	char *store;  /* the store's folder; NULL when only --control is known */
	char *mount;  /* where it is mounted; NULL if it is not, or not known */
	char *inside; /* the path inside the store, "" for its root, no slash at either end */
};

/* NULL means the current folder or, outside of any store, the only one that is mounted.
 * The last part of `name` need not exist. 0, -ENOENT or another -errno. */
int locate(const char *name, struct location *location);
void location_clear(struct location *location);

/* For locate(), and its tests: the same with another table of mounts and no look at the disk. */
int locate_in_mounts(const char *mountinfo, const char *path, struct location *location);

#endif
