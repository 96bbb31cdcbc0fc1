/* SPDX-License-Identifier: MIT */
/*
 * What a file map costs: equal extents give equal nodes however they were written, an edit
 * costs few nodes, appending stays in bounded memory, dropping and cloning read nothing.
 */
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <time.h>

#include <cmocka.h>

#include "fs/tree/node.h"
#include "tests/unit/filemap_store.h"

/* The n-th chunk of a stream as the store would place it: 512 to a pack. */
static struct extent stream_extent(uint64_t n)
{
	uint64_t state = n;
	struct extent e = {.kind = EXTENT_DATA, .length = 2048 + random_below(&state, 12288)};
	e.chunk = (struct chunk_ref){5000 + n / 512, n % 512};
	return e;
}

static void append_stream(struct filemap *map, uint64_t first, uint64_t count)
{
	for (uint64_t i = 0; i < count; i++) {
		struct extent e = stream_extent(first + i);
		assert_int_equal(filemap_write(map, filemap_length(map), &e, 1), 0);
	}
}

struct blob {
	void *data;
	size_t size;
};

static struct blob save(struct filemap *map)
{
	struct blob b;
	assert_int_equal(filemap_save(map, &b.data, &b.size), 0);
	return b;
}

static void assert_same_blob(struct blob a, struct blob b)
{
	assert_int_equal(a.size, b.size);
	assert_memory_equal(a.data, b.data, a.size);
	free(b.data);
}

/* Field by field: there are bytes between them that mean nothing. */
static void assert_same_extent(const struct extent *a, const struct extent *b)
{
	assert_int_equal(a->kind, b->kind);
	assert_int_equal(a->length, b->length);
	assert_int_equal(a->skip, b->skip);
	assert_true(chunk_ref_equal(a->chunk, b->chunk));
}

static struct filemap *stream_map(const struct filemap_io *io, uint64_t count)
{
	struct filemap *map = filemap_new(io);
	assert_non_null(map);
	append_stream(map, 0, count);
	return map;
}

/* ---- equal extents, equal nodes ---- */

static void rewrite_in_pieces(struct filemap *map, uint64_t count, uint64_t *random)
{
	uint64_t *starts = calloc(count + 1, sizeof(*starts));
	struct extent junk = {.length = 5000, .kind = EXTENT_DATA, .chunk = {3, 3}};
	for (uint64_t i = 0; i < count; i++)
		starts[i + 1] = starts[i] + stream_extent(i).length;
	/* Damage what is there, save now and then, then put it right again. */
	for (int k = 0; k < 60; k++) {
		assert_int_equal(filemap_write(map, random_below(random, starts[count]), &junk, 1),
				 0);
		if (k % 7 == 0)
			free(save(map).data);
		assert_int_equal(filemap_shrink(map, random_below(random, 100000)), 0);
	}
	assert_int_equal(filemap_truncate(map, starts[count]), 0);
	for (uint64_t i = 0, n; i < count; i += n) {
		struct extent extents[700];
		n = 1 + random_below(random, 700);
		if (n > count - i)
			n = count - i;
		for (uint64_t k = 0; k < n; k++)
			extents[k] = stream_extent(i + k);
		assert_int_equal(filemap_write(map, starts[i], extents, n), 0);
		if (random_below(random, 4) == 0)
			assert_int_equal(filemap_shrink(map, 50000), 0);
	}
	free(starts);
}

static void test_equal_extents_give_equal_nodes(void **state)
{
	(void)state;
	struct node_store store = {0};
	struct filemap_io io = store_io(&store);
	uint64_t random = 42, count = 30000;
	struct filemap *one = stream_map(&io, count);
	struct blob first = save(one);
	size_t nodes = store.count;

	struct filemap *two = stream_map(&io, count);
	rewrite_in_pieces(two, count, &random);
	assert_same_blob(first, save(two));

	/* Cloned in pieces, some extents cut in two. */
	struct filemap *three = filemap_new(&io);
	uint64_t length = filemap_length(one);
	for (uint64_t at = 0, n; at < length; at += n) {
		n = 1 + random_below(&random, length / 9);
		if (n > length - at)
			n = length - at;
		assert_int_equal(filemap_copy(one, at, n, three, at), 0);
		if (random_below(&random, 3) == 0)
			free(save(three).data);
	}
	assert_same_blob(first, save(three));
	assert_true(nodes > 50);
	filemap_free(&one);
	filemap_free(&two);
	filemap_free(&three);
	free(first.data);
	store_empty(&store);
}

/* Nodes stored by saving the map, after what has just been done to it. */
static size_t new_nodes(struct node_store *store, struct filemap *map)
{
	size_t before = store->count;
	free(save(map).data);
	return store->count - before;
}

static void test_insert_in_front_shares_leaves(void **state)
{
	(void)state;
	struct node_store store = {0};
	struct filemap_io io = store_io(&store);
	struct filemap *one = stream_map(&io, 30000), *two = filemap_new(&io);
	free(save(one).data);
	/* The same stream behind 100 other chunks, written chunk by chunk. */
	append_stream(two, 900000, 100);
	append_stream(two, 0, 30000);
	assert_in_range(new_nodes(&store, two), 1, 10);
	filemap_free(&one);
	filemap_free(&two);
	store_empty(&store);
}

static void test_small_edit_stores_few_nodes(void **state)
{
	(void)state;
	struct node_store store = {0};
	struct filemap_io io = store_io(&store);
	struct filemap *map = stream_map(&io, 200000);
	struct blob blob = save(map);
	filemap_free(&map);
	assert_int_equal(filemap_load(&io, blob.data, blob.size, &map), 0);
	store.gets = store.puts = 0;
	struct extent e = {.length = 10, .kind = EXTENT_DATA, .chunk = {4, 4}};
	assert_int_equal(filemap_write(map, filemap_length(map) / 2, &e, 1), 0);
	assert_in_range(new_nodes(&store, map), 3, 8);
	assert_in_range(store.gets, 3, 16);
	assert_in_range(store.puts, 3, 16);
	filemap_free(&map);
	free(blob.data);
	store_empty(&store);
}

/* ---- cost ---- */

static double seconds(void)
{
	struct timespec t;
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void test_append_is_fast_and_bounded(void **state)
{
	(void)state;
	struct node_store store = {0};
	struct filemap_io io = store_io(&store);
	struct filemap *map = filemap_new(&io);
	const size_t keep = 256 << 10;
	size_t most = 0;
	double start = seconds();
	for (uint64_t i = 0; i < 1000000; i += 100) {
		append_stream(map, i, 100);
		assert_int_equal(filemap_shrink(map, keep), 0);
		if (filemap_memory(map) > most)
			most = filemap_memory(map);
	}
	free(save(map).data);
	double took = seconds() - start;
	size_t bytes = 0;
	for (size_t i = 0; i < store.count; i++)
		bytes += store.nodes[i].size;
	printf("10^6 extents: %.2f s, at most %zu bytes, %zu nodes, %.2f bytes an extent\n", took,
	       most, store.count, (double)bytes / 1e6);
	assert_true(took < 10.0); /* generous: sanitizers, busy machines */
	assert_in_range(most, 1, keep + (512 << 10));
	assert_true(bytes < 3300000);
	assert_in_range(store.puts, 1, store.count * 2);
	filemap_free(&map);
	store_empty(&store);
}

static void test_append_one_by_one_with_no_room_at_all(void **state)
{
	(void)state;
	struct node_store store = {0};
	struct filemap_io io = store_io(&store);
	struct filemap *map = filemap_new(&io), *plain = stream_map(&io, 20000);
	for (uint64_t i = 0; i < 20000; i++) {
		append_stream(map, i, 1);
		assert_int_equal(filemap_shrink(map, 0), 0);
	}
	struct blob blob = save(map);
	assert_same_blob(blob, save(plain));
	assert_in_range(store.puts, 1, 400);
	free(blob.data);
	filemap_free(&map);
	filemap_free(&plain);
	store_empty(&store);
}

#define DOUBLINGS 10

/* A map of 4 * 10^8 extents, made by cloning it into itself. */
static struct blob huge_map(const struct filemap_io *io, uint64_t *length)
{
	struct filemap *map = stream_map(io, 400000);
	for (int i = 0; i < DOUBLINGS; i++) {
		free(save(map).data);
		*length = filemap_length(map);
		assert_int_equal(filemap_copy(map, 0, *length, map, *length), 0);
		*length *= 2;
	}
	assert_int_equal(filemap_length(map), *length);
	struct blob blob = save(map);
	filemap_free(&map);
	return blob;
}

static void test_deep_trees(void **state)
{
	(void)state;
	struct node_store store = {0};
	struct filemap_io io = store_io(&store);
	uint64_t length, random = 9;
	struct blob blob = huge_map(&io, &length);
	uint64_t base = length >> DOUBLINGS;
	struct filemap *map;
	assert_int_equal(((uint8_t *)blob.data)[0], FILEMAP_ROOT);
	assert_true(((uint8_t *)blob.data)[1] >= 3);
	assert_int_equal(filemap_load(&io, blob.data, blob.size, &map), 0);

	/* Every copy says what the first says; a read loads one path. */
	for (int i = 0; i < 300; i++) {
		uint64_t at = random_below(&random, base - 100000);
		struct extent a[16], b[16];
		int n = filemap_read(map, at, 90000, a, 16);
		store.gets = 0;
		int m = filemap_read(map, at + base * (1 + random_below(&random, (1 << DOUBLINGS) - 1)), 90000, b, 16);
		assert_in_range(store.gets, 0, 8);
		assert_true(n > 0);
		assert_int_equal(n, m);
		for (int k = 0; k < n; k++)
			assert_same_extent(&a[k], &b[k]);
		assert_int_equal(filemap_shrink(map, 1 << 20), 0);
	}
	/* A whole clean map into an empty one: no node is touched. */
	struct filemap *clone = filemap_new(&io);
	store.gets = store.puts = 0;
	assert_int_equal(filemap_copy(map, 0, length, clone, 0), 0);
	struct blob same = save(clone);
	assert_int_equal(store.gets + store.puts, 0);
	assert_same_blob(blob, same);

	/* Cutting the middle out and off needs no node but those at the borders. */
	assert_int_equal(filemap_punch(clone, base / 3, length / 2), 0);
	assert_int_equal(filemap_truncate(clone, length - base / 2), 0);
	assert_in_range(store.gets, 1, 20);
	assert_true(filemap_allocated(clone) == length - base / 2 - length / 2);
	uint64_t found;
	assert_int_equal(filemap_seek(clone, base / 2, true, &found), 0);
	assert_int_equal(found, base / 3 + length / 2);
	assert_int_equal(filemap_truncate(clone, 0), 0);
	store.gets = 0;
	assert_int_equal(filemap_truncate(map, 0), 0);
	assert_int_equal(store.gets, 0);
	free(save(map).data);
	filemap_free(&clone);
	filemap_free(&map);
	free(blob.data);
	store_empty(&store);
}

static void test_small_maps_stand_in_the_blob(void **state)
{
	(void)state;
	struct node_store store = {0};
	struct filemap_io io = store_io(&store);
	struct filemap *map = filemap_new(&io);
	struct blob blob = save(map);
	assert_null(blob.data);
	assert_int_equal(blob.size, 0);
	append_stream(map, 0, FILEMAP_INLINE_EXTENTS);
	blob = save(map);
	assert_int_equal(store.puts, 0);
	assert_in_range(blob.size, 2, FILEMAP_BLOB_MAX);
	free(blob.data);
	append_stream(map, FILEMAP_INLINE_EXTENTS, 1);
	free(save(map).data);
	assert_int_equal(store.puts, 1);
	filemap_free(&map);
	store_empty(&store);
}

static void test_too_long_is_refused(void **state)
{
	(void)state;
	struct node_store store = {0};
	struct filemap_io io = store_io(&store);
	struct filemap *map = filemap_new(&io);
	struct extent e = {.length = 10, .kind = EXTENT_DATA, .chunk = {4, 4}};
	assert_int_equal(filemap_write(map, FILEMAP_LENGTH_MAX - 9, &e, 1), -EFBIG);
	assert_int_equal(filemap_write(map, UINT64_MAX - 4, &e, 1), -EFBIG);
	assert_int_equal(filemap_length(map), 0);
	assert_int_equal(filemap_write(map, FILEMAP_LENGTH_MAX - 10, &e, 1), 0);
	assert_int_equal(filemap_copy(map, 0, FILEMAP_LENGTH_MAX, map, 1), -EFBIG);
	struct blob blob = save(map);
	struct filemap *again;
	assert_int_equal(filemap_load(&io, blob.data, blob.size, &again), 0);
	assert_true(filemap_length(again) == FILEMAP_LENGTH_MAX);
	assert_int_equal(filemap_allocated(again), 10);
	uint64_t found;
	assert_int_equal(filemap_seek(again, 0, true, &found), 0);
	assert_true(found == FILEMAP_LENGTH_MAX - 10);
	assert_int_equal(filemap_punch(again, 1, FILEMAP_LENGTH_MAX), 0);
	assert_int_equal(filemap_allocated(again), 0);
	assert_true(filemap_length(again) == FILEMAP_LENGTH_MAX);
	filemap_free(&again);
	filemap_free(&map);
	free(blob.data);
	store_empty(&store);
}

/* ---- walking ---- */

struct walk_count {
	size_t nodes, extents, broken;
	uint64_t bytes, lost;
	bool *seen;
};

static int count_node(void *context, struct chunk_ref ref, unsigned level)
{
	struct walk_count *c = context;
	(void)level;
	bool first = !c->seen[store_index(ref)];
	c->seen[store_index(ref)] = true;
	c->nodes += first;
	return first;
}

static int count_extent(void *context, uint64_t offset, const struct extent *extent)
{
	struct walk_count *c = context;
	(void)offset;
	c->extents++;
	c->bytes += extent->length;
	return 0;
}

static int count_broken(void *context, struct chunk_ref ref, uint64_t offset, uint64_t length,
			int error)
{
	struct walk_count *c = context;
	(void)ref;
	(void)offset;
	assert_int_equal(error, -EIO);
	c->broken++;
	c->lost += length;
	return 0;
}

static void test_walk_visits_shared_nodes_once(void **state)
{
	(void)state;
	struct node_store store = {0};
	struct filemap_io io = store_io(&store);
	struct filemap *map = stream_map(&io, 30000);
	uint64_t length = filemap_length(map);
	struct blob blob = save(map);
	struct walk_count c = {.seen = calloc(store.count, 1)};
	const struct filemap_visitor visitor = {count_node, count_extent, count_broken, &c};
	assert_int_equal(filemap_walk(&io, blob.data, blob.size, &visitor), 0);
	assert_int_equal(c.nodes, store.count);
	assert_int_equal(c.extents, 30000);
	assert_true(c.bytes == length);
	assert_int_equal(filemap_walk(&io, blob.data, blob.size, &visitor), 0);
	assert_int_equal(c.extents, 30000);

	/* A leaf that cannot be read is named; the others are visited. */
	memset(c.seen, 0, store.count);
	c.bytes = c.nodes = 0;
	store.fail_get = 5;
	assert_int_equal(filemap_walk(&io, blob.data, blob.size, &visitor), 0);
	assert_int_equal(c.broken, 1);
	assert_true(c.lost > 0 && c.bytes + c.lost == length);
	assert_int_equal(store.held, 0);
	free(c.seen);
	free(blob.data);
	filemap_free(&map);
	store_empty(&store);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_equal_extents_give_equal_nodes),
		cmocka_unit_test(test_insert_in_front_shares_leaves),
		cmocka_unit_test(test_small_edit_stores_few_nodes),
		cmocka_unit_test(test_append_is_fast_and_bounded),
		cmocka_unit_test(test_append_one_by_one_with_no_room_at_all),
		cmocka_unit_test(test_deep_trees),
		cmocka_unit_test(test_small_maps_stand_in_the_blob),
		cmocka_unit_test(test_too_long_is_refused),
		cmocka_unit_test(test_walk_visits_shared_nodes_once),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
