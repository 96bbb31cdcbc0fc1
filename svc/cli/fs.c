/* SPDX-License-Identifier: MIT */
/*
 * `granary fs`: the verbs with one question and one answer. Paths are given as
 * the user sees them; what goes to the daemon is relative to the store's root.
 * With --control they are taken to be relative to it already.
 */
#include <errno.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/base/cleanup.h"
#include "lib/base/mem.h"
#include "lib/daemon/options.h"
#include "svc/cli/remote.h"
#include "svc/cli/table.h"
#include "svc/cli/verbs.h"

static bool fs_is_text(const char *path)
{
	json_t *text = json_string(path);
	json_decref(text);
	return text != NULL;
}

enum cli_exit fs_inside(const struct command_call *call, const struct remote *r, const char *path,
			char **inside)
{
	if (!fs_is_text(path)) {
		command_complain("a name that is not UTF-8 cannot be sent to the daemon");
		return CLI_FAILED;
	}
	if (command_value(call, "control")) {
		*inside = mem_strdup(path + strspn(path, "/"));
		return CLI_DONE;
	}
	struct location location = {0};
	int error = locate(path, &location);
	if (error) {
		command_complain("%s: %s", path,
				 error == -ENOENT ? "not in the mount of a store"
						  : strerror(-error));
		return CLI_FAILED;
	}
	enum cli_exit status = CLI_DONE;
	if (!location.mount || strcmp(location.store, r->location.store) != 0) {
		command_complain("%s: not in a mount of %s", path, r->location.store);
		status = CLI_FAILED;
	} else {
		*inside = TAKE(location.inside);
	}
	location_clear(&location);
	return status;
}

static enum cli_exit fs_ask(struct command_call *call, const char *method)
{
	CLEANUP_REMOTE struct remote r;
	enum cli_exit status = remote_open_store(call, command_argument(call, 0), &r);
	return status == CLI_DONE ? remote_show(call, &r, method, NULL) : status;
}

enum cli_exit fs_stats(struct command_call *call)
{
	return fs_ask(call, "fs.stats");
}

/* Answers that say only "done". */
static enum cli_exit fs_done(struct command_call *call, struct remote *r, const char *method,
			     json_t *params)
{
	CLEANUP_JSON json_t *result = NULL;
	enum cli_exit status = remote_call(r, method, params, &result);
	if (status == CLI_DONE && call->json)
		remote_print_json(result);
	return status;
}

enum cli_exit fs_sync(struct command_call *call)
{
	CLEANUP_REMOTE struct remote r;
	enum cli_exit status = remote_open_store(call, command_argument(call, 0), &r);
	return status == CLI_DONE ? fs_done(call, &r, "fs.sync", NULL) : status;
}

enum cli_exit fs_clone(struct command_call *call)
{
	CLEANUP_REMOTE struct remote r;
	CLEANUP_FREE char *source = NULL, *target = NULL;
	enum cli_exit status = remote_open_store(call, call->arguments[0], &r);
	if (status == CLI_DONE)
		status = fs_inside(call, &r, call->arguments[0], &source);
	if (status == CLI_DONE)
		status = fs_inside(call, &r, call->arguments[1], &target);
	if (status != CLI_DONE)
		return status;
	json_t *params = json_pack("{s:s, s:s}", "source", source, "target", target);
	return fs_done(call, &r, "fs.clone", params);
}

static enum cli_exit fs_containers(struct remote *r, json_t **list)
{
	CLEANUP_JSON json_t *result = NULL;
	enum cli_exit status = remote_call(r, "fs.containers", NULL, &result);
	if (status != CLI_DONE)
		return status;
	json_t *inner = json_object_get(result, "containers");
	if (!json_is_array(inner)) {
		command_complain("fs.containers: the answer is no list");
		return CLI_FAILED;
	}
	*list = json_incref(inner);
	return CLI_DONE;
}

static uint64_t fs_number(const json_t *object, const char *name)
{
	json_int_t value = json_integer_value(json_object_get(object, name));
	return value > 0 ? (uint64_t)value : 0;
}

static const char *fs_container_name(const json_t *container)
{
	const char *name = json_string_value(json_object_get(container, "name"));
	return name && *name ? name : "(root)";
}

static void fs_df_row(struct table *table, const char *name, const uint64_t sums[4])
{
	char files[TABLE_TEXT_MAX], logical[TABLE_TEXT_MAX], deduplicated[TABLE_TEXT_MAX];
	char stored[TABLE_TEXT_MAX], ratio[TABLE_TEXT_MAX];
	snprintf(files, sizeof(files), "%llu", (unsigned long long)sums[0]);
	table_row(table, (const char *const[]){name, files, table_size(sums[1], logical),
					       table_size(sums[2], deduplicated),
					       table_size(sums[3], stored),
					       table_ratio(sums[1], sums[3], ratio)});
}

enum cli_exit fs_df(struct command_call *call)
{
	static const char *const headings[] = {"DIRECTORY", ">FILES", ">LOGICAL", ">DEDUPLICATED",
					       ">STORED",   ">RATIO", NULL};
	static const char *const keys[] = {"files", "logical", "deduplicated", "stored"};
	CLEANUP_REMOTE struct remote r;
	CLEANUP_JSON json_t *list = NULL;
	uint64_t total[4] = {0};
	json_t *container;
	size_t i;
	enum cli_exit status = remote_open_store(call, command_argument(call, 0), &r);
	if (status == CLI_DONE)
		status = fs_containers(&r, &list);
	if (status != CLI_DONE)
		return status;
	if (call->json) {
		remote_print_json(list);
		return CLI_DONE;
	}
	struct table *table = table_new(headings);
	json_array_foreach(list, i, container)
	{
		uint64_t sums[4];
		for (size_t k = 0; k < 4; k++) {
			sums[k] = fs_number(container, keys[k]);
			total[k] += sums[k];
		}
		fs_df_row(table, fs_container_name(container), sums);
	}
	fs_df_row(table, "total", total);
	table_print(table, stdout);
	table_free(&table);
	return CLI_DONE;
}

/* Shows the quota of one container, or of all when `name` is "". */
static enum cli_exit fs_quota_show(struct command_call *call, struct remote *r, const char *name)
{
	static const char *const headings[] = {"DIRECTORY", ">USED", ">QUOTA", NULL};
	CLEANUP_JSON json_t *list = NULL;
	CLEANUP_JSON json_t *shown = json_array();
	json_t *container;
	size_t i;
	enum cli_exit status = fs_containers(r, &list);
	if (status != CLI_DONE)
		return status;
	struct table *table = table_new(headings);
	json_array_foreach(list, i, container)
	{
		char used[TABLE_TEXT_MAX], quota[TABLE_TEXT_MAX];
		const char *own = json_string_value(json_object_get(container, "name"));
		uint64_t bytes = fs_number(container, "quota");
		if (*name && (!own || strcmp(own, name) != 0))
			continue;
		json_array_append(shown, container);
		table_row(table,
			  (const char *const[]){fs_container_name(container),
						table_size(fs_number(container, "logical"), used),
						bytes ? table_size(bytes, quota) : "none"});
	}
	if (*name && json_array_size(shown) == 0) {
		command_complain("%s: no such top-level directory", name);
		status = CLI_FAILED;
	} else if (call->json) {
		remote_print_json(shown);
	} else {
		table_print(table, stdout);
	}
	table_free(&table);
	return status;
}

enum cli_exit fs_quota(struct command_call *call)
{
	CLEANUP_REMOTE struct remote r = {0};
	CLEANUP_FREE char *name = NULL;
	const char *size = command_argument(call, 1);
	uint64_t bytes = 0;
	if (size && strcmp(size, "none") != 0 && options_size(size, &bytes)) {
		command_complain("\"%s\" is no size such as 500G, nor \"none\"", size);
		return CLI_USAGE;
	}
	enum cli_exit status = remote_open_store(call, call->arguments[0], &r);
	if (status == CLI_DONE)
		status = fs_inside(call, &r, call->arguments[0], &name);
	if (status != CLI_DONE)
		return status;
	if (strchr(name, '/') || (size && !*name)) {
		command_complain("%s: a quota belongs to a top-level directory of the store",
				 call->arguments[0]);
		return CLI_FAILED;
	}
	if (!size)
		return fs_quota_show(call, &r, name);
	json_t *params = json_pack("{s:s, s:I}", "container", name, "bytes", (json_int_t)bytes);
	return fs_done(call, &r, "fs.quota", params);
}

/* What fsck(8) says in bits is done or failed here. */
static enum cli_exit fs_run_fsck(char *const argv[])
{
	pid_t child;
	int status;
	fflush(stdout);
	int error = posix_spawnp(&child, argv[0], NULL, NULL, argv, environ);
	if (error == ENOENT)
		error = posix_spawn(&child, GRANARY_SBINDIR "/fsck.granary", NULL, NULL, argv, environ);
	while (!error && waitpid(child, &status, 0) < 0)
		error = errno == EINTR ? 0 : errno;
	if (error)
		command_complain("%s: %s", argv[0], strerror(error));
	return !error && WIFEXITED(status) && WEXITSTATUS(status) == 0 ? CLI_DONE : CLI_FAILED;
}

/* The offline look is fsck.granary's: this only finds the store. */
enum cli_exit fs_dump(struct command_call *call)
{
	struct location location = {0};
	enum cli_exit status = CLI_FAILED;
	const char *name = command_argument(call, 0);
	int error = locate(name, &location);
	if (error) {
		command_complain("%s: %s", name ? name : ".",
				 error == -ENOENT ? "neither a store nor in the mount of one"
						  : strerror(-error));
		return CLI_FAILED;
	}
	char command[] = "fsck.granary", dump[] = "--dump", json[] = "--json";
	char *const argv[] = {command, dump, location.store, call->json ? json : NULL, NULL};
	if (location.mount)
		command_complain("%s is mounted on %s: unmount it to dump it, or ask "
				 "granary fs explain and granary fs stats",
				 location.store, location.mount);
	else
		status = fs_run_fsck(argv);
	location_clear(&location);
	return status;
}
