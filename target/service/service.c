/* SPDX-License-Identifier: MIT */
/* The service's own life, and the list of its libraries. */
#include "target/service/service.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "lib/base/cleanup.h"
#include "lib/base/file.h"
#include "lib/base/log.h"
#include "lib/base/mem.h"
#include "target/service/chores.h"
#include "target/service/names.h"
#include "target/service/tapes.h"

/* Durably: what is synced in it later is not lost with the folder. */
static int service_make_folder(const char *path, mode_t mode)
{
	CLEANUP_FREE char *copy = mem_strdup(path);
	bool fresh = access(path, F_OK) < 0;
	int error = file_make_directory(path, mode);

	return error || !fresh ? error : file_sync_directory(dirname(copy));
}

int service_make_folders(const char *path, mode_t mode)
{
	CLEANUP_FREE char *copy = mem_strdup(path);

	for (char *p = strchr(copy + 1, '/'); p; p = strchr(p + 1, '/')) {
		*p = '\0';
		int error = service_make_folder(copy, 0755);

		if (error)
			return error;
		*p = '/';
	}
	return service_make_folder(path, mode);
}

char *service_library_path(const struct service *service, const char *name)
{
	return mem_printf("%s/libraries/%s.conf", service->state, name);
}

static bool service_is_stopping(void *context)
{
	const struct service *service = context;

	return daemon_is_stopping(service->daemon);
}

void service_sweep(struct service *service, const char *folder)
{
	cartridge_work_sweep(folder, service_is_stopping, service);
}

/* ---- the list ----------------------------------------------------------------------------- */

struct library *library_find(struct service *service, const char *name)
{
	struct library *library;
	LOCK_SCOPE(&service->lock);

	LIST_FOREACH(library, &service->libraries, link)
	{
		if (strcmp(library->config.name, name) == 0) {
			library->users++;
			return library;
		}
	}
	return NULL;
}

struct library *library_at(struct service *service, size_t n)
{
	struct library *library;
	LOCK_SCOPE(&service->lock);

	LIST_FOREACH(library, &service->libraries, link)
	{
		if (n-- == 0) {
			library->users++;
			return library;
		}
	}
	return NULL;
}

struct library *library_of_folder(struct service *service, const char *folder)
{
	struct library *library;

	for (size_t n = 0; (library = library_at(service, n)) != NULL; n++) {
		if (strcmp(library->config.tapes, folder) == 0)
			return library;
		library_release(&library);
	}
	return NULL;
}

void library_release(struct library **library)
{
	struct library *released = TAKE(*library);

	if (!released)
		return;
	LOCK_SCOPE(&released->service->lock);

	released->users--;
	pthread_cond_broadcast(&released->service->unused);
}

void library_list(struct library *library)
{
	struct service *service = library->service;
	struct library *other, *before = NULL;
	LOCK_SCOPE(&service->lock);

	LIST_FOREACH(other, &service->libraries, link)
	{
		if (strcmp(other->config.name, library->config.name) > 0)
			break;
		before = other;
	}
	if (before)
		LIST_INSERT_AFTER(before, library, link);
	else
		LIST_INSERT_HEAD(&service->libraries, library, link);
	library->listed = true;
}

void library_unlist(struct library *library)
{
	struct service *service = library->service;
	LOCK_SCOPE(&service->lock);

	if (library->listed)
		LIST_REMOVE(library, link);
	library->listed = false;
	library->users--;
	pthread_cond_broadcast(&service->unused);
}

int library_clone_begin(struct library *library)
{
	LOCK_SCOPE(&library->service->lock);

	if (!library->listed)
		return -EBUSY;
	library->clones++;
	return 0;
}

void library_clone_end(struct library *library)
{
	LOCK_SCOPE(&library->service->lock);

	library->clones--;
}

unsigned library_clones(struct library *library)
{
	LOCK_SCOPE(&library->service->lock);

	return library->clones;
}

bool library_is_listed(struct library *library)
{
	LOCK_SCOPE(&library->service->lock);

	return library->listed;
}

void library_wait(struct library *library)
{
	struct service *service = library->service;
	LOCK_SCOPE(&service->lock);

	while (library->users)
		pthread_cond_wait(&service->unused, &service->lock);
}

bool service_serial_is_used(void *context, const char *serial)
{
	struct service *service = context;
	struct library *library;
	LOCK_SCOPE(&service->lock);

	LIST_FOREACH(library, &service->libraries, link)
	{
		if (strcmp(library->config.identity.serial, serial) == 0)
			return true;
		for (size_t i = 0; i < library->config.drive_count; i++)
			if (strcmp(library->config.drives[i].identity.serial, serial) == 0)
				return true;
	}
	return false;
}

/* ---- start -------------------------------------------------------------------------------- */

/* Two daemons would take each other's unfinished tapes for left-overs. */
static int service_lock_tapes(struct service *service)
{
	service->tapes_fd = open(service->tapes, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (service->tapes_fd >= 0 && flock(service->tapes_fd, LOCK_EX | LOCK_NB) < 0 &&
	    errno == EWOULDBLOCK) {
		log_error("%s: another granary-targetd has its tapes in this folder", service->tapes);
		return -EBUSY;
	}
	return 0;
}

static int service_open_state(struct service *service)
{
	CLEANUP_FREE char *lock = mem_printf("%s/lock", service->settings.state);
	CLEANUP_FREE char *libraries = mem_printf("%s/libraries", service->settings.state);
	int error = service_make_folders(service->settings.state, 0750);

	if (!error)
		error = file_lock(lock, &service->lock_fd);
	if (error == -EWOULDBLOCK) {
		log_error("%s: another granary-targetd runs on this state folder",
			  service->settings.state);
		return -EBUSY;
	}
	if (!error)
		error = service_make_folder(libraries, 0750);
	if (error) {
		log_error("%s: the state folder cannot be used: %s", service->settings.state,
			  strerror(-error));
		return error;
	}
	service->state = realpath(service->settings.state, NULL);
	error = service_make_folders(service->settings.tapes, 0750);
	if (!error)
		service->tapes = realpath(service->settings.tapes, NULL);
	if (!error && service->state && service->tapes)
		return service_lock_tapes(service);
	error = error ? error : -errno;
	log_error("%s: the folder of the tapes cannot be used: %s", service->settings.tapes,
		  strerror(-error));
	return error;
}

static int service_make_server(struct service *service)
{
	const struct service_settings *s = &service->settings;
	const struct iscsi_settings settings = {
		.threads = (unsigned)s->threads,
		.sessions_max = (unsigned)s->sessions,
		.login_seconds = (uint32_t)s->login_seconds,
		.ping_seconds = (uint32_t)s->ping_seconds,
		.header_digest = s->header_digest,
		.data_digest = s->data_digest,
		.alias = s->alias,
	};
	CLEANUP_FREE char *discovery = mem_printf("%s/discovery.conf", service->state);
	char message[LIBRARY_MESSAGE];
	int error = access_list_load(discovery, &service->discovery, message);

	if (error) {
		log_error("%s", message);
		return error;
	}
	error = iscsi_server_new(&settings, &service->server);
	if (!error)
		error = iscsi_discovery_access(service->server, access_list_rows(&service->discovery),
					       service->discovery.count);
	if (error)
		log_error("the iSCSI server cannot be started: %s", strerror(-error));
	return error;
}

static int service_is_library(const struct dirent *entry)
{
	size_t length = strlen(entry->d_name);

	return entry->d_name[0] != '.' && length > 5 &&
	       strcmp(entry->d_name + length - 5, ".conf") == 0;
}

/* One that cannot be read does not keep the others from running. */
static int service_load_libraries(struct service *service)
{
	CLEANUP_FREE char *folder = mem_printf("%s/libraries", service->state);
	struct dirent **names = NULL;
	int count = scandir(folder, &names, service_is_library, alphasort);

	if (count < 0) {
		int error = -errno;

		log_error("%s: %s", folder, strerror(-error));
		return error;
	}
	for (int i = 0; i < count; i++) {
		names[i]->d_name[strlen(names[i]->d_name) - strlen(".conf")] = '\0';
		library_load(service, names[i]->d_name);
		free(names[i]);
	}
	free(names);
	return 0;
}

static int service_add_portal(struct service *service, const char *address, const char *advertised)
{
	CLEANUP_FREE char *whole = NULL;
	const char *colon = strrchr(address, ':');
	bool has_port = colon && (address[0] == '[' ? colon[-1] == ']' : strchr(address, ':') == colon);
	bool bare6 = colon && address[0] != '[' && strchr(address, ':') != colon;
	size_t count = 0;
	uint16_t port = 0;
	int error;

	whole = mem_printf(bare6 ? "[%s]%s" : "%s%s", address, has_port ? "" : ":3260");
	error = iscsi_portal_add(service->server, whole, advertised, 1, &port);
	if (error == -EINVAL)
		log_error("portal: \"%s\" is no address such as 192.0.2.7, 192.0.2.7:3260 or "
			  "[2001:db8::7]:3260", address);
	else if (error)
		log_error("%s: cannot listen there: %s", whole, strerror(-error));
	if (error)
		return error;
	while (service->portals && service->portals[count])
		count++;
	char **portals = mem_try_resize(service->portals, count + 2, sizeof(*portals));

	if (!portals)
		return -ENOMEM;
	service->portals = portals;
	portals[count] = mem_printf("%.*s:%u", (int)(strrchr(whole, ':') - whole), whole, (unsigned)port);
	portals[count + 1] = NULL;
	log_info("listening on %s", portals[count]);
	return 0;
}

/* Advertised addresses: one for all portals, or as many as there are portals. */
static int service_add_portals(struct service *service)
{
	CLEANUP_FREE char *list = mem_strdup(service->settings.portals);
	CLEANUP_FREE char *told = mem_strdup(service->settings.advertise ? service->settings.advertise : "");
	bool several = strchr(told, ',') != NULL;
	char *save, *save_told = NULL, *advertised = NULL;
	int error = 0;

	for (char *p = strtok_r(list, ", ", &save); p && !error; p = strtok_r(NULL, ", ", &save)) {
		if (!advertised || several)
			advertised = strtok_r(save_told ? NULL : told, ", ", &save_told);
		if (several && !advertised) {
			log_error("advertise: one address for all portals, or one for each");
			return -EINVAL;
		}
		error = service_add_portal(service, p, advertised);
	}
	if (!error && !service->portals) {
		log_error("portal: there is no address in \"%s\"", service->settings.portals);
		return -EINVAL;
	}
	return error;
}

/* ---- start and stop ----------------------------------------------------------------------- */

int service_start(struct daemon *daemon, const struct service_settings *settings,
		  struct service **service)
{
	struct service *new = mem_zalloc(sizeof(*new));
	CLEANUP_FREE char *hooks = NULL;
	int error;

	new->daemon = daemon;
	new->settings = *settings;
	new->lock_fd = new->tapes_fd = -1;
	pthread_mutex_init(&new->admin, NULL);
	pthread_mutex_init(&new->lock, NULL);
	pthread_cond_init(&new->unused, NULL);
	LIST_INIT(&new->libraries);
	LIST_INIT(&new->failed);
	new->pool = scsi_buffer_pool_new(settings->buffer ? settings->buffer : 64 << 20);
	error = new->pool ? service_open_state(new) : -ENOMEM;
	if (!error) {
		hooks = mem_printf("%s/hooks.d", new->state);
		error = hooks_new(hooks, (unsigned)settings->hook_seconds, &new->hooks);
		if (error)
			log_error("%s: %s", hooks, strerror(-error));
	}
	if (!error) {
		service_sweep(new, new->tapes);
		error = service_make_server(new);
	}
	if (!error)
		error = service_load_libraries(new);
	if (!error)
		error = service_add_portals(new);
	if (!error)
		error = chores_start(new, &new->chores);
	if (error) {
		service_stop(&new);
		return error;
	}
	*service = new;
	return 0;
}

void service_stop(struct service **service)
{
	struct service *old = TAKE(*service);
	struct library *library;

	if (old->server) {
		LOCK_SCOPE(&old->admin); /* the chores' thread may be about to serve another one */
		iscsi_server_free(&old->server);
	}
	/* The chores' thread may still look at libraries: it is waited for, but not before their drives are done. */
	while ((library = library_at(old, 0)) != NULL) {
		library_unlist(library);
		library_wait(library);
		library_close(&library);
	}
	chores_end(&old->chores);
	failed_clear(old);
	hooks_free(&old->hooks);
	if (old->pool)
		scsi_buffer_pool_free(&old->pool);
	for (char **p = old->portals; p && *p; p++)
		free(*p);
	free(old->portals);
	access_list_clear(&old->discovery);
	if (old->lock_fd >= 0)
		close(old->lock_fd);
	if (old->tapes_fd >= 0)
		close(old->tapes_fd);
	pthread_cond_destroy(&old->unused);
	pthread_mutex_destroy(&old->lock);
	pthread_mutex_destroy(&old->admin);
	free(old->state);
	free(old->tapes);
	free(old);
}
