/* SPDX-License-Identifier: MIT */
/*
 * Worker pool: a few threads that run tasks, older stages of the pipeline first,
 * so that work under way is finished before new work begins.
 * A task that must wait for another stage calls pool_help() instead of sleeping.
 */
#ifndef FS_STORE_POOL_H
#define FS_STORE_POOL_H

#include <stdbool.h>
#include <stddef.h>

enum pool_stage {
	POOL_WRITE,      /* compress a region, write a pack */
	POOL_READ,       /* load a region ahead of a reader */
	POOL_INGEST,     /* cut, fingerprint and look up */
	POOL_BACKGROUND, /* cleaning, scrubbing */
	POOL_STAGES,
};

struct pool;

struct pool_task {
	void (*run)(void *argument);
	void *argument;
	struct pool_task *next;
};

struct pool *pool_new(unsigned threads);
/* Runs what is queued, then ends the threads. */
void pool_free(struct pool **pool);
/* The task struct is the caller's, embedded in what it works on, and must live until it runs. */
void pool_submit(struct pool *pool, enum pool_stage stage, struct pool_task *task);
/* Runs one queued task of exactly this stage in the calling thread; false when there is none. */
bool pool_help(struct pool *pool, enum pool_stage stage);
size_t pool_queued(const struct pool *pool, enum pool_stage stage);

#endif
