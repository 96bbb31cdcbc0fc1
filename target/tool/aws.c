/* SPDX-License-Identifier: MIT */
/*
 * Source: AWSTAPE. A block is one or more chunks; before each stand six bytes: its length and that of
 * the chunk before it (16 bits each, little-endian) and two of flags: 80h a block begins, 20h it ends,
 * 40h a filemark. HET is the same with compressed chunks (bits 0 and 1), which are refused.
 */
#include <errno.h>
#include <inttypes.h>

#include "target/tool/source.h"

#define AWS_HEAD     6u
#define AWS_BEGINS   0x80u
#define AWS_FILEMARK 0x40u
#define AWS_ENDS     0x20u
#define AWS_PACKED   0x03u

struct aws_chunk {
	uint64_t begin;
	uint16_t length, previous;
	uint8_t flags;
};

static bool aws_recognise(const uint8_t *head, size_t size, uint64_t file_size)
{
	uint16_t length;

	if (size < AWS_HEAD || le_get16(head + 2) != 0 || head[5] != 0)
		return false;
	length = le_get16(head);
	if (head[4] & AWS_FILEMARK)
		return length == 0;
	if (!(head[4] & AWS_BEGINS) || length == 0 || file_size < AWS_HEAD + (uint64_t)length)
		return false;
	return size < 2u * AWS_HEAD + length || le_get16(head + AWS_HEAD + length + 2) == length;
}

/* s->state has the length of the chunk before. */
static int aws_head(struct source *s, struct aws_chunk *chunk, bool *ended)
{
	uint8_t head[AWS_HEAD];
	uint16_t expected = (uint16_t)(uintptr_t)s->state;
	int error;

	chunk->begin = s->offset;
	error = source_read_head(s, head, sizeof(head), ended);
	if (error || *ended)
		return error;
	chunk->length = le_get16(head);
	chunk->previous = le_get16(head + 2);
	chunk->flags = head[4];
	if (chunk->previous != expected)
		return source_damaged(s, "offset %" PRIu64 ": the chunk before this one has %u bytes, not %u",
				      chunk->begin, (unsigned)expected, (unsigned)chunk->previous);
	s->state = (void *)(uintptr_t)chunk->length;
	if (chunk->flags & AWS_PACKED)
		return source_damaged(s, "offset %" PRIu64 ": a compressed chunk of a HET file: decompress "
				      "the file first", chunk->begin);
	return 0;
}

static int aws_next(struct source *s, struct source_item *item)
{
	struct aws_chunk chunk;
	uint32_t size = 0;
	bool ended;

	for (;;) {
		int error = aws_head(s, &chunk, &ended);

		if (error)
			return error;
		if (ended && size > 0)
			return source_damaged(s, "offset %" PRIu64 ": the file ends within a block",
					      chunk.begin);
		if (ended || (chunk.flags & AWS_FILEMARK && size == 0 && chunk.length == 0)) {
			*item = (struct source_item){.kind = ended ? SOURCE_END : SOURCE_FILEMARK};
			return 0;
		}
		if (chunk.flags & AWS_FILEMARK || !(chunk.flags & AWS_BEGINS) != (size > 0) ||
		    chunk.length == 0)
			return source_damaged(s, "offset %" PRIu64 ": flags %02Xh and length %u cannot "
					      "stand here", chunk.begin, chunk.flags, chunk.length);
		if (chunk.length > CARTRIDGE_BLOCK_MAX - size)
			return source_damaged(s, "offset %" PRIu64 ": a block over %u bytes", chunk.begin,
					      CARTRIDGE_BLOCK_MAX);
		error = source_fit(s, size + chunk.length);
		if (!error)
			error = source_read(s, s->data + size, chunk.length);
		if (error)
			return error;
		size += chunk.length;
		if (chunk.flags & AWS_ENDS)
			break;
	}
	*item = (struct source_item){.kind = SOURCE_BLOCK, .data = s->data, .size = size};
	return 0;
}

const struct source_class source_aws = {
	.name = "aws",
	.title = "AWSTAPE",
	.recognise = aws_recognise,
	.next = aws_next,
};
