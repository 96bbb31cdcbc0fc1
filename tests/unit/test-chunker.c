/* SPDX-License-Identifier: MIT */
/*
 * The chunker's cuts follow the rule that chunker.c states, whatever kernel the
 * processor has and however the bytes are handed over.
 *
 * The rule is written down here a second time, in the plainest way, as the
 * reference; and the cuts of one input are pinned, because they are part of the
 * on-disk format.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "fs/chunk/chunker.h"

#define INPUT_SIZE (3u << 20)
#define PIECES_MAX (1u << 14)

static const char *const kernels[] = {"portable", "avx2", "avx512"};

static uint64_t random_state;

static uint64_t random_next(void)
{
	uint64_t z = random_state += 0x9E3779B97F4A7C15u;
	z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
	z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
	return z ^ (z >> 31);
}

static void fill_random(uint8_t *data, size_t size)
{
	for (size_t i = 0; i < size; i++)
		data[i] = (uint8_t)random_next();
}

/* Stretches of everything that real data has: noise, few symbols, records, zero runs of
 * lengths around the limit, runs of other bytes. */
static void fill_mixed(uint8_t *data, size_t size)
{
	size_t at = 0;
	while (at < size) {
		size_t length = 1 + random_next() % 20000;
		unsigned kind = random_next() % 6;
		if (kind == 0)
			length = CHUNKER_ZERO_RUN - 2 + random_next() % 5;
		if (length > size - at)
			length = size - at;
		unsigned period = 1 + random_next() % 100;
		for (size_t i = 0; i < length; i++) {
			uint8_t byte = (uint8_t)random_next();
			if (kind <= 1)
				byte = 0;
			else if (kind == 2)
				byte &= 1;
			else if (kind == 3)
				byte = i < period ? byte : data[at + i - period];
			else if (kind == 4)
				byte = 0xff;
			data[at + i] = byte;
		}
		at += length;
	}
}

static struct chunker *chunker_for(const char *kernel, uint32_t average)
{
	assert_int_equal(setenv("GRANARY_CPU", kernel, 1), 0);
	struct chunker *chunker = chunker_new(average);
	assert_int_equal(unsetenv("GRANARY_CPU"), 0);
	assert_non_null(chunker);
	return chunker;
}

static uint32_t reference_word(const uint8_t *p)
{
	return p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

static bool reference_below(const uint8_t *end, uint64_t threshold)
{
	const uint32_t k = 0x6A09E667;
	uint32_t hash = reference_word(end - 4) + k * reference_word(end - 8) +
			k * k * reference_word(end - 12) + k * k * k * reference_word(end - 16);
	return (int64_t)(int32_t)(hash * 0x9E3779B9u) < INT32_MIN + (int64_t)threshold;
}

static size_t reference_zeros(const uint8_t *data, size_t size)
{
	size_t zeros = 0;
	while (zeros < size && data[zeros] == 0)
		zeros++;
	return zeros;
}

static struct piece reference_piece(const uint8_t *data, size_t size, size_t average)
{
	size_t zeros = reference_zeros(data, size);
	if (zeros >= CHUNKER_ZERO_RUN)
		return (struct piece){.length = (uint32_t)zeros, .kind = PIECE_HOLE};
	size_t end = average / 4;
	while (end < size && end < 8 * average &&
	       !reference_below(data + end,
				end < average ? (1ull << 30) / average : (1ull << 34) / average))
		end++;
	if (end > size)
		end = size;
	for (size_t i = 1; i < end; i++) {
		size_t run = data[i] ? 0 : reference_zeros(data + i, size - i);
		if (run >= CHUNKER_ZERO_RUN)
			return (struct piece){.length = (uint32_t)i};
		i += run;
	}
	return (struct piece){.length = (uint32_t)end};
}

static size_t reference_split(const uint8_t *data, size_t size, size_t average,
			      struct piece *pieces)
{
	size_t count = 0;
	for (size_t at = 0; at < size; at += pieces[count++].length) {
		assert_in_range(count, 0, PIECES_MAX - 1);
		pieces[count] = reference_piece(data + at, size - at, average);
	}
	return count;
}

/* Adds pieces to a list; the parts of one hole become one. */
static size_t pieces_join(struct piece *all, size_t count, const struct piece *more, size_t number)
{
	for (size_t i = 0; i < number; i++) {
		assert_int_not_equal(more[i].length, 0);
		if (count && more[i].kind == PIECE_HOLE && all[count - 1].kind == PIECE_HOLE) {
			all[count - 1].length += more[i].length;
			continue;
		}
		assert_in_range(count, 0, PIECES_MAX - 1);
		all[count++] = more[i];
	}
	return count;
}

/* Hands the data over in random portions, with random room for pieces. Each window is copied
 * to memory of its own size, so that a sanitizer sees a read past its end. */
static size_t split_in_portions(const struct chunker *chunker, const uint8_t *data, size_t size,
				struct piece *all)
{
	struct piece some[64];
	size_t count = 0, start = 0, have = 0;
	while (start < size) {
		have += random_next() % (random_next() % 4 ? 5000 : 400000);
		if (have > size - start)
			have = size - start;
		bool final = start + have == size;
		size_t room = 1 + random_next() % 64;
		uint8_t *window = malloc(have ? have : 1);
		memcpy(window, data + start, have);
		size_t used = 0;
		size_t n = chunker_split(chunker, window, have, final, some, room, &used);
		free(window);
		assert_in_range(n, 0, room);
		if (n < room)
			assert_in_range(have - used, 0,
					final ? 0
					      : chunker_largest(chunker) + CHUNKER_ZERO_RUN - 1);
		count = pieces_join(all, count, some, n);
		start += used;
		have -= used;
	}
	return count;
}

static void assert_same_pieces(const struct piece *a, size_t a_count, const struct piece *b,
			       size_t b_count)
{
	for (size_t i = 0; i < a_count && i < b_count; i++) {
		assert_int_equal(a[i].kind, b[i].kind);
		assert_int_equal(a[i].length, b[i].length);
	}
	assert_int_equal(a_count, b_count);
}

static void check_input(const uint8_t *data, size_t size, uint32_t average)
{
	static struct piece expected[PIECES_MAX], got[PIECES_MAX], joined[PIECES_MAX];
	size_t want = reference_split(data, size, average, expected);
	for (size_t k = 0; k < sizeof(kernels) / sizeof(*kernels); k++) {
		struct chunker *chunker = chunker_for(kernels[k], average);
		size_t used = 0;
		size_t n = chunker_split(chunker, data, size, true, got, PIECES_MAX, &used);
		assert_int_equal(used, size);
		n = pieces_join(joined, 0, got, n);
		assert_same_pieces(joined, n, expected, want);
		n = split_in_portions(chunker, data, size, joined);
		assert_same_pieces(joined, n, expected, want);
		chunker_free(&chunker);
		assert_null(chunker);
	}
}

static void test_cuts_follow_the_rule(void **state)
{
	(void)state;
	static uint8_t data[INPUT_SIZE];
	random_state = 1;
	fill_random(data, sizeof(data) / 4);
	check_input(data, sizeof(data) / 4, 8192);
	for (unsigned round = 0; round < 6; round++) {
		fill_mixed(data, sizeof(data) / 4);
		check_input(data, sizeof(data) / 4, 4096u << round % 3);
	}
	fill_random(data, sizeof(data));
	check_input(data, sizeof(data), CHUNKER_AVERAGE_MAX);
}

static void test_edges_follow_the_rule(void **state)
{
	(void)state;
	static uint8_t data[160000];
	random_state = 2;
	for (unsigned i = 0; i < 300; i++) {
		size_t size = random_next() % 12000;
		fill_mixed(data, size);
		check_input(data, size, 4096);
	}
	/* A zero run of each length around the limit, at each alignment to the probes. */
	for (unsigned i = 0; i < 60; i++) {
		size_t start = random_next() % 30000;
		fill_random(data, sizeof(data) / 2);
		memset(data + start, 0, CHUNKER_ZERO_RUN - 1 + i % 3);
		check_input(data, sizeof(data) / 2, 8192);
	}
	memset(data, 0, sizeof(data));
	for (size_t size = 0; size < 20000; size += 1365)
		check_input(data, size, 4096);
	memset(data, 'x', sizeof(data));
	check_input(data, sizeof(data), 4096);
}

/* These cuts are on disk: a change of them is a new algorithm id. */
static void test_cuts_of_one_input_are_pinned(void **state)
{
	(void)state;
	static uint8_t data[INPUT_SIZE];
	static struct piece pieces[PIECES_MAX];
	static const uint32_t pinned[] = {
		8953,  8287,  10815, 9898, 9266, 11245, 8650,  12233,
		17903, 10692, 9592,  3866, 8316, 17741, 12128, 10037,
	};
	random_state = 42;
	fill_random(data, sizeof(data));
	struct chunker *chunker = chunker_new(CHUNKER_AVERAGE_DEFAULT);
	size_t used = 0;
	size_t n = chunker_split(chunker, data, sizeof(data), true, pieces, PIECES_MAX, &used);
	for (size_t i = 0; i < sizeof(pinned) / sizeof(*pinned); i++)
		assert_int_equal(pieces[i].length, pinned[i]);
	assert_int_equal(n, 342);
	assert_int_equal(pieces[n - 1].length, 8623);
	chunker_free(&chunker);
}

/* An insertion at the front moves cuts but soon finds the old ones again. */
static void test_cuts_survive_an_insertion(void **state)
{
	(void)state;
	static uint8_t data[INPUT_SIZE + 1];
	static struct piece before[PIECES_MAX], after[PIECES_MAX];
	random_state = 3;
	fill_random(data, sizeof(data));
	struct chunker *chunker = chunker_new(CHUNKER_AVERAGE_DEFAULT);
	size_t used = 0;
	size_t n = chunker_split(chunker, data + 1, INPUT_SIZE, true, before, PIECES_MAX, &used);
	size_t m = chunker_split(chunker, data, INPUT_SIZE + 1, true, after, PIECES_MAX, &used);
	assert_in_range(n, INPUT_SIZE / 16384, INPUT_SIZE / 4096);
	size_t same = 0;
	while (same < n && same < m && before[n - 1 - same].length == after[m - 1 - same].length)
		same++;
	assert_in_range(n - same, 0, 20);
	chunker_free(&chunker);
}

static void test_parameters_are_checked(void **state)
{
	(void)state;
	static const uint32_t bad[] = {0, 1, 2048, 5000, 8191, 2u << 20, UINT32_MAX};
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		assert_null(chunker_new(bad[i]));
	struct chunker *chunker = chunker_for("portable", 4096);
	assert_string_equal(chunker_kernel(chunker), "portable");
	assert_int_equal(chunker_largest(chunker), 32768);
	chunker_free(&chunker);
	chunker_free(&chunker);
}

static void test_fixed_pieces_end_at_multiples(void **state)
{
	(void)state;
	static uint8_t data[40000];
	struct piece pieces[16];
	size_t used = 0;
	memset(data, 1, sizeof(data));
	/* Offset 1000 of the file: the first block's rest, then 4096 of zeros, then data. */
	memset(data + 3096, 0, 4096);
	size_t n =
		chunker_split_fixed(4096, 1000, data, 3096 + 4096 + 100, false, pieces, 16, &used);
	assert_int_equal(n, 2);
	assert_int_equal(used, 3096 + 4096);
	assert_int_equal(pieces[0].length, 3096);
	assert_int_equal(pieces[0].kind, PIECE_DATA);
	assert_int_equal(pieces[1].length, 4096);
	assert_int_equal(pieces[1].kind, PIECE_HOLE);
	n = chunker_split_fixed(4096, 8192, data + used, 100, true, pieces, 16, &used);
	assert_int_equal(n, 1);
	assert_int_equal(used, 100);
	assert_int_equal(pieces[0].length, 100);
	n = chunker_split_fixed(4096, 0, data, sizeof(data), true, pieces, 3, &used);
	assert_int_equal(n, 3);
	assert_int_equal(used, 3 * 4096);
	n = chunker_split_fixed(4096, 0, data, 0, true, pieces, 3, &used);
	assert_int_equal(n, 0);
	assert_int_equal(used, 0);
}

static void test_all_zero_sees_every_byte(void **state)
{
	(void)state;
	static uint8_t data[300];
	assert_true(chunker_all_zero(data, 0));
	for (size_t size = 1; size <= sizeof(data); size++) {
		assert_true(chunker_all_zero(data, size));
		data[size - 1] = 1;
		assert_false(chunker_all_zero(data, size));
		data[size - 1] = 0;
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_cuts_follow_the_rule),
		cmocka_unit_test(test_edges_follow_the_rule),
		cmocka_unit_test(test_cuts_of_one_input_are_pinned),
		cmocka_unit_test(test_cuts_survive_an_insertion),
		cmocka_unit_test(test_parameters_are_checked),
		cmocka_unit_test(test_fixed_pieces_end_at_multiples),
		cmocka_unit_test(test_all_zero_sees_every_byte),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
