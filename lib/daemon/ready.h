/* SPDX-License-Identifier: MIT */
/*
 * Readiness: tells a supervisor in the way of sd_notify(3), and with
 * --background lets the parent wait for the child.
 */
#ifndef LIB_DAEMON_READY_H
#define LIB_DAEMON_READY_H

/* "READY=1", "STOPPING=1", "RELOADING=1": one datagram to $NOTIFY_SOCKET; nothing without it. */
void ready_notify(const char *state);

/* Forks. Returns in the child with a pipe in *fd, for ready_detach(); the parent waits there,
 * and exits with 0 once the child is ready or with the child's own exit status. -errno if it
 * cannot fork. Call before there are threads. */
int ready_fork(int *fd);
/* In the child, when it is ready: lets the parent go and gives up the terminal. `keep_stderr`:
 * stderr is a log file. */
void ready_detach(int *fd, int keep_stderr);

#endif
