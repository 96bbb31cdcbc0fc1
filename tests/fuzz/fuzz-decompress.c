/* SPDX-License-Identifier: MIT */
/*
 * Damaged regions: the first byte is the codec, three say the size that the
 * directory claims, the rest is what was read. Nothing is read or written
 * outside the buffers, and what packs and unpacks comes back.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "fs/chunk/compress.h"
#include "lib/base/assert.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define HEADER 4

static void check_round(struct compressor *c, enum compression compression, const uint8_t *in,
			size_t size)
{
	enum codec codec;
	uint8_t *out = malloc(size ? size : 1), *back = malloc(size ? size : 1);
	ASSERT(out && back);
	size_t stored = compressor_pack(c, compression, in, size, out, size, &codec);
	ASSERT(stored <= size);
	ASSERT(compressor_unpack(c, codec, out, stored, back, size) == 0);
	ASSERT(size == 0 || memcmp(in, back, size) == 0);
	free(out);
	free(back);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct compressor *c;
	if (!c)
		c = compressor_new();
	ASSERT(c != NULL);
	if (size < HEADER)
		return 0;
	size_t raw_size = data[1] | (size_t)data[2] << 8 | (size_t)(data[3] & 15) << 16;
	uint8_t *out = malloc(raw_size ? raw_size : 1);
	ASSERT(out != NULL);
	int error = compressor_unpack(c, (enum codec)data[0], data + HEADER, size - HEADER, out,
				      raw_size);
	ASSERT(error <= 0);
	free(out);
	check_round(c, COMPRESSION_FAST, data + HEADER, size - HEADER);
	check_round(c, COMPRESSION_BALANCED, data + HEADER, size - HEADER);
	return 0;
}
