/* SPDX-License-Identifier: MIT */
/*
 * A file map says what a flat array says, whatever is done to both: thousands of random
 * writes, holes, cuts, copies, saves, loads and shrinks, some with failing nodes or memory.
 * The seed is printed; FILEMAP_SEED repeats a run, FILEMAP_STEPS makes it longer.
 */
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <time.h>

#include <cmocka.h>

#include "tests/unit/filemap_store.h"

#define MODEL_MAX 60000u /* cells; a cell is one byte of the file */
#define MAPS      2

/* What one byte is: 0 a hole, else a chunk and the byte in it. */
struct model {
	uint64_t *cells;
	size_t length;
};

struct run {
	struct node_store store;
	struct filemap_io io;
	struct filemap *map[MAPS];
	struct model model[MAPS];
	uint64_t random, next_pack;
	bool failing;
};

static uint64_t cell_of(const struct extent *e, uint64_t i)
{
	if (e->kind == EXTENT_HOLE)
		return 0;
	return e->chunk.pack << 24 | (uint64_t)e->chunk.slot << 12 | (e->skip + i);
}

static size_t random_extents(struct run *r, struct extent *extents, size_t room, uint64_t *length)
{
	size_t count = 1 + random_below(&r->random, random_below(&r->random, 4) ? 4 : room);
	uint64_t pack = r->next_pack++;
	*length = 0;
	for (size_t i = 0; i < count; i++) {
		struct extent *e = &extents[i];
		*e = (struct extent){.length = 1 + random_below(&r->random, 12),
				     .kind = EXTENT_DATA};
		if (random_below(&r->random, 10) == 0)
			e->kind = EXTENT_HOLE;
		e->chunk.pack = random_below(&r->random, 5) ? pack : 1 + random_below(&r->random, 3);
		e->chunk.slot = (uint32_t)i % 4000;
		if (random_below(&r->random, 4) == 0)
			e->skip = (uint32_t)random_below(&r->random, 9);
		if (e->kind == EXTENT_HOLE)
			e->chunk = (struct chunk_ref){7, 7}; /* of no meaning */
		*length += e->length;
	}
	return count;
}

static void model_fill(struct model *m, uint64_t from, const uint64_t *cells, size_t count)
{
	if (from > m->length)
		memset(m->cells + m->length, 0, (from - m->length) * sizeof(*cells));
	memmove(m->cells + from, cells, count * sizeof(*cells));
	if (from + count > m->length)
		m->length = from + count;
}

static void check(struct run *r, int which)
{
	const struct model *m = &r->model[which];
	struct filemap *map = r->map[which];
	struct extent extents[33];
	uint64_t at = 0, allocated = 0;
	assert_int_equal(filemap_length(map), m->length);
	while (at < m->length) {
		int n = filemap_read(map, at, m->length - at, extents, 33);
		assert_true(n > 0);
		for (int k = 0; k < n; k++) {
			for (uint64_t i = 0; i < extents[k].length; i++, at++) {
				assert_true(at < m->length);
				assert_int_equal(cell_of(&extents[k], i), m->cells[at]);
				allocated += m->cells[at] != 0;
			}
		}
	}
	assert_int_equal(filemap_read(map, at, 1, extents, 33), 0);
	assert_int_equal(filemap_allocated(map), allocated);
}

static void check_part(struct run *r, int which)
{
	const struct model *m = &r->model[which];
	struct extent extents[9];
	if (m->length == 0)
		return;
	uint64_t at = random_below(&r->random, m->length);
	uint64_t length = 1 + random_below(&r->random, 200);
	int n = filemap_read(r->map[which], at, length, extents, 9);
	if (n < 0 && r->failing)
		return;
	assert_true(n > 0);
	uint64_t end = at + length < m->length ? at + length : m->length;
	for (int k = 0; k < n; k++)
		for (uint64_t i = 0; i < extents[k].length; i++, at++)
			assert_int_equal(cell_of(&extents[k], i), m->cells[at]);
	assert_true(at <= end);
	if (n < 9)
		assert_int_equal(at, end);
}

static void check_seek(struct run *r, int which)
{
	const struct model *m = &r->model[which];
	uint64_t from = random_below(&r->random, m->length + 20), found = 0;
	bool data = random_below(&r->random, 2);
	int rc = filemap_seek(r->map[which], from, data, &found);
	if (rc < 0 && rc != -ENXIO && r->failing)
		return;
	uint64_t want = from;
	while (want < m->length && (m->cells[want] != 0) != data)
		want++;
	if (data && want >= m->length) {
		assert_int_equal(rc, -ENXIO);
		return;
	}
	assert_int_equal(rc, 0);
	assert_int_equal(found, want);
}

static void check_data(struct run *r, int which)
{
	const struct model *m = &r->model[which];
	uint64_t from = random_below(&r->random, m->length + 20), bytes = 0, want = 0;
	uint64_t length = random_below(&r->random, random_below(&r->random, 2) ? 90 : MODEL_MAX);
	int rc = filemap_data(r->map[which], from, length, &bytes);
	if (rc && r->failing)
		return;
	assert_int_equal(rc, 0);
	for (uint64_t i = from; i < from + length && i < m->length; i++)
		want += m->cells[i] != 0;
	assert_int_equal(bytes, want);
}

/* 0, or an error where errors have been ordered. */
static bool done(const struct run *r, int rc)
{
	if (rc && !r->failing)
		fail_msg("error %d", rc);
	return rc == 0;
}

static void step_write(struct run *r, int which)
{
	struct model *m = &r->model[which];
	static struct extent extents[3000];
	static uint64_t cells[3000 * 12];
	uint64_t length, n = 0;
	uint64_t from = random_below(&r->random, 3) ? m->length
						    : random_below(&r->random, m->length + 30);
	size_t count = random_extents(r, extents, random_below(&r->random, 20) ? 60 : 3000,
				      &length);
	if (from + length > MODEL_MAX)
		return;
	for (size_t k = 0; k < count; k++)
		for (uint64_t i = 0; i < extents[k].length; i++)
			cells[n++] = cell_of(&extents[k], i);
	if (done(r, filemap_write(r->map[which], from, extents, count)))
		model_fill(m, from, cells, n);
}

static void step_punch(struct run *r, int which)
{
	struct model *m = &r->model[which];
	uint64_t from = random_below(&r->random, m->length + 10);
	uint64_t length = random_below(&r->random, random_below(&r->random, 3) ? 60 : MODEL_MAX);
	if (!done(r, filemap_punch(r->map[which], from, length)))
		return;
	for (uint64_t i = from; i < from + length && i < m->length; i++)
		m->cells[i] = 0;
}

static void step_truncate(struct run *r, int which)
{
	struct model *m = &r->model[which];
	uint64_t length = random_below(&r->random, 40) ? m->length - m->length / 50
						       : random_below(&r->random, m->length + 9);
	if (done(r, filemap_truncate(r->map[which], length)) && length < m->length)
		m->length = length;
}

static void step_copy(struct run *r, int which)
{
	int to = (int)random_below(&r->random, MAPS);
	struct model *m = &r->model[which], *t = &r->model[to];
	static uint64_t cells[MODEL_MAX];
	uint64_t from = random_below(&r->random, m->length + 5);
	uint64_t length = random_below(&r->random, random_below(&r->random, 2) ? 90 : MODEL_MAX / 3);
	uint64_t target = random_below(&r->random, t->length + 20);
	if (random_below(&r->random, 10) == 0) {
		from = target = 0;
		length = m->length;
	}
	if (target + length > MODEL_MAX)
		return;
	if (!done(r, filemap_copy(r->map[which], from, length, r->map[to], target)))
		return;
	uint64_t have = from < m->length ? m->length - from : 0;
	if (have > length)
		have = length;
	memcpy(cells, m->cells + (have ? from : 0), have * sizeof(*cells));
	/* Zeros from beyond the source's end do not make the target longer. */
	for (uint64_t i = target + have; i < target + length && i < t->length; i++)
		t->cells[i] = 0;
	if (have)
		model_fill(t, target, cells, have);
}

static void step_save(struct run *r, int which)
{
	void *blob = NULL;
	size_t size;
	struct filemap *again = NULL;
	if (!done(r, filemap_save(r->map[which], &blob, &size)))
		return;
	assert_true(size <= FILEMAP_BLOB_MAX);
	assert_false(filemap_is_dirty(r->map[which]));
	if (random_below(&r->random, 2) && done(r, filemap_load(&r->io, blob, size, &again))) {
		filemap_free(&r->map[which]);
		r->map[which] = again;
	}
	free(blob);
}

static void step_shrink(struct run *r, int which)
{
	done(r, filemap_shrink(r->map[which], random_below(&r->random, 200000)));
}

static void step(struct run *r, int which)
{
	switch (random_below(&r->random, 13)) {
	case 0:
		step_punch(r, which);
		break;
	case 1:
		step_truncate(r, which);
		break;
	case 2:
		step_copy(r, which);
		break;
	case 3:
		step_save(r, which);
		break;
	case 4:
		step_shrink(r, which);
		break;
	case 5:
		check_seek(r, which);
		break;
	case 6:
		check_part(r, which);
		break;
	case 7:
		check_data(r, which);
		break;
	default:
		step_write(r, which);
	}
}

static void step_failing(struct run *r, int which)
{
	char spec[32];
	r->failing = true;
	uint64_t kind = random_below(&r->random, 3);
	if (kind == 0)
		r->store.fail_get = 1 + (long)random_below(&r->random, 6);
	else if (kind == 1)
		r->store.fail_put = 1 + (long)random_below(&r->random, 6);
	snprintf(spec, sizeof(spec), "mem:%" PRIu64 "%s", 1 + random_below(&r->random, 12),
		 random_below(&r->random, 2) ? "+" : "");
	fault_set(kind == 2 ? spec : NULL);
	step(r, which);
	fault_set(NULL);
	r->store.fail_get = r->store.fail_put = 0;
	r->failing = false;
}

static uint64_t seed_choose(void)
{
	const char *given = getenv("FILEMAP_SEED");
	struct timespec now;
	clock_gettime(CLOCK_REALTIME, &now);
	uint64_t seed = given ? strtoull(given, NULL, 0)
			      : (uint64_t)now.tv_sec * 1000003 + (uint64_t)now.tv_nsec;
	printf("FILEMAP_SEED=%" PRIu64 "\n", seed);
	return seed;
}

static void run_model(bool with_failures)
{
	struct run r = {.random = seed_choose(), .next_pack = 10};
	const char *steps = getenv("FILEMAP_STEPS");
	unsigned long n = steps ? strtoul(steps, NULL, 0) : 6000;
	r.io = store_io(&r.store);
	for (int i = 0; i < MAPS; i++) {
		r.map[i] = filemap_new(&r.io);
		assert_non_null(r.map[i]);
		r.model[i].cells = calloc(MODEL_MAX, sizeof(uint64_t));
	}
	for (unsigned long i = 0; i < n; i++) {
		int which = (int)random_below(&r.random, MAPS);
		if (with_failures && random_below(&r.random, 3) == 0)
			step_failing(&r, which);
		else
			step(&r, which);
		assert_int_equal(r.store.held, 0);
		if (i % 16 == 0)
			for (int k = 0; k < MAPS; k++)
				check(&r, k);
	}
	for (int i = 0; i < MAPS; i++) {
		check(&r, i);
		filemap_free(&r.map[i]);
		free(r.model[i].cells);
	}
	store_empty(&r.store);
}

static void test_equals_flat_array(void **state)
{
	(void)state;
	run_model(false);
}

static void test_failed_calls_change_nothing(void **state)
{
	(void)state;
	run_model(true);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_equals_flat_array),
		cmocka_unit_test(test_failed_calls_change_nothing),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
