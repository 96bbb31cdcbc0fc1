/* SPDX-License-Identifier: MIT */
/*
 * Connections that are not logged in yet: so many in all, and a quarter of them for
 * each peer, so that nobody without a secret keeps the others out by opening
 * connections and saying nothing. A peer is an IPv4 address or the 64 bits of an
 * IPv6 network, as for guesses.
 */
#include "target/iscsi/arrivals.h"

#include <netinet/in.h>
#include <string.h>

#include "lib/base/assert.h"
#include "lib/base/cleanup.h"

static void key_of(const struct sockaddr_storage *peer, uint8_t key[sizeof(uint64_t)])
{
	memset(key, 0, sizeof(uint64_t));
	if (peer->ss_family == AF_INET6)
		memcpy(key, &((const struct sockaddr_in6 *)peer)->sin6_addr, sizeof(uint64_t));
	else if (peer->ss_family == AF_INET)
		memcpy(key, &((const struct sockaddr_in *)peer)->sin_addr, 4);
}

int arrivals_enter(struct arrivals *arrivals, const struct sockaddr_storage *peer)
{
	uint8_t key[sizeof(uint64_t)];
	int place = -1;
	key_of(peer, key);
	LOCK_SCOPE(&arrivals->lock);
	if (arrivals->count >= ARRIVALS_MAX)
		return -1;
	for (int i = 0; i < (int)ARRIVALS_MAX; i++) {
		const struct arrivals_place *p = &arrivals->places[i];
		if (!p->count && place < 0)
			place = i;
		if (p->count && p->family == peer->ss_family && memcmp(p->key, key, sizeof(key)) == 0) {
			place = i;
			break;
		}
	}
	ASSERT(place >= 0); /* there are as many places as arrivals */
	struct arrivals_place *p = &arrivals->places[place];
	if (p->count >= ARRIVALS_PEER_MAX)
		return -1;
	p->family = peer->ss_family;
	memcpy(p->key, key, sizeof(key));
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
