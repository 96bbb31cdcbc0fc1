/* SPDX-License-Identifier: MIT */
#ifndef TARGET_SERVICE_MOVES_H
#define TARGET_SERVICE_MOVES_H

#include <stddef.h>

#include "target/changer/changer.h"

/* Logs which tapes have moved between two states of the same places, in the order of their addresses. */
void moves_log(const char *library, const struct element *was, const struct element *is, size_t count);

#endif
