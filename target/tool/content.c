/* SPDX-License-Identifier: MIT */
/*
 * What a stretch of tape looks like. libarchive reads the blocks as they come; only filters that are
 * libraries are allowed, since others start programs. Nothing here is extracted.
 */
#include "target/tool/content.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "lib/base/mem.h"
#include "target/tool/label.h"

#define CONTENT_READ (1u << 20) /* bytes at once, of a list */

struct content_source {
	struct stretch_reader reader;
	size_t most;
	int error;
};

static la_ssize_t content_read(struct archive *a, void *context, const void **data)
{
	struct content_source *source = context;
	struct stretch_blocks blocks;

	source->error = stretch_read(&source->reader, source->most, &blocks);
	if (source->error) {
		archive_set_error(a, -source->error, "block %llu cannot be read",
				  (unsigned long long)source->reader.failed);
		return -1;
	}
	*data = blocks.data;
	return (la_ssize_t)(blocks.count * blocks.block_size);
}

static struct archive *content_open(struct content_source *source)
{
	struct archive *a = archive_read_new();

	if (!a)
		return NULL;
	archive_read_support_format_tar(a);
	archive_read_support_format_cpio(a);
	archive_read_support_filter_gzip(a);
	archive_read_support_filter_bzip2(a);
	archive_read_support_filter_xz(a);
	archive_read_support_filter_lz4(a);
	archive_read_support_filter_zstd(a);
	if (archive_read_open(a, source, NULL, content_read, NULL) != ARCHIVE_OK) {
		archive_read_free(a);
		return NULL;
	}
	return a;
}

static char content_type(const struct archive_entry *entry)
{
	static const struct {
		unsigned type;
		char letter;
	} letters[] = {
		{AE_IFDIR, 'd'}, {AE_IFLNK, 'l'}, {AE_IFCHR, 'c'},
		{AE_IFBLK, 'b'}, {AE_IFIFO, 'p'}, {AE_IFSOCK, 's'},
	};

	for (size_t i = 0; i < sizeof(letters) / sizeof(letters[0]); i++)
		if (archive_entry_filetype((struct archive_entry *)(uintptr_t)entry) == letters[i].type)
			return letters[i].letter;
	return '-';
}

/* "GNU tar format" and "gzip" become "GNU tar, gzip". */
static void content_name(struct archive *a, char kind[CONTENT_KIND_MAX])
{
	const char *format = archive_format_name(a);
	size_t length = strlen(format), end = strlen(" format");

	if (length > end && strcmp(format + length - end, " format") == 0)
		length -= end;
	if (archive_filter_code(a, 0) == ARCHIVE_FILTER_NONE)
		snprintf(kind, CONTENT_KIND_MAX, "%.*s", (int)length, format);
	else
		snprintf(kind, CONTENT_KIND_MAX, "%.*s, %s", (int)length, format,
			 archive_filter_name(a, 0));
}

static void content_show(struct archive_entry *entry,
			 void (*member)(void *context, const struct content_member *member),
			 void *context)
{
	const char *utf8 = archive_entry_pathname_utf8(entry);
	const char *path = utf8 ? utf8 : archive_entry_pathname(entry);
	struct content_member m = {
		.path = path ? path : "?",
		.size = archive_entry_size(entry),
		.modified = archive_entry_mtime(entry),
		.type = content_type(entry),
	};

	member(context, &m);
}

/* True where libarchive knows it. */
static bool content_archive(struct content_source *source, char kind[CONTENT_KIND_MAX],
			    void (*member)(void *context, const struct content_member *member),
			    void *context, char **trouble)
{
	struct archive *a = content_open(source);
	struct archive_entry *entry;
	int status = a ? archive_read_next_header(a, &entry) : ARCHIVE_FATAL;
	bool known = status == ARCHIVE_OK || status == ARCHIVE_WARN;

	if (known)
		content_name(a, kind);
	while (known && member && (status == ARCHIVE_OK || status == ARCHIVE_WARN)) {
		content_show(entry, member, context);
		do
			status = archive_read_next_header(a, &entry);
		while (status == ARCHIVE_RETRY);
	}
	if (known && member && status == ARCHIVE_FATAL) {
		const char *why = archive_error_string(a);

		*trouble = mem_strdup(why ? why : "the archive is damaged");
	}
	if (a)
		archive_read_free(a);
	return known;
}

/* A block of zeros is an empty tar archive to libarchive, and to nobody else. */
static bool content_is_blank(const struct stretch_blocks *b)
{
	return b->block_size > 0 && b->data[0] == 0 &&
	       memcmp(b->data, b->data + 1, b->block_size - 1) == 0;
}

int content_look(struct cartridge *c, unsigned partition, const struct stretch *stretch,
		 char kind[CONTENT_KIND_MAX],
		 void (*member)(void *context, const struct content_member *member), void *context,
		 char **trouble)
{
	struct content_source source = {.most = member ? CONTENT_READ : 1};
	struct stretch_blocks first;
	bool known;
	int error;

	*trouble = NULL;
	snprintf(kind, CONTENT_KIND_MAX, stretch->blocks == 0 ? "empty" : "data");
	if (stretch->blocks == 0)
		return 0;
	stretch_reader_start(&source.reader, c, partition, stretch->first, stretch->end);
	error = stretch_read(&source.reader, 1, &first);
	if (error == -ENOKEY)
		snprintf(kind, CONTENT_KIND_MAX, "encrypted");
	known = error || content_is_blank(&first) ||
		label_recognise(first.data, first.block_size, kind, CONTENT_KIND_MAX);
	if (!known) {
		source.reader.object = stretch->first;
		content_archive(&source, kind, member, context, trouble);
		error = source.error;
	}
	stretch_reader_end(&source.reader);
	if (error == -EIO)
		snprintf(kind, CONTENT_KIND_MAX, "damaged");
	return error == -ENOKEY ? 0 : error;
}
