/* SPDX-License-Identifier: MIT */
/*
 * Gaps: bytes inside a segment's committed end that no row of the catalogue
 * owns, found when the store is opened. In an open segment they are packs of a
 * commit that did not happen and count as freed. A crash between the commit
 * that freed packs and the punching of their places leaves blocks that nobody
 * else would ever give back: they are punched here.
 *
 * A row that is wrong makes a gap of a living pack. So nothing of a segment is
 * punched unless each of its rows finds its own pack where it says, and no pack
 * that lies in a gap unless its row, if there is one, finds a later version of
 * it elsewhere.
 */
#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fs/format.h"
#include "fs/store/catalogue_sql.h"
#include "fs/store/pack.h"
#include "fs/store/segment_file.h"
#include "fs/store/segment_table.h"
#include "lib/base/cleanup.h"
#include "lib/base/log.h"

/* Dead bytes that are still allotted on the host: fewer are not worth a look. */
#define SEGMENT_GAPS_WORTH (256u << 10)

struct gap_walk {
	struct segments *s;
	struct catalogue *catalogue;
	struct segment *segment;
	uint64_t bytes;
	/* For each gap; 0 or -errno. */
	int (*gap)(struct gap_walk *walk, uint64_t from, uint64_t to);
	bool lies; /* a row does not find its pack */
};

/* ---- what is there ---- */

static bool gap_read_header(struct segments *s, uint64_t segment, uint64_t offset,
			    struct pack_header *header)
{
	uint8_t data[PACK_HEADER_SIZE];
	return segments_read(s, segment, offset, data, sizeof(data)) == 0 &&
	       pack_header_decode(data, s->uuid, header) == 0;
}

/* Its beginning or its end says that this is the pack of the row. */
static bool gap_row_is_true(struct segments *s, sqlite3_stmt *row, uint32_t *version)
{
	struct pack_header header;
	uint64_t pack = (uint64_t)sqlite3_column_int64(row, 0);
	uint64_t segment = (uint64_t)sqlite3_column_int64(row, 3);
	uint64_t offset = (uint64_t)sqlite3_column_int64(row, 4);
	uint64_t length = (uint64_t)sqlite3_column_int64(row, 5);
	if (!gap_read_header(s, segment, offset, &header) &&
	    (length < PACK_HEADER_SIZE ||
	     !gap_read_header(s, segment, offset + length - PACK_HEADER_SIZE, &header)))
		return false;
	*version = header.version;
	return header.pack == pack && header.length == length &&
	       header.version == (uint32_t)sqlite3_column_int64(row, 1);
}

/* The catalogue has dropped the pack, or has it elsewhere in a later version. */
static bool gap_pack_is_dead(const struct gap_walk *walk, const struct pack_header *header)
{
	uint32_t version = 0;
	sqlite3_stmt *row = catalogue_statement(walk->catalogue, SQL_PACK_GET);
	sqlite3_bind_int64(row, 1, (int64_t)header->pack);
	int code = sqlite3_step(row);
	bool dead = code == SQLITE_DONE || (code == SQLITE_ROW && gap_row_is_true(walk->s, row, &version) &&
					    version > header->version);
	sqlite3_reset(row);
	return dead;
}

/* ---- walking ---- */

static int gap_walk_rows(struct gap_walk *walk, sqlite3_stmt *rows, int *code)
{
	uint64_t position = SEGMENT_HEADER_SIZE;
	int error = 0;
	while (!error && (*code = sqlite3_step(rows)) == SQLITE_ROW) {
		uint64_t offset = (uint64_t)sqlite3_column_int64(rows, 4);
		uint64_t length = (uint64_t)sqlite3_column_int64(rows, 5);
		if (offset > position)
			error = walk->gap(walk, position, offset);
		if (offset + length > position)
			position = offset + length;
	}
	if (!error && position < walk->segment->size)
		error = walk->gap(walk, position, walk->segment->size);
	return error;
}

/* Calls walk->gap() for each gap, or with `check` sets walk->lies. */
static int gap_walk_segment(struct gap_walk *walk, bool check)
{
	int code = SQLITE_ROW, error = 0;
	uint32_t version;
	catalogue_read_lock(walk->catalogue);
	sqlite3_stmt *rows = catalogue_statement(walk->catalogue, SQL_PACK_IN_SEGMENT);
	sqlite3_bind_int64(rows, 1, (int64_t)walk->segment->number);
	if (!check)
		error = gap_walk_rows(walk, rows, &code);
	while (check && !walk->lies && (code = sqlite3_step(rows)) == SQLITE_ROW)
		walk->lies = !gap_row_is_true(walk->s, rows, &version);
	sqlite3_reset(rows);
	if (!error)
		error = catalogue_errno(walk->catalogue, code, "read a segment's packs");
	catalogue_read_unlock(walk->catalogue);
	return error;
}

/* ---- counting ---- */

static int gap_count(struct gap_walk *walk, uint64_t from, uint64_t to)
{
	walk->bytes += to - from;
	return 0;
}

int segment_count_gaps(struct segments *s, struct catalogue *catalogue, struct segment *segment)
{
	struct gap_walk walk = {.s = s, .catalogue = catalogue, .segment = segment, .gap = gap_count};
	int error = gap_walk_segment(&walk, false);
	if (!error && walk.bytes <= segment->size - SEGMENT_HEADER_SIZE) {
		s->total_freed += walk.bytes - segment->freed;
		segment->freed = walk.bytes;
	}
	return error;
}

/* ---- punching ---- */

static void gap_give(struct gap_walk *walk, uint64_t from, uint64_t to)
{
	if (from < to)
		segments_punch(walk->s, &(struct segment_place){.segment = walk->segment->number,
								.offset = from,
								.length = to - from});
}

/* Past a hole in one step; else to the next place where a pack could begin. */
static uint64_t gap_next_place(struct gap_walk *walk, uint64_t position)
{
	struct segment *segment;
	uint64_t next = position + PACK_ALIGN;
	if (segment_use(walk->s, walk->segment->number, &segment) < 0)
		return next;
	off_t data = lseek(segment->fd, (off_t)next, SEEK_DATA);
	bool end = data < 0 && errno == ENXIO;
	segment_unuse(walk->s, segment);
	if (end)
		return UINT64_MAX;
	return data < 0 ? next : (uint64_t)data / PACK_ALIGN * PACK_ALIGN;
}

/* From header to header: a pack that may be alive stays, all else goes. */
static int gap_punch(struct gap_walk *walk, uint64_t from, uint64_t to)
{
	uint64_t given = from, position = from;
	while (position < to) {
		struct pack_header header;
		if (!gap_read_header(walk->s, walk->segment->number, position, &header) ||
		    header.length > to - position) {
			position = gap_next_place(walk, position);
			continue;
		}
		uint64_t end = position + header.length;
		if (!gap_pack_is_dead(walk, &header)) {
			log_warning("%s: segment %llu at %llu: pack %llu is not what the catalogue says of it;"
				    " its place is kept",
				    walk->s->path, (unsigned long long)walk->segment->number,
				    (unsigned long long)position, (unsigned long long)header.pack);
			gap_give(walk, given, position);
			given = end;
		}
		position = end;
	}
	gap_give(walk, given, to);
	return 0;
}

int segment_punch_gaps(struct segments *s, struct catalogue *catalogue, struct segment *segment)
{
	CLEANUP_FREE char *path = segment_file_path(s->path, segment->number);
	struct gap_walk walk = {.s = s, .catalogue = catalogue, .segment = segment, .gap = gap_punch};
	struct stat st;
	if (s->no_punching || segment->freed < SEGMENT_GAPS_WORTH || stat(path, &st) < 0)
		return 0;
	uint64_t taken = (uint64_t)st.st_blocks * 512;
	if (taken <= segment->size - segment->freed + SEGMENT_GAPS_WORTH)
		return 0;
	int error = gap_walk_segment(&walk, true);
	if (!error && walk.lies)
		log_warning("%s: a pack is not where the catalogue says; what is free beside it is not given back",
			    path);
	return error || walk.lies ? error : gap_walk_segment(&walk, false);
}
