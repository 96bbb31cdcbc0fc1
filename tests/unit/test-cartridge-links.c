/* SPDX-License-Identifier: MIT */
/*
 * The folder of a cartridge may come from others. Links and FIFOs in the place of its files lead
 * nowhere: nothing outside is read or written, and nobody waits.
 */
#include "tests/unit/cartridge_support.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/cleanup.h"
#include "lib/base/file.h"
#include "lib/base/log.h"
#include "lib/base/mem.h"

static const char *const names[] = {"cartridge.conf", "p0.data", "p0.idx", "mam.0", "mam.1", "lock"};
#define NAMES (sizeof(names) / sizeof(names[0]))
static const char secret[] = "what the daemon's user alone may read or write";

static char *victim_make(const struct scene *s)
{
	char *victim = mem_printf("%s/victim", s->folder);

	assert_int_equal(file_replace(victim, secret, sizeof(secret), 0600), 0);
	return victim;
}

static void victim_check(char *victim)
{
	char *data = NULL;
	size_t size = 0;

	assert_int_equal(file_read_all(victim, 4096, &data, &size), 0);
	assert_int_equal(size, sizeof(secret));
	assert_memory_equal(data, secret, size);
	free(data);
	free(victim);
}

/* All that can be done with a cartridge, as far as it lets itself be opened. */
static void use(const struct scene *s)
{
	struct cartridge *c = NULL;
	uint8_t block[4096] = {0};

	if (cartridge_open(s->path, CARTRIDGE_READ, &c) == 0) {
		(void)cartridge_pread(c, 0, block, sizeof(block), 0, true);
		assert_null(memmem(block, sizeof(block), secret, sizeof(secret)));
		cartridge_close(&c);
	}
	if (cartridge_open(s->path, CARTRIDGE_WRITE, &c))
		return;
	(void)append_blocks(c, 0, sizeof(block), 4, 7);
	(void)cartridge_sync(c);
	(void)append_blocks(c, 0, sizeof(block), 4, 7);
	cartridge_close(&c);
}

static void test_links(void **state)
{
	struct scene *s = *state;

	log_set_level(LOG_LEVEL_ERROR - 1);
	append_blocks(s->c, 0, 4096, 4, 1);
	assert_int_equal(cartridge_close(&s->c), 0);
	for (size_t i = 0; i < NAMES; i++) {
		CLEANUP_FREE char *file = mem_strdup(scene_file(s, names[i]));
		CLEANUP_FREE char *aside = mem_printf("%s.aside", file);
		char *victim = victim_make(s);

		assert_int_equal(rename(file, aside), 0);
		assert_int_equal(symlink(victim, file), 0);
		use(s);
		victim_check(victim);
		assert_int_equal(rename(aside, file), 0);
	}
}

/* What is written beside a file, to be renamed over it, goes through no link either. */
static void test_links_of_new_files(void **state)
{
	const uint64_t sizes[] = {1 << 30, 1 << 30};
	static const char *const fresh[] = {"cartridge.conf.new", "p0.idx.new", "p1.data", "p1.idx.new"};
	struct scene *s = *state;

	log_set_level(LOG_LEVEL_ERROR - 1);
	for (size_t i = 0; i < sizeof(fresh) / sizeof(fresh[0]); i++) {
		CLEANUP_FREE char *file = mem_strdup(scene_file(s, fresh[i]));
		char *victim = victim_make(s);

		(void)unlink(file);
		assert_int_equal(symlink(victim, file), 0);
		(void)cartridge_format(s->c, 2, sizes);
		(void)cartridge_compact(s->c);
		victim_check(victim);
		unlink(file);
		cartridge_close(&s->c);
		assert_int_equal(cartridge_open(s->path, CARTRIDGE_WRITE, &s->c), 0);
	}
}

static void test_fifos(void **state)
{
	struct scene *s = *state;

	log_set_level(LOG_LEVEL_ERROR - 1);
	assert_int_equal(cartridge_close(&s->c), 0);
	alarm(300);
	for (size_t i = 0; i < NAMES; i++) {
		CLEANUP_FREE char *file = mem_strdup(scene_file(s, names[i]));
		CLEANUP_FREE char *aside = mem_printf("%s.aside", file);

		assert_int_equal(rename(file, aside), 0);
		assert_int_equal(mkfifo(file, 0600), 0);
		use(s);
		assert_int_equal(rename(aside, file), 0);
	}
	alarm(0);
}

/* The folder itself is no link. */
static void test_folder(void **state)
{
	struct scene *s = *state;
	struct cartridge *c = NULL;
	CLEANUP_FREE char *link = mem_printf("%s/B00001L8", s->folder);

	assert_int_equal(cartridge_close(&s->c), 0);
	assert_int_equal(symlink(s->path, link), 0);
	assert_int_not_equal(cartridge_open(link, CARTRIDGE_WRITE, &c), 0);
	assert_int_equal(cartridge_open(s->path, CARTRIDGE_WRITE, &c), 0);
	cartridge_close(&c);
	unlink(link);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, scene_setup, scene_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_links),
		TEST(test_links_of_new_files),
		TEST(test_fifos),
		TEST(test_folder),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
