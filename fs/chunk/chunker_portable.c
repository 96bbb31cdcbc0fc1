/* SPDX-License-Identifier: MIT */
/*
 * The cut search in plain C: the reference of the vector kernels.
 *
 * The window hash is a polynomial in the four words of the window, so it rolls:
 * hash(e) follows from hash(e - 4), and the four residues of e modulo 4 are four
 * independent chains that the processor works on at the same time.
 */
#include "fs/chunk/chunker_kernel.h"

#include <string.h>

static inline uint32_t word_at(const uint8_t *p)
{
	uint32_t word;
	memcpy(&word, p, sizeof(word));
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
	word = __builtin_bswap32(word);
#endif
	return word;
}

/* The hash of the 16 bytes before `end`. */
static uint32_t window_hash(const uint8_t *end)
{
	return CHUNKER_FACTOR *
	       (word_at(end - 4) + CHUNKER_STEP * word_at(end - 8) +
		CHUNKER_STEP_2 * word_at(end - 12) + CHUNKER_STEP_3 * word_at(end - 16));
}

static inline uint32_t window_roll(uint32_t four_before, const uint8_t *end)
{
	uint32_t change = word_at(end - 4) - CHUNKER_STEP_4 * word_at(end - 20);
	return CHUNKER_FACTOR * change + CHUNKER_STEP * four_before;
}

static bool portable_supported(void)
{
	return true;
}

static size_t portable_find(const uint8_t *data, size_t from, size_t to, int32_t limit)
{
	if (from >= to)
		return to;
	uint32_t h0 = window_hash(data + from - 4);
	uint32_t h1 = window_hash(data + from - 3);
	uint32_t h2 = window_hash(data + from - 2);
	uint32_t h3 = window_hash(data + from - 1);
	size_t end = from;
	for (; end + 4 <= to; end += 4) {
		h0 = window_roll(h0, data + end);
		h1 = window_roll(h1, data + end + 1);
		h2 = window_roll(h2, data + end + 2);
		h3 = window_roll(h3, data + end + 3);
		bool hit = ((int32_t)h0 < limit) | ((int32_t)h1 < limit) | ((int32_t)h2 < limit) |
			   ((int32_t)h3 < limit);
		if (__builtin_expect(hit, 0))
			break;
	}
	for (; end < to; end++)
		if ((int32_t)window_hash(data + end) < limit)
			return end;
	return to;
}

const struct chunker_kernel chunker_kernel_portable = {
	.name = "portable",
	.supported = portable_supported,
	.find = portable_find,
};
