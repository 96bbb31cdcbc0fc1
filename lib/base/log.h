/* SPDX-License-Identifier: MIT */
/*
 * Log lines. They go to stderr, or as datagrams to the log socket once
 * log_open_socket() has found one; a full socket drops the line and counts it,
 * a log line never blocks. A message names its thing (path, store, peer) and
 * is logged once, where that name is known. No secrets.
 */
#ifndef LIB_BASE_LOG_H
#define LIB_BASE_LOG_H

#include <stdbool.h>
#include <stdint.h>

enum log_level {
	LOG_LEVEL_ERROR,
	LOG_LEVEL_WARNING,
	LOG_LEVEL_INFO,
	LOG_LEVEL_DEBUG,
};

/* The program's name, put before each line; the string is kept, not copied. */
void log_set_program(const char *name);
void log_set_level(enum log_level level);
enum log_level log_level(void);
const char *log_level_name(enum log_level level);
/* 0, or -EINVAL for a name that is no level. */
int log_level_parse(const char *name, enum log_level *level);
/* Sends lines to this datagram socket from now on; -errno leaves them on stderr. */
int log_open_socket(const char *path);
/* While on, lines go to stderr even when there is a socket: for a start that somebody watches. */
void log_tee(bool on);
/* How lines on stderr begin: with the program's name; with date and time before it, for a file that nobody
 * else dates; or with the level as the journal reads it ("<4>"). */
enum log_style { LOG_STYLE_PLAIN, LOG_STYLE_DATED, LOG_STYLE_JOURNAL };
void log_set_style(enum log_style style);
/* What stderr is for: LOG_STYLE_JOURNAL where systemd has connected it to the journal, else LOG_STYLE_PLAIN. */
enum log_style log_find_style(void);
/* Lines that could not be handed over since the start. */
uint64_t log_dropped(void);

__attribute__((format(printf, 2, 3))) void log_line(enum log_level level, const char *format, ...);

#define log_error(...)   log_line(LOG_LEVEL_ERROR, __VA_ARGS__)
#define log_warning(...) log_line(LOG_LEVEL_WARNING, __VA_ARGS__)
#define log_info(...)    log_line(LOG_LEVEL_INFO, __VA_ARGS__)
#define log_debug(...)   log_line(LOG_LEVEL_DEBUG, __VA_ARGS__)

#endif
