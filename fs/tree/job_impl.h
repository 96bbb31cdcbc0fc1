/* SPDX-License-Identifier: MIT */
/* What job.c and job_row.c share. */
#ifndef FS_TREE_JOB_IMPL_H
#define FS_TREE_JOB_IMPL_H

#include "fs/tree/internal.h"
#include "fs/tree/job.h"

enum job_wish { WISH_RUN, WISH_PAUSE, WISH_STOP, WISH_QUIT };

struct job {
	const struct job_kind *kind;
	struct tree *tree;
	pthread_mutex_t commands; /* one at a time; outside of `lock` */
	pthread_mutex_t lock;     /* all below */
	pthread_cond_t wake;
	enum job_state state;
	enum job_wish wish;
	bool has_thread; /* to be joined */
	bool ended;      /* it does nothing any more */
	pthread_t thread;
	struct tree_job_status status;
	const char *phase;
	json_t *cursor;
	bool changed;    /* the row is to be written */
	bool recording;  /* a transaction has it */
	/* The thread's. */
	uint64_t worked_since;
	uint64_t operations;
};

struct jobs {
	struct job job[JOB_COUNT];
	pthread_mutex_t lock;      /* the two below */
	struct store_sweep *sweep; /* waits for a transaction */
	bool sweep_recorded;       /* the transaction under way has it */
	pthread_cond_t settled;    /* it has not any more */
};

extern const char *const job_state_names[];

/* ---- job_row.c ---- */
/* Reads the job's row, if there is one. */
int job_load(struct job *job);
/* The row's text; of one that makes no sense nothing is taken. */
void job_parse(struct job *job, const char *text, size_t size);
/* The text for it, the caller's to free; NULL without memory. */
char *job_format_locked(struct job *job);

#endif
