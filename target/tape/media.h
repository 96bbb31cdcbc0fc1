/* SPDX-License-Identifier: MIT */
/*
 * Media and drives of the LTO generations: one table each. Densities, medium
 * types and the REPORT DENSITY SUPPORT tuples of the formats; which drive reads
 * and writes what; barcode suffixes.
 */
#ifndef TARGET_TAPE_MEDIA_H
#define TARGET_TAPE_MEDIA_H

#include <stdbool.h>
#include <stdint.h>

struct medium {
	const char *name;	/* "LTO-8" */
	const char *suffix;	/* of barcodes: "L8"; WORM: "LY" */
	uint8_t generation;	/* 4..9; 0 of the cleaning cartridge, which every drive takes */
	uint8_t density;	/* code: 5Eh */
	uint8_t medium_type;	/* of the mode header: 88h; WORM 8Ch */
	bool worm, cleaning;
	uint32_t bits_per_mm, tracks;
	uint16_t width;		/* tenths of a millimetre */
	uint64_t capacity;	/* native, bytes */
	const char *density_name, *description, *organization;
};
/* Of a static table; NULL: none has this name. */
const struct medium *medium_find(const char *name);
/* By the last two characters of the barcode ("CLN..." is for cleaning whatever follows); NULL
 * when they say nothing. */
const struct medium *medium_of_barcode(const char *barcode);
/* The n-th, NULL after the last. */
const struct medium *medium_at(unsigned n);

enum medium_access { MEDIUM_NONE, MEDIUM_READ, MEDIUM_WRITE };
/* What a drive of that generation can do with the medium. Cleaning cartridges: MEDIUM_READ, it takes them. */
enum medium_access medium_access(uint8_t drive_generation, const struct medium *medium);

#endif
