/* SPDX-License-Identifier: MIT */
/*
 * A partition's index written anew: what commits, cuts and overwritten blocks have left behind in it
 * goes. The new one takes the name of the old one when it is durable.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "lib/base/cleanup.h"
#include "lib/base/file.h"
#include "lib/base/mem.h"
#include "target/tape/cartridge_partition.h"

#define INDEX_SLACK (256u << 10)

bool partition_is_bloated(const struct partition *p)
{
	uint64_t live = (uint64_t)p->runs.count * RUN_RECORD + (uint64_t)p->stretches.count * 4;
	for (size_t n = 0; n < p->descriptions.count; n++)
		live += p->descriptions.list[n].size;
	uint64_t size = log_size(&p->log);
	return size > 2 * live + INDEX_SLACK && size > p->compact_at;
}

/* Which descriptions a run or a writer to come refers to; the caller's. */
static bool *partition_used_descriptions(const struct partition *p)
{
	const struct descriptions *d = &p->descriptions;
	bool *used = mem_try_zalloc(d->count + 1, sizeof(*used));
	for (size_t n = 0; used && n < p->runs.count; n++)
		used[p->runs.runs[n].extra] = true;
	for (size_t n = 0; used && n < d->count; n++)
		used[n + 1] |= d->list[n].kept;
	return used;
}

/* Those that are not in the index any more. */
static void partition_drop_descriptions(struct partition *p, const bool *used)
{
	struct descriptions *d = &p->descriptions;
	for (size_t n = 0; n < d->count; n++) {
		if (used[n + 1])
			continue;
		free(d->list[n].data);
		d->list[n] = (struct description){0};
	}
	while (d->count > 0 && !d->list[d->count - 1].data)
		d->count--;
}

static int partition_write_index(struct partition *p, struct page_log *log, const bool *used,
				 const struct partition_identity *identity)
{
	records_put_file(log, p->number, identity);
	for (size_t n = 0; n < p->descriptions.count; n++)
		if (used[n + 1])
			records_put_description(log, (uint32_t)n + 1, &p->descriptions.list[n]);
	records_put_runs(log, &p->runs, 0);
	records_put_checksums(log, &p->stretches, 0);
	records_put_commit(log, &p->runs.end, p->stretches.tail);
	int error = log_commit(log);
	return error ? error : file_sync(log->fd);
}

int partition_compact(int folder, struct partition *p, const struct partition_identity *identity)
{
	char name[16], fresh[16];
	struct page_log log;
	snprintf(name, sizeof(name), "p%u.idx", p->number);
	snprintf(fresh, sizeof(fresh), "p%u.idx.new", p->number);
	p->compact_at = 2 * log_size(&p->log);
	CLEANUP_FD int fd = file_open_regular(folder, fresh, O_RDWR | O_CREAT | O_TRUNC, 0640);
	CLEANUP_FREE bool *used = partition_used_descriptions(p);
	if (fd < 0 || !used)
		return fd < 0 ? fd : -ENOMEM;
	int error = log_start(&log, fd, 0, 0);
	if (error)
		return error;
	error = partition_write_index(p, &log, used, identity);
	if (!error && renameat(folder, fresh, folder, name) < 0)
		error = -errno;
	if (error) {
		unlinkat(folder, fresh, 0);
		log_stop(&log);
		return error;
	}
	/* From here on the old file has no name. */
	partition_drop_descriptions(p, used);
	log_stop(&p->log);
	close(p->index);
	p->index = TAKE_FD(fd);
	p->log = log;
	p->compact_at = 0;
	p->committed = p->runs.end;
	p->shortened = false;
	if (fsync(folder) < 0)
		p->log.error = -errno;
	return p->log.error;
}
