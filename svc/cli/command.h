/* SPDX-License-Identifier: MIT */
/*
 * Commands: rows of one table, from which come the parser, the help texts and
 * the completion for bash. `granary NOUN VERB [NAME] [--option value]`
 */
#ifndef SVC_CLI_COMMAND_H
#define SVC_CLI_COMMAND_H

#include <stdbool.h>
#include <stddef.h>

enum cli_exit { CLI_DONE = 0, CLI_FAILED = 1, CLI_USAGE = 2, CLI_UNREACHABLE = 3 };

#define COMMAND_OPTIONS_MAX 20

struct command_option {
	const char *name;     /* without the dashes */
	const char *argument; /* NULL: a flag */
	const char *help;
};

struct command_call;

struct command {
	const char *noun, *verb;	      /* verb NULL: the noun alone is the command */
	const char *arguments;		      /* "SRC DST" */
	int min, max;			      /* number of arguments */
	const struct command_option *options; /* ends with a NULL name; may be NULL */
	const char *help;
	enum cli_exit (*run)(struct command_call *call);
};

struct command_call {
	const struct command *command;
	char **arguments;
	int count;
	bool json;
	const char *values[COMMAND_OPTIONS_MAX]; /* NULL: not given; "" for a flag */
};

/* The option's value, "" for a flag that was given, NULL otherwise. */
const char *command_value(const struct command_call *call, const char *option);
/* The n-th argument or NULL. */
const char *command_argument(const struct command_call *call, int n);

/* The table of all commands, ends with a NULL noun. */
extern const struct command command_table[];

/* Finds the command of argv, takes its options and runs it. */
enum cli_exit command_run(int argc, char **argv);
/* Help: of everything (NULL, NULL), a noun, or a verb. False when there is no such thing. */
bool command_help(const char *noun, const char *verb);

/* One line on stderr: "granary: ..." */
__attribute__((format(printf, 1, 2))) void command_complain(const char *format, ...);

#endif
