/* SPDX-License-Identifier: MIT */
/*
 * The table of segments: allotting room, reading, writing, syncing, and a
 * bounded number of open descriptors. See segment.h.
 *
 * Invariants: end >= size >= freed; a descriptor with users is never closed;
 * a segment with users is never removed from memory (its file may be).
 */
#include "fs/store/segment.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "fs/format.h"
#include "fs/store/catalogue_sql.h"
#include "fs/store/segment_file.h"
#include "fs/store/segment_table.h"
#include "lib/base/assert.h"
#include "lib/base/cleanup.h"
#include "lib/base/file.h"
#include "lib/base/log.h"
#include "lib/base/mem.h"

#define SEGMENTS_IDLE_MAX 128u

/* ---- the table ---- */

struct segment *segment_find_locked(struct segments *s, uint64_t number)
{
	struct segment *segment;
	HASH_FIND(hh, s->table, &number, sizeof(number), segment);
	return segment;
}

struct segment *segment_add_locked(struct segments *s, uint64_t number)
{
	struct segment *segment = mem_try_zalloc(1, sizeof(*segment));
	if (!segment)
		return NULL;
	segment->number = number;
	segment->fd = -1;
	HASH_ADD(hh, s->table, number, sizeof(segment->number), segment);
	return segment;
}

static void segment_close_locked(struct segments *s, struct segment *segment)
{
	if (segment->fd < 0)
		return;
	ASSERT(segment->users == 0);
	TAILQ_REMOVE(&s->idle, segment, idle_link);
	s->idle_count--;
	close(segment->fd);
	segment->fd = -1;
}

void segment_remove_locked(struct segments *s, struct segment *segment)
{
	HASH_DEL(s->table, segment);
	if (s->current == segment)
		s->current = NULL;
	/* A reader that is still at it frees it when it is done. */
	segment->dropped = true;
	if (segment->users > 0)
		return;
	segment_close_locked(s, segment);
	free(segment);
}

int segment_use(struct segments *s, uint64_t number, struct segment **used)
{
	LOCK_SCOPE(&s->lock);
	struct segment *segment = segment_find_locked(s, number);
	if (!segment)
		return -ENOENT;
	if (segment->fd < 0) {
		int error = segment_file_open(s->path, s->uuid, number, s->options.read_only, &segment->fd);
		if (error)
			return error;
	} else if (segment->users == 0) {
		TAILQ_REMOVE(&s->idle, segment, idle_link);
		s->idle_count--;
	}
	segment->users++;
	*used = segment;
	return 0;
}

void segment_unuse(struct segments *s, struct segment *segment)
{
	LOCK_SCOPE(&s->lock);
	ASSERT(segment->users > 0);
	if (--segment->users > 0)
		return;
	TAILQ_INSERT_TAIL(&s->idle, segment, idle_link);
	s->idle_count++;
	if (segment->dropped) {
		segment_close_locked(s, segment);
		free(segment);
	} else if (s->idle_count > SEGMENTS_IDLE_MAX) {
		segment_close_locked(s, TAILQ_FIRST(&s->idle));
	}
}

/* ---- opening ---- */

static int segments_load_row(struct segments *s, sqlite3_stmt *row)
{
	struct segment *segment = segment_add_locked(s, (uint64_t)sqlite3_column_int64(row, 0));
	if (!segment)
		return -ENOMEM;
	segment->size = (uint64_t)sqlite3_column_int64(row, 1);
	segment->freed = (uint64_t)sqlite3_column_int64(row, 2);
	segment->state = sqlite3_column_int(row, 3) == SEGMENT_SEALED ? SEGMENT_SEALED : SEGMENT_OPEN;
	segment->end = segment->size;
	segment->full = segment->state == SEGMENT_SEALED;
	if (segment->number >= s->next)
		s->next = segment->number + 1;
	if (segment->number > SEGMENT_NUMBER_MAX || segment->size < SEGMENT_HEADER_SIZE ||
	    segment->freed > segment->size - SEGMENT_HEADER_SIZE) {
		log_error("%s: the catalogue's row of segment %llu makes no sense", s->path,
			  (unsigned long long)segment->number);
		return -EBADMSG;
	}
	s->total_bytes += segment->size;
	s->total_freed += segment->freed;
	return 0;
}

static int segments_load(struct segments *s, struct catalogue *catalogue)
{
	int64_t next = 0;
	int error = catalogue_get_meta(catalogue, "next_segment", &next);
	if (error)
		return error;
	s->next = next > 0 ? (uint64_t)next : 1;
	catalogue_read_lock(catalogue);
	sqlite3_stmt *rows = catalogue_statement(catalogue, SQL_SEGMENT_ALL);
	int code = SQLITE_ROW;
	while (!error && (code = sqlite3_step(rows)) == SQLITE_ROW)
		error = segments_load_row(s, rows);
	sqlite3_reset(rows);
	if (!error)
		error = catalogue_errno(catalogue, code, "read the segments");
	catalogue_read_unlock(catalogue);
	return error;
}

/* The open segment with most room left goes on taking packs, others are full. */
static void segments_choose_current(struct segments *s)
{
	for (struct segment *segment = s->table; segment; segment = segment->hh.next) {
		if (segment->state != SEGMENT_OPEN)
			continue;
		segment->full = true;
		if (segment->end < s->options.segment_size && (!s->current || segment->end < s->current->end))
			s->current = segment;
	}
	if (s->current)
		s->current->full = false;
}

int segments_open(const struct segments_options *options, struct catalogue *catalogue,
		  struct segments **segments)
{
	struct segments *s = mem_zalloc(sizeof(*s));
	s->magic = SEGMENTS_MAGIC;
	s->options = *options;
	s->path = mem_strdup(options->store_path);
	s->options.store_path = s->path;
	memcpy(s->uuid, options->uuid, sizeof(s->uuid));
	s->options.uuid = s->uuid;
	pthread_mutex_init(&s->lock, NULL);
	LIST_INIT(&s->touched);
	TAILQ_INIT(&s->idle);
	int error = segments_load(s, catalogue);
	if (!error)
		error = segments_check_files(s);
	if (!error && !options->read_only) {
		error = segments_recover(s, catalogue);
		if (!error)
			segments_choose_current(s);
	}
	if (error)
		segments_close(&s);
	else
		*segments = s;
	return error;
}

void segments_close(struct segments **pointer)
{
	struct segments *s = TAKE(*pointer);
	struct segment *segment, *next;
	if (!s)
		return;
	ASSERT_OBJECT(s, SEGMENTS_MAGIC);
	HASH_ITER(hh, s->table, segment, next)
		segment_remove_locked(s, segment);
	pthread_mutex_destroy(&s->lock);
	s->magic = 0;
	free(s->path);
	free(s);
}

/* ---- packs ---- */

static int segments_start_new_locked(struct segments *s)
{
	int fd = -1;
	if (s->next > SEGMENT_NUMBER_MAX)
		return -ENOSPC;
	int error = segment_file_create(s->path, s->uuid, s->next, &fd);
	if (error)
		return error;
	struct segment *segment = segment_add_locked(s, s->next);
	if (!segment) {
		close(fd);
		return -ENOMEM;
	}
	s->next++;
	segment->fd = fd;
	segment->fresh = true;
	segment->end = segment->size = SEGMENT_HEADER_SIZE;
	TAILQ_INSERT_TAIL(&s->idle, segment, idle_link);
	s->idle_count++;
	s->total_bytes += segment->size;
	s->current = segment;
	return 0;
}

int segments_allocate(struct segments *s, uint64_t length, struct segment_place *place)
{
	ASSERT_OBJECT(s, SEGMENTS_MAGIC);
	ASSERT(length % PACK_ALIGN == 0 && !s->options.read_only);
	LOCK_SCOPE(&s->lock);
	struct segment *segment = s->current;
	if (segment && segment->end + length > s->options.segment_size &&
	    segment->end > SEGMENT_HEADER_SIZE) {
		segment->full = true;
		s->current = NULL;
	}
	if (!s->current) {
		int error = segments_start_new_locked(s);
		if (error)
			return error;
	}
	segment = s->current;
	*place = (struct segment_place){segment->number, segment->end, length};
	segment->end += length;
	segment->uncommitted++;
	return 0;
}

void segments_discard(struct segments *s, const struct segment_place *place)
{
	LOCK_SCOPE(&s->lock);
	struct segment *segment = segment_find_locked(s, place->segment);
	ASSERT(segment && segment->uncommitted > 0);
	segment->uncommitted--;
	if (segment->end == place->offset + place->length) {
		segment->end = place->offset;
		return;
	}
	segment->lost += place->length;
	if (place->offset + place->length > segment->lost_end)
		segment->lost_end = place->offset + place->length;
}

int segments_write(struct segments *s, const struct segment_place *place, const struct iovec *parts,
		   int count)
{
	struct segment *segment;
	int error = segment_use(s, place->segment, &segment);
	if (error)
		return error;
	error = segment_file_write(segment->fd, parts, count, place->offset);
	segment_unuse(s, segment);
	return error;
}

int segments_read(struct segments *s, uint64_t number, uint64_t offset, void *data, size_t size)
{
	struct segment *segment;
	int error = segment_use(s, number, &segment);
	if (!error) {
		error = segment_file_read(segment->fd, data, size, offset);
		segment_unuse(s, segment);
	}
	/* That this process has no descriptor left says nothing of the data. */
	if (error == -EMFILE || error == -ENFILE)
		error = -ENOMEM;
	return error && error != -ENOMEM ? -EIO : error;
}

void segments_will_read(struct segments *s, uint64_t number, uint64_t offset, size_t size)
{
	struct segment *segment;
	if (segment_use(s, number, &segment) < 0)
		return;
	posix_fadvise(segment->fd, (off_t)offset, (off_t)size, POSIX_FADV_WILLNEED);
	segment_unuse(s, segment);
}

static int segments_sync_one(struct segments *s, uint64_t number)
{
	struct segment *segment;
	int error = segment_use(s, number, &segment);
	if (error)
		return error;
	error = file_sync(segment->fd);
	pthread_mutex_lock(&s->lock);
	bool fresh = segment->fresh;
	pthread_mutex_unlock(&s->lock);
	if (!error && fresh) {
		error = segment_file_sync_name(s->path, number);
		pthread_mutex_lock(&s->lock);
		segment->fresh = error != 0;
		pthread_mutex_unlock(&s->lock);
	}
	segment_unuse(s, segment);
	return error;
}

int segments_sync(struct segments *s, const struct segment_place *places, size_t count)
{
	/* Packs are written in order, so the places of one segment mostly follow each other. */
	for (size_t i = 0; i < count; i++) {
		bool seen = false;
		for (size_t j = i; j-- > 0 && !seen;)
			seen = places[j].segment == places[i].segment;
		int error = seen ? 0 : segments_sync_one(s, places[i].segment);
		if (error)
			return error;
	}
	return 0;
}

void segments_get_totals(struct segments *s, struct segments_totals *totals)
{
	LOCK_SCOPE(&s->lock);
	totals->segments = HASH_COUNT(s->table);
	totals->bytes = s->total_bytes;
	totals->freed = s->total_freed;
	totals->punching = !s->no_punching;
}

uint64_t segments_find_sparse(struct segments *s, uint64_t after, unsigned percent)
{
	LOCK_SCOPE(&s->lock);
	uint64_t best = 0;
	for (struct segment *segment = s->table; segment; segment = segment->hh.next) {
		if (segment->number >= after && segment->state == SEGMENT_SEALED &&
		    segment->freed * 100 >= segment->size * percent && (!best || segment->number < best))
			best = segment->number;
	}
	return best;
}
