/* SPDX-License-Identifier: MIT */
/* Operations on open directories. */
#include <stdlib.h>
#include <string.h>

#include "fs/fuse/operations.h"
#include "lib/base/cleanup.h"
#include "lib/base/mem.h"

/* What fi->fh points at. */
struct open_dir {
	LIST_ENTRY(open_dir) link; /* of the session's */
	struct tree_dir *dir;
};

static struct open_dir *open_dir(const struct fuse_file_info *fi)
{
	return (struct open_dir *)(uintptr_t)fi->fh;
}

static void dir_release(struct operations_context *context, struct open_dir *open)
{
	pthread_mutex_lock(&context->files_lock);
	LIST_REMOVE(open, link);
	pthread_mutex_unlock(&context->files_lock);
	tree_closedir(&open->dir);
	free(open);
}

void dirs_forget(struct operations_context *context)
{
	struct open_dir *open;

	while ((open = LIST_FIRST(&context->dirs)))
		dir_release(context, open);
}

void op_opendir(fuse_req_t req, fuse_ino_t inode, struct fuse_file_info *fi)
{
	struct operations_context *context = fuse_req_userdata(req);
	struct open_dir *open = mem_try_zalloc(1, sizeof(*open));
	int error = open ? tree_opendir(context->tree, inode, &open->dir) : -ENOMEM;

	if (error) {
		free(open);
		reply_status(req, error);
		return;
	}
	pthread_mutex_lock(&context->files_lock);
	LIST_INSERT_HEAD(&context->dirs, open, link);
	pthread_mutex_unlock(&context->files_lock);
	fi->fh = (uintptr_t)open;
	if (fuse_reply_open(req, fi))
		dir_release(context, open);
}

void op_releasedir(fuse_req_t req, fuse_ino_t inode, struct fuse_file_info *fi)
{
	(void)inode;
	dir_release(fuse_req_userdata(req), open_dir(fi));
	reply_status(req, 0);
}

/* A reply in the making. */
struct listing {
	fuse_req_t req;
	char *data;
	size_t size, used;
	bool plus;
};

static bool listing_add(void *context, const char *name, uint64_t next_cookie,
			const struct tree_entry *entry)
{
	struct listing *l = context;
	char *place = l->data + l->used;
	size_t room = l->size - l->used, need;

	if (l->plus) {
		struct fuse_entry_param param;

		entry_to_fuse(entry, &param);
		need = fuse_add_direntry_plus(l->req, place, room, name, &param,
					      (off_t)next_cookie);
	} else {
		need = fuse_add_direntry(l->req, place, room, name, &entry->attr,
					 (off_t)next_cookie);
	}
	if (need > room)
		return false;
	l->used += need;
	return true;
}

static void list(fuse_req_t req, struct fuse_file_info *fi, size_t size, off_t offset, bool plus)
{
	CLEANUP_FREE char *data = mem_try_alloc(1, size);
	struct listing l = {.req = req, .data = data, .size = size, .plus = plus};
	int error;

	if (!data) {
		reply_status(req, -ENOMEM);
		return;
	}
	error = tree_readdir(open_dir(fi)->dir, (uint64_t)offset, plus, listing_add, &l);
	/* What has been listed counts, also before an error: it has references. */
	if (error < 0 && l.used == 0)
		reply_status(req, error);
	else
		fuse_reply_buf(req, data, l.used);
}

void op_readdir(fuse_req_t req, fuse_ino_t inode, size_t size, off_t offset,
		struct fuse_file_info *fi)
{
	(void)inode;
	list(req, fi, size, offset, false);
}

void op_readdirplus(fuse_req_t req, fuse_ino_t inode, size_t size, off_t offset,
		    struct fuse_file_info *fi)
{
	(void)inode;
	list(req, fi, size, offset, true);
}

void op_fsyncdir(fuse_req_t req, fuse_ino_t inode, int datasync, struct fuse_file_info *fi)
{
	(void)datasync;
	(void)fi;
	reply_status(req, tree_commit(request_tree(req), inode));
}
