/* SPDX-License-Identifier: MIT */
/*
 * `granary fs clean`, `scrub` and `check`: work that the daemon does in the
 * background. Following it is only looking: ending the command ends nothing.
 */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "lib/base/clock.h"
#include "svc/cli/progress.h"
#include "svc/cli/remote.h"
#include "svc/cli/table.h"
#include "svc/cli/verbs.h"

#define JOB_POLL_MS  200
#define JOB_BEGIN_NS UINT64_C(5000000000) /* a job that has not begun by then has ended already */

static void job_sleep(void)
{
	struct timespec t = {.tv_nsec = JOB_POLL_MS * 1000000L};
	nanosleep(&t, NULL);
}

static uint64_t job_number(const json_t *status, const char *name)
{
	json_int_t value = json_integer_value(json_object_get(status, name));
	return value > 0 ? (uint64_t)value : 0;
}

static const char *job_state(const json_t *status)
{
	const char *state = json_string_value(json_object_get(status, "state"));
	return state ? state : "unknown";
}

static enum cli_exit job_ask(struct remote *r, const char *job, json_t **status)
{
	return remote_call(r, "fs.job", json_pack("{s:s}", "name", job), status);
}

static enum cli_exit job_command(struct remote *r, const char *job, const char *command)
{
	CLEANUP_JSON json_t *result = NULL;
	char method[32];
	snprintf(method, sizeof(method), "fs.%s", job);
	return remote_call(r, method, json_pack("{s:s}", "command", command), &result);
}

static void job_note(const char *job, const json_t *status, char *note, size_t size)
{
	char text[TABLE_TEXT_MAX];
	if (strcmp(job, "clean") == 0)
		snprintf(note, size, "will free %s",
			 table_size(job_number(status, "will_free"), text));
	else
		snprintf(note, size, "%llu damaged",
			 (unsigned long long)job_number(status, "damaged_chunks"));
}

static bool job_is_over(const char *state)
{
	return strcmp(state, "idle") == 0 || strcmp(state, "failed") == 0 ||
	       strcmp(state, "paused") == 0;
}

/* One that is paused waits for --resume, and starting it says so. */
static bool job_runs(const json_t *status)
{
	return !job_is_over(job_state(status));
}

/* Looks until the job is over. `before` is the finished_ns from before it was started, or -1
 * when it was not started here. */
static enum cli_exit job_follow(struct remote *r, const char *job, json_int_t before, json_t **last)
{
	struct progress progress;
	uint64_t begun = clock_monotonic_ns();
	bool seen = before < 0;
	enum cli_exit status;
	progress_start(&progress);
	for (;;) {
		char note[64];
		json_t *now = NULL;
		status = job_ask(r, job, &now);
		if (status != CLI_DONE)
			break;
		json_decref(*last);
		*last = now;
		const char *state = job_state(now);
		json_int_t finished = json_integer_value(json_object_get(now, "finished_ns"));
		bool over = job_is_over(state);
		seen = seen || !over || finished != before;
		if (over && (seen || clock_monotonic_ns() - begun > JOB_BEGIN_NS))
			break;
		job_note(job, now, note, sizeof(note));
		progress_update(&progress, state, job_number(now, "done"), job_number(now, "total"),
				note);
		job_sleep();
	}
	progress_end(&progress);
	return status;
}

static void job_print_scrub(const json_t *status)
{
	uint64_t packs = job_number(status, "damaged_packs");
	printf("%llu damaged chunks, %llu damaged files, %llu chunks healed\n",
	       (unsigned long long)job_number(status, "damaged_chunks"),
	       (unsigned long long)job_number(status, "damaged_files"),
	       (unsigned long long)job_number(status, "healed_chunks"));
	if (packs)
		printf("%llu damaged directories of packs, %llu repaired\n", (unsigned long long)packs,
		       (unsigned long long)job_number(status, "repaired_packs"));
}

/* Whether scrubbing has left damage behind. */
static bool job_left_damage(const json_t *scrub)
{
	return job_number(scrub, "damaged_chunks") > job_number(scrub, "healed_chunks") ||
	       job_number(scrub, "damaged_packs") > job_number(scrub, "repaired_packs");
}

static enum cli_exit job_report(const struct command_call *call, const char *job,
				const json_t *status)
{
	char text[TABLE_TEXT_MAX];
	const char *state = job_state(status);
	json_int_t error = json_integer_value(json_object_get(status, "error"));
	bool failed = strcmp(state, "failed") == 0;
	if (call->json)
		remote_print_json(status);
	else if (failed)
		command_complain("%s failed: %s", job, error ? strerror((int)error) : "no reason was given");
	else if (strcmp(state, "paused") == 0)
		printf("%s is paused; --resume goes on\n", job);
	else if (!job_is_over(state))
		printf("%s is %s\n", job, state);
	else if (strcmp(job, "clean") == 0)
		printf("freed %s\n", table_size(job_number(status, "freed"), text));
	else
		job_print_scrub(status);
	return failed ? CLI_FAILED : CLI_DONE;
}

static enum cli_exit job_start_and_follow(struct remote *r, const char *job, json_t **last)
{
	CLEANUP_JSON json_t *before = NULL;
	enum cli_exit status = job_ask(r, job, &before);
	if (status == CLI_DONE && job_runs(before)) {
		fprintf(stderr, "granary: %s is under way already; this follows it\n",
			strcmp(job, "clean") == 0 ? "cleaning" : "scrubbing");
		return job_follow(r, job, -1, last);
	}
	if (status == CLI_DONE && strcmp(job_state(before), "paused") == 0) {
		command_complain("%s is paused; --resume goes on, --stop ends it", job);
		return CLI_FAILED;
	}
	if (status == CLI_DONE)
		status = job_command(r, job, "start");
	if (status != CLI_DONE)
		return status;
	json_int_t finished = json_integer_value(json_object_get(before, "finished_ns"));
	return job_follow(r, job, finished, last);
}

static enum cli_exit job_verb(struct command_call *call, const char *job)
{
	static const char *const commands[] = {"start", "pause", "resume", "stop"};
	CLEANUP_REMOTE struct remote r = {0};
	CLEANUP_JSON json_t *last = NULL;
	const char *command = NULL;
	bool wait = command_value(call, "wait") != NULL;
	int given = 0;
	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
		if (command_value(call, commands[i])) {
			command = commands[i];
			given++;
		}
	}
	if (given > 1) {
		command_complain("only one of --start, --pause, --resume and --stop");
		return CLI_USAGE;
	}
	enum cli_exit status = remote_open_store(call, command_argument(call, 0), &r);
	if (status != CLI_DONE)
		return status;
	if (!command && !wait)
		status = job_start_and_follow(&r, job, &last);
	else if (command && wait && strcmp(command, "start") == 0)
		status = job_start_and_follow(&r, job, &last);
	else {
		if (command)
			status = job_command(&r, job, command);
		if (status == CLI_DONE && wait)
			status = job_follow(&r, job, -1, &last);
		else if (status == CLI_DONE)
			status = job_ask(&r, job, &last);
	}
	if (status != CLI_DONE)
		return status;
	/* A command was obeyed; how the job stands is then only told. */
	return job_report(call, job, last);
}

enum cli_exit fs_clean(struct command_call *call)
{
	return job_verb(call, "clean");
}

enum cli_exit fs_scrub(struct command_call *call)
{
	return job_verb(call, "scrub");
}

/* NULL when the answer makes no sense. */
static json_t *job_damaged_list(json_t *result)
{
	json_t *list = json_object_get(result, "files");
	return json_is_array(list) ? list : NULL;
}

static void job_print_damaged(json_t *list)
{
	static const char *const headings[] = {">DAMAGED", "PATH", NULL};
	struct table *table = table_new(headings);
	json_t *entry;
	size_t i;
	json_array_foreach(list, i, entry)
	{
		char text[TABLE_TEXT_MAX];
		const char *path = json_string_value(json_object_get(entry, "path"));
		table_row(table, (const char *const[]){table_size(job_number(entry, "bytes"), text),
						       path ? path : "?"});
	}
	table_print(table, stdout);
	table_free(&table);
}

enum cli_exit fs_check(struct command_call *call)
{
	CLEANUP_REMOTE struct remote r = {0};
	CLEANUP_JSON json_t *scrub = NULL;
	CLEANUP_JSON json_t *result = NULL;
	enum cli_exit status = remote_open_store(call, command_argument(call, 0), &r);
	if (status == CLI_DONE)
		status = job_start_and_follow(&r, "scrub", &scrub);
	if (status == CLI_DONE)
		status = remote_call(&r, "fs.damaged", NULL, &result);
	if (status != CLI_DONE)
		return status;
	json_t *list = job_damaged_list(result);
	bool whole = strcmp(job_state(scrub), "idle") == 0;
	bool good = whole && list && json_array_size(list) == 0 && !job_left_damage(scrub);
	if (call->json) {
		CLEANUP_JSON json_t *both = json_pack("{s:b, s:O, s:O}", "good", good, "scrub",
						      scrub, "damaged", list ? list : result);
		remote_print_json(both);
	} else {
		job_report(call, "scrub", scrub);
		if (list && json_array_size(list) > 0)
			job_print_damaged(list);
	}
	return good ? CLI_DONE : CLI_FAILED;
}
