/* SPDX-License-Identifier: MIT */
/*
 * Inside a drive: what its files share.
 *
 * Who may touch what:
 *   - A command has the unit for itself while it runs (target/scsi/scsi.h), so run() and waits()
 *     read everything of struct drive without a lock. What others read beside it (drive_state,
 *     log pages, TEST UNIT READY) is changed with lu->lock held.
 *   - The cartridge belongs to the flusher's thread while the ring holds something, else to the
 *     command that runs. A command that touches the cartridge drains first: its row says
 *     `.waits = drive_waits_drain`, its run() calls drive_drain(). Pages that are built without
 *     waiting never touch the cartridge: they read counters, extents and what was cached at load.
 *   - The read-ahead's thread only calls cartridge_pread(); it is stopped before anything is cut off.
 *
 * Locks: lu->lock, ring and read-ahead; the last two are leaves, never held together.
 *
 * Positions are those that the host sees: they count what is still in the ring. `end` does the
 * same, so at most times the cartridge itself is behind both.
 */
#ifndef TARGET_TAPE_DRIVE_PRIVATE_H
#define TARGET_TAPE_DRIVE_PRIVATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "target/scsi/scsi.h"
#include "target/tape/cartridge.h"
#include "target/tape/drive.h"
#include "target/tape/media.h"

#define DRIVE_MAGIC	    0x64726976u
#define DRIVE_OPCODES_MAX   96u
#define DRIVE_VPD_PAGES_MAX 32u
#define DRIVE_WARNING_MAX   (512ull << 20) /* bytes of the early-warning zone at most */
/* What a filemark takes of the tape, so that one that is written full of them ends. */
#define DRIVE_FILEMARK_SIZE 64u
/* What sealing adds to a block on the cartridge. */
#define DRIVE_SEAL_SIZE	    32u

/*
 * EMPTY    -> LOADED    [drive_load: a data cartridge]
 * EMPTY    -> CLEANING  [drive_load: a cleaning cartridge]
 * CLEANING -> as EJECTED [some seconds later; by the clock alone]
 * LOADED   -> HELD      [LOAD UNLOAD with HOLD]
 * LOADED, HELD -> EJECTED [LOAD UNLOAD]
 * EJECTED, HELD -> LOADED [LOAD UNLOAD with LOAD]
 * any      -> EMPTY     [drive_unload: the robot takes it]
 */
enum drive_phase { DRIVE_EMPTY, DRIVE_LOADED, DRIVE_HELD, DRIVE_EJECTED, DRIVE_CLEANING };

/* TapeAlert flags that the drive itself raises (SSC-5 annex A). */
enum drive_alert {
	DRIVE_ALERT_HARD_ERROR = 3, DRIVE_ALERT_MEDIA = 4, DRIVE_ALERT_READ_FAILURE = 5,
	DRIVE_ALERT_WRITE_FAILURE = 6, DRIVE_ALERT_WRITE_PROTECT = 9, DRIVE_ALERT_NO_REMOVAL = 10,
	DRIVE_ALERT_CLEANING_MEDIA = 11, DRIVE_ALERT_UNSUPPORTED_FORMAT = 12,
	DRIVE_ALERT_NEARLY_FULL = 19, /* "nearing media life" is not raised; kept for the host folder */
	DRIVE_ALERT_CLEAN_NOW = 20, DRIVE_ALERT_CLEAN_PERIODIC = 21, DRIVE_ALERT_EXPIRED_CLEANING = 22,
	DRIVE_ALERT_INVALID_CLEANING = 23, DRIVE_ALERT_READ_ONLY_FORMAT = 17,
	DRIVE_ALERT_FORCED_EJECT = 16, DRIVE_ALERT_WORM_INTEGRITY = 59, DRIVE_ALERT_WORM_OVERWRITE = 60,
};

/* Since the cartridge was loaded, and since the drive was made. */
struct drive_counters {
	uint64_t written_bytes, written_blocks, written_filemarks; /* by hosts */
	uint64_t read_bytes, read_blocks, read_filemarks;	   /* to hosts */
	uint64_t write_errors, read_errors;			   /* unrecovered */
	uint64_t flushes;		/* commits of the cartridge */
	uint64_t stored_bytes;		/* that went to the cartridge's files */
};

/* What the mode pages say and the data path needs. The pages' `changed` sets it, lu->lock held. */
struct drive_mode {
	uint32_t block_size;	  /* of the block descriptor; 0: variable */
	bool unbuffered;	  /* BUFFERED MODE 0 of the header */
	bool compression;	  /* 0Fh, 10h: DCE; accepted, does nothing */
	uint16_t early_warning;	  /* 10h/01h: PEWS, MiB before the early warning */
	bool append_only;	  /* 10h/01h: WRITE MODE 1h */
};

struct drive_guard_user;
struct drive_ring;
struct drive_ahead;
struct drive_info; /* of the pages: drive_info.c */

struct drive {
	uint32_t magic;
	struct drive_settings settings;
	char automation[33]; /* lu->lock: serial number of the changer; or "" */
	struct scsi_lu *lu;
	struct scsi_class class; /* joined from the tables below */
	struct scsi_opcode opcodes[DRIVE_OPCODES_MAX];
	struct scsi_vpd_page vpd_pages[DRIVE_VPD_PAGES_MAX];

	/* The cartridge: changed on the worker, lu->lock held. NULL unless one is in the drive. */
	enum drive_phase phase;
	struct cartridge *cartridge;
	const struct medium *medium;
	struct cartridge_info media;	/* a copy, for who must not touch the cartridge */
	enum medium_access access;	/* what this drive can do with this medium */
	bool write_protected;		/* by the medium, its generation, or a failed flush */
	bool modified;			/* written to since load: drive_info_modifying() was called */
	enum sense_code preparing;	/* what NOT READY says while a load, or anything with IMMED, runs; or 0 */
	uint64_t cleaning_until;	/* CLEANING: clock_monotonic_ns() */

	/* Position, with lu->lock held to change. */
	unsigned partition;
	uint64_t object;		/* the next one that is read or written */
	uint64_t file;			/* filemarks before it */
	struct cartridge_extent end[CARTRIDGE_PARTITIONS];
	bool dirty;			/* something was written since the last commit */
	int failure;			/* -errno of a flush that failed: nothing is written until unload */
	uint64_t pending_objects, pending_bytes; /* written since the last commit */
	bool untold;			/* the failure has lost of these, and the writer does not know yet */
	bool full_told;			/* `full` was told since load */
	enum { DRIVE_OVERWRITE_NONE, DRIVE_OVERWRITE_HERE, DRIVE_OVERWRITE_FORMAT } overwrite;
	uint64_t overwrite_object;	/* of ALLOW OVERWRITE */
	const struct scsi_nexus *writer; /* lu->lock: whose data no commit has yet; NULL: of one that is gone */

	struct drive_mode mode;
	struct drive_guard_user *guard_users; /* lu->lock to change: drive_guard.c */
	struct drive_counters load, life;
	uint64_t mounts;		/* loads of the drive's life */
	const char *activity;		/* of a static string */
	uint64_t active_at;		/* clock_monotonic_ns() of the last block; 0: activity as it is */

	struct drive_ring *ring;
	struct drive_ahead *ahead;
	struct drive_info *info;	/* the pages' own */
};

struct drive *drive_of(struct scsi_lu *lu);
/* Raises a TapeAlert flag, which the MAM is told of, too, when the cartridge goes. lu->lock held. */
void drive_alert_locked(struct drive *drive, enum drive_alert flag);

/* ---- for the pages (drive_info.c and its like) -------------------------------------------- */

/* True while the ring holds something or a commit is due: for the `waits` of rows that touch the
 * cartridge or that synchronise. */
bool drive_waits_drain(struct scsi_lu *lu, const struct scsi_task *task);
/* Always; for rows that read or write files. */
bool drive_waits(struct scsi_lu *lu, const struct scsi_task *task);
/* The ring is empty and the cartridge committed when this returns 0. -errno: a flush failed, the
 * drive has stopped writing and its position is where the cartridge ends. On the worker. */
int drive_drain(struct drive *drive);
/* Sets the sense of a flush that failed (drive_drain), and tells the writer, should that be another. */
void drive_check_flush(struct drive *drive, struct scsi_task *task, int error);
/* The same where there is no command: the writer is told with its next one. */
void drive_tell_flush(struct drive *drive, int error);
/* TEST UNIT READY says `code` from now on; ASC_NONE: no more. */
void drive_set_preparing(struct drive *drive, enum sense_code code);
/* IMMED: the status goes out, and until drive_early_end() TEST UNIT READY says `code`. */
bool drive_early(struct drive *drive, struct scsi_task *task, enum sense_code code);
/* What the command has come to is told as a deferred error, if `early` (of drive_early) is true. */
void drive_early_end(struct drive *drive, struct scsi_task *task, bool early);
/* A loaded medium: else sets NOT READY with its code and returns false. */
bool drive_ready(struct drive *drive, struct scsi_task *task);
/* Where the early warning begins in a partition, and its size: bytes of blocks. lu->lock held or
 * in a command. */
uint64_t drive_warning_at(const struct drive *drive, unsigned partition);
uint64_t drive_partition_size(const struct drive *drive, unsigned partition);
/* Of all partitions together: the tape's, which SET CAPACITY may have cut. */
uint64_t drive_whole_size(const struct drive *drive);
/* What is on a partition, filemarks and all. Likewise. */
uint64_t drive_used(const struct drive *drive, unsigned partition);
/* Objects and bytes that are acknowledged but not yet on the cartridge. Never waits. */
void drive_buffered(struct drive *drive, uint64_t *objects, uint64_t *bytes);

/* ---- what the pages give: tables that are joined when a drive is made ----------------------- */

extern const struct scsi_opcode drive_info_opcodes[];	/* end with run == NULL */
extern const struct scsi_opcode drive_crypt_opcodes[];	/* only with settings.encryption */
extern const struct scsi_vpd_page drive_info_vpd_pages[]; /* end with code 0 */
/* Of a drive of its make and generation; ends with length 0. */
const struct scsi_mode_page *drive_mode_pages(const struct drive *drive);
extern const struct scsi_log_page drive_log_pages_ibm[]; /* end with build == NULL */
extern const struct scsi_log_page drive_log_pages_hp[];
extern const uint16_t drive_versions[];			/* end with 0 */

/* For struct scsi_class: medium type, WP, buffered mode, speed, block descriptor (drive_mode.c).
 * MODE SELECT through them sets drive->mode.block_size and .unbuffered. */
void drive_mode_header(struct scsi_lu *lu, uint8_t *medium_type, uint8_t *device_specific,
		       uint8_t descriptor[8], size_t *descriptor_size);
int drive_mode_descriptor(struct scsi_lu *lu, const uint8_t descriptor[8]);
int drive_mode_device_specific(struct scsi_lu *lu, uint8_t device_specific, bool change);

/* What FORMAT MEDIUM with FORMAT 1h or 2h makes, as MODE SELECT of page 11h has asked for since the
 * load: how many partitions, and their bytes. In a command. */
unsigned drive_partitions_wanted(struct drive *drive, uint64_t sizes[CARTRIDGE_PARTITIONS]);

/* Remembers a MEDIUM ERROR or HARDWARE ERROR for the log pages; other sense keys are nothing. `task`:
 * NULL when no command is there to be told. Any thread, lu->lock not held. */
void drive_note_error(struct drive *drive, const struct scsi_task *task, const struct sense *sense);

/* Once a drive: drive->info. 0 or -ENOMEM. */
int drive_info_new(struct drive *drive);
void drive_info_free(struct drive *drive);
/* On the worker, the ring empty, the cartridge open, no lock held: after a load (mount counts, MAM,
 * caches for log pages), before the first change after a load (volume change reference), before an
 * unload (totals into the MAM). What they write is made durable by the next commit. */
void drive_info_loaded(struct drive *drive);
void drive_info_modifying(struct drive *drive);
void drive_info_unloading(struct drive *drive);
/* A reset, a cartridge gone: keys are forgotten as their scope and lifetime say. */
void drive_info_reset(struct drive *drive, enum scsi_reset kind);
void drive_info_nexus_lost(struct drive *drive, struct scsi_nexus *nexus);
/* True: keys have been forgotten by it. */
bool drive_info_reservation_lost(struct drive *drive, bool preempted);

/* Encryption. True when what `nexus` writes is to be sealed; in a command. */
bool drive_seals(struct drive *drive, const struct scsi_nexus *nexus);
/* True when reading a sealed block with what `nexus` has set might work (else the sense is set: 74h...);
 * also asked for blocks that are not sealed, where the mode of decryption may forbid these. */
bool drive_may_read(struct drive *drive, struct scsi_task *task, const struct cartridge_place *place);
/* The block that comes next, at the position. stored: size + DRIVE_SEAL_SIZE bytes; extra: of the run
 * (cartridge_add_description). 0 or -errno. On the worker, the ring empty. */
int drive_seal(struct drive *drive, const struct scsi_nexus *nexus, const uint8_t *plain, size_t size,
	       uint8_t *stored, uint32_t *extra);
/* plain: stored_size - DRIVE_SEAL_SIZE bytes. Else sets the sense (74h/00h..., 3/11h) and returns false. */
bool drive_unseal(struct drive *drive, struct scsi_task *task, const struct cartridge_place *place,
		  const uint8_t *stored, size_t stored_size, uint8_t *plain);

/* ---- the drive's own files ------------------------------------------------------------------ */

/* The nexus that writes: it is told of what fails. False: it has another's blocks before it, and waits
 * for drive_drain() first. */
bool drive_is_writer(struct drive *drive, const struct scsi_nexus *nexus);
void drive_set_writer(struct drive *drive, const struct scsi_nexus *nexus);
/* Tells the writer of a flush that failed, with its next command. Any thread, no locks held. */
void drive_defer(struct drive *drive, int error);
/* After a flush that failed: no more is written, and the position is where the cartridge ends. Who calls it
 * goes on with drive_check_flush() or drive_tell_flush(). */
void drive_fail(struct drive *drive, int error);
/* Why a medium cannot be used now: 0, or the ASC of NOT READY. lu->lock held. */
enum sense_code drive_not_ready_locked(const struct drive *drive);
/* The activity that drive_get_state() tells. */
void drive_set_activity(struct drive *drive, const char *activity);
/* Moves: lu->lock is taken. */
void drive_set_position(struct drive *drive, unsigned partition, uint64_t object, uint64_t file);
static inline bool drive_at_end(const struct drive *drive)
{
	return drive->object == drive->end[drive->partition].objects;
}
/* What of the partition is before the position, as drive_used() counts. In a command, the ring empty or at the end. */
uint64_t drive_offset(const struct drive *drive);
/* CHECK CONDITION with INFORMATION. */
void drive_check(struct scsi_task *task, enum sense_key key, enum sense_code code, bool eom,
		 int64_t information);
/* A lock on it has not ended. */
bool drive_is_locked(const struct drive *drive);
/* No flush has failed since the load: else the sense is set. */
bool drive_writes(const struct drive *drive, struct scsi_task *task, int64_t information);
/* Writing, erasing at the position would be allowed: else the sense is set, with `information`. */
bool drive_may_write(struct drive *drive, struct scsi_task *task, int64_t information);
/* Makes the position the end of the partition; on the worker, the ring empty. Sets the sense. */
bool drive_cut(struct drive *drive, struct scsi_task *task);
/* The first change since the load; on the worker, the ring empty. */
void drive_modify(struct drive *drive);
/* The cartridge's extents, into `end`. */
void drive_refresh_ends(struct drive *drive);

/* Counts as work for the activity of drive_get_state(): "reading", "writing". */
void drive_active_locked(struct drive *drive, const char *activity);

/* Tables of commands; end with run == NULL. */
extern const struct scsi_opcode drive_read_opcodes[];
extern const struct scsi_opcode drive_verify_opcodes[];
extern const struct scsi_opcode drive_write_opcodes[];
extern const struct scsi_opcode drive_position_opcodes[];
extern const struct scsi_opcode drive_load_opcodes[];
extern const struct scsi_opcode drive_medium_opcodes[];

#endif
