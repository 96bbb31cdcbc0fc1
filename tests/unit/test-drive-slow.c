/* SPDX-License-Identifier: MIT */
/* A drive whose disk hangs: what others hear meanwhile, and what becomes of a session that ends before
 * its command does. */
#include "tests/unit/tape_support.h"
#include "tests/unit/tape_gate.h"

#include <fcntl.h>
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
	scene.encryption = true;
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

/* Submits a command whose drain stands at the gate then. */
static void start(struct scene *s, struct pending *pending, const uint8_t *cdb, size_t size,
		  struct scsi_buffer *out)
{
	*pending = (struct pending){
		.task = {.nexus = s->nexus, .tag = 4711, .cdb_size = size, .out = out, .done = pending_done},
	};
	memcpy(pending->task.cdb, cdb, size);
	gate_close();
	scsi_submit(&pending->task);
	gate_await();
}

/* ---- IMMED ---------------------------------------------------------------------------------------- */

static void the_drive_is_not_ready_while_a_command_with_immed_runs(void **state)
{
	struct scene *s = *state;
	static const struct {
		uint8_t cdb[16];
		uint8_t size;
		bool begin; /* the command runs at the beginning of the tape only */
		enum sense_code code;
	} commands[] = {
		{{0x01, 1}, 6, false, ASC_BECOMING_READY},   {{0x2b, 1}, 10, false, ASC_BECOMING_READY},
		{{0x92, 1}, 16, false, ASC_BECOMING_READY},  {{0x13, 4, 0, 0, 9}, 6, false, ASC_OPERATION_RUNNING},
		{{0x19, 2}, 6, false, ASC_OPERATION_RUNNING}, {{0x04, 1}, 6, true, ASC_FORMAT_RUNNING},
		{{0x1b, 1, 0, 0, 1}, 6, false, ASC_BECOMING_READY},
	};
	for (unsigned i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
		struct pending pending;
		print_message("CDB %02x\n", commands[i].cdb[0]);
		expect_good(tape_write(s, BLOCK, 1));
		if (commands[i].begin)
			expect_good(tape_rewind(s));
		start(s, &pending, commands[i].cdb, commands[i].size, NULL);
		await(&pending.done);
		assert_int_equal(pending.task.status, SCSI_GOOD);
		scsi_task_clear(&pending.task);
		expect_refused(tape_ready(s), SENSE_NOT_READY, commands[i].code);
		expect_refused(command_other(s, NULL, 0, 0, 0, 0, 0, 0, 0, 0), SENSE_NOT_READY,
			       commands[i].code);
		const struct answer *sense = command(s, NULL, 0, 18, 0x03, 0, 0, 0, 18, 0);
		expect_good(sense);
		assert_int_equal(sense->data[2] & 0x0f, SENSE_NOT_READY);
		assert_int_equal(be_get16(sense->data + 12), commands[i].code);
		gate_open();
		/* In its turn; what VERIFY at the end of data says comes with it. */
		command(s, NULL, 0, 32, 0x34, 0x06, 0, 0, 0, 0, 0, 0, 0, 0);
		scene_settle(s);
		expect_good(tape_ready(s));
		expect_good(tape_rewind(s));
	}
}

/* After the end of the command: READ POSITION waits its turn, and is told instead of it. */
static void expect_deferred(struct scene *s, enum sense_key key, enum sense_code code)
{
	const struct answer *answer = command(s, NULL, 0, 32, 0x34, 0x06, 0, 0, 0, 0, 0, 0, 0, 0);
	if (answer->status == SCSI_GOOD) /* it was before the end */
		answer = tape_ready(s);
	assert_int_equal(answer->status, SCSI_CHECK_CONDITION);
	assert_int_equal(answer->sense.key, key);
	assert_int_equal(answer->sense.code, code);
	assert_true(answer->sense.deferred);
	expect_good(tape_ready(s));
}

static void what_verify_with_immed_finds_is_told_with_the_next_command(void **state)
{
	struct scene *s = *state;
	for (unsigned i = 0; i < 3; i++)
		expect_good(tape_write(s, MIB, i));
	expect_good(tape_filemarks(s, 1, false));
	expect_good(tape_rewind(s));
	expect_good(command(s, NULL, 0, 0, 0x13, 4, 0x10, 0, 0, 0));
	assert_int_equal(tape_position(s).object, 1);
	expect_good(tape_space(s, 1, 1));
	expect_good(command(s, NULL, 0, 0, 0x13, 4, 0, 0, 9, 0));
	expect_deferred(s, SENSE_BLANK_CHECK, ASC_END_OF_DATA);
	assert_int_equal(scene_unload(s), 0);
	scene_flip_byte(s, MIB + 5);
	assert_int_equal(scene_load(s), 0);
	expect_good(tape_locate(s, 1));
	expect_good(command(s, NULL, 0, 0, 0x13, 4, 0x10, 0, 0, 0));
	expect_deferred(s, SENSE_MEDIUM_ERROR, ASC_UNRECOVERED_READ_ERROR);
}

/* ---- sessions that end meanwhile ------------------------------------------------------------------- */

static void nexus_closed(void *context)
{
	__atomic_store_n((unsigned *)context, 1, __ATOMIC_RELEASE);
}

static void a_key_is_not_kept_for_a_session_that_has_ended(void **state)
{
	static const uint8_t header[20] = {0, 0x10, 0, 48, 0x20, 0, 2, 3, 1, [19] = 32};
	static const uint8_t cdb[12] = {0xb5, 0x20, 0, 0x10, [9] = 52};
	struct scene *s = *state;
	struct drive_state drive;
	struct pending pending;
	unsigned closed = 0;
	struct scsi_buffer *out = scsi_buffer_get(s->pool, 52);
	assert_non_null(out);
	memset(out->data, 0x5a, 52);
	memcpy(out->data, header, sizeof(header));
	out->size = 52;
	expect_good(tape_write(s, BLOCK, 1));
	start(s, &pending, cdb, sizeof(cdb), out);
	scsi_nexus_close(s->nexus, nexus_closed, &closed);
	gate_open();
	await(&closed);
	assert_true(pending.done);
	scsi_task_clear(&pending.task);
	drive_get_state(s->drive, &drive);
	assert_false(drive.encrypting);
	/* The next one has no key that it has not set. */
	s->nexus = scene_nexus(s, 3);
	scene_settle(s);
	const struct answer *answer = command(s, NULL, 0, 200, 0xa2, 0x20, 0, 0x20, 0, 0, 0, 0, 0, 200, 0, 0);
	expect_good(answer);
	assert_int_equal(answer->data[4], 0); /* scopes: PUBLIC */
	assert_int_equal(answer->data[5], 0); /* encryption mode */
}

/* ---- keys that get nowhere ----------------------------------------------------------------------- */

static void a_key_that_is_refused_stays_in_no_buffer(void **state)
{
	static const uint8_t cdb[12] = {0xb5, 0x20, 0, 0x10, [9] = 52};
	struct scene *s = *state;
	uint8_t page[52];
	memset(page, 0x5a, sizeof(page));
	expect_good(command_other(s, NULL, 0, 0, 0x16, 0, 0, 0, 0, 0));
	const struct answer *answer = command_as(s, s->nexus, cdb, sizeof(cdb), page, sizeof(page), 0);
	assert_int_equal(answer->status, SCSI_RESERVATION_CONFLICT);
	/* The same one again. */
	struct scsi_buffer *buffer = scsi_buffer_get(s->pool, sizeof(page));
	assert_non_null(buffer);
	for (size_t at = 0; at + 4 <= sizeof(page); at++)
		assert_int_not_equal(be_get32(buffer->data + at), 0x5a5a5a5a);
	scsi_buffer_release(&buffer);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(the_drive_is_not_ready_while_a_command_with_immed_runs),
		TEST(what_verify_with_immed_finds_is_told_with_the_next_command),
		TEST(a_key_is_not_kept_for_a_session_that_has_ended),
		TEST(a_key_that_is_refused_stays_in_no_buffer),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
