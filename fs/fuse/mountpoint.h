/* SPDX-License-Identifier: MIT */
/*
 * A mount: the FUSE session over a tree, from the mount(2) to the end of its
 * last thread. Its threads serve requests beside the daemon's own loop.
 */
#ifndef FS_FUSE_MOUNTPOINT_H
#define FS_FUSE_MOUNTPOINT_H

#include <stdbool.h>
#include <stdint.h>

#include "fs/tree/tree.h"

struct mountpoint;

struct mountpoint_options {
	bool allow_other; /* users other than the one who mounts may come in */
	bool read_only;
	bool writeback; /* the kernel may keep written pages back */
	bool clone_fd;	/* a /dev/fuse descriptor of its own for each thread */
	bool debug;	/* log every request */
	unsigned threads;
	const char *extra; /* further options of mount(8), comma-separated; may be NULL */
};

/* Whether `dir` can be mounted on; logs one sentence where not: -ENOENT, -ENOTDIR, -ENOTCONN
 * (a dead mount is there), -EBUSY (one of our mounts is there), -ENODEV (no /dev/fuse),
 * -ENOSYS (no fusermount3, which all but root need). */
int mountpoint_check(const char *dir);

/* Mounts and begins to serve; returns when the mount answers. `ended` is called from another
 * thread when the mount has gone (umount) or failed (`error`). Failures are logged. */
int mountpoint_open(struct tree *tree, const char *source, const char *dir,
		    const struct mountpoint_options *options,
		    void (*ended)(void *context, int error), void *context,
		    struct mountpoint **mountpoint);

/* Unmounts unless that has been done, and waits for the requests under way. Who still has
 * files open keeps them until now: what they have written is handed over first. */
void mountpoint_close(struct mountpoint **mountpoint);

/* A name in folder `parent` has come to be without the kernel's doing. */
void mountpoint_forget_name(struct mountpoint *mountpoint, uint64_t parent, const char *name);

#endif
