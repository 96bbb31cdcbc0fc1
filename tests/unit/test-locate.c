/* SPDX-License-Identifier: MIT */
/* A path belongs to the mount that the kernel would use for it, bind mounts and mounts on top
 * of each other included. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "svc/cli/locate.h"

static char table[] = "/tmp/granary-mounts.XXXXXX";

static const char mounts[] =
	"21 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw\n"
	"30 21 0:40 / /backup rw,nosuid - fuse.granary /srv/store rw,user_id=0\n"
	"31 21 0:40 /web/old /www/my\\040site rw master:3 - fuse.granary /srv/store rw\n"
	"32 30 0:41 / /backup/scratch rw - tmpfs tmpfs rw\n"
	"33 21 0:42 / /twice rw - fuse.granary /srv/first rw\n"
	"34 33 0:43 / /twice rw - fuse.granary /srv/sec\\134ond rw\n"
	"35 21 0:44 / /covered rw - fuse.granary /srv/third rw\n"
	"36 35 0:45 / /covered rw - tmpfs tmpfs rw\n"
	"a broken line\n";

static int make_table(void **state)
{
	(void)state;
	int fd = mkstemp(table);
	ssize_t n = write(fd, mounts, sizeof(mounts) - 1);
	close(fd);
	return n == sizeof(mounts) - 1 ? 0 : -1;
}

static int remove_table(void **state)
{
	(void)state;
	return unlink(table);
}

static void check(const char *path, const char *store, const char *mount, const char *inside)
{
	struct location location = {0};
	int error = locate_in_mounts(table, path, &location);
	assert_int_equal(error, store ? 0 : -ENOENT);
	if (!store)
		return;
	assert_string_equal(location.store, store);
	assert_string_equal(location.mount, mount);
	assert_string_equal(location.inside, inside);
	location_clear(&location);
}

static void a_path_in_a_mount_is_found(void **state)
{
	(void)state;
	check("/backup", "/srv/store", "/backup", "");
	check("/backup/a/b", "/srv/store", "/backup", "a/b");
}

static void a_longer_name_is_another_folder(void **state)
{
	(void)state;
	check("/backup2", NULL, NULL, NULL);
	check("/", NULL, NULL, NULL);
}

static void a_bind_mount_keeps_its_place_in_the_store(void **state)
{
	(void)state;
	check("/www/my site", "/srv/store", "/www/my site", "web/old");
	check("/www/my site/x", "/srv/store", "/www/my site", "web/old/x");
}

static void another_filesystem_inside_is_not_the_store(void **state)
{
	(void)state;
	check("/backup/scratch/x", NULL, NULL, NULL);
	check("/covered/x", NULL, NULL, NULL);
}

static void the_mount_on_top_counts(void **state)
{
	(void)state;
	check("/twice/x", "/srv/sec\\ond", "/twice", "x");
}

static void without_a_table_there_is_an_error(void **state)
{
	struct location location = {0};
	(void)state;
	assert_int_equal(locate_in_mounts("/nonexistent/mounts", "/", &location), -ENOENT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_path_in_a_mount_is_found),
		cmocka_unit_test(a_longer_name_is_another_folder),
		cmocka_unit_test(a_bind_mount_keeps_its_place_in_the_store),
		cmocka_unit_test(another_filesystem_inside_is_not_the_store),
		cmocka_unit_test(the_mount_on_top_counts),
		cmocka_unit_test(without_a_table_there_is_an_error),
	};
	return cmocka_run_group_tests(tests, make_table, remove_table);
}
