/* SPDX-License-Identifier: MIT */
/* How many connections are not logged in yet, in all and of each peer. Any thread. */
#ifndef TARGET_ISCSI_ARRIVALS_H
#define TARGET_ISCSI_ARRIVALS_H

#include <pthread.h>
#include "target/iscsi/peer.h"

#define ARRIVALS_MAX	  384u
#define ARRIVALS_PEER_MAX (ARRIVALS_MAX / 4)
/* That may be there while others give way to them. */
#define ARRIVALS_OVER	  32u

struct arrivals_place {
	unsigned count; /* 0: free */
	struct peer peer;
};

struct arrivals {
	pthread_mutex_t lock; /* none is taken under it */
	unsigned count;
	struct arrivals_place places[ARRIVALS_MAX + ARRIVALS_OVER];
};

/* Counts one of the peer: its place, for arrivals_leave(); -1: there are too many. *gives_way: one of this
 * peer has to go for it; AF_UNSPEC where there was room. */
int arrivals_enter(struct arrivals *arrivals, const struct sockaddr_storage *peer, struct peer *gives_way);
void arrivals_leave(struct arrivals *arrivals, int place);

#endif
