/* SPDX-License-Identifier: MIT */
/*
 * TapeAlert flags of a drive: each initiator is told each of them, until it has read it; a load, a
 * reset and LOG SELECT take them back for all.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "lib/base/bytes.h"
#include "target/scsi/alerts.h"
#include "tests/unit/drive_scene.h"

enum { HARD_ERROR = 3, WRITE_FAILURE = 6, REMOVAL = 10, WRONG_FORMAT = 12 };

/* What page 2Eh tells this initiator from now on no more. */
static uint64_t read_alerts(struct drive_scene *s, struct scsi_nexus *nexus)
{
	uint64_t flags = 0;
	scene_log_sense(s, nexus, 0x2e);
	assert_int_equal(s->r.size, 4 + 64 * 5);
	for (uint16_t flag = 1; flag <= 64; flag++)
		if (scene_log_value(s, flag))
			flags |= scsi_alert(flag);
	return flags;
}

/* Page 12h has the same flags, the other way round, and reading it takes none of them. */
static uint64_t look_at_alerts(struct drive_scene *s, struct scsi_nexus *nexus)
{
	uint64_t flags = 0;
	scene_log_sense(s, nexus, 0x12);
	uint64_t value = scene_log_value(s, 0);
	for (unsigned flag = 1; flag <= 64; flag++)
		if (value >> (64 - flag) & 1)
			flags |= scsi_alert(flag);
	scene_log_sense(s, nexus, 0x11);
	assert_int_equal(scene_log_value(s, 0) & 0xff, flags != 0); /* TAFC */
	return flags;
}

static uint64_t raised(struct drive_scene *s)
{
	struct drive_state state;
	drive_get_state(s->drive, &state);
	return state.alerts;
}

/* By the test of page 1Ch: a flag; -flag takes it back; 32767 is all. */
static void raise_flag(struct drive_scene *s, int32_t flag)
{
	uint8_t page[12] = {0x1c, 0x0a, 0x04};
	be_put32(page + 8, (uint32_t)flag);
	scene_mode_select(s, page, sizeof(page));
	assert_good(&s->r);
	scene_quiet(s, s->b);
}

static void a_tape_that_does_not_fit_raises_a_flag(void **state)
{
	struct drive_scene *s = *state;
	struct cartridge_info info = {.capacity = 1 << 20, .partitions = 1, .partition_size = {1 << 20},
				      .barcode = "A00001L5", .medium = "LTO-5"};
	char path[128];
	assert_int_equal(read_alerts(s, s->a), 0);
	assert_int_equal(cartridge_create(s->folder, &info), 0);
	snprintf(path, sizeof(path), "%s/A00001L5", s->folder);
	assert_int_equal(drive_load(s->drive, path), -EMEDIUMTYPE);
	assert_int_equal(look_at_alerts(s, s->a), scsi_alert(WRONG_FORMAT));
	assert_int_equal(read_alerts(s, s->a), scsi_alert(WRONG_FORMAT));
	assert_int_equal(read_alerts(s, s->a), 0);
	assert_int_equal(look_at_alerts(s, s->a), 0);
}

static void who_has_read_a_flag_has_read_it_for_itself(void **state)
{
	struct drive_scene *s = *state;
	raise_flag(s, HARD_ERROR);
	raise_flag(s, WRITE_FAILURE);
	assert_int_equal(read_alerts(s, s->a), scsi_alert(HARD_ERROR) | scsi_alert(WRITE_FAILURE));
	assert_int_equal(read_alerts(s, s->a), 0);
	assert_int_equal(look_at_alerts(s, s->b), scsi_alert(HARD_ERROR) | scsi_alert(WRITE_FAILURE));
	assert_int_equal(read_alerts(s, s->b), scsi_alert(HARD_ERROR) | scsi_alert(WRITE_FAILURE));
	assert_int_equal(read_alerts(s, s->b), 0);
	/* The operator sees what is the matter, read or not. */
	assert_int_equal(raised(s), scsi_alert(HARD_ERROR) | scsi_alert(WRITE_FAILURE));
	/* It happens once more: both hear of it, of nothing else. */
	raise_flag(s, HARD_ERROR);
	assert_int_equal(read_alerts(s, s->b), scsi_alert(HARD_ERROR));
	assert_int_equal(read_alerts(s, s->a), scsi_alert(HARD_ERROR));
	/* An initiator that has not been here before is told all of it. */
	struct scsi_nexus *c = scene_open(s, "iqn.2024-01.example:c", 3);
	scene_quiet(s, c);
	assert_int_equal(read_alerts(s, c), scsi_alert(HARD_ERROR) | scsi_alert(WRITE_FAILURE));
	scene_close(&c);
}

/* Programs that look every few minutes log in anew each time. */
static void the_next_session_of_a_port_knows_what_was_read(void **state)
{
	struct drive_scene *s = *state;
	static const char name[] = "iqn.2024-01.example:c";
	struct scsi_nexus *c = scene_open(s, name, 3);
	raise_flag(s, HARD_ERROR);
	scene_quiet(s, c);
	assert_int_equal(read_alerts(s, c), scsi_alert(HARD_ERROR));
	scene_close(&c);
	c = scene_open(s, name, 3);
	scene_quiet(s, c);
	assert_int_equal(read_alerts(s, c), 0);
	scene_close(&c);
	c = scene_open(s, name, 4); /* another port of that initiator */
	scene_quiet(s, c);
	assert_int_equal(read_alerts(s, c), scsi_alert(HARD_ERROR));
	scene_close(&c);
}

/* Of very many readers the one that came first is forgotten, and no flag is lost. */
static void readers_have_an_end(void **state)
{
	struct drive_scene *s = *state;
	char name[64];
	raise_flag(s, HARD_ERROR);
	assert_int_equal(read_alerts(s, s->a), scsi_alert(HARD_ERROR));
	assert_int_equal(read_alerts(s, s->b), scsi_alert(HARD_ERROR));
	for (unsigned i = 0; i < 255; i++) {
		snprintf(name, sizeof(name), "iqn.2024-01.example:n%u", i);
		struct scsi_nexus *c = scene_open(s, name, 0);
		scene_quiet(s, c);
		assert_int_equal(read_alerts(s, c), scsi_alert(HARD_ERROR));
		assert_int_equal(read_alerts(s, c), 0);
		scene_close(&c);
	}
	assert_int_equal(read_alerts(s, s->b), 0);
	assert_int_equal(read_alerts(s, s->a), scsi_alert(HARD_ERROR));
}

/* Programs ask for the length of a page first; so what found no room is told again. */
static void only_flags_that_found_room_are_told(void **state)
{
	struct drive_scene *s = *state;
	static const uint8_t all[16] = {0x4d, 0, 0x6e, 0, 0, 0, 0, 1, 0x44, 0};
	raise_flag(s, HARD_ERROR);
	raise_flag(s, WRITE_FAILURE);
	RUN(&s->r, s->a, 0x4d, 0, 0x6e, 0, 0, 0, 0, 0, 4, 0);
	assert_good(&s->r);
	assert_int_equal(s->r.size, 4);
	assert_int_equal(look_at_alerts(s, s->a), scsi_alert(HARD_ERROR) | scsi_alert(WRITE_FAILURE));
	/* The initiator's room counts as the CDB's, and half a parameter is none. */
	run_command(&s->r, s->a, 0, all, 10, NULL, 0, 33);
	assert_good(&s->r);
	assert_int_equal(look_at_alerts(s, s->a), scsi_alert(WRITE_FAILURE));
	/* Flags below the parameter pointer are neither told nor cleared. */
	RUN(&s->r, s->a, 0x4d, 0, 0x6e, 0, 0, 0, 7, 0x20, 0);
	assert_good(&s->r);
	assert_int_equal(be_get16(s->r.data + 4), 7);
	assert_int_equal(read_alerts(s, s->a), scsi_alert(WRITE_FAILURE));
	assert_int_equal(read_alerts(s, s->a), 0);
	assert_int_equal(read_alerts(s, s->b), scsi_alert(HARD_ERROR) | scsi_alert(WRITE_FAILURE));
}

static void a_load_a_reset_and_log_select_take_flags_back(void **state)
{
	struct drive_scene *s = *state;
	raise_flag(s, HARD_ERROR);
	assert_int_equal(read_alerts(s, s->a), scsi_alert(HARD_ERROR));
	scene_load(s, "A00001L8", "LTO-8", 0);
	assert_int_equal(raised(s), 0);
	assert_int_equal(read_alerts(s, s->b), 0);
	raise_flag(s, HARD_ERROR);
	assert_int_equal(read_alerts(s, s->a), scsi_alert(HARD_ERROR));
	scsi_target_reset(s->target);
	scene_quiet(s, s->a);
	scene_quiet(s, s->b);
	assert_int_equal(raised(s), 0);
	assert_int_equal(read_alerts(s, s->b), 0);
	for (uint8_t page = 0; page < 2; page++) {
		raise_flag(s, HARD_ERROR);
		RUN(&s->r, s->a, 0x4c, 0x02, page ? 0x52 : 0x6e);
		assert_good(&s->r);
		scene_quiet(s, s->b);
		assert_int_equal(raised(s), 0);
		assert_int_equal(read_alerts(s, s->a), 0);
		assert_int_equal(read_alerts(s, s->b), 0);
	}
}

/* The tape's memory keeps what was raised while it was in the drive, whoever has read it. */
static void the_tape_remembers_the_flags_of_a_load(void **state)
{
	struct drive_scene *s = *state;
	scene_load(s, "A00001L8", "LTO-8", 0);
	RUN(&s->r, s->a, 0x1e, 0, 0, 0, 1);
	assert_good(&s->r);
	RUN(&s->r, s->a, 0x1b);
	assert_check(&s->r, SENSE_ILLEGAL_REQUEST, ASC_REMOVAL_PREVENTED);
	RUN(&s->r, s->a, 0x1e);
	assert_int_equal(read_alerts(s, s->a), scsi_alert(REMOVAL));
	raise_flag(s, HARD_ERROR);
	raise_flag(s, -HARD_ERROR);
	scene_unload(s);
	scene_reload(s, "A00001L8");
	RUN(&s->r, s->a, 0x8c, 0, 0, 0, 0, 0, 0, 0, 0, 0x02, 0, 0, 0, 17);
	assert_good(&s->r);
	assert_memory_equal(s->r.data + 4, "\x00\x02\x80\x00\x08\x20\x40\0\0\0\0\0\0", 13);
}

/* The tests of page 1Ch: all, one back, and what is refused. */
static void flags_are_raised_by_the_test(void **state)
{
	struct drive_scene *s = *state;
	uint8_t page[12] = {0x1c, 0x0a, 0x04};
	raise_flag(s, 32767);
	raise_flag(s, -7);
	assert_int_equal(read_alerts(s, s->a), ~scsi_alert(7));
	be_put32(page + 8, 65);
	scene_mode_select(s, page, 12);
	assert_parameter(&s->r, 16);
	page[2] = 0x0c; /* DEXCPT and TEST */
	scene_mode_select(s, page, 12);
	assert_parameter(&s->r, 10);
	assert_int_equal(scene_mode_sense(s, 0x1c, 0, CURRENT)[2] & 0x04, 0);
}

/* MRIE: none, and the one that PER holds back; flags are told of by nothing but log pages. */
static void flags_are_reported_in_two_ways(void **state)
{
	struct drive_scene *s = *state;
	static const struct {
		uint8_t mrie;
		bool taken;
	} methods[] = {{0, true}, {1, false}, {2, false}, {3, true}, {4, false}, {5, false}, {6, false}, {15, false}};
	uint8_t page[12] = {0x1c, 0x0a};
	for (size_t i = 0; i < sizeof(methods) / sizeof(methods[0]); i++) {
		page[3] = methods[i].mrie;
		scene_mode_select(s, page, 12);
		if (methods[i].taken)
			assert_good(&s->r);
		else
			assert_parameter(&s->r, 11);
	}
	assert_int_equal(scene_mode_sense(s, 0x1c, 0, CURRENT)[3], 3);
}

#define CASE(test) cmocka_unit_test_setup_teardown(test, drive_scene_setup, drive_scene_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(a_tape_that_does_not_fit_raises_a_flag),
		CASE(who_has_read_a_flag_has_read_it_for_itself),
		CASE(the_next_session_of_a_port_knows_what_was_read),
		CASE(readers_have_an_end),
		CASE(only_flags_that_found_room_are_told),
		CASE(a_load_a_reset_and_log_select_take_flags_back),
		CASE(the_tape_remembers_the_flags_of_a_load),
		CASE(flags_are_raised_by_the_test),
		CASE(flags_are_reported_in_two_ways),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
