/* SPDX-License-Identifier: MIT */
/* What the tools share. */
#include "fs/tool/tool.h"

#include "config.h"

#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char units[] = "KMGTPE";

int tool_parse_size(const char *text, uint64_t *bytes)
{
	unsigned long long value;
	const char *unit;
	char *end;

	if (!isdigit((unsigned char)*text))
		return -EINVAL;
	errno = 0;
	value = strtoull(text, &end, 10);
	if (errno)
		return -ERANGE;
	if (*end) {
		unit = strchr(units, toupper((unsigned char)*end));
		/* K, KB and KiB are the same: 1024. */
		if (!unit || (end[1] && strcasecmp(end + 1, "B") && strcasecmp(end + 1, "iB")))
			return -EINVAL;
		for (const char *u = units; u <= unit; u++)
			if (__builtin_mul_overflow(value, 1024, &value))
				return -ERANGE;
	}
	*bytes = value;
	return 0;
}

const char *tool_format_size(uint64_t bytes, char text[32])
{
	double value = (double)bytes;
	int unit = -1;

	while (value >= 1024 && units[unit + 1]) {
		value /= 1024;
		unit++;
	}
	if (unit < 0)
		snprintf(text, 32, "%llu bytes", (unsigned long long)bytes);
	else
		snprintf(text, 32, "%.1f %ciB", value, units[unit]);
	return text;
}

int tool_usage(const char *program, int status, const char *format, ...)
{
	va_list arguments;

	fprintf(stderr, "%s: ", program);
	va_start(arguments, format);
	vfprintf(stderr, format, arguments);
	va_end(arguments);
	fprintf(stderr, "; see %s --help\n", program);
	return status;
}

void tool_version(const char *program)
{
	printf("%s (Granary) %s\n", program, PACKAGE_VERSION);
}

int tool_options(int argc, char **argv, const char *letters, const struct option *names,
		 const struct tool_option *options, size_t count, int wrong, void *request)
{
	int letter, status = 0;

	while (!status && (letter = getopt_long(argc, argv, letters, names, NULL)) != -1) {
		if (letter == '?')
			return wrong;
		for (size_t i = 0; i < count; i++)
			if (options[i].letter == letter)
				status = options[i].set(request, optarg);
	}
	return status;
}
