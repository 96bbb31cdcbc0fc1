/* SPDX-License-Identifier: MIT */
/*
 * Portals: listening sockets. Each hangs on the loop of one thread; what it
 * accepts goes to the threads in turn.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/base/cleanup.h"
#include "lib/base/log.h"
#include "lib/base/mem.h"
#include "target/iscsi/connection.h"

#define DEFAULT_PORT  "3260"
#define BACKLOG	      128
#define ACCEPT_ROUNDS 16

void address_format(const struct sockaddr_storage *address, bool with_port, char *text, size_t size)
{
	char host[INET6_ADDRSTRLEN] = "?";
	const struct sockaddr_in *v4 = (const struct sockaddr_in *)address;
	const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)address;
	bool is_v6 = address->ss_family == AF_INET6;
	if (is_v6)
		inet_ntop(AF_INET6, &v6->sin6_addr, host, sizeof(host));
	else
		inet_ntop(AF_INET, &v4->sin_addr, host, sizeof(host));
	unsigned port = ntohs(is_v6 ? v6->sin6_port : v4->sin_port);
	if (with_port)
		snprintf(text, size, is_v6 ? "[%s]:%u" : "%s:%u", host, port);
	else
		snprintf(text, size, is_v6 ? "[%s]" : "%s", host);
}

static const struct in6_addr *v6_of(const struct sockaddr_storage *address)
{
	return &((const struct sockaddr_in6 *)address)->sin6_addr;
}

static bool is_loopback(const struct sockaddr_storage *address)
{
	if (address->ss_family == AF_INET6)
		return IN6_IS_ADDR_LOOPBACK(v6_of(address));
	return ntohl(((const struct sockaddr_in *)address)->sin_addr.s_addr) >> 24 == IN_LOOPBACKNET;
}

/* fe80::/10 and 169.254.0.0/16: whoever is told one does not know on which of its links it is. Where
 * the initiator has come over such an address, no TargetAddress says the same (RFC 7143 Appendix C). */
static bool is_link_local(const struct sockaddr_storage *address)
{
	if (address->ss_family == AF_INET6)
		return IN6_IS_ADDR_LINKLOCAL(v6_of(address));
	return ntohl(((const struct sockaddr_in *)address)->sin_addr.s_addr) >> 16 == 0xa9fe;
}

bool address_is_reachable(const struct sockaddr_storage *address, const struct sockaddr_storage *local)
{
	return !is_link_local(address) && (!is_loopback(address) || is_loopback(local));
}

/* getaddrinfo() takes 70000 for 4464. */
static bool port_is_one(const char *text)
{
	return *text && strlen(text) <= 5 && text[strspn(text, "0123456789")] == 0 && atoi(text) <= UINT16_MAX;
}

/* "HOST[:PORT]" or "[HOST][:PORT]"; numbers only. */
static int address_parse(const char *text, struct sockaddr_storage *address, socklen_t *size)
{
	char host[INET6_ADDRSTRLEN + 20];
	bool bracket = text[0] == '[';
	const char *begin = text + bracket;
	const char *end = bracket ? strchr(begin, ']') : strrchr(begin, ':');
	if (!end && bracket)
		return -EINVAL;
	if (!end)
		end = begin + strlen(begin);
	const char *port = end + bracket;
	if (*port && *port != ':')
		return -EINVAL;
	if ((size_t)(end - begin) >= sizeof(host) || (*port && !port_is_one(port + 1)))
		return -EINVAL;
	memcpy(host, begin, (size_t)(end - begin));
	host[end - begin] = 0;
	struct addrinfo hints = {
		.ai_family = bracket ? AF_INET6 : AF_INET,
		.ai_socktype = SOCK_STREAM,
		.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV,
	};
	struct addrinfo *found;
	if (getaddrinfo(host, *port ? port + 1 : DEFAULT_PORT, &hints, &found))
		return -EINVAL;
	memcpy(address, found->ai_addr, found->ai_addrlen);
	*size = found->ai_addrlen;
	freeaddrinfo(found);
	return 0;
}

static int listen_at(const struct sockaddr_storage *address, socklen_t size, int *result)
{
	CLEANUP_FD int fd = socket(address->ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	int one = 1;
	if (fd < 0)
		return -errno;
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (address->ss_family == AF_INET6 &&
	    setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &one, sizeof(one)))
		return -errno;
	if (bind(fd, (const struct sockaddr *)address, size) || listen(fd, BACKLOG))
		return -errno;
	*result = TAKE_FD(fd);
	return 0;
}

/* ---- accepting ---------------------------------------------------------------------------- */

struct arrival {
	struct message message;
	struct network *network;
	struct portal *portal;
	int fd, place;
};

static void arrival_run(struct message *message)
{
	struct arrival *arrival = (struct arrival *)message;
	connection_accept(arrival->network, arrival->portal, arrival->fd, arrival->place);
	free(arrival);
}

/* The thread with the fewest connections; in turn among equals. */
static struct network *network_choose(struct iscsi_server *server)
{
	unsigned first = __atomic_fetch_add(&server->next_network, 1, __ATOMIC_RELAXED);
	struct network *best = NULL;
	unsigned best_load = 0;
	for (unsigned i = 0; i < server->network_count; i++) {
		struct network *network = &server->networks[(first + i) % server->network_count];
		unsigned load = __atomic_load_n(&network->load, __ATOMIC_RELAXED);
		if (!best || load < best_load) {
			best = network;
			best_load = load;
		}
	}
	return best;
}

/* Goes from thread to thread until one of the peer's logins has ended, or each has been asked. */
struct yielding {
	struct message message;
	struct network *network;
	struct peer peer;
	unsigned asked;
};

/* The oldest of the thread that has proven nothing yet. */
static bool login_yields(struct network *network, const struct peer *peer)
{
	struct connection *connection;
	TAILQ_FOREACH(connection, &network->connections, link) {
		struct peer other = peer_of(&connection->peer);
		if (connection->state > CONNECTION_DELAYED || !peer_same(&other, peer))
			continue;
		log_warning("iSCSI %s: its login gives way to another address'", connection->peer_text);
		counter_add(&network->server->stats.login_failures, 1);
		connection_break(connection);
		return true;
	}
	return false;
}

static void yielding_run(struct message *message)
{
	struct yielding *yielding = (struct yielding *)message;
	struct network *network = yielding->network;
	struct iscsi_server *server = network->server;
	/* One that stops is the last that may be posted to. */
	if (network->stopping || login_yields(network, &yielding->peer) ||
	    ++yielding->asked == server->network_count) {
		free(yielding);
		return;
	}
	unsigned next = ((unsigned)(network - server->networks) + 1) % server->network_count;
	yielding->network = &server->networks[next];
	network_post(yielding->network, message);
}

/* The thread with the most connections is asked first. Without memory for that nobody has to go. */
static void make_way(struct iscsi_server *server, const struct peer *peer)
{
	struct yielding *yielding = mem_try_zalloc(1, sizeof(*yielding));
	if (!yielding)
		return;
	unsigned most = 0;
	for (unsigned i = 0; i < server->network_count; i++) {
		unsigned load = __atomic_load_n(&server->networks[i].load, __ATOMIC_RELAXED);
		if (yielding->network && load <= most)
			continue;
		most = load;
		yielding->network = &server->networks[i];
	}
	yielding->message.run = yielding_run;
	yielding->peer = *peer;
	network_post(yielding->network, &yielding->message);
}

static void hand_over(struct portal *portal, int fd, const struct sockaddr_storage *peer)
{
	struct iscsi_server *server = portal->server;
	struct peer gives_way;
	int place = arrivals_enter(&server->arrivals, peer, &gives_way);
	if (place < 0) {
		char text[64];
		address_format(peer, false, text, sizeof(text));
		log_warning("iSCSI %s: more than %u connections in login, or %u of its address: one is refused",
			    text, ARRIVALS_MAX, ARRIVALS_PEER_MAX);
		close(fd);
		return;
	}
	if (gives_way.family != AF_UNSPEC)
		make_way(server, &gives_way);
	struct arrival *arrival = mem_try_zalloc(1, sizeof(*arrival));
	if (!arrival) {
		arrivals_leave(&server->arrivals, place);
		close(fd);
		return;
	}
	struct network *network = network_choose(server);
	*arrival = (struct arrival){
		.message.run = arrival_run, .network = network, .portal = portal, .fd = fd, .place = place};
	__atomic_fetch_add(&network->load, 1, __ATOMIC_RELAXED);
	network_post(network, &arrival->message);
}

static void on_connection(evutil_socket_t listener, short what, void *context)
{
	(void)what;
	struct portal *portal = context;
	for (int round = 0; round < ACCEPT_ROUNDS; round++) {
		struct sockaddr_storage peer = {0};
		socklen_t size = sizeof(peer);
		int fd = accept4(listener, (struct sockaddr *)&peer, &size, SOCK_NONBLOCK | SOCK_CLOEXEC);
		if (fd >= 0) {
			hand_over(portal, fd, &peer);
			continue;
		}
		if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
			log_error("iSCSI: cannot accept a connection: %s", strerror(errno));
			struct timeval pause = {.tv_sec = 1};
			if (!event_add(portal->resume, &pause))
				event_del(portal->event);
		}
		return;
	}
}

/* Some descriptors may be free again. */
static void on_resume(evutil_socket_t fd, short what, void *context)
{
	(void)fd, (void)what;
	struct portal *portal = context;
	event_add(portal->event, NULL);
}

/* ---- portals ------------------------------------------------------------------------------ */

static void portal_unwatch(void *context)
{
	struct portal *portal = context;
	if (portal->event)
		event_free(portal->event);
	if (portal->resume)
		event_free(portal->resume);
	portal->event = portal->resume = NULL;
	close(portal->fd);
	portal->fd = -1;
}

static void portal_watch(void *context)
{
	struct portal *portal = context;
	struct event_base *base = portal->network->base;
	portal->event = event_new(base, portal->fd, EV_READ | EV_PERSIST, on_connection, portal);
	portal->resume = event_new(base, -1, 0, on_resume, portal);
	if (!portal->event || !portal->resume || event_add(portal->event, NULL))
		portal_unwatch(portal);
}

static int advertise(struct portal *portal, const char *advertised)
{
	if (!advertised)
		return 0;
	/* A host alone gets the portal's port. */
	const char *bracket = strrchr(advertised, ']');
	if (!bracket && strchr(advertised, ':') != strrchr(advertised, ':'))
		return -EINVAL; /* IPv6 without brackets: what would be the port? */
	bool has_port = strchr(bracket ? bracket : advertised, ':');
	unsigned port = ntohs(((const struct sockaddr_in *)&portal->address)->sin_port);
	int size = has_port ? snprintf(portal->advertised, sizeof(portal->advertised), "%s", advertised)
			    : snprintf(portal->advertised, sizeof(portal->advertised), "%s:%u",
				       advertised, port);
	return (size_t)size < sizeof(portal->advertised) ? 0 : -EINVAL;
}

static int portal_open(struct portal *portal, const char *address, const char *advertised)
{
	socklen_t size;
	int error = address_parse(address, &portal->address, &size);
	if (!error)
		error = listen_at(&portal->address, size, &portal->fd);
	if (error)
		return error;
	size = sizeof(portal->address);
	if (getsockname(portal->fd, (struct sockaddr *)&portal->address, &size))
		return -errno;
	error = advertise(portal, advertised);
	if (error)
		return error;
	network_call(portal->network, portal_watch, portal);
	return portal->event ? 0 : -ENOMEM;
}

int iscsi_portal_add(struct iscsi_server *server, const char *address, const char *advertised,
		     uint16_t portal_group, uint16_t *port)
{
	struct portal *portal = mem_try_zalloc(1, sizeof(*portal));
	if (!portal)
		return -ENOMEM;
	portal->server = server;
	portal->fd = -1;
	portal->group = portal_group;
	portal->network = network_choose(server);
	int error = portal_open(portal, address, advertised);
	if (error) {
		if (portal->fd >= 0)
			close(portal->fd);
		free(portal);
		return error;
	}
	*port = ntohs(((const struct sockaddr_in *)&portal->address)->sin_port);
	LOCK_SCOPE(&server->lock);
	TAILQ_INSERT_TAIL(&server->portals, portal, link);
	return 0;
}

void portals_close(struct iscsi_server *server)
{
	struct portal *portal;
	TAILQ_FOREACH(portal, &server->portals, link)
		network_call(portal->network, portal_unwatch, portal);
}

void portals_free(struct iscsi_server *server)
{
	struct portal *portal;
	while ((portal = TAILQ_FIRST(&server->portals))) {
		TAILQ_REMOVE(&server->portals, portal, link);
		free(portal);
	}
}
