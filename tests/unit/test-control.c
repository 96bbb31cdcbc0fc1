/* SPDX-License-Identifier: MIT */
/*
 * The control socket of a real daemon (tests/svc/sample-daemon): it answers in
 * order, lets nobody make others wait, refuses whom it must, and its end is
 * orderly.
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
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "lib/daemon/control.h"
#include "lib/daemon/daemon.h"
#include "lib/daemon/socket.h"

/* A daemon has a minute to start, of 20 ms each. */
#define START_TRIES 3000

static char root[64];
static char path[128];
static pid_t daemon_pid = -1;

static void pause_ms(long ms)
{
	struct timespec t = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000};
	nanosleep(&t, NULL);
}

static pid_t spawn(const char *extra)
{
	char program[512];
	const char *build = getenv("top_builddir");
	snprintf(program, sizeof(program), "%s/tests/svc/sample-daemon", build ? build : ".");
	pid_t pid = fork();
	if (pid == 0) {
		execl(program, "sample-daemon", "--root", root, "--log-level=error", extra, NULL);
		_exit(127);
	}
	return pid;
}

static int make_root(void **state)
{
	(void)state;
	const char *tmp = getenv("TMPDIR");
	snprintf(root, sizeof(root), "%s/granary-control.XXXXXX",
		 tmp && strlen(tmp) < 30 ? tmp : "/tmp");
	if (!mkdtemp(root) || chmod(root, 0755) < 0)
		return -1;
	snprintf(path, sizeof(path), "%s/run/sample.sock", root);
	return 0;
}

static int remove_root(void **state)
{
	char command[128];
	(void)state;
	snprintf(command, sizeof(command), "rm -rf '%s'", root);
	return system(command);
}

static int start(void **state)
{
	struct rpc_client *client = NULL;
	if (make_root(state))
		return -1;
	daemon_pid = spawn(NULL);
	for (int i = 0; i < START_TRIES && rpc_connect(path, &client) != 0; i++)
		pause_ms(20);
	if (!client)
		return -1;
	rpc_close(&client);
	return 0;
}

static int wait_status(pid_t pid)
{
	int status;
	if (waitpid(pid, &status, 0) != pid)
		return -1;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static int stop(void **state)
{
	int status = 0;
	if (daemon_pid > 0) {
		kill(daemon_pid, SIGTERM);
		status = wait_status(daemon_pid);
		daemon_pid = -1;
	}
	remove_root(state);
	return status;
}

static struct rpc_client *connected(void)
{
	struct rpc_client *client = NULL;
	assert_int_equal(rpc_connect(path, &client), 0);
	return client;
}

static int raw(void)
{
	int fd = -1;
	assert_int_equal(socket_connect(path, &fd), 0);
	return fd;
}

/* What comes until a newline or the end; "" if the connection ends at once. */
static void read_line(int fd, char *line, size_t size)
{
	size_t used = 0;
	struct pollfd p = {.fd = fd, .events = POLLIN};
	while (used + 1 < size && (used == 0 || line[used - 1] != '\n')) {
		assert_int_equal(poll(&p, 1, 60000), 1);
		ssize_t n = recv(fd, line + used, 1, 0);
		if (n <= 0)
			break;
		used += (size_t)n;
	}
	line[used] = 0;
}

static void send_text(int fd, const char *text)
{
	size_t size = strlen(text);
	assert_int_equal(send(fd, text, size, MSG_NOSIGNAL), size);
}

static void calls_are_answered(void **state)
{
	char message[256];
	json_t *result = NULL;
	(void)state;
	struct rpc_client *client = connected();
	json_t *params = json_pack("{s:[i,i], s:s}", "list", 1, 2, "text", "a\nb");
	assert_int_equal(rpc_call(client, "echo", params, &result, message), 0);
	assert_true(json_equal(params, result));
	json_decref(params);
	json_decref(result);
	assert_int_equal(rpc_call(client, "fail", NULL, &result, message), RPC_FAILED);
	assert_string_equal(message, "there is no room for it");
	assert_int_equal(rpc_call(client, "nothing", NULL, &result, message), RPC_NO_METHOD);
	assert_int_equal(rpc_call(client, "slow", NULL, &result, message), RPC_INVALID_PARAMS);
	rpc_close(&client);
}

static void every_daemon_answers_the_common_methods(void **state)
{
	static const char *const methods[] = {"status", "metrics", "reload", "log-level",
					      "methods"};
	char message[256];
	(void)state;
	struct rpc_client *client = connected();
	for (size_t i = 0; i < sizeof(methods) / sizeof(methods[0]); i++) {
		json_t *result = NULL;
		assert_int_equal(rpc_call(client, methods[i], NULL, &result, message), 0);
		assert_true(json_is_object(result));
		if (i == 0) {
			assert_int_equal(json_integer_value(json_object_get(result, "pid")),
					 daemon_pid);
			assert_int_equal(json_integer_value(json_object_get(result, "threads")), 2);
		}
		json_decref(result);
	}
	rpc_close(&client);
}

static void the_log_level_is_set_and_checked(void **state)
{
	char message[256];
	json_t *result = NULL;
	(void)state;
	struct rpc_client *client = connected();
	json_t *params = json_pack("{s:s}", "level", "warning");
	assert_int_equal(rpc_call(client, "log-level", params, &result, message), 0);
	assert_string_equal(json_string_value(json_object_get(result, "level")), "warning");
	json_decref(result);
	json_decref(params);
	params = json_pack("{s:s}", "level", "loud");
	assert_int_equal(rpc_call(client, "log-level", params, &result, message),
			 RPC_INVALID_PARAMS);
	json_decref(params);
	assert_int_equal(rpc_call(client, "log-level", NULL, &result, message), 0);
	assert_string_equal(json_string_value(json_object_get(result, "level")), "warning");
	json_decref(result);
	rpc_close(&client);
}

static void answers_keep_the_order_of_the_requests(void **state)
{
	char line[4096], wanted[64];
	(void)state;
	int fd = raw();
	send_text(fd, "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"slow\",\"params\":{\"ms\":200}}\n"
		      "{\"jsonrpc\":\"2.0\",\"method\":\"echo\"}\r\n\n"
		      "{\"jsonrpc\":\"2.0\",\"id\":2,\"method\":\"echo\"}\n"
		      "{\"jsonrpc\":\"2.0\",\"id\":3,\"method\":\"slow\",\"params\":{\"ms\":1}}\n"
		      "{\"jsonrpc\":\"2.0\",\"id\":4,\"method\":\"fail\"}\n");
	shutdown(fd, SHUT_WR);
	for (int id = 1; id <= 4; id++) {
		read_line(fd, line, sizeof(line));
		snprintf(wanted, sizeof(wanted), "{\"jsonrpc\":\"2.0\",\"id\":%d,", id);
		assert_memory_equal(line, wanted, strlen(wanted));
	}
	read_line(fd, line, sizeof(line));
	assert_string_equal(line, "");
	close(fd);
}

/* Answered while the slow one is not? */
static bool echo_beside_slow(void)
{
	char message[256], line[256], byte;
	json_t *result = NULL;
	int slow = raw();
	send_text(slow,
		  "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"slow\",\"params\":{\"ms\":1500}}\n");
	struct rpc_client *client = connected();
	assert_int_equal(rpc_call(client, "echo", NULL, &result, message), 0);
	bool beside = recv(slow, &byte, 1, MSG_PEEK | MSG_DONTWAIT) < 0;
	json_decref(result);
	rpc_close(&client);
	read_line(slow, line, sizeof(line));
	assert_non_null(strstr(line, "\"slept\":1500"));
	close(slow);
	return beside;
}

static void work_on_a_thread_keeps_nobody_waiting(void **state)
{
	(void)state;
	/* On a busy machine the test itself may be what comes late. */
	for (unsigned i = 0; i < 10; i++)
		if (echo_beside_slow())
			return;
	fail_msg("the slow call came first, always");
}

static void a_client_may_leave_before_its_answer(void **state)
{
	char message[256];
	json_t *result = NULL;
	(void)state;
	for (int i = 0; i < 4; i++) {
		int fd = raw();
		send_text(fd, "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"slow\","
			      "\"params\":{\"ms\":100}}\n");
		close(fd);
	}
	pause_ms(300);
	struct rpc_client *client = connected();
	assert_int_equal(rpc_call(client, "echo", NULL, &result, message), 0);
	json_decref(result);
	rpc_close(&client);
}

static void half_a_line_makes_nobody_wait(void **state)
{
	char message[256], line[256];
	json_t *result = NULL;
	(void)state;
	int fd = raw();
	send_text(fd, "{\"jsonrpc\":\"2.0\",\"id\":1,");
	struct rpc_client *client = connected();
	assert_int_equal(rpc_call(client, "echo", NULL, &result, message), 0);
	json_decref(result);
	rpc_close(&client);
	send_text(fd, "\"method\":\"echo\"}\n");
	read_line(fd, line, sizeof(line));
	assert_string_equal(line, "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{}}\n");
	close(fd);
}

static void a_line_too_long_ends_the_connection(void **state)
{
	char line[512];
	static const char behind[] = "\n{\"jsonrpc\":\"2.0\",\"method\":\"stop\"}\n";
	char message[256];
	json_t *result = NULL;
	size_t size = CONTROL_LINE_MAX + 4096;
	char *text = malloc(size);
	(void)state;
	assert_non_null(text);
	memset(text, ' ', size);
	/* What comes behind is not taken for a request. */
	memcpy(text + size - sizeof(behind) + 1, behind, sizeof(behind) - 1);
	int fd = raw();
	/* The daemon closes early: not all may be taken. */
	for (size_t sent = 0; sent < size;) {
		ssize_t n = send(fd, text + sent, size - sent, MSG_NOSIGNAL);
		if (n < 0)
			break;
		sent += (size_t)n;
	}
	free(text);
	read_line(fd, line, sizeof(line));
	assert_non_null(strstr(line, "-32600"));
	read_line(fd, line, sizeof(line));
	assert_string_equal(line, "");
	close(fd);
	struct rpc_client *client = connected();
	assert_int_equal(rpc_call(client, "echo", NULL, &result, message), 0);
	json_decref(result);
	rpc_close(&client);
}

static void a_request_of_the_full_size_is_served(void **state)
{
	char message[256];
	json_t *result = NULL;
	size_t size = CONTROL_LINE_MAX - 200;
	char *text = malloc(size + 1);
	(void)state;
	assert_non_null(text);
	memset(text, 'x', size);
	text[size] = 0;
	json_t *params = json_pack("{s:s}", "text", text);
	struct rpc_client *client = connected();
	assert_int_equal(rpc_call(client, "echo", params, &result, message), 0);
	assert_true(json_equal(params, result));
	json_decref(result);
	json_decref(params);
	rpc_close(&client);
	free(text);
}

static void a_peer_that_does_not_read_is_not_served_on(void **state)
{
	static const char request[] = "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"long\","
				      "\"params\":{\"bytes\":700000}}\n";
	char message[256];
	json_t *result = NULL;
	(void)state;
	int fd = raw();
	for (int i = 0; i < 200; i++)
		send_text(fd, request);
	pause_ms(300);
	struct rpc_client *client = connected();
	assert_int_equal(rpc_call(client, "metrics", NULL, &result, message), 0);
	/* 200 answers would be 140 MB and 200 requests. */
	assert_true(json_integer_value(json_object_get(result, "control_requests")) < 20);
	json_decref(result);
	rpc_close(&client);
	/* Once it reads, all of them come. */
	size_t total = 0;
	char *buffer = malloc(1 << 16);
	while (total < 200 * 700000u) {
		ssize_t n = recv(fd, buffer, 1 << 16, 0);
		assert_true(n > 0);
		total += (size_t)n;
	}
	free(buffer);
	close(fd);
}

static void too_many_connections_are_told_so(void **state)
{
	int fds[CONTROL_CONNECTIONS_MAX + 8];
	char line[512];
	(void)state;
	for (size_t i = 0; i < CONTROL_CONNECTIONS_MAX; i++) {
		fds[i] = raw();
		send_text(fds[i], "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"echo\"}\n");
		read_line(fds[i], line, sizeof(line));
		assert_non_null(strstr(line, "result"));
	}
	int extra = raw();
	read_line(extra, line, sizeof(line));
	assert_non_null(strstr(line, "too many connections"));
	close(extra);
	for (size_t i = 0; i < CONTROL_CONNECTIONS_MAX; i++)
		close(fds[i]);
	/* It may take a moment until their end is noticed. */
	*line = 0;
	for (int i = 0; i < 100 && !strstr(line, "result"); i++) {
		extra = raw();
		send(extra, "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"echo\"}\n", 41,
		     MSG_NOSIGNAL);
		read_line(extra, line, sizeof(line));
		close(extra);
		pause_ms(20);
	}
	assert_non_null(strstr(line, "result"));
}

/* How many of one slow call too many are refused; whichever the daemon sees last. */
static unsigned slow_calls_refused(void)
{
	int fds[CONTROL_JOBS_MAX + 1];
	char line[512];
	unsigned refused = 0;
	for (size_t i = 0; i <= CONTROL_JOBS_MAX; i++) {
		fds[i] = raw();
		send_text(fds[i], "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"slow\","
				  "\"params\":{\"ms\":1500}}\n");
	}
	for (size_t i = 0; i <= CONTROL_JOBS_MAX; i++) {
		read_line(fds[i], line, sizeof(line));
		if (strstr(line, "too many requests"))
			refused++;
		else
			assert_non_null(strstr(line, "slept"));
		close(fds[i]);
	}
	return refused;
}

static void too_many_slow_calls_are_told_so(void **state)
{
	unsigned refused = 0;
	(void)state;
	/* On a busy machine the first may end before the last has come. */
	for (unsigned i = 0; i < 10 && !refused; i++)
		refused = slow_calls_refused();
	assert_int_equal(refused, 1);
}

/* As another user, in a child: 0 when it was refused. */
static int refused_as_nobody(void)
{
	char line[512];
	int fd = -1;
	if (chmod(path, 0666) < 0)
		return 1;
	pid_t child = fork();
	if (child == 0) {
		if (setgid(65534) < 0 || setuid(65534) < 0 || socket_connect(path, &fd) != 0)
			_exit(2);
		send(fd, "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"stop\"}\n", 41, MSG_NOSIGNAL);
		read_line(fd, line, sizeof(line));
		_exit(strstr(line, "only root") && !strstr(line, "result") ? 0 : 3);
	}
	return wait_status(child);
}

static void another_user_is_refused(void **state)
{
	char message[256];
	json_t *result = NULL;
	(void)state;
	if (geteuid() != 0)
		skip();
	int status = refused_as_nobody();
	if (status == 2)
		skip(); /* the folder for temporary files is closed to others */
	assert_int_equal(status, 0);
	struct rpc_client *client = connected();
	assert_int_equal(rpc_call(client, "metrics", NULL, &result, message), 0);
	assert_int_equal(json_integer_value(json_object_get(result, "control_refused")), 1);
	json_decref(result);
	rpc_close(&client);
}

static void the_socket_is_private(void **state)
{
	struct stat st;
	(void)state;
	assert_int_equal(lstat(path, &st), 0);
	assert_true(S_ISSOCK(st.st_mode));
	assert_int_equal(st.st_mode & 0777, 0600);
}

static void a_socket_that_answers_is_not_taken(void **state)
{
	struct rpc_client *client;
	(void)state;
	assert_int_equal(wait_status(spawn(NULL)), 1);
	client = connected(); /* the first is still there */
	rpc_close(&client);
}

static void a_stale_socket_is_replaced(void **state)
{
	struct rpc_client *client = NULL;
	(void)state;
	kill(daemon_pid, SIGKILL);
	wait_status(daemon_pid);
	assert_int_equal(access(path, F_OK), 0);
	assert_int_equal(rpc_connect(path, &client), -ECONNREFUSED);
	daemon_pid = spawn(NULL);
	for (int i = 0; i < START_TRIES && rpc_connect(path, &client) != 0; i++)
		pause_ms(20);
	assert_non_null(client);
	rpc_close(&client);
}

static void a_file_in_the_way_is_kept(void **state)
{
	char folder[96];
	(void)state;
	snprintf(folder, sizeof(folder), "%s/run", root);
	assert_int_equal(mkdir(folder, 0755), 0);
	int fd = open(path, O_WRONLY | O_CREAT, 0600);
	assert_int_equal(write(fd, "mine", 4), 4);
	close(fd);
	assert_int_equal(wait_status(spawn(NULL)), 1);
	assert_int_equal(access(path, F_OK), 0);
}

static void a_socket_in_a_deep_folder_works(void **state)
{
	char deep[400], option[420];
	(void)state;
	snprintf(deep, sizeof(deep), "%s/%0100d", root, 1);
	assert_int_equal(mkdir(deep, 0755), 0);
	snprintf(deep, sizeof(deep), "%s/%0100d/control.sock", root, 1);
	snprintf(option, sizeof(option), "--control=%s", deep);
	struct rpc_client *client = NULL;
	pid_t pid = spawn(option);
	for (int i = 0; i < START_TRIES && rpc_connect(deep, &client) != 0; i++)
		pause_ms(20);
	assert_non_null(client);
	rpc_close(&client);
	kill(pid, SIGTERM);
	assert_int_equal(wait_status(pid), 0);
	assert_int_equal(access(deep, F_OK), -1);
}

static void stop_answers_waits_and_takes_the_socket_away(void **state)
{
	char line[512];
	char message[256];
	json_t *result = NULL;
	(void)state;
	int slow = raw();
	send_text(slow,
		  "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"slow\",\"params\":{\"ms\":500}}\n");
	pause_ms(100);
	struct rpc_client *client = connected();
	assert_int_equal(rpc_call(client, "stop", NULL, &result, message), 0);
	json_decref(result);
	rpc_wait_end(client);
	rpc_close(&client);
	/* What was under way has got its answer. */
	read_line(slow, line, sizeof(line));
	assert_non_null(strstr(line, "slept"));
	close(slow);
	assert_int_equal(wait_status(daemon_pid), 0);
	daemon_pid = -1;
	assert_int_equal(access(path, F_OK), -1);
}

#define WITH_DAEMON(test) cmocka_unit_test_setup_teardown(test, start, stop)
#define WITH_FOLDER(test) cmocka_unit_test_setup_teardown(test, make_root, remove_root)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_DAEMON(calls_are_answered),
		WITH_DAEMON(every_daemon_answers_the_common_methods),
		WITH_DAEMON(the_log_level_is_set_and_checked),
		WITH_DAEMON(answers_keep_the_order_of_the_requests),
		WITH_DAEMON(work_on_a_thread_keeps_nobody_waiting),
		WITH_DAEMON(a_client_may_leave_before_its_answer),
		WITH_DAEMON(half_a_line_makes_nobody_wait),
		WITH_DAEMON(a_line_too_long_ends_the_connection),
		WITH_DAEMON(a_request_of_the_full_size_is_served),
		WITH_DAEMON(a_peer_that_does_not_read_is_not_served_on),
		WITH_DAEMON(too_many_connections_are_told_so),
		WITH_DAEMON(too_many_slow_calls_are_told_so),
		WITH_DAEMON(another_user_is_refused),
		WITH_DAEMON(the_socket_is_private),
		WITH_DAEMON(a_socket_that_answers_is_not_taken),
		WITH_DAEMON(a_stale_socket_is_replaced),
		WITH_FOLDER(a_file_in_the_way_is_kept),
		WITH_FOLDER(a_socket_in_a_deep_folder_works),
		WITH_DAEMON(stop_answers_waits_and_takes_the_socket_away),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
