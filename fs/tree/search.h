/* SPDX-License-Identifier: MIT */
/* The files of the last commit that refer to any of a set of chunks. */
#ifndef FS_TREE_SEARCH_H
#define FS_TREE_SEARCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <sqlite3.h>

#include "fs/store/chunk_ref.h"

struct job;
struct ref_set;
struct tree;

struct search_file {
	uint64_t inode, bytes;
};

struct search {
	struct tree *tree;
	struct job *job;          /* NULL: nobody waits for a chance to end it */
	sqlite3 *snapshot;
	struct ref_set *chunks;   /* what is looked for; the caller fills it */
	struct ref_set *packs;    /* (pack, 0): all of a pack's chunks; the caller fills it */
	uint64_t except;          /* an inode that is passed over; 0: none */
	bool broken;              /* bytes whose map cannot be read count as found */
	struct ref_set *visited;  /* nodes: first pass */
	struct ref_set *leaves;   /* nodes to go to again */
	struct chunk_ref leaf;    /* the one that is being read; none: in the blob */
	bool second;
	struct search_file file;  /* the one that is being walked */
	struct search_file *files; /* the result, by inode number */
	size_t count, capacity;
};

/* After search_begin(), whatever it returned, comes search_end(). */
int search_begin(struct search *s, struct tree *t);
/* Fills files[]. -ECANCELED and -EAGAIN as the job says. */
int search_run(struct search *s);
/* Calls emit() with each path of each file that was found (scan_paths()). */
int search_paths(struct search *s, void (*emit)(void *, const char *path, uint64_t bytes),
		 void *context);
void search_end(struct search *s);

#endif
