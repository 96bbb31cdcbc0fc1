/* SPDX-License-Identifier: MIT */
/* A set of references has what was put into it and nothing else, and says what is new. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "fs/tree/ref_set.h"
#include "lib/base/fault.h"

static struct chunk_ref nth(uint64_t n)
{
	return (struct chunk_ref){.pack = 1 + n * 7919 % 50000, .slot = (uint32_t)(n * 31 % 4096)};
}

static void test_has_what_was_added(void **state)
{
	(void)state;
	struct ref_set *set = ref_set_new();
	size_t count = 0;
	assert_non_null(set);
	for (uint64_t n = 0; n < 20000; n += 2) {
		bool had = ref_set_has(set, nth(n));
		int added = ref_set_add(set, nth(n));
		assert_int_equal(added, !had);
		assert_true(ref_set_has(set, nth(n)));
		assert_int_equal(ref_set_add(set, nth(n)), 0);
		count += (size_t)added;
	}
	assert_int_equal(ref_set_count(set), count);
	assert_false(ref_set_has(set, (struct chunk_ref){.pack = 60000, .slot = 1}));
	assert_false(ref_set_has(set, (struct chunk_ref){.pack = 1, .slot = 4095}));
	ref_set_free(&set);
	assert_null(set);
}

static void test_no_memory_is_said(void **state)
{
	(void)state;
	fault_set("mem:1");
	assert_null(ref_set_new());
	fault_set(NULL);
	struct ref_set *set = ref_set_new();
	fault_set("mem:1");
	assert_int_equal(ref_set_add(set, nth(5)), -ENOMEM);
	fault_set(NULL);
	assert_false(ref_set_has(set, nth(5)));
	assert_int_equal(ref_set_add(set, nth(5)), 1);
	ref_set_free(&set);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_has_what_was_added),
		cmocka_unit_test(test_no_memory_is_said),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
