/* SPDX-License-Identifier: MIT */
/*
 * A run's page, 4 KiB: xxh3-64 of the rest (seeded with the run's number) u64,
 * page number u32, entries u16, zero u16, then up to 170 entries of 24 bytes in
 * ascending order: fingerprint's first 16 bytes, pack 40 bits, slot 16, flags 8.
 */
#ifndef FS_STORE_INDEX_PAGE_H
#define FS_STORE_INDEX_PAGE_H

#include <stddef.h>
#include <stdint.h>

#include "fs/store/index_entry.h"

#define INDEX_PAGE_SIZE    4096u
#define INDEX_PAGE_HEADER  16u
#define INDEX_PAGE_ENTRIES ((INDEX_PAGE_SIZE - INDEX_PAGE_HEADER) / INDEX_ENTRY_SIZE)

/* Writes an entry into a page being filled, position 0..INDEX_PAGE_ENTRIES - 1. */
void index_page_put(uint8_t *page, size_t position, const struct index_entry *entry);
/* Clears the unused end and writes the header. */
void index_page_seal(uint8_t *page, uint64_t run, uint32_t number, size_t count);
/* Number of entries, or -EBADMSG for anything but that page of that run. */
int index_page_check(const uint8_t *page, uint64_t run, uint32_t number);
/* Position < what index_page_check() said. */
struct index_entry index_page_get(const uint8_t *page, size_t position);
/* The key's place among `count` entries, 0 when it is not here. *side says where it would be:
 * < 0 in a page before, > 0 in a page after, 0 in this one. */
uint64_t index_page_find(const uint8_t *page, size_t count, const struct index_entry *key,
			 int *side);

#endif
