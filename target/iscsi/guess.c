/* SPDX-License-Identifier: MIT */
/*
 * Who has told wrong secrets lately, and for which user: a table of fixed size. The delay doubles with each
 * wrong secret, up to GUESS_LONGEST times the first; a source is forgotten FORGET after the end of its
 * delay. When the table is full the one whose delay ends first makes room; so that no address pushes
 * out its own by guessing for one user after the other, all users over USERS_MAX of an address are one.
 *
 * A right secret does not shorten anything: one that is known must not help to
 * guess another.
 */
#include "target/iscsi/guess.h"

#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/assert.h"
#include "lib/base/cleanup.h"
#include "lib/base/mem.h"
#include "target/iscsi/iscsi.h"
#include "target/iscsi/peer.h"

#define SOURCES	  512u
#define USERS_MAX 64u /* of an address, each with its own delays */
#define FORGET	60000000000ull /* ns */

struct guess_source {
	uint64_t until; /* 0: the place is free */
	unsigned failures, waiting;
	struct peer peer;
	char user[ISCSI_SECRET_MAX]; /* "" for those over USERS_MAX */
};

struct guess_table {
	pthread_mutex_t lock;
	uint64_t first;
	struct guess_source sources[SOURCES];
};

struct guess_table *guess_table_new(uint64_t first)
{
	struct guess_table *table = mem_try_zalloc(1, sizeof(*table));
	if (!table)
		return NULL;
	pthread_mutex_init(&table->lock, NULL);
	table->first = first;
	return table;
}

void guess_table_free(struct guess_table **table)
{
	if (!*table)
		return;
	pthread_mutex_destroy(&(*table)->lock);
	free(*table);
	*table = NULL;
}

static bool is_remembered(const struct guess_source *source, uint64_t now)
{
	return source->until && (source->waiting || now < source->until + FORGET);
}

static struct guess_source *find_locked(struct guess_table *table, const struct peer *peer,
					const char *user, uint64_t now)
{
	for (unsigned i = 0; i < SOURCES; i++) {
		struct guess_source *source = &table->sources[i];
		if (!source->until || !peer_same(&source->peer, peer) || strcmp(source->user, user) != 0)
			continue;
		if (is_remembered(source, now))
			return source;
		source->until = 0;
		return NULL;
	}
	return NULL;
}

/* Those that somebody waits for stay: there are fewer connections in login than places. */
static struct guess_source *make_locked(struct guess_table *table, const struct peer *peer, const char *user)
{
	struct guess_source *best = NULL;
	for (unsigned i = 0; i < SOURCES; i++) {
		struct guess_source *source = &table->sources[i];
		if (!source->waiting && (!best || source->until < best->until))
			best = source;
	}
	if (!best)
		return NULL;
	*best = (struct guess_source){.peer = *peer};
	snprintf(best->user, sizeof(best->user), "%s", user);
	return best;
}

static bool has_many_users_locked(const struct guess_table *table, const struct peer *peer, uint64_t now)
{
	unsigned users = 0;
	for (unsigned i = 0; i < SOURCES; i++)
		users += is_remembered(&table->sources[i], now) && peer_same(&table->sources[i].peer, peer);
	return users >= USERS_MAX;
}

int guess_arrive(struct guess_table *table, const struct sockaddr_storage *address, const char *user,
		 uint64_t now, uint64_t *until, struct guess_source **result)
{
	struct peer peer = peer_of(address);
	*until = 0;
	LOCK_SCOPE(&table->lock);
	struct guess_source *source = find_locked(table, &peer, user, now);
	if (!source)
		source = find_locked(table, &peer, "", now);
	if (!source || source->until <= now)
		return 0;
	if (source->waiting == GUESS_WAITING_MAX)
		return -EBUSY;
	source->waiting++;
	*until = source->until;
	*result = source;
	return 0;
}

void guess_leave(struct guess_table *table, struct guess_source *source)
{
	LOCK_SCOPE(&table->lock);
	ASSERT(source->waiting > 0);
	source->waiting--;
}

void guess_failed(struct guess_table *table, const struct sockaddr_storage *address, const char *user,
		  uint64_t now)
{
	struct peer peer = peer_of(address);
	LOCK_SCOPE(&table->lock);
	struct guess_source *source = find_locked(table, &peer, user, now);
	if (!source && has_many_users_locked(table, &peer, now)) {
		user = "";
		source = find_locked(table, &peer, user, now);
	}
	if (!source)
		source = make_locked(table, &peer, user);
	if (!source)
		return;
	uint64_t delay = table->first * GUESS_LONGEST;
	if (source->failures < 16 && table->first << source->failures < delay)
		delay = table->first << source->failures;
	source->failures++;
	if (source->until < now + delay)
		source->until = now + delay;
}
