/* SPDX-License-Identifier: MIT */
/*
 * model: random operations on a folder against a model in memory.
 *
 *   model --state=FILE [--seed=N] [--seconds=N] [--ops=N] [--limit=BYTES] [--may-die] [--trace]
 *         run FOLDER
 *   model --state=FILE verify FOLDER       every name and byte is as the model says
 *   model --state=FILE verify-crash FOLDER it is as the model was after the last sync or later
 *
 * The first run takes an empty folder. FILE keeps what is needed to have the
 * model again: a line for each run with its seed, the number of operations
 * begun and of those that a sync covers. Between two runs the filesystem may be
 * mounted again; after a crash, verify-crash finds the state that survived and
 * the next run goes on from there. With --may-die the end of the filesystem ends
 * the run with status 3; with --trace every operation
 * is printed, and the file compared as a whole. A run that finds a wrong result ends with status 1.
 */
#include "tests/fs/model.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/cleanup.h"
#include "lib/base/clock.h"
#include "lib/base/file.h"
#include "lib/base/mem.h"

#define HEADER_FORMAT  "model limit %012llu\n"
#define SEGMENT_FORMAT "run %016llx %012llu %012llu\n"
#define HEADER_SIZE    25u
#define SEGMENT_SIZE   47u

enum { STATUS_WRONG = 1, STATUS_USAGE = 2, STATUS_DEAD = 3 };

/* One run: operations up to `begun` come from `seed`, those up to `synced` are durable. */
struct segment {
	unsigned long long seed, begun, synced;
};

static struct {
	const char *state;
	uint64_t seed, seconds, ops, limit;
	bool may_die, trace;
} options = {.seconds = 10, .ops = UINT64_MAX, .limit = 1 << 20};

static struct segment *segments;
static size_t segment_count, segment_room;
static int state_fd = -1;

_Noreturn static void die(const char *what, int error)
{
	fprintf(stderr, "model: %s: %s\n", what, strerror(-error));
	exit(STATUS_WRONG);
}

static void state_write(size_t number)
{
	char line[64];
	const struct segment *s = &segments[number];
	snprintf(line, sizeof(line), SEGMENT_FORMAT, s->seed, s->begun, s->synced);
	int error = file_pwrite(state_fd, line, SEGMENT_SIZE, HEADER_SIZE + number * SEGMENT_SIZE);
	if (error != 0)
		die(options.state, error);
}

static void state_open(void)
{
	char line[64];
	state_fd = open(options.state, O_RDWR | O_CREAT | O_CLOEXEC, 0644);
	if (state_fd < 0)
		die(options.state, -errno);
	ssize_t n = pread(state_fd, line, HEADER_SIZE, 0);
	if (n == 0) {
		snprintf(line, sizeof(line), HEADER_FORMAT, (unsigned long long)options.limit);
		if (file_pwrite(state_fd, line, HEADER_SIZE, 0) != 0)
			die(options.state, -EIO);
		return;
	}
	unsigned long long limit;
	if (n != HEADER_SIZE || sscanf(line, "model limit %llu", &limit) != 1)
		die(options.state, -EINVAL);
	options.limit = limit;
	while (pread(state_fd, line, SEGMENT_SIZE,
		     HEADER_SIZE + segment_count * SEGMENT_SIZE) == SEGMENT_SIZE) {
		struct segment s;
		if (sscanf(line, "run %llx %llu %llu", &s.seed, &s.begun, &s.synced) != 3)
			die(options.state, -EINVAL);
		if (mem_reserve(&segments, &segment_room, segment_count + 1, sizeof(s)) != 0)
			die(options.state, -ENOMEM);
		segments[segment_count++] = s;
	}
}

/* The model after operation `last`, in memory alone. */
static struct model *replay(uint64_t last)
{
	struct model *m = model_new(options.limit);
	for (size_t i = 0; i < segment_count; i++) {
		uint64_t end = segments[i].begun < last ? segments[i].begun : last;
		model_seed(m, segments[i].seed);
		while (m->done < end) {
			struct model_op op;
			model_next(m, &op);
			model_apply(m, &op);
		}
	}
	return m;
}

static int run_op(struct model *m, int folder, uint64_t *random)
{
	struct segment *s = &segments[segment_count - 1];
	struct model_op op;
	model_next(m, &op);
	char text[256];
	if (options.trace)
		fprintf(stderr, "%s\n", model_describe(&op, text, sizeof(text)));
	s->begun = op.id;
	state_write(segment_count - 1);
	int error = model_execute(m, folder, &op);
	if (error == 0) {
		model_apply(m, &op);
		s->synced = m->synced;
		state_write(segment_count - 1);
		error = model_probe(m, folder, &op, random);
	}
	if (error == 0 || options.may_die)
		return error;
	fprintf(stderr, "model: operation %s\n", model_describe(&op, text, sizeof(text)));
	die("it failed", error);
}

static int command_run(int folder)
{
	struct model *m = replay(UINT64_MAX);
	uint64_t random = options.seed ^ UINT64_C(0xda3e39cb94b95bdb);
	int error = 0;
	if (segment_count == 0)
		error = model_prepare(folder);
	if (error != 0)
		die("the folder cannot be prepared", error);
	if (mem_reserve(&segments, &segment_room, segment_count + 1, sizeof(*segments)) != 0)
		die(options.state, -ENOMEM);
	segments[segment_count++] =
		(struct segment){.seed = options.seed, .begun = m->done, .synced = m->done};
	m->synced = m->done;
	state_write(segment_count - 1);
	m->thorough = options.trace;
	model_seed(m, options.seed);
	printf("model: seed %llu, from operation %llu on\n", (unsigned long long)options.seed,
	       (unsigned long long)m->done + 1);
	fflush(stdout);
	uint64_t end = clock_monotonic_ns() + options.seconds * UINT64_C(1000000000);
	uint64_t last = options.ops == UINT64_MAX ? UINT64_MAX : m->done + options.ops;
	while (error == 0 && m->done < last && clock_monotonic_ns() < end)
		error = run_op(m, folder, &random);
	model_close_files(m);
	printf("model: %llu operations\n", (unsigned long long)m->done);
	model_free(&m);
	return error == 0 ? 0 : STATUS_DEAD;
}

static int command_verify(int folder)
{
	if (segment_count == 0)
		die(options.state, -ENODATA);
	uint64_t last = segments[segment_count - 1].begun;
	struct model *m = replay(last);
	int result = model_match(m, folder, last);
	model_free(&m);
	return result == 0 ? 0 : STATUS_WRONG;
}

static int command_verify_crash(int folder)
{
	if (segment_count == 0)
		die(options.state, -ENODATA);
	struct segment *s = &segments[segment_count - 1];
	struct model *m = replay(s->synced);
	int result = model_match(m, folder, s->begun);
	struct model_op op;
	if (result == 1) { /* make the write that was cut through whole */
		model_next(m, &op);
		struct model_op again = op;
		if (again.kind == MODEL_APPEND) /* at its old place */
			again.kind = MODEL_WRITE;
		result = model_execute(m, folder, &again);
		if (result == 0)
			model_apply(m, &op);
		/* From here on it counts as synced, as all that survived. */
		if (result == 0 && syncfs(folder) < 0)
			result = -errno;
	}
	if (result == 0) {
		printf("model: operation %llu survived (synced %llu, begun %llu)\n",
		       (unsigned long long)m->done, s->synced, s->begun);
		s->begun = s->synced = m->done;
		state_write(segment_count - 1);
	}
	model_free(&m);
	return result == 0 ? 0 : STATUS_WRONG;
}

static const struct {
	const char *name;
	int (*run)(int folder);
} commands[] = {
	{"run", command_run},
	{"verify", command_verify},
	{"verify-crash", command_verify_crash},
};

static const struct option long_options[] = {
	{"state", required_argument, NULL, 's'},   {"seed", required_argument, NULL, 'r'},
	{"seconds", required_argument, NULL, 't'}, {"ops", required_argument, NULL, 'n'},
	{"limit", required_argument, NULL, 'l'},   {"may-die", no_argument, NULL, 'd'},
	{"trace", no_argument, NULL, 'v'},
	{NULL, 0, NULL, 0},
};

static bool parse_options(int argc, char **argv)
{
	options.seed = (uint64_t)clock_real_ns() % 1000000000;
	for (int c; (c = getopt_long(argc, argv, "", long_options, NULL)) != -1;) {
		switch (c) {
		case 's':
			options.state = optarg;
			break;
		case 'r':
			options.seed = strtoull(optarg, NULL, 0);
			break;
		case 't':
			options.seconds = strtoull(optarg, NULL, 0);
			break;
		case 'n':
			options.ops = strtoull(optarg, NULL, 0);
			break;
		case 'l':
			options.limit = strtoull(optarg, NULL, 0);
			break;
		case 'v':
			options.trace = true;
			break;
		case 'd':
			options.may_die = true;
			break;
		default:
			return false;
		}
	}
	return options.state != NULL && options.limit >= 65536 && argc == optind + 2;
}

/* A page of a mapping that the filesystem can no longer bring in. */
static void on_bus_error(int signal)
{
	(void)signal;
	_exit(STATUS_DEAD);
}

int main(int argc, char **argv)
{
	if (!parse_options(argc, argv)) {
		fprintf(stderr, "usage: model --state=FILE [--seed=N] [--seconds=N] [--ops=N]\n"
				"             [--limit=BYTES] [--may-die] [--trace] run|verify|verify-crash FOLDER\n");
		return STATUS_USAGE;
	}
	CLEANUP_FD int folder = open(argv[optind + 1], O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (folder < 0)
		die(argv[optind + 1], -errno);
	if (options.may_die)
		signal(SIGBUS, on_bus_error);
	state_open();
	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
		if (strcmp(commands[i].name, argv[optind]) == 0) {
			int status = commands[i].run(folder);
			free(segments);
			close(state_fd);
			return status;
		}
	}
	fprintf(stderr, "model: no such command: %s\n", argv[optind]);
	return STATUS_USAGE;
}
