/* SPDX-License-Identifier: MIT */
/*
 * Unix stream sockets. A path that does not fit into sun_path (a store may lie
 * deep) goes through /proc/self/fd/N/NAME, which the kernel resolves for bind
 * and connect alike.
 *
 * A listening socket is made under a name of its own and renamed into place, so
 * that a client finds the old one or one that listens, nothing between.
 */
#include "lib/daemon/socket.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "lib/base/cleanup.h"
#include "lib/base/mem.h"

#define SOCKET_BACKLOG 64

/* *folder: to be kept open while the address is in use. */
static int socket_address(const char *path, struct sockaddr_un *address, int *folder)
{
	*address = (struct sockaddr_un){.sun_family = AF_UNIX};
	if (strlen(path) < sizeof(address->sun_path)) {
		memcpy(address->sun_path, path, strlen(path) + 1);
		return 0;
	}
	CLEANUP_FREE char *folder_path = mem_strdup(path);
	CLEANUP_FREE char *name_path = mem_strdup(path);
	*folder = open(dirname(folder_path), O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (*folder < 0)
		return -errno;
	int n = snprintf(address->sun_path, sizeof(address->sun_path), "/proc/self/fd/%d/%s",
			 *folder, basename(name_path));
	return n < (int)sizeof(address->sun_path) ? 0 : -ENAMETOOLONG;
}

int socket_connect(const char *path, int *fd)
{
	struct sockaddr_un address;
	CLEANUP_FD int folder = -1;
	int error = socket_address(path, &address, &folder);
	if (error)
		return error;
	CLEANUP_FD int s = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (s < 0 || connect(s, (struct sockaddr *)&address, sizeof(address)) < 0)
		return -errno;
	*fd = TAKE_FD(s);
	return 0;
}

static int socket_bind(const char *path, int *fd)
{
	struct sockaddr_un address;
	CLEANUP_FD int folder = -1;
	int error = socket_address(path, &address, &folder);
	if (error)
		return error;
	CLEANUP_FD int s = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	/* Linux gives the bound name the mode of the socket: there is no instant with more. */
	if (s < 0 || fchmod(s, 0600) < 0)
		return -errno;
	if (bind(s, (struct sockaddr *)&address, sizeof(address)) < 0)
		return -errno;
	if (listen(s, SOCKET_BACKLOG) < 0) {
		error = -errno;
		unlink(path);
		return error;
	}
	*fd = TAKE_FD(s);
	return 0;
}

/* 0 when `path` is free or holds a socket at which nobody answers. */
static int socket_is_stale(const char *path)
{
	struct stat st;
	CLEANUP_FD int fd = -1;
	if (lstat(path, &st) < 0)
		return errno == ENOENT ? 0 : -errno;
	if (!S_ISSOCK(st.st_mode))
		return -EEXIST;
	int error = socket_connect(path, &fd);
	if (error == -ECONNREFUSED || error == -ENOENT)
		return 0;
	return error && error != -EAGAIN ? error : -EADDRINUSE;
}

int socket_listen(const char *path, int *fd)
{
	CLEANUP_FD int s = -1;
	CLEANUP_FREE char *fresh = mem_printf("%s.%d", path, (int)getpid());
	int error = socket_is_stale(path);
	if (error)
		return error;
	error = socket_bind(fresh, &s);
	if (error == -EADDRINUSE) { /* left by a process that had our number */
		unlink(fresh);
		error = socket_bind(fresh, &s);
	}
	if (error)
		return error;
	if (rename(fresh, path) < 0) {
		error = -errno;
		unlink(fresh);
		return error;
	}
	*fd = TAKE_FD(s);
	return 0;
}

int socket_peer(int fd, uid_t *uid, pid_t *pid)
{
	struct ucred peer;
	socklen_t size = sizeof(peer);
	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) < 0)
		return -errno;
	*uid = peer.uid;
	*pid = peer.pid;
	return 0;
}
