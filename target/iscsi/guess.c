/* SPDX-License-Identifier: MIT */
/*
 * Who has told wrong secrets lately: a table of fixed size. A source is an IPv4
 * address or the 64 bits of an IPv6 network, since whoever has one address of
 * those has all of them. The delay doubles with each wrong secret, up to
 * GUESS_LONGEST times the first; a source is forgotten FORGET after the end of its
 * delay. When the table is full the one whose delay ends first makes room.
 *
 * A right secret does not shorten anything: one that is known must not help to
 * guess another.
 */
#include "target/iscsi/guess.h"

#include <errno.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/assert.h"
#include "lib/base/cleanup.h"
#include "lib/base/mem.h"

#define SOURCES 512u
#define FORGET	60000000000ull /* ns */
#define KEY_SIZE 8u

struct guess_source {
	uint64_t until; /* 0: the place is free */
	unsigned failures, waiting;
	sa_family_t family;
	uint8_t key[KEY_SIZE];
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

static void key_of(const struct sockaddr_storage *peer, uint8_t key[KEY_SIZE])
{
	memset(key, 0, KEY_SIZE);
	if (peer->ss_family == AF_INET6)
		memcpy(key, &((const struct sockaddr_in6 *)peer)->sin6_addr, KEY_SIZE);
	else if (peer->ss_family == AF_INET)
		memcpy(key, &((const struct sockaddr_in *)peer)->sin_addr, 4);
}

static struct guess_source *find_locked(struct guess_table *table, const struct sockaddr_storage *peer,
					uint64_t now)
{
	uint8_t key[KEY_SIZE];
	key_of(peer, key);
	for (unsigned i = 0; i < SOURCES; i++) {
		struct guess_source *source = &table->sources[i];
		if (!source->until || source->family != peer->ss_family ||
		    memcmp(source->key, key, KEY_SIZE) != 0)
			continue;
		if (source->waiting || now < source->until + FORGET)
			return source;
		source->until = 0;
		return NULL;
	}
	return NULL;
}

/* Those that somebody waits for stay: there are fewer connections in login than places. */
static struct guess_source *make_locked(struct guess_table *table, const struct sockaddr_storage *peer)
{
	struct guess_source *best = NULL;
	for (unsigned i = 0; i < SOURCES; i++) {
		struct guess_source *source = &table->sources[i];
		if (!source->waiting && (!best || source->until < best->until))
			best = source;
	}
	if (!best)
		return NULL;
	*best = (struct guess_source){.family = peer->ss_family};
	key_of(peer, best->key);
	return best;
}

int guess_arrive(struct guess_table *table, const struct sockaddr_storage *peer, uint64_t now,
		 uint64_t *until, struct guess_source **result)
{
	*until = 0;
	LOCK_SCOPE(&table->lock);
	struct guess_source *source = find_locked(table, peer, now);
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

void guess_failed(struct guess_table *table, const struct sockaddr_storage *peer, uint64_t now)
{
	LOCK_SCOPE(&table->lock);
	struct guess_source *source = find_locked(table, peer, now);
	if (!source)
		source = make_locked(table, peer);
	if (!source)
		return;
	uint64_t delay = table->first * GUESS_LONGEST;
	if (source->failures < 16 && table->first << source->failures < delay)
		delay = table->first << source->failures;
	source->failures++;
	if (source->until < now + delay)
		source->until = now + delay;
}
