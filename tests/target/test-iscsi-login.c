/* SPDX-License-Identifier: MIT */
/*
 * libiscsi logs in over real sockets: only where the access list lets it, only with the right
 * secrets, in both directions, over IPv4 and IPv6; discovery shows what may be used; and a change
 * of secrets leaves the sessions that there are alone.
 */
#include <errno.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <iscsi/iscsi.h>
#include <iscsi/scsi-lowlevel.h>

#include "tests/target/login_site.h"

#define HOST  "iqn.1993-08.org.debian:host"
#define OTHER "iqn.1993-08.org.debian:other"
#define OPEN	"iqn.2026-11.test:open"
#define CLOSED	"iqn.2026-11.test:closed"
#define SECURED "iqn.2026-11.test:secured"
#define MUTUAL	"iqn.2026-11.test:mutual"
#define NEAR	"iqn.2026-11.test:near"
#define SECRET	"secret of the initiator"
#define OURS	"secret of the target"

static const struct {
	const char *name;
	struct site_row row;
	bool open;
} offers[] = {
	{OPEN, {NULL}, true},
	{CLOSED, {.initiator = OTHER}, false},
	{SECURED, {.user = "backup", .secret = SECRET}, false},
	{MUTUAL, {.user = "backup", .secret = SECRET, .mutual_user = "lib", .mutual_secret = OURS}, false},
	{NEAR, {.initiator = "iqn.1993-08.org.debian:*", .network = "127.0.0.0/8"}, false},
};

static int setup(void **state)
{
	struct site *site = site_new();
	for (unsigned i = 0; i < sizeof(offers) / sizeof(offers[0]); i++)
		site_add(site, offers[i].name, offers[i].open ? NULL : &offers[i].row);
	*state = site;
	return 0;
}

static int teardown(void **state)
{
	struct site *site = *state;
	site_free(&site);
	return 0;
}

struct credentials {
	const char *user, *secret, *target_user, *target_secret;
};

/* A context that is connected, and logged in if *logged_in. */
static struct iscsi_context *log_in(const char *portal, const char *initiator, const char *target,
				    const struct credentials *credentials, bool *logged_in)
{
	struct iscsi_context *iscsi = iscsi_create_context(initiator);
	assert_non_null(iscsi);
	iscsi_set_timeout(iscsi, 10);
	iscsi_set_noautoreconnect(iscsi, 1);
	iscsi_set_session_type(iscsi, target ? ISCSI_SESSION_NORMAL : ISCSI_SESSION_DISCOVERY);
	iscsi_set_header_digest(iscsi, ISCSI_HEADER_DIGEST_CRC32C_NONE);
	if (target)
		iscsi_set_targetname(iscsi, target);
	if (credentials && credentials->user)
		iscsi_set_initiator_username_pwd(iscsi, credentials->user, credentials->secret);
	if (credentials && credentials->target_user)
		iscsi_set_target_username_pwd(iscsi, credentials->target_user,
					      credentials->target_secret);
	assert_int_equal(iscsi_connect_sync(iscsi, portal), 0);
	*logged_in = iscsi_login_sync(iscsi) == 0;
	return iscsi;
}

static void leave(struct iscsi_context *iscsi, bool logged_in)
{
	if (logged_in)
		assert_int_equal(iscsi_logout_sync(iscsi), 0);
	iscsi_destroy_context(iscsi);
}

/* Comes and goes. */
static bool visit(const char *portal, const char *initiator, const char *target,
		  const struct credentials *credentials)
{
	bool logged_in;
	struct iscsi_context *iscsi = log_in(portal, initiator, target, credentials, &logged_in);
	leave(iscsi, logged_in);
	return logged_in;
}

static bool lets_in(const struct site *site, const char *initiator, const char *target,
		    const struct credentials *credentials)
{
	char portal[64];
	snprintf(portal, sizeof(portal), "127.0.0.1:%u", site_port(site));
	return visit(portal, initiator, target, credentials);
}

static const struct credentials right = {"backup", SECRET, NULL, NULL};
static const struct credentials wrong = {"backup", "another secret", NULL, NULL};
static const struct credentials nobody = {"nobody", SECRET, NULL, NULL};
static const struct credentials both = {"backup", SECRET, "lib", OURS};
static const struct credentials impostor = {"backup", SECRET, "lib", "not what it knows"};

static void access_list_says_who_gets_in(void **state)
{
	static const struct {
		const char *initiator, *target;
		const struct credentials *credentials;
		bool in;
	} cases[] = {
		{HOST, OPEN, NULL, true},	{HOST, "IQN.2026-11.TEST:OPEN", NULL, true},
		{HOST, CLOSED, NULL, false},	{OTHER, CLOSED, NULL, true},
		{HOST, SECURED, NULL, false},	{HOST, SECURED, &wrong, false},
		{HOST, SECURED, &nobody, false}, {HOST, SECURED, &right, true},
		{HOST, MUTUAL, &right, true},	{HOST, MUTUAL, &both, true},
		{HOST, MUTUAL, &impostor, false}, {HOST, SECURED, &both, false},
		{HOST, NEAR, NULL, true},	{"iqn.2001-04.com.example:x", NEAR, NULL, false},
		{HOST, "iqn.2026-11.test:none", NULL, false},
	};
	struct site *site = *state;
	uint64_t failures = 0;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		print_message("%s %s\n", cases[i].initiator, cases[i].target);
		assert_int_equal(lets_in(site, cases[i].initiator, cases[i].target,
					 cases[i].credentials), cases[i].in);
		/* An initiator that has been fooled leaves by itself. */
		failures += !cases[i].in && cases[i].credentials != &impostor;
	}
	assert_int_equal(site_login_failures(site), failures);
}

static void network_is_part_of_the_access_list(void **state)
{
	struct site *site = *state;
	char portal[64];
	if (!site_port6(site))
		skip();
	snprintf(portal, sizeof(portal), "[::1]:%u", site_port6(site));
	assert_true(visit(portal, HOST, OPEN, NULL));
	assert_false(visit(portal, HOST, NEAR, NULL));
}

/* The names that a discovery finds, with a blank after each. */
static void discover(const struct site *site, const char *initiator, char *names, size_t size)
{
	char portal[64];
	bool logged_in;
	snprintf(portal, sizeof(portal), "127.0.0.1:%u", site_port(site));
	struct iscsi_context *iscsi = log_in(portal, initiator, NULL, NULL, &logged_in);
	assert_true(logged_in);
	struct iscsi_discovery_address *found = iscsi_discovery_sync(iscsi);
	*names = '\0';
	for (struct iscsi_discovery_address *at = found; at; at = at->next) {
		size_t length = strlen(names);
		snprintf(names + length, size - length, "%s ", at->target_name);
		assert_non_null(at->portals);
	}
	iscsi_free_discovery_data(iscsi, found);
	leave(iscsi, logged_in);
}

static void discovery_shows_what_may_be_used(void **state)
{
	struct site *site = *state;
	char names[2048];
	discover(site, HOST, names, sizeof(names));
	assert_non_null(strstr(names, OPEN " "));
	assert_non_null(strstr(names, SECURED " "));
	assert_non_null(strstr(names, NEAR " "));
	assert_null(strstr(names, CLOSED " "));
	discover(site, OTHER, names, sizeof(names));
	assert_non_null(strstr(names, CLOSED " "));
}

static void discovery_may_need_a_secret(void **state)
{
	struct site *site = *state;
	const struct site_row row = {.user = "backup", .secret = SECRET};
	assert_int_equal(site_access(site, NULL, &row), 0);
	assert_false(lets_in(site, HOST, NULL, NULL));
	assert_false(lets_in(site, HOST, NULL, &wrong));
	assert_true(lets_in(site, HOST, NULL, &right));
	assert_int_equal(site_access(site, NULL, NULL), 0);
	assert_true(lets_in(site, HOST, NULL, NULL));
}

static void ping_done(struct iscsi_context *iscsi, int status, void *data, void *context)
{
	(void)iscsi, (void)data;
	*(int *)context = status;
}

static void assert_alive(struct iscsi_context *iscsi)
{
	unsigned char data[] = "ping";
	int status = -1;
	assert_int_equal(iscsi_nop_out_async(iscsi, ping_done, data, sizeof(data), &status), 0);
	for (unsigned i = 0; i < 100 && status == -1; i++) {
		struct pollfd ready = {.fd = iscsi_get_fd(iscsi),
				       .events = (short)iscsi_which_events(iscsi)};
		poll(&ready, 1, 100);
		assert_int_equal(iscsi_service(iscsi, ready.revents), 0);
	}
	assert_int_equal(status, SCSI_STATUS_GOOD);
}

static void secrets_change_under_a_session(void **state)
{
	struct site *site = *state;
	const struct site_row row = {.user = "backup", .secret = "another secret"};
	char portal[64];
	bool logged_in;
	snprintf(portal, sizeof(portal), "127.0.0.1:%u", site_port(site));
	struct iscsi_context *iscsi = log_in(portal, HOST, SECURED, &right, &logged_in);
	assert_true(logged_in);
	assert_int_equal(site_access(site, SECURED, &row), 0);
	assert_alive(iscsi);
	assert_false(lets_in(site, OTHER, SECURED, &right));
	assert_true(lets_in(site, OTHER, SECURED, &wrong));
	assert_alive(iscsi);
	leave(iscsi, logged_in);
}

/* What cannot be used is refused, and what there was stays. */
static void bad_access_lists_are_refused(void **state)
{
	static const struct site_row bad[] = {
		{.network = "127.0.0.1/40"},
		{.user = "u"},
		{.user = "u", .secret = SECRET, .mutual_user = "m", .mutual_secret = SECRET},
	};
	struct site *site = *state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_int_equal(site_access(site, OPEN, &bad[i]), -EINVAL);
		assert_int_equal(site_access(site, NULL, &bad[i]), -EINVAL);
	}
	assert_true(lets_in(site, HOST, OPEN, NULL));
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(access_list_says_who_gets_in),
		TEST(network_is_part_of_the_access_list),
		TEST(discovery_shows_what_may_be_used),
		TEST(discovery_may_need_a_secret),
		TEST(secrets_change_under_a_session),
		TEST(bad_access_lists_are_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
