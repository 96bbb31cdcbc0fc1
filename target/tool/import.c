/* SPDX-License-Identifier: MIT */
/*
 * granary-tape import: a source into a new cartridge. It is made in FOLDER/.new-BARCODE.import and gets its
 * name when all of it is durable: what is cut off leaves nothing by the barcode, and the next import (or
 * granary-targetd) removes the rest. Equal blocks are gathered, so that many go into one write.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/cleanup.h"
#include "lib/base/file.h"
#include "lib/base/mem.h"
#include "target/tape/media.h"
#include "target/tool/source.h"
#include "target/tool/tool.h"

#define IMPORT_GATHER (4u << 20)
#define IMPORT_MEDIUM "LTO-8"

struct import {
	const char *path;	    /* of the cartridge that is to be */
	char *folder, *barcode;	    /* its two parts */
	struct cartridge_work work; /* FOLDER/.new-BARCODE.import */
	struct cartridge_info info;
	struct cartridge *cartridge;
	struct cartridge_blocks gathered;
	uint8_t *buffer;
	uint64_t bytes, blocks, filemarks;
	unsigned attributes;
	bool unreachable; /* the drive that is the source */
	struct tool_progress progress;
};

/* ---- what it is to be ------------------------------------------------------------------- */

static bool import_name(struct import *import, const char *path)
{
	const char *slash = strrchr(path, '/');
	const char *barcode = slash ? slash + 1 : path;
	size_t length = strlen(barcode);

	import->path = path;
	import->folder = slash ? mem_printf("%.*s", (int)(slash == path ? 1 : slash - path), path)
			       : mem_strdup(".");
	import->barcode = mem_strdup(barcode);
	if (length == 0 || length > CARTRIDGE_BARCODE_MAX || barcode[0] == '.' ||
	    strspn(barcode, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.") != length) {
		tool_complain("\"%s\" is no barcode: up to %u letters and digits", barcode,
			      CARTRIDGE_BARCODE_MAX);
		return false;
	}
	memcpy(import->info.barcode, barcode, length + 1);
	return true;
}

static bool import_medium(struct import *import, const char *name)
{
	const struct medium *of_barcode = medium_of_barcode(import->barcode);
	const struct medium *medium = name ? medium_find(name) : of_barcode;

	if (!name && !medium)
		medium = medium_find(IMPORT_MEDIUM);
	if (!medium || medium->cleaning) {
		tool_complain("there is no medium \"%s\" for data: it is LTO-4 to LTO-9, LTO-M8, or one of "
			      "these with -WORM", name ? name : import->barcode);
		return false;
	}
	if (of_barcode && of_barcode != medium) {
		tool_complain("barcode %s says %s, not %s", import->barcode, of_barcode->name, medium->name);
		return false;
	}
	snprintf(import->info.medium, sizeof(import->info.medium), "%s", medium->name);
	import->info.capacity = medium->capacity;
	return true;
}

static bool import_info(struct import *import, const struct tool_call *call)
{
	const char *size = call->values[OPTION_SIZE];

	if (call->values[OPTION_PARTITION] && strncmp(call->arguments[0], "iscsi://", 8) != 0) {
		tool_complain("--partition: of the tape in a drive; other sources have one");
		return false;
	}
	if (call->values[OPTION_FORMAT] && !source_is_format(call->values[OPTION_FORMAT]))
		return false;
	if (!import_medium(import, call->values[OPTION_MEDIUM]) ||
	    (size && !tool_size(size, "--size", &import->info.capacity)))
		return false;
	import->info.partitions = 1;
	import->info.partition_size[0] = import->info.capacity;
	return true;
}

/* ---- its folder ------------------------------------------------------------------------- */

/* What another one has left is removed; what another one is at work in is left alone. */
static int import_prepare(struct import *import)
{
	CLEANUP_FREE char *name = mem_printf("%s.import", import->barcode);
	struct stat status;

	if (lstat(import->path, &status) == 0)
		return -EEXIST;
	return cartridge_work_begin(import->folder, name, &import->work);
}

static int import_create(struct import *import)
{
	CLEANUP_FREE char *path = NULL;
	int error = import_prepare(import);

	if (!error) {
		path = mem_printf("%s/%s", import->work.path, import->barcode);
		error = cartridge_create(import->work.path, &import->info);
	}
	if (!error)
		error = cartridge_open(path, CARTRIDGE_WRITE, &import->cartridge);
	if (!error) {
		import->buffer = mem_try_alloc(IMPORT_GATHER, 1);
		error = import->buffer ? 0 : -ENOMEM;
	}
	if (error)
		tool_complain("%s: %s", import->path,
			      error == -EEXIST	? "is there already, and is not overwritten"
			      : error == -EBUSY ? "another import of this barcode is at work"
						: strerror(-error));
	return error;
}

/* The name, when everything is durable. */
static int import_finish(struct import *import)
{
	CLEANUP_FREE char *path = mem_printf("%s/%s", import->work.path, import->barcode);
	int error = cartridge_close(&import->cartridge);

	if (!error && renameat2(AT_FDCWD, path, AT_FDCWD, import->path, RENAME_NOREPLACE) != 0)
		error = errno == EINVAL && rename(path, import->path) == 0 ? 0 : -errno;
	if (!error)
		error = file_sync_directory(import->folder);
	if (error)
		tool_complain("%s: %s", import->path,
			      error == -ENOTEMPTY || error == -EEXIST
				      ? "is there by now, and is not overwritten"
				      : strerror(-error));
	return error;
}

/* ---- its contents ----------------------------------------------------------------------- */

static int import_flush(struct import *import)
{
	int error = 0;

	if (import->gathered.count > 0) {
		import->gathered.data = import->buffer;
		error = cartridge_append(import->cartridge, 0, &import->gathered);
	}
	import->gathered.count = 0;
	return error;
}

static int import_block(struct import *import, const struct source_item *item)
{
	struct cartridge_blocks *g = &import->gathered;
	int error = 0;

	if (item->size > import->info.capacity - import->bytes)
		return -EFBIG;
	import->bytes += item->size;
	import->blocks++;
	if (g->count > 0 && (g->block_size != item->size ||
			     (uint64_t)(g->count + 1) * item->size > IMPORT_GATHER))
		error = import_flush(import);
	if (error)
		return error;
	if (item->size > IMPORT_GATHER) {
		const struct cartridge_blocks one = {
			.data = item->data, .block_size = item->size, .count = 1};

		return cartridge_append(import->cartridge, 0, &one);
	}
	memcpy(import->buffer + (size_t)g->count * item->size, item->data, item->size);
	g->block_size = item->size;
	g->count++;
	return 0;
}

static int import_item(struct import *import, const struct source_item *item)
{
	int error;

	if (item->kind == SOURCE_BLOCK)
		return import_block(import, item);
	error = import_flush(import);
	if (!error && item->kind == SOURCE_FILEMARK) {
		import->filemarks++;
		error = cartridge_append_filemarks(import->cartridge, 0, 1);
	}
	return error;
}

static int import_contents(struct import *import, struct source *source)
{
	struct source_item item = {.kind = SOURCE_FILEMARK};
	int error = 0;

	tool_progress_start(&import->progress, "importing",
			    source->size == UINT64_MAX ? 0 : source->size);
	while (item.kind != SOURCE_END) {
		if (tool_stopped()) {
			error = -ECANCELED;
			break;
		}
		error = source_next(source, &item);
		if (error) {
			tool_progress_end(&import->progress);
			tool_complain("%s: %s", source->name,
				      tool_stopped() ? "stopped by a signal" : source->trouble);
			return error;
		}
		error = import_item(import, &item);
		if (error)
			break;
		tool_progress(&import->progress, import->bytes);
	}
	tool_progress_end(&import->progress);
	if (!error)
		error = cartridge_sync(import->cartridge);
	if (error == -EFBIG)
		tool_complain("%s: its contents do not fit into %" PRIu64 " bytes: say --size", source->name,
			      import->info.capacity);
	else if (error)
		tool_complain("%s: %s", import->path,
			      error == -ECANCELED ? "stopped by a signal" : strerror(-error));
	return error;
}

static int import_run(struct import *import, const struct tool_call *call)
{
	struct source source;
	int error = source_open(call, call->arguments[0], call->values[OPTION_FORMAT], &source);

	import->unreachable = error == -ENOTCONN;
	if (error)
		return error;
	error = import_create(import);
	if (!error && source.class->attributes) {
		error = source.class->attributes(&source, import->cartridge, &import->attributes);
		if (error)
			tool_complain("%s: %s", source.name, source.trouble);
	}
	if (!error)
		error = import_contents(import, &source);
	source_close(&source);
	if (!error)
		error = import_finish(import);
	if (import->cartridge)
		cartridge_close(&import->cartridge);
	cartridge_work_end(&import->work);
	return error;
}

static void import_report(const struct import *import, bool json)
{
	if (json) {
		printf("{\"barcode\": ");
		tool_print_json(import->barcode);
		printf(", \"medium\": \"%s\", \"blocks\": %" PRIu64 ", \"filemarks\": %" PRIu64
		       ", \"bytes\": %" PRIu64 ", \"attributes\": %u}\n", import->info.medium,
		       import->blocks, import->filemarks, import->bytes, import->attributes);
		return;
	}
	printf("%s: %" PRIu64 " blocks and %" PRIu64 " filemarks, %" PRIu64 " bytes", import->barcode,
	       import->blocks, import->filemarks, import->bytes);
	printf(import->attributes ? ", %u attributes of the medium\n" : "\n", import->attributes);
}

enum tool_exit verb_import(const struct tool_call *call)
{
	struct import import = {.work.lock = -1};
	enum tool_exit status = TOOL_USAGE;

	if (import_name(&import, call->arguments[1]) && import_info(&import, call)) {
		tool_catch_signals();
		status = import_run(&import, call) == 0 ? TOOL_DONE
			 : import.unreachable		? TOOL_UNREACHABLE
							: TOOL_FAILED;
	}
	if (status == TOOL_DONE)
		import_report(&import, call->values[OPTION_JSON]);
	free(import.buffer);
	free(import.folder);
	free(import.barcode);
	return status;
}
