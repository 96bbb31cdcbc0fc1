/* SPDX-License-Identifier: MIT */
/* Which barcodes are taken. No cartridge is opened: the names of the folders say it. */
#include "target/service/known.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "lib/base/cleanup.h"
#include "lib/base/mem.h"
#include "target/service/names.h"
#include "target/service/tapes.h"

int known_tapes_of(const struct library_config *config, struct known_tapes *tapes)
{
	*tapes = (struct known_tapes){.folder = mem_strdup(config->tapes)};
	snprintf(tapes->name, sizeof(tapes->name), "%s", config->name);
	tapes->placed = mem_try_alloc(config->element_count + 1, sizeof(*tapes->placed));
	if (!tapes->placed) {
		known_tapes_clear(tapes);
		return -ENOMEM;
	}
	for (size_t i = 0; i < config->element_count; i++)
		if (*config->elements[i].barcode)
			strcpy(tapes->placed[tapes->placed_count++], config->elements[i].barcode);
	return 0;
}

int known_tapes_copy(const struct known_tapes *tapes, struct known_tapes *copy)
{
	*copy = *tapes;
	copy->folder = NULL;
	copy->placed = mem_try_alloc(tapes->placed_count + 1, sizeof(*copy->placed));
	if (!copy->placed)
		return -ENOMEM;
	if (tapes->placed_count)
		memcpy(copy->placed, tapes->placed, tapes->placed_count * sizeof(*copy->placed));
	copy->folder = tapes->folder ? mem_strdup(tapes->folder) : NULL;
	return 0;
}

void known_tapes_clear(struct known_tapes *tapes)
{
	free(tapes->folder);
	free(tapes->placed);
	*tapes = (struct known_tapes){0};
}

void known_free(struct known *known)
{
	for (size_t i = 0; i < known->count; i++)
		known_tapes_clear(&known->libraries[i]);
	free(known->libraries);
	*known = (struct known){0};
}

/* Takes *tapes. */
static int known_add(struct known *known, size_t *capacity, struct known_tapes *tapes)
{
	int error = mem_reserve(&known->libraries, capacity, known->count + 1, sizeof(*known->libraries));

	if (error) {
		known_tapes_clear(tapes);
		return error;
	}
	known->libraries[known->count++] = *tapes;
	return 0;
}

int known_new(struct service *service, struct known *known)
{
	struct library *library;
	struct known_tapes tapes;
	size_t capacity = 0;
	int error = 0;

	*known = (struct known){0};
	for (size_t n = 0; !error && (library = library_at(service, n)) != NULL; n++) {
		{
			LOCK_SCOPE(&library->lock);
			error = known_tapes_of(&library->config, &tapes);
		}
		if (!error)
			error = known_add(known, &capacity, &tapes);
		library_release(&library);
	}
	for (size_t n = 0; !error; n++) {
		error = failed_tapes_at(service, n, &tapes);
		if (!error)
			error = known_add(known, &capacity, &tapes);
	}
	if (error != -ENOENT)
		known_free(known);
	return error == -ENOENT ? 0 : error;
}

/* 0, or why nobody knows what is in a folder. */
static int known_folder_error(const char *folder)
{
	DIR *dir = folder ? opendir(folder) : NULL;
	int error = dir ? 0 : -errno;

	if (dir)
		closedir(dir);
	return folder ? error : -EBADMSG;
}

int known_check_all(const struct known *known, char message[256])
{
	for (size_t i = 0; i < known->count; i++) {
		const struct known_tapes *tapes = &known->libraries[i];
		int error = known_folder_error(tapes->folder);

		if (!error)
			continue;
		return tape_say(message, -ENODEV,
				"nobody knows which barcodes library %.63s has: %s%s%s; mend that first, or "
				"--force gives barcodes that only its tapes on the shelf may have",
				tapes->name, tapes->folder ? "its folder cannot be read (" : "its file is damaged",
				tapes->folder ? strerror(-error) : "", tapes->folder ? ")" : "");
	}
	return 0;
}

static bool known_is_placed(const struct known_tapes *tapes, const char *barcode)
{
	for (size_t i = 0; i < tapes->placed_count; i++)
		if (strcmp(tapes->placed[i], barcode) == 0)
			return true;
	return false;
}

static bool known_has(const struct known_tapes *tapes, const char *barcode, const char *library)
{
	bool own = library && strcmp(tapes->name, library) == 0;
	struct stat st;

	if (!own && known_is_placed(tapes, barcode))
		return true;
	if (!tapes->folder)
		return false;
	CLEANUP_FREE char *path = mem_printf("%s/%s", tapes->folder, barcode);

	return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

int known_check_free(const struct known *known, const char *barcode, const char *library,
		     char message[256])
{
	for (size_t i = 0; i < known->count; i++)
		if (known_has(&known->libraries[i], barcode, library))
			return tape_say(message, -EEXIST, "library %.63s has a tape %s already",
					known->libraries[i].name, barcode);
	return 0;
}

static void known_each_name(const char *folder, bool deleted, void (*see)(void *context, const char *barcode),
			    void *context)
{
	DIR *dir = opendir(folder);
	struct dirent *entry;

	while (dir && (entry = readdir(dir)) != NULL) {
		if (deleted)
			entry->d_name[strcspn(entry->d_name, "@")] = '\0';
		if (!name_check_barcode(entry->d_name))
			see(context, entry->d_name);
	}
	if (dir)
		closedir(dir);
}

void known_each(const struct known *known, void (*see)(void *context, const char *barcode), void *context)
{
	for (size_t i = 0; i < known->count; i++) {
		const struct known_tapes *tapes = &known->libraries[i];

		for (size_t n = 0; n < tapes->placed_count; n++)
			see(context, tapes->placed[n]);
		if (!tapes->folder)
			continue;
		CLEANUP_FREE char *deleted = mem_printf("%s/.deleted", tapes->folder);

		known_each_name(tapes->folder, false, see, context);
		known_each_name(deleted, true, see, context);
	}
}
