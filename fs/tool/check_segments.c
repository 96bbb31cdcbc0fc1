/* SPDX-License-Identifier: MIT */
/*
 * Segments and packs: each pack of the catalogue lies in a segment that exists,
 * inside its committed size, overlaps no other, and the header there is its own.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fs/format.h"
#include "fs/store/segment_file.h"
#include "fs/tool/fsck.h"
#include "lib/base/cleanup.h"
#include "lib/base/mem.h"

static int by_place(const void *a, const void *b)
{
	const struct pack_row *x = *(struct pack_row *const *)a;
	const struct pack_row *y = *(struct pack_row *const *)b;

	if (x->segment != y->segment)
		return x->segment < y->segment ? -1 : 1;
	if (x->offset != y->offset)
		return x->offset < y->offset ? -1 : 1;
	return 0;
}

/* One segment as the catalogue and the disk know it. */
struct segment_state {
	uint64_t number, size; /* committed */
	bool there;
};

static int segment_look(struct fsck *f, sqlite3_stmt *statement, uint64_t number,
			struct segment_state *state)
{
	CLEANUP_FREE char *path = segment_file_path(f->path, number);
	struct stat st;
	int more;

	*state = (struct segment_state){.number = number};
	sqlite3_reset(statement);
	sqlite3_bind_int64(statement, 1, (sqlite3_int64)number);
	more = db_step(f, statement);
	if (more < 0)
		return more;
	if (more == 0)
		finding(f, "segment %" PRIu64 " has packs but no row", number);
	else
		state->size = (uint64_t)sqlite3_column_int64(statement, 0);
	if (stat(path, &st) < 0) {
		finding(f, "%s: the segment is missing", path);
		return 0;
	}
	state->there = true;
	if ((uint64_t)st.st_size < state->size)
		finding(f, "%s: the segment is cut off at %lld of %" PRIu64 " bytes", path,
			(long long)st.st_size, state->size);
	if (segment_file_check(f->path, f->superblock.uuid, number) != 0)
		finding(f, "%s: the segment's header is damaged", path);
	return 0;
}

/* A pack whose header is damaged may read from its end: then check_repair() says it. */
static const char *pack_end_judge(struct fsck *f, const struct pack_row *row, int *error)
{
	struct reader_pack *held = NULL;

	*error = reader_fetch(f->reader, row->pack, &held);
	reader_release(f->reader, held);
	if (!*error || *error == -ENOMEM)
		return NULL;
	*error = 0;
	return "cannot be read or has a damaged header";
}

/* What is wrong with the header at the pack's place; NULL: nothing. -errno in *error. */
static const char *pack_header_judge(struct fsck *f, const struct pack_row *row, int *error)
{
	struct pack_header header;

	*error = reader_header_at(f->reader, row->segment, row->offset, &header);
	switch (*error) {
	case 0:
		break;
	case -ENOMEM:
		return NULL;
	case -ENODATA:
		*error = 0;
		return "lies behind the end of its segment";
	default:
		return pack_end_judge(f, row, error);
	}
	if (header.pack != row->pack)
		return "is another pack";
	if (header.version != row->version || header.kind != row->kind ||
	    header.length != row->length || header.slots != row->slots)
		return "has a header that differs from its row";
	return NULL;
}

static int pack_check(struct fsck *f, struct pack_row *row, const struct segment_state *segment,
		      uint64_t *end)
{
	const char *wrong = NULL;
	int error = 0;

	if (row->offset % PACK_ALIGN || row->offset < SEGMENT_HEADER_SIZE || !row->length ||
	    row->slots > PACK_SLOTS_MAX)
		wrong = "has a row that makes no sense";
	else if (row->offset < *end)
		wrong = "overlaps the pack before it";
	else if (row->offset + row->length > segment->size)
		wrong = "lies behind the committed end of its segment";
	else if (!segment->there)
		row->lost = f->suspect = true; /* said already, for the segment */
	else
		wrong = pack_header_judge(f, row, &error);
	if (wrong) {
		finding(f, "pack %" PRIu64 " (segment %" PRIu64 ", offset %" PRIu64 ") %s",
			row->pack, row->segment, row->offset, wrong);
		row->lost = f->suspect = true;
	} else {
		*end = row->offset + row->length;
	}
	return error;
}

/* A segment without packs holds nothing: where its file is missing its row can go. */
static int check_empty_segments(struct fsck *f)
{
	CLEANUP_STATEMENT sqlite3_stmt *s = NULL;
	CLEANUP_STATEMENT sqlite3_stmt *forget = NULL;
	int more, error;

	error = db_prepare(f,
			   "SELECT segment FROM segment WHERE segment NOT IN"
			   " (SELECT segment FROM pack)",
			   &s);
	if (!error)
		error = db_prepare(f, "DELETE FROM segment WHERE segment=?1", &forget);
	if (error)
		return error;
	while ((more = db_step(f, s)) == 1) {
		sqlite3_int64 number = sqlite3_column_int64(s, 0);
		CLEANUP_FREE char *path = segment_file_path(f->path, (uint64_t)number);

		if (access(path, F_OK) == 0)
			continue;
		finding(f, "%s: the segment, in which nothing is left, is missing", path);
		if (!f->repair)
			continue;
		sqlite3_reset(forget);
		sqlite3_bind_int64(forget, 1, number);
		error = db_step(f, forget);
		if (error < 0)
			return error;
		finding_corrected(f, 1);
	}
	return more;
}

static int check_packs(struct fsck *f, struct pack_row **sorted)
{
	CLEANUP_STATEMENT sqlite3_stmt *statement = NULL;
	struct segment_state segment = {0};
	uint64_t end = 0;
	int error;

	error = db_prepare(f, "SELECT size FROM segment WHERE segment=?1", &statement);
	for (size_t i = 0; i < f->packs.count && !error; i++) {
		if (i == 0 || sorted[i]->segment != segment.number) {
			error = segment_look(f, statement, sorted[i]->segment, &segment);
			end = 0;
		}
		if (!error)
			error = pack_check(f, sorted[i], &segment, &end);
	}
	return error;
}

int check_segments(struct fsck *f)
{
	CLEANUP_FREE struct pack_row **sorted = mem_try_alloc(f->packs.count + 1, sizeof(*sorted));
	int error;

	if (!sorted)
		return -ENOMEM;
	for (size_t i = 0; i < f->packs.count; i++)
		sorted[i] = &f->packs.rows[i];
	qsort(sorted, f->packs.count, sizeof(*sorted), by_place);
	progress(f, "checking %zu packs", f->packs.count);
	error = check_packs(f, sorted);
	return error ? error : check_empty_segments(f);
}
