/* SPDX-License-Identifier: MIT */
/*
 * Writing a run and its filter in one pass over entries that come in order.
 * The header goes in last; nothing names the files before the manifest does.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>
#include <xxhash.h>

#include "fs/store/index_page.h"
#include "fs/store/index_run.h"
#include "lib/base/assert.h"
#include "lib/base/file.h"
#include "lib/base/mem.h"
#include "lib/base/wire.h"

#define WRITER_PAGES 64u

struct index_run_writer {
	char *folder, *path;
	uint8_t uuid[16];
	int fd;
	bool finished;
	struct index_run_record record; /* pages: sealed ones, in the buffer or in the file */
	uint8_t *buffer;                /* WRITER_PAGES pages */
	uint32_t written;               /* pages that are in the file */
	size_t position;                /* entries in the page being filled */
	struct index_filter_writer *filter;
};

void index_run_writer_free(struct index_run_writer **writer)
{
	struct index_run_writer *w = *writer;
	if (!w)
		return;
	index_filter_writer_free(&w->filter);
	if (w->fd >= 0)
		close(w->fd);
	if (w->fd >= 0 && !w->finished) {
		char *filter = index_run_filter_path(w->folder, w->record.number);
		unlink(w->path);
		unlink(filter);
		free(filter);
	}
	free(w->folder);
	free(w->path);
	free(w->buffer);
	free(w);
	*writer = NULL;
}

static int writer_open(struct index_run_writer *w, uint64_t expected)
{
	char *filter = index_run_filter_path(w->folder, w->record.number);
	int error = index_filter_writer_new(filter, w->record.number, expected, &w->filter);
	free(filter);
	if (error)
		return error;
	w->fd = open(w->path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	return w->fd < 0 ? -errno : 0;
}

int index_run_writer_new(const char *folder, const uint8_t uuid[16], uint64_t number,
			 uint64_t expected, struct index_run_writer **writer)
{
	struct index_run_writer *w = mem_try_zalloc(1, sizeof(*w));
	*writer = NULL;
	if (!w)
		return -ENOMEM;
	w->fd = -1;
	w->folder = mem_strdup(folder);
	w->path = index_run_path(folder, number);
	memcpy(w->uuid, uuid, sizeof(w->uuid));
	w->record.number = number;
	w->record.pack_min = PACK_NUMBER_MAX;
	w->buffer = mem_try_alloc(WRITER_PAGES, INDEX_PAGE_SIZE);
	int error = w->buffer ? writer_open(w, expected) : -ENOMEM;
	if (error)
		index_run_writer_free(&w);
	*writer = w;
	return error;
}

static int writer_flush(struct index_run_writer *w)
{
	uint32_t pages = w->record.pages - w->written;
	int error = file_pwrite(w->fd, w->buffer, (size_t)pages * INDEX_PAGE_SIZE,
				((uint64_t)w->written + 1) * INDEX_PAGE_SIZE);
	w->written += pages;
	return error;
}

static uint8_t *writer_page(const struct index_run_writer *w)
{
	return w->buffer + (size_t)(w->record.pages - w->written) * INDEX_PAGE_SIZE;
}

static int writer_seal_page(struct index_run_writer *w)
{
	index_page_seal(writer_page(w), w->record.number, w->record.pages, w->position);
	w->position = 0;
	if (w->record.pages == UINT32_MAX - 1)
		return -EFBIG;
	w->record.pages++;
	return w->record.pages - w->written == WRITER_PAGES ? writer_flush(w) : 0;
}

int index_run_writer_add(struct index_run_writer *w, const struct index_entry *entry)
{
	uint64_t pack = index_place_pack(entry->place);
	int error = index_filter_writer_add(w->filter, entry, w->position == 0);
	if (error)
		return error;
	index_page_put(writer_page(w), w->position++, entry);
	w->record.entries++;
	if (pack < w->record.pack_min)
		w->record.pack_min = pack;
	if (pack > w->record.pack_max)
		w->record.pack_max = pack;
	return w->position == INDEX_PAGE_ENTRIES ? writer_seal_page(w) : 0;
}

static int writer_put_header(struct index_run_writer *w)
{
	uint8_t *page = w->buffer;
	struct wire wire;
	memset(page, 0, INDEX_PAGE_SIZE);
	wire_writer(&wire, page, INDEX_PAGE_SIZE - 8);
	wire_put_u64(&wire, INDEX_RUN_MAGIC);
	wire_put_u32(&wire, INDEX_RUN_VERSION);
	wire_put_u32(&wire, INDEX_PAGE_SIZE);
	wire_put_u64(&wire, w->record.number);
	wire_put_u64(&wire, w->record.entries);
	wire_put_u64(&wire, w->record.pages);
	wire_put_u64(&wire, w->record.pack_min);
	wire_put_u64(&wire, w->record.pack_max);
	wire_put_bytes(&wire, w->uuid, 16);
	ASSERT(!wire.error);
	wire_writer(&wire, page + INDEX_PAGE_SIZE - 8, 8);
	wire_put_u64(&wire, XXH3_64bits(page, INDEX_PAGE_SIZE - 8));
	return file_pwrite(w->fd, page, INDEX_PAGE_SIZE, 0);
}

int index_run_writer_finish(struct index_run_writer *w, struct index_run **run)
{
	int error = 0;
	*run = NULL;
	if (w->record.entries == 0)
		return 0;
	if (w->position)
		error = writer_seal_page(w);
	if (!error)
		error = writer_flush(w);
	if (!error)
		error = writer_put_header(w);
	if (!error)
		error = file_sync(w->fd);
	if (!error)
		error = index_filter_writer_finish(w->filter);
	if (!error)
		error = file_sync_directory(w->folder);
	if (!error)
		error = index_run_open(w->folder, w->uuid, &w->record, run);
	if (!error)
		error = index_run_open_filter(*run);
	if (error)
		index_run_free(run);
	w->finished = !error;
	return error;
}
