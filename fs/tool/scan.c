/* SPDX-License-Identifier: MIT */
/*
 * Finds the packs that are in the segment files. From a good pack the next one
 * is at its end; from anything else the scan goes on at the next place where a
 * pack could be, and over the holes that cleaning has punched in one step. A
 * pack whose beginning is damaged is found by the copy of its header at its end.
 */
#include "fs/tool/scan.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fs/format.h"
#include "fs/store/pack_rebuild.h"
#include "fs/store/segment_file.h"
#include "lib/base/cleanup.h"
#include "lib/base/file.h"
#include "lib/base/mem.h"

struct scanner {
	struct scan *scan;
	const char *store_path;
	const uint8_t *uuid;
	int fd;
	uint64_t segment, size;
};

/* A whole directory, as its header promises? */
static int directory_check(const struct scanner *s, uint64_t offset,
			   const struct pack_header *header)
{
	CLEANUP_FREE uint8_t *data = NULL;
	struct pack_directory directory = {0};
	int error;

	if (offset + header->length > s->size)
		return -EBADMSG; /* cut off: it was never committed */
	data = mem_try_alloc(1, header->directory_size ? header->directory_size : 1);
	if (!data)
		return -ENOMEM;
	error = file_pread(s->fd, data, header->directory_size, offset + PACK_HEADER_SIZE);
	if (!error)
		error = pack_directory_decode(header, data, &directory);
	pack_directory_clear(&directory);
	return error;
}

struct scan_source {
	const struct scanner *scanner;
	uint64_t offset;
};

static int rebuild_read(void *context, uint64_t offset, void *data, size_t size)
{
	const struct scan_source *s = context;

	return file_pread(s->scanner->fd, data, size, s->offset + offset);
}

/* Whether a pack of this length that begins here can be read from its end. */
static int pack_check_end(const struct scanner *s, uint64_t offset, struct pack_header *header,
			  bool *partly)
{
	CLEANUP_REBUILT struct pack_rebuilt rebuilt = {0};
	struct scan_source context = {s, offset};
	const struct pack_source source = {.read = rebuild_read,
					   .context = &context,
					   .uuid = s->uuid,
					   .length = header->length};
	int error = pack_rebuild(&source, &rebuilt);

	if (error)
		return error;
	*header = rebuilt.header;
	*partly = !rebuilt.whole;
	return 0;
}

/* A header that stands at the end of this block: that of a pack which ends with it and begins
 * behind `from`. */
static int pack_find_end(const struct scanner *s, uint64_t from, uint64_t block, uint64_t *start,
			 struct pack_header *header, bool *partly)
{
	uint8_t data[PACK_HEADER_SIZE];
	uint64_t end = block + PACK_ALIGN;
	int error = file_pread(s->fd, data, sizeof(data), end - PACK_HEADER_SIZE);

	if (!error)
		error = pack_header_decode(data, s->uuid, header);
	if (!error && header->length > end - from)
		error = -EBADMSG;
	if (error)
		return error;
	*start = end - header->length;
	return pack_check_end(s, *start, header, partly);
}

/* A pack that begins at `offset`, or ends in this block. `from`: what is before it is taken. */
static int pack_find(const struct scanner *s, uint64_t from, uint64_t offset, uint64_t *start,
		     struct pack_header *header, bool *partly)
{
	uint8_t data[PACK_HEADER_SIZE];
	int again, error = file_pread(s->fd, data, sizeof(data), offset);

	*partly = false;
	*start = offset;
	if (error)
		return error;
	if (pack_header_decode(data, s->uuid, header) < 0)
		return pack_find_end(s, from, offset, start, header, partly);
	error = directory_check(s, offset, header);
	if (error != -EBADMSG && error != -EIO)
		return error;
	again = pack_check_end(s, offset, header, partly);
	return again == -EBADMSG ? error : again;
}

static int pack_found(struct scanner *s, uint64_t offset, const struct pack_header *h, bool partly)
{
	struct pack_list *list = &s->scan->packs;

	if (mem_reserve(&list->rows, &list->capacity, list->count + 1, sizeof(*list->rows)))
		return -ENOMEM;
	list->rows[list->count++] = (struct pack_row){.pack = h->pack,
						      .version = h->version,
						      .kind = h->kind,
						      .segment = s->segment,
						      .offset = offset,
						      .length = h->length,
						      .slots = h->slots,
						      .raw = h->raw,
						      .partly = partly};
	return 0;
}

static int place_unreadable(struct scanner *s, uint64_t offset)
{
	struct scan *scan = s->scan;

	if (mem_reserve(&scan->unreadable, &scan->unreadable_capacity, scan->unreadable_count + 1,
			sizeof(*scan->unreadable)))
		return -ENOMEM;
	scan->unreadable[scan->unreadable_count++] = (struct scan_place){s->segment, offset};
	return 0;
}

/* Past a hole in one step; else to the next place where a pack could begin. */
static uint64_t next_place(const struct scanner *s, uint64_t offset)
{
	off_t data = lseek(s->fd, (off_t)offset + PACK_ALIGN, SEEK_DATA);

	if (data < 0)
		return errno == ENXIO ? s->size : offset + PACK_ALIGN;
	return (uint64_t)data / PACK_ALIGN * PACK_ALIGN;
}

static int segment_walk(struct scanner *s, uint64_t *end)
{
	uint64_t offset = SEGMENT_HEADER_SIZE;
	int error = 0;

	while (!error && offset + PACK_HEADER_SIZE <= s->size) {
		struct pack_header header;
		uint64_t start;
		bool partly;

		/* What the disk does not give back is a damaged place like any other. */
		error = pack_find(s, *end, offset, &start, &header, &partly);
		if (error == -ENOMEM)
			break;
		if (error) {
			error = error == -EIO ? place_unreadable(s, offset) : 0;
			offset = next_place(s, offset);
			continue;
		}
		error = pack_found(s, start, &header, partly);
		offset = start + header.length;
		*end = offset;
	}
	return error;
}

static int segment_scan(void *context, uint64_t number)
{
	struct scanner *s = context;
	struct scan *scan = s->scan;
	CLEANUP_FREE char *path = segment_file_path(s->store_path, number);
	CLEANUP_FD int fd = open(path, O_RDONLY | O_CLOEXEC);
	uint64_t end = SEGMENT_HEADER_SIZE;
	struct stat st;
	int error;

	if (fd < 0 || fstat(fd, &st) < 0)
		return -errno;
	s->fd = fd;
	s->segment = number;
	s->size = (uint64_t)st.st_size;
	error = segment_walk(s, &end);
	if (error)
		return error;
	if (mem_reserve(&scan->segments, &scan->segment_capacity, scan->segment_count + 1,
			sizeof(*scan->segments)))
		return -ENOMEM;
	scan->segments[scan->segment_count++] = (struct scan_segment){.number = number, .end = end};
	return 0;
}

static int newer_first(uint64_t x, uint64_t y)
{
	return x < y ? 1 : x > y ? -1 : 0;
}

/* By number; of one number what is whole first, the highest version, what was written last. */
static int by_number(const void *a, const void *b)
{
	const struct pack_row *x = a, *y = b;
	int order = newer_first(y->pack, x->pack);

	if (!order)
		order = newer_first(y->partly, x->partly);
	if (!order)
		order = newer_first(x->version, y->version);
	if (!order)
		order = newer_first(x->segment, y->segment);
	return order ? order : newer_first(x->offset, y->offset);
}

static bool is_known(const struct pack_list *known, const struct pack_row *row)
{
	const struct pack_row *there = pack_list_find(known, row->pack);

	return there && there->version == row->version && there->segment == row->segment &&
	       there->offset == row->offset;
}

static void count_used(struct scan *scan, const struct pack_list *chosen)
{
	for (size_t k = 0; k < scan->segment_count; k++)
		scan->segments[k].used = 0;
	for (size_t i = 0; i < chosen->count; i++)
		for (size_t k = 0; k < scan->segment_count; k++)
			if (scan->segments[k].number == chosen->rows[i].segment) {
				scan->segments[k].used += chosen->rows[i].length;
				break;
			}
}

static bool is_unreadable(const struct scan *scan, const struct pack_row *row)
{
	for (size_t i = 0; i < scan->unreadable_count; i++)
		if (scan->unreadable[i].segment == row->segment &&
		    scan->unreadable[i].offset == row->offset)
			return true;
	return false;
}

static void segment_reach(struct scan *scan, const struct pack_row *row)
{
	for (size_t k = 0; k < scan->segment_count; k++)
		if (scan->segments[k].number == row->segment &&
		    scan->segments[k].end < row->offset + row->length)
			scan->segments[k].end = row->offset + row->length;
}

/* Adds what is known, was not found and lies where the disk gave nothing back. */
static int keep_unreadable(struct scan *scan, const struct pack_list *known, struct pack_list *chosen)
{
	size_t found = chosen->count;

	for (size_t i = 0; i < known->count && scan->unreadable_count; i++) {
		const struct pack_row *row = &known->rows[i];
		struct pack_list sorted = {.rows = chosen->rows, .count = found};

		if (pack_list_find(&sorted, row->pack) || !is_unreadable(scan, row))
			continue;
		if (mem_reserve(&chosen->rows, &chosen->capacity, chosen->count + 1,
				sizeof(*chosen->rows)))
			return -ENOMEM;
		chosen->rows[chosen->count] = *row;
		chosen->rows[chosen->count].bad = chosen->rows[chosen->count].seen = NULL;
		chosen->count++;
		segment_reach(scan, row);
	}
	if (chosen->count > found)
		qsort(chosen->rows, chosen->count, sizeof(*chosen->rows), by_number);
	return 0;
}

int scan_choose(struct scan *scan, const struct pack_list *known, struct pack_list *chosen)
{
	size_t kept = 0;

	if (mem_reserve(&chosen->rows, &chosen->capacity, scan->packs.count, sizeof(*chosen->rows)))
		return -ENOMEM;
	for (size_t i = 0; i < scan->packs.count; i++) {
		const struct pack_row *row = &scan->packs.rows[i];

		if (kept == 0 || chosen->rows[kept - 1].pack != row->pack)
			chosen->rows[kept++] = *row;
		else if (is_known(known, row))
			chosen->rows[kept - 1] = *row;
	}
	chosen->count = kept;
	int error = keep_unreadable(scan, known, chosen);
	count_used(scan, chosen);
	return error;
}

int scan_store(const char *store_path, const uint8_t uuid[16], struct scan *scan)
{
	struct scanner s = {.scan = scan, .store_path = store_path, .uuid = uuid, .fd = -1};
	int error = fingerprint_start(FINGERPRINT_SHA256);

	if (!error)
		error = segment_file_each(store_path, segment_scan, &s);
	if (error)
		return error;
	if (scan->packs.count)
		qsort(scan->packs.rows, scan->packs.count, sizeof(*scan->packs.rows), by_number);
	return 0;
}

void scan_clear(struct scan *scan)
{
	pack_list_clear(&scan->packs);
	free(scan->segments);
	free(scan->unreadable);
	*scan = (struct scan){0};
}
