/* SPDX-License-Identifier: MIT */
/*
 * A daemon tells its supervisor when it is ready, reloads and stops; with
 * --background its parent ends when it is ready, or with its failure.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/daemon/daemon.h"

static char root[64];
static char path[128];
static struct sockaddr_un address;
static int supervisor = -1;

static int make_root(void **state)
{
	(void)state;
	const char *tmp = getenv("TMPDIR");
	snprintf(root, sizeof(root), "%s/granary-ready.XXXXXX",
		 tmp && strlen(tmp) < 30 ? tmp : "/tmp");
	if (!mkdtemp(root))
		return -1;
	snprintf(path, sizeof(path), "%s/run/sample.sock", root);
	address = (struct sockaddr_un){.sun_family = AF_UNIX};
	snprintf(address.sun_path, sizeof(address.sun_path), "%s/notify", root);
	supervisor = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	return bind(supervisor, (struct sockaddr *)&address, sizeof(address));
}

static int remove_root(void **state)
{
	char command[128];
	(void)state;
	close(supervisor);
	snprintf(command, sizeof(command), "rm -rf '%s'", root);
	return system(command);
}

/* Its stderr goes to root/err. */
static pid_t spawn(const char *notify, const char *first, const char *second)
{
	char program[512], errors[128];
	const char *build = getenv("top_builddir");
	snprintf(program, sizeof(program), "%s/tests/svc/sample-daemon", build ? build : ".");
	snprintf(errors, sizeof(errors), "%s/err", root);
	pid_t pid = fork();
	if (pid == 0) {
		int fd = open(errors, O_WRONLY | O_CREAT | O_TRUNC, 0600);
		dup2(fd, STDERR_FILENO);
		if (notify)
			setenv("NOTIFY_SOCKET", notify, 1);
		else
			unsetenv("NOTIFY_SOCKET");
		execl(program, "sample-daemon", "--root", root, first, second, NULL);
		_exit(127);
	}
	return pid;
}

static int wait_status(pid_t pid)
{
	int status;
	if (waitpid(pid, &status, 0) != pid)
		return -1;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static void expect(const char *wanted)
{
	char text[512];
	struct pollfd p = {.fd = supervisor, .events = POLLIN};
	assert_int_equal(poll(&p, 1, 60000), 1);
	ssize_t n = recv(supervisor, text, sizeof(text) - 1, 0);
	assert_true(n > 0);
	text[n] = 0;
	assert_memory_equal(text, wanted, strlen(wanted));
	assert_int_equal(text[strlen(wanted)], '\n');
}

static json_t *ask_and_close(const char *method)
{
	char message[256];
	json_t *result = NULL;
	struct rpc_client *client = NULL;
	assert_int_equal(rpc_connect(path, &client), 0);
	assert_int_equal(rpc_call(client, method, NULL, &result, message), 0);
	if (strcmp(method, "stop") == 0)
		rpc_wait_end(client);
	rpc_close(&client);
	return result;
}

static bool stderr_has(const char *words)
{
	char errors[128], text[4096];
	snprintf(errors, sizeof(errors), "%s/err", root);
	int fd = open(errors, O_RDONLY);
	ssize_t n = read(fd, text, sizeof(text) - 1);
	close(fd);
	text[n > 0 ? n : 0] = 0;
	return strstr(text, words) != NULL;
}

static void the_supervisor_is_told(void **state)
{
	(void)state;
	pid_t pid = spawn(address.sun_path, NULL, NULL);
	expect("READY=1");
	json_decref(ask_and_close("status")); /* ready means that it answers */
	kill(pid, SIGHUP);
	expect("RELOADING=1");
	expect("READY=1");
	kill(pid, SIGTERM);
	expect("STOPPING=1");
	assert_int_equal(wait_status(pid), 0);
}

static void an_abstract_address_works_too(void **state)
{
	struct sockaddr_un abstract = {.sun_family = AF_UNIX};
	char name[108];
	(void)state;
	int n = snprintf(name, sizeof(name), "@granary-%d", (int)getpid());
	memcpy(abstract.sun_path, name, (size_t)n);
	abstract.sun_path[0] = 0;
	int kept = supervisor;
	supervisor = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	assert_int_equal(bind(supervisor, (struct sockaddr *)&abstract,
			      (socklen_t)(offsetof(struct sockaddr_un, sun_path) + (size_t)n)),
			 0);
	pid_t pid = spawn(name, NULL, NULL);
	expect("READY=1");
	kill(pid, SIGINT);
	expect("STOPPING=1");
	assert_int_equal(wait_status(pid), 0);
	close(supervisor);
	supervisor = kept;
}

static void a_supervisor_that_is_gone_is_no_reason_to_fail(void **state)
{
	(void)state;
	pid_t pid = spawn("/nonexistent/notify", "--exit-status=0", "--background");
	assert_int_equal(wait_status(pid), 0);
	json_decref(ask_and_close("stop"));
}

static void the_background_answers_when_the_parent_ends(void **state)
{
	(void)state;
	pid_t parent = spawn(NULL, "--background", "--threads=7");
	assert_int_equal(wait_status(parent), 0);
	json_t *status = ask_and_close("status");
	assert_int_equal(json_integer_value(json_object_get(status, "threads")), 7);
	assert_int_not_equal(json_integer_value(json_object_get(status, "pid")), parent);
	json_decref(status);
	json_decref(ask_and_close("stop"));
	assert_int_equal(access(path, F_OK), -1);
}

static void a_failure_in_the_background_is_the_parent_s(void **state)
{
	(void)state;
	assert_int_equal(wait_status(spawn(NULL, "--background", "--start-error=5")), 1);
	assert_true(stderr_has("Input/output error"));
	assert_int_equal(wait_status(spawn(NULL, "--background", "--start-error=22")), 2);
	assert_int_equal(wait_status(spawn(NULL, "--background", "--nonsense")), 2);
}

/* A log daemon is there: the failure is told to whoever starts by hand all the same. */
static void a_failure_is_shown_beside_the_log(void **state)
{
	char line[512], folder[96];
	struct sockaddr_un log = {.sun_family = AF_UNIX};
	(void)state;
	snprintf(folder, sizeof(folder), "%s/run", root);
	assert_int_equal(mkdir(folder, 0755), 0);
	snprintf(log.sun_path, sizeof(log.sun_path), "%s/run/log.sock", root);
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&log, sizeof(log)), 0);
	assert_int_equal(wait_status(spawn(NULL, "--background", "--start-error=5")), 1);
	assert_true(stderr_has("Input/output error"));
	ssize_t n = recv(fd, line, sizeof(line) - 1, MSG_DONTWAIT);
	close(fd);
	assert_true(n > 0);
	line[n] = 0;
	assert_non_null(strstr(line, "Input/output error"));
}

static void statuses_of_the_foreground(void **state)
{
	(void)state;
	assert_int_equal(wait_status(spawn(NULL, "--start-error=5", NULL)), 1);
	assert_int_equal(wait_status(spawn(NULL, "--start-error=22", NULL)), 2);
	assert_int_equal(wait_status(spawn(NULL, "--exit-status=7", NULL)), 7);
	assert_int_equal(wait_status(spawn(NULL, "--log-level=loud", NULL)), 2);
	assert_int_equal(wait_status(spawn(NULL, "--config=/nonexistent/conf", NULL)), 2);
}

static void secrets_are_not_logged(void **state)
{
	(void)state;
	assert_int_equal(wait_status(spawn(NULL, "--secret=hunter2", "--start-error=5")), 1);
	assert_false(stderr_has("hunter2"));
	assert_int_equal(wait_status(spawn(NULL, "--sercet=hunter2", "--log-level=debug")), 2);
	assert_true(stderr_has("sercet"));
	assert_false(stderr_has("hunter2"));
}

#define WITH_ROOT(test) cmocka_unit_test_setup_teardown(test, make_root, remove_root)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_ROOT(the_supervisor_is_told),
		WITH_ROOT(an_abstract_address_works_too),
		WITH_ROOT(a_supervisor_that_is_gone_is_no_reason_to_fail),
		WITH_ROOT(the_background_answers_when_the_parent_ends),
		WITH_ROOT(a_failure_in_the_background_is_the_parent_s),
		WITH_ROOT(a_failure_is_shown_beside_the_log),
		WITH_ROOT(statuses_of_the_foreground),
		WITH_ROOT(secrets_are_not_logged),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
