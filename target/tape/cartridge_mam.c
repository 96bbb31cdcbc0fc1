/* SPDX-License-Identifier: MIT */
/*
 * A file of the MAM: a header of MAM_HEADER bytes, then the attributes by partition and
 * identifier.
 *
 *   magic u32 "GMAM"  version u32  generation u64  size u32 (of what follows the header)
 *   checksum u32 (CRC32C of header and attributes with these four bytes zero)  reserved u64
 *   attribute: partition u8  format u8  id u16  length u16  value
 *
 * Generation n is in mam.(n mod 2), so that a write that is cut off leaves the one before. The
 * file is made as long as it can become and never cut: on a full disk it can still be written.
 */
#include "target/tape/cartridge_mam.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/cleanup.h"
#include "lib/base/crc32c.h"
#include "lib/base/fault.h"
#include "lib/base/file.h"
#include "lib/base/mem.h"
#include "lib/base/wire.h"

#define MAM_MAGIC    0x4d414d47u
#define MAM_VERSION  1u
#define MAM_CHECKSUM 20u /* its place */

void mam_free(struct mam *mam)
{
	for (size_t n = 0; n < mam->count; n++)
		free((void *)(uintptr_t)mam->entries[n].attribute.value);
	free(mam->entries);
	*mam = (struct mam){0};
}

/* ---- the list -------------------------------------------------------------------------- */

/* SPC-5 7.4.2: remaining and maximum capacity, and what LTFS keeps, are of a partition. */
static uint8_t mam_partition(unsigned partition, uint16_t id)
{
	return id <= 0x0001 || (id >= 0x0800 && id <= 0x080c) ? (uint8_t)partition : 0;
}

static bool mam_is_host(uint16_t id)
{
	return (id >= 0x0800 && id <= 0x0bff) || (id >= 0x1400 && id <= 0x17ff);
}

static uint32_t mam_key(unsigned partition, uint16_t id)
{
	return (uint32_t)partition << 16 | id;
}

/* The first entry that is not before it. */
static size_t mam_search(const struct mam *mam, unsigned partition, uint16_t id)
{
	size_t low = 0, high = mam->count;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		const struct mam_entry *entry = &mam->entries[middle];
		if (mam_key(entry->partition, entry->attribute.id) < mam_key(partition, id))
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static struct mam_entry *mam_entry(const struct mam *mam, unsigned partition, uint16_t id)
{
	size_t at = mam_search(mam, partition, id);
	if (at < mam->count && mam->entries[at].partition == partition &&
	    mam->entries[at].attribute.id == id)
		return &mam->entries[at];
	return NULL;
}

int mam_get(const struct mam *mam, unsigned partition, uint16_t id,
	    struct cartridge_attribute *attribute)
{
	const struct mam_entry *entry = mam_entry(mam, mam_partition(partition, id), id);
	if (!entry)
		return -ENOENT;
	*attribute = entry->attribute;
	return 0;
}

/* The first of the entries of `key_partition` with an id of at least `id` that `partition` shows. */
static const struct mam_entry *mam_next_of(const struct mam *mam, unsigned key_partition,
					   unsigned partition, uint16_t id)
{
	for (size_t at = mam_search(mam, key_partition, id); at < mam->count; at++) {
		const struct mam_entry *entry = &mam->entries[at];
		if (entry->partition != key_partition)
			break;
		if (mam_partition(partition, entry->attribute.id) == key_partition)
			return entry;
	}
	return NULL;
}

int mam_next(const struct mam *mam, unsigned partition, uint16_t id,
	     struct cartridge_attribute *attribute)
{
	const struct mam_entry *own = mam_next_of(mam, partition, partition, id);
	const struct mam_entry *common = mam_next_of(mam, 0, partition, id);
	if (!own || (common && common->attribute.id < own->attribute.id))
		own = common;
	if (!own)
		return -ENOENT;
	*attribute = own->attribute;
	return 0;
}

static size_t mam_size(const struct mam *mam, bool host)
{
	size_t size = 0;
	for (size_t n = 0; n < mam->count; n++)
		if (mam_is_host(mam->entries[n].attribute.id) == host)
			size += MAM_ENTRY + mam->entries[n].attribute.length;
	return size;
}

static void mam_remove(struct mam *mam, struct mam_entry *entry)
{
	struct mam_entry *end = mam->entries + mam->count--;
	free((void *)(uintptr_t)entry->attribute.value);
	memmove(entry, entry + 1, (size_t)(end - (entry + 1)) * sizeof(*entry));
	mam->dirty = true;
}

static int mam_insert(struct mam *mam, unsigned partition,
		      const struct cartridge_attribute *attribute, uint8_t *value)
{
	size_t at = mam_search(mam, partition, attribute->id);
	int error = mem_reserve(&mam->entries, &mam->room, mam->count + 1, sizeof(*mam->entries));
	if (error)
		return error;
	memmove(mam->entries + at + 1, mam->entries + at,
		(mam->count - at) * sizeof(*mam->entries));
	mam->entries[at] = (struct mam_entry){(uint8_t)partition, *attribute};
	mam->entries[at].attribute.value = value;
	mam->count++;
	return 0;
}

int mam_set(struct mam *mam, unsigned partition, const struct cartridge_attribute *attribute)
{
	uint8_t key = mam_partition(partition, attribute->id);
	struct mam_entry *old = mam_entry(mam, key, attribute->id);
	if (attribute->format > 2)
		return -EINVAL;
	if (attribute->length == 0) {
		if (old)
			mam_remove(mam, old);
		return 0;
	}
	bool host = mam_is_host(attribute->id);
	size_t size = mam_size(mam, host) + MAM_ENTRY + attribute->length;
	if (old)
		size -= MAM_ENTRY + old->attribute.length;
	if (size > (host ? MAM_HOST_MAX : MAM_OTHERS_MAX))
		return -ENOSPC;
	CLEANUP_FREE uint8_t *value = mem_try_alloc(1, attribute->length);
	if (!value)
		return -ENOMEM;
	memcpy(value, attribute->value, attribute->length);
	if (old) {
		free((void *)(uintptr_t)old->attribute.value);
		old->attribute = *attribute;
		old->attribute.value = value;
	} else {
		int error = mam_insert(mam, key, attribute, value);
		if (error)
			return error;
	}
	(void)TAKE(value);
	mam->dirty = true;
	return 0;
}

void mam_drop_partition(struct mam *mam, unsigned partition)
{
	for (size_t n = mam->count; n-- > 0;)
		if (mam->entries[n].partition == partition)
			mam_remove(mam, &mam->entries[n]);
}

/* ---- the files ------------------------------------------------------------------------- */

int mam_encode(const struct mam *mam, uint8_t **data, size_t *size)
{
	size_t body = mam_size(mam, true) + mam_size(mam, false);
	uint8_t *bytes = mem_try_alloc(1, MAM_HEADER + body);
	struct wire w;
	if (!bytes)
		return -ENOMEM;
	wire_writer(&w, bytes, MAM_HEADER + body);
	wire_put_u32(&w, MAM_MAGIC);
	wire_put_u32(&w, MAM_VERSION);
	wire_put_u64(&w, mam->generation);
	wire_put_u32(&w, (uint32_t)body);
	wire_put_u32(&w, 0);
	wire_put_u64(&w, 0);
	for (size_t n = 0; n < mam->count; n++) {
		const struct mam_entry *entry = &mam->entries[n];
		wire_put_u8(&w, entry->partition);
		wire_put_u8(&w, entry->attribute.format);
		wire_put_u16(&w, entry->attribute.id);
		wire_put_u16(&w, entry->attribute.length);
		wire_put_bytes(&w, entry->attribute.value, entry->attribute.length);
	}
	uint32_t checksum = crc32c(0, bytes, w.position);
	w.position = MAM_CHECKSUM;
	wire_put_u32(&w, checksum);
	*data = bytes;
	*size = MAM_HEADER + body;
	return 0;
}

/* `w` ends where the attributes do. */
static int mam_check_header(struct wire *w, const uint8_t *data, struct mam *mam)
{
	static const uint8_t zeros[4];
	uint32_t magic = wire_get_u32(w), version = wire_get_u32(w);
	mam->generation = wire_get_u64(w);
	uint32_t body = wire_get_u32(w), checksum = wire_get_u32(w);
	wire_get_u64(w);
	if (w->error || w->size > MAM_FILE_MAX || magic != MAM_MAGIC || body > wire_left(w))
		return -EBADMSG;
	w->size = MAM_HEADER + body;
	uint32_t crc = crc32c(0, data, MAM_CHECKSUM);
	crc = crc32c(crc, zeros, sizeof(zeros));
	crc = crc32c(crc, data + MAM_CHECKSUM + 4, w->size - MAM_CHECKSUM - 4);
	if (crc != checksum)
		return -EBADMSG;
	return version == MAM_VERSION ? 0 : -EPROTONOSUPPORT;
}

/* One attribute; they come in order, each once. */
static int mam_decode_entry(struct wire *w, struct mam *mam)
{
	struct cartridge_attribute a;
	uint8_t partition = wire_get_u8(w);
	a.format = wire_get_u8(w);
	a.id = wire_get_u16(w);
	a.length = wire_get_u16(w);
	a.value = wire_get_bytes(w, a.length);
	if (w->error || a.length == 0 || a.format > 2 || partition >= CARTRIDGE_PARTITIONS ||
	    mam_partition(partition, a.id) != partition)
		return -EBADMSG;
	if (mam_search(mam, partition, a.id) != mam->count || mam_entry(mam, partition, a.id))
		return -EBADMSG;
	int error = mam_set(mam, partition, &a);
	return error == -ENOSPC ? -EBADMSG : error;
}

int mam_decode(const uint8_t *data, size_t size, struct mam *mam)
{
	struct wire w;
	wire_reader(&w, data, size);
	int error = mam_check_header(&w, data, mam);
	while (!error && wire_left(&w) > 0)
		error = mam_decode_entry(&w, mam);
	if (error)
		mam_free(mam);
	else
		mam->dirty = false;
	return error;
}

static const char *const slot_names[] = {"mam.0", "mam.1"};

static int mam_load_slot(int folder, unsigned slot, struct mam *mam)
{
	CLEANUP_FREE char *data = NULL;
	size_t size;
	int error = file_read_regular(folder, slot_names[slot], MAM_FILE_MAX, &data, &size);
	if (!error)
		error = mam_decode((const uint8_t *)data, size, mam);
	if (!error && mam->generation % 2 != slot) {
		mam_free(mam);
		error = -EBADMSG;
	}
	return error == -ENOENT || error == -EFBIG || error == -EINVAL ? -EBADMSG : error;
}

int mam_load(int folder, struct mam *mam)
{
	struct mam slots[2] = {{0}, {0}};
	int errors[2] = {mam_load_slot(folder, 0, &slots[0]), mam_load_slot(folder, 1, &slots[1])};
	unsigned best = errors[0] || (!errors[1] && slots[1].generation > slots[0].generation);
	mam_free(&slots[!best]);
	/* One that cannot be read for another reason than damage may be the newer. */
	if (errors[!best] && errors[!best] != -EBADMSG) {
		mam_free(&slots[best]);
		return errors[!best];
	}
	*mam = slots[best];
	return errors[best];
}

static int mam_write(int fd, const uint8_t *data, size_t size)
{
	struct stat st;
	int error = file_pwrite(fd, data, size, 0);
	if (error || fstat(fd, &st) < 0)
		return error ? error : -errno;
	if (st.st_size < (off_t)MAM_FILE_MAX) {
		size_t from = (uint64_t)st.st_size > size ? (size_t)st.st_size : size;
		CLEANUP_FREE uint8_t *zeros = mem_try_zalloc(1, MAM_FILE_MAX);
		error = zeros ? file_pwrite(fd, zeros, MAM_FILE_MAX - from, from) : -ENOMEM;
	}
	return error ? error : file_sync(fd);
}

int mam_store(int folder, struct mam *mam)
{
	const char *name = slot_names[(mam->generation + 1) % 2];
	CLEANUP_FREE uint8_t *data = NULL;
	CLEANUP_FD int fd = file_open_regular(folder, name, O_WRONLY | O_CREAT, 0640);
	size_t size = 0;
	if (fd < 0)
		return fd;
	mam->generation++;
	int error = fault_hit("cartridge-memory-space") ? -ENOSPC : mam_encode(mam, &data, &size);
	if (!error)
		error = mam_write(fd, data, size);
	if (error)
		mam->generation--;
	else
		mam->dirty = false;
	return error;
}
