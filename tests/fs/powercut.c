/* SPDX-License-Identifier: MIT */
/*
 * powercut: several threads change files on a mount whose store lies on cutfs,
 * while images of the disk are taken at random moments.
 *
 *   powercut --disk=CUTFS --images=FOLDER [--cuts=N] [--threads=N] [--seed=N] [--pause=MS]
 *            run MOUNT
 *   powercut --state=FILE [--all] verify MOUNT
 *
 * Each thread performs the random operations of the model in a folder of its
 * own. Image N becomes FOLDER/N, and FOLDER/N.state says of each thread what it knew:
 * the seed, the last operation that a sync had covered before the image was begun,
 * and the last one begun when it was done. FOLDER/end.state is the same at the end.
 *
 * verify checks a mount of an image: each thread's folder as a whole must be in the
 * state after some operation between these two (with --all: after the last one).
 * This is more than "every file is as it was at or after its last fsync": since
 * commits are snapshots, all files of a thread must show the same moment.
 */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <time.h>
#include <unistd.h>

#include "lib/base/cleanup.h"
#include "lib/base/clock.h"
#include "lib/base/mem.h"
#include "tests/fs/model.h"

#define FILE_LIMIT  (UINT64_C(192) << 10)
#define THREADS_MAX 16u

struct worker {
	pthread_t thread;
	unsigned number;
	int folder;
	uint64_t seed;
	_Atomic uint64_t begun, synced;
};

static struct {
	const char *disk, *images, *state;
	uint64_t cuts, threads, seed, pause;
	bool all;
} options = {.cuts = 20, .threads = 3, .pause = 120};

static struct worker workers[THREADS_MAX];
static _Atomic bool stop;

_Noreturn static void die(const char *what, int error)
{
	fprintf(stderr, "powercut: %s: %s\n", what, strerror(-error));
	exit(1);
}

/* ---- the workload ---- */

static void *worker_run(void *argument)
{
	struct worker *w = argument;
	struct model *m = model_new(FILE_LIMIT);
	uint64_t random = w->seed + 1;
	model_seed(m, w->seed);
	while (!atomic_load(&stop)) {
		struct model_op op;
		model_next(m, &op);
		atomic_store(&w->begun, op.id);
		int error = model_execute(m, w->folder, &op);
		if (error != 0) {
			char text[256];
			fprintf(stderr, "powercut: thread %u: operation %s\n", w->number,
				model_describe(&op, text, sizeof(text)));
			die("it failed", error);
		}
		model_apply(m, &op);
		atomic_store(&w->synced, m->synced);
		error = model_probe(m, w->folder, &op, &random);
		if (error != 0)
			die("a file cannot be read", error);
	}
	model_close_files(m);
	model_free(&m);
	return NULL;
}

static void worker_start(struct worker *w, unsigned number, int mount)
{
	char name[16];
	snprintf(name, sizeof(name), "t%u", number);
	w->number = number;
	w->seed = options.seed * THREADS_MAX + number;
	if (mkdirat(mount, name, 0755) < 0)
		die(name, -errno);
	w->folder = openat(mount, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (w->folder < 0)
		die(name, -errno);
	int error = model_prepare(w->folder);
	if (error == 0 && fsync(mount) < 0)
		error = -errno;
	if (error != 0)
		die("the folder cannot be prepared", error);
}

/* ---- cuts ---- */

static void pause_randomly(uint64_t *random)
{
	/* Often at once, at times after a background commit has had its chance. */
	uint64_t ms = model_random(random) % (options.pause * 2);
	if (model_random(random) % 4 == 0)
		ms = 0;
	struct timespec ts = {(time_t)(ms / 1000), (long)(ms % 1000) * 1000000};
	nanosleep(&ts, NULL);
}

static void write_state(const char *name, const uint64_t synced[THREADS_MAX])
{
	CLEANUP_FREE char *path = mem_printf("%s/%s.state", options.images, name);
	CLEANUP_FILE FILE *file = fopen(path, "we");
	if (file == NULL)
		die(path, -errno);
	for (unsigned i = 0; i < options.threads; i++)
		fprintf(file, "thread %u seed %" PRIu64 " synced %" PRIu64 " begun %" PRIu64 "\n",
			i, workers[i].seed, synced[i], atomic_load(&workers[i].begun));
	if (fflush(file) != 0)
		die(path, -errno);
}

static void read_synced(uint64_t synced[THREADS_MAX])
{
	for (unsigned i = 0; i < options.threads; i++)
		synced[i] = atomic_load(&workers[i].synced);
}

static void cut(uint64_t number, uint64_t seed)
{
	uint64_t synced[THREADS_MAX];
	char name[32];
	snprintf(name, sizeof(name), "%" PRIu64, number);
	CLEANUP_FREE char *order = mem_printf("%s/%s %" PRIu64, options.images, name, seed);
	read_synced(synced);
	if (setxattr(options.disk, "user.cutfs.cut", order, strlen(order), 0) < 0)
		die("no image of the disk", -errno);
	write_state(name, synced);
}

static int command_run(int mount)
{
	uint64_t random = options.seed ^ UINT64_C(0xa0761d6478bd642f), synced[THREADS_MAX];
	for (unsigned i = 0; i < options.threads; i++)
		worker_start(&workers[i], i, mount);
	for (unsigned i = 0; i < options.threads; i++) {
		int error = pthread_create(&workers[i].thread, NULL, worker_run, &workers[i]);
		if (error != 0)
			die("no thread", -error);
	}
	for (uint64_t n = 1; n <= options.cuts; n++) {
		pause_randomly(&random);
		cut(n, model_random(&random));
	}
	atomic_store(&stop, true);
	uint64_t total = 0;
	for (unsigned i = 0; i < options.threads; i++) {
		pthread_join(workers[i].thread, NULL);
		close(workers[i].folder);
		total += atomic_load(&workers[i].begun);
	}
	read_synced(synced);
	write_state("end", synced);
	printf("powercut: seed %" PRIu64 ", %" PRIu64 " cuts, %" PRIu64 " operations\n",
	       options.seed, options.cuts, total);
	return 0;
}

/* ---- checking an image ---- */

static int verify_thread(int mount, unsigned number, uint64_t seed, uint64_t synced,
			 uint64_t begun)
{
	char name[16];
	snprintf(name, sizeof(name), "t%u", number);
	CLEANUP_FD int folder = openat(mount, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (folder < 0)
		die(name, -errno);
	struct model *m = model_new(FILE_LIMIT);
	model_seed(m, seed);
	while (m->done < synced) {
		struct model_op op;
		model_next(m, &op);
		model_apply(m, &op);
	}
	int result = model_match(m, folder, begun);
	if (result < 0)
		fprintf(stderr, "powercut: thread %u: synced %" PRIu64 ", begun %" PRIu64 "\n",
			number, synced, begun);
	model_free(&m);
	return result < 0;
}

static int command_verify(int mount)
{
	CLEANUP_FILE FILE *file = options.state != NULL ? fopen(options.state, "re") : NULL;
	unsigned number, lines = 0;
	uint64_t seed, synced, begun;
	int failed = 0;
	if (file == NULL)
		die("no state", -ENOENT);
	while (fscanf(file, "thread %u seed %" SCNu64 " synced %" SCNu64 " begun %" SCNu64 "\n",
		      &number, &seed, &synced, &begun) == 4) {
		failed |= verify_thread(mount, number, seed, options.all ? begun : synced, begun);
		lines++;
	}
	if (lines == 0 || !feof(file))
		die(options.state, -EINVAL);
	return failed;
}

/* ---- */

static const struct option long_options[] = {
	{"disk", required_argument, NULL, 'd'},    {"images", required_argument, NULL, 'i'},
	{"state", required_argument, NULL, 's'},   {"cuts", required_argument, NULL, 'c'},
	{"threads", required_argument, NULL, 't'}, {"seed", required_argument, NULL, 'r'},
	{"pause", required_argument, NULL, 'p'},   {"all", no_argument, NULL, 'a'},
	{NULL, 0, NULL, 0},
};

static bool parse_options(int argc, char **argv)
{
	static const char **const strings[256] = {
		['d'] = &options.disk, ['i'] = &options.images, ['s'] = &options.state};
	static uint64_t *const numbers[256] = {['c'] = &options.cuts, ['t'] = &options.threads,
					       ['r'] = &options.seed, ['p'] = &options.pause};
	options.seed = (uint64_t)clock_real_ns() % 1000000000;
	for (int c; (c = getopt_long(argc, argv, "", long_options, NULL)) != -1;) {
		if (c == 'a')
			options.all = true;
		else if (c < 256 && strings[c] != NULL)
			*strings[c] = optarg;
		else if (c < 256 && numbers[c] != NULL)
			*numbers[c] = strtoull(optarg, NULL, 0);
		else
			return false;
	}
	return argc == optind + 2 && options.threads > 0 && options.threads <= THREADS_MAX &&
	       options.pause > 0;
}

int main(int argc, char **argv)
{
	if (parse_options(argc, argv)) {
		CLEANUP_FD int mount = open(argv[optind + 1], O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		if (mount < 0)
			die(argv[optind + 1], -errno);
		if (strcmp(argv[optind], "run") == 0 && options.disk && options.images)
			return command_run(mount);
		if (strcmp(argv[optind], "verify") == 0)
			return command_verify(mount);
	}
	fprintf(stderr, "usage: powercut --disk=CUTFS --images=FOLDER [--cuts=N] [--threads=N]\n"
			"                [--seed=N] [--pause=MS] run MOUNT\n"
			"       powercut --state=FILE [--all] verify MOUNT\n");
	return 2;
}
