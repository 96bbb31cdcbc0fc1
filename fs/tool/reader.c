/* SPDX-License-Identifier: MIT */
/*
 * Reads packs straight from the segment files. A few packs are kept, with the
 * regions that were asked for; one that is held is never dropped.
 */
#include "fs/tool/reader.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <xxhash.h>

#include "fs/chunk/compress.h"
#include "fs/store/segment_file.h"
#include "fs/store/store.h"
#include "fs/tool/packs.h"
#include "lib/base/assert.h"
#include "lib/base/cleanup.h"
#include "lib/base/mem.h"

#define READER_PACKS 16u

struct loaded {
	struct reader_pack pack; /* first: what callers hold */
	uint64_t segment, offset;
	uint8_t **region; /* decoded; NULL until asked for */
	unsigned holds;
	uint64_t used;
};

struct reader {
	const char *store_path;
	const uint8_t *uuid;
	const struct pack_list *packs;
	struct compressor *compressor;
	struct loaded *loaded[READER_PACKS];
	uint64_t clock;
	int fd; /* of the segment below; -1 */
	uint64_t segment;
};

int reader_open(const char *store_path, const uint8_t uuid[16], const struct pack_list *packs,
		struct reader **reader)
{
	struct reader *r = mem_try_zalloc(1, sizeof(*r));

	if (!r)
		return -ENOMEM;
	*r = (struct reader){.store_path = store_path, .uuid = uuid, .packs = packs, .fd = -1};
	r->compressor = compressor_new();
	if (!r->compressor || fingerprint_start(FINGERPRINT_SHA256) < 0) {
		compressor_free(&r->compressor);
		free(r);
		return -ENOMEM;
	}
	*reader = r;
	return 0;
}

static void loaded_free(struct loaded *l)
{
	if (!l)
		return;
	for (uint32_t i = 0; l->region && i < l->pack.directory.regions; i++)
		free(l->region[i]);
	free(l->region);
	pack_directory_clear(&l->pack.directory);
	free(l);
}

void reader_close(struct reader **reader)
{
	struct reader *r = *reader;

	if (!r)
		return;
	for (unsigned i = 0; i < READER_PACKS; i++)
		loaded_free(r->loaded[i]);
	compressor_free(&r->compressor);
	if (r->fd >= 0)
		close(r->fd);
	free(r);
	*reader = NULL;
}

static int reader_segment(struct reader *r, uint64_t segment)
{
	CLEANUP_FREE char *path = NULL;

	if (r->fd >= 0 && r->segment == segment)
		return 0;
	if (r->fd >= 0)
		close(TAKE_FD(r->fd));
	path = segment_file_path(r->store_path, segment);
	r->fd = open(path, O_RDONLY | O_CLOEXEC);
	r->segment = segment;
	return r->fd < 0 ? -errno : 0;
}

int reader_header_at(struct reader *r, uint64_t segment, uint64_t offset,
		     struct pack_header *header)
{
	uint8_t data[PACK_HEADER_SIZE];
	int error = reader_segment(r, segment);

	if (!error)
		error = segment_file_read(r->fd, data, sizeof(data), offset);
	return error ? error : pack_header_decode(data, r->uuid, header);
}

struct rebuild_source {
	struct reader *reader;
	const struct pack_row *row;
};

static int rebuild_read(void *context, uint64_t offset, void *data, size_t size)
{
	const struct rebuild_source *s = context;
	int error = reader_segment(s->reader, s->row->segment);

	return error ? error : segment_file_read(s->reader->fd, data, size, s->row->offset + offset);
}

static struct pack_source rebuild_source_of(struct rebuild_source *context)
{
	return (struct pack_source){.read = rebuild_read,
				    .context = context,
				    .uuid = context->reader->uuid,
				    .length = context->row->length};
}

int reader_rebuild(struct reader *r, const struct pack_row *row, struct pack_rebuilt *rebuilt)
{
	struct rebuild_source context = {r, row};
	const struct pack_source source = rebuild_source_of(&context);
	int error = pack_rebuild(&source, rebuilt);

	if (error)
		return error;
	if (rebuilt->header.pack == row->pack && rebuilt->header.version == row->version &&
	    rebuilt->header.slots == row->slots)
		return 0;
	pack_rebuilt_clear(rebuilt);
	return -EBADMSG;
}

int reader_end(struct reader *r, const struct pack_row *row, const struct reader_pack *pack,
	       struct pack_end *end)
{
	struct rebuild_source context = {r, row};
	const struct pack_source source = rebuild_source_of(&context);

	return pack_end_check(&source, &pack->directory, end);
}

static int directory_read(struct reader *r, const struct pack_row *row, struct loaded *l)
{
	struct pack_header *header = &l->pack.header;
	CLEANUP_FREE uint8_t *data = NULL;
	int error = reader_header_at(r, row->segment, row->offset, header);

	if (error)
		return error == -ENODATA ? -EBADMSG : error;
	if (header->pack != row->pack || header->slots != row->slots ||
	    header->length != row->length)
		return -EBADMSG;
	data = mem_try_alloc(1, header->directory_size ? header->directory_size : 1);
	if (!data)
		return -ENOMEM;
	error = segment_file_read(r->fd, data, header->directory_size, row->offset + PACK_HEADER_SIZE);
	if (error)
		return error == -ENODATA ? -EBADMSG : error;
	return pack_directory_decode(header, data, &l->pack.directory);
}

static int loaded_read(struct reader *r, struct pack_row *row, struct loaded *l)
{
	struct pack_rebuilt rebuilt = {0};
	int error = directory_read(r, row, l);

	if (error && error != -ENOMEM && reader_rebuild(r, row, &rebuilt) == 0) {
		row->rebuilt = true;
		l->pack.header = rebuilt.header;
		l->pack.directory = rebuilt.directory;
		l->pack.salvaged = rebuilt.salvaged;
		rebuilt.directory = (struct pack_directory){0};
		pack_rebuilt_clear(&rebuilt);
		error = 0;
	}
	if (error)
		return error;
	l->segment = row->segment;
	l->offset = row->offset;
	l->region = mem_try_zalloc(l->pack.directory.regions + 1, sizeof(*l->region));
	return l->region ? 0 : -ENOMEM;
}

/* The place of the one that was used longest ago and is not held. */
static struct loaded **reader_room(struct reader *r)
{
	struct loaded **oldest = NULL;

	for (unsigned i = 0; i < READER_PACKS; i++) {
		if (!r->loaded[i])
			return &r->loaded[i];
		if (!r->loaded[i]->holds && (!oldest || r->loaded[i]->used < (*oldest)->used))
			oldest = &r->loaded[i];
	}
	return oldest;
}

int reader_fetch(struct reader *r, uint64_t pack, struct reader_pack **held)
{
	struct pack_row *row;
	struct loaded *l, **room;
	int error;

	for (unsigned i = 0; i < READER_PACKS; i++) {
		l = r->loaded[i];
		if (!l || l->pack.header.pack != pack)
			continue;
		l->holds++;
		l->used = ++r->clock;
		*held = &l->pack;
		return 0;
	}
	row = pack_list_find(r->packs, pack);
	if (!row)
		return -ENOENT;
	room = reader_room(r);
	if (!room)
		return -ENOMEM; /* deeper than any map: each level holds one */
	l = mem_try_zalloc(1, sizeof(*l));
	error = l ? loaded_read(r, row, l) : -ENOMEM;
	if (error) {
		loaded_free(l);
		return error;
	}
	loaded_free(*room);
	*room = l;
	l->holds = 1;
	l->used = ++r->clock;
	*held = &l->pack;
	return 0;
}

void reader_release(struct reader *r, struct reader_pack *held)
{
	struct loaded *l = (struct loaded *)held;

	(void)r;
	if (!l)
		return;
	ASSERT(l->holds > 0);
	l->holds--;
}

static int region_decode(struct reader *r, const struct loaded *l, uint32_t number, uint8_t **data)
{
	const struct pack_region *region = &l->pack.directory.region[number];
	CLEANUP_FREE uint8_t *stored = mem_try_alloc(1, region->stored ? region->stored : 1);
	CLEANUP_FREE uint8_t *raw = mem_try_alloc(1, region->raw ? region->raw : 1);
	int error;

	if (!stored || !raw)
		return -ENOMEM;
	error = reader_segment(r, l->segment);
	if (!error)
		error = segment_file_read(r->fd, stored, region->stored, l->offset + region->offset);
	if (error)
		return error == -ENODATA ? -EBADMSG : error;
	if (XXH3_64bits(stored, region->stored) != region->checksum)
		return -EBADMSG;
	error = compressor_unpack(r->compressor, (enum codec)region->codec, stored, region->stored,
				  raw, region->raw);
	if (error)
		return error;
	*data = TAKE(raw);
	return 0;
}

int reader_region(struct reader *r, struct reader_pack *held, uint32_t region, const uint8_t **data)
{
	struct loaded *l = (struct loaded *)held;

	if (region >= held->directory.regions)
		return -EBADMSG;
	if (!l->region[region]) {
		int error = region_decode(r, l, region, &l->region[region]);

		if (error)
			return error;
	}
	*data = l->region[region];
	return 0;
}

int reader_chunk(struct reader *r, struct chunk_ref ref, const uint8_t **data, size_t *size,
		 struct reader_pack **held)
{
	const struct pack_slot *slot;
	struct reader_pack *pack = NULL;
	int error;

	ref = pack_list_healed(r->packs, ref);
	error = reader_fetch(r, ref.pack, &pack);
	if (error)
		return error;
	if (ref.slot >= pack->directory.slots ||
	    pack->directory.slot[ref.slot].region == PACK_NO_REGION) {
		error = ref.slot < pack->directory.slots && pack->salvaged ? -EBADMSG : -ENOENT;
		reader_release(r, pack);
		return error;
	}
	slot = &pack->directory.slot[ref.slot];
	error = reader_region(r, pack, slot->region, data);
	if (error) {
		reader_release(r, pack);
		return error;
	}
	*data += slot->offset;
	*size = slot->size;
	*held = pack;
	return 0;
}

static int io_put(void *context, const void *data, size_t size, struct chunk_ref *ref)
{
	(void)context;
	(void)data;
	(void)size;
	(void)ref;
	return -EROFS;
}

static int io_get(void *context, struct chunk_ref ref, const uint8_t **data, size_t *size,
		  void **hold)
{
	struct reader_pack *held = NULL;
	int error = reader_chunk(context, ref, data, size, &held);

	if (!error)
		*hold = held;
	return error;
}

static void io_drop(void *context, void *hold)
{
	reader_release(context, hold);
}

struct filemap_io reader_filemap_io(struct reader *reader)
{
	return (struct filemap_io){
		.put = io_put, .get = io_get, .drop = io_drop, .context = reader};
}
