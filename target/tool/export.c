/* SPDX-License-Identifier: MIT */
/*
 * granary-tape export: a cartridge as a SIMH .tap. Each block stands between two copies of its length
 * (32 bits, little-endian) and is filled up to an even number of bytes; a filemark is a length of 0; the
 * last word is the end of the medium. The file gets its name when it is complete.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/cleanup.h"
#include "lib/base/file.h"
#include "lib/base/mem.h"
#include "target/tool/stretch.h"
#include "target/tool/tool.h"

#define EXPORT_READ   (4u << 20)
#define EXPORT_END    0xffffffffu
#define EXPORT_BUFFER (1u << 20)

static void export_word(FILE *file, uint32_t value)
{
	const uint8_t bytes[4] = {(uint8_t)value, (uint8_t)(value >> 8), (uint8_t)(value >> 16),
				  (uint8_t)(value >> 24)};

	fwrite(bytes, 1, sizeof(bytes), file);
}

static void export_blocks(FILE *file, const struct stretch_blocks *blocks)
{
	const uint8_t *data = blocks->data;

	for (uint64_t i = 0; i < blocks->count; i++) {
		export_word(file, blocks->block_size);
		if (blocks->block_size == 0) /* a filemark */
			continue;
		fwrite(data, 1, blocks->block_size, file);
		if (blocks->block_size & 1)
			putc(0, file);
		export_word(file, blocks->block_size);
		data += blocks->block_size;
	}
}

static int export_tape(struct cartridge *c, unsigned partition, FILE *file, const char *path)
{
	CLEANUP_READER struct stretch_reader reader;
	struct cartridge_extent extent = cartridge_extent(c, partition);
	struct tool_progress progress;
	struct stretch_blocks blocks;
	uint64_t done = 0;
	int error = 0;

	stretch_reader_start(&reader, c, partition, 0, extent.objects);
	tool_progress_start(&progress, "exporting", extent.bytes);
	while (!tool_stopped() && !(error = stretch_read(&reader, EXPORT_READ, &blocks)) &&
	       blocks.count > 0 && !ferror(file)) {
		export_blocks(file, &blocks);
		done += blocks.count * blocks.block_size;
		tool_progress(&progress, done);
	}
	tool_progress_end(&progress);
	if (tool_stopped()) {
		tool_complain("%s: stopped by a signal", path);
		return -ECANCELED;
	}
	if (error) {
		tool_complain("%s: block %" PRIu64 ": %s", path, reader.failed,
			      error == -ENOKEY ? "encrypted blocks cannot be exported" : tool_reason(error));
		return error;
	}
	if (cartridge_end_is_lost(c, partition)) {
		tool_complain("%s: what followed object %" PRIu64 " is lost", path, extent.objects);
		return -ENODATA;
	}
	export_word(file, EXPORT_END);
	return 0;
}

static int export_flush(FILE *file, bool durable)
{
	if (fflush(file) != 0 || ferror(file))
		return errno ? -errno : -EIO;
	return durable && fsync(fileno(file)) != 0 ? -errno : 0;
}

static int export_to_file(struct cartridge *c, unsigned partition, const char *path, const char *name)
{
	CLEANUP_FREE char *fresh = mem_printf("%s.new", name);
	CLEANUP_FREE char *buffer = mem_alloc(EXPORT_BUFFER);
	CLEANUP_FILE FILE *file = NULL;
	int fd = open(fresh, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666), error;

	if (fd < 0) {
		error = -errno;
		tool_complain("%s: %s", fresh,
			      error == -EEXIST ? "is there already, of an export that runs or was killed"
					       : strerror(-error));
		return error;
	}
	file = fdopen(fd, "w");
	if (!file) {
		close(fd);
		unlink(fresh);
		return -ENOMEM;
	}
	setvbuf(file, buffer, _IOFBF, EXPORT_BUFFER);
	error = export_tape(c, partition, file, path);
	if (!error) {
		error = export_flush(file, true);
		/* What has been there by that name is not overwritten, where the filesystem can say so. */
		if (!error && renameat2(AT_FDCWD, fresh, AT_FDCWD, name, RENAME_NOREPLACE) != 0)
			error = errno == EINVAL && rename(fresh, name) == 0 ? 0 : -errno;
		if (error)
			tool_complain("%s: %s", name, strerror(-error));
	}
	if (error)
		unlink(fresh);
	fclose(TAKE(file)); /* before its buffer goes */
	return error;
}

static int export_to_output(struct cartridge *c, unsigned partition, const char *path)
{
	int error = export_tape(c, partition, stdout, path);

	if (!error && (error = export_flush(stdout, false)) != 0)
		tool_complain("standard output: %s", strerror(-error));
	return error;
}

enum tool_exit verb_export(const struct tool_call *call)
{
	const char *path = call->arguments[0], *name = call->arguments[1];
	CLEANUP_CARTRIDGE struct cartridge *c = tool_open(path);
	bool output = strcmp(name, "-") == 0;
	struct cartridge_extent extent;
	struct stat there;
	unsigned partition;
	int error;

	if (!c)
		return TOOL_FAILED;
	if (!tool_partition(call, c, &partition))
		return TOOL_USAGE;
	if (!output && lstat(name, &there) == 0) {
		tool_complain("%s: is there already, and is not overwritten", name);
		return TOOL_FAILED;
	}
	if (cartridge_info(c)->partitions > 1 && !call->values[OPTION_PARTITION])
		tool_complain("%s has two partitions, and a .tap holds one: this is 0, --partition 1 the other",
			      path);
	/* A half file is removed; to standard output there is nothing to put in order. */
	if (!output)
		tool_catch_signals();
	extent = cartridge_extent(c, partition);
	error = output ? export_to_output(c, partition, path) : export_to_file(c, partition, path, name);
	if (error)
		return TOOL_FAILED;
	if (!output && call->values[OPTION_JSON])
		printf("{\"partition\": %u, \"partitions\": %u, \"blocks\": %" PRIu64
		       ", \"filemarks\": %" PRIu64 ", \"bytes\": %" PRIu64 "}\n", partition,
		       cartridge_info(c)->partitions, extent.objects - extent.filemarks, extent.filemarks,
		       extent.bytes);
	else if (!output)
		printf("%s: %" PRIu64 " blocks and %" PRIu64 " filemarks, %" PRIu64 " bytes\n", name,
		       extent.objects - extent.filemarks, extent.filemarks, extent.bytes);
	return TOOL_DONE;
}
