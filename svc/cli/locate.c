/* SPDX-License-Identifier: MIT */
/*
 * Where a path belongs. /proc/self/mountinfo lists the mounts, the later over
 * the earlier; the mount of a path is the last of those whose mount point is its
 * longest prefix. Ours have the type fuse.granary and the store as their source.
 * proc(5): id parent major:minor root mount-point options [tags...] - type source ...
 */
#include "svc/cli/locate.h"

#include <errno.h>
#include <libgen.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "lib/base/cleanup.h"
#include "lib/base/mem.h"

#define LOCATE_TYPE "fuse.granary"

struct mount_line {
	char *root, *point, *type, *source; /* inside the line */
};

void location_clear(struct location *location)
{
	free(location->store);
	free(location->mount);
	free(location->inside);
	*location = (struct location){0};
}

/* mountinfo writes blanks and the like as \ooo. */
static void locate_unescape(char *text)
{
	char *out = text;
	for (; *text; out++) {
		unsigned code;
		if (text[0] == '\\' && strspn(text + 1, "01234567") >= 3 &&
		    sscanf(text + 1, "%3o", &code) == 1 && code < 256) {
			*out = (char)code;
			text += 4;
		} else {
			*out = *text++;
		}
	}
	*out = 0;
}

static bool mount_line_parse(char *line, struct mount_line *m)
{
	char *fields[5];
	char *save;
	char *rest = strstr(line, " - ");
	if (!rest)
		return false;
	*rest = 0;
	rest += 3;
	char *word = strtok_r(line, " ", &save);
	for (size_t i = 0; i < 5; i++) {
		fields[i] = word;
		word = strtok_r(NULL, " ", &save);
	}
	m->root = fields[3];
	m->point = fields[4];
	m->type = strtok_r(rest, " \n", &save);
	m->source = m->type ? strtok_r(NULL, " \n", &save) : NULL;
	if (!m->root || !m->point || !m->source)
		return false;
	locate_unescape(m->root);
	locate_unescape(m->point);
	locate_unescape(m->source);
	return true;
}

/* What follows `folder` in `path`, without slashes at its start; NULL when it lies elsewhere. */
static const char *locate_remainder(const char *folder, const char *path)
{
	size_t length = strcmp(folder, "/") == 0 ? 0 : strlen(folder);
	if (strncmp(folder, path, length) != 0 || (path[length] && path[length] != '/'))
		return NULL;
	path += length;
	return path + strspn(path, "/");
}

static void locate_take(const struct mount_line *m, const char *remainder, struct location *l)
{
	const char *root = m->root + strspn(m->root, "/"); /* not empty in a bind mount */
	location_clear(l);
	l->store = mem_strdup(m->source);
	l->mount = mem_strdup(m->point);
	l->inside = mem_printf("%s%s%s", root, *root && *remainder ? "/" : "", remainder);
}

int locate_in_mounts(const char *mountinfo, const char *path, struct location *location)
{
	CLEANUP_FILE FILE *f = fopen(mountinfo, "re");
	CLEANUP_FREE char *line = NULL;
	struct location best = {0};
	size_t size = 0, longest = 0;
	if (!f)
		return -errno;
	while (getline(&line, &size, f) > 0) {
		struct mount_line m;
		const char *remainder;
		if (!mount_line_parse(line, &m) || !(remainder = locate_remainder(m.point, path)) ||
		    strlen(m.point) < longest)
			continue;
		longest = strlen(m.point);
		location_clear(&best);
		if (strcmp(m.type, LOCATE_TYPE) == 0)
			locate_take(&m, remainder, &best);
	}
	if (!best.store)
		return -ENOENT;
	*location = best;
	return 0;
}

/* The mount of a store, or with NULL the only mount of any. */
static int locate_store(const char *store, struct location *location)
{
	CLEANUP_FILE FILE *f = fopen("/proc/self/mountinfo", "re");
	CLEANUP_FREE char *line = NULL;
	struct location found = {0};
	size_t size = 0;
	bool several = false;
	if (!f)
		return -errno;
	while (getline(&line, &size, f) > 0) {
		struct mount_line m;
		if (!mount_line_parse(line, &m) || strcmp(m.type, LOCATE_TYPE) != 0 ||
		    (store && strcmp(store, m.source) != 0))
			continue;
		several = several || (found.store && strcmp(found.store, m.source) != 0);
		if (!found.store && strcmp(m.root, "/") == 0)
			locate_take(&m, "", &found);
	}
	if (!found.store || several) {
		location_clear(&found);
		return several ? -ENOTUNIQ : -ENOENT;
	}
	*location = found;
	return 0;
}

/* realpath(3), but the last part may be missing. */
static char *locate_absolute(const char *name)
{
	char *path = realpath(name, NULL);
	if (path || errno != ENOENT)
		return path;
	CLEANUP_FREE char *folder_copy = mem_strdup(name);
	CLEANUP_FREE char *name_copy = mem_strdup(name);
	CLEANUP_FREE char *folder = realpath(dirname(folder_copy), NULL);
	if (!folder)
		return NULL;
	return mem_printf("%s/%s", strcmp(folder, "/") == 0 ? "" : folder, basename(name_copy));
}

static bool locate_is_store(const char *path)
{
	struct stat st;
	CLEANUP_FREE char *conf = mem_printf("%s/store.conf", path);
	CLEANUP_FREE char *segments = mem_printf("%s/segments", path);
	return stat(conf, &st) == 0 && S_ISREG(st.st_mode) && stat(segments, &st) == 0 &&
	       S_ISDIR(st.st_mode);
}

int locate(const char *name, struct location *location)
{
	CLEANUP_FREE char *path = locate_absolute(name ? name : ".");
	if (!path)
		return -errno;
	int error = locate_in_mounts("/proc/self/mountinfo", path, location);
	if (error == 0)
		return 0;
	if (locate_is_store(path)) {
		error = locate_store(path, location);
		if (error == -ENOENT) {
			location->store = TAKE(path);
			location->inside = mem_strdup("");
			error = 0;
		}
		return error;
	}
	return name ? -ENOENT : locate_store(NULL, location);
}
