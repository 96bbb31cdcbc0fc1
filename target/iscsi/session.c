/* SPDX-License-Identifier: MIT */
/*
 * Sessions: the list of all, one initiator port's place in it, and the end.
 *
 * A session ends in this order: session_close() (the nexus closes; its tasks come
 * back) -> closed (out of the list; a login that waited for it goes on) -> freed,
 * when its connection and its task management are gone too.
 *
 * Other threads reach a session only through messages, posted under server->lock
 * while it is in the list; it is freed by a message of its own, posted after it has
 * left the list, which comes after all of those.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/assert.h"
#include "lib/base/cleanup.h"
#include "lib/base/clock.h"
#include "lib/base/log.h"
#include "lib/base/mem.h"
#include "target/iscsi/connection.h"

#define SESSION_MAGIC 0x53455353u
#define SECOND	      1000000000ll

static struct session *from_message(struct message *message, size_t offset)
{
	struct session *session = (struct session *)((uint8_t *)message - offset);
	ASSERT_OBJECT(session, SESSION_MAGIC);
	return session;
}

/* ---- the end ------------------------------------------------------------------------------ */

static void free_run(struct message *message)
{
	struct session *session = from_message(message, offsetof(struct session, free_message));
	struct network *network = session->network;
	session->magic = 0;
	free(session);
	network->sessions--;
}

void session_put(struct session *session)
{
	if (!session->closed || session->connection || session->managements)
		return;
	ASSERT(!session->commands);
	network_post(session->network, &session->free_message);
}

static void wake_waiting(struct iscsi_server *server);

static void closed_run(struct message *message)
{
	struct session *session = from_message(message, offsetof(struct session, closed_message));
	struct iscsi_server *server = session->server;
	bool last;
	pthread_mutex_lock(&server->lock);
	TAILQ_REMOVE(&server->sessions, session, link);
	server->session_count--;
	server->discovery_count -= session->info.discovery;
	last = session->offer && offer_release_locked(server, session->offer);
	pthread_mutex_unlock(&server->lock);
	log_info("iSCSI: session %u of %s from %s has ended", session->info.tsih,
		 session->info.initiator, session->info.peer);
	wake_waiting(server);
	if (last)
		offer_finish(session->offer);
	session->offer = NULL;
	session->closed = true;
	session_put(session);
}

/* Any thread. The tasks' completions are in the inbox before this. */
static void nexus_closed(void *context)
{
	struct session *session = context;
	network_post(session->network, &session->closed_message);
}

void session_close(struct session *session)
{
	ASSERT_OBJECT(session, SESSION_MAGIC);
	if (session->closing)
		return;
	session->closing = true;
	session_drop_commands(session, NULL);
	if (session->nexus)
		scsi_nexus_close(session->nexus, nexus_closed, session);
	else
		network_post(session->network, &session->closed_message);
}

void session_detach(struct session *session)
{
	ASSERT(session->connection);
	session->connection->session = NULL;
	session->connection = NULL;
	session_close(session);
	session_put(session);
}

/* Session reinstatement: without a word. */
static void end_run(struct message *message)
{
	struct session *session = from_message(message, offsetof(struct session, end_message));
	if (session->connection)
		connection_break(session->connection);
}

static void leave_run(struct message *message)
{
	struct session *session = from_message(message, offsetof(struct session, leave_message));
	if (session->connection)
		connection_ask_to_leave(session->connection);
}

static void post_end_locked(struct session *session)
{
	if (!session->end_posted)
		network_post(session->network, &session->end_message);
	session->end_posted = true;
}

static void post_leave_locked(struct session *session)
{
	if (!session->leave_posted)
		network_post(session->network, &session->leave_message);
	session->leave_posted = true;
}

void sessions_leave_locked(struct iscsi_server *server, const struct offer *offer, bool at_once)
{
	struct session *session;
	TAILQ_FOREACH(session, &server->sessions, link) {
		if (session->offer != offer)
			continue;
		if (at_once)
			post_end_locked(session);
		else
			post_leave_locked(session);
	}
}

/* ---- logins that wait for an old session to end ------------------------------------------- */

struct waking {
	struct message message;
	struct network *network;
};

static void waking_run(struct message *message)
{
	struct waking *waking = (struct waking *)message;
	struct connection *connection;
	TAILQ_FOREACH(connection, &waking->network->connections, link)
		if (connection->state == CONNECTION_WAITING)
			connection_retry_login(connection);
	free(waking);
}

static void wake_waiting(struct iscsi_server *server)
{
	for (unsigned i = 0; i < server->network_count; i++) {
		struct waking *waking = mem_zalloc(sizeof(*waking));
		waking->message.run = waking_run;
		waking->network = &server->networks[i];
		network_post(waking->network, &waking->message);
	}
}

/* ---- the beginning ------------------------------------------------------------------------ */

static bool same_port(const struct session *session, const char *initiator, const uint8_t isid[6])
{
	return !strcasecmp(session->info.initiator, initiator) && !memcmp(session->info.isid, isid, 6);
}

int session_known(struct connection *connection, uint16_t tsih, const char *initiator)
{
	struct iscsi_server *server = connection->server;
	struct session *session;
	LOCK_SCOPE(&server->lock);
	TAILQ_FOREACH(session, &server->sessions, link)
		if (session->info.tsih == tsih)
			return initiator && same_port(session, initiator, connection->isid) ? 1 : 2;
	return 0;
}

static struct session *find_old_locked(struct connection *connection, const struct offer *offer)
{
	struct session *session;
	TAILQ_FOREACH(session, &connection->server->sessions, link)
		if (session->offer == offer && session->portal_group == connection->portal->group &&
		    same_port(session, connection->parameters.initiator, connection->isid))
			return session;
	return NULL;
}

static uint16_t next_tsih_locked(struct iscsi_server *server)
{
	for (;;) {
		struct session *session;
		uint16_t tsih = ++server->last_tsih;
		bool used = tsih == 0;
		TAILQ_FOREACH(session, &server->sessions, link)
			used |= session->info.tsih == tsih;
		if (!used)
			return tsih;
	}
}

static void fill_info(struct session *session, const struct connection *connection)
{
	const struct iscsi_parameters *p = &connection->parameters;
	struct iscsi_session_info *info = &session->info;
	snprintf(info->target, sizeof(info->target), "%s", p->target);
	snprintf(info->initiator, sizeof(info->initiator), "%s", p->initiator);
	snprintf(info->alias, sizeof(info->alias), "%s", p->initiator_alias);
	snprintf(info->user, sizeof(info->user), "%s", p->user);
	snprintf(info->peer, sizeof(info->peer), "%s", connection->peer_text);
	address_format(&connection->local, true, info->local, sizeof(info->local));
	memcpy(info->isid, connection->isid, sizeof(info->isid));
	info->discovery = p->discovery;
	info->header_digest = p->header_digest;
	info->data_digest = p->data_digest;
	info->immediate_data = p->immediate_data;
	info->initial_r2t = p->initial_r2t;
	info->max_burst = p->max_burst;
	info->first_burst = p->first_burst;
	info->max_receive = p->max_receive;
	info->max_send = p->max_send;
}

/* MaxRecvDataSegmentLength may be declared anew in the full feature phase. */
void session_refresh_info(struct session *session)
{
	LOCK_SCOPE(&session->server->lock);
	session->info.max_send = session->connection->parameters.max_send;
}

static struct session *session_new(struct connection *connection)
{
	struct session *session = mem_try_zalloc(1, sizeof(*session));
	if (!session)
		return NULL;
	session->magic = SESSION_MAGIC;
	session->server = connection->server;
	session->network = connection->network;
	session->portal_group = connection->portal->group;
	session->peer = peer_of(&connection->peer);
	session->closed_message.run = closed_run;
	session->free_message.run = free_run;
	session->end_message.run = end_run;
	session->leave_message.run = leave_run;
	session->info.since = clock_real_ns() / SECOND;
	TAILQ_INIT(&session->order);
	for (unsigned i = 0; i < TAG_BUCKETS; i++)
		TAILQ_INIT(&session->by_tag[i]);
	fill_info(session, connection);
	return session;
}

/* Whether there is a place for one more. Discovery, which may be open to anybody, takes none of the
 * others' places, and libraries that are open to anybody leave some to those that are not. */
static bool has_place_locked(const struct iscsi_server *server, const struct offer *offer)
{
	unsigned places = server->settings.sessions_max, share = places / 4;
	const struct offer *other;
	if (!offer)
		return server->discovery_count < (share ? share : 1);
	if (!offer->access.rows)
		TAILQ_FOREACH(other, &server->offers, link)
			if (other->access.rows) {
				places -= share;
				break;
			}
	return server->session_count - server->discovery_count < places;
}

/* The oldest discovery session of the peer that has most of them, `new` counted with them; NULL where each
 * has one. */
static struct session *find_spare_locked(struct iscsi_server *server, const struct session *new)
{
	struct session *session, *spare = NULL;
	const struct session *other;
	unsigned most = 1;
	TAILQ_FOREACH(session, &server->sessions, link) {
		if (!session->info.discovery)
			continue;
		unsigned count = peer_same(&session->peer, &new->peer);
		TAILQ_FOREACH(other, &server->sessions, link)
			count += other->info.discovery && peer_same(&other->peer, &session->peer);
		if (count <= most)
			continue;
		most = count;
		spare = session;
	}
	return spare;
}

/* So that nobody keeps the others from discovery: -EAGAIN when one ends for the new one, else a status. */
static int make_place_locked(struct iscsi_server *server, const struct session *new)
{
	struct session *spare = new->info.discovery ? find_spare_locked(server, new) : NULL;
	if (!spare)
		return LOGIN_NO_RESOURCES;
	post_end_locked(spare);
	return -EAGAIN;
}

/* Enters the new session into the list: a status, or -EAGAIN: another one has to end first. */
static int session_enter(struct connection *connection, struct session *session)
{
	struct iscsi_server *server = connection->server;
	const struct iscsi_parameters *parameters = &connection->parameters;
	LOCK_SCOPE(&server->lock);
	if (!parameters->discovery) {
		struct offer *offer = offer_find_locked(server, parameters->target);
		if (!offer)
			return offer_missing_locked(server, parameters->target);
		struct session *old = find_old_locked(connection, offer);
		if (old) {
			if (connection->state == CONNECTION_LOGIN)
				counter_add(&server->stats.reinstatements, 1);
			post_end_locked(old);
			return -EAGAIN;
		}
		session->offer = offer;
	}
	if (!has_place_locked(server, session->offer)) {
		session->offer = NULL;
		return make_place_locked(server, session);
	}
	if (session->offer)
		session->offer->sessions++;
	session->info.tsih = next_tsih_locked(server);
	TAILQ_INSERT_TAIL(&server->sessions, session, link);
	server->session_count++;
	server->discovery_count += parameters->discovery;
	return LOGIN_OK;
}

static int session_open_nexus(struct session *session, const struct connection *connection)
{
	struct scsi_port port = {
		.initiator = session->info.initiator,
		.portal_group = session->portal_group,
	};
	memcpy(port.isid, connection->isid, sizeof(port.isid));
	return scsi_nexus_open(session->offer->target, &port, &session->nexus);
}

int session_begin(struct connection *connection)
{
	struct session *session = session_new(connection);
	if (!session)
		return LOGIN_NO_RESOURCES;
	int status = session_enter(connection, session);
	if (status) {
		free(session);
		return status;
	}
	connection->network->sessions++;
	connection->session = session;
	session->connection = connection;
	if (session->offer && session_open_nexus(session, connection)) {
		session_detach(session);
		return LOGIN_NO_RESOURCES;
	}
	counter_add(&session->server->stats.logins, 1);
	return LOGIN_OK;
}

/* ---- for people --------------------------------------------------------------------------- */

int iscsi_sessions(struct iscsi_server *server, struct iscsi_session_info **sessions, size_t *count)
{
	struct session *session;
	LOCK_SCOPE(&server->lock);
	struct iscsi_session_info *list = mem_try_zalloc(server->session_count + 1, sizeof(*list));
	if (!list)
		return -ENOMEM;
	size_t n = 0;
	TAILQ_FOREACH(session, &server->sessions, link) {
		list[n] = session->info;
		list[n].commands = __atomic_load_n(&session->command_count, __ATOMIC_RELAXED);
		list[n].bytes_in = __atomic_load_n(&session->bytes_in, __ATOMIC_RELAXED);
		list[n].bytes_out = __atomic_load_n(&session->bytes_out, __ATOMIC_RELAXED);
		n++;
	}
	*sessions = list;
	*count = n;
	return 0;
}

int iscsi_session_end(struct iscsi_server *server, uint16_t tsih)
{
	struct session *session;
	LOCK_SCOPE(&server->lock);
	TAILQ_FOREACH(session, &server->sessions, link)
		if (session->info.tsih == tsih) {
			post_leave_locked(session);
			return 0;
		}
	return -ENOENT;
}
