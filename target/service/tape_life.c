/* SPDX-License-Identifier: MIT */
/*
 * Deleting, restoring, locking, protecting tapes. Deleting is a rename, so that it is undone by
 * another; what was deleted long enough ago goes with the timer. A locked tape is
 * never deleted.
 */
#include <dirent.h>
#include <errno.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "lib/base/cleanup.h"
#include "lib/base/file.h"
#include "lib/base/log.h"
#include "lib/base/mem.h"
#include "target/service/names.h"
#include "target/service/tapes.h"

#define DAY_SECONDS 86400

static int tape_remove_entry(const char *path, const struct stat *st, int type, struct FTW *where)
{
	(void)st;
	(void)type;
	(void)where;
	return remove(path) < 0 && errno != ENOENT ? errno : 0;
}

int tape_remove_folder(const char *path)
{
	int error = nftw(path, tape_remove_entry, 16, FTW_DEPTH | FTW_PHYS | FTW_MOUNT);

	if (error < 0)
		error = errno;
	return error == ENOENT ? 0 : -error;
}

static const char *tape_date(int64_t when, char text[32])
{
	time_t seconds = (time_t)when;
	struct tm local;

	if (!localtime_r(&seconds, &local) || !strftime(text, 32, "%Y-%m-%d %H:%M:%S", &local))
		strcpy(text, "?");
	return text;
}

/* -EPERM and why it may not be deleted now. */
static int tape_check_deletable(const struct tape *tape, char message[256])
{
	char date[32];

	if (tape->error)
		return tape_say(message, tape->error,
				"what is in %.120s cannot be read (%s): nobody knows whether it is "
				"locked, so remove the folder by hand",
				tape->path, strerror(-tape->error));
	if (tape->info.locked_until > time(NULL))
		return tape_say(message, -EPERM, "tape %s is locked until %s", tape->info.barcode,
				tape_date(tape->info.locked_until, date));
	if (tape->state == TAPE_PLACED && tape->place.type == ELEMENT_DRIVE)
		return tape_say(message, -EBUSY, "tape %s is in drive %u: unload it first",
				tape->info.barcode, (unsigned)tape->place.address);
	return 0;
}

/* TAPES/NAME/.deleted/BARCODE@TIME, one that is not there yet. */
static char *tape_deleted_path(const struct library *library, const char *barcode)
{
	int64_t now = time(NULL);
	char *path = NULL;

	do {
		free(path);
		path = mem_printf("%s/.deleted/%s@%lld", library->config.tapes, barcode,
				  (long long)now++);
	} while (access(path, F_OK) == 0);
	return path;
}

static int tape_move_folder(const struct library *library, const char *from, const char *to)
{
	CLEANUP_FREE char *deleted = mem_printf("%s/.deleted", library->config.tapes);
	int error = file_make_directory(deleted, 0750);

	if (!error && rename(from, to) < 0)
		error = -errno;
	if (!error)
		error = file_sync_directory(deleted);
	if (!error)
		error = file_sync_directory(library->config.tapes);
	return error;
}

static int tape_delete_found(struct library *library, struct tape *tape, bool purge,
			     char message[256])
{
	CLEANUP_FREE char *deleted = tape_deleted_path(library, tape->info.barcode);
	bool placed = tape->state == TAPE_PLACED;
	int error = tape_check_deletable(tape, message);

	if (!error && placed)
		error = changer_take(library->changer, tape->place.address, message);
	if (error)
		return error;
	error = tape_move_folder(library, tape->path, deleted);
	if (error) {
		uint16_t address = tape->place.address;
		char ignored[256];

		if (placed && access(tape->path, F_OK) == 0)
			changer_put(library->changer, tape->info.barcode, &address, ignored);
		return tape_say(message, error, "%.160s cannot be moved away: %s", tape->path,
				strerror(-error));
	}
	log_info("%s: tape %s is deleted", library->config.name, tape->info.barcode);
	if (!purge && library->config.recycle_days)
		return 0;
	error = tape_remove_folder(deleted);
	return error ? tape_say(message, error, "%.160s cannot be removed: %s", deleted, strerror(-error))
		     : 0;
}

int tape_delete(struct library *library, const char *barcode, bool purge, char message[256])
{
	struct tape tape;
	int error = tape_find(library, barcode, &tape);

	if (error)
		return tape_say(message, error, "library %s has no tape %.40s", library->config.name,
				barcode);
	error = tape_delete_found(library, &tape, purge, message);
	tape_clear(&tape);
	return error;
}

int tape_restore(struct library *library, const char *barcode, char message[256])
{
	CLEANUP_FREE char *path = mem_printf("%s/%s", library->config.tapes, barcode);
	CLEANUP_FREE char *last = NULL;
	struct library *other = tape_find_library(library->service, barcode);
	struct tape *tapes = NULL;
	size_t count = 0;
	int error;

	if (other) {
		tape_say(message, -EEXIST, "library %s has another tape %s by now", other->config.name,
			 barcode);
		library_release(&other);
		return -EEXIST;
	}
	error = tapes_list(library, &tapes, &count);
	if (error)
		return tape_say(message, error, "the tapes cannot be listed: %s", strerror(-error));
	for (size_t i = 0; i < count; i++) {
		if (tapes[i].state != TAPE_DELETED || strcmp(tapes[i].info.barcode, barcode) != 0)
			continue;
		free(last); /* sorted by time: the last one is the latest */
		last = mem_strdup(tapes[i].path);
	}
	tapes_free(&tapes, count);
	if (!last)
		return tape_say(message, -ENOENT, "library %s has no deleted tape %.40s",
				library->config.name, barcode);
	error = tape_move_folder(library, last, path);
	return error ? tape_say(message, error, "%.160s cannot be moved back: %s", last, strerror(-error))
		     : 0;
}

static int tape_change_lock(struct cartridge_info *info, int64_t until, char message[256])
{
	char date[32];

	if (until < info->locked_until)
		return tape_say(message, -EPERM, "tape %s is locked until %s already, and a lock is never shortened",
				info->barcode, tape_date(info->locked_until, date));
	info->locked_until = until;
	return 0;
}

static int tape_change_protection(struct cartridge_info *info, int64_t on, char message[256])
{
	(void)message;
	info->write_protected = on;
	return 0;
}

static int tape_change_open(struct cartridge *cartridge, const char *barcode, int64_t value,
			    int (*change)(struct cartridge_info *info, int64_t value, char message[256]),
			    char message[256])
{
	struct cartridge_info info = *cartridge_info(cartridge);
	int closed, error = change(&info, value, message);

	if (!error) {
		error = cartridge_set_info(cartridge, &info);
		if (error)
			tape_say(message, error, "tape %s cannot be changed: %s", barcode, strerror(-error));
	}
	closed = cartridge_close(&cartridge);
	if (!error && closed)
		error = tape_say(message, closed, "tape %s cannot be closed: %s", barcode,
				 strerror(-closed));
	return error;
}

/* What is said of a tape that is in no drive: nobody reaches the slider of one that is. */
static int tape_change(struct library *library, const char *barcode, int64_t value,
		       int (*change)(struct cartridge_info *info, int64_t value, char message[256]),
		       char message[256])
{
	struct cartridge *cartridge = NULL;
	struct tape tape;
	int error = tape_find(library, barcode, &tape);

	if (error)
		return tape_say(message, error, "library %s has no tape %.40s", library->config.name,
				barcode);
	if (tape.state == TAPE_PLACED && tape.place.type == ELEMENT_DRIVE) {
		error = tape_say(message, -EBUSY, "tape %s is in drive %u: unload it first", barcode,
				 (unsigned)tape.place.address);
	} else {
		error = cartridge_open(tape.path, CARTRIDGE_WRITE, &cartridge);
		if (error)
			tape_say(message, error, "tape %s cannot be opened: %s", barcode,
				 strerror(-error));
	}
	tape_clear(&tape);
	return error ? error : tape_change_open(cartridge, barcode, value, change, message);
}

int tape_lock(struct library *library, const char *barcode, int64_t until, char message[256])
{
	if (until <= time(NULL))
		return tape_say(message, -EINVAL, "a lock lasts until a time that is still to come");
	return tape_change(library, barcode, until, tape_change_lock, message);
}

int tape_protect(struct library *library, const char *barcode, bool on, char message[256])
{
	return tape_change(library, barcode, on, tape_change_protection, message);
}

void tapes_remove_unfinished(const char *folder)
{
	DIR *dir = opendir(folder);
	struct dirent *entry;

	while (dir && (entry = readdir(dir)) != NULL) {
		CLEANUP_FREE char *path = NULL;

		if (strncmp(entry->d_name, TAPE_UNFINISHED, strlen(TAPE_UNFINISHED)) != 0)
			continue;
		path = mem_printf("%s/%s", folder, entry->d_name);
		log_info("%s: removing what was not finished", path);
		tape_remove_folder(path);
	}
	if (dir)
		closedir(dir);
}

void tapes_purge(struct library *library)
{
	struct tape *tapes = NULL;
	size_t count = 0;
	int64_t now = time(NULL), days;
	int error;
	LOCK_SCOPE(&library->service->admin);

	{
		LOCK_SCOPE(&library->lock);
		days = library->config.recycle_days;
	}
	if (!library->purged)
		tapes_remove_unfinished(library->config.tapes);
	library->purged = true;
	error = tapes_list(library, &tapes, &count);
	if (error) {
		log_error("%s: the tapes cannot be listed: %s", library->config.tapes, strerror(-error));
		return;
	}
	for (size_t i = 0; i < count; i++) {
		struct tape *tape = &tapes[i];

		if (tape->state != TAPE_DELETED || now - tape->deleted < days * DAY_SECONDS ||
		    (!tape->error && tape->info.locked_until > now))
			continue;
		error = tape_remove_folder(tape->path);
		if (error)
			log_error("%s: %s", tape->path, strerror(-error));
		else
			log_info("%s: the deleted tape %s is gone", library->config.name,
				 tape->info.barcode);
	}
	tapes_free(&tapes, count);
}
