/* SPDX-License-Identifier: MIT */
/*
 * Options of a daemon: one table, made of the common rows and the daemon's own,
 * from which come the command line's parser, the keys of granary.conf, and the
 * text of --help.
 */
#ifndef LIB_DAEMON_OPTIONS_H
#define LIB_DAEMON_OPTIONS_H

#include "lib/daemon/daemon.h"

struct options_row {
	struct daemon_option option;
	bool common; /* granary.conf: also in the section "common" */
	bool given;  /* on the command line, which wins */
	bool owned;  /* *value is a string of ours */
};

struct options {
	const struct daemon_class *class;
	struct options_row *rows;
	size_t count;
	char **arguments; /* borrowed from argv */
	int argument_count;
	/* The common options' values. */
	char *config, *root, *control, *log_level, *log_file;
	bool background, help, version;
};

enum options_outcome {
	OPTIONS_RUN,   /* go on */
	OPTIONS_SHOWN, /* --help or --version has been answered */
	OPTIONS_WRONG, /* a sentence has been logged */
};

void options_init(struct options *o, const struct daemon_class *class);
void options_free(struct options *o);
enum options_outcome options_parse(struct options *o, int argc, char **argv);
/* The text of --help; the caller's to free. */
char *options_help(const struct options *o);

/* "512M": a number of bytes with K, M, G, T or P (powers of 1024; "KiB", "KB" mean the same).
 * 0 or -EINVAL, -ERANGE. */
int options_size(const char *text, uint64_t *bytes);
/* Plain decimal digits. */
int options_number(const char *text, uint64_t *number);
/* Sets a row's value from text; 0 or -errno. */
int options_set(struct options_row *row, const char *text);

#endif
