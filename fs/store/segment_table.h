/* SPDX-License-Identifier: MIT */
/* What segment.c and segment_record.c share. Everything is under the lock of struct segments. */
#ifndef FS_STORE_SEGMENT_TABLE_H
#define FS_STORE_SEGMENT_TABLE_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>
#include <uthash.h>

#include "fs/store/segment.h"

#define SEGMENTS_MAGIC 0x5345474du

enum segment_state { SEGMENT_OPEN = 0, SEGMENT_SEALED = 1 }; /* on-disk ids */

struct segment {
	uint64_t number;
	uint64_t end;       /* allotted up to here */
	uint64_t size;      /* committed: no committed pack ends behind it */
	uint64_t freed;     /* committed: dead bytes before `size` */
	uint64_t lost;      /* allotted and given back; becomes freed with the next record */
	uint64_t lost_end;
	enum segment_state state; /* committed */
	bool full;          /* takes no more packs */
	bool fresh;         /* its name has not been synced */
	bool dropped;       /* out of the table; the last user frees it */
	unsigned uncommitted; /* packs allotted that no transaction has taken yet */

	/* The transaction under way. */
	bool touched;
	uint64_t record_size, record_freed, record_lost;
	unsigned record_packs;
	bool record_drop; /* nothing is left in it: the row is deleted */
	LIST_ENTRY(segment) touched_link;

	int fd; /* -1: closed */
	unsigned users;
	TAILQ_ENTRY(segment) idle_link; /* open and without users */
	UT_hash_handle hh;
};

struct segments {
	uint32_t magic;
	struct segments_options options;
	char *path;
	uint8_t uuid[16];
	pthread_mutex_t lock;
	struct segment *table; /* by number */
	struct segment *current;
	uint64_t next;
	LIST_HEAD(, segment) touched;
	TAILQ_HEAD(segment_idle, segment) idle;
	unsigned idle_count;
	uint64_t total_bytes, total_freed;
	bool no_punching;
};

struct segment *segment_find_locked(struct segments *s, uint64_t number);
struct segment *segment_add_locked(struct segments *s, uint64_t number);
/* Closes and forgets it. */
void segment_remove_locked(struct segments *s, struct segment *segment);
/* An open descriptor that stays open until given back. -ENOENT for an unknown segment. */
int segment_use(struct segments *s, uint64_t number, struct segment **segment);
void segment_unuse(struct segments *s, struct segment *segment);

/* segment_gaps.c */
/* Counts what no pack owns as freed. */
int segment_count_gaps(struct segments *s, struct catalogue *catalogue, struct segment *segment);
/* Gives it to the host, where it has not been given yet. */
int segment_punch_gaps(struct segments *s, struct catalogue *catalogue, struct segment *segment);

/* segment_recover.c */
int segments_check_files(struct segments *s);
int segments_recover(struct segments *s, struct catalogue *catalogue);

#endif
