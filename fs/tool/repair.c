/* SPDX-License-Identifier: MIT */
/*
 * Packs whose beginning was damaged and that the checks have read from their
 * end, and those whose end is damaged. With -y the one is written again from the
 * other, in place, first the beginning: it is proven to be the same bytes.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <unistd.h>

#include "fs/store/pack_rebuild.h"
#include "fs/store/segment_file.h"
#include "fs/tool/fsck.h"
#include "lib/base/cleanup.h"
#include "lib/base/file.h"
#include "lib/base/log.h"

static int repair_write(struct fsck *f, const struct pack_row *row, const uint8_t *data, size_t size,
			uint64_t at)
{
	CLEANUP_FREE char *path = segment_file_path(f->path, row->segment);
	CLEANUP_FD int fd = open(path, O_WRONLY | O_CLOEXEC);
	int error = fd < 0 ? -errno : file_pwrite(fd, data, size, row->offset + at);

	if (!error)
		error = file_sync(fd);
	if (error)
		log_error("%s: pack %" PRIu64 " cannot be repaired: %s", path, row->pack, strerror(-error));
	return error;
}

/* *good: the beginning is as it was now. */
static int repair_beginning(struct fsck *f, const struct pack_row *row, bool *good)
{
	CLEANUP_REBUILT struct pack_rebuilt rebuilt = {0};
	int error = reader_rebuild(f->reader, row, &rebuilt);

	if (error == -ENOMEM)
		return error;
	finding(f, "pack %" PRIu64 ": its header or directory is damaged; the data is there%s", row->pack,
		error		   ? ", or was: it does not read again"
		: rebuilt.whole	   ? ""
		: rebuilt.unread ? ", but not all of it can be read"
				 : ", but not all of it");
	if (!f->repair || !rebuilt.whole)
		return 0;
	error = repair_write(f, row, rebuilt.head, rebuilt.head_size, 0);
	*good = error == 0;
	if (!error)
		finding_corrected(f, 1);
	return error;
}

static int repair_end(struct fsck *f, const struct pack_row *row, bool write)
{
	CLEANUP_PACK_END struct pack_end end = {0};
	struct reader_pack *pack = NULL;
	int found = reader_fetch(f->reader, row->pack, &pack);

	if (!found)
		found = reader_end(f->reader, row, pack, &end);
	reader_release(f->reader, pack);
	if (found == -ENOMEM)
		return found;
	finding(f, "pack %" PRIu64 ": its end, the copy of its header and directory, is damaged", row->pack);
	if (!write || found != 1)
		return 0;
	int error = repair_write(f, row, end.data, end.size, end.offset);
	if (!error)
		finding_corrected(f, 1);
	return error;
}

int check_repair(struct fsck *f)
{
	int error = 0;

	for (size_t i = 0; i < f->packs.count && !error; i++) {
		bool good = !f->packs.rows[i].rebuilt;

		if (!good)
			error = repair_beginning(f, &f->packs.rows[i], &good);
		/* While the beginning stays bad the end may be all that there is. */
		if (!error && f->packs.rows[i].end_bad)
			error = repair_end(f, &f->packs.rows[i], f->repair && good);
	}
	return error;
}
