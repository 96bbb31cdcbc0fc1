/* SPDX-License-Identifier: MIT */
/*
 * The LTO media. A drive writes its own generation and the one before; it reads one more
 * up to LTO-7; LTO-M8 is LTO-7's tape in LTO-8's format, for drives of that generation alone.
 */
#include "target/tape/media.h"

#include <stddef.h>
#include <string.h>
#include <strings.h>

#define TERABYTES_10(n) (UINT64_C(100000000000) * (n))

/* What the generations' data and WORM cartridges share. */
#define FORMAT(gen, code, bits, track_count, size, short_name, long_name)                          \
	.generation = (gen), .density = (code), .bits_per_mm = (bits), .tracks = (track_count),    \
	.width = 127, .capacity = TERABYTES_10(size), .density_name = (short_name),                \
	.description = (long_name), .organization = "LTO-CVE"
#define LTO4 FORMAT(4, 0x46, 12725, 896, 8, "U-416", "Ultrium 4/16T")
#define LTO5 FORMAT(5, 0x58, 15142, 1280, 15, "U-516", "Ultrium 5/16T")
#define LTO6 FORMAT(6, 0x5a, 15142, 2176, 25, "U-616", "Ultrium 6/16T")
#define LTO7 FORMAT(7, 0x5c, 19107, 3584, 60, "U-732", "Ultrium 7/32T")
#define LTOM FORMAT(8, 0x5d, 19107, 5376, 90, "U-M832", "Ultrium M8/32T")
#define LTO8 FORMAT(8, 0x5e, 20669, 6656, 120, "U-832", "Ultrium 8/32T")
#define LTO9 FORMAT(9, 0x60, 21459, 8960, 180, "U-932", "Ultrium 9/32T")

static const struct medium media[] = {
	{.name = "LTO-4", .suffix = "L4", .medium_type = 0x48, LTO4},
	{.name = "LTO-4-WORM", .suffix = "LU", .medium_type = 0x4c, .worm = true, LTO4},
	{.name = "LTO-5", .suffix = "L5", .medium_type = 0x58, LTO5},
	{.name = "LTO-5-WORM", .suffix = "LV", .medium_type = 0x5c, .worm = true, LTO5},
	{.name = "LTO-6", .suffix = "L6", .medium_type = 0x68, LTO6},
	{.name = "LTO-6-WORM", .suffix = "LW", .medium_type = 0x6c, .worm = true, LTO6},
	{.name = "LTO-7", .suffix = "L7", .medium_type = 0x78, LTO7},
	{.name = "LTO-7-WORM", .suffix = "LX", .medium_type = 0x7c, .worm = true, LTO7},
	{.name = "LTO-M8", .suffix = "M8", .medium_type = 0x78, LTOM},
	{.name = "LTO-8", .suffix = "L8", .medium_type = 0x88, LTO8},
	{.name = "LTO-8-WORM", .suffix = "LY", .medium_type = 0x8c, .worm = true, LTO8},
	{.name = "LTO-9", .suffix = "L9", .medium_type = 0x98, LTO9},
	{.name = "LTO-9-WORM", .suffix = "LZ", .medium_type = 0x9c, .worm = true, LTO9},
	{.name = "CLEAN", .suffix = "CU", .medium_type = 0x01, .cleaning = true, .width = 127,
	 .density_name = "", .description = "Cleaning cartridge", .organization = "LTO-CVE"},
};
#define MEDIA (sizeof(media) / sizeof(media[0]))

const struct medium *medium_at(unsigned n)
{
	return n < MEDIA ? &media[n] : NULL;
}

const struct medium *medium_find(const char *name)
{
	for (unsigned n = 0; n < MEDIA; n++)
		if (strcasecmp(media[n].name, name) == 0)
			return &media[n];
	return NULL;
}

const struct medium *medium_of_barcode(const char *barcode)
{
	size_t length = strlen(barcode);
	if (strncasecmp(barcode, "CLN", 3) == 0)
		return medium_find("CLEAN");
	if (length < 3)
		return NULL;
	for (unsigned n = 0; n < MEDIA; n++)
		if (strcasecmp(media[n].suffix, barcode + length - 2) == 0)
			return &media[n];
	return NULL;
}

enum medium_access medium_access(uint8_t drive_generation, const struct medium *medium)
{
	if (medium->cleaning)
		return MEDIUM_READ;
	if (medium->density == 0x5d)
		return drive_generation == 8 ? MEDIUM_WRITE : MEDIUM_NONE;
	if (medium->generation > drive_generation)
		return MEDIUM_NONE;
	unsigned older = drive_generation - medium->generation;
	if (older <= 1)
		return MEDIUM_WRITE;
	return older == 2 && drive_generation <= 7 ? MEDIUM_READ : MEDIUM_NONE;
}
