/* SPDX-License-Identifier: MIT */
/*
 * Deleting, restoring, locking, protecting tapes. Deleting is a rename, so that it is undone by
 * another; what was deleted long enough ago goes by itself. A locked tape is
 * never deleted, nor is one that somebody has open for writing: its lock is held over every rename.
 * What goes for good gets the name of an unfinished folder with service->admin held. It is removed by
 * service_sweep() without that, and without a use of the library: terabytes take their time.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "lib/base/cleanup.h"
#include "lib/base/file.h"
#include "lib/base/log.h"
#include "lib/base/mem.h"
#include "target/service/known.h"
#include "target/service/names.h"
#include "target/service/tapes.h"

#define DAY_SECONDS 86400

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

int tape_hold(const struct tape *tape, int *fd, char message[256])
{
	CLEANUP_FD int held = -1;
	struct cartridge_info info;
	char date[32];
	int error = cartridge_hold(tape->path, &held);

	if (error == -EBUSY)
		return tape_say(message, error, "tape %s is in use: somebody has it open for writing",
				tape->info.barcode);
	if (tape->error) { /* of a deleted one: it was not locked when it was deleted */
		*fd = TAKE_FD(held);
		return 0;
	}
	if (!error)
		error = cartridge_read_info(tape->path, &info);
	if (error)
		return tape_say(message, error, "tape %s cannot be opened: %s", tape->info.barcode,
				strerror(-error));
	/* What was listed before may be locked by now, from another daemon too. */
	if (info.locked_until > time(NULL))
		return tape_say(message, -EPERM, "tape %s is locked until %s", tape->info.barcode,
				tape_date(info.locked_until, date));
	*fd = TAKE_FD(held);
	return 0;
}

/* BEGIN BARCODE@TIME, one that is not there yet. */
static char *tape_away_path(const struct library *library, const char *begin, const char *barcode)
{
	int64_t now = time(NULL);
	char *path = NULL;

	do {
		free(path);
		path = mem_printf("%s/%s%s@%lld", library->config.tapes, begin, barcode,
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

int tape_discard(const struct library *library, const struct tape *tape, char message[256])
{
	CLEANUP_FREE char *away = tape_away_path(library, CARTRIDGE_UNFINISHED, tape->info.barcode);
	CLEANUP_FD int held = -1;
	int error = tape_hold(tape, &held, message);

	if (error)
		return error;
	error = tape_move_folder(library, tape->path, away);
	return error ? tape_say(message, error, "%.160s cannot be moved away: %s", tape->path,
				strerror(-error))
		     : 0;
}

/* ---- on the way into a place, which may take as long as a drive keeps the robot waiting ------- */

struct tape_placing {
	LIST_ENTRY(tape_placing) link;
	const char *barcode;
};

static bool placing_find(const struct library *library, const char *barcode)
{
	const struct tape_placing *placing;
	LOCK_SCOPE(&library->service->lock);

	LIST_FOREACH(placing, &library->placings, link)
		if (strcmp(placing->barcode, barcode) == 0)
			return true;
	return false;
}

static int placing_begin(struct library *library, struct tape_placing *placing, char message[256])
{
	CLEANUP_TAPE struct tape tape = {0};
	LOCK_SCOPE(&library->service->admin);

	if (tape_find(library, placing->barcode, &tape))
		return tape_say(message, -ENOENT, "library %s has no tape %.40s", library->config.name,
				placing->barcode);
	LOCK_SCOPE(&library->service->lock);
	LIST_INSERT_HEAD(&library->placings, placing, link);
	return 0;
}

int tape_put(struct library *library, const char *barcode, uint16_t *address, char message[256])
{
	struct tape_placing placing = {.barcode = barcode};
	int error = placing_begin(library, &placing, message);

	if (error)
		return error;
	error = changer_put(library->changer, barcode, address, message);
	LOCK_SCOPE(&library->service->lock);
	LIST_REMOVE(&placing, link);
	return error;
}

/* ---- deleting and restoring ------------------------------------------------------------------- */

/* A tape that may be deleted; else an error, and why. */
static int tape_find_deletable(struct library *library, const char *barcode, struct tape *tape, char message[256])
{
	int error = tape_find(library, barcode, tape);

	if (error)
		return tape_say(message, error, "library %s has no tape %.40s", library->config.name,
				barcode);
	return tape_check_deletable(tape, message);
}

/* Whether it can be deleted: where it is placed, and that nobody uses it. */
static int delete_look(struct library *library, const char *barcode, struct element *place,
		       char message[256])
{
	CLEANUP_TAPE struct tape tape = {0};
	CLEANUP_FD int held = -1;
	LOCK_SCOPE(&library->service->admin);
	int error = tape_find_deletable(library, barcode, &tape, message);

	if (!error)
		error = tape_hold(&tape, &held, message);
	*place = tape.place;
	return error;
}

/* What was on the shelf when it was looked for is asked all again. */
static int delete_move(struct library *library, const char *barcode, bool purge, char message[256])
{
	CLEANUP_TAPE struct tape tape = {0};
	CLEANUP_FREE char *deleted = tape_away_path(library, ".deleted/", barcode);
	CLEANUP_FD int held = -1;
	LOCK_SCOPE(&library->service->admin);
	int error = tape_find_deletable(library, barcode, &tape, message);

	if (!error && placing_find(library, barcode))
		error = tape_say(message, -EBUSY, "tape %s is being put into a place", barcode);
	if (!error && tape.state == TAPE_PLACED)
		error = tape_say(message, -EBUSY, "tape %s was put into %s %u meanwhile", barcode,
				 element_type_name(tape.place.type), (unsigned)tape.place.address);
	if (error)
		return error;
	{
		LOCK_SCOPE(&library->lock);
		purge = purge || !library->config.recycle_days;
	}
	if (purge)
		return tape_discard(library, &tape, message);
	error = tape_hold(&tape, &held, message);
	if (error)
		return error;
	error = tape_move_folder(library, tape.path, deleted);
	return error ? tape_say(message, error, "%.160s cannot be moved away: %s", tape.path,
				strerror(-error))
		     : 0;
}

int tape_delete(struct library *library, const char *barcode, bool purge, char message[256])
{
	struct element place = {0};
	int error = delete_look(library, barcode, &place, message);

	/* Without service->admin: the eject hook runs, and may want something of this daemon. */
	if (!error && place.address)
		error = changer_take_tape(library->changer, place.address, barcode, message);
	if (error)
		return error;
	error = delete_move(library, barcode, purge, message);
	if (error) {
		char ignored[256];

		if (place.address)
			tape_put(library, barcode, &place.address, ignored);
		return error;
	}
	log_info("%s: tape %s is deleted", library->config.name, barcode);
	return 0;
}

int tape_restore(struct library *library, const char *barcode, char message[256])
{
	CLEANUP_FREE char *path = mem_printf("%s/%s", library->config.tapes, barcode);
	CLEANUP_FREE char *last = NULL;
	CLEANUP_FD int held = -1;
	CLEANUP_KNOWN struct known known = {0};
	struct tape *tapes = NULL;
	size_t count = 0;
	int error = known_new(library->service, &known);

	if (error)
		return tape_say(message, error, "not enough memory");
	error = known_check_free(&known, barcode, library->config.name, message);
	if (error)
		return error;
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
	error = cartridge_hold(last, &held);
	if (error == -EBUSY)
		return tape_say(message, error, "tape %s is in use: somebody has it open for writing",
				barcode);
	/* One that cannot be read comes back as it is. */
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

/* Calls `see` for those whose time has come; returns how many they are. */
static size_t purge_each(struct library *library, void (*see)(struct library *library, const struct tape *tape))
{
	struct tape *tapes = NULL;
	size_t count = 0, due = 0;
	int64_t now = time(NULL), days;
	{
		LOCK_SCOPE(&library->lock);
		days = library->config.recycle_days;
	}
	int error = tapes_list(library, &tapes, &count);

	if (error)
		log_error("%s: the tapes cannot be listed: %s", library->config.tapes, strerror(-error));
	for (size_t i = 0; i < count; i++) {
		const struct tape *tape = &tapes[i];

		if (tape->state != TAPE_DELETED || now - tape->deleted < days * DAY_SECONDS ||
		    (!tape->error && tape->info.locked_until > now))
			continue;
		due++;
		if (see)
			see(library, tape);
	}
	tapes_free(&tapes, count);
	return due;
}

static void purge_one(struct library *library, const struct tape *tape)
{
	char message[256];

	if (tape_discard(library, tape, message))
		log_error("%s: %s", library->config.name, message);
	else
		log_info("%s: the deleted tape %s is gone", library->config.name, tape->info.barcode);
}

void tapes_purge(struct library *library)
{
	/* A folder may be slow to be read, or hang: nobody waits for service->admin without need. */
	if (purge_each(library, NULL) == 0)
		return;
	LOCK_SCOPE(&library->service->admin);
	purge_each(library, purge_one);
}
