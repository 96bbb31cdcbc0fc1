/* SPDX-License-Identifier: MIT */
/*
 * Stopping in order: the first SIGINT, SIGTERM or SIGHUP is noted, and whoever works looks at
 * tool_stopped() between blocks, so that a session is ended and what is half made is removed. The second SIGINT
 * ends the program as it always does; the others may come twice from one hand: timeout(1) sends them to
 * the whole group, and `granary` passes them on.
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>

#include "target/tool/tool.h"

static const int stop_signals[] = {SIGINT, SIGTERM, SIGHUP};
static volatile sig_atomic_t stop_seen;

static void stop_note(int number)
{
	stop_seen = number;
}

void tool_catch_signals(void)
{
	struct sigaction action = {.sa_handler = stop_note};
	struct sigaction now;

	/* What the caller ignores, as nohup does, stays so. */
	for (size_t i = 0; i < sizeof(stop_signals) / sizeof(stop_signals[0]); i++) {
		action.sa_flags = stop_signals[i] == SIGINT ? (int)SA_RESETHAND : 0;
		if (sigaction(stop_signals[i], NULL, &now) == 0 && now.sa_handler != SIG_IGN)
			sigaction(stop_signals[i], &action, NULL);
	}
}

bool tool_stopped(void)
{
	return stop_seen != 0;
}

/* One wait for both. 1 when fd is ready, 0, -errno. */
static int stop_poll(struct pollfd wait[2], const struct tool_session *session, const sigset_t *signals)
{
	int n;

	if (session)
		wait[1] = (struct pollfd){.fd = session->fd, .events = session->events(session->context)};
	n = ppoll(wait, session ? 2 : 1, NULL, signals);
	if (n < 0)
		return errno == EINTR ? 0 : -errno;
	if (session && wait[1].revents) {
		int error = session->serve(session->context, wait[1].revents);

		if (error)
			return error;
	}
	return wait[0].revents != 0;
}

int tool_wait(int fd, short events, const struct tool_session *session)
{
	struct pollfd wait[2] = {{.fd = fd, .events = events}};
	sigset_t stops, before;
	int ready = 0;

	sigemptyset(&stops);
	for (size_t i = 0; i < sizeof(stop_signals) / sizeof(stop_signals[0]); i++)
		sigaddset(&stops, stop_signals[i]);
	/* A signal between the question and the wait is not lost. */
	sigprocmask(SIG_BLOCK, &stops, &before);
	while (!stop_seen && ready == 0)
		ready = stop_poll(wait, session, &before);
	sigprocmask(SIG_SETMASK, &before, NULL);
	return stop_seen ? -ECANCELED : ready < 0 ? ready : 0;
}
