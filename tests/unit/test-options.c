/* SPDX-License-Identifier: MIT */
/* One table makes the command line, granary.conf and --help; the command line wins; what is
 * wrong is refused as a whole. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/file.h"
#include "lib/base/log.h"
#include "lib/daemon/options.h"
#include "lib/daemon/settings.h"

static uint64_t memory, threads;
static bool quick;
static char *name;

static const struct daemon_option table[] = {
	{"memory", 'm', "memory", DAEMON_SIZE, "SIZE", "bytes", &memory},
	{"threads", 0, "threads", DAEMON_NUMBER, "N", "threads", &threads},
	{"quick", 'q', "quick", DAEMON_FLAG, NULL, "be quick", &quick},
	{"name", 0, "name", DAEMON_STRING, "TEXT", "a name", &name},
	{NULL},
};

static const struct daemon_class class = {.name = "granary-test",
					  .section = "test",
					  .usage = "STORE DIR",
					  .summary = "For a test.",
					  .arguments_min = 1,
					  .arguments_max = 2,
					  .options = table};

static char conf[] = "/tmp/granary-options.XXXXXX";
static struct options options;

static int make_conf(void **state)
{
	(void)state;
	int fd = mkstemp(conf);
	log_set_program("granary-test");
	return fd < 0 ? -1 : close(fd);
}

static int remove_conf(void **state)
{
	(void)state;
	return unlink(conf);
}

static int start(void **state)
{
	(void)state;
	memory = 1;
	threads = 2;
	quick = false;
	name = NULL;
	options_init(&options, &class);
	return 0;
}

static int end(void **state)
{
	(void)state;
	options_free(&options);
	return 0;
}

/* Words up to the first NULL. */
static enum options_outcome parse(const char *a, const char *b, const char *c, const char *d)
{
	static char *argv[6];
	const char *const words[] = {"granary-test", a, b, c, d};
	int argc = 0;
	memset(argv, 0, sizeof(argv));
	while (argc < 5 && words[argc]) {
		argv[argc] = (char *)(uintptr_t)words[argc];
		argc++;
	}
	return options_parse(&options, argc, argv);
}

static int settings(const char *text)
{
	assert_int_equal(file_replace(conf, text, strlen(text), 0600), 0);
	return settings_load(&options, conf, true);
}

static void sizes_have_units(void **state)
{
	static const struct {
		const char *text;
		uint64_t bytes;
	} good[] = {
		{"0", 0},
		{"512", 512},
		{"4k", 4096},
		{"4K", 4096},
		{"512M", 536870912},
		{"512MiB", 536870912},
		{"2GB", 2147483648},
		{"100B", 100},
		{"3T", UINT64_C(3) << 40},
		{"16383P", UINT64_C(16383) << 50},
		{"18446744073709551615", UINT64_MAX},
	};
	static const char *const bad[] = {"",	 "M",	"-1",  "1.5G", "1X",  "1MM",
					  "1iB", "1M ", " 1M", "0x10", "1Mi", "1 M"};
	uint64_t bytes = 7;
	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		assert_int_equal(options_size(good[i].text, &bytes), 0);
		assert_true(bytes == good[i].bytes);
	}
	bytes = 7;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(options_size(bad[i], &bytes), -EINVAL);
	assert_int_equal(options_size("16384P", &bytes), -ERANGE);
	assert_int_equal(options_size("18446744073709551616", &bytes), -ERANGE);
	assert_int_equal(options_size("99999999999999999999999999", &bytes), -ERANGE);
	assert_int_equal(bytes, 7);
}

static void the_command_line_is_taken(void **state)
{
	(void)state;
	assert_int_equal(parse("-m64M", "--quick", "--name=x", "store"), OPTIONS_RUN);
	assert_int_equal(memory, 64 << 20);
	assert_true(quick);
	assert_string_equal(name, "x");
	assert_int_equal(options.argument_count, 1);
	assert_string_equal(options.arguments[0], "store");
	assert_int_equal(threads, 2);
}

static void options_may_follow_arguments(void **state)
{
	(void)state;
	assert_int_equal(parse("store", "--threads", "9", "dir"), OPTIONS_RUN);
	assert_int_equal(threads, 9);
	assert_int_equal(options.argument_count, 2);
	assert_string_equal(options.arguments[1], "dir");
}

static void a_wrong_command_line_is_refused(void **state)
{
	(void)state;
	assert_int_equal(parse("--nonsense", "store", NULL, NULL), OPTIONS_WRONG);
	assert_int_equal(parse("--threads", NULL, NULL, NULL), OPTIONS_WRONG);
	assert_int_equal(parse("--threads=-1", "store", NULL, NULL), OPTIONS_WRONG);
	assert_int_equal(parse("--memory=all", "store", NULL, NULL), OPTIONS_WRONG);
	assert_int_equal(parse("--quick=yes", "store", NULL, NULL), OPTIONS_WRONG);
	assert_int_equal(parse(NULL, NULL, NULL, NULL), OPTIONS_WRONG);
	assert_int_equal(parse("a", "b", "c", NULL), OPTIONS_WRONG);
	assert_int_equal(memory, 1);
	assert_int_equal(threads, 2);
}

static void help_has_every_option(void **state)
{
	(void)state;
	char *text = options_help(&options);
	assert_non_null(strstr(text, "Usage: granary-test [OPTION]... STORE DIR\n"));
	for (size_t i = 0; i < options.count; i++) {
		char word[64];
		snprintf(word, sizeof(word), "--%s", options.rows[i].option.name);
		assert_non_null(strstr(text, word));
		assert_non_null(strstr(text, options.rows[i].option.help));
	}
	free(text);
}

static void the_file_sets_what_was_not_given(void **state)
{
	(void)state;
	assert_int_equal(parse("--memory=5", "store", NULL, NULL), OPTIONS_RUN);
	assert_int_equal(
		settings("common: { log_level = \"debug\"; };\n"
			 "test: { memory = \"1K\"; threads = 8; quick = true; name = \"n\"; };\n"
			 "other: { whatever = 1; };\n"),
		0);
	assert_int_equal(memory, 5);
	assert_int_equal(threads, 8);
	assert_true(quick);
	assert_string_equal(name, "n");
	assert_string_equal(options.log_level, "debug");
}

static void the_own_section_wins_over_common(void **state)
{
	(void)state;
	assert_int_equal(settings("test: { log_level = \"error\"; };\n"
				  "common: { log_level = \"debug\"; };\n"),
			 0);
	assert_string_equal(options.log_level, "error");
}

static void a_second_load_replaces_the_first(void **state)
{
	(void)state;
	assert_int_equal(settings("test: { name = \"one\"; quick = true; memory = 4096; };"), 0);
	assert_int_equal(memory, 4096);
	assert_int_equal(settings("test: { name = \"two\"; quick = false; memory = 8192L; };"), 0);
	assert_string_equal(name, "two");
	assert_false(quick);
	assert_int_equal(memory, 8192);
}

static void a_wrong_file_changes_nothing(void **state)
{
	static const char *const wrong[] = {
		"test: { threads = 9; mispelt = 1; };",
		"test: { threads = 9; memory = \"lots\"; };",
		"test: { threads = 9; memory = -1; };",
		"test: { threads = 9; name = 7; };",
		"test: { threads = 9; quick = 1; };",
		"test: { threads = \"9\"; };",
		"test: { threads = 9; }; common: { memory = 1; };",
		"test: { threads = 9; }; common = 4;",
		"test = 9;",
		"test: { threads = 9; config = \"x\"; };",
		"test: { threads = 9",
	};
	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		assert_int_equal(settings(wrong[i]), -EINVAL);
		assert_int_equal(threads, 2);
	}
}

static void a_missing_file_matters_only_when_named(void **state)
{
	(void)state;
	assert_int_equal(settings_load(&options, "/nonexistent/granary.conf", false), 0);
	assert_int_equal(settings_load(&options, "/nonexistent/granary.conf", true), -ENOENT);
}

#define WITH_OPTIONS(test) cmocka_unit_test_setup_teardown(test, start, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sizes_have_units),
		WITH_OPTIONS(the_command_line_is_taken),
		WITH_OPTIONS(options_may_follow_arguments),
		WITH_OPTIONS(a_wrong_command_line_is_refused),
		WITH_OPTIONS(help_has_every_option),
		WITH_OPTIONS(the_file_sets_what_was_not_given),
		WITH_OPTIONS(the_own_section_wins_over_common),
		WITH_OPTIONS(a_second_load_replaces_the_first),
		WITH_OPTIONS(a_wrong_file_changes_nothing),
		WITH_OPTIONS(a_missing_file_matters_only_when_named),
	};
	return cmocka_run_group_tests(tests, make_conf, remove_conf);
}
