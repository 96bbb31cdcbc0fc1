/* SPDX-License-Identifier: MIT */
/*
 * Cartridge: a folder that holds what a tape holds. granary-cartridge(5).
 *
 *   BARCODE/cartridge.conf   what it is: uuid, barcode, medium, size, WORM, protection, lock (libconfig)
 *   BARCODE/p0.data          the host's bytes of partition 0 and nothing else
 *   BARCODE/p0.idx           where its blocks and filemarks are: runs and commits, append-only
 *   BARCODE/p1.data, p1.idx  the second partition, where there is one
 *   BARCODE/mam.0, mam.1     medium auxiliary memory and counters, written in turn
 *   BARCODE/lock             held by who has it open for writing
 *
 * A logical object is a block or a filemark; they are counted from 0 in each
 * partition, as LOCATE and READ POSITION count them. The index is kept as runs
 * (equal blocks, or filemarks, one after another), so that every search costs
 * O(log runs).
 *
 * Invariants: p0.data has no byte that is not a block's; a run never points
 * past what p0.data durably has; what cartridge_sync() has acknowledged is
 * there after kill -9 and a power cut, and what follows is there wholly or not
 * at all, block by block.
 *
 * One thread at a time uses a cartridge, but for cartridge_pread(), which may run
 * beside the writer for what is committed to the index in memory. Every function
 * returns 0 or -errno: -EIO damage or the host's error, -ENOSPC, -EROFS (opened for reading,
 * write-protected), -EPERM (WORM, locked), -EBUSY (open elsewhere), -EBADMSG (not a cartridge,
 * damaged beyond use), -EPROTONOSUPPORT (of a later version).
 *
 * WORM and locked cartridges: appending is allowed; cartridge_truncate() of WORM only where no
 * block lies at or after the object (filemarks that the tape ends with may be overwritten), of a
 * locked one only at its end;
 * cartridge_format() only while the tape is empty; -EPERM otherwise. cartridge_set_info() takes
 * neither WORM nor a lock that still holds away.
 */
#ifndef TARGET_TAPE_CARTRIDGE_H
#define TARGET_TAPE_CARTRIDGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CARTRIDGE_BARCODE_MAX  32u
#define CARTRIDGE_PARTITIONS   2u
#define CARTRIDGE_BLOCK_MAX    (8u << 20) /* bytes, as the host has it */
#define CARTRIDGE_STORED_MAX   (CARTRIDGE_BLOCK_MAX + 256u) /* with what encryption adds */

struct cartridge;

struct cartridge_info {
	char barcode[CARTRIDGE_BARCODE_MAX + 1];
	uint8_t uuid[16];
	char medium[16];    /* "LTO-8", "LTO-8-WORM", "LTO-M8", "CLEAN": a row of target/tape/media.h */
	uint64_t capacity;  /* native bytes of the whole tape */
	unsigned partitions; /* 1 or 2 */
	uint64_t partition_size[CARTRIDGE_PARTITIONS]; /* bytes */
	bool worm, write_protected;
	int64_t locked_until; /* seconds since 1970; 0 not locked; then nothing overwrites, erases, deletes */
	int64_t created;
	unsigned cleanings;   /* left, of a cleaning cartridge */
};

/* Makes FOLDER/BARCODE, durably. info->uuid of zeros gets one; WORM media are WORM. -EEXIST. */
int cartridge_create(const char *folder, struct cartridge_info *info);

enum cartridge_mode { CARTRIDGE_READ, CARTRIDGE_WRITE };
/* Recovers: what was not committed when the last writer died is cut off at the next write. With
 * CARTRIDGE_WRITE the folder is locked for this process until it is closed. */
int cartridge_open(const char *path, enum cartridge_mode mode, struct cartridge **cartridge);
/* cartridge_sync() first; an error of that is returned, and the cartridge is closed all the same. */
int cartridge_close(struct cartridge **cartridge);

/* Takes the lock of who has it open for writing, and opens nothing: for who moves or removes the folder.
 * Held until *fd is closed. -EBUSY: it is open for writing, here or elsewhere. */
int cartridge_hold(const char *path, int *fd);
/* Removes a folder and what is in it; 0 when there is none. */
int cartridge_remove_folder(const char *path);

/* ---- folders on the way (cartridge_work.c) ------------------------------------------------ */

#define CARTRIDGE_UNFINISHED ".new-" /* begins their names */

struct cartridge_work {
	char *path; /* FOLDER/.new-NAME; NULL when it has got its own name */
	int lock;
};
/* Makes an empty one, and holds it until cartridge_work_end(). -EBUSY: somebody else is at work there. */
int cartridge_work_begin(const char *folder, const char *name, struct cartridge_work *work);
/* Gives it its name. -EEXIST. The caller syncs the folder above. */
int cartridge_work_finish(struct cartridge_work *work, const char *path);
/* Removes what has not got its name. */
void cartridge_work_end(struct cartridge_work *work);
/* Removes those of a folder that nobody is at work in, until `stop` (NULL: never) says so, which is asked
 * before each file. */
void cartridge_work_sweep(const char *folder, bool (*stop)(void *context), void *context);

/* ---- asking ------------------------------------------------------------------------------ */

/* What cartridge.conf says, without opening the rest. */
int cartridge_read_info(const char *path, struct cartridge_info *info);
const struct cartridge_info *cartridge_info(const struct cartridge *c);
/* Changes of protection, lock, label: durable when it returns. Not allowed: shortening a lock,
 * taking WORM away (-EPERM). */
int cartridge_set_info(struct cartridge *c, const struct cartridge_info *info);

/* Makes FOLDER/BARCODE with the contents of the cartridge at `source`, which nobody may have open: its
 * data shared with it where the filesystem can. It has a uuid of its own and is neither locked nor write-protected.
 * `progress` may be NULL; a value other than 0 from it stops (-ECANCELED). -EEXIST, -EBUSY. */
int cartridge_clone(const char *source, const char *folder, const char *barcode,
		    int (*progress)(void *context, uint64_t done, uint64_t total), void *context);

/* ---- where things are ------------------------------------------------------------------ */

enum cartridge_kind { CARTRIDGE_BLOCKS, CARTRIDGE_FILEMARKS, CARTRIDGE_END };

/* What is at an object, and for how many objects on from there it is alike. */
struct cartridge_place {
	enum cartridge_kind kind;
	uint64_t object;      /* the one that was asked for */
	uint64_t count;	      /* objects of the run from it on, itself included; 0 at the end */
	uint32_t block_size;  /* bytes of each of these blocks; 0 for filemarks */
	uint64_t offset;      /* of the first in pN.data */
	uint64_t filemarks;   /* before it, in the partition */
	uint32_t flags;	      /* CARTRIDGE_ENCRYPTED... of the run */
	uint32_t extra;	      /* of the run: index of a description (encryption: key-associated data) */
};
#define CARTRIDGE_ENCRYPTED (1u << 0)

struct cartridge_extent {
	uint64_t objects;   /* of the partition: number of the object that EOD stands for */
	uint64_t filemarks;
	uint64_t bytes;	    /* of blocks, as the host wrote them */
};

/* -ENXIO for an object past the end; the end itself is kind CARTRIDGE_END. */
int cartridge_find(const struct cartridge *c, unsigned partition, uint64_t object,
		   struct cartridge_place *place);
/* The object of the n-th filemark (from 0); -ENXIO when there are no more. */
int cartridge_find_filemark(const struct cartridge *c, unsigned partition, uint64_t filemark,
			    uint64_t *object);
/* The first block from an object on whose flags are these; -ENXIO when there is none. */
int cartridge_find_flags(const struct cartridge *c, unsigned partition, uint64_t object, uint32_t flags,
			 uint64_t *found);
/* Filemarks before an object. */
int cartridge_count_filemarks(const struct cartridge *c, unsigned partition, uint64_t object,
			      uint64_t *filemarks);
struct cartridge_extent cartridge_extent(const struct cartridge *c, unsigned partition);
/* Objects followed once, and are lost: pN.data is too short, or the index is damaged. */
bool cartridge_end_is_lost(const struct cartridge *c, unsigned partition);

/* ---- reading --------------------------------------------------------------------------- */

/* Bytes of pN.data; -EIO for a host's error and where the checksum of a stretch does not match
 * (checked when `verify`). */
int cartridge_pread(struct cartridge *c, unsigned partition, void *data, size_t size,
		    uint64_t offset, bool verify);

/* ---- writing --------------------------------------------------------------------------- */

/* What a writer gives: blocks of equal size one after another in memory. What stands here goes to
 * the file as it is: an encrypted block in its encrypted form. */
struct cartridge_blocks {
	const void *data;
	uint32_t block_size; /* bytes */
	uint32_t count;
	uint32_t flags, extra;
};
/* Appends at the end: pwrite, then the index in memory. Nothing is durable yet. -ENOSPC: nothing of
 * these blocks is on the cartridge. */
int cartridge_append(struct cartridge *c, unsigned partition, const struct cartridge_blocks *blocks);
/* Several of them one after another, in one large write; all or nothing. At most CARTRIDGE_LIST_MAX. */
#define CARTRIDGE_LIST_MAX 256u
int cartridge_append_list(struct cartridge *c, unsigned partition,
			  const struct cartridge_blocks *list, unsigned count);
int cartridge_append_filemarks(struct cartridge *c, unsigned partition, uint64_t count);
/* Ends the partition at `object`: what was there and after is gone. */
int cartridge_truncate(struct cartridge *c, unsigned partition, uint64_t object);
/* Data, then a commit in the index: all of it is durable when this returns 0. After a failure the
 * cartridge is read-only and every later sync fails. Attributes for which the host has no room wait for
 * the next sync, and are no failure. */
int cartridge_sync(struct cartridge *c);
/* There are attributes that no sync has saved. */
bool cartridge_memory_waits(const struct cartridge *c);
/* Makes the tape new: one or two partitions of the given sizes, both empty. MAM stays. */
int cartridge_format(struct cartridge *c, unsigned partitions, const uint64_t *sizes);
/* Writes the index anew without what no longer counts; sync() does it by itself when half of it does not. */
int cartridge_compact(struct cartridge *c);

/* Sets aside what `bytes` more, in at most `pieces` appends, take on the host's disk; *promised: for how
 * many it is there now, whoever else writes. UINT64_MAX: the host promises nothing. */
int cartridge_reserve(struct cartridge *c, unsigned partition, uint64_t bytes, unsigned pieces,
		      uint64_t *promised);
/* Free bytes of the host below the folder and what is set aside, less the reserve that finishing needs. */
int cartridge_space(const struct cartridge *c, uint64_t *bytes);

/* ---- medium auxiliary memory ------------------------------------------------------------- */

/* Attributes by their identifier (SPC-5 7.4.1): device, medium and host ones alike. */
struct cartridge_attribute {
	uint16_t id;
	uint8_t format; /* 0 binary, 1 ASCII, 2 text */
	uint16_t length;
	const uint8_t *value; /* borrowed: the cartridge's until it changes */
};
/* 0 or -ENOENT. `partition`: most are the tape's, 0000h, 0001h, 0800h-080Ch are a partition's. */
int cartridge_attribute(const struct cartridge *c, unsigned partition, uint16_t id,
			struct cartridge_attribute *attribute);
/* The first attribute with an id of at least `id`. */
int cartridge_next_attribute(const struct cartridge *c, unsigned partition, uint16_t id,
			     struct cartridge_attribute *attribute);
/* A length of 0 removes it. Durable with the next cartridge_sync(). -ENOSPC over the MAM's size,
 * -EINVAL for a format that is none. */
int cartridge_set_attribute(struct cartridge *c, unsigned partition,
			    const struct cartridge_attribute *attribute);

/* ---- descriptions of runs (key-associated data of encrypted blocks) ---------------------- */

#define CARTRIDGE_DESCRIPTION_MAX 2048u
/* Stores up to CARTRIDGE_DESCRIPTION_MAX bytes in the index, gives its number (1 and up) for
 * cartridge_blocks.extra; the same bytes give the same number. -EINVAL, -ENOSPC. */
int cartridge_add_description(struct cartridge *c, unsigned partition, const void *data, size_t size,
			      uint32_t *number);
/* Borrowed until the cartridge is closed or compacted. -ENOENT. */
int cartridge_description(const struct cartridge *c, unsigned partition, uint32_t number,
			  const void **data, size_t *size);

/* ---- checking ---------------------------------------------------------------------------- */

struct cartridge_check {
	uint64_t blocks, filemarks, bytes, stretches; /* that were checked */
	uint64_t damaged;			       /* stretches */
	uint64_t first_damaged;			       /* object */
	bool data_missing;  /* pN.data is shorter than the last commit: objects at the end are lost */
	bool index_damaged; /* and the cartridge read-only: objects after the last are lost */
	bool index_unfinished; /* its last page is not whole: nobody was told that its objects are safe, unless it
				* was damaged later */
};
/* Reads every byte. `progress` may be NULL; a value other than 0 from it stops. */
int cartridge_verify(struct cartridge *c, unsigned partition,
		     int (*progress)(void *context, uint64_t done, uint64_t total), void *context,
		     struct cartridge_check *result);

#endif
