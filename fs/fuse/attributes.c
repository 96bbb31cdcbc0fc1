/* SPDX-License-Identifier: MIT */
/* Operations on attributes, extended attributes and the filesystem as a whole. */
#include <errno.h>
#include <linux/limits.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

#include "fs/fuse/operations.h"
#include "lib/base/cleanup.h"
#include "lib/base/mem.h"

void op_getattr(fuse_req_t req, fuse_ino_t inode, struct fuse_file_info *fi)
{
	struct stat attr;
	int error = tree_getattr(request_tree(req), inode, &attr);

	(void)fi;
	if (error)
		reply_status(req, error);
	else
		fuse_reply_attr(req, &attr, ATTRIBUTE_TIMEOUT);
}

/* FUSE's bits and the tree's. */
static const struct {
	int fuse;
	unsigned tree;
} set_bits[] = {
	{FUSE_SET_ATTR_MODE, TREE_SET_MODE},
	{FUSE_SET_ATTR_UID, TREE_SET_UID},
	{FUSE_SET_ATTR_GID, TREE_SET_GID},
	{FUSE_SET_ATTR_SIZE, TREE_SET_SIZE},
	{FUSE_SET_ATTR_ATIME, TREE_SET_ATIME},
	{FUSE_SET_ATTR_MTIME, TREE_SET_MTIME},
	{FUSE_SET_ATTR_ATIME_NOW, TREE_SET_ATIME_NOW},
	{FUSE_SET_ATTR_MTIME_NOW, TREE_SET_MTIME_NOW},
	{FUSE_SET_ATTR_CTIME, TREE_SET_CTIME},
};

void op_setattr(fuse_req_t req, fuse_ino_t inode, struct stat *attr, int set,
		struct fuse_file_info *fi)
{
	struct stat changed = *attr;
	unsigned bits = 0;
	int error;

	(void)fi;
	for (size_t i = 0; i < sizeof(set_bits) / sizeof(*set_bits); i++)
		if (set & set_bits[i].fuse)
			bits |= set_bits[i].tree;
	error = tree_setattr(request_tree(req), inode, bits, &changed);
	if (error)
		reply_status(req, error);
	else
		fuse_reply_attr(req, &changed, ATTRIBUTE_TIMEOUT);
}

void op_statfs(fuse_req_t req, fuse_ino_t inode)
{
	struct statvfs sv = {0};
	int error = tree_statfs(request_tree(req), &sv);

	(void)inode;
	if (error)
		reply_status(req, error);
	else
		fuse_reply_statfs(req, &sv);
}

#define GROUPS_MAX 65536 /* the kernel's NGROUPS_MAX */

static bool caller_is_in_group(fuse_req_t req, gid_t group)
{
	CLEANUP_FREE gid_t *list = NULL;
	int count;

	if (fuse_req_ctx(req)->gid == group)
		return true;
	list = mem_try_alloc(GROUPS_MAX, sizeof(*list));
	count = list ? fuse_req_getgroups(req, GROUPS_MAX, list) : -ENOMEM;
	for (int i = 0; i < count && i < GROUPS_MAX; i++)
		if (list[i] == group)
			return true;
	return false;
}

/* An access list sets the mode. As chmod(2), which the kernel sees to itself, it leaves no
 * set-group-ID bit for a group that the caller is not in. */
static int strip_foreign_group(fuse_req_t req, fuse_ino_t inode)
{
	struct tree *tree = request_tree(req);
	struct stat attr;
	int error;

	if (fuse_req_ctx(req)->uid == 0)
		return 0;
	error = tree_getattr(tree, inode, &attr);
	if (error || !(attr.st_mode & S_ISGID) || caller_is_in_group(req, attr.st_gid))
		return error;
	attr.st_mode &= ~(mode_t)S_ISGID;
	return tree_setattr(tree, inode, TREE_SET_MODE, &attr);
}

void op_setxattr(fuse_req_t req, fuse_ino_t inode, const char *name, const char *value, size_t size,
		 int flags)
{
	int error = tree_setxattr(request_tree(req), inode, name, value, size, flags);

	if (!error && strcmp(name, "system.posix_acl_access") == 0)
		error = strip_foreign_group(req, inode);
	reply_status(req, error);
}

void op_removexattr(fuse_req_t req, fuse_ino_t inode, const char *name)
{
	reply_status(req, tree_removexattr(request_tree(req), inode, name));
}

/* `got` bytes in `data`, or the size alone when that was asked for. */
static void reply_value(fuse_req_t req, ssize_t got, const char *data, size_t size)
{
	if (got < 0)
		reply_status(req, (int)got);
	else if (size == 0)
		fuse_reply_xattr(req, (size_t)got);
	else
		fuse_reply_buf(req, data, (size_t)got);
}

void op_getxattr(fuse_req_t req, fuse_ino_t inode, const char *name, size_t size)
{
	CLEANUP_FREE char *data = size ? mem_try_alloc(1, size) : NULL;

	if (size && !data)
		reply_status(req, -ENOMEM);
	else
		reply_value(req, tree_getxattr(request_tree(req), inode, name, data, size), data,
			    size);
}

/* Takes the names out that only root may know of; the new length. */
static ssize_t list_hide_trusted(char *list, ssize_t length)
{
	ssize_t kept = 0;

	for (ssize_t at = 0; at < length;) {
		ssize_t size = (ssize_t)strlen(list + at) + 1;
		if (strncmp(list + at, "trusted.", 8) != 0) {
			memmove(list + kept, list + at, (size_t)size);
			kept += size;
		}
		at += size;
	}
	return kept;
}

/* The whole list is fetched even where only its size is asked for: what the caller may see
 * of it is known only then. */
void op_listxattr(fuse_req_t req, fuse_ino_t inode, size_t size)
{
	CLEANUP_FREE char *data = mem_try_alloc(1, XATTR_LIST_MAX);
	ssize_t got =
		data ? tree_listxattr(request_tree(req), inode, data, XATTR_LIST_MAX) : -ENOMEM;

	if (got > 0 && fuse_req_ctx(req)->uid != 0)
		got = list_hide_trusted(data, got);
	if (size && got > (ssize_t)size)
		got = -ERANGE;
	reply_value(req, got, data, size);
}
