/* SPDX-License-Identifier: MIT */
/*
 * Libraries: what granary-targetd keeps about each, and the devices that it makes
 * of it. One file for each in STATE/libraries/NAME.conf (libconfig; a person can
 * read it), replaced atomically with every change; secrets in NAME.secrets (0600).
 *
 *   STATE/libraries/NAME.conf      identities, elements, sizes, access (without secrets)
 *   STATE/libraries/NAME.secrets   CHAP users and secrets
 *   STATE/libraries/NAME.reservations  persistent reservations that are kept (reservations.h)
 *   STATE/discovery.conf, .secrets who may ask for the names of all libraries
 *   TAPES/NAME/BARCODE/            the cartridges (granary-cartridge.5)
 *   TAPES/NAME/.deleted/           those that can still be restored
 *   STATE/hooks.d/{load,unload,eject,full}
 */
#ifndef TARGET_SERVICE_LIBRARY_H
#define TARGET_SERVICE_LIBRARY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "target/changer/changer.h"
#include "target/changer/personality.h"
#include "target/iscsi/iscsi.h"
#include "target/tape/drive.h"

#define LIBRARY_NAME_MAX    63u
#define LIBRARY_DRIVES_MAX  60u
#define LIBRARY_ACCESS_MAX  4096u
#define LIBRARY_RECYCLE_MAX 36500u /* days */
#define LIBRARY_MESSAGE	    512u   /* of a sentence that may have a path in it */
#define LIBRARY_VERSION	    1u	   /* of the files */
#define LIBRARY_DISCOVERY   "discovery" /* no library has this name */

struct library_drive {
	struct scsi_identity identity;
	const struct drive_model *model;
	uint16_t address;
};

/* All zero: open to everybody. */
struct access_list {
	struct iscsi_access *rows;
	size_t count;
	bool closed; /* whom no row matches is refused; whenever there are rows, and without any too */
};

/* What is saved. */
struct library_config {
	char name[LIBRARY_NAME_MAX + 1];
	char iqn[SCSI_NAME_MAX];
	char tapes[4096]; /* the folder of its cartridges */
	uint8_t uuid[16];
	struct scsi_identity identity;
	const struct personality *personality;
	struct library_drive *drives; /* by LUN, from 1 */
	size_t drive_count;
	struct element *elements; /* sorted by address */
	size_t element_count;
	struct access_list access;
	uint64_t tape_size; /* bytes, of new tapes; 0: the medium's native capacity */
	bool encryption;
	uint32_t recycle_days; /* a deleted tape can be restored so long */
};

/* PATH is that of NAME.conf; the secrets are beside it. 0, or -errno and a sentence that names file
 * and line. */
int library_config_load(const char *path, struct library_config *config,
			char message[LIBRARY_MESSAGE]);
/* The same from memory, without the secrets. */
int library_config_parse(const char *path, const char *text, struct library_config *config,
			 char message[LIBRARY_MESSAGE]);
/* NAME.conf alone. -errno, logged. */
int library_config_save(const char *path, const struct library_config *config);
void library_config_clear(struct library_config *config);
/* -ENOMEM. */
int library_config_copy(const struct library_config *config, struct library_config *copy);
/* 0, or -EINVAL and a sentence: counts, addresses, barcodes, names that cannot be. */
int library_config_check(const struct library_config *config, char message[256]);

/* Of the configuration; NULL: there is no such address. */
struct element *library_config_element(const struct library_config *config, uint16_t address);
/* Elements by address, as the changer wants them. */
void library_config_sort(struct library_config *config);

/* ---- access rows (access.c) -------------------------------------------------------------- */

/* Secrets go into a file of their own, with the rows that they belong to: a row is found again by
 * initiator, network and user (secrets_file.c). -errno, and a sentence. */
int access_secrets_load(const char *path, struct access_list *list, char message[LIBRARY_MESSAGE]);
/* -errno, logged. */
int access_secrets_save(const char *path, const struct access_list *list);
/* A file of access rows alone: STATE/discovery.conf. One that is not there has no rows. */
int access_list_load(const char *path, struct access_list *list, char message[LIBRARY_MESSAGE]);
int access_list_save(const char *path, const struct access_list *list);
/* Adds the row, or replaces the one with the same initiator and network; the list is closed from
 * then on. -ENOMEM, -E2BIG. */
int access_list_put(struct access_list *list, const struct iscsi_access *row);
/* Whoever was let in by the row is not any more: the list stays closed. -ENOENT. */
int access_list_remove(struct access_list *list, const char *initiator, const char *network);
int access_list_copy(const struct access_list *list, struct access_list *copy);
/* The rows of `first`, then those of `then` whose user or secrets are others; for access_secrets_save() while
 * one list takes the other's place. -ENOMEM. */
int access_list_join(const struct access_list *first, const struct access_list *then, struct access_list *both);
/* What iscsi_target_access() takes for the list: NULL for an open one. */
const struct iscsi_access *access_list_rows(const struct access_list *list);
/* Open again. Secrets are overwritten before the memory goes back. */
void access_list_clear(struct access_list *list);
/* 0, or -EINVAL and a sentence. */
int access_row_check(const struct iscsi_access *row, char message[256]);

#endif
