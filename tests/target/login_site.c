/* SPDX-License-Identifier: MIT */
/* The server of the test of logins: see login_site.h. */
#include <stdio.h>
#include <stdlib.h>

#include "lib/base/log.h"
#include "target/iscsi/iscsi.h"
#include "tests/target/login_site.h"

struct site {
	struct iscsi_server *server;
	struct scsi_target *targets[SITE_TARGETS];
	unsigned count;
	uint16_t port, port6;
};

static void require(bool condition)
{
	if (!condition)
		abort();
}

struct site *site_new(void)
{
	static const struct iscsi_settings settings = {.threads = 2, .guess_ms = 50, .alias = "test"};
	struct site *site = calloc(1, sizeof(*site));
	require(site);
	log_set_level(LOG_LEVEL_ERROR);
	require(!iscsi_server_new(&settings, &site->server));
	require(!iscsi_portal_add(site->server, "127.0.0.1:0", NULL, 1, &site->port));
	if (iscsi_portal_add(site->server, "[::1]:0", NULL, 2, &site->port6))
		site->port6 = 0;
	return site;
}

void site_free(struct site **site_pointer)
{
	struct site *site = *site_pointer;
	iscsi_server_free(&site->server);
	for (unsigned i = 0; i < site->count; i++)
		scsi_target_free(&site->targets[i]);
	free(site);
	*site_pointer = NULL;
}

static void copy(char *to, size_t size, const char *from)
{
	require(snprintf(to, size, "%s", from ? from : "") < (int)size);
}

static struct iscsi_access access_of(const struct site_row *row)
{
	struct iscsi_access access;
	copy(access.initiator, sizeof(access.initiator), row->initiator);
	copy(access.network, sizeof(access.network), row->network);
	copy(access.user, sizeof(access.user), row->user);
	copy(access.secret, sizeof(access.secret), row->secret);
	copy(access.mutual_user, sizeof(access.mutual_user), row->mutual_user);
	copy(access.mutual_secret, sizeof(access.mutual_secret), row->mutual_secret);
	return access;
}

void site_add(struct site *site, const char *name, const struct site_row *row)
{
	const uint8_t uuid[16] = {(uint8_t)site->count};
	struct iscsi_access access = row ? access_of(row) : (struct iscsi_access){0};
	require(site->count < SITE_TARGETS);
	struct scsi_target *target = scsi_target_new(name, uuid);
	require(target);
	site->targets[site->count++] = target;
	require(!iscsi_target_add(site->server, target, row ? &access : NULL, row ? 1 : 0));
}

int site_access(struct site *site, const char *name, const struct site_row *row)
{
	struct iscsi_access access = row ? access_of(row) : (struct iscsi_access){0};
	const struct iscsi_access *rows = row ? &access : NULL;
	return name ? iscsi_target_access(site->server, name, rows, row ? 1 : 0)
		    : iscsi_discovery_access(site->server, rows, row ? 1 : 0);
}

uint16_t site_port(const struct site *site)
{
	return site->port;
}

uint16_t site_port6(const struct site *site)
{
	return site->port6;
}

uint64_t site_login_failures(const struct site *site)
{
	struct iscsi_stats stats;
	iscsi_get_stats(site->server, &stats);
	return stats.login_failures;
}
