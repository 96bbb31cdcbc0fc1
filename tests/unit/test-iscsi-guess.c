/* SPDX-License-Identifier: MIT */
/*
 * Guessing secrets is slow: after a wrong one the next proofs of that user from that address wait, longer
 * each time, also those of connections that were there before; those of other addresses and users and
 * sessions that are there do not; and a right secret gets in all the same.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <arpa/inet.h>
#include <errno.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/base/clock.h"
#include "target/iscsi/guess.h"
#include "tests/unit/initiator.h"

#define FIRST_MS 1000
#define SECRET	 "a secret of sixteen"
#define MS	 1000000ull
/* Its row asks for another user than those of the others. */
#define NEIGHBOUR "iqn.2026-11.test:neighbour"

static struct scene scene;

static int start_with(uint32_t guess_ms)
{
	const struct iscsi_settings settings = {.threads = 2, .guess_ms = guess_ms};
	const struct iscsi_access access[] = {
		{.initiator = NEIGHBOUR, .user = "ann", .secret = SECRET},
		{.user = "joe", .secret = SECRET},
	};
	scene_start(&scene, &settings);
	assert_int_equal(iscsi_target_access(scene.server, SCENE_TARGET, access, 2), 0);
	return 0;
}

static int start(void **state)
{
	(void)state;
	return start_with(FIRST_MS);
}

/* What has to happen within a delay may take its time. */
static int start_slow(void **state)
{
	(void)state;
	return start_with(5 * FIRST_MS);
}

/* Nobody's delay ends before the test. */
static int start_long(void **state)
{
	(void)state;
	return start_with(600000);
}

static int stop(void **state)
{
	(void)state;
	scene_stop(&scene);
	return 0;
}

/* ---- CHAP by hand ---- */

static void ask(struct initiator *who, uint8_t flags, const char *text, size_t size)
{
	struct pdu pdu = {.opcode = PDU_LOGIN_REQUEST, .immediate = true, .flags = flags, .itt = 1,
			  .cid = 1, .cmd_sn = who->cmd_sn};
	memcpy(pdu.isid, who->isid, sizeof(pdu.isid));
	initiator_send(who, &pdu, text, size);
}

/* Up to the challenge. */
static void begin(struct initiator *who)
{
	char text[256];
	int size = snprintf(text, sizeof(text), "InitiatorName=%s%cTargetName=" SCENE_TARGET "%cAuthMethod=CHAP%c",
			    who->name, 0, 0, 0);
	ask(who, 0, text, (size_t)size);
	initiator_expect(who, PDU_LOGIN_RESPONSE);
	ask(who, 0, KEYS("CHAP_A=5\0"));
	initiator_expect(who, PDU_LOGIN_RESPONSE);
	assert_int_equal(who->got.response, 0);
}

static void begin_new(struct initiator *who, unsigned number)
{
	initiator_init(who, number);
	initiator_connect(who, scene.port);
	begin(who);
}

static const char *value_of(const struct initiator *who, const char *key)
{
	const char *at = memmem(who->data, who->size, key, strlen(key));
	assert_non_null(at);
	return at + strlen(key);
}

static void prove(struct initiator *who, const char *secret)
{
	uint8_t bytes[256], digest[EVP_MAX_MD_SIZE];
	const char *challenge = value_of(who, "CHAP_C=") + 2;
	size_t size = 0;
	bytes[size++] = (uint8_t)atoi(value_of(who, "CHAP_I="));
	memcpy(bytes + size, secret, strlen(secret));
	size += strlen(secret);
	for (; *challenge; challenge += 2) {
		unsigned byte;
		assert_int_equal(sscanf(challenge, "%2x", &byte), 1);
		bytes[size++] = (uint8_t)byte;
	}
	assert_int_equal(EVP_Digest(bytes, size, digest, NULL, EVP_md5(), NULL), 1);
	char text[128];
	const char *user = strcmp(who->name, NEIGHBOUR) == 0 ? "ann" : "joe";
	int length = snprintf(text, sizeof(text), "CHAP_N=%s%cCHAP_R=0x", user, 0);
	for (int i = 0; i < 16; i++)
		length += snprintf(text + length, sizeof(text) - (size_t)length, "%02x", digest[i]);
	ask(who, PDU_FINAL | 1, text, (size_t)length + 1);
}

static unsigned status_of(struct initiator *who)
{
	initiator_expect(who, PDU_LOGIN_RESPONSE);
	return (unsigned)who->got.response << 8 | who->got.status;
}

static uint64_t ms_since(uint64_t begin_ns)
{
	return (clock_monotonic_ns() - begin_ns) / MS;
}

static void pings_are_answered(struct initiator *who)
{
	struct pdu nop = {.opcode = PDU_NOP_OUT, .immediate = true, .flags = PDU_FINAL,
			  .itt = who->next_itt++, .transfer_tag = PDU_NO_TAG, .cmd_sn = who->cmd_sn};
	initiator_send(who, &nop, NULL, 0);
	initiator_expect(who, PDU_NOP_IN);
}

/* ---- tests ---- */

static void each_wrong_secret_slows_the_next(void **state)
{
	(void)state;
	struct initiator who;
	/* From before the first is told, which is when its delay begins. */
	uint64_t since = clock_monotonic_ns(), waited = 0;
	for (unsigned guess = 0; guess < 3; guess++) {
		begin_new(&who, guess);
		prove(&who, guess < 2 ? "not this one" : SECRET);
		assert_int_equal(status_of(&who), guess < 2 ? 0x0201 : 0);
		assert_true(ms_since(since) >= waited);
		waited += FIRST_MS << guess;
		initiator_free(&who);
	}
}

static void connections_side_by_side_are_no_faster(void **state)
{
	(void)state;
	enum { GUESSES = 1 + GUESS_WAITING_MAX + 3 };
	struct initiator many[GUESSES], inside;
	unsigned refused = 0;
	begin_new(&inside, 99);
	prove(&inside, SECRET);
	assert_int_equal(status_of(&inside), 0);
	ask(&inside, PDU_FINAL | 1 << 2 | 3, "", 0);
	initiator_expect(&inside, PDU_LOGIN_RESPONSE);
	for (unsigned i = 0; i < GUESSES; i++)
		begin_new(&many[i], i);
	prove(&many[0], "wrong");
	assert_int_equal(status_of(&many[0]), 0x0201);
	/* As many as may wait do, the right one with them; the others are sent away unheard. */
	prove(&many[1], SECRET);
	initiator_expect_nothing(&many[1], 50);
	for (unsigned i = 2; i < GUESSES; i++)
		prove(&many[i], "wrong");
	pings_are_answered(&inside);
	assert_int_equal(status_of(&many[1]), 0);
	for (unsigned i = 2; i < GUESSES; i++)
		refused += status_of(&many[i]) == 0x0301;
	assert_int_equal(refused, 3);
	for (unsigned i = 0; i < GUESSES; i++)
		initiator_free(&many[i]);
	initiator_free(&inside);
}

/* Who leaves while it waits leaves no place taken; a server that stops does not wait for them. */
static void who_waits_may_leave(void **state)
{
	(void)state;
	struct initiator who[2 * GUESS_WAITING_MAX + 1];
	for (unsigned i = 0; i < 2 * GUESS_WAITING_MAX + 1; i++)
		begin_new(&who[i], i);
	prove(&who[0], "wrong");
	assert_int_equal(status_of(&who[0]), 0x0201);
	for (unsigned i = 1; i <= GUESS_WAITING_MAX; i++) {
		prove(&who[i], "wrong");
		(void)initiator_receive(&who[i], 5); /* nothing, but after a long wait for the processor */
		initiator_close(&who[i]);
	}
	/* The server may take a moment to see that they have gone. */
	struct initiator *next = &who[GUESS_WAITING_MAX + 1];
	for (unsigned i = 0; i < GUESS_WAITING_MAX; i++) {
		for (unsigned tries = 0; tries < SCENE_MS; tries++) {
			prove(&next[i], SECRET);
			if (status_of(&next[i]) != 0x0301)
				break;
			usleep(1000);
			initiator_free(&next[i]);
			begin_new(&next[i], 50 + i);
		}
		assert_int_equal(next[i].got.response, 0);
		initiator_free(&next[i]);
	}
	initiator_free(&who[0]);
	for (unsigned i = 1; i <= GUESS_WAITING_MAX; i++)
		initiator_free(&who[i]);
}

/* Behind one address there may be many hosts: one whose secret is an old one delays none but those that
 * prove the same secret. */
static void other_users_of_the_address_do_not_wait(void **state)
{
	(void)state;
	enum { GUESSES = 1 + GUESS_WAITING_MAX + 1 };
	struct initiator who[GUESSES], neighbour;
	for (unsigned i = 0; i < GUESSES; i++)
		begin_new(&who[i], i);
	prove(&who[0], "an old secret");
	assert_int_equal(status_of(&who[0]), 0x0201);
	for (unsigned i = 1; i < GUESSES; i++)
		prove(&who[i], SECRET);
	/* One of them, whichever comes last, finds no place to wait. */
	unsigned refused = 0;
	for (unsigned try = 0; !refused && try < SCENE_MS / 10; try++) {
		unsigned i = 1 + try % (GUESSES - 1);
		refused = initiator_receive(&who[i], 10) == 0 ? i : 0;
	}
	assert_true(refused);
	assert_int_equal(who[refused].got.response << 8 | who[refused].got.status, 0x0301);
	initiator_init(&neighbour, 77);
	neighbour.name = NEIGHBOUR;
	initiator_connect(&neighbour, scene.port);
	begin(&neighbour);
	prove(&neighbour, SECRET);
	assert_int_equal(status_of(&neighbour), 0);
	for (unsigned i = 1; i < GUESSES; i++)
		if (i != refused)
			initiator_expect_nothing(&who[i], 5);
	for (unsigned i = 0; i < GUESSES; i++)
		initiator_free(&who[i]);
	initiator_free(&neighbour);
}

/* ---- the table alone ---- */

static struct sockaddr_storage address(const char *text)
{
	struct sockaddr_storage address = {0};
	struct sockaddr_in *v4 = (struct sockaddr_in *)&address;
	struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)&address;
	address.ss_family = strchr(text, ':') ? AF_INET6 : AF_INET;
	assert_int_equal(inet_pton(address.ss_family, text,
				   strchr(text, ':') ? (void *)&v6->sin6_addr : (void *)&v4->sin_addr), 1);
	return address;
}

/* When a proof of this address would be looked at, in ms from `now`. */
static uint64_t delay_of_user(struct guess_table *table, const char *text, const char *user, uint64_t now)
{
	struct sockaddr_storage peer = address(text);
	struct guess_source *source = NULL;
	uint64_t until;
	assert_int_equal(guess_arrive(table, &peer, user, now, &until, &source), 0);
	if (!until)
		return 0;
	guess_leave(table, source);
	return (until - now) / MS;
}

static uint64_t delay_of(struct guess_table *table, const char *text, uint64_t now)
{
	return delay_of_user(table, text, "joe", now);
}

static void fail_from(struct guess_table *table, const char *text, uint64_t now)
{
	struct sockaddr_storage peer = address(text);
	guess_failed(table, &peer, "joe", now);
}

static void delays_grow_and_are_bounded_and_forgotten(void **state)
{
	(void)state;
	static const uint64_t delays[] = {100, 200, 400, 800, 800, 800};
	struct guess_table *table = guess_table_new(100 * MS);
	uint64_t now = 5 * MS;
	for (unsigned i = 0; i < 6; i++) {
		fail_from(table, "192.0.2.7", now);
		assert_int_equal(delay_of(table, "192.0.2.7", now), delays[i]);
		assert_int_equal(delay_of(table, "192.0.2.8", now), 0);
		now += delays[i] * MS;
		assert_int_equal(delay_of(table, "192.0.2.7", now), 0);
	}
	now += 61000 * MS;
	fail_from(table, "192.0.2.7", now);
	assert_int_equal(delay_of(table, "192.0.2.7", now), 100);
	/* All of an IPv6 network is one. */
	fail_from(table, "2001:db8::1", now);
	assert_int_equal(delay_of(table, "2001:db8::ffff:2", now), 100);
	assert_int_equal(delay_of(table, "2001:db8:0:1::1", now), 0);
	guess_table_free(&table);
}

static void many_sources_push_out_the_oldest_alone(void **state)
{
	(void)state;
	struct guess_table *table = guess_table_new(1000 * MS);
	struct sockaddr_storage kept = address("198.51.100.1");
	struct guess_source *source;
	uint64_t now = MS, until;
	char text[32];
	guess_failed(table, &kept, "joe", now);
	assert_int_equal(guess_arrive(table, &kept, "joe", now, &until, &source), 0);
	assert_true(until > now);
	for (unsigned i = 0; i < 5000; i++) {
		(void)snprintf(text, sizeof(text), "10.0.%u.%u", i >> 8, i & 255);
		fail_from(table, text, ++now);
	}
	assert_true(delay_of(table, text, now) > 0);
	assert_int_equal(delay_of(table, "10.0.0.0", now), 0);
	assert_true(delay_of(table, "198.51.100.1", now) > 0); /* somebody waits for it */
	guess_leave(table, source);
	guess_table_free(&table);
}

/* Who may guess for very many users gains nothing by taking them in turn, nor room in the table. */
static void very_many_users_of_an_address_are_one(void **state)
{
	(void)state;
	struct guess_table *table = guess_table_new(1000 * MS);
	struct sockaddr_storage peer = address("192.0.2.7");
	uint64_t now = MS;
	char user[32];
	fail_from(table, "198.51.100.1", now);
	for (unsigned round = 0; round < 3; round++) {
		for (unsigned i = 0; i < 1000; i++) {
			(void)snprintf(user, sizeof(user), "user%u", i);
			guess_failed(table, &peer, user, ++now);
		}
	}
	assert_int_equal(delay_of_user(table, "192.0.2.7", "user3", now), 3999);
	assert_int_equal(delay_of_user(table, "192.0.2.7", "user999", now), 8000);
	assert_int_equal(delay_of_user(table, "192.0.2.7", "another", now), 8000);
	assert_int_equal(delay_of_user(table, "192.0.2.8", "user3", now), 0);
	assert_true(delay_of(table, "198.51.100.1", now) > 0);
	/* Those that are forgotten are no users any more. */
	now += 100000 * MS;
	guess_failed(table, &peer, "late", now);
	assert_int_equal(delay_of_user(table, "192.0.2.7", "late", now), 1000);
	assert_int_equal(delay_of_user(table, "192.0.2.7", "another", now), 0);
	guess_table_free(&table);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(each_wrong_secret_slows_the_next, start, stop),
		cmocka_unit_test_setup_teardown(connections_side_by_side_are_no_faster, start_slow, stop),
		cmocka_unit_test_setup_teardown(who_waits_may_leave, start, stop),
		cmocka_unit_test_setup_teardown(other_users_of_the_address_do_not_wait, start_long, stop),
		cmocka_unit_test(delays_grow_and_are_bounded_and_forgotten),
		cmocka_unit_test(many_sources_push_out_the_oldest_alone),
		cmocka_unit_test(very_many_users_of_an_address_are_one),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
