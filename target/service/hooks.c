/* SPDX-License-Identifier: MIT */
/*
 * Hooks run as children of the daemon, in process groups of their own, so that
 * one that takes too long goes with all that it has started. What they print
 * comes through a pipe; its beginning is the reason that people get to read.
 */
#include "target/service/hooks.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/queue.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/base/cleanup.h"
#include "lib/base/clock.h"
#include "lib/base/file.h"
#include "lib/base/log.h"
#include "lib/base/mem.h"

#define HOOKS_WAITING_MAX 256u
#define HOOK_OUTPUT_MAX	  160u
#define HOOK_VARIABLES	  8
#define HOOK_READ	  512u
#define HOOK_LAST_READS	  (65536u / HOOK_READ) /* what a pipe holds */

struct hook_job {
	STAILQ_ENTRY(hook_job) link;
	struct hook_call call; /* its texts are owned */
};

struct hooks {
	char *folder;
	unsigned seconds;
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t wake;
	STAILQ_HEAD(, hook_job) jobs; /* lock */
	unsigned waiting;	      /* lock */
	bool ending;		      /* lock */
};

static const char *const hook_events[] = {"load", "unload", "eject", "full"};

static void hook_output_line(char *output)
{
	char *end = strpbrk(output, "\r\n");

	if (end)
		*end = '\0';
	for (char *p = output; *p; p++)
		if ((unsigned char)*p < ' ' || *p == 0x7f)
			*p = ' ';
}

/* Reads what there is; past the room it is thrown away. False at the end. */
static bool hook_read(int fd, char output[HOOK_OUTPUT_MAX + 1], size_t *size)
{
	char more[HOOK_READ];
	ssize_t got = read(fd, more, sizeof(more));
	size_t take;

	if (got <= 0)
		return got < 0 && errno == EINTR;
	take = (size_t)got < HOOK_OUTPUT_MAX - *size ? (size_t)got : HOOK_OUTPUT_MAX - *size;
	memcpy(output + *size, more, take);
	*size += take;
	output[*size] = '\0';
	return true;
}

/* Until the child has ended; -ETIME when it has not by then. */
static int hook_wait(int process, int pipe, uint64_t deadline, char output[HOOK_OUTPUT_MAX + 1])
{
	struct pollfd fds[2] = {{.fd = process, .events = POLLIN}, {.fd = pipe, .events = POLLIN}};
	size_t size = 0;

	while (!(fds[0].revents & POLLIN)) {
		uint64_t now = clock_monotonic_ns();

		if (now >= deadline)
			return -ETIME;
		if (poll(fds, 2, (int)((deadline - now) / 1000000 + 1)) < 0 && errno != EINTR)
			return -errno;
		if (fds[1].revents && !hook_read(pipe, output, &size))
			fds[1].fd = -1;
	}
	/* What it has printed; a child of the child may hold the pipe open, and print for ever. */
	for (unsigned i = 0; i < HOOK_LAST_READS && fds[1].fd >= 0; i++)
		if (poll(fds + 1, 1, 0) != 1 || !hook_read(pipe, output, &size))
			break;
	return 0;
}

static int hook_spawn(const char *path, char *const environment[], int out, pid_t *child)
{
	char *const argv[] = {(char *)(uintptr_t)path, NULL};
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attributes;
	sigset_t none, defaults;
	int error;

	sigemptyset(&none);
	sigemptyset(&defaults);
	sigaddset(&defaults, SIGPIPE);
	posix_spawn_file_actions_init(&actions);
	posix_spawnattr_init(&attributes);
	error = posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
	if (!error)
		error = posix_spawn_file_actions_adddup2(&actions, out, STDOUT_FILENO);
	if (!error)
		error = posix_spawn_file_actions_adddup2(&actions, out, STDERR_FILENO);
	if (!error)
		error = posix_spawn_file_actions_addchdir_np(&actions, "/");
	posix_spawnattr_setpgroup(&attributes, 0);
	posix_spawnattr_setsigmask(&attributes, &none);
	posix_spawnattr_setsigdefault(&attributes, &defaults);
	posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK |
						      POSIX_SPAWN_SETSIGDEF);
	if (!error)
		error = posix_spawn(child, path, &actions, &attributes, argv, environment);
	posix_spawn_file_actions_destroy(&actions);
	posix_spawnattr_destroy(&attributes);
	return -error;
}

/* 0, the exit status, or -errno. */
static int hook_execute(const char *path, char *const environment[], unsigned seconds,
			char output[HOOK_OUTPUT_MAX + 1])
{
	CLEANUP_FD int in = -1, out = -1, process = -1;
	int ends[2], status, error;
	pid_t child;

	*output = '\0';
	if (pipe2(ends, O_CLOEXEC) < 0)
		return -errno;
	in = ends[0];
	out = ends[1];
	error = hook_spawn(path, environment, out, &child);
	if (error)
		return error;
	close(TAKE_FD(out));
	process = pidfd_open(child, 0);
	error = process < 0 ? -errno
			    : hook_wait(process, in,
					clock_monotonic_ns() + seconds * UINT64_C(1000000000), output);
	if (error)
		kill(-child, SIGKILL);
	while (waitpid(child, &status, 0) < 0)
		if (errno != EINTR)
			return -errno;
	hook_output_line(output);
	if (error)
		return error;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static int hook_is_wanted(const struct dirent *entry)
{
	size_t length = strlen(entry->d_name);

	return entry->d_name[0] != '.' && entry->d_name[length - 1] != '~';
}

/* A folder is none, though it may be entered. */
static bool hook_is_executable(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && S_ISREG(st.st_mode) && access(path, X_OK) == 0;
}

static void hook_environment(const struct hook_call *call, char *variables[HOOK_VARIABLES + 1])
{
	variables[0] = mem_strdup("PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin");
	variables[1] = mem_printf("EVENT=%s", call->event);
	variables[2] = mem_printf("LIBRARY=%s", call->library);
	variables[3] = mem_printf("BARCODE=%s", call->barcode);
	variables[4] = mem_printf("CARTRIDGE=%s", call->path);
	variables[5] = mem_printf("FROM=%u", (unsigned)call->from);
	variables[6] = mem_printf("TO=%u", (unsigned)call->to);
	variables[7] = mem_strdup("LC_ALL=C.UTF-8");
	variables[8] = NULL;
}

static int hook_report(const char *path, const char *barcode, unsigned seconds, int status,
		       const char *output, char message[256])
{
	const char *base = strrchr(path, '/') + 1;

	if (status == -ETIME)
		snprintf(message, 256, "hook %.60s took more than %u s and was ended", base, seconds);
	else if (status < 0)
		snprintf(message, 256, "hook %.60s cannot be run: %s", base, strerror(-status));
	else
		snprintf(message, 256, "hook %.60s ended with status %d%s%s", base, status,
			 *output ? ": " : "", output);
	log_warning("%s: %s: %s", path, barcode, message);
	return -EPERM;
}

int hooks_run(struct hooks *hooks, const struct hook_call *call, char message[256])
{
	CLEANUP_FREE char *folder = mem_printf("%s/%s", hooks->folder, call->event);
	char *variables[HOOK_VARIABLES + 1];
	char output[HOOK_OUTPUT_MAX + 1];
	struct dirent **names = NULL;
	int error = 0, count = scandir(folder, &names, hook_is_wanted, alphasort);

	if (count < 0 && errno == ENOENT)
		return 0;
	if (count < 0) {
		error = -errno;
		snprintf(message, 256, "the hooks cannot be listed: %s", strerror(-error));
		log_error("%s: %s", folder, strerror(-error));
		return error;
	}
	hook_environment(call, variables);
	for (int i = 0; i < count; i++) {
		CLEANUP_FREE char *path = mem_printf("%s/%s", folder, names[i]->d_name);

		free(names[i]);
		if (error || !hook_is_executable(path))
			continue;
		int status = hook_execute(path, variables, hooks->seconds, output);

		log_debug("%s: %s: status %d", path, call->barcode, status);
		if (status)
			error = hook_report(path, call->barcode, hooks->seconds, status, output,
					    message);
	}
	free(names);
	for (size_t i = 0; i < HOOK_VARIABLES; i++)
		free(variables[i]);
	return error;
}

static void hook_job_free(struct hook_job *job)
{
	free((char *)(uintptr_t)job->call.event);
	free((char *)(uintptr_t)job->call.library);
	free((char *)(uintptr_t)job->call.barcode);
	free((char *)(uintptr_t)job->call.path);
	free(job);
}

static void *hooks_main(void *argument)
{
	struct hooks *hooks = argument;
	char message[256];

	pthread_mutex_lock(&hooks->lock);
	for (;;) {
		struct hook_job *job = STAILQ_FIRST(&hooks->jobs);

		if (!job && hooks->ending)
			break;
		if (!job) {
			pthread_cond_wait(&hooks->wake, &hooks->lock);
			continue;
		}
		STAILQ_REMOVE_HEAD(&hooks->jobs, link);
		hooks->waiting--;
		pthread_mutex_unlock(&hooks->lock);
		hooks_run(hooks, &job->call, message);
		hook_job_free(job);
		pthread_mutex_lock(&hooks->lock);
	}
	pthread_mutex_unlock(&hooks->lock);
	return NULL;
}

static bool hooks_queue(struct hooks *hooks, struct hook_job *job)
{
	LOCK_SCOPE(&hooks->lock);

	if (hooks->waiting >= HOOKS_WAITING_MAX)
		return false;
	STAILQ_INSERT_TAIL(&hooks->jobs, job, link);
	hooks->waiting++;
	pthread_cond_signal(&hooks->wake);
	return true;
}

void hooks_post(struct hooks *hooks, const struct hook_call *call)
{
	struct hook_job *job = mem_zalloc(sizeof(*job));

	job->call = (struct hook_call){
		.event = mem_strdup(call->event),
		.library = mem_strdup(call->library),
		.barcode = mem_strdup(call->barcode),
		.path = mem_strdup(call->path),
		.from = call->from,
		.to = call->to,
	};
	if (hooks_queue(hooks, job))
		return;
	log_error("%s: the %s hooks are not run: too many wait", call->barcode, call->event);
	hook_job_free(job);
}

int hooks_new(const char *folder, unsigned seconds, struct hooks **hooks)
{
	struct hooks *new = mem_zalloc(sizeof(*new));
	int error = file_make_directory(folder, 0755);

	new->folder = mem_strdup(folder);
	new->seconds = seconds;
	STAILQ_INIT(&new->jobs);
	pthread_mutex_init(&new->lock, NULL);
	pthread_cond_init(&new->wake, NULL);
	for (size_t i = 0; i < sizeof(hook_events) / sizeof(hook_events[0]) && !error; i++) {
		CLEANUP_FREE char *path = mem_printf("%s/%s", folder, hook_events[i]);

		error = file_make_directory(path, 0755);
	}
	if (!error)
		error = -pthread_create(&new->thread, NULL, hooks_main, new);
	if (!error) {
		*hooks = new;
		return 0;
	}
	pthread_cond_destroy(&new->wake);
	pthread_mutex_destroy(&new->lock);
	free(new->folder);
	free(new);
	return error;
}

void hooks_free(struct hooks **hooks)
{
	struct hooks *old = TAKE(*hooks);

	if (!old)
		return;
	{
		LOCK_SCOPE(&old->lock);
		old->ending = true;
		pthread_cond_signal(&old->wake);
	}
	pthread_join(old->thread, NULL);
	pthread_cond_destroy(&old->wake);
	pthread_mutex_destroy(&old->lock);
	free(old->folder);
	free(old);
}
