/* SPDX-License-Identifier: MIT */
/*
 * Completion for bash. The script calls no program: it holds the words that may
 * follow. A test compares the installed script with what this prints.
 */
#include "svc/cli/completion.h"

#include <stdio.h>
#include <string.h>

static void completion_nouns(void)
{
	const char *previous = "";
	printf("\t1)\n\t\twords=\"");
	for (const struct command *c = command_table; c->noun; c++) {
		if (strcmp(previous, c->noun) != 0)
			printf("%s%s", *previous ? " " : "", c->noun);
		previous = c->noun;
	}
	printf(" --help --version\" ;;\n");
}

static void completion_verbs(void)
{
	const char *open = NULL;
	printf("\t2)\n\t\tcase ${COMP_WORDS[1]} in\n");
	for (const struct command *c = command_table; c->noun; c++) {
		if (!c->verb)
			continue;
		if (open && strcmp(open, c->noun) == 0) {
			printf(" %s", c->verb);
			continue;
		}
		printf("%s\t\t%s) words=\"%s", open ? "\" ;;\n" : "", c->noun, c->verb);
		open = c->noun;
	}
	printf("%s\t\tesac ;;\n", open ? "\" ;;\n" : "");
}

static void completion_options(void)
{
	printf("\t*)\n\t\tcase \"${COMP_WORDS[1]} ${COMP_WORDS[2]}\" in\n");
	for (const struct command *c = command_table; c->noun; c++) {
		if (!c->verb)
			continue;
		printf("\t\t\"%s %s\") words=\"", c->noun, c->verb);
		for (const struct command_option *o = c->options; o && o->name; o++)
			printf("--%s ", o->name);
		printf("--json --help\" ;;\n");
	}
	printf("\t\tesac\n\t\t[[ $word == -* ]] || { compopt -o default; words=; } ;;\n");
}

enum cli_exit completion_bash(struct command_call *call)
{
	(void)call;
	puts("# SPDX-License-Identifier: MIT");
	puts("# bash completion for granary(1), written by \"granary completion bash\".");
	puts("# shellcheck shell=bash disable=SC2207");
	puts("_granary()\n{\n\tlocal word=${COMP_WORDS[COMP_CWORD]} words=");
	puts("\tcase $COMP_CWORD in");
	completion_nouns();
	completion_verbs();
	completion_options();
	puts("\tesac\n\tCOMPREPLY=($(compgen -W \"$words\" -- \"$word\"))\n}");
	puts("complete -F _granary granary");
	return CLI_DONE;
}
