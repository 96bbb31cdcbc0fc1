/* SPDX-License-Identifier: MIT */
/* Lines have the program and the level, go where they should, and never block. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "lib/base/log.h"

static char folder[] = "/tmp/granary-log.XXXXXX";
static struct sockaddr_un address = {.sun_family = AF_UNIX};
static int receiver = -1;

static int make_receiver(void **state)
{
	int small = 4096;
	(void)state;
	if (!mkdtemp(folder))
		return -1;
	snprintf(address.sun_path, sizeof(address.sun_path), "%s/s", folder);
	receiver = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0);
	setsockopt(receiver, SOL_SOCKET, SO_RCVBUF, &small, sizeof(small));
	return bind(receiver, (struct sockaddr *)&address, sizeof(address));
}

static int remove_receiver(void **state)
{
	(void)state;
	close(receiver);
	unlink(address.sun_path);
	return rmdir(folder);
}

static ssize_t receive(char *line, size_t size)
{
	ssize_t n = recv(receiver, line, size - 1, 0);
	line[n > 0 ? n : 0] = 0;
	return n;
}

static void names_and_levels_match(void **state)
{
	enum log_level level;
	(void)state;
	for (int i = LOG_LEVEL_ERROR; i <= LOG_LEVEL_DEBUG; i++) {
		assert_int_equal(log_level_parse(log_level_name((enum log_level)i), &level), 0);
		assert_int_equal(level, i);
	}
	assert_int_equal(log_level_parse("loud", &level), -EINVAL);
	assert_int_equal(log_level_parse("", &level), -EINVAL);
}

static void a_missing_socket_is_told(void **state)
{
	char far[200];
	(void)state;
	memset(far, 'x', sizeof(far) - 1);
	far[sizeof(far) - 1] = 0;
	assert_int_equal(log_open_socket("/nonexistent/socket"), -ENOENT);
	assert_int_equal(log_open_socket(far), -ENAMETOOLONG);
}

static void lines_go_to_the_socket(void **state)
{
	char line[4096];
	(void)state;
	log_set_program("granary-test");
	assert_int_equal(log_open_socket(address.sun_path), 0);
	log_error("%s: broken", "thing");
	assert_true(receive(line, sizeof(line)) > 0);
	assert_string_equal(line, "granary-test: error: thing: broken\n");
	log_info("plain");
	assert_true(receive(line, sizeof(line)) > 0);
	assert_string_equal(line, "granary-test: plain\n");
	/* Once more, as a daemon does that goes to the background. */
	assert_int_equal(log_open_socket(address.sun_path), 0);
	log_info("again");
	assert_true(receive(line, sizeof(line)) > 0);
	assert_string_equal(line, "granary-test: again\n");
}

/* What `speak` logs to stderr. */
static void listen_to(void (*speak)(void), char text[4096])
{
	int ends[2];
	assert_int_equal(pipe(ends), 0);
	int saved = dup(STDERR_FILENO);
	dup2(ends[1], STDERR_FILENO);
	log_tee(true);
	speak();
	log_tee(false);
	log_set_style(LOG_STYLE_PLAIN);
	log_info("one");
	dup2(saved, STDERR_FILENO);
	close(saved);
	close(ends[1]);
	ssize_t n = read(ends[0], text, 4095);
	assert_true(n > 0);
	text[n] = 0;
	close(ends[0]);
}

static void say_both(void)
{
	log_info("both");
}

static void a_tee_goes_to_stderr_as_well(void **state)
{
	char line[4096], tail[4096];
	(void)state;
	listen_to(say_both, tail);
	assert_string_equal(tail, "granary-test: both\n");
	assert_true(receive(line, sizeof(line)) > 0);
	assert_string_equal(line, "granary-test: both\n");
	assert_true(receive(line, sizeof(line)) > 0);
	assert_string_equal(line, "granary-test: one\n");
}

static void say_dated(void)
{
	log_set_style(LOG_STYLE_DATED);
	log_warning("low");
}

static void a_file_has_the_time_before_each_line(void **state)
{
	char text[4096], line[4096];
	time_t before = time(NULL), after;
	struct tm tm = {.tm_isdst = -1};
	(void)state;
	listen_to(say_dated, text);
	after = time(NULL);
	const char *rest = strptime(text, "%Y-%m-%d %H:%M:%S", &tm);
	assert_non_null(rest);
	assert_string_equal(rest, " granary-test: warning: low\n");
	tm.tm_isdst = -1;
	assert_in_range(mktime(&tm), before, after);
	/* The log daemon dates them itself. */
	assert_true(receive(line, sizeof(line)) > 0);
	assert_string_equal(line, "granary-test: warning: low\n");
	assert_true(receive(line, sizeof(line)) > 0);
}

static void say_to_journal(void)
{
	char stream[64];
	struct stat st;
	assert_int_equal(log_find_style(), LOG_STYLE_PLAIN);
	assert_int_equal(fstat(STDERR_FILENO, &st), 0);
	snprintf(stream, sizeof(stream), "%llu:%llu", (unsigned long long)st.st_dev,
		 (unsigned long long)st.st_ino);
	setenv("JOURNAL_STREAM", stream, 1);
	log_set_style(log_find_style());
	log_error("high");
	log_info("normal");
	setenv("JOURNAL_STREAM", "1:1", 1);
	assert_int_equal(log_find_style(), LOG_STYLE_PLAIN);
	unsetenv("JOURNAL_STREAM");
}

static void the_journal_is_told_the_level(void **state)
{
	char text[4096], line[4096];
	(void)state;
	unsetenv("JOURNAL_STREAM");
	listen_to(say_to_journal, text);
	assert_string_equal(text, "<3>granary-test: error: high\n<6>granary-test: normal\n");
	while (receive(line, sizeof(line)) > 0) {
	}
}

static void levels_below_are_left_out(void **state)
{
	char line[4096];
	(void)state;
	log_set_level(LOG_LEVEL_WARNING);
	log_info("no");
	log_debug("no");
	assert_true(receive(line, sizeof(line)) < 0);
	log_warning("yes");
	assert_true(receive(line, sizeof(line)) > 0);
	log_set_level(LOG_LEVEL_DEBUG);
	log_debug("yes");
	assert_true(receive(line, sizeof(line)) > 0);
}

static void a_long_line_is_cut_and_ends(void **state)
{
	char line[8192], text[5000];
	(void)state;
	memset(text, 'y', sizeof(text) - 1);
	text[sizeof(text) - 1] = 0;
	log_error("%s", text);
	ssize_t n = receive(line, sizeof(line));
	assert_true(n > 1000 && n < 4999);
	assert_int_equal(line[n - 1], '\n');
	assert_ptr_equal(strchr(line, '\n'), line + n - 1);
}

static void a_full_socket_drops_and_counts(void **state)
{
	char line[4096];
	(void)state;
	uint64_t before = log_dropped();
	for (int i = 0; i < 2000; i++)
		log_error("line %d", i);
	assert_true(log_dropped() > before);
	while (receive(line, sizeof(line)) > 0) {
	}
	log_error("again");
	assert_true(receive(line, sizeof(line)) > 0);
}

static void errno_is_left_alone(void **state)
{
	(void)state;
	errno = ENOTTY;
	log_error("something");
	assert_int_equal(errno, ENOTTY);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_and_levels_match),
		cmocka_unit_test(a_missing_socket_is_told),
		cmocka_unit_test(lines_go_to_the_socket),
		cmocka_unit_test(a_tee_goes_to_stderr_as_well),
		cmocka_unit_test(a_file_has_the_time_before_each_line),
		cmocka_unit_test(the_journal_is_told_the_level),
		cmocka_unit_test(levels_below_are_left_out),
		cmocka_unit_test(a_long_line_is_cut_and_ends),
		cmocka_unit_test(a_full_socket_drops_and_counts),
		cmocka_unit_test(errno_is_left_alone),
	};
	return cmocka_run_group_tests(tests, make_receiver, remove_receiver);
}
