/* SPDX-License-Identifier: MIT */
/* `granary vtl`: drives, places, moving tapes about, sessions. */
#include <stdio.h>
#include <string.h>

#include "lib/daemon/options.h"
#include "svc/cli/target.h"
#include "svc/cli/verbs.h"

/* Arguments in turn under these names; those that were not given are left out. */
static json_t *vtl_arguments(const struct command_call *call, const char *const names[])
{
	json_t *params = json_object();

	for (int i = 0; i < call->count; i++) {
		if (!target_is_text(call->arguments[i])) {
			json_decref(params);
			return NULL;
		}
		json_object_set_new(params, names[i], json_string(call->arguments[i]));
	}
	return params;
}

static void vtl_drive_row(struct table *table, const json_t *drive)
{
	char lun[24], address[24], written[TABLE_TEXT_MAX], read[TABLE_TEXT_MAX], place[48];
	const char *barcode = target_text(drive, "barcode");

	snprintf(lun, sizeof(lun), "%llu", (unsigned long long)target_number(drive, "lun"));
	snprintf(address, sizeof(address), "%llu", (unsigned long long)target_number(drive, "address"));
	snprintf(place, sizeof(place), "%llu/%llu", (unsigned long long)target_number(drive, "file"),
		 (unsigned long long)target_number(drive, "object"));
	table_row(table, (const char *const[]){target_text(drive, "library"), lun, address,
					       *barcode ? barcode : "-",
					       target_text(drive, "activity"),
					       *barcode ? place : "-",
					       table_size(target_number(drive, "written"), written),
					       table_size(target_number(drive, "read"), read)});
}

enum cli_exit vtl_drives(struct command_call *call)
{
	static const char *const headings[] = {"LIBRARY",     ">LUN",	  ">ADDRESS", "TAPE", "ACTIVITY",
					       "FILE/OBJECT", ">WRITTEN", ">READ",    NULL};
	static const char *const names[] = {"name"};
	CLEANUP_JSON json_t *result = NULL;
	json_t *params = vtl_arguments(call, names);
	enum cli_exit status =
		params ? target_ask(call, "vtl.drives", params, &result) : CLI_USAGE;

	return status == CLI_DONE ? target_table(call, result, "drives", headings, vtl_drive_row)
				  : status;
}

static void vtl_element_row(struct table *table, const json_t *element)
{
	char address[24], source[24];
	const char *barcode = target_text(element, "barcode");

	snprintf(address, sizeof(address), "%llu",
		 (unsigned long long)target_number(element, "address"));
	snprintf(source, sizeof(source), "%llu", (unsigned long long)target_number(element, "source"));
	table_row(table, (const char *const[]){address, target_text(element, "type"),
					       *barcode ? barcode : "-",
					       target_number(element, "source") ? source : "-",
					       target_flag(element, "disabled")	  ? "no access"
					       : target_flag(element, "imported") ? "put in by hand"
										  : ""});
}

enum cli_exit vtl_elements(struct command_call *call)
{
	static const char *const headings[] = {">ADDRESS", "PLACE", "TAPE", ">CAME FROM", "NOTE", NULL};
	static const char *const names[] = {"name"};
	CLEANUP_JSON json_t *result = NULL;
	json_t *params = vtl_arguments(call, names);
	enum cli_exit status =
		params ? target_ask(call, "vtl.elements", params, &result) : CLI_USAGE;

	return status == CLI_DONE ? target_table(call, result, "elements", headings, vtl_element_row)
				  : status;
}

/* A move that says where the tape is now. */
static enum cli_exit vtl_moved(struct command_call *call, const char *method,
			       const char *const names[])
{
	CLEANUP_JSON json_t *result = NULL;
	json_t *params = vtl_arguments(call, names);
	enum cli_exit status = params ? target_ask(call, method, params, &result) : CLI_USAGE;

	if (status != CLI_DONE)
		return status;
	if (call->json)
		remote_print_json(result);
	else
		printf("%s: %llu -> %llu\n", target_text(result, "barcode"),
		       (unsigned long long)target_number(result, "from"),
		       (unsigned long long)target_number(result, "to"));
	return CLI_DONE;
}

enum cli_exit vtl_load(struct command_call *call)
{
	static const char *const names[] = {"name", "from", "drive"};

	return vtl_moved(call, "vtl.load", names);
}

enum cli_exit vtl_unload(struct command_call *call)
{
	static const char *const names[] = {"name", "drive", "to"};

	return vtl_moved(call, "vtl.unload", names);
}

enum cli_exit vtl_move(struct command_call *call)
{
	static const char *const names[] = {"name", "from", "to"};

	return vtl_moved(call, "vtl.move", names);
}

enum cli_exit vtl_put(struct command_call *call)
{
	CLEANUP_JSON json_t *result = NULL;
	const char *slot = command_argument(call, 2);
	uint64_t address = 0;
	json_t *params;
	enum cli_exit status;

	if (slot && (options_number(slot, &address) || address > UINT16_MAX)) {
		command_complain("\"%s\" is no address of a place", slot);
		return CLI_USAGE;
	}
	if (!target_is_text(call->arguments[0]) || !target_is_text(call->arguments[1]))
		return CLI_USAGE;
	params = json_pack("{s:s, s:s, s:I}", "name", call->arguments[0], "barcode", call->arguments[1],
			   "address", (json_int_t)address);
	status = target_ask(call, "vtl.put", params, &result);
	if (status != CLI_DONE)
		return status;
	if (call->json)
		remote_print_json(result);
	else
		printf("%s: place %llu\n", target_text(result, "barcode"),
		       (unsigned long long)target_number(result, "address"));
	return CLI_DONE;
}

enum cli_exit vtl_take(struct command_call *call)
{
	static const char *const names[] = {"name", "from"};
	CLEANUP_JSON json_t *result = NULL;
	json_t *params = vtl_arguments(call, names);
	enum cli_exit status = params ? target_ask(call, "vtl.take", params, &result) : CLI_USAGE;

	if (status != CLI_DONE)
		return status;
	if (call->json)
		remote_print_json(result);
	else
		printf("%s is on the shelf\n", target_text(result, "barcode"));
	return CLI_DONE;
}

static void vtl_session_row(struct table *table, const json_t *session)
{
	char tsih[24], in[TABLE_TEXT_MAX], out[TABLE_TEXT_MAX], since[TABLE_TEXT_MAX];
	const char *target = target_text(session, "target");
	const char *user = target_text(session, "user");

	snprintf(tsih, sizeof(tsih), "%llu", (unsigned long long)target_number(session, "tsih"));
	table_row(table, (const char *const[]){
				 tsih, target_flag(session, "discovery") ? "(discovery)" : target,
				 target_text(session, "initiator"), target_text(session, "peer"),
				 *user ? user : "-", table_size(target_number(session, "bytes_in"), in),
				 table_size(target_number(session, "bytes_out"), out),
				 table_time((int64_t)target_number(session, "since") * 1000000000, since)});
}

enum cli_exit vtl_sessions(struct command_call *call)
{
	static const char *const headings[] = {">SESSION", "TARGET",	"INITIATOR", "FROM", "USER",
					       ">WRITTEN", ">READ",	"SINCE",     NULL};
	static const char *const names[] = {"name"};
	CLEANUP_JSON json_t *result = NULL;
	json_t *params = vtl_arguments(call, names);
	enum cli_exit status = params ? CLI_DONE : CLI_USAGE;

	if (status == CLI_DONE && command_value(call, "end")) {
		status = target_put_number(call, params, "end", "tsih");
		if (status == CLI_DONE)
			return target_do(call, "vtl.logout", params);
		json_decref(params);
	}
	if (status == CLI_DONE)
		status = target_ask(call, "vtl.sessions", params, &result);
	return status == CLI_DONE ? target_table(call, result, "sessions", headings, vtl_session_row)
				  : status;
}
