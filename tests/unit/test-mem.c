/* SPDX-License-Identifier: MIT */
/* Sizes from outside are checked for overflow, and a failed growth keeps what was there. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/fault.h"
#include "lib/base/mem.h"

static void products_that_overflow_give_nothing(void **state)
{
	(void)state;
	assert_null(mem_try_alloc(SIZE_MAX / 2, 3));
	assert_null(mem_try_zalloc(SIZE_MAX / 2, 3));
	assert_null(mem_try_resize(NULL, SIZE_MAX, SIZE_MAX));
}

static void size_zero_is_a_pointer(void **state)
{
	(void)state;
	void *pointers[] = {mem_alloc(0), mem_zalloc(0), mem_try_alloc(0, 8), mem_try_zalloc(0, 8),
			    mem_try_aligned(64, 0)};
	for (size_t i = 0; i < sizeof(pointers) / sizeof(pointers[0]); i++) {
		assert_non_null(pointers[i]);
		free(pointers[i]);
	}
}

static void zeroed_memory_is_zero_and_aligned_is_aligned(void **state)
{
	(void)state;
	unsigned char *zeros = mem_try_zalloc(1000, 3);
	assert_non_null(zeros);
	for (int i = 0; i < 3000; i++)
		assert_int_equal(zeros[i], 0);
	free(zeros);
	void *page = mem_try_aligned(4096, 100);
	assert_int_equal((uintptr_t)page % 4096, 0);
	free(page);
}

static void reserve_grows_and_keeps(void **state)
{
	uint32_t *array = NULL;
	size_t capacity = 0;
	(void)state;
	for (uint32_t i = 0; i < 1000; i++) {
		assert_int_equal(mem_reserve(&array, &capacity, i + 1, sizeof(*array)), 0);
		assert_true(capacity > i);
		array[i] = i;
	}
	for (uint32_t i = 0; i < 1000; i++)
		assert_int_equal(array[i], i);
	free(array);
}

static void reserve_that_fails_keeps_the_array(void **state)
{
	uint32_t *array = NULL;
	size_t capacity = 0;
	(void)state;
	assert_int_equal(mem_reserve(&array, &capacity, 4, sizeof(*array)), 0);
	array[3] = 7;
	uint32_t *before = array;
	size_t had = capacity;
	assert_int_equal(mem_reserve(&array, &capacity, SIZE_MAX, sizeof(*array)), -ENOMEM);
	fault_set("mem:1");
	assert_int_equal(mem_reserve(&array, &capacity, had + 1, sizeof(*array)), -ENOMEM);
	fault_set(NULL);
	assert_ptr_equal(array, before);
	assert_int_equal(capacity, had);
	assert_int_equal(array[3], 7);
	free(array);
}

static void each_try_passes_the_fault_point(void **state)
{
	(void)state;
	fault_set("mem:1+");
	assert_null(mem_try_alloc(1, 1));
	assert_null(mem_try_zalloc(1, 1));
	assert_null(mem_try_resize(NULL, 1, 1));
	assert_null(mem_try_aligned(64, 1));
	assert_int_equal(fault_count("mem"), 4);
	fault_set(NULL);
}

static void strings_are_copied_and_printed(void **state)
{
	(void)state;
	char *copy = mem_strdup("granary");
	char *printed = mem_printf("%s/%d", copy, 7);
	assert_string_equal(printed, "granary/7");
	free(copy);
	free(printed);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(products_that_overflow_give_nothing),
		cmocka_unit_test(size_zero_is_a_pointer),
		cmocka_unit_test(zeroed_memory_is_zero_and_aligned_is_aligned),
		cmocka_unit_test(reserve_grows_and_keeps),
		cmocka_unit_test(reserve_that_fails_keeps_the_array),
		cmocka_unit_test(each_try_passes_the_fault_point),
		cmocka_unit_test(strings_are_copied_and_printed),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
