/* SPDX-License-Identifier: MIT */
/* Files are read and written whole or not, replaced in one step, and locked for one process. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/base/fault.h"
#include "lib/base/file.h"

static char folder[64];
static char path[128];

static int make_folder(void **state)
{
	(void)state;
	const char *tmp = getenv("TMPDIR");
	if (!tmp || strlen(tmp) > 30)
		tmp = "/tmp";
	snprintf(folder, sizeof(folder), "%s/granary-file.XXXXXX", tmp);
	if (!mkdtemp(folder))
		return -1;
	snprintf(path, sizeof(path), "%s/thing", folder);
	return 0;
}

static int remove_folder(void **state)
{
	char command[128];
	(void)state;
	fault_set(NULL);
	snprintf(command, sizeof(command), "rm -rf '%s'", folder);
	return system(command);
}

static void replace_then_read_gives_the_bytes(void **state)
{
	char *data;
	size_t size;
	struct stat st;
	(void)state;
	assert_int_equal(file_replace(path, "first", 5, 0600), 0);
	assert_int_equal(file_replace(path, "a\0b", 3, 0600), 0);
	assert_int_equal(file_read_all(path, 3, &data, &size), 0);
	assert_int_equal(size, 3);
	assert_memory_equal(data, "a\0b\0", 4);
	free(data);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	assert_int_equal(file_read_all(path, 2, &data, &size), -EFBIG);
	assert_int_equal(file_read_all(folder, 100, &data, &size), -EINVAL);
}

static void a_failed_replace_keeps_the_old_file(void **state)
{
	static const char *const faults[] = {"pwrite:1", "fdatasync:1"};
	char fresh[160];
	char *data;
	size_t size;
	(void)state;
	snprintf(fresh, sizeof(fresh), "%s.new", path);
	for (size_t i = 0; i < 2; i++) {
		assert_int_equal(file_replace(path, "old", 3, 0600), 0);
		fault_set(faults[i]);
		assert_int_equal(file_replace(path, "newer", 5, 0600), -EIO);
		fault_set(NULL);
		assert_int_equal(file_read_all(path, 100, &data, &size), 0);
		assert_string_equal(data, "old");
		free(data);
		assert_int_equal(access(fresh, F_OK), -1);
	}
}

static void a_short_file_is_told(void **state)
{
	char buffer[8] = "";
	(void)state;
	int fd = open(path, O_RDWR | O_CREAT, 0600);
	assert_true(fd >= 0);
	assert_int_equal(file_pwrite(fd, "abcdef", 6, 10), 0);
	assert_int_equal(file_pread(fd, buffer, 6, 10), 0);
	assert_memory_equal(buffer, "abcdef", 6);
	assert_int_equal(file_pread(fd, buffer, 7, 10), -ENODATA);
	fault_set("pread:1");
	assert_int_equal(file_pread(fd, buffer, 6, 10), -EIO);
	fault_set(NULL);
	assert_int_equal(file_sync(fd), 0);
	close(fd);
	fd = open(path, O_RDONLY);
	assert_int_equal(file_pwrite(fd, "x", 1, 0), -EBADF);
	close(fd);
}

static void a_folder_is_made_once(void **state)
{
	char below[160];
	(void)state;
	snprintf(below, sizeof(below), "%s/below", folder);
	assert_int_equal(file_make_directory(below, 0700), 0);
	assert_int_equal(file_make_directory(below, 0700), 0);
	assert_int_equal(file_sync_directory(below), 0);
	assert_int_equal(file_replace(path, "", 0, 0600), 0);
	assert_int_equal(file_make_directory(path, 0700), -ENOTDIR);
	assert_int_equal(file_sync_directory(path), -ENOTDIR);
}

static void a_lock_is_one_process_s(void **state)
{
	int fd, again;
	int status;
	(void)state;
	assert_int_equal(file_lock(path, &fd), 0);
	pid_t child = fork();
	if (child == 0)
		_exit(file_lock(path, &again) == -EWOULDBLOCK ? 0 : 1);
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
	close(fd);
	assert_int_equal(file_lock(path, &fd), 0);
	close(fd);
}

static void space_is_told(void **state)
{
	uint64_t available = 0, total = 0;
	(void)state;
	int fd = open(folder, O_RDONLY | O_DIRECTORY);
	assert_int_equal(file_space(fd, &available, &total), 0);
	assert_true(total > 0 && available <= total);
	close(fd);
	assert_int_equal(file_space(-1, &available, &total), -EBADF);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(replace_then_read_gives_the_bytes, make_folder,
						remove_folder),
		cmocka_unit_test_setup_teardown(a_failed_replace_keeps_the_old_file, make_folder,
						remove_folder),
		cmocka_unit_test_setup_teardown(a_short_file_is_told, make_folder, remove_folder),
		cmocka_unit_test_setup_teardown(a_folder_is_made_once, make_folder, remove_folder),
		cmocka_unit_test_setup_teardown(a_lock_is_one_process_s, make_folder,
						remove_folder),
		cmocka_unit_test_setup_teardown(space_is_told, make_folder, remove_folder),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
