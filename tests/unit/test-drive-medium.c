/* SPDX-License-Identifier: MIT */
/* Cartridges in the drive and out of it, what each medium allows, and commands that take away what is
 * on one: loading, protection, WORM, cleaning, partitions, append-only mode, ERASE and FORMAT. */
#include "tests/unit/tape_support.h"

#include <errno.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "lib/base/bytes.h"
#include "lib/base/clock.h"

#define TAPE (64u * MIB)

static int setup(void **state)
{
	static struct scene scene;
	memset(&scene, 0, sizeof(scene));
	scene_open(&scene);
	*state = &scene;
	return 0;
}

static int teardown(void **state)
{
	scene_close(*state);
	return 0;
}

static struct drive_state state_of(struct scene *s)
{
	struct drive_state state;
	drive_get_state(s->drive, &state);
	return state;
}

static bool has_alert(struct scene *s, unsigned flag)
{
	return state_of(s).alerts >> (flag - 1) & 1;
}

static const struct answer *erase(struct scene *s, uint8_t bits)
{
	return command(s, NULL, 0, 0, 0x19, bits, 0, 0, 0, 0);
}

static const struct answer *format(struct scene *s, uint8_t how)
{
	return command(s, NULL, 0, 0, 0x04, 0, how, 0, 0, 0);
}

/* ---- loading --------------------------------------------------------------------------------------- */

static void without_a_cartridge_nothing_is_ready(void **state)
{
	struct scene *s = *state;
	static const uint8_t cdbs[][16] = {
		{0x00}, {0x01}, {0x08, 0, 0, 0, 9}, {0x0a, 0, 0, 0, 9}, {0x10}, {0x11, 3}, {0x13},
		{0x19}, {0x1b, 0, 0, 0, 1}, {0x1b}, {0x2b}, {0x34}, {0x91, 3}, {0x92}, {0x82}, {0x04},
		{0x0b},
	};
	for (unsigned i = 0; i < sizeof(cdbs) / sizeof(cdbs[0]); i++) {
		uint8_t group = cdbs[i][0] >> 5, data[9] = {0};
		size_t size = group == 0 ? 6 : group == 1 ? 10 : 16;
		print_message("CDB %02x\n", cdbs[i][0]);
		const struct answer *a =
			command_as(s, s->nexus, cdbs[i], size, data, sizeof(data), 64);
		expect_refused(a, SENSE_NOT_READY, ASC_NO_MEDIUM);
		assert_int_equal(a->size, 0);
	}
	assert_int_equal(scene_unload(s), -ENOMEDIUM);
	assert_false(state_of(s).present);
}

static void every_initiator_is_told_about_a_load(void **state)
{
	struct scene *s = *state;
	scene_cartridge(s, (struct cartridge_info){.capacity = TAPE});
	assert_int_equal(drive_load(s->drive, s->path), 0);
	expect_refused(tape_ready(s), SENSE_UNIT_ATTENTION, ASC_MEDIUM_CHANGED);
	expect_good(tape_ready(s));
	expect_refused(command_other(s, NULL, 0, 0, 0, 0, 0, 0, 0, 0), SENSE_UNIT_ATTENTION,
		       ASC_MEDIUM_CHANGED);
	assert_int_equal(drive_load(s->drive, s->path), -EBUSY);
	struct drive_state now = state_of(s);
	assert_true(now.present && now.loaded && !now.write_protected);
	assert_string_equal(now.barcode, "TST001L8");
	assert_int_equal(now.mounts, 1);
	assert_int_equal(tape_position(s).flags, 0x80);
}

static void unloading_makes_everything_durable(void **state)
{
	struct scene *s = *state;
	scene_tape(s, TAPE);
	expect_good(tape_write(s, 5000, 1));
	expect_good(tape_load(s, 0));
	expect_refused(tape_ready(s), SENSE_NOT_READY, ASC_NO_MEDIUM);
	assert_true(state_of(s).present);
	assert_false(state_of(s).loaded);
	expect_good(tape_load(s, 1));
	expect_at(s, 0, 0);
	expect_data(tape_read(s, 5000, false), 5000, 1);
	/* The other one was not asked. */
	expect_refused(command_other(s, NULL, 0, 0, 0, 0, 0, 0, 0, 0), SENSE_UNIT_ATTENTION,
		       ASC_MEDIUM_CHANGED);
	expect_good(tape_load(s, 8)); /* HOLD */
	expect_refused(tape_ready(s), SENSE_NOT_READY, ASC_INITIALIZING_REQUIRED);
	expect_good(tape_load(s, 3)); /* with RETEN */
	expect_good(tape_read(s, 5000, false));
	expect_good(tape_load(s, 1)); /* loaded: it rewinds */
	expect_at(s, 0, 0);
	expect_good(tape_write(s, 6000, 2));
	assert_int_equal(scene_unload(s), 0);
	assert_false(state_of(s).present);
	assert_int_equal(scene_load(s), 0);
	expect_data(tape_read(s, 6000, false), 6000, 2);
}

static void a_load_without_waiting_is_ready_in_the_end(void **state)
{
	struct scene *s = *state;
	scene_tape(s, TAPE);
	expect_good(tape_write(s, 5000, 1));
	expect_good(command(s, NULL, 0, 0, 0x01, 1, 0, 0, 0, 0)); /* REWIND, IMMED */
	expect_at(s, 0, 0);
	expect_good(command(s, NULL, 0, 0, 0x1b, 1, 0, 0, 0, 0));
	expect_good(command(s, NULL, 0, 0, 0x1b, 1, 0, 0, 1, 0));
	const struct answer *answer = tape_ready(s);
	for (int i = 0; answer->status != SCSI_GOOD && i < 60000; i++) {
		assert_int_equal(answer->sense.key, SENSE_NOT_READY);
		usleep(1000);
		answer = tape_ready(s);
	}
	expect_data(tape_read(s, 5000, false), 5000, 1);
}

static void prevented_removal_keeps_the_cartridge(void **state)
{
	struct scene *s = *state;
	scene_tape(s, TAPE);
	expect_good(command(s, NULL, 0, 0, 0x1e, 0, 0, 0, 1, 0));
	assert_true(state_of(s).prevented);
	expect_refused(tape_load(s, 0), SENSE_ILLEGAL_REQUEST, ASC_REMOVAL_PREVENTED);
	assert_int_equal(scene_unload(s), -EPERM);
	expect_good(tape_ready(s));
	assert_int_equal(drive_unload(s->drive, true), 0);
	expect_refused(tape_ready(s), SENSE_NOT_READY, ASC_NO_MEDIUM);
	expect_good(command(s, NULL, 0, 0, 0x1e, 0, 0, 0, 0, 0));
	assert_int_equal(scene_load(s), 0);
	assert_int_equal(scene_unload(s), 0);
}

/* ---- what a medium allows ------------------------------------------------------------------------- */

static void media_of_other_generations_are_refused_or_read(void **state)
{
	(void)state;
	static const struct {
		uint8_t drive;
		const char *medium, *barcode;
		int error;
		bool writable;
	} cases[] = {
		{8, "LTO-8", "GEN008L8", 0, true},	     {8, "LTO-7", "GEN007L7", 0, true},
		{8, "LTO-6", "GEN006L6", -EMEDIUMTYPE, false}, {8, "LTO-9", "GEN009L9", -EMEDIUMTYPE, false},
		{7, "LTO-6", "GEN016L6", 0, true},	     {7, "LTO-5", "GEN015L5", 0, false},
		{7, "LTO-4", "GEN014L4", -EMEDIUMTYPE, false}, {9, "LTO-8", "GEN028L8", 0, true},
		{9, "LTO-7", "GEN027L7", -EMEDIUMTYPE, false},
	};
	for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct scene s = {.generation = cases[i].drive};
		struct cartridge_info info = {.capacity = TAPE};
		strcpy(info.medium, cases[i].medium);
		strcpy(info.barcode, cases[i].barcode);
		print_message("%s in LTO-%u\n", info.medium, cases[i].drive);
		scene_open(&s);
		scene_cartridge(&s, info);
		assert_int_equal(scene_load(&s), cases[i].error);
		if (cases[i].error) {
			expect_refused(tape_ready(&s), SENSE_NOT_READY, ASC_NO_MEDIUM);
			assert_false(state_of(&s).present);
		} else if (cases[i].writable) {
			expect_good(tape_write(&s, 100, 1));
		} else {
			assert_true(state_of(&s).write_protected);
			expect_sense(tape_write(&s, 100, 1), SENSE_DATA_PROTECT, ASC_WRITE_PROTECTED,
				     "", 100);
		}
		scene_close(&s);
	}
}

static void a_protected_cartridge_is_read_only(void **state)
{
	struct scene *s = *state;
	scene_cartridge(s, (struct cartridge_info){.capacity = TAPE, .write_protected = true});
	assert_int_equal(scene_load(s), 0);
	assert_true(state_of(s).write_protected);
	expect_sense(tape_write(s, 700, 1), SENSE_DATA_PROTECT, ASC_WRITE_PROTECTED, "", 700);
	expect_sense(tape_filemarks(s, 2, false), SENSE_DATA_PROTECT, ASC_WRITE_PROTECTED, "", 2);
	expect_good(tape_filemarks(s, 0, false));
	expect_refused(erase(s, 1), SENSE_DATA_PROTECT, ASC_WRITE_PROTECTED);
	expect_refused(format(s, 0), SENSE_DATA_PROTECT, ASC_WRITE_PROTECTED);
	expect_sense(tape_read(s, 700, false), SENSE_BLANK_CHECK, ASC_END_OF_DATA, "", 700);
	/* The header of MODE SENSE says so too. */
	const struct answer *answer = command(s, NULL, 0, 12, 0x1a, 0, 0, 0, 12, 0);
	expect_good(answer);
	assert_int_equal(answer->data[2] & 0x80, 0x80);
	assert_true(has_alert(s, 9));
}

static void worm_takes_more_and_gives_nothing_up(void **state)
{
	struct scene *s = *state;
	struct cartridge_info info = {.capacity = TAPE, .worm = true, .medium = "LTO-8-WORM",
				      .barcode = "WORM01LY"};
	scene_cartridge(s, info);
	assert_int_equal(scene_load(s), 0);
	expect_good(tape_write(s, 1000, 0));
	expect_good(tape_write(s, 1000, 1));
	expect_good(tape_filemarks(s, 2, false));
	/* Filemarks that the tape ends with may be written over. */
	expect_good(tape_space(s, 1, -1));
	expect_good(tape_write(s, 1000, 3));
	expect_at(s, 4, 1);
	static const uint64_t places[] = {0, 1, 2, 3};
	for (unsigned i = 0; i < 4; i++) {
		expect_good(tape_locate(s, places[i]));
		expect_sense(tape_write(s, 500, 9), SENSE_DATA_PROTECT, ASC_WORM_OVERWRITE, "", 500);
		expect_sense(tape_filemarks(s, 1, false), SENSE_DATA_PROTECT, ASC_WORM_OVERWRITE, "", 1);
		expect_refused(erase(s, 1), SENSE_DATA_PROTECT, ASC_WORM_OVERWRITE);
		expect_at(s, places[i], places[i] > 2);
	}
	expect_good(tape_rewind(s));
	expect_refused(format(s, 0), SENSE_DATA_PROTECT, ASC_WORM_OVERWRITE);
	expect_data(tape_read(s, 1000, false), 1000, 0);
	expect_data(tape_read(s, 1000, false), 1000, 1);
	expect_good(tape_space(s, 1, 1));
	expect_data(tape_read(s, 1000, false), 1000, 3);
}

static void a_locked_cartridge_takes_more_and_gives_nothing_up(void **state)
{
	struct scene *s = *state;
	scene_cartridge(s, (struct cartridge_info){.capacity = TAPE, .locked_until = time(NULL) + 900});
	assert_int_equal(scene_load(s), 0);
	expect_good(tape_write(s, 1000, 0));
	expect_good(tape_write(s, 1000, 1));
	expect_good(tape_locate(s, 1));
	expect_sense(tape_write(s, 500, 9), SENSE_DATA_PROTECT, ASC_WRITE_PROTECTED, "", 500);
	expect_refused(erase(s, 1), SENSE_DATA_PROTECT, ASC_WRITE_PROTECTED);
	expect_good(tape_rewind(s));
	expect_refused(format(s, 0), SENSE_DATA_PROTECT, ASC_WRITE_PROTECTED);
	expect_good(tape_locate(s, 2));
	expect_good(tape_write(s, 1000, 2));
	/* Filemarks that the tape ends with are kept as blocks are. */
	expect_good(tape_filemarks(s, 2, false));
	for (unsigned i = 0; i < 2; i++) {
		expect_good(tape_locate(s, 3 + i));
		expect_sense(tape_write(s, 500, 9), SENSE_DATA_PROTECT, ASC_WRITE_PROTECTED, "", 500);
		expect_sense(tape_filemarks(s, 1, false), SENSE_DATA_PROTECT, ASC_WRITE_PROTECTED, "", 1);
		expect_refused(erase(s, 1), SENSE_DATA_PROTECT, ASC_WRITE_PROTECTED);
	}
	expect_good(tape_locate(s, 5));
	expect_good(tape_write(s, 1000, 3));
}

static void a_cleaning_cartridge_cleans_and_counts_down(void **state)
{
	struct scene *s = *state;
	struct cartridge_info info = {.capacity = MIB, .cleanings = 1, .medium = "CLEAN",
				      .barcode = "CLN001CU"};
	scene_cartridge(s, info);
	uint64_t begin = clock_monotonic_ns();
	assert_int_equal(drive_load(s->drive, s->path), 0);
	scene_settle(s);
	bool cleans = true;
	for (int i = 0; cleans; i++) {
		const char *activity = state_of(s).activity;
		enum sense_code code = i % 2 ? tape_ready(s)->sense.code : tape_write(s, 10, 1)->sense.code;
		assert_int_equal(s->answer.sense.key, SENSE_NOT_READY);
		cleans = code != ASC_NO_MEDIUM;
		if (cleans) {
			assert_int_equal(code, ASC_CLEANING_CARTRIDGE_INSTALLED);
			assert_string_equal(activity, "cleaning");
		}
		usleep(10000);
	}
	assert_true(clock_monotonic_ns() - begin >= UINT64_C(3000000000)); /* what it takes */
	assert_true(state_of(s).present);
	expect_refused(tape_load(s, 1), SENSE_NOT_READY, ASC_NO_MEDIUM);
	assert_int_equal(scene_unload(s), 0);
	assert_int_equal(cartridge_read_info(s->path, &info), 0);
	assert_int_equal(info.cleanings, 0);
	/* It is used up: the drive says so and does not clean. */
	assert_int_equal(scene_load(s), 0);
	expect_refused(tape_ready(s), SENSE_NOT_READY, ASC_NO_MEDIUM);
	assert_true(has_alert(s, 22));
	assert_int_equal(scene_unload(s), 0);
	assert_false(has_alert(s, 22));
}

/* ---- taking away ---------------------------------------------------------------------------------- */

static void erasing_ends_the_tape_at_the_position(void **state)
{
	struct scene *s = *state;
	scene_tape(s, TAPE);
	for (unsigned i = 0; i < 4; i++)
		expect_good(tape_write(s, 1000, i));
	expect_good(tape_locate(s, 2));
	expect_good(erase(s, 0)); /* short */
	expect_sense(tape_read(s, 1000, false), SENSE_BLANK_CHECK, ASC_END_OF_DATA, "", 1000);
	expect_good(tape_locate(s, 1));
	expect_good(erase(s, 3)); /* long, IMMED */
	expect_at(s, 1, 0);
	assert_int_equal(scene_unload(s), 0);
	assert_int_equal(scene_load(s), 0);
	expect_data(tape_read(s, 1000, false), 1000, 0);
	expect_sense(tape_read(s, 1000, false), SENSE_BLANK_CHECK, ASC_END_OF_DATA, "", 1000);
}

static void writing_in_the_middle_ends_the_tape_there(void **state)
{
	struct scene *s = *state;
	scene_tape(s, TAPE);
	for (unsigned i = 0; i < 5; i++)
		expect_good(tape_write(s, 1000, i));
	expect_good(tape_locate(s, 0));
	expect_data(tape_read(s, 1000, false), 1000, 0);
	expect_good(tape_write(s, 1200, 77));
	expect_sense(tape_read(s, 1000, false), SENSE_BLANK_CHECK, ASC_END_OF_DATA, "", 1000);
	expect_at(s, 2, 0);
	expect_good(tape_locate(s, 1));
	expect_data(tape_read(s, 1200, false), 1200, 77);
	expect_good(tape_locate(s, 1));
	expect_good(tape_filemarks(s, 1, true));
	expect_good(tape_locate(s, 1));
	expect_sense(tape_read(s, 9, false), SENSE_NO_SENSE, ASC_FILEMARK, "F", 9);
	expect_sense(tape_read(s, 9, false), SENSE_BLANK_CHECK, ASC_END_OF_DATA, "", 9);
}

static void formatting_needs_the_beginning(void **state)
{
	struct scene *s = *state;
	scene_tape(s, TAPE);
	expect_good(tape_write(s, 1000, 0));
	expect_refused(format(s, 0), SENSE_ILLEGAL_REQUEST, ASC_POSITION_PAST_BEGINNING);
	expect_refused(command(s, NULL, 0, 0, 0x0b, 0, 0, 0x80, 0, 0), SENSE_ILLEGAL_REQUEST,
		       ASC_POSITION_PAST_BEGINNING);
	expect_good(tape_rewind(s));
	expect_good(format(s, 0));
	expect_sense(tape_read(s, 1000, false), SENSE_BLANK_CHECK, ASC_END_OF_DATA, "", 1000);
}

static void a_capacity_that_is_set_ends_the_tape_earlier(void **state)
{
	struct scene *s = *state;
	scene_tape(s, TAPE);
	expect_good(command(s, NULL, 0, 0, 0x0b, 0, 0, 0x10, 0, 0)); /* a sixteenth: 4 MiB */
	for (unsigned i = 0; i < 3; i++)
		expect_good(tape_write(s, MIB, i));
	expect_sense(tape_write(s, MIB, 3), SENSE_NO_SENSE, ASC_END_OF_MEDIUM, "E", 0);
	expect_sense(tape_write(s, MIB, 4), SENSE_VOLUME_OVERFLOW, ASC_END_OF_MEDIUM, "E", MIB);
	expect_good(tape_rewind(s));
	expect_good(command(s, NULL, 0, 0, 0x0b, 0, 0, 0xff, 0xff, 0));
	for (unsigned i = 0; i < 5; i++)
		expect_good(tape_write(s, MIB, i));
}

static void go_to_partition(struct scene *s, uint8_t partition, uint64_t object)
{
	uint8_t cdb[16] = {0x92, 2, 0, partition};
	be_put64(cdb + 4, object);
	expect_good(command_as(s, s->nexus, cdb, 16, NULL, 0, 0));
	assert_int_equal(tape_position(s).partition, partition);
}

static void two_partitions_are_two_tapes(void **state)
{
	struct scene *s = *state;
	/* One additional partition; initiator-defined, in megabytes: 8 and the rest. */
	static const uint8_t page[] = {1, 0x34, 0x03, 0, 0, 0, 8, 0xff, 0xff};
	scene_tape(s, TAPE);
	tape_mode(s, 0x11, 0, 3, page, sizeof(page));
	expect_good(format(s, 1));
	for (unsigned i = 0; i < 3; i++)
		expect_good(tape_write(s, MIB, i));
	go_to_partition(s, 1, 0);
	assert_int_equal(tape_position(s).flags, 0x80);
	for (unsigned i = 0; i < 12; i++)
		expect_good(tape_write(s, MIB, 100 + i));
	expect_good(tape_filemarks(s, 1, false));
	go_to_partition(s, 0, 1);
	expect_data(tape_read(s, MIB, false), MIB, 1);
	/* Without CP the partition stays. */
	expect_good(tape_locate(s, 0));
	expect_data(tape_read(s, MIB, false), MIB, 0);
	/* Its end is its own. */
	go_to_partition(s, 0, 3);
	unsigned count = 3;
	while (tape_write(s, MIB, count)->status == SCSI_GOOD)
		count++;
	assert_in_range(count, 6, 8);
	expect_sense(&s->answer, s->answer.sense.key, ASC_END_OF_MEDIUM, "E",
		     s->answer.sense.information);
	assert_int_equal(scene_unload(s), 0);
	assert_int_equal(scene_load(s), 0);
	assert_int_equal(tape_position(s).partition, 0);
	go_to_partition(s, 1, 11);
	expect_data(tape_read(s, MIB, false), MIB, 111);
	expect_sense(tape_read(s, 9, false), SENSE_NO_SENSE, ASC_FILEMARK, "F", 9);
	expect_sense(tape_read(s, 9, false), SENSE_BLANK_CHECK, ASC_END_OF_DATA, "", 9);
	/* One partition again. */
	go_to_partition(s, 0, 0);
	expect_good(format(s, 0));
	uint8_t cdb[16] = {0x92, 2, 0, 1};
	expect_refused(command_as(s, s->nexus, cdb, 16, NULL, 0, 0), SENSE_ILLEGAL_REQUEST,
		       ASC_INVALID_FIELD_IN_CDB);
}

static const struct answer *allow(struct scene *s, uint8_t what, uint64_t object)
{
	uint8_t cdb[16] = {0x82, 0, what};
	be_put64(cdb + 4, object);
	return command_as(s, s->nexus, cdb, 16, NULL, 0, 0);
}

static void append_only_asks_before_it_overwrites(void **state)
{
	struct scene *s = *state;
	static const uint8_t append_only = 0x12;
	scene_tape(s, TAPE);
	for (unsigned i = 0; i < 4; i++)
		expect_good(tape_write(s, 1000, i));
	expect_good(tape_rewind(s));
	tape_mode(s, 0x10, 0x01, 5, &append_only, 1);
	expect_sense(tape_write(s, 100, 9), SENSE_DATA_PROTECT, ASC_WRITE_APPEND_POSITION, "", 100);
	expect_refused(erase(s, 1), SENSE_DATA_PROTECT, ASC_WRITE_APPEND_POSITION);
	expect_refused(format(s, 0), SENSE_DATA_PROTECT, ASC_WRITE_APPEND_POSITION);
	expect_good(tape_locate(s, 4));
	expect_good(tape_write(s, 1000, 4));
	expect_good(tape_locate(s, 3));
	expect_refused(allow(s, 1, 2), SENSE_ILLEGAL_REQUEST, ASC_SEQUENTIAL_POSITIONING_ERROR);
	expect_good(allow(s, 1, 3));
	/* Leave is for that place, and once. */
	expect_good(tape_locate(s, 2));
	expect_sense(tape_write(s, 100, 9), SENSE_DATA_PROTECT, ASC_WRITE_APPEND_POSITION, "", 100);
	expect_good(tape_locate(s, 3));
	expect_good(allow(s, 1, 3));
	expect_good(tape_write(s, 1000, 33));
	expect_good(tape_locate(s, 3));
	expect_data(tape_read(s, 1000, false), 1000, 33);
	expect_good(tape_rewind(s));
	expect_good(allow(s, 2, 0));
	expect_good(format(s, 0));
	expect_sense(tape_read(s, 100, false), SENSE_BLANK_CHECK, ASC_END_OF_DATA, "", 100);
}

/* ---- sizes ------------------------------------------------------------------------------------------ */

static void blocks_of_every_size_come_back(void **state)
{
	struct scene *s = *state;
	static const uint32_t sizes[] = {1, 2, 511, 512, 4096, 65536, MIB, MIB + 1, 4 * MIB + 3, 8 * MIB};
	enum { COUNT = sizeof(sizes) / sizeof(sizes[0]) };
	scene_tape(s, 256ull * MIB);
	for (unsigned i = 0; i < COUNT; i++)
		expect_good(tape_write(s, sizes[i], i));
	expect_good(tape_rewind(s));
	for (unsigned round = 0; round < 2; round++) {
		for (unsigned i = 0; i < COUNT; i++)
			expect_data(tape_read(s, sizes[i], false), sizes[i], i);
		expect_good(tape_space(s, 0, -(int)COUNT));
	}
	/* One byte too much. */
	uint8_t cdb[6] = {0x0a, 0, 0x80, 0, 1};
	uint8_t byte = 0;
	expect_refused(command_as(s, s->nexus, cdb, 6, &byte, 1, 0), SENSE_ILLEGAL_REQUEST,
		       ASC_INVALID_FIELD_IN_CDB);
	expect_at(s, 0, 0);
}

static void fixed_transfers_cross_the_buffers(void **state)
{
	struct scene *s = *state;
	enum { SIZE = 100000, COUNT = 300 }; /* 30 MB in one command */
	scene_tape(s, 256ull * MIB);
	tape_block_size(s, SIZE);
	expect_good(tape_write_fixed(s, COUNT, SIZE, 0));
	expect_good(tape_rewind(s));
	const struct answer *answer = tape_read_fixed(s, COUNT + 2, SIZE);
	expect_sense(answer, SENSE_BLANK_CHECK, ASC_END_OF_DATA, "", 2);
	assert_int_equal(answer->size, (size_t)COUNT * SIZE);
	uint8_t block[SIZE];
	for (unsigned i = 0; i < COUNT; i++) {
		tape_fill(block, SIZE, i);
		assert_memory_equal(answer->data + (size_t)i * SIZE, block, SIZE);
	}
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(without_a_cartridge_nothing_is_ready),
		TEST(every_initiator_is_told_about_a_load),
		TEST(unloading_makes_everything_durable),
		TEST(a_load_without_waiting_is_ready_in_the_end),
		TEST(prevented_removal_keeps_the_cartridge),
		cmocka_unit_test(media_of_other_generations_are_refused_or_read),
		TEST(a_protected_cartridge_is_read_only),
		TEST(worm_takes_more_and_gives_nothing_up),
		TEST(a_locked_cartridge_takes_more_and_gives_nothing_up),
		TEST(a_cleaning_cartridge_cleans_and_counts_down),
		TEST(erasing_ends_the_tape_at_the_position),
		TEST(writing_in_the_middle_ends_the_tape_there),
		TEST(formatting_needs_the_beginning),
		TEST(a_capacity_that_is_set_ends_the_tape_earlier),
		TEST(two_partitions_are_two_tapes),
		TEST(append_only_asks_before_it_overwrites),
		TEST(blocks_of_every_size_come_back),
		TEST(fixed_transfers_cross_the_buffers),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
