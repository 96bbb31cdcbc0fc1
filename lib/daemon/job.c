/* SPDX-License-Identifier: MIT */
/*
 * Jobs. The thread touches the job until it posts job_finish() to the loop; from
 * then on, and before it was started, the job is the loop's. Jobs are joined,
 * never detached: when the daemon stops, none is left in the daemon's data.
 */
#include "lib/daemon/job.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>

#include "lib/base/assert.h"
#include "lib/base/cleanup.h"
#include "lib/base/mem.h"

struct job_thread {
	struct job job; /* first, so that a job is its thread */
	struct daemon *daemon;
	void (*done)(struct job *job, void *context);
	void *context;
	pthread_t thread;
	bool joined;
};

static void job_finish(struct daemon *d, void *context)
{
	struct job_thread *t = context;
	(void)d;
	job_wait(&t->job);
	t->done(&t->job, t->context);
}

static void *job_main(void *argument)
{
	struct job_thread *t = argument;
	struct job *job = &t->job;
	job->error = job->method->call(t->daemon, job->request.params, &job->result, job->message);
	daemon_post(t->daemon, job_finish, t);
	return NULL;
}

int job_start(struct daemon *d, const struct rpc_method *method, struct request *request,
	      void (*done)(struct job *job, void *context), void *context, struct job **job)
{
	CLEANUP_FREE struct job_thread *t = mem_try_zalloc(1, sizeof(*t));
	if (!t)
		return -ENOMEM;
	t->job.method = method;
	t->job.request = *request;
	t->daemon = d;
	t->done = done;
	t->context = context;
	int error = pthread_create(&t->thread, NULL, job_main, t);
	if (error)
		return -error;
	*request = (struct request){0};
	*job = &TAKE(t)->job;
	return 0;
}

void job_wait(struct job *job)
{
	struct job_thread *t = (struct job_thread *)job;
	if (t->joined)
		return;
	int error = pthread_join(t->thread, NULL);
	ASSERT(error == 0);
	t->joined = true;
}

void job_free(struct job **job)
{
	struct job_thread *t = (struct job_thread *)TAKE(*job);
	ASSERT(t->joined);
	request_clear(&t->job.request);
	json_decref(t->job.result);
	free(t);
}
