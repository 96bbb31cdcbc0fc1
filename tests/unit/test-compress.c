/* SPDX-License-Identifier: MIT */
/* Regions come back as they went in under every setting, never grow, and garbage is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <errno.h>
#include <cmocka.h>

#include "fs/chunk/compress.h"
#include "lib/base/fault.h"

#define REGION (256u << 10)

static const enum compression settings[] = {COMPRESSION_OFF, COMPRESSION_FAST, COMPRESSION_BALANCED,
					    COMPRESSION_BEST};
#define SETTINGS (sizeof(settings) / sizeof(*settings))

static uint64_t random_state;

static uint8_t random_byte(void)
{
	random_state = random_state * 6364136223846793005u + 1442695040888963407u;
	return (uint8_t)(random_state >> 56);
}

/* Noise in the given part of eighths, then words of a small alphabet. */
static void fill(uint8_t *data, size_t size, unsigned noise_eighths)
{
	for (size_t i = 0; i < size; i++) {
		uint8_t byte = random_byte();
		data[i] = i < size / 8 * noise_eighths ? byte : "granary "[byte & 7];
	}
}

static size_t check_round(struct compressor *c, enum compression compression, const uint8_t *in,
			  size_t size, enum codec *codec)
{
	/* Exactly the room that the contract asks for, so that a sanitizer sees more. */
	uint8_t *out = malloc(size ? size : 1);
	uint8_t *back = malloc(size ? size : 1);
	size_t stored = compressor_pack(c, compression, in, size, out, size, codec);
	assert_in_range(stored, 0, size);
	if (*codec == CODEC_RAW)
		assert_int_equal(stored, size);
	assert_int_equal(compressor_unpack(c, *codec, out, stored, back, size), 0);
	assert_memory_equal(back, in, size);
	free(out);
	free(back);
	return stored;
}

/* The settings take turns on one compressor, as streams with other settings do in a thread. */
static void test_regions_come_back(void **state)
{
	(void)state;
	static uint8_t data[REGION];
	static const size_t sizes[] = {0, 1, 7, 100, 4095, 65536, 200001, REGION};
	struct compressor *c = compressor_new();
	assert_non_null(c);
	random_state = 1;
	for (unsigned noise = 0; noise <= 8; noise += 2)
		for (size_t i = 0; i < sizeof(sizes) / sizeof(*sizes); i++)
			for (size_t s = 0; s < SETTINGS; s++) {
				enum codec codec;
				fill(data, sizes[i], noise);
				check_round(c, settings[s], data, sizes[i], &codec);
			}
	compressor_free(&c);
	assert_null(c);
	compressor_free(&c);
}

static void test_each_setting_has_its_codec(void **state)
{
	(void)state;
	static uint8_t data[REGION];
	static const enum codec expected[] = {CODEC_RAW, CODEC_LZ4, CODEC_ZSTD, CODEC_ZSTD};
	size_t stored[SETTINGS];
	struct compressor *c = compressor_new();
	random_state = 2;
	fill(data, REGION, 0);
	for (size_t s = 0; s < SETTINGS; s++) {
		enum codec codec;
		stored[s] = check_round(c, settings[s], data, REGION, &codec);
		assert_int_equal(codec, expected[s]);
	}
	assert_int_equal(stored[COMPRESSION_OFF], REGION);
	assert_in_range(stored[COMPRESSION_BALANCED], REGION / 4, REGION / 2);
	assert_in_range(stored[COMPRESSION_BEST], REGION / 4, REGION / 2);
	compressor_free(&c);
}

static void test_noise_is_stored_as_it_is(void **state)
{
	(void)state;
	static uint8_t data[REGION];
	struct compressor *c = compressor_new();
	random_state = 3;
	fill(data, REGION, 8);
	for (size_t s = 0; s < SETTINGS; s++) {
		enum codec codec;
		assert_int_equal(check_round(c, settings[s], data, REGION, &codec), REGION);
		assert_int_equal(codec, CODEC_RAW);
	}
	compressor_free(&c);
}

/* The probe must not lose what does shrink: half noise, in either half, and noise said twice. */
static void test_partly_noise_is_compressed(void **state)
{
	(void)state;
	static uint8_t data[REGION], turned[REGION];
	struct compressor *c = compressor_new();
	enum codec codec;
	random_state = 4;
	fill(data, REGION, 4);
	memcpy(turned, data + REGION / 2, REGION / 2);
	memcpy(turned + REGION / 2, data, REGION / 2);
	assert_in_range(check_round(c, COMPRESSION_BALANCED, data, REGION, &codec), 1,
			REGION * 3 / 4);
	assert_in_range(check_round(c, COMPRESSION_BALANCED, turned, REGION, &codec), 1,
			REGION * 3 / 4);
	for (size_t i = 0; i < REGION; i += 16384)
		memcpy(turned + i, data, 16384);
	assert_in_range(check_round(c, COMPRESSION_BALANCED, turned, REGION, &codec), 1,
			REGION / 4);
	compressor_free(&c);
}

/* The careful setting does not believe its samples alone. */
static void test_best_finds_what_samples_miss(void **state)
{
	(void)state;
	static uint8_t data[REGION];
	struct compressor *c = compressor_new();
	enum codec codec;
	random_state = 6;
	fill(data, REGION, 8);
	memset(data + REGION / 8, 'g', REGION / 4);
	assert_in_range(check_round(c, COMPRESSION_BEST, data, REGION, &codec), 1, REGION * 7 / 8);
	assert_int_equal(codec, CODEC_ZSTD);
	compressor_free(&c);
}

/* Without memory for a level's context the region is stored as it is. */
static void test_no_memory_stores_raw(void **state)
{
	(void)state;
	static uint8_t data[REGION];
	enum codec codec;
	random_state = 7;
	fill(data, REGION, 0);
	fault_set("mem:1+");
	assert_null(compressor_new());
	fault_set(NULL);
	struct compressor *c = compressor_new();
	assert_non_null(c);
	fault_set("mem:1+");
	assert_int_equal(check_round(c, COMPRESSION_BALANCED, data, REGION, &codec), REGION);
	assert_int_equal(codec, CODEC_RAW);
	assert_int_equal(check_round(c, COMPRESSION_BEST, data, REGION, &codec), REGION);
	fault_set(NULL);
	assert_in_range(check_round(c, COMPRESSION_BALANCED, data, REGION, &codec), 1, REGION / 2);
	compressor_free(&c);
}

static void test_garbage_is_refused(void **state)
{
	(void)state;
	static uint8_t data[REGION], out[REGION], back[REGION + 1];
	struct compressor *c = compressor_new();
	random_state = 5;
	fill(data, REGION, 0);
	for (size_t s = 0; s < SETTINGS; s++) {
		enum codec codec;
		size_t stored = compressor_pack(c, settings[s], data, REGION, out, REGION, &codec);
		assert_int_equal(compressor_unpack(c, codec, out, stored - 1, back, REGION),
				 -EBADMSG);
		assert_int_equal(compressor_unpack(c, codec, out, stored, back, REGION - 1),
				 -EBADMSG);
		assert_int_equal(compressor_unpack(c, codec, out, stored, back, REGION + 1),
				 -EBADMSG);
		assert_int_equal(compressor_unpack(c, codec, out, 0, back, REGION), -EBADMSG);
	}
	fill(out, REGION, 8);
	assert_int_equal(compressor_unpack(c, CODEC_ZSTD, out, 1000, back, 2000), -EBADMSG);
	assert_int_equal(compressor_unpack(c, (enum codec)3, out, 1000, back, 1000), -ENOTSUP);
	assert_int_equal(compressor_unpack(c, (enum codec)255, out, 1000, back, 1000), -ENOTSUP);
	/* And it works on after that. */
	enum codec codec;
	check_round(c, COMPRESSION_BALANCED, data, REGION, &codec);
	compressor_free(&c);
}

static void test_names_are_parsed(void **state)
{
	(void)state;
	enum compression compression = COMPRESSION_OFF;
	for (size_t s = 0; s < SETTINGS; s++) {
		assert_int_equal(compression_parse(compression_name(settings[s]), &compression), 0);
		assert_int_equal(compression, settings[s]);
	}
	assert_int_equal(compression_parse("zstd", &compression), -EINVAL);
	assert_int_equal(compression_parse("", &compression), -EINVAL);
	assert_int_equal(compression, COMPRESSION_BEST);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_regions_come_back),
		cmocka_unit_test(test_each_setting_has_its_codec),
		cmocka_unit_test(test_noise_is_stored_as_it_is),
		cmocka_unit_test(test_partly_noise_is_compressed),
		cmocka_unit_test(test_best_finds_what_samples_miss),
		cmocka_unit_test(test_no_memory_stores_raw),
		cmocka_unit_test(test_garbage_is_refused),
		cmocka_unit_test(test_names_are_parsed),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
