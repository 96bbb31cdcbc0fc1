/* SPDX-License-Identifier: MIT */
/*
 * granary-tape: work on cartridges' files and, as an initiator, on drives of iSCSI libraries.
 * Here are its verbs and options, one row each; `granary tape` runs it with a cartridge's path.
 */
#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "config.h"
#include "lib/base/log.h"
#include "target/tool/tool.h"

struct tool_option_row {
	const char *name, *argument, *help;
};

static const struct tool_option_row tool_options[OPTION_COUNT] = {
	[OPTION_APPEND] = {"append", NULL, "write: behind what is on the tape"},
	[OPTION_AUTH_FILE] = {"auth-file", "FILE", "of lines \"user\", \"secret\", \"mutual-user\" and "
			      "\"mutual-secret\", each with its value"},
	[OPTION_BLOCK_SIZE] = {"block-size", "SIZE", "write: bytes of a block (64K)"},
	[OPTION_FILE] = {"file", "NUMBER", "read, write: position the tape at this file first"},
	[OPTION_FORMAT] = {"format", "NAME", "import: simh, aws, tgt or mhvtl (what it looks like)"},
	[OPTION_INITIATOR] = {"initiator", "NAME", "log in under this iSCSI name"},
	[OPTION_JSON] = {"json", NULL, "answer in JSON"},
	[OPTION_LIST] = {"list", NULL, "files: the members of archives too"},
	[OPTION_MEDIUM] = {"medium", "NAME", "import: of the new tape (what its barcode says, or LTO-8)"},
	[OPTION_PARTITION] = {"partition", "NUMBER", "files, cat, export, import from a drive: of a tape with two (0)"},
	[OPTION_SIZE] = {"size", "SIZE", "import: of the new tape (what the medium has)"},
	[OPTION_TAPE] = {"tape", "BARCODE", "selftest: a scratch tape in a slot, which is overwritten"},
	[OPTION_HELP] = {"help", NULL, "show this text"},
	[OPTION_VERSION] = {"version", NULL, "show the version"},
};

#define TAKES(option) (1u << (option))
#define TAKES_LOGIN   (TAKES(OPTION_AUTH_FILE) | TAKES(OPTION_INITIATOR))

struct tool_verb {
	const char *name, *arguments, *help;
	int min, max;
	unsigned options;
	enum tool_exit (*run)(const struct tool_call *call);
};

static const struct tool_verb tool_verbs[] = {
	{"files", "PATH", "what lies between filemarks", 1, 1,
	 TAKES(OPTION_JSON) | TAKES(OPTION_LIST) | TAKES(OPTION_PARTITION), verb_files},
	{"cat", "PATH[:FILE[-[FILE]]]", "what was written, to standard output", 1, 1,
	 TAKES(OPTION_PARTITION), verb_cat},
	{"check", "PATH", "read everything and verify it", 1, 1, TAKES(OPTION_JSON), verb_check},
	{"export", "PATH FILE", "write a SIMH .tap; - is standard output", 2, 2,
	 TAKES(OPTION_PARTITION) | TAKES(OPTION_JSON), verb_export},
	{"import", "SOURCE PATH", "make a cartridge of a file, a folder of mhvtl, a drive's URL", 2, 2,
	 TAKES(OPTION_FORMAT) | TAKES(OPTION_MEDIUM) | TAKES(OPTION_SIZE) | TAKES(OPTION_JSON) |
		 TAKES(OPTION_PARTITION) | TAKES_LOGIN, verb_import},
	{"read", "URL", "from the tape in a drive to standard output, up to the next filemark", 1, 1,
	 TAKES(OPTION_FILE) | TAKES_LOGIN, verb_read},
	{"write", "URL", "standard input to the tape in a drive, and a filemark", 1, 1,
	 TAKES(OPTION_APPEND) | TAKES(OPTION_BLOCK_SIZE) | TAKES(OPTION_FILE) | TAKES_LOGIN,
	 verb_write},
	{"selftest", "URL", "send a library every command and show what answers how", 1, 1,
	 TAKES(OPTION_JSON) | TAKES(OPTION_TAPE) | TAKES_LOGIN, verb_selftest},
	{NULL},
};

static void tool_help(void)
{
	puts("Usage: granary-tape VERB [--option value] ARGUMENT...\n"
	     "Works on the files of cartridges, and on drives of iSCSI libraries.\n");
	for (const struct tool_verb *v = tool_verbs; v->name; v++) {
		printf("  %s %-*s %s\n", v->name, 29 - (int)strlen(v->name), v->arguments, v->help);
	}
	putchar('\n');
	for (int i = 0; i < OPTION_COUNT; i++) {
		const struct tool_option_row *o = &tool_options[i];
		int width = printf("  --%s%s%s", o->name, o->argument ? " " : "",
				   o->argument ? o->argument : "");

		printf("%*s%s\n", width < 24 ? 24 - width : 1, "", o->help);
	}
	puts("\nA URL is iscsi://HOST[:PORT]/TARGET/LUN, without the LUN for selftest.\n"
	     "Exit status: 0 done, 1 failed, 2 usage, 3 not reachable. granary-tape(1)");
}

static enum tool_exit tool_wrong(const char *what, const char *word)
{
	tool_complain("%s%s; try granary-tape --help", what, word);
	return TOOL_USAGE;
}

static enum tool_exit tool_parse(struct tool_call *call, int argc, char **argv)
{
	struct option table[OPTION_COUNT + 1] = {{0}};
	int value;

	for (int i = 0; i < OPTION_COUNT; i++)
		table[i] = (struct option){.name = tool_options[i].name,
					   .has_arg = tool_options[i].argument ? required_argument
									       : no_argument,
					   .val = 256 + i};
	while ((value = getopt_long(argc, argv, ":", table, NULL)) != -1) {
		if (value == ':')
			return tool_wrong("a value is missing after ", argv[optind - 1]);
		if (value < 256)
			return tool_wrong("unknown option ", argv[optind - 1]);
		call->values[value - 256] = optarg ? optarg : "";
	}
	call->arguments = (const char *const *)(argv + optind);
	call->count = argc - optind;
	return TOOL_DONE;
}

static enum tool_exit tool_run(struct tool_call *call)
{
	const struct tool_verb *v = tool_verbs;

	if (call->count == 0)
		return tool_wrong("a verb is missing", "");
	while (v->name && strcmp(v->name, call->arguments[0]) != 0)
		v++;
	if (!v->name)
		return tool_wrong("there is no verb ", call->arguments[0]);
	call->arguments++;
	call->count--;
	if (call->count < v->min || call->count > v->max) {
		tool_complain("usage: granary-tape %s %s; try granary-tape --help", v->name, v->arguments);
		return TOOL_USAGE;
	}
	for (int i = 0; i < OPTION_COUNT; i++)
		if (call->values[i] && !(v->options & TAKES(i)))
			return tool_wrong("this verb does not take --", tool_options[i].name);
	return v->run(call);
}

int main(int argc, char **argv)
{
	struct tool_call call = {0};
	enum tool_exit status;

	log_set_program("granary-tape");
	status = tool_parse(&call, argc, argv);

	if (status == TOOL_DONE && call.values[OPTION_HELP])
		tool_help();
	else if (status == TOOL_DONE && call.values[OPTION_VERSION])
		printf("granary-tape (Granary) %s\n", PACKAGE_VERSION);
	else if (status == TOOL_DONE)
		status = tool_run(&call);
	if (status == TOOL_DONE && (fflush(stdout) != 0 || ferror(stdout))) {
		tool_complain("standard output could not be written");
		return TOOL_FAILED;
	}
	return (int)status;
}
