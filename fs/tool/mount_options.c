/* SPDX-License-Identifier: MIT */
/*
 * The options of `mount -o`: a table with a row for each. Some are ours and
 * become arguments of granary-fsd, some are the kernel's and are passed on, and
 * some are for mount(8) or systemd alone and mean nothing here.
 */
#include "fs/tool/mount_options.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/cleanup.h"
#include "lib/base/log.h"
#include "lib/base/mem.h"

enum option_kind {
	OPTION_FLAG,   /* --argument */
	OPTION_VALUE,  /* --argument=VALUE */
	OPTION_KERNEL, /* passed on as it is */
	OPTION_NONE,   /* means nothing here */
	OPTION_PREFIX, /* the same, for everything that begins so */
	OPTION_REFUSED,
};

/* clang-format off */
static const struct known_option {
	const char *name;
	enum option_kind kind;
	const char *argument; /* of granary-fsd */
	const char *help;     /* of ours; or why it is refused */
} known[] = {
	{ "ro", OPTION_FLAG, "--read-only", "change nothing in the store" },
	{ "noatime", OPTION_FLAG, "--noatime", "never change times of access" },
	{ "allow_other", OPTION_FLAG, "--allow-other", "let other users in (always so for root)" },
	{ "writeback", OPTION_FLAG, "--writeback", "let the kernel keep written pages back" },
	{ "sparse_index", OPTION_FLAG, "--sparse-index", "index in a quarter of the memory" },
	{ "clone_fd", OPTION_FLAG, "--clone-fd", "a descriptor of /dev/fuse for each thread" },
	{ "memory", OPTION_VALUE, "--memory", "SIZE: memory for everything that is kept" },
	{ "threads", OPTION_VALUE, "--threads", "NUMBER: threads that cut, compress and write" },
	{ "fuse_threads", OPTION_VALUE, "--fuse-threads", "NUMBER: threads that take requests" },
	{ "commit", OPTION_VALUE, "--commit-seconds", "SECONDS: longest time before a change is durable" },
	{ "compression", OPTION_VALUE, "--compression", "off, fast, balanced or best" },
	{ "control", OPTION_VALUE, "--control", "PATH: the control socket" },
	{ "config", OPTION_VALUE, "--config", "FILE: the configuration instead of granary.conf" },
	{ "log_level", OPTION_VALUE, "--log-level", "error, warning, info or debug" },
	{ "log_file", OPTION_VALUE, "--log-file", "FILE: where the log goes" },
	{ "suid", OPTION_KERNEL, NULL, NULL }, { "nosuid", OPTION_KERNEL, NULL, NULL },
	{ "dev", OPTION_KERNEL, NULL, NULL }, { "nodev", OPTION_KERNEL, NULL, NULL },
	{ "exec", OPTION_KERNEL, NULL, NULL }, { "noexec", OPTION_KERNEL, NULL, NULL },
	{ "sync", OPTION_KERNEL, NULL, NULL }, { "dirsync", OPTION_KERNEL, NULL, NULL },
	/* before "user" */
	{ "user=", OPTION_PREFIX, NULL, NULL },
	{ "rw", OPTION_NONE, NULL, NULL }, { "defaults", OPTION_NONE, NULL, NULL },
	{ "async", OPTION_NONE, NULL, NULL }, { "auto", OPTION_NONE, NULL, NULL },
	{ "noauto", OPTION_NONE, NULL, NULL }, { "user", OPTION_NONE, NULL, NULL },
	{ "nouser", OPTION_NONE, NULL, NULL }, { "users", OPTION_NONE, NULL, NULL },
	{ "nousers", OPTION_NONE, NULL, NULL }, { "owner", OPTION_NONE, NULL, NULL },
	{ "noowner", OPTION_NONE, NULL, NULL }, { "group", OPTION_NONE, NULL, NULL },
	{ "nogroup", OPTION_NONE, NULL, NULL }, { "nofail", OPTION_NONE, NULL, NULL },
	{ "_netdev", OPTION_NONE, NULL, NULL }, { "atime", OPTION_NONE, NULL, NULL },
	{ "relatime", OPTION_NONE, NULL, NULL }, { "diratime", OPTION_NONE, NULL, NULL },
	{ "nodiratime", OPTION_NONE, NULL, NULL }, { "silent", OPTION_NONE, NULL, NULL },
	{ "loud", OPTION_NONE, NULL, NULL }, { "nostrictatime", OPTION_NONE, NULL, NULL },
	{ "lazytime", OPTION_NONE, NULL, NULL }, { "nolazytime", OPTION_NONE, NULL, NULL },
	{ "comment=", OPTION_PREFIX, NULL, NULL },
	{ "x-", OPTION_PREFIX, NULL, NULL }, { "X-", OPTION_PREFIX, NULL, NULL },
	{ "remount", OPTION_REFUSED, NULL, "unmount and mount again" },
	{ "strictatime", OPTION_REFUSED, NULL, "times of access are kept as relatime or not at all" },
};
/* clang-format on */

static const struct known_option *option_find(const char *text)
{
	size_t length = strcspn(text, "=");

	for (size_t i = 0; i < sizeof(known) / sizeof(*known); i++) {
		const struct known_option *k = &known[i];

		if (k->kind == OPTION_PREFIX
			    ? strncmp(text, k->name, strlen(k->name)) == 0
			    : strlen(k->name) == length && strncmp(text, k->name, length) == 0)
			return k;
	}
	return NULL;
}

static int argument_add(struct mount_options *o, char *argument)
{
	if (!argument || mem_reserve(&o->arguments, &o->capacity, o->count + 1, sizeof(char *))) {
		free(argument);
		return -ENOMEM;
	}
	o->arguments[o->count++] = argument;
	return 0;
}

static void kernel_add(struct mount_options *o, const char *text)
{
	CLEANUP_FREE char *before = o->passed;

	o->passed = before ? mem_printf("%s,%s", before, text) : mem_strdup(text);
}

static int option_add(struct mount_options *o, const char *text)
{
	const struct known_option *k = option_find(text);
	const char *value = strchr(text, '=');

	if (!k && o->sloppy)
		return 0;
	if (!k) {
		log_error("there is no option \"%s\"", text);
		return -EINVAL;
	}
	if ((k->kind == OPTION_VALUE) != (value != NULL) && k->kind != OPTION_PREFIX) {
		log_error("the option %s %s", k->name, value ? "takes no value" : "needs a value");
		return -EINVAL;
	}
	switch (k->kind) {
	case OPTION_FLAG:
		return argument_add(o, mem_strdup(k->argument));
	case OPTION_VALUE:
		return argument_add(o, mem_printf("%s%s", k->argument, value));
	case OPTION_KERNEL:
		kernel_add(o, text);
		return 0;
	case OPTION_REFUSED:
		log_error("the option %s is not supported: %s", k->name, k->help);
		return -EINVAL;
	case OPTION_NONE:
	case OPTION_PREFIX:
		return 0;
	}
	return -EINVAL;
}

int mount_options_add(struct mount_options *options, const char *list)
{
	CLEANUP_FREE char *copy = mem_strdup(list);
	char *rest = copy, *text;
	int error = 0;

	while (!error && (text = strsep(&rest, ",")))
		if (*text)
			error = option_add(options, text);
	return error;
}

void mount_options_clear(struct mount_options *options)
{
	for (size_t i = 0; i < options->count; i++)
		free(options->arguments[i]);
	free(options->arguments);
	free(options->passed);
	*options = (struct mount_options){0};
}

void mount_options_help(FILE *file)
{
	for (size_t i = 0; i < sizeof(known) / sizeof(*known); i++)
		if (known[i].argument)
			fprintf(file, "  %-14s %s\n", known[i].name, known[i].help);
	fputs("  [no]suid, [no]dev, [no]exec, sync and dirsync are as in mount(8); what only "
	      "mount(8)\n  or systemd understands (defaults, noauto, nofail, _netdev, user, x-...) "
	      "is accepted.\n",
	      file);
}
