/* SPDX-License-Identifier: MIT */
/*
 * A library that runs: the changer and its drives as one iSCSI target.
 *
 *   drives -> changer (loads what was in them) -> target -> offered        (open)
 *   sessions end -> no longer found -> changer -> drives flush -> target   (close)
 *
 * The changer's worker calls library_save(), which keeps and saves the inventory
 * before the move is answered.
 */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "lib/base/cleanup.h"
#include "lib/base/log.h"
#include "lib/base/mem.h"
#include "target/service/folder.h"
#include "target/service/moves.h"
#include "target/service/service.h"
#include "target/tape/media.h"

/* ---- what the changer and the drives call ------------------------------------------------- */

static int library_cartridge_path(void *context, const char *barcode, char *path, size_t size)
{
	struct library *library = context;

	if (snprintf(path, size, "%s/%s", library->config.tapes, barcode) >= (int)size)
		return -ENAMETOOLONG;
	return access(path, F_OK) == 0 ? 0 : -errno;
}

static enum volume_kind library_volume_kind(void *context, const char *barcode)
{
	struct cartridge_info info;
	char path[PATH_MAX];

	if (library_cartridge_path(context, barcode, path, sizeof(path)) ||
	    cartridge_read_info(path, &info))
		return VOLUME_UNKNOWN;
	const struct medium *medium = medium_find(info.medium);

	if (!medium)
		return VOLUME_UNKNOWN;
	if (medium->cleaning)
		return VOLUME_CLEANING;
	return medium->worm || info.worm ? VOLUME_WORM : VOLUME_DATA;
}

static int library_save(void *context, const struct element *elements, size_t count)
{
	struct library *library = context;
	struct library_config changed;
	int error;
	LOCK_SCOPE(&library->lock);

	changed = library->config;
	changed.elements = mem_try_alloc(count, sizeof(*elements));
	changed.element_count = count;
	if (!changed.elements)
		return -ENOMEM;
	memcpy(changed.elements, elements, count * sizeof(*elements));
	library_config_sort(&changed);
	error = library_config_save(library->path, &changed);
	if (error) {
		free(changed.elements);
		return error;
	}
	if (library->config.element_count == count)
		moves_log(library->config.name, library->config.elements, changed.elements, count);
	free(library->config.elements);
	library->config.elements = changed.elements;
	library->config.element_count = count;
	return 0;
}

static int library_hook(void *context, const char *what, const char *barcode,
			const struct element *from, const struct element *to)
{
	struct library *library = context;
	CLEANUP_FREE char *path = mem_printf("%s/%s", library->config.tapes, barcode);
	const struct hook_call call = {
		.event = what,
		.library = library->config.name,
		.barcode = barcode,
		.path = path,
		.from = from ? from->address : 0,
		.to = to ? to->address : 0,
	};
	char message[256];

	if (strcmp(what, "eject") == 0)
		return hooks_run(library->service->hooks, &call, message);
	hooks_post(library->service->hooks, &call);
	return 0;
}

static void library_drive_event(void *context, struct drive *drive, const char *event,
				const char *barcode)
{
	struct library *library = context;
	size_t i = 0;

	while (i < library->config.drive_count && library->drives[i] != drive)
		i++;
	/* Loads and ejects are told by the changer, with where from and where to. */
	if (strcmp(event, "full") != 0 || i == library->config.drive_count)
		return;
	const struct element place = {.address = library->config.drives[i].address};

	log_info("%s: tape %s in drive %zu is full", library->config.name, barcode, i + 1);
	library_hook(library, event, barcode, &place, NULL);
}

static int library_robot_load(void *drive, const char *path)
{
	return drive_load(drive, path);
}

static int library_robot_unload(void *drive, bool force)
{
	return drive_unload(drive, force);
}

/* ---- opening ------------------------------------------------------------------------------ */

static int library_make_drives(struct library *library)
{
	const struct library_config *config = &library->config;

	library->drives = mem_try_zalloc(config->drive_count, sizeof(struct drive *));
	if (!library->drives)
		return -ENOMEM;
	for (size_t i = 0; i < config->drive_count; i++) {
		const struct drive_settings settings = {
			.identity = config->drives[i].identity,
			.generation = config->drives[i].model->generation,
			.element = config->drives[i].address,
			.buffer = library->service->settings.buffer,
			.pool = library->service->pool,
			.encryption = config->encryption,
			.event = library_drive_event,
			.context = library,
		};
		int error = drive_new(&settings, &library->drives[i]);

		if (error)
			return error;
	}
	return 0;
}

/* In the order of their places, which need not be that of their LUNs. */
static void library_sort_drives(const struct library *library, struct changer_drive *drives)
{
	const struct library_config *config = &library->config;

	for (size_t i = 0; i < config->drive_count; i++) {
		size_t place = 0;

		for (size_t k = 0; k < config->drive_count; k++)
			place += config->drives[k].address < config->drives[i].address;
		drives[place] = (struct changer_drive){
			.drive = library->drives[i],
			.identity = &config->drives[i].identity,
			.load = library_robot_load,
			.unload = library_robot_unload,
		};
	}
}

static int library_make_changer(struct library *library)
{
	const struct library_config *config = &library->config;
	CLEANUP_FREE struct changer_drive *drives =
		mem_try_zalloc(config->drive_count, sizeof(*drives));
	const struct changer_settings settings = {
		.identity = config->identity,
		.personality = config->personality,
		.elements = config->elements,
		.element_count = config->element_count,
		.drives = drives,
		.drive_count = config->drive_count,
		.pool = library->service->pool,
		.context = library,
		.cartridge_path = library_cartridge_path,
		.volume_kind = library_volume_kind,
		.save = library_save,
		.hook = library_hook,
	};

	if (!drives)
		return -ENOMEM;
	library_sort_drives(library, drives);
	int error = changer_new(&settings, &library->changer);
	for (size_t i = 0; i < config->drive_count && !error; i++)
		drive_set_automation(library->drives[i],
				     changer_lu(library->changer)->identity.serial);
	return error;
}

/* Every unit gets its reservations back before an initiator can reach it. */
static int library_attach_reservations(struct library *library)
{
	int error = reservations_open(library->path, &library->reservations);

	if (!error)
		error = reservations_attach(library->reservations, changer_lu(library->changer));
	for (size_t i = 0; i < library->config.drive_count && !error; i++)
		error = reservations_attach(library->reservations, drive_lu(library->drives[i]));
	return error;
}

static int library_make_target(struct library *library)
{
	const struct library_config *config = &library->config;
	int error;

	library->target = scsi_target_new(config->iqn, config->uuid);
	if (!library->target)
		return -ENOMEM;
	error = scsi_target_add(library->target, 0, changer_lu(library->changer));
	for (size_t i = 0; i < config->drive_count && !error; i++)
		error = scsi_target_add(library->target, (uint8_t)(i + 1),
					drive_lu(library->drives[i]));
	if (!error)
		error = iscsi_target_add(library->service->server, library->target,
					 access_list_rows(&config->access), config->access.count);
	return error;
}

/* All that does not concern initiators any more. */
static void library_free(struct library *library)
{
	if (library->target) {
		for (size_t i = library->config.drive_count + 1; i > 0; i--)
			if (scsi_target_lu(library->target, (uint8_t)(i - 1)))
				scsi_target_remove(library->target, (uint8_t)(i - 1));
	}
	if (library->changer)
		changer_free(&library->changer);
	for (size_t i = 0; library->drives && i < library->config.drive_count; i++)
		if (library->drives[i])
			drive_free(&library->drives[i]);
	if (library->target)
		scsi_target_free(&library->target);
	reservations_close(&library->reservations);
	/* The last of the cartridges has been closed. */
	folder_release(library->config.tapes, &library->folder_fd);
	free(library->drives);
	free(library->path);
	library_config_clear(&library->config);
	pthread_mutex_destroy(&library->lock);
	free(library);
}

int library_hold_folder(const struct service *service, const char *name, const char *folder, int *fd,
			char message[LIBRARY_MESSAGE])
{
	char host[256] = "";

	gethostname(host, sizeof(host) - 1);
	CLEANUP_FREE char *who =
		mem_printf("library %s of granary-targetd, process %d on %s, state folder %s", name,
			   (int)getpid(), host, service->state);

	return folder_hold(folder, who, fd, message);
}

int library_open(struct service *service, struct library_config *config, const char *path,
		 int *folder_fd, struct library **library)
{
	struct library *new = mem_zalloc(sizeof(*new));
	int error;

	new->service = service;
	new->folder_fd = TAKE_FD(*folder_fd);
	new->path = mem_strdup(path);
	new->config = *config;
	*config = (struct library_config){0};
	pthread_mutex_init(&new->lock, NULL);
	error = library_make_drives(new);
	if (!error)
		error = library_make_changer(new);
	if (!error)
		error = library_attach_reservations(new);
	if (!error)
		error = library_make_target(new);
	if (error) {
		log_error("%s: the library cannot be served: %s", path, strerror(-error));
		library_free(new);
		return error;
	}
	log_info("%s: %s with %zu drives is %s", new->config.name, new->config.personality->title,
		 new->config.drive_count, new->config.iqn);
	*library = new;
	return 0;
}

/* ---- closing ------------------------------------------------------------------------------ */

#define REMOVAL_SECONDS 15 /* after which the log says what is waited for */

struct removal {
	pthread_mutex_t lock;
	pthread_cond_t done;
	bool removed;
};

static void library_removed(void *context)
{
	struct removal *removal = context;
	LOCK_SCOPE(&removal->lock);

	removal->removed = true;
	pthread_cond_signal(&removal->done);
}

/* False: not within REMOVAL_SECONDS. */
static bool removal_wait_locked(struct removal *removal)
{
	struct timespec until;
	int error = 0;

	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += REMOVAL_SECONDS;
	while (!removal->removed && error != ETIMEDOUT)
		error = pthread_cond_timedwait(&removal->done, &removal->lock, &until);
	return removal->removed;
}

static void library_end_sessions(struct library *library)
{
	struct removal removal = {.lock = PTHREAD_MUTEX_INITIALIZER,
				  .done = PTHREAD_COND_INITIALIZER};
	int error = iscsi_target_remove(library->service->server, library->config.iqn,
					library_removed, &removal);

	if (error) {
		log_error("%s: the target cannot be removed: %s", library->config.iqn,
			  strerror(-error));
		return;
	}
	/* They end when their commands have: a drive may wait for its tape's folder, which no time limits.
	 * The callback only takes removal.lock, on whichever thread it comes. */
	LOCK_SCOPE(&removal.lock);
	while (!removal_wait_locked(&removal))
		log_warning("%s: sessions have not ended yet: %zu", library->config.name,
			    library_sessions(library));
}

void library_stop(struct library *library)
{
	/* When the service ends the server has gone already, and the sessions with it. */
	if (!library->stopped && library->service->server)
		library_end_sessions(library);
	library->stopped = true;
}

void library_close(struct library **library)
{
	struct library *old = TAKE(*library);

	library_stop(old);
	library_free(old);
}

size_t library_sessions(struct library *library)
{
	struct iscsi_session_info *sessions = NULL;
	size_t all = 0, count = 0;

	if (iscsi_sessions(library->service->server, &sessions, &all))
		return 0;
	for (size_t i = 0; i < all; i++)
		count += !sessions[i].discovery &&
			 strcmp(sessions[i].target, library->config.iqn) == 0;
	free(sessions);
	return count;
}

int library_change(struct library *library,
		   int (*change)(struct library_config *config, void *context), void *context)
{
	struct library_config changed;
	int error;
	LOCK_SCOPE(&library->lock);

	error = library_config_copy(&library->config, &changed);
	if (error)
		return error;
	error = change(&changed, context);
	if (!error)
		error = library_config_save(library->path, &changed);
	if (error) {
		library_config_clear(&changed);
		return error;
	}
	/* Drives and counts stay where they are: others read them without the lock. */
	library->config.tape_size = changed.tape_size;
	library->config.recycle_days = changed.recycle_days;
	struct access_list access = library->config.access;

	library->config.access = changed.access;
	changed.access = access;
	library_config_clear(&changed);
	return 0;
}
