/* SPDX-License-Identifier: MIT */
/*
 * The lock of a store. The file stays; the kernel drops the lock with the
 * process that held it, however that ends.
 */
#include "fs/store/lock.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <mntent.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "lib/base/cleanup.h"
#include "lib/base/file.h"
#include "lib/base/mem.h"

#define LOCK_TRIES_A_SECOND 20

/* Is it the source of a mount that we can see? When in doubt it is, and nobody waits. */
static bool lock_is_mounted(const char *path)
{
	CLEANUP_FREE char *full = realpath(path, NULL);
	FILE *table = setmntent("/proc/self/mounts", "re");
	char text[2 * PATH_MAX];
	struct mntent entry;
	bool found = !full || !table;

	while (!found && getmntent_r(table, &entry, text, sizeof(text)))
		found = strcmp(entry.mnt_fsname, full) == 0 &&
			strncmp(entry.mnt_type, "fuse", 4) == 0;
	if (table)
		endmntent(table);
	return found;
}

static int lock_try(const char *file, bool shared, int *fd)
{
	if (!shared)
		return file_lock(file, fd);
	CLEANUP_FD int opened = open(file, O_RDONLY | O_CLOEXEC);
	if (opened >= 0 && flock(opened, LOCK_SH | LOCK_NB) < 0)
		return -errno;
	*fd = TAKE_FD(opened);
	return 0;
}

static int lock_wait(const char *path, bool shared, unsigned seconds, int *fd)
{
	CLEANUP_FREE char *file = mem_printf("%s/lock", path);
	int error = lock_try(file, shared, fd);

	for (unsigned left = seconds * LOCK_TRIES_A_SECOND; error == -EWOULDBLOCK && left; left--) {
		if (lock_is_mounted(path))
			break;
		usleep(1000000 / LOCK_TRIES_A_SECOND);
		error = lock_try(file, shared, fd);
	}
	return error;
}

int lock_take(const char *path, unsigned seconds, int *fd)
{
	return lock_wait(path, false, seconds, fd);
}

int lock_share(const char *path, unsigned seconds, int *fd)
{
	return lock_wait(path, true, seconds, fd);
}
