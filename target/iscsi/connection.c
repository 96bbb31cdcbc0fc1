/* SPDX-License-Identifier: MIT */
/*
 * A connection from accept() to close(): its events, its deadlines, and how it
 * ends. connection.h has the states.
 *
 * Nothing frees a connection but connection_settle(), at the end of an event.
 */
#include "target/iscsi/connection.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/base/assert.h"
#include "lib/base/clock.h"
#include "lib/base/log.h"
#include "lib/base/mem.h"
#include "target/iscsi/guess.h"
#include "target/iscsi/peer.h"

#define CONNECTION_MAGIC 0x434f4e4eu
#define SECOND		 1000000000ull
#define DRAIN_SECONDS	 2
/* An old session's drive may have to finish what it is doing before the new one is let in. */
#define WAITING_SECONDS	 120

void connection_mark(struct connection *connection)
{
	if (connection->unsettled)
		return;
	connection->unsettled = true;
	TAILQ_INSERT_TAIL(&connection->network->unsettled, connection, unsettled_link);
}

static void login_counted(struct connection *connection)
{
	if (!connection->counted_in_login)
		return;
	connection->counted_in_login = false;
	arrivals_leave(&connection->server->arrivals, connection->arrival);
}

static void set_state(struct connection *connection, enum connection_state state)
{
	static const uint8_t from[] = {
		[CONNECTION_LOGIN] = 1 << CONNECTION_DELAYED,
		[CONNECTION_DELAYED] = 1 << CONNECTION_LOGIN,
		[CONNECTION_WAITING] = 1 << CONNECTION_LOGIN | 1 << CONNECTION_WAITING,
		[CONNECTION_FULL] = 1 << CONNECTION_LOGIN | 1 << CONNECTION_WAITING,
		[CONNECTION_ENDING] = 1 << CONNECTION_LOGIN | 1 << CONNECTION_WAITING |
				      1 << CONNECTION_FULL | 1 << CONNECTION_ENDING,
		[CONNECTION_DRAINING] = 1 << CONNECTION_ENDING,
		[CONNECTION_BROKEN] = 0xff,
	};
	ASSERT(from[state] & 1 << connection->state);
	connection->state = state;
	if (state >= CONNECTION_FULL)
		login_counted(connection);
}

void connection_break(struct connection *connection)
{
	set_state(connection, CONNECTION_BROKEN);
	connection_mark(connection);
}

void connection_end(struct connection *connection)
{
	if (connection->state >= CONNECTION_ENDING)
		return;
	set_state(connection, CONNECTION_ENDING);
	connection->deadline = connection->network->now + DRAIN_SECONDS * SECOND;
	connection_mark(connection);
}

void connection_delay(struct connection *connection, uint64_t until, struct guess_source *by)
{
	set_state(connection, CONNECTION_DELAYED);
	/* The initiator is not the one that is slow. */
	connection->deadline += until - connection->network->now;
	connection->delayed_until = until;
	connection->delayed_by = by;
}

static void delay_leave(struct connection *connection)
{
	if (connection->delayed_by)
		guess_leave(connection->server->guesses, connection->delayed_by);
	connection->delayed_by = NULL;
}

void connection_go_on(struct connection *connection)
{
	delay_leave(connection);
	set_state(connection, CONNECTION_LOGIN);
}

void connection_wait(struct connection *connection)
{
	if (connection->state == CONNECTION_LOGIN)
		connection->deadline = connection->network->now + WAITING_SECONDS * SECOND;
	set_state(connection, CONNECTION_WAITING);
}

void connection_enter_full(struct connection *connection)
{
	set_state(connection, CONNECTION_FULL);
	connection->deadline = 0;
	if (connection->parameters.discovery)
		connection->deadline = connection->network->now +
				       connection->server->settings.discovery_seconds * SECOND;
	connection->heard = connection->network->now;
}

static void drain(struct connection *connection)
{
	ssize_t got = recv(connection->fd, connection->network->waste, NETWORK_WASTE, 0);
	if (got == 0 || (got < 0 && errno != EAGAIN && errno != EINTR))
		connection_break(connection);
}

static void count_error(struct connection *connection, int error)
{
	if (error == -EPIPE || error == -ECONNRESET) {
		log_debug("iSCSI %s: the initiator has closed the connection", connection->peer_text);
		return;
	}
	if (error == -EPROTO)
		counter_add(&connection->server->stats.protocol_errors, 1);
	log_warning("iSCSI %s: connection ended: %s", connection->peer_text, strerror(-error));
}

static void on_readable(evutil_socket_t fd, short what, void *context)
{
	(void)fd, (void)what;
	struct connection *connection = context;
	struct network *network = connection->network;
	network->now = clock_monotonic_ns();
	if (connection->state >= CONNECTION_ENDING) {
		drain(connection);
	} else {
		int error = connection_receive(connection);
		if (error && connection->state < CONNECTION_ENDING) {
			count_error(connection, error);
			connection_break(connection);
		}
		connection_mark(connection);
	}
	network_settle(network);
}

static void on_writable(evutil_socket_t fd, short what, void *context)
{
	(void)fd, (void)what;
	struct connection *connection = context;
	connection->writing_added = false;
	connection_mark(connection);
	network_settle(connection->network);
}

static void tune_socket(int fd)
{
	int one = 1, idle = 60, interval = 10, probes = 6;
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &one, sizeof(one));
	setsockopt(fd, IPPROTO_TCP, TCP_KEEPIDLE, &idle, sizeof(idle));
	setsockopt(fd, IPPROTO_TCP, TCP_KEEPINTVL, &interval, sizeof(interval));
	setsockopt(fd, IPPROTO_TCP, TCP_KEEPCNT, &probes, sizeof(probes));
}

static int login_begin(struct connection *connection)
{
	struct login_server ask = {
		.context = connection,
		.settings = &connection->server->settings,
		.authorize = server_authorize,
		.portal_group = connection->portal->group,
		.peer = connection->peer_text,
	};
	connection->login = login_new(&ask);
	return connection->login ? 0 : -ENOMEM;
}

static struct connection *connection_new(struct network *network, struct portal *portal, int fd)
{
	struct connection *connection = mem_try_zalloc(1, sizeof(*connection));
	if (!connection)
		return NULL;
	connection->magic = CONNECTION_MAGIC;
	connection->network = network;
	connection->server = network->server;
	connection->portal = portal;
	connection->fd = fd;
	connection->heard = network->now;
	connection->deadline = network->now + network->server->settings.login_seconds * SECOND;
	TAILQ_INIT(&connection->transmit.urgent);
	TAILQ_INIT(&connection->transmit.ordered);
	TAILQ_INIT(&connection->transmit.batch.done);
	socklen_t size = sizeof(connection->peer);
	getpeername(fd, (struct sockaddr *)&connection->peer, &size);
	size = sizeof(connection->local);
	getsockname(fd, (struct sockaddr *)&connection->local, &size);
	connection->near = peer_is_here(&connection->peer, &connection->local);
	address_format(&connection->peer, true, connection->peer_text, sizeof(connection->peer_text));
	event_assign(&connection->reading, network->base, fd, EV_READ | EV_PERSIST, on_readable, connection);
	event_assign(&connection->writing, network->base, fd, EV_WRITE, on_writable, connection);
	if (login_begin(connection)) {
		free(connection);
		return NULL;
	}
	return connection;
}

/* The caller has counted it in network->load and server->arrivals, at that place. */
void connection_accept(struct network *network, struct portal *portal, int fd, int arrival)
{
	tune_socket(fd);
	struct connection *connection = connection_new(network, portal, fd);
	if (!connection || event_add(&connection->reading, NULL)) {
		log_error("iSCSI: no memory for a connection");
		if (connection)
			login_free(&connection->login);
		free(connection);
		close(fd);
		__atomic_fetch_sub(&network->load, 1, __ATOMIC_RELAXED);
		arrivals_leave(&network->server->arrivals, arrival);
		return;
	}
	connection->reading_added = true;
	connection->counted_in_login = true;
	connection->arrival = arrival;
	TAILQ_INSERT_TAIL(&network->connections, connection, link);
	counter_add(&network->server->stats.connections, 1);
	log_debug("iSCSI %s: connected", connection->peer_text);
	if (network->stopping)
		connection_break(connection);
}

static void connection_destroy(struct connection *connection)
{
	struct network *network = connection->network;
	ASSERT_OBJECT(connection, CONNECTION_MAGIC);
	ASSERT(!connection->unsettled);
	TAILQ_REMOVE(&network->connections, connection, link);
	counter_less(&network->server->stats.connections, 1);
	event_del(&connection->reading);
	event_del(&connection->writing);
	close(connection->fd);
	login_counted(connection);
	delay_leave(connection);
	if (connection->delayed_text)
		scsi_buffer_release(&connection->delayed_text);
	transmit_clear(connection);
	if (connection->receive.buffer_held)
		scsi_buffer_release(&connection->receive.buffer_held);
	if (connection->session)
		session_detach(connection->session);
	if (connection->login)
		login_free(&connection->login);
	if (connection->text)
		text_exchange_free(&connection->text);
	__atomic_fetch_sub(&network->load, 1, __ATOMIC_RELAXED);
	connection->magic = 0;
	free(connection);
}

/* Reads only while the answers to what was read find room. */
static void watch(struct connection *connection, bool write)
{
	bool full = connection->transmit.replies > REPLIES_MAX || connection->reply_bytes > REPLY_BYTES_MAX;
	bool read = !full || connection->state >= CONNECTION_ENDING;
	if (read != connection->reading_added) {
		if (read ? event_add(&connection->reading, NULL) : event_del(&connection->reading))
			connection_break(connection);
		connection->reading_added = read;
	}
	if (write && !connection->writing_added) {
		if (event_add(&connection->writing, NULL))
			connection_break(connection);
		connection->writing_added = true;
	}
}

void connection_settle(struct connection *connection)
{
	if (connection->state < CONNECTION_DRAINING) {
		int error = connection_send(connection);
		if (error && error != -EAGAIN && connection->state != CONNECTION_BROKEN) {
			count_error(connection, error);
			connection_break(connection);
		}
		watch(connection, error == -EAGAIN);
		if (connection->state == CONNECTION_ENDING && connection_is_sent(connection)) {
			shutdown(connection->fd, SHUT_WR);
			set_state(connection, CONNECTION_DRAINING);
			connection->deadline = connection->network->now + DRAIN_SECONDS * SECOND;
		}
	}
	if (connection->state != CONNECTION_BROKEN)
		return;
	if (connection->unsettled) {
		TAILQ_REMOVE(&connection->network->unsettled, connection, unsettled_link);
		connection->unsettled = false;
	}
	connection_destroy(connection);
}

static void deadline_passed(struct connection *connection)
{
	struct iscsi_server *server = connection->server;
	if (connection->state < CONNECTION_FULL) {
		counter_add(&server->stats.timeouts, 1);
		counter_add(&server->stats.login_failures, 1);
		log_warning("iSCSI %s: no login within %u s", connection->peer_text,
			    server->settings.login_seconds);
	} else if (connection->state == CONNECTION_FULL && !connection->leaving) {
		counter_add(&server->stats.timeouts, 1);
		log_warning("iSCSI %s: a discovery session ended after %u s", connection->peer_text,
			    server->settings.discovery_seconds);
	} else if (connection->state == CONNECTION_FULL) {
		connection_tell_drop(connection);
		connection_end(connection);
		return;
	}
	connection_break(connection);
}

static void tick_ping(struct connection *connection)
{
	const struct iscsi_settings *settings = &connection->server->settings;
	uint64_t now = connection->network->now;
	if (connection->pinged && connection->heard < connection->pinged &&
	    now > connection->pinged + settings->ping_answer_seconds * SECOND) {
		counter_add(&connection->server->stats.timeouts, 1);
		log_warning("iSCSI %s: no answer to a ping within %u s", connection->peer_text,
			    settings->ping_answer_seconds);
		connection_break(connection);
	} else if (connection->heard + settings->ping_seconds * SECOND < now &&
		   connection->pinged <= connection->heard) {
		connection->pinged = now;
		connection_ping(connection);
	}
}

static void tick_delayed(struct connection *connection)
{
	if (connection->network->now >= connection->delayed_until)
		connection_login_delayed(connection);
}

void connection_tick(struct connection *connection)
{
	if (connection->state == CONNECTION_BROKEN)
		return;
	if (connection->deadline && connection->network->now > connection->deadline)
		deadline_passed(connection);
	else if (connection->state == CONNECTION_DELAYED)
		tick_delayed(connection);
	else if (connection->state == CONNECTION_FULL && !connection->parameters.discovery)
		tick_ping(connection); /* discovery of open-iscsi does not know NOP-In */
}
