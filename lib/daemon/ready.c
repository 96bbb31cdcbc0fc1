/* SPDX-License-Identifier: MIT */
/*
 * Readiness. The notify protocol is a datagram of VARIABLE=VALUE lines to the
 * socket in $NOTIFY_SOCKET ('@' first: an abstract name), sd_notify(3).
 * The pipe of --background carries one byte when the child is ready; if it ends
 * without one, the child has failed and its exit status says how.
 */
#include "lib/daemon/ready.h"

#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/base/cleanup.h"
#include "lib/base/clock.h"
#include "lib/base/log.h"

static int ready_send(const char *path, const char *text)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	size_t length = strlen(path);
	if ((path[0] != '/' && path[0] != '@') || length >= sizeof(address.sun_path))
		return -EINVAL;
	memcpy(address.sun_path, path, length);
	if (path[0] == '@')
		address.sun_path[0] = 0;
	CLEANUP_FD int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	socklen_t size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + length);
	if (sendto(fd, text, strlen(text), MSG_NOSIGNAL, (struct sockaddr *)&address, size) < 0)
		return -errno;
	return 0;
}

void ready_notify(const char *state)
{
	char text[128];
	const char *path = getenv("NOTIFY_SOCKET");
	if (!path || !*path)
		return;
	/* systemd wants the time with RELOADING, and takes it with the others. */
	snprintf(text, sizeof(text), "%s\nMONOTONIC_USEC=%llu\n", state,
		 (unsigned long long)(clock_monotonic_ns() / 1000));
	int error = ready_send(path, text);
	if (error)
		log_warning("%s: the supervisor was not told %s: %s", path, state,
			    strerror(-error));
}

static _Noreturn void ready_wait(int fd, pid_t child)
{
	char byte;
	ssize_t n;
	int status;
	do {
		n = read(fd, &byte, 1);
	} while (n < 0 && errno == EINTR);
	if (n == 1)
		_exit(0);
	while (waitpid(child, &status, 0) < 0) {
		if (errno != EINTR)
			_exit(1);
	}
	_exit(WIFEXITED(status) && WEXITSTATUS(status) ? WEXITSTATUS(status) : 1);
}

int ready_fork(int *fd)
{
	int ends[2];
	if (pipe2(ends, O_CLOEXEC) < 0)
		return -errno;
	fflush(NULL);
	pid_t child = fork();
	if (child < 0) {
		int error = -errno;
		close(ends[0]);
		close(ends[1]);
		return error;
	}
	if (child > 0) {
		close(ends[1]);
		ready_wait(ends[0], child);
	}
	close(ends[0]);
	setsid();
	*fd = ends[1];
	return 0;
}

void ready_detach(int *fd, int keep_stderr)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);
	if (null >= 0) {
		for (int i = 0; i < (keep_stderr ? 2 : 3); i++)
			if (dup2(null, i) < 0)
				log_warning("cannot let go of descriptor %d: %s", i,
					    strerror(errno));
		if (null > 2)
			close(null);
	}
	/* A parent that was killed meanwhile is no reason to stop. */
	if (write(*fd, "", 1) < 0)
		log_warning("the starting process has gone: %s", strerror(errno));
	close(TAKE_FD(*fd));
}
