/* SPDX-License-Identifier: MIT */
/*
 * fsck.granary: what its parts share. The store is locked while it is checked;
 * the catalogue is read through a connection of our own, packs through
 * fs/tool/reader.h, so that nothing of the engine stands between a damaged
 * store and what is said about it.
 */
#ifndef FS_TOOL_FSCK_H
#define FS_TOOL_FSCK_H

#include <sqlite3.h>
#include <stdbool.h>
#include <stdint.h>

#include "fs/store/superblock.h"
#include "fs/tool/packs.h"
#include "fs/tool/reader.h"

/* fsck(8) */
enum fsck_exit {
	FSCK_CLEAN = 0,
	FSCK_CORRECTED = 1,
	FSCK_UNCORRECTED = 4,
	FSCK_FAILED = 8,
	FSCK_USAGE = 16,
};

struct fsck {
	const char *path;
	struct superblock superblock;
	sqlite3 *db;
	struct pack_list packs;
	struct reader *reader;
	int lock;
	bool repair;  /* -a, -p, -y */
	bool verify;  /* --verify-data */
	bool verbose; /* -v */
	bool json;    /* --json: what --dump prints */
	uint64_t items; /* of the list that --dump is in */
	bool suspect; /* something that files refer to is damaged: name them */
	uint64_t found, corrected;
};

/* Prints one finding; it counts as not corrected until finding_corrected(). */
__attribute__((format(printf, 2, 3))) void finding(struct fsck *f, const char *format, ...);
void finding_corrected(struct fsck *f, uint64_t count);
__attribute__((format(printf, 2, 3))) void progress(struct fsck *f, const char *format, ...);

/* ---- db.c: small helpers over SQLite; failures are logged ---- */
/* Opens STORE/catalogue.sqlite and checks whose it is; writing only with f->repair. */
int db_open(struct fsck *f);
void db_close(struct fsck *f);
int db_prepare(struct fsck *f, const char *sql, sqlite3_stmt **statement);
int db_run(struct fsck *f, const char *sql);
int db_number(struct fsck *f, const char *sql, int64_t *value);
/* 1: a row, 0: done, or -errno. */
int db_step(struct fsck *f, sqlite3_stmt *statement);
void cleanup_statement(sqlite3_stmt **statement);
#define CLEANUP_STATEMENT __attribute__((cleanup(cleanup_statement)))

/* ---- the checks; -errno only where it cannot go on ---- */
int check_catalogue(struct fsck *f);
int check_segments(struct fsck *f);
int check_tree(struct fsck *f);
/* Finds anew which directories can be reached. */
int check_fill_reach(struct fsck *f);
int check_maps(struct fsck *f);
int check_data(struct fsck *f);
/* Packs with a beginning or an end that is damaged: names them, and with -y repairs them. */
int check_repair(struct fsck *f);
/* Names the files that damage is in. */
int check_name_damage(struct fsck *f);
/* A path of the inode, the caller's to free. */
char *check_path(struct fsck *f, uint64_t inode);

/* ---- check_place.c: where names stand ---- */
/* In SQL, of a row of the table entry; after place_prepare(). */
#define PLACE_IS_WRONG(row) "(" row ".hash - name_place(" row ".name) NOT BETWEEN 0 AND 7)"
int place_prepare(struct fsck *f);
/* The first place at which a lookup would find the name that is not taken; 0: there is none, or
 * the name is there already. */
int place_find(struct fsck *f, int64_t parent, const void *name, size_t size, int64_t *hash);
int place_mend(struct fsck *f, const char *find, uint64_t *mended);

/* ---- check_lost.c: names for what has none ---- */
/* `find` selects the inodes; *mended: how many of them can be reached now. */
int lost_directories(struct fsck *f, const char *find, uint64_t *mended);
int lost_files(struct fsck *f, const char *find, uint64_t *mended);

/* ---- the rest ---- */
int fsck_rebuild_index(struct fsck *f);
int fsck_restore_catalogue(const char *path, const struct superblock *superblock);
/* `what`: NULL for everything, a pack's number, or the path of a file in the store. */
int fsck_dump(struct fsck *f, const char *what);

#endif
