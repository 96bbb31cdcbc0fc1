/* SPDX-License-Identifier: MIT */
/* A control request that runs on a thread of its own. */
#ifndef LIB_DAEMON_JOB_H
#define LIB_DAEMON_JOB_H

#include "lib/daemon/daemon.h"
#include "lib/daemon/request.h"

struct job {
	const struct rpc_method *method;
	struct request request; /* owned */
	int error;
	json_t *result;
	char message[256];
	void *owner; /* the connection that waits; NULL when it has gone */
	struct job *next;
};

/* Starts it; takes the request. done() is called on the loop's thread, then frees the job with
 * job_free(). 0 or -errno, and the request stays the caller's. */
int job_start(struct daemon *d, const struct rpc_method *method, struct request *request,
	      void (*done)(struct job *job, void *context), void *context, struct job **job);
/* Waits for the thread; done() is posted by then. */
void job_wait(struct job *job);
void job_free(struct job **job);

#endif
