/* SPDX-License-Identifier: MIT */
/*
 * Writing the index's pages. Records are gathered in memory; a page is sealed when
 * the next record does not fit or a commit ends it, and sealed pages are written PAGE_BATCH
 * at once.
 */
#include "target/tape/cartridge_log.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "lib/base/assert.h"
#include "lib/base/crc32c.h"
#include "lib/base/fault.h"
#include "lib/base/file.h"
#include "lib/base/mem.h"

#define LOG_ALLOCATION (128u << 10)

int log_start(struct page_log *log, int fd, uint64_t number, uint32_t chain)
{
	uint64_t writer;
	ssize_t n = getrandom(&writer, sizeof(writer), 0);
	ASSERT(n == (ssize_t)sizeof(writer));
	*log = (struct page_log){
		.fd = fd, .writer = writer, .number = number, .chain = chain, .fresh = true};
	log->pages = mem_try_zalloc(PAGE_BATCH, PAGE_SIZE);
	return log->pages ? 0 : -ENOMEM;
}

void log_stop(struct page_log *log)
{
	free(log->pages);
	log->pages = NULL;
}

uint64_t log_size(const struct page_log *log)
{
	return (log->number + (log->used > 0)) * PAGE_SIZE;
}

/* What an earlier writer left behind the last commit goes before anything is written there. */
static int log_cut_stale(struct page_log *log, uint64_t size)
{
	if (!log->fresh)
		return 0;
	if (ftruncate(log->fd, (off_t)size) < 0)
		return -errno;
	log->fresh = false;
	return 0;
}

static void log_write(struct page_log *log)
{
	uint64_t offset = (log->number - log->full) * PAGE_SIZE;
	if (!log->error && fault_hit("cartridge-index-write"))
		log->error = -EIO;
	if (!log->error)
		log->error = log_cut_stale(log, offset);
	if (!log->error)
		log->error = file_pwrite(log->fd, log->pages, log->full * PAGE_SIZE, offset);
	log->full = 0;
	memset(log->pages, 0, PAGE_BATCH * PAGE_SIZE);
}

static void log_seal(struct page_log *log, unsigned flags)
{
	uint8_t *page = log->pages + log->full * PAGE_SIZE;
	struct wire w;
	wire_writer(&w, page, PAGE_HEADER);
	wire_put_u32(&w, PAGE_MAGIC);
	wire_put_u32(&w, 0);
	wire_put_u64(&w, log->number);
	wire_put_u64(&w, log->writer);
	wire_put_u16(&w, (uint16_t)log->used);
	wire_put_u16(&w, (uint16_t)flags);
	wire_put_u32(&w, 0);
	log->chain = crc32c(log->chain, page + 8, PAGE_SIZE - 8);
	w.position = 4;
	wire_put_u32(&w, log->chain);
	log->number++;
	log->used = 0;
	if (++log->full == PAGE_BATCH)
		log_write(log);
}

void log_record(struct page_log *log, const void *record, size_t size)
{
	ASSERT(size > 0 && size <= RECORD_MAX);
	if (log->used + size > PAGE_ROOM)
		log_seal(log, 0);
	memcpy(log->pages + log->full * PAGE_SIZE + PAGE_HEADER + log->used, record, size);
	log->used += (unsigned)size;
}

void log_record_wire(struct page_log *log, const struct wire *w)
{
	ASSERT(!w->error);
	log_record(log, w->data, w->position);
}

int log_commit(struct page_log *log)
{
	ASSERT(log->used > 0);
	log_seal(log, PAGE_COMMIT);
	if (log->full > 0)
		log_write(log);
	return log->error;
}

int log_allocate(struct page_log *log, uint64_t bytes, uint64_t reserve)
{
	/* Pages are not filled to the last byte: half as much again, and a commit's. */
	uint64_t end = log_size(log) + bytes + bytes / 2 + 2 * PAGE_SIZE + reserve;
	if (end <= log->allocated)
		return 0;
	uint64_t from = (log->number - log->full) * PAGE_SIZE;
	int error = log_cut_stale(log, from);
	if (error)
		return error;
	if (fault_hit("cartridge-index-space"))
		return -ENOSPC;
	if (fallocate(log->fd, FALLOC_FL_KEEP_SIZE, (off_t)from,
		      (off_t)(end - from + LOG_ALLOCATION)) < 0 &&
	    errno != EOPNOTSUPP && errno != ENOSYS)
		return -errno;
	log->allocated = end + LOG_ALLOCATION;
	return 0;
}
