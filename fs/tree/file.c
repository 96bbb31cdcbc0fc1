/* SPDX-License-Identifier: MIT */
/*
 * Open files: open, write, flush, release.
 *
 * A write copies its bytes into buffers and returns; before that it waits for
 * room, sets space aside in the store and counts against the quota, so that it
 * is the write that fails and not the commit.
 */
#include <errno.h>
#include <fcntl.h>

#include "fs/tree/internal.h"
#include "lib/base/clock.h"

/* At close this much goes to the pipeline at once; less waits for the next commit, since many
 * small files do not live that long. */
#define FLUSH_BYTES (256u << 10)

static int open_truncate(struct tree *t, struct inode *inode)
{
	int error = change_begin_freeing(t);
	if (error)
		return error;
	pthread_mutex_lock(&inode->lock);
	error = range_truncate_locked(inode, 0);
	if (!error)
		inode->row.mtime = inode->row.ctime = clock_real_ns();
	pthread_mutex_unlock(&inode->lock);
	inode_mark(inode);
	change_end(t);
	return map_errno(error);
}

/* 1: a direct handle. */
static int open_count_locked(struct inode *inode, int flags)
{
	bool direct = (flags & O_DIRECT) && inode->opens == inode->direct;
	inode->opens++;
	if (direct)
		inode->direct++;
	else if (inode->direct)
		inode->mixed = true;
	return direct;
}

int tree_open_file(struct tree *t, uint64_t number, int flags)
{
	CLEANUP_INODE struct inode *inode = NULL;
	int error = inode_get(t, number, &inode);
	if (error)
		return error;
	if (t->options.read_only && (flags & (O_WRONLY | O_RDWR | O_TRUNC)))
		return -EROFS;
	int direct = 0;
	pthread_mutex_lock(&inode->lock);
	if (inode->deleted)
		error = -ESTALE;
	else
		direct = open_count_locked(inode, flags);
	pthread_mutex_unlock(&inode->lock);
	if (!error && (flags & O_TRUNC) && S_ISREG(inode->row.mode)) {
		error = open_truncate(t, inode);
		if (error && direct)
			tree_release_direct(t, number);
		else if (error)
			tree_release_file(t, number);
	}
	return error ? error : direct;
}

void tree_release_direct(struct tree *t, uint64_t number)
{
	CLEANUP_INODE struct inode *inode = NULL;
	if (inode_get(t, number, &inode) == 0) {
		LOCK_SCOPE(&inode->lock);
		ASSERT(inode->direct > 0);
		if (--inode->direct == 0)
			inode->mixed = false;
	}
	tree_release_file(t, number);
}

bool tree_is_mixed(struct tree *t, uint64_t number)
{
	CLEANUP_INODE struct inode *inode = NULL;
	if (inode_get(t, number, &inode))
		return true;
	LOCK_SCOPE(&inode->lock);
	return inode->mixed;
}

bool tree_count_mappable(struct tree *t, uint64_t number, int change)
{
	CLEANUP_INODE struct inode *inode = NULL;
	if (inode_get(t, number, &inode))
		return false; /* one that is open is there */
	LOCK_SCOPE(&inode->lock);
	struct stat before, after;
	inode_stat_locked(inode, &before);
	inode->mappable += (uint32_t)change;
	inode_stat_locked(inode, &after);
	return after.st_blocks != before.st_blocks;
}

void tree_release_file(struct tree *t, uint64_t number)
{
	CLEANUP_INODE struct inode *inode = NULL;
	if (inode_get(t, number, &inode))
		return;
	pthread_mutex_lock(&inode->lock);
	ASSERT(inode->opens > 0);
	bool nameless = --inode->opens == 0 && inode->row.links == 0;
	if (inode->opens == 0 && inode->content && !nameless) {
		struct content *content = inode->content;
		if (content->stream || content->dirty_bytes >= FLUSH_BYTES) {
			slab_hand_over_locked(inode, true);
			content->finish = true;
			ingest_start_locked(inode);
		}
		content_release_locked(inode);
	}
	pthread_mutex_unlock(&inode->lock);
	if (!nameless || t->options.read_only)
		return;
	pthread_rwlock_rdlock(&t->freeze);
	inode_reap(inode);
	pthread_rwlock_unlock(&t->freeze);
}

int tree_flush(struct tree *t, uint64_t number)
{
	CLEANUP_INODE struct inode *inode = NULL;
	int error = inode_get(t, number, &inode);
	if (error)
		return error;
	LOCK_SCOPE(&inode->lock);
	struct content *content = inode->content;
	if (!content)
		return 0;
	if (content->dirty_bytes >= FLUSH_BYTES) {
		slab_hand_over_locked(inode, true);
		ingest_start_locked(inode);
	}
	return content->error;
}

static int write_charge_locked(struct inode *inode, struct slab_write *w, uint64_t *growth)
{
	if (inode->deleted)
		return -ESTALE;
	if (!S_ISREG(inode->row.mode))
		return S_ISDIR(inode->row.mode) ? -EISDIR : -EINVAL;
	int error = content_need_locked(inode);
	if (error)
		return error;
	if (inode->content->error)
		return inode->content->error;
	w->holes = w->offset < inode->row.size &&
		   container_is_limited(inode->tree, inode->row.container);
	error = content_growth_locked(inode, w->offset, w->size, w->holes, growth);
	return error ? error : container_charge(inode->tree, inode->row.container, *growth);
}

static int write_locked(struct inode *inode, struct slab_write *w)
{
	uint64_t growth = 0, counted;
	int error = write_charge_locked(inode, w, &growth);
	if (error)
		return error;
	struct content *content = inode->content;
	counted = content->growth;
	error = slab_write_locked(inode, w);
	atomic_fetch_add(&inode->tree->buffered, w->added);
	/* After a failure half way what did get into a buffer counts and is part of the file. */
	counted = content->growth - counted;
	container_discharge(inode->tree, inode->row.container, growth - counted);
	if (w->taken && w->offset + w->taken > inode->row.size)
		inode->row.size = w->offset + w->taken;
	inode->row.mtime = inode->row.ctime = clock_real_ns();
	slab_hand_over_locked(inode, false);
	ingest_start_locked(inode);
	return error;
}

static int write_once(struct tree *t, struct inode *inode, uint64_t offset, const void *data,
		      size_t size)
{
	struct slab_write w = {.offset = offset, .data = data, .size = size};
	int error = ingest_wait_room(t);
	if (!error)
		error = store_reserve(t->store, size);
	if (error)
		return error;
	error = change_begin(t);
	if (!error) {
		pthread_mutex_lock(&inode->lock);
		error = write_locked(inode, &w);
		pthread_mutex_unlock(&inode->lock);
		if (!error || w.added)
			inode_mark(inode);
		change_end(t);
	}
	/* What was overwritten in a buffer, or refused, needs no space. */
	if (size > w.added)
		store_unreserve(t->store, size - w.added);
	return error;
}

int tree_write(struct tree *t, uint64_t number, uint64_t offset, const void *data, size_t size)
{
	CLEANUP_INODE struct inode *inode = NULL;
	if (offset > TREE_FILE_MAX || size > TREE_FILE_MAX - offset)
		return -EFBIG;
	int error = inode_get(t, number, &inode);
	if (error || size == 0)
		return error;
	error = write_once(t, inode, offset, data, size);
	if (container_settle(inode, error))
		error = write_once(t, inode, offset, data, size);
	atomic_fetch_add_explicit(&t->bytes_written, error ? 0 : size, memory_order_relaxed);
	return error;
}
