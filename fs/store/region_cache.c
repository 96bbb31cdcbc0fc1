/* SPDX-License-Identifier: MIT */
/*
 * Decoded regions; see region_cache.h.
 *
 * An entry is LOADING (in the table, buffer NULL, the loader holds it) or READY
 * (in the table and the idle order). One that failed is taken out of the table
 * and lives until its last waiter has read its error.
 */
#include "fs/store/region_cache.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <uthash.h>

#include "lib/base/assert.h"
#include "lib/base/cleanup.h"
#include "lib/base/mem.h"

#define REGION_CACHE_MAGIC 0x52474e43u

struct region_entry {
	struct region_key key;
	struct buffer *buffer; /* NULL while it is loaded */
	int error;
	bool done;
	bool detached; /* out of the table: the last waiter frees it */
	unsigned waiters;
	UT_hash_handle hh;
	TAILQ_ENTRY(region_entry) order;
};

struct region_cache {
	uint32_t magic;
	size_t memory;
	pthread_mutex_t lock; /* all below; the store's region cache lock */
	pthread_cond_t loaded;
	struct region_entry *table;
	TAILQ_HEAD(, region_entry) order; /* READY ones, longest unused first */
	size_t used;
	uint64_t hits, misses;
};

struct region_cache *region_cache_new(size_t memory)
{
	struct region_cache *c = mem_zalloc(sizeof(*c));
	c->magic = REGION_CACHE_MAGIC;
	c->memory = memory;
	pthread_mutex_init(&c->lock, NULL);
	pthread_cond_init(&c->loaded, NULL);
	TAILQ_INIT(&c->order);
	return c;
}

/* Takes an entry out of the table; it goes now or with its last waiter. */
static void region_detach_locked(struct region_cache *c, struct region_entry *entry)
{
	HASH_DEL(c->table, entry);
	entry->detached = true;
	if (entry->waiters > 0)
		return;
	buffer_release(&entry->buffer);
	free(entry);
}

static void region_evict_locked(struct region_cache *c, struct region_entry *entry)
{
	TAILQ_REMOVE(&c->order, entry, order);
	c->used -= entry->buffer->capacity;
	region_detach_locked(c, entry);
}

void region_cache_free(struct region_cache **pointer)
{
	struct region_cache *c = TAKE(*pointer);
	if (!c)
		return;
	ASSERT_OBJECT(c, REGION_CACHE_MAGIC);
	while (!TAILQ_EMPTY(&c->order))
		region_evict_locked(c, TAILQ_FIRST(&c->order));
	ASSERT(c->table == NULL);
	pthread_cond_destroy(&c->loaded);
	pthread_mutex_destroy(&c->lock);
	c->magic = 0;
	free(c);
}

static struct region_entry *region_find_locked(struct region_cache *c, const struct region_key *key)
{
	struct region_entry *entry;
	HASH_FIND(hh, c->table, key, sizeof(*key), entry);
	return entry;
}

static void region_finish_locked(struct region_cache *c, struct region_entry *entry)
{
	entry->done = true;
	pthread_cond_broadcast(&c->loaded);
	if (entry->error) {
		region_detach_locked(c, entry);
	} else {
		c->used += entry->buffer->capacity;
		TAILQ_INSERT_TAIL(&c->order, entry, order);
		/* The newest stays whatever its size: its loader is about to use it. */
		while (c->used > c->memory && TAILQ_FIRST(&c->order) != entry)
			region_evict_locked(c, TAILQ_FIRST(&c->order));
	}
}

/* Waits for another thread's load. */
static int region_wait_locked(struct region_cache *c, struct region_entry *entry,
			      struct buffer **buffer)
{
	entry->waiters++;
	while (!entry->done)
		pthread_cond_wait(&c->loaded, &c->lock);
	entry->waiters--;
	int error = entry->error;
	if (!error)
		*buffer = buffer_hold(entry->buffer);
	if (entry->detached && entry->waiters == 0) {
		buffer_release(&entry->buffer);
		free(entry);
	}
	return error;
}

static int region_load(struct region_cache *c, struct region_entry *entry, region_loader *load,
		       void *context, struct buffer **buffer)
{
	struct buffer *fresh = NULL;
	int error = load(context, &entry->key, &fresh);
	LOCK_SCOPE(&c->lock);
	entry->error = error;
	entry->buffer = fresh;
	if (!error)
		*buffer = buffer_hold(fresh);
	region_finish_locked(c, entry);
	return error;
}

int region_cache_get(struct region_cache *c, const struct region_key *key, region_loader *load,
		     void *context, struct buffer **buffer)
{
	ASSERT_OBJECT(c, REGION_CACHE_MAGIC);
	pthread_mutex_lock(&c->lock);
	struct region_entry *entry = region_find_locked(c, key);
	int error = 0;
	if (entry && entry->done) {
		c->hits++;
		TAILQ_REMOVE(&c->order, entry, order);
		TAILQ_INSERT_TAIL(&c->order, entry, order);
		*buffer = buffer_hold(entry->buffer);
	} else if (entry) {
		c->hits++;
		error = region_wait_locked(c, entry, buffer);
	} else {
		c->misses++;
		entry = mem_try_zalloc(1, sizeof(*entry));
		if (entry) {
			entry->key = *key;
			HASH_ADD(hh, c->table, key, sizeof(entry->key), entry);
		}
		pthread_mutex_unlock(&c->lock);
		return entry ? region_load(c, entry, load, context, buffer) : -ENOMEM;
	}
	pthread_mutex_unlock(&c->lock);
	return error;
}

bool region_cache_has(struct region_cache *c, const struct region_key *key)
{
	LOCK_SCOPE(&c->lock);
	return region_find_locked(c, key) != NULL;
}

void region_cache_get_stats(struct region_cache *c, struct region_cache_stats *stats)
{
	LOCK_SCOPE(&c->lock);
	stats->hits = c->hits;
	stats->misses = c->misses;
	stats->bytes = c->used;
}
