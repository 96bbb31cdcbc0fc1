/* SPDX-License-Identifier: MIT */
/* Which tapes there are. The folders are the truth; the inventory says where they stand. */
#include "target/service/tapes.h"

#include <dirent.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "lib/base/cleanup.h"
#include "lib/base/mem.h"
#include "target/service/names.h"

int tape_say(char message[256], int error, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(message, 256, format, arguments);
	va_end(arguments);
	return error;
}

void tape_clear(struct tape *tape)
{
	free(tape->path);
	*tape = (struct tape){0};
}

void tapes_free(struct tape **tapes, size_t count)
{
	for (size_t i = 0; *tapes && i < count; i++)
		tape_clear(&(*tapes)[i]);
	free(*tapes);
	*tapes = NULL;
}

/* The bytes of its data files, without opening it. */
static uint64_t tape_used(const char *path)
{
	uint64_t used = 0;

	for (unsigned i = 0; i < CARTRIDGE_PARTITIONS; i++) {
		CLEANUP_FREE char *data = mem_printf("%s/p%u.data", path, i);
		struct stat st;

		if (stat(data, &st) == 0)
			used += (uint64_t)st.st_size;
	}
	return used;
}

/* Takes the path. */
static void tape_read(struct tape *tape, char *path, const char *barcode)
{
	*tape = (struct tape){.state = TAPE_SHELF, .path = path};
	tape->error = cartridge_read_info(path, &tape->info);
	if (tape->error)
		tape->info = (struct cartridge_info){0};
	snprintf(tape->info.barcode, sizeof(tape->info.barcode), "%s", barcode);
	tape->used = tape_used(path);
}

/* Where it stands. */
static void tape_place(struct library *library, struct tape *tape)
{
	LOCK_SCOPE(&library->lock);

	for (size_t i = 0; i < library->config.element_count; i++) {
		const struct element *element = &library->config.elements[i];

		if (strcmp(element->barcode, tape->info.barcode) == 0) {
			tape->state = TAPE_PLACED;
			tape->place = *element;
		}
	}
}

/* "BARCODE@TIME": the deleted one's barcode and time. */
static bool tape_parse_deleted(const char *name, char barcode[BARCODE_MAX + 1], int64_t *deleted)
{
	const char *at = strchr(name, '@');
	char *end;

	if (!at || at - name > (ptrdiff_t)BARCODE_MAX || !at[1] || at[1] < '0' || at[1] > '9')
		return false;
	errno = 0;
	*deleted = strtoll(at + 1, &end, 10);
	if (errno || *end)
		return false;
	memcpy(barcode, name, (size_t)(at - name));
	barcode[at - name] = '\0';
	return name_check_barcode(barcode) == NULL;
}

struct tape_set {
	struct tape *tapes;
	size_t count, capacity;
};

static int tapes_scan(struct library *library, bool deleted, struct tape_set *set)
{
	CLEANUP_FREE char *folder =
		mem_printf("%s%s", library->config.tapes, deleted ? "/.deleted" : "");
	struct dirent *entry;
	DIR *dir = opendir(folder);
	int error = 0;

	if (!dir)
		return errno == ENOENT ? 0 : -errno;
	while (!error && (entry = readdir(dir)) != NULL) {
		char barcode[BARCODE_MAX + 1];
		int64_t when = 0;

		if (deleted ? !tape_parse_deleted(entry->d_name, barcode, &when)
			    : name_check_barcode(entry->d_name) != NULL)
			continue;
		if (!deleted)
			strcpy(barcode, entry->d_name);
		error = mem_reserve(&set->tapes, &set->capacity, set->count + 1, sizeof(*set->tapes));
		if (error)
			break;
		struct tape *tape = &set->tapes[set->count++];

		tape_read(tape, mem_printf("%s/%s", folder, entry->d_name), barcode);
		tape->deleted = when;
		if (deleted)
			tape->state = TAPE_DELETED;
	}
	closedir(dir);
	return error;
}

static int tape_compare(const void *left, const void *right)
{
	const struct tape *a = left, *b = right;
	int order = strcmp(a->info.barcode, b->info.barcode);

	return order ? order : (a->deleted > b->deleted) - (a->deleted < b->deleted);
}

static int element_compare_barcode(const void *left, const void *right)
{
	const struct element *a = left, *b = right;

	return strcmp(a->barcode, b->barcode);
}

/* Where each of them stands; not one by one: there may be thousands of both. */
static int tapes_place(struct library *library, struct tape_set *set)
{
	CLEANUP_FREE struct element *elements = NULL;
	size_t count;

	{
		LOCK_SCOPE(&library->lock);
		count = library->config.element_count;
		elements = mem_try_alloc(count, sizeof(*elements));
		if (!elements)
			return -ENOMEM;
		if (count) /* none when the library has ended */
			memcpy(elements, library->config.elements, count * sizeof(*elements));
	}
	qsort(elements, count, sizeof(*elements), element_compare_barcode);
	for (size_t i = 0; i < set->count; i++) {
		struct tape *tape = &set->tapes[i];
		struct element wanted = {0}, *found;

		if (tape->state == TAPE_DELETED)
			continue;
		strcpy(wanted.barcode, tape->info.barcode);
		found = bsearch(&wanted, elements, count, sizeof(*elements), element_compare_barcode);
		if (!found)
			continue;
		tape->state = TAPE_PLACED;
		tape->place = *found;
	}
	return 0;
}

int tapes_list(struct library *library, struct tape **tapes, size_t *count)
{
	struct tape_set set = {0};
	int error = tapes_scan(library, false, &set);

	if (!error)
		error = tapes_scan(library, true, &set);
	if (!error)
		error = tapes_place(library, &set);
	if (error) {
		tapes_free(&set.tapes, set.count);
		return error;
	}
	if (set.count)
		qsort(set.tapes, set.count, sizeof(*set.tapes), tape_compare);
	*tapes = set.tapes;
	*count = set.count;
	return 0;
}

int tape_find(struct library *library, const char *barcode, struct tape *tape)
{
	CLEANUP_FREE char *path = NULL;
	struct stat st;

	*tape = (struct tape){0};
	if (name_check_barcode(barcode))
		return -ENOENT;
	path = mem_printf("%s/%s", library->config.tapes, barcode);
	if (stat(path, &st) < 0)
		return -errno;
	if (!S_ISDIR(st.st_mode))
		return -ENOENT;
	tape_read(tape, TAKE(path), barcode);
	tape_place(library, tape);
	return 0;
}

struct library *tape_find_library(struct service *service, const char *barcode)
{
	struct library *library;

	if (name_check_barcode(barcode))
		return NULL;
	for (size_t i = 0; (library = library_at(service, i)) != NULL; i++) {
		CLEANUP_FREE char *path = mem_printf("%s/%s", library->config.tapes, barcode);
		struct stat st;

		if (stat(path, &st) == 0 && S_ISDIR(st.st_mode))
			return library;
		library_release(&library);
	}
	return NULL;
}
