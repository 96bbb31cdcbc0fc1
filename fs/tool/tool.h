/* SPDX-License-Identifier: MIT */
/* What the tools share: options, numbers with units, the words of --version. */
#ifndef FS_TOOL_TOOL_H
#define FS_TOOL_TOOL_H

#include <getopt.h>
#include <stddef.h>
#include <stdint.h>

/* "64K", "1M", "2G", "1T" or plain bytes. 0, -EINVAL, or -ERANGE. */
int tool_parse_size(const char *text, uint64_t *bytes);
/* "4.0 MiB"; the buffer is the caller's. */
const char *tool_format_size(uint64_t bytes, char text[32]);
/* The text after "PROGRAM: ", as a usage error: always returns `status`. */
__attribute__((format(printf, 3, 4))) int tool_usage(const char *program, int status,
						     const char *format, ...);
void tool_version(const char *program);

/* What a letter of the command line means. set() returns 0, TOOL_DONE when there is nothing left to
 * do (--help), or the exit status of wrong use. `text` is the option's value. */
#define TOOL_DONE (-1)
struct tool_option {
	int letter;
	int (*set)(void *request, const char *text);
};
/* Goes through the options; `letters` and `names` are getopt_long(3)'s, `wrong` the exit status for
 * what it does not know. Returns what set() did that was not 0, or 0: the arguments follow at
 * optind. */
int tool_options(int argc, char **argv, const char *letters, const struct option *names,
		 const struct tool_option *options, size_t count, int wrong, void *request);

#endif
