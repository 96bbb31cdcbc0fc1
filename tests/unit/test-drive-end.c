/* SPDX-License-Identifier: MIT */
/* The end of the tape: warnings before it, VOLUME OVERFLOW at it, whether the tape or the folder of
 * the host is full; flushes that fail: nobody takes for written what is not; and damage. */
#include "tests/unit/tape_support.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "lib/base/bytes.h"
#include "lib/base/fault.h"
#include "target/tape/drive_private.h"

#define BLOCK 65536u
#define TAPE  (16u * MIB)
/* 2 % of it, and the first block that ends there or after. */
#define ZONE	 (TAPE / 50)
#define WARNING_BLOCK ((TAPE - ZONE + BLOCK - 1) / BLOCK)

static int setup(void **state)
{
	static struct scene scene;
	memset(&scene, 0, sizeof(scene));
	fault_set(NULL);
	scene_open(&scene);
	*state = &scene;
	return 0;
}

static int teardown(void **state)
{
	fault_set(NULL);
	scene_close(*state);
	return 0;
}

static void write_many(struct scene *s, unsigned first, unsigned count)
{
	for (unsigned i = first; i < first + count; i++)
		expect_good(tape_write(s, BLOCK, i));
}

static void read_many(struct scene *s, unsigned first, unsigned count)
{
	for (unsigned i = first; i < first + count; i++)
		expect_data(tape_read(s, BLOCK, false), BLOCK, i);
}

/* ---- the tape's own end ------------------------------------------------------------------------ */

static void the_early_warning_is_told_with_each_block_that_is_written(void **state)
{
	struct scene *s = *state;
	scene_tape(s, TAPE);
	write_many(s, 0, WARNING_BLOCK - 1);
	assert_int_equal(tape_position(s).flags & 0x40, 0);
	unsigned blocks = WARNING_BLOCK - 1;
	for (; blocks < TAPE / BLOCK; blocks++) {
		expect_sense(tape_write(s, BLOCK, blocks), SENSE_NO_SENSE, ASC_END_OF_MEDIUM, "E", 0);
		expect_at(s, blocks + 1, 0);
		assert_int_equal(tape_position(s).flags & 0x40, 0x40);
	}
	expect_sense(tape_write(s, BLOCK, 0), SENSE_VOLUME_OVERFLOW, ASC_END_OF_MEDIUM, "E", BLOCK);
	expect_sense(tape_filemarks(s, 2, false), SENSE_VOLUME_OVERFLOW, ASC_END_OF_MEDIUM, "E", 2);
	expect_at(s, blocks, 0);
	expect_good(tape_rewind(s));
	read_many(s, 0, blocks);
	expect_sense(tape_read(s, BLOCK, false), SENSE_BLANK_CHECK, ASC_END_OF_DATA, "", BLOCK);
	assert_int_equal(scene_unload(s), 0);
	assert_int_equal(__atomic_load_n(&s->full_events, __ATOMIC_RELAXED), 1);
}

static void filemarks_in_the_zone_are_written_with_the_warning(void **state)
{
	struct scene *s = *state;
	scene_tape(s, TAPE);
	write_many(s, 0, WARNING_BLOCK - 1);
	expect_good(tape_filemarks(s, 1, false));
	expect_sense(tape_write(s, BLOCK, 9), SENSE_NO_SENSE, ASC_END_OF_MEDIUM, "E", 0);
	expect_sense(tape_filemarks(s, 2, false), SENSE_NO_SENSE, ASC_END_OF_MEDIUM, "E", 0);
	expect_sense(tape_filemarks(s, 1, true), SENSE_NO_SENSE, ASC_END_OF_MEDIUM, "E", 0);
	expect_at(s, WARNING_BLOCK + 4, 4);
	/* A flush writes nothing and warns of nothing. */
	expect_good(tape_filemarks(s, 0, false));
}

/* A tape of nothing but filemarks ends as well. */
static void filemarks_fill_the_tape(void **state)
{
	struct scene *s = *state;
	enum { ALL = TAPE / DRIVE_FILEMARK_SIZE, BEFORE = (TAPE - ZONE) / DRIVE_FILEMARK_SIZE };
	scene_tape(s, TAPE);
	expect_good(tape_filemarks(s, BEFORE, false));
	assert_int_equal(tape_position(s).flags & 0x40, 0);
	expect_sense(tape_filemarks(s, 1, false), SENSE_NO_SENSE, ASC_END_OF_MEDIUM, "E", 0);
	assert_int_equal(tape_position(s).flags & 0x40, 0x40);
	expect_sense(tape_filemarks(s, ALL - BEFORE + 4, true), SENSE_VOLUME_OVERFLOW, ASC_END_OF_MEDIUM,
		     "E", 5);
	expect_at(s, ALL, ALL);
	expect_sense(tape_write(s, 1, 0), SENSE_VOLUME_OVERFLOW, ASC_END_OF_MEDIUM, "E", 1);
	expect_good(tape_rewind(s));
	expect_good(tape_space(s, 1, ALL));
	expect_at(s, ALL, ALL);
}

static void fixed_blocks_go_on_the_tape_as_far_as_they_fit(void **state)
{
	struct scene *s = *state;
	scene_tape(s, TAPE);
	tape_block_size(s, BLOCK);
	expect_good(tape_write_fixed(s, 128, BLOCK, 0));
	expect_sense(tape_write_fixed(s, TAPE / BLOCK - 128 - 2, BLOCK, 128), SENSE_NO_SENSE,
		     ASC_END_OF_MEDIUM, "E", 0);
	expect_sense(tape_write_fixed(s, 5, BLOCK, TAPE / BLOCK - 2), SENSE_VOLUME_OVERFLOW,
		     ASC_END_OF_MEDIUM, "E", 3);
	expect_at(s, TAPE / BLOCK, 0);
	expect_good(tape_rewind(s));
	tape_block_size(s, 0);
	read_many(s, 0, TAPE / BLOCK);
}

static void the_programmable_warning_is_told_once(void **state)
{
	struct scene *s = *state;
	uint8_t mebibytes[2] = {0, 2};
	scene_tape(s, TAPE);
	tape_mode(s, 0x10, 0x01, 6, mebibytes, 2);
	unsigned crossing = (TAPE - ZONE - 2 * MIB + BLOCK - 1) / BLOCK;
	write_many(s, 0, crossing - 1);
	assert_int_equal(tape_position(s).flags & 0x01, 0);
	expect_sense(tape_write(s, BLOCK, 0), SENSE_NO_SENSE, ASC_PROGRAMMABLE_EARLY_WARNING, "E", 0);
	assert_int_equal(tape_position(s).flags & 0x41, 0x01);
	write_many(s, crossing, WARNING_BLOCK - 1 - crossing);
	expect_sense(tape_write(s, BLOCK, 0), SENSE_NO_SENSE, ASC_END_OF_MEDIUM, "E", 0);
	assert_int_equal(tape_position(s).flags & 0x41, 0x41);
}

/* ---- flushes that fail ----------------------------------------------------------------------------- */

/* A deferred error comes with some command after the flush, instead of it. */
static void await_deferred(struct scene *s, enum sense_key key, enum sense_code code)
{
	for (int i = 0; i < 60000; i++) {
		const struct answer *answer = tape_ready(s);
		if (answer->status == SCSI_CHECK_CONDITION) {
			expect_refused(answer, key, code);
			assert_true(answer->sense.deferred);
			return;
		}
		usleep(1000);
	}
	fail_msg("no deferred error came");
}

static void stopped_until_reloaded(struct scene *s, unsigned kept)
{
	struct drive_state state;
	expect_good(tape_ready(s));
	expect_at(s, kept, 0);
	const struct answer *answer = tape_write(s, BLOCK, 1);
	expect_sense(answer, SENSE_MEDIUM_ERROR, ASC_WRITE_ERROR, "", BLOCK);
	assert_false(answer->sense.deferred);
	drive_get_state(s->drive, &state);
	assert_true(state.alerts & 1 << (6 - 1));
	expect_good(tape_rewind(s));
	read_many(s, 0, kept);
	expect_sense(tape_read(s, BLOCK, false), SENSE_BLANK_CHECK, ASC_END_OF_DATA, "", BLOCK);
	scene_unload(s);
	assert_int_equal(scene_load(s), 0);
	read_many(s, 0, kept);
	expect_good(tape_write(s, BLOCK, kept));
	expect_good(tape_filemarks(s, 1, false));
	expect_at(s, kept + 2, 1);
}

static void a_flush_that_fails_behind_the_host_is_told_to_the_writer_once(void **state)
{
	struct scene *s = *state;
	scene_tape(s, TAPE);
	write_many(s, 0, 3);
	expect_good(tape_filemarks(s, 0, false));
	fault_set("drive-flush:1");
	write_many(s, 3, 1);
	/* Not to the other initiator. */
	usleep(100000);
	expect_good(command_other(s, NULL, 0, 0, 0, 0, 0, 0, 0, 0));
	await_deferred(s, SENSE_MEDIUM_ERROR, ASC_WRITE_ERROR);
	stopped_until_reloaded(s, 3);
}

static void a_flush_that_fails_while_filemarks_wait_fails_these(void **state)
{
	struct scene *s = *state;
	scene_tape(s, TAPE);
	write_many(s, 0, 3);
	expect_good(tape_filemarks(s, 0, false));
	fault_set("drive-flush:1");
	expect_good(tape_write(s, 2 * BLOCK, 3));
	const struct answer *answer = tape_filemarks(s, 1, false);
	if (!answer->sense.deferred) /* the flusher may have been before it */
		expect_sense(answer, SENSE_MEDIUM_ERROR, ASC_WRITE_ERROR, "", 1);
	stopped_until_reloaded(s, 3);
}

static void filemarks_are_not_acknowledged_without_their_commit(void **state)
{
	struct scene *s = *state;
	scene_tape(s, TAPE);
	write_many(s, 0, 2);
	fault_set("cartridge-data-sync:1");
	expect_sense(tape_filemarks(s, 1, false), SENSE_MEDIUM_ERROR, ASC_WRITE_ERROR, "", 1);
	expect_sense(tape_write(s, BLOCK, 9), SENSE_MEDIUM_ERROR, ASC_WRITE_ERROR, "", BLOCK);
}

static void a_write_that_does_not_fit_the_folder_overflows(void **state)
{
	struct scene *s = *state;
	scene_tape(s, TAPE);
	tape_buffered(s, false);
	expect_good(tape_write(s, BLOCK, 0));
	fault_set("drive-append:1");
	expect_sense(tape_write(s, BLOCK, 1), SENSE_VOLUME_OVERFLOW, ASC_END_OF_MEDIUM, "E", BLOCK);
	expect_at(s, 1, 0);
	expect_good(tape_filemarks(s, 1, false));
	expect_good(tape_rewind(s));
	read_many(s, 0, 1);
}

/* A copy of the folder at this moment is what a power cut would leave. */
static uint64_t durable_objects(struct scene *s)
{
	struct cartridge *copy = NULL;
	char line[900], path[300];
	snprintf(path, sizeof(path), "%s/copy", s->folder);
	snprintf(line, sizeof(line), "rm -rf '%s' && cp -r '%s' '%s'", path, s->path, path);
	assert_int_equal(system(line), 0);
	assert_int_equal(cartridge_open(path, CARTRIDGE_READ, &copy), 0);
	uint64_t objects = cartridge_extent(copy, 0).objects;
	assert_int_equal(cartridge_close(&copy), 0);
	return objects;
}

static void unbuffered_blocks_are_durable_when_they_are_acknowledged(void **state)
{
	struct scene *s = *state;
	scene_tape(s, TAPE);
	tape_buffered(s, false);
	write_many(s, 0, 2);
	assert_int_equal(durable_objects(s), 2);
}

/* Who has turned buffering off is told that a filemark is on the tape only when it is. */
static void unbuffered_filemarks_are_not_acknowledged_early(void **state)
{
	struct scene *s = *state;
	scene_tape(s, TAPE);
	tape_buffered(s, false);
	write_many(s, 0, 2);
	expect_refused(tape_filemarks(s, 1, true), SENSE_ILLEGAL_REQUEST, ASC_INVALID_FIELD_IN_CDB);
	expect_at(s, 2, 0);
	expect_good(tape_filemarks(s, 1, false));
	assert_int_equal(durable_objects(s), 3);
	expect_good(tape_filemarks(s, 0, true)); /* makes durable, as ever */
}

/* Each of these makes durable what was written before it. */
static void commands_that_synchronise_do(void **state)
{
	struct scene *s = *state;
	static const struct {
		uint8_t cdb[16];
		uint8_t size, room;
	} commands[] = {
		{{0x10, 0, 0, 0, 1}, 6, 0},  {{0x10}, 6, 0},	    {{0x10, 1}, 6, 0},
		{{0x01}, 6, 0},		     {{0x08, 0, 0, 0, 9}, 6, 9}, {{0x11, 3}, 6, 0},
		{{0x11, 0, 0xff, 0xff, 0xff}, 6, 0}, {{0x2b}, 10, 0},    {{0x92}, 16, 0},
		{{0x13, 0, 0, 0, 9}, 6, 0},  {{0x1b, 0, 0, 0, 1}, 6, 0}, {{0x1b}, 6, 0},
		{{0x19}, 6, 0},		     {{0x15, 0x10, 0, 0, 12}, 6, 0},
	};
	scene_tape(s, TAPE);
	for (unsigned i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
		static const uint8_t list[12] = {0, 0, 0x10, 8};
		bool select = commands[i].cdb[0] == 0x15;
		print_message("CDB %02x\n", commands[i].cdb[0]);
		expect_good(tape_rewind(s));
		write_many(s, i, 3);
		command_as(s, s->nexus, commands[i].cdb, commands[i].size, select ? list : NULL,
			   select ? sizeof(list) : 0, commands[i].room);
		assert_in_range(durable_objects(s), 3, 4);
		expect_good(tape_load(s, 1));
	}
}

/* ---- damage -------------------------------------------------------------------------------------- */

static void damage_is_a_read_error_and_never_data(void **state)
{
	struct scene *s = *state;
	struct drive_state drive;
	scene_tape(s, TAPE);
	for (unsigned i = 0; i < 4; i++)
		expect_good(tape_write(s, MIB, i));
	assert_int_equal(scene_unload(s), 0);
	scene_flip_byte(s, MIB + 4711);
	assert_int_equal(scene_load(s), 0);
	expect_data(tape_read(s, MIB, false), MIB, 0);
	for (int i = 0; i < 2; i++) {
		expect_good(tape_locate(s, 1));
		const struct answer *answer = tape_read(s, MIB, false);
		expect_sense(answer, SENSE_MEDIUM_ERROR, ASC_UNRECOVERED_READ_ERROR, "", MIB);
		assert_int_equal(answer->size, 0);
		expect_at(s, 2, 0);
	}
	drive_get_state(s->drive, &drive);
	assert_true(drive.alerts & 1 << (5 - 1));
	/* The tape has moved over it: who reads on gets what comes behind. */
	expect_data(tape_read(s, MIB, false), MIB, 2);
	expect_data(tape_read(s, MIB, false), MIB, 3);
	/* Fixed blocks: the good ones before it are given. */
	tape_block_size(s, MIB);
	expect_good(tape_rewind(s));
	const struct answer *answer = tape_read_fixed(s, 4, MIB);
	expect_sense(answer, SENSE_MEDIUM_ERROR, ASC_UNRECOVERED_READ_ERROR, "", 3);
	expect_data(answer, MIB, 0);
	expect_at(s, 2, 0);
	/* VERIFY finds it as well, and is where READ would be. */
	expect_good(tape_rewind(s));
	expect_sense(command(s, NULL, 0, 0, 0x13, 1, 0, 0, 4, 0), SENSE_MEDIUM_ERROR,
		     ASC_UNRECOVERED_READ_ERROR, "", 3);
	expect_at(s, 2, 0);
	expect_good(command(s, NULL, 0, 0, 0x13, 1, 0, 0, 2, 0));
	expect_at(s, 4, 0);
	tape_block_size(s, 0);
	/* So it does on its way to the end (VTE) or to filemarks (VBF). */
	for (uint8_t how = 0x08; how <= 0x20; how <<= 2) {
		expect_good(tape_rewind(s));
		expect_sense(command(s, NULL, 0, 0, 0x13, how, 0, 0, 1, 0), SENSE_MEDIUM_ERROR,
			     ASC_UNRECOVERED_READ_ERROR, "", 0);
		expect_at(s, 2, 0);
	}
	expect_good(tape_locate(s, 1));
	expect_sense(command(s, NULL, 0, 0, 0x13, 0, 0x10, 0, 0, 0), SENSE_MEDIUM_ERROR,
		     ASC_UNRECOVERED_READ_ERROR, "", MIB);
	expect_at(s, 2, 0);
}

/* The blocks before the damaged stretch come in one command, in however many pieces. */
static void blocks_before_damage_are_given(void **state)
{
	struct scene *s = *state;
	enum { SIZE = 10000, COUNT = 400, GOOD = 2 * MIB / SIZE };
	scene_tape(s, TAPE);
	tape_block_size(s, SIZE);
	expect_good(tape_write_fixed(s, COUNT, SIZE, 0));
	assert_int_equal(scene_unload(s), 0);
	scene_flip_byte(s, 2 * MIB + 300000);
	assert_int_equal(scene_load(s), 0);
	const struct answer *answer = tape_read_fixed(s, COUNT, SIZE);
	expect_sense(answer, SENSE_MEDIUM_ERROR, ASC_UNRECOVERED_READ_ERROR, "", COUNT - GOOD);
	assert_int_equal(answer->size, GOOD * SIZE);
	uint8_t block[SIZE];
	for (unsigned i = 0; i < GOOD; i++) {
		tape_fill(block, SIZE, i);
		assert_memory_equal(answer->data + (size_t)i * SIZE, block, SIZE);
	}
	expect_at(s, GOOD + 1, 0);
}

/* ---- the host's folder ---------------------------------------------------------------------------- */

static bool has_namespace;

/* A filesystem of its own, before there are threads. */
static void enter_namespace(void)
{
	uid_t uid = getuid();
	char map[64];
	if (unshare(CLONE_NEWNS | (uid ? CLONE_NEWUSER : 0)))
		return;
	if (uid) {
		int fd = open("/proc/self/uid_map", O_WRONLY | O_CLOEXEC);
		int length = snprintf(map, sizeof(map), "0 %u 1", (unsigned)uid);
		bool mapped = fd >= 0 && write(fd, map, (size_t)length) == length;
		if (fd >= 0)
			close(fd);
		if (!mapped)
			return;
	}
	has_namespace = !mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL);
}

static void a_full_folder_ends_the_tape_and_loses_nothing(void **state)
{
	struct scene *s = *state;
	enum { STEP = MIB };
	if (!has_namespace || mount("tmpfs", s->folder, "tmpfs", 0, "size=330m")) {
		print_message("no filesystem can be mounted here\n");
		skip();
	}
	scene_tape(s, 12000000000000ull);
	unsigned written = 0, warned = 0;
	const struct answer *answer;
	for (;; written++) {
		answer = tape_write(s, STEP, written);
		if (answer->status == SCSI_GOOD) {
			assert_int_equal(warned, 0);
			continue;
		}
		if (answer->sense.key != SENSE_NO_SENSE)
			break;
		expect_sense(answer, SENSE_NO_SENSE, ASC_END_OF_MEDIUM, "E", 0);
		warned++;
	}
	expect_sense(answer, SENSE_VOLUME_OVERFLOW, ASC_END_OF_MEDIUM, "E", STEP);
	/* Room to finish: what a host writes after the warning. */
	assert_in_range(warned, 40, 80);
	assert_true(written > 250);
	answer = tape_filemarks(s, 2, false);
	expect_sense(answer, SENSE_NO_SENSE, ASC_END_OF_MEDIUM, "E", 0);
	expect_at(s, written + 2, 2);
	assert_int_equal(scene_unload(s), 0);
	assert_int_equal(scene_load(s), 0);
	for (unsigned i = 0; i < written; i++)
		expect_data(tape_read(s, STEP, false), STEP, i);
	expect_sense(tape_read(s, STEP, false), SENSE_NO_SENSE, ASC_FILEMARK, "F", STEP);
	/* Writing over it gives the room back, and so does erasing. */
	expect_good(tape_locate(s, 200));
	expect_good(tape_write(s, STEP, 200));
	expect_good(tape_filemarks(s, 1, false));
	expect_good(tape_locate(s, 1));
	expect_good(command(s, NULL, 0, 0, 0x19, 1, 0, 0, 0, 0));
	expect_good(tape_write(s, STEP, 1));
	assert_int_equal(scene_unload(s), 0);
	assert_int_equal(umount2(s->folder, MNT_DETACH), 0);
}

/* Another writer takes, at one instant, all that is left. */
static void take_what_is_left(struct scene *s)
{
	struct statvfs host;
	char option[40];
	assert_int_equal(statvfs(s->folder, &host), 0);
	snprintf(option, sizeof(option), "size=%llu",
		 (unsigned long long)(host.f_blocks - host.f_bfree) * host.f_frsize);
	assert_int_equal(mount(NULL, s->folder, NULL, MS_REMOUNT, option), 0);
	assert_int_equal(statvfs(s->folder, &host), 0);
	assert_int_equal(host.f_bfree, 0);
}

static void what_is_acknowledged_keeps_its_place_in_a_folder_that_others_fill(void **state)
{
	struct scene *s = *state;
	unsigned written = 0, warned = 0;
	const struct answer *answer;
	if (!has_namespace || mount("tmpfs", s->folder, "tmpfs", 0, "size=600m")) {
		print_message("no filesystem can be mounted here\n");
		skip();
	}
	scene_tape(s, 12000000000000ull);
	expect_good(tape_write(s, BLOCK, written++));
	expect_good(tape_filemarks(s, 1, false));
	/* In the drive's memory, of which little waits some milliseconds for more. */
	expect_good(tape_write(s, BLOCK, written++));
	expect_good(tape_write(s, BLOCK, written++));
	take_what_is_left(s);
	expect_good(tape_filemarks(s, 1, false));
	/* Room to finish; and the command that has none is the one that says so. */
	for (; (answer = tape_write(s, BLOCK, written))->sense.key == SENSE_NO_SENSE; written++)
		warned += answer->sense.eom;
	assert_true(warned > 16);
	expect_sense(answer, SENSE_VOLUME_OVERFLOW, ASC_END_OF_MEDIUM, "E", BLOCK);
	assert_false(answer->sense.deferred);
	assert_true(written > 3);
	expect_sense(tape_filemarks(s, 1, false), SENSE_NO_SENSE, ASC_END_OF_MEDIUM, "E", 0);
	assert_int_equal(scene_unload(s), 0);
	assert_int_equal(scene_load(s), 0);
	expect_data(tape_read(s, BLOCK, false), BLOCK, 0);
	expect_good(tape_space(s, 1, 1));
	read_many(s, 1, 2);
	expect_good(tape_space(s, 1, 1));
	read_many(s, 3, written - 3);
	assert_int_equal(scene_unload(s), 0);
	assert_int_equal(umount2(s->folder, MNT_DETACH), 0);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(the_early_warning_is_told_with_each_block_that_is_written),
		TEST(filemarks_in_the_zone_are_written_with_the_warning),
		TEST(filemarks_fill_the_tape),
		TEST(fixed_blocks_go_on_the_tape_as_far_as_they_fit),
		TEST(the_programmable_warning_is_told_once),
		TEST(a_flush_that_fails_behind_the_host_is_told_to_the_writer_once),
		TEST(a_flush_that_fails_while_filemarks_wait_fails_these),
		TEST(filemarks_are_not_acknowledged_without_their_commit),
		TEST(a_write_that_does_not_fit_the_folder_overflows),
		TEST(unbuffered_blocks_are_durable_when_they_are_acknowledged),
		TEST(unbuffered_filemarks_are_not_acknowledged_early),
		TEST(commands_that_synchronise_do),
		TEST(damage_is_a_read_error_and_never_data),
		TEST(blocks_before_damage_are_given),
		TEST(a_full_folder_ends_the_tape_and_loses_nothing),
		TEST(what_is_acknowledged_keeps_its_place_in_a_folder_that_others_fill),
	};
	enter_namespace();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
