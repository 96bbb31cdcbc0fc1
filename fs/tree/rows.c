/* SPDX-License-Identifier: MIT */
/*
 * The catalogue's rows of the tree: reading them (as the last commit left them)
 * and writing them inside the committer's transaction. Nothing here knows of
 * the caches. What a row says is checked before it is believed: -EIO for one
 * that makes no sense, logged with the number of its inode.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "fs/store/catalogue_sql.h"
#include "fs/tree/internal.h"
#include "lib/base/log.h"

static int row_damaged(uint64_t number, const char *what)
{
	log_error("inode %" PRIu64 ": the catalogue's %s makes no sense", number, what);
	return -EIO;
}

/* A page of the catalogue that is damaged is damage like any other to who asks for a file. */
static int row_errno(struct tree *t, int code, const char *doing)
{
	int error = catalogue_errno(t->catalogue, code, doing);
	return error == -EBADMSG ? -EIO : error;
}

/* A copy of a blob column; an empty one is NULL. */
static int column_copy(sqlite3_stmt *s, int column, uint8_t **copy, size_t *size)
{
	int bytes = sqlite3_column_bytes(s, column);
	const void *data = sqlite3_column_blob(s, column);
	*copy = NULL;
	*size = 0;
	if (bytes <= 0 || !data)
		return 0;
	*copy = mem_try_alloc((size_t)bytes, 1);
	if (!*copy)
		return -ENOMEM;
	memcpy(*copy, data, (size_t)bytes);
	*size = (size_t)bytes;
	return 0;
}

static int row_inode_read(sqlite3_stmt *s, uint64_t number, struct inode_row *row)
{
	*row = (struct inode_row){
		.number = number,
		.generation = (uint64_t)sqlite3_column_int64(s, 0),
		.mode = (uint32_t)sqlite3_column_int64(s, 1),
		.links = (uint32_t)sqlite3_column_int64(s, 2),
		.uid = (uint32_t)sqlite3_column_int64(s, 3),
		.gid = (uint32_t)sqlite3_column_int64(s, 4),
		.rdev = (uint64_t)sqlite3_column_int64(s, 5),
		.size = (uint64_t)sqlite3_column_int64(s, 6),
		.allocated = (uint64_t)sqlite3_column_int64(s, 7),
		.atime = sqlite3_column_int64(s, 8),
		.mtime = sqlite3_column_int64(s, 9),
		.ctime = sqlite3_column_int64(s, 10),
		.btime = sqlite3_column_int64(s, 11),
		.flags = (uint32_t)sqlite3_column_int64(s, 12),
		.container = (uint64_t)sqlite3_column_int64(s, 13),
		.parent = (uint64_t)sqlite3_column_int64(s, 14),
	};
	if (row->size > TREE_FILE_MAX || mode_type(row->mode) == 0)
		return row_damaged(number, "row");
	return 0;
}

int rows_load_inode(struct tree *t, uint64_t number, struct inode_row *row, uint8_t **map,
		    size_t *map_size)
{
	catalogue_read_lock(t->catalogue);
	sqlite3_stmt *s = catalogue_statement(t->catalogue, SQL_INODE_GET);
	sqlite3_bind_int64(s, 1, (int64_t)number);
	int code = sqlite3_step(s), error;
	if (code == SQLITE_DONE)
		error = -ESTALE;
	else if (code != SQLITE_ROW)
		error = row_errno(t, code, "reading an inode");
	else
		error = row_inode_read(s, number, row);
	if (!error)
		error = column_copy(s, 15, map, map_size);
	sqlite3_reset(s);
	catalogue_read_unlock(t->catalogue);
	return error;
}

int rows_load_xattrs(struct tree *t, uint64_t number, struct xattrs **xattrs)
{
	int error = 0, code;
	catalogue_read_lock(t->catalogue);
	sqlite3_stmt *s = catalogue_statement(t->catalogue, SQL_XATTR_ALL);
	sqlite3_bind_int64(s, 1, (int64_t)number);
	while (!error && (code = sqlite3_step(s)) != SQLITE_DONE) {
		if (code != SQLITE_ROW) {
			error = row_errno(t, code, "reading extended attributes");
			break;
		}
		struct xattrs *all = *xattrs;
		error = mem_reserve(&all->list, &all->capacity, all->count + 1, sizeof(*all->list));
		if (error)
			break;
		struct xattr *xattr = &all->list[all->count];
		size_t length = (size_t)sqlite3_column_bytes(s, 0);
		const void *name = sqlite3_column_blob(s, 0);
		*xattr = (struct xattr){.name = mem_try_zalloc(length + 1, 1)};
		if (!xattr->name) {
			error = -ENOMEM;
			break;
		}
		if (name)
			memcpy(xattr->name, name, length);
		all->count++;
		error = column_copy(s, 1, &xattr->value, &xattr->size);
	}
	sqlite3_reset(s);
	catalogue_read_unlock(t->catalogue);
	if (error)
		xattrs_free(xattrs);
	return error;
}

static int row_entry_read(sqlite3_stmt *s, uint64_t parent, struct row_entry *row)
{
	int length = sqlite3_column_bytes(s, 1);
	const void *name = sqlite3_column_blob(s, 1);
	if (length <= 0 || length > (int)TREE_NAME_MAX || !name || memchr(name, '/', (size_t)length) ||
	    memchr(name, 0, (size_t)length))
		return row_damaged(parent, "directory entry");
	row->hash = (uint64_t)sqlite3_column_int64(s, 0);
	row->inode = (uint64_t)sqlite3_column_int64(s, 2);
	row->type = (uint8_t)sqlite3_column_int64(s, 3);
	row->length = (uint16_t)length;
	memcpy(row->name, name, (size_t)length);
	row->name[length] = 0;
	return row->inode == 0 ? row_damaged(parent, "directory entry") : 0;
}

ssize_t rows_load_entries(struct tree *t, uint64_t parent, uint64_t first, uint64_t last,
			  struct row_entry *rows, size_t room)
{
	size_t count = 0;
	int error = 0;
	catalogue_read_lock(t->catalogue);
	sqlite3_stmt *s = catalogue_statement(t->catalogue, SQL_ENTRY_RANGE);
	sqlite3_bind_int64(s, 1, (int64_t)parent);
	sqlite3_bind_int64(s, 2, (int64_t)first);
	sqlite3_bind_int64(s, 3, (int64_t)last);
	sqlite3_bind_int64(s, 4, (int64_t)room);
	while (!error && count < room) {
		int code = sqlite3_step(s);
		if (code == SQLITE_DONE)
			break;
		if (code == SQLITE_ROW)
			error = row_entry_read(s, parent, &rows[count]);
		else
			error = row_errno(t, code, "reading a directory");
		if (!error)
			count++;
	}
	sqlite3_reset(s);
	catalogue_read_unlock(t->catalogue);
	return error ? error : (ssize_t)count;
}

int rows_load_orphans(struct tree *t, uint64_t **list, size_t *count)
{
	size_t capacity = 0;
	int error = 0, code;
	*list = NULL;
	*count = 0;
	catalogue_read_lock(t->catalogue);
	sqlite3_stmt *s = catalogue_statement(t->catalogue, SQL_ORPHAN_ALL);
	while (!error && (code = sqlite3_step(s)) != SQLITE_DONE) {
		if (code == SQLITE_ROW)
			error = mem_reserve(list, &capacity, *count + 1, sizeof(**list));
		else
			error = row_errno(t, code, "reading orphans");
		if (!error)
			(*list)[(*count)++] = (uint64_t)sqlite3_column_int64(s, 0);
	}
	sqlite3_reset(s);
	catalogue_read_unlock(t->catalogue);
	return error;
}

/* accounts held, or nobody else there yet. */
static int row_container_add(struct tree *t, sqlite3_stmt *s)
{
	struct container *c = mem_try_zalloc(1, sizeof(*c));
	if (!c)
		return -ENOMEM;
	c->inode = (uint64_t)sqlite3_column_int64(s, 0);
	c->quota = (uint64_t)sqlite3_column_int64(s, 1);
	c->files = (uint64_t)sqlite3_column_int64(s, 2);
	c->logical = (uint64_t)sqlite3_column_int64(s, 3);
	c->deduplicated = (uint64_t)sqlite3_column_int64(s, 4);
	c->stored = (uint64_t)sqlite3_column_int64(s, 5);
	HASH_ADD(hh, t->containers, inode, sizeof(c->inode), c);
	if (c->hh.tbl)
		return 0;
	free(c);
	return -ENOMEM;
}

int rows_load_containers(struct tree *t)
{
	int error = 0, code;
	catalogue_read_lock(t->catalogue);
	sqlite3_stmt *s = catalogue_statement(t->catalogue, SQL_CONTAINER_ALL);
	while (!error && (code = sqlite3_step(s)) != SQLITE_DONE) {
		if (code == SQLITE_ROW)
			error = row_container_add(t, s);
		else
			error = row_errno(t, code, "reading containers");
	}
	sqlite3_reset(s);
	catalogue_read_unlock(t->catalogue);
	return error;
}

/* ---- writing: inside the committer's transaction ---- */

static void bind_blob(sqlite3_stmt *s, int parameter, const void *data, size_t size)
{
	/* SQLITE_STATIC: catalogue_run() steps at once and the next use clears the bindings. */
	if (data)
		sqlite3_bind_blob64(s, parameter, data, size, SQLITE_STATIC);
	else
		sqlite3_bind_zeroblob(s, parameter, 0);
}

int rows_put_inode(struct catalogue *c, const struct inode_row *row, const uint8_t *map,
		   size_t map_size)
{
	sqlite3_stmt *s = catalogue_statement(c, SQL_INODE_PUT);
	const int64_t values[] = {
		(int64_t)row->number, (int64_t)row->generation, row->mode, row->links, row->uid,
		row->gid, (int64_t)row->rdev, (int64_t)row->size, (int64_t)row->allocated, row->atime,
		row->mtime, row->ctime, row->btime, row->flags, (int64_t)row->container,
		(int64_t)row->parent,
	};
	int n = (int)(sizeof(values) / sizeof(values[0]));
	for (int i = 0; i < n; i++)
		sqlite3_bind_int64(s, i + 1, values[i]);
	if (map_size)
		bind_blob(s, n + 1, map, map_size);
	return catalogue_run(c, s, "writing an inode");
}

static int run_with_number(struct catalogue *c, int id, uint64_t number, const char *doing)
{
	sqlite3_stmt *s = catalogue_statement(c, id);
	sqlite3_bind_int64(s, 1, (int64_t)number);
	return catalogue_run(c, s, doing);
}

int rows_delete_inode(struct catalogue *c, uint64_t number, bool xattrs)
{
	int error = run_with_number(c, SQL_INODE_DELETE, number, "deleting an inode");
	if (!error && xattrs)
		error = run_with_number(c, SQL_XATTR_CLEAR, number, "deleting extended attributes");
	if (!error)
		error = run_with_number(c, SQL_ORPHAN_DELETE, number, "deleting an orphan");
	return error;
}

int rows_put_orphan(struct catalogue *c, uint64_t number)
{
	return run_with_number(c, SQL_ORPHAN_PUT, number, "writing an orphan");
}

int rows_put_xattrs(struct catalogue *c, uint64_t number, const struct xattrs *xattrs)
{
	int error = run_with_number(c, SQL_XATTR_CLEAR, number, "replacing extended attributes");
	for (size_t i = 0; !error && xattrs && i < xattrs->count; i++) {
		const struct xattr *xattr = &xattrs->list[i];
		sqlite3_stmt *s = catalogue_statement(c, SQL_XATTR_PUT);
		sqlite3_bind_int64(s, 1, (int64_t)number);
		bind_blob(s, 2, xattr->name, strlen(xattr->name));
		bind_blob(s, 3, xattr->value, xattr->size);
		error = catalogue_run(c, s, "writing an extended attribute");
	}
	return error;
}

int rows_put_entry(struct catalogue *c, const struct entry *entry, uint64_t inode, uint8_t type)
{
	sqlite3_stmt *s = catalogue_statement(c, SQL_ENTRY_PUT);
	sqlite3_bind_int64(s, 1, (int64_t)entry->key.parent);
	sqlite3_bind_int64(s, 2, (int64_t)entry->key.hash);
	bind_blob(s, 3, entry->name, entry->length);
	sqlite3_bind_int64(s, 4, (int64_t)inode);
	sqlite3_bind_int64(s, 5, type);
	return catalogue_run(c, s, "writing a directory entry");
}

int rows_delete_entry(struct catalogue *c, const struct entry *entry)
{
	sqlite3_stmt *s = catalogue_statement(c, SQL_ENTRY_DELETE);
	sqlite3_bind_int64(s, 1, (int64_t)entry->key.parent);
	sqlite3_bind_int64(s, 2, (int64_t)entry->key.hash);
	return catalogue_run(c, s, "deleting a directory entry");
}

int rows_put_container(struct catalogue *c, const struct container *container)
{
	if (container->removed)
		return run_with_number(c, SQL_CONTAINER_DELETE, container->inode,
				       "deleting a container");
	sqlite3_stmt *s = catalogue_statement(c, SQL_CONTAINER_PUT);
	const uint64_t values[] = {container->inode,   container->quota,        container->files,
				   container->logical, container->deduplicated, container->stored};
	for (int i = 0; i < 6; i++)
		sqlite3_bind_int64(s, i + 1, (int64_t)values[i]);
	return catalogue_run(c, s, "writing a container");
}
