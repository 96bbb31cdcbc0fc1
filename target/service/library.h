/* SPDX-License-Identifier: MIT */
/*
 * Libraries: what granary-targetd keeps about each, and the devices that it makes
 * of it. One file for each in STATE/libraries/NAME.conf (libconfig; a person can
 * read it), replaced atomically with every change; secrets in NAME.secrets (0600).
 *
 *   STATE/libraries/NAME.conf      identities, elements, sizes, access (without secrets)
 *   STATE/libraries/NAME.secrets   CHAP users and secrets
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

#define LIBRARY_NAME_MAX   63u
#define LIBRARY_DRIVES_MAX 60u

struct library_drive {
	struct scsi_identity identity;
	const struct drive_model *model;
	uint16_t address;
};

/* What is saved. */
struct library_config {
	char name[LIBRARY_NAME_MAX + 1];
	char iqn[SCSI_NAME_MAX];
	char tapes[4096]; /* the folder of its cartridges */
	uint8_t uuid[16];
	struct scsi_identity identity;
	const struct personality *personality;
	struct library_drive *drives;
	size_t drive_count;
	struct element *elements;
	size_t element_count;
	struct iscsi_access *access;
	size_t access_count;
	uint64_t tape_size; /* bytes, of new tapes; 0: the medium's native capacity */
	bool encryption;
	uint32_t recycle_days; /* a deleted tape can be restored so long */
};

/* 0, -errno after a logged sentence that names file and line. */
int library_config_load(const char *path, struct library_config *config);
int library_config_save(const char *path, const struct library_config *config);
void library_config_clear(struct library_config *config);

#endif
