/* SPDX-License-Identifier: MIT */
/* `granary vtl`: drives, places, moving tapes about, sessions. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/cleanup.h"
#include "lib/base/mem.h"
#include "lib/daemon/options.h"
#include "svc/cli/target.h"
#include "svc/cli/verbs.h"

/* TapeAlert flags by their numbers: SSC-4, annex A. */
static const char *const vtl_alerts[64] = {
	[3] = "hard error",	[4] = "media",		  [5] = "read failure",	   [6] = "write failure",
	[9] = "write protect",	[10] = "no removal",	  [11] = "cleaning media", [12] = "unsupported format",
	[16] = "forced eject",	[17] = "read-only format", [20] = "clean now",	   [21] = "clean periodic",
	[22] = "cleaning tape used up", [23] = "invalid cleaning tape", [59] = "WORM integrity",
	[60] = "WORM overwrite",
};

static void vtl_note_add(FILE *note, const char *words)
{
	fprintf(note, "%s%s", ftell(note) > 0 ? ", " : "", words);
}

static void vtl_note_alert(FILE *note, unsigned flag)
{
	const char *name = flag < 64 ? vtl_alerts[flag] : NULL;
	char words[64];

	snprintf(words, sizeof(words), "TapeAlert %u%s%s", flag, name ? ": " : "", name ? name : "");
	vtl_note_add(note, words);
}

/* What is the matter with a drive. */
static char *vtl_drive_note(const json_t *drive)
{
	static const struct {
		const char *member, *words;
	} flags[] = {{"write_protected", "write-protected"},
		     {"prevented", "removal prevented by a host"},
		     {"encrypting", "encrypts"}};
	uint64_t alerts = (uint64_t)json_integer_value(json_object_get(drive, "alerts"));
	char *text = NULL;
	size_t size = 0;
	FILE *note = open_memstream(&text, &size);

	if (!note)
		return mem_strdup("");
	if (target_flag(drive, "present") && !target_flag(drive, "loaded"))
		vtl_note_add(note, "not loaded");
	for (size_t i = 0; i < sizeof(flags) / sizeof(flags[0]); i++)
		if (target_flag(drive, flags[i].member))
			vtl_note_add(note, flags[i].words);
	for (unsigned flag = 1; flag <= 64; flag++)
		if (alerts >> (flag - 1) & 1)
			vtl_note_alert(note, flag);
	fclose(note);
	return text;
}

static void vtl_drive_row(struct table *table, const json_t *drive)
{
	CLEANUP_FREE char *note = vtl_drive_note(drive);
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
					       table_size(target_number(drive, "read"), read), note});
}

enum cli_exit vtl_drives(struct command_call *call)
{
	static const char *const headings[] = {"LIBRARY",     ">LUN",	  ">ADDRESS", "TAPE", "ACTIVITY",
					       "FILE/OBJECT", ">WRITTEN", ">READ",    "NOTE", NULL};
	CLEANUP_JSON json_t *result = NULL;
	enum cli_exit status = target_query(call, "vtl.drives", target_name, NULL, &result);

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
	CLEANUP_JSON json_t *result = NULL;
	enum cli_exit status = target_query(call, "vtl.elements", target_name, NULL, &result);

	return status == CLI_DONE ? target_table(call, result, "elements", headings, vtl_element_row)
				  : status;
}

/* A move that says where the tape is now. */
static enum cli_exit vtl_moved(struct command_call *call, const char *method,
			       const char *const names[])
{
	CLEANUP_JSON json_t *result = NULL;
	enum cli_exit status = target_query(call, method, names, NULL, &result);

	if (status != CLI_DONE)
		return status;
	if (call->json)
		remote_print_json(result);
	else
		printf("%s: %s %llu -> %s %llu\n", target_text(result, "barcode"),
		       target_text(result, "from_type"), (unsigned long long)target_number(result, "from"),
		       target_text(result, "to_type"), (unsigned long long)target_number(result, "to"));
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
	static const char *const names[] = {"name", "barcode", "address"};
	const char *slot = command_argument(call, 2);
	uint64_t address = 0;
	json_t *params;
	enum cli_exit status;

	if (slot && (options_number(slot, &address) || address == 0 || address > UINT16_MAX)) {
		command_complain("\"%s\" is no address of a place", slot);
		return CLI_USAGE;
	}
	params = target_params(call, names, NULL);
	if (!params)
		return CLI_USAGE;
	json_object_set_new(params, "address", json_integer((json_int_t)address));
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
	enum cli_exit status = target_query(call, "vtl.take", names, NULL, &result);

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
	static const struct target_option rows[] = {{"end", TARGET_NUMBER, "tsih"}, {NULL}};
	CLEANUP_JSON json_t *result = NULL;
	json_t *params = target_params(call, target_name, rows);
	enum cli_exit status;

	if (!params)
		return CLI_USAGE;
	if (command_value(call, "end"))
		return target_do(call, "vtl.logout", params);
	status = target_ask(call, "vtl.sessions", params, &result);
	return status == CLI_DONE ? target_table(call, result, "sessions", headings, vtl_session_row)
				  : status;
}
