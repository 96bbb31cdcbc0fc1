/* SPDX-License-Identifier: MIT */
/*
 * The table of operations, and what is agreed with the kernel when a session
 * begins. What is missing in the table is so on purpose: locks (flock, fcntl)
 * are the kernel's own affair on a filesystem that one host mounts; access is
 * checked by the kernel (default_permissions); poll and bmap are answered with
 * ENOSYS by libfuse, after which the kernel does not ask again.
 */
#include "fs/fuse/operations.h"

static void feature_want(struct fuse_conn_info *conn, uint64_t feature)
{
#if FUSE_VERSION >= FUSE_MAKE_VERSION(3, 17)
	fuse_set_feature_flag(conn, feature);
#else
	if (conn->capable & feature)
		conn->want |= (unsigned)feature;
#endif
}

static void feature_refuse(struct fuse_conn_info *conn, uint64_t feature)
{
#if FUSE_VERSION >= FUSE_MAKE_VERSION(3, 17)
	fuse_unset_feature_flag(conn, feature);
#else
	conn->want &= ~(unsigned)feature;
#endif
}

static const uint64_t features_wanted[] = {
	FUSE_CAP_ASYNC_READ,
	FUSE_CAP_ATOMIC_O_TRUNC,
	FUSE_CAP_EXPORT_SUPPORT, /* NFS handles: lookup of "." and ".." */
	FUSE_CAP_PARALLEL_DIROPS,
	FUSE_CAP_READDIRPLUS,
	FUSE_CAP_READDIRPLUS_AUTO,
	FUSE_CAP_POSIX_ACL,
	FUSE_CAP_DONT_MASK, /* a default ACL takes the place of the umask: the tree's business */
	FUSE_CAP_CACHE_SYMLINKS,
	/* Only this process writes, so a new time of modification never means that cached pages
	 * are stale; without this the kernel would drop what it has just been given. */
	FUSE_CAP_EXPLICIT_INVAL_DATA,
};

static const uint64_t features_refused[] = {
	FUSE_CAP_AUTO_INVAL_DATA,
	FUSE_CAP_HANDLE_KILLPRIV, /* the kernel takes set-user-ID bits away on writes */
	FUSE_CAP_SPLICE_READ,	  /* data is looked at and copied anyway: a pipe only adds work */
	FUSE_CAP_SPLICE_WRITE,
	FUSE_CAP_SPLICE_MOVE,
	FUSE_CAP_WRITEBACK_CACHE, /* written data reaches the store at once: see commit-seconds */
};

static void op_init(void *data, struct fuse_conn_info *conn)
{
	const struct operations_context *context = data;

	for (size_t i = 0; i < sizeof(features_wanted) / sizeof(*features_wanted); i++)
		feature_want(conn, features_wanted[i]);
	for (size_t i = 0; i < sizeof(features_refused) / sizeof(*features_refused); i++)
		feature_refuse(conn, features_refused[i]);
	if (context->writeback)
		feature_want(conn, FUSE_CAP_WRITEBACK_CACHE);
	conn->max_write = TRANSFER_MAX;
	conn->max_readahead = TRANSFER_MAX;
	conn->max_background = 64;
	conn->congestion_threshold = 48;
	conn->time_gran = 1;
}

void entry_to_fuse(const struct tree_entry *entry, struct fuse_entry_param *param)
{
	*param = (struct fuse_entry_param){
		.ino = entry->inode,
		.generation = entry->generation,
		.attr = entry->attr,
		.attr_timeout = ATTRIBUTE_TIMEOUT,
		.entry_timeout = NAME_TIMEOUT,
	};
}

const struct fuse_lowlevel_ops operations = {
	.init = op_init,
	.lookup = op_lookup,
	.forget = op_forget,
	.forget_multi = op_forget_multi,
	.mknod = op_mknod,
	.mkdir = op_mkdir,
	.symlink = op_symlink,
	.link = op_link,
	.unlink = op_unlink,
	.rmdir = op_rmdir,
	.rename = op_rename,
	.readlink = op_readlink,
	.create = op_create,
	.opendir = op_opendir,
	.readdir = op_readdir,
	.readdirplus = op_readdirplus,
	.releasedir = op_releasedir,
	.fsyncdir = op_fsyncdir,
	.getattr = op_getattr,
	.setattr = op_setattr,
	.statfs = op_statfs,
	.setxattr = op_setxattr,
	.getxattr = op_getxattr,
	.listxattr = op_listxattr,
	.removexattr = op_removexattr,
	.open = op_open,
	.read = op_read,
	.write = op_write,
	.flush = op_flush,
	.release = op_release,
	.fsync = op_fsync,
	.fallocate = op_fallocate,
	.lseek = op_lseek,
	.copy_file_range = op_copy_file_range,
	.ioctl = op_ioctl,
};
