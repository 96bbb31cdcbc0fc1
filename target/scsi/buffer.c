/* SPDX-License-Identifier: MIT */
/*
 * Pools of buffers: free ones are kept by size class (powers of two from a page
 * on), so that a stream of blocks of one size takes no memory from the kernel
 * after its first few: buffers of sizes that are used no more make room for it.
 * The pool is freed by the last of: its owner, its buffers.
 */
#include "target/scsi/buffer.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/assert.h"
#include "lib/base/cleanup.h"
#include "lib/base/mem.h"

#define BUFFER_ALIGN   4096u
#define BUFFER_CLASSES 24u /* 4 KiB to 32 GiB */

struct scsi_buffer_pool {
	pthread_mutex_t lock;
	struct scsi_buffer *free[BUFFER_CLASSES];
	size_t keep, kept; /* bytes */
	size_t out;	   /* buffers that somebody has */
	bool closed;	   /* its owner has let go */
};

/* BUFFER_CLASSES: too large. */
static unsigned buffer_class(size_t capacity)
{
	unsigned class = 0;
	while (class < BUFFER_CLASSES && ((size_t)BUFFER_ALIGN << class) < capacity)
		class++;
	return class;
}

static void buffer_free(struct scsi_buffer *buffer)
{
	free(buffer->data);
	free(buffer);
}

struct scsi_buffer_pool *scsi_buffer_pool_new(size_t keep)
{
	struct scsi_buffer_pool *pool = mem_zalloc(sizeof(*pool));
	pthread_mutex_init(&pool->lock, NULL);
	pool->keep = keep;
	return pool;
}

static void pool_destroy(struct scsi_buffer_pool *pool)
{
	for (unsigned class = 0; class < BUFFER_CLASSES; class++) {
		struct scsi_buffer *buffer;
		while ((buffer = pool->free[class])) {
			pool->free[class] = buffer->next;
			buffer_free(buffer);
		}
	}
	pthread_mutex_destroy(&pool->lock);
	free(pool);
}

void scsi_buffer_pool_free(struct scsi_buffer_pool **pool)
{
	if (!*pool)
		return;
	struct scsi_buffer_pool *old = TAKE(*pool);
	pthread_mutex_lock(&old->lock);
	old->closed = true;
	bool last = !old->out;
	pthread_mutex_unlock(&old->lock);
	if (last)
		pool_destroy(old);
}

static struct scsi_buffer *buffer_new(struct scsi_buffer_pool *pool, size_t capacity)
{
	CLEANUP_FREE struct scsi_buffer *buffer = mem_try_zalloc(1, sizeof(*buffer));
	if (!buffer)
		return NULL;
	buffer->data = mem_try_aligned(BUFFER_ALIGN, capacity);
	if (!buffer->data)
		return NULL;
	buffer->capacity = capacity;
	buffer->pool = pool;
	return TAKE(buffer);
}

struct scsi_buffer *scsi_buffer_get(struct scsi_buffer_pool *pool, size_t capacity)
{
	unsigned class = buffer_class(capacity);
	if (class == BUFFER_CLASSES)
		return NULL;
	pthread_mutex_lock(&pool->lock);
	struct scsi_buffer *buffer = pool->free[class];
	if (buffer) {
		pool->free[class] = buffer->next;
		pool->kept -= buffer->capacity;
	}
	pool->out++;
	pthread_mutex_unlock(&pool->lock);
	if (!buffer)
		buffer = buffer_new(pool, (size_t)BUFFER_ALIGN << class);
	if (!buffer) {
		LOCK_SCOPE(&pool->lock);
		pool->out--;
		return NULL;
	}
	buffer->next = NULL;
	buffer->size = 0;
	__atomic_store_n(&buffer->references, 1, __ATOMIC_RELAXED);
	return buffer;
}

struct scsi_buffer *scsi_buffer_hold(struct scsi_buffer *buffer)
{
	unsigned before = __atomic_fetch_add(&buffer->references, 1, __ATOMIC_RELAXED);
	ASSERT(before > 0);
	return buffer;
}

/* Takes free buffers of other classes out until one of this class may be kept: else what an
 * initiator used last would fill the pool for ever, and every block of another size would come from
 * the kernel. Returns what is to be freed; largest first, for they are the fewest. */
static struct scsi_buffer *evict_locked(struct scsi_buffer_pool *pool, unsigned class)
{
	struct scsi_buffer *evicted = NULL;
	size_t capacity = (size_t)BUFFER_ALIGN << class;
	for (unsigned other = BUFFER_CLASSES; other-- > 0;) {
		struct scsi_buffer *buffer;
		while (other != class && capacity > pool->keep - pool->kept && (buffer = pool->free[other])) {
			pool->free[other] = buffer->next;
			pool->kept -= buffer->capacity;
			buffer->next = evicted;
			evicted = buffer;
		}
	}
	return evicted;
}

/* Keeps a buffer that nobody has; returns what is to be freed instead. */
static struct scsi_buffer *keep_locked(struct scsi_buffer_pool *pool, struct scsi_buffer *buffer)
{
	unsigned class = buffer_class(buffer->capacity);
	struct scsi_buffer *evicted = NULL;
	buffer->next = NULL;
	if (pool->closed || buffer->capacity > pool->keep)
		return buffer;
	if (buffer->capacity > pool->keep - pool->kept)
		evicted = evict_locked(pool, class);
	if (buffer->capacity > pool->keep - pool->kept)
		return buffer;
	pool->kept += buffer->capacity;
	buffer->next = pool->free[class];
	pool->free[class] = buffer;
	return evicted;
}

void scsi_buffer_release(struct scsi_buffer **buffer)
{
	struct scsi_buffer *old = TAKE(*buffer);
	if (!old)
		return;
	unsigned before = __atomic_fetch_sub(&old->references, 1, __ATOMIC_ACQ_REL);
	ASSERT(before > 0);
	if (before > 1)
		return;
	struct scsi_buffer_pool *pool = old->pool;
	if (old->secret)
		explicit_bzero(old->data, old->capacity);
	old->secret = false;
	pthread_mutex_lock(&pool->lock);
	ASSERT(pool->out > 0);
	pool->out--;
	struct scsi_buffer *next, *unwanted = keep_locked(pool, old);
	bool last = pool->closed && !pool->out;
	pthread_mutex_unlock(&pool->lock);
	for (; unwanted; unwanted = next) {
		next = unwanted->next;
		buffer_free(unwanted);
	}
	if (last)
		pool_destroy(pool);
}
