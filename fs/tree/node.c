/* SPDX-License-Identifier: MIT */
/*
 * Nodes of a file map in memory and as bytes; the format stands in node.h.
 * Whatever is read is checked in full before anybody sees it.
 */
#include "fs/tree/node.h"

#include <errno.h>
#include <stdlib.h>

#include "fs/format.h"
#include "lib/base/assert.h"
#include "lib/base/mem.h"
#include "lib/base/wire.h"

#define NODE_OBJECT 0x4e4f4445u

enum entry_kind { ENTRY_HOLE, ENTRY_NEXT, ENTRY_DATA, ENTRY_PART };

static size_t node_entry_size(const struct node *node)
{
	return node->level ? sizeof(struct child) : sizeof(struct extent);
}

struct node *node_new(unsigned level, size_t *memory)
{
	struct node *node = mem_try_zalloc(1, sizeof(*node));
	if (!node)
		return NULL;
	node->magic = NODE_OBJECT;
	node->level = level;
	node->holders = 1;
	*memory += sizeof(*node);
	return node;
}

int node_reserve(struct node *node, size_t need, size_t *memory)
{
	size_t before = node->capacity;
	int rc = node->level ? mem_reserve(&node->children, &node->capacity, need,
					   sizeof(struct child))
			     : mem_reserve(&node->extents, &node->capacity, need,
					   sizeof(struct extent));
	*memory += (node->capacity - before) * node_entry_size(node);
	return rc;
}

void node_release(struct node *node, size_t *memory)
{
	if (!node)
		return;
	ASSERT_OBJECT(node, NODE_OBJECT);
	ASSERT(node->holders > 0);
	if (--node->holders)
		return;
	for (size_t i = 0; node->level && i < node->count; i++)
		node_release(node->children[i].node, memory);
	*memory -= sizeof(*node) + node->capacity * node_entry_size(node);
	node->magic = 0;
	if (node->level)
		free(node->children);
	else
		free(node->extents);
	free(node);
}

void node_sum(const struct node *node, size_t first, uint64_t *length, uint64_t *allocated)
{
	*length = *allocated = 0;
	for (size_t i = first; i < node->count; i++) {
		if (node->level) {
			*length += node->children[i].length;
			*allocated += node->children[i].allocated;
		} else {
			*length += node->extents[i].length;
			if (node->extents[i].kind == EXTENT_DATA)
				*allocated += node->extents[i].length;
		}
	}
}

/* ---- writing ---- */

static void node_put_ref(struct wire *w, struct chunk_ref ref, struct node_cursor *cursor)
{
	wire_put_signed(w, (int64_t)(ref.pack - cursor->pack));
	wire_put_signed(w, (int64_t)ref.slot - (int64_t)cursor->slot);
	*cursor = (struct node_cursor){ref.pack, ref.slot + 1};
}

static void node_put_extent(struct wire *w, const struct extent *e, struct node_cursor *cursor)
{
	enum entry_kind kind = ENTRY_PART;
	if (e->kind == EXTENT_HOLE)
		kind = ENTRY_HOLE;
	else if (e->skip == 0)
		kind = e->chunk.pack == cursor->pack && e->chunk.slot == cursor->slot ? ENTRY_NEXT
										      : ENTRY_DATA;
	wire_put_varint(w, e->length << 2 | kind);
	if (kind == ENTRY_NEXT)
		cursor->slot++;
	if (kind == ENTRY_DATA || kind == ENTRY_PART)
		node_put_ref(w, e->chunk, cursor);
	if (kind == ENTRY_PART)
		wire_put_varint(w, e->skip);
}

static void node_put_child(struct wire *w, const struct child *c, struct node_cursor *cursor)
{
	wire_put_varint(w, c->length);
	wire_put_varint(w, c->allocated);
	node_put_ref(w, c->ref, cursor);
}

int node_encode(const struct node *node, void *data, size_t room)
{
	struct node_cursor cursor = {0, 0};
	struct wire w;
	wire_writer(&w, data, room);
	wire_put_u8(&w, NODE_MAGIC);
	wire_put_u8(&w, NODE_VERSION);
	wire_put_u8(&w, (uint8_t)node->level);
	wire_put_varint(&w, node->count);
	for (size_t i = 0; i < node->count && !w.error; i++) {
		if (node->level)
			node_put_child(&w, &node->children[i], &cursor);
		else
			node_put_extent(&w, &node->extents[i], &cursor);
	}
	return w.error ? w.error : (int)w.position;
}

size_t node_extent_size(const struct extent *extent, struct node_cursor *cursor)
{
	uint8_t scratch[NODE_ENTRY_MAX];
	struct wire w;
	wire_writer(&w, scratch, sizeof(scratch));
	node_put_extent(&w, extent, cursor);
	ASSERT(w.error == 0);
	return w.position;
}

size_t node_child_size(const struct child *child, struct node_cursor *cursor)
{
	uint8_t scratch[NODE_ENTRY_MAX];
	struct wire w;
	wire_writer(&w, scratch, sizeof(scratch));
	node_put_child(&w, child, cursor);
	ASSERT(w.error == 0);
	return w.position;
}

/* ---- reading ---- */

static int node_get_ref(struct wire *w, struct chunk_ref *ref, struct node_cursor *cursor)
{
	int64_t pack = wire_get_signed(w);
	int64_t slot = wire_get_signed(w);
	if (w->error || pack < -(int64_t)PACK_NUMBER_MAX || pack > (int64_t)PACK_NUMBER_MAX ||
	    slot < -(int64_t)PACK_SLOTS_MAX || slot > (int64_t)PACK_SLOTS_MAX)
		return -EBADMSG;
	pack += (int64_t)cursor->pack;
	slot += (int64_t)cursor->slot;
	if (pack < 1 || pack > (int64_t)PACK_NUMBER_MAX || slot < 0 ||
	    slot >= (int64_t)PACK_SLOTS_MAX)
		return -EBADMSG;
	*ref = (struct chunk_ref){.pack = (uint64_t)pack, .slot = (uint32_t)slot};
	*cursor = (struct node_cursor){ref->pack, ref->slot + 1};
	return 0;
}

static int node_get_next(struct chunk_ref *ref, struct node_cursor *cursor)
{
	if (cursor->pack == 0 || cursor->slot >= PACK_SLOTS_MAX)
		return -EBADMSG;
	*ref = (struct chunk_ref){.pack = cursor->pack, .slot = cursor->slot};
	cursor->slot++;
	return 0;
}

static int node_get_extent(struct wire *w, struct extent *e, struct node_cursor *cursor)
{
	const struct node_cursor before = *cursor;
	uint64_t head = wire_get_varint(w);
	enum entry_kind kind = head & 3;
	int rc = 0;
	*e = (struct extent){.length = head >> 2,
			     .kind = kind == ENTRY_HOLE ? EXTENT_HOLE : EXTENT_DATA};
	if (kind == ENTRY_NEXT)
		rc = node_get_next(&e->chunk, cursor);
	if (kind == ENTRY_DATA || kind == ENTRY_PART)
		rc = node_get_ref(w, &e->chunk, cursor);
	uint64_t skip = kind == ENTRY_PART ? wire_get_varint(w) : 0;
	if (rc || w->error || e->length == 0 || (kind == ENTRY_PART && skip == 0))
		return -EBADMSG;
	if (kind == ENTRY_DATA && e->chunk.pack == before.pack && e->chunk.slot == before.slot)
		return -EBADMSG;
	if (kind != ENTRY_HOLE &&
	    (skip > SLOT_SIZE_MAX || e->length > SLOT_SIZE_MAX || skip + e->length > SLOT_SIZE_MAX))
		return -EBADMSG;
	e->skip = (uint32_t)skip;
	return 0;
}

static int node_get_child(struct wire *w, struct child *c, struct node_cursor *cursor)
{
	*c = (struct child){0};
	c->length = wire_get_varint(w);
	c->allocated = wire_get_varint(w);
	if (node_get_ref(w, &c->ref, cursor))
		return -EBADMSG;
	return c->length == 0 || c->allocated > c->length ? -EBADMSG : 0;
}

static int node_get_entries(struct wire *w, struct node *node, size_t count)
{
	struct node_cursor cursor = {0, 0};
	uint64_t sum = 0;
	while (node->count < count) {
		size_t i = node->count;
		int rc = node->level ? node_get_child(w, &node->children[i], &cursor)
				     : node_get_extent(w, &node->extents[i], &cursor);
		if (rc)
			return rc;
		node->count++;
		uint64_t length = node->level ? node->children[i].length : node->extents[i].length;
		if (length > NODE_LENGTH_MAX - sum)
			return -EBADMSG;
		sum += length;
	}
	return wire_left(w) ? -EBADMSG : 0;
}

int node_decode(const void *data, size_t size, size_t *memory, struct node **out)
{
	struct wire w;
	wire_reader(&w, data, size);
	uint8_t magic = wire_get_u8(&w);
	uint8_t version = wire_get_u8(&w);
	uint8_t level = wire_get_u8(&w);
	uint64_t count = wire_get_varint(&w);
	if (w.error || size > NODE_SIZE_MAX || magic != NODE_MAGIC || version != NODE_VERSION ||
	    level > NODE_LEVEL_MAX || count == 0 || count > (level ? INNER_MAX : LEAF_MAX) ||
	    count > wire_left(&w))
		return -EBADMSG;
	struct node *node = node_new(level, memory);
	if (!node)
		return -ENOMEM;
	int rc = node_reserve(node, count, memory);
	if (!rc)
		rc = node_get_entries(&w, node, count);
	if (rc) {
		node_release(node, memory);
		return rc;
	}
	*out = node;
	return 0;
}

/* ---- borders and extents ---- */

static uint64_t mix64(uint64_t x)
{
	x = (x ^ (x >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	x = (x ^ (x >> 27)) * UINT64_C(0x94d049bb133111eb);
	return x ^ (x >> 31);
}

static uint64_t ref_mark(struct chunk_ref ref)
{
	return mix64(ref.pack << 12 | ref.slot);
}

bool node_ends_at_extent(const struct extent *e, size_t count, size_t size)
{
	if (count >= LEAF_MAX || size + NODE_ENTRY_MAX > NODE_SIZE_MAX)
		return true;
	if (count < LEAF_MIN)
		return false;
	uint64_t mark = mix64(ref_mark(e->chunk) ^ (uint64_t)e->skip << 32 ^ e->length);
	return mark >> 32 < (UINT64_C(1) << 32) / LEAF_SPREAD;
}

bool node_ends_at_child(const struct child *c, size_t count, size_t size)
{
	if (count >= INNER_MAX || size + NODE_ENTRY_MAX > NODE_SIZE_MAX)
		return true;
	if (count < INNER_MIN)
		return false;
	return ref_mark(c->ref) >> 32 < (UINT64_C(1) << 32) / INNER_SPREAD;
}

bool extent_continues(const struct extent *a, const struct extent *b)
{
	if (a->kind != b->kind || b->length > EXTENT_LENGTH_MAX - a->length)
		return false;
	if (a->kind == EXTENT_HOLE)
		return true;
	return chunk_ref_equal(a->chunk, b->chunk) && a->skip + a->length == b->skip;
}

struct extent extent_part(const struct extent *extent, uint64_t from, uint64_t length)
{
	struct extent part = *extent;
	ASSERT(from <= extent->length && length <= extent->length - from);
	part.length = length;
	if (part.kind == EXTENT_DATA)
		part.skip += (uint32_t)from;
	return part;
}
