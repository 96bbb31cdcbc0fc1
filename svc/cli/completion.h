/* SPDX-License-Identifier: MIT */
/* `granary completion bash`: a completion script made from the table of commands. */
#ifndef SVC_CLI_COMPLETION_H
#define SVC_CLI_COMPLETION_H

#include "svc/cli/command.h"

enum cli_exit completion_bash(struct command_call *call);

#endif
