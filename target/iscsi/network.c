/* SPDX-License-Identifier: MIT */
/*
 * A thread of the network: an event loop, an inbox without locks, and a tick for
 * what takes its time (slow logins, pings, grace).
 *
 * Only the thread itself touches its loop and its connections. A function deep in
 * an event never frees a connection: it marks it, and network_settle() at the end
 * of the event takes it away.
 */
#include "target/iscsi/network.h"

#include <errno.h>
#include <semaphore.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "lib/base/assert.h"
#include "lib/base/clock.h"
#include "lib/base/mem.h"
#include "target/iscsi/connection.h"
#include "target/iscsi/server.h"

#define NETWORK_MAGIC 0x4e455457u
#define TICK_MS	      250
#define POOL_KEEP     (96u << 20) /* bytes of free buffers for each thread */

static _Thread_local const struct network *network_here;

bool network_is_here(const struct network *network)
{
	return network_here == network;
}

void network_post(struct network *network, struct message *message)
{
	struct message *first = __atomic_load_n(&network->inbox, __ATOMIC_RELAXED);
	do
		message->next = first;
	while (!__atomic_compare_exchange_n(&network->inbox, &first, message, true,
					    __ATOMIC_RELEASE, __ATOMIC_RELAXED));
	if (first)
		return; /* whoever put that one there has woken the thread */
	uint64_t one = 1;
	ssize_t written = write(network->wake_fd, &one, sizeof(one));
	ASSERT(written == sizeof(one) || errno == EAGAIN);
}

struct call {
	struct message message;
	void (*run)(void *context);
	void *context;
	sem_t done;
};

static void call_run(struct message *message)
{
	struct call *call = (struct call *)message;
	call->run(call->context);
	sem_post(&call->done);
}

void network_call(struct network *network, void (*run)(void *context), void *context)
{
	ASSERT(!network_here);
	struct call call = {.message.run = call_run, .run = run, .context = context};
	sem_init(&call.done, 0, 0);
	network_post(network, &call.message);
	while (sem_wait(&call.done) && errno == EINTR)
		;
	sem_destroy(&call.done);
}

static void inbox_run(struct network *network)
{
	struct message *taken = __atomic_exchange_n(&network->inbox, NULL, __ATOMIC_ACQUIRE);
	struct message *ordered = NULL;
	while (taken) {
		struct message *next = taken->next;
		taken->next = ordered;
		ordered = taken;
		taken = next;
	}
	while (ordered) {
		struct message *message = ordered;
		ordered = message->next; /* run() may free it */
		message->run(message);
	}
}

void network_settle(struct network *network)
{
	struct connection *connection;
	while ((connection = TAILQ_FIRST(&network->unsettled))) {
		TAILQ_REMOVE(&network->unsettled, connection, unsettled_link);
		connection->unsettled = false;
		connection_settle(connection);
	}
	if (network->stopping && TAILQ_EMPTY(&network->connections) && !network->sessions)
		event_base_loopbreak(network->base);
}

static void on_wake(evutil_socket_t fd, short what, void *context)
{
	(void)what;
	struct network *network = context;
	uint64_t count;
	ssize_t got = read(fd, &count, sizeof(count));
	ASSERT(got == sizeof(count) || errno == EAGAIN);
	network->now = clock_monotonic_ns();
	inbox_run(network);
	network_settle(network);
}

static void on_tick(evutil_socket_t fd, short what, void *context)
{
	(void)fd, (void)what;
	struct network *network = context;
	struct connection *connection;
	network->now = clock_monotonic_ns();
	TAILQ_FOREACH(connection, &network->connections, link)
		connection_tick(connection);
	follow_tick(&network->follow);
	network_settle(network);
}

static void *network_main(void *context)
{
	struct network *network = context;
	network_here = network;
	event_base_loop(network->base, EVLOOP_NO_EXIT_ON_EMPTY);
	network_here = NULL;
	return NULL;
}

static int network_set_up(struct network *network)
{
	struct event_config *config = event_config_new();
	if (!config)
		return -ENOMEM;
	event_config_set_flag(config, EVENT_BASE_FLAG_NOLOCK);
	network->base = event_base_new_with_config(config);
	event_config_free(config);
	network->wake_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	if (!network->base || network->wake_fd < 0)
		return network->base ? -errno : -ENOMEM;
	network->pool = scsi_buffer_pool_new(POOL_KEEP);
	network->waste = mem_try_alloc(1, NETWORK_WASTE);
	network->wake = event_new(network->base, network->wake_fd, EV_READ | EV_PERSIST, on_wake, network);
	network->tick = event_new(network->base, -1, EV_PERSIST, on_tick, network);
	if (!network->pool || !network->waste || !network->wake || !network->tick)
		return -ENOMEM;
	struct timeval period = {.tv_usec = TICK_MS * 1000};
	if (event_add(network->wake, NULL) || event_add(network->tick, &period))
		return -ENOMEM;
	return 0;
}

static void network_tear_down(struct network *network)
{
	if (network->wake)
		event_free(network->wake);
	if (network->tick)
		event_free(network->tick);
	if (network->base)
		event_base_free(network->base);
	if (network->wake_fd >= 0)
		close(network->wake_fd);
	if (network->pool)
		scsi_buffer_pool_free(&network->pool);
	free(network->waste);
	network->magic = 0;
}

int network_start(struct network *network, struct iscsi_server *server)
{
	*network = (struct network){.magic = NETWORK_MAGIC, .server = server, .wake_fd = -1,
				     .follow = FOLLOW_FREE};
	TAILQ_INIT(&network->connections);
	TAILQ_INIT(&network->unsettled);
	int error = network_set_up(network);
	if (!error) {
		/* Signals are the main thread's. */
		sigset_t all, before;
		sigfillset(&all);
		pthread_sigmask(SIG_SETMASK, &all, &before);
		error = -pthread_create(&network->thread, NULL, network_main, network);
		pthread_sigmask(SIG_SETMASK, &before, NULL);
	}
	if (error)
		network_tear_down(network);
	return error;
}

static void stop_run(void *context)
{
	struct network *network = context;
	struct connection *connection;
	network->stopping = true;
	TAILQ_FOREACH(connection, &network->connections, link)
		connection_ask_to_leave(connection);
}

void network_stop(struct network *network)
{
	network_call(network, stop_run, network);
}

void network_join(struct network *network)
{
	ASSERT_OBJECT(network, NETWORK_MAGIC);
	pthread_join(network->thread, NULL);
}

void network_free(struct network *network)
{
	ASSERT_OBJECT(network, NETWORK_MAGIC);
	/* What others have posted after it had ended. */
	inbox_run(network);
	ASSERT(TAILQ_EMPTY(&network->connections) && !network->sessions);
	network_tear_down(network);
}
