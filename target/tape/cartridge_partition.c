/* SPDX-License-Identifier: MIT */
/* A partition: opening, appending, cutting, committing. */
#include "target/tape/cartridge_partition.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/cleanup.h"
#include "lib/base/fault.h"
#include "lib/base/file.h"

#define WRITE_BACK	(8u << 20) /* bytes after which the host is asked to begin writing them */
#define UNLOGGED_RUNS	(64u << 10) /* runs after which their pages are written without waiting for a commit */
#define READ_AGAIN	20u /* times, beside a writer that is faster */

/* ---- opening --------------------------------------------------------------------------- */

static int index_create(int folder, const char *name, unsigned number,
			const struct partition_identity *identity)
{
	static const struct cartridge_extent nothing;
	struct page_log log;
	CLEANUP_FD int fd = file_open_regular(folder, name, O_RDWR | O_CREAT | O_TRUNC, 0640);
	if (fd < 0)
		return fd;
	int error = log_start(&log, fd, 0, 0);
	if (error)
		return error;
	records_put_file(&log, number, identity);
	records_put_commit(&log, &nothing, 0);
	error = log_commit(&log);
	log_stop(&log);
	return error ? error : file_sync(fd);
}

int partition_create(int folder, unsigned number, const struct partition_identity *identity)
{
	char index[16], fresh[16], data[16];
	snprintf(index, sizeof(index), "p%u.idx", number);
	snprintf(fresh, sizeof(fresh), "p%u.idx.new", number);
	snprintf(data, sizeof(data), "p%u.data", number);
	CLEANUP_FD int fd = file_open_regular(folder, data, O_RDWR | O_CREAT, 0640);
	if (fd < 0)
		return fd;
	int error = index_create(folder, fresh, number, identity);
	if (error)
		return error;
	return renameat(folder, fresh, folder, index) < 0 ? -errno : 0;
}

static int partition_open_files(int folder, struct partition *p)
{
	char name[16];
	int flags = p->writable ? O_RDWR : O_RDONLY;
	snprintf(name, sizeof(name), "p%u.idx", p->number);
	p->index = file_open_regular(folder, name, flags, 0);
	if (p->index < 0)
		return p->index == -ENOENT ? -EBADMSG : p->index;
	/* A data file that is not there has no byte: the index says what is missing. */
	return data_open(&p->data, folder, p->number, p->writable);
}

static void partition_forget(struct partition *p)
{
	runs_free(&p->runs);
	stretches_free(&p->stretches);
	descriptions_free(&p->descriptions);
	p->committed = (struct cartridge_extent){0};
}

/* The blocks that are wholly in a file that is too short, and what lies before the first other one. */
static int partition_shorten(struct partition *p)
{
	uint64_t object;
	struct cartridge_place place;
	if (p->data_size >= p->committed.bytes)
		return 0;
	int error = runs_find_offset(&p->runs, p->data_size, &object);
	if (!error)
		error = runs_find(&p->runs, object, &place);
	if (!error)
		error = stretches_truncate(&p->stretches, &p->data, p->committed.bytes, place.offset);
	if (error)
		return error;
	runs_truncate(&p->runs, object);
	p->shortened = true;
	return 0;
}

/* Has the log end where the runs end. */
static void partition_log_end(struct partition *p)
{
	if (p->logged <= p->runs.end.objects)
		return;
	records_put_truncate(&p->log, p->runs.end.objects);
	p->logged = p->runs.end.objects;
	if (p->stretches_logged > p->stretches.count)
		p->stretches_logged = p->stretches.count;
}

static void partition_close_files(struct partition *p)
{
	data_close(&p->data);
	if (p->index >= 0)
		close(p->index);
	p->index = -1;
}

static int partition_read(int folder, const struct partition_identity *identity,
			  struct partition *p, struct page_range *range)
{
	int error = partition_open_files(folder, p);
	if (!error)
		error = records_load(p->index, p, identity, range);
	if (!error)
		error = data_size(&p->data, &p->data_size);
	p->written_back = p->data_size;
	return error;
}

static int partition_load(int folder, const struct partition_identity *identity,
			  struct partition *p)
{
	struct page_range range;
	int error = partition_read(folder, identity, p, &range);
	/* A writer beside may have cut the tape off, or put a new index in place of the one that is open
	 * here, meanwhile: everything is read again. */
	for (unsigned n = 0; n < READ_AGAIN && !error && !p->writable &&
			     p->data_size < p->committed.bytes; n++) {
		partition_forget(p);
		partition_close_files(p);
		error = partition_read(folder, identity, p, &range);
	}
	if (error == -ESTALE && !p->writable) {
		partition_forget(p);
		return 0;
	}
	if (error)
		return error;
	p->logged = p->committed.objects;
	p->runs_logged = p->runs.count;
	p->stretches_logged = p->stretches.count;
	p->damaged = range.damaged;
	p->unfinished = range.unfinished;
	error = partition_shorten(p);
	if (error || !p->writable)
		return error;
	error = log_start(&p->log, p->index, range.pages, range.chain);
	if (!error)
		partition_log_end(p);
	return error;
}

int partition_open(int folder, unsigned number, const struct partition_identity *identity,
		   bool writable, struct partition *p)
{
	*p = (struct partition){
		.number = number, .data.folder = -1, .index = -1, .writable = writable,
	};
	pthread_mutex_init(&p->lock, NULL);
	int error = partition_load(folder, identity, p);
	if (error)
		partition_close(p);
	return error;
}

void partition_close(struct partition *p)
{
	/* Kept space is given back. */
	if (partition_reserved(p))
		(void)data_truncate(&p->data, p->data_size);
	if (p->log.allocated && !p->log.error && !p->dirty)
		(void)!ftruncate(p->index, (off_t)(p->log.number * PAGE_SIZE));
	partition_forget(p);
	log_stop(&p->log);
	partition_close_files(p);
	pthread_mutex_destroy(&p->lock);
}

/* ---- committing ------------------------------------------------------------------------ */

/* Gives the log what is only in memory. */
static void partition_log(struct partition *p)
{
	records_put_runs(&p->log, &p->runs, p->logged);
	records_put_checksums(&p->log, &p->stretches, p->stretches_logged);
	p->logged = p->runs.end.objects;
	p->stretches_logged = p->stretches.count;
	p->runs_logged = p->runs.count;
}

static int partition_sync_data(struct partition *p)
{
	if (!p->data_dirty)
		return 0;
	if (fault_hit("cartridge-data-sync"))
		return -EIO;
	int error = file_sync(p->data.change);
	if (!error)
		p->data_dirty = false;
	return error;
}

/* Bytes after the end that the last commit no longer needs. */
static int partition_cut_data(struct partition *p)
{
	if (p->data_size <= p->runs.end.bytes || p->runs.end.bytes < p->committed.bytes)
		return 0;
	int error = data_cut(&p->data, p->runs.end.bytes);
	if (error)
		return error;
	p->data_size = p->runs.end.bytes;
	return 0;
}

int partition_sync(struct partition *p)
{
	if (!p->dirty)
		return p->log.error;
	int error = partition_sync_data(p);
	if (error)
		return error;
	partition_log(p);
	records_put_commit(&p->log, &p->runs.end, p->stretches.tail);
	error = log_commit(&p->log);
	if (!error && fault_hit("cartridge-index-sync"))
		error = -EIO;
	if (!error)
		error = file_sync(p->index);
	if (error)
		return error;
	p->committed = p->runs.end;
	p->dirty = p->shortened = false;
	/* Space comes back early; where it fails the next write tries again. */
	(void)partition_cut_data(p);
	return 0;
}

/* ---- writing --------------------------------------------------------------------------- */

/* Disk space for the records of what is in memory, of more runs and `more` bytes of blocks. */
static int partition_allocate(struct partition *p, unsigned more_runs, uint64_t more)
{
	uint64_t runs = p->runs.count > p->runs_logged ? p->runs.count - p->runs_logged : 0;
	runs += more_runs;
	uint64_t stretches = more / STRETCH_SIZE + 2;
	if (p->stretches.count > p->stretches_logged)
		stretches += p->stretches.count - p->stretches_logged;
	return log_allocate(&p->log, (runs + 3) * 2 * RUN_RECORD + stretches * 5, LOG_RESERVE);
}

/* Long lists of runs are written before the commit that counts them. */
static void partition_log_early(struct partition *p)
{
	if (p->runs.count > p->runs_logged + UNLOGGED_RUNS)
		partition_log(p);
}

/* Bytes that a commit has promised are given up by another one first. */
static int partition_make_way(struct partition *p)
{
	if (p->runs.end.bytes < p->committed.bytes) {
		p->dirty = true;
		int error = partition_sync(p);
		if (error)
			return error;
	}
	return partition_cut_data(p);
}

static int partition_write(struct partition *p, const struct cartridge_blocks *list, unsigned count,
			   uint64_t size)
{
	struct iovec pieces[CARTRIDGE_LIST_MAX];
	uint64_t end = p->runs.end.bytes;
	for (unsigned i = 0; i < count; i++)
		pieces[i] = (struct iovec){
			.iov_base = (void *)(uintptr_t)list[i].data,
			.iov_len = (size_t)list[i].block_size * list[i].count,
		};
	bool half = fault_hit("cartridge-enospc");
	if (half)
		pieces[0].iov_len /= 2;
	int error = fault_hit("cartridge-data-write") ? -EIO : 0;
	if (!error)
		error = file_pwritev(p->data.change, pieces, half ? 1 : count, end);
	if (!error && half)
		error = -ENOSPC;
	if (!error) {
		p->data_size = end + size;
		return 0;
	}
	/* Should this fail as well: the next write finds the file too long. */
	if (data_truncate(&p->data, end))
		p->data_size = end + size;
	return error == -EDQUOT || error == -EFBIG ? -ENOSPC : error;
}

/* The host begins to write what it would else write in partition_sync(). */
static void partition_write_back(struct partition *p)
{
	uint64_t size = p->data_size - p->written_back;
	if (size < WRITE_BACK)
		return;
	(void)sync_file_range(p->data.change, (off_t)p->written_back, (off_t)size, SYNC_FILE_RANGE_WRITE);
	p->written_back = p->data_size;
}

static int blocks_validate(const struct partition *p, const struct cartridge_blocks *blocks)
{
	uint32_t most = blocks->flags & CARTRIDGE_ENCRYPTED ? CARTRIDGE_STORED_MAX : CARTRIDGE_BLOCK_MAX;
	if (blocks->block_size == 0 || blocks->block_size > most || blocks->count == 0 ||
	    blocks->flags > 0xff)
		return -EINVAL;
	return blocks->extra && !partition_description(p, blocks->extra) ? -EINVAL : 0;
}

/* Room in memory and in the index's file, so that nothing can fail once the bytes are written. */
static int partition_prepare(struct partition *p, unsigned count, uint64_t size)
{
	int error = partition_make_way(p);
	if (!error)
		error = runs_reserve(&p->runs, 2 * (size_t)count);
	if (!error)
		error = partition_allocate(p, count, size);
	if (error)
		return error;
	LOCK_SCOPE(&p->lock);
	return stretches_reserve(&p->stretches, size);
}

int partition_append(struct partition *p, const struct cartridge_blocks *list, unsigned count)
{
	uint64_t size = 0;
	int error = count && count <= CARTRIDGE_LIST_MAX ? 0 : -EINVAL;
	for (unsigned i = 0; !error && i < count; i++) {
		error = blocks_validate(p, &list[i]);
		size += (uint64_t)list[i].block_size * list[i].count;
	}
	if (!error && size > SSIZE_MAX)
		error = -EINVAL;
	if (!error)
		error = partition_prepare(p, count, size);
	if (!error)
		error = partition_write(p, list, count, size);
	if (error)
		return error;
	p->dirty = p->data_dirty = true;
	for (unsigned i = 0; i < count; i++) {
		const struct cartridge_blocks *b = &list[i];
		LOCK_SCOPE(&p->lock);
		uint64_t end = p->runs.end.bytes;
		error = runs_add(&p->runs, b->block_size, b->flags, b->extra, b->count);
		if (error)
			return error;
		stretches_add(&p->stretches, end, b->data, (size_t)b->block_size * b->count);
	}
	partition_write_back(p);
	partition_log_early(p);
	return 0;
}

uint64_t partition_reserve(struct partition *p, uint64_t bytes, unsigned runs)
{
	uint64_t reserved = data_reserve(&p->data, p->runs.end.bytes, bytes);
	return reserved != UINT64_MAX && partition_allocate(p, runs, bytes) ? 0 : reserved;
}

uint64_t partition_reserved(const struct partition *p)
{
	return p->data.set_aside > p->data_size ? p->data.set_aside - p->data_size : 0;
}

int partition_append_filemarks(struct partition *p, uint64_t count)
{
	if (count == 0)
		return 0;
	if (count > UINT32_MAX)
		return -EINVAL;
	int error = runs_reserve(&p->runs, 2);
	if (!error)
		error = partition_allocate(p, 1, 0);
	if (error)
		return error;
	LOCK_SCOPE(&p->lock);
	error = runs_add(&p->runs, 0, 0, 0, count);
	if (error)
		return error;
	p->dirty = true;
	partition_log_early(p);
	return 0;
}

int partition_truncate(struct partition *p, uint64_t object)
{
	struct cartridge_place place;
	int error = runs_find(&p->runs, object, &place);
	if (error || place.kind == CARTRIDGE_END)
		return error;
	error = log_allocate(&p->log, PAGE_SIZE, 0);
	if (error)
		return error;
	LOCK_SCOPE(&p->lock);
	error = stretches_truncate(&p->stretches, &p->data, p->runs.end.bytes, place.offset);
	if (error)
		return error;
	p->verified = 0;
	runs_truncate(&p->runs, object);
	p->dirty = true;
	if (p->written_back > place.offset)
		p->written_back = place.offset;
	if (p->runs_logged > p->runs.count)
		p->runs_logged = p->runs.count;
	partition_log_end(p);
	return 0;
}
