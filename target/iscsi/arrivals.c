/* SPDX-License-Identifier: MIT */
/*
 * Connections that are not logged in yet: so many in all, and a quarter of them for
 * each peer, so that nobody without a secret keeps the others out by opening
 * connections and saying nothing.
 */
#include "target/iscsi/arrivals.h"

#include "lib/base/assert.h"
#include "lib/base/cleanup.h"

int arrivals_enter(struct arrivals *arrivals, const struct sockaddr_storage *peer)
{
	struct peer wanted = peer_of(peer);
	int place = -1;
	LOCK_SCOPE(&arrivals->lock);
	if (arrivals->count >= ARRIVALS_MAX)
		return -1;
	for (int i = 0; i < (int)ARRIVALS_MAX; i++) {
		const struct arrivals_place *p = &arrivals->places[i];
		if (!p->count && place < 0)
			place = i;
		if (p->count && peer_same(&p->peer, &wanted)) {
			place = i;
			break;
		}
	}
	ASSERT(place >= 0); /* there are as many places as arrivals */
	struct arrivals_place *p = &arrivals->places[place];
	if (p->count >= ARRIVALS_PEER_MAX)
		return -1;
	p->peer = wanted;
	p->count++;
	arrivals->count++;
	return place;
}

void arrivals_leave(struct arrivals *arrivals, int place)
{
	LOCK_SCOPE(&arrivals->lock);
	ASSERT(place >= 0 && arrivals->count && arrivals->places[place].count);
	arrivals->places[place].count--;
	arrivals->count--;
}
