/* SPDX-License-Identifier: MIT */
/*
 * cutfs: a filesystem in memory that knows what a disk would hold if the power
 * went now. A store lies on it; at any moment an image of the disk can be
 * taken, as often as wanted, while the work goes on.
 *
 * What is durable
 *  - Data, sizes and holes of a file: after fsync() or fdatasync() of that file.
 *    Until then each 512-byte sector that was written may be on the disk or not,
 *    in any order; truncations and punched holes keep their place among the
 *    writes (a write after a truncation is lost when the truncation is).
 *  - Names: create, mkdir, link, rename, unlink, rmdir are one list, in order.
 *    --model=journal (the default; what ext4, XFS and btrfs do): a random first
 *    part of the list is on the disk; fsync() of a directory or of a file makes the
 *    list durable up to the last change that concerns it.
 *    --model=strict (what POSIX promises): each directory has its own random first part, and
 *    only fsync() of the directory makes its names durable, never that of a file.
 *    A rename is on the disk wholly or not at all.
 *  - fsync() that fails (a fault was ordered) loses what was to be written: it never comes back,
 *    and a second fsync() succeeds, as on Linux.
 *  - syncfs() and sync() do not reach a FUSE filesystem and so mean nothing.
 *
 * Control, through attributes of the root directory:
 *   user.cutfs.cut    set "FOLDER SEED": writes the disk's image into FOLDER (outside, new)
 *   user.cutfs.fault  set "write:N", "fsync:N" (the N-th from now gets EIO; "N+": all after it
 *                     too), "off"
 *   user.cutfs.quota  set BYTES: ENOSPC beyond; 0: no limit
 *   user.cutfs.stats  get: counters, as text
 *
 * One thread serves all requests: every request and every image is atomic.
 */
#ifndef TESTS_FS_CUTFS_H
#define TESTS_FS_CUTFS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>
#include <sys/stat.h>
#include <time.h>

#define CUTFS_BLOCK  4096u
#define CUTFS_SECTOR 512u
#define CUTFS_ROOT   UINT64_C(1)

/* Bytes that grow: an anonymous mapping, so that what was never written costs nothing. */
struct cutfs_buffer {
	uint8_t *data;
	uint64_t size, room;
};

enum cutfs_kind { CUTFS_DATA, CUTFS_RESIZE, CUTFS_HOLE };

/* One change of a file's contents that no fsync() has covered. */
struct cutfs_write {
	STAILQ_ENTRY(cutfs_write) next;
	enum cutfs_kind kind;
	uint64_t offset, length; /* CUTFS_RESIZE: the size is in `length` */
	uint8_t data[];
};

struct cutfs_node;

struct cutfs_name {
	char *name;
	struct cutfs_node *node;
};

struct cutfs_names {
	struct cutfs_name *list;
	size_t count, room;
};

struct cutfs_node {
	LIST_ENTRY(cutfs_node) all;
	uint64_t number;
	struct stat attr; /* type, mode, owner, times, links */
	char *target;     /* of a symbolic link */
	char *label;      /* the name it was made with, for messages */
	struct cutfs_node *parent; /* of a directory */

	struct cutfs_buffer live, durable;
	STAILQ_HEAD(, cutfs_write) pending;
	uint8_t *blocks; /* a byte a CUTFS_BLOCK: has space */
	uint64_t block_room, allocated;

	struct cutfs_names names, durable_names, image_names;
	bool marked;

	uint64_t users; /* the kernel's references and open files */
	uint64_t held;  /* places in names, durable names and pending changes */
};

/* One change of the namespace: one or two names set to a node, or to nothing. */
struct cutfs_change {
	STAILQ_ENTRY(cutfs_change) next;
	unsigned count;
	bool chosen;
	struct {
		struct cutfs_node *folder;
		char *name;
		struct cutfs_node *node;
	} set[2];
};

enum cutfs_model { CUTFS_JOURNAL, CUTFS_STRICT };

struct cutfs_fault {
	uint64_t countdown; /* 0: none */
	bool goes_on;
};

struct cutfs {
	LIST_HEAD(, cutfs_node) nodes;
	STAILQ_HEAD(cutfs_changes, cutfs_change) changes;
	struct cutfs_node *root;
	uint64_t last_number;
	enum cutfs_model model;
	uint64_t quota, used; /* bytes */
	struct cutfs_fault write_fault, sync_fault;
	uint64_t writes, syncs, images;
};

extern struct cutfs cutfs;

/* ---- cutfs-node.c: files' contents ---- */
struct cutfs_node *cutfs_node_new(mode_t mode, uid_t uid, gid_t gid);
/* Frees it, or its space, when nothing needs it any longer. */
void cutfs_node_settle(struct cutfs_node *node);
void cutfs_buffer_resize(struct cutfs_buffer *buffer, uint64_t size);
void cutfs_buffer_free(struct cutfs_buffer *buffer);
void cutfs_buffer_punch(struct cutfs_buffer *buffer, uint64_t offset, uint64_t length);
/* 0 or -errno; live contents change at once, durable ones by cutfs_node_sync(). */
int cutfs_node_write(struct cutfs_node *node, uint64_t offset, const void *data, size_t size);
int cutfs_node_resize(struct cutfs_node *node, uint64_t size);
void cutfs_node_punch(struct cutfs_node *node, uint64_t offset, uint64_t length);
/* Gives blocks to the range; -ENOSPC takes nothing. */
int cutfs_node_allocate(struct cutfs_node *node, uint64_t offset, uint64_t length);
int cutfs_node_sync(struct cutfs_node *node);
bool cutfs_fault_due(struct cutfs_fault *fault, const struct cutfs_node *node, const char *what);

/* ---- cutfs-names.c: the namespace ---- */
struct cutfs_node *cutfs_names_find(const struct cutfs_names *names, const char *name);
/* Sets or (node NULL) removes; does no counting. */
void cutfs_names_set(struct cutfs_names *names, const char *name, struct cutfs_node *node);
void cutfs_names_copy(struct cutfs_names *to, const struct cutfs_names *from);
void cutfs_names_free(struct cutfs_names *names);
/* Changes the live names at once and enters the change into the list; name2 may be NULL. */
void cutfs_change_names(struct cutfs_node *folder, const char *name, struct cutfs_node *node,
			struct cutfs_node *folder2, const char *name2, struct cutfs_node *node2);
/* fsync of a directory, or (journal model) of a file. */
void cutfs_changes_sync(struct cutfs_node *node);

/* ---- cutfs-image.c ---- */
/* What the disk holds if the power goes now, by the dice of `seed`. */
int cutfs_image_write(const char *folder, uint64_t seed);


#endif
