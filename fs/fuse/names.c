/* SPDX-License-Identifier: MIT */
/*
 * Operations on names. Every reply that carries an entry gives the kernel one
 * reference on its inode; where the reply does not arrive (the caller was
 * interrupted), the reference is taken back at once, or it would stay for ever.
 */
#include <stdlib.h>

#include "fs/fuse/operations.h"
#include "lib/base/cleanup.h"

static struct tree_caller request_caller(fuse_req_t req)
{
	const struct fuse_ctx *ctx = fuse_req_ctx(req);

	return (struct tree_caller){.uid = ctx->uid, .gid = ctx->gid, .umask = ctx->umask};
}

static void reply_entry(fuse_req_t req, int error, const struct tree_entry *entry)
{
	struct tree *tree = request_tree(req);
	struct fuse_entry_param param;

	if (error) {
		reply_status(req, error);
		return;
	}
	entry_to_fuse(entry, &param);
	if (fuse_reply_entry(req, &param))
		tree_forget(tree, entry->inode, 1);
}

void op_lookup(fuse_req_t req, fuse_ino_t parent, const char *name)
{
	struct tree_entry entry;
	int error = tree_lookup(request_tree(req), parent, name, &entry);

	if (error == -ENOENT) {
		/* Inode 0: the kernel may remember that there is no such name. */
		struct fuse_entry_param none = {.entry_timeout = NAME_TIMEOUT};

		fuse_reply_entry(req, &none);
		return;
	}
	reply_entry(req, error, &entry);
}

void op_forget(fuse_req_t req, fuse_ino_t inode, uint64_t count)
{
	tree_forget(request_tree(req), inode, count);
	fuse_reply_none(req);
}

void op_forget_multi(fuse_req_t req, size_t count, struct fuse_forget_data *forgets)
{
	for (size_t i = 0; i < count; i++)
		tree_forget(request_tree(req), forgets[i].ino, forgets[i].nlookup);
	fuse_reply_none(req);
}

static void make(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode, dev_t rdev,
		 const char *target)
{
	struct tree_caller caller = request_caller(req);
	struct tree_entry entry;
	int error = tree_make(request_tree(req), parent, name, mode, rdev, target, &caller, &entry);

	reply_entry(req, error, &entry);
}

void op_mknod(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode, dev_t rdev)
{
	make(req, parent, name, mode, rdev, NULL);
}

void op_mkdir(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode)
{
	make(req, parent, name, S_IFDIR | (mode & ~(mode_t)S_IFMT), 0, NULL);
}

void op_symlink(fuse_req_t req, const char *target, fuse_ino_t parent, const char *name)
{
	make(req, parent, name, S_IFLNK | 0777, 0, target);
}

void op_link(fuse_req_t req, fuse_ino_t inode, fuse_ino_t parent, const char *name)
{
	struct tree_entry entry;
	int error = tree_link(request_tree(req), inode, parent, name, &entry);

	reply_entry(req, error, &entry);
}

void op_unlink(fuse_req_t req, fuse_ino_t parent, const char *name)
{
	reply_status(req, tree_unlink(request_tree(req), parent, name));
}

void op_rmdir(fuse_req_t req, fuse_ino_t parent, const char *name)
{
	reply_status(req, tree_rmdir(request_tree(req), parent, name));
}

void op_rename(fuse_req_t req, fuse_ino_t parent, const char *name, fuse_ino_t new_parent,
	       const char *new_name, unsigned flags)
{
	reply_status(req,
		     tree_rename(request_tree(req), parent, name, new_parent, new_name, flags));
}

void op_readlink(fuse_req_t req, fuse_ino_t inode)
{
	CLEANUP_FREE char *target = NULL;
	int error = tree_readlink(request_tree(req), inode, &target);

	if (error)
		reply_status(req, error);
	else
		fuse_reply_readlink(req, target);
}

/* A name that has come into being since the kernel looked: it is opened, as open(2) does. */
static int create_existing(struct tree *tree, fuse_ino_t parent, const char *name, int flags,
			   struct tree_entry *entry)
{
	int error;

	if (flags & O_EXCL)
		return -EEXIST;
	error = tree_lookup(tree, parent, name, entry);
	if (error)
		return error;
	if (!S_ISREG(entry->attr.st_mode)) {
		/* The kernel looks again and then does what this kind of inode asks for. */
		tree_forget(tree, entry->inode, 1);
		return -ESTALE;
	}
	return 0;
}

void op_create(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode,
	       struct fuse_file_info *fi)
{
	struct tree *tree = request_tree(req);
	struct tree_caller caller = request_caller(req);
	struct fuse_entry_param param;
	struct tree_entry entry;
	int error;

	error = tree_make(tree, parent, name, S_IFREG | (mode & ~(mode_t)S_IFMT), 0, NULL, &caller,
			  &entry);
	if (error == -EEXIST)
		error = create_existing(tree, parent, name, fi->flags, &entry);
	if (error) {
		reply_status(req, error);
		return;
	}
	error = file_open(req, entry.inode, fi);
	if (error) {
		tree_forget(tree, entry.inode, 1);
		reply_status(req, error);
		return;
	}
	entry_to_fuse(&entry, &param);
	if (fuse_reply_create(req, &param, fi)) {
		file_release(req, entry.inode, fi);
		tree_forget(tree, entry.inode, 1);
	}
}
