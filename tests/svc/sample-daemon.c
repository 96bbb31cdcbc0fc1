/* SPDX-License-Identifier: MIT */
/*
 * A complete small daemon on daemon_main(), for the tests of lib/daemon and of
 * the CLI. It answers a few methods of its own and the fs.* ones with made-up
 * figures whose sums a test can check; it stores nothing.
 */
#include <errno.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "lib/base/log.h"
#include "lib/base/mem.h"
#include "lib/daemon/daemon.h"
#include "tests/svc/sample-fs.h"

static uint64_t sample_memory = UINT64_C(64) << 20;
static uint64_t sample_threads = 2;
static bool sample_read_only;
static char *sample_secret;
static uint64_t sample_start_error;
static uint64_t sample_exit_status;

static const struct daemon_option sample_options[] = {
	{"memory", 'm', "memory", DAEMON_SIZE, "SIZE", "bytes to pretend to use", &sample_memory},
	{"threads", 0, "threads", DAEMON_NUMBER, "N", "threads to pretend to have",
	 &sample_threads},
	{"read-only", 'r', "read_only", DAEMON_FLAG, NULL, "change nothing", &sample_read_only},
	{"secret", 0, "secret", DAEMON_STRING, "TEXT", "never shown", &sample_secret},
	{"start-error", 0, NULL, DAEMON_NUMBER, "ERRNO", "fail to start", &sample_start_error},
	{"exit-status", 0, NULL, DAEMON_NUMBER, "N", "end at once with N", &sample_exit_status},
	{NULL},
};

static void sample_sleep(uint64_t ms)
{
	struct timespec t = {.tv_sec = (time_t)(ms / 1000), .tv_nsec = (long)(ms % 1000) * 1000000};
	while (nanosleep(&t, &t) < 0 && errno == EINTR) {
	}
}

static int sample_echo(struct daemon *d, json_t *params, json_t **result, char message[256])
{
	(void)d;
	(void)message;
	*result = json_incref(params);
	return 0;
}

/* {ms}: takes that long, on a thread. */
static int sample_slow(struct daemon *d, json_t *params, json_t **result, char message[256])
{
	uint64_t ms;
	(void)d;
	int error = rpc_param_number(params, "ms", &ms, message);
	if (error)
		return error;
	sample_sleep(ms);
	*result = json_pack("{s:I}", "slept", (json_int_t)ms);
	return 0;
}

static int sample_fail(struct daemon *d, json_t *params, json_t **result, char message[256])
{
	(void)d;
	(void)params;
	(void)result;
	return rpc_fail(message, -ENOSPC, "there is no room for it");
}

/* {bytes}: an answer of that size. */
static int sample_long(struct daemon *d, json_t *params, json_t **result, char message[256])
{
	uint64_t bytes;
	(void)d;
	int error = rpc_param_number(params, "bytes", &bytes, message);
	if (error)
		return error;
	char *text = mem_try_alloc(bytes + 1, 1);
	if (!text)
		return rpc_fail(message, -ENOMEM, "too long");
	memset(text, 'x', bytes);
	text[bytes] = 0;
	*result = json_pack("{s:o}", "text", json_string(text));
	free(text);
	return 0;
}

/* A daemon has one table: this puts the own methods before those of sample-fs.c. */
#define SAMPLE_METHODS_MAX 32
static const struct rpc_method sample_own_methods[] = {
	{"echo", sample_echo, false, "gives the params back"},
	{"slow", sample_slow, true, "{ms}: takes its time"},
	{"fail", sample_fail, false, "fails"},
	{"long", sample_long, false, "{bytes}: a long answer"},
	{NULL},
};

static int sample_start(struct daemon *d)
{
	if (sample_start_error) {
		log_error("told to fail: %s", strerror((int)sample_start_error));
		return -(int)sample_start_error;
	}
	log_debug("memory %llu, threads %llu", (unsigned long long)sample_memory,
		  (unsigned long long)sample_threads);
	if (sample_exit_status)
		daemon_stop(d, (int)sample_exit_status);
	return 0;
}

static void sample_stop(struct daemon *d)
{
	(void)d;
	log_info("stopped");
}

static int sample_reload(struct daemon *d)
{
	(void)d;
	return sample_threads == 0 ? -EINVAL : 0;
}

static void sample_status(struct daemon *d, json_t *object)
{
	json_object_set_new(object, "memory", json_integer((json_int_t)sample_memory));
	json_object_set_new(object, "threads", json_integer((json_int_t)sample_threads));
	json_object_set_new(object, "read_only", json_boolean(sample_read_only));
	json_object_set_new(object, "arguments", json_integer(daemon_argument_count(d)));
}

static void sample_metrics(struct daemon *d, json_t *object)
{
	(void)d;
	json_object_set_new(object, "sample_threads", json_integer((json_int_t)sample_threads));
}

static struct rpc_method sample_methods[SAMPLE_METHODS_MAX];

static void sample_join_methods(void)
{
	const struct rpc_method *const tables[] = {sample_own_methods, sample_fs_methods};
	size_t n = 0;
	for (size_t i = 0; i < 2; i++)
		for (const struct rpc_method *m = tables[i]; m->name && n + 1 < SAMPLE_METHODS_MAX;
		     m++)
			sample_methods[n++] = *m;
}

static const struct daemon_class sample_class = {
	.name = "granary-sample",
	.section = "sample",
	.usage = "[WORD]...",
	.summary = "A daemon for tests.",
	.arguments_max = 3,
	.options = sample_options,
	.methods = sample_methods,
	.start = sample_start,
	.stop = sample_stop,
	.reload = sample_reload,
	.status = sample_status,
	.metrics = sample_metrics,
};

int main(int argc, char **argv)
{
	sample_join_methods();
	return daemon_main(argc, argv, &sample_class);
}
