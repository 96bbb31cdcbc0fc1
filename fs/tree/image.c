/* SPDX-License-Identifier: MIT */
/*
 * Disk images get the fixed layout: their blocks are rewritten in place and
 * stand at multiples of a block. Magic numbers of two bytes are not enough (a
 * Linux kernel has a boot sector's), so what surrounds them must fit as well.
 */
#include "fs/tree/image.h"

#include <string.h>

#define MBR_TABLE   446u
#define MBR_ENTRY   16u
#define EXT_SUPER   1024u

static const struct {
	uint16_t at, size;
	const char *magic;
} image_magics[] = {
	{0, 4, "QFI\xfb"}, {0, 4, "KDMV"}, {0, 8, "vhdxfile"}, {0, 8, "conectix"}, {512, 8, "EFI PART"},
};

/* Four partition entries, each empty or with a known status byte, one not empty. */
static bool image_has_partitions(const uint8_t *data, size_t size)
{
	unsigned used = 0;
	if (size < 512 || data[510] != 0x55 || data[511] != 0xaa)
		return false;
	for (unsigned i = 0; i < 4; i++) {
		const uint8_t *entry = data + MBR_TABLE + i * MBR_ENTRY;
		if (entry[0] != 0 && entry[0] != 0x80)
			return false;
		if (entry[4]) /* type; then it has a first sector and a length */
			used += memcmp(entry + 8, "\0\0\0\0", 4) && memcmp(entry + 12, "\0\0\0\0", 4);
		else if (memcmp(entry + 8, "\0\0\0\0\0\0\0\0", 8))
			return false;
	}
	return used > 0;
}

static bool image_has_ext(const uint8_t *data, size_t size)
{
	const uint8_t *super = data + EXT_SUPER;
	/* magic; block size 1 KiB << (0..6); revision 0 or 1 */
	return size >= 2 * EXT_SUPER && super[56] == 0x53 && super[57] == 0xef && super[24] <= 6 &&
	       memcmp(super + 25, "\0\0\0", 3) == 0 && super[76] <= 1 &&
	       memcmp(super + 77, "\0\0\0", 3) == 0;
}

bool image_is_likely(const uint8_t *data, size_t size)
{
	for (size_t i = 0; i < sizeof(image_magics) / sizeof(image_magics[0]); i++) {
		size_t end = (size_t)image_magics[i].at + image_magics[i].size;
		if (size >= end &&
		    memcmp(data + image_magics[i].at, image_magics[i].magic, image_magics[i].size) == 0)
			return true;
	}
	return image_has_partitions(data, size) || image_has_ext(data, size);
}
