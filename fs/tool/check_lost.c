/* SPDX-License-Identifier: MIT */
/*
 * What is whole and cannot be reached gets a name again: "#NUMBER" in the
 * directory lost+found of the root, as fsck of other filesystems does. Files
 * come with a name of their own; of directories only those that nothing lost
 * is above, and one of each that form a circle, which is cut there.
 *
 * Runs between the checks of check_tree.c, on its tables link and reach, and
 * leaves counts and accounts to the checks that follow.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "fs/tool/fsck.h"
#include "lib/base/cleanup.h"
#include "lib/base/log.h"
#include "lib/base/mem.h"

#define LOST_NAME "lost+found"

__attribute__((format(printf, 2, 3))) static int run(struct fsck *f, const char *format, ...)
{
	va_list arguments;
	CLEANUP_FREE char *sql = NULL;

	va_start(arguments, format);
	if (vasprintf(&sql, format, arguments) < 0)
		sql = NULL;
	va_end(arguments);
	return sql ? db_run(f, sql) : -ENOMEM;
}

/* Enters a name, in the catalogue and in the tables of the checks; -EEXIST: it has no place, or is there. */
static int lost_enter(struct fsck *f, int64_t parent, const char *name, int64_t inode)
{
	int64_t hash;
	int error = place_find(f, parent, name, strlen(name), &hash);

	if (error || !hash)
		return error ? error : -EEXIST;
	return run(f,
		   "INSERT INTO entry SELECT %" PRId64 ", %" PRId64 ", CAST('%s' AS BLOB), inode,"
		   " (mode >> 12) & 15 FROM inode WHERE inode = %" PRId64 ";"
		   "INSERT INTO link SELECT inode, parent, hash, type FROM entry"
		   " WHERE parent = %" PRId64 " AND hash = %" PRId64,
		   parent, hash, name, inode, parent, hash);
}

static int lost_make_folder(struct fsck *f, int64_t *folder)
{
	int error = db_number(f,
			      "SELECT max((SELECT max(inode) + 1 FROM inode),"
			      " (SELECT value FROM meta WHERE key = 'next_inode'))",
			      folder);

	if (!error)
		error = run(f,
			    "UPDATE meta SET value = %" PRId64 " WHERE key = 'next_inode';"
			    "INSERT INTO inode SELECT %" PRId64 ", (SELECT value FROM meta"
			    " WHERE key = 'mount_epoch'), 16832, 2, uid, gid, 0, 0, 0, mtime, mtime,"
			    " mtime, mtime, 0, %" PRId64 ", 1, 0, NULL FROM inode WHERE inode = 1;"
			    "INSERT OR IGNORE INTO container(inode) VALUES(%" PRId64 ");"
			    "UPDATE inode SET links = links + 1, size = size + 1 WHERE inode = 1;"
			    "INSERT OR IGNORE INTO reach VALUES(%" PRId64 ", %" PRId64 ")",
			    *folder + 1, *folder, *folder, *folder, *folder, *folder);
	if (!error)
		error = lost_enter(f, 1, LOST_NAME, *folder);
	return error;
}

/* The number of the directory; made when there is none. 0: the name is something else's. */
static int lost_folder(struct fsck *f, int64_t *folder)
{
	static const char find[] =
		"SELECT CASE type WHEN 4 THEN inode ELSE -1 END FROM entry"
		" WHERE parent = 1 AND name = CAST('" LOST_NAME "' AS BLOB) LIMIT 1";
	int error = db_number(f, find, folder);

	if (error || *folder > 0)
		return error;
	if (*folder == 0)
		return lost_make_folder(f, folder);
	*folder = 0;
	log_error("%s: /" LOST_NAME " is no directory: what is lost stays where it is", f->path);
	return 0;
}

static int lost_attach(struct fsck *f, int64_t folder, int64_t inode)
{
	char name[48];
	int length = snprintf(name, sizeof(name), "#%" PRId64, inode);
	int error = lost_enter(f, folder, name, inode);

	for (unsigned other = 1; error == -EEXIST && other; other++) {
		snprintf(name + length, sizeof(name) - (size_t)length, ".%u", other);
		error = lost_enter(f, folder, name, inode);
	}
	if (!error)
		error = run(f,
			    "UPDATE inode SET size = size + 1, links = links + (SELECT mode & 61440 ="
			    " 16384 FROM inode WHERE inode = %" PRId64 ") WHERE inode = %" PRId64,
			    inode, folder);
	if (!error)
		progress(f, "inode %" PRId64 " is now /" LOST_NAME "/%s", inode, name);
	return error;
}

int lost_files(struct fsck *f, const char *find, uint64_t *mended)
{
	CLEANUP_STATEMENT sqlite3_stmt *s = NULL;
	int64_t folder;
	int more, error = lost_folder(f, &folder);
	CLEANUP_FREE char *list = mem_printf("CREATE TEMP TABLE lost AS %s", find);

	if (error || !folder)
		return error;
	/* Of its own: naming them changes what `find` finds. */
	error = db_run(f, list);
	if (!error)
		error = db_prepare(f, "SELECT * FROM lost", &s);
	while (!error && (more = db_step(f, s)) != 0) {
		int64_t inode = sqlite3_column_int64(s, 0);

		if (more < 0)
			return more;
		error = lost_attach(f, folder, inode);
		if (!error)
			error = run(f,
				    "UPDATE inode SET links = 1, container = %" PRId64
				    " WHERE inode = %" PRId64,
				    folder, inode);
		++*mended;
	}
	return error;
}

/* One that is to be attached: no lost directory is above it, or it is part of a circle. */
static int lost_top(struct fsck *f, const char *find, int64_t *top)
{
	CLEANUP_FREE char *any = mem_printf("SELECT inode FROM (%s) LIMIT 1", find);
	CLEANUP_FREE char *count = mem_printf("SELECT count(*) FROM (%s)", find);
	int64_t most = 0, steps = 0;
	int error = db_number(f, any, top);

	if (!error)
		error = db_number(f, count, &most);
	/* As many steps up as there are lost ones: then it is inside of the circle, if there is one. */
	while (!error && *top && steps++ < most) {
		CLEANUP_FREE char *up = mem_printf("SELECT parent FROM link WHERE inode = %" PRId64
						   " AND parent IN (SELECT inode FROM (%s))"
						   " LIMIT 1", *top, find);
		int64_t parent;

		error = db_number(f, up, &parent);
		if (error || !parent)
			break;
		*top = parent;
	}
	return error;
}

/* Its old name, in a circle, goes; what is below it can be reached from now on. */
static int lost_attach_directory(struct fsck *f, int64_t folder, int64_t top)
{
	int error = run(f,
			"DELETE FROM entry WHERE inode = %" PRId64 "; DELETE FROM link WHERE inode = %"
			PRId64, top, top);

	if (!error)
		error = lost_attach(f, folder, top);
	if (!error)
		error = run(f,
			    "UPDATE inode SET parent = %" PRId64 " WHERE inode = %" PRId64 ";"
			    "WITH RECURSIVE r(inode) AS (SELECT %" PRId64 " UNION SELECT e.inode FROM r"
			    " JOIN entry e ON e.parent = r.inode WHERE e.type = 4)"
			    " INSERT OR IGNORE INTO reach SELECT inode, %" PRId64 " FROM r;",
			    folder, top, top, folder);
	return error;
}

int lost_directories(struct fsck *f, const char *find, uint64_t *mended)
{
	CLEANUP_FREE char *count = mem_printf("SELECT count(*) FROM (%s)", find);
	int64_t folder = 0, top = 0, before = 0, after = 0;
	int error = db_number(f, count, &before);

	/* Earlier repairs may have brought some of them back. */
	if (!error)
		error = check_fill_reach(f);
	while (!error) {
		error = lost_top(f, find, &top);
		if (!error && top && !folder)
			error = lost_folder(f, &folder);
		if (error || !top || !folder)
			break;
		error = lost_attach_directory(f, folder, top);
	}
	if (!error)
		error = db_number(f, count, &after);
	if (!error)
		*mended = (uint64_t)(before - after);
	return error;
}
