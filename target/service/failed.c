/* SPDX-License-Identifier: MIT */
/*
 * Libraries that are not served: their file is damaged, or the folder of their
 * cartridges is not there, or another daemon serves it. They are kept in a list with the reason, so that people
 * see them, and can delete them or have them tried again:
 *
 *   NAME.conf -> loaded -> served
 *                  |          ^
 *                  +-> failed-+  [library_reopen; by itself when the folder is there and free]
 *
 * While a library is closed to be changed it is among them, too: nobody takes its name or its barcodes
 * for free. Initiators that log in to one whose name is known are told to come again. The list is
 * changed with service->admin and service->lock held, and read with either.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/cleanup.h"
#include "lib/base/file.h"
#include "lib/base/log.h"
#include "lib/base/mem.h"
#include "target/service/folder.h"
#include "target/service/known.h"
#include "target/service/names.h"
#include "target/service/tapes.h"

struct failed_library {
	LIST_ENTRY(failed_library) link;
	char *name;
	char *iqn; /* NULL: its file does not tell */
	struct known_tapes tapes; /* what is known of them */
	bool waits;		  /* for its folder, which is not there or not free */
	bool changing;		  /* it comes back by itself */
	char reason[LIBRARY_MESSAGE];
};

static struct failed_library *failed_find_locked(struct service *service, const char *name)
{
	struct failed_library *failed;

	LIST_FOREACH(failed, &service->failed, link)
		if (strcmp(failed->name, name) == 0)
			return failed;
	return NULL;
}

static void failed_free(struct failed_library *failed)
{
	known_tapes_clear(&failed->tapes);
	free(failed->name);
	free(failed->iqn);
	free(failed);
}

void failed_forget(struct service *service, const char *name)
{
	struct failed_library *failed;
	LOCK_SCOPE(&service->lock);

	failed = failed_find_locked(service, name);
	if (!failed)
		return;
	LIST_REMOVE(failed, link);
	/* When the service ends the server has gone already. */
	if (failed->iqn && service->server)
		iscsi_target_away(service->server, failed->iqn, false);
	failed_free(failed);
}

void failed_clear(struct service *service)
{
	while (!LIST_EMPTY(&service->failed))
		failed_forget(service, LIST_FIRST(&service->failed)->name);
}

/* Without a configuration nothing is known of its tapes. */
static struct failed_library *failed_new(const char *name, const struct library_config *config)
{
	struct failed_library *failed = mem_zalloc(sizeof(*failed));

	failed->name = mem_strdup(name);
	failed->iqn = config ? mem_strdup(config->iqn) : NULL;
	if (config && known_tapes_of(config, &failed->tapes))
		log_warning("%s: not enough memory for the barcodes of its tapes", name);
	snprintf(failed->tapes.name, sizeof(failed->tapes.name), "%s", name);
	return failed;
}

/* Takes it. */
static void failed_list(struct service *service, struct failed_library *failed, const char *reason)
{
	struct failed_library *other, *before = NULL;
	const char *name = failed->name;

	snprintf(failed->reason, sizeof(failed->reason), "%s", reason);
	failed_forget(service, name);
	if (failed->iqn)
		iscsi_target_away(service->server, failed->iqn, true);
	LOCK_SCOPE(&service->lock);

	LIST_FOREACH(other, &service->failed, link)
	{
		if (strcmp(other->name, name) > 0)
			break;
		before = other;
	}
	if (before)
		LIST_INSERT_AFTER(before, failed, link);
	else
		LIST_INSERT_HEAD(&service->failed, failed, link);
}

void failed_change_begin(struct library *library)
{
	struct failed_library *failed = failed_new(library->config.name, &library->config);

	failed->changing = true;
	failed_list(library->service, failed, "it is being changed: wait until that has ended");
}

void failed_change_end(struct service *service, const char *name, const char *reason)
{
	struct failed_library *failed;
	{
		LOCK_SCOPE(&service->lock);
		failed = failed_find_locked(service, name);
		if (failed && reason) {
			failed->changing = false;
			snprintf(failed->reason, sizeof(failed->reason), "%s", reason);
			return;
		}
	}
	failed_forget(service, name);
}

/* -EBUSY: it comes back by itself. */
static int failed_check_changing(struct service *service, const char *name, char message[256])
{
	struct failed_library *failed;
	LOCK_SCOPE(&service->lock);

	failed = failed_find_locked(service, name);
	return failed && failed->changing
		       ? tape_say(message, -EBUSY, "library %.63s: %.150s", name, failed->reason)
		       : 0;
}

int failed_tapes_at(struct service *service, size_t n, struct known_tapes *tapes)
{
	struct failed_library *failed;
	LOCK_SCOPE(&service->lock);

	LIST_FOREACH(failed, &service->failed, link)
		if (n-- == 0)
			return known_tapes_copy(&failed->tapes, tapes);
	return -ENOENT;
}

bool failed_at(struct service *service, size_t n, char name[LIBRARY_FILE_MAX],
	       char reason[LIBRARY_MESSAGE])
{
	struct failed_library *failed;
	LOCK_SCOPE(&service->lock);

	LIST_FOREACH(failed, &service->failed, link)
	{
		if (n-- > 0)
			continue;
		snprintf(name, LIBRARY_FILE_MAX, "%s", failed->name);
		snprintf(reason, LIBRARY_MESSAGE, "%s", failed->reason);
		return true;
	}
	return false;
}

bool failed_find(struct service *service, const char *name, char reason[LIBRARY_MESSAGE])
{
	struct failed_library *failed;
	LOCK_SCOPE(&service->lock);

	failed = failed_find_locked(service, name);
	if (failed)
		snprintf(reason, LIBRARY_MESSAGE, "%s", failed->reason);
	return failed != NULL;
}

int library_folder_error(const char *folder)
{
	struct stat st;

	if (stat(folder, &st) < 0)
		return -errno;
	return S_ISDIR(st.st_mode) ? 0 : -ENOTDIR;
}

/* The folder is there, and nobody else's. */
static int load_hold(struct service *service, const struct library_config *config, int *folder_fd,
		     char reason[LIBRARY_MESSAGE])
{
	int error = library_folder_error(config->tapes);

	if (!error)
		return library_hold_folder(service, config->name, config->tapes, folder_fd, reason);
	snprintf(reason, LIBRARY_MESSAGE, "the folder of its cartridges, %.400s: %s", config->tapes,
		 strerror(-error));
	return error;
}

int library_load(struct service *service, const char *name)
{
	CLEANUP_FREE char *path = service_library_path(service, name);
	struct library_config config = {0};
	char reason[LIBRARY_MESSAGE];
	struct library *library;
	int folder_fd = -1;
	int error = library_config_load(path, &config, reason);
	struct failed_library *failed = failed_new(name, error ? NULL : &config);

	if (!error) {
		error = load_hold(service, &config, &folder_fd, reason);
		failed->waits = error != 0;
	}
	if (!error) {
		error = library_open(service, &config, path, &folder_fd, &library);
		snprintf(reason, sizeof(reason), "its devices cannot be made: %s", strerror(-error));
	}
	library_config_clear(&config);
	if (error) {
		log_error("%s: the library is not served: %s", name, reason);
		failed_list(service, failed, reason);
		return error;
	}
	failed_free(failed);
	library_list(library);
	failed_forget(service, name);
	return 0;
}

int library_reopen(struct service *service, const char *name, char message[256])
{
	CLEANUP_FREE char *path = service_library_path(service, name);
	struct library *library;
	char reason[LIBRARY_MESSAGE];
	LOCK_SCOPE(&service->admin);

	library = library_find(service, name);
	if (library) {
		library_release(&library);
		return 0;
	}
	int error = failed_check_changing(service, name, message);

	if (error)
		return error;
	if (!failed_find(service, name, reason) && (name_check_library(name) || access(path, F_OK) < 0))
		return tape_say(message, -ENOENT, "there is no library \"%.63s\"", name);
	if (access(path, F_OK) < 0) {
		failed_forget(service, name);
		return tape_say(message, -ENOENT, "%.160s: %s", path, strerror(errno));
	}
	if (library_load(service, name) == 0)
		return 0;
	failed_find(service, name, reason);
	return tape_say(message, -ENODEV, "library %.63s is still not served: %.150s", name, reason);
}

int failed_delete(struct service *service, const char *name, bool purge, char message[256])
{
	CLEANUP_FREE char *path = service_library_path(service, name);
	CLEANUP_FREE char *secrets = mem_printf("%s/libraries/%s.secrets", service->state, name);
	CLEANUP_FREE char *folder = mem_printf("%s/libraries", service->state);
	int error = failed_check_changing(service, name, message);

	if (error)
		return error;
	if (purge)
		return tape_say(message, -EPERM,
				"library %.63s is not served, and nobody knows whether a tape of it is "
				"locked: delete it without --purge, and its folder by hand", name);
	if (unlink(path) < 0 && errno != ENOENT)
		return tape_say(message, -errno, "%.160s: %s", path, strerror(errno));
	unlink(secrets);
	reservations_delete(path);
	if (file_sync_directory(folder) < 0)
		log_error("%s: it cannot be synced", folder);
	failed_forget(service, name);
	log_info("%s: the library, which was not served, is deleted", name);
	return 0;
}

/* The first after `last` that waits for its folder: its name, and the folder; NULL. */
static char *failed_waiting(struct service *service, const char *last, char **folder)
{
	struct failed_library *failed;
	LOCK_SCOPE(&service->lock);

	LIST_FOREACH(failed, &service->failed, link)
	{
		if (strcmp(failed->name, last) <= 0 || !failed->waits)
			continue;
		*folder = mem_strdup(failed->tapes.folder ? failed->tapes.folder : "");
		return mem_strdup(failed->name);
	}
	return NULL;
}

/* The first after `last` whose folder can be used by now, as when it is on a filesystem that was mounted
 * late; NULL. The folder is looked at without a lock: that may take as long as its filesystem likes. */
static char *failed_next(struct service *service, const char *last)
{
	char *name = mem_strdup(last);

	while (name) {
		CLEANUP_FREE char *folder = NULL;
		char *next = failed_waiting(service, name, &folder);

		free(name);
		name = next;
		if (name && library_folder_error(folder) == 0 && !folder_is_held(folder))
			break;
	}
	return name;
}

/* It may have been served, deleted or changed since it was found. */
static bool failed_waits(struct service *service, const char *name)
{
	const struct failed_library *failed;
	LOCK_SCOPE(&service->lock);

	failed = failed_find_locked(service, name);
	return failed && failed->waits;
}

void failed_retry(struct service *service)
{
	char *name = failed_next(service, "");

	while (name) {
		char *tried = name;
		{
			LOCK_SCOPE(&service->admin);
			if (service->server && failed_waits(service, tried))
				library_load(service, tried);
		}
		name = failed_next(service, tried);
		free(tried);
	}
}
