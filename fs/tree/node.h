/* SPDX-License-Identifier: MIT */
/*
 * Nodes of a file map: the in-memory form, the bytes, and where nodes end.
 *
 * Bytes (varints are LEB128, signed ones zig-zag, see lib/base/wire.h):
 *
 *   magic u8 = NODE_MAGIC, version u8 = NODE_VERSION, level u8, count varint, entries
 *
 * Nothing follows the last entry; a node has at most NODE_SIZE_MAX bytes. Entries refer to
 * the entry before them: `pack` and `slot` are the previous entry's pack and its slot + 1
 * (0 and 0 at the start of a node; holes leave them as they are).
 *
 * A leaf (level 0) has 1..LEAF_MAX entries, one an extent, each beginning with the
 * varint length << 2 | kind:
 *
 *   kind 0  hole
 *   kind 1  the chunk at (pack, slot), from its first byte on
 *   kind 2  then signed pack delta, signed slot delta; from the chunk's first byte on
 *   kind 3  as kind 2, then skip varint, not 0: bytes of the chunk left out at its start
 *
 * Kind 2 is not used where kind 1 says the same. A data extent ends at or before byte
 * SLOT_SIZE_MAX of its chunk.
 *
 * An inner node (level 1..NODE_LEVEL_MAX) has 1..INNER_MAX entries, one a child node of the
 * level below: length varint (bytes of the file it covers), allocated varint (of these, bytes
 * that are not holes), signed pack delta, signed slot delta.
 *
 * Lengths are not 0; the sum of a node's lengths is at most NODE_LENGTH_MAX and equals what
 * its parent says, as does the sum of its data extents' lengths (or children's allocated).
 *
 * Borders. A reader needs none of this; a writer that keeps to it shares nodes with others.
 * A node ends after an entry when it holds at least LEAF_MIN (INNER_MIN) entries and the upper
 * half of the entry's 64-bit mark is below 2^32 / LEAF_SPREAD (INNER_SPREAD); when it holds
 * LEAF_MAX (INNER_MAX) entries; or when fewer than NODE_ENTRY_MAX bytes of NODE_SIZE_MAX are
 * left. With mix() the finaliser of SplitMix64, the mark of an entry is
 * mix(mix(pack << 12 | slot) ^ skip << 32 ^ length), pack, slot and skip 0 for a hole, and
 * mix(pack << 12 | slot) for a child. Neighbouring extents that continue each other (two holes;
 * the same chunk without a gap) are one entry, up to EXTENT_LENGTH_MAX bytes.
 */
#ifndef FS_TREE_NODE_H
#define FS_TREE_NODE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "fs/tree/filemap.h"

#define NODE_LEVEL_MAX  12u
#define NODE_SIZE_MAX   16384u
#define NODE_ENTRY_MAX  32u
#define NODE_LENGTH_MAX FILEMAP_LENGTH_MAX

#define LEAF_MIN     128u
#define LEAF_SPREAD  384u
#define LEAF_MAX     2048u
#define INNER_MIN    64u
#define INNER_SPREAD 192u
#define INNER_MAX    1024u

struct node;

/* A reference to a node. `ref` is none while the node differs from what is stored; then
 * `node` is in memory. */
struct child {
	uint64_t length;
	uint64_t allocated;
	struct chunk_ref ref;
	struct node *node; /* NULL: not loaded */
};

/* In memory a node may have more entries than a stored one. */
struct node {
	uint32_t magic;
	unsigned level;
	unsigned holders; /* structs that point at it */
	unsigned stamp;   /* when it was last looked at, for filemap_shrink() */
	size_t count;
	size_t capacity;
	union {
		struct extent *extents;  /* level 0 */
		struct child *children;
	};
};

/* What the entries of a node are relative to. */
struct node_cursor {
	uint64_t pack;
	uint32_t slot;
};

/* `memory` keeps the sum of bytes that nodes use. NULL or -ENOMEM without memory. */
struct node *node_new(unsigned level, size_t *memory);
/* Room for `need` entries in all. */
int node_reserve(struct node *node, size_t need, size_t *memory);
/* One holder less; the last one frees it and lets go of its children. NULL is fine. */
void node_release(struct node *node, size_t *memory);
/* Sums over entries [first, count). */
void node_sum(const struct node *node, size_t first, uint64_t *length, uint64_t *allocated);

/* Bytes to a fresh node (children not loaded). -EBADMSG, -ENOMEM. */
int node_decode(const void *data, size_t size, size_t *memory, struct node **node);
/* A node whose children are all stored, to bytes; `room` of NODE_SIZE_MAX suffices for nodes
 * that end where they should. Size, or -ENOBUFS. */
int node_encode(const struct node *node, void *data, size_t room);
/* Bytes before the first entry, at most. */
#define NODE_HEADER_MAX 6u
/* Encoded size of an entry; moves the cursor behind it. */
size_t node_extent_size(const struct extent *extent, struct node_cursor *cursor);
size_t node_child_size(const struct child *child, struct node_cursor *cursor);

/* Does a node that would have `count` entries in `size` bytes end after this one? */
bool node_ends_at_extent(const struct extent *extent, size_t count, size_t size);
bool node_ends_at_child(const struct child *child, size_t count, size_t size);

/* Do b's bytes continue a's, so that one extent can say both? */
bool extent_continues(const struct extent *a, const struct extent *b);
/* The part [from, from + length) of an extent. */
struct extent extent_part(const struct extent *extent, uint64_t from, uint64_t length);

#endif
