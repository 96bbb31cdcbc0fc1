/* SPDX-License-Identifier: MIT */
/*
 * `granary fs explain`: how a file is stored, and which other files share its data. The second
 * makes the daemon read all file maps, so --brief leaves it out.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/cleanup.h"
#include "svc/cli/remote.h"
#include "svc/cli/table.h"
#include "svc/cli/verbs.h"

static uint64_t explain_number(const json_t *object, const char *name)
{
	json_int_t value = json_integer_value(json_object_get(object, name));
	return value > 0 ? (uint64_t)value : 0;
}

static int compare_bytes(const void *a, const void *b)
{
	uint64_t x = explain_number(*(json_t *const *)a, "bytes");
	uint64_t y = explain_number(*(json_t *const *)b, "bytes");
	return (x < y) - (x > y);
}

/* The list with the greatest first, as a new array. */
static json_t *explain_sorted(json_t *files)
{
	size_t count = json_array_size(files);
	json_t *sorted = json_array();
	json_t **row = calloc(count + 1, sizeof(*row));
	if (!row)
		return sorted;
	for (size_t i = 0; i < count; i++)
		row[i] = json_array_get(files, i);
	qsort(row, count, sizeof(*row), compare_bytes);
	for (size_t i = 0; i < count; i++)
		json_array_append(sorted, row[i]);
	free(row);
	return sorted;
}

static void explain_print(json_t *result)
{
	char text[TABLE_TEXT_MAX];
	table_print_object(result, stdout);
	printf("%-24s %s\n", "ratio",
	       table_ratio(explain_number(result, "allocated"),
			   explain_number(result, "stored_bytes"), text));
}

static void explain_print_shared(json_t *files, uint64_t count)
{
	static const char *const headings[] = {">SHARED", "WITH", NULL};
	json_t *entry;
	size_t i;
	printf("%-24s %llu %s\n", "shared with", (unsigned long long)count,
	       count == 1 ? "file" : "files");
	if (json_array_size(files) == 0)
		return;
	struct table *table = table_new(headings);
	json_array_foreach(files, i, entry)
	{
		char text[TABLE_TEXT_MAX];
		const char *path = json_string_value(json_object_get(entry, "path"));
		table_row(table, (const char *const[]){
					 table_size(explain_number(entry, "bytes"), text),
					 path ? path : "?"});
	}
	putchar('\n');
	table_print(table, stdout);
	table_free(&table);
	if (count > json_array_size(files))
		printf("and %llu more\n", (unsigned long long)(count - json_array_size(files)));
}

enum cli_exit fs_explain(struct command_call *call)
{
	CLEANUP_REMOTE struct remote r;
	CLEANUP_FREE char *path = NULL;
	CLEANUP_JSON json_t *result = NULL, *shared = NULL, *files = NULL;
	bool brief = command_value(call, "brief") != NULL;
	enum cli_exit status = remote_open_store(call, call->arguments[0], &r);
	if (status == CLI_DONE)
		status = fs_inside(call, &r, call->arguments[0], &path);
	if (status == CLI_DONE)
		status = remote_call(&r, "fs.explain", json_pack("{s:s}", "path", path), &result);
	if (status == CLI_DONE && !brief)
		status = remote_call(&r, "fs.shared", json_pack("{s:s}", "path", path), &shared);
	if (status != CLI_DONE)
		return status;
	files = explain_sorted(json_object_get(shared, "files"));
	if (call->json) {
		if (!brief) {
			json_object_set_new(result, "shared_files",
					    json_integer((json_int_t)explain_number(shared, "count")));
			json_object_set(result, "shared_with", files);
		}
		remote_print_json(result);
		return CLI_DONE;
	}
	explain_print(result);
	if (!brief)
		explain_print_shared(files, explain_number(shared, "count"));
	return CLI_DONE;
}
