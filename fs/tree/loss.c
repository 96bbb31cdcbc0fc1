/* SPDX-License-Identifier: MIT */
/*
 * Losses: data that was taken and could not be kept, because the file's map does
 * not read. It is found by an ingest or a commit in the background, often when
 * nobody waits and the file has been closed, and told as Linux tells of pages
 * that could not be written back.
 *
 * Losses are numbered through the tree; an inode knows the number of its last. A
 * handle has a mark: losses up to it are no news to it. A new handle's mark is
 * the present, unless nobody has been told of the inode's last loss: then its
 * first fsync tells. Telling moves the mark, so each handle is told once.
 *
 * An inode whose last loss nobody has been told stays in memory (loss_keeps()),
 * but for more than LOSSES_KEPT of them: damage at large is scrubbing's business.
 */
#include <errno.h>

#include "fs/tree/internal.h"
#include "lib/base/log.h"

#define LOSSES_KEPT 1024u

void loss_note_locked(struct inode *inode, int error)
{
	struct tree *t = inode->tree;
	log_error("inode %llu: what was written could not be put into its map and is lost: %s",
		  (unsigned long long)inode->row.number, strerror(-error));
	LOCK_SCOPE(&t->table);
	inode->loss_error = map_errno(error);
	inode->loss_told = false;
	t->loss_inode = inode->row.number;
	t->loss_error = inode->loss_error;
	inode->loss = atomic_fetch_add(&t->losses, 1) + 1;
}

bool loss_keeps(const struct inode *inode)
{
	return inode->loss && !inode->loss_told &&
	       atomic_load(&inode->tree->losses) - inode->loss < LOSSES_KEPT;
}

uint64_t tree_loss_mark(struct tree *t, uint64_t number)
{
	CLEANUP_INODE struct inode *inode = NULL;
	if (atomic_load(&t->losses) == 0 || inode_get(t, number, &inode))
		return 0;
	LOCK_SCOPE(&t->table);
	return inode->loss && !inode->loss_told ? inode->loss - 1 : atomic_load(&t->losses);
}

int tree_loss_since(struct tree *t, uint64_t number, uint64_t mark)
{
	CLEANUP_INODE struct inode *inode = NULL;
	if (atomic_load(&t->losses) == mark || inode_get(t, number, &inode))
		return 0;
	LOCK_SCOPE(&t->table);
	return inode->loss > mark ? inode->loss_error : 0;
}

int tree_loss_tell(struct tree *t, uint64_t number, atomic_uint_fast64_t *mark)
{
	CLEANUP_INODE struct inode *inode = NULL;
	uint64_t before = atomic_load(mark);
	if (atomic_load(&t->losses) == before || inode_get(t, number, &inode))
		return 0;
	LOCK_SCOPE(&t->table);
	/* Another call on the same handle may have told it meanwhile. */
	before = atomic_exchange(mark, atomic_load(&t->losses));
	if (inode->loss <= before)
		return 0;
	inode->loss_told = true;
	return inode->loss_error;
}

int tree_loss_tell_all(struct tree *t)
{
	LOCK_SCOPE(&t->table);
	uint64_t losses = atomic_load(&t->losses);
	int error = losses > t->losses_told ? t->loss_error : 0;
	t->losses_told = losses;
	return error;
}

void tree_get_losses(struct tree *t, struct tree_losses *losses)
{
	LOCK_SCOPE(&t->table);
	*losses = (struct tree_losses){atomic_load(&t->losses), t->loss_inode, t->loss_error};
}
