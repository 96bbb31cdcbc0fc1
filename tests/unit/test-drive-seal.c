/* SPDX-License-Identifier: MIT */
/* What seals the blocks of a tape: the cipher against published vectors, and descriptions of runs. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "lib/base/bytes.h"
#include "target/tape/drive_crypt.h"

static size_t from_hex(const char *hex, uint8_t *data)
{
	size_t size = strlen(hex) / 2;
	for (size_t i = 0; i < size; i++) {
		char digits[3] = {hex[2 * i], hex[2 * i + 1]};
		data[i] = (uint8_t)strtoul(digits, NULL, 16);
	}
	return size;
}

/* McGrew and Viega, The Galois/Counter Mode of Operation, test cases 13 to 16 (AES-256). */
static const struct {
	const char *key, *iv, *associated, *plain, *cipher, *tag;
} vectors[] = {
	{"0000000000000000000000000000000000000000000000000000000000000000", "000000000000000000000000",
	 "", "", "", "530f8afbc74536b9a963b4f1c4cb738b"},
	{"0000000000000000000000000000000000000000000000000000000000000000", "000000000000000000000000",
	 "", "00000000000000000000000000000000", "cea7403d4d606b6e074ec5d3baf39d18",
	 "d0d1c8a799996bf0265b98b5d48ab919"},
	{"feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308", "cafebabefacedbaddecaf888",
	 "",
	 "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a72"
	 "1c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b391aafd255",
	 "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa"
	 "8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0abcc9f662898015ad",
	 "b094dac5d93471bdec1a502270e3cc6c"},
	{"feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308", "cafebabefacedbaddecaf888",
	 "feedfacedeadbeeffeedfacedeadbeefabaddad2",
	 "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a72"
	 "1c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b39",
	 "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa"
	 "8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0abcc9f662",
	 "76fc6ece0f4e1768cddf8853bb2d551b"},
};

static void test_vectors(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(vectors) / sizeof(vectors[0]); i++) {
		uint8_t key[32], iv[12], aad[32], plain[64], cipher[64], tag[16], sealed[64 + DRIVE_SEAL_SIZE],
			opened[64];
		from_hex(vectors[i].key, key);
		from_hex(vectors[i].iv, iv);
		size_t aad_size = from_hex(vectors[i].associated, aad);
		size_t size = from_hex(vectors[i].plain, plain);
		from_hex(vectors[i].cipher, cipher);
		from_hex(vectors[i].tag, tag);
		assert_int_equal(crypt_seal_with(key, iv, aad, aad_size, plain, size, sealed), 0);
		assert_memory_equal(sealed, iv, 12);
		assert_int_equal(be_get32(sealed + 12), size);
		assert_memory_equal(sealed + 16, cipher, size);
		assert_memory_equal(sealed + 16 + size, tag, 16);
		assert_int_equal(crypt_open_with(key, aad, aad_size, sealed, size + DRIVE_SEAL_SIZE, opened), 0);
		assert_memory_equal(opened, plain, size);
		/* Every bit counts: nonce, size, text, tag, what is associated. */
		for (size_t byte = 0; byte < size + DRIVE_SEAL_SIZE; byte++) {
			sealed[byte] ^= 0x10;
			assert_int_equal(crypt_open_with(key, aad, aad_size, sealed, size + DRIVE_SEAL_SIZE,
							 opened),
					 -EBADMSG);
			sealed[byte] ^= 0x10;
		}
		aad[0] ^= 1;
		if (aad_size)
			assert_int_equal(crypt_open_with(key, aad, aad_size, sealed, size + DRIVE_SEAL_SIZE,
							 opened),
					 -EBADMSG);
	}
}

static void test_description(void **state)
{
	(void)state;
	struct crypt_description d = {.kad_format = 2, .ukad_size = 5, .akad_size = 12, .ukad = "Hello"}, e;
	uint8_t data[CRYPT_DESCRIPTION_MAX + 1] = {0};
	size_t size = crypt_description_encode(&d, data);
	assert_int_equal(crypt_description_decode(data, size, &e), 0);
	assert_memory_equal(&d, &e, sizeof(d));
	for (size_t cut = 0; cut < size; cut++)
		assert_int_equal(crypt_description_decode(data, cut, &e), -EBADMSG);
	assert_int_equal(crypt_description_decode(data, size + 1, &e), -EBADMSG);
	data[2] = CRYPT_UKAD_MAX + 1;
	assert_int_equal(crypt_description_decode(data, size, &e), -EBADMSG);
	data[2] = 5;
	data[0] = 1;
	assert_int_equal(crypt_description_decode(data, size, &e), -EBADMSG);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_vectors),
		cmocka_unit_test(test_description),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
