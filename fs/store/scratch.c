/* SPDX-License-Identifier: MIT */
/* Working memory of compressing threads; see scratch.h. */
#include "fs/store/scratch.h"

#include <pthread.h>
#include <stdlib.h>

#include "lib/base/cleanup.h"
#include "lib/base/mem.h"

struct scratch_pool {
	pthread_mutex_t lock;
	struct scratch *free;
};

struct scratch_pool *scratch_pool_new(void)
{
	struct scratch_pool *pool = mem_zalloc(sizeof(*pool));
	pthread_mutex_init(&pool->lock, NULL);
	return pool;
}

static void scratch_free(struct scratch *scratch)
{
	compressor_free(&scratch->compressor);
	free(scratch->room);
	free(scratch);
}

void scratch_pool_free(struct scratch_pool **pointer)
{
	struct scratch_pool *pool = TAKE(*pointer);
	if (!pool)
		return;
	while (pool->free) {
		struct scratch *next = pool->free->next;
		scratch_free(pool->free);
		pool->free = next;
	}
	pthread_mutex_destroy(&pool->lock);
	free(pool);
}

static struct scratch *scratch_new(struct scratch_pool *pool)
{
	struct scratch *scratch = mem_try_zalloc(1, sizeof(*scratch));
	if (!scratch)
		return NULL;
	scratch->pool = pool;
	scratch->compressor = compressor_new();
	if (!scratch->compressor) {
		free(scratch);
		return NULL;
	}
	return scratch;
}

struct scratch *scratch_take(struct scratch_pool *pool, size_t room)
{
	pthread_mutex_lock(&pool->lock);
	struct scratch *scratch = pool->free;
	if (scratch)
		pool->free = scratch->next;
	pthread_mutex_unlock(&pool->lock);
	if (!scratch)
		scratch = scratch_new(pool);
	if (scratch && scratch->room_size < room) {
		uint8_t *grown = mem_try_resize(scratch->room, room, 1);
		if (!grown) {
			scratch_give(&scratch);
			return NULL;
		}
		scratch->room = grown;
		scratch->room_size = room;
	}
	return scratch;
}

void scratch_give(struct scratch **pointer)
{
	struct scratch *scratch = TAKE(*pointer);
	if (!scratch)
		return;
	LOCK_SCOPE(&scratch->pool->lock);
	scratch->next = scratch->pool->free;
	scratch->pool->free = scratch;
}
