/* SPDX-License-Identifier: MIT */
/* What a running daemon is made of; only for the files of lib/daemon. */
#ifndef LIB_DAEMON_STATE_H
#define LIB_DAEMON_STATE_H

#include <pthread.h>
#include <stdatomic.h>

#include "lib/daemon/control.h"
#include "lib/daemon/daemon.h"
#include "lib/daemon/options.h"

struct daemon_post {
	void (*run)(struct daemon *d, void *context);
	void *context;
	struct daemon_post *next;
};

struct daemon {
	const struct daemon_class *class;
	struct options options;
	void *data;
	struct event_base *base;
	struct control *control;
	char *config_path, *run_folder, *control_path;
	uint64_t started_ns; /* monotonic */
	int64_t started_real_ns;

	/* Any thread: the end, and what is posted to the loop. */
	atomic_bool stopping;
	atomic_int exit_status;
	int wake_fd; /* eventfd */
	pthread_mutex_t post_lock;
	struct daemon_post *post_first, **post_last; /* post_lock */
};

/* Reads granary.conf again and lets the class know; 0 or -errno, logged. */
int daemon_reload(struct daemon *d);
/* Calls what has been posted so far; on the loop's thread. */
void daemon_run_posts(struct daemon *d);

#endif
