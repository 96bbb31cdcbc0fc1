/* SPDX-License-Identifier: MIT */
/* A fault point fails at the passage that was asked for, once or from there on. */
#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
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

struct passage {
	pthread_t thread;
	atomic_bool passed;
};

static void *pass(void *context)
{
	struct passage *p = context;
	bool failed = fault_hit("disk");
	atomic_store(&p->passed, true);
	return failed ? context : NULL;
}

static void a_gate_holds_who_passes_until_its_file_is_gone(void **state)
{
	char folder[] = "/tmp/gate.XXXXXX", gate[64], reached[80], spec[128];
	struct passage p = {.passed = false};
	void *failed;
	(void)state;
	assert_non_null(mkdtemp(folder));
	snprintf(gate, sizeof(gate), "%s/gate", folder);
	snprintf(reached, sizeof(reached), "%s.reached", gate);
	snprintf(spec, sizeof(spec), "memory:1,disk@%s,log:2", gate);
	fault_set(spec);
	assert_false(fault_hit("disk")); /* it is open */
	assert_true(fault_hit("memory"));
	close(open(gate, O_CREAT | O_WRONLY, 0600));
	assert_int_equal(pthread_create(&p.thread, NULL, pass, &p), 0);
	while (access(reached, F_OK) < 0)
		usleep(1000);
	assert_false(fault_hit("log"));
	assert_false(atomic_load(&p.passed));
	unlink(gate);
	pthread_join(p.thread, &failed);
	assert_null(failed);
	assert_int_equal(fault_count("disk"), 2);
	fault_set(NULL);
	unlink(reached);
	rmdir(folder);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(without_a_spec_nothing_fails),
		cmocka_unit_test(the_nth_passage_fails_once),
		cmocka_unit_test(a_plus_fails_from_there_on),
		cmocka_unit_test(points_are_apart),
		cmocka_unit_test(nonsense_names_no_point),
		cmocka_unit_test(a_gate_holds_who_passes_until_its_file_is_gone),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
