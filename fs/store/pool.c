/* SPDX-License-Identifier: MIT */
/*
 * The worker pool. One lock, a queue per stage; a worker takes from the first
 * stage that has something, so the order of enum pool_stage is the priority.
 */
#include "fs/store/pool.h"

#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>

#include "lib/base/assert.h"
#include "lib/base/cleanup.h"
#include "lib/base/mem.h"

#define POOL_MAGIC 0x504f4f4cu

struct pool_queue {
	struct pool_task *first;
	struct pool_task **last;
	size_t length;
};

struct pool {
	uint32_t magic;
	pthread_mutex_t lock; /* all below */
	pthread_cond_t wake;
	struct pool_queue queue[POOL_STAGES];
	bool stopping;
	unsigned threads;
	pthread_t thread[];
};

static struct pool_task *pool_take_locked(struct pool *pool, enum pool_stage stage)
{
	struct pool_queue *queue = &pool->queue[stage];
	struct pool_task *task = queue->first;
	if (!task)
		return NULL;
	queue->first = task->next;
	if (!queue->first)
		queue->last = &queue->first;
	queue->length--;
	return task;
}

static struct pool_task *pool_take_any_locked(struct pool *pool)
{
	struct pool_task *task = NULL;
	for (int stage = 0; stage < POOL_STAGES && !task; stage++)
		task = pool_take_locked(pool, (enum pool_stage)stage);
	return task;
}

static void *pool_work(void *argument)
{
	struct pool *pool = argument;
	pthread_mutex_lock(&pool->lock);
	for (;;) {
		struct pool_task *task = pool_take_any_locked(pool);
		if (task) {
			pthread_mutex_unlock(&pool->lock);
			/* The task may free itself. */
			task->run(task->argument);
			pthread_mutex_lock(&pool->lock);
		} else if (pool->stopping) {
			break;
		} else {
			pthread_cond_wait(&pool->wake, &pool->lock);
		}
	}
	pthread_mutex_unlock(&pool->lock);
	return NULL;
}

struct pool *pool_new(unsigned threads)
{
	struct pool *pool = mem_zalloc(sizeof(*pool) + threads * sizeof(pool->thread[0]));
	pool->magic = POOL_MAGIC;
	pthread_mutex_init(&pool->lock, NULL);
	pthread_cond_init(&pool->wake, NULL);
	for (int stage = 0; stage < POOL_STAGES; stage++)
		pool->queue[stage].last = &pool->queue[stage].first;
	for (; pool->threads < threads; pool->threads++) {
		if (pthread_create(&pool->thread[pool->threads], NULL, pool_work, pool) != 0)
			break;
	}
	/* One worker is enough to go on; without any nothing would ever run. */
	ASSERT(pool->threads > 0);
	return pool;
}

void pool_free(struct pool **pointer)
{
	struct pool *pool = TAKE(*pointer);
	if (!pool)
		return;
	ASSERT_OBJECT(pool, POOL_MAGIC);
	pthread_mutex_lock(&pool->lock);
	pool->stopping = true;
	pthread_cond_broadcast(&pool->wake);
	pthread_mutex_unlock(&pool->lock);
	for (unsigned i = 0; i < pool->threads; i++)
		pthread_join(pool->thread[i], NULL);
	pthread_cond_destroy(&pool->wake);
	pthread_mutex_destroy(&pool->lock);
	pool->magic = 0;
	free(pool);
}

void pool_submit(struct pool *pool, enum pool_stage stage, struct pool_task *task)
{
	ASSERT_OBJECT(pool, POOL_MAGIC);
	ASSERT(stage < POOL_STAGES);
	LOCK_SCOPE(&pool->lock);
	struct pool_queue *queue = &pool->queue[stage];
	task->next = NULL;
	*queue->last = task;
	queue->last = &task->next;
	queue->length++;
	pthread_cond_signal(&pool->wake);
}

bool pool_help(struct pool *pool, enum pool_stage stage)
{
	ASSERT_OBJECT(pool, POOL_MAGIC);
	pthread_mutex_lock(&pool->lock);
	struct pool_task *task = pool_take_locked(pool, stage);
	pthread_mutex_unlock(&pool->lock);
	if (!task)
		return false;
	task->run(task->argument);
	return true;
}

size_t pool_queued(const struct pool *pool, enum pool_stage stage)
{
	struct pool *p = (struct pool *)(uintptr_t)pool;
	LOCK_SCOPE(&p->lock);
	return p->queue[stage].length;
}
