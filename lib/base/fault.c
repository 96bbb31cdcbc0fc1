/* SPDX-License-Identifier: MIT */
#include "lib/base/fault.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "lib/base/cleanup.h"

#define FAULT_POINTS_MAX 8

struct fault_point {
	char name[32];
	unsigned long nth;
	bool sticky;
	unsigned long passed;
	char gate[160]; /* a file; "": none */
};

static struct fault_point fault_points[FAULT_POINTS_MAX];
static atomic_int fault_point_count;
static pthread_mutex_t fault_lock = PTHREAD_MUTEX_INITIALIZER; /* the points, where there are any */
static pthread_once_t fault_once = PTHREAD_ONCE_INIT;

static void fault_parse(const char *spec)
{
	int n = 0;
	LOCK_SCOPE(&fault_lock);
	while (spec && *spec && n < FAULT_POINTS_MAX) {
		struct fault_point *p = &fault_points[n];
		char plus = 0;
		*p = (struct fault_point){0};
		if (sscanf(spec, "%31[^:@,]:%lu%c", p->name, &p->nth, &plus) >= 2) {
			p->sticky = plus == '+';
			n++;
		} else if (sscanf(spec, "%31[^:@,]@%159[^,]", p->name, p->gate) == 2) {
			n++;
		}
		spec = strchr(spec, ',');
		if (spec)
			spec++;
	}
	atomic_store(&fault_point_count, n);
}

static void fault_from_environment(void)
{
	fault_parse(getenv("GRANARY_FAULT"));
}

static struct fault_point *fault_find_locked(const char *name)
{
	int n = atomic_load(&fault_point_count);
	for (int i = 0; i < n; i++)
		if (strcmp(fault_points[i].name, name) == 0)
			return &fault_points[i];
	return NULL;
}

/* Stands there while the file does. */
static void fault_wait(const char *gate)
{
	static const struct timespec pause = {.tv_nsec = 10000000};
	char reached[sizeof(fault_points[0].gate) + 16];
	if (access(gate, F_OK) < 0)
		return;
	snprintf(reached, sizeof(reached), "%s.reached", gate);
	CLEANUP_FD int fd = open(reached, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	while (access(gate, F_OK) == 0)
		nanosleep(&pause, NULL);
}

bool fault_hit(const char *name)
{
	char gate[sizeof(fault_points[0].gate)];
	pthread_once(&fault_once, fault_from_environment);
	if (atomic_load_explicit(&fault_point_count, memory_order_relaxed) == 0)
		return false;
	{
		LOCK_SCOPE(&fault_lock);
		struct fault_point *p = fault_find_locked(name);
		if (!p)
			return false;
		p->passed++;
		if (!p->gate[0])
			return p->passed == p->nth || (p->sticky && p->passed > p->nth);
		memcpy(gate, p->gate, sizeof(gate));
	}
	fault_wait(gate);
	return false;
}

void fault_set(const char *spec)
{
	pthread_once(&fault_once, fault_from_environment);
	fault_parse(spec);
}

unsigned long fault_count(const char *name)
{
	LOCK_SCOPE(&fault_lock);
	const struct fault_point *p = fault_find_locked(name);
	return p ? p->passed : 0;
}
