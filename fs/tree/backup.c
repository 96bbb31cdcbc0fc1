/* SPDX-License-Identifier: MIT */
/*
 * Backing the catalogue up into the segments: at close, once an hour, and when
 * cleaning asks. Blocks of fixed size, so that pages which have not changed are
 * stored once. The commit after it makes the anchor durable and known.
 */
#include "fs/tree/backup.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fs/tree/internal.h"
#include "lib/base/clock.h"
#include "lib/base/file.h"
#include "lib/base/log.h"
#include "lib/base/wire.h"

#define BACKUP_READ   (1u << 20)
#define BACKUP_PIECES (BACKUP_READ / BACKUP_BLOCK)

struct backup {
	struct tree *tree;
	struct store_stream *stream;
	struct filemap *map;
	EVP_MD_CTX *digest;
	uint8_t *data;
	uint64_t size;
};

int anchor_parse(const void *data, size_t size, struct anchor *anchor)
{
	struct wire w;
	struct anchor a;
	wire_reader(&w, data, size);
	uint64_t magic = wire_get_u64(&w);
	uint32_t version = wire_get_u32(&w), blob_size = wire_get_u32(&w);
	a.generation = wire_get_u64(&w);
	a.time = wire_get_u64(&w);
	a.size = wire_get_u64(&w);
	const uint8_t *sha256 = wire_get_bytes(&w, sizeof(a.sha256));
	a.blob = wire_get_bytes(&w, blob_size);
	a.blob_size = blob_size;
	if (w.error || magic != ANCHOR_MAGIC || version != ANCHOR_VERSION)
		return -EBADMSG;
	memcpy(a.sha256, sha256, sizeof(a.sha256));
	*anchor = a;
	return 0;
}

static int backup_block(struct backup *b, uint64_t offset, size_t size)
{
	struct piece pieces[BACKUP_PIECES];
	struct fingerprint_input inputs[BACKUP_PIECES];
	struct chunk_ref refs[BACKUP_PIECES];
	struct extent extents[BACKUP_PIECES];
	struct store_put_result result = {0};
	size_t used, at = 0, n = 0;
	size_t count = chunker_split_fixed(BACKUP_BLOCK, offset, b->data, size, true, pieces,
					   BACKUP_PIECES, &used);
	ASSERT(used == size);
	for (size_t i = 0; i < count; i++) {
		if (pieces[i].kind == PIECE_DATA)
			inputs[n++] = (struct fingerprint_input){b->data + at, pieces[i].length};
		at += pieces[i].length;
	}
	int error = n ? store_put(b->tree->store, b->stream, inputs, n, refs, &result) : 0;
	if (error)
		return error;
	n = 0;
	for (size_t i = 0; i < count; i++) {
		extents[i] = (struct extent){.length = pieces[i].length, .kind = EXTENT_HOLE};
		if (pieces[i].kind == PIECE_DATA) {
			extents[i].kind = EXTENT_DATA;
			extents[i].chunk = refs[n++];
		}
	}
	return filemap_write(b->map, offset, extents, count);
}

static int backup_contents(struct backup *b, int fd)
{
	struct stat st;
	if (fstat(fd, &st) < 0)
		return -errno;
	b->size = (uint64_t)st.st_size;
	for (uint64_t at = 0; at < b->size;) {
		size_t n = b->size - at < BACKUP_READ ? (size_t)(b->size - at) : BACKUP_READ;
		int error = file_pread(fd, b->data, n, at);
		if (!error && EVP_DigestUpdate(b->digest, b->data, n) != 1)
			error = -EIO;
		if (!error)
			error = backup_block(b, at, n);
		if (error)
			return error;
		at += n;
	}
	return 0;
}

static int backup_anchor(struct backup *b, struct chunk_ref *ref)
{
	struct tree *t = b->tree;
	CLEANUP_FREE void *blob = NULL;
	size_t blob_size = 0;
	uint8_t sha256[32];
	int error = filemap_save(b->map, &blob, &blob_size);
	if (!error && EVP_DigestFinal_ex(b->digest, sha256, NULL) != 1)
		error = -EIO;
	if (error)
		return error;
	CLEANUP_FREE uint8_t *bytes = mem_try_alloc(ANCHOR_HEADER + blob_size, 1);
	struct store_stream *stream = store_stream_new(t->store, PACK_ANCHOR);
	if (!bytes || !stream) {
		store_stream_free(&stream);
		return -ENOMEM;
	}
	struct wire w;
	wire_writer(&w, bytes, ANCHOR_HEADER + blob_size);
	wire_put_u64(&w, ANCHOR_MAGIC);
	wire_put_u32(&w, ANCHOR_VERSION);
	wire_put_u32(&w, (uint32_t)blob_size);
	wire_put_u64(&w, t->epoch << 32 | (uint32_t)atomic_load(&t->current));
	wire_put_u64(&w, (uint64_t)clock_real_ns());
	wire_put_u64(&w, b->size);
	wire_put_bytes(&w, sha256, sizeof(sha256));
	wire_put_bytes(&w, blob, blob_size);
	ASSERT(w.error == 0 && w.position == ANCHOR_HEADER + blob_size);
	struct fingerprint_input input = {bytes, w.position};
	struct store_put_result result = {0};
	error = store_put(t->store, stream, &input, 1, ref, &result);
	store_stream_free(&stream);
	return error;
}

static int backup_store(struct backup *b, const char *path, struct chunk_ref *ref)
{
	CLEANUP_FD int fd = -1;
	int error = catalogue_copy(b->tree->catalogue, path);
	if (error)
		return error;
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	b->data = mem_try_alloc(BACKUP_READ, 1);
	b->map = filemap_new(&b->tree->io);
	b->digest = EVP_MD_CTX_new();
	b->stream = store_stream_new(b->tree->store, PACK_DATA);
	if (!b->data || !b->map || !b->digest || !b->stream ||
	    EVP_DigestInit_ex(b->digest, EVP_sha256(), NULL) != 1)
		return -ENOMEM;
	error = backup_contents(b, fd);
	return error ? error : backup_anchor(b, ref);
}

static bool backup_is_needless(struct tree *t)
{
	LOCK_SCOPE(&t->commit);
	return t->anchor_changes == atomic_load(&t->changes);
}

int backup_run(struct tree *t)
{
	LOCK_SCOPE(&t->backup);
	/* What is committed from here on may be in the copy or not. */
	uint64_t changes = atomic_load(&t->changes);
	if (backup_is_needless(t))
		return 0;
	CLEANUP_FREE char *path = mem_printf("%s/catalogue.copy", store_path(t->store));
	struct backup b = {.tree = t};
	struct chunk_ref ref;
	(void)unlink(path); /* what a crash may have left */
	int error = backup_store(&b, path, &ref);
	(void)unlink(path);
	store_stream_free(&b.stream);
	filemap_free(&b.map);
	EVP_MD_CTX_free(b.digest);
	free(b.data);
	if (error) {
		log_error("%s: copying the catalogue into the segments: %s", store_path(t->store),
			  strerror(-error));
		return error;
	}
	pthread_mutex_lock(&t->commit);
	t->anchor = ref;
	t->anchor_changes = changes;
	pthread_mutex_unlock(&t->commit);
	return 0;
}

int tree_backup_catalogue(struct tree *t)
{
	if (t->options.read_only)
		return -EROFS;
	if (backup_is_needless(t))
		return 0;
	int error = backup_run(t);
	return error ? error : commit_now(t);
}
