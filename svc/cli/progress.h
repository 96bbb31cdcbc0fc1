/* SPDX-License-Identifier: MIT */
/* A progress bar on stdout, when that is a terminal; nothing otherwise. */
#ifndef SVC_CLI_PROGRESS_H
#define SVC_CLI_PROGRESS_H

#include <stdbool.h>
#include <stdint.h>

struct progress {
	bool shown; /* stdout is a terminal */
	bool drawn; /* a bar stands on the line */
	char phase[32];
	uint64_t started_ns, first_done; /* of this phase, for the speed */
};

void progress_start(struct progress *p);
/* done of total bytes in this phase; `note` comes after the figures, may be "". */
void progress_update(struct progress *p, const char *phase, uint64_t done, uint64_t total,
		     const char *note);
/* Takes the bar away. */
void progress_end(struct progress *p);

#endif
