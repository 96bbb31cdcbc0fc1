/* SPDX-License-Identifier: MIT */
/*
 * The cut search with AVX-512: the window hash of 64 positions at a time,
 * sixteen in a register. Twin of chunker_portable.c.
 *
 * Register r of a block holds the words that end at positions r, r + 4, r + 8 ...,
 * so the word four bytes earlier is the lane before, and the half hash of
 * eight bytes earlier is two lanes before: both come out of this block's
 * register and the previous block's by one shift across lanes.
 */
#include "fs/chunk/chunker_kernel.h"

#if defined(__x86_64__)
#include <immintrin.h>

#define TARGET __attribute__((target("avx512f,avx512bw,avx512dq,avx512vl")))
#define BLOCK  64u

/* What the next block needs of this one, by residue. */
struct carry {
	__m512i words;
	__m512i halves; /* word + STEP * the word before it */
};

static bool avx512_supported(void)
{
	return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
	       __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl");
}

/* Hashes (without the last factor) of the windows that end at end + 4j. */
TARGET static inline __m512i windows_sum(const uint8_t *end, struct carry *carry)
{
	__m512i words = _mm512_loadu_si512(end - 4);
	__m512i before = _mm512_alignr_epi32(words, carry->words, 15);
	__m512i halves = _mm512_add_epi32(
		words, _mm512_mullo_epi32(before, _mm512_set1_epi32((int)CHUNKER_STEP)));
	__m512i far = _mm512_alignr_epi32(halves, carry->halves, 14);
	carry->words = words;
	carry->halves = halves;
	return _mm512_add_epi32(halves,
				_mm512_mullo_epi32(far, _mm512_set1_epi32((int)CHUNKER_STEP_2)));
}

TARGET static inline __mmask16 windows_below(const uint8_t *end, struct carry *carry, __m512i limit)
{
	__m512i hash =
		_mm512_mullo_epi32(windows_sum(end, carry), _mm512_set1_epi32((int)CHUNKER_FACTOR));
	return _mm512_cmplt_epi32_mask(hash, limit);
}

/* The first position of a block that has a hit. */
static size_t block_first(const uint32_t lanes[4])
{
	unsigned first = BLOCK;
	for (unsigned residue = 0; residue < 4; residue++) {
		if (!lanes[residue])
			continue;
		unsigned position = 4 * (unsigned)__builtin_ctz(lanes[residue]) + residue;
		if (position < first)
			first = position;
	}
	return first;
}

TARGET static size_t avx512_find(const uint8_t *data, size_t from, size_t to, int32_t limit)
{
	const __m512i limits = _mm512_set1_epi32(limit);
	struct carry carry[4] = {0};
	size_t end = from;
	if (end + BLOCK <= to)
		for (unsigned residue = 0; residue < 4; residue++)
			windows_sum(data + end - BLOCK + residue, &carry[residue]);
	for (; end + BLOCK <= to; end += BLOCK) {
		__mmask16 m0 = windows_below(data + end, &carry[0], limits);
		__mmask16 m1 = windows_below(data + end + 1, &carry[1], limits);
		__mmask16 m2 = windows_below(data + end + 2, &carry[2], limits);
		__mmask16 m3 = windows_below(data + end + 3, &carry[3], limits);
		uint32_t any = (uint32_t)m0 | m1 | m2 | m3;
		if (__builtin_expect(any != 0, 0))
			return end + block_first((const uint32_t[4]){m0, m1, m2, m3});
	}
	return chunker_kernel_portable.find(data, end, to, limit);
}

const struct chunker_kernel chunker_kernel_avx512 = {
	.name = "avx512",
	.supported = avx512_supported,
	.find = avx512_find,
};
#endif
