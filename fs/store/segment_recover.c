/* SPDX-License-Identifier: MIT */
/*
 * Segments after a start: every file that the catalogue names must be there and
 * long enough; what it does not name is the remains of a crash and is removed.
 * Bytes inside the committed end of an open segment that no pack owns (packs of
 * a commit that did not happen, between others of one that did) count as freed.
 */
#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fs/format.h"
#include "fs/store/catalogue_sql.h"
#include "fs/store/segment_file.h"
#include "fs/store/segment_table.h"
#include "lib/base/cleanup.h"
#include "lib/base/log.h"

/* Dead bytes that are still allotted on the host: fewer are not worth a look. */
#define SEGMENT_GAPS_WORTH (256u << 10)

int segments_check_files(struct segments *s)
{
	unsigned missing = 0;
	for (struct segment *segment = s->table; segment; segment = segment->hh.next) {
		CLEANUP_FREE char *path = segment_file_path(s->path, segment->number);
		struct stat st;
		bool there = stat(path, &st) == 0;
		if (there && (uint64_t)st.st_size >= segment->size)
			continue;
		if (missing++ == 0)
			log_error(there ? "%s: the segment is shorter than its packs: data is missing"
					: "%s: the segment is missing",
				  path);
	}
	if (missing > 1)
		log_error("%s: %u segments are missing or cut off", s->path, missing);
	return missing && !s->options.salvage ? -EBADMSG : 0;
}

/* Bytes between packs, and behind the last one, that nobody owns. */
struct segment_gap {
	struct segments *s;
	struct segment *segment;
	uint64_t bytes;
	bool punch; /* give them to the host */
};

static void segment_add_gap(struct segment_gap *gap, uint64_t from, uint64_t to)
{
	if (to <= from)
		return;
	gap->bytes += to - from;
	if (gap->punch)
		segments_punch(gap->s, &(struct segment_place){.segment = gap->segment->number,
							       .offset = from,
							       .length = to - from});
}

static int segment_find_gaps(struct segment_gap *gap, struct catalogue *catalogue)
{
	uint64_t position = SEGMENT_HEADER_SIZE;
	int code;
	catalogue_read_lock(catalogue);
	sqlite3_stmt *packs = catalogue_statement(catalogue, SQL_PACK_IN_SEGMENT);
	sqlite3_bind_int64(packs, 1, (int64_t)gap->segment->number);
	while ((code = sqlite3_step(packs)) == SQLITE_ROW) {
		uint64_t offset = (uint64_t)sqlite3_column_int64(packs, 4);
		uint64_t length = (uint64_t)sqlite3_column_int64(packs, 5);
		segment_add_gap(gap, position, offset);
		if (offset + length > position)
			position = offset + length;
	}
	sqlite3_reset(packs);
	int error = catalogue_errno(catalogue, code, "read a segment's packs");
	catalogue_read_unlock(catalogue);
	if (!error)
		segment_add_gap(gap, position, gap->segment->size);
	return error;
}

/* Counts the gaps of an open segment as freed. */
static int segment_count_gaps(struct segments *s, struct catalogue *catalogue,
			      struct segment *segment)
{
	struct segment_gap gap = {.s = s, .segment = segment};
	int error = segment_find_gaps(&gap, catalogue);
	if (!error && gap.bytes <= segment->size - SEGMENT_HEADER_SIZE) {
		s->total_freed += gap.bytes - segment->freed;
		segment->freed = gap.bytes;
	}
	return error;
}

/* A crash between the commit that freed packs and the punching of their places leaves blocks
 * that nobody else would ever give back. */
static int segment_punch_gaps(struct segments *s, struct catalogue *catalogue,
			      struct segment *segment)
{
	CLEANUP_FREE char *path = segment_file_path(s->path, segment->number);
	struct segment_gap gap = {.s = s, .segment = segment, .punch = true};
	struct stat st;
	if (s->no_punching || segment->freed < SEGMENT_GAPS_WORTH || stat(path, &st) < 0)
		return 0;
	uint64_t taken = (uint64_t)st.st_blocks * 512;
	if (taken <= segment->size - segment->freed + SEGMENT_GAPS_WORTH)
		return 0;
	return segment_find_gaps(&gap, catalogue);
}

static int segment_cut_tail(struct segments *s, struct segment *segment)
{
	CLEANUP_FREE char *path = segment_file_path(s->path, segment->number);
	struct stat st;
	if (stat(path, &st) < 0 || (uint64_t)st.st_size <= segment->size)
		return 0;
	log_info("%s: %" PRIu64 " bytes that were never committed are dropped", path,
		 (uint64_t)st.st_size - segment->size);
	if (truncate(path, (off_t)segment->size) == 0)
		return 0;
	int error = -errno;
	log_error("%s: %s", path, strerror(-error));
	return error;
}

static int segment_remove_unknown(void *context, uint64_t number)
{
	struct segments *s = context;
	if (segment_find_locked(s, number))
		return 0;
	CLEANUP_FREE char *path = segment_file_path(s->path, number);
	log_info("%s: was never committed or is free, and is removed", path);
	return unlink(path) < 0 ? -errno : 0;
}

int segments_recover(struct segments *s, struct catalogue *catalogue)
{
	for (struct segment *segment = s->table; segment; segment = segment->hh.next) {
		int error = 0;
		if (segment->state == SEGMENT_OPEN)
			error = segment_cut_tail(s, segment);
		if (!error && segment->state == SEGMENT_OPEN)
			error = segment_count_gaps(s, catalogue, segment);
		if (!error)
			error = segment_punch_gaps(s, catalogue, segment);
		if (error)
			return error;
	}
	return segment_file_each(s->path, segment_remove_unknown, s);
}
