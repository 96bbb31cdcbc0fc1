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
/* The same, for an answer that is shown only as JSON. */
enum cli_exit target_do(const struct command_call *call, const char *method, json_t *params);

enum target_kind { TARGET_TEXT, TARGET_SIZE, TARGET_NUMBER, TARGET_FLAG, TARGET_SWITCH };

/* An option that becomes a param where it is given. A switch is "on" or "off". */
struct target_option {
	const char *option;
	enum target_kind kind;
	const char *param;
};

/* The arguments in turn under `names`, and the options of `rows`, which end with a NULL option; both may
 * be NULL. NULL after a complaint. */
json_t *target_params(const struct command_call *call, const char *const names[],
		      const struct target_option *rows);
/* One param more; false after a complaint: a value that is none. */
bool target_put(json_t *params, const struct target_option *row, const char *value);
/* target_params() and target_ask(). */
enum cli_exit target_query(const struct command_call *call, const char *method,
			   const char *const names[], const struct target_option *rows,
			   json_t **result);
/* Names of arguments that many verbs have. */
extern const char *const target_name[], *const target_barcode[];
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
