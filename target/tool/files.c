/* SPDX-License-Identifier: MIT */
/* granary-tape files: a line for each stretch between filemarks; --list: the members of archives below it. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "lib/base/cleanup.h"
#include "target/tool/content.h"
#include "target/tool/tool.h"

struct files {
	bool json, list;
	unsigned members; /* of this file */
};

/* Names come from the tape: what a terminal would obey is not shown. */
static void files_print_name(const char *name)
{
	for (const unsigned char *p = (const unsigned char *)name; *p; p++) {
		if (*p < 0x20 || *p == 0x7f)
			printf("\\%03o", *p);
		else
			putchar(*p);
	}
}

static void files_member(void *context, const struct content_member *m)
{
	struct files *files = context;
	time_t when = (time_t)m->modified;
	struct tm local;
	char date[32] = "?";

	if (files->json) {
		printf("%s\n        {\"type\": \"%c\", \"size\": %" PRId64 ", \"modified\": %" PRId64
		       ", \"path\": ", files->members++ ? "," : "", m->type, m->size, m->modified);
		tool_print_json(m->path);
		putchar('}');
		return;
	}
	if (localtime_r(&when, &local))
		strftime(date, sizeof(date), "%Y-%m-%d %H:%M", &local);
	printf("        %c %12" PRId64 "  %s  ", m->type, m->size, date);
	files_print_name(m->path);
	putchar('\n');
}

static void files_sizes(const struct stretch *s, char text[48])
{
	if (s->smallest == s->largest)
		snprintf(text, 48, "%" PRIu32, s->largest);
	else
		snprintf(text, 48, "%" PRIu32 "-%" PRIu32, s->smallest, s->largest);
}

/* For people the kind stands in the line above the members, so it is looked for first. */
static int files_show(struct files *files, struct cartridge *c, unsigned partition,
		      const struct stretch *s)
{
	CLEANUP_FREE char *trouble = NULL;
	char kind[CONTENT_KIND_MAX], sizes[48];
	int error = content_look(c, partition, s, kind, NULL, NULL, &trouble);

	files_sizes(s, sizes);
	printf("%6" PRIu64 " %10" PRIu64 " %16s %16" PRIu64 "  ", s->number, s->blocks, sizes, s->bytes);
	files_print_name(kind);
	puts(s->ended ? "" : " (no filemark after it)");
	if (!files->list || error)
		return error;
	error = content_look(c, partition, s, kind, files_member, files, &trouble);
	if (trouble)
		tool_complain("file %" PRIu64 ": the list ends early: %s", s->number, trouble);
	return error;
}

static int files_show_json(struct files *files, struct cartridge *c, unsigned partition,
			   const struct stretch *s)
{
	CLEANUP_FREE char *trouble = NULL;
	char kind[CONTENT_KIND_MAX];
	int error;

	files->members = 0;
	printf("%s\n    {\"file\": %" PRIu64 ", \"first_object\": %" PRIu64 ", \"blocks\": %" PRIu64
	       ", \"smallest_block\": %" PRIu32 ", \"largest_block\": %" PRIu32 ", \"bytes\": %" PRIu64
	       ", \"filemark\": %s", s->number ? "," : "", s->number, s->first, s->blocks, s->smallest,
	       s->largest, s->bytes, s->ended ? "true" : "false");
	if (files->list)
		printf(", \"members\": [");
	error = content_look(c, partition, s, kind, files->list ? files_member : NULL, files, &trouble);
	printf("%s, \"kind\": ", files->list ? "]" : "");
	tool_print_json(kind);
	if (trouble) {
		printf(", \"trouble\": ");
		tool_print_json(trouble);
	}
	putchar('}');
	return error;
}

static void files_head(const struct files *files, const struct cartridge *c, unsigned partition)
{
	const struct cartridge_info *info = cartridge_info(c);

	if (!files->json) {
		puts("  FILE     BLOCKS       BLOCK SIZE            BYTES  KIND");
		return;
	}
	printf("{\n  \"barcode\": ");
	tool_print_json(info->barcode);
	printf(", \"medium\": ");
	tool_print_json(info->medium);
	printf(", \"partition\": %u, \"partitions\": %u, \"files\": [", partition, info->partitions);
}

enum tool_exit verb_files(const struct tool_call *call)
{
	CLEANUP_CARTRIDGE struct cartridge *c = tool_open(call->arguments[0]);
	struct files files = {.json = call->values[OPTION_JSON], .list = call->values[OPTION_LIST]};
	enum tool_exit status = TOOL_DONE;
	struct stretch stretch;
	unsigned partition;
	int error;

	if (!c)
		return TOOL_FAILED;
	if (!tool_partition(call, c, &partition))
		return TOOL_USAGE;
	files_head(&files, c, partition);
	for (uint64_t n = 0; !(error = stretch_find(c, partition, n, &stretch)) && !ferror(stdout); n++) {
		error = (files.json ? files_show_json : files_show)(&files, c, partition, &stretch);
		if (error) {
			tool_complain("%s: file %" PRIu64 ": %s", call->arguments[0], n,
				      tool_reason(error));
			status = TOOL_FAILED;
		}
	}
	if (files.json)
		puts("\n  ]\n}");
	if (error && error != -ENXIO) {
		tool_complain("%s: %s", call->arguments[0], tool_reason(error));
		status = TOOL_FAILED;
	}
	return status;
}
