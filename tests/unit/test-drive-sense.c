/* SPDX-License-Identifier: MIT */
/* READ, VERIFY, SPACE and LOCATE say exactly how they ended: key, flags, code, INFORMATION, data
 * and position, for every row of the sense rules, with variable and fixed blocks. */
#include "tests/unit/tape_support.h"

#include <string.h>

#include "lib/base/bytes.h"
#include "tests/unit/sense_rows.h"

static uint64_t file_at(uint64_t object)
{
	uint64_t file = 0;
	for (uint64_t i = 0; i < object && i < END; i++)
		file += !sizes[i];
	return file;
}

static int setup(void **state)
{
	static struct scene scene;
	memset(&scene, 0, sizeof(scene));
	scene_open(&scene);
	scene_tape(&scene, 64u * MIB);
	for (unsigned i = 0; i < END; i++)
		if (sizes[i])
			expect_good(tape_write(&scene, sizes[i], i));
		else
			expect_good(tape_filemarks(&scene, 1, false));
	*state = &scene;
	return 0;
}

static int teardown(void **state)
{
	scene_close(*state);
	return 0;
}

static const struct answer *verify(struct scene *s, uint32_t count, uint8_t how)
{
	return command(s, NULL, 0, 0, 0x13, how, (uint8_t)(count >> 16), (uint8_t)(count >> 8),
		       (uint8_t)count, 0);
}

static const struct answer *locate16(struct scene *s, unsigned type, uint64_t target)
{
	uint8_t cdb[16] = {0x92, (uint8_t)(type << 3)};
	be_put64(cdb + 4, target);
	return command_as(s, s->nexus, cdb, 16, NULL, 0, 0);
}

static const struct answer *run(struct scene *s, const struct row *row)
{
	uint32_t count = (uint32_t)row->count;
	switch (row->op) {
	case READ: return tape_read(s, count, false);
	case READ_SILENT: return tape_read(s, count, true);
	case FIXED: return tape_read_fixed(s, count, row->mode);
	case VERIFY: return verify(s, count, 0);
	case VERIFY_FIXED: return verify(s, count, 1);
	case VERIFY_MARKS: return verify(s, count, 0x08);
	case VERIFY_MARKS_FIXED: return verify(s, count, 0x09);
	case VERIFY_ALL: return verify(s, count, 0x20);
	case VERIFY_ALL_FIXED: return verify(s, count, 0x21);
	case BLOCKS: return tape_space(s, 0, row->count);
	case FILEMARKS: return tape_space(s, 1, row->count);
	case SEQUENTIAL: return tape_space(s, 2, row->count);
	case TO_END: return tape_space(s, 3, row->count);
	case OBJECT: return locate16(s, 0, (uint64_t)row->count);
	case FILE_NUMBER: return locate16(s, 1, (uint64_t)row->count);
	case LOCATE_END: return locate16(s, 3, (uint64_t)row->count);
	case LOCATE10: return command(s, NULL, 0, 0, 0x2b, 4, 0, 0, 0, 0, (uint8_t)count, 0, 0, 0);
	}
	return NULL;
}

/* The data is that of the blocks from `at` on. */
static void check_data(const struct row *row, const struct answer *answer)
{
	uint8_t block[2000];
	size_t offset = 0;
	assert_int_equal(answer->size, row->size);
	for (uint64_t object = row->at; offset < answer->size; object++) {
		size_t size = sizes[object];
		tape_fill(block, size, object);
		if (size > answer->size - offset)
			size = answer->size - offset;
		assert_memory_equal(answer->data + offset, block, size);
		offset += size;
	}
}

static void each_row_is_told_and_leaves_the_tape_where_it_should(void **state)
{
	struct scene *s = *state;
	uint32_t mode = 0;
	for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct row *row = &rows[i];
		print_message("row %u: op %d %lld at %llu\n", i, row->op, (long long)row->count,
			      (unsigned long long)row->at);
		if (row->mode != mode)
			tape_block_size(s, mode = row->mode);
		expect_good(tape_locate(s, row->at));
		const struct answer *answer = run(s, row);
		if (row->key == GOOD)
			expect_good(answer);
		else if (row->information == NONE)
			expect_refused(answer, row->key, row->code);
		else
			expect_sense(answer, row->key, row->code, row->flags, row->information);
		check_data(row, answer);
		expect_at(s, row->to, file_at(row->to));
	}
	tape_block_size(s, 0);
}

/* The initiator's buffer is smaller than what it asks for: the tape moves all the same. */
static void a_short_buffer_cuts_the_data_and_not_the_movement(void **state)
{
	struct scene *s = *state;
	tape_block_size(s, 1000);
	expect_good(tape_rewind(s));
	const struct answer *answer = command(s, NULL, 0, 1200, 0x08, 1, 0, 0, 3, 0);
	expect_good(answer);
	assert_int_equal(answer->size, 1200);
	assert_int_equal(answer->wanted, 3000);
	expect_at(s, 3, 0);
	tape_block_size(s, 0);
}

static void fields_that_mean_nothing_here_are_refused(void **state)
{
	struct scene *s = *state;
	static const struct {
		uint8_t cdb[16];
		uint8_t size;
	} bad[] = {
		{{0x08, 3, 0, 0, 1}, 6},     /* FIXED and SILI */
		{{0x08, 1, 0, 0, 1}, 6},     /* FIXED without a block length */
		{{0x0a, 1, 0, 0, 1}, 6},
		{{0x10, 2, 0, 0, 1}, 6},     /* setmarks */
		{{0x11, 4, 0, 0, 1}, 6},
		{{0x11, 5, 0, 0, 1}, 6},
		{{0x91, 4}, 16},
		{{0x92, 2 << 3}, 16},	     /* a destination that is reserved */
		{{0x92, 2, 0, 1}, 16},	     /* a partition that is not there */
		{{0x2b, 2, 0, 0, 0, 0, 0, 0, 1}, 10},
		{{0x34, 0x05}, 10},
		{{0x1b, 0, 0, 0, 5}, 6},     /* load to the end */
		{{0x04, 0, 3}, 6},
		{{0x82, 0, 3}, 16},
		{{0x82, 0, 1}, 16},	     /* not in append-only mode */
	};
	expect_good(tape_rewind(s));
	for (unsigned i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		print_message("CDB %02x %02x\n", bad[i].cdb[0], bad[i].cdb[1]);
		uint8_t data[16] = {0};
		const struct answer *answer =
			command_as(s, s->nexus, bad[i].cdb, bad[i].size, data, sizeof(data), 0);
		expect_refused(answer, SENSE_ILLEGAL_REQUEST, ASC_INVALID_FIELD_IN_CDB);
		assert_true(answer->sense.field_valid && answer->sense.field_in_cdb);
		expect_at(s, 0, 0);
	}
}

static void block_limits_say_one_byte_to_eight_mebibytes(void **state)
{
	struct scene *s = *state;
	static const uint8_t limits[6] = {0, 0x80, 0, 0, 0, 1};
	const struct answer *answer = command(s, NULL, 0, 64, 0x05, 0, 0, 0, 0, 0);
	expect_good(answer);
	assert_int_equal(answer->size, 6);
	assert_memory_equal(answer->data, limits, 6);
	answer = command(s, NULL, 0, 64, 0x05, 1, 0, 0, 0, 0);
	expect_good(answer);
	assert_int_equal(answer->size, 20);
	assert_true(be_get64(answer->data + 12) > UINT32_MAX);
}

static void positions_are_told_in_all_forms(void **state)
{
	struct scene *s = *state;
	expect_good(tape_locate(s, 8));
	for (uint8_t action = 0; action <= 1; action++) {
		const struct answer *a = command(s, NULL, 0, 64, 0x34, action, 0, 0, 0, 0, 0, 0, 0, 0);
		expect_good(a);
		assert_int_equal(a->size, 20);
		assert_int_equal(a->data[0], 0);
		assert_int_equal(be_get32(a->data + 4), 8);
		assert_int_equal(be_get32(a->data + 8), 8);
	}
	const struct answer *a = command(s, NULL, 0, 64, 0x34, 8, 0, 0, 0, 0, 0, 0, 32, 0);
	expect_good(a);
	assert_int_equal(a->size, 32);
	assert_int_equal(be_get16(a->data + 2), 28);
	assert_int_equal(be_get64(a->data + 8), 8);
	assert_int_equal(be_get64(a->data + 16), 8);
	struct tape_position at = tape_position(s);
	assert_int_equal(at.object, 8);
	assert_int_equal(at.file, 3);
	assert_int_equal(at.flags, 0);
	expect_good(tape_rewind(s));
	assert_int_equal(tape_position(s).flags, 0x80);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_row_is_told_and_leaves_the_tape_where_it_should),
		cmocka_unit_test(a_short_buffer_cuts_the_data_and_not_the_movement),
		cmocka_unit_test(fields_that_mean_nothing_here_are_refused),
		cmocka_unit_test(block_limits_say_one_byte_to_eight_mebibytes),
		cmocka_unit_test(positions_are_told_in_all_forms),
	};
	return cmocka_run_group_tests(tests, setup, teardown);
}
