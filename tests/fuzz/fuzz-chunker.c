/* SPDX-License-Identifier: MIT */
/* Any bytes: the pieces cover everything, all kernels agree, and portions give the same cuts. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "fs/chunk/chunker.h"
#include "lib/base/assert.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define PIECES_MAX 8192
#define SIZE_LIMIT (1u << 22)

static const char *const kernels[] = {"portable", "avx2", "avx512"};
#define KERNELS (sizeof(kernels) / sizeof(*kernels))

static struct chunker *chunker_for(size_t kernel)
{
	static struct chunker *chunkers[KERNELS];
	if (!chunkers[kernel]) {
		ASSERT(setenv("GRANARY_CPU", kernels[kernel], 1) == 0);
		chunkers[kernel] = chunker_new(CHUNKER_AVERAGE_MIN);
		ASSERT(chunkers[kernel] != NULL);
	}
	return chunkers[kernel];
}

/* Splits what is handed over in portions; holes in parts are joined. Returns the pieces. */
static size_t split(const struct chunker *chunker, const uint8_t *data, size_t size, size_t portion,
		    struct piece *pieces)
{
	size_t count = 0, start = 0, have = 0;
	while (start < size) {
		struct piece some[16];
		size_t used = 0;
		have = have + portion < size - start ? have + portion : size - start;
		size_t n = chunker_split(chunker, data + start, have, start + have == size, some,
					 16, &used);
		ASSERT(n <= 16 && used <= have);
		for (size_t i = 0; i < n; i++) {
			ASSERT(some[i].length != 0);
			if (count && some[i].kind == PIECE_HOLE &&
			    pieces[count - 1].kind == PIECE_HOLE) {
				pieces[count - 1].length += some[i].length;
				continue;
			}
			ASSERT(count < PIECES_MAX);
			pieces[count++] = some[i];
		}
		start += used;
		have -= used;
	}
	return count;
}

static void check_pieces(const uint8_t *data, size_t size, const struct piece *pieces, size_t count)
{
	size_t at = 0;
	for (size_t i = 0; i < count; i++) {
		ASSERT(pieces[i].length <= size - at);
		bool zero = chunker_all_zero(data + at, pieces[i].length);
		ASSERT(pieces[i].kind != PIECE_HOLE || zero);
		ASSERT(pieces[i].kind == PIECE_HOLE || !zero ||
		       pieces[i].length < CHUNKER_ZERO_RUN);
		ASSERT(pieces[i].kind == PIECE_HOLE || pieces[i].length <= 8 * CHUNKER_AVERAGE_MIN);
		at += pieces[i].length;
	}
	ASSERT(at == size);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct piece expected[PIECES_MAX], got[PIECES_MAX];
	if (size > SIZE_LIMIT)
		size = SIZE_LIMIT;
	size_t want = split(chunker_for(0), data, size, size, expected);
	check_pieces(data, size, expected, want);
	for (size_t k = 0; k < KERNELS; k++) {
		for (unsigned pass = 0; pass < 2; pass++) {
			size_t portion = pass ? 512 + (size ? data[size / 2] : 0) * 97 : size;
			size_t n = split(chunker_for(k), data, size, portion, got);
			ASSERT(n == want);
			for (size_t i = 0; i < n; i++)
				ASSERT(got[i].length == expected[i].length &&
				       got[i].kind == expected[i].kind);
		}
	}
	return 0;
}
