/* SPDX-License-Identifier: MIT */
/*
 * Who has asked for protection information, and what it does to a WRITE.
 *
 * The rules are those of the IBM LTO SCSI Reference (GA32-0928-06) 4.9, which follows SSC-5: the page is
 * each nexus' own (4.7.1.2); lengths in CDBs and the block length of the mode header count the four
 * bytes; a block that does not fit them ends the WRITE before it, with HARDWARE ERROR, LOGICAL BLOCK
 * GUARD CHECK FAILED. The Reed-Solomon CRC came with LTO-5 (annex A.2), CRC32C with LTO-7 (4.9.1.1);
 * LTFS chooses by the generation, too, whatever the make.
 *
 * A lost session does not change mode pages (SPC-4 7.5.2), and a host that goes on in a new one goes on
 * with four bytes behind each block: so a setting is that of the two ports. Of too many the one that
 * has been set first is forgotten, of those whose session is lost.
 */
#include "target/tape/drive_guard.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/cleanup.h"
#include "lib/base/log.h"
#include "lib/base/mem.h"

#define FIRST_GENERATION  5u /* LTO */
#define CRC32C_GENERATION 7u

#define PAGE_METHOD 4u /* bytes of the page */
#define PAGE_LENGTH 5u
#define PAGE_FLAGS  6u
#define LBP_W	    0x80u
#define LBP_R	    0x40u
#define WRONG(offset) (-(int)(offset) - 1)
#define USERS_MAX     256u

struct drive_guard_user {
	struct scsi_ports ports;
	const struct scsi_nexus *nexus; /* of the last command; NULL: its session is lost */
	enum guard_method method;
	uint8_t flags; /* LBP_W, LBP_R */
	struct drive_guard_user *next;
};

bool drive_guards(const struct drive *drive)
{
	return drive->settings.generation >= FIRST_GENERATION;
}

enum guard_method drive_guard_last(const struct drive *drive)
{
	return drive->settings.generation >= CRC32C_GENERATION ? GUARD_CRC32C : GUARD_REED_SOLOMON;
}

/* ---- who has asked ----------------------------------------------------------------------------- */

static struct drive_guard_user **user_locked(struct drive *drive, const struct scsi_nexus *nexus)
{
	struct drive_guard_user **at = &drive->guard_users;
	while (*at && !scsi_ports_equal(&(*at)->ports, scsi_nexus_ports(nexus)))
		at = &(*at)->next;
	return at;
}

static void forget_locked(struct drive_guard_user **at)
{
	struct drive_guard_user *user = *at;
	__atomic_store_n(at, user->next, __ATOMIC_RELAXED);
	free(user);
}

/* Room for one more. The list has the latest first. */
static void forget_lost_locked(struct drive *drive)
{
	struct drive_guard_user **lost = NULL;
	unsigned count = 0;
	for (struct drive_guard_user **at = &drive->guard_users; *at; at = &(*at)->next) {
		count++;
		if (!(*at)->nexus)
			lost = at;
	}
	if (count >= USERS_MAX && lost)
		forget_locked(lost);
}

void drive_guard_lost_locked(struct drive *drive, const struct scsi_nexus *nexus)
{
	struct drive_guard_user *user = *user_locked(drive, nexus);
	if (user && user->nexus == nexus)
		user->nexus = NULL;
}

void drive_guard_free(struct drive *drive)
{
	while (drive->guard_users)
		forget_locked(&drive->guard_users);
}

void drive_guard_reset(struct drive *drive)
{
	LOCK_SCOPE(&drive->lu->lock);
	drive_guard_free(drive);
}

struct drive_guard drive_guard_of(struct drive *drive, const struct scsi_nexus *nexus)
{
	struct drive_guard guard = {GUARD_NONE, GUARD_NONE};
	/* That of this nexus changes with its own commands, and this is one. */
	if (!__atomic_load_n(&drive->guard_users, __ATOMIC_RELAXED))
		return guard;
	LOCK_SCOPE(&drive->lu->lock);
	struct drive_guard_user *user = *user_locked(drive, nexus);
	if (!user)
		return guard;
	if (!scsi_nexus_is_closing_locked(nexus))
		user->nexus = nexus;
	if (user->flags & LBP_W)
		guard.write = user->method;
	if (user->flags & LBP_R)
		guard.read = user->method;
	return guard;
}

/* ---- mode page 0Ah/F0h (SSC-5 8.4.9) ------------------------------------------------------------- */

const uint8_t guard_page_defaults[GUARD_PAGE_SIZE] = {0x4a, 0xf0, 0, GUARD_PAGE_SIZE - 4};
/* RBDP cannot be set: there is no RECOVER BUFFERED DATA. */
const uint8_t guard_page_changeable[GUARD_PAGE_SIZE] = {0x4a, 0xf0, 0, GUARD_PAGE_SIZE - 4,
							0xff, 0x3f, LBP_W | LBP_R};

int guard_page_check(struct scsi_lu *lu, const uint8_t *page)
{
	if (page[PAGE_METHOD] > (unsigned)drive_guard_last(drive_of(lu)))
		return WRONG(PAGE_METHOD);
	/* Without a method the rest means nothing. */
	return page[PAGE_METHOD] == GUARD_NONE || page[PAGE_LENGTH] == GUARD_SIZE ? 0 : WRONG(PAGE_LENGTH);
}

int guard_page_changed(struct scsi_lu *lu, const struct scsi_nexus *nexus, const uint8_t *page)
{
	struct drive *drive = drive_of(lu);
	CLEANUP_FREE struct drive_guard_user *fresh = mem_try_zalloc(1, sizeof(*fresh));
	if (!fresh)
		return -ENOMEM;
	LOCK_SCOPE(&lu->lock);
	struct drive_guard_user **old = user_locked(drive, nexus);
	if (*old)
		forget_locked(old);
	if (page[PAGE_METHOD] == GUARD_NONE)
		return 0;
	forget_lost_locked(drive);
	*fresh = (struct drive_guard_user){
		.ports = *scsi_nexus_ports(nexus),
		.nexus = scsi_nexus_is_closing_locked(nexus) ? NULL : nexus,
		.method = page[PAGE_METHOD],
		.flags = page[PAGE_FLAGS] & (LBP_W | LBP_R),
		.next = drive->guard_users,
	};
	__atomic_store_n(&drive->guard_users, TAKE(fresh), __ATOMIC_RELAXED);
	return 0;
}

void guard_page_refresh(struct scsi_lu *lu, const struct scsi_nexus *nexus, uint8_t *page)
{
	struct drive *drive = drive_of(lu);
	memset(page + PAGE_METHOD, 0, GUARD_PAGE_SIZE - PAGE_METHOD);
	LOCK_SCOPE(&lu->lock);
	const struct drive_guard_user *user = *user_locked(drive, nexus);
	if (!user)
		return;
	page[PAGE_METHOD] = (uint8_t)user->method;
	page[PAGE_LENGTH] = GUARD_SIZE;
	page[PAGE_FLAGS] = user->flags;
}

/* ---- writing ------------------------------------------------------------------------------------ */

uint32_t drive_guard_strip(struct scsi_task *task, enum guard_method method, uint32_t size, uint32_t count)
{
	uint8_t *data = task->out->data;
	uint32_t right = 0;
	for (; right < count; right++) {
		const uint8_t *block = data + (size_t)right * (size + GUARD_SIZE);
		if (!guard_holds(method, block, size, block + size))
			break;
		if (right)
			memmove(data + (size_t)right * size, block, size);
	}
	return right;
}

void drive_guard_failed(struct drive *drive, struct scsi_task *task, int64_t information)
{
	log_warning("drive %s: object %llu of cartridge %s came with protection information that does not fit it",
		    drive->settings.identity.serial, (unsigned long long)drive->object, drive->media.barcode);
	drive_check(task, SENSE_HARDWARE_ERROR, ASC_GUARD_CHECK_FAILED, false, information);
	drive_note_error(drive, task, &task->sense);
}
