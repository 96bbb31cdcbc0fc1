/* SPDX-License-Identifier: MIT */
/* Sources: which format a file, a folder or a URL has. */
#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "lib/base/cleanup.h"
#include "target/tool/source.h"
#include "target/tool/tool.h"

/* The surest sign first: tgt has a checksum, an AWSTAPE nearly none. */
static const struct source_class *const source_classes[] = {
	&source_tgt, &source_mhvtl, &source_simh, &source_aws, NULL};

static const struct source_class *source_find_name(const char *format)
{
	for (const struct source_class *const *c = source_classes; *c; c++)
		if (strcmp((*c)->name, format) == 0)
			return *c;
	return NULL;
}

bool source_is_format(const char *format)
{
	if (source_find_name(format))
		return true;
	tool_complain("--format: \"%s\" is none of simh, aws, tgt, mhvtl", format);
	return false;
}

/* By what stands at the beginning, which is read again. */
static const struct source_class *source_find(FILE *file, uint64_t size)
{
	uint8_t head[SOURCE_HEAD];
	size_t n = fread(head, 1, sizeof(head), file);

	rewind(file);
	for (const struct source_class *const *c = source_classes; *c; c++)
		if ((*c)->recognise && (*c)->recognise(head, n, size))
			return *c;
	return NULL;
}

static const struct source_class *source_choose(const struct source *source, FILE *file,
						const char *format)
{
	const struct source_class *class;

	if (format)
		return source_find_name(format);
	class = source_find(file, source->size);
	if (!class)
		tool_complain("%s: it looks like no format that is known: say --format", source->name);
	return class;
}

static int source_open_file(struct source *source, const char *format)
{
	const struct source_class *class;
	FILE *file = fopen(source->name, "re");
	struct stat status;
	int error;

	if (!file || fstat(fileno(file), &status) != 0) {
		error = -errno;
		tool_complain("%s: %s", source->name, strerror(-error));
		if (file)
			fclose(file);
		return error;
	}
	if (S_ISREG(status.st_mode))
		source->size = (uint64_t)status.st_size;
	if (S_ISDIR(status.st_mode)) {
		fclose(TAKE(file));
		class = format ? source_choose(source, NULL, format) : &source_mhvtl;
	} else {
		class = source_choose(source, file, format);
	}
	if (class && !file != (class == &source_mhvtl)) {
		tool_complain("%s: %s is %s", source->name, class->title,
			      file ? "a folder" : "a file, this is a folder");
		class = NULL;
	}
	if (!class && file)
		fclose(file);
	return class ? source_start(source, class, file) : -EINVAL;
}

int source_open(const struct tool_call *call, const char *name, const char *format,
		struct source *source)
{
	int error;

	*source = (struct source){.name = name, .size = UINT64_MAX, .call = call};
	if (strncmp(name, "iscsi://", 8) == 0)
		error = source_start(source, &source_drive, NULL);
	else
		error = source_open_file(source, format);
	if (error && source->trouble[0])
		tool_complain("%s: %s", name, source->trouble);
	return error;
}
