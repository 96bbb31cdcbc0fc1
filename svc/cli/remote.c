/* SPDX-License-Identifier: MIT */
/* Connections to daemons: what goes wrong is said here, once, and becomes an exit code. */
#include "svc/cli/remote.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/mem.h"
#include "svc/cli/table.h"

enum cli_exit remote_open(const char *path, struct remote *r)
{
	*r = (struct remote){.socket = mem_strdup(path)};
	int error = rpc_connect(path, &r->client);
	if (error == 0)
		return CLI_DONE;
	if (error == -ENOENT || error == -ECONNREFUSED)
		command_complain("no daemon answers at %s: does it run?", path);
	else
		command_complain("%s: %s", path, strerror(-error));
	return CLI_UNREACHABLE;
}

static enum cli_exit remote_complain_location(const char *name, int error)
{
	if (error == -ENOTUNIQ)
		command_complain("several stores are mounted: name one");
	else if (error == -ENOENT && name)
		command_complain("%s: neither a store nor in the mount of one", name);
	else if (error == -ENOENT)
		command_complain("no store is mounted: name one");
	else if (error == -ENOTCONN)
		command_complain("%s: the daemon of this mount has gone", name ? name : ".");
	else
		command_complain("%s: %s", name ? name : ".", strerror(-error));
	bool unreachable = error == -ENOTCONN || (error == -ENOENT && !name);
	return unreachable ? CLI_UNREACHABLE : CLI_FAILED;
}

enum cli_exit remote_open_store(const struct command_call *call, const char *name, struct remote *r)
{
	const char *control = command_value(call, "control");
	*r = (struct remote){0};
	if (control)
		return remote_open(control, r);
	struct location location = {0};
	int error = locate(name, &location);
	if (error)
		return remote_complain_location(name, error);
	char *path = mem_printf("%s/control.sock", location.store);
	enum cli_exit status = remote_open(path, r);
	free(path);
	r->location = location;
	return status;
}

void remote_close(struct remote *r)
{
	rpc_close(&r->client);
	location_clear(&r->location);
	free(r->socket);
	r->socket = NULL;
}

void remote_cleanup_json(json_t **value)
{
	json_decref(*value);
}

enum cli_exit remote_call(struct remote *r, const char *method, json_t *params, json_t **result)
{
	char message[256] = "";
	int error = rpc_call(r->client, method, params, result, message);
	json_decref(params);
	if (error == 0)
		return CLI_DONE;
	/* A method is the daemon's name for what a person has called by a verb. */
	if (error == RPC_NO_METHOD)
		command_complain("%s: %s", method, message);
	else
		command_complain("%s", message);
	/* An error of the connection, not the daemon's answer. */
	return error > RPC_FAILED ? CLI_UNREACHABLE : CLI_FAILED;
}

void remote_print_json(const json_t *value)
{
	char *text = json_dumps(value, JSON_INDENT(2) | JSON_ENCODE_ANY);
	puts(text ? text : "null");
	free(text);
}

enum cli_exit remote_show(const struct command_call *call, struct remote *r, const char *method,
			  json_t *params)
{
	CLEANUP_JSON json_t *result = NULL;
	enum cli_exit status = remote_call(r, method, params, &result);
	if (status != CLI_DONE)
		return status;
	if (call->json)
		remote_print_json(result);
	else
		table_print_object(result, stdout);
	return CLI_DONE;
}
