/* SPDX-License-Identifier: MIT */
/* Paths from the root, for the administrator's verbs. Symbolic links are not followed. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "fs/tree/internal.h"

static int path_step(struct tree *t, struct inode **at, const char *name)
{
	CLEANUP_INODE struct inode *next = NULL;
	if (!S_ISDIR((*at)->row.mode))
		return -ENOTDIR;
	uint64_t number;
	{
		LOCK_SCOPE(&t->names);
		struct entry *entry;
		int error = entry_find(t, *at, name, &entry);
		if (error)
			return error;
		number = entry->inode;
	}
	if (!number)
		return -ENOENT;
	int error = inode_get(t, number, &next);
	if (error)
		return error == -ESTALE ? -ENOENT : error;
	inode_put(at);
	*at = TAKE(next);
	return 0;
}

int path_resolve(struct tree *t, const char *path, struct inode **inode)
{
	CLEANUP_INODE struct inode *at = NULL;
	int error = inode_get(t, TREE_ROOT, &at);
	while (!error) {
		char name[TREE_NAME_MAX + 1];
		path += strspn(path, "/");
		size_t length = strcspn(path, "/");
		if (length == 0)
			break;
		if (length > TREE_NAME_MAX)
			return -ENAMETOOLONG;
		memcpy(name, path, length);
		name[length] = 0;
		path += length;
		if (strcmp(name, "..") == 0)
			return -EINVAL;
		if (strcmp(name, ".") != 0)
			error = path_step(t, &at, name);
	}
	if (!error)
		*inode = TAKE(at);
	return error;
}

int path_resolve_parent(struct tree *t, const char *path, struct inode **parent, char name[256])
{
	size_t end = strlen(path);
	while (end && path[end - 1] == '/')
		end--;
	size_t start = end;
	while (start && path[start - 1] != '/')
		start--;
	if (end == start)
		return -EEXIST; /* the root itself */
	if (end - start > TREE_NAME_MAX)
		return -ENAMETOOLONG;
	memcpy(name, path + start, end - start);
	name[end - start] = 0;
	if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
		return -EINVAL;
	CLEANUP_FREE char *before = strndup(path, start);
	if (!before)
		return -ENOMEM;
	int error = path_resolve(t, before, parent);
	if (!error && !S_ISDIR((*parent)->row.mode)) {
		inode_put(parent);
		error = -ENOTDIR;
	}
	return error;
}
