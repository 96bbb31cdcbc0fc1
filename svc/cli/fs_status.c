/* SPDX-License-Identifier: MIT */
/*
 * `granary fs status`: the answer of fs.status, its space and its jobs brought
 * into a line each. What a newer daemon adds is shown as it comes.
 */
#include <stdio.h>
#include <string.h>

#include "svc/cli/remote.h"
#include "svc/cli/table.h"
#include "svc/cli/verbs.h"

static uint64_t status_number(const json_t *object, const char *name)
{
	json_int_t value = json_integer_value(json_object_get(object, name));
	return value > 0 ? (uint64_t)value : 0;
}

/* "37.0 GiB in segments, 65.4 GiB available of 80.0 GiB". What cleaning has freed inside a
 * segment file has been given back to the disk already, so it does not count. */
static void status_print_space(const json_t *space)
{
	uint64_t bytes = status_number(space, "segment_bytes");
	uint64_t dead = status_number(space, "dead_bytes");
	char segments[TABLE_TEXT_MAX];
	char available[TABLE_TEXT_MAX], total[TABLE_TEXT_MAX];
	if (!space)
		return;
	printf("%-24s %s in segments, %s available of %s\n", "space",
	       table_size(bytes > dead ? bytes - dead : 0, segments),
	       table_size(status_number(space, "available"), available),
	       table_size(status_number(space, "total"), total));
}

/* "marking, 45 %, will free 3.0 GiB" or "idle, last finished 2026-11-22 04:10:00" */
static void status_print_job(const char *name, const json_t *job)
{
	char text[TABLE_TEXT_MAX];
	const char *state = json_string_value(json_object_get(job, "state"));
	uint64_t error = status_number(job, "error");
	uint64_t total = status_number(job, "total");
	uint64_t damaged = status_number(job, "damaged_files");
	if (!state)
		return;
	printf("%-24s %s", name, state);
	if (strcmp(state, "idle") == 0)
		printf(", last finished %s",
		       table_time((int64_t)status_number(job, "finished_ns"), text));
	else if (total)
		printf(", %.0f %%", (double)status_number(job, "done") * 100 / (double)total);
	if (strcmp(state, "idle") != 0 && status_number(job, "will_free"))
		printf(", will free %s", table_size(status_number(job, "will_free"), text));
	if (damaged)
		printf(", %llu damaged files", (unsigned long long)damaged);
	printf("%s%s\n", error ? ": " : "", error ? strerror((int)error) : "");
}

/* "2, the last of inode 17: Input/output error", if there have been any. */
static void status_print_losses(const json_t *losses)
{
	uint64_t count = status_number(losses, "count");
	const char *error = json_string_value(json_object_get(losses, "last_error"));
	if (!count)
		return;
	printf("%-24s %llu, the last of inode %llu: %s\n", "losses", (unsigned long long)count,
	       (unsigned long long)status_number(losses, "last_inode"), error ? error : "?");
}

enum cli_exit fs_status(struct command_call *call)
{
	static const char *const jobs[] = {"clean", "scrub"};
	CLEANUP_REMOTE struct remote r;
	CLEANUP_JSON json_t *result = NULL;
	enum cli_exit status = remote_open_store(call, command_argument(call, 0), &r);
	if (status == CLI_DONE)
		status = remote_call(&r, "fs.status", NULL, &result);
	if (status != CLI_DONE)
		return status;
	if (call->json) {
		remote_print_json(result);
		return CLI_DONE;
	}
	CLEANUP_JSON json_t *rest = json_copy(result);
	json_object_del(rest, "space");
	json_object_del(rest, "losses");
	for (size_t i = 0; i < 2; i++)
		json_object_del(rest, jobs[i]);
	table_print_object(rest, stdout);
	status_print_space(json_object_get(result, "space"));
	status_print_losses(json_object_get(result, "losses"));
	for (size_t i = 0; i < 2; i++)
		status_print_job(jobs[i], json_object_get(result, jobs[i]));
	return CLI_DONE;
}
