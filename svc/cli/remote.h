/* SPDX-License-Identifier: MIT */
/* A daemon at the other end of its control socket, with the CLI's exit codes. */
#ifndef SVC_CLI_REMOTE_H
#define SVC_CLI_REMOTE_H

#include <jansson.h>

#include "lib/daemon/daemon.h"
#include "svc/cli/command.h"
#include "svc/cli/locate.h"

struct remote {
	struct rpc_client *client;
	struct location location; /* of a store; empty with --control */
	char *socket;
};

/* The socket at `path`. CLI_DONE, or a code after a complaint. */
enum cli_exit remote_open(const char *path, struct remote *r);
/* The fsd of a store: --control if given, else by what `name` lies in (locate.h). */
enum cli_exit remote_open_store(const struct command_call *call, const char *name,
				struct remote *r);
void remote_close(struct remote *r);
#define CLEANUP_REMOTE __attribute__((cleanup(remote_close)))

/* Takes the reference to params (NULL: none); gives one in *result. */
enum cli_exit remote_call(struct remote *r, const char *method, json_t *params, json_t **result);
/* A call whose answer is all there is to show. */
enum cli_exit remote_show(const struct command_call *call, struct remote *r, const char *method,
			  json_t *params);
void remote_print_json(const json_t *value);

void remote_cleanup_json(json_t **value);
#define CLEANUP_JSON __attribute__((cleanup(remote_cleanup_json)))

#endif
