/* SPDX-License-Identifier: MIT */
/*
 * Access rows in files. What everybody may read has no secrets; those are in a
 * file with mode 0600 beside it. A row whose secret is not there lets nobody in.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <sys/stat.h>

#include "lib/base/cleanup.h"
#include "lib/base/file.h"
#include "lib/base/log.h"
#include "lib/base/mem.h"
#include "target/service/access_io.h"
#include "target/service/names.h"
#include "target/service/plan.h"

static const char *const row_names[] = {"initiator", "network", "user", "mutual_user", NULL};
static const char *const secret_names[] = {"initiator", "network", "user", "secret",
					   "mutual_user", "mutual_secret", NULL};

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

/* The rows of `name`; with secrets only where `names` has them. */
static void access_read_list(struct reader *r, config_setting_t *group,
			     const char *const *names, struct access_list *list)
{
	size_t count;
	/* While rows are changed the secrets of both lists are there. */
	size_t most = names == secret_names ? 2 * LIBRARY_ACCESS_MAX : LIBRARY_ACCESS_MAX;
	config_setting_t *setting = reader_list(r, group, "access", most, &count);

	if (!count)
		return;
	list->rows = mem_try_zalloc(count, sizeof(*list->rows));
	if (!list->rows) {
		r->error = -ENOMEM;
		return;
	}
	list->count = count;
	for (unsigned i = 0; i < count && !r->error; i++) {
		config_setting_t *row = config_setting_get_elem(setting, i);

		reader_known(r, row, names);
		access_read_row(r, row, &list->rows[i]);
		if (names != secret_names)
			continue;
		reader_optional_text(r, row, "secret", list->rows[i].secret,
				     sizeof(list->rows[i].secret));
		reader_optional_text(r, row, "mutual_secret", list->rows[i].mutual_secret,
				     sizeof(list->rows[i].mutual_secret));
	}
}

void access_read(struct reader *r, config_setting_t *group, struct access_list *list)
{
	config_setting_t *setting = config_setting_get_member(group, "open");
	bool open;

	access_read_list(r, group, row_names, list);
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

static void access_write_rows(FILE *out, const struct access_list *list, bool secrets)
{
	bool first = true;

	fputs("access = (", out);
	for (size_t i = 0; i < list->count; i++) {
		const struct iscsi_access *row = &list->rows[i];

		if (secrets && !*row->user)
			continue;
		fputs(first ? "\n\t{" : ",\n\t{", out);
		first = false;
		access_write_name(out, "initiator", row->initiator);
		access_write_name(out, "network", row->network);
		access_write_name(out, "user", row->user);
		if (secrets)
			access_write_name(out, "secret", row->secret);
		access_write_name(out, "mutual_user", row->mutual_user);
		if (secrets)
			access_write_name(out, "mutual_secret", row->mutual_secret);
		fputs(" }", out);
	}
	fputs("\n);\n", out);
}

void access_write(FILE *out, const struct access_list *list)
{
	fputs("\n# Who may log in: everybody, or whom a row matches; the first one that does counts.\n", out);
	fprintf(out, "open = %s;\n", list->closed ? "false" : "true");
	access_write_rows(out, list, false);
}

char *access_secrets_path(const char *path)
{
	size_t length = strlen(path);

	if (length > 5 && strcmp(path + length - 5, ".conf") == 0)
		length -= 5;
	return mem_printf("%.*s.secrets", (int)length, path);
}

/* NULL when it cannot be read; *missing when there is none. */
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

static void access_free_text(char **text)
{
	if (*text)
		explicit_bzero(*text, strlen(*text));
	free(*text);
}

/* Gives a row its secrets. None: a secret that nobody knows, so that the row stays closed. */
static void access_give_secret(const char *path, struct iscsi_access *row,
			       const struct access_list *secrets)
{
	for (size_t i = 0; i < secrets->count; i++) {
		const struct iscsi_access *s = &secrets->rows[i];

		if (strcmp(s->initiator, row->initiator) != 0 ||
		    strcmp(s->network, row->network) != 0 || strcmp(s->user, row->user) != 0 ||
		    !*s->secret)
			continue;
		memcpy(row->secret, s->secret, sizeof(row->secret));
		if (*row->mutual_user && strcmp(s->mutual_user, row->mutual_user) == 0)
			memcpy(row->mutual_secret, s->mutual_secret, sizeof(row->mutual_secret));
		if (!*row->mutual_user || *row->mutual_secret)
			return;
	}
	log_error("%s: it has no secret of user \"%s\": nobody can log in as this user", path,
		  row->user);
	service_random_text(row->secret, 64);
	if (*row->mutual_user)
		service_random_text(row->mutual_secret, 64);
}

static void access_check_mode(const char *path)
{
	struct stat st;

	if (stat(path, &st) == 0 && st.st_mode & 077)
		log_warning("%s: others than its owner may read it (mode %o)", path,
			    (unsigned)(st.st_mode & 0777));
}

int access_secrets_load(const char *path, struct access_list *list, char message[LIBRARY_MESSAGE])
{
	__attribute__((cleanup(access_free_text))) char *text = NULL;
	struct access_list secrets = {0};
	struct reader r = {0};
	int error;

	text = access_read_text(path, &error, message);
	if (error && error != -ENOENT)
		return error;
	error = 0;
	if (text) {
		access_check_mode(path);
		reader_open(&r, path, text, LIBRARY_VERSION);
		access_read_list(&r, reader_root(&r), secret_names, &secrets);
		error = reader_close(&r, message);
	}
	for (size_t i = 0; i < list->count && !error; i++)
		if (*list->rows[i].user)
			access_give_secret(path, &list->rows[i], &secrets);
	access_list_clear(&secrets);
	return error;
}

int access_secrets_save(const char *path, const struct access_list *list)
{
	char *data = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&data, &size);
	int error;

	if (!out)
		return -ENOMEM;
	fprintf(out, "# CHAP secrets of granary-targetd(8): for nobody else to read.\nversion = %u;\n",
		LIBRARY_VERSION);
	access_write_rows(out, list, true);
	error = text_replace(path, out, &data, &size, 0600);
	if (data)
		explicit_bzero(data, size);
	free(data);
	return error;
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
