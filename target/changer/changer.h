/* SPDX-License-Identifier: MIT */
/*
 * A medium changer (SMC-3) over an inventory of elements. The changer knows
 * drives by a table of functions, so that it is tested without tape.
 *
 * The inventory is the truth about where each cartridge is; every change of it is
 * saved (changer_settings.save) before the move is answered, so that a restart
 * finds every cartridge where a host left it.
 */
#ifndef TARGET_CHANGER_CHANGER_H
#define TARGET_CHANGER_CHANGER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "target/scsi/scsi.h"

#define BARCODE_MAX 32u

/* SMC-3 table 2: element type codes. */
enum element_type { ELEMENT_TRANSPORT = 1, ELEMENT_STORAGE = 2, ELEMENT_IMPORT_EXPORT = 3, ELEMENT_DRIVE = 4 };

/* The medium type code of an element descriptor (SMC-3, READ ELEMENT STATUS). */
enum volume_kind { VOLUME_UNKNOWN = 0, VOLUME_DATA = 1, VOLUME_CLEANING = 2, VOLUME_WORM = 4 };

struct element {
	uint16_t address;
	enum element_type type;
	char barcode[BARCODE_MAX + 1]; /* "" when empty */
	enum volume_kind kind;	       /* of what is in it; found out by the changer, and not kept */
	uint16_t source;	       /* the storage element that it was moved from; 0 unknown */
	bool imported;		       /* ImpExp: an operator put it there */
	bool disabled;		       /* no access (Access bit 0) */
};

/* A drive as the robot sees it; drive_load() and drive_unload() fit. */
struct changer_drive {
	void *drive;
	const struct scsi_identity *identity;
	int (*load)(void *drive, const char *cartridge_path);
	int (*unload)(void *drive, bool force);
};

struct changer_settings {
	struct scsi_identity identity;
	const struct personality *personality;
	/* Copied; sorted by address. Drives are in the order of `drives`. */
	const struct element *elements;
	size_t element_count;
	const struct changer_drive *drives;
	size_t drive_count;
	struct scsi_buffer_pool *pool;
	/* All may wait; called on the changer's worker with none of its locks held; context is theirs. */
	void *context;
	/* The folder of a cartridge. -ENOENT when there is none of that barcode. */
	int (*cartridge_path)(void *context, const char *barcode, char *path, size_t size);
	/* What a cartridge is, by its own word; VOLUME_UNKNOWN when it does not say, so that its barcode
	 * has to. Asked once, when the changer gets the cartridge. May be NULL. */
	enum volume_kind (*volume_kind)(void *context, const char *barcode);
	/* Makes the inventory durable. */
	int (*save)(void *context, const struct element *elements, size_t count);
	/* A hook: "load" when a drive has got the tape, "unload" when it is out, both after the inventory
	 * is saved, "eject" before a tape goes to an import/export slot, or (`to` is NULL) is taken out of
	 * a storage slot; not 0 refuses an eject. May be NULL. */
	int (*hook)(void *context, const char *what, const char *barcode, const struct element *from,
		    const struct element *to);
};

struct changer;
/* Puts the tapes that the inventory has in drives into them; a drive that does not take its own
 * shows as abnormal to hosts, and its tape can be moved out of the element. 0, -ENOMEM, -EAGAIN, or
 * -EINVAL for elements that are no library (see target/changer/inventory.c). */
int changer_new(const struct changer_settings *settings, struct changer **changer);
void changer_free(struct changer **changer);
struct scsi_lu *changer_lu(struct changer *changer);

/* ---- for the operator (control socket); each may wait, in turn with the hosts' commands ---- */

/* -ENOENT no such element or source empty, -EEXIST destination full, -EACCES element disabled,
 * -EPERM removal prevented or refused by a hook, -EMEDIUMTYPE, or what drive or disk say; a sentence
 * in message. Hosts get 28h/00h. With any error but that of a drive's last writes ("was moved, but"),
 * everything is where it was. */
int changer_move(struct changer *changer, uint16_t from, uint16_t to, char message[256]);
/* Puts a cartridge in (import/export slot: ImpExp and 28h/01h, storage slot: 28h/00h) and out. An
 * address of 0 for put: the first free storage slot that no tape in a drive came from, returned in
 * *address; -ENOSPC when there is none. */
int changer_put(struct changer *changer, const char *barcode, uint16_t *address, char message[256]);
int changer_take(struct changer *changer, uint16_t address, char message[256]);
/* Only the tape of this barcode; -ENOENT when another has taken its place. */
int changer_take_tape(struct changer *changer, uint16_t address, const char *barcode, char message[256]);
/* An eject hook runs. Meanwhile all that move something are refused with -EBUSY: the hook may be who asks. */
bool changer_is_ejecting(struct changer *changer);
/* Copies the inventory: the caller's to free. */
int changer_inventory(struct changer *changer, struct element **elements, size_t *count);
const char *element_type_name(enum element_type type);

#endif
