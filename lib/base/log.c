/* SPDX-License-Identifier: MIT */
#include "lib/base/log.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "lib/base/assert.h"

#define LOG_LINE_MAX   2048
#define LOG_PREFIX_MAX 32

static const char *const log_level_names[] = {
	[LOG_LEVEL_ERROR] = "error",
	[LOG_LEVEL_WARNING] = "warning",
	[LOG_LEVEL_INFO] = "info",
	[LOG_LEVEL_DEBUG] = "debug",
};

/* Of syslog(3). */
static const int log_priorities[] = {
	[LOG_LEVEL_ERROR] = 3,
	[LOG_LEVEL_WARNING] = 4,
	[LOG_LEVEL_INFO] = 6,
	[LOG_LEVEL_DEBUG] = 7,
};

static const char *log_program = "granary";
static atomic_int log_style = LOG_STYLE_PLAIN;
static atomic_int log_threshold = LOG_LEVEL_INFO;
static atomic_int log_socket = -1;
static atomic_ulong log_drops;
static atomic_bool log_teed;

void log_set_program(const char *name)
{
	log_program = name;
}

void log_set_level(enum log_level level)
{
	atomic_store(&log_threshold, (int)level);
}

enum log_level log_level(void)
{
	return (enum log_level)atomic_load(&log_threshold);
}

const char *log_level_name(enum log_level level)
{
	ASSERT(level <= LOG_LEVEL_DEBUG);
	return log_level_names[level];
}

int log_level_parse(const char *name, enum log_level *level)
{
	for (int i = LOG_LEVEL_ERROR; i <= LOG_LEVEL_DEBUG; i++) {
		if (strcmp(name, log_level_names[i]) == 0) {
			*level = (enum log_level)i;
			return 0;
		}
	}
	return -EINVAL;
}

int log_open_socket(const char *path)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	if (strlen(path) >= sizeof(address.sun_path))
		return -ENAMETOOLONG;
	memcpy(address.sun_path, path, strlen(path) + 1);
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -errno;
	if (connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0) {
		int error = -errno;
		close(fd);
		return error;
	}
	int old = atomic_load(&log_socket);
	if (old < 0) {
		atomic_store(&log_socket, fd);
		return 0;
	}
	/* In its place: other threads may be about to send, and the number must stay a log's. */
	int error = dup3(fd, old, O_CLOEXEC) < 0 ? -errno : 0;
	close(fd);
	return error;
}

void log_tee(bool on)
{
	atomic_store(&log_teed, on);
}

void log_set_style(enum log_style style)
{
	atomic_store(&log_style, (int)style);
}

enum log_style log_find_style(void)
{
	const char *stream = getenv("JOURNAL_STREAM");
	unsigned long long device, inode;
	struct stat st;

	if (stream && sscanf(stream, "%llu:%llu", &device, &inode) == 2 &&
	    fstat(STDERR_FILENO, &st) == 0 && st.st_dev == device && st.st_ino == inode)
		return LOG_STYLE_JOURNAL;
	return LOG_STYLE_PLAIN;
}

uint64_t log_dropped(void)
{
	return atomic_load(&log_drops);
}

/* What stands before a line on stderr. */
static size_t log_prefix(enum log_level level, char prefix[LOG_PREFIX_MAX])
{
	enum log_style style = (enum log_style)atomic_load(&log_style);
	time_t now = time(NULL);
	struct tm tm;

	if (style == LOG_STYLE_JOURNAL)
		return (size_t)snprintf(prefix, LOG_PREFIX_MAX, "<%d>", log_priorities[level]);
	if (style == LOG_STYLE_DATED && localtime_r(&now, &tm))
		return strftime(prefix, LOG_PREFIX_MAX, "%Y-%m-%d %H:%M:%S ", &tm);
	return 0;
}

static void log_emit(enum log_level level, const char *line, size_t length)
{
	int fd = atomic_load(&log_socket);
	if (fd < 0 || atomic_load(&log_teed)) {
		char prefix[LOG_PREFIX_MAX];
		const struct iovec parts[] = {
			{.iov_base = prefix, .iov_len = log_prefix(level, prefix)},
			{.iov_base = (void *)(uintptr_t)line, .iov_len = length},
		};
		/* One write, so that lines of several processes do not mix. */
		if (writev(STDERR_FILENO, parts, 2) < 0)
			atomic_fetch_add(&log_drops, 1);
	}
	if (fd >= 0 && send(fd, line, length, MSG_NOSIGNAL) < 0)
		atomic_fetch_add(&log_drops, 1);
}

void log_line(enum log_level level, const char *format, ...)
{
	char line[LOG_LINE_MAX];
	if ((int)level > atomic_load_explicit(&log_threshold, memory_order_relaxed))
		return;
	int saved = errno;
	int head = snprintf(line, sizeof(line), "%s: %s%s", log_program,
			    level == LOG_LEVEL_INFO ? "" : log_level_names[level],
			    level == LOG_LEVEL_INFO ? "" : ": ");
	va_list arguments;
	va_start(arguments, format);
	int body = vsnprintf(line + head, sizeof(line) - (size_t)head - 1, format, arguments);
	va_end(arguments);
	size_t length = (size_t)head + (size_t)(body < 0 ? 0 : body);
	if (length > sizeof(line) - 2)
		length = sizeof(line) - 2;
	line[length++] = '\n';
	log_emit(level, line, length);
	errno = saved;
}

_Noreturn void assert_failed(const char *file, int line, const char *function, const char *what)
{
	log_error("%s:%d: %s: broken invariant: %s", file, line, function, what);
	abort();
}
