/* SPDX-License-Identifier: MIT */
/*
 * Source: the folder of a tape of mhvtl (format 2 and later): "indx" has 512 bytes for each block and
 * filemark, "data" the blocks one after another, "meta" the filemarks once more, which nothing here needs.
 * A record of indx, little-endian on the machines that mhvtl is used on: offset in data (8 bytes), then
 * words of 4: type, flags, number, bytes, bytes in data, CRC32C. Versions that know partitions have one more
 * word after the number. Compressed blocks: zlib where Granary was built with it; LZO is refused, and so
 * is what mhvtl calls encrypted.
 */
#include "config.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#ifdef HAVE_ZLIB
#include <zlib.h>
#endif

#include "lib/base/cleanup.h"
#include "lib/base/mem.h"
#include "target/tool/source.h"

#define MHVTL_RECORD 512u

enum mhvtl_type { MHVTL_FILEMARK = 3, MHVTL_DATA = 11 };
enum mhvtl_flag { MHVTL_ZLIB = 1, MHVTL_ENCRYPTED = 2, MHVTL_LZO = 4 };

struct mhvtl_record {
	uint64_t offset;
	uint32_t type, flags, number, size, stored;
};

struct mhvtl {
	FILE *index;
	uint64_t next;	      /* record */
	uint64_t data_offset; /* where the next block of data is to be */
	size_t shift;	      /* 4 where records name a partition */
	uint8_t *packed;
	size_t packed_size;
};

static void mhvtl_decode(const uint8_t bytes[MHVTL_RECORD], size_t shift, struct mhvtl_record *r)
{
	*r = (struct mhvtl_record){
		.offset = le_get64(bytes),
		.type = le_get32(bytes + 8),
		.flags = le_get32(bytes + 12),
		.number = le_get32(bytes + 16),
		.size = le_get32(bytes + 20 + shift),
		.stored = le_get32(bytes + 24 + shift),
	};
}

/* 0 at the end of indx, 1, or -errno. */
static int mhvtl_record(struct source *s, uint8_t bytes[MHVTL_RECORD])
{
	struct mhvtl *m = s->state;
	size_t n = fread(bytes, 1, MHVTL_RECORD, m->index);

	if (n == MHVTL_RECORD)
		return 1;
	if (ferror(m->index))
		return source_damaged(s, "indx, record %" PRIu64 ": %s", m->next, strerror(errno));
	return n == 0 ? 0
		      : source_damaged(s, "indx, record %" PRIu64 ": the file ends within it", m->next);
}

/* Whether records have a word for the partition: where the first block says a size in both places. */
static int mhvtl_shape(struct source *s)
{
	struct mhvtl *m = s->state;
	uint8_t bytes[MHVTL_RECORD];
	struct mhvtl_record plain, shifted;
	int found = mhvtl_record(s, bytes);

	while (found == 1 && le_get32(bytes + 8) == MHVTL_FILEMARK)
		found = mhvtl_record(s, bytes);
	rewind(m->index);
	if (found != 1)
		return found;
	mhvtl_decode(bytes, 0, &plain);
	mhvtl_decode(bytes, 4, &shifted);
	/* The word is a partition, 0 to 3; no block was stored in so few bytes beside a true size. */
	if (plain.size < 4 && shifted.size > 0 && shifted.stored > 0 &&
	    shifted.stored <= shifted.size && plain.stored != plain.size)
		m->shift = 4;
	return 0;
}

static int mhvtl_start(struct source *s)
{
	CLEANUP_FREE char *index = mem_printf("%s/indx", s->name);
	CLEANUP_FREE char *data = mem_printf("%s/data", s->name);
	struct mhvtl *m = mem_zalloc(sizeof(*m));

	s->state = m;
	m->index = fopen(index, "re");
	s->file = m->index ? fopen(data, "re") : NULL;
	if (!s->file) {
		int error = -errno;

		if (error == -ENOENT)
			snprintf(s->trouble, sizeof(s->trouble), "no tape of mhvtl: it has no file \"%s\"",
				 m->index ? "data" : "indx");
		else
			snprintf(s->trouble, sizeof(s->trouble), "%s: %s", m->index ? "data" : "indx",
				 strerror(-error));
		return error;
	}
	return mhvtl_shape(s);
}

static void mhvtl_end(struct source *s)
{
	struct mhvtl *m = s->state;

	if (!m)
		return;
	if (m->index)
		fclose(m->index);
	free(m->packed);
	free(m);
	s->state = NULL;
}

#ifdef HAVE_ZLIB
static int mhvtl_unpack(struct source *s, const struct mhvtl_record *r)
{
	struct mhvtl *m = s->state;
	uLongf size = r->size;
	int error = 0;

	if (r->stored > m->packed_size) {
		uint8_t *packed = mem_try_resize(m->packed, r->stored, 1);

		if (!packed)
			return -ENOMEM;
		m->packed = packed;
		m->packed_size = r->stored;
	}
	error = source_read(s, m->packed, r->stored);
	if (error)
		return error;
	if (uncompress(s->data, &size, m->packed, r->stored) != Z_OK || size != r->size)
		return source_damaged(s, "data, offset %" PRIu64 ": block %" PRIu32
					 " cannot be decompressed", r->offset, r->number);
	return 0;
}
#else
static int mhvtl_unpack(struct source *s, const struct mhvtl_record *r)
{
	return source_damaged(s, "data, offset %" PRIu64 ": block %" PRIu32
				 " is compressed, and granary-tape was built without zlib", r->offset,
			      r->number);
}
#endif

static int mhvtl_check(struct source *s, const struct mhvtl_record *r)
{
	struct mhvtl *m = s->state;

	if (r->number != (uint32_t)m->next)
		return source_damaged(s, "indx, record %" PRIu64 ": it says that it is %" PRIu32, m->next,
				      r->number);
	if (r->type == MHVTL_FILEMARK)
		return 0;
	if (r->type != MHVTL_DATA)
		return source_damaged(s, "indx, record %" PRIu64 ": %" PRIu32 " is no type of a block",
				      m->next, r->type);
	if (r->flags & (MHVTL_ENCRYPTED | MHVTL_LZO))
		return source_damaged(s, "indx, record %" PRIu64 ": %s", m->next,
				      r->flags & MHVTL_LZO
					      ? "compressed with LZO, which cannot be read; mhvtl copies it "
						"to a tape with zlib"
					      : "marked as encrypted");
	if (r->size == 0 || r->size > CARTRIDGE_BLOCK_MAX || r->stored == 0 ||
	    r->stored > 2 * CARTRIDGE_BLOCK_MAX || (!(r->flags & MHVTL_ZLIB) && r->stored != r->size))
		return source_damaged(s, "indx, record %" PRIu64 ": %" PRIu32 " bytes in %" PRIu32
					 " cannot be", m->next, r->size, r->stored);
	if (r->offset != m->data_offset)
		return source_damaged(s, "indx, record %" PRIu64 ": its data is at %" PRIu64
					 " and not where the block before it ends, %" PRIu64,
				      m->next, r->offset, m->data_offset);
	return 0;
}

static int mhvtl_next(struct source *s, struct source_item *item)
{
	struct mhvtl *m = s->state;
	uint8_t bytes[MHVTL_RECORD];
	struct mhvtl_record r;
	int error = mhvtl_record(s, bytes);

	if (error == 0) {
		*item = (struct source_item){.kind = SOURCE_END};
		return 0;
	}
	if (error < 0)
		return error;
	mhvtl_decode(bytes, m->shift, &r);
	error = mhvtl_check(s, &r);
	if (error)
		return error;
	m->next++;
	*item = (struct source_item){.kind = SOURCE_FILEMARK};
	if (r.type == MHVTL_FILEMARK)
		return 0;
	error = source_fit(s, r.size);
	if (!error)
		error = r.flags & MHVTL_ZLIB ? mhvtl_unpack(s, &r) : source_read(s, s->data, r.size);
	if (error)
		return error;
	m->data_offset += r.stored;
	*item = (struct source_item){.kind = SOURCE_BLOCK, .data = s->data, .size = r.size};
	return 0;
}

const struct source_class source_mhvtl = {
	.name = "mhvtl",
	.title = "mhvtl's format",
	.start = mhvtl_start,
	.next = mhvtl_next,
	.end = mhvtl_end,
};
