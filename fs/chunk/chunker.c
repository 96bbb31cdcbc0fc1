/* SPDX-License-Identifier: MIT */
/*
 * Content-defined chunking, algorithm id 1. The rule, which is part of the
 * on-disk format (all arithmetic modulo 2^32):
 *
 *   w(i)    the little-endian 32-bit word of the bytes i .. i+3
 *   hash(e) F * (w(e-4) + K*w(e-8) + K^2*w(e-12) + K^3*w(e-16)), F = 0x9E3779B9, K = 0x6A09E667:
 *           a hash of the 16 bytes before position e
 *   below(e, T)  hash(e), read as a signed number, is less than -2^31 + T
 *
 *   Let A be the average, positions count from the start of the piece, n the bytes to the end:
 *   1. If the piece starts with at least 4096 zero bytes, it is a hole: the whole run of zeros.
 *   2. The content end is the first that holds of
 *        the least e in [A/4, A)  with below(e, 2^30/A)       (a quarter as likely as 1/A)
 *        the least e in [A, 8*A)  with below(e, 2^34/A)       (four times as likely)
 *        8*A
 *      and n where n comes before that.
 *   3. The piece ends at the start of the first run of at least 4096 zero bytes that begins
 *      before the content end, else at the content end.
 *
 * So a cut depends on the bytes from the piece's start on and nothing else. The window is short
 * on purpose: with 16 bytes fewer cuts are lost to a change near by than with the 32 to 64 of the
 * usual rolling hashes; with less than that repeating records decide too much. Five kernel packages
 * take 335 MB in 131,000 chunks; gear with the masks of FastCDC takes 340 MB in 135,000, or 348 MB
 * in 125,000. A window of equal bytes (any value) is never below a threshold, so such runs give
 * few, equal chunks of 8*A.
 *
 * A hole may be handed out in several pieces; only their sum follows from the rule.
 */
#include "fs/chunk/chunker.h"

#include <stdlib.h>
#include <string.h>

#include "fs/chunk/chunker_kernel.h"
#include "lib/base/assert.h"
#include "lib/base/mem.h"

#define CHUNKER_MAGIC 0x43484e4bu
#define HOLE_LARGEST  (1u << 30)
/* A run of CHUNKER_ZERO_RUN zeros covers a probe of eight bytes wherever it begins. */
#define PROBE_STRIDE (CHUNKER_ZERO_RUN / 2)
#define PROBE_SIZE   8u

struct chunker {
	uint32_t magic;
	size_t smallest, average, largest;
	int32_t strict, loose;
	const struct chunker_kernel *kernel;
};

/* Best last. */
static const struct chunker_kernel *const kernels[] = {
	&chunker_kernel_portable,
#if defined(__x86_64__)
	&chunker_kernel_avx2,
	&chunker_kernel_avx512,
#endif
};

static const struct chunker_kernel *kernel_choose(void)
{
	const char *most = getenv("GRANARY_CPU");
	const struct chunker_kernel *best = &chunker_kernel_portable;
	for (size_t i = 0; i < sizeof(kernels) / sizeof(*kernels); i++) {
		if (kernels[i]->supported())
			best = kernels[i];
		if (most && strcmp(most, kernels[i]->name) == 0)
			break;
	}
	return best;
}

struct chunker *chunker_new(uint32_t average)
{
	if (average < CHUNKER_AVERAGE_MIN || average > CHUNKER_AVERAGE_MAX ||
	    (average & (average - 1)) != 0)
		return NULL;
	struct chunker *chunker = mem_try_alloc(1, sizeof(*chunker));
	if (!chunker)
		return NULL;
	*chunker = (struct chunker){
		.magic = CHUNKER_MAGIC,
		.smallest = average / 4,
		.average = average,
		.largest = (size_t)average * 8,
		.strict = (int32_t)(INT32_MIN + (int64_t)((1ull << 30) / average)),
		.loose = (int32_t)(INT32_MIN + (int64_t)((1ull << 34) / average)),
		.kernel = kernel_choose(),
	};
	return chunker;
}

void chunker_free(struct chunker **chunker)
{
	if (!*chunker)
		return;
	ASSERT_OBJECT(*chunker, CHUNKER_MAGIC);
	(*chunker)->magic = 0;
	free(*chunker);
	*chunker = NULL;
}

uint32_t chunker_largest(const struct chunker *chunker)
{
	ASSERT_OBJECT(chunker, CHUNKER_MAGIC);
	return (uint32_t)chunker->largest;
}

const char *chunker_kernel(const struct chunker *chunker)
{
	ASSERT_OBJECT(chunker, CHUNKER_MAGIC);
	return chunker->kernel->name;
}

/* How many zero bytes data[0..size) starts with. */
static size_t zeros_leading(const uint8_t *data, size_t size)
{
	size_t run = 0;
	while (size - run >= 256 && chunker_all_zero(data + run, 256))
		run += 256;
	while (run < size && data[run] == 0)
		run++;
	return run;
}

/* How many zero bytes data[0..size) ends with. */
static size_t zeros_trailing(const uint8_t *data, size_t size)
{
	size_t run = 0;
	while (size - run >= 256 && chunker_all_zero(data + size - run - 256, 256))
		run += 256;
	while (run < size && data[size - run - 1] == 0)
		run++;
	return run;
}

/* The start, before `end`, of the first run of zeros that is a hole, else `end`. The run
 * that data itself may start with is known to be shorter. */
static size_t hole_before(const uint8_t *data, size_t size, size_t end)
{
	size_t probe = PROBE_STRIDE;
	while (probe < end + PROBE_STRIDE && probe + PROBE_SIZE <= size) {
		uint64_t bytes;
		memcpy(&bytes, data + probe, sizeof(bytes));
		if (bytes != 0) {
			probe += PROBE_STRIDE;
			continue;
		}
		size_t start = probe - zeros_trailing(data, probe);
		size_t reach = size - start < CHUNKER_ZERO_RUN ? size - start : CHUNKER_ZERO_RUN;
		size_t run = probe - start;
		run += zeros_leading(data + probe, reach - run);
		if (start >= end)
			return end;
		if (run == CHUNKER_ZERO_RUN)
			return start;
		while (probe < start + run)
			probe += PROBE_STRIDE;
	}
	return end;
}

/* The content end of rule 2, or SIZE_MAX where `size` bytes do not show it. */
static size_t content_end(const struct chunker *chunker, const uint8_t *data, size_t size,
			  bool final)
{
	size_t limit = size < chunker->largest ? size : chunker->largest;
	size_t middle = limit < chunker->average ? limit : chunker->average;
	size_t end = limit;
	if (limit > chunker->smallest) {
		end = chunker->kernel->find(data, chunker->smallest, middle, chunker->strict);
		if (end == middle)
			end = chunker->kernel->find(data, middle, limit, chunker->loose);
	}
	return end == size && end < chunker->largest && !final ? SIZE_MAX : end;
}

/* The length of the data piece at the start of data[0..size), 0 where it cannot be known. */
static size_t data_length(const struct chunker *chunker, const uint8_t *data, size_t size,
			  bool final)
{
	size_t end = content_end(chunker, data, size, final);
	bool known = end != SIZE_MAX;
	if (!known)
		end = size;
	size_t hole = hole_before(data, size, end);
	if (hole < end)
		return hole;
	if (!known)
		return 0;
	/* Zeros at the end of what there is may turn out to be a hole that begins earlier. */
	if (!final && size - end < CHUNKER_ZERO_RUN && size - zeros_trailing(data, size) < end)
		return 0;
	return end;
}

/* The piece at the start of data[0..size); false where it cannot be known yet. */
static bool piece_next(const struct chunker *chunker, const uint8_t *data, size_t size, bool final,
		       struct piece *piece)
{
	size_t zeros = zeros_leading(data, size);
	size_t length;
	if (zeros >= CHUNKER_ZERO_RUN) {
		/* What is left of a run must still be recognised as a hole. */
		length = zeros;
		if ((zeros == size && !final) || zeros > HOLE_LARGEST)
			length -= CHUNKER_ZERO_RUN;
		if (length > HOLE_LARGEST)
			length = HOLE_LARGEST;
		piece->kind = PIECE_HOLE;
	} else {
		length = data_length(chunker, data, size, final);
		piece->kind = PIECE_DATA;
	}
	piece->length = (uint32_t)length;
	return length != 0;
}

size_t chunker_split(const struct chunker *chunker, const uint8_t *data, size_t size, bool final,
		     struct piece *pieces, size_t room, size_t *used)
{
	ASSERT_OBJECT(chunker, CHUNKER_MAGIC);
	size_t count = 0;
	size_t start = 0;
	while (start < size && count < room &&
	       piece_next(chunker, data + start, size - start, final, &pieces[count])) {
		start += pieces[count].length;
		count++;
	}
	*used = start;
	return count;
}
