/* SPDX-License-Identifier: MIT */
/*
 * Connections that are not logged in yet: so many in all, and a quarter of them for
 * each peer, so that nobody without a secret keeps the others out by opening
 * connections and saying nothing. Nor do several together: when all places are taken,
 * who has most of them gives one to a peer that has at least two fewer.
 */
#include "target/iscsi/arrivals.h"

#include "lib/base/assert.h"
#include "lib/base/cleanup.h"

/* Where the peer is counted, or a place that is free. */
static struct arrivals_place *place_locked(struct arrivals *arrivals, const struct peer *peer)
{
	struct arrivals_place *end = arrivals->places + ARRIVALS_MAX + ARRIVALS_OVER, *free = NULL;
	for (struct arrivals_place *p = arrivals->places; p < end; p++) {
		if (p->count && peer_same(&p->peer, peer))
			return p;
		if (!p->count && !free)
			free = p;
	}
	ASSERT(free); /* there are as many places as arrivals */
	return free;
}

/* NULL: who has most has not two more than `count`. */
static const struct arrivals_place *spare_locked(const struct arrivals *arrivals, unsigned count)
{
	const struct arrivals_place *most = arrivals->places, *end = most + ARRIVALS_MAX + ARRIVALS_OVER;
	for (const struct arrivals_place *p = most; p < end; p++)
		if (p->count > most->count)
			most = p;
	return most->count >= count + 2 ? most : NULL;
}

int arrivals_enter(struct arrivals *arrivals, const struct sockaddr_storage *address, struct peer *gives_way)
{
	struct peer peer = peer_of(address);
	*gives_way = (struct peer){.family = AF_UNSPEC};
	LOCK_SCOPE(&arrivals->lock);
	if (arrivals->count >= ARRIVALS_MAX + ARRIVALS_OVER)
		return -1;
	struct arrivals_place *place = place_locked(arrivals, &peer);
	if (place->count >= ARRIVALS_PEER_MAX)
		return -1;
	if (arrivals->count >= ARRIVALS_MAX) {
		const struct arrivals_place *spare = spare_locked(arrivals, place->count);
		if (!spare)
			return -1;
		*gives_way = spare->peer;
	}
	place->peer = peer;
	place->count++;
	arrivals->count++;
	return (int)(place - arrivals->places);
}

void arrivals_leave(struct arrivals *arrivals, int place)
{
	LOCK_SCOPE(&arrivals->lock);
	ASSERT(place >= 0 && arrivals->count && arrivals->places[place].count);
	arrivals->places[place].count--;
	arrivals->count--;
}
