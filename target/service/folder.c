/* SPDX-License-Identifier: MIT */
/*
 * The lock of a folder of cartridges. It is on a file, not on the folder: NFS locks what is open
 * for writing only. The file goes with the lock, so that an empty folder can be removed; so
 * whoever gets the lock looks whether the file is still the one that has the name.
 */
#include "target/service/folder.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/cleanup.h"
#include "lib/base/file.h"
#include "lib/base/log.h"
#include "lib/base/mem.h"

#define FOLDER_TRIES	8u   /* others may come and go */
#define FOLDER_WHO_MAX	400u /* of what is told of another's line */

static char *served_path(const char *folder)
{
	return mem_printf("%s/.served", folder);
}

/* What whoever holds it has written there; it may be anything. */
static void served_read(int fd, char who[FOLDER_WHO_MAX])
{
	ssize_t got = pread(fd, who, FOLDER_WHO_MAX - 1, 0);

	who[got > 0 ? got : 0] = '\0';
	who[strcspn(who, "\n")] = '\0';
	for (char *p = who; *p; p++)
		if ((unsigned char)*p < ' ' || *p == 0x7f)
			*p = '?';
}

/* The file, locked. -EWOULDBLOCK: by another; -ESTALE: it has been removed meanwhile. */
static int served_lock(const char *path, int flags, char who[FOLDER_WHO_MAX])
{
	CLEANUP_FD int fd = file_open_regular(AT_FDCWD, path, O_RDWR | flags, 0644);
	struct stat opened, named;

	*who = '\0';
	if (fd == -EACCES || fd == -EROFS) /* another user's, who may hold it for all that */
		fd = file_open_regular(AT_FDCWD, path, O_RDONLY, 0);
	if (fd < 0)
		return fd;
	if (flock(fd, LOCK_EX | LOCK_NB) < 0) {
		int error = -errno;

		served_read(fd, who);
		return error;
	}
	if (fstat(fd, &opened) < 0)
		return -errno;
	if (lstat(path, &named) < 0)
		return errno == ENOENT ? -ESTALE : -errno;
	return opened.st_ino == named.st_ino && opened.st_dev == named.st_dev ? TAKE_FD(fd) : -ESTALE;
}

/* For people: nothing depends on it. */
static void served_write(int fd, const char *who)
{
	CLEANUP_FREE char *line = mem_printf("%s\n", who);

	if (ftruncate(fd, 0) < 0 || file_pwrite(fd, line, strlen(line), 0))
		log_warning("it cannot be noted who serves a folder: %s", who);
}

int folder_hold(const char *folder, const char *who, int *fd, char message[LIBRARY_MESSAGE])
{
	CLEANUP_FREE char *path = served_path(folder);
	char other[FOLDER_WHO_MAX];
	int got = -ESTALE;

	*fd = -1;
	for (unsigned n = 0; n < FOLDER_TRIES && got == -ESTALE; n++)
		got = served_lock(path, O_CREAT, other);
	if (got == -EWOULDBLOCK || got == -ESTALE) {
		snprintf(message, LIBRARY_MESSAGE, "%.200s is served already, by %.280s", folder,
			 *other ? other : "somebody else");
		return -EBUSY;
	}
	if (got < 0) {
		log_warning("%s: it cannot be locked (%s): nothing keeps another daemon from serving it, too",
			    folder, strerror(-got));
		return 0;
	}
	served_write(got, who);
	*fd = got;
	return 0;
}

void folder_release(const char *folder, int *fd)
{
	CLEANUP_FREE char *path = served_path(folder);

	if (*fd < 0)
		return;
	if (unlink(path) < 0 && errno != ENOENT)
		log_warning("%s: %s", path, strerror(errno));
	close(TAKE_FD(*fd));
}

bool folder_is_held(const char *folder)
{
	CLEANUP_FREE char *path = served_path(folder);
	char who[FOLDER_WHO_MAX];
	CLEANUP_FD int fd = served_lock(path, 0, who);

	return fd == -EWOULDBLOCK;
}
