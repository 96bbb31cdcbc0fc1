/* SPDX-License-Identifier: MIT */
/* The blob of inode.map (filemap.h): the small map itself, or where its root node is. */
#include <errno.h>
#include <string.h>

#include "fs/tree/filemap_impl.h"
#include "lib/base/assert.h"
#include "lib/base/mem.h"
#include "lib/base/wire.h"

size_t blob_encode(const struct filemap *map, uint8_t *data, size_t room)
{
	const struct child *root = &map->root;
	struct wire w;
	if (chunk_ref_is_none(root->ref)) {
		data[0] = FILEMAP_INLINE;
		int size = node_encode(root->node, data + 1, room - 1);
		ASSERT(size > 0);
		return 1 + (size_t)size;
	}
	wire_writer(&w, data, room);
	wire_put_u8(&w, FILEMAP_ROOT);
	wire_put_varint(&w, map->level);
	wire_put_varint(&w, root->ref.pack);
	wire_put_varint(&w, root->ref.slot);
	wire_put_varint(&w, root->length);
	wire_put_varint(&w, root->allocated);
	ASSERT(w.error == 0);
	return w.position;
}

static int blob_decode_inline(const uint8_t *data, size_t size, struct child *root, size_t *memory)
{
	struct node *node;
	int rc = node_decode(data, size, memory, &node);
	if (rc)
		return rc;
	if (node->level) {
		node_release(node, memory);
		return -EBADMSG;
	}
	*root = (struct child){.node = node};
	node_sum(node, 0, &root->length, &root->allocated);
	return 0;
}

static int blob_decode_root(struct wire *w, struct child *root, unsigned *level)
{
	uint64_t at = wire_get_varint(w);
	uint64_t pack = wire_get_varint(w);
	uint64_t slot = wire_get_varint(w);
	uint64_t length = wire_get_varint(w);
	uint64_t allocated = wire_get_varint(w);
	if (w->error || wire_left(w) || at > NODE_LEVEL_MAX || pack < 1 || pack > PACK_NUMBER_MAX ||
	    slot >= PACK_SLOTS_MAX || length == 0 || length > NODE_LENGTH_MAX || allocated > length)
		return -EBADMSG;
	*root = (struct child){
		.length = length,
		.allocated = allocated,
		.ref = {.pack = pack, .slot = (uint32_t)slot},
	};
	*level = (unsigned)at;
	return 0;
}

int blob_decode(const void *blob, size_t size, struct child *root, unsigned *level, size_t *memory)
{
	struct wire w;
	*root = (struct child){0};
	*level = 0;
	if (size == 0)
		return 0;
	if (size > FILEMAP_BLOB_MAX)
		return -EBADMSG;
	wire_reader(&w, blob, size);
	switch (wire_get_u8(&w)) {
	case FILEMAP_EMPTY:
		return size == 1 ? 0 : -EBADMSG;
	case FILEMAP_INLINE:
		return blob_decode_inline((const uint8_t *)blob + 1, size - 1, root, memory);
	case FILEMAP_ROOT:
		return blob_decode_root(&w, root, level);
	}
	return -EBADMSG;
}

int filemap_save(struct filemap *map, void **blob, size_t *size)
{
	uint8_t data[FILEMAP_BLOB_MAX];
	ASSERT_OBJECT(map, FILEMAP_OBJECT);
	int rc = filemap_store(map, true);
	if (rc)
		return rc;
	if (map->root.length == 0) {
		map->dirty = false;
		*blob = NULL;
		*size = 0;
		return 0;
	}
	size_t length = blob_encode(map, data, sizeof(data));
	void *copy = mem_try_alloc(length, 1);
	if (!copy)
		return -ENOMEM;
	memcpy(copy, data, length);
	*blob = copy;
	*size = length;
	map->dirty = false;
	return 0;
}
