/* SPDX-License-Identifier: MIT */
/* Attributes: stat(2), chmod, chown, utimensat, truncate. */
#include <errno.h>

#include "fs/tree/internal.h"
#include "lib/base/clock.h"

int tree_getattr(struct tree *t, uint64_t number, struct stat *attr)
{
	CLEANUP_INODE struct inode *inode = NULL;
	atomic_fetch_add_explicit(&t->operations, 1, memory_order_relaxed);
	int error = inode_get(t, number, &inode);
	if (error)
		return error;
	LOCK_SCOPE(&inode->lock);
	if (inode->deleted)
		return -ESTALE;
	inode_stat_locked(inode, attr);
	return 0;
}

static void setattr_times(struct inode_row *row, unsigned set, const struct stat *attr, int64_t now)
{
	if (set & TREE_SET_ATIME_NOW)
		row->atime = now;
	else if (set & TREE_SET_ATIME)
		row->atime = clock_from_timespec(&attr->st_atim);
	/* truncate(2) names no time; a new size is a modification all the same. */
	if (set & (TREE_SET_MTIME_NOW | TREE_SET_SIZE))
		row->mtime = now;
	if (set & TREE_SET_MTIME)
		row->mtime = clock_from_timespec(&attr->st_mtim);
	row->ctime = set & TREE_SET_CTIME ? clock_from_timespec(&attr->st_ctim) : now;
}

static int setattr_locked(struct inode *inode, unsigned set, const struct stat *attr)
{
	struct inode_row *row = &inode->row;
	int error = 0;
	if (inode->deleted)
		return -ESTALE;
	if (set & TREE_SET_SIZE) {
		if (S_ISDIR(row->mode))
			return -EISDIR;
		if (!S_ISREG(row->mode) || attr->st_size < 0)
			return -EINVAL;
		error = range_truncate_locked(inode, (uint64_t)attr->st_size);
		if (error)
			return error;
	}
	if (set & TREE_SET_MODE) {
		uint32_t before = row->mode;
		row->mode = (row->mode & S_IFMT) | (attr->st_mode & 07777);
		error = acl_chmod_locked(inode);
		if (error) {
			row->mode = before;
			return error;
		}
	}
	if (set & TREE_SET_UID)
		row->uid = attr->st_uid;
	if (set & TREE_SET_GID)
		row->gid = attr->st_gid;
	setattr_times(row, set, attr, clock_real_ns());
	inode_hold_target_locked(inode);
	return 0;
}

int tree_setattr(struct tree *t, uint64_t number, unsigned set, struct stat *attr)
{
	CLEANUP_INODE struct inode *inode = NULL;
	int error = inode_get(t, number, &inode);
	if (!error)
		error = set & TREE_SET_SIZE ? change_begin_freeing(t) : change_begin(t);
	if (error)
		return error;
	pthread_mutex_lock(&inode->lock);
	error = setattr_locked(inode, set, attr);
	if (!error)
		inode_stat_locked(inode, attr);
	pthread_mutex_unlock(&inode->lock);
	if (error != -ESTALE)
		inode_mark(inode);
	change_end(t);
	return map_errno(error);
}
