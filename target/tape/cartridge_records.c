/* SPDX-License-Identifier: MIT */
/* The records of an index: how they are written, and what each does to a partition in memory. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/mem.h"
#include "target/tape/cartridge_conf.h"
#include "target/tape/cartridge_partition.h"

#define CHECKSUMS_A_RECORD 500u

/* ---- writing --------------------------------------------------------------------------- */

static struct wire record_begin(uint8_t *buffer, enum record_type type)
{
	struct wire w;
	wire_writer(&w, buffer, RECORD_MAX);
	wire_put_u8(&w, (uint8_t)type);
	return w;
}

void records_put_file(struct page_log *log, unsigned partition,
		      const struct partition_identity *identity)
{
	uint8_t buffer[RECORD_MAX];
	struct wire w = record_begin(buffer, RECORD_FILE);
	wire_put_u16(&w, CARTRIDGE_FORMAT);
	wire_put_u8(&w, (uint8_t)partition);
	wire_put_bytes(&w, identity->uuid, sizeof(identity->uuid));
	wire_put_u64(&w, identity->epoch);
	log_record_wire(log, &w);
}

static void put_run(struct page_log *log, const struct cartridge_place *place)
{
	uint8_t buffer[RECORD_MAX];
	bool plain = place->flags == 0 && place->extra == 0;
	if (place->kind == CARTRIDGE_FILEMARKS) {
		struct wire w = record_begin(buffer, RECORD_FILEMARKS);
		wire_put_varint(&w, place->count);
		log_record_wire(log, &w);
		return;
	}
	struct wire w = record_begin(buffer, plain ? RECORD_BLOCKS : RECORD_BLOCKS_WITH);
	wire_put_varint(&w, place->block_size);
	wire_put_varint(&w, place->count);
	if (!plain) {
		wire_put_varint(&w, place->flags);
		wire_put_varint(&w, place->extra);
	}
	log_record_wire(log, &w);
}

void records_put_runs(struct page_log *log, const struct run_list *runs, uint64_t from)
{
	struct cartridge_place place;
	while (from < runs->end.objects && runs_find(runs, from, &place) == 0) {
		put_run(log, &place);
		from += place.count;
	}
}

void records_put_truncate(struct page_log *log, uint64_t object)
{
	uint8_t buffer[RECORD_MAX];
	struct wire w = record_begin(buffer, RECORD_TRUNCATE);
	wire_put_varint(&w, object);
	log_record_wire(log, &w);
}

void records_put_checksums(struct page_log *log, const struct stretches *stretches, size_t from)
{
	uint8_t buffer[RECORD_MAX];
	while (from < stretches->count) {
		size_t count = stretches->count - from;
		if (count > CHECKSUMS_A_RECORD)
			count = CHECKSUMS_A_RECORD;
		struct wire w = record_begin(buffer, RECORD_CHECKSUMS);
		wire_put_varint(&w, count);
		for (size_t n = 0; n < count; n++)
			wire_put_u32(&w, stretches->checksums[from + n]);
		log_record_wire(log, &w);
		from += count;
	}
}

void records_put_description(struct page_log *log, uint32_t number,
			     const struct description *description)
{
	uint8_t buffer[RECORD_MAX];
	struct wire w = record_begin(buffer, RECORD_DESCRIPTION);
	wire_put_varint(&w, number);
	wire_put_varint(&w, description->size);
	wire_put_bytes(&w, description->data, description->size);
	log_record_wire(log, &w);
}

void records_put_commit(struct page_log *log, const struct cartridge_extent *end, uint32_t tail)
{
	uint8_t buffer[RECORD_MAX];
	struct wire w = record_begin(buffer, RECORD_COMMIT);
	wire_put_u64(&w, end->objects);
	wire_put_u64(&w, end->filemarks);
	wire_put_u64(&w, end->bytes);
	wire_put_u32(&w, tail);
	log_record_wire(log, &w);
}

/* ---- reading --------------------------------------------------------------------------- */

struct records_reader {
	struct partition *p;
	const struct partition_identity *identity;
	bool begun; /* the file's own record was there */
	enum record_type last;
};

static int take_file(struct records_reader *reader, struct wire *w)
{
	uint16_t format = wire_get_u16(w);
	uint8_t partition = wire_get_u8(w);
	const uint8_t *uuid = wire_get_bytes(w, sizeof(reader->identity->uuid));
	uint64_t epoch = wire_get_u64(w);
	if (w->error || reader->begun)
		return -EBADMSG;
	if (format != CARTRIDGE_FORMAT)
		return -EPROTONOSUPPORT;
	if (partition != reader->p->number || epoch > reader->identity->epoch ||
	    memcmp(uuid, reader->identity->uuid, sizeof(reader->identity->uuid)) != 0)
		return -EBADMSG;
	reader->begun = true;
	return epoch < reader->identity->epoch ? -ESTALE : 0;
}

static int take_run(struct records_reader *reader, struct wire *w, uint64_t size, uint64_t count,
		    uint64_t flags, uint64_t extra)
{
	if (w->error || count == 0 || count > UINT32_MAX || size > CARTRIDGE_STORED_MAX || flags > 0xff ||
	    extra > DESCRIPTIONS_MAX)
		return -EBADMSG;
	if (extra && !partition_description(reader->p, (uint32_t)extra))
		return -EBADMSG;
	int error = runs_add(&reader->p->runs, (uint32_t)size, (uint32_t)flags, (uint32_t)extra,
			     count);
	return error == -EOVERFLOW ? -EBADMSG : error;
}

static int take_blocks(struct records_reader *reader, struct wire *w)
{
	uint64_t size = wire_get_varint(w), count = wire_get_varint(w);
	return size ? take_run(reader, w, size, count, 0, 0) : -EBADMSG;
}

static int take_blocks_with(struct records_reader *reader, struct wire *w)
{
	uint64_t size = wire_get_varint(w), count = wire_get_varint(w);
	uint64_t flags = wire_get_varint(w), extra = wire_get_varint(w);
	return size ? take_run(reader, w, size, count, flags, extra) : -EBADMSG;
}

static int take_filemarks(struct records_reader *reader, struct wire *w)
{
	return take_run(reader, w, 0, wire_get_varint(w), 0, 0);
}

static int take_truncate(struct records_reader *reader, struct wire *w)
{
	struct partition *p = reader->p;
	uint64_t object = wire_get_varint(w);
	if (w->error || object > p->runs.end.objects)
		return -EBADMSG;
	runs_truncate(&p->runs, object);
	uint64_t whole = p->runs.end.bytes / STRETCH_SIZE;
	if (p->stretches.count > whole)
		p->stretches.count = (size_t)whole;
	return 0;
}

static int take_description(struct records_reader *reader, struct wire *w)
{
	uint64_t number = wire_get_varint(w), size = wire_get_varint(w);
	if (w->error || size > CARTRIDGE_DESCRIPTION_MAX || number == 0 ||
	    number > DESCRIPTIONS_MAX)
		return -EBADMSG;
	const uint8_t *data = wire_get_bytes(w, (size_t)size);
	if (!data)
		return -EBADMSG;
	return descriptions_add(&reader->p->descriptions, (uint32_t)number, data, (size_t)size);
}

static int take_checksums(struct records_reader *reader, struct wire *w)
{
	struct stretches *stretches = &reader->p->stretches;
	uint64_t count = wire_get_varint(w);
	if (w->error || count == 0 || count > wire_left(w) / 4)
		return -EBADMSG;
	int error = mem_reserve(&stretches->checksums, &stretches->room,
				stretches->count + (size_t)count, sizeof(*stretches->checksums));
	for (uint64_t n = 0; !error && n < count; n++)
		stretches->checksums[stretches->count++] = wire_get_u32(w);
	return error;
}

static int take_commit(struct records_reader *reader, struct wire *w)
{
	struct partition *p = reader->p;
	struct cartridge_extent end;
	end.objects = wire_get_u64(w);
	end.filemarks = wire_get_u64(w);
	end.bytes = wire_get_u64(w);
	p->stretches.tail = wire_get_u32(w);
	if (w->error || end.objects != p->runs.end.objects || end.bytes != p->runs.end.bytes ||
	    end.filemarks != p->runs.end.filemarks ||
	    p->stretches.count != end.bytes / STRETCH_SIZE)
		return -EBADMSG;
	p->committed = end;
	return 0;
}

static int take_record(void *context, enum record_type type, struct wire *w)
{
	static int (*const takers[RECORD_TYPES])(struct records_reader *, struct wire *) = {
		[RECORD_FILE] = take_file,
		[RECORD_BLOCKS] = take_blocks,
		[RECORD_BLOCKS_WITH] = take_blocks_with,
		[RECORD_FILEMARKS] = take_filemarks,
		[RECORD_TRUNCATE] = take_truncate,
		[RECORD_DESCRIPTION] = take_description,
		[RECORD_CHECKSUMS] = take_checksums,
		[RECORD_COMMIT] = take_commit,
	};
	struct records_reader *reader = context;
	if (!reader->begun && type != RECORD_FILE)
		return -EBADMSG;
	reader->last = type;
	return takers[type](reader, w);
}

int records_load(int fd, struct partition *p, const struct partition_identity *identity,
		 struct page_range *range)
{
	struct records_reader reader = {.p = p, .identity = identity};
	int error = log_scan(fd, range);
	if (!error)
		error = log_replay(fd, range->pages, take_record, &reader);
	if (!error && reader.last != RECORD_COMMIT)
		error = -EBADMSG;
	return error;
}
