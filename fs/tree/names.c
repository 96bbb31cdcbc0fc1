/* SPDX-License-Identifier: MIT */
/*
 * Names: lookup, making, linking, removing, and paths. Renaming is in rename.c.
 *
 * A directory's size is the number of its entries (without "." and ".."), its
 * link count is 2 and one for each directory in it.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "fs/tree/internal.h"
#include "lib/base/clock.h"

int directory_get(struct tree *t, uint64_t number, struct inode **directory)
{
	CLEANUP_INODE struct inode *inode = NULL;
	int error = inode_get(t, number, &inode);
	if (error)
		return error;
	if (!S_ISDIR(inode->row.mode)) /* the type never changes */
		return -ENOTDIR;
	*directory = TAKE(inode);
	return 0;
}

void directory_changed(struct inode *directory, int change, int links)
{
	pthread_mutex_lock(&directory->lock);
	directory->row.size += (uint64_t)(int64_t)change;
	directory->row.links += (uint32_t)links;
	directory->row.mtime = directory->row.ctime = clock_real_ns();
	pthread_mutex_unlock(&directory->lock);
	inode_mark(directory);
}

/* names held: a directory that has been removed takes no names. */
static int directory_check_alive(struct inode *directory)
{
	LOCK_SCOPE(&directory->lock);
	return directory->row.links == 0 ? -ENOENT : 0;
}

static int lookup_number(struct tree *t, uint64_t parent, const char *name, uint64_t *number)
{
	CLEANUP_INODE struct inode *directory = NULL;
	int error = name_check(name);
	/* Of any inode: that is how the kernel asks for what a file handle names. */
	if (strcmp(name, ".") == 0) {
		*number = parent;
		return 0;
	}
	if (!error)
		error = directory_get(t, parent, &directory);
	if (error)
		return error;
	LOCK_SCOPE(&t->names);
	if (strcmp(name, "..") == 0) {
		*number = directory->row.parent ? directory->row.parent : TREE_ROOT;
		return 0;
	}
	struct entry *entry;
	error = entry_find(t, directory, name, &entry);
	if (!error && !entry->inode)
		error = -ENOENT;
	if (!error)
		*number = entry->inode;
	return error;
}

/* Counts a reference, unless the inode is on its way out: a file handle may name it still. */
static int lookup_reference(struct inode *inode)
{
	LOCK_SCOPE(&inode->lock);
	if (inode->deleted)
		return -ENOENT;
	inode_reference(inode, 1);
	return 0;
}

int tree_lookup(struct tree *t, uint64_t parent, const char *name, struct tree_entry *entry)
{
	CLEANUP_INODE struct inode *inode = NULL;
	uint64_t number;
	atomic_fetch_add_explicit(&t->operations, 1, memory_order_relaxed);
	int error = lookup_number(t, parent, name, &number);
	if (!error)
		error = inode_get(t, number, &inode);
	if (!error)
		error = lookup_reference(inode);
	if (error)
		return error == -ESTALE ? -ENOENT : error;
	inode_entry(inode, entry);
	return 0;
}

uint64_t child_container(const struct inode *directory, const struct inode *child)
{
	if (directory->row.number != TREE_ROOT)
		return directory->row.container;
	return S_ISDIR(child->row.mode) ? child->row.number : 0;
}

/* Owner, group and mode bits of a new child; the umask comes later (ACLs). */
static void row_inherit(const struct inode *directory, const struct tree_caller *caller,
			struct inode_row *row)
{
	row->uid = caller->uid;
	row->gid = caller->gid;
	if (directory->row.mode & S_ISGID) {
		row->gid = directory->row.gid;
		if (S_ISDIR(row->mode))
			row->mode |= S_ISGID;
	}
}

static int make_contents(struct inode *inode, const char *target)
{
	if (!target)
		return 0;
	inode->map_size = strlen(target);
	inode->map = mem_try_alloc(inode->map_size + 1, 1);
	if (!inode->map) {
		inode->map_size = 0;
		return -ENOMEM;
	}
	memcpy(inode->map, target, inode->map_size);
	inode->row.size = inode->map_size;
	inode->target_dirty = true;
	LOCK_SCOPE(&inode->lock);
	inode_hold_bytes_locked(inode);
	return 0;
}

/* Takes back an inode that got no name. */
static void make_undo(struct inode *inode)
{
	pthread_mutex_lock(&inode->lock);
	inode->row.links = 0;
	inode->deleted = true;
	pthread_mutex_unlock(&inode->lock);
}

/* names held: the place of a name that does not exist yet. */
static int entry_find_free(struct tree *t, struct inode *directory, const char *name,
			   struct entry **entry)
{
	int error = directory_check_alive(directory);
	if (!error)
		error = entry_find(t, directory, name, entry);
	if (!error && (*entry)->inode)
		error = -EEXIST;
	return error;
}

int make_locked(struct tree *t, struct inode *directory, const char *name,
		const struct inode_row *template, const char *target,
		const struct tree_caller *caller, struct inode **made)
{
	CLEANUP_INODE struct inode *inode = NULL;
	struct inode_row row = *template;
	struct entry *entry;
	int error = entry_find_free(t, directory, name, &entry);
	if (error)
		return error;
	bool is_directory = S_ISDIR(row.mode);
	pthread_mutex_lock(&directory->lock);
	if (caller)
		row_inherit(directory, caller, &row);
	pthread_mutex_unlock(&directory->lock);
	row.links = is_directory ? 2 : 1;
	row.parent = is_directory ? directory->row.number : 0;
	error = inode_new(t, &row, &inode);
	if (error)
		return error;
	inode->row.container = child_container(directory, inode);
	error = make_contents(inode, target);
	if (!error && caller)
		error = acl_inherit(directory, inode, caller->umask);
	if (!error && is_directory && directory->row.number == TREE_ROOT)
		error = container_add(t, inode->row.number);
	if (error) {
		make_undo(inode);
		return error;
	}
	entry_set(t, directory, entry, inode->row.number, mode_type(row.mode));
	directory_changed(directory, 1, is_directory ? 1 : 0);
	if (!is_directory)
		container_account(t, inode->row.container, 1, 0);
	*made = TAKE(inode);
	return 0;
}

static int make_check(const char *name, mode_t mode, const char *target)
{
	int error = name_check(name);
	if (error)
		return error;
	if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
		return -EEXIST;
	if (S_ISLNK(mode)) {
		if (!target || !*target)
			return -ENOENT;
		return strlen(target) > TREE_SYMLINK_MAX ? -ENAMETOOLONG : 0;
	}
	bool known = S_ISREG(mode) || S_ISDIR(mode) || S_ISCHR(mode) || S_ISBLK(mode) ||
		     S_ISFIFO(mode) || S_ISSOCK(mode);
	return known ? 0 : -EINVAL;
}

int tree_make(struct tree *t, uint64_t parent, const char *name, mode_t mode, dev_t rdev,
	      const char *target, const struct tree_caller *caller, struct tree_entry *entry)
{
	CLEANUP_INODE struct inode *directory = NULL;
	CLEANUP_INODE struct inode *inode = NULL;
	int error = make_check(name, mode, target);
	if (!error)
		error = directory_get(t, parent, &directory);
	if (!error)
		error = change_begin(t);
	if (error)
		return error;
	struct inode_row row = {
		.mode = mode & (S_IFMT | 07777),
		.rdev = S_ISCHR(mode) || S_ISBLK(mode) ? rdev : 0,
	};
	pthread_mutex_lock(&t->names);
	error = make_locked(t, directory, name, &row, S_ISLNK(mode) ? target : NULL, caller, &inode);
	pthread_mutex_unlock(&t->names);
	if (!error) {
		inode_reference(inode, 1);
		inode_entry(inode, entry);
	}
	change_end(t);
	return error;
}

static int link_locked(struct tree *t, struct inode *inode, struct inode *directory,
		       const char *name)
{
	struct entry *entry;
	int error = entry_find_free(t, directory, name, &entry);
	if (error)
		return error;
	pthread_mutex_lock(&inode->lock);
	if (inode->row.links == 0)
		error = -ENOENT;
	else if (inode->row.links >= TREE_LINKS_MAX)
		error = -EMLINK;
	else
		inode->row.links++;
	if (!error) {
		inode->row.ctime = clock_real_ns();
		inode_hold_target_locked(inode);
	}
	pthread_mutex_unlock(&inode->lock);
	if (error)
		return error;
	inode_mark(inode);
	entry_set(t, directory, entry, inode->row.number, mode_type(inode->row.mode));
	directory_changed(directory, 1, 0);
	return 0;
}

int tree_link(struct tree *t, uint64_t number, uint64_t parent, const char *name,
	      struct tree_entry *entry)
{
	CLEANUP_INODE struct inode *inode = NULL;
	CLEANUP_INODE struct inode *directory = NULL;
	int error = make_check(name, S_IFREG, NULL);
	if (!error)
		error = directory_get(t, parent, &directory);
	if (!error)
		error = inode_get(t, number, &inode);
	if (!error && S_ISDIR(inode->row.mode))
		error = -EPERM;
	if (!error)
		error = change_begin(t);
	if (error)
		return error;
	pthread_mutex_lock(&t->names);
	error = link_locked(t, inode, directory, name);
	pthread_mutex_unlock(&t->names);
	if (!error) {
		inode_reference(inode, 1);
		inode_entry(inode, entry);
	}
	change_end(t);
	return error;
}

void inode_drop_name(struct inode *inode)
{
	bool is_directory = S_ISDIR(inode->row.mode);
	pthread_mutex_lock(&inode->lock);
	inode->row.links -= is_directory ? 2 : 1;
	inode->row.ctime = clock_real_ns();
	pthread_mutex_unlock(&inode->lock);
	inode_mark(inode);
	if (is_directory)
		container_remove(inode->tree, inode->row.number);
}

/* *removed is pinned. */
static int remove_locked(struct tree *t, struct inode *directory, const char *name,
			 bool want_directory, struct inode **removed)
{
	CLEANUP_INODE struct inode *inode = NULL;
	struct entry *entry;
	int error = entry_find(t, directory, name, &entry);
	if (!error && !entry->inode)
		error = -ENOENT;
	if (!error)
		error = inode_get(t, entry->inode, &inode);
	if (error)
		return error;
	bool is_directory = S_ISDIR(inode->row.mode);
	if (is_directory != want_directory)
		return is_directory ? -EISDIR : -ENOTDIR;
	if (is_directory && inode->row.size)
		return -ENOTEMPTY;
	entry_set(t, directory, entry, 0, 0);
	directory_changed(directory, -1, is_directory ? -1 : 0);
	inode_drop_name(inode);
	*removed = TAKE(inode);
	return 0;
}

static int name_remove(struct tree *t, uint64_t parent, const char *name, bool want_directory)
{
	CLEANUP_INODE struct inode *directory = NULL;
	CLEANUP_INODE struct inode *removed = NULL;
	int error = name_check(name);
	if (!error && strcmp(name, ".") == 0)
		error = -EINVAL;
	if (!error && strcmp(name, "..") == 0)
		error = want_directory ? -ENOTEMPTY : -EISDIR;
	if (!error)
		error = directory_get(t, parent, &directory);
	if (!error)
		error = change_begin_freeing(t);
	if (error)
		return error;
	pthread_mutex_lock(&t->names);
	error = remove_locked(t, directory, name, want_directory, &removed);
	pthread_mutex_unlock(&t->names);
	if (!error)
		inode_reap(removed);
	change_end(t);
	return error;
}

int tree_unlink(struct tree *t, uint64_t parent, const char *name)
{
	return name_remove(t, parent, name, false);
}

int tree_rmdir(struct tree *t, uint64_t parent, const char *name)
{
	return name_remove(t, parent, name, true);
}

int tree_readlink(struct tree *t, uint64_t number, char **target)
{
	CLEANUP_INODE struct inode *inode = NULL;
	int error = inode_get(t, number, &inode);
	if (error)
		return error;
	if (!S_ISLNK(inode->row.mode))
		return -EINVAL;
	LOCK_SCOPE(&inode->lock);
	char *copy = mem_try_zalloc(inode->map_size + 1, 1);
	if (!copy)
		return -ENOMEM;
	if (inode->map_size)
		memcpy(copy, inode->map, inode->map_size);
	inode_accessed_locked(inode);
	*target = copy;
	return 0;
}
