/* SPDX-License-Identifier: MIT */
/*
 * The methods of granary-fsd's control socket; granary-control.7 lists them.
 * Paths are inside the store, from its root; a path that begins with the mount's
 * folder is taken for what it means there.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "fs/fuse/fsd.h"
#include "lib/base/cleanup.h"
#include "lib/base/mem.h"

static int answer(json_t **result, json_t *object)
{
	*result = object;
	return object ? 0 : RPC_INTERNAL;
}

/* The path as the tree wants it: no slash at either end. The result is the caller's. */
static char *inside_path(const struct fsd *fsd, const char *path)
{
	size_t length = strlen(fsd->dir);
	char *inside;

	if (strncmp(path, fsd->dir, length) == 0 && (path[length] == '/' || !path[length]))
		path += length;
	inside = mem_strdup(path + strspn(path, "/"));
	for (length = strlen(inside); length && inside[length - 1] == '/'; length--)
		inside[length - 1] = '\0';
	return inside;
}

/* ---- status ---- */

void fsd_status(struct daemon *d, json_t *object)
{
	struct fsd *fsd = daemon_data(d);
	int failed = store_failed(fsd->store);

	json_object_set_new(object, "store", rpc_text(fsd->store_path));
	json_object_set_new(object, "mount", rpc_text(fsd->dir));
	json_object_set_new(object, "read_only", json_boolean(fsd->read_only || failed));
	json_object_set_new(object, "failed",
			    failed ? json_string(strerror(-failed)) : json_null());
	json_object_set_new(object, "space", fsd_space(fsd));
	json_object_set_new(object, "losses", fsd_losses(fsd));
}

static json_t *job_object(struct fsd *fsd, enum tree_job job)
{
	struct tree_job_status s = {0};

	tree_job_status(fsd->tree, job, &s);
	return json_pack("{s:s, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:i}", "state",
			 s.state ? s.state : "idle", "done", (json_int_t)s.done, "total",
			 (json_int_t)s.total, "freed", (json_int_t)s.freed, "will_free",
			 (json_int_t)s.will_free, "damaged_chunks", (json_int_t)s.damaged_chunks,
			 "damaged_files", (json_int_t)s.damaged_files, "healed_chunks",
			 (json_int_t)s.healed_chunks, "damaged_packs",
			 (json_int_t)s.damaged_packs, "repaired_packs",
			 (json_int_t)s.repaired_packs, "started_ns", (json_int_t)s.started_ns,
			 "finished_ns", (json_int_t)s.finished_ns, "error", abs(s.error));
}

static int rpc_status(struct daemon *d, json_t *params, json_t **result, char message[256])
{
	struct fsd *fsd = daemon_data(d);
	const struct superblock *sb = store_superblock(fsd->store);
	json_t *object;
	char uuid[37];

	(void)params;
	(void)message;
	superblock_format_uuid(sb->uuid, uuid);
	object = json_pack("{s:s, s:i, s:i, s:s, s:s, s:o, s:o}", "uuid", uuid, "format",
			   (int)sb->format, "chunk_average", (int)sb->chunk_average, "compression",
			   compression_name(sb->compression), "created", sb->created, "clean",
			   job_object(fsd, TREE_JOB_CLEAN), "scrub",
			   job_object(fsd, TREE_JOB_SCRUB));
	if (object)
		fsd_status(d, object);
	return answer(result, object);
}

static int rpc_stats(struct daemon *d, json_t *params, json_t **result, char message[256])
{
	(void)params;
	(void)message;
	return answer(result, fsd_stats(daemon_data(d)));
}

static int rpc_containers(struct daemon *d, json_t *params, json_t **result, char message[256])
{
	json_t *list;
	int error;

	(void)params;
	list = fsd_containers(daemon_data(d), &error);
	if (error) {
		json_decref(list);
		return rpc_fail(message, error, "the containers cannot be listed: %s",
				strerror(-error));
	}
	return answer(result, json_pack("{s:o}", "containers", list));
}

/* ---- jobs ---- */

static const struct {
	const char *name;
	enum tree_job job;
} jobs[] = {
	{"clean", TREE_JOB_CLEAN},
	{"scrub", TREE_JOB_SCRUB},
};

static const struct {
	const char *name;
	enum tree_job_command command;
} commands[] = {
	{"start", TREE_JOB_START},
	{"pause", TREE_JOB_PAUSE},
	{"resume", TREE_JOB_RESUME},
	{"stop", TREE_JOB_STOP},
};

static const char *job_reason(int error, enum tree_job_command command)
{
	if (error == -EALREADY)
		return "it is under way already";
	if (error == -ESRCH)
		return command == TREE_JOB_RESUME ? "it is not paused" : "it is not under way";
	return strerror(-error);
}

static int job_command(struct daemon *d, enum tree_job job, json_t *params, json_t **result,
		       char message[256])
{
	struct fsd *fsd = daemon_data(d);
	const char *name;
	int error;

	error = rpc_param_string(params, "command", &name, message);
	if (error)
		return error;
	for (size_t i = 0; i < sizeof(commands) / sizeof(*commands); i++) {
		if (strcmp(name, commands[i].name) != 0)
			continue;
		error = tree_job_command(fsd->tree, job, commands[i].command);
		if (error)
			return rpc_fail(message, error, "cannot %s: %s", name,
					job_reason(error, commands[i].command));
		return answer(result, job_object(fsd, job));
	}
	return rpc_fail(message, RPC_INVALID_PARAMS,
			"there is no command \"%s\": it is start, pause, resume or stop", name);
}

static int rpc_clean(struct daemon *d, json_t *params, json_t **result, char message[256])
{
	return job_command(d, TREE_JOB_CLEAN, params, result, message);
}

static int rpc_scrub(struct daemon *d, json_t *params, json_t **result, char message[256])
{
	return job_command(d, TREE_JOB_SCRUB, params, result, message);
}

static int rpc_job(struct daemon *d, json_t *params, json_t **result, char message[256])
{
	const char *name;
	int error;

	error = rpc_param_string(params, "name", &name, message);
	if (error)
		return error;
	for (size_t i = 0; i < sizeof(jobs) / sizeof(*jobs); i++)
		if (strcmp(name, jobs[i].name) == 0)
			return answer(result, job_object(daemon_data(d), jobs[i].job));
	return rpc_fail(message, RPC_INVALID_PARAMS, "there is no job \"%s\": it is clean or scrub",
			name);
}

/* ---- files ---- */

/* The kernel may remember that the name does not exist, so it is told that it does. */
static void announce_name(struct fsd *fsd, const char *path)
{
	CLEANUP_FREE char *copy = mem_strdup(path);
	char *rest = copy, *name;
	uint64_t parent = TREE_ROOT;

	while ((name = strsep(&rest, "/")) && rest) {
		struct tree_entry entry;

		if (!*name)
			continue;
		if (tree_lookup(fsd->tree, parent, name, &entry))
			return;
		parent = entry.inode;
		tree_forget(fsd->tree, parent, 1);
	}
	if (name && *name)
		mountpoint_forget_name(fsd->mountpoint, parent, name);
}

/* What the kernel holds back of written mappings belongs to what is asked for. */
static int flush_kernel(const struct fsd *fsd)
{
	CLEANUP_FD int fd = open(fsd->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	return fd < 0 || syncfs(fd) < 0 ? -errno : 0;
}

static int rpc_clone(struct daemon *d, json_t *params, json_t **result, char message[256])
{
	struct fsd *fsd = daemon_data(d);
	CLEANUP_FREE char *source = NULL;
	CLEANUP_FREE char *target = NULL;
	const char *from, *to;
	int error;

	error = rpc_param_string(params, "source", &from, message);
	if (!error)
		error = rpc_param_string(params, "target", &to, message);
	if (error)
		return error;
	source = inside_path(fsd, from);
	target = inside_path(fsd, to);
	error = flush_kernel(fsd);
	if (!error) {
		error = tree_clone(fsd->tree, source, target);
		announce_name(fsd, target); /* half a clone is there, too */
	}
	if (error)
		return rpc_fail(message, error, "cannot clone %s to %s: %s", from, to,
				strerror(-error));
	return answer(result, json_object());
}

static int rpc_quota(struct daemon *d, json_t *params, json_t **result, char message[256])
{
	struct fsd *fsd = daemon_data(d);
	CLEANUP_FREE char *container = NULL;
	const char *name;
	uint64_t bytes;
	int error;

	error = rpc_param_string(params, "container", &name, message);
	if (!error)
		error = rpc_param_number(params, "bytes", &bytes, message);
	if (error)
		return error;
	container = inside_path(fsd, name);
	error = tree_set_quota(fsd->tree, container, bytes);
	if (error)
		return rpc_fail(message, error, "cannot set the quota of %s: %s", name,
				strerror(-error));
	return answer(result, json_object());
}

static int rpc_explain(struct daemon *d, json_t *params, json_t **result, char message[256])
{
	struct fsd *fsd = daemon_data(d);
	CLEANUP_FREE char *path = NULL;
	struct tree_explain e = {0};
	const char *name;
	int error;

	error = rpc_param_string(params, "path", &name, message);
	if (error)
		return error;
	path = inside_path(fsd, name);
	error = tree_explain(fsd->tree, path, &e);
	if (error)
		return rpc_fail(message, error, "cannot explain %s: %s", name, strerror(-error));
	return answer(result,
		      json_pack("{s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:s}",
				"inode", (json_int_t)e.inode, "size", (json_int_t)e.size,
				"allocated", (json_int_t)e.allocated, "holes", (json_int_t)e.holes,
				"extents", (json_int_t)e.extents, "chunks", (json_int_t)e.chunks,
				"unique_chunks", (json_int_t)e.unique_chunks, "repeated_bytes",
				(json_int_t)e.repeated_bytes, "raw_bytes", (json_int_t)e.raw_bytes,
				"stored_bytes", (json_int_t)e.stored_bytes, "packs",
				(json_int_t)e.packs, "layout",
				e.fixed_layout ? "fixed" : "stream"));
}

static void path_add(void *context, const char *path, uint64_t bytes)
{
	json_array_append_new(context, json_pack("{s:o, s:I}", "path", rpc_text(path), "bytes",
						 (json_int_t)bytes));
}

#define SHARED_MOST 20 /* files that are named */

static int rpc_shared(struct daemon *d, json_t *params, json_t **result, char message[256])
{
	struct fsd *fsd = daemon_data(d);
	CLEANUP_FREE char *path = NULL;
	const char *name;
	uint64_t count = 0;
	int error = rpc_param_string(params, "path", &name, message);

	if (error)
		return error;
	path = inside_path(fsd, name);
	/* What was written just now counts where it can. */
	tree_commit(fsd->tree, 0);
	json_t *files = json_array();
	error = tree_explain_shared(fsd->tree, path, SHARED_MOST, &count, path_add, files);
	if (error) {
		json_decref(files);
		return rpc_fail(message, error, "cannot tell what %s shares: %s", name,
				strerror(-error));
	}
	return answer(result,
		      json_pack("{s:I, s:o}", "count", (json_int_t)count, "files", files));
}

static int rpc_sync(struct daemon *d, json_t *params, json_t **result, char message[256])
{
	struct fsd *fsd = daemon_data(d);
	int error = flush_kernel(fsd);

	(void)params;
	if (!error)
		error = tree_commit(fsd->tree, 0);
	if (error)
		return rpc_fail(message, error, "cannot sync: %s", strerror(-error));
	error = tree_loss_tell_all(fsd->tree);
	if (error)
		return rpc_fail(message, error, "data that was written before has been lost: %s",
				strerror(-error));
	return answer(result, json_object());
}

static int rpc_damaged(struct daemon *d, json_t *params, json_t **result, char message[256])
{
	struct fsd *fsd = daemon_data(d);
	json_t *files = json_array();
	int error = tree_damaged_paths(fsd->tree, path_add, files);

	(void)params;
	if (error < 0) {
		json_decref(files);
		return rpc_fail(message, error, "the damaged files cannot be listed: %s",
				strerror(-error));
	}
	return answer(result, json_pack("{s:o}", "files", files));
}

const struct rpc_method fsd_methods[] = {
	{"fs.status", rpc_status, .thread = true, .help = "the store, its space and its jobs"},
	{"fs.stats", rpc_stats, .thread = true, .help = "everything that is counted"},
	{"fs.containers", rpc_containers, .thread = true, .help = "usage by top-level directory"},
	{"fs.clean", rpc_clean, .thread = true, .help = "command: start, pause, resume, stop"},
	{"fs.scrub", rpc_scrub, .thread = true, .help = "command: start, pause, resume, stop"},
	{"fs.job", rpc_job, .thread = true, .help = "name: clean or scrub; how far it is"},
	{"fs.clone", rpc_clone, .thread = true, .help = "source, target: copy without the data"},
	{"fs.quota", rpc_quota, .thread = true, .help = "container, bytes (0: no limit)"},
	{"fs.explain", rpc_explain, .thread = true, .help = "path: how a file is stored"},
	{"fs.shared", rpc_shared, .thread = true, .help = "path: which files share its data"},
	{"fs.sync", rpc_sync, .thread = true, .help = "make everything done so far durable"},
	{"fs.damaged", rpc_damaged, .thread = true, .help = "files with damaged data"},
	{0},
};
