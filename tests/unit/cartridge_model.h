/* SPDX-License-Identifier: MIT */
/*
 * A model of a tape's partitions: what each object is, and how that was after each operation since
 * the last sync. Random operations are done to a cartridge and to the model.
 */
#ifndef TESTS_UNIT_CARTRIDGE_MODEL_H
#define TESTS_UNIT_CARTRIDGE_MODEL_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "target/tape/cartridge.h"

#define MODEL_OBJECTS 400u
#define MODEL_STATES  128u

struct model_state {
	unsigned count;
	uint32_t size[MODEL_OBJECTS]; /* 0: a filemark */
	uint32_t seed[MODEL_OBJECTS];
};

struct model_partition {
	struct model_state states[MODEL_STATES];
	unsigned synced; /* the state that the last sync acknowledged */
	unsigned last;
};

struct model {
	uint64_t random;
	uint32_t seed;
	struct model_partition partitions[CARTRIDGE_PARTITIONS];
	pthread_mutex_t lock; /* of the partitions, and of `held` */
	bool held;	      /* states before the synced one are kept */
	/* An attribute of the MAM gets the value of `seed` before each sync. */
	uint32_t memory, held_memory;
};

struct model *model_new(uint64_t seed);
void model_free(struct model **m);
uint64_t model_random(struct model *m, uint64_t below);
/* One operation on both. What the cartridge answers; after an error what was tried is among the
 * states as well. */
int model_step(struct model *m, struct cartridge *c);
/* Which of the states since the last sync the partition is in, the latest one, or -1: in none. */
int model_match(struct model *m, struct cartridge *c, unsigned partition);
/* Is the attribute as it was at or after the last sync? */
bool model_match_memory(struct model *m, struct cartridge *c);
/* The model is in this state of the partition, and it is durable. */
void model_continue(struct model *m, unsigned partition, int state);
/* For a thread beside: from hold to release no state is forgotten; release gives a copy of the model as
 * it is then, with what was synced at the time of the hold. */
void model_hold(struct model *m, unsigned synced[CARTRIDGE_PARTITIONS]);
struct model *model_release(struct model *m, const unsigned synced[CARTRIDGE_PARTITIONS]);

#endif
