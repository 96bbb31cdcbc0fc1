/* SPDX-License-Identifier: MIT */
#include "lib/base/fault.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/cleanup.h"

#define FAULT_POINTS_MAX 8

struct fault_point {
	char name[32];
	unsigned long nth;
	bool sticky;
	unsigned long passed;
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
		if (sscanf(spec, "%31[^:,]:%lu%c", p->name, &p->nth, &plus) >= 2) {
			p->sticky = plus == '+';
			p->passed = 0;
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

bool fault_hit(const char *name)
{
	pthread_once(&fault_once, fault_from_environment);
	if (atomic_load_explicit(&fault_point_count, memory_order_relaxed) == 0)
		return false;
	LOCK_SCOPE(&fault_lock);
	struct fault_point *p = fault_find_locked(name);
	if (!p)
		return false;
	p->passed++;
	return p->passed == p->nth || (p->sticky && p->passed > p->nth);
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
