/* SPDX-License-Identifier: MIT */
/*
 * Hooks: executables of STATE/hooks.d/{load,unload,eject,full}, run in the order
 * of their names, in an environment of a few variables, for a bounded time.
 * granary-targetd(8).
 */
#ifndef TARGET_SERVICE_HOOKS_H
#define TARGET_SERVICE_HOOKS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct hooks;

struct hook_call {
	const char *event; /* "load", "unload", "eject", "full" */
	const char *library, *barcode;
	const char *path;  /* the cartridge's folder */
	uint16_t from, to; /* element addresses; 0: none */
};

/* `folder` is hooks.d; what is missing there is made. 0, -ENOMEM, -EAGAIN. */
int hooks_new(const char *folder, unsigned seconds, struct hooks **hooks);
/* Waits for what has been posted. */
void hooks_free(struct hooks **hooks);

/* Runs them now. 0; -EPERM when one has failed or took too long: the others are not run, and
 * `message` says which and what it said. */
int hooks_run(struct hooks *hooks, const struct hook_call *call, char message[256]);
/* Runs them on the thread; failures are logged. Any thread; never waits. */
void hooks_post(struct hooks *hooks, const struct hook_call *call);

#endif
