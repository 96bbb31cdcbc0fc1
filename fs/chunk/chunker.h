/* SPDX-License-Identifier: MIT */
/*
 * Chunker: cuts bytes into pieces, by their content or at fixed offsets.
 *
 * The content-defined cut after a chunk's start depends only on the bytes from
 * that start on, on the average and on nothing else: not on how the bytes were
 * handed over, not on the vector width of the machine. The rule is part of the
 * on-disk format (granary-format.5): a changed rule is a new algorithm id.
 *
 * A run of at least CHUNKER_ZERO_RUN zero bytes is a hole and never a chunk:
 * the chunk before it ends where the run starts.
 */
#ifndef FS_CHUNK_CHUNKER_H
#define FS_CHUNK_CHUNKER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CHUNKER_AVERAGE_MIN	(4u << 10)
#define CHUNKER_AVERAGE_MAX	(1u << 20)
#define CHUNKER_AVERAGE_DEFAULT (8u << 10)
#define CHUNKER_ZERO_RUN	4096u

enum piece_kind { PIECE_DATA, PIECE_HOLE };

struct piece {
	uint32_t length; /* bytes; a longer hole comes as several pieces */
	enum piece_kind kind;
};

struct chunker;

/* `average` is a power of two within the limits above, else NULL. The smallest chunk is a
 * quarter of it (except before a hole or the end), the largest eight times. A chunker never
 * changes and serves any number of threads. The fastest kernel that the CPU has is chosen;
 * the environment variable GRANARY_CPU=portable|avx2|avx512 limits the choice, for tests. */
struct chunker *chunker_new(uint32_t average);
void chunker_free(struct chunker **chunker);
uint32_t chunker_largest(const struct chunker *chunker);
/* "portable", "avx2", "avx512" */
const char *chunker_kernel(const struct chunker *chunker);

/*
 * Cuts data[0..size) into at most `room` pieces and says in *used how many bytes they cover.
 * The first byte must be the start of a piece. Unless `final`, a tail whose end cannot be
 * known yet is left over (fewer than chunker_largest() + CHUNKER_ZERO_RUN bytes): hand it in
 * again with what follows. With `final` everything is covered, given room enough.
 * Returns the number of pieces. size / (average / 4) + 2 pieces of room always suffice for
 * data; a full array is not an error, call again from *used.
 */
size_t chunker_split(const struct chunker *chunker, const uint8_t *data, size_t size, bool final,
		     struct piece *pieces, size_t room, size_t *used);

/*
 * The fixed layout: cuts at multiples of `block` (a power of two) of the file offset; an
 * aligned block of zeros is a hole. Same contract; `final` also cuts the last, short block.
 */
size_t chunker_split_fixed(uint32_t block, uint64_t file_offset, const uint8_t *data, size_t size,
			   bool final, struct piece *pieces, size_t room, size_t *used);

/* True when all bytes are zero. */
bool chunker_all_zero(const uint8_t *data, size_t size);

#endif
