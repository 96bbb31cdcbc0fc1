/* SPDX-License-Identifier: MIT */
/* Both checksums of protection information are those that others compute, whatever the length. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "target/tape/guard.h"

/* The first 37 primes: CERN's CASTOR tests its CRCs with them, in RS 733D4DCAh, in CRC32C E8174F48h. */
static const uint8_t primes[] = {2,  3,	 5,  7,	 11, 13, 17, 19,  23,  29,  31,	 37,  41,
				 43, 47, 53, 59, 61, 67, 71, 73,  79,  83,  89,	 97,  101,
				 103, 107, 109, 113, 127, 131, 137, 139, 149, 151, 157};

static const struct {
	enum guard_method method;
	const char *bytes;
	size_t size;
	uint8_t guard[GUARD_SIZE]; /* as it is sent */
} vectors[] = {
	{GUARD_REED_SOLOMON, (const char *)primes, sizeof(primes), {0x73, 0x3d, 0x4d, 0xca}},
	{GUARD_CRC32C, (const char *)primes, sizeof(primes), {0x48, 0x4f, 0x17, 0xe8}},
	{GUARD_REED_SOLOMON, "", 0, {0}},
	{GUARD_CRC32C, "", 0, {0}},
	/* Rows 1, 2 and 255 of the table in ECMA-319. */
	{GUARD_REED_SOLOMON, "\x01", 1, {0x38, 0xcf, 0x38, 0x01}},
	{GUARD_REED_SOLOMON, "\x02", 1, {0x70, 0x83, 0x70, 0x02}},
	{GUARD_REED_SOLOMON, "\xff", 1, {0x76, 0x3f, 0x76, 0xff}},
	/* RFC 3720 B.4: 32 bytes of ones; "123456789". */
	{GUARD_CRC32C,
	 "\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff"
	 "\xff\xff\xff\xff\xff\xff\xff\xff",
	 32, {0x43, 0xab, 0xa8, 0x62}},
	{GUARD_CRC32C, "123456789", 9, {0x83, 0x92, 0x06, 0xe3}},
};

static void test_vectors(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(vectors) / sizeof(vectors[0]); i++) {
		uint8_t guard[GUARD_SIZE];
		guard_put(vectors[i].method, vectors[i].bytes, vectors[i].size, guard);
		assert_memory_equal(guard, vectors[i].guard, GUARD_SIZE);
		assert_true(guard_holds(vectors[i].method, vectors[i].bytes, vectors[i].size, guard));
	}
}

/* ECMA-319, one bit at a time: no table, no eight bytes at once. */
static uint32_t slow_reed_solomon(const uint8_t *data, size_t size)
{
	static const uint8_t divisor[4] = {0x38, 0xcf, 0x38, 0x01};
	uint8_t reg[4] = {0};
	for (size_t n = 0; n < size; n++) {
		uint8_t out = reg[0] ^ data[n], product[4];
		for (unsigned k = 0; k < 4; k++) {
			unsigned sum = 0, factor = divisor[k];
			for (unsigned bit = 0; bit < 8; bit++, factor <<= 1) {
				if (factor & 0x100)
					factor ^= 0x11d;
				if (out >> bit & 1)
					sum ^= factor;
			}
			product[k] = (uint8_t)sum;
		}
		for (unsigned k = 0; k < 4; k++)
			reg[k] = product[k] ^ (k < 3 ? reg[k + 1] : 0);
	}
	return (uint32_t)reg[0] << 24 | (uint32_t)reg[1] << 16 | (uint32_t)reg[2] << 8 | reg[3];
}

static void test_lengths(void **state)
{
	(void)state;
	uint8_t data[200], guard[GUARD_SIZE];
	uint32_t seed = 1;
	for (size_t i = 0; i < sizeof(data); i++)
		data[i] = (uint8_t)((seed = seed * 1103515245 + 12345) >> 16);
	for (size_t size = 0; size < sizeof(data) - 8; size++) {
		const uint8_t *at = data + size % 8; /* at any address */
		uint32_t slow = slow_reed_solomon(at, size);
		guard_put(GUARD_REED_SOLOMON, at, size, guard);
		assert_int_equal((uint32_t)guard[0] << 24 | (uint32_t)guard[1] << 16 |
					 (uint32_t)guard[2] << 8 | guard[3], slow);
	}
}

/* A bit that has turned over is seen, in the data or in what protects them. */
static void test_bits(void **state)
{
	(void)state;
	for (enum guard_method method = GUARD_REED_SOLOMON; method <= GUARD_CRC32C; method++) {
		uint8_t block[sizeof(primes) + GUARD_SIZE];
		memcpy(block, primes, sizeof(primes));
		guard_put(method, block, sizeof(primes), block + sizeof(primes));
		for (size_t bit = 0; bit < 8 * sizeof(block); bit++) {
			block[bit / 8] ^= (uint8_t)(1 << bit % 8);
			assert_false(guard_holds(method, block, sizeof(primes), block + sizeof(primes)));
			block[bit / 8] ^= (uint8_t)(1 << bit % 8);
		}
		assert_true(guard_holds(method, block, sizeof(primes), block + sizeof(primes)));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_vectors),
		cmocka_unit_test(test_lengths),
		cmocka_unit_test(test_bits),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
