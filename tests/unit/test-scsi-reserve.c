/* SPDX-License-Identifier: MIT */
/*
 * Reservations of both kinds: who conflicts with what, who is told, and that
 * registrations belong to ports, not to sessions.
 */
#include <stdio.h>
#include <string.h>

#include "lib/base/bytes.h"
#include "tests/unit/scsi-scene.h"

enum { REGISTER, RESERVE, RELEASE, CLEAR, PREEMPT, PREEMPT_ABORT, IGNORE };
enum { WE = 1, EA = 3, WERO = 5, EARO = 6, WEAR = 7, EAAR = 8 };
#define A_KEY 0xaaaa000000000001ull
#define B_KEY 0xbbbb000000000002ull

static enum scsi_status out(struct scsi_nexus *nexus, uint8_t action, uint8_t type, uint64_t key,
			    uint64_t action_key)
{
	uint8_t list[24] = {0};
	be_put64(list, key);
	be_put64(list + 8, action_key);
	SEND(&answer, nexus, list, sizeof(list), 0x5f, action, type, 0, 0, 0, 0, 0, 24);
	return answer.status;
}

static void assert_out(struct scsi_nexus *nexus, uint8_t action, uint8_t type, uint64_t key,
		       uint64_t action_key)
{
	assert_int_equal(out(nexus, action, type, key, action_key), SCSI_GOOD);
}

static void register_both(void)
{
	assert_out(scene.a, REGISTER, 0, 0, A_KEY);
	assert_out(scene.b, REGISTER, 0, 0, B_KEY);
}

static void read_in(struct scsi_nexus *nexus, uint8_t action)
{
	RUN(&answer, nexus, 0x5e, action, 0, 0, 0, 0, 0, 0x10, 0);
	assert_good(&answer);
}

static unsigned key_count(void)
{
	read_in(scene.a, 0);
	assert_int_equal(be_get32(answer.data + 4) + 8, answer.size);
	return be_get32(answer.data + 4) / 8;
}

/* 0: none. */
static uint8_t reserved_as(uint64_t *key)
{
	read_in(scene.a, 1);
	if (be_get32(answer.data + 4) == 0)
		return 0;
	assert_int_equal(answer.size, 24);
	*key = be_get64(answer.data + 8);
	return answer.data[8 + 13];
}

static void assert_told(struct scsi_nexus *nexus, enum sense_code code)
{
	RUN(&answer, nexus, 0x00);
	assert_check(&answer, SENSE_UNIT_ATTENTION, code);
}

static void assert_not_told(struct scsi_nexus *nexus)
{
	RUN(&answer, nexus, 0x00);
	assert_good(&answer);
}

/* ---- SPC-2 ---------------------------------------------------------------------------------- */

static const struct {
	uint8_t cdb[16];
	/* Allowed to another nexus under RESERVE, write exclusive, exclusive access. */
	bool reserve, write_exclusive, exclusive;
} commands[] = {
	{{0x00}, false, true, true},			       /* TEST UNIT READY */
	{{0x12, 0, 0, 0, 36}, true, true, true},	       /* INQUIRY */
	{{0x03, 0, 0, 0, 18}, true, true, true},	       /* REQUEST SENSE */
	{{0xa0, [9] = 64}, true, true, true},		       /* REPORT LUNS */
	{{0x4d, 0, 0x40, [8] = 64}, true, true, true},	       /* LOG SENSE */
	{{0x1a, 0, 0x10, 0, 64}, false, true, false},	       /* MODE SENSE */
	{{0x08, 0, 0, 0, 8}, false, true, false},	       /* READ */
	{{0x0a}, false, false, false},			       /* WRITE */
	{{0x01}, false, false, false},			       /* REWIND */
	{{0x1e}, true, true, true},			       /* PREVENT ALLOW: allow */
	{{0x1e, 0, 0, 0, 1}, false, false, false},	       /* prevent */
	{{0x4c, 2, 0xcc}, false, false, false},		       /* LOG SELECT */
	{{0x1d, 4}, false, false, false},		       /* SEND DIAGNOSTIC */
	{{0xa3, 0x0c, [9] = 64}, false, true, false},	       /* RSOC */
	{{0xa3, 0x0f, [9] = 64}, false, true, true},	       /* REPORT TIMESTAMP */
};

static void assert_allowed(struct scsi_nexus *nexus, const uint8_t cdb[16], bool allowed)
{
	/* What the command before has made pending would come first. */
	RUN(&answer, nexus, 0x03, 0, 0, 0, 18);
	run_command(&answer, nexus, 0, cdb, 16, NULL, 0, 64);
	if (allowed != (answer.status != SCSI_RESERVATION_CONFLICT))
		fail_msg("%02x: status %02x", cdb[0], answer.status);
	assert_int_equal(answer.size > 0 && !allowed, false);
}

static void reserve_shuts_the_others_out(void **state)
{
	(void)state;
	RUN(&answer, scene.a, 0x16);
	assert_good(&answer);
	RUN(&answer, scene.a, 0x16);
	assert_good(&answer);
	RUN(&answer, scene.b, 0x16);
	assert_int_equal(answer.status, SCSI_RESERVATION_CONFLICT);
	RUN(&answer, scene.b, 0x56);
	assert_int_equal(answer.status, SCSI_RESERVATION_CONFLICT);
	RUN(&answer, scene.b, 0x17); /* does nothing */
	assert_good(&answer);
	for (size_t i = 0; i < sizeof(commands) / sizeof(*commands); i++) {
		assert_allowed(scene.a, commands[i].cdb, true);
		assert_allowed(scene.b, commands[i].cdb, commands[i].reserve);
	}
	/* The other unit is free. */
	run_command(&answer, scene.b, 3, CDB(0x16), NULL, 0, 0);
	assert_good(&answer);
	RUN(&answer, scene.a, 0x57);
	assert_good(&answer);
	RUN(&answer, scene.b, 0x56);
	assert_good(&answer);
	RUN(&answer, scene.a, 0x16, 0x10); /* scene.c party */
	assert_field(&answer, 1, 4);
}

static void a_reservation_goes_with_its_session(void **state)
{
	(void)state;
	RUN(&answer, scene.a, 0x16);
	scene_close(&scene.a);
	RUN(&answer, scene.b, 0x16);
	assert_good(&answer);
}

static void the_two_kinds_exclude_each_other(void **state)
{
	(void)state;
	RUN(&answer, scene.a, 0x16);
	assert_int_equal(out(scene.b, REGISTER, 0, 0, B_KEY), SCSI_RESERVATION_CONFLICT);
	assert_int_equal(out(scene.a, REGISTER, 0, 0, A_KEY), SCSI_RESERVATION_CONFLICT);
	RUN(&answer, scene.b, 0x5e, 0, 0, 0, 0, 0, 0, 0x10, 0);
	assert_int_equal(answer.status, SCSI_RESERVATION_CONFLICT);
	RUN(&answer, scene.a, 0x17);
	assert_out(scene.a, REGISTER, 0, 0, A_KEY);
	RUN(&answer, scene.a, 0x16);
	assert_int_equal(answer.status, SCSI_RESERVATION_CONFLICT);
	RUN(&answer, scene.b, 0x17);
	assert_int_equal(answer.status, SCSI_RESERVATION_CONFLICT);
}

/* ---- registering ------------------------------------------------------------------------------- */

static void registering_needs_the_old_key(void **state)
{
	(void)state;
	assert_int_equal(out(scene.a, REGISTER, 0, 7, A_KEY), SCSI_RESERVATION_CONFLICT);
	assert_out(scene.a, REGISTER, 0, 0, 0); /* nothing */
	assert_int_equal(key_count(), 0);
	assert_int_equal(be_get32(answer.data), 0);
	assert_out(scene.a, REGISTER, 0, 0, A_KEY);
	assert_int_equal(key_count(), 1);
	assert_int_equal(be_get32(answer.data), 1);
	assert_int_equal(be_get64(answer.data + 8), A_KEY);
	assert_int_equal(out(scene.a, REGISTER, 0, 0, A_KEY), SCSI_RESERVATION_CONFLICT);
	assert_out(scene.a, REGISTER, 0, A_KEY, A_KEY + 1);
	assert_out(scene.a, IGNORE, 0, 0, A_KEY);
	assert_int_equal(key_count(), 1);
	assert_int_equal(be_get32(answer.data), 3);
	assert_int_equal(out(scene.b, RESERVE, WE, B_KEY, 0), SCSI_RESERVATION_CONFLICT);
	assert_int_equal(out(scene.a, RESERVE, WE, B_KEY, 0), SCSI_RESERVATION_CONFLICT);
	assert_out(scene.a, REGISTER, 0, A_KEY, 0);
	assert_int_equal(key_count(), 0);
}

static void what_is_not_supported_is_refused(void **state)
{
	uint8_t list[28] = {[8] = 1};
	(void)state;
	static const uint8_t flags[] = {0x01, 0x04, 0x08}; /* APTPL, ALL_TG_PT, SPEC_I_PT */
	for (size_t i = 0; i < sizeof(flags); i++) {
		list[20] = flags[i];
		SEND(&answer, scene.a, list, 24, 0x5f, REGISTER, 0, 0, 0, 0, 0, 0, 24);
		assert_parameter(&answer, 20);
	}
	list[20] = 0;
	SEND(&answer, scene.a, list, 28, 0x5f, REGISTER, 0, 0, 0, 0, 0, 0, 28);
	assert_check(&answer, SENSE_ILLEGAL_REQUEST, ASC_PARAMETER_LIST_LENGTH);
	SEND(&answer, scene.a, list, 20, 0x5f, REGISTER, 0, 0, 0, 0, 0, 0, 24);
	assert_check(&answer, SENSE_ILLEGAL_REQUEST, ASC_PARAMETER_LIST_LENGTH);
	SEND(&answer, scene.a, list, 24, 0x5f, REGISTER, 0, 0, 0, 0, 0, 0, 8);
	assert_check(&answer, SENSE_ILLEGAL_REQUEST, ASC_PARAMETER_LIST_LENGTH);
	SEND(&answer, scene.a, list, 24, 0x5f, 8, 0, 0, 0, 0, 0, 0, 24); /* REPLACE LOST RESERVATION */
	assert_field(&answer, 1, 4);
	assert_int_equal(key_count(), 0);
	read_in(scene.a, 2);
	assert_int_equal(answer.size, 8);
	assert_memory_equal(answer.data, "\0\x08\0\x80\xea\x01\0\0", 8);
	assert_out(scene.a, REGISTER, 0, 0, A_KEY);
	(void)out(scene.a, RESERVE, 0x13, A_KEY, 0); /* a scope that is no more */
	assert_field(&answer, 2, 8);
	(void)out(scene.a, RESERVE, 2, A_KEY, 0);
	assert_field(&answer, 2, 8);
}

static void registrations_outlive_sessions(void **state)
{
	uint64_t key;
	(void)state;
	register_both();
	assert_out(scene.a, RESERVE, EA, A_KEY, 0);
	scene_close(&scene.a);
	RUN(&answer, scene.b, 0x01);
	assert_int_equal(answer.status, SCSI_RESERVATION_CONFLICT);
	scene.c = scene_nexus(&scene, "iqn.2026-01.org.granary:a", 9);
	RUN(&answer, scene.c, 0x00);
	RUN(&answer, scene.c, 0x01);
	assert_int_equal(answer.status, SCSI_RESERVATION_CONFLICT);
	scene_close(&scene.c);
	scene.a = scene_nexus(&scene, "iqn.2026-01.org.granary:a", 1);
	assert_told(scene.a, ASC_NEXUS_LOSS);
	RUN(&answer, scene.a, 0x01);
	assert_good(&answer);
	assert_int_equal(manage_wait(scene.a, SCSI_LU_RESET, 0, 0), SCSI_FUNCTION_COMPLETE);
	assert_told(scene.a, ASC_DEVICE_RESET);
	assert_int_equal(reserved_as(&key), EA);
	assert_int_equal(key, A_KEY);
}

/* ---- reserving ------------------------------------------------------------------------------------ */

static const uint8_t types[] = {WE, EA, WERO, EARO, WEAR, EAAR};

static void reservations_stand_against_commands(void **state)
{
	scene.c = scene_nexus(&scene, "iqn.2026-01.org.granary:c", 3);
	(void)state;
	RUN(&answer, scene.c, 0x00);
	register_both();
	for (size_t t = 0; t < sizeof(types); t++) {
		bool registrants = types[t] >= WERO;
		bool write = types[t] == WE || types[t] == WERO || types[t] == WEAR;
		assert_out(scene.a, RESERVE, types[t], A_KEY, 0);
		for (size_t i = 0; i < sizeof(commands) / sizeof(*commands); i++) {
			bool allowed = write ? commands[i].write_exclusive : commands[i].exclusive;
			assert_allowed(scene.a, commands[i].cdb, true);
			assert_allowed(scene.b, commands[i].cdb, registrants || allowed);
			assert_allowed(scene.c, commands[i].cdb, allowed);
		}
		RUN(&answer, scene.a, 0x03, 0, 0, 0, 18);
		assert_out(scene.a, RELEASE, types[t], A_KEY, 0);
	}
	scene_close(&scene.c);
}

static void the_holder_is_told_as_the_type_says(void **state)
{
	uint64_t key;
	(void)state;
	register_both();
	for (size_t t = 0; t < sizeof(types); t++) {
		assert_out(scene.a, RESERVE, types[t], A_KEY, 0);
		assert_out(scene.a, RESERVE, types[t], A_KEY, 0);
		assert_int_equal(reserved_as(&key), types[t]);
		assert_int_equal(key, types[t] >= WEAR ? 0 : A_KEY);
		uint8_t other = types[t] == WE ? EA : WE;
		assert_int_equal(out(scene.a, RESERVE, other, A_KEY, 0), SCSI_RESERVATION_CONFLICT);
		/* Another registrant holds it as well, where all do. */
		enum scsi_status status = out(scene.b, RESERVE, types[t], B_KEY, 0);
		assert_int_equal(status,
				 types[t] >= WEAR ? SCSI_GOOD : SCSI_RESERVATION_CONFLICT);
		(void)out(scene.a, RELEASE, other, A_KEY, 0);
		assert_check(&answer, SENSE_ILLEGAL_REQUEST, ASC_INVALID_RELEASE);
		if (types[t] < WEAR)
			assert_out(scene.b, RELEASE, types[t], B_KEY, 0); /* does nothing */
		assert_int_equal(reserved_as(&key), types[t]);
		assert_out(scene.a, RELEASE, types[t], A_KEY, 0);
		assert_int_equal(reserved_as(&key), 0);
		if (types[t] >= WERO)
			assert_told(scene.b, ASC_RESERVATIONS_RELEASED);
		assert_not_told(scene.b);
		assert_not_told(scene.a);
		assert_out(scene.a, RELEASE, types[t], A_KEY, 0); /* none is there */
	}
}

static void a_reservation_goes_with_its_registration(void **state)
{
	uint64_t key;
	(void)state;
	register_both();
	assert_out(scene.b, RESERVE, WERO, B_KEY, 0);
	assert_out(scene.a, REGISTER, 0, A_KEY, 0); /* before the holder's in the table */
	assert_int_equal(reserved_as(&key), WERO);
	assert_int_equal(key, B_KEY);
	assert_out(scene.a, REGISTER, 0, 0, A_KEY);
	assert_out(scene.b, REGISTER, 0, B_KEY, 0);
	assert_told(scene.a, ASC_RESERVATIONS_RELEASED);
	assert_int_equal(reserved_as(&key), 0);
	/* Of all registrants: with the last one. */
	assert_out(scene.b, REGISTER, 0, 0, B_KEY);
	assert_out(scene.a, RESERVE, EAAR, A_KEY, 0);
	assert_out(scene.a, REGISTER, 0, A_KEY, 0);
	RUN(&answer, scene.b, 0x5e, 1, 0, 0, 0, 0, 0, 0x10, 0);
	assert_int_equal(answer.data[8 + 13], EAAR);
	assert_out(scene.b, REGISTER, 0, B_KEY, 0);
	assert_int_equal(reserved_as(&key), 0);
}

static void full_status_names_the_ports(void **state)
{
	(void)state;
	register_both();
	assert_out(scene.b, RESERVE, EARO, B_KEY, 0);
	read_in(scene.a, 3);
	const uint8_t *status = answer.data + 8;
	assert_int_equal(be_get32(answer.data + 4) + 8, answer.size);
	assert_int_equal(be_get64(status), A_KEY);
	assert_int_equal(status[12], 0);
	assert_int_equal(be_get16(status + 18), 1);
	assert_int_equal(status[24], 0x45);
	assert_string_equal((const char *)status + 28,
			    "iqn.2026-01.org.granary:a,i,0x400000000001");
	assert_int_equal(be_get16(status + 26) % 4, 0);
	assert_int_equal(be_get32(status + 20), 4u + be_get16(status + 26));
	status += 24 + be_get32(status + 20);
	assert_int_equal(be_get64(status), B_KEY);
	assert_int_equal(status[12], 1);
	assert_int_equal(status[13], EARO);
	assert_ptr_equal(status + 24 + be_get32(status + 20), answer.data + answer.size);
	RUN(&answer, scene.a, 0x5e, 3, 0, 0, 0, 0, 0, 0, 12);
	assert_int_equal(answer.size, 12);
}

/* ---- taking away ------------------------------------------------------------------------------------- */

static void clear_removes_all(void **state)
{
	uint64_t key;
	(void)state;
	register_both();
	assert_out(scene.a, RESERVE, EA, A_KEY, 0);
	assert_out(scene.b, CLEAR, 0, B_KEY, 0);
	assert_told(scene.a, ASC_RESERVATIONS_PREEMPTED);
	assert_not_told(scene.b);
	assert_int_equal(key_count(), 0);
	assert_int_equal(be_get32(answer.data), 3);
	assert_int_equal(reserved_as(&key), 0);
}

static void preempt_removes_a_registration(void **state)
{
	uint64_t key;
	(void)state;
	register_both();
	assert_int_equal(out(scene.b, PREEMPT, EA, B_KEY, 99), SCSI_RESERVATION_CONFLICT);
	(void)out(scene.b, PREEMPT, EA, B_KEY, 0);
	assert_parameter(&answer, 8);
	assert_out(scene.b, PREEMPT, EA, B_KEY, A_KEY);
	assert_told(scene.a, ASC_REGISTRATIONS_PREEMPTED);
	assert_not_told(scene.b);
	assert_int_equal(key_count(), 1);
	assert_int_equal(be_get32(answer.data), 3);
	assert_int_equal(be_get64(answer.data + 8), B_KEY);
	assert_int_equal(reserved_as(&key), 0); /* there was none */
}

static void preempt_takes_the_reservation(void **state)
{
	scene.c = scene_nexus(&scene, "iqn.2026-01.org.granary:c", 3);
	uint64_t key;
	(void)state;
	RUN(&answer, scene.c, 0x00);
	register_both();
	assert_out(scene.c, REGISTER, 0, 0, 0xcc);
	assert_out(scene.a, RESERVE, WERO, A_KEY, 0);
	assert_out(scene.b, PREEMPT, EA, B_KEY, A_KEY);
	assert_told(scene.a, ASC_REGISTRATIONS_PREEMPTED);
	assert_not_told(scene.a);
	assert_told(scene.c, ASC_RESERVATIONS_RELEASED); /* of the old type */
	assert_not_told(scene.c);
	assert_int_equal(reserved_as(&key), EA);
	assert_int_equal(key, B_KEY);
	assert_int_equal(key_count(), 2);
	/* One's own: another type. */
	assert_out(scene.b, PREEMPT, WE, B_KEY, B_KEY);
	assert_told(scene.c, ASC_RESERVATIONS_RELEASED);
	assert_int_equal(reserved_as(&key), WE);
	assert_int_equal(key_count(), 2);
	/* Somebody else's registration, and the reservation stays. */
	assert_out(scene.c, PREEMPT, WE, 0xcc, 0xcc);
	assert_int_equal(key_count(), 1);
	assert_int_equal(reserved_as(&key), WE);
	scene_close(&scene.c);
}

static void preempt_of_all_registrants(void **state)
{
	uint64_t key;
	(void)state;
	register_both();
	assert_out(scene.a, RESERVE, WEAR, A_KEY, 0);
	assert_out(scene.b, PREEMPT, EA, B_KEY, A_KEY); /* a registration only */
	assert_told(scene.a, ASC_REGISTRATIONS_PREEMPTED);
	assert_int_equal(reserved_as(&key), WEAR);
	assert_out(scene.a, REGISTER, 0, 0, A_KEY);
	assert_out(scene.b, PREEMPT, EA, B_KEY, 0); /* all of it */
	assert_told(scene.a, ASC_REGISTRATIONS_PREEMPTED);
	assert_int_equal(reserved_as(&key), EA);
	assert_int_equal(key, B_KEY);
	assert_int_equal(key_count(), 1);
}

static void preempt_and_abort_ends_their_commands(void **state)
{
	static const uint8_t data[16];
	struct fake_command running, waiting, preempt;
	struct fake *fake = &scene.fake[0];
	uint8_t list[24] = {0};
	(void)state;
	register_both();
	assert_out(scene.a, RESERVE, EARO, A_KEY, 0);
	gate_close(fake);
	command_start(&running, scene.b, LUN(0), CDB(0x0a, 0, 0, 0, 1), data, 16, 0);
	gate_wait(fake, 1);
	be_put64(list, B_KEY);
	be_put64(list + 8, A_KEY);
	command_start(&preempt, scene.b, LUN(0), CDB(0x5f, PREEMPT_ABORT, EA, 0, 0, 0, 0, 0, 24), list,
		      24, 0);
	command_start(&waiting, scene.a, LUN(0), CDB(0x0a, 0, 0, 0, 2), data, 16, 0);
	gate_open(fake);
	command_end(&running);
	command_wait(&preempt);
	assert_int_equal(preempt.task.status, SCSI_GOOD);
	command_end(&preempt);
	command_wait(&waiting);
	assert_true(waiting.task.aborted);
	command_end(&waiting);
	assert_int_equal(fake->written, 1);
	assert_told(scene.a, ASC_REGISTRATIONS_PREEMPTED);
	assert_told(scene.a, ASC_COMMANDS_CLEARED);
}

static void the_device_hears_of_a_reservation_that_ends(void **state)
{
	struct fake *fake = &scene.fake[0];
	(void)state;
	register_both();
	assert_out(scene.a, RESERVE, EA, A_KEY, 0);
	assert_int_equal(fake->reservations_lost, 0);
	assert_out(scene.a, RELEASE, EA, A_KEY, 0);
	assert_int_equal(fake->reservations_lost, 1);
	assert_int_equal(fake->reservations_preempted, 0);
	assert_out(scene.a, RESERVE, EA, A_KEY, 0);
	assert_out(scene.a, PREEMPT, WE, A_KEY, A_KEY); /* it stays one's own */
	assert_int_equal(fake->reservations_lost, 1);
	RUN(&answer, scene.b, 0x00);
	assert_out(scene.b, PREEMPT, EA, B_KEY, A_KEY);
	assert_int_equal(fake->reservations_lost, 2);
	assert_int_equal(fake->reservations_preempted, 1);
	assert_out(scene.b, REGISTER, 0, B_KEY, 0);
	assert_int_equal(fake->reservations_lost, 3);
	assert_int_equal(fake->reservations_preempted, 1);
}

/* Of those that all registrants hold, whoever made it: it is preempted where all others lose it, not where
 * one registration goes. */
static void the_device_hears_when_all_registrants_lose_theirs(void **state)
{
	struct fake *fake = &scene.fake[0];
	struct scsi_nexus *const makers[] = {scene.a, scene.b};
	(void)state;
	for (unsigned i = 0; i < 2; i++) {
		unsigned lost = fake->reservations_lost;
		register_both();
		assert_out(makers[i], RESERVE, WEAR, i ? B_KEY : A_KEY, 0);
		assert_out(scene.b, PREEMPT, WEAR, B_KEY, A_KEY);
		assert_int_equal(fake->reservations_lost, lost);
		assert_told(scene.a, ASC_REGISTRATIONS_PREEMPTED);
		assert_out(scene.a, REGISTER, 0, 0, A_KEY);
		assert_out(scene.b, PREEMPT, WEAR, B_KEY, 0);
		assert_int_equal(fake->reservations_lost, lost + 1);
		assert_int_equal(fake->reservations_preempted, i + 1);
		assert_told(scene.a, ASC_REGISTRATIONS_PREEMPTED);
		/* Who is alone takes it from nobody. */
		assert_out(scene.b, PREEMPT, WEAR, B_KEY, 0);
		assert_int_equal(fake->reservations_preempted, i + 1);
		assert_out(scene.b, REGISTER, 0, B_KEY, 0);
	}
}

static void there_is_an_end_to_registrations(void **state)
{
	char name[64];
	(void)state;
	for (unsigned i = 0; i < 257; i++) {
		(void)snprintf(name, sizeof(name), "iqn.2026-01.org.granary:many-%u", i);
		struct scsi_nexus *nexus = scene_nexus(&scene, name, 1);
		RUN(&answer, nexus, 0x00);
		enum scsi_status status = out(nexus, REGISTER, 0, 0, i + 1);
		if (i < 256)
			assert_int_equal(status, SCSI_GOOD);
		else
			assert_check(&answer, SENSE_ILLEGAL_REQUEST,
				     ASC_INSUFFICIENT_REGISTRATION_RESOURCES);
		scene_close(&nexus);
	}
	assert_int_equal(key_count(), 256);
}

#define IN(test) cmocka_unit_test_setup_teardown(test, start, stop)

int main(void)
{
	const struct CMUnitTest tests[] = {
		IN(reserve_shuts_the_others_out),
		IN(a_reservation_goes_with_its_session),
		IN(the_two_kinds_exclude_each_other),
		IN(registering_needs_the_old_key),
		IN(what_is_not_supported_is_refused),
		IN(registrations_outlive_sessions),
		IN(reservations_stand_against_commands),
		IN(the_holder_is_told_as_the_type_says),
		IN(a_reservation_goes_with_its_registration),
		IN(full_status_names_the_ports),
		IN(clear_removes_all),
		IN(preempt_removes_a_registration),
		IN(preempt_takes_the_reservation),
		IN(preempt_of_all_registrants),
		IN(preempt_and_abort_ends_their_commands),
		IN(the_device_hears_of_a_reservation_that_ends),
		IN(the_device_hears_when_all_registrants_lose_theirs),
		IN(there_is_an_end_to_registrations),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
