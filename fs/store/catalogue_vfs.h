/* SPDX-License-Identifier: MIT */
/*
 * Sealed pages: every page of a catalogue ends in the xxh3-64 of its other bytes, seeded with the
 * page's number, as a little-endian integer. SQLite leaves these 8 bytes alone (they are the
 * "reserved" bytes of its file format), a layer below it writes and checks them: a damaged page
 * answers SQLITE_IOERR_DATA and is logged, whatever it says is never believed.
 */
#ifndef FS_STORE_CATALOGUE_VFS_H
#define FS_STORE_CATALOGUE_VFS_H

#include <sqlite3.h>

/* sqlite3_open_v2() for a catalogue, with extended result codes; every open of one goes through
 * here. SQLite's code; *db may be there after a failure, too, and is the caller's to close.
 * SQLITE_NOTADB, logged, for a database whose pages have no room for a checksum. */
int catalogue_vfs_open(const char *path, int flags, sqlite3 **db);
/* Makes room for the checksums in a database that has no pages yet. SQLite's code. */
int catalogue_vfs_reserve(sqlite3 *db);
/* sqlite3_errstr() that knows of damaged pages, which SQLite calls an I/O error of the disk. */
const char *catalogue_vfs_errstr(int code);

#endif
