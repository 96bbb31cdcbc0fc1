/* SPDX-License-Identifier: MIT */
/*
 * Folders of cartridges on the way: FOLDER/.new-NAME until what is in it gets its
 * own name. Who is at work in one holds a flock on it, which ends with the process:
 * so what a killed one has left is told from what is still being made, by another
 * daemon or program too.
 */
#include <errno.h>
#include <dirent.h>
#include <fcntl.h>
#include <fts.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/cleanup.h"
#include "lib/base/fault.h"
#include "lib/base/file.h"
#include "lib/base/log.h"
#include "lib/base/mem.h"
#include "target/tape/cartridge.h"

#define WORK_TRIES 8u /* somebody may sweep between mkdir() and flock() */

struct stop {
	bool (*asked)(void *context); /* NULL: never */
	void *context;
};

static int remove_entry(const FTSENT *entry)
{
	switch (entry->fts_info) {
	case FTS_D: /* comes again, behind what is in it */
		return 0;
	case FTS_DNR:
	case FTS_ERR:
	case FTS_NS:
		return entry->fts_errno == ENOENT ? 0 : -entry->fts_errno;
	default:
		return remove(entry->fts_accpath) < 0 && errno != ENOENT ? -errno : 0;
	}
}

/* -ECANCELED: stopped. */
static int remove_tree(const char *path, const struct stop *stop)
{
	char *const roots[] = {(char *)(uintptr_t)path, NULL};
	FTSENT *entry = NULL;
	int error = 0;
	if (fault_hit("cartridge-remove"))
		return -EIO;
	FTS *tree = fts_open(roots, FTS_PHYSICAL | FTS_NOCHDIR | FTS_XDEV, NULL);
	if (!tree)
		return -errno;
	while (!error && (errno = 0, entry = fts_read(tree)) != NULL)
		error = stop->asked && stop->asked(stop->context) ? -ECANCELED : remove_entry(entry);
	if (!error && errno)
		error = -errno;
	fts_close(tree);
	return error;
}

int cartridge_remove_folder(const char *path)
{
	return remove_tree(path, &(struct stop){0});
}

int cartridge_hold(const char *path, int *fd)
{
	/* Not a lock file for whatever folder this may be. */
	CLEANUP_FREE char *conf = mem_printf("%s/cartridge.conf", path);
	CLEANUP_FREE char *lock = mem_printf("%s/lock", path);
	if (access(conf, F_OK) < 0)
		return errno == ENOENT && access(path, F_OK) == 0 ? -EBADMSG : -errno;
	int error = file_lock(lock, fd);
	return error == -EWOULDBLOCK ? -EBUSY : error;
}

/* The folder, locked; -EBUSY: by another, -ESTALE: it has been removed, or replaced, meanwhile. */
static int work_lock(const char *path)
{
	struct stat opened, named;
	CLEANUP_FD int fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return errno == ENOENT ? -ESTALE : -errno;
	if (flock(fd, LOCK_EX | LOCK_NB) < 0)
		return errno == EWOULDBLOCK ? -EBUSY : -errno;
	if (fstat(fd, &opened) < 0)
		return -errno;
	if (lstat(path, &named) < 0)
		return errno == ENOENT ? -ESTALE : -errno;
	return opened.st_ino == named.st_ino && opened.st_dev == named.st_dev ? TAKE_FD(fd) : -ESTALE;
}

/* 0 when there is a fresh folder that is ours, -ESTALE to try again. */
static int work_try(struct cartridge_work *work)
{
	bool fresh = mkdir(work->path, 0750) == 0;
	if (!fresh && errno != EEXIST)
		return -errno;
	CLEANUP_FD int lock = work_lock(work->path);
	if (lock < 0)
		return lock;
	if (fresh) {
		work->lock = TAKE_FD(lock);
		return 0;
	}
	int error = cartridge_remove_folder(work->path); /* given up by a killed one */
	return error ? error : -ESTALE;
}

int cartridge_work_begin(const char *folder, const char *name, struct cartridge_work *work)
{
	int error = -ESTALE;
	*work = (struct cartridge_work){
		.path = mem_printf("%s/" CARTRIDGE_UNFINISHED "%s", folder, name), .lock = -1,
	};
	for (unsigned n = 0; n < WORK_TRIES && error == -ESTALE; n++)
		error = work_try(work);
	if (!error)
		return 0;
	free(TAKE(work->path));
	return error == -ESTALE ? -EBUSY : error;
}

int cartridge_work_finish(struct cartridge_work *work, const char *path)
{
	int error = 0;
	if (renameat2(AT_FDCWD, work->path, AT_FDCWD, path, RENAME_NOREPLACE) < 0)
		error = errno == EINVAL && rename(work->path, path) == 0 ? 0 : -errno;
	if (error)
		return error == -ENOTEMPTY ? -EEXIST : error;
	free(TAKE(work->path)); /* whoever makes a folder of that name now is another */
	return 0;
}

void cartridge_work_end(struct cartridge_work *work)
{
	if (work->path)
		cartridge_remove_folder(work->path);
	free(TAKE(work->path));
	if (work->lock >= 0)
		close(TAKE_FD(work->lock));
}

static void sweep_one(const char *path, const struct stop *stop)
{
	CLEANUP_FD int lock = work_lock(path);
	if (lock == -EBUSY || lock == -ESTALE)
		return;
	log_info("%s: removing what was not finished", path);
	int error = lock < 0 ? lock : remove_tree(path, stop);
	if (error == -ECANCELED)
		log_info("%s: not all of it is removed yet", path);
	else if (error)
		log_warning("%s: %s", path, strerror(-error));
}

void cartridge_work_sweep(const char *folder, bool (*stop)(void *context), void *context)
{
	const struct stop when = {stop, context};
	DIR *dir = opendir(folder);
	struct dirent *entry;
	while (dir && !(stop && stop(context)) && (entry = readdir(dir)) != NULL) {
		if (strncmp(entry->d_name, CARTRIDGE_UNFINISHED, strlen(CARTRIDGE_UNFINISHED)) != 0)
			continue;
		CLEANUP_FREE char *path = mem_printf("%s/%s", folder, entry->d_name);
		sweep_one(path, &when);
	}
	if (dir)
		closedir(dir);
}
