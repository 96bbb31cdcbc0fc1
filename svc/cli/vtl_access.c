/* SPDX-License-Identifier: MIT */
/*
 * `granary vtl access`: who may log in. Secrets come from a file or from standard
 * input: a command line is seen by every user of the machine.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/cleanup.h"
#include "svc/cli/target.h"
#include "svc/cli/verbs.h"

/* The first line of a file, "-" for the next one of standard input. */
static enum cli_exit access_read_secret(const char *name, json_t **secret)
{
	bool standard = strcmp(name, "-") == 0;
	FILE *file = standard ? stdin : fopen(name, "re");
	char *line = NULL;
	size_t size = 0;
	ssize_t length;

	if (!file) {
		command_complain("%s: %s", name, strerror(errno));
		return CLI_FAILED;
	}
	length = getline(&line, &size, file);
	if (!standard)
		fclose(file);
	if (length > 0)
		line[strcspn(line, "\r\n")] = '\0';
	*secret = length > 0 ? json_string(line) : NULL;
	if (line)
		explicit_bzero(line, size);
	free(line);
	if (*secret && *json_string_value(*secret))
		return CLI_DONE;
	json_decref(*secret);
	*secret = NULL;
	command_complain("%s: there is no secret in it", standard ? "standard input" : name);
	return CLI_FAILED;
}

static enum cli_exit access_put_secret(const struct command_call *call, json_t *row,
				       const char *user_option, const char *file_option,
				       const char *user, const char *param)
{
	const char *name = command_value(call, user_option);
	const char *file = command_value(call, file_option);
	json_t *secret = NULL;
	enum cli_exit status = CLI_USAGE;

	if (!name && !file)
		return CLI_DONE;
	if (!name || !file) {
		command_complain("--%s needs --%s, a file with the secret (- for standard input)",
				 user_option, file_option);
		return CLI_USAGE;
	}
	if (target_put(row, &(struct target_option){user_option, TARGET_TEXT, user}, name))
		status = access_read_secret(file, &secret);
	if (status == CLI_DONE)
		json_object_set_new(row, param, secret);
	return status;
}

static enum cli_exit access_row(const struct command_call *call, const char *initiator, json_t *row)
{
	static const struct target_option rows[] = {{"allow", TARGET_TEXT, "initiator"},
						    {"network", TARGET_TEXT, "network"}};
	const char *network = command_value(call, "network");
	enum cli_exit status;

	if (!target_put(row, &rows[0], initiator) || (network && !target_put(row, &rows[1], network)))
		return CLI_USAGE;
	status = access_put_secret(call, row, "user", "secret-file", "user", "secret");
	return status == CLI_DONE ? access_put_secret(call, row, "mutual-user", "mutual-secret-file",
						      "mutual_user", "mutual_secret")
				  : status;
}

static void access_table_row(struct table *table, const json_t *row)
{
	const char *network = target_text(row, "network");
	const char *user = target_text(row, "user");
	const char *mutual = target_text(row, "mutual_user");

	table_row(table, (const char *const[]){target_text(row, "initiator"),
					       *network ? network : "any", target_text(row, "chap"),
					       *user ? user : "-", *mutual ? mutual : "-"});
}

static enum cli_exit access_print(const struct command_call *call, const json_t *result)
{
	static const char *const headings[] = {"INITIATOR", "NETWORK", "CHAP", "USER", "MUTUAL USER",
					       NULL};

	if (call->json) {
		remote_print_json(result);
		return CLI_DONE;
	}
	if (target_flag(result, "open"))
		printf("%s is open: everybody who reaches the portal may log in\n", call->arguments[0]);
	else if (!json_array_size(json_object_get(result, "rows")))
		printf("%s is closed: its list is empty, and nobody may log in\n", call->arguments[0]);
	else
		return target_table(call, result, "rows", headings, access_table_row);
	return CLI_DONE;
}

static const struct target_option access_rows[] = {{"open", TARGET_FLAG, "open"}, {NULL}};

enum cli_exit vtl_access(struct command_call *call)
{
	const char *allow = command_value(call, "allow"), *drop = command_value(call, "remove");
	CLEANUP_JSON json_t *result = NULL;
	json_t *params, *row;
	enum cli_exit status = CLI_DONE;

	if ((allow != NULL) + (drop != NULL) + (command_value(call, "open") != NULL) > 1) {
		command_complain("only one of --allow, --remove and --open");
		return CLI_USAGE;
	}
	if (!allow && (command_value(call, "user") || command_value(call, "mutual-user"))) {
		command_complain("--user belongs to --allow");
		return CLI_USAGE;
	}
	params = target_params(call, target_name, access_rows);
	if (!params)
		return CLI_USAGE;
	if (allow || drop) {
		row = json_object();
		status = access_row(call, allow ? allow : drop, row);
		json_object_set_new(params, allow ? "allow" : "remove", row);
	}
	if (status != CLI_DONE) {
		json_decref(params);
		return status;
	}
	status = target_ask(call, "vtl.access", params, &result);
	return status == CLI_DONE ? access_print(call, result) : status;
}
