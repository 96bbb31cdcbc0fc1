/* SPDX-License-Identifier: MIT */
/*
 * Making libraries. A library comes to be with one rename, that of its NAME.conf;
 * before it whatever was made is taken away again when something fails:
 *
 *   plan -> folder and tapes beside (.new-NAME) -> folder gets its name -> NAME.conf -> served
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/cleanup.h"
#include "lib/base/file.h"
#include "lib/base/mem.h"
#include "target/service/folder.h"
#include "target/service/known.h"
#include "target/service/tapes.h"
#include "target/tape/media.h"

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

/* A medium that is named: one of no name is refused where the tapes are made. */
static int create_check_medium(const struct library_config *config, const char *name, char message[256])
{
	const struct medium *medium = name ? medium_find(name) : NULL;

	if (!medium || medium->cleaning)
		return 0;
	for (size_t i = 0; i < config->drive_count; i++)
		if (medium_access(config->drives[i].model->generation, medium) == MEDIUM_WRITE)
			return 0;
	return tape_say(message, -EINVAL, "no drive of library %s would write %s: name another --medium or --drive",
			config->name, medium->name);
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
		error = create_check_medium(&c.config, request->medium, message);
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
