/* SPDX-License-Identifier: MIT */
#include "tests/unit/tape_gate.h"

#include <pthread.h>
#include <stdbool.h>
#include <sys/syscall.h>
#include <unistd.h>

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static bool closed;
static unsigned waiting;

/* Stands in the place of the library's. */
int fdatasync(int fd)
{
	pthread_mutex_lock(&lock);
	waiting++;
	pthread_cond_broadcast(&changed);
	while (closed)
		pthread_cond_wait(&changed, &lock);
	waiting--;
	pthread_mutex_unlock(&lock);
	return (int)syscall(SYS_fdatasync, fd);
}

void gate_close(void)
{
	pthread_mutex_lock(&lock);
	closed = true;
	pthread_mutex_unlock(&lock);
}

void gate_await(void)
{
	pthread_mutex_lock(&lock);
	while (!waiting)
		pthread_cond_wait(&changed, &lock);
	pthread_mutex_unlock(&lock);
}

void gate_open(void)
{
	pthread_mutex_lock(&lock);
	closed = false;
	pthread_cond_broadcast(&changed);
	pthread_mutex_unlock(&lock);
}
