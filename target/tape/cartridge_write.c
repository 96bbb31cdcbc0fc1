/* SPDX-License-Identifier: MIT */
/*
 * What changes a cartridge. Data goes before the commit that counts it, always in one order:
 * pN.data, pN.idx, MAM. An error of a commit stays: the host may have dropped what it
 * could not write, and a second try would succeed without it.
 */
#include <errno.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "lib/base/assert.h"
#include "lib/base/log.h"
#include "target/tape/cartridge_private.h"

int cartridge_may_change(const struct cartridge *c)
{
	ASSERT_OBJECT(c, CARTRIDGE_MAGIC);
	if (c->mode != CARTRIDGE_WRITE)
		return -EROFS;
	return c->sync_error ? c->sync_error : c->write_error;
}

static bool is_locked(const struct cartridge *c)
{
	return c->conf.info.locked_until > (int64_t)time(NULL);
}

/* Blocks that are there stay: WORM, or locked for some time yet. */
static bool keeps_blocks(const struct cartridge *c)
{
	return c->conf.info.worm || is_locked(c);
}

/* May the host's data of this partition change? */
static int partition_for_change(struct cartridge *c, unsigned partition, struct partition **p)
{
	int error = cartridge_may_change(c);
	if (error)
		return error;
	if (c->conf.info.write_protected)
		return -EROFS;
	*p = cartridge_partition(c, partition);
	return *p ? 0 : -EINVAL;
}

/* -ENOSPC, -ENOMEM and misuse leave the cartridge as it was; anything else stays. A quota is a disk that
 * is full. */
static int cartridge_note_error(struct cartridge *c, int error)
{
	if (error == -EDQUOT || error == -EFBIG)
		error = -ENOSPC;
	if (!error || error == -ENOSPC || error == -ENOMEM || error == -EINVAL || error == -ENXIO)
		return error;
	log_error("%s: cannot be written: %s", c->path, strerror(-error));
	c->write_error = error;
	return error;
}

int cartridge_append(struct cartridge *c, unsigned partition, const struct cartridge_blocks *blocks)
{
	return cartridge_append_list(c, partition, blocks, 1);
}

int cartridge_append_list(struct cartridge *c, unsigned partition,
			  const struct cartridge_blocks *list, unsigned count)
{
	struct partition *p;
	int error = partition_for_change(c, partition, &p);
	return error ? error : cartridge_note_error(c, partition_append(p, list, count));
}

int cartridge_reserve(struct cartridge *c, unsigned partition, uint64_t bytes, unsigned pieces,
		      uint64_t *promised)
{
	struct partition *p;
	int error = partition_for_change(c, partition, &p);
	if (!error)
		*promised = partition_reserve(p, bytes, pieces);
	return error;
}

int cartridge_append_filemarks(struct cartridge *c, unsigned partition, uint64_t count)
{
	struct partition *p;
	int error = partition_for_change(c, partition, &p);
	return error ? error : cartridge_note_error(c, partition_append_filemarks(p, count));
}

int cartridge_truncate(struct cartridge *c, unsigned partition, uint64_t object)
{
	struct partition *p;
	int error = partition_for_change(c, partition, &p);
	if (error)
		return error;
	if (is_locked(c) && object < p->runs.end.objects)
		return -EPERM;
	if (keeps_blocks(c) && object < runs_last_block_end(&p->runs))
		return -EPERM;
	return cartridge_note_error(c, partition_truncate(p, object));
}

int cartridge_add_description(struct cartridge *c, unsigned partition, const void *data, size_t size,
			      uint32_t *number)
{
	struct partition *p;
	int error = partition_for_change(c, partition, &p);
	return error ? error
		     : cartridge_note_error(c, partition_add_description(p, data, size, number));
}

int cartridge_set_attribute(struct cartridge *c, unsigned partition,
			    const struct cartridge_attribute *attribute)
{
	int error = cartridge_may_change(c);
	if (!error && !cartridge_partition(c, partition))
		error = -EINVAL;
	return error ? error : mam_set(&c->mam, partition, attribute);
}

/* ---- committing ------------------------------------------------------------------------ */

static int cartridge_compact_partition(struct cartridge *c, struct partition *p)
{
	struct partition_identity identity = cartridge_identity(c);
	int error = partition_compact(c->folder, p, &identity);
	if (p->log.error)
		c->sync_error = p->log.error;
	return error;
}

/* The memory is the last: without room for it everything else is durable, and nothing has been lost. */
static int cartridge_sync_memory(struct cartridge *c)
{
	int error = c->mam.dirty ? mam_store(c->folder, &c->mam) : 0;
	if (error != -ENOSPC && error != -EDQUOT)
		return error;
	log_warning("%s: no room for what its memory has to keep", c->path);
	return 0;
}

bool cartridge_memory_waits(const struct cartridge *c)
{
	ASSERT_OBJECT(c, CARTRIDGE_MAGIC);
	return c->mam.dirty;
}

int cartridge_sync(struct cartridge *c)
{
	ASSERT_OBJECT(c, CARTRIDGE_MAGIC);
	if (c->mode != CARTRIDGE_WRITE)
		return 0;
	int error = c->sync_error;
	if (error)
		return error;
	for (unsigned n = 0; !error && n < c->open_partitions; n++)
		error = partition_sync(&c->partitions[n]);
	if (!error)
		error = cartridge_sync_memory(c);
	if (error) {
		log_error("%s: cannot be committed, it is read-only now: %s", c->path,
			  strerror(-error));
		c->sync_error = error;
		return error;
	}
	/* A shorter index is a wish; but for an error that leaves its name unsure. */
	for (unsigned n = 0; n < c->open_partitions; n++)
		if (partition_is_bloated(&c->partitions[n]))
			(void)cartridge_compact_partition(c, &c->partitions[n]);
	return c->sync_error;
}

int cartridge_compact(struct cartridge *c)
{
	int error = cartridge_may_change(c);
	if (!error)
		error = cartridge_sync(c);
	for (unsigned n = 0; !error && n < c->open_partitions; n++)
		error = cartridge_compact_partition(c, &c->partitions[n]);
	return error;
}

/* ---- cartridge.conf -------------------------------------------------------------------- */

int cartridge_set_info(struct cartridge *c, const struct cartridge_info *info)
{
	const struct cartridge_info *old = &c->conf.info;
	struct cartridge_conf conf = {.info = *info, .epoch = c->conf.epoch};
	int error = cartridge_may_change(c);
	if (!error)
		error = conf_validate(info);
	if (error)
		return error;
	if (memcmp(info->uuid, old->uuid, sizeof(old->uuid)) != 0 ||
	    strcmp(info->medium, old->medium) != 0 || info->partitions != old->partitions)
		return -EINVAL;
	if ((old->worm && !info->worm) ||
	    (old->locked_until > (int64_t)time(NULL) && info->locked_until < old->locked_until))
		return -EPERM;
	error = conf_write(c->path, &conf);
	if (!error)
		c->conf = conf;
	return error;
}

/* ---- a new tape ------------------------------------------------------------------------ */

static int check_format(struct cartridge *c, unsigned partitions)
{
	struct partition *p;
	int error = partition_for_change(c, 0, &p);
	if (error)
		return error;
	if (partitions < 1 || partitions > CARTRIDGE_PARTITIONS)
		return -EINVAL;
	for (unsigned n = 0; n < c->open_partitions; n++)
		if (keeps_blocks(c) && c->partitions[n].runs.end.objects > 0)
			return -EPERM;
	return 0;
}

/* Makes the partitions of the new epoch and opens them. */
static int reopen_partitions(struct cartridge *c)
{
	struct partition_identity identity = cartridge_identity(c);
	int error = 0;
	for (unsigned n = 0; n < c->open_partitions; n++) {
		c->partitions[n].dirty = false;
		partition_close(&c->partitions[n]);
	}
	c->open_partitions = 0;
	for (unsigned n = 0; !error && n < c->conf.info.partitions; n++) {
		error = partition_create(c->folder, n, &identity);
		if (!error)
			error = partition_open(c->folder, n, &identity, true, &c->partitions[n]);
		if (!error)
			c->open_partitions++;
		if (!error)
			error = data_truncate(&c->partitions[n].data, 0);
		c->partitions[n].data_size = 0;
	}
	if (c->conf.info.partitions < 2) {
		unlinkat(c->folder, "p1.idx", 0);
		unlinkat(c->folder, "p1.data", 0);
	}
	if (!error && fsync(c->folder) < 0)
		error = -errno;
	return error;
}

/*
 * The new cartridge.conf has a higher epoch: from then on indexes of a lesser one count for
 * nothing, so that both partitions become empty at one instant. A second partition that
 * was not there gets its index before.
 */
int cartridge_format(struct cartridge *c, unsigned partitions, const uint64_t *sizes)
{
	int error = check_format(c, partitions);
	if (error)
		return error;
	struct cartridge_conf conf = c->conf;
	conf.epoch++;
	conf.info.partitions = partitions;
	conf.info.partition_size[1] = 0;
	memcpy(conf.info.partition_size, sizes, partitions * sizeof(*sizes));
	error = conf_validate(&conf.info);
	if (error)
		return error;
	struct partition_identity identity = {.epoch = conf.epoch};
	memcpy(identity.uuid, conf.info.uuid, sizeof(identity.uuid));
	if (partitions > c->open_partitions) {
		error = partition_create(c->folder, 1, &identity);
		if (!error && fsync(c->folder) < 0)
			error = -errno;
	}
	if (!error)
		error = conf_write(c->path, &conf);
	if (error)
		return cartridge_note_error(c, error);
	c->conf = conf;
	mam_drop_partition(&c->mam, partitions == 1 ? 1 : CARTRIDGE_PARTITIONS);
	error = reopen_partitions(c);
	if (error)
		c->sync_error = error;
	return error ? error : cartridge_sync(c);
}
