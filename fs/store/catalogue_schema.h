/* SPDX-License-Identifier: MIT */
/* The catalogue's pages and tables; granary-format.5 explains each column. */
#ifndef FS_STORE_CATALOGUE_SCHEMA_H
#define FS_STORE_CATALOGUE_SCHEMA_H

#define CATALOGUE_APPLICATION_ID 0x4752414e /* "GRAN" */
#define CATALOGUE_VERSION        1
/* SQLite's reserved bytes: each page ends in its checksum (fs/store/catalogue_vfs.h). */
#define CATALOGUE_PAGE_RESERVED  8

/* clang-format off */
#define CATALOGUE_SCHEMA \
	/* counters and cursors: next_inode, next_pack, next_segment, mount_epoch, ... */ \
	"CREATE TABLE meta(key TEXT PRIMARY KEY, value) WITHOUT ROWID;" \
	\
	/* times: ns since 1970; container: the top-level directory's inode (0 for the root); */ \
	/* parent: of a directory; map: file-map root, or the target of a symbolic link; */ \
	/* allocated: bytes that are not holes; snapshot: 0 until snapshots exist */ \
	"CREATE TABLE inode(inode INTEGER PRIMARY KEY, generation INTEGER NOT NULL," \
	" mode INTEGER NOT NULL, links INTEGER NOT NULL, uid INTEGER NOT NULL, gid INTEGER NOT NULL," \
	" rdev INTEGER NOT NULL, size INTEGER NOT NULL, allocated INTEGER NOT NULL," \
	" atime INTEGER NOT NULL, mtime INTEGER NOT NULL, ctime INTEGER NOT NULL, btime INTEGER NOT NULL," \
	" flags INTEGER NOT NULL, container INTEGER NOT NULL, parent INTEGER NOT NULL," \
	" snapshot INTEGER NOT NULL DEFAULT 0, map BLOB);" \
	\
	/* hash: of the name, seeded, 63 bits, made unique in its directory by counting up; it is */ \
	/* the cookie of readdir, so an entry keeps its place while others come and go */ \
	"CREATE TABLE entry(parent INTEGER NOT NULL, hash INTEGER NOT NULL, name BLOB NOT NULL," \
	" inode INTEGER NOT NULL, type INTEGER NOT NULL, PRIMARY KEY(parent, hash)) WITHOUT ROWID;" \
	\
	"CREATE TABLE xattr(inode INTEGER NOT NULL, name BLOB NOT NULL, value BLOB NOT NULL," \
	" PRIMARY KEY(inode, name)) WITHOUT ROWID;" \
	\
	/* inodes with no name left, still open when last committed: freed at the next mount */ \
	"CREATE TABLE orphan(inode INTEGER PRIMARY KEY);" \
	\
	/* one row a top-level directory (inode 0: what lies in the root itself) */ \
	"CREATE TABLE container(inode INTEGER PRIMARY KEY, quota INTEGER NOT NULL DEFAULT 0," \
	" files INTEGER NOT NULL DEFAULT 0, logical INTEGER NOT NULL DEFAULT 0," \
	" deduplicated INTEGER NOT NULL DEFAULT 0, stored INTEGER NOT NULL DEFAULT 0);" \
	\
	/* state: 0 open, 1 sealed; tier: 0 local, others later */ \
	"CREATE TABLE segment(segment INTEGER PRIMARY KEY, size INTEGER NOT NULL, freed INTEGER NOT NULL," \
	" state INTEGER NOT NULL, tier INTEGER NOT NULL DEFAULT 0);" \
	\
	/* where a pack is; version counts its rewrites */ \
	"CREATE TABLE pack(pack INTEGER PRIMARY KEY, version INTEGER NOT NULL, kind INTEGER NOT NULL," \
	" segment INTEGER NOT NULL, offset INTEGER NOT NULL, length INTEGER NOT NULL," \
	" slots INTEGER NOT NULL, raw INTEGER NOT NULL);" \
	"CREATE INDEX pack_segment ON pack(segment);" \
	\
	/* quarantined chunks; slot -1: the pack's directory itself; heal: a good copy, 0 while none */ \
	"CREATE TABLE damage(pack INTEGER NOT NULL, slot INTEGER NOT NULL," \
	" heal_pack INTEGER NOT NULL DEFAULT 0, heal_slot INTEGER NOT NULL DEFAULT 0," \
	" found INTEGER NOT NULL, PRIMARY KEY(pack, slot)) WITHOUT ROWID;" \
	\
	/* where cleaning and scrubbing stand, so that they resume: a JSON object each */ \
	"CREATE TABLE job(name TEXT PRIMARY KEY, state TEXT NOT NULL) WITHOUT ROWID;"
/* clang-format on */

#endif
