/* SPDX-License-Identifier: MIT */
/* What the tools share: numbers with units, uuids, the words of --version. */
#ifndef FS_TOOL_TOOL_H
#define FS_TOOL_TOOL_H

#include <stdint.h>

/* "64K", "1M", "2G", "1T" or plain bytes. 0, -EINVAL, or -ERANGE. */
int tool_parse_size(const char *text, uint64_t *bytes);
/* "4.0 MiB"; the buffer is the caller's. */
const char *tool_format_size(uint64_t bytes, char text[32]);
/* The text after "PROGRAM: ", as a usage error: always returns `status`. */
__attribute__((format(printf, 3, 4))) int tool_usage(const char *program, int status,
						     const char *format, ...);
void tool_version(const char *program);

#endif
