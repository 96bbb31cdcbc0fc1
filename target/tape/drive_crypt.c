/* SPDX-License-Identifier: MIT */
/* Sets of encryption parameters and their keys: who has which, and when they are forgotten. */
#include "target/tape/drive_crypt.h"

#include <errno.h>
#include <openssl/crypto.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "lib/base/assert.h"
#include "lib/base/cleanup.h"
#include "lib/base/log.h"
#include "lib/base/mem.h"
#include "lib/base/secret.h"

#define KEYS_SIZE ((size_t)CRYPT_SLOTS * CRYPT_KEY_SIZE)

static const struct crypt_set no_set = {.slot = -1};

static int keys_new(struct crypt *crypt)
{
	crypt->keys = secret_alloc(CRYPT_SLOTS, CRYPT_KEY_SIZE);
	if (!crypt->keys)
		return -ENOMEM;
	if (mlock(crypt->keys, KEYS_SIZE)) {
		int err = -errno;
		log_error("no locked memory for encryption keys: %s (see RLIMIT_MEMLOCK)", strerror(-err));
		secret_free(crypt->keys);
		return err;
	}
	return 0;
}

int crypt_new(struct crypt **out)
{
	struct crypt *crypt = mem_try_zalloc(1, sizeof(*crypt));
	if (!crypt)
		return -ENOMEM;
	int err = keys_new(crypt);
	if (err) {
		free(crypt);
		return err;
	}
	pthread_mutex_init(&crypt->lock, NULL);
	crypt->all = no_set;
	*out = crypt;
	return 0;
}

void crypt_free(struct crypt **out)
{
	struct crypt *crypt = *out;
	if (!crypt)
		return;
	*out = NULL;
	while (crypt->users) {
		struct crypt_user *user = crypt->users;
		crypt->users = user->next;
		free(user);
	}
	secret_free(crypt->keys);
	pthread_mutex_destroy(&crypt->lock);
	free(crypt);
}

/* ---- keys ---------------------------------------------------------------------------------------- */

int crypt_key_store_locked(struct crypt *crypt, const uint8_t key[CRYPT_KEY_SIZE], int *slot)
{
	for (unsigned i = 0; i < CRYPT_SLOTS; i++) {
		if (crypt->taken[i])
			continue;
		crypt->taken[i] = true;
		memcpy(crypt->keys[i], key, CRYPT_KEY_SIZE);
		*slot = (int)i;
		return 0;
	}
	return -ENOSPC;
}

void crypt_set_forget_locked(struct crypt *crypt, struct crypt_set *set)
{
	if (set->slot >= 0) {
		ASSERT(crypt->taken[set->slot]);
		OPENSSL_cleanse(crypt->keys[set->slot], CRYPT_KEY_SIZE);
		crypt->taken[set->slot] = false;
	}
	*set = no_set;
}

/* ---- who uses which -------------------------------------------------------------------------------- */

struct crypt_user *crypt_user_locked(struct crypt *crypt, const struct scsi_nexus *nexus)
{
	for (struct crypt_user *user = crypt->users; user; user = user->next)
		if (user->nexus == nexus)
			return user;
	return NULL;
}

struct crypt_set *crypt_effective_locked(struct crypt *crypt, const struct scsi_nexus *nexus,
					 enum crypt_scope *scope)
{
	struct crypt_user *user = crypt_user_locked(crypt, nexus);
	if (user && user->scope == CRYPT_LOCAL) {
		*scope = CRYPT_LOCAL;
		return &user->set;
	}
	*scope = crypt->all.counter ? CRYPT_ALL : CRYPT_PUBLIC;
	return &crypt->all;
}

bool crypt_is_on(struct crypt *crypt)
{
	LOCK_SCOPE(&crypt->lock);
	bool on = crypt->all.encrypt == CRYPT_ENCRYPT_ON;
	for (const struct crypt_user *user = crypt->users; user && !on; user = user->next)
		on = user->set.encrypt == CRYPT_ENCRYPT_ON;
	return on;
}

static void user_remove_locked(struct crypt *crypt, const struct scsi_nexus *nexus)
{
	for (struct crypt_user **at = &crypt->users; *at; at = &(*at)->next) {
		struct crypt_user *user = *at;
		if (user->nexus != nexus)
			continue;
		*at = user->next;
		crypt_set_forget_locked(crypt, &user->set);
		free(user);
		return;
	}
}

/* The set of all stays when another nexus becomes its owner, and when its owner turns public. */
static void owner_turns_public_locked(struct crypt *crypt)
{
	struct crypt_user *user = crypt->users;
	while (user && user->scope != CRYPT_ALL)
		user = user->next;
	if (user)
		user_remove_locked(crypt, user->nexus);
}

int crypt_establish_locked(struct crypt *crypt, const struct scsi_nexus *nexus, enum crypt_scope scope,
			   const struct crypt_set *set)
{
	struct crypt_user *user = NULL;
	if (scope != CRYPT_PUBLIC) {
		user = mem_try_zalloc(1, sizeof(*user));
		if (!user)
			return -ENOMEM;
	}
	user_remove_locked(crypt, nexus);
	if (!user)
		return 0;
	*user = (struct crypt_user){.nexus = nexus, .scope = scope, .set = no_set};
	struct crypt_set *place = &user->set;
	if (scope == CRYPT_ALL) {
		owner_turns_public_locked(crypt);
		crypt_set_forget_locked(crypt, &crypt->all);
		place = &crypt->all;
	}
	*place = *set;
	/* 0 stands for no parameters at all. */
	if (++crypt->counter == 0)
		crypt->counter = 1;
	place->counter = crypt->counter;
	user->next = crypt->users;
	crypt->users = user;
	return 0;
}

/* ---- when they are forgotten ------------------------------------------------------------------------- */

/* All sets of which `why` says that they go; with 0 all of them. True: there was one. */
static bool forget_locked(struct crypt *crypt, unsigned why)
{
	struct crypt_user **at = &crypt->users;
	bool all_goes = crypt->all.counter && (!why || crypt->all.clear & why), any = all_goes;
	while (*at) {
		struct crypt_user *user = *at;
		bool goes = user->scope == CRYPT_ALL ? all_goes : !why || user->set.clear & why;
		if (!goes) {
			at = &user->next;
			continue;
		}
		any = true;
		*at = user->next;
		crypt_set_forget_locked(crypt, &user->set);
		free(user);
	}
	if (all_goes)
		crypt_set_forget_locked(crypt, &crypt->all);
	return any;
}

void crypt_unloaded(struct crypt *crypt)
{
	LOCK_SCOPE(&crypt->lock);
	forget_locked(crypt, CRYPT_CLEAR_DEMOUNT);
	/* The numbers of descriptions are the cartridge's. */
	memset(crypt->all.described, 0, sizeof(crypt->all.described));
	for (struct crypt_user *user = crypt->users; user; user = user->next)
		memset(user->set.described, 0, sizeof(user->set.described));
}

void crypt_reset(struct drive *drive)
{
	struct crypt *crypt = drive->info->crypt;
	LOCK_SCOPE(&crypt->lock);
	forget_locked(crypt, 0);
}

/* True: something was forgotten. */
bool crypt_reservation_lost(struct crypt *crypt, bool preempted)
{
	LOCK_SCOPE(&crypt->lock);
	return forget_locked(crypt, preempted ? CRYPT_CLEAR_PREEMPT | CRYPT_CLEAR_RESERVATION_LOSS
				       : CRYPT_CLEAR_RESERVATION_LOSS);
}

/* A set of all outlives the session that brought it: backup software sets it with one program and
 * writes with another (SSC-5 4.2.22.6). A local one goes with its nexus. */
void crypt_nexus_lost(struct crypt *crypt, const struct scsi_nexus *nexus)
{
	LOCK_SCOPE(&crypt->lock);
	user_remove_locked(crypt, nexus);
}
