/* SPDX-License-Identifier: MIT */
/*
 * Logical block protection: what a host sends with protection information is checked before it is
 * written, what it reads with it is right, and nobody else has anything of it.
 */
#include <stdlib.h>
#include <string.h>

#include "lib/base/bytes.h"
#include "tests/unit/guard_scene.h"

static void set_block_size(struct drive_scene *s, uint32_t size)
{
	uint8_t list[12] = {0, 0, 0x10, 8};
	be_put24(list + 9, size);
	SEND(&s->r, s->a, list, sizeof(list), 0x15, 0x10, 0, 0, sizeof(list));
	assert_good(&s->r);
	scene_quiet(s, s->b);
}

static uint64_t position(struct drive_scene *s)
{
	RUN(&s->r, s->a, 0x34, 6);
	assert_good(&s->r);
	return be_get64(s->r.data + 8);
}

/* ---- writing and reading ---------------------------------------------------------------------------- */

/* What is written with one method, or none, is read with any: blocks are kept without. */
static void test_methods(void **state)
{
	struct drive_scene *s = *state;
	scene_load(s, "A00001L8", "LTO-8", 0);
	static const size_t sizes[] = {1, 2, 511, 1000, 4096};
	for (unsigned method = NONE; method <= CRC; method++) {
		guard_protect(s, s->a, method, W);
		for (unsigned i = 0; i < 5; i++)
			guard_write(s, sizes[i], 10 * method + i, method);
	}
	for (unsigned method = NONE; method <= CRC; method++) {
		guard_rewind(s, s->a);
		guard_protect(s, s->a, method, R);
		for (unsigned i = 0; i < 15; i++) {
			uint8_t data[4200];
			size_t size = guard_block(data, sizes[i % 5], i / 5 * 10 + i % 5, method);
			RUN(&s->r, s->a, 0x08, 0, 0, (uint8_t)(size >> 8), (uint8_t)size);
			assert_good(&s->r);
			assert_int_equal(s->r.size, size);
			assert_memory_equal(s->r.data, data, size);
		}
	}
	/* LBP_W alone is for writes, LBP_R alone for reads. */
	guard_protect(s, s->a, CRC, R);
	guard_write(s, 100, 1, NONE);
}

/* Short and long reads: lengths and INFORMATION count the four bytes. */
static const struct {
	uint8_t cdb1;
	uint32_t length;   /* of a block of 100 bytes */
	uint32_t block_size; /* of the mode header */
	size_t given;
	int64_t information; /* ILI; 0: GOOD */
} read_rows[] = {
	{0, 104, 0, 104, 0}, {0, 100, 0, 100, -4}, {0, 102, 0, 102, -2}, {0, 50, 0, 50, -54},
	{0, 200, 0, 104, 96}, {0, 1, 0, 1, -103},
	{2, 104, 0, 104, 0}, {2, 100, 0, 100, 0}, {2, 200, 0, 104, 0}, {2, 3, 0, 3, 0},
	{2, 100, 512, 100, -4}, {2, 200, 512, 104, 0},
};

static void test_lengths(void **state)
{
	struct drive_scene *s = *state;
	uint8_t data[104];
	scene_load(s, "A00001L8", "LTO-8", 0);
	guard_write(s, 100, 5, NONE);
	for (enum guard_method method = GUARD_REED_SOLOMON; method <= GUARD_CRC32C; method++)
		for (size_t i = 0; i < sizeof(read_rows) / sizeof(read_rows[0]); i++) {
			uint32_t length = read_rows[i].length;
			set_block_size(s, read_rows[i].block_size);
			guard_protect(s, s->a, method, WR);
			guard_rewind(s, s->a);
			guard_block(data, 100, 5, method);
			RUN(&s->r, s->a, 0x08, read_rows[i].cdb1, 0, 0, (uint8_t)length);
			assert_int_equal(s->r.size, read_rows[i].given);
			assert_memory_equal(s->r.data, data, s->r.size);
			if (read_rows[i].information) {
				assert_check(&s->r, SENSE_NO_SENSE, ASC_NONE);
				assert_true(s->r.sense.ili && s->r.sense.information_valid);
				assert_int_equal(s->r.sense.information, read_rows[i].information);
			} else {
				assert_good(&s->r);
			}
			assert_int_equal(position(s), 1);
		}
}

/* The initiator's own room cuts what is given, not what is told. */
static void test_room(void **state)
{
	struct drive_scene *s = *state;
	uint8_t data[104];
	scene_load(s, "A00001L8", "LTO-8", 0);
	guard_write(s, 100, 5, NONE);
	guard_protect(s, s->a, CRC, R);
	guard_block(data, 100, 5, CRC);
	static const size_t rooms[] = {0, 1, 99, 100, 101, 103};
	for (size_t i = 0; i < sizeof(rooms) / sizeof(rooms[0]); i++) {
		guard_rewind(s, s->a);
		run_command(&s->r, s->a, 0, CDB(0x08, 0, 0, 0, 104), NULL, 0, rooms[i]);
		assert_good(&s->r);
		assert_int_equal(s->r.size, rooms[i]);
		assert_int_equal(s->r.wanted, 104);
		assert_memory_equal(s->r.data, data, rooms[i]);
	}
}

/* READ BLOCK LIMITS are of the block alone: the longest one comes with four bytes more. */
static void test_longest(void **state)
{
	enum { LONGEST = 8 << 20, LENGTH = LONGEST + GUARD_SIZE };
	struct drive_scene *s = *state;
	uint8_t *data = malloc(LENGTH + 1);
	assert_non_null(data);
	scene_load(s, "A00001L8", "LTO-8", 0);
	for (unsigned method = RS; method <= CRC; method++) {
		guard_rewind(s, s->a);
		guard_protect(s, s->a, method, WR);
		guard_block(data, LONGEST, method, method);
		SEND(&s->r, s->a, data, LENGTH, 0x0a, 0, 0x80, 0, 4);
		assert_good(&s->r);
		SEND(&s->r, s->a, data, LENGTH + 1, 0x0a, 0, 0x80, 0, 5);
		assert_field(&s->r, 2, 8);
		guard_rewind(s, s->a);
		RUN(&s->r, s->a, 0x08, 0, 0x80, 0, 4);
		assert_good(&s->r);
		assert_int_equal(s->r.wanted, LENGTH);
		assert_memory_equal(s->r.data, data, sizeof(s->r.data));
		RUN(&s->r, s->a, 0x13, 0, 0x80, 0, 4);
		assert_check(&s->r, SENSE_BLANK_CHECK, ASC_END_OF_DATA);
	}
	free(data);
}

static size_t many_make(uint8_t *to, size_t size, unsigned count, enum guard_method method)
{
	size_t at = 0;
	for (unsigned i = 0; i < count; i++)
		at += guard_block(to + at, size, i, method);
	return at;
}

/* Fixed blocks: the block length of the mode header counts the four bytes. */
static void test_fixed(void **state)
{
	struct drive_scene *s = *state;
	uint8_t data[8192];
	scene_load(s, "A00001L8", "LTO-8", 0);
	for (unsigned method = RS; method <= CRC; method++) {
		size_t size = many_make(data, 100, 20, method);
		guard_rewind(s, s->a);
		set_block_size(s, 104);
		guard_protect(s, s->a, method, WR);
		SEND(&s->r, s->a, data, size, 0x0a, 1, 0, 0, 20);
		assert_good(&s->r);
		scene_mark(s, s->a);
		guard_rewind(s, s->a);
		RUN(&s->r, s->a, 0x08, 1, 0, 0, 7);
		assert_good(&s->r);
		assert_int_equal(s->r.size, 7 * 104);
		assert_memory_equal(s->r.data, data, 7 * 104);
		RUN(&s->r, s->a, 0x08, 1, 0, 0, 20); /* a filemark ends it */
		assert_check(&s->r, SENSE_NO_SENSE, ASC_FILEMARK);
		assert_int_equal(s->r.sense.information, 7);
		assert_int_equal(s->r.size, 13 * 104);
		assert_memory_equal(s->r.data, data + 7 * 104, 13 * 104);

		/* Without protection they are blocks of 100 bytes, and of another length than 104. */
		guard_rewind(s, s->a);
		guard_protect(s, s->a, NONE, 0);
		RUN(&s->r, s->a, 0x08, 1, 0, 0, 2);
		assert_check(&s->r, SENSE_NO_SENSE, ASC_NONE);
		assert_int_equal(s->r.sense.information, 2);
		set_block_size(s, 100);
		guard_rewind(s, s->a);
		size = many_make(data, 100, 20, NONE);
		RUN(&s->r, s->a, 0x08, 1, 0, 0, 20);
		assert_good(&s->r);
		assert_memory_equal(s->r.data, data, size);
	}
}

/* ---- what is not right ------------------------------------------------------------------------------- */

/* Of five fixed blocks the `bad` one does not fit: those before it are written. */
static void test_fixed_wrong(void **state)
{
	struct drive_scene *s = *state;
	uint8_t data[8192];
	scene_load(s, "A00001L8", "LTO-8", 0);
	set_block_size(s, 104);
	for (unsigned method = RS; method <= CRC; method++)
		for (unsigned bad = 0; bad < 5; bad++) {
			size_t size = many_make(data, 100, 5, method);
			data[bad * 104 + (bad == 2 ? 103 : 50)] ^= 1;
			guard_protect(s, s->a, method, WR);
			guard_rewind(s, s->a);
			SEND(&s->r, s->a, data, size, 0x0a, 1, 0, 0, 5);
			assert_check(&s->r, SENSE_HARDWARE_ERROR, ASC_GUARD_CHECK_FAILED);
			assert_true(s->r.sense.information_valid);
			assert_int_equal(s->r.sense.information, 5 - bad);
			assert_int_equal(position(s), bad);
			guard_rewind(s, s->a);
			RUN(&s->r, s->a, 0x08, 1, 0, 0, bad);
			assert_good(&s->r);
			many_make(data, 100, 5, method);
			assert_memory_equal(s->r.data, data, (size_t)bad * 104);
		}
}

/* A block that does not fit is not written; it does not cut the tape off either. */
static void test_variable_wrong(void **state)
{
	struct drive_scene *s = *state;
	uint8_t data[1004];
	scene_load(s, "A00001L8", "LTO-8", 0);
	guard_write(s, 1000, 1, NONE);
	guard_write(s, 1000, 2, NONE);
	guard_protect(s, s->a, CRC, W);
	for (unsigned i = 0; i < 3; i++) {
		static const size_t flips[] = {0, 999, 1001};
		guard_rewind(s, s->a);
		guard_block(data, 1000, 7, CRC);
		data[flips[i]] ^= 0x10;
		SEND(&s->r, s->a, data, sizeof(data), 0x0a, 0, 0, sizeof(data) >> 8, sizeof(data) & 0xff);
		assert_check(&s->r, SENSE_HARDWARE_ERROR, ASC_GUARD_CHECK_FAILED);
		assert_int_equal(s->r.sense.information, 1004);
		assert_int_equal(position(s), 0);
	}
	/* The other method's are as wrong as none. */
	guard_block(data, 1000, 7, RS);
	SEND(&s->r, s->a, data, sizeof(data), 0x0a, 0, 0, sizeof(data) >> 8, sizeof(data) & 0xff);
	assert_check(&s->r, SENSE_HARDWARE_ERROR, ASC_GUARD_CHECK_FAILED);
	guard_protect(s, s->a, NONE, 0);
	for (unsigned seed = 1; seed <= 2; seed++) {
		guard_block(data, 1000, seed, NONE);
		RUN(&s->r, s->a, 0x08, 0, 0, 1000 >> 8, 1000 & 0xff);
		assert_good(&s->r);
		assert_memory_equal(s->r.data, data, 1000);
	}
	/* The drive goes on: nothing is wrong with it. */
	guard_protect(s, s->a, CRC, W);
	guard_write(s, 1000, 3, CRC);
	scene_mark(s, s->a);
}

/* Protection information of nothing, and blocks that would be too long, are not for this drive. */
static void test_sizes(void **state)
{
	struct drive_scene *s = *state;
	uint8_t data[16] = {0};
	scene_load(s, "A00001L8", "LTO-8", 0);
	guard_protect(s, s->a, CRC, WR);
	for (unsigned length = 1; length <= 4; length++) {
		SEND(&s->r, s->a, data, length, 0x0a, 0, 0, 0, (uint8_t)length);
		assert_field(&s->r, 2, 8);
	}
	SEND(&s->r, s->a, NULL, 0, 0x0a, 0, 0, 0, 0);
	assert_good(&s->r);
	set_block_size(s, 4);
	SEND(&s->r, s->a, data, 8, 0x0a, 1, 0, 0, 2);
	assert_field(&s->r, 2, 8);
	set_block_size(s, 5);
	data[0] = 'a';
	guard_put(GUARD_CRC32C, data, 1, data + 1);
	SEND(&s->r, s->a, data, 5, 0x0a, 1, 0, 0, 1);
	assert_good(&s->r);
	set_block_size(s, CARTRIDGE_BLOCK_MAX + GUARD_SIZE);
	RUN(&s->r, s->a, 0x05);
	assert_int_equal(be_get24(s->r.data + 1), CARTRIDGE_BLOCK_MAX);
}

/* Sealed blocks are sealed without it: it is of what the host sees. */
static void test_sealed(void **state)
{
	struct drive_scene *s = *state;
	uint8_t set[20 + 32] = {0, 0x10, 0, 48, 0x40, 0, 2, 2, 1}, data[8192];
	scene_load(s, "A00001L8", "LTO-8", 0);
	set[19] = 32;
	memset(set + 20, 7, 32);
	SEND(&s->r, s->a, set, sizeof(set), 0xb5, 0x20, 0, 0x10, 0, 0, 0, 0, 0, sizeof(set));
	assert_good(&s->r);
	for (unsigned method = RS; method <= CRC; method++) {
		size_t size = many_make(data, 100, 10, method);
		guard_rewind(s, s->a);
		set_block_size(s, 104);
		guard_protect(s, s->a, method, WR);
		SEND(&s->r, s->a, data, size, 0x0a, 1, 0, 0, 10);
		assert_good(&s->r);
		guard_rewind(s, s->a);
		RUN(&s->r, s->a, 0x08, 1, 0, 0, 10);
		assert_good(&s->r);
		assert_int_equal(s->r.size, size);
		assert_memory_equal(s->r.data, data, size);
		guard_rewind(s, s->a);
		RUN(&s->r, s->a, 0x08, 0, 0, 0, 102);
		assert_check(&s->r, SENSE_NO_SENSE, ASC_NONE);
		assert_memory_equal(s->r.data, data, 102);
	}
}

/* VERIFY counts as READ does. Every block has the method that is asked for (VLBPM); VTE and VBF exclude
 * each other. */
static void test_verify(void **state)
{
	struct drive_scene *s = *state;
	scene_load(s, "A00001L8", "LTO-8", 0);
	guard_protect(s, s->a, CRC, WR);
	guard_write(s, 100, 1, CRC);
	guard_rewind(s, s->a);
	RUN(&s->r, s->a, 0x13, 0, 0, 0, 104);
	assert_good(&s->r);
	guard_rewind(s, s->a);
	RUN(&s->r, s->a, 0x13, 0, 0, 0, 100);
	assert_check(&s->r, SENSE_NO_SENSE, ASC_NONE);
	assert_int_equal(s->r.sense.information, -4);
	set_block_size(s, 104);
	guard_rewind(s, s->a);
	RUN(&s->r, s->a, 0x13, 1, 0, 0, 1);
	assert_good(&s->r);
	static const uint8_t good[] = {0x10, 0x30, 0x21, 0x31};
	for (unsigned i = 0; i < sizeof(good); i++) {
		guard_rewind(s, s->a);
		RUN(&s->r, s->a, 0x13, good[i], 0, 0, 104);
		assert_good(&s->r);
		assert_int_equal(position(s), 1);
	}
	set_block_size(s, 100);
	guard_rewind(s, s->a);
	RUN(&s->r, s->a, 0x13, 0x21);
	assert_check(&s->r, SENSE_NO_SENSE, ASC_NONE);
	assert_true(s->r.sense.ili);
	RUN(&s->r, s->a, 0x13, 0x28);
	assert_field(&s->r, 1, 3);
	RUN(&s->r, s->a, 0x13, 0x02); /* BYTCMP */
	assert_field(&s->r, 1, 1);
}

/* A drive that protects nothing has no method to verify. */
static void test_verify_old(void **state)
{
	(void)state;
	struct drive_scene *s = drive_scene_new(&(struct drive_scene_options){.generation = 4});
	scene_load(s, "A00001L4", "LTO-4", 0);
	RUN(&s->r, s->a, 0x13, 0x10, 0, 0, 104);
	assert_field(&s->r, 1, 4);
	RUN(&s->r, s->a, 0x13, 0x20);
	assert_good(&s->r);
	drive_scene_free(&s);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, drive_scene_setup, drive_scene_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_methods),
		TEST(test_lengths),
		TEST(test_room),
		TEST(test_longest),
		TEST(test_fixed),
		TEST(test_fixed_wrong),
		TEST(test_variable_wrong),
		TEST(test_sizes),
		cmocka_unit_test_setup_teardown(test_sealed, drive_scene_setup_crypt, drive_scene_teardown),
		TEST(test_verify),
		cmocka_unit_test(test_verify_old),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
