/* SPDX-License-Identifier: MIT */
/*
 * Cleanup attributes: a local that owns something is declared with one of
 * these, starts NULL or -1, and is given away with TAKE() or TAKE_FD().
 */
#ifndef LIB_BASE_CLEANUP_H
#define LIB_BASE_CLEANUP_H

#include <pthread.h>
#include <stdio.h>

void cleanup_free(void *pointer_to_pointer);
void cleanup_fd(int *fd);
void cleanup_file(FILE **file);
void cleanup_unlock(pthread_mutex_t **lock);

#define CLEANUP_FREE __attribute__((cleanup(cleanup_free)))
#define CLEANUP_FD   __attribute__((cleanup(cleanup_fd)))
#define CLEANUP_FILE __attribute__((cleanup(cleanup_file)))

/* Holds a mutex until the end of the block. */
#define LOCK_PASTE_(a, b) a##b
#define LOCK_NAME_(line)  LOCK_PASTE_(lock_held_, line)
#define LOCK_SCOPE(mutex)                                                                          \
	__attribute__((cleanup(cleanup_unlock), unused)) pthread_mutex_t *LOCK_NAME_(__LINE__) =   \
		cleanup_lock(mutex)
pthread_mutex_t *cleanup_lock(pthread_mutex_t *lock);

/* Gives the value away: the variable no longer owns it. */
#define TAKE(pointer)                                                                              \
	({                                                                                         \
		__typeof__(pointer) taken_ = (pointer);                                            \
		(pointer) = NULL;                                                                  \
		taken_;                                                                            \
	})
#define TAKE_FD(fd)                                                                                \
	({                                                                                         \
		int taken_ = (fd);                                                                 \
		(fd) = -1;                                                                         \
		taken_;                                                                            \
	})

#endif
