/* SPDX-License-Identifier: MIT */
/* granary-tape cat: the bytes of one file, some, or all, to standard output. */
#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/cleanup.h"
#include "lib/base/mem.h"
#include "target/tool/stretch.h"
#include "target/tool/tool.h"

#define CAT_READ (4u << 20) /* bytes at once */

struct cat_range {
	uint64_t first, last;
};

/* ":3", ":3-5", ":3-" at the end of a path that is not there as it stands; all files without. */
static bool cat_range(char *path, struct cat_range *range)
{
	char *colon = strrchr(path, ':');
	char *end;

	*range = (struct cat_range){0, UINT64_MAX};
	if (!colon || strspn(colon + 1, "0123456789-") != strlen(colon + 1) || !colon[1])
		return true;
	errno = 0;
	range->first = range->last = strtoull(colon + 1, &end, 10);
	if (end != colon + 1 && *end == '-') {
		const char *last = end + 1;

		range->last = *last ? strtoull(last, &end, 10) : UINT64_MAX;
		if (!*last)
			end++;
	}
	if (end == colon + 1 || *end || errno || range->last < range->first || strchr(colon, '-') == colon + 1) {
		tool_complain("\"%s\": files are :3, :3-5 or :3-", colon);
		return false;
	}
	*colon = 0;
	return true;
}

static int cat_stretch(struct cartridge *c, unsigned partition, const struct stretch *stretch,
		       const char *path)
{
	CLEANUP_READER struct stretch_reader reader;
	struct stretch_blocks blocks;
	int error;

	stretch_reader_start(&reader, c, partition, stretch->first, stretch->end);
	while (!(error = stretch_read(&reader, CAT_READ, &blocks)) && blocks.count > 0) {
		error = tool_output(blocks.data, blocks.count * blocks.block_size, NULL);
		if (error == -EPIPE)
			return error;
		if (error) {
			tool_complain("standard output: %s", strerror(-error));
			return error;
		}
	}
	if (error == -ENOKEY)
		tool_complain("%s: file %" PRIu64 ", block %" PRIu64 " is encrypted", path,
			      stretch->number, reader.failed);
	else if (error)
		tool_complain("%s: file %" PRIu64 ", block %" PRIu64 ": %s", path, stretch->number,
			      reader.failed, tool_reason(error));
	return error;
}

/* `error`: -ENXIO where no file follows the last one. */
static enum tool_exit cat_end(struct cartridge *c, unsigned partition, const struct stretch *last, int error,
			      const char *path)
{
	uint64_t end = cartridge_extent(c, partition).objects;

	if ((error != -ENXIO && last->end < end) || !cartridge_end_is_lost(c, partition))
		return TOOL_DONE;
	tool_complain("%s: what followed object %" PRIu64 " is lost", path, end);
	return TOOL_FAILED;
}

enum tool_exit verb_cat(const struct tool_call *call)
{
	CLEANUP_FREE char *path = mem_strdup(call->arguments[0]);
	CLEANUP_CARTRIDGE struct cartridge *c = NULL;
	struct stretch stretch = {0};
	struct cat_range range;
	unsigned partition;
	int error = 0;

	if (!cat_range(path, &range))
		return TOOL_USAGE;
	c = tool_open(path);
	if (!c)
		return TOOL_FAILED;
	if (!tool_partition(call, c, &partition))
		return TOOL_USAGE;
	/* `| head` has what it wanted: that is no failure. */
	signal(SIGPIPE, SIG_IGN);
	for (uint64_t n = range.first; n <= range.last; n++) {
		error = stretch_find(c, partition, n, &stretch);
		if (error == -ENXIO && (n > range.first || range.last == UINT64_MAX))
			return cat_end(c, partition, &stretch, error, path);
		if (error) {
			tool_complain("%s: file %" PRIu64 ": %s", path, n,
				      error == -ENXIO ? "the tape has no such file" : tool_reason(error));
			return TOOL_FAILED;
		}
		error = cat_stretch(c, partition, &stretch, path);
		if (error)
			return error == -EPIPE ? TOOL_DONE : TOOL_FAILED;
	}
	return cat_end(c, partition, &stretch, 0, path);
}
