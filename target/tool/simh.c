/* SPDX-License-Identifier: MIT */
/*
 * Source: SIMH .tap. A record is its length (32 bits, little-endian), its bytes, one more where they
 * are an odd number, and the length again. 0 is a filemark, FFFFFFFFh the end, FFFFFFFEh an erased gap
 * of 4 bytes. The four high bits of a length are a class: 0 data, 8 data that was read with errors, 1 to
 * 7 and Eh what is not of the tape. Some writers do not fill odd records up: seen at the first one.
 */
#include <errno.h>
#include <inttypes.h>

#include "target/tool/source.h"

#define SIMH_END      0xffffffffu
#define SIMH_GAP      0xfffffffeu
#define SIMH_HALF_GAP 0xfffeffffu
#define SIMH_LENGTH   0x0fffffffu

static bool simh_recognise(const uint8_t *head, size_t size, uint64_t file_size)
{
	size_t at = 0;
	uint32_t length;

	while (at + 4 <= size && le_get32(head + at) == 0)
		at += 4;
	if (at + 4 > size)
		return at > 0 && at == size;
	length = le_get32(head + at);
	if (length == SIMH_END)
		return true;
	if (length > CARTRIDGE_BLOCK_MAX || length < 1)
		return false;
	if (at + 8 + length + 1 <= size)
		return le_get32(head + at + 4 + length + (length & 1)) == length ||
		       le_get32(head + at + 4 + length) == length;
	/* An AWSTAPE has its two lengths and its flags here. */
	return file_size >= at + 8 + length &&
	       !(at == 0 && head[2] == 0 && head[3] == 0 && size > 5 && head[4] >= 0x80 && head[5] == 0);
}

/* The length behind a record of `size` bytes that begins at `begin`. */
static int simh_trailer(struct source *s, uint64_t begin, uint32_t size)
{
	uint8_t word[5];
	int error = source_read(s, word, 4);

	if (error)
		return error;
	if ((size & 1) == 0)
		return le_get32(word) == size
			       ? 0
			       : source_damaged(s, "offset %" PRIu64 ": a block of %" PRIu32
						   " bytes ends with length %" PRIu32,
						begin, size, le_get32(word));
	if (s->state != (void *)1 && le_get32(word) == size) {
		/* Not filled up, and so are all that follow. */
		s->state = (void *)2;
		return 0;
	}
	if (s->state != (void *)2)
		error = source_read(s, word + 4, 1);
	if (error)
		return error;
	if (s->state == (void *)2 || le_get32(word + 1) != size)
		return source_damaged(s, "offset %" PRIu64 ": a block of %" PRIu32
					 " bytes does not end with its length", begin, size);
	s->state = (void *)1;
	return 0;
}

static int simh_record(struct source *s, uint64_t begin, uint32_t word, struct source_item *item)
{
	uint32_t size = word & SIMH_LENGTH;
	int error;

	if (word >> 28 == 8)
		return source_damaged(s, "offset %" PRIu64 ": a block that was read with errors when this "
				      "file was made", begin);
	if (word >> 28)
		return source_damaged(s, "offset %" PRIu64 ": %08" PRIx32 "h is no length of a block",
				      begin, word);
	if (size > CARTRIDGE_BLOCK_MAX)
		return source_damaged(s, "offset %" PRIu64 ": a block of %" PRIu32
					 " bytes, where tapes have at most %u", begin, size,
				      CARTRIDGE_BLOCK_MAX);
	error = source_fit(s, size);
	if (!error)
		error = source_read(s, s->data, size);
	if (!error)
		error = simh_trailer(s, begin, size);
	*item = (struct source_item){.kind = SOURCE_BLOCK, .data = s->data, .size = size};
	return error;
}

static int simh_next(struct source *s, struct source_item *item)
{
	for (;;) {
		uint64_t begin = s->offset;
		uint8_t word[4];
		bool ended;
		uint32_t value;
		int error = source_read_head(s, word, sizeof(word), &ended);

		if (error)
			return error;
		value = ended ? SIMH_END : le_get32(word);
		if (value == SIMH_END || value == 0) {
			*item = (struct source_item){.kind = value ? SOURCE_END : SOURCE_FILEMARK};
			return 0;
		}
		if (value == SIMH_GAP)
			continue;
		if (value == SIMH_HALF_GAP)
			return source_damaged(s, "offset %" PRIu64 ": half a gap, which is for reading "
					      "backwards", begin);
		return simh_record(s, begin, value, item);
	}
}

const struct source_class source_simh = {
	.name = "simh",
	.title = "SIMH",
	.recognise = simh_recognise,
	.next = simh_next,
};
