/* SPDX-License-Identifier: MIT */
/* Nodes of file maps as bytes: what is written is read back, and what makes no sense is refused. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "fs/format.h"
#include "fs/tree/node.h"
#include "lib/base/wire.h"

static void test_leaf_bytes_are_as_documented(void **state)
{
	(void)state;
	const struct extent extents[] = {
		{.length = 5, .kind = EXTENT_DATA, .chunk = {3, 2}},
		{.length = 6, .kind = EXTENT_DATA, .chunk = {3, 3}},
		{.length = 1, .kind = EXTENT_HOLE},
		{.length = 7, .kind = EXTENT_DATA, .chunk = {3, 4}},
		{.length = 8, .kind = EXTENT_DATA, .chunk = {2, 4}, .skip = 9},
	};
	const uint8_t expected[] = {
		NODE_MAGIC, NODE_VERSION, 0, 5,
		5 << 2 | 2, 6, 4,         /* pack +3, slot +2 */
		6 << 2 | 1,               /* the next slot */
		1 << 2 | 0,               /* a hole in between changes nothing */
		7 << 2 | 1,
		8 << 2 | 3, 1, 1, 9,      /* pack -1, slot -1, skip */
	};
	uint8_t bytes[64];
	size_t memory = 0;
	struct node *node = node_new(0, &memory), *again;
	assert_int_equal(node_reserve(node, 5, &memory), 0);
	memcpy(node->extents, extents, sizeof(extents));
	node->count = 5;
	assert_int_equal(node_encode(node, bytes, sizeof(bytes)), sizeof(expected));
	assert_memory_equal(bytes, expected, sizeof(expected));
	assert_int_equal(node_encode(node, bytes, sizeof(expected) - 1), -ENOBUFS);
	assert_int_equal(node_decode(expected, sizeof(expected), &memory, &again), 0);
	for (int i = 0; i < 5; i++) {
		assert_int_equal(again->extents[i].length, extents[i].length);
		assert_int_equal(again->extents[i].kind, extents[i].kind);
		assert_true(chunk_ref_equal(again->extents[i].chunk, extents[i].chunk));
		assert_int_equal(again->extents[i].skip, extents[i].skip);
	}
	node_release(node, &memory);
	node_release(again, &memory);
	assert_int_equal(memory, 0);
}

static void test_inner_bytes_are_as_documented(void **state)
{
	(void)state;
	const uint8_t bytes[] = {
		NODE_MAGIC, NODE_VERSION, 2, 2,
		100, 50, 4, 2,            /* pack +2, slot +1 */
		0x80, 1, 0, 0, 0,         /* length 128, nothing allocated, the next slot */
	};
	size_t memory = 0;
	struct node *node;
	assert_int_equal(node_decode(bytes, sizeof(bytes), &memory, &node), 0);
	assert_int_equal(node->level, 2);
	assert_int_equal(node->children[0].length, 100);
	assert_int_equal(node->children[0].allocated, 50);
	assert_int_equal(node->children[1].length, 128);
	assert_int_equal(node->children[1].ref.pack, 2);
	assert_int_equal(node->children[1].ref.slot, 2);
	node_release(node, &memory);
}

/* A node that is to be refused. */
struct bad_node {
	const char *what;
	uint64_t values[16]; /* after magic and version; each a varint */
	size_t count;
};

#define ZIGZAG(n)    ((uint64_t)(n) << 1)
#define HEAD(n, kind) ((uint64_t)(n) << 2 | (kind))

static const struct bad_node bad_nodes[] = {
	{"no entries", {0, 0}, 2},
	{"an entry is missing", {0, 2, HEAD(5, 0)}, 3},
	{"a byte too many", {0, 1, HEAD(5, 0), 0}, 4},
	{"a level too high", {NODE_LEVEL_MAX + 1, 1, 5, 5, ZIGZAG(1), 0}, 6},
	{"too many entries", {0, LEAF_MAX + 1, HEAD(5, 0)}, 3},
	{"a hole of no length", {0, 1, HEAD(0, 0)}, 3},
	{"a child of no length", {1, 1, 0, 0, ZIGZAG(1), 0}, 6},
	{"more allocated than there is", {1, 1, 5, 6, ZIGZAG(1), 0}, 6},
	{"pack 0", {0, 1, HEAD(5, 2), 0, 2}, 5},
	{"the next slot of nothing", {0, 1, HEAD(5, 1)}, 3},
	{"a pack below 0", {0, 1, HEAD(5, 2), 1, 0}, 5},
	{"a pack too high", {0, 1, HEAD(5, 2), ZIGZAG(PACK_NUMBER_MAX + 1), 0}, 5},
	{"a slot below 0", {0, 1, HEAD(5, 2), ZIGZAG(1), 1}, 5},
	{"a slot too high", {0, 1, HEAD(5, 2), ZIGZAG(1), ZIGZAG(PACK_SLOTS_MAX)}, 5},
	{"the slot after the last",
	 {0, 2, HEAD(5, 2), ZIGZAG(1), ZIGZAG(PACK_SLOTS_MAX - 1), HEAD(5, 1)}, 6},
	{"a skip of 0", {0, 1, HEAD(5, 3), ZIGZAG(1), 0, 0}, 6},
	{"a skip too far", {0, 1, HEAD(5, 3), ZIGZAG(1), 0, SLOT_SIZE_MAX - 4}, 6},
	{"data longer than a chunk", {0, 1, HEAD(SLOT_SIZE_MAX + 1, 2), ZIGZAG(1), 0}, 5},
	{"the long form of the next slot",
	 {0, 2, HEAD(5, 2), ZIGZAG(1), 0, HEAD(5, 2), 0, 0}, 8},
	{"a sum that is too long",
	 {0, 4, HEAD(EXTENT_LENGTH_MAX, 0), HEAD(EXTENT_LENGTH_MAX, 0), HEAD(1, 0), HEAD(1, 0)}, 6},
	{"a sum that overflows",
	 {1, 2, UINT64_MAX, 0, ZIGZAG(1), 0, 1, 0, 0, 0}, 10},
};

static void test_nonsense_is_refused(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(bad_nodes) / sizeof(bad_nodes[0]); i++) {
		uint8_t bytes[256];
		struct wire w;
		size_t memory = 0;
		struct node *node;
		wire_writer(&w, bytes, sizeof(bytes));
		wire_put_u8(&w, NODE_MAGIC);
		wire_put_u8(&w, NODE_VERSION);
		for (size_t k = 0; k < bad_nodes[i].count; k++)
			wire_put_varint(&w, bad_nodes[i].values[k]);
		if (node_decode(bytes, w.position, &memory, &node) != -EBADMSG)
			fail_msg("accepted: %s", bad_nodes[i].what);
		assert_int_equal(memory, 0);
	}
}

static void test_every_cut_and_wrong_start_is_refused(void **state)
{
	(void)state;
	uint8_t good[] = {NODE_MAGIC, NODE_VERSION, 0, 1, HEAD(5, 3), 2, 2, 9};
	size_t memory = 0;
	struct node *node;
	for (size_t size = 0; size < sizeof(good); size++)
		assert_int_equal(node_decode(good, size, &memory, &node), -EBADMSG);
	for (int at = 0; at < 2; at++) {
		good[at] ^= 2;
		assert_int_equal(node_decode(good, sizeof(good), &memory, &node), -EBADMSG);
		good[at] ^= 2;
	}
	assert_int_equal(node_decode(good, sizeof(good), &memory, &node), 0);
	node_release(node, &memory);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_leaf_bytes_are_as_documented),
		cmocka_unit_test(test_inner_bytes_are_as_documented),
		cmocka_unit_test(test_nonsense_is_refused),
		cmocka_unit_test(test_every_cut_and_wrong_start_is_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
