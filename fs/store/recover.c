/* SPDX-License-Identifier: MIT */
/*
 * After a start the fingerprints of packs that the index does not cover are
 * inserted again, in the background, a few packs at a time, so that opening a
 * store takes no longer for it. Until that is done a chunk may be stored twice,
 * no more, and the index is not told that anything is covered.
 */
#include <errno.h>
#include <stdlib.h>

#include "fs/store/store_private.h"
#include "lib/base/assert.h"
#include "lib/base/cleanup.h"
#include "lib/base/mem.h"

#define RECOVERY_STEP 16

struct store_recovery {
	struct pool_task task;
	struct store *store;
	pthread_mutex_t lock; /* all below */
	pthread_cond_t ended;
	bool running, stop, done;
	uint64_t next; /* the step's alone while running */
	uint64_t inserted;
};

static void recovery_insert(struct store *store, uint64_t number)
{
	struct pack *pack = NULL;
	/* A damaged directory has been logged and quarantined; the others go on. */
	if (pack_table_get(store->packs, number, &pack) < 0)
		return;
	pthread_mutex_lock(&pack->lock);
	bool fixed = pack->state == PACK_STATE_COMMITTED;
	pthread_mutex_unlock(&pack->lock);
	const struct pack_directory *d = &pack->directory;
	for (uint32_t slot = 0; fixed && slot < d->slots; slot++)
		if (d->slot[slot].size && pack_fingerprint_is_known(&d->fingerprint[slot]))
			index_insert(store->index, &d->fingerprint[slot], (struct chunk_ref){number, slot});
	pack_release(&pack);
}

static int recovery_learn(void *context, struct chunk_ref ref, struct fingerprint *fingerprint)
{
	struct store *store = context;
	struct pack *pack = NULL;
	int error = pack_table_get(store->packs, ref.pack, &pack);
	if (error)
		return error;
	pthread_mutex_lock(&pack->lock);
	if (ref.slot < pack->directory.slots &&
	    pack_fingerprint_is_known(&pack->directory.fingerprint[ref.slot]))
		*fingerprint = pack->directory.fingerprint[ref.slot];
	else
		error = -ENOENT;
	pthread_mutex_unlock(&pack->lock);
	pack_release(&pack);
	return error;
}

/* 1 while there is more, 0 at the end, -errno. */
static int recovery_step(struct store_recovery *r)
{
	struct store *store = r->store;
	struct pack_row rows[RECOVERY_STEP];
	int n = store_next_rows(store, r->next, rows, RECOVERY_STEP);
	for (int i = 0; i < n; i++)
		recovery_insert(store, rows[i].pack);
	if (n > 0) {
		r->next = rows[n - 1].pack + 1;
		r->inserted += (uint64_t)n;
	}
	return n < 0 ? n : n == RECOVERY_STEP;
}

static void recovery_run(void *argument)
{
	struct store_recovery *r = argument;
	/* A catalogue that does not read has been logged; the index stays behind then. */
	int left = recovery_step(r);
	bool more = left > 0;
	pthread_mutex_lock(&r->lock);
	bool again = more && !r->stop;
	if (!again) {
		r->running = false;
		r->done = left == 0;
		pthread_cond_broadcast(&r->ended);
	}
	pthread_mutex_unlock(&r->lock);
	if (again)
		pool_submit(r->store->pool, POOL_BACKGROUND, &r->task);
}

void store_recovery_start(struct store *store)
{
	struct store_recovery *r = mem_zalloc(sizeof(*r));
	r->store = store;
	r->next = index_covered(store->index);
	r->task = (struct pool_task){.run = recovery_run, .argument = r};
	pthread_mutex_init(&r->lock, NULL);
	pthread_cond_init(&r->ended, NULL);
	r->running = true;
	store->recovery = r;
	damage_learn(store->damage, recovery_learn, store);
	pool_submit(store->pool, POOL_BACKGROUND, &r->task);
}

void store_recovery_stop(struct store *store)
{
	struct store_recovery *r = store->recovery;
	if (!r)
		return;
	pthread_mutex_lock(&r->lock);
	r->stop = true;
	while (r->running)
		pthread_cond_wait(&r->ended, &r->lock);
	pthread_mutex_unlock(&r->lock);
}

void store_recovery_free(struct store *store)
{
	struct store_recovery *r = TAKE(store->recovery);
	if (!r)
		return;
	pthread_cond_destroy(&r->ended);
	pthread_mutex_destroy(&r->lock);
	free(r);
}

bool store_recovery_is_done(struct store *store)
{
	struct store_recovery *r = store->recovery;
	if (!r)
		return false;
	LOCK_SCOPE(&r->lock);
	return r->done;
}
