/* SPDX-License-Identifier: MIT */
/*
 * Where names stand in their directory: at their hash, or within ENTRY_PROBES places from there
 * (name_hash.h). One that stands elsewhere is listed by readdir and never found by a lookup.
 *
 * What is wrong is moved to a place where it is found. If there is none, since another has this
 * name by now, the name goes and the checks that follow see to what it stood for.
 */
#include <errno.h>
#include <string.h>

#include "fs/tool/fsck.h"
#include "fs/tree/name_hash.h"
#include "lib/base/cleanup.h"
#include "lib/base/log.h"
#include "lib/base/mem.h"

_Static_assert(ENTRY_PROBES == 8, "PLACE_IS_WRONG");

/* SQL: name_place(name), the first place for it. */
static void place_function(sqlite3_context *context, int count, sqlite3_value **values)
{
	const struct fsck *f = sqlite3_user_data(context);
	const char *name = sqlite3_value_blob(values[0]);
	size_t size = (size_t)sqlite3_value_bytes(values[0]);

	(void)count;
	sqlite3_result_int64(context, (sqlite3_int64)name_hash(f->superblock.name_seed,
							       name ? name : "", size));
}

int place_prepare(struct fsck *f)
{
	int code = sqlite3_create_function(f->db, "name_place", 1, SQLITE_UTF8 | SQLITE_DETERMINISTIC, f,
					   place_function, NULL, NULL);

	if (code == SQLITE_OK)
		return 0;
	log_error("%s: %s", f->path, sqlite3_errmsg(f->db));
	return code == SQLITE_NOMEM ? -ENOMEM : -EIO;
}

int place_find(struct fsck *f, int64_t parent, const void *name, size_t size, int64_t *hash)
{
	CLEANUP_STATEMENT sqlite3_stmt *s = NULL;
	int64_t own = (int64_t)name_hash(f->superblock.name_seed, name, size);
	int more, error = db_prepare(f,
				     "SELECT hash, name = ?2 FROM entry WHERE parent = ?1"
				     " AND hash BETWEEN ?3 AND ?4 ORDER BY hash",
				     &s);

	*hash = 0;
	if (error)
		return error;
	sqlite3_bind_int64(s, 1, parent);
	sqlite3_bind_blob(s, 2, name, (int)size, SQLITE_STATIC);
	sqlite3_bind_int64(s, 3, own);
	sqlite3_bind_int64(s, 4, own + (int64_t)ENTRY_PROBES - 1);
	int64_t free_place = own;
	while ((more = db_step(f, s)) == 1) {
		if (sqlite3_column_int(s, 1))
			return 0;
		if (sqlite3_column_int64(s, 0) == free_place)
			free_place++;
	}
	if (!more && free_place < own + (int64_t)ENTRY_PROBES)
		*hash = free_place;
	return more;
}

/* In the catalogue and in the table of the checks; hash 0: the name goes. */
static int place_move(struct fsck *f, int64_t parent, int64_t from, int64_t hash)
{
	static const char *const tables[] = {"entry", "link"};
	int error = 0;

	for (size_t i = 0; i < sizeof(tables) / sizeof(*tables) && !error; i++) {
		CLEANUP_STATEMENT sqlite3_stmt *s = NULL;
		CLEANUP_FREE char *sql = mem_printf(
			hash ? "UPDATE %s SET hash = ?3 WHERE parent = ?1 AND hash = ?2"
			     : "DELETE FROM %s WHERE parent = ?1 AND hash = ?2", tables[i]);

		error = db_prepare(f, sql, &s);
		if (error)
			break;
		sqlite3_bind_int64(s, 1, parent);
		sqlite3_bind_int64(s, 2, from);
		if (hash)
			sqlite3_bind_int64(s, 3, hash);
		error = db_step(f, s);
	}
	return error;
}

int place_mend(struct fsck *f, const char *find, uint64_t *mended)
{
	CLEANUP_STATEMENT sqlite3_stmt *s = NULL;
	int more = 0;
	/* Of its own: moving them changes what is found. */
	int error = db_run(f, "CREATE TEMP TABLE misplaced AS SELECT parent, hash, name FROM entry"
			      " WHERE " PLACE_IS_WRONG("entry"));

	(void)find;
	if (!error)
		error = db_prepare(f, "SELECT parent, hash, name FROM misplaced", &s);
	while (!error && (more = db_step(f, s)) == 1) {
		int64_t parent = sqlite3_column_int64(s, 0), hash;
		const char *name = sqlite3_column_blob(s, 2);

		error = place_find(f, parent, name ? name : "", (size_t)sqlite3_column_bytes(s, 2), &hash);
		if (!error)
			error = place_move(f, parent, sqlite3_column_int64(s, 1), hash);
		++*mended;
	}
	if (!error)
		error = more;
	return error ? error : check_fill_reach(f);
}
