/* SPDX-License-Identifier: MIT */
/* What the cursor writes it reads back; the first error sticks and nothing passes the end. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <string.h>

#include "lib/base/wire.h"

static void integers_are_little_endian(void **state)
{
	static const uint8_t expected[] = {0x01, 0x03, 0x02, 0x07, 0x06, 0x05, 0x04, 0x0f,
					   0x0e, 0x0d, 0x0c, 0x0b, 0x0a, 0x09, 0x08};
	uint8_t data[sizeof(expected)];
	struct wire w;
	(void)state;
	wire_writer(&w, data, sizeof(data));
	wire_put_u8(&w, 0x01);
	wire_put_u16(&w, 0x0203);
	wire_put_u32(&w, 0x04050607);
	wire_put_u64(&w, UINT64_C(0x08090a0b0c0d0e0f));
	assert_int_equal(w.error, 0);
	assert_int_equal(wire_left(&w), 0);
	assert_memory_equal(data, expected, sizeof(expected));
	wire_reader(&w, data, sizeof(data));
	assert_int_equal(wire_get_u8(&w), 0x01);
	assert_int_equal(wire_get_u16(&w), 0x0203);
	assert_int_equal(wire_get_u32(&w), 0x04050607);
	assert_true(wire_get_u64(&w) == UINT64_C(0x08090a0b0c0d0e0f));
	assert_int_equal(w.error, 0);
}

static void varints_survive_at_every_length(void **state)
{
	(void)state;
	for (unsigned bit = 0; bit < 64; bit++) {
		for (int off = -1; off <= 1; off++) {
			uint64_t value = (UINT64_C(1) << bit) + (uint64_t)off;
			uint8_t data[20];
			struct wire w;
			wire_writer(&w, data, sizeof(data));
			wire_put_varint(&w, value);
			wire_put_signed(&w, (int64_t)value);
			assert_int_equal(w.error, 0);
			size_t used = w.position;
			wire_reader(&w, data, used);
			assert_true(wire_get_varint(&w) == value);
			assert_true(wire_get_signed(&w) == (int64_t)value);
			assert_int_equal(w.error, 0);
			assert_int_equal(wire_left(&w), 0);
		}
	}
}

static void small_varints_are_one_byte(void **state)
{
	uint8_t data[4];
	struct wire w;
	(void)state;
	wire_writer(&w, data, sizeof(data));
	wire_put_varint(&w, 127);
	wire_put_signed(&w, -64);
	assert_int_equal(w.position, 2);
}

static void bad_varints_are_refused(void **state)
{
	static const uint8_t too_large[] = {0xff, 0xff, 0xff, 0xff, 0xff,
					    0xff, 0xff, 0xff, 0xff, 0x02};
	static const uint8_t endless[] = {0x80, 0x80, 0x80, 0x80, 0x80, 0x80,
					  0x80, 0x80, 0x80, 0x80, 0x80, 0x00};
	struct wire w;
	(void)state;
	wire_reader(&w, too_large, sizeof(too_large));
	assert_true(wire_get_varint(&w) == 0);
	assert_int_equal(w.error, -EBADMSG);
	wire_reader(&w, endless, sizeof(endless));
	wire_get_varint(&w);
	assert_int_equal(w.error, -EBADMSG);
	wire_reader(&w, endless, 3);
	wire_get_varint(&w);
	assert_int_equal(w.error, -EBADMSG);
}

static void reading_past_the_end_sticks_and_gives_zeros(void **state)
{
	static const uint8_t data[] = {1, 2, 3};
	struct wire w;
	(void)state;
	wire_reader(&w, data, sizeof(data));
	assert_int_equal(wire_get_u32(&w), 0);
	assert_int_equal(w.error, -EBADMSG);
	assert_int_equal(wire_get_u8(&w), 0);
	assert_null(wire_get_bytes(&w, 1));
	assert_null(wire_get_bytes(&w, 0));
}

static void sizes_that_wrap_are_past_the_end(void **state)
{
	static const uint8_t data[] = {1, 2, 3};
	struct wire w;
	(void)state;
	wire_reader(&w, data, sizeof(data));
	wire_get_u8(&w);
	assert_null(wire_get_bytes(&w, SIZE_MAX));
	assert_int_equal(w.error, -EBADMSG);
}

static void writing_past_the_end_writes_nothing(void **state)
{
	uint8_t data[4] = {9, 9, 9, 9};
	struct wire w;
	(void)state;
	wire_writer(&w, data, 3);
	wire_put_u32(&w, 0);
	assert_int_equal(w.error, -ENOBUFS);
	wire_put_u8(&w, 0);
	wire_put_zeros(&w, 1);
	wire_put_bytes(&w, "x", 1);
	assert_memory_equal(data, "\x09\x09\x09\x09", 4);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(integers_are_little_endian),
		cmocka_unit_test(varints_survive_at_every_length),
		cmocka_unit_test(small_varints_are_one_byte),
		cmocka_unit_test(bad_varints_are_refused),
		cmocka_unit_test(reading_past_the_end_sticks_and_gives_zeros),
		cmocka_unit_test(sizes_that_wrap_are_past_the_end),
		cmocka_unit_test(writing_past_the_end_writes_nothing),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
