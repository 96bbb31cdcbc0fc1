/* SPDX-License-Identifier: MIT */
/* What people read: columns, sizes, times. Text from outside is made harmless for a terminal. */
#ifndef SVC_CLI_TABLE_H
#define SVC_CLI_TABLE_H

#include <jansson.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#define TABLE_COLUMNS_MAX 12
#define TABLE_TEXT_MAX	  32

struct table;

/* Columns by their headings, ended with NULL; one that begins with '>' stands to the right. */
struct table *table_new(const char *const headings[]);
void table_free(struct table **table);
/* A row: as many strings as there are headings; copied. */
void table_row(struct table *table, const char *const cells[]);
void table_print(const struct table *table, FILE *out);

/* "1.5 GiB", "512 B" */
const char *table_size(uint64_t bytes, char text[TABLE_TEXT_MAX]);
/* "2.5x"; "-" where nothing is stored. */
const char *table_ratio(uint64_t logical, uint64_t stored, char text[TABLE_TEXT_MAX]);
/* "3 min 20 s" */
const char *table_duration(uint64_t ns, char text[TABLE_TEXT_MAX]);
/* Local time of day and date; "never" for 0. */
const char *table_time(int64_t ns, char text[TABLE_TEXT_MAX]);

/* A copy that is safe to print: control characters and bytes that are no character become '?'. */
char *table_clean(const char *text);

/* An object as "name  value" lines; the name tells the unit (bytes, _ns), nested objects follow
 * under their names. */
void table_print_object(const json_t *object, FILE *out);

#endif
