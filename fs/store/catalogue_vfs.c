/* SPDX-License-Identifier: MIT */
/*
 * The layer between SQLite and the system's files that seals a catalogue's pages.
 *
 * Only the database file itself is wrapped: the write-ahead log and the journals, which have
 * checksums of their own, belong to the system's layer from their opening on. A page is sealed in
 * a copy, on its way to the file: SQLite's own, and so those in the log, end in whatever was
 * there when they were read. A file belongs to one connection and is used by one thread at a
 * time.
 *
 * Invariants: nothing but the first 100 bytes (the header, which SQLite reads apart and again
 * with its page) is handed out unchecked; no page is written unsealed. Memory mapping is not
 * offered, it would go round the check.
 */
#include "fs/store/catalogue_vfs.h"

#include <endian.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <xxhash.h>

#include "fs/store/catalogue_schema.h"
#include "lib/base/log.h"

#define SEAL_SIZE CATALOGUE_PAGE_RESERVED
/* SQLite's file header */
#define HEADER_SIZE     100
#define HEADER_PAGE     16 /* page size, u16 big-endian, 1: 65536 */
#define HEADER_RESERVED 20
#define PAGE_MIN        512
#define PAGE_MAX        65536

struct sealed_file {
	sqlite3_file file;
	sqlite3_file *real; /* behind this struct */
	const char *name;   /* SQLite's, lives as long as the file */
	int page_size;      /* 0 until known */
	int room;           /* of copy */
	uint8_t *copy;      /* of a page on its way */
};

static struct sealed_file *sealed(sqlite3_file *file)
{
	return (struct sealed_file *)file;
}

static sqlite3_file *real(sqlite3_file *file)
{
	return sealed(file)->real;
}

/* ---- pages ---- */

static uint64_t page_seal(const uint8_t *page, int size, sqlite3_int64 number)
{
	return htole64(XXH3_64bits_withSeed(page, (size_t)(size - SEAL_SIZE), (uint64_t)number));
}

static bool is_whole_page(int amount, sqlite3_int64 offset)
{
	return amount >= PAGE_MIN && amount <= PAGE_MAX && (amount & (amount - 1)) == 0 &&
	       offset % amount == 0;
}

static int page_check(const struct sealed_file *f, const uint8_t *page, int size,
		      sqlite3_int64 number)
{
	uint64_t seal = page_seal(page, size, number);
	if (memcmp(page + size - SEAL_SIZE, &seal, SEAL_SIZE) == 0)
		return SQLITE_OK;
	log_error("%s: page %lld is damaged: it does not have its checksum", f->name,
		  (long long)number);
	return SQLITE_IOERR_DATA;
}

/* SQLite takes what lies behind the end of the file for zeros. */
static int page_read(struct sealed_file *f, uint8_t *page, int size, sqlite3_int64 number)
{
	int code = f->real->pMethods->xRead(f->real, page, size, (number - 1) * size);
	if (code == SQLITE_IOERR_SHORT_READ) {
		log_error("%s: page %lld is damaged: the file ends before it does", f->name,
			  (long long)number);
		return SQLITE_IOERR_DATA;
	}
	return code == SQLITE_OK ? page_check(f, page, size, number) : code;
}

static int copy_reserve(struct sealed_file *f, int size)
{
	if (f->room >= size)
		return SQLITE_OK;
	uint8_t *copy = sqlite3_realloc(f->copy, size);
	if (!copy)
		return SQLITE_IOERR_NOMEM;
	f->copy = copy;
	f->room = size;
	return SQLITE_OK;
}

/* ---- the database file ---- */

/* The header as SQLite reads it on opening. What is no database at all is SQLite's to refuse. */
static int header_check(struct sealed_file *f, const uint8_t *header)
{
	if (memcmp(header, "SQLite format 3", 16) != 0)
		return SQLITE_OK;
	int size = header[HEADER_PAGE] << 8 | header[HEADER_PAGE + 1];
	f->page_size = size == 1 ? PAGE_MAX : size;
	if (header[HEADER_RESERVED] == SEAL_SIZE)
		return SQLITE_OK;
	log_error("%s: is damaged, or is a catalogue of a version that is not known: its pages keep"
		  " %d bytes for a checksum instead of %d",
		  f->name, header[HEADER_RESERVED], SEAL_SIZE);
	return SQLITE_NOTADB;
}

/* Some versions of SQLite read parts of pages, past their cache. */
static int read_part(struct sealed_file *f, uint8_t *to, int amount, sqlite3_int64 offset)
{
	if (!is_whole_page(f->page_size, 0))
		return SQLITE_IOERR_DATA;
	int code = copy_reserve(f, f->page_size);
	while (code == SQLITE_OK && amount > 0) {
		int skip = (int)(offset % f->page_size);
		int n = f->page_size - skip < amount ? f->page_size - skip : amount;
		code = page_read(f, f->copy, f->page_size, offset / f->page_size + 1);
		if (code != SQLITE_OK)
			break;
		memcpy(to, f->copy + skip, (size_t)n);
		to += n;
		offset += n;
		amount -= n;
	}
	return code;
}

static int file_read(sqlite3_file *file, void *to, int amount, sqlite3_int64 offset)
{
	struct sealed_file *f = sealed(file);
	if (is_whole_page(amount, offset))
		return page_read(f, to, amount, offset / amount + 1);
	if (offset + amount > HEADER_SIZE)
		return read_part(f, to, amount, offset);
	int code = f->real->pMethods->xRead(f->real, to, amount, offset);
	return code == SQLITE_OK && offset == 0 && amount == HEADER_SIZE ? header_check(f, to) : code;
}

static int file_write(sqlite3_file *file, const void *from, int amount, sqlite3_int64 offset)
{
	struct sealed_file *f = sealed(file);
	/* A page without room for its seal would lose what is there. */
	if (!is_whole_page(amount, offset) ||
	    (offset == 0 && ((const uint8_t *)from)[HEADER_RESERVED] != SEAL_SIZE)) {
		log_error("%s: a write that would leave a page without its checksum is refused", f->name);
		return SQLITE_IOERR_WRITE;
	}
	int code = copy_reserve(f, amount);
	if (code != SQLITE_OK)
		return code;
	f->page_size = amount;
	memcpy(f->copy, from, (size_t)(amount - SEAL_SIZE));
	uint64_t seal = page_seal(f->copy, amount, offset / amount + 1);
	memcpy(f->copy + amount - SEAL_SIZE, &seal, SEAL_SIZE);
	return f->real->pMethods->xWrite(f->real, f->copy, amount, offset);
}

static int file_close(sqlite3_file *file)
{
	struct sealed_file *f = sealed(file);
	sqlite3_free(f->copy);
	f->copy = NULL;
	return f->real->pMethods->xClose(f->real);
}

/* ---- what is handed on as it is ---- */

static int file_truncate(sqlite3_file *file, sqlite3_int64 size)
{
	return real(file)->pMethods->xTruncate(real(file), size);
}

static int file_sync(sqlite3_file *file, int flags)
{
	return real(file)->pMethods->xSync(real(file), flags);
}

static int file_size(sqlite3_file *file, sqlite3_int64 *size)
{
	return real(file)->pMethods->xFileSize(real(file), size);
}

static int file_lock(sqlite3_file *file, int level)
{
	return real(file)->pMethods->xLock(real(file), level);
}

static int file_unlock(sqlite3_file *file, int level)
{
	return real(file)->pMethods->xUnlock(real(file), level);
}

static int file_check_reserved_lock(sqlite3_file *file, int *result)
{
	return real(file)->pMethods->xCheckReservedLock(real(file), result);
}

static int file_control(sqlite3_file *file, int operation, void *argument)
{
	return real(file)->pMethods->xFileControl(real(file), operation, argument);
}

static int file_sector_size(sqlite3_file *file)
{
	return real(file)->pMethods->xSectorSize(real(file));
}

static int file_device_characteristics(sqlite3_file *file)
{
	return real(file)->pMethods->xDeviceCharacteristics(real(file));
}

static int file_shm_map(sqlite3_file *file, int region, int size, int extend, void volatile **map)
{
	return real(file)->pMethods->xShmMap(real(file), region, size, extend, map);
}

static int file_shm_lock(sqlite3_file *file, int offset, int n, int flags)
{
	return real(file)->pMethods->xShmLock(real(file), offset, n, flags);
}

static void file_shm_barrier(sqlite3_file *file)
{
	real(file)->pMethods->xShmBarrier(real(file));
}

static int file_shm_unmap(sqlite3_file *file, int delete)
{
	return real(file)->pMethods->xShmUnmap(real(file), delete);
}

/* Version 3 would add memory mapping. */
#define FILE_METHODS(version)                                                                      \
	.iVersion = (version), .xClose = file_close, .xRead = file_read, .xWrite = file_write,     \
	.xTruncate = file_truncate, .xSync = file_sync, .xFileSize = file_size,                    \
	.xLock = file_lock, .xUnlock = file_unlock,                                                \
	.xCheckReservedLock = file_check_reserved_lock, .xFileControl = file_control,              \
	.xSectorSize = file_sector_size, .xDeviceCharacteristics = file_device_characteristics

static const sqlite3_io_methods methods_without_log = {FILE_METHODS(1)};
static const sqlite3_io_methods methods_with_log = {
	FILE_METHODS(2),
	.xShmMap = file_shm_map,
	.xShmLock = file_shm_lock,
	.xShmBarrier = file_shm_barrier,
	.xShmUnmap = file_shm_unmap,
};

/* ---- the layer ---- */

static sqlite3_vfs *below(sqlite3_vfs *vfs)
{
	return vfs->pAppData;
}

static int vfs_open(sqlite3_vfs *vfs, const char *name, sqlite3_file *file, int flags, int *out)
{
	if (!(flags & SQLITE_OPEN_MAIN_DB))
		return below(vfs)->xOpen(below(vfs), name, file, flags, out);
	struct sealed_file *f = sealed(file);
	*f = (struct sealed_file){.real = (sqlite3_file *)(f + 1), .name = name};
	int code = below(vfs)->xOpen(below(vfs), name, f->real, flags, out);
	const sqlite3_io_methods *methods = f->real->pMethods;
	/* With methods set a file is closed, even one that could not be opened. */
	if (methods)
		f->file.pMethods = methods->iVersion >= 2 && methods->xShmMap ? &methods_with_log
									      : &methods_without_log;
	return code;
}

static int vfs_delete(sqlite3_vfs *vfs, const char *name, int sync)
{
	return below(vfs)->xDelete(below(vfs), name, sync);
}

static int vfs_access(sqlite3_vfs *vfs, const char *name, int flags, int *result)
{
	return below(vfs)->xAccess(below(vfs), name, flags, result);
}

static int vfs_full_pathname(sqlite3_vfs *vfs, const char *name, int size, char *path)
{
	return below(vfs)->xFullPathname(below(vfs), name, size, path);
}

static int vfs_randomness(sqlite3_vfs *vfs, int size, char *to)
{
	return below(vfs)->xRandomness(below(vfs), size, to);
}

static int vfs_sleep(sqlite3_vfs *vfs, int microseconds)
{
	return below(vfs)->xSleep(below(vfs), microseconds);
}

static int vfs_current_time(sqlite3_vfs *vfs, double *now)
{
	return below(vfs)->xCurrentTime(below(vfs), now);
}

static int vfs_current_time_int64(sqlite3_vfs *vfs, sqlite3_int64 *now)
{
	return below(vfs)->xCurrentTimeInt64(below(vfs), now);
}

static int vfs_get_last_error(sqlite3_vfs *vfs, int size, char *text)
{
	return below(vfs)->xGetLastError ? below(vfs)->xGetLastError(below(vfs), size, text) : 0;
}

/* A catalogue loads no extensions: xDlOpen and its like are left out. */
static sqlite3_vfs sealed_vfs = {
	.zName = "granary-sealed",
	.xOpen = vfs_open,
	.xDelete = vfs_delete,
	.xAccess = vfs_access,
	.xFullPathname = vfs_full_pathname,
	.xRandomness = vfs_randomness,
	.xSleep = vfs_sleep,
	.xCurrentTime = vfs_current_time,
	.xGetLastError = vfs_get_last_error,
	.xCurrentTimeInt64 = vfs_current_time_int64,
};

static int vfs_registered = SQLITE_ERROR;

static void vfs_register(void)
{
	sqlite3_vfs *system = sqlite3_vfs_find(NULL);
	if (!system)
		return;
	sealed_vfs.iVersion = system->iVersion >= 2 ? 2 : 1;
	sealed_vfs.szOsFile = (int)sizeof(struct sealed_file) + system->szOsFile;
	sealed_vfs.mxPathname = system->mxPathname;
	sealed_vfs.pAppData = system;
	vfs_registered = sqlite3_vfs_register(&sealed_vfs, 0);
}

int catalogue_vfs_open(const char *path, int flags, sqlite3 **db)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	pthread_once(&once, vfs_register);
	if (vfs_registered != SQLITE_OK)
		return vfs_registered;
	int code = sqlite3_open_v2(path, db, flags, sealed_vfs.zName);
	if (*db)
		sqlite3_extended_result_codes(*db, 1);
	return code;
}

int catalogue_vfs_reserve(sqlite3 *db)
{
	int reserved = SEAL_SIZE;
	return sqlite3_file_control(db, "main", SQLITE_FCNTL_RESERVE_BYTES, &reserved);
}

const char *catalogue_vfs_errstr(int code)
{
	return code == SQLITE_IOERR_DATA ? "a page is damaged" : sqlite3_errstr(code);
}
