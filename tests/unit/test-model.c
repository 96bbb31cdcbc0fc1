/* SPDX-License-Identifier: MIT */
/*
 * The model takes for synced what a sync of a file or a folder has to wait for,
 * and no more: the crash tests call a store broken that has lost the rest.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/fs/model.h"

/* The first two are in folder 0, the last in folder 1. */
enum { HERE = 0, THERE = 2, ELSEWHERE = 1 };

static const enum model_kind changes[] = {MODEL_RENAME, MODEL_EXCHANGE};

static void apply(struct model *m, enum model_kind kind, unsigned name, unsigned other)
{
	struct model_op op = {.kind = kind, .id = m->done + 1, .name = name, .other = other};
	model_apply(m, &op);
}

/* A file that is synced, and operation 3, on another one, that is not. */
static struct model *model_with_unsynced(void)
{
	struct model *m = model_new(65536);
	apply(m, MODEL_CREATE, HERE, 0);
	apply(m, MODEL_FSYNC, HERE, 0);
	apply(m, MODEL_CREATE, ELSEWHERE, 0);
	assert_int_equal(m->synced, 1);
	return m;
}

/* Asks each kind of sync, of the file and of its folder. */
static void check_synced(struct model *m, uint64_t wanted)
{
	apply(m, MODEL_FDATASYNC, HERE, 0);
	assert_int_equal(m->synced, wanted);
	apply(m, MODEL_FSYNC, HERE, 0);
	assert_int_equal(m->synced, wanted);
	apply(m, MODEL_FSYNC_FOLDER, 0, 0);
	assert_int_equal(m->synced, wanted);
	model_free(&m);
}

static void test_sync_covers_last_change(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 2; i++) {
		struct model *m = model_with_unsynced();
		apply(m, MODEL_CREATE, THERE, 0);
		apply(m, changes[i], THERE, HERE);
		check_synced(m, 5);
	}
	struct model *m = model_with_unsynced();
	apply(m, MODEL_LINK, HERE, THERE);
	check_synced(m, 4);
	m = model_with_unsynced();
	apply(m, MODEL_TRUNCATE, HERE, 0);
	check_synced(m, 4);
}

/* A sync of one folder has nothing to do with what happened in the other. */
static void test_sync_of_folder_covers_its_own_names(void **state)
{
	(void)state;
	struct model *m = model_with_unsynced();
	apply(m, MODEL_LINK, HERE, 3);
	apply(m, MODEL_FSYNC_FOLDER, 0, 0);
	assert_int_equal(m->synced, 1);
	apply(m, MODEL_FSYNC_FOLDER, 1, 0);
	assert_int_equal(m->synced, 4);
	apply(m, MODEL_CREATE, ELSEWHERE + 4, 0);
	apply(m, MODEL_RENAME, ELSEWHERE + 4, THERE);
	apply(m, MODEL_FSYNC_FOLDER, 0, 0);
	assert_int_equal(m->synced, 8);
	apply(m, MODEL_EXCHANGE, THERE, ELSEWHERE);
	apply(m, MODEL_UNLINK, ELSEWHERE, 0);
	apply(m, MODEL_FSYNC_FOLDER, 0, 0);
	assert_int_equal(m->synced, 10);
	model_free(&m);
}

/* rename(2) does nothing then, and so leaves nothing to sync. */
static void test_name_given_to_itself_changes_nothing(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 2; i++) {
		struct model *m = model_with_unsynced();
		apply(m, changes[i], HERE, HERE);
		check_synced(m, 1);
	}
}

static void test_name_given_to_its_other_link_changes_nothing(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 2; i++) {
		struct model *m = model_new(65536);
		apply(m, MODEL_CREATE, HERE, 0);
		apply(m, MODEL_LINK, HERE, THERE);
		apply(m, MODEL_FSYNC, THERE, 0);
		apply(m, MODEL_CREATE, ELSEWHERE, 0);
		apply(m, changes[i], HERE, THERE);
		assert_ptr_equal(m->names[HERE], m->names[THERE]);
		assert_int_equal(m->names[HERE]->links, 2);
		check_synced(m, 2);
	}
}

/* Each operation is done whether it changes anything or not. */
static void test_stream_goes_on(void **state)
{
	(void)state;
	struct model *m = model_new(65536);
	model_seed(m, 1);
	for (uint64_t n = 1; n <= 2000; n++) {
		struct model_op op;
		model_next(m, &op);
		assert_int_equal(op.id, n);
		model_apply(m, &op);
		assert_int_equal(m->done, n);
		assert_true(m->synced <= n);
	}
	model_free(&m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sync_covers_last_change),
		cmocka_unit_test(test_sync_of_folder_covers_its_own_names),
		cmocka_unit_test(test_name_given_to_itself_changes_nothing),
		cmocka_unit_test(test_name_given_to_its_other_link_changes_nothing),
		cmocka_unit_test(test_stream_goes_on),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
