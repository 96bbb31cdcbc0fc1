/* SPDX-License-Identifier: MIT */
/*
 * A segment's header out of any bytes, as they are and with the checksum made right: it is
 * good only for the store and the number that stand in it, and with no byte changed.
 */
#include <string.h>
#include <xxhash.h>

#include "fs/store/segment_file.h"
#include "lib/base/assert.h"
#include "lib/base/wire.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define NUMBER_AT 16
#define UUID_AT	  24

/* What the header itself says of its number and its store. */
static void check_header(uint8_t header[SEGMENT_HEADER_SIZE], size_t spoilt)
{
	struct wire w;
	uint8_t uuid[16];
	wire_reader(&w, header + NUMBER_AT, 8);
	uint64_t number = wire_get_u64(&w);
	memcpy(uuid, header + UUID_AT, sizeof(uuid));
	if (!segment_header_is_good(header, uuid, number))
		return;
	ASSERT(!segment_header_is_good(header, uuid, number + 1));
	uuid[spoilt % sizeof(uuid)] ^= 1;
	ASSERT(!segment_header_is_good(header, uuid, number));
	uuid[spoilt % sizeof(uuid)] ^= 1;
	header[spoilt % SEGMENT_HEADER_SIZE] ^= 1;
	ASSERT(!segment_header_is_good(header, uuid, number));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t header[SEGMENT_HEADER_SIZE] = {0}, uuid[16] = {0};
	struct wire w;
	if (size)
		memcpy(header, data, size < sizeof(header) ? size : sizeof(header));
	check_header(header, size);
	wire_writer(&w, header + SEGMENT_HEADER_SIZE - 8, 8);
	wire_put_u64(&w, XXH3_64bits(header, SEGMENT_HEADER_SIZE - 8));
	check_header(header, size);
	/* What is written is good. */
	memcpy(uuid, data, size < sizeof(uuid) ? 0 : sizeof(uuid));
	segment_header_encode(uuid, size, header);
	ASSERT(segment_header_is_good(header, uuid, size));
	check_header(header, size);
	return 0;
}
