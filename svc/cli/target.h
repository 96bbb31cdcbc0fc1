/* SPDX-License-Identifier: MIT */
/* What the verbs of `granary vtl` and `granary tape` share: granary-targetd, and its answers. */
#ifndef SVC_CLI_TARGET_H
#define SVC_CLI_TARGET_H

#include <jansson.h>

#include "svc/cli/command.h"
#include "svc/cli/remote.h"
#include "svc/cli/table.h"

/* granary-targetd at --control, in --root, or in the run folder. */
enum cli_exit target_open(const struct command_call *call, struct remote *r);
/* Opens, calls, closes. Takes the reference to params. */
enum cli_exit target_ask(const struct command_call *call, const char *method, json_t *params,
			 json_t **result);
/* The same, for an answer that is shown as an object, or with `quiet` only as JSON. */
enum cli_exit target_show(const struct command_call *call, const char *method, json_t *params);
enum cli_exit target_do(const struct command_call *call, const char *method, json_t *params);

/* Options into params, where they were given; CLI_USAGE after a complaint. */
enum cli_exit target_put_text(const struct command_call *call, json_t *params, const char *option,
			      const char *param);
enum cli_exit target_put_size(const struct command_call *call, json_t *params, const char *option,
			      const char *param);
enum cli_exit target_put_number(const struct command_call *call, json_t *params, const char *option,
				const char *param);
void target_put_flag(const struct command_call *call, json_t *params, const char *option,
		     const char *param);
/* NULL after a complaint: an argument that is no text. */
json_t *target_params(const char *param, const char *value);
/* True, or a complaint. */
bool target_is_text(const char *value);

/* Of an answer. Never NULL; "" and 0 where there is none. */
const char *target_text(const json_t *object, const char *name);
uint64_t target_number(const json_t *object, const char *name);
bool target_flag(const json_t *object, const char *name);

/* A list of an answer as a table, or as JSON. `row` adds one. */
enum cli_exit target_table(const struct command_call *call, const json_t *result, const char *list,
			   const char *const headings[],
			   void (*row)(struct table *table, const json_t *entry));

#endif
