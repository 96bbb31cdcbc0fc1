/* SPDX-License-Identifier: MIT */
/*
 * Source: the tape image of Linux tgt (tgtimg --device-type tape). Blocks follow one another, each
 * behind 48 bytes, all big-endian but the checksum: CRC32C of the 44 bytes that follow it
 * (little-endian), bytes in the file, bytes of the block, type, number, and where the block before it,
 * this one and the next one begin. The first is the beginning of the tape, of 1104 bytes of medium
 * auxiliary memory. What stands behind the end of data is of older times.
 */
#include <errno.h>
#include <inttypes.h>

#include "lib/base/bytes.h"
#include "lib/base/crc32c.h"
#include "target/tool/source.h"

#define TGT_HEAD   48u
#define TGT_MEMORY 1104u

enum tgt_type {
	TGT_COMPRESSED = 0x01,
	TGT_PLAIN = 0x02,
	TGT_ENCRYPTED = 0x04,
	TGT_BEGIN = 0x10,
	TGT_END = 0x20,
	TGT_FILEMARK = 0x40,
};

struct tgt_head {
	uint32_t checksum, stored, size, type;
	uint64_t number, previous, current, next;
};

static void tgt_decode(const uint8_t bytes[TGT_HEAD], struct tgt_head *h)
{
	*h = (struct tgt_head){
		.checksum = le_get32(bytes),
		.stored = be_get32(bytes + 4),
		.size = be_get32(bytes + 8),
		.type = be_get32(bytes + 12),
		.number = be_get64(bytes + 16),
		.previous = be_get64(bytes + 24),
		.current = be_get64(bytes + 32),
		.next = be_get64(bytes + 40),
	};
}

static bool tgt_recognise(const uint8_t *head, size_t size, uint64_t file_size)
{
	struct tgt_head h;

	(void)file_size;
	if (size < TGT_HEAD)
		return false;
	tgt_decode(head, &h);
	return h.type == TGT_BEGIN && h.current == 0 && h.next == TGT_HEAD + TGT_MEMORY;
}

static int tgt_head(struct source *s, struct tgt_head *h)
{
	uint8_t bytes[TGT_HEAD];
	uint64_t begin = s->offset;
	int error = source_read(s, bytes, sizeof(bytes));

	if (error)
		return error;
	tgt_decode(bytes, h);
	if (h->checksum != crc32c(0, bytes + 4, TGT_HEAD - 4))
		return source_damaged(s, "offset %" PRIu64 ": the checksum of a block's header does not match",
				      begin);
	if (h->current != begin)
		return source_damaged(s, "offset %" PRIu64 ": a header says that it is at %" PRIu64, begin,
				      h->current);
	return 0;
}

static int tgt_start(struct source *s)
{
	struct tgt_head h;
	uint8_t memory[TGT_MEMORY];
	int error = tgt_head(s, &h);

	if (error)
		return error;
	if (h.type != TGT_BEGIN || h.next != TGT_HEAD + TGT_MEMORY)
		return source_damaged(s, "offset 0: not the beginning of a tape of tgt");
	return source_read(s, memory, sizeof(memory));
}

static int tgt_next(struct source *s, struct source_item *item)
{
	struct tgt_head h;
	int error = tgt_head(s, &h);

	if (error)
		return error;
	if (h.type == TGT_END) {
		*item = (struct source_item){.kind = SOURCE_END};
		return 0;
	}
	if (h.type != TGT_FILEMARK && h.type != TGT_PLAIN)
		return source_damaged(s, "offset %" PRIu64 ": a block of type %" PRIx32
					 "h (%s) cannot be brought in", h.current, h.type,
				      h.type & TGT_COMPRESSED  ? "compressed"
				      : h.type & TGT_ENCRYPTED ? "encrypted"
							       : "unknown");
	if (h.next != h.current + TGT_HEAD + h.stored || h.stored != h.size ||
	    h.stored > CARTRIDGE_BLOCK_MAX || (h.type == TGT_FILEMARK) != (h.stored == 0))
		return source_damaged(s, "offset %" PRIu64 ": a block of %" PRIu32 " bytes with %" PRIu32
					 " in the file, the next at %" PRIu64, h.current, h.size,
				      h.stored, h.next);
	error = source_fit(s, h.stored);
	if (!error)
		error = source_read(s, s->data, h.stored);
	*item = (struct source_item){.kind = h.type == TGT_PLAIN ? SOURCE_BLOCK : SOURCE_FILEMARK,
				     .data = s->data,
				     .size = h.stored};
	return error;
}

const struct source_class source_tgt = {
	.name = "tgt",
	.title = "tgt's format",
	.recognise = tgt_recognise,
	.start = tgt_start,
	.next = tgt_next,
};
