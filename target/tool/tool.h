/* SPDX-License-Identifier: MIT */
/* What the verbs of granary-tape share: the call, complaints, sizes, progress. */
#ifndef TARGET_TOOL_TOOL_H
#define TARGET_TOOL_TOOL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* As those of granary(1). */
enum tool_exit { TOOL_DONE = 0, TOOL_FAILED = 1, TOOL_USAGE = 2, TOOL_UNREACHABLE = 3 };

enum tool_option {
	OPTION_APPEND,
	OPTION_AUTH_FILE,
	OPTION_BLOCK_SIZE,
	OPTION_FILE,
	OPTION_FORMAT,
	OPTION_INITIATOR,
	OPTION_JSON,
	OPTION_LIST,
	OPTION_MEDIUM,
	OPTION_PARTITION,
	OPTION_SIZE,
	OPTION_TAPE,
	OPTION_HELP,
	OPTION_VERSION,
	OPTION_COUNT,
};

struct tool_call {
	const char *const *arguments;
	int count;
	const char *values[OPTION_COUNT]; /* NULL: not given; "" for a flag */
};

/* One line on stderr: "granary-tape: ..." */
__attribute__((format(printf, 1, 2))) void tool_complain(const char *format, ...);
/* "512", "64K", "2G": false after a complaint where it is no size. */
bool tool_size(const char *text, const char *what, uint64_t *size);
/* A whole number up to `most`; false after a complaint. */
bool tool_number(const char *text, const char *what, uint64_t most, uint64_t *number);
/* -ENOSPC and the like in words that fit a cartridge. */
const char *tool_reason(int error);
/* Of the option --partition, 0 without it; false after a complaint. */
struct cartridge;
bool tool_partition(const struct tool_call *call, const struct cartridge *c, unsigned *partition);
/* Opens for reading; NULL after a complaint. */
struct cartridge *tool_open(const char *path);
void tool_close(struct cartridge **c);
#define CLEANUP_CARTRIDGE __attribute__((cleanup(tool_close)))

/* Writes all of it to standard output: 0, -EPIPE when nobody reads any more, -errno. */
/* From here on the first signal that ends a program is only noted. */
void tool_catch_signals(void);
bool tool_stopped(void);
/* Waits until there is something to read or room to write. -ECANCELED when a signal was noted. Whoever has a
 * session answers meanwhile what the other side asks: another descriptor, or NULL, and what is done when it is
 * ready. */
struct tool_session {
	int fd;
	short (*events)(void *context); /* to be waited for */
	int (*serve)(void *context, short events);
	void *context;
};
int tool_wait(int fd, short events, const struct tool_session *session);
int tool_output(const void *data, size_t size, const struct tool_session *session);
/* A JSON string, quotes included; what is no UTF-8 becomes '?'. */
void tool_print_json(const char *text);

/* A line that is drawn over itself while stderr is a terminal. Context of cartridge_verify(). */
struct tool_progress {
	const char *what;
	uint64_t total; /* 0: not known */
	int64_t drawn_ms;
	bool shown;
};
void tool_progress_start(struct tool_progress *p, const char *what, uint64_t total);
void tool_progress(struct tool_progress *p, uint64_t done);
void tool_progress_end(struct tool_progress *p);

/* The verbs. */
enum tool_exit verb_files(const struct tool_call *call);
enum tool_exit verb_cat(const struct tool_call *call);
enum tool_exit verb_check(const struct tool_call *call);
enum tool_exit verb_export(const struct tool_call *call);
enum tool_exit verb_import(const struct tool_call *call);
enum tool_exit verb_read(const struct tool_call *call);
enum tool_exit verb_write(const struct tool_call *call);
enum tool_exit verb_selftest(const struct tool_call *call);

#endif
