/* SPDX-License-Identifier: MIT */
/*
 * A pack's header, directory and tail out of arbitrary bytes. The checksums are made
 * good first, so that what lies behind them is reached; what decodes must be
 * usable without further checks, and encode to the same directory again. So must be
 * what is salvaged of bytes without such checksums.
 */
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#include "fs/store/pack.h"
#include "fs/store/pack_salvage.h"
#include "lib/base/assert.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void put_u64(uint8_t *at, uint64_t value)
{
	for (int i = 0; i < 8; i++)
		at[i] = (uint8_t)(value >> (8 * i));
}

static void check_usable(const struct pack_directory *d)
{
	for (uint32_t i = 0; i < d->slots; i++) {
		const struct pack_slot *s = &d->slot[i];
		if (s->size == 0)
			continue;
		ASSERT(s->region < d->regions);
		ASSERT((uint64_t)s->offset + s->size <= d->region[s->region].raw);
	}
}

/* Emptied slots keep no offset; all else must come out the same. */
static void check_again(const struct pack_header *header, const struct pack_directory *d)
{
	struct pack_directory back;
	struct pack_header h = *header;
	uint8_t *bytes = malloc(h.directory_size ? h.directory_size : 1);
	ASSERT(bytes != NULL);
	for (uint32_t i = 0, next = 0; i < d->slots; i++) {
		if (d->slot[i].size && d->slot[i].region > next) {
			/* A region of which only emptied slots are left: not what is ever written. */
			free(bytes);
			return;
		}
		if (d->slot[i].size && d->slot[i].region == next)
			next++;
	}
	pack_directory_encode(d, bytes);
	h.directory_checksum = XXH3_64bits(bytes, h.directory_size);
	int error = pack_directory_decode(&h, bytes, &back);
	if (!error) {
		ASSERT(memcmp(back.region, d->region, d->regions * sizeof(*d->region)) == 0);
		pack_directory_clear(&back);
	}
	free(bytes);
}

/* The same bytes as a tail. */
static void check_tail(struct pack_header header, const uint8_t *data, size_t size)
{
	struct pack_directory directory, back;
	header.tail_size = (uint32_t)size;
	header.tail_checksum = XXH3_64bits(data, size);
	if (header.length < UINT64_C(2) * PACK_HEADER_SIZE + header.directory_size + size ||
	    pack_tail_decode(&header, data, &directory) < 0)
		return;
	check_usable(&directory);
	uint8_t *bytes = malloc(pack_tail_limit(directory.regions, directory.slots) + 1);
	ASSERT(bytes != NULL);
	header.tail_size = (uint32_t)pack_tail_encode(&directory, bytes);
	header.tail_checksum = XXH3_64bits(bytes, header.tail_size);
	ASSERT(header.tail_size <= size);
	ASSERT(pack_tail_decode(&header, bytes, &back) == 0);
	ASSERT(memcmp(back.slot, directory.slot, directory.slots * sizeof(*back.slot)) == 0);
	pack_directory_clear(&back);
	free(bytes);
	pack_directory_clear(&directory);
}

struct input {
	uint8_t *data;
	size_t size;
};

static int input_read(void *context, uint64_t offset, void *data, size_t size)
{
	const struct input *in = context;
	if (offset > in->size || size > in->size - offset)
		return -ENODATA;
	memcpy(data, in->data + offset, size);
	return 0;
}

/* The regions that the entries tell of have their checksums, wherever they are. */
static void make_regions_good(const struct pack_header *header, struct input *in)
{
	for (size_t i = 0; i < header->regions; i++) {
		size_t at = PACK_HEADER_SIZE + i * REGION_ENTRY_SIZE;
		uint32_t offset, stored;
		if (at + REGION_ENTRY_SIZE > in->size)
			return;
		memcpy(&offset, in->data + at, 4);
		memcpy(&stored, in->data + at + 4, 4);
		if (offset <= in->size && stored <= in->size - offset)
			put_u64(in->data + at + 16, XXH3_64bits(in->data + offset, stored));
	}
}

static void check_salvage(const struct pack_header *header, const uint8_t *data, size_t size)
{
	struct input in = {malloc(size), size};
	struct pack_directory directory;
	ASSERT(in.data != NULL && fingerprint_start(FINGERPRINT_SHA256) == 0);
	memcpy(in.data, data, size);
	make_regions_good(header, &in);
	const struct pack_source source = {.read = input_read, .context = &in, .length = size};
	if (pack_salvage(&source, header, &directory) == 0) {
		check_usable(&directory);
		if (pack_directory_is_orderly(&directory))
			check_again(header, &directory);
		pack_directory_clear(&directory);
	}
	free(in.data);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t head[PACK_HEADER_SIZE];
	struct pack_header header;
	struct pack_directory directory;
	if (size < PACK_HEADER_SIZE)
		return 0;
	memcpy(head, data, sizeof(head));
	uint8_t *uuid = head + 56;
	size_t left = size - PACK_HEADER_SIZE;
	put_u64(head + 112, XXH3_64bits(data + PACK_HEADER_SIZE, left));
	put_u64(head + 120, XXH3_64bits(head, 120));
	if (pack_header_decode(head, uuid, &header) < 0)
		return 0;
	check_salvage(&header, data, size);
	check_tail(header, data + PACK_HEADER_SIZE, left);
	if (header.directory_size > left)
		return 0;
	header.directory_checksum = XXH3_64bits(data + PACK_HEADER_SIZE, header.directory_size);
	if (pack_directory_decode(&header, data + PACK_HEADER_SIZE, &directory) < 0)
		return 0;
	check_usable(&directory);
	check_again(&header, &directory);
	pack_directory_clear(&directory);
	return 0;
}
