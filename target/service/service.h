/* SPDX-License-Identifier: MIT */
/*
 * The service: all libraries of one state folder, behind one iSCSI server.
 *
 *   start: lock STATE -> server -> libraries -> portals      (no initiator sees half of them)
 *   stop:  portals and sessions -> libraries (drives flush) -> chores -> hooks
 *
 * Locks, in this order: service->admin (whoever makes, deletes or moves tapes and libraries about)
 * -> service->lock (the list, users of a library) -> library->lock (its configuration and file).
 * With service->admin held no changer is asked to move anything: it may wait for a drive for hours, and
 * an eject hook may call verbs that need it.
 * The changer's and the drives' workers call back into a library and take library->lock alone, so
 * nobody calls a changer or a drive with that one held.
 */
#ifndef TARGET_SERVICE_SERVICE_H
#define TARGET_SERVICE_SERVICE_H

#include <jansson.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/queue.h>

#include "lib/daemon/daemon.h"
#include "target/service/hooks.h"
#include "target/service/library.h"
#include "target/service/plan.h"
#include "target/service/reservations.h"

/* What the options of the daemon say. */
struct service_settings {
	char *state, *tapes, *portals, *advertise, *alias, *iqn_prefix;
	uint64_t threads, sessions, buffer, login_seconds, ping_seconds, hook_seconds;
	bool header_digest, data_digest;
};

struct library {
	LIST_ENTRY(library) link; /* service->lock */
	struct service *service;
	char *path;	/* STATE/libraries/NAME.conf */
	unsigned users; /* service->lock */
	bool listed;	/* service->lock */
	unsigned clones; /* service->lock: users that copy a tape of it, or to it */
	LIST_HEAD(, tape_placing) placings; /* service->lock: tapes that are on their way into a place */
	bool stopped;	/* its closer's: it has no sessions */
	int folder_fd;	/* of folder_hold() */

	pthread_mutex_t lock;
	struct library_config config; /* lock; what never changes while it runs needs none: name, iqn,
					 tapes, identities, personality, drives, counts, addresses */

	struct reservations *reservations;
	struct drive **drives;
	struct scsi_target *target;
	struct changer *changer;
};

struct service {
	struct daemon *daemon;
	struct service_settings settings;
	char *state, *tapes; /* absolute */
	int lock_fd, tapes_fd; /* of the state folder, and of that of the tapes */
	pthread_mutex_t admin;
	pthread_mutex_t lock;
	pthread_cond_t unused; /* a library has lost a user */
	LIST_HEAD(, library) libraries; /* lock; by name */
	LIST_HEAD(, failed_library) failed; /* admin and lock; by name: those that are not served */
	struct access_list discovery;	/* admin */
	struct iscsi_server *server;
	struct scsi_buffer_pool *pool;
	struct hooks *hooks;
	struct chores *chores;
	char **portals; /* "127.0.0.1:3260", as they listen; ends with NULL */
};

/* -EINVAL for settings that make no sense; logged. */
int service_start(struct daemon *daemon, const struct service_settings *settings,
		  struct service **service);
void service_stop(struct service **service);

/* A library by its name, kept until library_release(); NULL when there is none. */
struct library *library_find(struct service *service, const char *name);
/* The n-th by name; NULL after the last. */
struct library *library_at(struct service *service, size_t n);
/* The one that has its tapes in this folder, kept as well; NULL: none. */
struct library *library_of_folder(struct service *service, const char *folder);
void library_release(struct library **library);
#define CLEANUP_LIBRARY __attribute__((cleanup(library_release)))

/* STATE/libraries/NAME.conf; the caller's to free. */
char *service_library_path(const struct service *service, const char *name);
/* True when another device has it. */
bool service_serial_is_used(void *service, const char *serial);
/* As mkdir -p. */
int service_make_folders(const char *path, mode_t mode);
/* cartridge_work_sweep() until the daemon is to stop: what is left then goes after the next start. */
void service_sweep(struct service *service, const char *folder);

/* ---- life of a library (library.c) -------------------------------------------------------- */

/* Takes the folder of cartridges for the library, until library_close(): folder_hold(). */
int library_hold_folder(const struct service *service, const char *name, const char *folder, int *fd,
			char message[LIBRARY_MESSAGE]);
/* Makes its devices and offers it to initiators. Takes *config, and *folder_fd of that. -errno, logged. */
int library_open(struct service *service, struct library_config *config, const char *path,
		 int *folder_fd, struct library **library);
/* Ends its sessions, flushes its drives. */
void library_close(struct library **library);
/* Puts it into the list of those that are found, or takes it out, giving back a use of it. */
void library_list(struct library *library);
void library_unlist(struct library *library);
/* Who copies a tape, which may take hours, says so: -EBUSY when the library has been taken out of the list. */
int library_clone_begin(struct library *library);
void library_clone_end(struct library *library);
/* How many do so. */
unsigned library_clones(struct library *library);
bool library_is_listed(struct library *library);
/* Waits until nobody uses it; not with service->admin held. */
void library_wait(struct library *library);
/* Ends its sessions; it is not offered any more. library_close() does it by itself. */
void library_stop(struct library *library);
/* Saves what `change` does to a copy of the configuration; then it counts. */
int library_change(struct library *library,
		   int (*change)(struct library_config *config, void *context), void *context);

/* Sessions that initiators have with it. */
size_t library_sessions(struct library *library);

/* ---- making and ending libraries (create.c, manage.c) ------------------------------------------------ */

struct library_request {
	struct library_plan *plan;
	const char *medium;  /* NULL: that of the drives */
	const char *barcode; /* the beginning of the tapes' barcodes; NULL: "G" */
	uint64_t tapes;
	bool adopt; /* the cartridges that are in the folder already */
	bool force; /* although there are libraries of which it is not known what tapes they have */
};
/* Plans, saves and opens it, and makes its tapes; what was made is taken back on failure. *library is
 * the service's. -errno and a sentence. Waits. */
int library_create(struct service *service, const struct library_request *request,
		   struct library **library, char message[256]);
/* The cartridges stay, unless `purge`. */
int library_delete(struct service *service, const char *name, bool force, bool purge,
		   char message[256]);

/* Drives, slots and import/export slots of the plan; its encryption. Ends the sessions, if `force`. */
int library_resize(struct service *service, const char *name, const struct library_plan *plan,
		   bool force, char message[256]);

/* ---- libraries that are not served (failed.c) ------------------------------------------------ */

#define LIBRARY_FILE_MAX 256u /* bytes of the name of a file without .conf, and a NUL */

/* Opens the library of STATE/libraries/NAME.conf, and lists it among those that are served or that are
 * not. -errno, logged. */
int library_load(struct service *service, const char *name);
/* Tries one again that is not served. Takes service->admin. */
int library_reopen(struct service *service, const char *name, char message[256]);
/* 0, or why the folder of cartridges cannot be used. */
int library_folder_error(const char *folder);
/* A library that is closed to be changed stands there meanwhile; with a reason it stays there afterwards.
 * With service->admin held. */
void failed_change_begin(struct library *library);
void failed_change_end(struct service *service, const char *name, const char *reason);
/* What is known of the tapes of the n-th: by known_tapes_clear(); -ENOENT after the last, -ENOMEM. */
struct known_tapes;
int failed_tapes_at(struct service *service, size_t n, struct known_tapes *tapes);
void failed_forget(struct service *service, const char *name);
void failed_clear(struct service *service);
/* The n-th by name; false after the last. */
bool failed_at(struct service *service, size_t n, char name[LIBRARY_FILE_MAX],
	       char reason[LIBRARY_MESSAGE]);
bool failed_find(struct service *service, const char *name, char reason[LIBRARY_MESSAGE]);
/* Its file and its secrets; the cartridges stay. With service->admin held. */
int failed_delete(struct service *service, const char *name, bool purge, char message[256]);
/* Those whose folder is there by now. Takes service->admin. */
void failed_retry(struct service *service);

#endif
