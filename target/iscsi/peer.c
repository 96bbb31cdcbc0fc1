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
