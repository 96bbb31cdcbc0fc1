/* SPDX-License-Identifier: MIT */
/*
 * Who a connection comes from, as far as limits go: an IPv4 address, or the 64 bits of an IPv6
 * network, since whoever has one address of those has all of them.
 */
#ifndef TARGET_ISCSI_PEER_H
#define TARGET_ISCSI_PEER_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

struct peer {
	sa_family_t family;
	uint8_t network[8];
};

struct peer peer_of(const struct sockaddr_storage *address);
bool peer_same(const struct peer *a, const struct peer *b);
/* Both ends of a connection are on this host: they have the same address. */
bool peer_is_here(const struct sockaddr_storage *peer, const struct sockaddr_storage *local);

#endif
