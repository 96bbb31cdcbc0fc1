/* SPDX-License-Identifier: MIT */
/*
 * Sessions begin and end as they should: logins that are slow, wrong or one too
 * many; reinstatement; logout; targets that leave; a server that stops.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <arpa/inet.h>
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/base/clock.h"
#include "target/iscsi/server.h"
#include "tests/unit/initiator.h"

static struct scene scene;
static struct initiator initiator, other;

static int start_with(const struct iscsi_settings *settings)
{
	scene_start(&scene, settings);
	initiator_init(&initiator, 1);
	initiator_init(&other, 2);
	return 0;
}

static int start(void **state)
{
	(void)state;
	return start_with(NULL);
}

/* Who is asked to leave has all the time of the test. */
static int start_patient(void **state)
{
	(void)state;
	const struct iscsi_settings settings = {.grace_seconds = 60};
	return start_with(&settings);
}

static int stop(void **state)
{
	(void)state;
	initiator_free(&initiator);
	initiator_free(&other);
	scene_stop(&scene);
	return 0;
}

static struct iscsi_stats stats(void)
{
	struct iscsi_stats now;
	iscsi_get_stats(scene.server, &now);
	return now;
}

static void wait_for_sessions(uint64_t count)
{
	for (int i = 0; i < SCENE_MS && stats().sessions != count; i++)
		usleep(1000);
	assert_int_equal(stats().sessions, count);
}

static uint32_t sleep_command(struct initiator *who, uint16_t ms)
{
	uint8_t cdb[10] = {DISK_SLEEP, 0, (uint8_t)(ms >> 8), (uint8_t)ms};
	return initiator_command(who, PDU_FINAL, cdb, sizeof(cdb), 0, NULL, 0);
}

/* ---- logins ---- */

static void slow_logins_end(void **state)
{
	(void)state;
	const struct iscsi_settings settings = {.login_seconds = 1};
	start_with(&settings);
	uint64_t begin = clock_monotonic_ns();
	initiator_connect(&initiator, scene.port);
	initiator_connect(&other, scene.port);
	assert_int_equal(send(other.fd, "C", 1, 0), 1); /* half of a byte more than nothing */
	initiator_expect_end(&initiator);
	initiator_expect_end(&other);
	/* The usual time to log in is 15 s. */
	assert_in_range((clock_monotonic_ns() - begin) / 1000000, 900, 14000);
	assert_int_equal(stats().timeouts, 2);
}

static void what_is_no_login_ends_the_connection(void **state)
{
	(void)state;
	struct pdu nop = {.opcode = PDU_NOP_OUT, .immediate = true, .flags = PDU_FINAL, .itt = 1};
	initiator_connect(&initiator, scene.port);
	initiator_send(&initiator, &nop, NULL, 0);
	initiator_expect_end(&initiator);
	initiator_connect(&initiator, scene.port);
	assert_int_equal(send(initiator.fd, "GET / HTTP/1.1\r\nHost: example.com\r\nAccept: */*\r\n\r\n", 50, 0), 50);
	initiator_expect_end(&initiator);
	/* More text than a login request may have. */
	uint8_t raw[PDU_BHS_SIZE] = {PDU_LOGIN_REQUEST | 0x40, 0x87, [5] = 1};
	initiator_connect(&initiator, scene.port);
	assert_int_equal(send(initiator.fd, raw, sizeof(raw), 0), sizeof(raw));
	initiator_expect_end(&initiator);
	wait_for_sessions(0);
}

static void refused_logins_say_why(void **state)
{
	(void)state;
	initiator_connect(&initiator, scene.port);
	assert_int_equal(initiator_login(&initiator, KEYS("TargetName=iqn.2026-11.test:nothing\0")), 0x0203);
	initiator_expect_end(&initiator);
	initiator_connect(&initiator, scene.port);
	assert_int_equal(initiator_login(&initiator, KEYS("SessionType=Normal\0")), 0x0207);
	initiator_expect_end(&initiator);
	/* A session that is not there. */
	initiator_connect(&initiator, scene.port);
	initiator.tsih = 4711;
	assert_int_equal(initiator_login(&initiator, KEYS("TargetName=" SCENE_TARGET "\0")), 0x020a);
	initiator_expect_end(&initiator);
	initiator.tsih = 0;
	assert_int_equal(stats().login_failures, 3);
}

/* Hosts that start before it is there do not give it up. */
static void a_target_that_is_away_is_to_be_tried_again(void **state)
{
	(void)state;
	static const char away[] = "TargetName=iqn.2026-11.test:Away";
	for (unsigned i = 0; i < 2; i++)
		iscsi_target_away(scene.server, "iqn.2026-11.test:away", true);
	initiator_connect(&initiator, scene.port);
	assert_int_equal(initiator_login(&initiator, away, sizeof(away)), 0x0301);
	initiator_expect_end(&initiator);
	initiator_connect(&initiator, scene.port);
	assert_int_equal(initiator_login(&initiator, KEYS("TargetName=iqn.2026-11.test:away.not\0")), 0x0203);
	initiator_expect_end(&initiator);
	iscsi_target_away(scene.server, "iqn.2026-11.test:away", false);
	initiator_connect(&initiator, scene.port);
	assert_int_equal(initiator_login(&initiator, away, sizeof(away)), 0x0203);
	initiator_expect_end(&initiator);
	/* One that is offered is there. */
	iscsi_target_away(scene.server, SCENE_TARGET, true);
	initiator_enter(&initiator, &scene, KEYS(""));
}

static void a_session_has_one_connection(void **state)
{
	(void)state;
	initiator_enter(&initiator, &scene, KEYS(""));
	struct initiator second;
	initiator_init(&second, 1);
	second.tsih = initiator.tsih;
	initiator_connect(&second, scene.port);
	assert_int_equal(initiator_login(&second, KEYS("TargetName=" SCENE_TARGET "\0")), 0x0206);
	initiator_expect_end(&second);
	/* Another initiator port does not learn that the session exists. */
	other.tsih = initiator.tsih;
	initiator_connect(&other, scene.port);
	assert_int_equal(initiator_login(&other, KEYS("TargetName=" SCENE_TARGET "\0")), 0x020a);
	initiator_settle(&initiator);
	initiator_free(&second);
}

static void sessions_are_limited(void **state)
{
	(void)state;
	const struct iscsi_settings settings = {.sessions_max = 1};
	start_with(&settings);
	initiator_enter(&initiator, &scene, KEYS(""));
	initiator_connect(&other, scene.port);
	assert_int_equal(initiator_login(&other, KEYS("TargetName=" SCENE_TARGET "\0")), 0x0302);
	initiator_expect_end(&other);
	initiator_logout(&initiator);
	initiator_enter(&other, &scene, KEYS(""));
}

/* ---- reinstatement ---- */

static void a_second_login_replaces_the_session(void **state)
{
	(void)state;
	struct initiator again;
	initiator_init(&again, 1);
	initiator_enter(&initiator, &scene, KEYS(""));
	initiator_settle(&initiator);
	sleep_command(&initiator, 30000);
	initiator_enter(&other, &scene, KEYS("")); /* another ISID: beside it */
	initiator_enter(&again, &scene, KEYS(""));
	assert_int_not_equal(again.tsih, initiator.tsih);
	initiator_expect_end(&initiator);
	assert_int_equal(stats().sessions, 2);
	assert_int_equal(stats().reinstatements, 1);
	/* Its tasks are gone, and the unit tells of the loss. */
	static const uint8_t ready[6];
	uint32_t itt = initiator_command(&again, PDU_FINAL, ready, sizeof(ready), 0, NULL, 0);
	initiator_expect_sense(&again, itt, SENSE_UNIT_ATTENTION, ASC_NEXUS_LOSS);
	initiator_settle(&again);
	initiator_settle(&other);
	initiator_logout(&again);
	initiator_free(&again);
}

static void the_old_sessions_task_ends_first(void **state)
{
	(void)state;
	struct initiator again;
	initiator_init(&again, 1);
	initiator_enter(&initiator, &scene, KEYS(""));
	initiator_settle(&initiator);
	static uint8_t data[4096];
	uint32_t itt = initiator_write(&initiator, 0, 8, NULL, 0, false);
	initiator_expect(&initiator, PDU_R2T);
	initiator_data_out(&initiator, itt, initiator.got.transfer_tag, 0, 0, data, 2048, false);
	for (int i = 0; i < 5; i++) {
		initiator_enter(&again, &scene, KEYS(""));
		initiator_settle(&again);
	}
	initiator_expect_end(&initiator);
	assert_int_equal(stats().sessions, 1);
	assert_true(stats().reinstatements >= 1); /* or the end of the connection was seen before */
	initiator_free(&again);
}

static void another_portal_group_is_another_nexus(void **state)
{
	(void)state;
	uint16_t port;
	struct initiator again;
	initiator_init(&again, 1);
	assert_int_equal(iscsi_portal_add(scene.server, "127.0.0.1:0", NULL, 2, &port), 0);
	initiator_enter(&initiator, &scene, KEYS(""));
	initiator_settle(&initiator);
	initiator_connect(&again, port);
	assert_int_equal(initiator_login(&again, KEYS("TargetName=" SCENE_TARGET "\0")), 0);
	initiator_settle(&again);
	initiator_settle(&initiator);
	assert_int_equal(stats().sessions, 2);
	initiator_logout(&again);
	initiator_free(&again);
}

/* ---- discovery ---- */

static void send_targets(struct initiator *who, const char *keys, size_t size)
{
	struct pdu pdu = {.opcode = PDU_TEXT_REQUEST, .immediate = true, .flags = PDU_FINAL,
			  .itt = who->next_itt++, .transfer_tag = PDU_NO_TAG, .cmd_sn = who->cmd_sn};
	initiator_send(who, &pdu, keys, size);
	initiator_expect(who, PDU_TEXT_RESPONSE);
	assert_int_equal(who->got.itt, pdu.itt);
}

static bool has(const struct initiator *who, const char *text)
{
	return memmem(who->data, who->size, text, strlen(text));
}

static void discovery_tells_targets_and_their_portals(void **state)
{
	(void)state;
	char expected[64];
	uint16_t port, host_port;
	assert_int_equal(iscsi_portal_add(scene.server, "127.0.0.1:0", "tape.example.com:1234", 7, &port), 0);
	assert_int_equal(iscsi_portal_add(scene.server, "127.0.0.1:0", "[2001:db8::1]", 8, &host_port), 0);
	assert_int_equal(iscsi_portal_add(scene.server, "127.0.0.1:0", "2001:db8::1", 8, &port), -EINVAL);
	assert_int_equal(iscsi_portal_add(scene.server, "0.0.0.0:0", NULL, 9, &port), 0);
	initiator_connect(&initiator, scene.port);
	assert_int_equal(initiator_login(&initiator, KEYS("SessionType=Discovery\0")), 0);
	send_targets(&initiator, KEYS("SendTargets=All\0"));
	assert_true(has(&initiator, "TargetName=" SCENE_TARGET));
	(void)snprintf(expected, sizeof(expected), "TargetAddress=127.0.0.1:%u,1", scene.port);
	assert_true(has(&initiator, expected));
	assert_true(has(&initiator, "TargetAddress=tape.example.com:1234,7"));
	(void)snprintf(expected, sizeof(expected), "TargetAddress=[2001:db8::1]:%u,8", host_port);
	assert_true(has(&initiator, expected));
	(void)snprintf(expected, sizeof(expected), "TargetAddress=127.0.0.1:%u,9", port);
	assert_true(has(&initiator, expected));
	/* No commands here. */
	static const uint8_t ready[6];
	initiator_command(&initiator, PDU_FINAL, ready, sizeof(ready), 0, NULL, 0);
	initiator_expect_reject(&initiator, REJECT_PROTOCOL);
	initiator_logout(&initiator);
	/* Only to those who may use it. */
	const struct iscsi_access access = {.initiator = "iqn.2026-11.test:somebody*"};
	assert_int_equal(iscsi_target_access(scene.server, SCENE_TARGET, &access, 1), 0);
	initiator_connect(&initiator, scene.port);
	assert_int_equal(initiator_login(&initiator, KEYS("SessionType=Discovery\0")), 0);
	send_targets(&initiator, KEYS("SendTargets=All\0"));
	assert_false(has(&initiator, SCENE_TARGET));
	initiator_logout(&initiator);
	initiator_connect(&initiator, scene.port);
	assert_int_equal(initiator_login(&initiator, KEYS("TargetName=" SCENE_TARGET "\0")), 0x0202);
}

static struct sockaddr_storage address_of(const char *text)
{
	struct sockaddr_storage address = {0};
	struct sockaddr_in *v4 = (struct sockaddr_in *)&address;
	struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)&address;
	address.ss_family = strchr(text, ':') ? AF_INET6 : AF_INET;
	assert_int_equal(inet_pton(address.ss_family, text,
				   strchr(text, ':') ? (void *)&v6->sin6_addr : (void *)&v4->sin_addr), 1);
	return address;
}

static void addresses_that_mean_nothing_elsewhere_are_not_told(void **state)
{
	(void)state;
	static const struct {
		const char *portal, *local;
		bool told;
	} rows[] = {
		{"192.0.2.1", "192.0.2.1", true},     {"192.0.2.1", "127.0.0.1", true},
		{"2001:db8::1", "192.0.2.1", true},   {"127.0.0.1", "127.0.0.9", true},
		{"127.0.0.1", "::1", true},	      {"127.0.0.1", "192.0.2.1", false},
		{"::1", "2001:db8::1", false},	      {"::1", "127.0.0.1", true},
		{"fe80::1", "fe80::1", false},	      {"fe80::1", "2001:db8::1", false},
		{"febf:ffff::1", "::1", false},	      {"fec0::1", "2001:db8::1", true},
		{"169.254.7.1", "192.0.2.1", false},  {"169.253.7.1", "192.0.2.1", true},
	};
	for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct sockaddr_storage portal = address_of(rows[i].portal);
		struct sockaddr_storage local = address_of(rows[i].local);
		if (address_is_reachable(&portal, &local) != rows[i].told)
			fail_msg("%s for who came to %s", rows[i].portal, rows[i].local);
	}
}

/* Who has come to one of the addresses of a portal on all of them is told that one. */
static void a_portal_on_all_addresses_tells_where_one_came_to(void **state)
{
	(void)state;
	uint16_t port;
	char expected[64];
	struct sockaddr_in to = {.sin_family = AF_INET};
	assert_int_equal(iscsi_portal_add(scene.server, "0.0.0.0:0", NULL, 9, &port), 0);
	assert_int_equal(inet_pton(AF_INET, "127.3.2.1", &to.sin_addr), 1);
	to.sin_port = htons(port);
	initiator.fd = socket(AF_INET, SOCK_STREAM, 0);
	assert_int_equal(connect(initiator.fd, (struct sockaddr *)&to, sizeof(to)), 0);
	assert_int_equal(initiator_login(&initiator, KEYS("SessionType=Discovery\0")), 0);
	send_targets(&initiator, KEYS("SendTargets=All\0"));
	(void)snprintf(expected, sizeof(expected), "TargetAddress=127.3.2.1:%u,9", port);
	assert_true(has(&initiator, expected));
}

static void portals_of_ipv6_are_apart(void **state)
{
	(void)state;
	uint16_t port, same;
	if (iscsi_portal_add(scene.server, "[::1]:0", NULL, 1, &port) == -EADDRNOTAVAIL)
		skip();
	char address[64];
	(void)snprintf(address, sizeof(address), "127.0.0.1:%u", port);
	assert_int_equal(iscsi_portal_add(scene.server, address, NULL, 1, &same), 0);
	assert_int_equal(same, port);
	assert_int_equal(iscsi_portal_add(scene.server, address, NULL, 1, &same), -EADDRINUSE);
	assert_int_equal(iscsi_portal_add(scene.server, "localhost:0", NULL, 1, &same), -EINVAL);
	assert_int_equal(iscsi_portal_add(scene.server, "[::1:0", NULL, 1, &same), -EINVAL);
	struct sockaddr_in6 to = {.sin6_family = AF_INET6, .sin6_port = htons(port),
				  .sin6_addr = IN6ADDR_LOOPBACK_INIT};
	initiator.fd = socket(AF_INET6, SOCK_STREAM, 0);
	assert_int_equal(connect(initiator.fd, (struct sockaddr *)&to, sizeof(to)), 0);
	assert_int_equal(initiator_login(&initiator, KEYS("SessionType=Discovery\0")), 0);
	send_targets(&initiator, KEYS("SendTargets=All\0"));
	(void)snprintf(address, sizeof(address), "TargetAddress=[::1]:%u,1", port);
	assert_true(has(&initiator, address));
}

/* ---- leaving ---- */

static void logouts_of_other_connections_are_refused(void **state)
{
	(void)state;
	static const struct {
		uint8_t reason, response;
		uint16_t cid;
	} rows[] = {{1, 1, 99}, {2, 2, 1}, {1, 0, 1}};
	initiator_enter(&initiator, &scene, KEYS(""));
	for (unsigned i = 0; i < 3; i++) {
		struct pdu pdu = {.opcode = PDU_LOGOUT_REQUEST, .immediate = true, .flags = PDU_FINAL,
				  .function = rows[i].reason, .cid = rows[i].cid, .itt = i,
				  .cmd_sn = initiator.cmd_sn};
		initiator_send(&initiator, &pdu, NULL, 0);
		initiator_expect(&initiator, PDU_LOGOUT_RESPONSE);
		assert_int_equal(initiator.got.response, rows[i].response);
	}
	initiator_expect_end(&initiator);
	wait_for_sessions(0);
}

static void a_session_that_is_ended_is_asked_first(void **state)
{
	(void)state;
	initiator_enter(&initiator, &scene, KEYS(""));
	assert_int_equal(iscsi_session_end(scene.server, 4711), -ENOENT);
	assert_int_equal(iscsi_session_end(scene.server, initiator.tsih), 0);
	initiator_expect(&initiator, PDU_ASYNC);
	assert_int_equal(initiator.got.response, 1);
	assert_int_equal(initiator.got.parameter[2], 60);
	initiator_logout(&initiator);
	wait_for_sessions(0);
}

static void who_stays_is_shown_out(void **state)
{
	(void)state;
	initiator_enter(&initiator, &scene, KEYS(""));
	assert_int_equal(iscsi_session_end(scene.server, initiator.tsih), 0);
	initiator_expect(&initiator, PDU_ASYNC);
	assert_int_equal(initiator.got.response, 1);
	assert_int_equal(initiator.got.parameter[2], 2);
	initiator_expect(&initiator, PDU_ASYNC);
	assert_int_equal(initiator.got.response, 3);
	initiator_expect_end(&initiator);
	wait_for_sessions(0);
}

static void note_removed(void *context)
{
	__atomic_store_n((bool *)context, true, __ATOMIC_RELEASE);
}

static void a_target_leaves_when_its_sessions_have(void **state)
{
	(void)state;
	bool removed = false;
	initiator_enter(&initiator, &scene, KEYS(""));
	assert_int_equal(iscsi_target_add(scene.server, scene.target, NULL, 0), -EEXIST);
	assert_int_equal(iscsi_target_remove(scene.server, SCENE_TARGET, note_removed, &removed), 0);
	assert_int_equal(iscsi_target_remove(scene.server, SCENE_TARGET, note_removed, &removed), -ENOENT);
	initiator_expect(&initiator, PDU_ASYNC);
	assert_false(__atomic_load_n(&removed, __ATOMIC_ACQUIRE));
	initiator_connect(&other, scene.port);
	assert_int_equal(initiator_login(&other, KEYS("TargetName=" SCENE_TARGET "\0")), 0x0203);
	initiator_logout(&initiator);
	for (int i = 0; i < SCENE_MS && !__atomic_load_n(&removed, __ATOMIC_ACQUIRE); i++)
		usleep(1000);
	assert_true(__atomic_load_n(&removed, __ATOMIC_ACQUIRE));
	/* It may come again; without sessions it leaves at once. */
	assert_int_equal(iscsi_target_add(scene.server, scene.target, NULL, 0), 0);
	initiator_enter(&initiator, &scene, KEYS(""));
	initiator_logout(&initiator);
	wait_for_sessions(0);
	removed = false;
	assert_int_equal(iscsi_target_remove(scene.server, SCENE_TARGET, note_removed, &removed), 0);
	assert_true(removed);
}

static void a_server_that_stops_says_so(void **state)
{
	(void)state;
	initiator_enter(&initiator, &scene, KEYS(""));
	initiator_settle(&initiator);
	sleep_command(&initiator, 30000);
	initiator_connect(&other, scene.port); /* in the middle of its login */
	uint64_t begin = clock_monotonic_ns();
	iscsi_server_free(&scene.server);
	assert_in_range((clock_monotonic_ns() - begin) / 1000000, 1000, 20000);
	initiator_expect(&initiator, PDU_ASYNC);
	assert_int_equal(initiator.got.response, 1);
	initiator_expect(&initiator, PDU_ASYNC);
	assert_int_equal(initiator.got.response, 3);
	initiator_expect_end(&initiator);
	initiator_expect_end(&other);
}

static void *stop_server(void *context)
{
	iscsi_server_free(context);
	return NULL;
}

/* Nobody is waited for who has left when asked. */
static void a_server_stops_at_once_when_all_have_left(void **state)
{
	(void)state;
	pthread_t thread;
	initiator_enter(&initiator, &scene, KEYS(""));
	initiator_enter(&other, &scene, KEYS(""));
	initiator_settle(&initiator);
	uint64_t begin = clock_monotonic_ns();
	assert_int_equal(pthread_create(&thread, NULL, stop_server, &scene.server), 0);
	initiator_expect(&initiator, PDU_ASYNC);
	initiator_expect(&other, PDU_ASYNC);
	initiator_logout(&initiator);
	initiator_logout(&other);
	assert_int_equal(pthread_join(thread, NULL), 0);
	assert_true((clock_monotonic_ns() - begin) / 1000000 < 50000); /* less than the time to leave */
}

/* ---- for people ---- */

static void sessions_are_listed(void **state)
{
	(void)state;
	struct iscsi_session_info *list;
	size_t count;
	initiator_enter(&initiator, &scene,
			KEYS("InitiatorAlias=left\0HeaderDigest=CRC32C\0InitialR2T=No\0MaxBurstLength=262144\0"
			     "MaxRecvDataSegmentLength=65536\0"));
	initiator_settle(&initiator);
	initiator_expect_good(&initiator, initiator_write(&initiator, 0, 8, (uint8_t[4096]){0}, 4096, false));
	assert_int_equal(iscsi_sessions(scene.server, &list, &count), 0);
	assert_int_equal(count, 1);
	assert_string_equal(list->target, SCENE_TARGET);
	assert_string_equal(list->initiator, "iqn.2026-11.test:initiator");
	assert_string_equal(list->alias, "left");
	assert_memory_equal(list->isid, initiator.isid, 6);
	assert_int_equal(list->tsih, initiator.tsih);
	assert_false(list->discovery || list->data_digest || list->initial_r2t);
	assert_true(list->header_digest && list->immediate_data);
	assert_int_equal(list->max_burst, 262144);
	assert_int_equal(list->max_send, 65536);
	assert_true(list->commands >= 2 && list->bytes_in > 4096 && list->bytes_out > 48);
	assert_int_equal(strncmp(list->peer, "127.0.0.1:", 10), 0);
	free(list);
}

static void answer_ping(void)
{
	initiator_expect(&initiator, PDU_NOP_IN);
	assert_int_equal(initiator.got.itt, PDU_NO_TAG);
	assert_int_not_equal(initiator.got.transfer_tag, PDU_NO_TAG);
	struct pdu pong = {.opcode = PDU_NOP_OUT, .immediate = true, .flags = PDU_FINAL, .itt = PDU_NO_TAG,
			   .transfer_tag = initiator.got.transfer_tag, .cmd_sn = initiator.cmd_sn};
	initiator_send(&initiator, &pong, NULL, 0);
}

static void a_silent_initiator_is_pinged(void **state)
{
	(void)state;
	const struct iscsi_settings settings = {.ping_seconds = 1, .ping_answer_seconds = 60};
	start_with(&settings);
	initiator_enter(&initiator, &scene, KEYS(""));
	for (unsigned i = 0; i < 2; i++)
		answer_ping();
	assert_int_equal(stats().timeouts, 0);
}

static void who_answers_no_ping_is_gone(void **state)
{
	(void)state;
	const struct iscsi_settings settings = {.ping_seconds = 1, .ping_answer_seconds = 1};
	start_with(&settings);
	initiator_enter(&initiator, &scene, KEYS(""));
	initiator_expect(&initiator, PDU_NOP_IN);
	initiator_expect_end(&initiator);
	assert_int_equal(stats().timeouts, 1);
	wait_for_sessions(0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(slow_logins_end, NULL, stop),
		cmocka_unit_test_setup_teardown(what_is_no_login_ends_the_connection, start, stop),
		cmocka_unit_test_setup_teardown(refused_logins_say_why, start, stop),
		cmocka_unit_test_setup_teardown(a_target_that_is_away_is_to_be_tried_again, start, stop),
		cmocka_unit_test_setup_teardown(a_session_has_one_connection, start, stop),
		cmocka_unit_test_setup_teardown(sessions_are_limited, NULL, stop),
		cmocka_unit_test_setup_teardown(a_second_login_replaces_the_session, start, stop),
		cmocka_unit_test_setup_teardown(the_old_sessions_task_ends_first, start, stop),
		cmocka_unit_test_setup_teardown(another_portal_group_is_another_nexus, start, stop),
		cmocka_unit_test_setup_teardown(discovery_tells_targets_and_their_portals, start, stop),
		cmocka_unit_test(addresses_that_mean_nothing_elsewhere_are_not_told),
		cmocka_unit_test_setup_teardown(a_portal_on_all_addresses_tells_where_one_came_to, start, stop),
		cmocka_unit_test_setup_teardown(portals_of_ipv6_are_apart, start, stop),
		cmocka_unit_test_setup_teardown(logouts_of_other_connections_are_refused, start, stop),
		cmocka_unit_test_setup_teardown(a_session_that_is_ended_is_asked_first, start_patient, stop),
		cmocka_unit_test_setup_teardown(who_stays_is_shown_out, start, stop),
		cmocka_unit_test_setup_teardown(a_target_leaves_when_its_sessions_have, start_patient, stop),
		cmocka_unit_test_setup_teardown(a_server_that_stops_says_so, start, stop),
		cmocka_unit_test_setup_teardown(a_server_stops_at_once_when_all_have_left, start_patient, stop),
		cmocka_unit_test_setup_teardown(sessions_are_listed, start, stop),
		cmocka_unit_test_setup_teardown(a_silent_initiator_is_pinged, NULL, stop),
		cmocka_unit_test_setup_teardown(who_answers_no_ping_is_gone, NULL, stop),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
