/* SPDX-License-Identifier: MIT */
/*
 * The life of a mount.
 *
 *   check -> session -> mount -> loop thread (libfuse's workers below it) -> answers
 *     -> ended by umount(8), by a failure, or by mountpoint_close():
 *        umount -> (busy: sync, detach, tell the loop to end) -> join -> destroy
 *
 * The loop ends by itself when the kernel lets go of the connection. When files
 * are open at the stop it does not; then the loop is told, and a signal wakes it.
 */
#include <fcntl.h>
#include <mntent.h>
#include <pthread.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "fs/fuse/coherence.h"
#include "fs/fuse/mountpoint.h"
#include "fs/fuse/operations.h"
#include "lib/base/assert.h"
#include "lib/base/cleanup.h"
#include "lib/base/log.h"
#include "lib/base/mem.h"

#define MOUNTPOINT_MAGIC 0x6d6e7470u
#define READ_AHEAD_KB	 4096u
#define UMOUNT_TRIES	 5

struct mountpoint {
	uint32_t magic;
	struct operations_context operations;
	struct fuse_session *session;
	char *dir;
	dev_t device; /* of the mounted filesystem; 0 until it has answered */
	bool clone_fd;
	unsigned threads;
	pthread_t loop;
	void (*ended)(void *context, int error);
	void *context;
};

/* ---- libfuse's own messages ---- */

/* While a mount is being made the last message is kept, to be part of one sentence. */
static bool message_kept;
static char message[1024];

static const enum log_level level_of_fuse[] = {
	[FUSE_LOG_EMERG] = LOG_LEVEL_ERROR,	[FUSE_LOG_ALERT] = LOG_LEVEL_ERROR,
	[FUSE_LOG_CRIT] = LOG_LEVEL_ERROR,	[FUSE_LOG_ERR] = LOG_LEVEL_ERROR,
	[FUSE_LOG_WARNING] = LOG_LEVEL_WARNING, [FUSE_LOG_NOTICE] = LOG_LEVEL_INFO,
	[FUSE_LOG_INFO] = LOG_LEVEL_INFO,	[FUSE_LOG_DEBUG] = LOG_LEVEL_DEBUG,
};

__attribute__((format(printf, 2, 0))) static void
fuse_message(enum fuse_log_level level, const char *format, va_list arguments)
{
	static const char prefix[] = "fuse: ";
	char line[1024], *start = line;
	size_t length;

	vsnprintf(line, sizeof(line), format, arguments);
	length = strlen(line);
	while (length && line[length - 1] == '\n')
		line[--length] = '\0';
	if (strncmp(start, prefix, sizeof(prefix) - 1) == 0)
		start += sizeof(prefix) - 1;
	if (!message_kept)
		log_line(level_of_fuse[level], "fuse: %s", start);
	else
		snprintf(message, sizeof(message), "%s", start);
}

/* ---- checks ---- */

static bool program_exists(const char *name)
{
	CLEANUP_FREE char *path = mem_strdup(getenv("PATH") ? getenv("PATH") : "/usr/bin:/bin");
	char *rest = path, *folder;

	while ((folder = strsep(&rest, ":"))) {
		CLEANUP_FREE char *program = mem_printf("%s/%s", *folder ? folder : ".", name);

		if (access(program, X_OK) == 0)
			return true;
	}
	return false;
}

static bool is_granary_mount(const char *dir)
{
	CLEANUP_FREE char *real = realpath(dir, NULL);
	FILE *mounts = setmntent("/proc/self/mounts", "r");
	struct mntent *entry;
	bool found = false;

	while (real && mounts && !found && (entry = getmntent(mounts)))
		found = strcmp(entry->mnt_dir, real) == 0 &&
			strcmp(entry->mnt_type, "fuse.granary") == 0;
	if (mounts)
		endmntent(mounts);
	return found;
}

int mountpoint_check(const char *dir)
{
	struct stat st;

	if (stat(dir, &st) < 0) {
		int error = -errno;

		if (error == -ENOTCONN)
			log_error(
				"%s: a mount whose daemon has gone is still there; umount it first",
				dir);
		else
			log_error("%s: cannot mount there: %s", dir, strerror(-error));
		return error;
	}
	if (!S_ISDIR(st.st_mode)) {
		log_error("%s: cannot mount there: it is not a folder", dir);
		return -ENOTDIR;
	}
	if (is_granary_mount(dir)) {
		log_error("%s: a granary store is mounted there already", dir);
		return -EBUSY;
	}
	if (access("/dev/fuse", F_OK) < 0) {
		log_error("%s: cannot mount there: /dev/fuse is missing (modprobe fuse)", dir);
		return -ENODEV;
	}
	if (geteuid() != 0 && !program_exists("fusermount3")) {
		log_error("%s: cannot mount there: fusermount3, which users other than root need, "
			  "is not installed (Debian: package fuse3)",
			  dir);
		return -ENOSYS;
	}
	return 0;
}

/* ---- the session ---- */

/* For an option's value: commas and backslashes would end it. */
static char *option_escape(const char *value)
{
	char *escaped = mem_alloc(2 * strlen(value) + 1), *end = escaped;

	for (; *value; value++) {
		if (*value == ',' || *value == '\\')
			*end++ = '\\';
		*end++ = *value;
	}
	*end = '\0';
	return escaped;
}

static char *option_list(const char *source, const struct mountpoint_options *options)
{
	CLEANUP_FREE char *name = option_escape(source);

	/* Only root may allow set-user-ID programs and devices; mount(8) takes them away again
	 * with nosuid and nodev. */
	return mem_printf(
		"fsname=%s,subtype=granary,default_permissions%s%s%s%s%s%s", name,
		options->allow_other ? ",allow_other" : "", options->read_only ? ",ro" : "",
		geteuid() == 0 ? ",suid,dev" : "", options->debug ? ",debug" : "",
		options->extra && *options->extra ? "," : "", options->extra ? options->extra : "");
}

static int session_open(struct mountpoint *m, const char *source,
			const struct mountpoint_options *options)
{
	CLEANUP_FREE char *list = option_list(source, options);
	struct fuse_args args = FUSE_ARGS_INIT(0, NULL);
	int error = 0;

	fuse_set_log_func(fuse_message);
	if (fuse_opt_add_arg(&args, "granary-fsd") || fuse_opt_add_arg(&args, "-o") ||
	    fuse_opt_add_arg(&args, list)) {
		fuse_opt_free_args(&args);
		return -ENOMEM;
	}
	message[0] = '\0';
	message_kept = true;
	m->session = fuse_session_new(&args, &operations, sizeof(operations), &m->operations);
	if (!m->session)
		error = -EINVAL;
	else if (fuse_session_mount(m->session, m->dir))
		error = errno ? -errno : -EIO;
	message_kept = false;
	fuse_opt_free_args(&args);
	if (error)
		log_error("%s: cannot mount there: %s", m->dir,
			  *message ? message : strerror(-error));
	return error;
}

/* Only wakes the loop's thread. */
static void wake(int signal)
{
	(void)signal;
}

static void *loop_run(void *argument)
{
	struct mountpoint *m = argument;
	struct fuse_loop_config *config = fuse_loop_cfg_create();
	int error = -ENOMEM;

	if (config) {
		fuse_loop_cfg_set_clone_fd(config, m->clone_fd);
		fuse_loop_cfg_set_max_threads(config, m->threads);
		fuse_loop_cfg_set_idle_threads(config, m->threads);
		error = fuse_session_loop_mt(m->session, config);
		fuse_loop_cfg_destroy(config);
	}
	if (error > 0) /* ended by a signal, as told */
		error = 0;
	m->ended(m->context, error);
	return NULL;
}

/* Signals are the daemon's main thread's, but for the one that wakes the loop. */
static int loop_start(struct mountpoint *m)
{
	struct sigaction action = {.sa_handler = wake};
	sigset_t all, before;
	int error;

	sigaction(SIGRTMIN, &action, NULL);
	sigfillset(&all);
	sigdelset(&all, SIGRTMIN);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	error = -pthread_create(&m->loop, NULL, loop_run, m);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return error;
}

/* libfuse can ask for no more than the kernel offers (128 KiB); root can set it afterwards.
 * Best effort: a restore reads faster with it. */
static void read_ahead_raise(dev_t device)
{
	char path[64], value[16];
	CLEANUP_FD int fd = -1;
	int length;

	snprintf(path, sizeof(path), "/sys/class/bdi/%u:%u/read_ahead_kb", major(device),
		 minor(device));
	fd = open(path, O_WRONLY | O_CLOEXEC);
	length = snprintf(value, sizeof(value), "%u", READ_AHEAD_KB);
	if (fd < 0 || write(fd, value, (size_t)length) != length)
		log_debug("%s: %s", path, strerror(errno));
}

static void mountpoint_free(struct mountpoint **mountpoint)
{
	struct mountpoint *m = TAKE(*mountpoint);

	coherence_free(&m->operations.coherence);
	if (m->session)
		fuse_session_destroy(m->session);
	files_forget(&m->operations);
	dirs_forget(&m->operations);
	pthread_mutex_destroy(&m->operations.files_lock);
	free(m->dir);
	free(m);
}

int mountpoint_open(struct tree *tree, const char *source, const char *dir,
		    const struct mountpoint_options *options,
		    void (*ended)(void *context, int error), void *context,
		    struct mountpoint **mountpoint)
{
	struct mountpoint *m = mem_zalloc(sizeof(*m));
	struct stat st;
	int error;

	*m = (struct mountpoint){
		.magic = MOUNTPOINT_MAGIC,
		.operations = {.tree = tree,
			       .writeback = options->writeback,
			       .files_lock = PTHREAD_MUTEX_INITIALIZER},
		.dir = mem_strdup(dir),
		.clone_fd = options->clone_fd,
		.threads = options->threads,
		.ended = ended,
		.context = context,
	};
	error = session_open(m, source, options);
	if (error) {
		mountpoint_free(&m);
		return error;
	}
	m->operations.coherence = coherence_start(m->session);
	error = m->operations.coherence ? loop_start(m) : -EAGAIN;
	if (error) {
		log_error("%s: cannot start a thread: %s", dir, strerror(-error));
		fuse_session_unmount(m->session);
		mountpoint_free(&m);
		return error;
	}
	/* The kernel answers when the session has been agreed on. */
	if (stat(dir, &st) < 0) {
		error = -errno;
		log_error("%s: the mount does not answer: %s", dir, strerror(errno));
		mountpoint_close(&m);
		return error;
	}
	m->device = st.st_dev;
	if (geteuid() == 0)
		read_ahead_raise(m->device);
	*mountpoint = m;
	return 0;
}

/* ---- the end ---- */

static int fusermount_umount(const char *dir, bool detach)
{
	const char *const umount[] = {"fusermount3", "-u", "-q", "--", dir, NULL};
	const char *const lazily[] = {"fusermount3", "-u", "-q", "-z", "--", dir, NULL};
	char *const *argv = (char *const *)(detach ? lazily : umount);
	extern char **environ;
	int status = 0;
	pid_t pid;

	if (posix_spawnp(&pid, argv[0], NULL, NULL, argv, environ))
		return -ENOENT;
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return -errno;
	return status == 0 ? 0 : -EBUSY;
}

static int umount_dir(const struct mountpoint *m, bool detach)
{
	struct stat st;

	/* Somebody may have detached ours; another mount there is not ours to take away. */
	if (m->device && stat(m->dir, &st) == 0 && st.st_dev != m->device)
		return -EINVAL;
	if (geteuid() == 0)
		return umount2(m->dir, (detach ? MNT_DETACH : 0) | UMOUNT_NOFOLLOW) < 0 ? -errno
											: 0;
	return fusermount_umount(m->dir, detach);
}

static bool loop_ended(struct mountpoint *m, unsigned ms)
{
	struct timespec deadline;

	clock_gettime(CLOCK_REALTIME, &deadline);
	deadline.tv_nsec += (long)ms * 1000000;
	deadline.tv_sec += deadline.tv_nsec / 1000000000;
	deadline.tv_nsec %= 1000000000;
	return pthread_timedjoin_np(m->loop, NULL, &deadline) == 0;
}

/* Files are open: hands over what the kernel still holds, takes the mount out of sight and
 * ends the loop. */
static void loop_break(struct mountpoint *m)
{
	CLEANUP_FD int fd = open(m->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	log_warning("%s: files are still open there; their users get errors from now on", m->dir);
	if (fd >= 0 && syncfs(fd) < 0)
		log_warning("%s: syncfs: %s", m->dir, strerror(errno));
	if (fd >= 0)
		close(TAKE_FD(fd));
	umount_dir(m, true);
	/* While there are threads to answer what it may wait for. */
	coherence_stop(m->operations.coherence);
	fuse_session_exit(m->session);
	do
		pthread_kill(m->loop, SIGRTMIN);
	while (!loop_ended(m, 50));
}

void mountpoint_close(struct mountpoint **mountpoint)
{
	struct mountpoint *m = *mountpoint;
	bool unmounted = false;

	if (!m)
		return;
	ASSERT_OBJECT(m, MOUNTPOINT_MAGIC);
	for (unsigned tries = 0; !loop_ended(m, tries ? 100 : 0); tries++) {
		if (unmounted)
			continue; /* now it only takes the kernel's time */
		unmounted = umount_dir(m, false) == 0;
		if (!unmounted && tries >= UMOUNT_TRIES) {
			loop_break(m);
			mountpoint_free(mountpoint);
			return;
		}
	}
	/* Gone already: this only frees what libfuse keeps. */
	fuse_session_unmount(m->session);
	mountpoint_free(mountpoint);
}

void mountpoint_forget_name(struct mountpoint *m, uint64_t parent, const char *name)
{
	ASSERT_OBJECT(m, MOUNTPOINT_MAGIC);
	/* -ENOENT: the kernel does not know the folder, so nothing of it either. */
	fuse_lowlevel_notify_inval_entry(m->session, parent, name, strlen(name));
	/* The folder's time of modification has changed too. */
	fuse_lowlevel_notify_inval_inode(m->session, parent, -1, 0);
}
