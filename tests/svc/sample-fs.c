/* SPDX-License-Identifier: MIT */
/*
 * The fs.* methods of the sample daemon. A job passes through its phases by being
 * asked: each fs.job is one step on. Quotas and the last clone are remembered.
 */
#include "tests/svc/sample-fs.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define SAMPLE_STEPS 6
#define MIB	     1048576

struct sample_job {
	const char *name;
	int step; /* 0: idle */
	bool paused;
	int finished; /* how often */
};

static struct sample_job sample_jobs[] = {{.name = "clean"}, {.name = "scrub"}};
static json_int_t sample_quota;
static char sample_clone_text[512];

static struct sample_job *sample_job_find(const char *name)
{
	return &sample_jobs[strcmp(name, "scrub") == 0];
}

static json_t *sample_job_object(const struct sample_job *job)
{
	const char *state = job->step == 0		      ? "idle"
			    : job->paused		      ? "paused"
			    : strcmp(job->name, "scrub") == 0 ? "scrubbing"
			    : job->step <= SAMPLE_STEPS / 2   ? "marking"
							      : "sweeping";
	bool scrub = strcmp(job->name, "scrub") == 0;
	return json_pack(
		"{s:s, s:I, s:I, s:I, s:I, s:i, s:i, s:i, s:i, s:i, s:I, s:I, s:n}", "state", state, "done",
		(json_int_t)job->step * MIB, "total", (json_int_t)SAMPLE_STEPS * MIB, "freed",
		(json_int_t)(job->finished ? 3 * MIB : 0), "will_free", (json_int_t)3 * MIB,
		"damaged_chunks", scrub && job->finished ? 2 : 0, "damaged_files",
		scrub && job->finished ? 1 : 0, "healed_chunks", 0, "damaged_packs",
		scrub && job->finished ? 3 : 0, "repaired_packs", 0, "started_ns", (json_int_t)1,
		"finished_ns", (json_int_t)job->finished, "error");
}

static int sample_job(struct daemon *d, json_t *params, json_t **result, char message[256])
{
	const char *name;
	(void)d;
	int error = rpc_param_string(params, "name", &name, message);
	if (error)
		return error;
	struct sample_job *job = sample_job_find(name);
	if (job->step && !job->paused && ++job->step > SAMPLE_STEPS) {
		job->step = 0;
		job->finished++;
	}
	*result = sample_job_object(job);
	return 0;
}

static int sample_command(const char *name, json_t *params, char message[256])
{
	const char *command;
	struct sample_job *job = sample_job_find(name);
	int error = rpc_param_string(params, "command", &command, message);
	if (error)
		return error;
	if (strcmp(command, "start") == 0 && job->step)
		return rpc_fail(message, -EBUSY, "%s runs already", name);
	job->paused = strcmp(command, "pause") == 0;
	if (strcmp(command, "start") == 0)
		job->step = 1;
	else if (strcmp(command, "stop") == 0)
		job->step = 0;
	return 0;
}

static int sample_clean(struct daemon *d, json_t *params, json_t **result, char message[256])
{
	(void)d;
	(void)result;
	return sample_command("clean", params, message);
}

static int sample_scrub(struct daemon *d, json_t *params, json_t **result, char message[256])
{
	(void)d;
	(void)result;
	return sample_command("scrub", params, message);
}

static int sample_status(struct daemon *d, json_t *params, json_t **result, char message[256])
{
	(void)d;
	(void)params;
	(void)message;
	*result =
		json_pack("{s:s, s:b, s:{s:I, s:I}, s:o, s:s}", "uuid", "00-11", "read_only", 0,
			  "space", "total", (json_int_t)8 * MIB, "available", (json_int_t)5 * MIB,
			  "clean", sample_job_object(&sample_jobs[0]), "clone", sample_clone_text);
	return 0;
}

static int sample_stats(struct daemon *d, json_t *params, json_t **result, char message[256])
{
	(void)d;
	(void)params;
	(void)message;
	*result = json_pack("{s:{s:I}, s:{s:i}}", "store", "bytes_new", (json_int_t)4 * MIB, "tree",
			    "commits", 12);
	return 0;
}

static int sample_containers(struct daemon *d, json_t *params, json_t **result, char message[256])
{
	(void)d;
	(void)params;
	(void)message;
	*result = json_pack("{s:[{s:s, s:I, s:i, s:I, s:I, s:I}, {s:s, s:I, s:i, s:I, s:I, s:I}]}",
			    "containers", "name", "", "quota", (json_int_t)0, "files", 1, "logical",
			    (json_int_t)MIB, "deduplicated", (json_int_t)MIB, "stored",
			    (json_int_t)MIB, "name", "web", "quota", sample_quota, "files", 41,
			    "logical", (json_int_t)9 * MIB, "deduplicated", (json_int_t)4 * MIB,
			    "stored", (json_int_t)MIB);
	return 0;
}

static int sample_quota_set(struct daemon *d, json_t *params, json_t **result, char message[256])
{
	const char *name;
	uint64_t bytes;
	(void)d;
	(void)result;
	int error = rpc_param_string(params, "container", &name, message);
	if (!error)
		error = rpc_param_number(params, "bytes", &bytes, message);
	if (error)
		return error;
	if (strcmp(name, "web") != 0)
		return rpc_fail(message, -ENOENT, "%s: no such directory", name);
	sample_quota = (json_int_t)bytes;
	return 0;
}

static int sample_clone(struct daemon *d, json_t *params, json_t **result, char message[256])
{
	const char *source, *target;
	(void)d;
	(void)result;
	int error = rpc_param_string(params, "source", &source, message);
	if (!error)
		error = rpc_param_string(params, "target", &target, message);
	if (!error)
		snprintf(sample_clone_text, sizeof(sample_clone_text), "%s>%s", source, target);
	return error;
}

static int sample_explain(struct daemon *d, json_t *params, json_t **result, char message[256])
{
	const char *name;
	(void)d;
	int error = rpc_param_string(params, "path", &name, message);
	if (error)
		return error;
	*result = json_pack("{s:s, s:I, s:I, s:s}", "path", name, "allocated", (json_int_t)6 * MIB,
			    "stored_bytes", (json_int_t)2 * MIB, "layout", "stream");
	return 0;
}

static int sample_shared(struct daemon *d, json_t *params, json_t **result, char message[256])
{
	const char *name;
	(void)d;
	int error = rpc_param_string(params, "path", &name, message);
	if (!error)
		*result = json_pack("{s:i, s:[{s:s, s:I}, {s:s, s:I}]}", "count", 3, "files", "path",
				    "web/small", "bytes", (json_int_t)16384, "path", "web/large",
				    "bytes", (json_int_t)5 * MIB);
	return error;
}

static int sample_sync(struct daemon *d, json_t *params, json_t **result, char message[256])
{
	(void)d;
	(void)params;
	(void)result;
	(void)message;
	return 0;
}

/* Once scrubbed, one file is damaged; its name would clear a terminal. */
static int sample_damaged(struct daemon *d, json_t *params, json_t **result, char message[256])
{
	(void)d;
	(void)params;
	(void)message;
	*result = json_pack("{s:[{s:s, s:I}]}", "files", "path", "web/a\033[2Jb", "bytes",
			    (json_int_t)16384);
	return 0;
}

const struct rpc_method sample_fs_methods[] = {
	{"fs.status", sample_status, false, "made up"},
	{"fs.stats", sample_stats, true, "made up"},
	{"fs.containers", sample_containers, true, "made up"},
	{"fs.job", sample_job, false, "one step on"},
	{"fs.clean", sample_clean, false, "a command"},
	{"fs.scrub", sample_scrub, false, "a command"},
	{"fs.clone", sample_clone, true, "remembered"},
	{"fs.quota", sample_quota_set, false, "remembered"},
	{"fs.explain", sample_explain, true, "made up"},
	{"fs.shared", sample_shared, true, "made up"},
	{"fs.sync", sample_sync, true, "nothing"},
	{"fs.damaged", sample_damaged, false, "one file"},
	{NULL},
};
