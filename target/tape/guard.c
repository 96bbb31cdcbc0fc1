/* SPDX-License-Identifier: MIT */
/*
 * The two checksums of blocks on their way between host and drive.
 *
 * The Reed-Solomon CRC of ECMA-319 takes a block as a polynomial over GF(256), whose elements are
 * polynomials over GF(2) modulo 11Dh, and divides it by x^4 + 38h x^3 + CFh x^2 + 38h x + 1. A step
 * shifts one byte in: what falls out at the top, times the divisor, is taken off again. It is sent
 * with its first byte first. As everything is linear, eight bytes go at once, from a table for each of
 * their places.
 *
 * CRC32C is that of iSCSI; it is sent with its last byte first.
 *
 * Of 2, 3, 5... 157, the first 37 primes, they are 733D4DCAh and E8174F48h: so say the tests of CERN's
 * tape archive, which talks with IBM's drives.
 */
#include "target/tape/guard.h"

#include <pthread.h>
#include <string.h>

#include "lib/base/bytes.h"
#include "lib/base/crc32c.h"

#define FIELD 0x11du

static pthread_once_t once = PTHREAD_ONCE_INIT;
static uint32_t table[8][256]; /* a byte that stands `n` bytes before the end of those that are taken */

static uint32_t multiply(uint32_t a, uint32_t b)
{
	uint32_t product = 0;
	for (; b; b >>= 1) {
		if (b & 1)
			product ^= a;
		a <<= 1;
		if (a & 0x100)
			a ^= FIELD;
	}
	return product;
}

static void table_start(void)
{
	for (uint32_t i = 0; i < 256; i++)
		table[0][i] = multiply(0x38, i) << 24 | multiply(0xcf, i) << 16 |
			      multiply(0x38, i) << 8 | i;
	for (unsigned n = 1; n < 8; n++)
		for (unsigned i = 0; i < 256; i++)
			table[n][i] = table[n - 1][i] << 8 ^ table[0][table[n - 1][i] >> 24];
}

static uint32_t reed_solomon(const uint8_t *data, size_t size)
{
	uint32_t crc = 0;
	pthread_once(&once, table_start);
	for (; size >= 8; data += 8, size -= 8) {
		uint32_t high = crc ^ be_get32(data), low = be_get32(data + 4);
		crc = table[7][high >> 24] ^ table[6][high >> 16 & 0xff] ^
		      table[5][high >> 8 & 0xff] ^ table[4][high & 0xff] ^ table[3][low >> 24] ^
		      table[2][low >> 16 & 0xff] ^ table[1][low >> 8 & 0xff] ^ table[0][low & 0xff];
	}
	for (; size; data++, size--)
		crc = crc << 8 ^ table[0][*data ^ crc >> 24];
	return crc;
}

void guard_put(enum guard_method method, const void *data, size_t size, uint8_t guard[GUARD_SIZE])
{
	if (method == GUARD_CRC32C)
		be_put32(guard, __builtin_bswap32(crc32c(0, data, size)));
	else
		be_put32(guard, reed_solomon(data, size));
}

bool guard_holds(enum guard_method method, const void *data, size_t size,
		 const uint8_t guard[GUARD_SIZE])
{
	uint8_t expected[GUARD_SIZE];
	guard_put(method, data, size, expected);
	return memcmp(expected, guard, GUARD_SIZE) == 0;
}
