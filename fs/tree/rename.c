/* SPDX-License-Identifier: MIT */
/*
 * Renaming: plain, RENAME_NOREPLACE and RENAME_EXCHANGE, rename(2).
 *
 * A directory never gets below itself. Moving between top-level directories
 * moves the accounting first, so that a quota refuses before anything changes.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "fs/tree/internal.h"
#include "lib/base/clock.h"

struct rename {
	struct inode *from, *to;             /* directories */
	struct entry *from_entry, *to_entry;
	struct inode *source, *target;       /* target may be NULL */
	bool exchange;
};

/* Is `ancestor` the directory `at` or above it? names held. */
static int directory_is_above(struct tree *t, const struct inode *ancestor, struct inode *at,
			      bool *above)
{
	uint64_t number = at->row.number;
	*above = false;
	while (number != TREE_ROOT && number != 0) {
		if (number == ancestor->row.number) {
			*above = true;
			return 0;
		}
		CLEANUP_INODE struct inode *directory = NULL;
		int error = inode_get(t, number, &directory);
		if (error)
			return error;
		number = directory->row.parent;
	}
	*above = ancestor->row.number == TREE_ROOT;
	return 0;
}

static int rename_check_loops(struct tree *t, const struct rename *r)
{
	bool above = false;
	int error = 0;
	if (r->from == r->to)
		return 0;
	if (S_ISDIR(r->source->row.mode)) {
		error = directory_is_above(t, r->source, r->to, &above);
		if (!error && above)
			error = -EINVAL;
	}
	if (!error && r->target && S_ISDIR(r->target->row.mode)) {
		error = directory_is_above(t, r->target, r->from, &above);
		if (!error && above)
			error = r->exchange ? -EINVAL : -ENOTEMPTY;
	}
	return error;
}

static int rename_check_target(const struct rename *r)
{
	if (!r->target || r->exchange)
		return 0;
	bool source_directory = S_ISDIR(r->source->row.mode);
	bool target_directory = S_ISDIR(r->target->row.mode);
	if (source_directory && !target_directory)
		return -ENOTDIR;
	if (!source_directory && target_directory)
		return -EISDIR;
	return target_directory && r->target->row.size ? -ENOTEMPTY : 0;
}

static int rename_find(struct tree *t, struct rename *r, const char *name, const char *new_name,
		       unsigned flags)
{
	int error = entry_find(t, r->from, name, &r->from_entry);
	if (!error && !r->from_entry->inode)
		error = -ENOENT;
	if (error)
		return error;
	/* Finding the second may drop the first from memory when that is small: find it again. */
	error = entry_find(t, r->to, new_name, &r->to_entry);
	if (!error)
		error = entry_find(t, r->from, name, &r->from_entry);
	if (!error && !r->to_entry->inode && r->exchange)
		error = -ENOENT;
	if (!error && r->to_entry->inode && (flags & RENAME_NOREPLACE))
		error = -EEXIST;
	if (!error && r->to->row.links == 0)
		error = -ENOENT;
	if (!error)
		error = inode_get(t, r->from_entry->inode, &r->source);
	if (!error && r->to_entry->inode)
		error = inode_get(t, r->to_entry->inode, &r->target);
	return error;
}

/* The accounting of both goes where they go. */
static int rename_move_accounts(struct tree *t, const struct rename *r)
{
	uint64_t source_old = r->source->row.container;
	int error = container_move(t, r->source, child_container(r->to, r->source));
	if (error || !r->exchange)
		return error;
	error = container_move(t, r->target, child_container(r->from, r->target));
	if (error) /* what moved a moment ago fits where it came from */
		(void)container_move(t, r->source, source_old);
	return error;
}

static void rename_set_parent(struct inode *child, const struct inode *parent)
{
	pthread_mutex_lock(&child->lock);
	if (S_ISDIR(child->row.mode))
		child->row.parent = parent->row.number;
	child->row.ctime = clock_real_ns();
	inode_hold_target_locked(child);
	pthread_mutex_unlock(&child->lock);
	inode_mark(child);
}

static void rename_apply_exchange(struct tree *t, struct rename *r)
{
	int source_directory = S_ISDIR(r->source->row.mode) ? 1 : 0;
	int target_directory = S_ISDIR(r->target->row.mode) ? 1 : 0;
	int links = r->from == r->to ? 0 : target_directory - source_directory;
	entry_set(t, r->from, r->from_entry, r->target->row.number, mode_type(r->target->row.mode));
	entry_set(t, r->to, r->to_entry, r->source->row.number, mode_type(r->source->row.mode));
	rename_set_parent(r->source, r->to);
	rename_set_parent(r->target, r->from);
	directory_changed(r->from, 0, links);
	directory_changed(r->to, 0, -links);
}

static void rename_apply(struct tree *t, struct rename *r)
{
	int source_directory = S_ISDIR(r->source->row.mode) ? 1 : 0;
	int target_directory = r->target && S_ISDIR(r->target->row.mode) ? 1 : 0;
	entry_set(t, r->from, r->from_entry, 0, 0);
	entry_set(t, r->to, r->to_entry, r->source->row.number, mode_type(r->source->row.mode));
	rename_set_parent(r->source, r->to);
	directory_changed(r->from, -1, -source_directory);
	directory_changed(r->to, r->target ? 0 : 1, source_directory - target_directory);
	if (r->target)
		inode_drop_name(r->target);
}

static int rename_locked(struct tree *t, struct rename *r, const char *name, const char *new_name,
			 unsigned flags)
{
	int error = rename_find(t, r, name, new_name, flags);
	if (!error && r->source == r->target)
		return 0; /* two names of one inode: nothing to do */
	if (!error)
		error = rename_check_loops(t, r);
	if (!error)
		error = rename_check_target(r);
	if (!error)
		error = rename_move_accounts(t, r);
	if (error)
		return error;
	if (r->exchange)
		rename_apply_exchange(t, r);
	else
		rename_apply(t, r);
	return 0;
}

static int rename_check_name(const char *name, unsigned flags)
{
	if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
		return flags & RENAME_NOREPLACE ? -EEXIST : -EBUSY;
	return name_check(name);
}

static int rename_once(struct tree *t, struct inode *from, const char *name, struct inode *to,
		       const char *new_name, unsigned flags)
{
	struct rename r = {.from = from, .to = to, .exchange = (flags & RENAME_EXCHANGE) != 0};
	int error = change_begin(t);
	if (error)
		return error;
	pthread_mutex_lock(&t->names);
	error = rename_locked(t, &r, name, new_name, flags);
	pthread_mutex_unlock(&t->names);
	if (!error && r.target)
		inode_reap(r.target);
	inode_put(&r.source);
	inode_put(&r.target);
	change_end(t);
	return error;
}

int tree_rename(struct tree *t, uint64_t parent, const char *name, uint64_t new_parent,
		const char *new_name, unsigned flags)
{
	CLEANUP_INODE struct inode *from = NULL;
	CLEANUP_INODE struct inode *to = NULL;
	if (flags & ~(unsigned)(RENAME_NOREPLACE | RENAME_EXCHANGE) ||
	    flags == (RENAME_NOREPLACE | RENAME_EXCHANGE))
		return -EINVAL;
	int error = rename_check_name(name, 0);
	if (!error)
		error = rename_check_name(new_name, flags);
	if (!error)
		error = directory_get(t, parent, &from);
	if (!error)
		error = directory_get(t, new_parent, &to);
	if (!error)
		error = rename_once(t, from, name, to, new_name, flags);
	if (error == -EDQUOT && (container_settle(to, error) || container_settle(from, error)))
		error = rename_once(t, from, name, to, new_name, flags);
	return error;
}
