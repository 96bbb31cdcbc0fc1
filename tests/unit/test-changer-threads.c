/* SPDX-License-Identifier: MIT */
/*
 * Two hosts and an operator use a library at once: no cartridge is ever lost or
 * seen twice, and every move is made wholly or refused.
 */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "lib/base/bytes.h"
#include "lib/base/log.h"
#include "lib/base/mem.h"
#include "tests/unit/changer_support.h"

enum { ROUNDS = 1500, CARTRIDGES = 4 };

static const uint16_t addresses[] = { 10, 11, 500, 501, 1000, 1001, 1002, 1003 };

struct actor {
	pthread_t thread;
	struct rig *rig;
	unsigned host, seed;
	unsigned moved, refused, seen;
};

static uint16_t any_address(unsigned *seed)
{
	return addresses[(size_t)rand_r(seed) % (sizeof(addresses) / sizeof(addresses[0]))];
}

/* Full elements of an answer of READ ELEMENT STATUS without tags. */
static unsigned count_full(const struct reply *reply)
{
	unsigned full = 0;

	for (size_t at = 8; at < reply->size;) {
		size_t end = at + 8 + be_get24(reply->data + at + 5);

		for (at += 8; at < end; at += 16)
			full += reply->data[at + 2] & 1;
	}
	return full;
}

static void *host_main(void *context)
{
	struct actor *actor = context;
	struct reply *reply = mem_zalloc(sizeof(*reply));

	for (unsigned i = 0; i < ROUNDS; i++) {
		uint8_t move[12] = { 0xa5 };

		be_put16(move + 4, any_address(&actor->seed));
		be_put16(move + 6, any_address(&actor->seed));
		rig_command(actor->rig, actor->host, move, sizeof(move), reply);
		if (reply->status == SCSI_GOOD)
			actor->moved++;
		else
			actor->refused++;
		rig_command(actor->rig, actor->host,
			    CDB(0xb8, 0, 0, 0, 0xff, 0xff, 2, 0, 0xff, 0xff, 0, 0), reply);
		if (reply->status == SCSI_GOOD && count_full(reply) == CARTRIDGES)
			actor->seen++;
		else if (reply->status == SCSI_GOOD)
			abort();
		/* Log pages, mode pages and TEST UNIT READY meanwhile. */
		rig_command(actor->rig, actor->host, CDB(0x4d, 0, 0x6e, 0, 0, 0, 0, 2, 0, 0), reply);
		rig_command(actor->rig, actor->host, CDB(0x00, 0, 0, 0, 0, 0), reply);
	}
	free(reply);
	return NULL;
}

static void *operator_main(void *context)
{
	struct actor *actor = context;
	char message[256];

	for (unsigned i = 0; i < ROUNDS; i++) {
		struct element *elements = NULL;
		size_t count = 0;
		unsigned full = 0;

		if (changer_move(actor->rig->changer, any_address(&actor->seed),
				 any_address(&actor->seed), message) == 0)
			actor->moved++;
		else
			actor->refused++;
		if (changer_inventory(actor->rig->changer, &elements, &count) != 0)
			abort();
		for (size_t n = 0; n < count; n++)
			full += elements[n].barcode[0] != '\0';
		free(elements);
		if (full != CARTRIDGES)
			abort();
		actor->seen++;
	}
	return NULL;
}

static void test_two_hosts_and_an_operator(void **state)
{
	struct rig *rig = rig_new_usual();
	struct actor actors[3];

	(void)state;
	for (unsigned i = 0; i < 3; i++) {
		actors[i] = (struct actor){ .rig = rig, .host = i, .seed = i + 1 };
		assert_int_equal(pthread_create(&actors[i].thread, NULL,
						i < 2 ? host_main : operator_main, &actors[i]),
				 0);
	}
	for (unsigned i = 0; i < 3; i++) {
		pthread_join(actors[i].thread, NULL);
		assert_true(actors[i].moved > 0);
		assert_true(actors[i].refused > 0);
		assert_true(actors[i].seen > 0);
	}
	rig_assert_consistent(rig);
	rig_free(&rig);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_two_hosts_and_an_operator),
	};

	log_set_level(LOG_LEVEL_ERROR);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
