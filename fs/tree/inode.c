/* SPDX-License-Identifier: MIT */
/*
 * The inode table: inodes in memory, by number.
 *
 * An inode is pinned while somebody works on it, while it is dirty, and while a
 * commit carries it; the rest are kept in order of use and dropped beyond
 * tree.inodes_max. The kernel's references on those that are dropped are kept
 * (reference.h). One that has no name stays: only its last release or forget
 * may delete it.
 *
 * A load from the catalogue is believed only if no commit has ended meanwhile,
 * so that a row read before a commit never covers what the commit wrote.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "fs/tree/internal.h"
#include "lib/base/clock.h"

#define STAT_BLOCK_MIN 4096u /* of what no map shows yet */
#define TRIM_TRIES     8u
#define DAY_NS INT64_C(86400000000000)

static struct inode *inode_alloc(struct tree *t, const struct inode_row *row)
{
	struct inode *inode = mem_try_zalloc(1, sizeof(*inode));
	if (!inode)
		return NULL;
	inode->magic = INODE_MAGIC;
	inode->tree = t;
	inode->row = *row;
	pthread_mutex_init(&inode->lock, NULL);
	return inode;
}

static void inode_destroy(struct inode *inode)
{
	ASSERT_OBJECT(inode, INODE_MAGIC);
	content_free(&inode->content);
	atomic_fetch_sub(&inode->tree->held, inode->bytes_held);
	xattrs_free(&inode->xattrs);
	free(inode->map);
	pthread_mutex_destroy(&inode->lock);
	inode->magic = 0;
	free(inode);
}

/* table held */
static struct inode *table_find(struct tree *t, uint64_t number)
{
	struct inode *inode;
	HASH_FIND(hh, t->inodes, &number, sizeof(number), inode);
	return inode;
}

/* table held: into the list of clean ones, as the youngest, and out of it. */
static void clean_add(struct tree *t, struct inode *inode)
{
	DL_APPEND(t->inodes_clean, inode);
	t->inodes_clean_count++;
	/* Nobody has it, so nobody changes it. */
	inode->clean_bytes = inode->map_size > INODE_MAP_BYTES ? inode->map_size - INODE_MAP_BYTES : 0;
	t->clean_bytes += inode->clean_bytes;
}

static void clean_remove(struct tree *t, struct inode *inode)
{
	DL_DELETE(t->inodes_clean, inode);
	t->inodes_clean_count--;
	t->clean_bytes -= inode->clean_bytes;
}

void inode_hold_locked(struct tree *t, struct inode *inode)
{
	if (inode->pins++ == 0 && !inode->dirty && !inode->committing)
		clean_remove(t, inode);
}

/* table held. A clean inode that nobody has pinned: nobody changes it. */
static bool table_may_drop(struct tree *t, const struct inode *inode)
{
	if (inode->opens || inode->row.links == 0 || loss_keeps(inode))
		return false;
	return inode->references == 0 ||
	       references_put(&t->references, inode->row.number, inode->references) == 0;
}

/* table held: the oldest clean ones that are too many, as a list. */
static struct inode *table_trim(struct tree *t)
{
	struct inode *gone = NULL;
	/* One that comes with a long target takes the room of some. */
	for (unsigned tries = 0; tries < TRIM_TRIES; tries++) {
		struct inode *oldest = t->inodes_clean;
		if (t->inodes_clean_count * INODE_BYTES + t->clean_bytes <= t->inodes_max * INODE_BYTES)
			break;
		clean_remove(t, oldest);
		if (!table_may_drop(t, oldest)) { /* stays, at the young end */
			clean_add(t, oldest);
			continue;
		}
		HASH_DELETE(hh, t->inodes, oldest);
		LL_PREPEND(gone, oldest);
	}
	return gone;
}

/* table held; gives back a list of what is to be destroyed after the lock. */
static struct inode *table_settle(struct tree *t, struct inode *inode)
{
	if (inode->pins || inode->dirty || inode->committing)
		return NULL;
	/* `deleted` was set under the inode's lock by one who held a pin; nobody has one now. */
	if (inode->deleted) {
		HASH_DELETE(hh, t->inodes, inode);
		inode->next = NULL;
		return inode;
	}
	/* Nobody has it: what is dropped will be read again. */
	if (xattrs_are_large(inode->xattrs))
		xattrs_free(&inode->xattrs);
	clean_add(t, inode);
	return table_trim(t);
}

static void table_destroy(struct inode *gone)
{
	struct inode *inode, *next;
	LL_FOREACH_SAFE(gone, inode, next)
		inode_destroy(inode);
}

/* table held */
static int table_add(struct tree *t, struct inode *inode)
{
	HASH_ADD(hh, t->inodes, row.number, sizeof(inode->row.number), inode);
	if (!inode->hh.tbl)
		return -ENOMEM;
	inode->pins = 1;
	return 0;
}

static int inode_load(struct tree *t, uint64_t number, struct inode **loaded)
{
	struct inode_row row;
	uint8_t *map = NULL;
	size_t map_size = 0;
	int error = rows_load_inode(t, number, &row, &map, &map_size);
	if (error)
		return error;
	struct inode *inode = inode_alloc(t, &row);
	if (!inode) {
		free(map);
		return -ENOMEM;
	}
	inode->map = map;
	inode->map_size = map_size;
	inode->stored = true;
	*loaded = inode;
	return 0;
}

/* Puts a loaded inode into the table, unless another has been quicker or its row may be old. */
static bool inode_publish(struct tree *t, struct inode *loaded, uint64_t ended, struct inode **inode,
			  int *error)
{
	LOCK_SCOPE(&t->table);
	*inode = table_find(t, loaded->row.number);
	if (*inode) {
		inode_hold_locked(t, *inode);
		return true;
	}
	if (atomic_load(&t->commits) != ended)
		return false;
	*error = table_add(t, loaded);
	if (!*error) {
		*inode = loaded;
		loaded->references = references_take(&t->references, loaded->row.number);
	}
	return true;
}

int inode_get(struct tree *t, uint64_t number, struct inode **result)
{
	struct inode *inode, *loaded = NULL;
	int error = 0;
	for (bool settled = false; !settled;) {
		pthread_mutex_lock(&t->table);
		inode = table_find(t, number);
		if (inode)
			inode_hold_locked(t, inode);
		uint64_t ended = atomic_load(&t->commits);
		pthread_mutex_unlock(&t->table);
		if (inode)
			break;
		error = inode_load(t, number, &loaded);
		if (error)
			return error;
		settled = inode_publish(t, loaded, ended, &inode, &error);
		if (inode != loaded)
			inode_destroy(loaded);
	}
	if (error)
		return error;
	*result = inode;
	return 0;
}

void inode_hold(struct inode *inode)
{
	LOCK_SCOPE(&inode->tree->table);
	inode_hold_locked(inode->tree, inode);
}

void inode_put(struct inode **pointer)
{
	struct inode *inode = TAKE(*pointer), *gone;
	if (!inode)
		return;
	struct tree *t = inode->tree;
	pthread_mutex_lock(&t->table);
	ASSERT(inode->pins > 0);
	inode->pins--;
	gone = table_settle(t, inode);
	pthread_mutex_unlock(&t->table);
	table_destroy(gone);
}

static void inode_mark_as(struct inode *inode, bool sync)
{
	struct tree *t = inode->tree;
	bool first = false;
	pthread_mutex_lock(&t->table);
	ASSERT(inode->pins > 0);
	if (!inode->dirty) {
		inode->dirty = true;
		DL_APPEND(t->inodes_dirty, inode);
		t->inodes_dirty_count++;
		first = t->inodes_dirty_count == t->dirty_max;
	}
	if (sync) {
		inode->changed = atomic_load(&t->current);
		first = first || !t->changed;
		t->changed = true;
	}
	pthread_mutex_unlock(&t->table);
	if (first)
		commit_kick(t);
}

void inode_mark(struct inode *inode)
{
	inode_mark_as(inode, true);
}

/* For what no sync need wait for (atime). */
static void inode_mark_lazily(struct inode *inode)
{
	if (!inode->tree->options.read_only)
		inode_mark_as(inode, false);
}

int inode_new(struct tree *t, const struct inode_row *row, struct inode **result)
{
	struct inode *inode = inode_alloc(t, row);
	if (!inode)
		return -ENOMEM;
	int64_t now = clock_real_ns();
	inode->row.number = atomic_fetch_add(&t->next_inode, 1);
	inode->row.generation = t->epoch;
	inode->row.atime = inode->row.mtime = inode->row.ctime = inode->row.btime = now;
	inode->fresh = true;
	pthread_mutex_lock(&t->table);
	int error = table_add(t, inode);
	pthread_mutex_unlock(&t->table);
	if (error) {
		inode_destroy(inode);
		return error;
	}
	inode_mark(inode);
	*result = inode;
	return 0;
}

void inode_reference(struct inode *inode, uint64_t count)
{
	LOCK_SCOPE(&inode->tree->table);
	inode->references += count;
}

void tree_forget(struct tree *t, uint64_t number, uint64_t count)
{
	CLEANUP_INODE struct inode *inode = NULL;
	pthread_mutex_lock(&t->table);
	inode = table_find(t, number);
	if (inode) {
		inode_hold_locked(t, inode);
		inode->references -= count < inode->references ? count : inode->references;
	} else {
		references_drop(&t->references, number, count);
	}
	pthread_mutex_unlock(&t->table);
	if (!inode)
		return;
	pthread_mutex_lock(&inode->lock);
	bool nameless = inode->row.links == 0 && !inode->deleted;
	pthread_mutex_unlock(&inode->lock);
	if (!nameless || t->options.read_only)
		return;
	pthread_rwlock_rdlock(&t->freeze);
	inode_reap(inode);
	pthread_rwlock_unlock(&t->freeze);
}

void inode_reap(struct inode *inode)
{
	struct tree *t = inode->tree;
	pthread_mutex_lock(&inode->lock);
	bool idle = inode->row.links == 0 && inode->opens == 0 && !inode->deleted;
	if (idle) {
		pthread_mutex_lock(&t->table);
		idle = inode->references == 0;
		pthread_mutex_unlock(&t->table);
	}
	if (idle) {
		inode->deleted = true;
		/* First: an ingest under way still adds to what is allocated. */
		content_discard_locked(inode);
		if (!S_ISDIR(inode->row.mode))
			container_account(t, inode->row.container, -1, -(int64_t)inode->row.allocated);
	}
	pthread_mutex_unlock(&inode->lock);
	if (idle)
		inode_mark(inode);
}

/* Who reads does not wait for commits: a new time of access is not worth a pile of targets. */
static bool access_is_dear(const struct inode *inode)
{
	struct tree *t = inode->tree;
	if (!S_ISLNK(inode->row.mode) || inode->target_dirty || atomic_load(&t->held) <= t->budget / 2)
		return false;
	commit_kick(t);
	return true;
}

void inode_accessed_locked(struct inode *inode)
{
	struct inode_row *row = &inode->row;
	struct tree *t = inode->tree;
	/* A store that takes nothing (any more, or now): the inode would stay dirty, in memory. */
	if (!t->options.atime || inode->deleted || store_failed(t->store) || atomic_load(&t->failing))
		return;
	if (access_is_dear(inode))
		return;
	if (row->atime > row->mtime && row->atime > row->ctime) {
		int64_t now = clock_real_ns();
		if (now - row->atime < DAY_NS)
			return;
		row->atime = now;
	} else {
		row->atime = clock_real_ns();
	}
	inode_hold_target_locked(inode);
	inode_mark_lazily(inode);
}

/* That its map does not show: written into a hole, or in a mapping. */
static bool inode_may_have_data_locked(const struct inode *inode)
{
	const struct content *content = inode->content;
	return inode->mappable || (content && (content->carry || content_is_pending(content)));
}

void inode_stat_locked(const struct inode *inode, struct stat *attr)
{
	const struct inode_row *row = &inode->row;
	uint64_t bytes = row->allocated + (inode->content ? inode->content->growth : 0);
	if (bytes == 0 && row->size && inode_may_have_data_locked(inode))
		bytes = STAT_BLOCK_MIN;
	*attr = (struct stat){
		.st_ino = row->number,
		.st_mode = row->mode,
		.st_nlink = row->links,
		.st_uid = row->uid,
		.st_gid = row->gid,
		.st_rdev = row->rdev,
		.st_size = (off_t)row->size,
		.st_blksize = 65536,
		.st_blocks = (blkcnt_t)((bytes + 511) / 512),
		.st_atim = clock_to_timespec(row->atime),
		.st_mtim = clock_to_timespec(row->mtime),
		.st_ctim = clock_to_timespec(row->ctime),
	};
}

void inode_entry(struct inode *inode, struct tree_entry *entry)
{
	LOCK_SCOPE(&inode->lock);
	entry->inode = inode->row.number;
	entry->generation = inode->row.generation;
	inode_stat_locked(inode, &entry->attr);
}

void inode_settle(struct inode *inode, bool committed)
{
	struct tree *t = inode->tree;
	pthread_mutex_lock(&t->table);
	inode->committing = false;
	if (!committed && !inode->dirty) {
		inode->dirty = true;
		DL_APPEND(t->inodes_dirty, inode);
		t->inodes_dirty_count++;
	}
	if (!committed) {
		inode->stored = true; /* what the catalogue has is not known: write or delete it again */
		inode->changed = atomic_load(&t->current);
		t->changed = true;
	}
	struct inode *gone = table_settle(t, inode);
	pthread_mutex_unlock(&t->table);
	table_destroy(gone);
}

void inode_lock_pair(struct inode *a, struct inode *b)
{
	struct inode *first = a->row.number < b->row.number ? a : b;
	pthread_mutex_lock(&first->lock);
	if (a != b)
		pthread_mutex_lock(first == a ? &b->lock : &a->lock);
}

void inode_unlock_pair(struct inode *a, struct inode *b)
{
	pthread_mutex_unlock(&a->lock);
	if (a != b)
		pthread_mutex_unlock(&b->lock);
}

void inode_free_all(struct tree *t)
{
	struct inode *inode, *next;
	HASH_ITER(hh, t->inodes, inode, next)
	{
		HASH_DELETE(hh, t->inodes, inode);
		inode_destroy(inode);
	}
	t->inodes_clean = t->inodes_dirty = NULL;
}
