/* SPDX-License-Identifier: MIT */
/*
 * The server: its threads, its settings, its counters; how it starts and stops.
 *
 * Stopping: portals are closed, each thread asks its sessions to log out, and ends
 * when its last connection and its last session are gone.
 */
#include "target/iscsi/server.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "lib/base/assert.h"
#include "lib/base/mem.h"
#include "target/iscsi/guess.h"

#define SERVER_MAGIC	0x49534353u
#define SESSIONS_MAX	256u
#define LOGIN_SECONDS	15u
#define DISCOVERY_SECONDS 60u
#define GUESS_MS	1000u
#define PING_SECONDS	15u
#define ANSWER_SECONDS	30u
#define GRACE_SECONDS	2u
#define BURST_MAX	16776192u
#define LENGTH_MIN	512u /* RFC 7143 13.12 to 13.14 */
#define FIRST_BURST	(1u << 20)
#define RECEIVE_MAX	(1u << 20)

static uint32_t or_default(uint32_t value, uint32_t otherwise)
{
	return value ? value : otherwise;
}

static uint32_t length_of(uint32_t value, uint32_t otherwise)
{
	value = or_default(value, otherwise);
	if (value < LENGTH_MIN)
		return LENGTH_MIN;
	return value > BURST_MAX ? BURST_MAX : value;
}

static void settings_fill(struct iscsi_server *server, const struct iscsi_settings *given)
{
	struct iscsi_settings *settings = &server->settings;
	long processors = sysconf(_SC_NPROCESSORS_ONLN);
	*settings = *given;
	settings->threads = or_default(given->threads, processors > 3 ? (uint32_t)processors / 2 : 1);
	settings->sessions_max = or_default(given->sessions_max, SESSIONS_MAX);
	settings->login_seconds = or_default(given->login_seconds, LOGIN_SECONDS);
	settings->discovery_seconds = or_default(given->discovery_seconds, DISCOVERY_SECONDS);
	settings->guess_ms = or_default(given->guess_ms, GUESS_MS);
	settings->ping_seconds = or_default(given->ping_seconds, PING_SECONDS);
	settings->ping_answer_seconds = or_default(given->ping_answer_seconds, ANSWER_SECONDS);
	settings->grace_seconds = or_default(given->grace_seconds, GRACE_SECONDS);
	settings->max_burst = length_of(given->max_burst, BURST_MAX);
	settings->first_burst = length_of(given->first_burst, FIRST_BURST);
	if (settings->first_burst > settings->max_burst)
		settings->first_burst = settings->max_burst;
	settings->max_receive = length_of(given->max_receive, RECEIVE_MAX);
	if (given->alias)
		server->alias = mem_strdup(given->alias);
	settings->alias = server->alias;
}

static void threads_end(struct iscsi_server *server)
{
	for (unsigned i = 0; i < server->network_count; i++)
		network_stop(&server->networks[i]);
	for (unsigned i = 0; i < server->network_count; i++)
		network_join(&server->networks[i]);
	for (unsigned i = 0; i < server->network_count; i++)
		network_free(&server->networks[i]);
}

static void server_release(struct iscsi_server *server)
{
	ASSERT(TAILQ_EMPTY(&server->sessions));
	portals_free(server);
	offers_free(server);
	free(server->networks);
	guess_table_free(&server->guesses);
	free(server->alias);
	pthread_mutex_destroy(&server->arrivals.lock);
	pthread_mutex_destroy(&server->lock);
	server->magic = 0;
	free(server);
}

int iscsi_server_new(const struct iscsi_settings *settings, struct iscsi_server **result)
{
	struct iscsi_server *server = mem_zalloc(sizeof(*server));
	server->magic = SERVER_MAGIC;
	pthread_mutex_init(&server->lock, NULL);
	pthread_mutex_init(&server->arrivals.lock, NULL);
	TAILQ_INIT(&server->offers);
	TAILQ_INIT(&server->aways);
	TAILQ_INIT(&server->portals);
	TAILQ_INIT(&server->sessions);
	settings_fill(server, settings);
	int error = 0;
	server->networks = mem_try_zalloc(server->settings.threads, sizeof(*server->networks));
	server->guesses = guess_table_new(server->settings.guess_ms * 1000000ull);
	if (!server->networks || !server->guesses)
		error = -ENOMEM;
	while (!error && server->network_count < server->settings.threads) {
		error = network_start(&server->networks[server->network_count], server);
		server->network_count += !error;
	}
	if (error) {
		threads_end(server);
		server_release(server);
		return error;
	}
	*result = server;
	return 0;
}

void iscsi_server_free(struct iscsi_server **server)
{
	if (!*server)
		return;
	ASSERT_OBJECT(*server, SERVER_MAGIC);
	portals_close(*server);
	threads_end(*server);
	server_release(*server);
	*server = NULL;
}

void iscsi_get_stats(struct iscsi_server *server, struct iscsi_stats *stats)
{
	const uint64_t *from = (const uint64_t *)&server->stats;
	uint64_t *to = (uint64_t *)stats;
	static_assert(sizeof(*stats) % sizeof(uint64_t) == 0, "only counters");
	for (size_t i = 0; i < sizeof(*stats) / sizeof(uint64_t); i++)
		to[i] = __atomic_load_n(&from[i], __ATOMIC_RELAXED);
	pthread_mutex_lock(&server->lock);
	stats->sessions = server->session_count;
	pthread_mutex_unlock(&server->lock);
}
