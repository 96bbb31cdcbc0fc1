/* SPDX-License-Identifier: MIT */
/* Late answers to writes; see coherence.h. Invariant: every request that was taken is answered. */
#include "fs/fuse/coherence.h"

#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/queue.h>

#include "lib/base/assert.h"
#include "lib/base/cleanup.h"
#include "lib/base/mem.h"

#define COHERENCE_MAGIC 0x636f6872u

struct late_reply {
	STAILQ_ENTRY(late_reply) link;
	fuse_req_t req;
	fuse_ino_t inode;
	off_t offset;
	size_t size;
};

struct coherence {
	uint32_t magic;
	struct fuse_session *session;
	pthread_t thread;
	pthread_mutex_t lock; /* all below */
	pthread_cond_t work;
	STAILQ_HEAD(, late_reply) replies;
	bool stopping, joined;
};

static void *coherence_run(void *argument)
{
	struct coherence *c = argument;

	pthread_mutex_lock(&c->lock);
	while (!c->stopping || !STAILQ_EMPTY(&c->replies)) {
		struct late_reply *late = STAILQ_FIRST(&c->replies);

		if (!late) {
			pthread_cond_wait(&c->work, &c->lock);
			continue;
		}
		STAILQ_REMOVE_HEAD(&c->replies, link);
		pthread_mutex_unlock(&c->lock);
		/* -ENOENT: the kernel does not know the inode, so no pages of it either. */
		fuse_lowlevel_notify_inval_inode(c->session, late->inode, late->offset,
						 (off_t)late->size);
		fuse_reply_write(late->req, late->size);
		free(late);
		pthread_mutex_lock(&c->lock);
	}
	pthread_mutex_unlock(&c->lock);
	return NULL;
}

struct coherence *coherence_start(struct fuse_session *session)
{
	struct coherence *c = mem_zalloc(sizeof(*c));

	c->magic = COHERENCE_MAGIC;
	c->session = session;
	pthread_mutex_init(&c->lock, NULL);
	pthread_cond_init(&c->work, NULL);
	STAILQ_INIT(&c->replies);
	c->joined = pthread_create(&c->thread, NULL, coherence_run, c) != 0;
	if (c->joined)
		coherence_free(&c);
	return c;
}

void coherence_stop(struct coherence *c)
{
	ASSERT_OBJECT(c, COHERENCE_MAGIC);
	pthread_mutex_lock(&c->lock);
	bool join = !c->joined;
	c->stopping = c->joined = true;
	pthread_cond_signal(&c->work);
	pthread_mutex_unlock(&c->lock);
	if (join)
		pthread_join(c->thread, NULL);
}

void coherence_free(struct coherence **pointer)
{
	struct coherence *c = TAKE(*pointer);

	if (!c)
		return;
	coherence_stop(c);
	pthread_cond_destroy(&c->work);
	pthread_mutex_destroy(&c->lock);
	c->magic = 0;
	free(c);
}

void coherence_reply_write(struct coherence *c, fuse_req_t req, fuse_ino_t inode, off_t offset,
			   size_t size)
{
	struct late_reply *late = mem_try_zalloc(1, sizeof(*late));

	ASSERT_OBJECT(c, COHERENCE_MAGIC);
	if (!late) {
		fuse_reply_err(req, ENOMEM);
		return;
	}
	*late = (struct late_reply){.req = req, .inode = inode, .offset = offset, .size = size};
	pthread_mutex_lock(&c->lock);
	bool stopping = c->stopping;
	if (!stopping) {
		STAILQ_INSERT_TAIL(&c->replies, late, link);
		pthread_cond_signal(&c->work);
	}
	pthread_mutex_unlock(&c->lock);
	if (stopping) {
		fuse_reply_write(req, size);
		free(late);
	}
}

void coherence_forget_attributes(struct coherence *c, fuse_ino_t inode)
{
	ASSERT_OBJECT(c, COHERENCE_MAGIC);
	fuse_lowlevel_notify_inval_inode(c->session, inode, -1, 0);
}
