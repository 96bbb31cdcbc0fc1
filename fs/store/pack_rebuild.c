/* SPDX-License-Identifier: MIT */
/*
 * Making a pack's beginning again from its end and its regions; see
 * pack_rebuild.h. A region that does not read keeps the fingerprints that the
 * damaged directory has for it, if with them the checksum is right: a bad block
 * over the end of the directory and the start of the first region costs that
 * region and nothing else.
 */
#include "fs/store/pack_rebuild.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#include "fs/chunk/compress.h"
#include "fs/store/pack_salvage.h"
#include "lib/base/cleanup.h"
#include "lib/base/mem.h"

#define REBUILD_BATCH 64u

struct rebuild {
	const struct pack_source *source;
	struct pack_rebuilt *out;
	struct compressor *compressor;
	uint8_t *stored, *raw; /* room for the largest region */
	uint8_t *lost;         /* one a region: 1 if it does not read */
};

static int rebuild_read(const struct rebuild *r, uint64_t offset, void *data, size_t size)
{
	int error = r->source->read(r->source->context, offset, data, size);
	return error == -ENODATA ? -EBADMSG : error;
}

static int rebuild_header_at(struct rebuild *r, uint64_t offset)
{
	uint8_t data[PACK_HEADER_SIZE];
	struct pack_header *h = &r->out->header;
	int error = rebuild_read(r, offset, data, sizeof(data));
	if (!error)
		error = pack_header_decode(data, r->source->uuid, h);
	if (!error && h->length != r->source->length)
		error = -EBADMSG;
	if (error)
		return error;
	memcpy(r->out->head, data, sizeof(data));
	return 0;
}

static int rebuild_header(struct rebuild *r)
{
	if (r->source->length < 2 * PACK_HEADER_SIZE)
		return -EBADMSG;
	r->out->head = mem_try_alloc(1, PACK_HEADER_SIZE);
	if (!r->out->head)
		return -ENOMEM;
	int error = rebuild_header_at(r, 0);
	return error && error != -ENOMEM ? rebuild_header_at(r, r->source->length - PACK_HEADER_SIZE) : error;
}

static int rebuild_layout(struct rebuild *r)
{
	const struct pack_header *h = &r->out->header;
	CLEANUP_FREE uint8_t *tail = mem_try_alloc(1, h->tail_size);
	if (!tail)
		return -ENOMEM;
	int error = rebuild_read(r, pack_tail_offset(h), tail, h->tail_size);
	return error ? error : pack_tail_decode(h, tail, &r->out->directory);
}

static int rebuild_make_head(struct pack_rebuilt *out)
{
	out->head_size = PACK_HEADER_SIZE + out->header.directory_size;
	uint8_t *head = mem_try_resize(out->head, out->head_size, 1);
	if (!head)
		return -ENOMEM;
	out->head = head;
	return 0;
}

/* Header and directory as they were, as far as they read. */
static int rebuild_old_head(struct rebuild *r)
{
	struct pack_rebuilt *out = r->out;
	struct pack_directory *d = &out->directory;
	if (rebuild_make_head(out) < 0)
		return -ENOMEM;
	uint8_t *head = out->head;
	const uint8_t *slots = head + PACK_HEADER_SIZE + (size_t)d->regions * REGION_ENTRY_SIZE;
	int error = rebuild_read(r, PACK_HEADER_SIZE, head + PACK_HEADER_SIZE, out->header.directory_size);
	if (error == -ENOMEM)
		return error;
	for (uint32_t i = 0; i < d->slots && !error; i++)
		if (d->slot[i].size)
			memcpy(d->fingerprint[i].bytes,
			       slots + (size_t)i * SLOT_ENTRY_SIZE + (SLOT_ENTRY_SIZE - FINGERPRINT_SIZE),
			       FINGERPRINT_SIZE);
	return 0;
}

/* ---- regions ---- */

static int rebuild_make_room(struct rebuild *r)
{
	const struct pack_directory *d = &r->out->directory;
	size_t stored = 0, raw = 0;
	for (uint32_t i = 0; i < d->regions; i++) {
		stored = d->region[i].stored > stored ? d->region[i].stored : stored;
		raw = d->region[i].raw > raw ? d->region[i].raw : raw;
	}
	r->compressor = compressor_new();
	r->stored = mem_try_alloc(1, stored);
	r->raw = mem_try_alloc(1, raw);
	r->lost = mem_try_zalloc(d->regions, 1);
	return r->compressor && r->stored && r->raw && r->lost ? 0 : -ENOMEM;
}

static int rebuild_fingerprints(struct rebuild *r, uint32_t region)
{
	struct pack_directory *d = &r->out->directory;
	struct fingerprint_input input[REBUILD_BATCH];
	struct fingerprint made[REBUILD_BATCH];
	uint32_t slot[REBUILD_BATCH];
	size_t n = 0;
	for (uint32_t i = 0; i < d->slots; i++) {
		if (d->slot[i].region == region) {
			input[n] = (struct fingerprint_input){r->raw + d->slot[i].offset, d->slot[i].size};
			slot[n++] = i;
		}
		if (n < REBUILD_BATCH && i + 1 < d->slots)
			continue;
		int error = fingerprint_many(input, n, made);
		if (error)
			return error;
		for (size_t k = 0; k < n; k++)
			d->fingerprint[slot[k]] = made[k];
		n = 0;
	}
	return 0;
}

static int rebuild_region(struct rebuild *r, uint32_t index)
{
	const struct pack_region *region = &r->out->directory.region[index];
	int error = rebuild_read(r, region->offset, r->stored, region->stored);
	if (!error && XXH3_64bits(r->stored, region->stored) != region->checksum)
		error = -EBADMSG;
	if (!error)
		error = compressor_unpack(r->compressor, (enum codec)region->codec, r->stored,
					  region->stored, r->raw, region->raw);
	if (error == -ENOMEM)
		return error;
	if (!error)
		return rebuild_fingerprints(r, index);
	r->lost[index] = 1;
	r->out->unread |= error != -EBADMSG && error != -ENOTSUP;
	return 0;
}

/* ---- the result ---- */

static void rebuild_encode(struct pack_rebuilt *out)
{
	uint8_t *directory = out->head + PACK_HEADER_SIZE;
	pack_directory_encode(&out->directory, directory);
	out->whole = XXH3_64bits(directory, out->header.directory_size) == out->header.directory_checksum;
}

static void rebuild_judge(struct rebuild *r)
{
	struct pack_rebuilt *out = r->out;
	struct pack_directory *d = &out->directory;
	rebuild_encode(out);
	out->unread &= !out->whole;
	for (uint32_t i = 0; i < d->slots && !out->whole; i++)
		if (d->slot[i].size && r->lost[d->slot[i].region])
			d->fingerprint[i] = (struct fingerprint){0};
}

/* The tail is damaged, too. */
static int rebuild_salvage(struct rebuild *r)
{
	struct pack_rebuilt *out = r->out;
	int error = pack_salvage(r->source, &out->header, &out->directory);
	if (!error)
		error = rebuild_make_head(out);
	if (!error && pack_directory_is_orderly(&out->directory))
		rebuild_encode(out);
	out->salvaged = !out->whole;
	return error;
}

static int rebuild_run(struct rebuild *r)
{
	int error = rebuild_header(r);
	if (error)
		return error;
	error = rebuild_layout(r);
	if (error && error != -ENOMEM)
		return rebuild_salvage(r);
	if (!error)
		error = rebuild_old_head(r);
	if (!error)
		error = rebuild_make_room(r);
	for (uint32_t i = 0; !error && i < r->out->directory.regions; i++)
		error = rebuild_region(r, i);
	if (!error)
		rebuild_judge(r);
	return error;
}

int pack_rebuild(const struct pack_source *source, struct pack_rebuilt *rebuilt)
{
	struct rebuild r = {.source = source, .out = rebuilt};
	*rebuilt = (struct pack_rebuilt){0};
	int error = rebuild_run(&r);
	compressor_free(&r.compressor);
	free(r.stored);
	free(r.raw);
	free(r.lost);
	if (error)
		pack_rebuilt_clear(rebuilt);
	return error;
}

void pack_rebuilt_clear(struct pack_rebuilt *rebuilt)
{
	pack_directory_clear(&rebuilt->directory);
	free(rebuilt->head);
	*rebuilt = (struct pack_rebuilt){0};
}
