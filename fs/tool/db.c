/* SPDX-License-Identifier: MIT */
/* fsck's connection to the catalogue. */
#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <unistd.h>

#include "fs/store/catalogue_schema.h"
#include "fs/store/catalogue_vfs.h"
#include "fs/tool/fsck.h"
#include "lib/base/cleanup.h"
#include "lib/base/log.h"
#include "lib/base/mem.h"

static int db_error(struct fsck *f, int code, const char *doing)
{
	static const struct {
		int code, error;
	} errors[] = {
		{SQLITE_NOMEM, -ENOMEM},    {SQLITE_FULL, -ENOSPC},    {SQLITE_READONLY, -EROFS},
		{SQLITE_CORRUPT, -EBADMSG}, {SQLITE_NOTADB, -EBADMSG}, {SQLITE_CANTOPEN, -ENOENT},
	};

	log_error("%s/catalogue.sqlite: %s: %s", f->path, doing,
		  f->db && code != SQLITE_IOERR_DATA ? sqlite3_errmsg(f->db)
						     : catalogue_vfs_errstr(code));
	if (code == SQLITE_IOERR_DATA) /* a page without its checksum */
		return -EBADMSG;
	for (size_t i = 0; i < sizeof(errors) / sizeof(*errors); i++)
		if ((code & 0xff) == errors[i].code)
			return errors[i].error;
	return -EIO;
}

void cleanup_statement(sqlite3_stmt **statement)
{
	sqlite3_finalize(*statement);
}

int db_prepare(struct fsck *f, const char *sql, sqlite3_stmt **statement)
{
	int code = sqlite3_prepare_v2(f->db, sql, -1, statement, NULL);

	return code == SQLITE_OK ? 0 : db_error(f, code, "prepare");
}

int db_step(struct fsck *f, sqlite3_stmt *statement)
{
	int code = sqlite3_step(statement);

	if (code == SQLITE_ROW)
		return 1;
	return code == SQLITE_DONE ? 0 : db_error(f, code, "read");
}

int db_run(struct fsck *f, const char *sql)
{
	int code = sqlite3_exec(f->db, sql, NULL, NULL, NULL);

	return code == SQLITE_OK ? 0 : db_error(f, code, "run");
}

int db_number(struct fsck *f, const char *sql, int64_t *value)
{
	CLEANUP_STATEMENT sqlite3_stmt *statement = NULL;
	int error = db_prepare(f, sql, &statement);

	*value = 0;
	if (!error)
		error = db_step(f, statement);
	if (error == 1)
		*value = sqlite3_column_int64(statement, 0);
	return error < 0 ? error : 0;
}

static int db_check_owner(struct fsck *f)
{
	int64_t application, version;
	int error = db_number(f, "PRAGMA application_id", &application);

	if (!error)
		error = db_number(f, "PRAGMA user_version", &version);
	if (error)
		return error;
	if (application != CATALOGUE_APPLICATION_ID) {
		log_error("%s/catalogue.sqlite: is not a catalogue;"
			  " --restore-catalogue brings its last copy back",
			  f->path);
		return -EBADMSG;
	}
	if (version != CATALOGUE_VERSION) {
		log_error("%s/catalogue.sqlite: has version %" PRId64
			  ", this program knows version %d",
			  f->path, version, CATALOGUE_VERSION);
		return -EPROTONOSUPPORT;
	}
	return 0;
}

int db_open(struct fsck *f)
{
	CLEANUP_FREE char *file = mem_printf("%s/catalogue.sqlite", f->path);
	CLEANUP_FREE char *log = mem_printf("%s-wal", file);
	/* Without a log to be read first, a disk that cannot be written is no obstacle. */
	bool fixed = access(f->path, W_OK) < 0 && access(log, F_OK) < 0;
	CLEANUP_FREE char *uri = mem_printf("file:%s%s", file, fixed ? "?immutable=1" : "");
	int flags = fixed ? SQLITE_OPEN_READONLY | SQLITE_OPEN_URI : SQLITE_OPEN_READWRITE;
	int code;

	if (access(file, F_OK) < 0 && errno == ENOENT) {
		log_error("%s: is missing; --restore-catalogue brings its last copy back", file);
		return -EBADMSG;
	}
	code = catalogue_vfs_open(fixed ? uri : file, flags, &f->db);
	if (code != SQLITE_OK) {
		int error = db_error(f, code, "cannot be opened");

		db_close(f);
		return error;
	}
	sqlite3_busy_timeout(f->db, 1000);
	/* A check leaves the write-ahead log as it is. */
	if (!f->repair)
		sqlite3_db_config(f->db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
	return db_check_owner(f);
}

void db_close(struct fsck *f)
{
	sqlite3_close(f->db);
	f->db = NULL;
}
