/* SPDX-License-Identifier: MIT */
/*
 * A pack's end against its beginning; see pack_end.h. The tail is a function of
 * the directory, and the header at the beginning has its checksum: what is made
 * anew and has that checksum is what was written.
 */
#include "fs/store/pack_end.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#include "fs/store/pack_salvage.h"
#include "lib/base/cleanup.h"
#include "lib/base/mem.h"

static int end_read_header(const struct pack_source *source, uint8_t head[PACK_HEADER_SIZE],
			   struct pack_header *header)
{
	if (source->length < PACK_HEADER_SIZE)
		return -EBADMSG;
	int error = source->read(source->context, 0, head, PACK_HEADER_SIZE);
	if (!error)
		error = pack_header_decode(head, source->uuid, header);
	if (!error && header->length != source->length)
		error = -EBADMSG;
	return error == -ENODATA ? -EBADMSG : error;
}

/* False: what was there is not known. */
static bool end_make(const struct pack_header *header, const uint8_t head[PACK_HEADER_SIZE],
		     const struct pack_directory *directory, struct pack_end *end)
{
	size_t tail_size = pack_tail_encode(directory, end->data);
	if (tail_size != header->tail_size || XXH3_64bits(end->data, tail_size) != header->tail_checksum)
		return false;
	memcpy(end->data + tail_size, head, PACK_HEADER_SIZE);
	return true;
}

/* A tail that another program has written in other words may be good all the same. */
static bool end_is_good(const struct pack_header *header, const uint8_t head[PACK_HEADER_SIZE],
			const uint8_t *end)
{
	return XXH3_64bits(end, header->tail_size) == header->tail_checksum &&
	       memcmp(end + header->tail_size, head, PACK_HEADER_SIZE) == 0;
}

static int end_compare(const struct pack_source *source, const struct pack_header *header,
		       const uint8_t head[PACK_HEADER_SIZE], const struct pack_directory *directory,
		       struct pack_end *end)
{
	CLEANUP_FREE uint8_t *there = mem_try_alloc(1, end->size);
	end->data = mem_try_alloc(1, pack_tail_limit(directory->regions, directory->slots) + PACK_HEADER_SIZE);
	if (!there || !end->data)
		return -ENOMEM;
	int error = source->read(source->context, end->offset, there, end->size);
	if (error == -ENOMEM)
		return error;
	bool known = end_make(header, head, directory, end);
	bool good = !error && (known ? memcmp(there, end->data, end->size) == 0 : end_is_good(header, head, there));
	if (good)
		return 0;
	return known ? 1 : -EBADMSG;
}

int pack_end_check(const struct pack_source *source, const struct pack_directory *directory,
		   struct pack_end *end)
{
	uint8_t head[PACK_HEADER_SIZE];
	struct pack_header header;
	*end = (struct pack_end){0};
	int error = end_read_header(source, head, &header);
	if (error)
		return error == -EBADMSG || error == -EPROTONOSUPPORT ? 0 : error;
	if (header.regions != directory->regions || header.slots != directory->slots ||
	    !pack_directory_is_orderly(directory))
		return -EBADMSG;
	struct pack_end made = {.size = header.tail_size + PACK_HEADER_SIZE,
				.offset = pack_tail_offset(&header)};
	error = end_compare(source, &header, head, directory, &made);
	if (error == 1)
		*end = made;
	else
		pack_end_clear(&made);
	return error;
}

void pack_end_clear(struct pack_end *end)
{
	free(end->data);
	*end = (struct pack_end){0};
}
