/* SPDX-License-Identifier: MIT */
/*
 * The FUSE operations: one table over fs/tree/tree.h. Each operation turns a
 * request into one call of the tree and its result into one reply; nothing is
 * kept here but what a reply needs. The node id of an inode is its number.
 *
 * Caching. This process is the only writer of the store, so the kernel may keep
 * names (also those that do not exist), attributes and pages for as long as it
 * likes; whoever changes the tree behind the kernel's back (fs.clone) tells it.
 */
#ifndef FS_FUSE_OPERATIONS_H
#define FS_FUSE_OPERATIONS_H

#define FUSE_USE_VERSION 312

#include <errno.h>
#include <fuse_lowlevel.h>
#include <pthread.h>
#include <stdbool.h>
#include <sys/queue.h>

#include "fs/tree/tree.h"

/* Seconds. Attributes are asked for again now and then because the number of blocks and the
 * time of access change without the kernel's doing. */
#define NAME_TIMEOUT	  3600.0
#define ATTRIBUTE_TIMEOUT 60.0

#define TRANSFER_MAX (1u << 20) /* bytes of one read or write request */

struct coherence;
struct open_dir;
struct open_file;

/* What a session hands to its operations. */
struct operations_context {
	struct tree *tree;
	struct coherence *coherence;
	bool writeback; /* the kernel may keep written pages back */
	pthread_mutex_t files_lock; /* the open handles: */
	LIST_HEAD(, open_file) files;
	LIST_HEAD(, open_dir) dirs;
};

extern const struct fuse_lowlevel_ops operations;

static inline struct tree *request_tree(fuse_req_t req)
{
	return ((struct operations_context *)fuse_req_userdata(req))->tree;
}

/* For what is answered with a status alone. `error` is 0 or -errno. */
static inline void reply_status(fuse_req_t req, int error)
{
	fuse_reply_err(req, -error);
}

void entry_to_fuse(const struct tree_entry *entry, struct fuse_entry_param *param);

/* names.c */
void op_lookup(fuse_req_t req, fuse_ino_t parent, const char *name);
void op_forget(fuse_req_t req, fuse_ino_t inode, uint64_t count);
void op_forget_multi(fuse_req_t req, size_t count, struct fuse_forget_data *forgets);
void op_mknod(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode, dev_t rdev);
void op_mkdir(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode);
void op_symlink(fuse_req_t req, const char *target, fuse_ino_t parent, const char *name);
void op_link(fuse_req_t req, fuse_ino_t inode, fuse_ino_t parent, const char *name);
void op_unlink(fuse_req_t req, fuse_ino_t parent, const char *name);
void op_rmdir(fuse_req_t req, fuse_ino_t parent, const char *name);
void op_rename(fuse_req_t req, fuse_ino_t parent, const char *name, fuse_ino_t new_parent,
	       const char *new_name, unsigned flags);
void op_readlink(fuse_req_t req, fuse_ino_t inode);
void op_create(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode,
	       struct fuse_file_info *fi);

/* directories.c */
void op_opendir(fuse_req_t req, fuse_ino_t inode, struct fuse_file_info *fi);
void op_readdir(fuse_req_t req, fuse_ino_t inode, size_t size, off_t offset,
		struct fuse_file_info *fi);
void op_readdirplus(fuse_req_t req, fuse_ino_t inode, size_t size, off_t offset,
		    struct fuse_file_info *fi);
void op_releasedir(fuse_req_t req, fuse_ino_t inode, struct fuse_file_info *fi);
void op_fsyncdir(fuse_req_t req, fuse_ino_t inode, int datasync, struct fuse_file_info *fi);

/* attributes.c */
void op_getattr(fuse_req_t req, fuse_ino_t inode, struct fuse_file_info *fi);
void op_setattr(fuse_req_t req, fuse_ino_t inode, struct stat *attr, int set,
		struct fuse_file_info *fi);
void op_statfs(fuse_req_t req, fuse_ino_t inode);
void op_setxattr(fuse_req_t req, fuse_ino_t inode, const char *name, const char *value, size_t size,
		 int flags);
void op_getxattr(fuse_req_t req, fuse_ino_t inode, const char *name, size_t size);
void op_listxattr(fuse_req_t req, fuse_ino_t inode, size_t size);
void op_removexattr(fuse_req_t req, fuse_ino_t inode, const char *name);

/* files.c */
/* Sets what the kernel may do with an open file. */
/* Opens it in the tree and fills in the handle. */
int file_open(fuse_req_t req, fuse_ino_t inode, struct fuse_file_info *fi);
/* Those that nobody has released when the session is over. */
void files_forget(struct operations_context *context);
void dirs_forget(struct operations_context *context);
void file_release(fuse_req_t req, fuse_ino_t inode, const struct fuse_file_info *fi);
void op_open(fuse_req_t req, fuse_ino_t inode, struct fuse_file_info *fi);
void op_read(fuse_req_t req, fuse_ino_t inode, size_t size, off_t offset,
	     struct fuse_file_info *fi);
void op_write(fuse_req_t req, fuse_ino_t inode, const char *data, size_t size, off_t offset,
	      struct fuse_file_info *fi);
void op_flush(fuse_req_t req, fuse_ino_t inode, struct fuse_file_info *fi);
void op_release(fuse_req_t req, fuse_ino_t inode, struct fuse_file_info *fi);
void op_fsync(fuse_req_t req, fuse_ino_t inode, int datasync, struct fuse_file_info *fi);
void op_fallocate(fuse_req_t req, fuse_ino_t inode, int mode, off_t offset, off_t length,
		  struct fuse_file_info *fi);
void op_lseek(fuse_req_t req, fuse_ino_t inode, off_t offset, int whence,
	      struct fuse_file_info *fi);
void op_copy_file_range(fuse_req_t req, fuse_ino_t from, off_t from_offset,
			struct fuse_file_info *from_fi, fuse_ino_t to, off_t to_offset,
			struct fuse_file_info *to_fi, size_t length, int flags);
void op_ioctl(fuse_req_t req, fuse_ino_t inode, unsigned command, void *argument,
	      struct fuse_file_info *fi, unsigned flags, const void *in, size_t in_size,
	      size_t out_size);

#endif
