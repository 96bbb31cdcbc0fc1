/* SPDX-License-Identifier: MIT */
/* Stand-ins until the tree has jobs of its own, whose functions take their place. */
#include <errno.h>

#include "fs/tree/tree.h"

__attribute__((weak)) int tree_job_command(struct tree *t, enum tree_job job,
					   enum tree_job_command command)
{
	(void)t;
	(void)job;
	(void)command;
	return -EOPNOTSUPP;
}

__attribute__((weak)) void tree_job_status(struct tree *t, enum tree_job job,
					   struct tree_job_status *status)
{
	(void)t;
	(void)job;
	*status = (struct tree_job_status){.state = "idle"};
}

__attribute__((weak)) int tree_damaged_paths(struct tree *t,
					     void (*emit)(void *, const char *path, uint64_t bytes),
					     void *context)
{
	(void)t;
	(void)emit;
	(void)context;
	return 0;
}
