/* SPDX-License-Identifier: MIT */
/* FUSE requests of cutfs about contents and space. */
#define FUSE_USE_VERSION 314
#include <fuse_lowlevel.h>

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "lib/base/assert.h"
#include "tests/fs/cutfs.h"
#include "tests/fs/cutfs-ops.h"

/* Without a quota the filesystem says it has this much. */
#define SPACE_TOTAL (UINT64_C(1) << 36)

static void file_opened(struct cutfs_node *node, struct fuse_file_info *fi)
{
	node->users++;
	fi->keep_cache = 1;
}

void cutfs_op_create(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode,
		     struct fuse_file_info *fi)
{
	struct cutfs_node *node = cutfs_make(req, parent, name, mode);
	if (node == NULL) {
		fuse_reply_err(req, EEXIST);
		return;
	}
	struct fuse_entry_param entry = {
		.ino = (fuse_ino_t)(uintptr_t)node,
		.generation = node->number,
		.attr_timeout = CUTFS_TIMEOUT,
		.entry_timeout = CUTFS_TIMEOUT,
	};
	cutfs_node_attr(node, &entry.attr);
	node->users++;
	file_opened(node, fi);
	fuse_reply_create(req, &entry, fi);
}

void cutfs_op_open(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	file_opened(cutfs_node_of(ino), fi);
	fuse_reply_open(req, fi);
}

void cutfs_op_release(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	struct cutfs_node *node = cutfs_node_of(ino);
	(void)fi;
	ASSERT(node->users > 0);
	node->users--;
	cutfs_node_settle(node);
	fuse_reply_err(req, 0);
}

void cutfs_op_read(fuse_req_t req, fuse_ino_t ino, size_t size, off_t offset,
		   struct fuse_file_info *fi)
{
	const struct cutfs_buffer *live = &cutfs_node_of(ino)->live;
	(void)fi;
	if ((uint64_t)offset >= live->size)
		size = 0;
	else if (size > live->size - (uint64_t)offset)
		size = live->size - (uint64_t)offset;
	fuse_reply_buf(req, size > 0 ? (const char *)live->data + offset : NULL, size);
}

void cutfs_op_write(fuse_req_t req, fuse_ino_t ino, const char *data, size_t size, off_t offset,
		    struct fuse_file_info *fi)
{
	int error = cutfs_node_write(cutfs_node_of(ino), (uint64_t)offset, data, size);
	(void)fi;
	if (error != 0)
		fuse_reply_err(req, -error);
	else
		fuse_reply_write(req, size);
}

void cutfs_op_fsync(fuse_req_t req, fuse_ino_t ino, int datasync, struct fuse_file_info *fi)
{
	struct cutfs_node *node = cutfs_node_of(ino);
	int error = cutfs_node_sync(node);
	(void)datasync; /* the size counts as data, as everywhere */
	(void)fi;
	if (error == 0 && cutfs.model == CUTFS_JOURNAL)
		cutfs_changes_sync(node);
	fuse_reply_err(req, -error);
}

void cutfs_op_fallocate(fuse_req_t req, fuse_ino_t ino, int mode, off_t offset, off_t length,
			struct fuse_file_info *fi)
{
	struct cutfs_node *node = cutfs_node_of(ino);
	uint64_t end = (uint64_t)offset + (uint64_t)length;
	int error = 0;
	(void)fi;
	if ((mode & ~(FALLOC_FL_KEEP_SIZE | FALLOC_FL_PUNCH_HOLE | FALLOC_FL_ZERO_RANGE)) != 0)
		error = -EOPNOTSUPP;
	if (error == 0 && (mode & FALLOC_FL_PUNCH_HOLE) == 0)
		error = cutfs_node_allocate(node, (uint64_t)offset, (uint64_t)length);
	if (error == 0 && (mode & (FALLOC_FL_PUNCH_HOLE | FALLOC_FL_ZERO_RANGE)) != 0)
		cutfs_node_punch(node, (uint64_t)offset, (uint64_t)length);
	if (error == 0 && (mode & FALLOC_FL_KEEP_SIZE) == 0 && end > node->live.size)
		error = cutfs_node_resize(node, end);
	fuse_reply_err(req, -error);
}

void cutfs_op_lseek(fuse_req_t req, fuse_ino_t ino, off_t offset, int whence,
		    struct fuse_file_info *fi)
{
	const struct cutfs_node *node = cutfs_node_of(ino);
	uint64_t at = (uint64_t)offset;
	bool want = whence == SEEK_DATA;
	(void)fi;
	if (at >= node->live.size || (whence != SEEK_DATA && whence != SEEK_HOLE)) {
		fuse_reply_err(req, at >= node->live.size ? ENXIO : EINVAL);
		return;
	}
	while (at < node->live.size) {
		uint64_t block = at / CUTFS_BLOCK;
		if ((block < node->block_room && node->blocks[block]) == want)
			break;
		at = (block + 1) * CUTFS_BLOCK;
	}
	if (at >= node->live.size && want)
		fuse_reply_err(req, ENXIO);
	else
		fuse_reply_lseek(req, (off_t)(at < node->live.size ? at : node->live.size));
}

void cutfs_op_statfs(fuse_req_t req, fuse_ino_t ino)
{
	uint64_t total = cutfs.quota != 0 ? cutfs.quota : SPACE_TOTAL;
	uint64_t left = cutfs.used < total ? total - cutfs.used : 0;
	struct statvfs sv = {
		.f_bsize = CUTFS_BLOCK,
		.f_frsize = CUTFS_BLOCK,
		.f_blocks = total / CUTFS_BLOCK,
		.f_bfree = left / CUTFS_BLOCK,
		.f_bavail = left / CUTFS_BLOCK,
		.f_files = 1000000,
		.f_ffree = 1000000,
		.f_favail = 1000000,
		.f_namemax = 255,
	};
	(void)ino;
	fuse_reply_statfs(req, &sv);
}
