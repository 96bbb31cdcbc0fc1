/* SPDX-License-Identifier: MIT */
/*
 * The targets that are offered, and who may see and use them.
 *
 * An offer that leaves takes no more logins; it is freed, and its owner told, when
 * the last of its sessions is gone.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/cleanup.h"
#include "lib/base/mem.h"
#include "lib/base/secret.h"
#include "target/iscsi/access.h"
#include "target/iscsi/connection.h"

static int access_copy(struct access_list *list, const char *name, const struct iscsi_access *rows,
		       size_t count)
{
	*list = (struct access_list){0};
	if (!rows)
		return 0;
	int error = access_list_check(name, rows, count);
	if (error)
		return error;
	list->rows = secret_alloc(count + 1, sizeof(*rows)); /* NULL would be no list */
	if (!list->rows)
		return -ENOMEM;
	memcpy(list->rows, rows, count * sizeof(*rows));
	list->count = count;
	return 0;
}

static void access_free(struct access_list *list)
{
	secret_free(list->rows);
	*list = (struct access_list){0};
}

static void access_replace(struct access_list *list, struct access_list *with)
{
	struct access_list old = *list;
	*list = *with;
	*with = old;
}

static struct offer *find_any_locked(struct iscsi_server *server, const char *name)
{
	struct offer *offer;
	TAILQ_FOREACH(offer, &server->offers, link)
		if (!strcasecmp(scsi_target_name(offer->target), name))
			return offer;
	return NULL;
}

struct offer *offer_find_locked(struct iscsi_server *server, const char *name)
{
	struct offer *offer = find_any_locked(server, name);
	return offer && !offer->leaving ? offer : NULL;
}

int iscsi_target_add(struct iscsi_server *server, struct scsi_target *target,
		     const struct iscsi_access *access, size_t count)
{
	CLEANUP_FREE struct offer *offer = mem_try_zalloc(1, sizeof(*offer));
	if (!offer)
		return -ENOMEM;
	offer->target = target;
	int error = access_copy(&offer->access, scsi_target_name(target), access, count);
	if (error)
		return error;
	LOCK_SCOPE(&server->lock);
	if (find_any_locked(server, scsi_target_name(target))) {
		access_free(&offer->access);
		return -EEXIST;
	}
	TAILQ_INSERT_TAIL(&server->offers, offer, link);
	offer = NULL;
	return 0;
}

int iscsi_target_access(struct iscsi_server *server, const char *name,
			const struct iscsi_access *access, size_t count)
{
	struct access_list list;
	int error = access_copy(&list, name, access, count);
	if (error)
		return error;
	pthread_mutex_lock(&server->lock);
	struct offer *offer = offer_find_locked(server, name);
	if (offer)
		access_replace(&offer->access, &list);
	pthread_mutex_unlock(&server->lock);
	access_free(&list);
	return offer ? 0 : -ENOENT;
}

int iscsi_discovery_access(struct iscsi_server *server, const struct iscsi_access *access, size_t count)
{
	struct access_list list;
	int error = access_copy(&list, "discovery", access, count);
	if (error)
		return error;
	pthread_mutex_lock(&server->lock);
	access_replace(&server->discovery, &list);
	pthread_mutex_unlock(&server->lock);
	access_free(&list);
	return 0;
}

bool offer_release_locked(struct iscsi_server *server, struct offer *offer)
{
	offer->sessions--;
	if (!offer->leaving || offer->sessions)
		return false;
	TAILQ_REMOVE(&server->offers, offer, link);
	return true;
}

void offer_finish(struct offer *offer)
{
	if (offer->removed)
		offer->removed(offer->context);
	access_free(&offer->access);
	free(offer);
}

int iscsi_target_remove(struct iscsi_server *server, const char *name,
			void (*removed)(void *context), void *context)
{
	pthread_mutex_lock(&server->lock);
	struct offer *offer = offer_find_locked(server, name);
	bool last = offer && !offer->sessions;
	if (offer) {
		offer->leaving = true;
		offer->removed = removed;
		offer->context = context;
		sessions_leave_locked(server, offer, false);
	}
	if (last)
		TAILQ_REMOVE(&server->offers, offer, link);
	pthread_mutex_unlock(&server->lock);
	if (last)
		offer_finish(offer);
	return offer ? 0 : -ENOENT;
}

/* ---- those that are not there for a while --------------------------------------------------- */

static struct away *away_find_locked(struct iscsi_server *server, const char *name)
{
	struct away *away;
	TAILQ_FOREACH(away, &server->aways, link)
		if (!strcasecmp(away->name, name))
			return away;
	return NULL;
}

enum login_status offer_missing_locked(struct iscsi_server *server, const char *name)
{
	return away_find_locked(server, name) ? LOGIN_UNAVAILABLE : LOGIN_NOT_FOUND;
}

static void away_remove_locked(struct iscsi_server *server, struct away *away)
{
	TAILQ_REMOVE(&server->aways, away, link);
	free(away);
}

void iscsi_target_away(struct iscsi_server *server, const char *name, bool is_away)
{
	LOCK_SCOPE(&server->lock);
	struct away *away = away_find_locked(server, name);
	if (is_away && !away) {
		away = mem_zalloc(sizeof(*away));
		snprintf(away->name, sizeof(away->name), "%s", name);
		TAILQ_INSERT_TAIL(&server->aways, away, link);
	} else if (!is_away && away) {
		away_remove_locked(server, away);
	}
}

void offers_free(struct iscsi_server *server)
{
	while (!TAILQ_EMPTY(&server->aways))
		away_remove_locked(server, TAILQ_FIRST(&server->aways));
	struct offer *offer;
	while ((offer = TAILQ_FIRST(&server->offers))) {
		TAILQ_REMOVE(&server->offers, offer, link);
		access_free(&offer->access);
		free(offer);
	}
	access_free(&server->discovery);
}

/* ---- logins and SendTargets --------------------------------------------------------------- */

static enum login_status find_row(const struct access_list *list, const char *initiator,
				  const struct connection *connection, struct iscsi_access *row)
{
	return access_find(list->rows, list->count, initiator,
			   (const struct sockaddr *)&connection->peer, row);
}

enum login_status server_authorize(void *context, const char *initiator, const char *target,
				   bool discovery, struct iscsi_access *access)
{
	struct connection *connection = context;
	struct iscsi_server *server = connection->server;
	LOCK_SCOPE(&server->lock);
	const struct access_list *list = &server->discovery;
	if (!discovery) {
		struct offer *offer = offer_find_locked(server, target);
		if (!offer)
			return offer_missing_locked(server, target);
		list = &offer->access;
	}
	return find_row(list, initiator, connection, access);
}

static bool is_any(const struct sockaddr_storage *address)
{
	if (address->ss_family == AF_INET)
		return ((const struct sockaddr_in *)address)->sin_addr.s_addr == INADDR_ANY;
	return IN6_IS_ADDR_UNSPECIFIED(&((const struct sockaddr_in6 *)address)->sin6_addr);
}

/* The address of a portal as this initiator reaches it; "" when that is not known. A portal on all
 * addresses is where the initiator has come to. */
static void portal_text(const struct connection *connection, const struct portal *portal, char *text,
			size_t size)
{
	struct sockaddr_storage address = portal->address;
	text[0] = 0;
	if (portal->advertised[0]) {
		snprintf(text, size, "%s", portal->advertised);
		return;
	}
	if (is_any(&portal->address)) {
		if (connection->local.ss_family != portal->address.ss_family)
			return;
		address = connection->local;
		((struct sockaddr_in6 *)&address)->sin6_port =
			((const struct sockaddr_in6 *)&portal->address)->sin6_port;
	}
	if (address_is_reachable(&address, &connection->local))
		address_format(&address, true, text, size);
}

static int tell_offer_locked(const struct connection *connection, const struct offer *offer,
			     struct text_buffer *text)
{
	struct portal *portal;
	int error = text_add(text, "TargetName", "%s", scsi_target_name(offer->target));
	TAILQ_FOREACH(portal, &connection->server->portals, link) {
		char address[300];
		portal_text(connection, portal, address, sizeof(address));
		if (!error && address[0])
			error = text_add(text, "TargetAddress", "%s,%u", address, portal->group);
	}
	return error;
}

int server_send_targets(void *context, const char *which, struct text_buffer *text)
{
	struct connection *connection = context;
	struct iscsi_server *server = connection->server;
	const char *initiator = connection->parameters.initiator;
	struct offer *offer;
	LOCK_SCOPE(&server->lock);
	TAILQ_FOREACH(offer, &server->offers, link) {
		if (offer->leaving || (which && strcasecmp(which, scsi_target_name(offer->target)) != 0))
			continue;
		struct iscsi_access row;
		enum login_status status = find_row(&offer->access, initiator, connection, &row);
		explicit_bzero(&row, sizeof(row));
		if (status)
			continue;
		int error = tell_offer_locked(connection, offer, text);
		if (error)
			return error;
	}
	return 0;
}
