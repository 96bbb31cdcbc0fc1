/* SPDX-License-Identifier: MIT */
/*
 * `granary daemon`: what every daemon answers, by its name (its socket is in the
 * run folder) or by --control.
 */
#include <stdio.h>
#include <string.h>

#include "lib/base/cleanup.h"
#include "lib/base/mem.h"
#include "svc/cli/remote.h"
#include "svc/cli/verbs.h"

static enum cli_exit daemon_verb_open(struct command_call *call, struct remote *r)
{
	const char *control = command_value(call, "control");
	const char *root = command_value(call, "root");
	const char *name = command_argument(call, 0);
	*r = (struct remote){0};
	if (control)
		return remote_open(control, r);
	if (!name || strchr(name, '/')) {
		command_complain("name the daemon, such as \"fsd\", or its --control socket");
		return CLI_USAGE;
	}
	CLEANUP_FREE char *path =
		mem_printf("%s%s/%s.sock", root ? root : GRANARY_RUNDIR, root ? "/run" : "", name);
	return remote_open(path, r);
}

static enum cli_exit daemon_verb_show(struct command_call *call, const char *method, json_t *params)
{
	CLEANUP_REMOTE struct remote r;
	enum cli_exit status = daemon_verb_open(call, &r);
	if (status == CLI_DONE)
		return remote_show(call, &r, method, params);
	json_decref(params);
	return status;
}

enum cli_exit daemon_verb_status(struct command_call *call)
{
	return daemon_verb_show(call, "status", NULL);
}

enum cli_exit daemon_verb_metrics(struct command_call *call)
{
	return daemon_verb_show(call, "metrics", NULL);
}

enum cli_exit daemon_verb_reload(struct command_call *call)
{
	return daemon_verb_show(call, "reload", NULL);
}

enum cli_exit daemon_verb_log_level(struct command_call *call)
{
	const char *level = command_value(call, "level");
	json_t *params = level ? json_pack("{s:s}", "level", level) : NULL;
	if (level && !params) {
		command_complain("the level is no text");
		return CLI_USAGE;
	}
	return daemon_verb_show(call, "log-level", params);
}

/* The connection's end tells that the daemon is done. */
enum cli_exit daemon_verb_stop(struct command_call *call)
{
	CLEANUP_REMOTE struct remote r;
	CLEANUP_JSON json_t *result = NULL;
	enum cli_exit status = daemon_verb_open(call, &r);
	if (status == CLI_DONE)
		status = remote_call(&r, "stop", NULL, &result);
	if (status != CLI_DONE)
		return status;
	rpc_wait_end(r.client);
	if (call->json)
		remote_print_json(result);
	return CLI_DONE;
}
