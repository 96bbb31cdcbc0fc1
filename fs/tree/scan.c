/* SPDX-License-Identifier: MIT */
/*
 * Goes through the catalogue as of one commit. Its statements are its own: they run on a
 * snapshot's connection, not on the two that catalogue_sql.h is about.
 */
#include "fs/tree/scan.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fs/tree/internal.h"

#define SCAN_DEPTH_MAX 4096 /* a damaged catalogue may have a circle */

static void cleanup_statement(sqlite3_stmt **statement)
{
	sqlite3_finalize(*statement);
}
#define CLEANUP_STATEMENT __attribute__((cleanup(cleanup_statement)))

static int scan_prepare(struct tree *t, sqlite3 *db, const char *sql, sqlite3_stmt **statement)
{
	int code = sqlite3_prepare_v2(db, sql, -1, statement, NULL);
	return catalogue_errno(t->catalogue, code, "scan");
}

int scan_files(struct tree *t, sqlite3 *snapshot,
	       int (*file)(void *context, const struct scan_file *file), void *context)
{
	CLEANUP_STATEMENT sqlite3_stmt *s = NULL;
	/* S_IFREG; the map of others is something else. */
	int rc = scan_prepare(t, snapshot,
			      "SELECT inode,container,allocated,map FROM inode"
			      " WHERE (mode & 61440)=32768 AND map IS NOT NULL ORDER BY inode",
			      &s);
	if (rc)
		return rc;
	int code;
	while ((code = sqlite3_step(s)) == SQLITE_ROW) {
		struct scan_file f = {
			.inode = (uint64_t)sqlite3_column_int64(s, 0),
			.container = (uint64_t)sqlite3_column_int64(s, 1),
			.allocated = (uint64_t)sqlite3_column_int64(s, 2),
			.map = sqlite3_column_blob(s, 3),
			.map_size = (size_t)sqlite3_column_bytes(s, 3),
		};
		rc = file(context, &f);
		if (rc)
			return rc;
	}
	return catalogue_errno(t->catalogue, code, "scan");
}

int scan_total(struct tree *t, sqlite3 *snapshot, uint64_t *allocated)
{
	CLEANUP_STATEMENT sqlite3_stmt *s = NULL;
	int rc = scan_prepare(t, snapshot,
			      "SELECT coalesce(sum(allocated),0) FROM inode WHERE (mode & 61440)=32768",
			      &s);
	if (rc)
		return rc;
	int code = sqlite3_step(s);
	if (code == SQLITE_ROW)
		*allocated = (uint64_t)sqlite3_column_int64(s, 0);
	return catalogue_errno(t->catalogue, code, "scan");
}

static int scan_meta(struct tree *t, sqlite3_stmt *s, const char *key, uint64_t *value)
{
	sqlite3_bind_text(s, 1, key, -1, SQLITE_STATIC);
	int code = sqlite3_step(s);
	*value = code == SQLITE_ROW ? (uint64_t)sqlite3_column_int64(s, 0) : 0;
	sqlite3_reset(s);
	return catalogue_errno(t->catalogue, code, key);
}

int scan_anchor(struct tree *t, sqlite3 *snapshot, struct chunk_ref *anchor)
{
	CLEANUP_STATEMENT sqlite3_stmt *s = NULL;
	uint64_t pack = 0, slot = 0;
	int rc = scan_prepare(t, snapshot, "SELECT value FROM meta WHERE key=?1", &s);
	if (!rc)
		rc = scan_meta(t, s, "anchor_pack", &pack);
	if (!rc)
		rc = scan_meta(t, s, "anchor_slot", &slot);
	if (rc)
		return rc;
	*anchor = (struct chunk_ref){0};
	if (pack <= PACK_NUMBER_MAX && slot < PACK_SLOTS_MAX)
		*anchor = (struct chunk_ref){.pack = pack, .slot = (uint32_t)slot};
	return 0;
}

/* ---- paths ---- */

struct path_scan {
	struct tree *tree;
	sqlite3_stmt *parent; /* of a directory */
	sqlite3_stmt *name;   /* of an inode in a directory */
};

/* Puts "/NAME" before what stands at *at in the buffer; false when it is full. */
static bool path_prepend(char *buffer, size_t *at, const void *name, size_t size)
{
	if (size + 1 > *at)
		return false;
	*at -= size;
	memcpy(buffer + *at, name, size);
	buffer[--*at] = '/';
	return true;
}

static int path_parent(struct path_scan *p, uint64_t directory, uint64_t *parent)
{
	sqlite3_reset(p->parent);
	sqlite3_bind_int64(p->parent, 1, (int64_t)directory);
	int code = sqlite3_step(p->parent);
	*parent = code == SQLITE_ROW ? (uint64_t)sqlite3_column_int64(p->parent, 0) : 0;
	sqlite3_reset(p->parent);
	return catalogue_errno(p->tree->catalogue, code, "path");
}

/* Prepends the path of a directory. What cannot be found, or is too long, is left out. */
static int path_of_directory(struct path_scan *p, uint64_t directory, char *buffer, size_t *at)
{
	for (int depth = 0; directory != TREE_ROOT && depth < SCAN_DEPTH_MAX; depth++) {
		uint64_t parent;
		int rc = path_parent(p, directory, &parent);
		if (rc || parent == 0)
			return rc;
		sqlite3_bind_int64(p->name, 1, (int64_t)parent);
		sqlite3_bind_int64(p->name, 2, (int64_t)directory);
		int code = sqlite3_step(p->name);
		bool fits = code == SQLITE_ROW &&
			    path_prepend(buffer, at, sqlite3_column_blob(p->name, 0),
					 (size_t)sqlite3_column_bytes(p->name, 0));
		sqlite3_reset(p->name);
		rc = catalogue_errno(p->tree->catalogue, code, "path");
		if (rc || !fits)
			return rc;
		directory = parent;
	}
	return 0;
}

static int compare_inodes(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
	return (x > y) - (x < y);
}

static int path_scan_entries(struct path_scan *p, sqlite3_stmt *entries, const uint64_t *inodes,
			     size_t count, bool *named,
			     void (*emit)(void *, size_t, const char *), void *context)
{
	int code, rc;
	char buffer[8192];
	while ((code = sqlite3_step(entries)) == SQLITE_ROW) {
		uint64_t inode = (uint64_t)sqlite3_column_int64(entries, 2);
		const uint64_t *found = bsearch(&inode, inodes, count, sizeof(inode), compare_inodes);
		if (!found)
			continue;
		size_t at = sizeof(buffer) - 1;
		buffer[at] = 0;
		path_prepend(buffer, &at, sqlite3_column_blob(entries, 1),
			     (size_t)sqlite3_column_bytes(entries, 1));
		rc = path_of_directory(p, (uint64_t)sqlite3_column_int64(entries, 0), buffer, &at);
		if (rc)
			return rc;
		named[found - inodes] = true;
		emit(context, (size_t)(found - inodes), buffer + at + 1);
	}
	return catalogue_errno(p->tree->catalogue, code, "paths");
}

int scan_paths(struct tree *t, sqlite3 *snapshot, const uint64_t *inodes, size_t count,
	       void (*emit)(void *context, size_t which, const char *path), void *context)
{
	CLEANUP_STATEMENT sqlite3_stmt *entries = NULL;
	CLEANUP_STATEMENT sqlite3_stmt *parent = NULL;
	CLEANUP_STATEMENT sqlite3_stmt *name = NULL;
	if (count == 0)
		return 0;
	CLEANUP_FREE bool *named = mem_try_zalloc(count, sizeof(*named));
	if (!named)
		return -ENOMEM;
	int rc = scan_prepare(t, snapshot, "SELECT parent,name,inode FROM entry", &entries);
	if (!rc)
		rc = scan_prepare(t, snapshot, "SELECT parent FROM inode WHERE inode=?1", &parent);
	if (!rc)
		rc = scan_prepare(t, snapshot, "SELECT name FROM entry WHERE parent=?1 AND inode=?2",
				  &name);
	if (rc)
		return rc;
	struct path_scan p = {.tree = t, .parent = parent, .name = name};
	rc = path_scan_entries(&p, entries, inodes, count, named, emit, context);
	for (size_t i = 0; !rc && i < count; i++) {
		char text[40];
		if (named[i])
			continue;
		snprintf(text, sizeof(text), "inode %llu", (unsigned long long)inodes[i]);
		emit(context, i, text);
	}
	return rc;
}
