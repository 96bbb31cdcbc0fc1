/* SPDX-License-Identifier: MIT */
/*
 * Runs: opening, looking up, reading in order. A run's files never change once
 * the manifest names them, so nothing here needs a lock. What the disk says is
 * checked before it is used: header, size, each page when it is read.
 */
#include "fs/store/index_run.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>
#include <xxhash.h>

#include "fs/store/index_page.h"
#include "lib/base/cleanup.h"
#include "lib/base/file.h"
#include "lib/base/log.h"
#include "lib/base/mem.h"
#include "lib/base/wire.h"

#define READER_PAGES 32u

char *index_run_path(const char *folder, uint64_t number)
{
	return mem_printf("%s/run-%010" PRIu64, folder, number);
}

char *index_run_filter_path(const char *folder, uint64_t number)
{
	return mem_printf("%s/run-%010" PRIu64 ".filter", folder, number);
}

void index_run_free(struct index_run **run)
{
	struct index_run *r = *run;
	if (!r)
		return;
	if (r->fd >= 0)
		close(r->fd);
	index_filter_bits_free(&r->bits);
	index_filter_free(&r->filter);
	free(r->path);
	free(r->filter_path);
	free(r);
	*run = NULL;
}

void index_run_unlink(const struct index_run *run)
{
	unlink(run->path);
	unlink(run->filter_path);
}

static int run_check_header(const uint8_t *page, const uint8_t uuid[16],
			    const struct index_run_record *record)
{
	struct wire w;
	wire_reader(&w, page, INDEX_PAGE_SIZE);
	bool good = wire_get_u64(&w) == INDEX_RUN_MAGIC;
	good &= wire_get_u32(&w) == INDEX_RUN_VERSION;
	good &= wire_get_u32(&w) == INDEX_PAGE_SIZE;
	good &= wire_get_u64(&w) == record->number;
	good &= wire_get_u64(&w) == record->entries;
	good &= wire_get_u64(&w) == record->pages;
	good &= wire_get_u64(&w) == record->pack_min;
	good &= wire_get_u64(&w) == record->pack_max;
	const uint8_t *stated_uuid = wire_get_bytes(&w, 16);
	good &= stated_uuid && memcmp(stated_uuid, uuid, 16) == 0;
	wire_reader(&w, page + INDEX_PAGE_SIZE - 8, 8);
	good &= wire_get_u64(&w) == XXH3_64bits(page, INDEX_PAGE_SIZE - 8);
	return good ? 0 : -EBADMSG;
}

static int run_check_file(const struct index_run *run, const uint8_t uuid[16])
{
	uint8_t page[INDEX_PAGE_SIZE];
	struct stat st;
	if (fstat(run->fd, &st) < 0)
		return -errno;
	if ((uint64_t)st.st_size != ((uint64_t)run->record.pages + 1) * INDEX_PAGE_SIZE)
		return -EBADMSG;
	int error = file_pread(run->fd, page, sizeof(page), 0);
	return error ? error : run_check_header(page, uuid, &run->record);
}

int index_run_open(const char *folder, const uint8_t uuid[16],
		   const struct index_run_record *record, struct index_run **run)
{
	struct index_run *r = mem_try_zalloc(1, sizeof(*r));
	*run = NULL;
	if (!r)
		return -ENOMEM;
	r->record = *record;
	atomic_init(&r->damaged, record->damaged);
	r->references = 1;
	r->accounted = record->damaged;
	r->path = index_run_path(folder, record->number);
	r->filter_path = index_run_filter_path(folder, record->number);
	r->fd = open(r->path, O_RDONLY | O_CLOEXEC);
	int error = r->fd < 0 ? -errno : run_check_file(r, uuid);
	if (error)
		index_run_free(&r);
	*run = r;
	return error;
}

static int run_rebuild_filter(struct index_run *run)
{
	struct index_filter_writer *writer = NULL;
	struct index_run_reader *reader = NULL;
	struct index_entry entry;
	uint64_t count = 0;
	int error = index_run_reader_new(run, &reader);
	if (!error)
		error = index_filter_writer_new(run->filter_path, run->record.number,
						(uint64_t)run->record.pages * INDEX_PAGE_ENTRIES,
						&writer);
	while (!error && index_run_reader_next(reader, &entry) > 0)
		error = index_filter_writer_add(writer, &entry,
						count++ % INDEX_PAGE_ENTRIES == 0);
	/* A damaged page shifts what follows: such a run cannot have a fence. */
	if (!error && count != run->record.entries)
		error = -EBADMSG;
	if (!error)
		error = index_filter_writer_finish(writer);
	index_filter_writer_free(&writer);
	index_run_reader_free(&reader);
	return error;
}

static int run_read_filter(struct index_run *run)
{
	const struct index_run_record *record = &run->record;
	struct stat st;
	int error = index_filter_open(run->filter_path, record->number, record->entries,
				      record->pages, &run->filter);
	run->disk_bytes = ((uint64_t)record->pages + 1) * INDEX_PAGE_SIZE;
	if (!error && stat(run->filter_path, &st) == 0)
		run->disk_bytes += (uint64_t)st.st_size;
	return error;
}

int index_run_open_filter(struct index_run *run)
{
	int error = run_read_filter(run);
	if (error != -EBADMSG && error != -ENOENT)
		return error;
	log_warning("%s: damaged or missing, made again from the run", run->filter_path);
	error = run_rebuild_filter(run);
	return error ? error : run_read_filter(run);
}

static int run_read_page(const struct index_run *run, uint32_t number, uint8_t *page)
{
	int error = file_pread(run->fd, page, INDEX_PAGE_SIZE,
			       ((uint64_t)number + 1) * INDEX_PAGE_SIZE);
	if (error)
		return error == -ENODATA ? -EBADMSG : error;
	return index_page_check(page, run->record.number, number);
}

int index_run_find(const struct index_run *run, const struct index_entry *key, uint64_t *place,
		   uint64_t *reads)
{
	uint8_t page[INDEX_PAGE_SIZE];
	uint32_t first, last;
	*place = 0;
	index_filter_pages(run->filter, key, &first, &last);
	/* Nearly always one page; more only where fingerprints share their first 32 bits. */
	while (first <= last) {
		/* The later one of two: the first entry of a page makes its page the second. */
		uint32_t middle = last - (last - first) / 2;
		int side, count = run_read_page(run, middle, page);
		(*reads)++;
		if (count < 0)
			return count;
		*place = index_page_find(page, (size_t)count, key, &side);
		if (*place || side == 0 || (side < 0 && middle == first))
			return 0;
		if (side < 0)
			last = middle - 1;
		else
			first = middle + 1;
	}
	return 0;
}

/* ---- reading in order ------------------------------------------------------------------- */

struct index_run_reader {
	struct index_run *run;
	uint8_t *buffer;          /* READER_PAGES pages */
	uint32_t next_page;       /* first one that is not in the buffer */
	uint32_t buffered, at;    /* pages in the buffer, and the one being read */
	size_t position, count;   /* entry in it */
	bool started;
	struct index_entry before;
};

int index_run_reader_new(struct index_run *run, struct index_run_reader **reader)
{
	struct index_run_reader *r = mem_try_zalloc(1, sizeof(*r));
	*reader = NULL;
	if (!r)
		return -ENOMEM;
	r->buffer = mem_try_alloc(READER_PAGES, INDEX_PAGE_SIZE);
	if (!r->buffer) {
		free(r);
		return -ENOMEM;
	}
	r->run = run;
	*reader = r;
	return 0;
}

void index_run_reader_free(struct index_run_reader **reader)
{
	if (!*reader)
		return;
	free((*reader)->buffer);
	free(*reader);
	*reader = NULL;
}

/* Pages that cannot be read become pages that fail their check. */
static void reader_fill(struct index_run_reader *r)
{
	uint32_t left = r->run->record.pages - r->next_page;
	r->buffered = left < READER_PAGES ? left : READER_PAGES;
	r->at = 0;
	uint64_t offset = ((uint64_t)r->next_page + 1) * INDEX_PAGE_SIZE;
	r->next_page += r->buffered;
	if (file_pread(r->run->fd, r->buffer, (size_t)r->buffered * INDEX_PAGE_SIZE, offset) == 0)
		return;
	for (uint32_t i = 0; i < r->buffered; i++) {
		uint8_t *page = r->buffer + (size_t)i * INDEX_PAGE_SIZE;
		if (file_pread(r->run->fd, page, INDEX_PAGE_SIZE,
			       offset + (uint64_t)i * INDEX_PAGE_SIZE) != 0)
			memset(page, 0xff, INDEX_PAGE_SIZE);
	}
}

/* Goes to the next good page; false at the end. */
static bool reader_next_page(struct index_run_reader *r)
{
	r->position = 0;
	r->count = 0;
	while (r->count == 0) {
		if (r->buffered && r->at + 1 < r->buffered)
			r->at++;
		else if (r->next_page < r->run->record.pages)
			reader_fill(r);
		else
			return false;
		int count = index_page_check(r->buffer + (size_t)r->at * INDEX_PAGE_SIZE,
					     r->run->record.number,
					     r->next_page - r->buffered + r->at);
		if (count < 0)
			atomic_store(&r->run->damaged, true);
		r->count = count < 0 ? 0 : (size_t)count;
	}
	return true;
}

int index_run_reader_next(struct index_run_reader *r, struct index_entry *entry)
{
	for (;;) {
		if (r->position == r->count && !reader_next_page(r))
			return 0;
		*entry = index_page_get(r->buffer + (size_t)r->at * INDEX_PAGE_SIZE,
					r->position++);
		if (index_place_pack(entry->place) != 0 &&
		    (!r->started || index_entry_compare(&r->before, entry) < 0))
			break;
		atomic_store(&r->run->damaged, true);
	}
	r->started = true;
	r->before = *entry;
	return 1;
}
