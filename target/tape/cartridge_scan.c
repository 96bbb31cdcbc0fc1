/* SPDX-License-Identifier: MIT */
/*
 * Reading the index's pages: first which of them count, then the records in these.
 *
 * A page that does not fit ends the log. What is behind it was not finished when the
 * power went, or the page is damaged: a second commit is begun only when the first is durable, so
 * two of them that fit together behind a bad page say that it was good once.
 */
#include "target/tape/cartridge_log.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "lib/base/cleanup.h"
#include "lib/base/crc32c.h"
#include "lib/base/file.h"
#include "lib/base/mem.h"

struct page_header {
	uint32_t magic, checksum;
	uint64_t number;
	uint16_t used, flags;
};

/* Pages one after another, PAGE_BATCH at a time. */
struct page_reader {
	int fd;
	uint64_t pages; /* whole ones in the file */
	uint64_t first; /* of those in the buffer */
	unsigned count;
	uint8_t *buffer;
};

static int reader_open(struct page_reader *reader, int fd)
{
	struct stat st;
	if (fstat(fd, &st) < 0)
		return -errno;
	*reader = (struct page_reader){.fd = fd, .pages = (uint64_t)st.st_size / PAGE_SIZE};
	reader->buffer = mem_try_alloc(PAGE_BATCH, PAGE_SIZE);
	return reader->buffer ? 0 : -ENOMEM;
}

/* -ENODATA past the last. */
static int reader_page(struct page_reader *reader, uint64_t number, const uint8_t **page)
{
	if (number >= reader->pages)
		return -ENODATA;
	if (number < reader->first || number >= reader->first + reader->count) {
		uint64_t count = reader->pages - number;
		reader->first = number;
		reader->count = count < PAGE_BATCH ? (unsigned)count : PAGE_BATCH;
		int error = file_pread(reader->fd, reader->buffer, reader->count * PAGE_SIZE,
				       number * PAGE_SIZE);
		if (error) {
			reader->count = 0;
			return error;
		}
	}
	*page = reader->buffer + (number - reader->first) * PAGE_SIZE;
	return 0;
}

static struct page_header page_parse(const uint8_t *page)
{
	struct page_header header;
	struct wire w;
	wire_reader(&w, page, PAGE_HEADER);
	header.magic = wire_get_u32(&w);
	header.checksum = wire_get_u32(&w);
	header.number = wire_get_u64(&w);
	wire_get_u64(&w); /* writer */
	header.used = wire_get_u16(&w);
	header.flags = wire_get_u16(&w);
	return header;
}

/* The page with that number, whose predecessor has the checksum `chain`. */
static bool page_fits(const uint8_t *page, const struct page_header *header, uint64_t number,
		      uint32_t chain)
{
	return header->magic == PAGE_MAGIC && header->number == number &&
	       header->used <= PAGE_ROOM &&
	       header->checksum == crc32c(chain, page + 8, PAGE_SIZE - 8);
}

/* Are there two commits behind the bad page? */
static int scan_behind(struct page_reader *reader, uint64_t bad, bool *damaged)
{
	const uint8_t *page;
	unsigned commits = 0;
	uint32_t chain = 0;
	for (uint64_t number = bad; commits < 2; number++) {
		int error = reader_page(reader, number, &page);
		if (error == -ENODATA)
			break;
		if (error)
			return error;
		struct page_header header = page_parse(page);
		bool fits = number > bad && page_fits(page, &header, number, chain);
		if (!fits)
			commits = 0;
		else if (header.flags & PAGE_COMMIT)
			commits++;
		chain = header.checksum;
	}
	*damaged = commits >= 2;
	return 0;
}

static int scan_pages(struct page_reader *reader, struct page_range *range)
{
	const uint8_t *page;
	uint32_t chain = 0;
	uint64_t number = 0;
	int error;
	while (!(error = reader_page(reader, number, &page))) {
		struct page_header header = page_parse(page);
		if (!page_fits(page, &header, number, chain)) {
			error = scan_behind(reader, number, &range->damaged);
			range->unfinished = !error && !range->damaged;
			return error;
		}
		chain = header.checksum;
		number++;
		if (header.flags & PAGE_COMMIT) {
			range->pages = number;
			range->chain = chain;
		}
	}
	return error == -ENODATA ? 0 : error;
}

int log_scan(int fd, struct page_range *range)
{
	struct page_reader reader;
	*range = (struct page_range){0};
	int error = reader_open(&reader, fd);
	if (error)
		return error;
	CLEANUP_FREE uint8_t *buffer = reader.buffer;
	error = scan_pages(&reader, range);
	if (!error && range->pages == 0)
		error = -EBADMSG;
	return error;
}

static int replay_page(const uint8_t *page,
		       int (*take)(void *context, enum record_type type, struct wire *record),
		       void *context)
{
	struct page_header header = page_parse(page);
	struct wire w;
	if (header.used > PAGE_ROOM)
		return -EBADMSG;
	wire_reader(&w, page + PAGE_HEADER, header.used);
	while (wire_left(&w) > 0) {
		uint8_t type = wire_get_u8(&w);
		if (type == RECORD_END || type >= RECORD_TYPES)
			return -EBADMSG;
		int error = take(context, (enum record_type)type, &w);
		if (!error)
			error = w.error;
		if (error)
			return error;
	}
	return 0;
}

int log_replay(int fd, uint64_t pages,
	       int (*take)(void *context, enum record_type type, struct wire *record),
	       void *context)
{
	struct page_reader reader;
	int error = reader_open(&reader, fd);
	if (error)
		return error;
	CLEANUP_FREE uint8_t *buffer = reader.buffer;
	for (uint64_t number = 0; !error && number < pages; number++) {
		const uint8_t *page;
		error = reader_page(&reader, number, &page);
		if (!error)
			error = replay_page(page, take, context);
	}
	return error == -ENODATA ? -EBADMSG : error;
}
