/* SPDX-License-Identifier: MIT */
/*
 * Fault injection for tests. A fault point has a name; the environment variable
 * GRANARY_FAULT="NAME:N[+][,NAME:N...]" makes the N-th passage of the point fail
 * (with `+`: that one and each after it). "NAME@PATH" makes every passage wait while the file PATH
 * is there, and say so by a file PATH.reached. Without the variable a point costs one load.
 */
#ifndef LIB_BASE_FAULT_H
#define LIB_BASE_FAULT_H

#include <stdbool.h>

/* True when this passage of the point is to fail. Thread-safe. */
bool fault_hit(const char *name);
/* Replaces what the environment said; NULL switches all points off. For unit tests. */
void fault_set(const char *spec);
/* How often the named point has been passed since fault_set(), 0 if it is not named there. */
unsigned long fault_count(const char *name);

#endif
