/* SPDX-License-Identifier: MIT */
/*
 * Checksums over stretches of STRETCH_SIZE bytes of pN.data, counted from its first byte, and the
 * descriptions of runs.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/cleanup.h"
#include "lib/base/crc32c.h"
#include "lib/base/mem.h"
#include "target/tape/cartridge_partition.h"

#define PIECE (64u << 10) /* bytes that are read at once to be checked */

void stretches_free(struct stretches *stretches)
{
	free(stretches->checksums);
	*stretches = (struct stretches){0};
}

int stretches_reserve(struct stretches *stretches, uint64_t more_bytes)
{
	return mem_reserve(&stretches->checksums, &stretches->room,
			   stretches->count + (size_t)(more_bytes / STRETCH_SIZE) + 1,
			   sizeof(*stretches->checksums));
}

void stretches_add(struct stretches *stretches, uint64_t bytes, const void *data, size_t size)
{
	const uint8_t *p = data;
	while (size > 0) {
		size_t part = STRETCH_SIZE - (size_t)(bytes % STRETCH_SIZE);
		if (part > size)
			part = size;
		stretches->tail = crc32c(stretches->tail, p, part);
		bytes += part;
		p += part;
		size -= part;
		if (bytes % STRETCH_SIZE == 0) {
			stretches->checksums[stretches->count++] = stretches->tail;
			stretches->tail = 0;
		}
	}
}

/* Goes on from *checksum over the file's bytes. */
static int checksum_range(struct data_file *data, uint64_t offset, uint64_t size, uint32_t *checksum)
{
	CLEANUP_FREE uint8_t *piece = mem_try_alloc(1, PIECE);
	if (!piece)
		return -ENOMEM;
	while (size > 0) {
		size_t part = size < PIECE ? (size_t)size : PIECE;
		int error = data_pread(data, piece, part, offset);
		if (error)
			return error;
		*checksum = crc32c(*checksum, piece, part);
		offset += part;
		size -= part;
	}
	return 0;
}

int stretches_truncate(struct stretches *stretches, struct data_file *data, uint64_t old_bytes,
		       uint64_t bytes)
{
	uint64_t stretch = bytes / STRETCH_SIZE, start = stretch * STRETCH_SIZE, end = old_bytes;
	uint32_t old = stretches->tail, kept = 0, all;
	if (bytes == old_bytes)
		return 0;
	if (bytes > start) {
		if (stretch < stretches->count) {
			old = stretches->checksums[stretch];
			end = start + STRETCH_SIZE;
		}
		int error = checksum_range(data, start, bytes - start, &kept);
		all = kept;
		if (!error)
			error = checksum_range(data, bytes, end - bytes, &all);
		if (error == -ENOMEM)
			return error;
		/* What is damaged is not made good by a new checksum: one that does not fit stays. A
		 * file that ends here has nothing to be compared with. */
		if (error != -ENODATA && (error || all != old))
			kept = ~kept;
	}
	stretches->count = stretch < stretches->count ? (size_t)stretch : stretches->count;
	stretches->tail = kept;
	return 0;
}

uint32_t stretch_length(struct partition *p, uint64_t stretch, uint32_t *checksum)
{
	LOCK_SCOPE(&p->lock);
	uint64_t left = p->runs.end.bytes - p->stretches.count * (uint64_t)STRETCH_SIZE;
	if (stretch > p->stretches.count)
		return 0;
	if (stretch < p->stretches.count) {
		*checksum = p->stretches.checksums[stretch];
		return STRETCH_SIZE;
	}
	*checksum = p->stretches.tail;
	return (uint32_t)left;
}

/* The stretch from the file; `upto` bytes of it are wanted at least. */
static int stretch_verify(struct partition *p, uint64_t stretch, uint64_t upto)
{
	uint32_t wanted = 0, found = 0;
	pthread_mutex_lock(&p->lock);
	bool known = p->verified == stretch + 1 && upto <= p->verified_size;
	pthread_mutex_unlock(&p->lock);
	if (known)
		return 0;
	uint32_t length = stretch_length(p, stretch, &wanted);
	if (upto > length)
		return -EIO;
	int error = checksum_range(&p->data, stretch * STRETCH_SIZE, length, &found);
	if (error)
		return error == -ENOMEM ? error : -EIO;
	if (found != wanted)
		return -EIO;
	LOCK_SCOPE(&p->lock);
	p->verified = stretch + 1;
	p->verified_size = length;
	return 0;
}

/* All of it is in `data`, which begins at `offset`; 1: it is not. */
static int stretch_verify_in(struct partition *p, uint64_t stretch, const uint8_t *data,
			     uint64_t offset, size_t size)
{
	uint64_t start = stretch * STRETCH_SIZE;
	uint32_t wanted = 0, length = stretch_length(p, stretch, &wanted);
	if (length == 0 || start < offset || start + length > offset + size)
		return 1;
	return crc32c(0, data + (start - offset), length) == wanted ? 0 : -EIO;
}

int partition_verify(struct partition *p, const void *data, uint64_t offset, size_t size)
{
	uint64_t at = offset, end = offset + size;
	while (at < end) {
		uint64_t stretch = at / STRETCH_SIZE, next = (stretch + 1) * STRETCH_SIZE;
		uint64_t upto = end < next ? end : next;
		int error = stretch_verify_in(p, stretch, data, offset, size);
		if (error > 0)
			error = stretch_verify(p, stretch, upto - stretch * STRETCH_SIZE);
		if (error)
			return error;
		at = upto;
	}
	return 0;
}

/* ---- descriptions ---------------------------------------------------------------------- */

void descriptions_free(struct descriptions *descriptions)
{
	for (size_t n = 0; n < descriptions->count; n++)
		free(descriptions->list[n].data);
	free(descriptions->list);
	*descriptions = (struct descriptions){0};
}

int descriptions_add(struct descriptions *descriptions, uint32_t number, const void *data,
		     size_t size)
{
	if (number <= descriptions->count)
		return -EBADMSG;
	int error = mem_reserve(&descriptions->list, &descriptions->room, number,
				sizeof(*descriptions->list));
	if (error)
		return error;
	uint8_t *copy = mem_try_alloc(1, size ? size : 1);
	if (!copy)
		return -ENOMEM;
	if (size)
		memcpy(copy, data, size);
	while (descriptions->count < number)
		descriptions->list[descriptions->count++] = (struct description){0};
	descriptions->list[number - 1] = (struct description){copy, (uint32_t)size, false};
	return 0;
}

const struct description *partition_description(const struct partition *p, uint32_t number)
{
	if (number == 0 || number > p->descriptions.count || !p->descriptions.list[number - 1].data)
		return NULL;
	return &p->descriptions.list[number - 1];
}

int partition_add_description(struct partition *p, const void *data, size_t size, uint32_t *number)
{
	struct descriptions *d = &p->descriptions;
	if (size > CARTRIDGE_DESCRIPTION_MAX)
		return -EINVAL;
	for (size_t n = d->count; n > 0 && n + 64 > d->count; n--) {
		struct description *old = &d->list[n - 1];
		if (old->data && old->size == size && memcmp(old->data, data, size) == 0) {
			old->kept = true;
			*number = (uint32_t)n;
			return 0;
		}
	}
	if (d->count >= DESCRIPTIONS_MAX)
		return -ENOSPC;
	int error = log_allocate(&p->log, RECORD_MAX, LOG_RESERVE);
	if (!error)
		error = descriptions_add(d, (uint32_t)d->count + 1, data, size);
	if (error)
		return error;
	d->list[d->count - 1].kept = true;
	records_put_description(&p->log, (uint32_t)d->count, &d->list[d->count - 1]);
	p->dirty = true;
	*number = (uint32_t)d->count;
	return 0;
}
