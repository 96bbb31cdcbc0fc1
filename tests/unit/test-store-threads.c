/* SPDX-License-Identifier: MIT */
/* Several writers, readers and a committer at once: nothing is lost or mixed up. Meant to be
 * run under ThreadSanitizer too. */
#include "tests/unit/store_support.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "fs/store/scrub.h"
#include "fs/store/store_private.h"

#define WRITERS 4u
#define ROUNDS  12u
#define BATCH   50u

struct writer {
	struct fixture *f;
	unsigned number;
	struct chunk_ref refs[ROUNDS * BATCH];
	unsigned failures;
};

static uint64_t writer_seed(unsigned writer, unsigned round)
{
	/* Odd rounds bring what all writers bring. */
	return round % 2 ? 1000000 + round * BATCH : 1 + (writer * ROUNDS + round) * (uint64_t)BATCH;
}

static void *write_on(void *argument)
{
	struct writer *w = argument;
	struct store *store = w->f->store;
	struct store_stream *stream = store_stream_new(store, PACK_DATA);
	for (unsigned round = 0; round < ROUNDS; round++) {
		uint64_t seed = writer_seed(w->number, round);
		struct chunk_ref *refs = &w->refs[round * BATCH];
		uint8_t expected[CHUNK];
		w->failures += put_some(store, round % 3 ? stream : store_shared_stream(store, PACK_MAP), seed,
					BATCH, refs) != 0;
		for (unsigned i = 0; i < BATCH; i += 9) {
			struct store_view view;
			fill(expected, CHUNK, seed + i);
			store_prefetch(store, refs[i]);
			if (store_get(store, refs[i], &view) != 0) {
				w->failures++;
				continue;
			}
			w->failures += view.size != CHUNK || memcmp(view.data, expected, CHUNK) != 0;
			store_view_release(&view);
		}
	}
	store_stream_free(&stream);
	return NULL;
}

struct twin {
	struct store *store;
	pthread_barrier_t *start;
	struct store_put_result result;
	int error;
};

#define TWIN_CHUNKS 4000u

static void *write_twin(void *argument)
{
	struct twin *t = argument;
	static uint8_t data[TWIN_CHUNKS][CHUNK];
	static struct fingerprint_input chunks[TWIN_CHUNKS];
	static pthread_mutex_t once = PTHREAD_MUTEX_INITIALIZER;
	struct chunk_ref *refs = calloc(TWIN_CHUNKS, sizeof(*refs));
	struct store_stream *stream = store_stream_new(t->store, PACK_DATA);
	pthread_mutex_lock(&once);
	for (unsigned i = 0; i < TWIN_CHUNKS && !chunks[i].data; i++) {
		fill(data[i], CHUNK, 5000000 + i);
		chunks[i] = (struct fingerprint_input){data[i], CHUNK};
	}
	pthread_mutex_unlock(&once);
	pthread_barrier_wait(t->start);
	t->error = store_put(t->store, stream, chunks, TWIN_CHUNKS, refs, &t->result);
	store_stream_free(&stream);
	free(refs);
	return NULL;
}

/* Two streams that bring the same new data side by side store it about once. */
static void test_twin_streams(void **state)
{
	struct fixture *f = *state;
	struct twin twins[2];
	pthread_t threads[2];
	pthread_barrier_t start;
	pthread_barrier_init(&start, NULL, 2);
	for (unsigned i = 0; i < 2; i++) {
		twins[i] = (struct twin){.store = f->store, .start = &start};
		assert_int_equal(pthread_create(&threads[i], NULL, write_twin, &twins[i]), 0);
	}
	for (unsigned i = 0; i < 2; i++) {
		pthread_join(threads[i], NULL);
		assert_int_equal(twins[i].error, 0);
	}
	pthread_barrier_destroy(&start);
	uint64_t stored = twins[0].result.new_chunks + twins[1].result.new_chunks;

	assert_in_range(stored, TWIN_CHUNKS, TWIN_CHUNKS + TWIN_CHUNKS / 5);
	assert_int_equal(commit(f->store), 0);
}

static void test_parallel_writers(void **state)
{
	struct fixture *f = *state;
	static struct writer writers[WRITERS];
	pthread_t threads[WRITERS];
	struct store_scrub_result result = {0};
	f->store->flow.limit = 400u << 10;
	for (unsigned i = 0; i < WRITERS; i++) {
		writers[i] = (struct writer){.f = f, .number = i};
		assert_int_equal(pthread_create(&threads[i], NULL, write_on, &writers[i]), 0);
	}
	for (unsigned i = 0; i < 5; i++) {
		assert_int_equal(commit(f->store), 0);
		uint64_t cursor = 0;
		store_scrub(f->store, &cursor, 3, &result);
		usleep(1000);
	}
	for (unsigned i = 0; i < WRITERS; i++) {
		pthread_join(threads[i], NULL);
		assert_int_equal(writers[i].failures, 0);
	}
	assert_int_equal(result.damaged_chunks, 0);
	assert_int_equal(commit(f->store), 0);
	pthread_mutex_lock(&f->store->flow.lock);
	assert_int_equal(f->store->flow.bytes, 0);
	pthread_mutex_unlock(&f->store->flow.lock);
	fixture_close(f);
	fixture_open(f);
	for (unsigned i = 0; i < WRITERS; i++)
		for (unsigned round = 0; round < ROUNDS; round++)
			check_many(f->store, writer_seed(i, round), BATCH, &writers[i].refs[round * BATCH]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_parallel_writers, fixture_setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(test_twin_streams, fixture_setup, fixture_teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
