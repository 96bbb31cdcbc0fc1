/* SPDX-License-Identifier: MIT */
/*
 * Any text as cartridge.conf, as it is and with its checksum made right: what is accepted keeps
 * to the limits and is the same after it has been written and read again.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/assert.h"
#include "lib/base/crc32c.h"
#include "target/tape/cartridge_conf.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* libconfig forgets the string that it was in when the text ends too early. */
const char *__lsan_default_suppressions(void);
const char *__lsan_default_suppressions(void)
{
	return "leak:libconfig.so\n";
}

static void try_text(const char *text, size_t size)
{
	struct cartridge_conf conf = {0}, again;
	char *written;
	if (conf_decode(text, size, &conf) != 0)
		return;
	ASSERT(conf_validate(&conf.info) == 0);
	ASSERT(conf_encode(&conf, &written, &size) == 0);
	ASSERT(conf_decode(written, size, &again) == 0);
	ASSERT(memcmp(&conf.info, &again.info, sizeof(conf.info)) == 0 && conf.epoch == again.epoch);
	free(written);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = malloc(size + 64);
	if (!text || size > 65536) {
		free(text);
		return 0;
	}
	if (size)
		memcpy(text, data, size);
	text[size] = 0;
	try_text(text, size);
	char *line = size > 1 ? memrchr(text, '\n', size - 1) : NULL;
	if (line) {
		size = (size_t)(line + 1 - text);
		size += (size_t)sprintf(text + size, "checksum = \"crc32c:%08" PRIx32 "\";\n",
					crc32c(0, text, size));
		try_text(text, size);
	}
	free(text);
	return 0;
}
