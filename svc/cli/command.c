/* SPDX-License-Identifier: MIT */
/*
 * The command line of `granary`: finds the row, takes the options in any place,
 * hands over the rest as arguments. Every command has --json and --help.
 */
#include "svc/cli/command.h"

#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "lib/base/assert.h"

enum { COMMAND_JSON = COMMAND_OPTIONS_MAX, COMMAND_HELP, COMMAND_GETOPT };
#define COMMAND_VALUE_BASE 256 /* getopt values below are letters */

void command_complain(const char *format, ...)
{
	va_list arguments;
	fputs("granary: ", stderr);
	va_start(arguments, format);
	vfprintf(stderr, format, arguments);
	va_end(arguments);
	fputc('\n', stderr);
}

static size_t command_option_count(const struct command *c)
{
	size_t n = 0;
	while (c->options && c->options[n].name)
		n++;
	ASSERT(n <= COMMAND_OPTIONS_MAX);
	return n;
}

const char *command_value(const struct command_call *call, const char *option)
{
	size_t count = command_option_count(call->command);
	for (size_t i = 0; i < count; i++)
		if (strcmp(call->command->options[i].name, option) == 0)
			return call->values[i];
	return NULL;
}

const char *command_argument(const struct command_call *call, int n)
{
	return n < call->count ? call->arguments[n] : NULL;
}

static const struct command *command_find(const char *noun, const char *verb)
{
	for (const struct command *c = command_table; c->noun; c++)
		if (strcmp(c->noun, noun) == 0 &&
		    (!c->verb || (verb && strcmp(c->verb, verb) == 0)))
			return c;
	return NULL;
}

static void command_print_options(const struct command *c)
{
	size_t count = command_option_count(c);
	for (size_t i = 0; i < count; i++) {
		const struct command_option *o = &c->options[i];
		int width = printf("  --%s%s%s", o->name, o->argument ? " " : "",
				   o->argument ? o->argument : "");
		printf("%*s%s\n", width < 24 ? 24 - width : 1, "", o->help);
	}
	printf("  %-22s%s\n  %-22s%s\n", "--json", "answer in JSON", "--help", "show this text");
}

static void command_print_one(const struct command *c)
{
	printf("Usage: granary %s%s%s%s%s [--option value]\n%s\n\n", c->noun, c->verb ? " " : "",
	       c->verb ? c->verb : "", *c->arguments ? " " : "", c->arguments, c->help);
	command_print_options(c);
}

static void command_print_list(const char *noun)
{
	const char *previous = "";
	printf("Usage: granary %s VERB [NAME] [--option value]\n", noun ? noun : "NOUN");
	for (const struct command *c = command_table; c->noun; c++) {
		char name[64];
		if (noun && strcmp(c->noun, noun) != 0)
			continue;
		if (strcmp(previous, c->noun) != 0)
			putchar('\n');
		previous = c->noun;
		snprintf(name, sizeof(name), "%s%s%s%s%s", c->noun, c->verb ? " " : "",
			 c->verb ? c->verb : "", *c->arguments ? " " : "", c->arguments);
		printf("  %-28s %s\n", name, c->help);
	}
	puts("\nEvery verb takes --json and --help. Exit status: 0 done, 1 failed, 2 usage,\n"
	     "3 daemon not reachable. granary(1)");
}

bool command_help(const char *noun, const char *verb)
{
	const struct command *c = noun ? command_find(noun, verb) : NULL;
	if (c && (verb || !c->verb)) {
		command_print_one(c);
		return true;
	}
	for (c = command_table; noun && c->noun && strcmp(c->noun, noun) != 0; c++) {
	}
	if (noun && (!c->noun || verb))
		return false;
	command_print_list(noun);
	return true;
}

static void command_getopt_table(const struct command *c, struct option table[COMMAND_GETOPT + 1])
{
	size_t count = command_option_count(c);
	memset(table, 0, (COMMAND_GETOPT + 1) * sizeof(*table));
	for (size_t i = 0; i < count; i++)
		table[i] = (struct option){.name = c->options[i].name,
					   .has_arg = c->options[i].argument ? required_argument
									     : no_argument,
					   .val = COMMAND_VALUE_BASE + (int)i};
	table[count++] = (struct option){.name = "json", .val = COMMAND_VALUE_BASE + COMMAND_JSON};
	table[count] = (struct option){.name = "help", .val = COMMAND_VALUE_BASE + COMMAND_HELP};
}

static enum cli_exit command_wrong(const struct command *c, const char *what, const char *word)
{
	command_complain("%s%s; try granary %s%s%s --help", what, word, c->noun, c->verb ? " " : "",
			 c->verb ? c->verb : "");
	return CLI_USAGE;
}

/* Takes argv's options; the arguments are what getopt moved to the end. */
static enum cli_exit command_take_options(struct command_call *call, int argc, char **argv,
					  bool *help)
{
	struct option table[COMMAND_GETOPT + 1];
	int value;
	command_getopt_table(call->command, table);
	optind = 0;
	while ((value = getopt_long(argc, argv, ":", table, NULL)) != -1) {
		if (value == ':')
			return command_wrong(call->command, "a value is missing after ",
					     argv[optind - 1]);
		if (value == '?')
			return command_wrong(call->command, "unknown option ", argv[optind - 1]);
		int n = value - COMMAND_VALUE_BASE;
		if (n == COMMAND_JSON)
			call->json = true;
		else if (n == COMMAND_HELP)
			*help = true;
		else
			call->values[n] = optarg ? optarg : "";
	}
	call->arguments = argv + optind;
	call->count = argc - optind;
	return CLI_DONE;
}

static enum cli_exit command_call(const struct command *c, int argc, char **argv)
{
	struct command_call call = {.command = c};
	bool help = false;
	enum cli_exit status = command_take_options(&call, argc, argv, &help);
	if (status != CLI_DONE)
		return status;
	if (help) {
		command_print_one(c);
		return CLI_DONE;
	}
	if (call.count < c->min)
		return command_wrong(c, "too few arguments: wanted ", c->arguments);
	if (call.count > c->max)
		return command_wrong(c, "one argument too many: ", call.arguments[c->max]);
	return c->run(&call);
}

enum cli_exit command_run(int argc, char **argv)
{
	const char *noun = argc > 1 ? argv[1] : NULL;
	const char *verb = argc > 2 ? argv[2] : NULL;
	if (!noun) {
		command_help(NULL, NULL);
		return CLI_USAGE;
	}
	if (strcmp(noun, "--help") == 0 || strcmp(noun, "-h") == 0)
		return command_help(NULL, NULL) ? CLI_DONE : CLI_FAILED;
	const struct command *c = command_find(noun, verb);
	if (c) {
		int words = c->verb ? 2 : 1;
		return command_call(c, argc - words, argv + words);
	}
	if (verb && strcmp(verb, "--help") == 0 && command_help(noun, NULL))
		return CLI_DONE;
	if (!verb && command_help(noun, NULL))
		return CLI_USAGE;
	command_complain("there is no command \"%s%s%s\"; try granary help", noun, verb ? " " : "",
			 verb ? verb : "");
	return CLI_USAGE;
}
