/* SPDX-License-Identifier: MIT */
#include "target/iscsi/peer.h"

#include <netinet/in.h>
#include <string.h>

struct peer peer_of(const struct sockaddr_storage *address)
{
	struct peer peer = {.family = address->ss_family};
	if (address->ss_family == AF_INET6)
		memcpy(peer.network, &((const struct sockaddr_in6 *)address)->sin6_addr, sizeof(peer.network));
	else if (address->ss_family == AF_INET)
		memcpy(peer.network, &((const struct sockaddr_in *)address)->sin_addr, 4);
	return peer;
}

bool peer_same(const struct peer *a, const struct peer *b)
{
	return a->family == b->family && memcmp(a->network, b->network, sizeof(a->network)) == 0;
}

bool peer_is_here(const struct sockaddr_storage *peer, const struct sockaddr_storage *local)
{
	const struct sockaddr_in *peer4 = (const void *)peer, *local4 = (const void *)local;
	const struct sockaddr_in6 *peer6 = (const void *)peer, *local6 = (const void *)local;
	if (peer->ss_family != local->ss_family)
		return false;
	if (peer->ss_family == AF_INET6)
		return memcmp(&peer6->sin6_addr, &local6->sin6_addr, sizeof(peer6->sin6_addr)) == 0;
	return peer->ss_family == AF_INET && peer4->sin_addr.s_addr == local4->sin_addr.s_addr;
}
