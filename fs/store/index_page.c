/* SPDX-License-Identifier: MIT */
/* Pages of a run: filling, checking, searching. Nothing here trusts what a page says. */
#include "fs/store/index_page.h"

#include <errno.h>
#include <xxhash.h>

#include "lib/base/assert.h"
#include "lib/base/wire.h"

static_assert(INDEX_PAGE_HEADER + INDEX_PAGE_ENTRIES * INDEX_ENTRY_SIZE == INDEX_PAGE_SIZE,
	      "a full page has no slack");

static size_t page_offset(size_t position)
{
	return INDEX_PAGE_HEADER + position * INDEX_ENTRY_SIZE;
}

void index_page_put(uint8_t *page, size_t position, const struct index_entry *entry)
{
	ASSERT(position < INDEX_PAGE_ENTRIES);
	uint8_t *at = page + page_offset(position);
	uint64_t high = htobe64(entry->high), low = htobe64(entry->low);
	uint64_t place = htole64(entry->place & INDEX_PLACE_MASK);
	memcpy(at, &high, 8);
	memcpy(at + 8, &low, 8);
	memcpy(at + 16, &place, 8);
}

void index_page_seal(uint8_t *page, uint64_t run, uint32_t number, size_t count)
{
	ASSERT(count <= INDEX_PAGE_ENTRIES);
	struct wire w;
	memset(page + page_offset(count), 0, INDEX_PAGE_SIZE - page_offset(count));
	wire_writer(&w, page + 8, INDEX_PAGE_HEADER - 8);
	wire_put_u32(&w, number);
	wire_put_u16(&w, (uint16_t)count);
	wire_put_u16(&w, 0);
	wire_writer(&w, page, 8);
	wire_put_u64(&w, XXH3_64bits_withSeed(page + 8, INDEX_PAGE_SIZE - 8, run));
}

int index_page_check(const uint8_t *page, uint64_t run, uint32_t number)
{
	struct wire w;
	wire_reader(&w, page, INDEX_PAGE_HEADER);
	uint64_t checksum = wire_get_u64(&w);
	uint32_t stated_number = wire_get_u32(&w);
	unsigned count = wire_get_u16(&w);
	if (stated_number != number || count > INDEX_PAGE_ENTRIES)
		return -EBADMSG;
	if (checksum != XXH3_64bits_withSeed(page + 8, INDEX_PAGE_SIZE - 8, run))
		return -EBADMSG;
	return (int)count;
}

struct index_entry index_page_get(const uint8_t *page, size_t position)
{
	const uint8_t *at = page + page_offset(position);
	struct index_entry entry;
	memcpy(&entry.high, at, 8);
	memcpy(&entry.low, at + 8, 8);
	memcpy(&entry.place, at + 16, 8);
	entry.high = be64toh(entry.high);
	entry.low = be64toh(entry.low);
	entry.place = le64toh(entry.place) & INDEX_PLACE_MASK;
	return entry;
}

uint64_t index_page_find(const uint8_t *page, size_t count, const struct index_entry *key,
			 int *side)
{
	size_t first = 0, end = count;
	while (first < end) {
		size_t middle = first + (end - first) / 2;
		struct index_entry entry = index_page_get(page, middle);
		int order = index_entry_compare(key, &entry);
		if (order == 0) {
			*side = 0;
			return entry.place;
		}
		if (order < 0)
			end = middle;
		else
			first = middle + 1;
	}
	*side = 0;
	if (first == 0)
		*side = -1;
	else if (first == count)
		*side = 1;
	return 0;
}
