/* SPDX-License-Identifier: MIT */
/*
 * What the files of fs/tree share: the objects in memory, their locks, and the
 * functions that only the tree itself calls.
 *
 * SQLite holds what is committed. Whatever differs from it is in memory, marked
 * dirty and pinned until the commit that carries it is done.
 *
 * Locks, outer first; each field below names its own:
 *   freeze   rwlock   read: every changing operation; write: the committer's snapshot.
 *                     Nobody waits for memory, space or another operation under it.
 *   names    mutex    entries, link counts, parents, directories' sizes (with the inode's lock)
 *   inode    mutex    one inode's row, contents, xattrs; two of them in ascending number
 *   streams  mutexes  the shared places in the store
 *   accounts mutex    containers
 *   table    mutex    the inode table, pins, kernel references, the dirty list; a leaf
 *   commit   mutex    tickets and the committer's wishes; a leaf
 * Pipeline tasks take the inode's lock and inner ones, never freeze or names.
 */
#ifndef FS_TREE_INTERNAL_H
#define FS_TREE_INTERNAL_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <string.h>

/* Keys are numbers, of 8 bytes each: a multiplication mixes them well enough. */
static inline unsigned hash_numbers(const void *key, size_t size)
{
	uint64_t hash = 0, number;
	for (size_t at = 0; at + sizeof(number) <= size; at += sizeof(number)) {
		memcpy(&number, (const uint8_t *)key + at, sizeof(number));
		hash = (hash ^ number) * UINT64_C(0x9e3779b97f4a7c15);
		hash ^= hash >> 32;
	}
	return (unsigned)hash;
}

#define HASH_NONFATAL_OOM 1
#define HASH_FUNCTION(key, size, value) ((value) = hash_numbers((key), (size)))
#include <uthash.h>
#include <utlist.h>

#include "fs/store/store.h"
#include "fs/tree/filemap.h"
#include "fs/tree/reference.h"
#include "fs/tree/tree.h"
#include "lib/base/assert.h"
#include "lib/base/cleanup.h"
#include "lib/base/mem.h"

#define TREE_MAGIC       0x74726565u
#define INODE_MAGIC      0x696e6f64u
#define TREE_FILE_MAX    ((uint64_t)INT64_MAX)
#define TREE_LINKS_MAX   UINT32_C(2000000000)
#define TREE_SYMLINK_MAX 4095u
#define INODE_BYTES      700u /* of memory, with its share of tables and */
#define INODE_MAP_BYTES  256u /* so much of its map or target */
#define ENTRIES_AN_INODE 2u /* as many of them take less memory than an inode */
#define BUFFER_SIZE      (1u << 20) /* one write buffer, a task's worth */
#define SHARED_STREAMS   2
#define OWN_STREAMS      4 /* of large files; each keeps a pack in memory */

/* inode.flags on disk */
#define INODE_XATTRS     0x1u /* the table xattr has rows for it */
#define INODE_FIXED      0x2u /* fixed layout */
#define INODE_LAYOUT_SET 0x4u /* the layout was asked for and stays */

/* A row of the table inode, without the map. */
struct inode_row {
	uint64_t number, generation, rdev, size, allocated, container, parent;
	int64_t atime, mtime, ctime, btime;
	uint32_t mode, links, uid, gid, flags;
};

struct xattr {
	char *name;
	uint8_t *value;
	size_t size;
};
struct xattrs {
	struct xattr *list;
	size_t count, capacity;
};

struct content;
struct entry;

struct inode {
	uint32_t magic;
	struct tree *tree;
	pthread_mutex_t lock;
	/* lock */
	struct inode_row row;
	uint8_t *map; /* the map as last saved, or a symbolic link's target */
	size_t map_size;
	struct content *content; /* of a regular file in use */
	struct xattrs *xattrs;   /* NULL: not loaded, or there are none (INODE_XATTRS not set) */
	bool xattrs_dirty;
	bool target_dirty;  /* of a symbolic link: the next commit writes its target */
	size_t bytes_held;  /* of attributes and target, as counted in tree.held */
	size_t clean_bytes; /* table: as counted in tree.clean_bytes */
	bool deleted; /* no name, no handle, no kernel reference: its row goes */
	uint32_t opens;
	uint32_t direct; /* of these, handles that write past the kernel's page cache */
	bool mixed;      /* while there were such, others were opened */
	uint32_t mappable; /* of opens, handles through which it may be mapped and changed */
	/* names */
	struct entry *pending; /* of a directory: its entries that no commit has finished */
	bool fresh;            /* of a directory: the catalogue has no entries of it */
	/* table */
	uint64_t references; /* the kernel's */
	uint64_t loss;       /* the number of its last loss (loss.c); 0: none */
	int loss_error;
	bool loss_told;      /* to somebody */
	unsigned pins;
	bool dirty, committing;
	bool stored;      /* there is a row, or the commit under way writes it */
	uint64_t changed; /* the commit that carries its last change */
	struct inode *prev, *next; /* in the list of clean ones, or of dirty ones */
	UT_hash_handle hh;
};

struct entry_key {
	uint64_t parent, hash;
};

/* A name in a directory, or the knowledge that there is none (inode 0). All under names. */
struct entry {
	struct entry_key key;
	uint64_t inode;
	bool stored, dirty, committing; /* as the inode's */
	uint8_t type;                   /* DT_REG and so on */
	uint16_t length;
	struct entry *prev, *next;                 /* clean ones, or dirty ones */
	struct entry *pending_prev, *pending_next; /* of the directory */
	UT_hash_handle hh;
	char name[];
};

struct container {
	uint64_t inode, quota, files, logical, deduplicated, stored;
	uint64_t pending; /* bytes accepted that no map shows yet */
	uint64_t fresh;   /* of `deduplicated`: what `stored` lacks until it has been committed */
	bool dirty, removed;
	UT_hash_handle hh;
};

struct shared_stream {
	pthread_mutex_t lock;
	struct store_stream *stream;
};

struct tree {
	uint32_t magic;
	struct store *store;
	struct catalogue *catalogue;
	struct pool *pool;
	const struct chunker *chunker;
	struct filemap_io io;
	uint64_t name_seed, epoch;
	struct tree_options options;
	uint64_t budget;      /* bytes of write buffers */
	size_t inodes_max;    /* clean ones kept, of INODE_BYTES each */
	size_t entries_max;
	size_t dirty_max;     /* dirty inodes that make a commit start */
	struct shared_stream data[SHARED_STREAMS], nodes;
	atomic_int own_streams; /* files with a stream of their own */

	pthread_rwlock_t freeze;
	atomic_uint_fast64_t next_inode;
	atomic_uint_fast64_t buffered; /* bytes in write buffers */
	atomic_uint_fast64_t slabs;    /* write buffers */
	atomic_uint_fast64_t held;     /* bytes of carried tails, attributes and targets to be written */
	atomic_size_t inodes_committing, entries_committing; /* of the commit under way */
	atomic_bool failing;           /* the last commit has failed; changed under commit */
	atomic_int stalled;            /* -errno of an ingest that could not be done yet */

	pthread_mutex_t names;
	struct entry *entries;       /* names: by key */
	struct entry *entries_clean; /* names: least recently used first */
	struct entry *entries_dirty;
	size_t entries_clean_count;
	atomic_size_t entries_dirty_count; /* changed under names */

	pthread_mutex_t table;
	struct inode *inodes;       /* table: by number */
	struct inode *inodes_clean; /* table: unpinned and clean, least recently used first */
	struct inode *inodes_dirty;
	struct references references; /* table: the kernel's, on inodes that are not in memory */
	size_t inodes_clean_count;
	size_t clean_bytes; /* table: what they hold beyond INODE_MAP_BYTES each, such as long targets */
	atomic_size_t inodes_dirty_count; /* changed under table */
	bool changed; /* table: something that a sync must wait for */
	atomic_uint_fast64_t losses; /* changed under table */
	uint64_t losses_told;        /* table: to one who synced everything */
	uint64_t loss_inode;         /* table: of the last one */
	int loss_error;              /* table: of the last one */

	pthread_mutex_t accounts;
	struct container *containers; /* accounts */

	pthread_mutex_t commit;
	pthread_cond_t commit_work, commit_end, room;
	pthread_t committer;
	bool committer_runs, stop; /* commit */
	uint64_t wanted;           /* commit: highest commit asked for */
	uint64_t done;             /* commit: the last good one */
	uint64_t failures;         /* commit: attempts that failed */
	int failed_error;          /* commit: why the last of them did */
	bool drain_wanted;
	unsigned ingests;          /* commit: tasks in the pool */
	uint64_t dirty_since;         /* commit: monotonic ns, 0: nothing */
	atomic_uint_fast64_t current; /* the commit that carries what changes now; moved on under freeze and table */
	atomic_bool draining;         /* the committer wants the buffers to run low */

	struct jobs *jobs;            /* fs/tree/job.h; NULL when read-only; has its own locks */

	pthread_mutex_t backup;       /* one backup at a time; outermost */
	struct chunk_ref anchor;      /* commit: the last copy */
	uint64_t anchor_changes;      /* commit: as many of `changes` are in it */
	atomic_uint_fast64_t changes; /* commits of this store that changed something; the committer's */
	uint64_t backup_due;          /* committer: monotonic ns */

	atomic_uint_fast64_t commits, commit_ns_last, commit_ns_max, bytes_written, bytes_read, operations;
};

/* ---- gate.c ---- */
/* Waits while too much is dirty, then takes freeze for reading. -EROFS; while commits fail there is
 * nothing to wait for: -ENOSPC or whatever they fail with. */
int change_begin(struct tree *t);
/* For what frees something: is let through when other changes are not, up to another limit. */
int change_begin_freeing(struct tree *t);
void change_end(struct tree *t);

/* ---- inode.c ---- */
/* Finds it in memory or loads it; pinned. -ESTALE when there is none (any more). */
int inode_get(struct tree *t, uint64_t number, struct inode **inode);
void inode_put(struct inode **inode);
#define CLEANUP_INODE __attribute__((cleanup(inode_put)))
/* A new inode, pinned and dirty; under freeze. `row` lacks number, generation and times. */
int inode_new(struct tree *t, const struct inode_row *row, struct inode **inode);
void inode_hold(struct inode *inode);
/* The same, table held. */
void inode_hold_locked(struct tree *t, struct inode *inode);
/* Under freeze: the inode has changed and belongs to the current commit. */
void inode_mark(struct inode *inode);
void inode_reference(struct inode *inode, uint64_t count);
/* Deletes it when nothing holds it any more; under freeze, no inode lock held. */
void inode_reap(struct inode *inode);
/* relatime, when reading asks for it; inode lock held. */
void inode_accessed_locked(struct inode *inode);
void inode_stat_locked(const struct inode *inode, struct stat *attr);
void inode_entry(struct inode *inode, struct tree_entry *entry);
/* Moves clean ones out of memory; table held by the caller of the first. */
void inode_free_all(struct tree *t);
/* After a commit: the pins of the committer's are gone. */
void inode_settle(struct inode *inode, bool committed);
/* Two inodes, in order; may be the same. */
void inode_lock_pair(struct inode *a, struct inode *b);
void inode_unlock_pair(struct inode *a, struct inode *b);

/* ---- entry.c: names held ---- */
/* *entry is never NULL after 0: inode 0 in it says that the name does not exist. */
int entry_find(struct tree *t, struct inode *directory, const char *name, struct entry **entry);
void entry_set(struct tree *t, struct inode *directory, struct entry *entry, uint64_t inode,
	       uint8_t type);
void entry_settle(struct tree *t, struct inode *directory, struct entry *entry, bool committed);
void entry_free_all(struct tree *t);
/* What is known of a place, or NULL. */
struct entry *entry_get(struct tree *t, uint64_t parent, uint64_t hash);
int name_check(const char *name);
static inline uint8_t mode_type(uint32_t mode)
{
	return (uint8_t)((mode & S_IFMT) >> 12); /* as IFTODT of dirent.h */
}

/* ---- names.c ---- */
int directory_get(struct tree *t, uint64_t number, struct inode **directory);
/* names and freeze held. `change` is added to the number of entries, `links` to the link count. */
void directory_changed(struct inode *directory, int change, int links);
/* Takes one name off an inode; removed == a directory itself. The caller lets go of names and then
 * calls inode_reap(), which may have to wait. */
void inode_drop_name(struct inode *inode);
uint64_t child_container(const struct inode *directory, const struct inode *child);
/* Walks a path from the root; empty components are skipped. */
int path_resolve(struct tree *t, const char *path, struct inode **inode);
/* Splits off the last component (points into `path`) and resolves the rest. */
int path_resolve_parent(struct tree *t, const char *path, struct inode **parent, char name[256]);
int make_locked(struct tree *t, struct inode *directory, const char *name,
		const struct inode_row *row, const char *target, const struct tree_caller *caller,
		struct inode **made);

/* ---- xattr.c, acl.c: inode lock held ---- */
int xattrs_load_locked(struct inode *inode);
struct xattr *xattrs_find(struct xattrs *xattrs, const char *name);
int xattrs_set_locked(struct inode *inode, const char *name, const void *value, size_t size);
int xattrs_remove_locked(struct inode *inode, const char *name);
int xattrs_copy(const struct xattrs *from, struct xattrs **to);
void xattrs_free(struct xattrs **xattrs);
/* Brings what the inode counts in tree.held up to date. */
void inode_hold_bytes_locked(struct inode *inode);
/* The inode is about to be marked: of a symbolic link the target is written again, too. */
void inode_hold_target_locked(struct inode *inode);
/* So much that a clean inode should not keep it in memory. */
bool xattrs_are_large(const struct xattrs *xattrs);
#define XATTR_ACL_ACCESS  "system.posix_acl_access"
#define XATTR_ACL_DEFAULT "system.posix_acl_default"
/* Sets an ACL; an access ACL that says no more than the mode becomes the mode. */
int acl_set_locked(struct inode *inode, const char *name, const void *value, size_t size);
/* The mode has been set: the access ACL follows. */
int acl_chmod_locked(struct inode *inode);
/* A new child: default ACLs of the directory, or else the umask. */
int acl_inherit(struct inode *directory, struct inode *child, mode_t umask);

/* ---- content.c, slab.c, ingest.c: inode lock held where the name says so ---- */
struct slab {
	struct slab *next;
	uint64_t offset;
	size_t size, room, head; /* head: bytes free before data, for what is carried over */
	uint64_t growth; /* of its bytes, counted as pending in the container */
	uint8_t *data;
	bool stored; /* of carried bytes: the map has them, as short chunks */
};

/* A regular file's contents in use. Guarded by the inode's lock, but while an ingest runs the
 * carried bytes change only in it (with the lock held). */
struct content {
	struct inode *inode;
	struct filemap *map; /* loaded when needed */
	struct slab **dirty;
	size_t dirty_count, dirty_capacity;
	uint64_t dirty_bytes;
	struct slab *queue, *queue_end; /* handed to the pipeline, in order */
	struct slab *carry;             /* bytes after the last sure cut */
	struct store_stream *stream;
	uint64_t sequential;  /* bytes in a row that have been ingested */
	uint64_t growth;      /* of all buffers */
	uint32_t scattered;   /* overwrites out of sequence */
	bool fixed;           /* the layout, as the ingest under way goes by it */
	bool running, finish; /* an ingest is queued or runs; it is to store the carried bytes too */
	int error;            /* why the last ingest stopped; what it did not store is kept */
	unsigned waiters;     /* on idle: the struct must stay */
	pthread_cond_t idle;
	struct pool_task task;
	uint64_t read_next, read_run, prefetched; /* sequential readers */
};

/* Which part of a map does not read (its blob, a node's contents, a pack that has gone) is no
 * answer to a system call. */
static inline int map_errno(int error)
{
	return error == -EBADMSG || error == -ENOENT ? -EIO : error;
}

int content_need_locked(struct inode *inode);
/* A large file gets a stream of its own, while there are few. */
void content_take_stream(struct content *content);
void content_free_stream(struct content *content);
int content_map_locked(struct inode *inode, struct filemap **map);
void content_free(struct content **content);
/* Frees it when the file is closed and clean. */
void content_release_locked(struct inode *inode);
/* Its bytes cannot be put into its map: they are gone, which is a loss. */
void content_lose_locked(struct inode *inode, int error);
/* Throws away what has not been ingested. Waits for a running ingest. */
void content_discard_locked(struct inode *inode);
bool content_is_pending(const struct content *content);
/* Something not in the map yet lies in [offset, offset + size). */
bool content_overlaps(const struct content *content, uint64_t offset, uint64_t size);
/* Takes the map's figures over into row and container. */
void content_account_locked(struct inode *inode);
/* *growth: how many bytes a write of [offset, offset + size) takes of a quota. Behind the end of
 * the file all count; before it, with `holes`, what is no data in the map. */
int content_growth_locked(struct inode *inode, uint64_t offset, uint64_t size, bool holes,
			  uint64_t *growth);
/* So many bytes of growth are in the map now, or gone. */
void content_count_down_locked(struct inode *inode, uint64_t growth);
/* Drops what a large map need not keep in memory. */
int content_trim_locked(struct inode *inode);
/* Frees the carried bytes and takes others, or NULL. */
void content_carry_locked(struct content *content, struct slab *carry);
/* Saves a dirty map into inode->map. */
int content_save_locked(struct inode *inode);

struct slab_write {
	uint64_t offset;
	const uint8_t *data;
	size_t size;
	bool holes; /* as in content_growth_locked() */
	/* Set, also when there was no memory for all: */
	size_t taken; /* bytes that are buffered now */
	size_t added; /* of these, such as were not before */
};
int slab_write_locked(struct inode *inode, struct slab_write *write);
/* A copy of [offset, offset + size) when one buffer has it all; false when not. */
bool slab_read_locked(const struct content *content, uint64_t offset, size_t size, uint8_t *out);
struct slab *slab_new(size_t room, size_t head);
void slab_free(struct slab **buffer);
/* Moves buffers to the queue: those of a full sequential run, or all. */
void slab_hand_over_locked(struct inode *inode, bool all);
void slab_retire_locked(struct inode *inode, struct slab **buffer);
/* About what all write buffers take: a byte of its own takes far more than a byte. */
uint64_t slabs_memory(struct tree *t);

/* Starts the pipeline for what has been handed over. */
void ingest_start_locked(struct inode *inode);
/* Hands everything over and waits (the lock is dropped meanwhile) until the map has it. */
int ingest_drain_locked(struct inode *inode);
int ingest_put(struct tree *t, struct content *content, const struct fingerprint_input *inputs,
	       size_t count, struct chunk_ref *refs, struct store_put_result *result);
/* Waits until no task of the tree is in the pool. */
void ingest_wait_all(struct tree *t);
/* Waits until there is room for more buffers; no lock held. */
int ingest_wait_room(struct tree *t);

/* ---- container.c ---- */
int container_load(struct tree *t);
void container_free_all(struct tree *t);
int container_add(struct tree *t, uint64_t number);
void container_remove(struct tree *t, uint64_t number);
/* Adds to its figures. */
void container_account(struct tree *t, uint64_t number, int64_t files, int64_t logical);
void container_stored(struct tree *t, uint64_t number, uint64_t new_bytes);
/* So many of the fresh bytes are committed, at this ratio of stored to raw; accounts held. */
void container_weigh(struct container *c, uint64_t fresh, double ratio);
/* With an estimate for what is fresh; accounts held. */
uint64_t container_stored_bytes(const struct tree *t, const struct container *c);
/* Takes `growth` bytes in as pending; -EDQUOT. */
int container_charge(struct tree *t, uint64_t number, uint64_t growth);
/* After -EDQUOT, no lock held: near its limit a quota is to be decided by what the maps say. Bytes
 * on their way may count twice, zeros among them will not count at all, and what was written where
 * there was no quota is not known to be there. Commits if any such may matter to the inode's
 * container; true: it is worth another try. */
bool container_settle(struct inode *inode, int error);
void container_discharge(struct tree *t, uint64_t number, uint64_t growth);
/* Is there a quota? Without one nobody need count precisely. */
bool container_is_limited(struct tree *t, uint64_t number);
/* Would `bytes` more fit? */
int container_check(struct tree *t, uint64_t number, uint64_t bytes);
/* Moves an inode and all below it to another container; names held. */
int container_move(struct tree *t, struct inode *inode, uint64_t to);

/* ---- loss.c ---- */
/* What was taken for this inode is gone; inode lock held. */
void loss_note_locked(struct inode *inode, int error);
/* Table held: it must stay in memory, since nobody knows yet. */
bool loss_keeps(const struct inode *inode);

/* ---- file.c, range.c: contents ---- */
int range_truncate_locked(struct inode *inode, uint64_t size);

/* ---- commit.c, snapshot.c ---- */
struct snapshot;
int commit_start(struct tree *t);
void commit_stop(struct tree *t);
void commit_kick(struct tree *t); /* something became dirty */
void commit_wish_drain(struct tree *t);
int commit_now(struct tree *t); /* one commit of everything, at once */
int snapshot_take(struct tree *t, struct snapshot **snapshot); /* freeze held for writing */
/* Freeze held for writing: what the snapshot holds counts as under way; the next commit begins. */
void snapshot_seal(struct tree *t, struct snapshot *snapshot);
/* Inside the transaction; `ratio`: of what the commit stores. */
int snapshot_write(struct tree *t, struct snapshot *snapshot, double ratio);
/* Is there anything in it that a copy of the catalogue should have? */
bool snapshot_has_changes(const struct snapshot *snapshot);
void snapshot_end(struct tree *t, struct snapshot **snapshot, bool committed);
void snapshot_free(struct snapshot **snapshot);

/* ---- rows.c: the catalogue's rows ---- */
int rows_load_inode(struct tree *t, uint64_t number, struct inode_row *row, uint8_t **map,
		    size_t *map_size);
int rows_load_xattrs(struct tree *t, uint64_t number, struct xattrs **xattrs);
struct row_entry {
	uint64_t hash, inode;
	uint8_t type;
	uint16_t length;
	char name[TREE_NAME_MAX + 1];
};
/* Entries with hashes in [first, last], in order; their number or -errno. */
ssize_t rows_load_entries(struct tree *t, uint64_t parent, uint64_t first, uint64_t last,
			  struct row_entry *rows, size_t room);
int rows_load_orphans(struct tree *t, uint64_t **list, size_t *count);
int rows_put_inode(struct catalogue *c, const struct inode_row *row, const uint8_t *map,
		   size_t map_size);
int rows_delete_inode(struct catalogue *c, uint64_t number, bool xattrs);
int rows_put_orphan(struct catalogue *c, uint64_t number);
int rows_put_xattrs(struct catalogue *c, uint64_t number, const struct xattrs *xattrs);
int rows_put_entry(struct catalogue *c, const struct entry *entry, uint64_t inode, uint8_t type);
int rows_delete_entry(struct catalogue *c, const struct entry *entry);
int rows_put_container(struct catalogue *c, const struct container *container);
int rows_load_containers(struct tree *t);

/* ---- backup.c ---- */
int backup_run(struct tree *t);

#endif
