/* SPDX-License-Identifier: MIT */
/* Flushes that fail: nobody takes for written what is not, and the one who wrote it hears of it, whoever
 * had the drive write and whatever became of that command. */
#include "tests/unit/tape_support.h"
#include "tests/unit/tape_gate.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/bytes.h"
#include "lib/base/fault.h"

#define BLOCK 65536u
#define TAPE  (64u * MIB)

static int setup(void **state)
{
	static struct scene scene;
	memset(&scene, 0, sizeof(scene));
	scene.buffer = 4 * MIB;
	fault_set(NULL);
	scene_open(&scene);
	scene_tape(&scene, TAPE);
	*state = &scene;
	return 0;
}

static int teardown(void **state)
{
	fault_set(NULL);
	gate_open();
	scene_close(*state);
	return 0;
}

/* The first change of a cartridge is one that waits: it is made, and durable. */
static void begin(struct scene *s)
{
	expect_good(tape_write(s, BLOCK, 0));
	expect_good(tape_filemarks(s, 1, false));
}

/* Blocks that wait in the drive's memory, then one that has to wait for room there while the host has
 * none, which stays so. Returns the object that comes next on the tape as the host has been told. */
static unsigned overflow(struct scene *s)
{
	begin(s);
	fault_set("cartridge-enospc:1+");
	for (unsigned object = 2; object < 40; object++) {
		const struct answer *answer = tape_write(s, MIB, object);
		if (answer->status == SCSI_GOOD || answer->sense.key == SENSE_NO_SENSE)
			continue; /* with the early warning, should the disk be found full meanwhile */
		expect_sense(answer, SENSE_VOLUME_OVERFLOW, ASC_END_OF_MEDIUM, "E", MIB);
		assert_false(answer->sense.deferred);
		assert_in_range(object, 3, 10);
		return object;
	}
	fail_msg("the host's disk was never full");
	return 0;
}

static void what_waits_for_room_on_the_host_is_kept_and_written_later(void **state)
{
	struct scene *s = *state;
	unsigned end = overflow(s);
	fault_set(NULL);
	expect_good(tape_ready(s));
	expect_at(s, end, 1);
	expect_good(tape_filemarks(s, 1, false));
	expect_good(tape_ready(s));
	expect_at(s, end + 1, 2);
	assert_int_equal(scene_unload(s), 0);
	assert_int_equal(scene_load(s), 0);
	expect_good(tape_locate(s, 2));
	for (unsigned object = 2; object < end; object++)
		expect_data(tape_read(s, MIB, false), MIB, object);
	expect_sense(tape_read(s, MIB, false), SENSE_NO_SENSE, ASC_FILEMARK, "F", MIB);
}

static void what_waits_for_room_is_tried_again_without_a_command(void **state)
{
	struct scene *s = *state;
	unsigned end = overflow(s);
	fault_set(NULL);
	for (int i = 0; i < 6000; i++) {
		const struct answer *answer =
			command(s, NULL, 0, 32, 0x34, 0x08, 0, 0, 0, 0, 0, 0, 32, 0);
		expect_good(answer);
		if (be_get64(answer->data + 16) == end) {
			expect_good(tape_write(s, MIB, end));
			expect_good(tape_filemarks(s, 0, false));
			return;
		}
		usleep(10000);
	}
	fail_msg("it still waits");
}

static void what_finds_no_room_at_last_is_told_with_all_that_is_lost(void **state)
{
	struct scene *s = *state;
	unsigned end = overflow(s);
	const struct answer *answer = tape_filemarks(s, 1, false);
	expect_sense(answer, SENSE_VOLUME_OVERFLOW, ASC_END_OF_MEDIUM, "E", (end - 2) * MIB + 1);
	assert_true(answer->sense.deferred);
	expect_good(tape_ready(s));
	expect_at(s, 2, 1);
	/* What makes durable says no, and writing too, until the next load. */
	expect_sense(tape_filemarks(s, 0, false), SENSE_MEDIUM_ERROR, ASC_WRITE_ERROR, "", 0);
	expect_sense(tape_filemarks(s, 1, true), SENSE_MEDIUM_ERROR, ASC_WRITE_ERROR, "", 1);
	expect_sense(tape_write(s, BLOCK, 9), SENSE_MEDIUM_ERROR, ASC_WRITE_ERROR, "", BLOCK);
	fault_set(NULL);
	assert_int_equal(scene_unload(s), 0);
	assert_int_equal(scene_load(s), 0);
	expect_data(tape_read(s, BLOCK, false), BLOCK, 0);
	expect_sense(tape_read(s, BLOCK, false), SENSE_NO_SENSE, ASC_FILEMARK, "F", BLOCK);
	expect_good(tape_write(s, BLOCK, 2));
	expect_good(tape_filemarks(s, 1, false));
}

/* What some blocks find room for is not lost with the next one. */
static void the_last_try_keeps_what_fits(void **state)
{
	struct scene *s = *state;
	unsigned end = overflow(s), kept = end - 3;
	char fault[40];
	snprintf(fault, sizeof(fault), "cartridge-enospc:%u", kept + 1);
	fault_set(fault);
	const struct answer *answer = tape_filemarks(s, 1, false);
	if (answer->status == SCSI_GOOD) {
		print_message("the drive has tried again by itself before\n");
		skip();
	}
	expect_sense(answer, SENSE_VOLUME_OVERFLOW, ASC_END_OF_MEDIUM, "E", MIB + 1);
	assert_true(answer->sense.deferred);
	expect_at(s, 2 + kept, 1);
	expect_good(tape_locate(s, 2));
	for (unsigned object = 2; object < 2 + kept; object++)
		expect_data(tape_read(s, MIB, false), MIB, object);
	expect_sense(tape_read(s, MIB, false), SENSE_BLANK_CHECK, ASC_END_OF_DATA, "", MIB);
}

static void the_robot_that_takes_the_cartridge_has_the_writer_told(void **state)
{
	struct scene *s = *state;
	unsigned end = overflow(s);
	assert_int_equal(scene_unload(s), -ENOSPC);
	expect_good(command_other(s, NULL, 0, 0, 0x03, 0, 0, 0, 0, 0));
	const struct answer *answer = tape_ready(s);
	expect_sense(answer, SENSE_VOLUME_OVERFLOW, ASC_END_OF_MEDIUM, "E", (end - 2) * MIB);
	assert_true(answer->sense.deferred);
}

/* WRITE ATTRIBUTE of the application's vendor. */
static const struct answer *write_attribute(struct scene *s, const char *vendor)
{
	uint8_t list[17] = {0, 0, 0, 13, 0x08, 0x00, 1, 0, 8};
	memcpy(list + 9, vendor, 8);
	return command(s, list, sizeof(list), 0, 0x8d, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, sizeof(list), 0, 0);
}

static void no_room_for_the_tapes_memory_is_no_loss_of_blocks(void **state)
{
	struct scene *s = *state;
	fault_set("cartridge-memory-space:1+");
	expect_good(tape_write(s, BLOCK, 0));
	expect_good(tape_filemarks(s, 1, false));
	expect_refused(write_attribute(s, "GRANARY "), SENSE_ILLEGAL_REQUEST, ASC_MEMORY_OUT_OF_SPACE);
	expect_good(tape_write(s, BLOCK, 2));
	expect_good(tape_filemarks(s, 1, false));
	fault_set(NULL);
	expect_good(write_attribute(s, "GRANARY2"));
	fault_set("cartridge-memory-space:1+");
	assert_int_equal(scene_unload(s), 0);
	fault_set(NULL);
	assert_int_equal(scene_load(s), 0);
	expect_data(tape_read(s, BLOCK, false), BLOCK, 0);
	expect_good(tape_locate(s, 2));
	expect_data(tape_read(s, BLOCK, false), BLOCK, 2);
	const struct answer *answer =
		command(s, NULL, 0, 32, 0x8c, 0, 0, 0, 0, 0, 0, 0, 0x08, 0, 0, 0, 0, 32, 0, 0);
	expect_good(answer);
	assert_memory_equal(answer->data + 9, "GRANARY2", 8);
}

/* A cartridge that cannot be committed takes no more blocks, whichever command found that out. */
static void a_memory_that_is_not_written_stops_the_drive(void **state)
{
	struct scene *s = *state;
	begin(s);
	fault_set("fdatasync:1+");
	expect_refused(write_attribute(s, "GRANARY "), SENSE_MEDIUM_ERROR, ASC_WRITE_ERROR);
	expect_sense(tape_write(s, BLOCK, 9), SENSE_MEDIUM_ERROR, ASC_WRITE_ERROR, "", BLOCK);
}

/* ---- who is told ------------------------------------------------------------------------------ */

static void expect_deferred(const struct answer *answer, int64_t information)
{
	expect_sense(answer, SENSE_MEDIUM_ERROR, ASC_WRITE_ERROR, "", information);
	assert_true(answer->sense.deferred);
}

/* Each of these makes durable what another has written, and fails. */
static void the_writer_hears_of_a_commit_that_another_has_waited_for(void **state)
{
	struct scene *s = *state;
	static const struct {
		uint8_t cdb[16];
		uint8_t size;
		bool early;
	} commands[] = {
		{{0x01}, 6, false}, {{0x01, 1}, 6, true}, {{0x2b, 1}, 10, true}, {{0x11, 3}, 6, false},
		{{0x10}, 6, false}, {{0x13, 4, 0, 0, 9}, 6, true}, {{0x1b}, 6, false}, {{0x1b, 1}, 6, true},
	};
	for (unsigned i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
		print_message("CDB %02x %02x\n", commands[i].cdb[0], commands[i].cdb[1]);
		begin(s);
		expect_good(tape_write(s, BLOCK, 2));
		expect_good(tape_write(s, BLOCK, 3));
		fault_set("cartridge-data-sync:1");
		const struct answer *answer = command_as(s, s->other, commands[i].cdb, commands[i].size,
							 NULL, 0, 0);
		if (commands[i].early) {
			expect_good(answer);
			/* Its end: a command that has to wait its turn. */
			answer = command_other(s, NULL, 0, 18, 0x05, 0, 0, 0, 0, 0);
			if (answer->status == SCSI_GOOD)
				answer = command_other(s, NULL, 0, 18, 0x05, 0, 0, 0, 0, 0);
			assert_true(answer->sense.deferred);
		}
		assert_int_equal(answer->status, SCSI_CHECK_CONDITION);
		assert_int_equal(answer->sense.code, ASC_WRITE_ERROR);
		expect_deferred(tape_filemarks(s, 0, false), 2 * BLOCK);
		/* Told once; but nothing is taken for durable. */
		answer = tape_filemarks(s, 0, false);
		assert_int_equal(answer->status, SCSI_CHECK_CONDITION);
		assert_false(answer->sense.deferred);
		fault_set(NULL);
		scene_unload(s);
		assert_int_equal(scene_load(s), 0);
	}
}

/* One after another on one tape: what a nexus is told is of its own blocks. */
static void a_second_writer_waits_for_the_first_ones_commit(void **state)
{
	struct scene *s = *state;
	static const uint8_t data[100];
	begin(s);
	expect_good(tape_write(s, BLOCK, 2));
	fault_set("cartridge-data-sync:1");
	const struct answer *answer =
		command_other(s, data, sizeof(data), 0, 0x0a, 0, 0, 0, sizeof(data), 0);
	expect_sense(answer, SENSE_MEDIUM_ERROR, ASC_WRITE_ERROR, "", sizeof(data));
	expect_deferred(tape_ready(s), BLOCK);
}

/* What a host cuts off is no data of another: it need not wait until that is durable, nor until the host
 * of the files has freed them, and hears itself of what goes wrong there. */
static void who_writes_over_a_tape_does_not_wait_for_the_cut(void **state)
{
	struct scene *s = *state;
	static const uint8_t data[100];
	begin(s);
	expect_good(tape_rewind(s));
	fault_set("cartridge-index-sync:1");
	expect_good(command_other(s, data, sizeof(data), 0, 0x0a, 0, 0, 0, sizeof(data), 0));
	const struct answer *answer = command_other(s, NULL, 0, 0, 0x10, 0, 0, 0, 0, 0);
	expect_refused(answer, SENSE_MEDIUM_ERROR, ASC_WRITE_ERROR);
	expect_good(tape_ready(s));
}

/* ---- commands whose answer nobody gets ---------------------------------------------------------- */

/* WRITE FILEMARKS(6) of none, which stands still in the commit until gate_open(). */
static void flush_start(struct scene *s, struct pending *pending)
{
	*pending = (struct pending){
		.task = {.nexus = s->nexus, .tag = 4711, .cdb = {0x10}, .cdb_size = 6, .done = pending_done},
	};
	gate_close();
	scsi_submit(&pending->task);
	gate_await();
}

static void managed(struct scsi_management_request *request, enum scsi_response response)
{
	assert_int_equal(response, SCSI_FUNCTION_COMPLETE);
	__atomic_store_n((unsigned *)request->context, 1, __ATOMIC_RELEASE);
}

static void the_error_of_an_aborted_flush_comes_with_the_next_command(void **state)
{
	struct scene *s = *state;
	struct pending pending;
	unsigned ended = 0;
	struct scsi_management_request request = {
		.nexus = s->nexus, .function = SCSI_ABORT_TASK, .tag = 4711, .done = managed, .context = &ended,
	};
	begin(s);
	expect_good(tape_write(s, BLOCK, 2));
	fault_set("cartridge-index-sync:1");
	flush_start(s, &pending);
	scsi_manage(&request);
	gate_open();
	await(&ended);
	await(&pending.done);
	assert_true(pending.task.aborted);
	scsi_task_clear(&pending.task);
	const struct answer *answer = tape_ready(s);
	expect_refused(answer, SENSE_MEDIUM_ERROR, ASC_WRITE_ERROR);
	assert_true(answer->sense.deferred);
	expect_good(tape_ready(s));
}

static void nexus_closed(void *context)
{
	__atomic_store_n((unsigned *)context, 1, __ATOMIC_RELEASE);
}

static void the_error_of_a_session_that_ended_is_told_to_who_is_there(void **state)
{
	struct scene *s = *state;
	struct pending pending;
	unsigned closed = 0;
	begin(s);
	expect_good(tape_write(s, BLOCK, 2));
	fault_set("cartridge-index-sync:1");
	flush_start(s, &pending);
	scsi_nexus_close(s->nexus, nexus_closed, &closed);
	gate_open();
	await(&closed);
	await(&pending.done);
	scsi_task_clear(&pending.task);
	s->nexus = scene_nexus(s, 3);
	const struct answer *answer = command_other(s, NULL, 0, 0, 0, 0, 0, 0, 0, 0);
	expect_refused(answer, SENSE_MEDIUM_ERROR, ASC_WRITE_ERROR);
	assert_true(answer->sense.deferred);
	expect_good(command_other(s, NULL, 0, 0, 0, 0, 0, 0, 0, 0));
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(what_waits_for_room_on_the_host_is_kept_and_written_later),
		TEST(what_waits_for_room_is_tried_again_without_a_command),
		TEST(what_finds_no_room_at_last_is_told_with_all_that_is_lost),
		TEST(the_last_try_keeps_what_fits),
		TEST(the_robot_that_takes_the_cartridge_has_the_writer_told),
		TEST(no_room_for_the_tapes_memory_is_no_loss_of_blocks),
		TEST(a_memory_that_is_not_written_stops_the_drive),
		TEST(the_writer_hears_of_a_commit_that_another_has_waited_for),
		TEST(a_second_writer_waits_for_the_first_ones_commit),
		TEST(who_writes_over_a_tape_does_not_wait_for_the_cut),
		TEST(the_error_of_an_aborted_flush_comes_with_the_next_command),
		TEST(the_error_of_a_session_that_ended_is_told_to_who_is_there),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
