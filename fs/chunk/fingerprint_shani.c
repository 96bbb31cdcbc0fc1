/* SPDX-License-Identifier: MIT */
/*
 * SHA-256 (FIPS 180-4) with the SHA instructions of x86, two chunks at a time.
 *
 * Each pair of rounds waits for the result of the pair before it, so one message
 * leaves the unit idle most of the time. Two independent messages, their
 * instructions interleaved, fill the gaps.
 *
 * A lane works on one input: first on its whole blocks in place, then on the one
 * or two padded blocks of its tail; then it takes the next input. Both lanes
 * advance by the lesser of their block counts, so that inputs of any lengths mix.
 */
#include "fs/chunk/fingerprint_kernel.h"

#if defined(__x86_64__)
#include <immintrin.h>
#include <stdint.h>
#include <string.h>

#include "lib/base/assert.h"

#define TARGET	   __attribute__((target("sha,sse4.1,ssse3")))
#define LANES	   2
#define BLOCK_SIZE 64u

/* FIPS 180-4, 4.2.2. */
static const uint32_t round_constants[64] = {
	0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4,
	0xab1c5ed5, 0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe,
	0x9bdc06a7, 0xc19bf174, 0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f,
	0x4a7484aa, 0x5cb0a9dc, 0x76f988da, 0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7,
	0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967, 0x27b70a85, 0x2e1b2138, 0x4d2c6dfc,
	0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85, 0xa2bfe8a1, 0xa81a664b,
	0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070, 0x19a4c116,
	0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
	0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7,
	0xc67178f2,
};

/* FIPS 180-4, 5.3.3, in the order in which the instructions want them: the words
 * a b e f and c d g h, highest lane first. */
static const uint32_t initial_abef[4] = {0x9b05688c, 0x510e527f, 0xbb67ae85, 0x6a09e667};
static const uint32_t initial_cdgh[4] = {0x5be0cd19, 0x1f83d9ab, 0xa54ff53a, 0x3c6ef372};

struct lane {
	__m128i abef, cdgh;
	const uint8_t *next; /* blocks to do */
	size_t blocks;
	size_t tail_blocks; /* 0 once the tail is what is being done */
	struct fingerprint *out;
	uint8_t tail[2 * BLOCK_SIZE];
};

/* Runs `blocks` blocks of each of the lanes; `lanes` is a constant to the compiler. */
TARGET static inline __attribute__((always_inline)) void
lanes_compress(struct lane *const *lane, const unsigned lanes, size_t blocks)
{
	const __m128i swap = _mm_set_epi64x(0x0c0d0e0f08090a0b, 0x0405060700010203);
	__m128i abef[LANES], cdgh[LANES], message[LANES][4];
	for (unsigned l = 0; l < lanes; l++) {
		abef[l] = lane[l]->abef;
		cdgh[l] = lane[l]->cdgh;
	}
	for (size_t block = 0; block < blocks; block++) {
		for (unsigned l = 0; l < lanes; l++)
			for (unsigned i = 0; i < 4; i++) {
				const uint8_t *p = lane[l]->next + block * BLOCK_SIZE + 16 * i;
				__m128i words = _mm_loadu_si128((const __m128i *)p);
				message[l][i] = _mm_shuffle_epi8(words, swap);
			}
#pragma GCC unroll 16
		for (unsigned group = 0; group < 16; group++) {
			const __m128i k = _mm_loadu_si128(
				(const __m128i *)(round_constants + 4 * (size_t)group));
#pragma GCC unroll 2
			for (unsigned l = 0; l < lanes; l++) {
				__m128i *m = message[l];
				__m128i now = m[group % 4];
				__m128i wk = _mm_add_epi32(now, k);
				cdgh[l] = _mm_sha256rnds2_epu32(cdgh[l], abef[l], wk);
				wk = _mm_shuffle_epi32(wk, 0x0e);
				abef[l] = _mm_sha256rnds2_epu32(abef[l], cdgh[l], wk);
				if (group >= 12)
					continue;
				__m128i last = m[(group + 3) % 4];
				__m128i next = _mm_sha256msg1_epu32(now, m[(group + 1) % 4]);
				next = _mm_add_epi32(next,
						     _mm_alignr_epi8(last, m[(group + 2) % 4], 4));
				m[group % 4] = _mm_sha256msg2_epu32(next, last);
			}
		}
		for (unsigned l = 0; l < lanes; l++) {
			lane[l]->abef = abef[l] = _mm_add_epi32(abef[l], lane[l]->abef);
			lane[l]->cdgh = cdgh[l] = _mm_add_epi32(cdgh[l], lane[l]->cdgh);
		}
	}
	for (unsigned l = 0; l < lanes; l++) {
		lane[l]->next += blocks * BLOCK_SIZE;
		lane[l]->blocks -= blocks;
	}
}

TARGET static void lanes_run(struct lane *const *lane, unsigned lanes)
{
	if (lanes == 1) {
		lanes_compress(lane, 1, lane[0]->blocks);
		return;
	}
	size_t blocks = lane[0]->blocks < lane[1]->blocks ? lane[0]->blocks : lane[1]->blocks;
	lanes_compress(lane, LANES, blocks);
}

static void lane_begin(struct lane *lane, const struct fingerprint_input *input,
		       struct fingerprint *out)
{
	size_t rest = input->size % BLOCK_SIZE;
	uint64_t bits = __builtin_bswap64((uint64_t)input->size * 8);
	lane->abef = _mm_loadu_si128((const __m128i *)initial_abef);
	lane->cdgh = _mm_loadu_si128((const __m128i *)initial_cdgh);
	lane->next = input->data;
	lane->blocks = input->size / BLOCK_SIZE;
	lane->tail_blocks = rest < BLOCK_SIZE - 8 ? 1 : 2;
	lane->out = out;
	memset(lane->tail, 0, sizeof(lane->tail));
	if (rest)
		memcpy(lane->tail, lane->next + input->size - rest, rest);
	lane->tail[rest] = 0x80;
	memcpy(lane->tail + lane->tail_blocks * BLOCK_SIZE - 8, &bits, sizeof(bits));
}

static void lane_finish(const struct lane *lane)
{
	static const unsigned order[2][4] = {{5, 4, 1, 0}, {7, 6, 3, 2}};
	uint32_t words[2][4];
	memcpy(words[0], &lane->abef, sizeof(words[0]));
	memcpy(words[1], &lane->cdgh, sizeof(words[1]));
	for (unsigned half = 0; half < 2; half++)
		for (unsigned i = 0; i < 4; i++) {
			uint32_t word = __builtin_bswap32(words[half][i]);
			memcpy(lane->out->bytes + 4 * (size_t)order[half][i], &word, sizeof(word));
		}
}

/* Makes blocks to do for a lane that has none: its tail, else the next input. False at the end. */
static bool lane_refill(struct lane *lane, const struct fingerprint_input *inputs, size_t count,
			size_t *taken, struct fingerprint *out)
{
	while (lane->blocks == 0) {
		if (lane->tail_blocks) {
			lane->next = lane->tail;
			lane->blocks = lane->tail_blocks;
			lane->tail_blocks = 0;
			continue;
		}
		if (lane->out)
			lane_finish(lane);
		lane->out = NULL;
		if (*taken == count)
			return false;
		lane_begin(lane, &inputs[*taken], &out[*taken]);
		++*taken;
	}
	return true;
}

bool fingerprint_shani_supported(void)
{
	unsigned a, b, c, d;
	if (!__builtin_cpu_supports("ssse3") || !__builtin_cpu_supports("sse4.1"))
		return false;
	/* Leaf 7: EBX bit 29 is SHA; __builtin_cpu_supports() of older compilers lacks it. */
	__asm__("cpuid" : "=a"(a), "=b"(b), "=c"(c), "=d"(d) : "a"(0), "c"(0));
	if (a < 7)
		return false;
	__asm__("cpuid" : "=a"(a), "=b"(b), "=c"(c), "=d"(d) : "a"(7), "c"(0));
	return (b >> 29) & 1;
}

void fingerprint_shani_many(const struct fingerprint_input *inputs, size_t count,
			    struct fingerprint *out)
{
	struct lane lanes[LANES] = {0};
	size_t taken = 0;
	for (;;) {
		struct lane *busy[LANES];
		unsigned n = 0;
		for (unsigned l = 0; l < LANES; l++)
			if (lane_refill(&lanes[l], inputs, count, &taken, out))
				busy[n++] = &lanes[l];
		if (n == 0)
			break;
		lanes_run(busy, n);
	}
	ASSERT(taken == count);
}
#endif
