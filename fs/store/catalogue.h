/* SPDX-License-Identifier: MIT */
/*
 * Catalogue: the SQLite database in which names, inodes, file-map roots and the
 * packs' whereabouts are. Its transaction is the only commit point of a store.
 *
 * WAL journal, synchronous=FULL. One connection writes and belongs to the
 * committer; one reads, behind a lock, and sees the last commit. Whatever is
 * not committed yet is in memory and pinned there, so a reader that finds an
 * object in neither has found that it does not exist.
 *
 * Statements are prepared once per connection and kept: an enum and a table in
 * catalogue_sql.h, one row a statement (SQL text, connection).
 */
#ifndef FS_STORE_CATALOGUE_H
#define FS_STORE_CATALOGUE_H

#include <sqlite3.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct catalogue;

/* Makes STORE/catalogue.sqlite with the schema of catalogue_schema.c. -EEXIST. */
int catalogue_create(const char *path, const uint8_t uuid[16]);
/* Opens it and checks schema version and uuid. `cache` bytes for both connections.
 * -EBADMSG damaged or another store's, -EPROTONOSUPPORT, -EROFS, -EIO. Logs one sentence. */
int catalogue_open(const char *path, const uint8_t uuid[16], bool read_only, size_t cache,
		   struct catalogue **catalogue);
/* Checkpoints and closes. */
void catalogue_close(struct catalogue **catalogue);

/* ---- the writer: the committer's alone ---- */
int catalogue_begin(struct catalogue *c);
/* 0: durable. Else nothing of the transaction is: -ENOSPC (may be tried again after room was
 * made: begin anew), or -EIO and the like (the store fails). */
int catalogue_commit(struct catalogue *c);
void catalogue_rollback(struct catalogue *c);

/* ---- statements ---- */
/* A kept statement, reset and with no bindings. `id` indexes the table in catalogue_sql.h.
 * Writer statements need no lock; for reader statements hold catalogue_read_lock(). */
sqlite3_stmt *catalogue_statement(struct catalogue *c, int id);
void catalogue_read_lock(struct catalogue *c);
void catalogue_read_unlock(struct catalogue *c);
/* SQLite's result code as 0 or -errno; logs what is neither ROW nor DONE nor OK. */
int catalogue_errno(struct catalogue *c, int sqlite_code, const char *doing);
/* Runs a writer statement that returns no row. */
int catalogue_run(struct catalogue *c, sqlite3_stmt *statement, const char *doing);
/* The meta table: integers by key; *value is 0 when the key is missing. */
int catalogue_get_meta(struct catalogue *c, const char *key, int64_t *value);
int catalogue_set_meta(struct catalogue *c, const char *key, int64_t value);

/* A connection of the caller's own that goes on seeing what is now the last commit. Statements
 * on it are the caller's to finalise before it is closed. The write-ahead log grows meanwhile. */
int catalogue_snapshot_open(struct catalogue *c, sqlite3 **snapshot);
void catalogue_snapshot_close(struct catalogue *c, sqlite3 **snapshot);

/* Copies the last commit, page for page, into a new file (SQLite's backup interface). */
int catalogue_copy(struct catalogue *c, const char *to_path);
/* "quick" or full integrity check; each finding is given to report(). Number or -errno. */
int catalogue_check(struct catalogue *c, bool full, void (*report)(void *, const char *), void *context);
uint64_t catalogue_size(struct catalogue *c);

#endif
