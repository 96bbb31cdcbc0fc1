/* SPDX-License-Identifier: MIT */
/*
 * The cut search with AVX2: the window hash of 32 positions at a time, eight in
 * a register. Twin of chunker_portable.c.
 */
#include "fs/chunk/chunker_kernel.h"

#if defined(__x86_64__)
#include <immintrin.h>

#define TARGET __attribute__((target("avx2")))
#define BLOCK  32u

static bool avx2_supported(void)
{
	return __builtin_cpu_supports("avx2");
}

TARGET static inline __m256i words_at(const uint8_t *p, uint32_t factor)
{
	__m256i words = _mm256_loadu_si256((const __m256i *)p);
	return _mm256_mullo_epi32(words, _mm256_set1_epi32((int)factor));
}

/* All ones in the lanes j where the window that ends at end + 4j is below the limit. */
TARGET static inline __m256i windows_below(const uint8_t *end, __m256i limit)
{
	__m256i near = _mm256_add_epi32(words_at(end - 4, CHUNKER_FACTOR),
					words_at(end - 8, CHUNKER_FACTOR * CHUNKER_STEP));
	__m256i far = _mm256_add_epi32(words_at(end - 12, CHUNKER_FACTOR * CHUNKER_STEP_2),
				       words_at(end - 16, CHUNKER_FACTOR * CHUNKER_STEP_3));
	return _mm256_cmpgt_epi32(limit, _mm256_add_epi32(near, far));
}

/* The first position of a block that has a hit. */
TARGET static size_t block_first(const __m256i below[4])
{
	unsigned first = BLOCK;
	for (unsigned residue = 0; residue < 4; residue++) {
		unsigned lanes = (unsigned)_mm256_movemask_ps(_mm256_castsi256_ps(below[residue]));
		if (!lanes)
			continue;
		unsigned position = 4 * (unsigned)__builtin_ctz(lanes) + residue;
		if (position < first)
			first = position;
	}
	return first;
}

TARGET static size_t avx2_find(const uint8_t *data, size_t from, size_t to, int32_t limit)
{
	const __m256i limits = _mm256_set1_epi32(limit);
	size_t end = from;
	/* The last window of a block ends 31 after the first, the loads at most there. */
	for (; end + BLOCK <= to; end += BLOCK) {
		__m256i below[4];
		for (unsigned residue = 0; residue < 4; residue++)
			below[residue] = windows_below(data + end + residue, limits);
		__m256i any = _mm256_or_si256(_mm256_or_si256(below[0], below[1]),
					      _mm256_or_si256(below[2], below[3]));
		if (__builtin_expect(!_mm256_testz_si256(any, any), 0))
			return end + block_first(below);
	}
	return chunker_kernel_portable.find(data, end, to, limit);
}

const struct chunker_kernel chunker_kernel_avx2 = {
	.name = "avx2",
	.supported = avx2_supported,
	.find = avx2_find,
};
#endif
