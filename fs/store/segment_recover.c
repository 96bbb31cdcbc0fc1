/* SPDX-License-Identifier: MIT */
/*
 * Segments after a start: every file that the catalogue names must be there and
 * long enough; what it does not name is the remains of a crash and is removed.
 * segment_gaps.c looks after what is dead inside of them.
 */
#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fs/store/segment_file.h"
#include "fs/store/segment_table.h"
#include "lib/base/cleanup.h"
#include "lib/base/log.h"

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
