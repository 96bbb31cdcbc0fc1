/* SPDX-License-Identifier: MIT */
/*
 * Any text as store.conf, as it is and with its checksum made right: what is accepted keeps to
 * the limits and is the same after it has been written and read again.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#include "fs/chunk/chunker.h"
#include "fs/store/superblock.h"
#include "lib/base/assert.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* libconfig forgets the string that it was in when the text ends too early. */
const char *__lsan_default_suppressions(void);
const char *__lsan_default_suppressions(void)
{
	return "leak:libconfig.so\n";
}

static void check_accepted(const struct superblock *sb)
{
	struct superblock again;
	char reason[SUPERBLOCK_REASON], *text;
	size_t size;
	ASSERT(sb->format == SUPERBLOCK_FORMAT && sb->cipher == 0);
	ASSERT(sb->chunk_average >= CHUNKER_AVERAGE_MIN &&
	       sb->chunk_average <= CHUNKER_AVERAGE_MAX);
	ASSERT(sb->pack_size >= sb->region_size && sb->segment_size >= sb->pack_size);
	ASSERT(memchr(sb->created, 0, sizeof(sb->created)) != NULL);
	if (superblock_encode(sb, &text, &size) != 0)
		return;
	ASSERT(superblock_decode(text, size, &again, reason) == 0);
	ASSERT(memcmp(sb, &again, sizeof(again)) == 0);
	free(text);
}

static void fuzz_text(const char *text, size_t size)
{
	struct superblock sb;
	char reason[SUPERBLOCK_REASON] = "";
	if (superblock_decode(text, size, &sb, reason) == 0)
		check_accepted(&sb);
	else
		ASSERT(reason[0] != 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char checksum[64];
	char *text = malloc(size + sizeof(checksum));
	if (!text || size > 65536) {
		free(text);
		return 0;
	}
	if (size)
		memcpy(text, data, size);
	text[size] = 0;
	fuzz_text(text, size);
	/* The last line again, as it should be. */
	char *line = size > 1 ? memrchr(text, '\n', size - 1) : NULL;
	if (line) {
		size = (size_t)(line + 1 - text);
		snprintf(checksum, sizeof(checksum), "checksum = \"xxh3:%016" PRIx64 "\";\n",
			 (uint64_t)XXH3_64bits(text, size));
		strcpy(text + size, checksum);
		fuzz_text(text, size + strlen(checksum));
	}
	free(text);
	return 0;
}
