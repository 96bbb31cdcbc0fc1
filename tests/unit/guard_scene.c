/* SPDX-License-Identifier: MIT */
#include "tests/unit/guard_scene.h"

#include <string.h>

void guard_page_of(uint8_t page[32], unsigned method, unsigned length, unsigned flags)
{
	memset(page, 0, 32);
	memcpy(page, "\x4a\xf0\x00\x1c", 4);
	page[4] = (uint8_t)method;
	page[5] = (uint8_t)length;
	page[6] = (uint8_t)flags;
}

void guard_protect(struct drive_scene *s, struct scsi_nexus *nexus, unsigned method, unsigned flags)
{
	uint8_t list[8 + 32] = {0, 0, 0, 0x10};
	guard_page_of(list + 8, method, method ? GUARD_SIZE : 0, method ? flags : 0);
	SEND(&s->r, nexus, list, sizeof(list), 0x55, 0x10, 0, 0, 0, 0, 0, 0, sizeof(list));
	assert_good(&s->r);
}

size_t guard_block(uint8_t *to, size_t size, unsigned seed, enum guard_method method)
{
	for (size_t i = 0; i < size; i++)
		to[i] = (uint8_t)(seed * 29 + i * 13 + (i >> 8));
	if (method)
		guard_put(method, to, size, to + size);
	return size + (method ? GUARD_SIZE : 0);
}

void guard_write(struct drive_scene *s, size_t size, unsigned seed, enum guard_method method)
{
	uint8_t data[4200];
	size_t length = guard_block(data, size, seed, method);
	SEND(&s->r, s->a, data, length, 0x0a, 0, 0, (uint8_t)(length >> 8), (uint8_t)length);
	assert_good(&s->r);
}

void guard_rewind(struct drive_scene *s, struct scsi_nexus *nexus)
{
	scene_rewind(s, nexus);
	scene_quiet(s, s->a);
}
