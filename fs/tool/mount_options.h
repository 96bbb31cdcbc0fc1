/* SPDX-License-Identifier: MIT */
/* The options of `mount -o`, as arguments of granary-fsd. */
#ifndef FS_TOOL_MOUNT_OPTIONS_H
#define FS_TOOL_MOUNT_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

struct mount_options {
	char **arguments; /* "--memory=1G" */
	size_t count, capacity;
	char *passed; /* "nosuid,nodev": for the kernel; NULL: none */
	bool sloppy;  /* what is not known is passed over */
};

/* Takes a list in; 0, or -EINVAL with the reason on the log. */
int mount_options_add(struct mount_options *options, const char *list);
void mount_options_clear(struct mount_options *options);
void mount_options_help(FILE *file);

#endif
