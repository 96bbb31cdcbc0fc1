/* SPDX-License-Identifier: MIT */
/*
 * SECURITY PROTOCOL OUT, page 0010h: Set Data Encryption (SSC-5 8.7.3.2). The page is checked
 * whole before anything changes. The buffer that brought the key is a secret one (target/scsi/buffer.h).
 */
#include <errno.h>
#include <openssl/rand.h>
#include <string.h>

#include "lib/base/bytes.h"
#include "lib/base/cleanup.h"
#include "target/tape/drive_crypt.h"

#define PAGE_SET_DATA_ENCRYPTION 0x0010u
#define PAGE_HEADER		 20u /* up to the key */

/* Byte 4, byte 5. */
#define SET_LOCK      0x01u
#define SET_SDK	      0x08u
#define SET_CEEM(b)   ((b) >> 6)
#define SET_RDMC(b)   ((b) >> 4 & 3)
#define RDMC_UNPROTECT 2u
#define CEEM_LAST     1u /* 2 and 3 compare with marks of external encryption, of which there are none */

enum kad_type { KAD_UNAUTHENTICATED, KAD_AUTHENTICATED };

struct request {
	const uint8_t *page;
	size_t size;
	enum crypt_scope scope;
	struct crypt_set set;
	const uint8_t *key; /* or NULL: neither mode needs one */
};

/* All functions that check: 0, or the byte of the page that is wrong. */
static unsigned check_modes(const struct drive *drive, const struct request *request)
{
	const uint8_t *page = request->page;
	if (page[4] >> 5 > CRYPT_ALL || page[4] & SET_LOCK)
		return 4;
	if (SET_CEEM(page[5]) > CEEM_LAST || SET_RDMC(page[5]) == RDMC_UNPROTECT || page[5] & SET_SDK)
		return 5;
	if (page[5] & CRYPT_CLEAR_DEMOUNT && drive->phase != DRIVE_LOADED)
		return 5; /* there is nothing to demount */
	if (page[6] != CRYPT_ENCRYPT_OFF && page[6] != CRYPT_ENCRYPT_ON)
		return 6;
	if (page[7] == CRYPT_DECRYPT_RAW || page[7] > CRYPT_DECRYPT_MIXED)
		return 7;
	bool needs_key = page[6] || page[7];
	if (page[8] != CRYPT_INDEX && (needs_key || page[8]))
		return 8;
	if (page[9]) /* keys in plain text only */
		return 9;
	if (page[10] > 2)
		return 10;
	return 0;
}

/* Key-associated data, ascending by type, each once, and only with what is to be encrypted. */
static unsigned check_kads(struct request *request, size_t at)
{
	struct crypt_set *set = &request->set;
	int previous = -1;
	while (at < request->size) {
		const uint8_t *kad = request->page + at;
		if (request->size - at < 4)
			return (unsigned)at;
		uint16_t length = be_get16(kad + 2);
		uint16_t most = kad[0] == KAD_UNAUTHENTICATED ? CRYPT_UKAD_MAX : CRYPT_AKAD_MAX;
		if (kad[0] > KAD_AUTHENTICATED || kad[0] <= previous || set->encrypt != CRYPT_ENCRYPT_ON)
			return (unsigned)at;
		if (length > most || length > request->size - at - 4)
			return (unsigned)at + 2;
		if (kad[0] == KAD_UNAUTHENTICATED) {
			set->ukad_size = (uint8_t)length;
			memcpy(set->ukad, kad + 4, length);
		} else {
			set->akad_size = (uint8_t)length;
			memcpy(set->akad, kad + 4, length);
		}
		previous = kad[0];
		at += 4u + length;
	}
	return 0;
}

static unsigned check_page(const struct drive *drive, struct request *request)
{
	const uint8_t *page = request->page;
	unsigned wrong = check_modes(drive, request);
	if (wrong)
		return wrong;
	request->scope = page[4] >> 5;
	request->set = (struct crypt_set){
		.encrypt = page[6], .decrypt = page[7], .clear = page[5] & 7, .kad_format = page[10], .slot = -1};
	if (request->scope == CRYPT_PUBLIC)
		return 0; /* the rest does not count */
	uint16_t key_size = be_get16(page + 18);
	if (key_size > request->size - PAGE_HEADER)
		return 18;
	if (request->set.encrypt || request->set.decrypt) {
		if (key_size != CRYPT_KEY_SIZE)
			return 18;
		request->key = page + PAGE_HEADER;
	}
	return check_kads(request, PAGE_HEADER + key_size);
}

/* 0, -ENOMEM, -ENOSPC, -EIO. For a session that has ended meanwhile nothing is kept. */
static int request_establish(struct drive *drive, const struct scsi_nexus *nexus, struct request *request)
{
	struct crypt *crypt = drive->info->crypt;
	struct crypt_set *set = &request->set;
	int err = 0;
	if (RAND_bytes(set->salt, sizeof(set->salt)) != 1)
		return -EIO;
	LOCK_SCOPE(&drive->lu->lock);
	if (scsi_nexus_is_closing_locked(nexus))
		return 0;
	LOCK_SCOPE(&crypt->lock);
	if (request->key)
		err = crypt_key_store_locked(crypt, request->key, &set->slot);
	if (!err)
		err = crypt_establish_locked(crypt, nexus, request->scope, set);
	if (err)
		crypt_set_forget_locked(crypt, set);
	return err;
}

static void page_run(struct drive *drive, struct scsi_task *task, const uint8_t *data, size_t size)
{
	struct request request = {.page = data, .size = size};
	if (be_get16(data) != PAGE_SET_DATA_ENCRYPTION) {
		scsi_invalid_parameter(task, 0, 8);
		return;
	}
	if (be_get16(data + 2) != size - 4) {
		scsi_invalid_parameter(task, 2, 8);
		return;
	}
	unsigned wrong = check_page(drive, &request);
	if (wrong) {
		scsi_invalid_parameter(task, wrong, 8);
		return;
	}
	/* What waits in the ring was written with what held until now. */
	int err = drive_drain(drive);
	if (err) {
		drive_check_flush(drive, task, err);
		return;
	}
	if (request_establish(drive, task->nexus, &request)) {
		scsi_check(task, SENSE_ILLEGAL_REQUEST, ASC_INSUFFICIENT_RESOURCES);
		return;
	}
	if (request.scope == CRYPT_ALL)
		scsi_attention(drive->lu, task->nexus, ASC_ENCRYPTION_PARAMETERS_CHANGED_BY_OTHER);
}

void crypt_run_out(struct scsi_lu *lu, struct scsi_task *task)
{
	uint32_t size = be_get32(task->cdb + 6);
	task->out_wanted = size;
	if (task->cdb[1] != CRYPT_PROTOCOL_TAPE) {
		scsi_invalid_cdb(task, 1, 8);
	} else if (be_get16(task->cdb + 2) != PAGE_SET_DATA_ENCRYPTION) {
		scsi_invalid_cdb(task, 2, 8);
	} else if (size < PAGE_HEADER) {
		scsi_check(task, SENSE_ILLEGAL_REQUEST, ASC_PARAMETER_LIST_LENGTH);
	} else {
		const uint8_t *data = scsi_parameters(task, size);
		if (data)
			page_run(drive_of(lu), task, data, size);
	}
}
