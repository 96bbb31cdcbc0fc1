/* SPDX-License-Identifier: MIT */
/*
 * Packs in memory; see pack_table.h. One lock for the table, the references and
 * the idle list. A pack is freed when its last reference goes and it is not in
 * the table; it is in the idle list when it is in the table, committed (all
 * others are held by somebody) and has no reference.
 */
#include "fs/store/pack_table.h"

#include <errno.h>
#include <stdlib.h>

#include "lib/base/assert.h"
#include "lib/base/cleanup.h"
#include "lib/base/mem.h"

#define PACK_TABLE_MAGIC 0x50544142u

struct pack_table {
	uint32_t magic;
	size_t memory;
	pack_loader *load;
	void *context;
	pthread_mutex_t lock; /* all below */
	struct pack *packs;
	struct pack_list idle;
	size_t used;
	uint64_t changes; /* packs replaced or dropped so far */
};

struct pack_table *pack_table_new(size_t memory, pack_loader *load, void *context)
{
	struct pack_table *t = mem_zalloc(sizeof(*t));
	t->magic = PACK_TABLE_MAGIC;
	t->memory = memory;
	t->load = load;
	t->context = context;
	pthread_mutex_init(&t->lock, NULL);
	TAILQ_INIT(&t->idle);
	return t;
}

struct pack *pack_new(uint64_t number, uint32_t version, uint8_t kind)
{
	struct pack *pack = mem_try_zalloc(1, sizeof(*pack));
	if (!pack)
		return NULL;
	pack->magic = PACK_OBJECT_MAGIC;
	pack->number = number;
	pack->version = version;
	pack->kind = kind;
	pack->references = 1;
	pthread_mutex_init(&pack->lock, NULL);
	return pack;
}

static void pack_free(struct pack *pack)
{
	ASSERT_OBJECT(pack, PACK_OBJECT_MAGIC);
	for (uint32_t i = 0; pack->work && i < pack->directory.regions; i++) {
		buffer_release(&pack->work[i]->raw);
		buffer_release(&pack->work[i]->stored);
		free(pack->work[i]);
	}
	free(pack->work);
	free(pack->restored);
	pack_directory_clear(&pack->directory);
	pthread_mutex_destroy(&pack->lock);
	pack->magic = 0;
	free(pack);
}

static void pack_take_out_locked(struct pack_table *t, struct pack *pack)
{
	HASH_DEL(t->packs, pack);
	t->used -= pack->charge;
	if (pack->references == 0)
		TAILQ_REMOVE(&t->idle, pack, idle_link);
	pack->in_table = false;
}

static void pack_put_in_locked(struct pack_table *t, struct pack *pack)
{
	pack->table = t;
	pack->in_table = true;
	pack->charge = sizeof(*pack) + pack_directory_memory(&pack->directory);
	t->used += pack->charge;
	HASH_ADD(hh, t->packs, number, sizeof(pack->number), pack);
}

static struct pack *pack_find_locked(struct pack_table *t, uint64_t number)
{
	struct pack *pack;
	HASH_FIND(hh, t->packs, &number, sizeof(number), pack);
	if (!pack)
		return NULL;
	if (pack->references++ == 0)
		TAILQ_REMOVE(&t->idle, pack, idle_link);
	return pack;
}

void pack_table_free(struct pack_table **pointer)
{
	struct pack_table *t = TAKE(*pointer);
	struct pack *pack, *next;
	if (!t)
		return;
	ASSERT_OBJECT(t, PACK_TABLE_MAGIC);
	HASH_ITER(hh, t->packs, pack, next) {
		ASSERT(pack->references == 0);
		pack_take_out_locked(t, pack);
		pack_free(pack);
	}
	pthread_mutex_destroy(&t->lock);
	t->magic = 0;
	free(t);
}

void pack_table_add(struct pack_table *t, struct pack *pack)
{
	ASSERT_OBJECT(pack, PACK_OBJECT_MAGIC);
	LOCK_SCOPE(&t->lock);
	pack_put_in_locked(t, pack);
}

struct pack *pack_table_peek(struct pack_table *t, uint64_t number)
{
	LOCK_SCOPE(&t->lock);
	return pack_find_locked(t, number);
}

/* Puts a loaded pack in unless another thread was faster; false when packs have been replaced
 * meanwhile, so that what was loaded may be old. */
static bool pack_table_offer(struct pack_table *t, struct pack **loaded, uint64_t changes)
{
	LOCK_SCOPE(&t->lock);
	if (t->changes != changes)
		return false;
	struct pack *present = pack_find_locked(t, (*loaded)->number);
	if (present) {
		pack_free(*loaded);
		*loaded = present;
	} else {
		pack_put_in_locked(t, *loaded);
	}
	return true;
}

int pack_table_get(struct pack_table *t, uint64_t number, struct pack **found)
{
	ASSERT_OBJECT(t, PACK_TABLE_MAGIC);
	for (;;) {
		struct pack *pack;
		pthread_mutex_lock(&t->lock);
		uint64_t changes = t->changes;
		pack = pack_find_locked(t, number);
		pthread_mutex_unlock(&t->lock);
		if (!pack) {
			int error = t->load(t->context, number, &pack);
			if (error)
				return error;
			if (!pack_table_offer(t, &pack, changes)) {
				pack_free(pack);
				continue;
			}
		}
		*found = pack;
		return 0;
	}
}

struct pack *pack_hold(struct pack *pack)
{
	ASSERT_OBJECT(pack, PACK_OBJECT_MAGIC);
	struct pack_table *t = pack->table;
	ASSERT(t != NULL);
	LOCK_SCOPE(&t->lock);
	ASSERT(pack->references > 0);
	pack->references++;
	return pack;
}

static void pack_trim_locked(struct pack_table *t)
{
	while (t->used > t->memory && !TAILQ_EMPTY(&t->idle)) {
		struct pack *oldest = TAILQ_FIRST(&t->idle);
		pack_take_out_locked(t, oldest);
		pack_free(oldest);
	}
}

void pack_release(struct pack **pointer)
{
	struct pack *pack = TAKE(*pointer);
	if (!pack)
		return;
	ASSERT_OBJECT(pack, PACK_OBJECT_MAGIC);
	struct pack_table *t = pack->table;
	if (!t) {
		pack_free(pack);
		return;
	}
	pthread_mutex_lock(&t->lock);
	ASSERT(pack->references > 0);
	bool gone = --pack->references == 0 && !pack->in_table;
	if (pack->references == 0 && pack->in_table) {
		TAILQ_INSERT_TAIL(&t->idle, pack, idle_link);
		pack_trim_locked(t);
	}
	pthread_mutex_unlock(&t->lock);
	if (gone)
		pack_free(pack);
}

static struct pack *pack_supersede_locked(struct pack_table *t, uint64_t number)
{
	struct pack *old;
	t->changes++;
	HASH_FIND(hh, t->packs, &number, sizeof(number), old);
	if (!old)
		return NULL;
	__atomic_store_n(&old->superseded, true, __ATOMIC_RELEASE);
	pack_take_out_locked(t, old);
	return old->references == 0 ? old : NULL;
}

void pack_table_replace(struct pack_table *t, struct pack *fresh)
{
	ASSERT_OBJECT(fresh, PACK_OBJECT_MAGIC);
	pthread_mutex_lock(&t->lock);
	struct pack *unused = pack_supersede_locked(t, fresh->number);
	pack_put_in_locked(t, fresh);
	pthread_mutex_unlock(&t->lock);
	if (unused)
		pack_free(unused);
}

void pack_table_drop(struct pack_table *t, uint64_t number)
{
	pthread_mutex_lock(&t->lock);
	struct pack *unused = pack_supersede_locked(t, number);
	pthread_mutex_unlock(&t->lock);
	if (unused)
		pack_free(unused);
}

void pack_table_settle(struct pack_table *t, struct pack *pack)
{
	LOCK_SCOPE(&t->lock);
	if (!pack->in_table)
		return;
	t->used -= pack->charge;
	pack->charge = sizeof(*pack) + pack_directory_memory(&pack->directory);
	t->used += pack->charge;
}

size_t pack_table_memory(struct pack_table *t)
{
	LOCK_SCOPE(&t->lock);
	return t->used;
}

void *pack_table_context(const struct pack_table *t)
{
	return t->context;
}
