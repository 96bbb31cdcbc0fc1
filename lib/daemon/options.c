/* SPDX-License-Identifier: MIT */
/*
 * The options table and the command line.
 *
 * A row's value belongs to the caller; a string in it belongs to the row as soon
 * as it was set here (`owned`), and is freed when replaced or at the end. The
 * defaults are what the values hold before parsing.
 */
#include "lib/daemon/options.h"

#include "config.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/cleanup.h"
#include "lib/base/log.h"
#include "lib/base/mem.h"

#define OPTIONS_LONG_BASE 256 /* getopt values below are letters */

/* The common rows; `value` is filled in from the offset. */
static const struct {
	struct daemon_option option;
	size_t offset;
} options_common[] = {
	{{"config", 0, NULL, DAEMON_STRING, "FILE", "read this file instead of granary.conf"},
	 offsetof(struct options, config)},
	{{"root", 0, NULL, DAEMON_STRING, "DIR", "keep everything under DIR: etc, lib, run, log"},
	 offsetof(struct options, root)},
	{{"control", 0, "control", DAEMON_STRING, "PATH", "the control socket"},
	 offsetof(struct options, control)},
	{{"background", 0, NULL, DAEMON_FLAG, NULL, "return when ready and go on behind"},
	 offsetof(struct options, background)},
	{{"log-level", 0, "log_level", DAEMON_STRING, "LEVEL", "error, warning, info or debug"},
	 offsetof(struct options, log_level)},
	{{"log-file", 0, "log_file", DAEMON_STRING, "FILE", "append log lines to FILE"},
	 offsetof(struct options, log_file)},
	{{"help", 'h', NULL, DAEMON_FLAG, NULL, "show this text"}, offsetof(struct options, help)},
	{{"version", 'V', NULL, DAEMON_FLAG, NULL, "show the version"},
	 offsetof(struct options, version)},
};
#define OPTIONS_COMMON (sizeof(options_common) / sizeof(options_common[0]))

void options_init(struct options *o, const struct daemon_class *class)
{
	size_t own = 0;
	while (class->options && class->options[own].name)
		own++;
	*o = (struct options){.class = class, .count = own + OPTIONS_COMMON};
	o->rows = mem_zalloc(o->count * sizeof(*o->rows));
	for (size_t i = 0; i < own; i++)
		o->rows[i].option = class->options[i];
	for (size_t i = 0; i < OPTIONS_COMMON; i++) {
		struct options_row *row = &o->rows[own + i];
		row->option = options_common[i].option;
		row->option.value = (char *)o + options_common[i].offset;
		row->common = true;
	}
}

static void options_drop(struct options_row *row)
{
	char **string = row->option.value;
	if (!row->owned)
		return;
	free(*string);
	*string = NULL;
	row->owned = false;
}

void options_free(struct options *o)
{
	for (size_t i = 0; i < o->count; i++)
		options_drop(&o->rows[i]);
	free(TAKE(o->rows));
	o->count = 0;
}

int options_number(const char *text, uint64_t *number)
{
	char *end;
	if (*text < '0' || *text > '9')
		return -EINVAL;
	errno = 0;
	unsigned long long value = strtoull(text, &end, 10);
	if (errno)
		return -errno;
	if (*end)
		return -EINVAL;
	*number = value;
	return 0;
}

int options_size(const char *text, uint64_t *bytes)
{
	static const char units[] = "KMGTP";
	char digits[24];
	uint64_t value;
	size_t n = strspn(text, "0123456789");
	if (n >= sizeof(digits))
		return -ERANGE;
	memcpy(digits, text, n);
	digits[n] = 0;
	int error = options_number(digits, &value);
	if (error)
		return error;
	const char *unit = text + n;
	if (*unit && *unit != 'B') {
		char letter = *unit >= 'a' && *unit <= 'z' ? (char)(*unit - 'a' + 'A') : *unit;
		const char *found = strchr(units, letter);
		if (!found)
			return -EINVAL;
		unsigned shift = 10 * (unsigned)(found - units + 1);
		if (value > UINT64_MAX >> shift)
			return -ERANGE;
		value <<= shift;
		unit++;
	}
	if (*unit && strcmp(unit, "B") != 0 && (unit == text + n || strcmp(unit, "iB") != 0))
		return -EINVAL;
	*bytes = value;
	return 0;
}

int options_set(struct options_row *row, const char *text)
{
	const struct daemon_option *option = &row->option;
	switch (option->kind) {
	case DAEMON_FLAG:
		*(bool *)option->value = true;
		return 0;
	case DAEMON_STRING:
		options_drop(row);
		*(char **)option->value = mem_strdup(text);
		row->owned = true;
		return 0;
	case DAEMON_SIZE:
		return options_size(text, option->value);
	case DAEMON_NUMBER:
		return options_number(text, option->value);
	}
	return -EINVAL;
}

/* getopt's own two tables, made from ours. */
static struct option *options_getopt(const struct options *o, char **letters)
{
	struct option *table = mem_zalloc((o->count + 1) * sizeof(*table));
	char *p = *letters = mem_zalloc(2 * o->count + 2);
	*p++ = ':'; /* a missing argument is told apart from an unknown option */
	for (size_t i = 0; i < o->count; i++) {
		const struct daemon_option *option = &o->rows[i].option;
		bool argument = option->kind != DAEMON_FLAG;
		table[i].name = option->name;
		table[i].has_arg = argument ? required_argument : no_argument;
		table[i].val = OPTIONS_LONG_BASE + (int)i;
		if (option->letter) {
			*p++ = option->letter;
			if (argument)
				*p++ = ':';
		}
	}
	return table;
}

static struct options_row *options_find(struct options *o, int value)
{
	if (value >= OPTIONS_LONG_BASE)
		return &o->rows[value - OPTIONS_LONG_BASE];
	for (size_t i = 0; i < o->count; i++)
		if (o->rows[i].option.letter == value)
			return &o->rows[i];
	return NULL;
}

/* Only the name: what is behind "=" may be a secret. */
static enum options_outcome options_wrong(const char *what, const char *word)
{
	int length = (int)(*word == '-' ? strcspn(word, "=") : strlen(word));
	log_error("%s %.*s; try --help", what, length, word);
	return OPTIONS_WRONG;
}

static enum options_outcome options_take(struct options *o, int value, char **argv)
{
	const char *word = argv[optind > 0 ? optind - 1 : 0];
	if (value == ':')
		return options_wrong("an argument is missing after", word);
	struct options_row *row = value == '?' ? NULL : options_find(o, value);
	if (!row)
		return options_wrong("unknown or ambiguous option:", word);
	int error = options_set(row, optarg);
	if (error) {
		log_error("--%s takes %s, not \"%s\"%s; try --help", row->option.name,
			  row->option.kind == DAEMON_SIZE ? "a size such as 512M" : "a number",
			  optarg, error == -ERANGE ? ", which is too large" : "");
		return OPTIONS_WRONG;
	}
	row->given = true;
	return OPTIONS_RUN;
}

static enum options_outcome options_show(const struct options *o)
{
	if (o->help) {
		CLEANUP_FREE char *text = options_help(o);
		fputs(text, stdout);
	} else {
		printf("%s (Granary) %s\n", o->class->name, PACKAGE_VERSION);
	}
	return OPTIONS_SHOWN;
}

static enum options_outcome options_check_arguments(struct options *o, int argc, char **argv)
{
	o->arguments = argv + optind;
	o->argument_count = argc - optind;
	if (o->argument_count < o->class->arguments_min)
		return options_wrong("too few arguments: wanted",
				     o->class->usage ? o->class->usage : "");
	if (o->argument_count > o->class->arguments_max)
		return options_wrong("one argument too many:",
				     o->arguments[o->class->arguments_max]);
	return OPTIONS_RUN;
}

enum options_outcome options_parse(struct options *o, int argc, char **argv)
{
	CLEANUP_FREE char *letters = NULL;
	CLEANUP_FREE struct option *table = options_getopt(o, &letters);
	enum options_outcome outcome = OPTIONS_RUN;
	int value;
	optind = 0; /* glibc: start afresh, whoever parsed before */
	while (outcome == OPTIONS_RUN &&
	       (value = getopt_long(argc, argv, letters, table, NULL)) != -1)
		outcome = options_take(o, value, argv);
	if (outcome != OPTIONS_RUN)
		return outcome;
	if (o->help || o->version)
		return options_show(o);
	return options_check_arguments(o, argc, argv);
}

/* "  -m, --memory SIZE" */
static int options_print_name(FILE *f, const struct daemon_option *option)
{
	char letter[5] = "    ";
	if (option->letter)
		snprintf(letter, sizeof(letter), "-%c, ", option->letter);
	return fprintf(f, "  %s--%s%s%s", letter, option->name, option->argument ? " " : "",
		       option->argument ? option->argument : "");
}

char *options_help(const struct options *o)
{
	const struct daemon_class *class = o->class;
	char *text = NULL;
	size_t size;
	FILE *f = open_memstream(&text, &size);
	if (!f)
		return mem_strdup("");
	fprintf(f, "Usage: %s [OPTION]...%s%s\n%s\n\n", class->name, class->usage ? " " : "",
		class->usage ? class->usage : "", class->summary ? class->summary : "");
	for (size_t i = 0; i < o->count; i++) {
		const struct daemon_option *option = &o->rows[i].option;
		int width = options_print_name(f, option);
		fprintf(f, "%*s%s\n", width < 30 ? 30 - width : 1, "", option->help);
	}
	fprintf(f, "\nSection \"%s\" of granary.conf sets the same; see granary.conf(5).\n",
		class->section ? class->section : "common");
	fclose(f);
	return text;
}
