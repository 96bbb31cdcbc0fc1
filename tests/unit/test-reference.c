/* SPDX-License-Identifier: MIT */
/* The table of references says what a plain array says, whatever is put, taken and dropped. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "fs/tree/reference.h"
#include "lib/base/fault.h"

#define NUMBERS 1500u

static void test_random_operations(void **state)
{
	(void)state;
	struct references r = {0};
	uint64_t model[NUMBERS + 1] = {0}, seed = 42;
	for (unsigned i = 0; i < 200000; i++) {
		seed = seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
		uint64_t inode = 1 + (seed >> 33) % NUMBERS, count = 1 + (seed >> 20) % 3;
		switch ((seed >> 60) % 3) {
		case 0:
			if (model[inode] == 0) {
				assert_int_equal(references_put(&r, inode, count), 0);
				model[inode] = count;
			}
			break;
		case 1:
			references_drop(&r, inode, count);
			model[inode] -= model[inode] < count ? model[inode] : count;
			break;
		case 2:
			assert_int_equal(references_take(&r, inode), model[inode]);
			model[inode] = 0;
		}
	}
	for (uint64_t inode = 1; inode <= NUMBERS; inode++)
		assert_int_equal(references_take(&r, inode), model[inode]);
	assert_int_equal(r.used, 0);
	references_free(&r);
}

static void test_no_memory_forgets_nothing(void **state)
{
	(void)state;
	struct references r = {0};
	uint64_t inode = 1;
	int error = 0;
	fault_set("mem:3");
	for (; inode < 5000 && !error; inode++)
		error = references_put(&r, inode, inode);
	fault_set(NULL);
	assert_int_equal(error, -ENOMEM);
	for (uint64_t i = 1; i < inode - 1; i++)
		assert_int_equal(references_take(&r, i), i);
	assert_int_equal(references_take(&r, inode - 1), 0);
	references_free(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_random_operations),
		cmocka_unit_test(test_no_memory_forgets_nothing),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
