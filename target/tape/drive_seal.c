/* SPDX-License-Identifier: MIT */
/*
 * Sealed blocks: AES-256-GCM, one fresh nonce each.
 *
 *   nonce (12) | size of the block, big-endian (4) | what was encrypted (size) | tag (16)
 *
 * Authenticated beside it are the description of its run, the size, the partition and the number of
 * the object, so that a block is not taken for one with other key-associated data, nor for one
 * that stands elsewhere on the tape. The description is stored once for a run of
 * blocks and has a salted check of the key: a wrong one is told (74h/03h) from damage (74h/04h).
 *
 *   version (1) | KAD format | sizes of UKAD and AKAD | salt (16) | check (16) | UKAD | AKAD
 */
#include <errno.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>
#include <string.h>

#include "lib/base/assert.h"
#include "lib/base/bytes.h"
#include "lib/base/cleanup.h"
#include "target/tape/drive_crypt.h"

#define IV_SIZE	       12u
#define TAG_SIZE       16u
#define HEADER_SIZE    (IV_SIZE + 4u)
#define DESCRIPTION_V2 2u /* 1 was that of blocks without their place */

static_assert(HEADER_SIZE + TAG_SIZE == DRIVE_SEAL_SIZE, "what sealing adds");

/* ---- the cipher ------------------------------------------------------------------------------------ */

static void context_free(EVP_CIPHER_CTX **context)
{
	EVP_CIPHER_CTX_free(*context); /* cleanses the key's schedule */
}
#define CONTEXT __attribute__((cleanup(context_free))) EVP_CIPHER_CTX

int crypt_seal_with(const uint8_t key[CRYPT_KEY_SIZE], const uint8_t iv[12], const uint8_t *associated,
		    size_t associated_size, const uint8_t *plain, size_t size, uint8_t *sealed)
{
	CONTEXT *context = EVP_CIPHER_CTX_new();
	int done;
	memcpy(sealed, iv, IV_SIZE);
	be_put32(sealed + IV_SIZE, (uint32_t)size);
	uint8_t *body = sealed + HEADER_SIZE;
	if (!context || !EVP_EncryptInit_ex(context, EVP_aes_256_gcm(), NULL, key, iv) ||
	    !EVP_EncryptUpdate(context, NULL, &done, associated, (int)associated_size) ||
	    !EVP_EncryptUpdate(context, body, &done, plain, (int)size) ||
	    !EVP_EncryptFinal_ex(context, body + size, &done) ||
	    !EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_GCM_GET_TAG, TAG_SIZE, body + size))
		return -EIO;
	return 0;
}

int crypt_open_with(const uint8_t key[CRYPT_KEY_SIZE], const uint8_t *associated, size_t associated_size,
		    const uint8_t *sealed, size_t sealed_size, uint8_t *plain)
{
	CONTEXT *context = NULL;
	uint8_t tag[TAG_SIZE];
	int done;
	if (sealed_size < DRIVE_SEAL_SIZE || be_get32(sealed + IV_SIZE) != sealed_size - DRIVE_SEAL_SIZE)
		return -EBADMSG;
	size_t size = sealed_size - DRIVE_SEAL_SIZE;
	const uint8_t *body = sealed + HEADER_SIZE;
	memcpy(tag, body + size, TAG_SIZE);
	context = EVP_CIPHER_CTX_new();
	if (!context || !EVP_DecryptInit_ex(context, EVP_aes_256_gcm(), NULL, key, sealed) ||
	    !EVP_DecryptUpdate(context, NULL, &done, associated, (int)associated_size) ||
	    !EVP_DecryptUpdate(context, plain, &done, body, (int)size) ||
	    !EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_GCM_SET_TAG, TAG_SIZE, tag))
		return -EIO;
	if (EVP_DecryptFinal_ex(context, plain + size, &done) <= 0) {
		memset(plain, 0, size); /* nothing that is not authentic leaves */
		return -EBADMSG;
	}
	return 0;
}

int crypt_check(const uint8_t key[CRYPT_KEY_SIZE], const uint8_t salt[CRYPT_SALT_SIZE],
		uint8_t check[CRYPT_CHECK_SIZE])
{
	static const char purpose[] = "granary tape key";
	uint8_t message[CRYPT_SALT_SIZE + sizeof(purpose)], digest[EVP_MAX_MD_SIZE];
	unsigned size;
	memcpy(message, salt, CRYPT_SALT_SIZE);
	memcpy(message + CRYPT_SALT_SIZE, purpose, sizeof(purpose));
	if (!HMAC(EVP_sha256(), key, CRYPT_KEY_SIZE, message, sizeof(message), digest, &size))
		return -EIO;
	memcpy(check, digest, CRYPT_CHECK_SIZE);
	return 0;
}

/* ---- descriptions ------------------------------------------------------------------------------------ */

size_t crypt_description_encode(const struct crypt_description *d, uint8_t *data)
{
	uint8_t *at = data;
	*at++ = DESCRIPTION_V2;
	*at++ = d->kad_format;
	*at++ = d->ukad_size;
	*at++ = d->akad_size;
	memcpy(at, d->salt, CRYPT_SALT_SIZE);
	at += CRYPT_SALT_SIZE;
	memcpy(at, d->check, CRYPT_CHECK_SIZE);
	at += CRYPT_CHECK_SIZE;
	memcpy(at, d->ukad, d->ukad_size);
	at += d->ukad_size;
	memcpy(at, d->akad, d->akad_size);
	return (size_t)(at + d->akad_size - data);
}

int crypt_description_decode(const void *bytes, size_t size, struct crypt_description *d)
{
	const uint8_t *data = bytes;
	const size_t fixed = 4 + CRYPT_SALT_SIZE + CRYPT_CHECK_SIZE;
	memset(d, 0, sizeof(*d));
	if (size < fixed || data[0] != DESCRIPTION_V2 || data[2] > CRYPT_UKAD_MAX ||
	    data[3] > CRYPT_AKAD_MAX || size != fixed + data[2] + data[3])
		return -EBADMSG;
	d->kad_format = data[1];
	d->ukad_size = data[2];
	d->akad_size = data[3];
	memcpy(d->salt, data + 4, CRYPT_SALT_SIZE);
	memcpy(d->check, data + 4 + CRYPT_SALT_SIZE, CRYPT_CHECK_SIZE);
	memcpy(d->ukad, data + fixed, d->ukad_size);
	memcpy(d->akad, data + fixed + d->ukad_size, d->akad_size);
	return 0;
}

/* What is authenticated beside a block; `data` has CRYPT_ASSOCIATED_MAX bytes, and the description first. */
static size_t associate(uint8_t *data, size_t description_size, size_t block_size, unsigned partition,
			uint64_t object)
{
	uint8_t *at = data + description_size;
	be_put32(at, (uint32_t)block_size);
	be_put32(at + 4, partition);
	be_put64(at + 8, object);
	return description_size + CRYPT_PLACE_SIZE;
}

/* The set as the cartridge is to know it. */
static int set_describe(const struct crypt *crypt, const struct crypt_set *set, uint8_t *data, size_t *size)
{
	struct crypt_description d = {
		.kad_format = set->kad_format, .ukad_size = set->ukad_size, .akad_size = set->akad_size};
	memcpy(d.ukad, set->ukad, sizeof(d.ukad));
	memcpy(d.akad, set->akad, sizeof(d.akad));
	memcpy(d.salt, set->salt, sizeof(d.salt));
	int err = crypt_check(crypt->keys[set->slot], set->salt, d.check);
	*size = err ? 0 : crypt_description_encode(&d, data);
	return err;
}

/* Its number on the cartridge; a cartridge that was formatted or cut off has forgotten it. */
static int set_number(struct drive *drive, struct crypt_set *set, const uint8_t *data, size_t size,
		      uint32_t *number)
{
	unsigned partition = drive->partition;
	const void *kept;
	size_t kept_size;
	if (!set->described[partition] ||
	    cartridge_description(drive->cartridge, partition, set->description[partition], &kept,
				  &kept_size) ||
	    kept_size != size || memcmp(kept, data, size) != 0) {
		int err = cartridge_add_description(drive->cartridge, partition, data, size,
						    &set->description[partition]);
		if (err)
			return err;
		set->described[partition] = true;
	}
	*number = set->description[partition];
	return 0;
}

/* ---- for the data path ---------------------------------------------------------------------------------- */

bool drive_seals(struct drive *drive, const struct scsi_nexus *nexus)
{
	struct crypt *crypt = drive->info->crypt;
	enum crypt_scope scope;
	if (!crypt)
		return false;
	LOCK_SCOPE(&crypt->lock);
	return crypt_effective_locked(crypt, nexus, &scope)->encrypt == CRYPT_ENCRYPT_ON;
}

int drive_seal(struct drive *drive, const struct scsi_nexus *nexus, const uint8_t *plain, size_t size,
	       uint8_t *stored, uint32_t *extra)
{
	struct crypt *crypt = drive->info->crypt;
	uint8_t associated[CRYPT_ASSOCIATED_MAX], iv[IV_SIZE];
	size_t description_size;
	enum crypt_scope scope;
	if (!crypt || size > CARTRIDGE_BLOCK_MAX)
		return -EINVAL;
	if (RAND_bytes(iv, sizeof(iv)) != 1)
		return -EIO;
	LOCK_SCOPE(&crypt->lock);
	struct crypt_set *set = crypt_effective_locked(crypt, nexus, &scope);
	if (set->encrypt != CRYPT_ENCRYPT_ON || set->slot < 0)
		return -ENOKEY; /* forgotten since drive_seals() was asked */
	int err = set_describe(crypt, set, associated, &description_size);
	if (!err)
		err = set_number(drive, set, associated, description_size, extra);
	if (err)
		return err;
	return crypt_seal_with(crypt->keys[set->slot], iv, associated,
			       associate(associated, description_size, size, drive->partition, drive->object),
			       plain, size, stored);
}

static bool refuse(struct scsi_task *task, enum sense_code code)
{
	scsi_check(task, SENSE_DATA_PROTECT, code);
	return false;
}

/* Without settings.encryption a drive still meets tapes of one that has it. */
bool drive_may_read(struct drive *drive, struct scsi_task *task, const struct cartridge_place *place)
{
	struct crypt *crypt = drive->info->crypt;
	bool sealed = place->flags & CARTRIDGE_ENCRYPTED;
	struct crypt_description description;
	uint8_t check[CRYPT_CHECK_SIZE];
	const void *data;
	size_t size;
	enum crypt_scope scope;
	if (!crypt)
		return sealed ? refuse(task, ASC_UNABLE_TO_DECRYPT) : true;
	LOCK_SCOPE(&crypt->lock);
	const struct crypt_set *set = crypt_effective_locked(crypt, task->nexus, &scope);
	if (!sealed)
		return set->decrypt == CRYPT_DECRYPT_ON ? refuse(task, ASC_UNENCRYPTED_BLOCK) : true;
	if (set->decrypt < CRYPT_DECRYPT_ON || set->slot < 0)
		return refuse(task, ASC_UNABLE_TO_DECRYPT);
	if (cartridge_description(drive->cartridge, drive->partition, place->extra, &data, &size) ||
	    crypt_description_decode(data, size, &description) ||
	    crypt_check(crypt->keys[set->slot], description.salt, check))
		return refuse(task, ASC_DECRYPT_FAILED);
	if (CRYPTO_memcmp(check, description.check, sizeof(check)) != 0)
		return refuse(task, ASC_INCORRECT_KEY);
	return true;
}

bool drive_unseal(struct drive *drive, struct scsi_task *task, const struct cartridge_place *place,
		  const uint8_t *stored, size_t stored_size, uint8_t *plain)
{
	struct crypt *crypt = drive->info->crypt;
	uint8_t associated[CRYPT_ASSOCIATED_MAX];
	const void *description;
	size_t size;
	enum crypt_scope scope;
	if (!crypt)
		return refuse(task, ASC_UNABLE_TO_DECRYPT);
	LOCK_SCOPE(&crypt->lock);
	const struct crypt_set *set = crypt_effective_locked(crypt, task->nexus, &scope);
	if (set->slot < 0)
		return refuse(task, ASC_UNABLE_TO_DECRYPT);
	if (stored_size < DRIVE_SEAL_SIZE ||
	    cartridge_description(drive->cartridge, drive->partition, place->extra, &description, &size) ||
	    size > CRYPT_DESCRIPTION_MAX)
		return refuse(task, ASC_DECRYPT_FAILED);
	memcpy(associated, description, size);
	size = associate(associated, size, stored_size - DRIVE_SEAL_SIZE, drive->partition, place->object);
	int err = crypt_open_with(crypt->keys[set->slot], associated, size, stored, stored_size, plain);
	if (!err)
		return true;
	return refuse(task, err == -EBADMSG ? ASC_INTEGRITY_CHECK_FAILED : ASC_DECRYPT_FAILED);
}
