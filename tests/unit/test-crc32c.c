/* SPDX-License-Identifier: MIT */
/* CRC32C gives the published values (RFC 7143 appendix A.4, RFC 3720 B.4), however the bytes are
 * cut and whatever computes it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/crc32c.h"

#define SIZE 100003u

static void test_published(void **state)
{
	uint8_t data[32];
	(void)state;
	memset(data, 0, sizeof(data));
	assert_int_equal(crc32c(0, data, 32), 0x8a9136aa);
	memset(data, 0xff, sizeof(data));
	assert_int_equal(crc32c(0, data, 32), 0x62a8ab43);
	for (unsigned i = 0; i < 32; i++)
		data[i] = (uint8_t)i;
	assert_int_equal(crc32c(0, data, 32), 0x46dd794e);
	assert_int_equal(crc32c(0, "123456789", 9), 0xe3069283);
	assert_int_equal(crc32c(0, data, 0), 0);
}

/* Bit by bit, as the definition says. */
static uint32_t slow(const uint8_t *data, size_t size)
{
	uint32_t crc = ~0u;
	for (size_t i = 0; i < size; i++) {
		crc ^= data[i];
		for (int bit = 0; bit < 8; bit++)
			crc = crc & 1 ? crc >> 1 ^ 0x82f63b78u : crc >> 1;
	}
	return ~crc;
}

static void test_any_length_and_cut(void **state)
{
	static uint8_t data[SIZE];
	static const size_t lengths[] = {1, 7, 8, 9, 4096, 6143, 6144, 6145, 24575, 24576, 24577,
					 30720, 49152, 65536, SIZE};
	(void)state;
	for (size_t i = 0; i < SIZE; i++)
		data[i] = (uint8_t)(i * 2654435761u >> 13);
	for (size_t i = 0; i < sizeof(lengths) / sizeof(*lengths); i++) {
		size_t n = lengths[i], cut = n / 3;
		uint32_t whole = slow(data, n);
		assert_int_equal(crc32c(0, data, n), whole);
		assert_int_equal(crc32c(crc32c(0, data, cut), data + cut, n - cut), whole);
	}
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_published),
		cmocka_unit_test(test_any_length_and_cut),
	};
	int failed = cmocka_run_group_tests(tests, NULL, NULL);
	/* Once more with the other kernel, which is chosen at the first use. */
	if (failed == 0 && argc == 1 && strcmp(crc32c_kernel(), "portable") != 0) {
		char command[4200];
		setenv("GRANARY_CPU", "portable", 1);
		if (snprintf(command, sizeof(command), "%s again", argv[0]) < (int)sizeof(command))
			failed = system(command);
	}
	return failed != 0;
}
