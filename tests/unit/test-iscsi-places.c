/* SPDX-License-Identifier: MIT */
/* Who takes the places that there are for sessions, and from whom. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/base/clock.h"
#include "lib/base/log.h"
#include "tests/unit/initiator.h"

#define HOSTS 4u

static struct scene scene;
static struct initiator initiator, other, hosts[HOSTS];
static struct scsi_target *closed;

static void start(const struct iscsi_settings *settings)
{
	log_set_level(LOG_LEVEL_ERROR);
	scene_start(&scene, settings);
	initiator_init(&initiator, 1);
	initiator_init(&other, 2);
	for (unsigned i = 0; i < HOSTS; i++)
		initiator_init(&hosts[i], 10 + i);
}

static int stop(void **state)
{
	(void)state;
	initiator_free(&initiator);
	initiator_free(&other);
	for (unsigned i = 0; i < HOSTS; i++)
		initiator_free(&hosts[i]);
	scene_stop(&scene);
	scsi_target_free(&closed);
	return 0;
}

#define DISCOVERY KEYS("SessionType=Discovery\0")

/* Whoever may only ask for names keeps nobody from logging in, and does not stay. */
static void discovery_takes_no_places(void **state)
{
	(void)state;
	const struct iscsi_settings settings = {.sessions_max = 4, .discovery_seconds = 4};
	start(&settings);
	initiator_connect(&initiator, scene.port);
	assert_int_equal(initiator_login(&initiator, DISCOVERY), 0);
	initiator_connect_from(&other, scene.port, 0x7f000002);
	assert_int_equal(initiator_login(&other, DISCOVERY), 0x0302);
	for (unsigned i = 0; i < HOSTS; i++)
		initiator_enter(&hosts[i], &scene, KEYS(""));
	initiator_expect_end(&initiator);
	initiator_connect(&other, scene.port);
	assert_int_equal(initiator_login(&other, DISCOVERY), 0);
}

/* Nor does one who lists the names again and again keep others from doing so: when the places are taken, the
 * oldest of who has most of them goes. */
static void discovery_is_for_all(void **state)
{
	(void)state;
	const struct iscsi_settings settings = {.sessions_max = 4 * HOSTS};
	start(&settings);
	for (unsigned i = 0; i < HOSTS; i++) {
		initiator_connect_from(&hosts[i], scene.port, i == 1 ? 0x7f000002 : 0x7f000003);
		assert_int_equal(initiator_login(&hosts[i], DISCOVERY), 0);
	}
	initiator_connect(&other, scene.port);
	assert_int_equal(initiator_login(&other, DISCOVERY), 0);
	initiator_expect_end(&hosts[0]);
	/* Who is alone at its address stays, whoever comes. */
	for (unsigned i = 0; i < 2 * HOSTS; i++) {
		struct initiator *again = &hosts[i % 2 ? 2 : 3];
		initiator_free(again);
		initiator_init(again, 20 + i);
		initiator_connect_from(again, scene.port, 0x7f000003);
		assert_int_equal(initiator_login(again, DISCOVERY), 0);
	}
	static const uint8_t all[] = "SendTargets=All";
	struct pdu ask = {.opcode = PDU_TEXT_REQUEST, .immediate = true, .flags = PDU_FINAL, .itt = 7,
			  .transfer_tag = PDU_NO_TAG};
	struct initiator *stay[] = {&hosts[1], &other};
	for (unsigned i = 0; i < 2; i++) {
		ask.cmd_sn = stay[i]->cmd_sn;
		initiator_send(stay[i], &ask, all, sizeof(all));
		initiator_expect(stay[i], PDU_TEXT_RESPONSE);
	}
}

/* Nor do those who use a library without a list keep others from one with a list. */
static void an_open_library_leaves_places(void **state)
{
	(void)state;
	const struct iscsi_settings settings = {.sessions_max = 4};
	const struct iscsi_access access = {.initiator = "iqn.*"};
	const uint8_t uuid[16] = {1};
	start(&settings);
	closed = scsi_target_new("iqn.2026-11.test:closed", uuid);
	assert_int_equal(iscsi_target_add(scene.server, closed, &access, 1), 0);
	for (unsigned i = 0; i < HOSTS; i++) {
		initiator_connect(&hosts[i], scene.port);
		assert_int_equal(initiator_login(&hosts[i], KEYS("TargetName=" SCENE_TARGET "\0")),
				 i < 3 ? 0 : 0x0302);
	}
	initiator_connect(&other, scene.port);
	assert_int_equal(initiator_login(&other, KEYS("TargetName=iqn.2026-11.test:closed\0")), 0);
}

static bool has_ended(const struct initiator *one)
{
	uint8_t byte;
	return recv(one->fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) == 0;
}

/* That just so many of the initiators have been shown out. */
static void wait_for_ends(const struct initiator *many, unsigned count, unsigned wanted)
{
	uint64_t until = clock_monotonic_ns() + SCENE_MS * 1000000ull;
	for (unsigned ended = 0; ended != wanted; usleep(1000)) {
		ended = 0;
		for (unsigned i = 0; i < count; i++)
			ended += has_ended(&many[i]);
		assert_true(ended <= wanted && clock_monotonic_ns() < until);
	}
}

/* 384 connections may be in login, and 96 of one address; who is in is not counted. */
static void half_open_connections_are_limited(void **state)
{
	(void)state;
	enum { LIMIT = 384, EACH = 96, MORE = 8 };
	struct initiator many[LIMIT + MORE], last;
	const struct iscsi_settings settings = {.threads = 2, .login_seconds = 120};
	start(&settings);
	initiator_init(&last, 99);
	initiator_enter(&initiator, &scene, KEYS(""));
	for (unsigned i = 0; i < LIMIT + MORE; i++)
		initiator_init(&many[i], 100 + i);
	/* One address keeps nobody else out. */
	for (unsigned i = 0; i < EACH + 1; i++)
		initiator_connect(&many[i], scene.port);
	assert_int_equal(initiator_receive(&many[EACH], SCENE_MS), -EPIPE);
	initiator_connect_from(&other, scene.port, INADDR_LOOPBACK + 1);
	assert_int_equal(initiator_login(&other, KEYS("TargetName=" SCENE_TARGET "\0")), 0);
	/* Nor do four together: who has most of them loses the oldest to one who has fewer. */
	for (unsigned i = EACH; i < LIMIT; i++)
		initiator_connect_from(&many[i], scene.port, INADDR_LOOPBACK + i / EACH);
	initiator_connect_from(&last, scene.port, INADDR_LOOPBACK + LIMIT / EACH);
	assert_int_equal(initiator_login(&last, KEYS("TargetName=" SCENE_TARGET "\0")), 0);
	wait_for_ends(many, EACH, 1);
	/* One place is free, since `last` is through. */
	for (unsigned i = LIMIT; i < LIMIT + MORE; i++)
		initiator_connect_from(&many[i], scene.port, INADDR_LOOPBACK + LIMIT / EACH);
	wait_for_ends(many, LIMIT, MORE);
	for (unsigned i = LIMIT; i < LIMIT + MORE; i++)
		assert_false(has_ended(&many[i]));
	for (unsigned i = 0; i < LIMIT + MORE; i++)
		initiator_free(&many[i]);
	initiator_settle(&initiator);
	initiator_settle(&other);
	initiator_free(&last);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(discovery_takes_no_places, stop),
		cmocka_unit_test_teardown(discovery_is_for_all, stop),
		cmocka_unit_test_teardown(an_open_library_leaves_places, stop),
		cmocka_unit_test_teardown(half_open_connections_are_limited, stop),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
