/* SPDX-License-Identifier: MIT */
/*
 * Labels of backup software. Bacula and Bareos begin each block with 12 bytes and "BB02" (or "BB01");
 * a volume's first record names the program and, 37 bytes on, the volume. LTFS and ANSI tapes begin
 * with 80 bytes "VOL1". Amanda's headers are text. What follows the magic is only shown when it is text.
 */
#include "target/tool/label.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#define LABEL_NAME_MAX 64

/* The printable beginning of a field, without blanks at its end. */
static void label_field(const uint8_t *data, size_t size, char name[LABEL_NAME_MAX])
{
	size_t n = 0;

	while (n < size && n < LABEL_NAME_MAX - 1 && data[n] < 0x7f && isprint(data[n])) {
		name[n] = (char)data[n];
		n++;
	}
	while (n > 0 && name[n - 1] == ' ')
		n--;
	name[n] = 0;
}

static const uint8_t *label_search(const uint8_t *data, size_t size, const char *text)
{
	return memmem(data, size, text, strlen(text));
}

static void label_bacula(const uint8_t *data, size_t size, char *words, size_t words_size)
{
	static const struct {
		const char *magic, *program;
	} rows[] = {
		{"Bacula 1.0 immortal\n", "Bacula"}, {"Bareos 2.0 immortal\n", "Bareos"},
		{"Bacula 0.9 mortal\n", "Bacula"},
	};
	size_t head = size < 256 ? size : 256;

	snprintf(words, words_size, "Bacula or Bareos data");
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const uint8_t *id = label_search(data, head, rows[i].magic);
		/* The magic's NUL, its version, four dates of eight bytes. */
		size_t skip = strlen(rows[i].magic) + 1 + 4 + 32;
		char name[LABEL_NAME_MAX] = "";

		if (!id)
			continue;
		if (skip < size - (size_t)(id - data))
			label_field(id + skip, size - (size_t)(id - data) - skip, name);
		snprintf(words, words_size, "%s label%s%s", rows[i].program, *name ? " " : "", name);
		return;
	}
}

static void label_ansi(const uint8_t *data, size_t size, char *words, size_t words_size)
{
	char name[LABEL_NAME_MAX];

	if (memcmp(data, "VOL1", 4) == 0) {
		label_field(data + 4, 6, name);
		snprintf(words, words_size, "%s label %s",
			 size >= 28 && memcmp(data + 24, "LTFS", 4) == 0 ? "LTFS" : "ANSI", name);
		return;
	}
	label_field(data + 4, 17, name);
	snprintf(words, words_size, "ANSI %.4s %s", (const char *)data, name);
}

static bool label_text(const uint8_t *data, size_t size, char *words, size_t words_size)
{
	size_t head = size < 4096 ? size : 4096;
	char line[LABEL_NAME_MAX];

	if (size >= 8 && memcmp(data, "AMANDA: ", 8) == 0) {
		label_field(data + 8, size - 8, line);
		snprintf(words, words_size, "Amanda: %s", line);
		return true;
	}
	if (memcmp(data, "<?xml", 5) != 0)
		return false;
	if (label_search(data, head, "<ltfslabel"))
		snprintf(words, words_size, "LTFS label");
	else if (label_search(data, head, "<ltfsindex"))
		snprintf(words, words_size, "LTFS index");
	else
		snprintf(words, words_size, "XML");
	return true;
}

bool label_recognise(const uint8_t *data, size_t size, char *words, size_t words_size)
{
	static const char *const ansi[] = {"VOL1", "HDR1", "HDR2", "EOF1", "EOV1"};

	if (size >= 16 && (memcmp(data + 12, "BB02", 4) == 0 || memcmp(data + 12, "BB01", 4) == 0)) {
		label_bacula(data, size, words, words_size);
		return true;
	}
	for (size_t i = 0; size == 80 && i < sizeof(ansi) / sizeof(ansi[0]); i++) {
		if (memcmp(data, ansi[i], 4) == 0) {
			label_ansi(data, size, words, words_size);
			return true;
		}
	}
	return size >= 5 && label_text(data, size, words, words_size);
}
