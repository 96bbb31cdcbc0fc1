/* SPDX-License-Identifier: MIT */
/* A store of file-map nodes in an array, with deduplication and failures to order. */
#ifndef TESTS_UNIT_FILEMAP_STORE_H
#define TESTS_UNIT_FILEMAP_STORE_H

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "fs/tree/filemap.h"
#include "lib/base/fault.h"

#define NODES_PER_PACK 64u

struct stored_node {
	uint8_t *data;
	size_t size;
	uint64_t hash;
	unsigned level;
};

struct node_store {
	struct stored_node *nodes;
	size_t count, capacity;
	size_t *table; /* index + 1 by hash */
	size_t table_size;
	size_t puts, gets, held;
	long fail_put, fail_get; /* the n-th call from now fails; 0: none */
};

static uint64_t store_hash(const uint8_t *data, size_t size)
{
	uint64_t h = UINT64_C(0xcbf29ce484222325);
	for (size_t i = 0; i < size; i++)
		h = (h ^ data[i]) * UINT64_C(0x100000001b3);
	return h ^ h >> 29;
}

static struct chunk_ref store_ref(size_t index)
{
	return (struct chunk_ref){1000 + index / NODES_PER_PACK, index % NODES_PER_PACK};
}

static size_t store_index(struct chunk_ref ref)
{
	return (ref.pack - 1000) * NODES_PER_PACK + ref.slot;
}

static void store_rehash(struct node_store *s)
{
	s->table_size = s->table_size ? s->table_size * 2 : 1024;
	free(s->table);
	s->table = calloc(s->table_size, sizeof(*s->table));
	for (size_t i = 0; i < s->count; i++) {
		size_t at = s->nodes[i].hash % s->table_size;
		while (s->table[at])
			at = (at + 1) % s->table_size;
		s->table[at] = i + 1;
	}
}

static int store_put_node(void *context, const void *data, size_t size, struct chunk_ref *ref)
{
	struct node_store *s = context;
	s->puts++;
	if (s->fail_put > 0 && --s->fail_put == 0)
		return -ENOSPC;
	if ((s->count + 1) * 2 > s->table_size)
		store_rehash(s);
	uint64_t hash = store_hash(data, size);
	size_t at = hash % s->table_size;
	for (; s->table[at]; at = (at + 1) % s->table_size) {
		struct stored_node *n = &s->nodes[s->table[at] - 1];
		if (n->hash == hash && n->size == size && memcmp(n->data, data, size) == 0) {
			*ref = store_ref(s->table[at] - 1);
			return 0;
		}
	}
	if (s->count == s->capacity) {
		s->capacity = s->capacity ? s->capacity * 2 : 64;
		s->nodes = realloc(s->nodes, s->capacity * sizeof(*s->nodes));
	}
	uint8_t *copy = malloc(size);
	memcpy(copy, data, size);
	s->nodes[s->count] = (struct stored_node){copy, size, hash, copy[2]};
	s->table[at] = s->count + 1;
	*ref = store_ref(s->count++);
	return 0;
}

static int store_get_node(void *context, struct chunk_ref ref, const uint8_t **data, size_t *size,
			  void **hold)
{
	struct node_store *s = context;
	size_t index = store_index(ref);
	s->gets++;
	if (s->fail_get > 0 && --s->fail_get == 0)
		return -EIO;
	if (index >= s->count)
		return -ENOENT;
	/* A copy of the exact size, so that a sanitizer sees what reads past it. */
	uint8_t *copy = malloc(s->nodes[index].size);
	memcpy(copy, s->nodes[index].data, s->nodes[index].size);
	*data = copy;
	*size = s->nodes[index].size;
	*hold = copy;
	s->held++;
	return 0;
}

static void store_drop_node(void *context, void *hold)
{
	struct node_store *s = context;
	s->held--;
	free(hold);
}

static inline struct filemap_io store_io(struct node_store *s)
{
	return (struct filemap_io){store_put_node, store_get_node, store_drop_node, s};
}

static inline void store_empty(struct node_store *s)
{
	for (size_t i = 0; i < s->count; i++)
		free(s->nodes[i].data);
	free(s->nodes);
	free(s->table);
	*s = (struct node_store){0};
}

/* A small generator of our own, so that a seed means the same everywhere. */
static inline uint64_t random_next(uint64_t *state)
{
	uint64_t x = *state += UINT64_C(0x9e3779b97f4a7c15);
	x = (x ^ (x >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	x = (x ^ (x >> 27)) * UINT64_C(0x94d049bb133111eb);
	return x ^ (x >> 31);
}

static inline uint64_t random_below(uint64_t *state, uint64_t limit)
{
	return random_next(state) % limit;
}

#endif
