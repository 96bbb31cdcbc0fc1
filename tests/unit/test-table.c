/* SPDX-License-Identifier: MIT */
/* Tables line up, sizes are short, and no name from outside drives the terminal. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <locale.h>
#include <stdlib.h>
#include <string.h>

#include "svc/cli/table.h"

static char *printed;
static size_t printed_size;

static FILE *open_text(void)
{
	free(printed);
	printed = NULL;
	return open_memstream(&printed, &printed_size);
}

static void sizes_are_short(void **state)
{
	static const struct {
		uint64_t bytes;
		const char *text;
	} sizes[] = {
		{0, "0 B"},
		{1023, "1023 B"},
		{1024, "1.0 KiB"},
		{1536, "1.5 KiB"},
		{102400, "100 KiB"},
		{1048575, "1.0 MiB"},
		{UINT64_C(5) << 30, "5.0 GiB"},
		{UINT64_MAX, "16.0 EiB"},
	};
	char text[TABLE_TEXT_MAX];
	(void)state;
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++)
		assert_string_equal(table_size(sizes[i].bytes, text), sizes[i].text);
}

static void ratios_and_times_are_readable(void **state)
{
	char text[TABLE_TEXT_MAX];
	(void)state;
	assert_string_equal(table_ratio(10, 4, text), "2.50x");
	assert_string_equal(table_ratio(10, 0, text), "-");
	assert_string_equal(table_duration(1500000, text), "1.5 ms");
	assert_string_equal(table_duration(UINT64_C(200) * 1000000000, text), "3 min 20 s");
	assert_string_equal(table_duration(UINT64_C(90000) * 1000000000, text), "1 d 1 h");
	assert_string_equal(table_time(0, text), "never");
}

static void columns_line_up(void **state)
{
	(void)state;
	struct table *t = table_new((const char *const[]){"NAME", ">SIZE", "NOTE", NULL});
	table_row(t, (const char *const[]){"a", "1 B", "x"});
	table_row(t, (const char *const[]){"longer", "100 KiB", ""});
	FILE *f = open_text();
	table_print(t, f);
	fclose(f);
	table_free(&t);
	assert_null(t);
	assert_string_equal(printed, "NAME       SIZE  NOTE\n"
				     "a           1 B  x\n"
				     "longer  100 KiB  \n");
}

static void control_characters_do_not_reach_the_terminal(void **state)
{
	(void)state;
	struct table *t = table_new((const char *const[]){"PATH", NULL});
	table_row(t, (const char *const[]){"a\033[2Jb\nc\xff"});
	FILE *f = open_text();
	table_print(t, f);
	fclose(f);
	table_free(&t);
	assert_string_equal(printed, "PATH\na?[2Jb?c?\n");
}

static void wide_characters_line_up(void **state)
{
	(void)state;
	if (!setlocale(LC_CTYPE, "C.UTF-8"))
		skip();
	struct table *t = table_new((const char *const[]){"PATH", "X", NULL});
	table_row(t, (const char *const[]){"gr\xc3\xbc\xc3\x9f"
					   "e",
					   "1"});
	table_row(t, (const char *const[]){"\xe7\xa9\x80\xe5\x80\x89", "2"});
	table_row(t, (const char *const[]){"abcdef", "3"});
	FILE *f = open_text();
	table_print(t, f);
	fclose(f);
	table_free(&t);
	assert_string_equal(printed, "PATH    X\ngr\xc3\xbc\xc3\x9f"
				     "e   1\n"
				     "\xe7\xa9\x80\xe5\x80\x89    2\nabcdef  3\n");
}

static void objects_show_units_by_name(void **state)
{
	(void)state;
	json_t *object = json_pack("{s:I, s:i, s:b, s:n, s:[], s:[{}], s:[s, s], s:I, s:{s:i, s:i, s:{}}}",
				   "bytes_new", (json_int_t)2048, "packs", 5, "read_only", 1, "error", "list",
				   "objects", "failed_ones", "a_b: none", "c", "tape_size", (json_int_t)1 << 40,
				   "run_index", "runs", 3, "commit_ns_last", 2500000, "of_it");
	FILE *f = open_text();
	table_print_object(object, f);
	fclose(f);
	json_decref(object);
	assert_string_equal(printed, "bytes new                2.0 KiB\n"
				     "packs                    5\n"
				     "read only                yes\n"
				     "error                    -\n"
				     "failed ones              a_b: none\n"
				     "                         c\n"
				     "tape size                1.0 TiB\n"
				     "run index\n"
				     "  runs                   3\n"
				     "  commit last            2.5 ms\n"
				     "  of it\n");
}

static int end(void **state)
{
	(void)state;
	free(printed);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sizes_are_short),
		cmocka_unit_test(ratios_and_times_are_readable),
		cmocka_unit_test(columns_line_up),
		cmocka_unit_test(control_characters_do_not_reach_the_terminal),
		cmocka_unit_test(wide_characters_line_up),
		cmocka_unit_test(objects_show_units_by_name),
	};
	return cmocka_run_group_tests(tests, NULL, end);
}
