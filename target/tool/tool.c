/* SPDX-License-Identifier: MIT */
/* What the verbs of granary-tape share. */
#include "target/tool/tool.h"

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "target/tape/cartridge.h"

#define PROGRESS_MS 200

void tool_complain(const char *format, ...)
{
	va_list arguments;

	/* What was printed before it comes before it. */
	fflush(stdout);
	fputs("granary-tape: ", stderr);
	va_start(arguments, format);
	vfprintf(stderr, format, arguments);
	va_end(arguments);
	fputc('\n', stderr);
}

bool tool_size(const char *text, const char *what, uint64_t *size)
{
	static const char units[] = "KMGTP";
	const char *unit;
	char *end = NULL;
	unsigned long long number;
	unsigned shift = 0;

	errno = 0;
	number = strtoull(text, &end, 10);
	if (*text < '0' || *text > '9' || errno)
		end = NULL;
	if (end && *end && (unit = strchr(units, *end)) != NULL) {
		shift = 10 * (unsigned)(unit - units + 1);
		end++;
	}
	if (!end || *end || number > UINT64_MAX >> shift) {
		tool_complain("%s: \"%s\" is no size such as 65536, 64K or 2G", what, text);
		return false;
	}
	*size = (uint64_t)number << shift;
	return true;
}

bool tool_number(const char *text, const char *what, uint64_t most, uint64_t *number)
{
	char *end = NULL;
	unsigned long long value;

	errno = 0;
	value = strtoull(text, &end, 10);
	if (*text < '0' || *text > '9' || errno || *end || value > most) {
		tool_complain("%s: \"%s\" is no number up to %" PRIu64, what, text, most);
		return false;
	}
	*number = value;
	return true;
}

const char *tool_reason(int error)
{
	switch (-error) {
	case EBADMSG:
		return "it is no cartridge, or damaged beyond use";
	case EPROTONOSUPPORT:
		return "it is of a later version of Granary";
	case EBUSY:
		return "it is in use: unload it from its drive first";
	case EIO:
		return "damaged, or the disk fails";
	default:
		return strerror(-error);
	}
}

bool tool_partition(const struct tool_call *call, const struct cartridge *c, unsigned *partition)
{
	uint64_t number = 0;

	if (call->values[OPTION_PARTITION] &&
	    !tool_number(call->values[OPTION_PARTITION], "--partition",
			 cartridge_info(c)->partitions - 1, &number))
		return false;
	*partition = (unsigned)number;
	return true;
}

struct cartridge *tool_open(const char *path)
{
	struct cartridge *c = NULL;
	int error = cartridge_open(path, CARTRIDGE_READ, &c);

	if (error)
		tool_complain("%s: %s", path, tool_reason(error));
	return error ? NULL : c;
}

void tool_close(struct cartridge **c)
{
	/* Open for reading: there is nothing to lose. */
	if (*c)
		cartridge_close(c);
}

int tool_output(const void *data, size_t size, const struct tool_session *session)
{
	const char *p = data;
	struct stat status;
	/* A pipe that is ready takes so much without waiting. */
	size_t most = fstat(STDOUT_FILENO, &status) == 0 && S_ISFIFO(status.st_mode) && session
			      ? PIPE_BUF
			      : SIZE_MAX;

	while (size > 0) {
		int error = tool_wait(STDOUT_FILENO, POLLOUT, session);
		ssize_t n = error ? 0 : write(STDOUT_FILENO, p, size < most ? size : most);

		if (error)
			return error;
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		p += n;
		size -= (size_t)n;
	}
	return 0;
}

/* Bytes of the UTF-8 character at p, 0 where there is none. */
static size_t utf8_length(const unsigned char *p)
{
	static const struct {
		unsigned char mask, lead, second_least, second_most;
		size_t length;
	} rows[] = {
		{0xff, 0xe0, 0xa0, 0xbf, 3}, {0xff, 0xed, 0x80, 0x9f, 3}, {0xff, 0xf0, 0x90, 0xbf, 4},
		{0xff, 0xf4, 0x80, 0x8f, 4}, {0xe0, 0xc0, 0x80, 0xbf, 2}, {0xf0, 0xe0, 0x80, 0xbf, 3},
		{0xfc, 0xf0, 0x80, 0xbf, 4},
	};

	if (*p < 0x80)
		return 1;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		if ((p[0] & rows[i].mask) != rows[i].lead || p[0] == 0xc0 || p[0] == 0xc1)
			continue;
		if (p[1] < rows[i].second_least || p[1] > rows[i].second_most)
			return 0;
		for (size_t n = 2; n < rows[i].length; n++)
			if ((p[n] & 0xc0) != 0x80)
				return 0;
		return rows[i].length;
	}
	return 0;
}

void tool_print_json(const char *text)
{
	putchar('"');
	for (const unsigned char *p = (const unsigned char *)text; *p;) {
		size_t length = utf8_length(p);

		if (length == 0)
			putchar('?');
		else if (*p < 0x20 || *p == 0x7f)
			printf("\\u%04x", *p);
		else if (*p == '"' || *p == '\\')
			printf("\\%c", *p);
		else
			fwrite(p, 1, length, stdout);
		p += length ? length : 1;
	}
	putchar('"');
}

static int64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

void tool_progress_start(struct tool_progress *p, const char *what, uint64_t total)
{
	*p = (struct tool_progress){
		.what = what, .total = total, .drawn_ms = now_ms(), .shown = isatty(STDERR_FILENO) == 1};
}

void tool_progress(struct tool_progress *p, uint64_t done)
{
	int64_t now;

	if (!p->shown || (now = now_ms()) - p->drawn_ms < PROGRESS_MS)
		return;
	p->drawn_ms = now;
	fprintf(stderr, "\r%s: %" PRIu64 " MiB", p->what, done >> 20);
	if (p->total)
		fprintf(stderr, " of %" PRIu64 ", %d %%", p->total >> 20,
			(int)((double)done * 100 / (double)p->total));
	fputs("\033[K", stderr);
}

void tool_progress_end(struct tool_progress *p)
{
	if (p->shown)
		fputs("\r\033[K", stderr);
	p->shown = false;
}
