/* SPDX-License-Identifier: MIT */
/*
 * Operations on files. Reads are answered from the tree's own views, without a
 * copy here. A write is answered when the tree has taken it: what has been
 * acknowledged is in the next commit, and that is at most commit-seconds away.
 *
 * A handle that can only write is direct where the tree allows it: its
 * data does not pass the kernel's page cache, which costs as much as everything
 * else together when data is here already. The kernel then leaves to us what it
 * does for other writes: taking privileges away, O_SYNC, and pages that others
 * have had read meanwhile (coherence.h).
 */
#include <limits.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "fs/fuse/coherence.h"
#include "fs/fuse/operations.h"
#include "lib/base/cleanup.h"
#include "lib/base/mem.h"

/* libfuse puts its header before the views in one writev(2). */
#define VIEWS_MAX (IOV_MAX - 1)

/* What fi->fh points at. */
struct open_file {
	LIST_ENTRY(open_file) link; /* of the session's */
	bool direct, mappable;
	atomic_uint_fast64_t losses; /* the mark of what it has been told of */
};

static struct open_file *open_file(const struct fuse_file_info *fi)
{
	return (struct open_file *)(uintptr_t)fi->fh;
}

int file_open(fuse_req_t req, fuse_ino_t inode, struct fuse_file_info *fi)
{
	struct operations_context *context = fuse_req_userdata(req);
	int flags = fi->flags & ~O_DIRECT, direct;
	struct open_file *file = mem_try_zalloc(1, sizeof(*file));

	if (!file)
		return -ENOMEM;
	if (!context->writeback && (flags & O_ACCMODE) == O_WRONLY)
		flags |= O_DIRECT;
	direct = tree_open_file(context->tree, inode, flags);
	if (direct < 0) {
		free(file);
		return direct;
	}
	file->direct = direct != 0;
	file->mappable = (flags & O_ACCMODE) == O_RDWR;
	if (file->mappable && tree_count_mappable(context->tree, inode, 1))
		coherence_forget_attributes(context->coherence, inode);
	atomic_init(&file->losses, tree_loss_mark(context->tree, inode));
	pthread_mutex_lock(&context->files_lock);
	LIST_INSERT_HEAD(&context->files, file, link);
	pthread_mutex_unlock(&context->files_lock);
	fi->fh = (uintptr_t)file;
	fi->direct_io = direct != 0;
	fi->keep_cache = !direct; /* else what readers that have gone have left goes, too */
	/* A file that was only read has nothing to hand over when it is closed. */
	fi->noflush = !context->writeback && (flags & O_ACCMODE) == O_RDONLY;
	return 0;
}

void file_release(fuse_req_t req, fuse_ino_t inode, const struct fuse_file_info *fi)
{
	struct operations_context *context = fuse_req_userdata(req);
	struct open_file *file = open_file(fi);

	/* The last mapping has gone, and its pages have been written, before the kernel says so. */
	if (file->mappable)
		tree_count_mappable(context->tree, inode, -1);
	if (file->direct)
		tree_release_direct(context->tree, inode);
	else
		tree_release_file(context->tree, inode);
	pthread_mutex_lock(&context->files_lock);
	LIST_REMOVE(file, link);
	pthread_mutex_unlock(&context->files_lock);
	free(file);
}

void files_forget(struct operations_context *context)
{
	struct open_file *file;

	while ((file = LIST_FIRST(&context->files))) {
		LIST_REMOVE(file, link);
		free(file);
	}
}

/* A change of the contents takes the set-ID bits and capabilities away. The kernel leaves that to
 * us for open(2) with O_TRUNC (ATOMIC_O_TRUNC) and for writes through direct handles. */
static int strip_privileges(fuse_req_t req, fuse_ino_t inode)
{
	const struct operations_context *context = fuse_req_userdata(req);
	struct tree *tree = context->tree;
	struct stat attr;
	mode_t strip = 0;
	int error;

	if (tree_getxattr(tree, inode, "security.capability", NULL, 0) != -ENODATA) {
		error = tree_removexattr(tree, inode, "security.capability");
		if (error && error != -ENODATA)
			return error;
	}
	if (fuse_req_ctx(req)->uid == 0)
		return 0;
	error = tree_getattr(tree, inode, &attr);
	if (error)
		return error;
	strip |= attr.st_mode & S_ISUID;
	/* Without group execution the bit marks mandatory locking, not a privilege. */
	if (attr.st_mode & S_IXGRP)
		strip |= attr.st_mode & S_ISGID;
	if (!strip)
		return 0;
	attr.st_mode &= ~strip;
	error = tree_setattr(tree, inode, TREE_SET_MODE, &attr);
	/* exec(2) goes by the mode that the kernel holds. */
	coherence_forget_attributes(context->coherence, inode);
	return error;
}

void op_open(fuse_req_t req, fuse_ino_t inode, struct fuse_file_info *fi)
{
	int error = 0;

	if (fi->flags & O_TRUNC)
		error = strip_privileges(req, inode);
	if (!error)
		error = file_open(req, inode, fi);
	if (error) {
		reply_status(req, error);
		return;
	}
	if (fuse_reply_open(req, fi))
		file_release(req, inode, fi);
}

void op_release(fuse_req_t req, fuse_ino_t inode, struct fuse_file_info *fi)
{
	file_release(req, inode, fi);
	reply_status(req, 0);
}

/* For a range in more pieces than one system call takes. */
static void reply_copied(fuse_req_t req, const struct tree_read *read)
{
	CLEANUP_FREE char *data = mem_try_alloc(1, read->size);
	size_t used = 0;

	if (!data) {
		reply_status(req, -ENOMEM);
		return;
	}
	for (int i = 0; i < read->count; i++) {
		memcpy(data + used, read->iov[i].iov_base, read->iov[i].iov_len);
		used += read->iov[i].iov_len;
	}
	fuse_reply_buf(req, data, used);
}

void op_read(fuse_req_t req, fuse_ino_t inode, size_t size, off_t offset, struct fuse_file_info *fi)
{
	struct tree_read read = {0};
	int error = tree_read(request_tree(req), inode, (uint64_t)offset, size, &read);

	(void)fi;
	if (error) {
		reply_status(req, error);
		return;
	}
	if (read.size == 0)
		fuse_reply_buf(req, NULL, 0);
	else if (read.count > VIEWS_MAX)
		reply_copied(req, &read);
	else
		fuse_reply_iov(req, read.iov, read.count);
	tree_read_release(&read);
}

/* Makes what was written durable; what could not be kept is told. */
static int file_sync(struct tree *tree, fuse_ino_t inode, struct open_file *file)
{
	int error = tree_commit(tree, inode);

	return error ? error : tree_loss_tell(tree, inode, &file->losses);
}

void op_write(fuse_req_t req, fuse_ino_t inode, const char *data, size_t size, off_t offset,
	      struct fuse_file_info *fi)
{
	const struct operations_context *context = fuse_req_userdata(req);
	struct open_file *file = open_file(fi);
	bool direct = file->direct;
	/* No more is taken before the writer has asked what became of the rest. Pages that the kernel
	 * writes back come with whatever handle it finds, and are dropped when they are refused. */
	int error = fi->writepage
			    ? 0
			    : tree_loss_since(context->tree, inode, atomic_load(&file->losses));

	if (!error && direct)
		error = strip_privileges(req, inode);
	if (!error)
		error = tree_write(context->tree, inode, (uint64_t)offset, data, size);
	if (!error && direct && (fi->flags & O_DSYNC))
		error = file_sync(context->tree, inode, file);
	if (error)
		reply_status(req, error);
	else if (direct && tree_is_mixed(context->tree, inode))
		coherence_reply_write(context->coherence, req, inode, offset, size);
	else
		fuse_reply_write(req, size);
}

void op_flush(fuse_req_t req, fuse_ino_t inode, struct fuse_file_info *fi)
{
	struct tree *tree = request_tree(req);
	int error = tree_flush(tree, inode);

	/* Each close of a duplicate comes here, also a child's at its end, where nobody looks at the
	 * answer: only fsync counts as told. */
	if (!error)
		error = tree_loss_since(tree, inode, atomic_load(&open_file(fi)->losses));
	reply_status(req, error);
}

void op_fsync(fuse_req_t req, fuse_ino_t inode, int datasync, struct fuse_file_info *fi)
{
	(void)datasync; /* a commit holds everything: there is no cheaper one */
	reply_status(req, file_sync(request_tree(req), inode, open_file(fi)));
}

void op_fallocate(fuse_req_t req, fuse_ino_t inode, int mode, off_t offset, off_t length,
		  struct fuse_file_info *fi)
{
	(void)fi;
	reply_status(req, tree_fallocate(request_tree(req), inode, mode, (uint64_t)offset,
					 (uint64_t)length));
}

void op_lseek(fuse_req_t req, fuse_ino_t inode, off_t offset, int whence, struct fuse_file_info *fi)
{
	const struct operations_context *context = fuse_req_userdata(req);
	uint64_t found = 0;
	int error;

	(void)fi;
	/* The kernel asks without handing over what it keeps back: data would be called a hole, and
	 * cp(1) leave it out. ENOSYS makes it take all for data. */
	if (context->writeback)
		error = -ENOSYS;
	else
		error = tree_lseek(context->tree, inode, (uint64_t)offset, whence, &found);
	if (error)
		reply_status(req, error);
	else
		fuse_reply_lseek(req, (off_t)found);
}

void op_copy_file_range(fuse_req_t req, fuse_ino_t from, off_t from_offset,
			struct fuse_file_info *from_fi, fuse_ino_t to, off_t to_offset,
			struct fuse_file_info *to_fi, size_t length, int flags)
{
	/* The reply has 32 bits; a multiple of any block keeps the rest aligned. */
	const size_t most = UINT32_MAX & ~(size_t)(TRANSFER_MAX - 1);
	ssize_t copied;

	(void)from_fi;
	(void)to_fi;
	if (flags) {
		reply_status(req, -EINVAL);
		return;
	}
	copied = tree_copy_range(request_tree(req), from, (uint64_t)from_offset, to,
				 (uint64_t)to_offset, length < most ? length : most);
	if (copied < 0)
		reply_status(req, (int)copied);
	else
		fuse_reply_write(req, (size_t)copied);
}

/* There are none; ENOTTY is what programs that try expect (ENOSYS would confuse them). */
void op_ioctl(fuse_req_t req, fuse_ino_t inode, unsigned command, void *argument,
	      struct fuse_file_info *fi, unsigned flags, const void *in, size_t in_size,
	      size_t out_size)
{
	(void)inode;
	(void)command;
	(void)argument;
	(void)fi;
	(void)flags;
	(void)in;
	(void)in_size;
	(void)out_size;
	reply_status(req, -ENOTTY);
}
