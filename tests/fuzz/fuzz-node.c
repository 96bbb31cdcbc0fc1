/* SPDX-License-Identifier: MIT */
/*
 * Any bytes as a file-map node and as a blob: what is accepted keeps to the limits of
 * node.h and says the same after it has been written and read again.
 */
#include <stdlib.h>
#include <string.h>

#include "fs/tree/filemap_impl.h"
#include "lib/base/assert.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int fuzz_get(void *context, struct chunk_ref ref, const uint8_t **data, size_t *size,
		    void **hold)
{
	(void)context;
	(void)ref;
	(void)data;
	(void)size;
	(void)hold;
	return -5;
}

static void fuzz_drop(void *context, void *hold)
{
	(void)context;
	(void)hold;
}

static void fuzz_node(const uint8_t *data, size_t size)
{
	/* Twice the size: overlong varints may have been accepted, never written. */
	static uint8_t bytes[2 * NODE_SIZE_MAX];
	size_t memory = 0;
	struct node *node, *again;
	if (node_decode(data, size, &memory, &node))
		return;
	uint64_t length, allocated;
	node_sum(node, 0, &length, &allocated);
	ASSERT(length > 0 && length <= NODE_LENGTH_MAX && allocated <= length);
	int written = node_encode(node, bytes, sizeof(bytes));
	ASSERT(written > 0 && (size_t)written <= size);
	ASSERT(node_decode(bytes, (size_t)written, &memory, &again) == 0);
	ASSERT(again->level == node->level && again->count == node->count);
	for (size_t i = 0; i < node->count; i++) {
		if (node->level) {
			const struct child *a = &node->children[i], *b = &again->children[i];
			ASSERT(a->length == b->length && a->allocated == b->allocated);
			ASSERT(chunk_ref_equal(a->ref, b->ref));
		} else {
			const struct extent *a = &node->extents[i], *b = &again->extents[i];
			ASSERT(a->length == b->length && a->kind == b->kind && a->skip == b->skip);
			ASSERT(chunk_ref_equal(a->chunk, b->chunk));
		}
	}
	node_release(node, &memory);
	node_release(again, &memory);
	ASSERT(memory == 0);
}

static void fuzz_blob(const uint8_t *data, size_t size)
{
	const struct filemap_io io = {.get = fuzz_get, .drop = fuzz_drop};
	const struct filemap_visitor visitor = {0};
	struct filemap *map;
	struct extent extents[8];
	(void)filemap_walk(&io, data, size, &visitor);
	if (filemap_load(&io, data, size, &map))
		return;
	(void)filemap_read(map, 0, filemap_length(map), extents, 8);
	filemap_free(&map);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	fuzz_node(data, size);
	fuzz_blob(data, size);
	return 0;
}
