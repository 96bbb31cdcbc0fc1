/* SPDX-License-Identifier: MIT */
/*
 * What a transaction changes about segments, and giving space back. See
 * segment.h. A segment whose packs are all dead loses its row in the
 * transaction and its file after it; a crash between leaves a file that no row
 * names, which the next open removes.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "fs/format.h"
#include "fs/store/catalogue_sql.h"
#include "fs/store/segment_file.h"
#include "fs/store/segment_table.h"
#include "lib/base/assert.h"
#include "lib/base/cleanup.h"
#include "lib/base/fault.h"
#include "lib/base/log.h"

static struct segment *segment_touch_locked(struct segments *s, struct segment *segment)
{
	if (segment->touched)
		return segment;
	segment->touched = true;
	segment->record_size = segment->size;
	segment->record_freed = segment->freed;
	segment->record_lost = 0;
	segment->record_packs = 0;
	segment->record_drop = false;
	LIST_INSERT_HEAD(&s->touched, segment, touched_link);
	return segment;
}

void segments_record_new(struct segments *s, const struct segment_place *place)
{
	LOCK_SCOPE(&s->lock);
	struct segment *segment = segment_find_locked(s, place->segment);
	ASSERT(segment != NULL);
	segment_touch_locked(s, segment);
	if (place->offset + place->length > segment->record_size)
		segment->record_size = place->offset + place->length;
	segment->record_packs++;
}

void segments_record_free(struct segments *s, const struct segment_place *place)
{
	LOCK_SCOPE(&s->lock);
	/* A catalogue that was damaged may name a place that never was. */
	struct segment *segment = segment_find_locked(s, place->segment);
	if (!segment)
		return;
	segment_touch_locked(s, segment);
	segment->record_freed += place->length;
	if (segment->record_freed > segment->record_size - SEGMENT_HEADER_SIZE)
		segment->record_freed = segment->record_size - SEGMENT_HEADER_SIZE;
}

static bool segment_all_committed(const struct segment *segment)
{
	return segment->full && segment->uncommitted == segment->record_packs;
}

static bool segment_is_empty(const struct segment *segment)
{
	return segment_all_committed(segment) &&
	       segment->record_freed + segment->record_lost >= segment->record_size - SEGMENT_HEADER_SIZE;
}

static enum segment_state segment_record_state(const struct segment *segment)
{
	return segment_all_committed(segment) ? SEGMENT_SEALED : SEGMENT_OPEN;
}

/* What the sizes say is not enough to remove a file: one row of a pack may be damaged. */
static int segment_decide_drop(struct catalogue *catalogue, struct segment *segment)
{
	segment->record_drop = segment_is_empty(segment);
	if (!segment->record_drop)
		return 0;
	sqlite3_stmt *pack = catalogue_statement(catalogue, SQL_PACK_LEFT);
	sqlite3_bind_int64(pack, 1, (int64_t)segment->number);
	int code = sqlite3_step(pack);
	sqlite3_reset(pack);
	segment->record_drop = code == SQLITE_DONE;
	return catalogue_errno(catalogue, code, "look for a segment's packs");
}

static int segment_record_row(struct catalogue *catalogue, struct segment *segment)
{
	sqlite3_stmt *row;
	if (segment->lost_end > segment->record_size)
		segment->record_size = segment->lost_end;
	segment->record_lost = segment->lost;
	int error = segment_decide_drop(catalogue, segment);
	if (error)
		return error;
	if (segment->record_drop) {
		row = catalogue_statement(catalogue, SQL_SEGMENT_DELETE);
		sqlite3_bind_int64(row, 1, (int64_t)segment->number);
		return catalogue_run(catalogue, row, "drop a segment");
	}
	row = catalogue_statement(catalogue, SQL_SEGMENT_PUT);
	sqlite3_bind_int64(row, 1, (int64_t)segment->number);
	sqlite3_bind_int64(row, 2, (int64_t)segment->record_size);
	sqlite3_bind_int64(row, 3, (int64_t)(segment->record_freed + segment->record_lost));
	sqlite3_bind_int(row, 4, segment_record_state(segment));
	return catalogue_run(catalogue, row, "record a segment");
}

static bool segment_is_left_over(const struct segment *segment)
{
	return segment->state == SEGMENT_SEALED && segment->uncommitted == 0 &&
	       segment->freed >= segment->size - SEGMENT_HEADER_SIZE;
}

bool segments_have_empty(struct segments *s)
{
	LOCK_SCOPE(&s->lock);
	for (struct segment *segment = s->table; segment; segment = segment->hh.next)
		if (segment_is_left_over(segment))
			return true;
	return false;
}

void segments_record_empty(struct segments *s)
{
	LOCK_SCOPE(&s->lock);
	for (struct segment *segment = s->table; segment; segment = segment->hh.next)
		if (segment_is_left_over(segment))
			segment_touch_locked(s, segment);
}

/* Segments that have become full and wholly committed since the last time are sealed now. */
static void segments_touch_unsealed_locked(struct segments *s)
{
	for (struct segment *segment = s->table; segment; segment = segment->hh.next)
		if (segment->state == SEGMENT_OPEN && segment->full && segment->uncommitted == 0 &&
		    segment->size > SEGMENT_HEADER_SIZE)
			segment_touch_locked(s, segment);
}

int segments_record_write(struct segments *s, struct catalogue *catalogue)
{
	struct segment *segment;
	LOCK_SCOPE(&s->lock);
	if (LIST_EMPTY(&s->touched))
		return 0;
	segments_touch_unsealed_locked(s);
	LIST_FOREACH(segment, &s->touched, touched_link) {
		int error = segment_record_row(catalogue, segment);
		if (error)
			return error;
	}
	return catalogue_set_meta(catalogue, "next_segment", (int64_t)s->next);
}

static void segment_settle_locked(struct segments *s, struct segment *segment)
{
	ASSERT(segment->uncommitted >= segment->record_packs);
	segment->record_freed += segment->record_lost;
	s->total_bytes += segment->record_size - segment->size;
	s->total_freed += segment->record_freed - segment->freed;
	segment->state = segment_record_state(segment);
	segment->size = segment->record_size;
	segment->freed = segment->record_freed;
	segment->lost -= segment->record_lost;
	segment->uncommitted -= segment->record_packs;
	if (!segment->record_drop)
		return;
	CLEANUP_FREE char *path = segment_file_path(s->path, segment->number);
	if (unlink(path) < 0)
		log_warning("%s: cannot be removed: %s", path, strerror(errno));
	s->total_bytes -= segment->size;
	s->total_freed -= segment->freed;
	segment_remove_locked(s, segment);
}

void segments_settle(struct segments *s, bool committed)
{
	LOCK_SCOPE(&s->lock);
	while (!LIST_EMPTY(&s->touched)) {
		struct segment *segment = LIST_FIRST(&s->touched);
		LIST_REMOVE(segment, touched_link);
		segment->touched = false;
		if (committed)
			segment_settle_locked(s, segment);
	}
}

static int segment_file_punch(int fd, const struct segment_place *place)
{
	return fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, (off_t)place->offset,
			 (off_t)place->length) < 0
		       ? -errno
		       : 0;
}

void segments_give_back(struct segments *s, const struct segment_place *place)
{
	segments_punch(s, place);
	LOCK_SCOPE(&s->lock);
	struct segment *segment = segment_find_locked(s, place->segment);
	ASSERT(segment != NULL);
	if (!s->no_punching || segment->end != place->offset + place->length)
		return;
	CLEANUP_FREE char *path = segment_file_path(s->path, segment->number);
	if (truncate(path, (off_t)place->offset) < 0)
		log_warning("%s: cannot be cut off: %s", path, strerror(errno));
}

void segments_punch(struct segments *s, const struct segment_place *place)
{
	struct segment *segment;
	pthread_mutex_lock(&s->lock);
	bool known = segment_find_locked(s, place->segment) != NULL && !s->no_punching;
	pthread_mutex_unlock(&s->lock);
	if (!known || segment_use(s, place->segment, &segment) < 0)
		return;
	int error = fault_hit("punch") ? -EOPNOTSUPP : segment_file_punch(segment->fd, place);
	if (error) {
		if (error == -EOPNOTSUPP || error == -ENOSYS) {
			pthread_mutex_lock(&s->lock);
			s->no_punching = true;
			pthread_mutex_unlock(&s->lock);
		} else {
			/* Only space is lost, and the next evacuation finds it. */
			log_warning("%s: segment %llu: cannot free space: %s", s->path,
				    (unsigned long long)place->segment, strerror(-error));
		}
	}
	segment_unuse(s, segment);
}
