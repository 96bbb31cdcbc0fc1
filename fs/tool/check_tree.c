/* SPDX-License-Identifier: MIT */
/*
 * The tree of names and inodes, as a table of checks: a query that finds what
 * is wrong (an inode's number and a detail), and, where a repair loses nothing,
 * the statement that makes it. They run in order: later ones rely on what
 * earlier ones have repaired.
 *
 * Two temporary tables help: link (entries by inode) and reach (directories
 * that can be reached from the root, with their container).
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "fs/tool/fsck.h"
#include "lib/base/cleanup.h"
#include "lib/base/log.h"
#include "lib/base/mem.h"

/* clang-format off */
#define IS_DIR(row)  "((" row ".mode & 61440) = 16384)"
#define IS_FILE(row) "((" row ".mode & 61440) = 32768)"
#define IS_LINK(row) "((" row ".mode & 61440) = 40960)"

static const char helpers[] =
	"CREATE TEMP TABLE link AS SELECT inode, parent, hash, type FROM entry;"
	"CREATE INDEX temp.link_inode ON link(inode);"
	"CREATE TEMP TABLE reach(inode INTEGER PRIMARY KEY, container INTEGER);";

static const char fill_reach[] =
	"DELETE FROM reach;"
	"WITH RECURSIVE r(inode, container) AS (SELECT 1, 0 UNION"
	" SELECT e.inode, CASE r.inode WHEN 1 THEN e.inode ELSE r.container END"
	" FROM r JOIN entry e ON e.parent = r.inode WHERE e.type = 4)"
	" INSERT OR IGNORE INTO reach SELECT inode, container FROM r;";

static const struct tree_check {
	const char *what;   /* "is ..." of the inode */
	const char *find;   /* inode, detail */
	const char *repair; /* NULL: none that is safe */
	/* Or what one statement cannot do. */
	int (*mend)(struct fsck *f, const char *find, uint64_t *mended);
} checks[] = {
	{ "is the root and is not a directory",
	  "SELECT 1, NULL WHERE NOT EXISTS (SELECT 1 FROM inode i WHERE inode = 1 AND " IS_DIR("i") ")",
	  NULL },
	{ "does not exist, but has the name",
	  "SELECT e.inode, e.name || ' in directory ' || e.parent FROM entry e"
	  " LEFT JOIN inode i USING (inode) WHERE i.inode IS NULL",
	  "DELETE FROM entry WHERE inode NOT IN (SELECT inode FROM inode);"
	  "DELETE FROM link WHERE inode NOT IN (SELECT inode FROM inode)" },
	{ "has a name in what is no directory:",
	  "SELECT e.inode, e.name || ' in ' || e.parent FROM entry e"
	  " LEFT JOIN inode i ON i.inode = e.parent WHERE i.inode IS NULL OR NOT " IS_DIR("i"),
	  "DELETE FROM entry WHERE parent NOT IN (SELECT inode FROM inode i WHERE " IS_DIR("i") ");"
	  "DELETE FROM link WHERE parent NOT IN (SELECT inode FROM inode i WHERE " IS_DIR("i") ")" },
	{ "has an entry of the wrong type:",
	  "SELECT e.inode, e.name FROM entry e JOIN inode i USING (inode)"
	  " WHERE e.type <> ((i.mode >> 12) & 15)",
	  "UPDATE entry SET type = (SELECT (mode >> 12) & 15 FROM inode i WHERE i.inode = entry.inode)"
	  " WHERE type <> (SELECT (mode >> 12) & 15 FROM inode i WHERE i.inode = entry.inode)" },
	{ "has a name that stands where nobody looks for it:",
	  "SELECT e.inode, e.name || ' in directory ' || e.parent FROM entry e WHERE " PLACE_IS_WRONG("e"),
	  NULL, place_mend },
	{ "has a name that cannot be:",
	  "SELECT inode, quote(name) FROM entry WHERE length(name) NOT BETWEEN 1 AND 255"
	  " OR instr(name, x'2f') OR instr(name, x'00') OR name IN (x'2e', x'2e2e')",
	  NULL },
	{ "is a directory in which a name stands twice:",
	  "SELECT parent, name FROM entry GROUP BY parent, name HAVING count(*) > 1", NULL },
	{ "is a directory with several names:",
	  "SELECT i.inode, count(l.inode) FROM inode i JOIN link l USING (inode)"
	  " WHERE " IS_DIR("i") " AND i.inode <> 1 AND i.links > 0"
	  " AND i.inode NOT IN (SELECT inode FROM orphan)"
	  " GROUP BY i.inode HAVING count(l.inode) > 1",
	  NULL },
	{ "is a directory that names a wrong parent:",
	  "SELECT i.inode, i.parent FROM inode i JOIN link l USING (inode)"
	  " WHERE " IS_DIR("i") " AND i.parent <> l.parent",
	  "UPDATE inode SET parent = (SELECT parent FROM link l WHERE l.inode = inode.inode)"
	  " WHERE (mode & 61440) = 16384 AND inode IN (SELECT inode FROM link)"
	  " AND parent <> (SELECT parent FROM link l WHERE l.inode = inode.inode)" },
	/* What has been removed is empty. */
	{ "is a removed directory with something in it",
	  "SELECT i.inode, NULL FROM inode i WHERE " IS_DIR("i")
	  " AND (i.links = 0 OR i.inode IN (SELECT inode FROM orphan))"
	  " AND i.inode IN (SELECT parent FROM entry)",
	  "UPDATE inode SET links = 2 WHERE " IS_DIR("inode")
	  " AND links = 0 AND inode IN (SELECT parent FROM entry);"
	  "DELETE FROM orphan WHERE inode IN (SELECT parent FROM entry)" },
	{ "is a directory that cannot be reached from the root",
	  "SELECT i.inode, NULL FROM inode i WHERE " IS_DIR("i") " AND i.links > 0"
	  " AND i.inode NOT IN (SELECT inode FROM reach)"
	  " AND i.inode NOT IN (SELECT inode FROM orphan)",
	  NULL, lost_directories },
	{ "has no name and waits for nothing",
	  "SELECT i.inode, NULL FROM inode i WHERE i.links = 0"
	  " AND i.inode NOT IN (SELECT inode FROM link) AND i.inode NOT IN (SELECT inode FROM orphan)",
	  "INSERT INTO orphan SELECT i.inode FROM inode i WHERE i.links = 0"
	  " AND i.inode NOT IN (SELECT inode FROM link) AND i.inode NOT IN (SELECT inode FROM orphan)" },
	{ "has lost its name",
	  "SELECT i.inode, NULL FROM inode i WHERE i.links > 0 AND NOT " IS_DIR("i")
	  " AND i.inode NOT IN (SELECT inode FROM link) AND i.inode NOT IN (SELECT inode FROM orphan)",
	  NULL, lost_files },
	{ "has a wrong link count:",
	  "SELECT i.inode, i.links || ', should be ' || count(l.inode) FROM inode i"
	  " JOIN link l USING (inode) WHERE NOT " IS_DIR("i")
	  " GROUP BY i.inode HAVING i.links <> count(l.inode)",
	  "UPDATE inode SET links = (SELECT count(*) FROM link l WHERE l.inode = inode.inode)"
	  " WHERE (mode & 61440) <> 16384 AND inode IN (SELECT inode FROM link)"
	  " AND links <> (SELECT count(*) FROM link l WHERE l.inode = inode.inode)" },
	{ "is a directory with a wrong link count:",
	  "SELECT i.inode, i.links || ', should be ' || (2 + (SELECT count(*) FROM entry e"
	  " WHERE e.parent = i.inode AND e.type = 4)) FROM inode i JOIN reach USING (inode)"
	  " WHERE i.links <> 2 + (SELECT count(*) FROM entry e WHERE e.parent = i.inode AND e.type = 4)",
	  "UPDATE inode SET links = 2 + (SELECT count(*) FROM entry e WHERE e.parent = inode.inode"
	  " AND e.type = 4) WHERE inode IN (SELECT inode FROM reach)" },
	{ "is a directory with a wrong size:",
	  "SELECT i.inode, i.size || ', should be ' || (SELECT count(*) FROM entry e"
	  " WHERE e.parent = i.inode) FROM inode i JOIN reach USING (inode)"
	  " WHERE i.size <> (SELECT count(*) FROM entry e WHERE e.parent = i.inode)",
	  "UPDATE inode SET size = (SELECT count(*) FROM entry e WHERE e.parent = inode.inode)"
	  " WHERE inode IN (SELECT inode FROM reach)" },
	{ "is called an orphan and has a name",
	  "SELECT inode, NULL FROM orphan WHERE inode IN (SELECT inode FROM link)",
	  "DELETE FROM orphan WHERE inode IN (SELECT inode FROM link)" },
	{ "is called an orphan and does not exist",
	  "SELECT inode, NULL FROM orphan WHERE inode NOT IN (SELECT inode FROM inode)",
	  "DELETE FROM orphan WHERE inode NOT IN (SELECT inode FROM inode)" },
	{ "does not exist, but has extended attributes",
	  "SELECT DISTINCT inode, NULL FROM xattr WHERE inode NOT IN (SELECT inode FROM inode)",
	  "DELETE FROM xattr WHERE inode NOT IN (SELECT inode FROM inode)" },
	{ "hides its extended attributes",
	  "SELECT DISTINCT i.inode, NULL FROM xattr x JOIN inode i USING (inode) WHERE NOT i.flags & 1",
	  "UPDATE inode SET flags = flags | 1 WHERE inode IN (SELECT inode FROM xattr)" },
	{ "is a symbolic link of the wrong length",
	  "SELECT i.inode, i.size FROM inode i WHERE " IS_LINK("i")
	  " AND i.size <> coalesce(length(i.map), 0)",
	  "UPDATE inode SET size = coalesce(length(map), 0) WHERE (mode & 61440) = 40960" },
	{ "has a size that cannot be:",
	  "SELECT i.inode, i.size FROM inode i WHERE i.size < 0 OR i.allocated < 0", NULL },
	{ "is a directory in the wrong container:",
	  "SELECT i.inode, i.container FROM inode i JOIN reach r USING (inode)"
	  " WHERE i.container <> r.container",
	  "UPDATE inode SET container = (SELECT container FROM reach r WHERE r.inode = inode.inode)"
	  " WHERE inode IN (SELECT inode FROM reach)" },
	{ "is a top-level directory without accounts",
	  "SELECT e.inode, e.name FROM entry e WHERE e.parent = 1 AND e.type = 4"
	  " AND e.inode NOT IN (SELECT inode FROM container)",
	  "INSERT OR IGNORE INTO container(inode) SELECT inode FROM entry WHERE parent = 1 AND type = 4" },
	/* One that was moved below another may still be charged for hard links elsewhere. */
	{ "has accounts and is no directory",
	  "SELECT c.inode, NULL FROM container c WHERE c.inode <> 0 AND c.inode NOT IN"
	  " (SELECT inode FROM inode WHERE " IS_DIR("inode") ")",
	  "DELETE FROM container WHERE inode <> 0 AND inode NOT IN"
	  " (SELECT inode FROM inode WHERE " IS_DIR("inode") ")" },
};

/* What each container's accounts should say; what belongs to none is the root's. */
static const char accounts[] =
	"CREATE TEMP TABLE account AS SELECT c.inode AS inode,"
	" coalesce(sum(i.mode & 61440 <> 16384), 0) AS files, coalesce(sum(i.allocated), 0) AS logical"
	" FROM container c LEFT JOIN (SELECT mode, allocated, CASE WHEN container IN"
	" (SELECT inode FROM container) THEN container ELSE 0 END AS owner FROM inode) i"
	" ON i.owner = c.inode GROUP BY c.inode;";

static const struct tree_check account_check = {
	"has accounts that are wrong:",
	"SELECT c.inode, c.files || ' files of ' || c.logical || ' bytes, should be ' || a.files ||"
	" ' of ' || a.logical FROM container c JOIN account a USING (inode)"
	" WHERE c.files <> a.files OR c.logical <> a.logical",
	"UPDATE container SET files = (SELECT files FROM account a WHERE a.inode = container.inode),"
	" logical = (SELECT logical FROM account a WHERE a.inode = container.inode)",
};

/* Numbers that must lie above all that are in use, or what is new would overwrite what is there. */
static const struct counter {
	const char *key, *most;
} counters[] = {
	{ "next_inode", "SELECT coalesce(max(inode), 0) FROM inode" },
	{ "next_pack", "SELECT coalesce(max(pack), 0) FROM pack" },
	{ "next_segment", "SELECT coalesce(max(segment), 0) FROM segment" },
};
/* clang-format on */

static int check_run(struct fsck *f, const struct tree_check *check)
{
	CLEANUP_STATEMENT sqlite3_stmt *s = NULL;
	uint64_t found = 0, mended = 0;
	int more, error = db_prepare(f, check->find, &s);

	if (error)
		return error;
	while ((more = db_step(f, s)) == 1) {
		const unsigned char *detail = sqlite3_column_text(s, 1);

		found++;
		finding(f, "inode %lld %s %s", (long long)sqlite3_column_int64(s, 0), check->what,
			detail ? (const char *)detail : "");
	}
	if (more < 0)
		return more;
	if (!found || !f->repair || (!check->repair && !check->mend))
		return 0;
	error = check->mend ? check->mend(f, check->find, &mended) : db_run(f, check->repair);
	if (!error)
		finding_corrected(f, check->mend ? mended : found);
	return error;
}

static int check_counter(struct fsck *f, const struct counter *counter)
{
	CLEANUP_FREE char *sql = NULL;
	int64_t next, most;
	int error;

	sql = mem_printf("SELECT value FROM meta WHERE key='%s'", counter->key);
	error = db_number(f, sql, &next);
	if (!error)
		error = db_number(f, counter->most, &most);
	if (error || next == 0 || next > most)
		return error; /* 0: never used so far */
	finding(f, "%s is %" PRId64 ", but %" PRId64 " is in use", counter->key, next, most);
	if (!f->repair)
		return 0;
	free(TAKE(sql));
	sql = mem_printf("UPDATE meta SET value=%" PRId64 " WHERE key='%s'", most + 1,
			 counter->key);
	error = db_run(f, sql);
	if (!error)
		finding_corrected(f, 1);
	return error;
}

int check_fill_reach(struct fsck *f)
{
	return db_run(f, fill_reach);
}

static int check_all(struct fsck *f)
{
	int error = place_prepare(f);

	if (!error)
		error = db_run(f, helpers);
	if (!error)
		error = check_fill_reach(f);
	for (size_t i = 0; i < sizeof(checks) / sizeof(*checks) && !error; i++)
		error = check_run(f, &checks[i]);
	if (!error)
		error = db_run(f, accounts);
	if (!error)
		error = check_run(f, &account_check);
	for (size_t i = 0; i < sizeof(counters) / sizeof(*counters) && !error; i++)
		error = check_counter(f, &counters[i]);
	return error;
}

int check_tree(struct fsck *f)
{
	int error;

	progress(f, "checking names and inodes");
	error = db_run(f, "BEGIN");
	if (error)
		return error;
	error = check_all(f);
	if (error) {
		db_run(f, "ROLLBACK");
		return error;
	}
	return db_run(f, "COMMIT");
}

char *check_path(struct fsck *f, uint64_t inode)
{
	CLEANUP_STATEMENT sqlite3_stmt *s = NULL;
	char *path = mem_strdup("");

	if (inode == 1)
		return mem_strdup("/");
	if (db_prepare(f,
		       "SELECT l.parent, e.name FROM link l JOIN entry e"
		       " ON e.parent = l.parent AND e.hash = l.hash WHERE l.inode = ?1 LIMIT 1",
		       &s))
		return path;
	/* As deep as it may be: a loop must end. */
	for (int depth = 0; inode != 1 && depth < 4096; depth++) {
		CLEANUP_FREE char *below = path;

		sqlite3_reset(s);
		sqlite3_bind_int64(s, 1, (sqlite3_int64)inode);
		if (db_step(f, s) != 1) {
			path = mem_printf("(inode %" PRIu64 ")%s", inode, below);
			return path;
		}
		path = mem_printf("/%.*s%s", sqlite3_column_bytes(s, 1),
				  (const char *)sqlite3_column_blob(s, 1), below);
		inode = (uint64_t)sqlite3_column_int64(s, 0);
	}
	return path;
}
