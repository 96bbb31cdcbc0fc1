/* SPDX-License-Identifier: MIT */
/*
 * Packs whose beginning was damaged and that the checks have read from their
 * end. With -y header and directory are written again, in place: they are
 * proven to be the same bytes.
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

static int repair_write(struct fsck *f, const struct pack_row *row, const struct pack_rebuilt *rebuilt)
{
	CLEANUP_FREE char *path = segment_file_path(f->path, row->segment);
	CLEANUP_FD int fd = open(path, O_WRONLY | O_CLOEXEC);
	int error = fd < 0 ? -errno : file_pwrite(fd, rebuilt->head, rebuilt->head_size, row->offset);

	if (!error)
		error = file_sync(fd);
	if (error)
		log_error("%s: pack %" PRIu64 " cannot be repaired: %s", path, row->pack, strerror(-error));
	return error;
}

static int repair_pack(struct fsck *f, const struct pack_row *row)
{
	CLEANUP_REBUILT struct pack_rebuilt rebuilt = {0};
	int error = reader_rebuild(f->reader, row, &rebuilt);

	if (error)
		return error == -EBADMSG ? 0 : error;
	finding(f, "pack %" PRIu64 ": its header or directory is damaged; the data is there%s", row->pack,
		rebuilt.whole ? "" : ", but not all of it");
	if (!f->repair || !rebuilt.whole)
		return 0;
	error = repair_write(f, row, &rebuilt);
	if (!error)
		finding_corrected(f, 1);
	return error;
}

int check_repair(struct fsck *f)
{
	int error = 0;

	for (size_t i = 0; i < f->packs.count && !error; i++)
		if (f->packs.rows[i].rebuilt)
			error = repair_pack(f, &f->packs.rows[i]);
	return error;
}
