/* SPDX-License-Identifier: MIT */
/*
 * FUSE requests of cutfs about names and attributes, and the control attributes
 * of the root. Requests about contents are in cutfs-data-ops.c.
 *
 * A node's `users` counts the kernel's references and open files.
 */
#define FUSE_USE_VERSION 314
#include <fuse_lowlevel.h>

#include <errno.h>
#include <inttypes.h>
#include <linux/fs.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/assert.h"
#include "lib/base/cleanup.h"
#include "lib/base/mem.h"
#include "tests/fs/cutfs.h"
#include "tests/fs/cutfs-ops.h"

struct cutfs_node *cutfs_node_of(fuse_ino_t ino)
{
	return ino == FUSE_ROOT_ID ? cutfs.root : (struct cutfs_node *)(uintptr_t)ino;
}

static void node_entry(struct cutfs_node *node, struct fuse_entry_param *entry)
{
	*entry = (struct fuse_entry_param){
		.ino = node == cutfs.root ? FUSE_ROOT_ID : (fuse_ino_t)(uintptr_t)node,
		.generation = node->number,
		.attr_timeout = CUTFS_TIMEOUT,
		.entry_timeout = CUTFS_TIMEOUT,
	};
	cutfs_node_attr(node, &entry->attr);
	node->users++;
}

void cutfs_node_attr(const struct cutfs_node *node, struct stat *attr)
{
	*attr = node->attr;
	attr->st_size = S_ISDIR(attr->st_mode) ? CUTFS_BLOCK : (off_t)node->live.size;
	attr->st_blocks = (blkcnt_t)(node->allocated / 512);
}

static void reply_entry(fuse_req_t req, struct cutfs_node *node)
{
	struct fuse_entry_param entry;
	node_entry(node, &entry);
	fuse_reply_entry(req, &entry);
}

static void op_lookup(fuse_req_t req, fuse_ino_t parent, const char *name)
{
	struct cutfs_node *node = cutfs_names_find(&cutfs_node_of(parent)->names, name);
	if (node == NULL)
		fuse_reply_err(req, ENOENT);
	else
		reply_entry(req, node);
}

static void node_forget(fuse_ino_t ino, uint64_t count)
{
	struct cutfs_node *node = cutfs_node_of(ino);
	if (node == cutfs.root)
		return;
	ASSERT(node->users >= count);
	node->users -= count;
	cutfs_node_settle(node);
}

static void op_forget(fuse_req_t req, fuse_ino_t ino, uint64_t count)
{
	node_forget(ino, count);
	fuse_reply_none(req);
}

static void op_forget_multi(fuse_req_t req, size_t count, struct fuse_forget_data *forgets)
{
	for (size_t i = 0; i < count; i++)
		node_forget(forgets[i].ino, forgets[i].nlookup);
	fuse_reply_none(req);
}

/* ---- making and removing ---- */

struct cutfs_node *cutfs_make(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode)
{
	struct cutfs_node *folder = cutfs_node_of(parent);
	if (cutfs_names_find(&folder->names, name) != NULL)
		return NULL;
	const struct fuse_ctx *caller = fuse_req_ctx(req);
	struct cutfs_node *node = cutfs_node_new(mode, caller->uid, caller->gid);
	node->attr.st_nlink = S_ISDIR(mode) ? 2 : 1;
	node->parent = S_ISDIR(mode) ? folder : NULL;
	node->label = mem_strdup(name);
	folder->attr.st_nlink += S_ISDIR(mode);
	cutfs_change_names(folder, name, node, NULL, NULL, NULL);
	return node;
}

static void make(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode,
		 const char *target)
{
	struct cutfs_node *node = cutfs_make(req, parent, name, mode);
	if (node == NULL) {
		fuse_reply_err(req, EEXIST);
		return;
	}
	node->target = target != NULL ? mem_strdup(target) : NULL;
	reply_entry(req, node);
}

static void op_mknod(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode, dev_t rdev)
{
	(void)rdev;
	make(req, parent, name, mode, NULL);
}

static void op_mkdir(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode)
{
	make(req, parent, name, S_IFDIR | mode, NULL);
}

static void op_symlink(fuse_req_t req, const char *target, fuse_ino_t parent, const char *name)
{
	make(req, parent, name, S_IFLNK | 0777, target);
}

static void op_readlink(fuse_req_t req, fuse_ino_t ino)
{
	fuse_reply_readlink(req, cutfs_node_of(ino)->target);
}

/* The node has lost a name. */
static void node_unlinked(struct cutfs_node *node)
{
	if (S_ISDIR(node->attr.st_mode)) {
		node->parent->attr.st_nlink--;
		node->attr.st_nlink = 0;
	} else {
		node->attr.st_nlink--;
	}
	cutfs_node_settle(node);
}

static void op_unlink(fuse_req_t req, fuse_ino_t parent, const char *name)
{
	struct cutfs_node *folder = cutfs_node_of(parent);
	struct cutfs_node *node = cutfs_names_find(&folder->names, name);
	if (node == NULL) {
		fuse_reply_err(req, ENOENT);
	} else if (node->names.count > 0) {
		fuse_reply_err(req, ENOTEMPTY);
	} else {
		cutfs_change_names(folder, name, NULL, NULL, NULL, NULL);
		node_unlinked(node);
		fuse_reply_err(req, 0);
	}
}

static void op_link(fuse_req_t req, fuse_ino_t ino, fuse_ino_t parent, const char *name)
{
	struct cutfs_node *node = cutfs_node_of(ino), *folder = cutfs_node_of(parent);
	if (cutfs_names_find(&folder->names, name) != NULL) {
		fuse_reply_err(req, EEXIST);
		return;
	}
	node->attr.st_nlink++;
	cutfs_change_names(folder, name, node, NULL, NULL, NULL);
	reply_entry(req, node);
}

static void node_moved(struct cutfs_node *node, struct cutfs_node *from, struct cutfs_node *to)
{
	if (!S_ISDIR(node->attr.st_mode))
		return;
	from->attr.st_nlink--;
	to->attr.st_nlink++;
	node->parent = to;
}

static void op_rename(fuse_req_t req, fuse_ino_t parent, const char *name, fuse_ino_t new_parent,
		      const char *new_name, unsigned flags)
{
	struct cutfs_node *from = cutfs_node_of(parent), *to = cutfs_node_of(new_parent);
	struct cutfs_node *node = cutfs_names_find(&from->names, name);
	struct cutfs_node *old = cutfs_names_find(&to->names, new_name);
	int error = 0;
	if (node == NULL)
		error = ENOENT;
	else if ((flags & ~(RENAME_NOREPLACE | RENAME_EXCHANGE)) != 0)
		error = EINVAL;
	else if ((flags & RENAME_EXCHANGE) != 0)
		error = old == NULL ? ENOENT : 0;
	else if (old != NULL && (flags & RENAME_NOREPLACE))
		error = EEXIST;
	else if (old != NULL && old->names.count > 0)
		error = ENOTEMPTY;
	if (error != 0 || node == old) {
		fuse_reply_err(req, error);
		return;
	}
	bool exchange = (flags & RENAME_EXCHANGE) != 0;
	cutfs_change_names(from, name, exchange ? old : NULL, to, new_name, node);
	node_moved(node, from, to);
	if (exchange)
		node_moved(old, to, from);
	else if (old != NULL)
		node_unlinked(old);
	fuse_reply_err(req, 0);
}

/* ---- attributes ---- */

static void op_getattr(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	struct stat attr;
	(void)fi;
	cutfs_node_attr(cutfs_node_of(ino), &attr);
	fuse_reply_attr(req, &attr, CUTFS_TIMEOUT);
}

static void op_setattr(fuse_req_t req, fuse_ino_t ino, struct stat *want, int set,
		       struct fuse_file_info *fi)
{
	struct cutfs_node *node = cutfs_node_of(ino);
	(void)fi;
	if (set & FUSE_SET_ATTR_SIZE) {
		int error = cutfs_node_resize(node, (uint64_t)want->st_size);
		if (error != 0) {
			fuse_reply_err(req, -error);
			return;
		}
	}
	if (set & FUSE_SET_ATTR_MODE)
		node->attr.st_mode = want->st_mode;
	if (set & FUSE_SET_ATTR_UID)
		node->attr.st_uid = want->st_uid;
	if (set & FUSE_SET_ATTR_GID)
		node->attr.st_gid = want->st_gid;
	if (set & FUSE_SET_ATTR_ATIME)
		node->attr.st_atim = want->st_atim;
	if (set & FUSE_SET_ATTR_MTIME)
		node->attr.st_mtim = want->st_mtim;
	clock_gettime(CLOCK_REALTIME, &node->attr.st_ctim);
	if (set & FUSE_SET_ATTR_ATIME_NOW)
		node->attr.st_atim = node->attr.st_ctim;
	if (set & FUSE_SET_ATTR_MTIME_NOW)
		node->attr.st_mtim = node->attr.st_ctim;
	op_getattr(req, ino, NULL);
}

/* ---- directories ---- */

static void op_readdir(fuse_req_t req, fuse_ino_t ino, size_t size, off_t offset,
		       struct fuse_file_info *fi)
{
	const struct cutfs_node *folder = cutfs_node_of(ino);
	CLEANUP_FREE char *buffer = mem_alloc(size);
	size_t used = 0;
	(void)fi;
	for (size_t i = (size_t)offset; i < folder->names.count + 2; i++) {
		const char *name = i == 0 ? "." : i == 1 ? ".." : folder->names.list[i - 2].name;
		const struct cutfs_node *node = i < 2 ? folder : folder->names.list[i - 2].node;
		size_t need = fuse_add_direntry(req, buffer + used, size - used, name, &node->attr,
						(off_t)i + 1);
		if (need > size - used)
			break;
		used += need;
	}
	fuse_reply_buf(req, buffer, used);
}

static void op_fsyncdir(fuse_req_t req, fuse_ino_t ino, int datasync, struct fuse_file_info *fi)
{
	(void)datasync;
	(void)fi;
	bool failed = cutfs_fault_due(&cutfs.sync_fault, cutfs_node_of(ino), "sync");
	cutfs.syncs++;
	if (!failed)
		cutfs_changes_sync(cutfs_node_of(ino));
	fuse_reply_err(req, failed ? EIO : 0);
}

/* ---- control ---- */

static int control_cut(const char *value)
{
	char folder[1024];
	uint64_t seed;
	if (sscanf(value, "%1023s %" SCNu64, folder, &seed) != 2)
		return -EINVAL;
	return cutfs_image_write(folder, seed);
}

static int control_fault(const char *value)
{
	static const struct {
		const char *name;
		struct cutfs_fault *fault;
	} faults[] = {{"write:", &cutfs.write_fault}, {"fsync:", &cutfs.sync_fault}};
	if (strcmp(value, "off") == 0) {
		cutfs.write_fault = cutfs.sync_fault = (struct cutfs_fault){0, false};
		return 0;
	}
	for (size_t i = 0; i < sizeof(faults) / sizeof(faults[0]); i++) {
		size_t length = strlen(faults[i].name);
		if (strncmp(value, faults[i].name, length) != 0)
			continue;
		char *end;
		faults[i].fault->countdown = strtoull(value + length, &end, 10);
		faults[i].fault->goes_on = *end == '+';
		return 0;
	}
	return -EINVAL;
}

static int control_quota(const char *value)
{
	cutfs.quota = strtoull(value, NULL, 10);
	return 0;
}

static void op_setxattr(fuse_req_t req, fuse_ino_t ino, const char *name, const char *value,
			size_t size, int flags)
{
	static const struct {
		const char *name;
		int (*set)(const char *value);
	} controls[] = {
		{"user.cutfs.cut", control_cut},
		{"user.cutfs.fault", control_fault},
		{"user.cutfs.quota", control_quota},
	};
	(void)flags;
	CLEANUP_FREE char *text = mem_printf("%.*s", (int)size, value);
	int error = -EOPNOTSUPP;
	for (size_t i = 0; ino == FUSE_ROOT_ID && i < sizeof(controls) / sizeof(controls[0]); i++) {
		if (strcmp(controls[i].name, name) == 0)
			error = controls[i].set(text);
	}
	fuse_reply_err(req, -error);
}

static void op_getxattr(fuse_req_t req, fuse_ino_t ino, const char *name, size_t size)
{
	if (ino != FUSE_ROOT_ID || strcmp(name, "user.cutfs.stats") != 0) {
		fuse_reply_err(req, ENODATA);
		return;
	}
	CLEANUP_FREE char *text =
		mem_printf("used %" PRIu64 " writes %" PRIu64 " syncs %" PRIu64 " images %" PRIu64,
			   cutfs.used, cutfs.writes, cutfs.syncs, cutfs.images);
	size_t length = strlen(text);
	if (size == 0)
		fuse_reply_xattr(req, length);
	else if (size < length)
		fuse_reply_err(req, ERANGE);
	else
		fuse_reply_buf(req, text, length);
}

const struct fuse_lowlevel_ops cutfs_operations = {
	.lookup = op_lookup,
	.forget = op_forget,
	.forget_multi = op_forget_multi,
	.mknod = op_mknod,
	.mkdir = op_mkdir,
	.symlink = op_symlink,
	.readlink = op_readlink,
	.unlink = op_unlink,
	.rmdir = op_unlink,
	.link = op_link,
	.rename = op_rename,
	.getattr = op_getattr,
	.setattr = op_setattr,
	.readdir = op_readdir,
	.fsyncdir = op_fsyncdir,
	.setxattr = op_setxattr,
	.getxattr = op_getxattr,
	.create = cutfs_op_create,
	.open = cutfs_op_open,
	.release = cutfs_op_release,
	.read = cutfs_op_read,
	.write = cutfs_op_write,
	.fsync = cutfs_op_fsync,
	.fallocate = cutfs_op_fallocate,
	.lseek = cutfs_op_lseek,
	.statfs = cutfs_op_statfs,
};
