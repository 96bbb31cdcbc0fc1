/* SPDX-License-Identifier: MIT */
/*
 * Persistent reservations go over to another port with REGISTER AND MOVE, and outlive the process with
 * APTPL: what changes is kept before the command is answered, or has not happened.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "lib/base/bytes.h"
#include "tests/unit/scsi-fake.h"

static struct scene scene;
static struct answer answer;

enum { REGISTER, RESERVE, RELEASE, CLEAR, PREEMPT, PREEMPT_ABORT, IGNORE, MOVE };
enum { WE = 1, EA = 3, EARO = 6, WEAR = 7 };
#define A_KEY	0xaaaa000000000001ull
#define B_KEY	0xbbbb000000000002ull
#define C_KEY	0xcccc000000000003ull
#define TO_B	"iqn.2026-01.org.granary:b,i,0x400000000002"
#define TO_C	"iqn.2026-01.org.granary:c,i,0x400000000003"

/* ---- a keeper that remembers ---- */

static struct {
	struct scsi_registration registrations[4];
	struct scsi_kept kept;
	unsigned saves;
	int error;
} store;

static int store_save(void *context, const struct scsi_lu *lu, const struct scsi_kept *kept)
{
	assert_ptr_equal(context, &store);
	assert_int_equal(lu->number, 0);
	store.saves++;
	if (store.error)
		return store.error;
	assert_true(kept->count <= 4);
	if (kept->count)
		memcpy(store.registrations, kept->registrations, kept->count * sizeof(*kept->registrations));
	store.kept = *kept;
	store.kept.registrations = store.registrations;
	return 0;
}

static const struct scsi_keeper keeper = {.save = store_save, .context = &store};

static void ports_check(void);

static int start(void **state)
{
	(void)state;
	memset(&store, 0, sizeof(store));
	fake_keeper = &keeper;
	scene_start(&scene, true);
	ports_check();
	return 0;
}

static int stop(void **state)
{
	(void)state;
	scene_stop(&scene);
	fake_keeper = NULL;
	fake_kept = NULL;
	return 0;
}

/* The process ends and comes again. */
static void restart(void)
{
	static struct scsi_registration registrations[4];
	static struct scsi_kept kept;
	memcpy(registrations, store.registrations, sizeof(registrations));
	kept = store.kept;
	kept.registrations = registrations;
	scene_stop(&scene);
	fake_kept = &kept;
	scene_start(&scene, true);
}

/* ---- commands ---- */

static enum scsi_status out(struct scsi_nexus *nexus, uint8_t action, uint8_t type, uint64_t key,
			    uint64_t action_key, bool keep)
{
	uint8_t list[24] = {[20] = keep};
	be_put64(list, key);
	be_put64(list + 8, action_key);
	SEND(&answer, nexus, list, sizeof(list), 0x5f, action, type, 0, 0, 0, 0, 0, 24);
	return answer.status;
}

static void assert_out(struct scsi_nexus *nexus, uint8_t action, uint8_t type, uint64_t key,
		       uint64_t action_key, bool keep)
{
	assert_int_equal(out(nexus, action, type, key, action_key, keep), SCSI_GOOD);
}

/* REGISTER AND MOVE to the port that the text names. */
static enum scsi_status move(struct scsi_nexus *nexus, uint64_t key, uint64_t action_key, const char *to,
			     uint8_t flags)
{
	uint8_t list[24 + 4 + 256] = {[17] = flags, [19] = 1, [24] = 0x45};
	size_t text = strlen(to) / 4 * 4 + 4;
	be_put64(list, key);
	be_put64(list + 8, action_key);
	be_put32(list + 20, (uint32_t)(4 + text));
	be_put16(list + 26, (uint16_t)text);
	memcpy(list + 28, to, strlen(to));
	uint8_t size = (uint8_t)(28 + text);
	SEND(&answer, nexus, list, size, 0x5f, MOVE, 0, 0, 0, 0, 0, 0, size);
	return answer.status;
}

static void read_in(struct scsi_nexus *nexus, uint8_t action)
{
	RUN(&answer, nexus, 0x5e, action, 0, 0, 0, 0, 0, 0x10, 0);
	assert_good(&answer);
}

static unsigned key_count(void)
{
	read_in(scene.a, 0);
	return be_get32(answer.data + 4) / 8;
}

/* The type; 0: nothing is reserved. */
static uint8_t reserved_as(uint64_t *key)
{
	read_in(scene.a, 1);
	*key = answer.size == 24 ? be_get64(answer.data + 8) : 0;
	return answer.size == 24 ? answer.data[8 + 13] : 0;
}

static void assert_reserved(uint8_t type, uint64_t key)
{
	uint64_t found;
	assert_int_equal(reserved_as(&found), type);
	assert_true(found == key);
}

static bool is_activated(void)
{
	read_in(scene.a, 2);
	assert_int_equal(answer.data[2] & 1, 1); /* PTPL_C */
	return answer.data[3] & 1;
}

/* scene_nexus() gives the ISIDs that TO_B and TO_C name. */
static void ports_check(void)
{
	static const char name[] = "iqn.2026-01.org.granary:b,i,0x";
	assert_out(scene.b, REGISTER, 0, 0, B_KEY, false);
	read_in(scene.b, 3);
	const char *id = (const char *)answer.data + 8 + 24 + 4;
	assert_memory_equal(id, name, sizeof(name) - 1);
	assert_string_equal(id, TO_B);
	assert_out(scene.b, REGISTER, 0, B_KEY, 0, false);
}

/* ---- REGISTER AND MOVE ---- */

static void the_holder_hands_its_reservation_over(void **state)
{
	(void)state;
	assert_out(scene.a, REGISTER, 0, 0, A_KEY, false);
	assert_out(scene.a, RESERVE, EA, A_KEY, 0, false);
	RUN(&answer, scene.b, 0x01);
	assert_int_equal(answer.status, SCSI_RESERVATION_CONFLICT);
	read_in(scene.a, 0);
	uint32_t generation = be_get32(answer.data);
	/* To one that is not registered yet. */
	assert_int_equal(move(scene.a, A_KEY, B_KEY, TO_B, 0), SCSI_GOOD);
	assert_int_equal(key_count(), 2);
	assert_int_equal(be_get32(answer.data), generation + 1);
	assert_reserved(EA, B_KEY);
	RUN(&answer, scene.b, 0x01);
	assert_good(&answer);
	RUN(&answer, scene.a, 0x01);
	assert_int_equal(answer.status, SCSI_RESERVATION_CONFLICT);
	/* Back, to one that is, with another key; and the former holder is not registered any more. */
	assert_int_equal(move(scene.b, B_KEY, C_KEY, "IQN.2026-01.org.granary:A,i,0X400000000001", 2), SCSI_GOOD);
	assert_int_equal(key_count(), 1);
	assert_reserved(EA, C_KEY);
	RUN(&answer, scene.a, 0x01);
	assert_good(&answer);
	assert_int_equal(out(scene.b, RELEASE, EA, B_KEY, 0, false), SCSI_RESERVATION_CONFLICT);
}

static void a_port_that_is_not_there_may_get_it(void **state)
{
	(void)state;
	assert_out(scene.a, REGISTER, 0, 0, A_KEY, false);
	assert_out(scene.a, RESERVE, WE, A_KEY, 0, false);
	assert_int_equal(move(scene.a, A_KEY, C_KEY, TO_C, 2), SCSI_GOOD);
	assert_int_equal(key_count(), 1);
	scene.c = scene_nexus(&scene, "iqn.2026-01.org.granary:c", 3);
	RUN(&answer, scene.c, 0x00);
	assert_out(scene.c, RELEASE, WE, C_KEY, 0, false);
	assert_reserved(0, 0);
	scene_close(&scene.c);
}

static void who_cannot_move_is_told_why(void **state)
{
	(void)state;
	assert_int_equal(move(scene.a, 0, B_KEY, TO_B, 0), SCSI_RESERVATION_CONFLICT); /* not registered */
	assert_out(scene.a, REGISTER, 0, 0, A_KEY, false);
	assert_out(scene.b, REGISTER, 0, 0, B_KEY, false);
	assert_int_equal(move(scene.a, B_KEY, B_KEY, TO_B, 0), SCSI_RESERVATION_CONFLICT); /* not its key */
	move(scene.a, A_KEY, B_KEY, TO_B, 0); /* nothing is reserved */
	assert_field(&answer, 1, 4);
	assert_out(scene.a, RESERVE, EARO, A_KEY, 0, false);
	move(scene.b, B_KEY, C_KEY, TO_C, 0); /* not the holder */
	assert_field(&answer, 1, 4);
	move(scene.a, A_KEY, 0, TO_B, 0);
	assert_parameter(&answer, 8);
	move(scene.a, A_KEY, B_KEY, "iqn.2026-01.org.granary:a,i,0x400000000001", 0); /* to itself */
	assert_parameter(&answer, 24);
	static const char *const wrong[] = {
		"iqn.2026-01.org.granary:b", TO_B "0", "iqn.2026-01.org.granary:b,i,0x40000000000g",
		"iqn.2026-01.org.granary:b,t,0x000000000002", ",i,0x400000000002",
	};
	for (unsigned i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		move(scene.a, A_KEY, B_KEY, wrong[i], 0);
		assert_parameter(&answer, 24);
	}
	assert_reserved(EARO, A_KEY);
	assert_out(scene.a, RELEASE, EARO, A_KEY, 0, false);
	RUN(&answer, scene.b, 0x00);
	assert_out(scene.a, RESERVE, WEAR, A_KEY, 0, false);
	assert_int_equal(move(scene.a, A_KEY, B_KEY, TO_B, 0), SCSI_RESERVATION_CONFLICT);
	assert_int_equal(key_count(), 2);
}

static void lengths_of_a_move_are_checked(void **state)
{
	(void)state;
	uint8_t list[64] = {[19] = 1, [23] = 28, [24] = 0x45, [27] = 24};
	assert_out(scene.a, REGISTER, 0, 0, A_KEY, false);
	assert_out(scene.a, RESERVE, EA, A_KEY, 0, false);
	be_put64(list, A_KEY);
	be_put64(list + 8, B_KEY);
	SEND(&answer, scene.a, list, 24, 0x5f, MOVE, 0, 0, 0, 0, 0, 0, 24);
	assert_check(&answer, SENSE_ILLEGAL_REQUEST, ASC_PARAMETER_LIST_LENGTH);
	SEND(&answer, scene.a, list, 40, 0x5f, MOVE, 0, 0, 0, 0, 0, 0, 52);
	assert_check(&answer, SENSE_ILLEGAL_REQUEST, ASC_PARAMETER_LIST_LENGTH);
	memset(list + 28, 'x', 24); /* no end */
	SEND(&answer, scene.a, list, 52, 0x5f, MOVE, 0, 0, 0, 0, 0, 0, 52);
	assert_parameter(&answer, 24);
	list[18] = 9; /* a target port that nobody knows */
	SEND(&answer, scene.a, list, 52, 0x5f, MOVE, 0, 0, 0, 0, 0, 0, 52);
	assert_parameter(&answer, 18);
}

/* ---- APTPL ---- */

static void what_is_kept_is_there_after_a_restart(void **state)
{
	(void)state;
	assert_false(is_activated());
	assert_out(scene.a, REGISTER, 0, 0, A_KEY, true);
	assert_out(scene.b, REGISTER, 0, 0, B_KEY, true);
	assert_true(is_activated());
	assert_out(scene.b, RESERVE, EA, B_KEY, 0, false);
	assert_int_equal(store.saves, 3);
	restart();
	assert_true(is_activated());
	assert_int_equal(key_count(), 2);
	assert_int_equal(be_get32(answer.data), 0); /* PRGENERATION */
	assert_reserved(EA, B_KEY);
	RUN(&answer, scene.a, 0x01);
	assert_int_equal(answer.status, SCSI_RESERVATION_CONFLICT);
	RUN(&answer, scene.b, 0x01);
	assert_good(&answer);
	/* It goes on: a change is kept, and the end of all too. */
	assert_out(scene.a, PREEMPT, WEAR, A_KEY, B_KEY, false);
	restart();
	assert_int_equal(key_count(), 1);
	assert_reserved(WEAR, 0);
	assert_out(scene.a, CLEAR, 0, A_KEY, 0, false);
	assert_false(is_activated());
	restart();
	assert_int_equal(key_count(), 0);
	assert_int_equal(store.kept.count, 0);
}

static void the_last_registration_says_for_all(void **state)
{
	(void)state;
	assert_out(scene.a, REGISTER, 0, 0, A_KEY, true);
	assert_out(scene.b, IGNORE, 0, 0, B_KEY, false);
	assert_false(is_activated());
	assert_int_equal(store.kept.count, 0);
	unsigned saves = store.saves;
	assert_out(scene.a, RESERVE, EA, A_KEY, 0, false);
	assert_int_equal(store.saves, saves); /* nothing to be kept */
	assert_out(scene.a, IGNORE, 0, A_KEY, A_KEY, true);
	assert_int_equal(store.kept.count, 2);
	assert_int_equal(store.kept.type, EA);
	assert_int_equal(move(scene.a, A_KEY, C_KEY, TO_C, 1), SCSI_GOOD);
	assert_int_equal(store.kept.count, 3);
	assert_int_equal(store.kept.owner, 2);
	assert_int_equal(move(scene.a, A_KEY, C_KEY, TO_C, 0), SCSI_CHECK_CONDITION);
	assert_true(is_activated());
}

static void what_cannot_be_kept_has_not_happened(void **state)
{
	(void)state;
	assert_out(scene.a, REGISTER, 0, 0, A_KEY, true);
	read_in(scene.a, 0);
	uint32_t generation = be_get32(answer.data);
	store.error = -EIO;
	out(scene.b, REGISTER, 0, 0, B_KEY, true);
	assert_check(&answer, SENSE_HARDWARE_ERROR, ASC_INTERNAL_FAILURE);
	assert_int_equal(key_count(), 1);
	assert_int_equal(be_get32(answer.data), generation);
	out(scene.a, RESERVE, EA, A_KEY, 0, false);
	assert_check(&answer, SENSE_HARDWARE_ERROR, ASC_INTERNAL_FAILURE);
	assert_reserved(0, 0);
	out(scene.a, CLEAR, 0, A_KEY, 0, false);
	assert_check(&answer, SENSE_HARDWARE_ERROR, ASC_INTERNAL_FAILURE);
	assert_int_equal(key_count(), 1);
	store.error = 0;
	assert_out(scene.a, RESERVE, EA, A_KEY, 0, false);
	restart();
	assert_reserved(EA, A_KEY);
}

static void what_cannot_have_been_kept_is_refused(void **state)
{
	(void)state;
	struct scsi_registration one = {.ports.initiator = "iqn.2026-01.org.granary:a", .key = 1};
	struct scsi_kept kept = {.registrations = &one, .count = 1, .type = 2};
	struct scsi_lu *lu = scene.fake[0].lu;
	assert_int_equal(scsi_lu_restore(lu, &kept), -EINVAL);
	kept = (struct scsi_kept){.registrations = &one, .count = 1, .type = EA, .owner = 1};
	assert_int_equal(scsi_lu_restore(lu, &kept), -EINVAL);
	kept = (struct scsi_kept){.registrations = &one, .count = 257};
	assert_int_equal(scsi_lu_restore(lu, &kept), -EINVAL);
	one.key = 0;
	kept.count = 1;
	assert_int_equal(scsi_lu_restore(lu, &kept), -EINVAL);
	assert_int_equal(key_count(), 0);
}

#define IN(test) cmocka_unit_test_setup_teardown(test, start, stop)

int main(void)
{
	const struct CMUnitTest tests[] = {
		IN(the_holder_hands_its_reservation_over),
		IN(a_port_that_is_not_there_may_get_it),
		IN(who_cannot_move_is_told_why),
		IN(lengths_of_a_move_are_checked),
		IN(what_is_kept_is_there_after_a_restart),
		IN(the_last_registration_says_for_all),
		IN(what_cannot_be_kept_has_not_happened),
		IN(what_cannot_have_been_kept_is_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
