/* SPDX-License-Identifier: MIT */
/* Looking into a file map: extents of a range, the next data or hole, the bytes that are data. */
#include <errno.h>

#include "fs/tree/filemap_impl.h"
#include "lib/base/assert.h"

struct range_read {
	struct filemap *map;
	uint64_t from, to; /* of the file */
	struct extent *extents;
	size_t count, room;
};

/* 1 when there is no room left. */
static int range_add(struct range_read *r, const struct extent *extent, uint64_t start)
{
	uint64_t end = start + extent->length;
	uint64_t from = r->from > start ? r->from : start;
	uint64_t to = r->to < end ? r->to : end;
	struct extent part = extent_part(extent, from - start, to - from);
	if (r->count && extent_continues(&r->extents[r->count - 1], &part)) {
		r->extents[r->count - 1].length += part.length;
		return 0;
	}
	if (r->count == r->room)
		return 1;
	r->extents[r->count++] = part;
	return 0;
}

static int range_visit(struct range_read *r, struct child *child, unsigned level, uint64_t start)
{
	int rc = child_load(r->map, child, level);
	if (rc)
		return rc;
	const struct node *node = child->node;
	uint64_t inside = r->from > start ? r->from - start : 0;
	uint64_t at = start + inside;
	size_t i = node_find(node, child->length, &inside);
	at -= inside;
	for (; i < node->count && at < r->to; i++) {
		rc = level ? range_visit(r, &node->children[i], level - 1, at)
			   : range_add(r, &node->extents[i], at);
		if (rc)
			return rc;
		at += level ? node->children[i].length : node->extents[i].length;
	}
	return 0;
}

int filemap_read(struct filemap *map, uint64_t offset, uint64_t length, struct extent *extents,
		 size_t room)
{
	ASSERT_OBJECT(map, FILEMAP_OBJECT);
	if (offset >= map->root.length || length == 0)
		return 0;
	if (length > map->root.length - offset)
		length = map->root.length - offset;
	struct range_read r = {
		.map = map,
		.from = offset,
		.to = offset + length,
		.extents = extents,
		.room = room < INT32_MAX ? room : INT32_MAX,
	};
	int rc = range_visit(&r, &map->root, map->level, 0);
	return rc < 0 ? rc : (int)r.count;
}

/* ---- seek ---- */

struct seek {
	struct filemap *map;
	uint64_t from;
	bool data;
	uint64_t found;
};

static bool seek_hit(struct seek *s, uint64_t start)
{
	s->found = s->from > start ? s->from : start;
	return true;
}

/* 1 when it is found, 0 when it is not in this subtree. Whole subtrees without it are passed
 * by, and those that are nothing else need no look inside. */
static int seek_visit(struct seek *s, struct child *child, unsigned level, uint64_t start)
{
	uint64_t wanted = s->data ? child->allocated : child->length - child->allocated;
	if (start + child->length <= s->from || wanted == 0)
		return 0;
	if (wanted == child->length)
		return seek_hit(s, start);
	int rc = child_load(s->map, child, level);
	if (rc)
		return rc;
	const struct node *node = child->node;
	for (size_t i = 0; i < node->count; i++) {
		if (level) {
			rc = seek_visit(s, &node->children[i], level - 1, start);
			if (rc)
				return rc;
			start += node->children[i].length;
			continue;
		}
		const struct extent *e = &node->extents[i];
		if (start + e->length > s->from && (e->kind == EXTENT_DATA) == s->data)
			return seek_hit(s, start);
		start += e->length;
	}
	return 0;
}

int filemap_seek(struct filemap *map, uint64_t offset, bool data, uint64_t *found)
{
	ASSERT_OBJECT(map, FILEMAP_OBJECT);
	struct seek s = {.map = map, .from = offset, .data = data};
	int rc = 0;
	if (offset < map->root.length)
		rc = seek_visit(&s, &map->root, map->level, 0);
	if (rc < 0)
		return rc;
	if (rc == 0 && data)
		return -ENXIO;
	if (rc == 0)
		s.found = offset > map->root.length ? offset : map->root.length;
	*found = s.found;
	return 0;
}

/* ---- sums ---- */

struct data_sum {
	struct filemap *map;
	uint64_t from, to; /* of the file */
	uint64_t bytes;
};

static uint64_t overlap(const struct data_sum *s, uint64_t start, uint64_t length)
{
	uint64_t from = s->from > start ? s->from : start;
	uint64_t to = s->to < start + length ? s->to : start + length;
	return from < to ? to - from : 0;
}

/* What a node's parent says of it is enough where the range has all of the node. */
static int data_visit(struct data_sum *s, struct child *child, unsigned level, uint64_t start)
{
	uint64_t inside = overlap(s, start, child->length);
	if (inside == 0 || child->allocated == 0)
		return 0;
	if (inside == child->length || child->allocated == child->length) {
		s->bytes += inside == child->length ? child->allocated : inside;
		return 0;
	}
	int rc = child_load(s->map, child, level);
	if (rc)
		return rc;
	const struct node *node = child->node;
	for (size_t i = 0; i < node->count && start < s->to && rc == 0; i++) {
		if (level) {
			rc = data_visit(s, &node->children[i], level - 1, start);
			start += node->children[i].length;
			continue;
		}
		if (node->extents[i].kind == EXTENT_DATA)
			s->bytes += overlap(s, start, node->extents[i].length);
		start += node->extents[i].length;
	}
	return rc;
}

int filemap_data(struct filemap *map, uint64_t offset, uint64_t length, uint64_t *bytes)
{
	ASSERT_OBJECT(map, FILEMAP_OBJECT);
	struct data_sum s = {.map = map, .from = offset, .to = offset + length};
	int rc = map->root.length ? data_visit(&s, &map->root, map->level, 0) : 0;
	if (rc == 0)
		*bytes = s.bytes;
	return rc;
}
