/* SPDX-License-Identifier: MIT */
/*
 * The file of CHAP secrets, mode 0600: lines of text, after comments that begin with '#'
 *
 *   granary-secrets 2
 *   INITIATOR NETWORK USER SECRET MUTUAL-USER MUTUAL-SECRET
 *
 * with a tab between fields, of which some may be empty; none has a tab or an end of line in it. The
 * rows' other halves are in the file of access rows. It is written and read in memory for secrets alone
 * (no library that keeps copies, no memory stream), so that nothing of it is left behind.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/cleanup.h"
#include "lib/base/file.h"
#include "lib/base/log.h"
#include "lib/base/secret.h"
#include "target/service/access_io.h"
#include "target/service/plan.h"

#define SECRETS_HEAD "granary-secrets 2"

enum { FIELDS = 6, STREAM_BUFFER = 65536 };

static const struct {
	size_t offset, size;
} fields[FIELDS] = {
#define FIELD(name) {offsetof(struct iscsi_access, name), sizeof(((struct iscsi_access *)0)->name)}
	FIELD(initiator), FIELD(network), FIELD(user), FIELD(secret), FIELD(mutual_user), FIELD(mutual_secret),
#undef FIELD
};

/* ---- reading ------------------------------------------------------------------------------ */

static void secrets_check_mode(const char *path, const struct stat *st)
{
	if (st->st_mode & 077)
		log_warning("%s: others than its owner may read it (mode %o)", path,
			    (unsigned)(st->st_mode & 0777));
}

/* The text, with a NUL at its end, in memory for secrets. 0, -ENOENT, -errno. */
static int secrets_read(const char *path, char **text)
{
	CLEANUP_FD int fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0)
		return -errno;
	if (!S_ISREG(st.st_mode) || st.st_size > (off_t)READER_FILE_MAX)
		return -EBADMSG;
	secrets_check_mode(path, &st);
	CLEANUP_SECRET char *whole = secret_alloc(1, (size_t)st.st_size + 1);

	if (!whole)
		return -ENOMEM;
	int error = file_pread(fd, whole, (size_t)st.st_size, 0);

	if (error)
		return error;
	if (memchr(whole, '\0', (size_t)st.st_size))
		return -EBADMSG;
	*text = TAKE(whole);
	return 0;
}

/* Takes a line apart; false: it is no row. */
static bool secrets_parse_row(char *line, struct iscsi_access *row)
{
	for (unsigned i = 0; i < FIELDS; i++) {
		char *field = strsep(&line, "\t");

		if (!field || strlen(field) >= fields[i].size)
			return false;
		memcpy((char *)row + fields[i].offset, field, strlen(field) + 1);
	}
	return !line;
}

static size_t secrets_count_lines(const char *text)
{
	size_t count = 1;

	while ((text = strchr(text, '\n')) != NULL) {
		text++;
		count++;
	}
	return count;
}

static int secrets_parse(const char *path, char *text, struct access_list *list, char message[LIBRARY_MESSAGE])
{
	unsigned number = 0;
	bool begun = false;

	list->rows = secret_alloc(secrets_count_lines(text), sizeof(*list->rows));
	if (!list->rows) {
		snprintf(message, LIBRARY_MESSAGE, "%s: out of memory", path);
		return -ENOMEM;
	}
	for (char *line; (line = strsep(&text, "\n")) != NULL;) {
		number++;
		if (!*line || *line == '#')
			continue;
		if (!begun && strcmp(line, SECRETS_HEAD) != 0) {
			snprintf(message, LIBRARY_MESSAGE, "%s:%u: its first line must be \"%s\"", path,
				 number, SECRETS_HEAD);
			return -EPROTONOSUPPORT;
		}
		if (begun && !secrets_parse_row(line, &list->rows[list->count++])) {
			snprintf(message, LIBRARY_MESSAGE, "%s:%u: this is no row of %u fields", path,
				 number, FIELDS);
			return -EBADMSG;
		}
		begun = true;
	}
	return 0;
}

/* Gives a row its secrets. None: a secret that nobody knows, so that the row stays closed. */
static void secrets_give(const char *path, struct iscsi_access *row, const struct access_list *secrets)
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
	memset(row->secret, 0, sizeof(row->secret)); /* it may be longer than what comes */
	service_random_text(row->secret, 64);
	if (*row->mutual_user)
		service_random_text(row->mutual_secret, 64);
}

int access_secrets_load(const char *path, struct access_list *list, char message[LIBRARY_MESSAGE])
{
	CLEANUP_SECRET char *text = NULL;
	struct access_list secrets = {0};
	int error = secrets_read(path, &text);

	if (error && error != -ENOENT) {
		snprintf(message, LIBRARY_MESSAGE, "%s: it cannot be read: %s", path, strerror(-error));
		return error;
	}
	error = text ? secrets_parse(path, text, &secrets, message) : 0;
	for (size_t i = 0; i < list->count && !error; i++)
		if (*list->rows[i].user)
			secrets_give(path, &list->rows[i], &secrets);
	access_list_clear(&secrets);
	return error;
}

/* ---- writing ------------------------------------------------------------------------------ */

static bool secrets_row_fits(const struct iscsi_access *row)
{
	for (unsigned i = 0; i < FIELDS; i++)
		if (strpbrk((const char *)row + fields[i].offset, "\t\n"))
			return false;
	return true;
}

static void secrets_write(FILE *out, const struct access_list *list)
{
	fputs("# CHAP secrets of granary-targetd(8): for nobody else to read.\n" SECRETS_HEAD "\n", out);
	for (size_t i = 0; i < list->count; i++) {
		if (!*list->rows[i].user)
			continue;
		for (unsigned k = 0; k < FIELDS; k++) {
			fputs((const char *)&list->rows[i] + fields[k].offset, out);
			putc(k + 1 < FIELDS ? '\t' : '\n', out);
		}
	}
}

int access_secrets_save(const char *path, const struct access_list *list)
{
	const size_t room = 256 + list->count * sizeof(*list->rows);
	CLEANUP_SECRET char *data = secret_alloc(1, room + STREAM_BUFFER);
	size_t size = 0;

	for (size_t i = 0; i < list->count; i++)
		if (!secrets_row_fits(&list->rows[i]))
			return -EINVAL;
	FILE *out = data ? fmemopen(data, room, "w") : NULL;

	if (!out)
		return -ENOMEM;
	setvbuf(out, data + room, _IOFBF, STREAM_BUFFER);
	secrets_write(out, list);
	if (fflush(out) == 0)
		size = (size_t)ftell(out);
	return text_replace(path, out, &data, &size, 0600);
}
