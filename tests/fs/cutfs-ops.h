/* SPDX-License-Identifier: MIT */
/* What the two halves of cutfs's FUSE operations share. */
#ifndef TESTS_FS_CUTFS_OPS_H
#define TESTS_FS_CUTFS_OPS_H

#include <fuse_lowlevel.h>

#include "tests/fs/cutfs.h"

/* Only the kernel's own requests change anything: it may believe what it knows. */
#define CUTFS_TIMEOUT 3600.0

extern const struct fuse_lowlevel_ops cutfs_operations;

struct cutfs_node *cutfs_node_of(fuse_ino_t ino);
void cutfs_node_attr(const struct cutfs_node *node, struct stat *attr);
/* A new node with this name; NULL when the name is taken. */
struct cutfs_node *cutfs_make(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode);

void cutfs_op_create(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode,
		     struct fuse_file_info *fi);
void cutfs_op_open(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi);
void cutfs_op_release(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi);
void cutfs_op_read(fuse_req_t req, fuse_ino_t ino, size_t size, off_t offset,
		   struct fuse_file_info *fi);
void cutfs_op_write(fuse_req_t req, fuse_ino_t ino, const char *data, size_t size, off_t offset,
		    struct fuse_file_info *fi);
void cutfs_op_fsync(fuse_req_t req, fuse_ino_t ino, int datasync, struct fuse_file_info *fi);
void cutfs_op_fallocate(fuse_req_t req, fuse_ino_t ino, int mode, off_t offset, off_t length,
			struct fuse_file_info *fi);
void cutfs_op_lseek(fuse_req_t req, fuse_ino_t ino, off_t offset, int whence,
		    struct fuse_file_info *fi);
void cutfs_op_statfs(fuse_req_t req, fuse_ino_t ino);

#endif
