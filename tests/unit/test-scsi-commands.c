/* SPDX-License-Identifier: MIT */
/*
 * What every unit answers: the checks before a command in their order, INQUIRY,
 * REPORT LUNS, REQUEST SENSE, unit attentions, the tables of what is supported.
 */
#include <errno.h>
#include <string.h>

#include "lib/base/bytes.h"
#include "tests/unit/scsi-scene.h"

static int start_loud(void **state)
{
	(void)state;
	scene_start(&scene, false);
	return 0;
}

static void unknown_things_are_refused_with_a_pointer(void **state)
{
	(void)state;
	RUN(&answer, scene.a, 0xc0);
	assert_check(&answer, SENSE_ILLEGAL_REQUEST, ASC_INVALID_OPCODE);
	RUN(&answer, scene.a, 0x5e, 0x04); /* an action of PERSISTENT RESERVE IN */
	assert_field(&answer, 1, 4);
	RUN(&answer, scene.a, 0x01, 0x02); /* a reserved bit */
	assert_field(&answer, 1, 1);
	RUN(&answer, scene.a, 0x01, 0, 0, 0x30);
	assert_field(&answer, 3, 5);
	RUN(&answer, scene.a, 0x01, 0, 0, 0, 0, 0x04); /* NACA */
	assert_field(&answer, 5, 2);
	run_command(&answer, scene.a, 0, (const uint8_t[6]){0x4d}, 6, NULL, 0, 0);
	assert_int_equal(answer.status, SCSI_CHECK_CONDITION); /* a CDB cut short */
	assert_int_equal(scene.fake[0].rewinds, 0);
}

static void the_lun_in_byte_1_is_tolerated(void **state)
{
	(void)state;
	RUN(&answer, scene.a, 0x01, 0x60);
	assert_good(&answer);
	RUN(&answer, scene.a, 0x1a, 0x60, 0x10, 0, 255);
	assert_good(&answer);
	RUN(&answer, scene.a, 0xa0, 0xe0, 0, 0, 0, 0, 0, 0, 1, 0);
	assert_good(&answer);
}

static void long_cdbs_have_their_action_at_8(void **state)
{
	uint8_t cdb[32] = {0x7f, [7] = 0x18, [8] = 2, [9] = 3};
	(void)state;
	run_command(&answer, scene.a, 0, cdb, sizeof(cdb), NULL, 0, 0);
	assert_good(&answer);
	cdb[9] = 4;
	run_command(&answer, scene.a, 0, cdb, sizeof(cdb), NULL, 0, 0);
	assert_field(&answer, 8, 7);
	assert_int_equal(scene.fake[0].rewinds, 1);
}

/* The bytes of SECURITY PROTOCOL OUT may be a key: nobody gets its buffer before they are wiped out, whether
 * a unit attention, the unit or the LUN refuses the command. */
static void keys_are_wiped_out_however_a_command_ends(void **state)
{
	static const uint8_t cdb[16] = {0xb5, 0x20, 0, 0x10, [9] = 32};
	static const unsigned luns[] = {0, 0, 7};
	(void)state;
	for (size_t i = 0; i < sizeof(luns) / sizeof(luns[0]); i++) {
		struct scsi_buffer_pool *pool = scsi_buffer_pool_new(1 << 20);
		struct fake_command command;
		command_prepare(&command, scene.a, LUN(luns[i]), cdb, sizeof(cdb), NULL, 0, 0);
		command.task.out = scsi_buffer_get(pool, 32);
		memset(command.task.out->data, 0x5a, 32);
		command.task.out->size = 32;
		scsi_submit(&command.task);
		command_wait(&command);
		assert_int_equal(command.task.status, SCSI_CHECK_CONDITION);
		command_end(&command);
		struct scsi_buffer *again = scsi_buffer_get(pool, 32);
		for (unsigned k = 0; k < 32; k++)
			assert_int_equal(again->data[k], 0);
		scsi_buffer_release(&again);
		scsi_buffer_pool_free(&pool);
	}
}

static void a_lun_that_is_not_there_says_so(void **state)
{
	struct fake_command command;
	(void)state;
	run_command(&answer, scene.a, 1, CDB(0x00), NULL, 0, 0);
	assert_check(&answer, SENSE_ILLEGAL_REQUEST, ASC_LUN_NOT_SUPPORTED);
	run_command(&answer, scene.a, 1, CDB(0x12, 0, 0, 0, 255), NULL, 0, 255);
	assert_good(&answer);
	assert_int_equal(answer.data[0], 0x7f);
	run_command(&answer, scene.a, 1, CDB(0x03, 0, 0, 0, 255), NULL, 0, 255);
	assert_good(&answer);
	assert_int_equal(answer.data[2] & 15, SENSE_ILLEGAL_REQUEST);
	assert_int_equal(answer.data[12], 0x25);
	run_command(&answer, scene.a, 9, CDB(0xa0, 0, 0, 0, 0, 0, 0, 0, 1, 0), NULL, 0, 256);
	assert_good(&answer);
	assert_int_equal(be_get32(answer.data), 16);

	/* Flat addressing is the same; a second level, or another bus, is not. */
	command_start(&command, scene.a, 0x4003ull << 48, CDB(0x00), NULL, 0, 0);
	command_wait(&command);
	assert_int_equal(command.task.status, SCSI_GOOD);
	command_end(&command);
	static const uint64_t absent[] = {0x0003000100000000ull, 0x0103000000000000ull,
					  0xc101000000000000ull, 0x0040000000000000ull};
	for (size_t i = 0; i < 4; i++) {
		command_start(&command, scene.a, absent[i], CDB(0x00), NULL, 0, 0);
		command_wait(&command);
		assert_int_equal(command.task.sense.code, ASC_LUN_NOT_SUPPORTED);
		command_end(&command);
	}
}

static void inquiry_says_who_the_unit_is(void **state)
{
	(void)state;
	RUN(&answer, scene.a, 0x12, 0, 0, 0, 255);
	assert_good(&answer);
	assert_int_equal(answer.size, 96);
	assert_int_equal(answer.data[0], 0x01);
	assert_int_equal(answer.data[1], 0x80);
	assert_int_equal(answer.data[2], 6);
	assert_int_equal(answer.data[3], 0x12);
	assert_int_equal(answer.data[4], 91);
	assert_int_equal(answer.data[7], 0x02);
	assert_memory_equal(answer.data + 8, "GRANARY FAKE            1.0 ", 28);
	assert_int_equal(be_get32(answer.data + 58), 0x05200000);
	RUN(&answer, scene.a, 0x12, 0, 0, 0, 5);
	assert_int_equal(answer.size, 5);
	assert_int_equal(answer.wanted, 5);
	run_command(&answer, scene.a, 0, CDB(0x12, 0, 0, 0, 255), NULL, 0, 36);
	assert_int_equal(answer.size, 36);
	assert_int_equal(answer.wanted, 96);
	RUN(&answer, scene.a, 0x12, 0, 0x80, 0, 255); /* a page without EVPD */
	assert_field(&answer, 2, 8);
	RUN(&answer, scene.a, 0x12, 2, 0, 0, 255); /* CMDDT */
	assert_field(&answer, 1, 1);
}

static void vital_product_data_is_listed_in_order(void **state)
{
	static const uint8_t pages[] = {0x00, 0x80, 0x83, 0x86, 0xb0, 0xb1};
	(void)state;
	RUN(&answer, scene.a, 0x12, 1, 0, 0, 255);
	assert_good(&answer);
	assert_int_equal(be_get16(answer.data + 2), sizeof(pages));
	assert_memory_equal(answer.data + 4, pages, sizeof(pages));
	for (size_t i = 0; i < sizeof(pages); i++) {
		RUN(&answer, scene.a, 0x12, 1, pages[i], 4, 0);
		assert_good(&answer);
		assert_int_equal(answer.data[1], pages[i]);
		assert_int_equal(be_get16(answer.data + 2) + 4, answer.size);
	}
	RUN(&answer, scene.a, 0x12, 1, 0xb2, 0, 255); /* not there now */
	assert_field(&answer, 2, 8);
	RUN(&answer, scene.a, 0x12, 1, 0x80, 0, 255);
	assert_memory_equal(answer.data + 4, "FAKE000000", 10);
	RUN(&answer, scene.a, 0x12, 1, 0x86, 0, 255);
	assert_int_equal(be_get16(answer.data + 2), 60);
	assert_int_equal(answer.data[5], 7);
}

static void designators_tell_unit_port_and_target(void **state)
{
	unsigned types[4][16] = {{0}};
	(void)state;
	RUN(&answer, scene.a, 0x12, 1, 0x83, 4, 0);
	size_t end = 4u + be_get16(answer.data + 2), at = 4;
	while (at < end) {
		const uint8_t *designator = answer.data + at;
		unsigned association = designator[1] >> 4 & 3, type = designator[1] & 15;
		types[association][type]++;
		if (type == 1)
			assert_memory_equal(designator + 4, "GRANARY FAKE            FAKE000000", 34);
		if (type == 3)
			assert_memory_equal(designator + 4, "\x50\1\2\3\4\5\6\7", 8);
		if (type == 8) {
			assert_int_equal(designator[3] % 4, 0);
			assert_int_equal(designator[3 + designator[3]], 0);
		}
		if (type == 8 && association == 1)
			assert_string_equal((const char *)designator + 4,
					    "iqn.2026-01.org.granary:test,t,0x0001");
		at += 4u + designator[3];
	}
	assert_int_equal(at, end);
	assert_int_equal(types[0][1], 1);
	assert_int_equal(types[0][3], 1);
	assert_int_equal(types[1][4], 1);
	assert_int_equal(types[1][5], 1);
	assert_int_equal(types[1][8], 1);
	assert_int_equal(types[2][8], 1);
}

static void report_luns_lists_what_is_there(void **state)
{
	(void)state;
	RUN(&answer, scene.a, 0xa0, 0, 0, 0, 0, 0, 0, 0, 16, 0);
	assert_int_equal(answer.size, 24);
	assert_int_equal(be_get64(answer.data + 8), LUN(0));
	assert_int_equal(be_get64(answer.data + 16), LUN(3));
	RUN(&answer, scene.a, 0xa0, 0, 1, 0, 0, 0, 0, 0, 16, 0);
	assert_int_equal(answer.size, 8);
	RUN(&answer, scene.a, 0xa0, 0, 2, 0, 0, 0, 0, 0, 16, 0);
	assert_int_equal(answer.size, 24);
	RUN(&answer, scene.a, 0xa0, 0, 3, 0, 0, 0, 0, 0, 16, 0);
	assert_field(&answer, 2, 8);
	RUN(&answer, scene.a, 0xa0, 0, 0, 0, 0, 0, 0, 0, 0, 16);
	assert_int_equal(answer.size, 16);
	assert_int_equal(be_get32(answer.data), 16);
	RUN(&answer, scene.a, 0xa0, 0, 0, 0, 0, 0, 0, 0, 0, 15);
	assert_field(&answer, 6, 8);
}

static void power_on_is_told_once_and_kept_by_inquiry(void **state)
{
	(void)state;
	RUN(&answer, scene.a, 0x12, 0, 0, 0, 36);
	assert_good(&answer);
	RUN(&answer, scene.a, 0xa0, 0, 0, 0, 0, 0, 0, 0, 16, 0);
	assert_good(&answer);
	RUN(&answer, scene.a, 0xc0); /* what is refused tells nothing */
	assert_check(&answer, SENSE_ILLEGAL_REQUEST, ASC_INVALID_OPCODE);
	RUN(&answer, scene.a, 0x00);
	assert_check(&answer, SENSE_UNIT_ATTENTION, ASC_POWER_ON);
	RUN(&answer, scene.a, 0x00);
	assert_good(&answer);
	/* REQUEST SENSE reports it as data, and that counts. */
	RUN(&answer, scene.b, 0x03, 0, 0, 0, 252);
	assert_good(&answer);
	assert_int_equal(answer.size, 18);
	assert_int_equal(answer.data[2], SENSE_UNIT_ATTENTION);
	assert_int_equal(answer.data[12], 0x29);
	RUN(&answer, scene.b, 0x00);
	assert_good(&answer);
	/* The other unit has its own. */
	run_command(&answer, scene.b, 3, CDB(0x01), NULL, 0, 0);
	assert_check(&answer, SENSE_UNIT_ATTENTION, ASC_POWER_ON);
}

static void a_port_that_comes_back_had_a_nexus_loss(void **state)
{
	(void)state;
	scene_close(&scene.a);
	scene.a = scene_nexus(&scene, "iqn.2026-01.org.granary:a", 1);
	RUN(&answer, scene.a, 0x00);
	assert_check(&answer, SENSE_UNIT_ATTENTION, ASC_NEXUS_LOSS);
	RUN(&answer, scene.a, 0x00);
	assert_good(&answer);
	scene.c = scene_nexus(&scene, "iqn.2026-01.org.granary:a", 7);
	RUN(&answer, scene.c, 0x00);
	assert_check(&answer, SENSE_UNIT_ATTENTION, ASC_POWER_ON);
	scene_close(&scene.c);
	assert_int_equal(scene.fake[0].lost, 2);
	assert_int_equal(scene.fake[1].lost, 2);
}

static void attentions_come_by_importance_and_once(void **state)
{
	(void)state;
	scsi_attention(scene.fake[0].lu, NULL, ASC_MEDIUM_CHANGED);
	scsi_attention(scene.fake[0].lu, NULL, ASC_MEDIUM_CHANGED);
	scsi_attention(scene.fake[0].lu, scene.b, ASC_MODE_PARAMETERS_CHANGED);
	scsi_attention(scene.fake[0].lu, NULL, ASC_NEXUS_LOSS);
	scsi_attention(scene.fake[0].lu, NULL, ASC_DEVICE_RESET);
	static const enum sense_code a[] = {ASC_DEVICE_RESET, ASC_MEDIUM_CHANGED,
					    ASC_MODE_PARAMETERS_CHANGED};
	for (size_t i = 0; i < 3; i++) {
		RUN(&answer, scene.a, 0x01);
		assert_check(&answer, SENSE_UNIT_ATTENTION, a[i]);
	}
	RUN(&answer, scene.a, 0x01);
	assert_good(&answer);
	for (size_t i = 0; i < 2; i++) {
		RUN(&answer, scene.b, 0x01);
		assert_check(&answer, SENSE_UNIT_ATTENTION, a[i]);
	}
	RUN(&answer, scene.b, 0x01);
	assert_good(&answer);
	assert_int_equal(scene.fake[0].rewinds, 2);
}

static void a_full_queue_of_attentions_keeps_the_reset(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 100; i++)
		scsi_attention(scene.fake[0].lu, NULL, (enum sense_code)(0x3f00 + i));
	scsi_attention(scene.fake[0].lu, NULL, ASC_POWER_ON);
	RUN(&answer, scene.a, 0x01);
	assert_check(&answer, SENSE_UNIT_ATTENTION, ASC_POWER_ON);
}

static void request_sense_tells_what_is_wrong_now(void **state)
{
	(void)state;
	RUN(&answer, scene.a, 0x03, 0, 0, 0, 252);
	assert_int_equal(answer.data[0], 0x70);
	assert_int_equal(answer.data[2], SENSE_NO_SENSE);
	pthread_mutex_lock(&scene.fake[0].lu->lock);
	scene.fake[0].not_ready = true;
	pthread_mutex_unlock(&scene.fake[0].lu->lock);
	RUN(&answer, scene.a, 0x00);
	assert_check(&answer, SENSE_NOT_READY, ASC_NO_MEDIUM);
	RUN(&answer, scene.a, 0x03, 1, 0, 0, 252); /* DESC */
	assert_good(&answer);
	assert_int_equal(answer.data[0], 0x72);
	assert_int_equal(answer.data[1], SENSE_NOT_READY);
	assert_int_equal(answer.data[2], 0x3a);
	RUN(&answer, scene.a, 0x03, 0, 0, 0, 4);
	assert_int_equal(answer.size, 4);
}

static void a_deferred_error_is_told_once(void **state)
{
	struct sense sense = {.key = SENSE_MEDIUM_ERROR, .code = ASC_WRITE_ERROR};
	(void)state;
	scsi_deferred(scene.fake[0].lu, scene.a, &sense);
	sense.code = ASC_INTERNAL_FAILURE; /* what came of it */
	scsi_deferred(scene.fake[0].lu, scene.a, &sense);
	RUN(&answer, scene.b, 0x01);
	assert_good(&answer);
	RUN(&answer, scene.a, 0x01);
	assert_check(&answer, SENSE_MEDIUM_ERROR, ASC_WRITE_ERROR);
	assert_true(answer.sense.deferred);
	RUN(&answer, scene.a, 0x01);
	assert_good(&answer);
	assert_int_equal(scene.fake[0].rewinds, 2);

	/* Of a nexus that has gone: whoever comes first hears of it. */
	scsi_deferred(scene.fake[0].lu, scene.a, &sense);
	scene_close(&scene.a);
	RUN(&answer, scene.b, 0x01);
	assert_check(&answer, SENSE_MEDIUM_ERROR, ASC_INTERNAL_FAILURE);
	RUN(&answer, scene.b, 0x01);
	assert_good(&answer);
}

static void new_and_removed_units_are_told(void **state)
{
	struct scsi_lu *lu = scene.fake[1].lu;
	(void)state;
	scsi_target_remove(scene.target, 3);
	run_command(&answer, scene.a, 3, CDB(0x00), NULL, 0, 0);
	assert_check(&answer, SENSE_ILLEGAL_REQUEST, ASC_LUN_NOT_SUPPORTED);
	RUN(&answer, scene.a, 0x00);
	assert_check(&answer, SENSE_UNIT_ATTENTION, ASC_REPORTED_LUNS_CHANGED);
	assert_int_equal(scsi_target_add(scene.target, 3, lu), 0);
	assert_int_equal(scsi_target_add(scene.target, 3, lu), -EEXIST);
	/* REPORT LUNS tells it too. */
	RUN(&answer, scene.a, 0xa0, 0, 0, 0, 0, 0, 0, 0, 16, 0);
	assert_good(&answer);
	RUN(&answer, scene.a, 0x00);
	assert_good(&answer);
	run_command(&answer, scene.a, 3, CDB(0x00), NULL, 0, 0);
	assert_check(&answer, SENSE_UNIT_ATTENTION, ASC_POWER_ON);
}

/* ---- what is supported ------------------------------------------------------------------------ */

static void report_one(unsigned option, uint8_t opcode, uint16_t action)
{
	RUN(&answer, scene.a, 0xa3, 0x0c, (uint8_t)option, opcode, (uint8_t)(action >> 8),
	    (uint8_t)action, 0, 0, 16, 0);
}

static void every_opcode_that_is_reported_is_known(void **state)
{
	struct answer all;
	unsigned count = 0;
	(void)state;
	RUN(&all, scene.a, 0xa3, 0x0c, 0, 0, 0, 0, 0, 0, 32, 0);
	assert_good(&all);
	assert_int_equal(be_get32(all.data) + 4, all.size);
	for (size_t at = 4; at < all.size; at += 8) {
		const uint8_t *descriptor = all.data + at;
		bool has_action = descriptor[5] & 1;
		uint16_t action = be_get16(descriptor + 2);
		assert_false(descriptor[5] & 2);
		if (!has_action)
			assert_int_equal(action, 0);
		report_one(1, descriptor[0], action);
		if (has_action)
			assert_field(&answer, 2, 8);
		else
			assert_good(&answer);
		report_one(2, descriptor[0], action);
		if (!has_action)
			assert_field(&answer, 2, 8);
		report_one(3, descriptor[0], action);
		assert_good(&answer);
		assert_int_equal(answer.data[1], 3);
		assert_int_equal(answer.data[4], descriptor[0]);
		assert_int_equal(answer.size, 4u + be_get16(answer.data + 2));
		count++;
	}
	assert_true(count > 35);
}

static void unknown_opcodes_are_reported_as_such(void **state)
{
	(void)state;
	report_one(1, 0xc0, 0);
	assert_good(&answer);
	assert_int_equal(answer.data[1], 1);
	assert_int_equal(answer.size, 4);
	report_one(2, 0x5e, 9);
	assert_int_equal(answer.data[1], 1);
	report_one(3, 0x12, 1); /* INQUIRY has no service actions */
	assert_int_equal(answer.data[1], 1);
	report_one(3, 0x12, 0);
	assert_int_equal(answer.data[1], 3);
	report_one(2, 0x7f, 0x0203);
	assert_int_equal(answer.data[1], 3);
	report_one(4, 0x12, 0);
	assert_field(&answer, 2, 2);
}

static void timeouts_are_reported_when_asked_for(void **state)
{
	(void)state;
	RUN(&answer, scene.a, 0xa3, 0x0c, 0x80, 0, 0, 0, 0, 0, 32, 0);
	for (size_t at = 4; at < answer.size; at += 20) {
		assert_true(answer.data[at + 5] & 2);
		assert_int_equal(be_get16(answer.data + at + 8), 10);
	}
	report_one(0x81, 0x19, 0);
	assert_int_equal(answer.data[1], 0x83);
	assert_int_equal(answer.size, 4 + 6 + 12);
	assert_int_equal(be_get32(answer.data + 4 + 6 + 8), 600);
	assert_int_equal(be_get32(answer.data + 4 + 6 + 4), 300);
	RUN(&answer, scene.a, 0xa3, 0x0d, 0, 0, 0, 0, 0, 0, 0, 16);
	assert_int_equal(answer.size, 4);
	assert_int_equal(answer.data[0], 0xda);
	RUN(&answer, scene.a, 0xa3, 0x0d, 0x80, 0, 0, 0, 0, 0, 0, 16);
	assert_int_equal(answer.size, 16);
	assert_int_equal(answer.data[3], 12);
}

/* ---- the small ones ------------------------------------------------------------------------------ */

static void removal_is_prevented_by_each_nexus(void **state)
{
	struct scsi_lu *lu = scene.fake[0].lu;
	(void)state;
	RUN(&answer, scene.a, 0x1e, 0, 0, 0, 1);
	RUN(&answer, scene.a, 0x1e, 0, 0, 0, 1);
	RUN(&answer, scene.b, 0x1e, 0, 0, 0, 1);
	RUN(&answer, scene.a, 0x1e, 0, 0, 0, 0);
	assert_good(&answer);
	pthread_mutex_lock(&lu->lock);
	assert_true(scsi_removal_prevented_locked(lu));
	pthread_mutex_unlock(&lu->lock);
	scene_close(&scene.b);
	pthread_mutex_lock(&lu->lock);
	assert_false(scsi_removal_prevented_locked(lu));
	pthread_mutex_unlock(&lu->lock);
	RUN(&answer, scene.a, 0x1e, 0, 0, 0, 2);
	assert_field(&answer, 4, 1);
}

static void the_echo_buffer_is_the_nexus_own(void **state)
{
	(void)state;
	RUN(&answer, scene.a, 0x3c, 0x0a, 0, 0, 0, 0, 0, 16, 0);
	assert_check(&answer, SENSE_ILLEGAL_REQUEST, ASC_COMMAND_SEQUENCE);
	SEND(&answer, scene.a, "echo", 4, 0x3b, 0x0a, 0, 0, 0, 0, 0, 0, 4);
	assert_good(&answer);
	RUN(&answer, scene.a, 0x3c, 0x0a, 0, 0, 0, 0, 0, 16, 0);
	assert_good(&answer);
	assert_int_equal(answer.size, 4);
	assert_memory_equal(answer.data, "echo", 4);
	RUN(&answer, scene.b, 0x3c, 0x0a, 0, 0, 0, 0, 0, 16, 0);
	assert_check(&answer, SENSE_ILLEGAL_REQUEST, ASC_COMMAND_SEQUENCE);
	RUN(&answer, scene.a, 0x3c, 0x0b, 0, 0, 0, 0, 0, 16, 0);
	assert_int_equal(be_get16(answer.data + 2), 4096);
	RUN(&answer, scene.a, 0x3c, 0x03, 0, 0, 0, 0, 0, 0, 4);
	assert_int_equal(answer.size, 4);
	SEND(&answer, scene.a, "echo", 4, 0x3b, 0x05, 0, 0, 0, 0, 0, 0, 4); /* microcode */
	assert_field(&answer, 1, 8);
	SEND(&answer, scene.a, "echo", 4, 0x3b, 0x0a, 0, 0, 0, 0, 0, 0, 5);
	assert_check(&answer, SENSE_ILLEGAL_REQUEST, ASC_PARAMETER_LIST_LENGTH);
}

static void there_is_no_identifying_information(void **state)
{
	(void)state;
	RUN(&answer, scene.a, 0xa3, 0x05, 0, 0, 0, 0, 0, 0, 0, 64, 0);
	assert_good(&answer);
	assert_int_equal(answer.size, 4);
	assert_int_equal(be_get32(answer.data), 0);
	RUN(&answer, scene.a, 0xa3, 0x05, 0, 0, 0, 0, 0, 0, 0, 64, 0xfe);
	assert_good(&answer);
	RUN(&answer, scene.a, 0xa3, 0x05, 0, 0, 0, 0, 0, 0, 0, 64, 0x02);
	assert_field(&answer, 10, 8);
}

static void diagnostics_and_the_clock(void **state)
{
	static const uint8_t clock[12] = {[4] = 0, 0x01, 0x02, 0x03, 0x04, 0x05};
	(void)state;
	RUN(&answer, scene.a, 0x1d, 0x04);
	assert_good(&answer);
	RUN(&answer, scene.a, 0x1d, 0xe0);
	assert_field(&answer, 1, 8);
	RUN(&answer, scene.a, 0x1c, 1, 0, 0, 64);
	assert_int_equal(answer.size, 5);
	RUN(&answer, scene.a, 0xa3, 0x0f, 0, 0, 0, 0, 0, 0, 0, 12);
	assert_int_equal(answer.data[2], 3);
	SEND(&answer, scene.a, clock, sizeof(clock), 0xa4, 0x0f, 0, 0, 0, 0, 0, 0, 0, 12);
	assert_good(&answer);
	RUN(&answer, scene.a, 0xa3, 0x0f, 0, 0, 0, 0, 0, 0, 0, 12);
	assert_int_equal(answer.data[2], 2);
	assert_memory_equal(answer.data + 4, clock + 4, 4);
	RUN(&answer, scene.b, 0x00);
	assert_check(&answer, SENSE_UNIT_ATTENTION, ASC_TIMESTAMP_CHANGED);
}

static void data_is_cut_to_the_room(void **state)
{
	(void)state;
	run_command(&answer, scene.a, 0, CDB(0x08, 0, 0, 1, 0), NULL, 0, 100);
	assert_good(&answer);
	assert_int_equal(answer.size, 100);
	assert_int_equal(answer.wanted, 256);
	run_command(&answer, scene.a, 0, CDB(0x08, 0, 0, 1, 0), NULL, 0, 200);
	assert_int_equal(answer.size, 200);
	assert_int_equal(answer.data[199], 0x5a);
}

#define IN(test) cmocka_unit_test_setup_teardown(test, start, stop)

int main(void)
{
	const struct CMUnitTest tests[] = {
		IN(unknown_things_are_refused_with_a_pointer),
		IN(the_lun_in_byte_1_is_tolerated),
		IN(long_cdbs_have_their_action_at_8),
		IN(a_lun_that_is_not_there_says_so),
		cmocka_unit_test_setup_teardown(keys_are_wiped_out_however_a_command_ends, start_loud, stop),
		IN(inquiry_says_who_the_unit_is),
		IN(vital_product_data_is_listed_in_order),
		IN(designators_tell_unit_port_and_target),
		IN(report_luns_lists_what_is_there),
		cmocka_unit_test_setup_teardown(power_on_is_told_once_and_kept_by_inquiry, start_loud,
						stop),
		IN(a_port_that_comes_back_had_a_nexus_loss),
		IN(attentions_come_by_importance_and_once),
		IN(a_full_queue_of_attentions_keeps_the_reset),
		IN(request_sense_tells_what_is_wrong_now),
		IN(a_deferred_error_is_told_once),
		IN(new_and_removed_units_are_told),
		IN(every_opcode_that_is_reported_is_known),
		IN(unknown_opcodes_are_reported_as_such),
		IN(timeouts_are_reported_when_asked_for),
		IN(removal_is_prevented_by_each_nexus),
		IN(the_echo_buffer_is_the_nexus_own),
		IN(there_is_no_identifying_information),
		IN(diagnostics_and_the_clock),
		IN(data_is_cut_to_the_room),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
