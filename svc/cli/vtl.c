/* SPDX-License-Identifier: MIT */
/* `granary vtl`: making, changing and looking at libraries. */
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/cleanup.h"
#include "lib/base/mem.h"
#include "svc/cli/target.h"
#include "svc/cli/verbs.h"

#define VTL_COMMON                                                                                 \
	{"drive", TARGET_TEXT, "drive"}, {"drives", TARGET_NUMBER, "drives"},                      \
		{"slots", TARGET_NUMBER, "slots"}, {"ie-slots", TARGET_NUMBER, "import_slots"},    \
		{"tape-size", TARGET_SIZE, "tape_size"},                                           \
	{                                                                                          \
		"recycle-days", TARGET_NUMBER, "recycle_days"                                      \
	}

static const struct target_option vtl_create_rows[] = {
	VTL_COMMON,
	{"personality", TARGET_TEXT, "personality"},
	{"barcode", TARGET_TEXT, "barcode"},
	{"medium", TARGET_TEXT, "medium"},
	{"tapes", TARGET_NUMBER, "tapes"},
	{"encryption", TARGET_FLAG, "encryption"},
	{"adopt", TARGET_FLAG, "adopt"},
	{"force", TARGET_FLAG, "force"},
	{NULL},
};

static const struct target_option vtl_update_rows[] = {
	VTL_COMMON,
	{"encryption", TARGET_SWITCH, "encryption"},
	{"force", TARGET_FLAG, "force"},
	{NULL},
};

static const struct target_option vtl_delete_rows[] = {
	{"force", TARGET_FLAG, "force"},
	{"purge", TARGET_FLAG, "purge"},
	{NULL},
};

static char *vtl_from_here(const char *folder)
{
	CLEANUP_FREE char *here = getcwd(NULL, 0);

	return here ? mem_printf("%s/%s", here, folder) : NULL;
}

/* The daemon may run in another folder. */
static enum cli_exit vtl_put_folder(const struct command_call *call, json_t *params)
{
	const char *folder = command_value(call, "folder");
	CLEANUP_FREE char *absolute = NULL;

	if (!folder)
		return CLI_DONE;
	if (!*folder) {
		command_complain("--folder: a folder has a name");
		return CLI_USAGE;
	}
	absolute = folder[0] == '/' ? mem_strdup(folder) : vtl_from_here(folder);
	if (!absolute || !target_is_text(absolute)) {
		command_complain("%s: the folder cannot be found from here", folder);
		return CLI_USAGE;
	}
	json_object_set_new(params, "folder", json_string(absolute));
	return CLI_DONE;
}

static const char *vtl_first_portal(const json_t *library)
{
	const char *portal =
		json_string_value(json_array_get(json_object_get(library, "portals"), 0));

	return portal ? portal : "127.0.0.1:3260";
}

/* As another host is to name it: all addresses of this one are its name. */
static char *vtl_portal_for_others(const char *portal)
{
	char host[HOST_NAME_MAX + 1] = "";

	if (strncmp(portal, "0.0.0.0:", 8) != 0 && strncmp(portal, "[::]:", 5) != 0)
		return mem_strdup(portal);
	if (gethostname(host, sizeof(host) - 1))
		return mem_strdup(portal);
	return mem_printf("%s%s", host, strrchr(portal, ':'));
}

static bool vtl_is_loopback(const char *portal)
{
	return strncmp(portal, "127.", 4) == 0 || strncmp(portal, "[::1]", 5) == 0;
}

static void vtl_print_count(const json_t *library, const char *name, const char *what, const char *after)
{
	unsigned long long count = target_number(library, name);

	printf("%llu %s%s%s", count, what, count == 1 ? "" : "s", after);
}

/* What to do now. */
static void vtl_print_created(const json_t *library)
{
	CLEANUP_FREE char *portal = vtl_portal_for_others(vtl_first_portal(library));
	const char *iqn = target_text(library, "iqn");

	printf("%s is ready: %s with ", target_text(library, "name"), target_text(library, "title"));
	vtl_print_count(library, "drives", "drive", ", ");
	vtl_print_count(library, "slots", "slot", " and ");
	vtl_print_count(library, "placed_tapes", "tape", ".\n\n");
	printf("  iSCSI name  %s\n  portal      %s\n  tapes in    %s\n\n", iqn, portal,
	       target_text(library, "folder"));
	printf("On %s:\n\n"
	       "  iscsiadm -m discovery -t sendtargets -p %s\n"
	       "  iscsiadm -m node -T %s -p %s --login\n"
	       "  lsscsi -g\n\n",
	       vtl_is_loopback(portal) ? "this host, which alone reaches the portal (granary-targetd --portal)"
				       : "a host that is to use it",
	       portal, iqn, portal);
	if (!target_number(library, "access_rows"))
		printf("Everybody who reaches the portal may log in; granary vtl access %s changes that.\n",
		       target_text(library, "name"));
}

enum cli_exit vtl_create(struct command_call *call)
{
	CLEANUP_JSON json_t *result = NULL;
	json_t *params = target_params(call, target_name, vtl_create_rows);
	enum cli_exit status = params ? vtl_put_folder(call, params) : CLI_USAGE;

	if (status != CLI_DONE) {
		json_decref(params);
		return status;
	}
	status = target_ask(call, "vtl.create", params, &result);
	if (status == CLI_DONE && call->json)
		remote_print_json(result);
	else if (status == CLI_DONE)
		vtl_print_created(result);
	return status;
}

/* A number, or "-" where it is not known. */
static const char *vtl_number(const json_t *library, const char *name, char text[24])
{
	if (!json_is_integer(json_object_get(library, name)))
		return "-";
	snprintf(text, 24, "%llu", (unsigned long long)target_number(library, name));
	return text;
}

static void vtl_list_row(struct table *table, const json_t *library)
{
	char drives[24], slots[24], tapes[24], sessions[24];
	bool known = json_is_string(json_object_get(library, "iqn"));

	table_row(table,
		  (const char *const[]){target_text(library, "name"), target_text(library, "state"),
					known ? target_text(library, "title") : "-",
					vtl_number(library, "drives", drives),
					vtl_number(library, "slots", slots),
					vtl_number(library, "placed_tapes", tapes),
					vtl_number(library, "sessions", sessions),
					!known					 ? "-"
					: target_flag(library, "open")		 ? "open"
										 : "listed",
					known ? target_text(library, "iqn") : "-"});
}

/* Why some are not served, or lack their cartridges. */
static void vtl_list_reasons(const json_t *libraries)
{
	for (size_t i = 0; i < json_array_size(libraries); i++) {
		const json_t *library = json_array_get(libraries, i);
		char *name = table_clean(target_text(library, "name"));
		char *reason = table_clean(target_text(library, "reason"));

		char *folder = table_clean(target_text(library, "folder"));

		if (*reason)
			printf("%s: %s: %s%s%s\n", name, target_text(library, "state"), folder,
			       *folder ? ": " : "", reason);
		free(name);
		free(reason);
		free(folder);
	}
}

enum cli_exit vtl_list(struct command_call *call)
{
	static const char *const headings[] = {"LIBRARY", "STATE",  "PERSONALITY", ">DRIVES",
					       ">SLOTS",  ">TAPES", ">SESSIONS",   "ACCESS",
					       "ISCSI NAME", NULL};
	CLEANUP_JSON json_t *result = NULL;
	enum cli_exit status = target_ask(call, "vtl.list", NULL, &result);

	if (status == CLI_DONE)
		status = target_table(call, result, "libraries", headings, vtl_list_row);
	if (status == CLI_DONE && !call->json)
		vtl_list_reasons(json_object_get(result, "libraries"));
	return status;
}

enum cli_exit vtl_show(struct command_call *call)
{
	CLEANUP_JSON json_t *result = NULL;
	enum cli_exit status = target_query(call, "vtl.show", target_name, NULL, &result);
	json_t *size;

	if (status != CLI_DONE)
		return status;
	if (call->json) {
		remote_print_json(result);
		return CLI_DONE;
	}
	size = json_object_get(result, "tape_size");
	if (json_is_integer(size) && json_integer_value(size) == 0)
		json_object_set_new(result, "tape_size", json_string("the medium's"));
	table_print_object(result, stdout);
	return CLI_DONE;
}

enum cli_exit vtl_update(struct command_call *call)
{
	json_t *params = target_params(call, target_name, vtl_update_rows);

	if (params && json_object_size(params) > 1)
		return target_do(call, "vtl.update", params);
	if (params)
		command_complain("say what is to be changed; try granary vtl update --help");
	json_decref(params);
	return CLI_USAGE;
}

enum cli_exit vtl_delete(struct command_call *call)
{
	CLEANUP_JSON json_t *library = NULL;
	CLEANUP_JSON json_t *result = NULL;
	/* Asked before, as nobody knows its folder afterwards. */
	enum cli_exit status = target_query(call, "vtl.show", target_name, NULL, &library);
	json_t *params = status == CLI_DONE ? target_params(call, target_name, vtl_delete_rows) : NULL;
	const char *folder = target_text(library, "folder");

	if (!params)
		return status == CLI_DONE ? CLI_USAGE : status;
	status = target_ask(call, "vtl.delete", params, &result);
	if (status == CLI_DONE && call->json)
		remote_print_json(result);
	else if (status == CLI_DONE && command_value(call, "purge"))
		printf("%s is deleted, and its cartridges are\n", call->arguments[0]);
	else if (status == CLI_DONE)
		printf("%s is deleted; its cartridges stay%s%s\n", call->arguments[0],
		       *folder ? " in " : "", folder);
	return status;
}

enum cli_exit vtl_reopen(struct command_call *call)
{
	CLEANUP_JSON json_t *result = NULL;
	enum cli_exit status = target_query(call, "vtl.reopen", target_name, NULL, &result);

	if (status == CLI_DONE && call->json)
		remote_print_json(result);
	else if (status == CLI_DONE)
		printf("%s is served\n", target_text(result, "name"));
	return status;
}

static void vtl_personality_row(struct table *table, const json_t *entry)
{
	table_row(table, (const char *const[]){target_text(entry, "name"), target_text(entry, "vendor"),
					       target_text(entry, "product"),
					       target_text(entry, "revision"),
					       target_text(entry, "drive")});
}

static void vtl_model_row(struct table *table, const json_t *entry)
{
	char generation[24];

	snprintf(generation, sizeof(generation), "LTO-%llu",
		 (unsigned long long)target_number(entry, "generation"));
	table_row(table, (const char *const[]){target_text(entry, "name"), target_text(entry, "vendor"),
					       target_text(entry, "product"),
					       target_text(entry, "revision"), generation});
}

static void vtl_medium_row(struct table *table, const json_t *entry)
{
	char size[TABLE_TEXT_MAX];
	uint64_t capacity = target_number(entry, "capacity");

	table_row(table, (const char *const[]){target_text(entry, "name"), target_text(entry, "suffix"),
					       capacity ? table_size(capacity, size) : "-"});
}

enum cli_exit vtl_personalities(struct command_call *call)
{
	static const char *const changers[] = {"PERSONALITY", "VENDOR", "PRODUCT", "REVISION", "DRIVE",
					       NULL};
	static const char *const drives[] = {"DRIVE", "VENDOR", "PRODUCT", "REVISION", "GENERATION",
					     NULL};
	static const char *const media[] = {"MEDIUM", "BARCODE ENDS", ">CAPACITY", NULL};
	CLEANUP_JSON json_t *result = NULL;
	enum cli_exit status = target_ask(call, "vtl.personalities", NULL, &result);

	if (status != CLI_DONE)
		return status;
	if (call->json) {
		remote_print_json(result);
		return CLI_DONE;
	}
	status = target_table(call, result, "personalities", changers, vtl_personality_row);
	putchar('\n');
	if (status == CLI_DONE)
		status = target_table(call, result, "drives", drives, vtl_model_row);
	putchar('\n');
	return status == CLI_DONE ? target_table(call, result, "media", media, vtl_medium_row) : status;
}
