/* SPDX-License-Identifier: MIT */
/*
 * Filters in memory: reading a filter file (index_filter_format.h) and asking it.
 * A part is its own allocation, so that while one run takes over from others the
 * parts change hands one by one and memory never holds both runs' filters.
 */
#include "fs/store/index_filter.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>
#include <xxhash.h>

#include "fs/store/index_filter_format.h"
#include "lib/base/assert.h"
#include "lib/base/cleanup.h"
#include "lib/base/file.h"
#include "lib/base/mem.h"
#include "lib/base/wire.h"

struct index_filter {
	int fd;
	unsigned part_bits;
	struct filter_place *places;
	uint32_t *fence;
	uint32_t pages;
};

/* What a lookup touches. */
struct filter_part {
	uint8_t *blocks; /* NULL with loaded: lets all through; NULL without: nothing */
	uint32_t count;
	bool loaded;
};

struct index_filter_bits {
	unsigned level, part_bits;
	uint32_t dropped; /* parts before this one have been given up */
	size_t bytes;
	struct filter_part parts[];
};

static const unsigned filter_sample_bits[INDEX_FILTER_LEVELS] = {0, 1, 2, 3, 4, 6};

bool index_filter_samples(unsigned level, const struct index_entry *key)
{
	uint64_t mask = (UINT64_C(1) << filter_sample_bits[level]) - 1;
	return (key->low >> 40 & mask) == 0;
}

void index_filter_free(struct index_filter **filter)
{
	struct index_filter *f = *filter;
	if (!f)
		return;
	if (f->fd >= 0)
		close(f->fd);
	free(f->places);
	free(f->fence);
	free(f);
	*filter = NULL;
}

struct filter_header {
	uint32_t part_bits;
	uint64_t table_offset, table_size, table_checksum;
};

static int filter_parse_header(const uint8_t *data, uint64_t run, uint64_t entries, uint32_t pages,
			       struct filter_header *header)
{
	struct wire w;
	wire_reader(&w, data, FILTER_HEADER_SIZE);
	bool good = wire_get_u64(&w) == FILTER_MAGIC;
	good &= wire_get_u32(&w) == FILTER_VERSION;
	header->part_bits = wire_get_u32(&w);
	good &= wire_get_u64(&w) == run;
	good &= wire_get_u64(&w) == entries;
	good &= wire_get_u64(&w) == pages;
	header->table_offset = wire_get_u64(&w);
	header->table_checksum = wire_get_u64(&w);
	good &= wire_get_u64(&w) == XXH3_64bits(data, FILTER_HEADER_SIZE - 8);
	if (w.error || !good || header->part_bits > FILTER_PART_BITS_MAX)
		return -EBADMSG;
	header->table_size =
		(UINT64_C(1) << header->part_bits) * FILTER_PLACE_SIZE + (uint64_t)pages * 4;
	return 0;
}

/* `end` is where the parts end in the file. */
static int filter_parse_place(struct wire *w, uint64_t end, struct filter_place *place)
{
	uint64_t size = 0;
	place->offset = wire_get_u64(w);
	for (unsigned level = 0; level < INDEX_FILTER_LEVELS; level++) {
		place->blocks[level] = wire_get_u32(w);
		place->checksum[level] = wire_get_u64(w);
		size += (uint64_t)place->blocks[level] * FILTER_BLOCK;
	}
	return place->offset > end || size > end - place->offset ? -EBADMSG : w->error;
}

static int filter_parse_table(struct index_filter *f, const uint8_t *table,
			      const struct filter_header *header)
{
	struct wire w;
	wire_reader(&w, table, header->table_size);
	for (uint32_t i = 0; i < 1u << f->part_bits; i++) {
		int error = filter_parse_place(&w, header->table_offset, &f->places[i]);
		if (error)
			return error;
	}
	for (uint32_t i = 0; i < f->pages; i++)
		f->fence[i] = wire_get_u32(&w);
	return w.error;
}

static int filter_read_table(struct index_filter *f, const struct filter_header *header)
{
	struct stat st;
	if (fstat(f->fd, &st) < 0)
		return -errno;
	if (header->table_size > (uint64_t)st.st_size ||
	    header->table_offset != (uint64_t)st.st_size - header->table_size)
		return -EBADMSG;
	f->places = mem_try_zalloc((size_t)1 << f->part_bits, sizeof(*f->places));
	f->fence = mem_try_alloc(f->pages, sizeof(*f->fence));
	CLEANUP_FREE uint8_t *table = mem_try_alloc(header->table_size, 1);
	if (!f->places || !f->fence || !table)
		return -ENOMEM;
	int error = file_pread(f->fd, table, header->table_size, header->table_offset);
	if (error)
		return error;
	if (XXH3_64bits(table, header->table_size) != header->table_checksum)
		return -EBADMSG;
	return filter_parse_table(f, table, header);
}

int index_filter_open(const char *path, uint64_t run, uint64_t entries, uint32_t pages,
		      struct index_filter **filter)
{
	uint8_t data[FILTER_HEADER_SIZE];
	struct filter_header header;
	struct index_filter *f = mem_try_zalloc(1, sizeof(*f));
	if (!f)
		return -ENOMEM;
	f->fd = open(path, O_RDONLY | O_CLOEXEC);
	int error = f->fd < 0 ? -errno : file_pread(f->fd, data, sizeof(data), 0);
	if (!error)
		error = filter_parse_header(data, run, entries, pages, &header);
	if (!error) {
		f->part_bits = header.part_bits;
		f->pages = pages;
		error = filter_read_table(f, &header);
	}
	if (error)
		index_filter_free(&f);
	*filter = f;
	return error == -ENODATA ? -EBADMSG : error;
}

/* ---- bits -------------------------------------------------------------------------------- */

struct index_filter_bits *index_filter_bits_new(const struct index_filter *filter, unsigned level)
{
	ASSERT(level < INDEX_FILTER_LEVELS);
	size_t parts = index_filter_parts(filter);
	struct index_filter_bits *bits =
		mem_try_zalloc(1, sizeof(*bits) + parts * sizeof(struct filter_part));
	if (!bits)
		return NULL;
	bits->level = level;
	bits->part_bits = filter->part_bits;
	return bits;
}

static void bits_drop(struct index_filter_bits *bits, uint32_t part)
{
	struct filter_part *p = &bits->parts[part];
	if (p->blocks)
		bits->bytes -= (size_t)p->count * FILTER_BLOCK;
	free(p->blocks);
	*p = (struct filter_part){0};
}

void index_filter_bits_free(struct index_filter_bits **bits)
{
	if (!*bits)
		return;
	for (uint32_t i = 0; i < 1u << (*bits)->part_bits; i++)
		bits_drop(*bits, i);
	free(*bits);
	*bits = NULL;
}

unsigned index_filter_bits_level(const struct index_filter_bits *bits)
{
	return bits->level;
}

size_t index_filter_bits_bytes(const struct index_filter_bits *bits)
{
	return bits->bytes;
}

size_t index_filter_level_bytes(const struct index_filter *filter, unsigned level)
{
	size_t bytes = 0;
	for (uint32_t i = 0; i < index_filter_parts(filter); i++)
		bytes += (size_t)filter->places[i].blocks[level] * FILTER_BLOCK;
	return bytes;
}

size_t index_filter_fixed_bytes(const struct index_filter *filter)
{
	return filter->pages * sizeof(*filter->fence) +
	       index_filter_parts(filter) *
		       (sizeof(*filter->places) + sizeof(struct filter_part));
}

uint32_t index_filter_parts(const struct index_filter *filter)
{
	return 1u << filter->part_bits;
}

uint64_t index_filter_part_last(const struct index_filter *filter, uint32_t part)
{
	if (part + 1 == index_filter_parts(filter))
		return UINT64_MAX;
	return ((uint64_t)(part + 1) << (64 - filter->part_bits)) - 1;
}

int index_filter_read_part(const struct index_filter *filter, unsigned level, uint32_t part,
			   uint8_t **blocks)
{
	const struct filter_place *place = &filter->places[part];
	size_t size = (size_t)place->blocks[level] * FILTER_BLOCK;
	uint64_t offset = place->offset;
	*blocks = NULL;
	if (size == 0)
		return 0;
	for (unsigned i = 0; i < level; i++)
		offset += (uint64_t)place->blocks[i] * FILTER_BLOCK;
	/* A block must not lie across two cache lines. */
	CLEANUP_FREE uint8_t *data = mem_try_aligned(FILTER_BLOCK, size);
	if (!data)
		return -ENOMEM;
	int error = file_pread(filter->fd, data, size, offset);
	if (error)
		return error == -ENODATA ? -EBADMSG : error;
	if (XXH3_64bits(data, size) != place->checksum[level])
		return -EBADMSG;
	*blocks = TAKE(data);
	return 0;
}

void index_filter_set_part(const struct index_filter *filter, struct index_filter_bits *bits,
			   uint32_t part, uint8_t *blocks)
{
	struct filter_part *p = &bits->parts[part];
	ASSERT(!p->loaded);
	p->blocks = blocks;
	p->count = blocks ? filter->places[part].blocks[bits->level] : 0;
	p->loaded = true;
	bits->bytes += (size_t)p->count * FILTER_BLOCK;
}

void index_filter_drop_parts(const struct index_filter *filter, struct index_filter_bits *bits,
			     uint64_t last)
{
	while (bits->dropped < index_filter_parts(filter) &&
	       index_filter_part_last(filter, bits->dropped) <= last)
		bits_drop(bits, bits->dropped++);
}

int index_filter_load(const struct index_filter *filter, unsigned level,
		      struct index_filter_bits **bits)
{
	struct index_filter_bits *loaded = index_filter_bits_new(filter, level);
	int error = loaded ? 0 : -ENOMEM;
	for (uint32_t i = 0; !error && i < index_filter_parts(filter); i++) {
		uint8_t *blocks;
		error = index_filter_read_part(filter, level, i, &blocks);
		if (!error)
			index_filter_set_part(filter, loaded, i, blocks);
	}
	if (error)
		index_filter_bits_free(&loaded);
	*bits = loaded;
	return error;
}

static const uint8_t *bits_block(const struct index_filter_bits *bits,
				 const struct filter_part *part, const struct index_entry *key)
{
	return part->blocks +
	       filter_block_of(bits->part_bits, key->high, part->count) * FILTER_BLOCK;
}

void index_filter_prefetch(const struct index_filter_bits *bits, const struct index_entry *key)
{
	const struct filter_part *part = &bits->parts[filter_part_of(bits->part_bits, key->high)];
	if (part->blocks && index_filter_samples(bits->level, key))
		__builtin_prefetch(bits_block(bits, part, key));
}

bool index_filter_pass(const struct index_filter_bits *bits, const struct index_entry *key)
{
	const struct filter_part *part = &bits->parts[filter_part_of(bits->part_bits, key->high)];
	if (!part->loaded || !index_filter_samples(bits->level, key))
		return false;
	if (!part->blocks)
		return true;
	const uint8_t *block = bits_block(bits, part, key);
	/* All eight without a branch: which one is missing first cannot be foretold. */
	unsigned all = 1;
	for (unsigned j = 0; j < 8; j++) {
		unsigned bit = (unsigned)(key->low >> (5 * j)) & 31;
		all &= (unsigned)block[j * 4 + bit / 8] >> bit % 8;
	}
	return all & 1;
}

/* Number of pages whose fence is below `value`. */
static uint32_t fence_below(const struct index_filter *filter, uint64_t value)
{
	uint32_t first = 0, end = filter->pages;
	while (first < end) {
		uint32_t middle = first + (end - first) / 2;
		if (filter->fence[middle] < value)
			first = middle + 1;
		else
			end = middle;
	}
	return first;
}

void index_filter_pages(const struct index_filter *filter, const struct index_entry *key,
			uint32_t *first, uint32_t *last)
{
	uint64_t prefix = key->high >> 32;
	uint32_t below = fence_below(filter, prefix), upto = fence_below(filter, prefix + 1);
	*first = below ? below - 1 : 0;
	*last = upto ? upto - 1 : 0;
}
