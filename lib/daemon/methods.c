/* SPDX-License-Identifier: MIT */
/* status, metrics, reload, log-level, stop, methods: the same in every daemon. */
#include "lib/daemon/methods.h"

#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "lib/base/cleanup.h"
#include "lib/base/clock.h"
#include "lib/base/log.h"
#include "lib/daemon/state.h"

static json_int_t methods_uptime(const struct daemon *d)
{
	return (json_int_t)((clock_monotonic_ns() - d->started_ns) / 1000000000);
}

static int methods_status(struct daemon *d, json_t *params, json_t **result, char message[256])
{
	(void)params;
	json_t *object = json_pack(
		"{s:s, s:s, s:i, s:I, s:I, s:s, s:s, s:o}", "name", d->class->name, "version",
		PACKAGE_VERSION, "pid", (int)getpid(), "started_ns", (json_int_t)d->started_real_ns,
		"uptime_seconds", methods_uptime(d), "state", d->stopping ? "stopping" : "running",
		"log_level", log_level_name(log_level()), "control", rpc_text(d->control_path));
	if (!object)
		return rpc_fail(message, RPC_INTERNAL, "out of memory");
	if (d->class->status)
		d->class->status(d, object);
	*result = object;
	return 0;
}

static json_int_t methods_resident_bytes(void)
{
	unsigned long size, resident;
	CLEANUP_FILE FILE *f = fopen("/proc/self/statm", "re");
	if (!f || fscanf(f, "%lu %lu", &size, &resident) != 2)
		return 0;
	return (json_int_t)resident * sysconf(_SC_PAGESIZE);
}

static double methods_seconds(struct timeval t)
{
	return (double)t.tv_sec + (double)t.tv_usec / 1e6;
}

static int methods_metrics(struct daemon *d, json_t *params, json_t **result, char message[256])
{
	struct control_stats stats;
	struct rusage usage;
	(void)params;
	control_get_stats(d->control, &stats);
	getrusage(RUSAGE_SELF, &usage);
	json_t *object =
		json_pack("{s:I, s:I, s:f, s:f, s:I, s:I, s:I, s:I, s:I}", "uptime_seconds",
			  methods_uptime(d), "resident_bytes", methods_resident_bytes(),
			  "cpu_user_seconds", methods_seconds(usage.ru_utime), "cpu_system_seconds",
			  methods_seconds(usage.ru_stime), "log_dropped", (json_int_t)log_dropped(),
			  "control_requests", (json_int_t)stats.requests, "control_failures",
			  (json_int_t)stats.failures, "control_refused", (json_int_t)stats.refused,
			  "control_connections", (json_int_t)stats.connections);
	if (!object)
		return rpc_fail(message, RPC_INTERNAL, "out of memory");
	if (d->class->metrics)
		d->class->metrics(d, object);
	*result = object;
	return 0;
}

static int methods_reload(struct daemon *d, json_t *params, json_t **result, char message[256])
{
	(void)params;
	(void)result;
	int error = daemon_reload(d);
	return error ? rpc_fail(message, error, "not reloaded, the log says why: %s",
				strerror(-error))
		     : 0;
}

static int methods_log_level(struct daemon *d, json_t *params, json_t **result, char message[256])
{
	const char *name;
	enum log_level level;
	(void)d;
	if (json_object_get(params, "level")) {
		int error = rpc_param_string(params, "level", &name, message);
		if (error)
			return error;
		if (log_level_parse(name, &level))
			return rpc_fail(message, RPC_INVALID_PARAMS,
					"\"level\" must be error, warning, info or debug");
		log_set_level(level);
	}
	*result = json_pack("{s:s}", "level", log_level_name(log_level()));
	return 0;
}

static int methods_stop(struct daemon *d, json_t *params, json_t **result, char message[256])
{
	(void)params;
	(void)result;
	(void)message;
	log_info("stopping, as the control socket asks");
	daemon_stop(d, 0);
	return 0;
}

static int methods_list(struct daemon *d, json_t *params, json_t **result, char message[256]);

static const struct rpc_method methods_common[] = {
	{"status", methods_status, false, "who this is and how it does"},
	{"metrics", methods_metrics, false, "numbers by name"},
	{"reload", methods_reload, false, "read granary.conf again"},
	{"log-level", methods_log_level, false, "{level}: set the log level, and say what it is"},
	{"stop", methods_stop, false, "end the daemon"},
	{"methods", methods_list, false, "the methods with their help"},
	{NULL},
};

static int methods_list(struct daemon *d, json_t *params, json_t **result, char message[256])
{
	const struct rpc_method *const tables[] = {methods_common, d->class->methods};
	json_t *object = json_object();
	(void)params;
	for (size_t i = 0; i < 2; i++)
		for (const struct rpc_method *m = tables[i]; m && m->name; m++)
			if (json_object_set_new(object, m->name,
						json_string(m->help ? m->help : "")))
				break;
	if (!object)
		return rpc_fail(message, RPC_INTERNAL, "out of memory");
	*result = object;
	return 0;
}

const struct rpc_method *methods_find(const struct daemon *d, const char *name)
{
	const struct rpc_method *const tables[] = {methods_common, d->class->methods};
	for (size_t i = 0; i < 2; i++)
		for (const struct rpc_method *m = tables[i]; m && m->name; m++)
			if (strcmp(m->name, name) == 0)
				return m;
	return NULL;
}
