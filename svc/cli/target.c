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

enum cli_exit target_show(const struct command_call *call, const char *method, json_t *params)
{
	CLEANUP_JSON json_t *result = NULL;
	enum cli_exit status = target_ask(call, method, params, &result);

	if (status != CLI_DONE)
		return status;
	if (call->json)
		remote_print_json(result);
	else
		table_print_object(result, stdout);
	return CLI_DONE;
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
		command_complain("what is not UTF-8 cannot be sent to the daemon");
	return good;
}

json_t *target_params(const char *param, const char *value)
{
	return target_is_text(value) ? json_pack("{s:s}", param, value) : NULL;
}

enum cli_exit target_put_text(const struct command_call *call, json_t *params, const char *option,
			      const char *param)
{
	const char *value = command_value(call, option);

	if (!value)
		return CLI_DONE;
	if (!target_is_text(value))
		return CLI_USAGE;
	json_object_set_new(params, param, json_string(value));
	return CLI_DONE;
}

enum cli_exit target_put_size(const struct command_call *call, json_t *params, const char *option,
			      const char *param)
{
	const char *value = command_value(call, option);
	uint64_t bytes;

	if (!value)
		return CLI_DONE;
	if (options_size(value, &bytes) || bytes > INT64_MAX) {
		command_complain("\"%s\" is no size such as 500G", value);
		return CLI_USAGE;
	}
	json_object_set_new(params, param, json_integer((json_int_t)bytes));
	return CLI_DONE;
}

enum cli_exit target_put_number(const struct command_call *call, json_t *params, const char *option,
				const char *param)
{
	const char *value = command_value(call, option);
	uint64_t number;

	if (!value)
		return CLI_DONE;
	if (options_number(value, &number) || number > INT64_MAX) {
		command_complain("--%s: \"%s\" is no whole number", option, value);
		return CLI_USAGE;
	}
	json_object_set_new(params, param, json_integer((json_int_t)number));
	return CLI_DONE;
}

void target_put_flag(const struct command_call *call, json_t *params, const char *option,
		     const char *param)
{
	if (command_value(call, option))
		json_object_set_new(params, param, json_true());
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
