/* SPDX-License-Identifier: MIT */
/*
 * SECURITY PROTOCOL IN: protocol 00h tells what there is, 20h are the pages of tape data
 * encryption (SSC-5 8.7). No page tells a key.
 */
#include <errno.h>
#include <openssl/rand.h>
#include <string.h>

#include "lib/base/bytes.h"
#include "lib/base/cleanup.h"
#include "target/tape/drive_crypt.h"

#define PAGE_MAX 160u

struct page {
	uint8_t data[PAGE_MAX]; /* zeros at first */
	size_t size;
};

/* A page's code and, at the end, the length of what follows. */
static void page_finish(struct page *page, uint16_t code, size_t size)
{
	be_put16(page->data, code);
	be_put16(page->data + 2, (uint16_t)(size - 4));
	page->size = size;
}

static int page_codes(struct page *page, uint16_t code, const uint16_t *codes, size_t count)
{
	for (size_t i = 0; i < count; i++)
		be_put16(page->data + 4 + 2 * i, codes[i]);
	page_finish(page, code, 4 + 2 * count);
	return 0;
}

static int build_in_support(struct drive *drive, struct scsi_task *task, struct page *page)
{
	static const uint16_t codes[] = {0x00, 0x01, 0x10, 0x11, 0x12, 0x20, 0x21, 0x30};
	(void)drive, (void)task;
	return page_codes(page, 0x00, codes, sizeof(codes) / sizeof(codes[0]));
}

static int build_out_support(struct drive *drive, struct scsi_task *task, struct page *page)
{
	static const uint16_t codes[] = {0x10};
	(void)drive, (void)task;
	return page_codes(page, 0x01, codes, 1);
}

/* 0010h: the one algorithm (SSC-5 table 159 and 160). */
static int build_capabilities(struct drive *drive, struct scsi_task *task, struct page *page)
{
	(void)task;
	bool loaded = drive->phase == DRIVE_LOADED;
	uint8_t *at = page->data + 20;
	page->data[4] = 0x09; /* EXTDECC 2, CFG_P 1: not an external manager's, may be configured */
	at[0] = CRYPT_INDEX;
	be_put16(at + 2, 20); /* bytes that follow */
	/* AVFMV; MAC_C, DELB_C: encrypted blocks are authentic and are told from others;
	 * DECRYPT_C, ENCRYPT_C. */
	at[4] = (uint8_t)((loaded && !drive->write_protected ? 0x80 : 0) | 0x20 | 0x10 | 2 << 2 | 2);
	/* AVFCP: valid, or not, at this position; NONCE_C: the drive makes it; KADF_C. */
	at[5] = (uint8_t)((loaded ? 2 : 1) << 6 | 1 << 4 | 1 << 3);
	be_put16(at + 6, CRYPT_UKAD_MAX);
	be_put16(at + 8, CRYPT_AKAD_MAX);
	be_put16(at + 10, CRYPT_KEY_SIZE);
	at[12] = 1 << 4 | 1 << 1; /* EEMC_C 1; RDMC_C 1: blocks are never given out raw */
	be_put32(at + 20, CRYPT_ALGORITHM);
	page_finish(page, 0x10, 44);
	return 0;
}

/* 0011h: keys come in plain text. */
static int build_key_formats(struct drive *drive, struct scsi_task *task, struct page *page)
{
	(void)drive, (void)task;
	page->data[4] = 0x00;
	page_finish(page, 0x11, 5);
	return 0;
}

/* 0012h: CKOD, CKORP, CKORL; all scopes; no LOCK. */
static int build_management(struct drive *drive, struct scsi_task *task, struct page *page)
{
	(void)drive, (void)task;
	page->data[5] = CRYPT_CLEAR_DEMOUNT | CRYPT_CLEAR_PREEMPT | CRYPT_CLEAR_RESERVATION_LOSS;
	page->data[7] = 0x07; /* AITN_C, LOCAL_C, PUBLIC_C */
	page_finish(page, 0x12, 16);
	return 0;
}

/* A key-associated data descriptor; `authenticated`: 1 unauthenticated, 2 authenticated when it is told
 * of a block, as SSC-5 table 152 has it. */
static size_t put_kad(uint8_t *at, uint8_t type, uint8_t authenticated, const uint8_t *data, uint8_t size)
{
	if (!size)
		return 0;
	at[0] = type;
	at[1] = authenticated;
	be_put16(at + 2, size);
	memcpy(at + 4, data, size);
	return 4u + size;
}

/* 0020h: what this nexus' commands would do. */
static int build_status(struct drive *drive, struct scsi_task *task, struct page *page)
{
	struct crypt *crypt = drive->info->crypt;
	enum crypt_scope scope;
	LOCK_SCOPE(&crypt->lock);
	const struct crypt_user *user = crypt_user_locked(crypt, task->nexus);
	const struct crypt_set *set = crypt_effective_locked(crypt, task->nexus, &scope);
	uint8_t *at = page->data;
	at[4] = (uint8_t)((user ? user->scope : CRYPT_PUBLIC) << 5 | scope);
	at[5] = set->encrypt;
	at[6] = set->decrypt;
	at[7] = set->encrypt || set->decrypt ? CRYPT_INDEX : 0;
	be_put32(at + 8, set->counter);
	at[12] = 1 << 4; /* PARAMETERS CONTROL: not held by anyone alone */
	at[13] = set->kad_format;
	size_t size = 24;
	size += put_kad(at + size, 0, 0, set->ukad, set->ukad_size);
	size += put_kad(at + size, 1, 0, set->akad, set->akad_size);
	page_finish(page, 0x20, size);
	return 0;
}

enum next_status { NEXT_UNKNOWN = 1, NEXT_NO_BLOCK = 2, NEXT_PLAIN = 3, NEXT_READABLE = 5, NEXT_NOT_READABLE = 6 };

/* Whether the key of this nexus is the block's. */
static bool next_opens(struct crypt *crypt, const struct scsi_nexus *nexus,
		       const struct crypt_description *description)
{
	uint8_t check[CRYPT_CHECK_SIZE];
	enum crypt_scope scope;
	LOCK_SCOPE(&crypt->lock);
	const struct crypt_set *set = crypt_effective_locked(crypt, nexus, &scope);
	return set->slot >= 0 && set->decrypt >= CRYPT_DECRYPT_ON &&
	       !crypt_check(crypt->keys[set->slot], description->salt, check) &&
	       memcmp(check, description->check, sizeof(check)) == 0;
}

/* 0021h: the block that would be read next. */
static int build_next(struct drive *drive, struct scsi_task *task, struct page *page)
{
	struct cartridge_place place;
	struct crypt_description description;
	const void *data;
	size_t size = 16, data_size;
	uint8_t *at = page->data;
	if (!drive_ready(drive, task))
		return -ENOMEDIUM;
	int err = drive_drain(drive);
	if (err) {
		drive_check_flush(drive, task, err);
		return err;
	}
	be_put64(at + 4, drive->object);
	at[12] = NEXT_UNKNOWN;
	if (!cartridge_find(drive->cartridge, drive->partition, drive->object, &place)) {
		if (place.kind != CARTRIDGE_BLOCKS)
			at[12] = NEXT_NO_BLOCK;
		else if (!(place.flags & CARTRIDGE_ENCRYPTED))
			at[12] = NEXT_PLAIN;
		else if (!cartridge_description(drive->cartridge, drive->partition, place.extra, &data,
						&data_size) &&
			 !crypt_description_decode(data, data_size, &description)) {
			at[12] = next_opens(drive->info->crypt, task->nexus, &description) ?
					 NEXT_READABLE : NEXT_NOT_READABLE;
			at[13] = CRYPT_INDEX;
			at[15] = description.kad_format;
			size += put_kad(at + size, 0, 1, description.ukad, description.ukad_size);
			size += put_kad(at + size, 1, 2, description.akad, description.akad_size);
		}
	}
	page_finish(page, 0x21, size);
	return 0;
}

static int build_random(struct drive *drive, struct scsi_task *task, struct page *page)
{
	(void)drive;
	if (RAND_bytes(page->data + 4, 32) != 1) {
		scsi_check(task, SENSE_HARDWARE_ERROR, ASC_INTERNAL_FAILURE);
		return -EIO;
	}
	page_finish(page, 0x30, 36);
	return 0;
}

/* Protocol 00h, SPSP 0000h: the protocols; 0001h: no certificate (SPC-5 7.7.1). */
static int build_protocols(struct drive *drive, struct scsi_task *task, struct page *page)
{
	(void)drive, (void)task;
	be_put16(page->data + 6, 2);
	page->data[8] = CRYPT_PROTOCOL_INFORMATION;
	page->data[9] = CRYPT_PROTOCOL_TAPE;
	page->size = 10;
	return 0;
}

static int build_certificate(struct drive *drive, struct scsi_task *task, struct page *page)
{
	(void)drive, (void)task;
	page->size = 4;
	return 0;
}

static const struct {
	uint8_t protocol;
	uint16_t specific;
	/* 0, or an error: the sense is set. */
	int (*build)(struct drive *drive, struct scsi_task *task, struct page *page);
} pages[] = {
	{CRYPT_PROTOCOL_INFORMATION, 0x0000, build_protocols},
	{CRYPT_PROTOCOL_INFORMATION, 0x0001, build_certificate},
	{CRYPT_PROTOCOL_TAPE, 0x0000, build_in_support},
	{CRYPT_PROTOCOL_TAPE, 0x0001, build_out_support},
	{CRYPT_PROTOCOL_TAPE, 0x0010, build_capabilities},
	{CRYPT_PROTOCOL_TAPE, 0x0011, build_key_formats},
	{CRYPT_PROTOCOL_TAPE, 0x0012, build_management},
	{CRYPT_PROTOCOL_TAPE, 0x0020, build_status},
	{CRYPT_PROTOCOL_TAPE, 0x0021, build_next},
	{CRYPT_PROTOCOL_TAPE, 0x0030, build_random},
};

void crypt_run_in(struct scsi_lu *lu, struct scsi_task *task)
{
	struct page page = {.size = 0};
	uint8_t protocol = task->cdb[1];
	uint16_t specific = be_get16(task->cdb + 2);
	if (protocol != CRYPT_PROTOCOL_INFORMATION && protocol != CRYPT_PROTOCOL_TAPE) {
		scsi_invalid_cdb(task, 1, 8);
		return;
	}
	for (size_t i = 0; i < sizeof(pages) / sizeof(pages[0]); i++) {
		if (pages[i].protocol != protocol || pages[i].specific != specific)
			continue;
		if (!pages[i].build(drive_of(lu), task, &page))
			scsi_reply(task, page.data, page.size, be_get32(task->cdb + 6));
		return;
	}
	scsi_invalid_cdb(task, 2, 8);
}

const struct scsi_opcode drive_crypt_opcodes[] = {
	/* INC_512 is not in the usage: lengths are bytes. */
	{.opcode = 0xa2, .length = 12,
	 .usage = {0xa2, 0xff, 0xff, 0xff, 0, 0, 0xff, 0xff, 0xff, 0xff, 0, 0},
	 .timeout = 120, .flags = SCSI_IF_WRITE_EXCLUSIVE, .name = "SECURITY PROTOCOL IN",
	 .run = crypt_run_in, .waits = drive_waits_drain},
	{.opcode = 0xb5, .length = 12,
	 .usage = {0xb5, 0xff, 0xff, 0xff, 0, 0, 0xff, 0xff, 0xff, 0xff, 0, 0},
	 .timeout = 120, .name = "SECURITY PROTOCOL OUT", .run = crypt_run_out, .waits = drive_waits_drain},
	{.run = NULL},
};
