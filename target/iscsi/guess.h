/* SPDX-License-Identifier: MIT */
/*
 * Guesses are slowed: after a wrong secret the next proof for the same user that comes
 * from the same address is looked at a while later, whether it is right or wrong, so that
 * neither many connections nor short patience make guessing faster. The user is the one
 * whose secret is asked for, not the one that the initiator says it is; other users of the
 * address, which may be that of many hosts, are not delayed. Any thread; nobody waits.
 */
#ifndef TARGET_ISCSI_GUESS_H
#define TARGET_ISCSI_GUESS_H

#include <stdint.h>
#include <sys/socket.h>

/* Proofs of one user and address that wait at a time. */
#define GUESS_WAITING_MAX 4u
/* The longest delay, in first ones. */
#define GUESS_LONGEST 8u

struct guess_table;
struct guess_source;

/* `first`: nanoseconds of delay after the first wrong secret. NULL without memory. */
struct guess_table *guess_table_new(uint64_t first);
void guess_table_free(struct guess_table **table);

/* A proof for `user` has come from `address`: when is it looked at? 0 and *until 0: now. 0 and a time:
 * then, and guess_leave() has to be called with *source. -EBUSY: too many wait. `now`: monotonic ns. */
int guess_arrive(struct guess_table *table, const struct sockaddr_storage *address, const char *user,
		 uint64_t now, uint64_t *until, struct guess_source **source);
void guess_leave(struct guess_table *table, struct guess_source *source);
/* A proof for `user` from `address` was wrong. */
void guess_failed(struct guess_table *table, const struct sockaddr_storage *address, const char *user,
		  uint64_t now);

#endif
