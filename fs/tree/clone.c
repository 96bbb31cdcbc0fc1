/* SPDX-License-Identifier: MIT */
/*
 * Clones: a copy of a file or a tree that shares all of its chunks. A file's
 * clone is a new inode with the same map blob. Each object is made in an
 * operation of its own, so commits come between; hard links inside the tree
 * become files of their own.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "fs/tree/internal.h"

#define CLONE_BATCH 256

/* What is copied from the source: taken under its lock. */
struct clone_source {
	struct inode_row row;
	uint8_t *map;
	size_t map_size;
	struct xattrs *xattrs;
};

static void clone_source_free(struct clone_source *s)
{
	free(s->map);
	xattrs_free(&s->xattrs);
}

static int clone_read_locked(struct inode *inode, struct clone_source *s)
{
	int error = 0;
	if (S_ISREG(inode->row.mode)) {
		error = ingest_drain_locked(inode);
		if (!error)
			error = map_errno(content_save_locked(inode));
	}
	if (!error)
		error = xattrs_load_locked(inode);
	if (error)
		return error;
	s->row = inode->row;
	if (inode->map_size) {
		s->map = mem_try_alloc(inode->map_size, 1);
		if (!s->map)
			return -ENOMEM;
		memcpy(s->map, inode->map, inode->map_size);
		s->map_size = inode->map_size;
	}
	return xattrs_copy(inode->xattrs, &s->xattrs);
}

static void clone_apply(struct inode *target, struct clone_source *s)
{
	LOCK_SCOPE(&target->lock);
	struct inode_row *row = &target->row;
	row->atime = s->row.atime;
	row->mtime = s->row.mtime;
	if (!S_ISDIR(row->mode)) {
		free(target->map);
		target->map = TAKE(s->map);
		target->map_size = s->map_size;
		row->size = s->row.size;
		row->allocated = s->row.allocated;
		container_account(target->tree, row->container, 0, (int64_t)row->allocated);
	}
	row->flags = s->row.flags;
	if (s->xattrs) {
		target->xattrs = TAKE(s->xattrs);
		target->xattrs_dirty = true;
	}
	target->target_dirty = S_ISLNK(row->mode);
	inode_hold_bytes_locked(target);
}

static int clone_once(struct tree *t, struct inode *source, struct inode *parent, const char *name,
		      struct inode **made)
{
	struct clone_source s = {0};
	int error = change_begin(t);
	if (error)
		return error;
	pthread_mutex_lock(&source->lock);
	error = clone_read_locked(source, &s);
	pthread_mutex_unlock(&source->lock);
	if (!error) {
		struct inode_row row = {
			.mode = s.row.mode, .uid = s.row.uid, .gid = s.row.gid, .rdev = s.row.rdev};
		LOCK_SCOPE(&t->names);
		uint64_t container = parent->row.number == TREE_ROOT ? 0 : parent->row.container;
		/* Charged until it is in the accounts: writers beside know of it. */
		error = container_charge(t, container, s.row.allocated);
		bool charged = error == 0;
		if (!error)
			error = make_locked(t, parent, name, &row, NULL, NULL, made);
		/* Before anybody can find it, open it and write to it. */
		if (!error) {
			clone_apply(*made, &s);
			inode_mark(*made);
		}
		if (charged)
			container_discharge(t, container, s.row.allocated);
	}
	change_end(t);
	clone_source_free(&s);
	return error;
}

/* Makes the clone of one inode under `name`. */
static int clone_one(struct tree *t, struct inode *source, struct inode *parent, const char *name,
		     struct inode **made)
{
	int error = clone_once(t, source, parent, name, made);
	return container_settle(parent, error) ? clone_once(t, source, parent, name, made) : error;
}

/* ---- whole trees ---- */

struct clone_pair {
	uint64_t source, target;
	int64_t atime, mtime; /* of the source: entries that come in change the target's */
};

struct clone_names {
	char name[CLONE_BATCH][TREE_NAME_MAX + 1];
	uint64_t inode[CLONE_BATCH];
	uint64_t cookie;
	size_t count;
};

static bool clone_note(void *context, const char *name, uint64_t cookie,
		       const struct tree_entry *entry)
{
	struct clone_names *names = context;
	if (names->count == CLONE_BATCH)
		return false;
	names->cookie = cookie;
	if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
		return true;
	strcpy(names->name[names->count], name);
	names->inode[names->count++] = entry->inode;
	return true;
}

struct clone_work {
	struct clone_pair *list;
	size_t count, capacity;
	uint64_t root; /* the clone itself, which must not be cloned when it lies in the source */
};

static int clone_push(struct clone_work *work, uint64_t source, const struct inode *target)
{
	if (mem_reserve(&work->list, &work->capacity, work->count + 1, sizeof(*work->list)))
		return -ENOMEM;
	work->list[work->count++] = (struct clone_pair){source, target->row.number,
							target->row.atime, target->row.mtime};
	return 0;
}

static int clone_child(struct tree *t, struct clone_work *work, struct inode *target,
		       const char *name, uint64_t number)
{
	CLEANUP_INODE struct inode *source = NULL;
	CLEANUP_INODE struct inode *made = NULL;
	if (number == work->root)
		return 0;
	int error = inode_get(t, number, &source);
	if (error)
		return error == -ESTALE ? 0 : error; /* removed meanwhile */
	error = clone_one(t, source, target, name, &made);
	if (!error && S_ISDIR(source->row.mode))
		error = clone_push(work, source->row.number, made);
	return error;
}

/* A directory that is full has the times of its source again. */
static int clone_times(struct tree *t, struct inode *target, const struct clone_pair *pair)
{
	int error = change_begin(t);
	if (error)
		return error;
	pthread_mutex_lock(&target->lock);
	target->row.atime = pair->atime;
	target->row.mtime = pair->mtime;
	pthread_mutex_unlock(&target->lock);
	inode_mark(target);
	change_end(t);
	return 0;
}

static int clone_directory(struct tree *t, struct clone_work *work, struct clone_pair pair)
{
	CLEANUP_INODE struct inode *target = NULL;
	struct tree_dir *dir = NULL;
	CLEANUP_FREE struct clone_names *names = mem_try_zalloc(1, sizeof(*names));
	if (!names)
		return -ENOMEM;
	int error = inode_get(t, pair.target, &target);
	if (!error)
		error = tree_opendir(t, pair.source, &dir);
	do {
		names->count = 0;
		if (!error)
			error = tree_readdir(dir, names->cookie, false, clone_note, names);
		for (size_t i = 0; i < names->count && !error; i++)
			error = clone_child(t, work, target, names->name[i], names->inode[i]);
	} while (!error && names->count == CLONE_BATCH);
	tree_closedir(&dir);
	if (!error)
		error = clone_times(t, target, &pair);
	return error;
}

int tree_clone(struct tree *t, const char *source_path, const char *target_path)
{
	CLEANUP_INODE struct inode *source = NULL;
	CLEANUP_INODE struct inode *parent = NULL;
	CLEANUP_INODE struct inode *made = NULL;
	char name[TREE_NAME_MAX + 1];
	int error = path_resolve(t, source_path, &source);
	if (!error)
		error = path_resolve_parent(t, target_path, &parent, name);
	if (!error)
		error = clone_one(t, source, parent, name, &made);
	if (error)
		return error;
	struct clone_work work = {.root = made->row.number};
	if (S_ISDIR(source->row.mode))
		error = clone_push(&work, source->row.number, made);
	while (!error && work.count)
		error = clone_directory(t, &work, work.list[--work.count]);
	free(work.list);
	return error;
}
