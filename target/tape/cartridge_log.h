/* SPDX-License-Identifier: MIT */
/*
 * The index file as a log of pages of 4 KiB. granary-cartridge(5).
 *
 * A page: magic u32, checksum u32, number u64 (its place in the file), writer u64 (random, of
 * one opening for writing), used u16 (bytes of records), flags u16, reserved u32, then
 * records, then zeros. The checksum is the CRC32C of the page from its ninth byte on, gone on from
 * the checksum of the page before (0 for the first): no page of another past of the file
 * can follow. A page is written once; whatever follows the last page with PAGE_COMMIT
 * does not count and is overwritten.
 */
#ifndef TARGET_TAPE_CARTRIDGE_LOG_H
#define TARGET_TAPE_CARTRIDGE_LOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/wire.h"

#define PAGE_SIZE    4096u
#define PAGE_HEADER  32u
#define PAGE_ROOM    (PAGE_SIZE - PAGE_HEADER)
#define PAGE_MAGIC   0x58445047u /* "GPDX" */
#define PAGE_COMMIT  1u
#define PAGE_BATCH   64u	 /* pages that are written at once */
#define RECORD_MAX   2100u	 /* bytes */
#define LOG_RESERVE  (32u << 10) /* what appending leaves for cutting a tape off on a full disk */

enum record_type {
	RECORD_END,	    /* of the page's records */
	RECORD_FILE,	    /* version u16, partition u8, uuid, epoch u64: first of the file */
	RECORD_BLOCKS,	    /* size, count: varints, as all below where nothing is said */
	RECORD_BLOCKS_WITH, /* size, count, flags, description's number */
	RECORD_FILEMARKS,   /* count */
	RECORD_TRUNCATE,    /* object that becomes the end */
	RECORD_DESCRIPTION, /* number, size, bytes */
	RECORD_CHECKSUMS,   /* count, CRC32Cs u32 of the next stretches */
	RECORD_COMMIT,	    /* objects, filemarks, bytes u64, CRC32C u32 of the last, begun stretch */
	RECORD_TYPES
};

/* ---- writing --------------------------------------------------------------------------- */

struct page_log {
	int fd;		    /* borrowed */
	uint64_t writer;
	uint64_t number;    /* of the page that is being filled */
	uint32_t chain;	    /* checksum of the page before */
	uint64_t allocated; /* bytes of the file that have their place on the disk */
	bool fresh;	    /* nothing has been written since opening: what follows is stale */
	uint8_t *pages;	    /* PAGE_BATCH of them: `full` sealed ones, and one with `used` bytes */
	unsigned full;
	unsigned used;
	int error;	    /* the first; nothing is written after it */
};

/* Goes on at page `number` after one with the checksum `chain`. 0 or -ENOMEM. */
int log_start(struct page_log *log, int fd, uint64_t number, uint32_t chain);
void log_stop(struct page_log *log);
/* A whole record of at most RECORD_MAX bytes. */
void log_record(struct page_log *log, const void *record, size_t size);
void log_record_wire(struct page_log *log, const struct wire *w);
/* Ends the page, which is a commit's last, and writes all. Not durable yet. 0 or the error. */
int log_commit(struct page_log *log);
/* Keeps disk space so that `bytes` of records and a commit fit, and `reserve` bytes more. 0 or
 * -ENOSPC, -EIO... */
int log_allocate(struct page_log *log, uint64_t bytes, uint64_t reserve);
/* Bytes of the file when all is written. */
uint64_t log_size(const struct page_log *log);

/* ---- reading --------------------------------------------------------------------------- */

struct page_range {
	uint64_t pages; /* up to and with the last commit's */
	uint32_t chain; /* checksum of the last of them */
	bool damaged;	/* pages among those of finished commits are unreadable */
	bool unfinished; /* behind them is a page that is not whole */
};

/* Finds the last commit. -EBADMSG when there is none. */
int log_scan(int fd, struct page_range *range);
/* Calls `take` for the records of these pages, each with its type read. Stops with its error. */
int log_replay(int fd, uint64_t pages,
	       int (*take)(void *context, enum record_type type, struct wire *record),
	       void *context);

#endif
