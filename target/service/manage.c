/* SPDX-License-Identifier: MIT */
/*
 * Making and ending libraries. A library comes to be with one rename, that of its
 * NAME.conf; before it whatever was made is taken away again when something
 * fails:
 *
 *   plan -> folder and tapes beside (.new-NAME) -> folder gets its name -> NAME.conf -> served
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
#include "target/service/known.h"
#include "target/service/tapes.h"

/* What library_create() has made so far, so that it can be taken away. */
struct creation {
	struct service *service;
	struct library_config config;
	char *path;	/* NAME.conf */
	char *folder;	/* where the tapes are made: beside config.tapes; NULL when adopted */
	char **barcodes;
	size_t count;
	bool folder_made, force;
	int folder_fd;	/* of library_hold_folder() */
};

/* Puts barcodes into the storage elements, in order. -ENOSPC. */
static int create_fill(struct library_config *config, char **barcodes, size_t count)
{
	size_t n = 0;

	for (size_t i = 0; i < config->element_count && n < count; i++)
		if (config->elements[i].type == ELEMENT_STORAGE)
			strcpy(config->elements[i].barcode, barcodes[n++]);
	return n < count ? -ENOSPC : 0;
}

static int create_known(const struct creation *c, struct known *known, char message[256])
{
	int error = known_new(c->service, known);

	if (error)
		return tape_say(message, error, "not enough memory");
	return c->force ? 0 : known_check_all(known, message);
}

/* The cartridges that are in the folder. */
static int create_adopt(struct creation *c, char message[256])
{
	struct library found = {.service = c->service, .config = c->config};
	CLEANUP_KNOWN struct known known = {0};
	struct tape *tapes = NULL;
	size_t count = 0;
	int error = create_known(c, &known, message);

	if (error)
		return error;
	pthread_mutex_init(&found.lock, NULL);
	error = tapes_list(&found, &tapes, &count);
	pthread_mutex_destroy(&found.lock);
	if (error)
		return tape_say(message, error, "%.160s cannot be listed: %s", c->config.tapes,
				strerror(-error));
	c->barcodes = mem_try_zalloc(count + 1, sizeof(*c->barcodes));
	if (!c->barcodes)
		error = tape_say(message, -ENOMEM, "not enough memory");
	for (size_t i = 0; i < count && !error; i++) {
		if (tapes[i].state == TAPE_DELETED)
			continue;
		if (tapes[i].error)
			error = tape_say(message, tapes[i].error, "%.160s is no cartridge: %s",
					 tapes[i].path, strerror(-tapes[i].error));
		else
			error = known_check_free(&known, tapes[i].info.barcode, c->config.name, message);
		if (!error)
			c->barcodes[c->count++] = mem_strdup(tapes[i].info.barcode);
	}
	tapes_free(&tapes, count);
	if (!error && create_fill(&c->config, c->barcodes, c->count))
		error = tape_say(message, -ENOSPC, "%zu tapes do not fit into the slots", c->count);
	return error;
}

/* A folder that is there is nobody else's. */
static int create_hold(struct creation *c, char message[256])
{
	char reason[LIBRARY_MESSAGE];
	int error = 0;

	if (access(c->config.tapes, F_OK) == 0)
		error = library_hold_folder(c->service, c->config.name, c->config.tapes, &c->folder_fd,
					    reason);
	return error ? tape_say(message, error, "%.250s", reason) : 0;
}

/* New tapes in a folder beside. */
static int create_tapes(struct creation *c, const struct library_request *request,
			char message[256])
{
	const struct tape_plan plan = {
		.medium = request->medium,
		.prefix = request->barcode,
		.count = request->tapes,
		.force = request->force,
	};
	int error;

	folder_release(c->config.tapes, &c->folder_fd); /* of one that is there: nobody else's */
	if (access(c->config.tapes, F_OK) == 0 && rmdir(c->config.tapes) < 0)
		return tape_say(message, -EEXIST,
				"%.160s is there already: --adopt takes the cartridges in it",
				c->config.tapes);
	cartridge_remove_folder(c->folder); /* of a daemon that was killed */
	error = service_make_folders(c->folder, 0750);
	if (error)
		return tape_say(message, error, "the folder %.160s cannot be made: %s", c->folder,
				strerror(-error));
	c->folder_made = true;
	if (request->tapes) {
		error = tapes_make(c->service, &c->config, c->folder, &plan, &c->barcodes, &c->count,
				   message);
		if (error)
			return error;
	}
	if (create_fill(&c->config, c->barcodes, c->count))
		return tape_say(message, -ENOSPC, "%zu tapes do not fit into the slots", c->count);
	if (rename(c->folder, c->config.tapes) < 0)
		return tape_say(message, -errno, "%.160s: %s", c->config.tapes, strerror(errno));
	free(c->folder);
	c->folder = mem_strdup(c->config.tapes);
	CLEANUP_FREE char *above = mem_strdup(c->config.tapes);

	*strrchr(above + 1, '/') = '\0';
	error = file_sync_directory(above);
	return error ? tape_say(message, error, "%.160s: %s", above, strerror(-error))
		     : create_hold(c, message);
}

static void create_undo(struct creation *c)
{
	folder_release(c->config.tapes, &c->folder_fd);
	if (c->folder_made) {
		tapes_unmake(c->folder, c->barcodes, c->count);
		rmdir(c->folder);
	}
	if (c->path)
		unlink(c->path);
}

/* The library that has its tapes in this folder; NULL: none. */
static struct library *library_of_folder(struct service *service, const char *folder)
{
	struct library *library;

	for (size_t n = 0; (library = library_at(service, n)) != NULL; n++) {
		if (strcmp(library->config.tapes, folder) == 0)
			return library;
		library_release(&library);
	}
	return NULL;
}

static int create_check(struct service *service, const struct library_request *request,
			const char *path, char message[256])
{
	if (access(path, F_OK) == 0)
		return tape_say(message, -EEXIST, "there is a library %s already", request->plan->name);
	if (request->tapes > request->plan->slots)
		return tape_say(message, -EINVAL, "%llu tapes do not fit into %llu slots",
				(unsigned long long)request->tapes,
				(unsigned long long)request->plan->slots);
	if (request->adopt && access(request->plan->tapes, F_OK) < 0)
		return tape_say(message, -ENOENT, "%.160s: there is no such folder to adopt",
				request->plan->tapes);
	CLEANUP_LIBRARY struct library *other = library_of_folder(service, request->plan->tapes);

	return other ? tape_say(message, -EEXIST, "library %s has its tapes in %.120s already",
				other->config.name, request->plan->tapes)
		     : 0;
}

static int create_serve(struct creation *c, struct library **library, char message[256])
{
	CLEANUP_FREE char *path = mem_strdup(c->path);
	int error = library_config_save(path, &c->config);

	/* Of a library of this name whose end was cut short. */
	reservations_delete(path);
	if (!error)
		error = library_open(c->service, &c->config, path, &c->folder_fd, library);
	if (error)
		return tape_say(message, error, "the library cannot be served: %s", strerror(-error));
	failed_forget(c->service, (*library)->config.name); /* its file was removed by hand */
	(*library)->users++; /* before others find it */
	library_list(*library);
	return 0;
}

int library_create(struct service *service, const struct library_request *request,
		   struct library **library, char message[256])
{
	struct creation c = {.service = service, .folder_fd = -1, .force = request->force};
	int error;
	LOCK_SCOPE(&service->admin);

	error = library_plan_make(request->plan, &c.config, message);
	if (error)
		return error == -ENOMEM ? tape_say(message, error, "not enough memory") : error;
	CLEANUP_FREE char *path = service_library_path(service, request->plan->name);

	error = create_check(service, request, path, message);
	if (!error)
		error = create_hold(&c, message);
	if (!error && !request->adopt) {
		const char *base = strrchr(c.config.tapes, '/') + 1;

		c.folder = mem_printf("%.*s" CARTRIDGE_UNFINISHED "%s", (int)(base - c.config.tapes),
				      c.config.tapes, base);
		error = create_tapes(&c, request, message);
	} else if (!error) {
		error = create_adopt(&c, message);
	}
	if (!error) {
		c.path = path;
		error = create_serve(&c, library, message);
	}
	if (error)
		create_undo(&c);
	tape_barcodes_free(&c.barcodes, c.count);
	library_config_clear(&c.config);
	free(c.folder);
	return error;
}

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
		cartridge_work_sweep(folder);
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
