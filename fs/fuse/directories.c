/* SPDX-License-Identifier: MIT */
/* Operations on open directories. The handle is the tree's own. */
#include <stdlib.h>
#include <string.h>

#include "fs/fuse/operations.h"
#include "lib/base/cleanup.h"
#include "lib/base/mem.h"

static struct tree_dir *handle(const struct fuse_file_info *fi)
{
	return (struct tree_dir *)(uintptr_t)fi->fh;
}

void op_opendir(fuse_req_t req, fuse_ino_t inode, struct fuse_file_info *fi)
{
	struct tree_dir *dir = NULL;
	int error = tree_opendir(request_tree(req), inode, &dir);

	if (error) {
		reply_status(req, error);
		return;
	}
	fi->fh = (uintptr_t)dir;
	if (fuse_reply_open(req, fi))
		tree_closedir(&dir);
}

void op_releasedir(fuse_req_t req, fuse_ino_t inode, struct fuse_file_info *fi)
{
	struct tree_dir *dir = handle(fi);

	(void)inode;
	tree_closedir(&dir);
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
	error = tree_readdir(handle(fi), (uint64_t)offset, plus, listing_add, &l);
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
