/* SPDX-License-Identifier: MIT */
/*
 * Personalities: which product a library or a drive says that it is. Tables;
 * the differences that hosts see are columns, so that a new one is a row.
 */
#ifndef TARGET_CHANGER_PERSONALITY_H
#define TARGET_CHANGER_PERSONALITY_H

#include <stdbool.h>
#include <stdint.h>

struct personality {
	const char *name;	 /* "stk-l700" */
	const char *title;	 /* "STK L700" */
	char vendor[9], product[17], revision[5];
	uint16_t first_transport, first_import_export, first_drive, first_storage;
	uint8_t barcode_length;	 /* characters that hosts get of an LTO barcode: 8, or 6 without the medium */
	/* READ ELEMENT STATUS, DVCID: the drive's T10 id (34 bytes) or its serial number alone. */
	bool identifier_is_serial;
	bool identifier_always;	 /* given without DVCID too */
	bool inquiry_barcode;	 /* INQUIRY byte 55 bit 0: has a bar code reader */
	bool serial_has_storage; /* VPD 80h and 83h: the serial ends with the first storage address in hex */
	const char *serial_suffix; /* and with this: the logical library, "_LL0"; or "" */
	const char *drive;	 /* the usual one: "ibm-td8" */
};
/* Of a static table. NULL: none has this name. */
const struct personality *personality_find(const char *name);
const struct personality *personality_at(unsigned n); /* NULL after the last */

struct drive_model {
	const char *name;	/* "ibm-td8" */
	char vendor[9], product[17], revision[5];
	uint8_t generation;	/* LTO: 4..9 */
};
const struct drive_model *drive_model_find(const char *name); /* likewise */
const struct drive_model *drive_model_at(unsigned n);

#endif
