/* SPDX-License-Identifier: MIT */
/*
 * Encryption of blocks as SSC-5 4.2.22 has it: sets of parameters, who uses which, and where
 * the keys are.
 *
 * A nexus is PUBLIC at first. One that sets parameters with scope LOCAL has a set of its own; with
 * ALL I_T NEXUS the set is used by all that are PUBLIC, and by itself. Without any, nothing is
 * encrypted and nothing is decrypted.
 *
 * Keys stand in one piece of memory for each drive, which is locked (mlock), left out of core
 * dumps and cleansed when a key is forgotten. They are in no log, no answer and no file.
 */
#ifndef TARGET_TAPE_DRIVE_CRYPT_H
#define TARGET_TAPE_DRIVE_CRYPT_H

#include <pthread.h>

#include "target/tape/drive_info.h"

#define CRYPT_KEY_SIZE	 32u
#define CRYPT_SLOTS	 128u /* keys: sets that a drive can have at one time */
#define CRYPT_UKAD_MAX	 32u
#define CRYPT_AKAD_MAX	 12u
#define CRYPT_ALGORITHM	 0x00010014u /* AES-256-GCM with a tag of 16 bytes (SPC-5 annex) */
#define CRYPT_INDEX	 1u	     /* of the one algorithm that there is */
#define CRYPT_SALT_SIZE	 16u
#define CRYPT_CHECK_SIZE 16u

#define CRYPT_PROTOCOL_INFORMATION 0x00u
#define CRYPT_PROTOCOL_TAPE	   0x20u

enum crypt_scope { CRYPT_PUBLIC, CRYPT_LOCAL, CRYPT_ALL };
enum crypt_encrypt { CRYPT_ENCRYPT_OFF, CRYPT_ENCRYPT_EXTERNAL, CRYPT_ENCRYPT_ON };
enum crypt_decrypt { CRYPT_DECRYPT_OFF, CRYPT_DECRYPT_RAW, CRYPT_DECRYPT_ON, CRYPT_DECRYPT_MIXED };
enum crypt_clear { CRYPT_CLEAR_RESERVATION_LOSS = 1, CRYPT_CLEAR_PREEMPT = 2, CRYPT_CLEAR_DEMOUNT = 4 };

struct crypt_set {
	uint8_t encrypt, decrypt; /* enum crypt_encrypt, enum crypt_decrypt */
	uint8_t clear;		  /* enum crypt_clear: when it is forgotten */
	uint8_t kad_format, ukad_size, akad_size;
	uint8_t ukad[CRYPT_UKAD_MAX], akad[CRYPT_AKAD_MAX];
	uint32_t counter;	  /* key instance counter */
	uint8_t salt[CRYPT_SALT_SIZE];
	int slot;		  /* of its key; -1: none */
	bool described[CARTRIDGE_PARTITIONS]; /* description[] has been given out */
	uint32_t description[CARTRIDGE_PARTITIONS];
};

struct crypt_user {
	const struct scsi_nexus *nexus;
	enum crypt_scope scope;
	struct crypt_set set; /* with CRYPT_LOCAL */
	struct crypt_user *next;
};

struct crypt {
	pthread_mutex_t lock;	  /* a leaf: all that follows */
	struct crypt_user *users; /* nexuses that are not PUBLIC */
	struct crypt_set all;	  /* slot -1 and modes off: there is none */
	uint32_t counter;	  /* the last one that was given */
	uint8_t (*keys)[CRYPT_KEY_SIZE]; /* CRYPT_SLOTS, locked */
	bool taken[CRYPT_SLOTS];
};

/* The set that a nexus uses; never NULL. */
struct crypt_set *crypt_effective_locked(struct crypt *crypt, const struct scsi_nexus *nexus,
					 enum crypt_scope *scope);
/* NULL: it is PUBLIC. */
struct crypt_user *crypt_user_locked(struct crypt *crypt, const struct scsi_nexus *nexus);
/* Puts `set` (its slot filled) in the place of what was there for this scope. 0, -ENOMEM. */
int crypt_establish_locked(struct crypt *crypt, const struct scsi_nexus *nexus, enum crypt_scope scope,
			   const struct crypt_set *set);
/* Copies a key; -ENOSPC when all slots are taken. */
int crypt_key_store_locked(struct crypt *crypt, const uint8_t key[CRYPT_KEY_SIZE], int *slot);
void crypt_set_forget_locked(struct crypt *crypt, struct crypt_set *set);

/* What a sealed block's run says about it: granary-cartridge(5). */
struct crypt_description {
	uint8_t kad_format, ukad_size, akad_size;
	uint8_t ukad[CRYPT_UKAD_MAX], akad[CRYPT_AKAD_MAX];
	uint8_t salt[CRYPT_SALT_SIZE], check[CRYPT_CHECK_SIZE];
};
#define CRYPT_DESCRIPTION_MAX (5u + CRYPT_SALT_SIZE + CRYPT_CHECK_SIZE + CRYPT_UKAD_MAX + CRYPT_AKAD_MAX)
#define CRYPT_PLACE_SIZE      16u /* size, partition, object */
#define CRYPT_ASSOCIATED_MAX  (CRYPT_DESCRIPTION_MAX + CRYPT_PLACE_SIZE)

/* `data` has CRYPT_DESCRIPTION_MAX bytes; how many of them it takes. */
size_t crypt_description_encode(const struct crypt_description *description, uint8_t *data);
/* 0, or -EBADMSG: of another version, or damaged. */
int crypt_description_decode(const void *data, size_t size, struct crypt_description *description);
/* What the salt and the key make: tells a wrong key without decrypting. 0, -EIO. */
int crypt_check(const uint8_t key[CRYPT_KEY_SIZE], const uint8_t salt[CRYPT_SALT_SIZE],
		uint8_t check[CRYPT_CHECK_SIZE]);

/* One block, with associated data. `sealed` has DRIVE_SEAL_SIZE bytes more than `plain`. 0, -EIO;
 * -EBADMSG: it is not what was sealed with this key. */
int crypt_seal_with(const uint8_t key[CRYPT_KEY_SIZE], const uint8_t iv[12], const uint8_t *associated,
		    size_t associated_size, const uint8_t *plain, size_t size, uint8_t *sealed);
int crypt_open_with(const uint8_t key[CRYPT_KEY_SIZE], const uint8_t *associated, size_t associated_size,
		    const uint8_t *sealed, size_t sealed_size, uint8_t *plain);

/* SECURITY PROTOCOL IN and OUT, protocols 00h and 20h. */
void crypt_run_in(struct scsi_lu *lu, struct scsi_task *task);
void crypt_run_out(struct scsi_lu *lu, struct scsi_task *task);

#endif
