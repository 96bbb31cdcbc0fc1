/* SPDX-License-Identifier: MIT */
/*
 * Sequence numbers, NOPs, task management, Reject: what a session in its full
 * feature phase answers, and what it does not.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/bytes.h"
#include "tests/unit/initiator.h"

static struct scene scene;
static struct initiator initiator;
static uint8_t pattern[65536];

static int start(void **state)
{
	(void)state;
	scene_start(&scene, NULL);
	initiator_init(&initiator, 1);
	pattern_fill(pattern, sizeof(pattern), 0x33);
	initiator_enter(&initiator, &scene, KEYS("InitialR2T=No\0ImmediateData=Yes\0"));
	initiator_settle(&initiator);
	return 0;
}

static int stop(void **state)
{
	(void)state;
	if (initiator.fd >= 0)
		initiator_logout(&initiator);
	initiator_free(&initiator);
	scene_stop(&scene);
	return 0;
}

/* A command that does nothing, in turn with the others of the unit. */
static uint32_t command(uint32_t cmd_sn, bool immediate)
{
	struct pdu pdu = {.opcode = PDU_COMMAND, .flags = PDU_FINAL, .immediate = immediate,
			  .itt = initiator.next_itt++, .cmd_sn = cmd_sn, .cdb = {DISK_RAW_WRITE}};
	initiator_send(&initiator, &pdu, NULL, 0);
	return pdu.itt;
}

/* Until it is aborted or the disk is woken. */
static uint32_t sleep_command(void)
{
	static const uint8_t cdb[10] = {DISK_SLEEP, 0, 0xff, 0xff};
	return initiator_command(&initiator, PDU_FINAL, cdb, sizeof(cdb), 0, NULL, 0);
}

static void wait_for_sleep(unsigned count)
{
	for (int i = 0; i < SCENE_MS && disk_sleeps(scene.disk) < count; i++)
		usleep(1000);
	assert_int_equal(disk_sleeps(scene.disk), count);
}

static void nop_out(uint32_t itt, const void *data, size_t size)
{
	struct pdu pdu = {.opcode = PDU_NOP_OUT, .immediate = true, .flags = PDU_FINAL, .itt = itt,
			  .transfer_tag = PDU_NO_TAG, .cmd_sn = initiator.cmd_sn};
	initiator_send(&initiator, &pdu, data, size);
}

static uint8_t manage(uint8_t function, uint64_t lun, uint32_t tag, uint32_t ref_cmd_sn)
{
	struct pdu pdu = {.opcode = PDU_TASK_REQUEST, .immediate = true, .flags = PDU_FINAL,
			  .function = function, .lun = lun, .itt = initiator.next_itt++,
			  .referenced_tag = tag, .ref_cmd_sn = ref_cmd_sn, .cmd_sn = initiator.cmd_sn};
	initiator_send(&initiator, &pdu, NULL, 0);
	initiator_expect(&initiator, PDU_TASK_RESPONSE);
	assert_int_equal(initiator.got.itt, pdu.itt);
	return initiator.got.response;
}

/* ---- sequence numbers ---- */

static void the_window_is_64_commands(void **state)
{
	(void)state;
	assert_int_equal(initiator.exp_cmd_sn, initiator.cmd_sn);
	assert_int_equal(initiator.max_cmd_sn - initiator.exp_cmd_sn, 63);
	/* It closes as commands wait, and opens as they end. */
	sleep_command();
	for (unsigned i = 0; i < 63; i++)
		command(initiator.cmd_sn++, false);
	nop_out(0x99, NULL, 0);
	initiator_expect(&initiator, PDU_NOP_IN);
	assert_int_equal(initiator.got.max_cmd_sn, initiator.cmd_sn - 1);
	assert_int_equal(initiator.got.exp_cmd_sn, initiator.cmd_sn);
	command(initiator.cmd_sn, false); /* one too many: dropped */
	nop_out(0x99, NULL, 0);
	initiator_expect(&initiator, PDU_NOP_IN);
	disk_wake(scene.disk);
	for (unsigned i = 0; i < 64; i++)
		initiator_expect(&initiator, PDU_RESPONSE);
	initiator_expect_nothing(&initiator, 50);
	assert_int_equal(initiator.max_cmd_sn - initiator.exp_cmd_sn, 63);
	initiator_settle(&initiator);
}

static void commands_outside_of_the_window_are_dropped(void **state)
{
	(void)state;
	command(initiator.cmd_sn - 1, false);
	command(initiator.max_cmd_sn + 1, false);
	struct pdu write = {.opcode = PDU_COMMAND, .flags = PDU_FINAL | PDU_WRITE, .itt = initiator.next_itt++,
			    .cmd_sn = initiator.cmd_sn - 1, .expected_length = 4096, .cdb = {0x2a, [8] = 8}};
	initiator_send(&initiator, &write, pattern, 4096);
	initiator_expect_nothing(&initiator, 100);
	assert_int_equal(disk_data(scene.disk)[1], 0);
	initiator_settle(&initiator);
}

static void a_missing_command_ends_the_connection(void **state)
{
	(void)state;
	command(initiator.cmd_sn + 1, false);
	initiator_expect_end(&initiator);
}

static void immediate_commands_take_no_number(void **state)
{
	(void)state;
	uint32_t before = initiator.exp_cmd_sn;
	uint32_t itt = command(initiator.cmd_sn, true);
	initiator_expect_good(&initiator, itt);
	assert_int_equal(initiator.got.exp_cmd_sn, before);
	/* Only so many at a time. */
	sleep_command();
	for (unsigned i = 0; i < 16; i++)
		command(initiator.cmd_sn, true);
	command(initiator.cmd_sn, true);
	initiator_expect_reject(&initiator, REJECT_TOO_MANY_IMMEDIATE);
	disk_wake(scene.disk);
	for (unsigned i = 0; i < 17; i++)
		initiator_expect(&initiator, PDU_RESPONSE);
}

static void numbers_wrap(void **state)
{
	(void)state;
	initiator_logout(&initiator);
	initiator.cmd_sn = UINT32_MAX - 10;
	initiator_enter(&initiator, &scene, KEYS("InitialR2T=No\0ImmediateData=Yes\0"));
	initiator_settle(&initiator);
	for (unsigned i = 0; i < 200; i++)
		initiator_expect_good(&initiator, command(initiator.cmd_sn++, false));
	assert_int_equal(initiator.exp_cmd_sn, initiator.cmd_sn);
}

static void a_tag_that_is_in_use_is_rejected(void **state)
{
	(void)state;
	uint32_t itt = sleep_command();
	initiator.next_itt = itt;
	command(initiator.cmd_sn++, false);
	initiator_expect_reject(&initiator, REJECT_PROTOCOL);
	disk_wake(scene.disk);
	initiator_expect_good(&initiator, itt);
	initiator_settle(&initiator);
}

/* ---- NOP ---- */

static void nops_are_echoed(void **state)
{
	(void)state;
	for (size_t size = 0; size <= 8192; size = size * 3 + 1) {
		nop_out(0x1234, pattern, size);
		initiator_expect(&initiator, PDU_NOP_IN);
		assert_int_equal(initiator.got.itt, 0x1234);
		assert_int_equal(initiator.got.transfer_tag, PDU_NO_TAG);
		assert_int_equal(initiator.size, size);
		assert_memory_equal(initiator.data, pattern, size);
	}
	/* No more than the initiator takes. */
	nop_out(0x1234, pattern, sizeof(pattern));
	initiator_expect(&initiator, PDU_NOP_IN);
	assert_int_equal(initiator.size, 8192);
	/* Without a tag it asks for nothing. */
	nop_out(PDU_NO_TAG, pattern, 100);
	initiator_expect_nothing(&initiator, 50);
}

/* What the network threads are for: a unit that waits holds up nobody. */
static void nops_do_not_wait_for_a_unit(void **state)
{
	(void)state;
	uint32_t itt = sleep_command();
	wait_for_sleep(1);
	for (unsigned i = 0; i < 50; i++) {
		nop_out(i, pattern, 512);
		initiator_expect(&initiator, PDU_NOP_IN);
	}
	disk_wake(scene.disk);
	initiator_expect_good(&initiator, itt);
}

static void a_flood_of_nops_is_answered_in_full(void **state)
{
	(void)state;
	enum { COUNT = 3000 };
	pid_t child = fork();
	assert_true(child >= 0);
	if (!child) {
		for (unsigned i = 0; i < COUNT; i++)
			nop_out(i, pattern, 8192);
		_exit(0);
	}
	usleep(300000); /* nobody reads meanwhile: the target must not take them all in */
	for (unsigned i = 0; i < COUNT; i++) {
		initiator_expect(&initiator, PDU_NOP_IN);
		assert_int_equal(initiator.got.itt, i);
	}
}

/* ---- task management ---- */

static void a_task_that_runs_is_aborted(void **state)
{
	(void)state;
	uint32_t first = sleep_command(), second = sleep_command();
	wait_for_sleep(1);
	assert_int_equal(manage(SCSI_ABORT_TASK, 0, second, initiator.cmd_sn - 1), SCSI_FUNCTION_COMPLETE);
	assert_int_equal(manage(SCSI_ABORT_TASK, 0, first, initiator.cmd_sn - 2), SCSI_FUNCTION_COMPLETE);
	assert_int_equal(disk_sleeps(scene.disk), 1);
	initiator_expect_nothing(&initiator, 50);
	initiator_settle(&initiator);
	assert_int_equal(initiator.max_cmd_sn - initiator.exp_cmd_sn, 63);
}

static void a_task_that_waits_for_data_is_aborted(void **state)
{
	(void)state;
	uint32_t itt = initiator_write(&initiator, 0, 8, NULL, 0, false);
	initiator_expect(&initiator, PDU_R2T);
	uint32_t tag = initiator.got.transfer_tag;
	uint32_t behind = initiator_write(&initiator, 8, 8, pattern, 4096, false);
	initiator_expect_nothing(&initiator, 30);
	assert_int_equal(manage(SCSI_ABORT_TASK, 0, itt, initiator.cmd_sn - 2), SCSI_FUNCTION_COMPLETE);
	initiator_data_out(&initiator, itt, tag, 0, 0, pattern, 4096, true);
	initiator_expect_good(&initiator, behind);
	assert_int_equal(disk_data(scene.disk)[1], 0);
	assert_memory_equal(disk_data(scene.disk) + 4096, pattern, 4096);
}

static void tasks_that_are_not_there(void **state)
{
	(void)state;
	/* Done long ago. */
	assert_int_equal(manage(SCSI_ABORT_TASK, 0, 1, initiator.cmd_sn - 1), SCSI_NO_TASK);
	/* A number that was never sent counts as received. */
	uint32_t lost = initiator.cmd_sn++;
	assert_int_equal(manage(SCSI_ABORT_TASK, 0, 0x5555, lost), SCSI_FUNCTION_COMPLETE);
	assert_int_equal(initiator.exp_cmd_sn, initiator.cmd_sn);
	lost = initiator.cmd_sn++;
	uint32_t also = initiator.cmd_sn++;
	assert_int_equal(manage(SCSI_ABORT_TASK, 0, 0x5556, also), SCSI_FUNCTION_COMPLETE);
	assert_int_equal(initiator.exp_cmd_sn, lost);
	assert_int_equal(manage(SCSI_ABORT_TASK, 0, 0x5557, lost), SCSI_FUNCTION_COMPLETE);
	assert_int_equal(initiator.exp_cmd_sn, initiator.cmd_sn);
	initiator_settle(&initiator);
}

static void functions_answer_what_they_are(void **state)
{
	(void)state;
	static const struct {
		uint8_t function, response;
		uint64_t lun;
	} rows[] = {
		{SCSI_ABORT_TASK_SET, SCSI_FUNCTION_COMPLETE, 0},
		{SCSI_CLEAR_TASK_SET, SCSI_FUNCTION_COMPLETE, 0},
		{SCSI_LU_RESET, SCSI_FUNCTION_COMPLETE, 0},
		{SCSI_LU_RESET, SCSI_NO_LUN, 9ull << 48},
		{SCSI_TARGET_WARM_RESET, SCSI_FUNCTION_COMPLETE, 0},
		{SCSI_CLEAR_ACA, SCSI_NOT_SUPPORTED, 0},
		{8, 4, 0},
		{9, SCSI_NOT_SUPPORTED, 0},
		{0x7f, SCSI_NOT_SUPPORTED, 0},
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		print_message("function %u of LUN %llx\n", rows[i].function, (unsigned long long)rows[i].lun);
		assert_int_equal(manage(rows[i].function, rows[i].lun, PDU_NO_TAG, 0), rows[i].response);
	}
	initiator_settle(&initiator);
}

static void a_reset_ends_what_waits(void **state)
{
	(void)state;
	sleep_command();
	for (unsigned i = 0; i < 10; i++)
		command(initiator.cmd_sn++, false);
	initiator_write(&initiator, 0, 8, NULL, 0, false);
	initiator_expect(&initiator, PDU_R2T);
	wait_for_sleep(1);
	assert_int_equal(manage(SCSI_LU_RESET, 0, PDU_NO_TAG, 0), SCSI_FUNCTION_COMPLETE);
	uint32_t itt = command(initiator.cmd_sn++, false);
	initiator_expect_sense(&initiator, itt, SENSE_UNIT_ATTENTION, ASC_DEVICE_RESET);
	initiator_settle(&initiator);
	assert_int_equal(initiator.max_cmd_sn - initiator.exp_cmd_sn, 63);
}

static void a_cold_reset_ends_all_sessions(void **state)
{
	(void)state;
	struct initiator other;
	initiator_init(&other, 2);
	initiator_enter(&other, &scene, KEYS(""));
	assert_int_equal(manage(SCSI_TARGET_COLD_RESET, 0, PDU_NO_TAG, 0), SCSI_FUNCTION_COMPLETE);
	initiator_expect_end(&initiator);
	initiator_expect_end(&other);
	initiator_free(&other);
}

/* ---- Reject ---- */

static void what_is_not_offered_is_rejected(void **state)
{
	(void)state;
	struct pdu snack = {.opcode = PDU_SNACK, .flags = PDU_FINAL, .itt = 1, .run_length = 1};
	initiator_send(&initiator, &snack, NULL, 0);
	initiator_expect_reject(&initiator, REJECT_SNACK);
	struct pdu login = {.opcode = PDU_LOGIN_REQUEST, .immediate = true, .flags = 0x87, .itt = 2};
	initiator_send(&initiator, &login, "A=B", 4);
	initiator_expect_reject(&initiator, REJECT_PROTOCOL);
	/* An opcode that is none, with data. */
	uint8_t raw[PDU_BHS_SIZE + 8] = {0x1d, 0x80, [7] = 5};
	assert_int_equal(write(initiator.fd, raw, sizeof(raw)), sizeof(raw));
	initiator_expect_reject(&initiator, REJECT_NOT_SUPPORTED);
	assert_memory_equal(initiator.data, raw, PDU_BHS_SIZE);
	/* A target's. */
	raw[0] = PDU_NOP_IN;
	assert_int_equal(write(initiator.fd, raw, sizeof(raw)), sizeof(raw));
	initiator_expect_reject(&initiator, REJECT_NOT_SUPPORTED);
	initiator_settle(&initiator);
}

static void malformed_pdus(void **state)
{
	(void)state;
	/* Additional header segments that are none: the command is refused, the session stays. */
	static const uint8_t segments[8] = {0, 200, 1, 0};
	struct pdu pdu = {.opcode = PDU_COMMAND, .flags = PDU_FINAL, .itt = initiator.next_itt++,
			  .cmd_sn = initiator.cmd_sn++, .ahs_length = sizeof(segments)};
	initiator_send(&initiator, &pdu, segments, 0);
	initiator_expect_reject(&initiator, REJECT_INVALID_FIELD);
	initiator_settle(&initiator);
	/* A data segment that is longer than what the target takes. */
	uint8_t raw[PDU_BHS_SIZE] = {PDU_NOP_OUT | 0x40, 0x80, [5] = 0x7f, [6] = 0xff, [7] = 0xff};
	assert_int_equal(write(initiator.fd, raw, sizeof(raw)), sizeof(raw));
	initiator_expect_end(&initiator);
}

/* A CDB of 32 bytes comes through whole: the unit knows none, and says so of its opcode. */
static void extended_cdbs_arrive(void **state)
{
	(void)state;
	uint8_t segments[20] = {0, 17, 1, 0};
	struct pdu pdu = {.opcode = PDU_COMMAND, .flags = PDU_FINAL, .itt = initiator.next_itt++,
			  .cmd_sn = initiator.cmd_sn++, .ahs_length = sizeof(segments), .cdb = {0x7f, [7] = 24}};
	initiator_send(&initiator, &pdu, segments, 0);
	initiator_expect_sense(&initiator, pdu.itt, SENSE_ILLEGAL_REQUEST, ASC_INVALID_OPCODE);
	initiator_settle(&initiator);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(the_window_is_64_commands, start, stop),
		cmocka_unit_test_setup_teardown(commands_outside_of_the_window_are_dropped, start, stop),
		cmocka_unit_test_setup_teardown(a_missing_command_ends_the_connection, start, stop),
		cmocka_unit_test_setup_teardown(immediate_commands_take_no_number, start, stop),
		cmocka_unit_test_setup_teardown(numbers_wrap, start, stop),
		cmocka_unit_test_setup_teardown(a_tag_that_is_in_use_is_rejected, start, stop),
		cmocka_unit_test_setup_teardown(nops_are_echoed, start, stop),
		cmocka_unit_test_setup_teardown(nops_do_not_wait_for_a_unit, start, stop),
		cmocka_unit_test_setup_teardown(a_flood_of_nops_is_answered_in_full, start, stop),
		cmocka_unit_test_setup_teardown(a_task_that_runs_is_aborted, start, stop),
		cmocka_unit_test_setup_teardown(a_task_that_waits_for_data_is_aborted, start, stop),
		cmocka_unit_test_setup_teardown(tasks_that_are_not_there, start, stop),
		cmocka_unit_test_setup_teardown(functions_answer_what_they_are, start, stop),
		cmocka_unit_test_setup_teardown(a_reset_ends_what_waits, start, stop),
		cmocka_unit_test_setup_teardown(a_cold_reset_ends_all_sessions, start, stop),
		cmocka_unit_test_setup_teardown(what_is_not_offered_is_rejected, start, stop),
		cmocka_unit_test_setup_teardown(malformed_pdus, start, stop),
		cmocka_unit_test_setup_teardown(extended_cdbs_arrive, start, stop),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
