/* SPDX-License-Identifier: MIT */
/*
 * Cleaning frees what nothing refers to and nothing else, while files are written, in several
 * passes, paused, stopped and after restarts.
 */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

#include <cmocka.h>

#include "tests/unit/tree_scene.h"

#define MIB (UINT64_C(1) << 20)

static void commit(struct scene *s)
{
	assert_int_equal(tree_commit(s->tree, 0), 0);
}

static void reopen(struct scene *s)
{
	scene_close(s);
	scene_open(s);
}

static void drop(struct scene *s, const char *name)
{
	assert_int_equal(tree_unlink(s->tree, TREE_ROOT, name), 0);
}

static void test_frees_what_was_deleted(void **state)
{
	(void)state;
	struct scene s;
	scene_new(&s);
	scene_file(&s, TREE_ROOT, "keep", 1, 6 * MIB);
	scene_file(&s, TREE_ROOT, "drop", 2, 6 * MIB);
	scene_file(&s, TREE_ROOT, "copy", 1, 6 * MIB);
	commit(&s);
	uint64_t before = scene_used(&s);
	struct tree_job_status status = scene_run(&s, TREE_JOB_CLEAN);
	assert_in_range(status.freed, 0, MIB);
	drop(&s, "drop");
	drop(&s, "copy");
	status = scene_run(&s, TREE_JOB_CLEAN);
	assert_in_range(status.freed, 5 * MIB, 8 * MIB);
	assert_in_range(status.will_free, 5 * MIB, 8 * MIB);
	assert_true(status.finished_ns >= status.started_ns && status.started_ns > 0);
	assert_in_range(scene_used(&s), 6 * MIB, before - 4 * MIB);
	scene_check(&s, TREE_ROOT, "keep", 1, 6 * MIB);
	reopen(&s);
	scene_check(&s, TREE_ROOT, "keep", 1, 6 * MIB);
	scene_end(&s);
}

static void test_keeps_the_parts_that_others_use(void **state)
{
	(void)state;
	struct scene s;
	scene_new(&s);
	uint64_t whole = scene_file(&s, TREE_ROOT, "whole", 3, 8 * MIB);
	scene_file(&s, TREE_ROOT, "front", 3, 2 * MIB);
	uint64_t piece = scene_make(&s, TREE_ROOT, "piece", S_IFREG | 0600);
	assert_int_equal(tree_copy_range(s.tree, whole, 0, piece, 0, 3 * MIB), 3 * MIB);
	commit(&s);
	drop(&s, "whole");
	struct tree_job_status status = scene_run(&s, TREE_JOB_CLEAN);
	assert_in_range(status.freed, 4 * MIB, 6 * MIB);
	for (int round = 0; round < 2; round++) {
		scene_check(&s, TREE_ROOT, "front", 3, 2 * MIB);
		scene_check(&s, TREE_ROOT, "piece", 3, 3 * MIB);
		reopen(&s);
	}
	scene_end(&s);
}

static void test_open_files_without_a_name_stay(void **state)
{
	(void)state;
	struct scene s;
	scene_new(&s);
	uint64_t inode = scene_file(&s, TREE_ROOT, "gone", 4, 3 * MIB);
	assert_int_equal(tree_open_file(s.tree, inode, O_RDONLY), 0);
	drop(&s, "gone");
	scene_run(&s, TREE_JOB_CLEAN);
	assert_int_equal(scene_try_read(&s, inode, 4, 3 * MIB), 0);
	tree_release_file(s.tree, inode);
	struct tree_job_status status = scene_run(&s, TREE_JOB_CLEAN);
	assert_in_range(status.freed, 2 * MIB, 5 * MIB);
	scene_end(&s);
}

static void test_several_passes_in_little_memory(void **state)
{
	(void)state;
	struct scene s;
	scene_new(&s);
	assert_int_equal(tree_close(&s.tree), 0);
	s.options.clean_memory = 64;
	assert_int_equal(tree_open(s.store, &s.options, &s.tree), 0);
	char name[16];
	for (int i = 0; i < 8; i++) {
		snprintf(name, sizeof(name), "f%d", i);
		scene_file(&s, TREE_ROOT, name, 10 + (uint64_t)i, 2 * MIB);
	}
	commit(&s);
	for (int i = 0; i < 8; i += 2) {
		snprintf(name, sizeof(name), "f%d", i);
		drop(&s, name);
	}
	struct tree_job_status status = scene_run(&s, TREE_JOB_CLEAN);
	assert_in_range(status.freed, 6 * MIB, 10 * MIB);
	reopen(&s);
	for (int i = 1; i < 8; i += 2) {
		snprintf(name, sizeof(name), "f%d", i);
		scene_check(&s, TREE_ROOT, name, 10 + (uint64_t)i, 2 * MIB);
	}
	scene_end(&s);
}

/* ---- writers meanwhile ---- */

struct writer {
	struct scene *scene;
	atomic_bool stop;
	atomic_int rounds;
};

/* Writes again, copies and deletes data that was deleted a moment ago. */
static void *writer_main(void *argument)
{
	struct writer *w = argument;
	struct scene *s = w->scene;
	for (w->rounds = 0; !atomic_load(&w->stop); w->rounds++) {
		uint64_t seed = 100 + (uint64_t)w->rounds % 3;
		uint64_t a = scene_file(s, TREE_ROOT, "again", seed, MIB);
		uint64_t b = scene_lookup(s, TREE_ROOT, "moved");
		if (!b)
			b = scene_make(s, TREE_ROOT, "moved", S_IFREG | 0600);
		assert_int_equal(tree_copy_range(s->tree, a, 0, b, 0, MIB), MIB);
		drop(s, "again");
		if (w->rounds % 2)
			commit(s);
		scene_check(s, TREE_ROOT, "moved", seed, MIB);
	}
	return NULL;
}

static void test_writers_go_on(void **state)
{
	(void)state;
	struct scene s;
	scene_new(&s);
	scene_file(&s, TREE_ROOT, "keep", 1, 4 * MIB);
	struct writer w = {.scene = &s};
	pthread_t thread;
	assert_int_equal(pthread_create(&thread, NULL, writer_main, &w), 0);
	for (int i = 0; i < 6 || w.rounds < 4; i++)
		scene_run(&s, TREE_JOB_CLEAN);
	atomic_store(&w.stop, true);
	pthread_join(thread, NULL);
	scene_run(&s, TREE_JOB_CLEAN);
	reopen(&s);
	scene_check(&s, TREE_ROOT, "keep", 1, 4 * MIB);
	scene_check(&s, TREE_ROOT, "moved", 100 + (uint64_t)(w.rounds - 1) % 3, MIB);
	scene_end(&s);
}

/* ---- commands ---- */

/* Wherever the job is by then, at its end too. */
static void test_what_is_paused_stays_so(void **state)
{
	(void)state;
	struct scene s;
	scene_new(&s);
	scene_file(&s, TREE_ROOT, "keep", 1, MIB);
	commit(&s);
	for (unsigned i = 0; i < 60; i++) {
		/* After the sweep of something a copy of the catalogue is made, at the very end. */
		scene_file(&s, TREE_ROOT, "drop", 2 + i, MIB);
		commit(&s);
		drop(&s, "drop");
		assert_int_equal(tree_job_command(s.tree, TREE_JOB_CLEAN, TREE_JOB_START), 0);
		usleep(i * 300);
		int rc = tree_job_command(s.tree, TREE_JOB_CLEAN, TREE_JOB_PAUSE);
		if (rc == 0) {
			/* A tree that is closed at once meets the job's last step under way. */
			if (i % 3)
				usleep(10000);
			assert_string_equal(scene_status(&s, TREE_JOB_CLEAN).state, "paused");
			if (i % 10 == 9 || i % 3 == 0)
				reopen(&s);
			assert_string_equal(scene_status(&s, TREE_JOB_CLEAN).state, "paused");
			assert_int_equal(tree_job_command(s.tree, TREE_JOB_CLEAN, TREE_JOB_RESUME), 0);
		} else {
			assert_int_equal(rc, -ESRCH);
		}
		assert_string_equal(scene_wait(&s, TREE_JOB_CLEAN).state, "idle");
	}
	scene_end(&s);
}

/* Pauses the cleaning of a file; it may be quicker, so that there has to be another one. */
static void start_and_pause(struct scene *s)
{
	for (unsigned i = 0; i < 100; i++) {
		scene_file(s, TREE_ROOT, "drop", 2 + i, 4 * MIB);
		commit(s);
		drop(s, "drop");
		assert_int_equal(tree_job_command(s->tree, TREE_JOB_CLEAN, TREE_JOB_START), 0);
		int rc = tree_job_command(s->tree, TREE_JOB_CLEAN, TREE_JOB_PAUSE);
		if (rc == 0)
			return;
		assert_int_equal(rc, -ESRCH);
		assert_string_equal(scene_wait(s, TREE_JOB_CLEAN).state, "idle");
	}
	fail_msg("always quicker");
}

static void test_pause_resume_stop_and_restart(void **state)
{
	(void)state;
	struct scene s;
	scene_new(&s);
	struct tree *t = s.tree;
	assert_string_equal(scene_status(&s, TREE_JOB_CLEAN).state, "idle");
	assert_int_equal(tree_job_command(t, TREE_JOB_CLEAN, TREE_JOB_PAUSE), -ESRCH);
	assert_int_equal(tree_job_command(t, TREE_JOB_CLEAN, TREE_JOB_RESUME), -ESRCH);
	assert_int_equal(tree_job_command(t, TREE_JOB_CLEAN, TREE_JOB_STOP), -ESRCH);
	scene_file(&s, TREE_ROOT, "keep", 1, 2 * MIB);
	commit(&s);
	start_and_pause(&s);
	assert_int_equal(tree_job_command(t, TREE_JOB_CLEAN, TREE_JOB_START), -EALREADY);
	usleep(20000);
	assert_string_equal(scene_status(&s, TREE_JOB_CLEAN).state, "paused");

	/* Paused it stays, over a restart too. */
	reopen(&s);
	assert_string_equal(scene_status(&s, TREE_JOB_CLEAN).state, "paused");
	assert_int_equal(tree_job_command(s.tree, TREE_JOB_CLEAN, TREE_JOB_RESUME), 0);
	struct tree_job_status status = scene_wait(&s, TREE_JOB_CLEAN);
	assert_string_equal(status.state, "idle");
	assert_in_range(status.freed, 3 * MIB, 6 * MIB);

	/* What was running goes on by itself. */
	drop(&s, "keep");
	assert_int_equal(tree_job_command(s.tree, TREE_JOB_CLEAN, TREE_JOB_START), 0);
	reopen(&s);
	status = scene_wait(&s, TREE_JOB_CLEAN);
	assert_string_equal(status.state, "idle");
	assert_in_range(scene_used(&s), 0, 2 * MIB);

	assert_int_equal(tree_job_command(s.tree, TREE_JOB_CLEAN, TREE_JOB_START), 0);
	int rc = tree_job_command(s.tree, TREE_JOB_CLEAN, TREE_JOB_STOP);
	assert_true(rc == 0 || rc == -ESRCH); /* it may have been quicker */
	assert_string_equal(scene_status(&s, TREE_JOB_CLEAN).state, "idle");
	scene_end(&s);
}

/* ---- figures ---- */

static const struct tree_container *container_named(const struct tree_container *list, ssize_t count,
						    const char *name)
{
	for (ssize_t i = 0; i < count; i++)
		if (strcmp(list[i].name, name) == 0)
			return &list[i];
	fail_msg("no container %s", name);
	return NULL;
}

static void test_containers_are_told_what_they_cost(void **state)
{
	(void)state;
	struct scene s;
	scene_new(&s);
	uint64_t x = scene_make(&s, TREE_ROOT, "x", S_IFDIR | 0755);
	uint64_t y = scene_make(&s, TREE_ROOT, "y", S_IFDIR | 0755);
	scene_file(&s, x, "shared", 1, 4 * MIB);
	commit(&s); /* or the two are in the pipeline together, and a few chunks may be stored twice */
	scene_file(&s, y, "shared", 1, 4 * MIB);
	scene_file(&s, y, "own", 2, 2 * MIB);
	commit(&s);
	scene_run(&s, TREE_JOB_CLEAN);
	struct tree_container *list;
	for (int round = 0; round < 2; round++) {
		ssize_t count = tree_containers(s.tree, &list);
		assert_int_equal(container_named(list, count, "x")->deduplicated, 4 * MIB);
		assert_in_range(container_named(list, count, "x")->stored, 4 * MIB, 5 * MIB);
		assert_int_equal(container_named(list, count, "y")->deduplicated, 2 * MIB);
		assert_int_equal(container_named(list, count, "y")->logical, 6 * MIB);
		free(list);
		reopen(&s);
	}
	/* The owner goes, the other one inherits. */
	assert_int_equal(tree_unlink(s.tree, x, "shared"), 0);
	scene_run(&s, TREE_JOB_CLEAN);
	ssize_t count = tree_containers(s.tree, &list);
	assert_int_equal(container_named(list, count, "x")->deduplicated, 0);
	assert_int_equal(container_named(list, count, "y")->deduplicated, 6 * MIB);
	free(list);
	scene_check(&s, y, "shared", 1, 4 * MIB);
	scene_end(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_frees_what_was_deleted),
		cmocka_unit_test(test_keeps_the_parts_that_others_use),
		cmocka_unit_test(test_open_files_without_a_name_stay),
		cmocka_unit_test(test_several_passes_in_little_memory),
		cmocka_unit_test(test_writers_go_on),
		cmocka_unit_test(test_what_is_paused_stays_so),
		cmocka_unit_test(test_pause_resume_stop_and_restart),
		cmocka_unit_test(test_containers_are_told_what_they_cost),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
