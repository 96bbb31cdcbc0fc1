/* SPDX-License-Identifier: MIT */
/*
 * `granary tape files`, cat, check, export, import: granary-tape does them on
 * the cartridge's files; this finds the folder, by asking granary-targetd or in
 * --folder DIR. So it does read, write and `granary vtl selftest`, as an initiator.
 *
 *   granary-tape files [--json] [--list] [--partition N] PATH
 *   granary-tape check [--json] PATH
 *   granary-tape cat [--partition N] PATH[:FILES]
 *   granary-tape export [--json] [--partition N] PATH FILE
 *   granary-tape read|write|selftest [...] URL
 *   granary-tape import [--format NAME] [--medium NAME] [--size SIZE] SOURCE PATH
 */
#include <errno.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/base/cleanup.h"
#include "lib/base/mem.h"
#include "svc/cli/target.h"
#include "svc/cli/verbs.h"

#define TOOL_ARGUMENTS 20

struct tool {
	const char *argv[TOOL_ARGUMENTS + 1];
	int count;
};

static void tool_add(struct tool *tool, const char *argument)
{
	if (tool->count < TOOL_ARGUMENTS)
		tool->argv[tool->count++] = argument;
}

static void tool_option(struct tool *tool, const struct command_call *call, const char *option,
			const char *as)
{
	if (!command_value(call, option))
		return;
	tool_add(tool, as);
	tool_add(tool, command_value(call, option));
}

/* ---- signals while it runs: it puts in order what it was at, and this waits for it -------- */

/* The terminal sends the first two to both, whoever ends this process the others to this one alone. */
static const int tool_signals[] = {SIGINT, SIGQUIT, SIGTERM, SIGHUP};
#define TOOL_SIGNALS   (sizeof(tool_signals) / sizeof(tool_signals[0]))
#define TOOL_TERMINALS 2
static volatile pid_t tool_child;

static void tool_pass_on(int number)
{
	if (tool_child > 0)
		kill(tool_child, number);
}

/* What is ignored, as nohup has it, stays so. */
static void tool_take_signals(struct sigaction before[TOOL_SIGNALS])
{
	for (size_t i = 0; i < TOOL_SIGNALS; i++) {
		struct sigaction action = {.sa_handler = i < TOOL_TERMINALS ? SIG_IGN : tool_pass_on};

		sigaction(tool_signals[i], NULL, &before[i]);
		if (before[i].sa_handler != SIG_IGN)
			sigaction(tool_signals[i], &action, NULL);
	}
}

static int tool_spawn(char *const *argv, const struct sigaction before[TOOL_SIGNALS])
{
	posix_spawnattr_t attributes;
	sigset_t defaults, all, mask;
	pid_t child;
	int error = posix_spawnattr_init(&attributes);

	if (error)
		return error;
	sigemptyset(&defaults);
	for (size_t i = 0; i < TOOL_TERMINALS; i++)
		if (before[i].sa_handler != SIG_IGN)
			sigaddset(&defaults, tool_signals[i]);
	/* None comes while nobody is there to pass it on to. */
	sigfillset(&all);
	sigprocmask(SIG_BLOCK, &all, &mask);
	posix_spawnattr_setsigdefault(&attributes, &defaults);
	posix_spawnattr_setsigmask(&attributes, &mask);
	posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK);
	error = posix_spawnp(&child, argv[0], NULL, &attributes, argv, environ);
	if (error == ENOENT)
		error = posix_spawn(&child, GRANARY_BINDIR "/granary-tape", NULL, &attributes, argv, environ);
	posix_spawnattr_destroy(&attributes);
	if (!error)
		tool_child = child;
	sigprocmask(SIG_SETMASK, &mask, NULL);
	return error;
}

/* Its exit status, where it is one of ours. */
static enum cli_exit tool_run(struct tool *tool)
{
	char *const *argv = (char *const *)(uintptr_t)tool->argv;
	struct sigaction before[TOOL_SIGNALS];
	int status = 0, error;
	pid_t ended = -1;

	fflush(stdout);
	tool_take_signals(before);
	error = tool_spawn(argv, before);
	while (!error && (ended = waitpid(tool_child, &status, 0)) < 0 && errno == EINTR)
		continue;
	tool_child = 0;
	for (size_t i = 0; i < TOOL_SIGNALS; i++)
		sigaction(tool_signals[i], &before[i], NULL);
	if (error)
		command_complain("granary-tape: %s", strerror(error));
	if (error || ended < 0)
		return CLI_FAILED;
	if (WIFEXITED(status) && WEXITSTATUS(status) <= CLI_UNREACHABLE)
		return (enum cli_exit)WEXITSTATUS(status);
	return CLI_FAILED;
}

/* The folder of a cartridge. `barcode` is as long as `length` says. */
static enum cli_exit tool_locate(const struct command_call *call, const char *barcode, size_t length,
				 char **path)
{
	const char *folder = command_value(call, "folder");
	CLEANUP_FREE char *name = mem_printf("%.*s", (int)length, barcode);
	static const struct target_option rows[] = {{"library", TARGET_TEXT, "library"}, {NULL}};
	static const struct target_option row = {"barcode", TARGET_TEXT, "barcode"};
	CLEANUP_JSON json_t *result = NULL;
	json_t *params;
	enum cli_exit status;

	if (folder) {
		*path = mem_printf("%s/%s", folder, name);
		if (access(*path, F_OK) == 0)
			return CLI_DONE;
		command_complain("%s: %s", *path, strerror(errno));
		return CLI_FAILED;
	}
	params = target_params(call, NULL, rows);
	if (!params || !target_put(params, &row, name)) {
		json_decref(params);
		return CLI_USAGE;
	}
	status = target_ask(call, "tape.show", params, &result);
	if (status != CLI_DONE)
		return status;
	*path = mem_strdup(target_text(result, "path"));
	return CLI_DONE;
}

static enum cli_exit tool_verb(struct command_call *call, const char *verb)
{
	CLEANUP_FREE char *path = NULL;
	const char *barcode = call->arguments[0];
	struct tool tool = {.argv = {"granary-tape", verb}, .count = 2};
	enum cli_exit status = tool_locate(call, barcode, strlen(barcode), &path);

	if (status != CLI_DONE)
		return status;
	if (call->json)
		tool_add(&tool, "--json");
	if (command_value(call, "list"))
		tool_add(&tool, "--list");
	tool_option(&tool, call, "partition", "--partition");
	tool_add(&tool, path);
	if (command_argument(call, 1))
		tool_add(&tool, command_argument(call, 1));
	return tool_run(&tool);
}

enum cli_exit tape_files(struct command_call *call)
{
	return tool_verb(call, "files");
}

enum cli_exit tape_check(struct command_call *call)
{
	return tool_verb(call, "check");
}

enum cli_exit tape_export(struct command_call *call)
{
	return tool_verb(call, "export");
}

/* BARCODE, or BARCODE:FILE. */
enum cli_exit tape_cat(struct command_call *call)
{
	CLEANUP_FREE char *path = NULL;
	CLEANUP_FREE char *place = NULL;
	const char *barcode = call->arguments[0];
	size_t length = strcspn(barcode, ":");
	struct tool tool = {.argv = {"granary-tape", "cat"}, .count = 2};
	enum cli_exit status;

	if (barcode[length] && (!barcode[length + 1] || strspn(barcode + length + 1, "0123456789-") !=
								strlen(barcode + length + 1))) {
		command_complain("\"%s\": files are :3, :3-5 or :3-", barcode + length);
		return CLI_USAGE;
	}
	status = tool_locate(call, barcode, length, &path);
	if (status != CLI_DONE)
		return status;
	place = mem_printf("%s%s", path, barcode + length);
	tool_option(&tool, call, "partition", "--partition");
	tool_add(&tool, place);
	return tool_run(&tool);
}

/* The folder of the library's cartridges. */
static enum cli_exit tool_library_folder(const struct command_call *call, char **folder)
{
	const char *given = command_value(call, "folder"), *name = command_value(call, "library");
	static const struct target_option rows[] = {{"library", TARGET_TEXT, "name"}, {NULL}};
	CLEANUP_JSON json_t *result = NULL;
	enum cli_exit status;

	if (!given == !name) {
		command_complain("say where to: --library NAME, or --folder DIR without granary-targetd");
		return CLI_USAGE;
	}
	if (given) {
		*folder = mem_strdup(given);
		return CLI_DONE;
	}
	status = target_query(call, "vtl.show", NULL, rows, &result);
	if (status == CLI_DONE)
		*folder = mem_strdup(target_text(result, "folder"));
	return status;
}

/* Barcodes of libraries are what granary-targetd takes for one, and given once among all of them. */
static enum cli_exit tool_check_new(const struct command_call *call, const char *barcode)
{
	CLEANUP_JSON json_t *result = NULL;
	const json_t *tapes, *tape;
	enum cli_exit status;
	size_t i;

	if (!*barcode || strchr("-_", *barcode) ||
	    barcode[strspn(barcode, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_")]) {
		command_complain("a barcode must begin with a capital letter or a digit and have only those, "
				 "dashes and underscores");
		return CLI_USAGE;
	}
	status = target_ask(call, "tape.list", json_object(), &result);
	tapes = json_object_get(result, "tapes");
	json_array_foreach((json_t *)(uintptr_t)tapes, i, tape)
	{
		if (strcmp(target_text(tape, "barcode"), barcode) != 0 || target_number(tape, "deleted"))
			continue;
		command_complain("library %s has a tape %s already", target_text(tape, "library"), barcode);
		return CLI_FAILED;
	}
	return status;
}

enum cli_exit tape_import(struct command_call *call)
{
	CLEANUP_FREE char *folder = NULL;
	CLEANUP_FREE char *path = NULL;
	CLEANUP_JSON json_t *result = NULL;
	const char *barcode = command_argument(call, 1), *name = command_value(call, "library");
	struct tool tool = {.argv = {"granary-tape", "import"}, .count = 2};
	enum cli_exit status = tool_library_folder(call, &folder);

	if (status == CLI_DONE && name)
		status = tool_check_new(call, barcode);
	if (status == CLI_DONE && strchr(barcode, '/')) {
		command_complain("\"%s\" is no barcode", barcode);
		status = CLI_USAGE;
	}
	if (status != CLI_DONE)
		return status;
	path = mem_printf("%s/%s", folder, barcode);
	tool_option(&tool, call, "format", "--format");
	tool_option(&tool, call, "medium", "--medium");
	tool_option(&tool, call, "size", "--size");
	tool_option(&tool, call, "partition", "--partition");
	tool_option(&tool, call, "auth-file", "--auth-file");
	tool_option(&tool, call, "initiator", "--initiator");
	if (call->json)
		tool_add(&tool, "--json");
	tool_add(&tool, call->arguments[0]);
	tool_add(&tool, path);
	status = tool_run(&tool);
	if (status != CLI_DONE || !name || command_value(call, "shelf"))
		return status;
	/* It is whole by now, also where no slot takes it: why was said. */
	if (target_ask(call, "vtl.put", json_pack("{s:s, s:s}", "name", name, "barcode", barcode), &result))
		command_complain("%s is on the shelf of %s", barcode, name);
	return CLI_DONE;
}

/* What a session with a library takes, and the URL: no cartridge's path is needed. */
static enum cli_exit tool_session(struct command_call *call, struct tool *tool, const char *url)
{
	tool_option(tool, call, "auth-file", "--auth-file");
	tool_option(tool, call, "initiator", "--initiator");
	tool_add(tool, url);
	return tool_run(tool);
}

enum cli_exit tape_read(struct command_call *call)
{
	struct tool tool = {.argv = {"granary-tape", "read"}, .count = 2};

	tool_option(&tool, call, "file", "--file");
	return tool_session(call, &tool, call->arguments[0]);
}

enum cli_exit tape_write(struct command_call *call)
{
	struct tool tool = {.argv = {"granary-tape", "write"}, .count = 2};

	tool_option(&tool, call, "file", "--file");
	tool_option(&tool, call, "block-size", "--block-size");
	if (command_value(call, "append"))
		tool_add(&tool, "--append");
	return tool_session(call, &tool, call->arguments[0]);
}

/* At the first of the addresses that the library listens at. */
enum cli_exit vtl_selftest(struct command_call *call)
{
	struct tool tool = {.argv = {"granary-tape", "selftest"}, .count = 2};
	CLEANUP_JSON json_t *result = NULL;
	CLEANUP_FREE char *url = NULL;
	enum cli_exit status = target_query(call, "vtl.show", target_name, NULL, &result);
	const char *portal;

	if (status != CLI_DONE)
		return status;
	portal = json_string_value(json_array_get(json_object_get(result, "portals"), 0));
	if (!portal) {
		command_complain("granary-targetd listens at no address");
		return CLI_FAILED;
	}
	url = mem_printf("iscsi://%s/%s", portal, target_text(result, "iqn"));
	if (call->json)
		tool_add(&tool, "--json");
	tool_option(&tool, call, "tape", "--tape");
	return tool_session(call, &tool, url);
}
