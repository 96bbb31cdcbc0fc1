/* SPDX-License-Identifier: MIT */
/*
 * The tree: inodes, names, attributes and file contents over a store. This is
 * what the FUSE operations call; inode numbers are the node ids (root: 1).
 *
 * Every function returns 0 (or a count where it says so) or -errno as the
 * system call of the same name does. Permission checks are the kernel's
 * (default_permissions); what the tree itself checks is said at the function.
 * All functions may be called from any thread.
 *
 * Commit. A commit is a snapshot of the whole filesystem at one instant: every
 * operation that returned before it is in it, data and names alike, none that
 * began after is. tree_commit() waits for one that starts after the call; a
 * background commit runs when something has been dirty for 5 seconds. After a
 * crash the filesystem is exactly the last commit.
 *
 * Lock order (outer first): freeze lock (read side in every changing
 * operation), namespace lock, inode locks in ascending inode number, then the
 * store's locks.
 */
#ifndef FS_TREE_TREE_H
#define FS_TREE_TREE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/types.h>

#include "fs/store/store.h"

struct tree;

#define TREE_ROOT     UINT64_C(1)
#define TREE_NAME_MAX 255u

struct tree_options {
	uint64_t memory;           /* bytes for write buffers, inodes and maps */
	unsigned commit_seconds;   /* 0: 5 */
	unsigned backup_seconds;   /* how often the catalogue is copied into the segments; 0: 3600 */
	bool read_only;
	bool atime;                /* relatime when true (the default), else never */
	size_t clean_memory;       /* bytes for cleaning's marks; 0: an eighth of `memory` */
};

/* Opens the tree in an open store, frees orphans, starts the commit thread. The store stays
 * the caller's. */
int tree_open(struct store *store, const struct tree_options *options, struct tree **tree);
/* Commits, copies the catalogue into the segments, stops the threads. 0 or the first failure. */
int tree_close(struct tree **tree);
/* A fresh catalogue's root directory, owned by uid:gid. For mkfs. */
int tree_create_root(struct store *store, uid_t uid, gid_t gid, mode_t mode);

struct tree_entry {
	uint64_t inode;
	uint64_t generation;
	struct stat attr; /* st_ino, st_blocks (data, not holes), ns times filled in */
};

/* Who asks; the umask has been applied by the kernel unless ACLs are on (then umask != 0). */
struct tree_caller {
	uid_t uid;
	gid_t gid;
	mode_t umask;
};

/* ---- names ---- */
/* "." and ".." are understood, for NFS. Counts one kernel reference on the inode, as do
 * tree_make(), tree_link(); tree_forget() gives them back. */
int tree_lookup(struct tree *t, uint64_t parent, const char *name, struct tree_entry *entry);
void tree_forget(struct tree *t, uint64_t inode, uint64_t count);
/* Regular files, directories, symbolic links (target), devices, FIFOs and sockets. Applies
 * set-group-ID inheritance and default ACLs. */
int tree_make(struct tree *t, uint64_t parent, const char *name, mode_t mode, dev_t rdev,
	      const char *target, const struct tree_caller *caller, struct tree_entry *entry);
int tree_link(struct tree *t, uint64_t inode, uint64_t parent, const char *name,
	      struct tree_entry *entry);
int tree_unlink(struct tree *t, uint64_t parent, const char *name);
int tree_rmdir(struct tree *t, uint64_t parent, const char *name);
/* flags: RENAME_NOREPLACE or RENAME_EXCHANGE; others -EINVAL. */
int tree_rename(struct tree *t, uint64_t parent, const char *name, uint64_t new_parent,
		const char *new_name, unsigned flags);
/* The target is the caller's to free. */
int tree_readlink(struct tree *t, uint64_t inode, char **target);

/* A directory being read. Entries keep their cookie; cookie 0 starts over. */
struct tree_dir;
int tree_opendir(struct tree *t, uint64_t inode, struct tree_dir **dir);
void tree_closedir(struct tree_dir **dir);
/* Calls emit() from the entry after `cookie` on ("." and ".." first) until it returns false or
 * the end. With `plus` entries come with attributes and one kernel reference each, but for "."
 * and "..", as FUSE has it; emit() returning false has not taken that entry, and its reference
 * is dropped. */
typedef bool tree_emit(void *context, const char *name, uint64_t next_cookie,
		       const struct tree_entry *entry);
int tree_readdir(struct tree_dir *dir, uint64_t cookie, bool plus, tree_emit *emit, void *context);

/* ---- attributes ---- */
int tree_getattr(struct tree *t, uint64_t inode, struct stat *attr);
enum tree_setattr {
	TREE_SET_MODE = 1, TREE_SET_UID = 2, TREE_SET_GID = 4, TREE_SET_SIZE = 8,
	TREE_SET_ATIME = 16, TREE_SET_MTIME = 32, TREE_SET_ATIME_NOW = 64, TREE_SET_MTIME_NOW = 128,
	TREE_SET_CTIME = 256,
};
/* Changes what `set` names to the values in *attr and gives the new attributes back in it. */
int tree_setattr(struct tree *t, uint64_t inode, unsigned set, struct stat *attr);
/* Size 0 asks for the size. user., trusted., security. and system.posix_acl_*; setting an
 * access ACL sets the mode's bits and the other way round. user.granary.layout = "stream" or
 * "fixed" chooses an inode's layout; read-only user.granary.* tell of storage. */
ssize_t tree_getxattr(struct tree *t, uint64_t inode, const char *name, void *value, size_t size);
ssize_t tree_listxattr(struct tree *t, uint64_t inode, char *list, size_t size);
int tree_setxattr(struct tree *t, uint64_t inode, const char *name, const void *value, size_t size,
		  int flags);
int tree_removexattr(struct tree *t, uint64_t inode, const char *name);

/* ---- contents ---- */
/* Counts an open handle, so that an unlinked inode lives on; O_TRUNC is applied. With O_DIRECT
 * the answer may be 1 instead of 0: nobody else has the file open but through handles of this
 * kind, so what is written through this one need not pass the kernel's page cache. */
int tree_open_file(struct tree *t, uint64_t inode, int flags);
void tree_release_file(struct tree *t, uint64_t inode);
/* For a handle whose opening was answered with 1. */
void tree_release_direct(struct tree *t, uint64_t inode);
/* After a write through such a handle: somebody has opened the file in the ordinary way since,
 * so the kernel may hold pages that are old now. */
bool tree_is_mixed(struct tree *t, uint64_t inode);
/* One handle more (or less, -1) for reading and writing: it may be mapped, and what is changed in
 * a mapping stays with the kernel until it likes to write it. Meanwhile lseek takes all for data,
 * and there is a block at least: none at all means zeros to tar(1). True: so st_blocks changes. */
bool tree_count_mappable(struct tree *t, uint64_t inode, int change);
/* close(2): hands what is buffered to the pipeline and reports an error that is known, but for
 * losses. */
int tree_flush(struct tree *t, uint64_t inode);
/* Takes all `size` bytes or none: -ENOSPC, -EDQUOT, -EROFS, -EFBIG, -EIO (an earlier failure).
 * May wait (back-pressure). The bytes are copied. */
int tree_write(struct tree *t, uint64_t inode, uint64_t offset, const void *data, size_t size);
/* O_APPEND is the kernel's business: offset is always given. */

/* Bytes [offset, offset + size) as views to send; fewer at the end of the file. */
struct tree_read {
	struct iovec *iov; /* holes point at a shared page of zeros */
	int count;
	size_t size;
	void *hold;
};
int tree_read(struct tree *t, uint64_t inode, uint64_t offset, size_t size, struct tree_read *read);
void tree_read_release(struct tree_read *read);
/* mode: 0, KEEP_SIZE, PUNCH_HOLE|KEEP_SIZE, ZERO_RANGE[|KEEP_SIZE]; others -EOPNOTSUPP. */
int tree_fallocate(struct tree *t, uint64_t inode, int mode, uint64_t offset, uint64_t length);
/* SEEK_DATA, SEEK_HOLE; holes below st_blksize count as data, and so does everything while the file
 * may be mapped (tree_count_mappable()). */
int tree_lseek(struct tree *t, uint64_t inode, uint64_t offset, int whence, uint64_t *found);
/* copy_file_range: metadata only. Returns bytes copied (short at the end of the source). */
ssize_t tree_copy_range(struct tree *t, uint64_t from, uint64_t from_offset, uint64_t to,
			uint64_t to_offset, size_t length);

/* ---- the whole ---- */
/* fsync, fdatasync, fsyncdir, syncfs: one group commit that holds everything done so far.
 * `inode` 0 or a clean one: returns as soon as what it depends on is durable. */
int tree_commit(struct tree *t, uint64_t inode);

/* Data that was taken, and could not be kept because its file's map is damaged, is a loss. It is
 * told once to each handle, however late it was found and whoever has the file open by then (as
 * Linux does, its errseq): a handle keeps a mark, got when it was opened. */
uint64_t tree_loss_mark(struct tree *t, uint64_t inode);
/* The -errno of a loss that this mark does not cover, or 0. */
int tree_loss_since(struct tree *t, uint64_t inode, uint64_t mark);
/* The same, and the mark covers it from now on: for fsync (after tree_commit()). close tells
 * without covering it: a child that ends closes too. */
int tree_loss_tell(struct tree *t, uint64_t inode, _Atomic uint_fast64_t *mark);
/* For one who has synced everything: of all files, since the last call. */
int tree_loss_tell_all(struct tree *t);
struct tree_losses {
	uint64_t count; /* since the tree was opened */
	uint64_t inode; /* of the last one */
	int error;
};
void tree_get_losses(struct tree *t, struct tree_losses *losses);

struct statvfs;
int tree_statfs(struct tree *t, struct statvfs *sv);
/* Clones a file or a whole tree to a name that does not exist yet: metadata only. Paths are
 * relative to the root. */
int tree_clone(struct tree *t, const char *source, const char *target);
/* Bytes (logical) that the top-level directory may hold; 0: no limit. */
int tree_set_quota(struct tree *t, const char *container, uint64_t bytes);
struct tree_container {
	uint64_t inode, quota, files, logical, deduplicated, stored;
	char name[TREE_NAME_MAX + 1]; /* "" for what lies in the root itself */
};
/* *list is the caller's to free; returns the number. */
ssize_t tree_containers(struct tree *t, struct tree_container **list);
struct tree_stats {
	uint64_t inodes_cached, dirty_bytes, dirty_inodes, commits, commit_ns_last, commit_ns_max;
	uint64_t bytes_written, bytes_read, operations, memory_bytes;
};
void tree_get_stats(struct tree *t, struct tree_stats *stats);
/* Copies the catalogue into the segments now and commits (fs/tree/backup.h); nothing to do when
 * no commit has changed anything since the last copy, be it in an earlier mount. */
int tree_backup_catalogue(struct tree *t);

/* How a file is stored, for `granary fs explain`. */
struct tree_explain {
	uint64_t inode, size, allocated, holes, extents, chunks, unique_chunks;
	uint64_t repeated_bytes;  /* bytes that another place of the file refers to as well */
	uint64_t raw_bytes;     /* distinct chunk bytes */
	uint64_t stored_bytes;  /* their share of the packs */
	uint64_t packs;
	bool fixed_layout;
};
int tree_explain(struct tree *t, const char *path, struct tree_explain *explain);
/* Which other files of the last commit have chunks of this one: *files of them, and emit() for
 * each path of the `most` with most bytes in common. Reads the maps of all files. */
int tree_explain_shared(struct tree *t, const char *path, size_t most, uint64_t *files,
			void (*emit)(void *, const char *path, uint64_t bytes), void *context);

/* Jobs (one of a kind at a time): run in the background at low priority, keep their cursor in
 * the catalogue, go on after a restart when they had not been stopped. */
enum tree_job { TREE_JOB_CLEAN, TREE_JOB_SCRUB };
enum tree_job_command { TREE_JOB_START, TREE_JOB_PAUSE, TREE_JOB_RESUME, TREE_JOB_STOP };
int tree_job_command(struct tree *t, enum tree_job job, enum tree_job_command command);
struct tree_job_status {
	const char *state;  /* "idle", "marking", "sweeping", "scrubbing", "paused", "failed" */
	uint64_t done, total;            /* bytes of progress in this phase */
	uint64_t freed, will_free;       /* bytes; an estimate from the marking on */
	uint64_t damaged_chunks, damaged_files; /* that scrubbing has found */
	uint64_t healed_chunks;                 /* of these chunks */
	uint64_t damaged_packs, repaired_packs; /* headers, directories, and their copies */
	int64_t started_ns, finished_ns; /* real time; 0: never */
	int error;
};
void tree_job_status(struct tree *t, enum tree_job job, struct tree_job_status *status);
/* Paths of files with damaged data that the last scrub or read found; emit() per path. */
int tree_damaged_paths(struct tree *t, void (*emit)(void *, const char *path, uint64_t bytes), void *context);

#endif
