/* SPDX-License-Identifier: MIT */
/*
 * --restore-catalogue. fs/tree/backup.h says what a copy is.
 *
 *   scan the segments -> anchors, newest first -> read the copy, compare its
 *   SHA-256 -> catalogue.sqlite.restored -> its packs and segments are replaced
 *   by those that the scan found -> rename
 *
 * The old catalogue is kept as catalogue.sqlite.damaged. Until the renames at
 * the end nothing of the store is changed.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "fs/format.h"
#include "fs/store/catalogue_vfs.h"
#include "fs/store/store.h"
#include "fs/tool/fsck.h"
#include "fs/tool/scan.h"
#include "fs/tree/backup.h"
#include "lib/base/cleanup.h"
#include "lib/base/clock.h"
#include "lib/base/file.h"
#include "lib/base/log.h"
#include "lib/base/mem.h"

#define EXTENTS 64

/* After a restored copy these go on well above what may have been given out since. */
#define NUMBERS_APART 1000000

struct restore {
	const char *path;
	struct scan scan;
	struct pack_list packs; /* of these, one of each number */
	struct reader *reader;
	char *file; /* catalogue.sqlite.restored */
};

struct candidate {
	struct chunk_ref ref;
	uint64_t generation;
};

/* ---- the copy ---- */

static int copy_extent(struct restore *r, int fd, EVP_MD_CTX *digest, uint64_t offset,
		       const struct extent *e)
{
	static const uint8_t zeros[65536];
	struct reader_pack *held = NULL;
	const uint8_t *data = NULL;
	size_t size = 0;
	int error = 0;

	for (uint64_t left = e->length; e->kind == EXTENT_HOLE && left && !error;) {
		size_t n = left < sizeof(zeros) ? (size_t)left : sizeof(zeros);

		error = EVP_DigestUpdate(digest, zeros, n) == 1 ? 0 : -EIO;
		left -= n;
	}
	if (e->kind == EXTENT_HOLE)
		return error; /* the file is as long as it will be: a hole is there already */
	error = reader_chunk(r->reader, e->chunk, &data, &size, &held);
	if (error)
		return error;
	if (e->skip > size || e->length > size - e->skip)
		error = -EBADMSG;
	if (!error && EVP_DigestUpdate(digest, data + e->skip, (size_t)e->length) != 1)
		error = -EIO;
	if (!error)
		error = file_pwrite(fd, data + e->skip, (size_t)e->length, offset);
	reader_release(r->reader, held);
	return error;
}

static int copy_map(struct restore *r, struct filemap *map, uint64_t size, int fd,
		    EVP_MD_CTX *digest)
{
	struct extent extents[EXTENTS];
	uint64_t offset = 0;

	while (offset < size) {
		int n = filemap_read(map, offset, size - offset, extents, EXTENTS);

		if (n <= 0)
			return n < 0 ? n : -EBADMSG;
		for (int i = 0; i < n; i++) {
			int error = copy_extent(r, fd, digest, offset, &extents[i]);

			if (error)
				return error;
			offset += extents[i].length;
		}
	}
	return 0;
}

/* What a restoring that was cut off has left: SQLite would take it for this copy's log. */
static void copy_remove_log(const struct restore *r)
{
	CLEANUP_FREE char *log = mem_printf("%s-wal", r->file);
	CLEANUP_FREE char *shared = mem_printf("%s-shm", r->file);

	unlink(log);
	unlink(shared);
}

static int copy_write(struct restore *r, const struct anchor *anchor)
{
	const struct filemap_io io = reader_filemap_io(r->reader);
	CLEANUP_FD int fd = open(r->file, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	EVP_MD_CTX *digest = EVP_MD_CTX_new();
	struct filemap *map = NULL;
	uint8_t sha256[EVP_MAX_MD_SIZE];
	int error;

	if (fd < 0 || !digest || ftruncate(fd, (off_t)anchor->size) < 0)
		error = fd < 0 || digest ? -errno : -ENOMEM;
	else if (EVP_DigestInit_ex(digest, EVP_sha256(), NULL) != 1)
		error = -EIO;
	else
		error = filemap_load(&io, anchor->blob, anchor->blob_size, &map);
	if (!error)
		error = copy_map(r, map, anchor->size, fd, digest);
	if (!error && (EVP_DigestFinal_ex(digest, sha256, NULL) != 1 ||
		       memcmp(sha256, anchor->sha256, sizeof(anchor->sha256)) != 0))
		error = -EBADMSG;
	if (!error)
		error = file_sync(fd);
	filemap_free(&map);
	EVP_MD_CTX_free(digest);
	return error;
}

/* ---- anchors ---- */

static int newest_first(const void *a, const void *b)
{
	const struct candidate *x = a, *y = b;

	return x->generation < y->generation ? 1 : x->generation > y->generation ? -1 : 0;
}

/* An anchor's fields; the blob is valid while *held is. */
static int anchor_read(struct restore *r, struct chunk_ref ref, struct anchor *anchor,
		       struct reader_pack **held)
{
	const uint8_t *data = NULL;
	size_t size = 0;
	int error = reader_chunk(r->reader, ref, &data, &size, held);

	if (error)
		return error;
	error = anchor_parse(data, size, anchor);
	if (error) {
		reader_release(r->reader, *held);
		*held = NULL;
	}
	return error;
}

static int candidates_find(struct restore *r, struct candidate **list, size_t *count)
{
	size_t capacity = 0;

	for (size_t i = 0; i < r->packs.count; i++) {
		const struct pack_row *row = &r->packs.rows[i];

		for (uint32_t slot = 0; row->kind == PACK_ANCHOR && slot < row->slots; slot++) {
			struct chunk_ref ref = {row->pack, slot};
			struct reader_pack *held = NULL;
			struct anchor anchor;

			if (anchor_read(r, ref, &anchor, &held))
				continue;
			reader_release(r->reader, held);
			if (mem_reserve(list, &capacity, *count + 1, sizeof(**list)))
				return -ENOMEM;
			(*list)[(*count)++] = (struct candidate){ref, anchor.generation};
		}
	}
	if (*count)
		qsort(*list, *count, sizeof(**list), newest_first);
	return 0;
}

static void say_copy(const struct restore *r, const struct anchor *anchor)
{
	time_t seconds = (time_t)(anchor->time / 1000000000);
	char text[64] = "";
	struct tm tm;

	if (localtime_r(&seconds, &tm))
		strftime(text, sizeof(text), "%Y-%m-%d %H:%M:%S", &tm);
	printf("%s: the catalogue of %s, %" PRIu64 " bytes, is complete\n", r->path, text,
	       anchor->size);
}

static int copy_newest(struct restore *r)
{
	CLEANUP_FREE struct candidate *list = NULL;
	size_t count = 0;
	int error = candidates_find(r, &list, &count);

	for (size_t i = 0; i < count && !error; i++) {
		struct reader_pack *held = NULL;
		struct anchor anchor;

		error = anchor_read(r, list[i].ref, &anchor, &held);
		if (!error)
			error = copy_write(r, &anchor);
		if (!error)
			say_copy(r, &anchor);
		reader_release(r->reader, held);
		if (!error || error == -ENOSPC || error == -ENOMEM || error == -EROFS)
			return error;
		log_warning("%s: a copy of the catalogue is not complete: %s", r->path,
			    strerror(-error));
		error = 0; /* the one before it, then */
	}
	if (error)
		return error;
	log_error("%s: there is no complete copy of the catalogue in the segments", r->path);
	return -ENODATA;
}

/* ---- packs and segments ---- */

static int rows_put(struct fsck *f, const char *sql, const int64_t *values, int count)
{
	CLEANUP_STATEMENT sqlite3_stmt *s = NULL;
	int error = db_prepare(f, sql, &s);

	for (int i = 0; i < count && !error; i++)
		sqlite3_bind_int64(s, i + 1, values[i]);
	if (!error)
		error = db_step(f, s);
	return error < 0 ? error : 0;
}

static int packs_put(struct fsck *f, const struct pack_list *packs)
{
	int error = 0;

	for (size_t i = 0; i < packs->count && !error; i++) {
		const struct pack_row *p = &packs->rows[i];
		const int64_t values[] = {
			(int64_t)p->pack,   p->version,		p->kind,  (int64_t)p->segment,
			(int64_t)p->offset, (int64_t)p->length, p->slots, (int64_t)p->raw};

		error = rows_put(f,
				 "INSERT INTO pack(pack, version, kind, segment, offset, length,"
				 " slots, raw) VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
				 values, 8);
	}
	return error;
}

static int segments_put(struct fsck *f, const struct scan *scan)
{
	int error = 0;

	for (size_t i = 0; i < scan->segment_count && !error; i++) {
		const struct scan_segment *s = &scan->segments[i];
		/* Sealed: what is new goes into new segments. */
		const int64_t values[] = {(int64_t)s->number, (int64_t)s->end,
					  (int64_t)(s->end - SEGMENT_HEADER_SIZE - s->used), 1};

		error = rows_put(f,
				 "INSERT INTO segment(segment, size, freed, state)"
				 " VALUES(?1, ?2, ?3, ?4)",
				 values, 4);
	}
	return error;
}

/* Numbers that have been given out since the copy was made must not be given out again, and
 * the cursors of jobs mean nothing any more. */
static int numbers_put(struct fsck *f, const struct scan *scan, const struct pack_list *packs)
{
	CLEANUP_FREE char *apart = NULL;
	uint64_t pack = 0, segment = 0;
	int error;

	if (packs->count)
		pack = packs->rows[packs->count - 1].pack;
	for (size_t i = 0; i < scan->segment_count; i++)
		if (scan->segments[i].number > segment)
			segment = scan->segments[i].number;
	apart = mem_printf("DELETE FROM job;"
			   "INSERT INTO meta(key, value) VALUES('next_pack', %" PRIu64 "),"
			   " ('next_segment', %" PRIu64 ")"
			   " ON CONFLICT(key) DO UPDATE SET value = max(value, excluded.value);"
			   "INSERT OR REPLACE INTO meta(key, value) VALUES('packs', %zu);"
			   "UPDATE meta SET value = value + %d"
			   " WHERE key IN ('next_inode', 'mount_epoch');",
			   pack + 1, segment + 1, packs->count, NUMBERS_APART);
	error = db_run(f, apart);
	return error;
}

static int rows_replace(struct restore *r)
{
	struct fsck f = {.path = r->path, .repair = true};
	int error, code;

	code = catalogue_vfs_open(r->file, SQLITE_OPEN_READWRITE, &f.db);
	if (code != SQLITE_OK) {
		log_error("%s: %s", r->file, sqlite3_errstr(code));
		sqlite3_close(f.db);
		return -EIO;
	}
	error = pack_list_load(&f);
	if (!error)
		error = scan_choose(&r->scan, &f.packs, &r->packs);
	if (!error)
		error = db_run(&f, "PRAGMA synchronous=FULL; BEGIN;"
				   " DELETE FROM pack; DELETE FROM segment");
	if (!error)
		error = packs_put(&f, &r->packs);
	if (!error)
		error = segments_put(&f, &r->scan);
	if (!error)
		error = numbers_put(&f, &r->scan, &r->packs);
	if (!error)
		error = db_run(&f, "COMMIT; PRAGMA wal_checkpoint(TRUNCATE)");
	pack_list_clear(&f.packs);
	db_close(&f);
	return error;
}

/* ---- the change ---- */

static int file_set_aside(const char *path, const char *suffix)
{
	CLEANUP_FREE char *from = mem_printf("%s/catalogue.sqlite%s", path, suffix);
	CLEANUP_FREE char *to = mem_printf("%s/catalogue.sqlite.damaged%s", path, suffix);

	return rename(from, to) < 0 && errno != ENOENT ? -errno : 0;
}

static int catalogue_replace(const struct restore *r)
{
	CLEANUP_FREE char *file = mem_printf("%s/catalogue.sqlite", r->path);
	int error;

	/* The log first: alone it would be taken for the new catalogue's. */
	error = file_set_aside(r->path, "-wal");
	if (!error)
		error = file_set_aside(r->path, "-shm");
	if (!error)
		error = file_set_aside(r->path, "");
	if (!error && rename(r->file, file) < 0)
		error = -errno;
	if (!error)
		error = file_sync_directory(r->path);
	if (error)
		log_error("%s: cannot be replaced: %s", file, strerror(-error));
	return error;
}

int fsck_restore_catalogue(const char *path, const struct superblock *superblock)
{
	struct restore r = {.path = path};
	int error;

	r.file = mem_printf("%s/catalogue.sqlite.restored", path);
	error = scan_store(path, superblock->uuid, &r.scan);
	if (error)
		log_error("%s: the segments cannot be read: %s", path, strerror(-error));
	else
		error = scan_choose(&r.scan, &(struct pack_list){0}, &r.packs);
	if (!error)
		error = reader_open(path, superblock->uuid, &r.packs, &r.reader);
	copy_remove_log(&r);
	if (!error)
		error = copy_newest(&r);
	if (!error)
		error = rows_replace(&r);
	if (!error)
		error = catalogue_replace(&r);
	if (!error)
		printf("%s: restored, with %zu packs in %zu segments; the old catalogue is"
		       " catalogue.sqlite.damaged\n",
		       path, r.packs.count, r.scan.segment_count);
	else
		unlink(r.file);
	reader_close(&r.reader);
	pack_list_clear(&r.packs);
	scan_clear(&r.scan);
	free(r.file);
	return error;
}
