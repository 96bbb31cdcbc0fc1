/* SPDX-License-Identifier: MIT */
/*
 * The fixed layout: pieces end at multiples of a block size of the file offset,
 * so that an overwritten block of a disk image changes one chunk.
 */
#include "fs/chunk/chunker.h"

#include <string.h>

#include "lib/base/assert.h"

/* Bytes equal to their neighbours and a first one of zero are all zeros; the C library
 * compares with the widest vectors there are. */
bool chunker_all_zero(const uint8_t *data, size_t size)
{
	return size == 0 || (data[0] == 0 && memcmp(data, data + 1, size - 1) == 0);
}

size_t chunker_split_fixed(uint32_t block, uint64_t file_offset, const uint8_t *data, size_t size,
			   bool final, struct piece *pieces, size_t room, size_t *used)
{
	ASSERT(block != 0 && (block & (block - 1)) == 0);
	size_t count = 0;
	size_t start = 0;
	while (start < size && count < room) {
		size_t length = block - ((file_offset + start) & (block - 1));
		if (length > size - start) {
			if (!final)
				break;
			length = size - start;
		}
		pieces[count++] = (struct piece){
			.length = (uint32_t)length,
			.kind = chunker_all_zero(data + start, length) ? PIECE_HOLE : PIECE_DATA,
		};
		start += length;
	}
	*used = start;
	return count;
}
