/* SPDX-License-Identifier: MIT */
/*
 * Tables. Cells are kept until printing, when the widths are known. Widths are
 * those of the terminal's characters, not bytes; a control character in a name
 * is printed as '?', so that no name can drive the terminal.
 */
#include "svc/cli/table.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <wchar.h>
#include <wctype.h>

#include "lib/base/assert.h"
#include "lib/base/mem.h"

struct table {
	size_t columns, rows, capacity;
	char **cells; /* rows * columns, headings first */
	bool right[TABLE_COLUMNS_MAX];
};

char *table_clean(const char *text)
{
	size_t size = strlen(text);
	char *clean = mem_alloc(size + 1);
	char *out = clean;
	mbstate_t state = {0};
	while (*text) {
		wchar_t c;
		size_t n = mbrtowc(&c, text, MB_CUR_MAX, &state);
		if (n == (size_t)-1 || n == (size_t)-2 || !iswprint((wint_t)c)) {
			bool broken = n == (size_t)-1 || n == (size_t)-2;
			*out++ = '?';
			text += broken ? 1 : n;
			memset(&state, 0, sizeof(state));
			continue;
		}
		memcpy(out, text, n);
		out += n;
		text += n;
	}
	*out = 0;
	return clean;
}

static size_t table_width(const char *clean)
{
	size_t width = 0;
	mbstate_t state = {0};
	wchar_t c;
	for (size_t n; *clean && (n = mbrtowc(&c, clean, MB_CUR_MAX, &state)) < (size_t)-2;
	     clean += n)
		width += wcwidth(c) > 0 ? (size_t)wcwidth(c) : 0;
	return width;
}

struct table *table_new(const char *const headings[])
{
	struct table *t = mem_zalloc(sizeof(*t));
	const char *names[TABLE_COLUMNS_MAX];
	for (; headings[t->columns]; t->columns++) {
		ASSERT(t->columns < TABLE_COLUMNS_MAX);
		const char *name = headings[t->columns];
		t->right[t->columns] = *name == '>';
		names[t->columns] = name + (*name == '>');
	}
	table_row(t, names);
	return t;
}

void table_free(struct table **table)
{
	struct table *t = *table;
	*table = NULL;
	if (!t)
		return;
	for (size_t i = 0; i < t->rows * t->columns; i++)
		free(t->cells[i]);
	free(t->cells);
	free(t);
}

void table_row(struct table *t, const char *const cells[])
{
	int error =
		mem_reserve(&t->cells, &t->capacity, (t->rows + 1) * t->columns, sizeof(*t->cells));
	ASSERT(error == 0);
	for (size_t i = 0; i < t->columns; i++)
		t->cells[t->rows * t->columns + i] = table_clean(cells[i]);
	t->rows++;
}

void table_print(const struct table *t, FILE *out)
{
	size_t widths[TABLE_COLUMNS_MAX] = {0};
	for (size_t i = 0; i < t->rows * t->columns; i++) {
		size_t width = table_width(t->cells[i]);
		if (width > widths[i % t->columns])
			widths[i % t->columns] = width;
	}
	for (size_t i = 0; i < t->rows * t->columns; i++) {
		size_t column = i % t->columns;
		int pad = (int)(widths[column] - table_width(t->cells[i]));
		bool last = column + 1 == t->columns;
		if (t->right[column])
			fprintf(out, "%*s%s%s", pad, "", t->cells[i], last ? "\n" : "  ");
		else
			fprintf(out, "%s%*s%s", t->cells[i], last ? 0 : pad, "",
				last ? "\n" : "  ");
	}
}

const char *table_size(uint64_t bytes, char text[TABLE_TEXT_MAX])
{
	static const char *const units[] = {"B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
	double value = (double)bytes;
	size_t unit = 0;
	while (value >= 1023.95 && unit < 6) {
		value /= 1024;
		unit++;
	}
	snprintf(text, TABLE_TEXT_MAX, unit == 0 || value >= 99.95 ? "%.0f %s" : "%.1f %s", value,
		 units[unit]);
	return text;
}

const char *table_ratio(uint64_t logical, uint64_t stored, char text[TABLE_TEXT_MAX])
{
	if (stored == 0)
		return "-";
	snprintf(text, TABLE_TEXT_MAX, "%.2fx", (double)logical / (double)stored);
	return text;
}

const char *table_duration(uint64_t ns, char text[TABLE_TEXT_MAX])
{
	unsigned long long s = ns / 1000000000;
	if (ns < 1000000000)
		snprintf(text, TABLE_TEXT_MAX, "%.1f ms", (double)ns / 1e6);
	else if (s < 60)
		snprintf(text, TABLE_TEXT_MAX, "%.1f s", (double)ns / 1e9);
	else if (s < 3600)
		snprintf(text, TABLE_TEXT_MAX, "%llu min %llu s", s / 60, s % 60);
	else if (s < 86400)
		snprintf(text, TABLE_TEXT_MAX, "%llu h %llu min", s / 3600, s % 3600 / 60);
	else
		snprintf(text, TABLE_TEXT_MAX, "%llu d %llu h", s / 86400, s % 86400 / 3600);
	return text;
}

const char *table_time(int64_t ns, char text[TABLE_TEXT_MAX])
{
	time_t seconds = (time_t)(ns / 1000000000);
	struct tm local;
	if (ns == 0 || !localtime_r(&seconds, &local) ||
	    !strftime(text, TABLE_TEXT_MAX, "%Y-%m-%d %H:%M:%S", &local))
		return "never";
	return text;
}

/* Names of sizes that do not end in "bytes". */
static bool table_is_size(const char *name)
{
	static const char *const sizes[] = {
		"allocated", "available", "capacity", "chunk_average", "deduplicated",
		"done",	     "freed",	  "holes",    "logical",       "memory",
		"quota",     "reserve",	  "size",     "stored",	       "total",
		"used",	     "will_free",
	};
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++)
		if (strcmp(name, sizes[i]) == 0)
			return true;
	size_t length = strlen(name);
	return strstr(name, "bytes") || (length > 5 && strcmp(name + length - 5, "_size") == 0);
}

static const char *table_number(const char *name, json_int_t value, char text[TABLE_TEXT_MAX])
{
	if (strcmp(name, "started_ns") == 0 || strcmp(name, "finished_ns") == 0)
		return table_time(value, text);
	if (strcmp(name, "uptime_seconds") == 0 && value >= 0 && value < INT64_MAX / 1000000000)
		return table_duration((uint64_t)value * 1000000000, text);
	if (value >= 0 && strstr(name, "_ns"))
		return table_duration((uint64_t)value, text);
	if (value >= 0 && table_is_size(name))
		return table_size((uint64_t)value, text);
	snprintf(text, TABLE_TEXT_MAX, "%" JSON_INTEGER_FORMAT, value);
	return text;
}

/* What people see of a member's name. */
static char *table_label(const char *name)
{
	char *label = table_clean(name);
	char *unit = strstr(label, "_ns");
	if (unit) /* the value says it */
		memmove(unit, unit + 3, strlen(unit + 3) + 1);
	for (char *p = label; *p; p++)
		if (*p == '_')
			*p = ' ';
	return label;
}

static void table_print_line(const char *label, const char *value, int depth, FILE *out)
{
	char *clean = table_clean(value);
	fprintf(out, "%*s%-*s %s\n", depth * 2, "", 24 - depth * 2, label, clean);
	free(clean);
}

static const char *table_value(const char *name, const json_t *value, char text[TABLE_TEXT_MAX])
{
	if (json_is_integer(value))
		return table_number(name, json_integer_value(value), text);
	if (json_is_string(value))
		return json_string_value(value);
	if (json_is_boolean(value))
		return json_is_true(value) ? "yes" : "no";
	if (!json_is_real(value))
		return "-";
	snprintf(text, TABLE_TEXT_MAX, "%.3f", json_real_value(value));
	return text;
}

/* A line for each; lists of objects have tables of their own. */
static void table_print_list(const char *label, const json_t *list, int depth, FILE *out)
{
	for (size_t i = 0; i < json_array_size(list); i++) {
		const char *text = json_string_value(json_array_get(list, i));
		if (text)
			table_print_line(i ? "" : label, text, depth, out);
	}
}

static void table_print_depth(const json_t *object, int depth, FILE *out)
{
	const char *name;
	json_t *value;
	json_object_foreach((json_t *)(uintptr_t)object, name, value)
	{
		char text[TABLE_TEXT_MAX];
		char *label = table_label(name);
		if (json_is_array(value)) {
			table_print_list(label, value, depth, out);
		} else if (!json_is_object(value)) {
			table_print_line(label, table_value(name, value, text), depth, out);
		} else if (depth < 8) {
			fprintf(out, "%*s%s\n", depth * 2, "", label);
			table_print_depth(value, depth + 1, out);
		}
		free(label);
	}
}

void table_print_object(const json_t *object, FILE *out)
{
	table_print_depth(object, 0, out);
}
