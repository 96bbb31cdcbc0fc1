/* SPDX-License-Identifier: MIT */
/*
 * Changing and ending libraries. What ends is taken out of the list first, so that nobody finds it any
 * more, and closed without service->admin: a drive may flush for long, and a clone may have to hear of it.
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
#include "target/service/folder.h"
#include "target/service/tapes.h"

/* Sessions, and clones that are being made, are ended only by force. */
static int library_check_idle(struct library *library, bool force, char message[256])
{
	size_t sessions = library_sessions(library);

	/* It may be the hook that asks, and the end of the library waits for that. */
	if (changer_is_ejecting(library->changer))
		return tape_say(message, -EBUSY, "an eject hook of library %s runs: wait until it has ended",
				library->config.name);
	if (sessions && !force)
		return tape_say(message, -EBUSY,
				"%zu sessions are logged in to library %s: --force ends them", sessions,
				library->config.name);
	if (library_clones(library) && !force)
		return tape_say(message, -EBUSY,
				"a tape is being cloned from or to library %s: --force gives the clone up",
				library->config.name);
	return 0;
}

/* Every tape, for good: what is locked, or open somewhere else, keeps all of them. */
static int purge_check(const struct tape *tapes, size_t count, char message[256])
{
	for (size_t i = 0; i < count; i++) {
		CLEANUP_FD int held = -1;
		char why[256];
		int error = tapes[i].error;

		if (error)
			return tape_say(message, -EPERM, "tape %s cannot be read: no tape was deleted",
					tapes[i].info.barcode);
		/* One in a drive of this library is held by that. */
		if (tapes[i].state == TAPE_PLACED && tapes[i].place.type == ELEMENT_DRIVE) {
			if (tapes[i].info.locked_until > time(NULL))
				return tape_say(message, -EPERM,
						"tape %s is locked: no tape was deleted",
						tapes[i].info.barcode);
			continue;
		}
		error = tape_hold(&tapes[i], &held, why);
		if (error)
			return tape_say(message, error, "%.200s: no tape was deleted", why);
	}
	return 0;
}

/* With service->admin held, of a library that is not served any more. */
static int purge_discard(struct library *gone, char message[256])
{
	CLEANUP_LIBRARY struct library *other = library_of_folder(gone->service, gone->config.tapes);
	struct tape *tapes = NULL;
	char reason[LIBRARY_MESSAGE];
	size_t count = 0;
	int error;

	if (other)
		return tape_say(message, -EBUSY,
				"the library is gone, but library %s has its tapes by now: no tape was deleted",
				other->config.name);
	error = library_hold_folder(gone->service, gone->config.name, gone->config.tapes,
				    &gone->folder_fd, reason);
	if (error)
		return tape_say(message, error, "the library is gone, and no tape was deleted: %.190s",
				reason);
	error = tapes_list(gone, &tapes, &count);
	if (error)
		tape_say(message, error, "the library is gone, but its tapes cannot be listed: %s",
			 strerror(-error));
	else
		error = purge_check(tapes, count, message);
	for (size_t i = 0; i < count && !error; i++)
		error = tape_discard(gone, &tapes[i], message);
	tapes_free(&tapes, count);
	return error;
}

/* All of its tapes, as they are now: whoever has got, opened or locked one since the library was asked
 * keeps it. */
static int purge_tapes(struct service *service, const char *name, const char *folder, char message[256])
{
	struct library gone = {.service = service, .lock = PTHREAD_MUTEX_INITIALIZER, .folder_fd = -1};
	CLEANUP_FREE char *deleted = mem_printf("%s/.deleted", folder);
	int error;

	snprintf(gone.config.name, sizeof(gone.config.name), "%s", name);
	snprintf(gone.config.tapes, sizeof(gone.config.tapes), "%s", folder);
	{
		LOCK_SCOPE(&service->admin);
		error = purge_discard(&gone, message);
	}
	if (!error)
		service_sweep(service, folder);
	folder_release(folder, &gone.folder_fd);
	if (error)
		return error;
	rmdir(deleted);
	if (rmdir(folder) == 0)
		return 0;
	return tape_say(message, -errno, "the library is gone, but not all of %.120s: %s", folder,
			strerror(errno));
}

static int delete_prepare(struct library *library, bool force, bool purge, char message[256])
{
	struct tape *tapes = NULL;
	size_t count = 0;
	int error = library_check_idle(library, force, message);

	if (error || !purge)
		return error;
	error = tapes_list(library, &tapes, &count);
	if (error)
		return tape_say(message, error, "the tapes cannot be listed: %s", strerror(-error));
	error = purge_check(tapes, count, message);
	tapes_free(&tapes, count);
	return error;
}

/* The file, durably: after a power cut there is no library rather than one whose tapes are gone. */
static int delete_file(struct service *service, const char *path, char message[256])
{
	CLEANUP_FREE char *folder = mem_printf("%s/libraries", service->state);
	int error;

	if (unlink(path) < 0)
		return tape_say(message, -errno, "%.160s: %s", path, strerror(errno));
	error = file_sync_directory(folder);
	if (error)
		log_error("%s: %s", folder, strerror(-error));
	return 0;
}

/* Under service->admin: from here on nobody finds it. NULL and an error when it stays; or none, when it was
 * not served and is gone. */
static struct library *delete_begin(struct service *service, const char *name, bool force, bool purge,
				    int *error, char message[256])
{
	LOCK_SCOPE(&service->admin);
	struct library *library = library_find(service, name);
	char reason[LIBRARY_MESSAGE];

	if (!library) {
		*error = failed_find(service, name, reason)
				 ? failed_delete(service, name, purge, message)
				 : tape_say(message, -ENOENT, "there is no library \"%.63s\"", name);
		return NULL;
	}
	*error = delete_prepare(library, force, purge, message);
	if (!*error)
		*error = delete_file(service, library->path, message);
	if (*error) {
		library_release(&library);
		return NULL;
	}
	CLEANUP_FREE char *secrets =
		mem_printf("%s/libraries/%s.secrets", service->state, library->config.name);

	unlink(secrets);
	reservations_delete(library->path);
	library_unlist(library);
	return library;
}

int library_delete(struct service *service, const char *name, bool force, bool purge,
		   char message[256])
{
	int error;
	struct library *library = delete_begin(service, name, force, purge, &error, message);

	if (!library)
		return error;
	CLEANUP_FREE char *folder = mem_strdup(library->config.tapes);

	library_wait(library);
	log_info("%s: the library is deleted", library->config.name);
	library_close(&library);
	return purge ? purge_tapes(service, name, folder, message) : 0;
}

/* What is there is closed, changed and served again; as it was, if that is not possible. */
static int resize_closed(struct service *service, struct library *library,
			 const struct library_plan *plan, char message[256])
{
	CLEANUP_FREE char *path = mem_strdup(library->path);
	CLEANUP_FREE char *name = mem_strdup(library->config.name);
	struct library_config old = {0}, config = {0};
	int again, error, folder_fd;

	library_stop(library);
	error = library_config_copy(&library->config, &config);
	if (!error)
		error = library_config_copy(&library->config, &old);
	if (!error) {
		error = library_plan_resize(plan, &config, message);
		config.encryption = plan->encryption;
	} else {
		tape_say(message, error, "not enough memory");
	}
	if (!error) {
		error = library_config_save(path, &config);
		if (error)
			tape_say(message, error, "the library cannot be saved: %s", strerror(-error));
	}
	folder_fd = TAKE_FD(library->folder_fd); /* it stays ours */
	library_close(&library);
	again = library_open(service, error ? &old : &config, path, &folder_fd, &library);
	library_config_clear(&old);
	library_config_clear(&config);
	LOCK_SCOPE(&service->admin);
	if (again) {
		failed_change_end(service, name, strerror(-again));
		return tape_say(message, again, "the library cannot be served any more: %s",
				strerror(-again));
	}
	library_list(library);
	failed_change_end(service, name, NULL);
	return error;
}

int library_resize(struct service *service, const char *name, const struct library_plan *plan,
		   bool force, char message[256])
{
	struct library *library;
	{
		LOCK_SCOPE(&service->admin);
		library = library_find(service, name);
		if (!library)
			return tape_say(message, -ENOENT, "there is no library \"%.63s\"", name);
		int error = library_check_idle(library, force, message);

		if (error) {
			library_release(&library);
			return error;
		}
		failed_change_begin(library);
		library_unlist(library);
	}
	library_wait(library);
	return resize_closed(service, library, plan, message);
}
