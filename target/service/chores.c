/* SPDX-License-Identifier: MIT */
/* The thread that does them: every few seconds, or once an hour. */
#include "target/service/chores.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>

#include "lib/base/cleanup.h"
#include "lib/base/clock.h"
#include "lib/base/mem.h"
#include "target/service/tapes.h"

#define CHORES_SECONDS	   5u
#define CHORES_PURGE_TICKS 720u /* an hour */

struct chores {
	struct service *service;
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t wake;
	bool ending; /* lock */
};

static void chores_purge(struct service *service)
{
	struct library *library;

	for (size_t i = 0; (library = library_at(service, i)) != NULL; i++) {
		CLEANUP_FREE char *folder = mem_strdup(library->config.tapes);

		tapes_purge(library);
		library_release(&library);
		service_sweep(service, folder);
	}
}

/* False at the end. */
static bool chores_pause(struct chores *chores)
{
	const struct timespec until = clock_deadline_ms(CHORES_SECONDS * 1000);
	LOCK_SCOPE(&chores->lock);

	while (!chores->ending)
		if (pthread_cond_timedwait(&chores->wake, &chores->lock, &until) == ETIMEDOUT)
			break;
	return !chores->ending;
}

static void *chores_main(void *argument)
{
	struct chores *chores = argument;
	unsigned ticks = 0;

	do {
		failed_retry(chores->service);
		if (ticks++ % CHORES_PURGE_TICKS == 0)
			chores_purge(chores->service);
	} while (chores_pause(chores));
	return NULL;
}

static void chores_free(struct chores *chores)
{
	pthread_cond_destroy(&chores->wake);
	pthread_mutex_destroy(&chores->lock);
	free(chores);
}

int chores_start(struct service *service, struct chores **chores)
{
	struct chores *new = mem_zalloc(sizeof(*new));
	int error;

	new->service = service;
	pthread_mutex_init(&new->lock, NULL);
	clock_cond_init(&new->wake);
	error = -pthread_create(&new->thread, NULL, chores_main, new);
	if (error)
		chores_free(new);
	else
		*chores = new;
	return error;
}

void chores_end(struct chores **chores)
{
	struct chores *old = TAKE(*chores);

	if (!old)
		return;
	{
		LOCK_SCOPE(&old->lock);
		old->ending = true;
		pthread_cond_signal(&old->wake);
	}
	pthread_join(old->thread, NULL);
	chores_free(old);
}
