/* SPDX-License-Identifier: MIT */
/*
 * Writing a filter file (index_filter_format.h). Entries come in ascending order,
 * so parts are completed one after another: memory is bounded by one part, the
 * table and the fence, whatever the size of the run.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>
#include <xxhash.h>

#include "fs/store/index_filter_format.h"
#include "fs/store/index_page.h"
#include "lib/base/assert.h"
#include "lib/base/file.h"
#include "lib/base/mem.h"
#include "lib/base/wire.h"

#define FILTER_PART_ROOM (2u * FILTER_PART_ENTRIES)

struct filter_key {
	uint64_t high, low;
};

struct index_filter_writer {
	char *path;
	int fd;
	bool finished, overflow;
	uint64_t run, entries, offset;
	unsigned part_bits, bits_per_key;
	uint32_t part; /* being filled */
	size_t key_count;
	struct filter_key *keys; /* FILTER_PART_ROOM */
	uint8_t *blocks;         /* room for a part of level 0 */
	struct filter_place *places;
	uint32_t *fence;
	uint64_t pages, pages_room;
};

/* Every lookup of an absent fingerprint asks each run, so the small runs, of which there are
 * more, get filters that err less; they cost little. */
static unsigned filter_bits_per_key(uint64_t expected)
{
	if (expected >= UINT64_C(32) << 20)
		return 11;
	return expected >= UINT64_C(4) << 20 ? 13 : 16;
}

static size_t filter_blocks_for(size_t keys, unsigned bits_per_key)
{
	size_t blocks = (keys * bits_per_key + FILTER_BLOCK * 8 - 1) / (FILTER_BLOCK * 8);
	return blocks ? blocks : 1;
}

void index_filter_writer_free(struct index_filter_writer **writer)
{
	struct index_filter_writer *w = *writer;
	if (!w)
		return;
	if (w->fd >= 0)
		close(w->fd);
	if (w->fd >= 0 && !w->finished)
		unlink(w->path);
	free(w->path);
	free(w->keys);
	free(w->blocks);
	free(w->places);
	free(w->fence);
	free(w);
	*writer = NULL;
}

int index_filter_writer_new(const char *path, uint64_t run, uint64_t expected,
			    struct index_filter_writer **writer)
{
	struct index_filter_writer *w = mem_try_zalloc(1, sizeof(*w));
	if (!w)
		return -ENOMEM;
	w->fd = -1;
	w->run = run;
	w->offset = FILTER_HEADER_SIZE;
	w->bits_per_key = filter_bits_per_key(expected);
	while (w->part_bits < FILTER_PART_BITS_MAX &&
	       expected >> w->part_bits > FILTER_PART_ENTRIES)
		w->part_bits++;
	w->pages_room = expected / INDEX_PAGE_ENTRIES + 1;
	w->path = mem_printf("%s", path);
	w->keys = mem_try_alloc(FILTER_PART_ROOM, sizeof(*w->keys));
	w->blocks = mem_try_alloc(filter_blocks_for(FILTER_PART_ROOM, w->bits_per_key), FILTER_BLOCK);
	w->places = mem_try_zalloc((size_t)1 << w->part_bits, sizeof(*w->places));
	w->fence = mem_try_alloc(w->pages_room, sizeof(*w->fence));
	int error = w->keys && w->blocks && w->places && w->fence ? 0 : -ENOMEM;
	if (!error) {
		w->fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
		error = w->fd < 0 ? -errno : 0;
	}
	if (error)
		index_filter_writer_free(&w);
	*writer = w;
	return error;
}

static size_t filter_sample(struct index_filter_writer *w, unsigned level)
{
	size_t kept = 0;
	for (size_t i = 0; i < w->key_count; i++) {
		struct index_entry key = {w->keys[i].high, w->keys[i].low, 0};
		if (index_filter_samples(level, &key))
			w->keys[kept++] = w->keys[i];
	}
	return kept;
}

static void filter_set(struct index_filter_writer *w, uint32_t blocks)
{
	memset(w->blocks, 0, (size_t)blocks * FILTER_BLOCK);
	for (size_t i = 0; i < w->key_count; i++) {
		uint8_t *block = w->blocks +
			filter_block_of(w->part_bits, w->keys[i].high, blocks) * FILTER_BLOCK;
		for (unsigned j = 0; j < 8; j++) {
			unsigned bit = (unsigned)(w->keys[i].low >> (5 * j)) & 31;
			block[j * 4 + bit / 8] |= (uint8_t)(1u << bit % 8);
		}
	}
}

/* Writes the part that is complete. Each level's sample is within the one before. */
static int filter_write_part(struct index_filter_writer *w)
{
	struct filter_place *place = &w->places[w->part];
	place->offset = w->offset;
	for (unsigned level = 0; level < INDEX_FILTER_LEVELS && !w->overflow; level++) {
		w->key_count = filter_sample(w, level);
		uint32_t blocks = (uint32_t)filter_blocks_for(w->key_count, w->bits_per_key);
		size_t size = (size_t)blocks * FILTER_BLOCK;
		filter_set(w, blocks);
		place->blocks[level] = blocks;
		place->checksum[level] = XXH3_64bits(w->blocks, size);
		int error = file_pwrite(w->fd, w->blocks, size, w->offset);
		if (error)
			return error;
		w->offset += size;
	}
	w->key_count = 0;
	w->overflow = false;
	w->part++;
	return 0;
}

static int filter_advance(struct index_filter_writer *w, uint32_t part)
{
	while (w->part < part) {
		int error = filter_write_part(w);
		if (error)
			return error;
	}
	return 0;
}

int index_filter_writer_add(struct index_filter_writer *w, const struct index_entry *entry,
			    bool new_page)
{
	int error = filter_advance(w, filter_part_of(w->part_bits, entry->high));
	if (error)
		return error;
	if (new_page) {
		ASSERT(w->pages < w->pages_room);
		w->fence[w->pages++] = (uint32_t)(entry->high >> 32);
	}
	w->entries++;
	if (w->key_count == FILTER_PART_ROOM)
		w->overflow = true;
	if (!w->overflow)
		w->keys[w->key_count++] = (struct filter_key){entry->high, entry->low};
	return 0;
}

static void filter_put_table(const struct index_filter_writer *w, struct wire *table)
{
	for (uint32_t i = 0; i < 1u << w->part_bits; i++) {
		wire_put_u64(table, w->places[i].offset);
		for (unsigned level = 0; level < INDEX_FILTER_LEVELS; level++) {
			wire_put_u32(table, w->places[i].blocks[level]);
			wire_put_u64(table, w->places[i].checksum[level]);
		}
	}
	for (uint64_t i = 0; i < w->pages; i++)
		wire_put_u32(table, w->fence[i]);
}

static void filter_put_header(const struct index_filter_writer *w, uint64_t table_checksum,
			      uint8_t header[FILTER_HEADER_SIZE])
{
	struct wire wire;
	wire_writer(&wire, header, FILTER_HEADER_SIZE);
	wire_put_u64(&wire, FILTER_MAGIC);
	wire_put_u32(&wire, FILTER_VERSION);
	wire_put_u32(&wire, w->part_bits);
	wire_put_u64(&wire, w->run);
	wire_put_u64(&wire, w->entries);
	wire_put_u64(&wire, w->pages);
	wire_put_u64(&wire, w->offset);
	wire_put_u64(&wire, table_checksum);
	wire_put_u64(&wire, XXH3_64bits(header, FILTER_HEADER_SIZE - 8));
	ASSERT(!wire.error);
}

int index_filter_writer_finish(struct index_filter_writer *w)
{
	uint8_t header[FILTER_HEADER_SIZE];
	struct wire wire;
	int error = filter_advance(w, 1u << w->part_bits);
	if (error)
		return error;
	size_t size = ((size_t)1 << w->part_bits) * FILTER_PLACE_SIZE + w->pages * 4;
	uint8_t *table = mem_try_alloc(size, 1);
	if (!table)
		return -ENOMEM;
	wire_writer(&wire, table, size);
	filter_put_table(w, &wire);
	ASSERT(!wire.error);
	filter_put_header(w, XXH3_64bits(table, size), header);
	error = file_pwrite(w->fd, table, size, w->offset);
	free(table);
	if (!error)
		error = file_pwrite(w->fd, header, sizeof(header), 0);
	if (!error)
		error = file_sync(w->fd);
	w->finished = !error;
	return error;
}
