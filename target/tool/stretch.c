/* SPDX-License-Identifier: MIT */
/* Stretches between filemarks. Invariant: a reader never gives a block whose checksum was not looked at. */
#include "target/tool/stretch.h"

#include <errno.h>
#include <stdlib.h>

#include "lib/base/mem.h"

static void stretch_count(struct stretch *s, const struct cartridge_place *place, uint64_t count)
{
	s->blocks += count;
	s->bytes += count * place->block_size;
	if (s->smallest == 0 || place->block_size < s->smallest)
		s->smallest = place->block_size;
	if (place->block_size > s->largest)
		s->largest = place->block_size;
	if (place->flags & CARTRIDGE_ENCRYPTED)
		s->encrypted = true;
}

int stretch_find(struct cartridge *c, unsigned partition, uint64_t number, struct stretch *stretch)
{
	struct cartridge_extent extent = cartridge_extent(c, partition);
	struct stretch s = {.number = number, .end = extent.objects};
	int error = 0;

	if (number > extent.filemarks)
		return -ENXIO;
	if (number > 0) {
		error = cartridge_find_filemark(c, partition, number - 1, &s.first);
		s.first++;
	}
	if (!error && number < extent.filemarks) {
		s.ended = true;
		error = cartridge_find_filemark(c, partition, number, &s.end);
	}
	if (!error && !s.ended && s.first == s.end)
		return -ENXIO;
	for (uint64_t object = s.first; !error && object < s.end;) {
		struct cartridge_place place;
		uint64_t count;

		error = cartridge_find(c, partition, object, &place);
		if (!error && (place.kind != CARTRIDGE_BLOCKS || place.count == 0))
			return -EBADMSG;
		count = error || place.count > s.end - object ? s.end - object : place.count;
		if (!error)
			stretch_count(&s, &place, count);
		object += count;
	}
	if (!error)
		*stretch = s;
	return error;
}

int stretch_number(struct cartridge *c, unsigned partition, uint64_t object, uint64_t *number)
{
	return cartridge_count_filemarks(c, partition, object, number);
}

void stretch_reader_start(struct stretch_reader *r, struct cartridge *c, unsigned partition,
			  uint64_t first, uint64_t end)
{
	*r = (struct stretch_reader){
		.cartridge = c, .partition = partition, .object = first, .end = end};
}

void stretch_reader_end(struct stretch_reader *r)
{
	free(r->buffer);
	r->buffer = NULL;
}

static int reader_fit(struct stretch_reader *r, size_t size)
{
	uint8_t *buffer;

	if (size <= r->capacity)
		return 0;
	buffer = mem_try_resize(r->buffer, size, 1);
	if (!buffer)
		return -ENOMEM;
	r->buffer = buffer;
	r->capacity = size;
	return 0;
}

/* What to read of the run at r->object. */
static uint64_t reader_portion(const struct stretch_reader *r, const struct cartridge_place *place,
			       size_t most)
{
	uint64_t count = place->count, fit = place->block_size ? most / place->block_size : count;

	if (count > r->end - r->object)
		count = r->end - r->object;
	if (fit == 0)
		fit = 1;
	return count < fit ? count : fit;
}

int stretch_read(struct stretch_reader *r, size_t most, struct stretch_blocks *blocks)
{
	struct cartridge_place place;
	uint64_t count;
	int error;

	*blocks = (struct stretch_blocks){0};
	if (r->object >= r->end)
		return 0;
	r->failed = r->object;
	error = cartridge_find(r->cartridge, r->partition, r->object, &place);
	if (error || place.kind == CARTRIDGE_END || place.count == 0)
		return error ? error : -EBADMSG;
	count = reader_portion(r, &place, most);
	if (place.kind == CARTRIDGE_BLOCKS) {
		if (place.flags & CARTRIDGE_ENCRYPTED)
			return -ENOKEY;
		error = reader_fit(r, count * place.block_size);
		if (!error)
			error = cartridge_pread(r->cartridge, r->partition, r->buffer,
						count * place.block_size, place.offset, true);
		/* Not all of them need be damaged: up to the one that is. */
		if (error == -EIO && count > 1)
			return stretch_read(r, place.block_size, blocks);
		if (error)
			return error;
	}
	*blocks = (struct stretch_blocks){
		.data = r->buffer, .block_size = place.block_size, .count = count};
	r->object += count;
	return 0;
}
