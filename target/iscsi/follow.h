/* SPDX-License-Identifier: MIT */
/* Where a thread of the network runs: beside an initiator of this host that takes turns with it. */
#ifndef TARGET_ISCSI_FOLLOW_H
#define TARGET_ISCSI_FOLLOW_H

#include <sched.h>
#include <stdbool.h>

/* Commands after which it is looked at where they come from. */
#define FOLLOW_STREAK 64u
/* Commands between two ticks, at least: whoever has fewer does not feel a wake-up. */
#define FOLLOW_LEAST  16u

/* All of it belongs to the thread that is moved. */
struct follow {
	cpu_set_t home;	  /* where it may run else, while it is kept on one CPU */
	const void *whom; /* the connection of the last command */
	unsigned streak;  /* commands of it that came alone */
	int from;	  /* CPU that they came from when it was last looked at; -1: none yet */
	int at;		  /* CPU that the thread is kept on; -1: free */
	unsigned heard;	  /* commands that came alone since the last tick */
};

#define FOLLOW_FREE {.from = -1, .at = -1}

/* A command has come through the socket. `alone`: from this host, and after the answers to all before it. */
void follow_command(struct follow *follow, const void *whom, int fd, bool alone);
void follow_tick(struct follow *follow);

#endif
