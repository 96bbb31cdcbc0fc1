/* SPDX-License-Identifier: MIT */
/*
 * Makes a new store. store.conf comes last and atomically: a folder in which
 * this was interrupted is not a store yet and is refused as "not empty".
 */
#include <dirent.h>
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fs/store/catalogue.h"
#include "fs/store/space.h"
#include "fs/store/superblock.h"
#include "lib/base/cleanup.h"
#include "lib/base/file.h"
#include "lib/base/log.h"
#include "lib/base/mem.h"

/* -EEXIST for a store, -ENOTEMPTY for anything else than what a fresh filesystem holds. */
static int create_check_empty(const char *path)
{
	DIR *folder = opendir(path);
	int error = 0;
	if (!folder)
		return -errno;
	for (struct dirent *e; (e = readdir(folder));) {
		if (strcmp(e->d_name, "store.conf") == 0)
			error = -EEXIST;
		else if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0 &&
			 strcmp(e->d_name, "lost+found") != 0 && !error)
			error = -ENOTEMPTY;
	}
	closedir(folder);
	return error;
}

static int create_files(const char *path, const struct superblock *sb)
{
	CLEANUP_FREE char *segments = mem_printf("%s/segments", path);
	CLEANUP_FREE char *index = mem_printf("%s/index", path);
	CLEANUP_FREE char *catalogue = mem_printf("%s/catalogue.sqlite", path);
	int error = file_make_directory(segments, 0755);
	if (!error)
		error = file_make_directory(index, 0755);
	if (!error)
		error = catalogue_create(catalogue, sb->uuid);
	if (!error)
		error = space_create_reserve(path, sb->reserve);
	if (!error)
		error = file_sync_directory(path);
	return error ? error : superblock_write(path, sb);
}

static void create_undo(const char *path, bool made_folder)
{
	static const char *const files[] = {"store.conf", "store.conf.new", "catalogue.sqlite",
					    "catalogue.sqlite-wal", "catalogue.sqlite-shm", "reserve"};
	static const char *const folders[] = {"segments", "index"};
	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		CLEANUP_FREE char *file = mem_printf("%s/%s", path, files[i]);
		unlink(file);
	}
	for (size_t i = 0; i < sizeof(folders) / sizeof(folders[0]); i++) {
		CLEANUP_FREE char *folder = mem_printf("%s/%s", path, folders[i]);
		rmdir(folder);
	}
	if (made_folder)
		rmdir(path);
}

static const char *create_reason(int error)
{
	switch (error) {
	case -EEXIST:
		return "is a Granary store already";
	case -ENOTEMPTY:
		return "is not empty";
	case -ENOTDIR:
		return "is not a folder";
	default:
		return strerror(-error);
	}
}

int superblock_create_store(const char *store_path, const struct superblock *sb)
{
	struct stat st;
	bool made_folder = stat(store_path, &st) < 0;
	int error = file_make_directory(store_path, 0755);
	if (!error)
		error = create_check_empty(store_path);
	if (error) {
		log_error("%s: %s", store_path, create_reason(error));
		return error;
	}
	error = create_files(store_path, sb);
	/* The folder's own name too: whoever has made a store has it after a power cut. */
	if (!error && made_folder) {
		CLEANUP_FREE char *parent = mem_printf("%s/..", store_path);
		error = file_sync_directory(parent);
	}
	if (error) {
		log_error("%s: cannot make a store: %s", store_path, strerror(-error));
		create_undo(store_path, made_folder);
	}
	return error;
}
