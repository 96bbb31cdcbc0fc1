/* SPDX-License-Identifier: MIT */
/* A library that is to be made: what was asked for, and what becomes of it. */
#ifndef TARGET_SERVICE_PLAN_H
#define TARGET_SERVICE_PLAN_H

#include "target/service/library.h"

struct library_plan {
	const char *name, *personality, *drive; /* drive NULL: the personality's usual one */
	const char *iqn_prefix;
	const char *tapes; /* the folder of its cartridges */
	uint64_t drives, slots, import_slots, tape_size, recycle_days;
	bool encryption;
	/* True when another device of this host has the serial number. */
	bool (*serial_is_used)(void *context, const char *serial);
	void *context;
};

/* Identities are made up here, once, and element addresses taken from the personality. 0, -ENOMEM, or
 * -EINVAL and a sentence. */
int library_plan_make(const struct library_plan *plan, struct library_config *config,
		      char message[256]);
/* More or fewer drives, slots, import/export slots, at the end of those that there are: what stays
 * keeps its address and its identity. A place that goes must be empty. After a failure *config, a copy
 * of the real one, is to be thrown away. */
int library_plan_resize(const struct library_plan *plan, struct library_config *config,
			char message[256]);

/* `length` characters out of capital letters and digits, and a NUL. */
void service_random_text(char *text, size_t length);

#endif
