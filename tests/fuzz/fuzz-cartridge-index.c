/* SPDX-License-Identifier: MIT */
/*
 * Any bytes as the index of a cartridge. The first byte chooses: the rest is the file as it is, or
 * records, two bytes of length before those of each page, in pages that are right. What is
 * accepted keeps to the limits, can be searched, and is the same after it has been written
 * and read again.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "lib/base/assert.h"
#include "lib/base/file.h"
#include "target/tape/cartridge_partition.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define UUID_AT 4u /* in the first record */

static void partition_new(struct partition *p)
{
	*p = (struct partition){.data.folder = -1, .index = -1};
	pthread_mutex_init(&p->lock, NULL);
}

static int load(int fd, const struct partition_identity *identity, struct partition *p)
{
	struct page_range range;
	partition_new(p);
	return records_load(fd, p, identity, &range);
}

static void check_searches(const struct partition *p)
{
	struct cartridge_place place = {0};
	uint64_t object = 0, found, offset = 0, filemarks = 0;
	while (object < p->runs.end.objects) {
		ASSERT(runs_find(&p->runs, object, &place) == 0 && place.count > 0);
		ASSERT(place.offset == offset && place.filemarks == filemarks);
		ASSERT(place.block_size <= CARTRIDGE_BLOCK_MAX);
		if (place.kind == CARTRIDGE_FILEMARKS)
			ASSERT(runs_find_filemark(&p->runs, filemarks, &found) == 0 && found == object);
		else
			ASSERT(runs_find_offset(&p->runs, offset, &found) == 0 && found == object);
		if (place.extra)
			ASSERT(partition_description(p, place.extra) != NULL);
		object += place.count;
		offset += place.count * place.block_size;
		filemarks += place.kind == CARTRIDGE_FILEMARKS ? place.count : 0;
	}
	ASSERT(object == p->runs.end.objects && offset == p->runs.end.bytes);
	ASSERT(filemarks == p->runs.end.filemarks);
	ASSERT(p->stretches.count == offset / STRETCH_SIZE);
}

static void check_written_again(struct partition *p, const struct partition_identity *identity)
{
	struct partition again;
	struct page_log log;
	int fd = memfd_create("index", MFD_CLOEXEC);
	ASSERT(fd >= 0 && log_start(&log, fd, 0, 0) == 0);
	records_put_file(&log, 0, identity);
	for (size_t n = 0; n < p->descriptions.count; n++)
		if (p->descriptions.list[n].data)
			records_put_description(&log, (uint32_t)n + 1, &p->descriptions.list[n]);
	records_put_runs(&log, &p->runs, 0);
	records_put_checksums(&log, &p->stretches, 0);
	records_put_commit(&log, &p->runs.end, p->stretches.tail);
	ASSERT(log_commit(&log) == 0);
	log_stop(&log);
	ASSERT(load(fd, identity, &again) == 0);
	ASSERT(again.runs.end.objects == p->runs.end.objects);
	ASSERT(again.runs.end.bytes == p->runs.end.bytes);
	ASSERT(again.stretches.count == p->stretches.count);
	ASSERT(again.stretches.tail == p->stretches.tail);
	check_searches(&again);
	partition_close(&again);
	close(fd);
}

static void put_pages(int fd, const uint8_t *data, size_t size)
{
	struct page_log log;
	ASSERT(log_start(&log, fd, 0, 0) == 0);
	while (size > 2) {
		size_t part = (size_t)(data[0] | data[1] << 8) % (PAGE_ROOM + 1);
		data += 2;
		size -= 2;
		if (part > size)
			part = size;
		/* In pieces: a page that is full would be sealed by a record. */
		for (size_t at = 0; at < part; at += RECORD_MAX)
			log_record(&log, data + at, part - at < RECORD_MAX ? part - at : RECORD_MAX);
		if (part > 0)
			ASSERT(log_commit(&log) == 0);
		data += part;
		size -= part;
	}
	log_stop(&log);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct partition_identity identity = {.epoch = 1};
	struct partition p;
	if (size < 1)
		return 0;
	bool raw = data[0] == 0;
	size_t uuid = 1 + UUID_AT + (raw ? PAGE_HEADER : 2);
	if (size >= uuid + sizeof(identity.uuid))
		memcpy(identity.uuid, data + uuid, sizeof(identity.uuid));
	int fd = memfd_create("index", MFD_CLOEXEC);
	ASSERT(fd >= 0);
	if (raw)
		ASSERT(size == 1 || file_pwrite(fd, data + 1, size - 1, 0) == 0);
	else
		put_pages(fd, data + 1, size - 1);
	if (load(fd, &identity, &p) == 0) {
		check_searches(&p);
		check_written_again(&p, &identity);
	}
	partition_close(&p);
	close(fd);
	return 0;
}
