/* SPDX-License-Identifier: MIT */
/*
 * The iSCSI target (RFC 7143) as the service sees it: portals, the targets that
 * they offer, who may log in, and the sessions that there are.
 *
 * Sockets are served by a few threads with an event loop each; a connection stays
 * on the thread that accepted it. Such a thread never waits for anything else.
 */
#ifndef TARGET_ISCSI_ISCSI_H
#define TARGET_ISCSI_ISCSI_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "target/scsi/scsi.h"

#define ISCSI_SECRET_MAX 256u /* characters */

struct iscsi_server;

struct iscsi_settings {
	unsigned threads;		  /* 0: one for each two CPUs, at least 1 */
	unsigned sessions_max; /* 0: 256; and a quarter as many for discovery besides, the oldest of who has
				* most of which makes room for others */
	uint32_t login_seconds;		  /* 0: 15 */
	uint32_t discovery_seconds; /* that a discovery session lasts at most; 0: 60 */
	uint32_t guess_ms; /* delay of an address' proofs after its first wrong secret; 0: 1000 */
	uint32_t ping_seconds;		  /* NOP-In after so long a silence; 0: 15 */
	uint32_t ping_answer_seconds;	  /* 0: 30 */
	uint32_t grace_seconds;		  /* to leave in, for who is asked to; 0: 2 */
	uint32_t max_burst, first_burst, max_receive; /* bytes; 0: 16776192, 1 MiB, 1 MiB */
	bool header_digest, data_digest;  /* prefer CRC32C */
	const char *alias;		  /* TargetAlias; or NULL */
};
/* The settings are copied, but for what they point to. Without portals and targets yet; its threads run.
 * 0, -ENOMEM, -EAGAIN (no thread). */
int iscsi_server_new(const struct iscsi_settings *settings, struct iscsi_server **server);
/* Sends async logout requests, waits a little, closes. Portals are closed first. */
void iscsi_server_free(struct iscsi_server **server);

/* "127.0.0.1:3260", "[::1]:3260", "0.0.0.0:0": listens. `advertised` is what SendTargets tells
 * (host or host:port, IPv6 in brackets; for NAT), NULL: the address that the initiator has connected
 * to. *port: the port that it is. 0 or -errno; -EINVAL for what is no address. Not from a thread of
 * the network. */
int iscsi_portal_add(struct iscsi_server *server, const char *address, const char *advertised,
		     uint16_t portal_group, uint16_t *port);

/* ---- who may log in ---------------------------------------------------------------------- */

/* One row of a target's (or of discovery's) access list. The first row that matches counts; who
 * matches none is refused, so a list without rows refuses everybody. No list (NULL) lets all in. */
struct iscsi_access {
	char initiator[SCSI_NAME_MAX]; /* "": any; a '*' at the end stands for the rest */
	char network[64];	       /* "": any; "192.0.2.0/24", "2001:db8::/32" */
	/* "" for none needed. CHAP: name and secret of the initiator; and ours, for mutual. */
	char user[ISCSI_SECRET_MAX], secret[ISCSI_SECRET_MAX];
	char mutual_user[ISCSI_SECRET_MAX], mutual_secret[ISCSI_SECRET_MAX];
};

/* Offers a target, or changes its access list (copied; running sessions stay). Any thread. -EINVAL
 * for a row that cannot be used (a network that is none, a user without a secret, the same secret in
 * both directions), which the log names. */
int iscsi_target_add(struct iscsi_server *server, struct scsi_target *target,
		     const struct iscsi_access *access, size_t count);
int iscsi_target_access(struct iscsi_server *server, const char *name,
			const struct iscsi_access *access, size_t count);
/* Ends its sessions (async logout, then close) and calls back when the last is gone: before this
 * returns, or later on a thread of the network, so it must not wait. Its units are not used any
 * more then. -ENOENT. */
int iscsi_target_remove(struct iscsi_server *server, const char *name,
			void (*removed)(void *context), void *context);
/* Of a target that is not offered: whether it is to come (again). Then logins to it are told to try later
 * (service unavailable), and not that there is none, which hosts that start take for final. */
void iscsi_target_away(struct iscsi_server *server, const char *name, bool away);
int iscsi_discovery_access(struct iscsi_server *server, const struct iscsi_access *access, size_t count);

/* ---- for people -------------------------------------------------------------------------- */

struct iscsi_session_info {
	char target[SCSI_NAME_MAX], initiator[SCSI_NAME_MAX], alias[256];
	char peer[64], local[64], user[ISCSI_SECRET_MAX];
	uint8_t isid[6];
	uint16_t tsih;
	bool discovery, header_digest, data_digest, immediate_data, initial_r2t;
	uint32_t max_burst, first_burst, max_receive, max_send;
	uint64_t commands, bytes_in, bytes_out; /* in: received from the initiator */
	int64_t since; /* seconds since 1970 */
};
/* Copies what there is: the caller's to free. */
int iscsi_sessions(struct iscsi_server *server, struct iscsi_session_info **sessions, size_t *count);
/* Ends one (async logout request, then close). -ENOENT. */
int iscsi_session_end(struct iscsi_server *server, uint16_t tsih);

struct iscsi_stats {
	uint64_t connections, sessions, logins, login_failures, commands, bytes_in, bytes_out;
	uint64_t digest_errors, protocol_errors, rejects, reinstatements, timeouts;
};
/* Since the server was made; connections and sessions as they are now. Any thread. */
void iscsi_get_stats(struct iscsi_server *server, struct iscsi_stats *stats);

#endif
