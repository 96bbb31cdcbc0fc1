/* SPDX-License-Identifier: MIT */
/*
 * Fuzz target for what the fingerprint index reads from disk. The first byte says
 * what the rest is: a manifest, a run's page or a filter file. Checksums are made
 * right first, or nothing would get past them.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include <xxhash.h>

#include "fs/store/index_filter_format.h"
#include "fs/store/index_manifest.h"
#include "fs/store/index_page.h"
#include "lib/base/assert.h"
#include "lib/base/wire.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void put_checksum(uint8_t *at, uint64_t value)
{
	struct wire w;
	wire_writer(&w, at, 8);
	wire_put_u64(&w, value);
}

static void fuzz_manifest(uint8_t *data, size_t size)
{
	static struct index_manifest manifest;
	if (size >= 8)
		put_checksum(data + size - 8, XXH3_64bits(data, size - 8));
	if (index_manifest_parse(data, size, &manifest) != 0)
		return;
	ASSERT(manifest.count <= INDEX_MANIFEST_RUNS_MAX);
	for (size_t i = 0; i < manifest.count; i++)
		ASSERT(manifest.runs[i].number < manifest.next_run);
}

static void fuzz_page(const uint8_t *data, size_t size)
{
	uint8_t page[INDEX_PAGE_SIZE] = {0};
	memcpy(page, data, size < sizeof(page) ? size : sizeof(page));
	put_checksum(page, XXH3_64bits_withSeed(page + 8, INDEX_PAGE_SIZE - 8, 7));
	int count = index_page_check(page, 7, 0);
	for (int i = 0; i < count; i++) {
		struct index_entry entry = index_page_get(page, (size_t)i);
		int side;
		ASSERT(index_place_ref(entry.place).pack <= PACK_NUMBER_MAX);
		(void)index_page_find(page, (size_t)count, &entry, &side);
	}
}

/* The header ends in the table's offset u64, the table's checksum, its own checksum. */
static void filter_fix_checksums(uint8_t *data, size_t size)
{
	struct wire w;
	wire_reader(&w, data + FILTER_HEADER_SIZE - 24, 8);
	uint64_t table = wire_get_u64(&w);
	if (table < size)
		put_checksum(data + FILTER_HEADER_SIZE - 16,
			     XXH3_64bits(data + table, size - table));
	put_checksum(data + FILTER_HEADER_SIZE - 8, XXH3_64bits(data, FILTER_HEADER_SIZE - 8));
}

static void fuzz_filter_ask(const struct index_filter *filter, const uint8_t *data, size_t size)
{
	for (unsigned level = 0; level < INDEX_FILTER_LEVELS; level++) {
		struct index_filter_bits *bits;
		if (index_filter_load(filter, level, &bits) != 0)
			continue;
		for (size_t i = 0; i + FINGERPRINT_SIZE <= size && i < 1024; i += 8) {
			struct fingerprint fingerprint;
			memcpy(fingerprint.bytes, data + i, FINGERPRINT_SIZE);
			struct index_entry key = index_entry_of(&fingerprint);
			uint32_t first, last;
			(void)index_filter_pass(bits, &key);
			index_filter_pages(filter, &key, &first, &last);
		}
		index_filter_bits_free(&bits);
	}
}

static void fuzz_filter(uint8_t *data, size_t size)
{
	char path[64];
	struct wire w;
	struct index_filter *filter;
	if (size < FILTER_HEADER_SIZE)
		return;
	filter_fix_checksums(data, size);
	wire_reader(&w, data + 16, 24);
	uint64_t run = wire_get_u64(&w), entries = wire_get_u64(&w), pages = wire_get_u64(&w);
	int fd = memfd_create("filter", MFD_CLOEXEC);
	if (fd < 0 || write(fd, data, size) != (ssize_t)size)
		abort();
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	if (index_filter_open(path, run, entries, (uint32_t)pages, &filter) == 0) {
		fuzz_filter_ask(filter, data, size);
		index_filter_free(&filter);
	}
	close(fd);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size == 0)
		return 0;
	uint8_t *copy = malloc(size);
	if (!copy)
		return 0;
	memcpy(copy, data + 1, size - 1);
	if (data[0] % 3 == 0)
		fuzz_manifest(copy, size - 1);
	else if (data[0] % 3 == 1)
		fuzz_page(copy, size - 1);
	else
		fuzz_filter(copy, size - 1);
	free(copy);
	return 0;
}
