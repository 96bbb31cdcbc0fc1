/* SPDX-License-Identifier: MIT */
/*
 * cutfs [--model=journal|strict] FOLDER: serves the filesystem that cutfs.h
 * describes on FOLDER, in the foreground, until it is unmounted.
 */
#define FUSE_USE_VERSION 314
#include <fuse_lowlevel.h>

#include "tests/fs/cutfs.h"

#include <getopt.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "tests/fs/cutfs-ops.h"

struct cutfs cutfs;

static int cutfs_serve(const char *folder)
{
	char name[] = "cutfs", option[] = "-ofsname=cutfs,subtype=cutfs";
	char *arguments[] = {name, option};
	struct fuse_args args = FUSE_ARGS_INIT(2, arguments);
	struct fuse_session *session = fuse_session_new(&args, &cutfs_operations,
							sizeof(cutfs_operations), NULL);
	int status = 1;
	if (session == NULL)
		return 1;
	if (fuse_set_signal_handlers(session) == 0) {
		if (fuse_session_mount(session, folder) == 0) {
			status = fuse_session_loop(session) < 0;
			fuse_session_unmount(session);
		}
		fuse_remove_signal_handlers(session);
	}
	fuse_session_destroy(session);
	fuse_opt_free_args(&args);
	return status;
}

static int usage(void)
{
	fprintf(stderr, "usage: cutfs [--model=journal|strict] FOLDER\n");
	return 2;
}

int main(int argc, char **argv)
{
	static const struct option long_options[] = {
		{"model", required_argument, NULL, 'm'},
		{NULL, 0, NULL, 0},
	};
	for (int c; (c = getopt_long(argc, argv, "", long_options, NULL)) != -1;) {
		if (c == 'm' && strcmp(optarg, "journal") == 0)
			cutfs.model = CUTFS_JOURNAL;
		else if (c == 'm' && strcmp(optarg, "strict") == 0)
			cutfs.model = CUTFS_STRICT;
		else
			return usage();
	}
	if (argc != optind + 1)
		return usage();
	LIST_INIT(&cutfs.nodes);
	STAILQ_INIT(&cutfs.changes);
	cutfs.root = cutfs_node_new(S_IFDIR | 0755, getuid(), getgid());
	cutfs.root->attr.st_nlink = 2;
	cutfs.root->parent = cutfs.root;
	cutfs.root->users = 1;
	return cutfs_serve(argv[optind]);
}
