/* SPDX-License-Identifier: MIT */
/*
 * The catalogue's connections, transactions and kept statements.
 *
 * Invariants: the writer connection is used by one thread at a time (the
 * committer); the reader connection only under read_lock. The write-ahead log
 * is moved into the database by the committer after a commit, never by a
 * reader, and a failure to do so is kept and reported by the next begin: the
 * commit before it stays good.
 */
#include "fs/store/catalogue.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fs/store/catalogue_schema.h"
#include "fs/store/catalogue_sql.h"
#include "fs/store/catalogue_vfs.h"
#include "lib/base/assert.h"
#include "lib/base/cleanup.h"
#include "lib/base/fault.h"
#include "lib/base/file.h"
#include "lib/base/log.h"
#include "lib/base/mem.h"

#define CATALOGUE_MAGIC 0x43415441u

/* Pages of 4 KiB in the write-ahead log from which on it is moved into the database... */
#define CATALOGUE_WAL_PAGES 2048
/* ...and from which on readers are kept out meanwhile, so that it cannot grow for ever. */
#define CATALOGUE_WAL_PAGES_HARD (8 * CATALOGUE_WAL_PAGES)

struct catalogue {
	uint32_t magic;
	char *path;
	bool read_only;
	sqlite3 *connection[2]; /* by enum catalogue_connection; the same one when read-only */
	sqlite3_stmt *statement[CATALOGUE_SQL_COUNT];
	pthread_mutex_t read_lock;
	atomic_uint snapshots; /* open ones */
	int wal_pages;     /* the committer's */
	int pending_error; /* the committer's: of a checkpoint */
};

struct catalogue_row {
	enum catalogue_connection connection;
	const char *sql;
};

#define CATALOGUE_ROW(id, connection, sql) [id] = {connection, sql},
static const struct catalogue_row catalogue_rows[CATALOGUE_SQL_COUNT] = {
	CATALOGUE_STATEMENTS(CATALOGUE_ROW)};
#undef CATALOGUE_ROW

struct catalogue_code {
	int sqlite;
	int error;
};

static const struct catalogue_code catalogue_codes[] = {
	{SQLITE_OK, 0},
	{SQLITE_ROW, 0},
	{SQLITE_DONE, 0},
	{SQLITE_FULL, -ENOSPC},
	{SQLITE_IOERR, -EIO},
	{SQLITE_CORRUPT, -EBADMSG},
	{SQLITE_NOTADB, -EBADMSG},
	{SQLITE_FORMAT, -EBADMSG},
	{SQLITE_NOMEM, -ENOMEM},
	{SQLITE_READONLY, -EROFS},
	{SQLITE_PERM, -EACCES},
	{SQLITE_CANTOPEN, -EIO},
	{SQLITE_BUSY, -EBUSY},
	{SQLITE_LOCKED, -EBUSY},
	{SQLITE_CONSTRAINT, -EEXIST},
	{SQLITE_TOOBIG, -E2BIG},
};

static int catalogue_code_errno(int sqlite_code)
{
	if (sqlite_code == SQLITE_IOERR_NOMEM)
		return -ENOMEM;
	if (sqlite_code == SQLITE_IOERR_DATA) /* a page without its checksum */
		return -EBADMSG;
	for (size_t i = 0; i < sizeof(catalogue_codes) / sizeof(catalogue_codes[0]); i++)
		if ((sqlite_code & 0xff) == catalogue_codes[i].sqlite)
			return catalogue_codes[i].error;
	return -EIO;
}

int catalogue_errno(struct catalogue *c, int sqlite_code, const char *doing)
{
	int error = catalogue_code_errno(sqlite_code);
	if (error)
		log_error("%s: %s: %s", c->path, doing, catalogue_vfs_errstr(sqlite_code));
	return error;
}

static int catalogue_exec(sqlite3 *db, const char *sql)
{
	return catalogue_code_errno(sqlite3_exec(db, sql, NULL, NULL, NULL));
}

static void cleanup_database(sqlite3 **db)
{
	sqlite3_close(*db);
}
#define CLEANUP_DATABASE __attribute__((cleanup(cleanup_database)))

static void cleanup_statement(sqlite3_stmt **statement)
{
	sqlite3_finalize(*statement);
}
#define CLEANUP_STATEMENT __attribute__((cleanup(cleanup_statement)))

/* ---- creating ---- */

static int catalogue_create_tables(sqlite3 *db, const uint8_t uuid[16])
{
	CLEANUP_STATEMENT sqlite3_stmt *set = NULL;
	char pragma[128];
	sqlite3_snprintf(sizeof(pragma), pragma, "PRAGMA application_id=%d; PRAGMA user_version=%d;",
			 CATALOGUE_APPLICATION_ID, CATALOGUE_VERSION);
	int error = catalogue_exec(db, "BEGIN IMMEDIATE");
	if (!error)
		error = catalogue_exec(db, pragma);
	if (!error)
		error = catalogue_exec(db, CATALOGUE_SCHEMA);
	if (!error)
		error = catalogue_code_errno(sqlite3_prepare_v2(
			db, "INSERT INTO meta(key,value) VALUES('uuid',?1)", -1, &set, NULL));
	if (error)
		return error;
	sqlite3_bind_blob(set, 1, uuid, 16, SQLITE_TRANSIENT);
	error = catalogue_code_errno(sqlite3_step(set));
	sqlite3_reset(set);
	return error ? error : catalogue_exec(db, "COMMIT");
}

int catalogue_create(const char *path, const uint8_t uuid[16])
{
	CLEANUP_DATABASE sqlite3 *db = NULL;
	if (access(path, F_OK) == 0)
		return -EEXIST;
	int error = catalogue_code_errno(catalogue_vfs_open(
		path, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX, &db));
	if (!error)
		error = catalogue_exec(db, "PRAGMA page_size=4096");
	if (!error)
		error = catalogue_code_errno(catalogue_vfs_reserve(db));
	if (!error)
		error = catalogue_exec(db, "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;");
	if (!error)
		error = catalogue_create_tables(db, uuid);
	if (error)
		log_error("%s: cannot make the catalogue: %s", path,
			  db ? sqlite3_errmsg(db) : strerror(-error));
	return error;
}

/* ---- opening ---- */

static int catalogue_wal_hook(void *context, sqlite3 *db, const char *name, int pages)
{
	(void)db;
	(void)name;
	((struct catalogue *)context)->wal_pages = pages;
	return SQLITE_OK;
}

/* A read-only open of a catalogue with nothing in its write-ahead log writes nothing at all,
 * not even SQLite's helper files; with something in it SQLite needs them. */
static bool catalogue_is_clean(const char *path)
{
	CLEANUP_FREE char *wal = mem_printf("%s-wal", path);
	struct stat st;
	return stat(wal, &st) < 0 || st.st_size == 0;
}

/* The path as a URI: what has a meaning there is escaped. */
static char *catalogue_uri(const char *path, bool immutable)
{
	char *uri = mem_alloc(3 * strlen(path) + 32);
	size_t n = (size_t)sprintf(uri, "file:");
	for (const char *p = path; *p; p++) {
		if (strchr("%?#", *p))
			n += (size_t)sprintf(uri + n, "%%%02x", (unsigned char)*p);
		else
			uri[n++] = *p;
	}
	strcpy(uri + n, immutable ? "?immutable=1" : "");
	return uri;
}

static int catalogue_connect(struct catalogue *c, sqlite3 **db)
{
	int flags = SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_URI;
	bool frozen = c->read_only && catalogue_is_clean(c->path);
	CLEANUP_FREE char *uri = catalogue_uri(c->path, frozen);
	flags |= c->read_only ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE;
	return catalogue_vfs_open(uri, flags, db);
}

static int catalogue_query_integer(sqlite3 *db, const char *sql, int64_t *value)
{
	CLEANUP_STATEMENT sqlite3_stmt *statement = NULL;
	int code = sqlite3_prepare_v2(db, sql, -1, &statement, NULL);
	if (code == SQLITE_OK)
		code = sqlite3_step(statement);
	if (code != SQLITE_ROW)
		return code == SQLITE_DONE ? -EBADMSG : catalogue_code_errno(code);
	*value = sqlite3_column_int64(statement, 0);
	return 0;
}

static int catalogue_check_identity(struct catalogue *c, const uint8_t uuid[16])
{
	sqlite3 *db = c->connection[CATALOGUE_READER];
	CLEANUP_STATEMENT sqlite3_stmt *statement = NULL;
	int64_t id = 0, version = 0;
	int error = catalogue_query_integer(db, "PRAGMA application_id", &id);
	if (!error)
		error = catalogue_query_integer(db, "PRAGMA user_version", &version);
	if (error) {
		int code = sqlite3_extended_errcode(db);
		if (code != SQLITE_IOERR_DATA) /* the page has been named already */
			log_error("%s: cannot read the catalogue: %s", c->path, sqlite3_errstr(code));
		return error;
	}
	if (id != CATALOGUE_APPLICATION_ID) {
		log_error("%s: is not a catalogue of Granary", c->path);
		return -EBADMSG;
	}
	if (version != CATALOGUE_VERSION) {
		log_error("%s: catalogue version %lld is not known to this program (%d is)", c->path,
			  (long long)version, CATALOGUE_VERSION);
		return -EPROTONOSUPPORT;
	}
	int code = sqlite3_prepare_v2(db, "SELECT value FROM meta WHERE key='uuid'", -1, &statement, NULL);
	if (code == SQLITE_OK)
		code = sqlite3_step(statement);
	if (code != SQLITE_ROW || sqlite3_column_bytes(statement, 0) != 16 ||
	    memcmp(sqlite3_column_blob(statement, 0), uuid, 16) != 0) {
		log_error("%s: the catalogue belongs to another store", c->path);
		return -EBADMSG;
	}
	return 0;
}

static int catalogue_prepare(struct catalogue *c)
{
	for (int i = 0; i < CATALOGUE_SQL_COUNT; i++) {
		const struct catalogue_row *row = &catalogue_rows[i];
		sqlite3 *db = c->connection[row->connection];
		int code = sqlite3_prepare_v3(db, row->sql, -1, SQLITE_PREPARE_PERSISTENT,
					      &c->statement[i], NULL);
		if (code != SQLITE_OK) {
			log_error("%s: %s", c->path, sqlite3_errmsg(db));
			return code == SQLITE_ERROR ? -EBADMSG : catalogue_code_errno(code);
		}
	}
	return 0;
}

static int catalogue_set_up(struct catalogue *c, size_t cache)
{
	char pragma[192];
	/* Readers answer lookups all day, the writer touches rows that are in memory anyway. */
	size_t share[2] = {[CATALOGUE_WRITER] = cache / 3, [CATALOGUE_READER] = cache - cache / 3};
	int last = c->read_only ? CATALOGUE_WRITER : CATALOGUE_READER;
	for (int i = CATALOGUE_WRITER; i <= last; i++) {
		sqlite3_snprintf(sizeof(pragma), pragma,
				 "PRAGMA synchronous=FULL; PRAGMA mmap_size=0; PRAGMA temp_store=MEMORY;"
				 "PRAGMA foreign_keys=OFF; PRAGMA cache_size=-%llu;",
				 (unsigned long long)(share[i] / 1024 + 64));
		int error = catalogue_exec(c->connection[i], pragma);
		if (error)
			return catalogue_errno(c, sqlite3_errcode(c->connection[i]), "set up");
		sqlite3_busy_timeout(c->connection[i], 10000);
	}
	if (!c->read_only) {
		/* Last: setting a hook replaces the automatic checkpoint. */
		sqlite3_wal_hook(c->connection[CATALOGUE_WRITER], catalogue_wal_hook, c);
		sqlite3_wal_autocheckpoint(c->connection[CATALOGUE_READER], 0);
	}
	return 0;
}

static int catalogue_open_connections(struct catalogue *c)
{
	sqlite3 **writer = &c->connection[CATALOGUE_WRITER];
	sqlite3 **reader = &c->connection[CATALOGUE_READER];
	if (access(c->path, F_OK) < 0) {
		int error = -errno;
		log_error("%s: %s", c->path, strerror(-error));
		return error == -ENOENT ? -EBADMSG : error;
	}
	int code = catalogue_connect(c, writer);
	if (code != SQLITE_OK)
		return catalogue_errno(c, code, "open");
	if (c->read_only) {
		*reader = *writer;
		return 0;
	}
	if (sqlite3_db_readonly(*writer, "main")) {
		log_error("%s: is read-only", c->path);
		return -EROFS;
	}
	code = catalogue_connect(c, reader);
	return code == SQLITE_OK ? 0 : catalogue_errno(c, code, "open");
}

int catalogue_open(const char *path, const uint8_t uuid[16], bool read_only, size_t cache,
		   struct catalogue **catalogue)
{
	struct catalogue *c = mem_zalloc(sizeof(*c));
	c->magic = CATALOGUE_MAGIC;
	c->path = mem_strdup(path);
	c->read_only = read_only;
	pthread_mutex_init(&c->read_lock, NULL);
	int error = catalogue_open_connections(c);
	if (!error)
		error = catalogue_check_identity(c, uuid);
	if (!error)
		error = catalogue_set_up(c, cache);
	if (!error)
		error = catalogue_prepare(c);
	if (error) {
		catalogue_close(&c);
		return error;
	}
	*catalogue = c;
	return 0;
}

void catalogue_close(struct catalogue **catalogue)
{
	struct catalogue *c = TAKE(*catalogue);
	if (!c)
		return;
	ASSERT_OBJECT(c, CATALOGUE_MAGIC);
	for (int i = 0; i < CATALOGUE_SQL_COUNT; i++)
		sqlite3_finalize(c->statement[i]);
	/* The last connection to close moves the log into the database. */
	if (c->connection[CATALOGUE_READER] != c->connection[CATALOGUE_WRITER])
		sqlite3_close(c->connection[CATALOGUE_READER]);
	sqlite3_close(c->connection[CATALOGUE_WRITER]);
	pthread_mutex_destroy(&c->read_lock);
	c->magic = 0;
	free(c->path);
	free(c);
}

/* ---- the writer ---- */

int catalogue_begin(struct catalogue *c)
{
	ASSERT_OBJECT(c, CATALOGUE_MAGIC);
	if (c->pending_error)
		return c->pending_error;
	int code = sqlite3_exec(c->connection[CATALOGUE_WRITER], "BEGIN IMMEDIATE", NULL, NULL, NULL);
	return catalogue_errno(c, code, "begin");
}

void catalogue_rollback(struct catalogue *c)
{
	sqlite3 *db = c->connection[CATALOGUE_WRITER];
	/* SQLite has rolled back by itself after some errors. */
	if (!sqlite3_get_autocommit(db))
		sqlite3_exec(db, "ROLLBACK", NULL, NULL, NULL);
}

/* Moves the write-ahead log into the database. Running out of space here is no failure: the
 * log stays and the next commit tries again. */
static void catalogue_checkpoint(struct catalogue *c)
{
	sqlite3 *db = c->connection[CATALOGUE_WRITER];
	/* A snapshot needs the log from its commit on: waiting for it would stop the committer. */
	bool hard = c->wal_pages >= CATALOGUE_WAL_PAGES_HARD && atomic_load(&c->snapshots) == 0;
	if (hard)
		catalogue_read_lock(c);
	int code = sqlite3_wal_checkpoint_v2(
		db, NULL, hard ? SQLITE_CHECKPOINT_TRUNCATE : SQLITE_CHECKPOINT_PASSIVE, NULL, NULL);
	if (hard)
		catalogue_read_unlock(c);
	int error = catalogue_code_errno(code);
	if (error == -EBUSY || error == -ENOSPC || error == -ENOMEM)
		return;
	if (error)
		c->pending_error = catalogue_errno(c, code, "checkpoint");
}

int catalogue_commit(struct catalogue *c)
{
	ASSERT_OBJECT(c, CATALOGUE_MAGIC);
	sqlite3 *db = c->connection[CATALOGUE_WRITER];
	int code = SQLITE_OK;
	if (fault_hit("catalogue_full"))
		code = SQLITE_FULL;
	else if (fault_hit("catalogue_io"))
		code = SQLITE_IOERR_FSYNC;
	else
		code = sqlite3_exec(db, "COMMIT", NULL, NULL, NULL);
	if (code != SQLITE_OK) {
		catalogue_rollback(c);
		int error = catalogue_errno(c, code, "commit");
		/* Memory may run out when all is in the log already: whether that counts after a
		 * crash is not known, so it must not be tried again. */
		return error == -ENOMEM ? -EIO : error;
	}
	if (c->wal_pages >= CATALOGUE_WAL_PAGES)
		catalogue_checkpoint(c);
	return 0;
}

/* ---- statements ---- */

sqlite3_stmt *catalogue_statement(struct catalogue *c, int id)
{
	ASSERT_OBJECT(c, CATALOGUE_MAGIC);
	ASSERT(id >= 0 && id < CATALOGUE_SQL_COUNT);
	sqlite3_reset(c->statement[id]);
	sqlite3_clear_bindings(c->statement[id]);
	return c->statement[id];
}

void catalogue_read_lock(struct catalogue *c)
{
	int error = pthread_mutex_lock(&c->read_lock);
	ASSERT(error == 0);
}

void catalogue_read_unlock(struct catalogue *c)
{
	int error = pthread_mutex_unlock(&c->read_lock);
	ASSERT(error == 0);
}

int catalogue_run(struct catalogue *c, sqlite3_stmt *statement, const char *doing)
{
	int code = sqlite3_step(statement);
	sqlite3_reset(statement);
	ASSERT(code != SQLITE_ROW);
	return catalogue_errno(c, code, doing);
}

int catalogue_get_meta(struct catalogue *c, const char *key, int64_t *value)
{
	catalogue_read_lock(c);
	sqlite3_stmt *s = catalogue_statement(c, SQL_META_GET);
	sqlite3_bind_text(s, 1, key, -1, SQLITE_STATIC);
	int code = sqlite3_step(s);
	if (code == SQLITE_ROW)
		*value = sqlite3_column_int64(s, 0);
	else if (code == SQLITE_DONE)
		*value = 0;
	sqlite3_reset(s);
	int error = catalogue_errno(c, code, key);
	catalogue_read_unlock(c);
	return error;
}

int catalogue_set_meta(struct catalogue *c, const char *key, int64_t value)
{
	sqlite3_stmt *s = catalogue_statement(c, SQL_META_SET);
	sqlite3_bind_text(s, 1, key, -1, SQLITE_STATIC);
	sqlite3_bind_int64(s, 2, value);
	return catalogue_run(c, s, key);
}

/* ---- the whole ---- */

static int database_check(sqlite3 *db)
{
	sqlite3_stmt *s = NULL;
	int code = sqlite3_prepare_v2(db, "PRAGMA quick_check(1)", -1, &s, NULL);
	if (code == SQLITE_OK)
		code = sqlite3_step(s);
	if (code == SQLITE_ROW) {
		const char *answer = (const char *)sqlite3_column_text(s, 0);
		code = answer != NULL && strcmp(answer, "ok") == 0 ? SQLITE_OK : SQLITE_CORRUPT;
	}
	sqlite3_finalize(s);
	return code;
}

int catalogue_copy(struct catalogue *c, const char *to_path)
{
	CLEANUP_DATABASE sqlite3 *from = NULL;
	CLEANUP_DATABASE sqlite3 *to = NULL;
	/* A connection of its own: the copy sees one commit while others go on. */
	int code = catalogue_connect(c, &from);
	if (code == SQLITE_OK)
		code = catalogue_vfs_open(to_path, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, &to);
	if (code == SQLITE_OK)
		code = catalogue_vfs_reserve(to);
	if (code != SQLITE_OK)
		return catalogue_errno(c, code, to_path);
	sqlite3_backup *backup = sqlite3_backup_init(to, "main", from, "main");
	if (!backup)
		return catalogue_errno(c, sqlite3_errcode(to), to_path);
	code = sqlite3_backup_step(backup, -1);
	int end = sqlite3_backup_finish(backup);
	code = code == SQLITE_DONE ? end : code;
	/* A copy of a damaged catalogue must not take the place of a good one. */
	if (code == SQLITE_OK)
		code = database_check(to);
	return catalogue_errno(c, code, to_path);
}

int catalogue_snapshot_open(struct catalogue *c, sqlite3 **snapshot)
{
	CLEANUP_DATABASE sqlite3 *db = NULL;
	int64_t tables;
	ASSERT_OBJECT(c, CATALOGUE_MAGIC);
	int code = catalogue_connect(c, &db);
	if (code != SQLITE_OK)
		return catalogue_errno(c, code, "open");
	sqlite3_busy_timeout(db, 10000);
	sqlite3_wal_autocheckpoint(db, 0);
	atomic_fetch_add(&c->snapshots, 1);
	int error = catalogue_exec(db, "PRAGMA query_only=1; PRAGMA cache_size=-2048; BEGIN");
	/* The first read is what fixes the commit that is seen. */
	if (!error)
		error = catalogue_query_integer(db, "SELECT count(*) FROM sqlite_schema", &tables);
	if (error) {
		atomic_fetch_sub(&c->snapshots, 1);
		return catalogue_errno(c, sqlite3_errcode(db), "snapshot");
	}
	*snapshot = TAKE(db);
	return 0;
}

void catalogue_snapshot_close(struct catalogue *c, sqlite3 **snapshot)
{
	if (!*snapshot)
		return;
	sqlite3_close(TAKE(*snapshot));
	atomic_fetch_sub(&c->snapshots, 1);
}

int catalogue_check(struct catalogue *c, bool full, void (*report)(void *, const char *),
		    void *context)
{
	CLEANUP_DATABASE sqlite3 *db = NULL;
	CLEANUP_STATEMENT sqlite3_stmt *statement = NULL;
	int findings = 0;
	int code = catalogue_connect(c, &db);
	if (code == SQLITE_OK)
		code = sqlite3_prepare_v2(db, full ? "PRAGMA integrity_check" : "PRAGMA quick_check", -1,
					  &statement, NULL);
	while (code == SQLITE_OK || code == SQLITE_ROW) {
		code = sqlite3_step(statement);
		if (code != SQLITE_ROW)
			break;
		const char *finding = (const char *)sqlite3_column_text(statement, 0);
		if (finding && strcmp(finding, "ok") != 0) {
			report(context, finding);
			findings++;
		}
	}
	/* A database too damaged to be checked is a finding, not a failure of the check. */
	if (catalogue_code_errno(code) == -EBADMSG) {
		report(context, catalogue_vfs_errstr(code));
		return findings + 1;
	}
	int error = catalogue_errno(c, code, "check");
	return error ? error : findings;
}

uint64_t catalogue_size(struct catalogue *c)
{
	CLEANUP_FREE char *wal = mem_printf("%s-wal", c->path);
	struct stat main_file, log_file;
	uint64_t size = 0;
	if (stat(c->path, &main_file) == 0)
		size += (uint64_t)main_file.st_size;
	if (stat(wal, &log_file) == 0)
		size += (uint64_t)log_file.st_size;
	return size;
}
