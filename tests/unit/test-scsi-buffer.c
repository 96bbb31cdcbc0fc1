/* SPDX-License-Identifier: MIT */
/* A pool keeps the buffers that are in use, whatever size was in use before. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "target/scsi/buffer.h"

#define KEEP  (1u << 20)
#define SMALL (64u << 10)

static void use(struct scsi_buffer_pool *pool, size_t size, unsigned count)
{
	struct scsi_buffer *buffers[KEEP / 4096];
	for (unsigned i = 0; i < count; i++) {
		buffers[i] = scsi_buffer_get(pool, size);
		assert_non_null(buffers[i]);
		assert_true(buffers[i]->capacity >= size);
		memset(buffers[i]->data, 0x5a, size);
	}
	for (unsigned i = 0; i < count; i++)
		scsi_buffer_release(&buffers[i]);
}

/* Whether so many buffers of that size come from the pool, with what use() left in them. */
static bool is_kept(struct scsi_buffer_pool *pool, size_t size, unsigned count)
{
	struct scsi_buffer *buffers[KEEP / 4096];
	bool kept = true;
	for (unsigned i = 0; i < count; i++) {
		buffers[i] = scsi_buffer_get(pool, size);
		assert_non_null(buffers[i]);
		/* Memory that is new has zeros, or what MALLOC_PERTURB_ or a sanitizer puts there. */
		for (size_t at = 0; at < size; at += 512)
			kept &= buffers[i]->data[at] == 0x5a;
	}
	for (unsigned i = 0; i < count; i++)
		scsi_buffer_release(&buffers[i]);
	return kept;
}

static void test_secrets_are_wiped_out(void **state)
{
	(void)state;
	struct scsi_buffer_pool *pool = scsi_buffer_pool_new(KEEP);
	struct scsi_buffer *buffer = scsi_buffer_get(pool, SMALL), *shared = scsi_buffer_hold(buffer);
	memset(buffer->data, 0x5a, SMALL);
	buffer->secret = true;
	scsi_buffer_release(&buffer);
	assert_int_equal(shared->data[0], 0x5a);
	scsi_buffer_release(&shared);
	buffer = scsi_buffer_get(pool, SMALL);
	assert_false(buffer->secret);
	for (size_t at = 0; at < SMALL; at++)
		assert_int_equal(buffer->data[at], 0);
	scsi_buffer_release(&buffer);
	scsi_buffer_pool_free(&pool);
}

static void test_sizes_replace_each_other(void **state)
{
	(void)state;
	struct scsi_buffer_pool *pool = scsi_buffer_pool_new(KEEP);
	use(pool, SMALL, KEEP / SMALL);
	assert_true(is_kept(pool, SMALL, KEEP / SMALL));
	use(pool, KEEP, 1);
	assert_true(is_kept(pool, KEEP, 1));
	use(pool, 4096, KEEP / 4096);
	assert_true(is_kept(pool, 4096, KEEP / 4096));
	/* Only as many go as have to. */
	use(pool, SMALL, 1);
	assert_true(is_kept(pool, 4096, (KEEP - SMALL) / 4096));
	assert_true(is_kept(pool, SMALL, 1));
	scsi_buffer_pool_free(&pool);
}

static void test_too_large_is_not_kept(void **state)
{
	(void)state;
	struct scsi_buffer_pool *pool = scsi_buffer_pool_new(KEEP);
	use(pool, SMALL, KEEP / SMALL);
	use(pool, 2 * KEEP, 1);
	assert_true(is_kept(pool, SMALL, KEEP / SMALL));
	scsi_buffer_pool_free(&pool);
}

static void test_last_buffer_frees_the_pool(void **state)
{
	(void)state;
	struct scsi_buffer_pool *pool = scsi_buffer_pool_new(KEEP);
	use(pool, SMALL, 2);
	struct scsi_buffer *late = scsi_buffer_get(pool, SMALL);
	assert_non_null(late);
	scsi_buffer_pool_free(&pool);
	memset(late->data, 1, SMALL);
	scsi_buffer_release(&late);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sizes_replace_each_other),
		cmocka_unit_test(test_secrets_are_wiped_out),
		cmocka_unit_test(test_too_large_is_not_kept),
		cmocka_unit_test(test_last_buffer_frees_the_pool),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
