/* SPDX-License-Identifier: MIT */
/* A fault point fails at the passage that was asked for, once or from there on. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "lib/base/fault.h"

static void without_a_spec_nothing_fails(void **state)
{
	(void)state;
	fault_set(NULL);
	for (int i = 0; i < 100; i++)
		assert_false(fault_hit("disk"));
	assert_int_equal(fault_count("disk"), 0);
}

static void the_nth_passage_fails_once(void **state)
{
	(void)state;
	fault_set("disk:3");
	assert_false(fault_hit("disk"));
	assert_false(fault_hit("disk"));
	assert_true(fault_hit("disk"));
	assert_false(fault_hit("disk"));
	assert_int_equal(fault_count("disk"), 4);
}

static void a_plus_fails_from_there_on(void **state)
{
	(void)state;
	fault_set("disk:2+");
	assert_false(fault_hit("disk"));
	assert_true(fault_hit("disk"));
	assert_true(fault_hit("disk"));
}

static void points_are_apart(void **state)
{
	(void)state;
	fault_set("disk:1,memory:2");
	assert_false(fault_hit("memory"));
	assert_true(fault_hit("disk"));
	assert_true(fault_hit("memory"));
	assert_false(fault_hit("dis"));
	fault_set(NULL);
	assert_false(fault_hit("disk"));
}

static void nonsense_names_no_point(void **state)
{
	(void)state;
	fault_set("disk,:,disk:,,:3");
	assert_false(fault_hit("disk"));
	fault_set(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(without_a_spec_nothing_fails),
		cmocka_unit_test(the_nth_passage_fails_once),
		cmocka_unit_test(a_plus_fails_from_there_on),
		cmocka_unit_test(points_are_apart),
		cmocka_unit_test(nonsense_names_no_point),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
