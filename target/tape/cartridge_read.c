/* SPDX-License-Identifier: MIT */
/* Reading a cartridge's bytes, and checking all of them. */
#include <errno.h>
#include <stdlib.h>

#include "lib/base/cleanup.h"
#include "lib/base/crc32c.h"
#include "lib/base/mem.h"
#include "target/tape/cartridge_private.h"

static uint64_t partition_end(struct partition *p)
{
	LOCK_SCOPE(&p->lock);
	return p->runs.end.bytes;
}

int cartridge_pread(struct cartridge *c, unsigned partition, void *data, size_t size,
		    uint64_t offset, bool verify)
{
	struct partition *p = cartridge_partition(c, partition);
	uint64_t end = p ? partition_end(p) : 0;
	if (!p || offset > end || size > end - offset)
		return -EINVAL;
	int error = data_pread(&p->data, data, size, offset);
	if (!error && verify)
		error = partition_verify(p, data, offset, size);
	return error && error != -ENOMEM ? -EIO : error;
}

/* ---- checking -------------------------------------------------------------------------- */

static int check_stretch(struct partition *p, uint64_t stretch, uint8_t *buffer,
			 struct cartridge_check *check)
{
	uint64_t offset = stretch * STRETCH_SIZE;
	uint32_t wanted = 0, length = stretch_length(p, stretch, &wanted);
	if (length == 0)
		return 0;
	int error = data_pread(&p->data, buffer, length, offset);
	check->stretches++;
	check->bytes += length;
	if (!error && crc32c(0, buffer, length) == wanted)
		return 0;
	if (check->damaged++ == 0)
		return runs_find_offset(&p->runs, offset, &check->first_damaged);
	return 0;
}

int cartridge_verify(struct cartridge *c, unsigned partition,
		     int (*progress)(void *context, uint64_t done, uint64_t total), void *context,
		     struct cartridge_check *result)
{
	struct partition *p = cartridge_partition(c, partition);
	CLEANUP_FREE uint8_t *buffer = mem_try_alloc(1, STRETCH_SIZE);
	struct cartridge_check check = {0};
	if (p) {
		check.data_missing = p->shortened;
		check.index_damaged = p->damaged;
		check.index_unfinished = p->unfinished;
	}
	if (!p || !buffer)
		return p ? -ENOMEM : -EINVAL;
	uint64_t total = partition_end(p);
	for (uint64_t stretch = 0; stretch * STRETCH_SIZE < total; stretch++) {
		int error = check_stretch(p, stretch, buffer, &check);
		if (!error && progress)
			error = progress(context, check.bytes, total);
		if (error)
			return error;
	}
	check.filemarks = p->runs.end.filemarks;
	check.blocks = p->runs.end.objects - check.filemarks;
	*result = check;
	return 0;
}
