/* SPDX-License-Identifier: MIT */
/*
 * Quarantine: chunks that failed their checksum. They are never a dedup target;
 * when the same data comes in again it is stored anew and the old place is
 * redirected to it, so every file that refers to the old place is healed.
 *
 * The damage table of the catalogue follows with the next commit. A healing is
 * written only by a commit in which the good copy is too: what was noted before
 * damage_freeze() belongs to the delta whose freeze that was.
 *
 * Thread-safe; its lock is a leaf. While nothing is damaged every question
 * costs one load.
 */
#ifndef FS_STORE_DAMAGE_H
#define FS_STORE_DAMAGE_H

#include <stdbool.h>
#include <stdint.h>

#include "fs/chunk/fingerprint.h"
#include "fs/store/catalogue.h"
#include "fs/store/chunk_ref.h"

#define DAMAGE_DIRECTORY UINT32_MAX /* slot: the pack's directory itself; -1 on disk */

struct damage;

int damage_open(struct catalogue *catalogue, struct damage **damage);
void damage_free(struct damage **damage);

/* True if anything is quarantined. */
bool damage_any(const struct damage *d);
/* What is at `ref`: false for nothing known. If healed, *good is where the good copy is, else none. */
bool damage_find(struct damage *d, struct chunk_ref ref, struct chunk_ref *good);
/* Quarantines; true if that is news. The fingerprint may be NULL where it is not known. */
bool damage_add(struct damage *d, struct chunk_ref ref, const struct fingerprint *fingerprint);
/* The chunk has been stored at `good`: heals what has this fingerprint. Number of places healed. */
unsigned damage_heal(struct damage *d, const struct fingerprint *fingerprint, struct chunk_ref good);
/* The place's good copy turned out not to be there: it waits to be healed again. */
void damage_lose(struct damage *d, struct chunk_ref ref, struct chunk_ref good);
/* Whether a chunk with this fingerprint waits to be healed. */
bool damage_wants(struct damage *d, const struct fingerprint *fingerprint);
/* The slot is well again. */
void damage_forget(struct damage *d, struct chunk_ref ref);
/* The pack is gone. */
void damage_forget_pack(struct damage *d, uint64_t pack);
/* Fingerprints are not in the catalogue: calls learn() for each place without one. */
void damage_learn(struct damage *d, int (*learn)(void *context, struct chunk_ref ref, struct fingerprint *fingerprint),
		  void *context);
/* Calls each() for every quarantined place (a snapshot; no lock is held). 0 or -ENOMEM. */
int damage_each(struct damage *d, void (*each)(void *context, struct chunk_ref ref, struct chunk_ref good),
		void *context);

/* ---- the committer's ---- */
/* A number for damage_record(): everything noted so far. */
uint64_t damage_freeze(struct damage *d);
int damage_record(struct damage *d, struct catalogue *catalogue, uint64_t frozen);
void damage_settle(struct damage *d, bool committed);
/* Something waits for a commit. */
bool damage_is_dirty(struct damage *d);

struct damage_counts {
	uint64_t damaged; /* places without a good copy */
	uint64_t healed;
};
void damage_get_counts(struct damage *d, struct damage_counts *counts);

#endif
