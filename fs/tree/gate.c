/* SPDX-License-Identifier: MIT */
/*
 * The gate of changing operations: each passes it before it takes any lock, and holds
 * tree.freeze for reading from there to its end.
 *
 * What is dirty is in memory until a commit is done, so here is where changes wait when there is
 * much of it. While commits fail (for want of space or memory: anything else turns the store
 * read-only) there is nothing to wait for: what adds is refused with the commit's error, what
 * frees goes on for a while, since it may be what lets the next commit through.
 */
#include <errno.h>

#include "fs/tree/internal.h"
#include "lib/base/clock.h"

/* `times`: how many times what is usual. */
static bool gate_is_full(struct tree *t, size_t times)
{
	size_t inodes = atomic_load(&t->inodes_dirty_count);
	size_t entries = atomic_load(&t->entries_dirty_count);
	/* A commit that fails will give back what it carries. */
	if (atomic_load(&t->failing)) {
		inodes += atomic_load(&t->inodes_committing);
		entries += atomic_load(&t->entries_committing);
	}
	return inodes > 4 * times * t->dirty_max || entries > 4 * times * ENTRIES_AN_INODE * t->dirty_max ||
	       atomic_load(&t->held) > times * t->budget;
}

/* Only a commit makes room here: waiting for one that fails would be no end. */
static int gate_wait(struct tree *t)
{
	struct timespec deadline = clock_deadline_ms(20);
	if (!atomic_load(&t->failing))
		commit_kick(t);
	LOCK_SCOPE(&t->commit);
	if (atomic_load(&t->failing))
		return t->failed_error;
	pthread_cond_timedwait(&t->room, &t->commit, &deadline);
	return 0;
}

static int gate_pass(struct tree *t, size_t times)
{
	int error = 0;
	if (t->options.read_only)
		return -EROFS;
	while (!error && gate_is_full(t, times) && !store_failed(t->store))
		error = gate_wait(t);
	if (store_failed(t->store))
		return -EROFS;
	if (error)
		return error;
	pthread_rwlock_rdlock(&t->freeze);
	atomic_fetch_add_explicit(&t->operations, 1, memory_order_relaxed);
	return 0;
}

int change_begin(struct tree *t)
{
	return gate_pass(t, 1);
}

int change_begin_freeing(struct tree *t)
{
	/* Twice as much may be there already, when a commit that carries the one half fails. */
	return gate_pass(t, 3);
}

void change_end(struct tree *t)
{
	pthread_rwlock_unlock(&t->freeze);
}
