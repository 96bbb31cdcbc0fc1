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

#define OPTION_ROOT                                                                                \
	{                                                                                          \
		"root", "DIR", "granary-targetd runs under this root"                              \
	}
#define OPTION_UNKNOWN                                                                             \
	{                                                                                          \
		"force", NULL, "although a library's barcodes are not known"                       \
	}
#define OPTION_LIBRARY                                                                             \
	{                                                                                          \
		"library", "NAME", "the tape is one of this library"                               \
	}

static const struct command_option options_target[] = {OPTION_CONTROL, OPTION_ROOT, {NULL}};

static const struct command_option options_vtl_create[] = {
	OPTION_CONTROL,
	OPTION_ROOT,
	{"personality", "NAME", "which product it is (stk-l700)"},
	{"drive", "NAME", "which product its drives are (the personality's usual one)"},
	{"drives", "NUMBER", "drives (2)"},
	{"slots", "NUMBER", "slots (20, or as many as tapes)"},
	{"ie-slots", "NUMBER", "import/export slots (4)"},
	{"tapes", "NUMBER", "tapes that are made at once (10)"},
	{"tape-size", "SIZE", "of new tapes (what the medium has)"},
	{"medium", "NAME", "of these tapes, such as LTO-8 (that of the drives)"},
	{"barcode", "PREFIX", "beginning of their barcodes (G)"},
	{"encryption", NULL, "drives offer encryption"},
	{"recycle-days", "NUMBER", "deleted tapes can be restored so long (7)"},
	{"folder", "DIR", "of its cartridges (TAPES/NAME)"},
	{"adopt", NULL, "take the cartridges that are in the folder"},
	OPTION_UNKNOWN,
	{NULL},
};

static const struct command_option options_vtl_update[] = {
	OPTION_CONTROL,
	OPTION_ROOT,
	{"drives", "NUMBER", "drives; new ones come last, old ones go last"},
	{"drive", "NAME", "which product the added drives are (as the last one)"},
	{"slots", "NUMBER", "slots"},
	{"ie-slots", "NUMBER", "import/export slots"},
	{"tape-size", "SIZE", "of new tapes; 0: what the medium has"},
	{"encryption", "WORD", "on or off: drives offer encryption"},
	{"recycle-days", "NUMBER", "deleted tapes can be restored so long"},
	{"force", NULL, "end the sessions, where that is needed"},
	{NULL},
};

static const struct command_option options_vtl_delete[] = {
	OPTION_CONTROL,
	OPTION_ROOT,
	{"force", NULL, "end its sessions"},
	{"purge", NULL, "remove its cartridges too, for good"},
	{NULL},
};

static const struct command_option options_vtl_sessions[] = {
	OPTION_CONTROL,
	OPTION_ROOT,
	{"end", "SESSION", "end this one"},
	{NULL},
};

static const struct command_option options_vtl_access[] = {
	OPTION_CONTROL,
	OPTION_ROOT,
	{"allow", "INITIATOR", "add or change a row: an iSCSI name, its beginning and *, or *"},
	{"remove", "INITIATOR", "remove a row"},
	{"network", "NETWORK", "of the row, such as 192.0.2.0/24"},
	{"user", "NAME", "the initiator's CHAP user"},
	{"secret-file", "FILE", "has the initiator's secret in its first line; - standard input"},
	{"mutual-user", "NAME", "the library's CHAP user"},
	{"mutual-secret-file", "FILE", "has the library's secret"},
	{"open", NULL, "remove all rows: everybody may log in"},
	{NULL},
};

static const struct command_option options_tape[] = {
	OPTION_CONTROL, OPTION_ROOT, OPTION_LIBRARY, {NULL}};

static const struct command_option options_tape_list[] = {
	OPTION_CONTROL,
	OPTION_ROOT,
	{"state", "STATE", "only those in a slot, import/export slot (\"import\"), drive, shelf, or deleted"},
	{NULL},
};
static const struct command_option options_tape_create[] = {
	OPTION_CONTROL,
	OPTION_ROOT,
	{"barcode", "BARCODE", "make one tape of this barcode"},
	{"prefix", "PREFIX", "beginning of the barcodes (G)"},
	{"count", "NUMBER", "how many (1)"},
	{"medium", "NAME", "such as LTO-8 or LTO-8-WORM (that of the drives)"},
	{"size", "SIZE", "of each (that of the library)"},
	{"shelf", NULL, "put them into no slot"},
	OPTION_UNKNOWN,
	{NULL},
};

static const struct command_option options_tape_lock[] = {
	OPTION_CONTROL,
	OPTION_ROOT,
	OPTION_LIBRARY,
	{"until", "DATE", "such as 2027-01-31"},
	{"days", "NUMBER", "from now on"},
	{NULL},
};

static const struct command_option options_tape_delete[] = {
	OPTION_CONTROL,
	OPTION_ROOT,
	OPTION_LIBRARY,
	{"purge", NULL, "remove it at once, for good"},
	{NULL},
};

static const struct command_option options_tape_clone[] = {
	OPTION_CONTROL,
	OPTION_ROOT,
	OPTION_LIBRARY,
	{"to", "NAME", "the library of the clone (the same)"},
	OPTION_UNKNOWN,
	{NULL},
};

#define OPTION_FOLDER                                                                              \
	{                                                                                          \
		"folder", "DIR", "holds the cartridge; granary-targetd is not asked"               \
	}
#define OPTION_PARTITION                                                                           \
	{                                                                                          \
		"partition", "NUMBER", "of a tape that has two (0)"                                \
	}

static const struct command_option options_tape_check[] = {
	OPTION_CONTROL, OPTION_ROOT, OPTION_LIBRARY, OPTION_FOLDER, {NULL}};

static const struct command_option options_tape_cat[] = {
	OPTION_CONTROL, OPTION_ROOT, OPTION_LIBRARY, OPTION_FOLDER, OPTION_PARTITION, {NULL}};

static const struct command_option options_tape_files[] = {
	OPTION_CONTROL,
	OPTION_ROOT,
	OPTION_LIBRARY,
	OPTION_FOLDER,
	OPTION_PARTITION,
	{"list", NULL, "the members of archives too"},
	{NULL},
};

static const struct command_option options_tape_import[] = {
	OPTION_CONTROL,
	OPTION_ROOT,
	{"library", "NAME", "puts it into this library"},
	{"folder", "DIR", "makes it there; granary-targetd is not asked"},
	{"format", "NAME", "simh, aws, tgt or mhvtl (what the source looks like)"},
	{"medium", "NAME", "of the new tape (what its barcode says, or LTO-8)"},
	{"size", "SIZE", "of the new tape (what the medium has)"},
	{"partition", "NUMBER", "of the tape in a drive (0)"},
	{"auth-file", "FILE", "user and secret for a drive's library"},
	{"initiator", "NAME", "log in to it under this iSCSI name"},
	{"shelf", NULL, "put it into no slot"},
	{NULL},
};

#define OPTIONS_LOGIN                                                                              \
	{"auth-file", "FILE", "user and secret for the library"},                                  \
	{                                                                                          \
		"initiator", "NAME", "log in under this iSCSI name"                                \
	}

static const struct command_option options_tape_read[] = {
	{"file", "NUMBER", "go to this file first, from the beginning of the tape"},
	OPTIONS_LOGIN,
	{NULL},
};

static const struct command_option options_tape_write[] = {
	{"file", "NUMBER", "go to this file first, from the beginning of the tape"},
	{"append", NULL, "go to the end of the data first"},
	{"block-size", "SIZE", "bytes of a block (64K)"},
	OPTIONS_LOGIN,
	{NULL},
};

static const struct command_option options_vtl_selftest[] = {
	OPTION_CONTROL,
	OPTION_ROOT,
	{"tape", "BARCODE", "a scratch tape in a slot: overwritten, for the commands that need one"},
	OPTIONS_LOGIN,
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
	{"vtl", "create", "NAME", 1, 1, options_vtl_create, "make a library with tapes in it",
	 vtl_create},
	{"vtl", "list", "", 0, 0, options_target, "all libraries",
	 vtl_list},
	{"vtl", "show", "NAME", 1, 1, options_target, "one library",
	 vtl_show},
	{"vtl", "update", "NAME", 1, 1, options_vtl_update, "change a library",
	 vtl_update},
	{"vtl", "delete", "NAME", 1, 1, options_vtl_delete, "end a library; its cartridges stay",
	 vtl_delete},
	{"vtl", "reopen", "NAME", 1, 1, options_target, "try a library again that is not served",
	 vtl_reopen},
	{"vtl", "drives", "[NAME]", 0, 1, options_target, "drives, and what they do",
	 vtl_drives},
	{"vtl", "elements", "NAME", 1, 1, options_target, "places, and the tapes in them",
	 vtl_elements},
	{"vtl", "load", "NAME TAPE [DRIVE]", 2, 3, options_target, "put a tape into a drive",
	 vtl_load},
	{"vtl", "unload", "NAME DRIVE [SLOT]", 2, 3, options_target, "put the tape of a drive back",
	 vtl_unload},
	{"vtl", "move", "NAME FROM TO", 3, 3, options_target, "move a tape from place to place",
	 vtl_move},
	{"vtl", "put", "NAME BARCODE [SLOT]", 2, 3, options_target, "put a tape of the shelf into a place",
	 vtl_put},
	{"vtl", "take", "NAME PLACE", 2, 2, options_target, "take a tape out of its place, to the shelf",
	 vtl_take},
	{"vtl", "sessions", "[NAME]", 0, 1, options_vtl_sessions, "who is logged in",
	 vtl_sessions},
	{"vtl", "access", "NAME", 1, 1, options_vtl_access, "who may log in; \"discovery\" for the list of libraries",
	 vtl_access},
	{"vtl", "selftest", "NAME", 1, 1, options_vtl_selftest, "send a library every command and show what answers how",
	 vtl_selftest},
	{"vtl", "personalities", "", 0, 0, options_target, "which products libraries and drives can be",
	 vtl_personalities},
	{"tape", "create", "LIBRARY", 1, 1, options_tape_create, "make tapes",
	 tape_create},
	{"tape", "list", "[LIBRARY]", 0, 1, options_tape_list, "all tapes, deleted ones too",
	 tape_list},
	{"tape", "show", "BARCODE", 1, 1, options_tape, "one tape",
	 tape_show},
	{"tape", "lock", "BARCODE", 1, 1, options_tape_lock, "keep a tape from being changed or deleted until a date",
	 tape_lock},
	{"tape", "protect", "BARCODE on|off", 2, 2, options_tape, "set or lift write protection, as the slider of a cartridge",
	 tape_protect},
	{"tape", "delete", "BARCODE", 1, 1, options_tape_delete, "delete a tape",
	 tape_delete},
	{"tape", "restore", "BARCODE", 1, 1, options_tape, "bring a deleted tape back",
	 tape_restore},
	{"tape", "clone", "BARCODE CLONE", 2, 2, options_tape_clone, "make a tape with the contents of another",
	 tape_clone},
	{"tape", "import", "SOURCE BARCODE", 2, 2, options_tape_import, "bring in a tape of another format or library",
	 tape_import},
	{"tape", "export", "BARCODE FILE", 2, 2, options_tape_cat, "write a tape as a file of the SIMH format",
	 tape_export},
	{"tape", "files", "BARCODE", 1, 1, options_tape_files, "what lies between filemarks",
	 tape_files},
	{"tape", "cat", "BARCODE[:FILES]", 1, 1, options_tape_cat, "what was written, to standard output",
	 tape_cat},
	{"tape", "check", "BARCODE", 1, 1, options_tape_check, "read a tape and verify it",
	 tape_check},
	{"tape", "read", "URL", 1, 1, options_tape_read, "the tape in a drive of any iSCSI library, up to a filemark",
	 tape_read},
	{"tape", "write", "URL", 1, 1, options_tape_write, "standard input to the tape in such a drive, and a filemark",
	 tape_write},
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
