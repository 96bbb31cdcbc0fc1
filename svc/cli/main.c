/* SPDX-License-Identifier: MIT */
/* `granary`: the table of its commands. To add one is one row and one function. */
#include <locale.h>
#include <stdio.h>
#include <string.h>

#include "config.h"
#include "svc/cli/command.h"
#include "svc/cli/completion.h"
#include "svc/cli/verbs.h"

#define OPTION_CONTROL                                                                             \
	{                                                                                          \
		"control", "PATH", "the daemon's control socket"                                   \
	}

static const struct command_option options_fs[] = {OPTION_CONTROL, {NULL}};

static const struct command_option options_job[] = {
	OPTION_CONTROL,
	{"start", NULL, "start it and return"},
	{"pause", NULL, "pause it, keeping its place"},
	{"resume", NULL, "go on from there"},
	{"stop", NULL, "end it"},
	{"wait", NULL, "follow it to its end, without starting it"},
	{NULL},
};

static const struct command_option options_explain[] = {
	OPTION_CONTROL,
	{"brief", NULL, "do not look for the files that share its data"},
	{NULL},
};

static const struct command_option options_daemon[] = {
	OPTION_CONTROL,
	{"root", "DIR", "the daemon runs under this root"},
	{NULL},
};

static const struct command_option options_log_level[] = {
	OPTION_CONTROL,
	{"root", "DIR", "the daemon runs under this root"},
	{"level", "LEVEL", "error, warning, info or debug; without it: show"},
	{NULL},
};

static enum cli_exit main_help(struct command_call *call);

const struct command command_table[] = {
	{"fs", "status", "[NAME]", 0, 1, options_fs, "how a store does", fs_status},
	{"fs", "stats", "[NAME]", 0, 1, options_fs, "counters of the engine", fs_stats},
	{"fs", "df", "[NAME]", 0, 1, options_fs,
	 "logical, deduplicated and stored bytes of each top-level directory", fs_df},
	{"fs", "clean", "[NAME]", 0, 1, options_job, "free what nothing refers to any more",
	 fs_clean},
	{"fs", "scrub", "[NAME]", 0, 1, options_job, "read everything and verify it", fs_scrub},
	{"fs", "check", "[NAME]", 0, 1, options_fs, "scrub, then list the damaged files", fs_check},
	{"fs", "clone", "SRC DST", 2, 2, options_fs, "copy a file or a tree without copying data",
	 fs_clone},
	{"fs", "quota", "DIR [SIZE]", 1, 2, options_fs,
	 "show or set what a top-level directory may hold; \"none\" lifts it", fs_quota},
	{"fs", "explain", "PATH", 1, 1, options_explain,
	 "how a file is stored: chunks, shared with what, ratio", fs_explain},
	{"fs", "sync", "[NAME]", 0, 1, options_fs, "commit everything now", fs_sync},
	{"fs", "dump", "[NAME]", 0, 1, NULL, "an offline look at a store, by fsck.granary",
	 fs_dump},
	{"daemon", "status", "[NAME]", 0, 1, options_daemon, "who it is and how it does",
	 daemon_verb_status},
	{"daemon", "metrics", "[NAME]", 0, 1, options_daemon, "numbers by name",
	 daemon_verb_metrics},
	{"daemon", "reload", "[NAME]", 0, 1, options_daemon, "have it read granary.conf again",
	 daemon_verb_reload},
	{"daemon", "log-level", "[NAME]", 0, 1, options_log_level, "show or set its log level",
	 daemon_verb_log_level},
	{"daemon", "stop", "[NAME]", 0, 1, options_daemon, "end it, and wait until it has ended",
	 daemon_verb_stop},
	{"completion", "bash", "", 0, 0, NULL, "print the completion script for bash",
	 completion_bash},
	{"help", NULL, "[NOUN [VERB]]", 0, 2, NULL, "show help", main_help},
	{NULL},
};

static enum cli_exit main_help(struct command_call *call)
{
	const char *noun = command_argument(call, 0);
	const char *verb = command_argument(call, 1);
	if (command_help(noun, verb))
		return CLI_DONE;
	command_complain("there is no command \"%s%s%s\"", noun, verb ? " " : "", verb ? verb : "");
	return CLI_USAGE;
}

int main(int argc, char **argv)
{
	setlocale(LC_CTYPE, "");
	setlocale(LC_TIME, "");
	if (argc == 2 && (strcmp(argv[1], "--version") == 0 || strcmp(argv[1], "-V") == 0)) {
		printf("granary (Granary) %s\n", PACKAGE_VERSION);
		return CLI_DONE;
	}
	enum cli_exit status = command_run(argc, argv);
	/* Output that could not be written is not "done". */
	if (fflush(stdout) != 0 || ferror(stdout)) {
		command_complain("standard output could not be written");
		return CLI_FAILED;
	}
	return (int)status;
}
