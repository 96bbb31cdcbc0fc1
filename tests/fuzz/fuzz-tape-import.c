/* SPDX-License-Identifier: MIT */
/*
 * Any bytes as a tape of another format: it ends, at its end or with words for what is wrong, and gives only
 * blocks of a tape's sizes. The first byte says which format; tgt's checksums are made right, so that what is behind them
 * is reached. A tape of mhvtl has its indx before its data. The same bytes as a block are looked at for labels.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/assert.h"
#include "lib/base/bytes.h"
#include "lib/base/crc32c.h"
#include "target/tool/label.h"
#include "target/tool/source.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define TGT_HEAD   48u
#define TGT_MEMORY 1104u
#define RECORD	   512u

static char folder[] = "/tmp/granary-fuzz-XXXXXX";

static void folder_remove(void)
{
	char name[64];

	snprintf(name, sizeof(name), "%s/indx", folder);
	unlink(name);
	snprintf(name, sizeof(name), "%s/data", folder);
	unlink(name);
	rmdir(folder);
}

static bool folder_make(void)
{
	static bool made;

	if (!made && mkdtemp(folder)) {
		made = true;
		atexit(folder_remove);
	}
	return made;
}

static bool folder_write(const char *name, const uint8_t *data, size_t size)
{
	char path[64];
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	file = fopen(path, "w");
	if (!file)
		return false;
	fwrite(data, 1, size, file);
	return fclose(file) == 0;
}

/* Headers one behind another get the checksum and the place that they are to have. */
static void tgt_repair(uint8_t *data, size_t size)
{
	size_t at = 0;

	while (at + TGT_HEAD <= size) {
		size_t next = at == 0 ? TGT_HEAD + TGT_MEMORY
				      : at + TGT_HEAD + (be_get32(data + at + 4) & 0xfff);
		uint32_t crc;

		be_put64(data + at + 32, at);
		be_put64(data + at + 40, next);
		crc = crc32c(0, data + at + 4, TGT_HEAD - 4);
		for (int i = 0; i < 4; i++)
			data[at + (size_t)i] = (uint8_t)(crc >> 8 * i);
		at = next;
	}
}

static void source_drain(struct source *source)
{
	struct source_item item = {.kind = SOURCE_FILEMARK};
	int error = 0;

	while (!error && item.kind != SOURCE_END) {
		error = source_next(source, &item);
		if (!error && item.kind == SOURCE_BLOCK) {
			uint8_t sum = 0;

			ASSERT(item.size > 0 && item.size <= CARTRIDGE_BLOCK_MAX);
			for (uint32_t i = 0; i < item.size; i++)
				sum ^= item.data[i];
			/* That all of it may be read is what matters. */
			ASSERT(sum == (sum & 0xff));
		}
	}
	ASSERT(!error || source->trouble[0]);
	source_close(source);
}

static void try_file(const struct source_class *class, uint8_t *data, size_t size)
{
	struct source source = {.name = "fuzz", .size = size};
	size_t head = size < SOURCE_HEAD ? size : SOURCE_HEAD;
	FILE *file = fmemopen(data, size, "r");

	class->recognise(data, head, size);
	if (file && source_start(&source, class, file) == 0)
		source_drain(&source);
}

static void try_folder(const uint8_t *data, size_t size)
{
	struct source source = {.name = folder, .size = UINT64_MAX};
	size_t records = size > 0 ? data[0] : 0, index = records * RECORD;

	if (size < 1 + index || !folder_make() || !folder_write("indx", data + 1, index) ||
	    !folder_write("data", data + 1 + index, size - 1 - index))
		return;
	if (source_start(&source, &source_mhvtl, NULL) == 0)
		source_drain(&source);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t *copy;
	char words[128];

	if (size < 2 || size > 1u << 20)
		return 0;
	copy = malloc(size - 1);
	if (!copy)
		return 0;
	memcpy(copy, data + 1, size - 1);
	label_recognise(copy, size - 1, words, sizeof(words));
	switch (data[0] & 3) {
	case 0:
		try_file(&source_simh, copy, size - 1);
		break;
	case 1:
		try_file(&source_aws, copy, size - 1);
		break;
	case 2:
		tgt_repair(copy, size - 1);
		try_file(&source_tgt, copy, size - 1);
		break;
	default:
		try_folder(copy, size - 1);
		break;
	}
	free(copy);
	return 0;
}
