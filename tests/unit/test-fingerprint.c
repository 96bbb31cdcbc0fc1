/* SPDX-License-Identifier: MIT */
/* Every fingerprint kernel gives the published SHA-256 digests, and OpenSSL's for any length and
 * mix. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <errno.h>
#include <openssl/evp.h>
#include <pthread.h>
#include <cmocka.h>

#include "fs/chunk/fingerprint.h"

#define MILLION 1000000u
#define LONGEST 70000u

/* The examples that NIST publishes with FIPS 180-4, and the empty message. */
static const struct {
	const char *message;
	const char *digest;
} published[] = {
	{"", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
	{"abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},
	{"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
	 "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"},
	{"abcdefghbcdefghicdefghijdefghijkefghijklfghijklmghijklmn"
	 "hijklmnoijklmnopjklmnopqklmnopqrlmnopqrsmnopqrstnopqrstu",
	 "cf5b16a778af8380036ce59e7b0492370b249b11e8f07a51afac45037afee9d1"},
};
static const char million_a[] = "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0";

static void start_kernel(const char *cpu)
{
	if (cpu)
		assert_int_equal(setenv("GRANARY_CPU", cpu, 1), 0);
	else
		assert_int_equal(unsetenv("GRANARY_CPU"), 0);
	assert_int_equal(fingerprint_start(FINGERPRINT_SHA256), 0);
}

static void assert_digest(const struct fingerprint *got, const char *expected)
{
	char hex[2 * FINGERPRINT_SIZE + 1];
	for (unsigned i = 0; i < FINGERPRINT_SIZE; i++)
		snprintf(hex + 2 * (size_t)i, 3, "%02x", got->bytes[i]);
	assert_string_equal(hex, expected);
}

static void check_published(const char *cpu)
{
	enum { COUNT = sizeof(published) / sizeof(*published) };
	struct fingerprint_input inputs[COUNT + 1];
	struct fingerprint out[COUNT + 1];
	char *million = malloc(MILLION);
	assert_non_null(million);
	memset(million, 'a', MILLION);
	for (unsigned i = 0; i < COUNT; i++) {
		inputs[i].data = published[i].message;
		inputs[i].size = strlen(published[i].message);
	}
	inputs[COUNT] = (struct fingerprint_input){million, MILLION};
	start_kernel(cpu);
	assert_int_equal(fingerprint_many(inputs, COUNT + 1, out), 0);
	for (unsigned i = 0; i < COUNT; i++)
		assert_digest(&out[i], published[i].digest);
	assert_digest(&out[COUNT], million_a);
	/* One by one, so that every input has been in the first lane and alone. */
	for (unsigned i = 0; i < COUNT; i++) {
		assert_int_equal(fingerprint_many(&inputs[i], 1, out), 0);
		assert_digest(&out[0], published[i].digest);
	}
	assert_int_equal(fingerprint_many(NULL, 0, NULL), 0);
	free(million);
}

static void test_portable_gives_published_digests(void **state)
{
	(void)state;
	check_published("portable");
	assert_string_equal(fingerprint_kernel(), "openssl");
}

static void test_best_gives_published_digests(void **state)
{
	(void)state;
	check_published(NULL);
}

/* Batches of all sizes and lengths against the one-shot digest of the library. */
static void test_batches_agree_with_the_library(void **state)
{
	(void)state;
	static uint8_t data[LONGEST];
	struct fingerprint_input inputs[40];
	struct fingerprint out[40];
	unsigned seed = 7;
	start_kernel(NULL);
	for (size_t i = 0; i < sizeof(data); i++)
		data[i] = (uint8_t)(i * 2654435761u >> 13);
	for (unsigned round = 0; round < 60; round++) {
		size_t count = round % 40;
		for (size_t i = 0; i < count; i++) {
			size_t limit = round % 3 ? 300 : LONGEST;
			size_t from = (size_t)rand_r(&seed) % limit;
			inputs[i].data = data + from;
			inputs[i].size = (size_t)rand_r(&seed) % (limit - from);
		}
		assert_int_equal(fingerprint_many(inputs, count, out), 0);
		for (size_t i = 0; i < count; i++) {
			uint8_t expected[FINGERPRINT_SIZE];
			assert_int_equal(EVP_Digest(inputs[i].data, inputs[i].size, expected, NULL,
						    EVP_sha256(), NULL),
					 1);
			assert_memory_equal(out[i].bytes, expected, FINGERPRINT_SIZE);
		}
	}
	/* Every length around the padding's edges, read from memory of that very size. */
	for (size_t size = 0; size < 200; size++) {
		uint8_t *copy = malloc(size ? size : 1);
		uint8_t expected[FINGERPRINT_SIZE];
		memcpy(copy, data, size);
		inputs[0] = inputs[1] = (struct fingerprint_input){copy, size};
		assert_int_equal(fingerprint_many(inputs, 2, out), 0);
		assert_int_equal(EVP_Digest(copy, size, expected, NULL, EVP_sha256(), NULL), 1);
		assert_memory_equal(out[0].bytes, expected, FINGERPRINT_SIZE);
		assert_memory_equal(out[1].bytes, expected, FINGERPRINT_SIZE);
		free(copy);
	}
}

static void *thread_digests(void *result)
{
	struct fingerprint_input input = {"abc", 3};
	struct fingerprint out;
	for (unsigned i = 0; i < 200; i++)
		if (fingerprint_many(&input, 1, &out) != 0 || out.bytes[0] != 0xba ||
		    out.bytes[31] != 0xad)
			*(int *)result = 1;
	return NULL;
}

static void test_threads_have_contexts_of_their_own(void **state)
{
	(void)state;
	pthread_t threads[4];
	int failed[4] = {0};
	start_kernel("portable");
	for (unsigned i = 0; i < 4; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, thread_digests, &failed[i]), 0);
	for (unsigned i = 0; i < 4; i++) {
		assert_int_equal(pthread_join(threads[i], NULL), 0);
		assert_int_equal(failed[i], 0);
	}
}

static void test_unknown_algorithms_are_refused(void **state)
{
	(void)state;
	assert_int_equal(fingerprint_start((enum fingerprint_algorithm)0), -ENOTSUP);
	assert_int_equal(fingerprint_start((enum fingerprint_algorithm)2), -ENOTSUP);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_portable_gives_published_digests),
		cmocka_unit_test(test_best_gives_published_digests),
		cmocka_unit_test(test_batches_agree_with_the_library),
		cmocka_unit_test(test_threads_have_contexts_of_their_own),
		cmocka_unit_test(test_unknown_algorithms_are_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
