/* SPDX-License-Identifier: MIT */
/*
 * Any bytes as a file of CHAP secrets: it is refused with a sentence, or each row that has a user has a
 * secret, which is the file's own or one that nobody knows; written and read again they are the same.
 */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/assert.h"
#include "lib/base/file.h"
#include "lib/base/log.h"
#include "lib/base/secret.h"
#include "target/service/library.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct iscsi_access rows[] = {
	{.user = "u"},
	{.initiator = "iqn.a", .network = "10.0.0.0/8", .user = "u", .mutual_user = "m"},
	{.initiator = "iqn.b"},
};
#define ROWS (sizeof(rows) / sizeof(rows[0]))

static void list_fill(struct access_list *list)
{
	*list = (struct access_list){.count = ROWS};
	list->rows = secret_alloc(ROWS, sizeof(*list->rows));
	ASSERT(list->rows != NULL);
	memcpy(list->rows, rows, sizeof(rows));
}

static void row_check(const struct iscsi_access *row, const uint8_t *data, size_t size)
{
	size_t length = strnlen(row->secret, sizeof(row->secret));
	ASSERT(length < sizeof(row->secret));
	ASSERT(strnlen(row->mutual_secret, sizeof(row->mutual_secret)) < sizeof(row->mutual_secret));
	ASSERT((row->user[0] != '\0') == (length > 0) && (row->mutual_user[0] != '\0') == (row->mutual_secret[0] != '\0'));
	/* A made-up one has 64 characters. */
	ASSERT(!length || length == 64 || memmem(data, size, row->secret, length));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char path[] = "/tmp/granary-fuzz-secrets.XXXXXX", message[LIBRARY_MESSAGE] = "";
	struct access_list list, again;
	int fd = mkstemp(path);
	log_set_level(LOG_LEVEL_ERROR - 1);
	ASSERT(fd >= 0 && (!size || file_pwrite(fd, data, size, 0) == 0));
	list_fill(&list);
	if (access_secrets_load(path, &list, message) == 0) {
		for (size_t i = 0; i < ROWS; i++)
			row_check(&list.rows[i], data, size);
		ASSERT(access_secrets_save(path, &list) == 0);
		list_fill(&again);
		ASSERT(access_secrets_load(path, &again, message) == 0);
		ASSERT(memcmp(list.rows, again.rows, sizeof(rows)) == 0);
		access_list_clear(&again);
	} else {
		ASSERT(message[0] != '\0');
	}
	access_list_clear(&list);
	close(fd);
	unlink(path);
	return 0;
}
