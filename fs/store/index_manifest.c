/* SPDX-License-Identifier: MIT */
/* Reading and writing the manifest. Whatever is in it was checked before it is used. */
#include "fs/store/index_manifest.h"

#include <errno.h>
#include <xxhash.h>

#include "fs/store/index_page.h"
#include "lib/base/assert.h"
#include "lib/base/cleanup.h"
#include "lib/base/file.h"
#include "lib/base/mem.h"
#include "lib/base/wire.h"

#define MANIFEST_MAGIC      UINT64_C(0x584449524e415247) /* "GRANRIDX" */
#define MANIFEST_VERSION    1u
#define MANIFEST_HEAD       48u
#define MANIFEST_RECORD     40u
#define MANIFEST_SIZE_MAX   (MANIFEST_HEAD + INDEX_MANIFEST_RUNS_MAX * MANIFEST_RECORD + 8u)
#define MANIFEST_DAMAGED    1u

static bool manifest_get_record(struct wire *w, struct index_run_record *record)
{
	record->number = wire_get_u64(w);
	record->entries = wire_get_u64(w);
	record->pages = wire_get_u32(w);
	record->damaged = wire_get_u32(w) & MANIFEST_DAMAGED;
	record->pack_min = wire_get_u64(w);
	record->pack_max = wire_get_u64(w);
	uint64_t room = (uint64_t)record->pages * INDEX_PAGE_ENTRIES;
	return record->entries > 0 && record->entries <= room &&
	       room - record->entries < INDEX_PAGE_ENTRIES &&
	       record->pack_min <= record->pack_max && record->pack_max <= PACK_NUMBER_MAX;
}

int index_manifest_parse(const void *data, size_t size, struct index_manifest *manifest)
{
	struct index_manifest m = {0};
	struct wire w;
	if (size < MANIFEST_HEAD + 8 || size > MANIFEST_SIZE_MAX)
		return -EBADMSG;
	wire_reader(&w, (const uint8_t *)data + size - 8, 8);
	if (wire_get_u64(&w) != XXH3_64bits(data, size - 8))
		return -EBADMSG;
	wire_reader(&w, data, size - 8);
	bool good = wire_get_u64(&w) == MANIFEST_MAGIC;
	good &= wire_get_u32(&w) == MANIFEST_VERSION;
	m.count = wire_get_u32(&w);
	const uint8_t *uuid = wire_get_bytes(&w, 16);
	if (!good || !uuid || m.count > INDEX_MANIFEST_RUNS_MAX)
		return -EBADMSG;
	memcpy(m.uuid, uuid, 16);
	m.covered = wire_get_u64(&w);
	m.next_run = wire_get_u64(&w);
	for (size_t i = 0; i < m.count && good; i++)
		good = manifest_get_record(&w, &m.runs[i]) && m.runs[i].number < m.next_run;
	if (!good || w.error || wire_left(&w) != 0)
		return -EBADMSG;
	*manifest = m;
	return 0;
}

int index_manifest_read(const char *folder, const uint8_t uuid[16],
			struct index_manifest *manifest)
{
	CLEANUP_FREE char *path = mem_printf("%s/manifest", folder);
	CLEANUP_FREE char *data = NULL;
	size_t size;
	int error = file_read_all(path, MANIFEST_SIZE_MAX, &data, &size);
	if (!error)
		error = index_manifest_parse(data, size, manifest);
	if (!error && memcmp(manifest->uuid, uuid, 16) != 0)
		error = -EBADMSG;
	return error == -EFBIG || error == -EINVAL ? -EBADMSG : error;
}

int index_manifest_write(const char *folder, const struct index_manifest *manifest)
{
	CLEANUP_FREE char *path = mem_printf("%s/manifest", folder);
	uint8_t data[MANIFEST_SIZE_MAX];
	struct wire w;
	ASSERT(manifest->count <= INDEX_MANIFEST_RUNS_MAX);
	wire_writer(&w, data, sizeof(data));
	wire_put_u64(&w, MANIFEST_MAGIC);
	wire_put_u32(&w, MANIFEST_VERSION);
	wire_put_u32(&w, (uint32_t)manifest->count);
	wire_put_bytes(&w, manifest->uuid, 16);
	wire_put_u64(&w, manifest->covered);
	wire_put_u64(&w, manifest->next_run);
	for (size_t i = 0; i < manifest->count; i++) {
		const struct index_run_record *record = &manifest->runs[i];
		wire_put_u64(&w, record->number);
		wire_put_u64(&w, record->entries);
		wire_put_u32(&w, record->pages);
		wire_put_u32(&w, record->damaged ? MANIFEST_DAMAGED : 0);
		wire_put_u64(&w, record->pack_min);
		wire_put_u64(&w, record->pack_max);
	}
	wire_put_u64(&w, XXH3_64bits(data, w.position));
	ASSERT(!w.error);
	return file_replace(path, data, w.position, 0600);
}
