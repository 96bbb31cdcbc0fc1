/* SPDX-License-Identifier: MIT */
/* Buffers of raw region bytes; see buffer.h. The pool's lock guards its free list only. */
#include "fs/store/buffer.h"

#include <pthread.h>
#include <stdlib.h>

#include "lib/base/assert.h"
#include "lib/base/cleanup.h"
#include "lib/base/mem.h"

#define BUFFER_POOL_MAGIC 0x42504f4cu

struct buffer_pool {
	uint32_t magic;
	size_t usual, keep;
	pthread_mutex_t lock; /* all below */
	struct buffer *free;
	size_t kept, outstanding;
};

struct buffer_pool *buffer_pool_new(size_t usual, size_t keep)
{
	struct buffer_pool *pool = mem_zalloc(sizeof(*pool));
	pool->magic = BUFFER_POOL_MAGIC;
	pool->usual = usual;
	pool->keep = keep;
	pthread_mutex_init(&pool->lock, NULL);
	return pool;
}

void buffer_pool_free(struct buffer_pool **pointer)
{
	struct buffer_pool *pool = TAKE(*pointer);
	if (!pool)
		return;
	ASSERT_OBJECT(pool, BUFFER_POOL_MAGIC);
	ASSERT(pool->outstanding == 0);
	while (pool->free) {
		struct buffer *next = pool->free->next_free;
		free(pool->free);
		pool->free = next;
	}
	pthread_mutex_destroy(&pool->lock);
	pool->magic = 0;
	free(pool);
}

static struct buffer *buffer_take_kept(struct buffer_pool *pool, size_t capacity)
{
	LOCK_SCOPE(&pool->lock);
	pool->outstanding++;
	if (capacity > pool->usual || !pool->free)
		return NULL;
	struct buffer *buffer = pool->free;
	pool->free = buffer->next_free;
	pool->kept--;
	return buffer;
}

struct buffer *buffer_pool_take(struct buffer_pool *pool, size_t capacity)
{
	ASSERT_OBJECT(pool, BUFFER_POOL_MAGIC);
	size_t room = capacity > pool->usual ? capacity : pool->usual;
	struct buffer *buffer = buffer_take_kept(pool, capacity);
	if (!buffer) {
		buffer = mem_try_alloc(1, sizeof(*buffer) + room);
		if (!buffer) {
			LOCK_SCOPE(&pool->lock);
			pool->outstanding--;
			return NULL;
		}
		buffer->capacity = room;
		buffer->pool = pool;
	}
	buffer->next_free = NULL;
	buffer->size = 0;
	__atomic_store_n(&buffer->references, 1, __ATOMIC_RELAXED);
	return buffer;
}

struct buffer *buffer_hold(struct buffer *buffer)
{
	uint32_t before = __atomic_fetch_add(&buffer->references, 1, __ATOMIC_RELAXED);
	ASSERT(before > 0);
	return buffer;
}

void buffer_release(struct buffer **pointer)
{
	struct buffer *buffer = TAKE(*pointer);
	if (!buffer || __atomic_sub_fetch(&buffer->references, 1, __ATOMIC_ACQ_REL) > 0)
		return;
	struct buffer_pool *pool = buffer->pool;
	pthread_mutex_lock(&pool->lock);
	pool->outstanding--;
	if (buffer->capacity == pool->usual && pool->kept < pool->keep) {
		buffer->next_free = pool->free;
		pool->free = TAKE(buffer);
		pool->kept++;
	}
	pthread_mutex_unlock(&pool->lock);
	free(buffer);
}
