/* SPDX-License-Identifier: MIT */
/*
 * The server's own: what its threads share. server->lock guards all lists here; no
 * other lock is taken under it, and nothing that waits is done.
 */
#ifndef TARGET_ISCSI_SERVER_H
#define TARGET_ISCSI_SERVER_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>
#include <sys/socket.h>

#include "target/iscsi/arrivals.h"
#include "target/iscsi/iscsi.h"
#include "target/iscsi/login.h"
#include "target/iscsi/network.h"

struct session;
struct guess_table;

/* Rows of access, with their number; `rows` NULL: open to all. */
struct access_list {
	struct iscsi_access *rows;
	size_t count;
};

/* A target that is offered. */
struct offer {
	TAILQ_ENTRY(offer) link;
	struct scsi_target *target;
	struct access_list access;
	unsigned sessions;
	bool leaving; /* no more logins; `removed` when the sessions are gone */
	void (*removed)(void *context);
	void *context;
};

/* The name of a target that is not offered and is to come. */
struct away {
	TAILQ_ENTRY(away) link;
	char name[SCSI_NAME_MAX];
};

/* Lives as long as the server; its socket may be closed before. */
struct portal {
	TAILQ_ENTRY(portal) link;
	struct iscsi_server *server;
	struct network *network; /* whose loop listens */
	struct event *event, *resume; /* that thread's */
	int fd;
	struct sockaddr_storage address; /* with the port that it is */
	char advertised[256];		 /* "" for the address that the initiator has come to */
	uint16_t group;
};

struct iscsi_server {
	uint32_t magic;
	struct iscsi_settings settings; /* with the defaults filled in */
	char *alias;
	struct network *networks;
	unsigned network_count;
	unsigned next_network;	/* atomic: whose turn it is */
	struct arrivals arrivals; /* connections that are not logged in yet */
	struct iscsi_stats stats; /* atomic counters */
	struct guess_table *guesses; /* has a lock of its own, under which none is taken */

	pthread_mutex_t lock;
	TAILQ_HEAD(, offer) offers;
	TAILQ_HEAD(, away) aways;
	TAILQ_HEAD(, portal) portals;
	TAILQ_HEAD(, session) sessions;
	unsigned session_count, discovery_count; /* all, and those for discovery */
	uint16_t last_tsih;
	struct access_list discovery;
};

static inline void counter_add(uint64_t *counter, uint64_t more)
{
	__atomic_fetch_add(counter, more, __ATOMIC_RELAXED);
}

static inline void counter_less(uint64_t *counter, uint64_t less)
{
	__atomic_fetch_sub(counter, less, __ATOMIC_RELAXED);
}

/* The offer of this name that takes logins, or NULL. server->lock held. */
struct offer *offer_find_locked(struct iscsi_server *server, const char *name);
/* What a login to a target gets that offer_find_locked() has not found. server->lock held. */
enum login_status offer_missing_locked(struct iscsi_server *server, const char *name);
/* A session of the offer is gone; true when it was the last of one that leaves: the caller calls
 * offer_finish() without the lock. */
bool offer_release_locked(struct iscsi_server *server, struct offer *offer);
/* Tells whoever ended the offer that its last session is gone, and frees it. */
void offer_finish(struct offer *offer);
void offers_free(struct iscsi_server *server);

/* For login_step(); context: the connection. */
enum login_status server_authorize(void *context, const char *initiator, const char *target,
				   bool discovery, struct iscsi_access *access);
/* For text_exchange_step(); context: the connection; which: a name, or NULL for all. */
int server_send_targets(void *context, const char *which, struct text_buffer *text);

/* No connection comes in any more when this returns; those that are there stay. */
void portals_close(struct iscsi_server *server);
void portals_free(struct iscsi_server *server);
/* "192.0.2.1:3260", "[2001:db8::1]:3260"; without the port when `with_port` is false. */
/* Whether SendTargets tells `address`, a portal's, to who has connected to `local`: no address that
 * means nothing on another host. */
bool address_is_reachable(const struct sockaddr_storage *address, const struct sockaddr_storage *local);
void address_format(const struct sockaddr_storage *address, bool with_port, char *text, size_t size);

#endif
