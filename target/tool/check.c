/* SPDX-License-Identifier: MIT */
/* granary-tape check: reads every byte, and names the blocks that are damaged. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "target/tool/stretch.h"
#include "target/tool/tool.h"

#define CHECK_READ (4u << 20)

struct check {
	const char *path;
	bool json;
	unsigned ranges; /* that were shown */
	struct tool_progress progress;
};

static int check_progress(void *context, uint64_t done, uint64_t total)
{
	struct check *check = context;

	check->progress.total = total;
	tool_progress(&check->progress, done);
	return 0;
}

static void check_show_range(struct check *check, struct cartridge *c, unsigned partition,
			     uint64_t first, uint64_t last)
{
	uint64_t file = 0;

	stretch_number(c, partition, first, &file);
	if (check->json)
		printf("%s{\"partition\": %u, \"file\": %" PRIu64 ", \"first\": %" PRIu64
		       ", \"last\": %" PRIu64 "}", check->ranges ? ", " : "", partition, file, first, last);
	else
		printf("damaged: partition %u, file %" PRIu64 ", blocks %" PRIu64 " to %" PRIu64 "\n",
		       partition, file, first, last);
	check->ranges++;
}

/* A checksum covers a stretch of payload: each block that has a part in a bad one cannot be trusted. */
static int check_name(struct check *check, struct cartridge *c, unsigned partition)
{
	CLEANUP_READER struct stretch_reader reader;
	uint64_t end = cartridge_extent(c, partition).objects, bad = UINT64_MAX;
	struct cartridge_place place;
	int error = 0;

	stretch_reader_start(&reader, c, partition, 0, end);
	while (reader.object < end) {
		struct stretch_blocks blocks;
		uint64_t at = reader.object;

		error = cartridge_find(c, partition, at, &place);
		/* Encrypted blocks are checked as they are stored; only their neighbours name them. */
		if (!error && place.flags & CARTRIDGE_ENCRYPTED)
			error = -EIO;
		else if (!error)
			error = stretch_read(&reader, CHECK_READ, &blocks);
		if (error && error != -EIO)
			return error;
		if (error && bad == UINT64_MAX)
			bad = at;
		if (error)
			reader.object++;
		else if (bad != UINT64_MAX)
			check_show_range(check, c, partition, bad, at - 1);
		if (!error)
			bad = UINT64_MAX;
	}
	if (bad != UINT64_MAX)
		check_show_range(check, c, partition, bad, end - 1);
	return 0;
}

/* What the end of a partition says about objects that may have followed. */
static void check_show_end(const struct check *check, struct cartridge *c, unsigned partition,
			   const struct cartridge_check *result)
{
	struct cartridge_extent end = cartridge_extent(c, partition);

	if (check->json)
		return;
	if (result->data_missing || result->index_damaged)
		printf("lost: partition %u, all from file %" PRIu64 " (object %" PRIu64 ") on: %s\n", partition,
		       end.filemarks, end.objects,
		       result->data_missing ? "its data file is too short" : "its index is damaged there");
	else if (result->index_unfinished)
		printf("note: partition %u, object %" PRIu64 ": the index ends with a page that is not whole; "
		       "power has gone while it was written, or it is damaged\n",
		       partition, end.objects);
}

static enum tool_exit check_partition(struct check *check, struct cartridge *c, unsigned partition,
				      struct cartridge_check *sum)
{
	struct cartridge_check result = {0};
	int error;

	tool_progress_start(&check->progress, "checking", cartridge_extent(c, partition).bytes);
	error = cartridge_verify(c, partition, check_progress, check, &result);
	tool_progress_end(&check->progress);
	if (!error && result.damaged)
		error = check_name(check, c, partition);
	sum->blocks += result.blocks;
	sum->filemarks += result.filemarks;
	sum->bytes += result.bytes;
	sum->stretches += result.stretches;
	sum->damaged += result.damaged;
	sum->data_missing |= result.data_missing;
	sum->index_damaged |= result.index_damaged;
	sum->index_unfinished |= result.index_unfinished;
	check_show_end(check, c, partition, &result);
	if (error)
		tool_complain("%s: partition %u: %s", check->path, partition, tool_reason(error));
	return error || result.damaged || result.data_missing || result.index_damaged ? TOOL_FAILED : TOOL_DONE;
}

static const char *check_bool(bool value)
{
	return value ? "true" : "false";
}

enum tool_exit verb_check(const struct tool_call *call)
{
	CLEANUP_CARTRIDGE struct cartridge *c = tool_open(call->arguments[0]);
	struct check check = {.path = call->arguments[0], .json = call->values[OPTION_JSON]};
	struct cartridge_check sum = {0};
	enum tool_exit status = TOOL_DONE;

	if (!c)
		return TOOL_FAILED;
	if (check.json)
		printf("{\"damage\": [");
	for (unsigned n = 0; n < cartridge_info(c)->partitions; n++)
		if (check_partition(&check, c, n, &sum) != TOOL_DONE)
			status = TOOL_FAILED;
	if (check.json)
		printf("], \"blocks\": %" PRIu64 ", \"filemarks\": %" PRIu64 ", \"bytes\": %" PRIu64
		       ", \"stretches\": %" PRIu64 ", \"damaged_stretches\": %" PRIu64
		       ", \"data_missing\": %s, \"index_damaged\": %s, \"index_unfinished\": %s, \"good\": %s}\n",
		       sum.blocks, sum.filemarks, sum.bytes, sum.stretches, sum.damaged,
		       check_bool(sum.data_missing), check_bool(sum.index_damaged),
		       check_bool(sum.index_unfinished), check_bool(status == TOOL_DONE));
	else
		printf("%s: %" PRIu64 " blocks and %" PRIu64 " filemarks, %" PRIu64 " bytes: %s\n",
		       cartridge_info(c)->barcode, sum.blocks, sum.filemarks, sum.bytes,
		       status == TOOL_DONE ? "good" : "damaged");
	return status;
}
