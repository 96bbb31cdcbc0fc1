/* SPDX-License-Identifier: MIT */
/*
 * File maps: every node can be read and makes sense, every reference is to a
 * slot that exists, and the map's figures are those of its inode. Nodes that
 * files share are visited once; when anything was found, a second pass visits
 * all of them and names the files.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "fs/store/store.h"
#include "fs/tool/fsck.h"
#include "fs/tree/filemap.h"
#include "lib/base/cleanup.h"
#include "lib/base/log.h"

struct map_check {
	struct fsck *f;
	uint64_t inode;
	uint64_t damaged; /* bytes */
	bool naming;	  /* second pass */
};

static int map_node(void *context, struct chunk_ref ref, unsigned level)
{
	struct map_check *c = context;
	struct pack_row *row = pack_list_find(&c->f->packs, ref.pack);
	int was;

	(void)level;
	if (c->naming || !row || ref.slot >= row->slots)
		return 1; /* the walk goes there and finds out */
	was = pack_row_set(row, &row->seen, ref.slot);
	if (was < 0)
		return was;
	return was ? 0 : 1;
}

static int map_extent(void *context, uint64_t offset, const struct extent *extent)
{
	struct map_check *c = context;
	const char *wrong;

	if (extent->kind == EXTENT_HOLE)
		return 0;
	wrong = pack_list_judge(&c->f->packs, extent->chunk, PACK_DATA);
	if (!wrong)
		return 0;
	c->damaged += extent->length;
	c->f->suspect = true;
	if (!c->naming && c->f->verbose)
		progress(c->f, "inode %" PRIu64 ", offset %" PRIu64 ": chunk %" PRIu64 "/%u: %s",
			 c->inode, offset, extent->chunk.pack, extent->chunk.slot, wrong);
	return 0;
}

static int map_broken(void *context, struct chunk_ref ref, uint64_t offset, uint64_t length,
		      int error)
{
	struct map_check *c = context;

	if (error == -ENOMEM)
		return error;
	c->damaged += length;
	c->f->suspect = true;
	if (!c->naming && c->f->verbose)
		progress(c->f, "inode %" PRIu64 ", offset %" PRIu64 ": node %" PRIu64 "/%u: %s",
			 c->inode, offset, ref.pack, ref.slot, strerror(-error));
	return 0;
}

static int map_walk(struct map_check *c, const void *blob, size_t size)
{
	const struct filemap_io io = reader_filemap_io(c->f->reader);
	const struct filemap_visitor visitor = {
		.node = map_node, .extent = map_extent, .broken = map_broken, .context = c};

	return filemap_walk(&io, blob, size, &visitor);
}

/* The root's figures against the row. */
static int map_figures(struct fsck *f, sqlite3_stmt *s, const void *blob, size_t size)
{
	const struct filemap_io io = reader_filemap_io(f->reader);
	uint64_t inode = (uint64_t)sqlite3_column_int64(s, 0), allocated, length;
	struct filemap *map = NULL;
	int error = filemap_load(&io, blob, size, &map);

	if (error == -ENOMEM)
		return error;
	if (error) {
		finding(f, "inode %" PRIu64 " has a map that makes no sense", inode);
		f->suspect = true;
		return 0;
	}
	allocated = filemap_allocated(map);
	length = filemap_length(map);
	filemap_free(&map);
	if (length > (uint64_t)sqlite3_column_int64(s, 2))
		finding(f, "inode %" PRIu64 " is shorter than its map", inode);
	if (allocated != (uint64_t)sqlite3_column_int64(s, 3))
		finding(f, "inode %" PRIu64 " has %" PRIu64 " bytes allocated, but says %lld",
			inode, allocated, (long long)sqlite3_column_int64(s, 3));
	return 0;
}

static int maps_each(struct fsck *f,
		     int (*each)(struct fsck *f, sqlite3_stmt *s, const void *blob, size_t size))
{
	CLEANUP_STATEMENT sqlite3_stmt *s = NULL;
	int more, error;

	error = db_prepare(f,
			   "SELECT inode, map, size, allocated FROM inode"
			   " WHERE (mode & 61440) = 32768 ORDER BY inode",
			   &s);
	if (error)
		return error;
	while ((more = db_step(f, s)) == 1) {
		error = each(f, s, sqlite3_column_blob(s, 1), (size_t)sqlite3_column_bytes(s, 1));
		if (error < 0)
			return error;
	}
	return more;
}

static int map_check_one(struct fsck *f, sqlite3_stmt *s, const void *blob, size_t size)
{
	struct map_check c = {.f = f, .inode = (uint64_t)sqlite3_column_int64(s, 0)};
	int error = map_figures(f, s, blob, size);

	if (!error && size)
		error = map_walk(&c, blob, size);
	/* A root that makes no sense has been told. */
	return error == -EBADMSG || error == -EIO ? 0 : error;
}

int check_maps(struct fsck *f)
{
	progress(f, "checking file maps");
	return maps_each(f, map_check_one);
}

static int map_name_one(struct fsck *f, sqlite3_stmt *s, const void *blob, size_t size)
{
	struct map_check c = {
		.f = f, .inode = (uint64_t)sqlite3_column_int64(s, 0), .naming = true};
	CLEANUP_FREE char *path = NULL;
	int error = size ? map_walk(&c, blob, size) : 0;

	if (error == -ENOMEM)
		return error;
	if (error)
		c.damaged = (uint64_t)sqlite3_column_int64(s, 2);
	if (!c.damaged)
		return 0;
	path = check_path(f, c.inode);
	finding(f, "%s: %" PRIu64 " bytes are damaged", path, c.damaged);
	return 0;
}

int check_name_damage(struct fsck *f)
{
	progress(f, "naming the files that damage is in");
	return maps_each(f, map_name_one);
}
