/* SPDX-License-Identifier: MIT */
/*
 * File map: what a file's bytes are. A tree whose leaves hold extents and whose
 * inner nodes hold references to nodes; nodes are stored as chunks of their own
 * (packs of kind PACK_MAP) and deduplicated like any other. Node borders follow
 * the content (the references in them), so two files with the same data share
 * leaves wherever that data lies in them. Offsets inside a node are relative.
 *
 * In memory a map is a root and those nodes that have been touched; clean nodes
 * can be dropped at any time (filemap_shrink), dirty ones are stored and become
 * clean in filemap_save(). The on-disk form (inode.map) is one blob:
 *   u8 form: FILEMAP_EMPTY, FILEMAP_INLINE + a leaf's bytes, or
 *   FILEMAP_ROOT + level, reference, length, allocated (varints).
 *
 * Not thread-safe: the inode's lock is held around every call.
 * Errors: -EIO (damage), -ENOMEM, -ENOSPC, -EROFS, -EBADMSG (a node that makes no sense).
 */
#ifndef FS_TREE_FILEMAP_H
#define FS_TREE_FILEMAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "fs/store/chunk_ref.h"

/* Longest map, in bytes: offset + length beyond it is -EFBIG. That is what off_t holds. */
#define FILEMAP_LENGTH_MAX ((uint64_t)INT64_MAX)
/* Longest extent; a longer hole is several. */
#define EXTENT_LENGTH_MAX ((UINT64_C(1) << 62) - 1)

/* First byte of a blob. */
enum filemap_form { FILEMAP_EMPTY, FILEMAP_INLINE, FILEMAP_ROOT };
/* A small map stands in its blob: so many extents and bytes at most. */
#define FILEMAP_INLINE_EXTENTS 64u
#define FILEMAP_BLOB_MAX       512u

enum extent_kind { EXTENT_HOLE, EXTENT_DATA };

/* `length` bytes of the file: a hole, or bytes [skip, skip + length) of a chunk. */
struct extent {
	uint64_t length;
	struct chunk_ref chunk;
	uint32_t skip;
	enum extent_kind kind;
};

/* Where nodes come from and go to: the store in production, an array in unit tests. */
struct filemap_io {
	/* Stores a node's bytes. */
	int (*put)(void *context, const void *data, size_t size, struct chunk_ref *ref);
	/* Fetches them: *data is valid until drop(hold). */
	int (*get)(void *context, struct chunk_ref ref, const uint8_t **data, size_t *size, void **hold);
	void (*drop)(void *context, void *hold);
	void *context;
};

struct filemap;

struct filemap *filemap_new(const struct filemap_io *io); /* empty; NULL without memory */
void filemap_free(struct filemap **map);
/* From and to the blob of inode.map. filemap_save() stores dirty nodes first; *blob is the
 * caller's to free; an empty map gives NULL, 0. */
int filemap_load(const struct filemap_io *io, const void *blob, size_t size, struct filemap **map);
int filemap_save(struct filemap *map, void **blob, size_t *size);

uint64_t filemap_length(const struct filemap *map);    /* bytes mapped; the file may be longer (a hole) */
uint64_t filemap_allocated(const struct filemap *map); /* of these, bytes that are not holes */
bool filemap_is_dirty(const struct filemap *map);
size_t filemap_memory(const struct filemap *map);
/* Frees clean nodes until at most `keep` bytes are used, where it can; stores complete dirty
 * leaves of a file that grows first. */
int filemap_shrink(struct filemap *map, size_t keep);

/* Replaces [offset, offset + sum of lengths) by the extents; the map grows when they reach
 * beyond its end, with a hole before them if need be. */
int filemap_write(struct filemap *map, uint64_t offset, const struct extent *extents, size_t count);
/* Makes [offset, offset + length) a hole; does not grow the map. */
int filemap_punch(struct filemap *map, uint64_t offset, uint64_t length);
/* Cuts the map off; longer than it is: no change. */
int filemap_truncate(struct filemap *map, uint64_t length);
/* The extents that cover [offset, offset + length), cut to fit, at most `room`; returns their
 * number or -errno. Fewer bytes than asked for: end of map or of room. */
int filemap_read(struct filemap *map, uint64_t offset, uint64_t length, struct extent *extents,
		 size_t room);
/* Next offset >= `offset` where data (or a hole) starts; -ENXIO at or beyond the end for data,
 * the map's length for a hole. */
int filemap_seek(struct filemap *map, uint64_t offset, bool data, uint64_t *found);
/* How many bytes of [offset, offset + length) are data; loads the nodes at its two ends. */
int filemap_data(struct filemap *map, uint64_t offset, uint64_t length, uint64_t *bytes);
/* target[target_offset..] = source[offset..+length); shares whole nodes where they fit, O(1)
 * when a whole clean map is copied into an empty one. Bytes beyond the source's end are a hole.
 * Both locked; may be the same map, ranges may overlap (the source is what it was before). */
int filemap_copy(struct filemap *source, uint64_t offset, uint64_t length, struct filemap *target,
		 uint64_t target_offset);

/*
 * Walks a stored map (blob) without loading it: node() for each reference to a node; where it
 * returns 0 the walk does not go down (the node has been visited before: shared leaves are
 * walked once), < 0 ends the walk; extent() for each data extent. Used to mark, check, dump.
 */
struct filemap_visitor {
	int (*node)(void *context, struct chunk_ref ref, unsigned level);
	int (*extent)(void *context, uint64_t file_offset, const struct extent *extent);
	/* A node that could not be read or makes no sense; 0 goes on with the next. */
	int (*broken)(void *context, struct chunk_ref ref, uint64_t file_offset, uint64_t length, int error);
	void *context;
};
int filemap_walk(const struct filemap_io *io, const void *blob, size_t size,
		 const struct filemap_visitor *visitor);

#endif
