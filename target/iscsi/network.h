/* SPDX-License-Identifier: MIT */
/*
 * Threads of the network: each has a loop with its connections, and an inbox of
 * messages through which other threads reach them.
 */
#ifndef TARGET_ISCSI_NETWORK_H
#define TARGET_ISCSI_NETWORK_H

#include <event2/event.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

#include "target/iscsi/follow.h"

struct connection;
struct iscsi_server;

/* Lies in what it is about; it may be posted again once run() has been called. */
struct message {
	struct message *next;
	void (*run)(struct message *message);
};

struct network {
	uint32_t magic;
	struct iscsi_server *server;
	struct event_base *base;
	struct event *wake, *tick;
	int wake_fd;
	pthread_t thread;
	struct message *inbox; /* atomic: last in, first out */
	unsigned load;	       /* atomic: connections, with those that are on their way */
	/* The thread's own. */
	TAILQ_HEAD(, connection) connections;
	TAILQ_HEAD(, connection) unsettled; /* have something to send, or are to go */
	unsigned sessions;		    /* that are not freed yet */
	bool stopping;
	struct follow follow;
	uint64_t now; /* nanoseconds, monotonic; of the last event */
	struct scsi_buffer_pool *pool;
	uint8_t *waste; /* NETWORK_WASTE bytes: where data goes that nobody wants */
};

#define NETWORK_WASTE (64u << 10)

/* Starts the thread with its loop. 0 or -errno, and there is nothing to be stopped. */
int network_start(struct network *network, struct iscsi_server *server);
/* Ends when the last connection and session are gone. */
void network_stop(struct network *network);
/* Waits for that. */
void network_join(struct network *network);
/* When all threads have been joined: until then they may post to each other. */
void network_free(struct network *network);
/* Any thread; messages of one thread arrive in their order. */
void network_post(struct network *network, struct message *message);
/* Runs there and waits for it; not from a thread of the network. */
void network_call(struct network *network, void (*run)(void *context), void *context);
/* The calling thread is this network's. */
bool network_is_here(const struct network *network);
/* Sends what waits and takes away what has failed: the end of every event. */
void network_settle(struct network *network);

#endif
