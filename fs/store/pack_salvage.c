/* SPDX-License-Identifier: MIT */
/*
 * Salvaging chunks; see pack_salvage.h. Region entries stand twice, in the
 * directory and in the tail; slots are taken from the directory alone, for only
 * there are fingerprints. Which region a slot is in is not asked of the flags
 * that begin one, of which a damaged entry may have lost one: in each region the
 * slots behind the last that was found are tried.
 */
#include "fs/store/pack_salvage.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#include "fs/chunk/compress.h"
#include "lib/base/cleanup.h"
#include "lib/base/mem.h"
#include "lib/base/wire.h"

/* As much is lost with one bad block of the disk. */
#define SALVAGE_PIECE 4096u
/* No region has so many chunks: behind as many that are not in it there is none that is. */
#define SALVAGE_MISSES 4096u
#define SALVAGE_RAW_MAX (2u * (SLOT_SIZE_MAX + 1u))

struct salvage {
	const struct pack_source *source;
	const struct pack_header *header;
	struct pack_directory *out;
	struct compressor *compressor;
	uint8_t *directory, *tail; /* as they are on the disk; of the tail the region entries */
	uint8_t *stored, *raw;     /* of the region at hand */
	uint32_t next;             /* slots before this one are of regions before */
};

/* What does not read stays zeros. */
static int salvage_read(const struct salvage *s, uint64_t offset, uint8_t *data, size_t size)
{
	for (size_t at = 0; at < size; at += SALVAGE_PIECE) {
		size_t some = size - at < SALVAGE_PIECE ? size - at : SALVAGE_PIECE;
		int error = s->source->read(s->source->context, offset + at, data + at, some);
		if (error == -ENOMEM)
			return error;
		if (error)
			memset(data + at, 0, some);
	}
	return 0;
}

static int salvage_start(struct salvage *s)
{
	const struct pack_header *h = s->header;
	size_t table = (size_t)h->regions * REGION_ENTRY_SIZE;
	size_t tail = h->tail_size < table ? h->tail_size : table;
	s->directory = mem_try_zalloc(1, h->directory_size);
	s->tail = mem_try_zalloc(1, table);
	s->compressor = compressor_new();
	if (!s->directory || !s->tail || !s->compressor)
		return -ENOMEM;
	int error = salvage_read(s, PACK_HEADER_SIZE, s->directory, h->directory_size);
	if (!error)
		error = salvage_read(s, pack_tail_offset(h), s->tail, tail);
	return error ? error : pack_directory_allocate(s->out, h->regions, h->slots);
}

/* ---- regions ---- */

static bool salvage_decode_region(const struct salvage *s, const uint8_t *entry, struct pack_region *r)
{
	struct wire w;
	wire_reader(&w, entry, REGION_ENTRY_SIZE);
	r->offset = wire_get_u32(&w);
	r->stored = wire_get_u32(&w);
	r->raw = wire_get_u32(&w);
	r->codec = wire_get_u8(&w);
	wire_get_bytes(&w, 3);
	r->checksum = wire_get_u64(&w);
	return r->offset >= PACK_HEADER_SIZE + (uint64_t)s->header->directory_size && r->stored > 0 &&
	       r->stored <= r->raw && r->raw <= SALVAGE_RAW_MAX &&
	       (uint64_t)r->offset + r->stored <= pack_tail_offset(s->header);
}

static int salvage_make_room(struct salvage *s, const struct pack_region *r)
{
	uint8_t *stored = mem_try_resize(s->stored, r->stored, 1);
	if (!stored)
		return -ENOMEM;
	s->stored = stored;
	uint8_t *raw = mem_try_resize(s->raw, r->raw, 1);
	if (!raw)
		return -ENOMEM;
	s->raw = raw;
	return 0;
}

/* Decodes the region that the entry tells of: 0, or -EBADMSG for one that is not there. */
static int salvage_load_region(struct salvage *s, const uint8_t *entry, struct pack_region *r)
{
	if (!salvage_decode_region(s, entry, r))
		return -EBADMSG;
	int error = salvage_make_room(s, r);
	if (!error)
		error = s->source->read(s->source->context, r->offset, s->stored, r->stored);
	if (!error && XXH3_64bits(s->stored, r->stored) != r->checksum)
		error = -EBADMSG;
	if (!error)
		error = compressor_unpack(s->compressor, (enum codec)r->codec, s->stored, r->stored,
					  s->raw, r->raw);
	return error && error != -ENOMEM ? -EBADMSG : error;
}

/* ---- slots ---- */

static int salvage_slot(struct salvage *s, uint32_t region, uint32_t number, bool *found)
{
	struct wire w;
	struct pack_slot slot = {.region = region};
	struct fingerprint actual;
	size_t at = (size_t)s->header->regions * REGION_ENTRY_SIZE + (size_t)number * SLOT_ENTRY_SIZE;
	wire_reader(&w, s->directory + at, SLOT_ENTRY_SIZE);
	slot.offset = wire_get_u32(&w);
	slot.size = wire_get_u32(&w) & SLOT_SIZE_MAX;
	const uint8_t *expected = wire_get_bytes(&w, FINGERPRINT_SIZE);
	*found = false;
	if (slot.size == 0 || (uint64_t)slot.offset + slot.size > s->out->region[region].raw)
		return 0;
	const struct fingerprint_input input = {s->raw + slot.offset, slot.size};
	int error = fingerprint_many(&input, 1, &actual);
	if (error || memcmp(actual.bytes, expected, FINGERPRINT_SIZE) != 0)
		return error;
	s->out->slot[number] = slot;
	s->out->fingerprint[number] = actual;
	*found = true;
	return 0;
}

static int salvage_slots(struct salvage *s, uint32_t region)
{
	uint32_t misses = 0;
	int error = 0;
	for (uint32_t i = s->next; i < s->header->slots && misses < SALVAGE_MISSES && !error; i++) {
		bool found;
		error = salvage_slot(s, region, i, &found);
		misses += !found;
		if (found)
			s->next = i + 1;
	}
	return error;
}

static int salvage_region(struct salvage *s, uint32_t index)
{
	const uint8_t *entries[] = {s->directory + (size_t)index * REGION_ENTRY_SIZE,
				    s->tail + (size_t)index * REGION_ENTRY_SIZE};
	struct pack_region region = {0};
	int error = salvage_load_region(s, entries[0], &region);
	if (error == -EBADMSG)
		error = salvage_load_region(s, entries[1], &region);
	if (error)
		return error == -EBADMSG ? 0 : error;
	s->out->region[index] = region;
	return salvage_slots(s, index);
}

/* ---- the result ---- */

static int salvage_run(struct salvage *s)
{
	int error = salvage_start(s);
	for (uint32_t i = 0; !error && i < s->out->slots; i++)
		s->out->slot[i].region = PACK_NO_REGION;
	for (uint32_t i = 0; !error && i < s->out->regions; i++)
		error = salvage_region(s, i);
	return error || s->next > 0 ? error : -EBADMSG;
}

int pack_salvage(const struct pack_source *source, const struct pack_header *header,
		 struct pack_directory *directory)
{
	struct pack_directory out = {0};
	struct salvage s = {.source = source, .header = header, .out = &out};
	int error = salvage_run(&s);
	compressor_free(&s.compressor);
	free(s.directory);
	free(s.tail);
	free(s.stored);
	free(s.raw);
	if (error)
		pack_directory_clear(&out);
	else
		*directory = out;
	return error;
}

bool pack_directory_is_orderly(const struct pack_directory *d)
{
	uint32_t region = PACK_NO_REGION;
	for (uint32_t i = 0; i < d->slots; i++) {
		const struct pack_slot *slot = &d->slot[i];
		if (slot->size == 0 || slot->region == region)
			continue;
		if (slot->region != (region == PACK_NO_REGION ? 0 : region + 1))
			return false;
		region = slot->region;
	}
	return (region == PACK_NO_REGION ? 0 : region + 1) == d->regions;
}
