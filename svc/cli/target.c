/* SPDX-License-Identifier: MIT */
/* The other end of granary-targetd's control socket. */
#include "svc/cli/target.h"

#include <string.h>

#include "lib/base/cleanup.h"
#include "lib/base/mem.h"
#include "lib/daemon/options.h"

enum cli_exit target_open(const struct command_call *call, struct remote *r)
{
	const char *control = command_value(call, "control");
	const char *root = command_value(call, "root");

	*r = (struct remote){0};
	if (control)
		return remote_open(control, r);
	CLEANUP_FREE char *path =
		mem_printf("%s%s/targetd.sock", root ? root : GRANARY_RUNDIR, root ? "/run" : "");

	return remote_open(path, r);
}

enum cli_exit target_ask(const struct command_call *call, const char *method, json_t *params,
			 json_t **result)
{
	CLEANUP_REMOTE struct remote r;
	enum cli_exit status = target_open(call, &r);

	if (status == CLI_DONE)
		return remote_call(&r, method, params, result);
	json_decref(params);
	return status;
}

enum cli_exit target_do(const struct command_call *call, const char *method, json_t *params)
{
	CLEANUP_JSON json_t *result = NULL;
	enum cli_exit status = target_ask(call, method, params, &result);

	if (status == CLI_DONE && call->json)
		remote_print_json(result);
	return status;
}

bool target_is_text(const char *value)
{
	json_t *text = json_string(value);
	bool good = text != NULL;

	json_decref(text);
	if (!good)
		command_complain("an argument that is not UTF-8 cannot be sent to the daemon");
	return good;
}

const char *const target_name[] = {"name"}, *const target_barcode[] = {"barcode"};

static json_t *target_make_text(const char *option, const char *value)
{
	(void)option;
	return target_is_text(value) ? json_string(value) : NULL;
}

static json_t *target_make_size(const char *option, const char *value)
{
	uint64_t bytes;

	if (options_size(value, &bytes) == 0 && bytes <= INT64_MAX)
		return json_integer((json_int_t)bytes);
	command_complain("--%s: \"%s\" is no size such as 500G", option, value);
	return NULL;
}

static json_t *target_make_number(const char *option, const char *value)
{
	uint64_t number;

	if (options_number(value, &number) == 0 && number <= INT64_MAX)
		return json_integer((json_int_t)number);
	command_complain("--%s: \"%s\" is no whole number", option, value);
	return NULL;
}

static json_t *target_make_flag(const char *option, const char *value)
{
	(void)option;
	(void)value;
	return json_true();
}

static json_t *target_make_switch(const char *option, const char *value)
{
	if (strcmp(value, "on") == 0 || strcmp(value, "off") == 0)
		return json_boolean(strcmp(value, "on") == 0);
	command_complain("%s: on or off, not \"%s\"", option, value);
	return NULL;
}

bool target_put(json_t *params, const struct target_option *row, const char *value)
{
	static json_t *(*const make[])(const char *option, const char *value) = {
		[TARGET_TEXT] = target_make_text,     [TARGET_SIZE] = target_make_size,
		[TARGET_NUMBER] = target_make_number, [TARGET_FLAG] = target_make_flag,
		[TARGET_SWITCH] = target_make_switch,
	};
	json_t *made = make[row->kind](row->option, value);

	return made && json_object_set_new(params, row->param, made) == 0;
}

json_t *target_params(const struct command_call *call, const char *const names[],
		      const struct target_option *rows)
{
	json_t *params = json_object();
	bool good = true;

	for (int i = 0; names && good && i < call->count; i++)
		good = target_put(params,
				  &(struct target_option){.kind = TARGET_TEXT, .param = names[i]},
				  call->arguments[i]);
	for (; rows && rows->option && good; rows++)
		if (command_value(call, rows->option))
			good = target_put(params, rows, command_value(call, rows->option));
	if (good)
		return params;
	json_decref(params);
	return NULL;
}

enum cli_exit target_query(const struct command_call *call, const char *method,
			   const char *const names[], const struct target_option *rows,
			   json_t **result)
{
	json_t *params = target_params(call, names, rows);

	return params ? target_ask(call, method, params, result) : CLI_USAGE;
}

const char *target_text(const json_t *object, const char *name)
{
	const char *text = json_string_value(json_object_get(object, name));

	return text ? text : "";
}

uint64_t target_number(const json_t *object, const char *name)
{
	json_int_t value = json_integer_value(json_object_get(object, name));

	return value > 0 ? (uint64_t)value : 0;
}

bool target_flag(const json_t *object, const char *name)
{
	return json_is_true(json_object_get(object, name));
}

enum cli_exit target_table(const struct command_call *call, const json_t *result, const char *list,
			   const char *const headings[],
			   void (*row)(struct table *table, const json_t *entry))
{
	const json_t *entries = json_object_get(result, list);
	struct table *table;

	if (!json_is_array(entries)) {
		command_complain("the answer has no list \"%s\"", list);
		return CLI_FAILED;
	}
	if (call->json) {
		remote_print_json(entries);
		return CLI_DONE;
	}
	table = table_new(headings);
	for (size_t i = 0; i < json_array_size(entries); i++)
		row(table, json_array_get(entries, i));
	table_print(table, stdout);
	table_free(&table);
	return CLI_DONE;
}
