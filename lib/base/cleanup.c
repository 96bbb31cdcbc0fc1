/* SPDX-License-Identifier: MIT */
/* What the cleanup attributes of cleanup.h call. errno is left as it was. */
#include "lib/base/cleanup.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "lib/base/assert.h"

void cleanup_free(void *pointer_to_pointer)
{
	free(*(void **)pointer_to_pointer);
}

void cleanup_fd(int *fd)
{
	if (*fd >= 0) {
		int saved = errno;
		close(*fd);
		errno = saved;
	}
}

void cleanup_file(FILE **file)
{
	if (*file) {
		int saved = errno;
		fclose(*file);
		errno = saved;
	}
}

pthread_mutex_t *cleanup_lock(pthread_mutex_t *lock)
{
	int error = pthread_mutex_lock(lock);
	ASSERT(error == 0);
	return lock;
}

void cleanup_unlock(pthread_mutex_t **lock)
{
	int error = pthread_mutex_unlock(*lock);
	ASSERT(error == 0);
}
