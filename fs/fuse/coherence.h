/* SPDX-License-Identifier: MIT */
/*
 * Writes that do not pass the kernel's page cache (direct handles; see
 * tree_open_file) to a file of which the kernel may hold pages for others: the
 * pages are dropped before the write is answered, so that whoever knows of the
 * write also sees it.
 *
 * Dropping a page waits for a read of it that is under way, which another
 * request thread must answer; so it is done by a thread of its own.
 */
#ifndef FS_FUSE_COHERENCE_H
#define FS_FUSE_COHERENCE_H

#define FUSE_USE_VERSION 312

#include <fuse_lowlevel.h>

struct coherence;

/* NULL when there is no thread to be had. */
struct coherence *coherence_start(struct fuse_session *session);
/* While requests are still answered, or when there will be none any more. What comes after it
 * is answered at once. */
void coherence_stop(struct coherence *c);
void coherence_free(struct coherence **c);
/* Answers the write when the pages have gone. */
void coherence_reply_write(struct coherence *c, fuse_req_t req, fuse_ino_t inode, off_t offset,
			   size_t size);
/* The inode's attributes have changed without the kernel's doing. Waits for nobody. */
void coherence_forget_attributes(struct coherence *c, fuse_ino_t inode);

#endif
