/* SPDX-License-Identifier: MIT */
/* The lock of a store: one process at a time writes to it. */
#ifndef FS_STORE_LOCK_H
#define FS_STORE_LOCK_H

/* What programs give granary-fsd for its last commit. */
#define LOCK_PATIENCE 30

/* Takes the lock of the store at `path`, *fd is the caller's. umount(8) returns before
 * granary-fsd has made its last commit: while the lock is held and nothing of the store is
 * mounted, waits for that up to `seconds`. 0, -EWOULDBLOCK (in use) or -errno. */
int lock_take(const char *path, unsigned seconds, int *fd);
/* The same for one of many readers. Where nobody ever wrote there is no lock: then *fd is -1. */
int lock_share(const char *path, unsigned seconds, int *fd);

#endif
