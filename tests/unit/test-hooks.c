/* SPDX-License-Identifier: MIT */
/*
 * Hooks end when their own process has, whatever it has left running; what is no executable file is
 * passed over; and what is deferred again while it waits waits once.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "lib/base/cleanup.h"
#include "lib/base/file.h"
#include "lib/base/mem.h"
#include "target/service/hooks.h"

#define SECONDS 60

static char folder[64], message[256];
static struct hooks *hooks;
static const struct hook_call eject = {
	.event = "eject", .library = "main", .barcode = "G00001L8", .path = "/tapes/main/G00001L8"};

static int start(void **state)
{
	(void)state;
	strcpy(folder, "/tmp/granary-hooks.XXXXXX");
	return mkdtemp(folder) ? hooks_new(folder, SECONDS, &hooks) : -1;
}

static int stop(void **state)
{
	(void)state;
	CLEANUP_FREE char *command = mem_printf("rm -rf %s", folder);
	hooks_free(&hooks);
	return system(command);
}

static void make_hook(const char *name, const char *script)
{
	CLEANUP_FREE char *path = mem_printf("%s/eject/%s", folder, name);
	assert_int_equal(file_replace(path, script, strlen(script), 0755), 0);
}

/* What a hook leaves behind may print for ever: nobody waits for its end. */
static void what_a_hook_leaves_running_is_not_waited_for(void **state)
{
	(void)state;
	make_hook("10-chatter", "#!/bin/sh\nyes &\n");
	make_hook("20-says", "#!/bin/sh\necho 'it is kept'\nyes &\nexit 4\n");
	alarm(SECONDS); /* a hang is a failure, too */
	assert_int_equal(hooks_run(hooks, &eject, message), -EPERM);
	alarm(0);
	assert_string_equal(message, "hook 20-says ended with status 4: it is kept");
}

static void only_executable_files_are_hooks(void **state)
{
	(void)state;
	CLEANUP_FREE char *aside = mem_printf("%s/eject/10-aside", folder);
	CLEANUP_FREE char *plain = mem_printf("%s/eject/20-plain", folder);
	CLEANUP_FREE char *gone = mem_printf("%s/eject/30-gone", folder);
	assert_int_equal(mkdir(aside, 0755), 0);
	assert_int_equal(file_replace(plain, "text", 4, 0644), 0);
	assert_int_equal(symlink("/nowhere/at/all", gone), 0);
	assert_int_equal(hooks_run(hooks, &eject, message), 0);
	make_hook("40-refuses", "#!/bin/sh\nexit 1\n");
	assert_int_equal(hooks_run(hooks, &eject, message), -EPERM);
	assert_non_null(strstr(message, "40-refuses"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(only_executable_files_are_hooks, start, stop),
		cmocka_unit_test_setup_teardown(what_a_hook_leaves_running_is_not_waited_for, start, stop),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
