/* SPDX-License-Identifier: MIT */
/*
 * An in-memory model of a folder with a few files, and a stream of random
 * operations on it. The stream is a pure function of the seed: operation k is
 * chosen from the generator and the model's state alone, so the state after k
 * operations can be had again at any time by replaying them in memory.
 *
 * That is what makes a crash checkable: a filesystem whose commits are
 * snapshots must show, after the crash, the state after some k operations,
 * with k between the last one that a sync has acknowledged and the last one
 * that was begun.
 */
#ifndef TESTS_FS_MODEL_H
#define TESTS_FS_MODEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MODEL_NAMES   16u
#define MODEL_FOLDERS 2u
#define MODEL_PATH    64u

enum model_kind {
	MODEL_CREATE,
	MODEL_WRITE,
	MODEL_APPEND,
	MODEL_TRUNCATE,
	MODEL_PUNCH,
	MODEL_ZERO,
	MODEL_ALLOCATE,
	MODEL_COPY,
	MODEL_MMAP,
	MODEL_RENAME,
	MODEL_EXCHANGE,
	MODEL_LINK,
	MODEL_UNLINK,
	MODEL_FSYNC,
	MODEL_FDATASYNC,
	MODEL_FSYNC_FOLDER,
	MODEL_KINDS
};

struct model_op {
	enum model_kind kind;
	uint64_t id;          /* its number in the stream, from 1 */
	unsigned name, other; /* places in the table of names; a folder for MODEL_FSYNC_FOLDER */
	uint64_t offset, length, from;
	unsigned style;       /* of the bytes written: model_fill() */
	bool keep_size;
};

struct model_file {
	uint8_t *data;    /* `limit` bytes, zeros from `size` on */
	uint64_t size;
	unsigned links;
	uint64_t changed; /* number of the last operation on its contents or names */
	int fd;           /* held open by the executor, or -1 */
};

struct model {
	struct model_file *names[MODEL_NAMES];
	uint64_t folder_changed[MODEL_FOLDERS];
	uint64_t limit;  /* the largest size of a file */
	uint64_t done;   /* operations applied */
	uint64_t synced; /* operations that a sync covers */
	uint64_t random; /* state of the generator */
	bool use_mmap;
	bool thorough;   /* model_probe() compares whole files */
};

/* ---- model-state.c ---- */
uint64_t model_random(uint64_t *state);
struct model *model_new(uint64_t limit);
void model_free(struct model **model);
/* From now on the operations are those of `seed`. */
void model_seed(struct model *m, uint64_t seed);
/* The path of a name below the folder: "0/n03". */
void model_path(unsigned name, char path[MODEL_PATH]);
/* Chooses the next operation; model_apply() is what performs it in memory. */
void model_next(struct model *m, struct model_op *op);
void model_apply(struct model *m, const struct model_op *op);
/* The bytes that an operation writes. */
void model_fill(const struct model_op *op, uint8_t *data, uint64_t size);
const char *model_describe(const struct model_op *op, char *text, size_t size);

/* ---- model-run.c ---- */
/* Makes the sub-folders, durably. */
int model_prepare(int folder);
/* Performs it in the folder. 0 or -errno; a wrong result ends the process with its story. */
int model_execute(struct model *m, int folder, const struct model_op *op);
/* Compares a random part of what the operation has touched. */
int model_probe(struct model *m, int folder, const struct model_op *op, uint64_t *random);
void model_close_files(struct model *m);

/* ---- model-check.c ---- */
/* Goes on in memory from m->done until the folder is exactly in the model's state, up to
 * operation `last`. 0 with m there; 1 when the folder is in the middle of the write that comes
 * next; -1 when no state fits (said on stderr), or -errno. */
int model_match(struct model *m, int folder, uint64_t last);

#endif
