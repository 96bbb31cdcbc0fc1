/* SPDX-License-Identifier: MIT */
/*
 * Committing: one thread, one commit at a time, any number of waiters for each.
 *
 *   drain    buffers through the pipeline, maps saved; while everything goes on
 *   freeze   (stops changing operations) drain the rest, take the snapshot,
 *            close the store's delta; the number of the current commit moves on
 *   write    sync the delta, then one transaction with its rows and ours
 *   end      what was written is clean, waiters go on
 *
 * A commit that fails for want of space or memory fails for those who wait for
 * it; nothing is lost, everything is dirty again and tried later. Any other
 * failure of the writing is final: the store turns read-only.
 */
#include <errno.h>
#include <stdlib.h>

#include "fs/tree/internal.h"
#include "fs/tree/job.h"
#include "lib/base/clock.h"
#include "lib/base/log.h"

#define SECOND_NS UINT64_C(1000000000)

/* ---- what others ask for ---- */

void commit_kick(struct tree *t)
{
	bool many = atomic_load(&t->inodes_dirty_count) >= t->dirty_max ||
		    atomic_load(&t->entries_dirty_count) >= ENTRIES_AN_INODE * t->dirty_max ||
		    (atomic_load(&t->held) > t->budget / 2 && !atomic_load(&t->failing));
	LOCK_SCOPE(&t->commit);
	if (t->dirty_since == 0)
		t->dirty_since = clock_monotonic_ns();
	if (many && t->wanted < atomic_load(&t->current))
		t->wanted = atomic_load(&t->current);
	pthread_cond_signal(&t->commit_work);
}

void commit_wish_drain(struct tree *t)
{
	LOCK_SCOPE(&t->commit);
	t->drain_wanted = true;
	pthread_cond_signal(&t->commit_work);
}

static int commit_wait(struct tree *t, uint64_t number)
{
	LOCK_SCOPE(&t->commit);
	uint64_t failures = t->failures;
	while (t->done < number) {
		if (t->failures != failures)
			return t->failed_error;
		if (!t->committer_runs || t->stop)
			return -EROFS;
		if (t->wanted < number)
			t->wanted = number;
		pthread_cond_signal(&t->commit_work);
		pthread_cond_wait(&t->commit_end, &t->commit);
	}
	return 0;
}

/* The commit that a sync must wait for; 0: none. */
static uint64_t commit_needed(struct tree *t, uint64_t number)
{
	LOCK_SCOPE(&t->table);
	uint64_t current = atomic_load(&t->current);
	if (number == 0)
		return t->changed ? current : current - 1;
	struct inode *inode;
	HASH_FIND(hh, t->inodes, &number, sizeof(number), inode);
	return inode ? inode->changed : 0;
}

int tree_commit(struct tree *t, uint64_t number)
{
	if (t->options.read_only)
		return 0;
	int error = store_failed(t->store);
	if (error)
		return error;
	uint64_t needed = commit_needed(t, number);
	return needed ? commit_wait(t, needed) : 0;
}

int commit_now(struct tree *t)
{
	/* Not one whose snapshot is being taken: that may lack what the caller has just done. */
	pthread_rwlock_rdlock(&t->freeze);
	uint64_t number = atomic_load(&t->current);
	pthread_rwlock_unlock(&t->freeze);
	return commit_wait(t, number);
}

/* ---- the committer ---- */

static int drain_list(struct tree *t, struct inode ***list, size_t *count)
{
	size_t room = atomic_load(&t->inodes_dirty_count);
	*count = 0;
	*list = mem_try_alloc(room, sizeof(**list));
	if (!*list)
		return -ENOMEM;
	LOCK_SCOPE(&t->table);
	struct inode *inode;
	DL_FOREACH(t->inodes_dirty, inode)
	{
		if (*count == room)
			break;
		inode->pins++; /* dirty: in no list of clean ones */
		(*list)[(*count)++] = inode;
	}
	return 0;
}

static void drain_start(struct inode *inode)
{
	LOCK_SCOPE(&inode->lock);
	struct content *content = inode->content;
	if (!content_is_pending(content))
		return;
	slab_hand_over_locked(inode, true);
	content->finish = true;
	content->error = 0;
	ingest_start_locked(inode);
}

/* Back to the map that was saved last, in the accounts too. */
static void drain_revert_locked(struct inode *inode)
{
	struct filemap *map;
	filemap_free(&inode->content->map);
	if (content_map_locked(inode, &map) == 0)
		content_account_locked(inode);
}

static int drain_finish(struct inode *inode)
{
	LOCK_SCOPE(&inode->lock);
	if (!S_ISREG(inode->row.mode) || inode->deleted)
		return 0;
	int error = ingest_drain_locked(inode);
	if (!error)
		error = content_save_locked(inode);
	/* A map that cannot be saved because it is damaged keeps what was saved before. */
	if ((error == -EIO || error == -EBADMSG || error == -ENOENT) &&
	    store_failed(inode->tree->store) == 0) {
		content_lose_locked(inode, error);
		drain_revert_locked(inode);
		error = 0;
	}
	return error;
}

/* Everything that is buffered goes into maps, and maps into blobs. */
static int commit_drain(struct tree *t)
{
	struct inode **list;
	size_t count;
	int result = drain_list(t, &list, &count);
	if (result)
		return result;
	for (size_t i = 0; i < count; i++)
		drain_start(list[i]);
	for (size_t i = 0; i < count; i++) {
		int error = drain_finish(list[i]);
		if (error && !result)
			result = error;
		inode_put(&list[i]);
	}
	free(list);
	return result;
}

/* Starts the pipeline for all buffers, without waiting. */
static void commit_drain_some(struct tree *t)
{
	struct inode **list;
	size_t count;
	if (drain_list(t, &list, &count))
		return;
	for (size_t i = 0; i < count; i++) {
		pthread_mutex_lock(&list[i]->lock);
		if (list[i]->content) {
			slab_hand_over_locked(list[i], true);
			ingest_start_locked(list[i]);
		}
		pthread_mutex_unlock(&list[i]->lock);
		inode_put(&list[i]);
	}
	free(list);
}

static int freeze_locked(struct tree *t, struct snapshot **snapshot, struct store_delta **delta)
{
	int error = commit_drain(t);
	if (error == -ENOSPC && store_release_reserve(t->store))
		error = commit_drain(t);
	if (!error)
		error = snapshot_take(t, snapshot);
	if (error)
		return error;
	error = store_freeze(t->store, delta);
	if (error) {
		snapshot_free(snapshot);
		return error;
	}
	snapshot_seal(t, *snapshot);
	LOCK_SCOPE(&t->commit);
	t->dirty_since = 0;
	return 0;
}

static int commit_transaction(struct tree *t, struct snapshot *snapshot, struct store_delta *delta)
{
	uint64_t changes = atomic_load(&t->changes);
	int error = catalogue_begin(t->catalogue);
	if (error)
		return error;
	error = snapshot_write(t, snapshot, store_delta_ratio(t->store, delta));
	if (!error)
		error = store_delta_record(t->store, delta);
	if (!error)
		error = jobs_record(t->jobs, t->catalogue);
	/* The packs that bring an anchor alone are no change: else each copy would ask for another. */
	if (!error && (snapshot_has_changes(snapshot) || jobs_have_recorded_sweep(t->jobs)))
		error = catalogue_set_meta(t->catalogue, "changes", (int64_t)++changes);
	if (error) {
		catalogue_rollback(t->catalogue);
		return error;
	}
	error = catalogue_commit(t->catalogue);
	if (!error)
		atomic_store(&t->changes, changes);
	return error;
}

static bool commit_may_be_repeated(int error)
{
	return error == -ENOSPC || error == -ENOMEM;
}

static int commit_write(struct tree *t, struct snapshot *snapshot, struct store_delta *delta)
{
	int error = store_delta_sync(t->store, delta);
	if (error == -ENOSPC && store_release_reserve(t->store))
		error = store_delta_sync(t->store, delta);
	if (error)
		return error;
	return commit_transaction(t, snapshot, delta);
}

static void commit_account(struct tree *t, uint64_t began)
{
	uint64_t ns = clock_monotonic_ns() - began;
	atomic_store(&t->commit_ns_last, ns);
	if (ns > atomic_load(&t->commit_ns_max))
		atomic_store(&t->commit_ns_max, ns);
}

/* One commit; *number is the one that it was. */
static int commit_once(struct tree *t, uint64_t *number)
{
	struct snapshot *snapshot = NULL;
	struct store_delta *delta = NULL;
	uint64_t began = clock_monotonic_ns();
	int error = store_failed(t->store);
	*number = atomic_load(&t->current);
	if (error)
		return error;
	atomic_store(&t->draining, true);
	/* What fails here fails again below, where it counts. */
	(void)commit_drain(t);
	pthread_rwlock_wrlock(&t->freeze);
	error = freeze_locked(t, &snapshot, &delta);
	atomic_store(&t->draining, false);
	pthread_rwlock_unlock(&t->freeze);
	pthread_cond_broadcast(&t->room);
	if (error)
		return error;
	error = commit_write(t, snapshot, delta);
	if (error && !commit_may_be_repeated(error))
		store_fail(t->store, error, "committing");
	store_delta_done(t->store, &delta, error == 0);
	jobs_settle(t->jobs, error == 0);
	if (!error)
		atomic_fetch_add(&t->commits, 1);
	snapshot_end(t, &snapshot, error == 0);
	pthread_cond_broadcast(&t->room);
	commit_account(t, began);
	return error;
}

static void commit_run(struct tree *t)
{
	uint64_t number;
	int error = commit_once(t, &number);
	/* From the start: what was recorded counts again only after it has been settled. */
	if (error == -ENOSPC && store_release_reserve(t->store))
		error = commit_once(t, &number);
	LOCK_SCOPE(&t->commit);
	atomic_store(&t->failing, error != 0);
	if (error) {
		t->failures++;
		t->failed_error = error;
		t->wanted = t->done;
		t->dirty_since = clock_monotonic_ns();
	} else {
		t->done = number;
	}
	pthread_cond_broadcast(&t->commit_end);
}

enum commit_wish { WISH_NOTHING, WISH_DRAIN, WISH_COMMIT, WISH_BACKUP };

/* commit held; *deadline: when to look again. */
static enum commit_wish commit_wish_locked(struct tree *t, struct timespec *deadline)
{
	uint64_t now = clock_monotonic_ns();
	uint64_t patience = t->options.commit_seconds * SECOND_NS;
	if (t->wanted > t->done)
		return WISH_COMMIT;
	bool broken = store_failed(t->store) != 0;
	/* The store may have something to commit that no change in the tree tells of. */
	if (t->dirty_since == 0 && store_wants_commit(t->store))
		t->dirty_since = now;
	if (t->dirty_since && now - t->dirty_since >= patience && !broken)
		return WISH_COMMIT;
	if (t->drain_wanted) {
		t->drain_wanted = false;
		return WISH_DRAIN;
	}
	if (now >= t->backup_due && !broken) {
		t->backup_due = now + t->options.backup_seconds * SECOND_NS;
		return WISH_BACKUP;
	}
	uint64_t wait = t->backup_due > now && t->backup_due - now < 10 * SECOND_NS
				? t->backup_due - now
				: 10 * SECOND_NS;
	if (t->dirty_since && !broken)
		wait = patience - (now - t->dirty_since);
	*deadline = clock_deadline_ms((unsigned)(wait / 1000000) + 1);
	return WISH_NOTHING;
}

static void *committer_main(void *argument)
{
	struct tree *t = argument;
	pthread_mutex_lock(&t->commit);
	while (!t->stop) {
		struct timespec deadline;
		enum commit_wish wish = commit_wish_locked(t, &deadline);
		if (wish == WISH_NOTHING) {
			pthread_cond_timedwait(&t->commit_work, &t->commit, &deadline);
			continue;
		}
		pthread_mutex_unlock(&t->commit);
		if (wish == WISH_COMMIT)
			commit_run(t);
		else if (wish == WISH_DRAIN)
			commit_drain_some(t);
		else if (backup_run(t)) /* it asks for no commit: the next one carries the anchor */
			log_warning("the catalogue could not be copied into the segments");
		pthread_mutex_lock(&t->commit);
	}
	pthread_mutex_unlock(&t->commit);
	return NULL;
}

int commit_start(struct tree *t)
{
	t->backup_due = clock_monotonic_ns() + t->options.backup_seconds * SECOND_NS;
	int error = -pthread_create(&t->committer, NULL, committer_main, t);
	t->committer_runs = error == 0;
	return error;
}

void commit_stop(struct tree *t)
{
	if (!t->committer_runs)
		return;
	pthread_mutex_lock(&t->commit);
	t->stop = true;
	pthread_cond_broadcast(&t->commit_work);
	pthread_cond_broadcast(&t->commit_end);
	pthread_mutex_unlock(&t->commit);
	pthread_join(t->committer, NULL);
	t->committer_runs = false;
}
