/* SPDX-License-Identifier: MIT */
/*
 * Inside of a file map, shared by the filemap_*.c files.
 *
 * The tree. `root` is a child like any other: `length` 0 is an empty map without a node. All
 * leaves are at level 0, the children of a node of level n at level n - 1. A child without a
 * reference is dirty; so are all nodes above it.
 *
 * Borders. Every stored node ends where node.h says, but for the last one of its level, which
 * ends with its file. An edit leaves nodes that end anywhere; what it touches, and the leaf on
 * either side of each seam that it makes, is dirty, so that saving cuts them anew.
 *
 * Edits come in two halves: the first loads what will be changed and reserves room and may
 * fail, with the map saying what it said before; the second cannot fail.
 */
#ifndef FS_TREE_FILEMAP_IMPL_H
#define FS_TREE_FILEMAP_IMPL_H

#include "fs/tree/filemap.h"
#include "fs/tree/node.h"

#define FILEMAP_OBJECT 0x464d4150u

/* In memory a node is divided when it has more entries than this. */
#define NODE_SPLIT_COUNT 2048u

struct filemap {
	uint32_t magic;
	struct filemap_io io;
	struct child root;
	unsigned level;     /* the root's */
	unsigned stamp;     /* counts calls of filemap_shrink() */
	bool dirty;         /* differs from the last blob */
	size_t memory;      /* bytes in nodes */
	size_t storable;    /* about so many bytes of dirty leaves came up since they were stored */
};

/* ---- filemap_tree.c ---- */
/* Makes sure that child->node is there; `level` is what the child's must be. */
int child_load(struct filemap *map, struct child *child, unsigned level);
/* Reads and decodes a node from the store and checks it against its parent's entry. */
int child_fetch(const struct filemap_io *io, const struct child *child, unsigned level,
		size_t *memory, struct node **node);
/* The entry of an inner node of `total` bytes in which byte `*offset` lies; *offset becomes
 * relative to it. */
size_t node_find(const struct node *node, uint64_t total, uint64_t *offset);
/* The entry that ends at *offset or in which it lies strictly inside; the first for 0. */
size_t node_find_before(const struct node *node, uint64_t total, uint64_t *offset);
/* Loads the nodes from the root to the leaf with this byte; *leaf may be NULL. */
int filemap_load_path(struct filemap *map, uint64_t byte, struct node **leaf);
/* Says that these (loaded) nodes differ from what is stored. */
void filemap_dirty_path(struct filemap *map, uint64_t byte);
/* Puts an inner node with one child over the root. */
int filemap_grow(struct filemap *map);
/* Divides overlong nodes above and beside this byte, if there is memory. */
void child_divide(struct filemap *map, struct node *parent, size_t index);
void filemap_divide_root(struct filemap *map);
/* Takes root nodes with one child away, as far as they are loaded. */
void filemap_flatten(struct filemap *map);
/* Divides a loaded child at `offset`, strictly inside: the right part becomes the next entry. */
int child_split_at(struct filemap *map, struct node *parent, size_t index, uint64_t offset);

/* ---- filemap.c ---- */
/* Puts a hole of any length into extents[0..); their number, at most HOLE_EXTENTS. */
#define HOLE_EXTENTS 3
size_t extents_hole(struct extent *extents, uint64_t length);

/* ---- filemap_edit.c ---- */
/* Replaces [from, to) by extents; from <= length. Joins what continues. */
int filemap_replace(struct filemap *map, uint64_t from, uint64_t to, const struct extent *extents,
		    size_t count);
/* Replaces [from, to) by a whole subtree, which the map then owns. The leaf before it stays as
 * it is: the caller says whether that ends where it should. */
int filemap_replace_tree(struct filemap *map, uint64_t from, uint64_t to, struct child *child,
			 unsigned level);

/* ---- filemap_blob.c ---- */
/* `data` has FILEMAP_BLOB_MAX bytes; the map is stored. Size. */
size_t blob_encode(const struct filemap *map, uint8_t *data, size_t room);
/* The root: length 0 for none; a node in memory for a small map. -EBADMSG, -ENOMEM. */
int blob_decode(const void *blob, size_t size, struct child *root, unsigned *level, size_t *memory);

/* ---- filemap_save.c ---- */
/* Stores dirty nodes; with `final` all of them, else those that are complete. */
int filemap_store(struct filemap *map, bool final);

#endif
