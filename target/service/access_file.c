/* SPDX-License-Identifier: MIT */
/*
 * Access rows in files that everybody may read: without secrets, which are in a file beside it
 * (secrets_file.c). A row whose secret is not there lets nobody in.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/cleanup.h"
#include "lib/base/file.h"
#include "lib/base/log.h"
#include "lib/base/mem.h"
#include "lib/base/secret.h"
#include "target/service/access_io.h"
#include "target/service/names.h"

static const char *const row_names[] = {"initiator", "network", "user", "mutual_user", NULL};

static void access_read_row(struct reader *r, config_setting_t *group, struct iscsi_access *row)
{
	const char *wrong;

	reader_optional_text(r, group, "initiator", row->initiator, sizeof(row->initiator));
	reader_optional_text(r, group, "network", row->network, sizeof(row->network));
	reader_optional_text(r, group, "user", row->user, sizeof(row->user));
	reader_optional_text(r, group, "mutual_user", row->mutual_user, sizeof(row->mutual_user));
	if (r->error)
		return;
	wrong = name_check_initiator(row->initiator);
	if (wrong)
		reader_wrong(r, group, "an initiator %s", wrong);
	wrong = name_check_network(row->network);
	if (wrong)
		reader_wrong(r, group, "a network %s", wrong);
	if (!*row->user && *row->mutual_user)
		reader_wrong(r, group, "\"mutual_user\" needs \"user\"");
}

static void access_read_list(struct reader *r, config_setting_t *group, struct access_list *list)
{
	size_t count;
	config_setting_t *setting = reader_list(r, group, "access", LIBRARY_ACCESS_MAX, &count);

	if (!count)
		return;
	list->rows = secret_alloc(count, sizeof(*list->rows));
	if (!list->rows) {
		r->error = -ENOMEM;
		return;
	}
	list->count = count;
	for (unsigned i = 0; i < count && !r->error; i++) {
		config_setting_t *row = config_setting_get_elem(setting, i);

		reader_known(r, row, row_names);
		access_read_row(r, row, &list->rows[i]);
	}
}

void access_read(struct reader *r, config_setting_t *group, struct access_list *list)
{
	config_setting_t *setting = config_setting_get_member(group, "open");
	bool open;

	access_read_list(r, group, list);
	reader_flag(r, group, "open", &open);
	if (!r->error && open && list->count)
		reader_wrong(r, setting, "it cannot be open and have rows of access");
	list->closed = list->count || (setting && !open);
}

static void access_write_name(FILE *out, const char *name, const char *value)
{
	if (!*value)
		return;
	fprintf(out, " %s = ", name);
	text_write(out, value);
	putc(';', out);
}
static void access_write_rows(FILE *out, const struct access_list *list)
{
	fputs("access = (", out);
	for (size_t i = 0; i < list->count; i++) {
		const struct iscsi_access *row = &list->rows[i];

		fputs(i == 0 ? "\n\t{" : ",\n\t{", out);
		access_write_name(out, "initiator", row->initiator);
		access_write_name(out, "network", row->network);
		access_write_name(out, "user", row->user);
		access_write_name(out, "mutual_user", row->mutual_user);
		fputs(" }", out);
	}
	fputs("\n);\n", out);
}

void access_write(FILE *out, const struct access_list *list)
{
	fputs("\n# Who may log in: everybody, or whom a row matches; the first one that does counts.\n", out);
	fprintf(out, "open = %s;\n", list->closed ? "false" : "true");
	access_write_rows(out, list);
}

char *access_secrets_path(const char *path)
{
	size_t length = strlen(path);

	if (length > 5 && strcmp(path + length - 5, ".conf") == 0)
		length -= 5;
	return mem_printf("%.*s.secrets", (int)length, path);
}

/* NULL when it cannot be read. */
static char *access_read_text(const char *path, int *error, char message[LIBRARY_MESSAGE])
{
	char *text = NULL;
	size_t size = 0;

	*error = file_read_all(path, READER_FILE_MAX, &text, &size);
	if (!*error && strlen(text) != size)
		*error = -EBADMSG;
	if (*error && *error != -ENOENT)
		snprintf(message, LIBRARY_MESSAGE, "%s: it cannot be read: %s", path,
			 strerror(-*error));
	if (!*error)
		return text;
	free(text);
	return NULL;
}

int access_list_load(const char *path, struct access_list *list, char message[LIBRARY_MESSAGE])
{
	CLEANUP_FREE char *secrets = access_secrets_path(path);
	CLEANUP_FREE char *text = NULL;
	struct reader r = {0};
	int error;

	*list = (struct access_list){0};
	text = access_read_text(path, &error, message);
	if (error)
		return error == -ENOENT ? 0 : error;
	reader_open(&r, path, text, LIBRARY_VERSION);
	access_read(&r, reader_root(&r), list);
	error = reader_close(&r, message);
	if (!error)
		error = access_secrets_load(secrets, list, message);
	if (error)
		access_list_clear(list);
	return error;
}

int access_list_save(const char *path, const struct access_list *list)
{
	CLEANUP_FREE char *data = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&data, &size);

	if (!out)
		return -ENOMEM;
	fprintf(out, "# Discovery at granary-targetd(8), written anew with every change.\nversion = %u;\n",
		LIBRARY_VERSION);
	access_write(out, list);
	return text_replace(path, out, &data, &size, 0640);
}
