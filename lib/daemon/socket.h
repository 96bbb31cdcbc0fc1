/* SPDX-License-Identifier: MIT */
/* Unix stream sockets by path, also where the path is longer than sun_path. */
#ifndef LIB_DAEMON_SOCKET_H
#define LIB_DAEMON_SOCKET_H

#include <sys/types.h>

/* A connected, blocking, close-on-exec socket in *fd, or -errno. */
int socket_connect(const char *path, int *fd);
/* A listening, non-blocking socket with mode 0600 in *fd. A stale one at `path` is replaced;
 * -EADDRINUSE when somebody answers there, -EEXIST when it is something else. */
int socket_listen(const char *path, int *fd);
/* The user at the other end. */
int socket_peer(int fd, uid_t *uid, pid_t *pid);

#endif
