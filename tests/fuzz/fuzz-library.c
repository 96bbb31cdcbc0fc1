/* SPDX-License-Identifier: MIT */
/*
 * Any text as a library's file: what is taken obeys the rules of a library, and after it has been
 * written it is read as the same.
 */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/assert.h"
#include "lib/base/file.h"
#include "target/service/library.h"
#include "target/service/reader.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
const char *__lsan_default_suppressions(void);

/* libconfig forgets what its scanner has of a string, or of a name of a file, that does not end. */
const char *__lsan_default_suppressions(void)
{
	return "leak:strbuf_append\nleak:libconfig_yylex\n";
}

static void fuzz_again(const struct library_config *config)
{
	char path[] = "/tmp/granary-fuzz-library.XXXXXX", *text = NULL;
	struct library_config again;
	char reason[LIBRARY_MESSAGE];
	size_t length;
	int fd = mkstemp(path);

	ASSERT(fd >= 0);
	close(fd);
	ASSERT(library_config_save(path, config) == 0);
	ASSERT(file_read_all(path, READER_FILE_MAX, &text, &length) == 0);
	unlink(path);
	ASSERT(library_config_parse("again", text, &again, reason) == 0);
	ASSERT(strcmp(again.tapes, config->tapes) == 0 && again.drive_count == config->drive_count);
	ASSERT(memcmp(&again.identity, &config->identity, sizeof(again.identity)) == 0);
	ASSERT(again.element_count == config->element_count);
	ASSERT(memcmp(again.elements, config->elements,
		      again.element_count * sizeof(*again.elements)) == 0);
	ASSERT(again.access.count == config->access.count);
	library_config_clear(&again);
	free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = malloc(size + 1), message[256], reason[LIBRARY_MESSAGE];
	struct library_config config;

	ASSERT(text != NULL);
	memcpy(text, data, size);
	text[size] = '\0';
	if (library_config_parse("fuzz", text, &config, reason) == 0) {
		ASSERT(library_config_check(&config, message) == 0);
		fuzz_again(&config);
	}
	library_config_clear(&config);
	free(text);
	return 0;
}
