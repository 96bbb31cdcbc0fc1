/* SPDX-License-Identifier: MIT */
/* `granary tape`: what granary-targetd does with tapes. */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "lib/base/cleanup.h"
#include "lib/base/mem.h"
#include "lib/daemon/options.h"
#include "svc/cli/target.h"
#include "svc/cli/verbs.h"

#define DAY_SECONDS 86400

static const struct target_option tape_rows[] = {{"library", TARGET_TEXT, "library"}, {NULL}};

/* What to know about a tape, in a line. */
static char *tape_note(const json_t *tape)
{
	char text[TABLE_TEXT_MAX];
	const char *error = target_text(tape, "error");
	int64_t locked = (int64_t)target_number(tape, "locked_until");
	int64_t restorable = (int64_t)target_number(tape, "restorable_until");
	bool protected = target_flag(tape, "write_protected"), worm = target_flag(tape, "worm");
	CLEANUP_FREE char *lock = NULL;

	if (*error)
		return mem_strdup(error);
	if (restorable)
		return mem_printf("can be restored until %s", table_time(restorable * 1000000000, text));
	if (locked > time(NULL))
		lock = mem_printf("locked until %s", table_time(locked * 1000000000, text));
	return mem_printf("%s%s%s%s%s", lock ? lock : "", lock && (protected || worm) ? ", " : "",
			  protected ? "write-protected" : "", protected && worm ? ", " : "",
			  worm ? "WORM" : "");
}

static void tape_row(struct table *table, const json_t *tape)
{
	char capacity[TABLE_TEXT_MAX], used[TABLE_TEXT_MAX], place[48];
	uint64_t address = target_number(tape, "address");
	CLEANUP_FREE char *note = tape_note(tape);

	snprintf(place, sizeof(place), "%s%s%.0llu", target_text(tape, "state"), address ? " " : "",
		 (unsigned long long)address);
	table_row(table, (const char *const[]){target_text(tape, "barcode"), target_text(tape, "library"),
					       place, target_text(tape, "medium"),
					       table_size(target_number(tape, "used"), used),
					       table_size(target_number(tape, "capacity"), capacity),
					       note});
}

static const char *const tape_headings[] = {"BARCODE", "LIBRARY",   "PLACE", "MEDIUM",
					    ">USED",   ">CAPACITY", "NOTE",  NULL};

/* What --state may be, and the state that it stands for. */
static const struct {
	const char *word, *state;
} tape_states[] = {
	{"slot", "slot"},   {"import", "import/export slot"}, {"drive", "drive"},
	{"shelf", "shelf"}, {"deleted", "deleted"},
};

/* Leaves those of --state; false after a complaint. */
static bool tape_filter(const struct command_call *call, json_t *result)
{
	const char *word = command_value(call, "state"), *state = NULL;
	json_t *tapes = json_object_get(result, "tapes");

	if (!word)
		return true;
	for (size_t i = 0; i < sizeof(tape_states) / sizeof(tape_states[0]); i++)
		if (strcmp(word, tape_states[i].word) == 0)
			state = tape_states[i].state;
	if (!state) {
		command_complain("--state: slot, import, drive, shelf or deleted, not \"%s\"", word);
		return false;
	}
	for (size_t i = json_array_size(tapes); i-- > 0;)
		if (strcmp(target_text(json_array_get(tapes, i), "state"), state) != 0)
			json_array_remove(tapes, i);
	return true;
}

enum cli_exit tape_list(struct command_call *call)
{
	CLEANUP_JSON json_t *result = NULL;
	static const char *const names[] = {"library"};
	enum cli_exit status = target_query(call, "tape.list", names, NULL, &result);

	if (status == CLI_DONE && !tape_filter(call, result))
		status = CLI_USAGE;
	return status == CLI_DONE ? target_table(call, result, "tapes", tape_headings, tape_row) : status;
}

static void tape_print_time(const char *label, int64_t seconds)
{
	char text[TABLE_TEXT_MAX];

	if (seconds)
		printf("%-24s %s\n", label, table_time(seconds * 1000000000, text));
}

/* With times as such, and without what there is not. */
static void tape_print(json_t *tape)
{
	static const char *const times[] = {"created", "locked_until", "deleted", "restorable_until"};
	static const char *const labels[] = {"created", "locked until", "deleted", "can be restored until"};
	int64_t values[4];

	for (size_t i = 0; i < 4; i++) {
		values[i] = (int64_t)target_number(tape, times[i]);
		json_object_del(tape, times[i]);
	}
	if (json_is_null(json_object_get(tape, "error")))
		json_object_del(tape, "error");
	if (!target_number(tape, "address"))
		json_object_del(tape, "address");
	table_print_object(tape, stdout);
	for (size_t i = 0; i < 4; i++)
		tape_print_time(labels[i], values[i]);
}

enum cli_exit tape_show(struct command_call *call)
{
	CLEANUP_JSON json_t *result = NULL;
	enum cli_exit status = target_query(call, "tape.show", target_barcode, tape_rows, &result);

	if (status == CLI_DONE && call->json)
		remote_print_json(result);
	else if (status == CLI_DONE)
		tape_print(result);
	return status;
}

static void tape_made_row(struct table *table, const json_t *tape)
{
	char address[24];

	snprintf(address, sizeof(address), "%llu", (unsigned long long)target_number(tape, "address"));
	table_row(table, (const char *const[]){target_text(tape, "barcode"), target_text(tape, "state"),
					       target_number(tape, "address") ? address : "-"});
}

/* Those that found no slot, where one was wanted. */
static void tape_complain_shelf(const json_t *tapes)
{
	const char *reason = "";
	size_t count = 0;

	for (size_t i = 0; i < json_array_size(tapes); i++) {
		const char *why = target_text(json_array_get(tapes, i), "reason");

		count += *why != 0;
		reason = *why ? why : reason;
	}
	if (count)
		command_complain("%zu on the shelf: %s", count, reason);
}

enum cli_exit tape_create(struct command_call *call)
{
	static const char *const headings[] = {"BARCODE", "PLACE", ">ADDRESS", NULL};
	static const char *const names[] = {"library"};
	static const struct target_option rows[] = {
		{"barcode", TARGET_TEXT, "barcode"}, {"prefix", TARGET_TEXT, "prefix"},
		{"medium", TARGET_TEXT, "medium"},   {"count", TARGET_NUMBER, "count"},
		{"size", TARGET_SIZE, "size"},	     {"shelf", TARGET_FLAG, "shelf"},
		{"force", TARGET_FLAG, "force"},     {NULL},
	};
	CLEANUP_JSON json_t *result = NULL;
	enum cli_exit status = target_query(call, "tape.create", names, rows, &result);

	if (status == CLI_DONE)
		status = target_table(call, result, "tapes", headings, tape_made_row);
	if (status == CLI_DONE && !call->json)
		tape_complain_shelf(json_object_get(result, "tapes"));
	return status;
}

/* "2027-01-31", "2027-01-31 18:00": local time. February has no 31st that mktime could move into
 * March: a lock that is too long cannot be taken back. */
static bool tape_parse_date(const char *text, int64_t *seconds)
{
	static const char *const formats[] = {"%Y-%m-%d %H:%M:%S", "%Y-%m-%d %H:%M", "%Y-%m-%d"};

	for (size_t i = 0; i < 3; i++) {
		struct tm tm = {.tm_isdst = -1};
		const char *end = strptime(text, formats[i], &tm);

		tm.tm_isdst = -1;
		if (end && !*end) {
			int mday = tm.tm_mday;
			struct tm day = tm;

			*seconds = mktime(&tm);
			return *seconds > 0 && timegm(&day) > 0 && day.tm_mday == mday;
		}
	}
	return false;
}

/* When a lock is to end; false after a complaint. */
static bool tape_lock_time(const struct command_call *call, int64_t *when)
{
	const char *until = command_value(call, "until"), *days = command_value(call, "days");
	uint64_t count = 0;

	if (!until == !days) {
		command_complain("say how long: --until DATE or --days NUMBER");
		return false;
	}
	if (until && !tape_parse_date(until, when)) {
		command_complain("\"%s\" is no date such as 2027-01-31", until);
		return false;
	}
	if (days && (options_number(days, &count) || count > 1000000)) {
		command_complain("\"%s\" is no number of days", days);
		return false;
	}
	if (days)
		*when = time(NULL) + (int64_t)count * DAY_SECONDS;
	return true;
}

enum cli_exit tape_lock(struct command_call *call)
{
	CLEANUP_JSON json_t *result = NULL;
	char text[TABLE_TEXT_MAX];
	enum cli_exit status;
	int64_t when = 0;
	json_t *params = tape_lock_time(call, &when) ? target_params(call, target_barcode, tape_rows)
						     : NULL;

	if (!params)
		return CLI_USAGE;
	json_object_set_new(params, "until", json_integer(when));
	status = target_ask(call, "tape.lock", params, &result);
	if (status == CLI_DONE && call->json)
		remote_print_json(result);
	else if (status == CLI_DONE)
		printf("%s is locked until %s\n", call->arguments[0], table_time(when * 1000000000, text));
	return status;
}

enum cli_exit tape_protect(struct command_call *call)
{
	static const struct target_option row = {"tape protect", TARGET_SWITCH, "on"};
	static const char *const names[] = {"barcode", "on"};
	json_t *params = target_params(call, names, tape_rows);

	/* A truth value takes the place of the second argument's text. */
	if (params && target_put(params, &row, call->arguments[1]))
		return target_do(call, "tape.protect", params);
	json_decref(params);
	return CLI_USAGE;
}

enum cli_exit tape_delete(struct command_call *call)
{
	static const struct target_option rows[] = {
		{"library", TARGET_TEXT, "library"}, {"purge", TARGET_FLAG, "purge"}, {NULL}};
	CLEANUP_JSON json_t *result = NULL;
	enum cli_exit status = target_query(call, "tape.delete", target_barcode, rows, &result);

	if (status == CLI_DONE && call->json)
		remote_print_json(result);
	else if (status == CLI_DONE && target_number(result, "restorable_days"))
		printf("granary tape restore %s brings it back within %llu days\n", call->arguments[0],
		       (unsigned long long)target_number(result, "restorable_days"));
	return status;
}

static enum cli_exit tape_print_place(const struct command_call *call, const json_t *result)
{
	const char *reason = target_text(result, "reason");

	if (call->json)
		remote_print_json(result);
	else if (target_number(result, "address"))
		printf("%s is in place %llu of %s\n", target_text(result, "barcode"),
		       (unsigned long long)target_number(result, "address"),
		       target_text(result, "library"));
	else
		printf("%s is on the shelf of %s%s%s\n", target_text(result, "barcode"),
		       target_text(result, "library"), *reason ? ": " : "", reason);
	return CLI_DONE;
}

enum cli_exit tape_restore(struct command_call *call)
{
	CLEANUP_JSON json_t *result = NULL;
	enum cli_exit status = target_query(call, "tape.restore", target_barcode, tape_rows, &result);

	return status == CLI_DONE ? tape_print_place(call, result) : status;
}

enum cli_exit tape_clone(struct command_call *call)
{
	static const char *const names[] = {"barcode", "clone"};
	static const struct target_option rows[] = {
		{"library", TARGET_TEXT, "library"},
		{"to", TARGET_TEXT, "to"},
		{"force", TARGET_FLAG, "force"},
		{NULL},
	};
	CLEANUP_JSON json_t *result = NULL;
	enum cli_exit status = target_query(call, "tape.clone", names, rows, &result);

	return status == CLI_DONE ? tape_print_place(call, result) : status;
}
