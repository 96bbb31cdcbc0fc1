/* SPDX-License-Identifier: MIT */
/*
 * granary-fsd: one store, one mount.
 *
 *   start: check the mount point -> store -> tree -> mount       (nothing is changed before
 *   stop:  unmount -> last commit, catalogue backup -> store      everything has been checked)
 *
 * It ends when it is told to, and when the mount goes away (umount(8)).
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <malloc.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "fs/chunk/compress.h"
#include "fs/fuse/fsd.h"
#include "fs/fuse/mountpoint.h"
#include "fs/store/lock.h"
#include "fs/store/store.h"
#include "fs/tree/tree.h"
#include "lib/base/cleanup.h"
#include "lib/base/log.h"
#include "lib/base/mem.h"
#include "lib/daemon/daemon.h"

#define MEMORY_DEFAULT (UINT64_C(512) << 20)
#define MEMORY_LEAST   (UINT64_C(64) << 20)

/* What the options table fills in before start(). */
static struct {
	uint64_t memory, threads, fuse_threads, commit_seconds, backup_seconds;
	bool read_only, sparse_index, allow_other, writeback, noatime, clone_fd, fuse_debug;
	char *compression, *mount_options;
} settings = {
	.memory = MEMORY_DEFAULT,
	.fuse_threads = 10,
	.commit_seconds = 5,
	.backup_seconds = 3600,
};

/* clang-format off */
static const struct daemon_option fsd_options[] = {
	{ "memory", 'm', "memory", DAEMON_SIZE, "SIZE",
	  "memory for everything that is kept (512M)", &settings.memory },
	{ "threads", 't', "threads", DAEMON_NUMBER, "NUMBER",
	  "threads that cut, compress and write (one per CPU)", &settings.threads },
	{ "fuse-threads", 0, "fuse_threads", DAEMON_NUMBER, "NUMBER",
	  "threads that take requests (10)", &settings.fuse_threads },
	{ "commit-seconds", 's', "commit_seconds", DAEMON_NUMBER, "SECONDS",
	  "longest time before a change is durable (5)", &settings.commit_seconds },
	{ "backup-seconds", 0, "backup_seconds", DAEMON_NUMBER, "SECONDS",
	  "how often the catalogue is copied into the segments (3600)", &settings.backup_seconds },
	{ "read-only", 'r', "read_only", DAEMON_FLAG, NULL,
	  "change nothing in the store", &settings.read_only },
	{ "compression", 'c', "compression", DAEMON_STRING, "NAME",
	  "off, fast, balanced or best (the store's own)", &settings.compression },
	{ "sparse-index", 0, "sparse_index", DAEMON_FLAG, NULL,
	  "index in a quarter of the memory; finds a little less", &settings.sparse_index },
	{ "allow-other", 0, "allow_other", DAEMON_FLAG, NULL,
	  "let other users in (always so for root)", &settings.allow_other },
	{ "writeback", 0, "writeback", DAEMON_FLAG, NULL,
	  "let the kernel keep written pages back", &settings.writeback },
	{ "noatime", 0, "noatime", DAEMON_FLAG, NULL,
	  "never change times of access", &settings.noatime },
	{ "clone-fd", 0, "clone_fd", DAEMON_FLAG, NULL,
	  "a descriptor of /dev/fuse for each thread", &settings.clone_fd },
	{ "mount-options", 'o', "mount_options", DAEMON_STRING, "LIST",
	  "more options of the mount: nosuid,nodev,noexec", &settings.mount_options },
	{ "fuse-debug", 0, NULL, DAEMON_FLAG, NULL,
	  "log every request", &settings.fuse_debug },
	{ 0 },
};
/* clang-format on */

static int settings_check(int *compression)
{
	enum compression chosen;

	*compression = -1;
	if (settings.compression && compression_parse(settings.compression, &chosen) == 0)
		*compression = (int)chosen;
	else if (settings.compression) {
		log_error("there is no compression \"%s\": it is off, fast, balanced or best",
			  settings.compression);
		return -EINVAL;
	}
	if (settings.memory < MEMORY_LEAST) {
		log_error("memory: at least %llu MiB are needed",
			  (unsigned long long)(MEMORY_LEAST >> 20));
		return -EINVAL;
	}
	if (settings.fuse_threads < 1 || settings.fuse_threads > 1000 || settings.threads > 1000) {
		log_error("threads: between 1 and 1000");
		return -EINVAL;
	}
	if (settings.commit_seconds < 1 || settings.commit_seconds > 3600) {
		log_error("commit-seconds: between 1 and 3600");
		return -EINVAL;
	}
	if (settings.backup_seconds < 1 || settings.backup_seconds > 86400) {
		log_error("backup-seconds: between 1 and 86400");
		return -EINVAL;
	}
	return 0;
}

static bool path_is_below(const char *path, const char *folder)
{
	size_t length = strlen(folder);

	return strncmp(path, folder, length) == 0 &&
	       (path[length] == '/' || path[length] == '\0' || folder[length - 1] == '/');
}

/* Absolute paths; and a mount over its own store would hide the store from itself. */
static int fsd_find_paths(struct fsd *fsd)
{
	fsd->store_path = realpath(daemon_argument(fsd->daemon, 0), NULL);
	if (!fsd->store_path) {
		int error = -errno;

		log_error("%s: cannot open the store: %s", daemon_argument(fsd->daemon, 0),
			  strerror(-error));
		return error;
	}
	fsd->dir = realpath(daemon_argument(fsd->daemon, 1), NULL);
	if (!fsd->dir)
		return -errno;
	if (path_is_below(fsd->store_path, fsd->dir) || path_is_below(fsd->dir, fsd->store_path)) {
		log_error(
			"%s: cannot mount there: the store %s and its mount must not contain each "
			"other",
			fsd->dir, fsd->store_path);
		return -ELOOP;
	}
	return 0;
}

static int fsd_open_store(struct fsd *fsd, int compression)
{
	const struct store_options store = {
		/* The rest is for request buffers and what the libraries take. */
		.memory = settings.memory / 8 * 5, .threads = (unsigned)settings.threads,
		.lock_seconds = LOCK_PATIENCE,
		.read_only = settings.read_only,   .sparse_index = settings.sparse_index,
		.compression = compression,
	};
	const struct tree_options tree = {
		.memory = settings.memory / 4,
		.commit_seconds = (unsigned)settings.commit_seconds,
		.backup_seconds = (unsigned)settings.backup_seconds,
		.read_only = settings.read_only,
		.atime = !settings.noatime,
	};
	int error;

	error = store_open(fsd->store_path, &store, &fsd->store); /* logs why not */
	if (error)
		return error;
	error = tree_open(fsd->store, &tree, &fsd->tree);
	if (error)
		log_error("%s: the tree cannot be opened: %s", fsd->store_path, strerror(-error));
	return error;
}

static void fsd_ended(void *context, int error)
{
	struct fsd *fsd = context;

	if (error)
		log_error("%s: the mount failed: %s", fsd->dir, strerror(-error));
	daemon_stop(fsd->daemon, error ? 1 : 0);
}

static int fsd_mount(struct fsd *fsd)
{
	const struct mountpoint_options options = {
		.allow_other = settings.allow_other || geteuid() == 0,
		.read_only = settings.read_only,
		.writeback = settings.writeback,
		.clone_fd = settings.clone_fd,
		.debug = settings.fuse_debug,
		.threads = (unsigned)settings.fuse_threads,
		.extra = settings.mount_options,
	};

	return mountpoint_open(fsd->tree, fsd->store_path, fsd->dir, &options, fsd_ended, fsd,
			       &fsd->mountpoint);
}

/* Everything down again; 0, or the first thing that was not made durable. */
static int fsd_close(struct fsd *fsd)
{
	int error = 0;

	mountpoint_close(&fsd->mountpoint);
	if (fsd->tree)
		error = tree_close(&fsd->tree);
	if (fsd->store && !error)
		error = store_failed(fsd->store);
	if (fsd->store)
		store_close(&fsd->store);
	free(TAKE(fsd->store_path));
	free(TAKE(fsd->dir));
	free(fsd);
	return error;
}

/* STORE/control.sock. The address of a socket is short; a longer path goes through a descriptor
 * of the folder, which stays open until the process ends. */
static void fsd_set_control(struct fsd *fsd)
{
	CLEANUP_FREE char *path = mem_printf("%s/control.sock", fsd->store_path);
	struct sockaddr_un address;

	if (strlen(path) >= sizeof(address.sun_path)) {
		int fd = open(fsd->store_path, O_PATH | O_DIRECTORY | O_CLOEXEC);

		free(TAKE(path));
		path = mem_printf("/proc/self/fd/%d/control.sock", fd);
	}
	daemon_set_control(fsd->daemon, path);
}

static int fsd_start(struct daemon *d)
{
	struct fsd *fsd;
	int compression, error;

	error = settings_check(&compression);
	if (error)
		return error;
	fsd = mem_zalloc(sizeof(*fsd));
	fsd->daemon = d;
	fsd->read_only = settings.read_only;
	daemon_set_data(d, fsd);
	error = mountpoint_check(daemon_argument(d, 1));
	if (!error)
		error = fsd_find_paths(fsd);
	if (!error)
		error = fsd_open_store(fsd, compression);
	if (!error)
		error = fsd_mount(fsd);
	if (error) {
		fsd_close(fsd);
		return error == -EINVAL ? -EIO : error; /* -EINVAL is for wrong arguments */
	}
	fsd_set_control(fsd);
	log_info("%s is mounted on %s", fsd->store_path, fsd->dir);
	return 0;
}

static void fsd_stop(struct daemon *d)
{
	struct fsd *fsd = daemon_data(d);
	CLEANUP_FREE char *path = mem_strdup(fsd->store_path);
	int error = fsd_close(fsd);

	if (error) {
		log_error("%s: not everything could be stored: %s", path, strerror(-error));
		daemon_stop(d, 1);
	}
}

static const struct daemon_class fsd_class = {
	.name = "granary-fsd",
	.section = "fsd",
	.usage = "STORE DIR",
	.summary = "Mounts the deduplicating store STORE on the folder DIR.",
	.arguments_min = 2,
	.arguments_max = 2,
	.options = fsd_options,
	.methods = fsd_methods,
	.start = fsd_start,
	.stop = fsd_stop,
	.status = fsd_status,
	.metrics = fsd_metrics,
};

#ifdef __SANITIZE_ADDRESS__
/* libfuse frees its copy of the mount point only where it may unmount it too: not after a
 * detach. */
const char *__lsan_default_suppressions(void);
const char *__lsan_default_suppressions(void)
{
	return "leak:fuse_session_mount";
}
#endif

/* Buffers come and go all the time. Without this the allocator would give their pages back to the
 * kernel whenever a pack is written, and clear and fault in others for the next one. */
static void memory_keep(void)
{
	mallopt(M_MMAP_THRESHOLD, 8 << 20);
	mallopt(M_TRIM_THRESHOLD, 16 << 20);
	mallopt(M_ARENA_MAX, 4);
}

int main(int argc, char **argv)
{
	memory_keep();
	return daemon_main(argc, argv, &fsd_class);
}
