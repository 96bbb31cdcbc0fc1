/* SPDX-License-Identifier: MIT */
/* Memory for secrets is in no core dump, and has no secrets when somebody else gets it. */
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "lib/base/fault.h"
#include "lib/base/secret.h"

/* Whether the mapping with this address has "dd" among its VmFlags (proc(5)): not dumped. */
static bool is_left_out(const void *pointer)
{
	char line[512];
	uintptr_t begin, end, wanted = (uintptr_t)pointer;
	bool inside = false, found = false, out = false;
	FILE *maps = fopen("/proc/self/smaps", "re");
	assert_non_null(maps);
	while (fgets(line, sizeof(line), maps)) {
		if (sscanf(line, "%" SCNxPTR "-%" SCNxPTR " ", &begin, &end) == 2) {
			inside = wanted >= begin && wanted < end;
			found |= inside;
		} else if (inside && strncmp(line, "VmFlags:", 8) == 0) {
			out = strstr(line, " dd") != NULL;
		}
	}
	fclose(maps);
	assert_true(found);
	return out;
}

static void it_is_left_out_of_core_dumps(void **state)
{
	static const size_t sizes[] = {0, 1, 4096, 100000};
	(void)state;
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		uint8_t *bytes = secret_alloc(1, sizes[i]);
		assert_non_null(bytes);
		assert_int_equal((uintptr_t)bytes % _Alignof(max_align_t), 0);
		for (size_t k = 0; k < sizes[i]; k++)
			assert_int_equal(bytes[k], 0);
		memset(bytes, 0x5a, sizes[i]);
		assert_true(is_left_out(bytes));
		if (sizes[i])
			assert_true(is_left_out(bytes + sizes[i] - 1));
		secret_free(bytes);
	}
	void *other = malloc(100000);
	assert_false(is_left_out(other));
	free(other);
}

static void what_cannot_be_had_is_null(void **state)
{
	(void)state;
	assert_null(secret_alloc(SIZE_MAX / 2, 3));
	assert_null(secret_alloc(1, SIZE_MAX - 8));
	assert_null(secret_alloc(1, (size_t)1 << 60));
	fault_set("mem:1");
	assert_null(secret_alloc(1, 1));
	fault_set(NULL);
	secret_free(NULL);
	secret_heap_free(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(it_is_left_out_of_core_dumps),
		cmocka_unit_test(what_cannot_be_had_is_null),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
