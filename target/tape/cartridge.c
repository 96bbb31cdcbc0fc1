/* SPDX-License-Identifier: MIT */
/*
 * Cartridges: made, opened, closed, asked. Writing is in cartridge_write.c, reading and
 * checking in cartridge_read.c.
 */
#include "target/tape/cartridge.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "lib/base/assert.h"
#include "lib/base/cleanup.h"
#include "lib/base/file.h"
#include "lib/base/log.h"
#include "lib/base/mem.h"
#include "target/tape/cartridge_private.h"
#include "target/tape/media.h"

/* ---- making one ------------------------------------------------------------------------ */

/* RFC 9562: version 4, variant 1. */
static void make_uuid(uint8_t uuid[16])
{
	static const uint8_t zeros[16];
	if (memcmp(uuid, zeros, sizeof(zeros)) != 0)
		return;
	ssize_t n = getrandom(uuid, 16, 0);
	ASSERT(n == 16);
	uuid[6] = (uint8_t)((uuid[6] & 0x0f) | 0x40);
	uuid[8] = (uint8_t)((uuid[8] & 0x3f) | 0x80);
}

static int fill_folder(const char *path, const struct cartridge_conf *conf)
{
	struct partition_identity identity = {.epoch = conf->epoch};
	struct mam mam = {0};
	CLEANUP_FD int folder = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int error = folder < 0 ? -errno : 0;
	memcpy(identity.uuid, conf->info.uuid, sizeof(identity.uuid));
	for (unsigned n = 0; !error && n < conf->info.partitions; n++)
		error = partition_create(folder, n, &identity);
	if (!error)
		error = mam_store(folder, &mam);
	if (!error)
		error = mam_store(folder, &mam);
	/* The last one syncs the folder. */
	return error ? error : conf_write(path, conf);
}

int cartridge_create(const char *folder, struct cartridge_info *info)
{
	struct cartridge_conf conf = {.info = *info, .epoch = 1};
	int error = conf_validate(info);
	if (error)
		return error;
	make_uuid(conf.info.uuid);
	conf.info.worm |= medium_find(info->medium)->worm;
	if (conf.info.created == 0)
		conf.info.created = time(NULL);
	CLEANUP_FREE char *path = mem_printf("%s/%s", folder, info->barcode);
	if (access(path, F_OK) == 0)
		return -EEXIST;
	/* Found whole or not at all: it gets its name last. */
	struct cartridge_work work;
	error = cartridge_work_begin(folder, info->barcode, &work);
	if (error)
		return error;
	error = fill_folder(work.path, &conf);
	if (!error)
		error = cartridge_work_finish(&work, path);
	if (!error)
		error = file_sync_directory(folder);
	cartridge_work_end(&work);
	if (!error)
		*info = conf.info;
	return error;
}

/* ---- opening --------------------------------------------------------------------------- */

struct partition_identity cartridge_identity(const struct cartridge *c)
{
	struct partition_identity identity = {.epoch = c->conf.epoch};
	memcpy(identity.uuid, c->conf.info.uuid, sizeof(identity.uuid));
	return identity;
}

static void cartridge_free(struct cartridge *c)
{
	for (unsigned n = 0; n < c->open_partitions; n++)
		partition_close(&c->partitions[n]);
	mam_free(&c->mam);
	if (c->folder >= 0)
		close(c->folder);
	if (c->lock >= 0)
		close(c->lock);
	free(c->path);
	c->magic = 0;
	free(c);
}

static int cartridge_open_partition(struct cartridge *c, unsigned n)
{
	struct partition *p = &c->partitions[n];
	struct partition_identity identity = cartridge_identity(c);
	bool writable = c->mode == CARTRIDGE_WRITE;
	int error = partition_open(c->folder, n, &identity, writable, p);
	if (error == -ESTALE) {
		/* A format that was not finished: the partition is as good as new. */
		error = partition_create(c->folder, n, &identity);
		if (!error && fsync(c->folder) < 0)
			error = -errno;
		if (!error)
			error = partition_open(c->folder, n, &identity, writable, p);
	}
	if (error)
		return error;
	c->open_partitions++;
	if (p->shortened)
		log_error("%s: p%u.data has %llu bytes and should have %llu: what is missing is lost",
			  c->path, n, (unsigned long long)p->data_size,
			  (unsigned long long)p->committed.bytes);
	if (p->unfinished)
		log_warning("%s: p%u.idx ends with a page that is not whole, after object %llu: power has gone "
			    "while it was written, or it is damaged and what it said is lost",
			    c->path, n, (unsigned long long)p->runs.end.objects);
	if (p->damaged) {
		log_error("%s: p%u.idx is damaged after object %llu; the cartridge is read-only",
			  c->path, n, (unsigned long long)p->runs.end.objects);
		c->write_error = c->sync_error = -EIO;
	}
	return 0;
}

static int cartridge_load(struct cartridge *c)
{
	c->folder = open(c->path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	int error = c->folder < 0 ? -errno : 0;
	if (!error && c->mode == CARTRIDGE_WRITE)
		error = cartridge_hold(c->path, &c->lock);
	if (!error)
		error = conf_read(c->path, &c->conf);
	if (error == -ENOENT && c->folder >= 0)
		error = -EBADMSG;
	for (unsigned n = 0; !error && n < c->conf.info.partitions; n++)
		error = cartridge_open_partition(c, n);
	if (error)
		return error;
	error = mam_load(c->folder, &c->mam);
	if (error == -EBADMSG) {
		log_error("%s: its memory (mam.0, mam.1) is damaged and begins anew", c->path);
		error = 0;
	}
	return error;
}

int cartridge_open(const char *path, enum cartridge_mode mode, struct cartridge **cartridge)
{
	struct cartridge *c = mem_try_zalloc(1, sizeof(*c));
	if (!c)
		return -ENOMEM;
	c->magic = CARTRIDGE_MAGIC;
	c->mode = mode;
	c->folder = c->lock = -1;
	c->path = mem_strdup(path);
	int error = cartridge_load(c);
	if (error) {
		cartridge_free(c);
		return error;
	}
	*cartridge = c;
	return 0;
}

int cartridge_close(struct cartridge **cartridge)
{
	struct cartridge *c = *cartridge;
	if (!c)
		return 0;
	ASSERT_OBJECT(c, CARTRIDGE_MAGIC);
	int error = c->mode == CARTRIDGE_WRITE ? cartridge_sync(c) : 0;
	cartridge_free(c);
	*cartridge = NULL;
	return error;
}

/* ---- asking ---------------------------------------------------------------------------- */

int cartridge_read_info(const char *path, struct cartridge_info *info)
{
	struct cartridge_conf conf;
	int error = conf_read(path, &conf);
	if (!error)
		*info = conf.info;
	return error;
}

const struct cartridge_info *cartridge_info(const struct cartridge *c)
{
	ASSERT_OBJECT(c, CARTRIDGE_MAGIC);
	return &c->conf.info;
}

struct partition *cartridge_partition(const struct cartridge *c, unsigned partition)
{
	ASSERT_OBJECT(c, CARTRIDGE_MAGIC);
	return partition < c->open_partitions ? (struct partition *)&c->partitions[partition]
					      : NULL;
}

int cartridge_find(const struct cartridge *c, unsigned partition, uint64_t object,
		   struct cartridge_place *place)
{
	const struct partition *p = cartridge_partition(c, partition);
	return p ? runs_find(&p->runs, object, place) : -EINVAL;
}

int cartridge_find_filemark(const struct cartridge *c, unsigned partition, uint64_t filemark,
			    uint64_t *object)
{
	const struct partition *p = cartridge_partition(c, partition);
	return p ? runs_find_filemark(&p->runs, filemark, object) : -EINVAL;
}

int cartridge_find_flags(const struct cartridge *c, unsigned partition, uint64_t object, uint32_t flags,
			 uint64_t *found)
{
	const struct partition *p = cartridge_partition(c, partition);
	return p ? runs_find_flags(&p->runs, object, flags, found) : -EINVAL;
}

int cartridge_count_filemarks(const struct cartridge *c, unsigned partition, uint64_t object,
			      uint64_t *filemarks)
{
	struct cartridge_place place;
	int error = cartridge_find(c, partition, object, &place);
	if (!error)
		*filemarks = place.filemarks;
	return error;
}

struct cartridge_extent cartridge_extent(const struct cartridge *c, unsigned partition)
{
	const struct partition *p = cartridge_partition(c, partition);
	return p ? p->runs.end : (struct cartridge_extent){0};
}

bool cartridge_end_is_lost(const struct cartridge *c, unsigned partition)
{
	const struct partition *p = cartridge_partition(c, partition);
	return p && (p->shortened || p->damaged);
}

int cartridge_space(const struct cartridge *c, uint64_t *bytes)
{
	const uint64_t reserve = UINT64_C(4) << 20;
	uint64_t free_bytes, total;
	ASSERT_OBJECT(c, CARTRIDGE_MAGIC);
	int error = file_space(c->folder, &free_bytes, &total);
	for (unsigned n = 0; !error && n < c->open_partitions; n++)
		free_bytes += partition_reserved(&c->partitions[n]);
	if (!error)
		*bytes = free_bytes > reserve ? free_bytes - reserve : 0;
	return error;
}

/* ---- attributes and descriptions ------------------------------------------------------- */

int cartridge_attribute(const struct cartridge *c, unsigned partition, uint16_t id,
			struct cartridge_attribute *attribute)
{
	return cartridge_partition(c, partition) ? mam_get(&c->mam, partition, id, attribute)
						 : -EINVAL;
}

int cartridge_next_attribute(const struct cartridge *c, unsigned partition, uint16_t id,
			     struct cartridge_attribute *attribute)
{
	return cartridge_partition(c, partition) ? mam_next(&c->mam, partition, id, attribute)
						 : -EINVAL;
}

int cartridge_description(const struct cartridge *c, unsigned partition, uint32_t number,
			  const void **data, size_t *size)
{
	const struct partition *p = cartridge_partition(c, partition);
	const struct description *description = p ? partition_description(p, number) : NULL;
	if (!description)
		return p ? -ENOENT : -EINVAL;
	*data = description->data;
	*size = description->size;
	return 0;
}
