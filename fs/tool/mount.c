/* SPDX-License-Identifier: MIT */
/*
 * mount.granary: what mount(8) runs for `mount -t granary STORE DIR`, and what
 * a user runs by hand. It turns the options into those of granary-fsd, starts
 * that in the background and ends when the mount is ready, with mount's exit
 * codes: 0, 1 wrong use, 2 system error, 32 not mounted. What went wrong has
 * been said by granary-fsd, in one sentence.
 */
#include <errno.h>
#include <getopt.h>
#include <libgen.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fs/tool/mount_options.h"
#include "fs/tool/tool.h"
#include "lib/base/cleanup.h"
#include "lib/base/log.h"
#include "lib/base/mem.h"

#define PROGRAM "mount.granary"
#define DAEMON	"granary-fsd"

enum { MOUNT_USAGE = 1, MOUNT_SYSTEM = 2, MOUNT_FAILED = 32 };

static const char help[] = "usage: mount.granary STORE DIR [-fnrsv] [-o option[,option...]]\n"
			   "Mounts the store STORE on the folder DIR.\n"
			   "\n"
			   "  -f  fake: check the options, mount nothing\n"
			   "  -n  do not write /etc/mtab (accepted; there is nothing to write)\n"
			   "  -r  read-only, as -o ro\n"
			   "  -s  sloppy: pass over options that are not known\n"
			   "  -v  say what is run\n"
			   "  -o  options, see below\n"
			   "  -t  type of the filesystem (accepted)\n"
			   "  -w  read and write, as -o rw\n"
			   "  -h, --help     show this and exit\n"
			   "  -V, --version  show the version and exit\n"
			   "\n"
			   "options:\n";

struct request {
	struct mount_options options;
	const char *store, *dir;
	bool fake, verbose;
};

static int set_fake(void *context, const char *text)
{
	struct request *r = context;

	(void)text;
	r->fake = true;
	return 0;
}

static int set_verbose(void *context, const char *text)
{
	struct request *r = context;

	(void)text;
	r->verbose = true;
	return 0;
}

static int set_sloppy(void *context, const char *text)
{
	struct request *r = context;

	(void)text;
	r->options.sloppy = true;
	return 0;
}

static int set_read_only(void *context, const char *text)
{
	struct request *r = context;

	(void)text;
	return mount_options_add(&r->options, "ro") ? MOUNT_USAGE : 0;
}

static int set_writable(void *context, const char *text)
{
	struct request *r = context;

	(void)text;
	return mount_options_add(&r->options, "rw") ? MOUNT_USAGE : 0;
}

static int set_options(void *context, const char *text)
{
	struct request *r = context;

	return mount_options_add(&r->options, text) ? MOUNT_USAGE : 0;
}

static int pass_over(void *context, const char *text)
{
	(void)context;
	(void)text;
	return 0;
}

static int show_help(void *context, const char *text)
{
	(void)context;
	(void)text;
	fputs(help, stdout);
	mount_options_help(stdout);
	return TOOL_DONE;
}

static int show_version(void *context, const char *text)
{
	(void)context;
	(void)text;
	tool_version(PROGRAM);
	return TOOL_DONE;
}

static const struct tool_option meanings[] = {
	{'f', set_fake},    {'n', pass_over},	 {'r', set_read_only}, {'s', set_sloppy},
	{'v', set_verbose}, {'w', set_writable}, {'o', set_options},   {'t', pass_over},
	{'N', pass_over},   {'h', show_help},	 {'V', show_version},
};

/* As tool_options(). */
static int request_parse(struct request *r, int argc, char **argv)
{
	static const struct option long_options[] = {
		{"help", no_argument, NULL, 'h'}, {"version", no_argument, NULL, 'V'}, {0}};
	int status = tool_options(argc, argv, "fnrsvwo:t:hV", long_options, meanings,
				  sizeof(meanings) / sizeof(*meanings), MOUNT_USAGE, r);

	if (status)
		return status;
	if (argc - optind != 2)
		return tool_usage(PROGRAM, MOUNT_USAGE, "a store and a folder are needed");
	r->store = argv[optind];
	r->dir = argv[optind + 1];
	return 0;
}

/* Beside this program (a build folder, /opt), or where PATH says. */
static char *daemon_path(void)
{
	char self[PATH_MAX];
	ssize_t length = readlink("/proc/self/exe", self, sizeof(self) - 1);

	if (length > 0) {
		self[length] = '\0';
		CLEANUP_FREE char *beside = mem_printf("%s/%s", dirname(self), DAEMON);
		if (access(beside, X_OK) == 0)
			return TAKE(beside);
	}
	return mem_strdup(DAEMON);
}

static int daemon_start(const char *const *argv)
{
	int status;
	pid_t pid = fork();

	if (pid < 0) {
		log_error("cannot start %s: %s", argv[0], strerror(errno));
		return MOUNT_SYSTEM;
	}
	if (pid == 0) {
		execvp(argv[0], (char *const *)argv);
		log_error("cannot start %s: %s", argv[0], strerror(errno));
		_exit(MOUNT_FAILED);
	}
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return MOUNT_SYSTEM;
	if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
		return 0;
	if (WIFSIGNALED(status))
		log_error("%s ended with signal %d", argv[0], WTERMSIG(status));
	/* 2: it did not understand a value that was passed on */
	return WIFEXITED(status) && WEXITSTATUS(status) == 2 ? MOUNT_USAGE : MOUNT_FAILED;
}

static int run(const struct request *r)
{
	const struct mount_options *o = &r->options;
	CLEANUP_FREE char *program = daemon_path();
	CLEANUP_FREE char *more = o->passed ? mem_printf("--mount-options=%s", o->passed) : NULL;
	CLEANUP_FREE const char **argv = mem_zalloc((o->count + 7) * sizeof(*argv));
	size_t n = 0;

	argv[n++] = program;
	argv[n++] = "--background";
	for (size_t i = 0; i < o->count; i++)
		argv[n++] = o->arguments[i];
	if (more)
		argv[n++] = more;
	argv[n++] = "--";
	argv[n++] = r->store;
	argv[n++] = r->dir;
	if (r->verbose) {
		for (size_t i = 0; i < n; i++)
			printf("%s%s", i ? " " : "", argv[i]);
		putchar('\n');
		fflush(stdout);
	}
	return r->fake ? 0 : daemon_start(argv);
}

int main(int argc, char **argv)
{
	struct request request = {0};
	int status;

	log_set_program(PROGRAM);
	status = request_parse(&request, argc, argv);
	if (!status)
		status = run(&request);
	mount_options_clear(&request.options);
	return status == TOOL_DONE ? 0 : status;
}
