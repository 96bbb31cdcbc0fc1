/* SPDX-License-Identifier: MIT */
/* A pack's header, directory and tail, between bytes and structs; see pack.h and fs/format.h. */
#include "fs/store/pack.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#include "fs/chunk/fingerprint.h"
#include "fs/store/chunk_ref.h"
#include "fs/store/superblock.h"
#include "lib/base/assert.h"
#include "lib/base/mem.h"
#include "lib/base/wire.h"

#define PACK_KEY_CONTEXT_SIZE 16u
#define PACK_CHECKED_SIZE     (PACK_HEADER_SIZE - 8u)

/* A region longer than any slot can address makes no sense. */
#define PACK_REGION_RAW_MAX (2u * (SLOT_SIZE_MAX + 1u))

static bool pack_header_is_sane(const struct pack_header *h)
{
	return h->pack > 0 && h->pack <= PACK_NUMBER_MAX && h->slots <= PACK_SLOTS_MAX &&
	       h->regions <= h->slots &&
	       h->directory_size == pack_directory_size(h->regions, h->slots) &&
	       h->length % PACK_ALIGN == 0 && h->length <= UINT32_MAX &&
	       h->length >= UINT64_C(2) * PACK_HEADER_SIZE + h->directory_size + h->tail_size;
}

int pack_header_decode(const uint8_t data[PACK_HEADER_SIZE], const uint8_t uuid[16],
		       struct pack_header *header)
{
	struct wire w;
	struct pack_header h = {0};
	wire_reader(&w, data, PACK_HEADER_SIZE);
	uint64_t magic = wire_get_u64(&w);
	uint16_t format = wire_get_u16(&w);
	h.kind = wire_get_u8(&w);
	uint8_t algorithm = wire_get_u8(&w);
	uint8_t cipher = wire_get_u8(&w);
	wire_get_bytes(&w, 3);
	h.pack = wire_get_u64(&w);
	h.version = wire_get_u32(&w);
	h.regions = wire_get_u32(&w);
	h.slots = wire_get_u32(&w);
	h.directory_size = wire_get_u32(&w);
	h.length = wire_get_u64(&w);
	h.raw = wire_get_u64(&w);
	const uint8_t *owner = wire_get_bytes(&w, 16);
	h.created = (int64_t)wire_get_u64(&w);
	wire_get_bytes(&w, PACK_KEY_CONTEXT_SIZE);
	h.tail_size = wire_get_u32(&w);
	wire_get_bytes(&w, 4);
	h.tail_checksum = wire_get_u64(&w);
	h.directory_checksum = wire_get_u64(&w);
	uint64_t checksum = wire_get_u64(&w);
	ASSERT(!w.error && wire_left(&w) == 0);
	if (magic != PACK_MAGIC || checksum != XXH3_64bits(data, PACK_CHECKED_SIZE) ||
	    memcmp(owner, uuid, 16) != 0)
		return -EBADMSG;
	if (format != SUPERBLOCK_FORMAT || algorithm != FINGERPRINT_SHA256 || cipher != 0)
		return -EPROTONOSUPPORT;
	if (!pack_header_is_sane(&h))
		return -EBADMSG;
	*header = h;
	return 0;
}

void pack_header_encode(const struct pack_header *h, const uint8_t uuid[16],
			uint8_t data[PACK_HEADER_SIZE])
{
	struct wire w;
	ASSERT(pack_header_is_sane(h));
	wire_writer(&w, data, PACK_HEADER_SIZE);
	wire_put_u64(&w, PACK_MAGIC);
	wire_put_u16(&w, SUPERBLOCK_FORMAT);
	wire_put_u8(&w, h->kind);
	wire_put_u8(&w, FINGERPRINT_SHA256);
	wire_put_u8(&w, 0);
	wire_put_zeros(&w, 3);
	wire_put_u64(&w, h->pack);
	wire_put_u32(&w, h->version);
	wire_put_u32(&w, h->regions);
	wire_put_u32(&w, h->slots);
	wire_put_u32(&w, h->directory_size);
	wire_put_u64(&w, h->length);
	wire_put_u64(&w, h->raw);
	wire_put_bytes(&w, uuid, 16);
	wire_put_u64(&w, (uint64_t)h->created);
	wire_put_zeros(&w, PACK_KEY_CONTEXT_SIZE);
	wire_put_u32(&w, h->tail_size);
	wire_put_zeros(&w, 4);
	wire_put_u64(&w, h->tail_checksum);
	wire_put_u64(&w, h->directory_checksum);
	wire_put_u64(&w, XXH3_64bits(data, PACK_CHECKED_SIZE));
	ASSERT(!w.error && wire_left(&w) == 0);
}

/* ---- directory ---- */

int pack_directory_allocate(struct pack_directory *d, uint32_t regions, uint32_t slots)
{
	*d = (struct pack_directory){.regions = regions, .slots = slots};
	d->region = mem_try_zalloc(regions, sizeof(*d->region));
	d->slot = mem_try_zalloc(slots, sizeof(*d->slot));
	d->fingerprint = mem_try_zalloc(slots, sizeof(*d->fingerprint));
	if (d->region && d->slot && d->fingerprint)
		return 0;
	pack_directory_clear(d);
	return -ENOMEM;
}

void pack_directory_clear(struct pack_directory *d)
{
	free(d->region);
	free(d->slot);
	free(d->fingerprint);
	*d = (struct pack_directory){0};
}

size_t pack_directory_memory(const struct pack_directory *d)
{
	return d->regions * sizeof(*d->region) +
	       d->slots * (sizeof(*d->slot) + sizeof(*d->fingerprint));
}

/* Regions lie between directory and tail, in order, and add up to header->raw. */
static int pack_decode_regions(struct wire *w, const struct pack_header *header,
			       struct pack_directory *d)
{
	uint64_t end = PACK_HEADER_SIZE + (uint64_t)header->directory_size;
	uint64_t raw = 0;
	for (uint32_t i = 0; i < d->regions; i++) {
		struct pack_region *r = &d->region[i];
		r->offset = wire_get_u32(w);
		r->stored = wire_get_u32(w);
		r->raw = wire_get_u32(w);
		r->codec = wire_get_u8(w);
		wire_get_bytes(w, 3);
		r->checksum = wire_get_u64(w);
		if (r->offset < end || r->stored == 0 || r->raw == 0 || r->raw > PACK_REGION_RAW_MAX ||
		    r->stored > r->raw)
			return -EBADMSG;
		end = (uint64_t)r->offset + r->stored;
		raw += r->raw;
	}
	return w->error || end > pack_tail_offset(header) || raw != header->raw ? -EBADMSG : 0;
}

static int pack_decode_slots(struct wire *w, struct pack_directory *d)
{
	uint32_t region = PACK_NO_REGION;
	for (uint32_t i = 0; i < d->slots; i++) {
		struct pack_slot *s = &d->slot[i];
		s->offset = wire_get_u32(w);
		uint32_t packed = wire_get_u32(w);
		const uint8_t *fingerprint = wire_get_bytes(w, FINGERPRINT_SIZE);
		if (!fingerprint)
			return -EBADMSG;
		memcpy(d->fingerprint[i].bytes, fingerprint, FINGERPRINT_SIZE);
		s->size = packed & SLOT_SIZE_MAX;
		if (packed >> 24 & SLOT_NEW_REGION)
			region = region == PACK_NO_REGION ? 0 : region + 1;
		s->region = s->size ? region : PACK_NO_REGION;
		if (s->size && (region >= d->regions ||
				(uint64_t)s->offset + s->size > d->region[region].raw))
			return -EBADMSG;
	}
	uint32_t started = region == PACK_NO_REGION ? 0 : region + 1;
	return w->error || started != d->regions ? -EBADMSG : 0;
}

int pack_directory_decode(const struct pack_header *header, const uint8_t *data,
			  struct pack_directory *directory)
{
	struct wire w;
	struct pack_directory d;
	if (XXH3_64bits(data, header->directory_size) != header->directory_checksum)
		return -EBADMSG;
	int error = pack_directory_allocate(&d, header->regions, header->slots);
	if (error)
		return error;
	wire_reader(&w, data, header->directory_size);
	error = pack_decode_regions(&w, header, &d);
	if (!error)
		error = pack_decode_slots(&w, &d);
	if (error) {
		pack_directory_clear(&d);
		return error;
	}
	*directory = d;
	return 0;
}

static void pack_encode_regions(struct wire *w, const struct pack_directory *d)
{
	for (uint32_t i = 0; i < d->regions; i++) {
		const struct pack_region *r = &d->region[i];
		wire_put_u32(w, r->offset);
		wire_put_u32(w, r->stored);
		wire_put_u32(w, r->raw);
		wire_put_u8(w, r->codec);
		wire_put_zeros(w, 3);
		wire_put_u64(w, r->checksum);
	}
}

/* Whether slot `i` is the first of the next region; *region is that of the slots before. */
static bool pack_slot_starts_region(const struct pack_directory *d, uint32_t i, uint32_t *region)
{
	const struct pack_slot *s = &d->slot[i];
	bool starts = s->size && s->region != *region;
	/* Regions come in order and none is without a slot. */
	ASSERT(!starts || s->region == (*region == PACK_NO_REGION ? 0 : *region + 1));
	if (starts)
		*region = s->region;
	return starts;
}

void pack_directory_encode(const struct pack_directory *d, uint8_t *data)
{
	struct wire w;
	uint32_t region = PACK_NO_REGION;
	wire_writer(&w, data, pack_directory_size(d->regions, d->slots));
	pack_encode_regions(&w, d);
	for (uint32_t i = 0; i < d->slots; i++) {
		const struct pack_slot *s = &d->slot[i];
		bool starts = pack_slot_starts_region(d, i, &region);
		wire_put_u32(&w, s->offset);
		wire_put_u32(&w, s->size | (starts ? SLOT_NEW_REGION << 24 : 0));
		wire_put_bytes(&w, d->fingerprint[i].bytes, FINGERPRINT_SIZE);
	}
	ASSERT(!w.error && wire_left(&w) == 0);
}

bool pack_fingerprint_is_known(const struct fingerprint *fingerprint)
{
	static const struct fingerprint none;
	return memcmp(fingerprint, &none, sizeof(none)) != 0;
}

/* ---- tail ---- */

#define TAIL_FLAG_BITS 2u

static void pack_encode_tail_slots(struct wire *w, const struct pack_directory *d)
{
	uint32_t region = PACK_NO_REGION, end = 0;
	for (uint32_t i = 0; i < d->slots; i++) {
		const struct pack_slot *s = &d->slot[i];
		bool starts = pack_slot_starts_region(d, i, &region);
		if (starts)
			end = 0;
		bool moved = s->size && s->offset != end;
		wire_put_varint(w, (uint64_t)s->size << TAIL_FLAG_BITS | (starts ? TAIL_NEW_REGION : 0) |
					   (moved ? TAIL_MOVED : 0));
		if (moved)
			wire_put_varint(w, s->offset);
		if (s->size)
			end = s->offset + s->size;
	}
}

size_t pack_tail_encode(const struct pack_directory *d, uint8_t *data)
{
	struct wire w;
	wire_writer(&w, data, pack_tail_limit(d->regions, d->slots));
	pack_encode_regions(&w, d);
	pack_encode_tail_slots(&w, d);
	ASSERT(!w.error);
	return w.position;
}

/* The slot that a tail's next varints say; `end` is that of the slot before in its region. */
static int pack_decode_tail_slot(struct wire *w, uint32_t *region, uint64_t *end, struct pack_slot *slot)
{
	uint64_t packed = wire_get_varint(w);
	uint64_t size = packed >> TAIL_FLAG_BITS;
	if (size == 0) {
		/* None of these begins a region: pack_directory_encode() relies on that. */
		*slot = (struct pack_slot){.region = PACK_NO_REGION};
		return packed ? -EBADMSG : 0;
	}
	if (packed & TAIL_NEW_REGION) {
		*region = *region == PACK_NO_REGION ? 0 : *region + 1;
		*end = 0;
	}
	uint64_t offset = packed & TAIL_MOVED ? wire_get_varint(w) : *end;
	if (w->error || size > SLOT_SIZE_MAX || offset > UINT32_MAX)
		return -EBADMSG;
	*slot = (struct pack_slot){*region, (uint32_t)offset, (uint32_t)size};
	*end = offset + size;
	return 0;
}

static int pack_decode_tail_slots(struct wire *w, struct pack_directory *d)
{
	uint32_t region = PACK_NO_REGION;
	uint64_t end = 0;
	for (uint32_t i = 0; i < d->slots; i++) {
		struct pack_slot *s = &d->slot[i];
		int error = pack_decode_tail_slot(w, &region, &end, s);
		if (error || (s->size && (region >= d->regions ||
					  (uint64_t)s->offset + s->size > d->region[region].raw)))
			return -EBADMSG;
	}
	uint32_t started = region == PACK_NO_REGION ? 0 : region + 1;
	return w->error || wire_left(w) != 0 || started != d->regions ? -EBADMSG : 0;
}

int pack_tail_decode(const struct pack_header *header, const uint8_t *data,
		     struct pack_directory *directory)
{
	struct wire w;
	struct pack_directory d;
	if (XXH3_64bits(data, header->tail_size) != header->tail_checksum)
		return -EBADMSG;
	int error = pack_directory_allocate(&d, header->regions, header->slots);
	if (error)
		return error;
	wire_reader(&w, data, header->tail_size);
	error = pack_decode_regions(&w, header, &d);
	if (!error)
		error = pack_decode_tail_slots(&w, &d);
	if (error) {
		pack_directory_clear(&d);
		return error;
	}
	*directory = d;
	return 0;
}
